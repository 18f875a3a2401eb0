"""What the plain tables of a plan hold: who owns, who voted, who pays, what a service earns."""

from __future__ import annotations

from communityplan.tables.contracts import Column, Table

__all__ = ["OPERATION", "OWNERS", "PRICES", "SOURCES", "USES", "VOTES"]


def _yuan(meaning: str, zh: str, unit: str = "yuan") -> Column:
    return Column(meaning, zh, unit, "amount")


_OPERATION = {
    "investment_yuan": _yuan("paid once, in the first year", "一次性投入"),
    "income_yuan_year": _yuan("income of a year", "年收入"),
    "cost_yuan_year": _yuan("cost of a year, without rent", "年运营成本"),
    "rent_yuan_year": _yuan("rent of a year", "年租金"),
    "rent_free_years": _yuan("years without rent", "免租年限", "years"),
    "subsidy_yuan_year": _yuan("subsidy of a year", "年补贴"),
}
_BANDS = (
    ("", "", ""),
    ("_low", ", at its lowest", "（下限）"),
    ("_high", ", at its highest", "（上限）"),
)

_PER = (
    ("", "", ""),
    ("_m2", ", by m2 of floor area", "（每平方米）"),
    ("_person", ", by person served", "（每人）"),
)
_PRICES = {
    "investment_yuan": (_OPERATION["investment_yuan"], 2),
    "income_yuan": (_OPERATION["income_yuan_year"], 3),
    "cost_yuan": (_OPERATION["cost_yuan_year"], 3),
    "rent_yuan": (_OPERATION["rent_yuan_year"], 2),
    "subsidy_yuan": (_OPERATION["subsidy_yuan_year"], 3),
}
"""Amounts that may be given in all, by floor area and (the first three kinds) by person."""


def _priced(name: str, column: Column, kinds: int) -> dict[str, Column]:
    year = "" if name == "investment_yuan" else "_year"
    return {
        f"{name}{per}{year}{end}": _yuan(
            f"{column.meaning}{en}{band_en}", f"{column.zh}{zh}{band_zh}"
        )
        for per, en, zh in _PER[:kinds]
        for end, band_en, band_zh in _BANDS
    }


OWNERS = Table(
    "owners",
    "业主",
    (),
    key="flat_id",
    required={
        "flat_id": Column("the flat", "房号"),
        # text, so that the decimal that is written is counted exactly
        "area_m2": Column("its area, a decimal", "专有面积", "m2"),
    },
    optional={
        "building_id": Column("its building", "楼栋编号"),
        "owner_id": Column("its owner, where one owns several", "业主编号"),
    },
)
VOTES = Table(
    "votes",
    "表决票",
    (),
    required={
        "flat_id": Column("the flat", "房号"),
        "choice": Column("agree, against or abstain", "表决意见"),
    },
    optional={"cast_at": Column("date and time of the vote", "投票时间")},
)
USES = Table(
    "uses",
    "资金用途",
    (),
    key="item",
    required={"item": Column("what is paid for", "项目")},
    optional={"cost_yuan": _yuan("its cost", "费用")},
)
SOURCES = Table(
    "sources",
    "资金来源",
    (),
    required={"payer": Column("government, residents, social_capital or other", "出资方")},
    optional={
        "amount_yuan": _yuan("what they pay", "金额"),
        "share": _yuan("the share they pay, as a fraction", "占比", "1"),
        "stated_share": _yuan("a share printed elsewhere, to be compared", "公布占比", "1"),
    },
)
OPERATION = Table(
    "operation",
    "运营收支",
    (),
    required={"service": Column("the service", "服务")},
    optional={
        **{
            f"{name}{suffix}": Column(f"{one.meaning}{en}", f"{one.zh}{zh}", one.unit, "amount")
            for name, one in _OPERATION.items()
            for suffix, en, zh in _BANDS
        },
        "building_id": Column("where it opens", "房屋编号"),
        "community_id": Column("for whom it opens", "小区编号"),
    },
)
PRICES = Table(
    "prices",
    "运营单价",
    (),
    required={"service": Column("the service", "服务")},
    optional={
        "building_id": Column("where it opens; empty: in every building", "房屋编号"),
        **{
            key: one
            for name, (column, kinds) in _PRICES.items()
            for key, one in _priced(name, column, kinds).items()
        },
        **{
            f"rent_free_years{end}": Column(
                f"years without rent{en}", f"免租年限{zh}", "years", "amount"
            )
            for end, en, zh in _BANDS
        },
    },
)
