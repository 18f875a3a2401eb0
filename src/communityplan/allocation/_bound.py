"""A lower bound for a placing by Lagrangian relaxation, and what it proves about each site.

"Everybody goes to one site" is relaxed at a price per row [1]_. For any prices the relaxed problem
is solved by opening the sites with the largest gains, and its value is a bound; the prices that
make it highest are sought along averaged subgradients.

References
----------
.. [1] Cornuéjols, G., Fisher, M. L., Nemhauser, G. L. (1977). Location of bank accounts to
   optimize float. Management Science 23(8), 789-810. doi:10.1287/mnsc.23.8.789
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from communityplan.allocation._highs import Clock

__all__ = ["Ascent", "Effort", "Part", "raise_bound", "settle"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

MEMORY = 0.3
"""Weight of the newest subgradient in the direction of the next step."""

OVERSHOOT = 0.02
"""The steps aim a little above the best known cost, or they would stall just below it."""

LEAST_STRIDE = 2e-3
"""Shorter steps no longer move the bound."""

KEPT_SETS = 40

PAIRS_PER_SITE = 1000
"""With fewer pairs per open site one pass over all pairs is quicker than a loop over sites."""


@dataclass(frozen=True)
class Part:
    """The undecided part of a placing: some sites are open for good, others shut.

    Attributes
    ----------
    sites : array of int
        The undecided candidates.
    n_open : int
        How many of them open.
    site, row : array of int
        Pairs, ordered by site; sites are positions in `sites`.
    cost : array of float
        Cost of each pair.
    ceiling : array of float
        Highest useful price of each row: what it costs without any undecided site.
    """

    sites: Ints
    n_open: int
    site: Ints
    row: Ints
    cost: Floats
    ceiling: Floats


@dataclass(frozen=True)
class Effort:
    """How hard to try: numbers of steps, not seconds, so that the answer repeats.

    Attributes
    ----------
    steps : int
        Most steps.
    stride : float
        First step length, relative to the gap.
    patience : int
        Steps without progress before the stride is halved.
    """

    steps: int
    stride: float
    patience: int


@dataclass(frozen=True)
class Ascent:
    """What the ascent found.

    Attributes
    ----------
    bound : float
        No solution of this part costs less.
    price : array of float
        The prices that prove it.
    gain : array of float
        Gain of each undecided site at those prices.
    share : array of float
        How often each site was open of late, 0 to 1.
    shut, opened : array of bool
        Sites that every better solution leaves shut, or opens.
    sets : list of array of int
        Sets of open sites met on the way up, the latest last.
    """

    bound: float
    price: Floats
    gain: Floats
    share: Floats
    shut: Flags
    opened: Flags
    sets: list[Ints]


def raise_bound(part: Part, price: Floats, target: float, effort: Effort, clock: Clock) -> Ascent:
    """Raise the bound of a part until it reaches the target or the effort is spent.

    Parameters
    ----------
    part : Part
        The undecided part; at least one site opens and one stays undecided.
    price : array of float
        Prices to begin with.
    target : float
        Cost that a solution has to beat; reaching it proves that none does.
    effort : Effort
        When to give up.
    clock : Clock
        When to stop at the latest; one step is always made.
    """
    ledger = _Ledger(part, target)
    price = np.minimum(price, part.ceiling)
    stride, stale, direction = effort.stride, 0, None
    for _ in range(effort.steps):
        bound, slope = ledger.value(price)
        stale = 0 if ledger.has_risen else stale + 1
        if ledger.bound >= target or stride < LEAST_STRIDE or clock.is_over():
            break
        if stale >= effort.patience:
            price, stride, stale, direction = ledger.price, stride / 2, 0, None
            continue
        direction = slope if direction is None else MEMORY * slope + (1 - MEMORY) * direction
        # not a BLAS product: its sum depends on the number of threads
        size = float(np.square(direction).sum())
        if size == 0.0:
            break
        length = stride * (target + OVERSHOOT * abs(target) - bound) / size
        price = np.clip(price + length * direction, 0.0, part.ceiling)
    return ledger.result()


def settle(gain: Floats, n_open: int, bound: float, target: float) -> tuple[Flags, Flags]:
    """Which sites no solution below the target opens, and which all of them open.

    Parameters
    ----------
    gain : array of float
        Gain of each site at the prices of the bound.
    n_open : int
        How many of them open, at least one.
    bound : float
        Value of the relaxed problem at those prices.
    target : float
        Solutions that cost as much do not matter.
    """
    order = np.argsort(-gain, kind="stable")
    is_best = np.zeros(len(gain), dtype=bool)
    is_best[order[:n_open]] = True
    weakest = gain[order[n_open - 1]]
    runner_up = gain[order[n_open]] if len(order) > n_open else 0.0
    # changing the state of one site lifts the bound by the difference of the gains
    shut = ~is_best & (bound + weakest - gain >= target)
    opened = is_best & (bound + gain - runner_up >= target)
    return shut, opened


class _Ledger:
    """Values the relaxed problem and keeps the best bound and what it proves."""

    def __init__(self, part: Part, target: float) -> None:
        count = len(part.sites)
        self._part, self._target = part, target
        self._begin = np.searchsorted(part.site, np.arange(count + 1))
        self._filled = np.flatnonzero(np.diff(self._begin))
        self._share = np.zeros(count)
        self._shut, self._opened = np.zeros(count, bool), np.zeros(count, bool)
        self._gain = np.zeros(count)
        self._sets: dict[bytes, Ints] = {}
        self.bound, self.price = -np.inf, part.ceiling
        self.has_risen = False

    def value(self, price: Floats) -> tuple[float, Floats]:
        """Bound at these prices and its slope."""
        part = self._part
        over = price[part.row]
        over -= part.cost
        np.maximum(over, 0.0, out=over)
        gain = np.zeros(len(part.sites))
        if len(self._filled):
            gain[self._filled] = np.add.reduceat(over, self._begin[self._filled])
        best = np.sort(np.argsort(-gain, kind="stable")[: part.n_open])
        bound = float(price.sum() - gain[best].sum())
        self._note(bound, price, gain, best)
        return bound, self._slope(over, best)

    def _slope(self, over: Floats, best: Ints) -> Floats:
        """One for each row, less the open sites that would serve it."""
        part, rows = self._part, len(self._part.ceiling)
        slope = np.ones(rows)
        if len(over) < PAIRS_PER_SITE * len(best):
            is_best = np.zeros(len(part.sites), dtype=bool)
            is_best[best] = True
            served = part.row[is_best[part.site] & (over > 0.0)]
            return slope - np.bincount(served, minlength=rows)
        for site in best:
            here = slice(self._begin[site], self._begin[site + 1])
            slope[part.row[here][over[here] > 0.0]] -= 1.0
        return slope

    def _note(self, bound: float, price: Floats, gain: Floats, best: Ints) -> None:
        shut, opened = settle(gain, self._part.n_open, bound, self._target)
        self._shut |= shut
        self._opened |= opened
        self._share *= 0.9
        self._share[best] += 0.1
        self.has_risen = bound > self.bound + 1e-5 * abs(self._target)
        if bound > self.bound:
            self.bound, self.price, self._gain = bound, price, gain
            self._sets.pop(best.tobytes(), None)
            self._sets[best.tobytes()] = best

    def result(self) -> Ascent:
        """The best bound and all that was proved on the way."""
        sets = list(self._sets.values())[-KEPT_SETS:]
        return Ascent(
            self.bound, self.price, self._gain, self._share, self._shut, self._opened, sets
        )
