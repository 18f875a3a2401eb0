"""Votes by hand at every edge, in exact fractions, and against counting every way it can end."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction as F
from itertools import product

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from communityplan.consent import (
    GATES,
    Gate,
    as_numbers,
    consent_gaps,
    consent_sentences,
    consent_stages,
    consent_states,
    consent_status,
    read_owners,
    read_votes,
    vote_problems,
)
from communityplan.errors import DataError, OptionError

HALF = "civil_code_278_half"
THREE_QUARTERS = "civil_code_278_three_quarters"
OLD_HALF = "property_law_76_half"
OLD_TWO_THIRDS = "property_law_76_two_thirds"


def owners_of(*areas, **columns):
    flats = [str(number) for number in range(len(areas))]
    return pd.DataFrame({"flat_id": flats, "area_m2": [str(area) for area in areas], **columns})


def votes_of(choices, **columns):
    """One letter per flat: y agrees, n is against, o abstains, a dot says nothing."""
    words = {"y": "agree", "n": "against", "o": "abstain"}
    cast = [(str(flat), words[letter]) for flat, letter in enumerate(choices) if letter != "."]
    return pd.DataFrame(cast, columns=["flat_id", "choice"]).assign(**columns)


def status(choices, gate, *, areas=None, **options):
    owners = owners_of(*(areas or [50] * len(choices)))
    return consent_status(owners, votes_of(choices), gate=gate, **options).iloc[0]


# edges, by hand: the share is met exactly, or missed by one owner


@pytest.mark.parametrize(
    ("choices", "gate", "passes"),
    [
        ("yyyyn", "agree_80", True),  # 4 of 5 is exactly 80 %
        ("yyyyyyyynn", "plan_80", True),  # 8 of 10
        ("yyyyyyynnn", "satisfied_80", False),  # 7 of 10
        ("yyynn", "agree_80", False),
        # double half of all owners: exactly 1/2 is not more than half
        ("yyy...", OLD_HALF, False),
        ("yyyy..", OLD_HALF, True),
        # at least two thirds of all: exactly 4 of 6 is enough
        ("yyyy..", OLD_TWO_THIRDS, True),
        ("yyy...", OLD_TWO_THIRDS, False),
        # quorum: exactly 4 of 6 take part; 3 of 4 is more than half, and exactly three quarters
        ("yyyn..", HALF, True),
        ("yyyn..", THREE_QUARTERS, True),
        # exactly half of those taking part
        ("yynn..", HALF, False),
        # 3 of 6 take part and all agree: no quorum
        ("yyy...", HALF, False),
        # abstaining is taking part: 2 of 4 agree
        ("yyoo..", HALF, False),
        ("yyyo..", THREE_QUARTERS, True),
        ("yyoo..", THREE_QUARTERS, False),
        # the smallest approval of all by the three quarters: 6 of 8 of 12 owners, half of all
        ("yyyyyynn....", THREE_QUARTERS, True),
        ("yyyyynnn....", THREE_QUARTERS, False),
    ],
)
def test_every_edge_by_hand(choices, gate, passes):
    found = status(choices, gate)
    assert found["passes_now"] == passes
    assert (not pd.isna(found["missing_owners"]) and found["missing_owners"] == 0) == passes
    assert status(choices, gate, closed=True)["state"] == ("reached" if passes else "failed")


def test_both_measures_have_to_pass():
    # by number 3 of 5 agree; by area 30 of 130
    found = status("yyynn", OLD_HALF, areas=[10, 10, 10, 50, 50])
    assert (found["share_number"], found["share_area"]) == (F(3, 5), F(30, 130))
    assert found["state"] == "failed"
    # by number 2 of 5, by area 100 of 130
    found = status("yynnn", OLD_HALF, areas=[50, 50, 10, 10, 10])
    assert (found["share_number"], found["share_area"]) == (F(2, 5), F(100, 130))
    assert not found["passes_now"]


def test_the_last_hundredth_of_a_square_metre_decides():
    # in floats 0.1 + 0.2 is above 0.3; in decimals it is exactly half of 0.6
    assert not status("yyn", OLD_HALF, areas=["0.1", "0.2", "0.3"])["passes_now"]
    found = status("yyn", OLD_HALF, areas=["0.1", "0.2", "0.3"])
    assert found["share_area"] == F(1, 2)
    assert status("yyn", OLD_HALF, areas=["60.01", "60.00", "120.00"])["passes_now"]
    owners = owners_of("x", "x", "x").assign(area_m2=[0.1, 0.2, 0.3])
    read_as_floats = consent_status(owners, votes_of("yyn"), gate=OLD_HALF).iloc[0]
    assert read_as_floats["share_area"] == F(1, 2)


def test_old_and_new_double_half_differ():
    # 4 of 6 take part, 3 agree: half of all is not exceeded, half of those taking part is
    both = consent_status(owners_of(*[50] * 6), votes_of("yyyn.."), gate=[OLD_HALF, HALF])
    assert both.set_index("gate")["passes_now"].to_dict() == {OLD_HALF: False, HALF: True}
    assert both["share_number"].tolist() == [F(1, 2), F(3, 4)]


# what is missing, and how it can end


def test_what_is_missing_by_hand():
    # 2 of 6 agree, 100 of 300 m2. More than half of all: 4 owners and more than 150 m2
    found = status("yy....", OLD_HALF)
    assert (found["missing_number"], found["missing_m2"], found["missing_owners"]) == (2, 50, 2)
    # 80 % of 6 is 4.8, so 5 owners; one is against, the last three have to agree
    found = status("yyn...", "agree_80")
    assert (found["missing_number"], found["missing_m2"], found["missing_owners"]) == (3, 0, 3)
    assert status("ynn...", "agree_80")["state"] == "failed"
    assert pd.isna(status("ynn...", "agree_80")["missing_owners"])
    # three quarters of those taking part, 1 agrees and 1 is against: (1 + k) / (2 + k) with k = 2
    found = status("yn....", THREE_QUARTERS)
    assert (found["missing_number"], found["missing_m2"], found["missing_owners"]) == (2, 100, 2)
    # only the quorum is missing: one of six
    found = status("yyy...", HALF)
    assert (found["missing_number"], found["missing_m2"]) == (1, 50)
    assert not found["quorum_met"]


def test_the_largest_flats_bring_it_first():
    # more than half of 200 m2 and of 5 owners: the 100 and the 40 are not enough owners
    found = status(".....", OLD_HALF, areas=[100, 40, 20, 20, 20])
    assert (found["missing_number"], found["missing_m2"], found["missing_owners"]) == (3, 100, 3)
    # the owners are there, the area is not: 60 of 200; the one with 100 does it alone
    found = status(".nyyy", OLD_HALF, areas=[100, 40, 20, 20, 20])
    assert (found["missing_number"], found["missing_m2"], found["missing_owners"]) == (0, 40, 1)


def test_states_and_ranges():
    assert status("yyyy.n", OLD_HALF)["state"] == "reached"
    found = status("yyy..n", OLD_HALF)
    assert found["state"] == "open"
    assert (found["low_number"], found["high_number"]) == (F(3, 6), F(5, 6))
    assert status("yyynnn", OLD_HALF)["state"] == "failed"
    # passes now, but the two who are silent could turn it: 3 of 6
    found = status("yyyn..", HALF)
    assert (found["passes_now"], found["state"]) == (True, "open")
    assert (found["response_number"], found["response_area"]) == (F(2, 3), F(2, 3))
    closed = status("yyyn..", HALF, closed=True)
    assert (closed["low_number"], closed["high_area"]) == (F(3, 4), F(3, 4))


def test_nobody_has_voted():
    found = status("...", HALF)
    assert found["state"] == "open"
    assert found["share_number"] is None
    assert found["missing_number"] == 2
    assert status("...", HALF, closed=True)["state"] == "failed"


def test_by_building():
    owners = owners_of(50, 50, 50, 50, building_id=["A", "A", "B", "B"])
    table = consent_status(owners, votes_of("yy.n"), gate=OLD_HALF)
    assert table["scope"].tolist() == ["all", "building", "building"]
    assert table["agree"].tolist() == [2, 2, 0]
    assert table["state"].tolist() == ["open", "reached", "failed"]
    parts = table[table["scope"] == "building"]
    assert parts["owners"].sum() == table["owners"].iloc[0]
    assert parts["area_m2"].sum() == table["area_m2"].iloc[0]
    plain = as_numbers(table)
    assert plain["share_number"].tolist() == [0.5, 1.0, 0.0]
    assert plain["missing_m2"].isna().tolist() == [False, False, True]
    assert plain.attrs == table.attrs


def test_one_owner_of_several_flats_has_one_vote():
    owners = owners_of(50, 50, 50, 50, owner_id=["firm", "firm", "li", "wu"])
    found = consent_status(owners, votes_of("y..."), gate=OLD_HALF).iloc[0]
    assert (found["owners"], found["agree"], found["agree_m2"]) == (3, 1, 100)
    # the firm votes twice and differently
    listed = vote_problems(owners, votes_of("yn.."))
    assert listed["kind"].tolist() == ["contradictory"] * 2
    assert listed["counted"].tolist() == [False, True]


# every way it can end, on small cases

LETTERS = st.text("yno.", min_size=1, max_size=6)
AREAS = st.lists(st.integers(1, 9), min_size=6, max_size=6)


def passes_naively(choices, areas, gate):
    """The rule once more, read off the statute, in whole numbers."""
    sides = []
    for weights in ([1] * len(choices), areas):
        total = sum(weights)
        part = sum(w for w, c in zip(weights, choices, strict=True) if c != ".")
        agree = sum(w for w, c in zip(weights, choices, strict=True) if c == "y")
        sides.append(
            {
                "agree_80": 5 * agree >= 4 * total,
                HALF: 3 * part >= 2 * total and 2 * agree > part,
                THREE_QUARTERS: 3 * part >= 2 * total and 4 * agree >= 3 * part and part > 0,
                OLD_HALF: 2 * agree > total,
                OLD_TWO_THIRDS: 3 * agree >= 2 * total,
            }[gate]
        )
    return sides[0] if gate == "agree_80" else all(sides)


@given(
    LETTERS, AREAS, st.sampled_from(["agree_80", HALF, THREE_QUARTERS, OLD_HALF, OLD_TWO_THIRDS])
)
@settings(deadline=None, max_examples=250)
def test_against_every_way_it_can_end(choices, areas, gate):
    areas = areas[: len(choices)]
    found = status(choices, gate, areas=areas)
    silent = [at for at, letter in enumerate(choices) if letter == "."]
    ends, fewest = set(), None
    for answers in product("yn.", repeat=len(silent)):
        full = list(choices)
        for at, answer in zip(silent, answers, strict=True):
            full[at] = answer
        passed = passes_naively(full, areas, gate)
        ends.add(passed)
        if passed and "n" not in answers:
            yes = answers.count("y")
            fewest = yes if fewest is None else min(fewest, yes)
    now = passes_naively(choices, areas, gate)
    assert found["passes_now"] == now
    assert found["state"] == (
        "open" if len(ends) == 2 else "reached" if ends == {True} else "failed"
    )
    assert (None if pd.isna(found["missing_owners"]) else found["missing_owners"]) == fewest
    if fewest is not None:
        assert found["missing_number"] <= fewest
        assert found["low_number"] <= found["high_number"]


@given(st.text("yno.", min_size=2, max_size=8), st.integers(0, 7))
@settings(deadline=None, max_examples=80)
def test_one_more_vote_for_it_never_hurts(choices, at):
    at %= len(choices)
    after = choices[:at] + "y" + choices[at + 1 :]
    owners = owners_of(*[50] * len(choices))
    before, more = (
        consent_status(owners, votes_of(letters), gate=list(GATES)) for letters in (choices, after)
    )
    assert (more["passes_now"] >= before["passes_now"]).all()
    assert (more["high_number"] >= before["high_number"]).all()


# late, repeated and impossible votes


def repeated_votes():
    return pd.DataFrame(
        {
            "flat_id": ["0", "1", "0", "2", "2", "1"],
            "choice": ["agree", "反对", "against", "同意", "agree", "agree"],
            "cast_at": [
                "2026-05-02 09:00",
                "2026-05-01",
                "2026-05-01 09:00",
                "2026-05-01",
                "2026-05-03",
                "2026-06-01 00:00",
            ],
        }
    )


def test_late_and_repeated_votes_are_reported():
    owners = owners_of(50, 50, 50)
    listed = vote_problems(owners, repeated_votes(), deadline="2026-05-31")
    assert listed[["row", "kind", "counted"]].values.tolist() == [
        [1, "contradictory", True],  # cast after row 3
        [3, "contradictory", False],
        [4, "duplicate", False],
        [5, "duplicate", True],
        [6, "late", False],
    ]
    last = consent_status(owners, repeated_votes(), gate=OLD_HALF, deadline="2026-05-31").iloc[0]
    assert (last["agree"], last["against"]) == (2, 1)
    first = consent_status(
        owners, repeated_votes(), gate=OLD_HALF, deadline="2026-05-31", repeated="first"
    )
    assert (first["agree"].iloc[0], first["against"].iloc[0]) == (1, 2)
    assert len(first.attrs["communityplan"]["problems"]) == 5


def test_a_date_is_a_whole_day_and_a_time_is_a_moment():
    owners = owners_of(50, 50)
    votes = votes_of("yy", cast_at=["2026-05-31 23:59:59", "2026-05-31 18:00"])
    for deadline, late in [
        ("2026-05-31", []),
        (dt.date(2026, 5, 31), []),
        ("2026-05-31 18:00", [1]),
        (dt.datetime(2026, 5, 31, 17, 59), [1, 2]),
    ]:
        assert vote_problems(owners, votes, deadline=deadline)["row"].tolist() == late


def test_repeated_votes_can_be_refused():
    with pytest.raises(DataError) as raised:
        vote_problems(owners_of(50, 50, 50), repeated_votes(), repeated="refuse")
    assert len(raised.value.problems) == 6
    assert "votes, row 6: contradictory vote for flat '1'" in str(raised.value)


def test_everything_wrong_with_votes_in_one_error():
    votes = votes_of("yyy", cast_at=["2026-05-01", "soon", None])
    votes.loc[0, "flat_id"] = "99"
    votes.loc[1, "choice"] = "perhaps"
    with pytest.raises(DataError) as raised:
        consent_status(owners_of(50, 50, 50), votes, gate=HALF)
    said = str(raised.value)
    assert "4 problems" in said
    assert "row 1: flat '99' is not in owners" in said
    assert "row 2: choice is 'perhaps'" in said
    assert "row 2: cast_at is 'soon'" in said
    assert "row 3: cast_at is" in said


def test_everything_wrong_with_owners_in_one_error():
    owners = owners_of(50, -1, "1e3", "nan").assign(flat_id=["a", "a", "b", "c"])
    with pytest.raises(DataError) as raised:
        consent_status(owners, votes_of(""), gate=HALF)
    said = str(raised.value)
    assert "row 2: flat_id 'a' is already in row 1" in said
    assert all(f"row {row}: area_m2" in said for row in (2, 3, 4))
    with pytest.raises(DataError, match="no rows"):
        consent_status(owners.iloc[:0], votes_of(""), gate=HALF)
    with pytest.raises(DataError, match="no column 'area_m2'"):
        consent_status(owners[["flat_id"]], votes_of(""), gate=HALF)


def test_areas_have_to_add_up():
    owners = owners_of("50.1", "50.2", "60", building_id=["A", "A", "B"])
    votes = votes_of("y..")
    assert len(consent_status(owners, votes, gate=HALF, total_area_m2="160.30")) == 3
    good = {"A": "100.3", "B": 60}
    assert len(consent_status(owners, votes, gate=HALF, total_area_m2=good)) == 3
    with pytest.raises(DataError, match=r"add up to 160\.3 m2, stated are 160\.31 m2"):
        consent_status(owners, votes, gate=HALF, total_area_m2="160.31")
    with pytest.raises(DataError, match="building A: the areas") as raised:
        consent_status(owners, votes, gate=HALF, total_area_m2={"A": "100", "C": "1"})
    assert len(raised.value.problems) == 3


def test_times_with_and_without_a_zone():
    votes = votes_of("y", cast_at=["2026-05-01 10:00+08:00"])
    with pytest.raises(DataError, match="only one of cast_at and the deadline"):
        vote_problems(owners_of(50), votes, deadline="2026-05-31")
    assert vote_problems(owners_of(50), votes, deadline="2026-05-31 18:00+08:00").empty
    mixed = votes_of("yy", cast_at=["2026-05-01 10:00+08:00", "2026-05-01"])
    with pytest.raises(DataError, match="some do not"):
        vote_problems(owners_of(50, 50), mixed)


def test_options_without_a_meaning():
    with pytest.raises(OptionError, match="no gate 'all'"):
        status("y", "all")
    with pytest.raises(OptionError, match="repeated is 'best'"):
        status("y", HALF, repeated="best")
    with pytest.raises(OptionError, match="deadline is 'soon'"):
        vote_problems(owners_of(50), votes_of("y", cast_at="2026-05-01"), deadline="soon")
    with pytest.raises(DataError, match="no column 'cast_at'"):
        vote_problems(owners_of(50), votes_of("y"), deadline="2026-05-31")


# gates


def test_gates_of_your_own():
    lift = Gate("lift", least="2/3", more_than=True, by=("number",), source="street office")
    assert not status("yyn", lift)["passes_now"]
    assert status("yyyn", lift)["passes_now"]
    everybody = Gate("all", least=1, base="taking_part")
    assert status("yy.", everybody)["passes_now"]
    assert status("yn.", everybody)["state"] == "failed"


@pytest.mark.parametrize("least", [0.8, 0, "5/4", "most", "1/0", True])
def test_shares_of_gates_are_exact(least):
    if least is True:
        assert Gate("x", least=least).least == 1
        return
    with pytest.raises(OptionError, match="least is"):
        Gate("x", least=least)


def test_gates_that_make_no_sense():
    with pytest.raises(OptionError, match="more than all"):
        Gate("x", least=1, more_than=True)
    with pytest.raises(OptionError, match="by is"):
        Gate("x", least="1/2", by=())
    with pytest.raises(OptionError, match="base is"):
        Gate("x", least="1/2", base="some")


def test_published_gates_have_a_source_and_say_what_was_not_seen():
    for gate in GATES.values():
        assert gate.source
        assert gate.zh
        assert gate.en
        assert not gate.verified
    table = consent_status(owners_of(50), votes_of("y"), gate=list(GATES))
    assert table["verified"].tolist() == [False] * len(GATES)


# several gates from one list, files, gaps by building, sentences


@pytest.mark.parametrize(
    ("agree", "against", "owners", "gate", "passes"),
    [
        # exactly 80 %, and one vote short of it
        (80, 20, 100, "plan_80", True),
        (79, 21, 100, "plan_80", False),
        (4_000, 0, 5_000, "satisfied_80", True),
        (3_999, 0, 5_000, "satisfied_80", False),
        # the quorum exactly two thirds, and one owner short of it
        (101, 99, 300, HALF, True),
        (100, 99, 300, HALF, False),
        # exactly half of those taking part is not more than half
        (100, 100, 300, HALF, False),
        # exactly three quarters are enough
        (150, 50, 300, THREE_QUARTERS, True),
        (149, 51, 300, THREE_QUARTERS, False),
        (151, 149, 300, OLD_HALF, True),
        (150, 150, 300, OLD_HALF, False),
        (200, 100, 300, OLD_TWO_THIRDS, True),
        (199, 101, 300, OLD_TWO_THIRDS, False),
    ],
)
def test_every_edge_with_many_owners(agree, against, owners, gate, passes):
    choices = "y" * agree + "n" * against + "." * (owners - agree - against)
    # areas that no float holds exactly; equal, so that the area is on the same edge
    found = status(choices, gate, areas=["33.1"] * owners, closed=True)
    assert found["state"] == ("reached" if passes else "failed")


def test_the_area_alone_can_miss_its_edge():
    # 200 of 300 owners take part with exactly two thirds of the area, or 0.01 m2 less
    areas = ["20"] * 200 + ["20"] * 100
    assert status("y" * 200 + "." * 100, HALF, areas=areas)["passes_now"]
    areas[0] = "19.99"
    found = status("y" * 200 + "." * 100, HALF, areas=areas)
    assert not found["passes_now"]
    assert not found["quorum_met"]
    # 3 of 4 owners with exactly three quarters of the area, or 0.01 m2 less
    assert status("yyyn", THREE_QUARTERS, areas=["10", "10", "10", "10"])["passes_now"]
    assert not status("yyyn", THREE_QUARTERS, areas=["9.99", "10", "10", "10"])["passes_now"]


def test_a_survey_needs_no_areas():
    owners = owners_of(*[50] * 5).drop(columns="area_m2")
    found = consent_status(owners, votes_of("yyyyn"), gate=["agree_80", "plan_80"])
    assert found["state"].tolist() == ["reached"] * 2
    assert found["area_m2"].isna().all()
    assert as_numbers(found)["response_area"].isna().all()
    with pytest.raises(DataError, match="no column 'area_m2'"):
        consent_status(owners, votes_of("yyyyn"), gate=["agree_80", HALF])
    with pytest.raises(DataError, match="no column 'area_m2'"):
        consent_status(owners, votes_of("yyyyn"), gate="agree_80", total_area_m2=250)


def test_owners_and_votes_in_one_error():
    owners = owners_of(50, 0, 50)
    votes = pd.DataFrame({"flat_id": ["0", "9"], "choice": ["agree", "agree"]})
    with pytest.raises(DataError) as raised:
        consent_status(owners, votes, gate=HALF)
    assert [problem.where for problem in raised.value.problems] == ["owners, row 2", "votes, row 2"]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_files_with_the_headings_of_a_committee(tmp_path, ending):
    owners = [["房号", "楼号", "建筑面积（㎡）"], ["1-101", "1", "60.10"], ["2-101", "2", "59.90"]]
    votes = [
        ["房号", "表决事项", "意见", "时间"],
        ["1-101", "改造前80%同意", "同意", "2026-05-01 10:00"],
        ["2-101", "agree_80", "同意", "2026-05-01 10:00"],
        ["2-101", "plan_80", "弃权", "2026-05-01 10:00"],
        ["2-101", "80 % behind the plan", "同意", "2026-06-02 10:00"],
    ]
    paths = []
    for name, rows in (("owners", owners), ("votes", votes)):
        path = tmp_path / f"{name}.{ending}"
        frame = pd.DataFrame(rows)
        if ending == "csv":
            frame.to_csv(path, index=False, header=False, encoding="gbk")
        else:
            frame.to_excel(path, index=False, header=False)
        paths.append(path)
    flats, cast = read_owners(paths[0]), read_votes(paths[1])
    found = consent_stages(flats, cast, deadline="2026-05-31", total_area_m2="120.00")
    # of two owners one abstains on the plan: 80 % are out of reach
    assert consent_states(found) == {"agree_80": "reached", "plan_80": "failed"}
    assert found["area_m2"].iloc[0] == 120
    late = found.attrs["communityplan"]["problems"]
    assert [(one["gate"], one["row"], one["kind"]) for one in late] == [("plan_80", 5, "late")]
    cast.loc[3, "gate"] = "lift"
    cast.loc[4, "flat_id"] = "9-999"
    with pytest.raises(DataError) as raised:
        consent_stages(flats, cast)
    said = str(raised.value)
    assert f"{paths[1]}" in said
    assert "row 3: gate is 'lift'" in said
    assert "row 4: flat '9-999' is not in owners" in said


def test_stages_one_by_one():
    owners = owners_of(50, 50, 50, 50, 50)
    votes = pd.concat([votes_of("yyyy.", gate="agree_80"), votes_of("yyn..", gate="plan_80")])
    found = consent_stages(
        owners, votes, gates=["plan_80", "agree_80", "satisfied_80"], closed=["plan_80"]
    )
    assert consent_states(found) == {
        "plan_80": "failed", "agree_80": "reached", "satisfied_80": "open",
    }  # fmt: skip
    for gate, letters in (("agree_80", "yyyy."), ("satisfied_80", ".....")):
        alone = consent_status(owners, votes_of(letters), gate=gate)
        part = found[found["gate"] == gate].reset_index(drop=True)
        pd.testing.assert_frame_equal(part, alone, check_dtype=False)
    dated = votes.assign(cast_at="2026-05-02")
    late = consent_stages(owners, dated, deadline={"agree_80": "2026-05-01"})
    assert consent_states(late) == {"agree_80": "open", "plan_80": "open"}
    every = consent_stages(owners, votes_of("yyyy."), gates=["agree_80", OLD_HALF])
    assert set(consent_states(every).values()) == {"reached"}
    with pytest.raises(DataError, match="no column 'gate'"):
        consent_stages(owners, votes_of("yyyy."))


@given(st.text("yno.", min_size=1, max_size=9), st.sampled_from(list(GATES)), st.booleans())
@settings(deadline=None, max_examples=120)
def test_gaps_add_up_to_what_is_missing(choices, gate, closed):
    buildings = [str(at % 3) for at in range(len(choices))]
    owners = owners_of(*[50 + at for at in range(len(choices))], building_id=buildings)
    whole = consent_status(owners, votes_of(choices), gate=gate, closed=closed).iloc[0]
    gaps = consent_gaps(owners, votes_of(choices), gate=gate, closed=closed)
    for column in ("owners", "answered", "agree", "against", "abstain"):
        assert gaps[column].sum() == whole[column]
    assert gaps["silent"].sum() == whole["owners"] - whole["answered"]
    if pd.isna(whole["missing_owners"]):
        assert gaps["ask"].isna().all()
    else:
        assert gaps["ask"].sum() == whole["missing_owners"]
        assert (gaps["ask"] <= gaps["silent"]).all()
        # whoever is asked and agrees brings it
        if whole["missing_owners"] and not closed:
            silent = [at for at, letter in enumerate(choices) if letter == "."]
            first = sorted(silent, key=lambda at: -(50 + at))[: whole["missing_owners"]]
            full = "".join("y" if at in first else c for at, c in enumerate(choices))
            assert consent_status(owners, votes_of(full), gate=gate)["passes_now"].iloc[0]


def test_every_state_has_its_sentence():
    said = {}
    for choices, closed in (
        ("yyyyy.", False), ("yyyn..", False), ("yy....", False), ("nnn...", False),
        ("yyyyy.", True), ("nnn...", True),
    ):  # fmt: skip
        found = consent_status(owners_of(*[50] * 6), votes_of(choices), gate=HALF, closed=closed)
        sentences = consent_sentences(found)
        said[choices, closed] = sentences["zh"].iloc[0], sentences["en"].iloc[0]
    for (choices, closed), zh, en in (
        (("yyyyy.", False), "已通过", "passed, whatever"),
        (("yyyn..", False), "目前达标，但结果仍可能改变", "passes as it stands"),
        (("yy....", False), "至少还需2户同意", "at least 2 more owners"),
        (("nnn...", False), "已无法通过", "failed, even if"),
        (("yyyyy.", True), "表决结束，通过", "voting is over, passed"),
        (("nnn...", True), "表决结束，未通过", "voting is over, failed"),
    ):
        assert zh in said[choices, closed][0]
        assert en in said[choices, closed][1]
        assert "未经原文核实" in said[choices, closed][0]
    assert "参与未达2/3" in said["yy....", False][0]


def test_a_sentence_never_rounds_up_to_the_threshold():
    # 3,999 of 5,000 are 79.98 %
    choices = "y" * 3_999 + "n" * 1_001
    found = consent_status(owners_of(*[50] * 5_000), votes_of(choices), gate="agree_80")
    said = consent_sentences(found)["en"].iloc[0]
    assert "≈ 79.9 % agree by number, required at least 4/5 = 80 %" in said


def test_further_words_and_households_without_an_answer():
    owners = owners_of(*[50] * 5)
    votes = pd.DataFrame(
        {
            "flat_id": list("01234"),
            "choice": ["满意", "基本满意", "满意", "满意", "未表态"],
            "cast_at": ["2026-05-01"] * 4 + [None],
        }
    )
    with pytest.raises(DataError, match="row 2: choice is '基本满意'"):
        consent_status(owners, votes, gate="satisfied_80")
    words = {"基本满意": "agree"}
    found = consent_status(owners, votes, gate="satisfied_80", words=words).iloc[0]
    assert (found["agree"], found["answered"], found["state"]) == (4, 4, "reached")
    strict = consent_status(owners, votes, gate="satisfied_80", words={"基本满意": "against"})
    assert strict["state"].iloc[0] == "open"
    stages = consent_stages(owners, votes, gates=["satisfied_80"], words=words)
    assert consent_states(stages) == {"satisfied_80": "reached"}
    assert vote_problems(owners, votes, words=words).empty
    with pytest.raises(OptionError, match="'好': 'good'"):
        consent_gaps(owners, votes, gate="satisfied_80", words={"好": "good"})


def test_an_area_on_the_vote_has_to_be_the_owners():
    votes = votes_of("yyy").assign(area_m2=["50.0", None, "49.99"])
    with pytest.raises(DataError) as raised:
        consent_status(owners_of(50, 50, 50), votes, gate=HALF)
    assert [problem.where for problem in raised.value.problems] == ["votes, row 3"]
    assert "area_m2 is 49.99, owners have 50 for flat '2'" in str(raised.value)
    assert len(consent_status(owners_of(50, 50, "49.99"), votes, gate=HALF)) == 1


def test_a_gate_by_its_fields():
    lift = {"name": "lift", "least": "2/3", "by": "number", "source": "street office"}
    found = consent_status(owners_of(50, 50, 50), votes_of("yyn"), gate=["plan_80", lift])
    assert consent_states(found) == {"plan_80": "failed", "lift": "reached"}
    with pytest.raises(OptionError, match="a gate has name, least"):
        status("y", {"name": "lift", "atleast": "2/3"})
