"""Shares and payers as people write them: promises and rules from files."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Unpack

import pandas as pd

from communityplan.errors import DataError, Problem
from communityplan.finance.funding import PAYERS, ShareRule
from communityplan.load.lists import Reading, read_list, told_share
from communityplan.tables import SOURCES, Column

__all__ = [
    "FUNDING",
    "MEANT",
    "PAYER_WORDS",
    "read_funding",
    "read_share_rules",
]

PAYER_WORDS = {
    "government": ("政府", "财政", "政府出资", "财政资金", "政府资金", "public"),
    "residents": ("居民", "业主", "居民出资", "居民自筹", "owners"),
    "social_capital": ("社会资本", "社会力量", "企业", "社会", "social capital", "firm"),
    "other": ("其他", "其它", "other"),
}
"""The words that name a payer."""
MEANT = {word: payer for payer, words in PAYER_WORDS.items() for word in (payer, *words)}
"""The payer by each of its words."""
_HEADINGS = {
    "item": ("用途", "改造项目", "项目编号", "资金用途", "item_id", "use"),
    "payer": ("来源", "资金来源", "出资主体", "出资人", "who"),
    "amount_yuan": ("出资金额", "出资额", "资金", "amount"),
    "share": ("比例", "出资比例", "份额"),
    "stated_share": ("公布比例", "公开比例"),
}
FUNDING = replace(
    SOURCES,
    name="funding",
    zh="出资",
    optional={
        "item": Column("what is paid for, empty for the whole", "项目"),
        **SOURCES.optional,
        # text, so that 60% and 3/5 can be read
        "share": Column("share of the item, or of the whole", "占比"),
        "stated_share": Column("a share printed elsewhere", "公布占比"),
        "source": Column("where it stands", "依据"),
    },
)


def read_funding(path: str | Path, **how: Unpack[Reading]) -> pd.DataFrame:
    r"""Who pays for what, from CSV or XLSX.

    Parameters
    ----------
    path : str or Path
    **how : Reading
        ``columns``, ``encoding``, ``sheet`` as in `load.lists.read_list`.

    Returns
    -------
    DataFrame
        ``payer``, [``item``, ``amount_yuan``, ``share``, ``stated_share``, ``source``], on the
        rows of the file; to be given to `fund_items` or `who_pays`.

    Raises
    ------
    TableError, DataError
        Everything that is wrong, with its row.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "funding.csv"
    >>> _ = path.write_text("出资方,比例\n政府,60%\n", encoding="utf-8")
    >>> read_funding(path).to_dict("records")
    [{'payer': '政府', 'share': '60%'}]
    """
    return read_list(path, FUNDING, headings=_HEADINGS, **how)


def read_share_rules(path: str | Path) -> list[ShareRule]:
    r"""Rules on shares from a TOML file, to be given to `share_rules`.

    Parameters
    ----------
    path : str or Path
        A file of ``[[rules]]`` with ``payer`` and ``least`` or ``most`` (``"30%"``, 0.3 or
        ``"3/10"``), ``source`` and ``verified``. No rule is built in: no national one was found.

    Returns
    -------
    list of ShareRule

    Raises
    ------
    DataError
        Lists everything that is wrong, rule by rule.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "rules.toml"
    >>> text = '[[rules]]\npayer = "居民"\nleast = "5%"\nsource = "街道办"'
    >>> _ = path.write_text(text, encoding="utf-8")
    >>> read_share_rules(path)[0].payer, read_share_rules(path)[0].least
    ('residents', 0.05)
    """
    try:
        found = tomllib.loads(Path(path).read_text(encoding="utf-8-sig")).get("rules")
    except (OSError, ValueError) as error:
        raise DataError([Problem(str(path), f"cannot be read ({error})", "Mend it")]) from error
    if not isinstance(found, list) or not found:
        todo = 'Write [[rules]] with payer = "residents", least = "5%" and source = "..."'
        raise DataError([Problem(str(path), "there are no rules", todo)])
    problems: list[Problem] = []
    rules = [_rule(rule, f"{path}, rule {row}", problems) for row, rule in enumerate(found, 1)]
    if problems:
        raise DataError(problems)
    return rules


def _rule(rule: object, place: str, problems: list[Problem]) -> ShareRule:
    known = ("payer", "least", "most", "source", "verified")
    cells = rule if isinstance(rule, Mapping) else {"rule": rule}
    strangers = [str(key) for key in cells if key not in known]
    if strangers:
        found = f"unknown keys {', '.join(strangers)}"
        problems.append(Problem(place, found, f"Known are {', '.join(known)}"))
    payer = MEANT.get(str(cells.get("payer", "")).strip().lower(), "")
    if not payer:
        found = f"payer is {cells.get('payer')!r}"
        problems.append(Problem(place, found, f"Give one of {', '.join(PAYERS)}"))
    bounds = {}
    for name, usual in (("least", Fraction(0)), ("most", Fraction(1))):
        share = told_share(cells.get(name), name, place, problems)
        bounds[name] = usual if share is None else share
    if bounds["least"] > bounds["most"]:
        problems.append(Problem(place, "least is more than most", "Exchange them"))
    return ShareRule(
        payer,
        float(bounds["least"]),
        float(bounds["most"]),
        str(cells.get("source", "given by the user")),
        cells.get("verified") is True,
    )
