"""Profiles of long edges, and the cuts that keep each part on an even slope."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.ops import substring

from communityplan.coordinates.raster import Raster, sample

__all__ = ["PROFILE_TOLERANCE_M", "Profile", "bent_profiles", "split_edges"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

PROFILE_TOLERANCE_M = 1.0
"""How far, in height, the profile of an edge may bend from a straight line before it is split [m].
Finer than the error of free elevation models, which is several metres."""

SPLIT_FROM_CELLS = 2.0
"""Only edges longer than this many cells are split: the raster knows no more of shorter ones."""


@dataclass(frozen=True)
class Profile:
    """Where an edge bends: distance along and height, from its first to its last point [m]."""

    along: Floats
    height: Floats


def bent_profiles(
    edges: gpd.GeoDataFrame, draped: Flags, raster: Raster, *, cell_m: float
) -> dict[int, Profile]:
    """Profiles of the long edges that rise and fall.

    Parameters
    ----------
    edges : GeoDataFrame
        As in `WalkNetwork`, with ``climb_m`` [m].
    draped : array of bool, shape (E,)
        Edges that lie on the raster. Crossings, where people wait once, stay whole.
    raster : Raster
        Heights [m].
    cell_m : float
        Size of its cells, and distance between samples [m].

    Returns
    -------
    dict of int to Profile
        By position of the edge; only those that bend by more than `PROFILE_TOLERANCE_M`.
    """
    length_m = edges["length_m"].to_numpy(dtype=np.float64)
    may = draped & (length_m > SPLIT_FROM_CELLS * cell_m) & edges["climb_m"].notna().to_numpy()
    long = np.flatnonzero(may & ~edges["crossing"].to_numpy(dtype=bool))
    pieces = np.ceil(length_m[long] / cell_m).astype(np.int64)
    edge = np.repeat(np.arange(len(long)), pieces + 1)
    number = np.arange(len(edge)) - np.repeat(np.cumsum(pieces + 1) - pieces - 1, pieces + 1)
    along = number / pieces[edge] * length_m[long][edge]
    points = shapely.line_interpolate_point(edges.geometry.to_numpy()[long][edge], along)
    height = sample(raster, shapely.get_coordinates(points), crs=edges.crs)
    starts = np.searchsorted(edge, np.arange(len(long) + 1))
    found = {}
    for row, first, last in zip(long, starts[:-1], starts[1:], strict=True):
        known = first + np.flatnonzero(~np.isnan(height[first:last]))
        kept = known[_simplified(along[known], height[known])]
        if len(kept) > 2:
            found[int(row)] = Profile(along[kept], height[kept])
    return found


def _simplified(along: Floats, height: Floats) -> Ints:
    """Positions that keep a profile within the tolerance, with its ends (Douglas-Peucker)."""
    kept = [0, len(along) - 1]
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


def split_edges(
    nodes: gpd.GeoDataFrame, edges: gpd.GeoDataFrame, profiles: Mapping[int, Profile]
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Cut edges where their profiles bend.

    Parameters
    ----------
    nodes, edges : GeoDataFrame
        As in `WalkNetwork`.
    profiles : mapping of int to Profile
        By position of the edge.

    Returns
    -------
    tuple of GeoDataFrame, GeoDataFrame
        The parts of an edge stand where the edge stood, each with its own length and climb; the
        new nodes come last.
    """
    if not profiles:
        return nodes, edges
    n_parts = np.ones(len(edges), dtype=np.int64)
    n_parts[list(profiles)] = [len(profile.along) - 1 for profile in profiles.values()]
    parts = edges.iloc[np.repeat(np.arange(len(edges)), n_parts)].reset_index(drop=True)
    start = np.cumsum(n_parts) - n_parts
    geometry = parts.geometry.to_numpy().copy()
    u, v = parts["u"].to_numpy().copy(), parts["v"].to_numpy().copy()
    climb_m = parts["climb_m"].to_numpy().copy()
    n_nodes = len(nodes)
    points: list[shapely.Point] = []
    for row, profile in profiles.items():
        first, last = start[row], start[row] + n_parts[row]
        whole, cuts = geometry[first], itertools.pairwise(profile.along.tolist())
        geometry[first:last] = [substring(whole, near, far) for near, far in cuts]
        new = np.arange(last - first - 1) + n_nodes + len(points)
        u[first + 1 : last], v[first : last - 1] = new, new
        climb_m[first:last] = np.diff(profile.height)
        points += [shapely.get_point(part, 0) for part in geometry[first + 1 : last]]
    more = gpd.GeoDataFrame(geometry=points, crs=nodes.crs)
    parts = parts.assign(u=u, v=v, climb_m=climb_m, length_m=shapely.length(geometry))
    nodes = gpd.GeoDataFrame(pd.concat([nodes, more], ignore_index=True), crs=nodes.crs)
    return nodes, parts.set_geometry(geometry, crs=edges.crs)
