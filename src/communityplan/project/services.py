"""The services of a project: those of the catalogue, with what the project says otherwise."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from communityplan.errors import Problem
from communityplan.project.file import strangers
from communityplan.standards import SERVICES, WALKERS, Service

__all__ = ["asked_services"]

SERVICE_KEYS = {"group", "walker", "within_min", "min_floor_area_m2", "zh", "en", "source"}


def asked_services(
    asked: Mapping[str, Any], file: Path
) -> tuple[tuple[Service, ...], list[Problem]]:
    """What is evaluated, and what is wrong with what the file says of it."""
    own = asked.get("services", {})
    names = asked.get("evaluate", {}).get("services", list(own) or list(SERVICES))
    problems, services = [], []
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        found = f"services is {names!r}"
        return (), [Problem(f"{file}, [evaluate]", found, 'Give a list such as ["canteen"]')]
    for name in dict.fromkeys([*names, *own]):
        facts = own.get(name, {})
        if name not in SERVICES and name not in own:
            near = difflib.get_close_matches(name, [*SERVICES, *own], n=1)
            todo = f"Did you mean {near[0]}?" if near else f"Describe it under [services.{name}]"
            problems.append(Problem(f"{file}, [evaluate]", f"no service {name!r}", todo))
        problems += strangers(facts, SERVICE_KEYS, f"{file}, [services.{name}]")
        walker = facts.get("walker", "adult")
        if walker not in WALKERS:
            todo = f"Known are {', '.join(WALKERS)}"
            problems.append(Problem(f"{file}, [services.{name}]", f"no walker {walker!r}", todo))
        services.append(_service(name, {k: v for k, v in facts.items() if k in SERVICE_KEYS}))
    return tuple(services), problems


def _service(name: str, facts: Mapping[str, Any]) -> Service:
    """The service of the catalogue with what the project says otherwise."""
    known = SERVICES.get(name, Service(name=name, zh=name, en=name))
    changed = {key: value for key, value in facts.items() if getattr(known, key) != value}
    if not changed:
        return known
    base = {key: getattr(known, key) for key in SERVICE_KEYS | {"verified"}}
    source = changed.get("source", "given by the project")
    limits = {"within_min", "min_floor_area_m2"} & set(changed)
    own = {"source": source, "verified": False} if limits else {}
    return Service(name=name, **{**base, **changed, **own})
