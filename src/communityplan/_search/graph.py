"""The network as arrays, and points along its edges.

Every cost is a whole number of ticks of 2**-32 s, so that sums of walks under 24 days are exact in
float64: no result depends on the order of additions, the side searched from, the engine, the
number of threads or what else was asked. Results are rounded to 2**-24 s (60 nanoseconds), which
takes away what rounding to ticks has left, and are compared with limits after that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from communityplan.errors import OptionError

__all__ = [
    "Ends",
    "Floats",
    "Ints",
    "SearchGraph",
    "Spots",
    "build_graph",
    "rounded",
    "rounded_limit",
    "spots_on_edges",
    "ticks",
    "usable_by",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

TICK_S = 2.0**-32
"""Unit of every cost [s]: whole numbers of it add up exactly below 2**21 s."""

ROUNDING = 1.5 * 2.0**28
"""Added and taken away again it leaves a number below 2**27 rounded to a multiple of 2**-24."""


def ticks(seconds: ArrayLike) -> Floats:
    """Seconds rounded to whole ticks of 2**-32 s; infinity stays."""
    return np.asarray(np.rint(np.asarray(seconds, dtype=np.float64) / TICK_S) * TICK_S)


def rounded(seconds: Floats) -> Floats:
    """Seconds as results show them and limits see them: multiples of 2**-24 s."""
    return np.asarray((seconds + ROUNDING) - ROUNDING)


def rounded_limit(seconds: float) -> float:
    """A limit rounded as results are."""
    return (float(seconds) + ROUNDING) - ROUNDING


@dataclass(frozen=True, eq=False)
class SearchGraph:
    """A network to search in, made by `build_graph`.

    Attributes
    ----------
    n_nodes : int
        Nodes are 0 to ``n_nodes - 1``.
    tail, head : array of int32, shape (E,)
        End nodes of every edge.
    forward_s, backward_s : array of float, shape (E,)
        Time from tail to head and from head to tail [s], in whole ticks; infinite where nobody
        passes.
    owner : array of int32, shape (E,)
        0 where everyone may pass, else the owner whose walks may.
    xy : array of float, shape (n_nodes, 2) or None
        Where the nodes are; it only makes searches faster.
    """

    n_nodes: int
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    forward_s: Floats
    backward_s: Floats
    owner: NDArray[np.int32]
    xy: Floats | None = None
    cache: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def n_edges(self) -> int:
        """Number of edges as given, impassable ones too."""
        return len(self.tail)


def build_graph(
    n_nodes: int,
    tail: ArrayLike,
    head: ArrayLike,
    seconds: ArrayLike,
    *,
    back_seconds: ArrayLike | None = None,
    owner: ArrayLike | None = None,
    xy: ArrayLike | None = None,
) -> SearchGraph:
    """A network to search in, from arrays.

    Parameters
    ----------
    n_nodes : int
        Number of nodes.
    tail, head : array of int, shape (E,)
        End nodes of every edge. Parallel edges and self-loops may occur.
    seconds : array of float, shape (E,)
        Time from tail to head [s]; 0 is allowed, infinite means impassable.
    back_seconds : array of float, shape (E,), optional
        Time from head to tail [s]; without it no edge can be walked that way.
    owner : array of int, shape (E,), optional
        0 for everyone (the default), k > 0 for walks whose allowed owner is k.
    xy : array of float, shape (n_nodes, 2), optional
        Where the nodes are.

    Returns
    -------
    SearchGraph

    Raises
    ------
    OptionError
        Names everything wrong, with its number and the first edge: lengths that differ, nodes
        that do not exist, times that are negative or missing.

    Examples
    --------
    >>> from communityplan._search import build_graph
    >>> build_graph(2, [0], [1], [75.0], back_seconds=[80.0]).backward_s
    array([80.])
    """
    tail_i, head_i = _integers(tail), _integers(head)
    count = len(tail_i)
    forward = np.atleast_1d(np.asarray(seconds, dtype=np.float64))
    nobody = np.full(count, np.inf)
    backward = nobody if back_seconds is None else np.asarray(back_seconds, dtype=np.float64)
    owners = np.zeros(count, dtype=np.int64) if owner is None else _integers(owner)
    place = None if xy is None else np.asarray(xy, dtype=np.float64)
    named = {"head": head_i, "seconds": forward, "back_seconds": backward, "owner": owners}
    wrong = [
        f"{name} has shape {array.shape}, not ({count},)"
        for name, array in named.items()
        if array.shape != (count,)
    ]
    if not wrong:
        wrong = [
            *_wrong_entries("tail", tail_i, (tail_i < 0) | (tail_i >= n_nodes)),
            *_wrong_entries("head", head_i, (head_i < 0) | (head_i >= n_nodes)),
            *_wrong_entries("seconds", forward, ~(forward >= 0)),
            *_wrong_entries("back_seconds", backward, ~(backward >= 0)),
            *_wrong_entries("owner", owners, owners < 0),
        ]
    if place is not None and (place.shape != (n_nodes, 2) or not np.isfinite(place).all()):
        wrong.append(f"xy is not {n_nodes} pairs of finite numbers")
    if wrong:
        raise OptionError(f"this is not a network: {'; '.join(wrong)}")
    return SearchGraph(
        n_nodes=int(n_nodes),
        tail=tail_i.astype(np.int32),
        head=head_i.astype(np.int32),
        forward_s=ticks(forward),
        backward_s=ticks(backward),
        owner=owners.astype(np.int32),
        xy=place,
    )


def _integers(values: ArrayLike) -> Ints:
    return np.atleast_1d(np.asarray(values, dtype=np.int64))


def _wrong_entries(name: str, values: NDArray[Any], bad: Flags) -> list[str]:
    rows = np.flatnonzero(bad)
    if not len(rows):
        return []
    first = rows[0]
    return [f"{len(rows)} of {name} cannot be used, the first is {values[first]} (row {first})"]


@dataclass(frozen=True, eq=False)
class Ends:
    """P points where walks begin or end: on edges, at nodes, or nowhere.

    A point on an edge is reached and left both ways along it, as far as that direction can be
    walked; a point on the edge of an owner is open to that owner's walks only.

    Attributes
    ----------
    edge : array of int64, shape (P,)
        Row of the edge in the graph, -1 where the point is not on an edge.
    along : array of float, shape (P,)
        Share of the edge before the point: 0 at its tail, 1 at its head.
    node : array of int64, shape (P,)
        The node a point not on an edge stands on, -1 where it is not attached at all: nothing is
        reached from there.
    extra_s : array of float, shape (P,)
        Seconds added to every walk from or to the point, such as the way from a door to the
        street, also where both ends lie on one edge.

    Examples
    --------
    >>> from communityplan._search import Ends
    >>> len(Ends.on_edges([4, 4], [0.25, 0.5]))
    2
    >>> Ends.at_nodes([7, -1]).edge
    array([-1, -1])
    """

    edge: Ints
    along: Floats
    node: Ints
    extra_s: Floats

    def __len__(self) -> int:
        return len(self.edge)

    @classmethod
    def on_edges(
        cls, edge: ArrayLike, along: ArrayLike, *, extra_s: ArrayLike | None = None
    ) -> Ends:
        """Points on edges; ``edge`` -1 for a point that is not attached.

        Parameters
        ----------
        edge : array of int, shape (P,)
        along : array of float, shape (P,)
            Not looked at where `edge` is -1.
        extra_s : array of float, shape (P,), optional
        """
        rows = _integers(edge)
        share = np.where(rows >= 0, np.asarray(along, dtype=np.float64), 0.0)
        return cls(rows, share, np.full(len(rows), -1), _extra(extra_s, rows >= 0))

    @classmethod
    def at_nodes(cls, node: ArrayLike, *, extra_s: ArrayLike | None = None) -> Ends:
        """Points at nodes; ``node`` -1 for a point that is not attached.

        Parameters
        ----------
        node : array of int, shape (P,)
        extra_s : array of float, shape (P,), optional
        """
        nodes = _integers(node)
        none = np.full(len(nodes), -1)
        return cls(none, np.zeros(len(nodes)), nodes, _extra(extra_s, nodes >= 0))

    def take(self, rows: NDArray[Any]) -> Ends:
        """Some of the points, by position or mask."""
        return Ends(self.edge[rows], self.along[rows], self.node[rows], self.extra_s[rows])


def _extra(extra_s: ArrayLike | None, attached: Flags) -> Floats:
    """Extra seconds of attached points; those of others are often missing and never used."""
    if extra_s is None:
        return np.zeros(len(attached))
    return np.where(attached, np.asarray(extra_s, dtype=np.float64), 0.0)


@dataclass(frozen=True, eq=False)
class Spots:
    """Ends as a search sees them: two nodes with the times to leave to and to arrive from.

    Attributes
    ----------
    start, end : array of int64, shape (P,)
        Nodes at the ends of the line a point lies on; -1 where there is none.
    leave_start, leave_end, arrive_start, arrive_end : array of float, shape (P,)
        Seconds between the point and these nodes, its extra seconds included.
    line : array of int64, shape (P,)
        The line (an edge, or a chain of edges) it lies on, -1 for points at nodes.
    where : array of float, shape (P,)
        Position that orders the points of one line.
    ahead, behind : array of float, shape (P,)
        Seconds from the start of the line to the point, and back.
    extra : array of float, shape (P,)
        Extra seconds of the point.
    owner : array of int64, shape (P,)
        Owner of the line, 0 for everyone's.
    """

    start: Ints
    end: Ints
    leave_start: Floats
    leave_end: Floats
    arrive_start: Floats
    arrive_end: Floats
    line: Ints
    where: Floats
    ahead: Floats
    behind: Floats
    extra: Floats
    owner: Ints

    def __len__(self) -> int:
        return len(self.start)


def spots_on_edges(graph: SearchGraph, ends: Ends, *, role: str) -> Spots:
    """Ends with the edge they lie on as their line.

    Parameters
    ----------
    graph : SearchGraph
    ends : Ends
    role : str
        What the points are called in messages, such as ``"origins"``.

    Raises
    ------
    OptionError
        Names edges, nodes, shares or seconds that cannot be used.
    """
    _check_ends(graph, ends, role)
    on = ends.edge >= 0
    edge = np.where(on, ends.edge, 0)
    if not graph.n_edges:
        return _spots_at_nodes(ends)
    along = ends.along
    ahead, leave_end = _split(graph.forward_s[edge], along)
    behind, arrive_end = _split(graph.backward_s[edge], along)
    extra = ticks(ends.extra_s)
    nowhere = np.where(on, 0.0, np.inf)
    return Spots(
        start=np.where(on, graph.tail[edge], ends.node),
        end=np.where(on, graph.head[edge], -1),
        leave_start=np.where(on, behind, 0.0) + extra,
        leave_end=leave_end + nowhere + extra,
        arrive_start=np.where(on, ahead, 0.0) + extra,
        arrive_end=arrive_end + nowhere + extra,
        line=ends.edge,
        where=along,
        ahead=ahead,
        behind=behind,
        extra=extra,
        owner=np.where(on, graph.owner[edge], 0).astype(np.int64),
    )


def _split(whole_s: Floats, along: Floats) -> tuple[Floats, Floats]:
    """Seconds before and after a share of an edge, in ticks that add up to the whole.

    The ends of an edge nobody can walk in this direction are still at its nodes.
    """
    passable = np.isfinite(whole_s)
    whole = np.where(passable, whole_s, 0.0)
    before = ticks(whole * along)
    after = whole - before
    before[~passable & (along > 0)] = np.inf
    after[~passable & (along < 1)] = np.inf
    return before, after


def _spots_at_nodes(ends: Ends) -> Spots:
    extra = ticks(ends.extra_s)
    zero, never = np.zeros(len(ends)), np.full(len(ends), np.inf)
    none = np.full(len(ends), -1)
    owner = np.zeros(len(ends), dtype=np.int64)
    return Spots(ends.node, none, extra, never, extra, never, none, zero, zero, zero, extra, owner)


def _check_ends(graph: SearchGraph, ends: Ends, role: str) -> None:
    on = ends.edge >= 0
    wrong = [
        *_wrong_entries("edge", ends.edge, ends.edge >= graph.n_edges),
        *_wrong_entries("node", ends.node, ends.node >= graph.n_nodes),
        *_wrong_entries("along", ends.along, on & ~((ends.along >= 0) & (ends.along <= 1))),
        *_wrong_entries("extra_s", ends.extra_s, ~(ends.extra_s >= 0) | np.isinf(ends.extra_s)),
    ]
    if wrong:
        raise OptionError(f"{role} do not fit the network: {'; '.join(wrong)}")


def usable_by(spots: Spots, owner: int) -> Flags:
    """Which points a walk with this allowed owner can begin or end at."""
    return np.asarray((spots.start >= 0) & ((spots.owner == 0) | (spots.owner == owner)))
