"""Tables of a plan as files of a GeoParquet data set, the same bytes for the same tables."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from communityplan.allocation import Choice
from communityplan.errors import DataError, MissingLibraryError, Problem
from communityplan.plan import Plan
from communityplan.scenario import JointUnits
from communityplan.tables import used

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TABLE_FOLDERS", "arrow", "encoded", "plan_tables", "read_batch"]

DERIVED = ("missing", "finance")
"""Tables that a plan makes from its others."""

TABLE_FOLDERS = frozenset([*(field.name for field in fields(Plan)), *DERIVED])
"""Folders that can hold tables of a batch; files in other folders are the user's own."""

GEO = {
    "version": "1.1.0",
    "primary_column": "geometry",
    "columns": {"geometry": {"encoding": "WKB", "geometry_types": []}},
}
"""What GeoParquet asks for; longitude and latitude in WGS-84, which is what no `crs` means."""


def arrow() -> Any:
    """pyarrow, or an error that names the extra."""
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError as error:
        raise MissingLibraryError(
            'a batch writes Parquet: pip install "communityplan[batch]"'
        ) from error
    del pyarrow
    return pa


def plan_tables(plan: Plan) -> dict[str, pd.DataFrame]:
    """Every table of a plan by name; of the choice what opens, with objective, bound and gap."""
    tables: dict[str, pd.DataFrame] = {}
    for name in [*plan.tables(), *DERIVED]:
        value = getattr(plan, name)
        if isinstance(value, JointUnits):
            value = value.units
        elif isinstance(value, Choice):
            value = value.opened.assign(
                objective=value.objective, bound=value.bound, gap=value.gap, unit=value.unit
            )
        if isinstance(value, pd.DataFrame):
            tables[name] = value
    return tables


def encoded(table: pd.DataFrame, *, project: str | None = None) -> bytes:
    """A table as the bytes of a Parquet file.

    Parameters
    ----------
    table : DataFrame or GeoDataFrame
        Geometry is brought to WGS-84, which all parts of a data set share.
    project : str, optional
        Becomes the first column, ``project``.

    Returns
    -------
    bytes
        Rows and columns in the order of the table. The file's metadata holds the record of inputs
        and options under ``communityplan``.
    """
    pa = arrow()
    plain = pd.DataFrame(table)
    metadata = {"communityplan": _text(used(table))}
    if isinstance(table, gpd.GeoDataFrame):
        shapes = table.geometry.to_crs(4326) if table.crs is not None else table.geometry
        plain = plain.drop(columns=table.geometry.name).assign(geometry=shapes.to_wkb())
        metadata["geo"] = _text(GEO)
    if project is not None:
        plain = plain.drop(columns="project", errors="ignore")
        plain.insert(0, "project", project)
    columns = {str(name): _column(plain[name], pa) for name in plain.columns}
    made = pa.table(columns).replace_schema_metadata(metadata)
    target = io.BytesIO()
    pa.parquet.write_table(made, target, compression="zstd")
    return target.getvalue()


def read_batch(folder: str | Path, table: str) -> pd.DataFrame:
    """One table of all projects of a batch, whatever columns each of them has.

    Parameters
    ----------
    folder : str or Path
        As given to `run_batch`.
    table : str
        ``"ledger"``, ``"access"``, ``"areas"``, ``"ranking"``, ``"checkup"``, ``"missing"``,
        ``"chosen"``, or ``"status"``.

    Returns
    -------
    DataFrame or GeoDataFrame
        First column ``project``, in the order of the names; geometry in WGS-84.

    Raises
    ------
    DataError
        Where the folder has no such table.
    """
    pa = arrow()
    place = Path(folder) / table
    files = sorted(place.glob("[!.]*.parquet")) if place.is_dir() else []
    single = Path(folder) / f"{table}.parquet"
    if single.is_file():
        files = [single]
    if not files:
        todo = "Give the folder of a batch, and a table that its projects have"
        raise DataError([Problem(str(place), "there is no such table", todo)])
    parts = [pa.parquet.ParquetFile(file).read() for file in files]
    joined = pa.concat_tables(parts, promote_options="permissive")
    frame: pd.DataFrame = joined.to_pandas()
    if "geometry" in frame.columns:
        shapes = gpd.GeoSeries.from_wkb(frame["geometry"], crs=4326)
        frame = gpd.GeoDataFrame(frame, geometry=shapes)
    return frame


def _column(values: pd.Series[Any], pa: Any) -> pa.Array:
    """Text is told apart from numbers, whatever a column of mixed cells holds."""
    if values.dtype.kind != "O" and not isinstance(values.dtype, pd.StringDtype):
        return pa.array(values, from_pandas=True)
    filled = values[values.notna()]
    if len(filled) and all(isinstance(value, bytes) for value in filled):
        return pa.array(values, pa.binary(), from_pandas=True)
    if len(filled) and all(isinstance(value, bool) for value in filled):
        return pa.array(values, pa.bool_(), from_pandas=True)
    texts = values.map(_cell, na_action="ignore").astype(object)
    return pa.array(texts, pa.string(), from_pandas=True)


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else _text(value) if _is_nested(value) else str(value)


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple)


def _text(value: Any) -> str:
    """Plain values as JSON, in one order."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=_plain)


def _plain(value: Any) -> Any:
    """What JSON lacks; the order of a set differs from process to process."""
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    return value.item() if hasattr(value, "item") else str(value)
