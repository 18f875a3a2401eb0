"""Published figures as data: walkers and services, each with its source and a verified mark."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from communityplan.errors import OptionError
from communityplan.walker import Walker

__all__ = [
    "GROUP_WALKERS",
    "SERVICES",
    "WALKERS",
    "Service",
    "named_service",
    "service",
    "walker",
    "walker_for",
]


@dataclass(frozen=True)
class Service:
    """One kind of service, whom it is for and how near it should be.

    Attributes
    ----------
    name : str
        Key of the service.
    group : str
        Column of `homes` with the people who need it.
    walker : str
        Name of the walker who goes there.
    within_min : float
        Limit within which it is sought [min].
    min_floor_area_m2 : float
        Smallest floor area it fits in [m2].
    zh, en : str
        What it is called in Chinese and in English.
    source : str
        Where the figures come from.
    verified : bool
        Whether the figures were seen in that source.
    """

    name: str
    group: str = "residents"
    walker: str = "adult"
    within_min: float = 15.0
    min_floor_area_m2: float = 0.0
    zh: str = ""
    en: str = ""
    source: str = "given by the user"
    verified: bool = False


def _read(name: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads(files(__name__).joinpath(name).read_text(encoding="utf-8"))


WALKERS: dict[str, Walker] = {
    name: Walker(name=name, **facts) for name, facts in _read("walkers.toml").items()
}
"""The default walkers by name."""

SERVICES: dict[str, Service] = {
    name: Service(name=name, **facts) for name, facts in _read("services.toml").items()
}
"""The default services by name."""

GROUP_WALKERS = {"elderly": "older_75_plus", "children": "carer_with_toddler"}
"""The walker of a group of people, whatever the service."""


def walker(chosen: Walker | str) -> Walker:
    """A walker, by itself or by its name in `WALKERS`.

    Raises
    ------
    OptionError
        For a name that is not known.

    Examples
    --------
    >>> from communityplan.standards import walker
    >>> walker("older_75_plus").speed_m_s
    0.8
    """
    if isinstance(chosen, Walker):
        return chosen
    if not isinstance(chosen, str) or chosen not in WALKERS:
        raise OptionError(f"no walker {chosen!r}; known are {', '.join(WALKERS)}, or give a Walker")
    return WALKERS[chosen]


def service(name: str) -> Service:
    """A service of the catalogue; one that it lacks is for all residents, within 15 minutes.

    Examples
    --------
    >>> from communityplan.standards import service
    >>> service("childcare").group, service("library").group
    ('children', 'residents')
    """
    return SERVICES.get(name, Service(name=name, zh=name, en=name))


def named_service(name: str) -> Service:
    """A service that the catalogue has to know: a slip of the pen is no new service.

    Raises
    ------
    OptionError
        For a name that is not known, with what it may have meant.

    Examples
    --------
    >>> from communityplan.standards import named_service
    >>> named_service("chilcare")
    Traceback (most recent call last):
    ...
    communityplan.errors.OptionError: no service 'chilcare'; did you mean childcare? Known are ...
    """
    if name in SERVICES:
        return SERVICES[name]
    near = difflib.get_close_matches(str(name), SERVICES, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    known = ", ".join(SERVICES)
    raise OptionError(f"no service {name!r}; {meant}Known are {known}, or give your own Service")


def walker_for(service_name: str, group: str) -> Walker:
    """Who walks: the group's walker where it has one, else the service's.

    Examples
    --------
    >>> from communityplan.standards import walker_for
    >>> walker_for("health", "children").name
    'carer_with_toddler'
    """
    return WALKERS[GROUP_WALKERS.get(group, service(service_name).walker)]
