"""People of homes, and the share of them that is within a limit, storey by storey."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.errors import Problem, TableError
from communityplan.reach import TOLERANCE_S
from communityplan.tables import HOMES, as_flags, find_problems
from communityplan.walker import Walker, storey_seconds

__all__ = ["check_people", "covered_share", "lifts", "number", "people_problems", "stairs_s"]

Floats = NDArray[np.float64]


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
    storeys = np.maximum(np.round(number(homes, "storeys", 1.0)), 1.0)
    fixed = "storey" in homes.columns
    storey = number(homes, "storey", 1.0)
    lift = lifts(homes)
    left_s = within_min * 60.0 + TOLERANCE_S - walk_min * 60.0
    covered = np.zeros(len(homes))
    leaves = np.zeros(len(homes))
    highest = 1 if fixed else int(storeys.max(initial=1.0))
    for level in range(1, highest + 1):
        lives = np.ones(len(homes), dtype=bool) if fixed else level <= storeys
        height = storey if fixed else np.full(len(homes), float(level))
        down_s = stairs_s(walker, height, lift, direction)
        covered += lives & (np.nan_to_num(left_s, nan=-np.inf) >= down_s)
        leaves += lives & np.isfinite(down_s) & np.isfinite(walk_min)
    # counted in whole storeys first, so that all of them are exactly 1
    levels = 1.0 if fixed else storeys
    return covered / levels, leaves / levels


def people_problems(homes: gpd.GeoDataFrame, groups: Sequence[str]) -> list[Problem]:
    """What keeps the groups of some homes from being counted.

    Parameters
    ----------
    homes : GeoDataFrame
    groups : sequence of str
        Columns; a group may be empty in the table, but not where it is asked for.

    Returns
    -------
    list of Problem
    """
    problems = find_problems(homes, HOMES)
    for name in groups:
        if name not in homes.columns:
            todo = "Add it, or choose a group that is counted"
            problems.append(Problem("homes", f"no column {name!r}", todo))
        elif name not in HOMES.required:
            values = pd.to_numeric(homes[name], errors="coerce")
            bad = values.isna() if name in HOMES.optional else ~(values >= 0)
            problems += [
                Problem(
                    f"homes, row {row + 1}", f"{name} is {homes[name].iloc[row]}", "Give people"
                )
                for row in np.flatnonzero(bad.to_numpy())
            ]
    return problems


def check_people(homes: gpd.GeoDataFrame, groups: Sequence[str]) -> None:
    """Refuse homes whose groups cannot be counted; warn of groups larger than the residents."""
    problems = people_problems(homes, groups)
    if problems:
        raise TableError(problems)
    for name in groups:
        over = np.flatnonzero(number(homes, name, 0.0) > number(homes, "residents", 0.0))
        if len(over):
            warnings.warn(
                f"{len(over)} homes count more {name} than residents, the first in row "
                f"{over[0] + 1}; they are counted as given",
                stacklevel=3,
            )


def number(homes: pd.DataFrame, name: str, default: float) -> Floats:
    """A column as numbers, with a default where it or a cell is missing."""
    if name not in homes.columns:
        return np.full(len(homes), default)
    cells = pd.to_numeric(homes[name]).fillna(default)
    return np.asarray(cells.to_numpy(dtype=np.float64))


def lifts(homes: pd.DataFrame) -> NDArray[np.bool_]:
    """Which homes have a lift; none where the table does not tell."""
    if "has_lift" not in homes.columns:
        return np.zeros(len(homes), dtype=bool)
    return as_flags(homes["has_lift"])


def stairs_s(walker: Walker, storey: Floats, lift: NDArray[np.bool_], direction: str) -> Floats:
    """Seconds between storeys and the ground, the slower way where the worse is asked for."""
    if direction != "worse":
        return storey_seconds(walker, storey, lift, direction=direction)
    down_s = storey_seconds(walker, storey, lift, direction="there")
    return np.maximum(down_s, storey_seconds(walker, storey, lift, direction="back"))
