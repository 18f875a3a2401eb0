"""How equally access is spread over people: Gini, Palma, concentration, the worst-served fifth.

Every measure counts people, not homes: a weight is the number of people who have the value. All
of them come from one Lorenz curve, people in order on one axis, what they have on the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from communityplan.access._tables import area_of_homes, sums
from communityplan.errors import DataError, OptionError, Problem
from communityplan.tables import record

__all__ = ["concentration_index", "equity_table", "gini", "palma", "worst_fifth_share"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Values: TypeAlias = "pd.Series[Any] | Sequence[float] | NDArray[Any]"


def gini(values: Values, *, weights: Values | None = None) -> float:
    """Gini index: 0 when everybody has the same, near 1 when one has all.

    Parameters
    ----------
    values : Series or array of float
        What each home has a head, such as access [places/person]; not negative.
    weights : Series or array of float, optional
        People who have it [people]; one each unless given. A Series is matched by its index.

    Returns
    -------
    float
        Missing where nobody has anything, or nobody is there.

    Raises
    ------
    DataError
        Lists values or weights that are missing, negative or not finite.

    Notes
    -----
    Half the mean difference between two people, over the mean. This is the index of the people
    given, without the factor ``n / (n - 1)`` used for samples.

    Examples
    --------
    >>> from communityplan.access import gini
    >>> gini([1, 1, 1, 1]), gini([0, 0, 0, 1]), gini([0, 1], weights=[3, 1])
    (0.0, 0.75, 0.75)
    """
    return _index_of(_one_curve(values, weights, None))


def concentration_index(values: Values, *, rank_by: Values, weights: Values | None = None) -> float:
    """Concentration index: whether access goes with income, age or another ranking.

    Parameters
    ----------
    values : Series or array of float
        What each home has a head; not negative.
    rank_by : Series or array of float
        What people are put in order by, lowest first, such as income.
    weights : Series or array of float, optional
        People [people]; one each unless given.

    Returns
    -------
    float
        Between -1 and 1: above 0 when those who rank high have more, below 0 when those who rank
        low have more; missing where nobody has anything.

    Raises
    ------
    DataError
        Lists values, weights or ranks that are missing, or negative where they may not be.

    Notes
    -----
    The standard index ``2 cov(values, rank) / mean``. People who rank equal share one rank, so
    the order of the rows does not matter. Ranked by the values themselves it is the Gini index.

    References
    ----------
    Kakwani N, Wagstaff A, van Doorslaer E (1997). doi:10.1016/S0304-4076(96)01807-6

    Examples
    --------
    >>> from communityplan.access import concentration_index
    >>> concentration_index([1, 2, 3], rank_by=[10, 20, 30]) > 0
    True
    >>> concentration_index([1, 2, 3], rank_by=[7, 7, 7])
    0.0
    """
    return _index_of(_one_curve(values, weights, rank_by))


def palma(values: Values, *, weights: Values | None = None, rank_by: Values | None = None) -> float:
    """Palma ratio: what the top tenth of people has over what the bottom two fifths have.

    Parameters
    ----------
    values : Series or array of float
        What each home has a head; not negative.
    weights : Series or array of float, optional
        People [people]; one each unless given.
    rank_by : Series or array of float, optional
        What people are put in order by, lowest first, such as income; the values themselves
        unless given.

    Returns
    -------
    float
        0.25 when everybody has the same; infinite when the bottom two fifths have nothing;
        missing where nobody has anything.

    Raises
    ------
    DataError
        Lists values, weights or ranks that are missing, or negative where they may not be.

    Notes
    -----
    The ratio of the two sums. Transport studies also give the ratio of the two means, which is
    four times as much. The people of a home at the border of a tenth are divided.

    References
    ----------
    Palma J G (2011). doi:10.1111/j.1467-7660.2011.01694.x

    Examples
    --------
    >>> from communityplan.access import palma
    >>> palma([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    1.0
    """
    return float(_palma(_one_curve(values, weights, rank_by))[0])


def worst_fifth_share(values: Values, *, weights: Values | None = None) -> float:
    """Share of everything that the worst-served fifth of people has.

    Parameters
    ----------
    values : Series or array of float
        What each home has a head, more being better; not negative.
    weights : Series or array of float, optional
        People [people]; one each unless given.

    Returns
    -------
    float
        0.2 when everybody has the same, 0 when the worst-served fifth has nothing; missing where
        nobody has anything.

    Raises
    ------
    DataError
        Lists values or weights that are missing, negative or not finite.

    Examples
    --------
    >>> from communityplan.access import worst_fifth_share
    >>> worst_fifth_share([1, 1, 1, 1, 6])
    0.1
    """
    return float(_share_below(_one_curve(values, weights, None), 0.2)[0])


def equity_table(
    access: pd.Series[Any],
    people: pd.Series[Any] | pd.DataFrame,
    *,
    by: pd.Series[Any] | None = None,
    rank_by: pd.Series[Any] | None = None,
) -> pd.DataFrame:
    """Every measure of equity for each group of people, and for each community.

    Parameters
    ----------
    access : Series of float
        What each home has a head, such as the result of `two_step_access`.
    people : Series or DataFrame
        People at each home [people]; a table has one column for each group, such as
        ``homes[["residents", "elderly", "children"]]``.
    by : Series, optional
        Community of each home; all homes together unless given.
    rank_by : Series, optional
        What homes are put in order by for the concentration index, lowest first.

    Returns
    -------
    DataFrame
        One row for each area and group: ``area`` (the name of `by`, when it has one), ``group``,
        ``people``, ``mean``, ``without`` (people with nothing), ``gini``, ``palma``,
        ``worst_fifth_share`` and, with `rank_by`, ``concentration_index``. A measure is missing
        where nobody lives or nobody has anything.

    Raises
    ------
    DataError
        Lists homes without people, community or rank, and values that are missing or negative.

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.access import equity_table
    >>> access = pd.Series({"a": 0.0, "b": 0.2, "c": 0.2})
    >>> people = pd.DataFrame({"elderly": [1, 2, 1], "children": [0, 1, 1]}, index=list("abc"))
    >>> equity_table(access, people)[["group", "people", "mean", "without", "gini"]]
          group  people  mean  without  gini
    0   elderly     4.0  0.15      1.0  0.25
    1  children     2.0  0.20      0.0  0.00
    """
    groups = people.to_frame(people.name or "people") if isinstance(people, pd.Series) else people
    area = area_of_homes(access.index, by)
    codes, areas = pd.factorize(area, sort=True)
    ranks = None if rank_by is None else rank_by.reindex(access.index)
    heading = "area" if by is None or by.name is None else str(by.name)
    tables = [
        _rows_of_group(
            access, groups[name].reindex(access.index), ranks, np.asarray(codes), len(areas)
        )
        for name in groups.columns
    ]
    table = pd.concat(tables, ignore_index=True)
    table.insert(0, heading, np.tile(np.asarray(areas), len(tables)))
    table.insert(1, "group", np.repeat(groups.columns.to_numpy(), len(areas)))
    used = access.attrs.get("communityplan", {})
    noted: pd.DataFrame = record(table, **used, equity="weighted by people")
    return noted


@dataclass(frozen=True)
class _Curve:
    """Homes put in order within each area: people, what they have, and where areas lie.

    Attributes
    ----------
    area : array of int
        Area of each home, never falling.
    weight, amount : array of float
        People, and what they have in all; each divided by its sum over the area.
    n_areas : int
        Areas, with or without homes.
    total_people, total_amount : array of float
        The sums of each area.
    """

    area: Ints
    weight: Floats
    amount: Floats
    n_areas: int
    total_people: Floats
    total_amount: Floats


def _one_curve(values: Values, weights: Values | None, rank_by: Values | None) -> _Curve:
    n = len(values)
    have = _numbers(values, None, "values", least=0.0)
    people = np.ones(n) if weights is None else _numbers(weights, values, "weights", least=0.0)
    ranks = have if rank_by is None else _numbers(rank_by, values, "rank_by", least=-np.inf)
    return _curve(have, people, ranks, np.zeros(n, dtype=np.intp), 1)


def _rows_of_group(
    access: pd.Series[Any],
    people: pd.Series[Any],
    ranks: pd.Series[Any] | None,
    area: Ints,
    n_areas: int,
) -> pd.DataFrame:
    have = _numbers(access, None, "access", least=0.0)
    heads = _numbers(people, access, "people", least=0.0)
    curve = _curve(have, heads, have, area, n_areas)
    nothing = sums(area, heads * (have == 0), n_areas)
    columns = {
        "people": curve.total_people,
        "mean": _ratio(curve.total_amount, curve.total_people),
        "without": nothing,
        "gini": _index(curve),
        "palma": _palma(curve),
        "worst_fifth_share": _share_below(curve, 0.2),
    }
    if ranks is not None:
        order = _numbers(ranks, access, "rank_by", least=-np.inf)
        columns["concentration_index"] = _index(_curve(have, heads, order, area, n_areas))
    return pd.DataFrame(columns)


def _curve(have: Floats, people: Floats, ranks: Floats, area: Ints, n_areas: int) -> _Curve:
    """People of each area in the order of their ranks; equal ranks become one step."""
    order = np.lexsort((ranks, area))
    area, ranks, people = area[order], ranks[order], people[order]
    new_area = np.diff(area, prepend=-1) != 0
    new_step = new_area | (np.diff(ranks, prepend=np.nan) != 0)
    step = np.cumsum(new_step) - 1
    n_steps = int(new_step.sum())
    weight = sums(step, people, n_steps)
    amount = sums(step, people * have[order], n_steps)
    of_step = area[new_step]
    total_people = sums(of_step, weight, n_areas)
    total_amount = sums(of_step, amount, n_areas)
    return _Curve(
        area=of_step,
        weight=_ratio(weight, total_people[of_step]),
        amount=_ratio(amount, total_amount[of_step]),
        n_areas=n_areas,
        total_people=total_people,
        total_amount=total_amount,
    )


def _index_of(curve: _Curve) -> float:
    return float(_index(curve)[0])


def _index(curve: _Curve) -> Floats:
    """One less twice the area under the curve, by trapezoids."""
    before = _before(curve, curve.amount)
    under = sums(
        curve.area, np.nan_to_num(curve.weight * (2.0 * before + curve.amount)), curve.n_areas
    )
    # rounding leaves 1e-17 where everybody has the same
    index = np.round(1.0 - under, 15) + 0.0
    return np.where(curve.total_amount > 0, index, np.nan)


def _palma(curve: _Curve) -> Floats:
    top = 1.0 - _share_below(curve, 0.9)
    bottom = _share_below(curve, 0.4)
    with np.errstate(divide="ignore"):
        return np.asarray(np.round(np.divide(top, bottom), 14), dtype=np.float64)


def _share_below(curve: _Curve, share: float) -> Floats:
    """What the lowest `share` of people has, the people of the step at the border divided."""
    inside = np.clip(share - _before(curve, curve.weight), 0.0, curve.weight)
    part = np.divide(
        inside * curve.amount, curve.weight, out=np.zeros_like(inside), where=inside > 0
    )
    held = sums(curve.area, np.nan_to_num(part), curve.n_areas)
    return np.where(curve.total_amount > 0, np.round(held, 15), np.nan)


def _before(curve: _Curve, values: Floats) -> Floats:
    """Sum of the values before each step, within its area."""
    summed = np.concatenate(([0.0], np.cumsum(np.nan_to_num(values))))[:-1]
    starts = np.flatnonzero(np.diff(curve.area, prepend=-1))
    lengths = np.diff(np.append(starts, len(curve.area)))
    return np.asarray(summed - np.repeat(summed[starts], lengths), dtype=np.float64)


def _ratio(top: Floats, bottom: Floats) -> Floats:
    return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)


def _numbers(values: ArrayLike, like: Values | None, where: str, *, least: float) -> Floats:
    """Values as numbers, on the index of another series where both have one."""
    if isinstance(values, pd.Series) and isinstance(like, pd.Series):
        values = values.reindex(like.index)
    series = pd.Series(values)
    numbers = pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    if like is not None and len(numbers) != len(like):
        raise OptionError(f"{where} has {len(numbers)} numbers for {len(like)} values")
    bad = ~(np.isfinite(numbers) & (numbers >= least))
    if bad.any():
        raise DataError(
            [
                Problem(
                    f"{where}, {series.index[int(row)]}",
                    f"it is {'missing' if pd.isna(series.iloc[row]) else series.iloc[row]}",
                    "Give a number, or leave this home out of all tables and say so",
                )
                for row in np.flatnonzero(bad)
            ]
        )
    return numbers
