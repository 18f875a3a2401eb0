"""Plots of results: coverage over minutes, ranking, budget and equity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from communityplan.access import gini
from communityplan.errors import OptionError, Problem, TableError
from communityplan.maps.fonts import font_families, require_matplotlib
from communityplan.maps.theme import COLOURS, PLOT_COLOURS, PLOT_MARKS
from communityplan.tables import used
from communityplan.wording import group_word, service_word, word

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_budget", "plot_cumulative", "plot_equity", "plot_ranking"]

Floats = NDArray[np.float64]

MOST_SITES = 15
TEN_THOUSAND = 10_000.0
_BUDGET_VALUES = ("people_gained", "weighted_people", "people")


def plot_cumulative(
    ledger: pd.DataFrame, *, shares: bool = True, lang: str = "zh", ax: Axes | None = None
) -> Axes:
    """People covered within more and more minutes, one line per service and group.

    Parameters
    ----------
    ledger : DataFrame
        As from `coverage`, asked for several limits: ``service``, ``group``, ``within_min`` [min],
        ``people`` and ``covered`` [people].
    shares : bool
        The share of the people in percent, else their number.
    lang : {"zh", "en"}
        Language.
    ax : Axes, optional
        Where to plot; a new figure unless given.

    Returns
    -------
    Axes

    Raises
    ------
    TableError
        For missing columns.

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan import maps
    >>> ledger = pd.DataFrame({"service": "market", "group": "residents", "within_min": [5, 10],
    ...                        "people": 200, "covered": [50, 150]})
    >>> ax = maps.plot_cumulative(ledger, lang="en")
    >>> ax.lines[0].get_ydata().tolist()
    [25.0, 75.0]
    """
    _need(ledger, "ledger", ("service", "group", "within_min", "people", "covered"))
    ax, family = _start(ax, lang)
    several = ledger.groupby("service")["group"].nunique().gt(1).any() if len(ledger) else False
    for place, ((service, group), rows) in enumerate(
        ledger.groupby(["service", "group"], sort=False)
    ):
        summed = rows.groupby("within_min")[["people", "covered"]].sum().sort_index()
        people = summed["people"].where(summed["people"] > 0)
        values = 100.0 * summed["covered"] / people if shares else summed["covered"]
        label = service_word(str(service), lang)
        if several:
            label += f" · {group_word(str(group), lang)}"
        ax.plot(summed.index, values, label=label, **_line(place))
    if shares:
        ax.set_ylim(0, 103)
    else:
        ax.set_ylim(bottom=0)
    ax.set_xlim(left=0)
    _whole_minutes(ax)
    words = ("plot.minutes", "plot.covered_share" if shares else "plot.people_covered")
    return _finish(ax, family, lang, *words, title="plot.cumulative_title", legend=len(ledger) > 0)


def plot_ranking(
    ranking: pd.DataFrame, *, count: int = MOST_SITES, lang: str = "zh", ax: Axes | None = None
) -> Axes:
    """The best idle buildings: people each would gain, or its rank with its interval.

    Parameters
    ----------
    ranking : DataFrame
        As from `rank_sites`: ``building_id``, ``rank``, ``gain_<service>`` [people]. With
        ``rank_low`` and ``rank_high`` the rank is plotted with its interval.
    count : int
        How many buildings, the best first.
    lang : {"zh", "en"}
        Language.
    ax : Axes, optional
        Where to plot; a new figure unless given.

    Returns
    -------
    Axes

    Raises
    ------
    TableError
        For missing columns.

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan import maps
    >>> ranking = pd.DataFrame({"building_id": ["b1", "b2"], "rank": [1, 2],
    ...                         "gain_market": [30.0, 20.0]})
    >>> ax = maps.plot_ranking(ranking, lang="en")
    >>> [float(bar.get_width()) for bar in ax.patches]
    [30.0, 20.0]
    """
    _need(ranking, "ranking", ("building_id", "rank"))
    ax, family = _start(ax, lang)
    best = ranking[ranking["rank"].notna()].sort_values("rank").head(count)
    ax.set_yticks(range(len(best)), labels=list(_site_names(best, lang)))
    ax.set_ylim(len(best) - 0.4, -0.6)
    if {"rank_low", "rank_high"} <= set(best.columns):
        _intervals(ax, best)
        words = "plot.rank"
    else:
        _gains(ax, best, lang)
        words = "plot.people_gained"
    several = len(ax.containers) > 1
    return _finish(ax, family, lang, words, "", title="plot.ranking_title", legend=several)


def plot_budget(
    curve: pd.DataFrame,
    *,
    value: str | None = None,
    lang: str = "zh",
    ax: Axes | None = None,
) -> Axes:
    """What each budget covers at best, and what no choice can beat where that is known.

    Parameters
    ----------
    curve : DataFrame
        One row per budget, as `Choice.curve`: ``budget_yuan`` [yuan] and the value; ``bound``
        where it is not proven.
    value : str, optional
        Column with what is covered [people]; the first of ``people_gained``,
        ``weighted_people`` and ``people`` that is there unless given.
    lang : {"zh", "en"}
        Language.
    ax : Axes, optional
        Where to plot; a new figure unless given.

    Returns
    -------
    Axes

    Raises
    ------
    TableError
        For missing columns.

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan import maps
    >>> curve = pd.DataFrame({"budget_yuan": [0, 1e6], "people_gained": [0, 800]})
    >>> maps.plot_budget(curve, lang="en").lines[0].get_xdata().tolist()
    [0.0, 100.0]
    """
    if value is None:
        value = next((one for one in _BUDGET_VALUES if one in curve.columns), _BUDGET_VALUES[0])
    _need(curve, "curve", ("budget_yuan", value))
    ax, family = _start(ax, lang)
    rows = curve.sort_values("budget_yuan")
    budget = rows["budget_yuan"].astype(float) / TEN_THOUSAND
    # a larger budget buys nothing new until the next row: steps, not slopes
    ax.step(budget, rows[value], where="post", marker="o", color=PLOT_COLOURS[0], linewidth=2)
    if "bound" in rows.columns:
        ax.fill_between(
            budget, rows[value], rows["bound"], step="post", alpha=0.2, color=PLOT_COLOURS[0]
        )
    ax.set_xlim(left=0)
    ax.set_ylim(bottom=0)
    said = "plot.weighted" if value == "weighted_people" else "plot.people_gained"
    return _finish(ax, family, lang, "plot.budget", said, title="plot.budget_title")


def plot_equity(
    access: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    lang: str = "zh",
    ax: Axes | None = None,
) -> Axes:
    """Lorenz curve: the share of access that the worst served people have together.

    Parameters
    ----------
    access : array of float
        Access at each home, not negative.
    weights : array of float, optional
        People at each home; one each unless given.
    lang : {"zh", "en"}
        Language.
    ax : Axes, optional
        Where to plot; a new figure unless given.

    Returns
    -------
    Axes

    Raises
    ------
    OptionError
        For numbers that are negative or missing, or weights of another length.

    Examples
    --------
    Half of the people have all of the access:

    >>> from communityplan import maps
    >>> ax = maps.plot_equity([0.0, 1.0], lang="en")
    >>> ax.lines[1].get_ydata().tolist()
    [0.0, 0.0, 100.0]
    """
    have = np.asarray(access, dtype=np.float64)
    people = np.ones(len(have)) if weights is None else np.asarray(weights, dtype=np.float64)
    _check_amounts(have, people)
    ax, family = _start(ax, lang)
    ax.plot([0, 100], [0, 100], color=COLOURS["quiet_ink"], linewidth=1, linestyle="--")
    shares_of_people, shares_of_access = _lorenz(have, people)
    label = word("plot.gini", lang, value=f"{gini(have, weights=people):.2f}")
    ax.plot(shares_of_people, shares_of_access, color=PLOT_COLOURS[0], linewidth=2, label=label)
    ax.fill_between(shares_of_people, shares_of_people, shares_of_access, alpha=0.12)
    ax.set(xlim=(0, 100), ylim=(0, 100), aspect="equal")
    words = ("plot.equity_people", "plot.equity_access")
    return _finish(ax, family, lang, *words, title="plot.equity_title", legend=True)


def _need(table: pd.DataFrame, name: str, columns: Sequence[str]) -> None:
    problems = [
        Problem(name, f"no column {column!r}", "Add it, or give another table")
        for column in columns
        if column not in table.columns
    ]
    if problems:
        raise TableError(problems)


def _check_amounts(have: Floats, people: Floats) -> None:
    if len(have) != len(people):
        raise OptionError(f"{len(have)} values and {len(people)} weights; give one weight each")
    for name, values in (("access", have), ("weights", people)):
        if not (np.isfinite(values).all() and (values >= 0).all()):
            raise OptionError(f"{name} has numbers that are missing or negative; leave these out")


def _lorenz(have: Floats, people: Floats) -> tuple[Floats, Floats]:
    """Cumulative shares of people and of what they have, from the least to the most [%]."""
    order = np.argsort(have, kind="stable")
    parts = (people[order], (have * people)[order])
    sums = [np.concatenate([[0.0], np.cumsum(part)]) for part in parts]
    shares = [100.0 * total / total[-1] if total[-1] > 0 else total for total in sums]
    return shares[0], shares[1]


def _start(ax: Axes | None, lang: str) -> tuple[Axes, list[str]]:
    require_matplotlib()
    family = font_families(lang)
    if ax is None:
        from matplotlib import pyplot as plt

        _, ax = plt.subplots(figsize=(7.2, 4.5), layout="constrained")
    return ax, family


def _finish(
    ax: Axes, family: list[str], lang: str, x: str, y: str, *, title: str, legend: bool = False
) -> Axes:
    """Words in fonts that have their letters, and quiet lines."""
    said: dict[str, Any] = {"fontfamily": family, "color": COLOURS["ink"]}
    ax.set_xlabel(word(x, lang), **said)
    ax.set_ylabel(word(y, lang) if y else "", **said)
    ax.set_title(word(title, lang), loc="left", fontweight="bold", **said)
    ax.tick_params(labelfontfamily=family, colors=COLOURS["quiet_ink"], length=0)
    ax.grid(visible=True, color="#e6e3dc", linewidth=0.8)
    ax.set_axisbelow(True)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    if legend:
        ax.legend(frameon=False, prop={"family": family})
    return ax


def _whole_minutes(ax: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))


def _line(place: int) -> dict[str, Any]:
    """Colour and mark of the line at a place; they go round."""
    return {
        "color": PLOT_COLOURS[place % len(PLOT_COLOURS)],
        "marker": PLOT_MARKS[place % len(PLOT_MARKS)],
        "linestyle": "--" if place >= len(PLOT_COLOURS) else "-",
        "linewidth": 2,
    }


def _site_names(best: pd.DataFrame, lang: str) -> Iterator[str]:
    columns = ("name", "name_en") if lang == "zh" else ("name_en", "name")
    for row in best.to_dict("records"):
        found = [row.get(column) for column in (*columns, "building_id")]
        name = next(str(one) for one in found if isinstance(one, str) and one)
        # matplotlib would read a formula between two dollars
        plain = name.replace("$", r"\$")
        yield f"{int(row['rank'])}  {plain if len(plain) <= 24 else plain[:23] + '…'}"


def _gains(ax: Axes, best: pd.DataFrame, lang: str) -> None:
    left = np.zeros(len(best))
    columns = [str(column) for column in best.columns if str(column).startswith("gain_")]
    limits = used(best).get("services", {})
    for place, column in enumerate(columns):
        people = best[column].astype(float).fillna(0.0).to_numpy()
        service = column.removeprefix("gain_")
        label = service_word(service, lang)
        facts = limits.get(service, {}) if isinstance(limits, dict) else {}
        if "within_min" in facts:
            label += f" ({word('ledger.within', lang, minutes=format(facts['within_min'], 'g'))})"
        ax.barh(
            np.arange(len(best)),
            people,
            left=left,
            height=0.66,
            label=label,
            color=PLOT_COLOURS[place % len(PLOT_COLOURS)],
        )
        left += people


def _intervals(ax: Axes, best: pd.DataFrame) -> None:
    rank, low, high = (
        best[name].astype(float).to_numpy() for name in ("rank", "rank_low", "rank_high")
    )
    ax.errorbar(
        rank,
        np.arange(len(best)),
        xerr=np.vstack([rank - low, high - rank]),
        fmt="o",
        color=PLOT_COLOURS[0],
        ecolor=PLOT_COLOURS[0],
        elinewidth=2,
        capsize=3,
    )
    ax.set_xlim(left=0)
