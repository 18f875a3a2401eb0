"""The parts of a pbf file: its blocks, their fields, and texts that osmium cannot hold.

osmium keeps texts as they are in C, with a zero byte at their end. A zero byte inside a text, which
no sound file has, would make it read past the end of its memory, so such files are refused first.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

__all__ = ["blobs", "fields", "has_zero_in_text", "texts_of"]

MOST_BYTES = 64 * 2**20
"""Largest block that is unpacked [bytes]; the format allows 32 MiB."""

TEXT_KEY = 10
"""The byte before every text: field 1, bytes with their length."""

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
        return any(kind == b"OSMData" and _zero_in_block(block) for kind, block in blobs(path))
    except (ValueError, IndexError, OverflowError, MemoryError):
        # broken: osmium says how
        return False


def blobs(path: Path) -> Iterator[tuple[int | bytes, bytes]]:
    """The kind and the bytes of every block of a pbf file.

    Raises
    ------
    ValueError, IndexError, OverflowError, MemoryError
        The file breaks off or is damaged. A block that is packed in another way than with zlib
        comes back empty.
    """
    with path.open("rb") as stream:
        while size := stream.read(4):
            header = dict(fields(stream.read(min(int.from_bytes(size, "big"), MOST_BYTES))))
            length = header[3] if isinstance(header.get(3), int) else -1
            if not isinstance(length, int) or not 0 <= length <= MOST_BYTES:
                raise ValueError(length)
            blob = stream.read(length)
            if len(blob) < length:
                raise ValueError("the file breaks off")
            yield header.get(1, b""), _unpacked(blob)


def _unpacked(blob: bytes) -> bytes:
    held = dict(fields(blob))
    raw, packed = held.get(1), held.get(3)
    if isinstance(packed, bytes):
        unpacking = zlib.decompressobj()
        try:
            block = unpacking.decompress(packed, MOST_BYTES)
        except zlib.error as error:
            raise ValueError(str(error)) from error
        if not unpacking.eof:
            raise ValueError("a block breaks off, or is too large")
        return block
    return raw if isinstance(raw, bytes) else b""


def _zero_in_block(block: bytes) -> bool:
    for number, table in fields(block):
        if number != 1 or not isinstance(table, bytes):
            continue
        # the first text of every block is empty: its length is the one zero of a sound table
        zeros = table.count(0)
        if zeros == 0 or (zeros == 1 and table.startswith(b"\n\0")):
            continue
        if any(isinstance(text, bytes) and 0 in text for _, text in fields(table)):
            return True
    return False


def texts_of(table: bytes) -> list[bytes]:
    """The texts of a block, in order.

    Raises
    ------
    ValueError, IndexError
        The table is damaged.
    """
    found: list[bytes] = []
    at, end = 0, len(table)
    while at < end:
        if table[at] != TEXT_KEY:
            raise ValueError(table[at])
        size, at = table[at + 1], at + 2
        if size >= 0x80:
            size, at = _varint(table, at - 1)
        found.append(table[at : at + size])
        at += size
    if at != end or b"\0" in b"".join(found):
        raise ValueError("the texts break off, or one has a zero byte inside")
    return found


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of every field of a message."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if key < 8:
            raise ValueError(key)
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
        if at + size > len(message):
            raise ValueError(size)
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
