"""What is told of a plan, as plain tables: gathered once, written in every format."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from communityplan.checkup import status_counts
from communityplan.plan import Plan
from communityplan.plan.shares import own_shares
from communityplan.report.agreed import agreed_tables
from communityplan.report.columns import Sayer
from communityplan.report.decided import decided_tables
from communityplan.report.limits import options_used, what_to_know
from communityplan.standards import walker as find_walker
from communityplan.tables import used

__all__ = ["Facts", "gather"]

PROGRAMS = ("communityplan", "geopandas", "shapely", "pyproj", "pandas", "numpy", "scipy", "numba")
INPUTS = (
    "communities",
    "homes",
    "facilities",
    "idle_buildings",
    "streets",
    "walls",
    "gates",
)
WALKER_COLUMNS = (
    "name",
    "speed_m_s",
    "slope",
    "storey_up_s",
    "storey_down_s",
    "lift_wait_s",
    "crossing_wait_s",
    "may_use_steps",
    "verified",
    "source",
)
SERVICE_COLUMNS = (
    "name",
    "group",
    "walker",
    "within_min",
    "min_floor_area_m2",
    "verified",
    "source",
)


@dataclass(frozen=True)
class Facts:
    """Everything a report tells.

    Attributes
    ----------
    plan : Plan
    say : Sayer
        Language, and the services as the project means them.
    tables : mapping of str to DataFrame
        ``totals``, ``ledger``, ``homes``, ``homes_without``, ``areas``, ``inputs``, ``options``,
        ``walkers``, ``services``, ``network``, ``versions``, ``limits``; and, where the plan has
        them, ``status_counts``, ``missing``, ``checkup``, ``ranking``, ``chosen``, ``budget`` and
        those of `decided_tables` and `agreed_tables`.
    """

    plan: Plan
    say: Sayer
    tables: Mapping[str, pd.DataFrame]

    @property
    def name(self) -> str:
        """What the district is called."""
        project = self.plan.project
        return project.name if self.say.lang == "zh" else project.name_en or project.name

    @property
    def note(self) -> str:
        """What a reader has to know of the data."""
        project = self.plan.project
        return project.note if self.say.lang == "zh" else project.note_en or project.note


def gather(plan: Plan, *, lang: str, with_network: bool = True) -> Facts:
    """Every table of a report.

    Parameters
    ----------
    plan : Plan
    lang : {"zh", "en"}
    with_network : bool
        Whether to look for faults of the network, which takes its time in a large one.

    Returns
    -------
    Facts
    """
    say = Sayer(lang, {service.name: service for service in plan.project.services})
    options = options_used(plan, say)
    communities, buildings = _community_names(plan, lang), _building_names(plan, lang)
    tables = {
        "totals": _with_limits(plan.totals, plan),
        "ledger": _ledger(plan, lang),
        **_checkup(plan, lang),
        **({} if plan.ranking is None else {"ranking": _ranking(plan.ranking, say)}),
        **_chosen(plan, say),
        **decided_tables(plan, say, communities=communities, buildings=buildings),
        **agreed_tables(plan, say, communities=communities, buildings=buildings),
        "homes": _homes(plan),
        "homes_without": _homes_without(plan, lang),
        "areas": pd.DataFrame(plan.areas.drop(columns="geometry")),
        "inputs": _inputs(plan, say),
        "options": options,
        "walkers": _walkers(plan),
        "services": _services(plan),
        **({"network": _network(plan, lang)} if with_network else {}),
        "versions": _versions(),
        "limits": pd.DataFrame({"said": what_to_know(plan, say)}),
    }
    return Facts(plan, say, tables)


def _with_limits(table: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Which limits are the services' own, and whether these were seen in their source."""
    services = {service.name: service for service in plan.project.services}
    limit = table["service"].map({name: one.within_min for name, one in services.items()})
    own = (table["within_min"] == limit).to_numpy()
    seen = table["service"].map({name: one.verified for name, one in services.items()})
    place = list(table.columns).index("within_min") + 1
    marked = table.copy()
    marked.insert(place, "own_limit", own)
    # a limit that only the circles are drawn for comes from no source
    marked.insert(place + 1, "verified", seen.astype("object").where(own, None))
    people = marked["people"].where(marked["people"] > 0)
    return marked.assign(covered_share=marked["covered"] / people)


