"""Amounts in tables: columns that may be empty, and what they hold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["Yuan", "numbers"]

Yuan = npt.NDArray[np.float64]
"""An array of amounts [yuan], missing where not given."""


def numbers(table: pd.DataFrame, name: str) -> Yuan:
    """A column as numbers, missing throughout where there is no such column."""
    if name not in table.columns:
        return np.full(len(table), np.nan)
    return pd.to_numeric(table[name]).to_numpy(dtype=float, na_value=np.nan)
