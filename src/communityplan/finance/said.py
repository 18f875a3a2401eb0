"""The money of a choice in sentences: when it pays back, and what to ask for."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from communityplan.wording import service_word

__all__ = ["ask", "say_returns"]

LANGUAGES = ("zh", "en")


@cache
def _words() -> dict[str, dict[str, dict[str, str]]]:
    text = files("communityplan.finance").joinpath("words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _say(section: str, key: str, lang: str, **values: Any) -> str:
    return _words()[section][key][lang].format(**values)


def ask(missing: pd.DataFrame, parts: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """What is missing with the columns that would tell it, in sentences.

    Parameters
    ----------
    missing : DataFrame
        As from `missing_amounts`.
    parts : mapping of str to sequence of str
        By amount, the columns of which any will do.
    """
    rows = missing.to_dict("records")
    table = missing.drop(columns="row").assign(
        give=[", ".join(parts[row["amount"]]) for row in rows]
    )
    for lang in LANGUAGES:
        comma = _say("mark", "comma", lang)
        table[lang] = [
            _say(
                "ask",
                "amount",
                lang,
                who=_who(row, lang),
                name=_say("amount", row["amount"], lang),
                columns=comma.join(parts[row["amount"]]),
            )
            for row in rows
        ]
    return table


def say_returns(returns: pd.DataFrame, years: int) -> pd.DataFrame:
    """Paybacks with sentences.

    Parameters
    ----------
    returns : DataFrame
        One row per service and one for all.
    years : int
        Years of operation that were looked at.
    """
    rows = returns.to_dict("records")
    said = {lang: [_returned(row, years, lang) for row in rows] for lang in LANGUAGES}
    return returns.drop(columns="has_band").assign(**said)


def _who(row: Mapping[Any, Any], lang: str) -> str:
    if not row["service"]:
        return _say("scope", "all", lang)
    called = service_word(row["service"], lang)
    return _say("scope", "service", lang, building=row["building_id"], service=called)


def _returned(row: Mapping[Any, Any], horizon: int, lang: str) -> str:
    who = _who(row, lang)
    if row["missing"]:
        names = [_say("amount", name, lang) for name in row["missing"].split(";")]
        return _say(
            "returns", "unknown", lang, who=who, names=_say("mark", "comma", lang).join(names)
        )
    if row["investment_yuan"] == 0:
        return _say("returns", "nothing", lang, who=who)
    band = ""
    if row["has_band"]:
        ends = [_years(row[f"payback_years_{case}"], horizon, lang) for case in ("high", "low")]
        band = (
            _say("returns", "band", lang, best=ends[0], worst=ends[1]) if ends[0] != ends[1] else ""
        )
    paid_back = not np.isnan(row["payback_years"])
    return _say(
        "returns",
        "paid_back" if paid_back else "never",
        lang,
        who=who,
        investment=f"{row['investment_yuan']:,.0f}",
        years=f"{row['payback_years']:.1f}",
        horizon=horizon,
        band=band,
    )


def _years(years: float, horizon: int, lang: str) -> str:
    if np.isnan(years):
        return _say("returns", "later", lang, horizon=horizon)
    return _say("returns", "years", lang, years=f"{years:.1f}")
