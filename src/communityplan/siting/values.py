"""The best programme of every building, and what each criterion says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.errors import Problem, TableError
from communityplan.siting.criteria import CRITERIA, Criterion
from communityplan.siting.fit import buildings_of
from communityplan.siting.given import refuse_no_tables
from communityplan.siting.programmes import fitting_sets, subsets
from communityplan.siting.rules import Rules
from communityplan.standards import Service

__all__ = ["Bench", "best_programmes", "criterion_values", "fit_out_of"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Bench:
    """What is known of B buildings and S services before they are judged.

    Attributes
    ----------
    buildings : GeoDataFrame
    services : tuple of Service
    gains, worst : array of float, shape (B, S)
        People newly served, and of these of the fifth with the longest walks today; 0 where the
        service does not fit.
    totals : array of float, shape (S,)
        People of the service's group in all.
    newly : mapping of str to array of float, shape (B,)
        People newly served by service and group; nan where the service does not fit.
    cost_yuan, capacity : array of float, shape (B, S)
        Of fitting out; nan where not known.
    """

    buildings: gpd.GeoDataFrame
    services: tuple[Service, ...]
    gains: Floats
    worst: Floats
    totals: Floats
    newly: dict[str, Floats]
    cost_yuan: Floats
    capacity: Floats


def fit_out_of(
    fit_out: pd.DataFrame | None, ids: pd.Series[str], services: Sequence[Service]
) -> tuple[Floats, Floats]:
    """Cost [yuan] and capacity [places] by building and service from a table of the user.

    Raises
    ------
    TableError
        Lists columns that are missing, doubled rows, and numbers that are none.
    """
    names = [service.name for service in services]
    shape = (len(ids), len(names))
    if fit_out is None:
        # without a table a service costs nothing beyond the conversion of the building
        return np.zeros(shape), np.full(shape, np.nan)
    _check_fit_out(fit_out)
    keys = [fit_out["building_id"].map(str), fit_out["service"].map(str)]
    rows = pd.MultiIndex.from_arrays(keys)
    wanted = pd.MultiIndex.from_product([ids, names])
    found = []
    for name, absent in (("cost_yuan", 0.0), ("capacity", np.nan)):
        if name not in fit_out.columns:
            found.append(np.full(shape, absent))
            continue
        cells = pd.Series(pd.to_numeric(fit_out[name]).to_numpy(dtype=np.float64), index=rows)
        found.append(cells.reindex(wanted).to_numpy(dtype=np.float64).reshape(shape))
    return found[0], found[1]


def _check_fit_out(fit_out: pd.DataFrame) -> None:
    refuse_no_tables(fit_out=fit_out)
    problems = [
        Problem("fit_out", f"no column {name!r}", "Add it")
        for name in ("building_id", "service")
        if name not in fit_out.columns
    ]
    if not problems:
        again = fit_out.duplicated(["building_id", "service"]).to_numpy()
        problems += [
            Problem(f"fit_out, row {row + 1}", "building and service stand here twice", "Keep one")
            for row in np.flatnonzero(again)
        ]
    for name in {"cost_yuan", "capacity"} & set(fit_out.columns):
        values = pd.to_numeric(fit_out[name], errors="coerce")
        bad = fit_out[name].notna().to_numpy() & ~((values >= 0) & (values < np.inf)).to_numpy()
        problems += [
            Problem(
                f"fit_out, row {row + 1}",
                f"{name} is {fit_out[name].iloc[row]}",
                "Give a number that is not negative, or leave it empty",
            )
            for row in np.flatnonzero(bad)
        ]
    if problems:
        raise TableError(problems)


def best_programmes(bench: Bench, alone: Flags, factor: Floats, rules: Rules) -> Flags:
    """For every building the services that fit together and newly serve most weighted people.

    Parameters
    ----------
    bench : Bench
    alone : array of bool, shape (B, S)
        Which service fits by itself.
    factor : array of float, shape (S,)
        Weight of a person served.
    rules : Rules

    Returns
    -------
    array of bool, shape (B, S)
        Of equal programmes the one that needs least floor, then the fewest services.
    """
    members = subsets(len(bench.services))
    fits = fitting_sets(buildings_of(bench.buildings), alone, bench.services, rules)
    floor_m2 = members @ np.array([one.min_floor_area_m2 for one in bench.services])
    order = np.lexsort((members.sum(axis=1), floor_m2))
    served = (bench.gains * factor) @ members[order].T
    served = np.where(fits[:, order], np.round(served, 9), -np.inf)
    return np.asarray(members[order][served.argmax(axis=1)])


def criterion_values(
    bench: Bench, programme: Flags, factor: Floats, criteria: Sequence[Criterion], rules: Rules
) -> pd.DataFrame:
    """Every criterion of every building: missing where not known, infinite where it serves nobody.

    Parameters
    ----------
    bench : Bench
    programme : array of bool, shape (B, S)
        What each building would hold.
    factor : array of float, shape (S,)
    criteria : sequence of Criterion
    rules : Rules

    Returns
    -------
    DataFrame, shape (B, K)

    Raises
    ------
    TableError
        For a criterion of your own that is no column of numbers.
    """
    given = _values(bench, programme, factor, rules)
    # a service that does not fit serves nobody: that is known
    given |= {name: np.nan_to_num(people) for name, people in bench.newly.items()}
    for at, service in enumerate(bench.services):
        given[f"gain_{service.name}"] = bench.gains[:, at]
    own = [one.name for one in criteria if one.name not in given]
    _check_own(bench.buildings, own)
    for name in own:
        given[name] = pd.to_numeric(bench.buildings[name]).to_numpy(dtype=np.float64)
    return pd.DataFrame({one.name: given[one.name] for one in criteria})


def _values(bench: Bench, programme: Flags, factor: Floats, rules: Rules) -> dict[str, Floats]:
    served = np.where(programme, bench.gains, 0.0)
    people = served.sum(axis=1)
    fit_out_yuan = np.where(programme, bench.cost_yuan, 0.0).sum(axis=1)
    cost_yuan = _column(bench.buildings, "conversion_cost_yuan") + fit_out_yuan
    least_m2 = np.array([one.min_floor_area_m2 for one in bench.services])
    per_1000 = 1000.0 * _share(bench.capacity, np.broadcast_to(bench.totals, bench.capacity.shape))
    places = np.where(programme, per_1000, np.nan)
    known = ~np.isnan(places).all(axis=1)
    values = (
        (served * factor).sum(axis=1),
        np.where(known, np.nansum(places, axis=1), np.nan),
        np.nan_to_num(_share(np.where(programme, bench.worst, 0.0).sum(axis=1), people)),
        # what serves nobody has no price by person, and none is worse
        np.where(people > 0, _share(cost_yuan, people), np.inf),
        _share(programme @ least_m2, _column(bench.buildings, "floor_area_m2")),
        _column(bench.buildings, "available_year"),
        _hazards(bench.buildings, rules),
    )
    return dict(zip(CRITERIA, values, strict=True))


def _hazards(buildings: gpd.GeoDataFrame, rules: Rules) -> Floats:
    if "hazards" not in buildings.columns:
        return np.full(len(buildings), np.nan)
    mendable = set(rules.mendable_hazards)
    return np.array([float(len(mendable & set(b.hazards))) for b in buildings_of(buildings)])


def _share(part: Floats, whole: Floats) -> Floats:
    """A quotient, missing where there is nothing to divide by."""
    share = np.full(part.shape, np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    return share


def _column(buildings: gpd.GeoDataFrame, name: str) -> Floats:
    if name not in buildings.columns:
        return np.full(len(buildings), np.nan)
    cells = pd.to_numeric(buildings[name])
    return np.asarray(cells.to_numpy(dtype=np.float64, na_value=np.nan))


def _check_own(buildings: gpd.GeoDataFrame, names: Sequence[str]) -> None:
    problems = []
    for name in names:
        if name not in buildings.columns:
            todo = "Add the column, or take the criterion out"
            problems.append(Problem("idle_buildings", f"no column {name!r} to judge by", todo))
            continue
        values = pd.to_numeric(buildings[name], errors="coerce").to_numpy(dtype=np.float64)
        bad = buildings[name].notna().to_numpy() & ~np.isfinite(values)
        problems += [
            Problem(
                f"idle_buildings, row {row + 1}",
                f"{name} is {buildings[name].iloc[row]}",
                "Give a number, or leave it empty",
            )
            for row in np.flatnonzero(bad)
        ]
    if problems:
        raise TableError(problems)
