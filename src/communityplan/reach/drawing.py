"""Reached parts of streets -> their areas, each checked against every street around it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from communityplan._search.threads import together
from communityplan.network import WalkNetwork
from communityplan.reach.outline import (
    Field,
    Pieces,
    Rings,
    Samples,
    polygons,
    rows_of,
    short_pieces,
    shortened,
    straight_pieces,
)
from communityplan.reach.parts import Intervals, cut_lines

__all__ = ["Area", "draw"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SAMPLE_M = 5.0
"""Streets are looked at in pieces no longer than this to tell what lies in an area [m]."""

COMPILED_FROM = 450_000
"""From this many parts of edges on, drawing takes longer than compiling the loops."""

KEPT_FROM = 60_000
"""The same where a compiled version is kept from before, and has only to be loaded."""


@dataclass(frozen=True)
class Area:
    """What lies within a limit of a facility, or of several.

    Attributes
    ----------
    number : int
        Which facility or service.
    limit_s : float
    street_km, inside_share, false_share : float
        As `service_areas` has them.
    shape : Polygon, MultiPolygon or Rings
    """

    number: int
    limit_s: float
    street_km: float
    inside_share: float
    false_share: float
    shape: shapely.Geometry | Rings


def draw(network: WalkNetwork, parts: dict[float, Intervals], margin_m: float) -> list[Area]:
    """Every area with its quality, number by number from the smallest limit up.

    Parameters
    ----------
    network : WalkNetwork
    parts : dict of float to Intervals
        The reached parts of edges by limit [s], sorted by group; those of a larger limit contain
        those of a smaller one.
    margin_m : float
        Distance of the outline from the streets [m].

    Returns
    -------
    list of Area
    """
    areas = _areas(network, parts, margin_m)
    rows = [row for row, area in enumerate(areas) if isinstance(area.shape, Rings)]
    # one call for all is far quicker than one for each
    shapes = polygons([area.shape for area in areas if isinstance(area.shape, Rings)])
    for row, shape in zip(rows, shapes, strict=True):
        areas[row] = replace(areas[row], shape=shape)
    return areas


@dataclass(frozen=True)
class _Streets:
    """All edges but gates, as pieces to draw and as samples to count; rows are those of edges."""

    tree: shapely.STRtree
    walked: Ints
    pieces: Pieces
    samples: Samples
    length_m: Floats

    @classmethod
    def of(cls, network: WalkNetwork) -> _Streets:
        if "drawn streets" not in network.cache:
            lines = network.edges.geometry.to_numpy()
            walked = np.flatnonzero((network.edges["kind"] != "gate").to_numpy())
            network.cache["drawn streets"] = cls(
                shapely.STRtree(lines[walked]),
                walked,
                Pieces(*straight_pieces(lines)),
                _samples(*short_pieces(lines, SAMPLE_M), shapely.bounds(lines)),
                network.edges["length_m"].to_numpy(),
            )
        found: _Streets = network.cache["drawn streets"]
        return found


def _samples(pieces: Floats, offsets: Ints, extent: Floats) -> Samples:
    length_m = np.hypot(pieces[:, 2] - pieces[:, 0], pieces[:, 3] - pieces[:, 1])
    middle = np.ascontiguousarray((pieces[:, :2] + pieces[:, 2:]) / 2)
    return Samples(middle, length_m, offsets.astype(np.int64), extent)


@dataclass(frozen=True)
class _Band:
    """The reached parts of edges within one limit, of all groups one after the other.

    Attributes
    ----------
    edge : array of int
        Edges that are wholly reached, and were not within the limit before.
    edge_first : array of int
        Where those of each group begin.
    cut : Pieces
        The straight pieces of edges that are reached in part; of groups as if these were lines.
    samples : Samples
        The same in short pieces.
    extent : array of float, shape (groups, 4)
        West, south, east, north of everything that is reached.
    reached_m : array of float, shape (groups,)
    """

    edge: Ints
    edge_first: Ints
    cut: Pieces
    samples: Samples
    extent: Floats
    reached_m: Floats

    @classmethod
    def of(
        cls, network: WalkNetwork, streets: _Streets, part: Intervals, known: Ints, groups: int
    ) -> tuple[_Band, Ints]:
        """The band, and the keys of its whole edges; `known` are those of the smaller limit."""
        whole = (part.start <= 0) & (part.stop >= 1)
        key = part.group * len(streets.length_m) + part.edge
        new = whole & ~_is_among(key, known)
        some = np.flatnonzero(~whole)
        lines = network.edges.geometry.to_numpy()[part.edge[some]]
        lines = cut_lines(lines, part.start[some], part.stop[some])
        ends, offsets = straight_pieces(lines)
        extent = streets.samples.extent[part.edge]
        extent[some] = shapely.bounds(lines)
        number = np.arange(groups + 1)
        cut = Pieces(ends, offsets[np.searchsorted(part.group[some], number)])
        short, first = shortened(ends, SAMPLE_M)
        extents = _extents(extent, np.searchsorted(part.group, number))
        share_m = (part.stop - part.start) * streets.length_m[part.edge]
        band = cls(
            part.edge[new],
            np.searchsorted(part.group[new], number),
            cut,
            _samples(short, first[cut.offsets], extents),
            extents,
            np.bincount(part.group, share_m, groups).astype(np.float64),
        )
        return band, key[whole]


def _is_among(keys: Ints, known: Ints) -> NDArray[np.bool_]:
    """Which keys are among others, both in order."""
    if not len(known):
        return np.zeros(len(keys), dtype=bool)
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.asarray(known[at] == keys)


def _extents(extent: Floats, first: Ints) -> Floats:
    """West, south, east and north of the rows of each group, nan for none."""
    found = np.full((len(first) - 1, 4), np.nan)
    some = np.flatnonzero(np.diff(first))
    if len(some):
        found[some, :2] = np.minimum.reduceat(extent[:, :2], first[some])
        found[some, 2:] = np.maximum.reduceat(extent[:, 2:], first[some])
    return found


def _areas(network: WalkNetwork, parts: dict[float, Intervals], margin_m: float) -> list[Area]:
    limits_s = sorted(parts)
    widest = parts[limits_s[-1]]
    groups = int(widest.group.max(initial=-1)) + 1
    compiled = _is_compiled(len(widest.group) * len(limits_s))
    streets = _Streets.of(network)
    bands, known = [], np.zeros(0, dtype=np.int64)
    for limit_s in limits_s:
        band, known = _Band.of(network, streets, parts[limit_s], known, groups)
        bands.append(band)
    numbers = np.unique(widest.group).tolist()
    around = bands[-1].extent[numbers] + [-margin_m, -margin_m, margin_m, margin_m]
    box, near = streets.tree.query(shapely.box(*around.T))
    # box by box, and within each as the tree has them, which depends on nothing else
    near = streets.walked[near]
    first = np.searchsorted(box, np.arange(len(numbers) + 1))
    found: list[list[Area]] = [[] for _ in numbers]

    def work(places: Iterator[int]) -> None:
        for place in places:
            number = numbers[place]
            field = Field(_rectangle(bands[-1], number), margin_m, compiled=compiled)
            drawn = _Drawn(network, streets, number, near[first[place] : first[place + 1]])
            for limit_s, band in zip(limits_s, bands, strict=True):
                if not np.isnan(band.extent[number, 0]):
                    found[place].append(drawn.area(field, band, limit_s))

    # geometry is not made for several threads
    alone = not compiled or len(network.barriers.lines) > 0
    together(work, range(len(numbers)), 1 if alone else os.cpu_count() or 1)
    return [area for areas in found for area in areas]


def _is_compiled(parts: int) -> bool:
    """Whether the compiled loops are worth loading, and there is something to compile them."""
    if find_spec("numba") is None or parts <= min(KEPT_FROM, COMPILED_FROM):
        return False
    folders = [Path(__file__).parent / "__pycache__"]
    if "NUMBA_CACHE_DIR" in os.environ:
        folders = list(Path(os.environ["NUMBA_CACHE_DIR"]).glob("reach_*"))
    kept = any(next(folder.glob("_field.crossings*.nbi"), None) for folder in folders)
    return kept or parts > COMPILED_FROM


def _rectangle(band: _Band, number: int) -> tuple[float, float, float, float]:
    west, south, east, north = band.extent[number].tolist()
    return west, south, east, north


class _Drawn:
    """What has been drawn for one group: with every band more, and nothing less."""

    def __init__(self, network: WalkNetwork, streets: _Streets, number: int, near: Ints) -> None:
        self.network, self.streets = network, streets
        self.number, self.near = number, near
        self.only = np.array([number])
        self.edges: list[Ints] = []
        self.inside_m = self.outside_m = 0.0

    def area(self, field: Field, band: _Band, limit_s: float) -> Area:
        """Draw the streets that a band adds, and measure the area around all of them."""
        number, samples = self.number, self.streets.samples
        edges = band.edge[band.edge_first[number] : band.edge_first[number + 1]]
        self.edges.append(edges)
        field.add_lines(self.streets.pieces, edges)
        field.add(band.cut.ends[band.cut.offsets[number] : band.cut.offsets[number + 1]])
        surface = field.surface(_rectangle(band, number))
        # a smaller area lies in a larger one: what was inside stays inside
        more = surface.lengths(samples, edges)
        self.inside_m, self.outside_m = self.inside_m + more[0], self.outside_m + more[1]
        cut = surface.lengths(band.samples, self.only)
        inside_m, outside_m = self.inside_m + cut[0], self.outside_m + cut[1]
        in_area_m, _ = surface.lengths(samples, self.near)
        shape: shapely.Geometry | Rings = surface.rings()
        if len(self.network.barriers.lines):
            whole = polygons([surface.rings()])[0]
            outline = _this_side(self.network, whole, self._middles(band))
            if outline is not whole:
                shape = outline
                inside_m, outside_m, in_area_m = self._within(outline, band)
        drawn_m = inside_m + outside_m
        reached_m = float(band.reached_m[number])
        inside_share = 1.0 - outside_m / drawn_m if drawn_m > 0 else np.nan
        false_share = max(1.0 - reached_m / in_area_m, 0.0) if in_area_m > 0 else np.nan
        return Area(number, limit_s, reached_m / 1e3, inside_share, false_share, shape)

    def _middles(self, band: _Band) -> Floats:
        """Places on everything that is reached."""
        samples = self.streets.samples
        edges = samples.xy[rows_of(samples.offsets, np.concatenate(self.edges))]
        return np.concatenate([edges, band.samples.xy[rows_of(band.samples.offsets, self.only)]])

    def _within(self, outline: shapely.Geometry, band: _Band) -> tuple[float, float, float]:
        """Metres drawn within and beside an area that walls cut, and of all streets within."""
        shapely.prepare(outline)

        def lengths(lines: Samples, rows: Ints) -> Floats:
            sample = rows_of(lines.offsets, rows)
            inside = shapely.intersects_xy(outline, *lines.xy[sample].T)
            length_m = lines.length_m[sample]
            return np.array([length_m[inside].sum(), length_m[~inside].sum()])

        samples = self.streets.samples
        drawn = lengths(samples, np.concatenate(self.edges)) + lengths(band.samples, self.only)
        return float(drawn[0]), float(drawn[1]), float(lengths(samples, self.near)[0])


def _this_side(
    network: WalkNetwork, outline: shapely.Geometry, reached_xy: Floats
) -> shapely.Geometry:
    """The outline without what walls separate from every reached street in it."""
    lines = network.barriers.lines
    if "barrier tree" not in network.cache:
        network.cache["barrier tree"] = shapely.STRtree(lines)
    near = network.cache["barrier tree"].query(outline, predicate="intersects")
    if not len(near):
        return outline
    # whole walls: cut to the outline they would end a hair beside it and close nothing
    drawn = [shapely.boundary(outline), *lines[near]]
    faces = shapely.get_parts(shapely.polygonize([shapely.union_all(drawn)]))
    faces = faces[shapely.contains(outline, shapely.point_on_surface(faces))]
    face, _ = shapely.STRtree(np.asarray(shapely.points(reached_xy))).query(faces, "contains")
    kept = np.zeros(len(faces), dtype=bool)
    kept[face] = True
    return outline if kept.all() else shapely.union_all(faces[kept])
