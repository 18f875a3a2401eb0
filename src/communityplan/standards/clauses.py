"""Published standards as data: one clause for each kind of facility, each figure with its mark.

A figure that was not seen in the source named is marked so (`Clause.is_verified`), and every result
carries the mark on. Tiers are not nested: a facility of an upper tier does not stand in for one of
a lower tier.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from communityplan.errors import DataError, OptionError, Problem
from communityplan.standards._clause import (
    FIGURES,
    Clause,
    Figure,
    Rule,
    Standard,
    Tier,
    all_verified,
)
from communityplan.standards._clause_file import parse, wrong_way_round

__all__ = [
    "FIGURES",
    "STANDARDS",
    "Clause",
    "Figure",
    "Rule",
    "Standard",
    "Tier",
    "merge",
    "read_standard",
]

SHIPPED = (
    "gb50180",
    "gb50437",
    "complete_community",
    "embedded_services",
    "elder_care_per_100_households",
    "childcare",
    "shanghai",
    "drafts_and_indicators",
    "guiyang",
)


def read_standard(name_or_path: str | Path) -> Standard:
    """A standard that is shipped, by its name, or one of your own, by the path of its file.

    A file of local rules names the standard it is ``based_on`` and holds only what differs; its
    clauses replace figures of the clauses with the same id, or add clauses.

    Parameters
    ----------
    name_or_path : str or Path
        One of `STANDARDS`, or the path of a TOML file of the same form.

    Returns
    -------
    Standard

    Raises
    ------
    OptionError
        For a name that is not known and is no file.
    DataError
        Lists everything that is wrong with the file: unknown keys and units, figures that are no
        numbers, limits the wrong way round, clauses without a source.

    Examples
    --------
    >>> from communityplan.standards.clauses import read_standard
    >>> day_care = read_standard("gb50437").clause("gb50437.elder.day_care")
    >>> day_care.distance_m, day_care.floor_area_min_m2, day_care.verified
    (300.0, 350.0, True)
    >>> local = read_standard("guiyang").clause("gb50180.health.station")
    >>> local.floor_area_min_m2, local.replaced
    (150.0, ('floor_area_min_m2', 'population_from', 'population_to'))
    """
    return _read(str(name_or_path), Path(), ())


def merge(base: Standard, local: Standard) -> Standard:
    """A standard with the figures of local rules in place of its own.

    Parameters
    ----------
    base, local : Standard
        Clauses of `local` replace what they give of the clause with the same id; the others are
        added at the end.

    Returns
    -------
    Standard
        Named as `local`. A replaced figure carries the mark of the local rule, the others keep
        theirs, and `Clause.source` names both.

    Raises
    ------
    DataError
        Lists local figures that contradict those that stay, and new clauses without a name.
    """
    changes = {clause.id: clause for clause in local.clauses}
    merged = tuple(
        _override(clause, changes.pop(clause.id), local.number) if clause.id in changes else clause
        for clause in base.clauses
    )
    added = tuple(
        replace(clause, standard=clause.standard or local.number) for clause in changes.values()
    )
    problems = [
        Problem(f"{local.id}, clause {clause.id}", found, f"Give both; one is from {base.id}")
        for clause in merged
        for found in wrong_way_round(clause.figures())
    ] + [
        Problem(
            f"{local.id}, clause {clause.id}",
            f"{base.id} has no clause of this id, and it has no name of its own",
            "Correct the id, or give zh and en for a new clause",
        )
        for clause in added
        if not (clause.zh and clause.en)
    ]
    if problems:
        raise DataError(problems)
    return replace(
        local,
        clauses=merged + added,
        tiers={**base.tiers, **local.tiers},
        rules=base.rules + local.rules,
        based_on=base.id,
    )


def _override(clause: Clause, change: Clause, local: str) -> Clause:
    """One clause with what a local clause says otherwise."""
    new: dict[str, Any] = dict(change.figures())
    if change.compulsory is not None:
        new["compulsory"] = change.compulsory
    for name in ("zh", "en", "tier", "service", "note", "core_functions"):
        if getattr(change, name):
            new[name] = getattr(change, name)
    replaced = tuple(name for name in new if name in FIGURES or name == "compulsory")
    kept = tuple(name for name in clause.verified_fields if name not in replaced)
    repeated = tuple(name for name in clause.corroborated_fields if name not in replaced)
    marks = kept + change.verified_fields
    result = replace(
        clause,
        **new,
        applies=change.applies,
        replaced=replaced,
        local=local,
        source=f"{change.source}; otherwise {clause.source}",
        source_zh=f"{change.source_zh}；其余：{clause.source_zh}",
        evidence=f"{change.evidence}; otherwise {clause.evidence}",
        verified_fields=marks,
        corroborated_fields=repeated + change.corroborated_fields,
    )
    return replace(result, verified=all_verified(result))


def _read(name: str, folder: Path, chain: tuple[str, ...]) -> Standard:
    """A standard by name or by path from a folder; `chain` is what is being read already."""
    if name in SHIPPED:
        return _shipped(name)
    path = folder / name
    if not path.is_file():
        raise OptionError(
            f"no standard {name!r}: it is no file, and known are {', '.join(SHIPPED)}"
        )
    where = str(path)
    if where in chain:
        raise OptionError(f"local rules are based on each other: {' -> '.join((*chain, where))}")
    own = parse(path.read_text(encoding="utf-8-sig"), where)
    if not own.based_on:
        return own
    return merge(_read(own.based_on, path.parent, (*chain, where)), own)


@cache
def _shipped(name: str) -> Standard:
    text = files("communityplan.standards").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    own = parse(text, f"{name}.toml")
    return merge(_shipped(own.based_on), own) if own.based_on else own


class _Shipped(Mapping[str, Standard]):
    """The standards of the package, each read when it is first asked for."""

    def __getitem__(self, name: str) -> Standard:
        if name not in SHIPPED:
            raise KeyError(name)
        return _shipped(name)

    def __iter__(self) -> Iterator[str]:
        return iter(SHIPPED)

    def __len__(self) -> int:
        return len(SHIPPED)

    def __repr__(self) -> str:
        return f"STANDARDS({', '.join(SHIPPED)})"


STANDARDS: Mapping[str, Standard] = _Shipped()
"""The standards that are shipped, by name."""
