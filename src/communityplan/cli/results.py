"""Commands that evaluate a project: each reads, calls one function and shows what came of it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from communityplan.cli.options import Debug, Given, Lang, Out, app, language, progress
from communityplan.cli.shown import (
    show_files,
    show_head,
    show_ledger,
    show_sites,
    show_unverified,
)
from communityplan.errors import OptionError
from communityplan.load.osm import read_osm
from communityplan.plan import Plan, make_plan
from communityplan.project import Project, load_project
from communityplan.project.osm import project_from_osm
from communityplan.report import (
    FORMATS,
    usable_formats,
    write,
    write_changes,
    write_ranking,
    write_tables,
)
from communityplan.report.agreed import agreed_lines
from communityplan.report.columns import Sayer
from communityplan.report.decided import decided_lines
from communityplan.report.sections import choice_lines
from communityplan.versions import compare_versions, version_summary
from communityplan.wording import word

__all__ = ["demo", "evaluate", "map_", "plan_", "rank", "report", "versions"]


@app.command()
def demo(out: Out = Path("out"), lang: Lang = "", debug: Debug = False) -> None:
    """Evaluate the embedded synthetic district: who is not served, which building to open."""
    del debug
    _evaluate(load_project("demo"), out, language(lang), "cli.next_demo")


@app.command()
def evaluate(  # noqa: PLR0917  # the parser calls it by name
    project: Annotated[
        str | None,
        typer.Argument(help="A project file, the folder of project.toml, or demo."),
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
    if project is not None:
        _evaluate(load_project(project), out, language(lang))
        return
    if not service:
        raise OptionError("give at least one --service, such as --service childcare")
    given = Path(str(osm))
    from_osm = project_from_osm(
        read_osm(given),
        services=tuple(service),
        minutes=_minutes(minutes),
        residents=residents,
        untagged_gates=untagged_gates,
        name=given.name,
    )
    _evaluate(from_osm, out, language(lang))


@app.command()
def rank(project: Given, out: Out = Path("out"), lang: Lang = "", debug: Debug = False) -> None:
    """Which idle building to open: the ranking, on the screen and as ranking.csv."""
    del debug
    said = language(lang)
    plan = _planned(project, said, ranked=True)
    written = write_ranking(plan, out, lang=said)
    show_head(plan.project, said)
    if plan.ranking is not None:
        show_sites(plan.ranking, said)
    show_unverified(plan.project, said)
    show_files(written.values())


@app.command(name="map")
def map_(project: Given, out: Out = Path("out"), lang: Lang = "", debug: Debug = False) -> None:
    """The map of a project as one file, map.html, that opens with no network."""
    del debug
    said = language(lang)
    plan = _planned(project, said)
    written = write(plan, out, lang=said, formats=["map"])
    show_head(plan.project, said)
    show_files(written.values())


@app.command()
def report(
    project: Given,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format", help=f"One of {', '.join(FORMATS)}; may be repeated. All unless given."
        ),
    ] = None,
    out: Out = Path("out"),
    lang: Lang = "",
    debug: Debug = False,
) -> None:
    """The report of a project: HTML, XLSX, DOCX, GeoPackage, CSV and the map."""
    del debug
    said = language(lang)
    plan = _planned(project, said, whole=True)
    written = write(plan, out, lang=said, formats=formats or usable_formats())
    show_head(plan.project, said)
    show_ledger(plan, said)
    show_files(written.values(), said=[] if formats else _left_out(said))


@app.command(name="plan")
def plan_(project: Given, out: Out = Path("out"), lang: Lang = "", debug: Debug = False) -> None:
    """The plan of a project: what is missing, what to open, who agrees, who pays; every format."""
    del debug
    said = language(lang)
    plan = _planned(project, said, whole=True)
    written = write(plan, out, lang=said, formats=usable_formats())
    show_head(plan.project, said)
    show_ledger(plan, said)
    if plan.ranking is not None:
        show_sites(plan.ranking, said)
    services = {service.name: service for service in plan.project.services}
    say = Sayer(said, services)
    show_files(
        [], said=[*choice_lines(plan, say), *decided_lines(plan, say), *agreed_lines(plan, say)]
    )
    show_files(written.values(), said=_left_out(said))


@app.command()
def versions(  # noqa: PLR0917  # the parser calls it by name
    old: Annotated[str, typer.Argument(help="The project file of the earlier version.")],
    new: Annotated[str, typer.Argument(help="The project file of the later one.")],
    who: Annotated[str, typer.Option("--who", help="Who asked for the changes.")] = "",
    note: Annotated[str, typer.Option("--note", help="What the round was about.")] = "",
    out: Out = Path("out"),
    lang: Lang = "",
    debug: Debug = False,
) -> None:
    """What changed between two versions of a plan, and who asked for it: changes.csv."""
    del debug
    said = language(lang)
    plans = [_planned(given, said, whole=True) for given in (old, new)]
    today = dt.date.today()
    changes = compare_versions(plans[0].frames, plans[1].frames, who=who, when=today, note=note)
    written = write_changes(changes, out)
    show_head(plans[1].project, said)
    summary = version_summary(changes)
    lines = summary[said].tolist() if len(summary) else [word("cli.nothing_changed", said)]
    show_files([written], said=lines)


def _left_out(lang: str) -> list[str]:
    """Formats that were not written, for their libraries are not installed."""
    lacking = [name for name in FORMATS if name not in usable_formats()]
    return [word("cli.left_out", lang, formats=", ".join(lacking))] if lacking else []


def _planned(given: str, lang: str, *, ranked: bool = False, whole: bool = False) -> Plan:
    project = load_project(given)
    if ranked and (project.idle_buildings is None or not len(project.idle_buildings)):
        raise OptionError(
            f"{given} has no idle buildings to rank: name their file in [inputs], idle_buildings"
        )
    with progress(lang) as tell:
        plan = make_plan(project, steps=None if whole else (), tell=tell)
        tell("writing")
    return plan


def _evaluate(project: Project, out: Path, lang: str, after: str = "") -> None:
    with progress(lang) as tell:
        plan = make_plan(project, steps=(), tell=tell)
        tell("writing")
        written = write_tables(plan, out, lang=lang)
    show_head(project, lang)
    show_ledger(plan, lang)
    if plan.ranking is not None:
        show_sites(plan.ranking, lang)
    services = {service.name: service for service in project.services}
    show_files([], said=choice_lines(plan, Sayer(lang, services)))
    said = [word(after, lang)] if after else []
    unreached = plan.access[plan.access["reason"] != ""]["home_id"].nunique()
    if unreached:
        said.insert(0, word("cli.unreached", lang, count=unreached))
    show_files(written.values(), said=said)


def _minutes(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise OptionError(f"--minutes is {text!r}: give numbers such as 5,10,15") from None
