"""Buildings, population rasters and counts -> people at homes.

People are spread by residential floor area (area by storeys), and every total is kept: whoever is
in a cell or a community is at one of its homes, at the nearest one, or reported as unplaced.
"""

from __future__ import annotations

from communityplan.demand.buildings import M2_PER_PERSON, NO_COMMUNITY, homes_from_buildings
from communityplan.demand.counts import homes_from_counts
from communityplan.demand.raster import homes_from_raster, population_cells
from communityplan.demand.spread import placement

__all__ = [
    "M2_PER_PERSON",
    "NO_COMMUNITY",
    "homes_from_buildings",
    "homes_from_counts",
    "homes_from_raster",
    "placement",
    "population_cells",
]
