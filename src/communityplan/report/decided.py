"""What a plan decides beyond the circles, as plain tables in the language of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import geopandas as gpd
import pandas as pd

from communityplan.plan import Plan
from communityplan.report.columns import Sayer
from communityplan.scenario import JointUnits, comparison_totals
from communityplan.tables import used

__all__ = ["decided_lines", "decided_tables"]

Names = Mapping[str, str]


def decided_tables(
    plan: Plan, say: Sayer, *, communities: Names, buildings: Names
) -> dict[str, pd.DataFrame]:
    """Openings, joint units, and who is served before and after.

    Parameters
    ----------
    plan : Plan
    say : Sayer
    communities, buildings : mapping of str to str
        What they are called, by key.

    Returns
    -------
    dict of str to DataFrame
        As far as the plan has them: ``openings``, ``joint_units``, ``unit_plans``, ``effects`` (by
        community) and ``effect_totals``.
    """
    tables: dict[str, pd.DataFrame] = {}
    if plan.openings is not None:
        tables["openings"] = _openings(plan.openings, say, communities)
    if plan.units is not None:
        tables |= _units(plan.units, say, communities, buildings)
    if plan.effects is not None:
        named = plan.effects["community_id"].map(str)
        effects = plan.effects.copy()
        effects.insert(1, "community", named.map(communities).fillna(named))
        tables["effects"] = _marked(effects, plan)
        sums = _with_shares(comparison_totals(plan.effects))
        tables["effect_totals"] = _marked(sums, plan)
    return tables


def _openings(openings: gpd.GeoDataFrame, say: Sayer, communities: Names) -> pd.DataFrame:
    table = pd.DataFrame(openings.drop(columns=[openings.geometry.name, "path"]))
    table["said"] = table[f"why_{say.lang}"]
    for side in ("side_a", "side_b"):
        outside = say.word("report.outside")
        table[side] = [communities.get(key, key) or outside for key in table[side]]
    table["kind"] = [say.word(f"report.opening_{kind}") for kind in table["kind"]]
    return table.drop(columns=["why_zh", "why_en"])


def _units(
    units: JointUnits, say: Sayer, communities: Names, buildings: Names
) -> dict[str, pd.DataFrame]:
    table = pd.DataFrame(units.units.drop(columns=units.units.geometry.name))
    members = [
        [communities.get(key, key) for key in ids.split(";")] for ids in table["community_ids"]
    ]
    table.insert(1, "members", [say.joined(names) for names in members])
    table.insert(2, "called", [buildings.get(key, key) for key in table["building_id"]])
    table["said"] = table[f"why_{say.lang}"]
    plans = units.comparison.assign(
        plan=[say.word(f"report.units_{name}") for name in units.comparison["plan"]]
    )
    return {"joint_units": table.drop(columns=["why_zh", "why_en"]), "unit_plans": plans}


def _marked(table: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Which rows are at the limit of the service itself."""
    limits = {service.name: service.within_min for service in plan.project.services}
    own = table["within_min"] == table["service"].map(limits)
    table.insert(list(table.columns).index("within_min") + 1, "own_limit", own)
    return table


def _with_shares(sums: pd.DataFrame) -> pd.DataFrame:
    people = sums["people"].where(sums["people"] > 0)
    return sums.assign(
        share_before=sums["covered_before"] / people, share_after=sums["covered_after"] / people
    )


def decided_lines(plan: Plan, say: Sayer) -> Iterator[str]:
    """What the plan decides, sentence by sentence.

    Parameters
    ----------
    plan : Plan
    say : Sayer

    Yields
    ------
    str
    """
    writers: Sequence[Callable[[Plan, Sayer], Iterator[str]]] = (
        _opening_lines,
        _unit_lines,
        _effect_lines,
    )
    for write in writers:
        yield from write(plan, say)


def _opening_lines(plan: Plan, say: Sayer) -> Iterator[str]:
    openings = plan.openings
    if openings is None:
        return
    if not len(openings):
        yield say.word("report.say_no_opening")
        return
    # the sentence of the table begins with the place and ends with a full stop of its own
    yield say.word("report.say_first_opening", why=openings[f"why_{say.lang}"].iloc[0])
    joint = used(openings).get("together") or {}
    if joint:
        yield say.word(
            "report.say_openings_together",
            count=int(openings["together"].notna().sum()),
            people=say.cell(joint["people_gained"], "people"),
            state=say.word("report.state_proven")
            if joint["gap"] == 0
            else say.word("report.state_at_most", bound=say.cell(joint["bound"], "people")),
        )


def _unit_lines(plan: Plan, say: Sayer) -> Iterator[str]:
    if plan.units is None:
        return
    plans = plan.units.comparison.set_index("plan")
    yield say.word(
        "report.say_units",
        units=say.cell(plans.loc["joint", "units"], "whole"),
        joint=say.cell(plans.loc["joint", "people_served"], "people"),
        separate=say.cell(plans.loc["separate", "people_served"], "people"),
    )


def _effect_lines(plan: Plan, say: Sayer) -> Iterator[str]:
    if plan.effects is None:
        return
    sums = _marked(_with_shares(comparison_totals(plan.effects)), plan)
    for row in sums[(sums["gained"] > 0) & sums["own_limit"]].to_dict("records"):
        yield say.word(
            "report.say_effect",
            service=say.service(row["service"]),
            before=say.cell(row["share_before"], "share"),
            after=say.cell(row["share_after"], "share"),
            minutes=f"{float(row['within_min']):g}",
            people=say.cell(row["gained"], "people"),
        )
