"""Ranking by criteria: values by hand, stability by brute force, missing values, properties."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import communityplan as cp
from communityplan.coverage import covered_share
from communityplan.errors import OptionError, TableError
from communityplan.siting import Criterion, newly_covered
from communityplan.siting.gains import _Storeys
from communityplan.siting.stability import pareto_front, simplex_points, stability
from communityplan.standards import WALKERS, Service
from towns import grid_streets, lines, points

CANTEEN = Service("canteen", group="elderly", walker="adult", within_min=5, min_floor_area_m2=200)
SHOP = Service("market", walker="adult", within_min=5, min_floor_area_m2=150)
CHOSEN = ["people_newly_covered", "floor_area_use_share", "cost_yuan_per_person"]


def town():
    """Homes every 400 m along 2,000 m; a canteen at 0; an adult walks 360 m in 5 min."""
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (2000, 0)]))
    homes = points(
        [(x, 0) for x in (0, 400, 800, 1200, 1600)],
        home_id=list("abcde"), community_id="c", residents=100, elderly=[1, 2, 4, 8, 16],
    )  # fmt: skip
    facilities = points([(0, 0)], facility_id=["k"], service=["canteen"])
    idle = points(
        [(800, 0), (1600, 0), (1200, 0), (400, 0)],
        building_id=["b2", "b1", "b3", "b0"],
        floor_area_m2=[400.0, 250.0, 500.0, 90.0],
        conversion_cost_yuan=[104_000.0, 50_000.0, None, 9.0],
        available_year=[2027, 2026, 2025, 2025],
        payback_years=[4.0, 9.0, None, None],
    )
    return network, homes, facilities, idle


def ranked(criteria, **options):
    network, homes, facilities, idle = town()
    options = {"services": [CANTEEN, SHOP], **options}
    table = cp.rank_sites(network, homes, facilities, idle, criteria=criteria, **options)
    return table.set_index("building_id")


def test_criteria_by_hand():
    fit_out = pd.DataFrame(
        {"building_id": ["b2", "b2"], "service": ["canteen", "market"], "capacity": [31, 50]}
    )
    table = ranked(
        ["people_newly_covered", "floor_area_use_share", "cost_yuan_per_person",
         "worst_fifth_share", "places_per_1000", "available_year", "newly_canteen_residents"],
        groups=["residents"], fit_out=fit_out,
    )  # fmt: skip
    # b1 has 250 m2: the shop (100 people) or the canteen (16), not both
    assert table.loc["b1", "programme"] == "market"
    assert table.loc["b2", "programme"] == "canteen;market"
    assert table["people_newly_covered"].to_dict() == pytest.approx(
        {"b1": 100, "b2": 104, "b3": 108, "b0": np.nan}, nan_ok=True
    )
    assert table.loc["b2", "floor_area_use_share"] == pytest.approx(350 / 400)
    assert table.loc["b2", "cost_yuan_per_person"] == 1000
    assert np.isnan(table.loc["b3", "cost_yuan_per_person"])
    # nobody has a shop: of every 100 people a fifth is worst served. Of 31 older people 6.2 are,
    # all at e, who gain nothing from b3; so 20 of 108 people
    assert table.loc["b3", "worst_fifth_share"] == pytest.approx(20 / 108)
    # 31 places for 31 older people, and 50 for 500 residents
    assert table.loc["b2", "places_per_1000"] == pytest.approx(1000 + 100)
    assert table.loc["b3", "newly_canteen_residents"] == 100
    assert table.loc["b3", "criteria_missing"] == "cost_yuan_per_person;places_per_1000"
    assert pd.isna(table.loc["b0", "rank"])


def test_score_scale_and_record():
    table = ranked({"people_newly_covered": 3, "available_year": 1})
    # people 100, 104, 108 -> 0, 1/2, 1; years 2026, 2027, 2025 -> 1/2, 0, 1
    assert table["score"].dropna().to_dict() == pytest.approx({"b3": 1, "b2": 0.375, "b1": 0.125})
    noted = table.attrs["communityplan"]
    assert noted["normalise"] == "range"
    assert noted["criteria"]["available_year"]["direction"] == "lower is better"
    assert noted["criteria"]["people_newly_covered"]["greatest"] == 108
    by_rank = ranked({"people_newly_covered": 3, "available_year": 1}, normalise="rank")
    assert by_rank["score"].dropna().to_dict() == pytest.approx(table["score"].dropna().to_dict())


def test_a_missing_value_is_the_worst_in_the_score_and_open_in_the_interval():
    table = ranked(["people_newly_covered", "cost_yuan_per_person"])
    # b3: people 1, cost not known; b2: people 1/2, cost 0 (1000 yuan); b1: people 0, cost 1 (500)
    assert table["score"].dropna().to_dict() == pytest.approx({"b3": 0.5, "b1": 0.5, "b2": 0.25})
    assert (table.loc["b3", "rank_low"], table.loc["b3", "rank_high"]) == (1, 3)
    assert table.loc["b2", "rank_low"] == 2
    # b3 is better than b2 in people, and at its worst as dear
    assert table["is_pareto"].to_dict() == {"b3": True, "b1": True, "b2": False, "b0": False}
    assert "缺少每新增服务一人次的费用" in table.loc["b3", "why_zh"]
    assert "not known" in table.loc["b3", "why_en"]


def test_own_criteria_and_their_direction():
    payback = Criterion("payback_years", higher_is_better=False, unit="years", en="payback")
    table = ranked([payback])
    assert table.index.tolist() == ["b2", "b1", "b3", "b0"]
    assert "payback 4 years (place 1)" in table.loc["b2", "why_en"]
    with pytest.raises(OptionError, match="for a column of your own give a Criterion"):
        ranked(["payback_years"])
    with pytest.raises(TableError, match="no column 'noise'"):
        ranked([Criterion("noise")])


def test_nobody_served_is_the_worst_price_not_an_unknown_one():
    network, homes, facilities, idle = town()
    idle.loc[0, "geometry"] = points([(9000, 0)]).geometry.iloc[0]
    table = cp.rank_sites(
        network, homes, facilities, idle, services=[SHOP], criteria=["cost_yuan_per_person"]
    ).set_index("building_id")
    assert np.isnan(table.loc["b2", "cost_yuan_per_person"])
    assert table.loc["b2", "criteria_missing"] == ""
    assert table.loc["b2", "score"] == 0
    assert table.loc["b1", "score"] == 1


@pytest.mark.parametrize(
    ("criteria", "options", "said"),
    [
        (["gain_library"], {}, "'gain_library' is not known"),
        (["available_year"] * 2, {}, "named twice"),
        ({"available_year": -1}, {}, "weight of available_year is -1"),
        ({"available_year": 0}, {}, "none has a weight"),
        ([], {}, "none has a weight"),
        (["available_year"], {"normalise": "z"}, "give range or rank"),
        (["places_per_1000"], {}, "give fit_out with capacity"),
    ],
)
def test_criteria_that_cannot_be_used(criteria, options, said):
    with pytest.raises(OptionError, match=said):
        ranked(criteria, **options)


def test_fit_out_that_cannot_be_used():
    wrong = pd.DataFrame(
        {"building_id": ["b1", "b1"], "service": ["canteen"] * 2, "cost_yuan": [-1, 5]}
    )
    with pytest.raises(TableError, match="twice") as caught:
        ranked(CHOSEN, fit_out=wrong)
    assert "cost_yuan is -1" in str(caught.value)


def test_costs_of_fit_out_count_and_are_never_filled_in():
    fit_out = pd.DataFrame({"building_id": ["b1"], "service": ["market"], "cost_yuan": [25_000]})
    table = ranked(CHOSEN, fit_out=fit_out)
    assert table.loc["b1", "cost_yuan_per_person"] == 750
    assert np.isnan(table.loc["b2", "cost_yuan_per_person"])


def test_an_option_without_effect_says_so():
    table = ranked(None, fit_out=pd.DataFrame({"building_id": [], "service": []}))
    assert table.attrs["communityplan"]["had_no_effect"] == ["fit_out"]


def test_no_building_fits():
    table = ranked(["people_newly_covered"], services=[Service("hall", min_floor_area_m2=9e9)])
    assert table["rank"].isna().all()
    assert table["why_zh"].str.startswith("未排名").all()


def test_first_share_and_interval_against_a_fine_grid():
    rng = np.random.default_rng(5)
    values = rng.random((12, 3))
    held = stability(values, values, np.ones(3))
    steps = 400
    a, b = np.divmod(np.arange(steps**2), steps)
    inside = a + b < steps - 1
    grid = np.column_stack([a[inside], b[inside], steps - 1 - a[inside] - b[inside]]) / (steps - 1)
    scores = grid @ values.T
    share = np.bincount(scores.argmax(axis=1), minlength=12) / len(grid)
    assert held.first_share == pytest.approx(share, abs=0.01)
    assert held.first_share.sum() == pytest.approx(1)
    ranks = 1 + (scores[:, None, :] > scores[:, :, None]).sum(axis=2)
    # single weightings may lie between the points
    assert np.abs(held.rank_low - ranks.min(axis=0)).max() <= 1
    assert np.abs(held.rank_high - ranks.max(axis=0)).max() <= 1
    assert (held.first_share[~pareto_front(values, values)] == 0).all()


@pytest.mark.parametrize("k", [1, 2, 3, 7])
def test_points_of_the_simplex_are_even_and_always_the_same(k):
    weights = simplex_points(k)
    assert weights.sum(axis=1) == pytest.approx(1)
    assert (weights >= 0).all()
    assert weights.mean(axis=0) == pytest.approx(1 / k, abs=0.005)
    assert (weights == simplex_points(k)).all()


def test_equals_share_the_first_place():
    held = stability(np.ones((2, 2)), np.ones((2, 2)), np.ones(2))
    assert held.first_share.tolist() == [0.5, 0.5]
    assert (held.rank_low.tolist(), held.rank_high.tolist()) == ([1, 1], [2, 2])


@pytest.mark.parametrize("column", ["storeys", "storey"])
def test_storeys_are_counted_as_coverage_does(column):
    rng = np.random.default_rng(2)
    homes = pd.DataFrame(
        {column: rng.integers(1, 9, 300).astype(float), "has_lift": rng.random(300) < 0.3}
    )
    homes.loc[:9, column] = np.nan
    walk_min = rng.integers(0, 12, 300) + rng.choice([0, 1 / 6, 11 / 60], 300)
    for walker in ("older_75_plus", "adult", "wheelchair"):
        person = WALKERS.get(walker, WALKERS["adult"])
        expected, _ = covered_share(
            homes, walk_min, walker=person, within_min=10, direction="there"
        )
        found = _Storeys.of(homes, person).share(np.arange(300), walk_min, 10)
        assert (found == expected).all()


def quarter(seed):
    rng = np.random.default_rng(seed)
    network = cp.WalkNetwork.from_streets(grid_streets(4, 150.0))

    def somewhere(count):
        return [tuple(xy) for xy in rng.uniform(-600, 600, (count, 2)).round(1)]

    homes = points(
        somewhere(60), home_id=[f"h{at}" for at in range(60)], community_id="c",
        residents=rng.integers(1, 90, 60), elderly=rng.integers(0, 20, 60),
        storeys=rng.integers(1, 8, 60),
    )  # fmt: skip
    facilities = points(somewhere(4), facility_id=list("wxyz"), service=["canteen", "market"] * 2)
    idle = points(
        somewhere(9), building_id=[f"b{at}" for at in range(9)],
        floor_area_m2=rng.integers(100, 900, 9).astype(float),
        conversion_cost_yuan=rng.integers(1, 9, 9) * 1e5,
    )  # fmt: skip
    return network, homes, facilities, idle


@pytest.mark.parametrize("seed", range(6))
def test_same_input_same_rank_and_gains_only_shrink(seed):
    network, homes, facilities, idle = quarter(seed)
    options = {"services": [CANTEEN, SHOP], "criteria": CHOSEN}
    one = cp.rank_sites(network, homes, facilities, idle, **options)
    shuffled = idle.sample(frac=1, random_state=seed)
    other = cp.rank_sites(network, homes, facilities, shuffled, **options)
    again = cp.rank_sites(network, homes, facilities, idle, **options)
    pd.testing.assert_frame_equal(one, again)
    names = ["rank", "building_id", "score", "rank_low", "rank_high", "first_share", "why_zh"]
    pd.testing.assert_frame_equal(one[names], other[names])
    assert (one["rank_low"] <= one["rank"]).dropna().all()
    assert (one["rank"] <= one["rank_high"]).dropna().all()
    more = pd.concat([facilities, quarter(seed + 90)[2].assign(facility_id=list("mnop"))])
    fewer = cp.rank_sites(network, homes, more, idle, **options).set_index("building_id")
    before = one.set_index("building_id")
    for name in ("gain_canteen", "gain_market"):
        change = fewer[name] - before[name].reindex(fewer.index)
        assert (change.dropna() <= 1e-9).all()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.filterwarnings("ignore:.*count more")
def test_gains_are_those_of_coverage_with_the_building_opened(seed):
    network, homes, facilities, idle = quarter(seed)
    table = newly_covered(network, homes, facilities, idle, service=CANTEEN)
    gained = table.groupby("building_id")["people"].sum()

    def covered(places):
        ledger = cp.coverage(
            network, homes, places, minutes=[5], walker="adult", group="elderly",
            services=["canteen"],
        )  # fmt: skip
        return ledger["covered"].sum()

    now = covered(facilities)
    for at, key in enumerate(idle["building_id"]):
        opened = points(
            [idle.geometry.iloc[at].coords[0]], facility_id=["new"], service=["canteen"]
        )
        then = covered(pd.concat([facilities, opened]))
        assert then - now == pytest.approx(gained.get(key, 0.0), abs=1e-9)


def test_people_behind_a_wall_take_their_own_ways():
    streets = lines([(0, 0), (900, 0)], [(300, 40), (300, 0)], access=["everyone", "residents"])
    network = cp.WalkNetwork.from_streets(streets)
    homes = points([(300, 50)], home_id=["h"], community_id=["c"], residents=[10])
    idle = points([(600, 0)], building_id=["b"], floor_area_m2=[500.0])
    none = points([], facility_id=[], service=[])
    found = newly_covered(network, homes, none, idle, service=SHOP)
    walk = cp.walks(network, homes, idle, walker="adult", within_min=9)
    assert found["walk_min"].to_numpy() == pytest.approx(walk["walk_min"].to_numpy(), nan_ok=False)
