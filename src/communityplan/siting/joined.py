"""Homes, facilities and idle buildings joined to the network once, for every service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from communityplan import _search
from communityplan._search import Ends, SearchGraph
from communityplan.network import WalkNetwork
from communityplan.network.attachment import attach
from communityplan.reach import TOLERANCE_S
from communityplan.reach.ends import Places, ends_of, groups_of, places, residents_of, search_graph
from communityplan.walker import Walker

__all__ = ["Joined"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Triple = tuple[Ints, Ints, Floats]
Search = Callable[[SearchGraph, Ends, Ends, Ints], Triple]


@dataclass(frozen=True)
class _Homes:
    """Homes as starts of walks, each joined to the ways that its own people may use."""

    places: Places
    owner: NDArray[np.object_]


@dataclass(frozen=True)
class Joined:
    """Tables on a network; what has joined it is kept for all walkers on the same edges.

    Attributes
    ----------
    network : WalkNetwork
    homes, facilities, buildings : GeoDataFrame
    """

    network: WalkNetwork
    homes: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    _homes: dict[bool, _Homes] = field(default_factory=dict)
    _ends: dict[tuple[str, bool], Places] = field(default_factory=dict)

    def nearest_min(self, service: str, walker: Walker) -> Floats:
        """Walk from the door of every home to the nearest facility of a service [min].

        Returns
        -------
        array of float, shape (H,)
            nan where there is none or no way.
        """
        walk_min = np.full(len(self.homes), np.nan)
        offered = (self.facilities["service"].map(str) == service).to_numpy()
        if not offered.any():
            return walk_min

        def search(graph: SearchGraph, leaving: Ends, arriving: Ends, allowed: Ints) -> Triple:
            to, seconds = _search.nearest(graph, leaving, arriving, allowed=allowed)
            row, rank = np.nonzero(to >= 0)
            return row, to[row, rank], seconds[row, rank]

        ends = self._places("facilities", self.facilities, walker)
        ends = _some(ends, np.flatnonzero(offered))
        home, _, seconds = self._search(search, np.arange(len(self.homes)), ends, walker)
        walk_min[home] = seconds / 60.0
        return walk_min

    def pairs(
        self, homes: Ints, buildings: Ints, *, walker: Walker, within_min: float
    ) -> tuple[Ints, Ints, Floats]:
        """Walks within a limit from some homes to some buildings, all by position.

        Parameters
        ----------
        homes, buildings : array of int
        walker : Walker
        within_min : float

        Returns
        -------
        tuple of array
            Home, building, and minutes from the door of the home; by home, then by building.
        """
        limit_s = within_min * 60.0 + TOLERANCE_S

        def search(graph: SearchGraph, leaving: Ends, arriving: Ends, allowed: Ints) -> Triple:
            return _search.pairs(graph, leaving, arriving, limit_s=limit_s, allowed=allowed)

        ends = _some(self._places("idle_buildings", self.buildings, walker), buildings)
        home, to, seconds = self._search(search, homes, ends, walker)
        return home, buildings[to], seconds / 60.0

    def _search(self, search: Search, homes: Ints, ends: Places, walker: Walker) -> Triple:
        if not len(homes) or not len(ends.ids):
            none = np.zeros(0, dtype=np.int64)
            return none, none, np.zeros(0)
        start = self._starts(walker)
        graph = search_graph(self.network, walker)
        every = np.arange(len(ends.ids))
        parts = []
        for group in groups_of(self.network, start.owner[homes], ends, walker):
            rows = homes[group.rows]
            # the homes have joined the ways of their owners already
            leaving, _, _ = ends_of(
                self.network, start.places, rows, walker=walker, owner="", outward=True
            )
            arriving, _, _ = ends_of(
                self.network, ends, every, walker=walker, owner=group.owner, outward=False
            )
            row, to, seconds = search(graph, leaving, arriving, group.code)
            parts.append((rows[row], to, seconds))
        if len(parts) == 1:
            return parts[0]
        home, to, seconds = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((to, home))
        return home[order], to[order], seconds[order]

    def _starts(self, walker: Walker) -> _Homes:
        key = walker.may_use_steps
        if key not in self._homes:
            # storeys are looked at limit by limit
            ground = self.homes.drop(columns="storey", errors="ignore")
            found = places(self.network, ground, walker=walker, where="homes")
            owner = residents_of(self.network, found, walker)
            base = attach(self.network, found.shapes, walker=walker, owner=owner, base=found.base)
            self._homes[key] = _Homes(Places(ground, found.ids, found.shapes, base), owner)
        return self._homes[key]

    def _places(self, name: str, table: gpd.GeoDataFrame, walker: Walker) -> Places:
        key = (name, walker.may_use_steps)
        if key not in self._ends:
            self._ends[key] = places(self.network, table, walker=walker, where=name)
        return self._ends[key]


def _some(found: Places, rows: Ints) -> Places:
    return Places(
        found.table.iloc[rows], found.ids[rows], found.shapes[rows], found.base.take(rows)
    )
