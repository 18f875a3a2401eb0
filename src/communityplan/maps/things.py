"""Layers about things: facilities, idle buildings, openings, walls, gates, streets."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from communityplan.maps.layers import Column, Fact, Layer, Variant, base, facts_of, numbers, texts
from communityplan.maps.theme import COLOURS, SLOPE_BREAKS, ramp
from communityplan.standards import service as service_facts
from communityplan.wording import service_word, word

__all__ = [
    "facility_layer",
    "gate_layer",
    "idle_layer",
    "opening_layer",
    "reached_layer",
    "slope_layer",
    "street_layer",
    "wall_layer",
]

FIRST_RANKS = 5
"""Ranks that are drawn in the strong colour."""

_FACILITY_COLUMNS = (
    Column("capacity", "fact.capacity", "unit.places"),
    Column("floor_area_m2", "fact.floor_area", "unit.square_metres"),
    Column("opens", "fact.opens"),
)
_IDLE_COLUMNS = (
    Column("floor_area_m2", "fact.floor_area", "unit.square_metres"),
    Column("storeys", "fact.storeys", "unit.storeys"),
    Column("former_use", "fact.former_use"),
    Column("owner", "fact.owner"),
    Column("owner_level", "fact.owner_level"),
    Column("tenure_route", "fact.tenure_route"),
    Column("available_year", "fact.available_year"),
    Column("conversion_cost_yuan", "fact.conversion_cost", "unit.yuan"),
    Column("annual_rent_yuan", "fact.annual_rent", "unit.yuan"),
    Column("hazards", "fact.hazards"),
)
_WHO = ("everyone", "residents", "closed", "unknown")


def facility_layer(facilities: gpd.GeoDataFrame, *, lang: str, simplify_m: float) -> Layer:
    """Existing facilities; those of the chosen service show.

    Parameters
    ----------
    facilities : GeoDataFrame
        As `tables.FACILITIES`, in any coordinate system.
    lang : {"zh", "en"}
        Language.
    simplify_m : float
        Not used for points; areas stand for their middle.

    Returns
    -------
    Layer
    """
    services = texts(facilities, "service")
    kinds = Fact(word("fact.service", lang), [service_word(name, lang) for name in services])
    variants = [
        Variant(service=name, rows=[row for row, other in enumerate(services) if other == name])
        for name in dict.fromkeys(services)
    ]
    return Layer(
        "facilities",
        "show",
        word("layer.facilities", lang),
        "symbol",
        order=70,
        style={"mark": "circle", "colour": COLOURS["facility"], "radius": 7},
        facts=[kinds, *facts_of(facilities, _FACILITY_COLUMNS, lang)],
        variants=variants,
        legend=[_entry("circle", COLOURS["facility"], word("legend.facility", lang))],
        **base(_as_points(facilities), "facility_id", lang=lang, simplify_m=simplify_m),
    )


def idle_layer(
    buildings: gpd.GeoDataFrame, ranking: pd.DataFrame | None, *, lang: str, simplify_m: float
) -> Layer:
    """Idle buildings, with their rank and what each would gain where there is a ranking.

    Parameters
    ----------
    buildings : GeoDataFrame
        As `tables.IDLE_BUILDINGS`, in any coordinate system.
    ranking : DataFrame or None
        ``building_id``, ``rank``, ``people_gained``, ``gain_<service>`` [people], ``services``;
        ``rank_low`` and ``rank_high`` where known.
    lang : {"zh", "en"}
        Language.
    simplify_m : float
        Not used for points; areas stand for their middle.

    Returns
    -------
    Layer
    """
    described = base(_as_points(buildings), "building_id", lang=lang, simplify_m=simplify_m)
    facts = facts_of(buildings, _IDLE_COLUMNS, lang)
    if ranking is None or ranking.empty:
        return Layer(
            "idle_buildings",
            "show",
            word("layer.idle_buildings_plain", lang),
            "symbol",
            order=80,
            style={"mark": "square", "colour": COLOURS["idle"], "radius": 6},
            facts=facts,
            legend=[_entry("square", COLOURS["idle"], word("legend.idle_plain", lang))],
            **described,
        )
    keys = buildings["building_id"].astype(str)
    gains = ranking.assign(building_id=ranking["building_id"].astype(str))
    here = gains.drop_duplicates("building_id").set_index("building_id").reindex(keys)
    return Layer(
        "idle_buildings",
        "show",
        word("layer.idle_buildings", lang),
        "symbol",
        order=80,
        style={"mark": "square", "colour": COLOURS["idle_rest"], "radius": 8, "rank": True},
        facts=[*_gain_facts(here, lang), *facts],
        variants=[_ranked(here["rank"], COLOURS["idle"], COLOURS["idle_rest"])],
        legend=[
            _entry("square", COLOURS["idle"], word("legend.idle_first", lang, count=FIRST_RANKS)),
            _entry("square", COLOURS["idle_rest"], word("legend.idle_ranked", lang)),
        ],
        **described,
    )


def _gain_facts(here: pd.DataFrame, lang: str) -> list[Fact]:
    people = word("unit.people", lang)
    facts = [Fact(word("fact.rank", lang), texts(here, "rank"))]
    if {"rank_low", "rank_high"} <= set(here.columns):
        low, high = texts(here, "rank_low"), texts(here, "rank_high")
        spans = [f"{a}–{b}" if a and b else "" for a, b in zip(low, high, strict=True)]
        facts.append(Fact(word("fact.rank_range", lang), spans))
    if "people_gained" in here.columns:
        gained = numbers(here["people_gained"], digits=1)
        facts.append(Fact(word("fact.people_gained", lang), list(gained), people))
    for column in here.columns:
        if str(column).startswith("gain_"):
            facts.append(_gain_fact(here[column], str(column).removeprefix("gain_"), lang))
    if "services" in here.columns:
        facts.append(Fact(word("fact.services", lang), _service_lists(here, lang)))
    return facts


def _gain_fact(gained: pd.Series[Any], service: str, lang: str) -> Fact:
    minutes = f"{service_facts(service).within_min:g}"
    label = word("fact.gain", lang, service=service_word(service, lang), minutes=minutes)
    return Fact(label, list(numbers(gained, digits=1)), word("unit.people", lang))


def _service_lists(here: pd.DataFrame, lang: str) -> list[str]:
    comma = "、" if lang == "zh" else ", "
    lists = [text.replace(",", ";").split(";") for text in texts(here, "services")]
    return [
        comma.join(service_word(name.strip(), lang) for name in names if name.strip())
        for names in lists
    ]


def opening_layer(openings: gpd.GeoDataFrame, *, lang: str, simplify_m: float) -> Layer:
    """Places where a wall could be opened, by rank.

    Parameters
    ----------
    openings : GeoDataFrame
        Points with ``rank`` and, where known, ``opening_id``, ``people_gained`` and
        ``minutes_saved``.
    lang : {"zh", "en"}
        Language.
    simplify_m : float
        Not used for points; lines stand for their middle.

    Returns
    -------
    Layer
    """
    colour = COLOURS["opening"]
    ranked = "rank" in openings.columns
    columns = (Column("minutes_saved", "fact.minutes_saved", "unit.minutes", 1),)
    return Layer(
        "openings",
        "show",
        word("layer.openings", lang),
        "symbol",
        order=85,
        style={"mark": "diamond", "colour": colour, "radius": 9, "rank": ranked},
        facts=[
            *(_gain_facts(openings, lang) if ranked else []),
            *facts_of(openings, columns, lang),
        ],
        variants=[_ranked(openings["rank"], colour, colour)] if ranked else [],
        legend=[_entry("diamond", colour, word("legend.opening", lang))],
        **base(_as_points(openings), "opening_id", lang=lang, simplify_m=simplify_m),
    )


def wall_layer(walls: gpd.GeoDataFrame, *, lang: str, simplify_m: float) -> Layer:
    """Walls that nobody crosses but at a gate; arguments as for the other layers."""
    return Layer(
        "walls",
        "ground",
        word("layer.walls", lang),
        "line",
        order=40,
        style={"colour": COLOURS["wall"], "width": 2.4, "ticks": True},
        facts=facts_of(walls, (Column("kind", "fact.kind"),), lang),
        legend=[_entry("wall", COLOURS["wall"], word("legend.wall", lang))],
        **base(walls, "wall_id", lang=lang, simplify_m=simplify_m),
    )


def gate_layer(gates: gpd.GeoDataFrame, *, lang: str, simplify_m: float) -> Layer:
    """Gates by who may pass; arguments as for the other layers."""
    who = [name if name in _WHO else "unknown" for name in texts(gates, "who")]
    present = [name for name in _WHO if name in who]
    hours = zip(texts(gates, "open_from"), texts(gates, "open_until"), strict=True)
    spans = [f"{start}–{end}" if start or end else "" for start, end in hours]
    return Layer(
        "gates",
        "ground",
        word("layer.gates", lang),
        "symbol",
        order=60,
        style={"mark": "gate", "radius": 5},
        facts=[
            Fact(word("fact.who", lang), [word(f"who.{name}", lang) for name in who]),
            Fact(word("fact.hours", lang), spans),
            *facts_of(gates, (Column("wait_s", "fact.wait", "unit.seconds"),), lang),
        ],
        variants=[
            Variant(
                values=[_WHO.index(name) for name in who],
                breaks=(0.5, 1.5, 2.5),
                colours=[COLOURS[f"gate_{name}"] for name in _WHO],
            )
        ],
        legend=[
            _entry(f"gate_{name}", COLOURS[f"gate_{name}"], word(f"who.{name}", lang))
            for name in present
        ],
        **base(gates, "gate_id", lang=lang, simplify_m=simplify_m),
    )


def street_layer(streets: gpd.GeoDataFrame, *, lang: str, simplify_m: float) -> Layer:
    """Streets as quiet ground; arguments as for the other layers."""
    described = base(streets[[streets.active_geometry_name]], "", lang=lang, simplify_m=simplify_m)
    return Layer(
        "streets",
        "ground",
        word("layer.streets", lang),
        "line",
        order=25,
        style={"colour": COLOURS["street"], "casing": COLOURS["street_edge"], "width": 2.2},
        **{**described, "names": [], "other_names": []},
    )


def slope_layer(streets: gpd.GeoDataFrame, *, lang: str, simplify_m: float) -> Layer:
    """Slope of streets whose climb is known; arguments as for the other layers."""
    length_m = streets.geometry.length.replace(0.0, np.nan)
    percent = 100.0 * pd.to_numeric(streets["climb_m"], errors="coerce").abs() / length_m
    values = numbers(percent, digits=1)
    breaks = [100.0 * limit for limit in SLOPE_BREAKS]
    edges = ["0", *[f"{limit:g}" for limit in breaks]]
    labels = [f"{low}–{high} %" for low, high in pairwise(edges)]
    described = base(streets[[streets.active_geometry_name]], "", lang=lang, simplify_m=simplify_m)
    return Layer(
        "slope",
        "show",
        word("layer.slope", lang),
        "line",
        order=45,
        style={"colour": COLOURS["missing"], "width": 3.0},
        facts=[Fact(word("fact.slope", lang), list(values), "%", 1)],
        variants=[
            Variant(
                values=values,
                rows=[row for row, value in enumerate(values) if value is not None],
                breaks=breaks,
                colours=tuple(reversed(ramp(len(breaks) + 1))),
                labels=[*labels, f"> {edges[-1]} %"],
            )
        ],
        on=False,
        **{**described, "names": [], "other_names": []},
    )


def reached_layer(reached: gpd.GeoDataFrame, *, lang: str, simplify_m: float) -> Layer:
    """Streets reached within a limit; coloured by ``within_min`` where there are several."""
    variants: list[Variant] = []
    limits = sorted({float(text) for text in texts(reached, "within_min")})
    if len(limits) > 1:
        values = numbers(reached["within_min"])
        variants = [
            Variant(
                values=values,
                rows=sorted(range(len(values)), key=lambda row: -(values[row] or 0)),
                breaks=[limit + 1e-6 for limit in limits[:-1]],
                colours=ramp(len(limits)),
                labels=[word("ledger.within", lang, minutes=f"{limit:g}") for limit in limits],
            )
        ]
    colour = ramp(2)[0]
    legend = [] if variants else [_entry("line", colour, word("legend.reached", lang))]
    described = base(reached, "", lang=lang, simplify_m=simplify_m)
    return Layer(
        "reached",
        "show",
        word("layer.reached", lang),
        "line",
        order=35,
        style={"colour": colour, "width": 3.0},
        facts=facts_of(reached, (Column("within_min", "fact.limit", "unit.minutes"),), lang),
        variants=variants,
        legend=legend,
        on=False,
        **{**described, "names": [], "other_names": []},
    )


def _ranked(ranks: pd.Series[Any], first: str, rest: str) -> Variant:
    """Ranked things, the best drawn last and so on top."""
    values = numbers(ranks)
    order = sorted(range(len(values)), key=lambda row: -(values[row] or np.inf))
    return Variant(values=values, rows=order, breaks=(FIRST_RANKS + 0.5,), colours=(first, rest))


def _as_points(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Things that are drawn as a mark, at a point that lies on them."""
    shapes = table.geometry
    if (shapes.geom_type.dropna() == "Point").all():
        return table
    return table.set_geometry(
        gpd.GeoSeries(shapely.point_on_surface(shapes), shapes.index, shapes.crs)
    )


def _entry(mark: str, colour: str, label: str) -> dict[str, str]:
    return {"mark": mark, "colour": colour, "label": label}
