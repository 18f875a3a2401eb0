"""The nearest facility of every home in a situation, whatever the scenario has done."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan import _search
from communityplan.errors import OptionError
from communityplan.network import WalkNetwork
from communityplan.reach import Direction, nearest_places
from communityplan.reach.ends import ends_of, places, search_graph
from communityplan.scenario.joining import (
    Change,
    Joined,
    groups,
    join_destinations,
    join_homes,
)
from communityplan.scenario.situation import Situation
from communityplan.standards import walker as find_walker
from communityplan.standards import walker_for
from communityplan.tables import record
from communityplan.walker import Walker

__all__ = ["nearest_by_home", "nearest_seconds"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def nearest_by_home(
    now: Situation,
    *,
    service: str,
    walker: Walker | str | None = None,
    direction: Direction = "there",
) -> pd.DataFrame:
    """The nearest facility of one service for every home.

    Parameters
    ----------
    now : Situation
        As it stands, or as a scenario has left it.
    service : str
    walker : Walker or str, optional
        The service's walker unless given.
    direction : {"there", "back", "worse"}

    Returns
    -------
    DataFrame
        On the index of ``now.homes``: ``home_id``, ``service``, ``facility_id`` and ``walk_min``
        from the door of the building, both missing where no facility is reached. After a scenario
        that only opens, no ``walk_min`` is longer than before.

    Examples
    --------
    >>> import communityplan as cp
    >>> from communityplan.scenario import nearest_by_home, situation
    >>> now = situation(cp.load_project("demo"))
    >>> int(nearest_by_home(now, service="market")["walk_min"].isna().sum())
    5
    """
    person = walker_for(service, "residents") if walker is None else find_walker(walker)
    to, seconds = nearest_seconds(now, service, person, direction)
    offered = _offered(now, service)
    names = np.array([*offered["facility_id"].map(str), None], dtype=object)
    table = pd.DataFrame(
        {
            "home_id": now.homes["home_id"].map(str).to_numpy(),
            "service": service,
            "facility_id": names[to],
            "walk_min": seconds / 60.0,
        },
        index=now.homes.index,
    )
    told = () if now.scenario is None else now.scenario.told()
    return record(table, walker=person.facts(), direction=direction, scenario=list(told))


def nearest_seconds(
    now: Situation, service: str, walker: Walker, direction: Direction = "there"
) -> tuple[Ints, Floats]:
    """Row of the nearest facility among those of the service, -1 for none, and the seconds.

    Parameters
    ----------
    now : Situation
    service : str
    walker : Walker
    direction : {"there", "back", "worse"}

    Returns
    -------
    tuple of array of int and array of float
        One per home; seconds from the door of the building, nan where there is none.
    """
    if direction not in ("there", "back", "worse"):
        raise OptionError(f"direction is {direction!r}: give there, back or worse")
    before = _as_it_stands(now.start or now, service, walker, direction)
    if now.start is None:
        return before
    to, seconds = _after(now, now.start, service, walker, direction)
    if not now.only_opens:
        return to, seconds
    # what an opening leaves standing is there still, and so is every walk of before
    slower = np.nan_to_num(seconds, nan=np.inf) > np.nan_to_num(before[1], nan=np.inf)
    return np.where(slower, before[0], to), np.where(slower, before[1], seconds)


def _offered(now: Situation, service: str) -> gpd.GeoDataFrame:
    return now.facilities[now.facilities["service"].map(str) == service]


def _ground(now: Situation) -> gpd.GeoDataFrame:
    """Homes as starts of walks; storeys are looked at limit by limit."""
    return now.homes.drop(columns="storey", errors="ignore")


def _none(now: Situation) -> tuple[Ints, Floats]:
    return np.full(len(now.homes), -1, dtype=np.int64), np.full(len(now.homes), np.nan)


def _as_it_stands(
    now: Situation, service: str, walker: Walker, direction: Direction
) -> tuple[Ints, Floats]:
    to, seconds = _none(now)
    offered = _offered(now, service)
    if len(offered):
        start = places(now.network, _ground(now), walker=walker, where="homes")
        end = places(now.network, offered, walker=walker, where="facilities")
        found = nearest_places(now.network, start, end, walker=walker, direction=direction)
        to[found.start], seconds[found.start] = found.end, found.seconds
    return to, seconds


def _after(
    now: Situation, start: Situation, service: str, walker: Walker, direction: Direction
) -> tuple[Ints, Floats]:
    """Nearest by the best of all joining points."""
    to, seconds = _none(now)
    offered = _offered(now, service)
    if not len(offered):
        return to, seconds
    change = Change(now, start, walker)
    homes = join_homes(change, _ground(now))
    both = change.join(offered, "facilities")
    best = np.full(len(now.homes), np.inf)
    for owner, rows in groups(change, homes, both):
        shops = join_destinations(change, both, owner)
        trip = _Trip(now.network, walker, homes.take(rows), shops)
        found, far, s = _walked(trip, direction)
        home = trip.homes.row[found]
        # of equally near facilities the first in the table counts
        order = np.lexsort((far, s, home))
        home, first = np.unique(home[order], return_index=True)
        nearer = s[order][first] < best[home]
        best[home[nearer]] = s[order][first][nearer]
        to[home[nearer]] = far[order][first][nearer]
    seconds = np.where(np.isfinite(best), best, np.nan)
    return to, seconds


@dataclass(frozen=True)
class _Trip:
    """Some homes and the facilities they may walk to."""

    network: WalkNetwork
    walker: Walker
    homes: Joined
    shops: Joined


def _walked(trip: _Trip, direction: Direction) -> tuple[Ints, Ints, Floats]:
    """Walks: row of the homes, facility, seconds."""
    if direction != "worse":
        return _one_way(trip, backwards=direction == "back", every=False)
    there, back = (
        _best_pairs(*_one_way(trip, backwards=back, every=True)) for back in (False, True)
    )
    both = there.to_frame("there").join(back.to_frame("back"), how="inner")
    home, shop = (both.index.get_level_values(level).to_numpy(dtype=np.int64) for level in (0, 1))
    return home, shop, both.max(axis=1).to_numpy(dtype=np.float64)


def _best_pairs(home: Ints, shop: Ints, seconds: Floats) -> pd.Series[float]:
    best: pd.Series[float] = pd.Series(seconds).groupby([home, shop]).min()
    return best.rename_axis(["home", "shop"])


def _one_way(trip: _Trip, *, backwards: bool, every: bool) -> tuple[Ints, Ints, Floats]:
    """The nearest facility of each row, or every one."""
    network, walker = trip.network, trip.walker
    graph = search_graph(network, walker, backwards=backwards)
    codes = {name: code + 1 for code, name in enumerate(network.owners)} | {"": 0}
    allowed = np.array([codes[name] for name in trip.homes.owner], dtype=np.int64)
    leaving, arriving = (
        ends_of(
            network,
            side.places,
            np.arange(len(side.row)),
            walker=walker,
            owner="",
            outward=outward,
        )[0]
        for side, outward in ((trip.homes, not backwards), (trip.shops, backwards))
    )
    if every:
        row, to, seconds = _search.pairs(graph, leaving, arriving, limit_s=np.inf, allowed=allowed)
        return row, trip.shops.row[to], seconds
    nearest, seconds = _search.nearest(graph, leaving, arriving, allowed=allowed)
    found = np.flatnonzero(nearest[:, 0] >= 0)
    return found, trip.shops.row[nearest[found, 0]], seconds[found, 0]
