"""What is missing and what to make up (缺什么补什么), in Chinese and English."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from communityplan.checkup.figures import STATUSES
from communityplan.checkup.words import say
from communityplan.errors import Problem, TableError
from communityplan.tables import record, used

__all__ = ["status_counts", "what_is_missing"]

NEEDED = (
    "community_id",
    "community",
    "in_scope",
    "clause_id",
    "status",
    "figure",
    "asks_en",
    "verified",
)
FAR = ("walk_min", "distance_m")


def what_is_missing(found: pd.DataFrame) -> pd.DataFrame:
    """What each community lacks and what would make it up, the compulsory first.

    Parameters
    ----------
    found : DataFrame
        As from `checkup`.

    Returns
    -------
    DataFrame
        One row for each clause that is missing or short, missing before short:
        ``community_id``, ``community``, ``in_scope``, ``clause_id``, ``service``, ``status``,
        ``compulsory``, ``shortfall``, ``unit``, ``zh`` and ``en`` (the sentence, which says so
        where the figure of the standard is not verified) and ``verified``.

    Raises
    ------
    TableError
        When the table is not the result of a check-up.
    """
    _check(found)
    lacking = found[found["status"].isin(["missing", "short"])]
    order = pd.DataFrame(
        {
            "community": pd.factorize(lacking["community_id"])[0],
            "as_needed": (lacking["compulsory"] != True).to_numpy(),  # noqa: E712 (None is no)
            "short": (lacking["status"] == "short").to_numpy(),
        },
        index=lacking.index,
    ).sort_values(["community", "as_needed", "short"], kind="stable")
    lacking = lacking.loc[order.index]
    rows = lacking.to_dict("records")
    table = lacking[
        [
            "community_id",
            "community",
            "in_scope",
            "clause_id",
            "service",
            "status",
            "compulsory",
            "shortfall",
            "unit",
        ]
    ].assign(
        zh=[_sentence(row, "zh") for row in rows],
        en=[_sentence(row, "en") for row in rows],
        verified=lacking["verified"],
    )
    noted: pd.DataFrame = record(table.reset_index(drop=True), **used(found))
    return noted


def status_counts(found: pd.DataFrame) -> pd.DataFrame:
    """How many clauses each community meets, and how many not.

    Parameters
    ----------
    found : DataFrame
        As from `checkup`.

    Returns
    -------
    DataFrame
        One row for each community, in the order of `found`: ``community_id``, ``community``,
        ``in_scope``, one column for each status, ``clauses`` (their sum) and ``unverified``
        (clauses that were decided by a figure not seen in its source).

    Raises
    ------
    TableError
        When the table is not the result of a check-up.
    """
    _check(found)
    key = ["community_id", "community", "in_scope"]
    counts = pd.DataFrame({status: found["status"] == status for status in STATUSES[::-1]})
    counts["clauses"] = True
    counts["unverified"] = ~found["verified"].astype(bool)
    summed = counts.astype("int64").groupby([found[name] for name in key], sort=False).sum()
    noted: pd.DataFrame = record(summed.reset_index(), **used(found))
    return noted


def _check(found: pd.DataFrame) -> None:
    lacking = [name for name in NEEDED if name not in found.columns]
    if lacking:
        raise TableError(
            [
                Problem("found", f"no column {name!r}", "Give the table that checkup returned")
                for name in lacking
            ]
        )


def _sentence(row: dict[Any, Any], lang: str) -> str:
    """One thing that is lacking, said in one language."""
    figure = row["figure"]
    words = {
        "name": row[f"name_{lang}"],
        "why": row[f"reason_{lang}"],
        "asks": row[f"asks_{lang}"] or say("advice", "anything", lang),
        "served": f"{100.0 * _within(row):.0f}%",
    }
    for name in ("measured", "required", "shortfall"):
        words[name] = say("amount", figure, lang, number=_number(row[name]))
    said = say("advice", _kind(row), lang, **words)
    if row["compulsory"] is False:
        said += say("advice", "as_needed", lang)
    if not row["verified"]:
        said += say("advice", "unverified", lang)
    return said


def _within(row: dict[Any, Any]) -> float:
    """Share of people within the limits of the kind of facility that was counted."""
    served = float(row["served_share"])
    return served if served > 0 else float(row["near_share"])


def _kind(row: dict[Any, Any]) -> str:
    if row["status"] == "missing":
        return "missing"
    if row["figure"] not in FAR:
        return "short"
    return "short_far" if np.isfinite(row["measured"]) else "short_some"


def _number(value: float) -> str:
    """A number as people write it: whole from 100 on, else one digit after the point."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}".removesuffix(".0")
