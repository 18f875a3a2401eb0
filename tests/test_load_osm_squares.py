"""Squares are crossed: links against a naive visibility graph, and towns drawn by hand."""

from __future__ import annotations

from itertools import combinations, pairwise

import networkx as nx
import numpy as np
import pytest
import shapely

from communityplan.load.osm_links import MOST_JOINS, MOST_POINTS, joining_points, square_links
from osm_xml import read_town

FOOTWAY = {"highway": "footway"}
SQUARE = {"highway": "pedestrian", "area": "yes"}
NO_ENDS = np.zeros((0, 2))
NO_LEVELS = np.zeros(0, dtype=np.int64)


def links_of(square, joins):
    """Links of one square on level 0 that no street ends inside."""
    keys = np.sort_complex(np.array([complex(*join) for join in joins]))
    shapes = np.array([square], dtype=object)
    return square_links(shapes, keys, NO_ENDS, np.zeros(1, dtype=np.int64), NO_LEVELS)


def graph_of(lines):
    """A plain graph: points are the same where their coordinates are."""
    graph = nx.Graph()
    for line in lines:
        points = [tuple(point) for point in shapely.get_coordinates(line).tolist()]
        for one, other in pairwise(points):
            graph.add_edge(one, other, weight=float(np.hypot(*np.subtract(one, other))))
    return graph


def naive_graph(square):
    """Every pair of corners that see each other."""
    corners = sorted(set(map(tuple, shapely.get_coordinates(square).tolist())))
    sights = [shapely.LineString(pair) for pair in combinations(corners, 2)]
    rings = [shapely.LineString(ring.coords) for ring in [square.exterior, *square.interiors]]
    return graph_of([*rings, *(sight for sight in sights if square.covers(sight))])


def random_square(rng, n_corners, *, hole):
    """A star around 0, 0 with a hole in its middle."""
    angle = np.sort(rng.uniform(0, 2 * np.pi, n_corners))
    reach = rng.uniform(30, 100, n_corners)
    outline = np.column_stack([reach * np.cos(angle), reach * np.sin(angle)])
    inner = []
    if hole:
        turn = np.sort(rng.uniform(0, 2 * np.pi, 5))
        size = rng.uniform(4, 20, 5)
        inner = [np.column_stack([size * np.cos(turn), size * np.sin(turn)])]
    return shapely.Polygon(outline, inner)


@pytest.mark.parametrize("hole", [False, True])
@pytest.mark.parametrize("seed", range(25))
def test_a_walk_across_is_as_long_as_the_shortest_one_inside(seed, hole):
    rng = np.random.default_rng(seed)
    square = random_square(rng, int(rng.integers(4, 15)), hole=hole)
    if not square.is_valid:
        square = shapely.make_valid(square)
        square = max(shapely.get_parts(square), key=shapely.area)
    corners = shapely.get_coordinates(square)[:-1]
    joins = corners[rng.permutation(len(corners))[: int(rng.integers(2, 7))]]
    links, owner, crowded = links_of(square, joins)
    assert (owner == 0).all()
    assert len(crowded) == 0
    rings = [shapely.LineString(ring.coords) for ring in [square.exterior, *square.interiors]]
    crossed, exact = graph_of([*rings, *links]), naive_graph(square)
    for one, other in combinations(sorted(set(map(tuple, joins.tolist()))), 2):
        ours = nx.shortest_path_length(crossed, one, other, weight="weight")
        best = nx.shortest_path_length(exact, one, other, weight="weight")
        assert ours == pytest.approx(best, abs=1e-9)
    assert all(square.buffer(1e-9).covers(link) for link in links)


def test_a_block_is_crossed_along_its_diagonal():
    # 30 m x 40 m: 50 m corner to corner, and no link where the outline is as short
    square = shapely.box(0, 0, 40, 30)
    links, _, _ = links_of(square, [(0, 0), (40, 30), (40, 0)])
    assert [round(link.length, 9) for link in links] == [50.0]


