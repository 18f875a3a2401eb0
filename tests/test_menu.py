"""Menus: what is wrong with a list, what is chosen against every possible set, what it does."""

from __future__ import annotations

from fractions import Fraction as F
from itertools import chain, combinations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import communityplan as cp
from communityplan.errors import DataError, OptionError
from communityplan.finance.sides import who_pays
from communityplan.menu import (
    CLASSES,
    MENUS,
    check_menu,
    choose_menu,
    menu_gains,
    menu_groups,
    menu_items,
    menu_scenario,
    menu_sources,
    menu_summary,
    menu_uses,
    preference_weights,
    read_menu,
    read_preferences,
)
from communityplan.scenario import apply


def item(name, kind="improving", cost=10.0, **more):
    return {
        "item_id": name,
        "name": f"项目{name}",
        "class": kind,
        "unit_cost_yuan": cost,
        "quantity": 1,
        **more,
    }


def menu_of(*items):
    return pd.DataFrame(list(items))


def chosen_ids(table):
    return set(table.loc[table["chosen"], "item_id"])


def facts(table):
    return table.attrs["communityplan"]


# the list itself


def test_everything_wrong_with_a_menu_in_one_error_with_rows():
    menu = menu_of(
        item("a", depends_on="a"),
        item("b", depends_on="c"),
        item("c", depends_on="d"),
        item("d", depends_on="b"),
        item("e", kind="nice"),
        item("f", cost=-5),
        item("g", depends_on="zz", excludes="yy"),
        item("h", depends_on="f", excludes="f"),
        item("i", share_government="70%", share_residents="2/5"),
        item("j", share_other="1.2"),
        item("k", effect="open_window"),
        item("l", effect="open_gate", effect_with="gate=G04"),
        item("m", excludes="m"),
        item("a"),
        item("o", kind=""),
        item("p", effect="add_path", effect_with="line=POINT (0 0)"),
        item("q", effect="", effect_with="gate_id=G1"),
    )
    with pytest.raises(DataError) as raised:
        check_menu(menu)
    said = str(raised.value)
    for words in (
        "row 1: item 'a' depends on itself. Take it out",
        "row 2: item 'b' depends on itself through 'c' (row 3), 'd' (row 4)",
        "row 5: class is 'nice'",
        "row 6: unit_cost_yuan is -5",
        "row 7: depends_on names 'zz', which is no item",
        "row 7: excludes names 'yy'",
        "row 8: item 'h' depends on 'f' and excludes it",
        "row 9: the shares add up to 110 %",
        "row 10: share_other is '1.2'",
        "row 11: effect is 'open_window'",
        "row 12: open_gate has no parameter 'gate'",
        "row 13: item 'm' excludes itself",
        "row 14: item_id 'a' is already in row 1",
        "row 15: neither class nor nature",
        "row 16: effect_with of add_path",
        "row 17: effect_with is given without effect",
    ):
        assert words in said, words
    assert said.count("depends on itself through") == 1
    assert len(raised.value.problems) == 16


def test_shares_are_exact_to_the_last_digit():
    thirds = item("a", share_government="1/3", share_residents="1/3", share_other="1/3")
    assert check_menu(menu_of(thirds))["share_other"].iloc[0] == pytest.approx(1 / 3)
    tenths = item("a", share_government="0.1", share_residents="0.2", share_other="70%")
    assert len(check_menu(menu_of(tenths))) == 1
    with pytest.raises(DataError, match=r"add up to 100\.0000001 %"):
        check_menu(menu_of({**tenths, "share_other": "70.0000001%"}))


