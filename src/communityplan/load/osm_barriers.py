"""Gates, walls and the doors of buildings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from communityplan.errors import OptionError
from communityplan.load.osm_areas import lines, points_of
from communityplan.load.osm_data import Flags, Floats, Ints, Nodes, Tagged, Ways
from communityplan.load.osm_extract import Extract
from communityplan.load.osm_rules import Rules, decide, with_result
from communityplan.load.osm_squares import Notes
from communityplan.load.osm_values import (
    as_keys,
    coded,
    flags,
    hours,
    is_among,
    text,
    texts,
    values,
)

__all__ = ["read_doors", "read_gates", "read_walls", "wall_kinds"]

Shapes = NDArray[Any]
Keys = NDArray[np.complex128]

ON_BOUNDARY = "on_boundary"
"""A key that no file has: it tells the rules that an entrance lies on a wall or edge of land."""

NO_WALL = "passable"
"""Result of a rule that says that something is no wall after all."""


def wall_kinds(wanted: str | Collection[str], rules: Rules) -> frozenset[str]:
    """The kinds of walls that are wanted.

    Raises
    ------
    OptionError
        For a kind that no rule gives.
    """
    kinds = frozenset([wanted] if isinstance(wanted, str) else wanted)
    known = {rule.result for rule in rules["walls"]} - {NO_WALL}
    if kinds - known:
        unknown = ", ".join(sorted(map(str, kinds - known)))
        raise OptionError(f"no walls of kind {unknown}; known are {', '.join(sorted(known))}")
    return kinds


def read_walls(town: Extract, *, kinds: Collection[str]) -> tuple[gpd.GeoDataFrame, Notes]:
    """Walls of the kinds that are asked for.

    Parameters
    ----------
    town : Extract
        Its rules ``walls`` are used; their results are the kinds.
    kinds : collection of str
        The kinds to read.

    Returns
    -------
    tuple of (GeoDataFrame, Counter)
        Columns as `tables.WALLS`, and ``osm_id``, ``rule``.
    """
    notes: Notes = Counter()
    ways = town.ways
    rules = town.rules["walls"]
    judged = decide(rules, ways.tags)
    asked = np.isin(judged, with_result(rules, kinds))
    for row, number in Counter(judged[(judged >= 0) & ~asked].tolist()).items():
        notes["left out", rules[row].id] += number
    pieces = np.flatnonzero(asked[ways.way])
    rows = ways.way[pieces]
    osm_id = [f"w{number}" for number in ways.ids[rows].tolist()]
    count = Counter(osm_id)
    seen: Counter[str] = Counter()
    keys = []
    for each in osm_id:
        seen[each] += 1
        keys.append(f"{each}-{seen[each]}" if count[each] > 1 else each)
    columns = {
        "wall_id": text(keys),
        "kind": coded([rule.result for rule in rules], judged[rows]),
        "osm_id": text(osm_id),
        "rule": coded([rule.id for rule in rules], judged[rows]),
    }
    return gpd.GeoDataFrame(columns, geometry=lines(ways, pieces), crs=town.crs), notes


def read_gates(
    town: Extract, *, streets: gpd.GeoDataFrame, land: Shapes
) -> tuple[gpd.GeoDataFrame, Notes]:
    """Gates and other barriers, each with who may pass and the rule that says so.

    Parameters
    ----------
    town : Extract
        Its rules ``gates`` and ``walls`` are used.
    streets : GeoDataFrame
        As `read_streets` gives it.
    land : array of Polygon
        Residential land [m]: an entrance on its edge is a gate.

    Returns
    -------
    tuple of (GeoDataFrame, Counter)
        Columns as `tables.GATES` (``who`` is missing where the tags do not tell), and ``kind``,
        ``hours``, ``hours_understood``, ``name``, ``on_street``, ``on_wall``, ``osm_id``,
        ``rule``.
    """
    notes: Notes = Counter()
    nodes, ways, rules = town.nodes, town.ways, town.rules["gates"]
    solid = _wall_points(ways, town.rules)
    told = _told_boundaries(nodes, np.union1d(solid, _vertices(land)))
    judged = decide(rules, told)
    rows = np.flatnonzero(judged >= 0)
    drawn, drawn_rule = _gates_drawn_as_lines(ways, town.rules)
    tags = Tagged.joined([nodes.tags.take(rows), ways.tags.take(drawn)])
    rule = np.concatenate([judged[rows], drawn_rule])
    osm_id = [f"n{number}" for number in nodes.ids[rows].tolist()]
    osm_id += [f"w{number}" for number in ways.ids[drawn].tolist()]
    spots = [_where_crossed(ways, way, streets) for way in drawn.tolist()]
    xy = np.concatenate([nodes.xy[rows], np.array(spots, dtype=np.float64).reshape(-1, 2)])
    times = [hours(each) for each in tags.kinds]
    who = [None if each.result == "unknown" else each.result for each in rules]
    columns = {
        "gate_id": text(osm_id),
        "kind": texts(tags, "barrier", "entrance"),
        "who": coded(who, rule),
        "open_from": coded((each[0] for each in times), tags.kind),
        "open_until": coded((each[1] for each in times), tags.kind),
        "wait_s": np.full(len(osm_id), np.nan),
        "hours": coded((each[2] for each in times), tags.kind),
        "hours_understood": np.array([each[3] for each in times], dtype=np.bool_)[tags.kind],
        "name": texts(tags, "name", "name:zh"),
        "on_street": _on_lines(as_keys(xy), streets),
        "on_wall": is_among(as_keys(xy), solid),
        "osm_id": text(osm_id),
        "rule": coded([each.id for each in rules], rule),
    }
    table = gpd.GeoDataFrame(columns, geometry=shapely.points(xy), crs=town.crs)
    ignored = np.isin(rule, with_result(rules, {"ignored"}))
    notes["left out", "not_for_people_on_foot"] += int(ignored.sum())
    table = table[~ignored].reset_index(drop=True)
    not_understood = int((~table["hours_understood"]).sum())
    notes["noted", "hours_not_understood"] += not_understood
    notes["noted", "on_no_street"] += int((~table["on_street"]).sum())
    return table, notes


def read_doors(nodes: Nodes, buildings: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Entrances (``entrance=*``), and the building on whose outline each one is.

    Parameters
    ----------
    nodes : Nodes
        Projected [m].
    buildings : GeoDataFrame
        As `read_buildings` gives it.

    Returns
    -------
    GeoDataFrame
        ``osm_id``, ``kind``, ``building_osm_id`` (missing for one on no building), Point.
    """
    rows = np.flatnonzero(flags(nodes.tags, "entrance"))
    keys = as_keys(nodes.xy[rows])
    outline, building = shapely.get_coordinates(buildings.geometry.to_numpy(), return_index=True)
    corner = as_keys(outline)
    on = np.flatnonzero(is_among(corner, np.unique(keys)))[::-1]
    # a door on the outline of two buildings is given to the first
    owner = dict(zip(corner[on].tolist(), building[on].tolist(), strict=True))
    number = buildings["osm_id"].tolist()
    columns = {
        "osm_id": text(f"n{number}" for number in nodes.ids[rows].tolist()),
        "kind": texts(nodes.tags.take(rows), "entrance"),
        "building_osm_id": text(
            number[owner[key]] if key in owner else None for key in keys.tolist()
        ),
    }
    return gpd.GeoDataFrame(columns, geometry=shapely.points(nodes.xy[rows]), crs=buildings.crs)


