"""Access by floating catchments: how many places are within a walk, and who shares them.

Every measure takes the same three tables: walks from homes to facilities, people by home, places
by facility. Walks have a direction: the people of a home press on a facility over the walk from
that home to that facility, and over no other. All sums run over arrays, not over rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from communityplan.access._tables import (
    Reach,
    Weigh,
    at_homes,
    at_places,
    quotient,
    read_reach,
    result,
)

__all__ = [
    "balanced_access",
    "cumulative_access",
    "gravity_access",
    "spatial_availability",
    "three_step_access",
    "two_step_access",
]

PER_PERSON = "places/person"


def two_step_access(
    walks: pd.DataFrame,
    demand: pd.Series[Any],
    supply: pd.Series[Any],
    *,
    within_min: float,
    decay: Weigh | None = None,
) -> pd.Series[float]:
    """Places per person within a walk, by two-step floating catchment (2SFCA, E2SFCA).

    Step 1 gives every facility its places per person who can walk to it; step 2 gives every home
    the sum of those over the facilities it can walk to. With a decay both steps weigh each walk,
    which is the enhanced form (E2SFCA): use `step` for zones or `gaussian` for a bell.

    Parameters
    ----------
    walks : DataFrame
        ``from_id``, ``to_id``, ``walk_min`` [min]; one row for each home and facility in reach.
    demand : Series
        People at each home [people], indexed by ``from_id``.
    supply : Series
        Places at each facility [places], indexed by ``to_id``.
    within_min : float
        Limit, inclusive [min].
    decay : callable, optional
        From an array of minutes to an array of weights within 0..1, for example
        ``gaussian(15)``. Unless given, every walk within the limit counts in full.

    Returns
    -------
    Series of float
        ``access`` [places/person] on the index of `demand`; 0 where nothing is in reach.

    Raises
    ------
    TableError, DataError
        When a table breaks its contract, or people or places are missing or negative.
    OptionError
        When the limit is no number of minutes, or the decay leaves 0..1.

    Notes
    -----
    Nothing is lost and nothing is counted twice: the sum of people times access is the sum of the
    places of all facilities that anybody can reach (with a weight above 0).

    References
    ----------
    Luo W, Wang F (2003). doi:10.1068/b29120. Luo W, Qi Y (2009).
    doi:10.1016/j.healthplace.2009.06.002

    Examples
    --------
    Two homes share facility x, and the second home has y to itself:

    >>> import pandas as pd
    >>> from communityplan.access import two_step_access
    >>> walks = pd.DataFrame(
    ...     {"from_id": ["a", "b", "b"], "to_id": ["x", "x", "y"], "walk_min": [4.0, 9.0, 2.0]}
    ... )
    >>> people, places = pd.Series({"a": 30, "b": 10}), pd.Series({"x": 20, "y": 5})
    >>> two_step_access(walks, people, places, within_min=10).to_dict()
    {'a': 0.5, 'b': 1.0}
    """
    reach = read_reach(walks, demand, supply, within_min=within_min, decay=decay)
    # step 1: places per person who competes for them, at each facility
    rivals = at_places(reach, reach.weight * reach.people[reach.home])
    ratio = quotient(reach.places, rivals)
    # step 2: sum of those ratios, at each home
    access = at_homes(reach, reach.weight * ratio[reach.place])
    return result(reach, access, "access", PER_PERSON, "2SFCA" if decay is None else "E2SFCA")


def three_step_access(
    walks: pd.DataFrame,
    demand: pd.Series[Any],
    supply: pd.Series[Any],
    *,
    within_min: float,
    decay: Weigh | None = None,
) -> pd.Series[float]:
    """Places per person, where people divide themselves among facilities first (3SFCA).

    The two-step method counts a person in full at every facility in reach, and so finds too much
    demand where facilities are many. Here a person is divided among them in proportion to the
    weights of the walks, before the two steps are taken.

    Parameters
    ----------
    walks, demand, supply, within_min, decay
        As in `two_step_access`.

    Returns
    -------
    Series of float
        ``access`` [places/person] on the index of `demand`; 0 where nothing is in reach.

    Raises
    ------
    TableError, DataError, OptionError
        As in `two_step_access`.

    Notes
    -----
    The sum of people times access is the sum of the places that anybody can reach. The division
    of a person is over facilities within the limit only, as in the paper.

    References
    ----------
    Wan N, Zou B, Sternberg T (2012). doi:10.1080/13658816.2011.624987

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.access import three_step_access
    >>> walks = pd.DataFrame(
    ...     {"from_id": ["a", "b", "b"], "to_id": ["x", "x", "y"], "walk_min": [4.0, 9.0, 2.0]}
    ... )
    >>> people, places = pd.Series({"a": 30, "b": 10}), pd.Series({"x": 20, "y": 5})
    >>> three_step_access(walks, people, places, within_min=10).round(4).to_dict()
    {'a': 0.5714, 'b': 0.7857}
    """
    reach = read_reach(walks, demand, supply, within_min=within_min, decay=decay)
    # step 1: the share of a home's people that looks to each facility
    choice = quotient(reach.weight, at_homes(reach, reach.weight)[reach.home])
    pull = choice * reach.weight
    # steps 2 and 3: as in the two-step method, with that share
    rivals = at_places(reach, pull * reach.people[reach.home])
    access = at_homes(reach, pull * quotient(reach.places, rivals)[reach.place])
    return result(reach, access, "access", PER_PERSON, "3SFCA")


def balanced_access(
    walks: pd.DataFrame,
    demand: pd.Series[Any],
    supply: pd.Series[Any],
    *,
    within_min: float,
    decay: Weigh | None = None,
) -> pd.Series[float]:
    """Level of service that a home receives, neither people nor service inflated (BFCA).

    The weights of the walks are divided by their sum over a home when people are allotted to
    facilities, and by their sum over a facility when its service is allotted to homes.

    Parameters
    ----------
    walks, demand, supply, within_min, decay
        As in `two_step_access`.

    Returns
    -------
    Series of float
        ``access`` [places/person] on the index of `demand`; 0 where nothing is in reach.

    Raises
    ------
    TableError, DataError, OptionError
        As in `two_step_access`.

    Notes
    -----
    Two sums are kept: the people allotted to facilities are the people who have one in reach, and
    the access of all homes adds up to the places per allotted person of all facilities. The sum
    of people times access is *not* the number of places; use `two_step_access` or
    `spatial_availability` where that is wanted.

    References
    ----------
    Paez A, Higgins C D, Vivona S F (2019). doi:10.1371/journal.pone.0218773

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.access import balanced_access
    >>> walks = pd.DataFrame(
    ...     {"from_id": ["a", "b", "b"], "to_id": ["x", "x", "y"], "walk_min": [4.0, 9.0, 2.0]}
    ... )
    >>> people, places = pd.Series({"a": 30, "b": 10}), pd.Series({"x": 20, "y": 5})
    >>> balanced_access(walks, people, places, within_min=10).round(4).to_dict()
    {'a': 0.2857, 'b': 1.2857}
    """
    reach = read_reach(walks, demand, supply, within_min=within_min, decay=decay)
    by_home = quotient(reach.weight, at_homes(reach, reach.weight)[reach.home])
    by_place = quotient(reach.weight, at_places(reach, reach.weight)[reach.place])
    allotted = at_places(reach, by_home * reach.people[reach.home])
    access = at_homes(reach, by_place * quotient(reach.places, allotted)[reach.place])
    return result(reach, access, "access", PER_PERSON, "BFCA")


def spatial_availability(
    walks: pd.DataFrame,
    demand: pd.Series[Any],
    supply: pd.Series[Any],
    *,
    decay: Weigh,
    within_min: float = np.inf,
) -> pd.Series[float]:
    """Places that fall to each home when every place is given out exactly once.

    The places of a facility are divided among homes in proportion to their people and to the
    weights of their walks.

    Parameters
    ----------
    walks, demand, supply
        As in `two_step_access`.
    decay : callable
        From an array of minutes to an array of weights within 0..1.
    within_min : float, optional
        Limit, inclusive [min]; unless given every walk of the table counts.

    Returns
    -------
    Series of float
        ``places`` [places] on the index of `demand`, not per person; 0 where nothing is in reach.

    Raises
    ------
    TableError, DataError, OptionError
        As in `two_step_access`.

    Notes
    -----
    The values add up to the places that anybody can reach. Divided by the people of the home
    they are the enhanced two-step access.

    References
    ----------
    Soukhov A, Paez A, Higgins C D, Mohamed M (2023). doi:10.1371/journal.pone.0278468

    Examples
    --------
    The example of the paper: three places, of which the third is far from the others.

    >>> import pandas as pd
    >>> from communityplan.access import negative_exponential, spatial_availability
    >>> minutes = [[15, 30, 100], [30, 15, 100], [100, 100, 15]]
    >>> walks = pd.DataFrame(
    ...     [(f, t, float(minutes[f][t])) for f in range(3) for t in range(3)],
    ...     columns=["from_id", "to_id", "walk_min"],
    ... )
    >>> people, jobs = pd.Series([50000, 150000, 10000]), pd.Series([100000, 100000, 10000])
    >>> found = spatial_availability(walks, people, jobs, decay=negative_exponential(0.1))
    >>> found.round().to_list()
    [66833.0, 133203.0, 9963.0]
    """
    reach = read_reach(walks, demand, supply, within_min=within_min, decay=decay)
    claim = reach.weight * reach.people[reach.home]
    share = quotient(claim, at_places(reach, claim)[reach.place])
    places = at_homes(reach, share * reach.places[reach.place])
    return result(reach, places, "places", "places", "spatial availability")


def cumulative_access(
    walks: pd.DataFrame,
    demand: pd.Series[Any],
    supply: pd.Series[Any],
    *,
    within_min: float,
) -> pd.Series[float]:
    """Places within a walk, whoever else wants them.

    Parameters
    ----------
    walks, supply, within_min
        As in `two_step_access`.
    demand : Series
        Names the homes of the result; its people do not matter.

    Returns
    -------
    Series of float
        ``places`` [places] on the index of `demand`; 0 where nothing is in reach.

    Raises
    ------
    TableError, DataError, OptionError
        As in `two_step_access`.

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.access import cumulative_access
    >>> walks = pd.DataFrame(
    ...     {"from_id": ["a", "b", "b"], "to_id": ["x", "x", "y"], "walk_min": [4.0, 9.0, 2.0]}
    ... )
    >>> people, places = pd.Series({"a": 30, "b": 10}), pd.Series({"x": 20, "y": 5})
    >>> cumulative_access(walks, people, places, within_min=10).to_dict()
    {'a': 20.0, 'b': 25.0}
    """
    reach = read_reach(walks, demand, supply, within_min=within_min, decay=None)
    return result(reach, _in_reach(reach), "places", "places", "cumulative")


def gravity_access(
    walks: pd.DataFrame,
    demand: pd.Series[Any],
    supply: pd.Series[Any],
    *,
    decay: Weigh,
    within_min: float = np.inf,
) -> pd.Series[float]:
    """Places in reach, each weighed by the walk to it (Hansen), whoever else wants them.

    Parameters
    ----------
    walks, supply
        As in `two_step_access`.
    demand : Series
        Names the homes of the result; its people do not matter.
    decay : callable
        From an array of minutes to an array of weights within 0..1.
    within_min : float, optional
        Limit, inclusive [min]; unless given every walk of the table counts.

    Returns
    -------
    Series of float
        ``places`` [weighted places] on the index of `demand`; 0 where nothing is in reach.

    Raises
    ------
    TableError, DataError, OptionError
        As in `two_step_access`.

    References
    ----------
    Hansen W G (1959). doi:10.1080/01944365908978307

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.access import gravity_access, linear
    >>> walks = pd.DataFrame({"from_id": ["a", "a"], "to_id": ["x", "y"], "walk_min": [0.0, 5.0]})
    >>> people, places = pd.Series({"a": 30, "b": 10}), pd.Series({"x": 20, "y": 8})
    >>> gravity_access(walks, people, places, decay=linear(10)).to_dict()
    {'a': 24.0, 'b': 0.0}
    """
    reach = read_reach(walks, demand, supply, within_min=within_min, decay=decay)
    return result(reach, _in_reach(reach), "places", "weighted places", "gravity")


def _in_reach(reach: Reach) -> np.ndarray[Any, np.dtype[np.float64]]:
    return at_homes(reach, reach.weight * reach.places[reach.place])
