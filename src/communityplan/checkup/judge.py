"""One clause against every community: each figure that it asks for, measured and judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.access import places_per_1000
from communityplan.checkup.arrival import METRES, Arrivals, Town
from communityplan.checkup.figures import at_least, at_most, figure_rows
from communityplan.standards import service as find_service
from communityplan.standards.clauses import Clause

__all__ = ["Bench", "judge"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

PER_PEOPLE = {
    "per_1000_people": ("residents", "capacity", 1.0, "no_capacity"),
    "per_100_households_m2": ("households", "floor_area_m2", 0.1, "no_floor_area"),
    "beds_per_1000_elderly": ("elderly", "capacity", 1.0, "no_capacity"),
}
"""Figure -> whom it counts, what they share, factor from 1,000, reason when that is not known."""

LACKING = {"households": "no_households", "elderly": "no_elderly", "residents": "no_homes"}


@dataclass(frozen=True)
class Bench:
    """What a clause is judged with.

    Attributes
    ----------
    town : Town
    arrive : callable
        From a service, some of its facilities and whether metres are asked for to `Arrivals`.
    walks : callable
        From a service, its facilities and a limit [min] to walks from homes, for its walker or,
        with True as the last argument, for `METRES`.
    facilities : GeoDataFrame
    surveyed : frozenset of str
        Services whose absence from `facilities` means that there is none.
    group : callable
        From a service to the column of people who need it.
    share : float
        Share of the people who have to be served.
    by_population : bool
        Whether clauses of tiers for more people than live in the community do not apply.
    """

    town: Town
    arrive: Callable[[str, gpd.GeoDataFrame, bool], Arrivals]
    walks: Callable[[str, gpd.GeoDataFrame, float, bool], pd.DataFrame]
    facilities: gpd.GeoDataFrame
    surveyed: frozenset[str]
    group: Callable[[str], str]
    share: float
    by_population: bool


def judge(clause: Clause, bench: Bench) -> pd.DataFrame:
    """Every figure of one clause for every community.

    Parameters
    ----------
    clause : Clause
    bench : Bench

    Returns
    -------
    DataFrame
        Columns `COLUMNS`; at least one row for each community.
    """
    if not clause.applies:
        return _same(clause, bench, "not_applicable", "set_aside")
    if not clause.service:
        return _same(clause, bench, "unknown", "not_a_place")
    offered = _offered(clause, bench.facilities)
    if offered.empty and clause.service not in bench.surveyed:
        return _same(clause, bench, "unknown", "not_surveyed")
    if offered.empty:
        rows = _same(clause, bench, "missing", "no_facility")
        rows = rows.assign(figure="facility", required=1.0, measured=0.0, shortfall=1.0)
        return _where_nobody(
            rows.assign(unit="facility", near_share=0.0, served_share=0.0), clause, bench
        )
    return _where_nobody(_with_facilities(clause, bench, offered), clause, bench)


def _offered(clause: Clause, facilities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Facilities of the clause's service; one that names its tier counts for that tier only."""
    offered = facilities[facilities["service"].map(str) == clause.service]
    if "tier" not in offered.columns or not clause.tier:
        return offered
    tier = offered["tier"].fillna("").map(str)
    return offered[(tier == "") | (tier == clause.tier)]


def _with_facilities(clause: Clause, bench: Bench, offered: gpd.GeoDataFrame) -> pd.DataFrame:
    figures = [
        _per_people(name, clause, bench, offered) for name in PER_PEOPLE if name in clause.figures()
    ]
    only_ratio = figures and clause.walk_min is None and clause.distance_m is None
    if not (only_ratio and clause.floor_area_min_m2 is None):
        figures += _of_one_facility(clause, bench, offered)
    return pd.concat(figures, ignore_index=True)


