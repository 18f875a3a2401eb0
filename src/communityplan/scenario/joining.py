"""Where homes and facilities join a network that a scenario has left.

A point keeps its joining point of the network the scenario started from. Besides, it may join every
street that lies nearer and that the scenario has added, or freed by taking down a wall. What can
only be added to never makes a walk longer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from communityplan.network import WalkNetwork
from communityplan.network.attachment import Attachment, attach, owners_near
from communityplan.network.noding import Barriers
from communityplan.reach.ends import Places, places, residents_of
from communityplan.scenario.situation import Situation
from communityplan.walker import Walker

__all__ = ["Both", "Change", "Joined", "groups", "join_destinations", "join_homes", "located"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Names = NDArray[np.object_]

NEARER_M = 1e-6
"""A street has to lie this much nearer to be joined as well [m]: rounding is no reason."""

HAIR_M = 0.01
"""How much of the ends of a way to the street may touch a wall [m], as when points are joined."""

PROBE_M = 0.01
"""How far from a joining point it is looked whether two edges run on together [m]."""


@dataclass(frozen=True)
class Joined:
    """Places as they may join, each once for every joining point.

    Attributes
    ----------
    row : array of int
        Position of the place in its table.
    places : Places
        One row per place and joining point.
    owner : array of str
        Whose private ways and gates the people may use, in the network after.
    """

    row: Ints
    places: Places
    owner: Names

    def take(self, rows: Ints) -> Joined:
        """Some of the rows, by position."""
        found = self.places
        some = Places(
            found.table.iloc[rows], found.ids[rows], found.shapes[rows], found.base.take(rows)
        )
        return Joined(self.row[rows], some, self.owner[rows])


@dataclass(frozen=True)
class Change:
    """A scenario as one walker sees it.

    Attributes
    ----------
    now, start : Situation
        After and before.
    walker : Walker
    """

    now: Situation
    start: Situation
    walker: Walker

    @property
    def before(self) -> WalkNetwork:
        """The network before."""
        return self.start.network

    @property
    def after(self) -> WalkNetwork:
        """The network after."""
        return self.now.network

    def join(self, table: gpd.GeoDataFrame, where: str) -> Both:
        """The places of a table joined to both networks."""
        before = places(self.before, table, walker=self.walker, where=where)
        if self.after is self.before:
            return Both(before, before)
        return Both(before, places(self.after, table, walker=self.walker, where=where))


@dataclass(frozen=True)
class Both:
    """Places of one table joined to the network before and after.

    Attributes
    ----------
    before, after : Places
    """

    before: Places
    after: Places


def join_homes(change: Change, homes: gpd.GeoDataFrame) -> Joined:
    """Homes with their joining points; also with the rights they had, where those are others.

    Parameters
    ----------
    change : Change
    homes : GeoDataFrame

    Returns
    -------
    Joined
    """
    both = change.join(homes, "homes")
    owner_before = residents_of(change.before, both.before, change.walker)
    owner_after = residents_of(change.after, both.after, change.walker)
    called = _new_names(change.before, change.after)
    rights_kept = np.array([called.get(name, "") for name in owner_before], dtype=object)
    changed = np.flatnonzero(rights_kept != owner_after)
    row = np.concatenate([np.arange(len(owner_after)), changed])
    rights = np.concatenate([rights_kept, owner_after[changed]])
    kept = _kept(change, both.before, owner_before)
    return _joined(change, both.after, row, rights, kept.take(row))


def join_destinations(change: Change, both: Both, owner: str) -> Joined:
    """Facilities with their joining points, to people of one owner.

    Parameters
    ----------
    change : Change
    both : Both
        The facilities, joined to the network before and after.
    owner : str
        Owner in the network after, empty for none.

    Returns
    -------
    Joined
    """
    names = _new_names(change.before, change.after)
    old = ["", *(name for name, new in names.items() if owner and new == owner)]
    count = len(both.before.ids)
    kept = [_kept(change, both.before, np.full(count, name, dtype=object)) for name in old]
    row = np.tile(np.arange(count), len(old))
    rights = np.full(len(row), owner, dtype=object)
    return _joined(change, both.after, row, rights, _stacked(kept))


def groups(change: Change, homes: Joined, both: Both) -> Iterator[tuple[str, Ints]]:
    """Rows of homes that can be searched from together: facilities join alike for them.

    Parameters
    ----------
    change : Change
    homes : Joined
    both : Both
        The facilities.

    Yields
    ------
    tuple of str and array of int
        The owner whose ways the facilities may join, and positions in `homes`.
    """
    called = _new_names(change.before, change.after)
    walker = change.walker
    old = owners_near(change.before, both.before.shapes, walker=walker, base=both.before.base)
    new = owners_near(change.after, both.after.shapes, walker=walker, base=both.after.base)
    apart = ({called.get(name, "") for name in old} | new) - {""}
    alone = np.isin(homes.owner, sorted(apart))
    if not alone.all() or not len(alone):
        yield "", np.flatnonzero(~alone)
    for name in sorted(set(homes.owner[alone])):
        yield str(name), np.flatnonzero(homes.owner == name)


def _kept(change: Change, found: Places, owner: Names) -> Attachment:
    """Where places join the network before, to people of these owners."""
    return attach(change.before, found.shapes, walker=change.walker, owner=owner, base=found.base)


def _joined(change: Change, found: Places, row: Ints, rights: Names, kept: Attachment) -> Joined:
    """The kept joining points on the network after, and the nearer ones."""
    if change.after is change.before:
        return Joined(row, _repeated(found, row, kept), rights)
    there = located(change.before, change.after, kept)
    point, edge = _nearer(change, found.shapes[row], kept.door_m, rights)
    more = _measured(change.after, found.shapes[row[point]], edge)
    every = np.concatenate([row, row[point]])
    joins = _stacked([there, more])
    return Joined(every, _repeated(found, every, joins), np.concatenate([rights, rights[point]]))


def _repeated(found: Places, row: Ints, joins: Attachment) -> Places:
    return Places(found.table.iloc[row], found.ids[row], found.shapes[row], joins)


def _stacked(parts: list[Attachment]) -> Attachment:
    return Attachment(
        np.concatenate([part.edge for part in parts]),
        np.concatenate([part.along for part in parts]),
        np.concatenate([part.door_m for part in parts]),
        np.concatenate([part.point for part in parts]),
    )


def _nearer(change: Change, shapes: Names, door_m: Floats, owner: Names) -> tuple[Ints, Ints]:
    """Points, and every edge nearer than the kept one that they may use and freely get to."""
    network, walker = change.after, change.walker
    edges = network.edges
    usable = (edges["access"] != "closed") & (edges["kind"] != "gate")
    if not walker.may_use_steps:
        usable &= ~edges["steps"]
    rows = np.flatnonzero(usable.to_numpy())
    lines = edges.geometry.to_numpy()
    if not len(rows) or not len(shapes):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    key = ("joining tree", walker.may_use_steps)
    if key not in network.cache:
        network.cache[key] = shapely.STRtree(lines[rows])
    reach_m = max(network.attach_within_m, NEARER_M)
    limit_m = np.where(np.isnan(door_m), reach_m, door_m)
    point, near = network.cache[key].query(shapes, predicate="dwithin", distance=limit_m)
    edge = rows[near]
    whose = edges["owner"].to_numpy(dtype=object)[edge]
    distance_m = shapely.distance(shapes[point], lines[edge])
    chosen = (distance_m < limit_m[point] - NEARER_M) | np.isnan(door_m[point])
    chosen &= (whose == "") | (whose == owner[point])
    point, edge = point[chosen].astype(np.int64), edge[chosen]
    free = _is_free(network.barriers, shapely.shortest_line(shapes[point], lines[edge]))
    return point[free], edge[free]


def _is_free(barriers: Barriers, ways: Names) -> NDArray[np.bool_]:
    """Whether straight ways stay on their side of every wall and boundary.

    Their ends may touch a wall; but a street drawn along the boundary of an enclosed community
    is outside, and not to be joined from inside.
    """
    ends = shapely.get_coordinates(ways).reshape(-1, 2, 2)
    length_m = np.maximum(shapely.length(ways), NEARER_M)
    step = np.minimum(HAIR_M / length_m, 0.5)[:, None] * (ends[:, 1] - ends[:, 0])
    inner = shapely.linestrings(np.stack([ends[:, 0] + step, ends[:, 1] - step], axis=1))
    free = np.ones(len(ways), dtype=bool)
    free[shapely.STRtree(barriers.lines).query(inner, predicate="intersects")[0]] = False
    for area in barriers.compounds:
        inside = shapely.contains_properly(area, shapely.points(ends))
        free &= inside[:, 0] == inside[:, 1]
    return free


def _measured(network: WalkNetwork, shapes: Names, edge: Ints) -> Attachment:
    lines = network.edges.geometry.to_numpy()[edge]
    ways = np.asarray(shapely.shortest_line(shapes, lines), dtype=object)
    joins = np.asarray(shapely.get_point(ways, -1), dtype=object)
    along = np.asarray(shapely.line_locate_point(lines, joins, normalized=True))
    return Attachment(edge, along, np.asarray(shapely.length(ways)), joins)


def located(before: WalkNetwork, after: WalkNetwork, kept: Attachment) -> Attachment:
    """Joining points of one network as places on the edges of the next.

    Parameters
    ----------
    before, after : WalkNetwork
        Made of the same streets, in the same rows, perhaps with more vertices, and of new ones.
    kept : Attachment
        In the network before.

    Returns
    -------
    Attachment
        In the network after.
    """
    edge, along = np.full(len(kept.edge), -1, dtype=np.int64), np.full(len(kept.edge), np.nan)
    on = np.flatnonzero(kept.edge >= 0)
    point, choice = _edges_at(after, kept.point[on])
    point = on[point]
    same = before.edges["street"].to_numpy()[kept.edge[point]]
    chosen = same == after.edges["street"].to_numpy()[choice]
    point, choice = point[chosen], choice[chosen]
    old, new = before.edges.geometry.to_numpy(), after.edges.geometry.to_numpy()
    chosen = _share_ground(old[kept.edge[point]], new[choice], kept.point[point])
    point, choice = point[chosen], choice[chosen]
    row, first = np.unique(point, return_index=True)
    edge[row] = choice[first]
    along[row] = shapely.line_locate_point(new[edge[row]], kept.point[row], normalized=True)
    return Attachment(edge, along, kept.door_m, kept.point)


def _edges_at(network: WalkNetwork, points: Names) -> tuple[Ints, Ints]:
    """Every point with every street edge that it lies on, in the order of points and edges."""
    if "walked tree" not in network.cache:
        rows = np.flatnonzero((network.edges["kind"] != "gate").to_numpy())
        lines = network.edges.geometry.to_numpy()[rows]
        network.cache["walked tree"] = rows, shapely.STRtree(lines)
    rows, tree = network.cache["walked tree"]
    if not len(points):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    point, near = tree.query(points, predicate="dwithin", distance=NEARER_M)
    order = np.lexsort((near, point))
    return point[order].astype(np.int64), rows[near[order]]


def _share_ground(one: Names, two: Names, points: Names) -> NDArray[np.bool_]:
    """Whether two lines that meet at a point run on together from there, one way or the other."""
    together = np.zeros(len(points), dtype=bool)
    for line, other in ((one, two), (two, one)):
        length_m = shapely.length(line)
        at_m = shapely.line_locate_point(line, points)
        step_m = np.minimum(PROBE_M, length_m / 2)
        for probe_m in (at_m - step_m, at_m + step_m):
            inside = (probe_m > 0) & (probe_m < length_m)
            probe = shapely.line_interpolate_point(line, np.clip(probe_m, 0, length_m))
            together |= inside & (shapely.distance(probe, other) < NEARER_M)
    return np.asarray(together)


def _new_names(before: WalkNetwork, after: WalkNetwork) -> dict[str, str]:
    """What the owners of the network before are called in the one after.

    Groups of private ways are numbered, so a new private way may change their numbers.
    """
    key = ("names of owners", before)
    if key not in after.cache:
        after.cache[key] = _named(before, after)
    names: dict[str, str] = after.cache[key]
    return names


def _named(before: WalkNetwork, after: WalkNetwork) -> dict[str, str]:
    names = {name: name if name in after.owners else "" for name in before.owners}
    owned = before.edges[(before.edges["owner"] != "") & (before.edges["kind"] != "gate")]
    owned = owned.drop_duplicates("owner")
    lines = owned.geometry.to_numpy()
    middle = shapely.line_interpolate_point(lines, 0.5, normalized=True)
    spots = Attachment(
        owned.index.to_numpy(), np.full(len(owned), 0.5), np.zeros(len(owned)), middle
    )
    there = located(before, after, spots).edge
    whose = after.edges["owner"].to_numpy(dtype=object)
    found = there >= 0
    names.update(zip(owned["owner"].to_numpy()[found], whose[there[found]], strict=True))
    return names
