"""Layers about people: coverage of communities, walks from homes, who is not covered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
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
    choices,
    facts_of,
    numbers,
    texts,
)
from communityplan.maps.theme import COLOURS, ramp
from communityplan.wording import section

__all__ = [
    "LEDGER",
    "community_layer",
    "home_layer",
    "ledger_totals",
    "unserved_layer",
]

SHARE_BREAKS = (20.0, 40.0, 60.0, 80.0)
"""Limits of the classes of covered share [%]."""

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
"""Columns of the ledger that count people."""

STAIRS = "covered_but_for_stairs"
"""Of those beyond the limit, people who would be within it from the ground floor; optional."""


def community_layer(
    communities: gpd.GeoDataFrame, ledger: pd.DataFrame | None, look: Look
) -> Layer:
    """Communities coloured by the share of people covered, or their outlines without a ledger.

    Parameters
    ----------
    communities : GeoDataFrame
        Areas with ``community_id`` and names.
    ledger : DataFrame or None
        ``community_id``, ``service``, ``group``, ``within_min``, ``people``, ``covered``,
        ``beyond``, ``unreachable`` [people].
    look : Look
        Language, services and how far lines are simplified.

    Returns
    -------
    Layer
    """
    coloured = ledger is not None and len(ledger) > 0
    variants = [] if ledger is None else list(_community_variants(communities, ledger, look))
    return Layer(
        "communities",
        "colour" if coloured else "ground",
        look.word("layer.communities" if coloured else "layer.communities_plain"),
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
        facts=facts_of(communities, _COMMUNITY_COLUMNS, look),
        variants=variants,
        **base(communities, "community_id", look),
    )


def _community_variants(
    communities: pd.DataFrame, ledger: pd.DataFrame, look: Look
) -> Iterator[Variant]:
    keys = communities["community_id"].astype(str)
    for (service, group, limit), rows in choices(ledger, "service", "group", "within_min"):
        by_key = rows.groupby(rows["community_id"].astype(str))[_counts(ledger)].sum()
        here = by_key.reindex(keys)
        people = here["people"].where(here["people"] > 0)
        share = 100.0 * here["covered"] / people
        facts = [
            Fact(
                look.word(f"ledger.{name}"),
                numbers(here[name], digits=1),
                look.word("unit.people"),
            )
            for name in _counts(ledger)
        ]
        facts.insert(0, Fact(look.word("ledger.share"), numbers(share, digits=1), "%", 0))
        yield Variant(
            service=service,
            group=group,
            within_min=limit,
            values=numbers(share, digits=1),
            breaks=SHARE_BREAKS,
            colours=tuple(reversed(ramp(len(SHARE_BREAKS) + 1))),
            labels=_share_labels(),
            missing={"colour": COLOURS["missing"], "label": look.word("map.nobody")},
            facts=facts,
        )


def _share_labels() -> list[str]:
    edges = (0.0, *SHARE_BREAKS, 100.0)
    return [f"{low:.0f}–{high:.0f} %" for low, high in pairwise(edges)]


def home_layer(
    homes: gpd.GeoDataFrame,
    access: pd.DataFrame | None,
    look: Look,
    *,
    limits: Sequence[float],
    facility_names: dict[str, str],
) -> Layer:
    """Homes coloured by the walk to the nearest facility of each service.

    Parameters
    ----------
    homes : GeoDataFrame
        Points or areas with ``home_id``.
    access : DataFrame or None
        ``home_id``, ``service``, ``walk_min`` [min, missing where unreachable] and, where known,
        ``facility_id`` and ``reason``.
    look : Look
        Language, services and how far lines are simplified.
    limits : sequence of float
        Limits of the classes [min].
    facility_names : dict
        What facilities are called, by key.

    Returns
    -------
    Layer
    """
    coloured = access is not None and len(access) > 0
    variants: Iterable[Variant] = ()
    if access is not None:
        variants = _home_variants(homes, access, look, limits, facility_names)
    described = base(homes, "home_id", look)
    return Layer(
        "homes",
        "colour" if coloured else "ground",
        look.word("layer.homes" if coloured else "layer.homes_plain"),
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
        facts=facts_of(homes, _HOME_COLUMNS, look),
        variants=list(variants),
        **described,
    )


def _home_variants(
    homes: pd.DataFrame,
    access: pd.DataFrame,
    look: Look,
    limits: Sequence[float],
    facility_names: dict[str, str],
) -> Iterator[Variant]:
    keys = homes["home_id"].astype(str)
    for (service, walker), rows in choices(access, "service", "walker"):
        by_key = rows.assign(home_id=rows["home_id"].astype(str)).drop_duplicates("home_id")
        here = by_key.set_index("home_id").reindex(keys)
        minutes = _whole_tenths(here["walk_min"])
        facts = [
            Fact(
                look.word("fact.walk", service=look.called(service)),
                None,
                look.word("unit.minutes"),
                1,
                look.word("map.not_served"),
            )
        ]
        if "facility_id" in here.columns:
            called = [facility_names.get(key, key) for key in texts(here, "facility_id")]
            facts.append(Fact(look.word("fact.nearest"), called))
        if "reason" in here.columns:
            reasons = [_reason(text, look) for text in texts(here, "reason")]
            facts.append(Fact(look.word("fact.reason"), reasons))
        yield Variant(
            service=service,
            walker=walker,
            values=minutes,
            breaks=tuple(limits),
            colours=ramp(len(limits) + 1),
            labels=_minute_labels(limits, look),
            missing={
                "colour": COLOURS["unreachable"],
                "label": look.word("legend.unreachable"),
            },
            facts=facts,
        )


def _whole_tenths(minutes: pd.Series[Any]) -> list[float | None]:
    """Minutes rounded up to a tenth, so that what is beyond a limit also shows beyond it."""
    tenths = np.ceil(pd.to_numeric(minutes, errors="coerce") * 10.0 - 1e-6)
    return numbers(tenths / 10.0, digits=1)


def _reason(text: str, look: Look) -> str:
    key = f"reason.{text}"
    return look.word(key) if key in section("reason", look.lang) else text


def _minute_labels(limits: Sequence[float], look: Look) -> list[str]:
    labels = [look.word("legend.minutes_or_less", to=f"{limits[0]:g}")]
    for low, high in pairwise(limits):
        span = {"from": f"{low:g}", "to": f"{high:g}"}
        labels.append(look.word("legend.minutes_between", **span))
    return [*labels, look.word("legend.minutes_above", **{"from": f"{limits[-1]:g}"})]


def unserved_layer(homes: gpd.GeoDataFrame, access: pd.DataFrame, look: Look) -> Layer:
    """People who are not covered, as circles whose area is their number.

    Parameters
    ----------
    homes : GeoDataFrame
        Homes with ``home_id`` and the columns of the groups [people].
    access : DataFrame
        ``home_id``, ``service``, ``walk_min`` [min] and, where known, ``group``, ``within_min``,
        ``people`` and ``covered_share`` [0-1]. Without a share, a home within the limit is
        covered as a whole.
    look : Look
        Language, services and how far lines are simplified.

    Returns
    -------
    Layer
    """
    # the same shapes as the homes, so that a page carries them once
    described = {**base(homes, "home_id", look), "other_names": [], "missing_rows": 0}
    variants = list(_unserved_variants(homes, access, look))
    most = max((value or 0.0 for one in variants for value in _sizes(one)), default=0.0)
    sample = _round_number(most)
    return Layer(
        "unserved",
        "show",
        look.word("layer.unserved"),
        "bubble",
        order=50,
        style={"colour": COLOURS["unreachable"], "alpha": 0.78, "most": most},
        variants=variants,
        legend=[
            {
                "mark": "bubble",
                "colour": COLOURS["unreachable"],
                "label": look.word("legend.unserved_size", people=f"{sample:,.0f}"),
                "size": sample,
            }
        ],
        on=False,
        **described,
    )


def _sizes(variant: Variant) -> list[float | None]:
    return [] if variant.values is None else list(variant.values)  # noqa: PD011  # no table


def _unserved_variants(homes: pd.DataFrame, access: pd.DataFrame, look: Look) -> Iterator[Variant]:
    keys = homes["home_id"].astype(str)
    for (service, group, limit), rows in choices(access, "service", "group", "within_min"):
        known = look.service(service)
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
            values=left,
            rows=drawn,
            facts=[
                Fact(
                    look.word("fact.not_covered", minutes=f"{within_min:g}"),
                    None,
                    look.word("unit.people"),
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
    counts = _counts(ledger)
    totals = ledger.groupby(by, sort=False)[counts].sum().reset_index()
    return [
        {
            "service": str(row["service"]),
            "group": str(row["group"]),
            "within_min": float(row["within_min"]),
            **{name: round(float(row[name]), 1) for name in counts},
        }
        for row in totals.to_dict("records")
    ]


def _counts(ledger: pd.DataFrame) -> list[str]:
    return [*LEDGER, *([STAIRS] if STAIRS in ledger.columns else [])]


def _round_number(most: float) -> float:
    """A round number near half the largest, for the legend."""
    if most <= 0:
        return 1.0
    size = 10.0 ** np.floor(np.log10(most))
    return float(max(size * np.floor(most / size / 2) or size / 2, 1.0))
