"""OpenStreetMap files read by osmium: XML, and pbf files that are not read block by block.

The file is gone through twice, first its nodes and relations, then its ways, so that the order of
objects does not matter and the ways that areas are made of are known before they are met.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np

from communityplan.load.osm_data import (
    Interest,
    KindList,
    Nodes,
    OsmData,
    Relations,
    Ways,
    last_of_each,
)

__all__ = ["read_objects"]

HEADER_HEX = 18
"""Hex digits before the coordinates of a line in well-known binary: byte order, type, count."""


def read_objects(osmium: Any, source: Any, interest: Interest) -> OsmData:
    """Read the objects of interest.

    Parameters
    ----------
    osmium : module
        The library.
    source : osmium.io.File
        What to read.
    interest : Interest
        What to look for.

    Returns
    -------
    OsmData
        Coordinates in degrees (WGS-84).
    """
    bits = osmium.osm
    places = osmium.NodeLocationsForWays(osmium.index.create_map("flex_mem"))
    places.ignore_errors()
    # the iterator borrows its handlers: they must live as long as it does
    wanted = osmium.filter.KeyFilter(*sorted(interest.nodes | interest.relations))
    kinds = KindList()
    with osmium.io.Reader(source, bits.NODE | bits.RELATION) as reader:
        objects = osmium.OsmFileIterator(reader, places, wanted)
        nodes, relations, lost_nodes = _points_and_relations(objects, interest, kinds)
    edges = {way for members in relations.members for way, _ in members}
    with osmium.io.Reader(source, bits.WAY) as reader:
        objects = osmium.OsmFileIterator(reader, places)
        ways, lost_ways = _lines(objects, _drawer(osmium), interest, edges, kinds)
    return OsmData.of(nodes, ways, relations, lost_nodes=lost_nodes, lost_ways=lost_ways)


def _points_and_relations(
    objects: Iterator[Any], interest: Interest, kinds: KindList
) -> tuple[Nodes, Relations, int]:
    points: dict[int, tuple[int, float, float]] = {}
    areas: dict[int, tuple[int, tuple[tuple[int, str], ...]]] = {}
    kept = _keeper(interest.keep, kinds)
    lost = 0
    for item in objects:
        if item.is_node():
            kind = kept(item, interest.nodes)
            if kind >= 0 and item.location.valid():
                points[item.id] = (kind, item.lon, item.lat)
            else:
                lost += kind >= 0
        elif item.tags.get("type") == "multipolygon":
            kind = kept(item, interest.relations)
            if kind >= 0:
                members = ((each.ref, each.role) for each in item.members if each.type == "w")
                areas[item.id] = (kind, tuple(members))
    nodes = Nodes(
        np.array(list(points), dtype=np.int64),
        kinds.tagged(kind for kind, _, _ in points.values()),
        np.array([(lon, lat) for _, lon, lat in points.values()], dtype=np.float64).reshape(-1, 2),
    )
    relations = Relations(
        np.array(list(areas), dtype=np.int64),
        kinds.tagged(kind for kind, _ in areas.values()),
        [members for _, members in areas.values()],
    )
    return nodes, relations, lost


def _lines(
    objects: Iterator[Any],
    draw: Callable[[Any], bytes | None],
    interest: Interest,
    edges: Collection[int],
    kinds: KindList,
) -> tuple[Ways, int]:
    ids: list[int] = []
    kind_of: list[int] = []
    closed: list[bool] = []
    whole: list[bool] = []
    way: list[int] = []
    counts: list[int] = []
    coordinates = bytearray()
    kept = _keeper(interest.keep, kinds)
    plain = kinds.number(())
    lost = 0
    for item in objects:
        kind = kept(item, interest.ways)
        if kind < 0 and item.id not in edges:
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
        kind_of.append(plain if kind < 0 else kind)
        closed.append(item.is_closed())
        whole.append(complete)
    start = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)
    ways = Ways(
        np.array(ids, dtype=np.int64),
        kinds.tagged(kind_of),
        np.array(closed, dtype=np.bool_),
        np.array(whole, dtype=np.bool_),
        np.array(way, dtype=np.int64),
        start,
        np.frombuffer(bytes(coordinates), dtype="<f8").reshape(-1, 2),
    )
    return last_of_each(ways), lost


def _keeper(keep: frozenset[str], kinds: KindList) -> Callable[[Any, frozenset[str]], int]:
    """What gives the number of the tags to keep of an object that is wanted, -1 of any other."""

    def kept(item: Any, wanted: frozenset[str]) -> int:
        tags = dict(item.tags)
        if wanted.isdisjoint(tags) or item.deleted:
            return -1
        return kinds.number(
            tuple(word for pair in tags.items() if pair[0] in keep for word in pair)
        )

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
    # osmium passes over nodes that are missing at the start of a way
    if drawn is None or not item.nodes[0].location.valid():
        return _runs(item)
    return [drawn], True


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
