"""From open sites to the tables of a choice: who goes where, and who goes nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.allocation._reach import Reach
from communityplan.allocation.choice import Choice, relative_gap
from communityplan.tables import record

__all__ = ["Answer", "Flow", "Found", "as_choice", "nearest_flow"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Flow:
    """How many people of which home go to which site.

    Attributes
    ----------
    home, site : array of int
        Positions in the ids of a `Reach`.
    people, walk_min : array of float
        People [persons] and their walk [min].
    """

    home: Ints
    site: Ints
    people: Floats
    walk_min: Floats


@dataclass(frozen=True)
class Found:
    """Sites that a model opens, with their value.

    Attributes
    ----------
    sites : array of int
        Positions in `Reach.sites`.
    objective, bound : float
        Value, and what no choice can beat.
    is_interrupted : bool
        Whether the user stopped the search.
    """

    sites: Ints
    objective: float
    bound: float
    is_interrupted: bool = False


@dataclass(frozen=True)
class Answer:
    """What a model found, before it is put into tables.

    Attributes
    ----------
    model, objective_name, unit : str
        As in `Choice`.
    is_maximum : bool
        Whether more is better.
    found : Found
        The sites and their value.
    standing : array of int
        Positions of the existing facilities.
    method : str
        ``"exact"`` or ``"greedy"``.
    """

    model: str
    objective_name: str
    unit: str
    is_maximum: bool
    found: Found
    standing: Ints
    method: str = "exact"


def nearest_flow(reach: Reach, opened: Ints) -> Flow:
    """Everybody to the nearest open site; ties to the lower id, nobody beyond the pairs given."""
    indptr = reach.indptr()
    shortest = np.full(len(reach.homes), np.inf)
    chosen = np.full(len(reach.homes), -1)
    for site in np.sort(opened):
        here = slice(indptr[site], indptr[site + 1])
        rows, minutes = reach.home[here], reach.walk_min[here]
        is_nearer = minutes < shortest[rows]
        shortest[rows[is_nearer]] = minutes[is_nearer]
        chosen[rows[is_nearer]] = site
    home = np.flatnonzero(chosen >= 0)
    return Flow(home, chosen[home], reach.people[home], shortest[home])


def as_choice(reach: Reach, flow: Flow, answer: Answer, **used: Any) -> Choice:
    """The tables of an answer.

    Parameters
    ----------
    reach : Reach
        Homes, sites and the pairs that count.
    flow : Flow
        Who goes where.
    answer : Answer
        What the model found.
    **used : object
        Options, for the record of every table.
    """
    found = answer.found
    facts = {
        "model": answer.model,
        "method": answer.method,
        "homes_without_people": reach.empty_homes,
        "homes_not_in_demand": reach.unnamed_homes,
        "repeated_pairs": reach.repeated_pairs,
        **used,
    }
    served = pd.DataFrame(
        {
            "from_id": reach.homes[flow.home],
            "to_id": reach.sites[flow.site],
            "people": flow.people,
            "walk_min": flow.walk_min,
        }
    )
    return Choice(
        model=answer.model,
        opened=record(_opened(reach, flow, found.sites), **facts),
        served=record(served, **facts),
        not_served=record(_not_served(reach, flow, answer), **facts),
        objective=found.objective,
        bound=found.bound,
        gap=relative_gap(found.objective, found.bound),
        objective_name=answer.objective_name,
        unit=answer.unit,
        is_maximum=answer.is_maximum,
        people=float(reach.people.sum()),
        people_covered=float(flow.people.sum()),
        sites=reach.sites[np.sort(found.sites)].tolist(),
        method=answer.method,
        is_interrupted=found.is_interrupted,
    )


def _opened(reach: Reach, flow: Flow, opened: Ints) -> pd.DataFrame:
    """People and walks of every site that opens."""
    count = len(reach.sites)
    people = np.bincount(flow.site, flow.people, minlength=count)
    minutes = np.bincount(flow.site, flow.people * flow.walk_min, minlength=count)
    longest = np.full(count, np.nan)
    np.fmax.at(longest, flow.site, flow.walk_min)
    chosen = np.sort(opened)
    with np.errstate(invalid="ignore"):
        mean = minutes[chosen] / people[chosen]
    return pd.DataFrame(
        {
            "to_id": reach.sites[chosen],
            "people": people[chosen],
            "mean_walk_min": mean,
            "longest_walk_min": longest[chosen],
        }
    )


def _not_served(reach: Reach, flow: Flow, answer: Answer) -> pd.DataFrame:
    """People without a site, and why."""
    missing = reach.people - np.bincount(flow.home, flow.people, minlength=len(reach.homes))
    home = np.flatnonzero(missing > 1e-9 * reach.people)
    has_pair = np.zeros(len(reach.homes), dtype=bool)
    has_pair[reach.home] = True
    is_open = np.zeros(len(reach.sites), dtype=bool)
    is_open[np.concatenate([answer.found.sites, answer.standing])] = True
    has_open = np.zeros(len(reach.homes), dtype=bool)
    has_open[reach.home[is_open[reach.site]]] = True
    reason = np.where(has_open, "full", np.where(has_pair, "not_chosen", "no_site_in_reach"))
    return pd.DataFrame(
        {"from_id": reach.homes[home], "people": missing[home], "reason": reason[home]}
    )
