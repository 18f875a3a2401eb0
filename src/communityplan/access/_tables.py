"""Who can walk where: one checked set of arrays that every measure of access starts from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.access.decay import Decay
from communityplan.errors import DataError, OptionError, Problem
from communityplan.tables import WALKS, check

__all__ = [
    "Reach",
    "amounts",
    "area_of_homes",
    "at_homes",
    "at_places",
    "quotient",
    "read_reach",
    "result",
    "sums",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Weigh = Callable[[Floats], Floats]

MOST_NAMED = 5


@dataclass(frozen=True)
class Reach:
    """Walks within the limit as arrays, one element a walk, with the people and the places.

    Attributes
    ----------
    home, place : array of int
        Position of the home in `homes`, of the facility in `facilities`.
    walk_min, weight : array of float
        Minutes, and what a walk of that length counts, 0..1.
    homes, facilities : Index
        Keys of all homes and facilities, in reach or not.
    people, places : array of float
        People at each home, places at each facility.
    used : dict
        Options for the record.
    """

    home: Ints
    place: Ints
    walk_min: Floats
    weight: Floats
    homes: pd.Index[Any]
    facilities: pd.Index[Any]
    people: Floats
    places: Floats
    used: dict[str, Any]


def read_reach(
    walks: pd.DataFrame,
    demand: pd.Series[Any],
    supply: pd.Series[Any],
    *,
    within_min: float,
    decay: Weigh | None,
) -> Reach:
    """Check the three inputs and keep the walks within the limit.

    Raises
    ------
    TableError, DataError
        List everything that is wrong with a table.
    OptionError
        For a limit that is no number of minutes, or a decay that leaves 0..1.
    """
    if not within_min >= 0:
        raise OptionError(f"within_min is {within_min}; give minutes, 0 or more")
    people = amounts(demand, "demand", "people")
    places = amounts(supply, "supply", "places")
    _check_walks(walks)
    minutes = walks["walk_min"].to_numpy(dtype=np.float64)
    home = _positions(walks["from_id"], demand.index, "demand")
    place = _positions(walks["to_id"], supply.index, "supply")
    named = (home >= 0) & (place >= 0)
    near = named & (minutes <= within_min)
    return Reach(
        home=home[near],
        place=place[near],
        walk_min=minutes[near],
        weight=_weights(minutes[near], decay),
        homes=demand.index,
        facilities=supply.index,
        people=people,
        places=places,
        used={
            "within_min": float(within_min),
            "decay": "none" if decay is None else _label(decay),
            "walks_of_other_homes_or_facilities": int((~named).sum()),
            "facilities_without_places": int((places == 0).sum()),
        },
    )


def at_homes(reach: Reach, values: Floats) -> Floats:
    """Sum of values of walks, by home."""
    return sums(reach.home, values, len(reach.homes))


def at_places(reach: Reach, values: Floats) -> Floats:
    """Sum of values of walks, by facility."""
    return sums(reach.place, values, len(reach.facilities))


def quotient(top: Floats, bottom: Floats) -> Floats:
    """Top over bottom, and 0 where nobody stands below."""
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)


def result(reach: Reach, values: Floats, name: str, unit: str, method: str) -> pd.Series[float]:
    """Values by home as a series that carries how it was made."""
    series = pd.Series(values, index=reach.homes, name=name, dtype="float64")
    series.attrs["communityplan"] = {"method": method, "unit": unit, **reach.used}
    return series


def amounts(series: pd.Series[Any], where: str, unit: str) -> Floats:
    """Numbers that are there, finite and not negative, on an index without repeats.

    Raises
    ------
    DataError
        Lists every row that is not so.
    """
    if not isinstance(series, pd.Series):
        raise OptionError(f"{where} is a {type(series).__name__}; give a Series of {unit}")
    values = pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    keys = series.index
    bad = ~(np.isfinite(values) & (values >= 0))
    found = [
        Problem(
            f"{where}, {keys[int(row)]}",
            "it is empty" if pd.isna(series.iloc[row]) else f"it is {series.iloc[row]}",
            f"Give a number of {unit} that is not negative, or leave the row out",
        )
        for row in np.flatnonzero(bad)
    ]
    found += [
        Problem(where, f"{key!r} is there more than once", "Give every key one row")
        for key in keys[keys.duplicated()].unique()
    ]
    if found:
        raise DataError(found)
    return values


def sums(codes: Ints, values: Floats, n: int) -> Floats:
    """Sum of values by code, for `n` codes from 0 on."""
    return np.asarray(np.bincount(codes, weights=values, minlength=n), dtype=np.float64)


def area_of_homes(homes: pd.Index[Any], by: pd.Series[Any] | None) -> pd.Series[Any]:
    """The area of each home, one and the same where no areas are given.

    Raises
    ------
    DataError
        Lists homes that have no area.
    """
    if by is None:
        return pd.Series("all", index=homes)
    area = by.reindex(homes)
    lacking = area.isna().to_numpy()
    if lacking.any():
        raise DataError(
            [
                Problem(f"by, {home}", "this home has no area", "Give every home its area")
                for home in homes[lacking]
            ]
        )
    return area


def _check_walks(walks: pd.DataFrame) -> None:
    """The contract of walks, by a fast look first: large tables are almost always sound."""
    if not _looks_sound(walks):
        check(walks, WALKS)
    repeated = walks.duplicated(["from_id", "to_id"])
    if repeated.any():
        raise DataError(
            [
                Problem(
                    f"walks, row {row + 1}",
                    f"{walks['from_id'].iloc[row]} to {walks['to_id'].iloc[row]} is there before",
                    "Keep one walk for each home and facility",
                )
                for row in np.flatnonzero(repeated.to_numpy())
            ]
        )


def _looks_sound(walks: pd.DataFrame) -> bool:
    if not {"from_id", "to_id", "walk_min"} <= set(walks.columns):
        return False
    minutes = walks["walk_min"]
    if not pd.api.types.is_numeric_dtype(minutes):
        return False
    values = minutes.to_numpy(dtype=np.float64, na_value=np.nan)
    keys_given = walks[["from_id", "to_id"]].notna().to_numpy().all()
    return bool(keys_given and np.isfinite(values).all() and (values >= 0).all())


def _positions(keys: pd.Series[Any], index: pd.Index[Any], where: str) -> Ints:
    found = index.get_indexer(pd.Index(keys))
    if len(keys) and len(index) and (found < 0).all() and _is_text(keys) != _is_text(index):
        raise DataError(
            [
                Problem(
                    where,
                    f"its keys, such as {index[0]!r}, are never the {keys.name} of the walks, "
                    f"such as {keys.iloc[0]!r}",
                    "Make both text, for example with index.astype(str)",
                )
            ]
        )
    return np.asarray(found, dtype=np.intp)


def _is_text(keys: pd.Series[Any] | pd.Index[Any]) -> bool:
    return pd.api.types.infer_dtype(keys, skipna=True) == "string"


def _label(decay: Weigh) -> str:
    if isinstance(decay, Decay):
        return decay.label
    return str(getattr(decay, "__name__", decay))


def _weights(minutes: Floats, decay: Weigh | None) -> Floats:
    if decay is None:
        return np.ones_like(minutes)
    weights = np.asarray(decay(minutes), dtype=np.float64)
    if weights.shape != minutes.shape:
        raise OptionError(
            f"decay {_label(decay)} gave {weights.shape} weights for {minutes.shape} walks; "
            "it has to take an array of minutes and give as many weights"
        )
    wrong = ~((weights >= 0) & (weights <= 1))
    if wrong.any():
        shown = ", ".join(
            f"{weight:g} at {minute:g} min"
            for weight, minute in zip(
                weights[wrong][:MOST_NAMED], minutes[wrong][:MOST_NAMED], strict=True
            )
        )
        raise OptionError(f"decay {_label(decay)} leaves 0..1: {shown}")
    return weights
