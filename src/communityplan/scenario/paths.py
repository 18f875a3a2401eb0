"""New ways on foot: joined to the streets at their ends, with gates where they pass walls."""

from __future__ import annotations

import itertools
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, Point
from shapely.ops import substring

from communityplan.scenario.draft import Draft, appended
from communityplan.scenario.measures import AddPath

__all__ = ["SAME_POINT_M", "add_way", "crossings", "in_parts"]

Floats = NDArray[np.float64]
Shapes = NDArray[np.object_]

SAME_VERTEX_M = 0.01
"""A path that joins a street closer than this to one of its vertices joins that vertex [m]."""

SAME_POINT_M = 0.001
"""Points closer than this are one to the network [m]."""

HAIR_M = 0.01
"""The way from a path to its street may touch a wall with its ends [m]."""


def add_way(draft: Draft, measure: AddPath) -> Draft:
    """The tables with a new path.

    Parameters
    ----------
    draft : Draft
    measure : AddPath

    Returns
    -------
    Draft
    """
    coords = [tuple(xy) for xy in shapely.get_coordinates(measure.line)]
    found, first = _joined(draft, coords[0], measure.join_within_m)
    found, last = _joined(found, coords[-1], measure.join_within_m)
    ends = [joint for joint in (first, last) if joint is not None]
    if not ends:
        return draft.wrong(
            f"neither end lies within {measure.join_within_m:g} m of a street on its side of the "
            "walls",
            "Draw it up to a street, or give a larger join_within_m",
        )
    xy = [*([first] if first else []), *coords, *([last] if last else [])]
    kept = [xy[0], *(b for a, b in itertools.pairwise(xy) if a != b)]
    line = LineString(kept)
    walls = crossings(draft, line)
    row = {
        "kind": "crossing" if measure.crossing else "path",
        "access": measure.access,
        "steps": measure.steps,
        "crossing": measure.crossing,
        "oneway_foot": False,
    }
    parts = [(measure.access, line)]
    if measure.access == "residents":
        parts = _by_owner(draft.start or draft, line)
    rows = [{**row, "access": access} for access, _ in parts]
    shapes = [shape for _, shape in parts]
    changed = found.having(streets=appended(found.table("streets"), rows, shapes))
    if measure.opens:
        changed = _with_gates(changed, walls, measure.opens)
    told: dict[str, Any] = {"metres": f"{line.length:.0f}", "ends": len(ends)}
    if len(walls) and not measure.opens:
        return changed.told("path_cut", walls=len(walls), **told)
    return changed.told("path_added" if len(ends) == 2 else "path_dead_end", **told)


def crossings(draft: Draft, line: LineString) -> list[Point]:
    """Where a line passes barriers, in its order; what lies within a metre is one place.

    Parameters
    ----------
    draft : Draft
    line : LineString

    Returns
    -------
    list of Point
    """
    barriers, _ = draft.barriers
    met = shapely.get_parts(shapely.intersection(barriers, line))
    points = shapely.get_coordinates(met)
    along = sorted(line.project(Point(xy)) for xy in points)
    apart_m = min(1.0, float(draft.options["gate_within_m"]))
    places: list[float] = []
    for metres in along:
        if not places or metres - places[-1] > apart_m:
            places.append(metres)
    return [line.interpolate(metres) for metres in places]


def _by_owner(before: Draft, line: LineString) -> list[tuple[str, Any]]:
    """A private path in parts: whose each is follows from where it lies.

    Walls that a scenario takes down still part it. Where it lies in a community it is for its
    residents, and then the rest of it is for everyone: the street outside is nobody's own.
    """
    areas = before.table("communities").geometry.to_numpy()
    edges = shapely.union_all(np.concatenate([before.barriers[0], shapely.boundary(areas)]))
    parts = shapely.get_parts(in_parts(line, edges))
    middle = shapely.line_interpolate_point(parts, 0.5, normalized=True)
    inside = np.asarray(shapely.intersects(shapely.union_all(areas), middle), dtype=bool)
    if not inside.any():
        inside[:] = True
    kinds = (("residents", parts[inside]), ("everyone", parts[~inside]))
    return [(access, shapely.multilinestrings(some)) for access, some in kinds if len(some)]


