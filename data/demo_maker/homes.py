"""Blocks between streets, rows of buildings in them, footpaths along the rows, and who lives there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.random import Generator
from shapely import LineString, Point, Polygon, affinity, box

from demo_maker import plan

MARGIN_M = 7.0
"""Buildings keep this far from streets and walls [m]."""

SMALLEST_BLOCK_M2 = 1500.0


@dataclass
class Slot:
    """A place for one building, in the turned frame of its block."""

    block: int
    row: int
    shape: Polygon
    use: str = ""


@dataclass(frozen=True)
class Block:
    """A face between streets, turned so that its rows run level."""

    community: plan.Community
    shape: Polygon
    turn_deg: float
    pivot: tuple[float, float]

    def back(self, shape: shapely.Geometry) -> shapely.Geometry:
        """A shape of the turned frame on the ground."""
        return affinity.rotate(shape, self.turn_deg, origin=self.pivot)

    def turned(self, shape: shapely.Geometry) -> shapely.Geometry:
        """A shape on the ground in the turned frame."""
        return affinity.rotate(shape, -self.turn_deg, origin=self.pivot)


def outlines() -> dict[str, Polygon]:
    """Each community's area on the ground; one with a published area is scaled to it."""
    found = {}
    for community in plan.COMMUNITIES:
        shape = plan.lay(Polygon(community.outline))
        if community.area_ha:
            scale = (community.area_ha * 10_000 / shape.area) ** 0.5
            shape = affinity.scale(shape, scale, scale)
        found[community.key] = shape
    return found


def blocks(areas: dict[str, Polygon], streets: Sequence[shapely.Geometry]) -> list[Block]:
    """The faces between streets and outlines that lie in a community and may be built on."""
    rings = [shape.exterior for shape in areas.values()]
    faces = shapely.get_parts(shapely.polygonize([shapely.unary_union([*streets, *rings])]))
    reserved = [plan.lay(Point(at)) for at in plan.RESERVED.values()]
    found = []
    for face in sorted(faces, key=lambda f: tuple(np.round(f.centroid.coords[0], 1))):
        inside = face.representative_point()
        owner = [c for c in plan.COMMUNITIES if areas[c.key].contains(inside)]
        if not owner or face.area < SMALLEST_BLOCK_M2 or any(map(face.contains, reserved)):
            continue
        turn = plan.TURN_DEG + owner[0].turn_deg
        pivot = face.centroid.coords[0]
        found.append(Block(owner[0], affinity.rotate(face, -turn, origin=pivot), turn, pivot))
    return found


def slots(block: Block, number: int, streets: shapely.Geometry, rng: Generator) -> list[Slot]:
    """Places for buildings in level rows, from the south to the north, as many as fit."""
    rules = block.community
    # streets with a dead end do not bound a block, they stand in it
    dead_ends = block.turned(streets).intersection(block.shape)
    room = block.shape.buffer(-MARGIN_M).difference(dead_ends.buffer(MARGIN_M))
    if room.is_empty:
        return []
    shapely.prepare(room)
    _, low, _, high = room.bounds
    found, row, y = [], 0, low + 0.5
    while y + rules.depth < high:
        shapes = _row(room, y, rules, rng)
        if shapes:
            found += [Slot(number, row, shape) for shape in shapes]
            y += rules.pitch + 2.0 * rng.random()
            row += 1
        else:
            y += 2.0
    return found


def _row(room: Polygon, y: float, rules: plan.Community, rng: Generator) -> list[Polygon]:
    left, _, right, _ = room.bounds
    x, found = left, []
    length = _pick(rules.lengths, rng)
    while x + min(rules.lengths) <= right:
        shape = box(x, y, x + length, y + rules.depth)
        if room.contains(shape):
            found.append(_stepped(shape, rng))
            x += length + 9.0 + 8.0 * rng.random()
            length = _pick(rules.lengths, rng)
        else:
            # a shorter building may still fit before the row is given up
            length = min(rules.lengths)
            x += 2.0
    return found


def _pick(choices: Sequence[float], rng: Generator) -> float:
    return choices[int(rng.integers(len(choices)))]


def _stepped(shape: Polygon, rng: Generator) -> Polygon:
    """Every fifth long building has its eastern half set back a little to the north."""
    left, low, right, high = shape.bounds
    if right - left < 50 or rng.random() > 0.2:
        return shape
    half = left + (right - left) / 2
    return box(left, low, half, high).union(box(half, low + 3.0, right, high + 3.0))


def assign(found: list[Slot], homes: int, others: int, rng: Generator) -> None:
    """Mark which slots hold homes and which are free for other buildings."""
    if len(found) < homes + others:
        raise SystemExit(f"{len(found)} places for {homes} homes and {others} other buildings")
    order = rng.permutation(len(found))
    for position, slot in enumerate(order):
        found[slot].use = (
            "home" if position < homes else "other" if position < homes + others else ""
        )


def row_paths(
    block: Block, found: Sequence[Slot], streets: shapely.Geometry, rng: Generator
) -> list[LineString]:
    """A footpath along the north side of every used row, and links between the rows."""
    rows: dict[int, list[Polygon]] = {}
    for slot in found:
        if slot.use:
            rows.setdefault(slot.row, []).append(slot.shape)
    near = block.turned(streets)
    solid = shapely.union_all([slot.shape.buffer(1.6) for slot in found if slot.use])
    paths: list[LineString] = []
    before: LineString | None = None
    for row in sorted(rows):
        path, is_joined = _row_path(block.shape, rows[row], near, rng)
        places = _links(before, path, solid) if before is not None else []
        if not (is_joined or places):
            raise SystemExit(f"a row at {block.back(path).centroid.wkt} meets no street")
        # rows that meet no street need a link, others have one in two cases of three
        if places and (not is_joined or rng.random() < 0.67):
            paths.append(places[int(rng.integers(len(places)))])
        paths.append(path)
        before = path
    return [block.back(path) for path in paths]


