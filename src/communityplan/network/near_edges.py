"""The nearest edge of many points, from a grid over the straight pieces of edges.

A point looks into its own cell first; what it finds there bounds how far it has to look further.
The compiled loop does the same sums point by point and finds the same pieces.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import shapely
from numpy.typing import NDArray

from communityplan._search.threads import together

__all__ = ["EdgeGrid", "Joints"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

LEAST_CELL_M = 30.0
"""Cells are no smaller than this [m]: in most of them lie a few pieces of streets."""

CELLS_PER_PIECE = 16.0
"""Cells are enlarged until there are no more than this many for every piece."""

COMPILED_FROM = 1_000
"""Points from which on the compiled loop is used, where numba is loaded already."""

LOADED_FROM = 1_000_000
"""Points for which compiling the loop is worth it: the plain one takes about a second."""

CHUNK = 4096
"""Points that a thread takes at a time."""


@dataclass(frozen=True)
class Joints:
    """Where points meet their nearest edge.

    Attributes
    ----------
    edge : array of int, shape (P,)
        Position of the line, -1 where there is none within reach.
    along : array of float, shape (P,)
        Share of the line before the joint, nan for none.
    door_m : array of float, shape (P,)
        Distance to the joint [m], nan for none.
    xy : array of float, shape (P, 2)
        The joint, nan for none.
    """

    edge: Ints
    along: Floats
    door_m: Floats
    xy: Floats


@dataclass(frozen=True, eq=False)
class EdgeGrid:
    """Straight pieces of lines by the cells they pass, made by `of`.

    Attributes
    ----------
    ends : array of float, shape (N, 4)
        The ends of every piece, in the order of the lines [m]; the western one first, so that the
        same piece drawn the other way is exactly as near.
    turned : array of bool, shape (N,)
        Whether the line leads from the second end to the first.
    line : array of int, shape (N,)
        The line that a piece belongs to.
    before, share : array of float, shape (N,)
        Share of the line before the piece, and that of the piece itself.
    cell_m : float
    corner : array of int, shape (2,)
        Column and row of the first cell.
    size : array of int, shape (2,)
        Columns and rows.
    first : array of int32, shape (columns * rows + 1,)
    piece : array of int32
        Pieces in cell c, row by row: ``piece[first[c]:first[c + 1]]``.
    """

    ends: Floats
    turned: NDArray[np.bool_]
    line: Ints
    before: Floats
    share: Floats
    cell_m: float
    corner: Ints
    size: Ints
    first: NDArray[np.int32]
    piece: NDArray[np.int32]

    @classmethod
    def of(cls, lines: Shapes) -> EdgeGrid:
        """Index lines.

        Parameters
        ----------
        lines : array of LineString
            At least one, in metres.
        """
        xy, line = shapely.get_coordinates(lines, return_index=True)
        inner = np.flatnonzero(line[1:] == line[:-1])
        ends = np.concatenate([xy[inner], xy[inner + 1]], axis=1)
        line = line[inner]
        west, east = xy[inner].T, xy[inner + 1].T
        turned = (east[0] < west[0]) | ((east[0] == west[0]) & (east[1] < west[1]))
        ends[turned] = ends[turned][:, [2, 3, 0, 1]]
        length_m = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1])
        whole_m = np.bincount(line, length_m, len(lines))
        whole_m[whole_m == 0] = 1.0
        walked_m = np.cumsum(length_m) - length_m
        start_m = walked_m[np.searchsorted(line, np.arange(len(lines)))]
        before = (walked_m - start_m[line]) / whole_m[line]
        span_m = xy.max(axis=0) - xy.min(axis=0)
        fitting_m = float(np.sqrt(span_m.prod() / (CELLS_PER_PIECE * len(ends))))
        # a long narrow network needs larger cells than its area tells
        fitting_m = max(fitting_m, float(span_m.max()) / (CELLS_PER_PIECE * len(ends)))
        cell_m = max(LEAST_CELL_M, fitting_m)
        corner = np.floor(xy.min(axis=0) / cell_m).astype(np.int64)
        size = np.floor(xy.max(axis=0) / cell_m).astype(np.int64) - corner + 1
        cell, piece = _cells(ends, length_m, cell_m, corner, size)
        order = np.argsort(cell, kind="stable")
        first = np.zeros(int(size.prod()) + 1, dtype=np.int32)
        np.cumsum(np.bincount(cell, minlength=len(first) - 1), out=first[1:])
        share = length_m / whole_m[line]
        # the end of a line is at 1 to the last bit: only there a one-way line can be left
        last = np.flatnonzero(np.diff(line, append=-1) != 0)
        share[last] = 1.0 - before[last]
        return cls(
            ends,
            turned,
            line,
            before,
            share,
            cell_m,
            corner,
            size,
            first,
            piece[order].astype(np.int32),
        )

    def joints(self, xy: Floats, within_m: float) -> Joints:
        """The nearest line of every point; of lines equally near, the first.

        Parameters
        ----------
        xy : array of float, shape (P, 2)
        within_m : float
            How far a line may be [m].
        """
        piece, square = self._nearest(xy, within_m)
        on = np.flatnonzero(piece >= 0)
        if len(on) == len(xy):
            return self._measured(xy, piece, square)
        found = self._measured(xy[on], piece[on], square[on])
        line = np.full(len(xy), -1, dtype=np.int64)
        along, door_m = np.full(len(xy), np.nan), np.full(len(xy), np.nan)
        joint = np.full((len(xy), 2), np.nan)
        line[on], along[on], door_m[on], joint[on] = found.edge, found.along, found.door_m, found.xy
        return Joints(line, along, door_m, joint)

    def _measured(self, xy: Floats, piece: Ints, square: Floats) -> Joints:
        """Joints on the pieces that were found."""
        part, joint = _foot(self.ends[piece], xy)
        part = np.where(self.turned[piece], 1.0 - part, part)
        along = np.minimum(self.before[piece] + part * self.share[piece], 1.0)
        return Joints(self.line[piece], along, np.sqrt(square), joint)

    def _nearest(self, xy: Floats, within_m: float) -> tuple[Ints, Floats]:
        """The nearest piece of every point within a distance, and the distance squared."""
        piece = np.full(len(xy), -1, dtype=np.int64)
        square = np.full(len(xy), within_m * within_m)
        if _is_compiled(len(xy)):
            self._compiled(np.ascontiguousarray(xy), piece, square)
            return piece, square
        rows = np.arange(len(xy))
        radius_m = np.zeros(len(xy))
        while len(rows):
            low, high = box = self._box(xy[rows], radius_m)
            self._look(xy, rows, box, (piece, square))
            found = piece[rows] >= 0
            # nothing beyond the piece that was found can be nearer; else look twice as far
            far_m = np.sqrt(square[rows])
            wider_m = np.where(found, far_m, np.maximum(2.0 * radius_m, self.cell_m))
            wider_m = np.minimum(wider_m, within_m)
            new_low, new_high = self._box(xy[rows], wider_m)
            more = ((new_low < low) | (new_high > high)).any(axis=1)
            more |= ~found & (radius_m < within_m)
            rows, radius_m = rows[more], wider_m[more]
        return piece, square

    def _compiled(self, xy: Floats, piece: Ints, square: Floats) -> None:
        """The same by the compiled loop, shared between threads."""
        from communityplan.network._near import Cells, nearest_pieces

        cells = Cells(self.ends, self.first, self.piece, self.cell_m, self.corner, self.size)

        def work(slices: Iterator[slice]) -> None:
            for some in slices:
                nearest_pieces(xy[some], cells, piece[some], square[some])

        together(work, [slice(first, first + CHUNK) for first in range(0, len(xy), CHUNK)],
                 os.cpu_count() or 1)  # fmt: skip

    def _box(self, xy: Floats, radius_m: Floats) -> tuple[Ints, Ints]:
        """First and last column and row of the cells around points; none off the grid."""
        radius = radius_m[:, None]
        low = np.floor((xy - radius) / self.cell_m).astype(np.int64) - self.corner
        high = np.floor((xy + radius) / self.cell_m).astype(np.int64) - self.corner
        return np.maximum(low, 0), np.minimum(high, self.size - 1)

    def _look(
        self, xy: Floats, rows: Ints, box: tuple[Ints, Ints], found: tuple[Ints, Floats]
    ) -> None:
        """Note pieces in boxes of cells that are nearer than what was found before."""
        (low, high), (piece, square) = box, found
        tall = np.maximum(high[:, 1] - low[:, 1] + 1, 0) * (high[:, 0] >= low[:, 0])
        place, step = _spread(tall)
        strip = (low[place, 1] + step) * self.size[0]
        start = self.first[strip + low[place, 0]]
        strip_place, step = _spread(self.first[strip + high[place, 0] + 1] - start)
        entry = self.piece[start[strip_place] + step]
        point = rows[place[strip_place]]
        if not len(point):
            return
        at, ends = xy[point], self.ends[entry]
        _, foot = _foot(ends, at)
        off = at - foot
        away = off[:, 0] * off[:, 0] + off[:, 1] * off[:, 1]
        opens = np.flatnonzero(np.diff(point, prepend=-1))
        least = np.minimum.reduceat(away, opens)
        owner = point[opens]
        count = np.diff(np.append(opens, len(point)))
        first = np.minimum.reduceat(
            np.where(away == np.repeat(least, count), entry, len(self.ends)), opens
        )
        nearer = (least < square[owner]) | ((least == square[owner]) & (piece[owner] < 0))
        nearer |= (least == square[owner]) & (first < piece[owner])
        square[owner[nearer]], piece[owner[nearer]] = least[nearer], first[nearer]


def _is_compiled(count: int) -> bool:
    """Whether to use the compiled loop: it costs part of a second to load, more to compile."""
    if count < COMPILED_FROM:
        return False
    return "numba" in sys.modules or (count >= LOADED_FROM and find_spec("numba") is not None)


def _foot(ends: Floats, xy: Floats) -> tuple[Floats, Floats]:
    """The nearest point of straight pieces, as a share and in metres; ends are exact."""
    ax, ay, bx, by = ends.T
    x, y = xy.T
    run, rise = bx - ax, by - ay
    length = run * run + rise * rise
    part = ((x - ax) * run + (y - ay) * rise) / np.where(length > 0, length, 1.0)
    part = np.minimum(np.maximum(part, 0.0), 1.0)
    foot_x = np.where(part >= 1.0, bx, ax + part * run)
    foot_y = np.where(part >= 1.0, by, ay + part * rise)
    return part, np.column_stack([foot_x, foot_y])


def _cells(
    ends: Floats, length_m: Floats, cell_m: float, corner: Ints, size: Ints
) -> tuple[Ints, Ints]:
    """Every cell with every piece that passes it, or its neighbour: long pieces in short parts."""
    count = np.maximum(np.ceil(length_m / (2.0 * cell_m)), 1.0).astype(np.int64)
    piece, step = _spread(count)
    run = ends[piece, 2:] - ends[piece, :2]
    one = ends[piece, :2] + run * (step / count[piece])[:, None]
    other = ends[piece, :2] + run * ((step + 1) / count[piece])[:, None]
    # a hair more than the piece, as its parts are rounded
    low = np.floor((np.minimum(one, other) - 1e-6) / cell_m).astype(np.int64) - corner
    high = np.floor((np.maximum(one, other) + 1e-6) / cell_m).astype(np.int64) - corner
    low, high = np.clip(low, 0, size - 1), np.clip(high, 0, size - 1)
    wide = high[:, 0] - low[:, 0] + 1
    part, step = _spread(wide * (high[:, 1] - low[:, 1] + 1))
    row = step // wide[part]
    column = step - row * wide[part]
    return (low[part, 1] + row) * size[0] + low[part, 0] + column, piece[part]


def _spread(count: Ints) -> tuple[Ints, Ints]:
    """Every number below every count: which count, and the number."""
    which = np.repeat(np.arange(len(count)), count)
    return which, np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
