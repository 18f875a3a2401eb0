"""The facts of a plan as a document, in the order in which residents are consulted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from communityplan.plan import Plan
from communityplan.report.agreed import agreed_lines
from communityplan.report.columns import Field, Sayer
from communityplan.report.decided import decided_lines
from communityplan.report.decisions import (
    agreed_sections,
    changed_sections,
    investment_sections,
    prong_section,
)
from communityplan.report.document import (
    Block,
    Document,
    Grid,
    Picture,
    Section,
    Words,
    grid,
)
from communityplan.report.facts import Facts
from communityplan.tables import used
from communityplan.wording import group_word

__all__ = ["choice_lines", "compose", "gain_field", "summary_lines"]

COUNTS = ("people", "covered", "beyond", "unreachable", "covered_but_for_stairs")
STATUSES = ("met", "short", "missing", "unknown", "not_applicable")


def compose(
    facts: Facts, *, pictures: Mapping[str, Picture], lacking: str, files: Sequence[str]
) -> Document:
    """The document that every written format shows.

    Parameters
    ----------
    facts : Facts
    pictures : mapping of str to Picture
        ``cumulative``, ``ranking``, ``budget``, ``map``, as far as they could be drawn.
    lacking : str
        Why there are no pictures; empty where there are.
    files : sequence of str
        Files that are written with it.

    Returns
    -------
    Document
    """
    writer = _Writer(facts, pictures, lacking, tuple(files))
    sections = (
        writer.summary(),
        writer.served(),
        writer.check(),
        writer.sites(),
        *changed_sections(facts.tables, facts.say, writer.grid),
        *writer.investment(),
        *agreed_sections(facts.tables, facts.say, writer.grid),
        writer.maps(),
        writer.basis(),
        writer.limits(),
    )
    say = facts.say
    project = facts.plan.project
    marks = [say.word("report.synthetic")] if project.synthetic else []
    marks += [say.word("report.osm")] if project.from_osm else []
    title = say.word("report.of", name=facts.name) if facts.name else say.word("report.title")
    return Document(title, say.lang, tuple(marks), facts.note, sections).numbered()


@dataclass(frozen=True)
class _Writer:
    """What every section is written from."""

    facts: Facts
    pictures: Mapping[str, Picture]
    lacking: str
    files: tuple[str, ...]

    @property
    def say(self) -> Sayer:
        """Words in the language of the document."""
        return self.facts.say

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """The tables that are told."""
        return self.facts.tables

    def summary(self) -> Section:
        """What there is to know in a minute."""
        lines = tuple(summary_lines(self.facts))
        return Section(self.say.word("report.summary"), (Words(lines, "list"),))

    def served(self) -> Section:
        """The ledger: its sums, community by community, and homes that reach nothing."""
        totals = self.tables["totals"]
        columns = ["service", "group", "within_min", "own_limit", "verified", *COUNTS]
        caption = self.say.word("report.served_totals")
        note = self.say.word("report.note_ledger")
        table = self.grid("totals", [*columns, "covered_share"], caption, note=note)
        first = Section(caption, (table, *self._picture("cumulative")))
        own = totals[totals["own_limit"]]
        parts = [self._one_service(row) for row in own.to_dict("records")]
        if len(self.tables["homes_without"]):
            parts.append(self._without())
        return Section(self.say.word("report.served"), (), (first, *parts))

    def _one_service(self, total: Mapping[Any, Any]) -> Section:
        ledger = self.tables["ledger"]
        rows = ledger[
            (ledger["service"] == total["service"])
            & (ledger["group"] == total["group"])
            & (ledger["within_min"] == total["within_min"])
        ]
        # most people left out first
        order = (rows["people"] - rows["covered"]).sort_values(ascending=False, kind="stable")
        sums = [self.say.cell(total[name], "people") for name in COUNTS]
        share = self.say.cell(total["covered_share"], "share")
        minutes = f"{total['within_min']:g}"
        key = "limit_heading" if total["verified"] else "limit_heading_unverified"
        limit = self.say.word(f"report.{key}", minutes=minutes)
        name = self.say.service(total["service"])
        caption = self.say.word("report.served_one", service=name, limit=limit)
        table = self.grid(
            "ledger",
            ["community", *COUNTS, "covered_share"],
            caption,
            rows=rows.loc[order.index],
            total=[self.say.word("report.all_communities"), *sums, share],
        )
        return Section(caption, (table,))

    def _without(self) -> Section:
        caption = self.say.word("report.served_without")
        columns = ["community", "name", "service", "people", "reason", "nearest_m"]
        return Section(caption, (self.grid("homes_without", columns, caption),))

    def check(self) -> Section:
        """What the standards ask for and what is missing."""
        title = self.say.word("report.check")
        if "status_counts" not in self.tables:
            return Section(title, (Words((self.say.word("report.check_none"),)),))
        counts = self.say.word("report.check_counts")
        table = self.grid(
            "status_counts",
            ["community", "in_scope", *STATUSES, "clauses", "unverified"],
            counts,
            note=self.say.word("report.note_unknown"),
        )
        missing = self.say.word("report.check_missing")
        sentences = self.grid("missing", ["community", "said"], missing)
        parts = [Section(counts, (table,)), Section(missing, (sentences,))]
        parts += prong_section(self.tables, self.say, self.grid)
        return Section(title, (), tuple(parts))

    def sites(self) -> Section:
        """Idle buildings: ranking and reasons."""
        title = self.say.word("report.sites")
        ranking = self.tables.get("ranking")
        if ranking is None:
            return Section(title, (Words((self.say.word("report.sites_none"),)),))
        gains = [
            gain_field(self.facts, str(name)) for name in ranking if str(name).startswith("gain_")
        ]
        rank = self.say.word("report.sites_rank")
        first = self.grid(
            "ranking",
            ["rank", "called", "floor_area_m2", *gains, "people_gained"],
            rank,
            note=self.say.word("report.sites_note"),
        )
        why = self.say.word("report.sites_why")
        reasons = self.grid("ranking", ["rank", "called", "said_why", "said_reason"], why)
        parts = (
            Section(rank, (first, *self._unsure(ranking), *self._picture("ranking"))),
            Section(why, (reasons,)),
        )
        return Section(title, (), parts)

    def investment(self) -> Iterator[Section]:
        """What it costs, and what the budget does best."""
        costs = self.say.word("report.costs")
        known = ["conversion_cost_yuan", "annual_rent_yuan", "tenure_route", "said_owner"]
        ranking = self.tables.get("ranking", pd.DataFrame())
        parts = []
        if any(name in ranking.columns for name in known):
            columns = ["rank", "called", "said_use", *known, "available_year"]
            parts.append(Section(costs, (self.grid("ranking", columns, costs),)))
        if "chosen" in self.tables:
            parts.append(self._choice())
        parts += investment_sections(self.tables, self.say, self.grid)
        if parts:
            yield Section(self.say.word("report.investment"), (), tuple(parts))

    def _choice(self) -> Section:
        caption = self.say.word("report.choice")
        lines = Words(tuple(choice_lines(self.facts.plan, self.say)))
        money = ["cost_yuan", "opening_cost_yuan"]
        columns = ["called", "service", "year", *money, "floor_area_m2", "people", "said_centre"]
        blocks: list[Block] = [lines]
        if len(self.tables["chosen"]):
            blocks.append(self.grid("chosen", columns, caption))
        if "budget" in self.tables:
            title = self.say.word("report.choice_budgets")
            known = ["budget_yuan", "spent_yuan", "buildings", "services", "weighted_people"]
            known += ["people_per_million_yuan", "bound", "gap", "state"]
            blocks += [self.grid("budget", known, title), *self._picture("budget")]
        return Section(caption, tuple(blocks))

    def _unsure(self, ranking: pd.DataFrame) -> Iterator[Block]:
        """Which services are ranked for by figures that are not verified."""
        services = [str(name).removeprefix("gain_") for name in ranking if "gain_" in str(name)]
        known = self.say.services
        unsure = [name for name in services if name not in known or not known[name].verified]
        if unsure:
            named = self.say.joined(self.say.service(name) for name in unsure)
            yield Words((self.say.word("report.sites_unverified", services=named),), "notice")

    def maps(self) -> Section:
        """Where it is."""
        blocks: list[Block] = [*self._picture("map")]
        if "map.html" in self.files:
            said = self.say.word("report.maps_link", file="map.html")
            blocks.append(Words((said,), link="map.html"))
        if self.lacking:
            blocks.append(Words((self.lacking,), "notice"))
        return Section(self.say.word("report.maps"), tuple(blocks))

    def basis(self) -> Section:
        """Inputs, options, walkers, standards, network, versions."""
        parts = []
        for name, columns in (
            ("inputs", ["table", "rows", "file", "format", "encoding", "datum", "crs", "changed"]),
            ("options", ["option", "value"]),
            ("walkers", list(self.tables["walkers"].columns)),
            ("services", list(self.tables["services"].columns)),
            ("areas", list(self.tables["areas"].columns)),
            ("network", ["what", "detail", "count", "length_m", "people"]),
            ("versions", ["program", "version"]),
        ):
            caption = self.say.word(f"report.basis_{name}")
            if len(self.tables.get(name, ())):
                parts.append(Section(caption, (self.grid(name, columns, caption),)))
        return Section(self.say.word("report.basis"), (), tuple(parts))

    def limits(self) -> Section:
        """What the numbers cannot say."""
        lines = tuple(self.tables["limits"]["said"])
        return Section(self.say.word("report.limits"), (Words(lines, "list"),))

    def grid(
        self,
        name: str,
        columns: Sequence[str | Field],
        caption: str,
        *,
        rows: pd.DataFrame | None = None,
        note: str = "",
        total: Sequence[str] | None = None,
        most: int | None = None,
    ) -> Grid:
        """A table of the facts, with the files that hold all its rows."""
        kept = [file for file in self.files if file.endswith((".xlsx", ".csv"))]
        whole = [file for file in kept if file.startswith(("report.", f"{name}."))]
        more = self.say.word("report.more_rows_nowhere")
        if whole:
            more = self.say.word("report.more_rows", count="{count}", files=self.say.joined(whole))
        table = self.tables[name] if rows is None else rows
        return grid(
            table,
            name,
            columns,
            self.say,
            caption=caption,
            note=note,
            more=more,
            total=total,
            most=most,
        )

    def _picture(self, name: str) -> Iterator[Picture]:
        if name in self.pictures:
            yield self.pictures[name]


def summary_lines(facts: Facts) -> Iterator[str]:
    """What there is to know in a minute, sentence by sentence.

    Parameters
    ----------
    facts : Facts

    Yields
    ------
    str
    """
    project, say, tables = facts.plan.project, facts.say, facts.tables
    people = pd.to_numeric(project.homes["residents"]).sum()
    yield say.word(
        "report.say_place",
        communities=f"{len(project.communities):,}",
        homes=f"{len(project.homes):,}",
        residents=say.cell(people, "people"),
    )
    yield from _service_lines(facts)
    if "status_counts" in tables:
        sums = tables["status_counts"][[*STATUSES, "clauses", "unverified"]].sum()
        yield say.word("report.say_check", **{str(key): f"{n:,}" for key, n in sums.items()})
    if "ranking" in tables:
        yield from _site_lines(tables["ranking"], say)
    yield from choice_lines(facts.plan, say)
    yield from decided_lines(facts.plan, say)
    yield from agreed_lines(facts.plan, say)
    without = tables["homes_without"]["home_id"].nunique()
    if without:
        yield say.word("report.say_without", count=f"{without:,}")


def _service_lines(facts: Facts) -> Iterator[str]:
    say, totals = facts.say, facts.tables["totals"]
    for row in totals[totals["own_limit"]].to_dict("records"):
        words = {name: say.cell(row[name], "people") for name in COUNTS[:4]}
        said = say.word(
            "report.say_service",
            service=say.service(row["service"]),
            group=group_word(row["group"], say.lang),
            share=say.cell(row["covered_share"], "share"),
            minutes=f"{row['within_min']:g}",
            **words,
        )
        yield said if row["verified"] else said + say.word("report.say_unverified")


def _site_lines(ranking: pd.DataFrame, say: Sayer) -> Iterator[str]:
    fit = int(ranking["rank"].notna().sum())
    yield say.word("report.say_sites", count=f"{len(ranking):,}", fit=f"{fit:,}")
    if fit:
        first = ranking.iloc[0]
        gained = say.cell(first["people_gained"], "people")
        yield say.word("report.say_first_site", name=first["called"], people=gained)


def choice_lines(plan: Plan, say: Sayer) -> Iterator[str]:
    """What the budget does best, and how good that is known to be.

    Parameters
    ----------
    plan : Plan
    say : Sayer

    Yields
    ------
    str
    """
    chosen = plan.chosen
    if chosen is None:
        if plan.not_chosen:
            # a heading and a list of problems: the first stands for all of them
            lines = plan.not_chosen.splitlines()
            why = lines[1] if len(lines) > 1 else lines[0]
            budget = say.cell(plan.project.whole_budget_yuan, "yuan")
            yield say.word("report.say_not_chosen", budget=budget, why=why.strip(" -"))
        return
    opened = chosen.opened
    spent = sum(opened[name].sum() for name in ("cost_yuan", "opening_cost_yuan") if name in opened)
    yield say.word(
        "report.say_choice",
        budget=say.cell(plan.project.whole_budget_yuan, "yuan"),
        buildings=f"{len(chosen.sites):,}",
        services=f"{len(opened):,}",
        spent=say.cell(spent, "yuan"),
        people=say.cell(chosen.people_covered, "people"),
        status=chosen.status_zh if say.lang == "zh" else chosen.status,
    )


def gain_field(facts: Facts, key: str) -> Field:
    """The field of a column of people gained, which names its service and limit.

    Parameters
    ----------
    facts : Facts
    key : str
        Such as ``"gain_childcare"``.

    Returns
    -------
    Field
    """
    name = key.removeprefix("gain_")
    ranking = facts.plan.ranking
    noted = {} if ranking is None else used(ranking).get("services", {})
    limit = noted.get(name, {}).get("within_min") if isinstance(noted, dict) else None
    zh, en = (_called(facts, name, lang) for lang in ("zh", "en"))
    if limit is not None:
        zh, en = f"{zh}（{limit:g} 分钟内）", f"{en} (within {limit:g} min)"
    return Field(key, zh, en, "people", "people")


def _called(facts: Facts, name: str, lang: str) -> str:
    return replace(facts.say, lang=lang).service(name)
