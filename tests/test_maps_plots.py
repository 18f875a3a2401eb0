"""Plots: what they show, and what they say of missing fonts."""

from __future__ import annotations

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import font_manager
from matplotlib import pyplot as plt

import maps_quarter as quarter
from communityplan import maps
from communityplan.errors import MissingLibraryError, OptionError, TableError
from communityplan.maps import fonts

mpl.use("Agg")
HAS_CHINESE = fonts.find_chinese_font() is not None
CHINESE = pytest.mark.skipif(not HAS_CHINESE, reason="no font with Chinese letters here")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def words_of(ax):
    legend = ax.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


class TestCumulative:
    def test_shares_of_all_communities_together(self):
        ax = maps.plot_cumulative(quarter.ledger(), lang="en")
        elder = next(line for line in ax.lines if line.get_label() == "elder care")
        assert list(elder.get_xdata()) == [5, 10]
        # 60 and 90 of 130
        assert elder.get_ydata() == pytest.approx([100 * 60 / 130, 100 * 90 / 130])
        assert ax.get_ylabel() == "covered share (%)"

    def test_minutes_are_whole(self):
        ledger = pd.concat(
            [quarter.ledger().assign(within_min=minutes) for minutes in range(1, 16)]
        )
        ax = maps.plot_cumulative(ledger, lang="en")
        assert all(tick == int(tick) for tick in ax.get_xticks())

    def test_numbers_of_people(self):
        ax = maps.plot_cumulative(quarter.ledger(), shares=False, lang="en")
        assert list(ax.lines[0].get_ydata()) == [60, 90]

    def test_groups_are_named_where_a_service_has_several(self):
        ledger = pd.concat([quarter.ledger(), quarter.ledger().assign(group="residents")])
        assert "elder care · older people" in words_of(maps.plot_cumulative(ledger, lang="en"))

    def test_an_empty_ledger(self):
        assert maps.plot_cumulative(quarter.ledger().iloc[:0], lang="en").lines[:] == []


class TestRanking:
    def test_gains_are_stacked_best_first(self):
        ranking = quarter.ranking().assign(gain_market=[100.0, 0.0, np.nan])
        ax = maps.plot_ranking(ranking, lang="en")
        assert [text.get_text() for text in ax.get_yticklabels()] == ["1  b2", "2  b1"]
        ends = [bar.get_x() + bar.get_width() for bar in ax.containers[1]]
        assert ends == [140, 30]
        assert words_of(ax) == ["elder care", "food market"]

    def test_intervals(self):
        ranking = quarter.ranking().assign(rank_low=[1, 1, None], rank_high=[2, 4, None])
        ax = maps.plot_ranking(ranking, lang="en")
        whiskers = ax.containers[0].lines[2][0].get_segments()
        assert [list(segment[:, 0]) for segment in whiskers] == [[1, 2], [1, 4]]

    def test_a_name_is_no_formula(self):
        ranking = quarter.ranking().assign(name=["$x^2$", "名" * 300, "c"])
        ax = maps.plot_ranking(ranking, lang="en")
        labels = [text.get_text() for text in ax.get_yticklabels()]
        assert labels[0] == r"1  \$x^2\$"
        assert len(labels[1]) < 30


class TestBudget:
    def test_steps(self):
        curve = pd.DataFrame({"budget_yuan": [2e6, 0.0, 1e6], "people_gained": [900, 0, 800]})
        ax = maps.plot_budget(curve, lang="en")
        assert list(ax.lines[0].get_xdata()) == [0, 100, 200]
        assert list(ax.lines[0].get_ydata()) == [0, 800, 900]
        assert ax.lines[0].get_drawstyle() == "steps-post"

    def test_the_curve_of_a_choice_as_it_is(self):
        curve = pd.DataFrame({"budget_yuan": [0.0, 1e6], "weighted_people": [0, 70]})
        ax = maps.plot_budget(curve, lang="en")
        assert list(ax.lines[0].get_ydata()) == [0, 70]
        assert ax.get_ylabel() == "people newly served, by weight"

    def test_a_curve_without_people(self):
        with pytest.raises(TableError, match="no column 'people_gained'"):
            maps.plot_budget(pd.DataFrame({"budget_yuan": [0.0]}))


class TestEquity:
    def test_lorenz_curve_by_hand(self):
        # 3 people have 0, 1 person has 2: the three worst have nothing, the last has all
        ax = maps.plot_equity([2.0, 0.0], weights=[1, 3], lang="en")
        assert list(ax.lines[1].get_xdata()) == [0, 75, 100]
        assert list(ax.lines[1].get_ydata()) == [0, 0, 100]
        assert words_of(ax) == ["Gini index 0.75"]

    @pytest.mark.parametrize("bad", [[-1.0, 2.0], [np.nan, 1.0]])
    def test_bad_numbers(self, bad):
        with pytest.raises(OptionError, match="missing or negative"):
            maps.plot_equity(bad)

    def test_one_weight_each(self):
        with pytest.raises(OptionError, match="2 values and 1 weights"):
            maps.plot_equity([1.0, 2.0], weights=[1.0])


def every_plot(lang, ax=None):
    curve = pd.DataFrame({"budget_yuan": [0.0, 1e6], "people_gained": [0, 8], "bound": [0, 9]})
    yield lambda: maps.plot_cumulative(quarter.ledger(), lang=lang, ax=ax)
    yield lambda: maps.plot_ranking(quarter.ranking(), lang=lang, ax=ax)
    yield lambda: maps.plot_budget(curve, lang=lang, ax=ax)
    yield lambda: maps.plot_equity([1.0, 2.0], lang=lang, ax=ax)


@CHINESE
@pytest.mark.parametrize("place", range(4))
def test_chinese_words_have_letters(place, tmp_path):
    ax = list(every_plot("zh"))[place]()
    # matplotlib warns of every letter that the font lacks, and warnings are errors here
    ax.figure.savefig(tmp_path / "plot.png")


@pytest.mark.parametrize("place", range(4))
def test_plots_on_axes_of_your_own(place):
    _, ax = plt.subplots()
    assert list(every_plot("en", ax))[place]() is ax


def test_a_missing_font_is_named(monkeypatch):
    latin = [font for font in font_manager.fontManager.ttflist if font.name == "DejaVu Sans"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", latin)
    monkeypatch.setattr(fonts, "_carried_font", lambda: None)
    with pytest.warns(UserWarning, match="no font with Chinese letters.*fonts-noto-cjk") as told:
        maps.plot_cumulative(quarter.ledger(), lang="zh")
    assert told[0].filename == __file__
    # an English plot needs none
    maps.plot_cumulative(quarter.ledger(), lang="en")


def test_the_font_that_a_package_carries(monkeypatch):
    latin = [font for font in font_manager.fontManager.ttflist if font.name == "DejaVu Sans"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", latin)
    monkeypatch.setattr(fonts, "_carried_font", lambda: latin[0].fname)
    assert fonts.find_chinese_font() == "DejaVu Sans"


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setattr(fonts, "find_spec", lambda name: None)
    with pytest.raises(MissingLibraryError, match=r"communityplan\[plots\]"):
        maps.plot_equity([1.0])


def test_missing_columns_are_listed_at_once():
    with pytest.raises(TableError, match=r"2 problems[\s\S]*'people'[\s\S]*'covered'"):
        maps.plot_cumulative(quarter.ledger().drop(columns=["people", "covered"]))


def test_nothing_slow_is_imported_with_the_room():
    code = (
        "import sys, communityplan.maps;"
        "print([name for name in ('folium', 'matplotlib') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