def _ledger(plan: Plan, lang: str) -> pd.DataFrame:
    ledger = _with_limits(plan.ledger, plan)
    ledger.insert(1, "community", ledger["community_id"].map(_community_names(plan, lang)))
    ledger["community"] = ledger["community"].fillna(ledger["community_id"])
    return ledger


def _community_names(plan: Plan, lang: str) -> dict[str, str]:
    communities = plan.project.communities
    if not len(communities):
        return {}
    ids = communities["community_id"].map(str)
    return dict(zip(ids, _names(communities, ids, lang), strict=True))


def _building_names(plan: Plan, lang: str) -> dict[str, str]:
    buildings = plan.project.idle_buildings
    if buildings is None or not len(buildings):
        return {}
    ids = buildings["building_id"].map(str)
    return dict(zip(ids, _names(buildings, ids, lang), strict=True))


def _names(table: pd.DataFrame, ids: pd.Series[Any], lang: str) -> list[str]:
    """What each row is called in a language; its key where it has no name."""
    wanted = ("name", "name_en") if lang == "zh" else ("name_en", "name")
    columns = [table[name] for name in wanted if name in table.columns]
    rows = zip(*columns, ids, strict=True) if columns else ([key] for key in ids)
    return [next(str(cell) for cell in row if isinstance(cell, str) and cell) for row in rows]


def _checkup(plan: Plan, lang: str) -> dict[str, pd.DataFrame]:
    found, missing = plan.checkup, plan.missing
    if found is None or missing is None:
        return {}
    names = _community_names(plan, lang)
    renamed = {f"name_{lang}": "clause_name", f"asks_{lang}": "asks", f"reason_{lang}": "why"}
    source = found["source_zh"].where(found["source_zh"].fillna("") != "", found["source"])
    told = found.assign(source=source if lang == "zh" else found["source"])
    other = "en" if lang == "zh" else "zh"
    left = [f"name_{other}", f"asks_{other}", f"reason_{other}", "reason", "source_zh"]
    tables = {
        "status_counts": status_counts(found),
        "missing": missing.rename(columns={lang: "said"}).drop(columns=other),
        "checkup": told.drop(columns=left).rename(columns=renamed),
    }
    return {key: table.assign(community=_called(table, names)) for key, table in tables.items()}


def _called(table: pd.DataFrame, names: Mapping[str, str]) -> pd.Series[Any]:
    return table["community_id"].map(names).fillna(table["community"])


def _ranking(ranking: gpd.GeoDataFrame, say: Sayer) -> pd.DataFrame:
    """The ranking, with what is said of each building in the language of the report."""
    table = pd.DataFrame(ranking.drop(columns=ranking.geometry.name))
    table.insert(1, "called", _names(table, table["building_id"], say.lang))
    table["said_why"] = table[f"why_{say.lang}"]
    # a building that fits nothing says so in the sentence before
    table["said_reason"] = table[f"reason_{say.lang}"].where(table["rank"].notna(), "")
    if "former_use" in table.columns:
        table["said_use"] = [say.cell(cell, "value") for cell in table["former_use"]]
    if "owner" in table.columns:
        named = "owner_en" if say.lang == "en" and "owner_en" in table.columns else "owner"
        table["said_owner"] = table[named].fillna(table["owner"])
    return table


