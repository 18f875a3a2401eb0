"""Excel workbooks as cells."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Sequence
from typing import Any

from communityplan.errors import DataError, MissingLibraryError, OptionError, Problem
from communityplan.load.formats import SourceFile
from communityplan.load.headings import Headings
from communityplan.load.raw import MOST_BYTES, MOST_ROWS, RawTable, refuse_too_many
from communityplan.load.texts import frame_of_rows

__all__ = ["read_workbook"]

_WIDEST = 16_384


def read_workbook(source: SourceFile, headings: Headings, *, sheet: str | None) -> RawTable:
    """The cells of one sheet of a workbook.

    Parameters
    ----------
    source : SourceFile
        The workbook.
    headings : Headings
        What is known about headings; it also chooses among several sheets.
    sheet : str, optional
        Name of the sheet; without it the only one whose headings are known.

    Raises
    ------
    OptionError
        When there is no such sheet, or several would do.
    DataError
        For a workbook that is broken or hides entities, and formulas without a stored result.
    MissingLibraryError
        Without openpyxl.
    """
    try:
        import openpyxl
    except ImportError as error:
        raise MissingLibraryError(
            "reading .xlsx needs openpyxl: pip install 'communityplan[excel]', or save it as CSV"
        ) from error
    has_formulas = _inspect(source)
    try:
        # openpyxl warns about styles and validations that it leaves out; cells are not among them
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sheets = _cells(openpyxl, source, values=True)
            formulas = _cells(openpyxl, source, values=False) if has_formulas else {}
    except (DataError, MemoryError):
        raise
    except Exception as error:  # a broken workbook raises whatever its broken part leads to
        found = f"a broken workbook ({type(error).__name__}: {error})"
        raise DataError([Problem(source.where, found, "Save it again in Excel or WPS")]) from error
    name = _choose(sheets, headings, sheet, source.where)
    where = f"{source.where}, sheet {name!r}"
    raw = frame_of_rows(sheets[name], where, headings, even=False)
    raw.problems.extend(_no_results(sheets[name], formulas.get(name, []), where))
    raw.facts.update(format="xlsx", sheet=name)
    return raw


def _inspect(source: SourceFile) -> bool:
    """Whether any sheet holds formulas; refuses XML that defines entities."""
    has_formulas = False
    try:
        with zipfile.ZipFile(io.BytesIO(source.data)) as archive:
            for info in archive.infolist():
                if not info.filename.lower().endswith((".xml", ".rels")):
                    continue
                with archive.open(info) as member:
                    xml = member.read(MOST_BYTES + 1)
                refuse_too_many(source.where, len(xml), MOST_BYTES, "bytes unpacked")
                if b"<!DOCTYPE" in xml.replace(b"\x00", b""):
                    found = f"its part {info.filename} defines XML entities"
                    todo = "Do not trust this file; ask for a clean one"
                    raise DataError([Problem(source.where, found, todo)])
                if info.filename.startswith("xl/worksheets/"):
                    has_formulas |= bool(re.search(rb"<(\w+:)?f[ >/]", xml))
                    _check_places(xml, source.where)
    except DataError:
        raise
    except Exception as error:  # zip members can be broken in many ways
        found = f"a broken workbook ({type(error).__name__}: {error})"
        raise DataError([Problem(source.where, found, "Save it again in Excel or WPS")]) from error
    return has_formulas


_ELEMENT = re.compile(rb"<(?:\w+:)?(row|c)(\s[^>]*)?>")
_PLACE = re.compile(rb"\sr=[\"']([A-Za-z]*)(\d+)[\"']")


def _check_places(xml: bytes, where: str) -> None:
    """Refuse a sheet whose cells stand in other rows than they say, or not in order."""
    row, column = 0, (0, "")
    for element, attributes in _ELEMENT.findall(xml):
        place = _PLACE.search(attributes)
        name, number = ("", 0) if place is None else (place[1].decode().upper(), int(place[2][:9]))
        if element == b"row":
            sound = place is None or (number > row and not name)
            row, column = number or row + 1, (0, "")
        elif place is not None:
            # columns grow in length before they grow in the alphabet: Z comes before AA
            sound = number == row and column < (len(name), name) <= (3, "XFD")
            column = (len(name), name)
        if place is not None and not sound:
            found = f"the cell {name}{number} stands in row {row}, out of place"
            raise DataError([Problem(where, found, "Save it again in Excel or WPS")])


def _cells(openpyxl: Any, source: SourceFile, *, values: bool) -> dict[str, list[Sequence[Any]]]:
    """Rows of cells of every visible sheet, by its name."""
    book = openpyxl.load_workbook(io.BytesIO(source.data), read_only=True, data_only=values)
    sheets: dict[str, list[Sequence[Any]]] = {}
    for page in book.worksheets:
        if page.sheet_state != "visible":
            continue
        # the extent that a sheet states may be too small
        page.reset_dimensions()
        rows: list[Sequence[Any]] = []
        for row in page.iter_rows(values_only=True):
            refuse_too_many(source.where, len(rows) + 1, MOST_ROWS, "rows")
            refuse_too_many(source.where, len(row), _WIDEST, "columns")
            rows.append(_trimmed(row))
        sheets[page.title] = rows
    book.close()
    return sheets


def _trimmed(row: Sequence[Any]) -> Sequence[Any]:
    last = next((i for i in range(len(row), 0, -1) if row[i - 1] is not None), 0)
    return row[:last]


def _choose(
    sheets: dict[str, list[Sequence[Any]]], headings: Headings, sheet: str | None, where: str
) -> str:
    if sheet is not None:
        if sheet not in sheets:
            raise OptionError(f"{where} has no sheet {sheet!r}; it has {', '.join(sheets)}")
        return sheet
    filled = [name for name, rows in sheets.items() if any(rows)]
    if not filled:
        raise DataError([Problem(where, "no sheet holds a cell", "Export it again")])
    known = {name: max(headings.count_known(row) for row in sheets[name][:10]) for name in filled}
    best = [name for name in filled if known[name] == max(known.values())]
    if len(best) > 1:
        raise OptionError(
            f"{where} has several sheets that could be {headings.contract.name}: "
            f"{', '.join(best)}; choose one with sheet="
        )
    return best[0]


def _no_results(
    values: list[Sequence[Any]], formulas: list[Sequence[Any]], where: str
) -> list[Problem]:
    """Formulas whose result was never stored: they would read as empty cells."""
    found = []
    for number, row in enumerate(formulas, 1):
        shown = values[number - 1] if number <= len(values) else ()
        for place, cell in enumerate(row):
            is_formula = isinstance(cell, str) and cell.startswith("=")
            if is_formula and (place >= len(shown) or shown[place] is None):
                found.append(
                    Problem(
                        f"{where}, row {number}",
                        f"column {place + 1} holds the formula {cell} without a result",
                        "Open and save the workbook in Excel or WPS, or paste it as values",
                    )
                )
    return found
