"""Layers about things: facilities, idle buildings, openings, walls, gates, streets."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from communityplan.maps.layers import (
    Column,
    Fact,
    Layer,
    Look,
    Variant,
    base,
    facts_of,
    numbers,
    texts,
)
from communityplan.maps.theme import COLOURS, SLOPE_BREAKS, ramp
from communityplan.tables import used

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


def facility_layer(facilities: gpd.GeoDataFrame, look: Look) -> Layer:
    """Existing facilities; those of the chosen service show.

    Parameters
    ----------
    facilities : GeoDataFrame
        As `tables.FACILITIES`, in any coordinate system.
    look : Look
        Language, services and how far lines are simplified.

    Returns
    -------
    Layer
    """
    services = texts(facilities, "service")
    kinds = Fact(look.word("fact.service"), [look.called(name) for name in services])
    variants = [
        Variant(service=name, rows=[row for row, other in enumerate(services) if other == name])
        for name in dict.fromkeys(services)
    ]
    return Layer(
        "facilities",
        "show",
        look.word("layer.facilities"),
        "symbol",
        order=70,
        style={"mark": "circle", "colour": COLOURS["facility"], "radius": 7},
        facts=[kinds, *facts_of(facilities, _FACILITY_COLUMNS, look)],
        variants=variants,
        legend=[_entry("circle", COLOURS["facility"], look.word("legend.facility"))],
        **base(_as_points(facilities), "facility_id", look),
    )


def idle_layer(buildings: gpd.GeoDataFrame, ranking: pd.DataFrame | None, look: Look) -> Layer:
    """Idle buildings, with their rank and what each would gain where there is a ranking.

    Parameters
    ----------
    buildings : GeoDataFrame
        As `tables.IDLE_BUILDINGS`, in any coordinate system.
    ranking : DataFrame or None
        ``building_id``, ``rank``, ``people_gained``, ``gain_<service>`` [people], ``services``;
        ``rank_low`` and ``rank_high`` where known.
    look : Look
        Language, services and how far lines are simplified.

    Returns
    -------
    Layer
    """
    described = base(_as_points(buildings), "building_id", look)
    facts = facts_of(buildings, _IDLE_COLUMNS, look)
    if ranking is None or ranking.empty:
        return Layer(
            "idle_buildings",
            "show",
            look.word("layer.idle_buildings_plain"),
            "symbol",
            order=80,
            style={"mark": "square", "colour": COLOURS["idle"], "radius": 6},
            facts=facts,
            legend=[_entry("square", COLOURS["idle"], look.word("legend.idle_plain"))],
            **described,
        )
    keys = buildings["building_id"].astype(str)
    gains = ranking.assign(building_id=ranking["building_id"].astype(str))
    here = gains.drop_duplicates("building_id").set_index("building_id").reindex(keys)
    return Layer(
        "idle_buildings",
        "show",
        look.word("layer.idle_buildings"),
        "symbol",
        order=80,
        style={"mark": "square", "colour": COLOURS["idle_rest"], "radius": 8, "rank": True},
        facts=[*_gain_facts(here, look, _recorded(ranking)), *facts],
        variants=[_ranked(here["rank"], COLOURS["idle"], COLOURS["idle_rest"])],
        legend=[
            _entry("square", COLOURS["idle"], look.word("legend.idle_first", count=FIRST_RANKS)),
            _entry("square", COLOURS["idle_rest"], look.word("legend.idle_ranked")),
        ],
        **described,
    )


def _recorded(ranking: pd.DataFrame) -> dict[str, float]:
    """Limits that a ranking was made with, by service [min]."""
    services = used(ranking).get("services", {})
    facts = services if isinstance(services, dict) else {}
    return {name: float(one["within_min"]) for name, one in facts.items() if "within_min" in one}


def _gain_facts(here: pd.DataFrame, look: Look, limits: dict[str, float]) -> list[Fact]:
    people = look.word("unit.people")
    facts = [Fact(look.word("fact.rank"), texts(here, "rank"))]
    if {"rank_low", "rank_high"} <= set(here.columns):
        low, high = texts(here, "rank_low"), texts(here, "rank_high")
        spans = [f"{a}–{b}" if a and b else "" for a, b in zip(low, high, strict=True)]
        facts.append(Fact(look.word("fact.rank_range"), spans))
    if "people_gained" in here.columns:
        gained = numbers(here["people_gained"], digits=1)
        facts.append(Fact(look.word("fact.people_gained"), list(gained), people))
    for column in here.columns:
        if str(column).startswith("gain_"):
            service = str(column).removeprefix("gain_")
            within_min = limits.get(service, look.service(service).within_min)
            facts.append(_gain_fact(here[column], service, within_min, look))
    if "services" in here.columns:
        facts.append(Fact(look.word("fact.services"), _service_lists(here, look)))
    return facts


def _gain_fact(gained: pd.Series[Any], service: str, within_min: float, look: Look) -> Fact:
    minutes = f"{within_min:g}"
    label = look.word("fact.gain", service=look.called(service), minutes=minutes)
    return Fact(label, list(numbers(gained, digits=1)), look.word("unit.people"))


def _service_lists(here: pd.DataFrame, look: Look) -> list[str]:
    comma = "、" if look.lang == "zh" else ", "
    lists = [text.replace(",", ";").split(";") for text in texts(here, "services")]
    return [
        comma.join(look.called(name.strip()) for name in names if name.strip()) for names in lists
    ]


def opening_layer(openings: gpd.GeoDataFrame, look: Look) -> Layer:
    """Places where a wall could be opened, by rank.

    Parameters
    ----------
    openings : GeoDataFrame
        Points with ``rank`` and, where known, ``opening_id``, ``people_gained`` and
        ``minutes_saved``.
    look : Look
        Language, services and how far lines are simplified.

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
        look.word("layer.openings"),
        "symbol",
        order=85,
        style={"mark": "diamond", "colour": colour, "radius": 9, "rank": ranked},
        facts=[
            *(_gain_facts(openings, look, _recorded(openings)) if ranked else []),
            *facts_of(openings, columns, look),
        ],
        variants=[_ranked(openings["rank"], colour, colour)] if ranked else [],
        legend=[_entry("diamond", colour, look.word("legend.opening"))],
        **base(_as_points(openings), "opening_id", look),
    )


