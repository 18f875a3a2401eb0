"""The money of a choice, worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import communityplan as cp
from communityplan.errors import DataError, OptionError, TableError
from communityplan.finance import balance, choice_money, payback

OPENED = pd.DataFrame(
    [
        # the conversion of B1, 300,000, is shared by floor area: 200,000 and 100,000
        ("B1", "canteen", 2026, 100_000.0, 300_000.0, 200.0, 500.0),
        ("B1", "childcare", 2026, 50_000.0, 0.0, 100.0, 20.0),
        ("B2", "canteen", 2027, 80_000.0, 120_000.0, 150.0, 100.0),
    ],
    columns=[
        "building_id", "service", "year", "cost_yuan", "opening_cost_yuan", "floor_area_m2",
        "people",
    ],
)  # fmt: skip
PRICES = pd.DataFrame(
    [
        ("canteen", None, 10_000.0, np.nan, 400.0, 500.0, 0.0, 0, 0.0),
        # B2 is another trade: its own row, and what it leaves empty is that of all buildings
        ("canteen", "B2", np.nan, np.nan, 100.0, np.nan, 6_000.0, 1, np.nan),
        ("childcare", None, np.nan, 800.0, np.nan, 300.0, 0.0, 0, 10_000.0),
    ],
    columns=[
        "service", "building_id", "income_yuan_year", "income_yuan_m2_year",
        "income_yuan_person_year", "cost_yuan_m2_year", "rent_yuan_year", "rent_free_years",
        "subsidy_yuan_year",
    ],
)  # fmt: skip


def row(table, building, service="canteen"):
    return table[(table["building_id"] == building) & (table["service"] == service)].iloc[0]


def test_amounts_by_hand():
    money = choice_money(OPENED, years=10, prices=PRICES)
    assert money.uses["cost_yuan"].tolist() == [300_000.0, 150_000.0, 200_000.0]
    assert money.uses["item"].tolist() == ["B1 canteen", "B1 childcare", "B2 canteen"]
    first, second = row(money.operation, "B1"), row(money.operation, "B2")
    # 10,000 + 500 people of 400; 200 m2 of 500
    assert (first["income_yuan_year"], first["cost_yuan_year"]) == (210_000.0, 100_000.0)
    # 10,000 + 100 people of 100; 150 m2 of 500; its own rent
    assert (second["income_yuan_year"], second["cost_yuan_year"]) == (20_000.0, 75_000.0)
    assert second["rent_yuan_year"] == 6_000.0
    care = row(money.operation, "B1", "childcare")
    assert (care["income_yuan_year"], care["subsidy_yuan_year"]) == (80_000.0, 10_000.0)
    assert money.missing.empty
    # 300,000 / 110,000 a year, and 150,000 / 60,000
    assert row(money.returns, "B1")["payback_years"] == pytest.approx(300 / 110)
    assert row(money.returns, "B1", "childcare")["payback_years"] == pytest.approx(2.5)
    assert np.isnan(row(money.returns, "B2")["payback_years"])
    assert "十年" not in row(money.returns, "B2")["zh"]
    assert row(money.returns, "B2")["zh"] == "B2 社区食堂：投入 200,000 元，10 年内不能收回投资"


def test_all_together_is_the_sum_of_its_services_in_their_years():
    money = choice_money(OPENED, years=10, prices=PRICES, rate=0.05)
    whole = row(money.returns, "", "")
    assert whole["investment_yuan"] == 650_000.0
    assert whole["total_yuan"] == pytest.approx(money.flows["net_yuan"].sum())
    # B2 opens a year later: its first year of operation is 2028
    late = money.flows[money.flows["building_id"] == "B2"].set_index("year")["net_yuan"]
    assert late[2027] == -200_000.0
    assert late[2028] == 20_000.0 - 75_000.0
    assert late[2029] == 20_000.0 - 75_000.0 - 6_000.0
    by_year = money.flows.groupby("year", as_index=False)["net_yuan"].sum()
    plain = payback(by_year, rate=0.05).iloc[0]
    assert whole["npv_yuan"] == pytest.approx(plain["npv_yuan"])


def test_nothing_given_is_missing_and_named():
    money = choice_money(OPENED, years=5)
    assert money.returns["payback_years"].isna().all()
    asked = money.missing[money.missing["building_id"] == "B2"]
    assert asked["amount"].tolist() == [
        "income_yuan_year", "cost_yuan_year", "rent_yuan_year", "rent_free_years",
        "subsidy_yuan_year",
    ]  # fmt: skip
    assert asked["en"].iloc[0] == (
        "B2 community canteen: the yearly income is missing, give one of income_yuan_year, "
        "income_yuan_m2_year, income_yuan_person_year in prices"
    )
    assert row(money.returns, "B1")["zh"].startswith("B1 社区食堂：缺少年收入、年运营成本")
    assert money.uses["cost_yuan"].sum() == 650_000.0
    one = PRICES.drop(columns="rent_free_years")
    lacking = choice_money(OPENED, years=5, prices=one)
    assert set(lacking.missing["amount"]) == {"rent_free_years"}


def test_rent_of_a_building_is_shared_by_floor_area():
    idle = pd.DataFrame({"building_id": ["B1", "B2"], "annual_rent_yuan": [30_000.0, 9.0]})
    money = choice_money(
        OPENED, years=5, prices=PRICES.drop(columns="rent_yuan_year"), idle_buildings=idle
    )
    assert money.operation["rent_yuan_year"].tolist() == pytest.approx([20_000.0, 10_000.0, 9.0])


def test_a_band_is_stated_at_both_ends():
    banded = PRICES.assign(income_yuan_person_year_low=[300.0, np.nan, np.nan])
    banded = banded.assign(income_yuan_person_year_high=[500.0, np.nan, np.nan])
    money = choice_money(OPENED, years=10, prices=banded)
    first = row(money.returns, "B1")
    # 50,000 less or more income a year
    assert first["payback_years_low"] == pytest.approx(300 / 60)
    assert first["payback_years_high"] == pytest.approx(300 / 160)
    assert first["en"].endswith("paid back after about 2.7 years (1.9 years to 5.0 years)")


def test_who_pays_and_what_is_left():
    funding = pd.DataFrame({"payer": ["政府", "residents"], "share": ["60%", "10%"]})
    paid = choice_money(OPENED, years=5, funding=funding).paid.set_index("payer")
    assert paid.loc["government", "amount_yuan"] == pytest.approx(390_000.0)
    assert paid.loc["unpaid", "amount_yuan"] == pytest.approx(195_000.0)


def test_flows_of_communities_can_be_set_off_against_each_other():
    placed = OPENED.assign(community_id=["north", "north", "south"])
    flows = choice_money(placed, years=10, prices=PRICES).flows
    states = balance(flows).drop_duplicates("name").set_index("name")["state"]
    assert states.to_dict() == {"north": "balances", "south": "short", "all": "balances"}


def test_an_investment_of_the_prices_stands_in_the_place_of_the_costs():
    own = PRICES.assign(investment_yuan_m2=[1_000.0, np.nan, np.nan])
    money = choice_money(OPENED, years=5, prices=own)
    assert money.uses["cost_yuan"].tolist() == [200_000.0, 150_000.0, 150_000.0]


def test_a_choice_that_opens_nothing():
    money = choice_money(OPENED[:0], years=5, prices=PRICES)
    assert len(money.uses) == len(money.missing) == 0
    assert {"zh", "en", "payback_years"} <= set(money.returns.columns)


def test_what_is_wrong_comes_at_once():
    wrong = pd.concat([PRICES, PRICES[:1]]).assign(
        income_yuan_year=[-1.0, 0.0, "much", 0.0], income_yuan=3.0
    )
    with pytest.raises(TableError) as caught:
        choice_money(OPENED, years=5, prices=wrong)
    text = str(caught.value)
    assert "no amount 'income_yuan' is known" in text
    assert "prices, row 4: service and building stand here twice" in text
    assert "row 1: income_yuan_year is -1.0" in text
    assert "row 3: income_yuan_year is 'much'" in text
    with pytest.raises(OptionError, match="years is 0"):
        choice_money(OPENED, years=0)
    with pytest.raises(TableError, match="opened: no column 'people'"):
        choice_money(OPENED.drop(columns="people"), years=5)
    with pytest.raises(DataError, match="whole years"):
        choice_money(OPENED, years=5, prices=PRICES.assign(rent_free_years=0.5))


def test_the_choice_of_the_demo_has_its_money():
    demo = cp.load_project("demo")
    choice = cp.choose_sites(
        demo.network(), demo.homes, demo.facilities, demo.idle_buildings,
        services=["canteen", "elder_care"], budget_yuan=3e6, curve_budgets_yuan=[],
        with_worth=False,
    )  # fmt: skip
    money = choice_money(choice.opened, years=10, idle_buildings=demo.idle_buildings)
    assert money.uses["cost_yuan"].sum() == pytest.approx(
        choice.opened.attrs["communityplan"]["spent_yuan"]
    )
    assert len(money.returns) == len(choice.opened) + 1
