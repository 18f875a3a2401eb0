"""Joint units: by hand, against every grouping there is, sizes of the standards, bad input."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import communityplan as cp
from communityplan.errors import OptionError, TableError
from communityplan.scenario import (
    UnitSize,
    adjoining,
    centres_among,
    joint_units,
    unit_size,
)
from communityplan.scenario import partition as solving
from communityplan.scenario.contiguity import connected_sets
from communityplan.scenario.partition import Plots, partition
from scenario_towns import CRS, lines, points

PLAIN = cp.Walker("plain", 1.0)
SIZE = UnitSize(50, 120, 5.0)


def row_of_four(**changed: object) -> dict[str, gpd.GeoDataFrame]:
    """Four communities of 100 m along a street, 40 people each; buildings at 100, 150 and 390 m.

    Between the third and the fourth the street is walled off.
    """
    at = np.arange(4) * 100.0
    tables = {
        "communities": gpd.GeoDataFrame(
            {"community_id": list("abcd"), "name": ["甲", "乙", "丙", "丁"]},
            geometry=[shapely.box(x, -40, x + 100, 40) for x in at],
            crs=CRS,
        ),
        "homes": points(
            [(x + 50, 0) for x in at], home_id=list("hijk"), community_id=list("abcd"), residents=40
        ),
        "centres": points(
            [(100, 0), (150, 0), (390, 0)],
            building_id=["b1", "b2", "b3"],
            floor_area_m2=700.0,
            conversion_cost_yuan=[3e6, 2e6, 1e6],
        ),
    }
    return {**tables, **changed}


def street() -> cp.WalkNetwork:
    wall = lines([(300, -50), (300, 50)], wall_id=["w"])
    return cp.WalkNetwork.from_streets(lines([(0, 0), (400, 0)]), walls=wall)


def units(tables, **options: object):
    return joint_units(
        street(),
        tables["communities"],
        tables["homes"],
        tables["centres"],
        **{"size": SIZE, "walker": PLAIN, **options},
    )


def test_who_adjoins_whom():
    tables = row_of_four()
    pairs = adjoining(
        street(), tables["communities"], tables["homes"], walker=PLAIN, within_min=2
    ).set_index(["community_a", "community_b"])
    assert list(pairs.index) == [("a", "b"), ("b", "c"), ("c", "d")]
    # from middle to middle it is 100 m
    assert pairs["walk_min"].tolist()[:2] == pytest.approx([100 / 60] * 2)
    assert pairs["walled"].tolist() == [False, False, True]
    farther = adjoining(
        street(), tables["communities"], tables["homes"], walker=PLAIN, within_min=4
    )
    # 200 m from a to c are a short walk now
    assert ("a", "c") in set(zip(farther["community_a"], farther["community_b"], strict=True))


def test_the_row_by_hand():
    found = units(row_of_four())
    # 300 s reach 300 m: b1 and b2 reach a, b and c; b3 only d. Three of 40 fill a unit of 120
    # people, so all three are served by one centre, by the cheaper one; d is too small alone.
    assert found.units["community_ids"].tolist() == ["a;b;c", "d"]
    assert found.units["building_id"].tolist() == ["b2", "b3"]
    assert found.units["people_served"].tolist() == [120, 40]
    assert found.units["in_size"].tolist() == [True, False]
    assert found.units.geometry.area.tolist() == [24_000, 8_000]
    joint, separate, same = found.comparison.to_dict("records")
    assert (joint["units"], joint["centres"], joint["cost_yuan"]) == (2, 2, 3e6)
    assert (joint["people_served"], joint["served_in_size"]) == (160, 120)
    # each for itself needs a building each; there are three, and nobody is of the right size
    assert (separate["units"], separate["centres"], separate["cost_yuan"]) == (4, 3, 6e6)
    assert (separate["people_served"], separate["people_in_size"]) == (120, 0)
    assert (same["centres"], same["people_served"]) == (2, 80)
    assert joint["yuan_per_person"] == pytest.approx(3e6 / 160)
    assert found.comparison["method"].tolist() == ["exact"] * 3
    assert found.comparison["gap"].tolist() == [0, 0, 0]
    assert (
        "甲、乙、丙联合改造，共 120 人；人口规模符合；b2 作为共享中心" in found.units["why_zh"][0]
    )
    assert "the size does not fit" in found.units["why_en"][1]


def test_no_costs_are_told_and_no_price_is_made_up():
    tables = row_of_four()
    priced = tables["centres"].assign(conversion_cost_yuan=[3e6, np.nan, 1e6])
    found = units({**tables, "centres": priced})
    told = found.comparison.attrs["communityplan"]
    assert told["missing_costs"] == ["b2"]
    costs = found.comparison.set_index("plan")["cost_yuan"]
    assert np.isnan(costs["separate"])
    bare = units({**tables, "centres": tables["centres"].drop(columns="conversion_cost_yuan")})
    assert bare.comparison["cost_yuan"].isna().all()


def test_a_community_too_large_stays_alone_and_one_without_centre_says_so():
    tables = row_of_four()
    crowded = tables["homes"].assign(residents=[500, 40, 40, 40])
    found = units({**tables, "homes": crowded, "centres": tables["centres"].iloc[:1]})
    alone = found.units[found.units["community_ids"] == "a"].iloc[0]
    assert not alone["in_size"]
    assert alone["building_id"] == ""
    assert "no building could serve them in time" in alone["why_en"]
    # the one building goes to the unit of the right size
    assert found.units.set_index("community_ids")["building_id"]["b;c;d"] == "b1"


def test_walled_neighbours_are_named():
    found = units(row_of_four(), size=UnitSize(50, 80, 5.0))
    assert found.units["community_ids"].tolist() == ["a;b", "c;d"]
    assert "open the wall first" in found.units["why_en"][1]
    assert "丙与丁之间相邻而步行不便" in found.units["why_zh"][1]


def test_sizes_come_from_the_standards_with_their_mark():
    complete = unit_size()
    assert (complete.people_from, complete.people_to, complete.walk_min) == (5000, 12000, 10)
    assert not complete.verified
    assert unit_size("gb50180").verified
    with pytest.raises(OptionError, match="does not tell how many people"):
        unit_size("childcare")
    found = joint_units(street(), *list(row_of_four().values()), size="gb50180", walker=PLAIN)
    assert found.units.attrs["communityplan"]["size"]["verified"]


def test_bad_input():
    tables = row_of_four()
    with pytest.raises(TableError, match="no column 'elderly'"):
        units(tables, group="elderly")
    with pytest.raises(OptionError, match="has no meaning"):
        units(tables, size=UnitSize(100, 50, 5))
    doubled = tables["centres"].assign(building_id="b")
    with pytest.raises(TableError, match="already in row 1"):
        units({**tables, "centres": doubled})


def test_no_building_and_nobody():
    tables = row_of_four()
    none = units({**tables, "centres": tables["centres"].iloc[:0]})
    assert none.comparison["people_served"].tolist() == [0, 0, 0]
    assert none.comparison["gap"].tolist() == [0, 0, 0]
    empty = units({name: table.iloc[:0] for name, table in tables.items()})
    assert len(empty.units) == 0


def random_plots(seed: int, n: int, centres: int) -> tuple[Plots, tuple[float, float]]:
    rng = np.random.default_rng(seed)
    neighbours = [0] * n
    for a, b in itertools.combinations(range(n), 2):
        if rng.random() < 0.45:
            neighbours[a] |= 1 << b
            neighbours[b] |= 1 << a
    people = rng.integers(1, 9, n) * 10.0
    plots = Plots(
        ids=tuple(str(row) for row in range(n)),
        people=people,
        neighbours=tuple(neighbours),
        centres=tuple(f"b{row}" for row in range(centres)),
        costs=rng.integers(1, 6, centres) * 100.0,
        served=np.floor(people[:, None] * rng.choice([0, 0.5, 1], (n, centres))),
    )
    return plots, (60.0, 130.0)


def groupings(rows: list[int]):
    """Every grouping of some things."""
    if not rows:
        yield []
        return
    first, rest = rows[0], rows[1:]
    for size in range(len(rest) + 1):
        for others in itertools.combinations(rest, size):
            left = [row for row in rest if row not in others]
            for grouping in groupings(left):
                yield [(first, *others), *grouping]


def is_connected(plots: Plots, unit: tuple[int, ...]) -> bool:
    reached = {unit[0]}
    while True:
        more = {b for a in reached for b in unit if plots.neighbours[a] >> b & 1} - reached
        if not more:
            return reached == set(unit)
        reached |= more


def naive_best(plots: Plots, sizes: tuple[float, float]) -> tuple[float, ...]:
    """The goals of the best grouping, of all there are."""
    best = None
    for grouping in groupings(list(range(len(plots.ids)))):
        people = [plots.people_of(unit) for unit in grouping]
        fits = all(
            is_connected(plots, unit) and (total <= sizes[1] or len(unit) == 1)
            for unit, total in zip(grouping, people, strict=True)
        )
        if not fits:
            continue
        right = [sizes[0] <= total <= sizes[1] for total in people]
        options = [-1, *range(len(plots.centres))]
        for chosen in itertools.product(options, repeat=len(grouping)):
            used = [c for c in chosen if c >= 0]
            if len(used) != len(set(used)):
                continue
            served = [plots.served_of(u, c) for u, c in zip(grouping, chosen, strict=True)]
            goals = (
                sum(s for s, ok in zip(served, right, strict=True) if ok),
                sum(served),
                sum(p for p, ok in zip(people, right, strict=True) if ok),
                -sum(plots.costs[c] for c in used),
                len(grouping),
            )
            best = goals if best is None or goals > best else best
    return best


def goals_of(plan, plots: Plots, sizes) -> tuple[float, ...]:
    facts = plan.facts(plots, sizes)
    return (
        facts["served_in_size"],
        facts["people_served"],
        facts["people_in_size"],
        -facts["cost_yuan"],
        facts["units"],
    )


@pytest.mark.parametrize("seed", range(12))
def test_the_best_of_all_groupings(seed):
    plots, sizes = random_plots(seed, n=5, centres=3)
    plan = partition(plots, sizes, alone=False, time_limit_s=30)
    assert plan.method == "exact"
    assert sorted(row for unit in plan.members for row in unit) == list(range(5))
    assert goals_of(plan, plots, sizes) == pytest.approx(naive_best(plots, sizes))


@pytest.mark.parametrize("seed", range(6))
def test_every_connected_set_is_found(seed):
    plots, sizes = random_plots(seed, n=7, centres=1)
    expected = [
        bits
        for bits in range(1, 2**7)
        for unit in [tuple(row for row in range(7) if bits >> row & 1)]
        if is_connected(plots, unit) and (plots.people_of(unit) <= sizes[1] or len(unit) == 1)
    ]
    found = connected_sets(plots.neighbours, plots.people, most_people=sizes[1], most_sets=999)
    assert found == expected
    few = connected_sets(plots.neighbours, plots.people, most_people=sizes[1], most_sets=8)
    assert few is None or len(expected) <= 8


@pytest.mark.parametrize("seed", range(8))
def test_growing_keeps_the_rules_and_its_bound(seed, monkeypatch):
    plots, sizes = random_plots(seed, n=8, centres=4)
    exact = partition(plots, sizes, alone=False, time_limit_s=30)
    monkeypatch.setattr(solving, "MOST_UNITS", 0)
    grown = partition(plots, sizes, alone=False, time_limit_s=30)
    assert grown.method == "greedy"
    for unit, centre in zip(grown.members, grown.centres, strict=True):
        assert is_connected(plots, unit)
        assert plots.people_of(unit) <= sizes[1] or len(unit) == 1
        assert centre == -1 or grown.centres.count(centre) == 1
    best, mine = goals_of(exact, plots, sizes)[0], goals_of(grown, plots, sizes)[0]
    assert mine <= best <= grown.bound + 1e-9
    assert grown.gap == pytest.approx(1 - mine / grown.bound if grown.bound else 0)


def test_the_embedded_district():
    project = cp.load_project("demo")
    centres = centres_among(project.idle_buildings, services=project.services)
    assert (centres["floor_area_m2"] >= 600).all()
    found = joint_units(project.network(), project.communities, project.homes, centres)
    joint, separate, same = found.comparison.to_dict("records")
    assert joint["method"] == "exact"
    # with no more centres and no more money more people are served
    assert joint["cost_yuan"] <= separate["cost_yuan"]
    assert joint["people_served"] > same["people_served"]
    assert joint["people"] == project.homes["residents"].sum()
    again = joint_units(project.network(), project.communities, project.homes, centres)
    pd.testing.assert_frame_equal(found.comparison, again.comparison)
