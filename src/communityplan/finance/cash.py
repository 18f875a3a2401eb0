"""Operating cash flow of services, year by year, with an uncertainty band."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from communityplan.errors import DataError, OptionError, Problem
from communityplan.finance.amounts import Yuan, numbers
from communityplan.tables import OPERATION, check, record

__all__ = ["CASES", "cash_flow", "missing_amounts"]

CASES = ("low", "central", "high")
"""The uncertainty band: everything at its worst, as expected, everything at its best."""

# amounts of one service; +1 where more of it is better for the operator, -1 where it is worse
_AMOUNTS = {
    "investment_yuan": -1,
    "income_yuan_year": 1,
    "cost_yuan_year": -1,
    "rent_yuan_year": -1,
    "rent_free_years": 1,
    "subsidy_yuan_year": 1,
}
_KEYS = ("community_id", "building_id", "service")
_SUFFIXES = ("", "_low", "_high")


def missing_amounts(services: pd.DataFrame) -> pd.DataFrame:
    """The amounts that are not given, one row each, to ask for.

    Parameters
    ----------
    services : DataFrame
        As in `cash_flow`.

    Returns
    -------
    DataFrame
        ``row`` (from 1), the keys that are there, ``amount`` (name of the column), ``unit``.

    Examples
    --------
    >>> import pandas as pd
    >>> canteen = pd.DataFrame({"service": ["canteen"], "income_yuan_year": [300_000.0]})
    >>> missing_amounts(canteen)["amount"].tolist()
    ['investment_yuan', 'cost_yuan_year', 'rent_yuan_year', 'rent_free_years', 'subsidy_yuan_year']
    """
    check(services, OPERATION)
    keys = [key for key in _KEYS if key in services.columns]
    gaps = {name: np.isnan(numbers(services, name)) for name in _AMOUNTS}
    rows = [
        (row + 1, *services[keys].iloc[row], name, OPERATION.columns[name].unit)
        for row in range(len(services))
        for name in _AMOUNTS
        if gaps[name][row]
    ]
    return record(pd.DataFrame(rows, columns=["row", *keys, "amount", "unit"]))


def cash_flow(services: pd.DataFrame, *, years: int, first_year: int = 0) -> pd.DataFrame:
    """Yearly cash flow of every service, for its operator.

    ``net = income + subsidy - cost - rent - investment``. The investment falls in the first year,
    the `years` after it are years of operation; rent is due once the rent-free years are over.

    Parameters
    ----------
    services : DataFrame
        One row per service: ``service`` [``community_id``, ``building_id``], ``investment_yuan``,
        ``income_yuan_year``, ``cost_yuan_year``, ``rent_yuan_year``, ``rent_free_years``,
        ``subsidy_yuan_year``. Each amount may have a band in ``<name>_low`` and ``<name>_high``;
        a band that is empty is the amount itself.
    years : int
        Years of operation, for example those of the operating rights.
    first_year : int
        Number of the year of the investment.

    Returns
    -------
    DataFrame
        One row per service, case and year: the keys, ``case``, ``year``, ``investment_yuan``,
        ``income_yuan``, ``cost_yuan``, ``rent_yuan``, ``subsidy_yuan``, ``net_yuan`` [yuan].
        Only the case ``central`` unless a band is given; ``low`` takes every amount at its worst,
        ``high`` at its best. The record lists as ``missing`` what was not given.

    Raises
    ------
    TableError, DataError
        Amounts that are negative or not numbers, rent-free years that are not whole, bands that
        do not enclose the amount.

    Examples
    --------
    >>> import pandas as pd
    >>> canteen = pd.DataFrame({"service": ["canteen"], "investment_yuan": [500.0],
    ...     "income_yuan_year": [300.0], "cost_yuan_year": [150.0], "rent_yuan_year": [50.0],
    ...     "rent_free_years": [1], "subsidy_yuan_year": [20.0]})
    >>> cash_flow(canteen, years=3)["net_yuan"].tolist()
    [-500.0, 170.0, 120.0, 120.0]
    """
    if years < 1:
        raise OptionError(f"years is {years}; give at least 1 year of operation")
    missing = missing_amounts(services)
    _refuse_bands(services)
    banded = any(f"{name}{suffix}" in services for name in _AMOUNTS for suffix in _SUFFIXES[1:])
    cases = CASES if banded else ("central",)
    keys = [key for key in _KEYS if key in services.columns]
    parts = [_yearly(services, keys, case, years) for case in cases]
    flows = pd.concat(parts, ignore_index=True)
    flows["year"] += first_year
    said = [f"row {row.row}: {row.amount}" for row in missing.itertuples()]
    return record(flows, years=years, first_year=first_year, missing=said)


def _at(services: pd.DataFrame, name: str, case: str) -> Yuan:
    """An amount in one case, the amount itself where no band is given."""
    central = numbers(services, name)
    if case == "central":
        return central
    end = "_high" if (case == "high") == (_AMOUNTS[name] > 0) else "_low"
    banded = numbers(services, f"{name}{end}")
    return np.where(np.isnan(banded), central, banded)


def _refuse_bands(services: pd.DataFrame) -> None:
    problems = []
    for name in _AMOUNTS:
        low, central, high = (numbers(services, f"{name}{end}") for end in ("_low", "", "_high"))
        # a band without its amount would be an expectation that nobody stated
        alone = np.isnan(central) & ~(np.isnan(low) & np.isnan(high))
        for row in np.flatnonzero((low > central) | (high < central) | alone):
            found = f"{name} is {central[row]:g} with the band {low[row]:g} to {high[row]:g}"
            todo = "Give low <= amount <= high"
            problems.append(Problem(f"services, row {row + 1}", found, todo))
    for end in _SUFFIXES:
        spans = numbers(services, f"rent_free_years{end}")
        for row in np.flatnonzero(~np.isnan(spans) & (spans != np.floor(spans))):
            found = f"rent_free_years{end} is {spans[row]:g}"
            problems.append(Problem(f"services, row {row + 1}", found, "Give whole years"))
    if problems:
        raise DataError(problems)


def _yearly(services: pd.DataFrame, keys: Sequence[str], case: str, years: int) -> pd.DataFrame:
    """Every service in one case, year by year."""
    at = {name: np.repeat(_at(services, name, case), years + 1) for name in _AMOUNTS}
    table = (
        services[list(keys)]
        .iloc[np.repeat(np.arange(len(services)), years + 1)]
        .reset_index(drop=True)
    )
    year = np.tile(np.arange(years + 1), len(services))
    runs = year > 0
    # an amount that is not given stays missing in every year it could fall in
    pays = np.where(np.isnan(at["rent_free_years"]), np.nan, year > at["rent_free_years"])
    table["case"] = case
    table["year"] = year
    table["investment_yuan"] = np.where(runs, 0.0, at["investment_yuan"])
    for name in ("income", "cost", "rent", "subsidy"):
        table[f"{name}_yuan"] = np.where(runs, at[f"{name}_yuan_year"], 0.0)
    table["rent_yuan"] = np.where(runs, table["rent_yuan"] * pays, 0.0)
    gains = table["income_yuan"] + table["subsidy_yuan"]
    outlay = table["cost_yuan"] + table["rent_yuan"] + table["investment_yuan"]
    return table.assign(net_yuan=gains - outlay)
