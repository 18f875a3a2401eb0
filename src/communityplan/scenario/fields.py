"""What openings would change: exact times through any set of links, from one round of searches.

With a link between points a and b of the network, the nearest facility of a home is either the one
of today or is reached through the link: home to a, the link, b to its nearest facility, or the
other way round. With several links it is the shortest way over their ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from communityplan import _search
from communityplan.reach.ends import (
    Group,
    Places,
    ends_of,
    groups_of,
    places,
    residents_of,
    search_graph,
)
from communityplan.scenario.openings import Openings
from communityplan.scenario.situation import Situation
from communityplan.walker import Walker

__all__ = ["Field", "end_sets", "field_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_CELLS = 2_000_000


@dataclass(frozen=True)
class Field:
    """Times between homes, ends of links and facilities of one walker [s].

    Attributes
    ----------
    code : array of int, shape (H,)
        Position of each home's right of way in the arrays below.
    to_end : array of float, shape (H, X + 1)
        From homes to ends; the last end is nowhere.
    from_end : array of float, shape (S, K, X + 1)
        From ends to the nearest facility of each service, with each right of way.
    between : array of float, shape (K, X + 1, X + 1) or (1, X + 1, X + 1)
        From end to end, by a link and, where openings are combined, by the network.
    """

    code: Ints
    to_end: Floats
    from_end: Floats
    between: Floats

    def seconds(self, sets: Ints) -> Floats:
        """Time to the nearest facility through sets of links, infinite where that is none.

        Parameters
        ----------
        sets : array of int, shape (B, N)
            Ends of the links of each set, -1 for none.

        Returns
        -------
        array of float, shape (S, B, H)
        """
        n_sets, n_ends = sets.shape
        out = np.full((len(self.from_end), n_sets, len(self.code)), np.inf)
        size = max(1, MOST_CELLS // max(len(self.code) * n_ends, 1))
        for first in range(0, n_sets, size):
            part = slice(first, first + size)
            for right in range(self.from_end.shape[1]):
                rows = np.flatnonzero(self.code == right)
                out[:, part, rows] = self._part(sets[part], right, rows)
        return out

    def _part(self, sets: Ints, right: int, rows: Ints) -> Floats:
        whose = min(right, len(self.between) - 1)
        cost = self.between[whose][sets[:, :, None], sets[:, None, :]]
        for middle in range(sets.shape[1]):
            through = cost[:, :, middle, None] + cost[:, None, middle, :]
            cost = np.minimum(cost, through)
        start = self.to_end[rows][:, sets].transpose(1, 0, 2)
        best = np.full((len(self.from_end), len(sets), len(rows)), np.inf)
        for end in range(sets.shape[1]):
            arrived = (start + cost[:, None, :, end]).min(axis=2)
            left = self.from_end[:, right, :][:, sets[:, end]]
            best = np.minimum(best, arrived[None] + left[:, :, None])
        return best


def field_of(
    now: Situation,
    openings: Openings,
    walker: Walker,
    services: Sequence[str],
    *,
    limit_s: float,
    together: bool,
) -> Field:
    """The times that matter for some openings.

    Parameters
    ----------
    now : Situation
        As it stands.
    openings : Openings
    walker : Walker
    services : sequence of str
    limit_s : float
        No home is better off by a longer walk than this to an end [s].
    together : bool
        Whether openings are to be combined: then the ways between their ends matter. One link
        alone needs none.

    Returns
    -------
    Field
    """
    network = now.network
    graph = search_graph(network, walker)
    ground = now.homes.drop(columns="storey", errors="ignore")
    homes = places(network, ground, walker=walker, where="homes")
    owner = residents_of(network, homes, walker)
    codes = {name: code + 1 for code, name in enumerate(network.owners)} | {"": 0}
    allowed = np.array([codes[name] for name in owner], dtype=np.int64)
    rights, code = np.unique(allowed, return_inverse=True)
    every, ends = np.arange(len(owner)), openings.ends
    leaving, _, _ = ends_of(network, homes, every, walker=walker, owner=owner, outward=True)
    to_end = np.full((len(owner), len(ends) + 1), np.inf)
    home, end, seconds = _search.pairs(graph, leaving, ends, limit_s=limit_s, allowed=allowed)
    to_end[home, end] = seconds
    from_end = np.full((len(services), len(rights), len(ends) + 1), np.inf)
    for number, service in enumerate(services):
        offered = now.facilities[now.facilities["service"].map(str) == service]
        if len(offered):
            shops = places(network, offered, walker=walker, where="facilities")
            for group in groups_of(network, owner, shops, walker):
                mine = np.searchsorted(rights, np.unique(group.code))
                from_end[number, mine, :-1] = _nearest(now, openings, shops, group, walker)
    between = _links(openings, walker, len(rights) if together else 1)
    if together:
        for position, right in enumerate(rights):
            mine = np.full(len(ends), right)
            a, b, s = _search.pairs(graph, ends, ends, limit_s=np.inf, allowed=mine)
            between[position, a, b] = np.minimum(between[position, a, b], s)
    return Field(np.asarray(code), to_end, from_end, between)


def _nearest(
    now: Situation, openings: Openings, shops: Places, group: Group, walker: Walker
) -> Floats:
    """From every end to the nearest facility, one row for each right of a group."""
    arriving, _, _ = ends_of(
        now.network,
        shops,
        np.arange(len(shops.ids)),
        walker=walker,
        owner=group.owner,
        outward=False,
    )
    graph, ends = search_graph(now.network, walker), openings.ends
    rows = []
    for right in np.unique(group.code):
        _, seconds = _search.nearest(graph, ends, arriving, allowed=np.full(len(ends), right))
        rows.append(np.nan_to_num(seconds[:, 0], nan=np.inf))
    return np.array(rows)


def _links(openings: Openings, walker: Walker, n_rights: int) -> Floats:
    """Times from end to end by the links alone."""
    count = len(openings.ends) + 1
    cost = np.full((n_rights, count, count), np.inf)
    link = openings.link
    seconds = (link["length_m"] / walker.speed_m_s + link["wait_s"]).to_numpy()
    for a, b in (("a", "b"), ("b", "a")):
        one, two = link[a].to_numpy(dtype=np.int64), link[b].to_numpy(dtype=np.int64)
        for right in range(n_rights):
            np.minimum.at(cost[right], (one, two), seconds)
    cost[:, np.arange(count), np.arange(count)] = 0.0
    return cost


def end_sets(openings: Openings, sets: Sequence[Sequence[int]]) -> Ints:
    """The ends of the links of sets of openings, one row each.

    Parameters
    ----------
    openings : Openings
    sets : sequence of sequence of int
        Positions of openings.

    Returns
    -------
    array of int
        Filled up with -1.
    """
    ends = [
        list(dict.fromkeys(rows[["a", "b"]].to_numpy().ravel().tolist()))
        for _, rows in openings.link.groupby("opening")
    ]
    chosen = [[end for opening in one for end in ends[opening]] for one in sets]
    out = np.full((len(sets), max((len(row) for row in chosen), default=1)), -1)
    for number, row in enumerate(chosen):
        out[number, : len(row)] = row
    return out
