"""Sites with a limited number of places: who goes where is part of the model."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from communityplan.allocation._build import Builder
from communityplan.allocation._highs import Clock, Model, Solved, solve
from communityplan.allocation._ledger import Flow, Found
from communityplan.allocation._reach import Reach, Sites, merge_rows
from communityplan.errors import DataError, OptionError, Problem, TooLargeError

__all__ = [
    "assign",
    "center_within_capacity",
    "cover_within_capacity",
    "least_walking_within_capacity",
    "most_within_capacity",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_PAIRS = 1_000_000
"""Pairs in a model with capacities; each is a column and a row."""

EXPLAIN_S = 10.0
"""Time to find out how many people lack a place, where not everybody has one."""

ROUNDING = 1e-6
"""People that a solver may lose, relative to all."""


@dataclass(frozen=True)
class _Network:
    """Rows of people, and the sites they may go to at a cost per person."""

    people: Floats
    row: Ints
    site: Ints
    cost: Floats


def most_within_capacity(
    reach: Reach, sites: Sites, places: Floats, n_sites: int, clock: Clock
) -> tuple[Found, Flow]:
    """So many sites that serve the most people beside the existing ones."""
    network = _merged(reach)
    already = assign(reach, sites.existing, places).people.sum()
    solved = solve(_siting(network, sites, places, n_sites, must_serve=False), clock)
    opened = _opened(solved, sites, n_sites)
    flow = assign(reach, np.union1d(opened, sites.existing), places)
    served = float(flow.people.sum())
    most = served if solved.state == "optimal" else max(-solved.bound, served)
    most = min(most, float(network.people.sum()))
    return Found(opened, served - already, most - already, solved.is_interrupted), flow


def cover_within_capacity(
    reach: Reach, sites: Sites, places: Floats, clock: Clock
) -> tuple[Found, Flow]:
    """The fewest sites that have room for everybody whom some site reaches."""
    network = _merged(reach)
    everywhere = np.arange(len(reach.sites))
    room = float(assign(reach, everywhere, places).people.sum())
    _check_room(room, float(network.people.sum()), len(sites.free))
    solved = solve(_siting(network, sites, places, None, must_serve=True), clock)
    opened = _opened(solved, sites, len(sites.free))
    bound = int(np.ceil(solved.bound - ROUNDING)) if np.isfinite(solved.bound) else 0
    flow = assign(reach, np.union1d(opened, sites.existing), places)
    number = len(opened)
    return Found(opened, float(number), float(min(bound, number)), solved.is_interrupted), flow


def least_walking_within_capacity(
    reach: Reach, sites: Sites, places: Floats, n_sites: int, clock: Clock
) -> tuple[Found, Flow]:
    """So many sites that have room for everybody, with the least walking."""
    network = _Network(reach.people, reach.home, reach.site, reach.walk_min)
    _check_size(network)
    solved = solve(_siting(network, sites, places, n_sites, must_serve=True), clock)
    _check_found(solved, reach, sites, places, n_sites)
    opened = _opened(solved, sites, n_sites)
    flow = assign(reach, np.union1d(opened, sites.existing), places)
    walked = float((flow.people * flow.walk_min).sum())
    bound = walked if solved.state == "optimal" else min(max(solved.bound, 0.0), walked)
    return Found(opened, walked, bound, solved.is_interrupted), flow


def center_within_capacity(
    reach: Reach, sites: Sites, places: Floats, n_sites: int, clock: Clock, *, least_min: float
) -> tuple[Found, Flow]:
    """So many sites that have room for everybody, with the shortest longest walk."""
    radii = np.unique(reach.walk_min[reach.walk_min >= least_min])
    low, high, solved = 0, len(radii) - 1, _room_within(reach, sites, places, n_sites, clock)
    _check_found(solved, reach, sites, places, n_sites)
    opened, was_interrupted = _opened(solved, sites, n_sites), solved.is_interrupted
    while low < high and not clock.is_over() and not was_interrupted:
        middle = (low + high) // 2
        near = reach.within(float(radii[middle]))
        solved = _room_within(near, sites, places, n_sites, clock)
        was_interrupted = solved.is_interrupted
        if solved.values is not None:
            opened, high = _opened(solved, sites, n_sites), middle
        elif solved.state == "infeasible":
            low = middle + 1
        else:
            break
    flow = assign(reach.within(float(radii[high])), np.union1d(opened, sites.existing), places)
    longest = float(flow.walk_min.max(initial=0.0))
    return Found(opened, longest, min(float(radii[low]), longest), was_interrupted), flow


def assign(reach: Reach, opened: Ints, places: Floats) -> Flow:
    """As many people as there is room for, and of all such ways the one with the least walking."""
    is_open = np.zeros(len(reach.sites), dtype=bool)
    is_open[opened] = True
    near = reach.only(is_open[reach.site])
    network = _Network(near.people, near.home, near.site, np.full(len(near.home), -1.0))
    no_limit = Clock(np.inf)
    first = solve(_transport(network, places), no_limit)
    most = 0.0 if first.values is None else float(first.values.sum())
    walking = replace(network, cost=near.walk_min)
    second = solve(_transport(walking, places, least_served=most), no_limit)
    values = first.values if second.values is None else second.values
    values = np.zeros(len(near.home)) if values is None else values
    used = np.flatnonzero(values > ROUNDING)
    return Flow(near.home[used], near.site[used], values[used], near.walk_min[used])


def _merged(reach: Reach) -> _Network:
    """Homes that the same sites reach are one row; people whom no site reaches are left out."""
    group, first = merge_rows(reach)
    stands_for = np.full(len(reach.homes), -1)
    stands_for[first] = np.arange(len(first))
    keep = stands_for[reach.home] >= 0
    people = np.bincount(group, reach.people, minlength=len(first)).astype(np.float64)
    row = stands_for[reach.home[keep]]
    has_site = np.zeros(len(first), dtype=bool)
    has_site[row] = True
    people[~has_site] = 0.0
    network = _Network(people, row, reach.site[keep], np.full(int(keep.sum()), -1.0))
    _check_size(network)
    return network


def _siting(
    network: _Network, sites: Sites, places: Floats, n_sites: int | None, *, must_serve: bool
) -> Model:
    """Which free sites open and how many people go where; without a number: as few as can be."""
    builder = Builder()
    opens = np.full(len(places), -1)
    opens[sites.free] = builder.add_columns(
        len(sites.free), cost=1.0 if n_sites is None else 0.0, upper=1.0, is_integer=True
    )
    goes = builder.add_columns(len(network.row), cost=0.0 if n_sites is None else network.cost)
    _limit_people(builder, network, goes, must_serve=must_serve)
    _limit_places(builder, network, goes, np.where(opens < 0, places, np.inf))
    _shut_means_empty(builder, network, goes, opens, places)
    required = opens[sites.required]
    builder.add_rows(len(required), [(np.arange(len(required)), required, 1.0)], lower=1.0)
    if n_sites is not None:
        builder.add_rows(1, [(0, opens[sites.free], 1.0)], lower=n_sites, upper=n_sites)
    return builder.model()


def _shut_means_empty(
    builder: Builder, network: _Network, goes: Ints, opens: Ints, places: Floats
) -> None:
    """Nobody goes to a site that does not open, and no more than it has places."""
    within_reach = np.bincount(network.site, network.people[network.row], minlength=len(places))
    room = np.minimum(places, within_reach)
    site = np.flatnonzero(opens >= 0)
    pair = np.flatnonzero(opens[network.site] >= 0)
    opener = opens[network.site[pair]]
    builder.add_rows(
        len(places),
        [(network.site[pair], goes[pair], 1.0), (site, opens[site], -room[site])],
        upper=0.0,
    )
    # implied by the places, but without it the linear relaxation opens slivers of sites
    most = np.minimum(network.people[network.row], room[network.site])[pair]
    order = np.arange(len(pair))
    builder.add_rows(len(pair), [(order, goes[pair], 1.0), (order, opener, -most)], upper=0.0)


def _transport(network: _Network, places: Floats, *, least_served: float = 0.0) -> Model:
    """How many people go where when it is known what is open."""
    builder = Builder()
    goes = builder.add_columns(len(network.row), cost=network.cost)
    _limit_people(builder, network, goes, must_serve=False)
    _limit_places(builder, network, goes, places)
    builder.add_rows(1, [(0, goes, 1.0)], lower=least_served)
    return builder.model()


def _limit_people(builder: Builder, network: _Network, goes: Ints, *, must_serve: bool) -> None:
    least = network.people if must_serve else 0.0
    builder.add_rows(
        len(network.people), [(network.row, goes, 1.0)], lower=least, upper=network.people
    )


def _limit_places(builder: Builder, network: _Network, goes: Ints, places: Floats) -> None:
    builder.add_rows(len(places), [(network.site, goes, 1.0)], upper=places)


def _check_size(network: _Network) -> None:
    pairs = len(network.row)
    if pairs > MOST_PAIRS:
        raise TooLargeError(
            f"with capacities {MOST_PAIRS:,} pairs of home and site fit and there are {pairs:,}; "
            "keep only shorter walks or fewer candidates"
        )


def _opened(solved: Solved, sites: Sites, n_sites: int) -> Ints:
    """The sites of a solution; the first ones where the clock left none."""
    if solved.values is None:
        rest = np.setdiff1d(sites.free, sites.required)
        missing = n_sites - len(sites.required)
        return np.sort(np.concatenate([sites.required, rest[:missing]]))
    return sites.free[solved.values[: len(sites.free)] > 0.5]


def _room_within(reach: Reach, sites: Sites, places: Floats, n_sites: int, clock: Clock) -> Solved:
    """Any sites that have room for everybody within the pairs given."""
    network = _Network(reach.people, reach.home, reach.site, np.zeros(len(reach.home)))
    _check_size(network)
    return solve(_siting(network, sites, places, n_sites, must_serve=True), clock)


def _check_found(solved: Solved, reach: Reach, sites: Sites, places: Floats, n_sites: int) -> None:
    """Say why there is no solution: how many people lack a place, or that time was short."""
    if solved.values is not None:
        return
    if solved.state == "infeasible":
        most, _ = most_within_capacity(reach, sites, places, n_sites, Clock(EXPLAIN_S))
        already = assign(reach, sites.existing, places).people.sum()
        _check_room(float(most.objective + already), float(reach.people.sum()), n_sites)
    raise OptionError(
        "no sites with room for everybody were found in the time given; raise time_limit_s"
    )


def _check_room(room: float, people: float, n_sites: int) -> None:
    short = people - room
    if short > ROUNDING * max(people, 1.0):
        raise DataError(
            [
                Problem(
                    "capacity",
                    f"{n_sites} sites and the existing ones have room for {room:,.0f} of "
                    f"{people:,.0f} people, {short:,.0f} short",
                    "Allow more sites, more places or longer walks",
                )
            ]
        )
