"""The coverage map: checked tables in, a folium map out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Transformer

from communityplan.errors import OptionError, Problem, TableError, TooLargeError
from communityplan.maps import people, sites, things
from communityplan.maps.areas import AREA_SIMPLIFY_M, area_layers
from communityplan.maps.layers import Layer, Look, texts
from communityplan.maps.page import Page, View, add_page, new_map
from communityplan.standards import SERVICES, Service
from communityplan.wording import word

if TYPE_CHECKING:
    import folium

__all__ = ["MOST_FEATURES", "coverage_map"]

MOST_FEATURES = 200_000
"""More rows than this make a page that no browser draws with ease."""

MOST_LONGITUDE, MOST_LATITUDE = 180.0, 85.0
"""Web maps (Mercator) end there [degrees]."""

USUAL_LIMITS = (5.0, 10.0, 15.0)
"""Limits of the classes of time where no table names any [min]."""

LANDS = ("Polygon", "MultiPolygon")
LINES = ("LineString", "MultiLineString", "LinearRing")
PLACES = ("Point", "MultiPoint", *LANDS)

# what has to be there: columns, and the kinds of geometry; a table without kinds is a plain one
_NEEDED: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "communities": (("community_id",), LANDS),
    "homes": (("home_id",), PLACES),
    "facilities": (("service",), PLACES),
    "areas": (("within_min",), LANDS),
    "idle_buildings": (("building_id",), PLACES),
    "openings": ((), (*PLACES, *LINES)),
    "walls": ((), LINES),
    "gates": ((), PLACES),
    "streets": ((), LINES),
    "reached": ((), LINES),
    "coverage": (
        ("community_id", "service", "group", "within_min", *people.LEDGER),
        (),
    ),
    "home_access": (("home_id", "service", "walk_min"), ()),
    "ranking": (("building_id", "rank"), ()),
    "chosen": (("building_id", "service"), ()),
}
_HINTS = {
    "homes": "sum homes to communities, or cells of 100 m",
    "streets": "draw the streets of one district, or only the main ones",
    "areas": "merge the areas of one service and limit (merge=True)",
    "reached": "merge the lines of one limit",
}


def coverage_map(
    *,
    communities: gpd.GeoDataFrame | None = None,
    homes: gpd.GeoDataFrame | None = None,
    facilities: gpd.GeoDataFrame | None = None,
    areas: gpd.GeoDataFrame | None = None,
    coverage: pd.DataFrame | None = None,
    home_access: pd.DataFrame | None = None,
    idle_buildings: gpd.GeoDataFrame | None = None,
    ranking: pd.DataFrame | None = None,
    chosen: pd.DataFrame | None = None,
    openings: gpd.GeoDataFrame | None = None,
    walls: gpd.GeoDataFrame | None = None,
    gates: gpd.GeoDataFrame | None = None,
    streets: gpd.GeoDataFrame | None = None,
    reached: gpd.GeoDataFrame | None = None,
    services: Sequence[Service] = (),
    m: folium.Map | None = None,
    label: str = "",
    lang: str = "zh",
    title: str | None = None,
    notes: Sequence[str] = (),
    sources: Sequence[str] = (),
    osm: bool = False,
    synthetic: bool = False,
    simplify_m: float = 0.5,
    tile_datum: str = "wgs84",
) -> folium.Map:
    """A map of who is served: every table that is given becomes a layer.

    Tables may be in any coordinate system; they are drawn in WGS 84, on a plain ground without
    tiles unless `m` brings some. Nothing is computed beyond
    shares of the ledger; an empty table is a layer that says so, and rows without a location are
    counted in the notes.

    Parameters
    ----------
    communities : GeoDataFrame, optional
        Areas with ``community_id`` and names.
    homes : GeoDataFrame, optional
        Points or areas with ``home_id``, and people by group [people].
    facilities : GeoDataFrame, optional
        Points or areas with ``service``.
    areas : GeoDataFrame, optional
        Service areas with ``within_min`` [min], ``service``, ``walker``.
    coverage : DataFrame, optional
        The ledger: ``community_id``, ``service``, ``group``, ``within_min`` [min], ``people``,
        ``covered``, ``beyond``, ``unreachable`` [people].
    home_access : DataFrame, optional
        ``home_id``, ``service``, ``walk_min`` [min, missing where unreachable], and where known
        ``facility_id``, ``reason``, ``group``, ``within_min``, ``people``, ``covered_share`` [0-1].
    idle_buildings : GeoDataFrame, optional
        Points or areas with ``building_id``.
    ranking : DataFrame, optional
        ``building_id``, ``rank``, ``people_gained`` [people], ``gain_<service>`` [people], and
        where known ``why_zh``, ``why_en``, ``reason_zh``, ``reason_en``.
    chosen : DataFrame, optional
        What a choice opens in the idle buildings, as `Choice.opened`: ``building_id``,
        ``service``, one row for each service.
    openings : GeoDataFrame, optional
        Places where a wall could be opened, with ``rank``, as from `rank_openings`.
    walls, gates, streets : GeoDataFrame, optional
        As in `communityplan.tables`; streets with ``climb_m`` also make a layer of slope.
    reached : GeoDataFrame, optional
        Streets reached, with ``within_min`` [min] where there are several limits.
    services : sequence of Service
        Services with names, limits and sources of your own, in the order they are listed; the
        others are as in `communityplan.SERVICES`.
    m : folium.Map, optional
        A map to draw on; a new one without tiles unless given.
    label : str
        Said after the name of every layer, to tell those of several calls apart.
    lang : {"zh", "en"}
        Language of everything on the map.
    title : str, optional
        Heading.
    notes, sources : sequence of str
        Notes on the data, and where they come from.
    osm : bool
        Names OpenStreetMap's contributors among the sources.
    synthetic : bool
        Marks the map as showing no real place.
    simplify_m : float
        How far a simplified line may lie from the original [m].
    tile_datum : {"wgs84", "gcj02"}
        Datum of the tiles of `m`; on those of Amap (高德), which are in GCJ-02, everything is
        shifted to fit, and the map says so.

    Returns
    -------
    folium.Map
        `save_offline` writes it as one file; a notebook shows it without a network.

    Raises
    ------
    TableError
        Lists every table that cannot be drawn, and why.
    TooLargeError
        More than `MOST_FEATURES` rows; says what to aggregate.
    OptionError
        For no table at all, or a language that is not known.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from communityplan import maps
    >>> gates = gpd.GeoDataFrame({"who": ["everyone"]}, geometry=[shapely.Point(104, 30)], crs=4326)
    >>> type(maps.coverage_map(gates=gates, lang="en")).__mro__[1].__name__
    'Map'
    """
    given = {
        "communities": communities,
        "homes": homes,
        "facilities": facilities,
        "areas": areas,
        "coverage": coverage,
        "home_access": home_access,
        "idle_buildings": idle_buildings,
        "ranking": ranking,
        "chosen": chosen,
        "openings": openings,
        "walls": walls,
        "gates": gates,
        "streets": streets,
        "reached": reached,
    }
    title = word("map.title", lang) if title is None else title
    tables = _checked({name: table for name, table in given.items() if table is not None})
    own = {service.name: service for service in services}
    look = Look(lang, simplify_m, _datum(tile_datum), own)
    layers = [
        replace(layer, name=f"{layer.name} · {label}") if label else layer
        for layer in _layers(tables, look)
    ]
    page = Page(
        views=(View(tuple(layers), _totals(tables)),),
        lang=lang,
        title=title,
        notes=(*notes, *_notes(tables, layers, look)),
        sources=(*sources, *([word("map.osm", lang)] if osm else [])),
        marks=(word("map.synthetic", lang),) if synthetic else (),
        services=_services(tables, look),
    )
    return add_page(page, new_map() if m is None else m)


def _datum(name: str) -> str:
    if name not in ("wgs84", "gcj02"):
        raise OptionError(f"tile_datum is {name!r}; known are wgs84 and gcj02")
    return name


def _checked(tables: dict[str, Any]) -> dict[str, Any]:
    """The tables, or one error with everything that cannot be drawn; empty ones are made whole."""
    if not tables:
        raise OptionError("nothing to draw; give at least one table, such as communities")
    problems = [one for name, table in tables.items() for one in _problems(name, table)]
    if problems:
        raise TableError(problems)
    drawn = {name: len(table) for name, table in tables.items() if _NEEDED[name][1]}
    if sum(drawn.values()) > MOST_FEATURES:
        raise TooLargeError(_too_many(drawn))
    return {name: _whole(name, table) for name, table in tables.items()}


def _problems(name: str, table: Any) -> Iterator[Problem]:
    columns, kinds = _NEEDED[name]
    if not isinstance(table, pd.DataFrame):
        yield Problem(name, f"a {type(table).__name__}", "Give a table (DataFrame)")
        return
    if table.empty:
        return
    for column in columns:
        if column not in table.columns:
            present = ", ".join(str(other) for other in table.columns)
            yield Problem(name, f"no column {column!r}", f"Add it; the columns are: {present}")
    if not kinds:
        return
    if not isinstance(table, gpd.GeoDataFrame) or table.active_geometry_name is None:
        yield Problem(name, "no geometry", "Give a GeoDataFrame with its geometry set")
        return
    if table.crs is None:
        yield Problem(name, "no coordinate system", "Set it with set_crs")
    else:
        yield from _off_the_earth(name, table)
    found = set(table.geometry.dropna()[~table.geometry.dropna().is_empty].geom_type)
    for kind in sorted(found - set(kinds)):
        yield Problem(name, f"geometry is a {kind}", f"Give a {' or '.join(kinds)}")


def _off_the_earth(name: str, table: gpd.GeoDataFrame) -> Iterator[Problem]:
    """Whether anything lies where no map reaches, as with columns that are swapped."""
    shapes = table.geometry
    there = np.flatnonzero(~(shapes.isna() | shapes.is_empty))
    boxes = shapely.bounds(shapes.to_numpy()[there])
    corners = boxes.reshape(-1, 2)
    if not shapes.crs.is_geographic:
        corners = np.column_stack(
            Transformer.from_crs(shapes.crs, 4326, always_xy=True).transform(*corners.T)
        )
    outside = (np.abs(corners) > (MOST_LONGITUDE, MOST_LATITUDE)).any(axis=1)
    rows = there[outside.reshape(-1, 2).any(axis=1)]
    if len(rows):
        bounds = ", ".join(f"{value:g}" for value in shapely.bounds(shapes.iloc[rows[0]]))
        yield Problem(
            f"{name}, row {rows[0] + 1}",
            f"{len(rows)} of {len(table)} rows lie outside the world ({bounds} in {shapes.crs})",
            "Check the coordinate system, and whether x and y are swapped",
        )


def _whole(name: str, table: Any) -> Any:
    """A table with rows counted from 0; an empty one gets its columns and geometry."""
    columns, kinds = _NEEDED[name]
    if not table.empty:
        return table.reset_index(drop=True)
    blank = {column: pd.Series(dtype=object) for column in columns}
    return gpd.GeoDataFrame(blank, geometry=[], crs=4326) if kinds else pd.DataFrame(blank)


def _too_many(drawn: Mapping[str, int]) -> str:
    heaviest = sorted(drawn.items(), key=lambda pair: -pair[1])
    told = ", ".join(f"{name} {count:,}" for name, count in heaviest)
    hints = [f"{name}: {_HINTS[name]}" for name, _ in heaviest if name in _HINTS]
    return (
        f"{sum(drawn.values()):,} things are too many for one page, which holds "
        f"{MOST_FEATURES:,} ({told}). Aggregate or cut them - {'; '.join(hints)}"
    )


def _layers(tables: dict[str, Any], look: Look) -> Iterator[Layer]:
    if "areas" in tables:
        yield from area_layers(tables["areas"], look)
    if "communities" in tables:
        yield people.community_layer(tables["communities"], tables.get("coverage"), look)
    if "homes" in tables:
        yield from _home_layers(tables, look)
    if "idle_buildings" in tables:
        yield sites.idle_layer(tables["idle_buildings"], tables.get("ranking"), look)
        if "chosen" in tables:
            yield sites.chosen_layer(tables["idle_buildings"], tables["chosen"], look)
    if "streets" in tables and _has_slope(tables["streets"]):
        yield things.slope_layer(tables["streets"], look)
    simple = {
        "facilities": things.facility_layer,
        "openings": sites.opening_layer,
        "walls": things.wall_layer,
        "gates": things.gate_layer,
        "streets": things.street_layer,
        "reached": things.reached_layer,
    }
    for name, make in simple.items():
        if name in tables:
            yield make(tables[name], look)


def _home_layers(tables: dict[str, Any], look: Look) -> Iterator[Layer]:
    access = tables.get("home_access")
    facilities = tables.get("facilities", pd.DataFrame())
    named = "name" if look.lang == "zh" else "name_en"
    called = {
        key: first or second or key
        for key, first, second in zip(
            texts(facilities, "facility_id"),
            texts(facilities, named),
            texts(facilities, "name"),
            strict=True,
        )
    }
    limits = _limits(tables)
    yield people.home_layer(tables["homes"], access, look, limits=limits, facility_names=called)
    if access is not None:
        yield people.unserved_layer(tables["homes"], access, look)


def _has_slope(streets: gpd.GeoDataFrame) -> bool:
    return "climb_m" in streets.columns and bool(streets["climb_m"].notna().any())


def _limits(tables: dict[str, Any]) -> tuple[float, ...]:
    found = {
        float(limit)
        for name in ("areas", "coverage")
        if name in tables
        for limit in tables[name]["within_min"].unique()
    }
    return tuple(sorted(found)) or USUAL_LIMITS


def _services(tables: dict[str, Any], look: Look) -> tuple[Service, ...]:
    """Services that any table speaks of: the user's own first, then as in the catalogue."""
    named = [
        service
        for name in ("coverage", "areas", "home_access", "facilities")
        for service in dict.fromkeys(texts(tables.get(name, pd.DataFrame()), "service"))
        if service
    ]
    order = {name: place for place, name in enumerate({**look.services, **SERVICES})}
    found = sorted(dict.fromkeys(named), key=lambda one: order.get(one, len(order)))
    return tuple(look.service(name) for name in found)


