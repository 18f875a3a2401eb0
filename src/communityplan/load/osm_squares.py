"""Squares, platforms and other surfaces: their outlines, and links across them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from communityplan.load.osm_areas import outer_ways, points_of, polygons
from communityplan.load.osm_data import Flags, Floats, Ints, Tagged, Ways
from communityplan.load.osm_extract import Extract
from communityplan.load.osm_links import joining_points, square_links
from communityplan.load.osm_rules import decide, with_result
from communityplan.load.osm_values import level, values

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
    osm_id, tags, rule
        The object, its tags and the position of the rule that let people walk there.
    climb_m : array of float
        Height gained from the first to the last point [m], nan where not known.
    oneway : array of bool
        Whether people only walk from the first to the last point.
    """

    shapes: Shapes
    part: list[str]
    osm_id: list[str]
    tags: Tagged
    rule: Ints
    climb_m: Floats
    oneway: Flags


@dataclass(frozen=True)
class Squares:
    """Areas to walk across; `way` is the row of the outline, -1 for a relation."""

    shapes: Shapes
    osm_id: list[str]
    tags: Tagged
    rule: Ints
    way: Ints


def find_squares(town: Extract, verdict: Ints, area_verdict: Ints) -> Squares:
    """Closed ways that the layer ``squares`` names, and walkable relations.

    Parameters
    ----------
    town : Extract
        Its rules ``squares`` are used.
    verdict, area_verdict : array of int
        The rule that lets people walk on each way and relation, -1 where they may not.
    """
    ways, relations, areas = town.ways, town.relations, town.areas
    yes = with_result(town.rules["squares"], {"yes"})
    judged = decide(town.rules["squares"], ways.tags)
    there = (area_verdict >= 0) & ~shapely.is_missing(areas)
    # an outline that is tagged like its relation is no second square
    twice = np.isin(ways.ids, outer_ways(relations, there))
    rows = np.flatnonzero(np.isin(judged, yes) & (verdict >= 0) & ways.closed & ~twice)
    shapes = polygons(ways, rows)
    closes = ~shapely.is_missing(shapes)
    rows, whole = rows[closes], np.flatnonzero(there)
    return Squares(
        np.concatenate([shapes[closes], areas[whole]]),
        [f"w{ways.ids[row]}" for row in rows] + [f"r{relations.ids[row]}" for row in whole],
        Tagged.joined([ways.tags.take(rows), relations.tags.take(whole)]),
        np.concatenate([verdict[rows], area_verdict[whole]]),
        np.concatenate([rows, np.full(len(whole), -1, dtype=np.int64)]),
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
    end_level = np.tile(values(ways.tags, level, np.int64)[ways.way[plain]], 2)
    square_level = values(squares.tags, level, np.int64)
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
        squares.tags.take(owner),
        squares.rule[owner],
        np.full(count, np.nan),
        np.zeros(count, dtype=np.bool_),
    )
