"""The compiled loops of `outline`: the same sums as there, crossing by crossing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from communityplan.reach.outline import Samples

__all__ = ["inside_lengths", "lower_to"]

Array = NDArray[Any]


@njit("void(float64[:, ::1], float64[:, ::1], float64, float64)", cache=True, nogil=True)
def lower_to(square: Array, ends: Array, reach: float, scale: float) -> None:
    """Lower every grid crossing near a piece to its squared distance, where that is less."""
    height, width = square.shape
    for piece in range(ends.shape[0]):
        ax, ay, bx, by = ends[piece, 0], ends[piece, 1], ends[piece, 2], ends[piece, 3]
        run, rise = bx - ax, by - ay
        length = run * run + rise * rise
        if length <= 0.0:
            length = 1.0
        first_x = max(int(np.ceil(min(ax, bx) - reach)), 0)
        last_x = min(int(np.floor(max(ax, bx) + reach)), width - 1)
        first_y = max(int(np.ceil(min(ay, by) - reach)), 0)
        last_y = min(int(np.floor(max(ay, by) + reach)), height - 1)
        for y in range(first_y, last_y + 1):
            for x in range(first_x, last_x + 1):
                along = ((x - ax) * run + (y - ay) * rise) / length
                along = min(max(along, 0.0), 1.0)
                off_x = x - ax - along * run
                off_y = y - ay - along * rise
                found = (off_x * off_x + off_y * off_y) * scale
                square[y, x] = min(square[y, x], found)


@njit(cache=True, nogil=True)
def inside_lengths(
    distance: Array, frame: tuple[float, float, float, float], lines: Samples, rows: Array
) -> tuple[float, float]:
    """Length of the samples of some lines that lie within the margin, and of all of them."""
    corner_x, corner_y, cell_m, margin_m = frame
    height, width = distance.shape
    inside, total = 0.0, 0.0
    for row in rows:
        for sample in range(lines.offsets[row], lines.offsets[row + 1]):
            length = lines.length_m[sample]
            total += length
            x, y = lines.xy[sample, 0] / cell_m - corner_x, lines.xy[sample, 1] / cell_m - corner_y
            if not (x >= 0 and y >= 0 and x < width - 1 and y < height - 1):
                continue
            i, j = int(x), int(y)
            right, up = x - i, y - j
            below = distance[j, i] * (1 - right) + distance[j, i + 1] * right
            above = distance[j + 1, i] * (1 - right) + distance[j + 1, i + 1] * right
            if below * (1 - up) + above * up <= margin_m:
                inside += length
    return inside, total
