"""Squares are crossed: straight links inside them between the points where streets join.

The links are those of a visibility graph: between joining points, and the corners that a shortest
walk can bend around, wherever the straight line stays inside the square. A walk across is then as
long as the shortest walk inside the area (de Berg et al., Computational Geometry, chapter 15).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from communityplan.load.osm_areas import points_of, polygons
from communityplan.load.osm_file import Flags, Floats, Ints, Relations, Tags, Ways
from communityplan.load.osm_rules import Rule, Rules, decide
from communityplan.load.osm_values import as_keys, level

__all__ = ["MOST_JOINS", "MOST_POINTS", "Drawn", "Notes", "Squares", "draw_squares", "find_squares"]

Shapes = NDArray[Any]
Keys = NDArray[np.complex128]
Notes = Counter[tuple[str, str]]

MOST_POINTS = 120
"""Joining points and corners of one square; of more corners the sharpest are taken."""

MOST_JOINS = 500
"""A square that more streets join than this keeps its outline only."""


@dataclass(frozen=True)
class Drawn:
    """Lines of the streets table, each with the object that it comes from.

    Attributes
    ----------
    shapes : array of LineString
        Projected [m].
    part : list of str
        ``way``, ``outline`` of a square, or ``link`` across one.
    osm_id, tags, rule : list
        The object, its tags and the rule that let people walk there.
    climb_m : array of float
        Height gained from the first to the last point [m], nan where not known.
    oneway : array of bool
        Whether people only walk from the first to the last point.
    """

    shapes: Shapes
    part: list[str]
    osm_id: list[str]
    tags: list[Tags]
    rule: list[Rule]
    climb_m: Floats
    oneway: Flags


@dataclass(frozen=True)
class Squares:
    """Areas to walk across; `way` is the row of the outline, -1 for a relation."""

    shapes: Shapes
    osm_id: list[str]
    tags: list[Tags]
    rule: list[Rule]
    way: Ints


def find_squares(
    ways: Ways,
    verdict: list[Rule | None],
    relations: Relations,
    area_verdict: list[Rule | None],
    *,
    areas: Shapes,
    rules: Rules,
) -> Squares:
    """Closed ways that the layer ``squares`` names, and walkable relations."""
    judged = decide(rules["squares"], ways.tags)
    rows = [
        row
        for row, rule in enumerate(judged)
        if rule is not None and rule.result == "yes" and verdict[row] and ways.closed[row]
    ]
    shapes = polygons(ways, np.array(rows, dtype=np.int64))
    found = [
        (shape, f"w{ways.ids[row]}", ways.tags[row], verdict[row], row)
        for shape, row in zip(shapes, rows, strict=True)
    ]
    found += [
        (shape, f"r{relations.ids[row]}", relations.tags[row], area_verdict[row], -1)
        for row, shape in enumerate(areas)
    ]
    known = [one for one in found if one[0] is not None and one[3] is not None]
    drawn = np.empty(len(known), dtype=object)
    drawn[:] = [one[0] for one in known]
    return Squares(
        drawn,
        [one[1] for one in known],
        [one[2] for one in known],
        [one[3] for one in known if one[3] is not None],
        np.array([one[4] for one in known], dtype=np.int64),
    )


def draw_squares(ways: Ways, pieces: Ints, squares: Squares, notes: Notes) -> list[Drawn]:
    """Outlines of squares that are relations, and links across all squares.

    Parameters
    ----------
    ways : Ways
        Projected [m].
    pieces : array of int
        The pieces of ways that people walk along, outlines of squares among them.
    squares : Squares
        As `find_squares` gives them.
    notes : Counter
        What was crossed and what was not is counted here.
    """
    if not len(squares.shapes):
        return []
    plain = pieces[~np.isin(ways.way[pieces], squares.way)]
    points, line = points_of(ways, plain)
    joins = joining_points(ways.xy[points], line, squares.shapes)
    last = ways.start[1:][plain] - 1
    ends = ways.xy[np.concatenate([ways.start[:-1][plain], last])]
    end_level = np.array([level(ways.tags[row]) for row in ways.way[plain]] * 2, dtype=np.int64)
    square_level = np.array([level(tags) for tags in squares.tags], dtype=np.int64)
    links, owner, crowded = square_links(squares.shapes, joins, ends, square_level, end_level)
    linked = len(np.unique(owner))
    notes["squares", "crossed by straight links"] += linked
    notes["squares", "outline only, joined by too many streets"] += len(crowded)
    notes["squares", "outline only, joined at fewer than two points"] += (
        len(squares.shapes) - linked - len(crowded)
    )
    parts, part_of = shapely.get_parts(squares.shapes, return_index=True)
    rings, ring_of = shapely.get_rings(parts, return_index=True)
    ring_owner = part_of[ring_of]
    relation = squares.way[ring_owner] < 0
    corners, ring = shapely.get_coordinates(rings[relation], return_index=True)
    outlines = shapely.linestrings(corners, indices=ring)
    return [
        _drawn(np.asarray(outlines, dtype=object), "outline", squares, ring_owner[relation]),
        _drawn(links, "link", squares, owner),
    ]


def _drawn(shapes: Shapes, part: str, squares: Squares, owner: Ints) -> Drawn:
    count = len(shapes)
    return Drawn(
        shapes,
        [part] * count,
        [squares.osm_id[row] for row in owner],
        [squares.tags[row] for row in owner],
        [squares.rule[row] for row in owner],
        np.full(count, np.nan),
        np.zeros(count, dtype=np.bool_),
    )


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
    ring = as_keys(corners)
    pairs = np.unique(np.column_stack([np.unique(ring, return_inverse=True)[1], square]), axis=0)
    touched = np.unique(ring)[np.bincount(pairs[:, 0]) > 1] if len(ring) else ring
    keys = as_keys(xy)
    on = np.isin(keys, ring)
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
    tree = shapely.STRtree(np.asarray(shapely.points(ends), dtype=object))
    inside, end = tree.query(squares, predicate="contains_properly")
    same = square_level[inside] == end_level[end]
    inside, end = inside[same], end[same]
    for row, square in enumerate(squares):
        for part in shapely.get_parts(square):
            within = ends[end[inside == row]]
            if len(within):
                within = within[shapely.covers(part, shapely.points(within))]
            links = _links_of(part, joins, np.unique(within, axis=0))
            if links is None:
                too_many.append(row)
            elif len(links):
                found.append(links)
                owner.append(np.full(len(links), row, dtype=np.int64))
    drawn = np.concatenate(found) if found else np.empty(0, dtype=object)
    owners = np.concatenate(owner) if owner else np.empty(0, dtype=np.int64)
    return drawn, owners, np.unique(np.array(too_many, dtype=np.int64))


def _links_of(part: Any, joins: Keys, within: Floats) -> Shapes | None:
    """Links of one polygon, None where too many streets join it."""
    nothing = np.empty(0, dtype=object)
    corner, before, after = _corners(part)
    joined = np.isin(as_keys(corner), joins)
    count = int(np.count_nonzero(joined)) + len(within)
    if count > MOST_JOINS:
        return None
    if count < 2:
        return nothing
    use = joined | _bends(corner, before, after, joined, MOST_POINTS - count)
    points = np.concatenate([corner[use], within])
    # a street that ends inside has no neighbours on the outline
    unknown = np.full_like(within, np.nan)
    before = np.concatenate([before[use], unknown])
    after = np.concatenate([after[use], unknown])
    free = np.concatenate([joined[use], np.ones(len(within), dtype=bool)])
    one, other = np.triu_indices(len(points), 1)
    edge = (after[one] == points[other]) | (before[one] == points[other])
    same = (points[one] == points[other]).all(axis=1)
    keep = ~edge.all(axis=1) & ~same
    keep &= free[one] | _taut(points[one], points[other], before[one], after[one])
    keep &= free[other] | _taut(points[other], points[one], before[other], after[other])
    if not keep.any():
        return nothing
    straight: Any = shapely.linestrings(np.stack([points[one[keep]], points[other[keep]]], axis=1))
    shapely.prepare(part)
    return np.asarray(straight[shapely.covers(part, straight)], dtype=object)


def _corners(part: Any) -> tuple[Floats, Floats, Floats]:
    """Corners of a polygon, the inside on the left, each with the one before and after it."""
    turned = shapely.orient_polygons(part)
    rings = [shapely.get_coordinates(ring)[:-1] for ring in shapely.get_rings(turned)]
    before = [np.roll(ring, 1, axis=0) for ring in rings]
    after = [np.roll(ring, -1, axis=0) for ring in rings]
    return np.concatenate(rings), np.concatenate(before), np.concatenate(after)


def _bends(corner: Floats, before: Floats, after: Floats, joined: Flags, most: int) -> Flags:
    """The corners that a shortest walk can bend around, of too many the sharpest."""
    come, go = corner - before, after - corner
    angle = np.arctan2(_cross(come, go), (come * go).sum(axis=1))
    bends: Flags = (angle < 0) & ~joined
    surplus = int(np.count_nonzero(bends)) - max(most, 0)
    if surplus > 0:
        flattest = np.argsort(np.where(bends, angle, -np.inf), kind="stable")[::-1]
        bends[flattest[:surplus]] = False
    return bends


def _taut(point: Floats, to: Floats, before: Floats, after: Floats) -> Flags:
    """Whether a walk along this line can bend at the point: both outline edges lie on one side."""
    line = to - point
    taut: Flags = _cross(line, before - point) * _cross(line, after - point) >= 0
    return taut


def _cross(one: Floats, other: Floats) -> Floats:
    product: Floats = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
    return product
