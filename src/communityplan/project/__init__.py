"""A project file -> checked tables in one metric coordinate system, and what is asked of them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import geopandas as gpd

from communityplan.coordinates import fits_better, guess_datum
from communityplan.errors import DataError, OptionError, Problem
from communityplan.load.files import read_table
from communityplan.network import WalkNetwork
from communityplan.project.file import (
    BY_NAME,
    PAPERS,
    RASTERS,
    STEPS,
    TABLE_KEYS,
    metric_crs,
    read_toml,
    strangers,
    unknown_keys,
    value_problems,
)
from communityplan.project.services import asked_services
from communityplan.standards import Service
from communityplan.tables import HOMES, TABLES, Table, find_problems

__all__ = ["Project", "demo_folder", "load_project"]

RASTER_KEYS = {"elevation": {"path", "z_unit", "band"}, "population": {"path"}}
_PEOPLE_TO_COME = replace(
    HOMES,
    required={name: column for name, column in HOMES.required.items() if name != "residents"},
    optional={"residents": HOMES.required["residents"], **HOMES.optional},
)
"""Homes before they have people."""


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
    elevation : Path, Elevation or None
        Heights of the ground.
    population : Path or None
        Raster of people, which are spread over the homes where `[population]` asks for it.
    services : tuple of Service
        What is evaluated, with group, walker and limit.
    minutes : tuple of float
        The limits of the circles [min].
    ranked : tuple of str
        Services that idle buildings are ranked for.
    weights : mapping of str to float
        Weight of a person served, by service.
    budget_yuan : float, mapping of int to float, or None
        Money, in all or by year [yuan].
    standards : tuple of str
        Standards of the check-up: names, or paths of local files; none for no check-up.
    surveyed : tuple of str
        Services whose facilities were surveyed, so that one without any is missing, not unknown.
    network_options : mapping of str to object
        Options of `WalkNetwork.from_streets`.
    steps : mapping of str to mapping
        What a plan is asked beyond the circles: sections ``openings``, ``units``, ``menu``,
        ``consent``, ``funding``, ``operation``, ``indicators``, ``prongs`` with their options.
    repairs : GeoDataFrame or None
        Every change of the streets that `[repair]` asked for (`repair_streets`).
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
    elevation: Any = None
    population: Path | None = None
    minutes: tuple[float, ...] = (5.0, 10.0, 15.0)
    ranked: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    budget_yuan: float | Mapping[int, float] | None = None
    standards: tuple[str, ...] = ()
    surveyed: tuple[str, ...] = ()
    network_options: Mapping[str, Any] = field(default_factory=dict)
    steps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    repairs: gpd.GeoDataFrame | None = None
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

    @property
    def whole_budget_yuan(self) -> float | None:
        """The money of all years together."""
        given = self.budget_yuan
        return sum(given.values()) if isinstance(given, Mapping) else given

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
    asked = read_toml(file)
    problems = unknown_keys(asked, file)
    crs, more = metric_crs(asked, file)
    problems += more
    tables, rasters, more = _inputs(asked, file, crs)
    problems += more
    services, more = asked_services(asked, file)
    problems += more
    steps, more = _steps(asked, file)
    problems += more
    problems += _members(tables)
    problems += _raster_problems(rasters, tables)
    if not problems and "population" in asked:
        tables["homes"] = _peopled(tables, rasters, asked["population"], file)
    if not problems:
        problems += value_problems(asked, file, tables, services)
    if problems:
        raise DataError(problems)
    _warn_of_datums(tables, asked.get("inputs", {}))
    repairs = None
    if "repair" in asked:
        tables["streets"], repairs = _repaired(tables, asked["repair"])
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
        budget_yuan=_budget(ranking.get("budget_yuan")),
        standards=_standards(asked, file),
        surveyed=tuple(asked.get("checkup", {}).get("surveyed", ())),
        network_options=dict(asked.get("network", {})),
        steps=steps,
        repairs=repairs,
        source=file.name if str(path) == "demo" else str(file),
        elevation=rasters.get("elevation"),
        population=rasters.get("population"),
        **tables,
    )


def _budget(given: Any) -> float | dict[int, float] | None:
    """Money in all, or by year."""
    if isinstance(given, Mapping):
        return {int(year): float(yuan) for year, yuan in given.items()}
    return None if given is None else float(given)


def _standards(asked: Mapping[str, Any], file: Path) -> tuple[str, ...]:
    """Names of standards; a local file is named from the project file."""
    named = [str(name) for name in asked.get("checkup", {}).get("standards", ())]
    return tuple(str(file.parent / name) if name.endswith(".toml") else name for name in named)


def _inputs(
    asked: Mapping[str, Any], file: Path, crs: Any
) -> tuple[dict[str, Any], dict[str, Any], list[Problem]]:
    """Every table that can be read, and what is wrong with the others."""
    tables: dict[str, Any] = {}
    rasters: dict[str, Any] = {}
    problems: list[Problem] = []
    contracts: dict[str, Table] = dict(TABLES)
    if "population" in asked:
        contracts["homes"] = _PEOPLE_TO_COME
    for name, given in asked.get("inputs", {}).items():
        options = dict(given) if isinstance(given, Mapping) else {"path": given}
        where = f"{file}, [inputs], {name}"
        known = RASTER_KEYS.get(name, TABLE_KEYS)
        problems += strangers(options, known, where)
        options = {key: value for key, value in options.items() if key in known}
        if not isinstance(options.get("path"), str):
            found = f"is {given!r}"
            problems.append(Problem(where, found, 'Give a path, or a table with path = "..."'))
            continue
        path = file.parent / options.pop("path")
        if not path.is_file():
            problems.append(Problem(where, f"there is no file {path}", "Mend the path"))
        elif name in RASTERS:
            rasters[name] = _raster(name, path, options)
        elif name in contracts and crs is not None:
            try:
                tables[name] = read_table(path, contracts[name], crs=crs, **options)
            except DataError as error:
                problems += error.problems
            except OptionError as error:
                problems.append(Problem(where, str(error), "Mend the entry"))
    return tables, rasters, problems


def _raster(name: str, path: Path, options: Mapping[str, Any]) -> Any:
    """The path, or the heights with what the project says of them."""
    if name != "elevation" or not options:
        return path
    # rasters are slow to import, and few projects need one
    from communityplan.network.slope import Elevation

    return Elevation(path, **{key: options[key] for key in ("z_unit", "band") if key in options})


def _raster_problems(
    rasters: Mapping[str, Any], tables: Mapping[str, gpd.GeoDataFrame]
) -> list[Problem]:
    """Rasters that cannot be read, or that lie elsewhere, whether they are used or not."""
    streets = tables.get("streets")
    if not rasters or streets is None or not len(streets):
        return []
    # rasters are slow to import, and few projects need one
    from communityplan.coordinates.raster import raster_problems

    near = tuple(streets.total_bounds)
    return [
        problem
        for given in rasters.values()
        for problem in raster_problems(
            getattr(given, "source", given), near=near, crs=streets.crs, what="the streets"
        )
    ]


def _steps(asked: Mapping[str, Any], file: Path) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    """What is asked beyond the circles, its files named from the project file."""
    steps = {name: dict(asked[name]) for name in STEPS if isinstance(asked.get(name), Mapping)}
    problems = []
    for section, key in PAPERS:
        given = steps.get(section, {}).get(key)
        if given is None:
            continue
        where = f"{file}, [{section}], {key}"
        if not isinstance(given, str):
            problems.append(Problem(where, f"is {given!r}", "Give the path of a file"))
        elif (file.parent / given).is_file():
            steps[section][key] = file.parent / given
        elif (section, key) not in BY_NAME:
            found = f"there is no file {file.parent / given}"
            problems.append(Problem(where, found, "Mend the path"))
    return steps, problems


def _peopled(
    tables: Mapping[str, Any], rasters: Mapping[str, Any], options: Mapping[str, Any], file: Path
) -> gpd.GeoDataFrame:
    """The homes with the people of the raster."""
    # rasters are slow to import, and few projects need one
    from communityplan.demand import homes_from_raster

    where = f"{file}, [population]"
    if "population" not in rasters:
        todo = 'Name it in [inputs], population = "..."'
        raise DataError([Problem(where, "there is no raster of people", todo)])
    if "kind" not in options:
        todo = 'Give kind = "count" (people per cell) or "density" (people per km2)'
        raise DataError([Problem(where, "no kind", todo)])
    groups = {key: file.parent / options[key] for key in ("elderly", "children") if key in options}
    lost = [str(path) for path in groups.values() if not path.is_file()]
    if lost:
        raise DataError([Problem(where, f"there is no file {name}", "Mend it") for name in lost])
    others = {key: options[key] for key in ("move_within_m", "band") if key in options}
    return homes_from_raster(
        tables["homes"],
        rasters["population"],
        kind=options["kind"],
        communities=None if "community_id" in tables["homes"] else tables["communities"],
        **groups,
        **others,
    )


def _repaired(
    tables: Mapping[str, Any], options: Mapping[str, Any]
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """The streets as mended, and every change."""
    from communityplan.network.repair import repair_streets

    return repair_streets(tables["streets"], walls=tables.get("walls"), **options)


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
