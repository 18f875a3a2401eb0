"""Opening never makes a walk longer: random towns with compounds, walls, gates and private ways."""

from __future__ import annotations

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import communityplan as cp
from communityplan.network.attachment import attach
from communityplan.reach.ends import places, residents_of
from communityplan.scenario import (
    Scenario,
    add_facility,
    add_path,
    apply,
    compare,
    nearest_by_home,
    open_gate,
    remove_wall,
    situation,
)
from communityplan.scenario.access import _after
from communityplan.scenario.measures import AddPath
from scenario_towns import CRS, as_tables, compound_town, lines, points, random_openings

OLDER = cp.Walker(
    "older", 0.8, slope="tobler_capped", storey_up_s=13, storey_down_s=11, lift_wait_s=30,
    crossing_wait_s=20,
)  # fmt: skip
WHEELS = cp.Walker(
    "wheels", 0.9, may_use_steps=False, storey_up_s=np.inf, storey_down_s=np.inf, lift_wait_s=30
)
SERVICES = [
    cp.standards.Service("market", walker="older_75_plus", within_min=6),
    cp.standards.Service("canteen", walker="wheelchair", within_min=6),
]
EVERY = settings(max_examples=15, deadline=None, derandomize=True)


def town(seed: int):
    tables, options = compound_town(seed)
    network = cp.WalkNetwork.from_streets(
        tables["streets"],
        walls=tables["walls"],
        gates=tables["gates"],
        communities=tables["communities"],
        **options,
    )
    return tables, situation(tables, network=network)


def longer(new, old) -> bool:
    """Whether any walk takes longer than before, or is no longer there."""
    return bool((np.nan_to_num(new, nan=1e9) > np.nan_to_num(old, nan=1e9) + 1e-6).any())


@EVERY
@given(seed=st.integers(0, 2_000), pick=st.integers(0, 40))
def test_no_opening_lengthens_a_walk_or_covers_fewer(seed, pick):
    tables, now = town(seed)
    kept = as_tables(tables)
    measures = random_openings(seed, tables)
    then = apply(Scenario("s", "", (measures[pick % len(measures)],)), now)
    assert then.only_opens
    for walker, direction in ((OLDER, "there"), (OLDER, "back"), (WHEELS, "worse")):
        options = {"service": "market", "walker": walker, "direction": direction}
        old = nearest_by_home(now, **options)["walk_min"]
        assert not longer(nearest_by_home(then, **options)["walk_min"], old)
        # and so it is even without looking at the walks of before
        bare = _after(then, now, "market", walker, direction)[1] / 60
        assert not longer(bare, old)
    table = compare(now, then, services=SERVICES)
    assert (table["lost"] == 0).all()
    assert (table["minutes_saved"] >= -1e-6).all()
    np.testing.assert_allclose(
        table["covered_after"], table["covered_before"] + table["gained"] - table["lost"]
    )
    for name, table in tables.items():
        assert_frame_equal(table, kept[name])


@EVERY
@given(seed=st.integers(0, 2_000), size=st.integers(2, 5))
def test_more_openings_never_lengthen_what_fewer_had_saved(seed, size):
    tables, now = town(seed)
    chosen = random_openings(seed, tables)[:size]
    fewer = apply(Scenario("f", "", tuple(chosen[:-1])), now)
    more = apply(Scenario("m", "", tuple(chosen)), now)
    on_top = apply(Scenario("t", "", tuple(chosen[-1:])), fewer)
    old = _after(fewer, now, "market", OLDER, "there")[1]
    new = _after(more, now, "market", OLDER, "there")[1]
    assert not longer(new, old)
    np.testing.assert_array_equal(new, _after(on_top, now, "market", OLDER, "there")[1])


@pytest.mark.parametrize("seed", range(8))
def test_opening_in_another_order_is_the_same(seed):
    tables, now = town(seed)
    chosen = [m for m in random_openings(seed, tables) if type(m).__name__ != "AddPath"][:4]
    one = apply(Scenario("a", "", tuple(chosen)), now)
    two = apply(Scenario("b", "", tuple(chosen[::-1])), now)
    for service in ("market", "canteen"):
        np.testing.assert_allclose(
            nearest_by_home(one, service=service, walker=OLDER)["walk_min"],
            nearest_by_home(two, service=service, walker=OLDER)["walk_min"],
        )


@pytest.mark.parametrize("seed", range(12))
def test_gates_and_facilities_give_what_a_plain_evaluation_gives(seed):
    # they move no joining point, so building everything anew has to come to the same
    tables, now = town(seed)
    names = tables["gates"]["gate_id"].tolist()
    measures = (*map(open_gate, names[:2]), add_facility((200, 210), "market"))
    then = apply(Scenario("s", "", measures), now)
    new = _after(then, now, "market", OLDER, "there")[1] / 60
    plain = cp.home_access(
        then.network, then.homes, then.facilities, service="market", walker=OLDER
    )["walk_min"].to_numpy()
    # rights of way can only grow in a scenario, so some get farther than by building anew
    assert not longer(new, plain)
    alike = _owners(now, OLDER) == _owners(then, OLDER)
    np.testing.assert_allclose(new[alike], plain[alike])


