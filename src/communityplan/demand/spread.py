"""People of zones -> homes, by floor area, with every total kept.

A zone is a cell of a raster, a community or any other area whose people are counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.tables import used

__all__ = ["Placed", "Shares", "area_shares", "nearest_homes", "placement", "spread"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Shapes = NDArray[np.object_]


@dataclass(frozen=True)
class Shares:
    """How much of each home lies in each zone.

    Attributes
    ----------
    zone, home : array of int, shape (S,)
        Positions of both; a home that reaches into several zones has a row for each.
    floor_m2 : array of float, shape (S,)
        Floor area of the home in the zone [m2].
    """

    zone: Ints
    home: Ints
    floor_m2: Floats

    def main_zone(self, n_homes: int) -> Ints:
        """The zone that holds most of each home, -1 for a home in none."""
        order = np.lexsort((self.zone, -self.floor_m2, self.home))
        home, first = np.unique(self.home[order], return_index=True)
        main = np.full(n_homes, -1, dtype=np.int64)
        main[home] = self.zone[order][first]
        return main


@dataclass(frozen=True)
class Placed:
    """What became of the people of every zone.

    Attributes
    ----------
    residents : array of float, shape (N,)
        People at each home.
    target : array of int, shape (Z,)
        The zone among whose homes the people of each zone live: itself, the one they were moved
        to, or -1 where they are at no home.
    """

    residents: Floats
    target: Ints

    def ledger(self, people: Floats) -> dict[str, float]:
        """People by what became of them; they add up to the people of all zones."""
        zone = np.arange(len(people))
        here, nowhere = self.target == zone, self.target < 0
        return {
            "people": float(np.nansum(people)),
            "in_place": float(np.nansum(people[here])),
            "moved": float(np.nansum(people[~here & ~nowhere])),
            "unplaced": float(np.nansum(people[nowhere])),
        }


def spread(people: Floats, shares: Shares, *, n_homes: int, moves: Ints | None = None) -> Placed:
    """Spread the people of every zone over its homes by floor area.

    Parameters
    ----------
    people : array of float, shape (Z,)
    shares : Shares
    n_homes : int
    moves : array of int, shape (Z,), optional
        For zones without homes, the zone whose homes take their people; -1 for none.

    Returns
    -------
    Placed

    Notes
    -----
    The people at the homes of a zone add up to those of the zone and those moved to it, to
    rounding: about 1e-15 of them for each home.

    Examples
    --------
    >>> import numpy as np
    >>> from communityplan.demand.spread import Shares, spread
    >>> half = Shares(np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([100.0, 300.0, 300.0]))
    >>> spread(np.array([40.0, 6.0]), half, n_homes=2).residents
    array([10., 36.])
    """
    n_zones = len(people)
    floor_m2 = np.bincount(shares.zone, shares.floor_m2, minlength=n_zones)
    target = np.where(floor_m2 > 0, np.arange(n_zones), -1 if moves is None else moves)
    lives = np.flatnonzero(target >= 0)
    there = np.bincount(target[lives], people[lives], minlength=n_zones)
    per_m2 = there / np.where(floor_m2 > 0, floor_m2, 1.0)
    residents = np.bincount(shares.home, per_m2[shares.zone] * shares.floor_m2, minlength=n_homes)
    return Placed(residents.astype(np.float64), target)


def area_shares(homes: gpd.GeoDataFrame, zones: Shapes) -> Shares:
    """How much of each home lies in each of some areas, by the area of its outline.

    Parameters
    ----------
    homes : GeoDataFrame
        With ``floor_area_m2`` [m2]; a point lies in the first area that holds it.
    zones : array of Polygon or MultiPolygon
        In the coordinate system of `homes`.
    """
    shapes = homes.geometry.to_numpy()
    home, zone = shapely.STRtree(zones).query(shapes, predicate="intersects")
    order = np.lexsort((zone, home))
    home, zone = home[order], zone[order]
    is_point = shapely.get_dimensions(shapes) == 0
    first = np.diff(home, prepend=-1) != 0
    outline_m2 = shapely.area(shapes)
    common_m2 = np.zeros(len(home))
    areal = ~is_point[home]
    common = shapely.intersection(shapes[home[areal]], zones[zone[areal]])
    common_m2[areal] = shapely.area(common)
    part = np.where(is_point[home], first, common_m2 / np.maximum(outline_m2[home], 1e-12))
    floor_m2 = homes["floor_area_m2"].to_numpy(dtype=np.float64)[home] * part
    held = floor_m2 > 0
    return Shares(zone[held].astype(np.int64), home[held].astype(np.int64), floor_m2[held])


def nearest_homes(
    centres: Shapes, homes: gpd.GeoDataFrame, main_zone: Ints, *, within_m: float
) -> tuple[Ints, Floats]:
    """For places without homes, the zone of the nearest home within a distance.

    Parameters
    ----------
    centres : array of Point, shape (C,)
    homes : GeoDataFrame
    main_zone : array of int, shape (N,)
        -1 for homes that nobody can be moved to.
    within_m : float
        [m]; infinite for any distance.

    Returns
    -------
    tuple of array of int and array of float
        The zone, -1 where no home is near, and the distance to its nearest home [m].
    """
    zone, distance_m = np.full(len(centres), -1, dtype=np.int64), np.full(len(centres), np.nan)
    open_homes = np.flatnonzero(main_zone >= 0)
    if not len(open_homes) or not len(centres) or not within_m > 0:
        return zone, distance_m
    tree = shapely.STRtree(homes.geometry.to_numpy()[open_homes])
    limit = within_m if np.isfinite(within_m) else None
    (place, near), away_m = tree.query_nearest(centres, max_distance=limit, return_distance=True)
    # of homes that are equally near the first row counts
    order = np.lexsort((near, place))
    place, first = np.unique(place[order], return_index=True)
    zone[place] = main_zone[open_homes[near[order][first]]]
    distance_m[place] = away_m[order][first]
    return zone, distance_m


_SAID = {"residents": "居民", "elderly": "老年人", "children": "婴幼儿", "households": "户数"}


def placement(homes: pd.DataFrame) -> pd.DataFrame:
    """What became of the people of a raster or of counts.

    Parameters
    ----------
    homes : GeoDataFrame
        As from `homes_from_raster` or `homes_from_counts`.

    Returns
    -------
    DataFrame
        One row per group: ``group``, ``zh``, ``people`` = ``in_place`` (at a home of their own
        cell or area) + ``moved`` (to the nearest homes) + ``unplaced`` (at no home).

    Examples
    --------
    >>> import geopandas as gpd, numpy as np, shapely
    >>> from communityplan.demand import homes_from_raster, placement
    >>> from communityplan.coordinates.raster import Raster
    >>> home = gpd.GeoDataFrame({"home_id": ["a"], "community_id": ["c"], "floor_area_m2": [500.0]},
    ...                         geometry=[shapely.Point(10, 10)], crs=32650)
    >>> people = Raster([[30.0, 5.0, 2.0]], (100, 0, 0, 0, -100, 100), 32650)
    >>> placement(homes_from_raster(home, people, kind="count", move_within_m=150))[
    ...     ["group", "people", "in_place", "moved", "unplaced"]].values.tolist()
    [['residents', 37.0, 30.0, 5.0, 2.0]]
    """
    groups: Mapping[str, Mapping[str, Any]] = used(homes).get("placement", {})
    columns = ["people", "in_place", "moved", "unplaced"]
    rows = [
        {"group": group, "zh": _SAID.get(group, group), **{name: facts[name] for name in columns}}
        for group, facts in groups.items()
    ]
    return pd.DataFrame(rows, columns=["group", "zh", *columns])
