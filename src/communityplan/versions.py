"""Two versions of a plan compared: what was added, removed and changed, by whom (三上三下)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.errors import OptionError
from communityplan.indicators import INDICATORS
from communityplan.menu import MENU
from communityplan.tables import TABLES, record
from communityplan.wording import section, word

__all__ = ["KEYS", "compare_versions", "join_rounds", "version_summary"]

KEYS: dict[str, tuple[str, ...]] = {
    **{name: (table.key,) for name, table in TABLES.items() if table.key},
    "access": ("home_id", "service"),
    "areas": ("service", "within_min"),
    "checkup": ("community_id", "clause_id"),
    "chosen": ("building_id", "service"),
    "consent": ("gate", "scope", "building_id"),
    "effects": ("community_id", "service", "group", "within_min"),
    "funding": ("payer",),
    "indicators": ("indicator_id",),
    "ledger": ("community_id", "service", "group", "within_min"),
    "menu": ("item_id",),
    "opened": ("building_id", "service"),
    "finance": ("building_id", "service"),
    "openings": ("kind", "gate_id", "side_a", "side_b", "path"),
    "owners": ("flat_id",),
    "phases": ("kind", "key"),
    "preferences": ("flat_id", "item_id"),
    "prongs": ("community_id",),
    "ranking": ("building_id",),
    "rules_kept": ("payer",),
    "units": ("unit_id",),
    "uses": ("item",),
    "votes": ("flat_id", "gate"),
}
"""What names a row of each table of a plan, as far as the table has these columns."""

CHANGES = ("added", "removed", "changed")
LANGS = ("zh", "en")
SAID = ("zh", "en", "reason_zh", "reason_en")
"""Sentences, which follow from the figures beside them."""
ROUNDING = 1e-9
"""Relative difference below which two figures are the same."""

Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class _Change:
    table: str
    key: str
    name: str
    column: str
    change: str
    old: Any = None
    new: Any = None


def compare_versions(
    old: Tables,
    new: Tables,
    *,
    who: str | Mapping[str, str],
    when: str | dt.date,
    note: str = "",
    keys: Mapping[str, Sequence[str]] | None = None,
    ignore: Collection[str] = (),
) -> pd.DataFrame:
    """What differs between two versions of a plan, with who changed it.

    Parameters
    ----------
    old, new : mapping of str to DataFrame
        The tables of each version, such as ``facilities``, ``menu``, ``chosen``, ``funding``,
        ``votes``, ``indicators``. A table that one version lacks is as one without rows.
    who : str or mapping
        Who asked for the changes; or by ``"table"``, ``"table/key"`` or ``"table/key/column"``,
        the nearest counts, ``""`` for all others.
    when : str or date
    note : str
        What the round was about.
    keys : mapping of str to sequence of str, optional
        Columns that name a row, for tables that `KEYS` does not have.
    ignore : collection of str
        Columns that are left aside; sentences always are.

    Returns
    -------
    DataFrame
        One row per change: ``table``, ``key`` (joined by `` / ``), ``name`` (of the row, where the
        table has one), ``column`` (empty for a row that was added or removed), ``change`` (added,
        removed, changed), ``old``, ``new``, ``difference`` (new less old, of numbers), ``who``,
        ``when``, ``note``, and the sentence in ``zh`` and ``en``. Geometry is compared as it is
        and told as text. Rows with the same key are matched in their order. The record counts
        changes for which nobody is named.

    Raises
    ------
    OptionError
        For a table whose key is not known, a date that cannot be read.

    Examples
    --------
    >>> import pandas as pd
    >>> first = {"menu": pd.DataFrame({"item_id": ["lift", "lamp"], "quantity": [3, 8]})}
    >>> second = {"menu": pd.DataFrame({"item_id": ["lift", "tree"], "quantity": [4, 20]})}
    >>> changes = compare_versions(first, second, who={"menu/lift": "3号楼居民"}, when="2026-05-01")
    >>> changes[["key", "change", "who"]].values.tolist()
    [['lamp', 'removed', ''], ['lift', 'changed', '3号楼居民'], ['tree', 'added', '']]
    """
    day = _day(when)
    found: list[_Change] = []
    for table in dict.fromkeys([*old, *new]):
        one, other = old.get(table), new.get(table)
        columns = [str(name) for frame in (one, other) if frame is not None for name in frame]
        key = _key(table, columns, keys or {})
        left = {*ignore, *SAID, *key}
        found += _compared(table, _indexed(one, key), _indexed(other, key), left)
    rows = [_row(change, who, day, note) for change in found]
    names = ["table", "key", "name", "column", "change", "old", "new", "difference"]
    changes = pd.DataFrame(rows, columns=[*names, "who", "when", "note", *LANGS])
    nobody = int((changes["who"] == "").sum())
    return record(changes, when=day, note=note, changes_of_nobody=nobody, ignored=sorted(ignore))


def join_rounds(*rounds: pd.DataFrame) -> pd.DataFrame:
    """Several rounds of consultation as one table, in the order of their dates.

    Parameters
    ----------
    *rounds : DataFrame
        Each as from `compare_versions`.

    Returns
    -------
    DataFrame
        With ``round`` in front, counted from 1. Rounds of one day stay in the order given.

    Examples
    --------
    >>> import pandas as pd
    >>> a, b, c = ({"menu": pd.DataFrame({"item_id": ["x"], "quantity": [n]})} for n in (1, 2, 3))
    >>> later = compare_versions(b, c, who="居委会", when="2026-06-01")
    >>> first = compare_versions(a, b, who="居民", when="2026-05-01")
    >>> join_rounds(later, first)[["round", "new", "who"]].values.tolist()
    [[1, 2, '居民'], [2, 3, '居委会']]
    """
    if not rounds:
        raise OptionError("join_rounds: give at least one table of changes")
    days = [str(one.attrs.get("communityplan", {}).get("when", "")) for one in rounds]
    order = sorted(range(len(rounds)), key=lambda at: days[at])
    parts = []
    for number, at in enumerate(order, start=1):
        part = rounds[at].copy()
        part.insert(0, "round", number)
        parts.append(part)
    filled = [part for part in parts if len(part)]
    table = pd.concat(filled, ignore_index=True) if filled else parts[0]
    return record(table, when=[days[at] for at in order], rounds=len(rounds))


def version_summary(changes: pd.DataFrame) -> pd.DataFrame:
    """How much of each table changed, and by whom.

    Parameters
    ----------
    changes : DataFrame
        As from `compare_versions` or `join_rounds`.

    Returns
    -------
    DataFrame
        One row per table (and round): ``added``, ``removed`` [rows], ``changed`` [cells], ``who``
        (all who are named, joined by ``;``), and the sentence in ``zh`` and ``en``.

    Examples
    --------
    >>> import pandas as pd
    >>> first = {"menu": pd.DataFrame({"item_id": ["lift"], "quantity": [3]})}
    >>> second = {"menu": pd.DataFrame({"item_id": ["lift"], "quantity": [4]})}
    >>> changes = compare_versions(first, second, who="residents", when="2026-05-01")
    >>> version_summary(changes)["en"].tolist()
    ['Menu: 0 added, 0 removed, 1 figures changed (residents)']
    """
    by = [name for name in ("round", "table") if name in changes]
    rows = []
    for key, own in changes.groupby(by, sort=False):
        counts = {change: int((own["change"] == change).sum()) for change in CHANGES}
        who = ";".join(dict.fromkeys(name for name in own["who"] if name))
        said = {
            lang: word(
                "versions.summary",
                lang,
                table=_table_word(str(key[-1]), lang),
                who=who or word("versions.nobody", lang),
                **counts,
            )
            for lang in LANGS
        }
        rows.append({**dict(zip(by, key, strict=True)), **counts, "who": who, **said})
    return record(pd.DataFrame(rows, columns=[*by, *CHANGES, "who", *LANGS]))


def _day(when: str | dt.date) -> str:
    try:
        return str(pd.Timestamp(when).isoformat()).removesuffix("T00:00:00")
    except (ValueError, TypeError) as error:
        raise OptionError(f"when is {when!r}; give a date, such as 2026-05-31") from error


def _key(table: str, columns: Collection[str], keys: Mapping[str, Sequence[str]]) -> list[str]:
    chosen = keys.get(table, KEYS.get(table, ()))
    found = [name for name in chosen if name in columns]
    lost = [name for name in keys.get(table, ()) if name not in columns]
    if lost or not found:
        raise OptionError(
            f"table {table!r}: name the columns that tell its rows apart in keys; "
            f"its columns are {', '.join(map(str, columns)) or 'none'}"
        )
    return found


def _indexed(frame: pd.DataFrame | None, key: Sequence[str]) -> pd.DataFrame:
    """Rows under their key and, of rows with the same key, their number."""
    if frame is None or frame.empty:
        return pd.DataFrame(index=pd.MultiIndex.from_arrays([[], []]))
    plain = pd.DataFrame(frame)
    cells = [plain[name] if name in plain else pd.Series("", plain.index) for name in key]
    names = [
        " / ".join(_text(cell) for cell in row)
        for row in zip(*(column.tolist() for column in cells), strict=True)
    ]
    again = pd.Series(names).groupby(names, sort=False).cumcount()
    return plain.set_axis(pd.MultiIndex.from_arrays([names, again]), axis=0)


def _compared(
    table: str, old: pd.DataFrame, new: pd.DataFrame, left: Collection[str]
) -> Iterator[_Change]:
    for at in old.index.difference(new.index, sort=False):
        yield _Change(table, _shown(at), _name(old, at), "", "removed")
    kept = old.index.intersection(new.index, sort=False)
    before, after = old.loc[kept], new.loc[kept]
    columns = dict.fromkeys([*old.columns, *new.columns])
    marks = {
        str(column): _differs(before.get(column), after.get(column), len(kept))
        for column in columns
        if column not in left
    }
    if marks and len(kept):
        table_of = np.column_stack(list(marks.values()))
        names = list(marks)
        for row, cell in zip(*np.nonzero(table_of), strict=True):
            column, at = names[cell], kept[row]
            yield _Change(
                table, _shown(at), _name(new, at), column, "changed",
                _cell(before, column, row), _cell(after, column, row),
            )  # fmt: skip
    for at in new.index.difference(old.index, sort=False):
        yield _Change(table, _shown(at), _name(new, at), "", "added")


def _shown(at: tuple[str, int]) -> str:
    return at[0] if not at[1] else f"{at[0]} ({at[1] + 1})"


def _name(frame: pd.DataFrame, at: tuple[str, int]) -> str:
    for column in ("name", "name_zh", "community"):
        if column in frame.columns:
            cell = frame[column].loc[at]
            return "" if _is_missing(cell) else str(cell)
    return ""


def _differs(
    old: pd.Series[Any] | None, new: pd.Series[Any] | None, count: int
) -> NDArray[np.bool_]:
    if old is None or new is None:
        there = new if old is None else old
        return np.zeros(count, bool) if there is None else there.notna().to_numpy()
    if all(pd.api.types.is_numeric_dtype(one) for one in (old, new)):
        a, b = (one.to_numpy(dtype=float, na_value=np.nan) for one in (old, new))
        same = np.isclose(a, b, rtol=ROUNDING, atol=ROUNDING, equal_nan=True)
        return np.asarray(~same)
    pairs = zip(old.tolist(), new.tolist(), strict=True)
    return np.array([not _same(a, b) for a, b in pairs], dtype=bool)


def _same(one: Any, other: Any) -> bool:
    if _is_missing(one) or _is_missing(other):
        return _is_missing(one) and _is_missing(other)
    if isinstance(one, shapely.Geometry) and isinstance(other, shapely.Geometry):
        return bool(shapely.equals_exact(one, other, tolerance=1e-6))
    return bool(_text(one) == _text(other))


def _is_missing(cell: Any) -> bool:
    return cell is None or (pd.api.types.is_scalar(cell) and bool(pd.isna(cell))) or cell == ""


def _text(cell: Any) -> str:
    """A cell as it is shown: whole numbers without a point, geometry as rounded text."""
    if isinstance(cell, shapely.Geometry):
        return shapely.to_wkt(cell, rounding_precision=1, trim=True)
    if isinstance(cell, float | np.floating):
        return f"{cell:.10g}"
    return "" if _is_missing(cell) else str(cell)


def _cell(frame: pd.DataFrame, column: str, row: int) -> Any:
    if column not in frame.columns:
        return None
    cell = frame[column].iloc[row]
    if isinstance(cell, shapely.Geometry):
        return _text(cell)
    if isinstance(cell, Fraction):
        return float(cell)
    return None if _is_missing(cell) else cell


def _row(change: _Change, who: str | Mapping[str, str], when: str, note: str) -> dict[str, object]:
    by = _who(change, who)
    difference = float("nan")
    if all(_is_number(cell) for cell in (change.old, change.new)):
        difference = float(change.new) - float(change.old)
    words = {
        "what": change.name or change.key,
        "old": _text(change.old),
        "new": _text(change.new),
        "who": by,
    }
    said = {}
    for lang in LANGS:
        said[lang] = word(
            f"versions.{change.change}",
            lang,
            table=_table_word(change.table, lang),
            **{**words, "who": by or word("versions.nobody", lang)},
            column=_column_word(change, lang),
        )
    return {**vars(change), "difference": difference, "who": by, "when": when, "note": note, **said}


def _who(change: _Change, who: str | Mapping[str, str]) -> str:
    if isinstance(who, str):
        return who
    places = (
        f"{change.table}/{change.key}/{change.column}",
        f"{change.table}/{change.key}",
        change.table,
        "",
    )
    return next((str(who[place]) for place in places if place in who), "")


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float | np.number) and not isinstance(cell, bool)


def _table_word(table: str, lang: str) -> str:
    said = section("versions", lang).get(f"versions.table_{table}", "")
    if said or lang == "en":
        return said or table
    return TABLES[table].zh if table in TABLES else table


def _column_word(change: _Change, lang: str) -> str:
    contracts = [*TABLES.values(), MENU, INDICATORS]
    for contract in contracts:
        if contract.name == change.table and change.column in contract.columns and lang == "zh":
            return contract.columns[change.column].zh
    return change.column
