"""Places that offer a service: nodes, closed ways and multipolygons by their tags and names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from communityplan.load.osm_areas import polygons
from communityplan.load.osm_data import Floats, Ints, Tagged, Tags, Ways
from communityplan.load.osm_extract import Extract
from communityplan.load.osm_rules import Rule, decide
from communityplan.load.osm_squares import Notes
from communityplan.load.osm_values import metres, name_of, text, texts, values

__all__ = ["read_places"]

Shapes = NDArray[Any]


@dataclass(frozen=True)
class _Found:
    """Places of one service: the objects, their tags, shapes and rules."""

    service: str
    osm_id: list[str]
    tags: Tagged
    shapes: Shapes
    rules: Sequence[Rule]
    rule: Ints


def read_places(town: Extract) -> tuple[gpd.GeoDataFrame, Notes]:
    """One row for each place and service that it offers.

    Parameters
    ----------
    town : Extract
        Its rules ``services`` are used.

    Returns
    -------
    tuple of (GeoDataFrame, Counter)
        Columns as `tables.FACILITIES`, and ``osm_id``, ``rule``, ``verified``.
    """
    notes: Notes = Counter()
    found = [
        _places(town, service, ordered, notes)
        for service, ordered in _by_service(town.rules["services"]).items()
    ]
    table = _table(found, town.crs)
    return _merged(table, notes), notes


def _by_service(rules: Sequence[Rule]) -> dict[str, list[Rule]]:
    services: dict[str, list[Rule]] = {}
    for rule in rules:
        services.setdefault(rule.result, []).append(rule)
    return services


def _places(town: Extract, service: str, rules: Sequence[Rule], notes: Notes) -> _Found:
    nodes, ways, relations = town.nodes, town.ways, town.relations
    point, line, area = (decide(rules, part.tags) for part in (nodes, ways, relations))
    points, rows, whole = (np.flatnonzero(judged >= 0) for judged in (point, line, area))
    drawn = polygons(ways, rows)
    is_open = shapely.is_missing(drawn)
    notes["assumed", "open_way_as_point"] += int(np.count_nonzero(is_open))
    drawn[is_open] = shapely.points(_middles(ways, rows[is_open]))
    closes = ~shapely.is_missing(town.areas[whole])
    notes["left out", "does_not_close"] += int(np.count_nonzero(~closes))
    whole = whole[closes]
    osm_id = [f"n{number}" for number in nodes.ids[points].tolist()]
    osm_id += [f"w{number}" for number in ways.ids[rows].tolist()]
    osm_id += [f"r{number}" for number in relations.ids[whole].tolist()]
    parts = [nodes.tags.take(points), ways.tags.take(rows), relations.tags.take(whole)]
    shapes = [shapely.points(nodes.xy[points]), drawn, town.areas[whole]]
    rule = np.concatenate([point[points], line[rows], area[whole]])
    return _Found(service, osm_id, Tagged.joined(parts), np.concatenate(shapes), rules, rule)


def _middles(ways: Ways, rows: Ints) -> Floats:
    """The middle point of the first piece of some ways."""
    piece = np.searchsorted(ways.way, rows)
    middles: Floats = ways.xy[(ways.start[piece] + ways.start[piece + 1] - 1) // 2]
    return middles


def _table(found: Sequence[_Found], crs: Any) -> gpd.GeoDataFrame:
    tags = Tagged.joined([each.tags for each in found])
    rules = [each.rules[row] for each in found for row in each.rule.tolist()]
    osm_id = [number for each in found for number in each.osm_id]
    service = [each.service for each in found for _ in each.osm_id]
    columns = {
        "facility_id": text(map("{}-{}".format, osm_id, service)),
        "service": text(service),
        **name_of(tags),
        "capacity": values(tags, _capacity),
        "opens": texts(tags, "opening_hours"),
        "osm_id": text(osm_id),
        "rule": text(rule.id for rule in rules),
        "verified": np.array([rule.verified for rule in rules], dtype=np.bool_),
    }
    none = np.zeros(0, dtype=object)
    shapes = np.concatenate([none, *(each.shapes for each in found)])
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=crs)


def _capacity(tags: Tags) -> float:
    value = metres(tags.get("capacity"))
    return value if value > 0 else float("nan")


def _merged(table: gpd.GeoDataFrame, notes: Notes) -> gpd.GeoDataFrame:
    """Without places that lie in an area of the same service and of the same or no name."""
    shapes = table.geometry.to_numpy()
    size = shapely.area(shapes)
    areal = np.flatnonzero(size > 0)
    spot = shapely.point_on_surface(shapes)
    tree = shapely.STRtree(spot)
    position, inner = tree.query(shapes[areal], predicate="contains_properly")
    outer = areal[position]
    name = table["name"].fillna("").to_numpy(dtype=object)
    service = table["service"].to_numpy(dtype=object)
    smaller = (size[inner] < size[outer]) | ((size[inner] == size[outer]) & (inner > outer))
    same = (service[inner] == service[outer]) & ((name[inner] == name[outer]) | (name[inner] == ""))
    twice = np.unique(inner[smaller & same & (inner != outer)])
    if len(twice):
        notes["merged", "merged_with_area"] += len(twice)
    return table.drop(index=twice).reset_index(drop=True)
