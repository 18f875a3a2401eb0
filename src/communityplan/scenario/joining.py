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
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.network import WalkNetwork
from communityplan.network.attachment import Attachment, attach, owners_near
from communityplan.network.edges import PRIVATE
from communityplan.network.noding import Barriers
from communityplan.reach.ends import Places, places, residents_of
from communityplan.scenario.situation import Situation
from communityplan.tables import as_flags
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
    """Homes with their joining points, once for every right of way their people have.

    Parameters
    ----------
    change : Change
    homes : GeoDataFrame

    Returns
    -------
    Joined
        The rights are those of before, those of their community, and, for homes whose community
        had no ways of its own, those to a new private way that lies nearer than what they joined.
    """
    both = change.join(homes, "homes")
    owner = residents_of(change.before, both.before, change.walker)
    kept = _kept(change, both.before, owner)
    called = _new_names(change.before, change.after)
    given = np.full(len(owner), "", dtype=object)
    if "community_id" in homes.columns:
        given = homes["community_id"].map(str).to_numpy(dtype=object)
    now_owned = np.where(np.isin(given, change.after.owners), given, "")
    point, more = _nearer(change, both.before.shapes, kept.door_m)
    whose = change.after.edges["owner"].to_numpy(dtype=object)[more.edge]
    mine = (more.edge >= 0) & pd.Series(whose).str.startswith(PRIVATE).to_numpy(dtype=bool)
    mine &= ~np.isin(given[point], change.before.owners)
    every = np.arange(len(owner))
    rights = pd.DataFrame(
        {
            "row": np.concatenate([every, every, point[mine]]),
            "owner": np.concatenate([[called.get(n, "") for n in owner], now_owned, whose[mine]]),
        }
    ).drop_duplicates()
    row = rights["row"].to_numpy(dtype=np.int64)
    return _joined(change, both.after, row, rights["owner"].to_numpy(dtype=object), kept.take(row))


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
    old = [name for name, new in names.items() if owner and new == owner] or [""]
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
    found = both.before
    old = owners_near(change.before, found.shapes, walker=walker, base=found.base)
    # measured from what was joined before: another new path may be nearer still, and hide nothing
    _, more = _nearer(change, found.shapes, found.base.door_m)
    new = change.after.edges["owner"].to_numpy(dtype=object)[more.edge[more.edge >= 0]]
    apart = ({called.get(name, "") for name in old} | set(new)) - {""}
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
    lines = change.before.edges.geometry.to_numpy()
    streets = change.before.edges["street"].to_numpy()
    on = np.where(kept.edge >= 0, kept.edge, 0)
    there = located(change.after, lines[on], streets[on], kept)
    point, more = _nearer(change, found.shapes[row], kept.door_m)
    whose = change.after.edges["owner"].to_numpy(dtype=object)[more.edge]
    usable = (more.edge >= 0) & ((whose == "") | (whose == rights[point]))
    point, more = point[usable], more.take(usable)
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


@dataclass(frozen=True)
class _Ground:
    """Lines that places may join: the edges before, and each part of a new street.

    These pieces are the same whatever else a scenario does, so a joining point that one scenario
    offers is offered by every larger one.
    """

    lines: Names
    street: Ints
    tree: shapely.STRtree

    @classmethod
    def of(cls, change: Change) -> _Ground:
        key = ("ground", change.before, change.walker.may_use_steps)
        if key not in change.after.cache:
            edges, streets = change.before.edges, change.now.streets
            new = streets.iloc[len(change.start.streets) :]
            walked = (edges["kind"] != "gate") & (edges["access"] != "closed")
            level = np.ones(len(new), dtype=bool)
            if not change.walker.may_use_steps:
                walked &= ~edges["steps"]
                level = ~as_flags(new["steps"]) if len(new) else level
            parts, row = shapely.get_parts(new.geometry.to_numpy()[level], return_index=True)
            lines = np.concatenate([edges.geometry[walked], parts])
            number = np.arange(len(change.start.streets), len(streets))[level]
            street = np.concatenate([edges["street"][walked], number[row]]).astype(np.int64)
            change.after.cache[key] = cls(lines, street, shapely.STRtree(lines))
        found: _Ground = change.after.cache[key]
        return found


def _nearer(change: Change, shapes: Names, door_m: Floats) -> tuple[Ints, Attachment]:
    """Points, and where they may join every line that is nearer than their kept one, and free."""
    ground = _Ground.of(change)
    reach_m = max(change.after.attach_within_m, NEARER_M)
    limit_m = np.where(np.isnan(door_m), reach_m, door_m)
    point, near = ground.tree.query(shapes, predicate="dwithin", distance=limit_m)
    distance_m = shapely.distance(shapes[point], ground.lines[near])
    chosen = (distance_m < limit_m[point] - NEARER_M) | np.isnan(door_m[point])
    point, near = point[chosen].astype(np.int64), near[chosen]
    ways = np.asarray(shapely.shortest_line(shapes[point], ground.lines[near]), dtype=object)
    free = _is_free(change.after.barriers, ways)
    point, near, ways = point[free], near[free], ways[free]
    ends = np.asarray(shapely.get_point(ways, -1), dtype=object)
    spots = Attachment(near, np.zeros(len(near)), np.asarray(shapely.length(ways)), ends)
    return point, located(change.after, ground.lines[near], ground.street[near], spots)


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


def located(network: WalkNetwork, lines: Names, street: Ints, spots: Attachment) -> Attachment:
    """Points on streets as places on the edges of a network.

    Parameters
    ----------
    network : WalkNetwork
        In which the streets may be cut elsewhere, or no longer.
    lines : array of LineString, shape (P,)
        Part of a street that each point lies on: it decides on the side of a wall.
    street : array of int, shape (P,)
        Row of that street.
    spots : Attachment
        The points; those with edge -1 stay unattached.

    Returns
    -------
    Attachment
    """
    edge = np.full(len(spots.edge), -1, dtype=np.int64)
    along = np.full(len(spots.edge), np.nan)
    on = np.flatnonzero(spots.edge >= 0)
    point, choice = _edges_at(network, spots.point[on])
    point = on[point]
    edges = network.edges.geometry.to_numpy()
    same = street[point] == network.edges["street"].to_numpy()[choice]
    point, choice = point[same], choice[same]
    same = _share_ground(lines[point], edges[choice], spots.point[point])
    point, choice = point[same], choice[same]
    row, first = np.unique(point, return_index=True)
    edge[row] = choice[first]
    along[row] = shapely.line_locate_point(edges[edge[row]], spots.point[row], normalized=True)
    return Attachment(edge, along, spots.door_m, spots.point)


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
    middle = np.asarray(shapely.line_interpolate_point(lines, 0.5, normalized=True), dtype=object)
    nothing = np.zeros(len(owned))
    spots = Attachment(owned.index.to_numpy(), nothing, nothing, middle)
    there = located(after, lines, owned["street"].to_numpy(), spots).edge
    whose = after.edges["owner"].to_numpy(dtype=object)
    found = there >= 0
    names.update(zip(owned["owner"].to_numpy()[found], whose[there[found]], strict=True))
    return names
