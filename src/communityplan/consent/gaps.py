"""Where the missing votes are: by building, with the shortest way to pass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from fractions import Fraction

import pandas as pd

from communityplan.consent.ballots import Ballots, Repeated, Words, read_ballots
from communityplan.consent.gates import GateLike, chosen_gates
from communityplan.consent.status import owner_areas, shortest_way
from communityplan.tables import record
from communityplan.wording import word

__all__ = ["consent_gaps"]


def consent_gaps(
    owners: pd.DataFrame,
    votes: pd.DataFrame,
    *,
    gate: GateLike | Sequence[GateLike],
    deadline: str | dt.date | None = None,
    repeated: Repeated = "last",
    closed: bool = False,
    words: Words = None,
) -> pd.DataFrame:
    """Which buildings hold the votes that the whole community still misses.

    Parameters
    ----------
    owners, votes, gate, deadline, repeated, closed, words
        As in `consent_status`.

    Returns
    -------
    DataFrame
        One row per gate and building; the buildings add up to the community. ``owners``,
        ``answered``, ``agree``, ``against``, ``abstain``, ``silent`` [owners], ``silent_m2`` (a
        Fraction; missing without areas), ``ask`` and ``ask_m2``: of the fewest owners whose
        agreement would bring the gate, those with most area first, how many are here. ``ask`` is 0
        everywhere where the gate is passed as it stands, and missing where no votes can bring it.
        ``zh`` and ``en`` say it. An owner of flats in several buildings counts in the first.

    Raises
    ------
    DataError, OptionError
        As in `consent_status`.

    Examples
    --------
    >>> import pandas as pd
    >>> owners = pd.DataFrame({"flat_id": list("abcde"), "building_id": list("11222")})
    >>> votes = pd.DataFrame({"flat_id": ["a", "b", "c"], "choice": "agree"})
    >>> gaps = consent_gaps(owners, votes, gate="agree_80")
    >>> gaps[["building_id", "silent", "ask"]].values.tolist()
    [['1', 0, 0], ['2', 2, 1]]
    """
    gates = chosen_gates(gate)
    ballots = read_ballots(
        owners,
        votes,
        deadline=deadline,
        repeated=repeated,
        needs_area=any("area" in one.by for one in gates),
        words=words,
    )
    areas = owner_areas(ballots.flats.values())
    home: dict[str, str] = {}
    for flat in ballots.flats.values():
        home.setdefault(flat.owner, flat.building)
    rows = []
    for one in gates:
        way = shortest_way(one, areas, ballots.choices, closed=closed)
        rows += [
            {"gate": one.name, "building_id": building, **_row(ballots, areas, home, building, way)}
            for building in dict.fromkeys(home.values())
        ]
    table = pd.DataFrame(rows).astype({"ask": "Int64"})
    return record(
        table,
        deadline=None if deadline is None else str(deadline),
        repeated=repeated,
        closed=closed,
        problems=ballots.repeated.to_dict("records"),
    )


def _row(
    ballots: Ballots,
    areas: dict[str, Fraction],
    home: dict[str, str],
    building: str,
    way: list[str] | None,
) -> dict[str, object]:
    inside = [owner for owner in areas if home[owner] == building]
    said = [ballots.choices.get(owner) for owner in inside]
    silent = [owner for owner in inside if owner not in ballots.choices]
    asked = None if way is None else [owner for owner in way if home[owner] == building]
    has_area = any(areas.values())
    key = "consent.ask" if asked else "consent.ask_none"
    words = {"building": building, "silent": len(silent), "ask": len(asked or ())}
    return {
        "owners": len(inside),
        "answered": len(inside) - len(silent),
        **{choice: said.count(choice) for choice in ("agree", "against", "abstain")},
        "silent": len(silent),
        "silent_m2": _sum(areas, silent) if has_area else None,
        "ask": None if asked is None else len(asked),
        "ask_m2": None if asked is None or not has_area else _sum(areas, asked),
        **{lang: word(key, lang, **words) for lang in ("zh", "en")},
    }


def _sum(areas: dict[str, Fraction], owners: Sequence[str]) -> Fraction:
    return sum((areas[owner] for owner in owners), Fraction(0))
