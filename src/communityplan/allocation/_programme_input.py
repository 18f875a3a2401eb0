"""Check the tables of a programme and turn them into arrays; everything wrong is one error."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.allocation._programme import (
    Need,
    Programme,
    merge_slices,
    slice_gains,
)
from communityplan.allocation._programme_rooms import centre_of, rooms_of
from communityplan.errors import DataError, OptionError, Problem
from communityplan.siting.given import number_by_name, refuse_no_tables
from communityplan.siting.rules import CentreRule

__all__ = ["GAINS", "OPTIONS", "read_programme"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Budget = float | Mapping[Any, float]

GAINS = ("service", "home_id", "building_id", "people")
OPTIONS = ("building_id", "service", "cost_yuan")
BUILDINGS = ("building_id", "floor_area_m2")
NEEDS = ("service",)
NEED_KINDS = ("min_share", "min_people", "min_sites")


def read_programme(
    gains: pd.DataFrame,
    options: pd.DataFrame,
    buildings: pd.DataFrame,
    *,
    budget_yuan: Budget,
    weights: Mapping[str, float] | None,
    needs: pd.DataFrame | None,
    people: pd.DataFrame | None,
    required: Iterable[tuple[Hashable, str]],
    carries_over: bool,
    min_centres: int,
    centre_rule: CentreRule,
) -> Programme:
    """The arrays of a programme.

    Raises
    ------
    DataError
        Lists everything that is wrong with the tables.
    OptionError
        For weights or a budget without meaning.
    """
    _check_columns(gains=gains, options=options, buildings=buildings, needs=needs)
    problems = _gain_problems(gains) + _option_problems(options, buildings)
    problems += _building_problems(buildings) + _need_problems(needs, people)
    if problems:
        raise DataError(problems)
    years, budget = _read_budget(budget_yuan)
    options = options.sort_values(["building_id", "service"], ignore_index=True)
    buildings = buildings.sort_values("building_id", ignore_index=True)
    wanted = [] if needs is None else needs["service"].tolist()
    services = sorted({*options["service"], *wanted})
    gains = gains.assign(people=_column(gains, "people", 0.0))
    rows, homes, communities = _read_gains(gains, options, services)
    slices = slice_gains(
        rows, rows["option_at"].to_numpy(), rows["home_at"].to_numpy(), len(options)
    )
    building = pd.Index(buildings["building_id"]).get_indexer(pd.Index(options["building_id"]))
    listed = _read_needs(needs, people, services, communities, years)
    listed += _centre_needs(min_centres, len(years))
    classes, class_of = merge_slices(
        slices, keep_communities=any(need.community >= 0 for need in listed)
    )
    building = building.astype(np.int64)
    return Programme(
        options=options,
        buildings=buildings,
        gains=gains,
        homes=homes,
        services=services,
        building=building,
        service=np.searchsorted(services, options["service"].tolist()).astype(np.int64),
        cost_yuan=_column(options, "cost_yuan", 0.0),
        area_m2=_column(options, "floor_area_m2", 0.0),
        places=_column(options, "capacity", np.inf),
        first=_first_period(options, buildings, building, years),
        opening_yuan=_column(buildings, "opening_cost_yuan", 0.0),
        room_m2=_column(buildings, "floor_area_m2", 0.0),
        rooms=rooms_of(options, buildings, building),
        centre=centre_of(options, buildings, centre_rule),
        weight=_read_weights(weights, services),
        budget_yuan=budget,
        years=years,
        carries_over=carries_over,
        needs=listed,
        required=_read_required(required, options),
        slices=slices,
        classes=classes,
        class_of=class_of,
    )


def _check_columns(**tables: pd.DataFrame | None) -> None:
    wanted = {"gains": GAINS, "options": OPTIONS, "buildings": BUILDINGS, "needs": NEEDS}
    refuse_no_tables(**{name: table for name, table in tables.items() if table is not None})
    problems = [
        Problem(name, f"no column {column!r}", f"Add it; {name} needs {', '.join(wanted[name])}")
        for name, table in tables.items()
        if table is not None
        for column in wanted[name]
        if column not in table.columns
    ]
    if problems:
        raise DataError(problems)


def _gain_problems(gains: pd.DataFrame) -> list[Problem]:
    problems = _amount_problems(gains, "people", "gains", "Give people, 0 or more")
    keys = ["service", "home_id", "building_id"]
    problems += _key_problems(gains, keys, "gains")
    if "community_id" in gains:
        counts = gains.groupby(["home_id"])["community_id"].nunique(dropna=False)
        problems += [
            Problem(f"gains of home {home}", "it is in several communities", "Name one")
            for home in counts.index[counts > 1]
        ]
    return problems


def _option_problems(options: pd.DataFrame, buildings: pd.DataFrame) -> list[Problem]:
    label = "options, {building_id} as {service}"
    todo = "Give its cost in yuan, 0 or more, or leave the option out"
    problems = _amount_problems(options, "cost_yuan", label, todo)
    for name in ("floor_area_m2", "capacity", "highest_storey"):
        if name in options:
            problems += _amount_problems(
                options, name, label, "Give 0 or more, or leave it empty", may_be_empty=True
            )
    problems += _key_problems(options, ["building_id", "service"], "options")
    known = set(buildings["building_id"])
    unknown = dict.fromkeys(name for name in options["building_id"] if name not in known)
    problems += [
        Problem(f"options, building {name}", "buildings has no such row", "Add it to buildings")
        for name in unknown
    ]
    return problems


def _building_problems(buildings: pd.DataFrame) -> list[Problem]:
    label = "buildings, {building_id}"
    problems = _amount_problems(buildings, "floor_area_m2", label, "Give its floor area in m2")
    if "opening_cost_yuan" in buildings:
        problems += _amount_problems(
            buildings, "opening_cost_yuan", label, "Give the cost in yuan, 0 for none"
        )
    for name in ("storeys", "gross_floor_area_m2"):
        if name in buildings:
            problems += _amount_problems(
                buildings, name, label, "Give 0 or more, or leave it empty", may_be_empty=True
            )
    return problems + _key_problems(buildings, ["building_id"], "buildings")


def _amount_problems(
    table: pd.DataFrame, column: str, label: str, todo: str, *, may_be_empty: bool = False
) -> list[Problem]:
    values = pd.to_numeric(table[column], errors="coerce").to_numpy(dtype=np.float64)
    is_empty = table[column].isna().to_numpy()
    bad = ~((values >= 0.0) & np.isfinite(values)) & ~(is_empty & may_be_empty)
    where = label if "{" in label else label + ", row {row}"
    found = []
    for row in np.flatnonzero(bad):
        facts = {str(key): value for key, value in table.iloc[row].items()}
        value = "missing" if is_empty[row] else table[column].iloc[row]
        place = where.format(**{**facts, "row": row + 1})
        found.append(Problem(place, f"{column} is {value}", todo))
    return found


def _key_problems(table: pd.DataFrame, keys: list[str], name: str) -> list[Problem]:
    empty = np.flatnonzero(table[keys].isna().any(axis=1).to_numpy())
    problems = [
        Problem(f"{name}, row {row + 1}", f"{' or '.join(keys)} is empty", "Name it")
        for row in empty
    ]
    repeated = table[table.duplicated(keys)]
    problems += [
        Problem(
            f"{name}, {' '.join(str(part) for part in row)}", "it is there twice", "Keep one row"
        )
        for row in repeated[keys].drop_duplicates().itertuples(index=False)
    ]
    return problems


def _need_problems(needs: pd.DataFrame | None, people: pd.DataFrame | None) -> list[Problem]:
    if needs is None:
        return []
    problems = []
    kinds = [kind for kind in NEED_KINDS if kind in needs]
    for row in range(len(needs)):
        given = [kind for kind in kinds if pd.notna(needs[kind].iloc[row])]
        where = f"needs, row {row + 1}"
        if len(given) != 1:
            found = f"{len(given)} of {', '.join(NEED_KINDS)} are given"
            problems.append(Problem(where, found, "Give exactly one"))
            continue
        value = float(needs[given[0]].iloc[row])
        most = 1.0 if given[0] == "min_share" else np.inf
        if not 0.0 <= value <= most or not np.isfinite(value):
            found = f"{given[0]} is {value:g}"
            problems.append(Problem(where, found, "Give 0 or more; a share is at most 1"))
        if given[0] == "min_share" and people is None:
            todo = "Give people: service, people and covered, by community_id where a need names it"
            problems.append(Problem(where, "min_share, but nobody is counted", todo))
    return problems


def _read_budget(budget_yuan: Budget) -> tuple[list[Any], Floats]:
    if not isinstance(budget_yuan, Mapping):
        whole = number_by_name({"budget_yuan": budget_yuan}, "the budget")
        return [None], np.array(list(whole.values()))
    by_year = number_by_name(budget_yuan, "budget_yuan by year")
    if not by_year:
        raise OptionError("budget_yuan names no year; give yuan, or yuan by year")
    odd = [year for year in by_year if not isinstance(year, int | float | np.number)]
    if odd:
        raise OptionError(f"budget_yuan names the year {odd[0]!r}; give years as numbers")
    years = sorted(by_year)
    return years, np.array([by_year[year] for year in years])


def _read_weights(weights: Mapping[str, float] | None, services: Sequence[str]) -> Floats:
    given = number_by_name(weights or {}, "weights")
    wrong = []
    unknown = sorted(set(given) - set(services))
    if unknown:
        wrong.append(f"no option offers {', '.join(unknown)}")
    weight = np.array([given.get(name, 1.0) for name in services])
    if not wrong and len(services) and not weight.any():
        wrong.append("all are 0, so every programme is as good as any other")
    if wrong:
        raise OptionError(f"the weights cannot be used: {'; '.join(wrong)}")
    return weight


def _read_gains(
    gains: pd.DataFrame, options: pd.DataFrame, services: list[str]
) -> tuple[pd.DataFrame, pd.Index, list[Any]]:
    """Gains that an option stands for, with positions; ids of homes and of communities."""
    key = pd.MultiIndex.from_frame(options[["building_id", "service"]])
    at = key.get_indexer(pd.MultiIndex.from_frame(gains[["building_id", "service"]]))
    rows = gains.assign(option_at=at)
    rows = rows[(at >= 0) & (rows["people"] > 0)]
    homes = pd.Index(sorted(gains["home_id"].unique(), key=str))
    if "community_id" in gains:
        communities = sorted(gains["community_id"].dropna().unique(), key=str)
        community_at = pd.Index(communities).get_indexer(pd.Index(rows["community_id"]))
    else:
        communities, community_at = [], np.full(len(rows), -1)
    rows = rows.assign(
        service_at=pd.Index(services).get_indexer(pd.Index(rows["service"])),
        home_at=homes.get_indexer(pd.Index(rows["home_id"])),
        community_at=community_at,
    )
    return rows, homes, communities


def _first_period(
    options: pd.DataFrame, buildings: pd.DataFrame, building: Ints, years: list[Any]
) -> Ints:
    """First period in which an option and its building can be had; none: after the last."""
    first = np.zeros(len(options), dtype=np.int64)
    if years == [None]:
        return first
    starts = []
    if "year" in options:
        starts.append(options["year"])
    if "available_year" in buildings:
        starts.append(buildings["available_year"].iloc[building])
    for column in starts:
        year = pd.to_numeric(column).to_numpy(dtype=np.float64)
        first = np.maximum(first, np.searchsorted(years, np.where(np.isnan(year), -np.inf, year)))
    return first


def _read_needs(
    needs: pd.DataFrame | None,
    people: pd.DataFrame | None,
    services: list[str],
    communities: list[Any],
    years: list[Any],
) -> tuple[Need, ...]:
    if needs is None:
        return ()
    problems: list[Problem] = []
    found = []
    for row, line in enumerate(needs.to_dict("records")):
        where = f"needs, row {row + 1}"
        place = line.get("community_id")
        everywhere = place is None or pd.isna(place)
        if not everywhere and place not in communities:
            todo = "Name a community_id of gains, or leave it empty for all"
            problems.append(Problem(where, f"no gains in community {place}", todo))
            continue
        year = line.get("by_year")
        period = len(years) - 1
        if year is not None and pd.notna(year):
            if year not in years:
                problems.append(
                    Problem(where, f"no budget for {year}", "Name a year of the budget")
                )
                continue
            period = years.index(year)
        share = line.get("min_share")
        least = _or_zero(line.get("min_people"))
        if share is not None and pd.notna(share) and people is not None:
            total, covered = _counted(people, line["service"], None if everywhere else place)
            least = max(float(share) * total - covered, 0.0)
        found.append(
            Need(
                service=services.index(line["service"]),
                community=-1 if everywhere else communities.index(place),
                people=least,
                sites=_or_zero(line.get("min_sites")),
                period=period,
                label=_label(line, None if everywhere else place),
            )
        )
    if problems:
        raise DataError(problems)
    return tuple(found)


def _centre_needs(min_centres: int, periods: int) -> tuple[Need, ...]:
    if not (min_centres >= 0 and float(min_centres).is_integer()):
        raise OptionError(f"min_centres is {min_centres}; give a whole number, 0 or more")
    if not min_centres:
        return ()
    label = f"neighbourhood centres: at least {min_centres:g}"
    return (Need(-1, -1, 0.0, 0.0, periods - 1, label, centres=float(min_centres)),)


def _counted(people: pd.DataFrame, service: str, place: Any) -> tuple[float, float]:
    """People and those covered today, of one service and community."""
    rows = people[people["service"] == service]
    if place is not None:
        rows = rows[rows["community_id"] == place]
    if rows.empty:
        where = service if place is None else f"{service} in {place}"
        raise DataError([Problem("people", f"no row for {where}", "Count its people and covered")])
    return float(rows["people"].sum()), float(rows["covered"].sum())


def _label(line: Mapping[Hashable, Any], place: Any) -> str:
    where = "" if place is None else f" in {place}"
    when = line.get("by_year")
    until = "" if when is None or pd.isna(when) else f" by {when:g}"
    for kind, text in (
        ("min_share", "{:.0%} of the people"),
        ("min_people", "{:,.0f} people"),
        ("min_sites", "{:g} sites"),
    ):
        value = line.get(kind)
        if value is not None and pd.notna(value):
            return f"{line['service']}{where}: at least {text.format(value)}{until}"
    return str(line["service"])


def _or_zero(value: Any) -> float:
    return 0.0 if value is None or pd.isna(value) else float(value)


def _read_required(required: Iterable[tuple[Hashable, str]], options: pd.DataFrame) -> Ints:
    wanted = list(dict.fromkeys(required or ()))
    if not wanted:
        return np.empty(0, dtype=np.int64)
    odd = [pair for pair in wanted if isinstance(pair, str) or len(pair) != 2]
    if odd:
        raise OptionError(f"required holds {odd[0]!r}; give pairs (building_id, service)")
    key = pd.MultiIndex.from_frame(options[["building_id", "service"]])
    at = key.get_indexer(pd.MultiIndex.from_tuples(wanted))
    missing = [pair for pair, position in zip(wanted, at, strict=True) if position < 0]
    if missing:
        raise DataError(
            [
                Problem(f"required {building} as {service}", "options has no such row", "Add it")
                for building, service in missing
            ]
        )
    return np.sort(at).astype(np.int64)


def _column(table: pd.DataFrame, name: str, empty: float) -> Floats:
    if name not in table:
        return np.full(len(table), empty)
    return pd.to_numeric(table[name]).fillna(empty).to_numpy(dtype=np.float64)
