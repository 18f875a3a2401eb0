"""Beginning a project: from the files a planner has to a project file with comments."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from communityplan.errors import CommunityPlanError, DataError, OptionError, Problem
from communityplan.load.files import read_table
from communityplan.standards import SERVICES, Service
from communityplan.standards import service as find_service
from communityplan.tables import TABLES
from communityplan.wording import service_word, word

__all__ = ["Asked", "Begun", "begin", "project_text"]

Ask = Callable[[str, str], str]
"""Asks a question with a proposed answer; gives the answer."""

REQUIRED = ("communities", "homes", "facilities", "streets")
OPTIONAL = ("idle_buildings", "walls", "gates")
RASTERS = ("elevation",)
USUAL_SERVICES = ("elder_care", "childcare", "canteen")
DATUMS = ("wgs84", "gcj02", "bd09", "cgcs2000")
ENDINGS = (".gpkg", ".geojson", ".shp", ".csv", ".xlsx", ".zip", ".kml", ".json", ".tsv", ".txt")
NO_SYSTEM = (".csv", ".xlsx", ".tsv", ".txt")
"""Endings of files that do not say in which system their coordinates are."""

DEGREES = (*NO_SYSTEM, ".geojson", ".json", ".kml")
"""Endings of files whose coordinates may be in a datum that they do not name."""

INDENT = 46


@dataclass(frozen=True)
class Asked:
    """What is known of a project that is begun.

    Attributes
    ----------
    files : mapping of str to Path
        Files by table.
    name, crs, datum : str
        Empty where they are not known.
    services : tuple of str
    lang : {"zh", "en"}
        Language of the comments.
    """

    files: Mapping[str, Path]
    name: str = ""
    crs: str = ""
    datum: str = ""
    services: tuple[str, ...] = ()
    lang: str = "zh"


@dataclass(frozen=True)
class Begun:
    """A project file that was written.

    Attributes
    ----------
    file : Path
    lacking : tuple of str
        Required tables that still have no file; ``crs`` where the system is not known.
    notes : tuple of str
        What could not be read yet.
    """

    file: Path
    lacking: tuple[str, ...]
    notes: tuple[str, ...]


def begin(folder: Path, asked: Asked, *, ask: Ask | None = None, force: bool = False) -> Begun:
    """Write a project file with comments.

    Parameters
    ----------
    folder : Path
        Made where it is not there. Files in it that are called as the tables, such as
        ``homes.csv``, are found.
    asked : Asked
    ask : callable, optional
        Asks for what is not known; nothing is asked unless given.
    force : bool
        Whether a project file that is there is replaced.

    Returns
    -------
    Begun

    Raises
    ------
    OptionError
        For files that are not there, services or a datum that are not known, or a project file
        that is there already.
    DataError
        Where the folder cannot be written.
    """
    target = folder / "project.toml"
    if target.exists() and not force:
        raise OptionError(f"{target} is there already; --force replaces it")
    _check(asked)
    known = replace(asked, files={**_found_in(folder), **asked.files})
    known = _completed(known, folder, ask)
    read, notes = _read(known)
    known = _with_crs(known, read, ask)
    lacking = [f"{name}.*" for name in REQUIRED if name not in known.files]
    lacking += [] if known.crs else ["crs"]
    homes = read.get("homes")
    columns = None if homes is None else set(homes.columns)
    _write(project_text(known, folder=folder, home_columns=columns), target)
    return Begun(target, tuple(lacking), tuple(notes))


def _check(asked: Asked) -> None:
    wrong = [f"there is no file {path}" for path in asked.files.values() if not path.is_file()]
    if asked.datum and asked.datum not in DATUMS:
        wrong.append(f"--datum is {asked.datum!r}: give {', '.join(DATUMS)}")
    unknown = [name for name in asked.services if name not in SERVICES]
    if unknown:
        wrong.append(f"no service {', '.join(unknown)}; known are {', '.join(SERVICES)}")
    if wrong:
        raise OptionError("; ".join(wrong))


def _found_in(folder: Path) -> dict[str, Path]:
    """Files that are called as the tables."""
    found = {}
    for name in (*REQUIRED, *OPTIONAL, *RASTERS):
        endings = (".tif", ".tiff") if name in RASTERS else ENDINGS
        there = [folder / f"{name}{end}" for end in endings if (folder / f"{name}{end}").is_file()]
        if there:
            found[name] = there[0]
    return found


def _completed(asked: Asked, folder: Path, ask: Ask | None) -> Asked:
    """What a person at the terminal adds."""
    name = asked.name or folder.resolve().name
    if ask is None:
        return replace(asked, name=name, services=asked.services or USUAL_SERVICES)
    lang, given = asked.lang, dict(asked.files)
    name = asked.name or ask(word("cli.ask_name", lang), name)
    for table in (*REQUIRED, *OPTIONAL, *RASTERS):
        if table not in given:
            key = "ask_file" if table in REQUIRED else "ask_file_optional"
            called = word(f"report.input_{table}", lang)
            path = _ask_file(ask, word(f"cli.{key}", lang, table=called), lang)
            given |= {} if path is None else {table: path}
    datum = asked.datum
    if not datum and any(path.suffix.lower() in NO_SYSTEM for path in given.values()):
        datum = _ask_one(ask, word("cli.ask_datum", lang), DATUMS, "")
    services = asked.services
    if not services:
        proposed = ", ".join(USUAL_SERVICES)
        said = ask(word("cli.ask_services", lang, known=", ".join(SERVICES)), proposed)
        named = [part.strip() for part in said.replace("，", ",").split(",")]
        services = tuple(name for name in named if name in SERVICES) or USUAL_SERVICES
    return replace(asked, files=given, name=name, datum=datum, services=services)


def _ask_file(ask: Ask, question: str, lang: str) -> Path | None:
    """A file that is there, or none where the answer is empty."""
    said = question
    while answer := ask(said, ""):
        path = Path(answer.strip("\"'"))
        if path.is_file():
            return path
        said = f"{word('cli.ask_no_file', lang, file=answer)} {question}"
    return None


def _ask_one(ask: Ask, question: str, known: Iterable[str], default: str) -> str:
    while answer := ask(question, default):
        if answer in known:
            return answer
    return ""


def _read(asked: Asked) -> tuple[dict[str, Any], list[str]]:
    """Tables that tell the coordinate system and who is counted, as far as they can be read."""
    read: dict[str, Any] = {}
    notes = []
    for name in ("streets", "homes", "communities"):
        if name not in asked.files:
            continue
        try:
            read[name] = read_table(asked.files[name], name, datum=_datum_of(asked, name))
        except DataError as error:
            more = len(error.problems) - 1
            first = str(error.problems[0])
            notes.append(f"{first} (+{more})" if more else first)
        except CommunityPlanError as error:
            notes.append(f"{asked.files[name]}: {error}")
    return read, notes


def _datum_of(asked: Asked, name: str) -> str | None:
    takes_one = asked.files[name].suffix.lower() in DEGREES
    return asked.datum if asked.datum and takes_one else None


def _with_crs(asked: Asked, read: Mapping[str, Any], ask: Ask | None) -> Asked:
    if asked.crs:
        return asked
    crs = next((table.crs.to_string() for table in read.values() if table.crs is not None), "")
    if not crs and ask is not None:
        crs = ask(word("cli.ask_crs", asked.lang), "")
    return replace(asked, crs=crs)


def _write(text: str, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(made).chmod(0o644)
        os.replace(made, target)
    except OSError as error:
        todo = "Choose another folder"
        raise DataError([Problem(str(target), f"cannot be written ({error})", todo)]) from error


def project_text(asked: Asked, *, folder: Path, home_columns: Iterable[str] | None = None) -> str:
    """The text of a project file.

    Parameters
    ----------
    asked : Asked
    folder : Path
        Where it will stand; paths of files start there.
    home_columns : iterable of str, optional
        Columns that the homes have; a service for a group that is not counted is taken for all
        residents, and a comment says so.

    Returns
    -------
    str
    """
    room = files("communityplan.cli")
    text = room.joinpath(f"project_{asked.lang}.toml").read_text(encoding="utf-8")
    services = [find_service(name) for name in asked.services or USUAL_SERVICES]
    known = None if home_columns is None else set(home_columns)
    return Template(text).substitute(
        name=_quoted(asked.name),
        crs=_quoted(asked.crs),
        inputs="\n".join(_inputs(asked, folder)),
        services="[" + ", ".join(_quoted(service.name) for service in services) + "]",
        service_blocks="\n".join(_service(service, known, asked.lang) for service in services),
    )


def _quoted(text: str) -> str:
    """A text as TOML writes it; JSON escapes all but the last control letter."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _inputs(asked: Asked, folder: Path) -> Iterator[str]:
    for name in (*REQUIRED, *OPTIONAL, *RASTERS):
        path = asked.files.get(name)
        if path is not None:
            yield _commented(
                f"{name} = {_entry(asked, name, _relative(path, folder))}", name, asked
            )
        elif name in REQUIRED:
            entry = _entry(asked, name, f"{name}.csv" if name == "homes" else f"{name}.geojson")
            yield _commented(f"{name} = {entry}", name, asked, key="cli.new_to_fill")
        else:
            ending = "tif" if name in RASTERS else "geojson"
            yield _commented(f'# {name} = "{name}.{ending}"', name, asked)


