"""Reached streets and service areas: the exact parts of edges within a limit, and their outline.

An area is everything within a stated margin of a reached street. Areas of smaller limits lie in
those of larger ones, whatever other limits were asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan import _search
from communityplan._search import Ends
from communityplan.errors import OptionError
from communityplan.network import WalkNetwork
from communityplan.network.edges import connected
from communityplan.reach.ends import Places, ends_of, places, search_graph
from communityplan.standards import walker as find_walker
from communityplan.tables import record
from communityplan.walker import Walker

__all__ = ["reached_streets", "service_areas"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

STREET_MARGIN_M = 25.0
"""Doors within this distance of a reached street lie in the area, unless told otherwise [m]."""

CHUNK = 64
"""Points searched from at a time, to bound memory."""


@dataclass(frozen=True)
class _Intervals:
    """Shares of edges that are reached, one row each, `group` telling by which point."""

    group: Ints
    edge: Ints
    start: Floats
    stop: Floats


def reached_streets(
    network: WalkNetwork,
    points: gpd.GeoDataFrame,
    *,
    walker: Walker | str,
    within_min: float,
    direction: str = "there",
) -> gpd.GeoDataFrame:
    """The streets from which people reach a point within a limit, cut where the limit ends.

    Parameters
    ----------
    network : WalkNetwork
    points : GeoDataFrame
        Facilities or other points.
    walker : Walker or str
    within_min : float
        Limit for the whole walk, with the way from the point to its street [min].
    direction : {"there", "back"}
        From the streets to the point, or from the point to the streets.

    Returns
    -------
    GeoDataFrame
        One line per point and part of an edge: ``point_id``, ``edge``, ``length_m``. Streets of an
        enclosed community count as its own people walk them.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> import communityplan as cp
    >>> street = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (900, 0)])], crs=32650)
    >>> network = cp.WalkNetwork.from_streets(street)
    >>> shop = gpd.GeoDataFrame({"facility_id": ["f"]}, geometry=[shapely.Point(200, 0)], crs=32650)
    >>> slow = cp.Walker("slow", 1.0)
    >>> cp.reached_streets(network, shop, walker=slow, within_min=5)["length_m"].round(6).tolist()
    [500.0]
    """
    person = find_walker(walker)
    found = places(network, points, walker=person, where="points")
    limits_s = _limits([within_min])
    part = _reached(network, found, person, limits_s, direction)[limits_s[0]]
    lines = cut_lines(network.edges.geometry.to_numpy()[part.edge], part.start, part.stop)
    result = gpd.GeoDataFrame(
        {
            "point_id": found.ids[part.group],
            "edge": part.edge,
            "length_m": (part.stop - part.start) * network.edges["length_m"].to_numpy()[part.edge],
        },
        geometry=lines,
        crs=network.crs,
    )
    return record(result, walker=person.facts(), within_min=float(within_min), direction=direction)


def service_areas(
    network: WalkNetwork,
    facilities: gpd.GeoDataFrame,
    *,
    walker: Walker | str,
    minutes: Sequence[float] = (5, 10, 15),
    merge: bool = False,
    direction: str = "there",
    margin_m: float = STREET_MARGIN_M,
) -> gpd.GeoDataFrame:
    """The area from which people reach each facility within each limit.

    Parameters
    ----------
    network : WalkNetwork
    facilities : GeoDataFrame
        Points or areas.
    walker : Walker or str
    minutes : sequence of float
        Limits [min].
    merge : bool
        One area per limit for all facilities of a service (column ``service``) together.
    direction : {"there", "back"}
    margin_m : float
        Doors this near to a reached street lie in the area [m].

    Returns
    -------
    GeoDataFrame
        One row per facility (or service) and limit: ``facility_id`` (or ``service``, or none),
        ``within_min``, ``street_km`` reached, ``inside_share`` (share of the reached length that
        lies in the area) and ``false_share`` (share of the street length in the area that is
        beyond the limit); the geometry is a Polygon or MultiPolygon, empty where the facility
        joins no street.

    Notes
    -----
    The margin always takes in ends of streets beyond the limit and streets alongside reached
    ones; ``false_share`` says how much. For who is served use `coverage`, which asks every home.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> import communityplan as cp
    >>> street = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (900, 0)])], crs=32650)
    >>> network = cp.WalkNetwork.from_streets(street)
    >>> shop = gpd.GeoDataFrame({"facility_id": ["f"]}, geometry=[shapely.Point(0, 0)], crs=32650)
    >>> areas = cp.service_areas(network, shop, walker=cp.Walker("slow", 1.0), minutes=[5, 10])
    >>> areas[["facility_id", "within_min", "street_km"]]
      facility_id  within_min  street_km
    0           f         5.0        0.3
    1           f        10.0        0.6
    """
    person = find_walker(walker)
    found = places(network, facilities, walker=person, where="facilities")
    limits_s = _limits(minutes)
    if not (np.isfinite(margin_m) and margin_m > 0):
        raise OptionError(f"margin_m is {margin_m}: give metres above 0")
    label, names = _labels(found, merge)
    rows = []
    for limit_s, part in _reached(network, found, person, limits_s, direction).items():
        merged = _union(label[part.group], part.edge, part.start, part.stop)
        for number in np.unique(merged.group):
            rows.append(_area(network, merged, int(number), limit_s, margin_m))
    table = _area_table(network, rows, names, limits_s)
    table = table.rename(columns={"label": _label_column(found, merge)})
    return record(
        table if "" not in table.columns else table.drop(columns=""),
        walker=person.facts(),
        minutes=[float(limit) for limit in minutes],
        direction=direction,
        margin_m=float(margin_m),
        merge=merge,
    )


def _limits(minutes: Iterable[float]) -> list[float]:
    limits = sorted({float(limit) for limit in minutes})
    if not limits or not all(np.isfinite(limit) and limit >= 0 for limit in limits):
        raise OptionError(
            f"the limits are {limits}: give at least one number of minutes, 0 or more"
        )
    return [limit * 60.0 for limit in limits]


def _label_column(found: Places, merge: bool) -> str:
    if not merge:
        return "facility_id"
    return "service" if "service" in found.table.columns else ""


def _labels(found: Places, merge: bool) -> tuple[Ints, NDArray[np.object_]]:
    """Which area each facility belongs to, and the areas' names."""
    if not merge:
        return np.arange(len(found.ids)), found.ids
    if "service" not in found.table.columns:
        return np.zeros(len(found.ids), dtype=np.int64), np.array(["all"], dtype=object)
    label, names = pd.factorize(found.table["service"].map(str), sort=True)
    return np.asarray(label, dtype=np.int64), np.asarray(names, dtype=object)


