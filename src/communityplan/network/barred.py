"""Whether a straight way between a door and a street is barred by a wall or a boundary."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from communityplan.network import WalkNetwork

__all__ = ["is_barred"]

Floats = NDArray[np.float64]
Shapes = NDArray[np.object_]

HAIR_M = 0.01
"""The way to a street may touch a barrier with its ends: this much of them is not looked at [m]."""


def is_barred(network: WalkNetwork, ways: Shapes) -> NDArray[np.bool_]:
    """Whether a straight way crosses a wall, or goes in or out of an enclosed community."""
    barriers = network.barriers
    if not len(ways) or not len(barriers.lines):
        return np.zeros(len(ways), dtype=bool)
    ends = shapely.get_coordinates(ways).reshape(-1, 2, 2)
    length_m = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
    hair = np.minimum(HAIR_M / np.where(length_m > 0, length_m, 1.0), 0.5)[:, None]
    start = ends[:, 0] + hair * (ends[:, 1] - ends[:, 0])
    stop = ends[:, 1] - hair * (ends[:, 1] - ends[:, 0])
    inner = shapely.linestrings(np.stack([start, stop], axis=1))
    barred = np.zeros(len(ways), dtype=bool)
    if "barrier tree" not in network.cache:
        network.cache["barrier tree"] = shapely.STRtree(barriers.lines)
    barred[network.cache["barrier tree"].query(inner, predicate="intersects")[0]] = True
    if len(barriers.compounds):
        # a street along the boundary is outside: from inside it cannot be joined
        for row, areas in _crossed_areas(network, ends).items():
            barred[row] |= bool(areas)
    return barred


def _crossed_areas(network: WalkNetwork, ends: Floats) -> dict[int, set[int]]:
    """Ways with one end strictly inside an enclosed community and the other not."""
    if "compound tree" not in network.cache:
        network.cache["compound tree"] = shapely.STRtree(network.barriers.compounds)
    tree = network.cache["compound tree"]
    crossed: dict[int, set[int]] = {}
    for end in (0, 1):
        row, area = tree.query(shapely.points(ends[:, end]), predicate="within")
        for one, other in zip(row.tolist(), area.tolist(), strict=True):
            crossed.setdefault(one, set()).symmetric_difference_update({other})
    return crossed
