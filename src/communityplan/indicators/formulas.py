"""Figures that a plan holds already: what they are called, and how they are taken from it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from communityplan.errors import Problem

__all__ = ["MEASURES", "NotComputedError", "compute", "formula_problems", "parsed"]

Tables = Mapping[str, pd.DataFrame]
Filters = dict[str, str]


class NotComputedError(ValueError):
    """Why a figure cannot be taken from a plan."""


@dataclass(frozen=True)
class _Measure:
    """One figure: its table, what it may be filtered by, what makes it one figure."""

    table: str
    filters: tuple[str, ...]
    take: Callable[[pd.DataFrame, Filters], float]
    needed: tuple[str, ...] = ()
    is_share: bool = False


def _ledger(column: str) -> Callable[[pd.DataFrame, Filters], float]:
    def take(rows: pd.DataFrame, _: Filters) -> float:
        for name in ("service", "group", "within_min"):
            several = sorted(rows[name].astype(str).unique())
            if len(several) > 1:
                raise NotComputedError(f"{name} can be {', '.join(several)}; name one")
        return float(rows[column].sum())

    return take


def _covered_share(rows: pd.DataFrame, filters: Filters) -> float:
    people = _ledger("people")(rows, filters)
    if not people:
        raise NotComputedError("there is nobody to be served")
    return _ledger("covered")(rows, filters) / people


def _count(rows: pd.DataFrame, _: Filters) -> float:
    return float(len(rows))


def _gate(column: str) -> Callable[[pd.DataFrame, Filters], float]:
    def take(rows: pd.DataFrame, filters: Filters) -> float:
        own = rows[rows["scope"] == "all"]
        if len(own) != 1:
            raise NotComputedError(f"{len(own)} gates; name one")
        value = own[f"{column}_{filters.get('by', 'number')}"].iloc[0]
        if value is None or pd.isna(value):
            raise NotComputedError("nobody has voted")
        return float(value)

    return take


def _payer(column: str) -> Callable[[pd.DataFrame, Filters], float]:
    def take(rows: pd.DataFrame, filters: Filters) -> float:
        if rows.empty and filters.get("payer") == "unpaid":
            # the row is there only where something is unpaid
            return 0.0
        return float(rows[column].sum(skipna=False))

    return take


def _done(column: str) -> Callable[[pd.DataFrame, Filters], float]:
    def take(rows: pd.DataFrame, _: Filters) -> float:
        done = rows[rows["chosen"].astype(bool)]
        return float(done[column].sum()) if column else float(len(done))

    return take


def _cell(rows: pd.DataFrame, filters: Filters) -> float:
    if len(rows) != 1:
        raise NotComputedError(f"{len(rows)} rows; name one")
    if filters["column"] not in rows.columns:
        raise NotComputedError(f"there is no column {filters['column']}")
    return float(rows[filters["column"]].iloc[0])


_PEOPLE = ("community_id", "service", "group", "within_min")
_CLAUSES = ("community_id", "service", "clause_id", "standard", "compulsory", "in_scope")
_ITEMS = ("class", "nature", "group", "community_id")
MEASURES = {
    "coverage_share": _Measure("ledger", _PEOPLE, _covered_share, is_share=True),
    **{
        name: _Measure("ledger", _PEOPLE, _ledger(name))
        for name in ("people", "covered", "beyond", "unreachable")
    },
    "clauses": _Measure("checkup", (*_CLAUSES, "status"), _count),
    "clauses_share": _Measure("checkup", (*_CLAUSES, "status"), _count, ("status",), is_share=True),
    "consent_share": _Measure("consent", ("gate", "by"), _gate("share"), ("gate",), is_share=True),
    "response_rate": _Measure(
        "consent", ("gate", "by"), _gate("response"), ("gate",), is_share=True
    ),
    "funding_share": _Measure("funding", ("payer",), _payer("share"), ("payer",), is_share=True),
    "funding_yuan": _Measure("funding", ("payer",), _payer("amount_yuan")),
    "menu_items": _Measure("menu", _ITEMS, _done("")),
    "menu_yuan": _Measure("menu", _ITEMS, _done("cost_yuan")),
    "cell": _Measure("", (), _cell, ("table", "column")),
}
"""Figures by name, as they are written in ``computed``."""

_NOT_COLUMNS = ("by", "table", "column")


def parsed(formula: str) -> tuple[str, Filters]:
    """The measure and the filters of a formula.

    Raises
    ------
    ValueError
        Says what cannot be read.

    Examples
    --------
    >>> parsed("coverage_share: service=elder_care; within_min=10")
    ('coverage_share', {'service': 'elder_care', 'within_min': '10'})
    """
    name, _, rest = unicodedata.normalize("NFKC", formula).partition(":")
    filters = {}
    for part in re.split(";", rest):
        key, sign, value = part.partition("=")
        if part.strip():
            if not sign or not key.strip() or not value.strip():
                raise ValueError(f"{part.strip()!r} is not name=value")
            filters[key.strip()] = value.strip()
    return name.strip(), filters


def formula_problems(formula: str, place: str) -> list[Problem]:
    """What is wrong with a formula, as far as it can be told without a plan."""
    if not formula:
        return []
    example = "Write it as coverage_share: service=elder_care; within_min=10"
    try:
        name, filters = parsed(formula)
    except ValueError as error:
        return [Problem(place, f"computed: {error}", example)]
    if name not in MEASURES:
        found = f"computed names {name!r}"
        return [Problem(place, found, f"Known are {', '.join(MEASURES)}")]
    measure, problems = MEASURES[name], []
    lacking = [key for key in measure.needed if key not in filters]
    if lacking:
        found = f"computed: {name} needs {', '.join(lacking)}"
        problems.append(Problem(place, found, f"Add {lacking[0]}=..."))
    strangers = [key for key in filters if measure.filters and key not in measure.filters]
    if strangers:
        found = f"computed: {name} has no {', '.join(strangers)}"
        problems.append(Problem(place, found, f"It has {', '.join(measure.filters)}"))
    if filters.get("by", "number") not in ("number", "area"):
        problems.append(Problem(place, f"computed: by is {filters['by']!r}", "Give number or area"))
    return problems


def compute(
    formula: str, tables: Tables, limits: Mapping[str, float] | None = None
) -> tuple[float, bool]:
    """The figure of a formula, and whether it is a share of 1.

    `limits` has the limit [min] of a service where the formula names none.

    Raises
    ------
    NotComputedError
        Says why there is none.
    """
    name, filters = parsed(formula)
    measure = MEASURES[name]
    limit = (limits or {}).get(filters.get("service", ""))
    if measure.table == "ledger" and limit is not None:
        filters.setdefault("within_min", f"{limit}")
    table = measure.table or filters["table"]
    if table not in tables:
        raise NotComputedError(f"the plan has no {table}")
    rows = tables[table]
    kept = {key: value for key, value in filters.items() if key not in _NOT_COLUMNS}
    others = {key: value for key, value in kept.items() if key != "status"}
    base = _filtered(rows, others)
    if name == "clauses_share":
        if base.empty:
            raise NotComputedError("there are no such clauses")
        return len(_filtered(base, kept)) / len(base), True
    chosen = _filtered(base, kept)
    if measure.table == "ledger" and chosen.empty:
        raise NotComputedError("there are no such rows in the ledger")
    value = measure.take(chosen, filters)
    if pd.isna(value):
        raise NotComputedError("an amount is missing")
    return value, measure.is_share


def _filtered(rows: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    for key, value in filters.items():
        if key not in rows.columns:
            raise NotComputedError(f"there is no column {key}")
        cells = rows[key]
        if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
            try:
                rows = rows[cells == float(value)]
            except ValueError:
                raise NotComputedError(f"{key} is a number, {value!r} is none") from None
        else:
            rows = rows[cells.astype(str) == value]
    return rows
