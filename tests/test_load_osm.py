"""What is read from a file: lines, areas, heights, hours, doors, and incomplete extracts."""

from __future__ import annotations

import bz2
import gzip

import numpy as np
import pandas as pd
import pytest
import shapely

from communityplan import tables
from communityplan.load.osm import OsmLayers, read_osm
from communityplan.load.osm_buildings import UNNAMED
from osm_xml import GRID, osm_xml, read_town

FOOTWAY = {"highway": "footway"}
LINE = {1: (0, 0), 2: (100, 0)}
BLOCK = {1: (0, 0), 2: (100, 0), 3: (100, 50), 4: (0, 50)}
RING = (1, 2, 3, 4, 1)
YARD = {11: (40, 20), 12: (60, 20), 13: (60, 30), 14: (40, 30)}
YARD_RING = (11, 12, 13, 14, 11)
CLINIC = {"amenity": "clinic", "name": "社区医院"}
NODES = {**BLOCK, 5: (50, 25, {"amenity": "clinic"}), 6: (50, 0, {"barrier": "gate"})}
WAYS = {7: ((1, 6, 2), FOOTWAY), 8: (RING, {"building": "yes"})}


def items(layers, what):
    """Remarks of one kind and their counts."""
    rows = layers.report[layers.report["what"] == what]
    return dict(zip(rows["item"], rows["count"], strict=True))


