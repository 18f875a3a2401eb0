"""TOML text -> a standard, or one error with everything that is wrong with the file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from difflib import get_close_matches
from typing import Any

from communityplan.errors import DataError, Problem
from communityplan.standards._clause import FIGURES, Clause, Rule, Standard, Tier, all_verified

__all__ = ["parse", "wrong_way_round"]

STANDARD_KEYS = ("id", "zh", "en", "number", "based_on")
TEXTS = ("zh", "en", "standard", "clause", "tier", "service", "note", "source", "evidence")
LISTS = ("core_functions", "verified_fields", "corroborated_fields")
FLAGS = ("compulsory", "applies")
CLAUSE_KEYS = (*TEXTS, *FLAGS, *LISTS, *FIGURES)
TIER_FIGURES = tuple(
    item.name for item in fields(Tier) if item.name.endswith(("_m", "_m2", "_min", "_from", "_to"))
)
TIER_KEYS = ("zh", "en", "source", "evidence", "verified_fields", *TIER_FIGURES)
RULE_KEYS = ("zh", "en", "source", "verified")
FROM_TIER = ("walk_min", "population_from", "population_to")
PAIRS = (
    ("floor_area_min_m2", "floor_area_max_m2"),
    ("floor_area_min_m2", "floor_area_preferred_m2"),
    ("land_area_min_m2", "land_area_max_m2"),
    ("land_per_bed_min_m2", "land_per_bed_max_m2"),
    ("population_from", "population_to"),
    ("distance_from_m", "distance_to_m"),
    ("dwellings_from", "dwellings_to"),
    ("land_per_1000_from_m2", "land_per_1000_to_m2"),
    ("floor_per_1000_from_m2", "floor_per_1000_to_m2"),
)


def parse(text: str, where: str) -> Standard:
    """A standard from the text of its file.

    Parameters
    ----------
    text : str
        TOML with ``[standard]``, ``[sources]``, ``[tiers.ID]``, ``[rules.ID]``, ``[clauses."ID"]``.
    where : str
        Name of the file for the messages.

    Returns
    -------
    Standard

    Raises
    ------
    DataError
        Lists every problem of the file.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError([Problem(where, f"it is no TOML: {error}", "Mend that line")]) from error
    reader = _Reader(where, raw)
    standard = reader.standard()
    if reader.problems:
        raise DataError(reader.problems)
    return standard


def wrong_way_round(figures: Mapping[str, float]) -> list[str]:
    """Pairs of limits of which the lower is above the upper, in words."""
    return [
        f"{low} is {figures[low]:g} and {high} is {figures[high]:g}"
        for low, high in PAIRS
        if low in figures and high in figures and figures[low] > figures[high]
    ]


