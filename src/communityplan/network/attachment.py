"""Points and buildings -> where each joins the network.

A point joins at the nearest point *on* an edge its walker may use, by a straight way that crosses
no barrier. The way from the door to the street is part of every walk.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.errors import Problem, TableError
from communityplan.network import WalkNetwork
from communityplan.tables import record
from communityplan.walker import Walker

__all__ = ["Attachment", "attach", "attachment_table", "doors"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

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


def attach(
    network: WalkNetwork,
    shapes: Shapes,
    *,
    walker: Walker,
    owner: str = "",
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
    owner : str
        The community or group of private ways whose ways may be used besides those of everyone.
    base : Attachment, optional
        The same points joined with no owner, where that is known already.

    Returns
    -------
    Attachment
    """
    found = _nearest(network, shapes, _Usable.of(network, walker, "")) if base is None else base
    if not owner:
        return found
    own = _nearest(network, shapes, _Usable.of(network, walker, owner))
    nearer = np.nan_to_num(own.door_m, nan=np.inf) < np.nan_to_num(found.door_m, nan=np.inf)
    return Attachment(
        np.where(nearer, own.edge, found.edge),
        np.where(nearer, own.along, found.along),
        np.where(nearer, own.door_m, found.door_m),
        np.where(nearer, own.point, found.point),
    )


@dataclass(frozen=True)
class _Usable:
    """Edges of one owner (empty: everyone) that a walker may join, and their index."""

    rows: Ints
    tree: shapely.STRtree

    @classmethod
    def of(cls, network: WalkNetwork, walker: Walker, owner: str) -> _Usable:
        key = ("usable", walker.may_use_steps, owner)
        if key not in network.cache:
            edges = network.edges
            usable = (edges["access"] != "closed") & (edges["kind"] != "gate")
            usable &= edges["owner"] == owner
            if not walker.may_use_steps:
                usable &= ~edges["steps"]
            rows = np.flatnonzero(usable.to_numpy())
            network.cache[key] = cls(rows, shapely.STRtree(edges.geometry.to_numpy()[rows]))
        found: _Usable = network.cache[key]
        return found


def _nearest(network: WalkNetwork, shapes: Shapes, usable: _Usable) -> Attachment:
    edge = np.full(len(shapes), -1, dtype=np.int64)
    if len(usable.rows) and len(shapes):
        # of edges that are equally near the first row counts: they meet at the joining point
        point, near = usable.tree.query_nearest(
            shapes, max_distance=_reach_m(network), all_matches=True
        )
        order = np.lexsort((near, point))
        point, first = np.unique(point[order], return_index=True)
        edge[point] = usable.rows[near[order][first]]
        _avoid_barriers(network, shapes, usable, edge)
    return _measured(network, shapes, edge)


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
    candidate = usable.rows[near]
    ways = _connectors(network, shapes[barred[point]], candidate)
    free = ~_barred(network, ways)
    order = np.lexsort((candidate[free], shapely.length(ways[free]), point[free]))
    point, candidate = point[free][order], candidate[free][order]
    point, first = np.unique(point, return_index=True)
    edge[barred[point]] = candidate[first]


def _barred(network: WalkNetwork, ways: Shapes) -> NDArray[np.bool_]:
    """Whether a straight way crosses a wall, or goes in or out of an enclosed community."""
    barriers = network.barriers
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
    nearest_m: Floats = found.door_m.copy()
    lost = np.flatnonzero(found.edge < 0)
    usable = _Usable.of(network, walker, "")
    if len(lost) and len(usable.rows):
        _, near = usable.tree.query_nearest(shapes[lost], all_matches=False)
        lines = network.edges.geometry.to_numpy()[usable.rows[near]]
        nearest_m[lost] = np.asarray(shapely.distance(shapes[lost], lines))
    far = nearest_m > network.attach_within_m
    reason = np.where(found.edge >= 0, "", np.where(far, "far from every street", "behind a wall"))
    result = gpd.GeoDataFrame(
        {
            key: table[key].map(str).to_numpy(),
            "edge": found.edge,
            "along": found.along,
            "door_m": found.door_m,
            "nearest_m": nearest_m,
            "reason": pd.Series(reason, index=table.index, dtype="object").to_numpy(),
        },
        geometry=found.point,
        crs=network.crs,
        index=table.index,
    )
    return record(result, walker=walker.name, attach_within_m=network.attach_within_m)
