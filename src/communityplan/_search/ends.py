"""Points along edges, where walks begin and end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from communityplan._search.graph import (
    Flags,
    Floats,
    Ints,
    SearchGraph,
    integers,
    ticks,
    wrong_entries,
)
from communityplan.errors import OptionError

__all__ = [
    "END",
    "LINE",
    "OWNER",
    "START",
    "Ends",
    "Spots",
    "check_ends",
    "everywhere",
    "spots_on_edges",
    "take",
    "unattached",
    "usable_by",
]


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
        rows = integers(edge)
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
        nodes = integers(node)
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


def everywhere(graph: SearchGraph) -> Ends:
    """All nodes of a graph, made once."""
    if "everywhere" not in graph.cache:
        graph.cache["everywhere"] = Ends.at_nodes(np.arange(graph.n_nodes))
    ends: Ends = graph.cache["everywhere"]
    return ends


class Spots(NamedTuple):
    """Ends as a search sees them: points on lines between two nodes.

    A line is an edge, or a chain of edges. The times are of walks along it, without the extra
    seconds of the point.

    Attributes
    ----------
    ends : array of int32, shape (P, 4)
        Nodes at the start and the end of the line (-1 for none: points at nodes have a start only,
        points that are not attached have neither), the line (-1 for points at nodes) and its owner
        (0 for everyone).
    leave : array of float, shape (P, 2)
        Seconds from the point to the start and to the end.
    arrive : array of float, shape (P, 2)
        Seconds from the start and from the end to the point.
    where : array of float, shape (P,)
        Position that orders the points of a line.
    extra : array of float, shape (P,)
        Extra seconds of the point.
    """

    ends: NDArray[np.int32]
    leave: Floats
    arrive: Floats
    where: Floats
    extra: Floats

    def flipped(self) -> Spots:
        """As a search against the direction of walks sees them."""
        return self._replace(leave=self.arrive, arrive=self.leave)


def take(spots: Spots, rows: NDArray[Any]) -> Spots:
    """Some of the points, by position."""
    # far quicker than indexing with brackets
    parts: list[Any] = [array.take(rows, axis=0) for array in spots]
    return Spots(*parts)


START, END, LINE, OWNER = range(4)
"""Columns of `Spots.ends`."""


def unattached(count: int) -> Spots:
    """Points to be filled in: nowhere, and at no node in no time."""
    index = np.full((count, 4), -1, dtype=np.int32)
    index[:, OWNER] = 0
    leave, arrive = np.zeros((count, 2)), np.zeros((count, 2))
    leave[:, 1] = arrive[:, 1] = np.inf
    return Spots(index, leave, arrive, np.zeros(count), np.zeros(count))


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
    check_ends(graph, ends, role=role)
    spots = unattached(len(ends))
    spots.ends[:, START] = ends.node
    spots.extra[:] = ticks(ends.extra_s)
    on = np.flatnonzero(ends.edge >= 0)
    edge = ends.edge[on]
    nodes = graph.tail[edge], graph.head[edge]
    spots.ends[on] = np.column_stack([*nodes, edge, graph.owner[edge]])
    spots.where[on] = ends.along[on]
    ahead, ahead_left = _split(graph.forward_s[edge], ends.along[on])
    behind, behind_left = _split(graph.backward_s[edge], ends.along[on])
    spots.leave[on] = np.column_stack([behind, ahead_left])
    spots.arrive[on] = np.column_stack([ahead, behind_left])
    return spots


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


def check_ends(graph: SearchGraph, ends: Ends, *, role: str) -> None:
    """Refuse points that do not fit the network.

    Raises
    ------
    OptionError
        Names edges, nodes, shares or seconds that cannot be used.
    """
    on = ends.edge >= 0
    wrong = [
        *wrong_entries("edge", ends.edge, ends.edge >= graph.n_edges),
        *wrong_entries("node", ends.node, ends.node >= graph.n_nodes),
        *wrong_entries("along", ends.along, on & ~((ends.along >= 0) & (ends.along <= 1))),
        *wrong_entries("extra_s", ends.extra_s, ~(ends.extra_s >= 0) | np.isinf(ends.extra_s)),
    ]
    if wrong:
        raise OptionError(f"{role} do not fit the network: {'; '.join(wrong)}")


def usable_by(spots: Spots, owner: int) -> Flags:
    """Which points a walk with this allowed owner can begin or end at."""
    owners = spots.ends[:, OWNER]
    return np.asarray((spots.ends[:, START] >= 0) & ((owners == 0) | (owners == owner)))
