"""What scenarios, openings and joint units say, in Chinese and English."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["both", "say"]


@cache
def _words() -> dict[str, dict[str, dict[str, str]]]:
    text = files("communityplan.scenario").joinpath("words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def say(section: str, key: str, lang: str, **values: Any) -> str:
    """What is said for a key.

    Examples
    --------
    >>> from communityplan.scenario.words import say
    >>> say("effect", "gate_everyone", "en", gate="G04")
    'gate G04 is open to everyone'
    """
    return _words()[section][key][lang].format(**values)


def both(section: str, key: str, **values: Any) -> dict[str, str]:
    """The same in both languages, as columns ``zh`` and ``en``."""
    return {lang: say(section, key, lang, **values) for lang in ("zh", "en")}
