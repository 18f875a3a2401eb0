"""Rasters: the part of one that a district needs, with its place on the ground.

Elevation and population come as rasters. Whatever makes one useless (no file, no coordinate
system, another district) is told here, with the file and both boxes, and not much later as zeros.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
from numpy.typing import NDArray

from communityplan.errors import DataError, OptionError, Problem, TooLargeError

__all__ = [
    "Raster",
    "RasterSource",
    "cell_size_m",
    "raster_problems",
    "read_raster",
    "sample",
    "to_pixels",
    "to_places",
]

Floats = NDArray[np.float64]
Box = tuple[float, float, float, float]
Transform = tuple[float, float, float, float, float, float]

MOST_CELLS = 100_000_000
"""A larger part of a raster is refused: it would take more than 0.8 GB as numbers."""

FARTHEST = 1e9
"""No coordinate of a raster and no cell is larger than this, in any unit."""

DRIVERS = ("GTiff", "AAIGrid", "EHdr", "ENVI", "HFA", "SRTMHGT", "USGSDEM", "netCDF", "HDF5",
           "GPKG", "XYZ", "GSBG", "GS7BG", "SAGA", "PNG", "JPEG", "JP2OpenJPEG")  # fmt: skip
"""Kinds of files that hold their cells themselves. Those that name others (VRT, web services) are
not read, whatever they are called: their author would choose what this machine opens."""

EDGE_POINTS = 21
"""Points along each side of a box when it is moved to another coordinate system."""


@dataclass(frozen=True, eq=False)
class Raster:
    """Numbers in cells, and where the cells lie.

    Attributes
    ----------
    cells : array of float, shape (rows, columns)
        One number per cell, nan where there is none.
    transform : tuple of six float
        a, b, c, d, e, f: a place ``col`` columns and ``row`` rows from the first corner of the
        first cell has x = a col + b row + c and y = d col + e row + f.
    crs : pyproj.CRS
        Coordinate system of x and y; anything that pyproj understands can be given.
    name : str
        What it is called in messages, mostly its file.
    unit : str
        Unit of the numbers, as the file tells it; empty where it does not.
    whole : tuple of int
        Rows and columns of the whole file.

    Examples
    --------
    >>> import numpy as np
    >>> from communityplan.coordinates.raster import Raster
    >>> Raster(np.zeros((2, 3)), (30, 0, 500000, 0, -30, 3400060), "EPSG:32650").box
    (500000.0, 3400000.0, 500090.0, 3400060.0)
    """

    cells: Floats
    transform: Transform
    crs: pyproj.CRS
    name: str = "raster"
    unit: str = ""
    whole: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        cells = np.ma.filled(np.ma.asarray(self.cells, dtype=np.float64), np.nan)
        if cells.ndim != 2 or not cells.size:
            raise OptionError(f"{self.name}: cells have shape {cells.shape}; give rows, columns")
        transform = tuple(float(number) for number in tuple(self.transform)[:6])
        if not _is_place(transform):
            raise OptionError(f"{self.name}: transform {transform} gives its cells no place")
        object.__setattr__(self, "cells", cells)
        object.__setattr__(self, "transform", transform)
        object.__setattr__(self, "crs", pyproj.CRS.from_user_input(self.crs))
        object.__setattr__(self, "whole", self.whole if any(self.whole) else cells.shape)

    @property
    def box(self) -> Box:
        """West, south, east and north in its own coordinate system."""
        return _box(self.transform, *self.cells.shape)


RasterSource = str | Path | Raster | Any
"""A file, a raster in memory, or an open rasterio dataset."""


def read_raster(
    source: RasterSource, *, near: Box, crs: Any, what: str, band: int = 1, margin_cells: int = 2
) -> Raster:
    """The part of a raster that covers a box.

    Parameters
    ----------
    source : str, Path, Raster or rasterio dataset
    near : tuple of float
        Least x, least y, greatest x, greatest y of what the raster is needed for.
    crs : object
        Coordinate system of `near`.
    what : str
        What the box holds, for messages: ``"the streets"``.
    band : int
        Band of the file, from 1.
    margin_cells : int
        Cells read around the box.

    Returns
    -------
    Raster
        Values with the file's scale and offset, nan where it has no data.

    Raises
    ------
    DataError
        Names the file; for one that does not overlap, both boxes.
    TooLargeError
        For a part of more than `MOST_CELLS` cells.
    """
    need = _Need(near, crs, what, margin_cells)
    if isinstance(source, Raster):
        rows, columns = _part(source, source.cells.shape, need)
        place = _shifted(source.transform, rows.start, columns.start)
        return replace(source, cells=source.cells[rows, columns], transform=place)
    if isinstance(source, (str, Path)):
        with _opened(Path(source)) as dataset:
            return _read(dataset, need, band)
    return _read(source, need, band)


def raster_problems(
    source: str | Path, *, near: Box, crs: Any, what: str, band: int = 1
) -> list[Problem]:
    """What makes a raster useless for a place, without reading its cells.

    Parameters
    ----------
    source, near, crs, what, band
        As for `read_raster`; a file.

    Returns
    -------
    list of Problem
        Empty for a raster with a coordinate system that overlaps with the box; one for a file that
        is not there, is no raster, has no place on Earth or lies elsewhere (both boxes are named).

    Examples
    --------
    >>> from communityplan.coordinates.raster import raster_problems
    >>> near = (500000.0, 3400000.0, 500900.0, 3400900.0)
    >>> raster_problems("none.tif", near=near, crs=32650, what="the streets")[0].found
    'there is no such file'
    """
    try:
        with _opened(Path(source)) as dataset:
            _part(_frame(dataset, band), dataset.shape, _Need(near, crs, what, 0))
    except DataError as error:
        return list(error.problems)
    except (OptionError, TooLargeError) as error:
        return [Problem(str(source), str(error), "Give another band, or a coarser raster")]
    return []


def to_pixels(raster: Raster, xy: Floats, *, crs: Any) -> Floats:
    """Columns and rows of places, counted with fractions from the first corner.

    Parameters
    ----------
    raster : Raster
    xy : array of float, shape (P, 2)
    crs : object
        Coordinate system of `xy`.

    Returns
    -------
    array of float, shape (P, 2)
        Column and row; the middle of the first cell is at 0.5, 0.5.
    """
    return _pixels(raster.transform, _moved(np.asarray(xy, dtype=np.float64), crs, raster.crs))


def to_places(raster: Raster, pixels: Floats, *, crs: Any) -> Floats:
    """Coordinates of columns and rows, the other way round than `to_pixels`.

    Parameters
    ----------
    raster : Raster
    pixels : array of float, shape (P, 2)
        Column and row.
    crs : object
        Coordinate system that is wanted.

    Returns
    -------
    array of float, shape (P, 2)
    """
    return _moved(_places(raster.transform, pixels), raster.crs, crs)


def sample(raster: Raster, xy: Floats, *, crs: Any) -> Floats:
    """Numbers between the middles of cells, bilinear.

    Parameters
    ----------
    raster : Raster
    xy : array of float, shape (P, 2)
    crs : object
        Coordinate system of `xy`.

    Returns
    -------
    array of float, shape (P,)
        Nan outside the raster and where the cell has no data. Beside a cell without data, or
        beyond the middle of the last cell, the cells that are left share its weight.

    Examples
    --------
    >>> import numpy as np
    >>> from communityplan.coordinates.raster import Raster, sample
    >>> ramp = Raster([[0.0, 10.0], [0.0, 10.0]], (30, 0, 0, 0, -30, 60), "EPSG:32650")
    >>> sample(ramp, np.array([[15.0, 30.0], [30.0, 30.0], [90.0, 30.0]]), crs="EPSG:32650")
    array([ 0.,  5., nan])
    """
    pixels = to_pixels(raster, xy, crs=crs)
    rows, columns = raster.cells.shape
    inside = np.asarray(((pixels >= 0) & (pixels <= (columns, rows))).all(axis=1))
    held = np.where(inside[:, None], pixels, 0.5)
    first = np.floor(held - 0.5)
    share = held - 0.5 - first
    total, weight = np.zeros(len(xy)), np.zeros(len(xy))
    for across in (0, 1):
        for down in (0, 1):
            column, row = (first + np.array([across, down])).astype(np.int64).T
            value = raster.cells[row.clip(0, rows - 1), column.clip(0, columns - 1)]
            known = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
            known &= ~np.isnan(value)
            part = np.abs(1 - across - share[:, 0]) * np.abs(1 - down - share[:, 1]) * known
            total += part * np.where(known, value, 0.0)
            weight += part
    own = np.minimum(np.floor(held).astype(np.int64), (columns - 1, rows - 1))
    inside &= ~np.isnan(raster.cells[own[:, 1], own[:, 0]])
    return np.where(inside & (weight > 0), total / np.where(weight > 0, weight, 1.0), np.nan)


def cell_size_m(raster: Raster, *, crs: Any) -> float:
    """The longer side of a cell in the middle of the raster [m].

    Parameters
    ----------
    raster : Raster
    crs : object
        A coordinate system in metres.
    """
    rows, columns = raster.cells.shape
    middle = np.array([columns / 2, rows / 2])
    corners = middle + np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    x, y = _moved(_places(raster.transform, corners), raster.crs, crs).T
    return float(np.hypot(x[1:] - x[0], y[1:] - y[0]).max())


def _opened(path: Path) -> Any:
    import rasterio

    if not path.is_file():
        raise DataError([Problem(str(path), "there is no such file", "Check the path")])
    if not path.stat().st_size:
        raise DataError([Problem(str(path), "the file is empty", "Get it again")])
    try:
        with warnings.catch_warnings(), rasterio.Env():
            # a raster without a place is refused below, in words
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            # rasterio.open takes one kind only, this takes several
            return rasterio.io.DatasetReader(str(path), driver=list(DRIVERS))
    except rasterio.errors.RasterioIOError as error:
        todo = "Give a raster that holds its cells, such as a GeoTIFF; a list of others is not read"
        raise DataError([Problem(str(path), f"not a raster ({error})", todo)]) from error


@dataclass(frozen=True)
class _Need:
    """What a raster is read for."""

    box: Box
    crs: Any
    what: str
    margin_cells: int


@dataclass(frozen=True)
class _Frame:
    """Where the cells of a file lie, before any is read."""

    transform: Transform
    crs: pyproj.CRS
    name: str


def _frame(dataset: Any, band: int) -> _Frame:
    name = str(dataset.name)
    if dataset.crs is None:
        todo = "Find out which it is and set it, for example with rio edit-info --crs"
        raise DataError([Problem(name, "no coordinate system", todo)])
    if not 1 <= band <= dataset.count:
        raise OptionError(f"{name} has {dataset.count} bands; band is {band}")
    if not _is_place(dataset.transform[:6]):
        found = f"transform {tuple(dataset.transform)[:6]} gives its cells no place"
        raise DataError([Problem(name, found, "Get the file again")])
    return _Frame(tuple(dataset.transform)[:6], pyproj.CRS.from_user_input(dataset.crs), name)


def _read(dataset: Any, need: _Need, band: int) -> Raster:
    import rasterio

    frame = _frame(dataset, band)
    rows, columns = _part(frame, dataset.shape, need)
    window = ((rows.start, rows.stop), (columns.start, columns.stop))
    try:
        # a no-data value that the kind of numbers cannot hold is no reason for a warning
        with np.errstate(invalid="ignore"):
            cells = dataset.read(band, window=window, masked=True).astype(np.float64)
    except rasterio.errors.RasterioIOError as error:
        found = Problem(frame.name, f"damaged ({error})", "Get the file again")
        raise DataError([found]) from error
    numbers = np.ma.filled(cells, np.nan) * dataset.scales[band - 1] + dataset.offsets[band - 1]
    return Raster(
        numbers,
        _shifted(frame.transform, rows.start, columns.start),
        frame.crs,
        name=frame.name,
        unit=_unit(dataset, frame.crs, band),
        whole=dataset.shape,
    )


def _part(raster: Raster | _Frame, shape: tuple[int, int], need: _Need) -> tuple[slice, slice]:
    """Rows and columns of the cells that a box touches, and the margin."""
    try:
        pixels = _pixels(raster.transform, _moved(_outline(need.box), need.crs, raster.crs))
    except pyproj.exceptions.ProjError as error:
        raise _elsewhere(raster, shape, need) from error
    least, most = np.floor(pixels.min(axis=0)), np.ceil(pixels.max(axis=0))
    if not np.isfinite(pixels).all() or (most <= 0).any() or (least >= shape[::-1]).any():
        raise _elsewhere(raster, shape, need)
    first = np.maximum(least - need.margin_cells, 0).astype(int)
    last = np.minimum(np.maximum(most, least + 1) + need.margin_cells, shape[::-1]).astype(int)
    across, down = last - first
    if float(across) * float(down) > MOST_CELLS:
        raise TooLargeError(
            f"{raster.name}: {need.what} lie over {across} by {down} cells, more than "
            f"{MOST_CELLS} together; give a smaller area or a coarser raster"
        )
    return slice(first[1], last[1]), slice(first[0], last[0])


def _elsewhere(raster: Raster | _Frame, shape: tuple[int, int], need: _Need) -> DataError:
    own = _degrees(_outline(_box(raster.transform, *shape)), raster.crs)
    other = _degrees(_outline(need.box), need.crs)
    found = (
        f"it does not overlap with {need.what}: it covers {own}, {need.what} {other} "
        f"(longitude, latitude; the raster is in {raster.crs.name})"
    )
    return DataError([Problem(raster.name, found, "Give the raster of this district")])


def _degrees(outline: Floats, crs: Any) -> str:
    """A box in words, in degrees where its coordinate system can say them."""
    try:
        lonlat = _moved(outline, crs, "EPSG:4326")
    except pyproj.exceptions.ProjError:
        lonlat = outline
    (west, south), (east, north) = lonlat.min(axis=0), lonlat.max(axis=0)
    return f"{west:.4f} to {east:.4f}, {south:.4f} to {north:.4f}"


def _unit(dataset: Any, crs: pyproj.CRS, band: int) -> str:
    """The unit of the values as the band or a vertical coordinate system tells it."""
    if dataset.units[band - 1]:
        return str(dataset.units[band - 1])
    vertical = [part for part in crs.sub_crs_list if part.is_vertical]
    return str(vertical[0].axis_info[0].unit_name) if vertical else ""


def _moved(xy: Floats, source: Any, target: Any) -> Floats:
    move = pyproj.Transformer.from_crs(source, target, always_xy=True).transform
    return np.column_stack(move(xy[:, 0], xy[:, 1]))


def _outline(box: Box) -> Floats:
    """Points along the sides of a box: straight sides bend in another coordinate system."""
    share = np.linspace(0.0, 1.0, EDGE_POINTS)
    x = box[0] + share * (box[2] - box[0])
    y = box[1] + share * (box[3] - box[1])
    sides = [
        np.column_stack([x, np.full_like(x, box[1])]),
        np.column_stack([x, np.full_like(x, box[3])]),
        np.column_stack([np.full_like(y, box[0]), y]),
        np.column_stack([np.full_like(y, box[2]), y]),
    ]
    return np.concatenate(sides)


def _is_place(transform: Sequence[float]) -> bool:
    """Whether six numbers give cells a size and a place on Earth."""
    a, b, _, d, e, _ = transform
    sides = np.hypot([a, b], [d, e])
    on_earth = bool(np.isfinite(transform).all() and np.abs(transform).max() <= FARTHEST)
    return on_earth and bool(np.abs(a * e - b * d) > 1e-6 * sides.prod() > 0)


def _places(transform: Transform, pixels: Floats) -> Floats:
    a, b, c, d, e, f = transform
    return np.asarray(pixels @ np.array([[a, d], [b, e]]) + np.array([c, f]), dtype=np.float64)


def _pixels(transform: Transform, xy: Floats) -> Floats:
    a, b, c, d, e, f = transform
    back = np.linalg.inv(np.array([[a, d], [b, e]]))
    return np.asarray((xy - np.array([c, f])) @ back, dtype=np.float64)


def _shifted(transform: Transform, row: int, column: int) -> Transform:
    a, b, _, d, e, _ = transform
    x, y = _places(transform, np.array([[float(column), float(row)]]))[0]
    return (a, b, float(x), d, e, float(y))


def _box(transform: Transform, rows: int, columns: int) -> Box:
    corners = np.array([[0, 0], [columns, 0], [0, rows], [columns, rows]], dtype=np.float64)
    places = _places(transform, corners)
    (west, south), (east, north) = places.min(axis=0), places.max(axis=0)
    return float(west), float(south), float(east), float(north)
