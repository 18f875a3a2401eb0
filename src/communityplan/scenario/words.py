"""What scenarios, openings and joint units say, in Chinese and English."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import geopandas as gpd
import pandas as pd

from communityplan.standards import Service

__all__ = ["both", "say", "why_open", "why_unit"]


@cache
def _words() -> dict[str, dict[str, dict[str, str]]]:
    text = files("communityplan.scenario").joinpath("words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def say(section: str, key: str, lang: str, **values: Any) -> str:
    """What is said for a key.

    Examples
    --------
    >>> from communityplan.scenario.words import say
    >>> say("effect", "gate_everyone", "en", gate="G04")
    'gate G04 is open to everyone'
    """
    return _words()[section][key][lang].format(**values)


def both(section: str, key: str, **values: Any) -> dict[str, str]:
    """The same in both languages, as columns ``zh`` and ``en``."""
    return {lang: say(section, key, lang, **values) for lang in ("zh", "en")}


def why_open(
    table: gpd.GeoDataFrame,
    communities: pd.DataFrame | None,
    services: Sequence[Service],
) -> gpd.GeoDataFrame:
    """The ranked openings with a sentence for each, ``why_zh`` and ``why_en``.

    Parameters
    ----------
    table : GeoDataFrame
        As `rank_openings` has it, without the sentences.
    communities : DataFrame or None
        For their names.
    services : sequence of Service
        What was ranked for.
    """
    rows = table.to_dict("records")
    said = {
        f"why_{lang}": [_why(row, _names(communities, lang), services, lang) for row in rows]
        for lang in ("zh", "en")
    }
    return table.assign(**said)


def _names(communities: pd.DataFrame | None, lang: str) -> dict[str, str]:
    if communities is None:
        return {}
    keys = communities["community_id"].map(str)
    names = communities["name"].map(str)
    if lang == "en" and "name_en" in communities.columns:
        given = communities["name_en"]
        names = given.where(given.notna(), names).map(str)
    return dict(zip(keys, names, strict=True))


def _why(
    row: Mapping[str, Any], names: Mapping[str, str], services: Sequence[Service], lang: str
) -> str:
    """What is opened, what it saves, and whom it serves."""
    sides = list(dict.fromkeys(names.get(row[side], row[side]) for side in ("side_a", "side_b")))
    inner = [name for name in sides if name]
    place = "two" if len(inner) == 2 else "one" if inner else "none"
    where = say("place", place, lang, **dict(zip(("a", "b"), inner, strict=False)))
    parts = [
        say("open", row["kind"], lang, where=where, gate=row["gate_id"], metres=row["length_m"])
    ]
    around = row["around_min"]
    told = "no_way" if pd.isna(around) else "around"
    whose = "others_" if row["kind"] == "residents_gate" else ""
    parts.append(say("open", f"{whose}{told}", lang, around=around, through=row["through_min"]))
    gained = [
        say("open", "service", lang, name=getattr(service, lang) or service.name, people=people)
        for service in services
        if round(people := row[f"gain_{service.name}"]) >= 1
    ]
    comma = say("open", "comma", lang)
    if gained:
        parts.append(say("open", "gained", lang, each=comma.join(gained)))
    if row["minutes_saved"] >= 1:
        parts.append(say("open", "saved", lang, minutes=row["minutes_saved"]))
    if round(row["newly_reachable"]) >= 1:
        parts.append(say("open", "reached", lang, people=row["newly_reachable"]))
    return say("open", "stop", lang, text=say("open", "semicolon", lang).join(parts))


def why_unit(
    units: gpd.GeoDataFrame,
    communities: pd.DataFrame,
    pairs: pd.DataFrame,
    walk_min: float,
) -> gpd.GeoDataFrame:
    """Joint units with a sentence for each, ``why_zh`` and ``why_en``.

    Parameters
    ----------
    units : GeoDataFrame
    communities : DataFrame
        For their names.
    pairs : DataFrame
        As `adjoining`; walls between members are named.
    walk_min : float
        Farthest walk to the centre [min].
    """
    walled = pairs[pairs["walled"]]
    between = list(zip(walled["community_a"], walled["community_b"], strict=True))
    rows = units.to_dict("records")
    said = {
        f"why_{lang}": [
            _why_unit(row, _names(communities, lang), between, walk_min, lang) for row in rows
        ]
        for lang in ("zh", "en")
    }
    return units.assign(**said)


def _why_unit(
    row: Mapping[str, Any],
    names: Mapping[str, str],
    walled: Sequence[tuple[str, str]],
    walk_min: float,
    lang: str,
) -> str:
    comma, members = say("open", "comma", lang), row["community_ids"].split(";")
    parts = [
        say(
            "unit",
            "joint" if len(members) > 1 else "single",
            lang,
            members=comma.join(names[member] for member in members),
            people=row["people"],
        ),
        say("unit", "in_size" if row["in_size"] else "off_size", lang),
        say(
            "unit",
            "served" if row["building_id"] else "no_centre",
            lang,
            building=row["building_id"],
            people=row["people_served"],
            minutes=walk_min,
        ),
    ]
    shut = [pair for pair in walled if set(pair) <= set(members)]
    if shut:
        both_names = [say("place", "two", lang, a=names[a], b=names[b]) for a, b in shut]
        parts.append(say("unit", "walled", lang, where=comma.join(both_names)))
    return say("open", "stop", lang, text=say("open", "semicolon", lang).join(parts))
