"""Which options were really used, and what the numbers cannot say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from communityplan.plan import Plan
from communityplan.project import Project
from communityplan.report.columns import Sayer
from communityplan.standards.clauses import STANDARDS
from communityplan.tables import used
from communityplan.wording import section

__all__ = ["options_used", "what_to_know"]

NETWORK_OPTIONS = (
    "enclosed",
    "untagged_gates",
    "gate_within_m",
    "attach_within_m",
    "at",
    "elevation",
)


def options_used(plan: Plan, say: Sayer) -> pd.DataFrame:
    """Every option the results were made with.

    Parameters
    ----------
    plan : Plan
    say : Sayer

    Returns
    -------
    DataFrame
        ``option`` and ``value``, in words.
    """
    rows = [(say.word(f"report.option_{name}"), value) for name, value in _options(plan, say)]
    return pd.DataFrame(rows, columns=["option", "value"])


def _options(plan: Plan, say: Sayer) -> Iterator[tuple[str, str]]:
    project = plan.project
    yield "minutes", ", ".join(f"{limit:g}" for limit in project.minutes)
    yield "services", _listed((service.name for service in project.services), say)
    yield "direction", say.word("report.value_there")
    for name in NETWORK_OPTIONS:
        if name in plan.network.options:
            told = _elevation if name == "elevation" else _value
            yield name, told(plan.network.options[name], say)
    idle = plan.network.without_effect
    if idle:
        yield "without_effect", say.joined(say.word(f"report.option_{name}") for name in idle)
    if project.population is not None:
        spread = "placement" in used(project.homes)
        said = Path(project.population).name if spread else say.word("report.value_not_used")
        yield "population", said
    if project.repairs is not None:
        yield "repairs", f"{len(project.repairs):,}"
    if plan.ranking is not None:
        ranked = used(plan.ranking)
        yield "ranked", _listed(list(ranked.get("services", project.ranked)), say)
        weights = {**dict.fromkeys(project.ranked, 1.0), **ranked.get("weights", project.weights)}
        pairs = (f"{say.service(name)} {weight:g}" for name, weight in weights.items())
        yield "weights", say.joined(pairs)
    if project.standards:
        yield "standards", say.joined(_standard(name, say) for name in project.standards)
    if project.surveyed:
        yield "surveyed", _listed(list(project.surveyed), say)
    if project.budget_yuan is not None:
        yield "budget", _budget(project)


def _budget(project: Project) -> str:
    """Money in all, and by year where it is given so."""
    said = f"{project.whole_budget_yuan:,.0f}"
    if not isinstance(project.budget_yuan, Mapping):
        return said
    years = ", ".join(f"{year}: {yuan:,.0f}" for year, yuan in project.budget_yuan.items())
    return f"{said} ({years})"


def _value(value: Any, say: Sayer) -> str:
    if value is None:
        return say.word("report.value_none")
    known = f"report.value_{value}"
    if isinstance(value, str) and known in section("report", say.lang):
        return say.word(known)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _elevation(noted: Any, say: Sayer) -> str:
    """The raster that slopes were taken from; its folder is nobody's business."""
    if not isinstance(noted, Mapping):
        return _value(noted, say)
    name = Path(str(noted.get("source", ""))).name
    return say.word("report.value_raster", file=name, cell=f"{noted.get('cell_m', float('nan')):g}")


def _standard(name: str, say: Sayer) -> str:
    """What a standard is called; the name of its file where it is the project's own."""
    if name not in STANDARDS:
        return Path(name).name
    known = STANDARDS[name]
    return f"{(known.zh if say.lang == 'zh' else known.en) or known.id} {known.number}".strip()


def _listed(names: Iterable[str], say: Sayer) -> str:
    return say.joined(say.service(name) for name in names)


def what_to_know(plan: Plan, say: Sayer) -> list[str]:
    """What the numbers cannot say, the weightiest first.

    Parameters
    ----------
    plan : Plan
    say : Sayer

    Returns
    -------
    list of str
    """
    return [say.word(f"report.limit_{key}", **values) for key, values in _limits(plan, say)]


def _limits(plan: Plan, say: Sayer) -> Iterator[tuple[str, dict[str, Any]]]:
    project = plan.project
    if project.synthetic:
        yield "synthetic", {}
    unsure = [service.name for service in project.services if not service.verified]
    if unsure:
        yield "unverified_services", {"services": _listed(unsure, say)}
    yield "walkers", {}
    if project.from_osm:
        yield "osm", {}
        yield "osm_people", {}
    yield from _gates(plan, say)
    if project.elevation is not None and plan.network.options.get("elevation") is None:
        source = getattr(project.elevation, "source", project.elevation)
        yield "elevation_unused", {"file": Path(str(source)).name}
    elif plan.network.options.get("elevation") is None:
        yield "flat", {}
    yield "near_is_not_served", {}
    if plan.ranking is not None:
        yield "each_alone", {}
    if project.budget_yuan is not None and plan.chosen is None:
        yield "budget_unused", {"yuan": _budget(project)}
    if plan.checkup is not None:
        unknown = int((plan.checkup["status"] == "unknown").sum())
        yield "unknown_clauses", {"count": unknown, "all": len(plan.checkup)}
    if len(plan.areas):
        worst = float(plan.areas["false_share"].max())
        yield "areas", {"share": say.cell(worst, "share")}
    yield "rounded", {}


def _gates(plan: Plan, say: Sayer) -> Iterator[tuple[str, dict[str, Any]]]:
    gates = plan.project.gates
    if gates is None or not len(gates):
        yield "no_gates", {}
        return
    blank = gates["who"].fillna("").map(str) == "" if "who" in gates.columns else None
    count = len(gates) if blank is None else int(blank.sum())
    if count:
        taken = _value(plan.network.options["untagged_gates"], say)
        yield "untagged_gates", {"count": count, "all": len(gates), "taken": taken}
