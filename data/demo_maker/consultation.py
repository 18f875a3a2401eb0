"""The papers of a consultation in Changyan Court: menu, survey, votes, funding, indicators.

Everything is synthetic, **every price above all**: no published price was found. The items are
those of the national classes; the counts of homes are those of the map.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

SEED = 20_200_720

NOTE = "合成数据，费用为虚构 synthetic, costs are invented"

STOREYS, FLATS_A_STOREY = 8, 4
AREAS_M2 = ("72.40", "85.30", "85.35", "69.20")
"""Own area of the four flats of a storey, so that a building has 2,498.00 m2."""

FIRM = ("1-101", "1-102", "3-101")
"""Flats of one owner, who has one vote for all of them."""

# item, name, name in English, class, nature, unit, unit cost, quantity, needs, excludes, effect
_ITEMS = [
    ("pipes", "给排水管网改造", "water and drainage pipes", "basic", "basic", "栋", 95_000, 7),
    ("gas", "燃气立管更换", "gas risers", "basic", "basic", "栋", 62_000, 7),
    ("fire", "消防设施完善", "fire safety", "basic", "basic", "栋", 38_000, 7),
    ("roof", "屋面防水", "roofs made tight", "basic", "basic", "栋", 54_000, 7),
    ("lines", "架空线规整", "overhead lines put in order", "basic", "basic", "项", 210_000, 1),
    ("power", "电力增容", "more electric power", "basic", "basic", "项", 460_000, 1),
    ("waste", "生活垃圾分类点", "points for sorted waste", "basic", "basic", "处", 45_000, 3),
    ("lighting", "楼道与道路照明", "lighting", "improving", "additional", "盏", 1_800, 120),
    ("ramps", "单元门坡道与扶手", "ramps and handrails", "improving", "additional", "处", 6_500, 14),
    ("seats", "路边休息座椅", "seats along the paths", "improving", "additional", "处", 2_200, 24),
    ("charging", "电动自行车充电棚", "charging of bicycles", "improving", "additional", "处", 85_000, 2),
    ("carport", "机动车停车位", "car park", "improving", "additional", "个", 9_000, 30),
    ("garden", "中心绿地", "garden in the middle", "improving", "additional", "项", 260_000, 1),
    ("lift_a", "1至3号楼加装电梯", "lifts in Nos. 1 to 3", "improving", "additional", "部", 620_000, 6),
    ("lift_b", "4至7号楼加装电梯", "lifts in Nos. 4 to 7", "improving", "additional", "部", 620_000, 8),
    ("energy", "外墙保温", "warmer outer walls", "improving", "additional", "栋", 780_000, 7),
    ("canteen", "门房改助餐点", "meals in the gatehouse", "upgrading", "overall", "项", 180_000, 1),
    ("care", "工具库改养老服务站", "elder care in the tool store", "upgrading", "overall", "项", 690_000, 1),
    ("east_gate", "开放纺织厂宿舍东门", "Mill Dormitories east gate opened", "upgrading", "overall", "处", 40_000, 1),
    ("sensing", "智能感知设施", "smart sensing", "upgrading", "overall", "项", None, 1),
]  # fmt: skip
_UNITS_EN = {
    "栋": "buildings", "项": "items", "处": "places", "盏": "lamps", "个": "spaces", "部": "lifts",
    "件/月": "a month",
}  # fmt: skip
_NEEDS = {"lift_a": "power", "lift_b": "power", "charging": "power"}
_EXCLUDES = {"garden": "carport"}
_EFFECTS = {
    "lift_a": ("add_lift", "home_ids=C2-01,C2-02,C2-03"),
    "lift_b": ("add_lift", "home_ids=C2-04,C2-05,C2-06,C2-07"),
    "canteen": ("add_facility", "service=canteen; where=B10"),
    "care": ("add_facility", "service=elder_care; where=B12"),
    "east_gate": ("open_gate", "gate_id=G04; who=everyone"),
}
_LIKED = {
    "lift_a": 9, "lift_b": 9, "lighting": 6, "ramps": 7, "seats": 5, "charging": 5, "carport": 6,
    "garden": 4, "energy": 3, "canteen": 6, "care": 5, "east_gate": 2, "sensing": 2,
}  # fmt: skip
"""How often an item is ticked, against the others."""

# gate, share of agree, against and abstain among all owners, so that each state is there to see
_GATES = (
    ("agree_80", 0.86, 0.05, 0.02),
    ("plan_80", 0.68, 0.09, 0.05),
    ("civil_code_278_half", 0.47, 0.20, 0.06),
)

_FUNDING = (
    ("government", "0.60", "假定的补助比例 an assumed subsidy"),
    ("residents", "0.12", "假定的居民出资 an assumed contribution"),
    ("social_capital", "0.18", "假定的企业出资 an assumed investment"),
)

# key, aspect, name, name in English, unit, before, target, after, better, computed
_INDICATORS = [
    ("basic_items", "targets", "列入的基础类项目", "basic items carried out", "项", "", 7, "", "higher", "menu_items: class=basic"),
    ("agree_before", "process", "改造前同意率", "agree before works", "%", "", 80, "", "higher", "consent_share: gate=agree_80"),
    ("agree_plan", "process", "方案认可率", "behind the plan", "%", "", 80, "", "higher", "consent_share: gate=plan_80"),
    ("elder_care", "effect", "老年人养老服务覆盖率", "older people within reach of elder care", "%", "", 60, "", "higher", "coverage_share: service=elder_care"),
    ("childcare", "effect", "婴幼儿托育服务覆盖率", "small children within reach of childcare", "%", "", 60, "", "higher", "coverage_share: service=childcare"),
    ("canteen", "effect", "老年人助餐覆盖率", "older people within reach of a canteen", "%", "", 90, "", "higher", "coverage_share: service=canteen"),
    ("complaints", "effect", "物业投诉量", "complaints about management", "件/月", 31, 15, "", "lower", ""),
    ("unpaid", "funds", "尚无来源的资金", "money without a source yet", "yuan", "", 0, "", "lower", "funding_yuan: payer=unpaid"),
    ("residents_pay", "funds", "居民出资占比", "share that residents pay", "%", "", 10, "", "higher", "funding_share: payer=residents"),
    ("rules", "safeguards", "长效管理制度", "rules of long-term management", "项", 1, 4, "", "higher", ""),
]  # fmt: skip


# what services earn and cost, with a band for what residents pay; every price is invented
_PRICE_HEAD = (
    "service",
    "income_yuan_person_year",
    "income_yuan_person_year_low",
    "income_yuan_person_year_high",
    "cost_yuan_m2_year",
    "subsidy_yuan_year",
    "rent_free_years",
    "source",
)
_PRICES = (
    ("elder_care", 95, 70, 120, 620, 90_000, 3, NOTE),
    ("childcare", 2_600, 2_200, 3_000, 1_450, 60_000, 3, NOTE),
    ("canteen", 120, 95, 150, 1_350, 40_000, 3, NOTE),
)


def write(folder: Path) -> None:
    """Write every paper to a folder."""
    rng = np.random.default_rng(SEED)
    flats = _flats()
    _save(folder / "menu.csv", _MENU_HEAD, _menu())
    _save(folder / "owners.csv", ("flat_id", "building_id", "owner_id", "area_m2"), flats)
    _save(folder / "preferences.csv", ("flat_id", "item_id"), _preferences(flats, rng))
    _save(folder / "votes.csv", ("flat_id", "gate", "choice", "cast_at"), _votes(flats, rng))
    _save(folder / "funding.csv", ("payer", "share", "source"), _FUNDING)
    _save(folder / "prices.csv", _PRICE_HEAD, _PRICES)
    head = ("indicator_id", "aspect", "name", "name_en", "unit", "before", "target", "after")
    rows = [(*row, _UNITS_EN.get(str(row[4]), ""), NOTE) for row in _INDICATORS]
    _save(folder / "indicators.csv", (*head, "better", "computed", "unit_en", "source"), rows)


_MENU_HEAD = (
    "item_id", "name", "name_en", "class", "nature", "unit", "unit_cost_yuan", "quantity",
    "unit_en", "depends_on", "excludes", "effect", "effect_with", "source",
)  # fmt: skip


def _menu() -> Iterable[Sequence[object]]:
    for row in _ITEMS:
        item = row[0]
        effect = _EFFECTS.get(item, ("", ""))
        unit_en = _UNITS_EN[str(row[5])]
        yield (*row, unit_en, _NEEDS.get(item, ""), _EXCLUDES.get(item, ""), *effect, NOTE)


def _flats() -> list[tuple[str, str, str, str]]:
    """Every flat: key, building, owner, own area."""
    rows = []
    for building in range(1, 8):
        for storey in range(1, STOREYS + 1):
            for number, area in enumerate(AREAS_M2, start=1):
                flat = f"{building}-{storey}{number:02}"
                owner = "Y-FIRM" if flat in FIRM else f"Y-{flat}"
                rows.append((flat, f"C2-{building:02}", owner, area))
    return rows


def _preferences(
    flats: Sequence[Sequence[str]], rng: np.random.Generator
) -> Iterable[tuple[str, str]]:
    """Up to three items for four of five households."""
    items = list(_LIKED)
    odds = np.array(list(_LIKED.values()), dtype=float)
    for flat, *_ in flats:
        if rng.random() < 0.8:
            chosen = rng.choice(len(items), size=3, replace=False, p=odds / odds.sum())
            for at in sorted(chosen[: rng.integers(1, 4)]):
                yield flat, items[at]


def _votes(
    flats: Sequence[Sequence[str]], rng: np.random.Generator
) -> Iterable[tuple[str, str, str, str]]:
    """Three gates, with a vote that is late, one cast twice and one that contradicts itself."""
    owners = [flat for flat, *_ in flats if flat not in FIRM[1:]]
    for gate, agree, against, abstain in _GATES:
        order = [owners[at] for at in rng.permutation(len(owners))]
        ends = [round(len(owners) * share) for share in np.cumsum([agree, against, abstain])]
        for at, flat in enumerate(order[: ends[-1]]):
            choice = "agree" if at < ends[0] else "against" if at < ends[1] else "abstain"
            yield flat, gate, choice, _time(int(rng.integers(0, 30 * 12)))
        if gate == "plan_80":
            yield order[0], gate, "agree", "2026-05-31 17:30"
            yield order[1], gate, "against", "2026-05-31 17:45"
            yield order[-1], gate, "agree", "2026-06-02 09:10"


def _time(slot: int) -> str:
    """A time between 8 and 20 o'clock on one of the first thirty days of May 2026."""
    return f"2026-05-{1 + slot // 12:02} {8 + slot % 12:02}:00"


def _save(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)
