"""What a layer of a map is, and how columns of a table become lines of a popup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from communityplan.maps.shapes import encode
from communityplan.standards import Service, service
from communityplan.wording import section, service_word, word

__all__ = [
    "Column",
    "Fact",
    "Layer",
    "Look",
    "Variant",
    "base",
    "choices",
    "facts_of",
    "numbers",
    "texts",
]

Section = Literal["colour", "show", "ground"]
Paint = Literal["fill", "bands", "outline", "line", "symbol", "bubble"]


@dataclass(frozen=True)
class Fact:
    """One line of a popup.

    Attributes
    ----------
    label : str
        What the figure means.
    values : list or None
        One value per row of the layer, None where there is none; without a list the values of
        the variant are told.
    unit : str
        Unit, empty for text.
    digits : int
        Decimals shown.
    lacking : str or None
        What is told where there is no value; nothing unless given.
    """

    label: str
    values: list[Any] | None
    unit: str = ""
    digits: int = 0
    lacking: str | None = None


@dataclass(frozen=True)
class Variant:
    """What a layer shows for one choice of service, limit, group and walker.

    Attributes
    ----------
    service, group, walker : str
        The choice this belongs to; empty where it belongs to all.
    within_min : float or None
        Limit [min].
    values : list of float or None
        What is coloured or sized, one per row; None where unknown.
    rows : list of int or None
        Rows that are drawn; None for all.
    breaks, colours, labels : list
        Classes of the values, from low to high: colours has one more than breaks.
    missing : mapping
        Colour and label for rows without a value.
    facts : list of Fact
        What a click tells beside the facts of the layer.
    bands : list
        For service areas: limit, row and colour of each band, large to small.
    """

    service: str = ""
    group: str = ""
    walker: str = ""
    within_min: float | None = None
    values: list[float | None] | None = None
    rows: list[int] | None = None
    breaks: Sequence[float] = ()
    colours: Sequence[str] = ()
    labels: Sequence[str] = ()
    missing: Mapping[str, str] | None = None
    facts: Sequence[Fact] = ()
    bands: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Layer:
    """One layer of a page.

    Attributes
    ----------
    key : str
        Name of the layer, the same in every language.
    section : {"colour", "show", "ground"}
        Part of the panel: one of the first, any of the others.
    name : str
        What the panel calls it.
    paint : {"fill", "bands", "outline", "line", "symbol", "bubble"}
        How it is drawn.
    order : int
        Higher lies on top.
    shapes : mapping
        As `shapes.encode` gives them.
    style : mapping
        Colours and widths.
    names : list of str
        What each row is called; empty where it has no name.
    other_names : list of str
        Other words by which each row is found; empty where there are none.
    facts : list of Fact
        What a click tells.
    variants : list of Variant
        By service, limit, group and walker; empty where none of these matters.
    legend : list of mapping
        Entries of the legend: ``mark``, ``colour``, ``label``.
    on : bool
        Whether it shows at first.
    silent : bool
        Whether a click and the search pass it by.
    missing_rows : int
        Rows without a location.
    """

    key: str
    section: Section
    name: str
    paint: Paint
    order: int
    shapes: Mapping[str, Any]
    style: Mapping[str, Any] = field(default_factory=dict)
    names: Sequence[str] = ()
    other_names: Sequence[str] = ()
    facts: Sequence[Fact] = ()
    variants: Sequence[Variant] = ()
    legend: Sequence[Mapping[str, Any]] = ()
    on: bool = True
    silent: bool = False
    missing_rows: int = 0


@dataclass(frozen=True)
class Column:
    """How a column of a table is told in a popup.

    Attributes
    ----------
    name : str
        Its name.
    key : str
        Key of the words for it.
    unit : str
        Key of the words for its unit; empty where it has none.
    digits : int
        Decimals shown.
    """

    name: str
    key: str
    unit: str = ""
    digits: int = 0


@dataclass(frozen=True)
class Look:
    """How everything on a map is said and drawn.

    Attributes
    ----------
    lang : {"zh", "en"}
        Language.
    simplify_m : float
        How far a simplified line may lie from the original [m].
    datum : {"wgs84", "gcj02"}
        Datum of the ground that everything is drawn on.
    services : mapping of str to Service
        Services that differ from those of the catalogue, by key.
    """

    lang: str
    simplify_m: float = 0.5
    datum: str = "wgs84"
    services: Mapping[str, Service] = field(default_factory=dict)

    def word(self, key: str, **values: object) -> str:
        """What is said for a key of `wording.toml`."""
        return word(key, self.lang, **values)

    def service(self, name: str) -> Service:
        """A service by its key."""
        return self.services.get(name) or service(name)

    def said(self, text: str) -> str:
        """A value of a table in the language of the map, where there is a word for it."""
        return section("value", self.lang).get(f"value.{text}", text)

    def called(self, name: str) -> str:
        """What a service is called; its key where it has no name."""
        return service_word(self.service(name), self.lang)


def base(table: gpd.GeoDataFrame, key: str, look: Look) -> dict[str, Any]:
    """What every layer has from its table: shapes, names, and rows without a location.

    Parameters
    ----------
    table : GeoDataFrame
        One row per thing drawn, in any coordinate system.
    key : str
        Column that names a row; it may be absent.
    look : Look
        Language of the names, and how far lines are simplified.

    Returns
    -------
    dict
        Arguments of `Layer`.
    """
    columns = ("name", "name_en") if look.lang == "zh" else ("name_en", "name")
    names = _first_text([texts(table, column) for column in (*columns, key)], len(table))
    others = [texts(table, column) for column in ("name", "name_en", key)]
    other_names = [
        " ".join(other for other in dict.fromkeys(row) if other and other != name)
        for name, row in zip(names, zip(*others, strict=True), strict=True)
    ]
    return {
        "shapes": encode(table.geometry, simplify_m=look.simplify_m, datum=look.datum),
        "names": names,
        "other_names": other_names if any(other_names) else [],
        "missing_rows": int((table.geometry.isna() | table.geometry.is_empty).sum()),
    }


def choices(table: pd.DataFrame, *columns: str) -> Iterator[tuple[tuple[Any, ...], pd.DataFrame]]:
    """Rows by the columns that choose among them; an absent column chooses nothing.

    Parameters
    ----------
    table : DataFrame
        One row per choice and thing.
    *columns : str
        ``service``, ``group``, ``walker``, ``within_min``; any of them may be absent.

    Yields
    ------
    tuple
        The choice, empty text or 0 for an absent column, and its rows.
    """
    present = [column for column in columns if column in table.columns]
    if not present:
        yield _choice(columns, {}), table
        return
    for found, rows in table.groupby(present, sort=False, dropna=False):
        yield _choice(columns, dict(zip(present, found, strict=True))), rows


def _choice(columns: Sequence[str], found: dict[str, Any]) -> tuple[Any, ...]:
    known = {name: value for name, value in found.items() if not pd.isna(value)}
    return tuple(
        float(known.get(name, 0.0)) if name == "within_min" else str(known.get(name, ""))
        for name in columns
    )


def facts_of(table: pd.DataFrame, columns: Sequence[Column], look: Look) -> list[Fact]:
    """Lines of a popup for the columns that the table has with at least one value.

    Parameters
    ----------
    table : DataFrame
        One row per thing drawn.
    columns : sequence of Column
        What may be told.
    look : Look
        Language.

    Returns
    -------
    list of Fact
    """
    told = []
    for column in columns:
        if column.name not in table.columns or not table[column.name].notna().any():
            continue
        unit = look.word(column.unit) if column.unit else ""
        label = look.word(column.key)
        if unit:
            told.append(Fact(label, list(numbers(table[column.name])), unit, column.digits))
        else:
            values = [look.said(text) for text in texts(table, column.name)]
            told.append(Fact(label, values))
    return told


def numbers(column: pd.Series[Any], *, digits: int = 2) -> list[float | None]:
    """A column as plain numbers, rounded; None where there is none.

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.maps.layers import numbers
    >>> numbers(pd.Series([1.234, None, 7]))
    [1.23, None, 7]
    """
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return [_short(value) if np.isfinite(value) else None for value in values.round(digits)]


def texts(table: pd.DataFrame, column: str) -> list[str]:
    """A column as text, empty where there is nothing or no such column.

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.maps.layers import texts
    >>> texts(pd.DataFrame({"built_year": [1994.0, None]}), "built_year")
    ['1994', '']
    """
    if column not in table.columns:
        return [""] * len(table)
    return ["" if pd.isna(cell) else _text(cell) for cell in table[column].astype("object")]


def _text(cell: object) -> str:
    return str(_short(cell)) if isinstance(cell, float) else str(cell).strip()


def _short(value: float) -> float:
    """A whole number without its decimals, which every page would carry."""
    return int(value) if value == int(value) else float(value)


def _first_text(columns: Sequence[list[str]], count: int) -> list[str]:
    return [next(filter(None, (column[row] for column in columns)), "") for row in range(count)]
