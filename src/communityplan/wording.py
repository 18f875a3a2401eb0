"""Every word that people read on maps, tables and reports, by key, in Chinese and English."""

from __future__ import annotations

import locale
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from communityplan.errors import OptionError
from communityplan.standards import WALKERS, Service, service

__all__ = [
    "LANGUAGES",
    "group_word",
    "section",
    "service_word",
    "usual_language",
    "walker_word",
    "word",
]

LANGUAGES = ("zh", "en")
"""The languages in which everything can be said."""


def usual_language() -> str:
    """The language of the system: Chinese where it speaks Chinese, else English.

    Returns
    -------
    {"zh", "en"}
    """
    system = (locale.getlocale()[0] or "").lower()
    return "zh" if system.startswith(("zh", "chinese")) else "en"


def word(key: str, lang: str, **values: object) -> str:
    """What is said for a key, with its values filled in.

    Parameters
    ----------
    key : str
        Section and name of `wording.toml`, such as ``"layer.walls"``.
    lang : {"zh", "en"}
        Language.
    **values : object
        What the places in braces stand for.

    Returns
    -------
    str

    Raises
    ------
    OptionError
        For a key or a language that is not known.

    Examples
    --------
    >>> from communityplan.wording import word
    >>> word("layer.walls", "en")
    'Walls'
    >>> word("ledger.within", "zh", minutes=15)
    '15 分钟内'
    """
    said = _said(key)
    _check_language(lang)
    return said[lang].format(**values) if values else said[lang]


def service_word(name: str | Service, lang: str) -> str:
    """What a service is called; its key where the catalogue lacks it.

    Parameters
    ----------
    name : str or Service
        Key of the service, or a service of your own.
    lang : {"zh", "en"}
        Language.

    Returns
    -------
    str

    Examples
    --------
    >>> from communityplan.wording import service_word
    >>> service_word("childcare", "zh"), service_word("library", "zh")
    ('托育服务', 'library')
    """
    _check_language(lang)
    called = service(name) if isinstance(name, str) else name
    return (called.zh if lang == "zh" else called.en) or called.name


def walker_word(name: str, lang: str) -> str:
    """What a walker is called; its key where it is none of the default walkers.

    Parameters
    ----------
    name : str
        Key of the walker.
    lang : {"zh", "en"}
        Language.

    Returns
    -------
    str

    Examples
    --------
    >>> from communityplan.wording import walker_word
    >>> walker_word("carer_with_toddler", "en")
    'carer with a toddler'
    """
    _check_language(lang)
    if name not in WALKERS:
        return name
    called = WALKERS[name]
    return (called.zh if lang == "zh" else called.en) or name


def group_word(name: str, lang: str) -> str:
    """What a group of people is called; its key where it is none of the usual groups.

    Parameters
    ----------
    name : str
        Column of `homes` that counts the group.
    lang : {"zh", "en"}
        Language.

    Returns
    -------
    str

    Examples
    --------
    >>> from communityplan.wording import group_word
    >>> group_word("elderly", "en"), group_word("students", "en")
    ('older people', 'students')
    """
    _check_language(lang)
    return _words()["group"].get(name, {lang: name})[lang]


def section(name: str, lang: str) -> dict[str, str]:
    """All words of one section, by their keys.

    Parameters
    ----------
    name : str
        Section of `wording.toml`, such as ``"map"``.
    lang : {"zh", "en"}
        Language.

    Returns
    -------
    dict

    Examples
    --------
    >>> from communityplan.wording import section
    >>> section("map", "en")["map.legend"]
    'Legend'
    """
    _check_language(lang)
    return {f"{name}.{key}": said[lang] for key, said in _words()[name].items()}


@cache
def _words() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    text = files("communityplan").joinpath("wording.toml").read_text(encoding="utf-8")
    words: dict[str, Any] = tomllib.loads(text)
    return words


def _said(key: str) -> Mapping[str, str]:
    section, _, name = key.partition(".")
    try:
        return _words()[section][name]
    except KeyError:
        raise OptionError(f"no word for {key!r}; the words are in wording.toml") from None


def _check_language(lang: str) -> None:
    if lang not in LANGUAGES:
        raise OptionError(f"lang is {lang!r}; known are {', '.join(LANGUAGES)}")
