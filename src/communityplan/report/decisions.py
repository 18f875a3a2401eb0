"""The sections of what a plan decides beyond the circles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import pandas as pd

from communityplan.plan.shown import MOST_OPENINGS
from communityplan.report.columns import Sayer
from communityplan.report.document import Grid, Section, Words

__all__ = [
    "GridWriter",
    "agreed_sections",
    "changed_sections",
    "investment_sections",
    "prong_section",
]


class GridWriter(Protocol):
    """Writes a table of the report."""

    def __call__(
        self,
        name: str,
        columns: list[str],
        caption: str,
        *,
        rows: pd.DataFrame | None = None,
        note: str = "",
        most: int | None = None,
    ) -> Grid:
        """The table of that name with these columns, of some of its rows where they are given."""


def changed_sections(
    tables: Mapping[str, pd.DataFrame], say: Sayer, grid: GridWriter
) -> Iterator[Section]:
    """Walls to open, joint units, and who is served before and after.

    Parameters
    ----------
    tables : mapping of str to DataFrame
    say : Sayer
    grid : callable
        Writes one table.

    Yields
    ------
    Section
        Only those that the plan has.
    """
    writers: tuple[tuple[str, Callable[..., Section]], ...] = (
        ("openings", _openings),
        ("joint_units", _units),
        ("effects", _effects),
    )
    for name, write in writers:
        if name in tables:
            yield write(tables, say, grid)


def _openings(tables: Mapping[str, pd.DataFrame], say: Sayer, grid: GridWriter) -> Section:
    title = say.word("report.openings")
    if not len(tables["openings"]):
        return Section(title, (Words((say.word("report.say_no_opening"),)),))
    figures = ["rank", "kind", "side_a", "side_b", "length_m", "around_min", "through_min"]
    figures += ["people_gained", "minutes_saved", "newly_reachable", "together"]
    note, why = say.word("report.openings_note"), say.word("report.openings_why")
    return Section(
        title,
        (
            grid("openings", figures, title, note=note, most=MOST_OPENINGS),
            grid("openings", ["rank", "said"], why, most=MOST_OPENINGS),
        ),
    )


def _units(tables: Mapping[str, pd.DataFrame], say: Sayer, grid: GridWriter) -> Section:
    title = say.word("report.units")
    plans = ["plan", "units", "centres", "people_in_size", "people_served", "served_in_size"]
    plans += ["cost_yuan", "yuan_per_person", "gap"]
    members = ["unit_id", "members", "people", "in_size", "called", "people_served"]
    members += ["served_share", "cost_yuan"]
    against = say.word("report.units_against")
    return Section(
        title,
        (
            grid("joint_units", members, title),
            grid("unit_plans", plans, against, note=say.word("report.units_note")),
        ),
    )


def _effects(tables: Mapping[str, pd.DataFrame], say: Sayer, grid: GridWriter) -> Section:
    title = say.word("report.effects")
    by_community = say.word("report.effects_communities")
    counts = ["people", "covered_before", "covered_after", "gained"]
    sums = ["service", "group", "within_min", "own_limit", *counts, "share_before", "share_after"]
    each = ["community", "service", "group", "within_min", *counts]
    effects = tables["effects"]
    return Section(
        title,
        (
            grid("effect_totals", sums, title, note=say.word("report.effects_note")),
            grid("effects", each, by_community, rows=effects[effects["own_limit"]]),
        ),
    )


def investment_sections(
    tables: Mapping[str, pd.DataFrame], say: Sayer, grid: GridWriter
) -> Iterator[Section]:
    """Parts of what is invested: the items of the menu and the phases."""
    if "menu" in tables:
        title = say.word("report.menu")
        columns = ["called", "kind", "quantity", "unit", "unit_cost_yuan", "cost_yuan"]
        columns += ["weight", "chosen", "said"]
        yield Section(title, (grid("menu", columns, title, note=say.word("report.menu_note")),))
    if "phases" in tables:
        title = say.word("report.phases")
        yield Section(title, (grid("phases", ["year", "kind", "called", "cost_yuan"], title),))


def agreed_sections(
    tables: Mapping[str, pd.DataFrame], say: Sayer, grid: GridWriter
) -> Iterator[Section]:
    """Who pays, who agrees, how it is run in the long term, and what it is judged by.

    Parameters
    ----------
    tables : mapping of str to DataFrame
    say : Sayer
    grid : callable
        Writes one table.

    Yields
    ------
    Section
        Only those that the plan has.
    """
    writers: tuple[tuple[str, Callable[..., Section]], ...] = (
        ("funding", _funding),
        ("returns", _management),
        ("consent", _consent),
        ("indicators", _indicators),
    )
    for name, write in writers:
        if name in tables:
            yield write(tables, say, grid)


def prong_section(
    tables: Mapping[str, pd.DataFrame], say: Sayer, grid: GridWriter
) -> Iterator[Section]:
    """Comprehensive renovation or management upgrading, as a part of the check-up."""
    if "prongs" in tables:
        title = say.word("report.prongs")
        columns = ["community", "in_scope", "prong", "judged", "lacking", "lacking_share", "said"]
        yield Section(title, (grid("prongs", columns, title),))


def _funding(tables: Mapping[str, pd.DataFrame], say: Sayer, grid: GridWriter) -> Section:
    title = say.word("report.funding")
    columns = ["payer", "amount_yuan", "share", "stated_share"]
    blocks = [grid("funding", columns, title, note=say.word("report.funding_note"))]
    if "rules_kept" in tables:
        rules = say.word("report.rules_kept")
        kept = ["payer", "share", "least", "most", "kept", "verified", "source"]
        blocks.append(grid("rules_kept", kept, rules))
    return Section(title, tuple(blocks))


def _management(tables: Mapping[str, pd.DataFrame], say: Sayer, grid: GridWriter) -> Section:
    title = say.word("report.management")
    columns = ["called", "service", "investment_yuan", "payback_years", "payback_years_high"]
    columns += ["payback_years_low", "discounted_payback_years", "npv_yuan", "irr"]
    flows = ["year", "income_yuan", "subsidy_yuan", "cost_yuan", "rent_yuan", "investment_yuan"]
    returns, cash = say.word("report.returns"), say.word("report.cash")
    blocks = [
        grid("returns", columns, returns, note=say.word("report.returns_note")),
        grid("cash", [*flows, "net_yuan", "sum_yuan"], cash),
    ]
    if "amounts_missing" in tables:
        blocks.append(grid("amounts_missing", ["said"], say.word("report.amounts_missing")))
    return Section(title, tuple(blocks))


def _consent(tables: Mapping[str, pd.DataFrame], say: Sayer, grid: GridWriter) -> Section:
    title = say.word("report.consent")
    columns = ["called", "state", "owners", "answered", "response_number", "agree"]
    columns += ["share_number", "share_area", "least", "missing_owners", "verified"]
    said = say.word("report.consent_said")
    blocks = [
        grid("consent", columns, title, note=say.word("report.consent_note")),
        grid("consent", ["called", "said"], said),
    ]
    if "consent_buildings" in tables:
        each = ["called", "building_id", "owners", "answered", "agree", "share_number", "state"]
        blocks.append(grid("consent_buildings", each, say.word("report.consent_buildings")))
    return Section(title, tuple(blocks))


def _indicators(tables: Mapping[str, pd.DataFrame], say: Sayer, grid: GridWriter) -> Section:
    del tables
    title = say.word("report.indicators")
    columns = ["aspect", "called", "unit", "before", "target", "after", "state", "source"]
    return Section(title, (grid("indicators", columns, title),))