def wall_layer(walls: gpd.GeoDataFrame, look: Look) -> Layer:
    """Walls that nobody crosses but at a gate; arguments as for the other layers."""
    return Layer(
        "walls",
        "ground",
        look.word("layer.walls"),
        "line",
        order=40,
        style={"colour": COLOURS["wall"], "width": 2.4, "ticks": True},
        facts=facts_of(walls, (Column("kind", "fact.kind"),), look),
        legend=[_entry("wall", COLOURS["wall"], look.word("legend.wall"))],
        **base(walls, "wall_id", look),
    )


def gate_layer(gates: gpd.GeoDataFrame, look: Look) -> Layer:
    """Gates by who may pass; arguments as for the other layers."""
    who = [name if name in _WHO else "unknown" for name in texts(gates, "who")]
    present = [name for name in _WHO if name in who]
    hours = zip(texts(gates, "open_from"), texts(gates, "open_until"), strict=True)
    spans = [f"{start}–{end}" if start or end else "" for start, end in hours]
    return Layer(
        "gates",
        "ground",
        look.word("layer.gates"),
        "symbol",
        order=60,
        style={"marks": [f"gate_{name}" for name in _WHO], "radius": 4.5},
        facts=[
            Fact(look.word("fact.who"), [look.word(f"who.{name}") for name in who]),
            Fact(look.word("fact.hours"), spans),
            *facts_of(gates, (Column("wait_s", "fact.wait", "unit.seconds"),), look),
        ],
        variants=[
            Variant(
                values=[_WHO.index(name) for name in who],
                breaks=(0.5, 1.5, 2.5),
                colours=[COLOURS[f"gate_{name}"] for name in _WHO],
            )
        ],
        legend=[
            _entry(f"gate_{name}", COLOURS[f"gate_{name}"], look.word(f"who.{name}"))
            for name in present
        ],
        **base(gates, "gate_id", look),
    )


def street_layer(streets: gpd.GeoDataFrame, look: Look) -> Layer:
    """Streets as quiet ground; arguments as for the other layers."""
    described = base(streets[[streets.active_geometry_name]], "", look)
    return Layer(
        "streets",
        "ground",
        look.word("layer.streets"),
        "line",
        order=25,
        style={"colour": COLOURS["street"], "casing": COLOURS["street_edge"], "width": 2.2},
        legend=[
            {
                **_entry("line", COLOURS["street"], look.word("legend.street")),
                "casing": COLOURS["home_edge"],
            }
        ],
        **{**described, "names": [], "other_names": []},
    )


def slope_layer(streets: gpd.GeoDataFrame, look: Look) -> Layer:
    """Slope of streets whose climb is known; arguments as for the other layers."""
    length_m = streets.geometry.length.replace(0.0, np.nan)
    percent = 100.0 * pd.to_numeric(streets["climb_m"], errors="coerce").abs() / length_m
    values = numbers(percent, digits=1)
    breaks = [100.0 * limit for limit in SLOPE_BREAKS]
    edges = ["0", *[f"{limit:g}" for limit in breaks]]
    labels = [f"{low}–{high} %" for low, high in pairwise(edges)]
    described = base(streets[[streets.active_geometry_name]], "", look)
    return Layer(
        "slope",
        "show",
        look.word("layer.slope"),
        "line",
        order=45,
        style={"colour": COLOURS["missing"], "width": 3.0},
        facts=[Fact(look.word("fact.slope"), list(values), "%", 1)],
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


def reached_layer(reached: gpd.GeoDataFrame, look: Look) -> Layer:
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
                labels=[look.word("ledger.within", minutes=f"{limit:g}") for limit in limits],
            )
        ]
    colour = ramp(2)[0]
    legend = [] if variants else [_entry("line", colour, look.word("legend.reached"))]
    described = base(reached, "", look)
    return Layer(
        "reached",
        "show",
        look.word("layer.reached"),
        "line",
        order=35,
        style={"colour": colour, "width": 3.0},
        facts=facts_of(reached, (Column("within_min", "fact.limit", "unit.minutes"),), look),
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
