"""GeoJSON, read strictly: every feature counts, and a broken one is named."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from communityplan.errors import DataError, Problem
from communityplan.load.formats import SourceFile
from communityplan.load.raw import MOST_ROWS, MOST_VERTICES, RawTable, refuse_too_many
from communityplan.load.texts import decode

__all__ = ["read_geojson"]


def read_geojson(source: SourceFile, *, encoding: str | None) -> RawTable:
    """The features of a GeoJSON file.

    Raises
    ------
    DataError
        For text that is not GeoJSON, and for every feature that is none.
    TooLargeError
        Above the limits of rows and vertices.
    """
    positions = sum(1 for _ in re.finditer(rb"\[\s*[-\d]", source.data))
    refuse_too_many(source.where, positions, MOST_VERTICES, "vertices")
    decoded = decode(source.data, source.where, encoding=encoding)
    book = _parsed(decoded.text, source.where)
    features = _features(book, source.where)
    refuse_too_many(source.where, len(features), MOST_ROWS, "rows")
    problems: list[Problem] = []
    records, shapes = [], []
    for number, feature in enumerate(features, 1):
        record, shape, wrong = _feature(feature)
        records.append(record)
        shapes.append(shape)
        if wrong:
            place = f"{source.where}, row {number}"
            problems.append(Problem(place, wrong, "Draw this feature again, or delete it"))
    geometry = np.empty(len(shapes), dtype=object)
    geometry[:] = shapes
    facts = {"format": "geojson", "encoding": decoded.encoding, "encoding_how": decoded.how}
    return RawTable(
        pd.DataFrame(records, index=range(len(records)), dtype=object),
        np.arange(1, len(features) + 1, dtype=np.int64),
        source.where,
        geometry,
        _crs(book, source.where),
        facts,
        problems=problems,
    )


def _unusable(where: str, found: str, todo: str) -> DataError:
    return DataError([Problem(where, found, todo)])


def _parsed(text: str, where: str) -> dict[str, Any]:
    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is no number in JSON")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"the name {twice!r} stands twice in one object")
        return found

    try:
        book = json.loads(text, parse_constant=refuse, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise _unusable(where, f"broken JSON ({error})", "Export it again") from error
    if not isinstance(book, dict):
        raise _unusable(where, "JSON, but not GeoJSON", "Export it as GeoJSON")
    return book


def _features(book: dict[str, Any], where: str) -> list[Any]:
    kind = book.get("type")
    if kind == "Feature":
        return [book]
    features = book.get("features")
    if kind != "FeatureCollection" or not isinstance(features, list):
        found = f"JSON of type {kind!r}, not a GeoJSON FeatureCollection"
        raise _unusable(where, found, "Export it as GeoJSON")
    if not features:
        raise _unusable(where, "it holds no features", "Leave the file out, or export it again")
    return features


def _feature(feature: Any) -> tuple[dict[str, Any], Any, str]:
    """Properties, geometry and what is wrong with one feature."""
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        return {}, None, "it is no Feature"
    properties = feature.get("properties") or {}
    if not isinstance(properties, dict):
        return {}, None, "its properties are no list of names and values"
    record = {
        str(name).strip(): json.dumps(cell, ensure_ascii=False)
        if isinstance(cell, dict | list)
        else cell
        for name, cell in properties.items()
    }
    shape, wrong = _shape(feature.get("geometry"))
    return record, shape, wrong


def _shape(geometry: Any) -> tuple[Any, str]:
    if geometry is None:
        return None, ""
    if not isinstance(geometry, dict):
        return None, "its geometry is no GeoJSON"
    wrong = _position_problem(geometry)
    if wrong:
        return None, wrong
    try:
        return shapely.from_geojson(json.dumps(geometry)), ""
    except (shapely.errors.ShapelyError, ValueError, TypeError, RecursionError) as error:
        return None, f"its geometry is no GeoJSON ({error})"


_DEPTH = {
    "Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2,
    "MultiPolygon": 3,
}  # fmt: skip


def _position_problem(geometry: dict[str, Any]) -> str:
    """What is wrong with the coordinates, looked at before they are handed to the library."""
    kind = geometry.get("type")
    if kind not in _DEPTH:
        return f"its geometry is a {kind}"
    level: list[Any] = [geometry.get("coordinates")]
    for _ in range(_DEPTH[kind]):
        if not all(isinstance(part, list) for part in level):
            return "its coordinates are not nested as they should be"
        level = [inner for part in level for inner in part]
    for position in level:
        good = isinstance(position, list) and (2 <= len(position) <= 4 or not position)
        if not good or not all(type(value) in (int, float) for value in position):
            return f"{json.dumps(position)[:60]} is no position (longitude, latitude)"
    return ""


def _crs(book: dict[str, Any], where: str) -> CRS:
    """WGS-84 as the standard says, unless the file names another system as old ones do."""
    named = book.get("crs")
    if named is None:
        return CRS.from_epsg(4326)
    try:
        name = str(named["properties"]["name"])
        return CRS.from_epsg(4326) if "CRS84" in name else CRS.from_user_input(name)
    except (CRSError, KeyError, TypeError) as error:
        found = f"its coordinate system {named!r} is not known"
        raise _unusable(where, found, "Take the crs out, or export it as WGS-84") from error
