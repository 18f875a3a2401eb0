"""The questions that can be asked of a network, arrays to arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from communityplan._search.ask import Ask
from communityplan._search.ends import Ends, everywhere
from communityplan._search.engine import answer
from communityplan._search.graph import Floats, Ints, SearchGraph, rounded_limit, wrong_entries
from communityplan.errors import OptionError

__all__ = ["balls", "counts", "nearest", "nearest_nodes", "pairs"]


def pairs(
    graph: SearchGraph,
    origins: Ends,
    destinations: Ends,
    *,
    limit_s: float,
    allowed: ArrayLike | None = None,
    threads: int | None = None,
) -> tuple[Ints, Ints, Floats]:
    """Every pair of an origin and a destination within a limit.

    Parameters
    ----------
    graph : SearchGraph
    origins, destinations : Ends
        O and D points.
    limit_s : float
        Longest walk [s], inclusive.
    allowed : array of int, shape (O,), optional
        The owner whose edges each origin's walks may use besides everyone's; 0 for none.
    threads : int, optional
        Threads to use, all processors unless given; results do not depend on it.

    Returns
    -------
    origin, destination : array of int64, shape (N,)
        Rows in `origins` and `destinations`, sorted by both.
    seconds : array of float, shape (N,)
        Time of the walk [s].

    Raises
    ------
    OptionError
        For points that do not fit the network, or a limit with no meaning.

    Examples
    --------
    Two points on one edge of 100 s, and one at its far node:

    >>> from communityplan._search import Ends, build_graph, pairs
    >>> graph = build_graph(2, [0], [1], [100.0], back_seconds=[100.0])
    >>> pairs(graph, Ends.on_edges([0, 0], [0.2, 0.6]), Ends.at_nodes([1]), limit_s=60)
    (array([1]), array([0]), array([40.]))
    """
    limit = _limit(limit_s)
    owners = _allowed(allowed, len(origins))
    ask = Ask(graph, origins, destinations, owners, limit, _threads(threads))
    return answer(ask, lambda engine: engine.pairs(ask))


def _limit(limit_s: float) -> float:
    if not limit_s >= 0:
        raise OptionError(f"limit_s is {limit_s}; give seconds that are 0 or more")
    return rounded_limit(limit_s)


def _allowed(allowed: ArrayLike | None, count: int) -> Ints:
    owners = np.zeros(count, np.int64) if allowed is None else np.asarray(allowed, np.int64)
    if owners.shape != (count,):
        raise OptionError(f"allowed has shape {owners.shape}, there are {count} origins")
    return owners


def _threads(threads: int | None) -> int:
    if threads is None:
        return os.cpu_count() or 1
    if threads < 1:
        raise OptionError(f"threads is {threads}; give 1 or more")
    return threads


def nearest(
    graph: SearchGraph,
    origins: Ends,
    destinations: Ends,
    *,
    k: int = 1,
    limit_s: float = np.inf,
    allowed: ArrayLike | None = None,
    threads: int | None = None,
) -> tuple[Ints, Floats]:
    """The k destinations that each origin reaches soonest.

    Parameters
    ----------
    graph : SearchGraph
    origins, destinations : Ends
        O and D points.
    k : int
        How many destinations.
    limit_s : float
        Longest walk [s], inclusive.
    allowed, threads
        As in `pairs`.

    Returns
    -------
    destination : array of int64, shape (O, k)
        Rows in `destinations`, soonest first, equal times by row; -1 where there is none.
    seconds : array of float, shape (O, k)
        Time of the walk [s], nan where there is none.

    Raises
    ------
    OptionError
        For points that do not fit the network, a limit or a `k` with no meaning.

    Examples
    --------
    >>> from communityplan._search import Ends, build_graph, nearest
    >>> graph = build_graph(3, [0, 1], [1, 2], [60.0, 30.0], back_seconds=[60.0, 30.0])
    >>> nearest(graph, Ends.at_nodes([1]), Ends.at_nodes([0, 2]), k=3)
    (array([[ 1,  0, -1]]), array([[30., 60., nan]]))
    """
    limit = _limit(limit_s)
    if k < 1:
        raise OptionError(f"k is {k}; give 1 or more")
    owners = _allowed(allowed, len(origins))
    ask = Ask(graph, origins, destinations, owners, limit, _threads(threads))
    return answer(ask, lambda engine: engine.nearest(ask, k))


def nearest_nodes(
    graph: SearchGraph,
    destinations: Ends,
    *,
    k: int = 1,
    limit_s: float = np.inf,
    threads: int | None = None,
) -> tuple[Ints, Floats]:
    """The k destinations that are soonest reached from every node.

    Parameters
    ----------
    graph : SearchGraph
    destinations : Ends
        D points.
    k, limit_s, threads
        As in `nearest`.

    Returns
    -------
    destination : array of int64, shape (n_nodes, k)
        As in `nearest`.
    seconds : array of float, shape (n_nodes, k)
        Time of the walk [s], nan where there is none.
    """
    return nearest(graph, everywhere(graph), destinations, k=k, limit_s=limit_s, threads=threads)


def counts(
    graph: SearchGraph,
    origins: Ends,
    destinations: Ends,
    *,
    limits_s: Sequence[float],
    weights: ArrayLike,
    allowed: ArrayLike | None = None,
    per: str = "origin",
    threads: int | None = None,
) -> tuple[Ints, Floats]:
    """How many points, and how much weight, lie within limits: no table of pairs is made.

    Walks always go from origins to destinations. With ``per="origin"`` it is the destinations
    that are counted (places within 10 minutes of every home), with ``per="destination"`` the
    origins (people within 10 minutes of every candidate).

    Parameters
    ----------
    graph : SearchGraph
    origins, destinations : Ends
        O and D points.
    limits_s : sequence of float, length L
        Longest walks [s], inclusive.
    weights : array of float
        Weight of every point that is counted: shape (D,), or (O,) with ``per="destination"``.
        Sums are exact to 2**-53 of the sum of all weights, and exact for whole numbers.
    allowed, threads
        As in `pairs`.
    per : {"origin", "destination"}
        Who has a row in the result.

    Returns
    -------
    count : array of int64, shape (O, L) or (D, L)
        Number of points within each limit.
    weight : array of float, shape (O, L) or (D, L)
        Their weight.

    Raises
    ------
    OptionError
        For points that do not fit the network, limits or weights with no meaning.

    Examples
    --------
    >>> from communityplan._search import Ends, build_graph, counts
    >>> graph = build_graph(3, [0, 1], [1, 2], [60.0, 30.0], back_seconds=[60.0, 30.0])
    >>> homes, shops = Ends.at_nodes([1]), Ends.at_nodes([0, 2])
    >>> counts(graph, homes, shops, limits_s=[30, 60], weights=[5, 7])
    (array([[1, 2]]), array([[ 7., 12.]]))
    """
    if per not in {"origin", "destination"}:
        raise OptionError(f"per is {per!r}; give 'origin' or 'destination'")
    limits = [_limit(limit) for limit in limits_s]
    by_origin = per == "origin"
    weight = _weights(weights, len(destinations if by_origin else origins))
    owners = _allowed(allowed, len(origins))
    ask = Ask(graph, origins, destinations, owners, max(limits, default=0.0), _threads(threads))
    return answer(ask, lambda engine: engine.counts(ask, limits, weight, by_origin=by_origin))


def _weights(weights: ArrayLike, count: int) -> Floats:
    """Weights as multiples of a power of two that is small enough for exact sums in any order."""
    weight = np.array(weights, dtype=np.float64)
    if weight.shape != (count,):
        raise OptionError(f"weights have shape {weight.shape}, {count} points are counted")
    wrong = wrong_entries("weights", weight, ~np.isfinite(weight))
    if wrong:
        raise OptionError(f"{wrong[0]}; give finite numbers")
    everything = np.abs(weight).sum()
    if everything == 0:
        return weight
    unit = 2.0 ** (np.ceil(np.log2(everything)) - 53)
    return np.asarray(np.rint(weight / unit) * unit)


def balls(
    graph: SearchGraph,
    ends: Ends,
    *,
    limit_s: float,
    reverse: bool = False,
    allowed: ArrayLike | None = None,
    threads: int | None = None,
) -> tuple[Ints, Ints, Floats]:
    """The nodes each point reaches within a limit, or that reach it.

    Parameters
    ----------
    graph : SearchGraph
    ends : Ends
        P points.
    limit_s : float
        Longest walk [s], inclusive.
    reverse : bool
        Walks from the nodes to the points instead of from the points to the nodes.
    allowed : array of int, shape (P,), optional
        The owner whose edges the walks of each point may use, in either direction.
    threads : int, optional
        As in `pairs`.

    Returns
    -------
    offsets : array of int64, shape (P + 1,)
        The nodes of point p are ``node[offsets[p]:offsets[p + 1]]``.
    node : array of int64
        Nodes, in ascending order for each point.
    seconds : array of float
        Time of the walk between point and node [s].

    Examples
    --------
    >>> from communityplan._search import Ends, balls, build_graph
    >>> graph = build_graph(3, [0, 1], [1, 2], [60.0, 30.0], back_seconds=[60.0, 30.0])
    >>> balls(graph, Ends.on_edges([0], [0.75]), limit_s=15)
    (array([0, 1]), array([1]), array([15.]))
    """
    limit = _limit(limit_s)
    owners = _allowed(allowed, len(ends))
    ask = Ask(graph, ends, everywhere(graph), owners, limit, _threads(threads))
    point, node, seconds = answer(ask, lambda engine: engine.balls(ask, reverse=reverse))
    return np.searchsorted(point, np.arange(len(ends) + 1)), node, seconds
