"""Networks and questions of the search benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

SPEED_M_S = 4.8 / 3.6
LIEGE = Path(__file__).parents[2] / "shared" / "data" / "liege" / "liege_fua_streets.parquet"


@dataclass(frozen=True, eq=False)
class Town:
    """Undirected network: N nodes with places, E edges with seconds in multiples of 2**-24 s."""

    name: str
    xy: np.ndarray
    tail: np.ndarray
    head: np.ndarray
    seconds: np.ndarray

    @property
    def n_nodes(self) -> int:
        return len(self.xy)


@dataclass(frozen=True, eq=False)
class Questions:
    """J1 to J3: 2,000 facilities (the first 200 for k = 1), 20,000 origins, 900 s."""

    facilities: np.ndarray
    origins: np.ndarray
    capacity: np.ndarray
    people: np.ndarray
    limits_s: tuple[float, ...] = (300.0, 600.0, 900.0)

    @property
    def limit_s(self) -> float:
        return self.limits_s[-1]


def in_ticks(seconds: np.ndarray) -> np.ndarray:
    """Multiples of 60 ns: sums are exact for every library, and answers can be compared to 0."""
    return np.rint(seconds * 2.0**24) / 2.0**24


def liege() -> Town:
    """The urban area of Liège (uscuni/neatnet, BSD-3): straight pieces of streets."""
    import geopandas as gpd
    import shapely

    lines = gpd.read_parquet(LIEGE).geometry.to_numpy()
    ends = np.concatenate(
        [shapely.get_coordinates(shapely.get_point(lines, place)) for place in (0, -1)]
    )
    xy, node = np.unique(ends.round(3), axis=0, return_inverse=True)
    tail, head = np.split(node, 2)
    return Town("liege", xy, tail, head, in_ticks(shapely.length(lines) / SPEED_M_S))


def synthetic(side: int = 1028, seed: int = 0) -> Town:
    """A shaken square grid without a quarter of its edges, nodes in random order."""
    rng = np.random.default_rng(seed)
    node = np.arange(side * side).reshape(side, side)
    tail = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    head = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    keep = rng.random(len(tail)) > 0.25
    row, column = np.divmod(node.ravel(), side)
    place = 60.0 * np.column_stack([column, row]) + rng.uniform(-18, 18, (side * side, 2))
    number = rng.permutation(side * side)
    xy = np.empty_like(place)
    xy[number] = place
    tail, head = number[tail[keep]], number[head[keep]]
    length = np.hypot(*(xy[tail] - xy[head]).T)
    return Town(f"synthetic_{side * side}", xy, tail, head, in_ticks(length / SPEED_M_S))


def questions(town: Town, seed: int = 0) -> Questions:
    rng = np.random.default_rng(seed)
    facilities = rng.choice(town.n_nodes, 2000, replace=False)
    origins = rng.choice(town.n_nodes, 20_000, replace=False)
    capacity = rng.integers(1, 100, 2000).astype(float)
    return Questions(facilities, origins, capacity, rng.integers(1, 100, 20_000).astype(float))