def _entry(asked: Asked, name: str, path: str) -> str:
    takes_datum = asked.datum and name not in RASTERS
    if takes_datum and Path(path).suffix.lower() in DEGREES:
        return f"{{ path = {_quoted(path)}, datum = {_quoted(asked.datum)} }}"
    return _quoted(path)


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        # another drive
        return path.resolve().as_posix()


def _commented(line: str, name: str, asked: Asked, *, key: str = "") -> str:
    """A line with what the table is and which columns it has to have."""
    said = word(f"report.input_{name}", asked.lang)
    if name in TABLES and TABLES[name].required:
        columns = ", ".join(TABLES[name].required)
        said += word("cli.new_columns", asked.lang, columns=columns)
    if key:
        said = word(key, asked.lang) + said
    return f"{line + '  ':<{INDENT}}# {said}"


def _service(service: Service, columns: set[str] | None, lang: str) -> str:
    """The section of a service, with the source of its figures."""
    counted = columns is None or service.group in columns
    group = f'group = "{service.group if counted else "residents"}"'
    if not counted:
        group = f"{group:<{INDENT}}# {word('cli.new_no_group', lang, group=service.group)}"
    mark = word(f"report.verified_{'yes' if service.verified else 'no'}", lang)
    limit = f"within_min = {service.within_min:g}"
    return "\n".join(
        [
            f"{f'[services.{service.name}]':<{INDENT}}# {service_word(service, lang)}",
            group,
            f'walker = "{service.walker}"',
            f"{limit:<{INDENT}}# {mark}: {service.source}",
            f"min_floor_area_m2 = {service.min_floor_area_m2:g}",
            "",
        ]
    )
