"""Who gets a place when places are short."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from communityplan.access import assign_places, realised_service


def one_by_one(walks, people, supply, within_min):
    """The rule word for word: the shortest walk first, then the next."""
    left, places = people.astype(float).to_dict(), supply.astype(float).to_dict()
    served = dict.fromkeys(people.index, 0.0)
    near = walks[walks["walk_min"] <= within_min]
    for row in near.sort_values(["walk_min", "from_id", "to_id"]).itertuples():
        go = min(left[row.from_id], places[row.to_id])
        left[row.from_id] -= go
        places[row.to_id] -= go
        served[row.from_id] += go
    return pd.Series(served)


@st.composite
def crowded_towns(draw):
    homes = [f"h{i}" for i in range(draw(st.integers(1, 8)))]
    places = [f"f{i}" for i in range(draw(st.integers(1, 5)))]
    rows = [
        (home, place, float(draw(st.integers(0, 9))))
        for home in homes
        for place in places
        if draw(st.integers(0, 3))
    ]
    walks = pd.DataFrame(rows, columns=["from_id", "to_id", "walk_min"])
    walks = walks.astype({"from_id": "object", "to_id": "object", "walk_min": "float64"})
    amount = st.integers(0, 20)
    people = pd.Series({home: draw(amount) for home in homes}, dtype="float64")
    supply = pd.Series({place: draw(amount) for place in places}, dtype="float64")
    return walks, people, supply


@given(town=crowded_towns())
@settings(max_examples=100, deadline=None)
def test_equal_to_serving_walks_one_by_one(town):
    ledger = realised_service(*town, within_min=7)
    pd.testing.assert_series_equal(
        ledger["served"], one_by_one(*town, within_min=7), check_names=False
    )


@given(town=crowded_towns())
@settings(max_examples=100, deadline=None)
def test_the_ledger_closes_and_no_place_is_given_twice(town):
    walks, people, supply = town
    ledger = realised_service(*town, within_min=7)
    closed = ledger["served"] + ledger["turned_away"] + ledger["beyond"]
    np.testing.assert_array_equal(closed, people)
    given_out = assign_places(*town, within_min=7)
    taken = given_out.groupby("to_id")["people"].sum().reindex(supply.index, fill_value=0.0)
    assert (taken <= supply).all()
    by_home = given_out.groupby("from_id")["people"].sum().reindex(people.index, fill_value=0.0)
    np.testing.assert_array_equal(by_home, ledger["served"])
    # nobody is turned away from a place that is free
    turned_away = ledger.index[ledger["turned_away"] > 0]
    near = walks[(walks["walk_min"] <= 7) & walks["from_id"].isin(turned_away)]
    assert (taken.loc[near["to_id"]] == supply.loc[near["to_id"]]).all()


@given(town=crowded_towns(), extra=st.integers(1, 20), pick=st.integers(0, 4))
@settings(max_examples=100, deadline=None)
def test_more_places_never_serve_fewer_of_any_home(town, extra, pick):
    walks, people, supply = town
    before = realised_service(*town, within_min=7)["served"]
    more = supply.copy()
    more.iloc[pick % len(more)] += extra
    after = realised_service(walks, people, more, within_min=7)["served"]
    assert (after >= before).all()


@given(town=crowded_towns(), data=st.data())
@settings(max_examples=100, deadline=None)
def test_one_more_facility_never_serves_fewer_of_any_home(town, data):
    walks, people, supply = town
    minute = st.integers(0, 9)
    new = pd.DataFrame(
        [(home, "new", float(data.draw(minute))) for home in people.index],
        columns=["from_id", "to_id", "walk_min"],
    )
    before = realised_service(*town, within_min=7)["served"]
    after = realised_service(
        pd.concat([walks, new]), people, pd.concat([supply, pd.Series({"new": 9.0})]), within_min=7
    )["served"]
    assert (after >= before).all()


def test_by_hand():
    # x has 10 places: a (4 min) takes 6, b (5 min) the other 4; b's last 3 walk 9 min to y
    walks = pd.DataFrame(
        {
            "from_id": ["b", "a", "b", "c", "d"],
            "to_id": ["x", "x", "y", "y", "y"],
            "walk_min": [5.0, 4.0, 9.0, 8.0, 30.0],
        }
    )
    people = pd.Series({"a": 6, "b": 7, "c": 1, "d": 2})
    ledger = realised_service(walks, people, pd.Series({"x": 10, "y": 3}), within_min=10)
    assert ledger["served"].to_dict() == {"a": 6, "b": 6, "c": 1, "d": 0}
    assert ledger["turned_away"].to_dict() == {"a": 0, "b": 1, "c": 0, "d": 0}
    assert ledger["beyond"].to_dict() == {"a": 0, "b": 0, "c": 0, "d": 2}
    assert ledger.loc["b", "walk_min"] == pytest.approx((4 * 5 + 2 * 9) / 6)
    assert np.isnan(ledger.loc["d", "walk_min"])
    assert "shortest walks first" in ledger.attrs["communityplan"]["rule"]


def test_no_facility_turns_nobody_away():
    none = pd.Series([], index=pd.Index([], dtype="object"), dtype="float64")
    walks = pd.DataFrame({"from_id": [], "to_id": [], "walk_min": []})
    ledger = realised_service(walks, pd.Series({"a": 3}), none, within_min=10)
    assert ledger.loc["a", ["served", "turned_away", "beyond"]].tolist() == [0, 0, 3]
    assert assign_places(walks, pd.Series({"a": 3}), none, within_min=10).empty


def test_row_order_does_not_matter():
    rng = np.random.default_rng(5)
    walks = pd.DataFrame(
        [(f"h{i}", f"f{j}", float(rng.integers(1, 9))) for i in range(40) for j in range(6)],
        columns=["from_id", "to_id", "walk_min"],
    )
    people = pd.Series(rng.integers(1, 30, 40), index=[f"h{i}" for i in range(40)])
    supply = pd.Series(rng.integers(20, 90, 6), index=[f"f{j}" for j in range(6)])
    first = realised_service(walks, people, supply, within_min=8)
    mixed = walks.sample(frac=1, random_state=1)
    second = realised_service(mixed, people[::-1], supply[::-1], within_min=8)
    pd.testing.assert_frame_equal(first, second.reindex(first.index))
