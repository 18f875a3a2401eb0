"""Files and spreadsheets become checked tables: what was found, what was changed, what is wrong."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from communityplan.errors import OptionError, Problem, TableError
from communityplan.load.cells import coerce, is_missing, is_total
from communityplan.load.findings import contract_problems, shown
from communityplan.load.formats import SourceFile, identify, unpack_shapefile
from communityplan.load.geojson import read_geojson
from communityplan.load.headings import POSITION, Headings, Mapped, known_headings, plain
from communityplan.load.kml import read_kml
from communityplan.load.layers import read_geopackage, read_geoparquet
from communityplan.load.place import Wanted, locate, metric_points, wanted_systems
from communityplan.load.raw import RawTable
from communityplan.load.shapefile import read_shapefile
from communityplan.load.texts import read_csv
from communityplan.load.workbook import read_workbook
from communityplan.tables import TABLES, Table, record

__all__ = ["Changes", "read_table"]


class Changes(list[dict[str, Any]]):
    """What was changed while reading: one dict per cell or row, with row, column, found, became.

    pandas copies `.attrs` with every table that is made from another; this list is never changed
    and so is shared instead.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> Changes:
        return self


def read_table(
    path: str | Path,
    kind: str | Table,
    *,
    datum: str | None = None,
    columns: Mapping[str, str | None] | str | Path | None = None,
    encoding: str | None = None,
    crs: Any = None,
    source_crs: Any = None,
    layer: str | None = None,
    sheet: str | None = None,
    make_keys: bool = False,
    mend: bool = False,
) -> gpd.GeoDataFrame | pd.DataFrame:
    r"""A file as a checked table in metres, or one error that lists everything wrong with it.

    CSV (also packed with gzip), XLSX, shapefile (also zipped), GeoPackage, GeoJSON, KML and
    GeoParquet are read; what a file is, its content tells. Encodings, headings, units and Chinese
    numbers are recognised as ``docs/own_data.md`` describes.

    Parameters
    ----------
    path : str or Path
        A local file.
    kind : str or Table
        The table it holds, a key of `communityplan.tables.TABLES`, or a contract of your own.
    datum : {"wgs84", "gcj02", "bd09", "cgcs2000"}, optional
        Datum of the coordinates. Coordinates in degrees without a coordinate system need it; where
        a file names a system in degrees, it goes before what the file says.
    columns : mapping, str or Path, optional
        Column by heading, for headings that are not known; None as the column leaves a heading
        aside. Or the path of a TOML file with more headings, of the form of ``headings.toml``.
    encoding : str, optional
        Encoding of the text, in place of the one detected.
    crs : object, optional
        Metric system of the result, anything pyproj understands; the UTM zone of the data unless
        given.
    source_crs : object, optional
        System of the coordinates, where the file does not say or says wrongly.
    layer, sheet : str, optional
        Layer of a map file, sheet of a workbook.
    make_keys : bool
        Make the missing key of each row from the number of the row.
    mend : bool
        Mend areas whose outline crosses itself; each is noted.

    Returns
    -------
    GeoDataFrame or DataFrame
        One row per row of the file, the columns of the contract first, the others carried along;
        a plain table where the contract has no geometry. ``.attrs["communityplan"]`` holds how it
        was read, and under ``changes`` every cell that was changed: row (as the user sees it),
        column, found, became.

    Raises
    ------
    OptionError
        For an option without meaning, and where an option is needed: above all the datum.
    DataError, TableError
        Lists everything that is wrong: file, row as the spreadsheet counts it, what was found,
        what to do.
    TooLargeError
        Above 500 MB, 1,000,000 rows or 5,000,000 vertices.
    MissingLibraryError
        For XLSX without openpyxl, and for GeoParquet without pyarrow.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from communityplan.load.files import read_table
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "homes.csv"
    >>> text = "楼栋编号,小区,居住人数,经度,纬度\n1,a,\"1,200人\",121.4440,31.1346\n"
    >>> _ = path.write_bytes(text.encode("gbk"))
    >>> homes = read_table(path, "homes", datum="bd09")
    >>> homes.residents.tolist(), homes.crs.to_epsg()
    ([1200.0], 32651)
    >>> homes.attrs["communityplan"]["encoding"]
    'gb18030'
    >>> homes.attrs["communityplan"]["changes"]
    [{'row': 2, 'column': 'residents', 'found': '1,200人', 'became': 1200.0}]
    """
    headings = known_headings(_contract(kind), columns)
    wanted = wanted_systems(datum=datum, source_crs=source_crs, crs=crs)
    raw = _read(identify(path), headings, encoding=encoding, layer=layer, sheet=sheet)
    mapped = headings.map(
        map(str, raw.frame), raw.where, cut_at=10 if raw.facts["format"] == "shapefile" else None
    )
    _warn_of_datum(mapped, datum)
    reading = _Reading(raw, headings.contract, mapped, raw.frame.rename(columns=mapped.columns))
    table: Any = _coerced(reading)
    if make_keys:
        _make_keys(table, reading)
    if reading.contract.geometry:
        table = _placed(table, reading, wanted, mend=mend)
    problems = [*raw.problems, *mapped.problems, *_totals(reading), *reading.problems]
    problems += contract_problems(
        raw, table, reading.contract, mapped=mapped, refused=reading.refused, earlier=problems
    )
    if problems:
        raise TableError(problems)
    facts = {**raw.facts, "headings": mapped.columns, "unmapped": mapped.unmapped, **reading.facts}
    options = {"datum": datum, "encoding": encoding, "layer": layer, "sheet": sheet, "crs": crs}
    idle = [name for name, value in options.items() if value is not None and name not in facts]
    if idle:
        facts["without_effect"] = idle
    changes = Changes([*raw.changes, *reading.changes])
    return record(table, file=str(path), kind=headings.contract.name, **facts, changes=changes)


