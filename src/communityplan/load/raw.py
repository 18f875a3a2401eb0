"""A table as it stands in its file: cells as found, rows as the user counts them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS

from communityplan.errors import Problem, TooLargeError

__all__ = ["MOST_BYTES", "MOST_ROWS", "MOST_VERTICES", "RawTable", "refuse_too_many"]

MOST_BYTES = 500_000_000
"""Largest file, and largest content of an archive, that is read [bytes]."""
MOST_ROWS = 1_000_000
"""Most rows of one table."""
MOST_VERTICES = 5_000_000
"""Most vertices of the geometry of one table."""


@dataclass(frozen=True)
class RawTable:
    """What a file holds, before anything is made of it.

    Attributes
    ----------
    frame : DataFrame
        Cells as found, under the headings as found.
    rows : array of int
        Number of each row as the user sees it: the row of the spreadsheet, or the number of the
        feature counted from 1.
    where : str
        File and sheet or layer, for messages.
    geometry : array of geometry or None
        Geometry as found, None for a plain table.
    crs : pyproj.CRS or None
        Coordinate system that the file names.
    facts : dict
        How it was read: format, encoding, sheet, layer.
    changes : list of dict
        What was changed on the way: row, column, found, became.
    problems : list of Problem
        What cannot be used.
    """

    frame: pd.DataFrame
    rows: NDArray[np.int64]
    where: str
    geometry: NDArray[Any] | None = None
    crs: CRS | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def refuse_too_many(where: str, count: int, most: int, unit: str) -> None:
    """Refuse a file that would not fit.

    Raises
    ------
    TooLargeError
        Names the count and the limit.
    """
    if count > most:
        raise TooLargeError(
            f"{where}: {count:,} {unit}, at most {most:,} are read. "
            "Cut the file to the district, or simplify its geometry, for example in QGIS"
        )
