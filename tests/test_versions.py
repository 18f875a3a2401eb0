"""Versions of a plan: every change once, with who asked for it, against building them by hand."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from communityplan.errors import OptionError
from communityplan.versions import compare_versions, join_rounds, version_summary


def menu(**quantities):
    return pd.DataFrame(
        {
            "item_id": list(quantities),
            "name": [f"项目{name}" for name in quantities],
            "quantity": list(quantities.values()),
        }
    )


def test_three_rounds_by_hand():
    first = {"menu": menu(lift=3, lamp=8)}
    second = {"menu": menu(lift=4, lamp=8, tree=20)}
    third = {"menu": menu(lift=4, tree=20)}
    who = {"menu/lift": "3号楼居民", "menu": "居委会"}
    up = compare_versions(first, second, who=who, when="2026-04-01", note="一上")
    assert up[["key", "name", "column", "change", "who"]].values.tolist() == [
        ["lift", "项目lift", "quantity", "changed", "3号楼居民"],
        ["tree", "项目tree", "", "added", "居委会"],
    ]
    assert up.loc[0, ["old", "new", "difference"]].tolist() == [3, 4, 1.0]
    assert up["zh"].tolist() == [
        "改造菜单：项目lift的数量由“3”改为“4”（3号楼居民）",
        "改造菜单：新增项目tree（居委会）",
    ]
    assert up["en"].iloc[1] == "Menu: 项目tree added (居委会)"
    down = compare_versions(second, third, who="street office", when=dt.date(2026, 5, 1))
    rounds = join_rounds(down, up)
    assert rounds[["round", "key", "change"]].values.tolist() == [
        [1, "lift", "changed"], [1, "tree", "added"], [2, "lamp", "removed"],
    ]  # fmt: skip
    summary = version_summary(rounds)
    assert summary[["round", "added", "removed", "changed", "who"]].values.tolist() == [
        [1, 1, 0, 1, "3号楼居民;居委会"],
        [2, 0, 1, 0, "street office"],
    ]
    assert rounds.attrs["communityplan"]["when"] == ["2026-04-01", "2026-05-01"]


def test_nothing_changed_and_nobody_named():
    same = {"menu": menu(lift=3)}
    assert compare_versions(same, same, who="x", when="2026-01-01").empty
    assert version_summary(compare_versions(same, same, who="x", when="2026-01-01")).empty
    changes = compare_versions(same, {"menu": menu(lift=2)}, who={}, when="2026-01-01")
    assert changes["who"].tolist() == [""]
    assert "未注明提出方" in changes["zh"].iloc[0]
    assert changes.attrs["communityplan"]["changes_of_nobody"] == 1


def test_kinds_of_cells():
    shape = shapely.Point(1, 2)
    columns = {
        "facility_id": ["a"], "service": ["canteen"], "open": [True], "share": [Fraction(1, 3)],
        "note": [None], "zh": ["一句话"], "when": [pd.Timestamp("2026-01-01")],
    }  # fmt: skip
    old = gpd.GeoDataFrame(columns, geometry=[shape], crs=4548)
    new = old.assign(
        open=False, share=[Fraction(2, 3)], note="", zh="另一句话",
        geometry=gpd.GeoSeries([shapely.Point(1, 2.04)], crs=4548), extra=[7],
    )  # fmt: skip
    found = compare_versions({"facilities": old}, {"facilities": new}, who="w", when="2026-01-01")
    # the sentence is not compared; an empty text is as missing as None
    assert found["column"].tolist() == ["open", "share", "geometry", "extra"]
    assert found["old"].tolist()[:3] == [True, pytest.approx(1 / 3), "POINT (1 2)"]
    assert found["difference"].iloc[1] == pytest.approx(1 / 3)
    ignored = compare_versions(
        {"facilities": old}, {"facilities": new}, who="w", when="2026-01-01", ignore=["extra"]
    )
    assert "extra" not in ignored["column"].tolist()
    nearly = old.assign(geometry=gpd.GeoSeries([shapely.Point(1, 2 + 1e-9)], crs=4548))
    same = compare_versions({"facilities": old}, {"facilities": nearly}, who="w", when="2026-01-01")
    assert same.empty


def test_a_table_that_came_or_went_and_votes_cast_twice():
    votes = pd.DataFrame({"flat_id": ["1", "1"], "choice": ["agree", "against"]})
    found = compare_versions({}, {"votes": votes}, who="w", when="2026-01-01")
    assert found[["key", "change"]].values.tolist() == [["1", "added"], ["1 (2)", "added"]]
    found = compare_versions({"votes": votes}, {"votes": votes[:1]}, who="w", when="2026-01-01")
    assert found[["key", "change"]].values.tolist() == [["1 (2)", "removed"]]


def test_options_without_a_meaning():
    table = {"mine": pd.DataFrame({"a": [1], "b": [2]})}
    with pytest.raises(OptionError, match="table 'mine': name the columns"):
        compare_versions(table, table, who="w", when="2026-01-01")
    assert compare_versions(table, table, who="w", when="2026-01-01", keys={"mine": ["a"]}).empty
    with pytest.raises(OptionError, match="when is 'soon'"):
        compare_versions({}, {}, who="w", when="soon")
    with pytest.raises(OptionError, match="at least one"):
        join_rounds()


VALUES = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3), max_size=6)


@given(VALUES, VALUES)
@settings(deadline=None, max_examples=60)
def test_against_two_dictionaries(one, other):
    found = compare_versions(
        {"menu": menu(**one)}, {"menu": menu(**other)}, who="w", when="2026-01-01"
    )
    kinds = {change: set(found.loc[found["change"] == change, "key"]) for change in
             ("added", "removed", "changed")}  # fmt: skip
    assert kinds["added"] == other.keys() - one.keys()
    assert kinds["removed"] == one.keys() - other.keys()
    assert kinds["changed"] == {key for key in one.keys() & other.keys() if one[key] != other[key]}
    back = compare_versions(
        {"menu": menu(**other)}, {"menu": menu(**one)}, who="w", when="2026-01-01"
    )
    assert np.nansum(back["difference"]) == -np.nansum(found["difference"])
