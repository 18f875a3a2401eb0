"""Indicators: checked with rows, filled in from plans, judged by hand; versions; two prongs."""

from __future__ import annotations

import pandas as pd
import pytest

import communityplan as cp
from communityplan.consent import consent_status
from communityplan.errors import DataError, OptionError
from communityplan.finance.sides import who_pays
from communityplan.indicators import (
    ASPECTS,
    check_indicators,
    fill_indicators,
    indicator_states,
    indicator_table,
    indicator_template,
    read_indicators,
    write_indicators,
)
from communityplan.menu import choose_menu


def one(key="1", aspect="effect", name="指标", **more):
    return {"indicator_id": key, "aspect": aspect, "name": name, **more}


def table_of(*rows):
    return pd.DataFrame(list(rows))


# the list itself


def test_everything_wrong_with_indicators_in_one_error_with_rows():
    wrong = table_of(
        one("a", better="up"),
        one("a"),
        one("b", computed="coverage"),
        one("c", computed="coverage_share: service"),
        one("d", computed="funding_share: by=area"),
        one("e", computed="cell: table=ledger"),
        one("f", computed="consent_share: gate=agree_80; by=flats"),
        one("g", before="many"),
    )
    with pytest.raises(DataError) as raised:
        check_indicators(wrong)
    said = str(raised.value)
    for words in (
        "row 1: better is 'up'",
        "row 2: indicator_id 'a' is already in row 1",
        "row 3: computed names 'coverage'",
        "row 4: computed: 'service' is not name=value",
        "row 5: computed: funding_share needs payer",
        "row 5: computed: funding_share has no by",
        "row 6: computed: cell needs column",
        "row 7: computed: by is 'flats'",
        "row 8: before is many",
    ):
        assert words in said, words
    assert len(raised.value.problems) == 9
    with pytest.raises(DataError, match="row 1: the target is below what there is before"):
        check_indicators(table_of(one(before=5.0, target=3.0, better="higher")))


def test_aspects_are_the_published_five_and_your_own():
    found = check_indicators(
        table_of(one("1", "资金管理"), one("2", "Safeguards"), one("3", "安全"))
    )
    assert found["aspect"].tolist() == ["funds", "safeguards", "安全"]
    assert len(ASPECTS) == 5
    template = indicator_template()
    # no published indicator is known: all are this package's own, without a target
    assert template["source"].str.contains("proposed by communityplan").all()
    assert not template["verified"].any()
    assert template[["before", "target", "after"]].isna().all(axis=None)


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_list_from_a_file_and_back(tmp_path, ending):
    path = tmp_path / f"indicators.{ending}"
    rows = [
        ["编号", "方面", "指标名称", "单位", "现状", "目标", "改造后", "方向", "来源"],
        ["1", "改造成效", "电梯", "部", 0, 4, 4, "越高越好", "街道办"],
        ["2", "资金管理", "缺口", "元", 100, 0, 40, "越低越好", None],
    ]
    frame = pd.DataFrame(rows)
    if ending == "csv":
        frame.to_csv(path, index=False, header=False, encoding="gb18030")
    else:
        frame.to_excel(path, index=False, header=False)
    indicators = read_indicators(path)
    assert indicator_states(indicators)["state"].tolist() == ["reached", "better"]
    out = write_indicators(indicators, tmp_path / f"out.{ending}", lang="zh")
    read = pd.read_csv if ending == "csv" else pd.read_excel
    again = read(out)
    assert again["评价"].tolist() == ["达到目标", "有改善"]
    assert again["完成进度"].tolist() == [1.0, 0.6]
    assert indicator_table(indicators, lang="en")["State"].tolist() == ["reached", "better"]
    named = indicator_table(indicators.assign(unit_en=["lifts", ""]), lang="en")
    assert named["Unit"].tolist() == ["lifts", "元"]
    with pytest.raises(OptionError, match=r"give \.csv or \.xlsx"):
        write_indicators(indicators, tmp_path / "out.pdf", lang="zh")


# what became of them, by hand


@pytest.mark.parametrize(
    ("before", "target", "after", "better", "state"),
    [
        (10, 40, 40, "", "reached"),
        (10, 40, 41, "", "reached"),
        (10, 40, 39, "", "better"),
        (10, 40, 10, "", "unchanged"),
        (10, 40, 9, "", "worse"),
        (10, 0, 0, "", "reached"),
        (10, 0, 4, "", "better"),
        (10, 0, 11, "", "worse"),
        (None, 40, 39, "higher", "short"),
        (None, 40, 40, "higher", "reached"),
        (10, None, 12, "higher", "better"),
        (10, None, 12, "lower", "worse"),
        (10, None, 12, "", "changed"),
        (10, 40, None, "", "missing"),
        (None, None, 12, "", "missing"),
        (0.1 + 0.2, 0.3, 0.3, "", "reached"),
    ],
)
def test_states_by_hand(before, target, after, better, state):
    row = one(before=before, target=target, after=after, better=better, name_en="Indicator")
    found = indicator_states(table_of(row)).iloc[0]
    assert found["state"] == state
    assert found["zh"].endswith("。")
    assert found["en"].startswith("Indicator: ")


