"""Tags to decisions: ordered rules, read from an editable table, of which the first match wins."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from communityplan.errors import DataError, Problem
from communityplan.load.osm_data import Ints, Tagged

__all__ = [
    "LAYERS",
    "Rule",
    "Rules",
    "decide",
    "first_keys",
    "first_match",
    "osm_rules",
    "parse_rules",
    "rule_keys",
    "with_result",
]

Tags = Mapping[str, str]
Rules = Mapping[str, Sequence["Rule"]]
Wanted = Mapping[str, bool | frozenset[str]]

LAYERS: dict[str, frozenset[str] | None] = {
    "streets": frozenset({"everyone", "residents", "closed", "not_walkable"}),
    "parts": frozenset({"steps", "crossing"}),
    "squares": frozenset({"yes", "no"}),
    "gates": frozenset({"everyone", "residents", "closed", "unknown", "ignored"}),
    "walls": None,
    "communities": frozenset({"yes", "no"}),
    "buildings": frozenset({"residential", "other", "ignored"}),
    "services": None,
}
"""The layers that rules decide, each with the results it knows; None: any word."""

NAME_KEYS = ("name", "name:zh", "alt_name", "official_name")
_FIELDS = {
    "id",
    "match",
    "unless",
    "name_regex",
    "result",
    "storeys",
    "en",
    "zh",
    "verified",
    "note",
}


@dataclass(frozen=True)
class Rule:
    """One line of the rule table.

    Attributes
    ----------
    id : str
        Its name, written beside everything that it decided.
    result : str
        What it decides.
    match, unless : mapping of str to bool or frozenset of str
        Tags that all have to fit, and tags of which none may: True for any value, False for a
        key that is absent, else the values.
    name_regex : re.Pattern or None
        Searched in the names of an object, where given.
    storeys : float or None
        Storeys of a building that carries none [storeys].
    en, zh : str
        What it says, in English and Chinese.
    verified : bool
        Whether the meaning was seen in the documentation of the tags.
    """

    id: str
    result: str
    match: Wanted
    unless: Wanted = field(default_factory=dict)
    name_regex: re.Pattern[str] | None = None
    storeys: float | None = None
    en: str = ""
    zh: str = ""
    verified: bool = False

    def fits(self, tags: Tags) -> bool:
        """Whether these tags are what the rule is about."""
        for key, wanted in self.match.items():
            if not _fits(tags.get(key), wanted):
                return False
        for key, unwanted in self.unless.items():
            if _fits(tags.get(key), unwanted):
                return False
        if self.name_regex is None:
            return True
        return any(self.name_regex.search(tags[key]) for key in NAME_KEYS if key in tags)


def first_match(rules: Iterable[Rule], tags: Tags) -> Rule | None:
    """The first rule that fits, None where none does.

    Examples
    --------
    >>> from communityplan.load.osm_rules import first_match, parse_rules
    >>> streets = parse_rules()["streets"]
    >>> first_match(streets, {"highway": "service", "access": "private"}).result
    'residents'
    >>> first_match(streets, {"highway": "service", "access": "private", "foot": "yes"}).id
    'foot_yes'
    """
    return next((rule for rule in rules if rule.fits(tags)), None)


def decide(rules: Sequence[Rule], tags: Tagged) -> Ints:
    """The position of the first rule that fits each object, -1 where none does.

    Examples
    --------
    >>> import numpy as np
    >>> from communityplan.load.osm_data import Tagged
    >>> from communityplan.load.osm_rules import decide, parse_rules
    >>> walls = parse_rules()["walls"]
    >>> kinds = [{"barrier": "fence"}, {"barrier": "gate"}]
    >>> found = decide(walls, Tagged(kinds, np.array([0, 1, 0])))
    >>> [walls[row].id if row >= 0 else None for row in found]
    ['fence', None, 'fence']
    """
    keys = rule_keys(rules)
    named = not set(NAME_KEYS).isdisjoint(keys)
    # most rules need a key that most objects lack, which is quick to see
    asked = [
        (row, {key for key, wanted in rule.match.items() if wanted is not False}, rule)
        for row, rule in enumerate(rules)
    ]
    alike: dict[tuple[str | None, ...], int] = {}
    found = np.full(len(tags.kinds), -1, dtype=np.int64)
    for number in tags.having(first_keys(rules)):
        each = tags.kinds[number]
        # objects with names are hardly ever alike
        look = () if named else tuple(map(each.get, keys))
        if named or look not in alike:
            there = each.keys()
            alike[look] = -1
            for row, needed, rule in asked:
                if there >= needed and rule.fits(each):
                    alike[look] = row
                    break
        found[number] = alike[look]
    return found[tags.kind]


def with_result(rules: Sequence[Rule], results: Collection[str]) -> Ints:
    """Positions of the rules with any of these results."""
    rows = (row for row, rule in enumerate(rules) if rule.result in results)
    return np.fromiter(rows, dtype=np.int64)


def first_keys(rules: Iterable[Rule]) -> frozenset[str]:
    """Keys of which an object needs one at least for any of these rules to fit."""
    return frozenset(
        next(key for key, values in rule.match.items() if values is not False) for rule in rules
    )


def rule_keys(rules: Iterable[Rule]) -> list[str]:
    """Every key that these rules look at, sorted."""
    keys: set[str] = set()
    for rule in rules:
        keys |= {*rule.match, *rule.unless}
        if rule.name_regex is not None:
            keys |= set(NAME_KEYS)
    return sorted(keys)


def osm_rules(
    rules: str | Path | Mapping[str, Any] | None = None,
    services: str | Path | Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """The rules as a table to look at: what decides who walks where, and what counts as what.

    Parameters
    ----------
    rules, services : path or mapping, optional
        As for `read_osm`; the rules of the package unless given.

    Returns
    -------
    DataFrame
        One row per rule in the order in which they are tried: ``layer``, ``rule``, ``match``,
        ``unless``, ``result``, ``en``, ``zh``, ``verified``.

    Examples
    --------
    >>> import communityplan.load.osm_rules as table
    >>> table.osm_rules().query("rule == 'bollard'").result.item()
    'everyone'
    """
    rows = [
        (
            layer,
            rule.id,
            _shown(rule.match, rule.name_regex),
            _shown(rule.unless),
            rule.result,
            rule.en,
            rule.zh,
            rule.verified,
        )
        for layer, ordered in parse_rules(rules, services).items()
        for rule in ordered
    ]
    columns = ["layer", "rule", "match", "unless", "result", "en", "zh", "verified"]
    return pd.DataFrame(rows, columns=columns)


def parse_rules(
    rules: str | Path | Mapping[str, Any] | None = None,
    services: str | Path | Mapping[str, Any] | None = None,
) -> dict[str, tuple[Rule, ...]]:
    """Rules by layer; layers that are not given are those of the package.

    Parameters
    ----------
    rules, services : path or mapping, optional
        A TOML file, or the same as nested lists and dictionaries.

    Returns
    -------
    dict of str to tuple of Rule

    Raises
    ------
    DataError
        Lists every rule that cannot be understood.
    """
    found: list[Problem] = []
    parsed: dict[str, tuple[Rule, ...]] = {}
    sources: list[tuple[Mapping[str, Any], str]] = [
        (_packaged(name), name) for name in ("osm_rules.toml", "osm_services.toml")
    ]
    for given, label in ((rules, "rules"), (services, "services")):
        if given is not None:
            sources.append(_given(given, label))
    for layers, label in sources:
        for layer, entries in layers.items():
            parsed[layer] = tuple(_layer(layer, entries, label, found))
    if found:
        raise DataError(found)
    return parsed


def _packaged(name: str) -> dict[str, Any]:
    source = files("communityplan.load").joinpath(name)
    return tomllib.loads(source.read_text(encoding="utf-8"))


def _given(source: str | Path | Mapping[str, Any], label: str) -> tuple[Mapping[str, Any], str]:
    if isinstance(source, Mapping):
        return source, label
    path = Path(source)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig")), str(path)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problem = Problem(
            str(path),
            f"cannot be read as a table of {label} ({error})",
            "Start from a copy of the table of the package, see docs/osm.md",
        )
        raise DataError([problem]) from error


def _layer(layer: str, entries: Any, label: str, found: list[Problem]) -> Iterable[Rule]:
    where = f"{label}, {layer}"
    if layer not in LAYERS:
        known = ", ".join(LAYERS)
        found.append(Problem(where, "no such layer", f"Use one of {known}"))
        return
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        found.append(Problem(where, f"is {entries!r}", f"Give a list of rules, [[{layer}]]"))
        return
    seen: set[str] = set()
    for row, entry in enumerate(entries, start=1):
        spot = f"{where}, rule {row}"
        problems = list(_rule_problems(layer, entry, spot))
        if not problems and entry["id"] in seen:
            problems.append(Problem(spot, f"id {entry['id']!r} is there twice", "Rename one"))
        found += problems
        if not problems:
            seen.add(entry["id"])
            yield _rule(entry)


def _rule_problems(layer: str, entry: Any, spot: str) -> Iterable[Problem]:
    if not isinstance(entry, Mapping):
        yield Problem(spot, f"is {entry!r}", "Give id, match and result")
        return
    for name in ("id", "result"):
        if not isinstance(entry.get(name), str) or not entry[name]:
            yield Problem(spot, f"{name} is {entry.get(name)!r}", f"Give the {name} as text")
    for name in sorted(set(entry) - _FIELDS):
        yield Problem(
            spot, f"{name!r} is not a field of a rule", f"Use {', '.join(sorted(_FIELDS))}"
        )
    results = LAYERS[layer]
    given = entry.get("result")
    if results is not None and isinstance(given, str) and given and given not in results:
        yield Problem(spot, f"result is {given!r}", f"Use one of {', '.join(sorted(results))}")
    wanted = entry.get("match")
    if not wanted or (isinstance(wanted, Mapping) and not any(map(bool, wanted.values()))):
        todo = 'Name at least one key that has to be there, such as { highway = "steps" }'
        yield Problem(spot, f"match is {wanted!r}", todo)
    for name in ("match", "unless"):
        yield from _wanted_problems(entry.get(name, {}), f"{spot}, {name}")
    try:
        re.compile(entry.get("name_regex", ""))
    except (re.error, TypeError) as error:
        yield Problem(spot, f"name_regex is not a pattern ({error})", "Mend it, or leave it out")
    storeys = entry.get("storeys", 1)
    if isinstance(storeys, bool) or not isinstance(storeys, int | float) or not 0 < storeys < 300:
        yield Problem(spot, f"storeys is {storeys!r}", "Give a number above 0")


def _wanted_problems(wanted: Any, spot: str) -> Iterable[Problem]:
    if not isinstance(wanted, Mapping):
        yield Problem(spot, f"is {wanted!r}", 'Give keys with values, such as { foot = "no" }')
        return
    for key, values in wanted.items():
        listed = values if isinstance(values, list | tuple) else [values]
        fine = isinstance(values, bool) or (
            bool(listed) and all(isinstance(value, str) for value in listed)
        )
        if not fine:
            yield Problem(
                f"{spot}, {key}",
                f"is {values!r}",
                "Give a value, a list of values, true (any value) or false (absent)",
            )


def _rule(entry: Mapping[str, Any]) -> Rule:
    pattern = entry.get("name_regex")
    storeys = entry.get("storeys")
    return Rule(
        id=entry["id"],
        result=entry["result"],
        match=_wanted(entry["match"]),
        unless=_wanted(entry.get("unless", {})),
        name_regex=re.compile(pattern) if pattern else None,
        storeys=None if storeys is None else float(storeys),
        en=str(entry.get("en", "")),
        zh=str(entry.get("zh", "")),
        verified=bool(entry.get("verified", False)),
    )


def _wanted(given: Mapping[str, Any]) -> Wanted:
    return {
        key: values
        if isinstance(values, bool)
        else frozenset([values] if isinstance(values, str) else values)
        for key, values in given.items()
    }


def _fits(value: str | None, wanted: bool | frozenset[str]) -> bool:
    if isinstance(wanted, bool):
        return (value is not None) == wanted
    if value is None:
        return False
    if value in wanted:
        return True
    return ";" in value and any(part.strip() in wanted for part in value.split(";"))


def _shown(wanted: Wanted, pattern: re.Pattern[str] | None = None) -> str:
    """A condition as people write tags: highway=steps|footway, foot=*, no access."""
    words = []
    for key, values in wanted.items():
        if isinstance(values, bool):
            words.append(f"{key}=*" if values else f"no {key}")
        else:
            words.append(f"{key}={'|'.join(sorted(values))}")
    if pattern is not None:
        words.append(f"name~{pattern.pattern}")
    return ", ".join(words)
