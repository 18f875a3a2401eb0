"""Before and after, in people: covered, gained, lost, and minutes saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.coverage import covered_share
from communityplan.errors import OptionError, Problem, TableError
from communityplan.project import Project
from communityplan.reach import Direction
from communityplan.scenario.access import nearest_seconds
from communityplan.scenario.situation import Situation, situation
from communityplan.standards import Service, named_service
from communityplan.standards import service as find_service
from communityplan.standards import walker as find_walker
from communityplan.tables import as_flags, record
from communityplan.walker import Walker, storey_seconds

__all__ = ["check_people", "chosen_services", "compare", "comparison_totals"]

Floats = NDArray[np.float64]

KEY = ["community_id", "service", "group", "within_min"]
SUMS = [
    "people",
    "covered_before",
    "covered_after",
    "gained",
    "lost",
    "reachable_before",
    "reachable_after",
    "minutes_saved",
]


def compare(
    before: Situation | Project | Mapping[str, Any],
    after: Situation,
    *,
    services: Sequence[str | Service] | None = None,
    minutes: Sequence[float] | None = None,
    direction: Direction = "there",
) -> pd.DataFrame:
    """People by service, group and community, before and after.

    Parameters
    ----------
    before : Situation, Project or mapping of tables
        The district as it stands, or after another scenario.
    after : Situation
        As from `apply`.
    services : sequence of str or Service, optional
        Each is counted for its group, with its walker; those of the project unless given.
    minutes : sequence of float, optional
        Limits, inclusive [min]; each service's own unless given.
    direction : {"there", "back", "worse"}

    Returns
    -------
    DataFrame
        One row per ``community_id``, ``service``, ``group`` and ``within_min``: ``people``,
        ``covered_before``, ``covered_after``, ``gained`` and ``lost`` [people], so that
        covered_after = covered_before + gained - lost; ``reachable_before`` and
        ``reachable_after`` [people with any way to the service] and ``minutes_saved``
        [people x min to the nearest facility, stairs included, of people who have a way both
        times].

    Raises
    ------
    TableError, OptionError

    Examples
    --------
    >>> import communityplan as cp
    >>> from communityplan.scenario import Scenario, apply, compare, comparison_totals, open_gate
    >>> project = cp.load_project("demo")
    >>> after = apply(Scenario("东门", "East gate", (open_gate("G04"),)), project)
    >>> table = compare(project, after, services=["canteen"])
    >>> comparison_totals(table)["lost"].tolist()
    [0.0]
    """
    if not isinstance(after, Situation):
        raise OptionError(f"after is {after!r}; give what apply returns")
    old = _before(before, after)
    tables = []
    wanted = chosen_services(after, services)
    check_people((old, after), wanted)
    for service in wanted:
        walker = find_walker(service.walker)
        pair = [nearest_seconds(now, service.name, walker, direction)[1] for now in (old, after)]
        for limit in sorted({float(m) for m in minutes or [service.within_min]}):
            each = _each_home(
                (old, after), pair, replace(service, within_min=limit), direction=direction
            )
            names = after.homes["community_id"].map(str).to_numpy()
            summed = each.groupby(names).sum().rename_axis("community_id").reset_index()
            summed = summed.assign(service=service.name, group=service.group, within_min=limit)
            tables.append(summed[[*KEY, *SUMS]])
    table = pd.concat(tables, ignore_index=True)
    return record(
        table,
        before="as it stands" if old.scenario is None else list(old.scenario.told()),
        after="as it stands" if after.scenario is None else list(after.scenario.told()),
        scenario="" if after.scenario is None else after.scenario.name,
        only_opens=after.only_opens,
        direction=direction,
        network=dict(after.network.options),
        services={service.name: asdict(service) for service in wanted},
    )


def comparison_totals(comparison: pd.DataFrame) -> pd.DataFrame:
    """The comparison summed over communities.

    Parameters
    ----------
    comparison : DataFrame
        As from `compare`, whose rows of one service, group and limit it opens up.

    Returns
    -------
    DataFrame
        One row per ``service``, ``group`` and ``within_min``.
    """
    return comparison.groupby(KEY[1:], sort=False, as_index=False)[SUMS].sum()


def chosen_services(
    now: Situation, services: Sequence[str | Service] | None
) -> tuple[Service, ...]:
    """The services that are asked for, else those of the project, else those that are there.

    Parameters
    ----------
    now : Situation
    services : sequence of str or Service or None
        A name means the service as the project has it, else as the catalogue has it.
    """
    own = {service.name: service for service in now.services}
    if services is None:
        there = sorted(set(now.facilities["service"].map(str)))
        return now.services or tuple(find_service(name) for name in there)
    given = [services] if isinstance(services, str | Service) else services
    named = [own.get(item, item) if isinstance(item, str) else item for item in given]
    offered = set(now.facilities["service"].map(str))
    chosen = tuple(
        item
        if isinstance(item, Service)
        # a service that somebody offers is one, whether the catalogue has it or not
        else (find_service(item) if item in offered else named_service(item))
        for item in named
    )
    if not chosen:
        raise OptionError("no service to compare; name at least one in services")
    return chosen


def _before(before: Situation | Project | Mapping[str, Any], after: Situation) -> Situation:
    """The situation before; the start of `after` where that is it."""
    start = after.start
    if start is not None and isinstance(before, Project) and start.project is before:
        return start
    old = situation(before)
    homes = [now.homes["home_id"].map(str).tolist() for now in (old, after)]
    if homes[0] != homes[1]:
        raise OptionError("before and after have other homes: compare scenarios of one district")
    return old


def check_people(situations: Sequence[Situation], services: Sequence[Service]) -> None:
    """Refuse homes that do not count the people of the services.

    Raises
    ------
    TableError
        Names every column that is missing.
    """
    todo = "Add it, or give the service another group"
    problems = [
        Problem("homes", f"no column {group!r}", todo)
        for group in sorted({service.group for service in services})
        if any(group not in now.homes.columns for now in situations)
    ]
    if problems:
        raise TableError(problems)


def _each_home(
    pair: tuple[Situation, Situation],
    seconds: Sequence[Floats],
    service: Service,
    *,
    direction: Direction,
) -> pd.DataFrame:
    """People of every home, before and after."""
    walker = find_walker(service.walker)
    people = pd.to_numeric(pair[1].homes[service.group]).fillna(0.0).to_numpy(dtype=np.float64)
    (then, could), (now, can) = (
        covered_share(
            one.homes,
            walk_s / 60.0,
            walker=walker,
            within_min=service.within_min,
            direction=direction,
        )
        for one, walk_s in zip(pair, seconds, strict=True)
    )
    return pd.DataFrame(
        {
            "people": people,
            "covered_before": people * then,
            "covered_after": people * now,
            "gained": people * np.maximum(now - then, 0.0),
            "lost": people * np.maximum(then - now, 0.0),
            "reachable_before": people * could,
            "reachable_after": people * can,
            "minutes_saved": people * minutes_saved(pair, seconds, walker, direction),
        }
    )


def minutes_saved(
    pair: tuple[Situation, Situation],
    seconds: Sequence[Floats],
    walker: Walker,
    direction: Direction,
) -> Floats:
    """Minutes that a person of each home saves in the mean, over storeys with a way both times.

    Parameters
    ----------
    pair : tuple of Situation
    seconds : sequence of array of float
        From the door of the building to the nearest facility, before and after.
    walker : Walker
    direction : {"there", "back", "worse"}

    Returns
    -------
    array of float
        Minutes times the share of people who have a way both times.
    """
    homes = pair[1].homes
    storeys = np.maximum(np.round(_number(homes, "storeys")), 1.0)
    fixed = "storey" in homes.columns
    levels = 1.0 if fixed else storeys
    highest = 1 if fixed else int(storeys.max(initial=1.0))
    saved = np.zeros(len(homes))
    for level in range(1, highest + 1):
        storey = _number(homes, "storey") if fixed else np.full(len(homes), float(level))
        lives = np.ones(len(homes), dtype=bool) if fixed else level <= storeys
        old, new = (
            walk_s + _stairs(now, storey, walker, direction)
            for now, walk_s in zip(pair, seconds, strict=True)
        )
        both = lives & np.isfinite(old) & np.isfinite(new)
        saved[both] += old[both] - new[both]
    return np.asarray(saved / levels / 60.0)


def _stairs(now: Situation, storey: Floats, walker: Walker, direction: Direction) -> Floats:
    lift = np.zeros(len(now.homes), dtype=bool)
    if "has_lift" in now.homes.columns:
        lift = as_flags(now.homes["has_lift"])
    ways = ("there", "back") if direction == "worse" else (direction,)
    each = [storey_seconds(walker, storey, lift, direction=way) for way in ways]
    return np.asarray(np.max(each, axis=0))


def _number(homes: pd.DataFrame, name: str) -> Floats:
    if name not in homes.columns:
        return np.ones(len(homes))
    return np.asarray(pd.to_numeric(homes[name]).fillna(1.0).to_numpy(dtype=np.float64))
