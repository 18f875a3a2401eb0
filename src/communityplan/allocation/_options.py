"""Options that several models share, refused in one sentence each."""

from __future__ import annotations

import math

from communityplan.allocation._reach import Reach, Sites
from communityplan.errors import OptionError

__all__ = ["check_count", "check_limit", "check_method", "check_time"]

METHODS = ("exact", "greedy")


def check_count(n_sites: int, reach: Reach, sites: Sites) -> None:
    """Refuse a number of sites that cannot be opened.

    Raises
    ------
    OptionError
        Not a whole number from 1, more than the candidates, or fewer than the required sites.
    """
    if isinstance(n_sites, bool) or int(n_sites) != n_sites or n_sites < 1:
        raise OptionError(f"n_sites is {n_sites}; give a whole number, 1 or more")
    free = len(sites.free)
    if n_sites > free:
        raise OptionError(
            f"n_sites is {n_sites}, but walks has only {free} candidates that are not existing; "
            "give fewer sites or more candidates"
        )
    if n_sites < len(sites.required):
        raise OptionError(
            f"n_sites is {n_sites}, but {len(sites.required)} sites are required; "
            "raise n_sites or require fewer"
        )


def check_limit(name: str, minutes: float) -> None:
    """Refuse a limit that is not a number of minutes above 0."""
    if not (math.isfinite(minutes) and minutes > 0):
        raise OptionError(f"{name} is {minutes}; give minutes above 0")


def check_method(method: str, *, has_capacity: bool = False) -> None:
    """Refuse an unknown method, and greedy where only exact models are offered."""
    if method not in METHODS:
        raise OptionError(f"method is {method!r}; known are {', '.join(METHODS)}")
    if method == "greedy" and has_capacity:
        raise OptionError("method 'greedy' knows no capacity; use 'exact'")


def check_time(time_limit_s: float) -> None:
    """Refuse a time limit that is not a number of seconds above 0."""
    is_number = isinstance(time_limit_s, int | float)
    if not is_number or math.isnan(time_limit_s) or time_limit_s <= 0:
        raise OptionError(f"time_limit_s is {time_limit_s}; give seconds above 0")
