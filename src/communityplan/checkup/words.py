"""What a check-up says, in Chinese and English."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from communityplan.standards.clauses import Clause

__all__ = ["asks", "say"]


@cache
def _words() -> dict[str, dict[str, dict[str, str]]]:
    text = files("communityplan.checkup").joinpath("words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def say(section: str, key: str, lang: str, **values: Any) -> str:
    """What is said for a key; nothing for an empty key.

    Examples
    --------
    >>> from communityplan.checkup.words import say
    >>> say("status", "short", "zh"), say("amount", "distance_m", "en", number="300")
    ('不足', '300 m')
    """
    if not key:
        return ""
    return _words()[section][key][lang].format(**values)


def asks(clause: Clause, lang: str) -> str:
    """What a clause asks for, as far as a check-up can measure it.

    Examples
    --------
    >>> from communityplan.checkup.words import asks
    >>> from communityplan.standards.clauses import STANDARDS
    >>> asks(STANDARDS["gb50437"].clause("gb50437.elder.day_care"), "en")
    'within 300 m along the streets, at least 350 m² of floor area'
    """
    figures = clause.figures()
    said = [
        say("asks", name, lang, number=f"{figures[name]:g}")
        for name in _words()["asks"]
        if name in figures
    ]
    return say("advice", "joint", lang).join(said)
