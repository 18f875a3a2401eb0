"""What a building is judged by: values with units, brought to one scale from 0 to 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.errors import OptionError
from communityplan.siting.words import say
from communityplan.standards import Service
from communityplan.wording import group_word, service_word

__all__ = [
    "CRITERIA",
    "Criterion",
    "Scale",
    "check_normalise",
    "chosen_criteria",
    "label",
    "to_scale",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Criterion:
    """One thing that buildings are compared by.

    Attributes
    ----------
    name : str
        A criterion of `CRITERIA`, ``gain_<service>``, ``newly_<service>_<group>``, or a column of
        numbers of your own in `idle_buildings`.
    weight : float
        What it counts beside the others, 0 or more; only the ratios matter.
    higher_is_better : bool
    unit : str
    zh, en : str
        What it is called; its name unless given.
    """

    name: str
    weight: float = 1.0
    higher_is_better: bool = True
    unit: str = ""
    zh: str = ""
    en: str = ""


CRITERIA: dict[str, Criterion] = {
    one.name: one
    for one in (
        Criterion("people_newly_covered", unit="people"),
        Criterion("places_per_1000", unit="places per 1,000 people"),
        Criterion("worst_fifth_share", unit="share"),
        Criterion("cost_yuan_per_person", unit="yuan per person", higher_is_better=False),
        Criterion("floor_area_use_share", unit="share"),
        Criterion("available_year", unit="year", higher_is_better=False),
        Criterion("hazards_to_mend", unit="hazards", higher_is_better=False),
    )
}
"""The criteria that come with the package, with their units and directions."""


@dataclass(frozen=True)
class Scale:
    """Criteria on one scale, and how they came there.

    Attributes
    ----------
    worst, best : array of float, shape (B, K)
        From 0 to 1, larger is better; what is not known is 0 in the one and 1 in the other.
    facts : mapping of str to mapping
        By criterion: direction, unit, weight, least and greatest value, how many are missing, and
        whether it could have any effect.
    """

    worst: Floats
    best: Floats
    facts: dict[str, dict[str, object]]


def chosen_criteria(
    criteria: Sequence[str | Criterion] | Mapping[str, float],
    *,
    services: Sequence[Service],
    groups: Sequence[str],
) -> list[Criterion]:
    """Criteria by name or by themselves; names in a mapping come with their weights.

    Raises
    ------
    OptionError
        Lists everything that is wrong with them.
    """
    known = {
        **CRITERIA,
        **{f"gain_{one.name}": Criterion(f"gain_{one.name}", unit="people") for one in services},
        **{name: Criterion(name, unit="people") for name in newly_names(services, groups)},
    }
    if isinstance(criteria, str):
        raise OptionError(f"criteria is {criteria!r}: give a list of names")
    weights = criteria if isinstance(criteria, Mapping) else {}
    chosen, wrong = [], []
    for one in criteria:
        if isinstance(one, Criterion):
            chosen.append(one)
        elif one in known:
            given = known[one]
            weight = float(weights.get(one, 1.0))
            chosen.append(Criterion(one, weight, given.higher_is_better, given.unit))
        else:
            wrong.append(f"{one!r} is not known; for a column of your own give a Criterion")
    names = [one.name for one in chosen]
    wrong += [f"{name} is named twice" for name in sorted(set(names)) if names.count(name) > 1]
    wrong += [f"the weight of {c.name} is {c.weight}" for c in chosen if not 0 <= c.weight < np.inf]
    if not wrong and not any(one.weight for one in chosen):
        wrong.append("none has a weight above 0")
    if wrong:
        raise OptionError(
            f"the criteria cannot be used: {'; '.join(wrong)}. Known are {', '.join(known)}"
        )
    return chosen


def newly_names(services: Sequence[Service], groups: Sequence[str]) -> list[str]:
    """Columns of people newly served, by service and group."""
    return [f"newly_{service.name}_{group}" for service in services for group in groups]


def to_scale(
    values: pd.DataFrame, criteria: Sequence[Criterion], *, fits: NDArray[np.bool_], normalise: str
) -> Scale:
    """Values of the buildings that fit something, from 0 for the worst to 1 for the best.

    Parameters
    ----------
    values : DataFrame
        One column per criterion; what is not known is missing.
    criteria : sequence of Criterion
    fits : array of bool
        Rows that are compared. An infinite value is the worst there is.
    normalise : {"range", "rank"}
        ``"range"``: distance from the worst value as a share of the range. ``"rank"``: share of
        the other buildings that are worse, equals counted half.

    Raises
    ------
    OptionError
        For a criterion without any value.
    """
    check_normalise(normalise)
    names = [one.name for one in criteria]
    raw = values.loc[fits, names].to_numpy(dtype=np.float64)
    empty = [name for name, one in zip(names, raw.T, strict=True) if not np.isfinite(one).any()]
    if empty and len(raw):
        raise OptionError(
            f"no building has a value for {', '.join(empty)}; leave it out or give "
            + ", ".join(sorted({_NEEDS.get(name, f"the column {name}") for name in empty}))
        )
    scaled = np.column_stack(
        [_scaled(raw[:, at], one, normalise) for at, one in enumerate(criteria)]
    )
    unknown = np.isnan(raw)
    facts = {one.name: _facts(raw[:, at], one) for at, one in enumerate(criteria)}
    return Scale(np.where(unknown, 0.0, scaled), np.where(unknown, 1.0, scaled), facts)


_NEEDS = {
    "cost_yuan_per_person": "conversion_cost_yuan in idle_buildings, and people newly served",
    "places_per_1000": "fit_out with capacity",
    "available_year": "available_year in idle_buildings",
    "worst_fifth_share": "a building that newly serves somebody",
}


def check_normalise(normalise: str) -> None:
    """Refuse a way to the common scale that is not known."""
    if normalise not in ("range", "rank"):
        raise OptionError(f"normalise is {normalise!r}: give range or rank")


def _scaled(values: Floats, criterion: Criterion, normalise: str) -> Floats:
    towards = values if criterion.higher_is_better else -values
    there = ~np.isnan(values)
    scaled = np.full(len(values), np.nan)
    scaled[there] = _by_rank(towards[there])
    finite = np.isfinite(values)
    if normalise == "range" and finite.any():
        least, greatest = towards[finite].min(), towards[finite].max()
        width = greatest - least
        # all alike, unless there are worse ones still
        alike = 0.0 if finite[there].all() else 1.0
        scaled[finite] = (towards[finite] - least) / width if width else alike
        scaled[there & ~finite] = 0.0
    return scaled


def _by_rank(towards: Floats) -> Floats:
    """Share of the others that are worse, equals counted half; 0 where all are equal."""
    if not len(towards) or towards.min() == towards.max():
        return np.zeros(len(towards))
    in_order = np.sort(towards)
    below = np.searchsorted(in_order, towards, side="left")
    upto = np.searchsorted(in_order, towards, side="right")
    # the building itself is one of its equals
    return np.asarray((below + (upto - below - 1) / 2.0) / (len(towards) - 1))


def _facts(values: Floats, criterion: Criterion) -> dict[str, object]:
    known = values[np.isfinite(values)]
    return {
        "weight": float(criterion.weight),
        "direction": "higher is better" if criterion.higher_is_better else "lower is better",
        "unit": criterion.unit,
        "least": float(known.min()) if len(known) else None,
        "greatest": float(known.max()) if len(known) else None,
        "missing": int(np.isnan(values).sum()),
        "had_effect": bool(len(known) and criterion.weight and known.min() < known.max()),
    }


def label(
    criterion: Criterion, lang: str, services: Sequence[Service], groups: Sequence[str]
) -> tuple[str, str]:
    """What a criterion is called, and its unit."""
    own = criterion.zh if lang == "zh" else criterion.en
    if criterion.name in CRITERIA:
        return own or say("criterion", criterion.name, lang), _unit(criterion.name, lang)
    key, values = _parts(criterion.name, lang, services, groups)
    if not key:
        return own or criterion.name, criterion.unit
    return own or say("criterion", key, lang, **values), _unit(key, lang)


def _parts(
    name: str, lang: str, services: Sequence[Service], groups: Sequence[str]
) -> tuple[str, dict[str, str]]:
    for service in services:
        if name == f"gain_{service.name}":
            return "gain", {"service": service_word(service, lang)}
        for group in groups:
            if name == f"newly_{service.name}_{group}":
                named = {"service": service_word(service, lang), "group": group_word(group, lang)}
                return "newly", named
    return "", {}


def _unit(key: str, lang: str) -> str:
    return say("criterion", key, f"unit_{lang}")
