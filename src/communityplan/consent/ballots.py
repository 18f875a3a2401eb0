"""Reading owners and votes: exact areas, one voice for each owner, every problem with its row."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import pandas as pd

from communityplan.errors import DataError, OptionError, Problem
from communityplan.load.lists import ROW, name_rows
from communityplan.tables import OWNERS, VOTES, Table, find_problems, record
from communityplan.wording import word

__all__ = [
    "CHOICES",
    "Ballots",
    "Flat",
    "Repeated",
    "Stated",
    "Words",
    "owners_contract",
    "read_ballots",
    "vote_problems",
]

Repeated = Literal["last", "first", "refuse"]
Words = Mapping[str, str] | None
Stated = str | int | Fraction | Mapping[str, str | int | Fraction] | None

CHOICES = {
    "agree": ("agree", "yes", "for", "satisfied", "同意", "赞成", "满意"),
    "against": ("against", "no", "disagree", "dissatisfied", "不同意", "反对", "不满意"),
    "abstain": ("abstain", "abstention", "弃权"),
    "silent": ("silent", "no answer", "未表态", "未答复", "未回复", "未投票", "未参与"),
}
"""The words of a vote. Who abstains takes part and does not agree; who is silent has no vote."""

_MEANT = {word: choice for choice, words in CHOICES.items() for word in words}


@dataclass(frozen=True)
class Flat:
    """One flat: its owner, its building and its exact area."""

    owner: str
    building: str
    area_m2: Fraction


@dataclass(frozen=True)
class _Vote:
    place: int
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
    words: Words = None,
) -> pd.DataFrame:
    """Votes that came late or more than once, and which of them count.

    Parameters
    ----------
    owners, votes, deadline, repeated, words
        As in `consent_status`.

    Returns
    -------
    DataFrame
        ``row`` (of the file that `votes` was read from, else counted from 1), ``flat_id``,
        ``choice``, ``kind`` (``late``, ``duplicate`` of the same choice, ``contradictory``),
        ``counted``, and the sentence in ``zh`` and ``en``.

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
    return read_ballots(
        owners, votes, deadline=deadline, repeated=repeated, needs_area=False, words=words
    ).repeated


def owners_contract(*, needs_area: bool) -> Table:
    """What a list of owners has to hold; votes by number alone need no areas."""
    if needs_area:
        return OWNERS
    required = {name: column for name, column in OWNERS.required.items() if name != "area_m2"}
    return replace(OWNERS, required=required, optional={**OWNERS.required, **OWNERS.optional})


@dataclass(frozen=True)
class Ballots:
    """Flats by their names, the choice of every owner who took part, votes late or repeated."""

    flats: dict[str, Flat]
    choices: dict[str, str]
    repeated: pd.DataFrame


def read_ballots(
    owners: pd.DataFrame,
    votes: pd.DataFrame,
    *,
    deadline: str | dt.date | None,
    repeated: Repeated,
    total_area_m2: Stated = None,
    needs_area: bool = True,
    words: Words = None,
) -> Ballots:
    """Owners and their votes, or one error with everything that is wrong with both."""
    if repeated not in ("last", "first", "refuse"):
        raise OptionError(f"repeated is {repeated!r}; give 'last', 'first' or 'refuse'")
    flats, problems = _read_flats(owners, total_area_m2, needs_area=needs_area)
    cast, more = _read_votes(flats, votes, deadline, _meaning(words))
    # without any flat every vote would be one for an unknown flat
    if problems + more * bool(flats):
        raise DataError(problems + more * bool(flats))
    choices, listed = _count(cast, name_rows(votes, "votes"), deadline, repeated)
    return Ballots(flats, choices, listed)


def _read_flats(
    owners: pd.DataFrame, total_area_m2: Stated, *, needs_area: bool
) -> tuple[dict[str, Flat], list[Problem]]:
    """Every flat with its exact area; 0 where areas are neither given nor needed."""
    has_area = "area_m2" in owners.columns
    problems = find_problems(owners, owners_contract(needs_area=False))
    if not has_area and (needs_area or total_area_m2 is not None):
        todo = "Add the area of every flat, as a decimal; a vote by area cannot do without"
        problems.append(Problem("owners", "no column 'area_m2'", todo))
    if "flat_id" not in owners.columns or (problems and not has_area):
        return {}, problems
    if owners.empty:
        return {}, [Problem("owners", "no rows", "Give one row per flat")]
    flats = {}
    keys = [name for name in ("owner_id", "building_id") if name in owners.columns]
    places = name_rows(owners, "owners")
    for row, flat in enumerate(owners["flat_id"].astype(str)):
        area = _decimal(owners["area_m2"].iloc[row]) if has_area else Fraction(0)
        if has_area and (area is None or area <= 0):
            found = f"area_m2 is {owners['area_m2'].iloc[row]!r}"
            problems.append(Problem(places[row], found, "Give a decimal above 0, such as 85.30"))
        named = {name: str(owners[name].iloc[row]) for name in keys}
        for name in keys:
            if pd.isna(owners[name].iloc[row]):
                todo = "Fill it in for every flat"
                problems.append(Problem(places[row], f"{name} is empty", todo))
        owner = f"owner {named['owner_id']}" if "owner_id" in named else f"flat {flat}"
        flats[flat] = Flat(owner, named.get("building_id", ""), area or Fraction(0))
    # sums say nothing while an area is wrong
    return flats, problems or list(_sum_problems(flats.values(), total_area_m2))


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


