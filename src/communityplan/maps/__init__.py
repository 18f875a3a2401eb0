"""Tables to maps that open with no network, and to plots; they draw and never compute."""

from communityplan.maps.compare import compare_map
from communityplan.maps.coverage import coverage_map
from communityplan.maps.offline import save_offline
from communityplan.maps.plots import plot_budget, plot_cumulative, plot_equity, plot_ranking

__all__ = [
    "compare_map",
    "coverage_map",
    "plot_budget",
    "plot_cumulative",
    "plot_equity",
    "plot_ranking",
    "save_offline",
]
