"""Squares, platforms and other surfaces: their outlines, and links across them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from communityplan.load.osm_areas import outer_ways, points_of, polygons
from communityplan.load.osm_extract import Extract
from communityplan.load.osm_file import Flags, Floats, Ints, Tags, Ways
from communityplan.load.osm_links import joining_points, square_links
from communityplan.load.osm_rules import Rule, decide
from communityplan.load.osm_values import level

__all__ = ["Drawn", "Notes", "Squares", "draw_squares", "find_squares"]

Shapes = NDArray[Any]
Notes = Counter[tuple[str, str]]


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
    town: Extract, verdict: list[Rule | None], area_verdict: list[Rule | None]
) -> Squares:
    """Closed ways that the layer ``squares`` names, and walkable relations.

    Parameters
    ----------
    town : Extract
        Its rules ``squares`` are used.
    verdict, area_verdict : list of Rule or None
        The rule that lets people walk on each way and relation, None where they may not.
    """
    ways, relations, areas = town.ways, town.relations, town.areas
    judged = decide(town.rules["squares"], ways.tags)
    big = np.array([rule is not None for rule in area_verdict], dtype=np.bool_)
    # an outline that is tagged like its relation is no second square
    twice = set(outer_ways(relations, big & ~shapely.is_missing(areas)).tolist())
    rows = [
        row
        for row, rule in enumerate(judged)
        if rule is not None and rule.result == "yes" and verdict[row] and ways.closed[row]
        if ways.ids[row] not in twice
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
    notes["noted", "square_crossed"] += linked
    notes["noted", "square_too_many_joins"] += len(crowded)
    notes["noted", "square_without_joins"] += len(squares.shapes) - linked - len(crowded)
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
