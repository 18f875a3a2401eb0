"""People counted by community, or by any areas -> people at homes."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.demand.buildings import dwellings
from communityplan.demand.spread import Shares, area_shares, nearest_homes, spread
from communityplan.errors import OptionError, TableError
from communityplan.tables import AREA, HOMES, Column, Table, check, find_problems, record, same_crs

__all__ = ["homes_from_counts"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GROUPS = ("residents", "elderly", "children", "households")
MOST_NAMED = 10


def homes_from_counts(
    buildings: gpd.GeoDataFrame,
    counts: pd.DataFrame,
    *,
    by: Literal["community_id", "area"] = "community_id",
    groups: Mapping[str, str] | None = None,
    communities: gpd.GeoDataFrame | None = None,
    move_within_m: float = 0.0,
) -> gpd.GeoDataFrame:
    """Homes with the people counted in their community or area, spread by floor area.

    Parameters
    ----------
    buildings : GeoDataFrame
        Buildings as from `read_osm` (``residential``, ``floor_area_m2``), or homes with
        ``floor_area_m2`` or with outlines and ``storeys``; what they said of residents is replaced.
    counts : DataFrame or GeoDataFrame
        One row per community (``community_id``) or area (geometry), with people.
    by : {"community_id", "area"}
        Homes get the people of the community they belong to; or of the areas they lie in, by the
        share of their outline in each.
    groups : mapping of str to str, optional
        Columns of homes to the columns of `counts` that count them; ``residents`` is needed. Those
        of residents, elderly, children and households that `counts` has unless given.
    communities : GeoDataFrame, optional
        As `tables.COMMUNITIES`, to say where buildings belong; `counts` itself unless given,
        where it has a geometry.
    move_within_m : float
        With ``by="area"``: people of an area without homes join those of the area of the nearest
        home within this distance of its middle [m].

    Returns
    -------
    GeoDataFrame
        As `tables.HOMES`. What became of everybody is in `placement`.

    Raises
    ------
    TableError, OptionError

    Warns
    -----
    UserWarning
        Where people are counted and there is no home for them: they are unplaced.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd, shapely
    >>> from communityplan.demand import homes_from_counts
    >>> homes = gpd.GeoDataFrame(
    ...     {"home_id": ["1", "2"], "community_id": "c", "floor_area_m2": [3000.0, 1000.0]},
    ...     geometry=[shapely.Point(0, 0), shapely.Point(9, 9)], crs=32650)
    >>> counts = pd.DataFrame({"community_id": ["c"], "residents": [100], "elderly": [22]})
    >>> homes_from_counts(homes, counts)[["residents", "elderly"]].values.tolist()
    [[75.0, 16.5], [25.0, 5.5]]
    """
    if by not in ("community_id", "area"):
        raise OptionError(f"by is {by!r}: give community_id or area")
    if not move_within_m >= 0 or (move_within_m > 0 and by != "area"):
        raise OptionError(
            f"move_within_m is {move_within_m}: give metres, 0 or more, and only with by='area'"
        )
    names = _groups(counts, groups)
    _check_counts(counts, names, by)
    if communities is None and by == "community_id" and isinstance(counts, gpd.GeoDataFrame):
        communities = counts
    homes = dwellings(buildings, communities=communities)
    shares = _by_area(homes, counts) if by == "area" else _by_community(homes, counts)
    floor_m2 = np.bincount(shares.zone, shares.floor_m2, minlength=len(counts))
    moves = np.full(len(counts), -1, dtype=np.int64)
    if move_within_m > 0:
        bare = np.flatnonzero(floor_m2 == 0)
        middles = shapely.point_on_surface(counts.geometry.to_numpy()[bare])
        main = shares.main_zone(len(homes))
        moves[bare], _ = nearest_homes(middles, homes, main, within_m=move_within_m)
    ledgers: dict[str, dict[str, Any]] = {}
    for group, column in names.items():
        people = pd.to_numeric(counts[column]).to_numpy(dtype=np.float64)
        placed = spread(people, shares, n_homes=len(homes), moves=moves)
        homes[group] = placed.residents
        ledgers[group] = placed.ledger(people)
    nowhere = (floor_m2 == 0) & (moves < 0) & (pd.to_numeric(counts[names["residents"]]) > 0)
    _tell(counts[nowhere.to_numpy()], ledgers["residents"]["unplaced"], by)
    empty = (homes["residents"] == 0).to_numpy() & (homes["floor_area_m2"] > 0).to_numpy()
    return record(
        check(homes, HOMES),
        people="counts spread by floor area",
        by=by,
        placement=ledgers,
        move_within_m=float(move_within_m),
        homes_without_people=int(empty.sum()),
    )


def _groups(counts: pd.DataFrame, groups: Mapping[str, str] | None) -> dict[str, str]:
    if groups is None:
        return {name: name for name in GROUPS if name == "residents" or name in counts.columns}
    unknown = [name for name in groups if name not in GROUPS]
    if unknown or "residents" not in groups:
        raise OptionError(
            f"groups are {', '.join(groups)}: give residents, and of {', '.join(GROUPS[1:])} those "
            "that were counted"
        )
    return dict(groups)


def _check_counts(counts: pd.DataFrame, names: Mapping[str, str], by: str) -> None:
    asked = {column: HOMES.columns[group] for group, column in names.items()}
    key = {"community_id": Column("key of the community", "小区编号")}
    contract = Table(
        "counts",
        "人口统计",
        AREA if by == "area" else (),
        {**asked, **(key if by == "community_id" else {})},
        key="community_id" if by == "community_id" else None,
    )
    problems = find_problems(counts, contract)
    if problems:
        raise TableError(problems)


def _by_community(homes: gpd.GeoDataFrame, counts: pd.DataFrame) -> Shares:
    rows = pd.Series(np.arange(len(counts)), index=counts["community_id"].map(str))
    zone = homes["community_id"].map(str).map(rows).to_numpy(dtype=np.float64)
    floor_m2 = homes["floor_area_m2"].to_numpy(dtype=np.float64)
    held = np.flatnonzero(~np.isnan(zone) & (floor_m2 > 0))
    return Shares(zone[held].astype(np.int64), held.astype(np.int64), floor_m2[held])


def _by_area(homes: gpd.GeoDataFrame, counts: gpd.GeoDataFrame) -> Shares:
    same_crs(homes, counts)
    return area_shares(homes, counts.geometry.to_numpy())


def _tell(lost: pd.DataFrame, people: float, by: str) -> None:
    if not len(lost):
        return
    labels = lost["community_id"] if by == "community_id" else lost.index.to_series()
    shown = ", ".join(str(label) for label in labels.iloc[:MOST_NAMED])
    more = f" and {len(lost) - MOST_NAMED} more" if len(lost) > MOST_NAMED else ""
    warnings.warn(
        f"{people:g} people are counted where there is no home with a floor area, and are "
        f"unplaced: {shown}{more}",
        stacklevel=3,
    )
