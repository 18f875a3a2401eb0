"""Walking network: noding, walls, gates, owners, timing, attachment, by hand."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

import communityplan as cp
from communityplan.errors import OptionError, TableError
from communityplan.network.attachment import attach, attachment_table
from towns import CRS, grid_streets, lines, points

PLAIN = cp.Walker("plain", 1.0)


def compound(*, who: str | None = "residents", **gate: object) -> dict[str, gpd.GeoDataFrame]:
    """A walled square of 100 m; a street goes in on the left (gate) and out on the right (no gate).

    Outside: a road all the way round, at 50 m from the wall.
    """
    streets = lines(
        [(-50, 50), (0, 50), (50, 50), (100, 50), (150, 50)],
        [(-50, -50), (150, -50), (150, 50), (150, 150), (-50, 150), (-50, 50), (-50, -50)],
    )
    communities = gpd.GeoDataFrame(
        {"community_id": ["c"], "name": ["院"], "enclosed": [True]},
        geometry=[shapely.box(0, 0, 100, 100)],
        crs=CRS,
    )
    gates = points([(1, 51)], gate_id=["g"], who=[who], **{k: [v] for k, v in gate.items()})
    return {"streets": streets, "communities": communities, "gates": gates}


def minutes(network: cp.WalkNetwork, start: gpd.GeoDataFrame, end: gpd.GeoDataFrame) -> float:
    """Seconds of the walk between two single points, nan where there is none."""
    found = cp.walks(network, start, end, walker=PLAIN, within_min=60)
    return float(found["walk_min"].iloc[0] * 60) if len(found) else float("nan")


def test_streets_join_at_shared_vertices_and_not_where_they_merely_cross():
    streets = lines([(0, 0), (100, 0)], [(50, -50), (50, 50)], [(100, 0), (100, 80)])
    network = cp.WalkNetwork.from_streets(streets)
    assert len(network.edges) == 3
    assert sorted(np.bincount(network.parts())) == [2, 3]


def test_a_vertex_in_the_middle_is_a_node_where_another_street_ends_there():
    streets = lines([(0, 0), (50, 0), (100, 0)], [(50, 0), (50, 70)])
    network = cp.WalkNetwork.from_streets(streets)
    assert sorted(network.edges["length_m"]) == [50, 50, 70]
    assert len(network.nodes) == 4


def test_loops_zero_lengths_and_doubled_points_are_kept_in_order():
    streets = lines(
        [(0, 0), (10, 0), (10, 10), (0, 0)], [(5, 5), (5, 5)], [(0, 0), (0, 0), (-20, 0)]
    )
    network = cp.WalkNetwork.from_streets(streets)
    assert sorted(network.edges["length_m"].round(6)) == [20.0, 34.142136]
    told = network.report().set_index("what")["count"]
    assert told["street of no length left out"] == 1


def test_climb_is_shared_out_by_length():
    streets = lines([(0, 0), (25, 0), (100, 0)], [(25, 0), (25, 9)], climb_m=[4.0, np.nan])
    edges = cp.WalkNetwork.from_streets(streets).edges
    assert edges.sort_values("length_m")["climb_m"].tolist()[1:] == [1.0, 3.0]


def test_a_wall_cuts_the_street_that_crosses_it():
    streets = lines([(0, 0), (100, 0)])
    wall = lines([(40, -10), (40, 10)], wall_id=["w"])
    network = cp.WalkNetwork.from_streets(streets, walls=wall)
    assert sorted(network.edges["length_m"]) == [40, 60]
    assert len(np.unique(network.parts())) == 2
    told = network.report().set_index("what")["count"]
    assert told["street cut by a barrier"] == 1


def test_a_street_that_only_touches_a_wall_is_not_cut():
    streets = lines([(0, 0), (40, 0), (80, 1)])
    wall = lines([(40, 0), (40, 10)], wall_id=["w"])
    # the wall ends on the street: both street ends lie on the same free side below it
    network = cp.WalkNetwork.from_streets(streets, walls=lines([(40, 5), (45, 10)], wall_id=["w"]))
    assert len(np.unique(network.parts())) == 1
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (40, 0), (0, 1)]), walls=wall)
    assert len(np.unique(network.parts())) == 1


def test_a_residents_gate_lets_only_its_own_people_through():
    network = cp.WalkNetwork.from_streets(**compound())
    own = points([(50, 50)], home_id=["h"], community_id=["c"])
    stranger = points([(50, 50)], home_id=["h"], community_id=["other"])
    shop = points([(-50, 50)], facility_id=["f"], service=["market"])
    assert minutes(network, own, shop) == pytest.approx(100)
    assert np.isnan(minutes(network, stranger, shop))
    # people from outside do not get in
    assert np.isnan(minutes(network, shop, own.assign(home_id="x")))


def test_the_way_without_a_gate_is_cut_and_the_way_round_is_walked():
    network = cp.WalkNetwork.from_streets(**compound())
    home = points([(50, 50)], home_id=["h"], community_id=["c"])
    shop = points([(150, 50)], facility_id=["f"], service=["market"])
    # out of the gate at (0, 50), on to (-50, 50), and half round the ring of 800 m
    assert minutes(network, home, shop) == pytest.approx(100 + 400)
    gates = points([(0, 50), (100, 50)], gate_id=["g", "g2"], who=["residents", "everyone"])
    opened = cp.WalkNetwork.from_streets(**{**compound(), "gates": gates})
    assert minutes(opened, home, shop) == pytest.approx(100)


@pytest.mark.parametrize(
    ("option", "expected"), [("open", 100.0), ("residents", 100.0), ("closed", np.nan)]
)
def test_an_untagged_gate_is_what_the_option_says(option, expected):
    network = cp.WalkNetwork.from_streets(**compound(who=None), untagged_gates=option)
    home = points([(50, 50)], home_id=["h"], community_id=["c"])
    shop = points([(-50, 50)], facility_id=["f"], service=["market"])
    assert minutes(network, home, shop) == pytest.approx(expected, nan_ok=True)


def test_a_gate_costs_its_wait_and_is_shut_outside_its_hours():
    parts = compound(who="everyone", wait_s=30, open_from="06:00", open_until="22:00")
    home = points([(50, 50)], home_id=["h"], community_id=["c"])
    shop = points([(-50, 50)], facility_id=["f"], service=["market"])
    network = cp.WalkNetwork.from_streets(**parts)
    assert minutes(network, home, shop) == pytest.approx(130)
    assert minutes(network.at("21:59"), home, shop) == pytest.approx(130)
    assert np.isnan(minutes(network.at("22:00"), home, shop))
    night = compound(who="everyone", open_from="22:00", open_until="06:00")
    night_network = cp.WalkNetwork.from_streets(**night)
    assert minutes(night_network.at("23:00"), home, shop) == pytest.approx(100)
    assert np.isnan(minutes(night_network.at("12:00"), home, shop))


def test_a_gate_at_a_junction_without_a_wall_stands_in_every_way():
    streets = lines([(-50, 0), (0, 0)], [(0, 0), (50, 0)], [(0, 0), (0, 50)])
    gates = points([(0, 0)], gate_id=["g"], who=["everyone"], wait_s=[10.0])
    network = cp.WalkNetwork.from_streets(streets, gates=gates)
    a, b = points([(-50, 0)], home_id=["a"]), points([(0, 50)], facility_id=["b"])
    assert minutes(network, a, b) == pytest.approx(110)
    shut = cp.WalkNetwork.from_streets(streets, gates=gates.assign(who="closed"))
    assert np.isnan(minutes(shut, a, b))


def test_a_road_drawn_on_the_boundary_runs_outside():
    streets = lines(
        [(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)],
        [(50, 0), (50, 60)],
    )
    # the lane needs a vertex of the road to join it
    streets = lines([(0, 0), (50, 0), (100, 0), (100, 100), (0, 100), (0, 0)], [(50, 0), (50, 60)])
    areas = gpd.GeoDataFrame(
        {"community_id": ["c"], "name": ["院"]}, geometry=[shapely.box(0, 0, 100, 100)], crs=CRS
    )
    walled = cp.WalkNetwork.from_streets(streets, communities=areas, enclosed="all")
    assert len(np.unique(walled.parts())) == 2
    gates = points([(50, 0)], gate_id=["g"], who=["everyone"])
    opened = cp.WalkNetwork.from_streets(streets, communities=areas, enclosed="all", gates=gates)
    assert len(np.unique(opened.parts())) == 1
    # a home inside, nearer to the road than to the lane, does not step through the wall
    home = points([(95, 50)], home_id=["h"], community_id=["c"])
    found = attach(opened, home.geometry.to_numpy(), walker=PLAIN)
    assert found.door_m[0] == pytest.approx(45)


def test_adjoining_compounds_with_one_wall_between_are_two():
    streets = lines([(-50, 50), (50, 50), (150, 50), (250, 50)])
    areas = gpd.GeoDataFrame(
        {"community_id": ["a", "b"], "name": ["甲", "乙"]},
        geometry=[shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)],
        crs=CRS,
    )
    network = cp.WalkNetwork.from_streets(streets, communities=areas, enclosed="all")
    assert len(np.unique(network.parts())) == 4


def test_private_ways_are_for_the_community_they_lie_in_or_for_who_lives_on_them():
    streets = lines([(0, 0), (200, 0)], [(200, 0), (200, 80)], access=["everyone", "residents"])
    network = cp.WalkNetwork.from_streets(streets)
    assert network.owners == ("private ways 1",)
    shop = points([(0, 0)], facility_id=["f"], service=["market"])
    on_it = points([(195, 60)], home_id=["h"], community_id=["-"])
    assert minutes(network, on_it, shop) == pytest.approx(5 + 60 + 200)
    away = points([(60, 10)], home_id=["h"], community_id=["-"])
    beyond = points([(200, 80)], facility_id=["f"], service=["market"])
    # the end of the private way is nobody else's: they reach its door from the public end
    assert minutes(network, away, beyond) == pytest.approx(10 + 140 + 80)


def test_points_join_edges_not_nodes_and_the_door_counts():
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (100, 0)]))
    start, end = points([(20, 7)], home_id=["h"]), points([(70, -4)], facility_id=["f"])
    found = cp.walks(network, start, end, walker=cp.Walker("w", 0.5), within_min=10)
    assert found["walk_min"].iloc[0] * 60 == pytest.approx((7 + 50 + 4) / 0.5)
    assert found["door_min"].iloc[0] * 60 == pytest.approx(11 / 0.5)


def test_a_building_joins_from_its_outline_or_from_its_door():
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (100, 0)]))
    house = gpd.GeoDataFrame({"home_id": ["h"]}, geometry=[shapely.box(10, 8, 30, 28)], crs=CRS)
    shop = points([(90, 0)], facility_id=["f"])
    found = cp.walks(network, house, shop, walker=PLAIN, within_min=10)
    assert found["door_min"].iloc[0] * 60 == pytest.approx(8)
    with_door = house.assign(door="POINT (30 20)")
    assert minutes(network, with_door, shop) == pytest.approx(20 + 60)
    with pytest.raises(TableError, match=r"row 1: door is 'LINESTRING \(0 0, 1 1\)'"):
        minutes(network, house.assign(door="LINESTRING (0 0, 1 1)"), shop)


def test_the_way_to_the_street_never_crosses_a_wall():
    streets = lines([(0, 0), (100, 0)], [(0, 40), (100, 40)], [(0, 0), (0, 40)])
    wall = lines([(-10, 5), (110, 5)], wall_id=["w"])
    gate = points([(0, 5)], gate_id=["g"], who=["everyone"])
    network = cp.WalkNetwork.from_streets(streets, walls=wall, gates=gate)
    home = points([(50, 10)], home_id=["h"])
    found = attach(network, home.geometry.to_numpy(), walker=PLAIN)
    assert found.door_m[0] == pytest.approx(30)
    shop = points([(50, 0)], facility_id=["f"])
    assert minutes(network, home, shop) == pytest.approx(30 + 50 + 40 + 50)


def test_what_is_far_or_behind_a_wall_says_so():
    network = cp.WalkNetwork.from_streets(
        lines([(0, 0), (100, 0)]), walls=lines([(-5, 20), (105, 20)], wall_id=["w"])
    )
    homes = points([(50, 10), (50, 60), (50, 300)], home_id=["a", "b", "c"])
    table = attachment_table(network, homes, walker=PLAIN, key="home_id")
    assert table["reason"].tolist() == ["", "behind a wall", "far from every street"]
    assert table["nearest_m"].tolist() == [10, 60, 300]


def test_steps_crossings_and_one_way_paths_are_timed():
    streets = lines(
        [(0, 0), (26, 0)],
        steps=[True],
        climb_m=[2.8],
    )
    walker = cp.Walker("older", 1.0, storey_up_s=40, storey_down_s=30, crossing_wait_s=25)
    forward, backward = cp.WalkNetwork.from_streets(streets).seconds(walker)
    assert (forward[0], backward[0]) == (40.0, 30.0)
    unknown = cp.WalkNetwork.from_streets(streets.drop(columns="climb_m"))
    # 26 m of steps at 0.175 m over 0.26 m rise 17.5 m, 6.25 storeys at the slower 40 s
    assert unknown.seconds(walker)[0][0] == pytest.approx(250.0)
    pram = cp.Walker("pram", 1.0, may_use_steps=False)
    assert np.isinf(unknown.seconds(pram)[0][0])
    crossing = cp.WalkNetwork.from_streets(lines([(0, 0), (10, 0)], crossing=[True]))
    assert crossing.seconds(walker)[0][0] == 35.0
    oneway = cp.WalkNetwork.from_streets(lines([(0, 0), (10, 0)], oneway_foot=[True]))
    assert oneway.seconds(PLAIN)[0][0] == 10.0
    assert np.isinf(oneway.seconds(PLAIN)[1][0])


def test_slope_follows_tobler():
    streets = lines([(0, 0), (100, 0)], climb_m=[10.0])
    hiker = cp.Walker("hiker", 5.036742 / 3.6, slope="tobler")
    forward, backward = cp.WalkNetwork.from_streets(streets).seconds(hiker)
    assert 100 / forward[0] * 3.6 == pytest.approx(3.549332, abs=1e-5)
    assert 100 / backward[0] * 3.6 == pytest.approx(5.036742, abs=1e-5)


def test_networkx_gets_the_same_edges_and_seconds():
    import networkx as nx

    network = cp.WalkNetwork.from_streets(grid_streets(2, 100))
    graph = network.to_networkx(walker=PLAIN)
    assert graph.number_of_nodes() == 25
    assert graph.number_of_edges() == 80
    xy = shapely.get_coordinates(network.nodes.geometry)
    corner = int(np.argmin(xy.sum(axis=1)))
    far = int(np.argmax(xy.sum(axis=1)))
    assert nx.shortest_path_length(graph, corner, far, weight="seconds") == 800


def test_every_problem_is_told_at_once():
    streets = lines([(0, 0), (1, 0)], access=["nobody"]).to_crs(4326)
    gates = points([(0, 0), (1, 1)], gate_id=["g", "g"], open_from=["6", "06:00"])
    with pytest.raises(TableError) as told:
        cp.WalkNetwork.from_streets(streets, gates=gates)
    text = str(told.value)
    assert "4 problems" in text
    assert "coordinates are in degree" in text
    assert "access is 'nobody'" in text
    assert "open_from is '6'" in text
    assert "'g' is already in row 1" in text


def test_options_without_meaning_are_refused():
    with pytest.raises(OptionError, match=r"untagged_gates is 'maybe'.*attach_within_m is -1"):
        cp.WalkNetwork.from_streets(
            lines([(0, 0), (1, 0)]), untagged_gates="maybe", attach_within_m=-1
        )
    empty = gpd.GeoDataFrame(geometry=[], crs=CRS)
    with pytest.raises(TableError, match="at least one street"):
        cp.WalkNetwork.from_streets(empty)


def test_inputs_are_not_changed():
    parts = compound()
    before = {name: table.copy() for name, table in parts.items()}
    network = cp.WalkNetwork.from_streets(**parts)
    minutes(network, points([(50, 50)], home_id=["h"]), points([(0, 50)], facility_id=["f"]))
    for name, table in parts.items():
        assert table.equals(before[name])


def test_a_renamed_geometry_column_is_followed():
    streets = grid_streets(1, 100).rename_geometry("shape")
    assert len(cp.WalkNetwork.from_streets(streets).edges) == 12


def test_no_edge_of_no_length_is_left_where_marks_meet_vertices():
    edges = cp.load_project("demo").network().edges
    assert edges.loc[edges["kind"] != "gate", "length_m"].min() > 0.01


def test_a_bridge_passes_over_a_wall_and_a_tunnel_under_it():
    river = lines([(50, -50), (50, 50)], wall_id=["r"], kind=["river"])
    for column in ("bridge", "tunnel"):
        streets = lines([(0, 0), (40, 0)], [(40, 0), (60, 0)], [(60, 0), (100, 0)])
        streets[column] = ["no", "yes", "no"]
        over = cp.WalkNetwork.from_streets(streets, walls=river)
        assert len(np.unique(over.parts())) == 1
        flat = cp.WalkNetwork.from_streets(streets.drop(columns=column), walls=river)
        assert len(np.unique(flat.parts())) == 2


@pytest.mark.parametrize(
    ("options", "idle"),
    [
        ({}, ()),
        ({"untagged_gates": "closed"}, ("untagged_gates",)),
        ({"enclosed": "all", "at": "08:00"}, ("enclosed", "at")),
        ({"gate_within_m": 9.0}, ("gate_within_m",)),
    ],
)
def test_options_that_change_nothing_are_told(options, idle):
    streets = lines([(0, 0), (100, 0)])
    assert cp.WalkNetwork.from_streets(streets, **options).without_effect == idle


def test_an_option_for_untagged_gates_has_an_effect_where_one_is_untagged():
    streets = lines([(0, 0), (100, 0)])
    gates = points([(50, 0), (60, 0)], gate_id=["a", "b"], who=["everyone", ""])
    made = cp.WalkNetwork.from_streets(streets, gates=gates, untagged_gates="closed")
    assert made.without_effect == ()
    tagged = cp.WalkNetwork.from_streets(streets, gates=gates.iloc[:1], untagged_gates="closed")
    assert tagged.without_effect == ("untagged_gates",)