def _totals(tables: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    ledger = tables.get("coverage")
    return () if ledger is None else tuple(people.ledger_totals(ledger))


def _notes(tables: dict[str, Any], layers: Sequence[Layer], look: Look) -> Iterator[str]:
    most_m = max(look.simplify_m, AREA_SIMPLIFY_M if "areas" in tables else 0.0)
    yield look.word("note.simplified", metres=f"{most_m:g}")
    if look.datum == "gcj02":
        yield look.word("map.amap_note")
    if "coverage" in tables or "home_access" in tables:
        yield look.word("note.limits")
    if "home_access" in tables and "covered_share" not in tables["home_access"].columns:
        yield look.word("note.at_the_door")
    for layer in layers:
        if layer.missing_rows:
            yield look.word("note.no_location", table=layer.name, count=layer.missing_rows)
    for plain, drawn, key in (
        ("coverage", "communities", "community_id"),
        ("home_access", "homes", "home_id"),
        ("ranking", "idle_buildings", "building_id"),
        ("chosen", "idle_buildings", "building_id"),
    ):
        yield from _strangers(tables, plain, drawn, key, look)


def _strangers(
    tables: dict[str, Any], plain: str, drawn: str, key: str, look: Look
) -> Iterator[str]:
    """Keys that a plain table names and no drawn table has."""
    if plain not in tables or drawn not in tables:
        return
    known = set(texts(tables[drawn], key))
    strange = sorted(set(texts(tables[plain], key)) - known)
    if strange:
        shown = ", ".join(strange[:5]) + (" …" if len(strange) > 5 else "")
        yield look.word("note.not_in_table", table=plain, count=len(strange), keys=shown)
