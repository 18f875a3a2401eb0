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
    from communityplan.batch import (
        cut_tiles,
        read_batch,
        run_batch,
    )
    from communityplan.checkup import (
        checkup_figures,
        renovation_scope,
        status_counts,
        what_is_missing,
    )
    from communityplan.checkup.prongs import (
        read_prong_rule,
        two_pronged,
    )
    from communityplan.consent import (
        GATES,
        Gate,
        as_numbers,
        consent_gaps,
        consent_sentences,
        consent_stages,
        consent_states,
        consent_status,
        read_owners,
        read_votes,
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
        Money,
        balance,
        balancing_groups,
        cash_flow,
        choice_money,
        missing_amounts,
        payback,
        share_rules,
        sources_and_uses,
    )
    from communityplan.finance.shares import (
        read_funding,
        read_share_rules,
    )
    from communityplan.finance.sides import (
        fund_items,
        funding_sentences,
        who_pays,
    )
    from communityplan.indicators import (
        check_indicators,
        fill_indicators,
        indicator_states,
        indicator_table,
        indicator_template,
        read_indicators,
        write_indicators,
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
    from communityplan.menu import (
        check_menu,
        choose_menu,
        menu_gains,
        menu_groups,
        menu_items,
        menu_scenario,
        menu_sources,
        menu_summary,
        menu_uses,
        preference_weights,
        read_menu,
        read_preferences,
    )
    from communityplan.network.attachment import (
        attachment_table,
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
    from communityplan.project.osm import (
        project_from_osm,
    )
    from communityplan.scenario import (
        Scenario,
        add_crossing,
        add_facility,
        add_gate,
        add_lift,
        add_path,
        apply,
        centres_among,
        close_gate,
        compare,
        comparison_totals,
        joint_units,
        open_gate,
        opening_scenario,
        rank_openings,
        remove_wall,
        retime_gate,
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
    from communityplan.versions import (
        compare_versions,
        join_rounds,
        version_summary,
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
    "Money",
    "OsmLayers",
    "Plan",
    "Project",
    "Scenario",
    "Service",
    "WalkNetwork",
    "Walker",
    "add_crossing",
    "add_facility",
    "add_gate",
    "add_lift",
    "add_path",
    "apply",
    "as_numbers",
    "attachment_table",
    "balance",
    "balanced_access",
    "balancing_groups",
    "cash_flow",
    "centres_among",
    "check_indicators",
    "check_menu",
    "checkup",
    "checkup_figures",
    "choice_money",
    "choose_menu",
    "choose_programme",
    "choose_sites",
    "close_gate",
    "compare",
    "compare_versions",
    "comparison_totals",
    "concentration_index",
    "consent_gaps",
    "consent_sentences",
    "consent_stages",
    "consent_states",
    "consent_status",
    "convert_datum",
    "coverage",
    "cumulative_access",
    "cut_tiles",
    "download_osm",
    "equity_table",
    "fill_indicators",
    "fits_better",
    "fund_items",
    "funding_sentences",
    "gini",
    "gravity_access",
    "guess_datum",
    "home_access",
    "homes_from_buildings",
    "homes_from_counts",
    "homes_from_raster",
    "indicator_states",
    "indicator_table",
    "indicator_template",
    "join_rounds",
    "joint_units",
    "load_project",
    "make_plan",
    "maps",
    "maximal_covering",
    "menu_gains",
    "menu_groups",
    "menu_items",
    "menu_scenario",
    "menu_sources",
    "menu_summary",
    "menu_uses",
    "missing_amounts",
    "named_service",
    "nearest",
    "newly_covered",
    "open_gate",
    "opening_scenario",
    "osm_rules",
    "p_center",
    "p_median",
    "palma",
    "payback",
    "placement",
    "places_per_1000",
    "population_cells",
    "preference_weights",
    "programme_fit",
    "programmes",
    "project_from_osm",
    "rank_openings",
    "rank_sites",
    "reached_streets",
    "read_batch",
    "read_funding",
    "read_indicators",
    "read_menu",
    "read_osm",
    "read_owners",
    "read_preferences",
    "read_prong_rule",
    "read_rules",
    "read_share_rules",
    "read_standard",
    "read_table",
    "read_votes",
    "realised_service",
    "remove_wall",
    "renovation_scope",
    "repair_streets",
    "report",
    "retime_gate",
    "route",
    "run_batch",
    "service_areas",
    "set_covering",
    "share_rules",
    "sources_and_uses",
    "spatial_availability",
    "status_counts",
    "storey_coverage",
    "three_step_access",
    "totals",
    "two_pronged",
    "two_step_access",
    "version_summary",
    "vote_problems",
    "walks",
    "what_is_missing",
    "who_pays",
    "within_reach",
    "worst_fifth_share",
    "write_indicators",
]
__version__ = "0.1.0"

_ROOMS = {
    "access": (
        "balanced_access concentration_index cumulative_access equity_table gini "
        "gravity_access palma places_per_1000 realised_service spatial_availability "
        "three_step_access two_step_access worst_fifth_share"
    ),
    "allocation": (
        "Choice choose_programme choose_sites maximal_covering p_center p_median set_covering"
    ),
    "batch": "cut_tiles read_batch run_batch",
    "checkup": "checkup_figures renovation_scope status_counts what_is_missing",
    "checkup.prongs": "read_prong_rule two_pronged",
    "consent": (
        "GATES Gate as_numbers consent_gaps consent_sentences consent_stages consent_states "
        "consent_status read_owners read_votes vote_problems"
    ),
    "coordinates": "convert_datum fits_better guess_datum",
    "demand": "homes_from_buildings homes_from_counts homes_from_raster placement population_cells",
    "finance": (
        "Money balance balancing_groups cash_flow choice_money missing_amounts payback "
        "share_rules sources_and_uses"
    ),
    "finance.shares": "read_funding read_share_rules",
    "finance.sides": "fund_items funding_sentences who_pays",
    "indicators": (
        "check_indicators fill_indicators indicator_states indicator_table "
        "indicator_template read_indicators write_indicators"
    ),
    "load.download": "download_osm",
    "load.files": "read_table",
    "load.osm": "OsmLayers osm_rules read_osm",
    "menu": (
        "check_menu choose_menu menu_gains menu_groups menu_items menu_scenario menu_sources "
        "menu_summary menu_uses preference_weights read_menu read_preferences"
    ),
    "network.attachment": "attachment_table",
    "network.repair": "repair_streets",
    "network.slope": "Elevation",
    "plan": "Plan make_plan",
    "project": "Project load_project",
    "project.osm": "project_from_osm",
    "scenario": (
        "Scenario add_crossing add_facility add_gate add_lift add_path apply centres_among "
        "close_gate compare comparison_totals joint_units open_gate opening_scenario "
        "rank_openings remove_wall retime_gate"
    ),
    "siting": "Criterion newly_covered programme_fit rank_sites read_rules",
    "siting.programmes": "programmes",
    "standards": "Service named_service",
    "standards.clauses": "STANDARDS read_standard",
    "versions": "compare_versions join_rounds version_summary",
}
"""The names that are loaded when they are first used, by the room that has them."""

_LATE = {name: room for room, names in _ROOMS.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Load the room of a name when it is first used."""
    if name in {"maps", "report"}:
        return import_module(f"communityplan.{name}")
    if name in _LATE:
        return getattr(import_module(f"communityplan.{_LATE[name]}"), name)
    raise AttributeError(f"module 'communityplan' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
