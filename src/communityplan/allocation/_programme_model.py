"""The programme as a mixed-integer model: money, floor area, places, needs, periods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from communityplan.allocation._build import Builder, Entries
from communityplan.allocation._highs import Model
from communityplan.allocation._programme import Need, Programme
from communityplan.errors import TooLargeError

__all__ = ["Ask", "Columns", "build"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_PAIRS = 500_000
"""Pairs of people and an option with limited places, each a column."""


@dataclass(frozen=True)
class Ask:
    """What to look for.

    Attributes
    ----------
    goal : {"people", "money", "early", "shortfall"}
        Most weighted people, least money, most weighted people times periods served, or the
        least that basic needs are missed by.
    budget_yuan : array of float
        Money of each period; infinite: no limit.
    room_m2 : array of float
        Floor area of each building; infinite: no limit.
    least_value : float
        Weighted people that have to be served at the end.
    only : array of int or None
        Options that open, no others; any unless given.
    may_miss : bool
        Whether basic needs may be missed.
    """

    goal: str
    budget_yuan: Floats
    room_m2: Floats
    least_value: float = 0.0
    only: Ints | None = None
    may_miss: bool = False


@dataclass(frozen=True)
class Columns:
    """Where the parts of a solution are, and which rows limit it.

    Attributes
    ----------
    starts : array of int
        Column by option and period: the option opens in it.
    serves : array of int
        Column by class and period: share of it that is served; empty where places are limited.
    goes : array of int
        Column by pair of class and option, and period: people; empty unless places are limited.
    missed : array of int
        Column by basic need: what it is missed by; empty unless it may be.
    budget_row, room_row : array of int
        Rows that limit money, by period, and floor area, in the order of the rooms.
    """

    starts: Ints
    serves: Ints
    goes: Ints
    missed: Ints
    budget_row: Ints
    room_row: Ints


def build(programme: Programme, ask: Ask) -> tuple[Model, Columns]:
    """The model of what is asked.

    Parameters
    ----------
    programme : Programme
        Options, buildings, people and needs.
    ask : Ask
        What to look for; with one budget for several years, the years do not matter.
    """
    writer = _Writer(programme, ask)
    return writer.builder.model(), writer.columns()


class _Writer:
    """Writes the blocks of a model, each with the columns of the ones before."""

    def __init__(self, programme: Programme, ask: Ask) -> None:
        self.builder = Builder()
        self._programme, self._ask = programme, ask
        self._periods = len(ask.budget_yuan)
        self._has_places = programme.has_places()
        self._slices = programme.classes
        self._starts = self._add_starts()
        self._opens = self._add_opens()
        self._open_once()
        self._room_row = self._fit_rooms()
        self._budget_row = self._keep_budget()
        self._serves = self._goes = np.empty((0, self._periods), dtype=np.int64)
        if self._has_places:
            self._goes = self._send()
        else:
            self._serves = self._serve()
        self._missed = self._meet_needs()
        self._keep_value()

    def columns(self) -> Columns:
        """Where everything is."""
        return Columns(
            self._starts,
            self._serves,
            self._goes,
            self._missed,
            self._budget_row,
            self._room_row,
        )

    def _add_starts(self) -> Ints:
        """One column per option and period; bounds keep out what cannot be had by then."""
        programme, periods = self._programme, self._periods
        options = len(programme.cost_yuan)
        is_one_for_all = periods < len(programme.years)
        first = programme.first // len(programme.years) if is_one_for_all else programme.first
        may_open = np.arange(periods)[None, :] >= first[:, None]
        if self._ask.only is not None:
            may_open &= np.isin(np.arange(options), self._ask.only)[:, None]
        cost = programme.cost_yuan if self._ask.goal == "money" else np.zeros(options)
        columns = self.builder.add_columns(
            options * periods,
            cost=np.repeat(cost, periods),
            upper=may_open.ravel().astype(np.float64),
            is_integer=True,
        )
        return columns.reshape(options, periods)

    def _add_opens(self) -> Ints:
        """A building with a cost of its own opens with its first service."""
        programme, periods = self._programme, self._periods
        opens = np.full((len(programme.room_m2), periods), -1)
        costly = np.flatnonzero(programme.opening_yuan > 0.0)
        cost = programme.opening_yuan[costly] if self._ask.goal == "money" else 0.0 * costly
        opens[costly] = self.builder.add_columns(
            len(costly) * periods, cost=np.repeat(cost, periods), upper=1.0, is_integer=True
        ).reshape(len(costly), periods)
        inside = np.flatnonzero(programme.opening_yuan[programme.building] > 0.0)
        for period in range(periods):
            row = np.repeat(np.arange(len(inside)), period + 1)
            begun = self._starts[inside, : period + 1].ravel()
            opened = opens[programme.building[inside], : period + 1].ravel()
            self.builder.add_rows(len(inside), [(row, begun, 1.0), (row, opened, -1.0)], upper=0.0)
            # and not in an earlier year than that service: its cost falls due with it
            starting = self._starts[inside, period]
            building = programme.building[inside]
            own = (costly, opens[costly, period], 1.0)
            self.builder.add_rows(len(opens), [own, (building, starting, -1.0)], upper=0.0)
        return opens

    def _open_once(self) -> None:
        options, periods = self._starts.shape
        least = np.zeros(options)
        least[self._programme.required if self._ask.only is None else self._ask.only] = 1.0
        row = np.repeat(np.arange(options), periods)
        self.builder.add_rows(options, [(row, self._starts.ravel(), 1.0)], lower=least, upper=1.0)

    def _fit_rooms(self) -> Ints:
        rooms, periods = self._programme.rooms, self._periods
        inside = rooms.area_m2.tocoo()
        self._fit_opened_rooms()
        used = (
            np.repeat(inside.row, periods),
            self._starts[inside.col].ravel(),
            np.repeat(inside.data, periods),
        )
        limits = rooms.limits(self._ask.room_m2)
        return self.builder.add_rows(len(limits), [used], upper=limits)

    def _fit_opened_rooms(self) -> None:
        """No room in a building that does not open: implied, but it bounds the relaxation."""
        programme, periods = self._programme, self._periods
        count = len(programme.room_m2)
        wanted = np.bincount(programme.building, programme.area_m2, minlength=count)
        room = np.minimum(self._ask.room_m2, wanted)
        costly = np.flatnonzero(programme.opening_yuan > 0.0)
        inside = np.flatnonzero(programme.opening_yuan[programme.building] > 0.0)
        building = np.repeat(programme.building[inside], periods)
        area = np.repeat(programme.area_m2[inside], periods)
        opens = (
            np.repeat(costly, periods),
            self._opens[costly].ravel(),
            -np.repeat(room[costly], periods),
        )
        starts = (building, self._starts[inside].ravel(), area)
        self.builder.add_rows(count, [starts, opens], upper=0.0)

    def _keep_budget(self) -> Ints:
        """Money spent by the end of each period, or in it where nothing carries over."""
        programme = self._programme
        costly = np.flatnonzero(programme.opening_yuan > 0.0)
        rows = []
        for period in range(self._periods):
            begin = 0 if programme.carries_over else period
            span, count = slice(begin, period + 1), period + 1 - begin
            entries = [
                (0, self._starts[:, span].ravel(), np.repeat(programme.cost_yuan, count)),
                (
                    0,
                    self._opens[costly, span].ravel(),
                    np.repeat(programme.opening_yuan[costly], count),
                ),
            ]
            limit = float(self._ask.budget_yuan[span].sum())
            rows.append(self.builder.add_rows(1, entries, upper=limit))
        return np.concatenate(rows)

    def _counts(self) -> Floats:
        """How often a person served at the end of each period counts."""
        counts = np.zeros(self._periods)
        if self._ask.goal == "people":
            counts[-1] = 1.0
        elif self._ask.goal == "early":
            counts[:] = 1.0
        return counts

    def _serve(self) -> Ints:
        """People are served by what is open at the end of a period."""
        slices, classes = self._slices, len(self._slices.people)
        weighted = slices.people * self._programme.weight[slices.service]
        serves = self.builder.add_columns(
            classes * self._periods, cost=-np.outer(weighted, self._counts()).ravel(), upper=1.0
        ).reshape(classes, self._periods)
        entry = slices.member.tocoo()
        for period in range(self._periods):
            begun = self._starts[entry.col, : period + 1].ravel()
            own = (np.arange(classes), serves[:, period], 1.0)
            by_option = (np.repeat(entry.row, period + 1), begun, -1.0)
            self.builder.add_rows(classes, [own, by_option], upper=0.0)
        return serves

    def _send(self) -> Ints:
        """With limited places: how many people of each class go to which option."""
        slices, entry = self._slices, self._slices.member.tocoo()
        pairs = len(entry.row)
        _check_pairs(pairs * self._periods)
        weight = self._programme.weight[slices.service][entry.row]
        goes = self.builder.add_columns(
            pairs * self._periods, cost=-np.outer(weight, self._counts()).ravel()
        ).reshape(pairs, self._periods)
        options = len(self._programme.places)
        wanted = np.bincount(entry.col, slices.people[entry.row], minlength=options)
        places = np.minimum(self._programme.places, wanted)
        most = np.minimum(slices.people[entry.row], places[entry.col])
        order, option = np.arange(pairs), np.arange(options)
        for period in range(self._periods):
            here, begun, count = goes[:, period], self._starts[:, : period + 1], period + 1
            self.builder.add_rows(len(slices.people), [(entry.row, here, 1.0)], upper=slices.people)
            room = (np.repeat(option, count), begun.ravel(), -np.repeat(places, count))
            self.builder.add_rows(options, [(entry.col, here, 1.0), room], upper=0.0)
            # implied by the places, but without it the relaxation opens slivers of options
            shut = (np.repeat(order, count), begun[entry.col].ravel(), -np.repeat(most, count))
            self.builder.add_rows(pairs, [(order, here, 1.0), shut], upper=0.0)
        return goes

    def _meet_needs(self) -> Ints:
        """Each need is met, or missed by what its own column says."""
        needs, missed = self._programme.needs, np.empty(0, dtype=np.int64)
        if self._ask.may_miss:
            # relative to what is asked, so that needs of different kinds weigh alike
            scale = np.array([1.0 / max(need.least, 1.0) for need in needs])
            goal = scale if self._ask.goal == "shortfall" else 0.0 * scale
            missed = self.builder.add_columns(len(needs), cost=goal)
        for at, need in enumerate(needs):
            entries = self._need_entries(need)
            if self._ask.may_miss:
                entries.append((0, missed[at : at + 1], 1.0))
            self.builder.add_rows(1, entries, lower=need.least)
        return missed

    def _need_entries(self, need: Need) -> list[Entries]:
        """What counts towards a need: sites that reach somebody concerned, or people served."""
        if need.centres > 0.0:
            return [(0, self._add_centres(), 1.0)]
        period = min(need.period, self._periods - 1)
        concerned = self._slices.service == need.service
        if need.community >= 0:
            concerned &= self._slices.community == need.community
        if need.sites > 0.0:
            reached = np.flatnonzero(self._programme.service == need.service)
            if need.community >= 0:
                reached = np.unique(self._slices.member[concerned].indices)
            return [(0, self._starts[reached, : period + 1].ravel(), 1.0)]
        return [self._people(concerned.astype(np.float64), period)]

    def _add_centres(self) -> Ints:
        """One column per building that is large enough: 1 only where enough services open."""
        programme, centre = self._programme, self._programme.centre
        large = np.flatnonzero(centre.is_large)
        columns = self.builder.add_columns(len(large), upper=1.0, is_integer=True)
        row = np.full(len(centre.is_large), -1)
        row[large] = np.arange(len(large))
        every = np.ones(len(programme.building), dtype=bool)
        for counts, least in ((every, centre.functions), (centre.is_core, centre.core)):
            inside = np.flatnonzero(counts & (row[programme.building] >= 0))
            begun = self._starts[inside].ravel()
            services = (np.repeat(row[programme.building[inside]], self._periods), begun, -1.0)
            own = (np.arange(len(large)), columns, least)
            self.builder.add_rows(len(large), [own, services], upper=0.0)
        return columns

    def _people(self, weight: Floats, period: int) -> Entries:
        """People served at the end of a period, each slice with a weight."""
        slices = self._slices
        if self._has_places:
            rows = np.repeat(np.arange(len(weight)), np.diff(slices.member.indptr))
            return (0, self._goes[:, period], weight[rows])
        return (0, self._serves[:, period], weight * slices.people)

    def _keep_value(self) -> None:
        if self._ask.least_value > 0.0:
            weight = self._programme.weight[self._slices.service]
            entries = [self._people(weight, self._periods - 1)]
            self.builder.add_rows(1, entries, lower=self._ask.least_value)


def _check_pairs(pairs: int) -> None:
    if pairs > MOST_PAIRS:
        raise TooLargeError(
            f"with capacities {MOST_PAIRS:,} pairs of people and option fit and there are "
            f"{pairs:,}; leave out capacities, years, homes or options"
        )
