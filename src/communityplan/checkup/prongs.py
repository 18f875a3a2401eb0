"""Comprehensive renovation or management upgrading (双管齐下), by a stated rule on the check-up."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from communityplan.errors import DataError, Problem, TableError
from communityplan.load.lists import told_share
from communityplan.tables import record, used
from communityplan.wording import word

__all__ = ["PRONGS", "ProngRule", "read_prong_rule", "two_pronged"]

PRONGS = ("comprehensive", "management", "not_in_scope", "unknown")
"""What a community can get; the last two say why it gets neither."""
SHIPPED = "assumed"
"""The rule that is shipped; its thresholds are an assumption."""

_NEEDED = ("community_id", "community", "in_scope", "status", "compulsory", "verified")


@dataclass(frozen=True)
class ProngRule:
    """When a community is renovated comprehensively; else its management is upgraded.

    Attributes
    ----------
    lacking_share : Fraction or None
        Share of the clauses judged that are missing or short, from which on it is.
    compulsory_lacking : int or None
        Number of compulsory clauses that are missing or short, from which on it is.
    least_judged : Fraction
        Share of the clauses that apply which have to be judged; with fewer it is unknown.
    only_verified : bool
        Whether only clauses count whose figure was seen in its source.
    name, zh, en : str
        What the rule is called.
    source : str
        Where it stands.
    verified : bool
        Whether it was seen there.
    """

    lacking_share: Fraction | None = None
    compulsory_lacking: int | None = None
    least_judged: Fraction = Fraction(0)
    only_verified: bool = False
    name: str = ""
    zh: str = ""
    en: str = ""
    source: str = "given by the user"
    verified: bool = False


def read_prong_rule(name_or_path: str | Path = SHIPPED) -> ProngRule:
    """A rule from a TOML file, or the one that is shipped.

    Parameters
    ----------
    name_or_path : str or Path
        ``"assumed"``, or a file with a table ``[rule]``: ``lacking_share`` (``"1/2"``, ``"50%"``
        or 0.5) or ``compulsory_lacking`` or both (either is enough), and ``least_judged``,
        ``only_verified``, ``name``, ``zh``, ``en``, ``source``, ``verified``.

    Returns
    -------
    ProngRule

    Raises
    ------
    DataError
        Lists everything that is wrong with the file.

    Examples
    --------
    >>> rule = read_prong_rule()
    >>> rule.lacking_share, rule.verified
    (Fraction(1, 2), False)
    """
    path = Path(name_or_path)
    try:
        if str(name_or_path) == SHIPPED:
            text = files("communityplan.checkup").joinpath("prongs.toml").read_text("utf-8")
        else:
            text = path.read_text(encoding="utf-8-sig")
        cells = tomllib.loads(text)["rule"]
    except (OSError, ValueError) as error:
        todo = f"Give {SHIPPED!r}, or a file with a table [rule]"
        raise DataError([Problem(str(path), f"cannot be read ({error})", todo)]) from error
    except KeyError:
        raise DataError([Problem(str(path), "there is no table [rule]", "Add it")]) from None
    return _rule(cells, str(path))


def two_pronged(
    found: pd.DataFrame,
    *,
    rule: ProngRule | None = None,
    communities: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Comprehensive renovation or management upgrading for every community.

    Parameters
    ----------
    found : DataFrame
        As from `checkup`.
    rule : ProngRule, optional
        As from `read_prong_rule`; the one that is shipped unless given, whose thresholds are an
        assumption.
    communities : DataFrame, optional
        With ``community_id`` and ``name_en``, for the names in English sentences.

    Returns
    -------
    DataFrame
        One row per community, in the order of `found`: ``community_id``, ``community``,
        ``in_scope``, ``prong`` (one of `PRONGS`), ``applicable``, ``judged``, ``lacking`` (missing
        or short), ``compulsory_lacking``, ``unverified`` (clauses lacking by a figure not seen in
        its source), ``lacking_share`` (missing where nothing was judged), ``reason``, the sentence
        in ``zh`` and ``en``, and ``source`` and ``verified`` of the rule.

    Raises
    ------
    TableError
        When the table is not the result of a check-up.

    Notes
    -----
    A community out of scope gets neither, nor does one whose scope is not known or of whose
    clauses too few could be judged. A share exactly at the threshold counts as reached.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [("a", "met"), ("a", "short"), ("b", "met"), ("b", "met"), ("b", "missing")]
    >>> found = pd.DataFrame(rows, columns=["community_id", "status"]).assign(
    ...     community="x", in_scope="yes", compulsory=True, verified=True)
    >>> two_pronged(found)[["community_id", "prong", "lacking", "judged"]].values.tolist()
    [['a', 'comprehensive', 1, 2], ['b', 'management', 1, 3]]
    """
    lacking = [name for name in _NEEDED if name not in found.columns]
    if lacking:
        todo = "Give the table that checkup returned"
        raise TableError([Problem("found", f"no column {name!r}", todo) for name in lacking])
    chosen = read_prong_rule() if rule is None else rule
    names_en: dict[str, str] = {}
    if communities is not None and "name_en" in communities:
        given = communities[communities["name_en"].notna()]
        names_en = dict(zip(given["community_id"].map(str), given["name_en"].map(str), strict=True))
    rows = [
        _row(str(name), own, chosen, names_en.get(str(name), ""))
        for name, own in found.groupby("community_id", sort=False)
    ]
    return record(
        pd.DataFrame(rows),
        **used(found),
        rule={name: str(value) for name, value in vars(chosen).items()},
    )


