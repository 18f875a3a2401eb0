"""Numbers of nodes to the coordinates of ways, cut where nodes are missing in the file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from communityplan.load.osm_data import Flags, Ints, Tagged, Ways

__all__ = ["FARTHEST", "NOWHERE", "Places", "draw_ways"]


FARTHEST = np.array([1_800_000_000, 900_000_000])
"""The largest coordinates, in ten-millionths of a degree."""

NOWHERE = 2**31 - 1
"""The coordinate of a node that is not on the earth."""


@dataclass(frozen=True)
class Places:
    """Where nodes are: their numbers, rising, and ten-millionths of a degree."""

    ids: Ints
    xy: NDArray[np.int32]

    def of(self, refs: Ints) -> tuple[NDArray[np.int32], Flags]:
        """Places of some nodes, and whether each is in the file and on the earth."""
        if not len(self.ids):
            return np.zeros((len(refs), 2), dtype=np.int32), np.zeros(len(refs), dtype=np.bool_)
        row = np.minimum(np.searchsorted(self.ids, refs), len(self.ids) - 1)
        xy = self.xy[row]
        return xy, (self.ids[row] == refs) & (xy[:, 0] != NOWHERE)


def draw_ways(ids: Ints, tags: Tagged, refs: Ints, count: Ints, places: Places) -> tuple[Ways, int]:
    """Ways with their points.

    Parameters
    ----------
    ids : array of int, shape (n,)
        Their numbers.
    tags : Tagged
        Their tags.
    refs : array of int
        Numbers of their nodes, way after way.
    count : array of int, shape (n,)
        How many nodes each has.
    places : Places
        Where the nodes are.

    Returns
    -------
    tuple of (Ways, int)
        Degrees; points that repeat the one before are left out. How many ways were left out that
        do not have two points in the file.
    """
    xy, there = places.of(refs)
    owner = np.repeat(np.arange(len(ids)), count)
    whole = np.ones(len(ids), dtype=np.bool_)
    whole[owner[~there]] = False
    ends = np.cumsum(count)
    some = count > 0
    closed = np.zeros(len(ids), dtype=np.bool_)
    closed[some] = refs[(ends - count)[some]] == refs[ends[some] - 1]
    kept = np.flatnonzero(there)
    xy, owner = xy[kept], owner[kept]
    fresh = np.ones(len(kept), dtype=np.bool_)
    fresh[1:] = (np.diff(kept) > 1) | (owner[1:] != owner[:-1])
    moves = fresh.copy()
    # both coordinates of a point as one number
    spot = np.ascontiguousarray(xy).view(np.int64).reshape(-1)
    moves[1:] |= spot[1:] != spot[:-1]
    xy, owner, piece = xy[moves], owner[moves], (np.cumsum(fresh) - 1)[moves]
    size = np.bincount(piece, minlength=int(fresh.sum()))
    long = size > 1
    xy, way = xy[long[piece]], owner[np.flatnonzero(fresh[moves])][long]
    drawn = way[np.diff(way, prepend=-1) > 0]
    new_row = np.full(len(ids), -1, dtype=np.int64)
    new_row[drawn] = np.arange(len(drawn))
    start = np.concatenate([[0], np.cumsum(size[long])]).astype(np.int64)
    ways = Ways(
        ids[drawn], tags.take(drawn), closed[drawn], whole[drawn], new_row[way], start, xy / 1e7
    )
    return ways, len(ids) - len(drawn)
