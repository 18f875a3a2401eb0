"""A project file -> checked tables in one metric coordinate system, and what is asked of them."""

from __future__ import annotations

import difflib
import tomllib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import geopandas as gpd
from pyproj import CRS
from pyproj.exceptions import CRSError

from communityplan.coordinates import fits_better, guess_datum
from communityplan.errors import DataError, OptionError, Problem
from communityplan.load.files import read_table
from communityplan.network import WalkNetwork
from communityplan.standards import SERVICES, WALKERS, Service
from communityplan.tables import TABLES, find_problems

__all__ = ["Project", "demo_folder", "load_project"]

REQUIRED_TABLES = ("communities", "homes", "facilities", "streets")
OPTIONAL_TABLES = ("idle_buildings", "walls", "gates")
RASTERS = ("elevation", "population")
KEYS = {
    "project": {"name", "name_en", "note", "note_en", "synthetic", "crs"},
    "inputs": {*REQUIRED_TABLES, *OPTIONAL_TABLES, *RASTERS},
    "network": {
        "enclosed",
        "untagged_gates",
        "gate_within_m",
        "attach_within_m",
        "at",
    },
    "evaluate": {"minutes", "services"},
    "checkup": {"standards", "surveyed"},
    "services": None,
    "ranking": {"services", "weights", "budget_yuan"},
}
SERVICE_KEYS = {"group", "walker", "within_min", "min_floor_area_m2", "zh", "en", "source"}
TABLE_KEYS = {"path", "datum", "columns", "encoding", "layer", "sheet"}


@dataclass(frozen=True)
class Project:
    """What is known of a district, and what is asked about it.

    Attributes
    ----------
    name, name_en : str
        What the district is called.
    note, note_en : str
        What a reader has to know of the data.
    synthetic : bool
        Whether the data are made up.
    communities, homes, facilities, streets : GeoDataFrame
        The tables, checked, in one coordinate system in metres.
    idle_buildings, walls, gates : GeoDataFrame or None
    elevation, population : Path or None
        Rasters.
    services : tuple of Service
        What is evaluated, with group, walker and limit.
    minutes : tuple of float
        The limits of the circles [min].
    ranked : tuple of str
        Services that idle buildings are ranked for.
    weights : mapping of str to float
        Weight of a person served, by service.
    budget_yuan : float or None
    standards : tuple of str
        Standards of the check-up: names, or paths of local files; none for no check-up.
    surveyed : tuple of str
        Services whose facilities were surveyed, so that one without any is missing, not unknown.
    network_options : mapping of str to object
        Options of `WalkNetwork.from_streets`.
    from_osm : bool
        Whether the data are OpenStreetMap's, which has to be named.
    source : str
        Where it was read from.
    """

    name: str
    communities: gpd.GeoDataFrame
    homes: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    streets: gpd.GeoDataFrame
    services: tuple[Service, ...]
    idle_buildings: gpd.GeoDataFrame | None = None
    walls: gpd.GeoDataFrame | None = None
    gates: gpd.GeoDataFrame | None = None
    elevation: Path | None = None
    population: Path | None = None
    minutes: tuple[float, ...] = (5.0, 10.0, 15.0)
    ranked: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    budget_yuan: float | None = None
    standards: tuple[str, ...] = ()
    surveyed: tuple[str, ...] = ()
    network_options: Mapping[str, Any] = field(default_factory=dict)
    name_en: str = ""
    note: str = ""
    note_en: str = ""
    synthetic: bool = False
    from_osm: bool = False
    source: str = ""

    def __repr__(self) -> str:
        name = self.name_en or self.name
        return (
            f"<Project {name}: {len(self.communities)} communities, {len(self.homes)} homes, "
            f"{len(self.facilities)} facilities, {len(self.services)} services>"
        )

    def network(self) -> WalkNetwork:
        """The walking network of the project.

        Returns
        -------
        WalkNetwork
        """
        return WalkNetwork.from_streets(
            self.streets,
            walls=self.walls,
            gates=self.gates,
            communities=self.communities,
            elevation=self.elevation,
            **self.network_options,
        )


def demo_folder() -> Path:
    """Folder of the embedded district, which is synthetic."""
    packaged = Path(str(files("communityplan"))) / "demo"
    if packaged.is_dir():
        return packaged
    # a checkout keeps the data at its root
    return Path(__file__).parents[3] / "data" / "demo"