class TestStreets:
    def test_ways_that_share_a_node_share_its_coordinates(self, tmp_path):
        # without crs: the zone is found, and the coordinates are those of the projection
        nodes = {**LINE, 3: (50.123, 77.77), 4: (-3, 9)}
        ways = {7: ((1, 2, 3), FOOTWAY), 8: ((3, 4), FOOTWAY), 9: ((4, 1), FOOTWAY)}
        streets = read_town(tmp_path, nodes, ways, crs=None).streets
        assert streets.crs.to_epsg() == 32648
        ends = [(line.coords[0], line.coords[-1]) for line in streets.geometry]
        assert ends[0][1] == ends[1][0]
        assert ends[1][1] == ends[2][0]
        assert ends[2][1] == ends[0][0]

    def test_a_point_is_the_same_in_every_layer(self, tmp_path):
        nodes = {**LINE, 3: (50, 0, {"barrier": "gate"})}
        ways = {7: ((1, 3, 2), FOOTWAY), 8: ((3, 1), {"barrier": "wall"})}
        layers = read_town(tmp_path, nodes, ways, crs=None)
        gate = layers.gates.geometry.item().coords[0]
        assert gate == layers.streets.geometry.item().coords[1]
        assert gate == layers.walls.geometry.item().coords[0]
        assert layers.gates[["on_street", "on_wall"]].values.tolist() == [[True, True]]

    @pytest.mark.parametrize(
        ("tags", "climb_m"),
        [
            ({"step_count": "20", "incline": "up"}, 3.5),  # 20 x 0.175 m
            ({"step_count": "20", "incline": "down"}, -3.5),
            ({"step_count": "20", "incline": "-30%"}, -3.5),
            ({"step_count": "20"}, 3.5),
            ({"incline": "30%"}, 30.0),  # of 100 m
            ({"incline": "up"}, np.nan),
            ({"step_count": "many"}, np.nan),
            ({"step_count": "0"}, np.nan),
            ({"step_count": "-5"}, np.nan),
            ({"step_count": "99999999"}, np.nan),
            ({"incline": "250%"}, np.nan),
            ({}, np.nan),
        ],
    )
    def test_the_height_of_steps(self, tmp_path, tags, climb_m):
        ways = {7: ((1, 2), {"highway": "steps", **tags})}
        found = read_town(tmp_path, LINE, ways).streets["climb_m"].item()
        assert found == pytest.approx(climb_m, abs=0.01, nan_ok=True)

    @pytest.mark.parametrize(
        ("incline", "climb_m"),
        [
            ("8%", 8.0),
            ("-5,5 %", -5.5),
            ("45°", np.nan),  # 100 %: too steep for a way
            ("10°", 17.633),  # 100 m x tan 10°
            ("0", 0.0),
            ("up", np.nan),
            ("0.1", np.nan),  # no unit
            ("nan%", np.nan),
            ("inf", np.nan),
            ("70%", np.nan),
        ],
    )
    def test_the_climb_of_a_way(self, tmp_path, incline, climb_m):
        ways = {7: ((1, 2), {**FOOTWAY, "incline": incline})}
        found = read_town(tmp_path, LINE, ways).streets["climb_m"].item()
        assert found == pytest.approx(climb_m, abs=0.01, nan_ok=True)

    def test_assumed_directions_and_odd_inclines_are_told(self, tmp_path):
        ways = {
            7: ((1, 2), {"highway": "steps", "step_count": "9"}),
            8: ((1, 2), {**FOOTWAY, "incline": "80%"}),
        }
        layers = read_town(tmp_path, LINE, ways)
        assert items(layers, "assumed") == {"steps_without_incline": 1}
        assert items(layers, "left out") == {"incline_too_steep": 1}

    @pytest.mark.parametrize(
        ("tags", "one_way", "turned"),
        [
            ({"oneway:foot": "yes"}, True, False),
            ({"oneway:foot": "-1"}, True, True),
            ({"foot:backward": "no"}, True, False),
            ({"conveying": "backward"}, True, True),
            ({"oneway": "yes"}, False, False),
            ({"oneway:foot": "no"}, False, False),
        ],
    )
    def test_one_way_on_foot(self, tmp_path, tags, one_way, turned):
        steps = {"highway": "steps", "step_count": "20", "incline": "up", **tags}
        street = read_town(tmp_path, LINE, {7: ((1, 2), steps)}).streets.iloc[0]
        assert street["oneway_foot"] == one_way
        assert street.geometry.coords[0][0] == pytest.approx(100 if turned else 0, abs=0.01)
        # a way that is turned round goes down where it went up
        assert street["climb_m"] == pytest.approx(-3.5 if turned else 3.5)

    def test_bridges_tunnels_and_levels(self, tmp_path):
        ways = {
            7: ((1, 2), {**FOOTWAY, "bridge": "yes", "layer": "1"}),
            8: ((1, 2), {**FOOTWAY, "tunnel": "building_passage"}),
            9: ((1, 2), {**FOOTWAY, "bridge": "no", "layer": "up"}),
        }
        streets = read_town(tmp_path, LINE, ways).streets
        found = streets[["bridge", "tunnel", "layer"]].values.tolist()
        assert found == [[True, False, 1], [False, True, 0], [False, False, 0]]

    def test_a_way_with_nodes_missing_falls_into_pieces(self, tmp_path):
        # 20 steps over 1 .. 6, of which 3 is not in the file: pieces of 100 m and 200 m
        nodes = {1: (0, 0), 2: (100, 0), 4: (200, 0), 5: (300, 0), 6: (400, 0)}
        steps = {"highway": "steps", "step_count": "20", "incline": "up"}
        layers = read_town(tmp_path, nodes, {7: ((1, 2, 3, 4, 5, 6), steps)})
        streets = layers.streets
        assert streets["osm_id"].tolist() == ["w7", "w7"]
        assert streets.geometry.length.tolist() == pytest.approx([100, 200], abs=0.05)
        # the height is shared out by length
        assert streets["climb_m"].tolist() == pytest.approx([3.5 / 3, 7 / 3], abs=1e-3)
        assert items(layers, "incomplete") == {"ways_with_nodes_missing": 1}

    def test_a_way_without_two_nodes_is_told(self, tmp_path):
        layers = read_town(tmp_path, LINE, {7: ((1, 8, 9), FOOTWAY), 8: ((1, 1, 1), FOOTWAY)})
        assert layers.streets.empty
        assert items(layers, "incomplete") == {"ways_without_two_nodes": 2}


