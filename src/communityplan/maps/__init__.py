"""Tables to maps that open with no network, and to plots; they draw and never compute."""

from communityplan.maps.compare import compare_map
from communityplan.maps.coverage import coverage_map
from communityplan.maps.offline import save_offline

__all__ = ["compare_map", "coverage_map", "save_offline"]
