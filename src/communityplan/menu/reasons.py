"""Why an item is chosen or left out, in one word and in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from communityplan.menu.links import asked_with
from communityplan.wording import word

__all__ = ["Standing", "reason"]


@dataclass(frozen=True)
class Standing:
    """A choice, and everything that speaks for or against an item.

    Attributes
    ----------
    chosen, required, refused, no_price, no_quantity : frozenset of str
    is_basic : mapping of str to bool
    weight : mapping of str to int
    cost : mapping of str to Fraction
        [yuan].
    left : Fraction
        Money that is left [yuan].
    depends : mapping of str to sequence of str
    excluded : frozenset of pairs
    names : mapping of str to mapping of str to str
        Name of each item, by language.
    """

    chosen: frozenset[str]
    required: frozenset[str]
    refused: frozenset[str]
    no_price: frozenset[str]
    no_quantity: frozenset[str]
    is_basic: Mapping[str, bool]
    weight: Mapping[str, int]
    cost: Mapping[str, Fraction]
    left: Fraction
    depends: Mapping[str, Sequence[str]]
    excluded: frozenset[frozenset[str]]
    names: Mapping[str, Mapping[str, str]]


def reason(item: str, now: Standing) -> dict[str, object]:
    """Columns ``why``, ``why_of``, ``lacking_yuan``, ``zh`` and ``en`` of one item."""
    why, others, lacking = _chosen(item, now) if item in now.chosen else _left_out(item, now)
    said = {}
    for lang, names in now.names.items():
        joint = word("menu.joint", lang)
        listed = joint.join(names[other] for other in others)
        yuan = "" if lacking is None else f"{float(lacking):,.0f}"
        said[lang] = word(f"menu.{why}", lang, item=names[item], others=listed, yuan=yuan)
    amount = float("nan") if lacking is None else float(lacking)
    return {"why": why, "why_of": ";".join(others), "lacking_yuan": amount, **said}


Reason = tuple[str, list[str], Fraction | None]


def _chosen(item: str, now: Standing) -> Reason:
    if item in now.required:
        return "required", [], None
    if now.is_basic[item]:
        return "basic", [], None
    if now.weight[item]:
        return "asked", [], None
    by = [other for other in now.depends if other in now.chosen and item in now.depends[other]]
    return "needed_by", by, None


def _left_out(item: str, now: Standing) -> Reason:
    for why, items in (
        ("refused", now.refused),
        ("no_price", now.no_price),
        ("no_quantity", now.no_quantity),
    ):
        if item in items:
            return why, [], None
    with_it = asked_with(item, now.depends)
    unusable = now.refused | now.no_price | now.no_quantity
    lacking = [other for other in with_it if other in unusable]
    if lacking:
        return "needs", lacking, None
    if not (now.is_basic[item] or now.weight[item]):
        return "nobody_asked", [], None
    against = [
        other
        for other in now.depends
        if other in now.chosen and any(frozenset((other, one)) in now.excluded for one in with_it)
    ]
    if against:
        return "excluded_by", against, None
    more = sum((now.cost[one] for one in with_it if one not in now.chosen), Fraction(0))
    return "money", [], more - now.left
