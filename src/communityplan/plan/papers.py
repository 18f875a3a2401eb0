"""The lists that a plan needs beside its maps, read before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from communityplan.checkup.prongs import ProngRule, read_prong_rule
from communityplan.consent import consent_stages, read_owners, read_votes
from communityplan.errors import DataError, OptionError, Problem
from communityplan.finance import ShareRule
from communityplan.finance.shares import read_funding, read_share_rules
from communityplan.indicators import read_indicators
from communityplan.load.lists import read_list
from communityplan.menu import MENUS, menu_items, read_menu, read_preferences
from communityplan.project import Project
from communityplan.tables import PRICES

__all__ = ["Papers", "read_papers"]


@dataclass(frozen=True)
class Papers:
    """Lists of a project, each as its room reads it; None where the project names none.

    Attributes
    ----------
    items, preferences : DataFrame or None
        The menu, and what residents ask for.
    owners, votes : DataFrame or None
    status : DataFrame or None
        The state of every gate, counted from these.
    sources : DataFrame or None
        Who pays.
    rules : list of ShareRule
        Rules on the shares of those who pay.
    prices : DataFrame or None
        What services cost and earn.
    table : DataFrame or None
        The indicators.
    rule : ProngRule or None
        When a community is renovated as a whole.
    """

    items: pd.DataFrame | None = None
    preferences: pd.DataFrame | None = None
    owners: pd.DataFrame | None = None
    votes: pd.DataFrame | None = None
    status: pd.DataFrame | None = None
    sources: pd.DataFrame | None = None
    rules: tuple[ShareRule, ...] = ()
    prices: pd.DataFrame | None = None
    table: pd.DataFrame | None = None
    rule: ProngRule | None = None


def _prices(path: Any) -> pd.DataFrame:
    return read_list(path, PRICES, headings={})


def _items(given: Any) -> pd.DataFrame:
    return menu_items(given) if given in MENUS else read_menu(given)


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "items": _items,
    "preferences": read_preferences,
    "owners": read_owners,
    "votes": read_votes,
    "sources": read_funding,
    "rules": lambda path: tuple(read_share_rules(path)),
    "prices": _prices,
    "table": read_indicators,
    "rule": read_prong_rule,
}
"""How the file of each key is read."""

_NEEDED = {
    "menu": ("items", "budget_yuan"),
    "consent": ("owners", "votes"),
    "funding": ("sources",),
    "operation": ("prices", "years"),
    "indicators": ("table",),
}
"""What a step cannot do without."""


def read_papers(project: Project, steps: set[str] | None = None) -> Papers:
    """Every list that the steps of a plan need, or one error with everything that is wrong.

    Parameters
    ----------
    project : Project
    steps : set of str, optional
        Those of the project unless given.

    Returns
    -------
    Papers

    Raises
    ------
    DataError
        Lists every problem of every file with its row, and what a step lacks.
    """
    asked = set(project.steps) if steps is None else steps
    problems: list[Problem] = []
    read: dict[str, Any] = {}
    for step in sorted(asked & set(_NEEDED) | asked & {"prongs"}):
        options = project.steps.get(step, {})
        for key in _NEEDED.get(step, ()):
            if key not in options:
                todo = f"Give it in the project file, [{step}] {key} = ..."
                problems.append(Problem(f"[{step}]", f"no {key}", todo))
        for key, given in options.items():
            if key in _READERS and not isinstance(given, pd.DataFrame):
                try:
                    read[key] = _READERS[key](given)
                except DataError as error:
                    problems += error.problems
                except OptionError as error:
                    problems.append(Problem(f"[{step}], {key}", str(error), "Mend the entry"))
            elif key in _READERS:
                read[key] = given
    if "owners" in read and "votes" in read:
        # counted at once, so that votes for unknown flats are told with everything else
        try:
            read["status"] = _counted(read["owners"], read["votes"], project.steps["consent"])
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    return Papers(**read)


def _counted(owners: pd.DataFrame, votes: pd.DataFrame, asked: Mapping[str, Any]) -> pd.DataFrame:
    """The state of every gate that the plan must pass."""
    names = ("gates", "deadline", "repeated", "closed", "total_area_m2")
    return consent_stages(owners, votes, **{key: asked[key] for key in names if key in asked})