def test_needing_two_items_that_exclude_each_other():
    menu = menu_of(item("a", depends_on="b;c"), item("b", excludes="c"), item("c"))
    with pytest.raises(DataError, match="row 1: item 'a' needs 'b' and 'c', which exclude each"):
        check_menu(menu)


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_local_list_is_told_with_the_rows_of_its_file(tmp_path, ending):
    rows = [
        ["某区改造菜单（合成）", None, None, None, None, None],
        ["项目编号", "项目名称", "类别", "单价（万元/部）", "前置项目", "政府出资比例"],
        ["1", "屋面防水", "基础类", 2.5, None, "60%"],
        [None] * 6,
        ["2", "加装电梯", "完善类", None, "3", "60%"],
        ["3", "电力增容", "提升", 1, "2", "160%"],
    ]
    path = tmp_path / f"menu.{ending}"
    if ending == "csv":
        pd.DataFrame(rows).to_csv(path, index=False, header=False, encoding="gbk")
    else:
        pd.DataFrame(rows).to_excel(path, index=False, header=False)
    with pytest.raises(DataError) as raised:
        read_menu(path)
    said = str(raised.value)
    assert "row 5: item '2' depends on itself through '3' (row 6)" in said
    assert "row 6: share_government is '160%'" in said
    assert path.name in said
    rows[-1][-2:] = [None, "100%"]
    if ending == "csv":
        pd.DataFrame(rows).to_csv(path, index=False, header=False, encoding="gbk")
    else:
        pd.DataFrame(rows).to_excel(path, index=False, header=False)
    menu = read_menu(path)
    assert menu["unit_cost_yuan"].tolist()[::2] == [25_000, 10_000]
    assert menu["unit_cost_yuan"].isna().tolist() == [False, True, False]
    assert menu["class"].tolist() == list(CLASSES)
    assert not menu["verified"].any()


def test_published_lists_have_sources_and_no_prices():
    national = menu_items("national_2020")
    assert national["class"].value_counts(sort=False).to_dict() == {
        "basic": 16, "improving": 14, "upgrading": 11,
    }  # fmt: skip
    assert national["source"].str.contains("国办发〔2020〕23号").all()
    assert national["unit_cost_yuan"].isna().all()
    assert national["quantity"].isna().all()
    # the common parts and lines of the basic class were not seen in the source
    unseen = national.loc[~national["verified"], "item_id"].tolist()
    assert unseen == ["roof", "outer_wall", "stairs", "fibre", "overhead_lines"]
    assert menu_items("chongqing_2019").empty
    headings = menu_groups("chongqing_2019")
    assert headings["part"].value_counts(sort=False).to_dict() == {
        "comprehensive": 5, "management": 6,
    }  # fmt: skip
    assert set(headings["items_in_part"]) == {39, 25}
    assert not headings["items_known"].any()
    assert menu_groups(MENUS[0])["items_known"].sum() == len(national)
    with pytest.raises(OptionError, match="no list 'hangzhou'"):
        menu_items("hangzhou")


def test_without_prices_nothing_is_chosen_and_it_is_said():
    table = choose_menu(menu_items(), budget_yuan=1e9)
    assert not table["chosen"].any()
    assert set(table["why"]) == {"no_price"}
    assert len(facts(table)["missing"]) == 41
    assert not facts(table)["basic_complete"]


# the choice


def test_basic_items_first_then_what_residents_ask_for():
    menu = menu_of(
        item("roof", "basic", 60),
        item("pipes", "basic", 30),
        item("lift", cost=40),
        item("power", "upgrading", 10),
        item("lamps", cost=10),
        item("trees", cost=5),
        item("fence", cost=1),
    )
    menu.loc[2, "depends_on"] = "power"
    weights = {"lift": 10, "lamps": 6, "trees": 3}
    table = choose_menu(menu, budget_yuan=105, preferences=weights).set_index("item_id")
    # 90 go to basic items; of 15 left the lamps and the trees, worth 9; the lift needs 40 + 10
    assert chosen_ids(table.reset_index()) == {"roof", "pipes", "lamps", "trees"}
    assert table["why"].to_dict() == {
        "roof": "basic", "pipes": "basic", "lift": "money", "power": "nobody_asked",
        "lamps": "asked", "trees": "asked", "fence": "nobody_asked",
    }  # fmt: skip
    assert table.loc["lift", "lacking_yuan"] == 50
    assert (facts(table)["objective"], facts(table)["bound"], facts(table)["gap"]) == (9, 9, 0)
    assert (facts(table)["spent_yuan"], facts(table)["left_yuan"]) == (105, 0)
    assert facts(table)["basic_complete"]
    assert facts(table)["is_proven"]
    table = choose_menu(menu, budget_yuan=145, preferences=weights).set_index("item_id")
    assert chosen_ids(table.reset_index()) == {"roof", "pipes", "lift", "power", "trees"}
    assert (table.loc["power", "why"], table.loc["power", "why_of"]) == ("needed_by", "lift")
    # too little for both basic items: one, and the cheaper, whatever is asked for
    table = choose_menu(menu, budget_yuan=50, preferences=weights)
    assert chosen_ids(table) == {"pipes", "lamps", "trees"}
    assert not facts(table)["basic_complete"]
    summary = menu_summary(table)
    assert summary["chosen"].tolist() == [1, 2, 0]
    assert summary["cost_yuan"].sum() == 45


