"""Streets, walls and gates as lines and points -> nodes and edges.

Streets join where they share a vertex: lines that merely cross (a footbridge) do not. A barrier
cuts every street that passes it; a gate joins the sides again. An edge end at a barrier belongs to
the side its first ten centimetres lie on, so a street that only touches a wall is not cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.network.graph import clusters

__all__ = ["Barriers", "Noded", "node_streets"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

SAME_POINT_M = 0.001
"""Vertices closer than this are one point [m]."""

SIDE_PROBE_M = 0.1
"""How far along an edge its side of a barrier is read [m]."""


@dataclass(frozen=True)
class Barriers:
    """What cannot be walked through.

    Attributes
    ----------
    walls : array of LineString
        Open lines: walls, fences, railways.
    compounds : array of Polygon or MultiPolygon
        Enclosed communities; a street drawn along the boundary runs outside.
    """

    walls: Shapes
    compounds: Shapes

    @property
    def lines(self) -> Shapes:
        """Every line that cannot be crossed: the walls, then the boundaries."""
        return np.concatenate([self.walls, shapely.boundary(self.compounds)])


@dataclass(frozen=True)
class Noded:
    """Edges between nodes.

    Attributes
    ----------
    street : array of int, shape (E,)
        Row of the street each edge is a part of.
    geometry : array of LineString, shape (E,)
    tail, head : array of int, shape (E,)
        Node at the first and at the last point of the edge.
    node_xy : array of float, shape (N, 2)
        Coordinates of the nodes [m].
    passages : DataFrame
        One row per way through a gate: ``gate`` (row), ``tail``, ``head``, ``share`` of the wait.
    cuts : array of float, shape (C, 2)
        Where a barrier separates street ends and no gate joins them [m].
    gate_found : array of bool, shape (G,)
        Whether the gate lies on a street.
    """

    street: Ints
    geometry: Shapes
    tail: Ints
    head: Ints
    node_xy: Floats
    passages: pd.DataFrame
    cuts: Floats
    gate_found: NDArray[np.bool_]


@dataclass(frozen=True)
class _Vertices:
    """Every vertex of every street, in order along it."""

    line: Ints
    along: Floats
    xy: Floats
    mark: Ints  # -1 plain, else the row of the mark that put or found it


def node_streets(
    lines: Shapes,
    barriers: Barriers,
    gate_points: Shapes,
    *,
    gate_within_m: float,
    off_ground: NDArray[np.bool_] | None = None,
) -> Noded:
    """Split streets where they meet, where a barrier cuts them and where a gate stands on them.

    Parameters
    ----------
    lines : array of LineString, shape (S,)
        The streets, in metres, none of zero length.
    barriers : Barriers
        Walls and enclosed communities.
    gate_points : array of Point, shape (G,)
        The gates.
    gate_within_m : float
        A gate opens every cut within this distance, else it stands on the nearest street within it.
    off_ground : array of bool, shape (S,), optional
        Bridges and tunnels: no barrier cuts them.

    Returns
    -------
    Noded
    """
    cuttable = np.arange(len(lines)) if off_ground is None else np.flatnonzero(~off_ground)
    met, meets_along = _meet_barriers(lines[cuttable], barriers.lines)
    meets_line = cuttable[met]
    meets_xy = _interpolate(lines, meets_line, meets_along)
    gate_line, gate_along, gate_row, gate_meet = _place_gates(
        lines, gate_points, meets_xy, gate_within_m
    )
    marks = pd.DataFrame(
        {
            "line": np.concatenate([meets_line, gate_line]),
            "along": np.concatenate([meets_along, gate_along]),
        }
    )
    vertices = _vertices(lines, marks)
    key = _point_keys(vertices.xy)
    first, last = _edge_spans(vertices, key)
    geometry = _edge_lines(vertices.xy, first, last)
    end_key = np.concatenate([key[first], key[last]])

    # the gates at a point: those placed on a street, and those that open a cut there
    mark_key = _mark_keys(vertices, key, len(marks))
    gate_key = np.concatenate([mark_key[len(meets_line) :], mark_key[gate_meet[:, 0]]])
    gates_at = pd.DataFrame({"key": gate_key, "gate": np.concatenate([gate_row, gate_meet[:, 1]])})
    gates_at = gates_at.drop_duplicates().sort_values(["key", "gate"], ignore_index=True)
    barrier_keys = np.unique(mark_key[: len(meets_line)])

    side = _sides(geometry, end_key, barrier_keys, gates_at["key"].to_numpy(), barriers)
    node, passages, cut_keys = _split_nodes(end_key, side, gates_at)
    key_xy = np.zeros((key.max(initial=-1) + 1, 2))
    key_xy[key] = vertices.xy
    node_xy = _node_xy(node, end_key, passages, key_xy)
    gate_found = np.zeros(len(gate_points), dtype=bool)
    gate_found[gates_at["gate"].to_numpy(dtype=np.int64)] = True
    return Noded(
        street=vertices.line[first],
        geometry=geometry,
        tail=node[: len(first)],
        head=node[len(first) :],
        node_xy=node_xy,
        passages=passages.drop(columns="key"),
        cuts=key_xy[cut_keys],
        gate_found=gate_found,
    )


def _meet_barriers(lines: Shapes, barrier_lines: Shapes) -> tuple[Ints, Floats]:
    """Where streets meet barriers: the street's row and the distance along it."""
    if not len(barrier_lines) or not len(lines):
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    barrier, line = shapely.STRtree(lines).query(
        barrier_lines, predicate="dwithin", distance=SAME_POINT_M
    )
    crossing = shapely.intersection(lines[line], barrier_lines[barrier])
    xy, pair = shapely.get_coordinates(crossing, return_index=True)
    # a vertex that rounding left a hair beside the barrier still meets it
    vertex_xy, vertex_pair = shapely.get_coordinates(lines[line], return_index=True)
    likely = _in_boxes(vertex_xy, shapely.bounds(barrier_lines)[barrier[vertex_pair]])
    vertex_xy, vertex_pair = vertex_xy[likely], vertex_pair[likely]
    near = (
        shapely.distance(shapely.points(vertex_xy), barrier_lines[barrier[vertex_pair]])
        <= SAME_POINT_M
    )
    xy = np.concatenate([xy, vertex_xy[near]])
    met = line[np.concatenate([pair, vertex_pair[near]])].astype(np.int64)
    return met, shapely.line_locate_point(lines[met], shapely.points(xy))


