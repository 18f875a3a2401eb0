"""Indicators filled in from plans, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from communityplan.errors import MissingLibraryError, OptionError
from communityplan.indicators.formulas import NotComputedError, compute
from communityplan.indicators.listing import ASPECTS, INDICATORS, check_indicators
from communityplan.tables import record, used
from communityplan.tables.harmless import neutral
from communityplan.wording import word

__all__ = ["fill_indicators", "indicator_states", "indicator_table", "write_indicators"]

STATES = ("reached", "better", "unchanged", "worse", "short", "changed", "missing")
"""What can become of an indicator."""
Tables = Mapping[str, pd.DataFrame]
_PERCENT = ("%", "百分比", "percent")


def fill_indicators(
    indicators: pd.DataFrame,
    before: Tables,
    after: Tables | None = None,
    *,
    limits: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """The figures that plans hold already, put into the columns ``before`` and ``after``.

    Parameters
    ----------
    indicators : DataFrame
        As from `check_indicators`; rows with ``computed`` are filled in.
    before, after : mapping of str to DataFrame
        Tables of the plan before and after: ``ledger`` (`coverage`), ``effects``
        (`scenario.compare`, in place of a ledger), ``checkup``, ``consent`` (`consent_status`),
        ``funding`` (`who_pays` or `sources_and_uses`), ``menu`` (`choose_menu`), and any other
        for ``cell: table=NAME; column=COLUMN``.
    limits : mapping of str to float, optional
        Limit of each service [min], for formulas that name none.

    Returns
    -------
    DataFrame
        The indicators. Shares are given in per cent where the unit is ``%``. The record has, as
        sentences, ``not_computed`` (these stay as they were typed) and ``replaced`` (typed figures
        that differ from the computed ones).

    Raises
    ------
    DataError
        As from `check_indicators`.

    Examples
    --------
    >>> import pandas as pd
    >>> ledger = pd.DataFrame({"community_id": ["a", "b"], "service": "canteen",
    ...     "group": "elderly", "within_min": 10.0, "people": [60, 40], "covered": [30, 0]})
    >>> wanted = pd.DataFrame([{"indicator_id": "1", "aspect": "effect", "name": "食堂覆盖率",
    ...     "unit": "%", "computed": "coverage_share: service=canteen"}])
    >>> fill_indicators(wanted, {"ledger": ledger})["before"].tolist()
    [30.0]
    """
    table = check_indicators(indicators)
    told: dict[str, list[str]] = {"not_computed": [], "replaced": []}
    for column, tables in (("before", before), ("after", after)):
        if tables is not None:
            plan = _Plan(column, _with_ledger(tables, column), limits or {})
            table[column] = _filled(table, plan, told)
    return record(table, **{**used(indicators), **told})


@dataclass(frozen=True)
class _Plan:
    """The tables that one column is filled in from."""

    column: str
    tables: Tables
    limits: Mapping[str, float]


def _with_ledger(tables: Tables, column: str) -> Tables:
    """The tables with a ledger made of the effects, where these are given."""
    if "effects" not in tables:
        return tables
    effects = tables["effects"]
    people, covered = effects["people"], effects[f"covered_{column}"]
    reachable = effects[f"reachable_{column}"]
    key = effects[["community_id", "service", "group", "within_min"]]
    ledger = key.assign(
        people=people,
        covered=covered,
        beyond=reachable - covered,
        unreachable=people - reachable,
    )
    return {**tables, "ledger": ledger}


def _filled(table: pd.DataFrame, plan: _Plan, told: dict[str, list[str]]) -> list[float]:
    figures, column = [], plan.column
    for row in table.to_dict("records"):
        typed = float(row[column])
        figures.append(typed)
        if not row["computed"]:
            continue
        try:
            value, is_share = compute(row["computed"], plan.tables, plan.limits)
        except NotComputedError as why:
            told["not_computed"].append(f"{row['indicator_id']}, {column}: {why}")
            continue
        figures[-1] = 100.0 * value if is_share and row["unit"] in _PERCENT else value
        if not np.isnan(typed) and not _same(typed, figures[-1]):
            said = f"{row['indicator_id']}, {column}: {typed:g} was typed, {figures[-1]:g} computed"
            told["replaced"].append(said)
    return figures


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-9 * max(1.0, abs(one), abs(other))


def indicator_states(indicators: pd.DataFrame) -> pd.DataFrame:
    """Whether each indicator has reached its target, and how far it has come.

    Parameters
    ----------
    indicators : DataFrame
        As from `check_indicators` or `fill_indicators`.

    Returns
    -------
    DataFrame
        The indicators with ``change`` (after less before), ``progress`` (part of the way from
        before to the target, missing without either or where they are equal), ``state`` and its
        sentence in ``zh`` and ``en``. A state is ``missing`` without a figure after; ``reached``
        where the target is; else ``better``, ``unchanged`` or ``worse`` than before, by ``better``
        or by the side on which the target lies; ``short`` of the target without a figure before;
        ``changed`` where no direction is known.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [("1", 10.0, 40.0, 40.0), ("2", 10.0, 40.0, 25.0), ("3", 10.0, None, None)]
    >>> wanted = pd.DataFrame(rows, columns=["indicator_id", "before", "target", "after"])
    >>> states = indicator_states(wanted.assign(aspect="effect", name="x"))
    >>> states["state"].tolist(), states["progress"].tolist()
    (['reached', 'better', 'missing'], [1.0, 0.5, nan])
    """
    table = check_indicators(indicators)
    way = table["target"] - table["before"]
    change = table["after"] - table["before"]
    rows = table.assign(change=change).to_dict("records")
    states = [_state(row) for row in rows]
    said = {
        lang: [_sentence(row, state, lang) for row, state in zip(rows, states, strict=True)]
        for lang in ("zh", "en")
    }
    result = table.assign(
        change=change, progress=(change / way).where(way != 0), state=states, **said
    )
    return record(result, **used(indicators))


def _state(row: Mapping[Any, Any]) -> str:
    before, target, after = row["before"], row["target"], row["after"]
    if np.isnan(after):
        return "missing"
    better = row["better"]
    if not better and target > before:
        better = "higher"
    if not better and target < before:
        better = "lower"
    sign = {"higher": 1.0, "lower": -1.0}.get(better, 0.0)
    if not np.isnan(target) and (_same(after, target) or sign * (after - target) > 0):
        return "reached"
    if np.isnan(before):
        return "missing" if np.isnan(target) else "short"
    if _same(after, before):
        return "unchanged"
    if not sign:
        return "changed"
    return "better" if sign * (after - before) > 0 else "worse"


def _sentence(row: Mapping[Any, Any], state: str, lang: str) -> str:
    name = row["name_en"] or row["name"] if lang == "en" else row["name"]
    unit = _unit(row, lang)
    words = {key: _number(row[key], unit, lang) for key in ("before", "target", "after")}
    said = word("indicators.said", lang, name=name, **words)
    return said + word(f"indicators.{state}", lang)


def _unit(row: Mapping[Any, Any], lang: str) -> str:
    if row["unit"] in _UNITS:
        return word(f"unit.{row['unit']}", lang)
    return str(row["unit_en"] or row["unit"] if lang == "en" else row["unit"])


_UNITS = ("people", "yuan", "minutes", "households", "places")


def _number(value: float, unit: str, lang: str) -> str:
    if np.isnan(value):
        return word("indicators.no_figure", lang)
    number = f"{value:,.1f}".removesuffix(".0")
    return f"{number} {unit}".strip() if lang == "en" else f"{number}{unit}"


def indicator_table(indicators: pd.DataFrame, *, lang: str) -> pd.DataFrame:
    """Indicators as people read them, with headings, aspects and states in one language.

    Parameters
    ----------
    indicators : DataFrame
        As from `check_indicators`, `fill_indicators` or `indicator_states`.
    lang : {"zh", "en"}

    Returns
    -------
    DataFrame
        One row per indicator.

    Examples
    --------
    >>> from communityplan.indicators import indicator_template
    >>> indicator_table(indicator_template(), lang="zh").columns.tolist()[:4]
    ['方面', '指标名称', '单位', '改造前']
    """
    states = indicator_states(indicators)
    called = {key: names[lang] for key, names in ASPECTS.items()}
    name = states["name"]
    if lang == "en":
        name = states["name_en"].where(states["name_en"] != "", name)
    columns = {
        "aspect": states["aspect"].map(lambda key: called.get(key, key)),
        "name": name,
        "unit": [_unit(row, lang) for row in states.to_dict("records")],
        **{key: states[key] for key in ("before", "target", "after", "change")},
        "progress": states["progress"],
        "state": [word(f"indicators.state_{state}", lang) for state in states["state"]],
        "source": states["source"],
        "verified": [
            word(f"indicators.{'yes' if one else 'no'}", lang) for one in states["verified"]
        ],
    }
    table = pd.DataFrame(columns).reset_index(drop=True)
    return record(
        table.rename(columns={key: _heading(key, lang) for key in columns}), **used(states)
    )


def _heading(key: str, lang: str) -> str:
    if lang == "zh" and key in INDICATORS.columns:
        return INDICATORS.columns[key].zh
    return word(f"indicators.column_{key}", lang)


def write_indicators(indicators: pd.DataFrame, path: str | Path, *, lang: str) -> Path:
    """Write `indicator_table` to a file.

    Parameters
    ----------
    indicators : DataFrame
    path : str or Path
        Ends in ``.csv`` (UTF-8 with a mark that spreadsheets understand) or ``.xlsx``; text that
        would run as a formula gets an apostrophe before it.
    lang : {"zh", "en"}

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OptionError
        For another ending.
    MissingLibraryError
        For XLSX without openpyxl.
    """
    table, file = neutral(indicator_table(indicators, lang=lang)), Path(path)
    if file.suffix.lower() == ".csv":
        table.to_csv(file, index=False, encoding="utf-8-sig")
    elif file.suffix.lower() == ".xlsx":
        try:
            table.to_excel(file, index=False, engine="openpyxl")
        except ImportError as error:
            message = "writing .xlsx needs openpyxl: pip install 'communityplan[excel]'"
            raise MissingLibraryError(message) from error
    else:
        raise OptionError(f"{file.name} ends in {file.suffix!r}; give .csv or .xlsx")
    return file
