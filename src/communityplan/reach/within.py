"""How many, and how much, lies within limits: no table of pairs is made."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from communityplan import _search
from communityplan.errors import OptionError, Problem, TableError
from communityplan.network import WalkNetwork
from communityplan.reach.areas import limits_of
from communityplan.reach.ends import ends_of, groups_of, places, residents_of, search_graph
from communityplan.standards import walker as find_walker
from communityplan.tables import record
from communityplan.walker import Walker

__all__ = ["within_reach"]


def within_reach(
    network: WalkNetwork,
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    *,
    walker: Walker | str,
    minutes: Sequence[float],
    weight: str | None = None,
    per: str = "origin",
    direction: str = "there",
) -> pd.DataFrame:
    """Count what lies within each limit: places around homes, or people around candidates.

    Parameters
    ----------
    network : WalkNetwork
    origins, destinations : GeoDataFrame
        As in `walks`.
    walker : Walker or str
    minutes : sequence of float
        Limits, inclusive [min].
    weight : str, optional
        Column that is summed, of `destinations` (their capacity), or of `origins` (people) with
        ``per="destination"``.
    per : {"origin", "destination"}
        Who has a row.
    direction : {"there", "back"}
        Walks from origin to destination, or back.

    Returns
    -------
    DataFrame
        One row per origin (``from_id``) or destination (``to_id``) and limit: ``within_min``,
        ``count`` and, where asked, ``total`` of the weight. Those that reach nothing count 0.

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
    limits = limits_of(minutes)
    person = find_walker(walker)
    by_origin = per == "origin"
    amounts = _amounts(destinations if by_origin else origins, weight)
    start = places(network, origins, walker=person, where="origins")
    end = places(network, destinations, walker=person, where="destinations")
    backwards = direction == "back"
    graph = search_graph(network, person, backwards=backwards)
    labels = (start if by_origin else end).labels
    count = np.zeros((len(labels), len(limits)), dtype=np.int64)
    total = np.zeros((len(labels), len(limits)))
    every = np.arange(len(end.ids))
    owner = residents_of(network, start, person)
    for group in groups_of(network, owner, end, person):
        leaving, _, _ = ends_of(
            network,
            start,
            group.rows,
            walker=person,
            owner=owner[group.rows],
            outward=not backwards,
        )
        arriving, _, _ = ends_of(
            network, end, every, walker=person, owner=group.owner, outward=backwards
        )
        found = _search.counts(
            graph,
            leaving,
            arriving,
            limits_s=[limit * 60.0 for limit in limits],
            weights=amounts if by_origin else amounts[group.rows],
            allowed=group.code,
            per=per,
        )
        rows = group.rows if by_origin else every
        count[rows] += found[0]
        total[rows] += found[1]
    table = pd.DataFrame(
        {
            "from_id" if by_origin else "to_id": labels.take(
                np.repeat(np.arange(len(labels)), len(limits))
            ),
            "within_min": np.tile(limits, len(labels)),
            "count": count.ravel(),
        }
    )
    if weight is not None:
        table["total"] = total.ravel()
    return record(table, walker=person.facts(), weight=weight, per=per, direction=direction)


def _amounts(
    table: gpd.GeoDataFrame, weight: str | None
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if weight is None:
        return np.ones(len(table))
    if weight not in table.columns:
        raise OptionError(f"no column {weight!r} to sum; there are {', '.join(table.columns)}")
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
