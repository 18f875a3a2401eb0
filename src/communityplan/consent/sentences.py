"""The state of a gate in one sentence, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pandas as pd

from communityplan.tables import record, used
from communityplan.wording import word

__all__ = ["consent_sentences"]

READABLE = 1000
"""Denominators from which on a fraction is no help to a reader."""


def consent_sentences(status: pd.DataFrame) -> pd.DataFrame:
    """What every row of a status says.

    Parameters
    ----------
    status : DataFrame
        As from `consent_status` or `consent_stages`, with its Fractions.

    Returns
    -------
    DataFrame
        On the rows of `status`: ``gate``, ``scope``, ``building_id``, ``state``, ``zh``, ``en``.
        Shares stand as fractions, as long as these can be read, with their percentage, cut and
        not rounded, so that a share below a threshold never reads as the threshold.

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.consent import consent_status
    >>> owners = pd.DataFrame({"flat_id": list("abcde")})
    >>> votes = pd.DataFrame({"flat_id": list("abc"), "choice": "agree"})
    >>> said = consent_sentences(consent_status(owners, votes, gate="agree_80"))
    >>> print(said["en"].iloc[0][:62])
    80 % agree before works: not passed yet, still possible; 3 of
    """
    rows = status.to_dict("records")
    table = status[["gate", "scope", "building_id", "state"]].assign(
        zh=[_sentence(row, "zh") for row in rows], en=[_sentence(row, "en") for row in rows]
    )
    return record(table, **used(status))


def _sentence(row: Mapping[Any, Any], lang: str) -> str:
    def say(key: str, **values: object) -> str:
        return word(f"consent.{key}", lang, **values)

    measures = [measure for measure in ("number", "area") if measure in row["by"].split(";")]
    said = [say("building", building=row["building_id"])] if row["scope"] == "building" else []
    said.append(say(_key(row), gate=row[f"gate_{lang}"]))
    said.append(
        say(
            "answered",
            answered=row["answered"],
            owners=row["owners"],
            rate=_share(row["response_number"]),
        )
    )
    for measure in measures:
        share = row[f"share_{measure}"]
        said.append(say(f"agree_{measure}", share=_share(Fraction(0) if share is None else share)))
    limit = "more_than" if row["more_than"] else "at_least"
    said.append(say("needs", least=say(limit, share=_share(row["least"]))))
    if row["quorum"] is not None and not row["quorum_met"]:
        said.append(say("no_quorum", quorum=_share(row["quorum"])))
    if not pd.isna(row["missing_owners"]) and row["missing_owners"] > 0:
        said.append(say("missing", owners=row["missing_owners"]))
    if row["state"] == "open":
        said += [
            say("range", low=_share(row[f"low_{measure}"]), high=_share(row[f"high_{measure}"]))
            for measure in measures[:1]
        ]
    said.append(say("end"))
    return "".join(said) + ("" if row["verified"] else say("unverified"))


def _key(row: Mapping[Any, Any]) -> str:
    if row["closed"]:
        return f"closed_{row['state']}"
    return "reached_now" if row["state"] == "open" and row["passes_now"] else str(row["state"])


def _share(share: Fraction) -> str:
    """A share as a percentage that is cut after one digit, and exactly where that can be read."""
    tenths = share.numerator * 1000 // share.denominator
    percent = f"{tenths // 10}.{tenths % 10}".removesuffix(".0")
    if share.denominator == 1:
        return f"{percent} %"
    if share * 1000 == tenths:
        return f"{share} = {percent} %"
    return f"{share} ≈ {percent} %" if share.denominator < READABLE else f"≈ {percent} %"
