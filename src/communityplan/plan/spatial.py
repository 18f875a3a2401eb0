"""Steps of a plan that change the district: walls to open, joint units, and what it all brings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import pandas as pd

from communityplan.allocation import Choice
from communityplan.network import WalkNetwork
from communityplan.project import Project
from communityplan.scenario import (
    JointUnits,
    Measure,
    Scenario,
    add_facility,
    apply,
    centres_among,
    compare,
    joint_units,
    opening_scenario,
    rank_openings,
)
from communityplan.scenario.situation import Situation, situation
from communityplan.tables import record, used

__all__ = ["after_of", "best_openings", "effects_of", "shared_centres", "together"]


def best_openings(
    project: Project, network: WalkNetwork, asked: Mapping[str, Any]
) -> gpd.GeoDataFrame | None:
    """Places where a wall separates near neighbours; None where nothing separates anybody."""
    if not len(network.barriers.lines):
        return None
    options = dict(asked)
    named = options.pop("services", None)
    known = {service.name: service for service in project.services}
    services = None if named is None else [known.get(name, name) for name in named]
    return rank_openings(project, services=services, network=network, **options)


def shared_centres(
    project: Project, network: WalkNetwork, asked: Mapping[str, Any]
) -> JointUnits | None:
    """Adjoining communities that share a centre; None without idle buildings."""
    if project.idle_buildings is None or not len(project.communities):
        return None
    centres = centres_among(project.idle_buildings, services=project.services)
    return joint_units(network, project.communities, project.homes, centres, **asked)


def together(openings: gpd.GeoDataFrame | None) -> pd.DataFrame | None:
    """The openings that are best together."""
    if openings is None or "together" not in openings:
        return None
    best = openings[openings["together"].notna()].sort_values("together")
    return best if len(best) else None


def after_of(
    project: Project,
    network: WalkNetwork,
    *,
    chosen: Choice | None,
    openings: gpd.GeoDataFrame | None,
    menu: Scenario | None = None,
) -> Situation | None:
    """The district once the plan is carried out; None where that changes no walk.

    The services chosen for idle buildings, the best openings together and the items of the menu
    that change the network are taken together, so that nobody is counted for two of them.
    """
    measures: list[Measure] = []
    if chosen is not None and len(chosen.opened):
        opened = zip(chosen.opened["building_id"], chosen.opened["service"], strict=True)
        measures += [add_facility(str(building), str(service)) for building, service in opened]
    best = together(openings)
    if best is not None:
        measures += list(opening_scenario(best).measures)
    if menu is not None and menu.measures:
        known = set(map(repr, measures))
        measures += [one for one in menu.measures if repr(one) not in known]
    if not measures:
        return None
    before = situation(project, network=network)
    return apply(Scenario("方案", "the plan", tuple(measures)), before)


def effects_of(project: Project, after: Situation) -> pd.DataFrame:
    """Who is served today and who with the plan, for every limit of the project."""
    tables = [
        compare(
            after.start or after,
            after,
            services=[service],
            minutes=sorted({*project.minutes, service.within_min}),
        )
        for service in project.services
    ]
    return record(pd.concat(tables, ignore_index=True), **used(tables[0]))
