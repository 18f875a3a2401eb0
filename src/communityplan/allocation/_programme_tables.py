"""The plan of a programme as the tables of a choice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.allocation._programme import Programme
from communityplan.allocation._programme_solve import Plan
from communityplan.allocation.choice import Choice, relative_gap
from communityplan.tables import record

__all__ = ["programme_choice"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HOME = ["service", "home_id"]


def programme_choice(programme: Programme, plan: Plan, **used: Any) -> Choice:
    """The tables of a plan.

    Parameters
    ----------
    programme : Programme
        What might have opened.
    plan : Plan
        What opens.
    **used : object
        Options, for the record of every table.
    """
    served = _served_limited(programme, plan) if len(plan.sent) else _served(programme, plan)
    served = _with_walks(served, programme.gains)
    opened = _opened(programme, plan, served)
    wanted = programme.gains.groupby(HOME)["people"].max()
    facts = {
        "model": "programme",
        "budget_yuan": float(programme.budget_yuan.sum()),
        "spent_yuan": programme.spent_yuan(plan.opened),
        "carries_over": programme.carries_over,
        "weights": dict(zip(programme.services, programme.weight.tolist(), strict=True)),
        "needs": [need.label for need in programme.needs],
        **used,
    }
    return Choice(
        model="programme",
        opened=record(opened, **facts),
        served=record(served, **facts),
        not_served=record(_not_served(programme, served, wanted), **facts),
        objective=plan.value,
        bound=plan.bound,
        gap=relative_gap(plan.value, plan.bound),
        objective_name="weighted people",
        unit="weighted people",
        is_maximum=True,
        people=float(wanted.sum()),
        people_covered=float(served["people"].sum()),
        sites=list(dict.fromkeys(opened["building_id"])),
        method=str(used.get("method", "exact")),
        is_interrupted=plan.is_interrupted,
    )


def _opened(programme: Programme, plan: Plan, served: pd.DataFrame) -> pd.DataFrame:
    options, at = programme.options, plan.opened
    building = programme.building[at]
    # a building is paid for with its first service
    order = np.lexsort((at, plan.period, building))
    is_first = np.zeros(len(at), dtype=bool)
    is_first[order[np.append(True, np.diff(building[order]) > 0)[: len(at)]]] = True
    table = pd.DataFrame(
        {
            "building_id": options["building_id"].iloc[at].to_numpy(),
            "service": options["service"].iloc[at].to_numpy(),
            "year": [programme.years[period] for period in plan.period],
            "cost_yuan": programme.cost_yuan[at],
            "opening_cost_yuan": np.where(is_first, programme.opening_yuan[building], 0.0),
            "floor_area_m2": programme.area_m2[at],
        }
    )
    people = served.groupby(["to_id", "service"])["people"].sum()
    key = pd.MultiIndex.from_frame(table[["building_id", "service"]])
    table["people"] = people.reindex(key).fillna(0.0).to_numpy()
    return table


def _served(programme: Programme, plan: Plan) -> pd.DataFrame:
    """Everybody to the nearest building that serves them; the lower floors have more of them."""
    options = programme.options.iloc[plan.opened][["building_id", "service"]]
    rows = programme.gains.merge(options, on=["building_id", "service"])
    rows = rows[rows["people"] > 0]
    by = [*HOME, *(["walk_min"] if "walk_min" in rows else []), "building_id"]
    rows = rows.sort_values(by, ignore_index=True)
    best = rows.groupby(HOME)["people"].cummax()
    before = best.groupby([rows[name] for name in HOME]).shift(fill_value=0.0)
    rows = rows.assign(people=best - before)
    return _as_served(rows[rows["people"] > 0])


def _served_limited(programme: Programme, plan: Plan) -> pd.DataFrame:
    """Who goes where when places are limited: what the model sent, class by class."""
    slices, options = programme.slices, programme.options
    slice_at, option_at, people = _spread(programme, plan.sent)
    rows = pd.DataFrame(
        {
            "service": np.array(programme.services, dtype=object)[slices.service[slice_at]],
            "home_id": programme.homes[slices.home[slice_at]],
            "building_id": options["building_id"].to_numpy()[option_at],
            "people": people,
        }
    )
    return _as_served(rows.groupby([*HOME, "building_id"])["people"].sum().reset_index())


def _spread(programme: Programme, sent: Floats) -> tuple[Ints, Ints, Floats]:
    """The people of each class laid in a row, slice after slice, and sent off in that order."""
    member = programme.classes.member
    at = np.flatnonzero(sent > 1e-6)
    begin = np.concatenate([[0.0], np.cumsum(programme.classes.people)])
    pair_class = np.repeat(np.arange(member.shape[0]), np.diff(member.indptr))[at]
    order = np.argsort(programme.class_of, kind="stable")
    people = programme.slices.people[order]
    slice_end = _ends(people, programme.class_of[order], begin)
    pair_end = _ends(sent[at], pair_class, begin)
    # every stretch between two ends belongs to one slice and goes with one pair, or nowhere
    cuts = np.unique(np.concatenate([begin, slice_end, pair_end]))
    middle, length = (cuts[1:] + cuts[:-1]) / 2, np.diff(cuts)
    whose = np.searchsorted(slice_end, middle)
    pair = np.searchsorted(pair_end, middle)
    found = (whose < len(people)) & (pair < len(at)) & (length > 1e-9)
    whose, pair = whose[found], pair[found]
    goes = programme.class_of[order][whose] == pair_class[pair]
    whose, pair = whose[goes], pair[goes]
    return order[whose], member.indices[at[pair]].astype(np.int64), length[found][goes]


def _ends(amount: Floats, kind: Ints, begin: Floats) -> Floats:
    """Where amounts end that are laid one after another from the begin of their kind."""
    total = np.cumsum(amount)
    first = np.searchsorted(kind, kind)
    return np.asarray(begin[kind] + total - (total - amount)[first])


def _as_served(rows: pd.DataFrame) -> pd.DataFrame:
    names = {"home_id": "from_id", "building_id": "to_id"}
    table = rows.rename(columns=names)[["from_id", "to_id", "service", "people"]]
    return table.reset_index(drop=True)


def _with_walks(served: pd.DataFrame, gains: pd.DataFrame) -> pd.DataFrame:
    """The walk of everybody served, missing where the gains do not say."""
    if "walk_min" not in gains:
        return served.assign(walk_min=np.nan)
    walks = gains.set_index(["home_id", "building_id", "service"])["walk_min"]
    key = pd.MultiIndex.from_frame(served[["from_id", "to_id", "service"]])
    return served.assign(walk_min=walks.reindex(key).to_numpy())


def _not_served(programme: Programme, served: pd.DataFrame, wanted: pd.Series[Any]) -> pd.DataFrame:
    """People left out: no option could serve them, an open one is full, or none was chosen."""
    slices = programme.slices
    could = (
        pd.DataFrame(
            {
                "service": np.array(programme.services, dtype=object)[slices.service],
                "home_id": programme.homes[slices.home],
                "people": slices.people,
            }
        )
        .groupby(HOME)["people"]
        .sum()
        .reindex(wanted.index)
        .fillna(0.0)
    )
    has = served.groupby(["service", "from_id"])["people"].sum()
    has = has.reindex(wanted.index).fillna(0.0)
    parts = {"no_option": wanted - could, "not_chosen": could - has}
    tables = [
        left.rename("people").reset_index().assign(reason=reason)[left.to_numpy() > 1e-6]
        for reason, left in parts.items()
    ]
    table = pd.concat(tables, ignore_index=True).rename(columns={"home_id": "from_id"})
    return table.sort_values(["service", "from_id", "reason"], ignore_index=True)