def _of_one_facility(clause: Clause, bench: Bench, offered: gpd.GeoDataFrame) -> list[pd.DataFrame]:
    """How far the facility is that is counted, and how large it is.

    Where anybody of a community has a large enough facility within the limits, large enough ones
    are counted; elsewhere the nearest one is, and what it lacks is told.
    """
    walk_limit, metre_limit, assumed = _limits(clause)
    metres = bool(np.isfinite(metre_limit))
    nearest = bench.arrive(clause.service, offered, metres)
    near = nearest.within(walk_limit, metre_limit)
    large = _large_enough(clause, offered)
    counted, inside, use_large = nearest, near, np.zeros(bench.town.n, dtype=bool)
    if large is not None and len(large):
        counted = bench.arrive(clause.service, large, metres)
        inside = counted.within(walk_limit, metre_limit)
        use_large = counted.totals(inside) > 0
    used = _chosen(use_large, counted, nearest, inside)
    base = {
        "facility_id": np.where(used.position < 0, "", used.ids),
        "near_share": nearest.share(near),
        "served_share": _served(clause, offered, nearest.share(near), counted.share(inside), large),
    }
    nobody_there = nearest.totals(np.isfinite(nearest.walk_min)) <= 0
    rows = []
    for name, limit in (("walk_min", walk_limit), ("distance_m", metre_limit)):
        if np.isfinite(limit):
            of_large, of_nearest = (
                found.needed(getattr(found, name), bench.share) for found in (counted, nearest)
            )
            values = np.where(use_large, of_large, of_nearest)
            judged = at_most(
                name, clause, values, limit=limit, assumed=assumed, nobody_there=nobody_there
            )
            rows.append(judged.assign(**base))
    rows += [row.assign(**base) for row in _sizes(clause, used)]
    return rows


def _served(
    clause: Clause,
    offered: gpd.GeoDataFrame,
    near: Floats,
    of_large: Floats,
    large: gpd.GeoDataFrame | None,
) -> Floats:
    """Share of people with a facility within the limits that is known to be large enough."""
    if clause.floor_area_min_m2 is None:
        return near
    if large is None or pd.to_numeric(offered["floor_area_m2"]).isna().all():
        return np.full_like(near, np.nan)
    return of_large if len(large) else np.zeros_like(near)


@dataclass(frozen=True)
class _Used:
    """The facility counted in each community: its position, -1 where there is none, and key."""

    table: gpd.GeoDataFrame
    position: NDArray[np.int64]
    ids: NDArray[np.object_]

    def amounts(self, column: str) -> Floats:
        """A number of the facility counted, missing where it is not known."""
        if column not in self.table.columns or self.table.empty:
            return np.full(len(self.position), np.nan)
        numbers = pd.to_numeric(self.table[column], errors="coerce")
        values = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.where(self.position < 0, np.nan, values[self.position])

    def words(self, column: str) -> list[set[str] | None]:
        """A list in words of the facility counted, None where it is not known."""
        if column not in self.table.columns:
            return [None] * len(self.position)
        cells = self.table[column].map(lambda cell: None if pd.isna(cell) else str(cell))
        listed = cells.to_list()
        return [
            None if at < 0 or not listed[at] else {part.strip() for part in listed[at].split(";")}
            for at in self.position
        ]


def _chosen(use_large: Flags, counted: Arrivals, nearest: Arrivals, inside: Flags) -> _Used:
    ids = nearest.facilities["facility_id"].map(str).to_numpy(dtype=object)
    # the larger facilities are some of all facilities: tell both by their place among all
    place = pd.Index(ids).get_indexer(pd.Index(counted.facilities["facility_id"].map(str)))
    of_large = counted.most_used(inside)
    in_all = np.where(of_large < 0, -1, place[of_large])
    position = np.where(use_large, in_all, nearest.most_used()).astype(np.int64)
    return _Used(nearest.facilities, position, ids[position])


def _limits(clause: Clause) -> tuple[float, float, bool]:
    """Minutes and metres within which a facility counts, and whether they were assumed."""
    if clause.walk_min is None and clause.distance_m is None:
        return find_service(clause.service).within_min, np.inf, True
    return (
        np.inf if clause.walk_min is None else clause.walk_min,
        np.inf if clause.distance_m is None else clause.distance_m,
        False,
    )


def _large_enough(clause: Clause, offered: gpd.GeoDataFrame) -> gpd.GeoDataFrame | None:
    if clause.floor_area_min_m2 is None or "floor_area_m2" not in offered.columns:
        return None
    return offered[pd.to_numeric(offered["floor_area_m2"]) >= clause.floor_area_min_m2]


