"""Walks and people as checked arrays, in the order of their ids."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from communityplan.errors import DataError, OptionError, Problem, TooLargeError
from communityplan.tables import WALKS, check

__all__ = ["Reach", "Sites", "merge_rows", "read_capacity", "read_reach", "read_sites"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ids = pd.Index

MOST_PAIRS = 150_000_000
"""Pairs of a home and a site that are held in memory at once, about 4 GB with the work space."""


@dataclass(frozen=True)
class Reach:
    """Who can walk where, as arrays; pairs are ordered by site, then home, each once.

    Attributes
    ----------
    sites, homes : Index
        Ids of the candidates and of the demand that holds people, sorted.
    people : array of float
        People at each home [persons].
    site, home : array of int
        Positions in `sites` and `homes`, one per pair.
    walk_min : array of float
        Time of the walk [min], one per pair.
    empty_homes : int
        Demand without people, which is left aside.
    unnamed_homes : int
        Starts of walks that demand does not name, which do not count.
    repeated_pairs : int
        Pairs given more than once, of which the shortest walk counts.
    """

    sites: Ids
    homes: Ids
    people: Floats
    site: Ints
    home: Ints
    walk_min: Floats
    empty_homes: int = 0
    unnamed_homes: int = 0
    repeated_pairs: int = 0

    def within(self, limit_min: float) -> Reach:
        """The pairs no longer than a limit."""
        return self.only(self.walk_min <= limit_min)

    def only(self, keep: NDArray[np.bool_]) -> Reach:
        """Some of the pairs."""
        return replace(
            self, site=self.site[keep], home=self.home[keep], walk_min=self.walk_min[keep]
        )

    def indptr(self) -> Ints:
        """Where the pairs of each site begin and end."""
        return np.searchsorted(self.site, np.arange(len(self.sites) + 1))


@dataclass(frozen=True)
class Sites:
    """Which candidates are free to choose, which have to be opened, which are open already.

    Attributes
    ----------
    free, required, existing : array of int
        Positions in `Reach.sites`.
    """

    free: Ints
    required: Ints
    existing: Ints


def read_reach(walks: pd.DataFrame, demand: pd.Series[Any]) -> Reach:
    """Check walks and demand against each other and turn them into arrays.

    Raises
    ------
    TableError
        Where walks breaks its contract; a missing `walk_min` is read as unreachable.
    DataError
        Demand that is negative, missing, not a number or repeated, that has no people at all, or
        that names no home of walks.
    TooLargeError
        More pairs than fit in memory.
    """
    reachable = _reachable(walks)
    site_codes, sites = _coded(reachable["to_id"], walks["to_id"])
    home_codes, homes = _coded(reachable["from_id"], reachable["from_id"])
    amounts, named_at = _people(demand, homes)
    lived_in = np.flatnonzero(amounts > 0)
    lived_in = lived_in[_order(demand.index[lived_in].to_numpy(dtype=object))]
    place = np.full(len(amounts) + 1, -1)  # the last one is of homes that demand does not name
    place[lived_in] = np.arange(len(lived_in))
    reach = Reach(
        sites=sites,
        homes=demand.index[lived_in],
        people=amounts[lived_in],
        site=site_codes,
        home=place[named_at][home_codes].astype(np.int64),
        walk_min=reachable["walk_min"].to_numpy(dtype=np.float64),
        empty_homes=int((amounts == 0).sum()),
        unnamed_homes=int((named_at < 0).sum()),
    )
    return _in_order(reach)


def read_sites(
    reach: Reach, required: Iterable[Hashable], existing: Iterable[Hashable]
) -> tuple[Reach, Sites]:
    """Positions of the named sites; existing ones that reach nobody are added without walks.

    Raises
    ------
    DataError
        Lists every required site that is no candidate or stands already.
    """
    wanted, standing = list(dict.fromkeys(required)), list(dict.fromkeys(existing))
    _check_required(wanted, standing, reach.sites)
    unseen = [site for site in standing if site not in reach.sites]
    if unseen:
        reach = _with_sites(reach, unseen)
    fixed = reach.sites.get_indexer(pd.Index(standing)) if standing else np.empty(0, int)
    must = reach.sites.get_indexer(pd.Index(wanted)) if wanted else np.empty(0, int)
    free = np.setdiff1d(np.arange(len(reach.sites)), fixed)
    return reach, Sites(free, np.sort(must).astype(np.int64), np.sort(fixed).astype(np.int64))


def read_capacity(capacity: pd.Series[Any] | Mapping[Any, float] | float, reach: Reach) -> Floats:
    """Places at each site, in the order of `reach.sites`.

    Raises
    ------
    DataError
        Lists every site without a capacity that is a number and not negative.
    """
    if isinstance(capacity, (int, float)):
        places = pd.Series(float(capacity), index=reach.sites)
    else:
        given = pd.Series(capacity, dtype="float64")
        if not given.index.is_unique:
            raise OptionError("capacity names a site more than once; give each site one number")
        places = given.reindex(reach.sites)
    bad = ~(places.to_numpy() >= 0) | ~np.isfinite(places.to_numpy())
    if bad.any():
        raise DataError(
            [
                Problem(
                    f"capacity of {site}", f"it is {value}", "Give the places it has, 0 or more"
                )
                for site, value in places[bad].items()
            ]
        )
    return np.asarray(places.to_numpy(), dtype=np.float64)


def merge_rows(reach: Reach, keep: Ints | None = None) -> tuple[Ints, Ints]:
    """Demand that the same sites reach is one: the class of each home, and one home per class.

    Parameters
    ----------
    reach : Reach
        Only which pairs there are counts, not how long they are.
    keep : array of int, optional
        Positions of the sites that matter; all unless given.

    Returns
    -------
    (array of int, array of int)
        Class of every home, and the position of a home that stands for each class.
    """
    sites = np.arange(len(reach.sites)) if keep is None else keep
    column = np.full(len(reach.sites), -1)
    column[sites] = np.arange(len(sites))
    bits = np.zeros((len(reach.homes), (len(sites) + 7) // 8 or 1), dtype=np.uint8)
    indptr = reach.indptr()
    for site in sites:
        rows = reach.home[indptr[site] : indptr[site + 1]]
        bits[rows, column[site] >> 3] |= np.uint8(128 >> (column[site] & 7))
    packed = bits.view(f"V{bits.shape[1]}").ravel()
    _, first, group = np.unique(packed, return_index=True, return_inverse=True)
    # classes in the order of their first home, so that the order of ids decides
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[group.ravel()], np.sort(first)


def _reachable(walks: pd.DataFrame) -> pd.DataFrame:
    """The rows with a time; everything else that is wrong with the table is one error."""
    check(walks.iloc[:0], WALKS)
    minutes = pd.to_numeric(walks["walk_min"], errors="coerce")
    given = walks["walk_min"].notna().to_numpy()
    values = minutes.to_numpy(dtype=np.float64, na_value=np.nan)
    if (given & ~(np.isfinite(values) & (values >= 0))).any():
        check(walks[given], WALKS)
    if not given.any():
        found = "no walk at all" if walks.empty else "every walk_min is missing"
        raise DataError(
            [Problem("walks", found, "Give walks from homes to sites, or more minutes")]
        )
    if int(given.sum()) > MOST_PAIRS:
        raise TooLargeError(
            f"walks has {given.sum():,} pairs and {MOST_PAIRS:,} fit; "
            "keep only the walks within a limit, or fewer candidates"
        )
    return walks if given.all() else walks[given]


def _coded(cells: pd.Series[Any], all_cells: pd.Series[Any]) -> tuple[Ints, Ids]:
    """Each cell as a position among the sorted ids of the whole column."""
    codes, found = pd.factorize(cells)
    ids = pd.Index(found)
    if len(all_cells) != len(cells):
        ids = ids.append(pd.Index(all_cells.dropna().unique()).difference(ids, sort=False))
    # as plain objects: a column of strings is slow to walk through
    names = ids.to_numpy(dtype=object)
    if (codes < 0).any() or not all(map(str.strip, map(str, names))):
        problem = Problem(
            "walks", f"{cells.name} is empty in some rows", "Name every start and end"
        )
        raise DataError([problem])
    order = _order(names)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return place[codes], ids[order]


def _sorted(ids: Ids) -> Ids:
    ordered: Ids = ids[_order(ids.to_numpy(dtype=object))]
    return ordered


def _order(names: NDArray[np.object_]) -> Ints:
    """What puts names in order; most often they are, and looking is quicker than sorting."""
    try:
        if (names[1:] >= names[:-1]).all():
            return np.arange(len(names))
        return np.argsort(names, kind="stable")
    except TypeError:
        return np.argsort(names.astype(str), kind="stable")


def _people(demand: pd.Series[Any], homes: Ids) -> tuple[Floats, Ints]:
    """People of every row of demand, and the row of every home, -1 for none.

    All that is wrong is one error.
    """
    people = pd.to_numeric(demand, errors="coerce").astype("float64")
    is_bad = ~((people >= 0) & np.isfinite(people)).to_numpy()
    problems = [
        Problem(f"demand of {home}", f"it is {found}", "Give people, 0 or more")
        for home, found in demand[is_bad].items()
    ]
    repeated = demand.index[demand.index.duplicated()].unique()
    problems += [
        Problem(f"demand of {home}", "it is there more than once", "Add the people up in one row")
        for home in repeated
    ]
    if not problems and not (people > 0).any():
        found = "it is empty" if demand.empty else "nobody lives anywhere: all people are 0"
        problems.append(Problem("demand", found, "Give the people at each home"))
    named_at = np.full(len(homes), -1) if problems else demand.index.get_indexer(homes)
    if not problems and (named_at < 0).all():
        found = f"it names no from_id of walks, such as {homes[0]!r}"
        problems.append(Problem("demand", found, "Index it by the from_id of walks"))
    if problems:
        raise DataError(problems)
    return np.asarray(people, dtype=np.float64), named_at.astype(np.int64)


def _in_order(reach: Reach) -> Reach:
    """Pairs with people, ordered by site and home, the shortest walk of each."""
    lived_in = reach.home >= 0
    rises = bool((np.diff(reach.site * max(len(reach.homes), 1) + reach.home) > 0).all())
    if rises and lived_in.all():
        return reach
    kept = reach if lived_in.all() else reach.only(lived_in)
    # rows of a sparse matrix are filled in linear time, and pairs given twice would be added up
    pairs = (kept.site, kept.home)
    shape = (len(kept.sites), len(kept.homes))
    matrix = sp.coo_matrix((kept.walk_min, pairs), shape=shape).tocsr()
    if matrix.nnz < len(kept.site):
        return _shortest(kept)
    matrix.sort_indices()
    return replace(
        kept,
        site=np.repeat(np.arange(shape[0]), np.diff(matrix.indptr)),
        home=matrix.indices.astype(np.int64),
        walk_min=matrix.data,
    )


def _shortest(reach: Reach) -> Reach:
    """The shortest walk of each pair, ordered by site and home."""
    order = np.lexsort((reach.walk_min, reach.home, reach.site))
    site, home = reach.site[order], reach.home[order]
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = (np.diff(site) > 0) | (np.diff(home) != 0)
    return replace(
        reach,
        site=site[is_first],
        home=home[is_first],
        walk_min=reach.walk_min[order][is_first],
        repeated_pairs=len(order) - int(is_first.sum()),
    )


def _check_required(wanted: list[Any], standing: list[Any], sites: Ids) -> None:
    problems = [
        Problem(f"required site {site}", "no walk leads to it", "Name a to_id of walks")
        for site in wanted
        if site not in sites
    ]
    problems += [
        Problem(f"required site {site}", "it is also existing", "Name it once, as existing")
        for site in wanted
        if site in standing
    ]
    if problems:
        raise DataError(problems)


def _with_sites(reach: Reach, unseen: list[Any]) -> Reach:
    sites = _sorted(reach.sites.append(pd.Index(unseen)))
    moved = sites.get_indexer(reach.sites)[reach.site].astype(np.int64)
    return _in_order(replace(reach, sites=sites, site=moved))