def test_a_walk_bends_around_a_building_in_the_middle():
    # from (0, 0) to (40, 0) past a block that fills the middle up to y = -10: over (10, -10) ...
    square = shapely.Polygon(
        [(0, 0), (0, -30), (40, -30), (40, 0), (30, 0), (30, -10), (10, -10), (10, 0)]
    )
    links, _, _ = links_of(square, [(0, 0), (40, 0)])
    graph = graph_of([shapely.LineString(square.exterior.coords), *links])
    length = nx.shortest_path_length(graph, (0.0, 0.0), (40.0, 0.0), weight="weight")
    # two diagonals of 10 x 10 and 20 along the building; links: the two diagonals alone
    assert length == pytest.approx(2 * np.sqrt(200) + 20)
    assert len(links) == 2


@pytest.mark.parametrize("joins", [[], [(0, 0)]])
def test_a_square_needs_two_joints(joins):
    links, owner, crowded = links_of(shapely.box(0, 0, 40, 30), joins)
    assert len(links) == len(owner) == len(crowded) == 0


def test_too_many_joints_leave_the_outline():
    angle = np.linspace(0, 2 * np.pi, MOST_JOINS + 2)[:-1]
    round_square = shapely.Polygon(np.column_stack([np.cos(angle), np.sin(angle)]) * 200)
    joins = shapely.get_coordinates(round_square)[:-1]
    links, _, crowded = links_of(round_square, joins)
    assert len(links) == 0
    assert crowded.tolist() == [0]


@pytest.mark.parametrize(("corners", "bends"), [(300, True), (MOST_POINTS, False)])
def test_a_walk_bends_around_a_fountain_of_many_corners(corners, bends):
    angle = np.linspace(0, 2 * np.pi, corners + 1)[:-1]
    fountain = np.column_stack([np.cos(angle), np.sin(angle)]) * 20
    square = shapely.Polygon(shapely.box(-50, -30, 50, 30).exterior.coords, [fountain])
    links, _, _ = links_of(square, [(-50, -30), (50, 30)])
    if not bends:
        # too many corners: the two joints do not see each other, and walk along the outline
        assert len(links) == 0
        return
    rings = [shapely.LineString(ring.coords) for ring in [square.exterior, *square.interiors]]
    graph = graph_of([*rings, *links])
    ours = nx.shortest_path_length(graph, (-50.0, -30.0), (50.0, 30.0), weight="weight")
    # two tangents to the fountain and the arc between them
    reach = np.hypot(50, 30)
    exact = 2 * np.sqrt(reach**2 - 20**2) + 20 * (np.pi - 2 * np.arccos(20 / reach))
    assert ours == pytest.approx(exact, rel=1e-3)


def test_a_street_along_the_outline_joins_where_it_comes_and_leaves():
    # comes from (-10, 0), runs over (0, 0), (10, 0), (20, 0), leaves at (20, 0) downwards
    square = shapely.Polygon([(0, 0), (10, 0), (20, 0), (20, 20), (0, 20)])
    street = np.array([(-10.0, 0), (0, 0), (10, 0), (20, 0), (20, -10)])
    keys = joining_points(street, np.zeros(5, dtype=np.int64), np.array([square], dtype=object))
    assert keys.tolist() == [0, 20]


def test_touching_squares_join_each_other():
    two = np.array([shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10)], dtype=object)
    keys = joining_points(NO_ENDS, NO_LEVELS, two)
    assert keys.tolist() == [10, 10 + 10j]


def test_streets_meet_across_a_drawn_square(tmp_path):
    nodes = {1: (0, 0), 2: (40, 0), 3: (40, 30), 4: (0, 30), 5: (-20, 0), 6: (60, 30)}
    ways = {7: ((1, 2, 3, 4, 1), SQUARE), 8: ((5, 1), FOOTWAY), 9: ((3, 6), FOOTWAY)}
    layers = read_town(tmp_path, nodes, ways)
    parts = layers.streets.set_index("part")
    assert sorted(layers.streets["part"]) == ["link", "outline", "way", "way"]
    assert parts.loc["link", "geometry"].length == pytest.approx(50, abs=0.02)
    assert parts.loc["link", ["osm_id", "kind", "access", "rule"]].tolist() == [
        "w7", "pedestrian", "everyone", "footway",
    ]  # fmt: skip
    # the ends of the link are the very points of the ways
    link, first = parts.loc["link", "geometry"], layers.streets.geometry.iloc[1]
    assert first.coords[-1] in link.coords
    crossed = layers.report.query("item == 'square_crossed'")
    assert crossed["count"].tolist() == [1]


