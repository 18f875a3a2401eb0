"""Why no programme meets the basic needs, and by how much it misses them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from communityplan.allocation._highs import Clock, solve
from communityplan.allocation._programme import Need, Programme
from communityplan.allocation._programme_model import Ask, build
from communityplan.allocation._programme_solve import cheapest
from communityplan.errors import Problem

__all__ = ["explain"]

Floats = NDArray[np.float64]


def explain(programme: Programme, clock: Clock) -> list[Problem]:
    """What stands in the way: rooms, needs that no money meets, or money.

    Parameters
    ----------
    programme : Programme
        One that has no plan.
    clock : Clock
        When to stop.
    """
    problems = _required_problems(programme)
    if problems:
        return problems
    unlimited = np.array([np.inf])
    short = _shortfalls(programme, unlimited, clock)
    problems = [
        _need_problem(
            need, missed, "with any money", "Lower it, or add buildings, floor area or options"
        )
        for need, missed in short
    ]
    return problems or _money_problems(programme, clock)


def _required_problems(programme: Programme) -> list[Problem]:
    """Required options that do not fit their buildings or the money."""
    required = programme.required
    names = programme.buildings["building_id"].tolist()
    rooms = programme.rooms
    used, there = rooms.used(required), rooms.limits(programme.room_m2)
    problems = [
        Problem(
            f"required services in {names[rooms.building[at]]}",
            f"they need {used[at]:,.0f} m2, "
            + ("the building has" if at < len(names) else "the storeys they may be on have")
            + f" {there[at]:,.0f} m2",
            "Require fewer of them",
        )
        for at in np.flatnonzero(used > there * (1.0 + 1e-9))
    ]
    late = required[programme.first[required] >= len(programme.years)]
    problems += [
        Problem(
            f"required {programme.options['building_id'].iloc[option]} as "
            f"{programme.options['service'].iloc[option]}",
            "it can be had only after the last year of the budget",
            "Add a year to the budget, or do not require it",
        )
        for option in late
    ]
    return problems


def _money_problems(programme: Programme, clock: Clock) -> list[Problem]:
    """What the needs cost at least, and which of them the money does not reach."""
    total = float(programme.budget_yuan.sum())
    least, solved = cheapest(programme, 0.0, clock)
    what = "basic needs and required services"
    if solved.state == "optimal" and least > total * (1.0 + 1e-9):
        found = f"{what} take at least {least:,.0f} yuan, {least - total:,.0f} more than there is"
        todo = f"Raise the budget to {least:,.0f} yuan, or lower the needs"
    else:
        found = f"{what} cannot be paid in the order of the years (in all {total:,.0f} yuan)"
        todo = "Move money to earlier years, let it carry over, or ask for the needs later"
    problems = [Problem("budget_yuan", found, todo)]
    short = _shortfalls(programme, programme.budget_yuan, clock)
    return problems + [
        _need_problem(need, missed, "with this money", "Raise the budget, or lower the need")
        for need, missed in short
    ]


def _shortfalls(
    programme: Programme, budget_yuan: Floats, clock: Clock
) -> list[tuple[Need, float]]:
    """The needs that are missed when all are missed as little as can be, and by how much."""
    ask = Ask("shortfall", budget_yuan, programme.room_m2, may_miss=True)
    model, columns = build(programme, ask)
    solved = solve(model, clock)
    if solved.values is None:
        return []
    missed = solved.values[columns.missed]
    pairs = zip(programme.needs, missed, strict=True)
    return [(need, float(short)) for need, short in pairs if short > 1e-6 * max(need.least, 1.0)]


def _need_problem(need: Need, missed: float, when: str, todo: str) -> Problem:
    unit = "centres" if need.centres else "sites" if need.sites else "people"
    asked = need.least
    found = (
        f"{when}, {asked - missed:,.0f} of the {asked:,.0f} {unit} that it takes are possible, "
        f"{missed:,.0f} short"
    )
    return Problem(f"basic need {need.label}", found, todo)
