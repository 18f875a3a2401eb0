"""The compiled loop of `outline`: the same sums as there, crossing by crossing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["lower_to"]

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
