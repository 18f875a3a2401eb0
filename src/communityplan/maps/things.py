"""Layers about what is there: facilities, walls, gates, streets."""

from __future__ import annotations

from itertools import pairwise

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

__all__ = [
    "as_points",
    "entry",
    "facility_layer",
    "gate_layer",
    "reached_layer",
    "slope_layer",
    "street_layer",
    "wall_layer",
]

_FACILITY_COLUMNS = (
    Column("capacity", "fact.capacity", "unit.places"),
    Column("floor_area_m2", "fact.floor_area", "unit.square_metres"),
    Column("opens", "fact.opens"),
)
CROWDED = 500
"""Gates or walls of more than this show from a zoom on where streets can be told apart."""
FROM_ZOOM = 14.0

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
        legend=[entry("circle", COLOURS["facility"], look.word("legend.facility"))],
        **base(as_points(facilities), "facility_id", look),
    )


def wall_layer(walls: gpd.GeoDataFrame, look: Look) -> Layer:
    """Walls that nobody crosses but at a gate; arguments as for the other layers."""
    return Layer(
        "walls",
        "ground",
        look.word("layer.walls"),
        "line",
        order=40,
        style={"colour": COLOURS["wall"], "width": 2.4, "ticks": True, **_when(walls)},
        facts=facts_of(walls, (Column("kind", "fact.kind"),), look),
        legend=[entry("wall", COLOURS["wall"], look.word("legend.wall"))],
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
        style={"marks": [f"gate_{name}" for name in _WHO], "radius": 4.5, **_when(gates)},
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
            entry(f"gate_{name}", COLOURS[f"gate_{name}"], look.word(f"who.{name}"))
            for name in present
        ],
        **base(gates, "gate_id", look),
    )


def _when(table: gpd.GeoDataFrame) -> dict[str, float]:
    return {"from_zoom": FROM_ZOOM} if len(table) > CROWDED else {}


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
                **entry("line", COLOURS["street"], look.word("legend.street")),
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
        facts=[Fact(look.word("fact.slope"), None, "%", 1)],
        variants=[
            Variant(
                values=values,
                rows=[row for row, value in enumerate(values) if value is not None],
                breaks=breaks,
                # what is nearly level stays quiet
                colours=(COLOURS["level"], *reversed(ramp(len(breaks) + 1)[:-1])),
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
    legend = [] if variants else [entry("line", colour, look.word("legend.reached"))]
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


def as_points(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Things that are drawn as a mark, each at a point that lies on it."""
    shapes = table.geometry
    if (shapes.geom_type.dropna() == "Point").all():
        return table
    return table.set_geometry(
        gpd.GeoSeries(shapely.point_on_surface(shapes), shapes.index, shapes.crs)
    )


def entry(mark: str, colour: str, label: str) -> dict[str, str]:
    """One line of a legend."""
    return {"mark": mark, "colour": colour, "label": label}
