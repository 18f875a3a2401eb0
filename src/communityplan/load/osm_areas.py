"""Closed ways and multipolygon relations as polygons."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from communityplan.load.osm_data import Flags, Ints, Relations, Ways

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


def relation_polygons(ways: Ways, relations: Relations, rows: Ints) -> tuple[Shapes, Flags]:
    """One area for each of some relations, and whether all its ways are there.

    A complete relation is read by its lines alone, whatever roles they have (inside an odd number
    of rings is inside). One with ways missing in the file keeps the outer rings that still close,
    less the inner ones; None where none closes.
    """
    members = [relations.members[row] for row in rows.tolist()]
    number = np.array([way for pairs in members for way, _ in pairs], dtype=np.int64)
    owner = np.repeat(np.arange(len(rows)), [len(pairs) for pairs in members])
    way, there = _rows_of(ways, number)
    whole = there & ways.whole[way] if len(ways.ids) else there
    complete = np.ones(len(rows), dtype=np.bool_)
    complete[owner[~whole]] = False
    # roles are asked for only where ways are missing
    inner = np.array([role == "inner" for pairs in members for _, role in pairs], dtype=np.bool_)
    hole = inner & ~complete[owner]
    shapes = _enclosed(ways, way[there & ~hole], owner[there & ~hole], len(rows))
    holes = _enclosed(ways, way[there & hole], owner[there & hole], len(rows))
    # a difference with a hole that does not close would be nothing
    holed = np.flatnonzero(~shapely.is_missing(holes) & ~shapely.is_missing(shapes))
    shapes[holed] = shapely.difference(shapes[holed], holes[holed])
    return _mended(shapes), complete


def _rows_of(ways: Ways, number: Ints) -> tuple[Ints, Flags]:
    """Rows of the ways with these numbers, and whether each is there."""
    if not len(ways.ids):
        return np.zeros(len(number), dtype=np.int64), np.zeros(len(number), dtype=np.bool_)
    order = np.argsort(ways.ids)
    place = np.minimum(np.searchsorted(ways.ids[order], number), len(order) - 1)
    row = order[place]
    return row, ways.ids[row] == number


def outer_ways(relations: Relations, use: Flags) -> Ints:
    """Numbers of the ways around these relations."""
    members = (relations.members[row] for row in np.flatnonzero(use))
    around = [way for pairs in members for way, role in pairs if role != "inner"]
    return np.array(around, dtype=np.int64)


def _enclosed(ways: Ways, way: Ints, owner: Ints, count: int) -> Shapes:
    """What the ways of each owner enclose, None where that is nothing."""
    areas: Shapes = np.full(count, None, dtype=object)
    if not len(way):
        return areas
    # pieces of a way stand together, in the order of the ways
    first = np.searchsorted(ways.way, way)
    pieces = np.searchsorted(ways.way, way, side="right") - first
    ends = np.cumsum(pieces)
    within = np.arange(ends[-1]) - np.repeat(ends - pieces, pieces)
    drawn = lines(ways, np.repeat(first, pieces) + within)
    some, of_line = np.unique(np.repeat(owner, pieces), return_inverse=True)
    if not len(some):
        return areas
    rings: Any = shapely.multilinestrings(drawn, indices=of_line)
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
