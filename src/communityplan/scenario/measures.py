"""The measures a scenario is made of: what is opened, shut, taken down or added.

Each is a frozen dataclass, made by a function of `making`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import shapely
from shapely.geometry import LineString, Point

from communityplan.errors import OptionError

__all__ = [
    "AddFacility",
    "AddGate",
    "AddLift",
    "AddPath",
    "CloseGate",
    "Measure",
    "OpenGate",
    "RemoveWall",
    "RetimeGate",
    "Scenario",
    "told",
]


@dataclass(frozen=True)
class OpenGate:
    """A gate that is there is opened, all day, for `who`; its wait stays.

    Attributes
    ----------
    gate_id : str
    who : {"everyone", "residents"}
    """

    gate_id: str
    who: str = "everyone"


@dataclass(frozen=True)
class CloseGate:
    """A gate is shut for good.

    Attributes
    ----------
    gate_id : str
    """

    gate_id: str


@dataclass(frozen=True)
class RetimeGate:
    """A gate gets other hours or another wait; what is None stays.

    Attributes
    ----------
    gate_id : str
    open_from, open_until : str or None
        ``HH:MM``.
    wait_s : float or None
        Mean time lost at the gate [s].
    """

    gate_id: str
    open_from: str | None = None
    open_until: str | None = None
    wait_s: float | None = None


@dataclass(frozen=True)
class RemoveWall:
    """A wall, or a part of it, is taken down: also the boundary or the wall drawn along it.

    Attributes
    ----------
    wall_id : str
        The wall; empty where the boundary of a community is meant.
    community_id : str
        The enclosed community; empty where a wall is meant.
    between : tuple of Point, or None
        From where to where along it, the shorter way round a boundary; all of it for None.
    """

    wall_id: str = ""
    community_id: str = ""
    between: tuple[Point, Point] | None = None


@dataclass(frozen=True)
class AddGate:
    """A gate where a wall cuts a street.

    Attributes
    ----------
    point : Point
    who : {"everyone", "residents"}
    wait_s : float
        Mean time lost at the gate [s].
    """

    point: Point
    who: str = "everyone"
    wait_s: float = 0.0


@dataclass(frozen=True)
class AddPath:
    """A new way on foot; its ends join the nearest street.

    Attributes
    ----------
    line : LineString
    steps : bool
        A flight of steps.
    crossing : bool
        A crossing where people wait for the traffic.
    access : {"everyone", "residents"}
    opens : {"", "everyone", "residents"}
        For whom a gate stands where the path passes a wall; empty: none, a wall cuts the path.
    join_within_m : float
        How far an end may lie from the street it joins [m].
    """

    line: LineString
    steps: bool = False
    crossing: bool = False
    access: str = "everyone"
    opens: str = ""
    join_within_m: float = 5.0


@dataclass(frozen=True)
class AddFacility:
    """A new facility, at a point or in an idle building.

    Attributes
    ----------
    service : str
    point : Point or None
    building_id : str
        The idle building; empty where a point is given.
    capacity : float or None
        Places.
    """

    service: str
    point: Point | None = None
    building_id: str = ""
    capacity: float | None = None


@dataclass(frozen=True)
class AddLift:
    """Lifts in residential buildings.

    Attributes
    ----------
    home_ids : tuple of str
    """

    home_ids: tuple[str, ...]


Measure = OpenGate | CloseGate | RetimeGate | RemoveWall | AddGate | AddPath | AddFacility | AddLift
"""Anything that a scenario can hold."""


@dataclass(frozen=True)
class Scenario:
    """What would be done, under a name.

    Attributes
    ----------
    name, name_en : str
        What it is called.
    measures : tuple of measures
        Made by `open_gate`, `close_gate`, `retime_gate`, `remove_wall`, `add_gate`, `add_path`,
        `add_crossing`, `add_facility` and `add_lift`.

    Examples
    --------
    >>> from communityplan.scenario import Scenario, open_gate
    >>> Scenario("打开东门", "East gate open", (open_gate("G04"),)).told()
    ("open_gate(gate_id='G04', who='everyone')",)
    """

    name: str
    name_en: str = ""
    measures: tuple[Measure, ...] = ()

    def __post_init__(self) -> None:
        given = self.measures
        is_several = isinstance(given, Iterable) and not isinstance(given, str)
        object.__setattr__(self, "measures", tuple(given) if is_several else (given,))
        strangers = [repr(item) for item in self.measures if not isinstance(item, Measure)]
        if strangers:
            raise OptionError(
                f"scenario {self.name!r} holds what is no measure: {', '.join(strangers)}"
            )

    def told(self) -> tuple[str, ...]:
        """The measures in words, for the record of a result."""
        return tuple(told(measure) for measure in self.measures)


_MADE_BY = {
    OpenGate: "open_gate",
    CloseGate: "close_gate",
    RetimeGate: "retime_gate",
    RemoveWall: "remove_wall",
    AddGate: "add_gate",
    AddPath: "add_path",
    AddFacility: "add_facility",
    AddLift: "add_lift",
}


def told(measure: Measure) -> str:
    """One measure in words."""
    said = []
    for item in fields(measure):
        value = getattr(measure, item.name)
        if value != item.default:
            is_shape = isinstance(value, shapely.Geometry)
            text = shapely.to_wkt(value, trim=True) if is_shape else repr(value)
            said.append(f"{item.name}={text}")
        elif item.name == "who":
            said.append(f"who={value!r}")
    return f"{_MADE_BY[type(measure)]}({', '.join(said)})"
