"""How one person walks: speed, slope, steps, storeys and waits.

Every rule that turns metres, metres of climb, storeys and crossings into seconds is here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from communityplan.errors import OptionError

__all__ = ["SLOPE_RESPONSES", "Walker", "slope_factor", "step_seconds", "storey_seconds"]

Floats = NDArray[np.float64]

STOREY_HEIGHT_M = 2.8
"""Height of a storey of old housing stock [m] (GB 50096-2011, clause 5.5.1)."""

STEP_RISE_PER_RUN = 0.175 / 0.26
"""Height gained per metre of plan length on steps whose height is not known: riser 0.175 m over
tread 0.26 m, the limits of GB 50096 (from memory, not verified)."""


def _tobler(grade: Floats) -> Floats:
    """Speed over level speed by Tobler's hiking function (NCGIA TR 93-1, 1993)."""
    return np.exp(-3.5 * (np.abs(grade + 0.05) - 0.05))


def _tobler_capped(grade: Floats) -> Floats:
    """Tobler's function, never faster than on the level: older people do not gain downhill."""
    return np.minimum(_tobler(grade), 1.0)


def _naismith(grade: Floats) -> Floats:
    """Naismith's rule (1892): 5 km/h on the level plus an hour per 600 m climbed."""
    return 1.0 / (1.0 + np.maximum(grade, 0.0) * 5000.0 / 600.0)


def _level(grade: Floats) -> Floats:
    return np.ones_like(grade)


SLOPE_RESPONSES: dict[str, Callable[[Floats], Floats]] = {
    "level": _level,
    "tobler": _tobler,
    "tobler_capped": _tobler_capped,
    "naismith": _naismith,
}
"""Speed on a slope over speed on the level, by name; the argument is climb over plan length."""


@dataclass(frozen=True)
class Walker:
    """One kind of person on foot; all but name and speed are neutral unless given.

    Attributes
    ----------
    name : str
        Key of the walker.
    speed_m_s : float
        Speed on the level [m/s].
    slope : str
        Name of a slope response, one of `SLOPE_RESPONSES`; ``"level"`` ignores slopes.
    storey_up_s, storey_down_s : float
        Time for one storey by stairs [s]; it also times outdoor steps, by their height. Infinite
        for a walker who leaves upper floors by lift only.
    lift_wait_s : float
        Wait for a lift and ride in it, once a walk [s].
    crossing_wait_s : float
        Mean wait at a street crossing [s].
    may_use_steps : bool
        Whether flights of steps can be used at all.
    zh, en : str
        What the walker is called in Chinese and in English.
    source : str
        Where the figures come from.
    verified : bool
        Whether the figures were seen in that source.

    Examples
    --------
    >>> from communityplan import Walker
    >>> Walker("grandmother", 0.7, storey_up_s=20).speed_m_s
    0.7
    """

    name: str
    speed_m_s: float
    slope: str = "level"
    storey_up_s: float = 0.0
    storey_down_s: float = 0.0
    lift_wait_s: float = 0.0
    crossing_wait_s: float = 0.0
    may_use_steps: bool = True
    zh: str = ""
    en: str = ""
    source: str = "given by the user"
    verified: bool = False

    def __post_init__(self) -> None:
        wrong = [
            f"{name} is {value}"
            for name, value in self._numbers().items()
            if not value >= 0 or (np.isinf(value) and not name.startswith("storey"))
        ]
        if not self.speed_m_s > 0:
            wrong.append(f"speed_m_s is {self.speed_m_s}, it has to be above 0")
        if self.slope not in SLOPE_RESPONSES:
            known = ", ".join(SLOPE_RESPONSES)
            wrong.append(f"slope is {self.slope!r}, known are {known}")
        if wrong:
            raise OptionError(f"walker {self.name!r} cannot walk: {'; '.join(wrong)}")

    def _numbers(self) -> dict[str, float]:
        return {
            item.name: float(getattr(self, item.name))
            for item in fields(self)
            if item.name.endswith(("_s", "_m_s"))
        }

    def facts(self) -> dict[str, Any]:
        """The walker as plain values, for the record of a result."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


def slope_factor(walker: Walker, grade: Floats) -> Floats:
    """Speed on a slope over speed on the level.

    Parameters
    ----------
    walker : Walker
        Its `slope` names the response.
    grade : array of float
        Climb over plan length, positive uphill.

    Returns
    -------
    array of float

    Examples
    --------
    >>> import numpy as np
    >>> from communityplan.walker import Walker, slope_factor
    >>> hiker = Walker("hiker", 1.4, slope="tobler")
    >>> slope_factor(hiker, np.array([0.0, 0.1])).round(3)
    array([1.   , 0.705])
    """
    return SLOPE_RESPONSES[walker.slope](np.asarray(grade, dtype=np.float64))


def step_seconds(walker: Walker, length_m: Floats, climb_m: Floats) -> Floats:
    """Time on outdoor steps: by their height, and never less than the plan length takes.

    Parameters
    ----------
    walker : Walker
        Its seconds per storey are used per metre of height.
    length_m : array of float
        Plan length [m].
    climb_m : array of float
        Height gained [m], negative downwards; where it is not known (nan) the height is taken
        from `STEP_RISE_PER_RUN` and the slower direction counts.

    Returns
    -------
    array of float
        Seconds; infinite for a walker who cannot use steps.
    """
    if not walker.may_use_steps:
        return np.full(len(length_m), np.inf)
    up_s_per_m = walker.storey_up_s / STOREY_HEIGHT_M
    down_s_per_m = walker.storey_down_s / STOREY_HEIGHT_M
    height = np.where(np.isnan(climb_m), length_m * STEP_RISE_PER_RUN, np.abs(climb_m))
    rate = np.where(climb_m >= 0, up_s_per_m, down_s_per_m)
    rate = np.where(np.isnan(climb_m), max(up_s_per_m, down_s_per_m), rate)
    return np.asarray(np.maximum(length_m / walker.speed_m_s, height * rate), dtype=np.float64)


def storey_seconds(
    walker: Walker, storey: Floats, has_lift: NDArray[np.bool_], *, direction: str
) -> Floats:
    """Time between a flat and the ground: storey n without a lift costs n - 1 flights.

    Parameters
    ----------
    walker : Walker
        Its seconds per storey and wait for the lift.
    storey : array of float
        Storey of the flat, 1 at the ground.
    has_lift : array of bool
        Whether a lift goes there.
    direction : {"there", "back"}
        Down and out, or back and up.

    Returns
    -------
    array of float
        Seconds.

    Examples
    --------
    >>> import numpy as np
    >>> from communityplan.walker import Walker, storey_seconds
    >>> older = Walker("older", 0.8, storey_up_s=13, storey_down_s=11)
    >>> storey_seconds(older, np.array([1.0, 6.0]), np.array([False, False]), direction="there")
    array([ 0., 55.])
    """
    flight_s = walker.storey_down_s if direction == "there" else walker.storey_up_s
    flights = np.maximum(np.asarray(storey, dtype=np.float64) - 1.0, 0.0)
    by_stairs = (
        np.where(flights > 0, flights * flight_s, 0.0)
        if np.isfinite(flight_s)
        else (np.where(flights > 0, np.inf, 0.0))
    )
    by_lift = np.minimum(by_stairs, walker.lift_wait_s)
    return np.where(has_lift, by_lift, by_stairs)
