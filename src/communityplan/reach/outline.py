"""The outline of everything within a margin of reached streets, from a field of distances.

Distances to the streets are exact at the crossings of a fixed grid and interpolated between them;
the outline is where they equal the margin. The grid lies at whole multiples of its cell, so an area
does not depend on what else is drawn, and a field over more streets is nowhere higher: areas of
larger limits contain those of smaller ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
import shapely
from numpy.typing import NDArray

from communityplan.reach.tracing import SEGMENT_TABLE, crossings, follow, sort_rings

__all__ = [
    "CELLS_PER_MARGIN",
    "Field",
    "Pieces",
    "Rings",
    "Samples",
    "Surface",
    "polygons",
    "rows_of",
    "short_pieces",
    "shortened",
    "straight_pieces",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

CELLS_PER_MARGIN = 2.5
"""Grid cells in a margin: any point of a street has the crossings around it within the margin."""

PER_M = 1024.0
"""Distances are whole multiples of a metre over this: a millimetre."""

PAD = 5
"""Cells around the streets, so that the outline closes on the grid."""


class Pieces(NamedTuple):
    """Straight pieces of lines.

    Attributes
    ----------
    ends : array of float, shape (N, 4)
        First and last point of each [m].
    offsets : array of int, shape (L + 1,)
        The pieces of line i are ``offsets[i]`` to ``offsets[i + 1]``.
    """

    ends: Floats
    offsets: Ints


class Samples(NamedTuple):
    """Short pieces of lines, by their middles.

    Attributes
    ----------
    xy : array of float, shape (N, 2)
    length_m : array of float, shape (N,)
    offsets : array of int, shape (L + 1,)
        The samples of line i are ``offsets[i]`` to ``offsets[i + 1]``.
    extent : array of float, shape (L, 4)
        West, south, east, north of each line [m].
    """

    xy: Floats
    length_m: Floats
    offsets: Ints
    extent: Floats


class Rings(NamedTuple):
    """The outline of one area.

    Attributes
    ----------
    xy : array of float, shape (N, 2)
        Closed rings, one after the other.
    ring : array of int
        Where each ring begins, and the end.
    part : array of int
        The ring where each part begins (its outer one), and the end.
    """

    xy: Floats
    ring: Ints
    part: Ints


@final
class Field:
    """Distances to a growing set of streets, on a grid.

    Parameters
    ----------
    bounds : tuple of float
        West, south, east, north of all streets that will be added [m].
    margin_m : float
        Distance of the outline from the streets [m].
    compiled : bool
        Whether to use the compiled loop, which pays for large jobs; the field is the same.
    """

    def __init__(
        self,
        bounds: tuple[float, float, float, float],
        margin_m: float,
        *,
        compiled: bool = False,
    ) -> None:
        self.margin_m = margin_m
        self.compiled = compiled
        self.cell_m = margin_m / CELLS_PER_MARGIN
        west, south, east, north = (value / self.cell_m for value in bounds)
        self.column = int(np.floor(west)) - PAD
        self.row = int(np.floor(south)) - PAD
        width = int(np.ceil(east)) + PAD - self.column + 1
        height = int(np.ceil(north)) + PAD - self.row + 1
        self.bounds = bounds
        self.far_m = margin_m + 2.0 * self.cell_m
        self.square = np.full((height, width), self.far_m**2)

    def add(self, pieces: Floats) -> None:
        """Take in straight pieces of streets.

        Parameters
        ----------
        pieces : array of float, shape (N, 4)
            First and last point of each [m].
        """
        if not len(pieces):
            return
        if self.compiled:
            from communityplan.reach._field import lower_to

            corner = self.column, self.row
            lower_to(self.square, pieces, corner, self.cell_m, self.far_m)
            return
        # positions on the whole grid, so that nothing depends on where this field begins
        ends = pieces / self.cell_m
        begin = np.array([self.column, self.row])
        reach, scale = self.far_m / self.cell_m, self.cell_m**2
        low = np.minimum(ends[:, :2], ends[:, 2:]) - reach
        high = np.maximum(ends[:, :2], ends[:, 2:]) + reach
        first = np.maximum(np.ceil(low).astype(np.int64), begin)
        limit = np.array(self.square.shape[::-1]) - 1 + begin
        size = np.minimum(np.floor(high).astype(np.int64), limit) - first + 1
        piece, x, y = _crossings(first, size)
        found = _square_distance(ends[piece], x, y) * scale
        np.minimum.at(self.square, (y - self.row, x - self.column), found)

    def add_lines(self, lines: Pieces, rows: Ints) -> None:
        """Take in whole streets."""
        if not self.compiled:
            self.add(lines.ends[rows_of(lines.offsets, rows)])
        elif len(rows):
            from communityplan.reach._field import lower_lines

            corner = self.column, self.row
            lower_lines(self.square, lines, rows, corner, self.cell_m, self.far_m)

    def surface(self, bounds: tuple[float, float, float, float]) -> Surface:
        """The distances as they are now, around what has been added.

        Parameters
        ----------
        bounds : tuple of float
            West, south, east, north of what has been added: the rest of the field is far.
        """
        height, width = self.square.shape
        west, south, east, north = (value / self.cell_m for value in bounds)
        left = max(int(np.floor(west)) - PAD - self.column, 0)
        low = max(int(np.floor(south)) - PAD - self.row, 0)
        right = min(int(np.ceil(east)) + PAD - self.column + 1, width)
        high = min(int(np.ceil(north)) + PAD - self.row + 1, height)
        distance_m = np.sqrt(self.square[low:high, left:right])
        # a street drawn in two parts for two limits is as far as drawn in one, but for rounding
        distance_m *= PER_M
        np.rint(distance_m, out=distance_m)
        distance_m /= PER_M
        corner = float(self.column + left), float(self.row + low)
        return Surface(distance_m, corner, self.cell_m, self.margin_m, self.compiled)


@dataclass(frozen=True)
class Surface:
    """Distances to streets on a grid.

    Attributes
    ----------
    distance_m : array of float, shape (H, W)
        At the crossings of the grid, from the south west.
    corner : tuple of float
        Column and row of the first crossing.
    cell_m : float
    margin_m : float
        Distance of the outline from the streets [m].
    compiled : bool
    """

    distance_m: Floats
    corner: tuple[float, float]
    cell_m: float
    margin_m: float
    compiled: bool = False

    def rings(self) -> Rings:
        """The area within the margin, with holes and several parts."""
        if self.compiled:
            from communityplan.reach import _field

            xy, following = _field.crossings(
                self.distance_m, self.margin_m, self.corner, SEGMENT_TABLE
            )
            order, first, area = _field.follow(xy, following)
        else:
            xy, following = crossings(self.distance_m, self.margin_m, self.corner)
            order, first, area = follow(xy, following)
        xy = xy[order] * self.cell_m
        # the lowest crossing is on an outer ring: with one of these the order is as wanted
        if (area > 0).sum() == 1:
            return Rings(xy, first, np.array([0, len(area)]))
        ring, part = sort_rings(xy, first, area)
        length = np.diff(first)[ring]
        return Rings(xy[rows_of(first, ring)], np.concatenate([[0], np.cumsum(length)]), part)

    def outline(self) -> shapely.Geometry:
        """The same as geometry."""
        area: shapely.Geometry = polygons([self.rings()])[0]
        return area

    def inside(self, xy: Floats) -> NDArray[np.bool_]:
        """Which points lie within the margin, as the outline has it.

        Parameters
        ----------
        xy : array of float, shape (N, 2)
            Points [m]; those off the grid are outside.
        """
        height, width = self.distance_m.shape
        x, y = (xy * (1.0 / self.cell_m) - self.corner).T
        found = np.zeros(len(xy), dtype=bool)
        on = np.flatnonzero((x >= 0) & (y >= 0) & (x < width - 1) & (y < height - 1))
        x, y = x[on], y[on]
        i, j = x.astype(np.int64), y.astype(np.int64)
        right, up = x - i, y - j
        at = j * width + i
        flat = self.distance_m.ravel()
        below = flat[at] * (1 - right) + flat[at + 1] * right
        above = flat[at + width] * (1 - right) + flat[at + width + 1] * right
        found[on] = below * (1 - up) + above * up <= self.margin_m
        return found

    def lengths(self, lines: Samples, rows: Ints) -> tuple[float, float]:
        """Length of some lines within the margin and beside it [m]; far ones are not looked at."""
        frame = (*self.corner, self.cell_m, self.margin_m)
        if self.compiled:
            from communityplan.reach import _field

            inside_m, outside_m = _field.lengths(self.distance_m, frame, lines, rows)
            return float(inside_m), float(outside_m)
        height, width = self.distance_m.shape
        column, row = self.corner
        east, north = (column + width) * self.cell_m, (row + height) * self.cell_m
        extent = lines.extent[rows].T
        near = (extent[0] <= east) & (extent[2] >= column * self.cell_m)
        near &= (extent[1] <= north) & (extent[3] >= row * self.cell_m)
        sample = rows_of(lines.offsets, rows[near])
        length_m, inside = lines.length_m[sample], self.inside(lines.xy[sample])
        return _in_turn(length_m[inside]), _in_turn(length_m[~inside])


def _in_turn(values: Floats) -> float:
    """The sum, added one after the other as a loop does."""
    return float(np.cumsum(values)[-1]) if len(values) else 0.0


def rows_of(offsets: Ints, lines: Ints) -> Ints:
    """Everything between the offsets of some lines, in their order."""
    count = offsets[lines + 1] - offsets[lines]
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return np.asarray(np.repeat(offsets[lines], count) + within, dtype=np.int64)


def polygons(areas: list[Rings]) -> Shapes:
    """Areas as geometry: a Polygon where there is one part, else a MultiPolygon."""
    shapes = np.full(len(areas), None, dtype=object)
    single = np.array([len(area.part) == 2 for area in areas], dtype=bool)
    for rows, kind in (
        (np.flatnonzero(single), shapely.GeometryType.POLYGON),
        (np.flatnonzero(~single), shapely.GeometryType.MULTIPOLYGON),
    ):
        some = [areas[row] for row in rows]
        ring = _stacked([area.ring for area in some])
        part = _stacked([area.part for area in some])
        whole = np.cumsum([0, *(len(area.part) - 1 for area in some)])
        offsets = (ring, part) if kind == shapely.GeometryType.POLYGON else (ring, part, whole)
        if some:
            xy = np.concatenate([area.xy for area in some])
            shapes[rows] = shapely.from_ragged_array(kind, xy, offsets)
    return shapes


def _stacked(offsets: list[Ints]) -> Ints:
    """Offsets of things one after the other as offsets of all."""
    counts = [np.diff(each) for each in offsets]
    return np.concatenate([[0], np.cumsum(np.concatenate([[0], *counts])[1:])]).astype(np.int64)


def _crossings(first: Ints, size: Ints) -> tuple[Ints, Ints, Ints]:
    """Every grid crossing of every box: the box, the column and the row."""
    count = size[:, 0] * size[:, 1]
    piece = np.repeat(np.arange(len(first)), count)
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    width = size[piece, 0]
    y = within // width
    x = within - y * width
    return piece, x + first[piece, 0], y + first[piece, 1]


def _square_distance(ends: Floats, x: Ints, y: Ints) -> Floats:
    """Squared distance between a point and a straight piece, in cells."""
    ax, ay, bx, by = ends.T
    run, rise = bx - ax, by - ay
    length = run * run + rise * rise
    along = ((x - ax) * run + (y - ay) * rise) / np.where(length > 0, length, 1.0)
    along = np.clip(along, 0.0, 1.0)
    off_x, off_y = x - ax - along * run, y - ay - along * rise
    return np.asarray(off_x * off_x + off_y * off_y, dtype=np.float64)


def straight_pieces(lines: Shapes) -> tuple[Floats, Ints]:
    """The straight pieces of lines.

    Parameters
    ----------
    lines : array of LineString, shape (L,)

    Returns
    -------
    pieces : array of float, shape (N, 4)
        First and last point of each.
    offsets : array of int, shape (L + 1,)
        The pieces of line i are ``pieces[offsets[i]:offsets[i + 1]]``.

    Examples
    --------
    >>> import numpy as np, shapely
    >>> from communityplan.reach.outline import straight_pieces
    >>> straight_pieces(np.array([shapely.LineString([(0, 0), (30, 0), (30, 5)])]))[0].tolist()
    [[0.0, 0.0, 30.0, 0.0], [30.0, 0.0, 30.0, 5.0]]
    """
    xy, line = shapely.get_coordinates(lines, return_index=True)
    inner = np.flatnonzero(line[1:] == line[:-1])
    pieces = np.concatenate([xy[inner], xy[inner + 1]], axis=1)
    return pieces, np.searchsorted(line[inner], np.arange(len(lines) + 1))


def short_pieces(lines: Shapes, longest_m: float) -> tuple[Floats, Ints]:
    """As `straight_pieces`, none longer than asked.

    Examples
    --------
    >>> import numpy as np, shapely
    >>> from communityplan.reach.outline import short_pieces
    >>> short_pieces(np.array([shapely.LineString([(0, 0), (8, 0)])]), 5.0)[0].tolist()
    [[0.0, 0.0, 4.0, 0.0], [4.0, 0.0, 8.0, 0.0]]
    """
    pieces, offsets = straight_pieces(lines)
    short, first = shortened(pieces, longest_m)
    return short, first[offsets]


def shortened(pieces: Floats, longest_m: float) -> tuple[Floats, Ints]:
    """Straight pieces in equal parts none longer than asked, and where those of each begin."""
    step = pieces[:, 2:] - pieces[:, :2]
    count = np.maximum(np.ceil(np.hypot(*step.T) / longest_m), 1.0).astype(np.int64)
    piece = np.repeat(np.arange(len(pieces)), count)
    before = np.concatenate([[0], np.cumsum(count)])
    within = (np.arange(count.sum()) - before[piece])[:, None]
    start = pieces[piece, :2] + step[piece] * (within / count[piece, None])
    stop = pieces[piece, :2] + step[piece] * ((within + 1) / count[piece, None])
    return np.concatenate([start, stop], axis=1), before
