"""Faults of a drawing: ends that stop short of a street, streets drawn twice, crossings not joined.

Edges are looked at as they are drawn, in metres, each pair once.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

__all__ = [
    "NO_GAP_WITHIN",
    "SAME_LINE_M",
    "SHARED_FROM_M",
    "find_crossings",
    "find_gaps",
    "find_overlaps",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Shapes = NDArray[np.object_]

SAME_POINT_M = 0.001
"""Closer than this is touching [m]."""

SAME_LINE_M = 0.01
"""Lines closer than this run on top of each other [m]."""

SHARED_FROM_M = 1.0
"""A shorter common stretch of two edges is no fault, unless it is a whole edge [m]."""

NO_GAP_WITHIN = 5.0
"""Where one can walk across a gap in so many times the greatest gap looked for, it is none: the
end of a short stub lies beside the street that it leaves."""


def find_gaps(
    nodes: gpd.GeoDataFrame,
    edges: gpd.GeoDataFrame,
    *,
    within_m: float,
    barriers: Shapes | None = None,
) -> gpd.GeoDataFrame:
    """Dead ends that stop short of another street.

    Parameters
    ----------
    nodes, edges : GeoDataFrame
        As in `WalkNetwork`: ``u``, ``v``, ``length_m``, ``kind``, ``access``, ``level``.
    within_m : float
        The greatest gap looked for [m].
    barriers : array of LineString, optional
        What stands between is no gap.

    Returns
    -------
    GeoDataFrame
        ``node`` (the dead end), ``edge`` (that ends there), ``other`` (edge nearby), ``length_m``
        (the gap), ``same_level`` and the line across; one row per dead end, its nearest street on
        the same level first.
    """
    open_ways = edges[(edges["access"] != "closed") & (edges["kind"] != "gate")]
    end, edge = _dead_ends(nodes, edges, open_ways)
    points = nodes.geometry.to_numpy()[end]
    lines = open_ways.geometry.to_numpy()
    rows = open_ways.index.to_numpy()
    near, found = shapely.STRtree(lines).query(points, predicate="dwithin", distance=within_m)
    other = rows[found]
    strange = other != edge[near]
    near, other = near[strange], other[strange]
    ways = np.asarray(shapely.shortest_line(points[near], edges.geometry.to_numpy()[other]))
    loops = _open_loops(edges, points, edge, within_m)
    near = np.concatenate([near, loops])
    other = np.concatenate([other, edge[loops]])
    ways = np.concatenate([ways, _loop_lines(edges, points[loops], edge[loops])])
    gaps = gpd.GeoDataFrame(
        {"node": end[near], "edge": edge[near], "other": other, "length_m": shapely.length(ways)},
        geometry=ways,
        crs=edges.crs,
    )
    level = edges["level"].to_numpy(dtype=object)
    gaps["same_level"] = level[gaps["edge"]] == level[gaps["other"]]
    gaps = gaps[~_behind(gaps.geometry.to_numpy(), barriers)]
    gaps = gaps[_walk_across_m(edges, gaps, limit_m=NO_GAP_WITHIN * within_m) == np.inf]
    order = ["node", "same_level", "length_m", "other"]
    gaps = gaps.sort_values(order, ascending=[True, False, True, True], kind="stable")
    gaps = gaps.drop_duplicates("node").reset_index(drop=True)
    return gaps[_seen_once(gaps, within_m)].reset_index(drop=True)


def find_overlaps(edges: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Pairs of edges that run on top of each other.

    Parameters
    ----------
    edges : GeoDataFrame

    Returns
    -------
    GeoDataFrame
        ``edge``, ``other`` (rows, the smaller first), ``length_m`` (of the common stretch),
        ``duplicate`` (whether the two are the same line, in either direction), and the line of
        `edge`.
    """
    drawn = _Segments.of(edges)
    first, second = drawn.pairs()
    shared_m = _shared_m(drawn, first, second)
    on_top = shared_m > 0
    pairs = pd.DataFrame(
        {
            "edge": np.minimum(drawn.edge[first], drawn.edge[second])[on_top],
            "other": np.maximum(drawn.edge[first], drawn.edge[second])[on_top],
            "length_m": shared_m[on_top],
        }
    )
    pairs = pairs.groupby(["edge", "other"])["length_m"].sum().reset_index()
    length_m = shapely.length(edges.geometry.to_numpy())
    a, b = length_m[pairs["edge"]], length_m[pairs["other"]]
    least = np.minimum(np.minimum(a, b) - SAME_LINE_M, SHARED_FROM_M)
    pairs["duplicate"] = pairs["length_m"] >= np.maximum(a, b) - 2 * SAME_LINE_M
    pairs = pairs[pairs["length_m"] >= np.maximum(least, SAME_LINE_M)]
    geometry = edges.geometry.to_numpy()[pairs["edge"]]
    return gpd.GeoDataFrame(pairs, geometry=geometry, crs=edges.crs).reset_index(drop=True)