def test_a_nearer_but_badly_connected_path_takes_nothing_away():
    # the house stands 20 m from the street; a new path runs 5 m from it, but is a detour
    tables = {
        "streets": lines([(0, 0), (100, 0), (200, 0)]),
        "homes": points([(100, 20)], home_id=["h"], community_id=["c"], residents=[9]),
        "facilities": points([(0, 0)], facility_id=["m"], service=["market"]),
    }
    plain = cp.Walker("plain", 1.0)
    now = situation(tables)
    path = add_path([(200, 0), (200, 25), (60, 25), (60, 400), (55, 400)])
    then = apply(Scenario("s", "", (path,)), now)
    again = cp.home_access(
        then.network, then.homes, then.facilities, service="market", walker=plain
    )
    found = nearest_by_home(then, service="market", walker=plain)
    # today 20 m to the street and 100 m along it
    assert found["walk_min"].iloc[0] * 60 == pytest.approx(120)
    # joined anew: 5 m to the path, then 100 + 25 + 200 m
    assert again["walk_min"].iloc[0] * 60 == pytest.approx(5 + 100 + 25 + 200)
    good = apply(Scenario("g", "", (add_path([(200, 0), (200, 25), (60, 25), (60, 0)]),)), now)
    better = nearest_by_home(good, service="market", walker=plain)
    assert better["walk_min"].iloc[0] * 60 == pytest.approx(120)
    near = apply(Scenario("n", "", (add_path([(200, 0), (200, 25), (100, 25), (0, 0)]),)), now)
    new = nearest_by_home(near, service="market", walker=plain)["walk_min"].iloc[0] * 60
    # straight down to the market: 103.1 m and less than 5 m to the path
    assert new == pytest.approx(min(120, 4.85 + np.hypot(100, 25)), abs=1.5)
    assert new < 120


def test_a_wall_that_is_gone_frees_the_way_to_the_street():
    # the street in front of the house is behind a wall; today it joins the lane 30 m behind it
    tables = {
        "streets": lines([(0, 0), (200, 0)], [(0, 0), (0, 45), (200, 45)]),
        "walls": lines([(50, 5), (150, 5)], wall_id=["w"]),
        "homes": points([(100, 15)], home_id=["h"], community_id=["c"], residents=[9]),
        "facilities": points([(200, 0)], facility_id=["m"], service=["market"]),
    }
    plain = cp.Walker("plain", 1.0)
    now = situation(tables)
    old = nearest_by_home(now, service="market", walker=plain)["walk_min"].iloc[0] * 60
    assert old == pytest.approx(30 + 100 + 45 + 200)
    for measure in (remove_wall("w"), remove_wall("w", between=((90, 5), (110, 5)))):
        then = apply(Scenario("s", "", (measure,)), now)
        new = nearest_by_home(then, service="market", walker=plain)["walk_min"].iloc[0] * 60
        assert new == pytest.approx(15 + 100)


def test_a_public_path_beside_a_facility_leaves_it_the_private_one_of_before():
    # the hall can be had by the lane behind it, that leads nowhere, at 40 m, by the new path of the
    # residents at about 15 m, and by the new public path, that leads to the lane only, at 10 m
    tables = {
        "streets": lines([(0, 0), (400, 0)], [(280, 100), (320, 100)]),
        "communities": gpd.GeoDataFrame(
            {"community_id": ["a"], "name": ["a"], "enclosed": [False]},
            geometry=[shapely.box(-50, -50, 450, 150)],
            crs=CRS,
        ),
        "homes": points([(0, -5)], home_id=["h"], community_id=["a"], residents=[9]),
        "facilities": points([(300, 60)], facility_id=["m"], service=["market"]),
    }
    plain = cp.Walker("plain", 1.0)
    now = situation(tables)
    assert nearest_by_home(now, service="market", walker=plain)["walk_min"].isna().all()
    own = add_path([(0, 0), (0, 45), (300, 45)], access="residents")
    public = add_path([(280, 100), (300, 70)])
    few, more = (
        nearest_by_home(apply(Scenario("s", "", measures), now), service="market", walker=plain)
        for measures in ((own,), (own, public))
    )
    assert few["walk_min"].iloc[0] * 60 == pytest.approx(5 + 45 + 300 + 15)
    assert more["walk_min"].iloc[0] == few["walk_min"].iloc[0]


@pytest.mark.parametrize("seed", [*range(3), 83, 190])
def test_every_measure_keeps_what_all_before_it_gave(seed):
    """Up to six measures, one by one, for both services and walkers: no walk is lost on the way."""
    tables, now = town(seed)
    chosen = random_openings(seed, tables)[:6]
    if seed == 190:
        paths = [one for one in random_openings(seed, tables) if isinstance(one, AddPath)]
        chosen = [paths[0], paths[3]]
    ways = [("canteen", OLDER, "back"), ("market", WHEELS, "there")]
    old = [nearest_by_home(now, service=s, walker=w, direction=d)["walk_min"] for s, w, d in ways]
    for count in range(1, len(chosen) + 1):
        then = apply(Scenario("s", "", tuple(chosen[:count])), now)
        new = [_after(then, now, s, w, d)[1] / 60 for s, w, d in ways]
        assert not any(longer(after, before) for after, before in zip(new, old, strict=True))
        old = new


