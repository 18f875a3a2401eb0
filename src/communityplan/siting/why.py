"""One sentence for every building: why it stands where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.siting.criteria import Criterion, label
from communityplan.siting.words import say
from communityplan.standards import Service
from communityplan.wording import service_word

__all__ = ["add_sentences", "places_of"]

LANGUAGES = ("zh", "en")


def places_of(scaled: NDArray[np.float64]) -> NDArray[np.int64]:
    """Place of each building by each criterion, from 1; equals have the same.

    Examples
    --------
    >>> import numpy as np
    >>> from communityplan.siting.why import places_of
    >>> places_of(np.array([[0.2], [1.0], [0.2]])).ravel().tolist()
    [2, 1, 2]
    """
    columns = [
        len(column) - np.searchsorted(np.sort(column), column, side="right") + 1
        for column in scaled.T
    ]
    return np.array(columns, dtype=np.int64).T.reshape(scaled.shape)


def add_sentences(
    ranked: pd.DataFrame,
    *,
    services: Sequence[Service],
    groups: Sequence[str] = (),
    criteria: Sequence[Criterion] = (),
    places: NDArray[np.int64] | None = None,
) -> pd.DataFrame:
    """The ranking with ``why_zh`` and ``why_en``.

    Parameters
    ----------
    ranked : DataFrame
        With ``rank``, ``reason_zh``, ``reason_en`` and the gains; with criteria their values,
        ``score``, ``rank_low``, ``rank_high``, ``first_share`` and ``is_pareto``.
    services : sequence of Service
    groups : sequence of str
    criteria : sequence of Criterion
    places : array of int, shape (B, K), optional
        Place of every row by every criterion; without it the sentences tell the people gained.
    """
    count = int(ranked["rank"].notna().sum())
    rows = ranked.to_dict("records")
    for lang in LANGUAGES:
        names = {one.name: label(one, lang, services, groups) for one in criteria}
        said = []
        for at, row in enumerate(rows):
            if pd.isna(row["rank"]):
                said.append(say("why", "unfit", lang, reason=row[f"reason_{lang}"]))
            elif places is None:
                said.append(_by_people(row, count, services, lang))
            else:
                said.append(_by_criteria(row, count, names, places[at], lang))
        ranked[f"why_{lang}"] = said
    return ranked


def _by_people(row: Mapping[Any, Any], count: int, services: Sequence[Service], lang: str) -> str:
    gains = [(float(row[f"gain_{service.name}"]), service) for service in services]
    gained = sorted((pair for pair in gains if pair[0] > 0), key=lambda pair: -pair[0])
    parts = [f"{service_word(service, lang)} {_number(gain)}" for gain, service in gained]
    return say(
        "why",
        "people" if parts else "nobody",
        lang,
        rank=row["rank"],
        count=count,
        people=_number(row["people_gained"]),
        parts=say("mark", "comma", lang).join(parts),
    )


def _by_criteria(
    row: Mapping[Any, Any],
    count: int,
    names: Mapping[str, tuple[str, str]],
    places: NDArray[np.int64],
    lang: str,
) -> str:
    """Every criterion that is known with its place, then how far the rank holds."""
    missing = set(row["criteria_missing"].split(";"))
    comma = say("mark", "comma", lang)
    parts = [
        say("why", "part", lang, name=called, value=_measured(row[name], unit), place=at)
        for (name, (called, unit)), at in zip(names.items(), places, strict=True)
        if name not in missing and np.isfinite(row[name])
    ]
    lost = comma.join(called for name, (called, _) in names.items() if name in missing)
    return say(
        "why",
        "scored",
        lang,
        rank=row["rank"],
        count=count,
        score=f"{row['score']:.3f}",
        parts=comma.join(parts),
        low=row["rank_low"],
        high=row["rank_high"],
        share=f"{100 * row['first_share']:.0f} %",
        front=say("why", "front", lang) if row["is_pareto"] else "",
        missing=say("why", "missing", lang, names=lost) if lost else "",
    )


def _measured(value: float, unit: str) -> str:
    """A value with its unit; shares in per cent, years without commas."""
    if unit == "share":
        return f"{100 * value:.0f} %"
    if unit == "year":
        return f"{value:.0f}"
    return f"{_number(value)} {unit}".strip()


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