def _in_boxes(xy: Floats, boxes: Floats) -> NDArray[np.bool_]:
    """Which points lie in their boxes, or as good as."""
    low, high = boxes[:, :2] - SAME_POINT_M, boxes[:, 2:] + SAME_POINT_M
    return np.asarray(((xy >= low) & (xy <= high)).all(axis=1))


def _interpolate(lines: Shapes, line: Ints, along: Floats) -> Floats:
    return shapely.get_coordinates(shapely.line_interpolate_point(lines[line], along))


def _place_gates(
    lines: Shapes, gate_points: Shapes, meets_xy: Floats, within_m: float
) -> tuple[Ints, Floats, Ints, Ints]:
    """Gates that open cuts, as (meet, gate) rows, and the others on their nearest street."""
    no_rows = np.zeros((0, 2), dtype=np.int64)
    if not len(gate_points) or not len(lines):
        return no_rows[:, 0], np.zeros(0), no_rows[:, 0], no_rows
    opened = no_rows
    if len(meets_xy):
        meets = shapely.STRtree(np.asarray(shapely.points(meets_xy), dtype=object))
        gate, meet = meets.query(gate_points, predicate="dwithin", distance=max(within_m, 1e-9))
        opened = np.stack([meet, gate], axis=1)[np.lexsort((meet, gate))].astype(np.int64)
    others = np.setdiff1d(np.arange(len(gate_points)), opened[:, 1])
    found, line = shapely.STRtree(lines).query_nearest(
        gate_points[others], max_distance=within_m, all_matches=True
    )
    if not len(found):
        return no_rows[:, 0], np.zeros(0), no_rows[:, 0], opened
    gate, first = np.unique(others[found], return_index=True)
    line = line[first].astype(np.int64)
    along = shapely.line_locate_point(lines[line], gate_points[gate])
    return line, along, gate, opened


def _vertices(lines: Shapes, marks: pd.DataFrame) -> _Vertices:
    """The streets' own vertices with the marks put between them."""
    xy, line = shapely.get_coordinates(lines, return_index=True)
    step = np.hypot(*np.diff(xy, axis=0, prepend=xy[:1]).T)
    walked = np.cumsum(step)
    starts = np.searchsorted(line, np.arange(len(lines)))
    along = walked - walked[starts[line]]
    mark_line = marks["line"].to_numpy(dtype=np.int64)
    mark_along = marks["along"].to_numpy(dtype=np.float64)
    mark_xy = _interpolate(lines, mark_line, mark_along)
    all_line = np.concatenate([line, mark_line])
    all_along = np.concatenate([along, mark_along])
    all_xy = np.concatenate([xy, mark_xy])
    mark = np.concatenate([np.full(len(line), -1), np.arange(len(marks))])
    order = np.lexsort((mark, all_along, all_line))
    return _Vertices(all_line[order].astype(np.int64), all_along[order], all_xy[order], mark[order])