class _Reader:
    """Reads one file and collects what is wrong with it."""

    def __init__(self, where: str, raw: Mapping[str, Any]) -> None:
        self.where = where
        self.raw = raw
        self.problems: list[Problem] = []
        self._keys("the file", raw, ("standard", "sources", "tiers", "rules", "clauses"))
        self.head: Mapping[str, Any] = self._section("standard")
        self.local = bool(self.head.get("based_on"))

    def standard(self) -> Standard:
        self._keys("standard", self.head, STANDARD_KEYS)
        for name in ("id", "zh", "en", "number"):
            if not self.head.get(name):
                self._wrong("standard", f"no {name}", f"Give {name} in [standard]")
        tiers = {name: self._tier(name, facts) for name, facts in self._each("tiers")}
        rules = tuple(self._rule(name, facts) for name, facts in self._each("rules"))
        clauses = tuple(self._clause(name, facts, tiers) for name, facts in self._each("clauses"))
        if not clauses:
            self._wrong("clauses", "there is none", 'Give at least one [clauses."id"]')
        head = {name: str(self.head.get(name, "")) for name in STANDARD_KEYS}
        return Standard(**head, clauses=clauses, tiers=tiers, rules=rules)

    def _tier(self, name: str, facts: Mapping[str, Any]) -> Tier:
        place = f"tier {name}"
        self._keys(place, facts, TIER_KEYS)
        marks = self._marks(place, "verified_fields", facts, TIER_FIGURES)
        return Tier(
            id=name,
            zh=self._needed(place, facts, "zh"),
            en=self._needed(place, facts, "en"),
            **self._figures(place, facts, TIER_FIGURES),
            **self._source(place, facts),
            verified_fields=marks,
            evidence=str(facts.get("evidence", "")),
        )

    def _rule(self, name: str, facts: Mapping[str, Any]) -> Rule:
        place = f"rule {name}"
        self._keys(place, facts, RULE_KEYS)
        words = {key: self._needed(place, facts, key) for key in ("zh", "en")}
        verified = self._flag(place, facts, "verified") is True
        return Rule(id=name, **words, **self._source(place, facts), verified=verified)

    def _clause(self, name: str, facts: Mapping[str, Any], tiers: Mapping[str, Tier]) -> Clause:
        place = f"clause {name}"
        self._keys(place, facts, CLAUSE_KEYS)
        texts: dict[str, Any] = {k: str(facts.get(k, "")) for k in TEXTS if k != "source"}
        if not self.local:
            texts["zh"] = self._needed(place, facts, "zh")
            texts["en"] = self._needed(place, facts, "en")
            texts["standard"] = texts["standard"] or str(self.head.get("number", ""))
        markable = (*FIGURES, "compulsory", "core_functions")
        figures = self._figures(place, facts, tuple(FIGURES))
        clause = Clause(
            id=name,
            **texts,
            **figures,
            compulsory=self._flag(place, facts, "compulsory"),
            applies=self._flag(place, facts, "applies") is not False,
            core_functions=self._texts(place, facts, "core_functions"),
            verified_fields=self._marks(place, "verified_fields", facts, markable),
            corroborated_fields=self._marks(place, "corroborated_fields", facts, markable),
            **self._source(place, facts),
        )
        clause = _with_tier(clause, tiers.get(clause.tier))
        return replace(clause, verified=all_verified(clause))

    def _figures(
        self, place: str, facts: Mapping[str, Any], names: tuple[str, ...]
    ) -> dict[str, Any]:
        given = {name: facts[name] for name in names if name in facts}
        sound: dict[str, Any] = {}
        for name, value in given.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
                self._wrong(place, f"{name} is {value!r}", "Give a number that is not negative")
            else:
                sound[name] = float(value)
        for found in wrong_way_round(sound):
            self._wrong(place, found, "Give the smaller figure first")
        return sound

    def _source(self, place: str, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The source in English and in Chinese; it is a key of [sources], or a text of its own."""
        named = self._needed(place, facts, "source")
        listed = self._section("sources").get(named, named)
        if isinstance(listed, Mapping):
            return {"source": str(listed.get("en", "")), "source_zh": str(listed.get("zh", ""))}
        return {"source": str(listed), "source_zh": str(listed)}

    def _marks(
        self, place: str, key: str, facts: Mapping[str, Any], names: tuple[str, ...]
    ) -> tuple[str, ...]:
        marks = self._texts(place, facts, key)
        for name in marks:
            if name not in names or name not in facts:
                self._wrong(
                    place,
                    f"{key} names {name!r}, which the clause does not give",
                    "Name figures of the same clause only",
                )
        return marks

    def _texts(self, place: str, facts: Mapping[str, Any], key: str) -> tuple[str, ...]:
        value = facts.get(key, [])
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            self._wrong(place, f"{key} is {value!r}", "Give a list of names")
            return ()
        return tuple(value)

    def _flag(self, place: str, facts: Mapping[str, Any], key: str) -> bool | None:
        value = facts.get(key)
        if value is not None and not isinstance(value, bool):
            self._wrong(place, f"{key} is {value!r}", "Give true or false, or leave it out")
            return None
        return value

    def _needed(self, place: str, facts: Mapping[str, Any], key: str) -> str:
        text = str(facts.get(key, "")).strip()
        if not text:
            self._wrong(place, f"no {key}", f"Give {key}")
        return text

    def _section(self, name: str) -> Mapping[str, Any]:
        section = self.raw.get(name, {})
        if isinstance(section, Mapping):
            return section
        self._wrong(name, f"it is {section!r}", f"Write it as a section [{name}]")
        return {}

    def _each(self, name: str) -> list[tuple[str, Mapping[str, Any]]]:
        entries = []
        for key, facts in self._section(name).items():
            if isinstance(facts, Mapping):
                entries.append((key, facts))
            else:
                self._wrong(name, f"{key} is {facts!r}", f'Write [{name}."{key}"]')
        return entries

    def _keys(self, place: str, facts: Mapping[str, Any], known: tuple[str, ...]) -> None:
        for name in facts:
            if name not in known:
                near = get_close_matches(name, known, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]!r}? " if near else ""
                self._wrong(
                    place,
                    f"unknown key or unit {name!r}",
                    f"{hint}Areas are in m2, distances in m, times in min; "
                    f"known are {', '.join(known)}",
                )

    def _wrong(self, place: str, found: str, todo: str) -> None:
        self.problems.append(Problem(f"{self.where}, {place}", found, todo))


def _with_tier(clause: Clause, tier: Tier | None) -> Clause:
    """The minutes and people of the tier, where the clause has none of its own."""
    if tier is None:
        return clause
    new: dict[str, Any] = {
        name: getattr(tier, name)
        for name in FROM_TIER
        if getattr(clause, name) is None and getattr(tier, name) is not None
    }
    marks = tuple(name for name in new if name in tier.verified_fields)
    return replace(clause, **new, verified_fields=clause.verified_fields + marks)
