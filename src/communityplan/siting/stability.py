"""How far an order holds when the weights of its criteria change.

Every criterion is between 0 and 1 and larger is better; the weights are not negative and sum to 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Stability", "pareto_front", "simplex_points", "stability"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

POINTS_LOG2 = 11
"""2,048 weightings: shares of them are right to about half a per cent with three criteria."""

DIGITS = 12
"""Scores that agree to so many digits are equal: rounding decides no rank."""

CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Stability:
    """Ranks over all weightings.

    Attributes
    ----------
    rank_low, rank_high : array of int, shape (B,)
        Best and worst rank.
    first_share : array of float, shape (B,)
        Share of the weightings under which a building is first; equals share a place.
    """

    rank_low: Ints
    rank_high: Ints
    first_share: Floats


def simplex_points(n: int) -> Floats:
    """Weights of n criteria, spread evenly over all there are: always the same 2,048.

    Parameters
    ----------
    n : int

    Returns
    -------
    array of float, shape (2048, n)
        Each row sums to 1. One row for a single criterion.

    Notes
    -----
    Spaces between sorted points of an unscrambled Sobol sequence in n - 1 dimensions, each moved
    by half a step off the edge; sorting maps the cube evenly onto the simplex (Devroye 1986,
    chapter 5).

    Examples
    --------
    >>> from communityplan.siting.stability import simplex_points
    >>> simplex_points(3).shape, simplex_points(3).mean(axis=0).round(2).tolist()
    ((2048, 3), [0.33, 0.33, 0.33])
    """
    if n == 1:
        return np.ones((1, 1))
    from scipy.stats import qmc

    cube = qmc.Sobol(n - 1, scramble=False).random_base2(POINTS_LOG2)
    inner = np.sort(cube + 0.5 / len(cube), axis=1)
    return np.diff(inner, axis=1, prepend=0.0, append=1.0)


def stability(worst: Floats, best: Floats, weights: Floats) -> Stability:
    """Rank interval and share of first places over the whole simplex.

    Parameters
    ----------
    worst, best : array of float, shape (B, K)
        Criteria with what is not known taken as the worst, and as the best.
    weights : array of float, shape (K,)
        The weights in use, which are one of the weightings that count for the interval.

    Returns
    -------
    Stability
        The interval is over the points of `simplex_points`, its corners and `weights`; where a
        value is not known it goes from the best that it could bring to the worst.
    """
    n, k = worst.shape
    if not n:
        none = np.zeros(0, dtype=np.int64)
        return Stability(none, none, np.zeros(0))
    points = simplex_points(k)
    every = np.vstack([points, np.eye(k), weights / weights.sum()])
    low = np.full(n, n, dtype=np.int64)
    high = np.ones(n, dtype=np.int64)
    first = np.zeros(n)
    step = max(CELLS_AT_ONCE // max(n, 1), 1)
    for begin in range(0, len(every), step):
        some = every[begin : begin + step]
        scores = np.round(some @ worst.T, DIGITS)
        hopes = np.round(some @ best.T, DIGITS)
        for row, hope in zip(scores, hopes, strict=True):
            up, hoped = np.sort(row), np.sort(hope)
            # what this one may reach against the others at their worst, and the other way round
            np.minimum(low, n - np.searchsorted(up, hope, side="right") + 1, out=low)
            np.maximum(high, n - np.searchsorted(hoped, row, side="left"), out=high)
        inside = scores[: max(len(points) - begin, 0)]
        leads = inside == inside.max(axis=1, keepdims=True)
        first += (leads / leads.sum(axis=1, keepdims=True)).sum(axis=0)
    return Stability(low, high, first / len(points))


def pareto_front(worst: Floats, best: Floats) -> NDArray[np.bool_]:
    """Buildings that no other is surely as good as on every criterion and better than on one.

    Parameters
    ----------
    worst, best : array of float, shape (B, K)
        Criteria with what is not known taken as the worst, and as the best.

    Examples
    --------
    >>> import numpy as np
    >>> from communityplan.siting.stability import pareto_front
    >>> known = np.array([[1.0, 0.0], [0.0, 1.0], [0.4, 0.4], [0.3, 0.4]])
    >>> pareto_front(known, known).tolist()
    [True, True, True, False]
    """
    front = np.ones(len(worst), dtype=bool)
    for row, hope in enumerate(best):
        beaten = (worst >= hope).all(axis=1) & (worst > hope).any(axis=1)
        front[row] = not beaten.any()
    return front
