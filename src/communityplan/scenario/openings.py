"""Places where a wall could be opened: shut gates, streets that a wall cuts, short ways through.

Every place comes with its links: pairs of points of the network as it stands that it would join.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString

from communityplan._search import Ends
from communityplan.network import WalkNetwork
from communityplan.network.attachment import Attachment, attach
from communityplan.scenario.draft import NATURAL, Draft
from communityplan.scenario.paths import crossings
from communityplan.scenario.situation import Situation
from communityplan.walker import Walker

__all__ = ["KINDS", "Openings", "find_openings"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

KINDS = ("closed_gate", "residents_gate", "cut_street", "passage")
"""What can be opened: a shut gate, a residents' gate, a street that a wall cuts, or a wall between
two ways."""

PROBES_M = (0.5, 4.0)
"""How far beside a wall it is looked for streets on each side [m]; farther where it is double."""

AT_CUT_M = 0.5
SAME_POINT_M = 0.001
INDOORS_M = 0.5
"""A way that runs through buildings for longer than this cannot be built [m]."""


@dataclass(frozen=True)
class Openings:
    """Places to open, and what each would join.

    Attributes
    ----------
    table : GeoDataFrame
        ``kind``, ``gate_id`` (empty where there is no gate yet), ``path`` (well-known text, empty
        where no path is needed), ``length_m``, ``side_a`` and ``side_b`` (communities, empty
        outside of all); the place in the wall.
    ends : Ends
        Points of the network.
    link : DataFrame
        ``opening`` (row of the table), ``a``, ``b`` (positions in `ends`), ``length_m``,
        ``wait_s``.
    """

    table: gpd.GeoDataFrame
    ends: Ends
    link: pd.DataFrame

    def take(self, rows: Ints) -> Openings:
        """Some of the openings, by position, in that order."""
        new = np.full(len(self.table), -1)
        new[rows] = np.arange(len(rows))
        link = self.link.assign(opening=new[self.link["opening"].to_numpy(dtype=np.int64)])
        link = link[link["opening"] >= 0].sort_values("opening", kind="stable")
        used, place = np.unique(link[["a", "b"]].to_numpy(dtype=np.int64), return_inverse=True)
        place = place.reshape(-1, 2)
        link = link.assign(a=place[:, 0], b=place[:, 1]).reset_index(drop=True)
        table = self.table.iloc[rows].reset_index(drop=True)
        return Openings(table, self.ends.take(used), link)


def find_openings(
    now: Situation,
    *,
    walker: Walker,
    kinds: tuple[str, ...] = KINDS,
    within_m: float,
    every_m: float,
) -> Openings:
    """Every place of the chosen kinds.

    Parameters
    ----------
    now : Situation
        As it stands.
    walker : Walker
        Decides whether a new way may begin on steps.
    kinds : tuple of str
        Of `KINDS`.
    within_m : float
        Longest new way through a wall [m].
    every_m : float
        Distance between the places of a wall that are looked at [m].

    Returns
    -------
    Openings
    """
    draft = Draft(now.tables, dict(now.network.options))
    split = _split_nodes(now.network)
    found = _Found(now.network, split)
    if "closed_gate" in kinds or "residents_gate" in kinds:
        found.gates(kinds)
    if "cut_street" in kinds:
        found.cuts(_natural(draft))
    if "passage" in kinds:
        found.passages(draft, _stations(now, draft, walker, within_m, every_m))
    return found.openings(now)


def _natural(draft: Draft) -> shapely.Geometry:
    lines, kinds = draft.barriers
    return shapely.union_all(lines[np.isin(kinds, NATURAL)])


def _split_nodes(network: WalkNetwork) -> pd.DataFrame:
    """Nodes that lie on each other, cut apart by a barrier: ``key``, ``node``, ``x``, ``y``."""
    xy = shapely.get_coordinates(network.nodes.geometry)
    walked = network.edges[network.edges["kind"] != "gate"]
    street_end = np.zeros(len(xy), dtype=bool)
    street_end[walked[["u", "v"]].to_numpy().ravel()] = True
    nodes = pd.DataFrame({"node": np.arange(len(xy)), "x": xy[:, 0], "y": xy[:, 1]})[street_end]
    millimetres = np.round(nodes[["x", "y"]].to_numpy() / SAME_POINT_M)
    nodes["key"] = np.unique(millimetres[:, 0] + 1j * millimetres[:, 1], return_inverse=True)[1]
    return nodes[nodes["key"].duplicated(keep=False)].sort_values(["key", "node"])


class _Found:
    """Openings as they are found, one after another."""

    def __init__(self, network: WalkNetwork, split: pd.DataFrame) -> None:
        self.network = network
        self.split = split
        self.rows: list[dict[str, Any]] = []
        self.shapes: list[shapely.Geometry] = []
        self.links: list[tuple[int, int, int, float, float]] = []
        self.spots: list[tuple[int, float, int]] = []

    def add(self, shape: Any, kind: str, **facts: Any) -> None:
        """Begin an opening; links that follow are its own."""
        self.rows.append({"kind": kind, "gate_id": "", "path": "", "length_m": 0.0, **facts})
        self.shapes.append(shape)

    def join_nodes(self, u: int, v: int, wait_s: float) -> None:
        """Link two nodes."""
        self._link((-1, 0.0, u), (-1, 0.0, v), 0.0, wait_s)

    def join_cuts(self, point: Any) -> None:
        """Link the sides of every cut that a gate at this point opens."""
        if not len(self.split):
            return
        within_m = float(self.network.options["gate_within_m"])
        apart_m = np.hypot(self.split["x"] - point.x, self.split["y"] - point.y)
        near = self.split[apart_m <= max(within_m, SAME_POINT_M)]
        for _, sides in near.groupby("key"):
            for u, v in itertools.combinations(sides["node"].tolist(), 2):
                self.join_nodes(u, v, 0.0)

    def _link(
        self, a: tuple[int, float, int], b: tuple[int, float, int], length_m: float, wait_s: float
    ) -> None:
        first = len(self.spots)
        self.spots += [a, b]
        self.links.append((len(self.rows) - 1, first, first + 1, length_m, wait_s))

    def gates(self, kinds: tuple[str, ...]) -> None:
        """Gates that are shut, and those for residents."""
        edges = self.network.edges
        passages = edges[(edges["kind"] == "gate")]
        for name, ways in passages.groupby("gate_id", sort=True):
            access = set(ways["access"])
            kind = "closed_gate" if access == {"closed"} else "residents_gate"
            if "everyone" in access or kind not in kinds:
                continue
            self.add(shapely.get_point(ways.geometry.iloc[0], 0), kind, gate_id=str(name))
            for u, v, wait_s in ways.drop_duplicates(["u", "v"])[["u", "v", "wait_s"]].itertuples(
                index=False, name=None
            ):
                self.join_nodes(int(u), int(v), float(wait_s))

    def cuts(self, natural: shapely.Geometry) -> None:
        """Streets that a wall cuts where there is no gate."""
        edges = self.network.edges
        gated = set(edges.loc[edges["kind"] == "gate", ["u", "v"]].to_numpy().ravel().tolist())
        for _, sides in self.split.groupby("key", sort=True):
            place = shapely.Point(sides["x"].iloc[0], sides["y"].iloc[0])
            if gated & set(sides["node"]) or shapely.dwithin(place, natural, 10 * SAME_POINT_M):
                continue
            self.add(place, "cut_street")
            self.join_cuts(place)

    def passages(self, draft: Draft, stations: list[tuple[LineString, Attachment]]) -> None:
        """New ways through walls; one that would begin at a cut in a street is for a gate there."""
        cuts = shapely.multipoints(self.split[["x", "y"]].to_numpy())
        for line, joins in stations:
            places = crossings(draft, line)
            if not places or shapely.dwithin(joins.point, cuts, AT_CUT_M).any():
                continue
            path = shapely.to_wkt(line, rounding_precision=3)
            self.add(places[0], "passage", path=path, length_m=line.length)
            a, b = ((int(joins.edge[side]), float(joins.along[side]), -1) for side in (0, 1))
            self._link(a, b, line.length, 0.0)
            for place in places:
                self.join_cuts(place)

    def openings(self, now: Situation) -> Openings:
        """All that was found."""
        names = ["kind", "gate_id", "path", "length_m"]
        table = gpd.GeoDataFrame(
            {name: [row[name] for row in self.rows] for name in names},
            geometry=np.array(self.shapes, dtype=object),
            crs=self.network.crs,
        )
        spots = pd.DataFrame(self.spots, columns=["edge", "along", "node"])
        ends = Ends(
            spots["edge"].to_numpy(dtype=np.int64),
            spots["along"].to_numpy(dtype=np.float64),
            spots["node"].to_numpy(dtype=np.int64),
            np.zeros(len(spots)),
        )
        link = pd.DataFrame(self.links, columns=["opening", "a", "b", "length_m", "wait_s"])
        link = link.astype({"opening": "int64", "a": "int64", "b": "int64", "wait_s": "float64"})
        found = Openings(table, ends, link)
        found = found.take(np.unique(link["opening"].to_numpy()))
        return Openings(_with_sides(now, found), found.ends, found.link)


def _with_sides(now: Situation, found: Openings) -> gpd.GeoDataFrame:
    """The communities on both sides of every opening, read where its first link ends."""
    first = found.link.drop_duplicates("opening")
    xy = {name: _beside(now.network, found.ends, first[name].to_numpy()) for name in ("a", "b")}
    sides = {f"side_{name}": _inside(now, points) for name, points in xy.items()}
    return found.table.assign(**sides)


def _beside(network: WalkNetwork, ends: Ends, rows: Ints) -> Shapes:
    """Points that tell on which side of a wall ends lie."""
    edges = network.edges
    walked = edges[(edges["kind"] != "gate")]
    lines = walked.geometry.to_numpy()
    side = np.full(len(network.nodes), None, dtype=object)
    for column, share in (("v", -1), ("u", 1)):
        step = np.minimum(0.1, shapely.length(lines) / 2)
        side[walked[column].to_numpy()] = shapely.line_interpolate_point(lines, share * step)
    on = ends.edge[rows] >= 0
    points = side[np.where(on, 0, ends.node[rows])]
    along = ends.along[rows][on]
    own = edges.geometry.to_numpy()[ends.edge[rows][on]]
    points[on] = shapely.line_interpolate_point(own, along, normalized=True)
    return points


def _inside(now: Situation, points: Shapes) -> list[str]:
    names = np.full(len(points), "", dtype=object)
    if now.communities is not None and len(now.communities):
        areas = shapely.STRtree(now.communities.geometry.to_numpy())
        point, area = areas.query(points, predicate="within")
        names[point] = now.communities["community_id"].map(str).to_numpy()[area]
    return [str(name) for name in names]


def _stations(
    now: Situation, draft: Draft, walker: Walker, within_m: float, every_m: float
) -> list[tuple[LineString, Attachment]]:
    """Ways through walls, from street to street, with the places they join."""
    points, normal = _along_walls(draft, every_m)
    best_m = np.full(len(points), np.inf)
    joins: list[Any] = [None] * len(points)
    network = now.network
    for offset in itertools.product(PROBES_M, PROBES_M):
        sides = []
        for step_m, way in zip(offset, (1.0, -1.0), strict=True):
            probes = np.asarray(shapely.points(points + way * step_m * normal), dtype=object)
            inside = np.array(_inside(now, probes), dtype=object)
            owner = np.where(np.isin(inside, network.owners), inside, "").astype(object)
            sides.append(attach(network, probes, walker=walker, owner=owner))
        length_m = _length_m(points, sides)
        for row in np.flatnonzero((length_m <= within_m) & (length_m < best_m - 1.0)):
            best_m[row] = length_m[row]
            joins[row] = [side.take(np.array([row])) for side in sides]
    lines, found = [], []
    for row in np.flatnonzero(np.isfinite(best_m)):
        a, b = joins[row]
        ends = [shapely.get_coordinates(side.point[0])[0] for side in (a, b)]
        lines.append(LineString([ends[0], points[row], ends[1]]))
        found.append(
            Attachment(*(np.concatenate(pair) for pair in zip(_parts(a), _parts(b), strict=True)))
        )
    kept = _buildable(now, draft, np.array(lines, dtype=object))
    return [(lines[row], found[row]) for row in np.flatnonzero(kept)]


def _parts(found: Attachment) -> tuple[NDArray[Any], ...]:
    return found.edge, found.along, found.door_m, found.point


def _length_m(points: Floats, sides: list[Attachment]) -> Floats:
    """Length of the way from street to street by a place in the wall, infinite without one."""
    total = np.zeros(len(points))
    for side in sides:
        there = side.edge >= 0
        total[~there] = np.inf
        total[there] += shapely.distance(side.point[there], shapely.points(points[there]))
    return total


def _along_walls(draft: Draft, every_m: float) -> tuple[Floats, Floats]:
    """Places along everything that can be opened, and the direction across it."""
    lines, kinds = draft.barriers
    parts = shapely.get_parts(lines[~np.isin(kinds, NATURAL)])
    points, normals = [], []
    for line in parts:
        count = max(int(line.length // every_m), 1)
        along = (np.arange(count) + 0.5) * line.length / count
        step = min(0.05, line.length / 4)
        a, b = (
            shapely.get_coordinates(shapely.line_interpolate_point(line, along + way))
            for way in (-step, step)
        )
        across = np.stack([a[:, 1] - b[:, 1], b[:, 0] - a[:, 0]], axis=1)
        points.append(shapely.get_coordinates(shapely.line_interpolate_point(line, along)))
        normals.append(across / np.maximum(np.hypot(*across.T), 1e-9)[:, None])
    if not points:
        return np.zeros((0, 2)), np.zeros((0, 2))
    return _thinned(np.concatenate(points), np.concatenate(normals), every_m / 4)


def _thinned(points: Floats, normals: Floats, apart_m: float) -> tuple[Floats, Floats]:
    """Without places beside an earlier one: a wall may be drawn twice."""
    shapes = np.asarray(shapely.points(points), dtype=object)
    one, two = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=apart_m)
    drop = np.zeros(len(points), dtype=bool)
    for a, b in sorted(zip(one.tolist(), two.tolist(), strict=True)):
        if a < b and not drop[a]:
            drop[b] = True
    return points[~drop], normals[~drop]


def _buildable(now: Situation, draft: Draft, lines: Shapes) -> NDArray[np.bool_]:
    """Ways that pass neither buildings nor rivers and the like."""
    if not len(lines):
        return np.zeros(0, dtype=bool)
    kept = ~np.asarray(shapely.intersects(lines, _natural(draft)))
    kept &= shapely.length(lines) > 0
    shapes = [
        table.geometry.to_numpy()
        for table in (now.homes, now.facilities, now.idle_buildings)
        if table is not None and len(table)
    ]
    buildings = np.concatenate(shapes) if shapes else np.zeros(0, dtype=object)
    buildings = buildings[shapely.get_dimensions(buildings) == 2]
    line, building = shapely.STRtree(buildings).query(lines, predicate="intersects")
    inner_m = shapely.length(shapely.intersection(lines[line], buildings[building]))
    kept[line[inner_m > INDOORS_M]] = False
    return kept