class TestAreas:
    def test_a_building_with_a_yard(self, tmp_path):
        ways = {7: (RING, {}), 8: (YARD_RING, {})}
        tags = {"type": "multipolygon", "building": "apartments", "building:levels": "6"}
        relation = {1: ([(7, "outer"), (8, "inner")], tags)}
        building = read_town(tmp_path, {**BLOCK, **YARD}, ways, relation).buildings.iloc[0]
        assert building["osm_id"] == "r1"
        # 100 x 50 less 20 x 10, six storeys
        assert building["footprint_m2"] == pytest.approx(4800, rel=1e-3)
        assert building["floor_area_m2"] == pytest.approx(28800, rel=1e-3)
        assert not building["levels_assumed"]

    def test_roles_that_are_wrong_do_not_matter(self, tmp_path):
        ways = {7: (RING, {}), 8: (YARD_RING, {})}
        relation = {1: ([(7, "inner"), (8, "")], {"type": "multipolygon", "building": "yes"})}
        building = read_town(tmp_path, {**BLOCK, **YARD}, ways, relation).buildings.iloc[0]
        assert building["footprint_m2"] == pytest.approx(4800, rel=1e-3)

    def test_a_ring_of_several_ways_and_two_outer_rings(self, tmp_path):
        nodes = {**BLOCK, 21: (200, 0), 22: (210, 0), 23: (210, 10), 24: (200, 10)}
        ways = {7: ((1, 2, 3), {}), 8: ((1, 4, 3), {}), 9: ((21, 22, 23, 24, 21), {})}
        members = [(7, "outer"), (8, "outer"), (9, "outer")]
        relation = {1: (members, {"type": "multipolygon", "landuse": "residential"})}
        land = read_town(tmp_path, nodes, ways, relation).communities.iloc[0]
        assert land.geometry.geom_type == "MultiPolygon"
        assert land.geometry.area == pytest.approx(5100, rel=1e-3)

    def test_an_area_with_an_outer_way_missing_is_told(self, tmp_path):
        ways = {7: ((1, 2, 3), {}), 8: (YARD_RING, {})}
        members = [(7, "outer"), (99, "outer"), (8, "inner")]
        relation = {1: (members, {"type": "multipolygon", "building": "yes"})}
        layers = read_town(tmp_path, {**BLOCK, **YARD}, ways, relation)
        # the inner ring alone must not become a building
        assert layers.buildings.empty
        assert items(layers, "left out") == {"does_not_close": 1}
        assert items(layers, "incomplete") == {"areas_with_parts_missing": 1}

    def test_an_area_with_an_inner_way_missing_keeps_the_rest(self, tmp_path):
        ways = {7: (RING, {}), 8: (YARD_RING, {})}
        members = [(7, "outer"), (8, "inner"), (99, "inner")]
        relation = {1: (members, {"type": "multipolygon", "building": "yes"})}
        layers = read_town(tmp_path, {**BLOCK, **YARD}, ways, relation)
        assert layers.buildings["footprint_m2"].item() == pytest.approx(4800, rel=1e-3)

    def test_an_outline_tagged_like_its_relation_counts_once(self, tmp_path):
        ways = {7: (RING, {"building": "yes"}), 8: (YARD_RING, {"building": "shed"})}
        members = [(7, "outer"), (8, "inner")]
        relation = {1: (members, {"type": "multipolygon", "building": "yes"})}
        layers = read_town(tmp_path, {**BLOCK, **YARD}, ways, relation)
        # the shed that stands in the yard is a building of its own
        assert sorted(layers.buildings["osm_id"]) == ["r1", "w8"]
        assert layers.buildings["footprint_m2"].sum() == pytest.approx(5000, rel=1e-3)
        assert items(layers, "merged") == {"outline_of_relation": 1}

    def test_an_area_that_crosses_itself_is_mended(self, tmp_path):
        # a bow tie of two triangles, 100 x 50 / 4 each
        ways = {7: ((1, 2, 4, 3, 1), {"building": "yes"})}
        buildings = read_town(tmp_path, BLOCK, ways).buildings
        assert buildings.geometry.is_valid.all()
        assert buildings["footprint_m2"].item() == pytest.approx(2500, rel=1e-3)

    @pytest.mark.parametrize("refs", [(1, 2, 3), (1, 2, 1), (1, 2, 3, 4)])
    def test_what_encloses_nothing_is_told(self, tmp_path, refs):
        layers = read_town(tmp_path, BLOCK, {7: (refs, {"building": "yes"})})
        assert layers.buildings.empty
        assert items(layers, "left out") == {"encloses_nothing": 1}

    def test_a_closed_area_with_a_corner_missing_is_closed_over_the_rest(self, tmp_path):
        nodes = {number: spot for number, spot in BLOCK.items() if number != 4}
        layers = read_town(tmp_path, nodes, {7: (RING, {"building": "yes"})})
        assert layers.buildings["footprint_m2"].item() == pytest.approx(2500, rel=1e-3)
        assert items(layers, "incomplete") == {"ways_with_nodes_missing": 1}

    def test_residential_land_with_and_without_a_name(self, tmp_path):
        ways = {
            7: (RING, {"landuse": "residential", "name": "劲松小区", "name:en": "Jinsong"}),
            8: (YARD_RING, {"landuse": "residential"}),
        }
        land = read_town(tmp_path, {**BLOCK, **YARD}, ways).communities
        tables.check(land, tables.COMMUNITIES)
        assert land["name"].tolist() == ["劲松小区", UNNAMED.format("w8")]
        assert land["name_en"].iloc[0] == "Jinsong"
        assert land["named"].tolist() == [True, False]

    @pytest.mark.parametrize(
        ("tags", "levels", "told_by"),
        [
            ({"building:levels": "5"}, 5, "tag"),
            ({"building:levels": "5;7"}, 7, "tag"),
            ({"building:levels": "3.5", "height": "30"}, 3.5, "tag"),
            ({"building:levels": "zwei", "height": "17 m"}, 6, "height"),  # 17 / 2.8 = 6.07
            ({"height": "1"}, 1, "height"),
            ({"building:levels": "0"}, 4, "default"),
            ({"building:levels": "-3"}, 4, "default"),
            ({"building:levels": "9999"}, 4, "default"),
            ({"height": "-5"}, 4, "default"),
            ({}, 4, "default"),
            ({"building": "house"}, 2, "rule"),
        ],
    )
    def test_storeys(self, tmp_path, tags, levels, told_by):
        ways = {7: (RING, {"building": "apartments", **tags})}
        building = read_town(tmp_path, BLOCK, ways, assumed_storeys=4).buildings.iloc[0]
        assert (building["levels"], building["levels_from"]) == (levels, told_by)
        assert building["levels_assumed"] == (told_by != "tag")
        assert building["floor_area_m2"] == pytest.approx(5000 * levels, rel=1e-3)


