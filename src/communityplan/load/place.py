"""Where the rows of a table lie: coordinates of any column, datum and system become metres."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Proj
from pyproj.exceptions import CRSError, ProjError

from communityplan.coordinates import (
    DATUM_USERS,
    DATUMS,
    convert_datum,
    recognise_cgcs2000,
)
from communityplan.errors import OptionError, Problem
from communityplan.load.cells import clean
from communityplan.load.headings import near_positions
from communityplan.load.positions import PAIR, found_shapes, from_text, row_at, tidied
from communityplan.load.raw import MOST_VERTICES, RawTable, refuse_too_many
from communityplan.load.sense import middles_of, misplaced, outside_china, swapped
from communityplan.tables import Table

__all__ = ["Located", "Wanted", "locate", "metric_points", "wanted_systems"]

Shapes = NDArray[Any]


@dataclass(frozen=True)
class Wanted:
    """The systems that the user names.

    Attributes
    ----------
    datum : str or None
        Datum of the coordinates in the file: one of `DATUMS` or ``"cgcs2000"``.
    source_crs : pyproj.CRS or None
        Coordinate system of the file, where it does not say or says wrongly.
    crs : pyproj.CRS or None
        Metric system that is wanted.
    """

    datum: str | None = None
    source_crs: CRS | None = None
    crs: CRS | None = None


@dataclass(frozen=True)
class Located:
    """The geometry of a table in metres.

    Attributes
    ----------
    shapes : GeoSeries
        In one projected system; None where there is a problem.
    facts : dict
        Datum and systems that were used.
    changes : list of dict
        What was changed, as in `RawTable`.
    problems : dict of int to Problem
        By position of the row.
    table_problems : list of Problem
        Those of the whole table.
    source : pyproj.CRS or None
        The system the coordinates were in.
    """

    shapes: gpd.GeoSeries
    facts: dict[str, Any] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    problems: dict[int, Problem] = field(default_factory=dict)
    table_problems: list[Problem] = field(default_factory=list)
    source: CRS | None = None


def wanted_systems(*, datum: str | None, source_crs: Any, crs: Any) -> Wanted:
    """The systems named by the user, looked up.

    Raises
    ------
    OptionError
        For a datum or a system that is not known, or a wanted one that is not in metres.
    """
    if datum is not None and datum not in (*DATUMS, "cgcs2000"):
        raise OptionError(f"no datum {datum!r}; known are {DATUM_USERS}, and 'cgcs2000'")
    return Wanted(datum, _system(source_crs, "source_crs"), _metric(_system(crs, "crs")))


def locate(
    raw: RawTable, columns: Mapping[str, pd.Series[Any]], contract: Table, wanted: Wanted
) -> Located:
    """The geometry of a raw table, in metres.

    Parameters
    ----------
    raw : RawTable
        Rows, and geometry where the format has it.
    columns : mapping of str to Series
        Columns with positions: lon and lat, x and y, lonlat, or geometry as well-known text.
    contract : Table
        The table that is read.
    wanted : Wanted
        What the user says of datum and systems.

    Returns
    -------
    Located

    Raises
    ------
    OptionError
        When the datum or the system has to be named.
    """
    problems: dict[int, Problem] = {}
    shapes, source = found_shapes(raw, columns, problems)
    if shapes is None:
        return _nowhere(raw, contract)
    refuse_too_many(
        raw.where, int(shapely.get_num_coordinates(shapes).sum()), MOST_VERTICES, "vertices"
    )
    facts: dict[str, Any] = {"geometry_from": source}
    changes: list[dict[str, Any]] = []
    shapes = tidied(shapes, contract, raw, facts, changes)
    middles = middles_of(shapes)
    if not np.isfinite(middles).all(axis=1).any():
        empty = gpd.GeoSeries(shapes, crs=wanted.crs)
        return Located(empty, facts, changes, problems, [])
    crs, shapes, wrong = _source_system(raw, shapes, middles, wanted, facts)
    if wrong:
        return Located(gpd.GeoSeries(shapes), facts, changes, problems, [wrong])
    return _projected(
        raw, shapes, crs, wanted, Located(gpd.GeoSeries(shapes), facts, changes, problems)
    )


def _system(named: Any, option: str) -> CRS | None:
    if named is None:
        return None
    try:
        return CRS.from_user_input(named)
    except (CRSError, TypeError, ValueError) as error:
        raise OptionError(f"{option}={named!r} is no coordinate system; try 'EPSG:4549'") from error


def _metric(crs: CRS | None) -> CRS | None:
    if crs is not None and not _is_metric(crs):
        raise OptionError(f"crs={crs.to_string()!r} is not projected in metres; try 'EPSG:4549'")
    return crs


def _is_metric(crs: CRS) -> bool:
    return bool(crs.is_projected and crs.axis_info[0].unit_name == "metre")


def _nowhere(raw: RawTable, contract: Table) -> Located:
    headings = ", ".join(str(name) for name in raw.frame) or "none"
    found = f"no column says where the rows lie; the headings are: {headings}"
    todo = (
        "Name the columns: columns={'...': 'lon', '...': 'lat'}, or 'geometry' for well-known text"
    )
    near = near_positions(map(str, raw.frame), contract)
    if near:
        pairs = ", ".join(f"{heading!r}: {column!r}" for heading, column in near.items())
        todo = f"Is it columns={{{pairs}}}? Name both columns, or 'geometry' for well-known text"
    if contract.geometry[0] != "Point":
        todo = "Give a map file, or columns={'...': 'geometry'} for well-known text"
    none = gpd.GeoSeries([None] * len(raw.rows))
    return Located(none, table_problems=[Problem(raw.where, found, todo)])


def _source_system(
    raw: RawTable,
    shapes: Shapes,
    middles: NDArray[np.float64],
    wanted: Wanted,
    facts: dict[str, Any],
) -> tuple[CRS | None, Shapes, Problem | None]:
    """The system the coordinates are in, with axes put right where they can only be swapped."""
    known = middles[np.isfinite(middles).all(axis=1)]
    in_degrees = bool((np.median(np.abs(known), axis=0) <= 180.0).all())
    crs = wanted.source_crs or raw.crs
    if crs is not None and not (crs.is_geographic or crs.is_projected):
        crs = None
    if crs is None:
        crs = _unnamed_system(raw, known, wanted, in_degrees=in_degrees)
    elif crs.is_geographic != in_degrees:
        return crs, shapes, _mislabelled(raw, crs, known)
    look = recognise_cgcs2000(known[:, 0], known[:, 1])
    code = crs.to_epsg()
    if code is None or not 4491 <= code <= 4554 or not look.epsg:
        return crs, shapes, None
    if code not in look.epsg:
        return crs, shapes, _wrong_zone(raw, crs, known, look.epsg)
    if look.swapped:
        facts["axes_swapped"] = True
        shapes = shapely.transform(shapes, lambda xy: xy[:, ::-1])
    return crs, shapes, None


def _unnamed_system(
    raw: RawTable, known: NDArray[np.float64], wanted: Wanted, *, in_degrees: bool
) -> CRS:
    x, y = known[0]
    if in_degrees and wanted.datum is None:
        raise OptionError(
            f"{raw.where}: coordinates in degrees, such as ({x:g}, {y:g}), and no word on their "
            f"datum. Give datum={DATUM_USERS}. The wrong one moves everything by 100 to 1,500 m; "
            "guess_datum measures which one fits the streets"
        )
    if in_degrees:
        return CRS.from_epsg(4490 if wanted.datum == "cgcs2000" else 4326)
    look = recognise_cgcs2000(known[:, 0], known[:, 1])
    if wanted.datum == "cgcs2000" and len(look.epsg) == 1:
        return CRS.from_epsg(look.epsg[0])
    zones = ", ".join(f"EPSG:{code}" for code in look.epsg[:3])
    hint = (
        f"In CGCS2000 they would fit {zones}{' ...' if len(look.epsg) > 3 else ''}. "
        if zones
        else ""
    )
    raise OptionError(
        f"{raw.where}: coordinates in metres, such as ({x:g}, {y:g}), and no word on their "
        f"system. {hint}Name it with source_crs=, such as source_crs='EPSG:4549'; Xi'an 1980 and "
        "Beijing 1954 use the same numbers some 100 m away, so it cannot be guessed"
    )


def _mislabelled(raw: RawTable, crs: CRS, known: NDArray[np.float64]) -> Problem:
    x, y = known[0]
    unit = "degrees" if crs.is_geographic else "metres"
    return Problem(
        raw.where,
        f"said to be in {unit} ({crs.name}), but the coordinates are such as ({x:.9g}, {y:.9g})",
        "Name the right system with source_crs=, such as 'EPSG:4549' or 'EPSG:4326'",
    )


def _wrong_zone(
    raw: RawTable, crs: CRS, known: NDArray[np.float64], fits: tuple[int, ...]
) -> Problem:
    place = f"({known[0, 0]:.10g}, {known[0, 1]:.10g})"
    # the same meridian with and without the number of the zone before the easting
    code = int(crs.to_epsg() or 0)
    twin = code + 21 if code < 4534 else code - 21
    likely = twin if twin in fits else fits[0]
    return Problem(
        raw.where,
        f"said to be in {crs.name} ({crs.to_string()}), but {place} does not lie there",
        f"Name the right zone, such as source_crs='EPSG:{likely}'",
    )


def _projected(
    raw: RawTable, shapes: Shapes, crs: CRS | None, wanted: Wanted, located: Located
) -> Located:
    """Datum undone, rows that lie nowhere sensible named, and the rest in metres."""
    series = _labelled(shapes, crs, wanted)
    turned = swapped(raw, series)
    if turned:
        return replace(located, table_problems=[turned])
    degrees = series if series.crs.is_geographic else series.to_crs(4326)
    middles = middles_of(degrees.to_numpy())
    bad = misplaced(raw, middles, located.problems, check_spread=wanted.crs is None)
    series = series.where(~np.isin(np.arange(len(series)), list(bad)))
    facts = {
        **located.facts,
        "datum": wanted.datum or "as the file says",
        "source_crs": _name(CRS.from_user_input(series.crs)),
    }
    if wanted.datum in ("gcj02", "bd09"):
        facts["datum_without_effect"] = outside_china(middles)
    located = replace(located, problems={**located.problems, **bad}, facts=facts, source=crs)
    if not series.notna().any():
        return located
    try:
        target = _target(series, wanted)
        moved = _metres(series, wanted, target)
    except OptionError:
        raise
    except (CRSError, ProjError, RuntimeError, ValueError) as error:
        found = f"the coordinates cannot be projected ({error})"
        todo = "Check them, or give crs=, such as crs='EPSG:4549'"
        return replace(located, table_problems=[Problem(raw.where, found, todo)])
    return replace(located, shapes=moved, facts={**facts, "crs": _name(target)})


def _target(series: gpd.GeoSeries, wanted: Wanted) -> CRS:
    """The system asked for, else that of the file where it is true to scale, else the UTM zone."""
    degrees = series[series.notna()].to_crs(4326)
    west, south, east, north = degrees.total_bounds
    middle = ((west + east) / 2.0, (south + north) / 2.0)
    if wanted.crs is not None:
        stretch = _stretch(wanted.crs, middle)
        if stretch > 0.01:
            raise OptionError(
                f"crs={wanted.crs.to_string()!r} ({wanted.crs.name}) stretches lengths by "
                f"{stretch:.1%} here; take a zone of the place, such as "
                f"{degrees.estimate_utm_crs().to_string()}, or leave crs out"
            )
        return wanted.crs
    found = CRS.from_user_input(series.crs)
    if _is_metric(found) and _stretch(found, middle) < 0.001:
        return found
    return CRS.from_user_input(degrees.estimate_utm_crs())


def _stretch(crs: CRS, middle: tuple[float, float]) -> float:
    """By how much a system stretches or shrinks lengths at a place, as a share."""
    try:
        factors = Proj(crs).get_factors(*middle)
    except ProjError:
        return 1.0
    scales = (factors.meridional_scale, factors.parallel_scale)
    return max(abs(scale - 1.0) for scale in scales)


def _name(crs: CRS) -> str:
    """The code of a system, or what it calls itself."""
    code = crs.to_authority(min_confidence=70)
    if code is not None:
        return ":".join(code)
    way = crs.coordinate_operation
    return crs.name if way is None else f"{crs.name}, {way.name}"


def _labelled(shapes: Shapes, crs: CRS | None, wanted: Wanted) -> gpd.GeoSeries:
    """Geometry under the system it is in; a datum that was named goes before a label in degrees."""
    series = gpd.GeoSeries(shapes, crs=crs)
    if wanted.datum is None or not series.crs.is_geographic:
        return series
    return series.set_crs(4490 if wanted.datum == "cgcs2000" else 4326, allow_override=True)


def _metres(series: gpd.GeoSeries, wanted: Wanted, target: CRS) -> gpd.GeoSeries:
    if wanted.datum in ("gcj02", "bd09"):
        series = convert_datum(series.to_crs(4326), source=wanted.datum, target="wgs84")
    return series.to_crs(target)


def metric_points(
    raw: RawTable, cells: pd.Series[Any], wanted: Wanted, located: Located
) -> tuple[pd.Series[Any], dict[int, Problem]]:
    """Points that stand as text in a column of their own, as text in the metres of the table.

    Parameters
    ----------
    raw : RawTable
        The table.
    cells : Series
        Well-known text, or longitude and latitude with a comma between; empty cells stay empty.
    wanted : Wanted
        Datum of the points, the same as that of the table.
    located : Located
        The geometry of the table.

    Returns
    -------
    Series, dict of int to Problem
        Well-known text to the millimetre, and what is wrong by position.
    """
    problems: dict[int, Problem] = {}
    pairs = cells.map(
        lambda cell: isinstance(cell, str) and bool(PAIR.fullmatch(clean(cell).upper()))
    )
    as_text = cells.where(~pairs, cells.map(lambda cell: f"POINT ({str(cell).replace(',', ' ')})"))
    shapes = from_text(raw, as_text, problems)
    for row in np.flatnonzero(shapely.get_type_id(shapes) > 0):
        found = f"{cells.name} is a {shapes[row].geom_type}"
        problems[int(row)] = Problem(row_at(raw, int(row)), found, "Give a point")
    if located.facts.get("axes_swapped"):
        shapes = shapely.transform(shapes, lambda xy: xy[:, ::-1])
    moved = _metres(_labelled(shapes, located.source, wanted), wanted, located.shapes.crs)
    text = shapely.to_wkt(moved.to_numpy(), rounding_precision=3)
    return pd.Series(text, index=cells.index, name=cells.name, dtype=object), problems
