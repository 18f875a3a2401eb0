"""How large a table of walks may grow."""

from __future__ import annotations

from communityplan._search.ask import BYTES_PER_PAIR, room_for_pairs
from communityplan.errors import TooLargeError

__all__ = ["BYTES_PER_ANSWER", "check_table"]

BYTES_PER_WALK = 160
"""A row of walks with its keys, and what it is made from."""


BYTES_PER_ANSWER = 32
"""One of the nearest of an origin, whether there is one or not, before it is in a table."""


def check_table(walks: int, *, about: str = "about", each: int = BYTES_PER_WALK) -> None:
    """Refuse to make a table of walks that would not fit in the memory that is left.

    Parameters
    ----------
    walks : int
        Its rows.
    about : str
        How exactly that is known.
    each : int
        Bytes that one takes.

    Raises
    ------
    TooLargeError
        With the estimate, and what to ask instead.
    """
    left = room_for_pairs() * BYTES_PER_PAIR
    if walks * each > left:
        raise TooLargeError(
            f"{about} {walks:.2g} walks would take {walks * each / 2**30:.2g} GiB; "
            f"there are {left / 2**30:.2g}. Ask within_reach for counts and sums or nearest "
            "for fewer of them, lower the limit, or take fewer rows at a time"
        )