class TestPlaces:
    def test_a_point_in_an_area_of_the_same_name_is_one_place(self, tmp_path):
        nodes = {**BLOCK, 5: (50, 25, CLINIC), 6: (50, 30, {"amenity": "clinic"})}
        nodes |= {
            7: (20, 20, {"amenity": "clinic", "name": "牙科"}),
            8: (20, 20, {"shop": "supermarket"}),
        }
        layers = read_town(tmp_path, nodes, {7: (RING, CLINIC)})
        found = sorted(layers.places["facility_id"])
        # the point of the same name and the one without a name are merged, the dentist is not
        assert found == ["n7-health", "n8-market", "w7-health"]
        assert items(layers, "merged") == {"merged_with_area": 2}

    def test_a_building_on_the_grounds_of_the_same_name_is_one_place(self, tmp_path):
        kindergarten = {"amenity": "kindergarten", "name": "第一幼儿园"}
        ways = {7: (RING, kindergarten), 8: (YARD_RING, kindergarten)}
        places = read_town(tmp_path, {**BLOCK, **YARD}, ways).places
        assert places["osm_id"].tolist() == ["w7"]

    def test_two_points_of_one_name_are_two_places(self, tmp_path):
        places = read_town(tmp_path, {1: (0, 0, CLINIC), 2: (1, 0, CLINIC)}).places
        assert len(places) == 2

    def test_an_open_way_is_read_as_a_point(self, tmp_path):
        layers = read_town(tmp_path, BLOCK, {7: ((1, 2, 3), {"amenity": "marketplace"})})
        assert layers.places.geometry.item().coords[0] == pytest.approx((100, 0), abs=0.02)
        assert items(layers, "assumed") == {"open_way_as_point": 1}

    def test_capacity_hours_and_names(self, tmp_path):
        tags = {
            **CLINIC,
            "name:en": "Clinic",
            "capacity": "40",
            "opening_hours": "Mo-Fr 08:00-17:00",
        }
        nodes = {1: (0, 0, tags), 2: (9, 9, {"amenity": "clinic", "capacity": "many"})}
        places = tables.check(read_town(tmp_path, nodes).places, tables.FACILITIES)
        first = places.iloc[0]
        assert first[["name", "name_en", "capacity", "opens"]].tolist() == [
            "社区医院", "Clinic", 40.0, "Mo-Fr 08:00-17:00",
        ]  # fmt: skip
        assert places.iloc[1][["name", "name_en", "capacity", "opens"]].isna().all()


