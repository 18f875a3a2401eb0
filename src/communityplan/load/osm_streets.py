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
from communityplan.load.osm_data import Floats, Ints, Tagged, Tags, Ways
from communityplan.load.osm_extract import Extract
from communityplan.load.osm_rules import Rule, Rules, decide, with_result
from communityplan.load.osm_squares import Drawn, Notes, draw_squares, find_squares
from communityplan.load.osm_values import coded, flags, level, text, texts, values

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
    verdict = _walkable(rules["streets"], decide(rules["streets"], ways.tags), notes)
    judged = decide(rules["streets"], town.relations.tags)
    judged[shapely.is_missing(town.areas)] = -1
    area_verdict = _walkable(rules["streets"], judged, notes)
    squares = find_squares(town, verdict, area_verdict)
    pieces = np.flatnonzero((verdict >= 0)[ways.way])
    parts = [_ways(ways, pieces, verdict, squares.way, notes)]
    parts += draw_squares(ways, pieces, squares, notes)
    return _table(parts, rules, town.crs), notes


def _table(parts: Sequence[Drawn], rules: Rules, crs: Any) -> gpd.GeoDataFrame:
    tags = Tagged.joined([drawn.tags for drawn in parts])
    rule = np.concatenate([drawn.rule for drawn in parts])
    kind = decide(rules["parts"], tags)
    columns = {
        "osm_id": text(each for drawn in parts for each in drawn.osm_id),
        "kind": texts(tags, "highway", "railway", "public_transport", "man_made"),
        "name": texts(tags, "name", "name:zh"),
        "access": coded([each.result for each in rules["streets"]], rule),
        "steps": np.isin(kind, with_result(rules["parts"], {"steps"})),
        "crossing": np.isin(kind, with_result(rules["parts"], {"crossing"})),
        "climb_m": np.concatenate([drawn.climb_m for drawn in parts]),
        "oneway_foot": np.concatenate([drawn.oneway for drawn in parts]),
        "bridge": flags(tags, "bridge"),
        "tunnel": flags(tags, "tunnel"),
        "layer": values(tags, level, np.int64),
        "part": text(each for drawn in parts for each in drawn.part),
        "rule": coded([each.id for each in rules["streets"]], rule),
    }
    shapes = np.concatenate([drawn.shapes for drawn in parts])
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=crs)


def _walkable(rules: Sequence[Rule], judged: Ints, notes: Notes) -> Ints:
    """The rules that let people walk, -1 for those that do not, which are counted."""
    shut = np.isin(judged, with_result(rules, {"not_walkable"}))
    for row, count in Counter(judged[shut].tolist()).items():
        notes["left out", rules[row].id] += count
    return np.where(shut, -1, judged)


def _ways(ways: Ways, pieces: Ints, verdict: Ints, outlines: Ints, notes: Notes) -> Drawn:
    rows = ways.way[pieces]
    tags = ways.tags.take(rows)
    shapes = lines(ways, pieces)
    share = _share_of_way(rows, shapely.length(shapes))
    climb = _climbs(tags, shapes, share, notes)
    turned = values(tags, _against, np.bool_)
    shapes[turned] = shapely.reverse(shapes[turned])
    return Drawn(
        shapes,
        np.where(np.isin(rows, outlines), "outline", "way").tolist(),
        [f"w{number}" for number in ways.ids[rows].tolist()],
        tags,
        verdict[rows],
        np.where(turned, -climb, climb),
        turned | values(tags, _along, np.bool_),
    )


def _share_of_way(way: Ints, length_m: Floats) -> Floats:
    """What part of its way each piece is, by length; 1 for a way in one piece."""
    _, row = np.unique(way, return_inverse=True)
    total = np.bincount(row, weights=length_m)
    return length_m / total[row] if len(row) else length_m


def _climbs(tags: Tagged, shapes: Shapes, share: Floats, notes: Notes) -> Floats:
    climb = np.full(len(tags), np.nan)
    told = values(tags, lambda each: "step_count" in each or "incline" in each, np.bool_)
    for row in np.flatnonzero(told).tolist():
        climb[row] = _climb(tags[row], float(shapely.length(shapes[row])), float(share[row]), notes)
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


def _against(tags: Tags) -> bool:
    """Whether people may only walk against the way as drawn."""
    return (
        tags.get("oneway:foot") == "-1"
        or tags.get("foot:forward") == "no"
        or tags.get("conveying") == "backward"
    )


def _along(tags: Tags) -> bool:
    """Whether people may only walk along the way as drawn."""
    return (
        tags.get("oneway:foot") == "yes"
        or tags.get("foot:backward") == "no"
        or tags.get("conveying") == "forward"
    )
