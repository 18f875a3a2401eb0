"""From a network, homes and idle buildings to the set of services that serves most people."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import geopandas as gpd
import pandas as pd

from communityplan.allocation.choice import Choice
from communityplan.allocation.programme import choose_programme
from communityplan.coverage import coverage
from communityplan.errors import DataError, Problem
from communityplan.network import WalkNetwork
from communityplan.siting import newly_covered, programme_fit
from communityplan.standards import Service, named_service

__all__ = ["choose_sites"]


def choose_sites(
    network: WalkNetwork,
    homes: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    idle_buildings: gpd.GeoDataFrame,
    *,
    services: Sequence[str | Service],
    budget_yuan: float | Mapping[Any, float],
    weights: Mapping[str, float] | None = None,
    fit_out: pd.DataFrame | None = None,
    needs: pd.DataFrame | None = None,
    required: Iterable[tuple[Hashable, str]] = (),
    **options: Any,
) -> Choice:
    """Which services in which idle buildings newly serve the most people for the money.

    Parameters
    ----------
    network : WalkNetwork
    homes, facilities : GeoDataFrame
        Whom a facility of today serves within the limit is not counted again.
    idle_buildings : GeoDataFrame
        As `tables.IDLE_BUILDINGS` with ``conversion_cost_yuan``, paid once where a building opens,
        whatever is in it.
    services : sequence of str or Service
        With group, walker, limit and smallest floor area, which each service takes up.
    budget_yuan : float or mapping
        Money, in all or by year [yuan].
    weights : mapping of str to float, optional
        Weight of a person served, by service; 1 for each unless given.
    fit_out : DataFrame, optional
        What services cost and hold besides: ``building_id``, ``service``, ``cost_yuan``, and where
        known ``floor_area_m2``, ``capacity`` [people], ``year``.
    needs : DataFrame, optional
        Basic needs, met before anything else, as in `choose_programme`.
    required : iterable of (building_id, service), optional
        What opens in any case.
    **options
        Further options of `choose_programme`: ``method``, ``time_limit_s``, ``carries_over``,
        ``curve_budgets_yuan``, ``with_worth``.

    Returns
    -------
    Choice
        As `choose_programme`: objective, bound and gap in people, the curve over the budget, and
        what one more yuan or square metre buys.

    Raises
    ------
    DataError
        Lists every missing cost, and basic needs that cannot be met.
    OptionError, TableError

    Examples
    --------
    >>> import communityplan as cp
    >>> demo = cp.load_project("demo")
    >>> choice = cp.choose_sites(demo.network(), demo.homes, demo.facilities, demo.idle_buildings,
    ...     services=["canteen"], budget_yuan=2_000_000, with_worth=False, curve_budgets_yuan=[])
    >>> choice.is_proven, float(choice.opened["opening_cost_yuan"].sum()) <= 2_000_000
    (True, True)
    """
    wanted = [named_service(name) if isinstance(name, str) else name for name in services]
    fit = programme_fit(idle_buildings, services=wanted)
    fitting = fit.loc[fit["fits"], ["building_id", "service"]]
    gains = [
        newly_covered(network, homes, facilities, idle_buildings, service=service).assign(
            service=service.name
        )
        for service in wanted
    ]
    table = pd.concat(gains, ignore_index=True).merge(fitting, on=["building_id", "service"])
    community = homes.set_index(homes["home_id"].map(str))["community_id"].map(str)
    table["community_id"] = table["home_id"].map(community)
    return choose_programme(
        table,
        _options(fitting, wanted, fit_out),
        _buildings(idle_buildings, set(fitting["building_id"])),
        budget_yuan=budget_yuan,
        weights=weights,
        needs=needs,
        people=_people(network, homes, facilities, wanted) if needs is not None else None,
        required=required,
        **options,
    )


def _options(
    fitting: pd.DataFrame, services: Sequence[Service], fit_out: pd.DataFrame | None
) -> pd.DataFrame:
    """What may open, with what it costs and the floor it takes up."""
    least = {service.name: service.min_floor_area_m2 for service in services}
    options = fitting.assign(cost_yuan=0.0, floor_area_m2=fitting["service"].map(least))
    if fit_out is None:
        return options
    key = ["building_id", "service"]
    given = fit_out.assign(building_id=fit_out["building_id"].map(str))
    merged = options.merge(given, on=key, how="left", suffixes=("", "_given"))
    for name in ("cost_yuan", "floor_area_m2"):
        if f"{name}_given" in merged.columns:
            merged[name] = merged[f"{name}_given"].fillna(merged[name])
    return merged.drop(columns=[name for name in merged.columns if name.endswith("_given")])


def _buildings(idle_buildings: gpd.GeoDataFrame, used: set[str]) -> pd.DataFrame:
    """The buildings that fit something, with the cost of opening them."""
    ids = idle_buildings["building_id"].map(str)
    rows = idle_buildings[ids.isin(used)]
    costs = pd.Series(float("nan"), index=rows.index)
    if "conversion_cost_yuan" in rows.columns:
        costs = pd.to_numeric(rows["conversion_cost_yuan"])
    missing = rows.loc[costs.isna(), "building_id"]
    if len(missing):
        todo = "Give what its conversion costs; there are no default prices"
        raise DataError(
            [
                Problem(f"idle_buildings, {key}", "conversion_cost_yuan is empty", todo)
                for key in missing.map(str)
            ]
        )
    table = pd.DataFrame(
        {
            "building_id": rows["building_id"].map(str).to_numpy(),
            "floor_area_m2": pd.to_numeric(rows["floor_area_m2"]).to_numpy(),
            "opening_cost_yuan": costs.to_numpy(),
        }
    )
    if "available_year" in rows.columns:
        table["available_year"] = pd.to_numeric(rows["available_year"]).to_numpy()
    return table


def _people(
    network: WalkNetwork,
    homes: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    services: Sequence[Service],
) -> pd.DataFrame:
    """People and those covered today at each service's own limit, by community."""
    ledgers = [
        coverage(
            network,
            homes,
            facilities,
            minutes=[service.within_min],
            walker=service.walker,
            group=service.group,
            services=[service.name],
        )
        for service in services
    ]
    return pd.concat(ledgers, ignore_index=True)[["service", "community_id", "people", "covered"]]
