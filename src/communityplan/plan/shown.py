"""A plan as a map, and as a notebook shows it."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from communityplan import maps
from communityplan.errors import CommunityPlanError, OptionError
from communityplan.maps.offline import offline_page
from communityplan.network import WalkNetwork
from communityplan.plan.circles import areas_of
from communityplan.plan.shares import home_shares
from communityplan.project import Project
from communityplan.scenario import nearest_by_home
from communityplan.wording import group_word, service_word, usual_language, word

if TYPE_CHECKING:
    import folium

    from communityplan.plan import Plan

__all__ = ["MOST_OPENINGS", "before_after_map", "notebook_page", "plan_map"]

MOST_OPENINGS = 12
"""Places to open that a map or a document shows; all of them are in the tables."""

MOST_NOTEBOOK_MB = 3.0
"""Size of a map that a notebook keeps with its cell [MB]."""


def plan_map(plan: Plan, *, lang: str = "zh") -> folium.Map:
    """The map of a plan: circles, coverage, homes, facilities, ranked buildings, walls, openings.

    Parameters
    ----------
    plan : Plan
    lang : {"zh", "en"}

    Returns
    -------
    folium.Map
        Write it with `maps.save_offline`.
    """
    return _drawn(
        plan,
        lang,
        facilities=plan.project.facilities,
        areas=plan.areas,
        coverage=plan.ledger,
        home_access=home_shares(plan.project, plan.access),
        idle_buildings=plan.project.idle_buildings,
        ranking=plan.ranking,
        chosen=None if plan.chosen is None else plan.chosen.opened,
        openings=None if plan.openings is None else plan.openings.head(MOST_OPENINGS),
        gates=plan.project.gates,
        walls=plan.project.walls,
        network=plan.network,
    )


def before_after_map(plan: Plan, *, lang: str = "zh") -> folium.Map:
    """Today and the plan carried out, in one map to swipe.

    Parameters
    ----------
    plan : Plan
    lang : {"zh", "en"}

    Returns
    -------
    folium.Map

    Raises
    ------
    OptionError
        Where the plan changes no walk.
    """
    after, effects = plan.after, plan.effects
    if after is None or effects is None:
        raise OptionError("the plan changes no walk, so there is nothing to compare")
    project = plan.project
    walks = [
        nearest_by_home(after, service=service.name, walker=service.walker).assign(
            reason="", nearest_m=float("nan")
        )
        for service in project.services
    ]
    access = pd.concat(walks, ignore_index=True)
    counts = {
        "covered": effects["covered_after"],
        "beyond": effects["reachable_after"] - effects["covered_after"],
        "unreachable": effects["people"] - effects["reachable_after"],
    }
    key = ["community_id", "service", "group", "within_min", "people"]
    changed = replace(project, facilities=after.facilities)
    shared = {"idle_buildings": None, "ranking": None, "chosen": None, "openings": None}
    today = _drawn(
        plan,
        lang,
        facilities=project.facilities,
        areas=plan.areas,
        coverage=plan.ledger,
        home_access=home_shares(project, plan.access),
        gates=project.gates,
        walls=project.walls,
        network=plan.network,
        **shared,
    )
    then = _drawn(
        plan,
        lang,
        facilities=after.facilities,
        areas=areas_of(changed, after.network),
        coverage=effects[key].assign(**counts),
        home_access=home_shares(project, access),
        gates=after.gates,
        walls=after.walls,
        network=after.network,
        **shared,
    )
    return maps.compare_map(today, then, title=_name(project, lang))


def _drawn(plan: Plan, lang: str, *, network: WalkNetwork, **tables: Any) -> folium.Map:
    """A map of the district with some tables, named and marked as its project is."""
    project = plan.project
    note = project.note if lang == "zh" else project.note_en or project.note
    return maps.coverage_map(
        communities=project.communities,
        homes=project.homes,
        streets=network.edges[network.edges["kind"] != "gate"],
        services=project.services,
        lang=lang,
        title=_name(project, lang),
        notes=[note] if note else [],
        osm=project.from_osm,
        synthetic=project.synthetic,
        **tables,
    )


def _name(project: Project, lang: str) -> str:
    return project.name if lang == "zh" else project.name_en or project.name


def notebook_page(plan: Plan) -> str:
    """Figures and map as HTML, in the language of the system.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    str
        The map stands in a frame that fetches nothing; where it is too large the page says how to
        write it.
    """
    lang = usual_language()
    project = plan.project
    name = _name(project, lang)
    marks = [word("report.synthetic", lang)] if project.synthetic else []
    head = f"<h3>{escape(name)}</h3>" + "".join(f"<p><b>{escape(one)}</b></p>" for one in marks)
    return f"<div>{head}{_figures(plan, lang)}{_frame(plan, lang)}</div>"


def _figures(plan: Plan, lang: str) -> str:
    """Who is served within the limit of every service."""
    services = {service.name: service for service in plan.project.services}
    limits = {name: service.within_min for name, service in services.items()}
    sums = plan.totals
    own = sums[sums["within_min"] == sums["service"].map(limits)]
    said = pd.DataFrame(
        {
            word("cli.column_service", lang): [
                service_word(services[name], lang) for name in own["service"]
            ],
            word("map.group", lang): [group_word(name, lang) for name in own["group"]],
            word("cli.column_within", lang): [f"{limit:g}" for limit in own["within_min"]],
            **{
                word(f"cli.column_{name}", lang): [f"{value:,.0f}" for value in own[name]]
                for name in ("people", "covered", "beyond", "unreachable")
            },
            word("cli.column_share", lang): [
                "" if pd.isna(share) else f"{share:.0%}" for share in own["covered_share"]
            ],
        }
    )
    return str(said.to_html(index=False, border=0, escape=True))


def _frame(plan: Plan, lang: str) -> str:
    try:
        page = offline_page(plan_map(plan, lang=lang))
    except CommunityPlanError as error:
        return f"<p>{escape(str(error))}</p>"
    size_mb = len(page.encode()) / 1e6
    if size_mb > MOST_NOTEBOOK_MB:
        return f"<p>{escape(word('report.map_too_large', lang, size=f'{size_mb:.1f}'))}</p>"
    title = escape(word("report.maps", lang))
    style = "width:100%;height:32rem;border:0"
    return f'<iframe title="{title}" style="{style}" srcdoc="{escape(page)}"></iframe>'
