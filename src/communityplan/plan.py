"""One community, one plan: from a project to its ledger, areas and ranking."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from communityplan.allocation import Choice, choose_sites
from communityplan.checkup import checkup, what_is_missing
from communityplan.coverage import coverage, home_access, totals
from communityplan.errors import DataError, OptionError
from communityplan.network import WalkNetwork
from communityplan.project import Project
from communityplan.reach import service_areas
from communityplan.siting import rank_sites
from communityplan.standards import Service
from communityplan.tables import record, used

__all__ = ["Plan", "make_plan"]

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What a project comes to.

    Attributes
    ----------
    project : Project
    network : WalkNetwork
    ledger : DataFrame
        People by community, service, group and limit (see `coverage`).
    access : DataFrame
        Nearest facility of every home, by service, or why there is none (see `home_access`).
    areas : GeoDataFrame
        Service areas by service and limit.
    ranking : GeoDataFrame or None
        Idle buildings, best first (see `rank_sites`); None where the project has none.
    checkup : DataFrame or None
        Every community against every clause (see `checkup`); None where no standard is named.
    chosen : Choice or None
        The best services in idle buildings for the budget (see `choose_sites`); None without one.
    not_chosen : str
        Why there is no choice although there is a budget, such as costs that are not given.
    """

    project: Project
    network: WalkNetwork
    ledger: pd.DataFrame
    access: pd.DataFrame
    areas: gpd.GeoDataFrame
    ranking: gpd.GeoDataFrame | None
    checkup: pd.DataFrame | None = None
    chosen: Choice | None = None
    not_chosen: str = ""

    def __repr__(self) -> str:
        return f"<Plan of {self.project!r}: {', '.join(self.tables())}>"

    def tables(self) -> list[str]:
        """Names of what there is."""
        names = ("ledger", "access", "areas", "ranking", "checkup", "chosen")
        return [name for name in names if getattr(self, name) is not None]

    @property
    def totals(self) -> pd.DataFrame:
        """The ledger summed over communities."""
        return totals(self.ledger)

    @property
    def missing(self) -> pd.DataFrame | None:
        """What is missing and what to make up, in sentences; None without a check-up."""
        return None if self.checkup is None else what_is_missing(self.checkup)

    def _repr_html_(self) -> str:
        """The totals as a notebook shows them."""
        return str(self.totals.round(1).to_html(index=False, border=0))


def make_plan(project: Project, *, tell: Tell | None = None) -> Plan:
    """Evaluate a project: network, coverage, service areas, ranking of idle buildings.

    Parameters
    ----------
    project : Project
        As from `load_project` or `project_from_osm`.
    tell : callable, optional
        Told the key of each stage as it begins: network, coverage, areas, ranking.

    Returns
    -------
    Plan

    Raises
    ------
    CommunityPlanError
        For inputs or options that cannot be used.
    """
    say = tell or _silent
    say("network")
    network = project.network()
    say("coverage")
    ledgers: dict[str, pd.DataFrame] = {}
    accesses: dict[str, pd.DataFrame] = {}
    areas: dict[str, gpd.GeoDataFrame] = {}
    for service in project.services:
        offered = _offered(project.facilities, service)
        limits = sorted({*project.minutes, service.within_min})
        ledgers[service.name] = coverage(
            network,
            project.homes,
            offered,
            minutes=limits,
            walker=service.walker,
            group=service.group,
            services=[service.name],
        )
        accesses[service.name] = home_access(
            network, project.homes, offered, service=service.name, walker=service.walker
        )
    say("areas")
    for service in project.services:
        offered = _offered(project.facilities, service)
        limits = sorted({*project.minutes, service.within_min})
        if len(offered):
            areas[service.name] = service_areas(
                network, offered, walker=service.walker, minutes=limits, merge=True
            )
    ranking = None
    if project.idle_buildings is not None and len(project.idle_buildings):
        say("ranking")
        ranking = rank_sites(
            network,
            project.homes,
            project.facilities,
            project.idle_buildings,
            services=_ranked(project),
            weights=project.weights or None,
        )
    chosen, not_chosen = None, ""
    if project.idle_buildings is not None and project.budget_yuan is not None:
        say("choice")
        try:
            chosen = choose_sites(
                network,
                project.homes,
                project.facilities,
                project.idle_buildings,
                services=_ranked(project),
                budget_yuan=project.budget_yuan,
                weights=project.weights or None,
            )
        except DataError as error:
            # costs that are missing must not keep anybody from the ledger
            not_chosen = str(error)
    found = None
    if project.standards:
        say("checkup")
        found = checkup(
            network,
            project.communities,
            project.homes,
            project.facilities,
            standard=list(project.standards),
            surveyed=list(project.surveyed) or None,
        )
    return Plan(
        project=project,
        network=network,
        ledger=_noted(pd.concat(ledgers.values(), ignore_index=True), project, ledgers),
        access=_noted(pd.concat(accesses.values(), ignore_index=True), project, accesses),
        areas=_noted(_together(list(areas.values()), network), project, areas),
        ranking=ranking,
        checkup=found,
        chosen=chosen,
        not_chosen=not_chosen,
    )


def _silent(stage: str) -> None:
    del stage


def _noted(
    table: pd.DataFrame, project: Project, parts: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """The inputs and options of a table that was put together service by service."""
    options = {name: used(part) for name, part in parts.items()}
    return record(table, source=project.source, synthetic=project.synthetic, services=options)


def _offered(facilities: gpd.GeoDataFrame, service: Service) -> gpd.GeoDataFrame:
    return facilities[facilities["service"].map(str) == service.name]


def _ranked(project: Project) -> list[Service]:
    known = {service.name: service for service in project.services}
    unknown = [name for name in project.ranked if name not in known]
    if unknown:
        raise OptionError(
            f"ranked for {', '.join(unknown)}, but evaluated are {', '.join(known)}; "
            "add a [services.NAME] entry to the project"
        )
    return [known[name] for name in project.ranked]


def _together(areas: list[gpd.GeoDataFrame], network: WalkNetwork) -> gpd.GeoDataFrame:
    if not areas:
        columns = ["service", "within_min", "street_km", "inside_share", "false_share"]
        return gpd.GeoDataFrame(
            columns=[*columns, "geometry"], geometry="geometry", crs=network.crs
        )
    return gpd.GeoDataFrame(pd.concat(areas, ignore_index=True), crs=network.crs)