@pytest.mark.parametrize("seed", range(6))
def test_minutes_equal_a_naive_search_over_all_joining_points(seed):
    """Networkx on the new network, from every place that the rule lets a home join."""
    tables, now = town(seed)
    streets = tables["streets"]
    ends = [streets.geometry.iloc[row].interpolate(30) for row in (1, -2)]
    path = add_path([(p.x, p.y) for p in ends], opens="everyone")
    then = apply(Scenario("s", "", (path,)), now)
    walker = cp.Walker("plain", 1.0)
    public = then.homes[(_owners(now, walker) == "") & (_owners(then, walker) == "")]
    if not len(public):
        pytest.skip("everybody here has private ways")
    expected = _naive(now, then, walker)
    found = nearest_by_home(then, service="market", walker=walker)["walk_min"] * 60
    for row in public.index:
        assert found[row] == pytest.approx(expected[row], nan_ok=True, abs=1e-5)


def _owners(state, walker) -> np.ndarray:
    """Whose private ways the people of each home may use."""
    homes = places(state.network, state.homes, walker=walker, where="homes")
    return residents_of(state.network, homes, walker)


def _spots(now, then, point, walker) -> list[tuple[float, shapely.Point]]:
    """Where a point joins today, and on the new path if that is nearer and no wall between."""
    kept = attach(now.network, np.array([point], dtype=object), walker=walker)
    spots = []
    reach = now.network.attach_within_m
    if kept.edge[0] >= 0:
        spots.append((kept.door_m[0], kept.point[0]))
        reach = kept.door_m[0] - 1e-6
    way = shapely.shortest_line(point, then.streets.geometry.iloc[-1])
    barriers = then.network.barriers
    inner = shapely.LineString([way.interpolate(0.01), way.interpolate(max(way.length - 0.01, 0))])
    barred = shapely.intersects(barriers.lines, inner).any()
    if way.length < reach and not barred:
        spots.append((way.length, shapely.get_point(way, -1)))
    return spots


def _naive(now, then, walker) -> dict[int, float]:
    network = then.network
    forward, backward = network.seconds(walker)
    graph = nx.DiGraph()

    def link(a, b, s):
        if np.isfinite(s) and s < graph.get_edge_data(a, b, {"w": np.inf})["w"]:
            graph.add_edge(a, b, w=s)

    everyone = network.edges["owner"] == ""
    for row, edge in network.edges[everyone].iterrows():
        link(edge["u"], edge["v"], forward[row])
        link(edge["v"], edge["u"], backward[row])
    walked = network.edges[everyone & (network.edges["kind"] != "gate")]
    shops = then.facilities[then.facilities["service"] == "market"]
    spots_of = {("h", row): point for row, point in then.homes.geometry.items()}
    spots_of |= {("f", row): point for row, point in shops.geometry.items()}
    on: dict[int, list[tuple[float, object, float]]] = {}
    for key, point in spots_of.items():
        for door, spot in _spots(now, then, point, walker):
            # of the edges at the spot the one on the point's side of the walls
            inward = shapely.LineString([spot, point]).interpolate(0.02)
            near = walked[walked.distance(spot) < 1e-6]
            for row in near.index:
                line = near.geometry[row]
                at = line.project(spot)
                probe = line.interpolate(np.clip(at, 0.05, line.length - 0.05))
                way = shapely.LineString([probe, inward])
                if not shapely.intersects(network.barriers.lines, way).any() or door < 0.02:
                    on.setdefault(row, []).append((at / line.length, key, door))
    for row, spots in on.items():
        stops = sorted(spots, key=lambda spot: spot[0])
        edge = network.edges.loc[row]
        for number, (share, key, door) in enumerate(stops):
            node = ("on", row, number)
            link(key, node, door / walker.speed_m_s)
            link(node, key, door / walker.speed_m_s)
            link(node, edge["u"], share * backward[row] if share else 0.0)
            link(edge["u"], node, share * forward[row] if share else 0.0)
            link(node, edge["v"], (1 - share) * forward[row] if share < 1 else 0.0)
            link(edge["v"], node, (1 - share) * backward[row] if share < 1 else 0.0)
            for other, (second, _, _) in enumerate(stops[:number]):
                gap = share - second
                link(("on", row, other), node, gap * forward[row] if gap else 0.0)
                link(node, ("on", row, other), gap * backward[row] if gap else 0.0)
    best = {}
    for row in then.homes.index:
        times = (
            nx.single_source_dijkstra_path_length(graph, ("h", row), weight="w")
            if ("h", row) in graph
            else {}
        )
        best[row] = min((times.get(("f", shop), np.inf) for shop in shops.index), default=np.inf)
        best[row] = best[row] if np.isfinite(best[row]) else np.nan
    return best