# filled in from a plan


def plan_tables():
    ledger = pd.DataFrame(
        {
            "community_id": ["A", "B", "A", "B"],
            "service": ["canteen"] * 4,
            "group": ["elderly"] * 4,
            "within_min": [5.0, 5.0, 10.0, 10.0],
            "people": [60, 40, 60, 40],
            "covered": [6, 4, 30, 20],
            "beyond": [44, 36, 20, 20],
            "unreachable": [10, 0, 10, 0],
        }
    )
    owners = pd.DataFrame({"flat_id": list("abcde"), "area_m2": ["10", "10", "10", "10", "60"]})
    votes = pd.DataFrame({"flat_id": list("abcd"), "choice": ["agree"] * 3 + ["against"]})
    menu = pd.DataFrame(
        {"item_id": ["x", "y"], "name": ["屋面", "电梯"], "class": ["basic", "improving"],
         "unit_cost_yuan": [30.0, 70.0], "quantity": [1, 1]}
    )  # fmt: skip
    uses = pd.DataFrame({"item": ["x"], "cost_yuan": [200.0]})
    pays = pd.DataFrame({"payer": ["residents"], "share": ["25%"]})
    return {
        "ledger": ledger,
        "consent": consent_status(owners, votes, gate=["agree_80", "property_law_76_half"]),
        "funding": who_pays(uses, pays),
        "menu": choose_menu(menu, budget_yuan=40),
        "checkup": pd.DataFrame({"community_id": list("AAB"), "status": ["met", "short", "met"]}),
    }


@pytest.mark.parametrize(
    ("formula", "unit", "figure"),
    [
        ("coverage_share: service=canteen; within_min=10", "%", 50.0),
        ("coverage_share: service=canteen; within_min=10.0; community_id=A", "", 0.5),
        ("covered: within_min=5", "people", 10.0),
        ("unreachable: within_min=5", "people", 10.0),
        ("beyond：within_min=10；community_id=B", "people", 20.0),
        ("clauses: status=met", "", 2.0),
        ("clauses_share: status=met; community_id=A", "%", 50.0),
        ("consent_share: gate=agree_80", "%", 60.0),
        ("consent_share: gate=property_law_76_half; by=area", "%", 30.0),
        ("response_rate: gate=agree_80; by=area", "", 0.4),
        ("funding_share: payer=residents", "%", 25.0),
        ("funding_yuan: payer=unpaid", "yuan", 150.0),
        ("menu_items: class=basic", "", 1.0),
        ("menu_yuan: class=improving", "yuan", 0.0),
        ("cell: table=funding; column=amount_yuan; payer=residents", "yuan", 50.0),
    ],
)
def test_figures_that_a_plan_holds_by_hand(formula, unit, figure):
    found = fill_indicators(table_of(one(computed=formula, unit=unit)), plan_tables())
    assert found["before"].iloc[0] == pytest.approx(figure)
    assert found.attrs["communityplan"]["not_computed"] == []


def test_what_cannot_be_computed_stays_and_is_told():
    wanted = table_of(
        one("1", computed="coverage_share: service=canteen", before=7.0),
        one("2", computed="coverage_share: service=market"),
        one("3", computed="consent_share: gate=plan_80"),
        one("4", computed="menu_items: class=basic", before=9.0, unit="项"),
        one("5", before=3.0),
        one("6", computed="covered: within_min=soon"),
        one("7", computed="cell: table=nothing; column=x"),
    )
    found = fill_indicators(wanted, plan_tables())
    assert found["before"].fillna(-1).tolist() == [7, -1, -1, 1, 3, -1, -1]
    told = found.attrs["communityplan"]
    assert [said.split(",")[0] for said in told["not_computed"]] == ["1", "2", "3", "6", "7"]
    assert "within_min can be 10.0, 5.0; name one" in told["not_computed"][0]
    assert told["replaced"] == ["4, before: 9 was typed, 1 computed"]
    # the limit of the service, where the formula names none
    found = fill_indicators(wanted[:1], plan_tables(), limits={"canteen": 10})
    assert found["before"].tolist() == [0.5]


def test_before_and_after_from_the_effects_of_a_scenario():
    project = cp.load_project("demo")
    after = cp.apply(cp.Scenario("东门", "East gate", (cp.open_gate("G04"),)), project)
    effects = cp.compare(project, after, services=["canteen"])
    wanted = table_of(
        one(computed="coverage_share: service=canteen"), one("2", computed="unreachable:")
    )
    found = fill_indicators(wanted, {"effects": effects}, {"effects": effects})
    assert 0 < found["before"].iloc[0] < found["after"].iloc[0] <= 1
    ledger = cp.coverage(
        project.network(), project.homes, project.facilities, services=["canteen"],
        minutes=[10], walker="older_75_plus", group="elderly",
    )  # fmt: skip
    same = fill_indicators(wanted, {"ledger": ledger})
    assert same["before"].tolist() == pytest.approx(found["before"].tolist())
