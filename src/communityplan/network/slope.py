"""An elevation raster -> the climb of every edge, sampled where its ends are and along it.

Elevation belongs to places, so the climb of an edge is the difference between its ends: whoever
walks a round comes back to the height they left. A long edge that rises and falls between its ends
is split where its profile bends, for a net climb of nothing would time a hill as a plain.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import spsolve

from communityplan.errors import DataError, OptionError, Problem
from communityplan.load.raster import Raster, RasterSource, cell_size_m, read_raster, to_pixels

__all__ = ["COARSE_CELL_M", "PROFILE_TOLERANCE_M", "Elevation", "climb_edges", "sample"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

COARSE_CELL_M = 50.0
"""Larger cells blur the slopes that people feel on a street [m]."""

PROFILE_TOLERANCE_M = 1.0
"""How far, in height, the profile of an edge may bend from a straight line before it is split [m].
Finer than the error of free elevation models, which is several metres."""

SPLIT_FROM_CELLS = 2.0
"""Only edges longer than this many cells are split: the raster knows no more of shorter ones."""

METRES = {"m": 1.0, "ft": 0.3048, "us-ft": 1200 / 3937}
"""Metres in a unit of height."""

_UNITS = {
    "m": ("m", "metre", "metres", "meter", "meters", "米"),
    "ft": ("ft", "foot", "feet", "international foot", "英尺"),
    "us-ft": ("us-ft", "ftus", "us survey foot", "us survey feet", "foot_us"),
}


@dataclass(frozen=True)
class Elevation:
    """An elevation raster and how to read it.

    Attributes
    ----------
    source : str, Path, Raster or rasterio dataset
        Heights of the ground, best without buildings and trees.
    z_unit : {"m", "ft", "us-ft"} or None
        Unit of the heights; the one the file tells unless given, metres where it tells none.
    band : int
        Band of the file, from 1.
    """

    source: RasterSource
    z_unit: str | None = None
    band: int = 1


@dataclass(frozen=True)
class _Ground:
    """Nodes at one place, of which barriers make several, have one height."""

    place: Ints
    xy: Floats


def climb_edges(
    nodes: gpd.GeoDataFrame, edges: gpd.GeoDataFrame, elevation: Elevation | RasterSource
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, pd.DataFrame, dict[str, Any]]:
    """Give every edge its climb, and split the long ones that rise and fall.

    Parameters
    ----------
    nodes, edges : GeoDataFrame
        As in `WalkNetwork`, in metres; ``level`` of an edge begins with ``bridge`` or ``tunnel``
        where it does not lie on the ground.
    elevation : Elevation, or its source
        A raster; see `Elevation` for its unit and band.

    Returns
    -------
    tuple of GeoDataFrame, GeoDataFrame, DataFrame, dict
        Nodes; edges with ``climb_m`` [m]; what was decided, as rows of the report; what was used.

    Raises
    ------
    DataError
        No coordinate system, no overlap, or no heights where the edges are.
    OptionError
        For a unit that is not known.

    Notes
    -----
    Heights are bilinear between the middles of cells. A climb that the streets bring along is
    kept. Bridges and tunnels are straight between the places where they meet the ground. Steps
    that are shorter than a cell, or that lead to a bridge or tunnel, keep the height of the rule
    for steps (`walker.STEP_RISE_PER_RUN`): the raster does not see them.
    """
    wanted = elevation if isinstance(elevation, Elevation) else Elevation(elevation)
    raster, told = _read(wanted, edges)
    ground = _ground(nodes)
    off_ground = edges["level"].astype(str).str.match("bridge|tunnel").to_numpy(dtype=bool)
    height = sample(raster, ground.xy, crs=edges.crs)
    if np.isnan(height).all():
        todo = "Give a raster with heights in this district"
        raise DataError([Problem(raster.name, "no heights where the streets are", todo)])
    height = _straight_over(edges, ground, off_ground, height)
    kinds = _kinds(edges, ground, off_ground, cell_m=told["cell_m"])
    climbs = height[ground.place[edges["v"]]] - height[ground.place[edges["u"]]]
    climb_m = np.where(kinds == "given", edges["climb_m"], climbs)
    climb_m[kinds == "steps"] = np.nan
    edges = edges.assign(climb_m=np.where(kinds == "gate", 0.0, climb_m))
    found = _findings(edges, kinds, raster, told)
    bends = _bends(edges, kinds, raster, cell_m=told["cell_m"])
    nodes, edges = _split(nodes, edges, bends)
    split = ("edge split where its slope changes", "", len(bends), np.nan)
    found += [split] if bends else []
    table = pd.DataFrame(found, columns=["what", "detail", "count", "length_m"])
    return nodes, edges, table, told


def sample(raster: Raster, xy: Floats, *, crs: Any) -> Floats:
    """Heights between the middles of cells, bilinear.

    Parameters
    ----------
    raster : Raster
    xy : array of float, shape (P, 2)
    crs : object
        Coordinate system of `xy`.

    Returns
    -------
    array of float, shape (P,)
        Nan outside the raster and where the cell has no data. Beside a cell without data, or
        beyond the middle of the last cell, the cells that are left share its weight.

    Examples
    --------
    >>> import numpy as np
    >>> from communityplan.load.raster import Raster
    >>> from communityplan.network.slope import sample
    >>> ramp = Raster([[0.0, 10.0], [0.0, 10.0]], (30, 0, 0, 0, -30, 60), "EPSG:32650")
    >>> sample(ramp, np.array([[15.0, 30.0], [30.0, 30.0], [90.0, 30.0]]), crs="EPSG:32650")
    array([ 0.,  5., nan])
    """
    pixels = to_pixels(raster, xy, crs=crs)
    rows, columns = raster.values.shape
    inside = ((pixels >= 0) & (pixels <= (columns, rows))).all(axis=1)
    held = np.where(inside[:, None], pixels, 0.5)
    first = np.floor(held - 0.5)
    share = held - 0.5 - first
    total, weight = np.zeros(len(xy)), np.zeros(len(xy))
    for across in (0, 1):
        for down in (0, 1):
            column, row = (first + (across, down)).astype(np.int64).T
            known = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
            value = raster.values[row.clip(0, rows - 1), column.clip(0, columns - 1)]
            known &= ~np.isnan(value)
            part = np.abs(1 - across - share[:, 0]) * np.abs(1 - down - share[:, 1]) * known
            total += part * np.where(known, value, 0.0)
            weight += part
    own = np.minimum(np.floor(held).astype(np.int64), (columns - 1, rows - 1))
    inside &= ~np.isnan(raster.values[own[:, 1], own[:, 0]])
    return np.where(inside & (weight > 0), total / np.where(weight > 0, weight, 1.0), np.nan)


def _read(wanted: Elevation, edges: gpd.GeoDataFrame) -> tuple[Raster, dict[str, Any]]:
    west, south, east, north = (float(side) for side in edges.total_bounds)
    raster = read_raster(
        wanted.source,
        near=(west, south, east, north),
        crs=edges.crs,
        what="the streets",
        band=wanted.band,
    )
    unit = _unit(wanted.z_unit, raster)
    raster = Raster(
        raster.values * METRES[unit], raster.transform, raster.crs, raster.name, "m", raster.whole
    )
    cell_m = cell_size_m(raster, crs=edges.crs)
    if cell_m > COARSE_CELL_M:
        warnings.warn(
            f"{raster.name}: cells of {cell_m:.0f} m blur the slopes of streets, so that hills "
            f"look easier than they are; use cells of {COARSE_CELL_M:.0f} m or less",
            stacklevel=5,
        )
    told = {"source": raster.name, "z_unit": unit, "cell_m": round(cell_m, 3)}
    return raster, {**told, "crs": raster.crs.name, "unit_told": bool(wanted.z_unit or raster.unit)}


def _unit(given: str | None, raster: Raster) -> str:
    if given is not None and given not in METRES:
        raise OptionError(f"z_unit is {given!r}; known are {', '.join(METRES)}")
    if given is not None:
        return given
    told = raster.unit.strip().lower()
    if told:
        for unit, names in _UNITS.items():
            if told in names:
                return unit
        raise OptionError(
            f"{raster.name}: heights are in {raster.unit!r}; give z_unit, one of {', '.join(METRES)}"
        )
    horizontal = raster.crs.axis_info[0].unit_name.lower() if raster.crs.axis_info else ""
    if "foot" in horizontal:
        raise OptionError(
            f"{raster.name}: its coordinates are in {horizontal} and it does not tell the unit of "
            "its heights; give z_unit"
        )
    return "m"


def _ground(nodes: gpd.GeoDataFrame) -> _Ground:
    xy = shapely.get_coordinates(nodes.geometry.to_numpy())
    places, place = np.unique(xy, axis=0, return_inverse=True)
    return _Ground(np.asarray(place, dtype=np.int64).ravel(), places)


def _ends(edges: pd.DataFrame, ground: _Ground) -> tuple[Ints, Ints]:
    return ground.place[edges["u"].to_numpy()], ground.place[edges["v"].to_numpy()]


def _in_the_air(edges: pd.DataFrame, ground: _Ground, off_ground: Flags) -> Flags:
    """Places that only bridges and tunnels meet at, none of which ends there."""
    streets = (edges["kind"] != "gate").to_numpy()
    ends = np.concatenate(_ends(edges, ground))
    n = len(ground.xy)
    off = np.bincount(ends, weights=np.tile(streets & off_ground, 2), minlength=n)
    return np.asarray((off >= 2) & (off == np.bincount(ends, np.tile(streets, 2), n)), dtype=bool)


def _straight_over(
    edges: pd.DataFrame, ground: _Ground, off_ground: Flags, height: Floats
) -> Floats:
    """Heights of places in the air: as if strings were drawn tight from where they touch ground."""
    air = _in_the_air(edges, ground, off_ground)
    u, v = (end[off_ground] for end in _ends(edges, ground))
    touches = (air[u] | air[v]) & (u != v)
    u, v = u[touches], v[touches]
    stiff = 1.0 / np.maximum(edges["length_m"].to_numpy(dtype=np.float64)[off_ground][touches], 0.1)
    # a bridge end without a height cannot hold the string
    held = ~((np.isnan(height) & ~air)[u] | (np.isnan(height) & ~air)[v])
    u, v, stiff = u[held], v[held], stiff[held]
    n = len(height)
    _, part = connected_components(coo_array((stiff, (u, v)), shape=(n, n)), directed=False)
    hangs = np.isin(part, part[~air])
    loose = np.flatnonzero(air & hangs)
    result = np.where(air & ~hangs, np.nan, height)
    if not len(loose):
        return result
    both = coo_array((np.tile(stiff, 2), (np.r_[u, v], np.r_[v, u])), shape=(n, n)).tocsr()
    pull = coo_array((np.asarray(both.sum(axis=1)).ravel(), (range(n), range(n)))).tocsr() - both
    fixed = np.flatnonzero(~air & ~np.isnan(height))
    known = -pull[loose][:, fixed] @ height[fixed]
    result[loose] = spsolve(pull[loose][:, loose].tocsc(), known)
    return np.asarray(result, dtype=np.float64)


def _kinds(
    edges: pd.DataFrame, ground: _Ground, off_ground: Flags, *, cell_m: float
) -> NDArray[np.str_]:
    """How each edge gets its climb: gate, given, steps, bridge or raster."""
    u, v = _ends(edges, ground)
    leads_up = np.zeros(len(ground.xy), dtype=bool)
    leads_up[np.concatenate([u[off_ground], v[off_ground]])] = True
    steps = edges["steps"].to_numpy(dtype=bool)
    unseen = steps & ((edges["length_m"] < cell_m).to_numpy() | leads_up[u] | leads_up[v])
    choices = [
        ((edges["kind"] == "gate").to_numpy(), "gate"),
        (edges["climb_m"].notna().to_numpy(), "given"),
        (unseen, "steps"),
        (off_ground, "bridge"),
    ]
    return np.select([mask for mask, _ in choices], [name for _, name in choices], "raster")


def _bends(
    edges: gpd.GeoDataFrame, kinds: NDArray[np.str_], raster: Raster, *, cell_m: float
) -> dict[int, list[float]]:
    """Where long edges on the ground bend up or down: distances along, by edge."""
    length_m = edges["length_m"].to_numpy(dtype=np.float64)
    may = (kinds == "raster") & (length_m > SPLIT_FROM_CELLS * cell_m)
    may &= ~edges["crossing"].to_numpy(dtype=bool) & ~edges["steps"].to_numpy(dtype=bool)
    long = np.flatnonzero(may & edges["climb_m"].notna().to_numpy())
    pieces = np.ceil(length_m[long] / cell_m).astype(np.int64)
    edge = np.repeat(np.arange(len(long)), pieces + 1)
    number = np.arange(len(edge)) - np.repeat(np.cumsum(pieces + 1) - pieces - 1, pieces + 1)
    along = number / pieces[edge] * length_m[long][edge]
    points = shapely.line_interpolate_point(edges.geometry.to_numpy()[long][edge], along)
    height = sample(raster, shapely.get_coordinates(points), crs=edges.crs)
    starts = np.searchsorted(edge, np.arange(len(long) + 1))
    bends = {}
    for row, first, last in zip(long, starts[:-1], starts[1:], strict=True):
        known = first + np.flatnonzero(~np.isnan(height[first:last]))
        inner = _simplified(along[known], height[known])
        if len(inner):
            bends[int(row)] = along[known][inner].tolist()
    return bends


def _simplified(along: Floats, height: Floats) -> Ints:
    """Positions between the ends that keep a profile within the tolerance (Douglas-Peucker)."""
    kept: list[int] = []
    spans = [(0, len(along) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        inner = slice(first + 1, last)
        straight = np.interp(along[inner], along[[first, last]], height[[first, last]])
        off = np.abs(height[inner] - straight)
        if off.max() > PROFILE_TOLERANCE_M:
            middle = first + 1 + int(off.argmax())
            kept.append(middle)
            spans += [(first, middle), (middle, last)]
    return np.array(sorted(kept), dtype=np.int64)
