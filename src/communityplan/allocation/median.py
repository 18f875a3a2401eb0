"""Sites near people: the least walking of all (p-median) or of the farthest (p-center)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from communityplan.allocation._capacity import (
    center_within_capacity,
    least_walking_within_capacity,
)
from communityplan.allocation._center import find_center
from communityplan.allocation._cover import cover_all
from communityplan.allocation._exact import bound_only, place
from communityplan.allocation._highs import Clock
from communityplan.allocation._ledger import Answer, Found, as_choice, nearest_flow
from communityplan.allocation._options import (
    check_count,
    check_limit,
    check_method,
    check_time,
)
from communityplan.allocation._placing import Placing, add_greedily
from communityplan.allocation._reach import Reach, Sites, read_capacity, read_reach, read_sites
from communityplan.allocation.choice import Choice
from communityplan.errors import DataError, OptionError, Problem

__all__ = ["p_center", "p_median"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ids = Iterable[Hashable]
Capacity = pd.Series | Mapping[Any, float] | float | None


def p_median(
    walks: pd.DataFrame,
    demand: pd.Series[Any],
    *,
    n_sites: int,
    required: Ids = (),
    existing: Ids = (),
    capacity: Capacity = None,
    unserved_min: float | None = None,
    method: Literal["exact", "greedy"] = "exact",
    time_limit_s: float = 60.0,
) -> Choice:
    """So many sites with the least walking, everybody to the nearest (p-median) [1]_.

    Parameters
    ----------
    walks : DataFrame
        As `tables.WALKS`: ``from_id``, ``to_id``, ``walk_min`` [min]. The candidates are all its
        ``to_id``; a missing ``walk_min`` is unreachable; of a repeated pair the shortest counts.
    demand : Series
        People at each home [persons], indexed by ``from_id``; homes that it does not name do not
        count, and how many these are is in the record.
    n_sites : int
        How many sites open, the required ones included, the existing ones not.
    required : iterable of str, optional
        Candidates that open in any case.
    existing : iterable of str, optional
        Facilities that are open already and that people may go to.
    capacity : Series, mapping or float, optional
        Places of every site [persons]; unlimited unless given. The people of one home may then
        go to several sites.
    unserved_min : float, optional
        Minutes that somebody without a site counts for, and the longest walk that anybody takes
        [min]; not together with `capacity`. Unless given, everybody has to have a site.
    method : {"exact", "greedy"}
        Greedy opens the site that saves most walking, again and again, and says how far from
        the best that may be.
    time_limit_s : float
        When to stop with the best found [s].

    Returns
    -------
    Choice
        Objective: people times minutes walked, one way.

    Raises
    ------
    TableError, DataError, OptionError, TooLargeError
        For inputs that cannot be used, and where not everybody can have a site: the error names
        the homes, or the number of sites that it takes.

    Notes
    -----
    Solved by swaps, Lagrangian bounds, branching and HiGHS; among sets of equal value the same
    input always gives the same one.

    References
    ----------
    .. [1] Hakimi, S. L. (1964). Optimum locations of switching centers and the absolute centers
       and medians of a graph. Operations Research 12(3), 450-459. doi:10.1287/opre.12.3.450

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.allocation import p_median
    >>> walks = pd.DataFrame({"from_id": ["a", "a", "b", "b"], "to_id": ["x", "y", "x", "y"],
    ...     "walk_min": [1, 4, 6, 2]})
    >>> p_median(walks, pd.Series({"a": 10, "b": 20}), n_sites=1)
    <Choice p_median: 80 person-minutes, 1 sites, 30 of 30 people, proven optimal>
    """
    clock = _checked(method, capacity, time_limit_s)
    reach, sites = read_sites(read_reach(walks, demand), required, existing)
    check_count(n_sites, reach, sites)
    if unserved_min is None:
        _check_reachable(reach)
    else:
        _check_unserved(unserved_min, capacity)
        reach = reach.within(unserved_min)
    if capacity is None:
        found = _least_walking(
            reach, sites, n_sites, clock, unserved_min=unserved_min, method=method
        )
        flow = nearest_flow(reach, np.union1d(found.sites, sites.existing))
    else:
        places = read_capacity(capacity, reach)
        found, flow = least_walking_within_capacity(reach, sites, places, n_sites, clock)
    answer = Answer(
        model="p_median",
        objective_name="person-minutes",
        unit="person-minutes",
        is_maximum=False,
        found=found,
        standing=sites.existing,
        method=method,
    )
    return as_choice(
        reach, flow, answer, n_sites=n_sites, unserved_min=unserved_min, time_limit_s=time_limit_s
    )


def p_center(
    walks: pd.DataFrame,
    demand: pd.Series[Any],
    *,
    n_sites: int,
    required: Ids = (),
    existing: Ids = (),
    capacity: Capacity = None,
    time_limit_s: float = 60.0,
) -> Choice:
    """So many sites with the shortest longest walk (p-center) [1]_.

    Parameters
    ----------
    walks : DataFrame
        As `tables.WALKS`: ``from_id``, ``to_id``, ``walk_min`` [min]. The candidates are all its
        ``to_id``; a missing ``walk_min`` is unreachable; of a repeated pair the shortest counts.
    demand : Series
        People at each home [persons], indexed by ``from_id``; homes without people and homes that
        it does not name do not count, all others count alike.
    n_sites : int
        How many sites open, the required ones included, the existing ones not. Those that the
        longest walk does not need are placed to shorten the other walks.
    required : iterable of str, optional
        Candidates that open in any case.
    existing : iterable of str, optional
        Facilities that are open already and that people may go to.
    capacity : Series, mapping or float, optional
        Places of every site [persons]; unlimited unless given. The people of one home may then
        go to several sites.
    time_limit_s : float
        When to stop with the best found [s].

    Returns
    -------
    Choice
        Objective: longest walk of anybody [min].

    Raises
    ------
    TableError, DataError, OptionError, TooLargeError
        For inputs that cannot be used, and where not everybody can have a site: the error names
        the homes, or the number of sites that it takes.

    References
    ----------
    .. [1] Hakimi, S. L. (1964). Optimum locations of switching centers and the absolute centers
       and medians of a graph. Operations Research 12(3), 450-459. doi:10.1287/opre.12.3.450

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.allocation import p_center
    >>> walks = pd.DataFrame({"from_id": ["a", "a", "b", "b"], "to_id": ["x", "y", "x", "y"],
    ...     "walk_min": [1, 4, 6, 2]})
    >>> p_center(walks, pd.Series({"a": 10, "b": 20}), n_sites=1)
    <Choice p_center: 4 min, 1 sites, 30 of 30 people, proven optimal>
    """
    clock = _checked("exact", capacity, time_limit_s)
    reach, sites = read_sites(read_reach(walks, demand), required, existing)
    check_count(n_sites, reach, sites)
    _check_reachable(reach)
    _first_cover(reach, sites, n_sites, clock)
    found = find_center(reach, sites, n_sites, _standing_min(reach, sites), clock)
    flow = nearest_flow(reach, np.union1d(found.sites, sites.existing))
    if capacity is not None:
        places = read_capacity(capacity, reach)
        found, flow = center_within_capacity(
            reach, sites, places, n_sites, clock, least_min=found.bound
        )
    answer = Answer(
        model="p_center",
        objective_name="longest walk",
        unit="min",
        is_maximum=False,
        found=found,
        standing=sites.existing,
    )
    return as_choice(reach, flow, answer, n_sites=n_sites, time_limit_s=time_limit_s)


def _checked(method: str, capacity: Capacity, time_limit_s: float) -> Clock:
    check_method(method, has_capacity=capacity is not None)
    check_time(time_limit_s)
    return Clock(time_limit_s)


def _check_unserved(unserved_min: float, capacity: Capacity) -> None:
    check_limit("unserved_min", unserved_min)
    if capacity is not None:
        raise OptionError("unserved_min and capacity do not go together; leave one of them out")


def _least_walking(
    reach: Reach,
    sites: Sites,
    n_sites: int,
    clock: Clock,
    *,
    unserved_min: float | None,
    method: str,
) -> Found:
    placing = _as_placing(reach, sites, n_sites, unserved_min)
    if method == "exact" and _is_complete(reach):
        placed = place(placing, clock)
    else:
        start = add_greedily(placing)
        if unserved_min is None and len(_unserved(reach, sites, start)):
            # the sites that save most leave somebody out: begin with a set that does not
            start = add_greedily(placing, first=_first_cover(reach, sites, n_sites, clock))
        placed = (place if method == "exact" else bound_only)(placing, clock, start)
    return Found(sites.free[placed.sites], placed.cost, placed.bound, placed.is_interrupted)


def _as_placing(reach: Reach, sites: Sites, n_sites: int, unserved_min: float | None) -> Placing:
    """Walking as a placing: a home without a site goes to an existing one, or costs a fortune."""
    column = np.full(len(reach.sites), -1)
    column[sites.free] = np.arange(len(sites.free))
    cost = reach.walk_min * reach.people[reach.home]
    outside = _standing_min(reach, sites)
    if unserved_min is not None:
        outside = np.minimum(outside, unserved_min)
    outside = outside * reach.people
    fortune = 1.0 + float(reach.people.sum() * reach.walk_min.max(initial=0.0))
    outside = np.where(np.isfinite(outside), outside, fortune)
    pair = np.flatnonzero((column[reach.site] >= 0) & (cost < outside[reach.home]))
    return Placing(
        n_sites=len(sites.free),
        n_open=n_sites,
        required=column[sites.required],
        site=column[reach.site[pair]],
        row=reach.home[pair],
        cost=cost[pair],
        outside=outside,
    )


def _standing_min(reach: Reach, sites: Sites) -> Floats:
    """Walk from each home to the nearest existing facility, infinite where there is none [min]."""
    shortest = np.full(len(reach.homes), np.inf)
    flow = nearest_flow(reach, sites.existing)
    shortest[flow.home] = flow.walk_min
    return shortest


def _is_complete(reach: Reach) -> bool:
    """Whether every site reaches every home, so that any of them serves everybody."""
    return len(reach.home) == len(reach.homes) * len(reach.sites)


def _unserved(reach: Reach, sites: Sites, chosen: Ints) -> Ints:
    """Homes that none of the chosen free sites nor an existing one reaches."""
    flow = nearest_flow(reach, np.union1d(sites.free[chosen], sites.existing))
    return np.setdiff1d(np.arange(len(reach.homes)), flow.home)


def _check_reachable(reach: Reach) -> None:
    has_site = np.zeros(len(reach.homes), dtype=bool)
    has_site[reach.home] = True
    left = np.flatnonzero(~has_site)
    if len(left):
        raise DataError(
            [
                Problem(
                    f"demand of {reach.homes[home]}",
                    f"none of the sites is in walks for its {reach.people[home]:g} people",
                    "Allow longer walks, add a candidate, leave the home out, or use "
                    "maximal_covering",
                )
                for home in left.tolist()
            ]
        )


def _first_cover(reach: Reach, sites: Sites, n_sites: int, clock: Clock) -> Ints:
    """Sites that leave nobody out, or an error that says how many it takes."""
    standing = np.isfinite(_standing_min(reach, sites))
    column = np.full(len(reach.sites), -1)
    column[sites.free] = np.arange(len(sites.free))
    pair = np.flatnonzero((column[reach.site] >= 0) & ~standing[reach.home])
    member = sp.csr_matrix(
        (np.ones(len(pair)), (reach.home[pair], column[reach.site[pair]])),
        shape=(len(reach.homes), len(sites.free)),
    )
    cover = cover_all(member[~standing], column[sites.required], clock, enough=n_sites)
    if len(cover.sites) <= n_sites:
        return cover.sites
    if cover.bound > n_sites:
        found = f"no {n_sites} sites reach everybody: it takes at least {cover.bound}"
    else:
        found = f"no {n_sites} sites that reach everybody were found in the time given"
    raise DataError(
        [Problem("walks", found, "Open more sites, allow longer walks, or use maximal_covering")]
    )
