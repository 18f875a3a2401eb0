"""Shapes as a page carries them: simplified, in millionths of a degree, as differences."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from communityplan.coordinates import convert_datum

__all__ = ["MILLIONTHS", "encode", "longitude_latitude"]

MILLIONTHS = 1_000_000
"""Steps to a degree; one step is about 0.1 m."""

RING, POLYGON = 2, 3
"""Numbers of these types in shapely."""

Ints = NDArray[np.int64]


def encode(shapes: gpd.GeoSeries, *, simplify_m: float, datum: str = "wgs84") -> dict[str, Any]:
    """Shapes as three lists of whole numbers, small in a page and quick to read there.

    Parameters
    ----------
    shapes : GeoSeries
        Points, lines or areas in any coordinate system; missing and empty ones stay as rows
        without parts.
    simplify_m : float
        How far a simplified line may lie from the original [m]; 0 keeps every point.
    datum : {"wgs84", "gcj02"}
        Datum of the ground it is drawn on.

    Returns
    -------
    dict
        ``parts``: pieces of each row; ``rings``: points of each piece; ``xy``: longitude and
        latitude of each point in millionths of a degree, less those of the point before.
        The closing point of a ring is left out.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from communityplan.maps.shapes import encode
    >>> encode(gpd.GeoSeries([shapely.Point(104, 30.5)], crs=4326), simplify_m=0)
    {'parts': [1], 'rings': [1], 'xy': [104000000, 30500000]}
    """
    degrees = longitude_latitude(shapes, simplify_m=simplify_m)
    pieces, row_of_piece = _pieces(degrees)
    places, piece_of_place = shapely.get_coordinates(pieces, return_index=True)
    if datum != "wgs84":
        shifted = convert_datum((places[:, 0], places[:, 1]), source="wgs84", target=datum)
        places = np.column_stack(shifted)
    steps = np.round(places * MILLIONTHS).astype(np.int64)
    is_ring = shapely.get_type_id(pieces) == RING
    kept = _worth_keeping(steps, piece_of_place, is_ring)
    steps, piece_of_place = steps[kept], piece_of_place[kept]
    differences = np.diff(steps, axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
    return {
        "parts": np.bincount(row_of_piece, minlength=len(shapes)).tolist(),
        "rings": np.bincount(piece_of_place, minlength=len(pieces)).tolist(),
        "xy": differences.ravel().tolist(),
    }


def longitude_latitude(shapes: gpd.GeoSeries, *, simplify_m: float = 0.0) -> NDArray[np.object_]:
    """Shapes in degrees of longitude and latitude (WGS 84), simplified in metres before.

    Parameters
    ----------
    shapes : GeoSeries
        In any coordinate system.
    simplify_m : float
        How far a simplified line may lie from the original [m].

    Returns
    -------
    array of shapely geometries
    """
    simpler = shapes
    if simplify_m > 0 and not (shapes.isna() | shapes.is_empty).all():
        metric = shapes if _in_metres(shapes) else shapes.to_crs(shapes.estimate_utm_crs())
        simpler = metric.simplify(simplify_m, preserve_topology=True)
    return np.asarray(simpler.to_crs(4326).to_numpy(), dtype=object)


def _in_metres(shapes: gpd.GeoSeries) -> bool:
    return bool(shapes.crs.is_projected and shapes.crs.axis_info[0].unit_name == "metre")


def _pieces(shapes: NDArray[np.object_]) -> tuple[NDArray[np.object_], Ints]:
    """Rings, lines and points with the row they belong to, in the order of the rows."""
    members, row_of_member = shapely.get_parts(shapes, return_index=True)
    parts, member_of_part = shapely.get_parts(members, return_index=True)
    row_of_part = row_of_member[member_of_part]
    there = ~shapely.is_empty(parts)
    parts, row_of_part = parts[there], row_of_part[there]
    area = shapely.get_type_id(parts) == POLYGON
    rings, area_of_ring = shapely.get_rings(parts[area], return_index=True)
    lines = parts[~area]
    # a closed wall is a line that comes back, not an area: its last point is needed
    loops = shapely.get_type_id(lines) == RING
    lines[loops] = [shapely.LineString(loop) for loop in lines[loops]]
    pieces = np.concatenate([rings, lines])
    row_of_piece = np.concatenate([row_of_part[area][area_of_ring], row_of_part[~area]])
    order = np.argsort(row_of_piece, kind="stable")
    return pieces[order], row_of_piece[order].astype(np.int64)


def _worth_keeping(
    steps: Ints, piece_of_place: Ints, is_ring: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """No point twice in a row, and no closing point of an area's ring."""
    same_piece = piece_of_place[1:] == piece_of_place[:-1]
    repeats = same_piece & (steps[1:] == steps[:-1]).all(axis=1)
    first_of_all = np.zeros(min(len(steps), 1), dtype=np.bool_)
    last = np.concatenate([~same_piece, ~first_of_all])
    closing = last & is_ring[piece_of_place]
    return ~(np.concatenate([first_of_all, repeats]) | closing)
