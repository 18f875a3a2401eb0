"""Network and points -> walks, nearest facilities, reached streets and service areas.

A walk is timed from door to door: the way to the street, both partial edges, the streets between
and the way from the street. What cannot be reached is missing from the table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan import _search
from communityplan._search import Ends, SearchGraph
from communityplan.errors import OptionError
from communityplan.network import WalkNetwork
from communityplan.reach.areas import reached_streets, service_areas
from communityplan.reach.ends import Places, ends_of, groups_of, places, residents_of, search_graph
from communityplan.reach.route import route
from communityplan.reach.within import within_reach
from communityplan.standards import walker as find_walker
from communityplan.tables import record
from communityplan.walker import Walker

__all__ = ["nearest", "reached_streets", "route", "service_areas", "walks", "within_reach"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Direction = Literal["there", "back", "worse"]
Found = tuple[Ints, Ints, Floats]
Search = Callable[[SearchGraph, Ends, Ends, Ints], Found]

TOLERANCE_S = 1e-6
"""A walk that takes this much longer than the limit is still within it: rounding is no reason."""


def walks(
    network: WalkNetwork,
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    *,
    walker: Walker | str,
    within_min: float,
    direction: Direction = "there",
) -> pd.DataFrame:
    """Every walk from an origin to a destination within a limit.

    Parameters
    ----------
    network : WalkNetwork
    origins : GeoDataFrame
        Points or areas, mostly homes. With a column ``community_id`` people pass the private ways
        and residents' gates of their own community; with ``storey`` the stairs count.
    destinations : GeoDataFrame
        Points or areas, mostly facilities.
    walker : Walker or str
    within_min : float
        Limit for the whole walk, inclusive [min].
    direction : {"there", "back", "worse"}
        From origin to destination, the way back, or the slower of the two.

    Returns
    -------
    DataFrame
        ``from_id``, ``to_id``, ``walk_min`` and of this ``door_min`` (between doors and streets),
        ``vertical_min`` (stairs and lift) and ``street_min``; in the order of the tables. The ids
        are the key columns, else the index. Pairs that are farther are not listed.

    Raises
    ------
    OptionError, TableError

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> import communityplan as cp
    >>> street = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (300, 0)])], crs=32650)
    >>> network = cp.WalkNetwork.from_streets(street)
    >>> home = gpd.GeoDataFrame({"home_id": ["h"]}, geometry=[shapely.Point(30, 12)], crs=32650)
    >>> shop = gpd.GeoDataFrame({"facility_id": ["f"]}, geometry=[shapely.Point(90, 0)], crs=32650)
    >>> slow = cp.Walker("slow", 0.6)
    >>> cp.walks(network, home, shop, walker=slow, within_min=5)
      from_id to_id  walk_min  door_min  vertical_min  street_min
    0       h     f       2.0  0.333333           0.0    1.666667
    """
    limit_s = _limit(within_min) + TOLERANCE_S

    def search(graph: SearchGraph, start: Ends, end: Ends, allowed: Ints) -> Found:
        return _search.pairs(graph, start, end, limit_s=limit_s, allowed=allowed)

    person = find_walker(walker)
    found = _both_ways(network, origins, destinations, search, walker=person, direction=direction)
    return record(found.reset_index(drop=True), **_used(network, walker, within_min, direction))


def nearest(
    network: WalkNetwork,
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    *,
    walker: Walker | str,
    within_min: float | None = None,
    k: int = 1,
    direction: Direction = "there",
) -> pd.DataFrame:
    """The nearest destinations of every origin.

    Parameters
    ----------
    network : WalkNetwork
    origins, destinations : GeoDataFrame
        As in `walks`.
    walker : Walker or str
    within_min : float, optional
        Limit for the whole walk, inclusive [min]; none unless given.
    k : int
        How many.
    direction : {"there", "back", "worse"}

    Returns
    -------
    DataFrame
        As `walks`, at most `k` rows an origin, nearest first; with a column ``rank`` from 1 when
        `k` is above 1. Of equally near destinations the first in the table counts. Origins that
        reach nothing have no row.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> import communityplan as cp
    >>> street = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (300, 0)])], crs=32650)
    >>> network = cp.WalkNetwork.from_streets(street)
    >>> points = gpd.GeoDataFrame(
    ...     {"facility_id": ["a", "b"]}, geometry=gpd.points_from_xy([0, 300], [0, 0]), crs=32650)
    >>> home = gpd.GeoDataFrame({"home_id": ["h"]}, geometry=[shapely.Point(100, 0)], crs=32650)
    >>> slow = cp.Walker("slow", 1.0)
    >>> cp.nearest(network, home, points, walker=slow, k=2)[["to_id", "walk_min", "rank"]]
      to_id  walk_min  rank
    0     a  1.666667     1
    1     b  3.333333     2
    """
    limit_s = np.inf if within_min is None else _limit(within_min) + TOLERANCE_S
    if k < 1:
        raise OptionError(f"k is {k}: ask for at least one destination")

    def search(graph: SearchGraph, start: Ends, end: Ends, allowed: Ints) -> Found:
        if direction == "worse":
            return _search.pairs(graph, start, end, limit_s=limit_s, allowed=allowed)
        to, seconds = _search.nearest(graph, start, end, k=k, limit_s=limit_s, allowed=allowed)
        row, rank = np.nonzero(to >= 0)
        return row, to[row, rank], seconds[row, rank]

    person = find_walker(walker)
    found = _both_ways(network, origins, destinations, search, walker=person, direction=direction)
    found = found.sort_values(["_from", "walk_min", "_to"], kind="stable")
    found = found.groupby(level="_from", sort=False).head(k)
    if k > 1:
        found["rank"] = found.groupby(level="_from", sort=False).cumcount() + 1
    return record(
        found.reset_index(drop=True),
        **_used(network, walker, within_min, direction),
        k=k,
    )


def _limit(within_min: float) -> float:
    limit_s = float(within_min) * 60.0
    if not limit_s >= 0:
        raise OptionError(f"within_min is {within_min}: give minutes, 0 or more")
    return limit_s


def _used(
    network: WalkNetwork, walker: Walker | str, within_min: float | None, direction: str
) -> dict[str, Any]:
    return {
        "walker": find_walker(walker).facts(),
        "within_min": within_min,
        "direction": direction,
        "network": dict(network.options),
    }


def _both_ways(
    network: WalkNetwork,
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    search: Search,
    *,
    walker: Walker,
    direction: str,
) -> pd.DataFrame:
    """Walks indexed by the positions of origin and destination."""
    if direction not in ("there", "back", "worse"):
        raise OptionError(f"direction is {direction!r}: give there, back or worse")
    start = places(network, origins, walker=walker, where="origins")
    end = places(network, destinations, walker=walker, where="destinations")
    if direction != "worse":
        back_only = direction == "back"
        return _one_way(network, start, end, search, walker=walker, backwards=back_only)
    there = _one_way(network, start, end, search, walker=walker, backwards=False)
    back = _one_way(network, start, end, search, walker=walker, backwards=True)
    both = there.index.intersection(back.index, sort=False)
    slower = back.loc[both, "walk_min"] > there.loc[both, "walk_min"]
    return there.loc[both].mask(slower, back.loc[both])


def _one_way(
    network: WalkNetwork,
    start: Places,
    end: Places,
    search: Search,
    *,
    walker: Walker,
    backwards: bool,
) -> pd.DataFrame:
    graph = search_graph(network, walker, backwards=backwards)
    every_end = np.arange(len(end.ids))
    tables = []
    owner = residents_of(network, start, walker)
    for group in groups_of(network, owner, end, walker):
        leaving, door_s, vertical_s = ends_of(
            network,
            start,
            group.rows,
            walker=walker,
            owner=owner[group.rows],
            outward=not backwards,
        )
        arriving, end_door_s, end_vertical_s = ends_of(
            network, end, every_end, walker=walker, owner=group.owner, outward=backwards
        )
        row, to, seconds = search(graph, leaving, arriving, group.code)
        tables.append(
            pd.DataFrame(
                {
                    "_from": group.rows[row],
                    "_to": to,
                    "from_id": start.ids[group.rows[row]],
                    "to_id": end.ids[to],
                    "walk_min": seconds / 60.0,
                    "door_min": (door_s[row] + end_door_s[to]) / 60.0,
                    "vertical_min": (vertical_s[row] + end_vertical_s[to]) / 60.0,
                }
            )
        )
    found = pd.concat(tables) if tables else _no_walks()
    found["street_min"] = (found["walk_min"] - found["door_min"] - found["vertical_min"]).clip(0.0)
    return found.set_index(["_from", "_to"]).sort_index()


def _no_walks() -> pd.DataFrame:
    kinds = {"_from": "int64", "_to": "int64", "from_id": "object", "to_id": "object"}
    minutes = dict.fromkeys(("walk_min", "door_min", "vertical_min"), "float64")
    return pd.DataFrame(
        {name: pd.Series(dtype=kind) for name, kind in {**kinds, **minutes}.items()}
    )