@dataclass(frozen=True)
class _Reading:
    """One table on its way from cells to columns, and what is learnt of it on the way."""

    raw: RawTable
    contract: Table
    mapped: Mapped
    named: pd.DataFrame
    refused: dict[tuple[int, str], Problem] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def change(self, row: int, column: str, found: Any, became: Any) -> None:
        number = int(self.raw.rows[row])
        self.changes.append({"row": number, "column": column, "found": found, "became": became})


def _contract(kind: str | Table) -> Table:
    if isinstance(kind, Table):
        return kind
    if kind not in TABLES:
        raise OptionError(f"no table {kind!r}; known are {', '.join(TABLES)}")
    return TABLES[kind]


def _read(source: SourceFile, headings: Headings, **options: str | None) -> RawTable:
    """The cells of a file, by the reader of its format."""
    name, encoding = headings.contract.name, options["encoding"]
    readers: dict[str, Callable[[], RawTable]] = {
        "csv": lambda: read_csv(source, headings, encoding=encoding),
        "xlsx": lambda: read_workbook(source, headings, sheet=options["sheet"]),
        "geojson": lambda: read_geojson(source, encoding=encoding),
        "kml": lambda: read_kml(source, encoding=encoding, layer=options["layer"], table=name),
        "geopackage": lambda: read_geopackage(source, layer=options["layer"], table=name),
        "geoparquet": lambda: read_geoparquet(source),
        "shapefile": lambda: read_shapefile(source, encoding=encoding),
        "zip": lambda: _read_zip(source, encoding),
    }
    return readers[source.format]()


def _read_zip(source: SourceFile, encoding: str | None) -> RawTable:
    with tempfile.TemporaryDirectory() as folder:
        return read_shapefile(unpack_shapefile(source, Path(folder)), encoding=encoding)


def _warn_of_datum(mapped: Mapped, datum: str | None) -> None:
    """Warn when a heading names another datum than the user."""
    hints = {
        "bd09": "bd-?09|百度|baidu",
        "gcj02": "gcj-?02|高德|火星|amap|腾讯",
        "wgs84": "wgs-?84|gps",
    }
    for heading, column in mapped.columns.items():
        said = [name for name, words in hints.items() if re.search(words, plain(heading))]
        if column in POSITION and said and datum is not None and datum not in said:
            warnings.warn(
                f"the heading {heading!r} speaks of {said[0]}, but datum={datum!r} was given",
                UserWarning,
                stacklevel=3,
            )


