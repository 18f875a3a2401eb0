"""WGS-84, GCJ-02 and BD-09: the public formulas, both ways, for arrays and whole geometries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.errors import OptionError
from communityplan.tables import record

__all__ = [
    "CHINA_BOX",
    "DATUMS",
    "DATUM_USERS",
    "LONLAT_NAMES",
    "convert_datum",
]

Floats = NDArray[np.float64]

DATUMS = ("wgs84", "gcj02", "bd09")

DATUM_USERS = (
    "'wgs84' for GPS, OpenStreetMap, Tianditu (天地图) and CGCS2000, "
    "'gcj02' for Amap (高德), Tencent (腾讯) and Google in China, 'bd09' for Baidu (百度)"
)
"""Who uses which datum, for messages."""

LONLAT_NAMES = (
    ("lon", "lat"),
    ("lng", "lat"),
    ("long", "lat"),
    ("longitude", "latitude"),
    ("经度", "纬度"),
    ("x", "y"),
)
"""Names of columns with longitudes and latitudes, the first that fit count."""

CHINA_BOX = (72.004, 0.8293, 137.8347, 55.8271)
"""West, south, east, north [degrees]: the box in which the public formulas shift coordinates."""

# Krasovsky 1940, on which the public formula of GCJ-02 rests
_SEMI_MAJOR_M = 6378245.0
_ECCENTRICITY2 = 0.00669342162296594323
_ORIGIN = (105.0, 35.0)

_BAIDU_EAST, _BAIDU_NORTH = 0.0065, 0.006
_BAIDU_WAVE = np.pi * 3000.0 / 180.0

# each round divides the error by at least 400 for GCJ-02 and by 40 for BD-09; the number is fixed
# so that a point gives the same bits whatever points come with it
_GCJ_ROUNDS = 4
_BAIDU_ROUNDS = 5

# so many points stay in a processor's cache, which makes the formula three times as fast
_AT_ONCE = 8192


def convert_datum(table_or_xy: Any, *, source: str, target: str) -> Any:
    """The same places in another datum; whole geometries are converted vertex by vertex.

    Parameters
    ----------
    table_or_xy : GeoDataFrame, GeoSeries, DataFrame, geometry or pair of arrays
        Geometry in degrees, under whatever geographic label it carries; a table with a column of
        longitudes and one of latitudes (`LONLAT_NAMES`); or longitudes and latitudes [degrees] of
        the same shape.
    source, target : {"wgs84", "gcj02", "bd09"}
        The datum the coordinates are in, and the one they are wanted in.

    Returns
    -------
    GeoDataFrame, GeoSeries, DataFrame, geometry or pair of arrays
        A converted copy of what was given; heights, empty geometry and the label of the
        coordinate system stay as they are. Points outside `CHINA_BOX`, and those that are not
        numbers, come back unchanged.

    Raises
    ------
    OptionError
        For a datum that is not known, coordinates that are not degrees, arrays that differ in
        shape, a table in which no two columns are named as longitude and latitude, or points that
        are given one by one.

    Notes
    -----
    The way back is found by fixed point and is exact to 1e-10 degrees (0.01 mm). The box is tested
    on the coordinates as given, so within a kilometre of its edge (all of it abroad or at sea)
    there and back does not end at the start. The formulas are the public ones; the real services
    add noise of a few metres that nobody outside can undo.

    References
    ----------
    The constants are those of coord-convert, transbigdata and eviltransform, which agree.

    Examples
    --------
    >>> from communityplan.coordinates import convert_datum
    >>> lon, lat = convert_datum(([121.432966], [31.130154]), source="wgs84", target="bd09")
    >>> print(f"{lon[0]:.8f} {lat[0]:.8f}")
    121.44400198 31.13461178
    """
    convert = _conversion(source, target)
    if isinstance(table_or_xy, gpd.GeoSeries):
        return _convert_series(table_or_xy, convert)
    if isinstance(table_or_xy, gpd.GeoDataFrame):
        moved = _convert_series(table_or_xy.geometry, convert)
        return record(table_or_xy.set_geometry(moved), datum=target, datum_before=source)
    if isinstance(table_or_xy, pd.DataFrame):
        table = _convert_columns(table_or_xy, convert)
        return record(table, datum=target, datum_before=source)
    if isinstance(table_or_xy, shapely.Geometry):
        return _convert_series(gpd.GeoSeries([table_or_xy]), convert).iloc[0]
    return _convert_pair(table_or_xy, convert)


def _convert_columns(
    table: pd.DataFrame, convert: Callable[[Floats, Floats], tuple[Floats, Floats]]
) -> pd.DataFrame:
    names = {str(name).strip().lower(): name for name in table.columns}
    found = [(names[x], names[y]) for x, y in LONLAT_NAMES if x in names and y in names]
    if not found:
        shown = ", ".join(map(str, table.columns))
        wanted = " or ".join(f"{x!r} and {y!r}" for x, y in LONLAT_NAMES)
        raise OptionError(
            f"no columns of longitudes and latitudes among {shown}: name them {wanted}, or give "
            "the pair (table[...], table[...])"
        )
    east, north = found[0]
    moved = table.copy()
    try:
        moved[east], moved[north] = _convert_pair((table[east], table[north]), convert)
    except OptionError as error:
        raise OptionError(f"columns {east!r} and {north!r}: {error}") from error
    return moved


def _conversion(source: str, target: str) -> Callable[[Floats, Floats], tuple[Floats, Floats]]:
    """The function from longitudes and latitudes to new ones, `CHINA_BOX` minded."""
    unknown = [repr(datum) for datum in (source, target) if datum not in DATUMS]
    if unknown:
        raise OptionError(f"no datum {' and '.join(unknown)}; known are {DATUM_USERS}")
    begin, end = DATUMS.index(source), DATUMS.index(target)
    steps = [_FORWARD[i] for i in range(begin, end)] + [
        _BACKWARD[i] for i in range(begin - 1, end - 1, -1)
    ]

    def convert(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        out_lon, out_lat = lon.copy(), lat.copy()
        west, south, east, north = CHINA_BOX
        inside = np.flatnonzero((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))
        for start in range(0, len(inside), _AT_ONCE):
            rows = inside[start : start + _AT_ONCE]
            x, y = lon[rows], lat[rows]
            for step in steps:
                x, y = step(x, y)
            out_lon[rows], out_lat[rows] = x, y
        return out_lon, out_lat

    return convert


def _convert_pair(
    pair: Any, convert: Callable[[Floats, Floats], tuple[Floats, Floats]]
) -> tuple[Floats, Floats]:
    try:
        both = [np.asarray(side, dtype=np.float64) for side in pair]
    except (TypeError, ValueError) as error:
        raise OptionError(
            "give a table or geometry, or a pair of arrays (lon, lat) of numbers"
        ) from error
    if len(both) != 2 or _are_points(both):
        raise OptionError(
            f"these {len(both)} rows look like points, one by one; give two, all longitudes and "
            "all latitudes: numpy.transpose(points)"
        )
    lon, lat = both
    if lon.shape != lat.shape:
        raise OptionError(f"lon has shape {lon.shape} and lat {lat.shape}; they must be the same")
    _refuse_metres(lon.ravel(), lat.ravel())
    x, y = convert(lon.ravel(), lat.ravel())
    return x.reshape(lon.shape), y.reshape(lat.shape)


def _are_points(both: list[Floats]) -> bool:
    """Whether two rows are two points, longitude first, and no longitudes and latitudes."""
    if any(side.shape != (2,) for side in both):
        return False
    lon, lat = np.abs(both).T
    return bool(lat.max() <= 90.0 < lon.min())


def _convert_series(
    shapes: gpd.GeoSeries, convert: Callable[[Floats, Floats], tuple[Floats, Floats]]
) -> gpd.GeoSeries:
    if shapes.crs is not None and not shapes.crs.is_geographic:
        raise OptionError(
            f"datums are converted in degrees, the geometry is in {shapes.crs.name}; "
            "go to degrees first with to_crs(4326)"
        )
    values = shapes.to_numpy()
    moved = values.copy()
    solid = shapely.has_z(values)
    # with include_z flat geometry would gain a height, without it solid geometry would lose its own
    for rows, include_z in ((solid, True), (~solid, False)):
        vertices = shapely.get_coordinates(values[rows], include_z=include_z)
        _refuse_metres(vertices[:, 0], vertices[:, 1])
        vertices[:, 0], vertices[:, 1] = convert(vertices[:, 0].copy(), vertices[:, 1].copy())
        moved[rows] = shapely.set_coordinates(values[rows].copy(), vertices)
    return gpd.GeoSeries(moved, index=shapes.index, crs=shapes.crs, name=shapes.name)


def _refuse_metres(lon: Floats, lat: Floats) -> None:
    far = np.flatnonzero((np.abs(lon) > 360.0) | (np.abs(lat) > 90.0))
    if len(far):
        x, y = lon[far[0]], lat[far[0]]
        hint = "they look swapped" if abs(x) <= 90.0 else "they look like metres"
        raise OptionError(
            f"{len(far)} of {len(lon)} coordinates are no longitude and latitude, the first is "
            f"({x:g}, {y:g}): {hint}; give degrees, longitude first"
        )


def _gcj_offset(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """By how much GCJ-02 lies east and north of WGS-84 [degrees]."""
    x, y = lon - _ORIGIN[0], lat - _ORIGIN[1]
    # sines of multiples of one angle come from the sine and cosine of that angle
    sin_x3, cos_x3 = np.sin(x * (np.pi / 3.0)), np.cos(x * (np.pi / 3.0))
    sin_x = sin_x3 * (3.0 - 4.0 * sin_x3 * sin_x3)
    sin_2x = 2.0 * sin_x * cos_x3 * (4.0 * cos_x3 * cos_x3 - 3.0)
    sin_6x = sin_2x * (3.0 - 4.0 * sin_2x * sin_2x)
    sin_y3 = np.sin(y * (np.pi / 3.0))
    sin_y = sin_y3 * (3.0 - 4.0 * sin_y3 * sin_y3)
    fine = (40.0 / 3.0) * (sin_6x + sin_2x)
    root, product = np.sqrt(np.abs(x)), x * y
    east_m = (
        (300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * product + 0.1 * root + fine)
        + (40.0 / 3.0) * (sin_x + 2.0 * sin_x3)
        + 100.0 * np.sin(x * (np.pi / 12.0))
        + 200.0 * np.sin(x * (np.pi / 30.0))
    )
    north_m = (
        (-100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * product + 0.2 * root + fine)
        + (40.0 / 3.0) * (sin_y + 2.0 * sin_y3)
        + (320.0 / 3.0) * np.sin(y * (np.pi / 12.0))
        + (640.0 / 3.0) * np.sin(y * (np.pi / 30.0))
    )
    # metres to degrees, by the two radii of curvature
    phi = np.radians(lat)
    flat = 1.0 - _ECCENTRICITY2 * np.sin(phi) ** 2
    across_m = _SEMI_MAJOR_M / np.sqrt(flat)
    along_m = across_m * (1.0 - _ECCENTRICITY2) / flat
    return np.degrees(east_m / (across_m * np.cos(phi))), np.degrees(north_m / along_m)


def _wgs_to_gcj(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    east, north = _gcj_offset(lon, lat)
    return lon + east, lat + north


def _gcj_to_wgs(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    x, y = lon, lat
    for _ in range(_GCJ_ROUNDS):
        east, north = _gcj_offset(x, y)
        x, y = lon - east, lat - north
    return x, y


def _gcj_to_bd(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    longer = 1.0 + 2e-5 * np.sin(lat * _BAIDU_WAVE) / np.sqrt(lon * lon + lat * lat)
    turn = 3e-6 * np.cos(lon * _BAIDU_WAVE)
    # the turn is below 3e-6, so two terms of its sine and cosine are exact
    sine, cosine = turn, 1.0 - 0.5 * turn * turn
    x = longer * (lon * cosine - lat * sine)
    y = longer * (lat * cosine + lon * sine)
    return x + _BAIDU_EAST, y + _BAIDU_NORTH


def _bd_to_gcj(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    x, y = lon - _BAIDU_EAST, lat - _BAIDU_NORTH
    for _ in range(_BAIDU_ROUNDS):
        east, north = _gcj_to_bd(x, y)
        x, y = x + (lon - east), y + (lat - north)
    return x, y


_FORWARD = (_wgs_to_gcj, _gcj_to_bd)
_BACKWARD = (_gcj_to_wgs, _bd_to_gcj)
