"""Walking service circles of old residential communities, and which idle building to open.

What reads files, draws or writes is loaded when it is first used: importing the package costs
little more than importing geopandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from communityplan.checkup import checkup
from communityplan.coverage import coverage, home_access, storey_coverage, totals
from communityplan.errors import CommunityPlanError
from communityplan.network import WalkNetwork
from communityplan.reach import nearest, reached_streets, route, service_areas, walks, within_reach
from communityplan.standards import SERVICES, WALKERS
from communityplan.walker import Walker

if TYPE_CHECKING:
    from communityplan import maps, report
    from communityplan.access import (
        balanced_access,
        concentration_index,
        cumulative_access,
        equity_table,
        gini,
        gravity_access,
        palma,
        places_per_1000,
        realised_service,
        spatial_availability,
        three_step_access,
        two_step_access,
        worst_fifth_share,
    )
    from communityplan.allocation import (
        Choice,
        choose_programme,
        choose_sites,
        maximal_covering,
        p_center,
        p_median,
        set_covering,
    )
    from communityplan.checkup import (
        checkup_figures,
        renovation_scope,
        status_counts,
        what_is_missing,
    )
    from communityplan.consent import (
        GATES,
        Gate,
        consent_status,
        vote_problems,
    )
    from communityplan.coordinates import (
        convert_datum,
        fits_better,
        guess_datum,
    )
    from communityplan.demand import (
        homes_from_buildings,
        homes_from_counts,
        homes_from_raster,
        placement,
        population_cells,
    )
    from communityplan.finance import (
        balance,
        balancing_groups,
        cash_flow,
        missing_amounts,
        payback,
        share_rules,
        sources_and_uses,
    )
    from communityplan.load.download import (
        download_osm,
    )
    from communityplan.load.files import (
        read_table,
    )
    from communityplan.load.osm import (
        OsmLayers,
        osm_rules,
        read_osm,
    )
    from communityplan.network.repair import (
        repair_streets,
    )
    from communityplan.network.slope import (
        Elevation,
    )
    from communityplan.plan import (
        Plan,
        make_plan,
    )
    from communityplan.project import (
        Project,
        load_project,
    )
    from communityplan.project.osm import project_from_osm
    from communityplan.scenario import (
        Scenario,
        add_facility,
        add_gate,
        add_lift,
        add_path,
        apply,
        close_gate,
        compare,
        joint_units,
        open_gate,
        rank_openings,
        remove_wall,
    )
    from communityplan.siting import (
        Criterion,
        newly_covered,
        programme_fit,
        rank_sites,
        read_rules,
    )
    from communityplan.siting.programmes import (
        programmes,
    )
    from communityplan.standards import (
        Service,
        named_service,
    )
    from communityplan.standards.clauses import (
        STANDARDS,
        read_standard,
    )

__all__ = [
    "GATES",
    "SERVICES",
    "STANDARDS",
    "WALKERS",
    "Choice",
    "CommunityPlanError",
    "Criterion",
    "Elevation",
    "Gate",
    "OsmLayers",
    "Plan",
    "Project",
    "Scenario",
    "Service",
    "WalkNetwork",
    "Walker",
    "add_facility",
    "add_gate",
    "add_lift",
    "add_path",
    "apply",
    "balance",
    "balanced_access",
    "balancing_groups",
    "cash_flow",
    "checkup",
    "checkup_figures",
    "choose_programme",
    "choose_sites",
    "close_gate",
    "compare",
    "concentration_index",
    "consent_status",
    "convert_datum",
    "coverage",
    "cumulative_access",
    "download_osm",
    "equity_table",
    "fits_better",
    "gini",
    "gravity_access",
    "guess_datum",
    "home_access",
    "homes_from_buildings",
    "homes_from_counts",
    "homes_from_raster",
    "joint_units",
    "load_project",
    "make_plan",
    "maps",
    "maximal_covering",
    "missing_amounts",
    "named_service",
    "nearest",
    "newly_covered",
    "open_gate",
    "osm_rules",
    "p_center",
    "p_median",
    "palma",
    "payback",
    "placement",
    "places_per_1000",
    "population_cells",
    "programme_fit",
    "programmes",
    "project_from_osm",
    "rank_openings",
    "rank_sites",
    "reached_streets",
    "read_osm",
    "read_rules",
    "read_standard",
    "read_table",
    "realised_service",
    "remove_wall",
    "renovation_scope",
    "repair_streets",
    "report",
    "route",
    "service_areas",
    "set_covering",
    "share_rules",
    "sources_and_uses",
    "spatial_availability",
    "status_counts",
    "storey_coverage",
    "three_step_access",
    "totals",
    "two_step_access",
    "vote_problems",
    "walks",
    "what_is_missing",
    "within_reach",
    "worst_fifth_share",
]
__version__ = "0.1.0"

_LATE = {
    "Choice": "allocation",
    "Criterion": "siting",
    "Elevation": "network.slope",
    "GATES": "consent",
    "Gate": "consent",
    "OsmLayers": "load.osm",
    "Plan": "plan",
    "Project": "project",
    "STANDARDS": "standards.clauses",
    "Scenario": "scenario",
    "Service": "standards",
    "add_facility": "scenario",
    "add_gate": "scenario",
    "add_lift": "scenario",
    "add_path": "scenario",
    "apply": "scenario",
    "balance": "finance",
    "balanced_access": "access",
    "balancing_groups": "finance",
    "cash_flow": "finance",
    "checkup_figures": "checkup",
    "choose_programme": "allocation",
    "choose_sites": "allocation",
    "close_gate": "scenario",
    "compare": "scenario",
    "concentration_index": "access",
    "consent_status": "consent",
    "convert_datum": "coordinates",
    "cumulative_access": "access",
    "download_osm": "load.download",
    "equity_table": "access",
    "fits_better": "coordinates",
    "gini": "access",
    "gravity_access": "access",
    "guess_datum": "coordinates",
    "homes_from_buildings": "demand",
    "homes_from_counts": "demand",
    "homes_from_raster": "demand",
    "joint_units": "scenario",
    "load_project": "project",
    "make_plan": "plan",
    "maximal_covering": "allocation",
    "missing_amounts": "finance",
    "named_service": "standards",
    "newly_covered": "siting",
    "open_gate": "scenario",
    "osm_rules": "load.osm",
    "p_center": "allocation",
    "p_median": "allocation",
    "palma": "access",
    "payback": "finance",
    "placement": "demand",
    "places_per_1000": "access",
    "population_cells": "demand",
    "programme_fit": "siting",
    "programmes": "siting.programmes",
    "project_from_osm": "project.osm",
    "rank_openings": "scenario",
    "rank_sites": "siting",
    "read_osm": "load.osm",
    "read_rules": "siting",
    "read_standard": "standards.clauses",
    "read_table": "load.files",
    "realised_service": "access",
    "remove_wall": "scenario",
    "renovation_scope": "checkup",
    "repair_streets": "network.repair",
    "set_covering": "allocation",
    "share_rules": "finance",
    "sources_and_uses": "finance",
    "spatial_availability": "access",
    "status_counts": "checkup",
    "three_step_access": "access",
    "two_step_access": "access",
    "vote_problems": "consent",
    "what_is_missing": "checkup",
    "worst_fifth_share": "access",
}


def __getattr__(name: str) -> Any:
    """Load the room of a name when it is first used."""
    if name in {"maps", "report"}:
        return import_module(f"communityplan.{name}")
    if name in _LATE:
        return getattr(import_module(f"communityplan.{_LATE[name]}"), name)
    raise AttributeError(f"module 'communityplan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