def test_a_fen_decides():
    # in floats 0.1 + 0.2 is more than 0.3
    menu = menu_of(item("a", cost=0.1), item("b", cost=0.2))
    assert chosen_ids(choose_menu(menu, budget_yuan=0.3)) == {"a", "b"}
    menu = menu_of(item("a", cost=33_333_333.33), item("b", cost=66_666_666.67))
    assert chosen_ids(choose_menu(menu, budget_yuan=100_000_000)) == {"a", "b"}
    table = choose_menu(menu, budget_yuan=99_999_999.99, preferences={"a": 2, "b": 1})
    assert chosen_ids(table) == {"a"}
    assert table["lacking_yuan"].iloc[1] == 0.01


def test_exclusions_requirements_and_refusals():
    menu = menu_of(
        item("carport", cost=50, excludes="trees"),
        item("trees", cost=5),
        item("paint", cost=5, depends_on="scaffold"),
        item("scaffold", cost=5),
        item("soon", cost=None),
    )
    table = choose_menu(menu, budget_yuan=100, preferences={"carport": 5, "trees": 4, "paint": 1})
    assert chosen_ids(table) == {"carport", "paint", "scaffold"}
    assert table.set_index("item_id").loc["trees", ["why", "why_of"]].tolist() == [
        "excluded_by", "carport",
    ]  # fmt: skip
    table = choose_menu(menu, budget_yuan=100, required=["trees"], refused=["scaffold"])
    assert table["why"].tolist() == ["excluded_by", "required", "needs", "refused", "no_price"]
    assert table["why_of"].tolist() == ["trees", "", "scaffold", "", ""]
    assert all(table["zh"].str.endswith("。"))
    assert all(table["en"].str.endswith("."))
    with pytest.raises(DataError) as raised:
        choose_menu(menu, budget_yuan=100, required=["trees", "carport", "soon"])
    assert "row 5: item 'soon' is required, itself or by others, but has no price" in str(
        raised.value
    )
    assert "carport and trees exclude each other" in str(raised.value)
    with pytest.raises(DataError, match=r"cost 10\.00 yuan, the budget is 9\.00.*1\.00 yuan are"):
        choose_menu(menu, budget_yuan=9, required=["paint"])


def test_options_without_a_meaning():
    menu = menu_of(item("a"))
    for options, words in (
        ({"budget_yuan": -1}, "budget_yuan is -1"),
        ({"preferences": {"z": 1}}, "preferences names z"),
        ({"preferences": {"a": -1}}, "weights of 0 or more"),
        ({"preferences": {"a": 1e9}}, "give whole numbers"),
        ({"quantities": {"a": -2}}, "quantities of a"),
        ({"required": ["a"], "refused": ["a"]}, "required and refused: a"),
        ({"by": "price"}, "by is 'price'"),
        ({"by": "nature"}, "by is 'nature', but a have none"),
    ):
        with pytest.raises(OptionError, match=words):
            choose_menu(menu, **{"budget_yuan": 5, **options})


def best_naively(items, budget, weights):
    """Every set of items, by the rules as they are written."""

    def allowed(names):
        own = [one for one in items if one["item_id"] in names]
        return (
            sum(F(str(one["unit_cost_yuan"])) for one in own) <= F(str(budget))
            and all(set(filter(None, one["depends_on"].split(";"))) <= names for one in own)
            and not any(set(filter(None, one["excludes"].split(";"))) & names for one in own)
        )

    def worth(names):
        own = [one for one in items if one["item_id"] in names]
        basic = [one["item_id"] for one in own if one["class"] == "basic"]
        others = [one["item_id"] for one in own if one["class"] != "basic"]
        cost = sum(F(str(one["unit_cost_yuan"])) for one in own)
        return (
            len(basic),
            sum(weights.get(one, 0) for one in basic),
            sum(weights.get(one, 0) for one in others),
            -cost,
        )

    names = [one["item_id"] for one in items]
    sets = chain.from_iterable(combinations(names, size) for size in range(len(names) + 1))
    return max(worth(set(one)) for one in sets if allowed(set(one)))


