"""From the plan to the street web: pavements, crossings, noding on one grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from shapely import LineString, MultiLineString, Point, Polygon

from demo_maker import plan

GRID_M = 0.1
"""Every vertex lies on this grid before it is projected, so equal places get equal numbers."""

JOIN_M = 10.0
"""An end nearer than this to another street is meant to meet it."""


@dataclass(frozen=True)
class Line:
    """A street on the ground (EPSG:4548) with its attributes."""

    shape: LineString
    street: plan.Street
    crossing: bool = False


def carriageways() -> list[Line]:
    """The middles of the arterials, closed to walkers and drawn for the map only."""
    return [
        Line(on_grid(plan.lay(LineString(road.points))), replace(road, access="closed"))
        for road in plan.ARTERIALS
    ]


def pavements() -> list[Line]:
    """A pavement on either side of every arterial."""
    sides = []
    for road in plan.ARTERIALS:
        named = replace(
            road, kind="footway", name=f"{road.name}人行道", name_en=f"{road.name_en} pavement"
        )
        middle = plan.lay(LineString(road.points))
        sides += [
            Line(shapely.offset_curve(middle, side * plan.PAVEMENT_M), named) for side in (1, -1)
        ]
    return sides


def mid_block_crossings() -> list[Line]:
    """A line from pavement to pavement at each place of the plan."""
    roads = shapely.MultiLineString([plan.lay(LineString(road.points)) for road in plan.ARTERIALS])
    zebra = plan.Street([], "crossing", "人行横道", "Zebra crossing")
    return [
        Line(_across(roads, plan.lay(Point(place))), zebra) for place in plan.MID_BLOCK_CROSSINGS
    ]


def _across(roads: MultiLineString, place: Point) -> LineString:
    """A line at right angles over the road nearest to a place, a little too long."""
    road = min(roads.geoms, key=place.distance)
    along = road.project(place)
    middle, ahead = road.interpolate(along), road.interpolate(along + 1.0)
    step = np.array([middle.y - ahead.y, ahead.x - middle.x]) * (plan.PAVEMENT_M + 1.0)
    centre = np.array(middle.coords[0])
    return LineString([centre - step, centre + step])


def drawn() -> list[Line]:
    """Every street of the plan, pavements and crossings, ends joined to what they nearly touch."""
    lines = [Line(plan.lay(LineString(street.points)), street) for street in plan.STREETS]
    lines += pavements() + mid_block_crossings()
    return [_joined(line, lines) for line in lines]


def _joined(line: Line, lines: Sequence[Line]) -> Line:
    """The line, longer at either end where a street lies within `JOIN_M` of that end."""
    if line.street.deck:
        return line
    others = MultiLineString([o.shape for o in lines if o is not line and not o.street.deck])
    landings = [Point(end) for o in lines if o.street.deck for end in ends(o.shape)]
    points = [tuple(xy) for xy in line.shape.coords]
    for at, where in ((0, 0), (-1, len(points) + 1)):
        end = Point(points[at])
        gap = others.distance(end)
        if 1e-6 < gap < JOIN_M and not any(end.distance(place) < 1e-6 for place in landings):
            points.insert(where, shapely.shortest_line(others, end).coords[0])
    return replace(line, shape=LineString(points))


def ends(shape: LineString) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The first and the last point of a line."""
    return shape.coords[0], shape.coords[-1]


def on_grid(shape: shapely.Geometry) -> shapely.Geometry:
    """The shape with every vertex on the grid."""
    return shapely.transform(shape, lambda xy: np.round(np.round(xy / GRID_M) * GRID_M, 1))


def noded(shapes: Sequence[shapely.Geometry]) -> list[tuple[LineString, int]]:
    """All lines cut wherever they meet, every vertex on the grid.

    Returns each piece with the position of the line it came from, in the direction of that line,
    in an order that does not depend on the geometry library.
    """
    web = shapely.unary_union(np.array(shapes), grid_size=GRID_M)
    pieces = [on_grid(piece) for piece in shapely.get_parts(web)]
    tree = shapely.STRtree(shapes)
    found = []
    for piece in pieces:
        # both ends lie within half a cell of the source; a short piece may have one end near others
        places = shapely.points([*piece.coords, piece.centroid.coords[0]])
        source = min(
            tree.query(piece.buffer(1.0)),
            key=lambda i: (round(float(shapely.distance(shapes[i], places).max()), 2), i),
        )
        found.append((_along(piece, shapes[source]), int(source)))
    return sorted(found, key=lambda item: (item[1], list(item[0].coords)))


def _along(piece: LineString, source: shapely.Geometry) -> LineString:
    """The piece, turned so that it runs the way its source does."""
    middle = piece.length / 2
    before, after = piece.interpolate(middle - 0.02), piece.interpolate(middle + 0.02)
    runs_back = shapely.line_locate_point(source, before) > shapely.line_locate_point(source, after)
    return piece.reverse() if runs_back else piece


def corridors() -> Polygon:
    """The carriageways as an area; what lies in it is a crossing."""
    middles = [plan.lay(LineString(road.points)) for road in plan.ARTERIALS]
    return shapely.unary_union([m.buffer(plan.PAVEMENT_M - 0.4, cap_style="flat") for m in middles])


def crossings_marked(web: Sequence[Line]) -> list[Line]:
    """Pieces from pavement to pavement become crossings; stubs in the carriageway go."""
    road = corridors()
    shapely.prepare(road)
    kerbs = {
        end
        for line in web
        if not road.contains(line.shape.interpolate(0.5, normalized=True))
        for end in ends(line.shape)
    }
    kept = []
    for line in web:
        if not road.contains(line.shape.interpolate(0.5, normalized=True)):
            kept.append(line)
        elif all(end in kerbs for end in ends(line.shape)):
            kept.append(replace(line, crossing=True, street=replace(line.street, kind="crossing")))
    return kept


def pruned(web: Sequence[Line], keep: set[tuple[float, ...]]) -> list[Line]:
    """The web without overshoots: loose ends shorter than `JOIN_M`, unless they end at `keep`."""
    lines = list(web)
    while True:
        uses = Counter(end for line in lines for end in ends(line.shape))
        loose = [
            line
            for line in lines
            if line.shape.length < JOIN_M
            and any(uses[end] == 1 and end not in keep for end in ends(line.shape))
        ]
        if not loose:
            return lines
        lines = [line for line in lines if line not in loose]
