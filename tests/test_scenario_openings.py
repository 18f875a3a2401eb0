"""Which wall to open first: by hand, against rebuilding everywhere, best together, sentences."""

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
    Scenario,
    apply,
    compare,
    comparison_totals,
    opening_scenario,
    rank_openings,
    situation,
)
from scenario_towns import CRS, compound_town, lines, points

ADULT = cp.standards.Service("market", walker="adult", within_min=6)
MEAL = cp.standards.Service("canteen", walker="older_75_plus", within_min=8)


def two_courts(**changed: object) -> dict[str, gpd.GeoDataFrame]:
    """Two courts wall to wall, each with one gate at its far end.

    From the home in the left court round to the market in the right one it is 10 + 90 m out of the
    gate, 100 + 400 + 100 m round and 90 + 10 m in; through the wall between them it is 20 m.
    """
    tables = {
        "streets": lines(
            [(100, 0), (190, 0)],
            [(210, 0), (300, 0)],
            [(0, 0), (100, 0)],
            [(300, 0), (400, 0)],
            [(0, 0), (0, 200), (400, 200), (400, 0)],
            kind=["path", "path", "street", "street", "street"],
        ),
        "communities": gpd.GeoDataFrame(
            {
                "community_id": ["l", "r"],
                "name": ["左院", "右院"],
                "name_en": ["Left Court", None],
                "enclosed": [True, True],
            },
            geometry=[shapely.box(100, -50, 200, 50), shapely.box(200, -50, 300, 50)],
            crs=CRS,
        ),
        "gates": points([(100, 0), (300, 0)], gate_id=["w", "e"], who="everyone"),
        "homes": points([(190, 0)], home_id=["h"], community_id=["l"], residents=[40]),
        "facilities": points([(210, 0)], facility_id=["m"], service=["market"]),
    }
    return {**tables, **changed}


def test_the_wall_between_two_courts():
    best = rank_openings(two_courts(), services=[ADULT], k=1)
    first = best.iloc[0]
    assert first["kind"] == "passage"
    assert {first["side_a"], first["side_b"]} == {"l", "r"}
    # from street end to street end, straight over the wall at x = 200
    assert shapely.from_wkt(first["path"]).length == pytest.approx(first["length_m"], abs=0.01)
    assert 20 <= first["length_m"] <= 23
    assert abs(first.geometry.x - 200) < 0.1
    speed = cp.WALKERS["adult"].speed_m_s
    around_s = (90 + 100 + 200 + 400 + 200 + 100 + 90) / speed
    assert first["around_min"] == pytest.approx(around_s / 60)
    assert first["people_gained"] == first["gain_market"] == 40
    saved_s = around_s - first["length_m"] / speed
    assert first["minutes_saved"] == pytest.approx(40 * saved_s / 60)
    assert first["together"] == 1
    assert "左院与右院之间打开围墙" in first["why_zh"]
    assert "between Left Court and 右院" in first["why_en"]
    assert "40 people to market" in first["why_en"]
    told = best.attrs["communityplan"]["together"]
    assert told["people_gained"] == 40
    assert told["gap"] == 0


def test_a_river_is_not_opened_nor_a_building_cut():
    river = lines([(200, -50), (200, 50)], wall_id=["w"], kind=["river"])
    assert len(rank_openings(two_courts(walls=river), services=[ADULT])) == 0
    house = gpd.GeoDataFrame(
        {"home_id": ["h", "b"], "community_id": ["l", "l"], "residents": [40, 0]},
        geometry=[shapely.Point(190, 0), shapely.box(192, -49, 198, 49)],
        crs=CRS,
    )
    assert len(rank_openings(two_courts(homes=house), services=[ADULT])) == 0


