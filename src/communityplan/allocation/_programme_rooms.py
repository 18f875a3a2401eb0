"""Floor that services share, storey by storey, and which buildings can be centres."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from communityplan.allocation._programme import Centre, Rooms
from communityplan.siting.rules import CentreRule

__all__ = ["centre_of", "rooms_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def rooms_of(options: pd.DataFrame, buildings: pd.DataFrame, building: Ints) -> Rooms:
    """Every building as a whole, and its storeys up to each that options must not lie above.

    Parameters
    ----------
    options : DataFrame
        With ``floor_area_m2`` and ``highest_storey`` where known.
    buildings : DataFrame
        With ``storeys`` where the space lies on several of them.
    building : array of int
        Position of each option's building.
    """
    count = len(buildings)
    area_m2 = _numbers(options, "floor_area_m2", 0.0)
    highest = _numbers(options, "highest_storey", np.inf)
    storeys = _numbers(buildings, "storeys", 0.0)[building]
    limited = np.flatnonzero(highest < storeys)
    levels = np.unique(np.stack([building[limited], highest[limited]], axis=1), axis=0)
    where = np.concatenate([np.arange(count), levels[:, 0].astype(np.int64)])
    upto = np.concatenate([np.full(count, np.inf), levels[:, 1]])
    inside = (where[:, None] == building) & (highest <= upto[:, None])
    height = _numbers(buildings, "storeys", 1.0)[where]
    share = np.where(np.isfinite(upto), upto / np.maximum(height, 1e-9), 1.0)
    return Rooms(where, share, sp.csr_matrix(inside * area_m2))


def centre_of(options: pd.DataFrame, buildings: pd.DataFrame, rule: CentreRule) -> Centre:
    """What makes a centre, by a rule.

    Parameters
    ----------
    options, buildings : DataFrame
        The floor area is ``gross_floor_area_m2`` where given.
    rule : CentreRule
    """
    area_m2 = _numbers(buildings, "floor_area_m2", 0.0)
    gross_m2 = _numbers(buildings, "gross_floor_area_m2", np.nan)
    area_m2 = np.where(np.isnan(gross_m2), area_m2, gross_m2)
    return Centre(
        is_large=area_m2 >= rule.floor_area_min_m2,
        is_core=options["service"].isin(rule.core_functions).to_numpy(dtype=bool),
        functions=rule.functions_min,
        core=rule.core_functions_min,
    )


def _numbers(table: pd.DataFrame, name: str, empty: float) -> Floats:
    if name not in table:
        return np.full(len(table), empty)
    return pd.to_numeric(table[name]).fillna(empty).to_numpy(dtype=np.float64)
