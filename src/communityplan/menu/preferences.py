"""What residents ask for: choices of a survey as weights of items."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

import pandas as pd

from communityplan.errors import DataError, Problem
from communityplan.load.lists import Reading, name_rows, read_list
from communityplan.tables import Column, Table, find_problems, record

__all__ = ["preference_weights", "read_preferences"]

PREFERENCES = Table(
    "preferences",
    "居民选择",
    (),
    required={
        "flat_id": Column("who chose", "房号"),
        "item_id": Column("the item chosen", "项目编号"),
    },
)
_HEADINGS = {
    "flat_id": ("房间号", "户号", "受访户", "household_id", "respondent"),
    "item_id": ("项目", "选项", "选择", "item", "choice"),
}


def read_preferences(path: str | Path, **how: Unpack[Reading]) -> pd.DataFrame:
    r"""Choices of a survey from CSV or XLSX, one row for each item that a household asks for.

    Parameters
    ----------
    path : str or Path
    **how : Reading
        ``columns``, ``encoding``, ``sheet`` as in `load.lists.read_list`.

    Returns
    -------
    DataFrame
        ``flat_id``, ``item_id``, on the rows of the file.

    Raises
    ------
    TableError, DataError
        Everything that is wrong, with its row.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "survey.csv"
    >>> _ = path.write_text("房号,项目编号\n101,lift\n", encoding="utf-8")
    >>> read_preferences(path).values.tolist()
    [['101', 'lift']]
    """
    return read_list(path, PREFERENCES, headings=_HEADINGS, **how)


def preference_weights(preferences: pd.DataFrame, menu: pd.DataFrame) -> pd.DataFrame:
    """How many households ask for each item.

    Parameters
    ----------
    preferences : DataFrame
        ``flat_id``, ``item_id``; a household that names an item twice counts once.
    menu : DataFrame
        As from `check_menu`.

    Returns
    -------
    DataFrame
        One row per item of the menu: ``item_id``, ``name``, ``name_en``, ``chosen_by``
        [households], ``respondents`` [households that chose anything], ``share``. The record has
        the rows that were named ``repeated``.

    Raises
    ------
    DataError
        Lists choices of items that the menu does not have, with their rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.menu import menu_items
    >>> asked = pd.DataFrame({"flat_id": ["101", "102", "102"], "item_id": ["lift", "lift", "gas"]})
    >>> weights = preference_weights(asked, menu_items()).set_index("item_id")
    >>> weights.loc[["lift", "gas"], "share"].tolist()
    [1.0, 0.5]
    """
    problems = find_problems(preferences, PREFERENCES)
    known = set(menu["item_id"])
    if not problems:
        places = name_rows(preferences, "preferences")
        for place, item in zip(places, preferences["item_id"].astype(str), strict=True):
            if item not in known:
                todo = "Correct it, or add the item to the menu"
                problems.append(Problem(place, f"{item!r} is no item of the menu", todo))
    if problems:
        raise DataError(problems)
    pairs = preferences[["flat_id", "item_id"]].astype(str)
    is_again = pairs.duplicated()
    counts = pairs[~is_again]["item_id"].value_counts()
    respondents = pairs["flat_id"].nunique()
    table = menu[["item_id", "name", "name_en"]].reset_index(drop=True)
    chosen_by = table["item_id"].map(counts).fillna(0).astype("int64")
    repeated = [place for place, again in zip(places, is_again, strict=True) if again]
    return record(
        table.assign(
            chosen_by=chosen_by,
            respondents=respondents,
            share=chosen_by / respondents if respondents else float("nan"),
        ),
        repeated=repeated,
    )
