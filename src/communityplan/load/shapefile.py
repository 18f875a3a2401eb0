"""Shapefiles: every part measured, and the text in the encoding it is really in."""

from __future__ import annotations

import codecs
import re
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from communityplan.errors import DataError, Problem
from communityplan.load.formats import SourceFile
from communityplan.load.layers import read_layer
from communityplan.load.raw import MOST_VERTICES, RawTable, refuse_too_many
from communityplan.load.texts import choose_encoding, decode

__all__ = ["read_shapefile"]


def read_shapefile(source: SourceFile, *, encoding: str | None) -> RawTable:
    """A shapefile, its text in the encoding it is really in.

    Raises
    ------
    DataError
        When a part is missing or shorter than it says.
    OptionError
        For an encoding that does not exist.
    """
    parts = _shapefile_parts(source)
    # latin-1 keeps every byte, so that the text can be read anew in the right encoding
    raw = read_layer(source, layer=None, ENCODING="ISO-8859-1")
    if len(raw.rows) != parts["rows"]:
        found = f"{len(raw.rows)} of {parts['rows']} rows could be read"
        raise DataError([Problem(source.where, found, "Export it again")])
    declared = parts["encoding"]
    chosen, how = _text_encoding(raw.frame, source.where, given=encoding, declared=declared)
    frame = _recoded(raw.frame, chosen)
    facts = {**raw.facts, "format": "shapefile", "encoding": chosen, "encoding_how": how}
    return replace(raw, frame=frame, facts=facts)


def _shapefile_parts(source: SourceFile) -> dict[str, Any]:
    """Rows and declared encoding of a shapefile, after its parts were measured."""
    parts = {ending: _beside(source.path, ending) for ending in (".shx", ".dbf", ".cpg")}
    shx, dbf = parts[".shx"], parts[".dbf"]
    if shx is None or dbf is None:
        missing = [ending for ending in (".shx", ".dbf") if parts[ending] is None]
        found = f"its {' and '.join(missing)} file is missing"
        todo = "Put .shp, .shx, .dbf and .prj of the same name into one folder"
        raise DataError([Problem(source.where, found, todo)])
    head = _start(source.path, 100)
    index, table = _start(shx, 100), _start(dbf, 32)
    cut = "is cut off or broken"
    if len(head) < 100 or struct.unpack(">i", head[24:28])[0] * 2 != source.path.stat().st_size:
        raise DataError([Problem(source.where, f"the .shp {cut}", "Copy or export it again")])
    refuse_too_many(
        source.where, source.path.stat().st_size // 16, MOST_VERTICES + 10**6, "vertices"
    )
    rows, start, width = struct.unpack("<iHH", table[4:12]) if len(table) == 32 else (-1, 0, 0)
    size = dbf.stat().st_size
    if rows < 0 or size < start + rows * width:
        raise DataError([Problem(source.where, f"the .dbf {cut}", "Copy or export it again")])
    indexed = (shx.stat().st_size - 100) / 8
    if len(index) < 100 or indexed != rows:
        found = f"the .shp has {indexed:g} shapes, the .dbf {rows} rows"
        raise DataError([Problem(source.where, found, "Copy or export all its parts again")])
    deleted = _deleted_rows(dbf, rows, start, width)
    return {"rows": rows - deleted, "encoding": _declared_encoding(parts[".cpg"], table[29])}


def _beside(path: Path, ending: str) -> Path | None:
    for name in (path.with_suffix(ending), path.with_suffix(ending.upper())):
        if name.is_file():
            return name
    return None


def _start(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


def _deleted_rows(table: Path, rows: int, start: int, width: int) -> int:
    """Rows that the .dbf marks as deleted; readers leave them out."""
    if rows == 0 or width == 0:
        return 0
    data = np.frombuffer(table.read_bytes()[start : start + rows * width], dtype=np.uint8)
    return int((data[::width] == ord("*")).sum())


def _declared_encoding(cpg: Path | None, language: int) -> str | None:
    """What the .cpg file or the language byte of the .dbf says, None where they are silent."""
    word = cpg.read_bytes()[:40].decode("ascii", "ignore").strip() if cpg is not None else ""
    if word.isdigit() or word.lower().startswith(("cp", "ansi ")):
        number = re.sub(r"\D", "", word)
        word = {"936": "gb18030", "54936": "gb18030", "65001": "utf-8", "950": "big5"}.get(
            number, f"cp{number}"
        )
    if word:
        return "gb18030" if word.lower() in ("gbk", "gb2312", "gb18030") else word
    return {0x4D: "gb18030", 0x7A: "gb18030", 0x4F: "big5", 0x78: "big5"}.get(language)


def _text_encoding(
    frame: pd.DataFrame, where: str, *, given: str | None, declared: str | None
) -> tuple[str, str]:
    """The encoding in which all the text makes sense: as given, as declared, else as found."""
    pieces = [name.encode("latin-1") for name in frame.columns]
    pieces += {
        cell.encode("latin-1")
        for name in frame
        for cell in frame[name]
        if isinstance(cell, str) and not cell.isascii()
    }
    if given is not None:
        decode(b"", where, encoding=given)
        return given, "given"
    if declared is not None and _all_decode(pieces, declared):
        return declared, "declared"
    found = choose_encoding(pieces)
    if found is None:
        raise DataError(
            [
                Problem(
                    where,
                    f"its text is neither UTF-8 nor GBK (declared: {declared or 'nothing'})",
                    "Name its encoding, such as encoding='big5'",
                )
            ]
        )
    return found, "detected" if declared is None else f"detected, although declared as {declared}"


def _all_decode(pieces: list[bytes], encoding: str) -> bool:
    try:
        for piece in pieces:
            _text_in(piece, encoding)
    except (LookupError, UnicodeError):
        return False
    return True


def _text_in(piece: bytes, encoding: str) -> str:
    """Text of a fixed-width cell, whose last character may have been cut in half."""
    return codecs.getincrementaldecoder(encoding)().decode(piece)


def _recoded(frame: pd.DataFrame, encoding: str) -> pd.DataFrame:
    def text(cell: Any) -> Any:
        if not isinstance(cell, str) or cell.isascii():
            return cell
        return _text_in(cell.encode("latin-1"), encoding)

    return pd.DataFrame({text(name): frame[name].map(text) for name in frame}, index=frame.index)
