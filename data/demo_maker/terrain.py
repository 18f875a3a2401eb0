"""The ground: a quarter that falls to a river, a hill, a terrace; and the two rasters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from demo_maker import plan
from demo_maker.homes import share

Floats = NDArray[np.float64]
NODATA = -9999.0
CRS = "EPSG:4548"


@dataclass(frozen=True)
class Raster:
    """Square cells in EPSG:4548; row 0 is the northernmost."""

    cells: NDArray[np.float32]
    west: float
    north: float
    size_m: float

    def at(self, xy: Floats) -> Floats:
        """Values between cell centres, bilinear."""
        column = (xy[:, 0] - self.west) / self.size_m - 0.5
        row = (self.north - xy[:, 1]) / self.size_m - 0.5
        i, j = np.floor(row).astype(int), np.floor(column).astype(int)
        down, right = row - i, column - j
        values = self.cells.astype(np.float64)
        upper = values[i, j] * (1 - right) + values[i, j + 1] * right
        lower = values[i + 1, j] * (1 - right) + values[i + 1, j + 1] * right
        return upper * (1 - down) + lower * down


def height_m(xy: Floats) -> Floats:
    """Height of the ground [m] at sheet coordinates."""
    x, y = xy[:, 0], xy[:, 1]
    fall = 34 + 0.0045 * (1400 - x) + 0.003 * (y - 600)
    hill = 24 * np.exp(-(((x - 320) / 150) ** 2) - ((y - 1255) / 150) ** 2)
    # the terrace of the court of 1994 ends in a bank 17 m wide and 5 m high
    bank = _ramp(1384 - y, 17.0) * _ramp(y - 1200, 70.0)
    terrace = 5.0 * bank * _ramp(x - 415, 45.0) * _ramp(690 - x, 70.0)
    underpass = 4.0 * np.exp(-(((x - 765) / 45) ** 2) - ((y - 247) / 45) ** 2)
    river = shapely.LineString(plan.RIVER)
    channel = 3.5 * np.exp(-((shapely.distance(shapely.points(xy), river) / 22) ** 2))
    rough = 0.35 * np.sin(x / 47 + y / 71) + 0.25 * np.sin(y / 39 - x / 90)
    return fall + hill + terrace - underpass - channel + rough


def _ramp(distance: Floats, width: float) -> Floats:
    """A smooth rise from 0 to 1 over the width."""
    t = np.clip(distance / width, 0.0, 1.0)
    return t * t * (3 - 2 * t)


def elevation(bounds: Sequence[float]) -> Raster:
    """Heights [m] in cells of 10 m, to the nearest centimetre."""
    size = 10.0
    west, south = (np.floor(value / size) * size - 50 for value in bounds[:2])
    columns, rows = (
        int((bounds[2] - west) // size) + 6,
        int((bounds[3] - south) // size) + 6,
    )
    north = south + rows * size
    x = west + (np.arange(columns) + 0.5) * size
    y = north - (np.arange(rows) + 0.5) * size
    places = np.column_stack([axis.ravel() for axis in np.meshgrid(x, y)])
    heights = np.round(height_m(plan.sheet(places)), 2).reshape(rows, columns)
    return Raster(heights.astype(np.float32), west, north, size)


def population(homes: Sequence[dict[str, object]], within: shapely.Geometry) -> Raster:
    """People per cell of 100 m, whole numbers that add up to the residents; outside is no data."""
    size = 100.0
    west, south, east, north = within.bounds
    west, south = np.floor(west / size) * size, np.floor(south / size) * size
    columns, rows = int(np.ceil((east - west) / size)), int(np.ceil((north - south) / size))
    top = south + rows * size
    cells = shapely.box(
        *(
            axis.ravel()
            for axis in (
                *np.meshgrid(west + np.arange(columns) * size, top - (np.arange(rows) + 1) * size),
                *np.meshgrid(west + (np.arange(columns) + 1) * size, top - np.arange(rows) * size),
            )
        )
    )
    people = np.where(shapely.intersects(cells, within), 0.0, NODATA)
    for home in homes:
        part = np.round(shapely.area(shapely.intersection(cells, home["geometry"])), 3)
        hit = np.flatnonzero(part)
        people[hit] += share(int(home["residents"]), part[hit])
    return Raster(people.reshape(rows, columns).astype(np.float32), west, top, size)


def write(raster: Raster, path: Path, unit: str) -> None:
    """The raster as a deflated GeoTIFF of one band."""
    import rasterio
    from rasterio.transform import from_origin

    rows, columns = raster.cells.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=rows,
        width=columns,
        count=1,
        dtype="float32",
        crs=CRS,
        transform=from_origin(raster.west, raster.north, raster.size_m, raster.size_m),
        nodata=NODATA,
        compress="deflate",
        predictor=3,
        zlevel=9,
    ) as file:
        file.write(raster.cells, 1)
        file.set_band_description(1, unit)
        file.update_tags(note="synthetic 合成数据")
