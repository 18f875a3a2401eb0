"""CGCS2000, the national grid: its zones by code, and which zone numbers in metres fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS

from communityplan.errors import OptionError

__all__ = ["Cgcs2000", "cgcs2000_crs", "recognise_cgcs2000"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Cgcs2000:
    """What metric coordinates look like if they are CGCS2000.

    Attributes
    ----------
    epsg : tuple of int
        Codes of the zones that fit, the likeliest first; empty when none does.
    swapped : bool
        Whether northing and easting stand in each other's place: Chinese surveyors call the
        northing x.
    """

    epsg: tuple[int, ...]
    swapped: bool


def cgcs2000_crs(
    *, meridian: float | None = None, zone: int | None = None, prefixed: bool = False
) -> CRS:
    """CGCS2000: in degrees (EPSG 4490), or in metres in a three-degree Gauss-Kruger zone.

    Parameters
    ----------
    meridian : float, optional
        Central meridian [degrees east], a multiple of 3 from 75 to 135.
    zone : int, optional
        Number of the zone, 25 to 45, in place of the meridian.
    prefixed : bool
        Whether eastings begin with the number of the zone (EPSG 4513 to 4533) or not (EPSG 4534
        to 4554).

    Returns
    -------
    pyproj.CRS

    Raises
    ------
    OptionError
        For a meridian or a zone that is not one, or both at once.

    Examples
    --------
    >>> from communityplan.coordinates import cgcs2000_crs
    >>> cgcs2000_crs().to_epsg(), cgcs2000_crs(meridian=117).to_epsg()
    (4490, 4548)
    >>> cgcs2000_crs(zone=39, prefixed=True).to_epsg()
    4527
    """
    if meridian is not None and zone is not None:
        raise OptionError("give the meridian or the zone, not both")
    if meridian is None and zone is None:
        return CRS.from_epsg(4490)
    number = zone if zone is not None else float(meridian or 0.0) / 3.0
    if number not in range(25, 46):
        raise OptionError(
            f"no three-degree zone at meridian={meridian}, zone={zone}; meridians are multiples "
            "of 3 from 75 to 135 degrees east, zones go from 25 to 45"
        )
    return CRS.from_epsg((4513 if prefixed else 4534) + int(number) - 25)


def recognise_cgcs2000(
    x: ArrayLike, y: ArrayLike, *, near: tuple[float, float] | None = None
) -> Cgcs2000:
    """Which CGCS2000 zones metric coordinates fit, and whether their axes are swapped.

    An easting of eight digits names its zone; one of six digits fits every zone, and only a place
    nearby tells which. Xi'an 1980 and Beijing 1954 use the same numbers some 100 m away, so this
    never proves that coordinates are CGCS2000.

    Parameters
    ----------
    x, y : array of float
        Coordinates [m], in either order.
    near : (float, float), optional
        Longitude and latitude [degrees] of a place within about 200 km.

    Returns
    -------
    Cgcs2000

    Examples
    --------
    >>> from communityplan.coordinates import recognise_cgcs2000
    >>> recognise_cgcs2000([39453638.9], [4415000.0])
    Cgcs2000(epsg=(4527,), swapped=False)
    >>> recognise_cgcs2000([4415000.0], [453638.9], near=(116.46, 39.88))
    Cgcs2000(epsg=(4548,), swapped=True)
    """
    pair = [np.asarray(side, dtype=np.float64).ravel() for side in (x, y)]
    finite = np.isfinite(pair[0]) & np.isfinite(pair[1])
    if not finite.any():
        return Cgcs2000((), swapped=False)
    east, north = pair[0][finite], pair[1][finite]
    if _is_northing(north) and _is_easting(east):
        return Cgcs2000(_zones(east, north, near), swapped=False)
    if _is_northing(east) and _is_easting(north):
        return Cgcs2000(_zones(north, east, near), swapped=True)
    return Cgcs2000((), swapped=False)


def _is_northing(values: Floats) -> bool:
    """China lies 400 to 6,000 km north of the equator."""
    return bool(((values > 0.4e6) & (values < 6.0e6)).all()) and bool(np.median(values) > 1.0e6)


def _is_easting(values: Floats) -> bool:
    """Six digits round the false easting of 500 km, perhaps after the number of the zone."""
    zone = np.floor(values / 1e6)
    known = ((zone >= 13) & (zone <= 23)) | ((zone >= 25) & (zone <= 45)) | (zone == 0)
    offset = np.abs(values - zone * 1e6 - 5e5)
    return bool((known & (offset < 3.6e5)).all()) and len(np.unique(zone > 0)) == 1


def _zones(east: Floats, north: Floats, near: tuple[float, float] | None) -> tuple[int, ...]:
    numbers = np.unique(np.floor(east / 1e6)).astype(int)
    if numbers[0] > 0:
        # 13 to 23 are six-degree zones, 25 to 45 three-degree ones
        return tuple(int(n) + (4488 if n >= 25 else 4478) for n in numbers)
    meridians = 75.0 + 3.0 * np.arange(21)
    if near is None:
        return tuple(range(4534, 4555))
    # where the coordinates would lie in each zone, to some ten kilometres
    lat = np.median(north) / 110_900.0
    km = 111.3 * np.cos(np.radians(lat))
    lon = meridians + (np.median(east) - 5e5) / (1000.0 * km)
    away = np.hypot((lon - near[0]) * km, (lat - near[1]) * 111.0)
    order = np.argsort(away, kind="stable")
    return tuple(int(4534 + i) for i in order if away[i] < 200.0)
