"""The state of every gate: what is counted, what is missing, what can still come."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import pandas as pd

from communityplan.consent.ballots import Flat, Repeated, Stated, Words, read_ballots
from communityplan.consent.gates import Gate, GateLike, chosen_gates
from communityplan.tables import record

__all__ = ["as_numbers", "consent_status", "owner_areas", "shortest_way"]


@dataclass(frozen=True)
class _Count:
    """Votes of one measure, owners or m2."""

    total: Fraction
    answered: Fraction
    agree: Fraction

    @property
    def open(self) -> Fraction:
        """Of those who have not answered."""
        return self.total - self.answered

    def with_votes(self, agree: Fraction, against: Fraction) -> _Count:
        """The count after more votes."""
        return _Count(self.total, self.answered + agree + against, self.agree + agree)


def consent_status(
    owners: pd.DataFrame,
    votes: pd.DataFrame,
    *,
    gate: GateLike | Sequence[GateLike],
    deadline: str | dt.date | None = None,
    repeated: Repeated = "last",
    closed: bool = False,
    total_area_m2: Stated = None,
    words: Words = None,
) -> pd.DataFrame:
    """Whether votes pass their gates, what is still missing, and how it can still end.

    Parameters
    ----------
    owners : DataFrame
        One row per flat: ``flat_id``, ``area_m2`` (a decimal, best read as text; not needed where
        every gate counts by number alone) [``building_id``, ``owner_id``]. The flats of one
        ``owner_id`` are one owner with one vote for all their area; without that column every
        flat is an owner.
    votes : DataFrame
        One row per vote: ``flat_id``, ``choice`` (a word of `CHOICES`) [``cast_at``].
    gate : Gate, str, mapping or sequence of these
        Gates by name in `GATES`, or your own: a `Gate`, or its fields.
    deadline : str or date, optional
        Votes cast later do not count; a date without a time counts to the end of that day.
    repeated : {"last", "first", "refuse"}
        Which vote of an owner counts.
    closed : bool
        Whether voting is over, so that nobody else will answer.
    total_area_m2 : decimal as str, int or Fraction, or mapping of building_id to these, optional
        Area that the flats have to add up to, exactly.
    words : mapping of str to str, optional
        Further words of a vote, such as ``{"基本满意": "agree"}``; each means one of `CHOICES`.

    Returns
    -------
    DataFrame
        One row per gate for all owners (``scope`` is ``all``), and one per gate and building as
        if it decided alone. Shares and areas are Fractions; `as_numbers` makes them floats.

        - ``state``: ``reached`` whatever the others vote, ``failed`` whatever they vote, else
          ``open``; ``passes_now`` as if counting ended now.
        - ``owners``, ``area_m2``, ``answered``, ``answered_m2``, ``agree``, ``agree_m2``,
          ``against``, ``abstain`` (owners); ``response_number``, ``response_area``.
        - ``share_number``, ``share_area``: agreeing share on the base of the gate, missing where
          nobody takes part; the rule: ``base``, ``by`` (joined by ``;``), ``least``,
          ``more_than``, ``quorum``; ``quorum_met``.
        - ``low_number`` to ``high_number``, ``low_area`` to ``high_area``: the range that the
          share can still take once everybody has answered; the share itself where ``closed``.
        - ``missing_number`` [owners] and ``missing_m2`` [m2]: further agreeing votes needed by
          each measure that the gate counts, quorum included; ``missing_owners``: the fewest
          owners who together bring both, those with most area first; missing where impossible.
          An area of a ``more_than`` gate has to be more than ``missing_m2``.
        - ``gate_zh``, ``gate_en`` (what it is called), ``source``, ``verified`` of the gate.

        The record lists late and repeated votes as ``problems``.

    Raises
    ------
    DataError
        One error with every row that leaves the count undecided: flats twice, areas that are no
        decimals or do not add up, votes for unknown flats, unknown words, times that cannot be
        read, and repeated votes under ``repeated="refuse"``. Late and repeated votes are decided
        by the options and reported, see `vote_problems`.
    OptionError
        An unknown gate, or an option with a value that has no meaning.

    Examples
    --------
    >>> import pandas as pd
    >>> owners = pd.DataFrame({"flat_id": list("abcde"), "area_m2": ["50", "50", "50", "50", "50"]})
    >>> votes = pd.DataFrame({"flat_id": list("abcd"), "choice": "agree"})
    >>> status = consent_status(owners, votes, gate="agree_80")
    >>> status["state"].iloc[0], status["share_number"].iloc[0]
    ('reached', Fraction(4, 5))
    """
    gates = chosen_gates(gate)
    ballots = read_ballots(
        owners,
        votes,
        deadline=deadline,
        repeated=repeated,
        total_area_m2=total_area_m2,
        needs_area=any("area" in one.by for one in gates),
        words=words,
    )
    scopes = [("all", "", list(ballots.flats.values()))]
    if "building_id" in owners.columns:
        by_building: dict[str, list[Flat]] = {}
        for flat in ballots.flats.values():
            by_building.setdefault(flat.building, []).append(flat)
        scopes += [("building", name, inside) for name, inside in by_building.items()]
    rows = [
        {"gate": one.name, "scope": scope, "building_id": building}
        | _status(one, inside, ballots.choices, closed)
        for one in gates
        for scope, building, inside in scopes
    ]
    whole = {"missing_number": "Int64", "missing_owners": "Int64"}
    return record(
        pd.DataFrame(rows).astype(whole),
        deadline=None if deadline is None else str(deadline),
        repeated=repeated,
        closed=closed,
        words=dict(words or {}),
        problems=ballots.repeated.to_dict("records"),
    )


def as_numbers(status: pd.DataFrame) -> pd.DataFrame:
    """The same table with floats in place of Fractions, to be printed or written to a file.

    Examples
    --------
    >>> import pandas as pd
    >>> from fractions import Fraction
    >>> as_numbers(pd.DataFrame({"share": [Fraction(1, 4), None]}))["share"].tolist()
    [0.25, nan]
    """
    plain = status.copy()
    for name, cells in status.items():
        if any(isinstance(cell, Fraction) for cell in cells):
            plain[name] = [float("nan") if cell is None else float(cell) for cell in cells]
    return plain


def _status(
    gate: Gate, flats: Iterable[Flat], choices: Mapping[str, str], closed: bool
) -> dict[str, object]:
    areas = owner_areas(flats)
    counts = _counts(areas, choices)
    way = shortest_way(gate, areas, choices, closed=closed)
    said = [choices.get(owner) for owner in areas]
    number, area = counts["number"], counts["area"]
    now = _passes(gate, counts)
    return {
        "state": _state(gate, counts, closed),
        "passes_now": now,
        "owners": int(number.total),
        "area_m2": area.total or None,
        "answered": int(number.answered),
        "answered_m2": area.answered if area.total else None,
        "agree": int(number.agree),
        "agree_m2": area.agree if area.total else None,
        "against": said.count("against"),
        "abstain": said.count("abstain"),
        "response_number": number.answered / number.total,
        "response_area": _part(area.answered, area.total),
        "share_number": _share(gate, number),
        "share_area": _share(gate, area),
        "base": gate.base,
        "by": ";".join(gate.by),
        "least": gate.least,
        "more_than": gate.more_than,
        "quorum": gate.quorum,
        "quorum_met": all(_quorum_met(gate, counts[measure]) for measure in gate.by),
        **_ranges(gate, counts, closed),
        "closed": closed,
        "missing_number": _whole(gate, number) if "number" in gate.by else 0,
        "missing_m2": _missing(gate, area) if "area" in gate.by else Fraction(0),
        "missing_owners": None if way is None else len(way),
        "gate_zh": gate.zh or gate.name,
        "gate_en": gate.en or gate.name,
        "source": gate.source,
        "verified": gate.verified,
    }


def owner_areas(flats: Iterable[Flat]) -> dict[str, Fraction]:
    """The area of every owner, over all their flats."""
    areas: dict[str, Fraction] = {}
    for flat in flats:
        areas[flat.owner] = areas.get(flat.owner, Fraction(0)) + flat.area_m2
    return areas


def _counts(areas: Mapping[str, Fraction], choices: Mapping[str, str]) -> dict[str, _Count]:
    return {
        "number": _count(dict.fromkeys(areas, Fraction(1)), choices),
        "area": _count(areas, choices),
    }


def _count(weights: Mapping[str, Fraction], choices: Mapping[str, str]) -> _Count:
    answered = sum((own for owner, own in weights.items() if owner in choices), Fraction(0))
    agree = [own for owner, own in weights.items() if choices.get(owner) == "agree"]
    return _Count(sum(weights.values(), Fraction(0)), answered, sum(agree, Fraction(0)))


def _base(gate: Gate, count: _Count) -> Fraction:
    return count.total if gate.base == "all" else count.answered


def _share(gate: Gate, count: _Count) -> Fraction | None:
    return _part(count.agree, _base(gate, count))


def _part(part: Fraction, whole: Fraction) -> Fraction | None:
    return part / whole if whole else None


def _quorum_met(gate: Gate, count: _Count) -> bool:
    return gate.quorum is None or count.answered >= gate.quorum * count.total


def _enough(gate: Gate, count: _Count) -> bool:
    """Whether one measure passes, quorum included."""
    share = _share(gate, count)
    if share is None or not _quorum_met(gate, count):
        return False
    return share > gate.least if gate.more_than else share >= gate.least


def _passes(gate: Gate, counts: Mapping[str, _Count]) -> bool:
    return all(_enough(gate, counts[measure]) for measure in gate.by)


def _state(gate: Gate, counts: Mapping[str, _Count], closed: bool) -> str:
    now = _passes(gate, counts)
    if closed:
        return "reached" if now else "failed"
    none = Fraction(0)
    # once the quorum is there, everybody else against is the worst that can come
    worst = {name: count.with_votes(none, count.open) for name, count in counts.items()}
    best = {name: count.with_votes(count.open, none) for name, count in counts.items()}
    if now and _passes(gate, worst):
        return "reached"
    return "open" if _passes(gate, best) else "failed"


def _ranges(gate: Gate, counts: Mapping[str, _Count], closed: bool) -> dict[str, Fraction | None]:
    ranges = {}
    for measure, count in counts.items():
        low = _part(count.agree, count.total)
        high = _part(count.agree + count.open, count.total)
        share = _share(gate, count)
        ranges[f"low_{measure}"] = share if closed else low
        ranges[f"high_{measure}"] = share if closed else high
    return ranges


def _missing(gate: Gate, count: _Count) -> Fraction | None:
    """How much more has to agree by one measure; none where no votes can bring it."""
    if not _enough(gate, count.with_votes(count.open, Fraction(0))):
        return None
    lacking = gate.least * _base(gate, count) - count.agree
    if gate.base == "taking_part" and lacking > 0:
        # a further vote for it adds to both sides of the share
        lacking /= 1 - gate.least
    absent = (gate.quorum or 0) * count.total - count.answered
    return max(lacking, absent, Fraction(0))


def _whole(gate: Gate, number: _Count) -> int | None:
    """The same in whole owners, one more where the share has to be exceeded."""
    needed = _missing(gate, number)
    if needed is None:
        return None
    owners = math.ceil(needed)
    # on the edge exactly, or before the first vote, one more owner decides
    if not _enough(gate, number.with_votes(Fraction(owners), Fraction(0))):
        owners += 1
    return owners


def shortest_way(
    gate: Gate, areas: Mapping[str, Fraction], choices: Mapping[str, str], *, closed: bool
) -> list[str] | None:
    """Fewest owners still to agree, those with most area first, which nothing can beat.

    None where no votes can bring it.
    """
    counts = _counts(areas, choices)
    if _passes(gate, counts):
        return []
    if closed:
        return None
    none, together = Fraction(0), Fraction(0)
    silent = sorted((owner for owner in areas if owner not in choices), key=lambda o: -areas[o])
    for owners, owner in enumerate(silent, start=1):
        together += areas[owner]
        after = {
            "number": counts["number"].with_votes(Fraction(owners), none),
            "area": counts["area"].with_votes(together, none),
        }
        if _passes(gate, after):
            return silent[:owners]
    return None