def _sizes(clause: Clause, used: _Used) -> Iterable[pd.DataFrame]:
    asked = clause.figures()
    if "floor_area_min_m2" in asked:
        area = used.amounts("floor_area_m2")
        yield at_least("floor_area_min_m2", clause, area, "no_floor_area")
    if "land_area_min_m2" in asked:
        # facility tables seldom know the land: it decides where nothing else says how large
        land = used.amounts("land_area_m2")
        decides = "floor_area_min_m2" not in asked or bool(np.isfinite(land).any())
        yield at_least("land_area_min_m2", clause, land, "no_land_area", decides=decides)
    functions = used.words("functions")
    core = set(clause.core_functions)
    for name, counts in (
        ("functions_min", [np.nan if f is None else float(len(f)) for f in functions]),
        ("core_functions_min", [np.nan if f is None else float(len(f & core)) for f in functions]),
    ):
        if name in asked:
            yield at_least(name, clause, np.asarray(counts), "no_functions")


def _per_people(name: str, clause: Clause, bench: Bench, offered: gpd.GeoDataFrame) -> pd.DataFrame:
    """Places or floor area for so many people: what is in reach, shared with whoever reaches it."""
    whom, what, factor, unknown = PER_PEOPLE[name]
    if whom not in bench.town.homes.columns:
        return at_least(name, clause, np.full(bench.town.n, np.nan), LACKING[whom])
    if what not in offered.columns:
        return at_least(name, clause, np.full(bench.town.n, np.nan), unknown)
    walk_limit, metre_limit, _ = _limits(clause)
    by_metres = np.isfinite(metre_limit)
    limit = metre_limit / METRES.speed_m_s / 60.0 if by_metres else walk_limit
    walks = bench.walks(clause.service, offered, limit, bool(by_metres))
    ids = offered["facility_id"].map(str)
    amount = pd.to_numeric(offered[what]).set_axis(ids)
    home = bench.town.homes["home_id"].map(str)
    demand = pd.to_numeric(bench.town.homes[whom]).fillna(0.0).set_axis(home)
    area = pd.Series(bench.town.community, index=home.to_numpy())
    shared = places_per_1000(walks, demand, amount.fillna(0.0), within_min=limit, by=area)
    found = (
        shared["places_per_1000"].reindex(range(bench.town.n)).to_numpy(dtype=np.float64) * factor
    )
    # a facility whose size is not known may still make up what is lacking
    unsure = area.reindex(walks["from_id"][walks["to_id"].isin(ids[amount.isna().to_numpy()])])
    not_sure = np.isin(np.arange(bench.town.n), unsure.to_numpy()) & (
        found < clause.figures()[name]
    )
    return at_least(name, clause, np.where(not_sure, np.nan, found), unknown)


def _same(clause: Clause, bench: Bench, status: str, reason: str) -> pd.DataFrame:
    """The same verdict for every community."""
    nothing = np.full(bench.town.n, np.nan)
    return figure_rows(
        "walk_min",
        clause,
        status=np.full(bench.town.n, status),
        required=np.nan,
        measured=nothing,
        shortfall=nothing,
        reason=np.full(bench.town.n, reason),
        verified=clause.verified,
    ).assign(figure="", unit="")


def _where_nobody(rows: pd.DataFrame, clause: Clause, bench: Bench) -> pd.DataFrame:
    """Communities without homes, without people of the group, or too small for the tier."""
    group = bench.town.people(bench.group(clause.service))
    homes = np.bincount(bench.town.community, minlength=bench.town.n)
    too_small = np.zeros(bench.town.n, dtype=bool)
    if bench.by_population and clause.population_from is not None:
        too_small = bench.town.people("residents") < clause.population_from
    verdict = np.select(
        [homes == 0, too_small, group <= 0],
        ["unknown", "not_applicable", "not_applicable"],
        "",
    )
    why = np.select(
        [homes == 0, too_small, group <= 0], ["no_homes", "too_few_people", "nobody"], ""
    )
    here = rows["community"].to_numpy()
    other = verdict[here] != ""
    empty = dict.fromkeys(("measured", "shortfall", "near_share", "served_share"), np.nan)
    changed = rows.assign(**empty, facility_id="", status=verdict[here], reason=why[here])
    both: pd.DataFrame = pd.concat([rows.loc[~other], changed.loc[other]]).sort_index()
    return both
