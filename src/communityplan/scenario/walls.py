"""Taking down walls and boundaries: all that is drawn along the stretch goes with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, Point
from shapely.ops import substring

from communityplan.scenario.draft import NATURAL, Draft, appended, meets_near, no_such
from communityplan.scenario.measures import RemoveWall
from communityplan.scenario.paths import SAME_POINT_M, in_parts

__all__ = ["take_down"]

BESIDE_M = 1.0
"""What runs closer than this along a stretch that is taken down is the same wall [m]."""

ALONG_M = 3.0
"""A wall that runs beside a stretch for less than this only meets it [m]."""

INSIDE_M = 0.02
"""What is left of a boundary that streets are drawn on stands this far inside of them [m]."""


def take_down(draft: Draft, measure: RemoveWall) -> Draft:
    """The tables without a wall, a boundary or a part of it.

    Parameters
    ----------
    draft : Draft
    measure : RemoveWall

    Returns
    -------
    Draft
    """
    # another measure may have taken it down already
    what = "wall" if measure.wall_id else "community"
    table = (draft.start or draft).table("walls" if measure.wall_id else "communities")
    name = measure.wall_id or measure.community_id
    keys = table[f"{what}_id"].map(str).tolist() if len(table) else []
    if name not in keys:
        return no_such(draft, what, name, keys)
    shape = table.geometry.iloc[keys.index(name)]
    line: Any = shape if measure.wall_id else shapely.boundary(shape)
    stretch = line if measure.between is None else _between(line, *measure.between)
    if not stretch.length > 0:
        return draft.wrong("the two points are at one place of the wall", "Give a stretch of it")
    zone = shapely.buffer(stretch, BESIDE_M, cap_style="flat")
    lines, _ = draft.barriers
    before_m = float(shapely.length(lines).sum())
    changed = _without_boundaries(_without_walls(draft, stretch, zone, measure.wall_id), zone)
    changed = _jointed(_without_gates(changed, draft, stretch), lines, zone)
    lines, _ = changed.barriers
    gone_m = before_m - float(shapely.length(lines).sum())
    if not gone_m > INSIDE_M:
        return draft.told("wall_not_there", has_effect=False)
    return changed.told("wall_down", metres=f"{stretch.length:.0f}")


def _between(line: Any, start: Point, stop: Point) -> Any:
    """The part of a line between two points beside it; of a ring the shorter way round."""
    parts = shapely.get_parts(line)
    part = parts[int(np.argmin(shapely.distance(parts, start)))]
    a, b = sorted((part.project(start), part.project(stop)))
    inner = substring(part, a, b)
    if not part.is_closed or b - a <= part.length / 2:
        return inner
    rest = [*substring(part, b, part.length).coords, *substring(part, 0, a).coords[1:]]
    return LineString(rest)


def _runs_along(lines: NDArray[np.object_], zone: Any) -> NDArray[np.bool_]:
    beside_m = shapely.length(shapely.intersection(lines, zone))
    # the zone is as wide on both sides as the stretch is beside
    return np.asarray(beside_m >= min(ALONG_M, 0.9 * zone.area / (2 * BESIDE_M)))


def _without_walls(draft: Draft, stretch: Any, zone: Any, named: str) -> Draft:
    walls = draft.tables["walls"]
    if walls is None or not len(walls):
        return draft
    lines = walls.geometry.to_numpy()
    kinds = draft.barriers[1][: len(walls)]
    is_named = (walls["wall_id"].map(str) == named).to_numpy()
    gone = is_named | (_runs_along(lines, zone) & ~np.isin(kinds, NATURAL))
    left = lines.copy()
    left[gone] = shapely.difference(lines[gone], zone)
    kept = ~shapely.is_empty(left)
    changed = walls.set_geometry(gpd.GeoSeries(left, index=walls.index, crs=walls.crs))
    return draft.having(walls=changed[kept])


def _without_boundaries(draft: Draft, zone: Any) -> Draft:
    """Communities whose boundary runs there are no longer enclosed; what is left is a wall."""
    communities = draft.tables["communities"]
    if communities is None or not len(communities):
        return draft
    areas, enclosed = communities.geometry.to_numpy(), draft.enclosed
    opened = enclosed & _runs_along(shapely.boundary(areas), zone)
    if not opened.any():
        return draft
    streets = draft.table("streets").geometry.to_numpy()
    inside_m = float(np.clip(draft.options["gate_within_m"] / 2, 0.002, INSIDE_M))
    left = np.array([_wall_of(area, streets, inside_m) for area in areas[opened]], dtype=object)
    left = shapely.difference(left, zone)
    # where a wall is drawn on the boundary it stands for it: a second one would be a second gate
    drawn = shapely.union_all(draft.table("walls").geometry.to_numpy())
    left = shapely.difference(left, shapely.buffer(drawn, 2 * inside_m))
    names = communities["community_id"].map(str).to_numpy()[opened]
    standing = ~shapely.is_empty(left)
    changed = draft.having(communities=communities.assign(enclosed=enclosed & ~opened))
    options = {**draft.options, "enclosed": "as_given"}
    if standing.any():
        rows = [
            {"wall_id": f"{name} boundary", "kind": "community wall"} for name in names[standing]
        ]
        changed = changed.having(
            walls=appended(draft.table("walls"), rows, left[standing].tolist())
        )
    return replace(changed, options=options)


def _wall_of(area: Any, streets: NDArray[np.object_], inside_m: float) -> Any:
    """The boundary of an area as a wall; a hair inside where streets run along it, outside."""
    boundary = shapely.boundary(area)
    along_m = shapely.length(shapely.intersection(streets, boundary)).sum()
    if along_m <= SAME_POINT_M:
        return boundary
    return shapely.boundary(shapely.buffer(area, -inside_m, join_style="mitre"))


def _jointed(draft: Draft, before: NDArray[np.object_], zone: Any) -> Draft:
    """Streets in parts that meet where the wall stood.

    Every part stays whose it was: a way that was private on one side only would else become
    private, or public, as a whole.
    """
    lines = before[np.asarray(shapely.intersects(before, zone), dtype=bool)]
    streets = draft.table("streets")
    shapes = streets.geometry.to_numpy().copy()
    tree = shapely.STRtree(shapes)
    line, street = tree.query(lines, predicate="dwithin", distance=SAME_POINT_M)
    for row in np.unique(street):
        walls = shapely.union_all(lines[line[street == row]])
        shapes[row] = in_parts(shapes[row], walls, within=shapely.buffer(zone, SAME_POINT_M))
    return draft.having(
        streets=streets.set_geometry(gpd.GeoSeries(shapes, index=streets.index, crs=streets.crs))
    )


def _without_gates(draft: Draft, before: Draft, stretch: Any) -> Draft:
    """Gates that stood in the stretch go where no other wall is left for them to open."""
    gates = draft.tables["gates"]
    if gates is None or not len(gates):
        return draft
    within_m = float(draft.options["gate_within_m"])
    points = gates.geometry.to_numpy()
    near = np.asarray(shapely.distance(points, stretch) <= within_m + BESIDE_M)
    gone = np.array(
        [
            there
            and len(meets_near(before, point, within_m=within_m)) > 0
            and not len(meets_near(draft, point, within_m=within_m))
            for point, there in zip(points, near, strict=True)
        ]
    )
    names = frozenset(gates["gate_id"].map(str)[gone])
    return replace(draft.having(gates=gates[~gone]), gone=draft.gone | names)