def load_project(path: str | Path) -> Project:
    """Read a project file and every table it names.

    Parameters
    ----------
    path : str or Path
        A project file (TOML), a folder that holds ``project.toml``, or ``"demo"`` for the
        embedded synthetic district.

    Returns
    -------
    Project

    Raises
    ------
    DataError
        Lists everything wrong with the file and its tables.

    Examples
    --------
    >>> import communityplan as cp
    >>> project = cp.load_project("demo")
    >>> project.synthetic, project.homes.crs.to_epsg()
    (True, 4548)
    """
    file = demo_folder() if str(path) == "demo" else Path(path)
    if file.is_dir():
        file = file / "project.toml"
    asked = _read_toml(file)
    problems = _unknown_keys(asked, file)
    crs, more = _crs(asked, file)
    problems += more
    tables, rasters, more = _inputs(asked.get("inputs", {}), file, crs)
    problems += more
    services, more = _services(asked, file)
    problems += more
    problems += _members(tables)
    if not problems:
        problems += _value_problems(asked, file, tables, services)
    if problems:
        raise DataError(problems)
    _warn_of_datums(tables, asked.get("inputs", {}))
    about, ranking = asked.get("project", {}), asked.get("ranking", {})
    minutes = tuple(float(limit) for limit in asked.get("evaluate", {}).get("minutes", (5, 10, 15)))
    return Project(
        name=str(about.get("name", file.parent.name)),
        name_en=str(about.get("name_en", "")),
        note=str(about.get("note", "")),
        note_en=str(about.get("note_en", "")),
        synthetic=bool(about.get("synthetic", False)),
        services=services,
        minutes=minutes,
        ranked=tuple(ranking.get("services", [service.name for service in services])),
        weights=dict(ranking.get("weights", {})),
        budget_yuan=ranking.get("budget_yuan"),
        standards=_standards(asked, file),
        surveyed=tuple(asked.get("checkup", {}).get("surveyed", ())),
        network_options=dict(asked.get("network", {})),
        source=file.name if str(path) == "demo" else str(file),
        elevation=rasters.get("elevation"),
        population=rasters.get("population"),
        **tables,
    )


def _standards(asked: Mapping[str, Any], file: Path) -> tuple[str, ...]:
    """Names of standards; a local file is named from the project file."""
    named = [str(name) for name in asked.get("checkup", {}).get("standards", ())]
    return tuple(str(file.parent / name) if name.endswith(".toml") else name for name in named)


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        todo = "Give the path of a project file; 'communityplan demo' shows one"
        raise DataError([Problem(str(file), "there is no such file", todo)]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise DataError(
            [Problem(str(file), f"cannot be read ({error})", "Mend the file")]
        ) from None


def _unknown_keys(asked: Mapping[str, Any], file: Path) -> list[Problem]:
    problems = _strangers(asked, set(KEYS), str(file))
    for section, known in KEYS.items():
        if section in asked and not isinstance(asked[section], Mapping):
            problems.append(Problem(f"{file}, {section}", "is not a table", f"Write [{section}]"))
        elif known is not None:
            problems += _strangers(asked.get(section, {}), known, f"{file}, [{section}]")
    for name in REQUIRED_TABLES:
        if name not in asked.get("inputs", {}):
            todo = f'Name the file with {name} = "..."'
            problems.append(Problem(f"{file}, [inputs]", f"no {name}", todo))
    return problems


def _strangers(found: Mapping[str, Any], known: set[str], where: str) -> list[Problem]:
    problems = []
    for key in found:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            todo = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(sorted(known))}"
            problems.append(Problem(where, f"unknown key {key!r}", todo))
    return problems


def _crs(asked: Mapping[str, Any], file: Path) -> tuple[Any, list[Problem]]:
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


def _inputs(
    inputs: Mapping[str, Any], file: Path, crs: Any
) -> tuple[dict[str, Any], dict[str, Path], list[Problem]]:
    """Every table that can be read, and what is wrong with the others."""
    tables: dict[str, Any] = {}
    rasters: dict[str, Path] = {}
    problems: list[Problem] = []
    for name, given in inputs.items():
        options = dict(given) if isinstance(given, Mapping) else {"path": given}
        where = f"{file}, [inputs], {name}"
        problems += _strangers(options, TABLE_KEYS, where)
        if not isinstance(options.get("path"), str):
            found = f"is {given!r}"
            problems.append(Problem(where, found, 'Give a path, or a table with path = "..."'))
            continue
        path = file.parent / options.pop("path")
        if not path.is_file():
            problems.append(Problem(where, f"there is no file {path}", "Mend the path"))
        elif name in RASTERS:
            rasters[name] = path
        elif name in TABLES and crs is not None:
            try:
                tables[name] = read_table(path, name, crs=crs, **options)
            except DataError as error:
                problems += error.problems
            except OptionError as error:
                problems.append(Problem(where, str(error), "Mend the entry"))
    return tables, rasters, problems


def _warn_of_datums(tables: Mapping[str, gpd.GeoDataFrame], inputs: Mapping[str, Any]) -> None:
    """Warn where a table would lie much better on the streets in another datum."""
    for name in ("facilities", "homes", "idle_buildings"):
        if name not in tables or not len(tables[name]):
            continue
        said = fits_better(
            guess_datum(tables[name].to_crs(4326), tables["streets"]), declared="wgs84"
        )
        if said:
            entry = inputs[name]
            given = entry.get("datum", "wgs84") if isinstance(entry, Mapping) else "wgs84"
            warnings.warn(
                f"{name} was read as {given} and brought to wgs84. {said}. Check its datum",
                stacklevel=3,
            )


