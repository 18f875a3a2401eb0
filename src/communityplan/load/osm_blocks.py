"""Blocks of a pbf file to flat arrays, all objects of a block at a time.

It reads what sound extracts hold: dense nodes, ways and relations in blocks packed with zlib.
Anything else raises `OddBlockError`, and osmium reads the file, or says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from communityplan.load.osm_data import (
    Flags,
    Floats,
    Interest,
    Ints,
    KindList,
    Nodes,
    OsmData,
    Relations,
    Ways,
    last_of_each,
)
from communityplan.load.osm_lines import FARTHEST, NOWHERE, Places, draw_ways
from communityplan.load.osm_pbf import blobs, fields, texts_of
from communityplan.load.osm_varints import (
    LENGTH,
    Bytes,
    Messages,
    OddBlockError,
    gathered,
    messages,
    numbers,
    signed,
)

__all__ = ["read_blocks"]

KNOWN_FEATURES = {b"OsmSchema-V0.6", b"DenseNodes"}

LOW = 0xFFFFFFFF

GRAIN = 100
"""Nanodegrees in the unit that osmium keeps coordinates in."""

TEXTS, GROUP, GRANULARITY, LAT_OFFSET, LON_OFFSET = 1, 2, 17, 19, 20
DENSE, WAY, RELATION = 2, 3, 4
ID, KEYS, VALUES, REFS = 1, 2, 3, 8
ROLES, MEMBERS, KINDS_OF_MEMBERS = 8, 9, 10
DENSE_ID, DENSE_LAT, DENSE_LON, DENSE_TAGS = 1, 8, 9, 10
WAY_MEMBER = 1
INFO, DENSE_INFO = 4, 5
KNOWN_FIELDS = {
    DENSE: {DENSE_ID, DENSE_LAT, DENSE_LON, DENSE_TAGS, DENSE_INFO},
    WAY: {ID, KEYS, VALUES, REFS, INFO},
    RELATION: {ID, KEYS, VALUES, ROLES, MEMBERS, KINDS_OF_MEMBERS, INFO},
}
KNOWN_IN_BLOCK = {TEXTS, GROUP, GRANULARITY, LAT_OFFSET, LON_OFFSET, 18}


@dataclass(frozen=True)
class _Block:
    """One block: its bytes, its texts, and how its coordinates are to be scaled."""

    data: Bytes
    texts: list[bytes]
    scale: int
    shift: tuple[int, int]

    def which(self, words: frozenset[str]) -> Flags:
        """Which of its texts are among these words."""
        known = {word.encode() for word in words}
        return np.array([text in known for text in self.texts], dtype=np.bool_)

    def word(self, row: int) -> str:
        return self.texts[row].decode()


@dataclass(frozen=True)
class _Objects:
    """Ways or relations of one block, by where their fields are."""

    block: _Block
    fields: Messages


class _Reading:
    """What has been read so far."""

    def __init__(self, interest: Interest) -> None:
        self.interest = interest
        self.kinds = KindList()
        self.ids: list[Ints] = []
        self.xy: list[Ints] = []
        self.tagged: list[tuple[Ints, Ints, Ints]] = []
        self.ways: list[_Objects] = []
        self.areas: list[tuple[int, int, tuple[tuple[int, str], ...]]] = []


def read_blocks(path: Path, interest: Interest) -> OsmData:
    """Read the objects of interest of a pbf file.

    Parameters
    ----------
    path : Path
        The file.
    interest : Interest
        What to look for.

    Returns
    -------
    OsmData
        Coordinates in degrees (WGS-84).

    Raises
    ------
    OddBlockError
        The file is damaged, or it holds something that is not read here.

    References
    ----------
    OpenStreetMap wiki, "PBF Format".
    """
    reading = _Reading(interest)
    try:
        for row, (kind, blob) in enumerate(blobs(path)):
            if kind != (b"OSMData" if row else b"OSMHeader"):
                raise OddBlockError(f"block {row} is of kind {kind!r}")
            if row:
                _read_block(blob, reading)
            else:
                _check_header(blob)
        nodes, lost_nodes, places = _nodes(reading)
        relations = _relations(reading)
        ways, lost_ways = _ways(reading, relations, places)
    except (ValueError, IndexError, OverflowError, MemoryError) as error:
        raise OddBlockError(str(error)) from error
    return OsmData.of(nodes, ways, relations, lost_nodes=lost_nodes, lost_ways=lost_ways)


def _check_header(blob: bytes) -> None:
    needed = {value for number, value in fields(blob) if number == 4}
    if not needed <= KNOWN_FEATURES:
        raise OddBlockError(f"needs {needed}")


def _read_block(blob: bytes, reading: _Reading) -> None:
    if not blob:
        raise OddBlockError("an empty block, or one that is packed in another way")
    told = {GRANULARITY: GRAIN, LAT_OFFSET: 0, LON_OFFSET: 0}
    texts: list[bytes] = []
    groups: list[bytes] = []
    for number, value in fields(blob):
        if number not in KNOWN_IN_BLOCK:
            raise OddBlockError(f"field {number} in a block")
        if isinstance(value, int):
            told[number] = value
        elif number == GROUP:
            groups.append(value)
        elif number == TEXTS:
            texts = texts_of(value)
    scale, lat_0, lon_0 = told[GRANULARITY], told[LAT_OFFSET], told[LON_OFFSET]
    if scale % GRAIN or lat_0 % GRAIN or lon_0 % GRAIN:
        raise OddBlockError("coordinates finer than osmium keeps them")
    shift = (lon_0 // GRAIN, lat_0 // GRAIN)
    for group in groups:
        data = np.frombuffer(group, dtype=np.uint8)
        _read_group(_Block(data, texts, scale // GRAIN, shift), group, reading)


def _read_group(block: _Block, group: bytes, reading: _Reading) -> None:
    for kind, start, stop in _members(group):
        found = messages(block.data, start, stop)
        if not found.fields() <= KNOWN_FIELDS[kind]:
            raise OddBlockError(f"fields {found.fields()} in an object of kind {kind}")
        if kind == DENSE:
            _read_dense(block, found, reading)
        elif kind == WAY:
            reading.ways.append(_Objects(block, found))
        else:
            _read_relations(block, found, reading)


def _members(group: bytes) -> Iterator[tuple[int, Ints, Ints]]:
    """Where the objects of each kind start and stop in a group."""
    kinds: list[int] = []
    starts: list[int] = []
    stops: list[int] = []
    at, end = 0, len(group)
    while at < end:
        kind, size = group[at], group[at + 1]
        at += 2
        if size >= 0x80:
            shift, size = 7, size & 0x7F
            while True:
                byte, at = group[at], at + 1
                size |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
        kinds.append(kind)
        starts.append(at)
        at += size
        stops.append(at)
    if at != end or not set(kinds) <= {kind << 3 | LENGTH for kind in (DENSE, WAY, RELATION)}:
        raise OddBlockError("a group of something else, or one that breaks off")
    every = np.array(kinds, dtype=np.int64)
    for kind in sorted(set(kinds)):
        rows = every == kind
        yield kind >> 3, np.array(starts)[rows], np.array(stops)[rows]


def _packed(objects: Messages, data: Bytes, field: int, rows: Ints) -> tuple[Ints, Ints]:
    """The numbers in one field of some objects, and how many each of them has."""
    if field in objects.value:
        raise OddBlockError("numbers that are not packed")
    start, stop = objects.span(field)
    return gathered(data, start[rows], stop[rows])


def _tags(objects: Messages, data: Bytes) -> tuple[Ints, Ints, Ints]:
    """Keys and values of objects, and how many each has."""
    every = np.arange(objects.count)
    key, count = _packed(objects, data, KEYS, every)
    value, values = _packed(objects, data, VALUES, every)
    if (count != values).any():
        raise OddBlockError("a key without a value")
    return key, value, count


def _kinds(
    block: _Block, tags: tuple[Ints, Ints, Ints], wanted: frozenset[str], reading: _Reading
) -> Ints:
    """The number of the tags to keep of each object, -1 for one that is not wanted.

    Tags are keys, values, both as rows of the block's texts, and how many each object has.
    """
    key, value, count = tags
    texts = len(block.texts)
    if len(key) != len(value) or max(key.max(initial=0), value.max(initial=0)) >= max(texts, 1):
        raise OddBlockError("a tag without a text")
    if min(key.min(initial=0), value.min(initial=0)) < 0:
        raise OddBlockError("a tag without a text")
    owner = np.repeat(np.arange(len(count)), count)
    is_wanted = np.zeros(len(count), dtype=np.bool_)
    is_wanted[owner[block.which(wanted)[key]]] = True
    keep = is_wanted[owner] & block.which(reading.interest.keep)[key]
    pairs = ((key[keep] << 32) | value[keep]).tolist()
    kept = np.bincount(owner[keep], minlength=len(count))
    kind = np.full(len(count), -1, dtype=np.int64)
    known: dict[tuple[int, ...], int] = {}
    word = block.word
    found = []
    at = 0
    for size in kept[is_wanted].tolist():
        some = tuple(pairs[at : at + size])
        at += size
        number = known.get(some)
        if number is None:
            words = [word(row) for pair in some for row in (pair >> 32, pair & LOW)]
            number = known[some] = reading.kinds.number(tuple(words))
        found.append(number)
    kind[is_wanted] = found
    return kind


def _whole(objects: Messages, data: Bytes, field: int, row: int) -> Ints:
    """The numbers in one field of one object."""
    if field in objects.value:
        raise OddBlockError("numbers that are not packed")
    start, stop = objects.span(field)
    return numbers(data[start[row] : stop[row]])


def _read_dense(block: _Block, found: Messages, reading: _Reading) -> None:
    for row in range(found.count):
        ids, lat, lon = (
            np.cumsum(signed(_whole(found, block.data, field, row)))
            for field in (DENSE_ID, DENSE_LAT, DENSE_LON)
        )
        if not len(ids) == len(lat) == len(lon):
            raise OddBlockError("nodes without coordinates")
        xy = np.stack([lon, lat], axis=1) * block.scale + block.shift
        reading.ids.append(ids)
        reading.xy.append(xy)
        tags = _whole(found, block.data, DENSE_TAGS, row)
        if not len(tags):
            continue
        ends = np.flatnonzero(tags == 0)
        # keys and values in turn, and a zero after those of each node
        size = np.diff(ends, prepend=-1) - 1
        if len(ends) != len(ids) or ends[-1] != len(tags) - 1 or (size % 2).any():
            raise OddBlockError("tags of nodes that do not come in pairs")
        texts = tags[tags != 0]
        pairs = (texts[::2], texts[1::2], size // 2)
        kind = _kinds(block, pairs, reading.interest.nodes, reading)
        rows = np.flatnonzero(kind >= 0)
        reading.tagged.append((ids[rows], kind[rows], xy[rows]))


def _on_earth(xy: Ints) -> Flags:
    (x, y), (east, north) = xy.T, FARTHEST
    return np.asarray((x >= -east) & (x <= east) & (y >= -north) & (y <= north))


def _degrees(xy: Ints) -> Floats:
    return np.asarray(xy / 1e7, dtype=np.float64)


def _nodes(reading: _Reading) -> tuple[Nodes, int, Places]:
    none, no_places = np.zeros(0, dtype=np.int64), np.zeros((0, 2), dtype=np.int64)
    ids = np.concatenate([none, *(ids for ids, _, _ in reading.tagged)])
    kind = np.concatenate([none, *(kind for _, kind, _ in reading.tagged)])
    xy = np.concatenate([no_places, *(xy for _, _, xy in reading.tagged)])
    there = _on_earth(xy)
    tags = reading.kinds.tagged(kind[there])
    nodes = Nodes(ids[there], tags, _degrees(xy[there]))
    every = np.concatenate([none, *reading.ids])
    where = np.concatenate([no_places, *reading.xy])
    where[~_on_earth(where)] = NOWHERE
    reading.ids.clear()
    reading.xy.clear()
    if (np.diff(every) <= 0).any():
        order = np.argsort(every)
        every, where = every[order], where[order]
        if (np.diff(every) == 0).any():
            raise OddBlockError("a node is there twice")
    return nodes, int(np.count_nonzero(~there)), Places(every, where.astype(np.int32))


def _read_relations(block: _Block, found: Messages, reading: _Reading) -> None:
    key, value, count = _tags(found, block.data)
    kind = _kinds(block, (key, value, count), reading.interest.relations, reading)
    is_type, is_multi = (block.which(frozenset({word})) for word in ("type", "multipolygon"))
    is_area = is_type[key] & is_multi[value]
    area = np.zeros(found.count, dtype=np.bool_)
    area[np.repeat(np.arange(found.count), count)[is_area]] = True
    rows = np.flatnonzero(area & (kind >= 0))
    role, roles = _packed(found, block.data, ROLES, rows)
    step, steps = _packed(found, block.data, MEMBERS, rows)
    sort, sorts = _packed(found, block.data, KINDS_OF_MEMBERS, rows)
    if (roles != steps).any() or (sorts != steps).any():
        raise OddBlockError("a member without a role")
    ends = np.cumsum(steps)
    run = np.cumsum(signed(step))
    before = np.concatenate([[0], run])[ends - steps]
    member = run - np.repeat(before, steps)
    ids = found.number(ID)
    for at, row in enumerate(rows.tolist()):
        span = slice(int(ends[at] - steps[at]), int(ends[at]))
        whole = zip(member[span].tolist(), role[span].tolist(), sort[span].tolist(), strict=True)
        ways = ((way, block.word(said)) for way, said, what in whole if what == WAY_MEMBER)
        reading.areas.append((int(ids[row]), int(kind[row]), tuple(ways)))


def _relations(reading: _Reading) -> Relations:
    ids = np.array([number for number, _, _ in reading.areas], dtype=np.int64)
    if len(np.unique(ids)) < len(ids):
        raise OddBlockError("a relation is there twice")
    tags = reading.kinds.tagged(kind for _, kind, _ in reading.areas)
    return Relations(ids, tags, [members for _, _, members in reading.areas])


def _ways(reading: _Reading, relations: Relations, places: Places) -> tuple[Ways, int]:
    around = np.unique([way for members in relations.members for way, _ in members])
    plain = reading.kinds.number(())
    none = np.zeros(0, dtype=np.int64)
    ids, kinds, refs, counts = [none], [none], [none], [none]
    for objects in reading.ways:
        block, found = objects.block, objects.fields
        kind = _kinds(block, _tags(found, block.data), reading.interest.ways, reading)
        number = found.number(ID)
        rows = np.flatnonzero((kind >= 0) | np.isin(number, around))
        step, steps = _packed(found, block.data, REFS, rows)
        ends = np.cumsum(steps)
        run = np.cumsum(signed(step))
        before = np.concatenate([[0], run])[ends - steps]
        ids.append(number[rows])
        kinds.append(np.where(kind[rows] >= 0, kind[rows], plain))
        refs.append(run - np.repeat(before, steps))
        counts.append(steps)
    reading.ways.clear()
    tags = reading.kinds.tagged(np.concatenate(kinds))
    ways, lost = draw_ways(
        np.concatenate(ids), tags, np.concatenate(refs), np.concatenate(counts), places
    )
    return last_of_each(ways), lost
