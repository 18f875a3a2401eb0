"""Walks, nearest, reached streets and areas: closed forms, a naive oracle, properties."""

from __future__ import annotations

import itertools

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely

import communityplan as cp
from communityplan.errors import OptionError, TableError
from communityplan.network.attachment import attach
from communityplan.reach.outline import Field
from towns import CRS, grid_streets, lines, points

PLAIN = cp.Walker("plain", 1.0)


@pytest.mark.parametrize(
    ("spacing_m", "budget_m", "expected_m"),
    [(100, 400, 6400), (100, 800, 25600), (100, 450, 8200), (100, 1200, 57600), (120, 1000, 33440)],
)
def test_reached_length_on_a_grid_has_a_closed_form(spacing_m, budget_m, expected_m):
    network = cp.WalkNetwork.from_streets(grid_streets(13, spacing_m))
    centre = points([(0, 0)], facility_id=["f"])
    found = cp.reached_streets(network, centre, walker=PLAIN, within_min=budget_m / 60)
    assert found["length_m"].sum() == pytest.approx(expected_m, abs=1e-6)
    assert found.length.sum() == pytest.approx(expected_m, abs=1e-6)
    areas = cp.service_areas(network, centre, walker=PLAIN, minutes=[budget_m / 60])
    assert areas["street_km"].iloc[0] * 1000 == pytest.approx(expected_m, abs=1e-6)


