"""Steps of a plan that residents and payers decide: menu, consent, who pays, money, indicators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from communityplan.allocation import Choice
from communityplan.checkup.prongs import two_pronged
from communityplan.errors import DataError, Problem
from communityplan.finance import Money, choice_money, share_rules
from communityplan.finance.sides import who_pays
from communityplan.indicators import fill_indicators, indicator_states
from communityplan.menu import choose_menu, menu_sources, menu_uses, preference_weights
from communityplan.plan.papers import Papers
from communityplan.project import Project
from communityplan.tables import record, used

__all__ = [
    "funding_of",
    "indicators_of",
    "menu_of",
    "money_of",
    "phases_of",
    "prongs_of",
]

Options = Mapping[str, Any]


def prongs_of(
    project: Project, checked: pd.DataFrame | None, papers: Papers
) -> pd.DataFrame | None:
    """Comprehensive renovation or management upgrading; None without a check-up."""
    return (
        None
        if checked is None
        else two_pronged(checked, rule=papers.rule, communities=project.communities)
    )


def menu_of(papers: Papers, asked: Options) -> pd.DataFrame:
    """The best items of the menu for the money."""
    items = _there(papers.items, "menu", "items")
    weights = None
    if papers.preferences is not None:
        weights = preference_weights(papers.preferences, items)
    options = {key: asked[key] for key in ("required", "refused", "by") if key in asked}
    return choose_menu(items, budget_yuan=asked["budget_yuan"], preferences=weights, **options)


def _there(table: pd.DataFrame | None, step: str, key: str) -> pd.DataFrame:
    if table is None:
        raise DataError([Problem(f"[{step}]", f"no {key}", f"Name its file, {key} = ...")])
    return table


def money_of(
    project: Project, chosen: Choice | None, papers: Papers, asked: Options
) -> Money | None:
    """Uses, cash flow and payback of what is chosen; None where nothing is."""
    if chosen is None or chosen.opened.empty:
        return None
    return choice_money(
        chosen.opened,
        years=asked["years"],
        prices=papers.prices,
        idle_buildings=project.idle_buildings,
        rate=asked.get("rate"),
    )


def funding_of(
    chosen: Choice | None, menu: pd.DataFrame | None, papers: Papers
) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Who pays for what is chosen, and whether the shares keep the rules."""
    uses, sources = _uses(chosen, menu), papers.sources
    if uses.empty or sources is None:
        return None, None
    stated = None if menu is None else menu_sources(menu)
    if stated is not None and len(stated):
        # shares that the menu states for an item go before those of the whole
        named = set(sources["item"].dropna().map(str)) if "item" in sources else set()
        stated = stated[~stated["item"].isin(named)]
        sources = pd.concat([sources, stated], ignore_index=True)
    paid = who_pays(uses, sources)
    kept = share_rules(paid[paid["payer"] != "unpaid"], papers.rules) if papers.rules else None
    return paid, kept


def _uses(chosen: Choice | None, menu: pd.DataFrame | None) -> pd.DataFrame:
    """What has to be paid for: services in idle buildings, and items of the menu."""
    parts = []
    if chosen is not None and len(chosen.opened):
        opened = chosen.opened
        cost = opened[["cost_yuan", "opening_cost_yuan"]].sum(axis=1, skipna=False)
        item = opened["building_id"].map(str) + " " + opened["service"].map(str)
        parts.append(pd.DataFrame({"item": item, "cost_yuan": cost}))
    if menu is not None:
        parts.append(menu_uses(menu))
    columns = ["item", "cost_yuan"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def phases_of(chosen: Choice | None, menu: pd.DataFrame | None) -> pd.DataFrame | None:
    """What is done in which year, and what it costs; None where nothing is done."""
    rows: list[tuple[Any, ...]] = []
    if chosen is not None:
        for row in chosen.opened.to_dict("records"):
            cost = row["cost_yuan"] + row["opening_cost_yuan"]
            year = row.get("year")
            rows.append((year, "service", row["building_id"], row["service"], cost))
    if menu is not None:
        done = menu[menu["chosen"].astype(bool)]
        first = min((row[0] for row in rows if row[0] is not None), default=None)
        for row in done.to_dict("records"):
            rows.append(
                (first, f"menu_{row['class']}", row["item_id"], row["name"], row["cost_yuan"])
            )
    if not rows:
        return None
    table = pd.DataFrame(rows, columns=["year", "kind", "key", "what", "cost_yuan"])
    table["year"] = pd.to_numeric(table["year"]).astype("Int64")
    return record(table.sort_values(["year", "kind"], kind="stable").reset_index(drop=True))


def indicators_of(
    project: Project, papers: Papers, before: Mapping[str, Any], after: Mapping[str, Any]
) -> pd.DataFrame:
    """The indicators with what the plan knows of them before and after."""
    limits = {service.name: service.within_min for service in project.services}
    there = {name: table for name, table in after.items() if table is not None}
    known = {name: table for name, table in before.items() if table is not None}
    filled = fill_indicators(
        _there(papers.table, "indicators", "table"), known, there, limits=limits
    )
    return record(indicator_states(filled), **used(filled))
