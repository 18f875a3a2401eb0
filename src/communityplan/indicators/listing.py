"""The list of indicators: what it has to hold, what is wrong with one, and the template."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Unpack

import pandas as pd

from communityplan.errors import DataError, Problem
from communityplan.indicators.formulas import formula_problems
from communityplan.load.lists import Reading, name_rows, read_list, refuse_rows, texts_in
from communityplan.tables import Column, Table, as_flags, find_problems, record, used

__all__ = [
    "ASPECTS",
    "INDICATORS",
    "check_indicators",
    "indicator_template",
    "read_indicators",
]

INDICATORS = Table(
    "indicators",
    "指标",
    (),
    key="indicator_id",
    required={
        "indicator_id": Column("key", "指标编号"),
        "aspect": Column("aspect", "方面"),
        "name": Column("name", "指标名称"),
    },
    optional={
        "name_en": Column("name in English", "英文名"),
        "unit": Column("unit", "单位"),
        "unit_en": Column("unit in English", "英文单位"),
        "before": Column("before the works", "改造前", "", "number"),
        "target": Column("what is aimed at", "目标值", "", "number"),
        "after": Column("after the works", "改造后", "", "number"),
        "better": Column("higher or lower, empty for the side of the target", "改善方向"),
        "computed": Column("how it is computed, empty where it is given", "计算式"),
        "source": Column("where the figures stand", "来源"),
        "verified": Column("seen in that source", "已核实", "", "flag"),
        "note": Column("note", "备注"),
    },
)
_HEADINGS = {
    "indicator_id": ("编号", "序号", "代码", "id"),
    "aspect": ("维度", "类别", "一级指标"),
    "name": ("指标", "名称", "二级指标", "indicator"),
    "unit": ("计量单位",),
    "before": ("现状", "现状值", "改造前值", "baseline"),
    "target": ("目标", "改造目标"),
    "after": ("完成值", "改造后值", "实际值", "result"),
    "better": ("方向",),
    "computed": ("公式", "formula"),
    "source": ("数据来源", "依据"),
}
_BETTER = {
    "": "",
    **dict.fromkeys(("higher", "更高", "越高越好", "提高", "正向"), "higher"),
    **dict.fromkeys(("lower", "更低", "越低越好", "降低", "负向"), "lower"),
}


@cache
def _book() -> dict[str, Any]:
    text = files("communityplan.indicators").joinpath("aspects.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


ASPECTS: dict[str, dict[str, str]] = _book()["aspects"]
"""The five published aspects by key, with their names; see ``aspects.toml`` for the source."""


def read_indicators(path: str | Path, **how: Unpack[Reading]) -> pd.DataFrame:
    r"""Indicators of your own from CSV or XLSX, checked.

    Parameters
    ----------
    path : str or Path
    **how : Reading
        ``columns``, ``encoding``, ``sheet`` as in `load.lists.read_list`.

    Returns
    -------
    DataFrame
        As from `check_indicators`, on the rows of the file.

    Raises
    ------
    TableError, DataError
        Everything that is wrong, with its row in the file.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "indicators.csv"
    >>> text = "指标编号,方面,指标名称,改造前,目标值\n1,改造成效,加装电梯数,0,3\n"
    >>> _ = path.write_text(text, encoding="utf-8")
    >>> read_indicators(path)[["aspect", "before", "target"]].values.tolist()
    [['effect', 0.0, 3.0]]
    """
    return check_indicators(read_list(path, INDICATORS, headings=_HEADINGS, **how))


def check_indicators(indicators: pd.DataFrame) -> pd.DataFrame:
    """Indicators in their normal form, or one error with everything that is wrong.

    Parameters
    ----------
    indicators : DataFrame
        As `INDICATORS`: ``indicator_id``, ``aspect`` (one of `ASPECTS`, in Chinese or English, or
        one of your own), ``name``, and what else is known.

    Returns
    -------
    DataFrame
        Every column of `INDICATORS`; aspects by their keys, figures as numbers, missing where not
        given.

    Raises
    ------
    DataError
        Lists with their rows: keys that are missing or repeated, figures that are no numbers, an
        unknown direction, a formula that cannot be computed, a target on the wrong side.

    Examples
    --------
    >>> import pandas as pd
    >>> lifts = {"indicator_id": "1", "aspect": "改造成效", "name": "电梯", "better": "up"}
    >>> check_indicators(pd.DataFrame([lifts]))
    Traceback (most recent call last):
    ...
    communityplan.errors.DataError: 1 problem in the input:
      - indicators, row 1: better is 'up'. Give higher (越高越好) or lower (越低越好)
    """
    problems = find_problems(indicators, INDICATORS)
    if any(name not in indicators.columns for name in INDICATORS.required):
        raise DataError(problems)
    places = name_rows(indicators, "indicators")
    plain = pd.DataFrame(index=indicators.index)
    for name, column in INDICATORS.columns.items():
        if column.kind == "text":
            plain[name] = texts_in(indicators, name)
    called = {name: key for key, names in ASPECTS.items() for name in (key, *names.values())}
    plain["aspect"] = [called.get(cell, cell) for cell in plain["aspect"]]
    for place, cell in zip(places, plain["better"], strict=True):
        if cell not in _BETTER:
            todo = "Give higher (越高越好) or lower (越低越好)"
            problems.append(Problem(place, f"better is {cell!r}", todo))
    plain["better"] = [_BETTER.get(cell, "") for cell in plain["better"]]
    for place, cell in zip(places, plain["computed"], strict=True):
        problems += formula_problems(cell, place)
    refuse_rows(problems, places)
    for name in ("before", "target", "after"):
        given = indicators[name] if name in indicators else pd.Series(float("nan"), plain.index)
        plain[name] = pd.to_numeric(given).astype(float)
    _refuse_targets(plain, places)
    flags = "verified" in indicators
    plain["verified"] = as_flags(indicators["verified"]) if flags else False
    others = [name for name in indicators.columns if name not in INDICATORS.columns]
    return record(plain[list(INDICATORS.columns)].join(indicators[others]), **used(indicators))


def indicator_template() -> pd.DataFrame:
    """Indicators that a plan can fill in by itself, in the published aspects.

    Returns
    -------
    DataFrame
        As from `check_indicators`, without figures. They are proposals of this package: the
        published indicators are not public, and each row says so in ``source``.

    Examples
    --------
    >>> template = indicator_template()
    >>> template["aspect"].unique().tolist(), bool(template["target"].isna().all())
    (['targets', 'process', 'effect', 'funds'], True)
    """
    book = _book()
    rows = [
        {
            "indicator_id": one["id"],
            "aspect": one["aspect"],
            "name": one["zh"],
            "name_en": one["en"],
            "unit": one["unit"],
            "unit_en": one.get("unit_en", ""),
            "better": one.get("better", ""),
            "computed": one["computed"],
            "source": book["proposal"]["text"],
        }
        for one in book["indicators"]
    ]
    source = book["source"]
    return record(
        check_indicators(pd.DataFrame(rows)), aspects=source["text"], verified=source["verified"]
    )


def _refuse_targets(plain: pd.DataFrame, places: list[str]) -> None:
    """Targets that would be worse than what there is."""
    side = (plain["target"] - plain["before"]).to_numpy()
    problems = [
        Problem(
            place,
            f"the target is {'below' if gap < 0 else 'above'} what there is before, "
            f"but {better} is better",
            "Correct the target or better",
        )
        for place, gap, better in zip(places, side, plain["better"], strict=True)
        if (gap < 0 and better == "higher") or (gap > 0 and better == "lower")
    ]
    if problems:
        raise DataError(problems)
