"""The functions that make measures: they read names, points and lines and refuse nonsense.

Points and lines are pairs of numbers, well-known text or shapely geometry, in the coordinates of
the tables [m].
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
import shapely
from shapely.geometry import LineString, Point

from communityplan.errors import OptionError
from communityplan.scenario.measures import (
    AddFacility,
    AddGate,
    AddLift,
    AddPath,
    CloseGate,
    OpenGate,
    RemoveWall,
    RetimeGate,
)

__all__ = [
    "add_crossing",
    "add_facility",
    "add_gate",
    "add_lift",
    "add_path",
    "close_gate",
    "open_gate",
    "remove_wall",
    "retime_gate",
]

PointLike = Point | Sequence[float] | str
LineLike = LineString | Sequence[Sequence[float]] | str
Shape = TypeVar("Shape", Point, LineString)


def open_gate(gate_id: str, who: str = "everyone") -> OpenGate:
    """Open a gate that is there.

    Parameters
    ----------
    gate_id : str
    who : {"everyone", "residents"}

    Raises
    ------
    OptionError
        For another `who`.

    Examples
    --------
    >>> from communityplan.scenario import open_gate
    >>> open_gate("G04")
    OpenGate(gate_id='G04', who='everyone')
    """
    return OpenGate(str(gate_id), _who(who))


def close_gate(gate_id: str) -> CloseGate:
    """Shut a gate for good."""
    return CloseGate(str(gate_id))


def retime_gate(
    gate_id: str,
    open_from: str | None = None,
    open_until: str | None = None,
    wait_s: float | None = None,
) -> RetimeGate:
    """Give a gate other hours or another wait.

    Parameters
    ----------
    gate_id : str
    open_from, open_until : str, optional
        ``HH:MM``; what is not given stays.
    wait_s : float, optional
        Mean time lost at the gate [s].
    """
    if wait_s is not None:
        wait_s = _amount("wait_s", wait_s)
    return RetimeGate(str(gate_id), open_from, open_until, wait_s)


def remove_wall(
    wall_id: str = "",
    *,
    community_id: str = "",
    between: tuple[PointLike, PointLike] | None = None,
) -> RemoveWall:
    """Take down a wall or the boundary of an enclosed community, or a part of it.

    Parameters
    ----------
    wall_id : str
    community_id : str
        Give this instead of a wall to take down its boundary.
    between : pair of points, optional
        From where to where; all of it unless given.

    Examples
    --------
    >>> from communityplan.scenario import remove_wall
    >>> remove_wall(community_id="C3").community_id
    'C3'
    """
    if bool(wall_id) == bool(community_id):
        raise OptionError("remove_wall: give a wall_id or a community_id, one of the two")
    ends = None if between is None else (_point(between[0]), _point(between[1]))
    return RemoveWall(str(wall_id), str(community_id), ends)


def add_gate(point: PointLike, *, who: str = "everyone", wait_s: float = 0.0) -> AddGate:
    """Put a gate where a wall cuts a street.

    Parameters
    ----------
    point : Point, pair of float or str
        Near where the street meets the wall. Where no street does, use `add_path` with `opens`.
    who : {"everyone", "residents"}
    wait_s : float
        Mean time lost at the gate [s].
    """
    return AddGate(_point(point), _who(who), _amount("wait_s", wait_s))


def add_path(
    line: LineLike,
    *,
    steps: bool = False,
    access: str = "everyone",
    opens: str = "",
    join_within_m: float = 5.0,
) -> AddPath:
    """Add a way on foot; its ends join the nearest street that no wall separates from them.

    Parameters
    ----------
    line : LineString, sequence of pairs or str
    steps : bool
        A flight of steps.
    access : {"everyone", "residents"}
    opens : {"", "everyone", "residents"}
        For whom a gate is put where the path passes a wall; unless given a wall cuts the path.
    join_within_m : float
        How far an end may lie from the street it joins [m]. An end farther off is a dead end.

    Examples
    --------
    >>> from communityplan.scenario import add_path
    >>> add_path([(0, 0), (30, 0)], opens="everyone").line.length
    30.0
    """
    who = _who(opens) if opens else ""
    within_m = _amount("join_within_m", join_within_m)
    return AddPath(_line(line), bool(steps), False, _who(access), who, within_m)


def add_crossing(line: LineLike, *, join_within_m: float = 5.0) -> AddPath:
    """Add a street crossing; people wait there as long as their walker does.

    Parameters
    ----------
    line : LineString, sequence of pairs or str
        From kerb to kerb.
    join_within_m : float
        How far an end may lie from the street it joins [m].
    """
    within_m = _amount("join_within_m", join_within_m)
    return AddPath(_line(line), crossing=True, join_within_m=within_m)


def add_facility(where: PointLike, service: str, capacity: float | None = None) -> AddFacility:
    """Open a facility at a point or in an idle building.

    Parameters
    ----------
    where : Point, pair of float, or str
        A place, or the ``building_id`` of an idle building.
    service : str
    capacity : float, optional
        Places.

    Examples
    --------
    >>> from communityplan.scenario import add_facility
    >>> add_facility("B07", "canteen", 60).building_id
    'B07'
    """
    places = None if capacity is None else _amount("capacity", capacity)
    if isinstance(where, str) and not where.strip().upper().startswith("POINT"):
        return AddFacility(service, None, where, places)
    return AddFacility(service, _point(where), "", places)


def add_lift(*home_ids: str | Iterable[str]) -> AddLift:
    """Put lifts into residential buildings.

    Parameters
    ----------
    *home_ids : str
        One or more.
    """
    names: list[str] = []
    for given in home_ids:
        names += [given] if isinstance(given, str) else [str(name) for name in given]
    if not names:
        raise OptionError("add_lift: name at least one home")
    return AddLift(tuple(names))


def _who(who: str) -> str:
    if who not in ("everyone", "residents"):
        raise OptionError(f"{who!r}: give everyone or residents; close_gate shuts a gate")
    return who


def _amount(name: str, value: float) -> float:
    if not (np.isfinite(value) and value >= 0):
        raise OptionError(f"{name} is {value}: give a number, 0 or more")
    return float(value)


def _point(given: PointLike) -> Point:
    return _read(given, Point, "a point: give (x, y) in metres")


def _line(given: LineLike) -> LineString:
    return _read(given, LineString, "a line: give [(x, y), (x, y)] in metres")


def _read(given: Any, kind: type[Shape], wanted: str) -> Shape:
    """Geometry as it is, from well-known text or from numbers."""
    shape = given
    try:
        if isinstance(given, str):
            shape = shapely.from_wkt(given)
        elif not isinstance(given, shapely.Geometry):
            shape = kind(given)
    except (TypeError, ValueError, shapely.errors.ShapelyError) as error:
        raise OptionError(f"{given!r} is not {wanted}") from error
    if not isinstance(shape, kind) or not np.isfinite(shapely.bounds(shape)).all():
        raise OptionError(f"{given!r} is not {wanted}")
    if kind is LineString and not shape.length > 0:
        raise OptionError(f"{given!r} has no length")
    return kind(shapely.force_2d(shape))
