"""How long and how far the people of each community walk to the nearest facility of one set."""

from __future__ import annotations

from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.network import WalkNetwork
from communityplan.reach import TOLERANCE_S, Direction, nearest
from communityplan.tables import as_flags
from communityplan.walker import Walker, storey_seconds

__all__ = ["METRES", "TOLERANCE_M", "Arrivals", "Town", "arrivals", "level_network"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

METRES = Walker("metres", 1.0, en="metres along the streets", zh="沿路距离")
"""Somebody who walks a metre a second and never waits: seconds are metres."""

TOLERANCE_M = 1e-6


@dataclass(frozen=True)
class Arrivals:
    """People by home and storey, and the nearest facility of one set for each of them.

    Attributes
    ----------
    community : array of int
        Position of their community.
    n_communities : int
    people : array of float
    walk_min : array of float
        From the flat, for the right walker; infinite where there is no way [min].
    distance_m : array of float
        From the door along the streets; infinite where there is no way [m].
    facility : array of int
        Position of the nearest facility by minutes in `facilities`, -1 where there is none.
    facilities : GeoDataFrame
        The set.
    """

    community: Ints
    n_communities: int
    people: Floats
    walk_min: Floats
    distance_m: Floats
    facility: Ints
    facilities: gpd.GeoDataFrame

    def totals(self, inside: NDArray[np.bool_] | None = None) -> Floats:
        """People by community, all of them or those inside."""
        weights = self.people if inside is None else self.people * inside
        summed = np.bincount(self.community, weights=weights, minlength=self.n_communities)
        return np.asarray(summed, dtype=np.float64)

    def share(self, inside: NDArray[np.bool_]) -> Floats:
        """Share of each community's people who are inside, 0 where nobody lives."""
        people = self.totals()
        return np.divide(self.totals(inside), people, out=np.zeros_like(people), where=people > 0)

    def within(self, walk_min: float, distance_m: float) -> NDArray[np.bool_]:
        """Who arrives within both limits; an infinite limit lets everybody in who has a way."""
        in_time = self.walk_min <= walk_min + TOLERANCE_S / 60.0
        near = self.distance_m <= distance_m + TOLERANCE_M
        return in_time & near & np.isfinite(self.walk_min)

    def needed(self, values: Floats, share: float) -> Floats:
        """Value within which that share of each community's people arrives; infinite if never."""
        order = np.lexsort((values, self.community))
        community, sorted_values = self.community[order], values[order]
        people = np.cumsum(self.people[order])
        totals = self.totals()
        before = np.concatenate(([0.0], np.cumsum(totals)))[:-1]
        target = before + share * totals
        enough = people >= target[community] - 1e-9 * np.maximum(totals[community], 1.0)
        # nobody lives in a row without people, so that row cannot set the value
        enough &= self.people[order] > 0
        needed = np.full(self.n_communities, np.inf)
        first = np.flatnonzero(enough)[::-1]
        needed[community[first]] = sorted_values[first]
        return needed

    def most_used(self, inside: NDArray[np.bool_] | None = None) -> Ints:
        """The facility that is nearest to most people of each community, -1 where there is none."""
        counted = self.facility >= 0 if inside is None else inside & (self.facility >= 0)
        used = pd.DataFrame(
            {
                "community": self.community[counted],
                "facility": self.facility[counted],
                "people": self.people[counted],
            }
        )
        summed = used.groupby(["community", "facility"])[["people"]].sum().reset_index()
        summed = summed[summed["people"] > 0]
        # of facilities with as many people the first of the table counts
        used = summed.sort_values(["people", "facility"], ascending=[True, False], kind="stable")
        most = np.full(self.n_communities, -1, dtype=np.int64)
        most[used["community"].to_numpy()] = used["facility"].to_numpy()
        return most


@dataclass(frozen=True)
class Town:
    """The communities and their people.

    Attributes
    ----------
    network, level : WalkNetwork
        The network, and the same without waits, for metres.
    homes : GeoDataFrame
        Homes of the communities, with a column ``_community`` of their position.
    n : int
        Communities.
    """

    network: WalkNetwork
    level: WalkNetwork
    homes: gpd.GeoDataFrame
    n: int

    @property
    def community(self) -> Ints:
        """Position of each home's community."""
        return np.asarray(self.homes["_community"], dtype=np.int64)

    def people(self, column: str) -> Floats:
        """People, households and the like by community."""
        values = pd.to_numeric(self.homes[column]).fillna(0.0).to_numpy(dtype=np.float64)
        summed = np.bincount(self.community, weights=values, minlength=self.n)
        return np.asarray(summed, dtype=np.float64)


def arrivals(
    town: Town,
    facilities: gpd.GeoDataFrame,
    *,
    walker: Walker,
    group: str,
    direction: Direction,
    metres: bool,
) -> Arrivals:
    """The nearest facility for everybody, in minutes and in metres.

    Parameters
    ----------
    town : Town
    facilities : GeoDataFrame
        At least one.
    walker, group, direction
        Who walks, and which way.
    metres : bool
        Whether metres are asked for; else `distance_m` is 0.
    """
    homes = town.homes
    door_min, facility = _nearest(town.network, homes, facilities, walker, direction)
    home, storey, share = _storeys(homes)
    lift = as_flags(homes["has_lift"])[home] if "has_lift" in homes.columns else storey < 0
    walk_min = door_min[home] + _stairs(walker, storey, lift, direction) / 60.0
    distance_m = np.zeros(len(homes))
    if metres:
        seconds, _ = _nearest(town.level, homes, facilities, METRES, direction)
        distance_m = seconds * 60.0 * METRES.speed_m_s
    has_way = np.isfinite(walk_min)
    return Arrivals(
        community=town.community[home],
        n_communities=town.n,
        people=pd.to_numeric(homes[group]).fillna(0.0).to_numpy(dtype=np.float64)[home] * share,
        walk_min=np.where(has_way, walk_min, np.inf),
        distance_m=distance_m[home],
        facility=np.where(has_way, facility[home], -1).astype(np.int64),
        facilities=facilities,
    )


def _nearest(
    network: WalkNetwork,
    homes: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    walker: Walker,
    direction: Direction,
) -> tuple[Floats, Ints]:
    """Minutes from each door to its nearest facility, and which one that is."""
    # the storeys are added one by one, so everybody starts at the door here
    ground = homes.drop(columns="storey", errors="ignore")
    found = nearest(network, ground, facilities, walker=walker, direction=direction)
    minutes = np.full(len(homes), np.inf)
    facility = np.full(len(homes), -1, dtype=np.int64)
    home = pd.Index(homes["home_id"].map(str)).get_indexer(pd.Index(found["from_id"]))
    minutes[home] = found["walk_min"].to_numpy(dtype=np.float64)
    facility[home] = pd.Index(facilities["facility_id"].map(str)).get_indexer(
        pd.Index(found["to_id"])
    )
    return minutes, facility


def level_network(network: WalkNetwork) -> WalkNetwork:
    """The same network without waits at gates, so that seconds of `METRES` are metres."""
    if not (network.edges["wait_s"] > 0).any():
        return network
    return replace(network, edges=network.edges.assign(wait_s=0.0), cache={})


def _storeys(homes: gpd.GeoDataFrame) -> tuple[Ints, Floats, Floats]:
    """One row for each storey of each home: home, storey, share of the home's people."""
    rows = np.arange(len(homes))
    if "storey" in homes.columns:
        storey = pd.to_numeric(homes["storey"]).fillna(1.0).to_numpy(dtype=np.float64)
        return rows, storey, np.ones(len(homes))
    if "storeys" not in homes.columns:
        return rows, np.ones(len(homes)), np.ones(len(homes))
    count = pd.to_numeric(homes["storeys"]).fillna(1.0).round().clip(lower=1.0)
    n = count.to_numpy(dtype=np.int64)
    home = np.repeat(rows, n)
    storey = np.arange(len(home)) - np.repeat(np.cumsum(n) - n, n) + 1.0
    return home, storey, 1.0 / n[home]


def _stairs(walker: Walker, storey: Floats, lift: NDArray[np.bool_], direction: str) -> Floats:
    ways = ("there", "back") if direction == "worse" else (direction,)
    seconds = [storey_seconds(walker, storey, lift, direction=way) for way in ways]
    return np.asarray(np.maximum.reduce(seconds), dtype=np.float64)
