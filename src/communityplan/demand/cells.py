"""Cells of a raster on the ground: homes in them, their corners and their area."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from communityplan.coordinates.raster import Raster, to_pixels, to_places
from communityplan.demand.spread import Shares
from communityplan.errors import TooLargeError

__all__ = ["AT_A_TIME", "cell_corners", "cell_shares", "square_km"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

AT_A_TIME = 200_000
"""Cells whose place is worked out in one go."""

MOST_SHARES = 50_000_000
"""More parts of homes in cells than this are refused: the cells are far smaller than houses."""


def cell_shares(homes: gpd.GeoDataFrame, raster: Raster) -> Shares:
    """Parts of homes in cells; outlines are cut in the raster's own squares.

    Parameters
    ----------
    homes : GeoDataFrame
        With ``floor_area_m2`` [m2].
    raster : Raster

    Returns
    -------
    Shares
        Zones are cells, counted row by row.

    Raises
    ------
    TooLargeError
        Where cells are so small that homes reach into more than `MOST_SHARES` of them.
    """
    shapes = shapely.transform(
        shapely.force_2d(homes.geometry.to_numpy()),
        lambda xy: to_pixels(raster, xy, crs=homes.crs),
    )
    rows, columns = raster.cells.shape
    box = shapely.bounds(shapes)
    first = np.floor(box[:, :2]).astype(np.int64)
    last = np.maximum(np.ceil(box[:, 2:]).astype(np.int64) - 1, first)
    # what lies on the far rim of the raster belongs to its last cells
    rim = np.array([columns, rows])
    first = np.where(box[:, :2] == rim, rim - 1, first)
    last = np.where(box[:, :2] == rim, rim - 1, last)
    first, last = np.clip(first, -1, rim), np.clip(last, -1, rim)
    size = last - first + 1
    count = size.prod(axis=1)
    if count.sum() > MOST_SHARES:
        raise TooLargeError(
            f"{raster.name}: the homes reach into {count.sum()} cells; use a coarser raster"
        )
    home = np.repeat(np.arange(len(shapes)), count)
    number = np.arange(len(home)) - np.repeat(np.cumsum(count) - count, count)
    column = first[home, 0] + number % size[home, 0]
    row = first[home, 1] + number // size[home, 0]
    part = _part_inside(shapes, home, column, row, count)
    floor_m2 = homes["floor_area_m2"].to_numpy(dtype=np.float64)[home] * part
    held = (column >= 0) & (column < columns) & (row >= 0) & (row < rows) & (floor_m2 > 0)
    return Shares((row * columns + column)[held], home[held], floor_m2[held])


def _part_inside(shapes: Shapes, home: Ints, column: Ints, row: Ints, count: Ints) -> Floats:
    """Share of each home's outline in each of the cells that it reaches into."""
    part = np.ones(len(home))
    several = np.flatnonzero(count[home] > 1)
    at = np.stack([column, row])[:, several].astype(np.float64)
    squares = shapely.box(at[0], at[1], at[0] + 1, at[1] + 1)
    common = shapely.area(shapely.intersection(shapes[home[several]], squares))
    part[several] = common / shapely.area(shapes)[home[several]]
    return part


def cell_corners(raster: Raster, cells: Ints, crs: Any) -> Floats:
    """The four corners of cells, shape (C, 4, 2)."""
    columns = raster.cells.shape[1]
    first = np.stack([cells % columns, cells // columns], axis=1)[:, None, :]
    pixels = first + np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    return to_places(raster, pixels.reshape(-1, 2).astype(np.float64), crs=crs).reshape(-1, 4, 2)


def square_km(raster: Raster, cells: Ints) -> Floats:
    """Area of cells on the ground [km2], whatever the projection of the raster."""
    rows, columns = raster.cells.shape
    middle = to_places(raster, np.array([[columns / 2, rows / 2]]), crs="EPSG:4326")[0]
    equal = pyproj.CRS.from_proj4(
        f"+proj=laea +lon_0={middle[0]} +lat_0={middle[1]} +datum=WGS84 +units=m"
    )
    km2 = np.empty(len(cells))
    for first in range(0, len(cells), AT_A_TIME):
        some = slice(first, first + AT_A_TIME)
        x, y = np.moveaxis(cell_corners(raster, cells[some], equal), 2, 0)
        # the shoelace formula, about the first corner
        x, y = x - x[:, :1], y - y[:, :1]
        twice = (x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y).sum(axis=1)
        km2[some] = np.abs(twice) / 2e6
    return km2
