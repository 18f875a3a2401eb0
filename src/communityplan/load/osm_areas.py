"""Closed ways and multipolygon relations as polygons."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from communityplan.load.osm_file import Flags, Ints, Relations, Ways

__all__ = ["lines", "outer_ways", "points_of", "polygons", "relation_polygons"]

Shapes = NDArray[Any]


def points_of(ways: Ways, pieces: Ints) -> tuple[Ints, Ints]:
    """Rows of `xy` that belong to some pieces, and for each the position of its piece.

    Returns
    -------
    tuple of (array of int, array of int)
        Both of the length of all points together.
    """
    sizes = np.diff(ways.start)[pieces]
    owner = np.repeat(np.arange(len(pieces)), sizes)
    ends = np.cumsum(sizes)
    within = np.arange(len(owner)) - np.repeat(ends - sizes, sizes)
    return np.repeat(ways.start[:-1][pieces], sizes) + within, owner


def lines(ways: Ways, pieces: Ints) -> Shapes:
    """One line for each piece."""
    points, owner = points_of(ways, pieces)
    return np.asarray(shapely.linestrings(ways.xy[points], indices=owner), dtype=object)


def polygons(ways: Ways, rows: Ints) -> Shapes:
    """One polygon for each way, None for one that encloses nothing.

    A way with nodes missing in the file is closed over the nodes that are there.
    """
    position = np.full(len(ways.ids), -1, dtype=np.int64)
    position[rows] = np.arange(len(rows))
    pieces = np.flatnonzero(position[ways.way] >= 0)
    points, owner = points_of(ways, pieces)
    ring = position[ways.way[pieces[owner]]]
    # a ring needs three corners, and the first of them again at the end
    counts = np.bincount(ring, minlength=len(rows))
    torn = ~ways.whole[rows]
    enough = ways.closed[rows] & (counts >= np.where(torn, 3, 4))
    keep = enough[ring]
    shapes: Shapes = np.full(len(rows), None, dtype=object)
    if keep.any():
        order = np.argsort(ring[keep], kind="stable")
        rings: Any = shapely.linearrings(
            ways.xy[points[keep]][order],
            indices=ring[keep][order],
            out=np.full(len(rows), None, dtype=object),
        )
        shapes[enough] = shapely.polygons(rings[enough])
    return _mended(shapes)


def relation_polygons(ways: Ways, relations: Relations) -> tuple[Shapes, Flags]:
    """One area for each relation, and whether all its ways are there.

    A complete relation is read by its lines alone, whatever roles they have (inside an odd number
    of rings is inside). One with ways missing in the file keeps the outer rings that still close,
    less the inner ones; None where none closes.
    """
    row_of = {number: row for row, number in enumerate(ways.ids.tolist())}
    pieces_of = _pieces_of_rows(ways)
    complete = np.zeros(len(relations.ids), dtype=np.bool_)
    outer: list[list[int]] = []
    inner: list[list[int]] = []
    for row, members in enumerate(relations.members):
        found = [(row_of[way], role) for way, role in members if way in row_of]
        complete[row] = len(found) == len(members) and all(ways.whole[way] for way, _ in found)
        # roles are asked for only where ways are missing
        hole = [role == "inner" and not complete[row] for _, role in found]
        pairs = list(zip(found, hole, strict=True))
        outer.append(
            [piece for (way, _), within in pairs if not within for piece in pieces_of[way]]
        )
        inner.append([piece for (way, _), within in pairs if within for piece in pieces_of[way]])
    shapes = _enclosed(ways, outer)
    with_holes = np.array([len(pieces) > 0 for pieces in inner], dtype=np.bool_)
    holed = np.flatnonzero(with_holes & ~shapely.is_missing(shapes))
    holes = _enclosed(ways, [inner[row] for row in holed])
    # a difference with a hole that does not close would be nothing
    some = ~shapely.is_missing(holes)
    shapes[holed[some]] = shapely.difference(shapes[holed[some]], holes[some])
    return _mended(shapes), complete


def outer_ways(relations: Relations, use: Flags) -> Ints:
    """Numbers of the ways around these relations."""
    members = (relations.members[row] for row in np.flatnonzero(use))
    around = [way for pairs in members for way, role in pairs if role != "inner"]
    return np.array(around, dtype=np.int64)


def _pieces_of_rows(ways: Ways) -> list[range]:
    """Pieces of each way: they stand together, in the order of the ways."""
    first = np.searchsorted(ways.way, np.arange(len(ways.ids) + 1)).tolist()
    return [range(start, end) for start, end in pairwise(first)]


def _enclosed(ways: Ways, pieces: list[list[int]]) -> Shapes:
    """What each list of pieces encloses, None where that is nothing."""
    areas: Shapes = np.full(len(pieces), None, dtype=object)
    some = np.flatnonzero([len(each) > 0 for each in pieces])
    if not len(some):
        return areas
    drawn = lines(ways, np.array([piece for each in pieces for piece in each], dtype=np.int64))
    owner = np.repeat(np.arange(len(some)), [len(pieces[row]) for row in some])
    rings: Any = shapely.multilinestrings(drawn, indices=owner)
    # rings without extent make GEOS divide by zero, which does no harm
    with np.errstate(invalid="ignore"):
        built: Any = shapely.build_area(rings)
        # lines that cross or that are drawn twice enclose something once they are split
        poor = np.flatnonzero(shapely.is_empty(built) | ~shapely.is_valid(built))
        built[poor] = [shapely.build_area(shapely.union_all(ring)) for ring in rings[poor]]
    built[shapely.is_empty(built)] = None
    areas[some] = built
    return areas


def _mended(shapes: Shapes) -> Shapes:
    """Valid polygons; None for what has no area."""
    present = ~shapely.is_missing(shapes)
    bad = np.flatnonzero(present & ~shapely.is_valid(shapes))
    for row in bad:
        parts = shapely.get_parts(shapely.make_valid(shapes[row]))
        areal = parts[np.isin(shapely.get_type_id(parts), (3, 6))]
        shapes[row] = shapely.union_all(areal) if len(areal) else None
    empty = ~shapely.is_missing(shapes) & (shapely.area(shapes) == 0)
    shapes[empty] = None
    return shapes