def _chosen(plan: Plan, say: Sayer) -> dict[str, pd.DataFrame]:
    """What the budget opens, and what other budgets would."""
    if plan.chosen is None or plan.project.idle_buildings is None:
        return {}
    called = _building_names(plan, say.lang)
    opened = plan.chosen.opened.dropna(axis=1, how="all")
    names = opened["building_id"].map(str).map(called)
    if f"centre_{say.lang}" in opened:
        opened = opened.assign(said_centre=opened[f"centre_{say.lang}"])
        opened = opened.drop(columns=["is_centre", "centre_zh", "centre_en"])
    tables = {"chosen": opened.assign(called=names.fillna(opened["building_id"]))}
    curve = plan.chosen.curve
    return tables if curve is None else {**tables, "budget": pd.DataFrame(curve)}


def _homes(plan: Plan) -> pd.DataFrame:
    """Homes with walk, reason and covered share for every service."""
    homes = plan.project.homes
    table = pd.DataFrame(homes.drop(columns=homes.geometry.name))
    for service, own in own_shares(plan).items():
        for name in own.columns:
            table[f"{name}_{service}"] = own[name]
    return table


def _homes_without(plan: Plan, lang: str) -> pd.DataFrame:
    """Homes that reach no facility of a service, and why."""
    homes = plan.project.homes
    ids = homes["home_id"].map(str)
    without = plan.access[plan.access["reason"] != ""].copy()
    known = homes.assign(called=_names(homes, ids, lang)).set_index(ids)
    here = known.loc[without["home_id"].map(str)]
    groups = {service.name: service.group for service in plan.project.services}
    wanted = without["service"].map(groups)
    people = np.full(len(without), np.nan)
    for group in set(groups.values()):
        of_group = (wanted == group).to_numpy()
        people[of_group] = pd.to_numeric(here[group]).to_numpy(dtype=np.float64)[of_group]
    names = _community_names(plan, lang)
    community = here["community_id"].map(str).to_numpy()
    return pd.DataFrame(
        {
            "home_id": without["home_id"].to_numpy(),
            "name": here["called"].to_numpy(),
            "community_id": community,
            "community": [names.get(key, key) for key in community],
            "service": without["service"].to_numpy(),
            "group": wanted.to_numpy(),
            "people": people,
            "reason": without["reason"].to_numpy(),
            "nearest_m": without["nearest_m"].to_numpy(),
        }
    )


def _inputs(plan: Plan, say: Sayer) -> pd.DataFrame:
    rows = []
    for name in INPUTS:
        table = getattr(plan.project, name)
        if table is None:
            continue
        noted = used(table)
        rows.append(
            {
                "table": say.word(f"report.input_{name}"),
                "rows": len(table),
                # the folder is nobody's business but the planner's
                "file": Path(str(noted.get("file", plan.project.source))).name,
                "format": noted.get("format", ""),
                "encoding": noted.get("encoding", ""),
                "datum": _datum(str(noted.get("datum", "")), say),
                "crs": "" if table.crs is None else table.crs.to_string(),
                "changed": len(noted.get("changes", ())),
            }
        )
    return pd.DataFrame(rows)


def _datum(noted: str, say: Sayer) -> str:
    return say.word("report.datum_of_file") if noted == "as the file says" else noted


def _walkers(plan: Plan) -> pd.DataFrame:
    names = dict.fromkeys(service.walker for service in plan.project.services)
    facts = [find_walker(name).facts() for name in names]
    return pd.DataFrame(facts)[list(WALKER_COLUMNS)]


def _services(plan: Plan) -> pd.DataFrame:
    rows = [
        {name: getattr(service, name) for name in SERVICE_COLUMNS}
        for service in plan.project.services
    ]
    return pd.DataFrame(rows)


def _network(plan: Plan, lang: str) -> pd.DataFrame:
    found = plan.network.report(homes=plan.project.homes)
    if lang == "zh":
        found = found.assign(what=found["zh"], detail=found["detail_zh"])
    return found[["what", "detail", "count", "length_m", "people"]]


def _versions() -> pd.DataFrame:
    found = {"Python": platform.python_version()}
    for name in PROGRAMS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return pd.DataFrame({"program": list(found), "version": list(found.values())})
