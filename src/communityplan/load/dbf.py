"""The attribute table of a shapefile (.dbf), read strictly: a broken number is not cut short."""

from __future__ import annotations

import codecs
import re
import struct
from dataclasses import dataclass
from typing import Any

import pandas as pd

from communityplan.errors import DataError, Problem
from communityplan.load.texts import choose_encoding, decode

__all__ = ["Dbf", "dbf_cells", "dbf_encoding", "read_dbf"]

_LANGUAGES = {0x4D: "gb18030", 0x7A: "gb18030", 0x4F: "big5", 0x78: "big5"}
"""Encodings by the language byte of the header, where they are Chinese."""

_CODE_PAGES = {"936": "gb18030", "54936": "gb18030", "65001": "utf-8", "950": "big5"}

_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")


@dataclass(frozen=True)
class _Field:
    name: bytes
    kind: str
    start: int
    stop: int


@dataclass(frozen=True)
class Dbf:
    """The parts of a .dbf, as bytes.

    Attributes
    ----------
    fields : tuple
        Name, kind and place of each column.
    records : tuple of bytes
        One per row, the first byte tells whether it is deleted.
    language : int
        What the header says of the language.
    """

    fields: tuple[_Field, ...]
    records: tuple[bytes, ...]
    language: int

    @property
    def kept(self) -> list[bytes]:
        """The records that are not marked as deleted."""
        return [record for record in self.records if record[:1] != b"*"]


def read_dbf(data: bytes, where: str) -> Dbf:
    """The columns and records of a .dbf file.

    Parameters
    ----------
    data : bytes
        The whole file.
    where : str
        The shapefile, for messages.

    Returns
    -------
    Dbf

    Raises
    ------
    DataError
        When the header contradicts the file.
    """
    if len(data) < 33:
        raise _broken(where)
    rows, start, width = struct.unpack("<iHH", data[4:12])
    fields = []
    place, offset = 32, 1
    while place + 32 <= min(start, len(data)) and data[place] != 0x0D:
        entry = data[place : place + 32]
        size = entry[16] + (256 * entry[17] if entry[11:12] == b"C" else 0)
        name = entry[:11].split(b"\x00")[0]
        fields.append(_Field(name, entry[11:12].decode("latin-1"), offset, offset + size))
        place, offset = place + 32, offset + size
    ended = place < len(data) and data[place] == 0x0D
    if rows < 0 or not ended or offset != width or len(data) < start + rows * width:
        raise _broken(where)
    records = tuple(data[start + i * width : start + (i + 1) * width] for i in range(rows))
    if any(record[:1] not in (b" ", b"*") for record in records):
        raise _broken(where)
    return Dbf(tuple(fields), records, data[29])


def dbf_encoding(dbf: Dbf, declaration: str, where: str, *, given: str | None) -> tuple[str, str]:
    """The encoding in which all the text makes sense, and how it was found.

    Parameters
    ----------
    dbf : Dbf
        The table.
    declaration : str
        Content of the .cpg file, empty without one.
    where : str
        The shapefile, for messages.
    given : str or None
        What the user says.

    Returns
    -------
    str, str

    Raises
    ------
    OptionError
        For an encoding that does not exist.
    DataError
        When no encoding fits.
    """
    if given is not None:
        decode(b"", where, encoding=given)
        return given, "given"
    declared = _declared(declaration, dbf.language)
    texts = [field for field in dbf.fields if field.kind not in "NFDL"]
    pieces = {field.name for field in dbf.fields}
    pieces |= {record[f.start : f.stop].rstrip(b" \x00") for record in dbf.kept for f in texts}
    foreign = [piece for piece in pieces if not piece.isascii()]
    if declared is not None and _all_decode(foreign, declared):
        return declared, "declared"
    found = choose_encoding(foreign)
    if found is None:
        said = f"its text is neither UTF-8 nor GBK (declared: {declared or 'nothing'})"
        raise DataError([Problem(where, said, "Name its encoding, such as encoding='big5'")])
    return found, "detected" if declared is None else f"detected, although declared as {declared}"


def dbf_cells(dbf: Dbf, encoding: str, where: str) -> tuple[pd.DataFrame, list[Problem]]:
    """The cells of a table, and those that are broken.

    Parameters
    ----------
    dbf : Dbf
        The table.
    encoding : str
        Encoding of its text.
    where : str
        The shapefile, for messages.

    Returns
    -------
    DataFrame, list of Problem
    """
    problems: list[Problem] = []
    data: dict[str, list[Any]] = {}
    for place, field in enumerate(dbf.fields, 1):
        name = _text(field.name, encoding).strip() or f"(column {place})"
        name = name if name not in data else f"{name} ({place})"
        cells = []
        for row, record in enumerate(dbf.kept, 1):
            piece = record[field.start : field.stop].strip(b" \x00")
            cell = _cell(piece, field.kind, encoding)
            if cell is _BROKEN:
                found = f"{name} is {piece[:30]!r}, which is no {encoding}"
                problems.append(Problem(f"{where}, row {row}", found, "Name another encoding"))
                cell = None
            cells.append(cell)
        data[name] = cells
    return pd.DataFrame(data, index=range(len(dbf.kept)), dtype=object), problems


_BROKEN = object()
_FLAGS = {b"T": True, b"Y": True, b"F": False, b"N": False, b"?": None}


def _cell(piece: bytes, kind: str, encoding: str) -> Any:
    if not piece:
        return None
    if kind in "NFDL":
        return _typed(piece, kind)
    try:
        return _text(piece, encoding)
    except UnicodeError:
        return _BROKEN


def _typed(piece: bytes, kind: str) -> Any:
    """A number, a date or a flag; what is none stays text, to be refused where it matters.

    Stars fill a number that was too long for its column.
    """
    text = piece.decode("latin-1")
    if kind in "NF" and _NUMBER.fullmatch(piece):
        return float(piece)
    if kind == "D" and re.fullmatch(rb"\d{8}", piece):
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    return _FLAGS.get(piece.upper(), text) if kind == "L" else text


def _broken(where: str) -> DataError:
    found = "the .dbf is cut off or broken"
    return DataError([Problem(where, found, "Copy or export it again, with all its parts")])


def _declared(declaration: str, language: int) -> str | None:
    """What the .cpg file or the header says, None where they are silent."""
    word = declaration.strip()
    if word.isdigit() or word.lower().startswith(("cp", "ansi ")):
        number = re.sub(r"\D", "", word)
        word = _CODE_PAGES.get(number, f"cp{number}")
    if word:
        return "gb18030" if word.lower() in ("gbk", "gb2312", "gb18030") else word
    return _LANGUAGES.get(language)


def _all_decode(pieces: list[bytes], encoding: str) -> bool:
    try:
        for piece in pieces:
            _text(piece, encoding)
    except (LookupError, ValueError):
        return False
    return True


def _text(piece: bytes, encoding: str) -> str:
    """Text of a fixed-width cell, whose last character may have been cut in half."""
    return codecs.getincrementaldecoder(encoding)().decode(piece)
