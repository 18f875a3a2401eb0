"""Results as a terminal shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from communityplan.plan import Plan
from communityplan.project import Project
from communityplan.wording import group_word, service_word, word

__all__ = ["TABLE_STYLE", "new_console", "show_files", "show_head", "show_ledger", "show_sites"]

SHOWN_SITES = 5
WIDTH_OF_A_FILE = 100
TABLE_STYLE: dict[str, Any] = {
    "box": box.SIMPLE_HEAD,
    "title_justify": "left",
    "caption_justify": "left",
    "padding": (0, 1, 0, 0),
    "pad_edge": False,
}


def new_console() -> Console:
    """A console as wide as the terminal, or as a file is read."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH_OF_A_FILE)


def show_head(project: Project, lang: str) -> None:
    """What the district is called and what a reader has to know of it."""
    console = new_console()
    name = project.name if lang == "zh" else project.name_en or project.name
    note = project.note if lang == "zh" else project.note_en or project.note
    console.print(name, style="bold", highlight=False, markup=False)
    if note:
        console.print(note, highlight=False, markup=False)


def show_ledger(plan: Plan, lang: str) -> None:
    """Who is served, and which limits are not verified."""
    console = new_console()
    console.print(_ledger_table(plan, lang))
    show_unverified(plan.project, lang)


def show_unverified(project: Project, lang: str) -> None:
    """Services whose limits were not seen in their source."""
    unsure = [service for service in project.services if not service.verified]
    if unsure:
        named = ", ".join(service_word(service, lang) for service in unsure)
        said = word("cli.unverified", lang, services=named)
        new_console().print(said, highlight=False, markup=False)


def show_sites(ranking: pd.DataFrame, lang: str) -> None:
    """The first idle buildings."""
    new_console().print(_sites_table(ranking, lang))


def show_files(files: Iterable[Path], *, said: Iterable[str] = ()) -> None:
    """Where the results are, and what to do next."""
    console = new_console()
    for line in (*map(str, files), *said):
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def _ledger_table(plan: Plan, lang: str) -> Table:
    """Service by limit: people covered, beyond, unreachable."""
    table = Table(title=word("cli.ledger", lang), **TABLE_STYLE)
    table.add_column(word("cli.column_service", lang), no_wrap=True)
    for key in ("within", "people", "covered", "beyond", "unreachable", "share"):
        table.add_column(word(f"cli.column_{key}", lang), justify="right", no_wrap=True)
    limits = {service.name: service.within_min for service in plan.project.services}
    for (service, group), rows in plan.totals.groupby(["service", "group"], sort=False):
        # the group stands below the service: a table of eight columns is wider than a screen
        said = [service_word(str(service), lang), f"[dim]{group_word(str(group), lang)}[/dim]"]
        for row in rows.to_dict("records"):
            own = "*" if row["within_min"] == limits[str(service)] else " "
            table.add_row(
                said.pop(0) if said else "",
                f"{row['within_min']:g}{own}",
                *(_whole(row[name]) for name in ("people", "covered", "beyond", "unreachable")),
                "" if pd.isna(row["covered_share"]) else f"{row['covered_share']:.0%}",
            )
        for rest in said:
            table.add_row(rest)
        table.add_section()
    table.caption = word("cli.ledger_note", lang)
    return table


def _sites_table(ranking: pd.DataFrame, lang: str) -> Table:
    """The first idle buildings, and whom each would newly serve."""
    gains = [name for name in ranking.columns if name.startswith("gain_")]
    title = word("cli.sites", lang, count=SHOWN_SITES)
    table = Table(title=title, **TABLE_STYLE)
    table.add_column("#", justify="right")
    table.add_column(word("cli.column_building", lang))
    table.add_column(word("cli.column_area", lang), justify="right")
    for name in gains:
        table.add_column(service_word(name.removeprefix("gain_"), lang), justify="right")
    table.add_column(word("cli.column_gained", lang), justify="right")
    for row in ranking.head(SHOWN_SITES).to_dict("records"):
        table.add_row(
            str(row["rank"]),
            _building_name(row, lang),
            _whole(row["floor_area_m2"]),
            *("-" if pd.isna(row[name]) else _whole(row[name]) for name in gains),
            _whole(row["people_gained"]),
        )
    table.caption = word("cli.sites_note", lang)
    return table


def _building_name(row: Mapping[Any, Any], lang: str) -> str:
    named = row.get("name_en") if lang == "en" else row.get("name")
    return str(named) if isinstance(named, str) and named else str(row["building_id"])


def _whole(number: float) -> str:
    return f"{number:,.0f}"
