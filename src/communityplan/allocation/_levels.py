"""The undecided rest of a placing as a small mixed-integer model.

Each row pays by levels: it pays the step from its k-th to its next site unless one of its k
nearest sites is open [1]_. Rows with the same k nearest sites share one column.

References
----------
.. [1] Church, R. L. (2003). COBRA: a new formulation of the classic p-median location problem.
   Annals of Operations Research 122, 103-120. doi:10.1023/A:1026142406234
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from communityplan.allocation._bound import Part
from communityplan.allocation._highs import Model

__all__ = ["Levels", "as_levels", "as_model", "unmerged_size"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Levels:
    """Sets of sites with what is paid when none of a set is open.

    Attributes
    ----------
    fixed : float
        What is paid in any case.
    member : sparse matrix
        Sets by sites, 1 where a site is in a set.
    toll : array of float
        Paid when no site of the set opens; infinite where one has to.
    """

    fixed: float
    member: sp.csr_matrix
    toll: Floats

    def size(self) -> float:
        """Cubed sizes of the sets, added up, which solving times were seen to follow."""
        return float((np.diff(self.member.indptr).astype(np.float64) ** 3).sum())


def unmerged_size(part: Part, reach: Floats) -> float:
    """Members of all sets of a part before equal sets are merged."""
    within = part.row[part.cost <= reach[part.row]]
    depth = np.bincount(within, minlength=len(reach)).astype(np.float64)
    return float((depth * (depth + 1.0)).sum() / 2.0)


def as_levels(part: Part, reach: Floats) -> Levels:
    """The levels of a part; no row looks beyond its reach.

    Parameters
    ----------
    part : Part
        The undecided sites and their pairs.
    reach : array of float
        Cost per row above which no solution of interest serves it.
    """
    order = np.lexsort((part.site, part.cost, part.row))
    row, site, cost = part.row[order], part.site[order], part.cost[order]
    keep = cost <= reach[row]
    row, site, cost = row[keep], site[keep], cost[keep]
    ends = np.minimum(part.ceiling, np.where(part.ceiling <= reach, part.ceiling, np.inf))
    following = np.append(cost[1:], 0.0)
    is_last = np.append(row[1:] != row[:-1], True) if len(row) else np.empty(0, bool)
    following = np.where(is_last, ends[row], following)
    has_pair = np.zeros(len(ends), dtype=bool)
    has_pair[row] = True
    first = np.append(True, row[1:] != row[:-1]) if len(row) else np.empty(0, bool)
    fixed = float(cost[first].sum() + ends[~has_pair].sum())
    return _merged(row, site, following - cost, first=first, fixed=fixed, n_sites=len(part.sites))


def as_model(levels: Levels, n_open: int) -> Model:
    """Open so many of the sites and pay the least tolls."""
    sets, sites = levels.member.shape
    has_toll = np.isfinite(levels.toll)
    paid = sp.identity(sets, format="csr")[:, has_toll]
    count = sp.csr_matrix(np.concatenate([np.ones(sites), np.zeros(paid.shape[1])])[None, :])
    matrix = sp.vstack([sp.hstack([levels.member, paid]), count], format="csr")
    columns = sites + paid.shape[1]
    is_integer = np.zeros(columns, dtype=bool)
    is_integer[:sites] = True
    return Model(
        cost=np.concatenate([np.zeros(sites), levels.toll[has_toll]]),
        matrix=matrix,
        row_lower=np.append(np.ones(sets), n_open),
        row_upper=np.append(np.full(sets, np.inf), n_open),
        lower=np.zeros(columns),
        upper=np.ones(columns),
        is_integer=is_integer,
    )


def _merged(
    row: Ints, site: Ints, toll: Floats, *, first: NDArray[np.bool_], fixed: float, n_sites: int
) -> Levels:
    """Equal sets are one; a level is looked at with the levels of its size in other rows."""
    start = np.flatnonzero(first)
    depth = np.arange(len(row)) - np.repeat(start, np.diff(np.append(start, len(row))))
    bits = np.zeros((int(row.max()) + 1 if len(row) else 0, n_sites), dtype=bool)
    members: list[NDArray[np.bool_]] = []
    tolls: list[Floats] = []
    for level in range(int(depth.max()) + 1 if len(depth) else 0):
        here = np.flatnonzero(depth == level)
        bits[row[here], site[here]] = True
        paying = here[toll[here] > 0.0]
        if not len(paying):
            continue
        packed = np.packbits(bits[row[paying]], axis=1)
        kinds, index, group = np.unique(
            packed.view(f"V{packed.shape[1]}").ravel(), return_index=True, return_inverse=True
        )
        members.append(bits[row[paying][index]])
        tolls.append(np.bincount(group, toll[paying], minlength=len(kinds)).astype(np.float64))
    if not members:
        return Levels(fixed, sp.csr_matrix((0, n_sites)), np.empty(0))
    member = sp.csr_matrix(np.vstack(members).astype(np.float64))
    return Levels(fixed, member, np.concatenate(tolls))
