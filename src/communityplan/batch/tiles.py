"""One large project as tiles: whole communities, with as much around them as their people walk."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from communityplan.errors import OptionError
from communityplan.project import Project
from communityplan.standards import WALKERS
from communityplan.standards import walker as find_walker
from communityplan.standards.clauses import read_standard
from communityplan.walker import slope_factor

__all__ = ["Tile", "cut_tiles", "least_overlap_m"]

Flags = NDArray[np.bool_]

STEEPEST = np.linspace(-1.0, 1.0, 2001)
"""Grades over which the fastest pace of a walker is looked for."""


@dataclass(frozen=True, eq=False)
class Tile:
    """Some communities of a project, cut out when it is their turn.

    Attributes
    ----------
    whole : Project
        What it is cut from.
    owned : tuple of str
        Keys of the communities whose people are counted in this tile, each in one tile only.
    overlap_m : float
        How far streets and facilities around their homes are kept [m]; infinite for all of them.
    number : int
        Place in the list of tiles, from 1.
    """

    whole: Project
    owned: tuple[str, ...]
    overlap_m: float
    number: int

    @property
    def name(self) -> str:
        """The name of the project with the number of the tile."""
        return f"{self.whole.name}-{self.number:05d}"

    @property
    def source(self) -> str:
        """Where the whole comes from."""
        return f"{self.whole.source}, tile {self.number}"

    def project(self) -> Project:
        """The tile as a project: homes of its own communities, and what lies around them.

        Returns
        -------
        Project
            Without idle buildings, whose ranking and choice are questions for the whole, and
            without the further steps of a plan.
        """
        own = self.whole.homes["community_id"].map(str).isin(self.owned)
        homes = self.whole.homes[own]
        bare = replace(
            self.whole, name=self.name, homes=homes, idle_buildings=None, budget_yuan=None, steps={}
        )
        return bare if math.isinf(self.overlap_m) else self._around(bare)

    def _around(self, bare: Project) -> Project:
        """Streets, facilities, walls, gates and communities that matter to the homes."""
        slack = 2.0 * float(bare.network_options.get("attach_within_m", 100.0))
        slack += float(bare.network_options.get("gate_within_m", 5.0))
        hulls = bare.homes.dissolve("community_id").geometry.convex_hull
        near = shapely.union_all(hulls.buffer(self.overlap_m + slack).to_numpy())
        # a facility joins its own nearest street, so streets reach farther than facilities
        wide = near.buffer(slack)
        streets = bare.streets[_touching(bare.streets, wide)]
        # the streets next to these, so that those which count are cut where they are in the whole
        streets = bare.streets[_touching(bare.streets, *streets.geometry)]
        extent = wide.union(shapely.box(*streets.total_bounds)) if len(streets) else wide
        own = bare.communities["community_id"].map(str).isin(self.owned).to_numpy()
        return replace(
            bare,
            streets=streets,
            facilities=bare.facilities[_touching(bare.facilities, near)],
            communities=bare.communities[own | _touching(bare.communities, extent)],
            walls=None if bare.walls is None else bare.walls[_touching(bare.walls, extent)],
            gates=None if bare.gates is None else bare.gates[_touching(bare.gates, extent)],
        )


def cut_tiles(
    project: Project, *, homes_per_tile: int = 20_000, overlap_m: float | None = None
) -> list[Tile]:
    """Cut a large project into tiles of whole communities, neighbours together.

    Parameters
    ----------
    project : Project
    homes_per_tile : int
        About how many homes a tile holds; a community is never cut.
    overlap_m : float, optional
        How far around the homes of a tile streets and facilities are kept [m];
        `least_overlap_m` unless given; ``math.inf`` keeps all of them.

    Returns
    -------
    list of Tile
        For `run_batch`. Every community is owned by one tile.

    Raises
    ------
    OptionError
        For fewer than one home, and for an overlap that limits would reach beyond.

    Notes
    -----
    Nobody who walks at most `least_overlap_m` leaves the overlap. So ``people``, ``covered`` and
    ``covered_but_for_stairs`` of the ledger, the nearest facility of everybody who has one within
    the limits, and clauses that are met are those of the whole project. Of people who have none
    within the limits, the tile sees a way only as far as it reaches: who is ``beyond`` and who
    ``unreachable``, and how far the nearest facility is, are those of the whole project with
    ``overlap_m=math.inf``, at the price of the whole network in memory.

    Examples
    --------
    >>> import communityplan as cp
    >>> from communityplan.batch import cut_tiles
    >>> tiles = cut_tiles(cp.load_project("demo"), homes_per_tile=60)
    >>> len(tiles), sorted(key for tile in tiles for key in tile.owned)
    (3, ['C1', 'C2', 'C3', 'C4', 'C5', 'C6', 'C7', 'C8'])
    """
    if homes_per_tile < 1:
        raise OptionError(f"homes_per_tile is {homes_per_tile}; give 1 or more")
    least = least_overlap_m(project)
    overlap = least if overlap_m is None else float(overlap_m)
    if not overlap >= least:
        raise OptionError(
            f"overlap_m is {overlap:g}, but people walk up to {least:.0f} m within the limits; "
            "give at least that"
        )
    return [
        Tile(project, owned, overlap, number)
        for number, owned in enumerate(_groups(project, homes_per_tile), start=1)
    ]


def least_overlap_m(project: Project) -> float:
    """How far anybody walks within the limits of a project and its standards [m].

    The largest limit in minutes, walked by the fastest walker on the slope that makes that walker
    fastest, or the largest distance of a clause; doors are on top of it (see `Tile.project`).
    """
    clauses = [clause for name in project.standards for clause in read_standard(name).clauses]
    minutes = [*project.minutes, *(service.within_min for service in project.services)]
    minutes += [clause.walk_min or 0.0 for clause in clauses]
    walkers = [*WALKERS.values(), *(find_walker(service.walker) for service in project.services)]
    fastest = max(
        walker.speed_m_s * float(slope_factor(walker, STEEPEST).max()) for walker in walkers
    )
    metres = [clause.distance_m or 0.0 for clause in clauses]
    return max(max(minutes, default=0.0) * 60.0 * fastest, *metres, 0.0)


def _groups(project: Project, homes_per_tile: int) -> Iterator[tuple[str, ...]]:
    """Communities that lie beside each other, until a tile is full."""
    keys = project.homes["community_id"].map(str)
    homes = project.homes.geometry.representative_point()
    place = gpd.GeoSeries(homes.to_numpy(), crs=project.homes.crs).groupby(keys.to_numpy())
    centres = place.agg(lambda shapes: shapely.centroid(shapely.multipoints(list(shapes))))
    counts = keys.value_counts()
    empty = [key for key in project.communities["community_id"].map(str) if key not in counts]
    order = gpd.GeoSeries(centres, crs=project.homes.crs).hilbert_distance()
    held: list[str] = []
    total = 0
    for key in sorted(order.index, key=lambda name: (int(order[name]), str(name))):
        if held and total + int(counts[key]) > homes_per_tile:
            yield tuple(held)
            held, total = [], 0
        held.append(str(key))
        total += int(counts[key])
    # a community without homes has rows in a check-up all the same
    if held or empty:
        yield (*held, *empty)


def _touching(table: gpd.GeoDataFrame, *areas: shapely.Geometry) -> Flags:
    """Rows that touch any of some areas."""
    found = np.zeros(len(table), dtype=bool)
    if len(table) and areas:
        shapes = np.asarray(areas, dtype=object)
        found[table.sindex.query(shapes, predicate="intersects")[1]] = True
    return found
