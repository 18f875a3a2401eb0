"""Covering, median and center models: toy cases by hand, brute force as oracle, bad input."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from communityplan.allocation import (
    Choice,
    maximal_covering,
    p_center,
    p_median,
    set_covering,
)
from communityplan.errors import DataError, OptionError, TableError, TooLargeError

# a street of 1 min between neighbours: homes a..f at 0, 2, 4, 6, 8, 20 min, sites at 1, 5, 8, 20
HOMES = {"a": 0.0, "b": 2.0, "c": 4.0, "d": 6.0, "e": 8.0, "f": 20.0}
SITES = {"s1": 1.0, "s5": 5.0, "s8": 8.0, "s20": 20.0}
PEOPLE = pd.Series({"a": 10, "b": 20, "c": 30, "d": 5, "e": 40, "f": 7})


def street(within_min: float = 100.0) -> pd.DataFrame:
    rows = [
        (home, site, abs(x - y))
        for home, x in HOMES.items()
        for site, y in SITES.items()
        if abs(x - y) <= within_min
    ]
    return pd.DataFrame(rows, columns=["from_id", "to_id", "walk_min"])


MODELS = {
    "set_covering": lambda walks, demand, **more: set_covering(
        walks, demand, **{"within_min": 2, **more}
    ),
    "maximal_covering": lambda walks, demand, **more: maximal_covering(
        walks, demand, **{"within_min": 2, "n_sites": 1, **more}
    ),
    "p_median": lambda walks, demand, **more: p_median(walks, demand, **{"n_sites": 1, **more}),
    "p_center": lambda walks, demand, **more: p_center(walks, demand, **{"n_sites": 1, **more}),
}


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]


def test_set_covering_by_hand():
    # within 2 min: s1 reaches a b, s5 reaches c d, s8 reaches d e, s20 reaches f: all are needed
    choice = set_covering(street(), PEOPLE, within_min=2)
    assert choice.sites == ["s1", "s20", "s5", "s8"]
    assert (choice.objective, choice.bound, choice.unit) == (4, 4, "sites")
    assert choice.is_proven
    assert choice.people_covered == 112
    assert choice.opened.set_index("to_id")["people"].to_dict() == {
        "s1": 30.0,
        "s20": 7.0,
        "s5": 35.0,
        "s8": 40.0,
    }


def test_demand_that_nobody_reaches_is_listed_and_counted():
    choice = set_covering(street(), PEOPLE, within_min=0.5)
    assert choice.sites == ["s20", "s8"]
    assert choice.not_served.to_dict("list") == {
        "from_id": ["a", "b", "c", "d"],
        "people": [10.0, 20.0, 30.0, 5.0],
        "reason": ["no_site_in_reach"] * 4,
    }
    assert choice.people_covered + choice.not_served["people"].sum() == choice.people == 112


def test_maximal_covering_counts_people_not_homes():
    # within 2 min s1 has 30 people, s5 35, s8 45 in two homes each: s8; then s1 (s5 only adds 30)
    one = maximal_covering(street(), PEOPLE, n_sites=1, within_min=2)
    assert (one.sites, one.objective) == (["s8"], 45.0)
    two = maximal_covering(street(), PEOPLE, n_sites=2, within_min=2)
    assert two.objective == 75.0
    assert two.not_served["reason"].tolist() == ["not_chosen"] * len(two.not_served)
    assert two.people_covered == two.served["people"].sum() == 75.0


def test_the_limit_is_inclusive():
    walks = pd.DataFrame({"from_id": ["a"], "to_id": ["x"], "walk_min": [5.0]})
    demand = pd.Series({"a": 3})
    assert maximal_covering(walks, demand, n_sites=1, within_min=5).objective == 3
    assert maximal_covering(walks, demand, n_sites=1, within_min=4.99).objective == 0


def test_best_sets_are_not_nested_and_greedy_says_how_far_it_is_off():
    # one site: m (60 people); two sites: l and r (40 + 50), without m
    rows = [("h1", "l"), ("h2", "l"), ("h2", "m"), ("h3", "m"), ("h3", "r"), ("h4", "r")]
    walks = pd.DataFrame(rows, columns=["from_id", "to_id"]).assign(walk_min=1.0)
    people = pd.Series({"h1": 10, "h2": 30, "h3": 30, "h4": 20})
    one = maximal_covering(walks, people, n_sites=1, within_min=5)
    two = maximal_covering(walks, people, n_sites=2, within_min=5)
    assert (one.sites, one.objective) == (["m"], 60.0)
    assert (two.sites, two.objective) == (["l", "r"], 90.0)
    greedy = maximal_covering(walks, people, n_sites=2, within_min=5, method="greedy")
    assert (greedy.sites, greedy.objective) == (["m", "r"], 80.0)
    assert greedy.bound >= 90.0
    assert not greedy.is_proven
    assert greedy.status.startswith("greedy: gap ")


def test_existing_facilities_are_not_counted_again():
    choice = maximal_covering(street(), PEOPLE, n_sites=1, within_min=2, existing=["s8"])
    # d and e are served today: s5 would add c (30), s1 adds a and b (30): the lower id
    assert choice.sites == ["s1"]
    assert choice.objective == 30.0
    assert choice.people_covered == 75.0
    served = choice.served.set_index("from_id")["to_id"].to_dict()
    assert served == {"a": "s1", "b": "s1", "d": "s8", "e": "s8"}


def test_existing_facilities_beyond_all_walks_change_nothing():
    plain = maximal_covering(street(), PEOPLE, n_sites=2, within_min=2)
    more = maximal_covering(street(), PEOPLE, n_sites=2, within_min=2, existing=["elsewhere"])
    assert plain.sites == more.sites
    assert plain.objective == more.objective


def test_required_sites_open():
    choice = maximal_covering(street(), PEOPLE, n_sites=2, within_min=2, required=["s20"])
    assert (choice.sites, choice.objective) == (["s20", "s8"], 52.0)
    assert set_covering(street(), PEOPLE, within_min=30, required=["s8"]).sites == ["s8"]


def test_p_median_by_hand():
    # one site at 5: 10x5 + 20x3 + 30x1 + 5x1 + 40x3 + 7x15 = 370; at 8: 80+120+120+10+0+84 = 414
    one = p_median(street(), PEOPLE, n_sites=1)
    assert (one.sites, one.objective) == (["s5"], 370.0)
    assert one.unit == "person-minutes"
    # two: s5 + s8 250; s1 + s8: 10+20+90+10+0+84 = 214; s5 + s20: 265
    two = p_median(street(), PEOPLE, n_sites=2)
    assert (two.sites, two.objective) == (["s1", "s8"], 214.0)
    assert (two.served["people"] * two.served["walk_min"]).sum() == 214.0


def test_p_median_with_a_price_for_those_left_out():
    # nobody walks more than 2 min and everybody else counts 2: s8 costs 5x2, the rest 67 x 2
    choice = p_median(street(), PEOPLE, n_sites=1, unserved_min=2)
    assert (choice.sites, choice.objective) == (["s8"], 144.0)
    assert choice.people_covered == 45.0


def test_p_center_by_hand():
    one = p_center(street(), PEOPLE, n_sites=1)
    # f at 20 to s8 is 12 and a at 0 to s8 is 8: the longest walk is 12; s5 has 15
    assert (one.sites, one.objective, one.unit) == (["s8"], 12.0, "min")
    two = p_center(street(), PEOPLE, n_sites=2)
    assert (two.sites, two.objective) == (["s20", "s5"], 5.0)


def test_p_center_leaves_out_homes_without_people():
    choice = p_center(street(), PEOPLE.where(PEOPLE.index != "f", 0), n_sites=1)
    assert (choice.sites, choice.objective) == (["s5"], 5.0)


def test_capacity_limits_who_is_served():
    # s8 has 45 people in reach but 20 places
    places = pd.Series({"s1": 100, "s5": 100, "s8": 20, "s20": 100})
    choice = maximal_covering(street(), PEOPLE, n_sites=1, within_min=2, capacity=places)
    assert (choice.sites, choice.objective) == (["s5"], 35.0)
    small = maximal_covering(street(), PEOPLE, n_sites=1, within_min=2, capacity=20)
    assert small.objective == 20.0
    assert small.served["people"].sum() == 20.0
    assert "full" in set(small.not_served["reason"])


def test_capacity_too_small_says_by_how_much():
    with pytest.raises(DataError, match=r"2 sites .* room for 100 of 112 people, 12 short"):
        p_median(street(), PEOPLE, n_sites=2, capacity=50)
    with pytest.raises(DataError, match=r"4 sites .* room for 80 of 112 people, 32 short"):
        set_covering(street(), PEOPLE, within_min=100, capacity=20)


def test_sites_that_cannot_reach_everybody_say_how_many_it_takes():
    with pytest.raises(DataError, match="no 3 sites reach everybody: it takes at least 4"):
        p_median(street(within_min=2), PEOPLE, n_sites=3)
    with pytest.raises(DataError, match="it takes at least 4"):
        p_center(street(within_min=2), PEOPLE, n_sites=1)
    with pytest.raises(DataError, match="demand of g: none of the sites") as caught:
        p_median(street(), pd.concat([PEOPLE, pd.Series({"g": 4, "h": 2})]), n_sites=1)
    assert len(caught.value.problems) == 2


def test_ties_go_to_the_lower_id():
    walks = pd.DataFrame({"from_id": ["h"] * 3, "to_id": ["z", "m", "k"], "walk_min": [4.0] * 3})
    demand = pd.Series({"h": 5})
    assert maximal_covering(walks, demand, n_sites=1, within_min=5).sites == ["k"]
    assert p_median(walks, demand, n_sites=1).sites == ["k"]
    assert p_center(walks, demand, n_sites=1).sites == ["k"]
    assert set_covering(walks, demand, within_min=5).sites == ["k"]


def test_same_input_same_output_whatever_the_order_of_rows(model):
    walks = street()
    shuffled = walks.sample(frac=1, random_state=3)
    first = model(walks, PEOPLE)
    second = model(shuffled, PEOPLE.sample(frac=1, random_state=5))
    pd.testing.assert_frame_equal(first.opened, second.opened)
    pd.testing.assert_frame_equal(first.served, second.served)
    assert (first.objective, first.bound) == (second.objective, second.bound)


def test_inputs_are_not_changed(model):
    walks, demand = street(), PEOPLE.copy()
    model(walks, demand)
    pd.testing.assert_frame_equal(walks, street())
    pd.testing.assert_series_equal(demand, PEOPLE)


def test_numbers_as_ids():
    walks = street().replace({"s1": 10, "s5": 9, "s8": 2, "s20": 1})
    choice = p_median(walks, PEOPLE, n_sites=2)
    assert choice.sites == [2, 10]
    assert choice.objective == 214.0


def test_missing_minutes_are_unreachable_and_repeated_pairs_count_once():
    walks = pd.DataFrame(
        {
            "from_id": ["a", "a", "b", "b"],
            "to_id": ["x", "x", "x", "y"],
            "walk_min": [9.0, 3.0, None, 4.0],
        }
    )
    choice = p_median(walks, pd.Series({"a": 1, "b": 1}), n_sites=2)
    assert choice.objective == 7.0
    assert choice.opened.attrs["communityplan"]["repeated_pairs"] == 1


def test_everybody_is_in_one_table(model):
    choice = model(street(), PEOPLE)
    both = pd.concat([choice.served, choice.not_served])["people"].sum()
    assert both == choice.people == 112


def test_results_carry_what_was_used(model):
    choice = model(street(), PEOPLE)
    for table in (choice.opened, choice.served, choice.not_served):
        assert table.attrs["communityplan"]["model"] == choice.model


def test_a_choice_shows_itself_in_both_languages(model):
    choice = model(street(), PEOPLE)
    shown = choice._repr_html_()
    assert "已证明最优 · proven optimal" in shown
    assert len(shown) < 3000
    assert "proven optimal" in repr(choice)


def test_a_long_choice_shows_some_rows_and_says_so():
    walks = pd.DataFrame({"from_id": [f"h{i}" for i in range(20)]})
    walks = walks.assign(to_id=[f"s{i:02d}" for i in range(20)], walk_min=1.0)
    people = pd.Series(1, index=walks["from_id"])
    shown = set_covering(walks, people, within_min=2)._repr_html_()
    assert "8 more rows not shown" in shown
    assert "s11" in shown
    assert "s12" not in shown


# bad input


def test_no_walks(model):
    empty = street().iloc[:0]
    with pytest.raises(DataError, match="no walk at all"):
        model(empty, PEOPLE)
    with pytest.raises(DataError, match="every walk_min is missing"):
        model(street().assign(walk_min=np.nan), PEOPLE)


def test_nobody_lives_anywhere(model):
    with pytest.raises(DataError, match="nobody lives anywhere"):
        model(street(), PEOPLE * 0)


def test_people_that_cannot_be_all_come_in_one_error(model):
    demand = PEOPLE.astype(float)
    demand["a"], demand["b"], demand["c"] = -1, np.nan, np.inf
    with pytest.raises(DataError) as caught:
        model(street(), demand)
    assert [problem.where for problem in caught.value.problems] == [
        "demand of a",
        "demand of b",
        "demand of c",
    ]


def test_homes_that_demand_does_not_name_do_not_count(model):
    choice = model(street(), PEOPLE.drop("f"))
    assert choice.people == 105
    assert "f" not in set(choice.served["from_id"])
    assert choice.opened.attrs["communityplan"]["homes_not_in_demand"] == 1


def test_demand_of_other_homes_and_repeated_demand(model):
    with pytest.raises(DataError, match="names no from_id of walks, such as 'a'"):
        model(street(), PEOPLE.rename(str.upper))
    with pytest.raises(DataError, match="demand of a: it is there more than once"):
        model(street(), pd.concat([PEOPLE, PEOPLE[:1]]))


def test_walks_that_break_their_contract(model):
    with pytest.raises(TableError, match="no column 'to_id'"):
        model(street().drop(columns="to_id"), PEOPLE)
    with pytest.raises(TableError, match="walk_min is -1"):
        model(street().assign(walk_min=-1.0), PEOPLE)
    with pytest.raises(DataError, match="to_id is empty"):
        model(street().assign(to_id=[None, *street()["to_id"][1:]]), PEOPLE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_sites": 5}, "n_sites is 5, but walks has only 4 candidates"),
        ({"n_sites": 0}, "n_sites is 0; give a whole number"),
        ({"n_sites": 1.5}, "n_sites is 1.5; give a whole number"),
        ({"n_sites": 1, "required": ["s1", "s5"]}, "2 sites are required"),
        ({"n_sites": 4, "existing": ["s1"]}, "only 3 candidates that are not existing"),
        ({"n_sites": 1, "time_limit_s": 0}, "time_limit_s is 0"),
        ({"n_sites": 1, "within_min": np.nan}, "within_min is nan"),
        ({"n_sites": 1, "method": "magic"}, "method is 'magic'; known are exact, greedy"),
        ({"n_sites": 1, "method": "greedy", "capacity": 5}, "greedy' knows no capacity"),
    ],
)
def test_options_without_meaning(options, message):
    with pytest.raises(OptionError, match=message):
        maximal_covering(street(), PEOPLE, **{"within_min": 2, **options})


def test_sites_that_are_no_candidates_are_listed():
    with pytest.raises(DataError) as caught:
        set_covering(street(), PEOPLE, within_min=2, required=["x", "y", "s1"], existing=["s1"])
    assert len(caught.value.problems) == 3


def test_missing_capacities_are_listed():
    with pytest.raises(DataError, match="capacity of s20: it is nan") as caught:
        p_median(street(), PEOPLE, n_sites=1, capacity={"s1": 500, "s5": -3, "s8": 1})
    assert len(caught.value.problems) == 2


def test_too_many_pairs_are_refused(monkeypatch):
    monkeypatch.setattr("communityplan.allocation._reach.MOST_PAIRS", 10)
    with pytest.raises(TooLargeError, match="24 pairs and 10 fit"):
        p_median(street(), PEOPLE, n_sites=1)
    monkeypatch.undo()
    monkeypatch.setattr("communityplan.allocation._capacity.MOST_PAIRS", 10)
    with pytest.raises(TooLargeError, match="with capacities 10 pairs"):
        p_median(street(), PEOPLE, n_sites=1, capacity=500)


# brute force


def random_case(seed):
    generator = np.random.default_rng(seed)
    sites = [f"s{j}" for j in range(generator.integers(3, 8))]
    homes = [f"h{i}" for i in range(generator.integers(2, 20))]
    density = generator.choice([0.4, 0.7, 1.0])
    is_whole = generator.random() < 0.7
    table = pd.DataFrame(
        {
            site: np.where(
                generator.random(len(homes)) < density, generator.random(len(homes)) * 15, np.nan
            )
            for site in sites
        },
        index=homes,
    )
    table.iloc[0] = generator.random(len(sites)) * 15
    table = table.round() if is_whole else table
    people = generator.integers(0, 30, len(homes)) if is_whole else generator.random(len(homes))
    people = pd.Series(people, index=homes, dtype=float)
    people.iloc[0] = max(people.iloc[0], 1.0)
    walks = table.rename_axis("from_id").reset_index()
    walks = walks.melt("from_id", var_name="to_id", value_name="walk_min").dropna()
    existing = list(generator.choice(sites, generator.integers(0, 2), replace=False))
    free = [site for site in sites if site not in existing]
    n_sites = int(generator.integers(1, len(free) + 1))
    required = list(generator.choice(free, min(n_sites, generator.integers(0, 2)), replace=False))
    limit = float(generator.integers(2, 14))
    return table, people, walks, n_sites, limit, {"required": required, "existing": existing}


def sets_of(table, n_sites, options):
    free = [site for site in table.columns if site not in options["existing"]]
    for chosen in itertools.combinations(free, n_sites):
        if set(options["required"]) <= set(chosen):
            yield [*chosen, *options["existing"]]


@pytest.mark.parametrize("seed", range(60))
def test_equal_to_trying_every_set(seed):
    table, people, walks, n_sites, limit, options = random_case(seed)
    near = table <= limit
    today = near[options["existing"]].any(axis=1)

    most = max(
        people[near[chosen].any(axis=1) & ~today].sum()
        for chosen in sets_of(table, n_sites, options)
    )
    choice = maximal_covering(walks, people, n_sites=n_sites, within_min=limit, **options)
    assert choice.is_proven
    assert choice.objective == pytest.approx(most)
    assert len(choice.sites) == n_sites
    greedy = maximal_covering(
        walks, people, n_sites=n_sites, within_min=limit, method="greedy", **options
    )
    assert greedy.objective <= most + 1e-9 <= greedy.bound + 2e-9

    wanted = (people > 0) & near.any(axis=1)
    fewest = next(
        count
        for count in range(len(options["required"]), len(table.columns) + 1)
        if any(near.loc[wanted, one].any(axis=1).all() for one in sets_of(table, count, options))
    )
    choice = set_covering(walks, people, within_min=limit, **options)
    assert choice.is_proven
    assert choice.objective == fewest


@pytest.mark.parametrize("seed", range(60))
def test_walking_equal_to_trying_every_set(seed):
    table, people, walks, n_sites, limit, options = random_case(seed)
    lived_in, weight = table[people > 0], people[people > 0]
    nearest = [lived_in[chosen].min(axis=1) for chosen in sets_of(table, n_sites, options)]
    complete = [minutes for minutes in nearest if minutes.notna().all()]
    expected = {
        p_median: min(((minutes * weight).sum() for minutes in complete), default=None),
        p_center: min((minutes.max() for minutes in complete), default=None),
    }
    for model, least in expected.items():
        if least is None:
            with pytest.raises(DataError):
                model(walks, people, n_sites=n_sites, **options)
            continue
        choice = model(walks, people, n_sites=n_sites, **options)
        assert choice.is_proven
        assert choice.objective == pytest.approx(least)
    least = min((minutes.clip(upper=limit).fillna(limit) * weight).sum() for minutes in nearest)
    choice = p_median(walks, people, n_sites=n_sites, unserved_min=limit, **options)
    assert choice.objective == pytest.approx(least)
    assert choice.is_proven


def most_room(table, people, places):
    """People that can be seated, by augmenting paths over whole people: a second implementation."""
    seats = {site: [] for site in table.columns}

    def find_seat(person, home, tried):
        for site in table.columns:
            if np.isnan(table.at[home, site]) or site in tried:
                continue
            tried.add(site)
            if len(seats[site]) < places[site]:
                seats[site].append((person, home))
                return True
            for sitting in list(seats[site]):
                if find_seat(*sitting, tried):
                    seats[site].remove(sitting)
                    seats[site].append((person, home))
                    return True
        return False

    count = 0
    for home, number in people.items():
        for person in range(int(number)):
            count += find_seat(f"{home}-{person}", home, set())
    return count


@pytest.mark.parametrize("seed", range(12))
def test_capacities_equal_to_trying_every_set(seed):
    table, people, walks, n_sites, limit, options = random_case(seed + 500)
    people = (people // 4 + 1).astype(int)
    generator = np.random.default_rng(seed)
    total = int(people.sum())
    places = {site: int(generator.integers(0, total)) for site in table.columns}
    near = table.where(table <= limit)

    def seated(chosen, reach):
        return most_room(reach[chosen], people, {site: places[site] for site in chosen})

    today = seated(options["existing"], near) if options["existing"] else 0
    most = max(seated(chosen, near) for chosen in sets_of(table, n_sites, options)) - today
    choice = maximal_covering(
        walks, people, n_sites=n_sites, within_min=limit, capacity=places, **options
    )
    assert choice.objective == pytest.approx(most, abs=1e-5)
    assert choice.is_proven
    used = choice.served.groupby("to_id")["people"].sum()
    assert (used <= pd.Series(places).reindex(used.index) + 1e-6).all()

    radii = np.unique(table.to_numpy()[table.notna().to_numpy()])
    can = [
        radius
        for radius in radii
        if any(
            seated(chosen, table.where(table <= radius)) == total
            for chosen in sets_of(table, n_sites, options)
        )
    ]
    if not can:
        with pytest.raises(DataError, match=r"short|reach everybody|none of the sites"):
            p_center(walks, people, n_sites=n_sites, capacity=places, **options)
        return
    choice = p_center(walks, people, n_sites=n_sites, capacity=places, **options)
    assert choice.objective == pytest.approx(can[0])
    walked = p_median(walks, people, n_sites=n_sites, capacity=places, **options)
    free = p_median(walks, people, n_sites=n_sites, **options)
    assert walked.objective >= free.objective - 1e-6
    assert walked.is_proven


def test_more_sites_never_serve_fewer():
    table, people, walks, _, limit, _ = random_case(77)
    counts = range(1, len(table.columns) + 1)
    covered = [
        maximal_covering(walks, people, n_sites=count, within_min=limit).objective
        for count in counts
    ]
    assert covered == sorted(covered)
    assert isinstance(p_median(walks, people, n_sites=len(table.columns)), Choice)
