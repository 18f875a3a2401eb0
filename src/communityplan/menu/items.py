"""The menu of renovation items: what a list has to hold, and everything that is wrong with one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Unpack

import pandas as pd

from communityplan.errors import DataError, Problem
from communityplan.finance import PAYERS
from communityplan.finance.shares import PAYER_WORDS
from communityplan.load.lists import (
    Reading,
    name_rows,
    read_list,
    refuse_rows,
    texts_in,
    told_share,
)
from communityplan.menu.effects import effect_kind, effect_problems
from communityplan.menu.links import link_problems, names_in
from communityplan.tables import Column, Table, as_flags, find_problems, record, used

__all__ = ["CLASSES", "MENU", "NATURES", "SHARES", "check_menu", "read_menu"]

CLASSES = {
    "basic": ("basic", "基础类", "基础"),
    "improving": ("improving", "完善类", "完善"),
    "upgrading": ("upgrading", "提升类", "提升"),
}
"""National classes (国办发〔2020〕23号) with the words that name them."""
NATURES = {
    "basic": ("basic", "基本项", "基本", "基本项目"),
    "additional": ("additional", "增加项", "增加", "增加项目"),
    "overall": ("overall", "统筹实施项", "统筹项", "统筹", "统筹实施"),
}
"""Chongqing's classes (渝建〔2019〕360号) with the words that name them."""
SHARES = tuple(f"share_{payer}" for payer in PAYERS)
"""Columns of the shares that each side pays of an item."""

_PAYERS_ZH = {payer: words[0] for payer, words in PAYER_WORDS.items()}
MENU = Table(
    "menu",
    "改造项目菜单",
    (),
    key="item_id",
    required={"item_id": Column("key", "项目编号"), "name": Column("name", "项目名称")},
    optional={
        "class": Column("basic, improving or upgrading", "类别"),
        "name_en": Column("name in English", "英文名"),
        "nature": Column("basic, additional or overall (Chongqing)", "项目性质"),
        "group": Column("major item it belongs to", "大类"),
        "community_id": Column("community it is offered to, empty for all", "小区编号"),
        "unit": Column("unit that is counted", "计量单位"),
        "unit_en": Column("the same in English", "英文单位"),
        "unit_cost_yuan": Column(
            "cost of one unit, empty where not known", "单价", "yuan", "amount"
        ),
        "quantity": Column("units", "数量", "", "amount"),
        "depends_on": Column("items that have to be done with it, joined by ;", "前置项目"),
        "excludes": Column("items that cannot be done with it, joined by ;", "互斥项目"),
        "effect": Column("measure of a scenario that it is", "作用"),
        "effect_with": Column("parameters of that measure", "作用参数"),
        **{
            f"share_{payer}": Column(f"share that {payer} pays", f"{zh}出资比例")
            for payer, zh in _PAYERS_ZH.items()
        },
        "source": Column("where the item stands", "来源"),
        "verified": Column("seen in that source", "已核实", "", "flag"),
        "note": Column("note", "备注"),
    },
)
_HEADINGS = {
    "item_id": ("编号", "序号", "代码", "item", "id"),
    "name": ("项目", "名称", "改造内容", "改造项目", "内容"),
    "class": ("分类", "改造类别", "项目类别", "category"),
    "nature": ("性质", "项目属性"),
    "group": ("大项", "major_item"),
    "unit": ("单位",),
    "unit_cost_yuan": ("单价", "综合单价", "unit_cost"),
    "quantity": ("工程量", "amount"),
    "depends_on": ("依赖项目", "依赖", "前置"),
    "excludes": ("互斥", "排斥项目"),
    "effect": ("措施", "空间作用"),
    "effect_with": ("措施参数", "参数"),
    **{f"share_{payer}": (f"{zh}比例", f"{zh}承担比例") for payer, zh in _PAYERS_ZH.items()},
    "community_id": ("小区", "所属小区"),
}


def read_menu(path: str | Path, **how: Unpack[Reading]) -> pd.DataFrame:
    r"""A local list of renovation items from CSV or XLSX, checked.

    Parameters
    ----------
    path : str or Path
    **how : Reading
        ``columns``, ``encoding``, ``sheet`` as in `load.lists.read_list`.

    Returns
    -------
    DataFrame
        As from `check_menu`, on the rows of the file.

    Raises
    ------
    TableError, DataError
        Everything that is wrong, with its row in the file.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "menu.csv"
    >>> _ = path.write_text("项目编号,项目名称,类别,单价(万元),数量\n1,屋面防水,基础类,2,3\n",
    ...     encoding="utf-8")
    >>> read_menu(path)[["item_id", "class", "unit_cost_yuan"]].values.tolist()
    [['1', 'basic', 20000.0]]
    """
    return check_menu(read_list(path, MENU, headings=_HEADINGS, **how))


