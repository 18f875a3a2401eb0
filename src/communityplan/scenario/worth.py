"""What sets of openings are worth: people newly within the limits, minutes, people with a way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.coverage import covered_share
from communityplan.scenario.access import nearest_seconds
from communityplan.scenario.fields import Field, end_sets, field_of
from communityplan.scenario.openings import Openings
from communityplan.scenario.situation import Situation
from communityplan.standards import Service
from communityplan.standards import walker as find_walker
from communityplan.walker import Walker

__all__ = ["Fields", "Gains", "Judge", "best_first", "gains_alone"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Fields = tuple[tuple[list[int], Field], ...]
"""Times of each walker, with the services it goes to."""

AT_ONCE = 250
"""Openings that are looked at in one round of searches."""


@dataclass(frozen=True)
class Gains:
    """What sets of openings gain: people by service, minutes, people newly reaching anything."""

    by_service: Floats  # (S, B)
    minutes: Floats
    reachable: Floats

    @property
    def people(self) -> Floats:
        """People newly within the limits, rounded so that equal sums are equal."""
        return np.asarray(np.round(self.by_service.sum(axis=0), 6))

    @property
    def worth(self) -> Floats:
        """What decides among equals."""
        return np.asarray(np.round(self.minutes, 6) + np.round(self.reachable, 6))

    def take(self, rows: Ints) -> Gains:
        """Some of the sets, by position."""
        return Gains(self.by_service[:, rows], self.minutes[rows], self.reachable[rows])


def best_first(gains: Gains) -> Ints:
    """Most people first, then most minutes, then as found."""
    return np.lexsort((np.arange(len(gains.minutes)), -gains.worth, -gains.people))


@dataclass(frozen=True)
class Judge:
    """The services, and how every home stands with them today."""

    now: Situation
    services: tuple[Service, ...]
    today: Floats  # (S, H) seconds, infinite where there is no way
    people: Floats  # (S, H)
    share: Floats  # (S, H) covered today
    leaves: Floats  # (S, H) of people who get out of their building

    @classmethod
    def of(cls, now: Situation, services: tuple[Service, ...]) -> Judge:
        """The district as it stands, held against some services."""
        today, people, share, leaves = [], [], [], []
        plain = pd.DataFrame(now.homes.drop(columns=now.homes.geometry.name))
        for service in services:
            walker = find_walker(service.walker)
            seconds = nearest_seconds(now, service.name, walker)[1]
            today.append(np.nan_to_num(seconds, nan=np.inf))
            numbers = pd.to_numeric(now.homes[service.group]).fillna(0.0)
            people.append(numbers.to_numpy(dtype=np.float64))
            share.append(_share(plain, seconds, service)[0])
            leaves.append(_share(plain, np.zeros(len(plain)), service)[1])
        return cls(now, services, *(np.array(part) for part in (today, people, share, leaves)))

    def gains(self, number: int, seconds: Floats) -> tuple[Floats, Floats, Floats]:
        """People, minutes and newly reaching people of sets, for one service.

        `seconds` has one row per set and one column per home.
        """
        old = self.today[number]
        sets, home = np.nonzero(seconds < old - 1e-6)
        new = seconds[sets, home]
        columns = [c for c in ("storeys", "storey", "has_lift") if c in self.now.homes.columns]
        lived = pd.DataFrame(self.now.homes[columns]).iloc[home]
        then, _ = _share(lived, new, self.services[number])
        each = self.people[number, home]
        gained = each * np.maximum(then - self.share[number, home], 0.0)
        reached = each * self.leaves[number, home]
        had = np.isfinite(old[home])
        saved = np.where(had, reached * (np.where(had, old[home], 0.0) - new) / 60.0, 0.0)
        return tuple(  # type: ignore[return-value]
            np.bincount(sets, weights=part, minlength=len(seconds))
            for part in (gained, saved, np.where(had, 0.0, reached))
        )

    def fields(self, openings: Openings, *, together: bool) -> Fields:
        """The times that decide what openings gain, walker by walker."""
        found = []
        for walker, numbers in self._by_walker():
            # a walk to an end that takes as long as all of today's walk cannot help
            longest = float(self.today[numbers].max(initial=0.0))
            names = [self.services[number].name for number in numbers]
            field = field_of(self.now, openings, walker, names, limit_s=longest, together=together)
            found.append((numbers, field))
        return tuple(found)

    def of_sets(self, fields: Fields, sets: Ints) -> Gains:
        """What sets of openings gain, given by the ends of their links."""
        by_service = np.zeros((len(self.services), len(sets)))
        minutes, reachable = np.zeros(len(sets)), np.zeros(len(sets))
        for numbers, field in fields:
            for first in range(0, len(sets), AT_ONCE):
                part = slice(first, first + AT_ONCE)
                for number, seconds in zip(numbers, field.seconds(sets[part]), strict=True):
                    gained, saved, reached = self.gains(number, seconds)
                    by_service[number, part] += gained
                    minutes[part] += saved
                    reachable[part] += reached
        return Gains(by_service, minutes, reachable)

    def _by_walker(self) -> list[tuple[Walker, list[int]]]:
        groups: dict[Walker, list[int]] = {}
        for number, service in enumerate(self.services):
            groups.setdefault(find_walker(service.walker), []).append(number)
        return list(groups.items())


def _share(homes: pd.DataFrame, seconds: Floats, service: Service) -> tuple[Floats, Floats]:
    return covered_share(
        homes,
        seconds / 60.0,
        walker=find_walker(service.walker),
        within_min=service.within_min,
        direction="there",
    )


def gains_alone(judge: Judge, openings: Openings) -> Gains:
    """What each opening gains by itself."""
    count = len(openings.table)
    n_links = openings.link.groupby("opening").size().reindex(range(count)).to_numpy()
    parts, rows = [], []
    # with one link the ways between ends do not matter
    for together, chosen in ((False, n_links == 1), (True, n_links > 1)):
        members = np.flatnonzero(chosen)
        for first in range(0, len(members), AT_ONCE):
            some = members[first : first + AT_ONCE]
            mine = openings.take(some)
            sets = end_sets(mine, [[row] for row in range(len(some))])
            parts.append(judge.of_sets(judge.fields(mine, together=together), sets))
            rows.append(some)
    order = np.argsort(np.concatenate([np.zeros(0, dtype=np.int64), *rows]), kind="stable")
    n_services = len(judge.services)
    joined = Gains(
        np.concatenate([np.zeros((n_services, 0)), *(p.by_service for p in parts)], axis=1),
        np.concatenate([np.zeros(0), *(part.minutes for part in parts)]),
        np.concatenate([np.zeros(0), *(part.reachable for part in parts)]),
    )
    return joined.take(order)
