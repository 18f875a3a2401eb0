"""Tables to maps that open with no network, and to plots; they draw and never compute."""

from communityplan.maps.coverage import coverage_map
from communityplan.maps.offline import save_offline

__all__ = ["coverage_map", "save_offline"]
