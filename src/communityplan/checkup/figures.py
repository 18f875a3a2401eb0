"""Rows of a check-up: one figure of a clause for every community, required against measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.checkup.arrival import TOLERANCE_M
from communityplan.reach import TOLERANCE_S
from communityplan.standards.clauses import FIGURES, Clause

__all__ = ["COLUMNS", "STATUSES", "at_least", "at_most", "figure_rows"]

Floats = NDArray[np.float64]
Words = NDArray[Any]

STATUSES = ("not_applicable", "met", "unknown", "short", "missing")
"""From the mildest; the worst figure decides a clause."""

COLUMNS = (
    "community",
    "clause_id",
    "figure",
    "status",
    "required",
    "measured",
    "unit",
    "shortfall",
    "facility_id",
    "near_share",
    "served_share",
    "reason",
    "verified",
    "decides",
)


def at_most(
    name: str,
    clause: Clause,
    values: Floats,
    *,
    limit: float,
    assumed: bool,
    nobody_there: NDArray[np.bool_],
) -> pd.DataFrame:
    """A figure that may not be exceeded, minutes or metres.

    Parameters
    ----------
    name : str
    clause : Clause
    values : array of float
        By community, infinite where it is never reached.
    limit : float
    assumed : bool
        Whether the limit is not the clause's own.
    nobody_there : array of bool
        Communities in which nobody has any way.
    """
    tolerance = TOLERANCE_M if name == "distance_m" else TOLERANCE_S / 60.0
    measured = np.where(np.isfinite(values), values, np.nan)
    met = values <= limit + tolerance
    status = np.select([met, nobody_there], ["met", "missing"], "short")
    reason = np.select([nobody_there, ~np.isfinite(values)], ["no_way", "some_without_way"], "")
    if assumed:
        reason = np.where(reason == "", "limit_of_service", reason)
    return figure_rows(
        name,
        clause,
        status=status,
        required=limit,
        measured=measured,
        shortfall=np.where(met, 0.0, measured - limit),
        reason=reason,
        verified=not assumed and clause.is_verified(name),
    )


def at_least(
    name: str,
    clause: Clause,
    measured: Floats,
    unknown: str,
    *,
    decides: bool = True,
) -> pd.DataFrame:
    """A figure that has to be reached; not known where it is missing.

    Parameters
    ----------
    name : str
    clause : Clause
    measured : array of float
        By community.
    unknown : str
        Reason where it is missing.
    decides : bool
        Whether it counts for the status of the clause.
    """
    required = clause.figures()[name]
    known = np.isfinite(measured)
    met = measured >= required - 1e-9
    return figure_rows(
        name,
        clause,
        status=np.select([~known, met], ["unknown", "met"], "short"),
        required=required,
        measured=measured,
        shortfall=np.where(known & ~met, required - measured, np.where(known, 0.0, np.nan)),
        reason=np.where(known, "", unknown),
        verified=clause.is_verified(name),
        decides=decides,
    )


def figure_rows(
    name: str,
    clause: Clause,
    *,
    status: Words,
    required: float,
    measured: Floats,
    shortfall: Floats,
    reason: Words,
    verified: bool,
    decides: bool = True,
) -> pd.DataFrame:
    """One figure for every community, as `COLUMNS`."""
    return pd.DataFrame(
        {
            "community": np.arange(len(measured)),
            "clause_id": clause.id,
            "figure": name,
            "status": status,
            "required": required,
            "measured": measured,
            "unit": FIGURES[name].unit,
            "shortfall": shortfall,
            "facility_id": "",
            "near_share": np.nan,
            "served_share": np.nan,
            "reason": reason,
            "verified": verified,
            "decides": decides,
        }
    )
