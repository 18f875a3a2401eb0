"""Reading owners and votes: exact areas, one voice for each owner, every problem with its row."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import pandas as pd

from communityplan.errors import DataError, OptionError, Problem
from communityplan.tables import OWNERS, VOTES, find_problems, record

__all__ = ["CHOICES", "Flat", "Repeated", "count_votes", "read_flats", "vote_problems"]

Repeated = Literal["last", "first", "refuse"]
Stated = str | int | Fraction | Mapping[str, str | int | Fraction] | None

CHOICES = {
    "agree": ("agree", "yes", "for", "satisfied", "同意", "赞成", "满意"),
    "against": ("against", "no", "disagree", "dissatisfied", "不同意", "反对", "不满意"),
    "abstain": ("abstain", "abstention", "弃权"),
}
"""The words of a vote. A vote that abstains takes part and does not agree."""

_MEANT = {word: choice for choice, words in CHOICES.items() for word in words}


@dataclass(frozen=True)
class Flat:
    """One flat: its owner, its building and its exact area."""

    owner: str
    building: str
    area_m2: Fraction


@dataclass(frozen=True)
class _Vote:
    row: int
    flat: str
    owner: str
    choice: str
    cast_at: pd.Timestamp | None


def vote_problems(
    owners: pd.DataFrame,
    votes: pd.DataFrame,
    *,
    deadline: str | dt.date | None = None,
    repeated: Repeated = "last",
) -> pd.DataFrame:
    """Votes that came late or more than once, and which of them count.

    Parameters
    ----------
    owners, votes, deadline, repeated
        As in `consent_status`.

    Returns
    -------
    DataFrame
        ``row`` (of `votes`, from 1), ``flat_id``, ``choice``, ``kind`` (``late``, ``duplicate``
        of the same choice, ``contradictory``) and ``counted``.

    Raises
    ------
    DataError
        As in `consent_status`.

    Examples
    --------
    >>> import pandas as pd
    >>> owners = pd.DataFrame({"flat_id": ["101", "102"], "area_m2": ["60.5", "59.5"]})
    >>> votes = pd.DataFrame({"flat_id": ["101", "101"], "choice": ["agree", "against"]})
    >>> vote_problems(owners, votes)[["row", "kind", "counted"]].values.tolist()
    [[1, 'contradictory', False], [2, 'contradictory', True]]
    """
    flats = read_flats(owners)
    return count_votes(flats, votes, deadline=deadline, repeated=repeated)[1]


def read_flats(owners: pd.DataFrame, total_area_m2: Stated = None) -> dict[str, Flat]:
    """Every flat with its exact area, or one error with everything that is wrong."""
    problems = find_problems(owners, OWNERS)
    if "flat_id" not in owners.columns or "area_m2" not in owners.columns:
        raise DataError(problems)
    if owners.empty:
        raise DataError([Problem("owners", "no rows", "Give one row per flat")])
    flats = {}
    has_owner, has_building = "owner_id" in owners.columns, "building_id" in owners.columns
    for row, flat in enumerate(owners["flat_id"].astype(str)):
        where = f"owners, row {row + 1}"
        area = _decimal(owners["area_m2"].iloc[row])
        if area is None or area <= 0:
            found = f"area_m2 is {owners['area_m2'].iloc[row]!r}"
            problems.append(Problem(where, found, "Give a decimal above 0, such as 85.30"))
        keys = {}
        for name, there in (("owner_id", has_owner), ("building_id", has_building)):
            keys[name] = str(owners[name].iloc[row]) if there else ""
            if there and pd.isna(owners[name].iloc[row]):
                problems.append(Problem(where, f"{name} is empty", "Fill it in for every flat"))
        owner = f"owner {keys['owner_id']}" if has_owner else f"flat {flat}"
        flats[flat] = Flat(owner, keys["building_id"], area or Fraction(0))
    # sums say nothing while an area is wrong
    problems = problems or list(_sum_problems(flats.values(), total_area_m2))
    if problems:
        raise DataError(problems)
    return flats


def _decimal(cell: object) -> Fraction | None:
    """The decimal that is written, exactly; of a float, its shortest writing."""
    written = str(cell).strip()
    if isinstance(cell, Fraction):
        return cell
    return Fraction(written) if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,20})?", written) else None


def _sum_problems(flats: Iterable[Flat], stated: Stated) -> Iterable[Problem]:
    if stated is None:
        return
    sums: dict[str, Fraction] = {}
    by_building = isinstance(stated, Mapping)
    for flat in flats:
        name = flat.building if by_building else ""
        sums[name] = sums.get(name, Fraction(0)) + flat.area_m2
    wanted = stated if isinstance(stated, Mapping) else {"": stated}
    for name, cell in wanted.items():
        total, own = _decimal(cell), sums.get(name, Fraction(0))
        where = f"owners, building {name}" if by_building else "owners"
        if total is None:
            yield Problem(where, f"the stated area is {cell!r}", "Give a decimal, such as 5230.50")
        elif total != own:
            found = f"the areas add up to {float(own):.10g} m2, stated are {float(total):.10g} m2"
            yield Problem(where, found, "Correct the areas of the flats or the stated area")
    for name in sums.keys() - wanted.keys():
        yield Problem(f"owners, building {name}", "no stated area", "State it for every building")


def count_votes(
    flats: Mapping[str, Flat],
    votes: pd.DataFrame,
    *,
    deadline: str | dt.date | None,
    repeated: Repeated,
) -> tuple[dict[str, str], pd.DataFrame]:
    """The choice of every owner who took part, and the votes that came late or repeatedly."""
    if repeated not in ("last", "first", "refuse"):
        raise OptionError(f"repeated is {repeated!r}; give 'last', 'first' or 'refuse'")
    cast = _read_votes(flats, votes, deadline)
    late = {vote.row for vote in cast if _is_late(vote, deadline)}
    by_owner: dict[str, list[_Vote]] = {}
    for vote in cast:
        if vote.row not in late:
            by_owner.setdefault(vote.owner, []).append(vote)
    kinds = dict.fromkeys(late, "late")
    counted = {}
    for owner, own in by_owner.items():
        # rows at the same time, or without one, are in the order of the table
        own.sort(key=lambda vote: (vote.cast_at or pd.Timestamp(0), vote.row))
        counted[owner] = own[0 if repeated == "first" else -1]
        if len(own) > 1:
            kind = "duplicate" if len({vote.choice for vote in own}) == 1 else "contradictory"
            kinds |= dict.fromkeys((vote.row for vote in own), kind)
    if repeated == "refuse":
        _refuse_repeated(cast, kinds)
    chosen = {vote.row for vote in counted.values()}
    rows = [
        (vote.row, vote.flat, vote.choice, kinds[vote.row], vote.row in chosen)
        for vote in cast
        if vote.row in kinds
    ]
    listed = pd.DataFrame(rows, columns=["row", "flat_id", "choice", "kind", "counted"])
    said = record(listed, deadline=None if deadline is None else str(deadline), repeated=repeated)
    return {owner: vote.choice for owner, vote in counted.items()}, said


def _refuse_repeated(cast: Iterable[_Vote], kinds: Mapping[int, str]) -> None:
    todo = "Keep one, or choose repeated='last' or 'first'"
    problems = [
        Problem(f"votes, row {vote.row}", f"{kinds[vote.row]} vote for flat {vote.flat!r}", todo)
        for vote in cast
        if kinds.get(vote.row, "late") != "late"
    ]
    if problems:
        raise DataError(problems)


def _read_votes(
    flats: Mapping[str, Flat], votes: pd.DataFrame, deadline: str | dt.date | None
) -> list[_Vote]:
    problems = find_problems(votes, VOTES)
    if any(name not in votes.columns for name in VOTES.required):
        raise DataError(problems)
    timed = "cast_at" in votes.columns
    if deadline is not None and not timed:
        todo = "Add the time of every vote, or give no deadline"
        problems.append(Problem("votes", "no column 'cast_at' to hold against the deadline", todo))
    zone = None if deadline is None else _deadline(deadline)[0].tzinfo
    cast = []
    for row, (flat, said) in enumerate(
        zip(votes["flat_id"].astype(str), votes["choice"].astype(str), strict=True), start=1
    ):
        where = f"votes, row {row}"
        choice = _MEANT.get(said.strip().lower(), "")
        at = _time(votes["cast_at"].iloc[row - 1]) if timed else None
        if flat not in flats:
            todo = "Correct the flat, or add it to owners"
            problems.append(Problem(where, f"flat {flat!r} is not in owners", todo))
        if not choice:
            known = ", ".join(_MEANT)
            problems.append(Problem(where, f"choice is {said!r}", f"Give one of {known}"))
        if timed and at is None:
            found = f"cast_at is {votes['cast_at'].iloc[row - 1]!r}"
            problems.append(Problem(where, found, "Give a date and time, 2026-05-31 18:00"))
        elif at is not None and deadline is not None and (at.tzinfo is None) != (zone is None):
            found = "only one of cast_at and the deadline names a time zone"
            problems.append(Problem(where, found, "Give both with a zone, or both without"))
        if flat in flats:
            cast.append(_Vote(row, flat, flats[flat].owner, choice, at))
    zones = {vote.cast_at.tzinfo is None for vote in cast if vote.cast_at is not None}
    if len(zones) > 1 and not problems:
        found = "some times name a time zone and some do not"
        problems.append(Problem("votes", found, "Give all with a zone, or all without"))
    if problems:
        raise DataError(problems)
    return cast


def _time(cell: object) -> pd.Timestamp | None:
    try:
        at = pd.Timestamp(cell)  # type: ignore[arg-type]  # any cell of a table; refused below
    except (ValueError, TypeError, OverflowError):
        return None
    return None if pd.isna(at) else at


def _deadline(given: str | dt.date) -> tuple[pd.Timestamp, bool]:
    """The moment, and whether it is a whole day that still counts."""
    at = _time(given)
    if at is None:
        raise OptionError(f"deadline is {given!r}; give a date, or a date and time")
    whole = not isinstance(given, dt.datetime) and bool(
        re.fullmatch(r"\d{4}-\d\d?-\d\d?", str(given).strip())
    )
    return at, whole


def _is_late(vote: _Vote, deadline: str | dt.date | None) -> bool:
    if deadline is None or vote.cast_at is None:
        return False
    at, whole = _deadline(deadline)
    return vote.cast_at >= at + pd.Timedelta(days=1) if whole else vote.cast_at > at
