"""Toy towns whose minutes can be worked out in the head."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import shapely

CRS = "EPSG:32650"


def grid_streets(n: int, spacing_m: float) -> gpd.GeoDataFrame:
    """A square grid of (2n + 1) by (2n + 1) nodes around the origin, one line per block."""
    at = np.arange(-n, n + 1) * spacing_m
    lines = []
    for i, a in enumerate(at):
        for b, c in itertools.pairwise(at):
            lines.append(shapely.LineString([(b, at[i]), (c, at[i])]))
            lines.append(shapely.LineString([(a, b), (a, c)]))
    return gpd.GeoDataFrame(geometry=lines, crs=CRS)


def points(xy: list[tuple[float, float]], **columns: object) -> gpd.GeoDataFrame:
    """Points in the toy coordinate system."""
    return gpd.GeoDataFrame(columns, geometry=[shapely.Point(p) for p in xy], crs=CRS)


def lines(*coordinates: list[tuple[float, float]], **columns: object) -> gpd.GeoDataFrame:
    """Lines in the toy coordinate system."""
    return gpd.GeoDataFrame(columns, geometry=[shapely.LineString(c) for c in coordinates], crs=CRS)