def _point_keys(xy: Floats) -> Ints:
    """The same number for vertices on the same millimetre."""
    if not len(xy):
        return np.zeros(0, dtype=np.int64)
    x, y = (np.round(side / SAME_POINT_M) for side in xy.T)
    # one whole number for each point, exact below 2**53 millimetres, sorts faster than two
    wide, high = np.ptp(x) + 1, np.ptp(y) + 1
    if float(wide) * float(high) < 2.0**62:
        one = (x - x.min()).astype(np.int64) * int(high) + (y - y.min()).astype(np.int64)
        _, key = np.unique(one, return_inverse=True)
    else:
        _, key = np.unique(x + 1j * y, return_inverse=True)
    return np.asarray(key, dtype=np.int64)


def _edge_spans(vertices: _Vertices, key: Ints) -> tuple[Ints, Ints]:
    """First and last vertex of every edge."""
    new_line = np.diff(vertices.line, prepend=-1) != 0
    # a mark beside a vertex of its own street repeats that vertex: it is one point, not two
    repeats = ~new_line & (np.diff(key, prepend=-1) == 0)
    counted = key[~repeats]
    shared = np.bincount(counted, minlength=key.max(initial=-1) + 1) > 1
    marked = np.zeros(len(shared), dtype=bool)
    marked[key[vertices.mark >= 0]] = True
    is_end = np.roll(new_line, -1) | new_line
    stops = np.flatnonzero((is_end | shared[key] | marked[key]) & ~_inner_repeat(repeats, is_end))
    same_street = vertices.line[stops[:-1]] == vertices.line[stops[1:]]
    first, last = stops[:-1][same_street], stops[1:][same_street]
    # a part that never leaves its point is no edge; one that comes back to it is
    moves = np.cumsum(~repeats)
    proper = moves[last] > moves[first]
    return first[proper], last[proper]


