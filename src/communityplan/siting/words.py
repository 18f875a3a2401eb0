"""What siting says, in Chinese and English."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["say"]


@cache
def _words() -> dict[str, dict[str, dict[str, str]]]:
    text = files("communityplan.siting").joinpath("words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def say(section: str, key: str, lang: str, **values: Any) -> str:
    """What is said for a key.

    Examples
    --------
    >>> from communityplan.siting.words import say
    >>> say("reason", "too_high", "en", a=5, b=3)
    'on storey 5, above storey 3'
    """
    return _words()[section][key][lang].format(**values)
