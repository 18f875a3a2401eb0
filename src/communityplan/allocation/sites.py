"""From a network, homes and idle buildings to the set of services that serves most people."""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from communityplan.allocation.choice import Choice
from communityplan.allocation.programme import choose_programme
from communityplan.coverage import coverage
from communityplan.errors import DataError, OptionError, Problem
from communityplan.network import WalkNetwork
from communityplan.siting import newly_covered, programme_fit
from communityplan.siting.fit import buildings_of, chosen_services
from communityplan.siting.given import refuse_no_tables
from communityplan.siting.programmes import centre_status
from communityplan.siting.rules import Rules, find_rules
from communityplan.standards import Service
from communityplan.tables import record, used

__all__ = ["choose_sites"]

INF = float("inf")


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
    min_centres: int = 0,
    rules: Rules | str | Path | None = None,
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
    min_centres : int
        Least number of buildings that become a neighbourhood centre by the rule of `rules`.
    rules : Rules or path, optional
        What may go into a building: storeys (service by service, and together on the lower
        storeys), share of the floor that can be used, former uses, tenure, hazards, centres. The
        shipped rules unless given.
    **options
        Further options of `choose_programme`: ``method``, ``time_limit_s``, ``carries_over``,
        ``curve_budgets_yuan``, ``with_worth``.

    Returns
    -------
    Choice
        As `choose_programme`: objective, bound and gap in people, the curve over the budget, and
        what one more yuan or square metre buys. ``opened`` has besides ``is_centre`` (preferred,
        met or no) and, in ``centre_zh`` and ``centre_en``, why.

    Raises
    ------
    DataError
        Lists every missing cost; says which basic need cannot be met, and by how much.
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
    _check_options(options)
    given = {"needs": needs, "fit_out": fit_out}
    refuse_no_tables(
        homes=homes,
        facilities=facilities,
        idle_buildings=idle_buildings,
        **{name: table for name, table in given.items() if table is not None},
    )
    wanted, rule = chosen_services(services), find_rules(rules)
    fit = programme_fit(idle_buildings, services=wanted, rules=rule)
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
    choice = choose_programme(
        table,
        _options(fitting, wanted, fit_out, rule),
        _buildings(idle_buildings, set(fitting["building_id"]), rule),
        budget_yuan=budget_yuan,
        weights=_offered(weights, wanted, fitting),
        needs=needs,
        people=_people(network, homes, facilities, wanted) if needs is not None else None,
        required=required,
        min_centres=min_centres,
        centre_rule=rule.centre,
        **options,
    )
    return _with_centres(choice, idle_buildings, rule)


def _check_options(options: Mapping[str, Any]) -> None:
    known = inspect.signature(choose_programme).parameters
    own = ("method", "time_limit_s", "carries_over", "curve_budgets_yuan", "with_worth")
    unknown = [name for name in options if name not in own]
    if unknown:
        given = ", ".join(unknown)
        raise OptionError(f"no option {given}; known are {', '.join(n for n in known if n in own)}")


def _offered(
    weights: Mapping[str, float] | None, services: Sequence[Service], fitting: pd.DataFrame
) -> Mapping[str, float] | None:
    """Weights without services that fit no building: nothing can be chosen of them."""
    if not isinstance(weights, Mapping):
        return weights
    nowhere = {service.name for service in services} - set(fitting["service"])
    return {name: weight for name, weight in weights.items() if name not in nowhere}


def _with_centres(choice: Choice, idle_buildings: gpd.GeoDataFrame, rules: Rules) -> Choice:
    """The choice with what each building becomes."""
    opened = choice.opened
    area_m2 = pd.to_numeric(idle_buildings["floor_area_m2"])
    areas = dict(zip(idle_buildings["building_id"].map(str), area_m2, strict=True))
    told = {
        name: centre_status(float(areas[name]), rows["service"].tolist(), rules.centre)
        for name, rows in opened.groupby("building_id")
    }
    columns = {
        column: opened["building_id"].map({name: row[column] for name, row in told.items()})
        for column in ("is_centre", "centre_zh", "centre_en")
    }
    facts = used(opened)
    return replace(choice, opened=record(opened.assign(**columns), **facts, rules=rules.facts()))


def _options(
    fitting: pd.DataFrame,
    services: Sequence[Service],
    fit_out: pd.DataFrame | None,
    rules: Rules,
) -> pd.DataFrame:
    """What may open, with what it costs and the floor it takes up."""
    least = {service.name: service.min_floor_area_m2 for service in services}
    highest = {name: rule.highest for name, rule in rules.storeys.items() if rule.highest < INF}
    options = fitting.assign(
        cost_yuan=0.0,
        floor_area_m2=fitting["service"].map(least),
        highest_storey=fitting["service"].map(highest).astype("float64"),
    )
    if fit_out is None:
        return options
    key = ["building_id", "service"]
    given = fit_out.assign(building_id=fit_out["building_id"].map(str))
    merged = options.merge(given, on=key, how="left", suffixes=("", "_given"))
    for name in ("cost_yuan", "floor_area_m2"):
        if f"{name}_given" in merged.columns:
            merged[name] = merged[f"{name}_given"].fillna(merged[name])
    return merged.drop(columns=[name for name in merged.columns if name.endswith("_given")])


def _buildings(idle_buildings: gpd.GeoDataFrame, fitting: set[str], rules: Rules) -> pd.DataFrame:
    """The buildings that fit something, with the floor to use and the cost of opening them."""
    ids = idle_buildings["building_id"].map(str)
    rows = idle_buildings[ids.isin(fitting)]
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
            "floor_area_m2": pd.to_numeric(rows["floor_area_m2"]).to_numpy() * rules.usable_share,
            "gross_floor_area_m2": pd.to_numeric(rows["floor_area_m2"]).to_numpy(),
            "opening_cost_yuan": costs.to_numpy(),
            "storeys": _storeys(rows),
        }
    )
    if "available_year" in rows.columns:
        table["available_year"] = pd.to_numeric(rows["available_year"]).to_numpy()
    return table


def _storeys(rows: pd.DataFrame) -> pd.Series[float]:
    """Storeys over which a space is spread; where it lies on a known one, just that."""
    every = [building.storeys for building in buildings_of(rows)]
    own = [building.storey for building in buildings_of(rows)]
    spread = pd.Series(every, dtype="float64").where(pd.Series(own, dtype="float64").isna())
    return spread.where(spread >= 1)


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