def _reached(
    network: WalkNetwork, found: Places, walker: Walker, limits_s: list[float], direction: str
) -> dict[float, _Intervals]:
    """For every limit the reached shares of edges, by point."""
    if direction not in ("there", "back"):
        raise OptionError(f"direction is {direction!r}: give there or back")
    towards = direction == "there"
    parts: dict[float, list[_Intervals]] = {limit_s: [] for limit_s in limits_s}
    for first in range(0, len(found.ids), CHUNK):
        rows = np.arange(first, min(first + CHUNK, len(found.ids)))
        # from a point backwards along the walks that lead to it, or forwards along those from it
        ends, _, _ = ends_of(network, found, rows, walker=walker, owner="", outward=not towards)
        near = _node_seconds(network, ends, walker, max(limits_s), towards)
        for limit_s in limits_s:
            part = _intervals(network, walker, ends, near, limit_s=limit_s, towards=towards)
            parts[limit_s].append(_Intervals(rows[part.group], part.edge, part.start, part.stop))
    return {limit_s: _joined(chunks) for limit_s, chunks in parts.items()}


def _joined(chunks: list[_Intervals]) -> _Intervals:
    none = np.zeros(0, dtype=np.int64)
    return _Intervals(
        np.concatenate([none, *(chunk.group for chunk in chunks)]),
        np.concatenate([none, *(chunk.edge for chunk in chunks)]),
        np.concatenate([none.astype(np.float64), *(chunk.start for chunk in chunks)]),
        np.concatenate([none.astype(np.float64), *(chunk.stop for chunk in chunks)]),
    )


