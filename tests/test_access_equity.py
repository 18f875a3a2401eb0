"""Measures of equity against sums over pairs of people."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from communityplan.access import (
    concentration_index,
    equity_table,
    gini,
    palma,
    worst_fifth_share,
)
from communityplan.errors import DataError, OptionError

VALUES = st.lists(st.integers(0, 50), min_size=1, max_size=12).filter(lambda v: sum(v) > 0)


def gini_of_pairs(people):
    """Half the mean difference of all pairs, over the mean."""
    people = np.asarray(people, dtype=float)
    return np.abs(people[:, None] - people[None, :]).mean() / (2 * people.mean())


def test_by_hand():
    # two people with 0, two with 1: differences 0 or 1, mean 1/2, over twice the mean 1/2
    assert gini([0, 0, 1, 1]) == 0.5
    assert gini([3]) == 0.0
    # top tenth of 10 people has 10; the bottom four 1 + 2 + 3 + 4
    assert palma(range(1, 11)) == 1.0
    assert palma([5] * 7) == pytest.approx(0.25)
    assert palma([0, 0, 0, 0, 1]) == math.inf
    assert worst_fifth_share([2, 2, 2, 2, 2]) == 0.2
    assert worst_fifth_share([0, 1, 1, 1, 1]) == 0.0
    # all access with the richest of four people: rank 7/8, (7/8 - 1/2) * 2 = 3/4
    assert concentration_index([0, 0, 0, 4], rank_by=[1, 2, 3, 4]) == 0.75
    assert concentration_index([4, 0, 0, 0], rank_by=[1, 2, 3, 4]) == -0.75


@given(values=VALUES)
@settings(max_examples=150, deadline=None)
def test_gini_is_half_the_mean_difference(values):
    assert gini(values) == pytest.approx(gini_of_pairs(values), abs=1e-12)


@given(values=VALUES, data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_weight_is_that_many_people(values, data):
    heads = data.draw(st.lists(st.integers(0, 4), min_size=len(values), max_size=len(values)))
    ranks = data.draw(st.lists(st.integers(0, 3), min_size=len(values), max_size=len(values)))
    everyone, their_ranks = np.repeat(values, heads), np.repeat(ranks, heads)
    if not everyone.sum():
        assert math.isnan(gini(values, weights=heads))
        assert math.isnan(palma(values, weights=heads))
        return
    assert gini(values, weights=heads) == pytest.approx(gini(everyone), abs=1e-12)
    assert palma(values, weights=heads) == pytest.approx(palma(everyone), rel=1e-9)
    assert worst_fifth_share(values, weights=heads) == pytest.approx(
        worst_fifth_share(everyone), abs=1e-12
    )
    assert concentration_index(values, rank_by=ranks, weights=heads) == pytest.approx(
        concentration_index(everyone, rank_by=their_ranks), abs=1e-12
    )


@given(values=VALUES, data=st.data())
@settings(max_examples=150, deadline=None)
def test_concentration_is_the_covariance_with_the_rank(values, data):
    ranks = data.draw(st.lists(st.integers(0, 5), min_size=len(values), max_size=len(values)))
    # the middle of the places that equal people take, as a share of all
    share = (pd.Series(ranks).rank(method="average") - 0.5) / len(ranks)
    have = np.asarray(values, dtype=float)
    expected = 2 * ((have - have.mean()) * (share - share.mean())).mean() / have.mean()
    assert concentration_index(values, rank_by=ranks) == pytest.approx(expected, abs=1e-12)
    assert concentration_index(values, rank_by=values) == pytest.approx(gini(values), abs=1e-12)


@given(values=VALUES)
@settings(max_examples=100, deadline=None)
def test_shares_come_from_everybody_in_order(values):
    # ten of each, so that fifths and tenths have borders between people
    everyone = np.sort(np.repeat(np.asarray(values, dtype=float), 10))
    n, total = len(everyone), everyone.sum()
    assert worst_fifth_share(values) == pytest.approx(everyone[: n // 5].sum() / total, abs=1e-12)
    bottom, top = everyone[: 2 * n // 5].sum(), everyone[-n // 10 :].sum()
    assert palma(values) == (pytest.approx(top / bottom, rel=1e-9) if bottom else math.inf)
    assert 0 <= gini(values) < 1


def test_nothing_at_all_is_missing():
    for measure in (gini, palma, worst_fifth_share):
        assert math.isnan(measure([0, 0]))
        assert math.isnan(measure([]))
    assert math.isnan(concentration_index([0, 0], rank_by=[1, 2]))


def test_series_are_matched_by_their_index():
    access = pd.Series({"a": 0.0, "b": 1.0})
    assert gini(access, weights=pd.Series({"b": 1, "a": 3})) == 0.75
    with pytest.raises(DataError, match="weights, b: it is missing"):
        gini(access, weights=pd.Series({"a": 3}))


def test_bad_values_are_listed():
    with pytest.raises(DataError) as told:
        gini([1.0, -2.0, None])
    assert "2 problems" in str(told.value)
    assert "values, 1: it is -2.0" in str(told.value)
    with pytest.raises(OptionError, match="weights has 1 numbers for 2 values"):
        gini([1, 2], weights=[1])


def test_table_by_community_and_group():
    rng = np.random.default_rng(2)
    homes = [f"h{i}" for i in range(60)]
    access = pd.Series(rng.uniform(0, 1, 60).round(2), index=homes)
    access.iloc[:5] = 0.0
    people = pd.DataFrame(
        rng.integers(0, 30, (60, 2)), index=homes, columns=["elderly", "children"]
    )
    people.loc[homes[40:], "children"] = 0
    area = pd.Series(np.repeat(["south", "north", "west"], 20), index=homes, name="community_id")
    income = pd.Series(rng.uniform(1, 9, 60), index=homes)
    table = equity_table(access, people, by=area, rank_by=income)
    assert list(table.columns[:3]) == ["community_id", "group", "people"]
    assert list(table["community_id"]) == ["north", "south", "west"] * 2
    assert list(table["group"]) == ["elderly"] * 3 + ["children"] * 3
    for row in table.itertuples():
        here = area[area == row.community_id].index
        heads, have = people.loc[here, row.group], access[here]
        assert row.people == heads.sum()
        if not heads.sum():
            assert math.isnan(row.mean) and math.isnan(row.gini)  # noqa: PT018
            continue
        assert row.mean == pytest.approx(np.average(have, weights=heads))
        assert row.without == heads[have == 0].sum()
        assert row.gini == pytest.approx(gini(have, weights=heads))
        assert row.palma == pytest.approx(palma(have, weights=heads))
        assert row.worst_fifth_share == pytest.approx(worst_fifth_share(have, weights=heads))
        assert row.concentration_index == pytest.approx(
            concentration_index(have, rank_by=income[here], weights=heads)
        )


def test_table_of_everybody():
    table = equity_table(pd.Series({"a": 1.0, "b": 3.0}), pd.Series({"a": 1, "b": 1}))
    assert table.loc[0, ["area", "group"]].tolist() == ["all", "people"]
    assert table.loc[0, "mean"] == 2.0
