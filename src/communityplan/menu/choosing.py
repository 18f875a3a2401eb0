"""Which items of a menu are done for the money: basic ones first, then what residents ask for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from fractions import Fraction

import pandas as pd

from communityplan.allocation._highs import Clock
from communityplan.menu.exact import Level, Pick, most_of
from communityplan.menu.items import SHARES, check_menu
from communityplan.menu.links import asked_with, exclusions, names_in
from communityplan.menu.reasons import Standing, reason
from communityplan.menu.wanted import (
    By,
    Preferences,
    Wanted,
    money,
    refuse_required,
    refuse_strangers,
    wanted_of,
)
from communityplan.tables import record, used

__all__ = ["choose_menu"]

LANGS = ("zh", "en")


def choose_menu(
    menu: pd.DataFrame,
    *,
    budget_yuan: float,
    preferences: Preferences = None,
    quantities: Mapping[str, float] | None = None,
    required: Collection[str] = (),
    refused: Collection[str] = (),
    by: By = "class",
    time_limit_s: float = 60.0,
) -> pd.DataFrame:
    """The best set of items for the money, and why each of the others is left out.

    Parameters
    ----------
    menu : DataFrame
        As from `read_menu`, `check_menu` or `menu_items`; it is checked again.
    budget_yuan : float
        Money in all [yuan].
    preferences : mapping or DataFrame, optional
        Weight of each item, 0 for one that is not named; or the table of `preference_weights`,
        whose households are the weights. Every item weighs 1 unless given.
    quantities : mapping of str to float, optional
        Units of items, in place of those of the menu.
    required, refused : collection of str
        Items that are done, and items that are not, in any case.
    by : {"class", "nature"}
        Whose basic items come first: the national classes, or Chongqing's.
    time_limit_s : float
        When to stop with the best found [s].

    Returns
    -------
    DataFrame
        One row per item in the order of the menu, with the columns of the menu and ``cost_yuan``,
        ``weight``, ``chosen``, ``why`` (``required``, ``basic``, ``asked``, ``needed_by`` of a
        chosen one; ``refused``, ``no_price``, ``no_quantity``, ``needs``, ``excluded_by``,
        ``nobody_asked``, ``money`` of one left out), ``why_of`` (the other items meant),
        ``lacking_yuan`` (what is missing for it beside those chosen), ``zh``, ``en``.
        The record has ``objective`` (weight of the items chosen that are not basic), ``bound`` and
        ``gap`` in the same unit, ``is_proven``, ``levels`` (each with its own objective, bound and
        gap), ``spent_yuan``, ``left_yuan``, ``basic_complete`` and ``missing`` (prices and
        quantities to ask for).

    Raises
    ------
    DataError
        Whatever is wrong with the menu; required items without a price, that exclude each other,
        or that cost more than there is, with their rows.
    OptionError
        Names that are no item, a budget or weights without meaning.

    Notes
    -----
    In this order: as many basic items as possible; the most preference among basic items; the
    most preference among the others; the least money. Each step keeps what the steps before have
    reached. An item is done whole or not at all, together with all it depends on and with nothing
    that it excludes. Each step is a mixed-integer programme, and its solution is held against the
    budget in exact fractions.

    Examples
    --------
    >>> import pandas as pd
    >>> menu = pd.DataFrame({"item_id": ["roof", "lift", "lamps"], "name": ["屋面", "电梯", "照明"],
    ...     "class": ["basic", "improving", "improving"], "unit_cost_yuan": [50.0, 70.0, 40.0],
    ...     "quantity": [1, 1, 1]})
    >>> chosen = choose_menu(menu, budget_yuan=100, preferences={"lift": 9, "lamps": 2})
    >>> chosen[["item_id", "chosen", "why", "lacking_yuan"]].values.tolist()
    [['roof', True, 'basic', nan], ['lift', False, 'money', 60.0], ['lamps', True, 'asked', nan]]
    """
    menu = check_menu(menu)
    budget = money("budget_yuan", budget_yuan)
    refuse_strangers(menu, preferences, quantities, required, refused)
    wanted = wanted_of(menu, preferences, quantities or {}, by)
    depends = {
        item: names_in(cell) for item, cell in zip(menu["item_id"], menu["depends_on"], strict=True)
    }
    unusable = {*refused, *wanted.no_price, *wanted.no_quantity}
    pick = Pick(
        items=tuple(
            sorted(item for item in depends if not unusable & set(asked_with(item, depends)))
        ),
        cost=wanted.cost,
        budget=budget,
        depends=depends,
        excluded=frozenset(exclusions(menu)),
        forced=frozenset(other for item in required for other in asked_with(item, depends)),
    )
    refuse_required(menu, pick, wanted, unusable)
    levels = most_of(pick, _goals(pick, wanted), Clock(time_limit_s))
    chosen = _kept(levels[-1].chosen, pick, wanted)
    if not all(level.is_proven for level in levels[:-1]):
        chosen = _filled(chosen, pick, wanted)
        levels = [_counted(level, chosen) for level in levels]
    now = Standing(
        chosen=chosen,
        required=frozenset(required),
        refused=frozenset(refused),
        no_price=frozenset(wanted.no_price),
        no_quantity=frozenset(wanted.no_quantity),
        is_basic=wanted.is_basic,
        weight=wanted.weight,
        cost=wanted.cost,
        left=budget - pick.spent(chosen),
        depends=depends,
        excluded=pick.excluded,
        names={lang: dict(zip(menu["item_id"], _named(menu, lang), strict=True)) for lang in LANGS},
    )
    return _table(menu, wanted, now, levels)


def _named(menu: pd.DataFrame, lang: str) -> list[str]:
    if lang == "zh":
        return [str(name) for name in menu["name"]]
    return [en or name for name, en in zip(menu["name"], menu["name_en"], strict=True)]


def _goals(pick: Pick, wanted: Wanted) -> list[Level]:
    """What is sought, step by step; whole numbers, so that each step is exact."""
    basic = {item for item in pick.items if wanted.is_basic[item]}
    count = {item: int(item in basic) for item in pick.items}
    asked = {item: wanted.weight[item] for item in pick.items}
    return [
        Level("basic_items", count),
        Level("basic_preference", {item: asked[item] * count[item] for item in pick.items}),
        Level("preference", {item: asked[item] * (1 - count[item]) for item in pick.items}),
        Level("least_money", {}),
    ]


def _kept(chosen: frozenset[str], pick: Pick, wanted: Wanted) -> frozenset[str]:
    """Without items that cost nothing, that nobody asks for and that nothing needs."""
    roots = {item for item in chosen if wanted.is_basic[item] or wanted.weight[item]}
    return frozenset(
        other for item in roots | pick.forced for other in asked_with(item, pick.depends)
    )


def _filled(chosen: frozenset[str], pick: Pick, wanted: Wanted) -> frozenset[str]:
    """With what still fits, where the search was stopped; so nothing that fits is left out."""
    wished = [item for item in pick.items if wanted.is_basic[item] or wanted.weight[item]]
    wished.sort(key=lambda item: (not wanted.is_basic[item], -wanted.weight[item], item))
    for item in wished:
        more = chosen | set(asked_with(item, pick.depends))
        if pick.spent(more) <= pick.budget and not any(pair <= more for pair in pick.excluded):
            chosen = more
    return chosen


def _counted(level: Level, chosen: frozenset[str]) -> Level:
    """A step with what a fuller set reaches."""
    objective = max(level.reached(chosen), level.objective)
    bound = max(level.bound, objective)
    return replace(level, objective=objective, bound=bound, is_proven=bound == objective)


def _table(menu: pd.DataFrame, wanted: Wanted, now: Standing, levels: list[Level]) -> pd.DataFrame:
    unknown = wanted.no_price | wanted.no_quantity
    items = list(menu["item_id"])
    reasons = pd.DataFrame([reason(item, now) for item in items], index=menu.index)
    table = menu.assign(
        cost_yuan=[float("nan") if one in unknown else float(wanted.cost[one]) for one in items],
        weight=[float(wanted.weight[item] * wanted.unit) for item in items],
        chosen=[item in now.chosen for item in items],
    ).join(reasons)
    spent = sum((wanted.cost[item] for item in now.chosen), Fraction(0))
    told = [level.facts(wanted.unit) for level in levels[:-1]]
    missing = [f"{item}: unit_cost_yuan" for item in items if item in wanted.no_price]
    missing += [f"{item}: quantity" for item in items if item in wanted.no_quantity]
    front = ["item_id", "name", "name_en", "class", "nature", "group", "community_id", "unit"]
    order = [*front, "quantity", "unit_cost_yuan", "cost_yuan", "weight", "chosen", "why"]
    order += ["why_of", "lacking_yuan", "zh", "en", *SHARES]
    order += [name for name in table.columns if name not in order]
    return record(
        table[order],
        **used(menu),
        by=wanted.by,
        budget_yuan=float(now.left + spent),
        spent_yuan=float(spent),
        left_yuan=float(now.left),
        objective=told[-1]["objective"],
        bound=told[-1]["bound"],
        gap=told[-1]["gap"],
        is_proven=all(level.is_proven for level in levels[:-1]),
        levels=told,
        basic_complete=all(item in now.chosen for item in items if wanted.is_basic[item]),
        required=sorted(now.required),
        refused=sorted(now.refused),
        missing=missing,
    )
