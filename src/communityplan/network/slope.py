"""An elevation raster -> the climb of every edge, sampled where its ends are and along it.

Elevation belongs to places, so the climb of an edge is the difference between its ends: whoever
walks a round comes back to the height they left. A long edge that rises and falls between its ends
is split where its profile bends, for a net climb of nothing would time a hill as a plain.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.coordinates.raster import Raster, RasterSource, cell_size_m, read_raster, sample
from communityplan.errors import DataError, OptionError, Problem
from communityplan.network.graph import clusters
from communityplan.network.profile import bent_profiles, split_edges

__all__ = [
    "COARSE_CELL_M",
    "STEEP_GRADE",
    "Elevation",
    "climb_edges",
    "sample",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

COARSE_CELL_M = 50.0
"""Larger cells blur the slopes that people feel on a street [m]."""

STEEP_GRADE = 0.35
"""Steeper than any street: a wall, a house or a bridge in the raster, told in the report."""

LOWEST_M, HIGHEST_M = -450.0, 8900.0
"""Nobody lives lower or higher: such heights are a code for no data that the file does not tell."""

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
    found = _findings(edges, kinds, told)
    draped = (kinds == "raster") & ~edges["steps"].to_numpy(dtype=bool)
    bent = bent_profiles(edges, draped, raster, cell_m=told["cell_m"])
    found.append(("edge split where its slope changes", "", len(bent), np.nan))
    nodes, edges = split_edges(nodes, edges, bent)
    table = pd.DataFrame(found, columns=["what", "detail", "count", "length_m"])
    return nodes, edges, table[table["count"] > 0], told


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
    metres = raster.cells * METRES[unit]
    nowhere = (metres < LOWEST_M) | (metres > HIGHEST_M)
    metric = replace(raster, cells=np.where(nowhere, np.nan, metres))
    cell_m = cell_size_m(metric, crs=edges.crs)
    if cell_m > COARSE_CELL_M:
        warnings.warn(
            f"{raster.name}: cells of {cell_m:.0f} m blur the slopes of streets, so that hills "
            f"look easier than they are; use cells of {COARSE_CELL_M:.0f} m or less",
            stacklevel=4,
        )
    told = {"source": raster.name, "z_unit": unit, "cell_m": round(cell_m, 3)}
    return metric, {
        **told,
        "crs": raster.crs.name,
        "unit_told": bool(wanted.z_unit or raster.unit),
        "cells_off_the_earth": int(nowhere.sum()),
    }


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
            f"{raster.name}: heights are in {raster.unit!r}; "
            f"give z_unit, one of {', '.join(METRES)}"
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
    part = clusters(n, u, v)
    hangs = np.isin(part, part[~air & ~np.isnan(height)])
    loose = np.flatnonzero(air & hangs)
    result = np.where(air & ~hangs, np.nan, height)
    if not len(loose):
        return result
    result[loose] = _tight(np.stack([u, v]), stiff, np.where(air, np.nan, height), loose)
    return result


def _tight(ends: Ints, stiff: Floats, held: Floats, loose: Ints) -> Floats:
    """Heights at which the strings pull every loose place up as much as down."""
    from scipy.sparse import coo_array, diags_array
    from scipy.sparse.linalg import spsolve

    rows, columns = np.concatenate([ends, ends[::-1]], axis=1)
    n = len(held)
    pull = coo_array((np.tile(stiff, 2), (rows, columns)), shape=(n, n)).tocsr()[loose]
    balance = diags_array(np.asarray(pull.sum(axis=1)).ravel()) - pull[:, loose]
    found = spsolve(balance.tocsc(), pull @ np.nan_to_num(held))
    return np.atleast_1d(np.asarray(found, dtype=np.float64))


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


_TOLD = {
    "raster": "edge with climb from the elevation raster",
    "given": "edge with climb from the streets",
    "bridge": "bridge or tunnel kept straight",
    "steps": "steps the elevation raster does not see",
}


def _findings(
    edges: pd.DataFrame, kinds: NDArray[np.str_], told: dict[str, Any]
) -> list[tuple[str, str, int, float]]:
    length_m = edges["length_m"].to_numpy(dtype=np.float64)
    climb_m = edges["climb_m"].to_numpy(dtype=np.float64)
    unknown = np.isnan(climb_m) & np.isin(kinds, ["raster", "bridge"])
    steep = (np.abs(climb_m) > STEEP_GRADE * length_m) & ~edges["steps"].to_numpy(dtype=bool)
    masks = [(what, (kinds == kind) & ~unknown) for kind, what in _TOLD.items()]
    masks += [("edge outside the elevation raster", unknown), ("steep edge", steep)]
    cell = f"{Path(told['source']).name}, {told['cell_m']:.1f} m, {told['z_unit']}"
    rows: list[tuple[str, str, int, float]] = [("elevation raster", cell, 1, np.nan)]
    if told["cell_m"] > COARSE_CELL_M:
        rows.append(("coarse elevation raster", f"{told['cell_m']:.0f} m", 1, np.nan))
    if not told["unit_told"]:
        rows.append(("unit of heights not told, taken for metres", "", 1, np.nan))
    if told["cells_off_the_earth"]:
        what = "cell with a height off the earth, taken for no data"
        rows.append((what, "", told["cells_off_the_earth"], np.nan))
    for what, mask in masks:
        rows.append((what, "", int(mask.sum()), float(length_m[mask].sum())))
    return rows
