"""What a programme reaches with more or less money, and what one more yuan or m2 buys."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.allocation._highs import Clock
from communityplan.allocation._programme import Programme
from communityplan.allocation._programme_solve import Plan, best_plan, relaxed_worth
from communityplan.allocation.choice import relative_gap

__all__ = ["budget_curve", "worth_of_more"]

Floats = NDArray[np.float64]

LEAST_GAIN = 1e-6
"""Gain, relative to what is served, that counts as serving more."""

MORE_MONEY = 0.1
"""Step of the budget, relative to it, whose worth is found out."""

WORTH = [
    "limit",
    "building_id",
    "unit",
    "step",
    "weighted_people",
    "per_unit",
    "relaxed_per_unit",
]
CURVE = [
    "budget_yuan",
    "state",
    "weighted_people",
    "bound",
    "gap",
    "spent_yuan",
    "buildings",
    "services",
]


def budget_curve(
    programme: Programme, plan: Plan, budgets_yuan: Sequence[float], clock: Clock
) -> pd.DataFrame:
    """The best plan for each budget; the years share it as they share the budget asked for.

    Parameters
    ----------
    programme : Programme
        What may open.
    plan : Plan
        The best plan for the programme's own budget.
    budgets_yuan : sequence of float
        Budgets [yuan].
    clock : Clock
        When to stop; budgets that are not reached stay empty.
    """
    total = float(programme.budget_yuan.sum())
    rows, start = [], None
    wanted = sorted({float(amount) for amount in budgets_yuan})
    for done, budget in enumerate(wanted):
        if budget == total:
            found = plan
        elif clock.is_over():
            rows.append({"budget_yuan": budget, "state": "not_solved_in_time"})
            continue
        else:
            share = clock.share(len(wanted) - done)
            found = best_plan(programme, share, budget_yuan=_shared(programme, budget), start=start)
        if found.is_interrupted:
            raise KeyboardInterrupt
        start = found.opened if found.is_feasible else start
        rows.append(_curve_row(programme, found, budget))
    return _with_margin(pd.DataFrame(rows))


def worth_of_more(programme: Programme, plan: Plan, clock: Clock) -> pd.DataFrame:
    """What more money and more floor area would buy: exact steps, and the relaxation's rate.

    Parameters
    ----------
    programme : Programme
        What may open.
    plan : Plan
        The best plan.
    clock : Clock
        When to stop; what is not reached stays empty.
    """
    per_yuan, per_m2 = relaxed_worth(programme, clock)
    used = np.unique(programme.building[plan.opened])
    buildings = np.union1d(used, np.flatnonzero(per_m2 > LEAST_GAIN))
    rows = [_money_row(programme, plan, per_yuan, clock.share(1 + len(buildings)))]
    for done, building in enumerate(buildings.tolist()):
        share = clock.share(len(buildings) - done)
        rows.append(_room_row(programme, plan, building, float(per_m2[building]), share))
    worth = pd.DataFrame(rows, columns=WORTH)
    told = worth.to_dict("records")
    return worth.assign(**{lang: [_said(row, lang) for row in told] for lang in ("zh", "en")})


def _shared(programme: Programme, budget: float) -> Floats:
    """A budget over the periods, in the proportions of the programme's own."""
    total = float(programme.budget_yuan.sum())
    if total:
        return programme.budget_yuan / total * budget
    return np.full(len(programme.budget_yuan), budget / len(programme.budget_yuan))


def _curve_row(programme: Programme, plan: Plan, budget: float) -> dict[str, object]:
    if not plan.is_feasible:
        return {"budget_yuan": budget, "state": "needs_not_met"}
    if not np.isfinite(plan.value):
        return {"budget_yuan": budget, "state": "not_solved_in_time"}
    gap = relative_gap(plan.value, plan.bound)
    return {
        "budget_yuan": budget,
        "state": "gap" if gap else "proven",
        "weighted_people": plan.value,
        "bound": plan.bound,
        "gap": gap,
        "spent_yuan": programme.spent_yuan(plan.opened),
        "buildings": len(np.unique(programme.building[plan.opened])),
        "services": len(plan.opened),
    }


def _with_margin(curve: pd.DataFrame) -> pd.DataFrame:
    """People gained per million yuan since the row before."""
    curve = curve.reindex(columns=CURVE)
    money = curve["budget_yuan"].diff()
    return curve.assign(people_per_million_yuan=curve["weighted_people"].diff() / money * 1e6)


def _money_row(
    programme: Programme, plan: Plan, per_yuan: float, clock: Clock
) -> dict[str, object]:
    """What a tenth more money serves; of no money, what the cheapest option costs."""
    total = float(programme.budget_yuan.sum())
    costs = programme.cost_yuan + programme.opening_yuan[programme.building]
    step = MORE_MONEY * total or float(costs.min(initial=np.inf))
    row: dict[str, object] = {
        "limit": "budget",
        "building_id": None,
        "unit": "yuan",
        "relaxed_per_unit": per_yuan,
    }
    if not np.isfinite(step):
        return row
    budget = _shared(programme, total + step)
    more = best_plan(programme, clock, budget_yuan=budget, start=plan.opened)
    return {**row, **_gain(plan, more, step)}


def _room_row(
    programme: Programme, plan: Plan, building: int, per_m2: float, clock: Clock
) -> dict[str, object]:
    """What a building would serve more if it were as large as the best plan wants it."""
    row: dict[str, object] = {
        "limit": "floor area",
        "building_id": programme.buildings["building_id"].iloc[building],
        "unit": "m2",
        "relaxed_per_unit": per_m2,
    }
    if clock.is_over():
        return row
    room = programme.room_m2.copy()
    room[building] = np.inf
    more = best_plan(programme, clock, room_m2=room, start=plan.opened)
    # the floor area at which the building, and its lower storeys, hold it all
    rooms = programme.rooms
    here = (rooms.building == building) & (rooms.share > 0)
    used = float((rooms.used(more.opened)[here] / rooms.share[here]).max())
    return {**row, **_gain(plan, more, max(used - programme.room_m2[building], 0.0))}


@cache
def _words() -> dict[str, dict[str, str]]:
    text = files("communityplan.allocation").joinpath("words.toml").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = tomllib.loads(text)["worth"]
    return found


def _said(row: Mapping[Any, Any], lang: str) -> str:
    """A row of the worth as a sentence."""
    is_money, words = row["limit"] == "budget", _words()
    building, people = row["building_id"], row["weighted_people"]
    if pd.isna(people):
        return words["unknown"][lang].format(what=words["budget"][lang] if is_money else building)
    key = ("money" if is_money else "room") + ("" if people > 0 else "_nothing")
    values = {"step": f"{row['step']:,.0f}", "people": f"{people:,.0f}", "building": building}
    return words[key][lang].format(**values)


def _gain(plan: Plan, more: Plan, step: float) -> dict[str, object]:
    """Exact difference of two best plans; empty where one of them is not proven."""
    if more.is_interrupted:
        raise KeyboardInterrupt
    if not more.is_feasible or not np.isfinite(more.value):
        return {}
    if relative_gap(more.value, more.bound) or relative_gap(plan.value, plan.bound):
        return {}
    gained = more.value - plan.value
    if gained <= LEAST_GAIN * max(plan.value, 1.0) or step <= 0.0:
        return {"step": step, "weighted_people": 0.0, "per_unit": 0.0}
    return {"step": step, "weighted_people": gained, "per_unit": gained / step}
