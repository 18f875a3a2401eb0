"""Services in buildings under money, floor area, needs and years: by hand and by brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from communityplan.allocation import choose_programme
from communityplan.allocation import programme as programme_module
from communityplan.errors import DataError, OptionError, TooLargeError

GAINS = pd.DataFrame(
    [
        # of h1 the hall reaches all floors, the shed only the lower ones
        ("canteen", "h1", "hall", 60.0, 4.0, "north"),
        ("canteen", "h1", "shed", 40.0, 2.0, "north"),
        ("canteen", "h2", "shed", 50.0, 3.0, "south"),
        ("childcare", "h2", "shed", 30.0, 3.0, "south"),
        ("childcare", "h3", "hall", 20.0, 5.0, "south"),
    ],
    columns=["service", "home_id", "building_id", "people", "walk_min", "community_id"],
)
OPTIONS = pd.DataFrame(
    [
        ("hall", "canteen", 400_000.0, 200.0),
        ("hall", "childcare", 300_000.0, 150.0),
        ("shed", "canteen", 500_000.0, 200.0),
        ("shed", "childcare", 200_000.0, 150.0),
    ],
    columns=["building_id", "service", "cost_yuan", "floor_area_m2"],
)
BUILDINGS = pd.DataFrame({"building_id": ["hall", "shed"], "floor_area_m2": [400.0, 400.0]})


def choose(**options):
    tables = {"gains": GAINS, "options": OPTIONS, "buildings": BUILDINGS}
    tables.update({name: options.pop(name) for name in list(tables) if name in options})
    options = {"curve_budgets_yuan": (), "with_worth": False, **options}
    return choose_programme(tables["gains"], tables["options"], tables["buildings"], **options)


def pairs(choice):
    return list(zip(choice.opened["building_id"], choice.opened["service"], strict=True))


def test_by_hand():
    # 500,000 yuan: shed canteen 90; hall canteen 60; both childcare 50
    choice = choose(budget_yuan=500_000)
    assert pairs(choice) == [("shed", "canteen")]
    assert (choice.objective, choice.bound, choice.gap) == (90.0, 90.0, 0.0)
    assert choice.sites == ["shed"]
    # 700,000: both services in the shed 120, against canteen in the shed alone 90
    assert choose(budget_yuan=700_000).objective == 120.0
    # all: h1 is served once, by floors up to 60: 60 + 50 + 30 + 20
    everything = choose(budget_yuan=2e6)
    assert everything.objective == 160.0
    assert len(everything.opened) == 4
    assert everything.people == everything.people_covered == 160.0


def test_lower_floors_go_to_the_nearer_building_and_nobody_counts_twice():
    served = choose(budget_yuan=2e6).served
    canteen = served[(served["service"] == "canteen") & (served["from_id"] == "h1")]
    assert canteen[["to_id", "people", "walk_min"]].to_numpy().tolist() == [
        ["shed", 40.0, 2.0],
        ["hall", 20.0, 4.0],
    ]


def test_floor_area_limits_what_a_building_holds():
    small = BUILDINGS.assign(floor_area_m2=[400.0, 340.0])
    # canteen and childcare take 350 m2: the shed holds one of them
    choice = choose(budget_yuan=2e6, buildings=small)
    used = choice.opened.groupby("building_id")["floor_area_m2"].sum()
    assert used["shed"] == 200.0
    assert choice.objective == 60 + 50 + 20


def test_a_budget_that_opens_nothing_serves_nobody():
    for budget in (0, 100_000):
        choice = choose(budget_yuan=budget)
        assert (choice.objective, choice.bound, len(choice.opened)) == (0.0, 0.0, 0)
        assert choice.is_proven
        assert choice.not_served["people"].sum() == choice.people == 160.0
        assert "已证明最优" in choice._repr_html_()


def test_opening_a_building_costs_once_and_with_its_first_service():
    buildings = BUILDINGS.assign(opening_cost_yuan=[0.0, 100_000.0])
    choice = choose(budget_yuan=800_000, buildings=buildings)
    assert pairs(choice) == [("shed", "canteen"), ("shed", "childcare")]
    assert choice.opened["opening_cost_yuan"].tolist() == [100_000.0, 0.0]
    spent = choice.opened["cost_yuan"].sum() + choice.opened["opening_cost_yuan"].sum()
    assert spent == choice.opened.attrs["communityplan"]["spent_yuan"] == 800_000.0


def test_weights_decide():
    choice = choose(budget_yuan=500_000, weights={"childcare": 4.0})
    # both childcare centres: 4 x 50 people
    assert pairs(choice) == [("hall", "childcare"), ("shed", "childcare")]
    assert (choice.objective, choice.people_covered) == (200.0, 50.0)


def test_basic_needs_come_first():
    needs = pd.DataFrame({"service": ["childcare"], "min_sites": [1]})
    choice = choose(budget_yuan=500_000, needs=needs)
    assert "childcare" in choice.opened["service"].tolist()
    assert choice.objective == 50.0
    # in the south everybody for the childcare: both buildings
    needs = pd.DataFrame(
        {"service": ["childcare"], "community_id": ["south"], "min_people": [50.0]}
    )
    both = choose(budget_yuan=900_000, needs=needs)
    assert both.opened["service"].tolist().count("childcare") == 2
    assert both.objective == 50.0 + 60.0


def test_a_share_counts_those_who_are_served_today():
    people = pd.DataFrame({"service": ["childcare"], "people": [100.0], "covered": [50.0]})
    needs = pd.DataFrame({"service": ["childcare"], "min_share": [0.7]})
    # 70 of 100 are asked and 50 are served: one centre with 20 is enough, for the canteen the rest
    choice = choose(budget_yuan=800_000, needs=needs, people=people)
    assert choice.objective == 120.0
    with pytest.raises(DataError, match="childcare: at least 100% of the people") as caught:
        choose(budget_yuan=200_000, needs=needs.assign(min_share=1.0), people=people)
    text = str(caught.value)
    assert "take at least 500,000 yuan, 300,000 more than there is" in text


@pytest.mark.parametrize("empty", [None, float("nan"), pd.NA])
def test_a_need_of_no_community_is_a_need_of_all(empty):
    needs = pd.DataFrame({"service": ["childcare"], "min_sites": [1]})
    anywhere = needs.assign(community_id=pd.Series([empty], dtype=object))
    found = choose(budget_yuan=500_000, needs=anywhere)
    assert found.sites == choose(budget_yuan=500_000, needs=needs).sites


def test_needs_that_no_money_meets_say_by_how_much():
    needs = pd.DataFrame({"service": ["canteen"], "min_people": [150.0]})
    with pytest.raises(DataError, match=r"with any money, 110 of the 150 people .* 40 short"):
        choose(budget_yuan=1e9, needs=needs)


def test_needs_that_the_money_does_not_meet_say_what_it_takes():
    needs = pd.DataFrame({"service": ["canteen", "childcare"], "min_people": [100.0, 50.0]})
    with pytest.raises(DataError) as caught:
        choose(budget_yuan=1e6, needs=needs)
    text = str(caught.value)
    assert "take at least 1,400,000 yuan, 400,000 more than there is" in text
    assert "with this money" in text
    assert choose(budget_yuan=1.4e6, needs=needs).objective == 160.0


def test_required_options_open_or_say_why_not():
    choice = choose(budget_yuan=500_000, required=[("hall", "childcare")])
    assert ("hall", "childcare") in pairs(choice)
    assert choice.objective == 50.0
    small = BUILDINGS.assign(floor_area_m2=[300.0, 400.0])
    both = [("hall", "childcare"), ("hall", "canteen")]
    with pytest.raises(DataError, match="need 350 m2, the building has 300 m2"):
        choose(budget_yuan=2e6, required=both, buildings=small)
    with pytest.raises(DataError, match="required attic as canteen: options has no such row"):
        choose(budget_yuan=2e6, required=[("attic", "canteen")])


def test_years_open_what_serves_most_people_first():
    choice = choose(budget_yuan={2026: 500_000, 2027: 500_000, 2028: 400_000})
    year = choice.opened.set_index(["building_id", "service"])["year"]
    assert choice.objective == 160.0
    assert year["shed", "canteen"] == 2026
    # what is left in 2027 waits for 2028
    by_year = choice.opened.groupby("year")["cost_yuan"].sum().cumsum()
    assert (by_year <= np.array([5e5, 1e6, 1.4e6])[: len(by_year)]).all()


def test_money_that_lapses_buys_less():
    budget = {2026: 400_000, 2027: 400_000}
    # carried over it pays the canteen of the shed in 2027, lapsing it never does
    assert choose(budget_yuan=budget).objective == 120.0
    assert choose(budget_yuan=budget, carries_over=False).objective == 90.0


def test_options_open_no_earlier_than_they_can_be_had():
    late = OPTIONS.assign(year=[2026, 2026, 2027, 2026])
    choice = choose(budget_yuan={2026: 2e6, 2027: 0.0}, options=late)
    year = choice.opened.set_index(["building_id", "service"])["year"]
    assert year["shed", "canteen"] == 2027
    never = OPTIONS.assign(year=[2026, 2026, 2030, 2026])
    assert choose(budget_yuan={2026: 2e6}, options=never).objective == 110.0
    building = BUILDINGS.assign(available_year=[2026, 2030])
    assert choose(budget_yuan={2026: 2e6}, buildings=building).objective == 80.0


def test_needs_by_a_year():
    needs = pd.DataFrame({"service": ["childcare"], "min_people": [50.0], "by_year": [2026]})
    budget = {2026: 500_000, 2027: 500_000}
    choice = choose(budget_yuan=budget, needs=needs)
    assert choice.opened.groupby("service")["year"].max()["childcare"] == 2026
    with pytest.raises(DataError, match="cannot be paid in the order of the years"):
        choose(budget_yuan={2026: 400_000, 2027: 600_000}, needs=needs)
    with pytest.raises(DataError, match="no budget for 2030"):
        choose(budget_yuan=budget, needs=needs.assign(by_year=2030))


def test_capacity_limits_whom_a_service_takes():
    full = OPTIONS.assign(capacity=[np.nan, np.nan, 55.0, np.nan])
    choice = choose(budget_yuan=500_000, options=full)
    # the shed has room for 55 of 90; the hall takes 60
    assert pairs(choice) == [("hall", "canteen")]
    both = choose(budget_yuan=900_000, options=full)
    assert both.objective == 110.0
    served = both.served.groupby("to_id")["people"].sum()
    assert served["shed"] <= 55.0 + 1e-6
    assert both.served["people"].sum() == pytest.approx(110.0)


def test_gains_without_an_option_are_not_served_and_say_so():
    choice = choose(budget_yuan=2e6, options=OPTIONS[OPTIONS["building_id"] == "hall"])
    reasons = choice.not_served.set_index(["from_id", "service"])["reason"]
    assert reasons["h2", "canteen"] == "no_option"
    assert choice.people == 160.0
    assert choice.people_covered == 80.0


def test_nothing_opens_that_serves_nobody():
    gains = pd.concat([GAINS, GAINS.assign(building_id="twin")[GAINS["building_id"] == "shed"]])
    twin = OPTIONS.assign(building_id="twin", cost_yuan=100_000.0)[2:]
    buildings = pd.concat(
        [BUILDINGS, pd.DataFrame({"building_id": ["twin"], "floor_area_m2": [400.0]})]
    )
    choice = choose(
        gains=gains, options=pd.concat([OPTIONS, twin]), buildings=buildings, budget_yuan=1e7
    )
    # the twin of the shed does the same for less, and the shed is not opened beside it
    assert set(choice.opened["building_id"]) == {"hall", "twin"}
    assert (choice.opened["people"] > 0).all()
    assert choice.objective == 160.0


def test_curve_is_exact_and_never_falls():
    choice = choose(budget_yuan=700_000, curve_budgets_yuan=[0, 2e5, 5e5, 7e5, 9e5, 1.4e6])
    assert choice.curve["weighted_people"].tolist() == [0, 30, 90, 120, 120, 160]
    assert (choice.curve["state"] == "proven").all()
    assert choice.curve["people_per_million_yuan"].tolist()[1:] == pytest.approx(
        [150.0, 200.0, 150.0, 0.0, 80.0]
    )
    default = choose(budget_yuan=400_000, curve_budgets_yuan=None).curve
    assert default["budget_yuan"].tolist() == [0, 1e5, 2e5, 3e5, 4e5, 5e5, 6e5]


def test_the_curve_says_where_needs_are_not_met():
    needs = pd.DataFrame({"service": ["childcare"], "min_sites": [1]})
    curve = choose(budget_yuan=500_000, needs=needs, curve_budgets_yuan=[1e5, 5e5]).curve
    assert curve["state"].tolist() == ["needs_not_met", "proven"]


def test_worth_of_more_is_the_difference_of_two_best_plans():
    small = BUILDINGS.assign(floor_area_m2=[400.0, 340.0])
    choice = choose(budget_yuan=1.35e6, buildings=small, with_worth=True)
    # now both canteens and the hall's childcare, 130; the shed's childcare lacks 10 m2
    worth = choice.worth.set_index(choice.worth["building_id"].fillna("budget"))
    assert choice.objective == 130.0
    assert worth.loc["budget", "weighted_people"] == 0.0
    assert worth.loc["budget", "step"] == pytest.approx(135_000)
    roomy = choose(budget_yuan=1.4e6, buildings=small, with_worth=True).worth
    shed = roomy[roomy["building_id"] == "shed"].iloc[0]
    assert (shed["step"], shed["weighted_people"], shed["per_unit"]) == (10.0, 30.0, 3.0)
    assert (choice.worth["relaxed_per_unit"] >= 0).all()
    assert shed["en"] == "10 m² more in shed would serve 30 people more"
    assert shed["zh"] == "shed 面积增加 10 平方米，可多服务 30 人次"
    assert worth.loc["budget", "en"] == "135,000 yuan more would serve nobody more"


def test_greedy_says_how_far_it_may_be_from_the_best():
    # per yuan the small one is better, but both do not fit the money
    gains = pd.DataFrame(
        {"service": "canteen", "home_id": ["h1", "h2"], "building_id": ["a", "b"]}
    ).assign(people=[10.0, 80.0])
    options = pd.DataFrame({"building_id": ["a", "b"], "service": "canteen"})
    options = options.assign(cost_yuan=[1e5, 1e6])
    buildings = pd.DataFrame({"building_id": ["a", "b"], "floor_area_m2": 500.0})
    greedy = choose_programme(gains, options, buildings, budget_yuan=1e6, method="greedy")
    assert (greedy.objective, greedy.sites) == (10.0, ["a"])
    assert greedy.bound >= 80.0
    assert greedy.status.startswith("greedy: gap ")
    exact = choose_programme(gains, options, buildings, budget_yuan=1e6)
    assert (exact.objective, exact.sites) == (80.0, ["b"])
    needs = pd.DataFrame({"service": ["canteen"], "min_sites": [1]})
    with pytest.raises(OptionError, match="knows no needs"):
        choose(budget_yuan=1e6, needs=needs, method="greedy")
    with pytest.raises(OptionError, match="no years"):
        choose(budget_yuan={2026: 1e6, 2027: 1e6}, method="greedy")


def test_greedy_keeps_to_floor_area_money_and_what_is_required():
    small = BUILDINGS.assign(floor_area_m2=[400.0, 340.0], opening_cost_yuan=[0.0, 100_000.0])
    choice = choose(
        budget_yuan=1e6, buildings=small, required=[("hall", "childcare")], method="greedy"
    )
    # 150 people a million for either canteen: the lower id; what is left pays the childcare
    assert pairs(choice) == [("hall", "canteen"), ("hall", "childcare"), ("shed", "childcare")]
    assert choice.objective == 110.0
    assert (
        choice.bound
        >= choose(budget_yuan=1e6, buildings=small, required=[("hall", "childcare")]).objective
    )


def test_an_interrupted_curve_leaves_the_choice(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(programme_module, "worth_of_more", interrupted)
    choice = choose(budget_yuan=700_000, curve_budgets_yuan=None, with_worth=True)
    assert choice.is_proven
    assert choice.curve is not None
    assert choice.worth is None


def test_the_order_of_rows_does_not_matter():
    first = choose(budget_yuan=900_000)
    second = choose(
        budget_yuan=900_000,
        gains=GAINS.sample(frac=1, random_state=1),
        options=OPTIONS[::-1],
        buildings=BUILDINGS[::-1],
    )
    pd.testing.assert_frame_equal(first.opened, second.opened)
    pd.testing.assert_frame_equal(first.served, second.served)


# bad input


def test_every_missing_cost_is_listed():
    costs = [np.nan, 300_000.0, -5.0, None]
    with pytest.raises(DataError) as caught:
        choose(budget_yuan=1e6, options=OPTIONS.assign(cost_yuan=costs))
    assert [problem.where for problem in caught.value.problems] == [
        "options, hall as canteen",
        "options, shed as canteen",
        "options, shed as childcare",
    ]
    assert "cost_yuan is missing" in str(caught.value)


def test_all_that_is_wrong_comes_at_once():
    with pytest.raises(DataError) as caught:
        choose(
            budget_yuan=1e6,
            gains=pd.concat([GAINS, GAINS[:1]]).assign(people=[-1.0, *GAINS["people"]]),
            options=pd.concat([OPTIONS, OPTIONS[:1].assign(building_id="attic")]),
            buildings=BUILDINGS.assign(floor_area_m2=[np.nan, 1.0]),
        )
    text = str(caught.value)
    assert "people is -1.0" in text
    assert "gains, canteen h1 hall: it is there twice" in text
    assert "options, building attic: buildings has no such row" in text
    assert "buildings, hall: floor_area_m2 is missing" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": {"canteen": 0, "childcare": 0}}, "all are 0"),
        ({"weights": {"canteen": -1}}, "canteen is -1"),
        ({"weights": {"library": 1}}, "no option offers library"),
        ({"budget_yuan": -1.0}, "budget_yuan is -1"),
        ({"budget_yuan": {2026: 1.0, 2027: np.nan}}, "2027 is nan"),
        ({"budget_yuan": {}}, "names no year"),
        ({"time_limit_s": -1}, "time_limit_s is -1"),
        ({"method": "guess"}, "method is 'guess'"),
    ],
)
def test_options_without_meaning(options, message):
    with pytest.raises(OptionError, match=message):
        choose(**{"budget_yuan": 1e6, **options})


def test_tables_without_columns():
    with pytest.raises(DataError, match="options: no column 'cost_yuan'"):
        choose(budget_yuan=1e6, options=OPTIONS.drop(columns="cost_yuan"))


@pytest.mark.parametrize(
    ("need", "message"),
    [
        ({"min_sites": [1], "min_people": [3]}, "2 of min_share, min_people, min_sites are given"),
        ({"min_people": [-3]}, "min_people is -3"),
        ({"min_share": [0.5]}, "min_share, but nobody is counted"),
        ({"min_people": [3], "community_id": ["west"]}, "no gains in community west"),
    ],
)
def test_needs_without_meaning(need, message):
    with pytest.raises(DataError, match=message):
        choose(budget_yuan=1e6, needs=pd.DataFrame({"service": ["canteen"], **need}))


def test_too_many_pairs_with_capacities(monkeypatch):
    monkeypatch.setattr("communityplan.allocation._programme_model.MOST_PAIRS", 2)
    with pytest.raises(TooLargeError, match="with capacities 2 pairs"):
        choose(budget_yuan=1e6, options=OPTIONS.assign(capacity=50.0))


def test_no_gains_at_all():
    choice = choose(budget_yuan=1e6, gains=GAINS[:0])
    assert (choice.objective, choice.people, len(choice.opened)) == (0.0, 0.0, 0)


def test_an_interrupted_programme_keeps_the_best(monkeypatch):
    real = programme_module.best_plan

    def interrupted(*given, **options):
        from dataclasses import replace

        return replace(real(*given, **options), bound=130.0, is_interrupted=True)

    monkeypatch.setattr(programme_module, "best_plan", interrupted)
    choice = choose(budget_yuan=700_000, curve_budgets_yuan=None, with_worth=True)
    assert choice.status == "interrupted: gap 7.7 %"
    assert choice.curve is None


# brute force


def random_programme(seed):
    generator = np.random.default_rng(seed)
    services = ["canteen", "childcare", "health"][: generator.integers(1, 4)]
    buildings = [f"b{at}" for at in range(generator.integers(2, 5))]
    homes = [f"h{at}" for at in range(generator.integers(2, 6))]
    keys = [pair for pair in itertools.product(buildings, services) if generator.random() < 0.75]
    keys = keys[:8] or [(buildings[0], services[0])]
    options = pd.DataFrame(keys, columns=["building_id", "service"]).assign(
        cost_yuan=generator.integers(1, 10, len(keys)) * 1e5,
        floor_area_m2=generator.integers(0, 4, len(keys)) * 100.0,
    )
    table = pd.DataFrame({"building_id": buildings}).assign(
        floor_area_m2=generator.integers(0, 8, len(buildings)) * 100.0,
        opening_cost_yuan=generator.integers(0, 3, len(buildings)) * 1e5,
    )
    rows = [
        (service, home, building, float(generator.integers(0, 30)))
        for service, home, building in itertools.product(services, homes, buildings)
        if generator.random() < 0.5
    ]
    gains = pd.DataFrame(rows, columns=["service", "home_id", "building_id", "people"])
    years = {2026 + at: float(generator.integers(0, 12)) * 1e5 for at in range(2)}
    budget = years if generator.random() < 0.4 else float(generator.integers(0, 25)) * 1e5
    offered = sorted(set(options["service"]))
    needs = None
    if generator.random() < 0.4:
        kind = ["min_people", "min_sites"][generator.integers(2)]
        amount = generator.integers(1, 30) if kind == "min_people" else 1
        needs = pd.DataFrame({"service": [generator.choice(offered)], kind: [float(amount)]})
    weights = {offered[0]: float(generator.integers(1, 4))}
    carries_over = bool(generator.random() < 0.5)
    return gains, options, table, budget, needs, weights, carries_over


def payable(costs_by_part, budget, carries_over):
    """Whether some order of the buildings' and services' costs keeps to the years."""
    if not isinstance(budget, dict):
        return sum(sum(part) for part in costs_by_part) <= budget
    money = np.array([budget[year] for year in sorted(budget)])
    items = [(at, cost) for at, part in enumerate(costs_by_part) for cost in part[1:]]
    for periods in itertools.product(range(len(money)), repeat=len(items)):
        spent = np.zeros(len(money))
        first = {}
        for (building, cost), period in zip(items, periods, strict=True):
            spent[period] += cost
            first[building] = min(first.get(building, period), period)
        for building, period in first.items():
            spent[period] += costs_by_part[building][0]
        left = np.cumsum(money) - np.cumsum(spent) if carries_over else money - spent
        if (left >= 0).all():
            return True
    return not items


def best_of_all_sets(gains, options, buildings, budget, needs, weights, carries_over):
    best = None
    for count in range(len(options) + 1):
        for rows in itertools.combinations(range(len(options)), count):
            chosen = options.iloc[list(rows)]
            used = chosen.groupby("building_id")["floor_area_m2"].sum()
            rooms = buildings.set_index("building_id")
            if (used > rooms.loc[used.index, "floor_area_m2"]).any():
                continue
            parts = [
                [rooms.loc[name, "opening_cost_yuan"], *group["cost_yuan"]]
                for name, group in chosen.groupby("building_id")
            ]
            if not payable(parts, budget, carries_over):
                continue
            people = gains.merge(chosen, on=["building_id", "service"])
            people = people.groupby(["service", "home_id"])["people"].max()
            by_service = people.groupby("service").sum()
            if needs is not None:
                need = needs.iloc[0]
                if "min_sites" in needs and (chosen["service"] == need["service"]).sum() < 1:
                    continue
                least = need.get("min_people", 0.0)
                if by_service.get(need["service"], 0.0) < least:
                    continue
            value = sum(weights.get(name, 1.0) * total for name, total in by_service.items())
            best = value if best is None else max(best, value)
    return best


@pytest.mark.parametrize("seed", range(45))
def test_equal_to_trying_every_set(seed):
    gains, options, buildings, budget, needs, weights, carries_over = random_programme(seed)
    best = best_of_all_sets(gains, options, buildings, budget, needs, weights, carries_over)
    asked = {
        "budget_yuan": budget,
        "needs": needs,
        "weights": weights,
        "carries_over": carries_over,
        "curve_budgets_yuan": (),
        "with_worth": False,
    }
    if best is None:
        with pytest.raises(DataError, match=r"short|yuan"):
            choose_programme(gains, options, buildings, **asked)
        return
    choice = choose_programme(gains, options, buildings, **asked)
    assert choice.is_proven
    assert choice.objective == pytest.approx(best)
    everybody = pd.concat([choice.served, choice.not_served])["people"].sum()
    assert everybody == pytest.approx(choice.people)
    by_service = choice.served.groupby("service")["people"].sum().to_dict()
    weighted = sum(weights.get(name, 1.0) * people for name, people in by_service.items())
    assert weighted == pytest.approx(best)
