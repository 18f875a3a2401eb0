"""Reached streets and service areas: the exact parts of edges within a limit, and their outline.

An area is everything within a stated margin of a reached street. Areas of smaller limits lie in
those of larger ones, whatever other limits were asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.errors import OptionError
from communityplan.network import WalkNetwork
from communityplan.reach.ends import Places, places
from communityplan.reach.outline import Field, short_pieces, straight_pieces
from communityplan.reach.parts import Intervals, cut_lines, joined_parts, reached_parts
from communityplan.standards import walker as find_walker
from communityplan.tables import record
from communityplan.walker import Walker

__all__ = ["limits_of", "reached_streets", "service_areas"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STREET_MARGIN_M = 40.0
"""Doors within this distance of a reached street lie in the area, unless told otherwise [m]."""

TINY_M = 1e-9
"""Keeps a share of no length from being divided by 0 [m]."""

SAMPLE_M = 5.0
"""Streets are looked at in pieces no longer than this to tell what lies in an area [m]."""

COMPILED_FROM = 300_000
"""From this many pieces of streets on, the compiled loop is worth loading."""


def reached_streets(
    network: WalkNetwork,
    points: gpd.GeoDataFrame,
    *,
    walker: Walker | str,
    within_min: float,
    direction: str = "there",
) -> gpd.GeoDataFrame:
    """The streets from which people reach a point within a limit, cut where the limit ends.

    Parameters
    ----------
    network : WalkNetwork
    points : GeoDataFrame
        Facilities or other points.
    walker : Walker or str
    within_min : float
        Limit for the whole walk, with the way from the point to its street [min].
    direction : {"there", "back"}
        From the streets to the point, or from the point to the streets.

    Returns
    -------
    GeoDataFrame
        One line per point and part of an edge: ``point_id``, ``edge``, ``length_m``. Streets of an
        enclosed community count as its own people walk them.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> import communityplan as cp
    >>> street = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (900, 0)])], crs=32650)
    >>> network = cp.WalkNetwork.from_streets(street)
    >>> shop = gpd.GeoDataFrame({"facility_id": ["f"]}, geometry=[shapely.Point(200, 0)], crs=32650)
    >>> slow = cp.Walker("slow", 1.0)
    >>> cp.reached_streets(network, shop, walker=slow, within_min=5)["length_m"].round(6).tolist()
    [500.0]
    """
    person = find_walker(walker)
    found = places(network, points, walker=person, where="points")
    limits_s = [limit * 60.0 for limit in limits_of([within_min])]
    part = reached_parts(network, found, person, limits_s, direction)[limits_s[0]]
    lines = cut_lines(network.edges.geometry.to_numpy()[part.edge], part.start, part.stop)
    result = gpd.GeoDataFrame(
        {
            "point_id": found.ids[part.group],
            "edge": part.edge,
            "length_m": (part.stop - part.start) * network.edges["length_m"].to_numpy()[part.edge],
        },
        geometry=lines,
        crs=network.crs,
    )
    return record(result, walker=person.facts(), within_min=float(within_min), direction=direction)


def service_areas(
    network: WalkNetwork,
    facilities: gpd.GeoDataFrame,
    *,
    walker: Walker | str,
    minutes: Sequence[float] = (5, 10, 15),
    merge: bool = False,
    direction: str = "there",
    margin_m: float = STREET_MARGIN_M,
) -> gpd.GeoDataFrame:
    """The area from which people reach each facility within each limit.

    Parameters
    ----------
    network : WalkNetwork
    facilities : GeoDataFrame
        Points or areas.
    walker : Walker or str
    minutes : sequence of float
        Limits [min].
    merge : bool
        One area per limit for all facilities of a service (column ``service``) together.
    direction : {"there", "back"}
    margin_m : float
        Doors this near to a reached street lie in the area [m].

    Returns
    -------
    GeoDataFrame
        One row per facility (or service) and limit: ``facility_id`` (or ``service``, or none),
        ``within_min``, ``street_km`` reached, ``inside_share`` (share of the reached length that
        lies in the area) and ``false_share`` (share of the street length in the area that is
        beyond the limit), both measured every 5 m; the geometry is a Polygon or MultiPolygon, empty
        where the facility joins no street.

    Notes
    -----
    The margin always takes in ends of streets beyond the limit and streets alongside reached
    ones; ``false_share`` says how much. What a wall separates from every reached street is left
    out. For who is served use `coverage`, which asks every home.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> import communityplan as cp
    >>> street = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (900, 0)])], crs=32650)
    >>> network = cp.WalkNetwork.from_streets(street)
    >>> shop = gpd.GeoDataFrame({"facility_id": ["f"]}, geometry=[shapely.Point(0, 0)], crs=32650)
    >>> areas = cp.service_areas(network, shop, walker=cp.Walker("slow", 1.0), minutes=[5, 10])
    >>> areas[["facility_id", "within_min", "street_km"]]
      facility_id  within_min  street_km
    0           f         5.0        0.3
    1           f        10.0        0.6
    """
    person = find_walker(walker)
    found = places(network, facilities, walker=person, where="facilities")
    limits_s = [limit * 60.0 for limit in limits_of(minutes)]
    if not (np.isfinite(margin_m) and margin_m > 0):
        raise OptionError(f"margin_m is {margin_m}: give metres above 0")
    label, names = _labels(found, merge)
    parts = {
        limit_s: joined_parts(label[part.group], part.edge, part.start, part.stop)
        for limit_s, part in reached_parts(network, found, person, limits_s, direction).items()
    }
    rows = list(_areas(network, parts, margin_m))
    table = _area_table(network, rows, names, limits_s)
    table = table.rename(columns={"label": _label_column(found, merge)})
    return record(
        table if "" not in table.columns else table.drop(columns=""),
        walker=person.facts(),
        minutes=[limit_s / 60.0 for limit_s in limits_s],
        direction=direction,
        margin_m=float(margin_m),
        merge=merge,
    )


def limits_of(minutes: float | Iterable[float]) -> list[float]:
    """Limits in ascending order, from one number or several.

    Parameters
    ----------
    minutes : float or iterable of float
        Limits [min].

    Returns
    -------
    list of float
        Minutes.

    Raises
    ------
    OptionError
        For no limit, or one that is no finite number of minutes.

    Examples
    --------
    >>> from communityplan.reach.areas import limits_of
    >>> limits_of(5), limits_of([15, 5])
    ([5.0], [5.0, 15.0])
    """
    try:
        given = [minutes] if isinstance(minutes, (int, float)) else list(minutes)
        limits = sorted({float(limit) for limit in given})
    except (TypeError, ValueError):
        raise OptionError(f"minutes is {minutes!r}: give numbers such as 5, 10, 15") from None
    if not limits or not all(np.isfinite(limit) and limit >= 0 for limit in limits):
        raise OptionError(f"minutes is {limits}: give at least one finite limit, 0 or more")
    return limits


def _label_column(found: Places, merge: bool) -> str:
    if not merge:
        return "facility_id"
    return "service" if "service" in found.table.columns else ""


def _labels(found: Places, merge: bool) -> tuple[Ints, NDArray[np.object_]]:
    """Which area each facility belongs to, and the areas' names."""
    if not merge:
        return np.arange(len(found.ids)), found.ids
    if "service" not in found.table.columns:
        return np.zeros(len(found.ids), dtype=np.int64), np.array(["all"], dtype=object)
    label, names = pd.factorize(found.table["service"].map(str), sort=True)
    return np.asarray(label, dtype=np.int64), np.asarray(names, dtype=object)


