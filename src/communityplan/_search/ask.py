"""One question to an engine, and how large its answer may grow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from communityplan._search.ends import Ends
from communityplan._search.graph import Ints, SearchGraph
from communityplan.errors import TooLargeError

__all__ = ["Ask", "check_room", "room_for_pairs"]

BYTES_PER_PAIR = 64
"""A pair in the result and, while it is sorted, in the tables before it."""

MEMORY_INFO = Path("/proc/meminfo")

UNKNOWN_MEMORY_BYTES = 8 * 2**30
"""Taken where the system does not tell how much memory is left."""


@dataclass(frozen=True, eq=False)
class Ask:
    """Walks from origins to destinations within a limit.

    Attributes
    ----------
    graph : SearchGraph
    origins, destinations : Ends
    allowed : array of int64, shape (O,)
        The owner each origin's walks may use, 0 for none.
    limit_s : float
        Rounded as results are.
    threads : int
    """

    graph: SearchGraph
    origins: Ends
    destinations: Ends
    allowed: Ints
    limit_s: float
    threads: int


def room_for_pairs() -> int:
    """How many pairs fit into the memory that is left."""
    left = UNKNOWN_MEMORY_BYTES
    if MEMORY_INFO.exists():
        lines = MEMORY_INFO.read_text(encoding="ascii").splitlines()
        left = next(
            (int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")), left
        )
    return left // BYTES_PER_PAIR


def check_room(found: int, share_done: float, room: int) -> None:
    """Refuse to go on when more pairs have been found than there is room for.

    Parameters
    ----------
    found : int
        Pairs so far.
    share_done : float
        Share of the searches that found them.
    room : int
        As `room_for_pairs`.

    Raises
    ------
    TooLargeError
        With an estimate, and what to ask instead.
    """
    if found <= room:
        return
    pairs = found / share_done
    raise TooLargeError(
        f"about {pairs:.2g} pairs lie within the limit; they would take "
        f"{pairs * BYTES_PER_PAIR / 2**30:.0f} GiB, there are {room * BYTES_PER_PAIR / 2**30:.1f}. "
        "Ask for counts or the nearest, which need no table of pairs, or lower the limit"
    )
