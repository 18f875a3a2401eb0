"""Who is served, which building to open and what the standards miss: the circles of a plan."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import pandas as pd

from communityplan.allocation import Choice, choose_sites
from communityplan.checkup import checkup
from communityplan.coverage import coverage, home_access
from communityplan.errors import DataError, OptionError
from communityplan.network import WalkNetwork
from communityplan.project import Project
from communityplan.reach import service_areas
from communityplan.siting import rank_sites
from communityplan.standards import Service
from communityplan.tables import record, used

__all__ = ["areas_of", "check_of", "choice_of", "ranking_of", "served"]


def served(project: Project, network: WalkNetwork) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The ledger of every service, and the nearest facility of every home."""
    ledgers: dict[str, pd.DataFrame] = {}
    accesses: dict[str, pd.DataFrame] = {}
    for service in project.services:
        offered = _offered(project.facilities, service)
        ledgers[service.name] = coverage(
            network,
            project.homes,
            offered,
            minutes=_limits(project, service),
            walker=service.walker,
            group=service.group,
            services=[service.name],
        )
        accesses[service.name] = home_access(
            network, project.homes, offered, service=service.name, walker=service.walker
        )
    return (
        _noted(pd.concat(ledgers.values(), ignore_index=True), project, ledgers),
        _noted(pd.concat(accesses.values(), ignore_index=True), project, accesses),
    )


def areas_of(project: Project, network: WalkNetwork) -> gpd.GeoDataFrame:
    """Service areas by service and limit."""
    areas: dict[str, gpd.GeoDataFrame] = {}
    for service in project.services:
        offered = _offered(project.facilities, service)
        if len(offered):
            areas[service.name] = service_areas(
                network,
                offered,
                walker=service.walker,
                minutes=_limits(project, service),
                merge=True,
            )
    return _noted(_together(list(areas.values()), network), project, areas)


def ranking_of(project: Project, network: WalkNetwork) -> gpd.GeoDataFrame | None:
    """Idle buildings, best first; None where the project has none."""
    if project.idle_buildings is None or not len(project.idle_buildings):
        return None
    return rank_sites(
        network,
        project.homes,
        project.facilities,
        project.idle_buildings,
        services=_ranked(project),
        weights=project.weights or None,
    )


def choice_of(project: Project, network: WalkNetwork) -> tuple[Choice | None, str]:
    """The best services for the budget, or why there is no choice although there is a budget."""
    if project.idle_buildings is None or project.budget_yuan is None:
        return None, ""
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
        return None, str(error)
    return chosen, ""


def check_of(project: Project, network: WalkNetwork) -> pd.DataFrame | None:
    """Every community against every clause; None where no standard is named."""
    if not project.standards:
        return None
    return checkup(
        network,
        project.communities,
        project.homes,
        project.facilities,
        standard=list(project.standards),
        surveyed=list(project.surveyed) or None,
    )


def _limits(project: Project, service: Service) -> list[float]:
    return sorted({*project.minutes, service.within_min})


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
