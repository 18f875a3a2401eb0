"""Work shared between threads, in pieces that they take as they come."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TypeVar

__all__ = ["together"]

Piece = TypeVar("Piece")

_pools: list[ThreadPoolExecutor] = []

if hasattr(os, "register_at_fork"):
    # the threads of a pool are not there in a forked process
    os.register_at_fork(after_in_child=_pools.clear)


def together(
    work: Callable[[Iterator[Piece]], None], pieces: Sequence[Piece], threads: int
) -> None:
    """Have pieces of work done by this thread and by helpers, as far as they are free.

    Nobody waits for a helper that has not begun: on a busy machine this thread does it all.

    Parameters
    ----------
    work : callable
        Called by each thread with the pieces it takes, which come one at a time.
    pieces : sequence
        Each goes to one thread.
    threads : int
        How many threads there may be.
    """
    numbers = count()
    left = list(pieces)

    def taken() -> Iterator[Piece]:
        # the next number is drawn in one step of the interpreter
        for number in numbers:
            if number >= len(left):
                return
            yield left[number]

    helpers = [_pool().submit(work, taken()) for _ in range(min(threads, len(left)) - 1)]
    try:
        work(taken())
    except BaseException:
        left.clear()
        raise
    finally:
        begun = [helper for helper in helpers if not helper.cancel()]
        failed = [error for helper in begun if (error := helper.exception()) is not None]
    if failed:
        raise failed[0]


def _pool() -> ThreadPoolExecutor:
    if not _pools:
        _pools.append(ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="communityplan"))
    return _pools[0]
