"""Joint units: adjoining communities that share one centre, against each for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.coverage import covered_share
from communityplan.errors import OptionError, Problem, TableError
from communityplan.network import WalkNetwork
from communityplan.reach import walks
from communityplan.scenario.contiguity import adjoining
from communityplan.scenario.partition import Partition, Plots, partition
from communityplan.scenario.words import why_unit
from communityplan.siting import programmes
from communityplan.standards import Service
from communityplan.standards import walker as find_walker
from communityplan.standards.clauses import read_standard
from communityplan.tables import COMMUNITIES, HOMES, IDLE_BUILDINGS, find_problems, record, used
from communityplan.walker import Walker

__all__ = ["JointUnits", "UnitSize", "centres_among", "joint_units", "unit_size"]

Floats = NDArray[np.float64]

CLAUSES = {"complete_community": "wanzheng.community.service_station"}
TIER = "5min"


@dataclass(frozen=True)
class UnitSize:
    """How many people a shared centre is for, and how far it may be.

    Attributes
    ----------
    people_from, people_to : float
        People.
    walk_min : float
        Farthest walk to the centre [min].
    source : str
    verified : bool
        Whether both numbers of people were seen in the source.
    walk_verified : bool
        Whether the walk was.
    """

    people_from: float
    people_to: float
    walk_min: float
    source: str = "given by the user"
    verified: bool = False
    walk_verified: bool = False


@dataclass(frozen=True)
class JointUnits:
    """Communities grouped into units with a shared centre.

    Attributes
    ----------
    units : GeoDataFrame
        One row per unit: ``unit_id``, ``community_ids`` (with ``;`` between), ``people``,
        ``in_size``, ``building_id`` of its centre (empty where none serves anybody),
        ``people_served``, ``served_share``, ``cost_yuan`` (missing where not given), ``why_zh``,
        ``why_en``; the area.
    comparison : DataFrame
        ``plan`` (joint; separate: each community has its own centre; separate_same: as separate,
        with no more centres than joint), ``units``, ``centres``, ``people``, ``people_in_size``,
        ``people_served``, ``served_in_size``, ``cost_yuan`` (missing where a cost is not given),
        ``yuan_per_person``, ``method``, ``bound`` of what decides first and ``gap``.
    pairs : DataFrame
        Who adjoins whom, as `adjoining`.
    """

    units: gpd.GeoDataFrame
    comparison: pd.DataFrame
    pairs: pd.DataFrame


def unit_size(standard: str = "complete_community") -> UnitSize:
    """How many people a unit should have by a standard, with its verified mark.

    Parameters
    ----------
    standard : str
        ``"complete_community"``, or a standard whose tier ``5min`` tells it, such as
        ``"gb50180"``.

    Returns
    -------
    UnitSize

    Raises
    ------
    OptionError
        For a standard that does not tell.

    Examples
    --------
    >>> from communityplan.scenario import unit_size
    >>> size = unit_size("gb50180")
    >>> size.people_from, size.people_to, size.verified
    (5000.0, 12000.0, True)
    """
    found = read_standard(standard)
    told: Any = found.tiers.get(TIER)
    if standard in CLAUSES:
        told = found.clause(CLAUSES[standard])
    figures = ("population_from", "population_to", "walk_min")
    if told is None or any(getattr(told, name) is None for name in figures):
        raise OptionError(f"{standard} does not tell how many people a unit has")
    seen = set(told.verified_fields)
    least, most, walk = (float(getattr(told, name)) for name in figures)
    return UnitSize(
        least,
        most,
        walk,
        source=f"{found.number}: {told.source}",
        verified={"population_from", "population_to"} <= seen,
        walk_verified="walk_min" in seen,
    )


def centres_among(
    idle_buildings: gpd.GeoDataFrame, *, services: Sequence[str | Service]
) -> gpd.GeoDataFrame:
    """Idle buildings that some set of services makes a neighbourhood centre.

    Parameters
    ----------
    idle_buildings : GeoDataFrame
    services : sequence of str or Service
        What the centre may hold.

    Returns
    -------
    GeoDataFrame
        Their rows, by the shipped rule of the centre (`siting.programmes`).
    """
    sets = programmes(idle_buildings, services=services)
    good = set(sets.loc[sets["is_centre"].isin(["met", "preferred"]), "building_id"])
    kept = idle_buildings[idle_buildings["building_id"].map(str).isin(good)]
    return record(kept, **{key: used(sets)[key] for key in ("services", "rules")})


def joint_units(
    network: WalkNetwork,
    communities: gpd.GeoDataFrame,
    homes: gpd.GeoDataFrame,
    centres: gpd.GeoDataFrame,
    *,
    size: UnitSize | str = "complete_community",
    group: str = "residents",
    walker: Walker | str = "adult",
    adjoin_min: float = 5.0,
    touch_m: float = 30.0,
    time_limit_s: float = 60.0,
) -> JointUnits:
    """Group adjoining communities into units that share a centre.

    Parameters
    ----------
    network : WalkNetwork
    communities, homes : GeoDataFrame
    centres : GeoDataFrame
        Buildings that may become a centre, as `tables.IDLE_BUILDINGS`; see `centres_among`. Costs
        are read from ``conversion_cost_yuan``.
    size : UnitSize or str
        People of a unit and the walk to its centre, or the standard that tells (`unit_size`).
    group : str
        Column of `homes` that counts the people.
    walker : Walker or str
        Who walks to the centre.
    adjoin_min, touch_m : float
        What adjoins, as in `adjoining`.
    time_limit_s : float
        For all that is solved [s].

    Returns
    -------
    JointUnits

    Raises
    ------
    TableError, OptionError

    Notes
    -----
    A unit is a connected set of communities with at most ``people_to`` people; a community that is
    larger by itself is a unit by itself. Each unit has at most one centre, each building serves at
    most one unit, and a person is served who reaches the centre of his own unit within the walk,
    stairs included. Sought is, in this order: most people served in units of the right size; most
    people served in all; most people living in units of the right size; least cost where every
    cost is given, else fewest centres; and last, that nobody is joined without a reason. Up to
    some thousand possible units the answer is proven; with more it is grown step by step, and the
    gap says how far from the bound it may be.

    Examples
    --------
    >>> import communityplan as cp
    >>> from communityplan.scenario import centres_among, joint_units
    >>> project = cp.load_project("demo")
    >>> centres = centres_among(project.idle_buildings, services=project.services)
    >>> found = joint_units(project.network(), project.communities, project.homes, centres)
    >>> found.comparison["plan"].tolist()
    ['joint', 'separate', 'separate_same']
    """
    wanted = unit_size(size) if isinstance(size, str) else size
    _check(communities, homes, centres, wanted, group)
    person = find_walker(walker)
    pairs = adjoining(
        network, communities, homes, walker=person, within_min=adjoin_min, touch_m=touch_m
    )
    plots = _plots(communities, homes, centres, pairs, group=group)
    plots = plots.serving(
        _served(network, communities, homes, centres, size=wanted, group=group, walker=person)
    )
    sizes = (wanted.people_from, wanted.people_to)
    joint = partition(plots, sizes, alone=False, time_limit_s=time_limit_s)
    separate = partition(plots, sizes, alone=True, time_limit_s=time_limit_s)
    same = partition(
        plots, sizes, alone=True, most_centres=joint.n_centres, time_limit_s=time_limit_s
    )
    plans = {"joint": joint, "separate": separate, "separate_same": same}
    comparison = pd.DataFrame([_row(name, plan, plots, sizes) for name, plan in plans.items()])
    told = {"size": vars(wanted).copy(), "group": group, "walker": person.facts()}
    told["missing_costs"] = plots.without_cost
    units = _units(communities, joint, plots, sizes)
    units = why_unit(units, communities, pairs, wanted.walk_min)
    return JointUnits(record(units, **told), record(comparison, **told), pairs)


def _check(
    communities: gpd.GeoDataFrame,
    homes: gpd.GeoDataFrame,
    centres: gpd.GeoDataFrame,
    size: UnitSize,
    group: str,
) -> None:
    problems = find_problems(communities, COMMUNITIES) + find_problems(homes, HOMES)
    problems += find_problems(centres, IDLE_BUILDINGS, where="centres")
    if group not in homes.columns:
        problems.append(Problem("homes", f"no column {group!r}", "Add it, or name another group"))
    if problems:
        raise TableError(problems)
    if not 0 <= size.people_from <= size.people_to or not size.walk_min >= 0:
        raise OptionError(
            f"a unit of {size.people_from:g} to {size.people_to:g} people within "
            f"{size.walk_min:g} min has no meaning"
        )


def _plots(
    communities: gpd.GeoDataFrame,
    homes: gpd.GeoDataFrame,
    centres: gpd.GeoDataFrame,
    pairs: pd.DataFrame,
    *,
    group: str,
) -> Plots:
    ids = communities["community_id"].map(str).tolist()
    numbers = pd.to_numeric(homes[group]).fillna(0.0)
    people = numbers.groupby(homes["community_id"].map(str).to_numpy()).sum()
    place = {name: row for row, name in enumerate(ids)}
    neighbours = [0] * len(ids)
    for a, b in zip(pairs["community_a"], pairs["community_b"], strict=True):
        neighbours[place[a]] |= 1 << place[b]
        neighbours[place[b]] |= 1 << place[a]
    costs = np.full(len(centres), np.nan)
    if "conversion_cost_yuan" in centres.columns:
        costs = pd.to_numeric(centres["conversion_cost_yuan"]).to_numpy(dtype=np.float64)
    return Plots(
        ids=tuple(ids),
        people=people.reindex(ids).fillna(0.0).to_numpy(dtype=np.float64),
        neighbours=tuple(neighbours),
        centres=tuple(centres["building_id"].map(str)),
        costs=costs,
        served=np.zeros((len(ids), len(centres))),
    )


def _served(
    network: WalkNetwork,
    communities: gpd.GeoDataFrame,
    homes: gpd.GeoDataFrame,
    centres: gpd.GeoDataFrame,
    *,
    size: UnitSize,
    group: str,
    walker: Walker,
) -> Floats:
    """People of each community within the walk of each building."""
    ground = homes.drop(columns="storey", errors="ignore")
    near = walks(network, ground, centres, walker=walker, within_min=size.walk_min)
    home = pd.Index(homes["home_id"].map(str)).get_indexer(pd.Index(near["from_id"]))
    building = pd.Index(centres["building_id"].map(str)).get_indexer(pd.Index(near["to_id"]))
    share, _ = covered_share(
        pd.DataFrame(homes.drop(columns=homes.geometry.name)).iloc[home],
        near["walk_min"].to_numpy(dtype=np.float64),
        walker=walker,
        within_min=size.walk_min,
        direction="there",
    )
    people = pd.to_numeric(homes[group]).fillna(0.0).to_numpy(dtype=np.float64)[home] * share
    ids = pd.Index(communities["community_id"].map(str))
    whose = ids.get_indexer(pd.Index(homes["community_id"].map(str)))[home]
    served = np.zeros((len(ids), len(centres)))
    known = whose >= 0
    np.add.at(served, (whose[known], building[known]), people[known])
    return served


def _row(name: str, plan: Partition, plots: Plots, sizes: tuple[float, float]) -> dict[str, Any]:
    facts = plan.facts(plots, sizes)
    yuan = facts["cost_yuan"]
    served = facts["people_served"]
    return {
        "plan": name,
        **facts,
        "yuan_per_person": yuan / served if served > 0 else np.nan,
        "method": plan.method,
        "bound": plan.bound,
        "gap": plan.gap,
    }


def _units(
    communities: gpd.GeoDataFrame,
    plan: Partition,
    plots: Plots,
    sizes: tuple[float, float],
) -> gpd.GeoDataFrame:
    areas = communities.geometry.to_numpy()
    rows, shapes = [], []
    for number, (members, centre) in enumerate(zip(plan.members, plan.centres, strict=True)):
        people = plots.people_of(members)
        served = plots.served_of(members, centre)
        rows.append(
            {
                "unit_id": f"U{number + 1}",
                "community_ids": ";".join(plots.ids[row] for row in members),
                "people": people,
                "in_size": bool(sizes[0] <= people <= sizes[1]),
                "building_id": plots.centres[centre] if centre >= 0 else "",
                "people_served": served,
                "served_share": served / people if people > 0 else np.nan,
                "cost_yuan": plots.costs[centre] if centre >= 0 else 0.0,
            }
        )
        shapes.append(shapely.union_all(areas[list(members)]))
    return gpd.GeoDataFrame(rows, geometry=np.array(shapes, dtype=object), crs=communities.crs)
