"""The way of one walk: which edges, in which direction, in which order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from communityplan._search.dense import Matrix, along_line, arriving, leaving, matrix
from communityplan._search.ends import Ends, Spots, spots_on_edges, usable_by
from communityplan._search.graph import Floats, Ints, SearchGraph, rounded_limit, search_limit
from communityplan.errors import OptionError

__all__ = ["Path", "path"]

FIRST_LIMITS_S = (600.0, 2400.0, 9600.0, 38400.0)
"""Searches grow in these steps, so that a short walk does not look at a whole city [s]."""


@dataclass(frozen=True, eq=False)
class Path:
    """The way of one walk.

    Attributes
    ----------
    seconds : float
        Time of the whole walk, as `pairs` gives it [s]; nan where there is no way.
    node : array of int64, shape (N,)
        Nodes passed, in order; empty for a walk along part of one edge and where there is no way.
    edge : array of int64, shape (N - 1,)
        Edges walked whole between them.
    backward : array of bool, shape (N - 1,)
        Whether each of these is walked from its head to its tail.
    edge_s : array of float, shape (N - 1,)
        Time of each of these [s].
    leave_s : float
        From the origin to the first node, or to the destination where both lie on one edge and
        no node is passed [s]. Without the origin's extra seconds.
    arrive_s : float
        From the last node to the destination [s]. Without its extra seconds.
    extra_s : float
        Extra seconds of both ends [s].
    """

    seconds: float
    node: Ints
    edge: Ints
    backward: np.ndarray[tuple[int], np.dtype[np.bool_]]
    edge_s: Floats
    leave_s: float
    arrive_s: float
    extra_s: float


def path(
    graph: SearchGraph,
    origin: Ends,
    destination: Ends,
    *,
    limit_s: float = np.inf,
    allowed: int = 0,
) -> Path:
    """The quickest way from one origin to one destination.

    Parameters
    ----------
    graph : SearchGraph
    origin, destination : Ends
        One point each.
    limit_s : float
        Longest walk [s], inclusive.
    allowed : int
        The owner whose edges may be used besides everyone's.

    Returns
    -------
    Path
        Its parts add up to its seconds.

    Raises
    ------
    OptionError
        For points that do not fit the network, or more than one.

    Examples
    --------
    >>> from communityplan._search import Ends, build_graph, path
    >>> graph = build_graph(3, [0, 1], [1, 2], [60.0, 30.0], back_seconds=[60.0, 30.0])
    >>> way = path(graph, Ends.on_edges([0], [0.5]), Ends.at_nodes([2]))
    >>> way.node, way.edge, way.leave_s, way.seconds
    (array([1, 2]), array([1]), 30.0, 60.0)
    """
    if len(origin) != 1 or len(destination) != 1:
        raise OptionError(
            f"a path has one origin and one destination, not {len(origin)} and {len(destination)}"
        )
    if not limit_s >= 0:
        raise OptionError(f"limit_s is {limit_s}; give seconds that are 0 or more")
    start = spots_on_edges(graph, origin, role="origin")
    stop = spots_on_edges(graph, destination, role="destination")
    if not (usable_by(start, allowed)[0] and usable_by(stop, allowed)[0]):
        return _no_way()
    found = _no_way()
    for limit in _limits(limit_s):
        found = _within(graph, start, stop, limit, allowed)
        if np.isfinite(found.seconds):
            break
    return found


def _limits(limit_s: float) -> Iterator[float]:
    yield from (limit for limit in FIRST_LIMITS_S if limit < limit_s)
    yield limit_s


def _no_way() -> Path:
    none = np.zeros(0, dtype=np.int64)
    nan = float("nan")
    return Path(nan, none, none, np.zeros(0, dtype=bool), np.zeros(0), nan, nan, nan)


def _within(graph: SearchGraph, start: Spots, stop: Spots, limit_s: float, owner: int) -> Path:
    row = np.zeros(1, dtype=np.int64)
    source, target = leaving(start, row), arriving(stop, row)
    extra_s = float(start.extra[0] + stop.extra[0])
    roads = matrix(graph, owner)
    seeds = np.concatenate([source.start, source.end])
    from scipy.sparse.csgraph import dijkstra

    distance, before = dijkstra(
        roads.sparse, indices=seeds, limit=search_limit(limit_s), return_predecessors=True
    )
    leave = np.concatenate([source.by_start, source.by_end])
    arrive = np.concatenate([target.by_start, target.by_end])
    last = np.concatenate([target.start, target.end])
    through = leave[:, None] + distance[:, last] + arrive
    first, final = np.unravel_index(np.argmin(through), (2, 2))
    direct = np.inf
    if source.line[0] == target.line[0] >= 0:
        direct = float(along_line(source, target, row, row)[0])
    seconds = rounded_limit(min(direct, through[first, final]))
    if not np.isfinite(seconds) or seconds > rounded_limit(limit_s):
        return _no_way()
    if direct <= through[first, final]:
        none = np.zeros(0, dtype=np.int64)
        part = direct - extra_s
        return Path(seconds, none, none, none.astype(bool), np.zeros(0), part, 0.0, extra_s)
    node = _passed(before[first], int(seeds[first]), int(last[final]))
    edge, backward, edge_s = _edges_between(graph, roads, node)
    leave_s = float(leave[first] - start.extra[0])
    arrive_s = float(arrive[final] - stop.extra[0])
    return Path(seconds, node, edge, backward, edge_s, leave_s, arrive_s, extra_s)


def _passed(before: Ints, first: int, last: int) -> Ints:
    """Nodes from first to last, from the node before each."""
    nodes = [last]
    while nodes[-1] != first:
        nodes.append(int(before[nodes[-1]]))
    return np.array(nodes[::-1], dtype=np.int64)


def _edges_between(
    graph: SearchGraph, roads: Matrix, node: Ints
) -> tuple[Ints, np.ndarray[tuple[int], np.dtype[np.bool_]], Floats]:
    starts, columns = roads.sparse.indptr, roads.sparse.indices
    entry = np.array(
        [
            starts[one] + np.searchsorted(columns[starts[one] : starts[one + 1]], other)
            for one, other in pairwise(node)
        ],
        dtype=np.int64,
    )
    used = roads.edge[entry]
    backward = used >= graph.n_edges
    return used - graph.n_edges * backward, backward, roads.sparse.data[entry]
