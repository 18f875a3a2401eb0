"""Whether everything that is needed is installed and works."""

from __future__ import annotations

import locale
import os
import platform
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from rich.table import Table

from communityplan.cli.shown import TABLE_STYLE, new_console, show_files
from communityplan.errors import CommunityPlanError
from communityplan.maps.fonts import find_chinese_font
from communityplan.project import load_project
from communityplan.wording import word

__all__ = ["Check", "checks", "show_checks"]

State = Literal["ok", "optional", "wrong"]

OLDEST_PYTHON = (3, 11)
# what has compiled parts that may be there and yet not load
COMPILED = ("shapely", "pyproj", "pyogrio", "scipy", "numba", "rasterio", "osmium", "highspy")
EXTRAS = {
    "office": ("xlsxwriter", "docx"),
    "excel": ("openpyxl",),
    "parquet": ("pyarrow",),
    "batch": ("pyarrow", "filelock"),
    "dask": ("distributed",),
}
"""Modules that parts of the package need, by the extra that brings them."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    key : str
        Key of what it is called.
    state : {"ok", "optional", "wrong"}
        Optional: something is not installed that nobody needs for the main job.
    found : str
    todo : str
        What to do; empty where all is well.
    """

    key: str
    state: State
    found: str
    todo: str = ""


def checks(out: Path) -> list[Check]:
    """Look at the installation.

    Parameters
    ----------
    out : Path
        Folder that results would be written to.

    Returns
    -------
    list of Check
    """
    return [
        _python(),
        *_libraries(),
        *_compiled(),
        *_extras(),
        _font(),
        _letters(),
        _writing(out),
        _demo(),
    ]


def show_checks(found: Iterable[Check], lang: str) -> int:
    """Show what was found; the exit code is 2 where something is wrong.

    Parameters
    ----------
    found : iterable of Check
    lang : {"zh", "en"}

    Returns
    -------
    int
    """
    table = Table(title=word("cli.doctor_title", lang), **TABLE_STYLE)
    for _ in range(3):
        table.add_column(overflow="fold")
    listed = list(found)
    for check in listed:
        style = {"ok": "green", "optional": "yellow", "wrong": "bold red"}[check.state]
        said = check.found + (f" - {check.todo}" if check.todo else "")
        state = word(f"cli.doctor_{check.state}", lang)
        # brackets in a path or a message are no markup
        table.add_row(
            f"[{style}]{state}[/{style}]",
            word(f"cli.doctor_{check.key}", lang),
            said.replace("[", "\\["),
        )
    table.show_header = False
    new_console().print(table)
    wrong = any(check.state == "wrong" for check in listed)
    key = "cli.doctor_has_faults" if wrong else "cli.doctor_is_well"
    show_files([], said=[word(key, lang), word("cli.doctor_browser", lang)])
    return 2 if wrong else 0


def _python() -> Check:
    found = f"{platform.python_version()} ({platform.system()} {platform.machine()})"
    if sys.version_info < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        return Check("python", "wrong", found, f"install Python {oldest} or newer")
    return Check("python", "ok", found)


def _libraries() -> Iterator[Check]:
    """What has to be installed, as the package itself says."""
    from packaging.requirements import Requirement

    needed = [Requirement(line) for line in requires("communityplan") or ()]
    core = [one for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    lacking, old = [], []
    for one in core:
        try:
            there = version(one.name)
        except PackageNotFoundError:
            lacking.append(str(one))
            continue
        if not one.specifier.contains(there, prereleases=True):
            old.append(f"{one.name} {there}")
    found = f"communityplan {version('communityplan')}, {len(core) - len(lacking)} / {len(core)}"
    if lacking or old:
        wanted = " ".join(f"'{one}'" for one in core if _concerns(str(one), [*lacking, *old]))
        yield Check("libraries", "wrong", ", ".join([*lacking, *old]), f"pip install -U {wanted}")
    else:
        yield Check("libraries", "ok", found)


def _concerns(requirement: str, faults: list[str]) -> bool:
    return any(fault == requirement or requirement.startswith(fault.split()[0]) for fault in faults)


def _compiled() -> Iterator[Check]:
    """Compiled parts, each loaded once."""
    failed = []
    for name in COMPILED:
        if find_spec(name) is None:
            continue
        try:
            import_module(name)
        except Exception as error:
            # whatever a compiled part raises when it does not fit the system
            failed.append(f"{name}: {error!r}")
    if failed:
        names = " ".join(fault.split(":")[0] for fault in failed)
        todo = f"pip install --force-reinstall {names}"
        yield Check("compiled", "wrong", "; ".join(failed), todo)
    else:
        yield Check("compiled", "ok", ", ".join(name for name in COMPILED if find_spec(name)))


def _extras() -> Iterator[Check]:
    for extra, modules in EXTRAS.items():
        lacking = [name for name in modules if find_spec(name) is None]
        key = f"extra_{extra}"
        if lacking:
            todo = f"pip install 'communityplan[{extra}]'"
            yield Check(key, "optional", f"- {', '.join(lacking)}", todo)
        else:
            yield Check(key, "ok", ", ".join(modules))


def _font() -> Check:
    if find_spec("matplotlib") is None:
        return Check("font", "optional", "- matplotlib", "pip install 'communityplan[plots]'")
    font = find_chinese_font()
    if font is None:
        todo = "install a font such as Noto Sans CJK SC, or pip install zhplot"
        return Check("font", "optional", "-", todo)
    return Check("font", "ok", font)


def _letters() -> Check:
    """Whether the terminal can show Chinese."""
    encoding = sys.stdout.encoding or locale.getpreferredencoding(do_setlocale=False)
    try:
        "小区".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return Check("letters", "optional", encoding, "set PYTHONUTF8=1, or use --lang en")
    return Check("letters", "ok", encoding)


def _writing(out: Path) -> Check:
    """Whether results could be written; nothing stays behind."""
    place = next((one for one in (out, *out.absolute().parents) if one.is_dir()), Path())
    try:
        handle, name = tempfile.mkstemp(dir=place)
        os.close(handle)
        Path(name).unlink()
    except OSError as error:
        return Check("writing", "wrong", f"{out}: {error}", "choose another folder with --out")
    if out.exists() and not out.is_dir():
        return Check("writing", "wrong", f"{out} is a file", "choose another folder with --out")
    return Check("writing", "ok", str(out.absolute()))


def _demo() -> Check:
    try:
        project = load_project("demo")
        network = project.network()
    except (CommunityPlanError, OSError) as error:
        todo = "pip install --force-reinstall communityplan"
        return Check("demo", "wrong", str(error), todo)
    return Check("demo", "ok", f"{len(project.homes)} homes, {network!r}")
