"""A portfolio of communities: who carries whom, year by year, and which groups balance."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd

from communityplan.errors import DataError, OptionError, Problem, TooLargeError
from communityplan.finance.amounts import Yuan, numbers
from communityplan.tables import Column, Table, check, record

__all__ = ["balance", "balancing_groups"]

MOST_GROUPS = 200_000

_FLOWS = Table(
    "flows",
    "现金流",
    (),
    required={
        "community_id": Column("the community", "小区编号"),
        "year": Column("the year", "年份", "year", "number"),
    },
    optional={"net_yuan": Column("income less outlay", "净收入", "yuan", "number")},
)
Budget = float | Mapping[int, float] | None


def balance(
    flows: pd.DataFrame,
    *,
    yearly_budget: Budget = None,
    groups: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Portfolio balance: every community alone, every group of them, and all together.

    Parameters
    ----------
    flows : DataFrame
        ``community_id``, ``year``, ``net_yuan``, of one case; rows of one year are added, a year
        that a community does not have holds nothing.
    yearly_budget : float or mapping of int to float, optional
        Public money at hand for each group in each year [yuan]; a year not in a mapping has none.
        What is not used is not carried over; a surplus of earlier years is, and is used first.
    groups : mapping of str to str, optional
        Community to group.

    Returns
    -------
    DataFrame
        One row per scope (``community``, ``group``, ``all``), name and year: ``scope``, ``name``,
        ``communities`` (how many), ``year``, ``net_yuan``, ``cumulative_yuan``, ``need_yuan``
        (deficit that earlier surpluses do not cover), ``short_yuan`` (need beyond the budget) and
        ``state`` of the scope over all years: ``balances``, ``short`` or ``missing``. Without a
        budget a scope balances where the sum of all years is not negative; with one, where no
        year is short.

    Raises
    ------
    TableError, DataError
        Years or amounts that are not numbers, years that are not whole, communities without a name.
    OptionError
        Flows of several cases, a budget that is negative, a group for an unknown community.

    Examples
    --------
    >>> import pandas as pd
    >>> flows = pd.DataFrame({"community_id": ["a", "b"], "year": [0, 0],
    ...                       "net_yuan": [120.0, -100.0]})
    >>> balance(flows).set_index("name")["state"].to_dict()
    {'a': 'balances', 'b': 'short', 'all': 'balances'}
    """
    years, nets = _matrix(flows)
    budget = _budget(years, yearly_budget)
    names = list(nets)
    unknown = set(groups or {}) - set(names)
    if unknown:
        raise OptionError(f"groups name communities without flows: {', '.join(sorted(unknown))}")
    scopes: list[tuple[str, str, tuple[str, ...]]] = [("community", one, (one,)) for one in names]
    for group in dict.fromkeys((groups or {}).values()):
        members = tuple(one for one in names if (groups or {}).get(one) == group)
        scopes.append(("group", group, members))
    scopes.append(("all", "all", tuple(names)))
    parts = []
    for scope, name, members in scopes:
        if members:
            rows = _scope(members, _together(members, nets), years, budget)
            parts.append(pd.DataFrame({"scope": scope, "name": name, **rows}))
    columns = ["scope", "name", "communities", "year", "net_yuan", "cumulative_yuan"]
    empty = pd.DataFrame(columns=[*columns, "need_yuan", "short_yuan", "state"])
    result = pd.concat(parts, ignore_index=True) if parts else empty
    plain = dict(yearly_budget) if isinstance(yearly_budget, Mapping) else yearly_budget
    return record(result, yearly_budget=plain, groups=dict(groups or {}))


