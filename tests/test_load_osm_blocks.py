"""The block reader of pbf files, against osmium reading the same files."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from communityplan.load.osm import _interest, read_osm
from communityplan.load.osm_blocks import read_blocks
from communityplan.load.osm_data import OsmData
from communityplan.load.osm_library import read_objects
from communityplan.load.osm_pbf import has_zero_in_text
from communityplan.load.osm_rules import parse_rules
from communityplan.load.osm_varints import OddBlockError, gathered, messages, numbers, signed
from osm_xml import GRID, osm_xml

osmium = pytest.importorskip("osmium")

DATA = Path(__file__).parents[2] / "shared" / "data"
INTEREST = _interest(parse_rules())


def by_osmium(path: Path) -> OsmData:
    return read_objects(osmium, osmium.io.File(str(path), "pbf"), INTEREST)


def assert_same(one: OsmData, other: OsmData) -> None:
    assert one.counts == other.counts
    for part in ("nodes", "ways", "relations"):
        mine, theirs = getattr(one, part), getattr(other, part)
        for name in mine.__dataclass_fields__:
            left, right = getattr(mine, name), getattr(theirs, name)
            if name in ("tags", "members"):
                assert list(left) == list(right), (part, name)
            else:
                np.testing.assert_array_equal(left, right, err_msg=f"{part}.{name}")


def packed(xml: str, folder: Path, kind: str = "pbf") -> Path:
    source, target = folder / "town.osm", folder / "town.osm.pbf"
    source.write_text(xml, encoding="utf-8")
    target.unlink(missing_ok=True)
    writer = osmium.SimpleWriter(osmium.io.File(str(target), kind))
    for item in osmium.FileProcessor(str(source)):
        writer.add(item)
    writer.close()
    return target


@pytest.mark.parametrize(
    "name",
    [
        "chengdu/chengdu_xipu_20251112",
        "chengdu/chengdu_dafeng_20260407",
        "porto_alegre/poa_osm",
        "shanghai/shanghai_center_roads_20250809",
    ],
)
def test_real_extracts_read_as_osmium_reads_them(name):
    path = (DATA / name).with_suffix(".osm.pbf")
    path = path if path.exists() else (DATA / name).with_suffix(".pbf")
    if not path.exists():
        pytest.skip("the shared data are not here")
    assert_same(read_blocks(path, INTEREST), by_osmium(path))


def random_town(chance: random.Random) -> str:
    """Ways with nodes that lack, repeat or stand on one spot; areas with ways that lack."""
    nodes = {}
    for number in chance.sample(range(1, 400), 60):
        tags = chance.choice([{}, {"barrier": "gate"}, {"shop": "超市", "name": "好又多" * 50}])
        nodes[number] = (chance.randrange(5) * 10, chance.randrange(5) * 10, tags)
    numbers_ = [*nodes, 900, 901]
    ways = {}
    for number in chance.sample(range(1, 10**6), 25):
        refs = chance.choices(numbers_, k=chance.randrange(1, 9))
        refs += refs[:1] if chance.random() < 0.3 else []
        tags = chance.choice([{"highway": "footway"}, {"building": "yes"}, {"note": "x"}, {}])
        ways[number] = (refs, tags)
    members = [(way, chance.choice(["outer", "inner"])) for way in chance.sample(list(ways), 4)]
    area = {"type": "multipolygon", "landuse": "residential"}
    relations = {5: ([*members, (7, "outer")], area), 6: ([], {**area, "type": "site"})}
    return osm_xml(nodes, ways, relations)


@pytest.mark.parametrize("kind", ["pbf", "pbf,pbf_compression=none"])
def test_random_towns_read_as_osmium_reads_them(tmp_path, kind):
    for seed in range(40):
        path = packed(random_town(random.Random(seed)), tmp_path, kind)
        assert_same(read_blocks(path, INTEREST), by_osmium(path))


def test_what_it_does_not_know_is_left_to_osmium(tmp_path):
    xml = random_town(random.Random(1))
    for kind in ("pbf,pbf_dense_nodes=false", "pbf,locations_on_ways=true"):
        path = packed(xml, tmp_path, kind)
        with pytest.raises(OddBlockError):
            read_blocks(path, INTEREST)
        assert len(read_osm(path, crs=GRID).streets) > 0
    empty = packed(osm_xml(), tmp_path)
    assert len(read_blocks(empty, INTEREST).ways.ids) == 0


def test_damaged_blocks_end_in_one_error_or_as_osmium_reads_them(tmp_path):
    sound = packed(random_town(random.Random(3)), tmp_path, "pbf,pbf_compression=none")
    content = sound.read_bytes()
    file = tmp_path / "damaged.osm.pbf"
    refused = same = 0
    for seed in range(700):
        chance = random.Random(seed)
        changed = bytearray(content)
        for _ in range(chance.choice([1, 1, 3])):
            new = chance.choice([0, 1, 255, chance.randrange(256)])
            changed[chance.randrange(len(changed))] = new
        file.write_bytes(bytes(changed))
        try:
            mine = read_blocks(file, INTEREST)
        except OddBlockError:
            refused += 1
            continue
        assert not has_zero_in_text(file)
        try:
            theirs = by_osmium(file)
        except (RuntimeError, UnicodeDecodeError):
            # damage in what is not read here: who drew an object, and when
            continue
        assert_same(mine, theirs)
        same += 1
    assert refused > 100
    assert same > 100


def varint(value: int) -> bytes:
    """One number, written by the book."""
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def test_numbers_against_writing_them_one_by_one():
    chance = random.Random(0)
    values = [chance.randrange(2 ** chance.randrange(1, 63)) for _ in range(500)]
    data = np.frombuffer(b"".join(map(varint, values)), dtype=np.uint8)
    assert numbers(data).tolist() == values
    # folded: 0, -1, 1, -2, 2
    assert signed(np.array([0, 1, 2, 3, 4])).tolist() == [0, -1, 1, -2, 2]
    sizes = np.array([len(varint(value)) for value in values])
    ends = np.cumsum(sizes)
    found, count = gathered(data, ends[[3, 9]] - sizes[[3, 9]], ends[[5, 9]])
    assert found.tolist() == [*values[3:6], values[9]]
    assert count.tolist() == [3, 1]


@pytest.mark.parametrize("wrong", [b"\x80", b"\x01\xff", b"\xff" * 12])
def test_numbers_that_do_not_end(wrong):
    with pytest.raises(OddBlockError):
        numbers(np.frombuffer(wrong, dtype=np.uint8))


def test_fields_of_messages():
    # field 1: the number 300; field 2: two bytes; and a message with field 1 alone
    data = np.frombuffer(b"\x08\xac\x02\x12\x02ab\x08\x05", dtype=np.uint8)
    found = messages(data, np.array([0, 7]), np.array([7, 9]))
    assert found.number(1).tolist() == [300, 5]
    start, stop = found.span(2)
    assert data[start[0] : stop[0]].tobytes() == b"ab"
    assert stop[1] == 0
    with pytest.raises(OddBlockError):
        messages(data, np.array([0]), np.array([6]))
