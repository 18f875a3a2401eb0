"""Why services do not fit a building, said in one language, services with one reason together."""

from __future__ import annotations

import re

from communityplan.report.columns import Sayer

__all__ = ["said_reasons", "said_services"]

# the words of `siting`
_OBSTACLES = (
    (re.compile(r"floor area (\d+) m2 is below (\d+) m2"), "reason.small", "text"),
    (re.compile(r"hazard: (.+)"), "reason.hazard", "value"),
    (re.compile(r"only (.+) allowed"), "reason.not_allowed", "service"),
)


def said_services(keys: str, say: Sayer) -> str:
    """Services of a list with semicolons, as they are called.

    Examples
    --------
    >>> from communityplan.report.columns import Sayer
    >>> from communityplan.report.reasons import said_services
    >>> said_services("canteen;childcare", Sayer("zh", {}))
    '社区食堂、托育服务'
    """
    return say.joined(say.service(key) for key in keys.split(";") if key)


def said_reasons(text: str, say: Sayer) -> str:
    """The reasons of a ranking in words.

    Parameters
    ----------
    text : str
        Column ``reason`` of a ranking: service, colon, what is in its way, and so on.
    say : Sayer

    Returns
    -------
    str

    Examples
    --------
    >>> from communityplan.report.columns import Sayer
    >>> from communityplan.report.reasons import said_reasons
    >>> text = "elder_care: hazard: asbestos; floor area 90 m2 is below 350 m2"
    >>> said_reasons(text, Sayer("zh", {}))
    '养老服务：存在安全隐患（石棉），建筑面积 90 平方米，低于所需的 350 平方米'
    """
    by_reason: dict[str, list[str]] = {}
    for service, obstacles in _parted(text):
        said = ("，" if say.lang == "zh" else ", ").join(_said(one, say) for one in obstacles)
        by_reason.setdefault(said, []).append(say.service(service) if service else "")
    colon, end = ("：", "；") if say.lang == "zh" else (": ", "; ")
    return end.join(
        f"{say.joined(services)}{colon}{why}" if any(services) else why
        for why, services in by_reason.items()
    )


def _parted(text: str) -> list[tuple[str, list[str]]]:
    """Services and what is in their way; a hazard has a colon of its own."""
    found: list[tuple[str, list[str]]] = []
    for part in text.split("; "):
        name, colon, rest = part.partition(": ")
        begins = bool(colon) and name != "hazard"
        if begins or not found:
            found.append((name if begins else "", [rest if begins else part]))
        else:
            found[-1][1].append(part)
    return [(service, obstacles) for service, obstacles in found if any(obstacles)]


def _said(obstacle: str, say: Sayer) -> str:
    for pattern, key, kind in _OBSTACLES:
        match = pattern.fullmatch(obstacle)
        if match:
            words = [_each(group, kind, say) for group in match.groups()]
            return say.word(key, **{f"value_{place}": one for place, one in enumerate(words)})
    return obstacle


def _each(listed: str, kind: str, say: Sayer) -> str:
    return say.joined(say.cell(one, kind) for one in listed.split(", "))