class TestGates:
    @pytest.mark.parametrize(
        ("tags", "open_from", "open_until", "understood"),
        [
            ({"opening_hours": "06:00-22:00"}, "06:00", "22:00", True),
            ({"opening_hours": "Mo-Su 6:30-22:00"}, "06:30", "22:00", True),
            ({"opening_hours": "Mo-Su,PH 06:00-24:00"}, "06:00", "24:00", True),
            ({"opening_hours": "24/7"}, None, None, True),
            ({"access:conditional": "yes @ (05:00-23:00)"}, "05:00", "23:00", True),
            ({"access:conditional": "no @ (22:00-06:00)"}, "06:00", "22:00", True),
            ({"access:conditional": "private @ (22:00-06:00)"}, None, None, False),
            ({"foot:conditional": "yes @ 06:00-20:00"}, "06:00", "20:00", True),
            ({"opening_hours": "Mo-Fr 08:00-17:00"}, None, None, False),
            ({"opening_hours": "06:00-12:00,14:00-20:00"}, None, None, False),
            ({"opening_hours": "sunrise-sunset"}, None, None, False),
            ({"opening_hours": "25:00-29:00"}, None, None, False),
        ],
    )
    def test_hours(self, tmp_path, tags, open_from, open_until, understood):
        nodes = {**LINE, 3: (50, 0, {"barrier": "gate", "access": "yes", **tags})}
        layers = read_town(tmp_path, nodes, {7: ((1, 3, 2), FOOTWAY)})
        gate = tables.check(layers.gates, tables.GATES).iloc[0]
        found = [None if pd.isna(cell) else cell for cell in gate[["open_from", "open_until"]]]
        assert found == [open_from, open_until]
        assert gate["hours_understood"] == understood
        assert gate["hours"] == next(iter(tags.values()))
        assert ("hours_not_understood" in items(layers, "noted")) != understood

    def test_a_gate_drawn_as_a_line_stands_where_the_street_crosses(self, tmp_path):
        # shared node, crossing without one, and no street near
        nodes = {**LINE, 3: (50, 0), 4: (50, -5), 5: (50, 5), 6: (20, -3), 7: (20, 3)}
        nodes |= {8: (0, 90), 9: (4, 90)}
        gate = {"barrier": "gate", "access": "private"}
        ways = {
            7: ((1, 3, 2), FOOTWAY),
            8: ((4, 3, 5), gate),
            9: ((6, 7), gate),
            10: ((8, 9), gate),
        }
        gates = read_town(tmp_path, nodes, ways).gates
        assert gates["gate_id"].tolist() == ["w8", "w9", "w10"]
        spots = shapely.get_coordinates(gates.geometry.to_numpy())
        assert spots == pytest.approx(np.array([[50, 0], [20, 0], [0, 90]]), abs=0.02)
        assert gates["who"].tolist() == ["residents"] * 3
        assert gates["on_street"].tolist() == [True, False, False]

    def test_a_gate_off_the_street_is_told(self, tmp_path):
        nodes = {**LINE, 3: (50, 30, {"barrier": "gate"})}
        layers = read_town(tmp_path, nodes, {7: ((1, 2), FOOTWAY)})
        assert layers.gates["on_street"].tolist() == [False]
        assert items(layers, "noted") == {"on_no_street": 1}

    def test_waits_are_not_known(self, tmp_path):
        nodes = {**LINE, 3: (50, 0, {"barrier": "turnstile"})}
        gates = read_town(tmp_path, nodes, {7: ((1, 3, 2), FOOTWAY)}).gates
        assert gates["wait_s"].isna().all()

    def test_doors_know_their_building(self, tmp_path):
        nodes = {
            **BLOCK,
            **YARD,
            5: (50, 0, {"entrance": "main"}),
            6: (300, 0, {"entrance": "yes"}),
        }
        nodes[15] = (50, 20, {"entrance": "staircase"})
        ways = {7: ((1, 5, 2, 3, 4, 1), {}), 8: ((11, 15, 12, 13, 14, 11), {})}
        tags = {"type": "multipolygon", "building": "apartments"}
        relation = {1: ([(7, "outer"), (8, "inner")], tags)}
        doors = read_town(tmp_path, nodes, ways, relation).doors
        owner = dict(zip(doors["osm_id"], doors["building_osm_id"], strict=True))
        assert (owner["n5"], owner["n15"]) == ("r1", "r1")
        assert pd.isna(owner["n6"])