def test_gates_and_cut_streets_come_as_such():
    shut = two_courts()["gates"].assign(who=["closed", "residents"])
    tables = two_courts(gates=shut)
    every = rank_openings(tables, services=[ADULT], kinds=["closed_gate", "residents_gate"])
    # through the west gate alone nobody gets to the market: strangers do not pass the east gate
    assert every["gate_id"].tolist() == []
    assert len(rank_openings(tables, services=[ADULT], kinds=["passage"])) > 0
    both = rank_openings(
        two_courts(gates=shut.assign(who=["closed", "everyone"])),
        services=[ADULT],
        kinds=["closed_gate"],
    )
    assert both["gate_id"].tolist() == ["w"]
    assert both["newly_reachable"].tolist() == [40]
    assert both["around_min"].isna().all()
    assert "no way from side to side today" in both["why_en"].iloc[0]
    cut = two_courts(
        streets=pd.concat(
            [two_courts()["streets"], lines([(190, 0), (210, 0)], kind=["path"])],
            ignore_index=True,
        )
    )
    street = rank_openings(cut, services=[ADULT])
    assert street["kind"].iloc[0] == "cut_street"
    assert street["gate_id"].iloc[0] == ""
    assert opening_scenario(street.head(1)).told() == (
        "add_gate(point=POINT (200 0), who='everyone')",
    )
    # a new way beside it is not offered as well
    ways = street[street["kind"] == "passage"]
    assert (ways.distance(shapely.Point(200, 0)) > 30).all()


def town(seed: int, *, on_streets: bool):
    tables, options = compound_town(seed)
    if on_streets:
        # no new way is nearer than a street one stands on
        streets = tables["streets"].geometry
        for name in ("homes", "facilities"):
            near = [streets.iloc[streets.distance(p).argmin()] for p in tables[name].geometry]
            on = [
                shapely.get_point(shapely.shortest_line(p, line), 1)
                for p, line in zip(tables[name].geometry, near, strict=True)
            ]
            tables[name] = tables[name].set_geometry(gpd.GeoSeries(on, crs=CRS))
    network = cp.WalkNetwork.from_streets(
        tables["streets"],
        walls=tables["walls"],
        gates=tables["gates"],
        communities=tables["communities"],
        **options,
    )
    return situation(tables, network=network)


def gained(now, chosen) -> tuple[float, float, float]:
    """People and minutes gained by really opening some places."""
    then = apply(opening_scenario(chosen), now)
    totals = comparison_totals(compare(now, then, services=[ADULT, MEAL]))
    reach = totals["reachable_after"] - totals["reachable_before"]
    return totals["gained"].sum(), totals["minutes_saved"].sum(), reach.sum()


