"""Who pays what: funding by item, what is left unpaid, and it all in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from communityplan.errors import DataError, Problem
from communityplan.finance.amounts import numbers
from communityplan.finance.funding import PAYERS, sources_and_uses
from communityplan.finance.shares import FUNDING, MEANT
from communityplan.load.lists import name_rows, share_in, told_share
from communityplan.tables import USES, check, find_problems, record, used
from communityplan.wording import word

__all__ = ["UNPAID", "fund_items", "funding_sentences", "who_pays"]

UNPAID = "unpaid"
"""The payer of what nobody pays yet."""


def fund_items(uses: pd.DataFrame, funding: pd.DataFrame) -> pd.DataFrame:
    """What every side pays of every item.

    Parameters
    ----------
    uses : DataFrame
        One row per item: ``item``, ``cost_yuan``.
    funding : DataFrame
        One row per promise: ``payer`` (of `PAYERS`, or in Chinese), ``amount_yuan`` or ``share``
        (``60%``, ``0.6`` or ``3/5``) [``item``]. A row with an item pays for it alone; a row
        without pays for the whole, and its share is one of the total cost.

    Returns
    -------
    DataFrame
        One row per promise, in order: ``item`` (empty for the whole), ``payer``, ``amount_yuan``,
        ``share`` (of the item, or of the total), ``cost_yuan`` (of the item, or the total). Where
        every promise names its item, the rest of an item is a row of the payer ``unpaid``.

    Raises
    ------
    TableError, DataError
        Lists with their rows: unknown payers and items, rows with both or none of amount and
        share, shares over 100 % of an item or of the whole, amounts over a cost.

    Examples
    --------
    >>> import pandas as pd
    >>> uses = pd.DataFrame({"item": ["lift"], "cost_yuan": [800_000.0]})
    >>> funding = pd.DataFrame({"item": ["lift"], "payer": ["政府"], "share": ["1/4"]})
    >>> fund_items(uses, funding)[["payer", "amount_yuan"]].values.tolist()
    [['government', 200000.0], ['unpaid', 600000.0]]
    """
    check(uses, USES)
    problems = find_problems(funding, FUNDING)
    if "payer" not in funding.columns:
        raise DataError(problems)
    costs = dict(zip(uses["item"].astype(str), numbers(uses, "cost_yuan"), strict=True))
    costs[""] = float(numbers(uses, "cost_yuan").sum())
    promises = _promises(funding, costs, problems)
    problems += _over(promises, costs)
    if problems:
        raise DataError(problems)
    funded = promises.drop(columns="place")
    if (funded["item"] != "").all():
        funded = pd.concat([funded, _rest(funded, costs)], ignore_index=True)
    missing = [item for item, cost in costs.items() if item and np.isnan(cost)]
    return record(funded.reset_index(drop=True), total_yuan=costs[""], missing=missing)


def _promises(
    funding: pd.DataFrame, costs: Mapping[str, float], problems: list[Problem]
) -> pd.DataFrame:
    """Every promise with its amount and share; what is wrong is added to the problems."""
    amounts = numbers(funding, "amount_yuan")
    rows = []
    for row, place in enumerate(name_rows(funding, "funding")):
        cells = {name: funding[name].iloc[row] for name in funding.columns}
        item = "" if pd.isna(cells.get("item")) else str(cells["item"]).strip()
        payer = MEANT.get(str(cells["payer"]).strip().lower(), "")
        if not payer:
            todo = f"Give one of {', '.join(PAYERS)}, or in Chinese"
            problems.append(Problem(place, f"payer is {cells['payer']!r}", todo))
        if item not in costs:
            todo = "Add it to the uses, or leave the item empty"
            problems.append(Problem(place, f"item {item!r} is not paid for in this plan", todo))
        share = told_share(cells.get("share"), "share", place, problems)
        told_share(cells.get("stated_share"), "stated_share", place, problems)
        has_share = bool(str(cells.get("share", "")).strip()) and not pd.isna(cells.get("share"))
        if has_share == bool(~np.isnan(amounts[row])):
            found = "both amount_yuan and share are given" if has_share else "nothing is promised"
            problems.append(Problem(place, found, "Give amount_yuan or share, one of the two"))
        cost = costs.get(item, np.nan)
        amount = amounts[row] if share is None else float(share) * cost
        part = float(share) if share is not None else amount / cost if cost else np.nan
        rows.append((place, item, payer, amount, part, cost))
    names = ["place", "item", "payer", "amount_yuan", "share", "cost_yuan"]
    return pd.DataFrame(rows, columns=names)


def _over(promises: pd.DataFrame, costs: Mapping[str, float]) -> list[Problem]:
    """Items, and the whole, that more than all of is paid for."""
    problems = []
    for item, own in promises.groupby("item", sort=False):
        known, together = own["share"].dropna(), own["share"].sum()
        # a part in a thousand million for floating point
        if len(known) and together > 1 + 1e-9:
            what = f"of item {item!r}" if item else "of the whole"
            found = f"the shares {what} add up to {100 * together:.10g} %"
            todo = "Shares are of the cost of the item, at most 100 % in all"
            problems.append(Problem(_rows(own["place"]), found, todo))
    paid = promises["amount_yuan"].sum()
    if not problems and paid > costs[""] * (1 + 1e-9):
        found = f"{paid:,.2f} yuan are paid in all, the cost is {costs['']:,.2f} yuan"
        todo = "Rows with an item and rows without add up; take one off"
        problems.append(Problem(_rows(promises["place"]), found, todo))
    return problems


def _rows(places: Sequence[str] | pd.Series[str]) -> str:
    """Several rows of one list in words."""
    where = list(places)
    head, _, _ = where[0].rpartition(", row ")
    numbers_ = [place.rpartition(", row ")[2] for place in where]
    return f"{head}, {'row' if len(where) == 1 else 'rows'} {', '.join(numbers_)}"


def _rest(funded: pd.DataFrame, costs: Mapping[str, float]) -> pd.DataFrame:
    paid = funded.groupby("item")["amount_yuan"].sum(min_count=1)
    rows = []
    for item, cost in costs.items():
        rest = cost - float(paid.get(item, 0.0))
        if item and rest > max(1e-9 * cost, 0.005):
            rows.append((item, UNPAID, rest, rest / cost, cost))
    return pd.DataFrame(rows, columns=["item", "payer", "amount_yuan", "share", "cost_yuan"])


def who_pays(uses: pd.DataFrame, funding: pd.DataFrame) -> pd.DataFrame:
    """What every side pays of the whole, and what nobody pays yet.

    Parameters
    ----------
    uses, funding : DataFrame
        As in `fund_items`.

    Returns
    -------
    DataFrame
        As from `sources_and_uses`, with a row ``unpaid`` at the end where something is left; that
        function refuses a plan that does not balance, this one shows the gap.

    Raises
    ------
    TableError, DataError
        As from `fund_items`.

    Examples
    --------
    >>> import pandas as pd
    >>> uses = pd.DataFrame({"item": ["lift", "gate"], "cost_yuan": [75.0, 25.0]})
    >>> funding = pd.DataFrame({"item": ["lift", None], "payer": ["residents", "政府"],
    ...                         "share": ["20%", "0.5"]})
    >>> who_pays(uses, funding)[["payer", "share"]].values.tolist()[-1]
    ['unpaid', 0.35]
    """
    funded = fund_items(uses, funding)
    promised = funded[funded["payer"] != UNPAID]
    stated = _stated(funding)
    sources = pd.DataFrame(
        {"payer": promised["payer"], "amount_yuan": promised["amount_yuan"], "stated_share": stated}
    )
    paid = sources_and_uses(uses, sources, rounding_yuan=float("inf"))
    facts, total = used(paid), float(used(paid)["total_yuan"])
    gap = total - float(paid["amount_yuan"].sum(skipna=False))
    if gap > max(1e-9 * total, 0.005):
        rest = pd.DataFrame([{"payer": UNPAID, "amount_yuan": gap, "share": gap / total}])
        paid = pd.concat([paid, rest.assign(differs=False)], ignore_index=True)
    return record(paid, **facts, unpaid_yuan=gap)


def _stated(funding: pd.DataFrame) -> list[float]:
    if "stated_share" not in funding.columns:
        return [np.nan] * len(funding)
    shares = [share_in(cell) for cell in funding["stated_share"]]
    return [np.nan if share is None else float(share) for share in shares]


def funding_sentences(paid: pd.DataFrame) -> pd.DataFrame:
    """Who pays how much, in sentences.

    Parameters
    ----------
    paid : DataFrame
        As from `who_pays` or `sources_and_uses`.

    Returns
    -------
    DataFrame
        On the rows of `paid`: ``payer``, ``zh``, ``en``.

    Examples
    --------
    >>> import pandas as pd
    >>> uses = pd.DataFrame({"item": ["lift"], "cost_yuan": [800_000.0]})
    >>> paid = who_pays(uses, pd.DataFrame({"payer": ["residents"], "share": ["25%"]}))
    >>> funding_sentences(paid)["en"].tolist()[1]
    'Residents: 200,000 yuan, 25.0 %'
    """
    rows = paid.to_dict("records")
    said = {lang: [_sentence(row, lang) for row in rows] for lang in ("zh", "en")}
    return record(pd.DataFrame({"payer": paid["payer"], **said}), **used(paid))


def _sentence(row: Mapping[Any, Any], lang: str) -> str:
    who = word(f"funding.{row['payer']}", lang)
    amount, share, stated = (
        float(str(row.get(name, "nan"))) for name in ("amount_yuan", "share", "stated_share")
    )
    if np.isnan(amount) or np.isnan(share):
        return word("funding.missing", lang, who=who)
    said = word("funding.pays", lang, who=who, yuan=f"{amount:,.0f}", share=f"{100 * share:.1f}")
    if row.get("differs") is True:
        said += word("funding.stated", lang, share=f"{100 * stated:.1f}")
    return said