def _inner_repeat(repeats: NDArray[np.bool_], is_end: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Repeated vertices that are not the last one of their street."""
    return repeats & ~is_end


def _edge_lines(xy: Floats, first: Ints, last: Ints) -> Shapes:
    """One LineString per edge."""
    count = last - first + 1
    edge = np.repeat(np.arange(len(first)), count)
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    lines = shapely.linestrings(xy[first[edge] + within], indices=edge)
    return np.asarray(lines, dtype=object)


def _mark_keys(vertices: _Vertices, key: Ints, n_marks: int) -> Ints:
    found = np.zeros(n_marks, dtype=np.int64)
    is_mark = vertices.mark >= 0
    found[vertices.mark[is_mark]] = key[is_mark]
    return found


def _sides(
    geometry: Shapes, end_key: Ints, barrier_keys: Ints, gate_keys: Ints, barriers: Barriers
) -> Ints:
    """A number per edge end: ends at one point with the same number are on the same side."""
    side = np.zeros(len(end_key), dtype=np.int64)
    n_edges = len(geometry)
    plain_gates = np.setdiff1d(gate_keys, barrier_keys)
    # with no barrier there a gate stands in the way of every street end that meets at it
    at_gate = np.flatnonzero(_among(end_key, plain_gates))
    side[at_gate] = np.arange(len(at_gate))
    ends = np.flatnonzero(_among(end_key, barrier_keys))
    if not len(ends):
        return side
    edges = geometry[ends % n_edges]
    probe_m = np.minimum(SIDE_PROBE_M, shapely.length(edges) / 2)
    along = np.where(ends < n_edges, probe_m, shapely.length(edges) - probe_m)
    probes = shapely.line_interpolate_point(edges, along)
    joined = _joined_pairs(probes, end_key[ends], barriers)
    side[ends] = clusters(len(ends), joined[:, 0], joined[:, 1])
    return side


def _among(key: Ints, some: Ints) -> NDArray[np.bool_]:
    """Which keys are among some of them."""
    chosen = np.zeros(max(key.max(initial=-1), some.max(initial=-1)) + 1, dtype=np.bool_)
    chosen[some] = True
    return chosen[key]


def _joined_pairs(probes: Shapes, key: Ints, barriers: Barriers) -> Ints:
    """Pairs of ends at one point between which no barrier stands."""
    order = np.argsort(key, kind="stable")
    start, stop = _pairs_within(key[order])
    a, b = order[start], order[stop]
    # a hair inside: a street along the boundary must not fall in by rounding
    inside = _inside_sets(probes, shapely.buffer(barriers.compounds, -SAME_POINT_M))
    free = inside[a] == inside[b]
    if len(barriers.walls):
        tree = shapely.STRtree(barriers.walls)
        on_wall = np.zeros(len(probes), dtype=bool)
        on_wall[tree.query(probes, predicate="dwithin", distance=SAME_POINT_M / 10)[0]] = True
        between = shapely.linestrings(
            np.stack([shapely.get_coordinates(probes[a]), shapely.get_coordinates(probes[b])], 1)
        )
        crosses = np.zeros(len(a), dtype=bool)
        crosses[tree.query(between, predicate="intersects")[0]] = True
        free &= ~crosses | (on_wall[a] & on_wall[b])
    return np.stack([a[free], b[free]], axis=1)


def _pairs_within(sorted_key: Ints) -> tuple[Ints, Ints]:
    """Every pair of positions with the same key, once."""
    _, start, count = np.unique(sorted_key, return_index=True, return_counts=True)
    first, second = [], []
    for size in np.unique(count):
        a, b = np.triu_indices(size, k=1)
        groups = start[count == size][:, None]
        first.append((groups + a).ravel())
        second.append((groups + b).ravel())
    return np.concatenate(first), np.concatenate(second)


def _inside_sets(points: Shapes, areas: Shapes) -> Ints:
    """A number per point: the same for points strictly inside the same areas."""
    if not len(areas):
        return np.zeros(len(points), dtype=np.int64)
    point, area = shapely.STRtree(areas).query(points, predicate="within")
    inside: list[list[int]] = [[] for _ in range(len(points))]
    for row, code in sorted(zip(point.tolist(), area.tolist(), strict=True)):
        inside[row].append(code)
    return np.asarray(pd.factorize(pd.Series([tuple(codes) for codes in inside]))[0])


def _split_nodes(
    end_key: Ints, side: Ints, gates_at: pd.DataFrame
) -> tuple[Ints, pd.DataFrame, Ints]:
    """Node of every edge end, the passages through gates, and the points left cut."""
    # points by their number, the sides of each point in order
    n_sides = int(side.max(initial=0)) + 1
    parts, node = np.unique(end_key * n_sides + side, return_inverse=True)
    key = pd.Series(parts // n_sides)
    split = pd.DataFrame({"key": key, "node": key.index})[key.duplicated(keep=False)]
    gated = gates_at.merge(split, on="key")
    passages = _passages(gated, next_node=int(node.max(initial=-1)) + 1)
    cut_keys = np.setdiff1d(split["key"].unique(), gates_at["key"].unique())
    return node.astype(np.int64), passages, np.asarray(cut_keys, dtype=np.int64)


def _passages(gated: pd.DataFrame, *, next_node: int) -> pd.DataFrame:
    """Two sides are joined directly; three or more by a point in the gate, half the wait each."""
    gated = gated.sort_values(["key", "gate"], kind="stable")
    pair = gated.groupby(["key", "gate"], sort=True).ngroup().to_numpy()
    size = np.bincount(pair)
    first = np.cumsum(size) - size
    node = gated["node"].to_numpy(dtype=np.int64)
    direct = np.flatnonzero(size == 2)
    spread = np.flatnonzero(size[pair] != 2)
    # one more node for each gate that joins three sides or more
    middle = next_node + np.unique(pair[spread], return_inverse=True)[1]
    row = np.concatenate([first[direct], spread])
    tail, head = node[row], np.concatenate([node[first[direct] + 1], middle])
    share = np.repeat([1.0, 0.5], [len(direct), len(spread)])
    order = np.argsort(row, kind="stable")
    return pd.DataFrame(
        {
            "key": gated["key"].to_numpy(dtype=np.int64)[row][order],
            "gate": gated["gate"].to_numpy(dtype=np.int64)[row][order],
            "tail": tail[order],
            "head": head.astype(np.int64)[order],
            "share": share[order],
        }
    )


def _node_xy(node: Ints, end_key: Ints, passages: pd.DataFrame, key_xy: Floats) -> Floats:
    last = max(int(node.max(initial=-1)), int(passages["head"].max()) if len(passages) else -1)
    xy = np.zeros((last + 1, 2))
    xy[node] = key_xy[end_key]
    xy[passages["head"].to_numpy()] = key_xy[passages["key"].to_numpy()]
    return xy
