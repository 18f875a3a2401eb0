"""Open so many sites, everybody goes to the cheapest: the problem behind MCLP and p-median."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["Placing", "add_greedily", "improve", "nearest_two", "total_cost"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WHOLE_LIMIT = 2.0**52
"""Above this a double no longer holds every whole number."""


@dataclass(frozen=True)
class Placing:
    """One problem: every row goes to its cheapest open site, or stays outside at a cost.

    Attributes
    ----------
    n_sites : int
        Candidates there are.
    n_open : int
        How many of them open, the required ones included.
    required : array of int
        Candidates that have to open.
    site, row : array of int
        Which site serves which row, ordered by site; only pairs cheaper than outside.
    cost : array of float
        What that costs, people counted in.
    outside : array of float
        Cost of a row that no open site serves.
    """

    n_sites: int
    n_open: int
    required: Ints
    site: Ints
    row: Ints
    cost: Floats
    outside: Floats

    def indptr(self) -> Ints:
        """Where the pairs of each site begin and end."""
        return np.searchsorted(self.site, np.arange(self.n_sites + 1))

    def is_whole(self) -> bool:
        """Whether every solution costs a whole number."""
        total = float(self.outside.sum())
        costs = (self.cost, self.outside)
        return total < WHOLE_LIMIT and all(bool((part == np.rint(part)).all()) for part in costs)

    def only(self, keep: NDArray[np.bool_]) -> Placing:
        """The same problem with some pairs left out."""
        return replace(self, site=self.site[keep], row=self.row[keep], cost=self.cost[keep])

    def sample(self, rows: Ints) -> Placing:
        """The same problem for some of the rows."""
        position = np.full(len(self.outside), -1)
        position[rows] = np.arange(len(rows))
        kept = self.only(position[self.row] >= 0)
        return replace(kept, row=position[kept.row], outside=self.outside[rows])


def nearest_two(placing: Placing, sites: Ints, indptr: Ints) -> tuple[Ints, Floats, Floats]:
    """Which of the open sites serves each row, at what cost, and the cost of the next best.

    Returns
    -------
    (array of int, array of float, array of float)
        Position in `sites` (the number of sites: outside), cost, and cost of the second best.
    """
    rows = len(placing.outside)
    owner = np.full(rows, len(sites))
    first = placing.outside.copy()
    second = placing.outside.copy()
    for position, site in enumerate(sites):
        here = placing.row[indptr[site] : indptr[site + 1]]
        cost = placing.cost[indptr[site] : indptr[site + 1]]
        before = first[here]
        is_nearer = cost < before
        second[here] = np.where(is_nearer, before, np.minimum(second[here], cost))
        first[here] = np.where(is_nearer, cost, before)
        owner[here[is_nearer]] = position
    return owner, first, second


def total_cost(placing: Placing, sites: Ints, indptr: Ints) -> float:
    """Cost of everybody when these sites are open."""
    cheapest = placing.outside.copy()
    for site in sites:
        here = placing.row[indptr[site] : indptr[site + 1]]
        cheapest[here] = np.minimum(cheapest[here], placing.cost[indptr[site] : indptr[site + 1]])
    return float(cheapest.sum())


def add_greedily(placing: Placing, *, first: Ints | None = None) -> Ints:
    """Open one site after the other, each time the one that saves most; ties to the lower id.

    Parameters
    ----------
    placing : Placing
        The problem.
    first : array of int, optional
        Sites to begin with; the required ones unless given.
    """
    indptr = placing.indptr()
    opened = [int(site) for site in (placing.required if first is None else first)]
    cheapest = placing.outside.copy()
    for site in opened:
        _serve(placing, indptr, site, cheapest)
    # gains only ever shrink, so a site whose gain still leads after a fresh look is the best
    saving = np.maximum(cheapest[placing.row] - placing.cost, 0.0)
    gains = np.bincount(placing.site, saving, minlength=placing.n_sites)
    queue = [(-float(gain), site) for site, gain in enumerate(gains) if site not in opened]
    heapq.heapify(queue)
    while len(opened) < placing.n_open:
        _, site = heapq.heappop(queue)
        fresh = (-_saving(placing, indptr, site, cheapest), site)
        if queue and fresh > queue[0]:
            heapq.heappush(queue, fresh)
            continue
        opened.append(site)
        _serve(placing, indptr, site, cheapest)
    return np.sort(np.asarray(opened, dtype=np.int64))


def improve(placing: Placing, sites: Ints, *, most_swaps: int = 1000) -> tuple[Ints, float]:
    """Swap one open site for a shut one as long as that lowers the cost, the best swap first.

    Returns
    -------
    (array of int, float)
        Sites, sorted, and their cost; no single swap makes them better.
    """
    indptr = placing.indptr()
    sites = np.sort(sites)
    for _ in range(most_swaps):
        owner, first, second = nearest_two(placing, sites, indptr)
        cost = float(first.sum())
        change = _swap_changes(placing, sites, owner, first, second)
        shut, leaving = np.unravel_index(int(np.argmin(change)), change.shape)
        if change[shut, leaving] >= -1e-12 * max(cost, 1.0):
            return sites, cost
        sites = np.sort(np.append(np.delete(sites, leaving), shut))
    return sites, total_cost(placing, sites, indptr)


def _serve(placing: Placing, indptr: Ints, site: int, cheapest: Floats) -> None:
    here = placing.row[indptr[site] : indptr[site + 1]]
    cost = placing.cost[indptr[site] : indptr[site + 1]]
    cheapest[here] = np.minimum(cheapest[here], cost)


def _saving(placing: Placing, indptr: Ints, site: int, cheapest: Floats) -> float:
    here = slice(indptr[site], indptr[site + 1])
    return float(np.maximum(cheapest[placing.row[here]] - placing.cost[here], 0.0).sum())


def _swap_changes(
    placing: Placing, sites: Ints, owner: Ints, first: Floats, second: Floats
) -> Floats:
    """Change of cost for every candidate that comes and every open site that goes."""
    count = len(sites)
    near = np.flatnonzero(placing.cost < second[placing.row])
    row, site, cost = placing.row[near], placing.site[near], placing.cost[near]
    saved = np.maximum(first[row] - cost, 0.0)
    gain = np.bincount(site, saved, minlength=placing.n_sites).astype(np.float64)
    change = np.repeat(-gain[:, None], count, axis=1)
    # those who lose their site go to their second best, or to the one that comes
    change += np.bincount(owner, second - first, minlength=count + 1)[None, :count]
    spared = second[row] - np.maximum(first[row], cost)
    has_site = owner[row] < count
    key = site[has_site] * count + owner[row][has_site]
    change -= np.bincount(key, spared[has_site], minlength=placing.n_sites * count).reshape(
        placing.n_sites, count
    )
    change[sites, :] = np.inf
    change[:, np.isin(sites, placing.required)] = np.inf
    return change