def _coerced(reading: _Reading) -> pd.DataFrame:
    """The columns of the contract in their kinds, then the others as they are."""
    raw, named, factors = reading.raw, reading.named, reading.mapped.factors
    for name, size in factors.items():
        became = f"numbers times {size:g}"
        reading.changes.append(
            {"row": None, "column": name, "found": "unit of the heading", "became": became}
        )
    data: dict[str, pd.Series[Any]] = {}
    for name, column in reading.contract.columns.items():
        if name not in named:
            continue
        done = coerce(named[name], name, column, factor=factors.get(name, 1.0))
        data[name] = done.cells
        for row, (found, became) in done.changed.items():
            reading.change(row, name, found, became)
        for row, (found, todo) in done.refused.items():
            text = f"{shown(name, reading.mapped)} is {found}"
            reading.refused[row, name] = Problem(f"{raw.where}, row {raw.rows[row]}", text, todo)
    for name in map(str, named):
        if name not in data and name not in POSITION:
            data[name] = named[name].infer_objects()
    return pd.DataFrame(data, index=range(len(named)))


def _make_keys(table: pd.DataFrame, reading: _Reading) -> None:
    """Keys from the numbers of the rows, in a table of ours, where they are missing."""
    key = reading.contract.key
    if key is None:
        return
    if key not in table:
        table.insert(0, key, pd.Series([None] * len(table), dtype=object))
    keys = table[key].tolist()
    for row in [row for row, cell in enumerate(keys) if is_missing(cell)]:
        keys[row] = f"{key.removesuffix('_id')}-{reading.raw.rows[row]}"
        reading.change(row, key, None, keys[row])
    table[key] = keys


def _totals(reading: _Reading) -> list[Problem]:
    """Rows that sum up the others: read as a row, they would count everybody twice."""
    first = reading.named.iloc[:, :4]
    sums = first.map(is_total).any(axis=1).to_numpy() if len(first) else np.zeros(0, dtype=bool)
    return [
        Problem(
            f"{reading.raw.where}, row {reading.raw.rows[row]}",
            "this row sums up others (合计)",
            "Delete it; it would count everything twice",
        )
        for row in np.flatnonzero(sums)
    ]


def _placed(
    table: pd.DataFrame, reading: _Reading, wanted: Wanted, *, mend: bool
) -> gpd.GeoDataFrame:
    """The table with its geometry in metres, and doors with it."""
    raw, named = reading.raw, reading.named
    places = {name: named[name] for name in POSITION if name in named}
    located = locate(raw, places, reading.contract, wanted)
    reading.refused.update({(row, "geometry"): wrong for row, wrong in located.problems.items()})
    reading.changes.extend(located.changes)
    reading.problems.extend(located.table_problems)
    reading.facts.update(located.facts)
    shapes = located.shapes.set_axis(table.index)
    if mend:
        shapes = _mended(shapes, reading)
    if "door" in table and shapes.crs is not None and located.source is not None:
        table["door"], wrong = metric_points(raw, table["door"], wanted, located)
        reading.refused.update({(row, "door"): problem for row, problem in wrong.items()})
    others = table.rename(columns={"geometry": "geometry (found)"})
    return gpd.GeoDataFrame(others, geometry=shapes)


def _mended(shapes: gpd.GeoSeries, reading: _Reading) -> gpd.GeoSeries:
    """Areas whose outline crosses itself, made valid; only their areas are kept."""
    values = shapes.to_numpy().copy()
    areas = np.isin(shapely.get_type_id(values), (3, 6))
    for row in np.flatnonzero(areas & ~shapely.is_valid(values)):
        before = values[row]
        parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(before)))
        values[row] = shapely.union_all(parts[np.isin(shapely.get_type_id(parts), (3, 6))])
        became = f"mended, {before.area:.0f} to {values[row].area:.0f} m2"
        reading.change(int(row), "geometry", shapely.is_valid_reason(before), became)
    return gpd.GeoSeries(values, index=shapes.index, crs=shapes.crs)
