"""The compiled loop of `near_edges`: the same sums as there, point by point."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from communityplan._search.kept import kept

__all__ = ["Cells", "nearest_pieces"]

Array = NDArray[Any]


class Cells(NamedTuple):
    """Pieces of lines by the cells they pass, as `near_edges.EdgeGrid` has them."""

    ends: NDArray[np.float64]
    first: NDArray[np.int32]
    piece: NDArray[np.int32]
    cell_m: float
    corner: NDArray[np.int64]
    size: NDArray[np.int64]


@kept
def _span(cells: Cells, axis: int, at: float, radius: float) -> Any:
    """First and last column (or row) of the cells around a point, none off the grid."""
    low = np.int64(np.floor((at - radius) / cells.cell_m)) - cells.corner[axis]
    high = np.int64(np.floor((at + radius) / cells.cell_m)) - cells.corner[axis]
    return max(low, 0), min(high, cells.size[axis] - 1)


@kept
def _away(cells: Cells, piece: np.int64, x: float, y: float) -> Any:
    """Squared distance between a point and a piece."""
    ax, ay = cells.ends[piece, 0], cells.ends[piece, 1]
    bx, by = cells.ends[piece, 2], cells.ends[piece, 3]
    run, rise = bx - ax, by - ay
    length = run * run + rise * rise
    if length <= 0.0:
        length = 1.0
    part = ((x - ax) * run + (y - ay) * rise) / length
    part = min(max(part, 0.0), 1.0)
    off_x, off_y = x - (ax + part * run), y - (ay + part * rise)
    if part >= 1.0:
        off_x, off_y = x - bx, y - by
    return off_x * off_x + off_y * off_y


@kept
def nearest_pieces(xy: Array, cells: Cells, piece: Array, square: Array) -> None:
    """Put the nearest piece of every point, and its squared distance, where those are nearer."""
    for point in range(xy.shape[0]):
        x, y = xy[point, 0], xy[point, 1]
        nearest, least = np.int64(-1), square[point]
        within = np.sqrt(least)
        radius, done = 0.0, False
        while not done:
            left, right = _span(cells, 0, x, radius)
            low, high = _span(cells, 1, y, radius)
            if left > right:
                high = low - 1
            for row in range(low, high + 1):
                base = row * cells.size[0]
                for entry in range(cells.first[base + left], cells.first[base + right + 1]):
                    other = np.int64(cells.piece[entry])
                    away = _away(cells, other, x, y)
                    if away < least or (away == least and (nearest < 0 or other < nearest)):
                        nearest, least = other, away
            # nothing beyond the piece that was found can be nearer; else look twice as far
            wider = np.sqrt(least) if nearest >= 0 else max(2.0 * radius, cells.cell_m)
            wider = min(wider, within)
            done = wider <= radius
            if nearest >= 0 and not done:
                new_left, new_right = _span(cells, 0, x, wider)
                new_low, new_high = _span(cells, 1, y, wider)
                done = (
                    new_left >= left and new_right <= right and new_low >= low and new_high <= high
                )
            radius = wider
        piece[point] = nearest
        square[point] = least
