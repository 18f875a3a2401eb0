"""Save money without serving anybody less: leave out what nobody needs, exchange for cheaper."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from communityplan.allocation._programme import Programme

__all__ = ["save_money"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_SAVING_YUAN = 1e-6


def save_money(programme: Programme, opened: Ints, room_m2: Floats) -> Ints:
    """Options that serve the same people for less, one exchange after the other.

    Parameters
    ----------
    programme : Programme
        Options and who gains; places without limits.
    opened : array of int
        Options that open.
    room_m2 : array of float
        Floor area of each building.

    Returns
    -------
    array of int
        Options, sorted: none of them can be left out, or exchanged for one that costs less,
        without serving somebody less or missing a basic need.
    """
    member = _members_that_matter(programme)
    while True:
        better = _best_exchange(programme, member, opened, room_m2)
        if better is None:
            return opened
        opened = better


def _members_that_matter(programme: Programme) -> sp.csr_matrix:
    """Rows of people who count in the objective or in a need."""
    matters = programme.weight > 0.0
    matters[[need.service for need in programme.needs if need.service >= 0]] = True
    rows = matters[programme.classes.service] & (programme.classes.people > 0.0)
    return programme.classes.member[rows]


def _best_exchange(
    programme: Programme, member: sp.csr_matrix, opened: Ints, room_m2: Floats
) -> Ints | None:
    is_open = np.zeros(member.shape[1])
    is_open[opened] = 1.0
    served_once = (member @ is_open) < 1.5
    spent = programme.spent_yuan(opened)
    best, least = None, spent - LEAST_SAVING_YUAN
    for option in np.setdiff1d(opened, programme.required):
        rest = opened[opened != option]
        only_here = served_once & (member[:, [option]].toarray().ravel() > 0.0)
        for trial in _instead(programme, member, rest, only_here):
            cost = programme.spent_yuan(trial)
            if cost < least and _is_allowed(programme, trial, room_m2):
                best, least = trial, cost
    return best


def _instead(
    programme: Programme, member: sp.csr_matrix, rest: Ints, only_here: NDArray[np.bool_]
) -> list[Ints]:
    """The rest alone where it serves everybody, else with one option that serves those left."""
    if not only_here.any():
        return [rest]
    serves = np.asarray(member[only_here].sum(axis=0)).ravel()
    may_open = programme.first < len(programme.years)
    could = np.flatnonzero((serves > only_here.sum() - 0.5) & may_open)
    return [np.sort(np.append(rest, option)) for option in np.setdiff1d(could, rest)]


def _is_allowed(programme: Programme, opened: Ints, room_m2: Floats) -> bool:
    if not programme.rooms.hold(opened, room_m2):
        return False
    for need in programme.needs:
        if programme.centre.count(opened, programme.building) < need.centres:
            return False
        counts = programme.service[opened] == need.service
        if need.community >= 0:
            concerned = programme.classes.community == need.community
            concerned &= programme.classes.service == need.service
            reached = np.unique(programme.classes.member[concerned].indices)
            counts &= np.isin(opened, reached)
        if counts.sum() < need.sites:
            return False
    return True
