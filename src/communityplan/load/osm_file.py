"""One OpenStreetMap file to flat arrays: what the rules look at, and nothing else.

The file is gone through twice, first its nodes and relations, then its ways, so that the order of
objects does not matter and the ways that areas are made of are known before they are met.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from communityplan.errors import DataError, MissingLibraryError, TooLargeError
from communityplan.load.osm_format import bad_file, format_of

__all__ = ["Interest", "Nodes", "OsmData", "Relations", "Ways", "read_file"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Tags = dict[str, str]

HEADER_HEX = 18
"""Hex digits before the coordinates of a line in well-known binary: byte order, type, count."""

MEMORY_PER_BYTE = {"pbf": 50.0, "osm": 4.0, "osm.bz2": 40.0, "osm.gz": 40.0}
"""Peak memory over the size of the file, by kind: rough, measured on districts and one city."""


@dataclass(frozen=True)
class Interest:
    """Which objects are read, and which of their tags are kept.

    Attributes
    ----------
    nodes, ways, relations : frozenset of str
        An object with any of these keys is read.
    keep : frozenset of str
        Keys whose values are kept.
    """

    nodes: frozenset[str]
    ways: frozenset[str]
    relations: frozenset[str]
    keep: frozenset[str]


@dataclass(frozen=True)
class Nodes:
    """Points with tags, in the order of the file; `xy` in degrees, or projected [m]."""

    ids: Ints
    tags: list[Tags]
    xy: Floats


@dataclass(frozen=True)
class Ways:
    """Lines, each in one piece unless nodes are missing in the file.

    Attributes
    ----------
    ids : array of int, shape (n_ways,)
        Numbers of the ways.
    tags : list of dict
        Their tags; empty for a way that is only the edge of an area.
    closed, whole : array of bool, shape (n_ways,)
        Whether first and last node are the same, and whether every node is in the file.
    way : array of int, shape (n_pieces,)
        Row of the way that a piece belongs to.
    start : array of int, shape (n_pieces + 1,)
        Where the points of each piece start in `xy`.
    xy : array of float, shape (n_points, 2)
        Degrees east and north, or projected [m].
    """

    ids: Ints
    tags: list[Tags]
    closed: Flags
    whole: Flags
    way: Ints
    start: Ints
    xy: Floats


@dataclass(frozen=True)
class Relations:
    """Areas made of ways: `members` are pairs of way number and role."""

    ids: Ints
    tags: list[Tags]
    members: list[tuple[tuple[int, str], ...]]


@dataclass(frozen=True)
class OsmData:
    """What one file holds, and how many objects could not be read whole."""

    nodes: Nodes
    ways: Ways
    relations: Relations
    counts: dict[str, int]


def read_file(path: Path, interest: Interest, most_memory_gb: float) -> OsmData:
    """Read the objects of interest.

    Parameters
    ----------
    path : Path
        ``.osm.pbf``, ``.osm`` or ``.osm.bz2``; the content decides, not the name.
    interest : Interest
        What to look for.
    most_memory_gb : float
        A file that would take more memory than this is refused [GB].

    Returns
    -------
    OsmData
        Coordinates in degrees (WGS-84).

    Raises
    ------
    DataError
        The file is missing, empty, broken off, or of another kind.
    TooLargeError
        The file would take more memory than `most_memory_gb`.
    """
    kind = format_of(path)
    size = path.stat().st_size
    needed_gb = size * MEMORY_PER_BYTE[kind] / 1e9
    if needed_gb > most_memory_gb:
        raise TooLargeError(
            f"{path}: {size / 1e6:.0f} MB would take about {needed_gb:.0f} GB of memory, more than "
            f"most_memory_gb={most_memory_gb:g}. Cut out the district, for example with "
            "osmium extract --bbox W,S,E,N, or raise most_memory_gb"
        )
    try:
        import osmium
        import osmium.geom
    except ImportError as error:
        raise MissingLibraryError(
            "reading OpenStreetMap files needs osmium: pip install osmium"
        ) from error
    source = osmium.io.File(str(path), kind)
    damaged = (RuntimeError, ValueError, OSError, OverflowError, osmium.InvalidLocationError)
    try:
        if osmium.io.Reader(source, osmium.osm.NOTHING).header().has_multiple_object_versions:
            todo = "Cut out one day, for example with osmium time-filter"
            raise bad_file(path, "holds the history of the map", todo)
        return _read(osmium, source, interest)
    except DataError:
        raise
    except damaged as error:
        raise bad_file(
            path,
            f"breaks off or is damaged ({error})",
            "Download it again, or make the extract again",
        ) from error


def _read(osmium: Any, source: Any, interest: Interest) -> OsmData:
    bits = osmium.osm
    places = osmium.NodeLocationsForWays(osmium.index.create_map("flex_mem"))
    places.ignore_errors()
    # the iterator borrows its handlers: they must live as long as it does
    wanted = osmium.filter.KeyFilter(*sorted(interest.nodes | interest.relations))
    with osmium.io.Reader(source, bits.NODE | bits.RELATION) as reader:
        objects = osmium.OsmFileIterator(reader, places, wanted)
        nodes, relations, lost_nodes = _points_and_relations(objects, interest)
    edges = {way for members in relations.members for way, _ in members}
    with osmium.io.Reader(source, bits.WAY) as reader:
        objects = osmium.OsmFileIterator(reader, places)
        ways, lost_ways = _lines(objects, _drawer(osmium), interest, edges)
    counts = {
        "nodes_without_place": lost_nodes,
        "ways_without_two_nodes": lost_ways,
        "ways_with_nodes_missing": int(np.count_nonzero(~ways.whole)),
    }
    return OsmData(nodes, ways, relations, counts)


def _points_and_relations(
    objects: Iterator[Any], interest: Interest
) -> tuple[Nodes, Relations, int]:
    points: dict[int, tuple[Tags, float, float]] = {}
    areas: dict[int, tuple[Tags, tuple[tuple[int, str], ...]]] = {}
    kept = _keeper(interest.keep)
    lost = 0
    for item in objects:
        if item.is_node():
            tags = kept(item, interest.nodes)
            if tags and item.location.valid():
                points[item.id] = (tags, item.lon, item.lat)
            else:
                lost += bool(tags)
        elif item.tags.get("type") == "multipolygon":
            tags = kept(item, interest.relations)
            if tags:
                members = ((each.ref, each.role) for each in item.members if each.type == "w")
                areas[item.id] = (tags, tuple(members))
    nodes = Nodes(
        np.array(list(points), dtype=np.int64),
        [tags for tags, _, _ in points.values()],
        np.array([(lon, lat) for _, lon, lat in points.values()], dtype=np.float64).reshape(-1, 2),
    )
    relations = Relations(
        np.array(list(areas), dtype=np.int64),
        [tags for tags, _ in areas.values()],
        [members for _, members in areas.values()],
    )
    return nodes, relations, lost


def _lines(
    objects: Iterator[Any],
    draw: Callable[[Any], bytes | None],
    interest: Interest,
    edges: Collection[int],
) -> tuple[Ways, int]:
    ids: list[int] = []
    tags_of: list[Tags] = []
    closed: list[bool] = []
    whole: list[bool] = []
    way: list[int] = []
    counts: list[int] = []
    coordinates = bytearray()
    kept = _keeper(interest.keep)
    lost = 0
    for item in objects:
        tags = kept(item, interest.ways)
        if not tags and item.id not in edges:
            continue
        pieces, complete = _pieces(item, draw)
        if not pieces:
            lost += 1
            continue
        for piece in pieces:
            way.append(len(ids))
            counts.append(len(piece) // 16)
            coordinates += piece
        ids.append(item.id)
        tags_of.append(tags)
        closed.append(item.is_closed())
        whole.append(complete)
    start = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)
    ways = Ways(
        np.array(ids, dtype=np.int64),
        tags_of,
        np.array(closed, dtype=np.bool_),
        np.array(whole, dtype=np.bool_),
        np.array(way, dtype=np.int64),
        start,
        np.frombuffer(bytes(coordinates), dtype="<f8").reshape(-1, 2),
    )
    return _last_of_each(ways), lost


def _keeper(keep: frozenset[str]) -> Callable[[Any, frozenset[str]], Tags]:
    """What gives the tags to keep of an object that is wanted, none of any other.

    Objects with the same tags share one dictionary, which nobody may change.
    """
    known: dict[tuple[tuple[str, str], ...], Tags] = {}
    nothing: Tags = {}

    def kept(item: Any, wanted: frozenset[str]) -> Tags:
        tags = dict(item.tags)
        if wanted.isdisjoint(tags) or item.deleted:
            return nothing
        some = tuple(pair for pair in tags.items() if pair[0] in keep)
        if some not in known:
            known[some] = dict(some)
        return known[some]

    return kept


def _drawer(osmium: Any) -> Callable[[Any], bytes | None]:
    """What gives the coordinates of a whole way at once, None for one that needs a closer look."""
    as_wkb = osmium.geom.WKBFactory().create_linestring

    def draw(item: Any) -> bytes | None:
        try:
            return bytes.fromhex(as_wkb(item)[HEADER_HEX:])
        except (RuntimeError, osmium.InvalidLocationError):
            # a node is missing in the file, or all of them lie on one spot
            return None

    return draw


def _pieces(item: Any, draw: Callable[[Any], bytes | None]) -> tuple[list[bytes], bool]:
    """Coordinates of a way, cut where nodes are missing in the file."""
    drawn = draw(item)
    return _runs(item) if drawn is None else ([drawn], True)


def _runs(item: Any) -> tuple[list[bytes], bool]:
    runs: list[list[tuple[float, float]]] = [[]]
    complete = True
    for node in item.nodes:
        if not node.location.valid():
            complete = False
            runs.append([])
        elif not runs[-1] or runs[-1][-1] != (node.lon, node.lat):
            runs[-1].append((node.lon, node.lat))
    pieces = [np.array(run, dtype="<f8").tobytes() for run in runs if len(run) > 1]
    return pieces, complete


def _last_of_each(ways: Ways) -> Ways:
    """Of a way that is in the file more than once, its last version."""
    rows = {number: row for row, number in enumerate(ways.ids.tolist())}
    if len(rows) == len(ways.ids):
        return ways
    keep = np.array(sorted(rows.values()), dtype=np.int64)
    new_row = np.full(len(ways.ids), -1, dtype=np.int64)
    new_row[keep] = np.arange(len(keep))
    pieces = np.flatnonzero(new_row[ways.way] >= 0)
    sizes = np.diff(ways.start)
    points = np.repeat(new_row[ways.way] >= 0, sizes)
    return Ways(
        ways.ids[keep],
        [ways.tags[row] for row in keep],
        ways.closed[keep],
        ways.whole[keep],
        new_row[ways.way[pieces]],
        np.concatenate([[0], np.cumsum(sizes[pieces])]).astype(np.int64),
        ways.xy[points],
    )
