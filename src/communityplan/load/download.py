"""OpenStreetMap over the network, once: the answer is kept as a file and read like any other.

Nothing else in the package uses the network. An answer is kept only when it is whole.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
import xml.etree.ElementTree as ET  # events are read, entities refused before
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely

from communityplan.errors import DataError, OptionError, Problem
from communityplan.load.osm import OsmLayers, read_osm

__all__ = ["OVERPASS", "download_osm"]

OVERPASS = "https://overpass-api.de/api/interpreter"
"""The endpoint that is asked unless another one is chosen."""

TRY_AGAIN = (429, 502, 503, 504)
LONGEST_PAUSE_S = 60.0
LARGEST_KM2 = 400.0
"""Larger areas are refused: an extract of the region is quicker and kinder [km2]."""


@dataclass(frozen=True)
class _Request:
    """How to ask."""

    endpoint: str
    tries: int
    pause_s: float
    timeout_s: float


def download_osm(
    place_or_polygon: str | shapely.Geometry | gpd.GeoDataFrame | gpd.GeoSeries,
    *,
    buffer_m: float,
    endpoint: str = OVERPASS,
    cache: str | Path | None = None,
    tries: int = 4,
    pause_s: float = 5.0,
    timeout_s: float = 180.0,
    **options: Any,
) -> OsmLayers:
    """Download an area from OpenStreetMap and read it.

    Parameters
    ----------
    place_or_polygon : str, Geometry or GeoDataFrame
        A place by name (looked up by OSMnx), a polygon in longitude and latitude (WGS-84), or a
        table with its coordinate system.
    buffer_m : float
        How far around it streets are read as well: people walk beyond the edge [m].
    endpoint : str
        Address of an Overpass server.
    cache : path, optional
        Folder to keep answers in; ``~/.cache/communityplan`` unless given.
    tries : int
        How often to ask when the server is busy or silent.
    pause_s : float
        Pause before asking again, doubled each time, at most a minute [s].
    timeout_s : float
        How long to wait for each answer [s].
    **options
        Options of `read_osm`.

    Returns
    -------
    OsmLayers

    Raises
    ------
    DataError
        Says what the server answered and what to do; nothing partial is kept.
    OptionError
        For an area that is empty or too large.

    Notes
    -----
    The same area is asked for once; delete the file in the cache to ask again. The map data is
    © OpenStreetMap contributors, ODbL 1.0.
    """
    if not (buffer_m >= 0 and tries >= 1 and pause_s >= 0 and timeout_s > 0):
        raise OptionError(
            f"buffer_m is {buffer_m}, tries {tries}, pause_s {pause_s}, timeout_s {timeout_s}: "
            "give numbers that are not negative, at least one try, and some time"
        )
    box = _box(place_or_polygon, buffer_m)
    query = _query(box, timeout_s)
    folder = Path(cache) if cache is not None else Path.home() / ".cache" / "communityplan"
    name = hashlib.sha256(f"{endpoint}\n{query}".encode()).hexdigest()[:24]
    file = folder / f"{name}.osm"
    if not file.is_file():
        request = _Request(endpoint, tries, pause_s, timeout_s)
        _keep(_answer(query, request), file)
    return read_osm(file, **options)


def _box(
    area: str | shapely.Geometry | gpd.GeoDataFrame | gpd.GeoSeries, buffer_m: float
) -> tuple[float, float, float, float]:
    """West, south, east, north in degrees, with the buffer around."""
    if isinstance(area, str):
        import osmnx

        shapes = osmnx.geocode_to_gdf(area).geometry
    elif isinstance(area, shapely.Geometry):
        shapes = gpd.GeoSeries([area], crs=4326)
    else:
        shapes = area.geometry
    if not len(shapes) or shapes.is_empty.all() or shapes.crs is None:
        raise OptionError("the area is empty or has no coordinate system")
    metric = shapes.to_crs(shapes.to_crs(4326).estimate_utm_crs())
    square = gpd.GeoSeries([shapely.box(*metric.total_bounds).buffer(buffer_m)], crs=metric.crs)
    km2 = float(shapely.box(*square.total_bounds).area) / 1e6
    if km2 > LARGEST_KM2:
        raise OptionError(
            f"the area is {km2:.0f} km2, more than {LARGEST_KM2:.0f}: read an extract of the "
            "region with read_osm instead"
        )
    west, south, east, north = square.to_crs(4326).total_bounds
    return float(west), float(south), float(east), float(north)


def _query(box: tuple[float, float, float, float], timeout_s: float) -> str:
    west, south, east, north = (f"{value:.6f}" for value in box)
    # ways and relations of the box with all their nodes, so that nothing is cut at its edge
    return (
        f"[out:xml][timeout:{timeout_s:.0f}][bbox:{south},{west},{north},{east}];"
        "(node;way;relation[type=multipolygon];);(._;>;);out body;"
    )


def _answer(query: str, request: _Request) -> bytes:
    """A whole answer of the server, asked again where that may help."""
    import requests

    pause_s, told = request.pause_s, ""
    for attempt in range(request.tries):
        if attempt:
            time.sleep(min(pause_s, LONGEST_PAUSE_S))
            pause_s *= 2
        try:
            found = requests.post(
                request.endpoint, data={"data": query}, timeout=(10, request.timeout_s)
            )
        except requests.RequestException as error:
            told = f"no answer ({type(error).__name__})"
            continue
        told = _wrong(found.status_code, found.content)
        if not told:
            return bytes(found.content)
        if found.status_code == 200 and "truncated" not in told and "error" in told:
            break
        if found.status_code not in (*TRY_AGAIN, 200):
            break
    todo = "Try again later, ask a smaller area, or choose another endpoint"
    raise DataError([Problem(request.endpoint, told, todo)])


def _wrong(status: int, content: bytes) -> str:
    """What is wrong with an answer, empty where it is whole."""
    if status != 200:
        return f"the server answered {status}"
    if b"<!DOCTYPE" in content[:2000] or b"<!ENTITY" in content[:2000]:
        return "an error: the answer is a web page, not map data"
    if not content.rstrip().endswith(b"</osm>"):
        return f"the answer is truncated ({len(content)} bytes)"
    try:
        root = ET.fromstring(content)  # noqa: S314  # entities were refused above
    except ET.ParseError as error:
        return f"the answer is truncated or damaged ({error})"
    remarks = [element.text or "" for element in root.iter("remark")]
    return f"the server remarked an error: {'; '.join(remarks).strip()}" if remarks else ""


def _keep(content: bytes, file: Path, *, move: Callable[..., None] = os.replace) -> None:
    """Write a file so that it is there whole or not at all."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(dir=file.parent, suffix=".part")
    except OSError as error:
        todo = "Choose another folder with cache="
        raise DataError(
            [Problem(str(file.parent), f"cannot be written ({error})", todo)]
        ) from error
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
        move(made, file)
    except OSError as error:
        Path(made).unlink(missing_ok=True)
        todo = "Make room, or choose another folder with cache="
        raise DataError([Problem(str(file), f"cannot be written ({error})", todo)]) from error
