"""What each item of a menu would bring by itself, in people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from communityplan.menu.effects import menu_scenario
from communityplan.project import Project
from communityplan.scenario import Situation, apply, compare, comparison_totals, situation
from communityplan.standards import Service
from communityplan.tables import record, used
from communityplan.wording import group_word, service_word, word

__all__ = ["menu_gains"]


def menu_gains(
    menu: pd.DataFrame,
    start: Situation | Project | Mapping[str, Any],
    *,
    services: Sequence[str | Service] | None = None,
    minutes: Sequence[float] | None = None,
) -> pd.DataFrame:
    """People that every item with an effect would newly serve, if it alone were done.

    Parameters
    ----------
    menu : DataFrame
        As from `check_menu` or `choose_menu`; every item with an effect is tried, chosen or not.
    start : Situation, Project or mapping of tables
        The district as it stands.
    services, minutes : optional
        As in `scenario.compare`.

    Returns
    -------
    DataFrame
        One row per item, service and limit: ``item_id``, ``name``, ``name_en``, ``chosen`` (where
        the menu has it), ``service``, ``group``, ``within_min`` [min], ``people``,
        ``covered_before``, ``covered_after``, ``gained``, ``lost`` [people], ``minutes_saved``
        [people x min], ``cost_yuan`` (where the menu has it), ``has_effect``, and the sentence in
        ``zh`` and ``en``. Two items can serve the same people: their gains do not add up; what
        several bring together, `scenario.compare` of `menu_scenario` says.

    Raises
    ------
    DataError
        Items whose effect lacks a parameter or names something that is not there.

    Examples
    --------
    >>> import pandas as pd
    >>> import communityplan as cp
    >>> from communityplan.menu import check_menu, menu_gains
    >>> gate = {"item_id": "gate", "name": "开放东门", "class": "improving",
    ...     "effect": "open_gate", "effect_with": "gate_id=G04"}
    >>> gains = menu_gains(check_menu(pd.DataFrame([gate])), cp.load_project("demo"),
    ...     services=["canteen"])
    >>> bool(gains["gained"].iloc[0] > 0), bool(gains["lost"].iloc[0] == 0)
    (True, True)
    """
    now = situation(start)
    rows = menu[menu["effect"] != ""]
    every = menu_scenario(rows.drop(columns="chosen", errors="ignore"))
    facts = [name for name in ("name", "name_en", "chosen", "cost_yuan") if name in menu]
    parts = []
    for at in range(len(rows)):
        own = rows.iloc[[at]]
        item = own.iloc[0]
        after = apply(menu_scenario(own.drop(columns="chosen", errors="ignore")), now)
        part = comparison_totals(compare(now, after, services=services, minutes=minutes))
        part.insert(0, "item_id", item["item_id"])
        for number, name in enumerate(facts, start=1):
            part.insert(number, name, item[name])
        part["has_effect"] = bool(after.effects["has_effect"].any())
        parts.append(part)
    columns = ["item_id", *facts, "service", "group", "within_min", "people", "covered_before"]
    columns += ["covered_after", "gained", "lost", "minutes_saved", "has_effect"]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    table = table[columns]
    said = {lang: [_sentence(row, lang) for row in table.to_dict("records")] for lang in LANGS}
    return record(table.assign(**said), **used(menu), measures=list(every.told()))


LANGS = ("zh", "en")


def _sentence(row: Mapping[Any, Any], lang: str) -> str:
    name = row["name_en"] or row["name"] if lang == "en" else row["name"]
    key = "gains_minutes" if row["minutes_saved"] >= 1 else "gains_none"
    key = "gains" if row["gained"] or row["lost"] else key
    return word(
        f"menu.{key}",
        lang,
        item=name,
        service=service_word(row["service"], lang),
        group=group_word(row["group"], lang),
        minutes=f"{row['within_min']:g}",
        saved=f"{row['minutes_saved']:,.0f}",
        gained=f"{row['gained'] - row['lost']:,.0f}",
    )