def test_a_square_drawn_as_a_relation_with_a_hole(tmp_path):
    # 60 x 60 with a building of 20 x 20 in its middle, joined at two opposite corners
    nodes = {1: (0, 0), 2: (60, 0), 3: (60, 60), 4: (0, 60), 5: (-20, 0), 6: (80, 60)}
    nodes |= {11: (20, 20), 12: (40, 20), 13: (40, 40), 14: (20, 40)}
    ways = {
        7: ((1, 2, 3), {}),
        8: ((3, 4, 1), {}),
        9: ((11, 12, 13, 14, 11), {"building": "yes"}),
        10: ((5, 1), FOOTWAY),
        11: ((3, 6), FOOTWAY),
    }
    members = [(7, "outer"), (8, "outer"), (9, "inner")]
    relation = {1: (members, {"type": "multipolygon", "highway": "pedestrian"})}
    streets = read_town(tmp_path, nodes, ways, relation).streets
    outlines = streets[streets["part"] == "outline"].geometry.length
    assert sorted(outlines) == pytest.approx([80, 240], abs=0.05)
    graph = graph_of(streets.geometry)
    start, end = streets.geometry.iloc[0].coords[0], streets.geometry.iloc[1].coords[-1]
    length = nx.shortest_path_length(graph, start, end, weight="weight")
    # past one corner of the building at (40, 20), and 20 m on either side of the square
    assert length == pytest.approx(40 + 2 * np.hypot(40, 20), abs=0.05)


def test_an_outline_tagged_like_its_relation_is_one_square(tmp_path):
    nodes = {1: (0, 0), 2: (40, 0), 3: (40, 30), 4: (0, 30), 5: (-20, 0), 6: (60, 30)}
    ways = {7: ((1, 2, 3, 4, 1), SQUARE), 8: ((5, 1), FOOTWAY), 9: ((3, 6), FOOTWAY)}
    relation = {1: ([(7, "outer")], {"type": "multipolygon", "highway": "pedestrian"})}
    streets = read_town(tmp_path, nodes, ways, relation).streets
    assert (streets["part"] == "link").sum() == 1


@pytest.mark.parametrize(("layer", "linked"), [(None, True), ("-1", False)])
def test_a_street_that_ends_inside_is_joined_on_its_level(tmp_path, layer, linked):
    nodes = {1: (0, 0), 2: (40, 0), 3: (40, 30), 4: (0, 30), 5: (-20, 0), 6: (20, 15), 8: (20, 50)}
    tags = FOOTWAY if layer is None else {**FOOTWAY, "layer": layer}
    ways = {7: ((1, 2, 3, 4, 1), SQUARE), 8: ((5, 1), FOOTWAY), 9: ((8, 6), tags)}
    streets = read_town(tmp_path, nodes, ways).streets
    links = streets[streets["part"] == "link"].geometry
    assert [round(each, 1) for each in links.length] == ([25.0] if linked else [])


def test_a_closed_square_is_closed_inside_as_well(tmp_path):
    nodes = {1: (0, 0), 2: (40, 0), 3: (40, 30), 4: (0, 30), 5: (-20, 0), 6: (60, 30)}
    private = {**SQUARE, "access": "private"}
    ways = {7: ((1, 2, 3, 4, 1), private), 8: ((5, 1), FOOTWAY), 9: ((3, 6), FOOTWAY)}
    streets = read_town(tmp_path, nodes, ways).streets
    assert streets[streets["part"] != "way"]["access"].unique().tolist() == ["residents"]
