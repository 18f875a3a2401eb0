"""Commands before there are results: begin a project, check it, check the installation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from communityplan import __version__
from communityplan.cli.installation import checks, show_checks
from communityplan.cli.options import Debug, Given, Lang, Out, app, language
from communityplan.cli.project_file import Asked, Begun, begin
from communityplan.cli.shown import new_console, show_files
from communityplan.plan.papers import read_papers
from communityplan.project import load_project
from communityplan.tables import TABLES
from communityplan.wording import word

__all__ = ["check", "doctor", "new", "version"]

File = Path | None
TABLES_TOLD = ("communities", "homes", "facilities", "idle_buildings", "streets", "walls", "gates")


@app.command()
def new(  # noqa: PLR0917  # the parser calls it by name
    folder: Annotated[Path, typer.Argument(help="Where project.toml is written.")],
    communities: Annotated[File, typer.Option(help="File with the communities.")] = None,
    homes: Annotated[File, typer.Option(help="File with the homes and their people.")] = None,
    facilities: Annotated[File, typer.Option(help="File with the facilities of today.")] = None,
    streets: Annotated[File, typer.Option(help="File with the streets.")] = None,
    idle_buildings: Annotated[File, typer.Option(help="File with the idle buildings.")] = None,
    walls: Annotated[File, typer.Option(help="File with the walls.")] = None,
    gates: Annotated[File, typer.Option(help="File with the gates.")] = None,
    elevation: Annotated[File, typer.Option(help="Raster of heights.")] = None,
    name: Annotated[str, typer.Option(help="What the district is called.")] = "",
    crs: Annotated[str, typer.Option(help="A system in metres, such as EPSG:4548.")] = "",
    datum: Annotated[
        str, typer.Option(help="Of tables in degrees: wgs84, gcj02, bd09 or cgcs2000.")
    ] = "",
    service: Annotated[
        list[str] | None, typer.Option("--service", help="A service; may be repeated.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a project file.")] = False,
    lang: Lang = "",
    debug: Debug = False,
) -> None:
    """Begin a project: write a project file with comments that say what to fill in."""
    del debug
    files = {
        "communities": communities,
        "homes": homes,
        "facilities": facilities,
        "streets": streets,
        "idle_buildings": idle_buildings,
        "walls": walls,
        "gates": gates,
        "elevation": elevation,
    }
    asked = Asked(
        files={key: file for key, file in files.items() if file is not None},
        name=name,
        crs=crs,
        datum=datum,
        services=tuple(service or ()),
        lang=language(lang),
    )
    ask = _ask if sys.stdin.isatty() else None
    _show_begun(begin(folder, asked, ask=ask, force=force), asked.lang)


@app.command()
def check(project: Given, lang: Lang = "", debug: Debug = False) -> None:
    """Read a project with all its tables, and tell everything that is wrong with it."""
    del debug
    found = load_project(project)
    # the lists of a plan are read by their own rooms
    read_papers(found)
    said = language(lang)
    rows = {name: len(table) for name in TABLES_TOLD if (table := getattr(found, name)) is not None}
    counts = [
        f"{TABLES[name].zh if said == 'zh' else name} {count}" for name, count in rows.items()
    ]
    checked = word("cli.checked", said, name=found.name, network=repr(found.network()))
    show_files(
        [], said=[checked, ", ".join(counts), word("cli.next_evaluate", said, project=project)]
    )


@app.command()
def doctor(out: Out = Path("out"), lang: Lang = "", debug: Debug = False) -> int:
    """Check the installation: versions, optional parts, fonts, the place for results, the demo."""
    del debug
    found = checks(out)
    return show_checks(found, language(lang))


@app.command()
def version() -> None:
    """The version of the package."""
    new_console().print(__version__, highlight=False)


def _ask(question: str, default: str) -> str:
    """One question on the terminal; an empty answer takes what is proposed."""
    answer: str = typer.prompt(question, default=default, show_default=bool(default), err=True)
    return answer.strip()


def _show_begun(begun: Begun, lang: str) -> None:
    said = [word("cli.new_written", lang, file=begun.file)]
    if begun.lacking:
        said.append(word("cli.new_lacking", lang, files=", ".join(begun.lacking)))
    said += [word("cli.new_note", lang, note=note) for note in begun.notes]
    said.append(word("cli.new_next", lang, folder=begun.file.parent))
    show_files([], said=said)
