"""Cells as people type them become numbers, flags, times and keys; every change is noted."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from communityplan.load.headings import plain, units_of
from communityplan.tables import Column

__all__ = ["Coerced", "clean", "coerce", "is_total", "rounded_key"]

_EMPTY = {"", "-", "--", "—", "——", "/", "na", "n/a", "nan", "null", "none", "<na>", "#n/a"}
_EMPTY |= {"不详", "未知", "待定", "空", "缺", "缺失"}

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?)(.*)", re.DOTALL)
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(?!\d)")
_PLAIN_NUMBER = r"\s*-?\d{1,15}(\.\d{1,15})?\s*"
_YEAR = re.compile(
    r"(1[89]\d\d|20\d\d)(?:年|[-/.年](0?[1-9]|1[0-2])(?:月|[-/.月]\d{1,2}日?)?)?"
    r"(?:[ t]00:00(:00)?)?"
)
_TIME = re.compile(r"(\d{1,2})[:点时](\d{2})?分?(?::(\d{2}))?")

_YES = {
    "true",
    "1",
    "1.0",
    "yes",
    "y",
    "t",
    "是",
    "有",
    "√",
    "✓",
    "✔",
    "对",
    "已加装",
    "已封闭",
    "封闭",
}
_NO = {
    "false",
    "0",
    "0.0",
    "no",
    "n",
    "f",
    "否",
    "无",
    "×",
    "x",
    "✗",
    "✘",
    "没有",
    "未加装",
    "未封闭",
    "不封闭",
    "开放",
}

_TOTALS = {"合计", "总计", "小计", "共计", "汇总", "总和", "total", "sum", "grandtotal", "subtotal"}

_MAYBE_TOTAL = re.compile("[计总汇tT]")

_EXCEL_ERRORS = {"#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#N/A", "####"}

_WHO = {
    **dict.fromkeys(("所有人", "全部", "公共", "公众", "对外开放", "开放"), "everyone"),
    **dict.fromkeys(("居民", "仅居民", "业主", "本小区居民", "刷卡"), "residents"),
    **dict.fromkeys(("关闭", "封闭", "封堵", "不通行", "常闭"), "closed"),
}


@dataclass(frozen=True)
class Coerced:
    """A column with its cells in the kind it should hold.

    Attributes
    ----------
    cells : Series
        The new cells; one that could not be used stays as it was.
    changed : dict of int to (object, object)
        By position: what was found and what it became.
    refused : dict of int to (str, str)
        By position: what was found and what to do.
    """

    cells: pd.Series[Any]
    changed: dict[int, tuple[Any, Any]]
    refused: dict[int, tuple[str, str]]


class _RefusedError(ValueError):
    """A cell that cannot be used; the message says what to do."""


def coerce(cells: pd.Series[Any], name: str, column: Column, *, factor: float = 1.0) -> Coerced:
    """A column in the kind of its contract.

    Parameters
    ----------
    cells : Series
        Cells as found.
    name : str
        The column of the contract.
    column : Column
        Its kind and unit.
    factor : float
        What numbers are multiplied by, because the heading names a larger unit.

    Returns
    -------
    Coerced

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.load.cells import coerce
    >>> from communityplan.tables import HOMES
    >>> area = HOMES.columns["floor_area_m2"]
    >>> coerce(pd.Series(["1,200平方米", "0.3万㎡"]), "floor_area_m2", area).cells.tolist()
    [1200.0, 3000.0]
    """
    if column.kind in ("number", "amount"):
        return _numbers(cells, name, column, factor)
    make: dict[str, Callable[[Any], Any]] = {"flag": _flag, "time": _time, "text": _text}
    convert = make[column.kind]
    if name.endswith("_id"):
        convert = _key
    if name in ("who", "access"):
        convert = _who
    done = _each(cells, convert)
    if column.kind == "flag":
        return Coerced(_as_bool(done.cells), done.changed, done.refused)
    return done


def clean(cell: Any) -> str:
    """A cell as text in half-width signs, without spaces round it."""
    text = str(cell)
    if text.isascii():
        return text.strip()
    return unicodedata.normalize("NFKC", text).replace("\u2212", "-").strip().strip("\ufeff")


def is_total(cell: Any) -> bool:
    """Whether a cell says that its row sums up others."""
    return isinstance(cell, str) and bool(_MAYBE_TOTAL.search(cell)) and plain(cell) in _TOTALS


def rounded_key(cell: Any) -> bool:
    """Whether a spreadsheet has turned a long number into one with an exponent."""
    text = str(cell).strip()
    return bool(re.fullmatch(r"\d(\.\d+)?[eE]\+\d+", text))


def is_missing(cell: Any) -> bool:
    """Whether a cell is empty: None, nan, or text of spaces."""
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return True
    if isinstance(cell, float | np.floating):
        return math.isnan(cell)
    return isinstance(cell, str) and not cell.strip()


def _each(cells: pd.Series[Any], convert: Callable[[Any], Any]) -> Coerced:
    """Every cell converted; equal cells are converted once."""
    known: dict[Any, tuple[Any, bool]] = {}
    values: list[Any] = []
    changed: dict[int, tuple[Any, Any]] = {}
    refused: dict[int, tuple[str, str]] = {}
    for row, cell in enumerate(cells.tolist()):
        if is_missing(cell):
            values.append(None)
            continue
        # 1, 1.0 and True are equal, but not the same cell
        token = cell if isinstance(cell, str) else (type(cell), str(cell))
        if token not in known:
            known[token] = _attempt(cell, convert)
        result, is_change = known[token]
        if isinstance(result, _RefusedError):
            refused[row] = (f"{cell!r}" if isinstance(cell, str) else str(cell), str(result))
            values.append(cell)
            continue
        values.append(result)
        if is_change:
            changed[row] = (_plain_value(cell), result)
    return Coerced(
        pd.Series(values, index=cells.index, name=cells.name, dtype=object), changed, refused
    )


def _attempt(cell: Any, convert: Callable[[Any], Any]) -> tuple[Any, bool]:
    """What a cell becomes, or why it cannot be used, and whether a note is due."""
    if isinstance(cell, str) and cell.strip() in _EXCEL_ERRORS:
        why = "The spreadsheet could not work out this cell; mend its formula"
        return _RefusedError(why), False
    try:
        result = convert(cell)
    except _RefusedError as refused:
        return refused, False
    return result, _differs(cell, result)


def _differs(cell: Any, result: Any) -> bool:
    """Whether a note is due: not for a number written as text, nor for a flag written as a word."""
    if isinstance(result, bool):
        return clean(cell).casefold() not in _YES | _NO
    if isinstance(cell, bool) or isinstance(result, str) or result is None:
        return str(cell) != str(result) and not (
            isinstance(cell, float) and result == f"{cell:.0f}"
        )
    if isinstance(cell, int | float):
        return bool(cell != result)
    return re.fullmatch(_PLAIN_NUMBER, str(cell), re.ASCII) is None or float(cell) != result


def _plain_value(cell: Any) -> Any:
    return cell if isinstance(cell, str | int | float | bool) else str(cell)


def _numbers(cells: pd.Series[Any], name: str, column: Column, factor: float) -> Coerced:
    is_year = column.unit == "year"
    read = _year if is_year else _number_reader(column.unit)

    def convert(cell: Any) -> float | None:
        value = read(cell)
        return None if value is None else _scaled(value, factor)

    done = _each(cells, convert)
    values = done.cells
    if not done.refused:
        values = pd.Series(
            [math.nan if cell is None else cell for cell in values],
            index=cells.index, name=cells.name, dtype=np.float64,
        )  # fmt: skip
    return Coerced(values, done.changed, done.refused)


def _scaled(value: tuple[float, bool], factor: float) -> float:
    """The number in the unit of the column; a unit in the cell goes before that of the heading."""
    number, has_unit = value
    return number if has_unit or factor == 1.0 else float(f"{number * factor:.15g}")


def _number_reader(unit: str) -> Callable[[Any], tuple[float, bool] | None]:
    sizes: Mapping[str, float] = {plain(name): size for name, size in units_of(unit).items()}

    def read(cell: Any) -> tuple[float, bool] | None:
        if isinstance(cell, bool | np.bool_):
            raise _RefusedError(f"Give a number of {unit or 'any size'}, not yes or no")
        if isinstance(cell, int | float | np.integer | np.floating):
            return _finite(float(cell), unit), False
        if isinstance(cell, dt.date | dt.time | dt.timedelta):
            raise _RefusedError("The spreadsheet took it for a date; format the column as a number")
        return _number_in_text(clean(cell).casefold(), unit, sizes)

    return read


def _number_in_text(text: str, unit: str, sizes: Mapping[str, float]) -> tuple[float, bool] | None:
    if text in _EMPTY:
        return None
    text = text.removeprefix("'").removeprefix("¥")
    grouped = _GROUPED.match(text)
    if grouped:
        text = grouped.group().replace(",", "") + text[grouped.end() :]
    match = _NUMBER.fullmatch(text)
    behind = plain(match.group(2)) if match else ""
    if match is None or (behind and behind not in sizes):
        names = ", ".join(list(units_of(unit))[:4])
        also = f", perhaps with its unit ({names})" if names else ""
        raise _RefusedError(f"Give a plain number of {unit or 'any size'}{also}, or leave it empty")
    number = _finite(float(match.group(1)), unit)
    if not behind:
        return number, False
    return float(f"{number * sizes[behind]:.15g}"), True


def _finite(number: float, unit: str) -> float:
    if not math.isfinite(number):
        raise _RefusedError(f"Give a number of {unit or 'any size'} that is finite")
    return number


def _year(cell: Any) -> tuple[float, bool] | None:
    if isinstance(cell, dt.date):
        return float(cell.year), True
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        text = f"{cell:g}"
    else:
        text = clean(cell).casefold()
    if text in _EMPTY:
        return None
    match = _YEAR.fullmatch(text.removesuffix(".0"))
    if match is None:
        raise _RefusedError("Give one year of four digits, such as 1994")
    return float(match.group(1)), True


def _flag(cell: Any) -> bool | None:
    text = clean(cell).casefold()
    if text in _EMPTY:
        return None
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise _RefusedError("Give yes or no (是 or 否)")


def _as_bool(values: pd.Series[Any]) -> pd.Series[Any]:
    """Plain booleans where every cell is known, else with missing ones."""
    if all(isinstance(cell, bool) for cell in values):
        return values.astype(bool)
    if all(cell is None or isinstance(cell, bool) for cell in values):
        return values.astype("boolean")
    return values


def _time(cell: Any) -> str | None:
    if isinstance(cell, dt.datetime | dt.time):
        return f"{cell:%H:%M}"
    if isinstance(cell, float) and 0.0 <= cell <= 1.0:
        # a spreadsheet keeps times as parts of a day
        return f"{round(cell * 1440) // 60:02d}:{round(cell * 1440) % 60:02d}"
    text = clean(cell)
    if text.casefold() in _EMPTY:
        return None
    match = _TIME.fullmatch(text)
    hour, minute = (int(match.group(1)), int(match.group(2) or 0)) if match else (99, 0)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        raise _RefusedError("Give a time as HH:MM, such as 07:30")
    return f"{hour:02d}:{minute:02d}"


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return f"{cell:.0f}"
    return re.sub(r"\s*[\r\n]+\s*", " ", str(cell).strip())


def _key(cell: Any) -> str:
    if rounded_key(cell):
        raise _RefusedError("The spreadsheet has rounded this key; format the column as text")
    if isinstance(cell, float) and (not cell.is_integer() or abs(cell) >= 2**53):
        raise _RefusedError("Give a key as text")
    return clean(_text(cell))


def _who(cell: Any) -> str:
    text = clean(cell)
    return _WHO.get(text, text)
