"""Layers of map files, as the library reads them; GeoPackage and GeoParquet."""

from __future__ import annotations

import io
import sqlite3
import warnings
from collections.abc import Callable
from contextlib import closing
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from communityplan.errors import DataError, MissingLibraryError, OptionError, Problem
from communityplan.load.formats import SourceFile
from communityplan.load.raw import MOST_ROWS, MOST_VERTICES, RawTable, refuse_too_many

__all__ = ["choose_layer", "raw_of_layer", "read_geopackage", "read_geoparquet", "read_layer"]


def read_geopackage(source: SourceFile, *, layer: str | None, table: str) -> RawTable:
    """One layer of a GeoPackage.

    Parameters
    ----------
    source : SourceFile
        The file.
    layer : str, optional
        Its layer; without it the only one, or the one named as the table.
    table : str
        Name of the table that is read.

    Raises
    ------
    OptionError
        When there is no such layer, or several would do.
    DataError
        For a broken file.
    """
    _check_sqlite(source)
    chosen = choose_layer(source, layer, table)
    _check_size(source, chosen)
    raw = read_layer(source, layer=chosen)
    raw.facts.update(format="geopackage", layer=chosen)
    return raw


def read_geoparquet(source: SourceFile) -> RawTable:
    """A GeoParquet file, or a plain Parquet one for a table without geometry.

    Raises
    ------
    MissingLibraryError
        Without pyarrow.
    DataError
        For a broken file.
    """
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise MissingLibraryError(
            "reading .parquet needs pyarrow: pip install 'communityplan[parquet]'"
        ) from error

    def read() -> RawTable:
        about = parquet.read_metadata(source.path)
        refuse_too_many(source.where, about.num_rows, MOST_ROWS, "rows")
        if b"geo" in (about.metadata or {}):
            table = gpd.read_parquet(source.path)
        else:
            table = pd.read_parquet(source.path, engine="pyarrow")
        return raw_of_layer(table, source.where, {"format": "geoparquet"})

    return _guarded(source.where, read)


def raw_of_layer(table: pd.DataFrame, where: str, facts: dict[str, Any]) -> RawTable:
    """A table as a library read it, cells and geometry apart.

    Parameters
    ----------
    table : GeoDataFrame or DataFrame
        What was read.
    where : str
        File and layer.
    facts : dict
        How it was read.

    Returns
    -------
    RawTable
    """
    rows = np.arange(1, len(table) + 1, dtype=np.int64)
    if not isinstance(table, gpd.GeoDataFrame) or table.active_geometry_name is None:
        frame = pd.DataFrame(table).astype(object)
        frame.columns = [str(name) for name in frame.columns]
        return RawTable(frame.reset_index(drop=True), rows, where, facts=facts)
    shapes = table.geometry.to_numpy()
    vertices = int(shapely.get_num_coordinates(shapes).sum())
    refuse_too_many(where, vertices, MOST_VERTICES, "vertices")
    frame = pd.DataFrame(table.drop(columns=table.active_geometry_name)).astype(object)
    frame.columns = [str(name) for name in frame.columns]
    crs = None if table.crs is None else CRS.from_user_input(table.crs)
    return RawTable(
        frame.reset_index(drop=True), rows, where, np.asarray(shapes, dtype=object), crs, facts
    )


def _guarded(where: str, read: Callable[[], RawTable]) -> RawTable:
    """What a library reads, with whatever it raises on a broken file said in our words."""
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            raw = read()
    except (DataError, OptionError, MemoryError):
        raise
    except Exception as error:  # drivers raise all kinds of errors on broken files
        found = f"the file is broken ({type(error).__name__}: {str(error)[:300]})"
        raise DataError([Problem(where, found, "Export it again, or fetch it again")]) from error
    notes = sorted({str(note.message)[:300] for note in said if note.category is RuntimeWarning})
    raw.facts.update({"reader_notes": notes} if notes else {})
    return raw


def read_layer(source: SourceFile, *, layer: str | None, **driver_options: str) -> RawTable:
    """A layer as it stands, with what the reader noted.

    Parameters
    ----------
    source : SourceFile
        The file, or its content.
    layer : str or None
        Which layer.
    **driver_options : str
        Options of the GDAL driver.

    Returns
    -------
    RawTable
    """
    import pyogrio

    def read() -> RawTable:
        target = io.BytesIO(source.data) if source.data else source.path
        about = pyogrio.read_info(target, layer=layer, **driver_options)
        refuse_too_many(source.where, max(about["features"], 0), MOST_ROWS, "rows")
        target = io.BytesIO(source.data) if source.data else source.path
        table = pyogrio.read_dataframe(
            target, layer=layer, datetime_as_string=True, **driver_options
        )
        return raw_of_layer(table, source.where, {})

    return _guarded(source.where, read)


def choose_layer(source: SourceFile, layer: str | None, table: str) -> str:
    """The layer that was named, the only one, or the one named as the table."""
    import pyogrio

    def names() -> list[str]:
        target = io.BytesIO(source.data) if source.data else source.path
        return [str(name) for name in pyogrio.list_layers(target)[:, 0]]

    listed: list[str] = _guarded_names(source.where, names)
    if layer is not None:
        if layer not in listed:
            raise OptionError(f"{source.where} has no layer {layer!r}; it has {', '.join(listed)}")
        return layer
    if len(listed) == 1:
        return listed[0]
    if table in listed:
        return table
    if not listed:
        raise DataError([Problem(source.where, "it holds no layer", "Export it again")])
    raise OptionError(
        f"{source.where} has several layers: {', '.join(listed)}; choose one with layer="
    )


def _guarded_names(where: str, names: Callable[[], list[str]]) -> list[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return names()
    except Exception as error:  # drivers raise all kinds of errors on broken files
        found = f"the file is broken ({type(error).__name__}: {str(error)[:300]})"
        raise DataError([Problem(where, found, "Export it again, or fetch it again")]) from error


def _check_size(source: SourceFile, layer: str) -> None:
    """Refuse a layer with far too many vertices before it is read; each takes 16 bytes."""
    try:
        with closing(_database(source)) as base:
            ask = "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?"
            names = [row[0].replace('"', '""') for row in base.execute(ask, (layer,))]
            table = layer.replace('"', '""')
            sizes = [
                base.execute(f'SELECT SUM(LENGTH("{name}")) FROM "{table}"').fetchone()[0]  # noqa: S608 names are quoted
                for name in names
            ]
    except (sqlite3.Error, AttributeError, TypeError) as error:
        raise DataError(
            [Problem(source.where, f"the file is broken ({error})", "Export it again")]
        ) from error
    # the rest of a geometry is a head of at most 100 bytes and its parts
    vertices = sum(size or 0 for size in sizes) // 16
    refuse_too_many(source.where, vertices, 2 * MOST_VERTICES + 6 * MOST_ROWS, "vertices")


def _database(source: SourceFile) -> sqlite3.Connection:
    address = f"{source.path.absolute().as_uri()}?mode=ro&immutable=1"
    return sqlite3.connect(address, uri=True)


def _check_sqlite(source: SourceFile) -> None:
    """Refuse a database with broken pages, which could be read in part, and one far too large."""
    try:
        with closing(_database(source)) as base:
            verdict = base.execute("PRAGMA quick_check(1)").fetchone()[0]
    except (sqlite3.Error, UnicodeError, TypeError) as error:
        raise DataError(
            [Problem(source.where, f"the file is broken ({error})", "Export it again")]
        ) from error
    if verdict != "ok":
        raise DataError(
            [Problem(source.where, f"the file is broken ({verdict})", "Export it again")]
        )
