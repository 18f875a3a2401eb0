"""Idle buildings under the rules of what may go into them: storeys, centres, costs, bad input."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import communityplan as cp
from communityplan.errors import DataError, OptionError, TableError
from communityplan.siting import Rules, StoreyRule, newly_covered, programmes, read_rules
from communityplan.standards import Service
from towns import lines, points

SERVICES = [
    Service("elder_care", group="elderly", walker="adult", within_min=8, min_floor_area_m2=200),
    Service("childcare", group="children", walker="adult", within_min=6, min_floor_area_m2=150),
    Service("canteen", group="elderly", walker="adult", within_min=5, min_floor_area_m2=200),
    Service("market", group="residents", walker="adult", within_min=5, min_floor_area_m2=100),
]
NOW = {"curve_budgets_yuan": (), "with_worth": False}


def rules(**changes) -> Rules:
    return Rules(**{**vars(read_rules()), **changes})


def town(seed: int, n_buildings: int = 3):
    """A street of 1,500 m with ten homes, one market and some idle buildings of several storeys."""
    rng = np.random.default_rng(seed)
    network = cp.WalkNetwork.from_streets(lines([(0, 0), (1500, 0)]))
    n = 10
    homes = points(
        [(x, 0) for x in rng.integers(0, 1500, n)],
        home_id=[f"h{at}" for at in range(n)], community_id=rng.choice(["c", "d"], n),
        residents=rng.integers(60, 90, n), elderly=rng.integers(0, 40, n),
        children=rng.integers(0, 20, n),
    )  # fmt: skip
    facilities = points([(0, 0)], facility_id=["k"], service=["market"])
    idle = points(
        [(x, 0) for x in rng.integers(0, 1500, n_buildings)],
        building_id=[f"b{at}" for at in range(n_buildings)],
        floor_area_m2=rng.integers(1, 12, n_buildings) * 100.0,
        storeys=rng.choice([np.nan, 1.0, 2.0, 4.0, 6.0], n_buildings),
        storey=rng.choice([np.nan, np.nan, np.nan, 1.0, 2.0, 4.0], n_buildings),
        conversion_cost_yuan=rng.integers(1, 9, n_buildings) * 1e5,
    )
    return network, homes, facilities, idle


def choose(tables, **options):
    return cp.choose_sites(*tables, **{"services": SERVICES, "budget_yuan": 1e6, **NOW, **options})


def sets_of(choice) -> dict[str, set[str]]:
    return {name: set(rows["service"]) for name, rows in choice.opened.groupby("building_id")}


def test_two_services_that_each_fit_below_a_storey_may_not_fit_together():
    # 600 m2 on 4 storeys: 300 m2 up to the 2nd, 450 up to the 3rd. Elder care (200, to the 3rd)
    # and childcare (150, to the 2nd) fit, but not with twice the area each
    network, homes, facilities, idle = town(3)
    idle = idle[:1].assign(floor_area_m2=600.0, storeys=4.0, storey=np.nan)
    both = [
        Service("elder_care", group="elderly", walker="adult", within_min=15,
                min_floor_area_m2=300),
        Service("childcare", group="children", walker="adult", within_min=15,
                min_floor_area_m2=200),
    ]  # fmt: skip
    small = choose((network, homes, facilities, idle), services=both)
    # 500 m2 are less than 600, but more than the 450 up to the 3rd storey
    assert len(small.opened) == 1
    flat = choose((network, homes, facilities, idle.assign(storeys=3.0)), services=both)
    # 600 m2 up to the 3rd, 400 up to the 2nd
    assert sets_of(flat) == {"b0": {"elder_care", "childcare"}}
    free = rules(storeys={"elder_care": StoreyRule(highest=3.0)})
    freed = choose((network, homes, facilities, idle), services=both, rules=free)
    assert len(freed.opened) == 2
    narrow = rules(storeys={}, usable_share=0.8)
    # 480 m2 can be used
    assert len(choose((network, homes, facilities, idle), services=both, rules=narrow).opened) == 1
    both_needed = [("b0", "elder_care"), ("b0", "childcare")]
    with pytest.raises(DataError, match="need 500 m2, the storeys they may be on have 450 m2"):
        choose((network, homes, facilities, idle), services=both, required=both_needed)


def best_by_trying(tables, budget, centres, rule) -> float | None:
    """Every combination of the sets that `programmes` lists, one for each building."""
    network, homes, facilities, idle = tables
    listed = programmes(idle, services=SERVICES, rules=rule, every_set=True)
    names = [one.name for one in SERVICES]
    cost = idle.set_index("building_id")["conversion_cost_yuan"]
    gains = {}
    for one in SERVICES:
        table = newly_covered(network, homes, facilities, idle, service=one)
        people = table.pivot(index="building_id", columns="home_id", values="people")
        people = people.reindex(index=cost.index, columns=homes["home_id"]).fillna(0.0)
        gains[one.name] = people.to_numpy()
    by_building = []
    for at, (name, rows) in enumerate(listed.groupby("building_id")):
        sets = [row.services.split(";") if row.services else [] for row in rows.itertuples()]
        served = [[gains[n][at] * (n in services) for n in names] for services in sets]
        yuan = [cost[name] if services else 0.0 for services in sets]
        centre = rows["is_centre"].ne("no").tolist()
        by_building.append(list(zip(np.array(served), yuan, centre, strict=True)))
    best = None
    for chosen in itertools.product(*by_building):
        if sum(yuan for _, yuan, _ in chosen) > budget or sum(c for *_, c in chosen) < centres:
            continue
        served = float(np.maximum.reduce([people for people, _, _ in chosen]).sum())
        best = served if best is None else max(best, served)
    return best


@pytest.mark.parametrize("seed", range(24))
def test_equal_to_trying_every_set_that_fits(seed):
    tables = town(seed)
    budget = float(np.random.default_rng(seed).integers(0, 20) * 1e5)
    rule = rules(usable_share=[1.0, 0.9][seed % 2])
    centres = int(seed % 3 == 0)
    best = best_by_trying(tables, budget, centres, rule)
    asked = {"budget_yuan": budget, "rules": rule, "min_centres": centres}
    if best is None:
        with pytest.raises(DataError, match=r"neighbourhood centres|yuan"):
            choose(tables, **asked)
        return
    choice = choose(tables, **asked)
    assert choice.is_proven
    assert choice.objective == pytest.approx(best)
    listed = programmes(tables[3], services=SERVICES, rules=rule, every_set=True)
    for name, services in sets_of(choice).items():
        rows = listed[listed["building_id"] == name]
        row = rows[[set(text.split(";")) == services for text in rows["services"]]].iloc[0]
        told = choice.opened[choice.opened["building_id"] == name].iloc[0]
        assert told["is_centre"] == row["is_centre"]
        assert (told["centre_zh"], told["centre_en"]) == (
            row["centre_reason_zh"],
            row["centre_reason_en"],
        )
    by_building = choice.opened.drop_duplicates("building_id")
    assert (by_building["is_centre"] != "no").sum() >= centres


def test_a_centre_that_no_building_can_be_says_so():
    network, homes, facilities, idle = town(1)
    small = idle.assign(floor_area_m2=400.0, storeys=1.0, storey=np.nan)
    with pytest.raises(DataError) as caught:
        choose((network, homes, facilities, small), min_centres=1, budget_yuan=1e9)
    text = str(caught.value)
    assert "neighbourhood centres: at least 1" in text
    assert "with any money, 0 of the 1 centres that it takes are possible, 1 short" in text
    with pytest.raises(OptionError, match=r"min_centres is 0\.5"):
        choose((network, homes, facilities, small), min_centres=0.5)


def test_a_centre_within_the_money_and_what_it_takes_when_there_is_less():
    network, homes, facilities, idle = town(2)
    large = idle.assign(
        floor_area_m2=[900.0, 150.0, 150.0],
        storeys=1.0,
        storey=np.nan,
        conversion_cost_yuan=[8e5, 1e5, 1e5],
    )
    tables = (network, homes, facilities, large)
    choice = choose(tables, min_centres=1)
    assert choice.opened.set_index("building_id").loc["b0", "is_centre"].iloc[0] == "preferred"
    with pytest.raises(DataError, match=r"at least 800,000 yuan, 300,000 more than there is"):
        choose(tables, min_centres=1, budget_yuan=5e5)
    by_year = choose(tables, min_centres=1, budget_yuan={2026: 8e5, 2027: 2e5})
    assert by_year.objective == choice.objective


def test_an_infeasible_storey_is_never_chosen():
    network, homes, facilities, idle = town(5)
    high = idle.assign(floor_area_m2=2000.0, storey=4.0)
    chosen = choose((network, homes, facilities, high), budget_yuan=1e9)
    assert not set(chosen.opened["service"]) & {"elder_care", "childcare"}
    with pytest.raises(DataError, match="required b0 as childcare: options has no such row"):
        choose((network, homes, facilities, high), required=[("b0", "childcare")])


def test_nothing_to_choose_from_is_an_empty_choice():
    network, homes, facilities, idle = town(0)
    unfit = choose((network, homes, facilities, idle.assign(floor_area_m2=1.0)))
    for choice in (choose((network, homes, facilities, idle[:0])), unfit):
        assert (choice.objective, choice.gap, len(choice.opened)) == (0.0, 0.0, 0)
        assert {"building_id", "service", "is_centre", "people"} <= set(choice.opened.columns)
    nothing = choose((network, homes, facilities, idle), budget_yuan=0)
    assert nothing.is_proven
    assert nothing.not_served["people"].sum() == nothing.people > 0


def test_a_weight_of_a_service_that_fits_nowhere_is_no_error():
    network, homes, facilities, idle = town(0)
    small = idle.assign(floor_area_m2=120.0, storeys=1.0)
    choice = choose((network, homes, facilities, small), weights={"elder_care": 3.0})
    assert set(choice.opened["service"]) <= {"market"}


def test_every_missing_cost_is_named():
    network, homes, facilities, idle = town(0)
    fitting = idle.assign(floor_area_m2=500.0, storeys=1.0, storey=np.nan)
    with pytest.raises(DataError, match="no default prices") as caught:
        choose((network, homes, facilities, fitting.drop(columns="conversion_cost_yuan")))
    assert [one.where for one in caught.value.problems] == [
        f"idle_buildings, b{at}" for at in range(3)
    ]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"budget_yuan": None}, OptionError, "budget_yuan is None"),
        ({"budget_yuan": "much"}, OptionError, "budget_yuan is 'much'"),
        ({"budget_yuan": {2026: None}}, OptionError, "2026 is None"),
        ({"budget_yuan": {"first": 1e6}}, OptionError, "the year 'first'"),
        ({"services": None}, OptionError, "no service to rank for"),
        ({"services": ["cantine"]}, OptionError, "did you mean canteen"),
        ({"patience": 3}, OptionError, "no option patience; known are carries_over"),
        ({"weights": {"canteen": "x"}}, OptionError, "canteen is 'x'"),
        ({"weights": {"canteen": 0, "market": 0, "childcare": 0, "elder_care": 0}}, OptionError,
         "all are 0"),
        ({"required": ["b1"]}, OptionError, "give pairs"),
        ({"time_limit_s": None}, OptionError, "time_limit_s is None"),
        ({"curve_budgets_yuan": ["a"]}, OptionError, "'a' is 'a'"),
        ({"fit_out": [1]}, TableError, "fit_out: it is"),
        ({"needs": [1]}, TableError, "needs: it is"),
        ({"rules": "none.toml"}, OptionError, "no file 'none.toml'"),
    ],
)  # fmt: skip
def test_options_that_cannot_be_used(options, error, message):
    with pytest.raises(error, match=message):
        choose(town(0), **options)


def test_tables_that_are_none_are_named():
    network, homes, facilities, _ = town(0)
    for function in (cp.choose_sites, cp.rank_sites):
        options = {"budget_yuan": 1.0} if function is cp.choose_sites else {}
        with pytest.raises(TableError, match="idle_buildings: it is None and no table"):
            function(network, homes, facilities, None, services=SERVICES, **options)
