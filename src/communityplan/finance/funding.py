"""Who pays: sources and uses, and the rules on shares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from communityplan.errors import DataError, OptionError, Problem
from communityplan.finance.amounts import Yuan, numbers
from communityplan.tables import SOURCES, USES, check, record

__all__ = ["PAYERS", "ShareRule", "share_rules", "sources_and_uses"]

PAYERS = ("government", "residents", "social_capital", "other")
"""The four sides that pay: 政府, 居民, 社会资本, 其他."""


@dataclass(frozen=True)
class ShareRule:
    """A rule on the share that one side pays.

    Attributes
    ----------
    payer : str
        One of `PAYERS`.
    least, most : float
        Bounds of the share, both allowed, as fractions.
    source : str
        Where the rule stands.
    verified : bool
        Whether it was seen there.
    """

    payer: str
    least: float = 0.0
    most: float = 1.0
    source: str = "given by the user"
    verified: bool = False


def sources_and_uses(
    uses: pd.DataFrame, sources: pd.DataFrame, *, rounding_yuan: float = 1.0
) -> pd.DataFrame:
    """Who pays how much of the total.

    Parameters
    ----------
    uses : DataFrame
        One row per item: ``item``, ``cost_yuan``.
    sources : DataFrame
        ``payer`` (one of `PAYERS`; rows of one payer are added), and ``amount_yuan`` or ``share``
        (a fraction of the total cost). ``stated_share`` is a share printed somewhere; it is shown
        beside the computed one and used for nothing.
    rounding_yuan : float
        By how much the two totals may differ [yuan].

    Returns
    -------
    DataFrame
        One row per payer of `PAYERS`: ``amount_yuan``, ``share``, ``stated_share``, and
        ``differs`` where the two shares differ by half a percentage point or more. Missing where
        a cost or an amount is not given; the record lists these as ``missing``.

    Raises
    ------
    TableError, DataError
        Unknown payers, a row with both an amount and a share, shares over 100 %, and totals that
        do not match.

    Examples
    --------
    >>> import pandas as pd
    >>> uses = pd.DataFrame({"item": ["renovation"], "cost_yuan": [76e6]})
    >>> sources = pd.DataFrame({"payer": ["government", "social_capital"],
    ...                         "amount_yuan": [46e6, 30e6], "stated_share": [None, 0.45]})
    >>> paid = sources_and_uses(uses, sources).set_index("payer")
    >>> paid.loc["social_capital", ["share", "stated_share"]].round(3).tolist()
    [0.395, 0.45]
    """
    check(uses, USES)
    check(sources, SOURCES)
    amounts, shares, stated = (
        numbers(sources, name) for name in ("amount_yuan", "share", "stated_share")
    )
    costs = numbers(uses, "cost_yuan")
    total = float(costs.sum())
    paid = np.where(np.isnan(amounts), shares * total, amounts)
    problems = _source_problems(sources, amounts, shares)
    if not np.isnan(paid).any() and not np.isnan(total):
        problems += _total_problems(total, float(paid.sum()), rounding_yuan)
    if problems:
        raise DataError(problems)
    rows = []
    for payer in PAYERS:
        own = (sources["payer"] == payer).to_numpy()
        printed = stated[own & ~np.isnan(stated)]
        total_paid = float(paid[own].sum())
        stated_share = printed.sum() if len(printed) else np.nan
        rows.append((payer, total_paid, _ratio(total_paid, total), stated_share))
    result = pd.DataFrame(rows, columns=["payer", "amount_yuan", "share", "stated_share"])
    # the half point itself counts, so one part in a million is taken off for floating point
    result["differs"] = (result["share"] - result["stated_share"]).abs() >= 0.005 - 1e-6
    missing = [
        f"uses, {uses['item'].iloc[row]}: cost_yuan" for row in np.flatnonzero(np.isnan(costs))
    ]
    missing += [
        f"sources, {sources['payer'].iloc[row]}: amount_yuan or share"
        for row in np.flatnonzero(np.isnan(amounts) & np.isnan(shares))
    ]
    return record(result, total_yuan=total, rounding_yuan=rounding_yuan, missing=missing)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _source_problems(sources: pd.DataFrame, amounts: Yuan, shares: Yuan) -> list[Problem]:
    found = []
    for row, payer in enumerate(sources["payer"]):
        where = f"sources, row {row + 1}"
        if payer not in PAYERS:
            found.append(Problem(where, f"payer is {payer!r}", f"Give one of {', '.join(PAYERS)}"))
        if not np.isnan(amounts[row]) and not np.isnan(shares[row]):
            todo = "Give one of the two; a printed share belongs in stated_share"
            found.append(Problem(where, "both amount_yuan and share are given", todo))
    together = float(np.nansum(shares))
    if together > 1 + 1e-9:
        rows = ", ".join(str(row + 1) for row in np.flatnonzero(~np.isnan(shares)))
        todo = "Shares are fractions of the total cost, 0.45 for 45 %"
        found.append(Problem(f"sources, rows {rows}", f"the shares add up to {together:.1%}", todo))
    return found


def _total_problems(total: float, paid: float, rounding_yuan: float) -> list[Problem]:
    gap = paid - total
    if abs(gap) <= rounding_yuan:
        return []
    found = f"they add up to {paid:,.2f} yuan, the uses to {total:,.2f} yuan"
    todo = f"{abs(gap):,.2f} yuan {'too much' if gap > 0 else 'are not paid for'}; make them match"
    return [Problem("sources", found, todo)]


def share_rules(funding: pd.DataFrame, rules: Iterable[ShareRule]) -> pd.DataFrame:
    """Whether the shares keep the user's rules.

    Parameters
    ----------
    funding : DataFrame
        Result of `sources_and_uses`.
    rules : iterable of ShareRule
        What to hold it against; no rule is built in.

    Returns
    -------
    DataFrame
        One row per rule: ``payer``, ``least``, ``most``, ``share``, ``state`` (met, broken,
        missing), ``source``, ``verified``.

    Raises
    ------
    OptionError
        For a rule on an unknown payer or with bounds that are not 0 <= least <= most <= 1.

    Examples
    --------
    >>> import pandas as pd
    >>> uses = pd.DataFrame({"item": ["lift"], "cost_yuan": [100.0]})
    >>> sources = pd.DataFrame({"payer": ["government", "residents"], "share": [0.75, 0.25]})
    >>> rule = ShareRule("residents", least=0.3, source="street office")
    >>> share_rules(sources_and_uses(uses, sources), [rule])["state"].tolist()
    ['broken']
    """
    shares = funding.set_index("payer")["share"]
    rows = []
    for rule in rules:
        if rule.payer not in PAYERS or not 0 <= rule.least <= rule.most <= 1:
            raise OptionError(f"{rule} needs a payer of {PAYERS} and 0 <= least <= most <= 1")
        share = float(shares[rule.payer])
        kept = rule.least - 1e-9 <= share <= rule.most + 1e-9
        state = "missing" if np.isnan(share) else "met" if kept else "broken"
        rows.append((rule.payer, rule.least, rule.most, share, state, rule.source, rule.verified))
    names = ["payer", "least", "most", "share", "state", "source", "verified"]
    return record(pd.DataFrame(rows, columns=names))
