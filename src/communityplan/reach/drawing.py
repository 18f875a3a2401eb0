"""Reached parts of streets -> their areas, each checked against every street around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from communityplan.network import WalkNetwork
from communityplan.reach.outline import (
    Field,
    Rings,
    Samples,
    Surface,
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

COMPILED_FROM = 150_000
"""From this many parts of edges on, the compiled loops are worth loading."""


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
    areas = list(_areas(network, parts, margin_m))
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
    pieces: Floats
    offsets: Ints
    samples: Samples
    bounds: Floats
    length_m: Floats

    @classmethod
    def of(cls, network: WalkNetwork) -> _Streets:
        if "drawn streets" not in network.cache:
            lines = network.edges.geometry.to_numpy()
            walked = np.flatnonzero((network.edges["kind"] != "gate").to_numpy())
            network.cache["drawn streets"] = cls(
                shapely.STRtree(lines[walked]),
                walked,
                *straight_pieces(lines),
                _samples(*short_pieces(lines, SAMPLE_M)),
                shapely.bounds(lines),
                network.edges["length_m"].to_numpy(),
            )
        found: _Streets = network.cache["drawn streets"]
        return found

    def near(self, bounds: tuple[float, float, float, float], margin_m: float) -> Ints:
        """Edges around a rectangle."""
        west, south, east, north = bounds
        around = shapely.box(west - margin_m, south - margin_m, east + margin_m, north + margin_m)
        return np.asarray(self.walked[np.sort(self.tree.query(around))])

    def meets(self, edges: Ints, surface: Surface) -> NDArray[np.bool_]:
        """Which edges may reach into the grid of a surface."""
        west, south, east, north = surface.bounds
        extent = self.bounds[edges].T
        return np.asarray(
            (extent[0] <= east) & (extent[2] >= west) & (extent[1] <= north) & (extent[3] >= south)
        )


def _samples(pieces: Floats, offsets: Ints) -> Samples:
    length_m = np.hypot(pieces[:, 2] - pieces[:, 0], pieces[:, 3] - pieces[:, 1])
    middle = np.ascontiguousarray((pieces[:, :2] + pieces[:, 2:]) / 2)
    return Samples(middle, length_m, offsets.astype(np.int64))


@dataclass(frozen=True)
class _Band:
    """The reached parts of edges within one limit, of all groups one after the other.

    Attributes
    ----------
    edge : array of int
        Edges that are wholly reached, with no smaller limit.
    edge_first : array of int
        Where those of each group begin.
    cut : array of float, shape (N, 4)
        Straight pieces of edges that are reached in part.
    cut_first : array of int
    bounds : array of float, shape (groups, 4)
        West, south, east, north of everything that is reached.
    reached_m : array of float, shape (groups,)
    """

    edge: Ints
    edge_first: Ints
    cut: Floats
    cut_first: Ints
    bounds: Floats
    reached_m: Floats

    @classmethod
    def of(
        cls, network: WalkNetwork, streets: _Streets, part: Intervals, known: Ints, groups: int
    ) -> tuple[_Band, Ints]:
        """The band, and the keys of its whole edges; `known` are those of the smaller limit."""
        whole = (part.start <= 0) & (part.stop >= 1)
        key = part.group * len(streets.length_m) + part.edge
        new = whole & ~np.isin(key, known)
        some = np.flatnonzero(~whole)
        lines = network.edges.geometry.to_numpy()[part.edge[some]]
        lines = cut_lines(lines, part.start[some], part.stop[some])
        cut, offsets = straight_pieces(lines)
        extent = streets.bounds[part.edge]
        extent[some] = shapely.bounds(lines)
        number = np.arange(groups + 1)
        band = cls(
            part.edge[new],
            np.searchsorted(part.group[new], number),
            cut,
            offsets[np.searchsorted(part.group[some], number)],
            _extents(extent, np.searchsorted(part.group, number)),
            np.bincount(
                part.group, (part.stop - part.start) * streets.length_m[part.edge], groups
            ).astype(np.float64),
        )
        return band, key[whole]


def _extents(extent: Floats, first: Ints) -> Floats:
    """West, south, east and north of the rows of each group, nan for none."""
    found = np.full((len(first) - 1, 4), np.nan)
    some = np.flatnonzero(np.diff(first))
    if len(some):
        found[some, :2] = np.minimum.reduceat(extent[:, :2], first[some])
        found[some, 2:] = np.maximum.reduceat(extent[:, 2:], first[some])
    return found


def _areas(network: WalkNetwork, parts: dict[float, Intervals], margin_m: float) -> Iterator[Area]:
    limits_s = sorted(parts)
    widest = parts[limits_s[-1]]
    groups = int(widest.group.max(initial=-1)) + 1
    compiled = len(widest.group) * len(limits_s) > COMPILED_FROM
    streets = _Streets.of(network)
    bands, known = [], np.zeros(0, dtype=np.int64)
    for limit_s in limits_s:
        band, known = _Band.of(network, streets, parts[limit_s], known, groups)
        bands.append(band)
    for number in np.unique(widest.group).tolist():
        field = Field(_extent(bands[-1], number), margin_m, compiled=compiled)
        near = streets.near(field.bounds, margin_m)
        drawn = _Drawn(network, streets)
        for limit_s, band in zip(limits_s, bands, strict=True):
            if np.isnan(band.bounds[number]).any():
                continue
            drawn.add(field, band, number)
            surface = field.surface(_extent(band, number))
            shape, inside_share, in_area_m = drawn.outline(
                surface, near[streets.meets(near, surface)]
            )
            reached_m = float(band.reached_m[number])
            false_share = max(1.0 - _quotient(reached_m, in_area_m), 0.0)
            yield Area(number, limit_s, reached_m / 1e3, inside_share, false_share, shape)


def _extent(band: _Band, number: int) -> tuple[float, float, float, float]:
    west, south, east, north = band.bounds[number].tolist()
    return west, south, east, north


class _Drawn:
    """What has been drawn for one group: with every band more, and nothing less."""

    def __init__(self, network: WalkNetwork, streets: _Streets) -> None:
        self.network, self.streets = network, streets
        self.edges = np.zeros(0, dtype=np.int64)
        self.new = self.edges
        self.cut = _samples(np.zeros((0, 4)), np.zeros(2, dtype=np.int64))
        self.inside_m = self.whole_m = 0.0

    def add(self, field: Field, band: _Band, number: int) -> None:
        """Draw the streets that a band adds."""
        streets = self.streets
        self.new = band.edge[band.edge_first[number] : band.edge_first[number + 1]]
        self.edges = np.concatenate([self.edges, self.new])
        cut = band.cut[band.cut_first[number] : band.cut_first[number + 1]]
        field.add(np.concatenate([streets.pieces[rows_of(streets.offsets, self.new)], cut]))
        short, _ = shortened(cut, SAMPLE_M)
        self.cut = _samples(short, np.array([0, len(short)]))

    def outline(
        self, surface: Surface, near: Ints
    ) -> tuple[shapely.Geometry | Rings, float, float]:
        """The area, the share of the drawn streets in it, and metres of all streets in it."""
        samples = self.streets.samples
        # a smaller area lies in a larger one: what was inside stays inside
        inside_m, whole_m = surface.lengths(samples, self.new)
        self.inside_m, self.whole_m = self.inside_m + inside_m, self.whole_m + whole_m
        rings = surface.rings()
        if len(self.network.barriers.lines):
            whole = polygons([rings])[0]
            reached_xy = np.concatenate(
                [samples.xy[rows_of(samples.offsets, self.edges)], self.cut.xy]
            )
            outline = _this_side(self.network, whole, reached_xy)
            if outline is not whole:
                return outline, *self._within(outline, near)
        inside_m, cut_m = surface.lengths(self.cut, np.zeros(1, dtype=np.int64))
        in_area_m, _ = surface.lengths(samples, near)
        share = _quotient(self.inside_m + inside_m, self.whole_m + cut_m)
        return rings, share, in_area_m

    def _within(self, outline: shapely.Geometry, near: Ints) -> tuple[float, float]:
        """As `outline`, for an area that walls cut."""
        samples = self.streets.samples
        shapely.prepare(outline)

        def inside_m(lines: Samples, rows: Ints) -> tuple[float, float]:
            sample = rows_of(lines.offsets, rows)
            length_m = lines.length_m[sample]
            inside = shapely.intersects_xy(outline, *lines.xy[sample].T)
            return float(length_m[inside].sum()), float(length_m.sum())

        whole, cut = inside_m(samples, self.edges), inside_m(self.cut, np.zeros(1, dtype=np.int64))
        return _quotient(whole[0] + cut[0], whole[1] + cut[1]), inside_m(samples, near)[0]


def _quotient(part_m: float, whole_m: float) -> float:
    """A share, nan of nothing."""
    return part_m / whole_m if whole_m > 0 else np.nan


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
