"""Walking service circles of old residential communities, and which idle building to open."""

from communityplan.coverage import coverage, home_access, totals
from communityplan.errors import CommunityPlanError
from communityplan.network import WalkNetwork
from communityplan.reach import nearest, reached_streets, service_areas, walks
from communityplan.standards import SERVICES, WALKERS
from communityplan.walker import Walker

__all__ = [
    "SERVICES",
    "WALKERS",
    "CommunityPlanError",
    "WalkNetwork",
    "Walker",
    "coverage",
    "home_access",
    "nearest",
    "reached_streets",
    "service_areas",
    "totals",
    "walks",
]
__version__ = "0.1.0"