def _gates_drawn_as_lines(ways: Ways, rules: Rules) -> tuple[Ints, Ints]:
    """Rows of ways that are gates and no walls, and the rule that says so."""
    wall, gate = decide(rules["walls"], ways.tags), decide(rules["gates"], ways.tags)
    ignored = np.isin(gate, with_result(rules["gates"], {"ignored"}))
    rows = np.flatnonzero((gate >= 0) & (wall < 0) & ~ignored)
    return rows, gate[rows]


def _where_crossed(ways: Ways, way: int, streets: gpd.GeoDataFrame) -> Floats:
    """Where a street crosses a gate that is drawn as a line; its middle where none does."""
    piece = int(np.searchsorted(ways.way, way))
    corners = ways.xy[ways.start[piece] : ways.start[piece + 1]]
    line = shapely.linestrings(corners)
    near = streets.sindex.query(line, predicate="intersects")
    if len(near) == 0:
        return np.asarray(corners[(len(corners) - 1) // 2], dtype=np.float64)
    shared = np.isin(as_keys(corners), _vertices(streets.geometry.to_numpy()[near]))
    if shared.any():
        return np.asarray(corners[shared][0], dtype=np.float64)
    met = shapely.intersection(line, streets.geometry.to_numpy()[near[0]])
    return np.asarray(shapely.get_coordinates(met)[0], dtype=np.float64)


def _told_boundaries(nodes: Nodes, boundary: Keys) -> Tagged:
    """Tags of nodes, with a mark on entrances that lie on a wall or on the edge of land."""
    entrance = values(nodes.tags, lambda each: "entrance" in each, np.bool_)
    rows = np.flatnonzero(entrance)
    rows = rows[is_among(as_keys(nodes.xy[rows]), boundary)]
    some = nodes.tags.take(rows)
    marked = [{**tags, ON_BOUNDARY: "yes"} for tags in some.kinds]
    kind = nodes.tags.kind.copy()
    kind[rows] = some.kind + len(nodes.tags.kinds)
    return Tagged([*nodes.tags.kinds, *marked], kind)


def _on_lines(spots: Keys, streets: gpd.GeoDataFrame) -> Flags:
    """Which points are vertices of any street."""
    known = np.unique(spots)
    corners = _vertices(streets.geometry.to_numpy())
    met = np.unique(corners[is_among(corners, known)])
    return is_among(spots, met)


def _vertices(shapes: Shapes) -> Keys:
    return as_keys(shapely.get_coordinates(shapes))


def _wall_points(ways: Ways, rules: Rules) -> Keys:
    """Points of everything that is a wall of any kind, asked for or not; sorted."""
    judged = decide(rules["walls"], ways.tags)
    solid = (judged >= 0) & ~np.isin(judged, with_result(rules["walls"], {NO_WALL}))
    points, _ = points_of(ways, np.flatnonzero(solid[ways.way]))
    return np.unique(as_keys(ways.xy[points]))
