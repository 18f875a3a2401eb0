"""Votes by hand at every edge, in exact fractions, and against counting every way it can end."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction as F
from itertools import product

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from communityplan.consent import GATES, Gate, as_numbers, consent_status, vote_problems
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
