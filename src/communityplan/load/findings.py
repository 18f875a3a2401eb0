"""What is wrong with a table, said in the rows and headings that the user sees."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from communityplan.errors import Problem
from communityplan.load.headings import Mapped
from communityplan.load.raw import RawTable
from communityplan.tables import Table, find_problems

__all__ = ["contract_problems", "shown"]


def shown(column: str, mapped: Mapped) -> str:
    """A column of the contract under the heading that the user knows.

    Parameters
    ----------
    column : str
        Column of the contract.
    mapped : Mapped
        Which heading became which column.

    Returns
    -------
    str
    """
    heading = next((h for h, name in mapped.columns.items() if name == column), column)
    return column if heading == column else f"{heading} ({column})"


_ROW = re.compile(r", row (\d+)$")


def contract_problems(
    raw: RawTable,
    table: pd.DataFrame,
    contract: Table,
    *,
    mapped: Mapped,
    refused: Mapping[tuple[int, str], Problem],
    earlier: Sequence[Problem],
) -> list[Problem]:
    """What the contract finds, without what is known already.

    Parameters
    ----------
    raw : RawTable
        The table as found.
    table : GeoDataFrame or DataFrame
        The table as it was made.
    contract : Table
        What it has to keep.
    mapped : Mapped
        Which heading became which column.
    refused : mapping of (int, str) to Problem
        Cells that could not be used, by position and column.
    earlier : sequence of Problem
        What is wrong with the whole table.

    Returns
    -------
    list of Problem
        In the order of the rows, those of the whole table first.
    """
    found: list[tuple[int, Problem]] = [(row, problem) for (row, _), problem in refused.items()]
    no_place = any("where the rows lie" in problem.found for problem in earlier)
    for problem in find_problems(table, contract, where=raw.where):
        match = _ROW.search(problem.where)
        if match is None:
            if not (_is_about_geometry(problem) and earlier):
                found.append((-1, _with_hint(problem, contract, mapped)))
            continue
        row = int(match.group(1)) - 1
        column = "geometry" if _is_about_geometry(problem) else problem.found.split(" ", 1)[0]
        if (row, column) in refused or (column == "geometry" and (no_place or _is_lost(earlier))):
            continue
        found.append((row, _in_users_words(problem, column, raw, mapped)))
    return [problem for _, problem in sorted(found, key=lambda item: item[0])]


def _is_about_geometry(problem: Problem) -> bool:
    return problem.found.startswith(
        ("geometry ", "no geometry", "a coordinate ", "no coordinate system", "coordinates are in")
    )


def _is_lost(earlier: Sequence[Problem]) -> bool:
    """Whether the whole table could not be placed, so that every row lacks its geometry."""
    words = ("look swapped", "said to be in", "cannot be projected")
    return any(word in problem.found for problem in earlier for word in words)


def _in_users_words(problem: Problem, column: str, raw: RawTable, mapped: Mapped) -> Problem:
    def users(match: re.Match[str]) -> str:
        return f"row {raw.rows[int(match.group(1)) - 1]}"

    where = re.sub(r"row (\d+)$", users, problem.where)
    found = re.sub(r"(?<=already in )row (\d+)$", users, problem.found)
    users_name = shown(column, mapped)
    if found.startswith(column) and column != "geometry":
        found = users_name + found.removeprefix(column)
    is_crossed = found.startswith("geometry is not valid")
    todo = "Mend it in a GIS, or give mend=True" if is_crossed else problem.todo
    return replace(problem, where=where, found=found, todo=todo)


def _with_hint(problem: Problem, contract: Table, mapped: Mapped) -> Problem:
    """A missing column with the heading that resembles it."""
    match = re.match(r"no column '(\w+)'", problem.found)
    if match is None:
        return problem
    column = match.group(1)
    near = [heading for heading, like in mapped.unmapped.items() if like == column]
    if near:
        todo = f"Is it {near[0]!r}? Then give columns={{{near[0]!r}: {column!r}}}"
        return replace(problem, todo=todo)
    zh = contract.columns[column].zh
    headings = ", ".join([*mapped.columns, *mapped.unmapped]) or "none"
    todo = f"Add it ({zh}), or map a heading to it with columns=; the headings are: {headings}"
    if column == contract.key:
        todo += ". Or number the rows with make_keys=True"
    return replace(problem, todo=todo)
