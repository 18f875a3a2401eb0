"""What items ask of each other: dependencies, exclusions, and those that contradict themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from communityplan.errors import Problem

__all__ = ["asked_with", "exclusions", "link_problems", "names_in"]

Names = Mapping[str, Sequence[str]]


def names_in(cell: str) -> list[str]:
    """The items that a cell names, each once.

    Examples
    --------
    >>> names_in("a; b；c、a")
    ['a', 'b', 'c']
    """
    return list(dict.fromkeys(part.strip() for part in re.split("[;；、|]", cell) if part.strip()))


def asked_with(item: str, depends: Names) -> list[str]:
    """Everything that has to be done with an item, itself first, near before far."""
    found = [item]
    for one in found:
        found += [other for other in depends.get(one, ()) if other not in found]
    return found


def exclusions(menu: pd.DataFrame) -> set[frozenset[str]]:
    """Pairs of items that cannot be done together, whichever of them says so."""
    return {
        frozenset((item, other))
        for item, cell in zip(menu["item_id"], menu["excludes"], strict=True)
        for other in names_in(cell)
    }


def link_problems(menu: pd.DataFrame, places: Sequence[str]) -> list[Problem]:
    """Unknown items, items that depend on themselves, and items that exclude what they need."""
    ids = list(menu["item_id"])
    # of a key that is there twice, the first row
    place = dict(zip(reversed(ids), reversed(places), strict=True))
    known = set(ids)
    problems = []
    for name in ("depends_on", "excludes"):
        for item, cell in zip(ids, menu[name], strict=True):
            for other in names_in(cell):
                if other not in known:
                    todo = "Correct the key, or add the item"
                    found = f"{name} names {other!r}, which is no item of the menu"
                    problems.append(Problem(place[item], found, todo))
    depends: dict[str, list[str]] = {item: [] for item in ids}
    for item, cell in zip(ids, menu["depends_on"], strict=True):
        depends[item] += [other for other in names_in(cell) if other in known]
    circles = _circles(depends)
    for circle in circles:
        problems.append(_circle_problem(circle, place))
    in_circle = {item for circle in circles for item in circle}
    excluded = exclusions(menu)
    for item in ids:
        if item not in in_circle:
            problems += _contradictions(item, depends, excluded, place[item])
    return problems


def _circles(depends: Names) -> list[list[str]]:
    """Every shortest way from an item back to itself, one for each set of items."""
    circles: dict[frozenset[str], list[str]] = {}
    for item in depends:
        way = _way_back(item, depends)
        if way is not None:
            circles.setdefault(frozenset(way), way)
    return list(circles.values())


def _way_back(item: str, depends: Names) -> list[str] | None:
    before: dict[str, str] = {}
    queue = [item]
    for one in queue:
        for other in depends.get(one, ()):
            if other == item:
                way = [one]
                while way[-1] != item:
                    way.append(before[way[-1]])
                return way[::-1]
            if other not in before:
                before[other] = one
                queue.append(other)
    return None


def _circle_problem(circle: Sequence[str], place: Mapping[str, str]) -> Problem:
    first, *others = circle
    if not others:
        found = f"item {first!r} depends on itself"
        return Problem(place[first], found, "Take it out of its own depends_on")
    through = ", ".join(f"{item!r} ({place[item].rpartition(', ')[2]})" for item in others)
    found = f"item {first!r} depends on itself through {through}"
    return Problem(place[first], found, "Take one of these dependencies out")


def _contradictions(
    item: str, depends: Names, excluded: set[frozenset[str]], place: str
) -> list[Problem]:
    """What an item needs, itself included, that excludes other things that it needs."""
    if frozenset((item,)) in excluded:
        return [Problem(place, f"item {item!r} excludes itself", "Take it out of excludes")]
    needed = asked_with(item, depends)
    for at, one in enumerate(needed):
        for other in needed[at + 1 :]:
            if frozenset((one, other)) in excluded:
                found = f"item {item!r} needs {one!r} and {other!r}, which exclude each other"
                if one == item:
                    found = f"item {item!r} depends on {other!r} and excludes it"
                return [Problem(place, found, "Take the dependency or the exclusion out")]
    return []
