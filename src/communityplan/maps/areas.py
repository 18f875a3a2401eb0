"""Layers of service areas: bands by limit, and the outline of the chosen one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import geopandas as gpd
import pandas as pd

from communityplan.maps.layers import (
    Column,
    Fact,
    Layer,
    Look,
    Variant,
    base,
    choices,
    facts_of,
    texts,
)
from communityplan.maps.theme import COLOURS, ramp

__all__ = ["AREA_SIMPLIFY_M", "area_layers"]

AREA_SIMPLIFY_M = 2.0
"""Service areas follow streets with round ends; less is not seen at any zoom [m]."""


def area_layers(areas: gpd.GeoDataFrame, look: Look) -> list[Layer]:
    """Service areas as bands, the largest limit below the smaller ones, and their outline.

    Parameters
    ----------
    areas : GeoDataFrame
        Columns ``within_min`` [min] and, where there are several, ``service`` and ``walker``;
        ``street_km``, ``inside_share`` and ``false_share`` are told where present.
    look : Look
        Language, services and how far lines are simplified.

    Returns
    -------
    list of Layer
    """
    areas = areas.reset_index(drop=True)
    limits = sorted(float(limit) for limit in areas["within_min"].unique())
    colours = dict(zip(limits, ramp(max(len(limits), 2)), strict=False))
    described = base(areas, "", replace(look, simplify_m=max(look.simplify_m, AREA_SIMPLIFY_M)))
    described["names"] = [
        " ".join(filter(None, [look.called(name) if name else "", _within(limit, look)]))
        for name, limit in zip(texts(areas, "service"), areas["within_min"], strict=True)
    ]
    described["other_names"] = []
    bands = Layer(
        "areas",
        "colour",
        look.word("layer.areas"),
        "bands",
        order=20,
        style={"alpha": 0.55},
        facts=_area_facts(areas, look),
        variants=[
            Variant(service=service, walker=walker, bands=list(_bands(rows, colours, look)))
            for (service, walker), rows in choices(areas, "service", "walker")
        ],
        **described,
    )
    return [bands, _outline(areas, described, look)]


def _outline(areas: gpd.GeoDataFrame, described: dict[str, Any], look: Look) -> Layer:
    label = look.word("layer.area_outline")
    return Layer(
        "area_outline",
        "show",
        label,
        "outline",
        order=33,
        style={"colour": COLOURS["ink"]},
        variants=[
            Variant(service=service, walker=walker, within_min=limit, rows=list(rows.index))
            for (service, walker, limit), rows in choices(areas, "service", "walker", "within_min")
        ],
        legend=[{"mark": "outline", "colour": COLOURS["ink"], "label": label}],
        silent=True,
        **{**described, "names": [], "missing_rows": 0},
    )


def _bands(areas: pd.DataFrame, colours: dict[float, str], look: Look) -> Iterator[dict[str, Any]]:
    for limit in sorted(areas["within_min"].unique(), reverse=True):
        rows = areas.index[areas["within_min"] == limit]
        yield {
            "within_min": float(limit),
            "rows": [int(row) for row in rows],
            "colour": colours[float(limit)],
            "label": _within(limit, look),
        }


def _area_facts(areas: pd.DataFrame, look: Look) -> list[Fact]:
    shares = {
        name: pd.to_numeric(areas[name], errors="coerce") * 100
        for name in ("inside_share", "false_share")
        if name in areas.columns
    }
    return facts_of(
        areas.assign(**shares),
        (
            Column("within_min", "fact.limit", "unit.minutes"),
            Column("street_km", "fact.street_length", "unit.kilometres", 1),
            Column("inside_share", "fact.inside_share", "unit.percent", 1),
            Column("false_share", "fact.false_share", "unit.percent", 1),
        ),
        look,
    )


def _within(limit: float, look: Look) -> str:
    return look.word("ledger.within", minutes=f"{limit:g}")
