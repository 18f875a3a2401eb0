"""Second implementations that only loop and compare, to hold the fast ones against."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import communityplan as cp


def spaced(line: shapely.LineString, every_m: float) -> list[tuple[float, float]]:
    """Places along a line [0..1] in the middle of equal parts, with the metres each stands for."""
    count = max(1, round(line.length / every_m))
    return [((part + 0.5) / count, line.length / count) for part in range(count)]


def shares_of(
    network: cp.WalkNetwork, reached: gpd.GeoDataFrame, area: shapely.Geometry, *, every_m: float
) -> tuple[float, float, float]:
    """Metres of street reached, the share of them in the area, the share of the area's beyond."""
    own = {edge: list(parts) for edge, parts in reached.groupby("edge").geometry}
    length = in_time = inside = false = 0.0
    for row, line in enumerate(network.edges.geometry):
        if network.edges["kind"].iloc[row] == "gate":
            continue
        for share, metres in spaced(line, every_m):
            spot = line.interpolate(share, normalized=True)
            is_reached = any(part.distance(spot) < 1e-6 for part in own.get(row, []))
            is_inside = area.distance(spot) < 1e-6
            length += metres * is_reached
            in_time += metres * (is_reached and is_inside)
            inside += metres * is_inside
            false += metres * (is_inside and not is_reached)
    return length, in_time / length if length else 1.0, false / inside if inside else 0.0


def crossed(
    way: shapely.LineString, barriers: Iterable[shapely.Geometry], *, step_m: float = 0.02
) -> list[shapely.Point]:
    """Places where a way goes to the other side of a barrier; one that only touches it stays."""
    found = []
    for barrier in barriers:
        met = shapely.get_parts(shapely.intersection(way, barrier))
        for spot in met[shapely.get_type_id(met) == 0]:
            along = way.project(spot)
            around = [way.interpolate(max(along + side, 0.0)) for side in (-step_m, step_m)]
            if shapely.intersects(shapely.LineString(around), barrier):
                found.append(spot)
    return found


def best_set(
    sites: Iterable[str], n_sites: int, worth: Callable[[tuple[str, ...]], float]
) -> float:
    """The largest worth of any set of so many sites, every one of them tried."""
    return max(worth(chosen) for chosen in itertools.combinations(sites, n_sites))


def nearest_of(walks: pd.DataFrame, chosen: Iterable[str]) -> Mapping[str, float]:
    """The shortest walk of each home to any of the sites."""
    found: dict[str, float] = {}
    sites = set(chosen)
    for row in walks.itertuples():
        if row.to_id in sites:
            found[row.from_id] = min(row.walk_min, found.get(row.from_id, np.inf))
    return found
