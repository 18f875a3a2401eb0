"""Places that offer a service: nodes, closed ways and multipolygons by their tags and names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from communityplan.load.osm_areas import polygons
from communityplan.load.osm_extract import Extract
from communityplan.load.osm_file import Tags, Ways
from communityplan.load.osm_rules import Rule, decide
from communityplan.load.osm_squares import Notes
from communityplan.load.osm_values import metres, name_of, once_each, text, texts

__all__ = ["read_places"]


@dataclass(frozen=True)
class _Found:
    osm_id: str
    service: str
    rule: Rule
    tags: Tags
    shape: Any


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
        place
        for service, ordered in _by_service(town.rules["services"]).items()
        for place in _places(town, service, ordered, notes)
    ]
    table = _table(found, town.crs)
    return _merged(table, notes), notes


def _by_service(rules: Sequence[Rule]) -> dict[str, list[Rule]]:
    services: dict[str, list[Rule]] = {}
    for rule in rules:
        services.setdefault(rule.result, []).append(rule)
    return services


def _places(town: Extract, service: str, rules: Sequence[Rule], notes: Notes) -> Iterable[_Found]:
    nodes, ways, relations, areas = town.nodes, town.ways, town.relations, town.areas
    for row, rule in enumerate(decide(rules, nodes.tags)):
        if rule is not None:
            shape = shapely.Point(nodes.xy[row])
            yield _Found(f"n{nodes.ids[row]}", service, rule, nodes.tags[row], shape)
    judged = decide(rules, ways.tags)
    rows = np.array([row for row, rule in enumerate(judged) if rule is not None], dtype=np.int64)
    for row, area in zip(rows.tolist(), polygons(ways, rows), strict=True):
        rule = judged[row]
        if rule is None:
            continue
        if area is None:
            notes["assumed", "open_way_as_point"] += 1
        shape = _middle(ways, row) if area is None else area
        yield _Found(f"w{ways.ids[row]}", service, rule, ways.tags[row], shape)
    for row, rule in enumerate(decide(rules, relations.tags)):
        if rule is None:
            continue
        if areas[row] is None:
            notes["left out", "does_not_close"] += 1
            continue
        yield _Found(f"r{relations.ids[row]}", service, rule, relations.tags[row], areas[row])


def _middle(ways: Ways, row: int) -> Any:
    """The middle point of the first piece of a way."""
    piece = int(np.searchsorted(ways.way, row))
    return shapely.Point(ways.xy[(ways.start[piece] + ways.start[piece + 1] - 1) // 2])


def _table(found: Sequence[_Found], crs: Any) -> gpd.GeoDataFrame:
    tags = [place.tags for place in found]
    shapes = np.empty(len(found), dtype=object)
    shapes[:] = [place.shape for place in found]
    columns = {
        "facility_id": text(f"{place.osm_id}-{place.service}" for place in found),
        "service": text(place.service for place in found),
        **name_of(tags),
        "capacity": np.array(once_each(tags, _capacity), dtype=np.float64),
        "opens": texts(tags, "opening_hours"),
        "osm_id": text(place.osm_id for place in found),
        "rule": text(place.rule.id for place in found),
        "verified": np.array([place.rule.verified for place in found], dtype=np.bool_),
    }
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
