"""The commands: each reads, calls one function and shows what came of it."""

from __future__ import annotations

import locale
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from communityplan import __version__
from communityplan.errors import CommunityPlanError, OptionError
from communityplan.load.osm import read_osm
from communityplan.load.project import Project, load_project
from communityplan.plan import Plan, make_plan, project_from_osm
from communityplan.report import write_tables
from communityplan.wording import LANGUAGES, group_word, service_word, word

__all__ = ["app", "main"]

BAD_INPUT = 2
SHOWN_SITES = 5
TABLE_STYLE: dict[str, Any] = {
    "box": box.SIMPLE_HEAD,
    "title_justify": "left",
    "caption_justify": "left",
    "padding": (0, 1, 0, 0),
    "pad_edge": False,
}
WIDTH_OF_A_FILE = 100

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Walking service circles of old residential communities, and which idle building to open.",
)
Out = Annotated[Path, typer.Option("--out", help="Folder for the results.")]
Lang = Annotated[str, typer.Option("--lang", help="zh or en; the system's language unless given.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show where an error arose.")]


@app.command()
def demo(out: Out = Path("out"), lang: Lang = "", debug: Debug = False) -> None:
    """Evaluate the embedded synthetic district: who is not served, which building to open."""
    del debug
    _show(load_project("demo"), out, _language(lang))


@app.command()
def evaluate(  # noqa: PLR0917  # the parser calls it by name
    project: Annotated[
        Path | None, typer.Argument(help="A project file, or the folder of project.toml.")
    ] = None,
    osm: Annotated[
        Path | None, typer.Option("--osm", help="An OpenStreetMap file instead of a project.")
    ] = None,
    service: Annotated[
        list[str] | None, typer.Option("--service", help="With --osm: a service; may be repeated.")
    ] = None,
    minutes: Annotated[
        str, typer.Option("--minutes", help="With --osm: limits, separated by commas.")
    ] = "5,10,15",
    residents: Annotated[
        float | None, typer.Option("--residents", help="With --osm: people in the whole area.")
    ] = None,
    untagged_gates: Annotated[
        str, typer.Option("--untagged-gates", help="With --osm: open, residents or closed.")
    ] = "open",
    out: Out = Path("out"),
    lang: Lang = "",
    debug: Debug = False,
) -> None:
    """Who is served: the ledger and the map of a project, or of an OpenStreetMap file alone."""
    del debug
    if (project is None) == (osm is None):
        raise OptionError("give either a project file or --osm FILE")
    if osm is None:
        _show(load_project(str(project)), out, _language(lang))
        return
    if not service:
        raise OptionError("give at least one --service, such as --service childcare")
    from_osm = project_from_osm(
        read_osm(osm),
        services=tuple(service),
        minutes=_minutes(minutes),
        residents=residents,
        untagged_gates=untagged_gates,
        name=osm.name,
    )
    _show(from_osm, out, _language(lang))


@app.command()
def check(
    project: Annotated[Path, typer.Argument(help="A project file, or its folder.")],
    lang: Lang = "",
    debug: Debug = False,
) -> None:
    """Read a project with all its tables, and tell everything that is wrong with it."""
    del debug
    found = load_project(str(project))
    said = _language(lang)
    rows = {
        name: len(table)
        for name in ("communities", "homes", "facilities", "idle_buildings", "streets", "gates")
        if (table := getattr(found, name)) is not None
    }
    console = Console()
    console.print(word("cli.checked", said, name=found.name, network=repr(found.network())))
    console.print(", ".join(f"{name} {count}" for name, count in rows.items()))


@app.command()
def version() -> None:
    """The version of the package."""
    Console().print(__version__)


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code is 0, or 2 where the input or an option is wrong.

    Parameters
    ----------
    arguments : list of str, optional
        Those of the process unless given.

    Returns
    -------
    int
        Only where `arguments` are given; else the process ends.
    """
    given = sys.argv[1:] if arguments is None else arguments
    code = _run(given, debug="--debug" in given)
    if arguments is None:
        sys.exit(code)
    return code


def _run(arguments: list[str], *, debug: bool) -> int:
    errors = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    try:
        result = app(arguments, standalone_mode=False)
    except CommunityPlanError as error:
        errors.print(traceback.format_exc() if debug else f"communityplan: {error}")
        return BAD_INPUT
    except (KeyboardInterrupt, typer.Abort):
        errors.print("communityplan: interrupted; nothing was written")
        return 130
    except Exception as error:
        if _is_usage(error):
            errors.print(f"communityplan: {error.format_message()}")  # type: ignore[attr-defined]
            return BAD_INPUT
        told = f"communityplan: this should not happen: {error!r}; --debug shows where"
        errors.print(traceback.format_exc() if debug else told)
        return 1
    return result if isinstance(result, int) else 0


def _is_usage(error: Exception) -> bool:
    """Whether the command line itself was wrong, which the parser tells with a message."""
    return hasattr(error, "format_message")


def _language(lang: str) -> str:
    if not lang:
        system = (locale.getlocale()[0] or "").lower()
        return "zh" if system.startswith(("zh", "chinese")) else "en"
    if lang not in LANGUAGES:
        raise OptionError(f"--lang is {lang!r}: give {' or '.join(LANGUAGES)}")
    return lang


def _minutes(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise OptionError(f"--minutes is {text!r}: give numbers such as 5,10,15") from None


@contextmanager
def _progress(lang: str) -> Iterator[Callable[[str], None]]:
    """Stages of the work, shown while they last."""
    console = Console(stderr=True)
    with console.status(word("cli.stage_network", lang)) as status:

        def tell(stage: str) -> None:
            said = word(f"cli.stage_{stage}", lang)
            status.update(said)
            if not console.is_terminal:
                console.print(said, highlight=False)

        yield tell


def _show(project: Project, out: Path, lang: str) -> None:
    with _progress(lang) as tell:
        plan = make_plan(project, tell=tell)
        tell("writing")
        written = write_tables(plan, out, lang=lang)
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH_OF_A_FILE)
    name = project.name if lang == "zh" else project.name_en or project.name
    note = project.note if lang == "zh" else project.note_en or project.note
    console.print(f"[bold]{name}[/bold]", highlight=False)
    if note:
        console.print(note, highlight=False)
    console.print(_ledger_table(plan, lang))
    unsure = [s.name for s in project.services if not s.verified]
    if unsure:
        named = ", ".join(service_word(name, lang) for name in unsure)
        console.print(word("cli.unverified", lang, services=named), highlight=False)
    if plan.ranking is not None:
        console.print(_sites_table(plan.ranking, lang))
    unreached = plan.access[plan.access["reason"] != ""].drop_duplicates("home_id")
    if len(unreached):
        console.print(word("cli.unreached", lang, count=len(unreached)), highlight=False)
    for file in written.values():
        console.print(str(file), highlight=False, soft_wrap=True)


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