def find_crossings(edges: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Places where two edges meet or cross and share no node.

    Parameters
    ----------
    edges : GeoDataFrame
        With ``level``.

    Returns
    -------
    GeoDataFrame
        ``edge``, ``other``, ``same_level`` (else one passes over the other) and the point.
    """
    drawn = _Segments.of(edges)
    first, second = drawn.pairs()
    meet = shapely.intersection(drawn.lines[first], drawn.lines[second])
    is_point = shapely.get_type_id(meet) == 0
    is_point &= ~shapely.is_empty(meet)
    points = meet[is_point]
    pair = np.stack([drawn.edge[first], drawn.edge[second]])[:, is_point]
    # an end that rounding left a hair beside the other street still touches it
    ends, owner = _end_points(edges)
    touched, toucher = shapely.STRtree(drawn.lines).query(
        ends, predicate="dwithin", distance=SAME_POINT_M
    )[::-1]
    touched, toucher_edge = drawn.edge[touched], owner[toucher]
    other = touched != toucher_edge
    pair = np.concatenate([pair, np.stack([touched, toucher_edge])[:, other]], axis=1)
    points = np.concatenate([points, ends[toucher[other]]])
    lines = edges.geometry.to_numpy()
    free = ~(_at_end(lines[pair[0]], points) & _at_end(lines[pair[1]], points))
    level = edges["level"].to_numpy(dtype=object)
    table = gpd.GeoDataFrame(
        {
            "edge": pair.min(axis=0)[free],
            "other": pair.max(axis=0)[free],
            "same_level": (level[pair[0]] == level[pair[1]])[free],
        },
        geometry=points[free],
        crs=edges.crs,
    )
    xy = np.round(shapely.get_coordinates(table.geometry.to_numpy()) / SAME_LINE_M)
    once = table.assign(x=xy[:, 0], y=xy[:, 1]).drop_duplicates(["edge", "other", "x", "y"])
    once = once.sort_values(["edge", "other", "x", "y"], ignore_index=True)
    return once.drop(columns=["x", "y"])


@dataclass(frozen=True)
class _Segments:
    """The straight pieces of every edge."""

    edge: Ints
    start: Floats
    stop: Floats
    lines: Shapes

    @classmethod
    def of(cls, edges: gpd.GeoDataFrame) -> _Segments:
        walked = _drawn(edges)
        xy, edge = shapely.get_coordinates(edges.geometry.to_numpy()[walked], return_index=True)
        inner = edge[1:] == edge[:-1]
        start, stop = xy[:-1][inner], xy[1:][inner]
        lines: Shapes = np.asarray(shapely.linestrings(np.stack([start, stop], axis=1)))
        return cls(walked[edge[:-1][inner]].astype(np.int64), start, stop, lines)

    def pairs(self) -> tuple[Ints, Ints]:
        """Pieces of different edges that touch, each pair once."""
        tree = shapely.STRtree(self.lines)
        a, b = tree.query(self.lines, predicate="dwithin", distance=SAME_LINE_M)
        once = (a < b) & (self.edge[a] != self.edge[b])
        return a[once], b[once]


def _drawn(edges: gpd.GeoDataFrame) -> Ints:
    """Rows of edges that somebody drew; the straight links across a square are made by rule."""
    drawn = shapely.length(edges.geometry.to_numpy()) > 0
    if "part" in edges.columns:
        drawn &= (edges["part"] != "link").to_numpy()
    return np.flatnonzero(drawn)


def _shared_m(drawn: _Segments, first: Ints, second: Ints) -> Floats:
    """Length on which two pieces run on top of each other, 0 where they do not."""
    length = np.hypot(*(drawn.stop - drawn.start).T)
    # measured along the longer piece: a short one has no direction to speak of
    longer = length[first] >= length[second]
    base, rider = np.where(longer, first, second), np.where(longer, second, first)
    along = (drawn.stop[base] - drawn.start[base]) / length[base][:, None]
    ends = [drawn.start[rider] - drawn.start[base], drawn.stop[rider] - drawn.start[base]]
    s = np.stack([(end * along).sum(axis=1) for end in ends])
    off = np.stack([end[:, 1] * along[:, 0] - end[:, 0] * along[:, 1] for end in ends])
    low, high = np.clip(np.sort(s, axis=0), 0.0, length[base])
    run = s[1] - s[0]
    slant = (off[1] - off[0]) / np.where(run == 0, np.inf, run)
    away = [np.abs(off[0] + slant * (place - s[0])) for place in (low, high)]
    on_top = (np.abs(run) > 0) & (np.maximum(*away) <= SAME_LINE_M)
    return np.where(on_top, high - low, 0.0)


def _end_points(edges: gpd.GeoDataFrame) -> tuple[Shapes, Ints]:
    rows = _drawn(edges)
    lines = edges.geometry.to_numpy()[rows]
    ends = np.concatenate([shapely.get_point(lines, 0), shapely.get_point(lines, -1)])
    return np.asarray(ends, dtype=object), np.concatenate([rows, rows])


def _at_end(lines: Shapes, points: Shapes) -> Flags:
    near = [shapely.distance(shapely.get_point(lines, n), points) <= SAME_POINT_M for n in (0, -1)]
    return np.asarray(near[0] | near[1], dtype=np.bool_)


def _dead_ends(
    nodes: gpd.GeoDataFrame, edges: pd.DataFrame, open_ways: pd.DataFrame
) -> tuple[Ints, Ints]:
    """Nodes with one way and nothing else at their place, and that way."""
    xy = shapely.get_coordinates(nodes.geometry.to_numpy())
    _, place, nodes_there = np.unique(xy, axis=0, return_inverse=True, return_counts=True)
    ends = np.concatenate([edges["u"].to_numpy(), edges["v"].to_numpy()])
    ways = np.bincount(ends, minlength=len(nodes))
    alone = (ways == 1) & (nodes_there[place.ravel()] == 1)
    node = np.concatenate([open_ways["u"].to_numpy(), open_ways["v"].to_numpy()])
    edge = np.concatenate([open_ways.index.to_numpy()] * 2)
    dead = alone[node]
    order = np.argsort(node[dead], kind="stable")
    return node[dead][order], edge[dead][order]


def _open_loops(edges: gpd.GeoDataFrame, points: Shapes, edge: Ints, within_m: float) -> Ints:
    """Dead ends whose own street comes back to them."""
    lines = edges.geometry.to_numpy()[edge]
    round_m = shapely.length(lines)
    gap_m = shapely.distance(shapely.get_point(lines, 0), shapely.get_point(lines, -1))
    is_loop = (gap_m > 0) & (gap_m <= within_m) & (round_m > NO_GAP_WITHIN * within_m)
    return np.flatnonzero(is_loop)


def _loop_lines(edges: gpd.GeoDataFrame, points: Shapes, edge: Ints) -> Shapes:
    lines = edges.geometry.to_numpy()[edge]
    first, last = shapely.get_point(lines, 0), shapely.get_point(lines, -1)
    far = np.where(shapely.distance(first, points) > shapely.distance(last, points), first, last)
    return np.asarray(shapely.shortest_line(points, far), dtype=object)


def _behind(ways: Shapes, barriers: Shapes | None) -> Flags:
    barred = np.zeros(len(ways), dtype=np.bool_)
    if barriers is not None and len(barriers) and len(ways):
        barred[shapely.STRtree(barriers).query(ways, predicate="intersects")[0]] = True
    return barred


def _seen_once(gaps: gpd.GeoDataFrame, within_m: float) -> Flags:
    """Two dead ends that face each other are one gap."""
    kept: dict[tuple[int, int], list[int]] = {}
    shapes = gaps.geometry.to_numpy()
    for row, (edge, other) in enumerate(zip(gaps["edge"], gaps["other"], strict=True)):
        same = kept.setdefault((min(edge, other), max(edge, other)), [])
        if not same or shapely.distance(shapes[row], shapes[same]).min() > within_m:
            same.append(row)
    first = np.zeros(len(gaps), dtype=np.bool_)
    first[[row for rows in kept.values() for row in rows]] = True
    return first


def _walk_across_m(edges: gpd.GeoDataFrame, gaps: gpd.GeoDataFrame, *, limit_m: float) -> Floats:
    """Way along the streets from a dead end to the other side of its gap; inf beyond a limit."""
    import networkx as nx

    graph = nx.Graph()
    near = edges["access"] != "closed"
    for u, v, length_m in edges.loc[near, ["u", "v", "length_m"]].itertuples(index=False):
        shorter = min(length_m, graph.edges[u, v]["m"]) if graph.has_edge(u, v) else length_m
        graph.add_edge(u, v, m=shorter)
    far_side = shapely.get_point(gaps.geometry.to_numpy(), -1)
    others = edges.loc[gaps["other"]]
    along = shapely.line_locate_point(others.geometry.to_numpy(), far_side)
    found = np.full(len(gaps), np.inf)
    facts = zip(gaps["node"], others["u"], others["v"], along, others["length_m"], strict=True)
    for row, (node, u, v, at_m, whole_m) in enumerate(facts):
        reached = nx.single_source_dijkstra_path_length(graph, node, cutoff=limit_m, weight="m")
        way_m = min(reached.get(u, np.inf) + at_m, reached.get(v, np.inf) + whole_m - at_m)
        found[row] = way_m if way_m <= limit_m else np.inf
    return found
