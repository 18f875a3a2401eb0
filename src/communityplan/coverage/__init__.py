"""Who is served: the ledger of people covered, beyond the limit and unreachable.

For every service, group and limit, covered + beyond + unreachable is the number of people.
Nobody is counted twice and nobody is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.coverage.shares import (
    check_people,
    covered_share,
    lifts,
    number,
    people_problems,
    stairs_s,
)
from communityplan.network import WalkNetwork
from communityplan.network.attachment import why_not_attached
from communityplan.reach import TOLERANCE_S, Direction, nearest_places, slope_told
from communityplan.reach.areas import limits_of
from communityplan.reach.ends import Places, places
from communityplan.standards import walker as find_walker
from communityplan.standards import walker_for
from communityplan.tables import FACILITIES, HOMES, check, record, used
from communityplan.walker import Walker

__all__ = [
    "check_people",
    "coverage",
    "covered_share",
    "home_access",
    "people_problems",
    "storey_coverage",
    "totals",
]

Floats = NDArray[np.float64]

LEDGER_KEY = ["community_id", "service", "group", "within_min"]
LEDGER_SUMS = ["people", "covered", "beyond", "unreachable", "covered_but_for_stairs"]


def coverage(
    network: WalkNetwork,
    homes: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    *,
    minutes: Sequence[float],
    walker: Walker | str | None = None,
    group: str | Sequence[str] | None = None,
    services: Sequence[str] | None = None,
    direction: Direction = "there",
) -> pd.DataFrame:
    """People within each limit of the nearest facility of each service, by community.

    Parameters
    ----------
    network : WalkNetwork
    homes : GeoDataFrame
        As `tables.HOMES`. People are spread evenly over the storeys, so a building without a lift
        can be covered in part; with ``storey`` they all live there.
    facilities : GeoDataFrame
        As `tables.FACILITIES`.
    minutes : sequence of float
        Limits, inclusive [min].
    walker : Walker or str, optional
        Who walks; the walker of the group, else of the service, unless given
        (`standards.walker_for`).
    group : str or sequence of str, optional
        Columns of `homes` that count the people; ``"residents"`` unless given.
    services : sequence of str, optional
        Services to look at; those of `facilities` unless given. One without any facility covers
        nobody.
    direction : {"there", "back", "worse"}

    Returns
    -------
    DataFrame
        One row per ``community_id``, ``service``, ``group`` and ``within_min``: ``people``,
        ``covered``, ``beyond`` (they get there, but not in time), ``unreachable`` (no way at all)
        and ``covered_but_for_stairs`` (of those beyond: in time from the ground floor).

    Raises
    ------
    TableError, OptionError

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> import communityplan as cp
    >>> street = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (900, 0)])], crs=32650)
    >>> network = cp.WalkNetwork.from_streets(street)
    >>> homes = gpd.GeoDataFrame(
    ...     {"home_id": ["h1", "h2"], "community_id": "c", "residents": [30, 20]},
    ...     geometry=gpd.points_from_xy([300, 900], [0, 0]), crs=32650)
    >>> shop = gpd.GeoDataFrame({"facility_id": ["f"], "service": ["market"]},
    ...     geometry=[shapely.Point(0, 0)], crs=32650)
    >>> ledger = cp.coverage(network, homes, shop, minutes=[5], walker=cp.Walker("slow", 1.0))
    >>> ledger[["people", "covered", "beyond", "unreachable"]].values.tolist()
    [[50.0, 30.0, 20.0, 0.0]]
    """
    groups = [group] if isinstance(group, str) else list(group or ["residents"])
    limits = limits_of(minutes)
    check_people(homes, groups)
    check(facilities, FACILITIES)
    tables = []
    walkers: dict[str, dict[str, Any]] = {}
    joined = _Joined(network, homes)
    asked = _services(facilities, services)
    for service in asked:
        offered = facilities[facilities["service"].map(str) == service]
        by_walker: dict[Walker, Floats] = {}
        for people in groups:
            person = walker_for(service, people) if walker is None else find_walker(walker)
            told = {**person.facts(), "slope_effect": slope_told(network, person)}
            walkers.setdefault(service, {})[people] = told
            if person not in by_walker:
                _, by_walker[person] = _nearest(joined, offered, person, direction)
            for limit in limits:
                tables.append(
                    _count(
                        homes,
                        by_walker[person],
                        walker=person,
                        within_min=limit,
                        direction=direction,
                        labels={"service": service, "group": people, "within_min": limit},
                    )
                )
    ledger = (
        pd.concat([_no_rows(), *tables], ignore_index=True)
        if not tables
        else pd.concat(tables, ignore_index=True)
    )
    ledger = ledger.sort_values(LEDGER_KEY, kind="stable", ignore_index=True)
    return record(
        ledger,
        minutes=limits,
        group=groups,
        services=asked,
        walkers=walkers,
        direction=direction,
        network=dict(network.options),
        homes=len(homes),
    )


def home_access(
    network: WalkNetwork,
    homes: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    *,
    service: str,
    walker: Walker | str | None = None,
    direction: Direction = "there",
) -> pd.DataFrame:
    """The nearest facility of one service for every home, and why there is none.

    Parameters
    ----------
    network : WalkNetwork
    homes, facilities : GeoDataFrame
    service : str
    walker : Walker or str, optional
        The service's walker unless given.
    direction : {"there", "back", "worse"}

    Returns
    -------
    DataFrame
        On the index of `homes`: ``home_id``, ``service``, ``facility_id``, ``walk_min`` from the
        door of the building (nan where unreachable), ``nearest_m`` (distance to the nearest usable
        street) and ``reason`` (empty where reachable).
    """
    person = walker_for(service, "residents") if walker is None else find_walker(walker)
    check(homes, HOMES)
    check(facilities, FACILITIES)
    offered = facilities[facilities["service"].map(str) == service]
    joined = _Joined(network, homes)
    to, walk_min = _nearest(joined, offered, person, direction)
    start = joined.places(person)
    nearest_m, reason = why_not_attached(network, start.shapes, start.base, walker=person)
    other = "no way to any facility" if len(offered) else "no facility of this service"
    reason = np.where(reason == "", other, reason)
    names = np.array([*offered["facility_id"].map(str), None], dtype=object)
    table = pd.DataFrame(
        {
            "home_id": start.ids,
            "service": service,
            "facility_id": names[to],
            "walk_min": walk_min,
            "nearest_m": nearest_m,
            "reason": np.where(to >= 0, "", reason),
        },
        index=homes.index,
    )
    return record(
        table,
        service=service,
        walker=person.facts(),
        direction=direction,
        network=dict(network.options),
    )


@dataclass(frozen=True)
class _Joined:
    """Homes joined to the network once for all walkers that may use the same edges."""

    network: WalkNetwork
    homes: gpd.GeoDataFrame
    found: dict[bool, Places] = field(default_factory=dict)

    def places(self, walker: Walker) -> Places:
        """The homes as starts of walks; the storeys are looked at limit by limit."""
        if walker.may_use_steps not in self.found:
            ground = self.homes.drop(columns="storey", errors="ignore")
            self.found[walker.may_use_steps] = places(
                self.network, ground, walker=walker, where="homes"
            )
        return self.found[walker.may_use_steps]


def _nearest(
    joined: _Joined, offered: gpd.GeoDataFrame, walker: Walker, direction: Direction
) -> tuple[NDArray[np.int64], Floats]:
    """Position of the nearest facility of every home, -1 where none, and the minutes there."""
    start = joined.places(walker)
    to = np.full(len(start.ids), -1, dtype=np.int64)
    walk_min = np.full(len(start.ids), np.nan)
    if len(offered):
        end = places(joined.network, offered, walker=walker, where="facilities")
        found = nearest_places(joined.network, start, end, walker=walker, direction=direction)
        to[found.start] = found.end
        walk_min[found.start] = found.seconds / 60.0
    return to, walk_min


def storey_coverage(
    network: WalkNetwork,
    homes: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    *,
    service: str,
    within_min: float,
    group: str = "residents",
    walker: Walker | str | None = None,
    direction: Direction = "there",
) -> pd.DataFrame:
    """Every storey of every home: the whole walk, and whether it is within the limit.

    Parameters
    ----------
    network : WalkNetwork
    homes, facilities : GeoDataFrame
        As in `coverage`.
    service : str
    within_min : float
        Limit, inclusive [min].
    group : str
        Column of `homes` that counts the people.
    walker : Walker or str, optional
        `standards.walker_for` the service and group unless given.
    direction : {"there", "back", "worse"}

    Returns
    -------
    DataFrame
        ``home_id``, ``community_id``, ``storey``, ``people`` living on it, ``walk_min`` with the
        stairs (nan where unreachable) and ``is_covered``. Summed over storeys it is the ledger.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> import communityplan as cp
    >>> street = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (300, 0)])], crs=32650)
    >>> network = cp.WalkNetwork.from_streets(street)
    >>> home = gpd.GeoDataFrame({"home_id": ["h"], "community_id": "c", "residents": [30],
    ...     "storeys": [3]}, geometry=[shapely.Point(280, 0)], crs=32650)
    >>> shop = gpd.GeoDataFrame({"facility_id": ["f"], "service": ["market"]},
    ...     geometry=[shapely.Point(0, 0)], crs=32650)
    >>> older = cp.Walker("older", 1.0, storey_down_s=15)
    >>> cp.storey_coverage(network, home, shop, service="market", within_min=5, walker=older)[
    ...     ["storey", "people", "is_covered"]]
       storey  people  is_covered
    0       1    10.0        True
    1       2    10.0        True
    2       3    10.0       False
    """
    check_people(homes, [group])
    check(facilities, FACILITIES)
    person = walker_for(service, group) if walker is None else find_walker(walker)
    offered = facilities[facilities["service"].map(str) == service]
    _, walk_min = _nearest(_Joined(network, homes), offered, person, direction)
    fixed = "storey" in homes.columns
    count = np.maximum(np.round(number(homes, "storeys", 1.0)), 1.0).astype(np.int64)
    count = np.ones(len(homes), dtype=np.int64) if fixed else count
    home = np.repeat(np.arange(len(homes)), count)
    storey = np.arange(len(home)) - np.repeat(np.cumsum(count) - count, count) + 1
    if fixed:
        storey = number(homes, "storey", 1.0).astype(np.int64)
    lift = lifts(homes)
    whole_s = walk_min[home] * 60.0 + stairs_s(person, storey.astype(float), lift[home], direction)
    whole_s = np.where(np.isfinite(whole_s), whole_s, np.nan)
    table = pd.DataFrame(
        {
            "home_id": homes["home_id"].map(str).to_numpy(dtype=object)[home],
            "community_id": homes["community_id"].map(str).to_numpy(dtype=object)[home],
            "storey": storey,
            "people": number(homes, group, 0.0)[home] / count[home],
            "walk_min": whole_s / 60.0,
            "is_covered": whole_s <= within_min * 60.0 + TOLERANCE_S,
        }
    )
    return record(
        table,
        service=service,
        within_min=within_min,
        group=group,
        walker=person.facts(),
        direction=direction,
    )


def totals(ledger: pd.DataFrame) -> pd.DataFrame:
    """The ledger summed over communities.

    Parameters
    ----------
    ledger : DataFrame
        As from `coverage`.

    Returns
    -------
    DataFrame
        One row per ``service``, ``group`` and ``within_min``, with ``covered_share``.
    """
    keys = [key for key in LEDGER_KEY if key != "community_id"]
    summed = ledger.groupby(keys, sort=False, as_index=False)[LEDGER_SUMS].sum()
    people = summed["people"].where(summed["people"] > 0)
    shares = summed.assign(covered_share=summed["covered"] / people)
    return record(shares, **used(ledger))


def _no_rows() -> pd.DataFrame:
    kinds = dict.fromkeys(("community_id", "service", "group"), "str")
    kinds |= dict.fromkeys(("within_min", *LEDGER_SUMS), "float64")
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def _services(facilities: pd.DataFrame, services: Sequence[str] | None) -> list[str]:
    chosen = facilities["service"].map(str).unique() if services is None else services
    return sorted(set(chosen))


def _count(
    homes: gpd.GeoDataFrame,
    walk_min: Floats,
    *,
    walker: Walker,
    within_min: float,
    direction: str,
    labels: Mapping[str, Any],
) -> pd.DataFrame:
    """The ledger of every community for one service, group and limit."""
    people = number(homes, str(labels["group"]), 0.0)
    share, leaves = covered_share(
        homes, walk_min, walker=walker, within_min=within_min, direction=direction
    )
    at_ground = walk_min * 60.0 <= within_min * 60.0 + TOLERANCE_S
    covered = people * share
    unreachable = people * (1.0 - leaves)
    each = pd.DataFrame(
        {
            "people": people,
            "covered": covered,
            # not what the others leave over: rounding would make it less than nobody
            "beyond": people * (leaves - share),
            "unreachable": unreachable,
            "covered_but_for_stairs": np.where(at_ground, people * (leaves - share), 0.0),
        }
    )
    summed = each.groupby(homes["community_id"].map(str).to_numpy()).sum()
    summed = summed.rename_axis("community_id").reset_index()
    return summed.assign(**labels)[[*LEDGER_KEY, *LEDGER_SUMS]]
