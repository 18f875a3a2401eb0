"""Which communities are in scope of a renovation, and why."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from communityplan.checkup.words import say
from communityplan.errors import OptionError
from communityplan.tables import COMMUNITIES, check, record

__all__ = ["renovation_scope"]

BUILT_BY = 2000
"""Communities built by the end of this year (国办发〔2020〕23号; seen in a report of it)."""


def renovation_scope(
    communities: gpd.GeoDataFrame,
    *,
    built_by: float | None = BUILT_BY,
    least_households: float | None = None,
) -> pd.DataFrame:
    """Which communities fall in scope, and for what reason.

    Parameters
    ----------
    communities : GeoDataFrame
        As `tables.COMMUNITIES`, with ``built_year`` and ``households`` as far as they are known.
    built_by : float or None, optional
        Last year of construction; the end of 2000 unless given. None asks for no year.
    least_households : float, optional
        Fewest households.

    Returns
    -------
    DataFrame
        On the index of `communities`: ``community_id``, ``in_scope`` (``"yes"``, ``"no"`` or
        ``"unknown"``), ``reason_zh``, ``reason_en``. What is not known never puts a community in
        or out of scope.

    Raises
    ------
    TableError
        When the table breaks its contract.
    OptionError
        For a number of households below 0.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from communityplan.checkup import renovation_scope
    >>> towns = gpd.GeoDataFrame(
    ...     {"community_id": ["a", "b", "c"], "name": ["A", "B", "C"],
    ...      "built_year": [1994, 2004, None]},
    ...     geometry=[shapely.box(0, 0, 1, 1)] * 3, crs=32650)
    >>> renovation_scope(towns)[["community_id", "in_scope", "reason_en"]]
      community_id in_scope                               reason_en
    0            a      yes  built in 1994, not after the end of 2000
    1            b       no      built in 2004, after the end of 2000
    2            c  unknown   the year of construction is not known
    """
    check(communities, COMMUNITIES)
    if least_households is not None and not least_households >= 0:
        raise OptionError(f"least_households is {least_households}; give 0 or more")
    tests = []
    if built_by is not None:
        tests.append(_by_year(_column(communities, "built_year"), built_by))
    if least_households is not None:
        tests.append(_by_households(_column(communities, "households"), least_households))
    known = pd.DataFrame(
        {number: test["passes"].to_numpy() for number, test in enumerate(tests)},
        index=communities.index,
    )
    fails, unsure = (known == 0.0).any(axis=1), known.isna().any(axis=1)
    words = {
        lang: [
            say("advice", "joint", lang).join(parts)
            for parts in zip(*(test[lang] for test in tests), strict=True)
        ]
        or [""] * len(communities)
        for lang in ("zh", "en")
    }
    table = pd.DataFrame(
        {
            "community_id": communities["community_id"].map(str),
            "in_scope": np.select([fails, unsure], ["no", "unknown"], "yes"),
            "reason_zh": words["zh"],
            "reason_en": words["en"],
        },
        index=communities.index,
    )
    noted: pd.DataFrame = record(table, built_by=built_by, least_households=least_households)
    return noted


def _column(communities: gpd.GeoDataFrame, name: str) -> list[float]:
    if name not in communities.columns:
        return [float("nan")] * len(communities)
    numbers = pd.to_numeric(communities[name]).to_numpy(dtype=np.float64, na_value=np.nan)
    return [float(number) for number in numbers]


def _by_year(years: list[float], built_by: float) -> pd.DataFrame:
    rows = []
    for year in years:
        key = "built_in_time" if year <= built_by else "built_later"
        key = "year_unknown" if np.isnan(year) else key
        rows.append(_row(key, year <= built_by, year, year=f"{year:g}", limit=f"{built_by:g}"))
    return pd.DataFrame(rows, columns=["passes", "zh", "en"])


def _by_households(counts: list[float], least: float) -> pd.DataFrame:
    rows = []
    for count in counts:
        key = "enough_households" if count >= least else "too_few_households"
        key = "households_unknown" if np.isnan(count) else key
        rows.append(_row(key, count >= least, count, count=f"{count:g}", limit=f"{least:g}"))
    return pd.DataFrame(rows, columns=["passes", "zh", "en"])


def _row(key: str, passes: bool, value: float, **words: str) -> dict[str, float | str]:
    return {
        "passes": np.nan if np.isnan(value) else float(passes),
        "zh": say("scope", key, "zh", **words),
        "en": say("scope", key, "en", **words),
    }
