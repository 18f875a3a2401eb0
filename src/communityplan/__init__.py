"""Walking service circles of old residential communities, and which idle building to open.

What reads files, draws or writes is loaded when it is first used: importing the package costs
little more than importing geopandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from communityplan.coverage import coverage, home_access, totals
from communityplan.errors import CommunityPlanError
from communityplan.network import WalkNetwork
from communityplan.reach import nearest, reached_streets, route, service_areas, walks, within_reach
from communityplan.siting import rank_sites
from communityplan.standards import SERVICES, WALKERS
from communityplan.walker import Walker

if TYPE_CHECKING:
    from communityplan import maps, report
    from communityplan.coordinates import convert_datum
    from communityplan.load.files import read_table
    from communityplan.load.osm import OsmLayers, read_osm
    from communityplan.load.project import Project, load_project
    from communityplan.plan import Plan, make_plan

__all__ = [
    "SERVICES",
    "WALKERS",
    "CommunityPlanError",
    "OsmLayers",
    "Plan",
    "Project",
    "WalkNetwork",
    "Walker",
    "convert_datum",
    "coverage",
    "home_access",
    "load_project",
    "make_plan",
    "maps",
    "nearest",
    "rank_sites",
    "reached_streets",
    "read_osm",
    "read_table",
    "report",
    "route",
    "service_areas",
    "totals",
    "walks",
    "within_reach",
]
__version__ = "0.1.0"

_LATE = {
    "OsmLayers": "load.osm",
    "Plan": "plan",
    "Project": "load.project",
    "convert_datum": "coordinates",
    "load_project": "load.project",
    "make_plan": "plan",
    "read_osm": "load.osm",
    "read_table": "load.files",
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
