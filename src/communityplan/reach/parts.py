"""The exact parts of edges that are reached within a limit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan import _search
from communityplan._search import Ends
from communityplan.errors import OptionError
from communityplan.network import WalkNetwork
from communityplan.network.edges import connected
from communityplan.reach.ends import Places, ends_of, search_graph
from communityplan.walker import Walker

__all__ = ["Intervals", "cut_lines", "joined_parts", "reached_parts"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

CHUNK = 64
"""Points searched from at a time, to bound memory."""


@dataclass(frozen=True)
class Intervals:
    """Shares of edges that are reached, one row each, `group` telling by which point."""

    group: Ints
    edge: Ints
    start: Floats
    stop: Floats


def reached_parts(
    network: WalkNetwork, found: Places, walker: Walker, limits_s: list[float], direction: str
) -> dict[float, Intervals]:
    """For every limit the reached shares of edges, by point."""
    if direction not in ("there", "back"):
        raise OptionError(f"direction is {direction!r}: give there or back")
    towards = direction == "there"
    parts: dict[float, list[Intervals]] = {limit_s: [] for limit_s in limits_s}
    for first in range(0, len(found.ids), CHUNK):
        rows = np.arange(first, min(first + CHUNK, len(found.ids)))
        # from a point backwards along the walks that lead to it, or forwards along those from it
        ends, _, _ = ends_of(network, found, rows, walker=walker, owner="", outward=not towards)
        near = _node_seconds(network, ends, walker, max(limits_s), towards)
        entered = _entries(network, walker, near, towards)
        for limit_s in limits_s:
            beside = _own_edge(network, walker, ends, limit_s, towards)
            part = _with_own_edges(_intervals(entered, limit_s), beside, len(network.edges))
            parts[limit_s].append(Intervals(rows[part.group], part.edge, part.start, part.stop))
    return {limit_s: _joined(chunks) for limit_s, chunks in parts.items()}


def _joined(chunks: list[Intervals]) -> Intervals:
    none = np.zeros(0, dtype=np.int64)
    return Intervals(
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
    if not len(network.nodes):
        none = np.zeros(0, dtype=np.int64)
        return none, none, none.astype(np.float64)
    graph = search_graph(network, walker)
    tables = []
    for code in range(len(network.owners) + 1):
        allowed = np.full(len(ends), code)
        offsets, node, seconds = _search.balls(
            graph, ends, limit_s=limit_s, reverse=towards, allowed=allowed
        )
        group = np.repeat(np.arange(len(ends)), np.diff(offsets))
        if not network.owners:
            return group, node, seconds
        if code:
            public, pockets = _public_parts(network)
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


@dataclass(frozen=True)
class _Entries:
    """Every way from a reached node into an edge: by group and edge, that from ``u`` first.

    Attributes
    ----------
    group, edge : array of int
    from_v : array of bool
        Whether the edge is entered at its last point.
    at_s, whole_s : array of float
        When the node is reached, and how long the whole edge takes from there [s].
    """

    group: Ints
    edge: Ints
    from_v: NDArray[np.bool_]
    at_s: Floats
    whole_s: Floats


def _entries(
    network: WalkNetwork, walker: Walker, reached: tuple[Ints, Ints, Floats], towards: bool
) -> _Entries:
    forward, backward = network.seconds(walker)
    from_u, from_v = (backward, forward) if towards else (forward, backward)
    group, node, seconds = reached
    at_u, at_v = _incidence(network)
    pick_u, edge_u = _spread(node, *at_u)
    pick_v, edge_v = _spread(node, *at_v)
    pick = np.concatenate([pick_u, pick_v])
    edge = np.concatenate([edge_u, edge_v])
    order = np.argsort(group[pick] * len(network.edges) + edge, kind="stable")
    pick, edge = pick[order], edge[order]
    second = order >= len(edge_u)
    whole_s = np.where(second, from_v[edge], from_u[edge])
    return _Entries(group[pick], edge, second, seconds[pick], whole_s)


def _intervals(entered: _Entries, limit_s: float) -> Intervals:
    """Reached shares of edges from their nodes."""
    left_s = limit_s - entered.at_s
    near = np.flatnonzero(left_s >= 0)
    group, edge, from_v = entered.group[near], entered.edge[near], entered.from_v[near]
    share = _share(left_s[near], entered.whole_s[near])
    start, stop = np.where(from_v, 1.0 - share, 0.0), np.where(from_v, 1.0, share)
    # where the part from one node meets the part from the other, both are one
    met = (group[1:] == group[:-1]) & (edge[1:] == edge[:-1]) & (start[1:] <= stop[:-1])
    stop[:-1][met] = np.maximum(stop[:-1], stop[1:])[met]
    kept = np.flatnonzero(np.concatenate([[True], ~met])[: len(near)])
    return Intervals(group[kept], edge[kept], start[kept], stop[kept])


def _with_own_edges(part: Intervals, beside: Intervals, n_edges: int) -> Intervals:
    """Add what is reached along the edges that the points lie on."""
    key, own = part.group * n_edges + part.edge, beside.group * n_edges + beside.edge
    touched = np.isin(key, own)
    columns = zip(_arrays(part), _arrays(beside), strict=True)
    mixed = joined_parts(*(np.concatenate([one[touched], two]) for one, two in columns))
    every = [
        np.concatenate([one[~touched], two])
        for one, two in zip(_arrays(part), _arrays(mixed), strict=True)
    ]
    order = np.argsort(every[0] * n_edges + every[1], kind="stable")
    return Intervals(*(column[order] for column in every))


def _arrays(part: Intervals) -> tuple[Ints, Ints, Floats, Floats]:
    return part.group, part.edge, part.start, part.stop


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
    network: WalkNetwork, walker: Walker, ends: Ends, limit_s: float, towards: bool
) -> Intervals:
    """What is reached directly along the edge a point lies on."""
    forward, backward = network.seconds(walker)
    left_s = limit_s - ends.extra_s
    own = np.flatnonzero((ends.edge >= 0) & (left_s >= 0))
    ahead, behind = forward[ends.edge[own]], backward[ends.edge[own]]
    before, after = (ahead, behind) if towards else (behind, ahead)
    start = np.maximum(ends.along[own] - _share(left_s[own], before), 0.0)
    stop = np.minimum(ends.along[own] + _share(left_s[own], after), 1.0)
    return Intervals(own, ends.edge[own], start, stop)


def joined_parts(group: Ints, edge: Ints, start: Floats, stop: Floats) -> Intervals:
    """Join overlapping shares of the same edge and group."""
    order = np.lexsort((start, edge, group))
    group, edge, start, stop = group[order], edge[order], start[order], stop[order]
    if not len(group):
        return Intervals(group, edge, start, stop)
    new_edge = np.ones(len(group), dtype=bool)
    new_edge[1:] = (np.diff(group) != 0) | (np.diff(edge) != 0)
    farthest = pd.Series(stop).groupby(np.cumsum(new_edge)).cummax().to_numpy()
    opens = new_edge.copy()
    opens[1:] |= start[1:] > farthest[:-1]
    first = np.flatnonzero(opens)
    return Intervals(group[first], edge[first], start[first], np.maximum.reduceat(stop, first))


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
    >>> from communityplan.reach.parts import cut_lines
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
