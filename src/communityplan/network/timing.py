"""Seconds that every edge takes a walker, in both directions."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.errors import OptionError
from communityplan.standards import walker as find_walker
from communityplan.tables import as_flags
from communityplan.walker import Walker, slope_factor, step_seconds

__all__ = ["edge_seconds", "minute_of_day"]

Floats = NDArray[np.float64]


def edge_seconds(
    edges: pd.DataFrame, walker: Walker | str, at_minute: int | None
) -> tuple[Floats, Floats]:
    """Time along every edge: length by speed and slope, steps by height, crossings and gates.

    Parameters
    ----------
    edges : DataFrame
        As `WalkNetwork.edges`.
    walker : Walker or str
    at_minute : int or None
        Minutes after midnight; gates shut then take for ever.

    Returns
    -------
    tuple of array of float
        Seconds from the first to the last point and back; infinite where nobody passes.
    """
    climb = edges["climb_m"].to_numpy(dtype=np.float64)
    blocked = (edges["access"] == "closed").to_numpy() | _shut(edges, at_minute)
    person = find_walker(walker)
    forward = _one_way(edges, person, climb)
    backward = _one_way(edges, person, -climb)
    backward[as_flags(edges["oneway_foot"])] = np.inf
    forward[blocked] = np.inf
    backward[blocked] = np.inf
    return forward, backward


def _one_way(edges: pd.DataFrame, walker: Walker, climb_m: Floats) -> Floats:
    length_m = edges["length_m"].to_numpy(dtype=np.float64)
    run = np.where(length_m > 0, length_m, 1.0)
    grade = np.nan_to_num(climb_m) / run
    walked = length_m / (walker.speed_m_s * slope_factor(walker, grade))
    steps = edges["steps"].to_numpy(dtype=bool)
    walked[steps] = step_seconds(walker, length_m[steps], climb_m[steps])
    waits = edges["wait_s"].to_numpy(dtype=np.float64)
    crossing = edges["crossing"].to_numpy(dtype=bool)
    return np.asarray(walked + waits + crossing * walker.crossing_wait_s, dtype=np.float64)


def _shut(edges: pd.DataFrame, at_minute: int | None) -> NDArray[np.bool_]:
    """Gates outside their opening hours; hours may run over midnight."""
    if at_minute is None:
        return np.zeros(len(edges), dtype=bool)
    start = edges["open_from"].fillna(0.0).to_numpy(dtype=np.float64)
    end = edges["open_until"].fillna(24 * 60.0).to_numpy(dtype=np.float64)
    has_hours = (edges["open_from"].notna() | edges["open_until"].notna()).to_numpy()
    by_day = (start <= at_minute) & (at_minute < end)
    over_night = (at_minute >= start) | (at_minute < end)
    is_open = np.where(start < end, by_day, over_night)
    return np.asarray(has_hours & ~is_open, dtype=bool)


def minute_of_day(time: str) -> int:
    """Minutes after midnight of a time ``HH:MM``.

    Raises
    ------
    OptionError
        For anything that is not a time of day.

    Examples
    --------
    >>> from communityplan.network.timing import minute_of_day
    >>> minute_of_day("07:30")
    450
    """
    parts = str(time).split(":")
    if len(parts) >= 2 and all(part.isdigit() for part in parts):
        hours, minutes = int(parts[0]), int(parts[1])
        if hours * 60 + minutes <= 24 * 60 and minutes < 60:
            return hours * 60 + minutes
    raise OptionError(f"{time!r} is not a time of day; give HH:MM, such as 07:30")
