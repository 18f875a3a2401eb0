"""The programme problem as checked arrays: options, buildings, money, needs, and who gains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

__all__ = ["Need", "Programme", "Slices", "merge_slices", "slice_gains"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Slices:
    """Groups of people who are served by the same options.

    A home whose upper floors are too far from some buildings is several slices.

    Attributes
    ----------
    people : array of float
        People of each slice [persons].
    service, community, home : array of int
        What they lack and where they live; community and home are -1 where slices are merged.
    member : sparse matrix
        Slices by options, 1 where an option serves a slice.
    """

    people: Floats
    service: Ints
    community: Ints
    home: Ints
    member: sp.csr_matrix


@dataclass(frozen=True)
class Need:
    """A basic need: so many people newly served, or so many sites, by the end of a period.

    Attributes
    ----------
    service, community : int
        Positions; community -1 stands for all.
    people, sites : float
        The least of each; one of them is 0.
    period : int
        By the end of which period.
    label : str
        What it is called in messages.
    """

    service: int
    community: int
    people: float
    sites: float
    period: int
    label: str


@dataclass(frozen=True)
class Programme:
    """Which services may open in which buildings, for which money, and who would gain.

    Attributes
    ----------
    options, buildings : DataFrame
        Checked tables in the order of their ids.
    gains : DataFrame
        Who gains, with people as numbers.
    homes : Index
        Ids of the homes, sorted.
    services : list of str
        Services, sorted.
    building, service : array of int
        Position of each option's building and service.
    cost_yuan, area_m2, places, first : array of float or int
        Of each option: cost, floor area needed, capacity (infinite: none), first period.
    opening_yuan, room_m2 : array of float
        Of each building: what opening it costs in any case, and its floor area.
    weight : array of float
        Weight of a person, by service.
    budget_yuan : array of float
        Money of each period.
    years : list
        What the periods are called.
    carries_over : bool
        Whether money that is left may be spent in a later period.
    needs : tuple of Need
        Basic needs.
    required : array of int
        Options that open in any case.
    slices, classes : Slices
        Who gains, home by home, and merged for the model.
    """

    options: pd.DataFrame
    buildings: pd.DataFrame
    gains: pd.DataFrame
    homes: pd.Index
    services: list[str]
    building: Ints
    service: Ints
    cost_yuan: Floats
    area_m2: Floats
    places: Floats
    first: Ints
    opening_yuan: Floats
    room_m2: Floats
    weight: Floats
    budget_yuan: Floats
    years: list[Any]
    carries_over: bool
    needs: tuple[Need, ...]
    required: Ints
    slices: Slices
    classes: Slices

    def served(self, opened: Ints) -> NDArray[np.bool_]:
        """Classes that these options serve."""
        is_open = np.zeros(len(self.cost_yuan))
        is_open[opened] = 1.0
        return np.asarray(self.classes.member @ is_open > 0.5)

    def value(self, opened: Ints) -> float:
        """Weighted people newly served by these options, however full they are."""
        weighted = self.classes.people * self.weight[self.classes.service]
        return float(weighted[self.served(opened)].sum())

    def spent_yuan(self, opened: Ints) -> float:
        """What these options cost, with their buildings."""
        used = np.unique(self.building[opened])
        return float(self.cost_yuan[opened].sum() + self.opening_yuan[used].sum())

    def has_places(self) -> bool:
        """Whether any option is limited in whom it can take."""
        return bool(np.isfinite(self.places).any())


def slice_gains(gains: pd.DataFrame, option: Ints, home: Ints, n_options: int) -> Slices:
    """People of each home in slices: who is served by the weakest option is served by all others.

    Parameters
    ----------
    gains : DataFrame
        ``people``, ``service_at`` and ``community_at``, one row per option and home.
    option, home : array of int
        Positions of each row's option and home.
    n_options : int
        How many options there are.
    """
    people = gains["people"].to_numpy(dtype=np.float64)
    service = gains["service_at"].to_numpy(dtype=np.int64)
    order = np.lexsort((option, people, home, service))
    people, option, home = people[order], option[order], home[order]
    service, community = service[order], gains["community_at"].to_numpy(dtype=np.int64)[order]
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = (home[1:] != home[:-1]) | (service[1:] != service[:-1])
    start = np.flatnonzero(begins)
    length = np.diff(np.append(start, len(order)))
    end = np.repeat(start + length, length)
    step = people - np.where(begins, 0.0, np.append(0.0, people[:-1]))
    slices = np.flatnonzero(step > 0.0)
    # the options from this row to the end of the home serve at least as many people
    length = (end - np.arange(len(order)))[slices]
    row = np.repeat(np.arange(len(slices)), length)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
    column = option[np.repeat(slices, length) + offset]
    member = sp.csr_matrix((np.ones(len(row)), (row, column)), shape=(len(slices), n_options))
    return Slices(step[slices], service[slices], community[slices], home[slices], member)


def merge_slices(slices: Slices, *, keep_communities: bool) -> Slices:
    """Slices that the same options serve are one, of one community where that matters."""
    count, options = slices.member.shape
    community = slices.community if keep_communities else np.full(count, -1)
    bits = np.zeros((count, (options + 7) // 8 + 8), dtype=np.uint8)
    entry = slices.member.tocoo()
    np.bitwise_or.at(bits, (entry.row, entry.col >> 3), (128 >> (entry.col & 7)).astype(np.uint8))
    bits[:, -8:-4] = slices.service.astype(">i4").view(np.uint8).reshape(count, 4)
    bits[:, -4:] = community.astype(">i4").view(np.uint8).reshape(count, 4)
    packed = bits.view(f"V{bits.shape[1]}").ravel()
    _, first, group = np.unique(packed, return_index=True, return_inverse=True)
    people = np.bincount(group.ravel(), slices.people, minlength=len(first)).astype(np.float64)
    return Slices(
        people,
        slices.service[first],
        community[first],
        np.full(len(first), -1),
        slices.member[first],
    )
