"""Idle buildings -> which services fit, whom they would newly serve, and in which order to look.

A building is judged by the people who reach it within the service's limit and reach no facility of
that service within it today. A building that cannot take a service says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.coverage import covered_share, home_access
from communityplan.errors import OptionError, Problem, TableError
from communityplan.network import WalkNetwork
from communityplan.reach import walks
from communityplan.standards import Service
from communityplan.standards import service as find_service
from communityplan.standards import walker as find_walker
from communityplan.tables import FACILITIES, HOMES, IDLE_BUILDINGS, check, find_problems, record

__all__ = ["newly_covered", "programme_fit", "rank_sites"]

Floats = NDArray[np.float64]


def programme_fit(
    idle_buildings: gpd.GeoDataFrame, *, services: Sequence[str | Service]
) -> pd.DataFrame:
    """Which service fits which building, and why not.

    Parameters
    ----------
    idle_buildings : GeoDataFrame
        As `tables.IDLE_BUILDINGS`.
    services : sequence of str or Service

    Returns
    -------
    DataFrame
        One row per ``building_id`` and ``service``: ``fits`` and ``reason`` (empty where it fits).

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from communityplan.siting import programme_fit
    >>> hall = gpd.GeoDataFrame({"building_id": ["b"], "floor_area_m2": [240.0]},
    ...     geometry=[shapely.Point(0, 0)], crs=32650)
    >>> programme_fit(hall, services=["canteen", "elder_care"])["reason"].tolist()
    ['', 'floor area 240 m2 is below 350 m2']
    """
    check(idle_buildings, IDLE_BUILDINGS)
    tables = [_fit(idle_buildings, _service(chosen)) for chosen in services]
    return pd.concat(tables, ignore_index=True)


def newly_covered(
    network: WalkNetwork,
    homes: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    idle_buildings: gpd.GeoDataFrame,
    *,
    service: str | Service,
) -> pd.DataFrame:
    """People each building would newly serve, home by home.

    Parameters
    ----------
    network : WalkNetwork
    homes, facilities, idle_buildings : GeoDataFrame
    service : str or Service
        Its group is counted, its walker walks, its limit holds.

    Returns
    -------
    DataFrame
        ``building_id``, ``home_id``, ``walk_min`` and ``people`` newly within the limit, above 0
        only. Storeys that a facility of today covers are not counted again.
    """
    wanted = _service(service)
    person = find_walker(wanted.walker)
    today = home_access(network, homes, facilities, service=wanted.name, walker=person)
    within = partial(covered_share, walker=person, within_min=wanted.within_min, direction="there")
    now, _ = within(homes, today["walk_min"].to_numpy(dtype=np.float64))
    ground = homes.drop(columns="storey", errors="ignore")
    near = walks(network, ground, idle_buildings, walker=person, within_min=wanted.within_min)
    row = pd.Series(np.arange(len(homes)), index=homes["home_id"].map(str))
    home = row[near["from_id"]].to_numpy() if len(near) else np.zeros(0, dtype=np.int64)
    then, _ = within(homes.iloc[home], near["walk_min"].to_numpy(dtype=np.float64))
    people = pd.to_numeric(homes[wanted.group]).fillna(0.0).to_numpy(dtype=np.float64)
    gained = people[home] * np.maximum(then - now[home], 0.0)
    table = pd.DataFrame(
        {
            "building_id": near["to_id"],
            "home_id": near["from_id"],
            "walk_min": near["walk_min"],
            "people": gained,
        }
    )
    return table[table["people"] > 0].reset_index(drop=True)


def rank_sites(
    network: WalkNetwork,
    homes: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    idle_buildings: gpd.GeoDataFrame,
    *,
    services: Sequence[str | Service],
    weights: Mapping[str, float] | None = None,
) -> gpd.GeoDataFrame:
    """Idle buildings by the people they would newly serve.

    Parameters
    ----------
    network : WalkNetwork
    homes : GeoDataFrame
        As `tables.HOMES`, with the group of every service as a column.
    facilities, idle_buildings : GeoDataFrame
    services : sequence of str or Service
        A service is taken with its group, walker and limit; a `standards.Service` of your own
        changes them.
    weights : mapping of str to float, optional
        Weight of a person served, by service; 1 for each unless given.

    Returns
    -------
    GeoDataFrame
        One row per building on a new index, best first: ``rank`` (missing where no service fits),
        the columns of `idle_buildings`, ``gain_<service>`` [people newly within the limit, if the
        building took that service; missing where it does not fit], ``people_gained`` (their sum:
        a person counts once for every service gained), ``score`` (the weighted sum), ``services``
        (those that fit and serve somebody newly, most people first) and ``reason`` (why services
        do not fit).

    Raises
    ------
    TableError, OptionError

    Notes
    -----
    Each building is looked at alone: two that serve the same people both count them. The best set
    under a budget is another question. Equal scores stand in the order of the key.
    """
    wanted = [_service(chosen) for chosen in services]
    factor = _weights(wanted, weights)
    _check_tables(homes, facilities, idle_buildings, wanted)
    fit = programme_fit(idle_buildings, services=wanted)
    ids = idle_buildings["building_id"].map(str)
    ranked = idle_buildings.assign(building_id=ids).reset_index(drop=True)
    for service in wanted:
        gained = newly_covered(network, homes, facilities, idle_buildings, service=service)
        people = gained.groupby("building_id")["people"].sum()
        fits = fit.loc[fit["service"] == service.name].set_index("building_id")["fits"]
        gain = ids.map(people).fillna(0.0).to_numpy(dtype=np.float64)
        ranked[f"gain_{service.name}"] = np.where(ids.map(fits), gain, np.nan)
    gains = ranked[[f"gain_{service.name}" for service in wanted]].to_numpy(dtype=np.float64)
    ranked["people_gained"] = np.nansum(gains, axis=1)
    ranked["score"] = np.nansum(gains * factor, axis=1)
    ranked["services"] = [_by_gain(wanted, row) for row in gains]
    ranked["reason"] = _reasons(fit, ranked["building_id"])
    ranked["fits_none"] = np.isnan(gains).all(axis=1)
    order = ["fits_none", "score", "building_id"]
    ranked = ranked.sort_values(order, ascending=[True, False, True], kind="stable")
    rank = pd.Series(np.arange(1, len(ranked) + 1), index=ranked.index, dtype="Int64")
    ranked.insert(0, "rank", rank.mask(ranked["fits_none"]))
    return record(
        ranked.drop(columns="fits_none").reset_index(drop=True),
        services={service.name: _facts(service) for service in wanted},
        weights={service.name: float(w) for service, w in zip(wanted, factor, strict=True)},
        network=dict(network.options),
    )


def _facts(service: Service) -> dict[str, object]:
    """A service as plain values, for the record of a result."""
    names = ("group", "walker", "within_min", "min_floor_area_m2", "source", "verified")
    return {name: getattr(service, name) for name in names}


def _service(chosen: str | Service) -> Service:
    return chosen if isinstance(chosen, Service) else find_service(chosen)


def _weights(services: Sequence[Service], weights: Mapping[str, float] | None) -> Floats:
    if not services:
        raise OptionError("no service to rank for; name at least one in services")
    given = dict(weights or {})
    unknown = sorted(set(given) - {service.name for service in services})
    wrong = [f"{name} is {value}" for name, value in given.items() if not 0 <= value < np.inf]
    if unknown:
        wrong.append(f"no service {', '.join(unknown)} is ranked for")
    factor = np.array([float(given.get(service.name, 1.0)) for service in services])
    if not wrong and not factor.any():
        wrong.append("all are 0, so every building is as good as any other")
    if wrong:
        raise OptionError(f"the weights cannot be used: {'; '.join(wrong)}")
    return factor


def _check_tables(
    homes: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    idle_buildings: gpd.GeoDataFrame,
    services: Sequence[Service],
) -> None:
    problems = find_problems(homes, HOMES) + find_problems(facilities, FACILITIES)
    problems += find_problems(idle_buildings, IDLE_BUILDINGS)
    for group in sorted({service.group for service in services} - set(homes.columns)):
        todo = "Add it, or give the services another group"
        problems.append(Problem("homes", f"no column {group!r}", todo))
    if problems:
        raise TableError(problems)


def _fit(buildings: gpd.GeoDataFrame, service: Service) -> pd.DataFrame:
    area = pd.to_numeric(buildings["floor_area_m2"]).to_numpy(dtype=np.float64)
    reasons = [
        "; ".join(_obstacles(service, size, allowed, hazards))
        for size, allowed, hazards in zip(
            area, _lists(buildings, "allowed_services"), _lists(buildings, "hazards"), strict=True
        )
    ]
    return pd.DataFrame(
        {
            "building_id": buildings["building_id"].map(str).to_numpy(),
            "service": service.name,
            "fits": [not reason for reason in reasons],
            "reason": reasons,
        }
    )


def _obstacles(
    service: Service, area_m2: float, allowed: Sequence[str], hazards: Sequence[str]
) -> list[str]:
    found = []
    if hazards:
        found.append(f"hazard: {', '.join(hazards)}")
    if allowed and service.name not in allowed:
        found.append(f"only {', '.join(allowed)} allowed")
    if area_m2 < service.min_floor_area_m2:
        found.append(f"floor area {area_m2:.0f} m2 is below {service.min_floor_area_m2:.0f} m2")
    return found


def _lists(buildings: pd.DataFrame, name: str) -> list[list[str]]:
    if name not in buildings.columns:
        return [[] for _ in range(len(buildings))]
    cells = buildings[name].astype("object").where(buildings[name].notna(), "")
    return [[part.strip() for part in str(cell).split(";") if part.strip()] for cell in cells]


def _by_gain(services: Sequence[Service], gains: Floats) -> str:
    """Services with somebody newly served, most people first."""
    order = sorted(range(len(services)), key=lambda at: (-np.nan_to_num(gains[at]), at))
    return ";".join(services[at].name for at in order if gains[at] > 0)


def _reasons(fit: pd.DataFrame, ids: pd.Series[Any]) -> list[str]:
    rows = fit[~fit["fits"]]
    told = (rows["service"] + ": " + rows["reason"]).groupby(rows["building_id"]).agg("; ".join)
    return [str(told.get(key, "")) for key in ids]
