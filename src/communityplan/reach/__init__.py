"""Network and points -> walks, nearest facilities, reached streets and service areas.

A walk is timed from door to door: the way to the street, both partial edges, the streets between
and the way from the street. What cannot be reached is missing from the table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
from communityplan.reach.ends import Places, ends_of, groups_of, residents_of, search_graph
from communityplan.reach.route import route
from communityplan.reach.shared import facts_of, questions, stacked, walkers_of
from communityplan.reach.size import BYTES_PER_ANSWER, check_table
from communityplan.reach.within import within_reach
from communityplan.tables import record
from communityplan.walker import Walker

__all__ = ["nearest", "reached_streets", "route", "service_areas", "walks", "within_reach"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Direction = Literal["there", "back", "worse"]
Triple = tuple[Ints, Ints, Floats]
Search = Callable[[SearchGraph, Ends, Ends, Ints], Triple]

TOLERANCE_S = 1e-6
"""A walk that takes this much longer than the limit is still within it: rounding is no reason."""


@dataclass(frozen=True)
class Found:
    """Walks between places, by their positions.

    Attributes
    ----------
    start, end : array of int, shape (N,)
    seconds, door_s, vertical_s : array of float, shape (N,)
        The whole walk, and of this between doors and streets, and on stairs and lifts [s].
    """

    start: Ints
    end: Ints
    seconds: Floats
    door_s: Floats
    vertical_s: Floats

    def take(self, rows: Ints) -> Found:
        """Some of the walks, by position."""
        return Found(
            self.start[rows],
            self.end[rows],
            self.seconds[rows],
            self.door_s[rows],
            self.vertical_s[rows],
        )


def walks(
    network: WalkNetwork,
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    *,
    walker: Walker | str | Sequence[Walker | str],
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
    walker : Walker, str, or list of them
        Several have a column ``walker``; the tables are checked and joined to the network once.
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
    walkers = walkers_of(walker)
    limit_s = _limit(within_min) + TOLERANCE_S

    def search(graph: SearchGraph, leaving: Ends, arriving: Ends, allowed: Ints) -> Triple:
        return _search.pairs(graph, leaving, arriving, limit_s=limit_s, allowed=allowed)

    asked = list(questions(network, origins, destinations, walkers=walkers))
    tables = []
    for one in asked:
        found = _both_ways(
            network, one.start, one.end, search, walker=one.walker, direction=direction
        )
        check_table(len(found.start))
        tables.append(_walk_table(one.start, one.end, found))
    table = stacked(tables, asked, walker=walker, by=None, empty=pd.DataFrame())
    return record(table, **_used(network, walker, within_min, direction))


def nearest(
    network: WalkNetwork,
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    *,
    walker: Walker | str | Sequence[Walker | str],
    within_min: float | None = None,
    k: int = 1,
    by: str | None = None,
    direction: Direction = "there",
) -> pd.DataFrame:
    """The nearest destinations of every origin.

    Parameters
    ----------
    network : WalkNetwork
    origins, destinations : GeoDataFrame
        As in `walks`.
    walker : Walker, str, or list of them
        Several have a column ``walker``; the tables are checked and joined to the network once.
    within_min : float, optional
        Limit for the whole walk, inclusive [min]; none unless given.
    k : int
        How many.
    by : str, optional
        Column of `destinations`, such as ``"service"``: the nearest of each of its values.
    direction : {"there", "back", "worse"}

    Returns
    -------
    DataFrame
        As `walks`, at most `k` rows an origin, nearest first; with a column ``rank`` from 1 when
        `k` is above 1. Of equally near destinations the first in the table counts. Origins that
        reach nothing have no row. With `by` a column of that name, its values in the order in
        which they first occur.

    Raises
    ------
    OptionError, TableError

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
    walkers = walkers_of(walker)
    _whole(k)
    options: dict[str, Any] = {"within_min": within_min, "k": k, "direction": direction}
    asked = list(questions(network, origins, destinations, walkers=walkers, by=by))
    tables = []
    for one in asked:
        found = nearest_places(network, one.start, one.end, walker=one.walker, **options)
        check_table(len(found.start))
        table = _walk_table(one.start, one.end, found)
        if k > 1:
            table["rank"] = _rank(found.start) + 1
        tables.append(table)
    table = stacked(tables, asked, walker=walker, by=by, empty=_no_walks(k))
    return record(table, **_used(network, walker, within_min, direction), k=k, by=by)


def nearest_places(
    network: WalkNetwork,
    start: Places,
    end: Places,
    *,
    walker: Walker,
    within_min: float | None = None,
    k: int = 1,
    direction: Direction = "there",
) -> Found:
    """As `nearest`, between places that have joined the network already.

    Parameters
    ----------
    network : WalkNetwork
    start, end : Places
    walker : Walker
    within_min : float, optional
    k : int
    direction : {"there", "back", "worse"}

    Returns
    -------
    Found
        By start, nearest first.
    """
    limit_s = np.inf if within_min is None else _limit(within_min) + TOLERANCE_S
    k = min(_whole(k), max(len(end.ids), 1))
    check_table(k * len(start.ids), about="at most", each=BYTES_PER_ANSWER)

    def search(graph: SearchGraph, leaving: Ends, arriving: Ends, allowed: Ints) -> Triple:
        if direction == "worse":
            return _search.pairs(graph, leaving, arriving, limit_s=limit_s, allowed=allowed)
        to, seconds = _search.nearest(
            graph, leaving, arriving, k=k, limit_s=limit_s, allowed=allowed
        )
        row, rank = np.nonzero(to >= 0)
        return row, to[row, rank], seconds[row, rank]

    found = _both_ways(network, start, end, search, walker=walker, direction=direction)
    if direction != "worse":
        return found
    found = found.take(np.lexsort((found.end, found.seconds, found.start)))
    return found.take(np.flatnonzero(_rank(found.start) < k))


