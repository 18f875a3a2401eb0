"""Measures -> changed tables, and every problem with them at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.errors import DataError, OptionError
from communityplan.network import WalkNetwork
from communityplan.network.edges import UNTAGGED_GATES, words
from communityplan.network.timing import minute_of_day
from communityplan.project import Project
from communityplan.scenario.draft import Draft, appended, meets_near, no_such
from communityplan.scenario.measures import (
    AddFacility,
    AddGate,
    AddLift,
    AddPath,
    CloseGate,
    Measure,
    OpenGate,
    RemoveWall,
    RetimeGate,
    Scenario,
    told,
)
from communityplan.scenario.paths import add_way
from communityplan.scenario.situation import NETWORK_TABLES, Situation, network_of, situation
from communityplan.scenario.walls import take_down
from communityplan.tables import as_flags

__all__ = ["apply"]

WIDTH = {"closed": 0, "residents": 1, "everyone": 2}
GATE_COLUMNS = {"who": "", "open_from": None, "open_until": None}

# walls go before paths are joined and gates put into what is left
ORDER = (
    RemoveWall,
    AddPath,
    AddGate,
    OpenGate,
    RetimeGate,
    CloseGate,
    AddFacility,
    AddLift,
)


def apply(
    scenario: Scenario,
    start: Situation | Project | Mapping[str, Any],
    *,
    network: WalkNetwork | None = None,
) -> Situation:
    """The district after a scenario: changed tables and their network.

    Parameters
    ----------
    scenario : Scenario
    start : Project, mapping of str to GeoDataFrame, or Situation
        As in `situation`; it is not changed. A situation that a scenario has left gets the new
        measures on top of those it has.
    network : WalkNetwork, optional
        The network of `start`, where there is one already.

    Returns
    -------
    Situation
        Its ``effects`` tell what became of every measure; one that changes nothing says so.

    Raises
    ------
    DataError
        Lists every gate, wall, community, home or building that is not there, with the names that
        come near, and every path or gate that joins nothing.

    Notes
    -----
    Walls are taken down first, then paths are joined, gates put in, gates opened, timed and shut,
    facilities and lifts added, whatever the order of the measures.

    Examples
    --------
    >>> import communityplan as cp
    >>> from communityplan.scenario import Scenario, apply, open_gate
    >>> after = apply(Scenario("东门", "East gate", (open_gate("G04"),)), cp.load_project("demo"))
    >>> after.gates.set_index("gate_id").loc["G04", "who"]
    'everyone'
    >>> after.effects["en"].tolist()
    ['gate G04 is open to everyone']
    """
    if not isinstance(scenario, Scenario):
        raise OptionError(f"scenario is {scenario!r}; give a Scenario")
    given = situation(start, network=network)
    base = given.start or given
    whole = scenario if given.scenario is None else _together(given.scenario, scenario)
    untouched = Draft(base.tables, dict(base.network.options))
    draft = replace(untouched, start=untouched)
    rows, problems = [], []
    order = sorted(
        range(len(whole.measures)), key=lambda row: ORDER.index(type(whole.measures[row]))
    )
    for row in order:
        label = f"scenario {whole.name}, measure {row + 1}, {told(whole.measures[row])}"
        draft = replace(draft, label=label, effects=(), problems=())
        draft = _changed(draft, whole.measures[row])
        rows += [(row, effect) for effect in draft.effects]
        problems += [(row, problem) for problem in draft.problems]
    if problems:
        raise DataError([problem for _, problem in sorted(problems, key=lambda item: item[0])])
    return _left(base, whole, draft, _effects(whole, rows))


def _together(first: Scenario, second: Scenario) -> Scenario:
    names_en = [item.name_en or item.name for item in (first, second)]
    return Scenario(
        f"{first.name} + {second.name}",
        " + ".join(names_en),
        (*first.measures, *second.measures),
    )


def _effects(scenario: Scenario, rows: list[tuple[int, dict[str, Any]]]) -> pd.DataFrame:
    """What became of the measures, in their order."""
    said = scenario.told()
    table = [
        {"measure": row + 1, "told": said[row], **effect}
        for row, effect in sorted(rows, key=lambda item: item[0])
    ]
    return pd.DataFrame(table, columns=["measure", "told", "has_effect", "zh", "en"])


def _left(base: Situation, scenario: Scenario, draft: Draft, effects: pd.DataFrame) -> Situation:
    """The situation that the changed tables make."""
    tables: dict[str, Any] = dict(draft.tables)
    same = all(tables[name] is base.tables[name] for name in NETWORK_TABLES)
    network = base.network if same else network_of(tables, draft.options)
    project = base.project
    if project is not None:
        options = dict(project.network_options)
        if draft.options["enclosed"] != base.network.options["enclosed"]:
            options["enclosed"] = draft.options["enclosed"]
        changed: dict[str, Any] = {**tables, "network_options": options}
        project = replace(project, **changed)
    return replace(
        base,
        **tables,
        network=network,
        scenario=scenario,
        start=base,
        only_opens=draft.only_opens,
        effects=effects,
        project=project,
    )


def _changed(draft: Draft, measure: Measure) -> Draft:
    change: Callable[[Draft, Any], Draft] = _CHANGES[type(measure)]
    return change(draft, measure)


def _gate_row(draft: Draft, gate_id: str) -> int | None:
    gates = draft.table("gates")
    if not len(gates):
        return None
    rows = np.flatnonzero(gates["gate_id"].map(str).to_numpy() == gate_id)
    return int(rows[0]) if len(rows) else None


def _gate_with(draft: Draft, row: int, **cells: Any) -> Draft:
    gates = draft.table("gates")
    columns = {}
    for name, value in cells.items():
        column = list(gates[name]) if name in gates.columns else [None] * len(gates)
        column[row] = value
        columns[name] = pd.array(column, dtype=object if isinstance(value, str | None) else None)
    return draft.having(gates=gates.assign(**columns))


def _no_gate(draft: Draft, gate_id: str) -> Draft:
    if gate_id in draft.gone:
        return draft.told("gate_gone", has_effect=False, gate=gate_id)
    gates = draft.table("gates")
    return no_such(draft, "gate", gate_id, gates["gate_id"] if len(gates) else [])


def _who(draft: Draft, row: int) -> str:
    gates = draft.table("gates")
    who = words(gates["who"])[row] if "who" in gates.columns else ""
    return str(who) or UNTAGGED_GATES[str(draft.options["untagged_gates"])]


def _hours(draft: Draft, row: int) -> bool:
    gates = draft.table("gates")
    columns = [name for name in ("open_from", "open_until") if name in gates.columns]
    return any(words(gates[name])[row] for name in columns)


def _open_gate(draft: Draft, measure: OpenGate) -> Draft:
    row = _gate_row(draft, measure.gate_id)
    if row is None:
        return _no_gate(draft, measure.gate_id)
    who, hours = _who(draft, row), _hours(draft, row)
    if who == measure.who and not hours:
        return draft.told("gate_as_before", has_effect=False, gate=measure.gate_id)
    changed = _gate_with(draft, row, who=measure.who, open_from=None, open_until=None)
    if WIDTH[measure.who] < WIDTH[who]:
        changed = changed.shuts()
    return changed.told(f"gate_{measure.who}", gate=measure.gate_id)


def _close_gate(draft: Draft, measure: CloseGate) -> Draft:
    row = _gate_row(draft, measure.gate_id)
    if row is None:
        return _no_gate(draft, measure.gate_id)
    if _who(draft, row) == "closed":
        return draft.told("gate_as_before", has_effect=False, gate=measure.gate_id)
    return _gate_with(draft, row, who="closed").shuts().told("gate_closed", gate=measure.gate_id)


def _retime_gate(draft: Draft, measure: RetimeGate) -> Draft:
    row = _gate_row(draft, measure.gate_id)
    if row is None:
        return _no_gate(draft, measure.gate_id)
    hours = {"open_from": measure.open_from, "open_until": measure.open_until}
    cells: dict[str, Any] = {name: time for name, time in hours.items() if time is not None}
    for time in cells.values():
        try:
            minute_of_day(time)
        except OptionError as error:
            draft = draft.wrong(str(error), "Give the time as HH:MM")
    if measure.wait_s is not None:
        cells["wait_s"] = measure.wait_s
    if not cells:
        return draft.told("gate_as_before", has_effect=False, gate=measure.gate_id)
    # other hours may shut it when somebody walks, another wait may be longer
    changed = _gate_with(draft, row, **cells).shuts()
    if cells.keys() <= {"open_from", "open_until"} and draft.options["at"] is None:
        return changed.told("hours_without_time", has_effect=False, gate=measure.gate_id)
    return changed.told("gate_retimed", gate=measure.gate_id)


def _add_gate(draft: Draft, measure: AddGate) -> Draft:
    within_m = float(draft.options["gate_within_m"])
    if not len(meets_near(draft, measure.point, within_m=within_m)):
        if draft.start and len(meets_near(draft.start, measure.point, within_m=within_m)):
            return draft.told("wall_not_there", has_effect=False)
        return draft.wrong(
            f"no wall cuts a street within {within_m:g} m, so the gate would open nothing",
            "Move it to where a street meets the wall, or use add_path with opens",
        )
    gates = draft.table("gates")
    first = int(gates["gate_id"].map(str).str.startswith("new gate").sum()) if len(gates) else 0
    name = f"new gate {first + 1}"
    row = {"gate_id": name, "who": measure.who, "wait_s": measure.wait_s}
    changed = draft.having(gates=appended(gates, [row], [measure.point]))
    return changed.told(f"gate_{measure.who}", gate=name)


def _add_facility(draft: Draft, measure: AddFacility) -> Draft:
    row: dict[str, Any] = {"service": measure.service, "capacity": measure.capacity}
    shape: Any = measure.point
    if measure.building_id:
        buildings = draft.table("idle_buildings")
        keys = buildings["building_id"].map(str) if len(buildings) else pd.Series(dtype=object)
        rows = np.flatnonzero(keys.to_numpy() == measure.building_id)
        if not len(rows):
            return no_such(draft, "idle building", measure.building_id, keys)
        building = buildings.iloc[int(rows[0])]
        shape = buildings.geometry.iloc[int(rows[0])]
        shared = ("floor_area_m2", "name", "name_en", "door")
        row |= {name: building[name] for name in shared if name in buildings.columns}
    facilities = draft.table("facilities")
    known = set(facilities["facility_id"].map(str))
    stem = f"{measure.building_id or 'new'} {measure.service}"
    name = next(
        key
        for key in [stem, *(f"{stem} {n}" for n in range(2, len(known) + 3))]
        if key not in known
    )
    changed = draft.having(facilities=appended(facilities, [{"facility_id": name, **row}], [shape]))
    return changed.told("facility_added", facility=name)


def _add_lift(draft: Draft, measure: AddLift) -> Draft:
    homes = draft.table("homes")
    keys = homes["home_id"].map(str).to_numpy()
    unknown = [name for name in measure.home_ids if name not in set(keys)]
    for name in unknown:
        draft = no_such(draft, "home", name, keys)
    had = _lifts(homes)
    chosen = np.isin(keys, measure.home_ids)
    new = int((chosen & ~had).sum())
    changed = draft.having(homes=homes.assign(has_lift=had | chosen))
    return changed.told("lifts_added" if new else "lift_there", has_effect=bool(new), count=new)


def _lifts(homes: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    if "has_lift" not in homes.columns:
        return np.zeros(len(homes), dtype=bool)
    return np.asarray(as_flags(homes["has_lift"]))


_CHANGES: dict[type, Callable[..., Draft]] = {
    OpenGate: _open_gate,
    CloseGate: _close_gate,
    RetimeGate: _retime_gate,
    RemoveWall: take_down,
    AddGate: _add_gate,
    AddPath: add_way,
    AddFacility: _add_facility,
    AddLift: _add_lift,
}
