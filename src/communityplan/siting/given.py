"""What functions of siting are given, looked at before anything else: tables, numbers by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from communityplan.errors import OptionError, Problem, TableError

__all__ = ["number_by_name", "refuse_no_tables"]


def refuse_no_tables(**tables: Any) -> None:
    """Refuse what is no table.

    Raises
    ------
    TableError
        Lists everything that is none.

    Examples
    --------
    >>> from communityplan.siting.given import refuse_no_tables
    >>> refuse_no_tables(idle_buildings=None)
    Traceback (most recent call last):
    ...
    communityplan.errors.TableError: 1 problem in the input:
      - idle_buildings: it is None and no table. Give a table; one without rows where there is none
    """
    problems = [
        Problem(
            name,
            "it is None and no table" if table is None else f"it is {table!r} and no table",
            "Give a table; one without rows where there is none",
        )
        for name, table in tables.items()
        if not isinstance(table, pd.DataFrame)
    ]
    if problems:
        raise TableError(problems)


def number_by_name(given: Mapping[Any, Any], what: str) -> dict[Any, float]:
    """Numbers from 0 up, by name.

    Parameters
    ----------
    given : mapping
    what : str
        What they are called in the message.

    Raises
    ------
    OptionError
        Lists every value that is none.
    """
    if not isinstance(given, Mapping):
        raise OptionError(f"{what} is {given!r}; give a number for each name")
    wrong = [f"{name} is {value!r}" for name, value in given.items() if not _is_amount(value)]
    if wrong:
        raise OptionError(f"{what} cannot be used: {'; '.join(wrong)}; give numbers, 0 or more")
    return {name: float(value) for name, value in given.items()}


def _is_amount(value: Any) -> bool:
    try:
        return 0.0 <= float(value) < math.inf
    except (TypeError, ValueError):
        return False
