"""Layers of places to choose from: idle buildings and openings of walls, by rank."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

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
from communityplan.maps.theme import COLOURS
from communityplan.maps.things import as_points, entry
from communityplan.tables import used
from communityplan.wording import section

__all__ = ["chosen_layer", "idle_layer", "opening_layer"]

FIRST_RANKS = 5
"""Ranks that are drawn in the strong colour."""

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

_CHOSEN_SUMS = ("cost_yuan", "opening_cost_yuan", "floor_area_m2", "people")
_CHOSEN_COLUMNS = (
    Column("people", "fact.people_assigned", "unit.people"),
    Column("floor_area_m2", "fact.area_used", "unit.square_metres"),
    Column("yuan", "fact.cost", "unit.yuan"),
)
_OPENING_COLUMNS = (
    Column("length_m", "fact.new_way", "unit.metres"),
    Column("around_min", "fact.around", "unit.minutes", 1),
    Column("through_min", "fact.through", "unit.minutes", 1),
    Column("minutes_saved", "fact.minutes_saved", "unit.people_minutes"),
)

# the words of `siting`, to be said in another language
_REASONS = (
    (re.compile(r"floor area (\d+) m2 is below (\d+) m2"), "reason.small"),
    (re.compile(r"hazard: (.+)"), "reason.hazard"),
    (re.compile(r"only (.+) allowed"), "reason.not_allowed"),
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
    described = base(as_points(buildings), "building_id", look)
    told = buildings
    if look.lang == "en" and "owner_en" in buildings.columns:
        told = buildings.assign(owner=buildings["owner_en"].fillna(buildings["owner"]))
    facts = facts_of(told, _IDLE_COLUMNS, look)
    if ranking is None or ranking.empty:
        return Layer(
            "idle_buildings",
            "show",
            look.word("layer.idle_buildings_plain"),
            "symbol",
            order=80,
            style={"mark": "square", "colour": COLOURS["idle"], "radius": 6},
            facts=facts,
            legend=[entry("square", COLOURS["idle"], look.word("legend.idle_plain"))],
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
        style={
            "mark": "square",
            "colour": COLOURS["idle_unfit"],
            "radius": 8,
            "rank": True,
            "small_unranked": True,
        },
        facts=[*_gain_facts(here, look, _recorded(ranking)), *facts],
        variants=[_ranked(here["rank"], COLOURS["idle"], COLOURS["idle_rest"])],
        legend=[
            entry("square", COLOURS["idle"], look.word("legend.idle_first", count=FIRST_RANKS)),
            entry("square", COLOURS["idle_rest"], look.word("legend.idle_ranked")),
            *_unfit_entry(here["rank"], look),
        ],
        **described,
    )


def _unfit_entry(ranks: pd.Series[Any], look: Look) -> list[dict[str, str]]:
    if not ranks.isna().any():
        return []
    return [entry("square_small", COLOURS["idle_unfit"], look.word("legend.idle_unfit"))]


def _recorded(ranking: pd.DataFrame) -> dict[str, float]:
    """Limits that a ranking was made with, by service [min]."""
    services = used(ranking).get("services", {})
    facts = services if isinstance(services, dict) else {}
    # rankings note the whole service, openings its limit alone
    limits = {
        name: one.get("within_min") if isinstance(one, Mapping) else one
        for name, one in facts.items()
    }
    return {name: float(limit) for name, limit in limits.items() if limit is not None}


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
    return [*facts, *_why_facts(here, look)]


def _why_facts(here: pd.DataFrame, look: Look) -> list[Fact]:
    """Why a place stands where it stands, and what does not fit in it and why."""
    facts = []
    if f"why_{look.lang}" in here.columns:
        sentences = texts(here, f"why_{look.lang}")
        # of one that is not ranked the reasons below say the same
        ranked = [bool(rank) for rank in texts(here, "rank")]
        told = [text if is_one else "" for text, is_one in zip(sentences, ranked, strict=True)]
        facts.append(Fact(look.word("fact.why"), told))
    if f"reason_{look.lang}" in here.columns:
        facts.append(Fact(look.word("fact.why_not"), texts(here, f"reason_{look.lang}")))
    elif "reason" in here.columns:
        reasons = [_reasons(text, look) for text in texts(here, "reason")]
        facts.append(Fact(look.word("fact.why_not"), reasons))
    return facts


def _reasons(text: str, look: Look) -> str:
    """Why services do not fit, one after the other, in the language of the map."""
    semicolon = "；" if look.lang == "zh" else "; "
    pairs = (part.partition(": ") for part in text.split("; ") if part)
    said = [
        f"{look.called(name)}{colon}{_one_reason(why, look)}" if colon else name
        for name, colon, why in pairs
    ]
    return semicolon.join(said)


def _one_reason(why: str, look: Look) -> str:
    for pattern, key in _REASONS:
        found = pattern.fullmatch(why)
        if found:
            words = [look.said(word) for word in found.groups()]
            return look.word(key, **{f"value_{place}": word for place, word in enumerate(words)})
    return why


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


def chosen_layer(buildings: gpd.GeoDataFrame, chosen: pd.DataFrame, look: Look) -> Layer:
    """Buildings that a choice opens, each with its programme.

    Parameters
    ----------
    buildings : GeoDataFrame
        As `tables.IDLE_BUILDINGS`, in any coordinate system.
    chosen : DataFrame
        As `Choice.opened`: ``building_id``, ``service`` and, where known, ``cost_yuan``,
        ``opening_cost_yuan`` [yuan], ``floor_area_m2`` [m2] and ``people`` [people], one row for
        each service.
    look : Look
        Language, services and how far lines are simplified.

    Returns
    -------
    Layer
    """
    rows = chosen.assign(building_id=chosen["building_id"].astype(str))
    keys = buildings["building_id"].astype(str)
    here = buildings[keys.isin(set(rows["building_id"]))].reset_index(drop=True)
    keys = here["building_id"].astype(str)
    joint = "、" if look.lang == "zh" else ", "
    services = rows["service"].astype(str).map(look.called)
    programmes = services.groupby(rows["building_id"]).agg(joint.join).reindex(keys)
    sums = rows.groupby("building_id")[[name for name in _CHOSEN_SUMS if name in rows.columns]].sum(
        min_count=1
    )
    costs = sums.filter(like="cost_yuan").sum(axis=1, min_count=1).rename("yuan")
    told = sums.assign(yuan=costs).reindex(keys).reset_index(drop=True)
    colour = COLOURS["chosen"]
    return Layer(
        "chosen",
        "show",
        look.word("layer.chosen"),
        "symbol",
        order=79,
        style={"mark": "ring", "colour": colour, "radius": 14},
        facts=[
            Fact(look.word("fact.programme"), list(programmes)),
            *facts_of(told, _CHOSEN_COLUMNS, look),
        ],
        legend=[entry("ring", colour, look.word("legend.chosen"))],
        **base(as_points(here), "building_id", look),
    )


def opening_layer(openings: gpd.GeoDataFrame, look: Look) -> Layer:
    """Places where a wall could be opened, by rank.

    Parameters
    ----------
    openings : GeoDataFrame
        As from `rank_openings`: points with ``rank`` and, where known, ``opening_id``, ``kind``,
        ``people_gained`` [people], ``minutes_saved`` [people x min], ``around_min`` and
        ``through_min`` [min], ``why_zh``, ``why_en``.
    look : Look
        Language, services and how far lines are simplified.

    Returns
    -------
    Layer
    """
    colour = COLOURS["opening"]
    if "length_m" in openings.columns:
        openings = openings.assign(length_m=openings["length_m"].where(openings["length_m"] > 0))
    ranked = "rank" in openings.columns
    if "kind" in openings.columns:
        said = section("report", look.lang)
        kinds = [said.get(f"report.opening_{kind}", kind) for kind in texts(openings, "kind")]
        gates = texts(openings, "gate_id")
        named = [" ".join(filter(None, both)) for both in zip(kinds, gates, strict=True)]
        openings = openings.assign(name=openings.get("name", named))
    return Layer(
        "openings",
        "show",
        look.word("layer.openings"),
        "symbol",
        order=85,
        style={"mark": "diamond", "colour": colour, "radius": 9, "rank": ranked},
        facts=[
            *(_gain_facts(openings, look, _recorded(openings)) if ranked else []),
            *facts_of(openings, _OPENING_COLUMNS, look),
        ],
        variants=[_ranked(openings["rank"], colour, colour)] if ranked else [],
        legend=[entry("diamond", colour, look.word("legend.opening"))],
        **base(as_points(openings), "opening_id", look),
    )


def _ranked(ranks: pd.Series[Any], first: str, rest: str) -> Variant:
    """Ranked things, the best drawn last and so on top."""
    values = numbers(ranks)
    order = sorted(range(len(values)), key=lambda row: -(values[row] or np.inf))
    return Variant(values=values, rows=order, breaks=(FIRST_RANKS + 0.5,), colours=(first, rest))
