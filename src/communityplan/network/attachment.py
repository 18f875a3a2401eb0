"""Points and buildings -> where each joins the network.

A point joins at the nearest point *on* an edge its walker may use, by a straight way that crosses
no barrier. The way from the door to the street is part of every walk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from communityplan.errors import Problem, TableError
from communityplan.network import WalkNetwork
from communityplan.network.edges import PRIVATE
from communityplan.tables import record
from communityplan.walker import Walker

__all__ = [
    "Attachment",
    "attach",
    "attachment_table",
    "doors",
    "owners_near",
    "private_ways",
    "why_not_attached",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

CLOSE_M = 20.0
"""Streets within this distance are looked for first [m]."""

HAIR_M = 0.01
"""The way to a street may touch a barrier with its ends: this much of them is not looked at [m]."""


@dataclass(frozen=True)
class Attachment:
    """Where P points join the network.

    Attributes
    ----------
    edge : array of int, shape (P,)
        Row of the edge, -1 where none may be used within reach.
    along : array of float, shape (P,)
        Share of the edge before the joining point, 0 at its node ``u`` and 1 at ``v``.
    door_m : array of float, shape (P,)
        Straight way between the point and the edge [m]; nan where not attached.
    point : array of Point, shape (P,)
        The joining point on the edge, None where not attached.
    """

    edge: Ints
    along: Floats
    door_m: Floats
    point: Shapes

    def take(self, rows: NDArray[Any]) -> Attachment:
        """Some of the points, by position or mask."""
        return Attachment(self.edge[rows], self.along[rows], self.door_m[rows], self.point[rows])


def attach(
    network: WalkNetwork,
    shapes: Shapes,
    *,
    walker: Walker,
    owner: NDArray[np.object_] | None = None,
    base: Attachment | None = None,
) -> Attachment:
    """Join points or areas to the nearest edge that a walker may use.

    Parameters
    ----------
    network : WalkNetwork
    shapes : array of Point, Polygon or MultiPolygon, shape (P,)
        In the coordinate system of the network; an area joins from its outline.
    walker : Walker
        Decides on steps.
    owner : array of str, shape (P,), optional
        The community or group of private ways whose ways each point may use besides those of
        everyone; empty for none.
    base : Attachment, optional
        The same points joined with no owner, where that is known already.

    Returns
    -------
    Attachment
    """
    found = base or _nearest(network, shapes, _Usable.of(network, walker, owned=False))
    if owner is None:
        return found
    return _with_own_ways(network, shapes, found, walker=walker, owner=owner)


def private_ways(
    network: WalkNetwork, shapes: Shapes, *, walker: Walker, base: Attachment
) -> NDArray[np.object_]:
    """The group of private ways that each point lies nearest to, empty where it is none.

    Parameters
    ----------
    network : WalkNetwork
    shapes : array of geometry, shape (P,)
    walker : Walker
    base : Attachment
        The points joined with no owner: private ways count only where they are nearer.

    Returns
    -------
    array of str, shape (P,)
    """
    whose = network.edges["owner"].to_numpy(dtype=object)
    groups = sorted({name for name in network.owners if name.startswith(PRIVATE)})
    nearest = np.full(len(shapes), "", dtype=object)
    point, edge = _own_candidates(network, shapes, base, walker)
    chosen = np.isin(whose[edge], groups)
    point, edge = _first_of_each(network, shapes, point[chosen], edge[chosen])
    nearest[point] = whose[edge]
    return nearest


def owners_near(
    network: WalkNetwork, shapes: Shapes, *, walker: Walker, base: Attachment
) -> set[str]:
    """Owners whose own ways are nearer to some of the points than the ways of everyone."""
    _, edge = _own_candidates(network, shapes, base, walker)
    return set(network.edges["owner"].to_numpy(dtype=object)[edge])


def _with_own_ways(
    network: WalkNetwork,
    shapes: Shapes,
    base: Attachment,
    *,
    walker: Walker,
    owner: NDArray[np.object_],
) -> Attachment:
    """Points whose own ways are nearer join those."""
    point, edge = _own_candidates(network, shapes, base, walker)
    own = network.edges["owner"].to_numpy(dtype=object)[edge] == owner[point]
    point, edge = _first_of_each(network, shapes, point[own], edge[own])
    if not len(point):
        return base
    chosen = base.edge.copy()
    chosen[point] = edge
    near = _measured(network, shapes[point], edge)
    along, door_m, joins = base.along.copy(), base.door_m.copy(), base.point.copy()
    along[point], door_m[point], joins[point] = near.along, near.door_m, near.point
    return Attachment(chosen, along, door_m, joins)


def _own_candidates(
    network: WalkNetwork, shapes: Shapes, base: Attachment, walker: Walker
) -> tuple[Ints, Ints]:
    """Points, and owned edges that are nearer to them than the edge they have joined."""
    owned = _Usable.of(network, walker, owned=True)
    none = np.zeros(0, dtype=np.int64)
    if not len(owned.rows) or not len(shapes):
        return none, none
    limit_m = np.where(np.isnan(base.door_m), _reach_m(network), base.door_m)
    point, near = owned.tree.query(shapes, predicate="dwithin", distance=limit_m)
    edge = owned.rows[near]
    distance_m = shapely.distance(shapes[point], network.edges.geometry.to_numpy()[edge])
    nearer = (distance_m < limit_m[point]) | np.isnan(base.door_m[point])
    return point[nearer].astype(np.int64), edge[nearer]


def _first_of_each(
    network: WalkNetwork, shapes: Shapes, point: Ints, edge: Ints
) -> tuple[Ints, Ints]:
    """The nearest edge of every point that a straight way leads to; of equals the first row."""
    ways = _connectors(network, shapes[point], edge)
    free = ~_barred(network, ways)
    point, edge, length_m = point[free], edge[free], shapely.length(ways[free])
    order = np.lexsort((edge, length_m, point))
    point, first = np.unique(point[order], return_index=True)
    return point, edge[order][first]


@dataclass(frozen=True)
class _Usable:
    """Edges that a walker may join, and their index: those of everyone, or the owned ones."""

    rows: Ints
    tree: shapely.STRtree

    @classmethod
    def of(cls, network: WalkNetwork, walker: Walker, *, owned: bool) -> _Usable:
        key = ("usable", walker.may_use_steps, owned)
        if key not in network.cache:
            edges = network.edges
            usable = (edges["access"] != "closed") & (edges["kind"] != "gate")
            usable &= (edges["owner"] != "") == owned
            if not walker.may_use_steps:
                usable &= ~edges["steps"]
            rows = np.flatnonzero(usable.to_numpy())
            network.cache[key] = cls(rows, shapely.STRtree(edges.geometry.to_numpy()[rows]))
        found: _Usable = network.cache[key]
        return found


def _nearest(network: WalkNetwork, shapes: Shapes, usable: _Usable) -> Attachment:
    edge = np.full(len(shapes), -1, dtype=np.int64)
    if len(usable.rows) and len(shapes):
        reach_m = _reach_m(network)
        # most points have a street close by, and looking around them is quicker than searching
        _choose_nearest(usable, edge, *_close_by(shapes, usable, min(CLOSE_M, reach_m)))
        far = np.flatnonzero(edge < 0)
        point, near = usable.tree.query_nearest(shapes[far], max_distance=reach_m, all_matches=True)
        _choose_nearest(usable, edge, far[point], near, np.zeros(len(point)))
        _avoid_barriers(network, shapes, usable, edge)
    return _measured(network, shapes, edge)


def _close_by(shapes: Shapes, usable: _Usable, within_m: float) -> tuple[Ints, Ints, Floats]:
    """Every edge within a distance of every point, and how far it is."""
    west, south, east, north = shapely.bounds(shapes).T
    around = shapely.box(west - within_m, south - within_m, east + within_m, north + within_m)
    point, near = usable.tree.query(around)
    distance_m = shapely.distance(shapes[point], usable.tree.geometries[near])
    close = distance_m <= within_m
    return point[close], near[close], distance_m[close]


def _choose_nearest(
    usable: _Usable, edge: Ints, point: Ints, near: Ints, distance_m: Floats
) -> None:
    """Give every point its nearest edge; of edges equally near, the first row."""
    order = np.lexsort((near, distance_m, point))
    point, first = np.unique(point[order], return_index=True)
    edge[point] = usable.rows[near[order][first]]


def _reach_m(network: WalkNetwork) -> float:
    # the tree takes only a distance above zero
    return max(network.attach_within_m, 1e-9)


def _connectors(network: WalkNetwork, shapes: Shapes, edge: Ints) -> Shapes:
    lines = network.edges.geometry.to_numpy()[edge]
    return np.asarray(shapely.shortest_line(shapes, lines), dtype=object)


def _avoid_barriers(network: WalkNetwork, shapes: Shapes, usable: _Usable, edge: Ints) -> None:
    """Give points whose way is barred the nearest edge with a free way, or none."""
    if not len(network.barriers.lines):
        return
    attached = np.flatnonzero(edge >= 0)
    barred = attached[_barred(network, _connectors(network, shapes[attached], edge[attached]))]
    edge[barred] = -1
    if not len(barred):
        return
    point, near = usable.tree.query(shapes[barred], predicate="dwithin", distance=_reach_m(network))
    found, chosen = _first_of_each(network, shapes, barred[point], usable.rows[near])
    edge[found] = chosen


def _barred(network: WalkNetwork, ways: Shapes) -> NDArray[np.bool_]:
    """Whether a straight way crosses a wall, or goes in or out of an enclosed community."""
    barriers = network.barriers
    if not len(ways) or not len(barriers.lines):
        return np.zeros(len(ways), dtype=bool)
    ends = shapely.get_coordinates(ways).reshape(-1, 2, 2)
    length_m = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
    hair = np.minimum(HAIR_M / np.where(length_m > 0, length_m, 1.0), 0.5)[:, None]
    start = ends[:, 0] + hair * (ends[:, 1] - ends[:, 0])
    stop = ends[:, 1] - hair * (ends[:, 1] - ends[:, 0])
    inner = shapely.linestrings(np.stack([start, stop], axis=1))
    barred = np.zeros(len(ways), dtype=bool)
    if "barrier tree" not in network.cache:
        network.cache["barrier tree"] = shapely.STRtree(barriers.lines)
    barred[network.cache["barrier tree"].query(inner, predicate="intersects")[0]] = True
    if len(barriers.compounds):
        # a street along the boundary is outside: from inside it cannot be joined
        for row, areas in _crossed_areas(network, ends).items():
            barred[row] |= bool(areas)
    return barred


def _crossed_areas(network: WalkNetwork, ends: Floats) -> dict[int, set[int]]:
    """Ways with one end strictly inside an enclosed community and the other not."""
    if "compound tree" not in network.cache:
        network.cache["compound tree"] = shapely.STRtree(network.barriers.compounds)
    tree = network.cache["compound tree"]
    crossed: dict[int, set[int]] = {}
    for end in (0, 1):
        row, area = tree.query(shapely.points(ends[:, end]), predicate="within")
        for one, other in zip(row.tolist(), area.tolist(), strict=True):
            crossed.setdefault(one, set()).symmetric_difference_update({other})
    return crossed


def _measured(network: WalkNetwork, shapes: Shapes, edge: Ints) -> Attachment:
    along = np.full(len(shapes), np.nan)
    door_m = np.full(len(shapes), np.nan)
    point = np.full(len(shapes), None, dtype=object)
    on = np.flatnonzero(edge >= 0)
    if len(on):
        ways = _connectors(network, shapes[on], edge[on])
        joins = shapely.get_point(ways, -1)
        lines = network.edges.geometry.to_numpy()[edge[on]]
        along[on] = shapely.line_locate_point(lines, joins, normalized=True)
        door_m[on] = shapely.length(ways)
        point[on] = joins
    return Attachment(edge, along, door_m, point)


def doors(table: gpd.GeoDataFrame, *, where: str) -> Shapes:
    """The door of every row where one is given, else its geometry.

    Parameters
    ----------
    table : GeoDataFrame
        With an optional column ``door``: points, or points in well-known text.
    where : str
        Name of the table, for messages.

    Returns
    -------
    array of geometry, shape (P,)

    Raises
    ------
    TableError
        Lists every door that cannot be read.
    """
    shapes = table.geometry.to_numpy().copy()
    if "door" not in table.columns:
        return np.asarray(shapes, dtype=object)
    given = table["door"].to_numpy(dtype=object)
    is_text = np.array([isinstance(cell, str) and bool(cell.strip()) for cell in given])
    is_shape = shapely.is_geometry(given)
    found: Shapes = np.array(
        [cell if shape else None for cell, shape in zip(given, is_shape, strict=True)], dtype=object
    )
    found[is_text] = shapely.from_wkt(given[is_text], on_invalid="ignore")
    wrong = (is_text | is_shape) & (shapely.get_type_id(found) != 0)
    if wrong.any():
        raise TableError(
            [
                Problem(f"{where}, row {row + 1}", f"door is {given[row]!r}", "Give POINT (x y)")
                for row in np.flatnonzero(wrong)
            ]
        )
    return np.asarray(np.where(is_text | is_shape, found, shapes), dtype=object)


def attachment_table(
    network: WalkNetwork, table: gpd.GeoDataFrame, *, walker: Walker, key: str
) -> gpd.GeoDataFrame:
    """How each row of a table joins the network.

    Parameters
    ----------
    network : WalkNetwork
    table : GeoDataFrame
        Homes, facilities or buildings.
    walker : Walker
    key : str
        Its key column.

    Returns
    -------
    GeoDataFrame
        One row per row of `table`, on its index: the key, ``edge``, ``along``, ``door_m``,
        ``nearest_m`` (distance to the nearest usable street, however far), ``reason`` (empty where
        attached) and the joining point.
    """
    shapes = doors(table, where=key)
    found = attach(network, shapes, walker=walker)
    nearest_m, reason = why_not_attached(network, shapes, found, walker=walker)
    result = gpd.GeoDataFrame(
        {
            key: table[key].map(str).to_numpy(),
            "edge": found.edge,
            "along": found.along,
            "door_m": found.door_m,
            "nearest_m": nearest_m,
            "reason": reason,
        },
        geometry=found.point,
        crs=network.crs,
        index=table.index,
    )
    return record(result, walker=walker.name, attach_within_m=network.attach_within_m)


def why_not_attached(
    network: WalkNetwork, shapes: Shapes, found: Attachment, *, walker: Walker
) -> tuple[Floats, NDArray[np.object_]]:
    """Distance to the nearest usable street, however far, and why a point has not joined it.

    Parameters
    ----------
    network : WalkNetwork
    shapes : array of geometry, shape (P,)
    found : Attachment
    walker : Walker

    Returns
    -------
    tuple of array of float and array of str
        Metres, and a reason that is empty where the point has joined.
    """
    nearest_m: Floats = found.door_m.copy()
    lost = np.flatnonzero(found.edge < 0)
    usable = _Usable.of(network, walker, owned=False)
    if len(lost) and len(usable.rows):
        point, near = usable.tree.query_nearest(shapes[lost], all_matches=False)
        lines = network.edges.geometry.to_numpy()[usable.rows[near]]
        nearest_m[lost[point]] = np.asarray(shapely.distance(shapes[lost[point]], lines))
    far = ~(nearest_m <= network.attach_within_m)
    reason = np.where(far, "far from every street", "behind a wall").astype(object)
    reason[found.edge >= 0] = ""
    return nearest_m, reason
