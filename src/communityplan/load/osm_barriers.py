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
from communityplan.load.osm_extract import Extract
from communityplan.load.osm_file import Floats, Nodes, Tags, Ways
from communityplan.load.osm_rules import Rule, Rules, decide
from communityplan.load.osm_squares import Notes
from communityplan.load.osm_values import as_keys, hours, text, texts

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
    judged = decide(town.rules["walls"], ways.tags)
    asked = np.array([rule is not None and rule.result in kinds for rule in judged], dtype=np.bool_)
    for rule in judged:
        if rule is not None and rule.result not in kinds:
            notes["left out", rule.id] += 1
    pieces = np.flatnonzero(asked[ways.way])
    rows = ways.way[pieces].tolist()
    deciding = [rule for rule in (judged[row] for row in rows) if rule is not None]
    count = Counter(rows)
    seen: Counter[int] = Counter()
    keys = []
    for row in rows:
        seen[row] += 1
        keys.append(f"w{ways.ids[row]}" + (f"-{seen[row]}" if count[row] > 1 else ""))
    columns = {
        "wall_id": text(keys),
        "kind": text(rule.result for rule in deciding),
        "osm_id": text(f"w{ways.ids[row]}" for row in rows),
        "rule": text(rule.id for rule in deciding),
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
    nodes, ways, rules = town.nodes, town.ways, town.rules
    solid = _wall_points(ways, rules)
    judged = decide(rules["gates"], _told_boundaries(nodes, np.union1d(solid, _vertices(land))))
    rows = [row for row, rule in enumerate(judged) if rule is not None]
    osm_id = [f"n{nodes.ids[row]}" for row in rows]
    tags = [nodes.tags[row] for row in rows]
    rule = [each for each in judged if each is not None]
    spots = [nodes.xy[row] for row in rows]
    for way, each in _gates_drawn_as_lines(ways, rules):
        osm_id.append(f"w{ways.ids[way]}")
        tags.append(ways.tags[way])
        rule.append(each)
        spots.append(_where_crossed(ways, way, streets))
    xy = np.array(spots, dtype=np.float64).reshape(-1, 2)
    times = [hours(each) for each in tags]
    columns = {
        "gate_id": text(osm_id),
        "kind": texts(tags, "barrier", "entrance"),
        "who": text(None if each.result == "unknown" else each.result for each in rule),
        "open_from": text(each[0] for each in times),
        "open_until": text(each[1] for each in times),
        "wait_s": np.full(len(osm_id), np.nan),
        "hours": text(each[2] for each in times),
        "hours_understood": np.array([each[3] for each in times], dtype=np.bool_),
        "name": texts(tags, "name", "name:zh"),
        "on_street": np.isin(as_keys(xy), _vertices(streets.geometry.to_numpy())),
        "on_wall": np.isin(as_keys(xy), solid),
        "osm_id": text(osm_id),
        "rule": text(each.id for each in rule),
    }
    table = gpd.GeoDataFrame(columns, geometry=shapely.points(xy), crs=town.crs)
    ignored = np.array([each.result == "ignored" for each in rule], dtype=np.bool_)
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
    rows = [row for row, tags in enumerate(nodes.tags) if tags.get("entrance", "no") != "no"]
    keys = as_keys(nodes.xy[rows])
    outline, building = shapely.get_coordinates(buildings.geometry.to_numpy(), return_index=True)
    corner = as_keys(outline)
    on = np.flatnonzero(np.isin(corner, keys))[::-1]
    # a door on the outline of two buildings is given to the first
    owner = dict(zip(corner[on].tolist(), building[on].tolist(), strict=True))
    number = buildings["osm_id"].tolist()
    columns = {
        "osm_id": text(f"n{nodes.ids[row]}" for row in rows),
        "kind": texts([nodes.tags[row] for row in rows], "entrance"),
        "building_osm_id": text(
            number[owner[key]] if key in owner else None for key in keys.tolist()
        ),
    }
    return gpd.GeoDataFrame(columns, geometry=shapely.points(nodes.xy[rows]), crs=buildings.crs)


def _gates_drawn_as_lines(ways: Ways, rules: Rules) -> list[tuple[int, Rule]]:
    walls = decide(rules["walls"], ways.tags)
    gates = decide(rules["gates"], ways.tags)
    return [
        (row, rule)
        for row, (wall, rule) in enumerate(zip(walls, gates, strict=True))
        if rule is not None and wall is None and rule.result != "ignored"
    ]


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


def _told_boundaries(nodes: Nodes, boundary: Keys) -> list[Tags]:
    """Tags of nodes, with a mark on entrances that lie on a wall or on the edge of land."""
    on = np.isin(as_keys(nodes.xy), boundary)
    return [
        {**tags, ON_BOUNDARY: "yes"} if lies and "entrance" in tags else tags
        for tags, lies in zip(nodes.tags, on.tolist(), strict=True)
    ]


def _vertices(shapes: Shapes) -> Keys:
    return as_keys(shapely.get_coordinates(shapes))


def _wall_points(ways: Ways, rules: Rules) -> Keys:
    """Points of everything that is a wall of any kind, asked for or not."""
    judged = decide(rules["walls"], ways.tags)
    solid = np.array(
        [rule is not None and rule.result != NO_WALL for rule in judged], dtype=np.bool_
    )
    points, _ = points_of(ways, np.flatnonzero(solid[ways.way]))
    return as_keys(ways.xy[points])
