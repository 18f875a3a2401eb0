"""How much memory a plan takes, before it is made."""

from __future__ import annotations

import os

import shapely

from communityplan.errors import OptionError, TooLargeError
from communityplan.project import Project

__all__ = ["check_fits", "estimated_mb", "free_mb"]

BASE_MB = 350.0
"""The libraries and a small plan [MB]."""

VERTEX_MB = 2.4e-3
"""For every vertex of a street [MB]."""

HOME_MB = 5.0e-4
"""For every home, whatever is asked of it [MB]."""

ANSWER_MB = 4.0e-5
"""For every home and service, or home and limit of a service [MB]."""

PAIR_MB = 2.0e-4
"""For every home and idle building that may be near each other [MB]."""


def estimated_mb(project: Project) -> float:
    """About how much memory the plan of a project takes at its peak [MB].

    Parameters
    ----------
    project : Project

    Returns
    -------
    float
        From the counts of street vertices, homes, services, limits and idle buildings, at rates
        that were measured (docs/scale.md).

    Examples
    --------
    >>> import communityplan as cp
    >>> from communityplan.batch import estimated_mb
    >>> 350 < estimated_mb(cp.load_project("demo")) < 600
    True
    """
    homes = len(project.homes)
    vertices = int(shapely.get_num_coordinates(project.streets.geometry.to_numpy()).sum())
    answers = homes * len(project.services) * (len(project.minutes) + 2)
    return (
        BASE_MB + VERTEX_MB * vertices + HOME_MB * homes + ANSWER_MB * answers + _pairs_mb(project)
    )


def _pairs_mb(project: Project) -> float:
    """Walks between homes and idle buildings; those farther apart than anybody walks are none."""
    if project.idle_buildings is None or not len(project.homes):
        return 0.0
    sites = project.idle_buildings.geometry.representative_point()
    homes = project.homes.geometry.representative_point()
    limits = {service.name: service.within_min for service in project.services}
    within_m = max((limits[name] for name in project.ranked if name in limits), default=0.0) * 90.0
    near = homes.sindex.query(sites, predicate="dwithin", distance=within_m)
    return PAIR_MB * int(near.shape[1]) * max(len(project.ranked), 1)


def check_fits(project: Project, *, memory_mb: float | None = None) -> None:
    """Refuse a plan that would not fit in memory, and say what would.

    Parameters
    ----------
    project : Project
    memory_mb : float, optional
        What there is [MB]; four fifths of what is free (`free_mb`) unless given.

    Raises
    ------
    TooLargeError
        With the homes of a tile that would fit.
    """
    if memory_mb is not None and not memory_mb > 0:
        raise OptionError(f"memory_mb is {memory_mb}; give megabytes above 0")
    there = 0.8 * free_mb() if memory_mb is None else memory_mb
    needed = estimated_mb(project)
    if needed <= there:
        return
    share = max(there - BASE_MB, 0.0) / (needed - BASE_MB)
    fitting = int(share * len(project.homes) / 2)
    way = (
        f"cut it into tiles of {fitting:,} homes (homes_per_tile={fitting})"
        if fitting >= 1
        else "give it more memory, for even one home does not fit"
    )
    raise TooLargeError(
        f"the plan of {len(project.homes):,} homes and {len(project.streets):,} streets is "
        f"estimated to take {needed:,.0f} MB, and there are {there:,.0f} MB: {way}"
    )


def free_mb() -> float:
    """Memory that could be had without ending other programs [MB]; infinite where not told."""
    try:
        with open("/proc/meminfo", encoding="ascii") as told:
            lines = dict(line.split(":", 1) for line in told)
        return float(lines["MemAvailable"].split()[0]) / 1024.0
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2e6
    except (AttributeError, ValueError, OSError):
        return float("inf")
