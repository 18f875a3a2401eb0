"""What can go wrong, in the user's terms: one error that lists every problem at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "CommunityPlanError",
    "DataError",
    "MissingLibraryError",
    "OptionError",
    "Problem",
    "TableError",
    "TooLargeError",
]

MOST_SHOWN = 30


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with an input: where it is, what was found, what to do.

    Attributes
    ----------
    where : str
        File, layer or table, and the row where there is one.
    found : str
        What is there.
    todo : str
        What the user can do about it.
    """

    where: str
    found: str
    todo: str

    def __str__(self) -> str:
        return f"{self.where}: {self.found}. {self.todo}"


class CommunityPlanError(Exception):
    """Parent of every error that this package raises on purpose."""


class DataError(CommunityPlanError, ValueError):
    """Inputs that cannot be used; the message lists every problem, `problems` holds them.

    Parameters
    ----------
    problems : sequence of Problem
        Everything that is wrong, in the order of the input.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        shown = [f"  - {problem}" for problem in self.problems[:MOST_SHOWN]]
        hidden = len(self.problems) - len(shown)
        if hidden:
            shown.append(f"  - and {hidden} more of the same kinds")
        count = len(self.problems)
        heading = f"{count} problem{'' if count == 1 else 's'} in the input:"
        super().__init__("\n".join([heading, *shown]))


class TableError(DataError):
    """A table that breaks its contract (see `communityplan.tables`)."""


class OptionError(CommunityPlanError, ValueError):
    """An argument with a value that has no meaning, or that contradicts another one."""


class TooLargeError(CommunityPlanError, MemoryError):
    """A job that would not fit in memory; the message says what would."""


class MissingLibraryError(CommunityPlanError, ImportError):
    """An optional library that is not installed; the message names the extra to install."""
