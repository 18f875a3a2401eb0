"""When money comes back: simple and discounted payback, net present value, rate of return."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from communityplan.errors import DataError, MissingLibraryError, OptionError, Problem
from communityplan.finance.amounts import Yuan, numbers
from communityplan.tables import Column, Table, check, record

__all__ = ["payback"]

_FLOWS = Table(
    "flows",
    "现金流",
    (),
    required={"year": Column("the year", "年份", "year", "number")},
    optional={"net_yuan": Column("income less outlay", "净收入", "yuan", "number")},
)
_RESULTS = [
    "years",
    "total_yuan",
    "payback_years",
    "discounted_payback_years",
    "npv_yuan",
    "irr",
    "reason",
]


def payback(
    flows: pd.DataFrame, *, rate: float | None = None, by: Sequence[str] = ()
) -> pd.DataFrame:
    """When the money comes back, and at what return.

    Parameters
    ----------
    flows : DataFrame
        ``year`` (whole, without gaps), ``net_yuan`` [``case`` and others], as from `cash_flow`;
        rows of one year are added.
    rate : float, optional
        Discount rate per year as a fraction, from 0 to below 1. There is no default: without it
        what is discounted is missing.
    by : sequence of str
        Columns to tell apart, such as ``["service"]``; the cases are always told apart.

    Returns
    -------
    DataFrame
        One row per group and case: ``years`` after the first, ``total_yuan`` not discounted,
        ``payback_years`` and ``discounted_payback_years`` (missing where not within the years),
        ``npv_yuan``, ``irr`` and ``reason``, the code of why something is missing:
        ``missing_amounts``, ``no_investment_first`` or ``several_signs`` (no rate, or more than
        one), ``no_rate_found``; empty where the rate of return exists.

    Raises
    ------
    TableError, DataError
        Years that are not whole or that leave gaps.
    OptionError
        A rate outside 0 to 1, a column in `by` that is not there.

    Notes
    -----
    The first year's flow falls at time 0, each later one evenly over its year. Payback is the
    time from which on the sum is never negative again, so a late outlay counts. Nothing better
    makes it later: payback falls and the present value rises with every flow. The rate of return
    is given where outlays come first and the sign changes once, which makes it the only one. It
    is found by pyxirr.

    Examples
    --------
    >>> import pandas as pd
    >>> flows = pd.DataFrame({"year": [0, 1, 2], "net_yuan": [-100.0, 60.0, 80.0]})
    >>> found = payback(flows, rate=0.1)
    >>> found[["payback_years", "npv_yuan", "irr"]].round(3).iloc[0].tolist()
    [1.5, 20.661, 0.243]
    """
    check(flows, _FLOWS)
    if rate is not None and not 0 <= rate < 1:
        raise OptionError(f"rate is {rate}; give a fraction per year, 0.05 for 5 %")
    keys = [*by, *(["case"] if "case" in flows.columns and "case" not in by else [])]
    absent = [key for key in keys if key not in flows.columns]
    if absent:
        raise OptionError(f"flows has no column {', '.join(absent)} to tell apart by")
    series = _series(flows, keys)
    rows = [(*key, *_returns(net, rate)) for key, net in series.items()]
    result = pd.DataFrame(rows, columns=[*keys, *_RESULTS])
    return record(result, rate=rate, by=list(keys), library="pyxirr")


def _series(flows: pd.DataFrame, keys: Sequence[str]) -> dict[tuple[object, ...], Yuan]:
    """The net flow of every group, one value per year."""
    table = flows[list(keys)].assign(year=numbers(flows, "year"), net=numbers(flows, "net_yuan"))
    groups = table.groupby(list(keys), sort=False, dropna=False) if keys else [((), table)]
    series: dict[tuple[object, ...], Yuan] = {}
    problems = []
    for key, rows in groups:
        name = tuple(key)
        years = np.unique(rows["year"])
        if (years != np.floor(years)).any() or (np.diff(years) != 1).any():
            said = ", ".join(f"{year:g}" for year in years)
            where = f"flows{''.join(f', {part}' for part in name)}"
            todo = "Give every year from the first to the last, with 0 where nothing flows"
            problems.append(Problem(where, f"the years are {said}", todo))
        # a year with one missing amount is missing as a whole
        series[name] = np.array(
            [rows["net"][rows["year"] == year].sum(skipna=False) for year in years]
        )
    if problems:
        raise DataError(problems)
    return {key: net for key, net in series.items() if len(net)}


def _returns(net: Yuan, rate: float | None) -> tuple[object, ...]:
    years = len(net) - 1
    if np.isnan(net).any():
        return (years, *[np.nan] * 5, "missing_amounts")
    simple = _paid_back(net)
    present = net / (1 + rate) ** np.arange(len(net)) if rate is not None else net * np.nan
    discounted = _paid_back(present) if rate is not None else np.nan
    irr, reason = _rate_of_return(net)
    return years, net.sum(), simple, discounted, present.sum(), irr, reason


def _paid_back(net: Yuan) -> float:
    """Years until the running sum is never negative again; missing where that does not come."""
    together = np.cumsum(net)
    # protect against floating point errors where the sum comes out at exactly 0
    owing = np.flatnonzero(together < -1e-12 * np.abs(net).sum())
    if not len(owing):
        return 0.0
    last = int(owing[-1])
    if last == len(net) - 1:
        return float("nan")
    return last + min(1.0, float(-together[last] / net[last + 1]))


def _rate_of_return(net: Yuan) -> tuple[float, str]:
    try:
        import pyxirr
    except ImportError as error:
        raise MissingLibraryError("payback needs pyxirr: pip install pyxirr") from error
    signs = np.sign(net[net != 0])
    changes = int(np.count_nonzero(np.diff(signs)))
    if changes == 0 or signs[0] > 0:
        return float("nan"), "no_investment_first"
    if changes > 1:
        return float("nan"), "several_signs"
    found = pyxirr.irr(net.tolist())
    if found is None or not np.isfinite(found) or found <= -1:
        return float("nan"), "no_rate_found"
    return float(found), ""
