"""Tables and maps of a plan -> files that can be handed over."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from communityplan import maps
from communityplan.errors import MissingLibraryError, OptionError
from communityplan.plan import Plan
from communityplan.plan.shown import before_after_map, plan_map
from communityplan.report.document import Document
from communityplan.report.facts import Facts, gather
from communityplan.report.folder import handed_over
from communityplan.report.layers import write_layers
from communityplan.report.page import write_page
from communityplan.report.paper import write_paper
from communityplan.report.pictures import draw_pictures
from communityplan.report.plain import neutral, write_csv
from communityplan.report.sections import compose
from communityplan.report.workbook import write_workbook
from communityplan.wording import LANGUAGES

__all__ = [
    "FORMATS",
    "neutral",
    "plan_map",
    "usable_formats",
    "write",
    "write_changes",
    "write_ranking",
    "write_tables",
]

FORMATS = ("html", "xlsx", "docx", "gpkg", "csv", "map")
"""What a report can be written as."""

USUAL_FORMATS = ("html", "xlsx", "docx", "gpkg", "csv")
OFFICE = {"xlsx": "xlsxwriter", "docx": "docx"}
CSV_TABLES = (
    "totals",
    "ledger",
    "status_counts",
    "missing",
    "checkup",
    "ranking",
    "chosen",
    "budget",
    "openings",
    "joint_units",
    "unit_plans",
    "effects",
    "effect_totals",
    "prongs",
    "menu",
    "phases",
    "funding",
    "rules_kept",
    "returns",
    "cash",
    "amounts_missing",
    "consent",
    "consent_buildings",
    "indicators",
    "homes",
)


def usable_formats() -> tuple[str, ...]:
    """The formats whose libraries are installed.

    Returns
    -------
    tuple of str
        Of `FORMATS`: all but ``xlsx`` and ``docx`` where the extra ``office`` is missing.
    """
    return tuple(name for name in FORMATS if name not in OFFICE or find_spec(OFFICE[name]))


def write(
    plan: Plan,
    folder: str | Path,
    *,
    lang: str = "zh",
    formats: Sequence[str] = USUAL_FORMATS,
) -> dict[str, Path]:
    """Write the report of a plan in several formats, all of them or none.

    Parameters
    ----------
    plan : Plan
    folder : str or Path
        Made where it is not there; files of the same names in it are replaced.
    lang : {"zh", "en"}
        Language of everything that people read.
    formats : sequence of {"html", "xlsx", "docx", "gpkg", "csv", "map"}
        ``report.html`` (one file, needs no network, prints on A4), ``report.xlsx``,
        ``report.docx``, ``tables.gpkg`` (with styles for QGIS), one CSV for each table, and
        ``map.html`` with, where the plan changes who is served, ``before_after.html``.

    Returns
    -------
    dict of str to Path
        By name of the file.

    Raises
    ------
    OptionError
        For a format or a language that is not known.
    MissingLibraryError
        For ``xlsx`` or ``docx`` without the extra ``office``.
    DataError
        Where the folder cannot be written.

    Notes
    -----
    Every format is written from the same tables. Charts are drawn with matplotlib where it is
    installed; where it is not, the report says so.

    Examples
    --------
    >>> import tempfile
    >>> import communityplan as cp
    >>> from communityplan import report
    >>> plan = cp.make_plan(cp.load_project("demo"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sorted(report.write(plan, folder, lang="en", formats=["csv"]))[:2]
    ['budget.csv', 'cash.csv']
    """
    _check(lang, formats)
    given = {formats} if isinstance(formats, str) else set(formats)
    facts = gather(plan, lang=lang, with_network=bool(given & {"html", "xlsx", "docx"}))
    names = _names(facts, given)
    written = _document(facts, names) if given & {"html", "docx"} else None
    return _write_files(names, folder, facts, written)


def write_tables(plan: Plan, folder: str | Path, *, lang: str = "zh") -> dict[str, Path]:
    """Write the map and the tables of a plan, all of them or none.

    Parameters
    ----------
    plan : Plan
    folder : str or Path
        Made where it is not there; files of the same names in it are replaced.
    lang : {"zh", "en"}
        Language of the map.

    Returns
    -------
    dict of str to Path
        ``map.html``, ``tables.gpkg``, ``ledger.csv`` and, with idle buildings, ``ranking.csv``.

    Raises
    ------
    DataError
        Where the folder cannot be written.
    """
    facts = gather(plan, lang=lang, with_network=False)
    names = ["ledger.csv", "map.html", *(["ranking.csv"] if plan.ranking is not None else [])]
    names.append("tables.gpkg")
    return _write_files(names, folder, facts)


def write_ranking(plan: Plan, folder: str | Path, *, lang: str = "zh") -> dict[str, Path]:
    """Write the ranking of the idle buildings as CSV.

    Parameters
    ----------
    plan : Plan
    folder : str or Path
    lang : {"zh", "en"}
        Language of what is said of each building.

    Returns
    -------
    dict of str to Path
        ``ranking.csv``.

    Raises
    ------
    OptionError
        Where the plan has no ranking.
    DataError
        Where the folder cannot be written.
    """
    if plan.ranking is None:
        raise OptionError("the plan has no idle buildings, so there is no ranking to write")
    facts = gather(plan, lang=lang, with_network=False)
    return _write_files(["ranking.csv"], folder, facts)


def write_changes(changes: pd.DataFrame, folder: str | Path) -> Path:
    """Write what changed between two versions of a plan as CSV.

    Parameters
    ----------
    changes : DataFrame
        As from `compare_versions`.
    folder : str or Path

    Returns
    -------
    Path
        ``changes.csv``.

    Raises
    ------
    DataError
        Where the folder cannot be written.
    """
    with handed_over(folder) as made:
        write_csv(changes, made / "changes.csv")
    return Path(folder) / "changes.csv"


def _check(lang: str, formats: Sequence[str]) -> None:
    if lang not in LANGUAGES:
        raise OptionError(f"lang is {lang!r}; known are {', '.join(LANGUAGES)}")
    given = [formats] if isinstance(formats, str) else list(formats)
    unknown = [name for name in given if name not in FORMATS]
    if unknown or not given:
        named = ", ".join(unknown) or "none"
        raise OptionError(f"formats: {named}; known are {', '.join(FORMATS)}")
    lacking = [name for name in given if name in OFFICE and find_spec(OFFICE[name]) is None]
    if lacking:
        others = ", ".join(name for name in FORMATS if name not in OFFICE)
        raise MissingLibraryError(
            f"writing {' and '.join(lacking)} needs a library: pip install "
            f"'communityplan[office]', or choose among the formats {others}"
        )


def _names(facts: Facts, given: set[str]) -> list[str]:
    """The files to write."""
    fixed = {"gpkg": "tables.gpkg", "map": "map.html"}
    names = [fixed.get(name, f"report.{name}") for name in FORMATS if name in given - {"csv"}]
    if "map" in given and facts.plan.after is not None:
        names.append("before_after.html")
    if "csv" in given:
        names += [f"{name}.csv" for name in CSV_TABLES if name in facts.tables]
    return sorted(names)


def _document(facts: Facts, names: Sequence[str]) -> Document:
    pictures, lacking = draw_pictures(facts)
    return compose(facts, pictures=pictures, lacking=lacking, files=names)


def _write_files(
    names: Sequence[str], folder: str | Path, facts: Facts, written: Document | None = None
) -> dict[str, Path]:
    """Every file, or none."""
    with handed_over(folder) as made:
        for name in names:
            _write_one(name, made, facts, written)
    return {name: Path(folder) / name for name in names}


def _write_one(name: str, made: Path, facts: Facts, written: Document | None) -> None:
    file = made / name
    if name == "map.html":
        maps.save_offline(plan_map(facts.plan, lang=facts.say.lang), file)
    elif name == "before_after.html":
        maps.save_offline(before_after_map(facts.plan, lang=facts.say.lang), file)
    elif name == "tables.gpkg":
        write_layers(facts, file)
    elif name == "report.xlsx":
        write_workbook(facts, file)
    elif name.endswith(".csv"):
        write_csv(_marked(facts, file.stem), file)
    elif written is not None:
        {".html": write_page, ".docx": write_paper}[file.suffix](written, file)


def _marked(facts: Facts, name: str) -> pd.DataFrame:
    """A table that says of every row whether its data are made up."""
    table = facts.tables[name]
    return table.assign(synthetic=True) if facts.plan.project.synthetic else table
