"""Shapefiles: every part measured against the others, and the text in its true encoding."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from communityplan.errors import DataError, Problem
from communityplan.load.dbf import dbf_cells, dbf_encoding, read_dbf
from communityplan.load.formats import SourceFile
from communityplan.load.layers import read_layer
from communityplan.load.raw import MOST_BYTES, MOST_ROWS, MOST_VERTICES, RawTable, refuse_too_many

__all__ = ["read_shapefile"]


def read_shapefile(source: SourceFile, *, encoding: str | None) -> RawTable:
    """A shapefile: geometry as the library reads it, cells read strictly.

    Parameters
    ----------
    source : SourceFile
        The .shp; its other parts lie beside it.
    encoding : str or None
        Encoding of the text, in place of the one found.

    Returns
    -------
    RawTable

    Raises
    ------
    DataError
        When a part is missing, cut off or does not belong to the others.
    OptionError
        For an encoding that does not exist.
    TooLargeError
        Above the limits of rows and vertices.
    """
    parts = {ending: _beside(source.path, ending) for ending in (".shx", ".dbf", ".cpg")}
    missing = [ending for ending in (".shx", ".dbf") if not parts[ending]]
    if missing:
        found = f"its {' and '.join(missing)} file is missing or empty"
        todo = "Put .shp, .shx, .dbf and .prj of the same name into one folder"
        raise DataError([Problem(source.where, found, todo)])
    shapes = _check_shapes(source, parts[".shx"])
    dbf = read_dbf(parts[".dbf"], source.where)
    if shapes != len(dbf.records):
        found = f"the .shp has {shapes} shapes, the .dbf {len(dbf.records)} rows"
        raise DataError([Problem(source.where, found, "Copy or export all its parts again")])
    raw = read_layer(source, layer=None, ENCODING="ISO-8859-1")
    if len(raw.rows) != len(dbf.kept):
        found = f"{len(raw.rows)} of {len(dbf.kept)} rows could be read"
        raise DataError([Problem(source.where, found, "Export it again")])
    declaration = parts[".cpg"][:40].decode("ascii", "ignore")
    chosen, how = dbf_encoding(dbf, declaration, source.where, given=encoding)
    frame, problems = dbf_cells(dbf, chosen, source.where)
    facts = {**raw.facts, "format": "shapefile", "encoding": chosen, "encoding_how": how}
    return RawTable(
        frame, raw.rows, source.where, raw.geometry, raw.crs, facts, raw.changes, problems
    )


def _beside(path: Path, ending: str) -> bytes:
    """A part of the shapefile, empty where there is none."""
    for name in (path.with_suffix(ending), path.with_suffix(ending.upper())):
        if name.is_file():
            refuse_too_many(str(name), name.stat().st_size, MOST_BYTES, "bytes")
            return name.read_bytes()
    return b""


def _check_shapes(source: SourceFile, index: bytes) -> int:
    """The number of shapes, after the index was held against the .shp."""
    size = source.path.stat().st_size
    refuse_too_many(source.where, size // 16, MOST_VERTICES + MOST_ROWS, "vertices")
    data = source.path.read_bytes()
    stated = struct.unpack(">i", data[24:28])[0] * 2 if size >= 100 else -1
    places = np.frombuffer(index[100 : len(index) - (len(index) - 100) % 8], dtype=">i4")
    start, words = places[::2].astype(np.int64) * 2, places[1::2].astype(np.int64)
    sound = stated == size and (len(index) - 100) % 8 == 0 and len(index) >= 100
    sound = sound and bool(((start >= 100) & (words >= 2) & (start + 8 + 2 * words <= size)).all())
    # no shape reaches into another one, and both parts agree on its length
    order = np.argsort(start, kind="stable")
    ends = start[order] + 8 + 2 * words[order]
    sound = sound and bool((start[order][1:] >= ends[:-1]).all())
    if sound and len(start):
        heads = np.frombuffer(data, dtype=np.uint8)[start[:, None] + np.arange(4, 8)]
        sound = bool((heads.copy().view(">i4").ravel() == words).all())
    if not sound:
        found = "the .shp or its index .shx is cut off or broken"
        raise DataError([Problem(source.where, found, "Copy or export all its parts again")])
    return len(start)