def check_menu(menu: pd.DataFrame) -> pd.DataFrame:
    """A menu in its normal form, or one error with everything that is wrong with it.

    Parameters
    ----------
    menu : DataFrame
        One row per item, as `MENU`: ``item_id``, ``name``, ``class`` or ``nature``, and what else
        is known. Classes may be written in Chinese, shares as ``60%``, ``0.6`` or ``3/5``.

    Returns
    -------
    DataFrame
        Every column of `MENU`: classes by their keys, shares as fractions of 1 (missing where not
        given), ``depends_on`` and ``excludes`` joined by ``;``, ``verified`` no unless said.
        A price or quantity that is not given stays missing; there is no default.

    Raises
    ------
    DataError
        Lists with their rows: keys that are missing or repeated, unknown classes and effects,
        negative prices, dependencies on unknown items, on themselves (through others too) or on
        what they exclude, shares that cannot be read or go over 100 %.

    Examples
    --------
    >>> import pandas as pd
    >>> lift = {"item_id": "lift", "name": "加装电梯", "class": "完善类", "depends_on": "lift"}
    >>> check_menu(pd.DataFrame([lift]))
    Traceback (most recent call last):
    ...
    communityplan.errors.DataError: 1 problem in the input:
      - menu, row 1: item 'lift' depends on itself. Take it out of its own depends_on
    """
    problems = find_problems(menu, MENU)
    if any(name not in menu.columns for name in MENU.required):
        raise DataError(problems)
    places = name_rows(menu, "menu")
    plain = pd.DataFrame(index=menu.index)
    for name, column in MENU.columns.items():
        if column.kind == "text":
            plain[name] = texts_in(menu, name)
    for place, one, other in zip(places, plain["class"], plain["nature"], strict=True):
        if not one and not other:
            todo = f"Give one of {', '.join(CLASSES)}, or a nature: {', '.join(NATURES)}"
            problems.append(Problem(place, "neither class nor nature is given", todo))
    for name, known in (("class", CLASSES), ("nature", NATURES)):
        plain[name], wrong = _words(plain[name], known, name, places)
        problems += wrong
    for name in ("depends_on", "excludes"):
        plain[name] = [";".join(names_in(cell)) for cell in plain[name]]
    problems += link_problems(plain, places)
    problems += effect_problems(plain, places)
    plain["effect"] = plain["effect"].map(effect_kind)
    shares, wrong = _shares(plain, places)
    problems += wrong
    refuse_rows(problems, places)
    for name in SHARES:
        plain[name] = shares[name]
    for name in ("unit_cost_yuan", "quantity"):
        plain[name] = pd.to_numeric(menu[name]).astype(float) if name in menu else float("nan")
    plain["verified"] = as_flags(menu["verified"]) if "verified" in menu else False
    others = [name for name in menu.columns if name not in MENU.columns]
    return record(plain[list(MENU.columns)].join(menu[others]), **used(menu))


def _words(
    cells: Iterable[str], known: Mapping[str, Sequence[str]], name: str, places: Sequence[str]
) -> tuple[list[str], list[Problem]]:
    """The key of every word; empty cells stay empty."""
    cells = list(cells)
    meant = {word: key for key, words in known.items() for word in words} | {"": ""}
    found = [meant.get(cell.lower()) for cell in cells]
    said = ", ".join(f"{key} ({words[1]})" for key, words in known.items())
    wrong = [
        Problem(place, f"{name} is {cell!r}", f"Give one of {said}")
        for place, cell, key in zip(places, cells, found, strict=True)
        if key is None
    ]
    return [key or "" for key in found], wrong


def _shares(
    plain: pd.DataFrame, places: Sequence[str]
) -> tuple[dict[str, list[float]], list[Problem]]:
    """The shares of every item, each at most 1 and together at most 1, exactly."""
    read: dict[str, list[float]] = {name: [] for name in SHARES}
    problems: list[Problem] = []
    for row, place in enumerate(places):
        own = {name: told_share(plain[name].iloc[row], name, place, problems) for name in SHARES}
        together = sum((share for share in own.values() if share is not None), Fraction(0))
        if together > 1:
            found = f"the shares add up to {float(100 * together):.10g} %"
            problems.append(Problem(place, found, "Shares of one item are at most 100 % in all"))
        for name, share in own.items():
            read[name].append(float("nan") if share is None else float(share))
    return read, problems