def in_parts(line: Any, walls: Any, *, within: Any = None) -> Any:
    """A line in parts that meet where it meets walls; itself where it meets none.

    Parameters
    ----------
    line : LineString or MultiLineString
    walls : geometry
        All walls that matter, in one.
    within : geometry, optional
        Only what lies in there is looked at.
    """
    parts = [piece for part in shapely.get_parts(line) for piece in _cut(part, walls, within)]
    return parts[0] if len(parts) == 1 else shapely.multilinestrings(parts)


def _cut(line: Any, walls: Any, within: Any) -> list[Any]:
    vertices = np.asarray(shapely.points(shapely.get_coordinates(line)), dtype=object)
    beside = vertices[np.asarray(shapely.distance(vertices, walls) <= SAME_POINT_M)]
    crossed = shapely.points(shapely.get_coordinates(shapely.intersection(line, walls)))
    met = np.concatenate([beside, np.asarray(crossed, dtype=object)])
    if within is not None:
        met = met[np.asarray(shapely.intersects(met, within), dtype=bool)]
    along = np.unique(np.round(shapely.line_locate_point(line, met), 6))
    along = along[(along > SAME_POINT_M) & (along < line.length - SAME_POINT_M)]
    along = along[np.diff(along, prepend=-1.0) > SAME_POINT_M]
    places = [0.0, *along.tolist(), line.length]
    if len(places) == 2:
        return [line]
    return [substring(line, a, b) for a, b in itertools.pairwise(places)]


def _with_gates(draft: Draft, places: list[Point], who: str) -> Draft:
    if not places:
        return draft
    gates = draft.table("gates")
    first = int(gates["gate_id"].map(str).str.startswith("new gate").sum()) if len(gates) else 0
    rows = [{"gate_id": f"new gate {first + n + 1}", "who": who} for n in range(len(places))]
    return draft.having(gates=appended(gates, rows, places))


def _joined(
    draft: Draft, xy: tuple[float, ...], within_m: float
) -> tuple[Draft, tuple[float, ...] | None]:
    """The streets with a vertex where a path's end joins the nearest one, and that vertex."""
    streets = draft.table("streets")
    lines = streets.geometry.to_numpy()
    end = Point(xy)
    distance_m = np.asarray(shapely.distance(lines, end))
    near = np.flatnonzero(distance_m <= within_m)
    for row in near[np.argsort(distance_m[near], kind="stable")]:
        way = shapely.shortest_line(end, lines[row])
        if not _is_barred(draft, way):
            place = shapely.get_point(way, -1)
            changed, vertex = _with_vertex(lines[row], place)
            if changed is lines[row]:
                return draft, vertex
            return draft.having(streets=_replaced(streets, int(row), changed)), vertex
    return draft, None


def _is_barred(draft: Draft, way: LineString) -> bool:
    barriers, _ = draft.barriers
    if way.length <= 2 * HAIR_M:
        return False
    inner = substring(way, HAIR_M, way.length - HAIR_M)
    return bool(np.any(shapely.intersects(barriers, inner)))


def _with_vertex(line: Any, place: Point) -> tuple[Any, tuple[float, ...]]:
    """A street with one vertex more where it has none, and that vertex."""
    xy = shapely.get_coordinates(line)
    apart_m = np.hypot(*(xy - (place.x, place.y)).T)
    closest = int(np.argmin(apart_m))
    if apart_m[closest] <= SAME_VERTEX_M:
        return line, tuple(xy[closest].tolist())
    parts = shapely.get_parts(line).copy()
    number = int(np.argmin(shapely.distance(parts, place)))
    own = shapely.get_coordinates(parts[number])
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(own, axis=0).T))])
    before = int(np.searchsorted(along, parts[number].project(place)))
    parts[number] = LineString(np.insert(own, before, (place.x, place.y), axis=0))
    whole = parts[0] if len(parts) == 1 else shapely.multilinestrings(parts)
    return whole, (place.x, place.y)


def _replaced(table: gpd.GeoDataFrame, row: int, shape: Any) -> gpd.GeoDataFrame:
    shapes = table.geometry.to_numpy().copy()
    shapes[row] = shape
    return table.set_geometry(gpd.GeoSeries(shapes, index=table.index, crs=table.crs))
