"""Holding a table against its contract: every problem at once, with its row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from communityplan.errors import OptionError, Problem, TableError
from communityplan.tables.contracts import AREA, Column, Table

__all__ = ["as_flags", "check", "find_problems", "record", "same_crs", "used"]

Frame = TypeVar("Frame", bound=pd.DataFrame)

SAME_PLACE_M = 0.001
"""Two systems are one where places differ by less [m]."""


def check(table: Frame, contract: Table, *, where: str | None = None) -> Frame:
    """The table itself where it keeps its contract, else one error with everything wrong.

    Parameters
    ----------
    table : GeoDataFrame or DataFrame
        The table to look at; it is not changed.
    contract : Table
        What it has to keep, one of `TABLES`.
    where : str, optional
        File and layer for the messages; the table's name unless given.

    Returns
    -------
    GeoDataFrame or DataFrame
        The table that was given.

    Raises
    ------
    TableError
        Lists every problem with its place and row, counted from 1.

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.tables import WALKS, check
    >>> walks = pd.DataFrame({"from_id": ["h1"], "to_id": ["f1"], "walk_min": [-2.0]})
    >>> check(walks, WALKS)
    Traceback (most recent call last):
    ...
    communityplan.errors.TableError: 1 problem in the input:
      - walks, row 1: walk_min is -2.0. Give a number of min that is not negative
    """
    found = find_problems(table, contract, where=where)
    if found:
        raise TableError(found)
    return table


def find_problems(
    table: pd.DataFrame, contract: Table, *, where: str | None = None
) -> list[Problem]:
    """Everything in which a table breaks its contract, empty where it keeps it.

    Parameters
    ----------
    table : GeoDataFrame or DataFrame
        The table to look at.
    contract : Table
        What it has to keep.
    where : str, optional
        File and layer for the messages; the table's name unless given.

    Returns
    -------
    list of Problem
    """
    where = where or contract.name
    found = list(_missing_columns(table, contract, where))
    for name, column in contract.columns.items():
        if name in table.columns:
            found += _CHECKS[column.kind](table[name], column, where, name in contract.required)
    if contract.key in table.columns:
        found += _key_problems(table[contract.key], where)
    if contract.geometry:
        found += _geometry_problems(table, contract, where)
    return found


def record(table: Frame, **used_options: Any) -> Frame:
    """The same table, with the inputs and options that were really used noted on it.

    Parameters
    ----------
    table : GeoDataFrame or DataFrame
        A result.
    **used_options : object
        Names and values, plain enough to be written to a file.

    Returns
    -------
    GeoDataFrame or DataFrame
        The result with ``.attrs["communityplan"]``.
    """
    table.attrs["communityplan"] = {**used(table), **used_options}
    return table


def used(table: pd.DataFrame) -> dict[str, Any]:
    """The inputs and options a result was made with, empty where it carries none."""
    noted: dict[str, Any] = dict(table.attrs.get("communityplan", {}))
    return noted


def as_flags(column: pd.Series[Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """A column of flags as booleans; empty cells are no."""
    if column.dtype == np.bool_:
        return np.asarray(column.to_numpy(), dtype=np.bool_)
    words = column.astype("object").map(lambda cell: str(cell).strip().lower())
    return np.asarray(words.isin(_YES).to_numpy(), dtype=np.bool_)


_YES = {"true", "1", "1.0", "yes", "y", "t", "是", "有"}
_NO = {"false", "0", "0.0", "no", "n", "f", "否", "无", "", "nan", "none", "<na>"}


def _rows(bad: np.ndarray[Any, Any]) -> Iterable[int]:
    """Positions of the bad rows."""
    return (int(row) for row in np.flatnonzero(bad))


def _missing_columns(table: pd.DataFrame, contract: Table, where: str) -> Iterable[Problem]:
    for name, column in contract.required.items():
        if name not in table.columns:
            present = ", ".join(str(other) for other in table.columns) or "none"
            yield Problem(
                where,
                f"no column {name!r} ({column.meaning})",
                f"Add it, or map another column to it; the columns are: {present}",
            )


def _number_problems(
    cells: pd.Series[Any], column: Column, where: str, required: bool, *, least: float = -np.inf
) -> list[Problem]:
    values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    given = cells.notna().to_numpy()
    bad = (given & ~np.isfinite(values)) | (values < least) | (required & ~given)
    wanted = "that is not negative" if least == 0 else "that is finite"
    return [
        Problem(
            f"{where}, row {row + 1}",
            f"{cells.name} is {'empty' if not given[row] else cells.iloc[row]}",
            f"Give a number of {column.unit or 'any size'} {wanted}",
        )
        for row in _rows(bad)
    ]


def _amount_problems(
    cells: pd.Series[Any], column: Column, where: str, required: bool
) -> list[Problem]:
    return _number_problems(cells, column, where, required, least=0.0)


def _text_problems(
    cells: pd.Series[Any], column: Column, where: str, required: bool
) -> list[Problem]:
    if str(cells.name).endswith("_id") and cells.dtype.kind == "f" and cells.notna().any():
        # 1.0 here and 1 in another table would never meet
        found = f"{cells.name} holds numbers with decimals, such as {float(cells.dropna().iloc[0])}"
        todo = f"Make them text, such as table[{cells.name!r}].astype('Int64').astype(str)"
        return [Problem(where, found, todo)]
    if not required:
        return []
    empty = cells.isna().to_numpy() | (cells.astype("object").map(str).str.strip() == "").to_numpy()
    return [
        Problem(f"{where}, row {row + 1}", f"{cells.name} is empty", f"Give the {column.meaning}")
        for row in _rows(empty)
    ]


def _flag_problems(
    cells: pd.Series[Any], column: Column, where: str, required: bool
) -> list[Problem]:
    if cells.dtype == np.bool_:
        return []
    words = cells.astype("object").map(lambda cell: str(cell).strip().lower())
    bad = ~words.isin(_YES | _NO).to_numpy()
    return [
        Problem(f"{where}, row {row + 1}", f"{cells.name} is {cells.iloc[row]!r}", "Give yes or no")
        for row in _rows(bad)
    ]


def _time_problems(
    cells: pd.Series[Any], column: Column, where: str, required: bool
) -> list[Problem]:
    words = cells.astype("object").map(lambda cell: "" if pd.isna(cell) else str(cell).strip())
    good = words.str.fullmatch(r"([01]?\d|2[0-4]):[0-5]\d(:00)?|").to_numpy()
    return [
        Problem(
            f"{where}, row {row + 1}",
            f"{cells.name} is {cells.iloc[row]!r}",
            "Give a time as HH:MM, such as 07:30",
        )
        for row in _rows(~good)
    ]


_CHECKS = {
    "number": _number_problems,
    "amount": _amount_problems,
    "text": _text_problems,
    "flag": _flag_problems,
    "time": _time_problems,
}


def _key_problems(keys: pd.Series[Any], where: str) -> list[Problem]:
    words = keys.astype("object").map(str)
    if words.is_unique:
        return []
    first: dict[str, int] = {}
    found = []
    for row, key in enumerate(words):
        if key in first:
            found.append(
                Problem(
                    f"{where}, row {row + 1}",
                    f"{keys.name} {key!r} is already in row {first[key] + 1}",
                    "Give every row a key of its own",
                )
            )
        first.setdefault(key, row)
    return found


def _geometry_problems(table: pd.DataFrame, contract: Table, where: str) -> list[Problem]:
    if not isinstance(table, gpd.GeoDataFrame) or table.active_geometry_name is None:
        return [Problem(where, "no geometry", "Give a GeoDataFrame with its geometry set")]
    shapes = table.geometry
    found = _crs_problems(shapes, where)
    empty = (shapes.isna() | shapes.is_empty).to_numpy()
    kinds = shapes.geom_type.to_numpy()
    wanted = " or ".join(contract.geometry)
    finite = np.isfinite(shapely.bounds(shapes.to_numpy())).all(axis=1)
    for row in _rows(empty):
        found.append(Problem(f"{where}, row {row + 1}", "geometry is empty", f"Draw a {wanted}"))
    for row in _rows(~empty & ~np.isin(kinds, contract.geometry)):
        found.append(
            Problem(f"{where}, row {row + 1}", f"geometry is a {kinds[row]}", f"Give a {wanted}")
        )
    for row in _rows(~empty & ~finite):
        found.append(
            Problem(f"{where}, row {row + 1}", "a coordinate is not a number", "Draw it again")
        )
    # a line that repeats a point is walkable; only areas can be invalid in a way that matters
    areas = np.isin(kinds, AREA)
    for row in _rows(~empty & finite & areas & ~shapes.is_valid.to_numpy()):
        why = shapely.is_valid_reason(shapes.iloc[row])
        found.append(
            Problem(
                f"{where}, row {row + 1}",
                f"geometry is not valid ({why})",
                "Mend it, for example with shapely.make_valid",
            )
        )
    return found


def _crs_problems(shapes: gpd.GeoSeries, where: str) -> list[Problem]:
    if shapes.crs is None:
        return [
            Problem(
                where,
                "no coordinate system",
                "Set it with set_crs, or name the datum when reading the file",
            )
        ]
    if shapes.crs.is_projected and shapes.crs.axis_info[0].unit_name == "metre":
        return []
    unit = shapes.crs.axis_info[0].unit_name if shapes.crs.axis_info else "unknown units"
    return [
        Problem(
            where,
            f"coordinates are in {unit} ({shapes.crs.name})",
            "Project to metres, for example with to_crs(table.estimate_utm_crs())",
        )
    ]


def same_crs(*tables: gpd.GeoDataFrame) -> None:
    """Refuse tables in different coordinate systems.

    Raises
    ------
    OptionError
        Names the coordinate systems found.

    Notes
    -----
    A system may be written in many ways. Two are one where they have the same code, or where both
    put the corners and the middle of a table at the same place, to a millimetre.
    """
    placed = [table for table in tables if table.crs is not None and len(table)]
    for other in placed[1:]:
        if not _one_system(placed[0], other):
            named = ", ".join(dict.fromkeys(_system_name(table) for table in (placed[0], other)))
            raise OptionError(
                f"the tables are in different coordinate systems ({named}); "
                "project them to one with to_crs"
            )


def _one_system(first: gpd.GeoDataFrame, other: gpd.GeoDataFrame) -> bool:
    one, two = first.crs, other.crs
    if one == two or (one.to_epsg() is not None and one.to_epsg() == two.to_epsg()):
        return True
    if not (one.is_projected and two.is_projected):
        return False
    west, south, east, north = first.total_bounds
    x = np.array([west, east, west, east, (west + east) / 2])
    y = np.array([south, south, north, north, (south + north) / 2])
    moved = pyproj.Transformer.from_crs(one, two, always_xy=True).transform(x, y)
    return bool(np.abs(np.stack(moved) - np.stack([x, y])).max() < SAME_PLACE_M)


def _system_name(table: gpd.GeoDataFrame) -> str:
    code = table.crs.to_epsg()
    return f"{table.crs.name} (EPSG:{code})" if code else str(table.crs.name)