@st.composite
def menus(draw):
    names = "abcdefg"[: draw(st.integers(1, 7))]
    items = []
    for at, name in enumerate(names):
        # only on items before it, so that no item depends on itself
        depends = draw(st.lists(st.sampled_from(names[:at]), max_size=2)) if at else []
        excludes = draw(st.lists(st.sampled_from(names[:at]), max_size=1)) if at else []
        kind = draw(st.sampled_from(list(CLASSES)))
        cost = draw(st.integers(0, 12)) / 4
        more = {"depends_on": ";".join(depends), "excludes": ";".join(excludes)}
        items.append(item(name, kind, cost, **more))
    return items


@given(menus(), st.integers(0, 40), st.lists(st.integers(0, 5), min_size=7, max_size=7))
@settings(deadline=None, max_examples=120)
def test_against_every_set_of_items(items, quarters, numbers):
    menu, budget = menu_of(*items), quarters / 4
    try:
        check_menu(menu)
    except DataError:
        return  # an item that needs what it excludes
    weights = dict(zip([one["item_id"] for one in items], numbers, strict=False))
    table = choose_menu(menu, budget_yuan=budget, preferences=weights)
    done = table[table["chosen"]]
    basic = done[done["class"] == "basic"]
    others = done[done["class"] != "basic"]
    found = (len(basic), basic["weight"].sum(), others["weight"].sum(), -done["cost_yuan"].sum())
    assert found == best_naively(items, budget, weights)
    assert facts(table)["is_proven"]
    assert facts(table)["gap"] == 0
    assert facts(table)["spent_yuan"] + facts(table)["left_yuan"] == budget
    # whoever is left out for money really lacks some
    assert (table.loc[table["why"] == "money", "lacking_yuan"] > 0).all()
    turned = choose_menu(menu.iloc[::-1], budget_yuan=budget, preferences=weights)
    assert chosen_ids(turned) == chosen_ids(table)


def test_a_long_menu_is_proven():
    # 64 items, as many as Chongqing has, with ties and dependencies
    items = [
        item(
            f"i{at:02}", ("basic", "improving", "upgrading")[at % 3], 1000 + (at * 7919) % 4001,
            depends_on=f"i{at - 5:02}" if at % 7 == 5 else "",
        )
        for at in range(64)
    ]  # fmt: skip
    weights = {f"i{at:02}": (at * 31) % 97 for at in range(64)}
    table = choose_menu(menu_of(*items), budget_yuan=110_000, preferences=weights)
    assert facts(table)["is_proven"]
    assert facts(table)["basic_complete"]
    less = choose_menu(menu_of(*items), budget_yuan=100_000, preferences=weights)
    assert facts(less)["objective"] <= facts(table)["objective"]
    again = choose_menu(menu_of(*items), budget_yuan=110_000, preferences=weights)
    pd.testing.assert_frame_equal(again, table)


def test_a_search_that_is_stopped_says_so_and_leaves_out_nothing_that_fits():
    items = [item(f"i{at:02}", ("basic", "improving")[at % 2], 10 + at) for at in range(40)]
    table = choose_menu(menu_of(*items), budget_yuan=500, time_limit_s=0)
    said = facts(table)
    assert said["spent_yuan"] <= 500
    assert all(level["objective"] <= level["bound"] for level in said["levels"])
    assert (table.loc[table["why"] == "money", "lacking_yuan"] > 0).all()
    best = facts(choose_menu(menu_of(*items), budget_yuan=500))
    assert best["is_proven"]
    assert best["levels"][0]["objective"] >= said["levels"][0]["objective"]


def test_chongqing_classes():
    menu = menu_of(item("a", "", 10, nature="增加项"), item("b", "", 10, nature="基本项"))
    table = choose_menu(menu, budget_yuan=10, by="nature", preferences={"a": 9})
    assert chosen_ids(table) == {"b"}
    assert menu_summary(table)["zh"].iloc[1].startswith("基本项：1项中列入1项")


