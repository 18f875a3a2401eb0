"""What a project file may say, and everything that is wrong with one."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
from pyproj import CRS
from pyproj.exceptions import CRSError

from communityplan.errors import DataError, Problem
from communityplan.standards import Service

__all__ = [
    "BY_NAME",
    "KEYS",
    "OPTIONAL_TABLES",
    "PAPERS",
    "RASTERS",
    "REQUIRED_TABLES",
    "STEPS",
    "TABLE_KEYS",
    "metric_crs",
    "read_toml",
    "strangers",
    "unknown_keys",
    "value_problems",
]

Told = tuple[str, str, str]
"""Section, what was found, what to do."""

REQUIRED_TABLES = ("communities", "homes", "facilities", "streets")
OPTIONAL_TABLES = ("idle_buildings", "walls", "gates")
RASTERS = ("elevation", "population")
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+:[\\/]|[\\/]{2}|[\\/]vsi")
"""An address on the network, a share of another machine, or a virtual path of a reader."""

TABLE_KEYS = {"path", "datum", "columns", "encoding", "layer", "sheet"}
STEPS: dict[str, set[str]] = {
    "openings": {"k", "within_m", "every_m", "apart_m", "services", "kinds"},
    "units": {"size", "group", "walker", "adjoin_min", "touch_m"},
    "menu": {"items", "preferences", "budget_yuan", "required", "refused", "by"},
    "consent": {"owners", "votes", "gates", "deadline", "repeated", "closed", "total_area_m2"},
    "funding": {"sources", "rules"},
    "operation": {"prices", "years", "rate"},
    "indicators": {"table"},
    "prongs": {"rule"},
}
"""What a plan may be asked beyond the circles: sections of a project file, and their keys."""

PAPERS = (
    ("menu", "items"),
    ("menu", "preferences"),
    ("consent", "owners"),
    ("consent", "votes"),
    ("funding", "sources"),
    ("funding", "rules"),
    ("operation", "prices"),
    ("indicators", "table"),
    ("prongs", "rule"),
)
"""Keys of these sections that name a file."""

BY_NAME = (("menu", "items"), ("prongs", "rule"))
"""Of these, those that may also name a list that the package holds."""

AMOUNTS = {
    "gate_within_m": "metres",
    "attach_within_m": "metres",
    "join_gaps_m": "metres",
    "within_m": "metres",
    "every_m": "metres",
    "apart_m": "metres",
    "touch_m": "metres",
    "adjoin_min": "minutes",
    "budget_yuan": "yuan",
    "k": "a number of places",
    "years": "years",
    "rate": "a fraction",
}
"""Keys that hold amounts, and what of."""

KEYS: dict[str, set[str] | None] = {
    "project": {"name", "name_en", "note", "note_en", "synthetic", "crs"},
    "inputs": {*REQUIRED_TABLES, *OPTIONAL_TABLES, *RASTERS},
    "network": {"enclosed", "untagged_gates", "gate_within_m", "attach_within_m", "at"},
    "repair": {"join_gaps_m", "node_crossings", "drop_duplicates"},
    "population": {"kind", "elderly", "children", "move_within_m", "band"},
    "evaluate": {"minutes", "services"},
    "checkup": {"standards", "surveyed"},
    "services": None,
    "ranking": {"services", "weights", "budget_yuan"},
    **STEPS,
}


def read_toml(file: Path) -> dict[str, Any]:
    """The content of a project file, or one error that says why it cannot be read."""
    try:
        asked = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        todo = "Give the path of a project file; 'communityplan demo' shows one"
        raise DataError([Problem(str(file), "there is no such file", todo)]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise DataError(
            [Problem(str(file), f"cannot be read ({error})", "Mend the file")]
        ) from None
    # before anything is looked at: to ask whether a file is there reaches a server already
    if remote := [
        Problem(f"{file}, {where}", f"{text!r} is not on this machine", "Name a copy of it here")
        for section in ("inputs", "population", "checkup", *STEPS)
        for where, text in _texts(asked.get(section), f"[{section}]")
        if _REMOTE.match(text)
    ]:
        raise DataError(remote)
    return asked


def _texts(given: Any, where: str) -> Iterator[tuple[str, str]]:
    """Every text in a part of a project file, and where it stands."""
    if isinstance(given, str):
        yield where, given
    named = given.items() if isinstance(given, Mapping) else ()
    for name, part in enumerate(given, 1) if isinstance(given, list) else named:
        yield from _texts(part, f"{where}, {name}")


def unknown_keys(asked: Mapping[str, Any], file: Path) -> list[Problem]:
    """Sections and keys that no project file has, and inputs that every one needs."""
    problems = strangers(asked, set(KEYS), str(file))
    for section, known in KEYS.items():
        if section in asked and not isinstance(asked[section], Mapping):
            problems.append(Problem(f"{file}, {section}", "is not a table", f"Write [{section}]"))
        elif known is not None:
            problems += strangers(asked.get(section, {}), known, f"{file}, [{section}]")
    for name in REQUIRED_TABLES:
        if name not in asked.get("inputs", {}):
            todo = f'Name the file with {name} = "..."'
            problems.append(Problem(f"{file}, [inputs]", f"no {name}", todo))
    return problems


def strangers(found: Mapping[str, Any], known: set[str], where: str) -> list[Problem]:
    """Keys that are not known, with the nearest one that is."""
    problems = []
    for key in found:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            todo = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(sorted(known))}"
            problems.append(Problem(where, f"unknown key {key!r}", todo))
    return problems


def metric_crs(asked: Mapping[str, Any], file: Path) -> tuple[Any, list[Problem]]:
    """The coordinate system in metres that the project names."""
    named = asked.get("project", {}).get("crs")
    where = f"{file}, [project]"
    if named is None:
        return None, [Problem(where, "no crs", 'Name a metric one, such as "EPSG:4548"')]
    try:
        crs = CRS.from_user_input(named)
    except CRSError:
        return None, [Problem(where, f"crs {named!r} is not known", 'Give a code as "EPSG:4548"')]
    if not crs.is_projected or crs.axis_info[0].unit_name != "metre":
        return None, [Problem(where, f"crs {named!r} is not in metres", "Give a projected one")]
    return crs, []


def value_problems(
    asked: Mapping[str, Any],
    file: Path,
    tables: Mapping[str, gpd.GeoDataFrame],
    services: tuple[Service, ...],
) -> list[Problem]:
    """Values that later steps would stumble over one by one."""
    told = [
        *_evaluate_problems(asked, tables, services),
        *_ranking_problems(asked.get("ranking", {}), {service.name for service in services}),
        *_amount_problems(asked),
    ]
    return [Problem(f"{file}, [{section}]", found, todo) for section, found, todo in told]


def _evaluate_problems(
    asked: Mapping[str, Any],
    tables: Mapping[str, gpd.GeoDataFrame],
    services: tuple[Service, ...],
) -> Iterator[Told]:
    minutes = asked.get("evaluate", {}).get("minutes", [5, 10, 15])
    if not isinstance(minutes, list) or not minutes or not all(map(_is_amount, minutes)):
        yield "evaluate", f"minutes is {minutes!r}", "Give minutes such as [5, 10, 15]"
    for service in services:
        for key in ("within_min", "min_floor_area_m2"):
            if not _is_amount(getattr(service, key)):
                found = f"{key} is {getattr(service, key)!r}"
                yield f"services.{service.name}", found, "Give a number, 0 or more"
        if service.group not in tables["homes"].columns:
            columns = ", ".join(map(str, tables["homes"].columns))
            todo = f"The columns of homes are {columns}"
            yield f"services.{service.name}", f"no group {service.group!r}", todo


def _ranking_problems(ranking: Mapping[str, Any], known: set[str]) -> Iterator[Told]:
    budget = ranking.get("budget_yuan", 0)
    by_year = budget if isinstance(budget, Mapping) else {"2026": budget}
    if not all(map(_is_amount, by_year.values())) or not all(map(str.isdigit, by_year)):
        todo = "Give yuan, 0 or more, or yuan by year such as { 2026 = 1_000_000 }"
        yield "ranking", f"budget_yuan is {budget!r}", todo
    for name, weight in dict(ranking.get("weights", {})).items():
        if name not in known or not _is_amount(weight):
            todo = f"Give numbers, 0 or more, for {', '.join(sorted(known))}"
            yield "ranking.weights", f"weight {name} = {weight!r}", todo
    for name in ranking.get("services", []):
        if name not in known:
            yield "ranking", f"no service {name!r}", f"Evaluated are {', '.join(sorted(known))}"


def _amount_problems(asked: Mapping[str, Any]) -> Iterator[Told]:
    for section in ("network", "repair", *STEPS):
        for key, unit in AMOUNTS.items():
            value = asked.get(section, {}).get(key, 0)
            if not _is_amount(value):
                yield section, f"{key} is {value!r}", f"Give {unit}, 0 or more"


def _is_amount(value: Any) -> bool:
    """Whether something is a finite number that is not negative."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 <= value < float("inf")
