"""Several gates from one list of votes, each counted on its own votes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from communityplan.consent.ballots import Repeated, Stated, Words
from communityplan.consent.gates import GATES, Gate, GateLike, chosen_gates
from communityplan.consent.status import consent_status
from communityplan.errors import DataError, Problem
from communityplan.load.lists import ROW, name_rows
from communityplan.tables import record, used

__all__ = ["consent_stages", "consent_states"]

Deadline = str | dt.date | None


def consent_stages(
    owners: pd.DataFrame,
    votes: pd.DataFrame,
    *,
    gates: Sequence[GateLike] | None = None,
    deadline: Deadline | Mapping[str, Deadline] = None,
    repeated: Repeated = "last",
    closed: bool | Collection[str] = False,
    total_area_m2: Stated = None,
    words: Words = None,
) -> pd.DataFrame:
    """Every gate of a list of votes, such as the three 80 % stages, each on its own votes.

    Parameters
    ----------
    owners, repeated, total_area_m2, words
        As in `consent_status`.
    votes : DataFrame
        As in `consent_status`, with ``gate``: the name of the gate, or what it is called in
        Chinese or English. Without that column every gate is counted on all votes.
    gates : sequence of Gate, str or mapping, optional
        Which gates, in this order; those in `votes` unless given. One without votes is open.
    deadline : str, date or mapping of gate to these, optional
        Votes cast later do not count.
    closed : bool or collection of str
        Whether voting is over, or on which gates it is.

    Returns
    -------
    DataFrame
        As from `consent_status`.

    Raises
    ------
    DataError
        As from `consent_status`, and for votes on unknown gates; every gate in one error.
    OptionError
        As from `consent_status`.

    Examples
    --------
    >>> import pandas as pd
    >>> owners = pd.DataFrame({"flat_id": list("abcde")})
    >>> votes = pd.DataFrame({"flat_id": [*"abcde", *"abc"], "choice": "agree",
    ...     "gate": ["agree_80"] * 5 + ["plan_80"] * 3})
    >>> consent_states(consent_stages(owners, votes))
    {'agree_80': 'reached', 'plan_80': 'open'}
    """
    asked = None if gates is None else chosen_gates(gates)
    if votes.index.name != ROW:
        # the rows of the whole list, so that what is wrong in a part of it is told with them
        votes = votes.set_axis(pd.RangeIndex(1, len(votes) + 1, name=ROW), axis=0)
    of_row, problems = _gates_of(votes, asked)
    if asked is None:
        asked = chosen_gates(list(dict.fromkeys(name for name in of_row if name)))
    parts = []
    for gate in asked:
        is_own = [name in (gate.name, "every") for name in of_row]
        try:
            part = consent_status(
                owners,
                votes[is_own],
                gate=gate,
                deadline=deadline.get(gate.name) if isinstance(deadline, Mapping) else deadline,
                repeated=repeated,
                closed=closed if isinstance(closed, bool) else gate.name in closed,
                total_area_m2=total_area_m2,
                words=words,
            )
        except DataError as error:
            problems += [one for one in error.problems if one not in problems]
        else:
            parts.append(part)
    if problems:
        raise DataError(problems)
    found = [
        {"gate": part["gate"].iloc[0], **problem}
        for part in parts
        for problem in used(part)["problems"]
    ]
    options = {part["gate"].iloc[0]: used(part) for part in parts}
    return record(
        pd.concat(parts, ignore_index=True),
        deadline={name: option["deadline"] for name, option in options.items()},
        closed=[name for name, option in options.items() if option["closed"]],
        repeated=repeated,
        words=dict(words or {}),
        problems=found,
    )


def consent_states(status: pd.DataFrame) -> dict[str, str]:
    """The state of each gate for the whole community: reached, open or failed.

    Examples
    --------
    >>> import pandas as pd
    >>> consent_states(pd.DataFrame({"gate": ["g"], "scope": ["all"], "state": ["open"]}))
    {'g': 'open'}
    """
    whole = status[status["scope"] == "all"]
    return dict(zip(whole["gate"].map(str), whole["state"].map(str), strict=True))


def _gates_of(votes: pd.DataFrame, asked: Sequence[Gate] | None) -> tuple[list[str], list[Problem]]:
    """The gate of every vote, ``every`` without such a column, and votes on unknown gates."""
    if "gate" not in votes.columns:
        if asked is None:
            todo = "Name the gates, or add a column that says what each vote is on"
            raise DataError([Problem("votes", "no column 'gate'", todo)])
        return ["every"] * len(votes), []
    known = {**GATES, **{gate.name: gate for gate in asked or ()}}
    called = {word: gate.name for gate in known.values() for word in (gate.name, gate.zh, gate.en)}
    called.pop("", None)
    names, problems = [], []
    places = name_rows(votes, "votes")
    for place, cell in zip(places, votes["gate"].astype(str).str.strip(), strict=True):
        names.append(called.get(cell, ""))
        if cell not in called:
            todo = f"Give one of {', '.join(known)}, or what it is called"
            problems.append(Problem(place, f"gate is {cell!r}", todo))
    return names, problems
