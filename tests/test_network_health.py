"""Health of a network and repair of drawings, by hand and by a naive second look."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pytest
import shapely

import communityplan as cp
from communityplan.errors import OptionError, TableError
from communityplan.load.osm import read_osm
from communityplan.network.faults import find_crossings, find_gaps, find_overlaps
from communityplan.network.health_words import CHINESE
from communityplan.network.repair import repair_streets
from towns import CRS, grid_streets, lines, points

PLAIN = cp.Walker("plain", 1.0)


def told(network: cp.WalkNetwork, what: str, detail: str = "", **options: object) -> tuple:
    """Count, metres and people of one row of the report; zeros where it is not there."""
    report = network.report(**options)
    row = report[(report["what"] == what) & (report["detail"] == detail)]
    assert len(row) <= 1
    if not len(row):
        return (0, 0.0, 0.0)
    return tuple(row[["count", "length_m", "people"]].iloc[0])


def homes_at(xy: list[tuple[float, float]], residents: list[float]) -> gpd.GeoDataFrame:
    ids = [f"h{number}" for number in range(len(xy))]
    return points(xy, home_id=ids, community_id="-", residents=residents)


def seconds(streets: gpd.GeoDataFrame, start: tuple, end: tuple) -> float:
    network = cp.WalkNetwork.from_streets(streets, attach_within_m=0.5)
    found = cp.walks(
        network,
        points([start], home_id=["h"]),
        points([end], facility_id=["f"]),
        walker=PLAIN,
        within_min=600,
    )
    return float(found["walk_min"].iloc[0] * 60) if len(found) else float("nan")


def test_parts_come_longest_first_with_their_length_and_people():
    streets = lines([(0, 0), (10, 0)], [(0, 100), (70, 100)], [(70, 100), (70, 130)])
    network = cp.WalkNetwork.from_streets(streets)
    homes = homes_at([(5, 1), (30, 101), (60, 101), (0, 300)], [7, 11, 13, 17])
    assert told(network, "connected part", "part 1", homes=homes) == (2, 100, 24)
    assert told(network, "connected part", "part 2", homes=homes) == (1, 10, 7)
    assert told(network, "walkable street", homes=homes) == (3, 110, 31)
    assert told(network, "home on a smaller part", homes=homes)[::2] == (1, 7)
    assert told(network, "home on no street", "far from every street", homes=homes)[::2] == (1, 17)
    # nobody is lost: the parts and the homes on no street are all people
    report = network.report(homes=homes)
    parts = report[report["what"].isin(["connected part", "home on no street"])]
    assert parts["people"].sum() == homes["residents"].sum()
    assert network.report()["people"].isna().all()


def test_many_small_parts_share_a_row_and_are_all_drawn():
    streets = lines(*[[(0, 10 * n), (5 + n, 10 * n)] for n in range(14)])
    network = cp.WalkNetwork.from_streets(streets)
    report = network.report()
    parts = report[report["what"] == "connected part"]
    assert parts["detail"].tolist()[:2] == ["part 1", "part 2"]
    assert len(parts) == 11
    # the four shortest are 5, 6, 7 and 8 m
    assert told(network, "connected part", "smaller parts: 4")[:2] == (4, 26)
    assert parts["length_m"].sum() == streets.length.sum()
    islands = network.problems().query("what == 'part cut off'")
    assert len(islands) == 13
    assert islands["zh"].unique().tolist() == ["与主路网断开的部分"]
    assert islands["detail_zh"].iloc[0] == "第 2 部分"


def test_a_walker_without_steps_finds_more_parts():
    streets = lines([(0, 0), (60, 0)], [(60, 0), (70, 0)], [(70, 0), (90, 0)], steps=[0, 1, 0])
    network = cp.WalkNetwork.from_streets(streets)
    pram = cp.Walker("pram", 1.0, may_use_steps=False)
    homes = homes_at([(85, 0)], [5])
    assert told(network, "connected part", "part 2") == (0, 0, 0)
    assert told(network, "connected part", "part 2", walker=pram, homes=homes) == (1, 20, 5)
    assert told(network, "steps")[:2] == (1, 10)
    assert told(network, "steps of unknown height")[:2] == (1, 10)


def test_a_dead_end_just_short_of_a_street_is_a_gap():
    streets = lines([(0, 0), (100, 0)], [(50, 1.5), (50, 80)], [(20, 3), (20, 60)])
    network = cp.WalkNetwork.from_streets(streets)
    assert told(network, "gap under 2 m", "same level")[:2] == (1, 1.5)
    gap = network.problems().query("what == 'gap under 2 m'").geometry.iloc[0]
    assert gap.equals(shapely.LineString([(50, 1.5), (50, 0)]))


@pytest.mark.parametrize(
    ("coordinates", "gaps"),
    [
        # two dead ends that face each other are one gap
        ([[(0, 0), (50, 0)], [(51, 0), (90, 0)]], 1),
        # a short stub beside the street it leaves is none
        ([[(0, 0), (50, 0), (100, 0)], [(50, 0), (51.5, 1)]], 0),
        # the end of a long lane beside the street that it leaves is one
        ([[(0, 0), (50, 0), (100, 0)], [(50, 0), (50, 30), (80, 30), (80, 1)]], 1),
        # a ring that does not close
        ([[(0, 0), (40, 0), (40, 40), (0, 40), (0, 1)]], 1),
        # an end that touches a street without a vertex there
        ([[(0, 0), (100, 0)], [(50, 0), (50, 30)]], 1),
        # joined, so nothing is amiss
        ([[(0, 0), (50, 0), (100, 0)], [(50, 0), (50, 30)]], 0),
    ],
)
def test_what_is_a_gap_and_what_is_not(coordinates, gaps):
    network = cp.WalkNetwork.from_streets(lines(*coordinates))
    assert len(find_gaps(network.nodes, network.edges, within_m=2.0)) == gaps


def test_no_gap_through_a_wall_nor_where_a_wall_cut_the_street():
    streets = lines([(0, 0), (50, 0)], [(51, 0), (90, 0)])
    wall = lines([(50.5, -5), (50.5, 5)], wall_id=["w"])
    network = cp.WalkNetwork.from_streets(streets, walls=wall)
    assert told(network, "gap under 2 m", "same level") == (0, 0, 0)
    cut = cp.WalkNetwork.from_streets(lines([(0, 0), (90, 0)]), walls=wall)
    assert told(cut, "gap under 2 m", "same level") == (0, 0, 0)
    assert told(cut, "street cut by a barrier", "no gate there")[0] == 1
    point = cut.problems().query("what == 'street cut by a barrier'").geometry.iloc[0]
    assert point.equals(shapely.Point(50.5, 0))
    assert told(cut, "wall", "")[:2] == (1, 10)


def test_duplicates_and_overlaps_are_told_apart():
    streets = lines(
        [(0, 0), (100, 0)],
        [(100, 0), (0, 0)],  # the same again, from the other end
        [(0, 50), (100, 50)],
        [(30, 50), (70, 50)],  # 40 m of it again
        [(0, 90), (100, 90)],
        [(0, 90.5), (100, 90.5)],  # beside it
    )
    network = cp.WalkNetwork.from_streets(streets)
    assert told(network, "duplicate edge")[:2] == (1, 100)
    assert told(network, "overlapping edges")[:2] == (1, 40)
    assert sorted(find_overlaps(network.edges)["length_m"]) == [40, 100]


def test_lines_that_overlap_aslant_are_found_in_spite_of_rounding():
    start, step = np.array([482_113.37, 3_411_870.91]), np.array([37.0, 61.3])
    at = [tuple(start + share * step) for share in (0.0, 1 / 3, 2 / 3, 1.0)]
    network = cp.WalkNetwork.from_streets(lines([at[0], at[3]], [at[1], at[2]]))
    found = find_overlaps(network.edges)
    assert found["length_m"].tolist() == pytest.approx([np.hypot(*step) / 3])


def test_crossings_are_told_by_level():
    streets = lines(
        [(0, 0), (100, 0)], [(50, -50), (50, 50)], [(80, -50), (80, 50)], bridge=["", "", "yes"]
    )
    network = cp.WalkNetwork.from_streets(streets)
    assert told(network, "crossing without a junction", "same level")[0] == 1
    assert told(network, "crossing without a junction", "another level")[0] == 1
    drawn = network.problems()
    assert drawn["what"].tolist().count("crossing without a junction") == 1
    assert shapely.Point(50, 0) in drawn.geometry.tolist()


def test_links_across_a_square_are_made_to_cross():
    square = {"part": ["link", "link"]}
    streets = lines([(0, 0), (40, 40)], [(0, 40), (40, 0)], **square)
    network = cp.WalkNetwork.from_streets(streets)
    assert told(network, "crossing without a junction", "same level")[0] == 0


def test_every_crossing_is_found_as_by_looking_at_every_pair():
    rng = np.random.default_rng(11)
    ends = rng.uniform(0, 300, (60, 2, 2))
    streets = lines(*[[tuple(a), tuple(b)] for a, b in ends])
    network = cp.WalkNetwork.from_streets(streets)
    pairs = {
        (a, b)
        for a, b in itertools.combinations(range(len(streets)), 2)
        if streets.geometry.iloc[a].crosses(streets.geometry.iloc[b])
    }
    found = find_crossings(network.edges)
    assert {
        tuple(sorted(pair)) for pair in zip(found["edge"], found["other"], strict=True)
    } == pairs
    assert len(found) == len(pairs)


def test_gates_are_counted_by_who_rule_and_kind():
    streets = lines([(0, 0), (50, 0), (100, 0), (150, 0), (200, 0)])
    wall = lines([(50, -9), (50, 9)], wall_id=["w"], kind=["fence"])
    gates = points(
        [(50, 0), (100, 0), (150, 0), (150, 70)],
        gate_id=["a", "b", "c", "d"],
        who=["everyone", None, "residents", "closed"],
        rule=["r1", "r2", "r2", "r2"],
        kind=["gate", "gate", "gate", "gate"],
    )
    network = cp.WalkNetwork.from_streets(streets, walls=wall, gates=gates, untagged_gates="closed")
    assert told(network, "gate", "everyone")[0] == 1
    # b is not tagged, and no community keeps c
    assert told(network, "gate", "closed")[0] == 2
    assert told(network, "untagged gate taken for", "closed")[0] == 1
    assert told(network, "residents' gate of no community, taken for closed", "c")[0] == 1
    assert told(network, "gate on no street", "d")[0] == 1
    assert told(network, "gate far from every wall", "b, c, d")[0] == 3
    assert told(network, "gate decided by rule", "r2")[0] == 3
    assert told(network, "gate of kind", "gate")[0] == 4
    assert told(network, "wall", "fence")[:2] == (1, 18)
    drawn = network.problems()
    far = drawn[drawn["what"] == "gate far from every wall"]
    assert far["length_m"].tolist() == [50, 100, pytest.approx(np.hypot(100, 61))]
    assert network.gates["opens"].tolist() == [True, True, True, False]


def test_private_closed_and_one_way_streets_crossings_and_dead_ends():
    streets = lines(
        [(0, 0), (100, 0)],
        [(100, 0), (100, 40)],
        [(100, 0), (130, 0)],
        [(130, 0), (140, 0)],
        access=["everyone", "residents", "closed", "everyone"],
        crossing=[0, 0, 0, 1],
        oneway_foot=[0, 1, 0, 0],
    )
    network = cp.WalkNetwork.from_streets(streets)
    homes = homes_at([(110, 38)], [9])
    assert told(network, "private way kept for residents", homes=homes) == (1, 40, 9)
    assert told(network, "closed way")[:2] == (1, 30)
    assert told(network, "way in one direction only")[:2] == (1, 40)
    assert told(network, "crossing where people wait")[:2] == (1, 10)
    # the closed street leaves every other one a dead end
    assert told(network, "dead end")[:2] == (3, 150)


def test_ways_from_doors_are_told_by_quantile():
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (100, 0)]))
    homes = homes_at([(n, 2.0 * n) for n in range(1, 12)], [1] * 11)
    assert told(network, "way from door to street", "median", homes=homes) == (11, 12, 11)
    assert told(network, "way from door to street", "longest", homes=homes) == (11, 22, 11)


def test_homes_behind_a_wall_say_so_and_are_drawn():
    wall = lines([(-5, 20), (105, 20)], wall_id=["w"])
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (100, 0)]), walls=wall)
    homes = homes_at([(50, 60)], [4])
    assert told(network, "home on no street", "behind a wall", homes=homes)[::2] == (1, 4)
    lost = network.problems(homes=homes).query("what == 'home on no street'")
    assert lost[["people", "detail_zh"]].to_numpy().tolist() == [[4.0, "被围墙隔开"]]


def test_a_sound_grid_has_no_problems():
    network = cp.WalkNetwork.from_streets(grid_streets(2, 100))
    assert len(network.problems()) == 0
    assert network.report()["what"].tolist() == ["walkable street", "connected part"]
    assert network.problems().crs == network.crs


def test_bad_homes_are_refused():
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (100, 0)]))
    with pytest.raises(TableError, match="residents is -1"):
        network.report(homes=homes_at([(0, 0)], [-1]))
    with pytest.raises(OptionError, match="different coordinate systems"):
        network.report(homes=homes_at([(0, 0)], [1]).to_crs(32651))


def test_joining_a_gap_draws_the_dead_end_on():
    streets = lines([(0, 0), (100, 0)], [(50, 1.5), (50, 80)]).set_axis(["road", "lane"])
    mended, changes = repair_streets(streets, join_gaps_m=2)
    assert changes[["what", "zh", "street", "other", "length_m"]].to_numpy().tolist() == [
        ["gap joined", "断口已连接", "lane", "road", 1.5]
    ]
    assert np.isnan(seconds(streets, (0, 0), (50, 80)))
    assert seconds(mended, (0, 0), (50, 80)) == pytest.approx(130)
    assert mended.geometry.tolist() == [
        shapely.LineString([(0, 0), (50, 0), (100, 0)]),
        shapely.LineString([(50, 0), (50, 1.5), (50, 80)]),
    ]
    # the streets that were given are as they were, and nothing is left to do
    assert len(streets.geometry.iloc[0].coords) == 2
    assert not len(repair_streets(mended, join_gaps_m=2)[1])


def test_facing_ends_and_open_rings_are_joined():
    mended, changes = repair_streets(lines([(0, 0), (50, 0)], [(51, 0), (90, 0)]), join_gaps_m=2)
    assert len(changes) == 1
    assert seconds(mended, (0, 0), (90, 0)) == pytest.approx(90)
    ring = lines([(0, 0), (40, 0), (40, 40), (0, 40), (0, 1)])
    mended, changes = repair_streets(ring, join_gaps_m=2)
    assert len(changes) == 1
    assert seconds(mended, (0, 5), (5, 0)) == pytest.approx(10)


def test_no_gap_is_joined_between_levels_or_through_a_wall():
    gap = [(0, 0), (50, 0)], [(51, 0), (90, 0)]
    for column, values in (("bridge", ["yes", ""]), ("tunnel", [0, 1]), ("layer", [0, -1])):
        assert not len(repair_streets(lines(*gap, **{column: values}), join_gaps_m=2)[1])
    wall = lines([(50.5, -5), (50.5, 5)], wall_id=["w"])
    assert not len(repair_streets(lines(*gap), join_gaps_m=2, walls=wall)[1])
    assert len(repair_streets(lines(*gap), join_gaps_m=2)[1]) == 1


def test_crossings_get_a_shared_vertex_only_where_asked_and_on_one_level():
    streets = lines(
        [(0, 0), (100, 0)], [(50, -50), (50, 50)], [(80, -50), (80, 50)], layer=[0, 0, 1]
    )
    assert repair_streets(streets)[0].geometry.equals(streets.geometry)
    assert np.isnan(seconds(streets, (0, 0), (50, 50)))
    mended, changes = repair_streets(streets, node_crossings=True)
    assert changes.geometry.tolist() == [shapely.Point(50, 0)]
    assert seconds(mended, (0, 0), (50, 50)) == pytest.approx(100)
    assert np.isnan(seconds(mended, (0, 0), (80, 50)))


def test_streets_that_touch_or_overlap_are_joined_too():
    touching = lines([(0, 0), (100, 0)], [(50, 0), (50, 50)], [(50, 0), (50, -50)])
    mended, _ = repair_streets(touching, node_crossings=True)
    assert seconds(mended, (0, 0), (50, 50)) == pytest.approx(100)
    overlapping = lines([(0, 0), (60, 0)], [(40, 0), (100, 0)])
    mended, changes = repair_streets(overlapping, node_crossings=True)
    assert len(changes) == 2
    assert seconds(mended, (0, 0), (100, 0)) == pytest.approx(100)


def test_random_drawings_are_joined_wherever_they_cross():
    rng = np.random.default_rng(5)
    ends = rng.uniform(0, 200, (40, 2, 2))
    streets = lines(*[[tuple(a), tuple(b)] for a, b in ends])
    mended, changes = repair_streets(streets, node_crossings=True)
    # shapely cuts all lines at all crossings: as many places, and as many pieces
    pieces = shapely.get_parts(shapely.unary_union(streets.geometry.to_numpy()))
    network = cp.WalkNetwork.from_streets(mended)
    assert len(network.edges) == len(pieces)
    assert network.edges["length_m"].sum() == pytest.approx(streets.length.sum())
    assert not len(find_crossings(network.edges))
    assert len(changes) == len(find_crossings(cp.WalkNetwork.from_streets(streets).edges))


def test_duplicates_are_dropped_only_where_nothing_is_lost():
    road = [(0, 0), (100, 0)]
    streets = lines(road, road[::-1], road, road, access=[None, "", "residents", None])
    streets["steps"] = [0, 0, 0, 1]
    mended, changes = repair_streets(streets, drop_duplicates=True)
    assert mended.index.tolist() == [0, 2, 3]
    assert changes[["what", "street", "other", "length_m"]].to_numpy().tolist() == [
        ["duplicate dropped", 1, 0, 100]
    ]
    climbing = lines(road, road[::-1], climb_m=[5.0, 5.0])
    assert not len(repair_streets(climbing, drop_duplicates=True)[1])


def test_dropping_duplicates_changes_no_walk_and_joining_makes_none_longer():
    rng = np.random.default_rng(3)
    streets = grid_streets(2, 100)
    streets = streets.iloc[rng.integers(0, len(streets), 60)].reset_index(drop=True)
    nudged = streets.geometry.translate(0.4).where(rng.random(60) < 0.2, streets.geometry)
    streets = streets.set_geometry(nudged)
    ends = points(list(rng.uniform(-200, 200, (12, 2))), facility_id=[f"f{n}" for n in range(12)])

    def walks(table: gpd.GeoDataFrame) -> dict:
        found = cp.walks(
            cp.WalkNetwork.from_streets(table), ends, ends, walker=PLAIN, within_min=60
        )
        return found.set_index(["from_id", "to_id"])["walk_min"].to_dict()

    before = walks(streets)
    dropped, changes = repair_streets(streets, drop_duplicates=True)
    assert len(dropped) + len(changes) == len(streets)
    assert walks(dropped) == pytest.approx(before)
    after = walks(repair_streets(streets, join_gaps_m=1, node_crossings=True)[0])
    assert all(after[pair] <= minutes + 2 / 60 for pair, minutes in before.items())


def test_several_parts_of_a_street_and_points_without_length_survive():
    streets = gpd.GeoDataFrame(
        {"name": ["m", "z"]},
        geometry=[
            shapely.MultiLineString([[(0, 0), (10, 0)], [(10.5, 0), (30, 0)]]),
            shapely.LineString([(5, 5), (5, 5)]),
        ],
        crs=CRS,
    )
    mended, changes = repair_streets(streets, join_gaps_m=1)
    assert len(changes) == 1
    assert mended.geometry.iloc[0].geom_type == "MultiLineString"
    assert mended.geometry.iloc[0].length == pytest.approx(30)
    assert mended["name"].tolist() == ["m", "z"]
    empty = streets.iloc[:0]
    assert len(repair_streets(empty, join_gaps_m=1, node_crossings=True)[0]) == 0
    with pytest.raises(OptionError, match="join_gaps_m is 0"):
        repair_streets(streets, join_gaps_m=0)


@pytest.mark.parametrize(
    "file", ["chengdu/chengdu_xipu_20251112.osm.pbf", "porto_alegre/poa_osm.pbf"]
)
def test_real_networks_are_told_in_two_languages_and_hold_together(shared_data, file):
    osm = read_osm(shared_data / file)
    network = cp.WalkNetwork.from_streets(osm.streets, gates=osm.gates, walls=osm.walls)
    report = network.report()
    assert set(report["what"]) <= set(CHINESE)
    parts = report.loc[report["what"] == "connected part", "length_m"].sum()
    closed = network.edges.loc[network.edges["access"] == "closed", "length_m"].sum()
    assert parts + closed == pytest.approx(network.edges["length_m"].sum())
    assert {"what", "zh", "detail_zh", "geometry"} <= set(network.problems().columns)
    mended, changes = repair_streets(osm.streets, join_gaps_m=2, drop_duplicates=True)
    assert len(mended) == len(osm.streets) - (changes["what"] == "duplicate dropped").sum()
    again = cp.WalkNetwork.from_streets(mended).report()
    same = again[(again["what"] == "gap under 2 m") & (again["detail"] == "same level")]
    assert same["count"].sum() <= 1
