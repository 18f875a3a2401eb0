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
    shapes = np.full(len(relations.ids), None, dtype=object)
    complete = np.zeros(len(relations.ids), dtype=np.bool_)
    for row, members in enumerate(relations.members):
        found = [(row_of[way], role) for way, role in members if way in row_of]
        complete[row] = len(found) == len(members) and all(ways.whole[way] for way, _ in found)
        outer = [p for way, role in found if role != "inner" for p in pieces_of[way]]
        inner = [p for way, role in found if role == "inner" for p in pieces_of[way]]
        shapes[row] = _area(ways, outer, inner, whole=bool(complete[row]))
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


def _area(ways: Ways, outer: list[int], inner: list[int], *, whole: bool) -> Any:
    if whole:
        return _enclosed(ways, outer + inner)
    around = _enclosed(ways, outer)
    return (
        None if around is None else shapely.difference(around, _enclosed(ways, inner) or _NOTHING)
    )


_NOTHING = shapely.Polygon()


def _enclosed(ways: Ways, pieces: list[int]) -> Any:
    if not pieces:
        return None
    drawn = shapely.multilinestrings(lines(ways, np.array(pieces, dtype=np.int64)))
    # rings without extent make GEOS divide by zero, which does no harm
    with np.errstate(invalid="ignore"):
        area: Any = shapely.build_area(drawn)
        if area.is_empty or not area.is_valid:
            # lines that cross or that are drawn twice enclose something once they are split
            area = shapely.build_area(shapely.union_all(drawn))
    return None if area.is_empty else area


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
