"""The published lists: items and headings as data, each with its source and its mark."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from communityplan.errors import OptionError
from communityplan.menu.items import check_menu
from communityplan.tables import record

__all__ = ["MENUS", "menu_groups", "menu_items"]

MENUS = ("national_2020", "chongqing_2019")
"""Lists that are shipped; of Chongqing's only the headings are public."""


def menu_items(name: str = "national_2020") -> pd.DataFrame:
    """The items of a published list, without prices.

    Parameters
    ----------
    name : str
        One of `MENUS`.

    Returns
    -------
    DataFrame
        As from `check_menu`. ``source`` and ``verified`` (seen in that source) stand with every
        item; ``group`` is the Chinese heading. Prices and quantities are missing, since none are
        published: they are for the local list. A list whose items are not public has no rows.

    Raises
    ------
    OptionError
        For a list that is not shipped.

    Examples
    --------
    >>> items = menu_items("national_2020")
    >>> items["class"].value_counts(sort=False).to_dict()
    {'basic': 16, 'improving': 14, 'upgrading': 11}
    >>> int(items["unit_cost_yuan"].notna().sum()), len(menu_items("chongqing_2019"))
    (0, 0)
    """
    book = _book(name)
    rows = [
        {
            "item_id": item["id"],
            "name": item["zh"],
            "name_en": item["en"],
            "class": kind,
            "group": book["groups"][group]["zh"],
            "effect": item.get("effect", ""),
            "effect_with": item.get("effect_with", ""),
            "source": f"{book['list']['number']}: {book['sources'][part['source']]}",
            "verified": part["verified"],
        }
        for kind, groups in book.get("classes", {}).items()
        for group, part in groups.items()
        for item in part["items"]
    ]
    menu = check_menu(pd.DataFrame(rows, columns=None if rows else ["item_id", "name"]))
    return record(menu, list=name, number=book["list"]["number"])


def menu_groups(name: str) -> pd.DataFrame:
    """The headings of a published list.

    Parameters
    ----------
    name : str
        One of `MENUS`.

    Returns
    -------
    DataFrame
        ``group``, ``zh``, ``en``, ``part`` (comprehensive or management in Chongqing),
        ``items_in_part`` (how many items the document is said to have, missing where not said),
        ``items_known``, ``source``.

    Raises
    ------
    OptionError
        For a list that is not shipped.

    Examples
    --------
    >>> headings = menu_groups("chongqing_2019")
    >>> headings.groupby("part", sort=False)["items_in_part"].first().to_dict()
    {'comprehensive': 39, 'management': 25}
    """
    book = _book(name)
    known = menu_items(name)["group"].value_counts()
    counts = book.get("counts", {})
    rows = [
        {
            "group": key,
            "zh": group["zh"],
            "en": group["en"],
            "part": group.get("part", ""),
            "items_in_part": counts.get(group.get("part")),
            "items_known": int(known.get(group["zh"], 0)),
            "source": "; ".join(book["sources"].values()),
        }
        for key, group in book["groups"].items()
    ]
    table = pd.DataFrame(rows).astype({"items_in_part": "Int64"})
    return record(table, list=name, number=book["list"]["number"])


@cache
def _book(name: str) -> dict[str, Any]:
    if name not in MENUS:
        raise OptionError(
            f"no list {name!r}; shipped are {', '.join(MENUS)}; read_menu reads yours"
        )
    text = files("communityplan.menu").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
