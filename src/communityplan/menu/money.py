"""What a choice costs, by class, and who pays for it: tables for `communityplan.finance`."""

from __future__ import annotations

import pandas as pd

from communityplan.finance import PAYERS
from communityplan.tables import record, used
from communityplan.wording import word

__all__ = ["menu_sources", "menu_summary", "menu_uses"]


def menu_uses(chosen: pd.DataFrame) -> pd.DataFrame:
    """The items chosen as uses of money.

    Parameters
    ----------
    chosen : DataFrame
        As from `choose_menu`.

    Returns
    -------
    DataFrame
        ``item`` (its ``item_id``), ``cost_yuan``, to be given to `finance.who_pays`.

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.menu import choose_menu
    >>> roof = {"item_id": "roof", "name": "屋面", "class": "basic", "unit_cost_yuan": 9.0}
    >>> chosen = choose_menu(pd.DataFrame([roof | {"quantity": 2}]), budget_yuan=20)
    >>> menu_uses(chosen).values.tolist()
    [['roof', 18.0]]
    """
    done = chosen[chosen["chosen"]]
    table = pd.DataFrame({"item": done["item_id"], "cost_yuan": done["cost_yuan"]})
    return record(table.reset_index(drop=True), **used(chosen))


def menu_sources(chosen: pd.DataFrame) -> pd.DataFrame:
    """The shares that the menu states for the items chosen.

    Parameters
    ----------
    chosen : DataFrame
        As from `choose_menu`.

    Returns
    -------
    DataFrame
        ``item``, ``payer``, ``share``, one row for each share that is given, to be given to
        `finance.who_pays` beside `menu_uses`.

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.finance.sides import who_pays
    >>> from communityplan.menu import choose_menu
    >>> lift = {"item_id": "lift", "name": "电梯", "class": "improving", "unit_cost_yuan": 80.0}
    >>> menu = pd.DataFrame([lift | {"quantity": 1, "share_government": "25%"}])
    >>> chosen = choose_menu(menu, budget_yuan=100)
    >>> paid = who_pays(menu_uses(chosen), menu_sources(chosen))
    >>> paid.set_index("payer")["amount_yuan"].loc[["government", "unpaid"]].tolist()
    [20.0, 60.0]
    """
    done = chosen[chosen["chosen"]]
    rows = [
        (row["item_id"], payer, row[f"share_{payer}"])
        for row in done.to_dict("records")
        for payer in PAYERS
        if not pd.isna(row[f"share_{payer}"])
    ]
    return record(pd.DataFrame(rows, columns=["item", "payer", "share"]), **used(chosen))


def menu_summary(chosen: pd.DataFrame) -> pd.DataFrame:
    """How much of each class is done, for how much money.

    Parameters
    ----------
    chosen : DataFrame
        As from `choose_menu`.

    Returns
    -------
    DataFrame
        One row per class (or nature, where the choice went by it): ``class``, ``items``,
        ``chosen``, ``cost_yuan``, ``zh``, ``en``.

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.menu import choose_menu
    >>> roof = {"item_id": "roof", "name": "屋面", "class": "basic", "unit_cost_yuan": 9.0}
    >>> chosen = choose_menu(pd.DataFrame([roof | {"quantity": 2}]), budget_yuan=20)
    >>> menu_summary(chosen)["en"].tolist()
    ['basic: 1 of 1 items chosen, 18 yuan.']
    """
    by = str(used(chosen).get("by", "class"))
    rows = []
    for kind, own in chosen.groupby(by, sort=False):
        done = own[own["chosen"]]
        words = {"items": len(own), "chosen": len(done), "yuan": f"{done['cost_yuan'].sum():,.0f}"}
        said = {
            lang: word("menu.summary", lang, kind=word(f"menu.{by}_{kind}", lang), **words)
            for lang in ("zh", "en")
        }
        rows.append(
            {
                "class": kind,
                "items": len(own),
                "chosen": len(done),
                "cost_yuan": float(done["cost_yuan"].sum()),
                **said,
            }
        )
    columns = ["class", "items", "chosen", "cost_yuan", "zh", "en"]
    return record(pd.DataFrame(rows, columns=columns), **used(chosen))
