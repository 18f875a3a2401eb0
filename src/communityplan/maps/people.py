"""Layers about people: service areas, coverage of communities, walks from homes, who is left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from communityplan.maps.layers import Column, Fact, Layer, Variant, base, facts_of, numbers, texts
from communityplan.maps.theme import COLOURS, ramp
from communityplan.standards import service as service_facts
from communityplan.wording import service_word, word

__all__ = [
    "LEDGER",
    "area_layers",
    "community_layer",
    "home_layer",
    "ledger_totals",
    "unserved_layer",
]

SHARE_BREAKS = (20.0, 40.0, 60.0, 80.0)
"""Limits of the classes of covered share [%]."""

AREA_SIMPLIFY_M = 2.0
"""Service areas follow streets with round ends; less is not seen at any zoom [m]."""

_COMMUNITY_COLUMNS = (
    Column("residents", "fact.residents", "unit.people"),
    Column("elderly", "fact.elderly", "unit.people"),
    Column("children", "fact.children", "unit.people"),
    Column("households", "fact.households", "unit.households"),
    Column("built_year", "fact.built_year"),
)
_HOME_COLUMNS = (
    Column("residents", "fact.residents", "unit.people"),
    Column("elderly", "fact.elderly", "unit.people"),
    Column("children", "fact.children", "unit.people"),
    Column("storeys", "fact.storeys", "unit.storeys"),
    Column("storey", "fact.storey"),
)
LEDGER = ("people", "covered", "beyond", "unreachable")


def area_layers(areas: gpd.GeoDataFrame, *, lang: str, simplify_m: float) -> list[Layer]:
    """Service areas as bands, the largest limit below the smaller ones, and their outline.

    Parameters
    ----------
    areas : GeoDataFrame
        Columns ``within_min`` [min] and, where there are several, ``service`` and ``walker``;
        ``street_km``, ``inside_share`` and ``false_share`` are told where present.
    lang : {"zh", "en"}
        Language.
    simplify_m : float
        How far a simplified outline may lie from the original [m], at least `AREA_SIMPLIFY_M`.

    Returns
    -------
    list of Layer
    """
    areas = areas.reset_index(drop=True)
    limits = sorted(float(limit) for limit in areas["within_min"].unique())
    colours = dict(zip(limits, ramp(max(len(limits), 2)), strict=False))
    described = base(areas, "", lang=lang, simplify_m=max(simplify_m, AREA_SIMPLIFY_M))
    described["names"] = [
        " ".join(filter(None, [service_word(name, lang) if name else "", _within(limit, lang)]))
        for name, limit in zip(texts(areas, "service"), areas["within_min"], strict=True)
    ]
    described["other_names"] = []
    bands = Layer(
        "areas",
        "colour",
        word("layer.areas", lang),
        "bands",
        order=20,
        style={"alpha": 0.55},
        facts=_area_facts(areas, lang),
        variants=[
            Variant(service=service, walker=walker, bands=list(_bands(rows, colours, lang)))
            for (service, walker), rows in _choices(areas, "service", "walker")
        ],
        **described,
    )
    return [bands, _outline(areas, described, lang)]


def _outline(areas: gpd.GeoDataFrame, described: dict[str, Any], lang: str) -> Layer:
    label = word("layer.area_outline", lang)
    return Layer(
        "area_outline",
        "show",
        label,
        "outline",
        order=33,
        style={"colour": COLOURS["ink"]},
        variants=[
            Variant(service=service, walker=walker, within_min=limit, rows=list(rows.index))
            for (service, walker, limit), rows in _choices(areas, "service", "walker", "within_min")
        ],
        legend=[{"mark": "outline", "colour": COLOURS["ink"], "label": label}],
        silent=True,
        **{**described, "names": [], "missing_rows": 0},
    )


def _bands(areas: pd.DataFrame, colours: dict[float, str], lang: str) -> Iterator[dict[str, Any]]:
    for limit in sorted(areas["within_min"].unique(), reverse=True):
        rows = areas.index[areas["within_min"] == limit]
        yield {
            "within_min": float(limit),
            "rows": [int(row) for row in rows],
            "colour": colours[float(limit)],
            "label": _within(limit, lang),
        }


def _area_facts(areas: pd.DataFrame, lang: str) -> list[Fact]:
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
        lang,
    )


def community_layer(
    communities: gpd.GeoDataFrame, ledger: pd.DataFrame | None, *, lang: str, simplify_m: float
) -> Layer:
    """Communities coloured by the share of people covered, or their outlines without a ledger.

    Parameters
    ----------
    communities : GeoDataFrame
        Areas with ``community_id`` and names.
    ledger : DataFrame or None
        ``community_id``, ``service``, ``group``, ``within_min``, ``people``, ``covered``,
        ``beyond``, ``unreachable`` [people].
    lang : {"zh", "en"}
        Language.
    simplify_m : float
        How far a simplified outline may lie from the original [m].

    Returns
    -------
    Layer
    """
    coloured = ledger is not None and len(ledger) > 0
    variants = [] if ledger is None else list(_community_variants(communities, ledger, lang))
    return Layer(
        "communities",
        "colour" if coloured else "ground",
        word("layer.communities" if coloured else "layer.communities_plain", lang),
        "fill",
        order=10,
        style={
            "colour": "none",
            "edge": COLOURS["community_edge"],
            "edge_width": 1.3,
            "alpha": 0.72,
            "dash": [6, 3],
            "labels": True,
        },
        facts=facts_of(communities, _COMMUNITY_COLUMNS, lang),
        variants=variants,
        **base(communities, "community_id", lang=lang, simplify_m=simplify_m),
    )


def _community_variants(
    communities: pd.DataFrame, ledger: pd.DataFrame, lang: str
) -> Iterator[Variant]:
    keys = communities["community_id"].astype(str)
    for (service, group, limit), rows in _choices(ledger, "service", "group", "within_min"):
        by_key = rows.groupby(rows["community_id"].astype(str))[list(LEDGER)].sum()
        here = by_key.reindex(keys)
        people = here["people"].where(here["people"] > 0)
        share = 100.0 * here["covered"] / people
        facts = [
            Fact(
                f"{word(f'ledger.{name}', lang)}",
                numbers(here[name], digits=1),
                word("unit.people", lang),
            )
            for name in LEDGER
        ]
        facts.insert(0, Fact(word("ledger.share", lang), numbers(share, digits=1), "%", 0))
        yield Variant(
            service=service,
            group=group,
            within_min=limit,
            values=numbers(share, digits=1),
            breaks=SHARE_BREAKS,
            colours=tuple(reversed(ramp(len(SHARE_BREAKS) + 1))),
            labels=_share_labels(),
            missing={"colour": COLOURS["missing"], "label": word("map.nobody", lang)},
            facts=facts,
        )


def _share_labels() -> list[str]:
    edges = (0.0, *SHARE_BREAKS, 100.0)
    return [f"{low:.0f}–{high:.0f} %" for low, high in pairwise(edges)]


def home_layer(
    homes: gpd.GeoDataFrame,
    access: pd.DataFrame | None,
    *,
    limits: Sequence[float],
    facility_names: dict[str, str],
    lang: str,
    simplify_m: float,
) -> Layer:
    """Homes coloured by the walk to the nearest facility of each service.

    Parameters
    ----------
    homes : GeoDataFrame
        Points or areas with ``home_id``.
    access : DataFrame or None
        ``home_id``, ``service``, ``walk_min`` [min, missing where unreachable] and, where known,
        ``facility_id``.
    limits : sequence of float
        Limits of the classes [min].
    facility_names : dict
        What facilities are called, by key.
    lang : {"zh", "en"}
        Language.
    simplify_m : float
        How far a simplified outline may lie from the original [m].

    Returns
    -------
    Layer
    """
    coloured = access is not None and len(access) > 0
    variants = [] if access is None else _home_variants(homes, access, limits, facility_names, lang)
    described = base(homes, "home_id", lang=lang, simplify_m=simplify_m)
    return Layer(
        "homes",
        "colour" if coloured else "ground",
        word("layer.homes" if coloured else "layer.homes_plain", lang),
        "fill",
        order=30,
        style={
            "colour": COLOURS["home"],
            "edge": COLOURS["home_edge"],
            "edge_width": 0.6,
            "alpha": 1.0,
            "plain_alpha": 0.75,
            "edge_from_zoom": 16,
        },
        facts=facts_of(homes, _HOME_COLUMNS, lang),
        variants=list(variants),
        **described,
    )


def _home_variants(
    homes: pd.DataFrame,
    access: pd.DataFrame,
    limits: Sequence[float],
    facility_names: dict[str, str],
    lang: str,
) -> Iterator[Variant]:
    keys = homes["home_id"].astype(str)
    for (service, walker), rows in _choices(access, "service", "walker"):
        by_key = rows.assign(home_id=rows["home_id"].astype(str)).drop_duplicates("home_id")
        here = by_key.set_index("home_id").reindex(keys)
        minutes = numbers(here["walk_min"], digits=1)
        facts = [
            Fact(
                word("fact.walk", lang, service=service_word(service, lang)),
                [word("map.not_served", lang) if value is None else value for value in minutes],
                word("unit.minutes", lang),
                1,
            )
        ]
        if "facility_id" in here.columns:
            called = [facility_names.get(key, key) for key in texts(here, "facility_id")]
            facts.append(Fact(word("fact.nearest", lang), called))
        yield Variant(
            service=service,
            walker=walker,
            values=minutes,
            breaks=tuple(limits),
            colours=ramp(len(limits) + 1),
            labels=_minute_labels(limits, lang),
            missing={
                "colour": COLOURS["unreachable"],
                "label": word("legend.unreachable", lang),
            },
            facts=facts,
        )


def _minute_labels(limits: Sequence[float], lang: str) -> list[str]:
    labels = [word("legend.minutes_or_less", lang, to=f"{limits[0]:g}")]
    for low, high in pairwise(limits):
        span = {"from": f"{low:g}", "to": f"{high:g}"}
        labels.append(word("legend.minutes_between", lang, **span))
    return [*labels, word("legend.minutes_above", lang, **{"from": f"{limits[-1]:g}"})]


def unserved_layer(
    homes: gpd.GeoDataFrame, access: pd.DataFrame, *, lang: str, simplify_m: float
) -> Layer:
    """People who are not covered, as circles whose area is their number.

    Parameters
    ----------
    homes : GeoDataFrame
        Homes with ``home_id`` and the columns of the groups [people].
    access : DataFrame
        ``home_id``, ``service``, ``walk_min`` [min] and, where known, ``group``, ``within_min``,
        ``people`` and ``covered_share`` [0-1]. Without a share, a home within the limit is
        covered as a whole.
    lang : {"zh", "en"}
        Language.
    simplify_m : float
        Not used for points; homes drawn as areas stand for their middle.

    Returns
    -------
    Layer
    """
    described = base(_middles(homes), "home_id", lang=lang, simplify_m=simplify_m)
    described["missing_rows"] = 0
    variants = list(_unserved_variants(homes, access, lang))
    most = max((value or 0.0 for one in variants for value in _sizes(one)), default=0.0)
    sample = _round_number(most)
    return Layer(
        "unserved",
        "show",
        word("layer.unserved", lang),
        "bubble",
        order=50,
        style={"colour": COLOURS["unreachable"], "alpha": 0.78, "most": most},
        variants=variants,
        legend=[
            {
                "mark": "bubble",
                "colour": COLOURS["unreachable"],
                "label": word("legend.unserved_size", lang, people=f"{sample:,.0f}"),
                "size": sample,
            }
        ],
        on=False,
        **described,
    )


def _sizes(variant: Variant) -> list[float | None]:
    return [] if variant.values is None else list(variant.values)  # noqa: PD011  # no table


def _middles(homes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return homes.set_geometry(homes.geometry.representative_point())


def _unserved_variants(homes: pd.DataFrame, access: pd.DataFrame, lang: str) -> Iterator[Variant]:
    keys = homes["home_id"].astype(str)
    for (service, group, limit), rows in _choices(access, "service", "group", "within_min"):
        known = service_facts(service)
        within_min = limit or known.within_min
        by_key = rows.assign(home_id=rows["home_id"].astype(str)).drop_duplicates("home_id")
        here = by_key.set_index("home_id").reindex(keys)
        people = _people(homes, here, group or known.group)
        left = numbers(pd.Series(people * (1.0 - _covered_share(here, within_min))), digits=1)
        drawn = [row for row, value in enumerate(left) if value is not None and value > 0]
        # the largest below, so that no circle hides a smaller one
        drawn.sort(key=lambda row: -(left[row] or 0))
        yield Variant(
            service=service,
            group=group,
            within_min=within_min,
            values=[left[row] for row in range(len(left))],
            rows=drawn,
            facts=[
                Fact(
                    word("fact.not_covered", lang, minutes=f"{within_min:g}"),
                    list(left),
                    word("unit.people", lang),
                )
            ],
        )


def _people(homes: pd.DataFrame, here: pd.DataFrame, group: str) -> np.ndarray[Any, Any]:
    if "people" in here.columns:
        return here["people"].to_numpy(dtype=float)
    counted = group if group in homes.columns else "residents"
    return pd.to_numeric(homes[counted], errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def _covered_share(here: pd.DataFrame, within_min: float) -> np.ndarray[Any, Any]:
    if "covered_share" in here.columns:
        return here["covered_share"].to_numpy(dtype=float)
    return (here["walk_min"].to_numpy(dtype=float) <= within_min).astype(float)


def ledger_totals(ledger: pd.DataFrame) -> list[dict[str, Any]]:
    """The ledger of all communities together, one entry per service, group and limit.

    Parameters
    ----------
    ledger : DataFrame
        As for `community_layer`.

    Returns
    -------
    list of dict
    """
    by = ["service", "group", "within_min"]
    totals = ledger.groupby(by, sort=False)[list(LEDGER)].sum().reset_index()
    return [
        {
            "service": str(row["service"]),
            "group": str(row["group"]),
            "within_min": float(row["within_min"]),
            **{name: round(float(row[name]), 1) for name in LEDGER},
        }
        for row in totals.to_dict("records")
    ]


def _choices(table: pd.DataFrame, *columns: str) -> Iterator[tuple[tuple[Any, ...], pd.DataFrame]]:
    """Rows by the columns that choose among them; an absent column chooses nothing."""
    present = [column for column in columns if column in table.columns]
    if not present:
        yield _choice(columns, {}), table
        return
    for found, rows in table.groupby(present, sort=False, dropna=False):
        yield _choice(columns, dict(zip(present, found, strict=True))), rows


def _choice(columns: Sequence[str], found: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(
        float(found.get(column, 0.0) or 0.0) if column == "within_min" else found.get(column, "")
        for column in columns
    )


def _within(limit: float, lang: str) -> str:
    return word("ledger.within", lang, minutes=f"{limit:g}")


def _round_number(most: float) -> float:
    """A round number near half the largest, for the legend."""
    if most <= 0:
        return 1.0
    size = 10.0 ** np.floor(np.log10(most))
    return float(max(size * np.floor(most / size / 2) or size / 2, 1.0))
