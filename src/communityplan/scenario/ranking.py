"""Which wall to open first: places ranked by people and minutes gained, and best together."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan import _search
from communityplan.errors import OptionError
from communityplan.network import WalkNetwork
from communityplan.project import Project
from communityplan.reach.ends import search_graph
from communityplan.scenario.changes import apply
from communityplan.scenario.comparison import (
    check_people,
    chosen_services,
    compare,
    comparison_totals,
)
from communityplan.scenario.fields import end_sets
from communityplan.scenario.making import add_gate, add_path, open_gate
from communityplan.scenario.measures import Measure, Scenario
from communityplan.scenario.openings import KINDS, Openings, find_openings
from communityplan.scenario.situation import Situation, situation
from communityplan.scenario.words import why_open
from communityplan.scenario.worth import Fields, Gains, Judge, best_first, gains_alone
from communityplan.standards import Service
from communityplan.standards import walker as find_walker
from communityplan.tables import record
from communityplan.walker import Walker

__all__ = ["opening_scenario", "rank_openings"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

AS_GOOD = 0.8
"""A gate or a street beside a new way is preferred if it gains this share of it."""

MOST_TIMES = 4_000_000
"""Sets of openings times homes that are looked at one by one; with more the sets are made of the
openings that are best alone."""

LEAST_CONSIDERED = 12
"""With fewer openings than this to make sets of, the set grows step by step instead."""

MOST_CONSIDERED = 100


def rank_openings(
    start: Situation | Project | Mapping[str, Any],
    *,
    services: Sequence[str | Service] | None = None,
    within_m: float = 40.0,
    every_m: float = 20.0,
    apart_m: float = 30.0,
    k: int = 3,
    kinds: Sequence[str] = KINDS,
    network: WalkNetwork | None = None,
) -> gpd.GeoDataFrame:
    """Places where a wall separates near neighbours, by what opening them would gain.

    Parameters
    ----------
    start : Project, mapping of str to GeoDataFrame, or Situation
        The district as it stands, as in `situation`.
    services : sequence of str or Service, optional
        Each with its group, walker and limit; those of the project unless given.
    within_m : float
        Longest new way through a wall, from street to street [m].
    every_m : float
        Distance between the places of a wall that are looked at [m].
    apart_m : float
        Of ways through a wall that lie closer than this only the best is kept [m].
    k : int
        How many to open together; 0 to leave that out.
    kinds : sequence of str
        Of ``closed_gate``, ``residents_gate`` (opened to everyone), ``cut_street`` and
        ``passage``.
    network : WalkNetwork, optional
        The network of `start`, where there is one already.

    Returns
    -------
    GeoDataFrame
        One row per place with any gain, best first: ``rank``, ``kind``, ``gate_id``, ``side_a``
        and ``side_b`` (communities, empty outside of all), ``length_m`` of the new way,
        ``around_min`` (the way from side to side today, missing where there is none) and
        ``through_min`` (by the new one), ``people_gained`` (newly within the limit; a person
        counts once for every service) and ``gain_<service>``, ``minutes_saved`` [people x min to
        the nearest, of those who have a way today], ``newly_reachable`` [people, once for every
        service], ``together`` (place in the best set of `k`, missing outside), ``path``
        (well-known text of the new way), ``why_zh``, ``why_en``; the place in the wall.

        ``.attrs["communityplan"]["together"]`` tells of that set its ``people_gained`` and
        ``minutes_saved``, the ``bound`` (all places opened at once), the ``gap``, and the
        ``method``: ``enumerated`` (the best of all sets), ``enumerated_among_best`` or ``greedy``.

    Raises
    ------
    OptionError, DataError, TableError

    Notes
    -----
    The time through one opening is exact: the nearest facility is reached as today, or over the
    link in one of its two directions. Homes keep their joining points; where one would join a new
    way itself, `compare` of `opening_scenario` finds a little more. River, railway and the like
    are never opened.

    Examples
    --------
    >>> import communityplan as cp
    >>> from communityplan.scenario import rank_openings
    >>> best = rank_openings(cp.load_project("demo"), services=["elder_care"], k=0)
    >>> best.loc[0, ["kind", "gate_id"]].tolist()
    ['closed_gate', 'G04']
    """
    now = situation(start, network=network)
    if now.start is not None:
        now = replace(now, start=None, scenario=None)
    wanted = chosen_services(now, services)
    check_people([now], wanted)
    chosen = tuple(kind for kind in KINDS if kind in kinds)
    _check(kinds, within_m=within_m, every_m=every_m, apart_m=apart_m, k=k)
    walkers = [find_walker(service.walker) for service in wanted]
    careful = min(walkers, key=lambda walker: walker.may_use_steps)
    openings = find_openings(
        now, walker=careful, kinds=chosen, within_m=float(within_m), every_m=float(every_m)
    )
    judge = Judge.of(now, wanted)
    gains = gains_alone(judge, openings)
    order = best_first(gains)
    order = order[(gains.people[order] > 0) | (gains.worth[order] > 0)]
    order = _apart(openings, gains, order, float(apart_m))
    ranked, gains = openings.take(order), gains.take(order)
    table = _table(judge, ranked, gains)
    chosen_set, told = _together(judge, ranked, int(k))
    table["together"] = pd.array([None] * len(table), dtype="Int64")
    for place, row in enumerate(chosen_set):
        table.loc[row, "together"] = place + 1
    table = why_open(table, now.communities, wanted)
    return record(
        table,
        services={service.name: service.within_min for service in wanted},
        within_m=float(within_m),
        every_m=float(every_m),
        apart_m=float(apart_m),
        kinds=list(chosen),
        k=int(k),
        looked_at=openings.table["kind"].value_counts().to_dict(),
        together=told,
        network=dict(now.network.options),
    )


def opening_scenario(openings: pd.DataFrame, *, name: str = "", name_en: str = "") -> Scenario:
    """The scenario that opens some of the ranked places.

    Parameters
    ----------
    openings : DataFrame
        Rows of the table of `rank_openings`.
    name, name_en : str
        What to call it.

    Returns
    -------
    Scenario

    Examples
    --------
    >>> import communityplan as cp
    >>> from communityplan.scenario import opening_scenario, rank_openings
    >>> best = rank_openings(cp.load_project("demo"), services=["elder_care"], k=0)
    >>> opening_scenario(best.head(1)).measures
    (OpenGate(gate_id='G04', who='everyone'),)
    """
    measures: list[Measure] = []
    for kind, gate_id, path, place in zip(
        openings["kind"], openings["gate_id"], openings["path"], openings["geometry"], strict=True
    ):
        if kind == "passage":
            measures.append(add_path(path, opens="everyone", join_within_m=0.1))
        elif gate_id:
            measures.append(open_gate(gate_id))
        else:
            measures.append(add_gate(place))
    label = name or f"打开 {len(measures)} 处"
    return Scenario(label, name_en or f"{len(measures)} openings", tuple(measures))


def _check(kinds: Sequence[str], **numbers: float) -> None:
    wrong = [f"{name} is {value}" for name, value in numbers.items() if not 0 <= value < math.inf]
    wrong += ["every_m is 0"] if numbers["every_m"] == 0 else []
    wrong += [
        f"no kind {kind!r}, there are {', '.join(KINDS)}" for kind in kinds if kind not in KINDS
    ]
    if wrong:
        raise OptionError(f"openings cannot be ranked: {'; '.join(wrong)}")


def _apart(openings: Openings, gains: Gains, order: Ints, apart_m: float) -> Ints:
    """Without new ways beside a better place, or beside a gate or street that is about as good."""
    points = openings.table.geometry.to_numpy()
    is_way = (openings.table["kind"] == "passage").to_numpy()
    there = order[~is_way[order]]
    kept: list[int] = []
    for row in order.tolist():
        if is_way[row]:
            good = there[gains.people[there] >= AS_GOOD * gains.people[row]]
            good = good[gains.worth[good] >= AS_GOOD * gains.worth[row]]
            better = np.array([*kept, *good.tolist()], dtype=np.int64)
            if shapely.dwithin(points[better], points[row], apart_m).any():
                continue
        kept.append(row)
    return np.array(kept, dtype=np.int64)


def _table(judge: Judge, openings: Openings, gains: Gains) -> gpd.GeoDataFrame:
    """The ranked places with their figures."""
    table = openings.table.copy()
    walker = find_walker(judge.services[0].walker)
    first = openings.link.drop_duplicates("opening")
    through_s = (first["length_m"] / walker.speed_m_s + first["wait_s"]).to_numpy()
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    table["around_min"] = _around_s(judge.now, openings, walker) / 60.0
    table["through_min"] = through_s / 60.0
    table["people_gained"] = gains.people
    for number, service in enumerate(judge.services):
        table[f"gain_{service.name}"] = gains.by_service[number]
    table["minutes_saved"] = gains.minutes
    table["newly_reachable"] = gains.reachable
    return table


def _around_s(now: Situation, openings: Openings, walker: Walker) -> Floats:
    """The way from side to side as it is today, nan for none.

    Where a gate is for residents it is the way of all others; else of the people of either side.
    """
    first = openings.link.drop_duplicates("opening")
    graph = search_graph(now.network, walker)
    codes = {name: code + 1 for code, name in enumerate(now.network.owners)}
    ends, table = openings.ends, openings.table
    strangers = (table["kind"] == "residents_gate").to_numpy()
    best = np.full(len(first), np.inf)
    for side in ("side_a", "side_b"):
        people = np.array([codes.get(name, 0) for name in table[side]], dtype=np.int64)
        people[strangers] = 0
        for one, other in (("a", "b"), ("b", "a")):
            starts, stops = (ends.take(first[end].to_numpy()) for end in (one, other))
            a, b, seconds = _search.pairs(graph, starts, stops, limit_s=np.inf, allowed=people)
            own = a == b
            best[a[own]] = np.minimum(best[a[own]], seconds[own])
    return np.where(np.isfinite(best), best, np.nan)


def _together(judge: Judge, openings: Openings, k: int) -> tuple[list[int], dict[str, Any]]:
    """The best set of k openings, in the order of what each adds, and how sure that is."""
    size = min(k, len(openings.table))
    if size == 0:
        return [], {}
    most = MOST_TIMES // max(len(judge.now.homes), 1)
    whole = min(len(openings.table), MOST_CONSIDERED)
    count = max((n for n in range(size, whole + 1) if math.comb(n, size) <= most), default=size)
    grows = count < min(whole, LEAST_CONSIDERED)
    search = _Sets.of(judge, openings.take(np.arange(whole)))
    # the best alone may all lead to one place: what adds most to them comes first
    first = search.grown(range(whole), size if grows else min(2 * size, whole))
    if grows:
        chosen, gains = search.best([first])
        method = "greedy"
    else:
        members = list(dict.fromkeys([*first, *range(whole)]))[:count]
        chosen, gains = search.best(list(itertools.combinations(members, size)))
        method = "enumerated" if count == len(openings.table) else "enumerated_among_best"
    value = float(gains.people[0])
    bound = value if method == "enumerated" else max(value, _bound(judge, openings))
    told = {
        "method": method,
        "considered": whole if grows else count,
        "of": len(openings.table),
        "people_gained": value,
        "minutes_saved": float(gains.minutes[0]),
        "bound": bound,
        "gap": (bound - value) / bound if bound > 0 else 0.0,
    }
    enough = float(gains.people[0]), float(gains.worth[0])
    return search.grown(chosen, size, enough=enough), told


@dataclass(frozen=True)
class _Sets:
    """Openings to be combined, with the times between all their ends."""

    judge: Judge
    openings: Openings
    fields: Fields

    @classmethod
    def of(cls, judge: Judge, openings: Openings) -> _Sets:
        return cls(judge, openings, judge.fields(openings, together=True))

    def best(self, sets: Sequence[Sequence[int]]) -> tuple[list[int], Gains]:
        """The best of some sets, and what it gains."""
        gains = self.judge.of_sets(self.fields, end_sets(self.openings, sets))
        first = int(best_first(gains)[0])
        return list(sets[first]), gains.take(np.array([first]))

    def grown(
        self, among: Iterable[int], size: int, *, enough: tuple[float, float] | None = None
    ) -> list[int]:
        """A set made larger by what adds most, until nothing adds anything or it is enough."""
        rest, chosen = list(among), list[int]()
        reached = (0.0, 0.0)
        while len(chosen) < size and (enough is None or reached < enough):
            larger, gains = self.best([[*chosen, row] for row in rest if row not in chosen])
            now = (float(gains.people[0]), float(gains.worth[0]))
            if enough is None and chosen and now <= reached:
                break
            chosen, reached = larger, now
        return chosen


def _bound(judge: Judge, openings: Openings) -> float:
    """People gained with every ranked place open: no set gains more."""
    every = apply(opening_scenario(openings.table), judge.now)
    totals = comparison_totals(compare(judge.now, every, services=judge.services))
    return float(totals["gained"].sum())
