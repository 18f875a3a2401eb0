"""Who is served: the ledger of people covered, beyond the limit and unreachable.

For every service, group and limit, covered + beyond + unreachable is the number of people.
Nobody is counted twice and nobody is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.errors import OptionError, Problem, TableError
from communityplan.network import WalkNetwork
from communityplan.network.attachment import attachment_table
from communityplan.reach import TOLERANCE_S, Direction, nearest
from communityplan.standards import walker as find_walker
from communityplan.standards import walker_for
from communityplan.tables import FACILITIES, HOMES, as_flags, check, find_problems, record
from communityplan.walker import Walker, storey_seconds

__all__ = ["coverage", "covered_share", "home_access", "totals"]

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
    limits = sorted({float(limit) for limit in minutes})
    if not limits or not all(np.isfinite(limit) and limit >= 0 for limit in limits):
        raise OptionError(f"minutes is {list(minutes)}: give at least one limit, 0 or more")
    _check_people(homes, groups)
    check(facilities, FACILITIES)
    tables = []
    for service in _services(facilities, services):
        by_walker: dict[Walker, pd.DataFrame] = {}
        for people in groups:
            person = walker_for(service, people) if walker is None else find_walker(walker)
            if person not in by_walker:
                by_walker[person] = home_access(
                    network, homes, facilities, service=service, walker=person, direction=direction
                )
            access = by_walker[person]
            tables += [
                _count(homes, access, people, walker=person, within_min=limit, direction=direction)
                for limit in limits
            ]
    ledger = pd.concat(tables, ignore_index=True)
    ledger = ledger.groupby(LEDGER_KEY, sort=True, as_index=False)[LEDGER_SUMS].sum()
    chosen = None if walker is None else find_walker(walker).facts()
    return record(
        ledger, walker=chosen, direction=direction, network=dict(network.options), homes=len(homes)
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
    offered = facilities[facilities["service"].map(str) == service]
    found = pd.DataFrame({"from_id": [], "to_id": [], "walk_min": []})
    if len(offered) and len(homes):
        # the storeys are looked at limit by limit: here everyone starts at the door
        ground = homes.drop(columns="storey", errors="ignore")
        found = nearest(network, ground, offered, walker=person, direction=direction)
    found = found.set_index("from_id")
    ids = homes["home_id"].map(str)
    joined = attachment_table(network, homes, walker=person, key="home_id")
    reached = ids.isin(found.index).to_numpy()
    reason = joined["reason"].where(joined["reason"] != "", "no way to any facility")
    if not len(offered):
        reason = reason.mask(joined["reason"] == "", "no facility of this service")
    return pd.DataFrame(
        {
            "home_id": ids,
            "service": service,
            "facility_id": ids.map(found["to_id"]) if len(found) else None,
            "walk_min": ids.map(found["walk_min"]).astype("float64") if len(found) else np.nan,
            "nearest_m": joined["nearest_m"],
            "reason": reason.mask(reached, ""),
        },
        index=homes.index,
    )


def covered_share(
    homes: pd.DataFrame, walk_min: Floats, *, walker: Walker, within_min: float, direction: str
) -> tuple[Floats, Floats]:
    """Share of each home's people within a limit, and the share that can get out at all.

    Parameters
    ----------
    homes : DataFrame
        With optional ``storeys``, ``storey`` and ``has_lift``.
    walk_min : array of float
        Walk from the door of the building [min]; nan where unreachable.
    walker : Walker
    within_min : float
        Limit [min].
    direction : {"there", "back", "worse"}

    Returns
    -------
    tuple of array of float
    """
    storeys = np.maximum(np.round(_number(homes, "storeys", 1.0)), 1.0)
    fixed = "storey" in homes.columns
    storey = _number(homes, "storey", 1.0)
    lift = (
        as_flags(homes["has_lift"]) if "has_lift" in homes.columns else np.zeros(len(homes), bool)
    )
    left_s = within_min * 60.0 + TOLERANCE_S - walk_min * 60.0
    covered = np.zeros(len(homes))
    leaves = np.zeros(len(homes))
    highest = 1 if fixed else int(storeys.max(initial=1.0))
    for level in range(1, highest + 1):
        lives = np.ones(len(homes), dtype=bool) if fixed else level <= storeys
        height = storey if fixed else np.full(len(homes), float(level))
        down_s = _stairs(walker, height, lift, direction)
        covered += lives & (np.nan_to_num(left_s, nan=-np.inf) >= down_s)
        leaves += lives & np.isfinite(down_s) & np.isfinite(walk_min)
    # counted in whole storeys first, so that all of them are exactly 1
    levels = 1.0 if fixed else storeys
    return covered / levels, leaves / levels


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
    return summed.assign(covered_share=summed["covered"] / people)


def _check_people(homes: gpd.GeoDataFrame, groups: Iterable[str]) -> None:
    problems = find_problems(homes, HOMES)
    for name in groups:
        if name not in homes.columns:
            problems.append(
                Problem("homes", f"no column {name!r}", "Add it, or choose a group that is counted")
            )
        elif name not in HOMES.columns:
            values = pd.to_numeric(homes[name], errors="coerce")
            problems += [
                Problem(
                    f"homes, row {row + 1}", f"{name} is {homes[name].iloc[row]}", "Give people"
                )
                for row in np.flatnonzero(~(values >= 0).to_numpy())
            ]
    if problems:
        raise TableError(problems)


def _services(facilities: pd.DataFrame, services: Sequence[str] | None) -> list[str]:
    chosen = facilities["service"].map(str).unique() if services is None else services
    return sorted(set(chosen))


def _number(homes: pd.DataFrame, name: str, default: float) -> Floats:
    if name not in homes.columns:
        return np.full(len(homes), default)
    cells = pd.to_numeric(homes[name]).fillna(default)
    return np.asarray(cells.to_numpy(dtype=np.float64))


def _stairs(walker: Walker, storey: Floats, lift: NDArray[np.bool_], direction: str) -> Floats:
    if direction != "worse":
        return storey_seconds(walker, storey, lift, direction=direction)
    down_s = storey_seconds(walker, storey, lift, direction="there")
    return np.maximum(down_s, storey_seconds(walker, storey, lift, direction="back"))


def _count(
    homes: gpd.GeoDataFrame,
    access: pd.DataFrame,
    group: str,
    *,
    walker: Walker,
    within_min: float,
    direction: str,
) -> pd.DataFrame:
    """The ledger of every home for one service, group and limit."""
    people = _number(homes, group, 0.0)
    walk_min = access["walk_min"].to_numpy(dtype=np.float64)
    share, leaves = covered_share(
        homes, walk_min, walker=walker, within_min=within_min, direction=direction
    )
    at_ground = walk_min * 60.0 <= within_min * 60.0 + TOLERANCE_S
    covered = people * share
    unreachable = people * (1.0 - leaves)
    return pd.DataFrame(
        {
            "community_id": homes["community_id"].map(str).to_numpy(),
            "service": access["service"].to_numpy(),
            "group": group,
            "within_min": within_min,
            "people": people,
            "covered": covered,
            "beyond": people - covered - unreachable,
            "unreachable": unreachable,
            "covered_but_for_stairs": np.where(at_ground, people * leaves - covered, 0.0),
        }
    )