def _areas(
    network: WalkNetwork, parts: dict[float, Intervals], margin_m: float
) -> Iterable[tuple[int, float, float, float, float, object]]:
    """Every area with its quality, label by label from the smallest limit up."""
    limits_s = sorted(parts)
    pieces = {limit_s: _pieces(network, parts[limit_s]) for limit_s in limits_s}
    widest, widest_group = pieces[limits_s[-1]]
    compiled = len(widest) * len(limits_s) > COMPILED_FROM
    edge_m = network.edges["length_m"].to_numpy()
    for number in np.unique(widest_group):
        field = Field(_bounds(_of(number, *pieces[limits_s[-1]])), margin_m, compiled=compiled)
        streets = _streets_near(network, field)
        for limit_s in limits_s:
            own = _of(number, *pieces[limit_s])
            if not len(own):
                continue
            field.add(own)
            part = parts[limit_s]
            first, last = np.searchsorted(part.group, [number, number + 1])
            share = part.stop[first:last] - part.start[first:last]
            reached_m = float((share * edge_m[part.edge[first:last]]).sum())
            surface = field.surface(_bounds(own))
            middles = (own[:, :2] + own[:, 2:]) / 2
            whole = surface.outline()
            outline = _this_side(network, whole, middles)
            inside = surface.inside(streets.xy)
            if outline is not whole:
                inside[inside] = shapely.intersects_xy(outline, *streets.xy[inside].T)
            weight = np.hypot(own[:, 2] - own[:, 0], own[:, 3] - own[:, 1])
            inside_share = float(weight[surface.inside(middles)].sum() / max(weight.sum(), TINY_M))
            inside_m = float(streets.length_m[inside].sum())
            false_share = max(1.0 - reached_m / inside_m, 0.0) if inside_m else 0.0
            yield int(number), limit_s, reached_m / 1e3, inside_share, false_share, outline


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