def _value_problems(
    asked: Mapping[str, Any],
    file: Path,
    tables: Mapping[str, gpd.GeoDataFrame],
    services: tuple[Service, ...],
) -> list[Problem]:
    """Values that later steps would stumble over one by one."""
    told: list[tuple[str, str, str]] = []
    minutes = asked.get("evaluate", {}).get("minutes", [5, 10, 15])
    if not isinstance(minutes, list) or not minutes or not all(map(_is_amount, minutes)):
        told.append(("evaluate", f"minutes is {minutes!r}", "Give minutes such as [5, 10, 15]"))
    for service in services:
        for key in ("within_min", "min_floor_area_m2"):
            if not _is_amount(getattr(service, key)):
                found = f"{key} is {getattr(service, key)!r}"
                told.append((f"services.{service.name}", found, "Give a number, 0 or more"))
        if service.group not in tables["homes"].columns:
            columns = ", ".join(map(str, tables["homes"].columns))
            todo = f"The columns of homes are {columns}"
            told.append((f"services.{service.name}", f"no group {service.group!r}", todo))
    ranking = asked.get("ranking", {})
    budget = ranking.get("budget_yuan", 0)
    if not _is_amount(budget):
        told.append(("ranking", f"budget_yuan is {budget!r}", "Give yuan, 0 or more"))
    known = {service.name for service in services}
    for name, weight in dict(ranking.get("weights", {})).items():
        if name not in known or not _is_amount(weight):
            found = f"weight {name} = {weight!r}"
            todo = f"Give numbers, 0 or more, for {', '.join(sorted(known))}"
            told.append(("ranking.weights", found, todo))
    for name in ranking.get("services", []):
        if name not in known:
            todo = f"Evaluated are {', '.join(sorted(known))}"
            told.append(("ranking", f"no service {name!r}", todo))
    for key in ("gate_within_m", "attach_within_m"):
        value = asked.get("network", {}).get(key, 0)
        if not _is_amount(value):
            told.append(("network", f"{key} is {value!r}", "Give metres, 0 or more"))
    return [Problem(f"{file}, [{section}]", found, todo) for section, found, todo in told]


def _is_amount(value: Any) -> bool:
    """Whether something is a finite number that is not negative."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 <= value < float("inf")


def _services(asked: Mapping[str, Any], file: Path) -> tuple[tuple[Service, ...], list[Problem]]:
    own = asked.get("services", {})
    names = asked.get("evaluate", {}).get("services", list(own) or list(SERVICES))
    problems, services = [], []
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        found = f"services is {names!r}"
        return (), [Problem(f"{file}, [evaluate]", found, 'Give a list such as ["canteen"]')]
    for name in dict.fromkeys([*names, *own]):
        facts = own.get(name, {})
        if name not in SERVICES and name not in own:
            near = difflib.get_close_matches(name, [*SERVICES, *own], n=1)
            todo = f"Did you mean {near[0]}?" if near else f"Describe it under [services.{name}]"
            problems.append(Problem(f"{file}, [evaluate]", f"no service {name!r}", todo))
        problems += _strangers(facts, SERVICE_KEYS, f"{file}, [services.{name}]")
        walker = facts.get("walker", "adult")
        if walker not in WALKERS:
            todo = f"Known are {', '.join(WALKERS)}"
            problems.append(Problem(f"{file}, [services.{name}]", f"no walker {walker!r}", todo))
        services.append(_service(name, {k: v for k, v in facts.items() if k in SERVICE_KEYS}))
    return tuple(services), problems


def _service(name: str, facts: Mapping[str, Any]) -> Service:
    """The service of the catalogue with what the project says otherwise."""
    known = SERVICES.get(name, Service(name=name, zh=name, en=name))
    changed = {key: value for key, value in facts.items() if getattr(known, key) != value}
    if not changed:
        return known
    base = {key: getattr(known, key) for key in SERVICE_KEYS | {"verified"}}
    source = changed.get("source", "given by the project")
    limits = {"within_min", "min_floor_area_m2"} & set(changed)
    own = {"source": source, "verified": False} if limits else {}
    return Service(name=name, **{**base, **changed, **own})


def _members(tables: Mapping[str, gpd.GeoDataFrame]) -> list[Problem]:
    """Homes of communities that are not there."""
    if "homes" not in tables or "communities" not in tables:
        return []
    if find_problems(tables["communities"], TABLES["communities"]):
        return []
    known = set(tables["communities"]["community_id"].map(str))
    named = tables["homes"]["community_id"].map(str)
    return [
        Problem(
            f"homes, row {row + 1}",
            f"community_id {name!r} is not in communities",
            "Add the community, or mend the key",
        )
        for row, name in enumerate(named)
        if name not in known and name != "-"
    ]
