"""The network as arrays of whole ticks.

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
    "Flags",
    "Floats",
    "Ints",
    "SearchGraph",
    "build_graph",
    "integers",
    "rounded",
    "rounded_limit",
    "search_limit",
    "ticks",
    "wrong_entries",
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


def search_limit(limit_s: float) -> float:
    """No walk longer than this is within a limit after rounding."""
    return rounded_limit(limit_s) + 2.0**-25


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
    tail_i, head_i = integers(tail), integers(head)
    count = len(tail_i)
    forward = np.atleast_1d(np.asarray(seconds, dtype=np.float64))
    nobody = np.full(count, np.inf)
    backward = nobody if back_seconds is None else np.asarray(back_seconds, dtype=np.float64)
    owners = np.zeros(count, dtype=np.int64) if owner is None else integers(owner)
    place = None if xy is None else np.asarray(xy, dtype=np.float64)
    named = {"head": head_i, "seconds": forward, "back_seconds": backward, "owner": owners}
    wrong = [
        f"{name} has shape {array.shape}, not ({count},)"
        for name, array in named.items()
        if array.shape != (count,)
    ]
    if not wrong:
        wrong = [
            *wrong_entries("tail", tail_i, (tail_i < 0) | (tail_i >= n_nodes)),
            *wrong_entries("head", head_i, (head_i < 0) | (head_i >= n_nodes)),
            *wrong_entries("seconds", forward, ~(forward >= 0)),
            *wrong_entries("back_seconds", backward, ~(backward >= 0)),
            *wrong_entries("owner", owners, owners < 0),
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


def integers(values: ArrayLike) -> Ints:
    """Values as an array of whole numbers."""
    return np.atleast_1d(np.asarray(values, dtype=np.int64))


def wrong_entries(name: str, values: NDArray[Any], bad: Flags) -> list[str]:
    """What to say about values that cannot be used: how many, and the first; empty for none."""
    rows = np.flatnonzero(bad)
    if not len(rows):
        return []
    first = rows[0]
    return [f"{len(rows)} of {name} cannot be used, the first is {values[first]} (row {first})"]
