"""The ledger: sums by hand, a naive second count, promises, bad input."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import communityplan as cp
from communityplan.errors import OptionError, TableError
from towns import grid_streets, lines, points

OLDER = cp.Walker("older", 0.8, storey_up_s=13, storey_down_s=11, lift_wait_s=30)


def street_town() -> tuple[cp.WalkNetwork, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """A street of 1,000 m; a market at 0; houses at 200 m, 900 m and far off."""
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (1000, 0)]))
    homes = points(
        [(200, 0), (900, 0), (500, 400)],
        home_id=["near", "end", "off"],
        community_id=["a", "a", "b"],
        residents=[60, 30, 10],
        elderly=[12, 30, 5],
        storeys=[6, 1, 1],
        has_lift=["no", "no", "no"],
    )
    return network, homes, points([(0, 0)], facility_id=["m"], service=["market"])


def test_the_ledger_by_hand():
    network, homes, market = street_town()
    ledger = cp.coverage(
        network, homes, market, minutes=[5, 20], walker=OLDER, group=["residents", "elderly"]
    ).set_index(["community_id", "group", "within_min"])
    # 200 m at 0.8 m/s take 250 s: 50 s are left for stairs of 11 s a storey, so storeys 1 to 5 of 6
    row = ledger.loc["a", "residents", 5.0]
    assert row["people"] == 90
    assert row["covered"] == pytest.approx(50)
    assert row["beyond"] == pytest.approx(40)
    assert row["unreachable"] == 0
    assert row["covered_but_for_stairs"] == pytest.approx(10)
    assert ledger.loc["a", "elderly", 5.0]["covered"] == pytest.approx(10)
    # 900 m take 1,125 s, within 20 min
    assert ledger.loc["a", "residents", 20.0]["covered"] == pytest.approx(90)
    assert ledger.loc["b", "residents", 20.0][["covered", "beyond", "unreachable"]].tolist() == [
        0,
        0,
        10,
    ]


def test_a_lift_and_a_told_storey():
    network, homes, market = street_town()
    lift = homes.assign(has_lift="yes")
    ledger = cp.coverage(network, lift, market, minutes=[5], walker=OLDER)
    # the lift takes 30 s, so all storeys are in time
    assert ledger["covered"].tolist() == [60, 0]
    up = homes.drop(columns="storeys").assign(storey=[6, 1, 1])
    assert cp.coverage(network, up, market, minutes=[5], walker=OLDER)["covered"].tolist() == [0, 0]
    up = homes.drop(columns="storeys").assign(storey=[5, 1, 1])
    assert cp.coverage(network, up, market, minutes=[5], walker=OLDER)["covered"].tolist() == [
        60,
        0,
    ]
    # the way home is up: 13 s a storey leave storeys 1 to 4
    back = cp.coverage(network, homes, market, minutes=[5], walker=OLDER, direction="back")
    assert back["covered"].tolist() == pytest.approx([40, 0])
    worse = cp.coverage(network, homes, market, minutes=[5], walker=OLDER, direction="worse")
    assert worse["covered"].tolist() == pytest.approx([40, 0])


def test_wheels_upstairs_without_a_lift_cannot_get_out():
    network, homes, market = street_town()
    ledger = cp.coverage(network, homes, market, minutes=[20], walker="wheelchair")
    assert ledger.loc[0, ["covered", "unreachable"]].tolist() == pytest.approx([40, 50])


def test_no_facility_covers_nobody():
    network, homes, market = street_town()
    ledger = cp.coverage(network, homes, market, minutes=[15], services=["canteen"])
    assert ledger["covered"].tolist() == [0, 0]
    assert ledger["unreachable"].tolist() == [90, 10]
    access = cp.home_access(network, homes, market, service="canteen")
    assert access["reason"].tolist() == [
        "no facility of this service",
        "no facility of this service",
        "far from every street",
    ]


def test_who_walks_unless_told():
    network, homes, market = street_town()
    school = market.assign(service="childcare")
    by_group = cp.coverage(network, homes, school, minutes=[15], group=["residents", "elderly"])
    assert set(by_group["group"]) == {"residents", "elderly"}
    # 900 m: a carer at 0.9 m/s needs 1,000 s, an adult to the market at 1.2 m/s 750 s
    assert cp.coverage(network, homes, school, minutes=[15])["covered"].sum() == pytest.approx(60)
    assert cp.coverage(network, homes, market, minutes=[15])["covered"].sum() == pytest.approx(90)


def test_totals_and_homes_say_how():
    network, homes, market = street_town()
    ledger = cp.coverage(network, homes, market, minutes=[5], walker=OLDER)
    summed = cp.totals(ledger)
    assert summed["people"].tolist() == [100]
    assert summed["covered_share"].tolist() == pytest.approx([0.5])
    access = cp.home_access(network, homes, market, service="market", walker=OLDER)
    assert access["facility_id"].iloc[:2].tolist() == ["m", "m"]
    assert access["walk_min"].iloc[0] == pytest.approx(250 / 60)
    assert np.isnan(access["walk_min"].iloc[2])
    assert access["nearest_m"].tolist() == [0, 0, 400]


def naive_count(
    network: cp.WalkNetwork,
    homes: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    within_min: float,
    walker: cp.Walker,
) -> dict[str, list[float]]:
    """Storey by storey, walk by walk."""
    found: dict[str, list[float]] = {}
    ground = cp.walks(network, homes, facilities, walker=walker, within_min=600)
    for home in homes.itertuples():
        own = ground.loc[ground["from_id"] == home.home_id, "walk_min"]
        row = found.setdefault(home.community_id, [0.0, 0.0, 0.0])
        for storey in range(1, home.storeys + 1):
            people = home.residents / home.storeys
            stairs = (storey - 1) * walker.storey_down_s
            if home.has_lift:
                stairs = min(stairs, walker.lift_wait_s)
            if not len(own):
                row[2] += people
            elif own.min() * 60 + stairs <= within_min * 60 + 1e-6:
                row[0] += people
            else:
                row[1] += people
    return found


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 10_000), within_min=st.floats(0, 15))
def test_the_ledger_equals_a_naive_count(seed, within_min):
    rng = np.random.default_rng(seed)
    network = cp.WalkNetwork.from_streets(grid_streets(2, 90), attach_within_m=70)
    n = 9
    homes = points(
        [tuple(xy) for xy in rng.uniform(-280, 280, (n, 2)).round(1)],
        home_id=[f"h{i}" for i in range(n)],
        community_id=[f"c{i % 3}" for i in range(n)],
        residents=rng.integers(0, 90, n),
        storeys=rng.integers(1, 8, n),
        has_lift=rng.random(n) < 0.3,
    )
    shops = points(
        [tuple(xy) for xy in rng.uniform(-280, 280, (3, 2)).round(1)],
        facility_id=["f0", "f1", "f2"],
        service="market",
    )
    ledger = cp.coverage(network, homes, shops, minutes=[within_min], walker=OLDER)
    expected = naive_count(network, homes, shops, within_min, OLDER)
    for row in ledger.itertuples():
        np.testing.assert_allclose(
            [row.covered, row.beyond, row.unreachable], expected[row.community_id], atol=1e-9
        )
    total = ledger[["covered", "beyond", "unreachable"]].sum(axis=1)
    np.testing.assert_allclose(total, ledger["people"], atol=1e-9)
    assert ledger["people"].sum() == homes["residents"].sum()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_more_minutes_more_facilities_a_lift_or_speed_never_cover_fewer(seed):
    rng = np.random.default_rng(seed)
    network = cp.WalkNetwork.from_streets(grid_streets(2, 90))
    homes = points(
        [tuple(xy) for xy in rng.uniform(-200, 200, (6, 2)).round(1)],
        home_id=list("abcdef"), community_id="c", residents=10,
        storeys=rng.integers(1, 8, 6), has_lift=[False] * 6,
    )  # fmt: skip
    shops = points(
        [tuple(xy) for xy in rng.uniform(-200, 200, (3, 2)).round(1)],
        facility_id=["f0", "f1", "f2"], service="market",
    )  # fmt: skip
    base = cp.coverage(network, homes, shops[:2], minutes=[3, 6], walker=OLDER)["covered"]
    assert base[0] <= base[1] + 1e-9
    more = cp.coverage(network, homes, shops, minutes=[3, 6], walker=OLDER)["covered"]
    lifted = cp.coverage(
        network, homes.assign(has_lift=True), shops[:2], minutes=[3, 6], walker=OLDER
    )["covered"]
    quick = cp.Walker("quick", 1.1, storey_up_s=13, storey_down_s=11, lift_wait_s=30)
    faster = cp.coverage(network, homes, shops[:2], minutes=[3, 6], walker=quick)["covered"]
    for after in (more, lifted, faster):
        assert (after >= base - 1e-9).all()


def test_bad_homes_are_told_all_at_once():
    network, homes, market = street_town()
    bad = homes.assign(residents=[1, np.nan, -3], home_id=["x", "x", "y"])
    with pytest.raises(TableError) as told:
        cp.coverage(network, bad, market, minutes=[5], group=["residents", "carers"])
    text = str(told.value)
    assert "4 problems" in text
    assert "row 2: residents is empty" in text
    assert "row 3: residents is -3" in text
    assert "'x' is already in row 1" in text
    assert "no column 'carers'" in text
    with pytest.raises(OptionError, match="at least one finite limit"):
        cp.coverage(network, homes, market, minutes=[])


def test_the_ledger_says_what_it_was_made_with():
    network, homes, market = street_town()
    ledger = cp.coverage(network, homes, market, minutes=[5], walker=OLDER)
    assert ledger.attrs["communityplan"]["walkers"]["market"]["residents"]["speed_m_s"] == 0.8
    assert isinstance(ledger, pd.DataFrame)


def test_by_storey_it_is_the_ledger():
    network, homes, market = street_town()
    options = {"walker": OLDER, "group": "elderly"}
    rows = cp.storey_coverage(network, homes, market, service="market", within_min=5, **options)
    assert len(rows) == 8
    near = rows[rows["home_id"] == "near"]
    # 250 s and 11 s a storey: 250, 261, ... 305
    assert (near["walk_min"] * 60).round(6).tolist() == [250, 261, 272, 283, 294, 305]
    assert near["is_covered"].tolist() == [True] * 5 + [False]
    ledger = cp.coverage(network, homes, market, minutes=[5], **options)
    summed = rows["people"].where(rows["is_covered"], 0).groupby(rows["community_id"]).sum()
    assert summed.tolist() == pytest.approx(ledger["covered"].tolist())
    assert rows["people"].sum() == pytest.approx(homes["elderly"].sum())
    assert rows.loc[rows["home_id"] == "off", "walk_min"].isna().all()


def test_a_group_that_is_asked_for_has_to_be_counted():
    network, homes, market = street_town()
    with pytest.raises(TableError, match="row 2: elderly is nan"):
        cp.coverage(
            network, homes.assign(elderly=[1, np.nan, 2]), market, minutes=[5], group="elderly"
        )
    with pytest.warns(UserWarning, match="1 homes count more elderly than residents.*row 1"):
        cp.coverage(network, homes.assign(elderly=[99, 1, 2]), market, minutes=[5], group="elderly")


def test_no_facility_at_all_is_an_empty_ledger_and_one_number_is_a_limit():
    network, homes, market = street_town()
    empty = cp.coverage(network, homes, market.iloc[:0], minutes=[5])
    assert len(empty) == 0
    assert {"people", "covered"} <= set(empty.columns)
    assert len(cp.coverage(network, homes, market, minutes=5)) == 2
    assert len(cp.service_areas(network, market.iloc[:0], walker="adult")) == 0


def test_totals_and_access_say_what_they_were_made_with():
    network, homes, market = street_town()
    ledger = cp.coverage(network, homes, market, minutes=[5])
    assert cp.totals(ledger).attrs["communityplan"]["walkers"]
    access = cp.home_access(network, homes, market, service="market")
    assert access.attrs["communityplan"]["walker"]["name"] == "adult"


def test_keys_that_are_numbers_with_decimals_are_refused():
    # 1.0 in one table and 1 in another would never meet, and nobody would be told
    streets = lines([(0, 0), (300, 0)])
    homes = points([(10, 0)], home_id=["a"], community_id=[1.0], residents=[10])
    market = points([(100, 0)], facility_id=["f"], service=["market"])
    network = cp.WalkNetwork.from_streets(streets)
    with pytest.raises(TableError, match="community_id holds numbers with decimals"):
        cp.coverage(network, homes, market, minutes=[5], walker="adult", group="residents")


def test_facilities_that_break_their_contract_are_refused():
    network, homes, market = street_town()
    twice = pd.concat([market, market], ignore_index=True)
    option = {"service": "market", "walker": OLDER}
    with pytest.raises(TableError, match="facility_id"):
        cp.coverage(network, homes, twice, minutes=[5], walker=OLDER)
    with pytest.raises(TableError, match="facility_id"):
        cp.home_access(network, homes, twice, **option)
    with pytest.raises(TableError, match="facility_id"):
        cp.storey_coverage(network, homes, twice, within_min=5, **option)
    bare = market.drop(columns="service")
    with pytest.raises(TableError, match="no column 'service'"):
        cp.coverage(network, homes, bare, minutes=[5], walker=OLDER)
    with pytest.raises(TableError, match="no column 'service'"):
        cp.home_access(network, homes, bare, **option)


def test_a_group_of_ones_own_is_counted_and_checked():
    network, homes, market = street_town()
    renters = homes.assign(renters=[6, 2, 1])
    options = {"minutes": [5], "walker": OLDER, "group": "renters"}
    # storeys 1 to 5 of 6, as in the ledger by hand
    assert cp.coverage(network, renters, market, **options)["covered"].tolist() == [5, 0]
    for wrong in (-1, None):
        with pytest.raises(TableError, match="row 2: renters is"):
            cp.coverage(network, homes.assign(renters=[6, wrong, 1]), market, **options)


def test_who_climbs_the_stairs_unless_told():
    network, homes, market = street_town()
    school = market.assign(service="childcare")
    options = {"service": "childcare", "within_min": 15}
    found = cp.storey_coverage(network, homes, school, **options)
    carer = cp.storey_coverage(network, homes, school, walker="carer_with_toddler", **options)
    adult = cp.storey_coverage(network, homes, school, walker="adult", **options)
    pd.testing.assert_frame_equal(found, carer)
    assert not found["walk_min"].equals(adult["walk_min"])
    assert found.attrs["communityplan"]["walker"]["name"] == "carer_with_toddler"


def test_a_warning_points_at_the_caller():
    network, homes, market = street_town()
    with pytest.warns(UserWarning, match="more elderly than residents") as told:
        cp.coverage(
            network, homes.assign(elderly=99), market, minutes=[5], walker=OLDER, group="elderly"
        )
    assert Path(told[0].filename).name == "test_coverage.py"
