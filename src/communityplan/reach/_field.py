"""The compiled loops of `outline` and `tracing`: the same sums as there, one by one."""

# ruff: noqa: PLR0917  (compiled functions take their arguments by position)

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from communityplan._search.kept import kept
from communityplan.reach import tracing
from communityplan.reach.outline import Pieces, Samples
from communityplan.reach.tracing import HAIR

__all__ = ["crossings", "follow", "lengths", "lower_lines", "lower_to"]

Array = NDArray[Any]
Pair = tuple[float, float]

follow = kept(tracing.follow)


@kept
def lower_to(
    square: Array, ends: Array, corner: tuple[int, int], cell_m: float, reach_m: float
) -> None:
    """Lower every grid crossing near a piece to its squared distance, where that is less."""
    height, width = square.shape
    column, row = corner
    cells, scale = reach_m / cell_m, cell_m**2
    for piece in range(ends.shape[0]):
        ax, ay = ends[piece, 0] / cell_m, ends[piece, 1] / cell_m
        bx, by = ends[piece, 2] / cell_m, ends[piece, 3] / cell_m
        run, rise = bx - ax, by - ay
        length = run * run + rise * rise
        if length <= 0.0:
            length = 1.0
        first_x = max(int(np.ceil(min(ax, bx) - cells)) - column, 0)
        last_x = min(int(np.floor(max(ax, bx) + cells)) - column, width - 1)
        first_y = max(int(np.ceil(min(ay, by) - cells)) - row, 0)
        last_y = min(int(np.floor(max(ay, by) + cells)) - row, height - 1)
        for j in range(first_y, last_y + 1):
            # positions on the whole grid, so that nothing depends on where this field begins
            y = float(j + row)
            for i in range(first_x, last_x + 1):
                x = float(i + column)
                along = ((x - ax) * run + (y - ay) * rise) / length
                along = min(max(along, 0.0), 1.0)
                off_x = x - ax - along * run
                off_y = y - ay - along * rise
                found = (off_x * off_x + off_y * off_y) * scale
                square[j, i] = min(square[j, i], found)


@kept
def lower_lines(
    square: Array,
    lines: Pieces,
    rows: Array,
    corner: tuple[int, int],
    cell_m: float,
    reach_m: float,
) -> None:
    """Take whole lines into a field."""
    for line in rows:
        ends = lines.ends[lines.offsets[line] : lines.offsets[line + 1]]
        lower_to(square, ends, corner, cell_m, reach_m)


@kept
def lengths(
    field: Array, frame: tuple[float, float, float, float], lines: Samples, rows: Array
) -> Pair:
    """Length of the samples of some lines within the margin, and beside it."""
    column, row, cell_m, margin_m = frame
    per_m = 1.0 / cell_m
    height, width = field.shape
    inside, outside = 0.0, 0.0
    west, south = column * cell_m, row * cell_m
    east, north = (column + width) * cell_m, (row + height) * cell_m
    for line in rows:
        extent = lines.extent[line]
        if extent[0] > east or extent[2] < west or extent[1] > north or extent[3] < south:
            continue
        for sample in range(lines.offsets[line], lines.offsets[line + 1]):
            x, y = lines.xy[sample, 0] * per_m - column, lines.xy[sample, 1] * per_m - row
            within = False
            if x >= 0 and y >= 0 and x < width - 1 and y < height - 1:
                i, j = int(x), int(y)
                right, up = x - i, y - j
                below = field[j, i] * (1 - right) + field[j, i + 1] * right
                above = field[j + 1, i] * (1 - right) + field[j + 1, i + 1] * right
                within = below * (1 - up) + above * up <= margin_m
            if within:
                inside += lines.length_m[sample]
            else:
                outside += lines.length_m[sample]
    return inside, outside


@kept
def _part(low: float, high: float, level: float) -> Any:
    return min(max((level - low) / (high - low), HAIR), 1.0 - HAIR)


@kept
def _sides(field: Array, level: float) -> Any:
    """Which corners are inside, and how many edges of the grid are crossed."""
    height, width = field.shape
    inside = np.empty((height, width), dtype=np.uint8)
    for y in range(height):
        for x in range(width):
            inside[y, x] = field[y, x] <= level
    count = 0
    for y in range(height):
        for x in range(width - 1):
            count += inside[y, x] ^ inside[y, x + 1]
    for y in range(height - 1):
        for x in range(width):
            count += inside[y, x] ^ inside[y + 1, x]
    return inside, count


@kept
def _marked(field: Array, level: float, corner: Pair, inside: Array, xy: Array) -> Any:
    """Every crossing, and its number on every edge of the grid that has one."""
    height, width = field.shape
    upright = height * width
    number = np.empty(2 * upright, dtype=np.int32)
    column, row = corner
    count = 0
    for y in range(height):
        for x in range(width - 1):
            if inside[y, x] ^ inside[y, x + 1]:
                number[y * width + x] = count
                xy[count, 0] = x + column + _part(field[y, x], field[y, x + 1], level)
                xy[count, 1] = y + row
                count += 1
    for y in range(height - 1):
        for x in range(width):
            if inside[y, x] ^ inside[y + 1, x]:
                number[upright + y * width + x] = count
                xy[count, 0] = x + column
                xy[count, 1] = y + row + _part(field[y, x], field[y + 1, x], level)
                count += 1
    return number


@kept
def crossings(field: Array, level: float, corner: Pair, segments: Array) -> Any:
    """As `tracing.crossings`; `segments` are those of `tracing.SEGMENT_TABLE`."""
    height, width = field.shape
    inside, count = _sides(field, level)
    xy = np.empty((count, 2), dtype=np.float64)
    number = _marked(field, level, corner, inside, xy)
    following = np.empty(count, dtype=np.int64)
    for y in range(height - 1):
        for x in range(width - 1):
            code = inside[y, x] + 2 * inside[y, x + 1]
            code += 4 * inside[y + 1, x + 1] + 8 * inside[y + 1, x]
            if code == 0 or code == 15:  # noqa: PLR1714  (a set is made for every square)
                continue
            if code == 5 or code == 10:  # noqa: PLR1714
                middle = field[y, x] + field[y, x + 1] + field[y + 1, x + 1] + field[y + 1, x]
                if middle * 0.25 <= level:
                    code = 16 if code == 5 else 17
            at = y * width + x
            upright = height * width + at
            side = (at, upright + 1, at + width, upright)
            for line in range(2):
                start, stop = segments[code, line, 0], segments[code, line, 1]
                if start >= 0:
                    following[number[side[start]]] = number[side[stop]]
    return xy, following
