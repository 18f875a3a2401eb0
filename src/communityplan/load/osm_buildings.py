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
from communityplan.load.osm_data import Flags, Floats, Ints, Tagged, Tags
from communityplan.load.osm_extract import Extract
from communityplan.load.osm_rules import Rule, decide, rule_keys, with_result
from communityplan.load.osm_squares import Notes
from communityplan.load.osm_values import coded, metres, name_of, storeys, text, texts, values
from communityplan.walker import STOREY_HEIGHT_M

__all__ = ["UNNAMED", "read_buildings", "read_communities"]

Shapes = NDArray[Any]

UNNAMED = "未命名 unnamed {}"
"""Name of residential land that has none; the braces stand for its number."""

LEVELS_FROM = ("tag", "height", "rule", "default")
"""What storeys are told by, the best first."""

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
    rules = town.rules["communities"]
    osm_id, tags, rule, shapes = _areal(town, rules, notes)
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
        "rule": coded([each.id for each in rules], rule),
    }
    table = gpd.GeoDataFrame(columns, geometry=shapes, crs=town.crs)
    yes = np.isin(rule, with_result(rules, {"yes"}))
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
    rules = town.rules["buildings"]
    osm_id, tags, rule, shapes = _areal(town, rules, notes)
    if ON_LAND in rule_keys(rules):
        rule = _judged_on_land(rules, tags, rule, _stand_on(shapes, land))
    ignored = np.isin(rule, with_result(rules, {"ignored"}))
    notes["left out", "ignored"] += int(np.count_nonzero(ignored))
    keep = np.flatnonzero(~ignored)
    tags, rule, shapes = tags.take(keep), rule[keep], shapes[keep]
    height = values(tags, _height)
    levels, told_by = _levels(tags, rules, rule, height, assumed_storeys)
    footprint = shapely.area(shapes)
    columns = {
        "osm_id": text([osm_id[row] for row in keep.tolist()]),
        "building": texts(tags, "building"),
        **name_of(tags),
        "residential": np.isin(rule, with_result(rules, {"residential"})),
        "levels": levels,
        "levels_from": coded(LEVELS_FROM, told_by),
        "levels_assumed": told_by > 0,
        "height_m": height,
        "footprint_m2": footprint,
        "floor_area_m2": footprint * levels,
        "rule": coded([each.id for each in rules], rule),
    }
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=town.crs), notes


def _areal(
    town: Extract, rules: Sequence[Rule], notes: Notes
) -> tuple[list[str], Tagged, Ints, Shapes]:
    """Areas that a layer's rules name, those with ways before those of relations."""
    ways, relations, areas = town.ways, town.relations, town.areas
    judged, big = decide(rules, ways.tags), decide(rules, relations.tags)
    use = (big >= 0) & ~shapely.is_missing(areas)
    # an outline that is tagged like its relation is there once, as the relation
    twice = outer_ways(relations, use)
    rows = np.flatnonzero(judged >= 0)
    again = np.isin(ways.ids[rows], twice)
    notes["merged", "outline_of_relation"] += int(again.sum())
    rows = rows[~again]
    shapes = polygons(ways, rows)
    closes = ~shapely.is_missing(shapes)
    notes["left out", "encloses_nothing"] += int(np.count_nonzero(~closes))
    rows, shapes = rows[closes], shapes[closes]
    whole = np.flatnonzero(use)
    notes["left out", "does_not_close"] += int(np.count_nonzero(big >= 0)) - len(whole)
    osm_id = [f"w{number}" for number in ways.ids[rows].tolist()]
    osm_id += [f"r{number}" for number in relations.ids[whole].tolist()]
    tags = Tagged.joined([ways.tags.take(rows), relations.tags.take(whole)])
    rule = np.concatenate([judged[rows], big[whole]])
    return osm_id, tags, rule, np.concatenate([shapes, areas[whole]])


def _judged_on_land(rules: Sequence[Rule], tags: Tagged, rule: Ints, on_land: Flags) -> Ints:
    """Rules of buildings when those on residential land are marked as such."""
    here = np.flatnonzero(on_land)
    some = tags.take(here)
    marked = Tagged([{**each, ON_LAND: "yes"} for each in some.kinds], some.kind)
    again = decide(rules, marked)
    judged = rule.copy()
    judged[here] = np.where(again >= 0, again, rule[here])
    return judged


def _stand_on(shapes: Shapes, land: Shapes) -> Flags:
    on = np.zeros(len(shapes), dtype=np.bool_)
    # a point inside is slow to find: only for buildings whose box touches that of some land
    near = np.unique(shapely.STRtree(shapes).query(shapely.envelope(land))[1])
    tree = shapely.STRtree(shapely.point_on_surface(shapes[near]))
    on[near[tree.query(land, predicate="intersects")[1]]] = True
    return on


def _height(tags: Tags) -> float:
    value = metres(tags.get("height") or tags.get("building:height"))
    return value if 0 < value <= 1000 else float("nan")


def _levels(
    tags: Tagged, rules: Sequence[Rule], rule: Ints, height: Floats, assumed: float
) -> tuple[Floats, Ints]:
    """Storeys of each building, and the position of what told them: the first that does."""
    tagged = values(tags, lambda each: storeys(each.get("building:levels")))
    by_rule = np.array([each.storeys or np.nan for each in rules], dtype=np.float64)[rule]
    by_height = np.maximum(np.round(height / STOREY_HEIGHT_M), 1.0)
    options = np.stack([tagged, by_height, by_rule, np.full(len(tags), assumed)])
    first = np.argmax(~np.isnan(options), axis=0)
    return options[first, np.arange(len(tags))], first
