"""What was chosen: which sites open, whom they serve, and how far from the best it may be."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd

__all__ = ["Choice", "relative_gap"]

_MODELS = {
    "set_covering": ("集合覆盖（LSCP）", "set covering (LSCP)"),
    "maximal_covering": ("最大覆盖（MCLP）", "maximal covering (MCLP)"),
    "p_median": ("p-中位", "p-median"),
    "p_center": ("p-中心", "p-center"),
    "programme": ("闲置房屋与服务配置", "services in idle buildings"),
}
_OBJECTIVES = {
    "sites": ("设施数", "sites"),
    "people covered": ("新增覆盖人数", "people newly covered"),
    "person-minutes": ("总步行时间（人·分钟）", "people times minutes walked"),
    "longest walk": ("最长步行时间", "longest walk"),
    "weighted people": ("新增服务人数（加权）", "people newly served, weighted"),
}
_MOST_ROWS = 12


@dataclass(frozen=True, eq=False)
class Choice:
    """The result of a siting model, with what proves it.

    Attributes
    ----------
    model : str
        Which model: ``"set_covering"``, ``"maximal_covering"``, ``"p_median"``, ``"p_center"`` or
        ``"programme"``.
    opened : DataFrame
        One row per site that opens (of a programme: per building and service, with its year).
    served : DataFrame
        Who goes where: ``from_id``, ``to_id``, ``people``, ``walk_min`` [min] (of a programme with
        ``service``). Somebody with a choice goes to the nearest, ties to the lower id.
    not_served : DataFrame
        Who goes nowhere: ``from_id``, ``people`` and ``reason``: ``"no_site_in_reach"``,
        ``"not_chosen"`` or ``"full"``.
    objective : float
        Value of what was optimised [`unit`].
    bound : float
        What no choice can beat [`unit`].
    gap : float
        Distance of the two over the larger one; 0 where the choice is proven to be the best.
    objective_name, unit : str
        What was optimised, and in what.
    is_maximum : bool
        Whether more is better.
    people : float
        People looked at, served or not [persons].
    people_covered : float
        Of these, people with a site, opened or existing [persons].
    sites : list
        Ids of what opens, sorted.
    method : {"exact", "greedy"}
        How it was sought.
    is_interrupted : bool
        Whether the user stopped the search.
    curve : DataFrame or None
        Of a programme: the best for each of several budgets.
    worth : DataFrame or None
        Of a programme: what more money or floor area buys.
    """

    model: str
    opened: pd.DataFrame
    served: pd.DataFrame
    not_served: pd.DataFrame
    objective: float
    bound: float
    gap: float
    objective_name: str
    unit: str
    is_maximum: bool
    people: float
    people_covered: float
    sites: list[Hashable]
    method: str = "exact"
    is_interrupted: bool = False
    curve: pd.DataFrame | None = None
    worth: pd.DataFrame | None = None

    @property
    def is_proven(self) -> bool:
        """Whether no choice can be better."""
        return self.gap == 0.0

    @property
    def status(self) -> str:
        """How good the choice is known to be, in English."""
        return self._status()[1]

    @property
    def status_zh(self) -> str:
        """How good the choice is known to be, in Chinese."""
        return self._status()[0]

    def _status(self) -> tuple[str, str]:
        if self.is_proven:
            return "已证明最优", "proven optimal"
        gap = f"{100 * self.gap:.2g} %"
        if self.is_interrupted:
            return f"被中断：差距不超过 {gap}", f"interrupted: gap {gap}"
        if self.method == "greedy":
            return f"贪心法：差距不超过 {gap}", f"greedy: gap {gap}"
        return f"到达时限：差距不超过 {gap}", f"stopped at the time limit: gap {gap}"

    def __repr__(self) -> str:
        return (
            f"<Choice {self.model}: {_number(self.objective)} {self.unit}, "
            f"{len(self.sites)} sites, {_number(self.people_covered)} of "
            f"{_number(self.people)} people, {self.status}>"
        )

    def _repr_html_(self) -> str:
        """The result as a notebook shows it, in Chinese and English."""
        zh_model, en_model = _MODELS[self.model]
        zh_goal, en_goal = _OBJECTIVES[self.objective_name]
        lines = [
            f"<b>{zh_model} · {en_model}</b>",
            f"{zh_goal} · {en_goal}: <b>{_number(self.objective)}</b> {escape(self.unit)}",
            f"{self.status_zh} · {self.status}",
            f"覆盖人数 · people covered: {_number(self.people_covered)} / {_number(self.people)}",
        ]
        hidden = len(self.opened) - _MOST_ROWS
        if hidden > 0:
            lines.append(f"另有 {hidden} 行未显示 · {hidden} more rows not shown")
        table = self.opened.head(_MOST_ROWS).round(1).to_html(index=False, border=0)
        return "<div>" + "<br>".join(lines) + str(table) + "</div>"


def relative_gap(objective: float, bound: float) -> float:
    """Distance of an objective and its bound over the larger one, 0 where they agree.

    Examples
    --------
    >>> from communityplan.allocation.choice import relative_gap
    >>> relative_gap(95.0, 100.0)
    0.05
    """
    larger = max(abs(objective), abs(bound))
    distance = abs(bound - objective)
    if distance <= 1e-9 * larger:
        return 0.0
    return distance / larger


def _number(value: Any) -> str:
    """With a thousands separator, and decimals only where there are any."""
    rounded = round(float(value), 1)
    return f"{rounded:,.0f}" if rounded == int(rounded) else f"{rounded:,.1f}"
