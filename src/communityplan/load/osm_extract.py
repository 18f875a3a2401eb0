"""What was read of one file, in metres, with its areas drawn and the rules to read it by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
from numpy.typing import NDArray

from communityplan.errors import DataError, OptionError, Problem
from communityplan.load.osm_areas import relation_polygons
from communityplan.load.osm_data import Nodes, OsmData, Relations, Ways
from communityplan.load.osm_rules import Rules, decide

__all__ = ["AREA_LAYERS", "Extract", "extract", "metric_crs"]

AREA_LAYERS = ("streets", "communities", "buildings", "services")
"""Layers whose objects may be relations."""


@dataclass(frozen=True)
class Extract:
    """One file, projected: what every table is made from.

    Attributes
    ----------
    nodes, ways, relations : Nodes, Ways, Relations
        Objects of interest; the same point of the file is the same point in all of them [m].
    areas : array of Polygon, MultiPolygon or None
        The area of each relation that a rule names [m].
    rules : mapping of str to sequence of Rule
        What tags mean, by layer.
    crs : pyproj.CRS
        The coordinate system.
    counts : dict of str to int
        What is incomplete in the file, by remark.
    """

    nodes: Nodes
    ways: Ways
    relations: Relations
    areas: NDArray[Any]
    rules: Rules
    crs: pyproj.CRS
    counts: dict[str, int]


def metric_crs(crs: Any) -> pyproj.CRS:
    """A coordinate system by any name that pyproj understands.

    Raises
    ------
    OptionError
        It is not known, or not a projection in metres.
    """
    try:
        system = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise OptionError(f"crs is {crs!r}, which pyproj does not know ({error})") from error
    if not system.is_projected or system.axis_info[0].unit_name != "metre":
        raise OptionError(f"crs is {crs!r} ({system.name}), not a projection in metres")
    return system


def extract(data: OsmData, rules: Rules, *, crs: pyproj.CRS | None, where: Path) -> Extract:
    """All points in one metric system, and relations as areas.

    Parameters
    ----------
    data : OsmData
        As it was read [degrees].
    rules : mapping of str to sequence of Rule
        What tags mean, by layer.
    crs : pyproj.CRS or None
        The system; the UTM zone of the middle of the data where it is None.
    where : Path
        The file, for messages.

    Raises
    ------
    DataError
        Some points have no place in the coordinate system.
    """
    system = crs or _utm(data.ways.xy if len(data.ways.xy) else data.nodes.xy)
    # each point is projected by itself, so that the same point stays the same point
    project = pyproj.Transformer.from_crs("EPSG:4326", system, always_xy=True).transform
    nodes = replace(data.nodes, xy=np.column_stack(project(*data.nodes.xy.T)))
    ways = replace(data.ways, xy=np.column_stack(project(*data.ways.xy.T)))
    finite = [np.isfinite(part.xy) for part in (nodes, ways)]
    if not all(part.all() for part in finite):
        lost = sum(np.count_nonzero(~part.all(axis=1)) for part in finite)
        found = f"{lost} points have no place in {system.name}"
        todo = "Give a crs that fits the data, or mend their coordinates"
        raise DataError([Problem(str(where), found, todo)])
    wanted = np.zeros(len(data.relations.ids), dtype=np.bool_)
    for layer in AREA_LAYERS:
        wanted |= decide(rules[layer], data.relations.tags) >= 0
    areas = np.full(len(wanted), None, dtype=object)
    areas[wanted], complete = relation_polygons(ways, data.relations, np.flatnonzero(wanted))
    counts = {**data.counts, "areas_with_parts_missing": int(np.count_nonzero(~complete))}
    return Extract(nodes, ways, data.relations, areas, rules, system, counts)


def _utm(lonlat: NDArray[np.float64]) -> pyproj.CRS:
    """The UTM zone of the middle of the data; of 0, 0 where there is none."""
    lon, lat = np.median(lonlat, axis=0) if len(lonlat) else (0.0, 0.0)
    zone = int((lon + 180) % 360 // 6) + 1
    return pyproj.CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)
