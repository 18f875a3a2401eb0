"""A look into the blocks of a pbf file for texts that osmium cannot hold.

osmium keeps texts as they are in C, with a zero byte at their end. A zero byte inside a text, which
no sound file has, would make it read past the end of its memory, so such files are refused first.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

__all__ = ["has_zero_in_text"]

MOST_BYTES = 64 * 2**20
"""Largest block that is unpacked [bytes]; the format allows 32 MiB."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def has_zero_in_text(path: Path) -> bool:
    """Whether a text of a pbf file has a zero byte inside; False as well where the file breaks off.

    Parameters
    ----------
    path : Path
        A file in the protocolbuffer binary format of OpenStreetMap.

    Returns
    -------
    bool

    References
    ----------
    OpenStreetMap wiki, "PBF Format".
    """
    try:
        with path.open("rb") as stream:
            while size := stream.read(4):
                header = dict(_fields(stream.read(int.from_bytes(size, "big"))))
                length = header.get(3, 0)
                blob = stream.read(length if isinstance(length, int) else 0)
                if header.get(1) == b"OSMData" and _zero_in_block(_unpacked(blob)):
                    return True
    except (ValueError, IndexError, zlib.error, OverflowError, MemoryError):
        # broken: osmium says how
        return False
    return False


def _unpacked(blob: bytes) -> bytes:
    fields = dict(_fields(blob))
    raw, packed = fields.get(1), fields.get(3)
    if isinstance(packed, bytes):
        return zlib.decompressobj().decompress(packed, MOST_BYTES)
    return raw if isinstance(raw, bytes) else b""


def _zero_in_block(block: bytes) -> bool:
    for number, table in _fields(block):
        if number != 1 or not isinstance(table, bytes):
            continue
        # the first text of every block is empty: its length is the one zero of a sound table
        zeros = table.count(0)
        if zeros == 0 or (zeros == 1 and table.startswith(b"\n\0")):
            continue
        if any(isinstance(text, bytes) and 0 in text for _, text in _fields(table)):
            return True
    return False


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of every field of a message."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(kind)
        yield key >> 3, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError(shift)
