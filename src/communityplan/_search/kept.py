"""Compiled code is kept on disk where there is a place; what is damaged there is compiled anew."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from numba import njit

__all__ = ["drop_damaged_code", "kept"]

Function = TypeVar("Function", bound=Callable[..., Any])


def kept(function: Function) -> Function:
    """Have a function compiled at its first call, and the code kept where there is a place."""
    try:
        compiled: Any = njit(cache=True, nogil=True)(function)
    except RuntimeError:
        # neither the package nor the home of the user can be written to
        compiled = njit(nogil=True)(function)
    else:
        drop_damaged_code(compiled.stats.cache_path)
    found: Function = compiled
    return found


def drop_damaged_code(folder: str | None) -> None:
    """Delete kept code whose files break off, such as after a full disk; numba would stop at them.

    Parameters
    ----------
    folder : str or None
        Where numba keeps the code of a module; None where it keeps none.
    """
    for file in Path(folder).glob("*.nb[id]") if folder else ():
        with suppress(OSError):
            # what these files hold always ends with a full stop
            if not file.read_bytes().endswith(b"."):
                file.unlink()