class TestFiles:
    @staticmethod
    def same(one: OsmLayers, other: OsmLayers) -> bool:
        names = ("streets", "buildings", "places", "gates", "walls", "communities", "doors")
        pairs = [(getattr(one, name), getattr(other, name)) for name in names]
        return all(mine.equals(theirs) for mine, theirs in pairs) and one.report.equals(
            other.report
        )

    def test_the_content_decides_what_a_file_is(self, tmp_path):
        text = osm_xml(NODES, WAYS).encode()
        layers = []
        for name, content in (
            ("a.osm", text),
            ("b.osm.bz2", bz2.compress(text)),
            ("c.osm.gz", gzip.compress(text)),
            ("d.osm.pbf", text),
            ("e", b"\xef\xbb\xbf" + text),
        ):
            (tmp_path / name).write_bytes(content)
            layers.append(read_osm(tmp_path / name, crs=GRID))
        assert len(layers[0].streets) == len(layers[0].buildings) == 1
        assert all(self.same(layers[0], other) for other in layers[1:])

    def test_the_order_of_objects_does_not_matter(self, tmp_path):
        layers = read_town(tmp_path, NODES, WAYS)
        ways_first = osm_xml((), WAYS).replace("</osm>", "")
        nodes = osm_xml(NODES).split('<osm version="0.6">')[1]
        (tmp_path / "turned.osm").write_text(ways_first + nodes, encoding="utf-8")
        assert self.same(layers, read_osm(tmp_path / "turned.osm", crs=GRID))

    def test_of_an_object_that_is_there_twice_the_last_counts(self, tmp_path):
        first = osm_xml({**LINE, 3: (5, 5, {"amenity": "clinic"})}, {7: ((1, 2), FOOTWAY)})
        last = osm_xml({3: (5, 5, {"amenity": "clinic"})}, {7: ((2, 1), {"highway": "steps"})})
        twice = first.replace("</osm>", "") + last.split('<osm version="0.6">')[1]
        (tmp_path / "twice.osm").write_text(twice, encoding="utf-8")
        layers = read_osm(tmp_path / "twice.osm", crs=GRID)
        assert layers.streets["kind"].tolist() == ["steps"]
        assert layers.streets.geometry.item().coords[0][0] == pytest.approx(100, abs=0.02)
        assert layers.places["facility_id"].tolist() == ["n3-health"]

    def test_an_empty_extract_gives_empty_tables_of_the_same_types(self, tmp_path):
        full = read_town(tmp_path, NODES, WAYS)
        empty = read_town(tmp_path)
        for name in ("streets", "buildings", "places", "gates", "walls", "communities", "doors"):
            table, other = getattr(empty, name), getattr(full, name)
            assert len(table) == 0
            assert table.dtypes.astype(str).to_dict() == other.dtypes.astype(str).to_dict(), name
            assert table.crs == other.crs
        assert empty.report.empty
        assert read_town(tmp_path, crs=None).streets.crs.is_projected

    def test_the_same_file_gives_the_same_tables(self, tmp_path):
        one = read_town(tmp_path, NODES, WAYS)
        assert self.same(one, read_town(tmp_path, NODES, WAYS))

    def test_options_are_noted_on_every_table(self, tmp_path):
        layers = read_town(tmp_path, NODES, WAYS, walls="hedge", assumed_storeys=3)
        for table in (layers.streets, layers.buildings, layers.gates):
            noted = table.attrs["communityplan"]
            assert noted["source"].endswith("town.osm")
            assert noted["assumed_storeys"] == 3
            assert noted["walls"] == ["hedge"]
            assert noted["rules"] == noted["services"] == "of the package"

    def test_what_the_layers_say_of_themselves(self, tmp_path):
        layers = read_town(tmp_path, NODES, WAYS, crs=32648)
        assert repr(layers) == (
            "OsmLayers(1 streets, 1 buildings, 1 places, 1 gates, 0 walls, 0 communities, "
            "0 doors; EPSG:32648)"
        )

    def test_every_remark_is_told_in_two_languages(self, tmp_path):
        report = read_town(tmp_path, NODES, WAYS).report
        assert (report["en"] != "").all()
        assert report["zh"].str.contains(r"[\u4e00-\u9fff]").all()
        unsure = report[~report["verified"]]["item"].tolist()
        assert unsure == []

    @pytest.mark.parametrize(("lon", "epsg"), [(104.0, 32648), (-15.4, 32628), (180.0, 32601)])
    def test_the_zone_is_that_of_the_data(self, tmp_path, lon, epsg):
        text = osm_xml(LINE, {7: ((1, 2), FOOTWAY)}).replace('lon="104.', f'lon="{lon - 0.01:.2f}')
        (tmp_path / "there.osm").write_text(text)
        lines = read_osm(tmp_path / "there.osm").streets
        assert lines.crs.to_epsg() == (epsg if lon < 180 else 32660)
        south = text.replace('lat="30', 'lat="-30')
        (tmp_path / "there.osm").write_text(south)
        lines = read_osm(tmp_path / "there.osm").streets
        assert lines.crs.to_epsg() == (epsg if lon < 180 else 32660) + 100