@pytest.mark.parametrize("seed", range(10))
def test_every_place_equals_opening_it(seed):
    now = town(seed, on_streets=seed % 2 == 0)
    ranked = rank_openings(now, services=[ADULT, MEAL], k=0, apart_m=15)
    order = ranked[["people_gained"]].assign(
        worth=(ranked["minutes_saved"] + ranked["newly_reachable"]).round(5)
    )
    assert order.equals(order.sort_values(["people_gained", "worth"], ascending=False))
    for row in range(0, len(ranked), max(len(ranked) // 5, 1)):
        people, minutes, reach = gained(now, ranked.iloc[[row]])
        told = ranked.iloc[row]
        if seed % 2 == 0:
            assert told["people_gained"] == pytest.approx(people, abs=1e-3)
            assert told["minutes_saved"] == pytest.approx(minutes, rel=1e-4, abs=1e-3)
            assert told["newly_reachable"] == pytest.approx(reach, abs=1e-3)
        # people beside a new way may join it as well
        assert told["people_gained"] <= people + 1e-3


@pytest.mark.parametrize("seed", [2, 4, 8])
def test_two_together_equal_opening_every_pair(seed):
    now = town(seed, on_streets=True)
    kinds = ["closed_gate", "residents_gate", "cut_street"]
    ranked = rank_openings(now, services=[ADULT, MEAL], k=2, kinds=kinds)
    told = ranked.attrs["communityplan"]["together"]
    if len(ranked) < 2:
        pytest.skip("fewer than two places")
    assert told["method"] == "enumerated"
    best = max(
        (tuple(np.round(gained(now, ranked.iloc[list(pair)])[:1], 3)), pair)
        for pair in itertools.combinations(range(len(ranked)), 2)
    )
    assert told["people_gained"] == pytest.approx(best[0][0], abs=2e-3)
    chosen = ranked[ranked["together"].notna()].sort_values("together")
    assert gained(now, chosen)[0] == pytest.approx(told["people_gained"], abs=2e-3)
    assert chosen["together"].tolist() == list(range(1, len(chosen) + 1))


def test_the_bound_holds_and_the_method_is_told(monkeypatch):
    project = cp.load_project("demo")
    now = situation(project)
    whole = rank_openings(now, services=["elder_care", "childcare"], k=3, every_m=60)
    best = whole.attrs["communityplan"]["together"]
    assert best["method"] == "enumerated"
    assert best["gap"] == 0
    # fewer sets than there are: part of them, or step by step
    for most, method in ((400, "enumerated_among_best"), (20, "greedy")):
        monkeypatch.setattr("communityplan.scenario.ranking.MOST_TIMES", most * len(project.homes))
        part = rank_openings(now, services=["elder_care", "childcare"], k=3, every_m=60)
        told = part.attrs["communityplan"]["together"]
        assert told["method"] == method
        assert told["people_gained"] <= best["people_gained"] + 1e-6
        assert told["bound"] >= best["people_gained"] - 1e-6
        expected = 1 - told["people_gained"] / told["bound"]
        assert told["gap"] == pytest.approx(expected)


def test_the_embedded_district():
    project = cp.load_project("demo")
    ranked = rank_openings(project, k=2)
    gates = ranked[ranked["kind"] == "closed_gate"]
    # the gate that was shut in the way of the elder care station and the canteen
    assert gates["gate_id"].iloc[0] == "G04"
    first = gates.iloc[0]
    assert first["gain_elder_care"] > 600
    assert first["gain_canteen"] > 400
    assert first["rank"] <= 3
    people, _, _ = _demo_gain(project, ranked[ranked["gate_id"] == "G04"])
    assert people == pytest.approx(first["people_gained"], abs=1e-3)
    again = rank_openings(project, k=2)
    pd.testing.assert_frame_equal(pd.DataFrame(ranked), pd.DataFrame(again))
    assert ranked["why_zh"].str.endswith("。").all()
    assert ranked["why_en"].str.endswith(".").all()
    assert not ranked["why_en"].str.contains("nan").any()


def _demo_gain(project, chosen):
    then = apply(opening_scenario(chosen), project)
    totals = comparison_totals(compare(project, then))
    return totals["gained"].sum(), totals["minutes_saved"].sum(), 0


def test_nothing_to_open_gives_an_empty_table():
    tables = {
        "streets": lines([(0, 0), (100, 0)]),
        "homes": points([(10, 0)], home_id=["h"], community_id=["c"], residents=[3]),
        "facilities": points([(90, 0)], facility_id=["m"], service=["market"]),
    }
    found = rank_openings(tables, services=[ADULT])
    assert len(found) == 0
    assert {"rank", "people_gained", "why_zh", "together"} <= set(found.columns)
    assert opening_scenario(found) == Scenario("打开 0 处", "0 openings", ())


def test_odd_wishes_are_refused():
    with pytest.raises(OptionError, match="within_m is -1; every_m is 0; no kind 'door'"):
        rank_openings(two_courts(), services=[ADULT], within_m=-1, every_m=0, kinds=["door"])
    with pytest.raises(TableError, match="no column 'elderly'"):
        rank_openings(two_courts(), services=["elder_care"])


def test_rights_before_a_scenario_do_not_matter():
    opened = apply(Scenario("s", "", ()), two_courts())
    assert rank_openings(opened, services=[ADULT]).equals(
        rank_openings(two_courts(), services=[ADULT])
    )
