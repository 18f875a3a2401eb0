"""Check-up before renovation: what each community has, against what the standards ask for.

Every clause of a standard is held against every community: how long its people walk, how far that
is along the streets, how large the facility is, how much there is for so many people. What the data
cannot tell is unknown, never met and never missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd

from communityplan.checkup.arrival import METRES, Arrivals, Town, arrivals, level_network
from communityplan.checkup.figures import STATUSES
from communityplan.checkup.judge import Bench, judge
from communityplan.checkup.scope import renovation_scope
from communityplan.checkup.summary import status_counts, what_is_missing
from communityplan.checkup.words import asks, say
from communityplan.errors import OptionError, Problem, TableError
from communityplan.network import WalkNetwork
from communityplan.reach import Direction, walks
from communityplan.standards import SERVICES, walker_for
from communityplan.standards import service as find_service
from communityplan.standards import walker as find_walker
from communityplan.standards.clauses import FIGURES, Clause, Standard, read_standard
from communityplan.tables import COMMUNITIES, FACILITIES, HOMES, find_problems, record
from communityplan.walker import Walker

__all__ = [
    "checkup",
    "checkup_figures",
    "renovation_scope",
    "status_counts",
    "what_is_missing",
]

Chosen: TypeAlias = "str | Path | Standard | Sequence[str | Path | Standard]"


def checkup(
    network: WalkNetwork,
    communities: gpd.GeoDataFrame,
    homes: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    *,
    standard: Chosen,
    surveyed: Sequence[str] | None = None,
    share: float = 1.0,
    walker: Walker | str | None = None,
    direction: Direction = "there",
    by_population: bool = False,
    built_by: float | None = 2000,
) -> pd.DataFrame:
    """Every community against every clause: met, short, missing, unknown or not applicable.

    Parameters
    ----------
    network : WalkNetwork
    communities, homes, facilities : GeoDataFrame
        As in `tables`. Optional columns of facilities that are used: ``capacity``,
        ``floor_area_m2``, ``land_area_m2``, ``functions`` (separated by ``;``) and ``tier``; a
        facility that names its tier counts for clauses of that tier only.
    standard : str, Path, Standard or a sequence of these
        A name of `STANDARDS`, a file of your own, or `Standard.only` for some clauses.
    surveyed : sequence of str, optional
        Services that were looked for, so that none in `facilities` means that there is none.
        Those of the catalogue (`SERVICES`) unless given; those in `facilities` always are.
    share : float, optional
        Share of the people of a community who have to be served for a walk to be met; everybody
        unless given.
    walker : Walker or str, optional
        Who walks; the walker of the service's group unless given.
    direction : {"there", "back", "worse"}
    by_population : bool, optional
        Whether a clause for more people than live in the community does not apply. An old
        community is mostly part of a larger life circle, so it does unless this is set.
    built_by : float or None, optional
        Last year of construction for a community to be in scope, see `renovation_scope`.

    Returns
    -------
    DataFrame
        One row for each community and clause, in the order of the tables. The clause:
        ``community_id``, ``community``, ``in_scope``, ``clause_id``, ``name_zh``, ``name_en``,
        ``standard``, ``clause``, ``tier``, ``compulsory``, ``service``, ``asks_zh``, ``asks_en``,
        ``source``, ``source_zh``. The verdict: ``status`` (met, short, missing, unknown or
        not_applicable), ``reason``, ``reason_zh``, ``reason_en``. The figure that decided:
        ``figure``, ``required``, ``measured``, ``unit``, ``shortfall`` [unit], ``facility_id``
        (the one that was counted, empty where there is none) and ``verified`` (whether the figure
        was seen in its source). The people: ``near_share`` (share with a facility within the
        limits) and ``served_share`` (with one that is known to be large enough; missing where no
        floor area is known).

    Raises
    ------
    TableError
        Lists everything that is wrong with the three tables.
    OptionError
        For an option without meaning or a standard that is not known.
    DataError
        For a standard file with mistakes.

    Notes
    -----
    A facility that is large enough is counted where anybody of the community has one within the
    limits; elsewhere the nearest one is, and its size is short. Tiers are not nested: each clause
    of each tier is held against the facilities of its own service.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> import communityplan as cp
    >>> from communityplan.checkup import checkup
    >>> from communityplan.standards.clauses import STANDARDS
    >>> street = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (900, 0)])], crs=32650)
    >>> network = cp.WalkNetwork.from_streets(street)
    >>> town = gpd.GeoDataFrame({"community_id": ["c"], "name": ["C"], "built_year": [1988]},
    ...     geometry=[shapely.box(0, -50, 900, 50)], crs=32650)
    >>> homes = gpd.GeoDataFrame({"home_id": ["h"], "community_id": ["c"], "residents": [90],
    ...     "elderly": [30]}, geometry=[shapely.Point(400, 0)], crs=32650)
    >>> centre = gpd.GeoDataFrame({"facility_id": ["f"], "service": ["elder_care"],
    ...     "floor_area_m2": [400]}, geometry=[shapely.Point(0, 0)], crs=32650)
    >>> day_care = STANDARDS["gb50437"].only("gb50437.elder.day_care")
    >>> found = checkup(network, town, homes, centre, standard=day_care)
    >>> found[["status", "figure", "required", "measured", "shortfall", "verified"]]
      status      figure  required  measured  shortfall  verified
    0  short  distance_m     300.0     400.0      100.0      True
    """
    figures = checkup_figures(
        network,
        communities,
        homes,
        facilities,
        standard=standard,
        surveyed=surveyed,
        share=share,
        walker=walker,
        direction=direction,
        by_population=by_population,
    )
    clauses = _clauses(standard)
    worst = _deciding(figures)
    scope = renovation_scope(communities, built_by=built_by).set_index("community_id")
    table = worst.assign(in_scope=worst["community_id"].map(scope["in_scope"]))
    for name in ("name_zh", "name_en", "standard", "clause", "tier", "compulsory", "service"):
        attribute = name.removeprefix("name_")
        table[name] = _by_clause(table["clause_id"], clauses, attribute)
    for name in ("source", "source_zh"):
        table[name] = _by_clause(table["clause_id"], clauses, name)
    for lang in ("zh", "en"):
        said = {key: asks(clause, lang) for key, clause in clauses.items()}
        table[f"asks_{lang}"] = table["clause_id"].map(said)
        table[f"reason_{lang}"] = table["reason"].map(lambda key, to=lang: say("reason", key, to))
    table = table[list(COLUMNS)].reset_index(drop=True)
    noted: pd.DataFrame = record(table, **figures.attrs["communityplan"], built_by=built_by)
    return noted


COLUMNS = (
    "community_id",
    "community",
    "in_scope",
    "clause_id",
    "name_zh",
    "name_en",
    "standard",
    "clause",
    "tier",
    "compulsory",
    "service",
    "asks_zh",
    "asks_en",
    "status",
    "figure",
    "required",
    "measured",
    "unit",
    "shortfall",
    "facility_id",
    "near_share",
    "served_share",
    "reason",
    "reason_zh",
    "reason_en",
    "verified",
    "source",
    "source_zh",
)


def checkup_figures(
    network: WalkNetwork,
    communities: gpd.GeoDataFrame,
    homes: gpd.GeoDataFrame,
    facilities: gpd.GeoDataFrame,
    *,
    standard: Chosen,
    surveyed: Sequence[str] | None = None,
    share: float = 1.0,
    walker: Walker | str | None = None,
    direction: Direction = "there",
    by_population: bool = False,
) -> pd.DataFrame:
    """Every figure of every clause for every community: required, measured, what is lacking.

    Parameters
    ----------
    network, communities, homes, facilities
        As in `checkup`.
    standard, surveyed, share, walker, direction, by_population
        As in `checkup`.

    Returns
    -------
    DataFrame
        One row for each community, clause and figure: ``community_id``, ``community`` (its name),
        ``clause_id``, ``figure`` (a name of `FIGURES`; ``"facility"`` where there is none at all;
        empty where nothing was judged), ``status``, ``required``, ``measured``, ``unit``,
        ``shortfall``, ``facility_id``, ``near_share``, ``served_share``, ``reason``,
        ``verified``, ``decides`` (whether the figure counts for the status of the clause).

    Raises
    ------
    TableError, OptionError, DataError
        As in `checkup`.
    """
    if not 0 < share <= 1:
        raise OptionError(f"share is {share}; give a share of the people above 0 and up to 1")
    _check_tables(communities, homes, facilities)
    clauses = _clauses(standard)
    listed = communities["community_id"].map(str)
    position = pd.Index(listed).get_indexer(pd.Index(homes["community_id"].map(str)))
    people = _with_households(
        homes[position >= 0].assign(_community=position[position >= 0]), communities
    )
    bench = _bench(
        Town(network, level_network(network), people, len(communities)),
        facilities,
        surveyed=frozenset(SERVICES if surveyed is None else surveyed),
        share=share,
        walker=None if walker is None else find_walker(walker),
        direction=direction,
        by_population=by_population,
    )
    judged = [judge(clause, bench) for clause in clauses.values()]
    table = pd.concat([part for part in judged if len(part)], ignore_index=True) if judged else None
    if table is None or table.empty:
        raise OptionError("nothing to check: give at least one community and one clause")
    where = table.pop("community").to_numpy(dtype=np.int64)
    table.insert(0, "community_id", listed.to_numpy()[where])
    table.insert(1, "community", communities["name"].to_numpy()[where])
    order = np.lexsort((np.arange(len(table)), where))
    noted: pd.DataFrame = record(
        table.iloc[order].reset_index(drop=True),
        standard=[clause.standard for clause in clauses.values()],
        share=share,
        walker=None if walker is None else find_walker(walker).facts(),
        direction=direction,
        by_population=by_population,
        surveyed=sorted(bench.surveyed),
        homes_of_other_communities=int((position < 0).sum()),
        network=dict(network.options),
    )
    return noted


def _bench(
    town: Town,
    facilities: gpd.GeoDataFrame,
    *,
    surveyed: frozenset[str],
    share: float,
    walker: Walker | None,
    direction: Direction,
    by_population: bool,
) -> Bench:
    known: dict[tuple[str, tuple[str, ...], bool], Arrivals] = {}

    def group(service: str) -> str:
        wanted = find_service(service).group
        return wanted if wanted in town.homes.columns else "residents"

    def person(service: str) -> Walker:
        return walker or walker_for(service, find_service(service).group)

    def arrive(service: str, some: gpd.GeoDataFrame, metres: bool) -> Arrivals:
        key = (service, tuple(some["facility_id"].map(str)))
        if (*key, True) in known:
            return known[(*key, True)]
        if (*key, metres) not in known:
            known[(*key, metres)] = arrivals(
                town,
                some,
                walker=person(service),
                group=group(service),
                direction=direction,
                metres=metres,
            )
        return known[(*key, metres)]

    def near(service: str, some: gpd.GeoDataFrame, limit: float, metres: bool) -> pd.DataFrame:
        ground = town.homes.drop(columns="storey", errors="ignore")
        who, streets = (METRES, town.level) if metres else (person(service), town.network)
        return walks(streets, ground, some, walker=who, within_min=limit, direction=direction)

    return Bench(
        town=town,
        arrive=arrive,
        walks=near,
        facilities=facilities,
        surveyed=surveyed | set(facilities["service"].map(str)),
        group=group,
        share=share,
        by_population=by_population,
    )


def _check_tables(
    communities: gpd.GeoDataFrame, homes: gpd.GeoDataFrame, facilities: gpd.GeoDataFrame
) -> None:
    problems: list[Problem] = []
    for table, contract in ((communities, COMMUNITIES), (homes, HOMES), (facilities, FACILITIES)):
        problems += find_problems(table, contract)
    if problems:
        raise TableError(problems)


def _clauses(standard: Chosen) -> dict[str, Clause]:
    one = isinstance(standard, str | Path | Standard)
    chosen: Iterable[str | Path | Standard] = [standard] if one else standard  # type: ignore[list-item, assignment]  # narrowed by `one`
    found: dict[str, Clause] = {}
    for entry in chosen:
        read = entry if isinstance(entry, Standard) else read_standard(entry)
        found |= {clause.id: clause for clause in read.clauses}
    return found


def _with_households(homes: gpd.GeoDataFrame, communities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Households of each home; those of its community, spread by residents, where it has none."""
    if "households" in homes.columns or "households" not in communities.columns:
        return homes
    counts = pd.to_numeric(communities["households"]).to_numpy(dtype=np.float64, na_value=np.nan)
    where = homes["_community"].to_numpy()
    residents = pd.to_numeric(homes["residents"]).to_numpy(dtype=np.float64)
    total = np.bincount(where, weights=residents, minlength=len(communities))[where]
    share = np.divide(residents, total, out=np.zeros_like(residents), where=total > 0)
    return homes.assign(households=np.nan_to_num(counts[where]) * share)


def _deciding(figures: pd.DataFrame) -> pd.DataFrame:
    """The worst figure of each community and clause: by status, then by how much is lacking."""
    rank = figures["status"].map({status: place for place, status in enumerate(STATUSES)})
    lacking = (figures["shortfall"] / figures["required"]).fillna(np.inf)
    order = {name: place for place, name in enumerate(FIGURES)}
    ranked = figures.assign(
        _rank=rank.where(figures["decides"], -1),
        _lacking=lacking,
        _figure=figures["figure"].map(order).fillna(-1),
        _row=np.arange(len(figures)),
    ).sort_values(["_rank", "_lacking", "_figure"], ascending=[False, False, True], kind="stable")
    worst = ranked.drop_duplicates(["community_id", "clause_id"]).sort_values("_row")
    first = figures.drop_duplicates(["community_id", "clause_id"])
    key = ["community_id", "clause_id"]
    return first[key].merge(worst, on=key, how="left").drop(columns=["decides"])


def _by_clause(ids: pd.Series[str], clauses: dict[str, Clause], name: str) -> pd.Series[str]:
    return ids.map({key: getattr(clause, name) for key, clause in clauses.items()})
