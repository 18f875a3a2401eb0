"""The best set of items, step by step, by HiGHS, each solution checked in exact fractions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor, isinf

import numpy as np
import scipy.sparse as sp

from communityplan.allocation._highs import Clock, Model, solve

__all__ = ["Level", "Pick", "most_of"]


@dataclass(frozen=True)
class Pick:
    """What may be chosen, and under which conditions.

    Attributes
    ----------
    items : tuple of str
        Items that can be done, sorted, so that their order in the menu does not matter.
    cost : mapping of str to Fraction
        [yuan].
    budget : Fraction
        [yuan].
    depends : mapping of str to sequence of str
    excluded : frozenset of pairs
    forced : frozenset of str
        Items that are done in any case, with all they depend on.
    """

    items: tuple[str, ...]
    cost: Mapping[str, Fraction]
    budget: Fraction
    depends: Mapping[str, Sequence[str]]
    excluded: frozenset[frozenset[str]]
    forced: frozenset[str]

    def spent(self, chosen: frozenset[str]) -> Fraction:
        """What a set costs [yuan]."""
        return sum((self.cost[item] for item in chosen), Fraction(0))


@dataclass(frozen=True)
class Level:
    """One step: what is sought, in whole numbers, and what came of it.

    Attributes
    ----------
    name : str
    worth : mapping of str to int
        What each item counts; without it the least money is sought.
    chosen : frozenset of str
    objective, bound : int
        What was reached, and what nothing can beat.
    is_proven : bool
    """

    name: str
    worth: Mapping[str, int]
    chosen: frozenset[str] = frozenset()
    objective: int = 0
    bound: int = 0
    is_proven: bool = False

    def reached(self, chosen: frozenset[str]) -> int:
        """What a set counts."""
        return sum(self.worth.get(item, 0) for item in chosen)

    def facts(self, unit: Fraction) -> dict[str, object]:
        """The step in the unit of its weights, for the record."""
        size = Fraction(1) if self.name == "basic_items" else unit
        best, bound = float(self.objective * size), float(self.bound * size)
        gap = (bound - best) / bound if bound else 0.0
        return {
            "level": self.name,
            "objective": best,
            "bound": bound,
            "gap": gap,
            "is_proven": self.is_proven,
        }


def most_of(pick: Pick, goals: Sequence[Level], clock: Clock) -> list[Level]:
    """Each goal in turn, without giving up anything that the goals before have reached.

    What is forced, with nothing else, is the least that can always be done.
    """
    found: list[Level] = []
    cuts: list[frozenset[str]] = []
    for left, goal in zip(range(len(goals), 0, -1), goals, strict=True):
        found.append(_solve(pick, goal, found, cuts, clock.share(left)))
    return found


def _solve(
    pick: Pick,
    goal: Level,
    found: Sequence[Level],
    cuts: list[frozenset[str]],
    clock: Clock,
) -> Level:
    """One goal; sets that turn out dearer than the budget by a rounding are cut off."""
    best = found[-1].chosen if found else pick.forced
    most = sum(goal.worth.get(item, 0) for item in pick.items)
    level = replace(goal, chosen=best, objective=goal.reached(best), bound=most)
    if goal.worth and (level.objective == most or not pick.items):
        return replace(level, is_proven=True)
    while True:
        solved = solve(_model(pick, goal, found, cuts), clock, start=_start(pick, best))
        if solved.values is None:
            return level
        values = zip(pick.items, solved.values, strict=True)
        chosen = frozenset(item for item, value in values if value > 0.5)
        if pick.spent(chosen) <= pick.budget:
            break
        cuts.append(chosen)
    if any(one.reached(chosen) < one.objective for one in found):
        return level
    if not goal.worth:
        is_cheaper = pick.spent(chosen) <= pick.spent(best)
        return replace(level, chosen=chosen if is_cheaper else best, is_proven=True)
    if goal.reached(chosen) < level.objective:
        chosen = best
    objective = goal.reached(chosen)
    # stopped before the first relaxation, nothing better than everything is known
    proven = most if isinf(solved.bound) else floor(-solved.bound + 1e-4)
    bound = min(most, max(proven, objective))
    return replace(
        level, chosen=chosen, objective=objective, bound=bound, is_proven=bound == objective
    )


def _scale(pick: Pick) -> float:
    return float(max(pick.budget, Fraction(1)))


def _start(pick: Pick, best: frozenset[str]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([float(item in best) for item in pick.items])


def _model(
    pick: Pick, goal: Level, found: Sequence[Level], cuts: Sequence[frozenset[str]]
) -> Model:
    """Minimise the money, or minus what counts, under all conditions."""
    column = {item: number for number, item in enumerate(pick.items)}
    scale = _scale(pick)
    cost = [float(pick.cost[item] / Fraction(scale)) for item in pick.items]
    rows: list[tuple[dict[int, float], float, float]] = [
        (dict(enumerate(cost)), -np.inf, float(pick.budget / Fraction(scale)))
    ]
    for item in pick.items:
        # an item is done only with everything it depends on
        rows += [
            ({column[item]: 1.0, column[other]: -1.0}, -np.inf, 0.0) for other in pick.depends[item]
        ]
    for pair in sorted(pick.excluded, key=sorted):
        if pair <= column.keys():
            rows.append((dict.fromkeys((column[item] for item in pair), 1.0), -np.inf, 1.0))
    for level in found:
        # whole numbers: half of one is far from any rounding
        worth = {column[item]: float(level.worth.get(item, 0)) for item in pick.items}
        if level.objective:
            rows.append((worth, level.objective - 0.5, np.inf))
    for cut in cuts:
        rows.append((dict.fromkeys((column[item] for item in cut), 1.0), -np.inf, len(cut) - 1.0))
    matrix = sp.lil_matrix((len(rows), len(column)))
    for number, (cells, _, _) in enumerate(rows):
        for at, value in cells.items():
            matrix[number, at] = value
    sought = [-float(goal.worth.get(item, 0)) for item in pick.items] if goal.worth else cost
    return Model(
        cost=np.array(sought),
        matrix=matrix.tocsr(),
        row_lower=np.array([low for _, low, _ in rows]),
        row_upper=np.array([high for _, _, high in rows]),
        lower=np.array([float(item in pick.forced) for item in pick.items]),
        upper=np.ones(len(column)),
        is_integer=np.ones(len(column), dtype=bool),
    )
