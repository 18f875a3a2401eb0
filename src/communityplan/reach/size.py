"""How large a table of walks may grow."""

from __future__ import annotations

from communityplan._search.ask import BYTES_PER_PAIR, room_for_pairs
from communityplan.errors import TooLargeError

__all__ = ["check_table"]

BYTES_PER_WALK = 160
"""A row of walks with its keys, and what it is made from."""


def check_table(walks: int, about: str = "about") -> None:
    """Refuse to make a table of walks that would not fit in the memory that is left.

    Parameters
    ----------
    walks : int
        Its rows.
    about : str
        How exactly that is known.

    Raises
    ------
    TooLargeError
        With the estimate, and what to ask instead.
    """
    left = room_for_pairs() * BYTES_PER_PAIR
    if walks * BYTES_PER_WALK > left:
        raise TooLargeError(
            f"{about} {walks:.2g} walks would take {walks * BYTES_PER_WALK / 2**30:.2g} GiB as a "
            f"table, there are {left / 2**30:.2g}. Ask within_reach for counts and sums or nearest "
            "for fewer of them, lower the limit, or take fewer rows at a time"
        )