def _pieces(network: WalkNetwork, part: Intervals) -> tuple[Floats, Ints]:
    """Straight pieces of the reached parts of edges, and the group of each."""
    lines = network.edges.geometry.to_numpy()
    if "pieces" not in network.cache:
        network.cache["pieces"] = straight_pieces(lines)
    every, offsets = network.cache["pieces"]
    whole = (part.start <= 0) & (part.stop >= 1)
    count = np.diff(offsets)[part.edge[whole]]
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    kept = every[np.repeat(offsets[part.edge[whole]], count) + within]
    cut = cut_lines(lines[part.edge[~whole]], part.start[~whole], part.stop[~whole])
    more, more_offsets = straight_pieces(cut)
    group = np.concatenate(
        [
            np.repeat(part.group[whole], count),
            np.repeat(part.group[~whole], np.diff(more_offsets)),
        ]
    )
    order = np.argsort(group, kind="stable")
    return np.concatenate([kept, more])[order], group[order]


def _of(number: int, pieces: Floats, group: Ints) -> Floats:
    first, last = np.searchsorted(group, [number, number + 1])
    return pieces[first:last]


def _bounds(pieces: Floats) -> tuple[float, float, float, float]:
    x, y = pieces[:, 0::2], pieces[:, 1::2]
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


@dataclass(frozen=True)
class _Samples:
    """Short pieces of streets: their middles and lengths."""

    xy: Floats
    length_m: Floats


def _streets_near(network: WalkNetwork, field: Field) -> _Samples:
    """Every street on the grid of a field, in short pieces."""
    if "samples" not in network.cache:
        walked = np.flatnonzero((network.edges["kind"] != "gate").to_numpy())
        lines = network.edges.geometry.to_numpy()[walked]
        network.cache["samples"] = (shapely.STRtree(lines), *short_pieces(lines, SAMPLE_M))
    tree, pieces, offsets = network.cache["samples"]
    west, south, east, north = field.bounds
    margin_m = field.margin_m
    around = shapely.box(west - margin_m, south - margin_m, east + margin_m, north + margin_m)
    row = np.sort(tree.query(around))
    count = np.diff(offsets)[row]
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    near = pieces[np.repeat(offsets[row], count) + within]
    length_m = np.hypot(near[:, 2] - near[:, 0], near[:, 3] - near[:, 1])
    return _Samples((near[:, :2] + near[:, 2:]) / 2, length_m)


def _area_table(
    network: WalkNetwork,
    rows: list[tuple[int, float, float, float, float, object]],
    names: NDArray[np.object_],
    limits_s: list[float],
) -> gpd.GeoDataFrame:
    """Every name with every limit; no street reached is an empty area."""
    columns = ["number", "limit_s", "street_km", "inside_share", "false_share", "geometry"]
    kinds = dict.fromkeys(columns[2:5], "float64") | {"number": "int64", "limit_s": "float64"}
    found = pd.DataFrame(rows, columns=columns).astype(kinds)
    every = pd.MultiIndex.from_product(
        [range(len(names)), limits_s], names=["number", "limit_s"]
    ).to_frame(index=False)
    every = every.astype({"number": "int64", "limit_s": "float64"})
    table = every.merge(found, on=["number", "limit_s"], how="left")
    shapes = np.array(
        [area if shapely.is_geometry(area) else shapely.Polygon() for area in table["geometry"]],
        dtype=object,
    )
    return gpd.GeoDataFrame(
        {
            "label": names[table["number"].to_numpy()],
            "within_min": table["limit_s"] / 60.0,
            "street_km": table["street_km"].fillna(0.0),
            "inside_share": table["inside_share"],
            "false_share": table["false_share"],
        },
        geometry=shapes,
        crs=network.crs,
    )
