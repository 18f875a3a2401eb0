"""What every column of a report is called, in which unit, and how its cells are written."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any
from unicodedata import east_asian_width

import pandas as pd

from communityplan.checkup.words import say
from communityplan.standards import Service
from communityplan.tables import TABLES
from communityplan.wording import group_word, section, service_word, walker_word, word

__all__ = [
    "EXCEL_FORMATS",
    "NOTHING",
    "Field",
    "Sayer",
    "field_of",
    "letters",
    "plain",
    "unit_word",
]

NOTHING = "–"
"""Stands where there is no value."""

EXCEL_FORMATS = {
    "people": "#,##0",
    "whole": "#,##0",
    "year": "0",
    "share": "0.0%",
    "minutes": "0.0",
    "limit": "General",
    "area": "#,##0",
    "metres": "#,##0.0",
    "km": "#,##0.00",
    "yuan": "#,##0",
    "number": "#,##0.##",
}
"""Number formats by kind of column; a column of another kind is text."""

HEADED_UNITS = ("min", "s", "m", "km", "m2", "m/s", "yuan")
"""Units that stand in a heading; people and shares are told by their names."""

_LIKE = {"consent_buildings": "consent", "effect_totals": "effects"}
"""Tables whose columns are called as those of another, but for what they call otherwise."""

_DECIMALS = {"people": 0, "whole": 0, "area": 0, "yuan": 0, "minutes": 1, "metres": 1, "km": 2}
_CONTRACT_KINDS = {"amount": "number", "number": "number", "flag": "flag"}
_UNIT_KINDS = {"people": "people", "households": "people", "m2": "area", "yuan": "yuan"}


@dataclass(frozen=True)
class Field:
    """One column of a report.

    Attributes
    ----------
    key : str
        Its name in the tables.
    zh, en : str
        What it is called.
    unit : str
        Unit, empty for text.
    kind : str
        How a cell is written: one of `EXCEL_FORMATS`, or ``text``, ``flag``, ``star``,
        ``verified``, ``service``, ``group``, ``walker``, ``reason``, ``status``, ``scope``,
        ``value``, ``values``, ``services``, ``unit``, ``figure``, ``state``, ``slope``.
    means_zh, means_en : str
        What it means, where its name does not say so.
    """

    key: str
    zh: str
    en: str
    unit: str = ""
    kind: str = "text"
    means_zh: str = ""
    means_en: str = ""

    @property
    def is_number(self) -> bool:
        """Whether cells are numbers."""
        return self.kind in EXCEL_FORMATS

    def label(self, lang: str) -> str:
        """What the column is called."""
        return self.zh if lang == "zh" else self.en

    def heading(self, lang: str) -> str:
        """What the column is called, with a unit where the name does not tell it."""
        if self.unit not in HEADED_UNITS:
            return self.label(lang)
        unit = unit_word(self.unit, lang)
        return f"{self.label(lang)}（{unit}）" if lang == "zh" else f"{self.label(lang)} [{unit}]"


def unit_word(unit: str, lang: str) -> str:
    """What a unit is called; itself where nobody knows it.

    Examples
    --------
    >>> from communityplan.report.columns import unit_word
    >>> unit_word("m2", "zh"), unit_word("m2", "en"), unit_word("", "en")
    ('平方米', 'm²', '')
    """
    return _known()["units"].get(unit, {lang: unit})[lang]


def field_of(key: str, table: str, column: pd.Series[Any]) -> Field:
    """The field of a column: as the report knows it, as the contract does, or as it comes.

    Parameters
    ----------
    key : str
        Name of the column.
    table : str
        Name of its table, such as ``"ranking"``.
    column : Series
        Its cells, which tell the kind of a column that nobody knows.

    Returns
    -------
    Field

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.report.columns import field_of
    >>> field_of("covered", "ledger", pd.Series([1.0])).label("zh")
    '已覆盖'
    """
    like = _LIKE.get(table, table)
    known = {**_known()["every"], **_known().get(like, {}), **_known().get(table, {})}
    if key in known:
        return Field(key=key, **known[key])
    for contract in (TABLES.get(table), TABLES["idle_buildings"], TABLES["homes"]):
        if contract is not None and key in contract.columns:
            asked = contract.columns[key]
            kind = _UNIT_KINDS.get(asked.unit, _CONTRACT_KINDS.get(asked.kind, "text"))
            kind = "year" if asked.unit == "year" else kind
            return Field(key, asked.zh, asked.meaning, asked.unit, kind)
    number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    return Field(key, key, key, "", "number" if number else "text")


@cache
def _known() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    text = files("communityplan.report").joinpath("columns.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@dataclass(frozen=True)
class Sayer:
    """Says values of tables in one language.

    Attributes
    ----------
    lang : {"zh", "en"}
    services : mapping of str to Service
        Services as the project means them, by key.
    """

    lang: str
    services: Mapping[str, Service]

    def word(self, key: str, **values: object) -> str:
        """What is said for a key of `wording.toml`."""
        return word(key, self.lang, **values)

    def service(self, name: str) -> str:
        """What a service is called."""
        return service_word(self.services.get(name, name), self.lang)

    def joined(self, parts: Iterable[str]) -> str:
        """Words in a row."""
        return ("、" if self.lang == "zh" else ", ").join(parts)

    def cell(self, value: Any, kind: str) -> str:
        """A cell as people read it.

        Examples
        --------
        >>> from communityplan.report.columns import Sayer
        >>> Sayer("zh", {}).cell(0.1984, "share"), Sayer("en", {}).cell(1234.6, "people")
        ('19.8%', '1,235')
        """
        if _is_nothing(value) or value == "":
            return NOTHING
        if kind in EXCEL_FORMATS:
            return _number(float(value), kind)
        return self._words(value, kind)

    def _words(self, value: Any, kind: str) -> str:
        text, lang = plain(value), self.lang
        ways: dict[str, Callable[[], str]] = {
            "flag": lambda: self.word(f"report.flag_{_flag(value)}"),
            "verified": lambda: self.word(f"report.verified_{_flag(value)}"),
            "star": lambda: "★" if _flag(value) == "yes" else "",
            "service": lambda: self.service(text),
            "group": lambda: group_word(text, lang),
            "walker": lambda: walker_word(text, lang),
            "value": lambda: section("value", lang).get(f"value.{text}", text),
            "values": lambda: self.joined(self.cell(one, "value") for one in _parts(text)),
            "services": lambda: self.joined(self.service(one) for one in _parts(text)),
            "reason": lambda: section("reason", lang).get(f"reason.{text}", text),
            "status": lambda: say("status", text, lang),
            "scope": lambda: self.word(f"report.scope_{text}"),
            "unit": lambda: unit_word(text, lang),
            "figure": lambda: _known()["figures"].get(text, {lang: text})[lang],
            "state": lambda: section("report", lang).get(f"report.state_{text}", text),
            "slope": lambda: section("report", lang).get(f"report.slope_{text}", text),
        }
        return ways[kind]() if kind in ways else text


def _parts(text: str) -> list[str]:
    """The parts of a list with semicolons."""
    return [part.strip() for part in text.split(";") if part.strip()]


def letters(text: str) -> int:
    """Length of a text, Chinese letters twice as wide as Latin ones.

    Examples
    --------
    >>> from communityplan.report.columns import letters
    >>> letters("小区 1")
    6
    """
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def plain(value: object) -> str:
    """A text without the characters that no document can hold.

    Examples
    --------
    >>> from communityplan.report.columns import plain
    >>> plain("a" + chr(0) + "b") == "a" + chr(0xFFFD) + "b"
    True
    """
    return "".join(_allowed(letter) for letter in str(value))


def _allowed(letter: str) -> str:
    """The letter, or a mark in its place where XML has no such letter."""
    code = ord(letter)
    controls = code < 0x20 and letter not in "\t\n\r"
    return "\ufffd" if controls or 0xD800 <= code <= 0xDFFF or code in (0xFFFE, 0xFFFF) else letter


def _is_nothing(value: Any) -> bool:
    return value is None or (not isinstance(value, str) and bool(pd.isna(value)))


def _flag(value: Any) -> str:
    no = value in (False, 0, "") or str(value).strip().lower() in ("false", "no", "0", "否")
    return "no" if no else "yes"


def _number(value: float, kind: str) -> str:
    if not math.isfinite(value):
        return "∞" if value > 0 else NOTHING
    if kind == "share":
        return f"{value:.1%}"
    if kind == "year":
        return f"{value:.0f}"
    decimals = _DECIMALS.get(kind, 2)
    # the sum keeps a tiny negative number from being written as -0
    said = f"{round(value, decimals) + 0.0:,.{decimals}f}"
    return said if kind in _DECIMALS else said.rstrip("0").rstrip(".")
