"""The line where a field on a grid passes a level, as closed rings, outer ones and holes.

Marching squares: every edge of the grid whose ends lie on different sides is crossed once, by
interpolation; a square with opposite corners inside is decided by its middle. Rings run with the
inside on their left. A crossing keeps a hair off the corners of the grid, so that no ring touches
itself or another.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["HAIR", "SEGMENT_TABLE", "crossings", "follow", "sort_rings"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HAIR = 1e-6
"""Share of a cell that a crossing stays off the corners."""

SOUTH, EAST, NORTH, WEST = range(4)

# by the corners inside (south west 1, south east 2, north east 4, north west 8): where a line
# enters a square and where it leaves; 5 and 10 with a middle outside, 16 and 17 with one inside
SEGMENTS = {
    1: ((SOUTH, WEST),), 2: ((EAST, SOUTH),), 4: ((NORTH, EAST),), 8: ((WEST, NORTH),),
    3: ((EAST, WEST),), 6: ((NORTH, SOUTH),), 12: ((WEST, EAST),), 9: ((SOUTH, NORTH),),
    14: ((WEST, SOUTH),), 13: ((SOUTH, EAST),), 11: ((EAST, NORTH),), 7: ((NORTH, WEST),),
    5: ((SOUTH, WEST), (NORTH, EAST)), 10: ((EAST, SOUTH), (WEST, NORTH)),
    16: ((SOUTH, EAST), (NORTH, WEST)), 17: ((WEST, SOUTH), (EAST, NORTH)),
}  # fmt: skip

SEGMENT_TABLE = np.full((18, 2, 2), -1, dtype=np.int64)
"""The same as an array: kind of square, line, where it enters and where it leaves."""

for _kind, _lines in SEGMENTS.items():
    SEGMENT_TABLE[_kind, : len(_lines)] = _lines


def crossings(field: Floats, level: float, corner: tuple[float, float]) -> tuple[Floats, Ints]:
    """Every crossing of an edge of the grid, and the one that follows it.

    Parameters
    ----------
    field : array of float, shape (H, W)
        Above the level at its border.
    level : float
    corner : tuple of float
        Column and row of the first corner.

    Returns
    -------
    xy : array of float, shape (N, 2)
        Columns and rows; along rows first, then along columns.
    following : array of int, shape (N,)
    """
    width = field.shape[1]
    inside = field <= level
    code = inside[:-1, :-1] + 2 * inside[:-1, 1:] + 4 * inside[1:, 1:] + 8 * inside[1:, :-1]
    row, column = np.nonzero((code > 0) & (code < 15))
    kind = code[row, column].astype(np.int64)
    corners = (field[row + up, column + right] for up, right in ((0, 0), (0, 1), (1, 1), (1, 0)))
    south_west, south_east, north_east, north_west = corners
    middle = (south_west + south_east + north_east + north_west) * 0.25 <= level
    kind[(kind == 5) & middle] = 16
    kind[(kind == 10) & middle] = 17
    upright = field.size
    at = row * width + column
    side = np.stack([at, upright + at + 1, at + width, upright + at])
    start, stop = [], []
    for number, lines in SEGMENTS.items():
        some = np.flatnonzero(kind == number)
        for one, other in lines:
            start.append(side[one, some])
            stop.append(side[other, some])
    begin, end = np.concatenate(start), np.concatenate(stop)
    order = np.argsort(begin)
    begin = begin[order]
    following = np.searchsorted(begin, end[order])
    stands = begin >= upright
    place = begin - upright * stands
    flat = field.ravel()
    low, high = flat[place], flat[place + np.where(stands, width, 1)]
    part = np.minimum(np.maximum((level - low) / (high - low), HAIR), 1.0 - HAIR)
    row, column = np.divmod(place, width)
    x = column + corner[0] + np.where(stands, 0.0, part)
    y = row + corner[1] + np.where(stands, part, 0.0)
    xy = np.column_stack([x, y])
    return xy, following


def follow(xy: Floats, following: Ints) -> tuple[Ints, Ints, Floats]:
    """Crossings ring by ring, each ring closed.

    Returns
    -------
    order : array of int
        The first crossing of a ring is also its last.
    first : array of int, shape (rings + 1,)
        Where each ring begins in that order.
    area : array of float, shape (rings,)
        In cells, negative for holes.
    """
    count = len(following)
    order = np.empty(2 * count, dtype=np.int64)
    first = np.zeros(count + 1, dtype=np.int64)
    area = np.zeros(count)
    seen = np.zeros(count, dtype=np.bool_)
    rings, placed = 0, 0
    for start in range(count):
        here = start
        while not seen[here]:
            seen[here] = True
            order[placed] = here
            placed += 1
            there = following[here]
            # measured from the start, which keeps small rings exact
            one_x, one_y = xy[here, 0] - xy[start, 0], xy[here, 1] - xy[start, 1]
            two_x, two_y = xy[there, 0] - xy[start, 0], xy[there, 1] - xy[start, 1]
            area[rings] += 0.5 * (one_x * two_y - two_x * one_y)
            here = there
        if placed > first[rings]:
            order[placed] = start
            placed += 1
            rings += 1
            first[rings] = placed
    return order[:placed], first[: rings + 1], area[:rings]


def sort_rings(xy: Floats, first: Ints, area: Floats) -> tuple[Ints, Ints]:
    """Rings part by part, the outer one of each first.

    Parameters
    ----------
    xy : array of float, shape (N, 2)
        Crossings ring by ring.
    first : array of int, shape (rings + 1,)
    area : array of float, shape (rings,)

    Returns
    -------
    ring : array of int, shape (rings,)
    part : array of int, shape (parts + 1,)
        Where each part begins.
    """
    outer, holes = np.flatnonzero(area > 0), np.flatnonzero(area <= 0)
    home = np.arange(len(area))
    if len(outer) == 1:
        home[holes] = outer[0]
    else:
        for hole in holes:
            # the smallest outer ring around a hole is its own
            around = [
                ring
                for ring in outer
                if _is_around(xy[first[ring] : first[ring + 1]], xy[first[hole]])
            ]
            home[hole] = min(around, key=lambda ring: float(area[ring]))
    ring = np.lexsort((area <= 0, home))
    return ring, np.append(np.flatnonzero(area[ring] > 0), len(ring))


def _is_around(ring: Floats, spot: Floats) -> bool:
    """Whether a ring goes round a spot."""
    ax, ay = np.roll(ring, 1, axis=0).T
    bx, by = ring.T
    x, y = spot
    level = np.flatnonzero((ay > y) != (by > y))
    ax, ay, bx, by = ax[level], ay[level], bx[level], by[level]
    return bool((x < (bx - ax) * (y - ay) / (by - ay) + ax).sum() % 2)