def _count(
    cast: Sequence[_Vote],
    places: Sequence[str],
    deadline: str | dt.date | None,
    repeated: Repeated,
) -> tuple[dict[str, str], pd.DataFrame]:
    """The choice of every owner who took part, and the votes that came late or repeatedly."""
    late = {vote.place for vote in cast if _is_late(vote, deadline)}
    by_owner: dict[str, list[_Vote]] = {}
    for vote in cast:
        if vote.place not in late:
            by_owner.setdefault(vote.owner, []).append(vote)
    kinds = dict.fromkeys(late, "late")
    counted = {}
    for owner, own in by_owner.items():
        # rows at the same time, or without one, are in the order of the table
        own.sort(key=lambda vote: (vote.cast_at or pd.Timestamp(0), vote.place))
        counted[owner] = own[0 if repeated == "first" else -1]
        if len(own) > 1:
            kind = "duplicate" if len({vote.choice for vote in own}) == 1 else "contradictory"
            kinds |= dict.fromkeys((vote.place for vote in own), kind)
    if repeated == "refuse":
        _refuse_repeated(cast, kinds, places)
    chosen = {vote.place for vote in counted.values()}
    rows = [
        _reported(vote, kinds[vote.place], vote.place in chosen)
        for vote in cast
        if vote.place in kinds
    ]
    listed = pd.DataFrame(rows, columns=["row", "flat_id", "choice", "kind", "counted", "zh", "en"])
    said = record(listed, deadline=None if deadline is None else str(deadline), repeated=repeated)
    return {owner: vote.choice for owner, vote in counted.items()}, said


def _reported(vote: _Vote, kind: str, counted: bool) -> tuple[object, ...]:
    said = [
        word(f"consent.{kind}", lang, row=vote.row, flat=vote.flat)
        + word("consent.counted" if counted else "consent.not_counted", lang)
        for lang in ("zh", "en")
    ]
    return (vote.row, vote.flat, vote.choice, kind, counted, *said)


def _refuse_repeated(
    cast: Iterable[_Vote], kinds: Mapping[int, str], places: Sequence[str]
) -> None:
    todo = "Keep one, or choose repeated='last' or 'first'"
    problems = [
        Problem(places[vote.place], f"{kinds[vote.place]} vote for flat {vote.flat!r}", todo)
        for vote in cast
        if kinds.get(vote.place, "late") != "late"
    ]
    if problems:
        raise DataError(problems)


def _read_votes(
    flats: Mapping[str, Flat],
    votes: pd.DataFrame,
    deadline: str | dt.date | None,
    meant: Mapping[str, str],
) -> tuple[list[_Vote], list[Problem]]:
    problems = find_problems(votes, VOTES)
    if any(name not in votes.columns for name in VOTES.required):
        return [], problems
    timed = "cast_at" in votes.columns
    if deadline is not None and not timed:
        todo = "Add the time of every vote, or give no deadline"
        problems.append(Problem("votes", "no column 'cast_at' to hold against the deadline", todo))
    zone = None if deadline is None else _deadline(deadline)[0].tzinfo
    cast = []
    places = name_rows(votes, "votes")
    numbers = votes.index if votes.index.name == ROW else range(1, len(votes) + 1)
    for row, (flat, said) in enumerate(
        zip(votes["flat_id"].astype(str), votes["choice"].astype(str), strict=True)
    ):
        where = places[row]
        choice = meant.get(said.strip().lower(), "")
        at = _time(votes["cast_at"].iloc[row]) if timed else None
        if flat not in flats:
            todo = "Correct the flat, or add it to owners"
            problems.append(Problem(where, f"flat {flat!r} is not in owners", todo))
        if not choice:
            todo = f"Give one of {', '.join(meant)}; or say in words what it means"
            problems.append(Problem(where, f"choice is {said!r}", todo))
        if choice == "silent":
            continue
        if timed and at is None:
            found = f"cast_at is {votes['cast_at'].iloc[row]!r}"
            problems.append(Problem(where, found, "Give a date and time, 2026-05-31 18:00"))
        elif at is not None and deadline is not None and (at.tzinfo is None) != (zone is None):
            found = "only one of cast_at and the deadline names a time zone"
            problems.append(Problem(where, found, "Give both with a zone, or both without"))
        stated = _decimal(votes["area_m2"].iloc[row]) if "area_m2" in votes.columns else None
        if flat in flats and stated is not None and stated != flats[flat].area_m2 > 0:
            own = float(flats[flat].area_m2)
            found = f"area_m2 is {float(stated):.10g}, owners have {own:.10g} for flat {flat!r}"
            problems.append(Problem(where, found, "Correct one of the two"))
        if flat in flats:
            cast.append(_Vote(row, int(numbers[row]), flat, flats[flat].owner, choice, at))
    zones = {vote.cast_at.tzinfo is None for vote in cast if vote.cast_at is not None}
    if len(zones) > 1 and not problems:
        found = "some times name a time zone and some do not"
        problems.append(Problem("votes", found, "Give all with a zone, or all without"))
    return cast, problems


def _meaning(words: Words) -> dict[str, str]:
    """What every word of a vote means, with those of the user."""
    wrong = [
        f"{said!r}: {choice!r}" for said, choice in (words or {}).items() if choice not in CHOICES
    ]
    if wrong:
        raise OptionError(f"words has {', '.join(wrong)}; a word means one of {', '.join(CHOICES)}")
    return _MEANT | {str(said).strip().lower(): choice for said, choice in (words or {}).items()}


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
