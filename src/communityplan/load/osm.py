"""OpenStreetMap files to tables: streets, buildings, places, gates, walls and residential land.

Which tag means what stands in two tables that can be edited, ``osm_rules.toml`` and
``osm_services.toml``; every row names the rule that decided it, and `OsmLayers.report` counts
what each rule did, what was left out and why. Copies of both are changed and given to `read_osm`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from communityplan import tables
from communityplan.errors import OptionError
from communityplan.load.osm_barriers import read_doors, read_gates, read_walls, wall_kinds
from communityplan.load.osm_buildings import read_buildings, read_communities
from communityplan.load.osm_data import Interest
from communityplan.load.osm_extract import AREA_LAYERS, Extract, extract, metric_crs
from communityplan.load.osm_file import read_file
from communityplan.load.osm_places import read_places
from communityplan.load.osm_report import report_table
from communityplan.load.osm_rules import Rule, first_keys, osm_rules, parse_rules, rule_keys
from communityplan.load.osm_squares import Notes
from communityplan.load.osm_streets import read_streets

__all__ = ["ASSUMED_STOREYS", "OsmLayers", "osm_rules", "read_osm"]

ASSUMED_STOREYS = 6.0
"""Storeys of a building of which nothing tells them [storeys]: the walk-up of old communities, an
assumption."""

MOST_MEMORY_GB = 8.0
"""Memory that reading one file may take by its estimate [GB]; 1 MB of pbf takes about 50 MB."""

NODE_LAYERS = ("services", "gates")
WAY_LAYERS = (*AREA_LAYERS, "squares", "gates", "walls")

_ALWAYS_KEPT = frozenset(
    {
        "access:conditional",
        "alt_name",
        "barrier",
        "bridge",
        "building",
        "building:height",
        "building:levels",
        "capacity",
        "conveying",
        "entrance",
        "foot:backward",
        "foot:conditional",
        "foot:forward",
        "height",
        "highway",
        "incline",
        "int_name",
        "layer",
        "man_made",
        "name",
        "name:en",
        "name:zh",
        "official_name",
        "oneway:foot",
        "opening_hours",
        "public_transport",
        "railway",
        "step_count",
        "tunnel",
    }
)


@dataclass(frozen=True)
class OsmLayers:
    """What one OpenStreetMap file holds, as tables in one metric coordinate system.

    Attributes
    ----------
    streets, buildings, places, gates, walls, communities : GeoDataFrame
        The tables; places keep the contract of facilities.
    doors : GeoDataFrame
        Entrances of buildings (``entrance=*``).
    report : DataFrame
        ``layer``, ``what``, ``item``, ``count``, ``en``, ``zh``, ``verified``: what was read by
        kind, what each rule decided, what was assumed, and what was left out and why.
    """

    streets: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    places: gpd.GeoDataFrame
    gates: gpd.GeoDataFrame
    walls: gpd.GeoDataFrame
    communities: gpd.GeoDataFrame
    doors: gpd.GeoDataFrame
    report: pd.DataFrame

    def __repr__(self) -> str:
        names = ("streets", "buildings", "places", "gates", "walls", "communities", "doors")
        sizes = ", ".join(f"{len(getattr(self, name))} {name}" for name in names)
        return f"OsmLayers({sizes}; {self.streets.crs.to_string()})"


def read_osm(
    path: str | Path,
    *,
    crs: Any = None,
    rules: str | Path | Mapping[str, Any] | None = None,
    services: str | Path | Mapping[str, Any] | None = None,
    walls: str | Collection[str] = ("wall", "fence"),
    assumed_storeys: float = ASSUMED_STOREYS,
    most_memory_gb: float = MOST_MEMORY_GB,
) -> OsmLayers:
    """Read streets, buildings, places, gates, walls and residential land of an OSM file.

    Parameters
    ----------
    path : str or Path
        ``.osm.pbf``, ``.osm`` or ``.osm.bz2``; the content decides, not the name.
    crs : object, optional
        A projected coordinate system in metres, anything that pyproj understands; the UTM zone
        of the middle of the data unless given.
    rules : path or mapping, optional
        Rules to use in place of those of ``osm_rules.toml``, layer by layer.
    services : path or mapping, optional
        Rules to use in place of those of ``osm_services.toml``.
    walls : str or collection of str
        Kinds of walls to read: the results of the layer ``walls`` of the rules, such as
        ``"hedge"``, ``"railway"`` or ``"water"``.
    assumed_storeys : float
        Storeys of a building whose tags and whose rule tell none [storeys].
    most_memory_gb : float
        A file that would take more memory than this is refused [GB].

    Returns
    -------
    OsmLayers
        Streets that share a node in the file have identical coordinates there.

    Raises
    ------
    DataError
        The file is missing, empty, damaged or of another kind, or a rule cannot be understood.
    OptionError
        A coordinate system that is not in metres, or an unknown kind of wall.
    TooLargeError
        The file would take more memory than `most_memory_gb`.

    Notes
    -----
    Ways with nodes missing in the file are read as far as the nodes are there: a street falls into
    pieces, an area is closed over its remaining corners. See ``docs/osm.md`` for every step.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from communityplan.load.osm import read_osm
    >>> text = '''<osm version="0.6">
    ... <node id="1" lon="104.00" lat="30.76"/><node id="2" lon="104.01" lat="30.76"/>
    ... <way id="7"><nd ref="1"/><nd ref="2"/>
    ... <tag k="highway" v="service"/><tag k="access" v="private"/></way></osm>'''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "lane.osm")
    ...     _ = file.write_text(text)
    ...     layers = read_osm(file)
    >>> layers
    OsmLayers(1 streets, 0 buildings, 0 places, 0 gates, 0 walls, 0 communities, 0 doors;
        EPSG:32648)
    >>> layers.streets[["kind", "access", "rule"]].iloc[0].tolist()
    ['service', 'residents', 'access_residents']
    """
    path = Path(path)
    if not 0 < assumed_storeys < np.inf:
        raise OptionError(f"assumed_storeys is {assumed_storeys}; give a number above 0")
    wanted = None if crs is None else metric_crs(crs)
    parsed = parse_rules(rules, services)
    kinds = wall_kinds(walls, parsed)
    data = read_file(path, _interest(parsed), most_memory_gb)
    town = extract(data, parsed, crs=wanted, where=path)
    layers, told = _layers(town, kinds, assumed_storeys)
    for table in layers.values():
        tables.record(
            table,
            source=str(path),
            rules=_named(rules),
            services=_named(services),
            walls=sorted(kinds),
            assumed_storeys=assumed_storeys,
        )
    return OsmLayers(**layers, report=report_table(layers, told, town.counts, parsed))


def _layers(
    town: Extract, walls: Collection[str], assumed_storeys: float
) -> tuple[dict[str, gpd.GeoDataFrame], dict[str, Notes]]:
    """The tables by name, and what their readers counted."""
    told: dict[str, Notes] = {}
    streets, told["streets"] = read_streets(town)
    communities, told["communities"] = read_communities(town)
    land = communities.geometry.to_numpy()
    buildings, told["buildings"] = read_buildings(town, land=land, assumed_storeys=assumed_storeys)
    places, told["places"] = read_places(town)
    gates, told["gates"] = read_gates(town, streets=streets, land=land)
    lines, told["walls"] = read_walls(town, kinds=walls)
    layers = {
        "streets": streets,
        "buildings": buildings,
        "places": places,
        "gates": gates,
        "walls": lines,
        "communities": communities,
        "doors": read_doors(town.nodes, buildings),
    }
    return layers, told


def _named(rules: str | Path | Mapping[str, Any] | None) -> str:
    """Where rules come from, for the record."""
    if rules is None:
        return "of the package"
    return "given as a table" if isinstance(rules, Mapping) else str(rules)


def _interest(rules: Mapping[str, tuple[Rule, ...]]) -> Interest:
    """Objects that any rule could be about: those with the first key that it asks for."""

    def first(layers: Collection[str]) -> frozenset[str]:
        return first_keys(rule for layer in layers for rule in rules[layer])

    every = frozenset(key for layer in rules.values() for key in rule_keys(layer))
    return Interest(
        nodes=first(NODE_LAYERS) | {"entrance"},
        ways=first(WAY_LAYERS),
        relations=first(AREA_LAYERS),
        keep=every | _ALWAYS_KEPT,
    )
