"""Services with limited places: against every set of options with its best flow of people."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from communityplan.allocation import choose_programme
from communityplan.errors import DataError


def random_places(seed):
    rng = np.random.default_rng(seed)
    services = ["canteen", "childcare"][: rng.integers(1, 3)]
    buildings = [f"b{at}" for at in range(rng.integers(2, 4))]
    homes = [f"h{at}" for at in range(rng.integers(2, 7))]
    keys = list(itertools.product(buildings, services))
    options = pd.DataFrame(keys, columns=["building_id", "service"]).assign(
        cost_yuan=rng.integers(1, 6, len(keys)) * 1e5,
        capacity=np.where(rng.random(len(keys)) < 0.7, rng.integers(5, 60, len(keys)), np.nan),
    )
    table = pd.DataFrame({"building_id": buildings, "floor_area_m2": 900.0})
    rows = [
        (service, home, building, float(rng.integers(1, 30)), f"c{homes.index(home) % 2}")
        for service, home, building in itertools.product(services, homes, buildings)
        if rng.random() < 0.6
    ]
    names = ["service", "home_id", "building_id", "people", "community_id"]
    gains = pd.DataFrame(rows, columns=names)
    needs = None
    if rng.random() < 0.5 and len(gains):
        needs = pd.DataFrame({"service": [services[0]], "min_people": [float(rng.integers(1, 25))]})
        if rng.random() < 0.5 and (gains["service"] == services[0]).any():
            own = gains.loc[gains["service"] == services[0], "community_id"].iloc[0]
            needs["community_id"] = own
    weights = {services[0]: float(rng.integers(1, 4))}
    return gains, options, table, float(rng.integers(2, 15) * 1e5), needs, weights


def slices_of(gains):
    """Each home's people in steps: the step up to n people is served by all that serve n."""
    for (service, _), rows in gains.groupby(["service", "home_id"]):
        steps = sorted(set(rows["people"]))
        for below, upto in itertools.pairwise([0.0, *steps]):
            who = rows.loc[rows["people"] >= upto, "building_id"].tolist()
            yield service, rows["community_id"].iloc[0], upto - below, who


def best_flow(gains, chosen, needs, weights):
    """Most weighted people that the places of these options take, by linear programming."""
    places = chosen.set_index(["building_id", "service"])["capacity"].fillna(1e9)
    pieces = list(slices_of(gains))
    pairs = [
        (row, (building, piece[0]))
        for row, piece in enumerate(pieces)
        for building in piece[3]
        if (building, piece[0]) in places.index
    ]
    least = np.zeros(len(pairs))
    asked = 0.0
    if needs is not None:
        need = needs.iloc[0]
        asked = need["min_people"]
        for at, (row, _) in enumerate(pairs):
            of_it = pieces[row][0] == need["service"]
            least[at] = of_it and need.get("community_id", pieces[row][1]) == pieces[row][1]
    if not pairs:
        return None if asked > 0 else 0.0
    keys = list(places.index)
    limits = np.zeros((len(pieces) + len(keys) + 1, len(pairs)))
    for at, (row, key) in enumerate(pairs):
        limits[row, at] = limits[len(pieces) + keys.index(key), at] = 1.0
    limits[-1] = -least
    upper = [*(piece[2] for piece in pieces), *places, -asked]
    goal = [-weights.get(pieces[row][0], 1.0) for row, _ in pairs]
    found = linprog(goal, A_ub=limits, b_ub=upper, method="highs")
    return -found.fun if found.status == 0 else None


def best_of_all_sets(gains, options, budget, needs, weights):
    values = []
    for count in range(len(options) + 1):
        for rows in itertools.combinations(range(len(options)), count):
            chosen = options.iloc[list(rows)]
            if chosen["cost_yuan"].sum() <= budget:
                values.append(best_flow(gains, chosen, needs, weights))
    known = [value for value in values if value is not None]
    return max(known) if known else None


@pytest.mark.parametrize("seed", range(25))
def test_equal_to_trying_every_set_with_its_best_flow(seed):
    gains, options, table, budget, needs, weights = random_places(seed)
    best = best_of_all_sets(gains, options, budget, needs, weights)
    asked = {
        "budget_yuan": budget,
        "needs": needs,
        "weights": weights,
        "curve_budgets_yuan": (),
        "with_worth": False,
    }
    if best is None:
        with pytest.raises(DataError, match=r"short|yuan"):
            choose_programme(gains, options, table, **asked)
        return
    choice = choose_programme(gains, options, table, **asked)
    assert choice.is_proven
    assert choice.objective == pytest.approx(best, abs=1e-6)
    served = choice.served
    factor = served["service"].map(lambda name: weights.get(name, 1.0))
    assert (served["people"] * factor).sum() == pytest.approx(best, abs=1e-6)
    # nobody goes where nobody is served, no home sends more than it has, no option is too full
    key = served.rename(columns={"from_id": "home_id", "to_id": "building_id"})
    pairs = key.merge(gains, on=["service", "home_id", "building_id"], suffixes=("", "_there"))
    assert len(pairs) == len(served)
    assert (pairs["people"] <= pairs["people_there"] + 1e-6).all()
    of_home = key.groupby(["service", "home_id"])["people"].sum()
    most = gains.groupby(["service", "home_id"])["people"].max()
    assert (of_home <= most.reindex(of_home.index) + 1e-6).all()
    of_option = key.groupby(["building_id", "service"])["people"].sum()
    places = options.set_index(["building_id", "service"])["capacity"].reindex(of_option.index)
    assert (of_option <= places.fillna(np.inf) + 1e-6).all()
    if needs is not None:
        need = needs.iloc[0]
        community = gains.drop_duplicates("home_id").set_index("home_id")["community_id"]
        counts = served["service"] == need["service"]
        if "community_id" in need:
            counts &= served["from_id"].map(community) == need["community_id"]
        assert served.loc[counts, "people"].sum() >= need["min_people"] - 1e-6


def test_a_thousand_homes_that_the_same_buildings_serve_are_one_row_of_the_model():
    homes = [f"h{at:04d}" for at in range(1000)]
    gains = pd.concat(
        pd.DataFrame({"service": "canteen", "home_id": homes, "building_id": name, "people": 1.0})
        for name in ("a", "b")
    )
    options = pd.DataFrame({"building_id": ["a", "b"], "service": "canteen"})
    options = options.assign(cost_yuan=1e5, capacity=[300.0, 450.0])
    table = pd.DataFrame({"building_id": ["a", "b"], "floor_area_m2": 900.0})
    choice = choose_programme(gains, options, table, budget_yuan=2e5)
    assert choice.objective == 750.0
    assert choice.served.groupby("to_id")["people"].sum().to_dict() == {"a": 300.0, "b": 450.0}
    assert choice.not_served["people"].sum() == 250.0
    # whole homes, each to one building
    assert len(choice.served) == 750
    assert (choice.curve["state"] == "proven").all()
