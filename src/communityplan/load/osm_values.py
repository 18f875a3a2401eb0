"""What stands in a tag, as a column: texts, numbers with units, flags, opening hours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.load.osm_data import Ints, Tagged, Tags

__all__ = [
    "as_keys",
    "coded",
    "flags",
    "hours",
    "is_among",
    "level",
    "metres",
    "name_of",
    "storeys",
    "text",
    "texts",
    "values",
]

FOOT_M = 0.3048

_TEXT = pd.Series(["a"]).dtype
_NUMBER = re.compile(r"([-+]?\d{1,6}(?:[.,]\d+)?)\s*(m|metres?|米|ft|feet|')?", re.IGNORECASE)
_SPAN = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)\s*-\s*([01]?\d|2[0-4]):([0-5]\d)")
_EVERY_DAY = re.compile(r"^(?:Mo\s*-\s*Su|daily)?(?:\s*,\s*PH)?\s*:?\s*", re.IGNORECASE)
_CONDITION = re.compile(r"^\s*([a-z_]+)\s*@\s*\(?([^()]*)\)?\s*;?\s*$")


def text(values: Iterable[str | None]) -> pd.Series[Any]:
    """A column of texts, typed as such even where it is empty."""
    return pd.Series(list(values), dtype=_TEXT)


def coded(values: Iterable[str | None], code: Ints) -> pd.Series[Any]:
    """A column of texts that are each one of a few."""
    return pd.Series(text(values).array.take(code))


def texts(tags: Tagged, *keys: str) -> pd.Series[Any]:
    """The value of the first of these keys that each object has and that is not blank."""

    def first(each: Tags) -> str | None:
        return next((each[key] for key in keys if each.get(key, "").strip()), None)

    return coded(map(first, tags.kinds), tags.kind)


def values(tags: Tagged, work: Callable[[Tags], Any], dtype: Any = np.float64) -> NDArray[Any]:
    """What `work` makes of the tags of each object, as an array."""
    return np.array([work(each) for each in tags.kinds], dtype=dtype)[tags.kind]


def name_of(tags: Tagged) -> dict[str, pd.Series[Any]]:
    """Names and English names of objects."""
    return {
        "name": texts(tags, "name", "name:zh", "official_name"),
        "name_en": texts(tags, "name:en", "int_name"),
    }


def flags(tags: Tagged, key: str) -> NDArray[np.bool_]:
    """Whether a key is there with any value but no."""
    return values(tags, lambda each: each.get(key, "no") != "no", np.bool_)


def level(tags: Tags) -> int:
    """The level that a street or square lies on: ``layer=*``, 0 unless told."""
    try:
        return max(-100, min(100, int(tags.get("layer", "0"))))
    except ValueError:
        return 0


def metres(value: str | None) -> float:
    """A length in metres, nan where the text is no length.

    Examples
    --------
    >>> from communityplan.load.osm_values import metres
    >>> metres("12.5"), metres("3 m"), round(metres("10 ft"), 3), metres("tall")
    (12.5, 3.0, 3.048, nan)
    """
    found = _NUMBER.fullmatch((value or "").strip())
    if found is None:
        return float("nan")
    size = float(found[1].replace(",", "."))
    return size * FOOT_M if (found[2] or "").lower() in {"ft", "feet", "'"} else size


def storeys(value: str | None, *, most: float = 200.0) -> float:
    """Storeys above ground; the highest where several are told, nan where the text tells none.

    Examples
    --------
    >>> from communityplan.load.osm_values import storeys
    >>> storeys("6"), storeys("5;7"), storeys("3-4"), storeys("many"), storeys("0")
    (6.0, 7.0, 4.0, nan, nan)
    """
    parts = re.split(r"[;,/~–-]", value or "")
    sizes = [float(part) for part in parts if re.fullmatch(r"\s*\d{1,3}(\.\d+)?\s*", part)]
    highest = max(sizes, default=0.0)
    return highest if len(sizes) == len(parts) and 0 < highest <= most else float("nan")


def hours(tags: Tags) -> tuple[str | None, str | None, str | None, bool]:
    """From when and until when a gate is open, as tagged, and whether that was understood.

    Returns
    -------
    tuple of (str or None, str or None, str or None, bool)
        Opening and closing time ``HH:MM``, both None for a gate that is open at all hours; the
        text of the tag; False where there is a text that is not one span for every day.

    Examples
    --------
    >>> from communityplan.load.osm_values import hours
    >>> hours({"opening_hours": "06:00-22:00"})
    ('06:00', '22:00', '06:00-22:00', True)
    >>> hours({"access:conditional": "no @ (22:00-06:00)"})[:2]
    ('06:00', '22:00')
    >>> hours({"opening_hours": "Mo-Fr 08:00-17:00"})
    (None, None, 'Mo-Fr 08:00-17:00', False)
    """
    if "opening_hours" in tags:
        value = tags["opening_hours"]
        if not _understood(value):
            return None, None, value, False
        return (*_span(value, shut=False), value, True)
    for key in ("foot:conditional", "access:conditional"):
        if key in tags:
            return _conditional(tags[key])
    return None, None, None, True


def _conditional(value: str) -> tuple[str | None, str | None, str, bool]:
    found = _CONDITION.match(value)
    if found is None or not _understood(found[2]):
        return None, None, value, False
    if found[1] in {"yes", "permissive", "designated"}:
        return (*_span(found[2], shut=False), value, True)
    if found[1] == "no":
        return (*_span(found[2], shut=True), value, True)
    return None, None, value, False


def _understood(value: str) -> bool:
    rest = _EVERY_DAY.sub("", value.strip(), count=1)
    return value.strip() == "24/7" or _SPAN.fullmatch(rest) is not None


def _span(value: str, *, shut: bool) -> tuple[str | None, str | None]:
    """The two times of a span, in the other order where it tells when the gate is shut."""
    found = _SPAN.search(value)
    if found is None:
        return None, None
    first, last = f"{int(found[1]):02}:{found[2]}", f"{int(found[3]):02}:{found[4]}"
    return (last, first) if shut else (first, last)


def as_keys(xy: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Points as numbers that are equal where the points are the same."""
    return np.ascontiguousarray(xy, dtype=np.float64).view(np.complex128).reshape(-1)


def is_among(keys: NDArray[np.complex128], known: NDArray[np.complex128]) -> NDArray[np.bool_]:
    """Which keys are among others that are sorted."""
    if not len(known):
        return np.zeros(len(keys), dtype=np.bool_)
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    found: NDArray[np.bool_] = known[place] == keys
    return found
