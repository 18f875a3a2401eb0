"""Access to places that people compete for, and how equally it is spread."""

from communityplan.access.catchment import (
    balanced_access,
    cumulative_access,
    gravity_access,
    spatial_availability,
    three_step_access,
    two_step_access,
)
from communityplan.access.decay import (
    Decay,
    binary,
    gaussian,
    linear,
    logistic,
    negative_exponential,
    power,
    step,
)
from communityplan.access.equity import (
    concentration_index,
    equity_table,
    gini,
    palma,
    worst_fifth_share,
)
from communityplan.access.service import assign_places, places_per_1000, realised_service

__all__ = [
    "Decay",
    "assign_places",
    "balanced_access",
    "binary",
    "concentration_index",
    "cumulative_access",
    "equity_table",
    "gaussian",
    "gini",
    "gravity_access",
    "linear",
    "logistic",
    "negative_exponential",
    "palma",
    "places_per_1000",
    "power",
    "realised_service",
    "spatial_availability",
    "step",
    "three_step_access",
    "two_step_access",
    "worst_fifth_share",
]
