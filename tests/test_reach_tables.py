"""From tables to tables: joining many points, several walkers and services, odd input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely

import communityplan as cp
from communityplan._search import ask
from communityplan.errors import CommunityPlanError, OptionError, TableError, TooLargeError
from communityplan.network import near_edges
from communityplan.network.attachment import attach
from communityplan.network.near_edges import EdgeGrid
from communityplan.reach import drawing
from test_reach import PLAIN, random_town
from towns import CRS, grid_streets, lines, points

NAN, INF = float("nan"), float("inf")


def random_lines(rng: np.random.Generator, count: int) -> np.ndarray:
    """Short and very long lines with bends, some drawn twice or both ways, some of no length."""
    start = rng.uniform(0, 4000, (count, 1, 2))
    step = rng.normal(0, 1, (count, 3, 2)) * rng.choice(
        [20, 200, 3000], (count, 1, 1), p=[0.8, 0.17, 0.03]
    )
    xy = np.concatenate([start, start + np.cumsum(step, axis=1)], axis=1).round(1)
    found = shapely.linestrings(xy)
    found[1], found[2] = found[0], shapely.reverse(found[0])
    found[3] = shapely.LineString([(10, 10), (10, 10)])
    return found


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("compiled", [False, True])
def test_the_grid_finds_the_nearest_line_of_every_point(seed, compiled, monkeypatch):
    if compiled:
        pytest.importorskip("numba")
    rng = np.random.default_rng(seed)
    some = random_lines(rng, 150)
    at = rng.uniform(-300, 4300, (400, 2))
    at[:60] = rng.choice(shapely.get_coordinates(some), 60)
    at[60:120] += 1e5 * (seed == 0)
    monkeypatch.setattr(near_edges, "COMPILED_FROM", 1 if compiled else 10**9)
    monkeypatch.setattr(near_edges, "LOADED_FROM", 1)
    within_m = float(rng.choice([1e-9, 25.0, 100.0, 1500.0]))
    found = EdgeGrid.of(some).joints(at, within_m)
    spots = shapely.points(at)
    distance = shapely.distance(spots[:, None], some[None, :])
    near = distance.min(axis=1) <= within_m
    np.testing.assert_array_equal(found.edge >= 0, near)
    np.testing.assert_allclose(found.door_m[near], distance.min(axis=1)[near], atol=1e-9)
    # of lines equally near the first, the same line drawn the other way too
    first = (distance <= distance.min(axis=1)[:, None] + 1e-9).argmax(axis=1)
    np.testing.assert_array_equal(found.edge[near], first[near])
    along = shapely.line_interpolate_point(
        some[found.edge[near]], found.along[near], normalized=True
    )
    np.testing.assert_allclose(shapely.get_coordinates(along), found.xy[near], atol=1e-6)
    assert np.isnan(found.along[~near]).all()
    assert ((found.along[near] >= 0) & (found.along[near] <= 1)).all()


def test_both_loops_of_the_grid_agree_to_the_last_bit(monkeypatch):
    pytest.importorskip("numba")
    rng = np.random.default_rng(3)
    grid = EdgeGrid.of(random_lines(rng, 400))
    at = rng.uniform(0, 4000, (3000, 2))
    found = []
    for least in (1, 10**9):
        monkeypatch.setattr(near_edges, "COMPILED_FROM", least)
        monkeypatch.setattr(near_edges, "LOADED_FROM", 1)
        found.append(grid.joints(at, 300.0))
    for name in ("edge", "along", "door_m", "xy"):
        np.testing.assert_array_equal(*(getattr(one, name) for one in found))


def test_points_and_areas_in_one_table_join_as_alone():
    network = cp.WalkNetwork.from_streets(grid_streets(3, 100))
    shapes = np.array([shapely.Point(120, 30), shapely.box(20, 30, 60, 70), shapely.Point(-40, 5)])
    whole = attach(network, shapes, walker=PLAIN)
    for row, shape in enumerate(shapes):
        alone = attach(network, np.array([shape]), walker=PLAIN)
        assert alone.edge[0] == whole.edge[row]
        assert (alone.along[0], alone.door_m[0]) == (whole.along[row], whole.door_m[row])
        assert alone.point[0] == whole.point[row]
    assert whole.door_m.tolist() == [20, 20, 5]


@pytest.mark.parametrize("seed", range(4))
def test_several_walkers_and_services_are_the_separate_answers(seed):
    network, homes, shops = random_town(seed)
    shops = shops.assign(service=["market", "canteen", "health"] * 4, capacity=range(12))
    people = [cp.Walker("quick", 1.4), cp.Walker("slow", 0.7, may_use_steps=False)]
    kinds = ["market", "canteen", "health"]
    with_ = {"k": 2, "within_min": 30}
    found = cp.nearest(network, homes, shops, walker=people, by="service", **with_)
    counted = cp.within_reach(
        network, homes, shops, walker=people, by="service", minutes=[5, 20], weight="capacity"
    )
    for person in people:
        for kind in kinds:
            some = shops[shops["service"] == kind]
            chosen = {"walker": person.name, "service": kind}
            alone = cp.nearest(network, homes, some, walker=person, **with_)
            pd.testing.assert_frame_equal(rows(found, chosen), alone)
            alone = cp.within_reach(
                network, homes, some, walker=person, minutes=[5, 20], weight="capacity"
            )
            pd.testing.assert_frame_equal(rows(counted, chosen), alone)
    every = cp.walks(network, homes, shops, walker=people, within_min=20)
    for person in people:
        alone = cp.walks(network, homes, shops, walker=person, within_min=20)
        pd.testing.assert_frame_equal(rows(every, {"walker": person.name}), alone)
    assert set(found["service"]) <= set(kinds)
    assert [told["name"] for told in found.attrs["communityplan"]["walker"]] == ["quick", "slow"]


def rows(table: pd.DataFrame, chosen: dict[str, str]) -> pd.DataFrame:
    """The rows with these values, without those columns."""
    for column, value in chosen.items():
        table = table[table[column] == value].drop(columns=column)
    return table.reset_index(drop=True)


def test_one_walker_and_one_service_by_hand():
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (600, 0)]))
    home = points([(0, 0)], home_id=["h"])
    shops = points(
        [(120, 0), (300, 0), (60, 0)], facility_id=["a", "b", "c"],
        service=["canteen", "health", "canteen"],
    )  # fmt: skip
    found = cp.nearest(network, home, shops, walker=[PLAIN], by="service")
    assert found["walker"].tolist() == ["plain", "plain"]
    assert found["service"].tolist() == ["canteen", "health"]
    assert found["to_id"].tolist() == ["c", "b"]
    assert found["walk_min"].tolist() == [1, 5]
    nobody = cp.nearest(network, home, shops.iloc[:0], walker=PLAIN, by="service")
    assert len(nobody) == 0


def test_compiled_and_plain_areas_are_the_same(monkeypatch):
    pytest.importorskip("numba")
    network, _, shops = random_town(7)
    wall = lines([(250, -50), (250, 700)], wall_id=["w"])
    walled = cp.WalkNetwork.from_streets(network.edges[["geometry"]], walls=wall)
    for town in (network, walled):
        found = []
        for least in (0, 10**9):
            monkeypatch.setattr(drawing, "COMPILED_FROM", least)
            found.append(cp.service_areas(town, shops, walker=PLAIN, minutes=[2, 5]))
        one, two = found
        assert one.geometry.geom_equals_exact(two.geometry, 0).all()
        pd.testing.assert_frame_equal(
            one.drop(columns="geometry"), two.drop(columns="geometry"), check_exact=True
        )
        reached = one[one["street_km"] > 0]
        assert (reached["inside_share"] >= 0.999).all()
        assert one.geometry.is_valid.all()


@pytest.mark.parametrize("seed", range(3))
def test_an_area_is_the_same_alone_and_with_other_limits_and_facilities(seed):
    network, _, shops = random_town(seed)
    hiker = cp.Walker("hiker", 1.1, slope="tobler")
    together = cp.service_areas(network, shops, walker=hiker, minutes=[1, 2, 3.5, 6])
    for row in range(0, 12, 4):
        alone = cp.service_areas(network, shops.iloc[[row]], walker=hiker, minutes=[3.5])
        same = together[(together["facility_id"] == f"f{row}") & (together["within_min"] == 3.5)]
        assert alone.geometry.iloc[0].equals_exact(same.geometry.iloc[0], 0)
        figures = ["street_km", "inside_share", "false_share"]
        np.testing.assert_array_equal(alone[figures], same[figures])


def test_the_quality_of_an_area_is_what_overlay_finds():
    network = cp.WalkNetwork.from_streets(grid_streets(8, 100))
    centre = points([(0, 0)], facility_id=["f"])
    (area,) = cp.service_areas(network, centre, walker=PLAIN, minutes=[5]).itertuples()
    streets = network.edges.geometry
    inside_m = streets.intersection(area.geometry).length.sum()
    assert area.false_share == pytest.approx(1 - area.street_km * 1000 / inside_m, abs=0.01)
    reached = cp.reached_streets(network, centre, walker=PLAIN, within_min=5)
    lies_in = reached.intersection(area.geometry).length.sum()
    assert lies_in == pytest.approx(reached.length.sum(), rel=1e-9)
    assert area.inside_share == 1


CALLS = {
    "walks": lambda n, o, d, w, **k: cp.walks(n, o, d, walker=w, **{"within_min": 5, **k}),
    "nearest": lambda n, o, d, w, **k: cp.nearest(n, o, d, walker=w, **k),
    "within_reach": lambda n, o, d, w, **k: cp.within_reach(
        n, o, d, walker=w, **{"minutes": 5, **k}
    ),
    "reached_streets": lambda n, o, d, w, **k: cp.reached_streets(
        n, d, walker=w, **{"within_min": 5, **k}
    ),
    "service_areas": lambda n, o, d, w, **k: cp.service_areas(n, d, walker=w, **k),
    "route": lambda n, o, d, w, **k: cp.route(n, o, d, walker=w),
}


def small() -> tuple[cp.WalkNetwork, object, object]:
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (300, 0)]))
    home = points([(10, 5)], home_id=["a"], residents=[3])
    shop = points([(100, 0)], facility_id=["f"], service=["canteen"])
    return network, home, shop


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "table",
    [
        None, 3, "homes", [shapely.Point(0, 0)], shapely.Point(0, 0),
        points([(0, 0)]).geometry,
        pd.DataFrame({"home_id": ["a"]}),
        points([(0, 0)], home_id=["a"]).to_crs(4326),
        points([(0, 0)], home_id=["a"]).set_crs(None, allow_override=True),
        points([(0, 0)], home_id=["a"]).set_crs(32651, allow_override=True),
        points([(0, 0), (1, 0)], home_id=["a", "a"]),
        points([(0, 0), (1, 0)], home_id=[1, "1"]),
        points([(0, 0), (1, 0)], home_id=["a", None]),
        points([(0, 0), (1, 0)]).set_axis([7, 7]),
        points([(0, NAN)], home_id=["a"]),
        lines([(0, 0), (1, 0)], home_id=["a"]),
        points([(0, 0)], home_id=["a"]).set_geometry([shapely.Point()], crs=CRS),
        points([(0, 0)], home_id=["a"]).set_geometry([None], crs=CRS),
        points([(0, 0)], home_id=["a"], door=["POINT (1"]),
        points([(0, 0)], home_id=["a"], door=["POINT EMPTY"]),
        points([(0, 0)], home_id=["a"], door=["POINT (NaN 1)"]),
        points([(0, 0)], home_id=["a"], door=[3]),
        points([(0, 0)], home_id=["a"], storey=["third"]),
        points([(0, 0)], home_id=["a"], storey=[-2]),
        points([(0, 0)], home_id=["a"], storey=[INF]),
        points([(0, 0)], home_id=["a"], storey=[2], has_lift=["perhaps"]),
        pd.concat([points([(0, 0)], home_id=["a"]), pd.DataFrame({"home_id": ["b"]})], axis=1),
    ],
    ids=str,
)  # fmt: skip
def test_a_table_that_cannot_be_used_ends_in_one_clear_error(call, table):
    network, home, shop = small()
    for origins, destinations in ((table, shop), (home, table)):
        if call in ("reached_streets", "service_areas") and destinations is shop:
            continue
        with pytest.raises(CommunityPlanError):
            CALLS[call](network, origins, destinations, PLAIN)


@pytest.mark.parametrize(
    ("calls", "options"),
    [
        (["walks", "nearest", "reached_streets"], {"within_min": value})
        for value in (NAN, -1, "five", "5", [5], True)
    ]
    + [
        (["walks", "reached_streets"], {"within_min": None}),
        (["reached_streets"], {"within_min": INF}),
    ]
    + [
        (["within_reach", "service_areas"], {"minutes": value})
        for value in (
            NAN,
            -1,
            INF,
            "five",
            "15",
            [],
            None,
            [5, "x"],
            [5, NAN],
            [5, INF],
            True,
            [True],
        )
    ]
    + [(["nearest"], {"k": value}) for value in (0, -1, 1.5, "2", None, True, NAN, INF, [1])]
    + [
        (
            ["walks", "nearest", "within_reach", "reached_streets", "service_areas"],
            {"direction": value},
        )
        for value in ("up", None, 3, ["there"])
    ]
    + [(["within_reach"], {"per": value}) for value in ("home", None, [])]
    + [
        (["within_reach"], {"weight": value})
        for value in ("size", ["capacity"], 3, "service", "geometry")
    ]
    + [
        (["nearest", "within_reach"], {"by": value})
        for value in ("kind", ["service"], 3, "geometry")
    ]
    + [(["within_reach"], {"by": "service", "per": "destination"})]
    + [(["service_areas"], {"margin_m": value}) for value in (0, -1, NAN, INF, "40", None, True)]
    + [(["service_areas"], {"merge": "yes"})],
    ids=str,
)
def test_an_option_without_meaning_is_refused_by_name(calls, options):
    network, home, shop = small()
    for call in calls:
        with pytest.raises((OptionError, TableError)) as told:
            CALLS[call](network, home, shop, PLAIN, **options)
        assert any(name in str(told.value) for name in [*options, *map(str, options.values())])


@pytest.mark.parametrize("call", CALLS)
def test_a_walker_or_network_that_is_none_is_refused(call):
    network, home, shop = small()
    for walker in (None, 3, "nobody", cp.Walker, {"adult": 1}, [["adult"]]):
        with pytest.raises(OptionError, match=r"walker"):
            CALLS[call](network, home, shop, walker)
    for other in (None, home, "streets"):
        with pytest.raises(OptionError, match=r"WalkNetwork\.from_streets"):
            CALLS[call](other, home, shop, PLAIN)
    with pytest.raises(OptionError, match=r"none twice|give one"):
        CALLS[call](network, home, shop, ["adult", "adult"])


def test_the_name_of_a_walker_will_do_for_a_graph():
    network, _, _ = small()
    graph = network.to_networkx(walker="adult")
    assert graph[0][1][0]["seconds"] == pytest.approx(300 / cp.WALKERS["adult"].speed_m_s)
    with pytest.raises(OptionError, match="no walker 'nobody'"):
        network.to_networkx(walker="nobody")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("streets", ["none", "closed"])
def test_a_network_without_an_edge_reaches_nothing(call, streets):
    _, home, shop = small()
    line = (
        lines([(0, 0), (0, 0)])
        if streets == "none"
        else lines([(0, 0), (300, 0)], access=["closed"])
    )
    network = cp.WalkNetwork.from_streets(line)
    found = CALLS[call](network, home, shop, PLAIN)
    reached = {"within_reach": "count", "service_areas": "street_km"}.get(call)
    assert len(found) == 0 if reached is None else (found[reached] == 0).all()


def test_far_points_islands_and_courts_behind_walls_reach_nothing():
    court = lines([(190, 5), (210, 5), (210, 25), (190, 25), (190, 5)], wall_id=["w"])
    network = cp.WalkNetwork.from_streets(
        lines([(0, 0), (300, 0)], [(0, 500), (20, 500)]), walls=court
    )
    homes = points(
        [(10, 5), (9000, 0), (10, 503), (200, 15)], home_id=["a", "far", "island", "court"]
    )
    shop = points([(100, 0)], facility_id=["f"])
    assert cp.walks(network, homes, shop, walker=PLAIN, within_min=INF)["from_id"].tolist() == ["a"]
    assert cp.nearest(network, homes, shop, walker=PLAIN)["from_id"].tolist() == ["a"]
    counted = cp.within_reach(network, homes, shop, walker=PLAIN, minutes=60)
    assert counted["count"].tolist() == [1, 0, 0, 0]


def test_a_limit_of_nothing_is_where_one_stands():
    network, home, shop = small()
    assert len(cp.walks(network, home, shop, walker=PLAIN, within_min=0)) == 0
    (area,) = cp.service_areas(network, shop, walker=PLAIN, minutes=[0]).itertuples()
    assert area.street_km == 0
    assert np.isnan(area.inside_share)
    assert area.geometry.area == pytest.approx(np.pi * 40**2, rel=0.05)


def test_more_pairs_than_memory_are_refused_with_another_way(monkeypatch, tmp_path):
    memory = tmp_path / "meminfo"
    memory.write_text("MemAvailable: 40 kB\n", encoding="ascii")
    monkeypatch.setattr(ask, "MEMORY_INFO", memory)
    network = cp.WalkNetwork.from_streets(grid_streets(3, 100))
    at = np.random.default_rng(0).uniform(-300, 300, (40, 2))
    many = points([tuple(xy) for xy in at])
    with pytest.raises(TooLargeError, match=r"GiB.*(within_reach|counts)"):
        cp.walks(network, many, many, walker=PLAIN, within_min=60)
    with pytest.raises(TooLargeError, match=r"at most 1.6e\+03 walks"):
        cp.nearest(network, many, many, walker=PLAIN, k=1000)
    assert len(cp.within_reach(network, many, many, walker=PLAIN, minutes=60)) == 40


def test_keys_of_any_kind_are_told_as_text():
    network, home, shop = small()
    for keys, told in (([1, 2], ["1", "2"]), (["甲", "乙"], ["甲", "乙"]), ([True, False], None)):
        two = points([(0, 0), (50, 0)], home_id=keys)
        found = cp.walks(network, two, shop, walker=PLAIN, within_min=9)
        assert found["from_id"].tolist() == (told or [str(key) for key in keys])
        assert found["from_id"].dtype == "str"
    assert (
        cp.walks(network, points([(0, 0)]), shop, walker=PLAIN, within_min=9)["from_id"][0] == "0"
    )
    assert home["home_id"].tolist() == ["a"]