def _row_path(
    face: Polygon, shapes: Sequence[Polygon], streets: shapely.Geometry, rng: Generator
) -> tuple[LineString, bool]:
    """The path north of a row, out to the streets it meets, and whether it meets any."""
    left = min(s.bounds[0] for s in shapes) + 6.0
    right = max(s.bounds[2] for s in shapes) - 6.0
    y = max(s.bounds[3] for s in shapes) + 3.5
    whole = _level(face, (left + right) / 2, y)
    meets = _meets(whole, streets)
    west = [x for x in meets if x <= left][-1:]
    east = [x for x in meets if x >= right][:1]
    # some paths lead to a street at one end only
    if west and east and rng.random() < 0.25:
        west, east = [(west, []), ([], east)][int(rng.integers(2))]
    x_from = west[0] if west else max(left, whole.bounds[0] + 3.0)
    x_until = east[0] if east else min(right, whole.bounds[2] - 3.0)
    sway = 1.2 * (rng.random() - 0.5)
    path = LineString([(x_from, y), ((x_from + x_until) / 2, y + sway), (x_until, y)])
    return path, bool(meets)


def _meets(whole: LineString, streets: shapely.Geometry) -> list[float]:
    """Where a level line meets streets, its ends included, from west to east."""
    cuts = shapely.get_parts(shapely.intersection(whole, streets))
    at = [x for cut in cuts for x, _ in cut.coords]
    return sorted({*at, *(x for x, y in whole.coords if streets.distance(Point(x, y)) < 0.5)})


def _level(face: Polygon, x: float, y: float) -> LineString:
    """The level line through a point, from edge to edge of the face, west to east."""
    left, _, right, _ = face.bounds
    cuts = shapely.get_parts(face.intersection(LineString([(left - 1, y), (right + 1, y)])))
    lines = [cut for cut in cuts if cut.geom_type == "LineString"]
    best = min(lines, key=lambda cut: cut.distance(Point(x, y)))
    west, east = sorted((best.coords[0], best.coords[-1]))
    return LineString([west, east])


def _links(south: LineString, north: LineString, solid: shapely.Geometry) -> list[LineString]:
    """Where two rows of paths can be joined without meeting a building."""
    left = max(south.bounds[0], north.bounds[0])
    right = min(south.bounds[2], north.bounds[2])
    lines = [_upright(south, north, float(x)) for x in np.arange(left + 6.0, right - 6.0, 3.0)]
    return [line for line in lines if not line.intersects(solid)]


def _upright(south: LineString, north: LineString, x: float) -> LineString:
    tall = LineString([(x, south.bounds[1] - 5), (x, north.bounds[3] + 5)])
    return LineString([south.intersection(tall), north.intersection(tall)])


def share(total: int, weights: Sequence[float]) -> list[int]:
    """Whole numbers in proportion to the weights that add up to the total exactly."""
    ideal = np.asarray(weights, dtype=float) / np.sum(weights) * total
    whole = np.floor(ideal).astype(int)
    by_rest = np.argsort(-(ideal - whole), kind="stable")
    whole[by_rest[: total - whole.sum()]] += 1
    return [int(number) for number in whole]


def table(
    community: plan.Community, footprints: Sequence[Polygon], rng: Generator
) -> list[dict[str, object]]:
    """The homes of one community; every column adds up to the community's number."""
    inside = sorted(footprints, key=lambda s: (-round(s.centroid.y / 30), s.centroid.x))
    apart = [box(-6, -4, 6, 4) for _ in community.apart]
    places = [plan.lay(Point(at)) for at in community.apart]
    cottages = [affinity.translate(s, p.x, p.y) for s, p in zip(apart, places, strict=True)]
    storeys = [_pick(community.storeys, rng) for _ in inside] + [1] * len(cottages)
    shapes = [*inside, *cottages]
    built = [shape.area * floors for shape, floors in zip(shapes, storeys, strict=True)]
    area = share(community.floor_area_m2 or round(sum(built)), built)
    households = share(community.households, built)
    residents = share(community.residents, _varied(households, 0.08, rng))
    elderly = share(community.elderly, _varied(residents, 0.15, rng))
    children = share(community.children, _varied(residents, 0.5, rng))
    return [
        {
            "home_id": f"{community.key}-{number + 1:02d}",
            "community_id": community.key,
            "name": f"{community.name}{number + 1}号楼",
            "name_en": f"{community.name_en} No. {number + 1}",
            "households": households[number],
            "residents": residents[number],
            "elderly": elderly[number],
            "children": children[number],
            "storeys": int(storeys[number]),
            "has_lift": storeys[number] > community.lifts_above,
            "floor_area_m2": area[number],
            "geometry": shape,
        }
        for number, shape in enumerate(shapes)
    ]


def _varied(numbers: Sequence[float], by: float, rng: Generator) -> list[float]:
    return [number * (1 + by * (2 * rng.random() - 1)) for number in numbers]
