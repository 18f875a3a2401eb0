"""A district as it stands, or as a scenario leaves it: its tables and its network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from communityplan.errors import DataError, OptionError, Problem
from communityplan.network import WalkNetwork
from communityplan.project import Project
from communityplan.scenario.measures import Scenario
from communityplan.standards import Service

__all__ = ["Situation", "network_of", "situation"]

NEEDED = ("homes", "facilities")
NETWORK_TABLES = ("streets", "walls", "gates", "communities")
TABLES = (*NEEDED, *NETWORK_TABLES, "idle_buildings")


def _no_effects() -> pd.DataFrame:
    return pd.DataFrame(columns=["measure", "told", "has_effect", "zh", "en"])


@dataclass(frozen=True, eq=False)
class Situation:
    """A district as it stands, or as a scenario leaves it.

    Attributes
    ----------
    homes, facilities, streets : GeoDataFrame
    network : WalkNetwork
        Made of the tables below.
    communities, idle_buildings, walls, gates : GeoDataFrame or None
    services : tuple of Service
        What is evaluated unless told otherwise.
    scenario : Scenario or None
        What was done; None for the district as it stands.
    start : Situation or None
        The district before; where homes and facilities joined its streets, they still may.
    only_opens : bool
        Whether nothing was shut or narrowed: then no walk is longer than before.
    effects : DataFrame
        What became of every measure: ``measure`` (from 1), ``told``, ``has_effect``, ``zh``,
        ``en``.
    project : Project or None
        The project with the tables of this situation, where it came from one.
    """

    homes: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    streets: gpd.GeoDataFrame
    network: WalkNetwork
    communities: gpd.GeoDataFrame | None = None
    idle_buildings: gpd.GeoDataFrame | None = None
    walls: gpd.GeoDataFrame | None = None
    gates: gpd.GeoDataFrame | None = None
    services: tuple[Service, ...] = ()
    scenario: Scenario | None = None
    start: Situation | None = None
    only_opens: bool = True
    effects: pd.DataFrame = field(default_factory=_no_effects)
    project: Project | None = None

    @property
    def tables(self) -> dict[str, gpd.GeoDataFrame | None]:
        """The tables by their names."""
        return {name: getattr(self, name) for name in TABLES}

    def __repr__(self) -> str:
        what = "as it stands" if self.scenario is None else self.scenario.name
        return f"<Situation: {what}, {len(self.homes)} homes, {self.network!r}>"


def situation(
    given: Situation | Project | Mapping[str, Any], *, network: WalkNetwork | None = None
) -> Situation:
    """The district as it stands.

    Parameters
    ----------
    given : Project, mapping of str to GeoDataFrame, or Situation
        Tables by their names: ``homes``, ``facilities``, ``streets`` and, where there are any,
        ``communities``, ``walls``, ``gates``, ``idle_buildings``.
    network : WalkNetwork, optional
        The network made of these tables, where there is one already; its options hold.

    Returns
    -------
    Situation

    Raises
    ------
    DataError
        Names tables that are missing or not known.

    Examples
    --------
    >>> import communityplan as cp
    >>> from communityplan.scenario import situation
    >>> situation(cp.load_project("demo"))
    <Situation: as it stands, 150 homes, <WalkNetwork: ...>>
    """
    if isinstance(given, Situation):
        if network is not None and network is not given.network:
            raise OptionError("a situation has its network already; leave network out")
        return given
    if isinstance(given, Project):
        tables = {name: getattr(given, name) for name in TABLES}
        built = network or given.network()
        return _with_climbs(
            Situation(**tables, network=built, services=given.services, project=given)
        )
    _check_names(given)
    tables = {name: given.get(name) for name in TABLES}
    return _with_climbs(Situation(**tables, network=network or network_of(tables, {})))


def network_of(tables: Mapping[str, Any], options: Mapping[str, Any]) -> WalkNetwork:
    """The network of some tables, with the options of another one.

    Parameters
    ----------
    tables : mapping of str to GeoDataFrame or None
    options : mapping
        As `WalkNetwork.options`; heights are taken from the streets.
    """
    asked = {name: value for name, value in options.items() if name != "elevation"}
    named = {name: tables[name] for name in NETWORK_TABLES if name != "streets"}
    return WalkNetwork.from_streets(tables["streets"], **named, **asked)


def _check_names(given: Mapping[str, Any]) -> None:
    if not isinstance(given, Mapping):
        raise OptionError(f"the district is {given!r}; give a project, a situation or its tables")
    known = ", ".join(TABLES)
    problems = [
        Problem("tables", f"no table {name!r}", f"Give it; known are {known}")
        for name in (*NEEDED, "streets")
        if given.get(name) is None
    ]
    problems += [
        Problem("tables", f"unknown table {name!r}", f"Known are {known}")
        for name in given
        if name not in TABLES
    ]
    if problems:
        raise DataError(problems)


def _with_climbs(found: Situation) -> Situation:
    """Where heights came from a raster each edge keeps its climb: as a street of its own.

    Cutting it anew at a new junction then changes no slope, and no walk gets longer by it.
    """
    network = found.network
    if not network.options.get("elevation"):
        return found
    walked = (network.edges["kind"] != "gate").to_numpy()
    number = np.full(len(walked), -1)
    number[walked] = np.arange(walked.sum())
    columns = ["kind", "access", "steps", "crossing", "climb_m", "oneway_foot", "part", "geometry"]
    streets = network.edges.loc[walked, columns].reset_index(drop=True)
    streets["bridge"] = network.edges.loc[walked, "level"].to_numpy()
    edges = network.edges.assign(street=number)
    return replace(found, streets=streets, network=replace(network, edges=edges, cache={}))
