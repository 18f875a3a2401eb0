"""One community, one plan: every step on a small project, with sums done by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

import communityplan as cp
from communityplan.errors import DataError, OptionError
from communityplan.plan import STEPS
from test_project import PROJECT, write_project
from towns import lines, points

STREET = 1000.0
"""Two houses at 100 and 900 m of a straight street; a wall cuts it at 500 m."""

TEXT = (
    PROJECT.replace('streets = "', 'walls = "walls.geojson"\nstreets = "')
    .replace("within_min = 4", "within_min = 10")
    .replace('services = ["market", "canteen"]', 'services = ["canteen"]')
    .replace("[ranking]\n", "[ranking]\nbudget_yuan = 300000\n")
    + """
[checkup]
standards = ["complete_community"]
[openings]
k = 1
[menu]
items = "menu.csv"
preferences = "preferences.csv"
budget_yuan = 100
[consent]
owners = "owners.csv"
votes = "votes.csv"
[funding]
sources = "funding.csv"
rules = "rules.toml"
[operation]
prices = "prices.csv"
years = 10
[indicators]
table = "indicators.csv"
[prongs]
"""
)
PAPERS = {
    "menu.csv": "项目编号,项目名称,类别,单价,数量\nroof,屋面,基础类,60,1\nlamp,照明,完善类,40,1\n"
    "lift,电梯,提升类,50,1\n",
    "preferences.csv": "房号,项目编号\n1,lamp\n2,lift\n3,lift\n",
    "owners.csv": "房号,面积\n1,50\n2,50\n3,50\n4,50\n5,50\n",
    "votes.csv": "房号,意见,关口\n"
    + "".join(f"{flat},同意,agree_80\n" for flat in (1, 2, 3, 4))
    + "1,同意,plan_80\n2,不同意,plan_80\n",
    "funding.csv": "出资方,比例\n政府,60%\n居民,10%\n",
    "rules.toml": '[[rules]]\npayer = "government"\nmost = "1/2"\nsource = "ours"\n',
    "prices.csv": "service,income_yuan_year,cost_yuan_year,rent_yuan_year,rent_free_years,"
    "subsidy_yuan_year\ncanteen,100000,50000,0,0,0\n",
    "indicators.csv": "指标编号,方面,指标名称,单位,目标,计算式\n"
    "1,effect,食堂覆盖率,%,50,coverage_share: service=canteen\n"
    "2,process,同意率,%,80,consent_share: gate=agree_80\n",
}


def whole_project(folder: Path, text: str = TEXT, **papers: str) -> Path:
    """A project that asks for every step but joint units."""
    folder.mkdir(exist_ok=True)
    for name, content in {**PAPERS, **papers}.items():
        (folder / name).write_text(content, encoding="utf-8")
    return write_project(
        folder,
        text,
        homes=points(
            [(100, 0), (900, 0)],
            home_id=["a", "b"], community_id=["c", "c"], residents=[30, 50], elderly=[10, 30],
        ),
        facilities=points([(0, 0)], facility_id=["f"], service=["canteen"]),
        streets=lines([(0, 0), (STREET, 0)], kind=["footway"]),
        walls=lines([(500, -50), (500, 50)]).assign(wall_id=["w"]),
        communities=areas(),
        idle=points(
            [(700, 0)], building_id=["i"], floor_area_m2=[400.0], conversion_cost_yuan=[200_000.0]
        ),
    )  # fmt: skip


def areas():
    """One community round the whole street."""
    import geopandas as gpd
    import shapely

    box = shapely.box(-10, -60, STREET + 10, 60)
    return gpd.GeoDataFrame(
        {"community_id": ["c"], "name": ["院"]}, geometry=[box], crs="EPSG:32650"
    )


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return cp.make_plan(cp.load_project(whole_project(tmp_path_factory.mktemp("whole"))))


def test_what_is_chosen_opens_behind_the_wall(plan):
    # home b cannot pass the wall; the idle building at 700 m serves its 30 older people
    assert plan.chosen.opened[["building_id", "service"]].values.tolist() == [["i", "canteen"]]
    assert plan.chosen.people_covered == 30


def test_before_and_after_count_everything_together(plan):
    [row] = plan.effects[plan.effects["within_min"] == 10].to_dict("records")
    assert (row["covered_before"], row["covered_after"], row["lost"]) == (10, 40, 0)
    assert len(plan.after.scenario.measures) == 2


def test_before_is_the_ledger(plan):
    key = ["community_id", "service", "group", "within_min"]
    both = plan.ledger.merge(plan.effects, on=key, suffixes=("", "_effects"))
    assert len(both) == len(plan.ledger) == len(plan.effects)
    assert both["covered"].tolist() == both["covered_before"].tolist()
    assert (both["people"] - both["unreachable"]).tolist() == both["reachable_before"].tolist()


def test_before_and_after_can_be_swiped(plan, tmp_path):
    from communityplan import report

    written = report.write(plan, tmp_path / "out", lang="en", formats=["map"])
    assert sorted(written) == ["before_after.html", "map.html"]
    page = (tmp_path / "out" / "before_after.html").read_text(encoding="utf-8")
    assert "Before" in page
    assert "After" in page


def test_two_versions_are_held_against_each_other(plan, tmp_path):
    cheaper = cp.load_project(
        whole_project(tmp_path, TEXT.replace("budget_yuan = 100\n", "budget_yuan = 60\n"))
    )
    changes = cp.compare_versions(
        plan.frames, cp.make_plan(cheaper).frames, who="residents", when="2026-05-01"
    )
    menu = changes[changes["table"] == "menu"]
    # 60 yuan pay for the roof only
    assert "lamp" in set(menu["key"])
    assert "roof" not in set(menu["key"])
    assert set(changes["who"]) == {"residents"}


def test_the_menu_takes_the_basic_item_first_then_what_is_asked_for_and_fits(plan):
    # 100 yuan: the roof for 60, then 40 are left, which the lift (50) does not fit
    chosen = plan.menu.set_index("item_id")["chosen"]
    assert chosen.to_dict() == {"roof": True, "lamp": True, "lift": False}


def test_gates_are_counted_on_their_own_votes(plan):
    whole = plan.consent[plan.consent["scope"] == "all"].set_index("gate")
    assert whole.loc["agree_80", "share_number"] == Fraction(4, 5)
    assert whole.loc["agree_80", "state"] == "reached"
    assert whole.loc["plan_80", "state"] == "failed" or whole.loc["plan_80", "state"] == "open"
    assert whole.loc["plan_80", "share_number"] == Fraction(1, 5)


def test_who_pays_adds_up_to_the_building_and_the_items(plan):
    # 200,000 for the building, 60 + 40 for the items
    paid = plan.funding.set_index("payer")["amount_yuan"]
    assert paid["government"] == pytest.approx(0.6 * 200_100)
    assert paid["residents"] == pytest.approx(0.1 * 200_100)
    assert paid["unpaid"] == pytest.approx(0.3 * 200_100)
    assert plan.rules_kept is not None
    assert len(plan.rules_kept) == 1


def test_the_canteen_pays_back_in_four_years(plan):
    # 200,000 at 50,000 a year
    one = plan.finance[plan.finance["service"] == "canteen"].iloc[0]
    assert one["payback_years"] == pytest.approx(4.0)


def test_phases_list_what_is_done_and_what_it_costs(plan):
    table = plan.phases
    assert table["cost_yuan"].sum() == 200_100
    assert sorted(table["key"]) == ["i", "lamp", "roof"]
    assert table["year"].isna().all()


def test_indicators_are_filled_before_and_after(plan):
    table = plan.indicators.set_index("indicator_id")
    # 10 of 40 older people before, all of them after
    assert table.loc["1", ["before", "after"]].tolist() == [25.0, 100.0]
    assert table.loc["1", "state"] == "reached"
    assert table.loc["2", "after"] == 80.0


def test_every_step_can_be_left_out(tmp_path):
    project = cp.load_project(whole_project(tmp_path))
    plain = cp.make_plan(project, steps=())
    assert plain.tables() == ["ledger", "access", "areas", "ranking", "checkup", "chosen"]
    assert plain.finance is None
    with pytest.raises(OptionError, match="no step menus"):
        cp.make_plan(project, steps=["menus"])


def test_a_budget_by_year_gives_the_years_of_the_phases(tmp_path):
    text = TEXT.replace("budget_yuan = 300000\n", "")
    text += "[ranking.budget_yuan]\n2026 = 100_000\n2027 = 200_000\n"
    made = cp.make_plan(cp.load_project(whole_project(tmp_path, text)), steps=["menu"])
    # the building costs 200,000, which is there in the second year
    assert made.phases.set_index("key")["year"].to_dict() == {"i": 2027, "lamp": 2027, "roof": 2027}


def test_mistakes_in_every_list_are_told_at_once(tmp_path):
    file = whole_project(
        tmp_path,
        **{
            "votes.csv": "房号,意见,关口\n1,也许,agree_80\n99,同意,agree_80\n",
            "menu.csv": "项目编号,项目名称,类别,前置项目\nroof,屋面,基础类,roof\n",
            "funding.csv": "出资方,比例\n邻居,60%\n",
        },
    )
    with pytest.raises(DataError) as error:
        cp.make_plan(cp.load_project(file))
    told = str(error.value)
    assert "menu.csv, row 2" in told
    assert "votes.csv, row 2" in told
    assert "'99'" in told


def test_a_step_says_what_it_lacks(tmp_path):
    text = TEXT.replace('owners = "owners.csv"\n', "").replace("budget_yuan = 100\n", "")
    project = cp.load_project(whole_project(tmp_path, text))
    with pytest.raises(DataError) as error:
        cp.make_plan(project)
    assert "[consent]: no owners" in str(error.value)
    assert "[menu]: no budget_yuan" in str(error.value)


def test_a_plan_without_anything_to_decide_decides_nothing(tmp_path):
    text = TEXT[: TEXT.index("[checkup]")].replace("budget_yuan = 300000\n", "")
    project = replace(cp.load_project(whole_project(tmp_path, text)), walls=None)
    made = cp.make_plan(project, steps=[name for name in STEPS if name in ("openings", "prongs")])
    assert made.openings is None
    assert made.effects is None
    assert made.phases is None
