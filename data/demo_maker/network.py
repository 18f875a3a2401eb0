"""Streets and walls in one arrangement: they share a vertex wherever they meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely import LineString, MultiLineString, Point, Polygon

from demo_maker import lines, plan
from demo_maker.terrain import Raster

Row = dict[str, object]

GATE_SEARCH_M = 15.0
"""A gate of the plan stands where a street meets the wall, at most this far from its place [m]."""

FOOTBRIDGE_M = 5.6
"""Height of a footbridge above the higher of its two landings [m]."""

OPEN_KINDS = {"river": 9.0, "railway": 9.0, "fence": 4.0, "retaining wall": 4.0}
"""Barriers with a passage wherever a street of the plan crosses, and its half-width [m]."""


@dataclass(frozen=True)
class Network:
    """Streets, wall pieces by kind, and the wall pieces round each enclosed community."""

    web: list[lines.Line]
    walls: list[tuple[str, LineString]]
    rings: dict[str, list[LineString]]

    def area(self, key: str, otherwise: Polygon) -> Polygon:
        """The community's area with the very vertices of its wall."""
        if key not in self.rings:
            return otherwise
        (area,) = shapely.get_parts(shapely.polygonize(self.rings[key]))
        return area


def barriers(streets: Sequence[LineString]) -> list[tuple[str, shapely.Geometry]]:
    """River, railway and other walls, cut open where streets of the plan pass."""
    drawn = [("river", plan.RIVER), ("railway", plan.RAILWAY), *plan.WALLS.items()]
    every = MultiLineString([*streets, *(c.shape for c in lines.carriageways())])
    found = []
    for kind, points in drawn:
        wall = plan.lay(LineString(points))
        if kind in OPEN_KINDS:
            meets = shapely.get_parts(wall.intersection(every))
            wall = wall.difference(
                shapely.union_all([meet.buffer(OPEN_KINDS[kind]) for meet in meets])
            )
        found += [(kind, part) for part in shapely.get_parts(wall)]
    return found


def build(
    drawn: Sequence[lines.Line], paths: Sequence[lines.Line], areas: dict[str, Polygon]
) -> Network:
    """Cut everything at grade where it meets and give the pieces back by what they are."""
    level = [line for line in drawn if not line.street.deck] + list(paths)
    rings = {c.key: areas[c.key].exterior for c in plan.COMMUNITIES if c.enclosed}
    others = barriers([line.shape for line in drawn])
    kinds = ["community wall"] * len(rings) + [kind for kind, _ in others]
    shapes = [line.shape for line in level] + list(rings.values()) + [wall for _, wall in others]

    pieces = lines.noded(shapes)
    web = [lines.Line(shape, level[i].street) for shape, i in pieces if i < len(level)]
    walls = [(kinds[i - len(level)], shape) for shape, i in pieces if i >= len(level)]
    decks = [lines.Line(lines.on_grid(d.shape), d.street) for d in drawn if d.street.deck]
    landings = {end for deck in decks for end in lines.ends(deck.shape)}
    web = lines.pruned(lines.crossings_marked(web), landings) + decks
    around = {
        key: [wall for kind, wall in walls if ring.buffer(0.3).contains(wall)]
        for key, ring in rings.items()
    }
    return Network(web, walls, around)


def wall_rows(network: Network) -> list[Row]:
    """The walls, pieces joined up to where they fork."""
    rows: list[Row] = []
    for kind in dict.fromkeys(kind for kind, _ in network.walls):
        joined = shapely.line_merge(shapely.union_all([w for k, w in network.walls if k == kind]))
        # start every line at its lower end, so that the geometry library does not decide
        shapes = [min(s, s.reverse(), key=lambda line: list(line.coords)) for s in _parts(joined)]
        for shape in sorted(shapes, key=lambda line: list(line.coords)):
            rows.append({"wall_id": f"W{len(rows) + 1:02d}", "kind": kind, "geometry": shape})
    return rows


def _parts(shape: shapely.Geometry) -> list[LineString]:
    return [_started(part) for part in shapely.get_parts(shape)]


def _started(line: LineString) -> LineString:
    """A closed line begins at its lowest vertex."""
    points = list(line.coords)
    if points[0] != points[-1]:
        return line
    first = points.index(min(points))
    return LineString([*points[first:-1], *points[: first + 1]])


def gate_rows(network: Network) -> list[Row]:
    """Each gate at the vertex that a street and a community wall share."""
    street_points = {xy for line in network.web for xy in line.shape.coords}
    wall_points = {xy for kind, w in network.walls if kind == "community wall" for xy in w.coords}
    meets = sorted(street_points & wall_points)
    rows, taken = [], set()
    for gate in plan.GATES:
        wanted = plan.lay(Point(gate.at))
        place = min(meets, key=lambda xy: wanted.distance(Point(xy)))
        if wanted.distance(Point(place)) > GATE_SEARCH_M:
            raise SystemExit(f"gate {gate.key} is {wanted.distance(Point(place)):.0f} m off")
        taken.add(place)
        rows.append(
            {
                "gate_id": gate.key,
                "name": gate.name,
                "name_en": gate.name_en,
                "who": gate.who,
                "open_from": gate.open_from,
                "open_until": gate.open_until,
                "wait_s": gate.wait_s,
                "geometry": Point(place),
            }
        )
    unguarded = [plan.sheet(np.array([xy])).round().tolist() for xy in meets if xy not in taken]
    if unguarded:
        raise SystemExit(f"streets pass community walls without a gate at {unguarded}")
    return rows


def street_rows(network: Network, ground: Raster) -> list[Row]:
    """The streets with the height each gains from its first to its last point."""
    every = [*network.web, *lines.carriageways()]
    heights = _heights(every, ground)
    return [
        {
            "name": line.street.name,
            "name_en": line.street.name_en,
            "kind": line.street.kind,
            "access": line.street.access,
            "steps": line.street.steps,
            "crossing": line.crossing,
            "climb_m": round(heights[line.shape.coords[-1]] - heights[line.shape.coords[0]], 2),
            "oneway_foot": line.street.oneway,
            "geometry": line.shape,
        }
        for line in every
    ]


def _heights(every: Sequence[lines.Line], ground: Raster) -> dict[tuple[float, ...], float]:
    """Height of every end: the ground, or the deck of a footbridge above it."""
    places = sorted({end for line in every for end in lines.ends(line.shape)})
    heights = dict(zip(places, ground.at(np.array(places)).tolist(), strict=True))
    for line in every:
        if line.street.deck:
            level = max(heights[end] for end in lines.ends(line.shape)) + FOOTBRIDGE_M
            heights |= dict.fromkeys(lines.ends(line.shape), level)
    return heights
