"""Idle buildings in the order in which to look at them, and how far that order holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.coverage import people_problems
from communityplan.errors import OptionError, TableError
from communityplan.network import WalkNetwork
from communityplan.siting.criteria import (
    Criterion,
    Scale,
    check_normalise,
    chosen_criteria,
    newly_names,
    to_scale,
)
from communityplan.siting.fit import chosen_services, programme_fit
from communityplan.siting.gains import gains_of, people_of, worst_fifth
from communityplan.siting.given import number_by_name, refuse_no_tables
from communityplan.siting.joined import Joined
from communityplan.siting.programmes import reasons_of
from communityplan.siting.rules import Rules, find_rules
from communityplan.siting.stability import pareto_front, simplex_points, stability
from communityplan.siting.values import Bench, best_programmes, criterion_values, fit_out_of
from communityplan.siting.why import add_sentences, places_of
from communityplan.standards import Service
from communityplan.tables import FACILITIES, IDLE_BUILDINGS, find_problems, record

__all__ = ["rank_sites"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def rank_sites(
    network: WalkNetwork,
    homes: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    idle_buildings: gpd.GeoDataFrame,
    *,
    services: Sequence[str | Service],
    weights: Mapping[str, float] | None = None,
    criteria: Sequence[str | Criterion] | Mapping[str, float] | None = None,
    normalise: str = "range",
    groups: Sequence[str] = (),
    fit_out: pd.DataFrame | None = None,
    rules: Rules | str | Path | None = None,
) -> gpd.GeoDataFrame:
    """Idle buildings by the people they would newly serve, or by criteria of your choice.

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
    criteria : sequence of str or Criterion, or mapping of str to float, optional
        What buildings are judged by, with weights (see Notes); the weighted people alone unless
        given.
    normalise : {"range", "rank"}
        How criteria come to a scale from 0 (worst) to 1 (best): as a share of the range between
        the buildings, or of the other buildings that are worse. Used with `criteria` only.
    groups : sequence of str
        Columns of `homes` to count besides, as ``newly_<service>_<group>`` [people].
    fit_out : DataFrame, optional
        ``building_id``, ``service`` and, where known, ``cost_yuan`` and ``capacity`` [places].
    rules : Rules or path, optional
        What may go into a building; the shipped rules unless given.

    Returns
    -------
    GeoDataFrame
        One row per building on a new index, best first: ``rank`` (missing where no service fits),
        the columns of `idle_buildings`, ``gain_<service>`` [people newly within the limit, if the
        building took that service; missing where it does not fit], ``people_gained`` (their sum:
        a person counts once for every service gained), ``score`` (the weighted sum), ``services``
        (those that fit and serve somebody newly, most people first), ``reason`` (why services do
        not fit; ``reason_codes``, ``reason_zh``, ``reason_en``), ``why_zh`` and ``why_en`` (a
        sentence with the figures behind the rank).

        With `criteria` also each criterion by its name, ``programme`` (the services that fit
        together and newly serve most weighted people), ``criteria_missing``, ``rank_low`` and
        ``rank_high`` (best and worst rank over all weights), ``first_share`` (share of all
        weightings under which it is first) and ``is_pareto`` (no other building is as good on
        every criterion and better on one); ``score`` is then from 0 to 1.

    Raises
    ------
    TableError, OptionError, DataError

    Notes
    -----
    Each building is looked at alone: two that serve the same people both count them. The best set
    under a budget is another question. Equal scores stand in the order of the key.

    Criteria are of the ``programme``: ``people_newly_covered`` [people, weighted by `weights`],
    ``places_per_1000`` [places added per 1,000 people of the service's group in `homes`],
    ``worst_fifth_share`` [share of the gain that goes to the fifth of people with the longest walks
    today], ``cost_yuan_per_person`` [conversion and fit-out by person newly served, lower is
    better], ``floor_area_use_share``, ``available_year`` and ``hazards_to_mend`` [lower is
    better]; or of single services, whatever else is there: ``gain_<service>`` and
    ``newly_<service>_<group>`` [people]; or of your own: a `Criterion` that names a column of
    `idle_buildings`, such as a payback. A value that is not known is never filled in: it counts as
    the worst in the score, and as anything between worst and best in the interval.

    The score is the weighted mean of the scaled criteria. The interval and ``first_share`` are over
    2,048 weightings spread evenly over all there are (see `stability.simplex_points`); the interval
    has the corners and the given weights besides.
    """
    refuse_no_tables(homes=homes, facilities=facilities, idle_buildings=idle_buildings)
    wanted = chosen_services(services)
    factor = _weights(wanted, weights)
    rule = find_rules(rules)
    check_normalise(normalise)
    _check_tables(homes, facilities, idle_buildings, wanted, groups)
    judged = None
    if criteria is not None:
        judged = chosen_criteria(criteria, services=wanted, groups=groups)
    ids = idle_buildings["building_id"].map(str)
    ranked = idle_buildings.assign(building_id=ids).reset_index(drop=True)
    costs = fit_out_of(fit_out, ranked["building_id"], wanted)
    fit = programme_fit(ranked, services=wanted, rules=rule)
    alone = fit["fits"].to_numpy(dtype=bool).reshape(len(wanted), -1).T
    fits = _any(alone)
    joined = Joined(network, homes, facilities, ranked)
    bench = _bench(joined, wanted, alone, groups, costs)
    ranked = _with_gains(ranked, bench, alone, factor, fit)
    options: dict[str, Any] = {"had_no_effect": []}
    places = None
    if judged is not None:
        ranked, scale = _judge(
            ranked, bench, alone, factor=factor, criteria=judged, normalise=normalise, rules=rule
        )
        options |= _used(judged, scale, normalise)
        places = np.zeros((len(fits), len(judged)), dtype=np.int64)
        places[fits] = places_of(scale.worst)
    elif fit_out is not None or normalise != "range":
        # without criteria neither prices nor scales come in
        options["had_no_effect"] = ["fit_out"] * (fit_out is not None)
        options["had_no_effect"] += ["normalise"] * (normalise != "range")
    ranked, order = _in_order(ranked, fits)
    ranked = add_sentences(
        ranked,
        services=wanted,
        groups=groups,
        criteria=judged or (),
        places=None if places is None else places[order],
    )
    return record(
        ranked,
        services={service.name: _facts(service) for service in wanted},
        weights={service.name: float(w) for service, w in zip(wanted, factor, strict=True)},
        network=dict(network.options),
        rules=rule.facts(),
        **{"normalise": normalise, "groups": list(groups), **options},
    )


def _bench(
    joined: Joined,
    services: Sequence[Service],
    alone: Flags,
    groups: Sequence[str],
    costs: tuple[Floats, Floats],
) -> Bench:
    """Whom every building would newly serve, service by service."""
    gains, worst = np.zeros(alone.shape), np.zeros(alone.shape)
    totals = np.zeros(len(services))
    newly: dict[str, Floats] = {}
    counted = {group: people_of(joined.homes, group) for group in groups}
    for at, service in enumerate(services):
        people = people_of(joined.homes, service.group)
        anybody = sum(counted.values(), start=people)
        fitting = np.flatnonzero(alone[:, at])
        found = gains_of(joined, service, people=anybody, buildings=fitting)
        farthest = people * worst_fifth(found.today_min, people)
        gains[:, at] = found.by_building(people, len(alone))
        worst[:, at] = found.by_building(farthest, len(alone))
        totals[at] = people.sum()
        for name, group in zip(newly_names([service], groups), groups, strict=True):
            served = found.by_building(counted[group], len(alone))
            newly[name] = np.where(alone[:, at], served, np.nan)
    return Bench(joined.buildings, tuple(services), gains, worst, totals, newly, *costs)


def _with_gains(
    ranked: gpd.GeoDataFrame, bench: Bench, alone: Flags, factor: Floats, fit: pd.DataFrame
) -> gpd.GeoDataFrame:
    for at, service in enumerate(bench.services):
        ranked[f"gain_{service.name}"] = np.where(alone[:, at], bench.gains[:, at], np.nan)
    ranked = ranked.assign(**bench.newly)
    ranked["people_gained"] = bench.gains.sum(axis=1)
    ranked["score"] = (bench.gains * factor).sum(axis=1)
    ranked["services"] = [_by_gain(bench.services, row) for row in bench.gains]
    reasons = reasons_of(fit)
    return ranked.assign(**{name: reasons[name].to_numpy() for name in reasons.columns})


def _judge(
    ranked: gpd.GeoDataFrame,
    bench: Bench,
    alone: Flags,
    *,
    factor: Floats,
    criteria: Sequence[Criterion],
    normalise: str,
    rules: Rules,
) -> tuple[gpd.GeoDataFrame, Scale]:
    """The ranking with its criteria, scores and how far the ranks hold."""
    fits = _any(alone)
    programme = best_programmes(bench, alone, factor, rules)
    values = criterion_values(bench, programme, factor, criteria, rules)
    scale = to_scale(values, criteria, fits=fits, normalise=normalise)
    weights = np.array([one.weight for one in criteria])
    held = stability(scale.worst, scale.best, weights)
    ranked = ranked.assign(
        **{
            str(name): values[name].where(fits & np.isfinite(values[name]))
            for name in values
            if name not in ranked.columns
        }
    )
    names = [service.name for service in bench.services]
    # a service that would serve nobody newly is no part of what speaks for the building
    ranked["programme"] = [
        ";".join(np.array(names)[taken]) for taken in programme & (bench.gains > 0)
    ]
    missing = [";".join(values.columns[row]) for row in values.isna().to_numpy()]
    ranked["criteria_missing"] = np.where(fits, missing, "")
    ranked["score"] = _spread(scale.worst @ (weights / weights.sum()), fits)
    for name, ranks in (("rank_low", held.rank_low), ("rank_high", held.rank_high)):
        ranked[name] = pd.Series(_spread(ranks.astype(np.float64), fits)).astype("Int64")
    ranked["first_share"] = _spread(held.first_share, fits)
    front = np.zeros(len(fits), dtype=bool)
    front[fits] = pareto_front(scale.worst, scale.best)
    return ranked.assign(is_pareto=front), scale


def _any(alone: Flags) -> Flags:
    """Buildings that fit at least one service."""
    return np.asarray(alone.any(axis=1))


def _spread(values: Floats, fits: Flags) -> Floats:
    """Values of the buildings that fit something, among all; missing for the others."""
    every = np.full(len(fits), np.nan)
    every[fits] = values
    return every


def _in_order(ranked: gpd.GeoDataFrame, fits: Flags) -> tuple[gpd.GeoDataFrame, NDArray[np.int64]]:
    """Best first; scores that differ by rounding only are equal."""
    keys = pd.DataFrame(
        {"unfit": ~fits, "score": ranked["score"].round(9), "key": ranked["building_id"]}
    )
    keys = keys.sort_values(["unfit", "score", "key"], ascending=[True, False, True], kind="stable")
    order = keys.index.to_numpy()
    ranked = ranked.iloc[order].reset_index(drop=True)
    rank = pd.Series(np.arange(1, len(ranked) + 1), dtype="Int64")
    ranked = ranked.drop(columns="rank", errors="ignore")
    ranked.insert(0, "rank", rank.mask(pd.Series(~fits[order])))
    return ranked, order


def _used(criteria: Sequence[Criterion], scale: Scale, normalise: str) -> dict[str, Any]:
    points = len(simplex_points(len(criteria)))
    return {
        "criteria": scale.facts,
        "normalise": normalise,
        "missing": "worst in the score, worst to best in the interval",
        "weightings": f"{points} points of an unscrambled Sobol sequence on the simplex",
    }


def _facts(service: Service) -> dict[str, object]:
    """A service as plain values, for the record of a result."""
    names = ("group", "walker", "within_min", "min_floor_area_m2", "source", "verified")
    return {name: getattr(service, name) for name in names}


def _weights(services: Sequence[Service], weights: Mapping[str, float] | None) -> Floats:
    given = number_by_name(weights or {}, "weights")
    unknown = sorted(set(given) - {service.name for service in services})
    wrong = []
    if unknown:
        wrong.append(f"no service {', '.join(unknown)} is ranked for")
    factor = np.array([given.get(service.name, 1.0) for service in services])
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
    groups: Sequence[str],
) -> None:
    asked = {service.group for service in services} | set(groups)
    problems = people_problems(homes, sorted(asked)) + find_problems(facilities, FACILITIES)
    problems += find_problems(idle_buildings, IDLE_BUILDINGS)
    if problems:
        raise TableError(problems)


def _by_gain(services: Sequence[Service], gains: Floats) -> str:
    """Services with somebody newly served, most people first."""
    order = sorted(range(len(services)), key=lambda at: (-gains[at], at))
    return ";".join(services[at].name for at in order if gains[at] > 0)
