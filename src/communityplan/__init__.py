"""Walking service circles of old residential communities, and which idle building to open."""

from communityplan.coordinates import convert_datum
from communityplan.coverage import coverage, home_access, totals
from communityplan.errors import CommunityPlanError
from communityplan.load.files import read_table
from communityplan.load.osm import OsmLayers, read_osm
from communityplan.load.project import Project, load_project
from communityplan.network import WalkNetwork
from communityplan.plan import Plan, make_plan
from communityplan.reach import nearest, reached_streets, service_areas, walks
from communityplan.siting import rank_sites
from communityplan.standards import SERVICES, WALKERS
from communityplan.walker import Walker

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
    "nearest",
    "rank_sites",
    "reached_streets",
    "read_osm",
    "read_table",
    "service_areas",
    "totals",
    "walks",
]
__version__ = "0.1.0"
