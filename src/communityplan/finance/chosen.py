"""The money of a choice: what it takes, who pays, what it earns and when it pays back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from communityplan.errors import OptionError, Problem, TableError
from communityplan.finance.amounts import Yuan, numbers
from communityplan.finance.cash import CASES, cash_flow, missing_amounts
from communityplan.finance.returns import payback
from communityplan.finance.said import ask, say_returns
from communityplan.finance.sides import who_pays
from communityplan.tables import record

__all__ = ["Money", "choice_money"]

KEYS = ["building_id", "service"]
PARTS = {
    "investment_yuan": ("investment_yuan", "investment_yuan_m2"),
    "income_yuan_year": ("income_yuan_year", "income_yuan_m2_year", "income_yuan_person_year"),
    "cost_yuan_year": ("cost_yuan_year", "cost_yuan_m2_year", "cost_yuan_person_year"),
    "rent_yuan_year": ("rent_yuan_year", "rent_yuan_m2_year"),
    "rent_free_years": ("rent_free_years",),
    "subsidy_yuan_year": ("subsidy_yuan_year", "subsidy_yuan_m2_year", "subsidy_yuan_person_year"),
}
"""Amounts of a service, and the columns of prices that are added up for each."""

ENDS = ("", "_low", "_high")


@dataclass(frozen=True, eq=False)
class Money:
    """What a choice takes and brings.

    Attributes
    ----------
    uses : DataFrame
        One row per service that opens: ``item``, ``building_id``, ``service``, ``cost_yuan``
        (conversion and fit-out).
    paid : DataFrame or None
        By payer, with what nobody pays yet (see `who_pays`); None without funding.
    operation : DataFrame
        The amounts of every service, as `cash_flow` takes them; missing where not given.
    flows : DataFrame
        Year by year and case by case (see `cash_flow`).
    returns : DataFrame
        One row per service and one for all (their keys empty): ``investment_yuan``,
        ``payback_years`` with ``payback_years_low`` and ``payback_years_high`` (every amount at
        its worst and best for the operator), ``discounted_payback_years``, ``npv_yuan``, ``irr``,
        ``total_yuan`` over the years, ``missing`` (amounts, with ``;`` between), ``zh``, ``en``.
    missing : DataFrame
        What to ask for: the keys, ``amount``, ``unit``, ``give`` (columns of prices, any of which
        will do), ``zh``, ``en``.
    """

    uses: pd.DataFrame
    paid: pd.DataFrame | None
    operation: pd.DataFrame
    flows: pd.DataFrame
    returns: pd.DataFrame
    missing: pd.DataFrame


def choice_money(
    opened: pd.DataFrame,
    *,
    years: int,
    prices: pd.DataFrame | None = None,
    funding: pd.DataFrame | None = None,
    idle_buildings: pd.DataFrame | None = None,
    rate: float | None = None,
) -> Money:
    """Sources and uses, yearly cash flow and payback of what a choice opens.

    Parameters
    ----------
    opened : DataFrame
        As `Choice.opened` of `choose_sites`: ``building_id``, ``service``, ``cost_yuan``,
        ``opening_cost_yuan``, ``floor_area_m2``, ``people`` [``year``; ``community_id``, for
        `balance`].
    years : int
        Years of operation, such as those of the operating rights.
    prices : DataFrame, optional
        ``service`` [``building_id``; empty: all buildings] and amounts, each in all, by floor area
        and by person served, which are added up: ``income_yuan_year``, ``income_yuan_m2_year``,
        ``income_yuan_person_year``, and so for ``cost``, ``subsidy`` and (without persons)
        ``rent``; ``rent_free_years``; ``investment_yuan`` and ``investment_yuan_m2`` in the place
        of the costs of the choice. Each may have a band in ``<name>_low`` and ``<name>_high``.
    funding : DataFrame, optional
        Who pays, as in `who_pays`: ``payer``, ``amount_yuan`` or ``share`` [``item``].
    idle_buildings : DataFrame, optional
        With ``annual_rent_yuan`` of whole buildings, for services whose price names no rent; it is
        shared out by floor area, as the cost of opening a building is.
    rate : float, optional
        Discount rate per year as a fraction; without it what is discounted is missing.

    Returns
    -------
    Money

    Raises
    ------
    TableError, DataError
        Lists columns that are missing, prices that stand twice or are no amounts.
    OptionError

    Notes
    -----
    There are no default prices: an amount of which nothing is given is missing, with all that
    follows from it, and stands in ``missing``; give 0 for nothing. Each service runs for `years`
    from the year after it opens.

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.finance import choice_money
    >>> opened = pd.DataFrame({"building_id": ["B3"], "service": ["canteen"],
    ...     "cost_yuan": [200_000.0], "opening_cost_yuan": [300_000.0],
    ...     "floor_area_m2": [250.0], "people": [400.0]})
    >>> prices = pd.DataFrame({"service": ["canteen"], "income_yuan_person_year": [900.0],
    ...     "cost_yuan_m2_year": [900.0], "rent_yuan_year": [0.0], "rent_free_years": [0],
    ...     "subsidy_yuan_year": [0.0]})
    >>> money = choice_money(opened, years=10, prices=prices)
    >>> money.returns["en"].tolist()[0]
    'B3 community canteen: 500,000 yuan, paid back after about 3.7 years'
    >>> choice_money(opened, years=10).missing["amount"].tolist()[:2]
    ['income_yuan_year', 'cost_yuan_year']
    """
    _check(opened, prices, years)
    operation = _operation(opened.reset_index(drop=True), prices, idle_buildings)
    missing = ask(missing_amounts(operation), PARTS)
    flows = _flows(operation, opened, years)
    uses = operation[KEYS].assign(
        item=operation["building_id"] + " " + operation["service"],
        cost_yuan=operation["investment_yuan"],
    )[["item", *KEYS, "cost_yuan"]]
    returns = say_returns(_returns(flows, operation, missing, rate), years)
    facts = {"years": years, "rate": rate, "missing": missing["en"].tolist()}
    return Money(
        uses=record(uses, **facts),
        paid=None if funding is None else who_pays(uses[["item", "cost_yuan"]], funding),
        operation=record(operation, **facts),
        flows=record(flows, **facts),
        returns=record(returns, **facts),
        missing=missing,
    )


def _check(opened: pd.DataFrame, prices: pd.DataFrame | None, years: int) -> None:
    needed = {
        "opened": (opened, (*KEYS, "cost_yuan", "opening_cost_yuan", "floor_area_m2", "people")),
        "prices": (prices, ("service",)),
    }
    problems = [
        Problem(name, f"no column {column!r}", "Add it")
        for name, (table, columns) in needed.items()
        if table is not None
        for column in columns
        if column not in table.columns
    ]
    if prices is not None and not problems:
        problems = _price_problems(prices)
    if problems:
        raise TableError(problems)
    if not (float(years).is_integer() and years >= 1):
        raise OptionError(f"years is {years}; give at least 1 year of operation")


def _price_problems(prices: pd.DataFrame) -> list[Problem]:
    known = {f"{part}{end}" for parts in PARTS.values() for part in parts for end in ENDS}
    problems = [
        Problem("prices", f"no amount {name!r} is known", f"Known are {', '.join(sorted(known))}")
        for name in prices.columns
        if name not in {*known, *KEYS} and ("yuan" in str(name) or "year" in str(name))
    ]
    keys = pd.DataFrame({"building_id": _building_of(prices), "service": prices["service"]})
    problems += [
        Problem(f"prices, row {row + 1}", "service and building stand here twice", "Keep one")
        for row in np.flatnonzero(keys.duplicated())
    ]
    for name in sorted(known & set(prices.columns)):
        values = pd.to_numeric(prices[name], errors="coerce").to_numpy(dtype=float)
        bad = prices[name].notna().to_numpy() & ~((values >= 0) & np.isfinite(values))
        problems += [
            Problem(
                f"prices, row {row + 1}",
                f"{name} is {prices[name].iloc[row]!r}",
                "Give a number, 0 or more, or leave it empty",
            )
            for row in np.flatnonzero(bad)
        ]
    return problems


def _building_of(prices: pd.DataFrame) -> pd.Series[str]:
    if "building_id" not in prices.columns:
        return pd.Series("", index=prices.index)
    return prices["building_id"].astype("object").where(prices["building_id"].notna(), "").map(str)


def _operation(
    opened: pd.DataFrame, prices: pd.DataFrame | None, idle_buildings: pd.DataFrame | None
) -> pd.DataFrame:
    """The amounts of every service that opens."""
    keys = opened[KEYS].map(str)
    given = _priced(keys, prices)
    per = {
        "_m2": numbers(opened, "floor_area_m2"),
        "_person": numbers(opened, "people"),
        "": np.ones(len(opened)),
    }
    amounts: dict[str, Yuan] = {}
    for name, parts in PARTS.items():
        for end in ENDS:
            # an end of the band that one part lacks is that part itself
            values = [_times(given, part, end, per) for part in parts]
            if end and not any(f"{part}{end}" in given.columns for part in parts):
                continue
            known = np.array([~np.isnan(value) for value in values]).any(axis=0)
            amounts[f"{name}{end}"] = np.where(known, np.nansum(values, axis=0), np.nan)
    share = _shares(opened)
    opening = opened.groupby("building_id")["opening_cost_yuan"].transform("sum").to_numpy()
    own = numbers(opened, "cost_yuan") + np.asarray(opening, dtype=float) * share
    amounts["investment_yuan"] = _or(amounts["investment_yuan"], own)
    rent = _rents(keys, idle_buildings) * share
    amounts["rent_yuan_year"] = _or(amounts["rent_yuan_year"], rent)
    own_keys = opened[["community_id"]] if "community_id" in opened.columns else opened[[]]
    return pd.concat([own_keys, keys.assign(**amounts)], axis=1)


def _priced(keys: pd.DataFrame, prices: pd.DataFrame | None) -> pd.DataFrame:
    """The row of prices of every service: that of its building, else that of all buildings."""
    if prices is None:
        return pd.DataFrame(index=keys.index)
    table = prices.assign(building_id=_building_of(prices), service=prices["service"].map(str))
    table = table.set_index(KEYS)
    own = table.reindex(pd.MultiIndex.from_frame(keys)).reset_index(drop=True)
    usual = table.reindex(pd.MultiIndex.from_frame(keys.assign(building_id="")))
    usual = usual.reset_index(drop=True)
    # a price of its own does not go with the band of another
    told = [str(name).removesuffix("_low").removesuffix("_high") for name in own.columns]
    is_own = np.column_stack(
        [own.get(name, own[column]).notna() for name, column in zip(told, own, strict=True)]
    )
    return own.where(own.notna() | is_own, usual)


def _times(given: pd.DataFrame, part: str, end: str, per: Mapping[str, Yuan]) -> Yuan:
    """One part of an amount, by what it is a price of."""
    unit = next(key for key in per if not key or key in part)
    value = numbers(given, part)
    if end and f"{part}{end}" in given.columns:
        value = _or(numbers(given, f"{part}{end}"), value)
    return np.asarray(value * per[unit])


def _or(first: Yuan, second: Yuan) -> Yuan:
    return np.where(np.isnan(first), second, first)


def _shares(opened: pd.DataFrame) -> Yuan:
    """Share of each service in its building, by floor area; evenly where none takes any."""
    area = pd.Series(np.nan_to_num(numbers(opened, "floor_area_m2")), index=opened.index)
    whole = area.groupby(opened["building_id"]).transform("sum")
    even = 1.0 / opened.groupby("building_id")["service"].transform("size")
    return np.asarray((area / whole.where(whole > 0)).fillna(even), dtype=np.float64)


def _rents(keys: pd.DataFrame, idle_buildings: pd.DataFrame | None) -> Yuan:
    if idle_buildings is None or "annual_rent_yuan" not in idle_buildings.columns:
        return np.full(len(keys), np.nan)
    rents = pd.Series(
        numbers(idle_buildings, "annual_rent_yuan"), index=idle_buildings["building_id"].map(str)
    )
    return np.asarray(rents.reindex(keys["building_id"]), dtype=np.float64)


def _flows(operation: pd.DataFrame, opened: pd.DataFrame, years: int) -> pd.DataFrame:
    """Year by year from the year in which each service opens."""
    begin = np.zeros(len(operation), dtype=np.int64)
    if "year" in opened.columns and len(opened) and opened["year"].notna().all():
        begin = pd.to_numeric(opened["year"]).to_numpy(dtype=np.int64)
    parts = [
        cash_flow(operation[begin == year], years=int(years), first_year=int(year))
        for year in sorted(set(begin.tolist())) or [0]
    ]
    return pd.concat(parts, ignore_index=True)


def _returns(
    flows: pd.DataFrame, operation: pd.DataFrame, missing: pd.DataFrame, rate: float | None
) -> pd.DataFrame:
    """Payback of every service and of all together, the cases side by side."""
    lacks = missing.groupby(KEYS)["amount"].agg(";".join)
    found = pd.concat(
        [payback(flows, rate=rate, by=KEYS), payback(flows, rate=rate)], ignore_index=True
    )
    found[KEYS] = found.reindex(columns=KEYS).fillna("")
    middle = found[found["case"] == "central"].reset_index(drop=True)
    for case in (CASES[0], CASES[2]):
        ends = found[found["case"] == case].set_index(KEYS)["payback_years"]
        middle[f"payback_years_{case}"] = _by_key(ends, middle)
    every = pd.DataFrame(
        {
            "building_id": [""],
            "service": [""],
            "investment_yuan": operation["investment_yuan"].sum(),
        }
    )
    invested = pd.concat([operation, every]).set_index(KEYS)["investment_yuan"]
    middle["investment_yuan"] = _by_key(invested, middle)
    lacking = ";".join(dict.fromkeys(missing["amount"]))
    middle["missing"] = [
        str(lacks.get((row.building_id, row.service), "")) if row.service else lacking
        for row in middle.itertuples()
    ]
    middle["has_band"] = bool((flows["case"] != "central").any())
    return middle.drop(columns=["case", "years"])


def _by_key(values: pd.Series[Any], table: pd.DataFrame) -> Yuan:
    return np.asarray(values.reindex(pd.MultiIndex.from_frame(table[KEYS])), dtype=np.float64)
