"""Distances between points in dense blocks of bounded size, by scipy's Dijkstra."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from communityplan._search.ends import END, LINE, START, Ends, Spots, usable_by
from communityplan._search.graph import Floats, Ints, SearchGraph, search_limit

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = [
    "MOST_CELLS",
    "Block",
    "Matrix",
    "Side",
    "along_line",
    "arriving",
    "balls",
    "blocks",
    "leaving",
    "matrix",
    "nodes_reached",
]

MOST_CELLS = 4_000_000
"""Size of a dense block of distances (32 MB)."""


@dataclass(frozen=True, eq=False)
class Block:
    """Seconds of all walks between some origins and some destinations, infinite for none.

    Attributes
    ----------
    origin, destination : array of int64, shape (O,), (D,)
    seconds : array of float, shape (O, D)
        Exact, not yet rounded for results.
    """

    origin: Ints
    destination: Ints
    seconds: Floats


@dataclass(frozen=True, eq=False)
class Matrix:
    """Compressed rows of a directed graph: the best edge of every pair of neighbours.

    Attributes
    ----------
    sparse : csr_array
        Seconds from row to column; zeros are stored.
    edge : array of int64
        The edge each entry stands for; ``edge + n_edges`` where it is walked from head to tail.
    """

    sparse: csr_array
    edge: Ints


def matrix(graph: SearchGraph, owner: int) -> Matrix:
    """The directed graph that walks with this allowed owner may use."""
    key = ("matrix", owner)
    if key not in graph.cache:
        graph.cache[key] = _matrix(graph, owner)
    found: Matrix = graph.cache[key]
    return found


def _matrix(graph: SearchGraph, owner: int) -> Matrix:
    seconds = np.concatenate([graph.forward_s, graph.backward_s])
    rows = np.concatenate([graph.tail, graph.head])
    columns = np.concatenate([graph.head, graph.tail])
    open_to = (graph.owner == 0) | (graph.owner == owner)
    use = np.flatnonzero(np.isfinite(seconds) & np.tile(open_to, 2) & (rows != columns))
    use = use[np.lexsort((seconds[use], columns[use], rows[use]))]
    row, column = rows[use], columns[use]
    best = np.ones(len(use), dtype=bool)
    best[1:] = (row[1:] != row[:-1]) | (column[1:] != column[:-1])
    use = use[best]
    starts = np.searchsorted(rows[use], np.arange(graph.n_nodes + 1)).astype(np.int32)
    shape = (graph.n_nodes, graph.n_nodes)
    # scipy is slow to import, and looking at the package does not need it
    from scipy.sparse import csr_array

    return Matrix(csr_array((seconds[use], columns[use], starts), shape=shape), use)


def _reversed(graph: SearchGraph, owner: int) -> csr_array:
    key = ("reversed", owner)
    if key not in graph.cache:
        graph.cache[key] = matrix(graph, owner).sparse.T.tocsr()
    return graph.cache[key]


def nodes_reached(graph: SearchGraph, ends: Ends, limit_s: float) -> float:
    """How many nodes a search reaches in the mean, tried out from three of the points."""
    from scipy.sparse.csgraph import dijkstra

    node = (
        np.where(ends.edge >= 0, graph.tail[ends.edge], ends.node) if graph.n_edges else ends.node
    )
    node = node[node >= 0]
    if not len(node):
        return 0.0
    some = node[np.linspace(0, len(node) - 1, 3).astype(np.int64)]
    distance = dijkstra(matrix(graph, 0).sparse, indices=some, limit=search_limit(limit_s))
    return float(np.isfinite(distance).sum() / len(some))


def blocks(
    graph: SearchGraph, origins: Spots, destinations: Spots, allowed: Ints, limit_s: float
) -> Iterator[Block]:
    """All walks from origins to destinations, searched from the side with fewer nodes.

    Parameters
    ----------
    graph : SearchGraph
    origins, destinations : Spots
    allowed : array of int64, shape (O,)
        The owner each origin's walks may use besides everyone's edges.
    limit_s : float
        Longer walks may be left out (infinite).

    Yields
    ------
    Block
    """
    for owner in np.unique(allowed).tolist():
        from_rows = np.flatnonzero((allowed == owner) & usable_by(origins, owner))
        to_rows = np.flatnonzero(usable_by(destinations, owner))
        if len(from_rows) and len(to_rows):
            sides = leaving(origins, from_rows), arriving(destinations, to_rows)
            yield from _owner_blocks(graph, *sides, owner, limit_s)


def _owner_blocks(
    graph: SearchGraph, from_side: Side, to_side: Side, owner: int, limit_s: float
) -> Iterator[Block]:
    if _n_searches(from_side) <= _n_searches(to_side):
        for part in _parts(from_side, graph.n_nodes, len(to_side.row)):
            seconds = _between(matrix(graph, owner).sparse, part, to_side, limit_s)
            yield Block(part.row, to_side.row, seconds)
    else:
        from_side, to_side = _flipped(from_side), _flipped(to_side)
        for part in _parts(to_side, graph.n_nodes, len(from_side.row)):
            seconds = _between(_reversed(graph, owner), part, from_side, limit_s)
            yield Block(from_side.row, part.row, seconds.T)


def balls(
    graph: SearchGraph, points: Spots, nodes: Spots, allowed: Ints, limit_s: float, *, reverse: bool
) -> Iterator[Block]:
    """All walks from points to nodes or, reversed, from nodes to points.

    Parameters
    ----------
    graph : SearchGraph
    points, nodes : Spots
        Blocks have points as their origins and nodes as their destinations either way.
    allowed : array of int64
        The owner the walks of each point may use.
    limit_s : float
    reverse : bool

    Yields
    ------
    Block
    """
    every = np.arange(len(nodes.ends))
    for owner in np.unique(allowed).tolist():
        rows = np.flatnonzero((allowed == owner) & usable_by(points, owner))
        if reverse:
            sources, targets = _flipped(arriving(points, rows)), _flipped(leaving(nodes, every))
            sparse = _reversed(graph, owner)
        else:
            sources, targets = leaving(points, rows), arriving(nodes, every)
            sparse = matrix(graph, owner).sparse
        for part in _parts(sources, graph.n_nodes, len(every)):
            yield Block(part.row, every, _between(sparse, part, targets, limit_s))


@dataclass(frozen=True, eq=False)
class Side:
    """Origins as they leave, or destinations as they are arrived at: one side of a search.

    `rise` and `fall` are the seconds between the start of the line and the point, in the direction
    of the search and against it.
    """

    row: Ints
    start: NDArray[np.int32]
    end: NDArray[np.int32]
    by_start: Floats
    by_end: Floats
    line: NDArray[np.int32]
    where: Floats
    rise: Floats
    fall: Floats
    extra: Floats


def leaving(spots: Spots, rows: Ints) -> Side:
    """Points as walks leave them."""
    index = spots.ends[rows]
    has_end = index[:, END] >= 0
    extra = spots.extra[rows]
    return Side(
        rows,
        index[:, START],
        np.where(has_end, index[:, END], index[:, START]),
        spots.leave[rows, 0] + extra,
        np.where(has_end, spots.leave[rows, 1] + extra, np.inf),
        index[:, LINE],
        spots.where[rows],
        spots.arrive[rows, 0],
        spots.leave[rows, 0],
        extra,
    )


def arriving(spots: Spots, rows: Ints) -> Side:
    """Points as walks arrive at them."""
    side = leaving(spots.flipped(), rows)
    return _flipped(side)


def _flipped(side: Side) -> Side:
    return replace(side, rise=side.fall, fall=side.rise)


def _n_searches(side: Side) -> int:
    return len(np.unique(np.concatenate([side.start, side.end])))


def _parts(side: Side, n_nodes: int, n_others: int) -> Iterator[Side]:
    """Pieces small enough for a dense block of two rows of nodes for every point."""
    size = max(1, MOST_CELLS // (2 * n_nodes + n_others))
    for first in range(0, len(side.row), size):
        rows = slice(first, first + size)
        yield Side(*(getattr(side, item.name)[rows] for item in fields(side)))


def _between(sparse: csr_array, sources: Side, targets: Side, limit_s: float) -> Floats:
    """Seconds from every source to every target, through nodes or along a line they share."""
    ends = np.concatenate([sources.start, sources.end])
    nodes, place = np.unique(ends, return_inverse=True)
    from scipy.sparse.csgraph import dijkstra

    distance = dijkstra(sparse, indices=nodes, limit=search_limit(limit_s))
    count = len(sources.row)
    reached = np.minimum(
        distance[place[:count]] + sources.by_start[:, None],
        distance[place[count:]] + sources.by_end[:, None],
    )
    seconds = np.minimum(
        reached[:, targets.start] + targets.by_start, reached[:, targets.end] + targets.by_end
    )
    shared = (sources.line[:, None] == targets.line) & (sources.line[:, None] >= 0)
    source, target = np.nonzero(shared)
    direct = along_line(sources, targets, source, target)
    seconds[source, target] = np.minimum(seconds[source, target], direct)
    return np.asarray(seconds)


def along_line(sources: Side, targets: Side, source: Ints, target: Ints) -> Floats:
    """Seconds from source to target along the line both lie on."""
    step = targets.where[target] - sources.where[source]
    with np.errstate(invalid="ignore"):
        rise = targets.rise[target] - sources.rise[source]
        fall = sources.fall[source] - targets.fall[target]
    # a direction nobody can walk gives infinity less infinity
    direct = np.nan_to_num(np.where(step > 0, rise, fall), nan=np.inf, posinf=np.inf)
    direct[step == 0] = 0.0
    return np.asarray(direct + sources.extra[source] + targets.extra[target])