# what residents ask for


def test_preferences_from_a_survey(tmp_path):
    path = tmp_path / "survey.csv"
    path.write_text("房号,项目编号\n101,a\n102,a\n102,b\n101,a\n", encoding="utf-8")
    menu = check_menu(menu_of(item("a"), item("b"), item("c")))
    weights = preference_weights(read_preferences(path), menu)
    assert weights["chosen_by"].tolist() == [2, 1, 0]
    assert weights["share"].tolist() == [1.0, 0.5, 0.0]
    assert facts(weights)["repeated"] == [f"{path}, row 5"]
    assert chosen_ids(choose_menu(menu, budget_yuan=10, preferences=weights)) == {"a"}
    path.write_text("房号,项目编号\n101,z\n", encoding="utf-8")
    with pytest.raises(DataError, match="row 2: 'z' is no item of the menu"):
        preference_weights(read_preferences(path), menu)


# what it does, and who pays


def test_effects_become_a_scenario():
    menu = menu_of(
        item("east", effect="开门", effect_with="gate_id=G04; who=everyone"),
        item("lifts", effect="add_lift", effect_with="home_ids=C2-01、C2-02"),
        item(
            "care", effect="add_facility", effect_with="service=elder_care; where=B01; capacity=40"
        ),
        item("wall", effect="拆墙", effect_with="community_id=C3"),
        item("lamps"),
        item("dear", cost=99, effect="open_gate", effect_with="gate_id=G07"),
    )
    table = choose_menu(menu, budget_yuan=60)
    plan = menu_scenario(table, name="菜单", name_en="Menu")
    assert plan.told() == (
        "open_gate(gate_id='G04', who='everyone')",
        "add_lift(home_ids=('C2-01', 'C2-02'))",
        "add_facility(service='elder_care', building_id='B01', capacity=40.0)",
        "remove_wall(community_id='C3')",
    )
    after = apply(plan, cp.load_project("demo"))
    # the gate goes with its wall
    assert after.effects["has_effect"].tolist() == [False, True, True, True]
    assert menu_scenario(choose_menu(menu, budget_yuan=0)).measures == ()


def test_what_each_item_brings_alone():
    menu = menu_of(
        item("gate", effect="open_gate", effect_with="gate_id=G04", name_en="east gate"),
        item("lifts", effect="add_lift", effect_with="home_ids=C2-01,C2-02"),
        item("lamps"),
    )
    project = cp.load_project("demo")
    gains = menu_gains(choose_menu(menu, budget_yuan=10), project, services=["canteen"])
    assert gains["item_id"].tolist() == ["gate", "lifts"]
    after = apply(cp.Scenario("x", "x", (cp.open_gate("G04"),)), project)
    alone = cp.compare(project, after, services=["canteen"])
    assert gains["gained"].iloc[0] == alone["gained"].sum() > 0
    assert gains["en"].iloc[0].startswith("east gate: ")
    # lifts save minutes without anybody crossing the limit
    assert gains["gained"].iloc[1] == 0
    assert "少走" in gains["zh"].iloc[1]
    assert menu_gains(check_menu(menu[2:]), project).empty


def test_an_effect_that_is_not_complete_is_told_when_it_is_chosen():
    menu = menu_items()
    prices = menu.assign(unit_cost_yuan=1.0, quantity=1.0)
    table = choose_menu(prices, budget_yuan=1e6)
    with pytest.raises(DataError) as raised:
        menu_scenario(table)
    assert "item 'lift' is chosen, but its effect add_lift has no home_ids" in str(raised.value)
    assert "item 'elder_care' is chosen, but its effect add_facility has no where" in str(
        raised.value
    )


def test_who_pays_for_the_items():
    menu = menu_of(
        item("lift", cost=80, share_government="25%", share_residents="3/4"),
        item("lamps", cost=20, share_government="1"),
        item("dear", cost=900, share_government="1"),
    )
    table = choose_menu(menu, budget_yuan=100)
    paid = who_pays(menu_uses(table), menu_sources(table)).set_index("payer")
    assert paid["amount_yuan"].to_dict() == {
        "government": 40, "residents": 60, "social_capital": 0, "other": 0,
    }  # fmt: skip
