"""How much a longer walk counts: weights within 0 and 1, as plain callables of minutes.

A decay takes an array of minutes and gives an array of weights. Any callable of that kind will
do; those made here also say what they are when a result is asked how it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from communityplan.errors import OptionError

__all__ = [
    "Decay",
    "binary",
    "gaussian",
    "linear",
    "logistic",
    "negative_exponential",
    "power",
    "step",
]

Floats = NDArray[np.float64]

STEP_WEIGHTS = (1.0, 0.68, 0.22)
"""Weights of three zones of equal width, Luo & Qi 2009, doi:10.1016/j.healthplace.2009.06.002."""


@dataclass(frozen=True)
class Decay:
    """A weight for every walk: 1 counts in full, 0 not at all.

    Attributes
    ----------
    label : str
        What it is, for the record of a result.
    rule : callable
        From an array of minutes to an array of weights.
    """

    label: str
    rule: Callable[[Floats], Floats]

    def __call__(self, walk_min: Floats) -> Floats:
        """Weights of walks that take `walk_min` [min]."""
        return self.rule(np.asarray(walk_min, dtype=np.float64))

    def __repr__(self) -> str:
        return self.label


def binary(limit_min: float) -> Decay:
    """In full up to the limit, which is inclusive, and not at all beyond it.

    Parameters
    ----------
    limit_min : float
        Limit [min].

    Returns
    -------
    Decay

    Examples
    --------
    >>> from communityplan.access import binary
    >>> binary(15)([10, 15, 16])
    array([1., 1., 0.])
    """
    _positive("binary", limit_min=limit_min)
    return Decay(f"binary(limit_min={limit_min:g})", partial(_binary, limit_min=limit_min))


def step(limits_min: Sequence[float], weights: Sequence[float] = STEP_WEIGHTS) -> Decay:
    """One weight for each zone of minutes, none beyond the last (E2SFCA by Luo & Qi).

    Parameters
    ----------
    limits_min : sequence of float
        Upper limit of each zone, inclusive and rising [min].
    weights : sequence of float, optional
        Weight of each zone, never rising.

    Returns
    -------
    Decay

    Raises
    ------
    OptionError
        When the zones do not rise, or the weights rise, leave 0..1 or are not one a zone.

    References
    ----------
    Luo W, Qi Y (2009). doi:10.1016/j.healthplace.2009.06.002

    Examples
    --------
    >>> from communityplan.access import step
    >>> step((5, 10, 15))([0, 5, 6, 15, 16])
    array([1.  , 1.  , 0.68, 0.22, 0.  ])
    """
    edges = np.asarray(limits_min, dtype=np.float64)
    heights = np.asarray(weights, dtype=np.float64)
    if edges.ndim != 1 or edges.shape != heights.shape or not len(edges):
        raise OptionError(f"step: {edges.size} limits and {heights.size} weights; give one each")
    if not (np.isfinite(edges).all() and edges[0] > 0 and (np.diff(edges) > 0).all()):
        raise OptionError(f"step: limits_min is {list(limits_min)}; give rising minutes above 0")
    if not ((heights >= 0) & (heights <= 1)).all() or (np.diff(heights) > 0).any():
        raise OptionError(f"step: weights is {list(weights)}; give 0..1, never rising")
    label = f"step(limits_min={edges.tolist()}, weights={heights.tolist()})"
    return Decay(label, partial(_step, edges=edges, heights=np.append(heights, 0.0)))


def gaussian(limit_min: float) -> Decay:
    """A bell that is cut so that it is 1 at the door and exactly 0 at the limit (Dai).

    ``(exp(-(t/T)^2 / 2) - exp(-1/2)) / (1 - exp(-1/2))`` with `t` minutes and `T` the limit.

    Parameters
    ----------
    limit_min : float
        Limit [min].

    Returns
    -------
    Decay

    References
    ----------
    Dai D (2010). doi:10.1016/j.healthplace.2010.06.012

    Examples
    --------
    >>> from communityplan.access import gaussian
    >>> gaussian(15)([0, 7.5, 15, 20]).round(4)
    array([1.    , 0.7014, 0.    , 0.    ])
    """
    _positive("gaussian", limit_min=limit_min)
    return Decay(f"gaussian(limit_min={limit_min:g})", partial(_gaussian, limit_min=limit_min))


def negative_exponential(rate_per_min: float) -> Decay:
    """``exp(-rate * t)``: every minute takes off the same share.

    Parameters
    ----------
    rate_per_min : float
        Rate [1/min].

    Returns
    -------
    Decay

    Examples
    --------
    >>> from communityplan.access import negative_exponential
    >>> negative_exponential(0.1)([0, 10]).round(4)
    array([1.    , 0.3679])
    """
    _positive("negative_exponential", rate_per_min=rate_per_min)
    rule = partial(_negative_exponential, rate_per_min=rate_per_min)
    return Decay(f"negative_exponential(rate_per_min={rate_per_min:g})", rule)


def logistic(middle_min: float, spread_min: float) -> Decay:
    """An S that falls most steeply at the middle and is 1 at the door.

    ``(1 + exp(-m*k)) / (1 + exp((t - m)*k))`` with ``k = pi / (s * sqrt(3))``, `m` the middle and
    `s` the standard deviation of the walks that people accept.

    Parameters
    ----------
    middle_min : float
        Where it falls most steeply [min].
    spread_min : float
        Standard deviation [min].

    Returns
    -------
    Decay

    References
    ----------
    Bauer J, Groneberg D A (2016). doi:10.1371/journal.pone.0159148

    Examples
    --------
    >>> from communityplan.access import logistic
    >>> logistic(10, 2)([0, 10, 30]).round(3)
    array([1. , 0.5, 0. ])
    """
    _positive("logistic", middle_min=middle_min, spread_min=spread_min)
    rule = partial(_logistic, middle_min=middle_min, spread_min=spread_min)
    return Decay(f"logistic(middle_min={middle_min:g}, spread_min={spread_min:g})", rule)


def linear(limit_min: float) -> Decay:
    """A straight line from 1 at the door to 0 at the limit.

    Parameters
    ----------
    limit_min : float
        Limit [min].

    Returns
    -------
    Decay

    Examples
    --------
    >>> from communityplan.access import linear
    >>> linear(10)([0, 5, 10, 15])
    array([1. , 0.5, 0. , 0. ])
    """
    _positive("linear", limit_min=limit_min)
    return Decay(f"linear(limit_min={limit_min:g})", partial(_linear, limit_min=limit_min))


def power(exponent: float) -> Decay:
    """``t ** -exponent``, and 1 for walks under a minute, which would weigh more than 1.

    Parameters
    ----------
    exponent : float
        How fast it falls.

    Returns
    -------
    Decay

    Examples
    --------
    >>> from communityplan.access import power
    >>> power(2)([0, 1, 2, 10])
    array([1.  , 1.  , 0.25, 0.01])
    """
    _positive("power", exponent=exponent)
    return Decay(f"power(exponent={exponent:g})", partial(_power, exponent=exponent))


def _positive(decay: str, **parameters: float) -> None:
    for name, value in parameters.items():
        if not (np.isfinite(value) and value > 0):
            raise OptionError(f"{decay}: {name} is {value}; give a number above 0")


def _binary(walk_min: Floats, *, limit_min: float) -> Floats:
    return (walk_min <= limit_min).astype(np.float64)


def _step(walk_min: Floats, *, edges: Floats, heights: Floats) -> Floats:
    return np.asarray(heights[np.searchsorted(edges, walk_min, side="left")], dtype=np.float64)


def _gaussian(walk_min: Floats, *, limit_min: float) -> Floats:
    floor = np.exp(-0.5)
    bell = np.exp(-0.5 * (walk_min / limit_min) ** 2)
    return np.asarray(np.maximum((bell - floor) / (1.0 - floor), 0.0), dtype=np.float64)


def _negative_exponential(walk_min: Floats, *, rate_per_min: float) -> Floats:
    return np.asarray(np.exp(-rate_per_min * walk_min), dtype=np.float64)


def _logistic(walk_min: Floats, *, middle_min: float, spread_min: float) -> Floats:
    steepness = np.pi / (spread_min * np.sqrt(3.0))
    # written with logarithms of sums, so that no walk is long enough to overflow
    at_door = np.logaddexp(0.0, -middle_min * steepness)
    fall = np.exp(at_door - np.logaddexp(0.0, (walk_min - middle_min) * steepness))
    return np.asarray(fall, dtype=np.float64)


def _linear(walk_min: Floats, *, limit_min: float) -> Floats:
    return np.asarray(np.maximum(1.0 - walk_min / limit_min, 0.0), dtype=np.float64)


def _power(walk_min: Floats, *, exponent: float) -> Floats:
    return np.asarray(np.maximum(walk_min, 1.0) ** -exponent, dtype=np.float64)
