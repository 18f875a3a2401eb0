"""Repair of drawn streets, only where asked for, with every change listed.

Files of a survey or a CAD drawing often lack the shared vertices by which streets join, stop a few
centimetres short of each other, or hold a street twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.errors import OptionError
from communityplan.network.edges import words
from communityplan.network.faults import SAME_POINT_M, find_crossings, find_gaps
from communityplan.network.findings import street_levels, street_parts
from communityplan.network.noding import Barriers, node_streets
from communityplan.tables import STREETS, WALLS, as_flags, check, record, same_crs

__all__ = ["repair_streets"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

Row = tuple[str, Any, Any, float, shapely.Geometry]
"""What was changed, street, other street, metres and where."""

MILLIMETRES = 3

CHANGES = {
    "crossing joined": "相交道路已连接",
    "gap joined": "断口已连接",
    "duplicate dropped": "重复道路已删除",
}


def repair_streets(
    streets: gpd.GeoDataFrame,
    *,
    join_gaps_m: float | None = None,
    node_crossings: bool = False,
    drop_duplicates: bool = False,
    walls: gpd.GeoDataFrame | None = None,
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Mend what is asked for, and list every change.

    Parameters
    ----------
    streets : GeoDataFrame
        As `tables.STREETS`; ``bridge``, ``tunnel`` and ``layer`` tell what passes over what.
    join_gaps_m : float, optional
        Dead ends this near to another street are drawn on to it [m].
    node_crossings : bool
        Give streets that cross or touch each other a shared vertex: for drawings only. In
        OpenStreetMap, lines that cross without a shared point do not meet.
    drop_duplicates : bool
        Leave out a street whose line and whose columns of the contract another one has already.
    walls : GeoDataFrame, optional
        As `tables.WALLS`; no gap is joined through them.

    Returns
    -------
    tuple of GeoDataFrame, GeoDataFrame
        The streets on their index, less those that were dropped, in two dimensions; and the
        changes: ``what``, ``zh``, ``street`` and ``other`` (index labels), ``length_m`` (what was
        drawn or dropped) and where.

    Raises
    ------
    TableError, OptionError

    Notes
    -----
    Nothing is joined between streets whose bridge, tunnel or layer differ. Dropping duplicates
    changes no walk; the other two only open ways.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from communityplan.network.repair import repair_streets
    >>> streets = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (100, 0)]),
    ...     shapely.LineString([(50, 0.4), (50, 80)])], crs=32650)
    >>> mended, changes = repair_streets(streets, join_gaps_m=1)
    >>> changes[["what", "street", "other", "length_m"]].values.tolist()
    [['gap joined', 1, 0, 0.4]]
    """
    if join_gaps_m is not None and not (np.isfinite(join_gaps_m) and join_gaps_m > 0):
        raise OptionError(f"join_gaps_m is {join_gaps_m}: give metres above 0, or leave it out")
    check(streets, STREETS)
    if walls is not None:
        check(walls, WALLS)
        same_crs(streets, walls)
    mended = streets.set_geometry(shapely.force_2d(streets.geometry.to_numpy()), crs=streets.crs)
    changes: list[Row] = []
    if node_crossings:
        mended = _join_crossings(mended, changes)
    if join_gaps_m is not None:
        lines = None if walls is None else shapely.get_parts(walls.geometry.to_numpy())
        mended = _join_gaps(mended, join_gaps_m, lines, changes)
    if drop_duplicates:
        mended = _drop(mended, changes)
    options = {
        "join_gaps_m": join_gaps_m,
        "node_crossings": node_crossings,
        "drop_duplicates": drop_duplicates,
    }
    return record(mended, **options), record(_listed(changes, streets), **options)


@dataclass(frozen=True)
class _Drawing:
    """The corners of every single line, which are moved and added to, and its street's row."""

    corners: list[Floats]
    row: Ints

    @classmethod
    def of(cls, streets: gpd.GeoDataFrame) -> _Drawing:
        parts, row = shapely.get_parts(streets.geometry.to_numpy(), return_index=True)
        xy, part = shapely.get_coordinates(parts, return_index=True)
        cuts = np.searchsorted(part, np.arange(1, len(parts)))
        return cls(np.split(xy, cuts), row.astype(np.int64))

    def lines(self) -> Shapes:
        count = [len(corners) for corners in self.corners]
        part = np.repeat(np.arange(len(count)), count)
        return np.asarray(shapely.linestrings(np.concatenate(self.corners), indices=part))


def _join_crossings(streets: gpd.GeoDataFrame, changes: list[Row]) -> gpd.GeoDataFrame:
    drawing = _Drawing.of(streets)
    _, edges = _noded(streets, drawing)
    crossings = find_crossings(edges)
    crossings = crossings[crossings["same_level"]]
    part = edges["line"].to_numpy()
    pairs = np.stack([part[crossings["edge"]], part[crossings["other"]]], axis=1)
    for pair, xy in zip(pairs, shapely.get_coordinates(crossings.geometry), strict=True):
        spot = _settle(drawing, pair, xy)
        street, other = streets.index[drawing.row[pair]]
        changes.append(("crossing joined", street, other, 0.0, shapely.Point(spot)))
    return _redrawn(streets, drawing)


