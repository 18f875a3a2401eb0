"""Whether places make sense: swapped, at zero, off the globe, or far from all others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from communityplan.coordinates import CHINA_BOX
from communityplan.errors import Problem
from communityplan.load.positions import row_at
from communityplan.load.raw import RawTable

__all__ = ["middles_of", "misplaced", "outside_china", "swapped"]

FARTHEST_DEG = 5.0
"""How far a row may lie from the middle of its table [degrees]; a metric system serves no more."""


def middles_of(shapes: NDArray[Any]) -> NDArray[np.float64]:
    """Middle of the extent of each shape."""
    bounds = shapely.bounds(shapes)
    return np.column_stack([bounds[:, 0] + bounds[:, 2], bounds[:, 1] + bounds[:, 3]]) / 2.0


def swapped(raw: RawTable, series: gpd.GeoSeries) -> Problem | None:
    """A table whose latitudes stand where longitudes should."""
    if not series.crs.is_geographic:
        return None
    x, y = np.nanmedian(middles_of(series.to_numpy()), axis=0)
    if _in_china(x, y) or not (abs(y) > 90.0 or _in_china(y, x)):
        return None
    return Problem(
        raw.where,
        f"longitude and latitude look swapped: the middle is at ({x:g}, {y:g})",
        "Give longitude (经度, 73 to 135 in China) and latitude (纬度, 18 to 54) the right way "
        "round, for example with columns={'...': 'lon', '...': 'lat'}",
    )


def misplaced(
    raw: RawTable, middles: NDArray[np.float64], known: Mapping[int, Problem], *, check_spread: bool
) -> dict[int, Problem]:
    """Rows off the globe, at zero, swapped, or far from all others."""
    x, y = middles.T
    placed = np.isfinite(x) & np.isfinite(y)
    off = (np.abs(x) > 180.0) | (np.abs(y) > 90.0)
    zero = (np.abs(x) < 1e-6) & (np.abs(y) < 1e-6)
    turned = _in_china(y, x) & ~_in_china(x, y)
    sound = placed & ~(off | zero | turned)
    centre = np.median(middles[sound], axis=0) if sound.any() else np.zeros(2)
    far = (np.abs(middles - centre) > FARTHEST_DEG).any(axis=1) & check_spread
    found: dict[int, Problem] = {}
    for row in np.flatnonzero(placed & (off | zero | turned | far)):
        if int(row) in known:
            continue
        what = (
            "are swapped" if turned[row]
            else "are both zero" if zero[row]
            else "lie off the globe" if off[row]
            else f"lie far from the middle of the table at ({centre[0]:.4f}, {centre[1]:.4f})"
        )  # fmt: skip
        text = f"its longitude and latitude ({x[row]:.6f}, {y[row]:.6f}) {what}"
        todo = "Correct the coordinates; a table may span ten degrees, or more when crs= is given"
        found[int(row)] = Problem(row_at(raw, int(row)), text, todo)
    return found


def outside_china(middles: NDArray[np.float64]) -> int:
    """How many places lie where datums differ by nothing."""
    x, y = middles.T
    return int((np.isfinite(x) & ~_in_china(x, y)).sum())


def _in_china(lon: Any, lat: Any) -> Any:
    west, south, east, north = CHINA_BOX
    return (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
