"""Good first solutions of a placing: greedy and random sets, improved by swaps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from communityplan.allocation._highs import Clock
from communityplan.allocation._placing import Placing, add_greedily, improve

__all__ = ["first_sets"]

Ints = NDArray[np.int64]

SAMPLE_ROWS = 1500
"""Rows that stand for all while looking for starts; the result is improved on all rows."""

MOST_STARTS = 20
START_WORK = 2e6
"""Pairs looked at, about, over all random starts."""


def first_sets(placing: Placing, clock: Clock) -> list[Ints]:
    """Sets of sites that no single swap improves, the best first.

    Parameters
    ----------
    placing : Placing
        The problem.
    clock : Clock
        When to stop; the greedy set is always there.
    """
    # one seed for every problem: the same input has to give the same answer
    generator = np.random.default_rng(0)
    rows = len(placing.outside)
    if rows <= 2 * SAMPLE_ROWS:
        return [sites for sites, _ in _improved(placing, generator, clock)]
    chosen = np.sort(generator.choice(rows, SAMPLE_ROWS, replace=False))
    sampled = _improved(placing.sample(chosen), generator, clock)
    return [improve(placing, sites)[0] for sites, _ in sampled[:1]]


def _improved(
    placing: Placing, generator: np.random.Generator, clock: Clock
) -> list[tuple[Ints, float]]:
    found = [improve(placing, add_greedily(placing))]
    for _ in range(_number_of_starts(placing)):
        if clock.is_over():
            break
        found.append(improve(placing, _random_set(placing, generator)))
    return sorted(found, key=lambda each: (each[1], each[0].tolist()))


def _random_set(placing: Placing, generator: np.random.Generator) -> Ints:
    optional = np.setdiff1d(np.arange(placing.n_sites), placing.required)
    missing = placing.n_open - len(placing.required)
    return np.concatenate([placing.required, generator.choice(optional, missing, replace=False)])


def _number_of_starts(placing: Placing) -> int:
    work = (len(placing.cost) + placing.n_sites * placing.n_open + 1) * max(placing.n_open, 1)
    return int(min(START_WORK // work, MOST_STARTS))
