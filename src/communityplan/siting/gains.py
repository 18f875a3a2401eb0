"""Whom a building would newly serve: people within a service's limit who are beyond it today."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.coverage import covered_share
from communityplan.network import WalkNetwork
from communityplan.reach import TOLERANCE_S
from communityplan.siting.given import refuse_no_tables
from communityplan.siting.joined import Joined
from communityplan.standards import Service, named_service
from communityplan.standards import walker as find_walker
from communityplan.tables import FACILITIES, IDLE_BUILDINGS, as_flags, check, record
from communityplan.walker import Walker, storey_seconds

__all__ = ["Gains", "gains_of", "newly_covered", "people_of", "worst_fifth"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FIFTH = 0.2


@dataclass(frozen=True)
class Gains:
    """What buildings would change for homes, pair by pair, by position.

    Attributes
    ----------
    home, building : array of int, shape (N,)
    walk_min : array of float, shape (N,)
        Walk from the door of the home [min].
    share : array of float, shape (N,)
        Share of the people of the home who would newly be within the limit, above 0.
    today_min : array of float, shape (H,)
        Walk from every home to the nearest facility of today [min]; nan where there is no way.
    """

    home: Ints
    building: Ints
    walk_min: Floats
    share: Floats
    today_min: Floats

    def by_building(self, weight: Floats, n_buildings: int) -> Floats:
        """Sum over homes of a weight times the share newly served, by building."""
        amount = weight[self.home] * self.share
        summed = np.bincount(self.building, weights=amount, minlength=n_buildings)
        return np.asarray(summed, dtype=np.float64)


def newly_covered(
    network: WalkNetwork,
    homes: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    idle_buildings: gpd.GeoDataFrame,
    *,
    service: str | Service,
) -> pd.DataFrame:
    """People each building would newly serve, home by home.

    Parameters
    ----------
    network : WalkNetwork
    homes, facilities, idle_buildings : GeoDataFrame
    service : str or Service
        Its group is counted, its walker walks, its limit holds.

    Returns
    -------
    DataFrame
        ``building_id``, ``home_id``, ``walk_min`` and ``people`` newly within the limit, above 0
        only. Storeys that a facility of today covers are not counted again.

    Raises
    ------
    TableError, OptionError

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> import communityplan as cp
    >>> from communityplan.siting import newly_covered
    >>> street = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (900, 0)])], crs=32650)
    >>> network = cp.WalkNetwork.from_streets(street)
    >>> home = gpd.GeoDataFrame({"home_id": ["h"], "community_id": "c", "residents": [30]},
    ...     geometry=[shapely.Point(300, 0)], crs=32650)
    >>> hall = gpd.GeoDataFrame({"building_id": ["b"], "floor_area_m2": [900.0]},
    ...     geometry=[shapely.Point(0, 0)], crs=32650)
    >>> none = gpd.GeoDataFrame({"facility_id": [], "service": []}, geometry=[], crs=32650)
    >>> newly_covered(network, home, none, hall, service="market")["people"].tolist()
    [30.0]
    """
    wanted = named_service(service) if isinstance(service, str) else service
    refuse_no_tables(homes=homes, facilities=facilities, idle_buildings=idle_buildings)
    check(facilities, FACILITIES)
    check(idle_buildings, IDLE_BUILDINGS)
    joined = Joined(network, homes, facilities, idle_buildings)
    people = people_of(homes, wanted.group)
    every = np.arange(len(idle_buildings))
    found = gains_of(joined, wanted, people=people, buildings=every)
    building_ids = pd.array(idle_buildings["building_id"].map(str), dtype="str")
    home_ids = pd.array(homes["home_id"].map(str), dtype="str")
    table = pd.DataFrame(
        {
            "building_id": building_ids.take(found.building),
            "home_id": home_ids.take(found.home),
            "walk_min": found.walk_min,
            "people": people[found.home] * found.share,
        }
    )
    return record(table, service=asdict(wanted), network=dict(network.options))


def gains_of(joined: Joined, service: Service, *, people: Floats, buildings: Ints) -> Gains:
    """Who is newly within the limit of a service, for some buildings.

    Parameters
    ----------
    joined : Joined
    service : Service
    people : array of float, shape (H,)
        Homes without anybody are not looked at.
    buildings : array of int
        Positions of the buildings that could take the service.

    Returns
    -------
    Gains
    """
    person = find_walker(service.walker)
    today_min = joined.nearest_min(service.name, person)
    now, _ = covered_share(
        joined.homes, today_min, walker=person, within_min=service.within_min, direction="there"
    )
    unserved = np.flatnonzero((now < 1.0) & (people > 0))
    home, building, walk_min = joined.pairs(
        unserved, buildings, walker=person, within_min=service.within_min
    )
    then = _Storeys.of(joined.homes, person).share(home, walk_min, service.within_min)
    share = then - now[home]
    gained = np.flatnonzero(share > 0)
    return Gains(home[gained], building[gained], walk_min[gained], share[gained], today_min)


def people_of(homes: pd.DataFrame, group: str) -> Floats:
    """People of a group in every home; none where the cell is empty."""
    cells = pd.to_numeric(homes[group]).fillna(0.0)
    return np.asarray(cells.to_numpy(dtype=np.float64))


def worst_fifth(today_min: Floats, people: Floats) -> Floats:
    """Share of each home's people who are of the fifth of all with the longest walks today.

    Parameters
    ----------
    today_min : array of float, shape (H,)
        nan where there is no way, which is longer than any walk.
    people : array of float, shape (H,)

    Returns
    -------
    array of float, shape (H,)
        Homes with the walk at the edge of the fifth are taken in part, all by the same share.

    Examples
    --------
    >>> import numpy as np
    >>> from communityplan.siting.gains import worst_fifth
    >>> worst_fifth(np.array([2.0, 9.0, np.nan]), np.array([60.0, 30.0, 10.0])).round(3).tolist()
    [0.0, 0.333, 1.0]
    """
    walk, at = np.unique(np.nan_to_num(today_min, nan=np.inf), return_inverse=True)
    there = np.bincount(at, weights=people, minlength=len(walk))
    farther = there[::-1].cumsum()[::-1] - there
    left = np.clip(FIFTH * people.sum() - farther, 0.0, there)
    share = np.zeros(len(walk))
    np.divide(left, there, out=share, where=there > 0)
    return np.asarray(share[at])


@dataclass(frozen=True)
class _Storeys:
    """How far down people are, so that pairs can be looked at without their table."""

    storeys: Floats
    kind: Ints
    down_s: Floats
    by_home: bool

    @classmethod
    def of(cls, homes: pd.DataFrame, walker: Walker) -> _Storeys:
        lift = np.zeros(len(homes), dtype=bool)
        if "has_lift" in homes.columns:
            lift = as_flags(homes["has_lift"])
        if "storey" in homes.columns:
            own = pd.to_numeric(homes["storey"]).fillna(1.0).to_numpy(dtype=np.float64)
            down_s = storey_seconds(walker, own, lift, direction="there")[:, None]
            return cls(np.ones(len(homes)), np.arange(len(homes)), down_s, by_home=True)
        storeys = np.ones(len(homes))
        if "storeys" in homes.columns:
            given = pd.to_numeric(homes["storeys"]).fillna(1.0).to_numpy(dtype=np.float64)
            storeys = np.maximum(np.round(given), 1.0)
        level = np.arange(1.0, storeys.max(initial=1.0) + 1.0)
        down_s = np.stack(
            [
                storey_seconds(walker, level, np.full(len(level), has_lift), direction="there")
                for has_lift in (False, True)
            ]
        )
        return cls(storeys, lift.astype(np.int64), down_s, by_home=False)

    def share(self, home: Ints, walk_min: Floats, within_min: float) -> Floats:
        """Share of the storeys of a home from which a walk is in time, pair by pair."""
        left_s = within_min * 60.0 + TOLERANCE_S - walk_min * 60.0
        if self.by_home:
            return np.asarray(left_s >= self.down_s[home, 0], dtype=np.float64)
        # higher up is never nearer, so that the storeys in time are counted by one look
        in_time = np.empty(len(home))
        for kind, down_s in enumerate(self.down_s):
            rows = np.flatnonzero(self.kind[home] == kind)
            in_time[rows] = np.searchsorted(down_s, left_s[rows], side="right")
        storeys = self.storeys[home]
        return np.asarray(np.minimum(in_time, storeys) / storeys)
