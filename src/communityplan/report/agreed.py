"""What residents and payers decide, as plain tables in the language of a report."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from communityplan.consent import GATES, as_numbers, consent_sentences
from communityplan.finance import Money
from communityplan.finance.sides import funding_sentences
from communityplan.indicators import ASPECTS
from communityplan.plan import Plan
from communityplan.report.columns import Sayer

__all__ = ["agreed_lines", "agreed_tables"]

Names = Mapping[str, str]

SHARES = tuple(
    f"{what}_{by}" for what in ("response", "share", "low", "high") for by in ("number", "area")
)
UNTOLD = ("base", "by", "closed", "gate_zh", "gate_en")
"""Columns of the consent that its sentences tell."""


def agreed_tables(
    plan: Plan, say: Sayer, *, communities: Names, buildings: Names
) -> dict[str, pd.DataFrame]:
    """Kind of renovation, menu, consent, who pays, money, phases and indicators.

    Parameters
    ----------
    plan : Plan
    say : Sayer
    communities, buildings : mapping of str to str
        What they are called, by key.

    Returns
    -------
    dict of str to DataFrame
        As far as the plan has them: ``prongs``, ``menu``, ``consent``, ``consent_buildings``,
        ``funding``, ``rules_kept``, ``returns``, ``cash``, ``amounts_missing``, ``phases``,
        ``indicators``.
    """
    tables: dict[str, pd.DataFrame] = {}
    if plan.prongs is not None:
        ids = plan.prongs["community_id"].map(str)
        tables["prongs"] = _said(plan.prongs, say).assign(
            community=ids.map(communities).fillna(ids),
            prong=[say.word(f"report.prong_{kind}") for kind in plan.prongs["prong"]],
        )
    if plan.menu is not None:
        tables["menu"] = _menu(plan.menu, say)
    if plan.consent is not None:
        tables |= _consent(plan.consent, say)
    if plan.funding is not None:
        tables["funding"] = plan.funding.assign(
            payer=[say.word(f"funding.{payer}") for payer in plan.funding["payer"]]
        )
    if plan.rules_kept is not None:
        tables["rules_kept"] = plan.rules_kept.assign(
            payer=[say.word(f"funding.{payer}") for payer in plan.rules_kept["payer"]]
        )
    if plan.money is not None:
        tables |= _money(plan.money, say, buildings)
    if plan.phases is not None:
        tables["phases"] = _phases(plan, say, buildings)
    if plan.indicators is not None:
        tables["indicators"] = _indicators(plan.indicators, say)
    return tables


def _said(table: pd.DataFrame, say: Sayer) -> pd.DataFrame:
    """The table with its sentences in one language."""
    return table.assign(said=table[say.lang]).drop(columns=["zh", "en"])


def _named(table: pd.DataFrame, say: Sayer) -> list[str]:
    """Names in the language of the report, the Chinese one where there is no other."""
    if say.lang == "zh" or "name_en" not in table:
        return [str(name) for name in table["name"]]
    names = zip(table["name_en"], table["name"], strict=True)
    return [str(one or other) for one, other in names]


def _units(table: pd.DataFrame, say: Sayer) -> list[str]:
    """Units in the language of the report."""
    if say.lang == "zh" or "unit_en" not in table:
        return [str(unit) for unit in table["unit"]]
    return [str(one or other) for one, other in zip(table["unit_en"], table["unit"], strict=True)]


def _menu(menu: pd.DataFrame, say: Sayer) -> pd.DataFrame:
    table = _said(menu, say).reset_index(drop=True)
    kinds = [say.word(f"menu.class_{kind}") if kind else "" for kind in menu["class"]]
    told = table.assign(called=_named(menu, say), kind=kinds, unit=_units(menu, say))
    return told.drop(columns=["name", "name_en", "unit_en"], errors="ignore")


def _consent(status: pd.DataFrame, say: Sayer) -> dict[str, pd.DataFrame]:
    sentences = consent_sentences(status)
    shares = {name: _cut(status[name]) for name in SHARES}
    told = as_numbers(status.drop(columns=[*UNTOLD])).assign(
        **shares,
        called=[_gate(name, say) for name in status["gate"]],
        state=[say.word(f"report.gate_{state}") for state in status["state"]],
        said=sentences[say.lang].to_numpy(),
    )
    whole = (status["scope"] == "all").to_numpy()
    tables = {"consent": told[whole].reset_index(drop=True)}
    if not whole.all():
        tables["consent_buildings"] = told[~whole].reset_index(drop=True)
    return tables


def _cut(shares: pd.Series[Any]) -> list[float]:
    """Shares cut to a tenth of a per cent: none below a threshold reads as the threshold."""
    return [
        float("nan") if share is None or pd.isna(share) else math.floor(share * 1000) / 1000
        for share in shares
    ]


def _gate(name: str, say: Sayer) -> str:
    known = GATES.get(name)
    return name if known is None else (known.zh if say.lang == "zh" else known.en) or name


def _money(money: Money, say: Sayer, buildings: Names) -> dict[str, pd.DataFrame]:
    returns = _said(money.returns, say)
    alone = returns["service"].map(str) != ""
    place = [buildings.get(key, key) for key in returns["building_id"].map(str)]
    returns = returns.assign(
        called=[
            name if own else say.word("report.all_services")
            for name, own in zip(place, alone, strict=True)
        ]
    )
    central = money.flows[money.flows["case"] == "central"]
    amounts = [name for name in central.columns if name.endswith("_yuan")]
    cash = central.groupby("year", as_index=False)[amounts].sum(min_count=len(money.operation))
    cash["sum_yuan"] = cash["net_yuan"].cumsum()
    tables = {"returns": returns, "cash": cash}
    if len(money.missing):
        tables["amounts_missing"] = _said(money.missing, say)
    return tables


def _phases(plan: Plan, say: Sayer, buildings: Names) -> pd.DataFrame:
    table = pd.DataFrame() if plan.phases is None else plan.phases
    items: dict[str, str] = {}
    if plan.menu is not None:
        items = dict(zip(plan.menu["item_id"].map(str), _named(plan.menu, say), strict=True))
    called = [
        f"{buildings.get(key, key)} {say.service(what)}"
        if kind == "service"
        else items.get(key, key)
        for kind, key, what in zip(table["kind"], table["key"].map(str), table["what"], strict=True)
    ]
    kinds = [
        say.word("report.phase_service")
        if kind == "service"
        else say.word(f"menu.class_{kind.removeprefix('menu_')}")
        for kind in table["kind"]
    ]
    return table.assign(called=called, kind=kinds).drop(columns="what")


def _indicators(indicators: pd.DataFrame, say: Sayer) -> pd.DataFrame:
    aspects = {key: names[say.lang] for key, names in ASPECTS.items()}
    table = _said(indicators, say).reset_index(drop=True)
    return table.assign(
        called=_named(indicators, say),
        unit=_units(indicators, say),
        aspect=[aspects.get(key, key) for key in indicators["aspect"]],
        state=[say.word(f"indicators.state_{state}") for state in indicators["state"]],
    ).drop(columns=["name", "name_en", "unit_en"], errors="ignore")


def agreed_lines(plan: Plan, say: Sayer) -> Iterator[str]:
    """What residents and payers decide, sentence by sentence.

    Parameters
    ----------
    plan : Plan
    say : Sayer

    Yields
    ------
    str
    """
    if plan.prongs is not None:
        kinds = plan.prongs["prong"].value_counts()
        counts = [
            say.word("report.say_prong", kind=say.word(f"report.prong_{kind}"), count=count)
            for kind, count in kinds.sort_index().items()
        ]
        yield say.word("report.say_prongs", counts=say.joined(counts))
    if plan.menu is not None:
        done = plan.menu["chosen"].astype(bool)
        yield say.word(
            "report.say_menu",
            all=len(plan.menu),
            count=int(done.sum()),
            yuan=say.cell(plan.menu.loc[done, "cost_yuan"].sum(), "yuan"),
        )
    if plan.consent is not None:
        whole = plan.consent[plan.consent["scope"] == "all"]
        yield from consent_sentences(whole)[say.lang]
    if plan.funding is not None:
        parts = funding_sentences(plan.funding)[say.lang]
        yield say.word(
            "report.say_funding", parts="; ".join(parts) if say.lang == "en" else "；".join(parts)
        )
    if plan.money is not None:
        yield str(plan.money.returns[say.lang].iloc[-1])
    if plan.indicators is not None:
        reached = int((plan.indicators["state"] == "reached").sum())
        yield say.word("report.say_indicators", all=len(plan.indicators), count=reached)
