"""Solve a programme: the most people first, then no waste of money, then the earliest years."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from communityplan.allocation._highs import Clock, Solved, relax, solve
from communityplan.allocation._programme import Programme
from communityplan.allocation._programme_model import Ask, Columns, build
from communityplan.allocation._programme_thrift import save_money

__all__ = ["Plan", "best_plan", "cheapest", "greedy_plan", "relaxed_worth"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUNDING = 1e-9
SCHEDULE_S = 10.0
"""Time for putting a chosen set in order, however little is left."""


@dataclass(frozen=True)
class Plan:
    """Options that open, and when.

    Attributes
    ----------
    opened, period : array of int
        Options, and the period in which each opens.
    value, bound : float
        Weighted people newly served, and what no plan can beat.
    sent : array of float
        With limited places: people on each pair of class and option; empty otherwise.
    is_feasible : bool
        Whether there is any plan at all.
    is_interrupted : bool
        Whether the user stopped the search.
    """

    opened: Ints
    period: Ints
    value: float
    bound: float
    sent: Floats
    is_feasible: bool = True
    is_interrupted: bool = False


_NOTHING = Plan(
    np.empty(0, np.int64), np.empty(0, np.int64), -np.inf, np.inf, np.empty(0), is_feasible=False
)


def best_plan(
    programme: Programme,
    clock: Clock,
    *,
    budget_yuan: Floats | None = None,
    room_m2: Floats | None = None,
    start: Ints | None = None,
) -> Plan:
    """The plan that serves most weighted people, without waste, in the earliest order.

    Parameters
    ----------
    programme : Programme
        What may open.
    clock : Clock
        When to stop.
    budget_yuan, room_m2 : array of float, optional
        Money by period and floor area by building; the programme's unless given.
    start : array of int, optional
        Options of a plan to begin with.
    """
    budget = programme.budget_yuan if budget_yuan is None else budget_yuan
    room = programme.room_m2 if room_m2 is None else room_m2
    # all years as one leave out only what comes too late, so this bounds every order
    together = Ask("people", np.array([budget.sum()]), room)
    plan = _most_people(programme, together, clock, start)
    if not plan.is_feasible or not np.isfinite(plan.value):
        return plan
    plan = _without_waste(programme, plan, room)
    if len(budget) == 1:
        return plan
    by_year = replace(together, budget_yuan=budget)
    ordered = _in_order(programme, by_year, plan)
    if ordered is not None:
        return ordered
    apart = _most_people(programme, by_year, clock, None)
    if not apart.is_feasible or not np.isfinite(apart.value):
        return apart
    apart = replace(apart, bound=min(apart.bound, plan.bound))
    for each in (_without_waste(programme, apart, room), apart):
        ordered = _in_order(programme, by_year, each)
        if ordered is not None:
            return ordered
    return apart


def cheapest(programme: Programme, least_value: float, clock: Clock) -> tuple[float, Solved]:
    """Least money that serves so many weighted people and meets all needs, without a limit."""
    unlimited = np.array([np.inf])
    ask = Ask("money", unlimited, programme.room_m2, least_value=least_value)
    model, _ = build(programme, ask)
    solved = solve(model, clock)
    return solved.objective, solved


def relaxed_worth(programme: Programme, clock: Clock) -> tuple[float, Floats]:
    """People per yuan and people per m2 of each building, by the linear relaxation."""
    ask = Ask("people", np.array([programme.budget_yuan.sum()]), programme.room_m2)
    model, columns = build(programme, ask)
    solved = relax(model, clock)
    if solved.row_duals is None or solved.state != "optimal":
        return np.nan, np.full(len(programme.room_m2), np.nan)
    worth = np.maximum(-solved.row_duals, 0.0)
    # a larger building has larger lower storeys too
    rooms = programme.rooms
    per_m2 = np.zeros(len(programme.room_m2))
    np.add.at(per_m2, rooms.building, worth[columns.room_row] * rooms.share)
    return float(worth[columns.budget_row[0]]), per_m2


def greedy_plan(programme: Programme, clock: Clock) -> Plan:
    """Open what serves most people per yuan and fits, again and again; bounded by relaxation."""
    opened = programme.required
    left = programme.classes.people * programme.weight[programme.classes.service]
    left[programme.served(opened)] = 0.0
    by_option = programme.classes.member.T.tocsr()
    while True:
        rate = _rates(programme, opened, by_option @ left)
        best = int(np.argmax(rate)) if len(rate) else 0
        if not len(rate) or rate[best] <= 0.0:
            break
        opened = np.append(opened, best)
        left[by_option[best].indices] = 0.0
    chosen = np.sort(opened)
    total = np.array([programme.budget_yuan.sum()])
    relaxed = relax(build(programme, Ask("people", total, programme.room_m2))[0], clock)
    value = programme.value(chosen)
    bound = max(-relaxed.bound, value)
    period = np.zeros(len(chosen), np.int64)
    return Plan(chosen, period, value, bound, np.empty(0), is_interrupted=relaxed.is_interrupted)


def _rates(programme: Programme, opened: Ints, gain: Floats) -> Floats:
    """People per yuan of each option that still fits money and floor area, else 0."""
    is_used = np.zeros(len(programme.room_m2), dtype=bool)
    is_used[programme.building[opened]] = True
    opening = np.where(is_used, 0.0, programme.opening_yuan)[programme.building]
    cost = programme.cost_yuan + opening
    left_m2 = programme.rooms.limits(programme.room_m2) - programme.rooms.used(opened)
    wanted = programme.rooms.area_m2.tocoo()
    too_large = wanted.data > left_m2[wanted.row] + 1e-9
    left_yuan = float(programme.budget_yuan.sum()) - programme.spent_yuan(opened)
    fits = cost <= left_yuan
    fits[wanted.col[too_large]] = False
    fits &= programme.first < len(programme.years)
    fits[opened] = False
    return np.where(fits, gain / np.maximum(cost, 1e-9), 0.0)


def _most_people(programme: Programme, ask: Ask, clock: Clock, start: Ints | None) -> Plan:
    model, columns = build(programme, ask)
    values = None
    if start is not None and len(ask.budget_yuan) == 1:
        values = np.zeros(len(columns.starts))
        values[start] = 1.0
    solved = solve(model, clock, start=values)
    if solved.state == "infeasible":
        return _NOTHING
    if solved.values is None:
        return replace(_NOTHING, is_feasible=True, is_interrupted=solved.is_interrupted)
    return _read(programme, columns, solved, -solved.bound)


def _without_waste(programme: Programme, plan: Plan, room_m2: Floats) -> Plan:
    """The same people for less money, where a simple exchange does it."""
    if not programme.has_places():
        opened = save_money(programme, plan.opened, room_m2)
        return replace(plan, opened=opened, period=np.zeros(len(opened), np.int64))
    column = programme.classes.member.indices[plan.sent > 1e-6]
    has_site_need = [need.service for need in programme.needs if need.sites > 0.0]
    keep = np.isin(plan.opened, column) | np.isin(plan.opened, programme.required)
    keep |= np.isin(programme.service[plan.opened], has_site_need)
    keep |= any(need.centres > 0.0 for need in programme.needs)
    return replace(plan, opened=plan.opened[keep], period=plan.period[keep])


def _in_order(programme: Programme, ask: Ask, plan: Plan) -> Plan | None:
    """The earliest order of a set under the money of each period, if there is any."""
    model, columns = build(programme, replace(ask, goal="early", only=plan.opened))
    solved = solve(model, Clock(SCHEDULE_S))
    if solved.values is None:
        return None
    found = _read(programme, columns, solved, plan.bound)
    return replace(found, is_interrupted=plan.is_interrupted or solved.is_interrupted)


def _read(programme: Programme, columns: Columns, solved: Solved, bound: float) -> Plan:
    """A solution as a plan, its value counted again from what opens."""
    values = np.empty(0) if solved.values is None else solved.values
    starts = values[columns.starts] > 0.5
    opened = np.flatnonzero(starts.any(axis=1))
    period = starts[opened].argmax(axis=1)
    if len(columns.goes):
        sent = np.maximum(values[columns.goes[:, -1]], 0.0)
        rows = np.repeat(
            np.arange(len(programme.classes.people)), np.diff(programme.classes.member.indptr)
        )
        value = float((sent * programme.weight[programme.classes.service[rows]]).sum())
    else:
        sent, value = np.empty(0), programme.value(opened)
    if abs(bound - value) <= 1e-7 * max(abs(bound), 1.0) and solved.state == "optimal":
        bound = value
    return Plan(
        opened,
        period.astype(np.int64),
        value,
        max(bound, value),
        sent,
        is_interrupted=solved.is_interrupted,
    )
