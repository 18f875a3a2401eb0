"""Which kind of OpenStreetMap file this is, by content; if it is none, what it is instead."""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

from communityplan.errors import DataError, Problem

__all__ = ["bad_file", "format_of"]

HEAD_BYTES = 4096


def bad_file(path: Path, found: str, todo: str) -> DataError:
    """The error for a file that cannot be used: what was found, and what to do."""
    return DataError([Problem(str(path), found, todo)])


def format_of(path: Path) -> str:
    """The format of a file by its content.

    Returns
    -------
    str
        ``pbf``, ``osm``, ``osm.bz2`` or ``osm.gz``, as osmium calls them.

    Raises
    ------
    DataError
        The file is missing, empty, broken off, or of another kind.
    """
    wanted = "Give an OpenStreetMap file: .osm.pbf, .osm or .osm.bz2"
    if not path.exists():
        raise bad_file(path, "there is no such file", "Check the path; " + wanted)
    if not path.is_file():
        raise bad_file(path, "is a folder", wanted)
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
            stream.seek(0, 2)
            size = stream.tell()
            stream.seek(max(0, size - HEAD_BYTES))
            tail = stream.read()
    except OSError as error:
        raise bad_file(path, f"cannot be read ({error})", "Check who may read it") from error
    if size == 0:
        raise bad_file(path, "is empty (0 bytes)", "Download it again")
    if head[4:15] == b"\n\tOSMHeader":
        return "pbf"
    if head.startswith(b"BZh"):
        return _xml_kind(path, _unpacked(path, bz2.BZ2File), "osm.bz2", "a bz2 archive")
    if head.startswith(b"\x1f\x8b"):
        return _xml_kind(path, _unpacked(path, gzip.GzipFile), "osm.gz", "a gzip archive")
    if b"<remark>" in tail and b"rror" in tail.split(b"<remark>")[-1]:
        remark = tail.split(b"<remark>")[-1].split(b"</remark>")[0].decode("utf-8", "replace")
        raise bad_file(
            path, f"was broken off by the server ({remark.strip()})", "Download it again"
        )
    return _xml_kind(path, head, "osm", "")


def _unpacked(path: Path, opener: Callable[..., Any]) -> bytes:
    try:
        with opener(path) as stream:
            head: bytes = stream.read(HEAD_BYTES)
    except (OSError, EOFError) as error:
        todo = "Download it again, or unpack it and give the .osm file"
        raise bad_file(
            path, f"is an archive that breaks off or is damaged ({error})", todo
        ) from error
    return head


def _xml_kind(path: Path, head: bytes, kind: str, packed: str) -> str:
    """The kind itself for an OpenStreetMap document, else an error that says what it is."""
    text = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n").lower()
    inside = f"is {packed} holding " if packed else "is "
    if "<osm" in text and "<osmchange" not in text and text.startswith("<"):
        return kind
    if "<osmchange" in text:
        what, todo = "a change file", "Give the full extract, not a file of changes"
    elif "<html" in text or text.startswith("<!doctype"):
        what = "a web page"
        todo = "The download failed: open it in a browser to see why, and download again"
    elif text.startswith(("{", "[")):
        what, todo = "JSON", "Ask Overpass for [out:xml], or give an .osm.pbf"
    elif text.startswith("pk"):
        what, todo = "a zip archive", "Unpack it and give the .osm.pbf inside"
    else:
        shown = text[:40].encode("ascii", "replace").decode()
        what = f"no OpenStreetMap data (it starts with {shown!r})"
        todo = "Give an OpenStreetMap file: .osm.pbf, .osm or .osm.bz2"
    raise bad_file(path, inside + what, todo)
