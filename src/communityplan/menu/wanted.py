"""What is asked of a menu: prices, weights and conditions, exactly, or why they make no sense."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
import pandas as pd

from communityplan.errors import DataError, OptionError, Problem
from communityplan.load.lists import name_rows
from communityplan.menu.exact import Pick

__all__ = [
    "By",
    "Preferences",
    "Wanted",
    "money",
    "refuse_required",
    "refuse_strangers",
    "wanted_of",
]

By = Literal["class", "nature"]

MOST_WEIGHT = 10**8
"""Largest sum of weights, so that they stay exact in the solver."""


Preferences = Mapping[str, float] | pd.DataFrame | None


@dataclass(frozen=True)
class Wanted:
    """What is asked of the menu, item by item."""

    by: By
    cost: dict[str, Fraction]
    weight: dict[str, int]
    unit: Fraction
    is_basic: dict[str, bool]
    no_price: set[str]
    no_quantity: set[str]


def money(name: str, given: float) -> Fraction:
    """An amount as the decimal that is written [yuan]."""
    if not (np.isfinite(given) and given >= 0):
        raise OptionError(f"{name} is {given}; give yuan, 0 or more")
    return _exact(given)


def _exact(number: float) -> Fraction:
    """The decimal that is written, not the binary fraction next to it."""
    return Fraction(str(float(number)))


def refuse_strangers(
    menu: pd.DataFrame,
    preferences: Preferences,
    quantities: Mapping[str, float] | None,
    required: Collection[str],
    refused: Collection[str],
) -> None:
    """Refuse names that the menu does not have, and items both required and refused."""
    known = set(menu["item_id"])
    named = {
        "preferences": preferences["item_id"]
        if isinstance(preferences, pd.DataFrame)
        else preferences,
        "quantities": quantities,
        "required": required,
        "refused": refused,
    }
    for option, names in named.items():
        strangers = sorted({str(name) for name in (() if names is None else names)} - known)
        if strangers:
            raise OptionError(
                f"{option} names {', '.join(strangers)}, which the menu does not have"
            )
    both = sorted(set(required) & set(refused))
    if both:
        raise OptionError(f"required and refused: {', '.join(both)}")


def wanted_of(
    menu: pd.DataFrame,
    preferences: Preferences,
    quantities: Mapping[str, float],
    by: By,
) -> Wanted:
    """Costs, weights and classes of all items."""
    if by not in ("class", "nature"):
        raise OptionError(f"by is {by!r}; give class or nature")
    kinds = dict(zip(menu["item_id"], menu[by], strict=True))
    unknown = [item for item, kind in kinds.items() if not kind]
    if unknown:
        raise OptionError(f"by is {by!r}, but {', '.join(unknown)} have none; fill the column in")
    price = dict(zip(menu["item_id"], menu["unit_cost_yuan"], strict=True))
    count = dict(zip(menu["item_id"], menu["quantity"], strict=True)) | dict(quantities)
    wrong = [item for item, number in count.items() if not (number >= 0 or np.isnan(number))]
    if wrong:
        raise OptionError(f"quantities of {', '.join(wrong)} are not numbers of 0 or more")
    no_price = {item for item, yuan in price.items() if np.isnan(yuan)}
    no_quantity = {item for item, number in count.items() if np.isnan(number)} - no_price
    cost = {
        item: Fraction(0) if item in no_price | no_quantity else _exact(yuan) * _exact(count[item])
        for item, yuan in price.items()
    }
    weight, unit = _whole_weights(preferences, list(kinds))
    is_basic = {item: kind == "basic" for item, kind in kinds.items()}
    return Wanted(by, cost, weight, unit, is_basic, no_price, no_quantity)


def _whole_weights(preferences: Preferences, items: list[str]) -> tuple[dict[str, int], Fraction]:
    """Weights as whole numbers, and what one of them is worth, so that sums are exact."""
    if preferences is None:
        return dict.fromkeys(items, 1), Fraction(1)
    if isinstance(preferences, pd.DataFrame):
        preferences = dict(zip(preferences["item_id"], preferences["chosen_by"], strict=True))
    wrong = [
        f"{item}: {weight}"
        for item, weight in preferences.items()
        if not (np.isfinite(weight) and weight >= 0)
    ]
    if wrong:
        raise OptionError(f"preferences has {', '.join(wrong)}; give weights of 0 or more")
    exact = {item: _exact(preferences.get(item, 0.0)) for item in items}
    unit = Fraction(1, int(np.lcm.reduce([1, *(one.denominator for one in exact.values())])))
    whole = {item: int(one / unit) for item, one in exact.items()}
    if sum(whole.values()) > MOST_WEIGHT:
        raise OptionError("preferences: give whole numbers, or decimals with few digits")
    return whole, unit


def refuse_required(menu: pd.DataFrame, pick: Pick, wanted: Wanted, unusable: set[str]) -> None:
    """Refuse required items, with all they depend on, that cannot be done."""
    place = dict(zip(menu["item_id"], name_rows(menu, "menu"), strict=True))
    forced = [item for item in menu["item_id"] if item in pick.forced]
    problems = []
    for item in forced:
        if item in unusable:
            why, todo = _unusable(item, wanted)
            found = f"item {item!r} is required, itself or by others, but {why}"
            problems.append(Problem(place[item], found, todo))
    for pair in sorted(pick.excluded, key=sorted):
        if pair <= pick.forced:
            found = f"required items {' and '.join(sorted(pair))} exclude each other"
            problems.append(Problem(place[min(pair)], found, "Leave one of them out"))
    lacking = pick.spent(pick.forced) - pick.budget
    if lacking > 0 and not problems:
        spent, budget = float(pick.spent(pick.forced)), float(pick.budget)
        found = f"required items cost {spent:,.2f} yuan, the budget is {budget:,.2f}"
        todo = f"{float(lacking):,.2f} yuan are lacking; raise the budget or require less"
        problems.append(Problem("; ".join(place[item] for item in forced), found, todo))
    if problems:
        raise DataError(problems)


def _unusable(item: str, wanted: Wanted) -> tuple[str, str]:
    if item in wanted.no_price:
        return "has no price", "Give its unit_cost_yuan"
    if item in wanted.no_quantity:
        return "has no quantity", "Give its quantity"
    return "is refused", "Take it out of refused"