def _node_seconds(
    network: WalkNetwork, ends: Ends, walker: Walker, limit_s: float, towards: bool
) -> tuple[Ints, Ints, Floats]:
    """Seconds between each point and every node in reach.

    Streets behind a residents' gate count as their own people walk them: they are searched with
    that gate open.
    """
    graph = search_graph(network, walker)
    public, pockets = _public_parts(network)
    tables = []
    for code in range(len(network.owners) + 1):
        allowed = np.full(len(ends), code)
        offsets, node, seconds = _search.balls(
            graph, ends, limit_s=limit_s, reverse=towards, allowed=allowed
        )
        group = np.repeat(np.arange(len(ends)), np.diff(offsets))
        if code:
            home = np.where(ends.edge >= 0, public[graph.tail[ends.edge]], -1)
            pocket = (public[node] != home[group]) & np.isin(public[node], pockets[code - 1])
            group, node, seconds = group[pocket], node[pocket], seconds[pocket]
        tables.append(pd.DataFrame({"group": group, "node": node, "seconds": seconds}))
    best = pd.concat(tables).groupby(["group", "node"], sort=True)["seconds"].min().reset_index()
    return best["group"].to_numpy(), best["node"].to_numpy(np.int64), best["seconds"].to_numpy()


def _public_parts(network: WalkNetwork) -> tuple[Ints, list[Ints]]:
    """Connected parts of what everyone may walk, and those that lie behind each owner's gates."""
    if "public parts" not in network.cache:
        edges = network.edges[network.edges["access"] != "closed"]
        everyone = edges[edges["owner"] == ""]
        part = connected(len(network.nodes), everyone)
        length_m = np.bincount(
            part[everyone["u"].to_numpy()], everyone["length_m"].to_numpy(), part.max(initial=0) + 1
        )
        outside = int(length_m.argmax())
        pockets = []
        for owner in network.owners:
            ends = edges.loc[edges["owner"] == owner, ["u", "v"]].to_numpy().ravel()
            pockets.append(np.setdiff1d(part[ends], [outside]))
        network.cache["public parts"] = (part, pockets)
    found: tuple[Ints, list[Ints]] = network.cache["public parts"]
    return found


def _intervals(
    network: WalkNetwork,
    walker: Walker,
    ends: Ends,
    reached: tuple[Ints, Ints, Floats],
    *,
    limit_s: float,
    towards: bool,
) -> _Intervals:
    """Reached shares of edges: from both nodes, and on the point's own edge."""
    forward, backward = network.seconds(walker)
    from_u, from_v = (backward, forward) if towards else (forward, backward)
    group, node, seconds = reached
    left_s = limit_s - seconds
    near = left_s >= 0
    group, node, left_s = group[near], node[near], left_s[near]
    at_u, at_v = _incidence(network)
    pick_u, edge_u = _spread(node, *at_u)
    pick_v, edge_v = _spread(node, *at_v)
    share_u = _share(left_s[pick_u], from_u[edge_u])
    share_v = _share(left_s[pick_v], from_v[edge_v])
    own, edge_o, start_o, stop_o = _own_edge(ends, forward, backward, limit_s, towards)
    return _union(
        np.concatenate([group[pick_u], group[pick_v], own]),
        np.concatenate([edge_u, edge_v, edge_o]),
        np.concatenate([np.zeros(len(edge_u)), 1.0 - share_v, start_o]),
        np.concatenate([share_u, np.ones(len(edge_v)), stop_o]),
    )


