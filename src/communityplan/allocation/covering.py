"""Covering models: the fewest sites for everybody (LSCP), most people with few sites (MCLP)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from communityplan.allocation._capacity import cover_within_capacity, most_within_capacity
from communityplan.allocation._cover import cover_all, cover_greedily
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
from communityplan.allocation._reach import (
    Reach,
    Sites,
    merge_rows,
    read_capacity,
    read_reach,
    read_sites,
)
from communityplan.allocation.choice import Choice

__all__ = ["maximal_covering", "set_covering"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ids = Iterable[Hashable]
Method = Literal["exact", "greedy"]
Capacity = pd.Series | Mapping[Any, float] | float | None


def set_covering(
    walks: pd.DataFrame,
    demand: pd.Series[Any],
    *,
    within_min: float,
    required: Ids = (),
    existing: Ids = (),
    capacity: Capacity = None,
    method: Method = "exact",
    time_limit_s: float = 60.0,
) -> Choice:
    """The fewest sites so that everybody who can be covered is covered (LSCP) [1]_.

    Parameters
    ----------
    walks : DataFrame
        As `tables.WALKS`: ``from_id``, ``to_id``, ``walk_min`` [min]. The candidates are all its
        ``to_id``; a missing ``walk_min`` is unreachable; of a repeated pair the shortest counts.
    demand : Series
        People at each home [persons], indexed by ``from_id``; homes that it does not name do not
        count, and how many these are is in the record.
    within_min : float
        Longest walk that covers, inclusive [min].
    required : iterable of str, optional
        Candidates that open in any case.
    existing : iterable of str, optional
        Facilities that are open already; whom they cover needs nobody else.
    capacity : Series, mapping or float, optional
        Places of every site [persons]; unlimited unless given. The people of one home may then
        go to several sites.
    method : {"exact", "greedy"}
        Greedy opens the site that covers most homes until nobody is left.
    time_limit_s : float
        When to stop with the best found [s].

    Returns
    -------
    Choice
        Objective: sites that open. People whom no site reaches are in ``not_served``.

    Raises
    ------
    TableError, DataError, OptionError, TooLargeError
        For inputs that cannot be used, and where the capacity does not suffice.

    References
    ----------
    .. [1] Toregas, C., Swain, R., ReVelle, C., Bergman, L. (1971). The location of emergency
       service facilities. Operations Research 19(6), 1363-1373. doi:10.1287/opre.19.6.1363

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.allocation import set_covering
    >>> walks = pd.DataFrame({"from_id": ["a", "b", "b", "c"], "to_id": ["x", "x", "y", "y"],
    ...     "walk_min": [4, 3, 5, 2]})
    >>> people = pd.Series({"a": 10, "b": 20, "c": 5, "far": 7})
    >>> choice = set_covering(walks, people, within_min=5)
    >>> choice.sites, choice.status, choice.not_served["from_id"].tolist()
    (['x', 'y'], 'proven optimal', ['far'])
    """
    clock = _checked(within_min, method, capacity is not None, time_limit_s)
    reach, sites = _read(walks, demand, within_min, required, existing)
    if capacity is None:
        found = _fewest(reach, sites, method, clock)
        flow = nearest_flow(reach, np.union1d(found.sites, sites.existing))
    else:
        places = read_capacity(capacity, reach)
        found, flow = cover_within_capacity(reach, sites, places, clock)
    answer = Answer(
        model="set_covering",
        objective_name="sites",
        unit="sites",
        is_maximum=False,
        found=found,
        standing=sites.existing,
        method=method,
    )
    return as_choice(reach, flow, answer, within_min=within_min, time_limit_s=time_limit_s)


def maximal_covering(
    walks: pd.DataFrame,
    demand: pd.Series[Any],
    *,
    n_sites: int,
    within_min: float,
    required: Ids = (),
    existing: Ids = (),
    capacity: Capacity = None,
    method: Method = "exact",
    time_limit_s: float = 60.0,
) -> Choice:
    """So many sites that cover the most people (MCLP) [1]_.

    Parameters
    ----------
    walks : DataFrame
        As `tables.WALKS`: ``from_id``, ``to_id``, ``walk_min`` [min]. The candidates are all its
        ``to_id``; a missing ``walk_min`` is unreachable; of a repeated pair the shortest counts.
    demand : Series
        People at each home [persons], indexed by ``from_id``; homes that it does not name do not
        count, and how many these are is in the record.
    n_sites : int
        How many sites open, the required ones included, the existing ones not. Where fewer would
        do, the rest opens too and its row in ``opened`` shows whom it serves.
    within_min : float
        Longest walk that covers, inclusive [min].
    required : iterable of str, optional
        Candidates that open in any case.
    existing : iterable of str, optional
        Facilities that are open already; whom they cover is not counted again.
    capacity : Series, mapping or float, optional
        Places of every site [persons]; unlimited unless given. The people of one home may then
        go to several sites.
    method : {"exact", "greedy"}
        Greedy opens the site that adds most people, again and again, and says how far from the
        best that may be.
    time_limit_s : float
        When to stop with the best found [s].

    Returns
    -------
    Choice
        Objective: people newly covered, people and not homes; with ``existing``, those that they
        cover come on top in ``people_covered``.

    Raises
    ------
    TableError, DataError, OptionError, TooLargeError
        For inputs that cannot be used.

    Notes
    -----
    Homes that the same sites cover are one row of the model, so its size is the number of
    different coverage sets. Solved by swaps, Lagrangian bounds, branching and HiGHS; among sets
    of equal value the same input always gives the same one.

    References
    ----------
    .. [1] Church, R., ReVelle, C. (1974). The maximal covering location problem. Papers of the
       Regional Science Association 32, 101-118. doi:10.1007/BF01942293

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.allocation import maximal_covering
    >>> walks = pd.DataFrame({"from_id": ["a", "b", "b", "c"], "to_id": ["x", "x", "y", "y"],
    ...     "walk_min": [4, 3, 5, 2]})
    >>> people = pd.Series({"a": 10, "b": 20, "c": 5})
    >>> maximal_covering(walks, people, n_sites=1, within_min=5)
    <Choice maximal_covering: 30 people, 1 sites, 30 of 35 people, proven optimal>
    """
    clock = _checked(within_min, method, capacity is not None, time_limit_s)
    reach, sites = _read(walks, demand, within_min, required, existing)
    check_count(n_sites, reach, sites)
    if capacity is None:
        found = _most_people(reach, sites, n_sites, method, clock)
        flow = nearest_flow(reach, np.union1d(found.sites, sites.existing))
    else:
        places = read_capacity(capacity, reach)
        found, flow = most_within_capacity(reach, sites, places, n_sites, clock)
    answer = Answer(
        model="maximal_covering",
        objective_name="people covered",
        unit="people",
        is_maximum=True,
        found=found,
        standing=sites.existing,
        method=method,
    )
    return as_choice(
        reach, flow, answer, within_min=within_min, n_sites=n_sites, time_limit_s=time_limit_s
    )


def _checked(within_min: float, method: str, has_capacity: bool, time_limit_s: float) -> Clock:
    check_limit("within_min", within_min)
    check_method(method, has_capacity=has_capacity)
    check_time(time_limit_s)
    return Clock(time_limit_s)


def _read(
    walks: pd.DataFrame,
    demand: pd.Series[Any],
    within_min: float,
    required: Ids,
    existing: Ids,
) -> tuple[Reach, Sites]:
    reach, sites = read_sites(read_reach(walks, demand), required, existing)
    return reach.within(within_min), sites


def _most_people(reach: Reach, sites: Sites, n_sites: int, method: str, clock: Clock) -> Found:
    """So many free sites that cover the most people whom no existing one covers."""
    placing = _as_placing(reach, sites, n_sites)
    if method == "greedy":
        placed = bound_only(placing, clock, add_greedily(placing))
    else:
        placed = place(placing, clock)
    people = float(placing.outside.sum())
    return Found(
        sites.free[placed.sites],
        people - placed.cost,
        people - placed.bound,
        placed.is_interrupted,
    )


def _as_placing(reach: Reach, sites: Sites, n_sites: int) -> Placing:
    """Covering as a placing: a home without a site costs its people."""
    open_question = _without_covered(reach, sites)
    column = np.full(len(reach.sites), -1)
    column[sites.free] = np.arange(len(sites.free))
    group, first = merge_rows(open_question, sites.free)
    stands_for = np.full(len(reach.homes), -1)
    stands_for[first] = np.arange(len(first))
    keep = (stands_for[open_question.home] >= 0) & (column[open_question.site] >= 0)
    people = np.bincount(group, _people_left(reach, sites), minlength=len(first))
    return Placing(
        n_sites=len(sites.free),
        n_open=n_sites,
        required=column[sites.required],
        site=column[open_question.site[keep]],
        row=stands_for[open_question.home[keep]],
        cost=np.zeros(int(keep.sum())),
        outside=people.astype(np.float64),
    )


def _fewest(reach: Reach, sites: Sites, method: str, clock: Clock) -> Found:
    """The fewest free sites for all homes that some site reaches and no existing one."""
    placing = _as_placing(reach, sites, len(sites.free))
    member = sp.csr_matrix(
        (np.ones(len(placing.row)), (placing.row, placing.site)),
        shape=(len(placing.outside), placing.n_sites),
    )
    member = member[np.diff(member.indptr) > 0]
    exact = cover_all(member, placing.required, clock)
    chosen = exact.sites if method == "exact" else cover_greedily(member, placing.required)
    return Found(sites.free[chosen], float(len(chosen)), float(exact.bound), exact.is_interrupted)


def _covered(reach: Reach, sites: Sites) -> NDArray[np.bool_]:
    """Homes that an existing facility covers."""
    stands = np.zeros(len(reach.sites), dtype=bool)
    stands[sites.existing] = True
    covered = np.zeros(len(reach.homes), dtype=bool)
    covered[reach.home[stands[reach.site]]] = True
    return covered


def _people_left(reach: Reach, sites: Sites) -> Floats:
    return np.where(_covered(reach, sites), 0.0, reach.people)


def _without_covered(reach: Reach, sites: Sites) -> Reach:
    """The pairs of homes that no existing facility covers."""
    return reach.only(~_covered(reach, sites)[reach.home])