def _rank(sorted_start: Ints) -> Ints:
    """How many rows of the same start stand before each row."""
    first = np.searchsorted(sorted_start, sorted_start, side="left")
    return np.arange(len(sorted_start)) - first


def _limit(within_min: float) -> float:
    limit_s = float("nan")
    if isinstance(within_min, (int, float, np.number)) and not isinstance(within_min, bool):
        limit_s = float(within_min) * 60.0
    if not limit_s >= 0:
        raise OptionError(f"within_min is {within_min!r}: give minutes, 0 or more")
    return limit_s


def _whole(k: int) -> int:
    numeric = isinstance(k, (int, float, np.number)) and not isinstance(k, bool)
    if not (numeric and np.isfinite(k) and k == int(k) and k >= 1):
        raise OptionError(f"k is {k!r}: ask for a whole number of destinations, at least one")
    return int(k)


def _used(
    network: WalkNetwork,
    walker: Walker | str | Sequence[Walker | str],
    within_min: float | None,
    direction: str,
) -> dict[str, Any]:
    walkers = walkers_of(walker)
    slopes = [slope_told(network, person) for person in walkers]
    return {
        "walker": facts_of(walker, walkers),
        "slope": slopes if isinstance(walker, (list, tuple)) else slopes[0],
        "within_min": within_min,
        "direction": direction,
        "network": dict(network.options),
    }


def slope_told(network: WalkNetwork, walker: Walker) -> str:
    """Whether slopes counted, for the record: an option without effect says so."""
    if "climbs" not in network.cache:
        network.cache["climbs"] = bool(network.edges["climb_m"].fillna(0.0).to_numpy().any())
    if not network.cache["climbs"]:
        return "no climb is known: every street counts as level"
    if walker.slope == "level":
        return "climbs are known, but this walker takes every slope as level"
    return f"counted by {walker.slope}"


def _walk_table(start: Places, end: Places, found: Found) -> pd.DataFrame:
    """The table of walks, with its times in minutes."""
    street_s = np.maximum(found.seconds - found.door_s - found.vertical_s, 0.0)
    return pd.DataFrame(
        {
            "from_id": start.labels.take(found.start),
            "to_id": end.labels.take(found.end),
            "walk_min": found.seconds / 60.0,
            "door_min": found.door_s / 60.0,
            "vertical_min": found.vertical_s / 60.0,
            "street_min": street_s / 60.0,
        },
        copy=False,
    )


def _no_walks(k: int) -> pd.DataFrame:
    """No walk, with the columns of `nearest`."""
    times = ["walk_min", "door_min", "vertical_min", "street_min"]
    columns = dict.fromkeys(["from_id", "to_id"], "str") | dict.fromkeys(times, "float64")
    if k > 1:
        columns["rank"] = "int64"
    return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in columns.items()})


def _both_ways(
    network: WalkNetwork,
    start: Places,
    end: Places,
    search: Search,
    *,
    walker: Walker,
    direction: str,
) -> Found:
    """Walks in one direction, or the slower of the two where there are both."""
    if direction not in ("there", "back", "worse"):
        raise OptionError(f"direction is {direction!r}: give there, back or worse")
    if direction != "worse":
        back_only = direction == "back"
        return _one_way(network, start, end, search, walker=walker, backwards=back_only)
    there = _one_way(network, start, end, search, walker=walker, backwards=False)
    back = _one_way(network, start, end, search, walker=walker, backwards=True)
    one_key, other_key = (found.start * len(end.ids) + found.end for found in (there, back))
    _, one, two = np.intersect1d(one_key, other_key, assume_unique=True, return_indices=True)
    there, back = there.take(one), back.take(two)
    slower = back.seconds > there.seconds
    return Found(
        there.start,
        there.end,
        np.where(slower, back.seconds, there.seconds),
        np.where(slower, back.door_s, there.door_s),
        np.where(slower, back.vertical_s, there.vertical_s),
    )


def _one_way(
    network: WalkNetwork,
    start: Places,
    end: Places,
    search: Search,
    *,
    walker: Walker,
    backwards: bool,
) -> Found:
    """Walks by start and end, with their times."""
    graph = search_graph(network, walker, backwards=backwards)
    every_end = np.arange(len(end.ids))
    owner = residents_of(network, start, walker)
    parts = []
    for group in groups_of(network, owner, end, walker):
        rows = group.rows
        leaving, door_s, vertical_s = ends_of(
            network, start, rows, walker=walker, owner=owner[rows], outward=not backwards
        )
        arriving, end_door_s, end_vertical_s = ends_of(
            network, end, every_end, walker=walker, owner=group.owner, outward=backwards
        )
        row, to, seconds = search(graph, leaving, arriving, group.code)
        door_s = door_s[row] + end_door_s[to]
        parts.append(Found(rows[row], to, seconds, door_s, vertical_s[row] + end_vertical_s[to]))
    if len(parts) == 1:
        return parts[0]
    every = Found(*(np.concatenate(column) for column in zip(*map(_columns, parts), strict=True)))
    # within a start they are in the order of the search
    return every.take(np.argsort(every.start, kind="stable"))


def _columns(found: Found) -> tuple[NDArray[Any], ...]:
    return found.start, found.end, found.seconds, found.door_s, found.vertical_s