def _join_gaps(
    streets: gpd.GeoDataFrame, within_m: float, walls: Shapes | None, changes: list[Row]
) -> gpd.GeoDataFrame:
    drawing = _Drawing.of(streets)
    nodes, edges = _noded(streets, drawing)
    gaps = find_gaps(nodes, edges, within_m=within_m, barriers=walls)
    gaps = gaps[gaps["same_level"]]
    part = edges["line"].to_numpy()
    pairs = np.stack([part[gaps["edge"]], part[gaps["other"]]], axis=1)
    for pair, gap in zip(pairs, gaps.geometry, strict=True):
        end, target = shapely.get_coordinates(gap)
        spot = _settle(drawing, pair[1:], target)
        _draw_on(drawing, pair[0], end, spot)
        street, other = streets.index[drawing.row[pair]]
        line = shapely.LineString([end, spot])
        changes.append(("gap joined", street, other, float(line.length), line))
    return _redrawn(streets, drawing)


def _drop(streets: gpd.GeoDataFrame, changes: list[Row]) -> gpd.GeoDataFrame:
    facts = [name for name in STREETS.columns if name in streets.columns]
    same = pd.DataFrame({name: words(streets[name]) for name in facts})
    same["level"], same["part"] = street_levels(streets), street_parts(streets)
    shapes = shapely.transform(streets.geometry.to_numpy(), lambda xy: np.round(xy, MILLIMETRES))
    climbs = words(streets["climb_m"]) != "" if "climb_m" in streets.columns else False
    one_way = as_flags(streets["oneway_foot"]) if "oneway_foot" in streets.columns else False
    # where the direction counts, a line and its reverse are two
    either_way = ~np.broadcast_to(np.asarray(climbs | one_way, dtype=bool), len(streets))
    shapes[either_way] = shapely.normalize(shapes[either_way])
    same["shape"] = shapely.to_wkb(shapes, hex=True)
    group = same.groupby(list(same.columns), sort=False).ngroup().to_numpy()
    _, first = np.unique(group, return_index=True)
    twice = np.setdiff1d(np.arange(len(streets)), first)
    for row in twice:
        shape = streets.geometry.iloc[row]
        kept = streets.index[first[group[row]]]
        changes.append(("duplicate dropped", streets.index[row], kept, shape.length, shape))
    return streets.iloc[np.sort(first)]


def _noded(
    streets: gpd.GeoDataFrame, drawing: _Drawing
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Nodes and edges as the network would make them, with the line each edge is a part of."""
    lines = drawing.lines()
    walked = np.flatnonzero(shapely.length(lines) > 0)
    none: Shapes = np.zeros(0, dtype=object)
    clean = shapely.remove_repeated_points(lines[walked])
    noded = node_streets(clean, Barriers(none, none), none, gate_within_m=0.0)
    line = walked[noded.street]
    street = drawing.row[line]
    access = words(streets["access"])[street] if "access" in streets.columns else "everyone"
    table = {
        "u": noded.tail,
        "v": noded.head,
        "length_m": shapely.length(noded.geometry),
        "kind": "",
        "access": access,
        "level": street_levels(streets)[street],
        "part": street_parts(streets)[street],
        "line": line,
    }
    edges = gpd.GeoDataFrame(table, geometry=noded.geometry, crs=streets.crs)
    return gpd.GeoDataFrame(geometry=shapely.points(noded.node_xy), crs=streets.crs), edges


def _settle(drawing: _Drawing, parts: Ints, xy: Floats) -> Floats:
    """Give lines one corner at a place: that of one that has a corner there, else a new one."""
    for part in parts:
        corners = drawing.corners[part]
        away = np.hypot(*(corners - xy).T)
        if away.min() <= SAME_POINT_M:
            xy = corners[away.argmin()]
            break
    for part in parts:
        corners = drawing.corners[part]
        away = np.hypot(*(corners - xy).T)
        if away.min() <= SAME_POINT_M:
            corners[away.argmin()] = xy
            continue
        along = shapely.LineString(corners).project(shapely.Point(xy))
        walked = np.cumsum(np.hypot(*np.diff(corners, axis=0).T))
        at = int(np.searchsorted(walked, along)) + 1
        drawing.corners[part] = np.insert(corners, min(at, len(corners) - 1), xy, axis=0)
    return xy


def _draw_on(drawing: _Drawing, part: int, end: Floats, spot: Floats) -> None:
    """Lengthen a line from its end to a place."""
    corners = drawing.corners[part]
    from_first, from_last = (np.hypot(*(corners[at] - end)) for at in (0, -1))
    if np.hypot(*(spot - end)) == 0:
        return
    pieces = [spot[None], corners] if from_first <= from_last else [corners, spot[None]]
    drawing.corners[part] = np.concatenate(pieces)


def _redrawn(streets: gpd.GeoDataFrame, drawing: _Drawing) -> gpd.GeoDataFrame:
    """The streets with their lines as they are now; untouched ones keep their very shape."""
    lines = drawing.lines()
    single = np.bincount(drawing.row, minlength=len(streets)) == 1
    shapes = streets.geometry.to_numpy().copy()
    alone = single[drawing.row]
    shapes[drawing.row[alone]] = lines[alone]
    for row in np.flatnonzero(~single):
        shapes[row] = shapely.MultiLineString(list(lines[drawing.row == row]))
    return streets.set_geometry(shapes, crs=streets.crs)


def _listed(changes: list[Row], streets: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    columns = ["what", "street", "other", "length_m", "geometry"]
    table = pd.DataFrame(changes, columns=columns)
    table.insert(1, "zh", table["what"].map(CHANGES))
    return gpd.GeoDataFrame(table, geometry="geometry", crs=streets.crs)
