"""What a file is: told by its content, checked against its name, and refused where it is unsafe."""

from __future__ import annotations

import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from communityplan.errors import DataError, OptionError, Problem
from communityplan.load.raw import MOST_BYTES, refuse_too_many

__all__ = ["FORMATS", "SourceFile", "identify", "unpack_shapefile"]

FORMATS = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "csv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".shp": "shapefile",
    ".zip": "zip",
    ".gpkg": "geopackage",
    ".geojson": "geojson",
    ".json": "geojson",
    ".kml": "kml",
    ".parquet": "geoparquet",
    ".geoparquet": "geoparquet",
}
"""Format by the ending of the name; `.gz` may follow a text format."""

_NAMES = {
    "csv": "text such as CSV",
    "xlsx": "an Excel workbook (.xlsx)",
    "shapefile": "a shapefile (.shp)",
    "zip": "a zip archive",
    "geopackage": "a GeoPackage (.gpkg)",
    "geojson": "GeoJSON (.geojson)",
    "kml": "KML (.kml)",
    "geoparquet": "Parquet (.parquet)",
}

_ADVICE = {
    "old Excel": "Open it in Excel or WPS, take away the password if it has one, and save as .xlsx",
    "KMZ": "Unpack it and give the .kml inside",
    "ODS": "Save it as .xlsx or .csv",
    "HTML": "It is a web page, perhaps an error page of a download; fetch the file again",
    "PDF": "Tables cannot be read from it; ask for the spreadsheet",
    "picture": "Tables cannot be read from it; ask for the spreadsheet",
    "binary": "Export it again as CSV, XLSX, GeoPackage or shapefile",
    "RAR archive": "Unpack it and give the file inside",
    "7z archive": "Unpack it and give the file inside",
}