def _incidence(network: WalkNetwork) -> tuple[tuple[Ints, Ints], tuple[Ints, Ints]]:
    """Edges by the node at their first point, and by the one at their last (offsets, edges)."""
    if "incidence" not in network.cache:
        walked = np.flatnonzero((network.edges["kind"] != "gate").to_numpy())
        found = []
        for end in ("u", "v"):
            node = network.edges[end].to_numpy()[walked]
            order = np.argsort(node, kind="stable")
            counts = np.bincount(node, minlength=len(network.nodes))
            found.append((np.concatenate([[0], np.cumsum(counts)]), walked[order]))
        network.cache["incidence"] = tuple(found)
    both: tuple[tuple[Ints, Ints], tuple[Ints, Ints]] = network.cache["incidence"]
    return both


def _spread(node: Ints, offsets: Ints, edges: Ints) -> tuple[Ints, Ints]:
    """Every edge at every node: position of the node, and the edge."""
    count = offsets[node + 1] - offsets[node]
    pick = np.repeat(np.arange(len(node)), count)
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return pick, edges[offsets[node][pick] + within]


def _share(left_s: Floats, whole_s: Floats) -> Floats:
    """Share of an edge that the seconds left allow."""
    safe = np.where(whole_s > 0, whole_s, 1.0)
    return np.where(whole_s > 0, np.clip(left_s / safe, 0.0, 1.0), 1.0)


def _own_edge(
    ends: Ends, forward: Floats, backward: Floats, limit_s: float, towards: bool
) -> tuple[Ints, Ints, Floats, Floats]:
    """What is reached directly along the edge a point lies on."""
    left_s = limit_s - ends.extra_s
    own = np.flatnonzero((ends.edge >= 0) & (left_s >= 0))
    ahead, behind = forward[ends.edge[own]], backward[ends.edge[own]]
    before, after = (ahead, behind) if towards else (behind, ahead)
    start = np.maximum(ends.along[own] - _share(left_s[own], before), 0.0)
    stop = np.minimum(ends.along[own] + _share(left_s[own], after), 1.0)
    return own, ends.edge[own], start, stop


def _union(group: Ints, edge: Ints, start: Floats, stop: Floats) -> _Intervals:
    """Join overlapping shares of the same edge and group."""
    order = np.lexsort((start, edge, group))
    group, edge, start, stop = group[order], edge[order], start[order], stop[order]
    if not len(group):
        return _Intervals(group, edge, start, stop)
    new_edge = np.ones(len(group), dtype=bool)
    new_edge[1:] = (np.diff(group) != 0) | (np.diff(edge) != 0)
    farthest = pd.Series(stop).groupby(np.cumsum(new_edge)).cummax().to_numpy()
    opens = new_edge.copy()
    opens[1:] |= start[1:] > farthest[:-1]
    first = np.flatnonzero(opens)
    return _Intervals(group[first], edge[first], start[first], np.maximum.reduceat(stop, first))


