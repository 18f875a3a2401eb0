"""The programme problem as checked arrays: options, buildings, money, needs, and who gains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

__all__ = ["Centre", "Need", "Programme", "Rooms", "Slices", "merge_slices", "slice_gains"]

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
class Rooms:
    """Floor that services share: whole buildings, then the lower storeys of some.

    Attributes
    ----------
    building : array of int, shape (R,)
        The first rows are the buildings in their order.
    share : array of float, shape (R,)
        Of the building's floor area; storeys are taken as equal.
    area_m2 : sparse matrix, shape (R, options)
        Floor that each option takes up there.
    """

    building: Ints
    share: Floats
    area_m2: sp.csr_matrix

    def limits(self, room_m2: Floats) -> Floats:
        """Floor of each row where buildings have so much."""
        return np.where(self.share > 0, room_m2[self.building], 0.0) * self.share

    def used(self, opened: Ints) -> Floats:
        """Floor that these options take up in each row."""
        is_open = np.zeros(self.area_m2.shape[1])
        is_open[opened] = 1.0
        return np.asarray(self.area_m2 @ is_open)

    def hold(self, opened: Ints, room_m2: Floats) -> bool:
        """Whether these options fit."""
        return bool((self.used(opened) <= self.limits(room_m2) + 1e-9).all())


@dataclass(frozen=True)
class Centre:
    """What makes a building with its services a neighbourhood centre.

    Attributes
    ----------
    is_large : array of bool
        Buildings that have the floor area.
    is_core : array of bool
        Options that are core services.
    functions, core : float
        Least number of services, and of core services, in one building.
    """

    is_large: NDArray[np.bool_]
    is_core: NDArray[np.bool_]
    functions: float
    core: float

    def count(self, opened: Ints, building: Ints) -> int:
        """Centres among the buildings that these options make use of."""
        count = len(self.is_large)
        services = np.bincount(building[opened], minlength=count)
        core = np.bincount(building[opened], self.is_core[opened], minlength=count)
        enough = (services >= self.functions) & (core >= self.core) & (services > 0)
        return int((self.is_large & enough).sum())


@dataclass(frozen=True)
class Need:
    """A basic need: so many people newly served, sites or centres, by the end of a period.

    Attributes
    ----------
    service, community : int
        Positions; -1 stands for all.
    people, sites, centres : float
        The least of each; all but one of them are 0.
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
    centres: float = 0.0

    @property
    def least(self) -> float:
        """The least of what is asked."""
        return max(self.people, self.sites, self.centres)


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
    rooms : Rooms
        Who shares that floor area, and the lower storeys.
    centre : Centre
        What makes a centre.
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
    class_of : array of int
        Class of each slice.
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
    rooms: Rooms
    centre: Centre
    weight: Floats
    budget_yuan: Floats
    years: list[Any]
    carries_over: bool
    needs: tuple[Need, ...]
    required: Ints
    slices: Slices
    classes: Slices
    class_of: Ints

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


def merge_slices(slices: Slices, *, keep_communities: bool) -> tuple[Slices, Ints]:
    """Slices that the same options serve are one, of one community where that matters.

    With them comes the class of each slice.
    """
    count, options = slices.member.shape
    community = slices.community if keep_communities else np.full(count, -1)
    bits = np.zeros((count, (options + 7) // 8 + 8), dtype=np.uint8)
    entry = slices.member.tocoo()
    np.bitwise_or.at(bits, (entry.row, entry.col >> 3), (128 >> (entry.col & 7)).astype(np.uint8))
    bits[:, -8:-4] = slices.service.astype(">i4").view(np.uint8).reshape(count, 4)
    bits[:, -4:] = community.astype(">i4").view(np.uint8).reshape(count, 4)
    packed = bits.view(f"V{bits.shape[1]}").ravel()
    _, first, group = np.unique(packed, return_index=True, return_inverse=True)
    class_of = group.ravel().astype(np.int64)
    people = np.bincount(class_of, slices.people, minlength=len(first)).astype(np.float64)
    classes = Slices(
        people,
        slices.service[first],
        community[first],
        np.full(len(first), -1),
        slices.member[first],
    )
    return classes, class_of
