"""Ways that people may walk, with what a walk along them costs more than its length."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from communityplan.load.osm_areas import lines
from communityplan.load.osm_extract import Extract
from communityplan.load.osm_file import Flags, Floats, Ints, Tags, Ways
from communityplan.load.osm_rules import Rule, Rules, decide
from communityplan.load.osm_squares import Drawn, Notes, draw_squares, find_squares
from communityplan.load.osm_values import flags, level, once_each, text, texts

__all__ = ["STEP_RISE_M", "read_streets"]

STEP_RISE_M = 0.175
"""Height of one step [m]: the limit of GB 50096 (from memory, not verified)."""

STEEPEST_WAY = 0.6
STEEPEST_STEPS = 2.0
"""A grade above these is taken for a slip of the pen, and not used."""

Shapes = NDArray[Any]


def read_streets(town: Extract) -> tuple[gpd.GeoDataFrame, Notes]:
    """Streets as lines, and what was left out or assumed.

    Parameters
    ----------
    town : Extract
        Its rules ``streets``, ``parts`` and ``squares`` are used.

    Returns
    -------
    tuple of (GeoDataFrame, Counter)
        Columns as `tables.STREETS`, and ``osm_id``, ``name``, ``rule``, ``part`` (way, outline or
        link), ``bridge``, ``tunnel``, ``layer``.
    """
    notes: Notes = Counter()
    ways, rules = town.ways, town.rules
    verdict = [_walkable(rule, notes) for rule in decide(rules["streets"], ways.tags)]
    judged = decide(rules["streets"], town.relations.tags)
    area_verdict = [
        _walkable(rule, notes) if area is not None else None
        for rule, area in zip(judged, town.areas, strict=True)
    ]
    squares = find_squares(town, verdict, area_verdict)
    use = np.array([rule is not None for rule in verdict], dtype=np.bool_)
    pieces = np.flatnonzero(use[ways.way])
    parts = [_ways(ways, pieces, verdict, set(squares.way.tolist()), notes)]
    parts += draw_squares(ways, pieces, squares, notes)
    return _table(parts, rules, town.crs), notes


def _table(parts: Sequence[Drawn], rules: Rules, crs: Any) -> gpd.GeoDataFrame:
    tags = [each for drawn in parts for each in drawn.tags]
    rule = [each for drawn in parts for each in drawn.rule]
    kind = [each.result if each is not None else "" for each in decide(rules["parts"], tags)]
    columns = {
        "osm_id": text(each for drawn in parts for each in drawn.osm_id),
        "kind": texts(tags, "highway", "railway", "public_transport", "man_made"),
        "name": texts(tags, "name", "name:zh"),
        "access": text(each.result for each in rule),
        "steps": np.array([each == "steps" for each in kind], dtype=np.bool_),
        "crossing": np.array([each == "crossing" for each in kind], dtype=np.bool_),
        "climb_m": np.concatenate([drawn.climb_m for drawn in parts]),
        "oneway_foot": np.concatenate([drawn.oneway for drawn in parts]),
        "bridge": flags(tags, "bridge"),
        "tunnel": flags(tags, "tunnel"),
        "layer": np.array(once_each(tags, level), dtype=np.int64),
        "part": text(each for drawn in parts for each in drawn.part),
        "rule": text(each.id for each in rule),
    }
    shapes = np.concatenate([drawn.shapes for drawn in parts])
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=crs)


def _walkable(rule: Rule | None, notes: Notes) -> Rule | None:
    if rule is not None and rule.result == "not_walkable":
        notes["left out", rule.id] += 1
        return None
    return rule


def _ways(
    ways: Ways, pieces: Ints, verdict: list[Rule | None], outlines: set[int], notes: Notes
) -> Drawn:
    rows = ways.way[pieces].tolist()
    tags = [ways.tags[row] for row in rows]
    shapes = lines(ways, pieces)
    share = _share_of_way(ways.way[pieces], shapely.length(shapes))
    climb = _climbs(tags, shapes, share, notes)
    one_way, turned = _directions(tags)
    shapes[turned] = shapely.reverse(shapes[turned])
    return Drawn(
        shapes,
        ["outline" if row in outlines else "way" for row in rows],
        [f"w{ways.ids[row]}" for row in rows],
        tags,
        [rule for rule in (verdict[row] for row in rows) if rule is not None],
        np.where(turned, -climb, climb),
        one_way,
    )


def _share_of_way(way: Ints, length_m: Floats) -> Floats:
    """What part of its way each piece is, by length; 1 for a way in one piece."""
    _, row = np.unique(way, return_inverse=True)
    total = np.bincount(row, weights=length_m)
    return length_m / total[row] if len(row) else length_m


def _climbs(tags: Sequence[Tags], shapes: Shapes, share: Floats, notes: Notes) -> Floats:
    climb = np.full(len(tags), np.nan)
    length_m = shapely.length(shapes)
    for row, each in enumerate(tags):
        if "step_count" in each or "incline" in each:
            climb[row] = _climb(each, float(length_m[row]), float(share[row]), notes)
    return climb


def _climb(tags: Tags, length_m: float, share: float, notes: Notes) -> float:
    """Height gained [m] by the number of steps, else by the grade; nan where neither tells it."""
    steps = tags.get("highway") == "steps"
    incline = tags.get("incline", "").strip().lower()
    grade = _grade(incline)
    count = tags.get("step_count", "")
    if steps and count.isdecimal() and 0 < int(count) <= 3000:
        down = incline == "down" or grade < 0
        if not incline:
            notes["assumed", "steps_without_incline"] += 1
        return int(count) * STEP_RISE_M * share * (-1.0 if down else 1.0)
    if math.isnan(grade):
        return math.nan
    if abs(grade) > (STEEPEST_STEPS if steps else STEEPEST_WAY):
        notes["left out", "incline_too_steep"] += 1
        return math.nan
    return grade * length_m


def _grade(incline: str) -> float:
    """Climb per metre: "8%", "-5.5 %", "6°" or "0"; nan for other texts."""
    number = incline.rstrip("%° ").replace(",", ".")
    try:
        value = float(number)
    except ValueError:
        return math.nan
    if not abs(value) < 1000:
        return math.nan
    if incline.endswith("°"):
        return math.tan(math.radians(value)) if abs(value) < 80 else math.nan
    if incline.endswith("%"):
        return value / 100
    return 0.0 if value == 0 else math.nan


def _directions(tags: Sequence[Tags]) -> tuple[Flags, Flags]:
    """Whether people may only walk one way, and whether that is against the way as drawn."""
    against = [
        each.get("oneway:foot") == "-1"
        or each.get("foot:forward") == "no"
        or each.get("conveying") == "backward"
        for each in tags
    ]
    along = [
        each.get("oneway:foot") == "yes"
        or each.get("foot:backward") == "no"
        or each.get("conveying") == "forward"
        for each in tags
    ]
    turned = np.array(against, dtype=np.bool_)
    return turned | np.array(along, dtype=np.bool_), turned