def random_town(seed: int) -> tuple[cp.WalkNetwork, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Streets with one-way parts, slopes, parallels, loops and islands, and points beside them."""
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 12, (14, 2)) * 50.0
    pairs = rng.integers(0, len(corners), (26, 2))
    pairs = pairs[(corners[pairs[:, 0]] != corners[pairs[:, 1]]).any(axis=1)]
    bends = rng.integers(-3, 4, (len(pairs), 2)) * rng.integers(0, 2, (len(pairs), 1)) * 15.0
    streets = []
    for (a, b), bend in zip(pairs, bends, strict=True):
        middle = (corners[a] + corners[b]) / 2 + bend + 0.5
        streets.append([tuple(corners[a]), tuple(middle), tuple(corners[b])])
    streets.append([(0.0, 0.0), (30.0, 0.0), (30.0, 30.0), (0.0, 0.0)])
    streets.append([(900.0, 900.0), (960.0, 900.0)])
    table = lines(
        *streets,
        oneway_foot=rng.random(len(streets)) < 0.2,
        climb_m=rng.normal(0, 4, len(streets)).round(1),
        crossing=rng.random(len(streets)) < 0.1,
    )
    network = cp.WalkNetwork.from_streets(table, attach_within_m=60)
    at = rng.uniform(-40, 640, (24, 2)).round(1)
    on = shapely.line_interpolate_point(
        network.edges.geometry.to_numpy()[rng.integers(0, len(network.edges), 8)],
        rng.choice([0.0, 0.25, 0.3, 1.0], 8),
        normalized=True,
    )
    at[:8] = shapely.get_coordinates(on)
    at[0], at[1] = (905.0, 900.0), (930.0, 905.0)
    homes = points([tuple(p) for p in at[::2]], home_id=[f"h{i}" for i in range(12)])
    shops = points([tuple(p) for p in at[1::2]], facility_id=[f"f{i}" for i in range(12)])
    return network, homes, shops


def naive_walks(
    network: cp.WalkNetwork, homes: gpd.GeoDataFrame, shops: gpd.GeoDataFrame, walker: cp.Walker
) -> dict[tuple[str, str], float]:
    """Every walk in seconds: brute-force attachment, edges cut at every point, networkx."""
    forward, backward = network.seconds(walker)
    edges = network.edges
    cuts: dict[int, list[tuple[float, object]]] = {row: [] for row in range(len(edges))}
    doors = {}
    everyone = dict(zip(homes["home_id"], homes.geometry, strict=True))
    everyone.update(zip(shops["facility_id"], shops.geometry, strict=True))
    for name, point in everyone.items():
        # the same street drawn both ways is equally near but for rounding: the first counts
        distance = [round(edge.distance(point), 9) for edge in edges.geometry]
        row = int(np.argmin(distance))
        if distance[row] > network.attach_within_m:
            continue
        doors[name] = distance[row] / walker.speed_m_s
        cuts[row].append((edges.geometry.iloc[row].project(point, normalized=True), name))
    graph = nx.DiGraph()

    def link(a: object, b: object, seconds: float) -> None:
        if np.isfinite(seconds) and seconds < graph.get_edge_data(a, b, {"w": np.inf})["w"]:
            graph.add_edge(a, b, w=seconds)

    for row, edge in enumerate(edges.itertuples()):
        stops = [(0.0, edge.u), *sorted(cuts[row], key=lambda cut: cut[0]), (1.0, edge.v)]
        for (s, a), (t, b) in itertools.pairwise(stops):
            share = t - s
            link(a, b, 0.0 if share == 0 else share * forward[row])
            link(b, a, 0.0 if share == 0 else share * backward[row])
    found = {}
    for home in homes["home_id"]:
        if home not in doors or home not in graph:
            continue
        seconds = nx.single_source_dijkstra_path_length(graph, home, weight="w")
        for shop in shops["facility_id"]:
            if shop in doors and shop in seconds:
                found[home, shop] = seconds[shop] + doors[home] + doors[shop]
    return found


@pytest.mark.parametrize("seed", range(40))
def test_walks_equal_a_naive_oracle(seed):
    network, homes, shops = random_town(seed)
    walker = cp.Walker("hiker", 1.1, slope="tobler", crossing_wait_s=17)
    expected = naive_walks(network, homes, shops, walker)
    found = cp.walks(network, homes, shops, walker=walker, within_min=100)
    seconds = dict(
        zip(zip(found["from_id"], found["to_id"], strict=True), found["walk_min"] * 60, strict=True)
    )
    assert seconds.keys() == expected.keys()
    assert all(abs(seconds[pair] - expected[pair]) < 1e-6 for pair in expected)
    parts = found["door_min"] + found["vertical_min"] + found["street_min"]
    np.testing.assert_allclose(parts, found["walk_min"], atol=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_the_way_back_and_the_worse_way(seed):
    network, homes, shops = random_town(seed)
    walker = cp.Walker("hiker", 1.1, slope="tobler")
    there = cp.walks(network, homes, shops, walker=walker, within_min=60)
    back = cp.walks(network, homes, shops, walker=walker, within_min=60, direction="back")
    turned = cp.walks(network, shops, homes, walker=walker, within_min=60)
    key = ["from_id", "to_id"]
    turned = turned.rename(columns={"from_id": "to_id", "to_id": "from_id"})
    assert back.set_index(key)["walk_min"].to_dict() == pytest.approx(
        turned.set_index(key)["walk_min"].to_dict()
    )
    worse = cp.walks(network, homes, shops, walker=walker, within_min=60, direction="worse")
    both = there.merge(back, on=key)
    expected = both.set_index(key)[["walk_min_x", "walk_min_y"]].max(axis=1)
    assert worse.set_index(key)["walk_min"].to_dict() == pytest.approx(expected.to_dict())


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("direction", ["there", "back", "worse"])
def test_nearest_is_the_head_of_the_sorted_walks(seed, direction):
    network, homes, shops = random_town(seed)
    walker = cp.Walker("hiker", 1.1, slope="tobler")
    every = cp.walks(network, homes, shops, walker=walker, within_min=30, direction=direction)
    order = {shop: row for row, shop in enumerate(shops["facility_id"])}
    home = {name: row for row, name in enumerate(homes["home_id"])}
    every = every.assign(a=every["from_id"].map(home), b=every["to_id"].map(order))
    every = every.sort_values(["a", "walk_min", "b"])
    options = {"walker": walker, "within_min": 30, "direction": direction}
    for k in (1, 3):
        expected = every.groupby("a").head(k)
        found = cp.nearest(network, homes, shops, k=k, **options)
        assert found["from_id"].tolist() == expected["from_id"].tolist()
        assert found["to_id"].tolist() == expected["to_id"].tolist()
        np.testing.assert_allclose(found["walk_min"], expected["walk_min"], atol=1e-9)
        assert ("rank" in found) == (k > 1)


@pytest.mark.parametrize("seed", range(6))
def test_reached_streets_hold_just_the_points_within_the_limit(seed):
    network, _, shops = random_town(seed)
    walker = cp.Walker("hiker", 1.1, slope="tobler")
    on_edges = network.edges.geometry.to_numpy()
    stations = np.concatenate(
        [shapely.line_interpolate_point(on_edges, share, normalized=True) for share in (0.2, 0.55)]
    )
    probes = gpd.GeoDataFrame({"home_id": range(len(stations))}, geometry=stations, crs=CRS)
    near = cp.walks(network, probes, shops, walker=walker, within_min=4)
    reached = cp.reached_streets(network, shops, walker=walker, within_min=4)
    # of streets that lie on each other a probe joins the first
    joins = attach(network, stations, walker=walker).edge
    proper = np.flatnonzero(joins == np.tile(np.arange(len(on_edges)), 2))
    assert len(proper) > len(stations) / 2
    for shop in shops["facility_id"]:
        inside = set(near.loc[near["to_id"] == shop, "from_id"])
        own = reached[reached["point_id"] == shop]
        for probe in proper:
            parts = own.geometry[own["edge"] == joins[probe]]
            margin = parts.distance(stations[probe]).min() if len(parts) else np.inf
            assert (margin < 1e-6) == (str(probe) in inside)


def test_areas_are_nested_and_do_not_depend_on_what_else_is_asked():
    network, _, shops = random_town(3)
    areas = cp.service_areas(network, shops, walker=PLAIN, minutes=[2, 4, 6])
    alone = cp.service_areas(network, shops.iloc[[4]], walker=PLAIN, minutes=[4])
    same = areas[(areas["facility_id"] == "f4") & (areas["within_min"] == 4)]
    assert alone.geometry.iloc[0].equals_exact(same.geometry.iloc[0], 0)
    for _, bands in areas.groupby("facility_id"):
        shapes = bands.sort_values("within_min").geometry.tolist()
        for smaller, larger in itertools.pairwise(shapes):
            assert smaller.difference(larger.buffer(1e-6)).area == pytest.approx(0, abs=1e-9)
    reached = areas[areas["street_km"] > 0]
    assert (reached["inside_share"] > 0.999).all()


def test_a_merged_area_is_the_union():
    network, _, shops = random_town(5)
    shops = shops.assign(service=["canteen", "market"] * 6)
    single = cp.service_areas(network, shops, walker=PLAIN, minutes=[3])
    merged = cp.service_areas(network, shops, walker=PLAIN, minutes=[3], merge=True)
    assert merged["service"].tolist() == ["canteen", "market"]
    for service, area in zip(merged["service"], merged.geometry, strict=True):
        own = single.geometry.to_numpy()[(shops["service"] == service).to_numpy()]
        union = shapely.union_all(own)
        assert area.symmetric_difference(union).area / union.area < 0.01


def test_an_unattached_facility_has_an_empty_area_and_no_street():
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (100, 0)]))
    areas = cp.service_areas(network, points([(0, 900)], facility_id=["f"]), walker=PLAIN)
    assert areas.geometry.is_empty.all()
    assert areas["street_km"].tolist() == [0, 0, 0]
    assert areas["inside_share"].isna().all()


def test_the_inside_of_a_compound_belongs_to_the_area_as_its_people_walk():
    streets = lines([(0, 50), (100, 50), (200, 50)])
    areas = gpd.GeoDataFrame(
        {"community_id": ["c"], "name": ["院"], "enclosed": [True]},
        geometry=[shapely.box(100, 0, 300, 100)],
        crs=CRS,
    )
    gates = points([(100, 50)], gate_id=["g"], who=["residents"])
    network = cp.WalkNetwork.from_streets(streets, communities=areas, gates=gates)
    shop = points([(0, 50)], facility_id=["f"])
    reached = cp.reached_streets(network, shop, walker=PLAIN, within_min=2.5)
    assert reached["length_m"].sum() == pytest.approx(150)
    inner = points([(200, 50)], facility_id=["f"])
    # from inside, nobody but its own people comes in from the street
    assert cp.reached_streets(network, inner, walker=PLAIN, within_min=5)["length_m"].sum() == 100


@pytest.mark.parametrize("seed", range(10))
def test_a_new_street_between_nodes_or_more_speed_never_lengthens_a_walk(seed):
    network, _homes, _shops = random_town(seed)
    rng = np.random.default_rng(seed)
    a, b = rng.choice(len(network.nodes), 2, replace=False)
    ends = shapely.get_coordinates(network.nodes.geometry)[[a, b]]
    old = gpd.GeoDataFrame(geometry=network.edges.geometry, crs=CRS)
    # points on the network keep their place on it when a street is added
    on = shapely.line_interpolate_point(old.geometry.to_numpy()[:10], 0.4, normalized=True)
    people = gpd.GeoDataFrame({"home_id": range(len(on))}, geometry=on, crs=CRS)
    more = gpd.GeoDataFrame(
        geometry=[*old.geometry, shapely.LineString([ends[0], ends.mean(axis=0) + 0.37, ends[1]])],
        crs=CRS,
    )
    before = cp.walks(
        cp.WalkNetwork.from_streets(old), people, people, walker=PLAIN, within_min=90
    ).set_index(["from_id", "to_id"])["walk_min"]
    for streets, walker in ((more, PLAIN), (old, cp.Walker("fast", 1.3))):
        after = cp.walks(
            cp.WalkNetwork.from_streets(streets), people, people, walker=walker, within_min=90
        ).set_index(["from_id", "to_id"])["walk_min"]
        assert before.index.isin(after.index).all()
        assert (after[before.index] <= before + 1e-9).all()


def test_stairs_count_where_the_storey_is_told():
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (100, 0)]))
    older = cp.Walker("older", 1.0, storey_up_s=13, storey_down_s=11, lift_wait_s=30)
    flats = points(
        [(0, 0)] * 3, home_id=["a", "b", "c"], storey=[1, 6, 6], has_lift=["no", "no", "yes"]
    )
    shop = points([(100, 0)], facility_id=["f"])
    down = cp.walks(network, flats, shop, walker=older, within_min=9)
    assert (down["walk_min"] * 60).round(6).tolist() == [100, 155, 130]
    up = cp.walks(network, flats, shop, walker=older, within_min=9, direction="back")
    assert (up["vertical_min"] * 60).round(6).tolist() == [0, 65, 30]
    wheels = cp.WALKERS["wheelchair"]
    assert cp.walks(network, flats, shop, walker=wheels, within_min=9)["from_id"].tolist() == [
        "a",
        "c",
    ]


def test_limits_are_inclusive_and_odd_ones_refused():
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (720, 0)]))
    start, end = points([(0, 0)], home_id=["h"]), points([(720, 0)], facility_id=["f"])
    older = cp.Walker("older", 0.8)
    assert len(cp.walks(network, start, end, walker=older, within_min=15)) == 1
    assert len(cp.walks(network, start, end, walker=older, within_min=14.999)) == 0
    assert len(cp.walks(network, start, start.rename(columns={"home_id": "facility_id"}),
                        walker=older, within_min=0)) == 1  # fmt: skip
    with pytest.raises(OptionError, match="within_min is nan"):
        cp.walks(network, start, end, walker=older, within_min=float("nan"))
    with pytest.raises(OptionError, match="no walker 'nobody'"):
        cp.walks(network, start, end, walker="nobody", within_min=5)
    with pytest.raises(OptionError, match="direction is 'up'"):
        cp.walks(network, start, end, walker=older, within_min=5, direction="up")
    with pytest.raises(TableError, match="already in row 1"):
        cp.walks(network, points([(0, 0)] * 2, home_id=["h", "h"]), end, walker=older, within_min=5)


def test_nothing_in_gives_nothing_out_with_the_right_columns():
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (720, 0)]))
    nobody = points([], home_id=[])
    shop = points([(0, 0)], facility_id=["f"])
    for table in (
        cp.walks(network, nobody, shop, walker=PLAIN, within_min=5),
        cp.walks(network, shop, nobody, walker=PLAIN, within_min=5),
        cp.nearest(network, nobody, shop, walker=PLAIN, k=2),
    ):
        assert len(table) == 0
        assert {"from_id", "to_id", "walk_min", "street_min"} <= set(table.columns)


def test_results_say_what_they_were_made_with():
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (720, 0)]), attach_within_m=40)
    found = cp.walks(
        network, points([(0, 0)], home_id=["h"]), points([(9, 0)], facility_id=["f"]),
        walker="cane", within_min=5,
    )  # fmt: skip
    used = found.attrs["communityplan"]
    assert used["walker"]["name"] == "cane"
    assert used["walker"]["verified"] is False
    assert used["network"]["attach_within_m"] == 40


@pytest.mark.parametrize("seed", range(12))
def test_a_route_adds_up_to_its_walk_and_hangs_together(seed):
    network, homes, shops = random_town(seed)
    walker = cp.Walker("hiker", 1.1, slope="tobler", crossing_wait_s=17)
    found = cp.walks(network, homes, shops, walker=walker, within_min=100)
    assert len(found)
    for walk in found.iloc[:: max(len(found) // 6, 1)].itertuples():
        legs = cp.route(
            network,
            homes[homes["home_id"] == walk.from_id],
            shops[shops["facility_id"] == walk.to_id],
            walker=walker,
        )
        assert legs["seconds"].sum() == pytest.approx(walk.walk_min * 60, abs=1e-6)
        np.testing.assert_allclose(legs["walk_s"] + legs["wait_s"], legs["seconds"])
        ends = [shapely.get_coordinates(line)[[0, -1]] for line in legs.geometry]
        for one, next_one in itertools.pairwise(ends):
            np.testing.assert_allclose(one[1], next_one[0], atol=1e-6)
    lost = cp.route(network, homes[:1], points([(9000, 0)], facility_id=["x"]), walker=walker)
    assert len(lost) == 0


def test_why_seventeen_minutes():
    # 5 storeys down, 12 m to the street, 300 m, a gate of 20 s, 600 m, a crossing of 10 m
    streets = lines(
        [(0, 0), (300, 0)], [(300, 0), (900, 0)], [(900, 0), (910, 0)],
        kind=["footway", "residential", "crossing"], crossing=[False, False, True],
    )  # fmt: skip
    gates = points([(300, 0)], gate_id=["g"], who=["everyone"], wait_s=[20])
    network = cp.WalkNetwork.from_streets(streets, gates=gates)
    flat = points([(0, 12)], home_id=["h"], storey=[6], has_lift=["no"])
    shop = points([(910, 0)], facility_id=["f"])
    older = cp.Walker("older", 1.0, storey_down_s=11, storey_up_s=13, crossing_wait_s=35)
    legs = cp.route(network, flat, shop, walker=older)
    assert legs["leg"].tolist() == ["stairs", "door", "street", "street", "street", "street"]
    assert legs["kind"].tolist() == ["", "", "footway", "gate", "residential", "crossing"]
    assert legs["seconds"].tolist() == pytest.approx([55, 12, 300, 20, 600, 45])
    assert legs["wait_s"].tolist() == pytest.approx([0, 0, 0, 20, 0, 35])
    with pytest.raises(OptionError, match="one origin and one destination, not 2 and 1"):
        cp.route(network, points([(0, 0), (1, 0)], home_id=["a", "b"]), shop, walker=older)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("direction", ["there", "back"])
def test_counts_equal_the_walks_counted(seed, direction):
    network, homes, shops = random_town(seed)
    rng = np.random.default_rng(seed)
    homes = homes.assign(residents=rng.integers(0, 50, len(homes)))
    shops = shops.assign(capacity=rng.integers(0, 50, len(shops)))
    walker = cp.Walker("hiker", 1.1, slope="tobler")
    every = cp.walks(network, homes, shops, walker=walker, within_min=12, direction=direction)
    for per, key, weight, table, counted in (
        ("origin", "from_id", "capacity", shops.set_index("facility_id"), "to_id"),
        ("destination", "to_id", "residents", homes.set_index("home_id"), "from_id"),
    ):
        found = cp.within_reach(
            network, homes, shops, walker=walker, minutes=[4, 12], weight=weight, per=per,
            direction=direction,
        )  # fmt: skip
        for row in found.to_dict("records"):
            near = every[(every[key] == row[key]) & (every["walk_min"] <= row["within_min"])]
            assert row["count"] == len(near)
            assert row["total"] == table.loc[near[counted], weight].sum()


def test_people_behind_their_own_gate_are_counted():
    streets = lines([(0, 50), (100, 50), (200, 50)])
    areas = gpd.GeoDataFrame(
        {"community_id": ["c"], "name": ["院"], "enclosed": [True]},
        geometry=[shapely.box(100, 0, 300, 100)],
        crs=CRS,
    )
    gates = points([(100, 50)], gate_id=["g"], who=["residents"])
    network = cp.WalkNetwork.from_streets(streets, communities=areas, gates=gates)
    homes = points(
        [(150, 50), (150, 50), (50, 50)],
        home_id=["own", "stranger", "outside"], community_id=["c", "x", "x"], residents=[5, 7, 11],
    )  # fmt: skip
    hall = points([(0, 50)], building_id=["b"])
    found = cp.within_reach(
        network, homes, hall, walker=PLAIN, minutes=[5], weight="residents", per="destination"
    )
    assert found["total"].tolist() == [16]


@pytest.mark.parametrize("seed", range(5))
def test_an_area_is_the_union_of_buffers(seed):
    network, _, shops = random_town(seed)
    areas = cp.service_areas(network, shops, walker=PLAIN, minutes=[3, 6], margin_m=30)
    for within_min in (3, 6):
        reached = cp.reached_streets(network, shops, walker=PLAIN, within_min=within_min)
        for shop, parts in reached.groupby("point_id"):
            own = areas[(areas["facility_id"] == shop) & (areas["within_min"] == within_min)]
            area = own.geometry.iloc[0]
            expected = shapely.union_all(shapely.buffer(parts.geometry.to_numpy(), 30))
            both = area.intersection(expected).area / area.union(expected).area
            assert both > 0.96
            assert area.is_valid
            assert parts.difference(area).length.sum() == pytest.approx(0, abs=1e-6)
            inside = network.edges.geometry.intersection(area).length.sum()
            false = 1 - parts.length.sum() / inside
            assert own["false_share"].iloc[0] == pytest.approx(false, abs=0.03)


def test_the_compiled_field_is_the_plain_one():
    pytest.importorskip("numba")
    rng = np.random.default_rng(5)
    pieces = rng.uniform(0, 900, (300, 4))
    pieces[:20, 2:] = pieces[:20, :2]
    plain = Field((0, 0, 900, 900), 40.0)
    fast = Field((0, 0, 900, 900), 40.0, compiled=True)
    plain.add(pieces)
    fast.add(pieces)
    assert np.array_equal(plain.square, fast.square)


def test_a_ring_of_streets_has_a_hole():
    ring = lines([(0, 0), (600, 0), (600, 600), (0, 600), (0, 0)])
    network = cp.WalkNetwork.from_streets(ring)
    area = cp.service_areas(
        network, points([(0, 0)], facility_id=["f"]), walker=PLAIN, minutes=[30]
    ).geometry.iloc[0]
    assert len(area.interiors) == 1
    assert area.interiors[0].envelope.area == pytest.approx(520**2, rel=0.01)


def test_an_area_does_not_reach_over_a_wall():
    streets = lines([(-200, -20), (300, -20)], [(50, 50), (60, 50)])
    areas = gpd.GeoDataFrame(
        {"community_id": ["c"], "name": ["院"], "enclosed": [True]},
        geometry=[shapely.box(0, 0, 100, 100)],
        crs=CRS,
    )
    shop = points([(50, -20)], facility_id=["f"])
    open_network = cp.WalkNetwork.from_streets(streets)
    walled = cp.WalkNetwork.from_streets(streets, communities=areas)
    free = cp.service_areas(open_network, shop, walker=PLAIN, minutes=[2]).geometry.iloc[0]
    kept = cp.service_areas(walled, shop, walker=PLAIN, minutes=[2]).geometry.iloc[0]
    yard = areas.geometry.iloc[0]
    assert free.intersection(yard).area == pytest.approx(2000, rel=0.05)
    assert kept.intersection(yard).area == pytest.approx(0, abs=1e-6)
    assert kept.area == pytest.approx(free.area - free.intersection(yard).area, rel=1e-9)
