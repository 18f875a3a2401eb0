"""The p-center: halve the range of radii; each radius is a covering question [1]_.

A home enters the covering model only when a solution without it leaves it out, so that the models
stay small however many homes there are [2]_.

References
----------
.. [1] Minieka, E. (1970). The m-center problem. SIAM Review 12(1), 138-139. doi:10.1137/1012016
.. [2] Chen, D., Chen, R. (2009). New relaxation-based algorithms for the optimal solution of the
   continuous and discrete p-center problems. Computers & Operations Research 36(5), 1646-1655.
   doi:10.1016/j.cor.2008.03.009
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from communityplan.allocation._cover import cover_all
from communityplan.allocation._highs import Clock
from communityplan.allocation._ledger import Found
from communityplan.allocation._placing import Placing, add_greedily
from communityplan.allocation._reach import Reach, Sites

__all__ = ["find_center"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FIRST_HOMES = 200
MORE_HOMES = 100


def find_center(
    reach: Reach, sites: Sites, n_sites: int, standing_min: Floats, clock: Clock
) -> Found:
    """So many sites with the shortest longest walk.

    Parameters
    ----------
    reach : Reach
        Homes, sites and walks; every home has one or an existing facility.
    sites : Sites
        Which may open and which have to.
    n_sites : int
        How many open.
    standing_min : array of float
        Walk from each home to the nearest existing facility [min], infinite where there is none.
    clock : Clock
        When to stop.
    """
    search = _Search(reach, sites, n_sites, standing_min, clock)
    while search.low < search.high and not clock.is_over() and not search.is_interrupted:
        if not search.halve():
            break
    return search.result()


class _Search:
    """Radii between what is impossible and what is known to do."""

    def __init__(
        self, reach: Reach, sites: Sites, n_sites: int, standing_min: Floats, clock: Clock
    ) -> None:
        self._sites, self._n, self._standing, self._clock = sites, n_sites, standing_min, clock
        column = np.full(len(reach.sites), -1)
        column[sites.free] = np.arange(len(sites.free))
        pair = np.flatnonzero(column[reach.site] >= 0)
        pair = pair[reach.walk_min[pair] < standing_min[reach.home[pair]]]
        self._required = column[sites.required]
        self._walks = sp.csr_matrix(
            (reach.walk_min[pair], (reach.home[pair], column[reach.site[pair]])),
            shape=(len(reach.homes), len(sites.free)),
        )
        self._placing = Placing(
            n_sites=len(sites.free),
            n_open=n_sites,
            required=self._required,
            site=column[reach.site[pair]],
            row=reach.home[pair],
            cost=reach.walk_min[pair],
            outside=np.where(np.isfinite(standing_min), standing_min, self._far(reach)),
        )
        self.is_interrupted = False
        self._best = add_greedily(self._placing)
        self.high = self._radius(self._best)
        nearest = self._least_walks(np.arange(len(sites.free)))
        self.low = float(nearest.max(initial=0.0))
        radii = np.concatenate([reach.walk_min[pair], standing_min[np.isfinite(standing_min)]])
        self._radii = np.unique(radii[radii >= self.low])
        self._homes = np.sort(np.argsort(-nearest, kind="stable")[:FIRST_HOMES])

    def halve(self) -> bool:
        """Test the middle radius; false where the clock did not leave an answer."""
        between = self._radii[(self._radii >= self.low) & (self._radii < self.high)]
        if not len(between):
            self.low = self.high
            return True
        middle = float(between[(len(between) - 1) // 2])
        answer = self._can_do(middle)
        if answer is None:
            return False
        if not answer:
            above = self._radii[self._radii > middle]
            self.low = min(float(above[0]), self.high) if len(above) else self.high
        return True

    def result(self) -> Found:
        """The best sites; those beyond what the radius needs shorten the other walks."""
        filled = add_greedily(self._placing, first=self._best)
        return Found(
            self._sites.free[filled], self.high, min(self.low, self.high), self.is_interrupted
        )

    def _can_do(self, radius: float) -> bool | None:
        """Whether so many sites keep everybody within a radius; not known without time."""
        while True:
            rows = self._homes[self._standing[self._homes] > radius]
            cover = cover_all(
                _within(self._walks[rows], radius), self._required, self._clock, enough=self._n
            )
            self.is_interrupted |= cover.is_interrupted
            if len(cover.sites) > self._n:
                return False if cover.bound > self._n else None
            self._offer(cover.sites)
            walks = self._least_walks(cover.sites)
            missed = np.flatnonzero(walks > radius)
            if not len(missed):
                return True
            farthest = missed[np.argsort(-walks[missed], kind="stable")[:MORE_HOMES]]
            self._homes = np.union1d(self._homes, farthest)

    def _offer(self, sites: Ints) -> None:
        radius = self._radius(sites)
        if radius < self.high:
            self._best, self.high = sites, radius

    def _radius(self, sites: Ints) -> float:
        return float(self._least_walks(sites).max(initial=0.0))

    def _least_walks(self, sites: Ints) -> Floats:
        """Walk of every home to the nearest of these sites or an existing facility."""
        nearest = self._standing.copy()
        is_open = np.zeros(self._walks.shape[1], dtype=bool)
        is_open[sites] = True
        pair = np.flatnonzero(is_open[self._placing.site])
        np.minimum.at(nearest, self._placing.row[pair], self._placing.cost[pair])
        return nearest

    @staticmethod
    def _far(reach: Reach) -> float:
        return float(reach.walk_min.sum()) + 1.0


def _within(walks: sp.csr_matrix, radius: float) -> sp.csr_matrix:
    """Which site is within the radius of which home."""
    coordinates = walks.tocoo()
    keep = coordinates.data <= radius
    rows, columns = coordinates.row[keep], coordinates.col[keep]
    return sp.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=walks.shape)
