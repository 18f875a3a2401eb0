"""The sections of what a plan decides beyond the circles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import pandas as pd

from communityplan.plan.shown import MOST_OPENINGS
from communityplan.report.columns import Sayer
from communityplan.report.document import Grid, Section, Words

__all__ = ["GridWriter", "changed_sections"]


class GridWriter(Protocol):
    """Writes a table of the report."""

    def __call__(
        self,
        name: str,
        columns: list[str],
        caption: str,
        *,
        note: str = "",
        most: int | None = None,
    ) -> Grid:
        """The table of that name with these columns."""


def changed_sections(
    tables: Mapping[str, pd.DataFrame], say: Sayer, grid: GridWriter
) -> Iterator[Section]:
    """Walls to open, joint units, and who is served before and after.

    Parameters
    ----------
    tables : mapping of str to DataFrame
    say : Sayer
    grid : callable
        Writes one table.

    Yields
    ------
    Section
        Only those that the plan has.
    """
    writers: tuple[tuple[str, Callable[..., Section]], ...] = (
        ("openings", _openings),
        ("joint_units", _units),
        ("effects", _effects),
    )
    for name, write in writers:
        if name in tables:
            yield write(tables, say, grid)


def _openings(tables: Mapping[str, pd.DataFrame], say: Sayer, grid: GridWriter) -> Section:
    title = say.word("report.openings")
    if not len(tables["openings"]):
        return Section(title, (Words((say.word("report.say_no_opening"),)),))
    figures = ["rank", "kind", "side_a", "side_b", "length_m", "around_min", "through_min"]
    figures += ["people_gained", "minutes_saved", "newly_reachable", "together"]
    note, why = say.word("report.openings_note"), say.word("report.openings_why")
    return Section(
        title,
        (
            grid("openings", figures, title, note=note, most=MOST_OPENINGS),
            grid("openings", ["rank", "said"], why, most=MOST_OPENINGS),
        ),
    )


def _units(tables: Mapping[str, pd.DataFrame], say: Sayer, grid: GridWriter) -> Section:
    title = say.word("report.units")
    plans = ["plan", "units", "centres", "people_in_size", "people_served", "served_in_size"]
    plans += ["cost_yuan", "yuan_per_person", "gap"]
    members = ["unit_id", "members", "people", "in_size", "called", "people_served"]
    members += ["served_share", "cost_yuan"]
    against = say.word("report.units_against")
    return Section(
        title,
        (
            grid("joint_units", members, title),
            grid("unit_plans", plans, against, note=say.word("report.units_note")),
        ),
    )


def _effects(tables: Mapping[str, pd.DataFrame], say: Sayer, grid: GridWriter) -> Section:
    title = say.word("report.effects")
    by_community = say.word("report.effects_communities")
    columns = ["service", "group", "within_min", "people", "covered_before", "covered_after"]
    sums = [*columns, "gained", "share_before", "share_after", "minutes_saved"]
    each = ["community", *columns, "gained"]
    return Section(
        title,
        (
            grid("effect_totals", sums, title, note=say.word("report.effects_note")),
            grid("effects", each, by_community),
        ),
    )