def balancing_groups(
    flows: pd.DataFrame, *, yearly_budget: Budget = None, largest: int = 3
) -> pd.DataFrame:
    """Which communities balance together: groups with a member that does not balance alone.

    Parameters
    ----------
    flows, yearly_budget
        As in `balance`; the budget is for a whole group.
    largest : int
        Most communities in a group, at least 2.

    Returns
    -------
    DataFrame
        ``communities`` (names, joined by a comma), ``size``, ``total_yuan``, ``carried`` (how
        many members do not balance alone); small groups first, then the largest total.

    Raises
    ------
    TooLargeError
        More than 200,000 groups to look at.

    Examples
    --------
    >>> import pandas as pd
    >>> flows = pd.DataFrame({"community_id": ["a", "b", "c"], "year": [0, 0, 0],
    ...                       "net_yuan": [120.0, -100.0, -30.0]})
    >>> balancing_groups(flows)["communities"].tolist()
    ['a, c', 'a, b']
    """
    if largest < 2:
        raise OptionError(f"largest is {largest}; a group has at least 2 communities")
    years, nets = _matrix(flows)
    budget = _budget(years, yearly_budget)
    sizes = range(2, min(largest, len(nets)) + 1)
    count = sum(comb(len(nets), size) for size in sizes)
    if count > MOST_GROUPS:
        raise TooLargeError(f"{count:,} groups of {len(nets)} communities; give a smaller largest")
    alone = {name: _state(net, budget) for name, net in nets.items()}
    rows = []
    for size in sizes:
        for names in combinations(nets, size):
            net = _together(names, nets)
            carried = sum(alone[name] == "short" for name in names)
            if carried and _state(net, budget) == "balances":
                rows.append((", ".join(names), size, float(net.sum()), carried))
    result = pd.DataFrame(rows, columns=["communities", "size", "total_yuan", "carried"])
    order = result.sort_values(["size", "total_yuan"], ascending=[True, False], kind="stable")
    return record(order.reset_index(drop=True), largest=largest, looked_at=count)


def _matrix(flows: pd.DataFrame) -> tuple[Yuan, dict[str, Yuan]]:
    """The years, and the net flow of every community in each of them."""
    check(flows, _FLOWS)
    if "case" in flows.columns and len(set(flows["case"])) > 1:
        raise OptionError("flows hold several cases; choose one, flows[flows['case'] == 'central']")
    year = numbers(flows, "year")
    years, place = np.unique(year, return_inverse=True)
    if (years != np.floor(years)).any():
        rows = ", ".join(str(row + 1) for row in np.flatnonzero(year != np.floor(year)))
        raise DataError([Problem(f"flows, rows {rows}", "year is not whole", "Give whole years")])
    codes, names = pd.factorize(flows["community_id"].astype(str))
    sums = np.zeros((len(names), len(years)))
    # a missing amount stays missing in the sum
    np.add.at(sums, (codes, place), numbers(flows, "net_yuan"))
    return years, dict(zip(names, sums, strict=True))


def _budget(years: Yuan, given: Budget) -> Yuan | None:
    if given is None:
        return None
    each = [given.get(int(year), 0.0) if isinstance(given, Mapping) else given for year in years]
    budget = np.array(each, dtype=float)
    if not (np.isfinite(budget) & (budget >= 0)).all():
        raise OptionError(f"yearly_budget is {given}; give yuan that are not negative")
    return budget


def _together(names: tuple[str, ...], nets: Mapping[str, Yuan]) -> Yuan:
    together: Yuan = np.array([nets[name] for name in names]).sum(axis=0)
    return together


def _needs(net: Yuan) -> Yuan:
    """What each year lacks once surpluses of earlier years are used up."""
    kept = 0.0
    needs = np.zeros(len(net))
    for at, flow in enumerate(net):
        needs[at] = max(0.0, -(kept + flow)) if np.isfinite(kept + flow) else np.nan
        kept = kept + flow + needs[at]
    return needs


def _state(net: Yuan, budget: Yuan | None) -> str:
    if np.isnan(net).any():
        return "missing"
    tolerance = 1e-12 * float(np.abs(net).sum())
    if budget is None:
        return "balances" if net.sum() >= -tolerance else "short"
    return "balances" if (_needs(net) <= budget + tolerance).all() else "short"


def _scope(members: tuple[str, ...], net: Yuan, years: Yuan, budget: Yuan | None) -> pd.DataFrame:
    needs = _needs(net)
    at_hand = np.zeros(len(net)) if budget is None else budget
    return pd.DataFrame(
        {
            "communities": len(members),
            "year": years.astype(int),
            "net_yuan": net,
            "cumulative_yuan": np.cumsum(net),
            "need_yuan": needs,
            "short_yuan": np.maximum(0.0, needs - at_hand),
            "state": _state(net, budget),
        }
    )
