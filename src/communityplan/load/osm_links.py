"""Straight links inside an area, so that a walk across it is as long as the shortest one.

The links are those edges of a visibility graph that lie on a shortest walk between two points
where streets join: between such points, and the corners of the outline that a walk can bend
around, wherever the straight line stays inside (de Berg et al., Computational Geometry, 2008,
chapter 15).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from communityplan.load.osm_data import Flags, Floats, Ints
from communityplan.load.osm_values import as_keys, is_among

__all__ = ["MOST_JOINS", "MOST_POINTS", "joining_points", "square_links"]

Shapes = NDArray[Any]
Keys = NDArray[np.complex128]

MOST_POINTS = 600
"""Joining points and corners of one square; with more, links do not bend around its corners."""

END_SHARE = 1e-7
"""How much of a link is left off at either end to see that the rest is clear of the outline."""

ROUNDING = 1e-6
"""Sine of the angle by which a line along the outline may point out of it."""

HAIR_M = 1e-6
"""A point this far outside an area may be on its outline but for rounding [m]."""

SAMPLES = (0.5, 0.25, 0.75, 0.03, 0.97, 0.12, 0.88, 0.37, 0.63)
"""Where along a line it is looked at first."""

FEW = 20
"""So many lines are held against the whole outline sooner than it is widened."""

MOST_JOINS = 500
"""A square that more streets join than this keeps its outline only."""


def joining_points(xy: Floats, line: Ints, squares: Shapes) -> Keys:
    """Points of outlines where a street leaves the outline or ends, or two squares touch.

    Parameters
    ----------
    xy : array of float, shape (n, 2)
        Points of all lines that are no outlines, line after line [m].
    line : array of int, shape (n,)
        Which line each point belongs to.
    squares : array of Polygon or MultiPolygon
        The squares [m].

    Returns
    -------
    array of complex
        Sorted, x + iy.
    """
    corners, square = shapely.get_coordinates(squares, return_index=True)
    ring, place = np.unique(as_keys(corners), return_inverse=True)
    pairs = np.unique(np.column_stack([place, square]), axis=0)
    touched = ring[np.bincount(pairs[:, 0], minlength=len(ring)) > 1]
    keys = as_keys(xy)
    on = is_among(keys, ring)
    after = np.append(line[1:] == line[:-1], [False]) if len(line) else np.zeros(0, dtype=bool)
    before = np.append([False], after[:-1]) if len(line) else after
    # a street that runs along an outline joins it only where it comes and where it leaves
    along = before & after & np.roll(on, 1) & np.roll(on, -1)
    return np.union1d(keys[on & ~along], touched)


def square_links(
    squares: Shapes, joins: Keys, ends: Floats, square_level: Ints, end_level: Ints
) -> tuple[Shapes, Ints, Ints]:
    """Straight links inside squares.

    Parameters
    ----------
    squares : array of Polygon or MultiPolygon
        The squares [m].
    joins : array of complex
        As `joining_points` gives them.
    ends : array of float, shape (n, 2)
        Ends of streets; those inside a square are joined as well [m].
    square_level, end_level : array of int
        Levels (``layer=*``) of the squares and of the ends: only the same are joined.

    Returns
    -------
    tuple of (array of LineString, array of int, array of int)
        The links, the position of the square of each, and the squares that too many streets join.
    """
    found: list[Shapes] = []
    owner: list[Ints] = []
    too_many: list[int] = []
    inside, end = _points_inside(squares, ends)
    same = square_level[inside] == end_level[end]
    inside, end = inside[same], end[same]
    parts, part_of = shapely.get_parts(squares, return_index=True)
    corners, part_of_corner = shapely.get_coordinates(parts, return_index=True)
    joined = is_among(as_keys(corners), joins)
    likely = np.bincount(part_of_corner[joined], minlength=len(parts))
    likely += np.bincount(inside, minlength=len(squares))[part_of]
    for position in np.flatnonzero(likely > 1):
        part, row = parts[position], part_of[position]
        within = np.unique(ends[end[inside == row]], axis=0)
        within = within[shapely.covers(part, shapely.points(within))]
        links = _links_of(part, joins, within)
        if links is None:
            too_many.append(row)
        elif len(links):
            found.append(links)
            owner.append(np.full(len(links), row, dtype=np.int64))
    drawn = np.concatenate(found) if found else np.empty(0, dtype=object)
    owners = np.concatenate(owner) if owner else np.empty(0, dtype=np.int64)
    return drawn, owners, np.unique(np.array(too_many, dtype=np.int64))


def _points_inside(squares: Shapes, points: Floats) -> tuple[Ints, Ints]:
    """Which points lie inside which squares, as two rows of positions."""
    order = np.argsort(points[:, 0])
    bounds = shapely.bounds(squares)
    first = np.searchsorted(points[order, 0], bounds[:, 0])
    last = np.searchsorted(points[order, 0], bounds[:, 2], side="right")
    shapely.prepare(squares)
    found = [np.zeros(0, dtype=np.int64)]
    for square, start, stop, (_, low, _, high) in zip(squares, first, last, bounds, strict=True):
        near = order[start:stop]
        near = near[(points[near, 1] >= low) & (points[near, 1] <= high)]
        found.append(near[shapely.contains_xy(square, *points[near].T)])
    owner = np.repeat(np.arange(len(squares)), [len(rows) for rows in found[1:]])
    return owner, np.concatenate(found)


def _links_of(part: Any, joins: Keys, within: Floats) -> Shapes | None:
    """Links of one polygon, None where too many streets join it."""
    corner, before, after = _corners(part)
    joined = is_among(corner, joins)
    count = int(np.count_nonzero(joined)) + len(within)
    if count > MOST_JOINS:
        return None
    if count < 2:
        return np.empty(0, dtype=object)
    use = joined | _bends(corner, before, after)
    if np.count_nonzero(use) + len(within) > MOST_POINTS:
        use = joined
    # a street that ends inside has no neighbours on the outline
    unknown = np.full(len(within), np.nan, dtype=np.complex128)
    points = np.concatenate([corner[use], as_keys(within)])
    before = np.concatenate([before[use], unknown])
    after = np.concatenate([after[use], unknown])
    stop = np.concatenate([joined[use], np.ones(len(within), dtype=bool)])
    one, other, edge = _sights(part, points, before, after, stop)
    walked = _on_shortest(points, one, other, stop) & ~edge
    return _drawn(points[one[walked]], points[other[walked]])


def _sights(
    part: Any, points: Keys, before: Keys, after: Keys, stop: Flags
) -> tuple[Ints, Ints, Flags]:
    """Pairs of points that see each other, and which of them are neighbours on the outline."""
    one, other = np.triu_indices(len(points), 1)
    edge = (after[one] == points[other]) | (before[one] == points[other])
    apart = np.flatnonzero(points[one] != points[other])
    one, other, edge = one[apart], other[apart], edge[apart]
    for _ in ("seen from one end", "and from the other"):
        corner = (points[one], points[other], before[one], after[one])
        keep = edge | ((stop[one] | _taut(*corner)) & _leaves_inwards(*corner))
        one, other, edge = other[keep], one[keep], edge[keep]
    shapely.prepare(part)
    seen = edge.copy()
    # most are clear of the outline but for their ends, which is quick to tell
    step = (points[other] - points[one]) * END_SHARE
    seen |= shapely.contains_properly(part, _drawn(points[one] + step, points[other] - step))
    left = np.flatnonzero(~seen)
    if len(left) > FEW:
        left = left[_stays_near(part, points[one[left]], points[other[left]])]
    seen[left] = shapely.covers(part, _drawn(points[one[left]], points[other[left]]))
    return one[seen], other[seen], edge[seen]


def _drawn(start: Keys, stop: Keys) -> Shapes:
    """Straight lines."""
    ends = np.stack([start, stop], axis=1).view(np.float64).reshape(-1, 2, 2)
    return np.asarray(shapely.linestrings(ends), dtype=object)


def _on_shortest(points: Keys, one: Ints, other: Ints, stop: Flags) -> Flags:
    """The sights that one shortest walk between each two stops takes."""
    count = len(points)
    length_m = np.abs(points[one] - points[other])
    graph = coo_array((length_m, (one, other)), shape=(count, count)).tocsr()
    stops = np.flatnonzero(stop)
    _, come_from = dijkstra(graph, directed=False, indices=stops, return_predecessors=True)
    walked = np.zeros((count, count), dtype=np.bool_)
    start = np.arange(len(stops))[:, None]
    at = np.tile(stops, (len(stops), 1))
    while True:
        earlier = come_from[start, at]
        on_the_way = earlier >= 0
        if not on_the_way.any():
            return np.asarray(walked[one, other] | walked[other, one])
        walked[earlier[on_the_way], at[on_the_way]] = True
        at = np.where(on_the_way, earlier, at)


def _corners(part: Any) -> tuple[Keys, Keys, Keys]:
    """Corners of a polygon, the inside on the left, each with the one before and after it."""
    turned = shapely.orient_polygons(part)
    rings = [as_keys(shapely.get_coordinates(ring)[:-1]) for ring in shapely.get_rings(turned)]
    before = [np.roll(ring, 1) for ring in rings]
    after = [np.roll(ring, -1) for ring in rings]
    return np.concatenate(rings), np.concatenate(before), np.concatenate(after)


def _bends(corner: Keys, before: Keys, after: Keys) -> Flags:
    """The corners that a shortest walk can bend around: those that point inwards."""
    return np.asarray(_cross(corner - before, after - corner) < 0)


def _taut(point: Keys, to: Keys, before: Keys, after: Keys) -> Flags:
    """Whether a walk along this line can bend at the point: both outline edges lie on one side."""
    line = to - point
    taut: Flags = _cross(line, before - point) * _cross(line, after - point) >= 0
    return taut


def _leaves_inwards(point: Keys, to: Keys, before: Keys, after: Keys) -> Flags:
    """Whether a line starts inside its corner, or a hair beside it; the inside is left."""
    line, come, go = to - point, point - before, after - point
    hair = ROUNDING * np.abs(line)
    of_come = _cross(come, line) >= -hair * np.abs(come)
    of_go = _cross(go, line) >= -hair * np.abs(go)
    bends_left = _cross(come, go) >= 0
    inwards: Flags = np.where(bends_left, of_come & of_go, of_come | of_go)
    # a street that ends inside has no corner
    return inwards | np.isnan(before.real)


def _stays_near(part: Any, start: Keys, stop: Keys) -> Flags:
    """Whether a few points of each line lie in an area or a hair beside it."""
    wider = shapely.buffer(part, HAIR_M, join_style="mitre")
    shapely.prepare(wider)
    near = np.ones(len(start), dtype=np.bool_)
    for share in SAMPLES:
        spot = start[near] + (stop[near] - start[near]) * share
        near[near] = shapely.intersects_xy(wider, spot.real, spot.imag)
    return near


def _cross(one: Keys, other: Keys) -> Floats:
    product: Floats = one.real * other.imag - one.imag * other.real
    return product
