"""What an item does to network and services: a measure of a scenario, written in two cells."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from communityplan.errors import DataError, OptionError, Problem
from communityplan.load.lists import name_rows
from communityplan.scenario import (
    Measure,
    Scenario,
    add_crossing,
    add_facility,
    add_gate,
    add_lift,
    add_path,
    close_gate,
    open_gate,
    remove_wall,
    retime_gate,
)

__all__ = ["EFFECTS", "effect_kind", "effect_problems", "menu_scenario"]


@dataclass(frozen=True)
class _Effect:
    """One kind of measure: its words, its parameters, and how it is made of them."""

    words: tuple[str, ...]
    make: Callable[..., Measure]
    needed: tuple[str, ...]
    others: tuple[str, ...] = ()
    each: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.needed, *self.others)


EFFECTS = {
    "open_gate": _Effect(("开门", "开放出入口"), open_gate, ("gate_id",), ("who",), "gate_id"),
    "close_gate": _Effect(("关闭出入口",), close_gate, ("gate_id",), (), "gate_id"),
    "retime_gate": _Effect(
        ("调整开放时间",),
        retime_gate,
        ("gate_id",),
        ("open_from", "open_until", "wait_s"),
        "gate_id",
    ),
    "remove_wall": _Effect(
        ("拆墙", "拆除围墙"), remove_wall, (), ("wall_id", "community_id", "between"), "wall_id"
    ),
    "add_gate": _Effect(("增设出入口",), add_gate, ("point",), ("who", "wait_s")),
    "add_path": _Effect(
        ("增设通道", "加路"), add_path, ("line",), ("steps", "access", "opens", "join_within_m")
    ),
    "add_crossing": _Effect(("增设过街",), add_crossing, ("line",), ("join_within_m",)),
    "add_facility": _Effect(("增设设施",), add_facility, ("service", "where"), ("capacity",)),
    "add_lift": _Effect(("加装电梯",), add_lift, ("home_ids",)),
}
"""Measures that an item can be, by the function of `scenario` that makes them."""

_MEANT = {word: kind for kind, effect in EFFECTS.items() for word in (kind, *effect.words)}
_NUMBERS = ("wait_s", "join_within_m", "capacity")
_LISTS = ("gate_id", "wall_id", "home_ids")


def effect_problems(menu: pd.DataFrame, places: Sequence[str]) -> list[Problem]:
    """Effects and parameters that are not known; effects that are not complete yet are not."""
    problems = []
    for place, kind, cell in zip(places, menu["effect"], menu["effect_with"], strict=True):
        if not kind and cell:
            todo = f"Name the effect: {', '.join(EFFECTS)}"
            problems.append(Problem(place, "effect_with is given without effect", todo))
        elif kind and kind not in _MEANT:
            problems.append(Problem(place, f"effect is {kind!r}", f"Give one of {_said()}"))
        elif kind:
            problems += _parameter_problems(_MEANT[kind], cell, place)
    return problems


def effect_kind(cell: str) -> str:
    """The kind of measure that a word means; the word itself where it is not known."""
    return _MEANT.get(cell, cell)


def _said() -> str:
    return ", ".join(f"{kind} ({effect.words[0]})" for kind, effect in EFFECTS.items())


def _parameter_problems(kind: str, cell: str, place: str) -> list[Problem]:
    effect = EFFECTS[kind]
    try:
        given = _parameters(cell)
    except ValueError as error:
        todo = f"Write name=value, joined by ;, of {', '.join(effect.names)}"
        return [Problem(place, f"effect_with has {str(error)!r}", todo)]
    strangers = [name for name in given if name not in effect.names]
    if strangers:
        found = f"{kind} has no parameter {', '.join(map(repr, strangers))}"
        return [Problem(place, found, f"Its parameters are {', '.join(effect.names)}")]
    if any(name not in given for name in effect.needed) or not given:
        # a national list says what an item is; where it is done is for the local list to say
        return []
    try:
        _measures(kind, given)
    except (OptionError, ValueError) as error:
        return [Problem(place, f"effect_with of {kind}: {error}", "Correct its parameters")]
    return []


def menu_scenario(menu: pd.DataFrame, *, name: str = "改造菜单", name_en: str = "Menu") -> Scenario:
    """The measures of the items that were chosen, to be handed to `scenario.apply`.

    Parameters
    ----------
    menu : DataFrame
        As from `choose_menu`; of a table without ``chosen``, as from `check_menu`, all items.
    name, name_en : str
        What the scenario is called.

    Returns
    -------
    Scenario
        Without measures where no item chosen has an effect.

    Raises
    ------
    DataError
        Lists the items, with their rows, whose effect lacks a parameter.

    Notes
    -----
    Points and lines are well-known text in the coordinates of the tables [m].

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.menu import check_menu
    >>> menu = check_menu(pd.DataFrame([{"item_id": "gate", "name": "开放东门", "class": "完善类",
    ...     "effect": "开门", "effect_with": "gate_id=G04,G07"}]))
    >>> menu_scenario(menu).told()
    ("open_gate(gate_id='G04', who='everyone')", "open_gate(gate_id='G07', who='everyone')")
    """
    measures: list[Measure] = []
    problems = []
    is_done = menu["chosen"].astype(bool) if "chosen" in menu else [True] * len(menu)
    rows = zip(
        is_done, name_rows(menu, "menu"), menu["item_id"], menu["effect"], menu["effect_with"],
        strict=True,
    )  # fmt: skip
    for done, place, item, cell, parameters in rows:
        if not (done and cell):
            continue
        kind, given = effect_kind(cell), _parameters(parameters)
        lacking = [one for one in EFFECTS[kind].needed if one not in given]
        if lacking or not given:
            needed = ", ".join(lacking or EFFECTS[kind].names)
            found = f"item {item!r} is chosen, but its effect {kind} has no {needed}"
            problems.append(Problem(place, found, f"Give it in effect_with, as {needed}=..."))
        else:
            measures += _measures(kind, given)
    if problems:
        raise DataError(problems)
    return Scenario(name, name_en, tuple(measures))


def _parameters(cell: str) -> dict[str, str]:
    """The parameters of a cell, ``name=value`` joined by ``;``."""
    found = {}
    for part in re.split("[;；]", cell):
        name, sign, value = unicodedata.normalize("NFKC", part).partition("=")
        if part.strip():
            if not sign or not name.strip() or not value.strip():
                raise ValueError(part.strip())
            found[name.strip()] = value.strip()
    return found


def _measures(kind: str, given: dict[str, str]) -> list[Measure]:
    effect = EFFECTS[kind]
    values = {name: _value(name, cell) for name, cell in given.items()}
    if kind == "add_lift":
        return [add_lift(values["home_ids"])]
    if kind == "add_facility":
        return [add_facility(values.pop("where"), values.pop("service"), **values)]
    if effect.each not in values:
        return [effect.make(**values)]
    several = values.pop(effect.each)
    return [effect.make(**{effect.each: one}, **values) for one in several]


def _value(name: str, cell: str) -> Any:
    if name in _NUMBERS:
        return float(cell)
    if name in _LISTS:
        return [part.strip() for part in re.split("[,、|]", cell) if part.strip()]
    if name == "steps":
        return cell.lower() in ("yes", "true", "1", "是", "有")
    if name == "between":
        return tuple(part.strip() for part in cell.split("|"))
    return cell
