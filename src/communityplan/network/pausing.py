"""Building large tables without stopping to look for garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["collecting_paused"]


@contextmanager
def collecting_paused() -> Iterator[None]:
    """Put off the search for cyclic garbage; also a decorator.

    Reading a city makes many objects and no cycles among them; each search through everything that
    is loaded takes as long as reading a district.

    Examples
    --------
    >>> import gc
    >>> from communityplan.network.pausing import collecting_paused
    >>> with collecting_paused():
    ...     gc.isenabled()
    False
    >>> gc.isenabled()
    True
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
