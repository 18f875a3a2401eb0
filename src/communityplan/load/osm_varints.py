"""Numbers of the protocol buffer format, many at a time.

A number is written in bytes of seven bits, the lowest first; the eighth bit says that more follow.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["LENGTH", "Messages", "OddBlockError", "gathered", "messages", "numbers", "signed"]

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

MOST_BYTES = 10
"""Bytes of the longest number of 64 bits."""

VARINT, LENGTH = 0, 2
"""Kinds of fields: a number, and bytes with their length before them."""


class OddBlockError(Exception):
    """A block that is broken, or that holds what this reader does not know."""


class Messages:
    """Fields of many messages of one kind: where each lies, or its value.

    Attributes
    ----------
    value : dict of int to array of int
        By number of the field, the number that each message has there; -1 where it has none.
    start, stop : dict of int to array of int
        By number of the field, where its bytes are in each message; empty where there are none.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.value: dict[int, Ints] = {}
        self.start: dict[int, Ints] = {}
        self.stop: dict[int, Ints] = {}

    def fields(self) -> set[int]:
        """Numbers of the fields that any message has."""
        return {*self.value, *self.start}

    def number(self, field: int) -> Ints:
        """The number in this field, -1 where a message has none."""
        return self.value.setdefault(field, np.full(self.count, -1, dtype=np.int64))

    def span(self, field: int) -> tuple[Ints, Ints]:
        """Where the bytes of this field start and stop."""
        none = np.zeros(self.count, dtype=np.int64)
        return self.start.get(field, none), self.stop.get(field, none)

    def keep_span(self, field: int, rows: Ints, start: Ints, stop: Ints) -> None:
        """Note where the bytes of this field are in some messages."""
        none = np.zeros(self.count, dtype=np.int64)
        starts = self.start.setdefault(field, none)
        stops = self.stop.setdefault(field, none.copy())
        if stops[rows].any():
            raise OddBlockError("a field is there twice")
        starts[rows] = start
        stops[rows] = stop


def _varints_at(data: Bytes, at: Ints) -> tuple[Ints, Ints]:
    """The numbers that start at some places, and where what follows them starts."""
    value = np.zeros(len(at), dtype=np.uint64)
    after = at.copy()
    rows = np.arange(len(at))
    for shift in range(0, 7 * MOST_BYTES, 7):
        if not len(rows):
            return value.view(np.int64), after
        here = after[rows]
        if here.max() >= len(data):
            break
        byte = data[here]
        value[rows] |= (byte & np.uint8(0x7F)).astype(np.uint64) << np.uint64(shift)
        after[rows] += 1
        rows = rows[byte >= 0x80]
    if len(rows):
        raise OddBlockError("a number does not end")
    return value.view(np.int64), after


def numbers(data: Bytes) -> Ints:
    """All numbers of a row of bytes that holds nothing else."""
    ends = np.flatnonzero(data < 0x80)
    if not len(ends):
        if len(data):
            raise OddBlockError("a number does not end")
        return np.zeros(0, dtype=np.int64)
    if ends[-1] != len(data) - 1:
        raise OddBlockError("a number does not end")
    starts = np.empty_like(ends)
    starts[0] = 0
    starts[1:] = ends[:-1] + 1
    value = data[starts].astype(np.uint64) & np.uint64(0x7F)
    more = np.flatnonzero(ends > starts)
    shift = 7
    while len(more):
        if shift >= 7 * MOST_BYTES:
            raise OddBlockError("a number is too long")
        at = starts[more] + shift // 7
        value[more] |= (data[at] & np.uint8(0x7F)).astype(np.uint64) << np.uint64(shift)
        more = more[at < ends[more]]
        shift += 7
    return value.view(np.int64)


def signed(value: Ints) -> Ints:
    """Numbers that were folded so that small negative ones are short."""
    return (value.view(np.uint64) >> np.uint64(1)).view(np.int64) ^ -(value & 1)


def gathered(data: Bytes, start: Ints, stop: Ints) -> tuple[Ints, Ints]:
    """The numbers in several spans of bytes, and how many each span holds."""
    size = stop - start
    ends = np.cumsum(size)
    total = int(ends[-1]) if len(ends) else 0
    within = np.arange(total) - np.repeat(ends - size, size)
    part = data[np.repeat(start, size) + within]
    last = part < 0x80
    closing = ends[size > 0] - 1
    if not last[closing].all():
        raise OddBlockError("a number does not end")
    upto = np.concatenate([[0], np.cumsum(last)])
    return numbers(part), upto[ends] - upto[ends - size]


def messages(data: Bytes, start: Ints, stop: Ints) -> Messages:
    """The fields of many messages at once, one field of each message after another."""
    found = Messages(len(start))
    rows = np.flatnonzero(start < stop)
    at = start[rows]
    while len(rows):
        key = data[at]
        value, after = _varints_at(data, at + 1)
        ends = stop[rows]
        is_bytes = (key & 7) == LENGTH
        beyond = np.where(is_bytes, after + value, after)
        known = (key < 0x80) & ((is_bytes & (value >= 0)) | ((key & 7) == VARINT))
        if not (known & (beyond <= ends) & (beyond > at)).all():
            raise OddBlockError("a field of another kind, or one that ends after its message")
        for number in np.unique(key).tolist():
            here = key == number
            if number & 7 == LENGTH:
                found.keep_span(number >> 3, rows[here], after[here], beyond[here])
            else:
                found.number(number >> 3)[rows[here]] = value[here]
        inside = beyond < ends
        rows, at = rows[inside], beyond[inside]
    return found
