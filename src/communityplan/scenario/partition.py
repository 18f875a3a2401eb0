"""Communities into units with a centre each: exact by set partitioning, else step by step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from communityplan.scenario.contiguity import connected_sets

__all__ = ["Partition", "Plots", "partition"]

Floats = NDArray[np.float64]

MOST_UNITS = 20_000
MOST_COLUMNS = 60_000
"""Units, and units with a centre, up to which all are looked at."""

SAME = 1e-6
"""Sums of people that differ by less are equal."""


@dataclass(frozen=True)
class Plots:
    """Communities, what lies beside what, and whom each building would serve.

    Attributes
    ----------
    ids : tuple of str
    people : array of float, shape (N,)
    neighbours : tuple of int
        As bits.
    centres : tuple of str
    costs : array of float, shape (C,)
        Missing where not given [yuan].
    served : array of float, shape (N, C)
        People of each community within the walk of each building.
    """

    ids: tuple[str, ...]
    people: Floats
    neighbours: tuple[int, ...]
    centres: tuple[str, ...]
    costs: Floats
    served: Floats

    def serving(self, served: Floats) -> Plots:
        """The same with the people served."""
        return replace(self, served=served)

    @property
    def without_cost(self) -> list[str]:
        """Buildings whose cost is not given."""
        return [name for name, cost in zip(self.centres, self.costs, strict=True) if np.isnan(cost)]

    @property
    def weight(self) -> Floats:
        """What a centre counts for when all else is equal: its cost, or one where some are not
        given.
        """
        return np.ones(len(self.costs)) if self.without_cost else self.costs

    def people_of(self, members: Sequence[int]) -> float:
        """People of some communities."""
        return float(self.people[list(members)].sum())

    def served_of(self, members: Sequence[int], centre: int) -> float:
        """Of these, people whom a building serves; none serves nobody."""
        return float(self.served[list(members), centre].sum()) if centre >= 0 else 0.0


@dataclass(frozen=True)
class Partition:
    """Units and their centres.

    Attributes
    ----------
    members : tuple of tuple of int
        Communities of each unit.
    centres : tuple of int
        The building of each unit, -1 for none.
    method : {"exact", "stopped", "greedy"}
    bound : float
        No grouping serves more people in units of the right size (with `alone`: more people).
    gap : float
        How far below the bound this one may be, as a share of it.
    """

    members: tuple[tuple[int, ...], ...]
    centres: tuple[int, ...]
    method: str
    bound: float
    gap: float

    @property
    def n_centres(self) -> int:
        """How many buildings are used."""
        return sum(centre >= 0 for centre in self.centres)

    def facts(self, plots: Plots, sizes: tuple[float, float]) -> dict[str, Any]:
        """Its sums."""
        people = np.array([plots.people_of(unit) for unit in self.members])
        served = np.array(
            [plots.served_of(u, c) for u, c in zip(self.members, self.centres, strict=True)]
        )
        right = (sizes[0] <= people) & (people <= sizes[1])
        used = [centre for centre in self.centres if centre >= 0]
        return {
            "units": len(self.members),
            "centres": len(used),
            "people": float(people.sum()),
            "people_in_size": float(people[right].sum()),
            "people_served": float(served.sum()),
            "served_in_size": float(served[right].sum()),
            "cost_yuan": float(plots.costs[used].sum()),
        }


@dataclass(frozen=True)
class _Columns:
    """Units with a centre or without, to choose from."""

    members: tuple[tuple[int, ...], ...]
    centre: NDArray[np.int64]
    goals: Floats  # (G, K), each to be made as large as can be, the first one first


def partition(
    plots: Plots,
    sizes: tuple[float, float],
    *,
    alone: bool,
    most_centres: int | None = None,
    time_limit_s: float,
) -> Partition:
    """The best units.

    Parameters
    ----------
    plots : Plots
    sizes : tuple of float
        People of a unit of the right size, from and to.
    alone : bool
        Every community is a unit by itself.
    most_centres : int, optional
    time_limit_s : float

    Returns
    -------
    Partition
    """
    n = len(plots.ids)
    if n == 0:
        return Partition((), (), "exact", 0.0, 0.0)
    neighbours = [0] * n if alone else plots.neighbours
    sets = connected_sets(neighbours, plots.people, most_people=sizes[1], most_sets=MOST_UNITS)
    most = n if most_centres is None else most_centres
    if sets is not None:
        columns = _columns(plots, sets, sizes, alone=alone)
        if len(columns.centre) <= MOST_COLUMNS:
            return _solved(columns, n, most, time_limit_s)
    return _grown(plots, sizes, most)


def _members(bits: int) -> tuple[int, ...]:
    return tuple(row for row in range(bits.bit_length()) if bits >> row & 1)


def _columns(
    plots: Plots, sets: Sequence[int], sizes: tuple[float, float], *, alone: bool
) -> _Columns:
    units, centres, goals = [], [], []
    n = len(plots.ids)
    for bits in sets:
        members = _members(bits)
        people = plots.people_of(members)
        served = plots.served[list(members)].sum(axis=0)
        right = float(sizes[0] <= people <= sizes[1])
        useful = np.flatnonzero(served > 0)
        # one of as many buildings as there are communities is always free: more are not needed
        best = useful[np.lexsort((plots.weight[useful], -served[useful]))][:n]
        for centre in [-1, *best.tolist()]:
            gain = float(served[centre]) if centre >= 0 else 0.0
            cost = float(plots.weight[centre]) if centre >= 0 else 0.0
            units.append(members)
            centres.append(centre)
            goals.append(
                (gain, -cost) if alone else (gain * right, gain, people * right, -cost, 1.0)
            )
    return _Columns(tuple(units), np.array(centres), np.array(goals).T)


def _solved(columns: _Columns, n: int, most_centres: int, time_limit_s: float) -> Partition:
    """Set partitioning, goal after goal, each keeping what the ones before have reached."""
    # scipy's solvers are slow to import and seldom needed
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array, vstack

    count = len(columns.centre)
    size = [len(members) for members in columns.members]
    rows = np.concatenate([np.array(members) for members in columns.members])
    every = np.repeat(np.arange(count), size)
    covers = csr_array((np.ones(len(rows)), (rows, every)), shape=(n, count))
    used = np.flatnonzero(columns.centre >= 0)
    n_centres = int(columns.centre.max(initial=-1)) + 1
    uses = csr_array((np.ones(len(used)), (columns.centre[used], used)), shape=(n_centres, count))
    total = csr_array((columns.centre >= 0).astype(float)[None, :])
    matrix = vstack([covers, uses, total])
    lower = np.concatenate([np.ones(n), np.zeros(n_centres + 1)])
    upper = np.concatenate([np.ones(n), np.ones(n_centres), [most_centres]])
    limits = [LinearConstraint(matrix, lower, upper)]
    end = time.monotonic() + time_limit_s
    chosen = np.zeros(count)
    method, bound, gap = "exact", 0.0, 0.0
    for number, goal in enumerate(columns.goals):
        found = milp(
            -goal,
            integrality=np.ones(count),
            bounds=Bounds(0, 1),
            constraints=limits,
            options={"time_limit": max(end - time.monotonic(), 1.0), "mip_rel_gap": 0.0},
        )
        if found.x is None:
            method = "stopped"
            break
        chosen = np.round(found.x)
        value = float(goal @ chosen)
        if number == 0:
            bound = value if found.status == 0 else max(value, -float(found.mip_dual_bound))
            gap = (bound - value) / bound if bound > 0 else 0.0
        if found.status != 0:
            method = "stopped"
            break
        limits.append(LinearConstraint(goal[None, :], value - SAME, np.inf))
    return _left(columns, chosen, n, method=method, bound=bound, gap=gap)


def _left(
    columns: _Columns, chosen: Floats, n: int, *, method: str, bound: float, gap: float
) -> Partition:
    rows = np.flatnonzero(chosen > 0.5)
    found = sorted((columns.members[row], int(columns.centre[row])) for row in rows)
    if not found:
        # nothing was found in time: everybody for himself, without a centre
        found = [((row,), -1) for row in range(n)]
    return Partition(
        tuple(members for members, _ in found),
        tuple(centre for _, centre in found),
        method,
        bound,
        gap,
    )


def _grown(plots: Plots, sizes: tuple[float, float], most_centres: int) -> Partition:
    """Units joined two by two, as long as that makes more people served in the right size."""
    units: list[tuple[int, ...]] = [(row,) for row in range(len(plots.ids))]
    best = _assigned(plots, units, sizes, most_centres)
    while True:
        options = []
        for a, b in _joinable(plots, units, sizes[1]):
            rest = [unit for unit in units if unit not in (a, b)]
            merged = [*rest, tuple(sorted((*a, *b)))]
            options.append((_assigned(plots, merged, sizes, most_centres), merged))
        better = max(options, key=lambda option: option[0][0], default=None)
        if better is None or better[0][0] <= best[0]:
            break
        best, units = better
    bound = float(plots.served.max(axis=1, initial=0.0).sum())
    gap = (bound - best[0][0]) / bound if bound > 0 else 0.0
    order = sorted(range(len(units)), key=lambda row: units[row])
    return Partition(
        tuple(units[row] for row in order),
        tuple(best[1][row] for row in order),
        "greedy",
        bound,
        gap,
    )


def _joinable(
    plots: Plots, units: Sequence[tuple[int, ...]], most_people: float
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    found = []
    for first, a in enumerate(units):
        around = 0
        for row in a:
            around |= plots.neighbours[row]
        for b in units[first + 1 :]:
            near = any(around >> row & 1 for row in b)
            if near and plots.people_of([*a, *b]) <= most_people:
                found.append((a, b))
    return found


def _assigned(
    plots: Plots, units: Sequence[tuple[int, ...]], sizes: tuple[float, float], most_centres: int
) -> tuple[tuple[float, ...], list[int]]:
    """The goals of a grouping with its best centres, and these."""
    from scipy.optimize import linear_sum_assignment

    people = np.array([plots.people_of(unit) for unit in units])
    right = (sizes[0] <= people) & (people <= sizes[1])
    served = np.array([plots.served[list(unit)].sum(axis=0) for unit in units])
    worth = served * (1.0 + right[:, None] * 1e3)
    row, column = linear_sum_assignment(worth, maximize=True)
    keep = np.argsort(-worth[row, column], kind="stable")[:most_centres]
    centres = [-1] * len(units)
    for one in keep:
        if served[row[one], column[one]] > 0:
            centres[row[one]] = int(column[one])
    given = np.array([plots.served_of(u, c) for u, c in zip(units, centres, strict=True)])
    cost = sum(float(plots.weight[centre]) for centre in centres if centre >= 0)
    goals = (float(given[right].sum()), float(given.sum()), float(people[right].sum()), -cost)
    return goals, centres
