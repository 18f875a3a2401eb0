"""Which service fits which idle building, and every reason why one does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.errors import OptionError
from communityplan.siting.given import refuse_no_tables
from communityplan.siting.rules import Rules, StoreyRule, find_rules
from communityplan.siting.words import say
from communityplan.standards import Service, named_service
from communityplan.tables import IDLE_BUILDINGS, check, record
from communityplan.wording import service_word

__all__ = ["FREE", "Building", "buildings_of", "chosen_services", "floor_below", "programme_fit"]

Floats = NDArray[np.float64]

FREE = StoreyRule()
"""What holds for a service without a rule: any storey."""


@dataclass(frozen=True)
class Building:
    """What is known of an idle building that decides what fits it.

    Attributes
    ----------
    floor_area_m2 : float
    storeys, storey : float
        Storeys above ground, and the one that the space lies on; nan where not known.
    former_use, tenure_route : str
        Empty where not known.
    allowed, hazards : tuple of str
    """

    floor_area_m2: float
    storeys: float
    storey: float
    former_use: str
    tenure_route: str
    allowed: tuple[str, ...]
    hazards: tuple[str, ...]


@dataclass(frozen=True)
class _Reason:
    """Why a service does not fit: a key of the words, what it names, and its mark."""

    code: str
    values: tuple[str, ...]
    verified: bool

    def said(self, lang: str, *, marked: bool = True) -> str:
        named = self.values
        if self.code == "not_allowed":
            called = [service_word(name, lang) if marked else name for name in named]
            named = (say("mark", "comma", lang).join(called),)
        elif self.code == "hazard":
            named = (say("mark", "comma", lang).join(named),)
        text = say("reason", self.code, lang, **dict(zip("abc", named, strict=False)))
        return text + (say("mark", "unverified", lang) if marked and not self.verified else "")


def programme_fit(
    idle_buildings: gpd.GeoDataFrame,
    *,
    services: Sequence[str | Service],
    rules: Rules | str | Path | None = None,
) -> pd.DataFrame:
    """Which service fits which building, each by itself, and why not.

    Parameters
    ----------
    idle_buildings : GeoDataFrame
        As `tables.IDLE_BUILDINGS`; a further column ``storey`` tells the storey that the space
        lies on (1 at the ground, 0 and below under it), else it fills all ``storeys``.
    services : sequence of str or Service
    rules : Rules or path, optional
        Storeys, former uses, tenure and hazards; the shipped rules unless given.

    Returns
    -------
    DataFrame
        One row per ``building_id`` and ``service``: ``fits``, ``reason`` (empty where it fits),
        ``reason_codes`` (hazard, not_allowed, former_use, tenure, too_small, too_small_below,
        too_high, basement; with ``;`` between), ``reason_zh`` and ``reason_en`` (sentences that
        say where a rule is not verified), ``verified`` (whether every rule that excludes it is) and
        ``unchecked`` (columns that a rule needs and that are empty: what they would say is open).

    Raises
    ------
    TableError, OptionError, DataError

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from communityplan.siting import programme_fit
    >>> hall = gpd.GeoDataFrame({"building_id": ["b"], "floor_area_m2": [240.0]},
    ...     geometry=[shapely.Point(0, 0)], crs=32650)
    >>> programme_fit(hall, services=["canteen", "elder_care"])["reason"].tolist()
    ['', 'floor area 240 m2 is below 350 m2']
    """
    refuse_no_tables(idle_buildings=idle_buildings)
    check(idle_buildings, IDLE_BUILDINGS)
    wanted = chosen_services(services)
    rule = find_rules(rules)
    buildings = buildings_of(idle_buildings)
    ids = idle_buildings["building_id"].map(str).to_numpy()
    tables = [_fit(ids, buildings, service, rule) for service in wanted]
    table = pd.concat(tables, ignore_index=True)
    return record(table, services=[one.name for one in wanted], rules=rule.facts())


def chosen_services(services: Sequence[str | Service] | None) -> list[Service]:
    """Services by name or by themselves, each once."""
    given = [services] if isinstance(services, str | Service) else services or []
    wanted = [named_service(one) if isinstance(one, str) else one for one in given]
    names = [service.name for service in wanted]
    if not names:
        raise OptionError("no service to rank for; name at least one in services")
    if len(set(names)) < len(names):
        raise OptionError(f"services names one twice: {', '.join(names)}")
    return wanted


def buildings_of(table: pd.DataFrame) -> list[Building]:
    """The rows of a table of idle buildings, with what is not known as nan or empty."""
    numbers = [_numbers(table, name) for name in ("floor_area_m2", "storeys", "storey")]
    words = [_texts(table, name) for name in ("former_use", "tenure_route")]
    lists = [
        [tuple(part.strip() for part in cell.split(";") if part.strip()) for cell in cells]
        for cells in (_texts(table, name) for name in ("allowed_services", "hazards"))
    ]
    return [Building(*row) for row in zip(*numbers, *words, *lists, strict=True)]


def floor_below(building: Building, highest: float, rules: Rules) -> float:
    """Floor area that services can use up to a storey [m2]; floors are taken as equal."""
    usable_m2 = building.floor_area_m2 * rules.usable_share
    if building.storey > highest:
        return 0.0
    known = np.isnan(building.storey) and building.storeys > highest
    return usable_m2 * highest / building.storeys if known else usable_m2


def _fit(
    ids: NDArray[np.object_], buildings: Sequence[Building], service: Service, rules: Rules
) -> pd.DataFrame:
    found = [_obstacles(service, building, rules) for building in buildings]
    semicolon = {lang: say("mark", "joint", lang) for lang in ("zh", "en")}
    return pd.DataFrame(
        {
            "building_id": ids,
            "service": service.name,
            "fits": np.array([not reasons for reasons in found], dtype=bool),
            "reason": ["; ".join(one.said("en", marked=False) for one in row) for row in found],
            "reason_codes": [";".join(one.code for one in row) for row in found],
            **{
                f"reason_{lang}": [mark.join(one.said(lang) for one in row) for row in found]
                for lang, mark in semicolon.items()
            },
            "verified": np.array([all(one.verified for one in row) for row in found], dtype=bool),
            "unchecked": [_unchecked(service, building, rules) for building in buildings],
        }
    )


def _obstacles(service: Service, building: Building, rules: Rules) -> list[_Reason]:
    found = []
    hazards = tuple(one for one in building.hazards if one not in rules.mendable_hazards)
    if hazards:
        # hazards and allowed uses are facts of the building: there is no rule to verify
        found.append(_Reason("hazard", hazards, verified=True))
    if building.allowed and service.name not in building.allowed:
        found.append(_Reason("not_allowed", building.allowed, verified=True))
    uses = [one for one in rules.not_allowed if one.forbids(building.former_use, service.name)]
    if uses:
        verified = any(one.verified for one in uses)
        found.append(_Reason("former_use", (building.former_use,), verified))
    if building.tenure_route and building.tenure_route in rules.refused_tenure:
        found.append(_Reason("tenure", (building.tenure_route,), rules.tenure_verified))
    return found + _floor_obstacles(service, building, rules)


def _floor_obstacles(service: Service, building: Building, rules: Rules) -> list[_Reason]:
    """Too little floor, or floor on the wrong storeys."""
    rule = rules.storeys.get(service.name, FREE)
    storey, least_m2 = building.storey, service.min_floor_area_m2
    if not rule.basement and (storey < 1 or (np.isnan(storey) and building.storeys < 1)):
        return [_Reason("basement", (), rule.verified)]
    if storey > rule.highest:
        return [_Reason("too_high", (f"{storey:g}", f"{rule.highest:g}"), rule.verified)]
    usable_m2 = building.floor_area_m2 * rules.usable_share
    if usable_m2 < least_m2:
        return [_Reason("too_small", (f"{usable_m2:.0f}", f"{least_m2:.0f}"), service.verified)]
    below_m2 = floor_below(building, rule.highest, rules)
    if below_m2 < least_m2:
        named = (f"{below_m2:.0f}", f"{least_m2:.0f}", f"{rule.highest:g}")
        return [_Reason("too_small_below", named, rule.verified and service.verified)]
    return []


def _unchecked(service: Service, building: Building, rules: Rules) -> str:
    """Columns that a rule of the service needs and that are empty."""
    rule = rules.storeys.get(service.name, FREE)
    open_columns = []
    if rule != FREE and np.isnan(building.storeys) and np.isnan(building.storey):
        open_columns.append("storeys")
    if not building.former_use and any(
        {"*", service.name} & set(u.services) for u in rules.not_allowed
    ):
        open_columns.append("former_use")
    if not building.tenure_route and rules.refused_tenure:
        open_columns.append("tenure_route")
    return ";".join(open_columns)


def _numbers(table: pd.DataFrame, name: str) -> list[float]:
    if name not in table.columns:
        return [float("nan")] * len(table)
    cells = pd.to_numeric(table[name], errors="coerce")
    wrong = table.loc[(cells.isna() & table[name].notna()).to_numpy(), name]
    if len(wrong):
        raise OptionError(f"idle_buildings: {name} is {wrong.iloc[0]!r}; give a number")
    return [float(cell) for cell in cells.to_numpy(dtype=np.float64, na_value=np.nan)]


def _texts(table: pd.DataFrame, name: str) -> list[str]:
    if name not in table.columns:
        return [""] * len(table)
    cells = table[name].astype("object").where(table[name].notna(), "")
    return [str(cell).strip() for cell in cells]