def cut_lines(lines: Shapes, start: Floats, stop: Floats) -> Shapes:
    """The parts of lines between two shares of their length, vectorised.

    Parameters
    ----------
    lines : array of LineString
    start, stop : array of float
        Shares of the length, 0 to 1, `start` not above `stop`.

    Returns
    -------
    array of LineString

    Examples
    --------
    >>> import numpy as np, shapely
    >>> from communityplan.reach.areas import cut_lines
    >>> line = shapely.LineString([(0, 0), (10, 0), (10, 10)])
    >>> print(cut_lines(np.array([line]), np.array([0.25]), np.array([0.75]))[0])
    LINESTRING (5 0, 10 0, 10 5)
    """
    whole = (start <= 0) & (stop >= 1)
    cut = np.flatnonzero(~whole)
    result = np.array(lines, dtype=object)
    if not len(cut):
        return result
    parts = lines[cut]
    xy, row = shapely.get_coordinates(parts, return_index=True)
    step = np.hypot(*np.diff(xy, axis=0, prepend=xy[:1]).T)
    step[np.flatnonzero(np.diff(row, prepend=-1) != 0)] = 0.0
    walked = np.cumsum(step)
    base = walked[np.searchsorted(row, np.arange(len(cut)))]
    share = (walked - base[row]) / shapely.length(parts)[row]
    inner = (share > start[cut][row]) & (share < stop[cut][row])
    ends = [
        shapely.get_coordinates(shapely.line_interpolate_point(parts, at, normalized=True))
        for at in (start[cut], stop[cut])
    ]
    number = np.arange(len(cut))
    all_xy = np.concatenate([ends[0], xy[inner], ends[1]])
    all_row = np.concatenate([number, row[inner], number])
    all_share = np.concatenate([start[cut] - 1.0, share[inner], stop[cut] + 1.0])
    order = np.lexsort((all_share, all_row))
    result[cut] = shapely.linestrings(all_xy[order], indices=all_row[order])
    return result


def _area(
    network: WalkNetwork, part: _Intervals, number: int, limit_s: float, margin_m: float
) -> tuple[int, float, float, float, float, object]:
    """One area with its quality, measured on the streets."""
    rows = part.group == number
    edge, start, stop = part.edge[rows], part.start[rows], part.stop[rows]
    lines = cut_lines(network.edges.geometry.to_numpy()[edge], start, stop)
    area = _outline(lines, margin_m)
    reached_m = float(shapely.length(lines).sum())
    shapely.prepare(area)
    inside_m = _length_inside(lines, area)
    near = network.edges.sindex.query(area, predicate="intersects")
    near = near[(network.edges["kind"].to_numpy()[near] != "gate")]
    all_m = _length_inside(network.edges.geometry.to_numpy()[near], area)
    inside_share = inside_m / reached_m if reached_m > 0 else 1.0
    false_share = max(all_m - inside_m, 0.0) / all_m if all_m > 0 else 0.0
    return number, limit_s, reached_m / 1000.0, inside_share, false_share, area


def _outline(lines: Shapes, margin_m: float) -> shapely.Geometry:
    """Everything within the margin of the lines."""
    joined = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(lines)))
    return shapely.union_all(shapely.buffer(joined, margin_m, quad_segs=4))


def _length_inside(lines: Shapes, area: shapely.Geometry) -> float:
    within = shapely.contains_properly(area, lines)
    crossing = shapely.intersection(lines[~within], area)
    return float(shapely.length(lines[within]).sum() + shapely.length(crossing).sum())


def _area_table(
    network: WalkNetwork,
    rows: list[tuple[int, float, float, float, float, object]],
    names: NDArray[np.object_],
    limits_s: list[float],
) -> gpd.GeoDataFrame:
    """Every name with every limit; no street reached is an empty area."""
    columns = ["number", "limit_s", "street_km", "inside_share", "false_share", "geometry"]
    found = pd.DataFrame(rows, columns=columns)
    every = pd.MultiIndex.from_product(
        [range(len(names)), limits_s], names=["number", "limit_s"]
    ).to_frame(index=False)
    table = every.merge(found, on=["number", "limit_s"], how="left")
    shapes = np.array(
        [area if shapely.is_geometry(area) else shapely.Polygon() for area in table["geometry"]],
        dtype=object,
    )
    return gpd.GeoDataFrame(
        {
            "label": names[table["number"].to_numpy()],
            "within_min": table["limit_s"] / 60.0,
            "street_km": table["street_km"].fillna(0.0),
            "inside_share": table["inside_share"],
            "false_share": table["false_share"],
        },
        geometry=shapes,
        crs=network.crs,
    )
