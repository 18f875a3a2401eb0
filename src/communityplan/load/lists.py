"""Plain lists (owners, votes, menus, indicators) from CSV and XLSX, with the rows of their file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
import pandas as pd

from communityplan.errors import DataError, OptionError, Problem, TableError
from communityplan.load.cells import coerce, is_total
from communityplan.load.findings import contract_problems, shown
from communityplan.load.formats import identify
from communityplan.load.headings import Headings, Mapped, plain
from communityplan.load.raw import RawTable
from communityplan.load.texts import read_csv
from communityplan.load.workbook import read_workbook
from communityplan.tables import Table, record, used

__all__ = [
    "ROW",
    "Reading",
    "name_rows",
    "read_list",
    "refuse_rows",
    "share_in",
    "texts_in",
    "told_share",
]

ROW = "row"
"""Name of the index of a list that holds the rows of its file."""


class Reading(TypedDict, total=False):
    """How a list is read where its file does not say.

    Attributes
    ----------
    columns : mapping of str to (str or None)
        Column by heading, for headings that are not known; None leaves a heading aside.
    encoding : str or None
        Encoding of the text.
    sheet : str or None
        Sheet of the workbook.
    """

    columns: Mapping[str, str | None] | None
    encoding: str | None
    sheet: str | None


def read_list(
    path: str | Path,
    contract: Table,
    *,
    headings: Mapping[str, Sequence[str]],
    **how: Unpack[Reading],
) -> pd.DataFrame:
    r"""A list without geometry, from a CSV file or a workbook.

    Parameters
    ----------
    path : str or Path
    contract : Table
        What the list has to hold.
    headings : mapping of str to sequence of str
        Further headings of each column, besides its own name and its Chinese one.
    **how : Reading
        ``columns``, ``encoding``, ``sheet``.

    Returns
    -------
    DataFrame
        The columns of the contract first, the others carried along. The index, named ``row``, has
        the rows as the spreadsheet counts them, so that what is found later is told with them.

    Raises
    ------
    TableError, DataError
        Everything that is wrong, with its row.
    OptionError
        For a column that the contract does not have.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from communityplan.tables import Column, Table
    >>> contract = Table("fees", "费用", (), {"item_id": Column("the item", "项目编号")})
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "fees.csv"
    >>> _ = path.write_bytes("项目\n7\n".encode("gbk"))
    >>> read_list(path, contract, headings={"item_id": ["项目"]}).reset_index().values.tolist()
    [[2, '7']]
    """
    source = identify(path)
    known = _known(contract, headings, how.get("columns"))
    if source.format == "csv":
        raw = read_csv(source, known, encoding=how.get("encoding"))
    elif source.format == "xlsx":
        raw = read_workbook(source, known, sheet=how.get("sheet"))
    else:
        todo = "Save it as CSV or XLSX"
        raise DataError([Problem(source.where, f"a list cannot be {source.format}", todo)])
    raw.frame.columns = pd.Index([_plain_heading(str(name), known) for name in raw.frame])
    mapped = known.map(map(str, raw.frame), raw.where)
    table, refused = _coerced(raw, contract, mapped)
    problems = [*raw.problems, *mapped.problems, *_totals(raw)]
    problems += contract_problems(
        raw, table, contract, mapped=mapped, refused=refused, earlier=problems
    )
    if problems:
        raise TableError(problems)
    table.index = pd.Index(raw.rows, name=ROW)
    return record(table, file=str(path), where=raw.where, headings=mapped.columns, **raw.facts)


def name_rows(table: pd.DataFrame, name: str) -> list[str]:
    """Where each row of a list stands, for messages: the rows of its file, or counted from 1.

    Examples
    --------
    >>> import pandas as pd
    >>> name_rows(pd.DataFrame({"a": [1, 2]}), "votes")
    ['votes, row 1', 'votes, row 2']
    """
    if table.index.name == ROW:
        where = str(used(table).get("where", name))
        return [f"{where}, row {row}" for row in table.index]
    return [f"{name}, row {row + 1}" for row in range(len(table))]


def texts_in(table: pd.DataFrame, name: str) -> list[str]:
    """The cells of a column as text, empty where there is none.

    Examples
    --------
    >>> import pandas as pd
    >>> texts_in(pd.DataFrame({"unit": [" m ", None]}), "unit")
    ['m', '']
    """
    if name not in table.columns:
        return [""] * len(table)
    return ["" if pd.isna(cell) else str(cell).strip() for cell in table[name]]


def refuse_rows(problems: Iterable[Problem], places: Sequence[str]) -> None:
    """Raise one error with everything that is wrong, in the order of the rows.

    Raises
    ------
    DataError
        Where there is anything.
    """
    row = {place: at for at, place in enumerate(places)}
    found = sorted(problems, key=lambda problem: row.get(problem.where, -1))
    if found:
        raise DataError(found)


def share_in(cell: object) -> Fraction | None:
    """A share as it is written: ``60%``, ``0.6`` or ``3/5``; None for an empty cell.

    Raises
    ------
    ValueError
        For anything that is no share from 0 to 1.

    Examples
    --------
    >>> share_in("60%"), share_in("2/3"), share_in("")
    (Fraction(3, 5), Fraction(2, 3), None)
    """
    if cell is None or pd.isna(cell):  # type: ignore[call-overload]  # any cell of a table
        return None
    text = unicodedata.normalize("NFKC", str(cell)).replace(" ", "")
    if not text:
        return None
    if not re.fullmatch(r"\d{1,9}(\.\d{1,17})?(%|/[1-9]\d{0,8})?|\d(\.\d+)?e-\d{1,2}", text):
        raise ValueError(text)
    share = Fraction(text[:-1]) / 100 if text.endswith("%") else _quotient(text)
    if share > 1:
        raise ValueError(text)
    return share


def told_share(cell: object, name: str, place: str, problems: list[Problem]) -> Fraction | None:
    """A share as by `share_in`; one that cannot be read is added to the problems."""
    try:
        return share_in(cell)
    except ValueError:
        todo = "Give 0 % to 100 %, as 60%, 0.6 or 3/5"
        problems.append(Problem(place, f"{name} is {cell!r}", todo))
        return None


def _quotient(text: str) -> Fraction:
    above, _, below = text.partition("/")
    return Fraction(above) / Fraction(below or "1")


def _known(
    contract: Table,
    headings: Mapping[str, Sequence[str]],
    columns: Mapping[str, str | None] | None,
) -> Headings:
    strangers = [
        f"{heading!r}: {column!r}"
        for heading, column in (columns or {}).items()
        if column is not None and column not in contract.columns
    ]
    if strangers:
        raise OptionError(
            f"columns has {', '.join(strangers)}; columns of {contract.name} are "
            f"{', '.join(contract.columns)}"
        )
    synonyms = {plain(other): name for name, others in headings.items() for other in others}
    for name, column in contract.columns.items():
        synonyms[plain(column.zh)] = name
        synonyms[plain(name)] = name
    chosen = {str(heading).strip(): column for heading, column in (columns or {}).items()}
    return Headings(contract, synonyms, chosen)


def _plain_heading(heading: str, known: Headings) -> str:
    """A heading whose unit is one by the piece, or is for a reader only, such as 数量（部）."""
    by_piece = re.sub(r"([（(\[【]\s*[^/／）)\]】]*元)\s*[/／][^）)\]】]*", r"\1", heading)
    column = known.contract.columns.get(known.column_of(heading) or "")
    if column is not None and not column.unit and column.kind in ("number", "amount"):
        return re.sub(r"\s*[（(\[【][^）)\]】]*[）)\]】]", "", heading)
    return by_piece


def _coerced(
    raw: RawTable, contract: Table, mapped: Mapped
) -> tuple[pd.DataFrame, dict[tuple[int, str], Problem]]:
    named = raw.frame.rename(columns=mapped.columns)
    data: dict[str, pd.Series[Any]] = {}
    refused: dict[tuple[int, str], Problem] = {}
    for name, column in contract.columns.items():
        if name not in named:
            continue
        done = coerce(named[name], name, column, factor=mapped.factors.get(name, 1.0))
        data[name] = done.cells
        for row, (found, todo) in done.refused.items():
            text = f"{shown(name, mapped)} is {found}"
            refused[row, name] = Problem(f"{raw.where}, row {raw.rows[row]}", text, todo)
    for name in map(str, named):
        if name not in data:
            data[name] = named[name].infer_objects()
    return pd.DataFrame(data, index=range(len(named))), refused


def _totals(raw: RawTable) -> list[Problem]:
    """Rows that sum up the others, which would count everything twice."""
    sums = raw.frame.iloc[:, :4].map(is_total).any(axis=1).to_numpy()
    return [
        Problem(f"{raw.where}, row {raw.rows[row]}", "this row sums up others (合计)", "Delete it")
        for row in np.flatnonzero(sums)
    ]
