"""Money by hand: shares, flows, payback, portfolios; and what must hold for any amounts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from communityplan.errors import DataError, OptionError, TableError, TooLargeError
from communityplan.finance import (
    ShareRule,
    balance,
    balancing_groups,
    cash_flow,
    missing_amounts,
    payback,
    share_rules,
    sources_and_uses,
)

CANTEEN = {
    "service": "canteen",
    "investment_yuan": 500.0,
    "income_yuan_year": 300.0,
    "cost_yuan_year": 150.0,
    "rent_yuan_year": 50.0,
    "rent_free_years": 1,
    "subsidy_yuan_year": 20.0,
}
AMOUNTS = [name for name in CANTEEN if name != "service"]


def services(**changed):
    return pd.DataFrame([{**CANTEEN, **changed}])


def flows(*net):
    return pd.DataFrame({"year": range(len(net)), "net_yuan": [float(value) for value in net]})


def one(*net, **options):
    return payback(flows(*net), **options).iloc[0]


# who pays


def test_jinsong_both_shares_are_shown():
    # 76 M = 46 M public + 30 M of the firm: 30 / 76 = 39.47 %, while 45 % is printed
    uses = pd.DataFrame({"item": ["renovation"], "cost_yuan": [76e6]})
    sources = pd.DataFrame(
        {
            "payer": ["government", "social_capital"],
            "amount_yuan": [46e6, 30e6],
            "stated_share": [np.nan, 0.45],
        }
    )
    paid = sources_and_uses(uses, sources).set_index("payer")
    firm = paid.loc["social_capital"]
    assert firm["share"] == pytest.approx(30 / 76)
    assert round(firm["share"], 3) == 0.395
    assert firm["stated_share"] == 0.45
    assert paid["differs"].to_dict() == {
        "government": False,
        "residents": False,
        "social_capital": True,
        "other": False,
    }
    assert paid["share"].sum() == pytest.approx(1.0)
    assert paid.loc["residents", "amount_yuan"] == 0


def test_shares_become_amounts_and_payers_are_added():
    uses = pd.DataFrame({"item": ["pipes", "lift"], "cost_yuan": [600, 400]})
    sources = pd.DataFrame(
        {
            "payer": ["government", "government", "residents"],
            "amount_yuan": [500, None, None],
            "share": [None, 0.25, 0.25],
        }
    )
    paid = sources_and_uses(uses, sources).set_index("payer")
    assert paid.loc["government", "amount_yuan"] == 750
    assert paid.loc["residents", "amount_yuan"] == 250


def test_what_is_wrong_with_sources_is_told_at_once():
    uses = pd.DataFrame({"item": ["lift"], "cost_yuan": [100.0]})
    sources = pd.DataFrame(
        {"payer": ["bank", "residents", "other"], "share": [0.6, 0.5, 0.1], "amount_yuan": 60.0}
    ).assign(amount_yuan=[None, None, 5.0])
    with pytest.raises(DataError) as raised:
        sources_and_uses(uses, sources)
    said = str(raised.value)
    assert "row 1: payer is 'bank'" in said
    assert "row 3: both amount_yuan and share" in said
    assert "rows 1, 2, 3: the shares add up to 120.0%" in said


@pytest.mark.parametrize(("amount", "said"), [(80, "20.00 yuan are not"), (130, "30.00 yuan too")])
def test_totals_must_match(amount, said):
    uses = pd.DataFrame({"item": ["lift"], "cost_yuan": [100.0]})
    sources = pd.DataFrame({"payer": ["residents"], "amount_yuan": [amount]})
    with pytest.raises(DataError, match=said):
        sources_and_uses(uses, sources)


def test_a_cost_that_is_not_given_is_asked_for():
    uses = pd.DataFrame({"item": ["pipes", "lift"], "cost_yuan": [600, None]})
    sources = pd.DataFrame({"payer": ["government", "other"], "share": [0.5, None]})
    paid = sources_and_uses(uses, sources)
    assert paid["share"].isna().all()
    assert paid.attrs["communityplan"]["missing"] == [
        "uses, lift: cost_yuan",
        "sources, other: amount_yuan or share",
    ]


def test_rules_on_shares():
    uses = pd.DataFrame({"item": ["lift"], "cost_yuan": [100.0]})
    sources = pd.DataFrame({"payer": ["government", "residents"], "amount_yuan": [70, 30]})
    rules = [
        ShareRule("residents", least=0.3),
        ShareRule("government", most=0.69),
        ShareRule("other", most=0.0, source="notice", verified=True),
    ]
    held = share_rules(sources_and_uses(uses, sources), rules)
    assert held["state"].tolist() == ["met", "broken", "met"]
    assert held["verified"].tolist() == [False, False, True]
    with pytest.raises(OptionError, match="least"):
        share_rules(sources_and_uses(uses, sources), [ShareRule("other", least=0.5, most=0.4)])


# cash flow


def test_cash_flow_by_hand():
    # 300 + 20 - 150 = 170 while there is no rent, 120 after; 500 at the start
    table = cash_flow(services(), years=3, first_year=2026)
    assert table["year"].tolist() == [2026, 2027, 2028, 2029]
    assert table["rent_yuan"].tolist() == [0, 0, 50, 50]
    assert table["net_yuan"].tolist() == [-500, 170, 120, 120]
    assert set(table["case"]) == {"central"}


def test_band_takes_everything_at_its_worst_and_best():
    table = cash_flow(
        services(income_yuan_year_low=250, rent_yuan_year_high=80, rent_free_years_high=2), years=2
    )
    net = {case: rows["net_yuan"].tolist() for case, rows in table.groupby("case")}
    assert net["low"] == [-500, 120, 40]  # 250 + 20 - 150; then less 80
    assert net["central"] == [-500, 170, 120]
    assert net["high"] == [-500, 170, 170]  # two years without rent


def test_nothing_is_assumed():
    given_ = pd.DataFrame({"service": ["canteen", "clinic"], "income_yuan_year": [300.0, None]})
    asked = missing_amounts(given_)
    assert asked.groupby("service").size().to_dict() == {"canteen": 5, "clinic": 6}
    assert set(asked["unit"]) == {"yuan", "years"}
    table = cash_flow(given_, years=2)
    assert table["net_yuan"].isna().all()
    assert len(table.attrs["communityplan"]["missing"]) == 11
    result = payback(table, rate=0.05)
    assert result["reason"].tolist() == ["missing_amounts"]
    assert result.drop(columns=["case", "years", "reason"]).isna().all().all()


def test_one_missing_service_leaves_the_others():
    table = cash_flow(
        pd.concat([services(), services(service="clinic", rent_yuan_year=None)]), years=4
    )
    each = payback(table, by=["service"]).set_index("service")
    assert each["reason"].to_dict() == {"canteen": "", "clinic": "missing_amounts"}
    # -500 + 170 + 120 + 120 = -90, and 90 / 120 of the fourth year
    assert each.loc["canteen", "payback_years"] == 3.75
    assert payback(table)["payback_years"].isna().all()


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"cost_yuan_year": -1.0}, TableError, "row 1: cost_yuan_year is -1"),
        ({"cost_yuan_year": "much"}, TableError, "cost_yuan_year is much"),
        ({"rent_free_years": 1.5}, DataError, "rent_free_years is 1.5"),
        ({"income_yuan_year_low": 301.0}, DataError, "band 301 to nan"),
        ({"rent_yuan_year_high": 49.0}, DataError, "band nan to 49"),
        ({"rent_yuan_year": None, "rent_yuan_year_high": 9.0}, DataError, "rent_yuan_year is nan"),
    ],
)
def test_bad_amounts(wrong, error, said):
    with pytest.raises(error, match=said):
        cash_flow(services(**wrong), years=3)


def test_no_services_and_no_years():
    empty = cash_flow(services().iloc[:0], years=3)
    assert empty.empty
    assert "net_yuan" in empty
    assert payback(empty).empty
    with pytest.raises(OptionError, match="years is 0"):
        cash_flow(services(), years=0)


# payback


def test_payback_by_hand():
    # 60 then 40 of 80; discounted at 10 %: 54.545, then 45.455 of 66.116 is left to find
    found = one(-100, 60, 80, rate=0.1)
    assert found["payback_years"] == 1.5
    assert found["discounted_payback_years"] == pytest.approx(1 + 45.4545454 / 66.1157025)
    assert found["npv_yuan"] == pytest.approx(-100 + 60 / 1.1 + 80 / 1.21)
    # 100 x^2 - 60 x - 80 = 0 with x = 1 + irr
    assert found["irr"] == pytest.approx((60 + np.sqrt(3600 + 32000)) / 200 - 1)


def test_jinsong_pays_back_in_about_ten_years():
    # 8 to 10 % of the money a year: 12.5 to 10 years
    assert one(-30e6, *[3e6] * 20)["payback_years"] == 10
    assert one(-30e6, *[2.4e6] * 20)["payback_years"] == 12.5


@pytest.mark.parametrize(
    ("net", "years", "reason"),
    [
        ((-100, 10, 10), np.nan, ""),
        ((-100, -10), np.nan, "no_investment_first"),
        ((100, 10), 0.0, "no_investment_first"),
        ((100, -110), np.nan, "no_investment_first"),
        ((0, 0), 0.0, "no_investment_first"),
        # 10 % and 20 % both solve it
        ((-100, 230, -132), np.nan, "several_signs"),
        # paid back after 2 years, owing again after 3, for good after 4
        ((-100, 60, 60, -40, 40), 3.5, "several_signs"),
        ((-100, 50, 50), 2.0, ""),
        ((0, -100, 100), 2.0, ""),
    ],
)
def test_payback_and_rates_that_do_not_exist(net, years, reason):
    found = one(*net)
    assert found["payback_years"] == pytest.approx(years, nan_ok=True)
    assert found["reason"] == reason
    assert np.isnan(found["irr"]) == (reason != "")
    assert np.isnan(found["npv_yuan"])  # no rate, nothing discounted


def test_bad_flows_and_rates():
    with pytest.raises(OptionError, match=r"0\.05 for 5 %"):
        one(-1, 2, rate=5)
    with pytest.raises(OptionError, match="no column community_id"):
        payback(flows(-1, 2), by=["community_id"])
    with pytest.raises(DataError, match="the years are 0, 2"):
        payback(flows(-1, 2, 3).iloc[[0, 2]])
    with pytest.raises(TableError, match="row 2: year is empty"):
        payback(flows(-1, 2).assign(year=[0, None]))


NETS = st.lists(st.integers(-100, 100), min_size=2, max_size=8)


@given(NETS, st.integers(0, 7), st.integers(0, 50))
@settings(deadline=None, max_examples=80)
def test_more_money_never_makes_it_worse(net, at, more):
    better = list(net)
    better[at % len(net)] += more
    before, after = one(*net, rate=0.07), one(*better, rate=0.07)
    assert after["npv_yuan"] >= before["npv_yuan"] - 1e-9
    for years in ("payback_years", "discounted_payback_years"):
        assert np.nan_to_num(after[years], nan=99) <= np.nan_to_num(before[years], nan=99) + 1e-9
    if not before["reason"] and not after["reason"]:
        assert after["irr"] >= before["irr"] - 1e-7


@given(st.integers(1, 500), st.lists(st.integers(0, 300), min_size=1, max_size=12))
@settings(deadline=None, max_examples=80)
def test_rate_of_return_against_bisection(invested, gains):
    assume(sum(gains) > 0.05 * invested)
    net = np.array([-invested, *gains], dtype=float)
    powers = np.arange(len(net))
    low, high = -0.9999, 1e4
    for _ in range(200):
        middle = (low + high) / 2
        worth = (net / (1 + middle) ** powers).sum()
        low, high = (middle, high) if worth > 0 else (low, middle)
    found = one(*net)
    if found["reason"] == "":
        assert found["irr"] == pytest.approx(low, rel=1e-5, abs=1e-5)
    else:
        assert found["reason"] == "no_rate_found"


@given(
    st.sampled_from(AMOUNTS), st.integers(0, 3), st.integers(0, 3), st.sampled_from(["low", "high"])
)
@settings(deadline=None, max_examples=60)
def test_the_band_encloses_and_widens(name, first, second, end):
    sign = 1 if end == "high" else -1
    near, far = sorted((first, second))
    results = []
    for step in (near, far):
        edge = max(0.0, CANTEEN[name] + sign * step)
        table = cash_flow(services(**{f"{name}_{end}": edge}), years=6)
        results.append(payback(table, rate=0.05).set_index("case"))
    for result in results:
        assert result["npv_yuan"].is_monotonic_increasing
        assert result["payback_years"].is_monotonic_decreasing
        assert result["irr"].is_monotonic_increasing
    spread = [result.loc["high", "npv_yuan"] - result.loc["low", "npv_yuan"] for result in results]
    assert spread[1] >= spread[0] - 1e-9


# portfolios

TOWN = pd.DataFrame(
    {
        "community_id": ["a", "a", "b", "b", "c", "c"],
        "year": [2026, 2027] * 3,
        "net_yuan": [-50.0, 170, -100, 0, -20, -10],
    }
)


def test_balance_by_hand():
    table = balance(TOWN, groups={"a": "east", "b": "east"})
    state = table.drop_duplicates("name").set_index("name")["state"].to_dict()
    # a +120, b -100, c -30; a and b together +20; all -10
    assert state == {
        "a": "balances",
        "b": "short",
        "c": "short",
        "east": "balances",
        "all": "short",
    }
    together = table[table["scope"] == "all"]
    assert together["net_yuan"].tolist() == [-170, 160]
    assert together["cumulative_yuan"].tolist() == [-170, -10]
    assert together["need_yuan"].tolist() == [170, 0]


def test_balance_with_a_budget():
    def state(budget):
        table = balance(TOWN, yearly_budget=budget)
        return table[table["scope"] == "all"]

    assert state(170)["state"].tolist() == ["balances"] * 2
    assert state(169)["short_yuan"].tolist() == [1, 0]
    assert state({2026: 170})["state"].iloc[0] == "balances"
    assert state({2027: 170})["state"].iloc[0] == "short"
    # a surplus of an earlier year is used first: 60 kept, 100 needed, 40 from the budget
    table = balance(
        pd.DataFrame({"community_id": "a", "year": [1, 2], "net_yuan": [60.0, -100]}),
        yearly_budget=40,
    )
    assert table["need_yuan"].head(2).tolist() == [0, 40]
    assert table["state"].iloc[0] == "balances"


def test_groups_that_balance():
    found = balancing_groups(TOWN)
    # with c, a has 90 left; with b 20; all three lack 10
    assert found["communities"].tolist() == ["a, c", "a, b"]
    assert found["total_yuan"].tolist() == [90, 20]
    assert found["carried"].tolist() == [1, 1]


def test_missing_stays_missing_in_a_portfolio():
    table = balance(TOWN.assign(net_yuan=[-50, 170, None, 0, -20, -10]))
    state = table.drop_duplicates("name").set_index("name")["state"].to_dict()
    assert state == {"a": "balances", "b": "missing", "c": "short", "all": "missing"}


def test_bad_portfolios():
    with pytest.raises(OptionError, match="several cases"):
        balance(TOWN.assign(case=["low", "high"] * 3))
    with pytest.raises(OptionError, match="without flows: d"):
        balance(TOWN, groups={"d": "east"})
    with pytest.raises(OptionError, match="yearly_budget is -1"):
        balance(TOWN, yearly_budget=-1)
    many = pd.DataFrame({"community_id": range(120), "year": 0, "net_yuan": 1.0})
    with pytest.raises(TooLargeError, match="120 communities"):
        balancing_groups(many)
    with pytest.raises(DataError, match="rows 2: year is not whole"):
        balance(TOWN.assign(year=[1, 1.5, 2, 3, 4, 5]))
    with pytest.raises(TableError, match="community_id"):
        balance(TOWN.drop(columns="community_id"))


@given(st.lists(st.integers(-50, 50), min_size=6, max_size=6), st.integers(0, 60))
@settings(deadline=None, max_examples=60)
def test_the_whole_is_the_sum_of_its_communities(net, budget):
    table = balance(TOWN.assign(net_yuan=[float(value) for value in net]), yearly_budget=budget)
    parts = table[table["scope"] == "community"].groupby("year")["net_yuan"].sum()
    whole = table[table["scope"] == "all"].set_index("year")
    assert parts.tolist() == whole["net_yuan"].tolist()
    # together nobody needs more than all of them apart
    apart = table[table["scope"] == "community"]["need_yuan"].sum()
    assert whole["need_yuan"].sum() <= apart
