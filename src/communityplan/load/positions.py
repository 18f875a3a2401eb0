"""Positions as they stand in cells: degrees, metres, well-known text; not yet in any system."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.errors import Problem
from communityplan.load.cells import clean, is_missing
from communityplan.load.raw import RawTable
from communityplan.tables import Table

__all__ = ["PAIR", "found_shapes", "from_text", "row_at", "tidied"]

Shapes = NDArray[Any]

_NUMBER = r"[-+]?\d+(?:\.\d*)?(?:E[-+]?\d+)?"
_DECIMAL = re.compile(r"-?\d{1,15}(?:\.\d{1,17})?", re.ASCII)
_ANGLE = re.compile(
    rf"(?:东经|北纬|[EN])?\s*({_NUMBER})\s*"
    r"(?:[°度]\s*(?:(\d{1,2}(?:\.\d+)?)\s*[′'分]\s*(?:(\d{1,2}(?:\.\d+)?)\s*(?:″|\"|秒|′′|''))?)?)?\s*[EN]?"
)
PAIR = re.compile(rf"\(?\s*({_NUMBER})\s*[,;\s]\s*({_NUMBER})\s*\)?")


def found_shapes(
    raw: RawTable, columns: Mapping[str, pd.Series[Any]], problems: dict[int, Problem]
) -> tuple[Shapes | None, str]:
    """Geometry of the file, of well-known text, or of a pair of columns, and which it was.

    Parameters
    ----------
    raw : RawTable
        Rows, and geometry where the format has it.
    columns : mapping of str to Series
        Columns with positions.
    problems : dict of int to Problem
        Takes up what is wrong, by position of the row.

    Returns
    -------
    array of geometry or None, str
    """
    if raw.geometry is not None:
        return raw.geometry, "the file"
    if "geometry" in columns:
        return from_text(raw, columns["geometry"], problems), "well-known text"
    if "lonlat" in columns:
        return _from_pairs(raw, columns["lonlat"], problems), "lonlat"
    for pair in (("lon", "lat"), ("x", "y")):
        if all(name in columns for name in pair):
            sides = [_numbers(raw, columns[name], name, problems) for name in pair]
            return _points(*sides), " and ".join(pair)
    return None, ""


def _points(x: NDArray[np.float64], y: NDArray[np.float64]) -> Shapes:
    shapes = np.full(len(x), None, dtype=object)
    known = np.isfinite(x) & np.isfinite(y)
    shapes[known] = shapely.points(x[known], y[known])
    return shapes


def from_text(raw: RawTable, cells: pd.Series[Any], problems: dict[int, Problem]) -> Shapes:
    """Well-known text as geometry; what cannot be read is added to the problems."""
    shapes = np.full(len(cells), None, dtype=object)
    for row, cell in enumerate(cells):
        if is_missing(cell):
            continue
        try:
            shapes[row] = shapely.from_wkt(re.sub(r"^SRID=\d+;", "", str(cell).strip()))
        except (shapely.errors.ShapelyError, ValueError, TypeError) as error:
            found = f"geometry {str(cell)[:40]!r} is no well-known text ({str(error)[:80]})"
            todo = "Give well-known text, such as POINT (121.47 31.23)"
            problems[row] = Problem(row_at(raw, row), found, todo)
    return shapes


def _from_pairs(raw: RawTable, cells: pd.Series[Any], problems: dict[int, Problem]) -> Shapes:
    x, y = np.full(len(cells), np.nan), np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        match = None if is_missing(cell) else PAIR.fullmatch(clean(cell).upper())
        if match is None:
            todo = "Give longitude and latitude in degrees, such as 121.4700,31.2300"
            problems[row] = Problem(row_at(raw, row), f"the place is {cell!r}", todo)
        else:
            x[row], y[row] = float(match.group(1)), float(match.group(2))
    return _points(x, y)


def _numbers(
    raw: RawTable, cells: pd.Series[Any], name: str, problems: dict[int, Problem]
) -> NDArray[np.float64]:
    values = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        value = _coordinate(cell)
        if value is None or not np.isfinite(value):
            shown = "empty" if is_missing(cell) else repr(cell)
            todo = "Give decimal degrees or metres, such as 121.4700"
            problems[row] = Problem(row_at(raw, row), f"{name} is {shown}", todo)
        else:
            values[row] = value
    return values


def _coordinate(cell: Any) -> float | None:
    """A coordinate in decimal degrees, in degrees, minutes and seconds, or in metres."""
    if is_missing(cell) or isinstance(cell, bool):
        return None
    if isinstance(cell, int | float):
        return float(cell)
    text = str(cell)
    if _DECIMAL.fullmatch(text):
        return float(text)
    match = _ANGLE.fullmatch(clean(text).upper())
    if match is None:
        return None
    degrees, minutes, seconds = (float(part) if part else 0.0 for part in match.groups())
    return degrees + math.copysign(minutes / 60.0 + seconds / 3600.0, degrees)


def tidied(
    shapes: Shapes,
    contract: Table,
    raw: RawTable,
    facts: dict[str, Any],
    changes: list[dict[str, Any]],
) -> Shapes:
    """Flat geometry, and single points taken out of collections of one."""
    solid = shapely.has_z(shapes)
    if solid.any():
        facts["heights_left_out"] = int(solid.sum())
        shapes = shapely.force_2d(shapes)
    single = (shapely.get_type_id(shapes) == shapely.GeometryType.MULTIPOINT) & (
        shapely.get_num_geometries(shapes) == 1
    )
    if single.any() and "Point" in contract.geometry:
        shapes = shapes.copy()
        shapes[single] = shapely.get_geometry(shapes[single], 0)
        changes += [
            {
                "row": int(raw.rows[row]),
                "column": "geometry",
                "found": "MultiPoint",
                "became": "Point",
            }
            for row in np.flatnonzero(single)
        ]
    return shapes


def row_at(raw: RawTable, row: int) -> str:
    """File and row as the user counts it."""
    return f"{raw.where}, row {raw.rows[row]}"
