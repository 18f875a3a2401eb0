"""Points and buildings -> where each joins the network.

A point joins at the nearest point *on* an edge its walker may use, by a straight way that crosses
no barrier. The way from the door to the street is part of every walk.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from communityplan.errors import Problem, TableError
from communityplan.network import WalkNetwork
from communityplan.network.barred import is_barred
from communityplan.network.edges import PRIVATE
from communityplan.network.near_edges import EdgeGrid
from communityplan.standards import walker as find_walker
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
    joint : array of Point, shape (P,), or of float, shape (P, 2)
        The joining point on the edge, None or nan where not attached.
    """

    edge: Ints
    along: Floats
    door_m: Floats
    joint: Shapes | Floats

    @cached_property
    def point(self) -> Shapes:
        """The joining points as geometry, None where not attached; made when asked for."""
        if self.joint.ndim == 1:
            return np.asarray(self.joint, dtype=object)
        found = np.full(len(self.edge), None, dtype=object)
        on = self.edge >= 0
        found[on] = shapely.points(self.joint[on])
        return found

    def take(self, rows: NDArray[Any]) -> Attachment:
        """Some of the points, by position or mask."""
        return Attachment(self.edge[rows], self.along[rows], self.door_m[rows], self.joint[rows])


def attach(
    network: WalkNetwork,
    shapes: Shapes,
    *,
    walker: Walker,
    owner: NDArray[np.object_] | None = None,
    base: Attachment | None = None,
    xy: Floats | None = None,
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
    xy : array of float, shape (P, 2), optional
        The coordinates, where all shapes are known to be points.

    Returns
    -------
    Attachment
    """
    found = base or _nearest(network, shapes, _Usable.of(network, walker, owned=False), xy)
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
    along, door_m, joint = base.along.copy(), base.door_m.copy(), base.joint.copy()
    along[point], door_m[point] = near.along, near.door_m
    joint[point] = near.joint if joint.ndim == 2 else near.point
    return Attachment(chosen, along, door_m, joint)


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
    free = ~is_barred(network, ways)
    point, edge, length_m = point[free], edge[free], shapely.length(ways[free])
    order = np.lexsort((edge, length_m, point))
    point, first = np.unique(point[order], return_index=True)
    return point, edge[order][first]


@dataclass(frozen=True, eq=False)
class _Usable:
    """Edges that a walker may join: those of everyone, or the owned ones."""

    rows: Ints
    lines: Shapes

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Their index for areas and walls."""
        return shapely.STRtree(self.lines)

    @cached_property
    def grid(self) -> EdgeGrid:
        """Their index for points."""
        return EdgeGrid.of(self.lines)

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
            network.cache[key] = cls(rows, edges.geometry.to_numpy()[rows])
        found: _Usable = network.cache[key]
        return found


def _nearest(
    network: WalkNetwork, shapes: Shapes, usable: _Usable, xy: Floats | None
) -> Attachment:
    if not len(usable.rows) or not len(shapes):
        return _nowhere(len(shapes))
    if xy is not None:
        found = _joined_points(network, xy, usable)
    else:
        found = _nowhere(len(shapes))
        is_point = shapely.get_type_id(shapes) == 0
        points, areas = np.flatnonzero(is_point), np.flatnonzero(~is_point)
        some = shapely.get_coordinates(shapes[points])
        _put(found, points, _joined_points(network, some, usable))
        _put(found, areas, _joined_areas(network, shapes[areas], usable))
    return _without_barred(network, shapes, usable, found)


def _nowhere(count: int) -> Attachment:
    missing = np.full(count, np.nan)
    joint = np.full((count, 2), np.nan)
    return Attachment(np.full(count, -1, dtype=np.int64), missing, missing.copy(), joint)


def _put(whole: Attachment, rows: Ints, part: Attachment) -> None:
    """Write what was found for some of the points."""
    whole.edge[rows], whole.along[rows], whole.door_m[rows] = part.edge, part.along, part.door_m
    whole.joint[rows] = part.joint


def _joined_points(network: WalkNetwork, xy: Floats, usable: _Usable) -> Attachment:
    near = usable.grid.joints(xy, _reach_m(network))
    edge = np.where(near.edge >= 0, usable.rows[near.edge], -1)
    return Attachment(edge, near.along, near.door_m, near.xy)


def _joined_areas(network: WalkNetwork, shapes: Shapes, usable: _Usable) -> Attachment:
    edge = np.full(len(shapes), -1, dtype=np.int64)
    point, near = usable.tree.query_nearest(
        shapes, max_distance=_reach_m(network), all_matches=True
    )
    # of edges equally near, the first row
    order = np.lexsort((near, point))
    point, first = np.unique(point[order], return_index=True)
    edge[point] = usable.rows[near[order][first]]
    return _measured(network, shapes, edge)


def _reach_m(network: WalkNetwork) -> float:
    # the tree takes only a distance above zero
    return max(network.attach_within_m, 1e-9)


def _connectors(network: WalkNetwork, shapes: Shapes, edge: Ints) -> Shapes:
    lines = network.edges.geometry.to_numpy()[edge]
    return np.asarray(shapely.shortest_line(shapes, lines), dtype=object)


def _without_barred(
    network: WalkNetwork, shapes: Shapes, usable: _Usable, found: Attachment
) -> Attachment:
    """Points whose way is barred join the nearest edge with a free way, or none."""
    if not len(network.barriers.lines):
        return found
    attached = np.flatnonzero(found.edge >= 0)
    ways = _connectors(network, shapes[attached], found.edge[attached])
    barred = attached[is_barred(network, ways)]
    if not len(barred):
        return found
    edge = np.full(len(shapes), -1, dtype=np.int64)
    point, near = usable.tree.query(shapes[barred], predicate="dwithin", distance=_reach_m(network))
    row, chosen = _first_of_each(network, shapes, barred[point], usable.rows[near])
    edge[row] = chosen
    _put(found, barred, _measured(network, shapes[barred], edge[barred]))
    return found


def _measured(network: WalkNetwork, shapes: Shapes, edge: Ints) -> Attachment:
    found = _nowhere(len(shapes))
    on = np.flatnonzero(edge >= 0)
    ways = _connectors(network, shapes[on], edge[on])
    joins = shapely.get_point(ways, -1)
    lines = network.edges.geometry.to_numpy()[edge[on]]
    along = shapely.line_locate_point(lines, joins, normalized=True)
    xy = shapely.get_coordinates(joins)
    _put(found, on, Attachment(edge[on], along, shapely.length(ways), xy))
    return found


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
    finite = np.isfinite(shapely.bounds(found)).all(axis=1)
    wrong = (is_text | is_shape) & ((shapely.get_type_id(found) != 0) | ~finite)
    wrong |= ~is_text & ~is_shape & table["door"].notna().to_numpy() & (given != "")
    if wrong.any():
        raise TableError(
            [
                Problem(f"{where}, row {row + 1}", f"door is {given[row]!r}", "Give POINT (x y)")
                for row in np.flatnonzero(wrong)
            ]
        )
    return np.asarray(np.where(is_text | is_shape, found, shapes), dtype=object)


def attachment_table(
    network: WalkNetwork, table: gpd.GeoDataFrame, *, walker: Walker | str, key: str
) -> gpd.GeoDataFrame:
    """How each row of a table joins the network.

    Parameters
    ----------
    network : WalkNetwork
    table : GeoDataFrame
        Homes, facilities or buildings.
    walker : Walker or str
    key : str
        Its key column.

    Returns
    -------
    GeoDataFrame
        One row per row of `table`, on its index: the key, ``edge``, ``along``, ``door_m``,
        ``nearest_m`` (distance to the nearest usable street, however far), ``reason`` (empty where
        attached) and the joining point.
    """
    if key not in table.columns:
        present = ", ".join(str(name) for name in table.columns)
        raise TableError([Problem("table", f"no column {key!r}", f"There are {present}")])
    person = find_walker(walker)
    shapes = doors(table, where=key)
    found = attach(network, shapes, walker=person)
    nearest_m, reason = why_not_attached(network, shapes, found, walker=person)
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
    return record(result, walker=person.name, attach_within_m=network.attach_within_m)


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