_MAGIC = (
    (b"SQLite format 3\x00", "geopackage"),
    (b"PAR1", "geoparquet"),
    (b"\x00\x00\x27\x0a", "shapefile"),
    (b"\x1f\x8b", "gzip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel"),
    (b"%PDF", "PDF"),
    (b"Rar!", "RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "7z archive"),
    (b"\x89PNG", "picture"),
    (b"\xff\xd8\xff", "picture"),
)

_TEXT_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x84\x31\x95\x33")


@dataclass(frozen=True)
class SourceFile:
    """A file that may be read.

    Attributes
    ----------
    path : Path
        Where it lies.
    where : str
        What messages call it.
    format : str
        One of the values of `FORMATS`.
    data : bytes
        Its content for the text formats and workbooks, empty for the others.
    """

    path: Path
    where: str
    format: str
    data: bytes = b""


def identify(path: str | Path) -> SourceFile:
    """The file at a path with its format, if it is what its name says and safe to read.

    Parameters
    ----------
    path : str or Path
        A local file.

    Returns
    -------
    SourceFile

    Raises
    ------
    OptionError
        For an address on the network.
    DataError
        For a file that is not there, empty, or not of the kind its name says.
    TooLargeError
        For a file above `MOST_BYTES`.
    """
    if re.match(r"[A-Za-z][A-Za-z0-9+.\-]+:/|[\\/]vsi|\\\\", str(path)):
        raise OptionError(
            f"{str(path)!r} is not a local file; fetch it first and give the path of the copy"
        )
    local, where = Path(path), str(path)
    _refuse_unreadable(local, where)
    named = _named_format(local, where)
    with _opened(local, where) as file:
        head = file.read(4096)
    found = _content(head)
    if found == "gzip":
        return _gunzip(local, where, named)
    if found == "zip":
        found = _kind_of_zip(local, where)
    _refuse_other(where, named, found)
    data = local.read_bytes() if found in ("csv", "geojson", "kml", "xlsx") else b""
    return SourceFile(local, where, named, data)


def unpack_shapefile(source: SourceFile, folder: Path) -> SourceFile:
    """The one shapefile of an archive, unpacked to a folder under a plain name.

    Raises
    ------
    DataError
        For members that point outside their folder, are encrypted or broken, or when there is
        not exactly one shapefile.
    """
    members = {info.filename: info for info in _members(source.path, source.where)}
    layers = [name for name in members if name.lower().endswith(".shp")]
    if len(layers) != 1:
        listed = ", ".join(layers) or "no .shp"
        raise _unusable(
            source.where,
            f"an archive with {listed}",
            "Give an archive with exactly one shapefile, or unpack it and name the .shp",
        )
    stem = layers[0][:-4].lower()
    with zipfile.ZipFile(source.path) as archive:
        for name, info in members.items():
            ending = name.lower().removeprefix(stem)
            if ending in (".shp", ".shx", ".dbf", ".prj", ".cpg"):
                (folder / f"layer{ending}").write_bytes(_member(archive, info, source.where))
    return SourceFile(folder / "layer.shp", f"{source.where}, {layers[0]}", "shapefile")


def _unusable(where: str, found: str, todo: str) -> DataError:
    return DataError([Problem(where, found, todo)])


def _refuse_unreadable(local: Path, where: str) -> None:
    try:
        there, is_file = local.exists(), local.is_file()
        size = local.stat().st_size if is_file else 0
    except (OSError, ValueError) as error:
        raise _unusable(where, f"cannot be opened ({error})", "Check the path") from error
    if not there:
        raise _unusable(
            where, "no such file", "Check the path; it is taken from the folder of work"
        )
    if not is_file:
        raise _unusable(where, "a folder or a device, not a file", "Give the path of one file")
    if size == 0:
        raise _unusable(where, "the file is empty (0 bytes)", "Export or fetch it again")
    refuse_too_many(where, size, MOST_BYTES, "bytes")


def _opened(local: Path, where: str):  # type: ignore[no-untyped-def]  # the type of open() is internal
    try:
        return local.open("rb")
    except OSError as error:
        raise _unusable(
            where, f"cannot be opened ({error.strerror})", "Check its rights"
        ) from error


def _named_format(local: Path, where: str) -> str:
    endings = [ending.lower() for ending in local.suffixes]
    last = endings[-1] if endings else ""
    if last == ".gz" and len(endings) > 1:
        last = endings[-2]
    if last in FORMATS:
        return FORMATS[last]
    hints = {
        ".xls": _ADVICE["old Excel"],
        ".et": _ADVICE["old Excel"],
        ".kmz": _ADVICE["KMZ"],
        ".ods": _ADVICE["ODS"],
        ".dbf": "Give the .shp beside it",
        ".shx": "Give the .shp beside it",
        ".prj": "Give the .shp beside it",
        ".pkl": "Pickles can run programs and are never read; export it as CSV or GeoPackage",
        ".pickle": "Pickles can run programs and are never read; export it as CSV or GeoPackage",
        ".pbf": "Read OpenStreetMap with read_osm",
        ".osm": "Read OpenStreetMap with read_osm",
    }
    todo = hints.get(last, f"Give one of {', '.join(FORMATS)}")
    raise _unusable(where, f"files named {last or 'without an ending'} are not read", todo)


def _content(head: bytes) -> str:
    """Format by the first bytes; what is not known and holds no zero bytes is text."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    return _text_kind(head)


def _text_kind(head: bytes) -> str:
    marked = next((mark for mark in _TEXT_MARKS if head.startswith(mark)), b"")
    body = head[len(marked) :]
    wide = marked in _TEXT_MARKS[1:3]
    if b"\x00" in body and not wide:
        return "binary"
    start = body.replace(b"\x00", b"").lstrip()[:512].lower()
    if start.startswith(b"{"):
        return "geojson"
    if start.startswith((b"<!doctype html", b"<html")):
        return "HTML"
    if start.startswith(b"<"):
        return "kml"
    return "csv"


def _refuse_other(where: str, named: str, found: str) -> None:
    if found == named:
        return
    if found in _ADVICE:
        raise _unusable(where, f"named as {_NAMES[named]}, but it holds {found}", _ADVICE[found])
    raise _unusable(
        where,
        f"named as {_NAMES[named]}, but it holds {_NAMES[found]}",
        "Give it the ending of what it is, or export it again",
    )


def _gunzip(local: Path, where: str, named: str) -> SourceFile:
    """A packed text file, unpacked no further than the limit."""
    if local.suffix.lower() != ".gz":
        _refuse_other(where, named, "binary")
    unpacker = zlib.decompressobj(wbits=31)
    try:
        data = unpacker.decompress(local.read_bytes(), MOST_BYTES + 1)
    except zlib.error as error:
        raise _unusable(where, f"broken gzip ({error})", "Fetch or pack it again") from error
    refuse_too_many(where, len(data), MOST_BYTES, "bytes unpacked")
    if not unpacker.eof or unpacker.unused_data:
        raise _unusable(where, "the gzip is cut off or holds several parts", "Pack it again")
    if not data:
        raise _unusable(where, "nothing is packed in it", "Pack it again")
    _refuse_other(where, named, _content(data[:4096]))
    if named not in ("csv", "geojson", "kml"):
        raise _unusable(where, f"{_NAMES[named]} packed with gzip", "Unpack it first")
    return SourceFile(local, where, named, data)


def _kind_of_zip(local: Path, where: str) -> str:
    names = {info.filename for info in _members(local, where)}
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "doc.kml" in names:
        return "KMZ"
    return "ODS" if "content.xml" in names else "zip"


def _members(local: Path, where: str) -> list[zipfile.ZipInfo]:
    """The members of an archive, refused where one would leave its folder or is not plain."""
    try:
        with zipfile.ZipFile(local) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _unusable(where, f"broken archive ({error})", "Pack or fetch it again") from error
    refuse_too_many(where, sum(info.file_size for info in members), MOST_BYTES, "bytes unpacked")
    problems = []
    for info in members:
        parts = re.split(r"[\\/]", info.filename)
        if info.filename.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
            found = f"its member {info.filename!r} lies outside the archive's folder"
            problems.append(Problem(where, found, "Do not trust this archive; ask for a clean one"))
        if info.flag_bits & 0x1:
            problems.append(Problem(where, "the archive has a password", "Unpack it first"))
        if (info.external_attr >> 28) == 0xA:
            found = f"its member {info.filename!r} is a link"
            problems.append(Problem(where, found, "Pack the files themselves"))
    if problems:
        raise DataError(problems)
    return members


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> bytes:
    try:
        with archive.open(info) as file:
            # the size told in the directory may be a lie
            data = file.read(MOST_BYTES + 1)
    except (
        zipfile.BadZipFile,
        zlib.error,
        OSError,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise _unusable(where, f"broken archive ({error})", "Pack or fetch it again") from error
    refuse_too_many(where, len(data), MOST_BYTES, "bytes unpacked")
    return data
