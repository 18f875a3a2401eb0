"""Text files: which encoding they are in, and CSV of any delimiter as cells."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from communityplan.errors import DataError, OptionError, Problem
from communityplan.load.formats import SourceFile
from communityplan.load.headings import Headings
from communityplan.load.raw import MOST_ROWS, RawTable, refuse_too_many

__all__ = ["Decoded", "choose_encoding", "decode", "frame_of_rows", "read_csv"]

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\x84\x31\x95\x33", "gb18030"),
)

_DELIMITERS = (",", "\t", ";", "|", "，")

_HEADING_ROWS = 10
"""How far down the headings are looked for, below titles and notes."""


@dataclass(frozen=True)
class Decoded:
    """Text, and how its encoding was found.

    Attributes
    ----------
    text : str
        The text without a byte-order mark.
    encoding : str
        The encoding used.
    how : str
        Why this one: "given", "byte-order mark" or "detected".
    """

    text: str
    encoding: str
    how: str


def decode(data: bytes, where: str, *, encoding: str | None) -> Decoded:
    """Bytes as text: as told, by its mark, as UTF-8, else as GB18030 if that makes sense.

    Raises
    ------
    OptionError
        For an encoding that does not exist.
    DataError
        For bytes that are not text in that encoding, naming the line.
    """
    if encoding is not None:
        return Decoded(_strictly(data, where, _codec(encoding)), encoding, "given")
    for mark, name in _MARKS:
        if data.startswith(mark):
            return Decoded(_strictly(data, where, name).lstrip("\ufeff"), name, "byte-order mark")
    chosen = choose_encoding([data])
    if chosen is None:
        raise DataError([_not_text(data, where)])
    return Decoded(_strictly(data, where, chosen), chosen, "detected")


def choose_encoding(pieces: Sequence[bytes]) -> str | None:
    """UTF-8 where it fits, GB18030 (which holds GBK) where that gives usual Chinese, else None.

    Parameters
    ----------
    pieces : sequence of bytes
        Texts that share one encoding; a last character may be cut in half.

    Examples
    --------
    >>> from communityplan.load.texts import choose_encoding
    >>> choose_encoding(["经度,纬度".encode("gbk")]), choose_encoding(["经度".encode()])
    ('gb18030', 'utf-8')
    >>> choose_encoding(["café noir".encode("latin-1")]) is None
    True
    """
    if _fits(pieces, "utf-8") is not None:
        return "utf-8"
    text = _fits(pieces, "gb18030")
    if text is None:
        return None
    foreign = {sign for sign in set(text) if ord(sign) > 127}
    # big5 and others often pass as gb18030 too, but then as characters that hardly anybody uses
    usual = sum(_is_usual(sign) for sign in foreign)
    # rare characters of names take four bytes, which other encodings hardly ever look like
    rare = sum(_is_rare(sign) for sign in foreign)
    return "gb18030" if rare <= usual >= 0.9 * (len(foreign) - rare) else None


def read_csv(source: SourceFile, headings: Headings, *, encoding: str | None) -> RawTable:
    """The cells of a CSV file; its rows are counted as a spreadsheet counts them.

    Raises
    ------
    DataError
        For text that is not CSV: broken quotes, rows longer or shorter than the headings.
    """
    decoded = decode(source.data, source.where, encoding=encoding)
    if "\x00" in decoded.text:
        found = "the text holds zero bytes"
        raise DataError([Problem(source.where, found, "Save it as CSV in UTF-8")])
    delimiter = _delimiter(decoded.text, headings)
    rows = list(_records(decoded.text, delimiter, source.where))
    raw = frame_of_rows(rows, source.where, headings, even=True)
    raw.facts.update(
        format="csv", encoding=decoded.encoding, encoding_how=decoded.how, delimiter=delimiter
    )
    return raw


def frame_of_rows(
    rows: Sequence[Sequence[Any]], where: str, headings: Headings, *, even: bool
) -> RawTable:
    """Rows of cells as a table: headings found, empty rows left out and noted, widths checked.

    Parameters
    ----------
    rows : list of sequence
        Every row from the top of the sheet, empty ones as well.
    where : str
        File and sheet.
    headings : Headings
        What is known about headings.
    even : bool
        Whether every row has to have as many cells as there are headings.

    Returns
    -------
    RawTable

    Raises
    ------
    DataError
        When there is nothing below the headings, or nothing at all.
    """
    filled = [i for i, row in enumerate(rows) if any(not _is_blank(cell) for cell in row)]
    if not filled:
        raise DataError([Problem(where, "no cell is filled", "Export it again")])
    top = _heading_row(rows, filled, headings)
    names = [str(cell).strip() if not _is_blank(cell) else "" for cell in rows[top]]
    while names and not names[-1]:
        names.pop()
    body = [i for i in filled if i > top]
    if not body:
        found = f"no rows below the headings in row {top + 1}"
        raise DataError([Problem(where, found, "Leave the file out, or export it again")])
    problems = list(_width_problems(rows, body, len(names), where, even=even))
    titles = [
        {"row": i + 1, "column": None, "found": _shown(rows[i]), "became": "a title, left out"}
        for i in filled
        if i < top
    ]
    void_rows = sorted(set(range(top + 1, body[-1])) - set(body))
    changes = [
        {"row": i + 1, "column": None, "found": "an empty row", "became": "left out"}
        for i in void_rows
    ]
    cells = [_padded(rows[i], len(names)) for i in body]
    frame = pd.DataFrame(cells, columns=_unique(names), dtype=object)
    nameless = [name for name in frame if str(name).startswith("(column ")]
    void = [name for name in nameless if all(_is_blank(cell) for cell in frame[name])]
    facts = {"heading_row": top + 1}
    numbers = np.asarray(body, dtype=np.int64) + 1
    frame = frame.drop(columns=void)
    return RawTable(
        frame, numbers, where, facts=facts, changes=[*titles, *changes], problems=problems
    )


def _codec(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)
    except (LookupError, ValueError) as error:
        raise OptionError(
            f"no text encoding {encoding!r}; Chinese files are 'utf-8', 'gbk' or 'gb18030', "
            "or 'big5' for traditional characters"
        ) from error
    # gb18030 holds all of gbk and gb2312, and what programs write under those names
    return "gb18030" if name in ("gbk", "gb2312") else "utf-8-sig" if name == "utf-8" else name


def _strictly(data: bytes, where: str, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeError as error:
        at = getattr(error, "start", 0)
        line = data.count(b"\n", 0, at) + 1
        raise DataError(
            [
                Problem(
                    f"{where}, line {line}",
                    f"byte {at:,} is not {encoding}",
                    "Name another encoding, such as encoding='gbk', or save it as UTF-8",
                )
            ]
        ) from error


def _not_text(data: bytes, where: str) -> Problem:
    line = next(
        (i for i, text in enumerate(data.split(b"\n"), 1) if _fits([text], "utf-8") is None), 1
    )
    return Problem(
        f"{where}, line {line}",
        "the text is neither UTF-8 nor Chinese GBK/GB18030",
        "Name its encoding, such as encoding='big5', or save it as UTF-8",
    )


def _fits(pieces: Sequence[bytes], encoding: str) -> str | None:
    make = codecs.getincrementaldecoder(encoding)
    try:
        return "".join(make().decode(piece) for piece in pieces)
    except UnicodeDecodeError:
        return None


def _is_usual(sign: str) -> bool:
    """Simplified characters of daily use, Chinese punctuation and full-width letters."""
    try:
        sign.encode("gb2312")
    except UnicodeEncodeError:
        return sign in "·—～‖…㎡㎞ⅠⅡⅢⅣ①②③④⑤⑥⑦⑧⑨⑩镕囍喆堃垚淼犇玥珺"
    return True


def _is_rare(sign: str) -> bool:
    """A Chinese character that GB18030 writes with four bytes, such as 𠮷."""
    return "\u3400" <= sign <= "\u4dbf" or "\U00020000" <= sign <= "\U000323af"


def _delimiter(text: str, headings: Headings) -> str:
    """The sign that cuts the first rows into the most known headings, then the most cells."""
    lines = [line for line in text.splitlines()[: 2 * _HEADING_ROWS] if line.strip()]

    def worth(sign: str) -> tuple[int, int]:
        rows = [line.replace('"', "").split(sign) for line in lines]
        return max((headings.count_known(row), len(row)) for row in rows) if rows else (0, 0)

    return max(_DELIMITERS, key=worth)


def _records(text: str, delimiter: str, where: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    usual_limit = csv.field_size_limit(len(text) + 1)
    try:
        for number, row in enumerate(reader, 1):
            refuse_too_many(where, number, MOST_ROWS, "rows")
            yield row
    except csv.Error as error:
        raise DataError(
            [
                Problem(
                    f"{where}, line {reader.line_num}",
                    f"not proper CSV ({error})",
                    'Close every quotation mark, and double those inside a cell ("")',
                )
            ]
        ) from error
    finally:
        csv.field_size_limit(usual_limit)


def _is_blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _heading_row(rows: Sequence[Sequence[Any]], filled: list[int], headings: Headings) -> int:
    """The row with the most known headings among the first; the first filled one if none has two.

    One word alone may be a cell that happens to be a heading elsewhere.
    """
    best = max(filled[:_HEADING_ROWS], key=lambda i: (headings.count_known(rows[i]), -i))
    return best if headings.count_known(rows[best]) > 1 else filled[0]


def _shown(row: Sequence[Any]) -> str:
    return " ".join(str(cell) for cell in row if not _is_blank(cell))[:60]


def _width_problems(
    rows: Sequence[Sequence[Any]], body: list[int], width: int, where: str, *, even: bool
) -> Iterator[Problem]:
    for i in body:
        beyond = [cell for cell in rows[i][width:] if not _is_blank(cell)]
        if beyond:
            yield Problem(
                f"{where}, row {i + 1}",
                f"{len(rows[i])} cells under {width} headings, the last is {beyond[-1]!r}",
                "Put text that holds the delimiter in quotation marks, or name every column",
            )
        elif even and len(rows[i]) < width:
            yield Problem(
                f"{where}, row {i + 1}",
                f"{len(rows[i])} cells under {width} headings",
                "Fill the row up, or leave cells empty between delimiters",
            )


def _padded(row: Sequence[Any], width: int) -> list[Any]:
    return [*row[:width], *[None] * (width - len(row))]


def _unique(names: list[str]) -> list[str]:
    """Headings that occur again, or are missing, told apart by their place."""
    seen: dict[str, int] = {}
    told = []
    for place, name in enumerate(names, 1):
        seen[name] = seen.get(name, 0) + 1
        if not name:
            told.append(f"(column {place})")
        else:
            told.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return told
