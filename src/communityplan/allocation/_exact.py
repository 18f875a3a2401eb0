"""Solve a placing: swaps find a good one; bounds, small models and branching prove the best."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from communityplan.allocation._bound import Ascent, Effort, Part, raise_bound, settle
from communityplan.allocation._highs import Clock, solve
from communityplan.allocation._levels import as_levels, as_model, unmerged_size
from communityplan.allocation._placing import (
    Placing,
    add_greedily,
    improve,
    nearest_two,
    total_cost,
)
from communityplan.allocation._starts import first_set, number_of_starts

__all__ = ["Placed", "bound_only", "place"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

AT_ROOT = Effort(steps=180, stride=1.0, patience=10)
IN_BRANCH = Effort(steps=60, stride=0.3, patience=8)
ROUNDING = 1e-9
"""Costs nearer than this, relatively, are the same."""

MANY_SITES = 11
"""Where more than one in so many candidates opens, people look at few sites: models stay small
and branching is slow."""

MODELS_OF_FEW = {0: 250_000, 100: 600_000, 3000: 5_000_000}
MODELS_OF_MANY = {0: 250_000, 10: 1_000_000, 300: 5_000_000}
"""After so many nodes, models up to this `Levels.size` are given to HiGHS: the first takes it well
under a second, the last some ten."""

QUICK_SWAPS = 60
"""With more open sites a swap takes longer than it gains while bounds are still poor."""

SAMPLE_ROWS = 1500
"""Rows that stand for all in the search for a first solution."""

SAMPLE_NODES = 30
"""Branches of that search, which need not be proven."""

MOST_UNMERGED = 2_000_000
"""Members of all sets before equal ones are merged that are worth the sorting."""

GUESSES = (1.0, *(2.0**-power for power in range(8, 0, -1)), 1.0)
"""Where between the bound and the best cost a small model looks for something better."""


@dataclass(frozen=True)
class Placed:
    """Where sites open.

    Attributes
    ----------
    sites : array of int
        Open candidates, sorted.
    cost, bound : float
        Cost of everybody, and what no choice can go below.
    is_interrupted : bool
        Whether the user stopped the search.
    """

    sites: Ints
    cost: float
    bound: float
    is_interrupted: bool = False


def place(placing: Placing, clock: Clock, start: Ints | None = None) -> Placed:
    """The best sites of a placing, proven where the clock allows.

    Parameters
    ----------
    placing : Placing
        The problem.
    clock : Clock
        When to stop; a first bound is always made.
    start : array of int, optional
        Sites to begin with.
    """
    search = _Search(placing, clock)
    if start is not None:
        search.offer(start)
    try:
        search.prove()
    except KeyboardInterrupt:
        if not np.isfinite(search.cost):
            raise
        search.is_interrupted = True
    return search.result()


def bound_only(placing: Placing, clock: Clock, start: Ints) -> Placed:
    """Sites as they are, with a bound that tells how far from the best they may be."""
    search = _Search(placing, clock)
    search.offer(start)
    sites, cost = search.sites, search.cost
    try:
        search.bound_root()
    except KeyboardInterrupt:
        search.is_interrupted = True
    found = search.result()
    return Placed(sites, cost, found.bound, found.is_interrupted)


@dataclass(frozen=True)
class _Node:
    """A part of the search: these open, those undecided, the rest shut."""

    opened: Ints
    undecided: Ints
    price: Floats


class _Search:
    """Best-first branch and bound on which sites open."""

    def __init__(self, placing: Placing, clock: Clock, *, most_nodes: float = np.inf) -> None:
        self.is_interrupted = False
        self._placing, self._near, self._clock = placing, placing, clock
        self._indptr = placing.indptr()
        self._ceiling = placing.outside
        self._least_step = 1.0 - 1e-6 if placing.is_whole() else 0.0
        self._best: tuple[float, Ints] = (np.inf, np.empty(0, dtype=np.int64))
        self._root: tuple[_Node, Ascent] | None = None
        # at any moment every choice is in what waits, in hand, or above the floor
        self._waiting: list[tuple[float, int, _Node]] = []
        self._in_hand = 0.0
        self._floor = 0.0
        self._pushed = self._visited = 0
        self._most_nodes = most_nodes
        self._seen: set[bytes] = set()

    @property
    def cost(self) -> float:
        """Cost of the best solution so far."""
        return self._best[0]

    @property
    def sites(self) -> Ints:
        """Sites of the best solution so far."""
        return self._best[1]

    @property
    def target(self) -> float:
        """What a better solution has to stay below."""
        return self.cost - max(self._least_step, ROUNDING * abs(self.cost))

    def offer(self, sites: Ints) -> None:
        """Keep a solution where it is the best so far."""
        cost = total_cost(self._placing, sites, self._indptr)
        if cost < self.cost:
            self._best = (cost, np.sort(sites))

    def prove(self) -> None:
        """Find better solutions and branch until none can be left, or time is up."""
        is_worth_improving = self._begin()
        self.bound_root(with_swaps=is_worth_improving)
        has_few = self._placing.n_open * MANY_SITES <= self._placing.n_sites
        models = MODELS_OF_FEW if has_few else MODELS_OF_MANY
        while self._waiting and not self._clock.is_over() and self._visited < self._most_nodes:
            if self._visited in models:
                # with few sites branching is quick, and one model is tried before it
                guesses = GUESSES[:1] if has_few and not self._visited else GUESSES
                self._squeeze(guesses, models[self._visited])
            self._in_hand = self._waiting[0][0]
            bound, _, node = heapq.heappop(self._waiting)
            if max(bound, self._floor) < self.target:
                self._visit(node, bound)
            self._in_hand = np.inf

    def _begin(self) -> bool:
        """First solutions; whether swaps are quick enough to improve more of them."""
        placing = self._placing
        has_many_rows = len(placing.outside) > 2 * SAMPLE_ROWS
        if has_many_rows:
            self.offer(self._best_of_sample())
        elif not np.isfinite(self.cost):
            self.offer(add_greedily(placing))
        self._look_near()
        if not has_many_rows and number_of_starts(placing):
            self.offer(first_set(placing, self._clock))
        is_quick = placing.n_open <= QUICK_SWAPS
        if is_quick:
            self.offer(improve(self._near, self.sites)[0])
        return is_quick

    def _best_of_sample(self) -> Ints:
        """The best solution for some of the rows."""
        generator = np.random.default_rng(0)
        rows = len(self._placing.outside)
        chosen = np.sort(generator.choice(rows, SAMPLE_ROWS, replace=False))
        clock = Clock(self._clock.left_s() / 4)
        search = _Search(self._placing.sample(chosen), clock, most_nodes=SAMPLE_NODES)
        search.prove()
        return search.sites

    def bound_root(self, *, with_swaps: bool = False) -> None:
        """The first bound, over all choices."""
        placing = self._placing
        undecided = np.setdiff1d(np.arange(placing.n_sites), placing.required)
        if placing.n_open - len(placing.required) in (0, len(undecided)):
            self._floor, self._in_hand = self.cost, np.inf
            return
        self._look_near()
        node = _Node(placing.required, undecided, self._first_price())
        part = _part(node, self._near, self._ceiling)
        ascent = raise_bound(part, node.price, self.target, AT_ROOT, self._clock)
        self._floor = max(ascent.bound, 0.0)
        self._root = (node, ascent)
        if with_swaps:
            self._try_sets(node, ascent)
        self._branch(node, ascent, ascent.bound)
        self._in_hand = np.inf

    def result(self) -> Placed:
        """The best solution and the lowest bound of what was not looked at."""
        lowest = min([self.cost, self._in_hand, *(bound for bound, _, _ in self._waiting)])
        lowest = max(lowest, self._floor)
        if self._least_step:
            lowest = float(np.ceil(lowest - 1e-6))
        if lowest >= self.target:
            lowest = self.cost
        return Placed(self.sites, self.cost, float(lowest), self.is_interrupted)

    def _look_near(self) -> None:
        """From here on no price is above the third nearest open site.

        Any ceiling keeps the bound valid; this one costs it little and leaves out most pairs.
        """
        placing = self._placing
        if self._near is placing and placing.n_open >= 3:
            self._ceiling = self._third_nearest()
            self._near = placing.only(placing.cost < self._ceiling[placing.row])

    def _third_nearest(self) -> Floats:
        nearest = np.tile(self._placing.outside, (3, 1))
        for site in self.sites:
            here = slice(self._indptr[site], self._indptr[site + 1])
            rows = self._placing.row[here]
            stack = np.vstack([nearest[:, rows], self._placing.cost[here]])
            nearest[:, rows] = np.sort(stack, axis=0)[:3]
        return np.asarray(nearest[2])

    def _first_price(self) -> Floats:
        _, first, second = nearest_two(self._placing, self.sites, self._indptr)
        return np.asarray(first + 0.7 * (np.minimum(second, self._ceiling) - first))

    def _visit(self, node: _Node, known: float) -> None:
        part = _part(node, self._near, self._ceiling)
        ascent = raise_bound(part, node.price, self.target, IN_BRANCH, self._clock)
        self._visited += 1
        best = np.argsort(-ascent.gain, kind="stable")[: part.n_open]
        self._try(np.concatenate([node.opened, node.undecided[best]]))
        self._branch(node, ascent, max(ascent.bound, known))

    def _try_sets(self, node: _Node, ascent: Ascent) -> None:
        """Improve the cheapest of the sets met on the way up."""
        sets = [np.concatenate([node.opened, node.undecided[each]]) for each in ascent.sets]
        indptr = self._near.indptr()
        sets.sort(key=lambda sites: total_cost(self._near, sites, indptr))
        for sites in sets[:2]:
            self._try(sites)

    def _try(self, sites: Ints) -> None:
        sites = np.sort(sites)
        if sites.tobytes() in self._seen:
            return
        self._seen.add(sites.tobytes())
        if total_cost(self._placing, sites, self._indptr) < self.cost * 1.01:
            self.offer(improve(self._near, sites)[0])

    def _branch(self, node: _Node, ascent: Ascent, bound: float) -> None:
        if bound >= self.target:
            return
        opened = np.concatenate([node.opened, node.undecided[ascent.opened]])
        keep = ~(ascent.shut | ascent.opened)
        undecided = node.undecided[keep]
        if self._is_settled(opened, undecided):
            return
        doubtful = int(np.argmin(np.abs(ascent.share[keep] - 0.5)))
        rest = np.delete(undecided, doubtful)
        with_it = np.append(opened, undecided[doubtful])
        for branch, choices in ((with_it, rest), (opened, rest)):
            if not self._is_settled(branch, choices):
                self._wait(bound, _Node(branch, choices, ascent.price))

    def _is_settled(self, opened: Ints, undecided: Ints) -> bool:
        """Whether nothing is left to choose; the one solution that may be left is looked at."""
        missing = self._placing.n_open - len(opened)
        if missing < 0 or len(undecided) < missing:
            return True
        if missing in (0, len(undecided)):
            self.offer(np.concatenate([opened, undecided[:missing]]))
            return True
        return False

    def _wait(self, bound: float, node: _Node) -> None:
        self._pushed += 1
        heapq.heappush(self._waiting, (bound, self._pushed, node))

    def _squeeze(self, guesses: Sequence[float], largest: int) -> None:
        """Models of what may cost less than a goal: small while the goal is near the bound."""
        for guess in guesses:
            if self._root is None or self._clock.is_over() or self._floor >= self.target:
                return
            self._solve_below(self._floor + guess * (self.target - self._floor), largest)

    def _solve_below(self, goal: float, largest: int) -> None:
        """Find the best solution that costs less than a goal, or prove that there is none."""
        if self._root is None:
            return
        node, ascent = self._root
        if self._least_step:
            goal = max(np.ceil(goal), np.ceil(self._floor) + 1.0) - 1e-6
        goal = min(goal, self.target)
        missing = self._placing.n_open - len(node.opened)
        shut, opened = settle(ascent.gain, missing, ascent.bound, goal)
        rest = _Node(
            np.concatenate([node.opened, node.undecided[opened]]),
            node.undecided[~(shut | opened)],
            ascent.price,
        )
        if self._is_settled(rest.opened, rest.undecided):
            self._floor = max(self._floor, min(goal, self.cost))
            return
        part = _part(rest, self._placing, self._placing.outside)
        reach = ascent.price + (goal - ascent.bound)
        if unmerged_size(part, reach) > MOST_UNMERGED:
            return
        levels = as_levels(part, reach)
        if levels.size() > largest:
            return
        solved = solve(as_model(levels, part.n_open), self._clock)
        if solved.values is not None:
            chosen = rest.undecided[solved.values[: len(rest.undecided)] > 0.5]
            self.offer(np.concatenate([rest.opened, chosen]))
        known = solved.bound + levels.fixed if solved.state == "stopped" else np.inf
        self._floor = max(self._floor, min(goal, self.cost, known))
        if solved.is_interrupted:
            raise KeyboardInterrupt


def _part(node: _Node, placing: Placing, ceiling: Floats) -> Part:
    """What a node leaves undecided: the pairs that are cheaper than all that is open."""
    ceiling = ceiling.copy()
    indptr = placing.indptr()
    for site in node.opened:
        here = slice(indptr[site], indptr[site + 1])
        rows = placing.row[here]
        ceiling[rows] = np.minimum(ceiling[rows], placing.cost[here])
    position = np.full(placing.n_sites, -1)
    position[node.undecided] = np.arange(len(node.undecided))
    is_open_question = position[placing.site] >= 0
    pairs = np.flatnonzero(is_open_question & (placing.cost < ceiling[placing.row]))
    return Part(
        sites=node.undecided,
        n_open=placing.n_open - len(node.opened),
        site=position[placing.site[pairs]],
        row=placing.row[pairs],
        cost=placing.cost[pairs],
        ceiling=ceiling,
    )
