"""Reached streets and service areas: the exact parts of edges within a limit, and their outline.

An area is everything within a stated margin of a reached street. Areas of smaller limits lie in
those of larger ones, whatever other limits were asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.errors import OptionError
from communityplan.network import WalkNetwork
from communityplan.reach.drawing import Area, draw
from communityplan.reach.ends import Places, places
from communityplan.reach.parts import cut_lines, joined_parts, reached_parts
from communityplan.reach.shared import one_walker
from communityplan.tables import record
from communityplan.walker import Walker

__all__ = ["limits_of", "reached_streets", "service_areas"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STREET_MARGIN_M = 40.0
"""Doors within this distance of a reached street lie in the area, unless told otherwise [m]."""


def reached_streets(
    network: WalkNetwork,
    points: gpd.GeoDataFrame,
    *,
    walker: Walker | str,
    within_min: float,
    direction: str = "there",
) -> gpd.GeoDataFrame:
    """The streets from which people reach a point within a limit, cut where the limit ends.

    Parameters
    ----------
    network : WalkNetwork
    points : GeoDataFrame
        Facilities or other points.
    walker : Walker or str
    within_min : float
        Limit for the whole walk, with the way from the point to its street [min].
    direction : {"there", "back"}
        From the streets to the point, or from the point to the streets.

    Returns
    -------
    GeoDataFrame
        One line per point and part of an edge: ``point_id``, ``edge``, ``length_m``. Streets of an
        enclosed community count as its own people walk them.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> import communityplan as cp
    >>> street = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (900, 0)])], crs=32650)
    >>> network = cp.WalkNetwork.from_streets(street)
    >>> shop = gpd.GeoDataFrame({"facility_id": ["f"]}, geometry=[shapely.Point(200, 0)], crs=32650)
    >>> slow = cp.Walker("slow", 1.0)
    >>> cp.reached_streets(network, shop, walker=slow, within_min=5)["length_m"].round(6).tolist()
    [500.0]
    """
    person = one_walker(walker)
    found = places(network, points, walker=person, where="points")
    limits_s = [limit * 60.0 for limit in limits_of([within_min], name="within_min")]
    part = reached_parts(network, found, person, limits_s, direction)[limits_s[0]]
    lines = cut_lines(network.edges.geometry.to_numpy()[part.edge], part.start, part.stop)
    result = gpd.GeoDataFrame(
        {
            "point_id": found.ids[part.group],
            "edge": part.edge,
            "length_m": (part.stop - part.start) * network.edges["length_m"].to_numpy()[part.edge],
        },
        geometry=lines,
        crs=network.crs,
    )
    return record(result, walker=person.facts(), within_min=float(within_min), direction=direction)


def service_areas(
    network: WalkNetwork,
    facilities: gpd.GeoDataFrame,
    *,
    walker: Walker | str,
    minutes: Sequence[float] = (5, 10, 15),
    merge: bool = False,
    direction: str = "there",
    margin_m: float = STREET_MARGIN_M,
) -> gpd.GeoDataFrame:
    """The area from which people reach each facility within each limit.

    Parameters
    ----------
    network : WalkNetwork
    facilities : GeoDataFrame
        Points or areas.
    walker : Walker or str
    minutes : sequence of float
        Limits [min].
    merge : bool
        One area per limit for all facilities of a service (column ``service``) together.
    direction : {"there", "back"}
    margin_m : float
        Doors this near to a reached street lie in the area [m].

    Returns
    -------
    GeoDataFrame
        One row per facility (or service) and limit: ``facility_id`` (or ``service``, or none),
        ``within_min``, ``street_km`` reached, ``inside_share`` (share of the reached length that
        lies in the area) and ``false_share`` (share of the street length in the area that is
        beyond the limit), both measured every 5 m; the geometry is a Polygon or MultiPolygon, empty
        where the facility joins no street.

    Notes
    -----
    The margin always takes in ends of streets beyond the limit and streets alongside reached
    ones; ``false_share`` says how much. What a wall separates from every reached street is left
    out. For who is served use `coverage`, which asks every home.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> import communityplan as cp
    >>> street = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (900, 0)])], crs=32650)
    >>> network = cp.WalkNetwork.from_streets(street)
    >>> shop = gpd.GeoDataFrame({"facility_id": ["f"]}, geometry=[shapely.Point(0, 0)], crs=32650)
    >>> areas = cp.service_areas(network, shop, walker=cp.Walker("slow", 1.0), minutes=[5, 10])
    >>> areas[["facility_id", "within_min", "street_km"]]
      facility_id  within_min  street_km
    0           f         5.0        0.3
    1           f        10.0        0.6
    """
    person = one_walker(walker)
    found = places(network, facilities, walker=person, where="facilities")
    limits_s = [limit * 60.0 for limit in limits_of(minutes)]
    if not _is_metres(margin_m):
        raise OptionError(f"margin_m is {margin_m!r}: give metres above 0")
    if merge not in (True, False):
        raise OptionError(f"merge is {merge!r}: give True or False")
    label, names = _labels(found, merge)
    parts = reached_parts(network, found, person, limits_s, direction)
    if merge:
        parts = {
            limit_s: joined_parts(label[part.group], part.edge, part.start, part.stop)
            for limit_s, part in parts.items()
        }
    table = _area_table(network, draw(network, parts, margin_m), names, limits_s)
    table = table.rename(columns={"label": _label_column(found, merge)})
    return record(
        table if "" not in table.columns else table.drop(columns=""),
        walker=person.facts(),
        minutes=[limit_s / 60.0 for limit_s in limits_s],
        direction=direction,
        margin_m=float(margin_m),
        merge=merge,
    )


def limits_of(minutes: float | Iterable[float], *, name: str = "minutes") -> list[float]:
    """Limits in ascending order, from one number or several.

    Parameters
    ----------
    minutes : float or iterable of float
        Limits [min].
    name : str
        What the option is called in messages.

    Returns
    -------
    list of float
        Minutes.

    Raises
    ------
    OptionError
        For no limit, or one that is no finite number of minutes.

    Examples
    --------
    >>> from communityplan.reach.areas import limits_of
    >>> limits_of(5), limits_of([15, 5])
    ([5.0], [5.0, 15.0])
    """
    try:
        given = [minutes] if isinstance(minutes, (int, float, np.number)) else list(minutes)
        # "15" is no list of 1 and 5, and yes is no number of minutes
        if any(isinstance(limit, (str, bytes, bool, np.bool_)) for limit in [minutes, *given]):
            raise TypeError
        limits = sorted({float(limit) for limit in given})
    except (TypeError, ValueError):
        raise OptionError(f"{name} is {minutes!r}: give numbers such as 5, 10, 15") from None
    if not limits or not all(np.isfinite(limit) and limit >= 0 for limit in limits):
        raise OptionError(f"{name} is {minutes!r}: give at least one finite limit, 0 or more")
    return limits


def _is_metres(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        return False
    return 0 < float(value) < np.inf


def _label_column(found: Places, merge: bool) -> str:
    if not merge:
        return "facility_id"
    return "service" if "service" in found.table.columns else ""


def _labels(found: Places, merge: bool) -> tuple[Ints, NDArray[np.object_]]:
    """Which area each facility belongs to, and the areas' names."""
    if not merge:
        return np.arange(len(found.ids)), found.ids
    if "service" not in found.table.columns:
        return np.zeros(len(found.ids), dtype=np.int64), np.array(["all"], dtype=object)
    label, names = pd.factorize(found.table["service"].map(str), sort=True)
    return np.asarray(label, dtype=np.int64), np.asarray(names, dtype=object)


def _area_table(
    network: WalkNetwork,
    areas: list[Area],
    names: NDArray[np.object_],
    limits_s: list[float],
) -> gpd.GeoDataFrame:
    """Every name with every limit; no street reached is an empty area."""
    size = len(names) * len(limits_s)
    shapes = np.full(size, shapely.Polygon(), dtype=object)
    shares = np.full((size, 3), [0.0, np.nan, np.nan])
    row = [area.number * len(limits_s) + limits_s.index(area.limit_s) for area in areas]
    shapes[row] = [area.shape for area in areas]
    if areas:
        shares[row] = [(area.street_km, area.inside_share, area.false_share) for area in areas]
    return gpd.GeoDataFrame(
        {
            "label": np.repeat(names, len(limits_s)),
            "within_min": np.tile(np.array(limits_s) / 60.0, len(names)),
            "street_km": shares[:, 0],
            "inside_share": shares[:, 1],
            "false_share": shares[:, 2],
        },
        geometry=shapes,
        crs=network.crs,
    )
