"""Good first solutions of a placing: greedy and random sets, improved by swaps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from communityplan.allocation._highs import Clock
from communityplan.allocation._placing import Placing, add_greedily, improve

__all__ = ["first_set", "number_of_starts"]

Ints = NDArray[np.int64]

MOST_STARTS = 8
START_WORK = 2e6
"""Pairs looked at, about, over all random starts."""


def first_set(placing: Placing, clock: Clock) -> Ints:
    """The best of several sets that no single swap improves.

    Parameters
    ----------
    placing : Placing
        The problem.
    clock : Clock
        When to stop; the greedy set is always there.
    """
    # one seed for every problem: the same input has to give the same answer
    generator = np.random.default_rng(0)
    found = [improve(placing, add_greedily(placing))]
    for _ in range(number_of_starts(placing)):
        if clock.is_over():
            break
        found.append(improve(placing, _random_set(placing, generator)))
    best = min(found, key=lambda each: (each[1], each[0].tolist()))
    return best[0]


def _random_set(placing: Placing, generator: np.random.Generator) -> Ints:
    optional = np.setdiff1d(np.arange(placing.n_sites), placing.required)
    missing = placing.n_open - len(placing.required)
    return np.concatenate([placing.required, generator.choice(optional, missing, replace=False)])


def number_of_starts(placing: Placing) -> int:
    """How many random sets are worth their time: none where each takes long to improve."""
    work = (len(placing.cost) + placing.n_sites * placing.n_open + 1) * max(placing.n_open, 1)
    return int(min(START_WORK // work, MOST_STARTS))
