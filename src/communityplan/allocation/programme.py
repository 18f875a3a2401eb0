"""The real problem: which services in which idle buildings, in which year, for the money."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from communityplan.allocation._highs import Clock
from communityplan.allocation._options import check_method, check_time
from communityplan.allocation._programme import Programme
from communityplan.allocation._programme_blame import explain
from communityplan.allocation._programme_input import read_programme
from communityplan.allocation._programme_solve import Plan, best_plan, greedy_plan
from communityplan.allocation._programme_tables import programme_choice
from communityplan.allocation._programme_worth import budget_curve, worth_of_more
from communityplan.allocation.choice import Choice
from communityplan.errors import DataError, OptionError, Problem
from communityplan.siting.given import number_by_name
from communityplan.siting.rules import CentreRule, read_rules

__all__ = ["choose_programme"]

CURVE_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
"""Budgets of the curve, relative to the one asked for, unless others are named."""


def choose_programme(
    gains: pd.DataFrame,
    options: pd.DataFrame,
    buildings: pd.DataFrame,
    *,
    budget_yuan: float | Mapping[Any, float],
    weights: Mapping[str, float] | None = None,
    needs: pd.DataFrame | None = None,
    people: pd.DataFrame | None = None,
    required: Iterable[tuple[Hashable, str]] = (),
    carries_over: bool = True,
    min_centres: int = 0,
    centre_rule: CentreRule | None = None,
    curve_budgets_yuan: Sequence[float] | None = None,
    with_worth: bool = True,
    method: Literal["exact", "greedy"] = "exact",
    time_limit_s: float = 60.0,
) -> Choice:
    """Services in buildings that newly serve the most weighted people for the money.

    Parameters
    ----------
    gains : DataFrame
        Whom each building would newly serve, as `siting.newly_covered` has it: ``service``,
        ``home_id``, ``building_id``, ``people`` [persons newly within the limit, if only this
        building took the service]; optional ``walk_min`` [min], ``community_id``. Of one home the
        lower floors are served first, so two buildings together serve as many of its people as
        the better of them. Whom a facility of today serves is not in the table.
    options : DataFrame
        What may open: ``building_id``, ``service``, ``cost_yuan``; optional ``floor_area_m2`` that
        the service takes up, ``highest_storey`` that it may be on [empty: any], ``capacity``
        [people; empty: no limit], ``year`` from which it can open. An option that is not listed
        is not allowed.
    buildings : DataFrame
        ``building_id``, ``floor_area_m2``; optional ``opening_cost_yuan`` that opening the building
        costs whatever is in it, ``available_year``, ``storeys`` over which the floor is spread
        evenly, ``gross_floor_area_m2`` by which a centre is judged where it is another.
    budget_yuan : float or mapping
        Money, in all or by year [yuan].
    weights : mapping of str to float, optional
        Weight of a person served, by service; 1 for each unless given.
    needs : DataFrame, optional
        Basic needs, met before anything else: ``service`` and exactly one of ``min_share`` [of the
        people counted in `people`, those covered today included], ``min_people`` [newly served],
        ``min_sites`` [options that open]; optional ``community_id`` (empty: all), ``by_year``.
    people : DataFrame, optional
        For ``min_share``: ``service``, ``people``, ``covered`` and ``community_id``, as the ledger
        of `coverage` has them.
    required : iterable of (building_id, service), optional
        Options that open in any case.
    carries_over : bool
        Whether money that a year leaves may be spent in a later one.
    min_centres : int
        Least number of buildings that are a neighbourhood centre by `centre_rule`.
    centre_rule : CentreRule, optional
        The rule of the shipped rules unless given.
    curve_budgets_yuan : sequence of float, optional
        Budgets for which the best programme is found as well; 0 to 150 % of the budget unless
        given, none with an empty sequence.
    with_worth : bool
        Whether to find out what more money and floor area would buy.
    method : {"exact", "greedy"}
        Greedy opens what serves most people per yuan and fits, again and again; it knows no needs,
        no capacities and no years.
    time_limit_s : float
        When to stop with the best found [s]; the curve and the worth get what is left.

    Returns
    -------
    Choice
        Objective: people newly served, weighted; a person counts once for every service. ``opened``
        has ``building_id``, ``service``, ``year``, ``cost_yuan``, ``opening_cost_yuan`` (at the
        first service of its building), ``floor_area_m2`` and ``people``. Nothing in it could be
        left out, or exchanged for one cheaper option, without serving somebody less (with
        capacities: nothing opens that serves nobody). Its order of years is the one that serves
        people earliest.
        ``curve`` has the best for each budget. ``worth`` has what a tenth more money, or as much
        more floor area as a building could use (``step`` [``unit`` of the row]), would serve:
        ``weighted_people`` and ``per_unit``, differences of proven optima, missing where one was
        not proven in time; and ``relaxed_per_unit``, the rate of the linear relaxation, as if
        slivers of options could open; ``zh`` and ``en`` say each row in a sentence.

    Raises
    ------
    DataError
        Lists everything that is wrong with the tables (such as every missing cost); where basic
        needs cannot be met, which, by how much, and what they would cost.
    OptionError
        For options without meaning: weights that are all 0, a negative budget.
    TooLargeError

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.allocation import choose_programme
    >>> gains = pd.DataFrame({"service": ["canteen", "canteen", "childcare"],
    ...     "home_id": ["h1", "h2", "h2"], "building_id": ["b1", "b2", "b2"],
    ...     "people": [60, 50, 40]})
    >>> options = pd.DataFrame({"building_id": ["b1", "b2", "b2"],
    ...     "service": ["canteen", "canteen", "childcare"], "cost_yuan": [9e5, 5e5, 4e5],
    ...     "floor_area_m2": [200, 200, 150]})
    >>> buildings = pd.DataFrame({"building_id": ["b1", "b2"], "floor_area_m2": [300, 400]})
    >>> choice = choose_programme(gains, options, buildings, budget_yuan=1e6)
    >>> choice
    <Choice programme: 90 weighted people, 1 sites, 90 of 150 people, proven optimal>
    >>> choice.opened[["building_id", "service", "cost_yuan"]].values.tolist()
    [['b2', 'canteen', 500000.0], ['b2', 'childcare', 400000.0]]
    """
    check_method(method)
    check_time(time_limit_s)
    if curve_budgets_yuan is not None:
        number_by_name({repr(yuan): yuan for yuan in curve_budgets_yuan}, "curve_budgets_yuan")
    clock = Clock(time_limit_s)
    programme = read_programme(
        gains,
        options,
        buildings,
        budget_yuan=budget_yuan,
        weights=weights,
        needs=needs,
        people=people,
        required=required,
        carries_over=carries_over,
        min_centres=min_centres,
        centre_rule=centre_rule or read_rules().centre,
    )
    plan = _plan(programme, method, clock)
    choice = programme_choice(programme, plan, method=method, time_limit_s=time_limit_s)
    if method == "greedy" or plan.is_interrupted:
        return choice
    total = float(programme.budget_yuan.sum())
    budgets = curve_budgets_yuan
    if budgets is None:
        budgets = [share * total for share in CURVE_SHARES]
    share = clock.share(2) if with_worth else clock
    try:
        curve = budget_curve(programme, plan, budgets, share) if list(budgets) else None
        choice = replace(choice, curve=curve)
        worth = worth_of_more(programme, plan, clock) if with_worth else None
        return replace(choice, worth=worth)
    except KeyboardInterrupt:
        # the choice stands; what the user did not wait for stays None
        return choice


def _plan(programme: Programme, method: str, clock: Clock) -> Plan:
    if method == "greedy":
        if programme.needs or programme.has_places() or len(programme.years) > 1:
            raise OptionError(
                "method 'greedy' knows no needs, no capacities and no years; use 'exact'"
            )
        return greedy_plan(programme, clock)
    plan = best_plan(programme, clock)
    if not plan.is_feasible:
        raise DataError(explain(programme, Clock(max(clock.left_s(), 10.0))))
    if not np.isfinite(plan.value):
        found = "no programme that meets the basic needs was found in it"
        raise DataError([Problem("time_limit_s", found, "Allow more time, or lower the needs")])
    return plan
