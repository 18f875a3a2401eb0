"""Buildings with their floor area, and residential land."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from communityplan.load.osm_areas import outer_ways, polygons
from communityplan.load.osm_extract import Extract
from communityplan.load.osm_file import Flags, Floats, Tags
from communityplan.load.osm_rules import Rule, decide, rule_keys
from communityplan.load.osm_squares import Notes
from communityplan.load.osm_values import metres, name_of, once_each, storeys, text, texts
from communityplan.walker import STOREY_HEIGHT_M

__all__ = ["UNNAMED", "read_buildings", "read_communities"]

Shapes = NDArray[Any]

UNNAMED = "未命名 unnamed {}"
"""Name of residential land that has none; the braces stand for its number."""

ON_LAND = "on_residential_land"
"""A key that no file has: it tells the rules that a building stands on residential land."""


def read_communities(town: Extract) -> tuple[gpd.GeoDataFrame, Notes]:
    """Residential land, named or not.

    Parameters
    ----------
    town : Extract
        Its rules ``communities`` are used.

    Returns
    -------
    tuple of (GeoDataFrame, Counter)
        Columns as `tables.COMMUNITIES`, and ``named``, ``osm_id``, ``rule``.
    """
    notes: Notes = Counter()
    osm_id, tags, rule, shapes = _areal(town, town.rules["communities"], notes)
    yes = np.array([each.result == "yes" for each in rule], dtype=np.bool_)
    names = name_of(tags)
    given = names["name"].notna().to_numpy()
    name = [
        real if known else UNNAMED.format(number)
        for real, known, number in zip(names["name"], given, osm_id, strict=True)
    ]
    columns = {
        "community_id": text(osm_id),
        "name": text(name),
        "name_en": names["name_en"],
        "named": given,
        "osm_id": text(osm_id),
        "rule": text(each.id for each in rule),
    }
    table = gpd.GeoDataFrame(columns, geometry=shapes, crs=town.crs)
    return table[yes].reset_index(drop=True), notes


def read_buildings(
    town: Extract, *, land: Shapes, assumed_storeys: float
) -> tuple[gpd.GeoDataFrame, Notes]:
    """Buildings, whether people live in them, and their floor area.

    Parameters
    ----------
    town : Extract
        Its rules ``buildings`` are used.
    land : array of Polygon
        Residential land [m].
    assumed_storeys : float
        Storeys of a building whose tags and whose rule tell none [storeys].

    Returns
    -------
    tuple of (GeoDataFrame, Counter)
        ``osm_id``, ``building``, ``name``, ``name_en``, ``residential``, ``levels``,
        ``levels_from`` (tag, height, rule or default), ``levels_assumed``, ``height_m``,
        ``footprint_m2``, ``floor_area_m2``, ``rule``, ``geometry``.

    Notes
    -----
    Floor area is footprint times storeys. Storeys come from ``building:levels``, else from
    ``height`` over 2.8 m, else from the rule of the building, else they are `assumed_storeys`.
    """
    notes: Notes = Counter()
    osm_id, tags, rule, shapes = _areal(town, town.rules["buildings"], notes)
    if any(ON_LAND in rule_keys([each]) for each in town.rules["buildings"]):
        on_land = _stand_on(shapes, land)
        marked = once_each(tags, lambda each: {**each, ON_LAND: "yes"})
        told = [on if here else off for on, off, here in zip(marked, tags, on_land, strict=True)]
        judged = decide(town.rules["buildings"], told)
        rule = [new or old for new, old in zip(judged, rule, strict=True)]
    result = np.array([each.result for each in rule], dtype=object)
    height = np.array(once_each(tags, _height), dtype=np.float64)
    levels, told_by = _levels(tags, rule, height, assumed_storeys)
    footprint = shapely.area(shapes)
    columns = {
        "osm_id": text(osm_id),
        "building": texts(tags, "building"),
        **name_of(tags),
        "residential": result == "residential",
        "levels": levels,
        "levels_from": text(told_by),
        "levels_assumed": np.array([each != "tag" for each in told_by], dtype=np.bool_),
        "height_m": height,
        "footprint_m2": footprint,
        "floor_area_m2": footprint * levels,
        "rule": text(each.id for each in rule),
    }
    table = gpd.GeoDataFrame(columns, geometry=shapes, crs=town.crs)
    keep = result != "ignored"
    notes["left out", "ignored"] += int(np.count_nonzero(~keep))
    return table[keep].reset_index(drop=True), notes


def _areal(
    town: Extract, rules: Sequence[Rule], notes: Notes
) -> tuple[list[str], list[Tags], list[Rule], Shapes]:
    """Areas that a layer's rules name, those with ways before those of relations."""
    ways, relations, areas = town.ways, town.relations, town.areas
    judged, big = decide(rules, ways.tags), decide(rules, relations.tags)
    use = np.array([rule is not None for rule in big], dtype=np.bool_) & ~shapely.is_missing(areas)
    # an outline that is tagged like its relation is there once, as the relation
    twice = outer_ways(relations, use)
    rows = np.array([row for row, rule in enumerate(judged) if rule is not None], dtype=np.int64)
    again = np.isin(ways.ids[rows], twice)
    notes["merged", "outline_of_relation"] += int(again.sum())
    rows = rows[~again]
    shapes = polygons(ways, rows)
    closes = ~shapely.is_missing(shapes)
    notes["left out", "encloses_nothing"] += int(np.count_nonzero(~closes))
    rows, shapes = rows[closes], shapes[closes]
    whole = np.flatnonzero(use)
    lost = sum(rule is not None for rule in big) - len(whole)
    notes["left out", "does_not_close"] += lost
    osm_id = [f"w{ways.ids[row]}" for row in rows] + [f"r{relations.ids[row]}" for row in whole]
    tags = [ways.tags[row] for row in rows] + [relations.tags[row] for row in whole]
    rule = [judged[row] for row in rows] + [big[row] for row in whole]
    return osm_id, tags, [each for each in rule if each], np.concatenate([shapes, areas[whole]])


def _stand_on(shapes: Shapes, land: Shapes) -> Flags:
    on = np.zeros(len(shapes), dtype=np.bool_)
    tree = shapely.STRtree(shapely.point_on_surface(shapes))
    on[tree.query(land, predicate="intersects")[1]] = True
    return on


def _height(tags: Tags) -> float:
    value = metres(tags.get("height") or tags.get("building:height"))
    return value if 0 < value <= 1000 else float("nan")


def _levels(
    tags: list[Tags], rules: list[Rule], height: Floats, assumed: float
) -> tuple[Floats, list[str]]:
    """Storeys of each building, and what told them: the first that does."""
    tagged = once_each(tags, lambda each: storeys(each.get("building:levels")))
    by_rule = [rule.storeys or np.nan for rule in rules]
    by_height = np.maximum(np.round(height / STOREY_HEIGHT_M), 1.0)
    options = np.array([tagged, by_height, by_rule, np.full(len(tags), assumed)], dtype=np.float64)
    first = np.argmax(~np.isnan(options), axis=0)
    levels = options[first, np.arange(len(tags))]
    return levels, [("tag", "height", "rule", "default")[which] for which in first]