def _row(community: str, own: pd.DataFrame, rule: ProngRule, name_en: str) -> dict[str, object]:
    counts = own[own["status"] != "not_applicable"]
    if rule.only_verified:
        counts = counts[counts["verified"].astype(bool)]
    short = counts[counts["status"].isin(["missing", "short"])]
    applicable, lacking = len(counts), len(short)
    judged = lacking + int((counts["status"] == "met").sum())
    compulsory = int((short["compulsory"] == True).sum())  # noqa: E712 (None is no)
    scope = str(own["in_scope"].iloc[0])
    prong, reason = _decided(rule, scope, applicable, judged, (lacking, compulsory))
    name = str(own["community"].iloc[0])
    words = {"lacking": lacking, "judged": judged, "applicable": applicable}
    said = {
        lang: word(f"prongs.{reason}", lang, name=called, **words)
        for lang, called in (("zh", name), ("en", name_en or name))
    }
    if prong in ("comprehensive", "management") and not rule.verified:
        said = {lang: text + word("prongs.unverified", lang) for lang, text in said.items()}
    return {
        "community_id": community,
        "community": name,
        "in_scope": scope,
        "prong": prong,
        "applicable": applicable,
        "judged": judged,
        "lacking": lacking,
        "compulsory_lacking": compulsory,
        "unverified": int((~short["verified"].astype(bool)).sum()),
        "lacking_share": lacking / judged if judged else float("nan"),
        "reason": reason,
        **said,
        "source": rule.source,
        "verified": rule.verified,
    }


def _decided(
    rule: ProngRule, scope: str, applicable: int, judged: int, lacking: tuple[int, int]
) -> tuple[str, str]:
    """What it gets, and the reason."""
    if scope == "no":
        return "not_in_scope", "out_of_scope"
    if scope != "yes":
        return "unknown", "scope_unknown"
    if not judged or judged < rule.least_judged * applicable:
        return "unknown", "too_few_judged"
    every, compulsory = lacking
    if rule.lacking_share is not None and every >= rule.lacking_share * judged:
        return "comprehensive", "much_lacking"
    if rule.compulsory_lacking is not None and compulsory >= rule.compulsory_lacking:
        return "comprehensive", "compulsory_lacking"
    return "management", "little_lacking"


def _rule(cells: Mapping[str, Any], where: str) -> ProngRule:
    problems: list[Problem] = []
    strangers = [name for name in cells if name not in ProngRule.__dataclass_fields__]
    if strangers:
        todo = f"Known are {', '.join(ProngRule.__dataclass_fields__)}"
        problems.append(Problem(where, f"unknown keys {', '.join(strangers)}", todo))
    shares = {}
    for name in ("lacking_share", "least_judged"):
        shares[name] = told_share(cells.get(name), name, where, problems)
    count = cells.get("compulsory_lacking")
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
        found = f"compulsory_lacking is {count!r}"
        problems.append(Problem(where, found, "Give a whole number, 1 or more"))
    if shares["lacking_share"] is None and count is None and not problems:
        todo = 'Give lacking_share = "1/2" or compulsory_lacking = 3'
        problems.append(Problem(where, "nothing says when a community is renovated", todo))
    if problems:
        raise DataError(problems)
    texts = {name: str(cells[name]) for name in ("name", "zh", "en", "source") if name in cells}
    return ProngRule(
        shares["lacking_share"],
        count,
        shares["least_judged"] or Fraction(0),
        cells.get("only_verified") is True,
        verified=cells.get("verified") is True,
        **texts,
    )
