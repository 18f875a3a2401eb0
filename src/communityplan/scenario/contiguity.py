"""Which communities adjoin: they touch, or their homes lie a short walk apart."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.network import WalkNetwork
from communityplan.reach import walks
from communityplan.tables import COMMUNITIES, HOMES, check, record
from communityplan.walker import Walker

__all__ = ["adjoining", "connected_sets"]


def adjoining(
    network: WalkNetwork,
    communities: gpd.GeoDataFrame,
    homes: gpd.GeoDataFrame,
    *,
    walker: Walker | str = "adult",
    within_min: float = 5.0,
    touch_m: float = 30.0,
) -> pd.DataFrame:
    """Pairs of communities that adjoin.

    Parameters
    ----------
    network : WalkNetwork
    communities, homes : GeoDataFrame
    walker : Walker or str
    within_min : float
        A short walk between two homes [min].
    touch_m : float
        Boundaries this close touch: a street lies between [m].

    Returns
    -------
    DataFrame
        ``community_a``, ``community_b``, ``apart_m`` between the boundaries, ``touches``,
        ``walk_min`` between their nearest homes (missing where it is no short walk), and
        ``walled``: they touch, and yet there is no short walk between their homes.

    Examples
    --------
    >>> import communityplan as cp
    >>> from communityplan.scenario import adjoining
    >>> project = cp.load_project("demo")
    >>> pairs = adjoining(project.network(), project.communities, project.homes)
    >>> sorted(set(pairs["walled"]))
    [False, True]
    """
    check(communities, COMMUNITIES)
    check(homes, HOMES)
    ids = communities["community_id"].map(str).to_numpy(dtype=object)
    areas = communities.geometry.to_numpy()
    one, two = np.triu_indices(len(ids), k=1)
    apart_m = np.asarray(shapely.distance(areas[one], areas[two]))
    ground = homes.drop(columns="storey", errors="ignore")
    near = walks(network, ground, ground, walker=walker, within_min=within_min)
    whose = dict(zip(homes["home_id"].map(str), homes["community_id"].map(str), strict=True))
    near = near.assign(a=near["from_id"].map(whose), b=near["to_id"].map(whose))
    # the shorter way of the two counts: a slope or a one-way path makes no stranger
    shortest = near.groupby(["a", "b"])["walk_min"].min()
    pairs = pd.DataFrame({"community_a": ids[one], "community_b": ids[two], "apart_m": apart_m})
    there, back = (
        shortest.reindex(pd.MultiIndex.from_frame(pairs[columns])).to_numpy(dtype=np.float64)
        for columns in (["community_a", "community_b"], ["community_b", "community_a"])
    )
    pairs["touches"] = apart_m <= touch_m
    pairs["walk_min"] = np.fmin(there, back)
    pairs["walled"] = pairs["touches"] & pairs["walk_min"].isna()
    pairs = pairs[pairs["touches"] | pairs["walk_min"].notna()].reset_index(drop=True)
    return record(pairs, within_min=within_min, touch_m=touch_m, network=dict(network.options))


def connected_sets(
    neighbours: Sequence[int], people: NDArray[np.float64], *, most_people: float, most_sets: int
) -> list[int] | None:
    """Every connected set of communities that is not too large, as bits.

    Parameters
    ----------
    neighbours : sequence of int
        The neighbours of each community, as bits.
    people : array of float
        People of each community.
    most_people : float
        Largest set; a community that is larger by itself is a set of its own.
    most_sets : int

    Returns
    -------
    list of int or None
        In ascending order; None where there are more than `most_sets`.

    Examples
    --------
    A row of three, of which no three fit together:

    >>> import numpy as np
    >>> from communityplan.scenario.contiguity import connected_sets
    >>> connected_sets([0b010, 0b101, 0b010], np.ones(3), most_people=2, most_sets=99)
    [1, 2, 3, 4, 6]
    """
    size = {1 << row: float(number) for row, number in enumerate(people)}
    fresh = list(size)
    while fresh:
        larger: dict[int, float] = {}
        for members in fresh:
            for row in _bits(_around(members, neighbours)):
                total = size[members] + float(people[row])
                if total <= most_people:
                    larger.setdefault(members | 1 << row, total)
        fresh = [members for members in larger if members not in size]
        size.update(larger)
        if len(size) > most_sets:
            return None
    return sorted(size)


def _around(members: int, neighbours: Sequence[int]) -> int:
    around = 0
    for row in _bits(members):
        around |= neighbours[row]
    return around & ~members


def _bits(members: int) -> list[int]:
    return [row for row in range(members.bit_length()) if members >> row & 1]
