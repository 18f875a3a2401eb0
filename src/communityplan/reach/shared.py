"""Several walkers and several services in one call: each table is checked and joined once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.errors import OptionError, Problem, TableError
from communityplan.network import WalkNetwork
from communityplan.reach.ends import Places, places
from communityplan.standards import walker as find_walker
from communityplan.walker import Walker

__all__ = ["Question", "facts_of", "kinds_of", "one_walker", "questions", "stacked", "walkers_of"]

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Question:
    """Origins and destinations to be asked about together.

    Attributes
    ----------
    walker : Walker
    kind : object
        Which destinations these are, None for all.
    start, end : Places
    rows : array of int
        The destinations, as positions in their table.
    """

    walker: Walker
    kind: Any
    start: Places
    end: Places
    rows: Ints


def walkers_of(walker: Walker | str | Sequence[Walker | str]) -> list[Walker]:
    """One walker or several, by themselves or by their names.

    Raises
    ------
    OptionError
        For names that are not known, no walker, or one twice.
    """
    if isinstance(walker, (Walker, str)) or not isinstance(walker, (list, tuple)):
        return [one_walker(walker)]  # type: ignore[arg-type]  # refused there
    found = [one_walker(each) for each in walker]
    names = [person.name for person in found]
    if not names or len(set(names)) < len(names):
        raise OptionError(f"walker is {names}: give at least one, and none twice")
    return found


def one_walker(walker: Walker | str) -> Walker:
    """A walker, by itself or by its name.

    Raises
    ------
    OptionError
        For a name that is not known, or several.
    """
    if not isinstance(walker, (Walker, str)):
        raise OptionError(f"walker is {walker!r}: give one Walker, or the name of one")
    return find_walker(walker)


def kinds_of(table: gpd.GeoDataFrame, by: str | None, *, where: str) -> list[tuple[Any, Ints]]:
    """Rows of a table by the values of a column, in the order in which these first occur.

    Raises
    ------
    OptionError, TableError
        For a column that is not there, or cells that are empty.
    """
    if by is None:
        return [(None, np.arange(len(table)))]
    if not isinstance(by, str) or by not in table.columns or by == table.active_geometry_name:
        present = ", ".join(str(name) for name in table.columns)
        raise OptionError(f"no column {by!r} to tell kinds apart; there are {present}")
    code, kinds = pd.factorize(table[by])
    empty = np.flatnonzero(code < 0)
    if len(empty):
        todo = "Say which, or leave the row out"
        raise TableError(
            [Problem(f"{where}, row {row + 1}", f"{by} is empty", todo) for row in empty]
        )
    return [(kind, np.flatnonzero(code == number)) for number, kind in enumerate(kinds)]


def questions(
    network: WalkNetwork,
    origins: gpd.GeoDataFrame,
    destinations: gpd.GeoDataFrame,
    *,
    walkers: list[Walker],
    by: str | None = None,
) -> Iterator[Question]:
    """Every walker with every kind of destination.

    Parameters
    ----------
    network : WalkNetwork
    origins, destinations : GeoDataFrame
        As in `walks`.
    walkers : list of Walker
    by : str, optional
        Column of `destinations` that tells their kinds.
    """
    joined: dict[bool, tuple[Places, Places]] = {}
    for person in walkers:
        # where people join the network depends on nothing else of theirs
        if person.may_use_steps not in joined:
            joined[person.may_use_steps] = (
                places(network, origins, walker=person, where="origins"),
                places(network, destinations, walker=person, where="destinations"),
            )
        start, end = joined[person.may_use_steps]
        for kind, rows in kinds_of(destinations, by, where="destinations"):
            yield Question(person, kind, start, end if by is None else end.take(rows), rows)


def stacked(
    tables: list[pd.DataFrame],
    asked: list[Question],
    *,
    walker: object,
    by: str | None,
    empty: pd.DataFrame,
) -> pd.DataFrame:
    """The answers as one table, with columns for what they were asked for.

    Parameters
    ----------
    tables : list of DataFrame
        An answer to every question.
    asked : list of Question
    walker : object
        As given: several walkers have a column ``walker``.
    by : str or None
        Column for the kinds.
    empty : DataFrame
        The table where there was nothing to ask.
    """
    for table, question in zip(tables, asked, strict=True):
        if by is not None:
            table[by] = question.kind
            table.insert(0, by, table.pop(by))
        if isinstance(walker, (list, tuple)):
            table.insert(0, "walker", question.walker.name)
    if not tables:
        return empty
    whole: pd.DataFrame = tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)
    return whole


def facts_of(walker: object, walkers: list[Walker]) -> Any:
    """The walkers as plain values for the record, several as a list."""
    facts = [person.facts() for person in walkers]
    return facts if isinstance(walker, (list, tuple)) else facts[0]
