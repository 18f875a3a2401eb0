"""What the places come to: places per 1,000 people, and who really gets one when they are short."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.access._tables import Reach, area_of_homes, at_homes, read_reach
from communityplan.access.catchment import two_step_access
from communityplan.tables import record

__all__ = ["assign_places", "places_per_1000", "realised_service"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

RULE = "places go to the shortest walks first; equal walks in the order of from_id, to_id"
SMALLEST_PERSON = 1e-9
"""Fewer people than this share of all people are taken for rounding [1]."""


def realised_service(
    walks: pd.DataFrame,
    demand: pd.Series[Any],
    supply: pd.Series[Any],
    *,
    within_min: float,
) -> pd.DataFrame:
    """Who is really served when places are short: one ledger row for each home.

    The rule of `assign_places` gives out the places.

    Parameters
    ----------
    walks, demand, supply, within_min
        As in `two_step_access`; a place serves one person.

    Returns
    -------
    DataFrame
        On the index of `demand`: ``people``, ``served``, ``turned_away`` (something is in reach,
        but no place is left), ``beyond`` (nothing is in reach) [people], ``walk_min`` (mean walk
        of those served [min], missing where nobody is).

    Raises
    ------
    TableError, DataError, OptionError
        As in `two_step_access`.

    Notes
    -----
    ``served + turned_away + beyond = people`` in every row; nobody is served twice, and no
    facility serves more people than it has places. Opening a facility or adding places never
    serves fewer people of any home.

    Examples
    --------
    The only canteen has 20 places; the nearer home takes 15 of them:

    >>> import pandas as pd
    >>> from communityplan.access import realised_service
    >>> walks = pd.DataFrame({"from_id": ["a", "b"], "to_id": ["x", "x"], "walk_min": [4.0, 9.0]})
    >>> people = pd.Series({"a": 15, "b": 10, "c": 5})
    >>> realised_service(walks, people, pd.Series({"x": 20}), within_min=10)
       people  served  turned_away  beyond  walk_min
    a    15.0    15.0          0.0     0.0       4.0
    b    10.0     5.0          5.0     0.0       9.0
    c     5.0     0.0          0.0     5.0       NaN
    """
    reach = read_reach(walks, demand, supply, within_min=within_min, decay=None)
    given, rounds = _give_out(reach)
    served = np.minimum(at_homes(reach, given), reach.people)
    has_one = at_homes(reach, np.ones_like(given)) > 0
    minutes = at_homes(reach, given * reach.walk_min)
    ledger = pd.DataFrame(
        {
            "people": reach.people,
            "served": served,
            "turned_away": np.where(has_one, reach.people - served, 0.0),
            "beyond": np.where(has_one, 0.0, reach.people),
            "walk_min": np.divide(
                minutes, served, out=np.full_like(served, np.nan), where=served > 0
            ),
        },
        index=reach.homes,
    )
    return _noted(ledger, reach, "realised service", rounds)


def assign_places(
    walks: pd.DataFrame,
    demand: pd.Series[Any],
    supply: pd.Series[Any],
    *,
    within_min: float,
) -> pd.DataFrame:
    """Which home's people get whose places when places are short.

    The rule: the shortest walk of all is served first, as far as its home has people and its
    facility has places, then the next; equal walks in the order of ``from_id``, then ``to_id``.
    Nobody could do better by swapping with somebody who walks further.

    Parameters
    ----------
    walks, demand, supply, within_min
        As in `two_step_access`; a place serves one person.

    Returns
    -------
    DataFrame
        ``from_id``, ``to_id``, ``walk_min`` [min], ``people``; only walks on which anybody goes,
        shortest first.

    Raises
    ------
    TableError, DataError, OptionError
        As in `two_step_access`.

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.access import assign_places
    >>> walks = pd.DataFrame(
    ...     {"from_id": ["a", "b", "b"], "to_id": ["x", "x", "y"], "walk_min": [4.0, 5.0, 9.0]}
    ... )
    >>> people, places = pd.Series({"a": 15, "b": 10}), pd.Series({"x": 20, "y": 2})
    >>> assign_places(walks, people, places, within_min=10)
      from_id to_id  walk_min  people
    0       a     x       4.0    15.0
    1       b     x       5.0     5.0
    2       b     y       9.0     2.0
    """
    reach = read_reach(walks, demand, supply, within_min=within_min, decay=None)
    given, rounds = _give_out(reach)
    order = _shortest_first(reach)
    order = order[given[order] > 0]
    table = pd.DataFrame(
        {
            "from_id": reach.homes[reach.home[order]],
            "to_id": reach.facilities[reach.place[order]],
            "walk_min": reach.walk_min[order],
            "people": given[order],
        }
    )
    return _noted(table, reach, "assigned places", rounds)


def places_per_1000(
    walks: pd.DataFrame,
    demand: pd.Series[Any],
    supply: pd.Series[Any],
    *,
    within_min: float,
    by: pd.Series[Any] | None = None,
) -> pd.DataFrame:
    """Places per 1,000 people, where every place in reach is shared by those who reach it.

    Parameters
    ----------
    walks, demand, supply, within_min
        As in `two_step_access`.
    by : Series, optional
        Community or other area of each home, on the index of `demand`; all homes together
        unless given.

    Returns
    -------
    DataFrame
        One row for each area (``"all"`` without `by`): ``people``, ``places`` (of all places, those
        that fall to its people by two-step access), ``places_per_1000`` [places/1,000 people],
        missing where no people live.

    Raises
    ------
    TableError, DataError, OptionError
        As in `two_step_access`; DataError when `by` lacks homes.

    Notes
    -----
    The places of all areas add up to the places that anybody can reach, so that a facility at the
    border of two communities counts once.

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.access import places_per_1000
    >>> walks = pd.DataFrame(
    ...     {"from_id": ["a", "b", "b"], "to_id": ["x", "x", "y"], "walk_min": [4.0, 9.0, 2.0]}
    ... )
    >>> people, places = pd.Series({"a": 300, "b": 100}), pd.Series({"x": 20, "y": 5})
    >>> area = pd.Series({"a": "north", "b": "south"})
    >>> places_per_1000(walks, people, places, within_min=10, by=area)
           people  places  places_per_1000
    north   300.0    15.0             50.0
    south   100.0    10.0            100.0
    """
    access = two_step_access(walks, demand, supply, within_min=within_min)
    people = pd.to_numeric(demand).astype("float64")
    area = area_of_homes(demand.index, by)
    table = pd.DataFrame({"people": people, "places": people * access}).groupby(area).sum()
    table.index.name = None if by is None else by.name
    table["places_per_1000"] = (1000.0 * table["places"] / table["people"]).where(
        table["people"] > 0
    )
    used = {**access.attrs["communityplan"], "unit": "places/1000 people"}
    noted: pd.DataFrame = record(table, **used)
    return noted


def _noted(table: pd.DataFrame, reach: Reach, method: str, rounds: int) -> pd.DataFrame:
    noted: pd.DataFrame = record(table, method=method, rule=RULE, rounds=rounds, **reach.used)
    return noted


def _shortest_first(reach: Reach) -> Ints:
    """Order of the walks in which places are given out, whatever the order of the rows."""
    home_rank = np.argsort(np.argsort(reach.homes.astype(str), kind="stable"))
    place_rank = np.argsort(np.argsort(reach.facilities.astype(str), kind="stable"))
    return np.lexsort((place_rank[reach.place], home_rank[reach.home], reach.walk_min))


def _give_out(reach: Reach) -> tuple[Floats, int]:
    """People on each walk, and in how many rounds that was settled.

    Homes ask, facilities answer: a home asks its facilities from the nearest on, as far as each
    may still take of it; a facility takes those who ask from the nearest on, as far as it has
    places, and what it refuses it will never take again. When nothing is refused any more, the
    walks carry what serving them one by one from the shortest on would have put on them.
    """
    turn = _shortest_first(reach)
    at_home = _Runs(turn[np.argsort(reach.home[turn], kind="stable")], reach.home)
    at_place = _Runs(turn[np.argsort(reach.place[turn], kind="stable")], reach.place)
    people, places = reach.people[reach.home], reach.places[reach.place]
    may_take = np.minimum(people, places)
    slack = SMALLEST_PERSON * max(float(reach.people.sum()), 1.0)
    rounds = 0
    while True:
        rounds += 1
        asked = np.clip(people - at_home.before(may_take), 0.0, may_take)
        taken = np.clip(places - at_place.before(asked), 0.0, asked)
        refused = asked - taken
        if refused.sum() <= slack:
            return taken, rounds
        may_take = np.where(refused > 0, taken, may_take)


class _Runs:
    """Walks sorted into one run for each home (or facility), to sum what came before each."""

    def __init__(self, order: Ints, codes: Ints) -> None:
        self.order = order
        sorted_codes = codes[order]
        starts = np.flatnonzero(np.diff(sorted_codes, prepend=-1))
        lengths = np.diff(np.append(starts, len(order)))
        self.start_of = np.repeat(starts, lengths)

    def before(self, values: Floats) -> Floats:
        """Sum of the values that stand before each walk in its run."""
        before = np.concatenate(([0.0], np.cumsum(values[self.order])))[:-1]
        summed = np.empty_like(values)
        summed[self.order] = before - before[self.start_of]
        return summed
