"""Walking service circles of old residential communities, and which idle building to open."""

from communityplan.errors import CommunityPlanError
from communityplan.standards import SERVICES, WALKERS
from communityplan.walker import Walker

__all__ = ["SERVICES", "WALKERS", "CommunityPlanError", "Walker"]
__version__ = "0.1.0"
