"""How many, and how much, lies within limits: no table of pairs is made."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan import _search
from communityplan.errors import OptionError, Problem, TableError
from communityplan.network import WalkNetwork
from communityplan.reach.areas import limits_of
from communityplan.reach.ends import ends_of, groups_of, residents_of, search_graph
from communityplan.reach.shared import Question, facts_of, questions, stacked, walkers_of
from communityplan.tables import record
from communityplan.walker import Walker

__all__ = ["within_reach"]

Floats = NDArray[np.float64]


def within_reach(
    network: WalkNetwork,
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    *,
    walker: Walker | str | Sequence[Walker | str],
    minutes: Sequence[float],
    weight: str | None = None,
    per: str = "origin",
    by: str | None = None,
    direction: str = "there",
) -> pd.DataFrame:
    """Count what lies within each limit: places around homes, or people around candidates.

    Parameters
    ----------
    network : WalkNetwork
    origins, destinations : GeoDataFrame
        As in `walks`.
    walker : Walker, str, or list of them
        Several have a column ``walker``.
    minutes : sequence of float
        Limits, inclusive [min].
    weight : str, optional
        Column that is summed, of `destinations` (their capacity), or of `origins` (people) with
        ``per="destination"``.
    per : {"origin", "destination"}
        Who has a row.
    by : str, optional
        Column of `destinations`, such as ``"service"``, whose values are counted apart.
    direction : {"there", "back"}
        Walks from origin to destination, or back.

    Returns
    -------
    DataFrame
        One row per origin (``from_id``) or destination (``to_id``) and limit: ``within_min``,
        ``count`` and, where asked, ``total`` of the weight. Those that reach nothing count 0.

    Raises
    ------
    OptionError, TableError

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> import communityplan as cp
    >>> street = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (900, 0)])], crs=32650)
    >>> network = cp.WalkNetwork.from_streets(street)
    >>> homes = gpd.GeoDataFrame({"home_id": ["a", "b"], "residents": [30, 20]},
    ...     geometry=gpd.points_from_xy([200, 500], [0, 0]), crs=32650)
    >>> hall = gpd.GeoDataFrame({"building_id": ["x"]}, geometry=[shapely.Point(0, 0)], crs=32650)
    >>> slow = cp.Walker("slow", 1.0)
    >>> cp.within_reach(network, homes, hall, walker=slow, minutes=[5, 10], weight="residents",
    ...     per="destination")
      to_id  within_min  count  total
    0     x         5.0      1   30.0
    1     x        10.0      2   50.0
    """
    if per not in ("origin", "destination") or direction not in ("there", "back"):
        raise OptionError(
            f"per is {per!r} and direction {direction!r}: give origin or destination, there or back"
        )
    if by is not None and per == "destination":
        raise OptionError("by tells destinations apart, and with per='destination' each has a row")
    limits = limits_of(minutes)
    walkers = walkers_of(walker)
    asked = list(questions(network, origins, destinations, walkers=walkers, by=by))
    amounts = _amounts(destinations if per == "origin" else origins, weight)
    tables = []
    for question in asked:
        some = amounts[question.rows] if per == "origin" else amounts
        table = _counted(network, question, limits, some, per=per, backwards=direction == "back")
        tables.append(table if weight is not None else table.drop(columns="total"))
    key = "from_id" if per == "origin" else "to_id"
    empty = _table(key, pd.array([], dtype="str"), limits, np.zeros((2, 0, len(limits))))
    whole = stacked(tables, asked, walker=walker, by=by, empty=empty)
    facts = facts_of(walker, walkers)
    return record(
        whole,
        walker=facts,
        minutes=limits,
        weight=weight,
        per=per,
        by=by,
        direction=direction,
    )


def _counted(
    network: WalkNetwork,
    asked: Question,
    limits: list[float],
    amounts: Floats,
    *,
    per: str,
    backwards: bool,
) -> pd.DataFrame:
    """The counts of one walker and kind of destination."""
    person, start, end = asked.walker, asked.start, asked.end
    by_origin = per == "origin"
    labels = (start if by_origin else end).labels
    found = np.zeros((2, len(labels), len(limits)))
    graph = search_graph(network, person, backwards=backwards)
    every = np.arange(len(end.ids))
    owner = residents_of(network, start, person)
    for group in groups_of(network, owner, end, person):
        whose = owner[group.rows]
        leaving, _, _ = ends_of(
            network, start, group.rows, walker=person, owner=whose, outward=not backwards
        )
        arriving, _, _ = ends_of(
            network, end, every, walker=person, owner=group.owner, outward=backwards
        )
        found[:, group.rows if by_origin else every] += _search.counts(
            graph,
            leaving,
            arriving,
            limits_s=[limit * 60.0 for limit in limits],
            weights=amounts if by_origin else amounts[group.rows],
            allowed=group.code,
            per=per,
        )
    return _table("from_id" if by_origin else "to_id", labels, limits, found)


def _table(
    key: str, labels: pd.api.extensions.ExtensionArray, limits: list[float], found: Floats
) -> pd.DataFrame:
    """Counts and totals, shape (2, places, limits), as a table."""
    return pd.DataFrame(
        {
            key: labels.take(np.repeat(np.arange(len(labels)), len(limits))),
            "within_min": np.tile(limits, len(labels)),
            "count": found[0].ravel().astype(np.int64),
            "total": found[1].ravel(),
        },
        copy=False,
    )


def _amounts(table: gpd.GeoDataFrame, weight: str | None) -> Floats:
    if weight is None:
        return np.ones(len(table))
    if not isinstance(weight, str) or weight not in table.columns:
        present = ", ".join(str(name) for name in table.columns)
        raise OptionError(f"no column {weight!r} to sum; there are {present}")
    values = pd.to_numeric(table[weight], errors="coerce").to_numpy(dtype=np.float64)
    bad = np.flatnonzero(~(values >= 0) | np.isinf(values))
    if len(bad):
        todo = "Give a number that is not negative"
        raise TableError(
            [
                Problem(f"row {row + 1}", f"{weight} is {table[weight].iloc[row]}", todo)
                for row in bad
            ]
        )
    return np.asarray(values)
