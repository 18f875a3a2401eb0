"""Which sets of services fit a building together, and whether they make a neighbourhood centre."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from communityplan.errors import OptionError
from communityplan.siting.fit import (
    FREE,
    Building,
    buildings_of,
    chosen_services,
    floor_below,
    programme_fit,
)
from communityplan.siting.rules import CentreRule, Rules, find_rules
from communityplan.siting.words import say
from communityplan.standards import Service
from communityplan.tables import record
from communityplan.wording import service_word

__all__ = ["centre_status", "fitting_sets", "programmes", "reasons_of", "subsets"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MOST_SERVICES = 12
"""Every set is looked at, and twelve services have 4,096 of them."""

SLACK_M2 = 1e-6


def programmes(
    idle_buildings: gpd.GeoDataFrame,
    *,
    services: Sequence[str | Service],
    rules: Rules | str | Path | None = None,
    every_set: bool = False,
) -> pd.DataFrame:
    """Sets of services that fit each building together.

    Parameters
    ----------
    idle_buildings : GeoDataFrame
        As in `programme_fit`.
    services : sequence of str or Service
        At most 12.
    rules : Rules or path, optional
        Share of the floor that can be used, storeys, the rule of the centre; the shipped rules
        unless given.
    every_set : bool
        Every set that fits; else only those to which no further service could be added.

    Returns
    -------
    DataFrame
        In the order of the buildings, larger sets first: ``building_id``, ``services`` (with ``;``
        between), ``n_services``, ``floor_area_used_m2`` (their smallest floor areas),
        ``is_centre`` (preferred, met or no), ``centre_reason_codes`` (area, functions, core),
        ``centre_reason_zh``, ``centre_reason_en``, ``centre_verified`` (whether the rule of the
        centre is). A building that fits nothing has one row without services. ``reason``,
        ``reason_codes``, ``reason_zh`` and ``reason_en`` say why services do not fit it at all.

    Raises
    ------
    TableError, OptionError, DataError

    Notes
    -----
    A set fits where the services that may lie no higher than a storey fit together on the storeys
    up to it, for every storey that a rule names; floors are taken as equal.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from communityplan.siting import programmes
    >>> hall = gpd.GeoDataFrame({"building_id": ["b"], "floor_area_m2": [800.0]},
    ...     geometry=[shapely.Point(0, 0)], crs=32650)
    >>> sets = programmes(hall, services=["elder_care", "childcare", "canteen", "health"])
    >>> sets[["services", "floor_area_used_m2", "is_centre"]].values.tolist()[:2]
    [['elder_care;childcare;canteen', 750.0, 'preferred'],
     ['elder_care;childcare;health', 670.0, 'preferred']]
    """
    wanted = chosen_services(services)
    rule = find_rules(rules)
    fit = programme_fit(idle_buildings, services=wanted, rules=rule)
    alone = fit["fits"].to_numpy(dtype=bool).reshape(len(wanted), -1).T
    buildings = buildings_of(idle_buildings)
    members = subsets(len(wanted))
    fits = fitting_sets(buildings, alone, wanted, rule)
    if not every_set:
        fits = _largest(fits, members, alone)
    building, chosen = np.nonzero(fits)
    order = np.lexsort((chosen, -members[chosen].sum(axis=1), building))
    building, chosen = building[order], chosen[order]
    rows = [
        _row(buildings[b], members[c], wanted, rule.centre)
        for b, c in zip(building, chosen, strict=True)
    ]
    ids = idle_buildings["building_id"].map(str).to_numpy()
    table = pd.DataFrame(rows, columns=_COLUMNS).assign(centre_verified=rule.centre.verified)
    table.insert(0, "building_id", ids[building])
    return record(
        table.join(reasons_of(fit), on="building_id"),
        services=[one.name for one in wanted],
        every_set=every_set,
        rules=rule.facts(),
    )


_COLUMNS = [
    "services",
    "n_services",
    "floor_area_used_m2",
    "is_centre",
    "centre_reason_codes",
    "centre_reason_zh",
    "centre_reason_en",
]


def subsets(n: int) -> Flags:
    """Every set of n things as a row of flags, the empty one first.

    Raises
    ------
    OptionError
        Above 12.
    """
    if n > MOST_SERVICES:
        raise OptionError(
            f"there are {n} services, whose sets are too many; give at most {MOST_SERVICES}"
        )
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(bool)


def fitting_sets(
    buildings: Sequence[Building], alone: Flags, services: Sequence[Service], rules: Rules
) -> Flags:
    """Which sets of services fit which buildings together.

    Parameters
    ----------
    buildings : sequence of Building, length B
    alone : array of bool, shape (B, S)
        Which service fits by itself.
    services : sequence of Service, length S
    rules : Rules

    Returns
    -------
    array of bool, shape (B, 2**S)
        In the order of `subsets`; the empty set always fits.
    """
    members = subsets(len(services))
    fits = ~(~alone[:, None, :] & members).any(axis=2)
    least_m2 = np.array([service.min_floor_area_m2 for service in services])
    highest = np.array([rules.storeys.get(one.name, FREE).highest for one in services])
    for storey in np.unique([*highest, np.inf]):
        needed_m2 = members @ np.where(highest <= storey, least_m2, 0.0)
        there_m2 = np.array([floor_below(one, float(storey), rules) for one in buildings])
        # where nothing is needed, a space above the storey is no obstacle
        fits &= (needed_m2 <= there_m2[:, None] + SLACK_M2) | (needed_m2 == 0)
    return np.asarray(fits)


def reasons_of(fit: pd.DataFrame) -> pd.DataFrame:
    """Why services do not fit, by ``building_id``: reason, codes and sentences in a line each."""
    ids = fit["building_id"].unique()
    rows = fit[~fit["fits"]]
    told = {}
    for name in ("reason", "reason_codes", "reason_zh", "reason_en"):
        lang = name.removeprefix("reason_") if name in ("reason_zh", "reason_en") else ""
        labels = rows["service"].map(lambda key, to=lang: _label(key, to) if to else f"{key}: ")
        joint = say("mark", "joint", lang or "en")
        said = labels.astype("object") + rows[name].astype("object")
        lines = said.groupby(rows["building_id"]).agg(joint.join)
        told[name] = lines.reindex(ids, fill_value="")
    return pd.DataFrame(told, index=pd.Index(ids, name="building_id"), dtype="object")


def _label(service: str, lang: str) -> str:
    return service_word(service, lang) + say("mark", "colon", lang)


def _largest(fits: Flags, members: Flags, alone: Flags) -> Flags:
    """Sets to which no other service of the building can be added."""
    kept = fits.copy()
    codes = np.arange(len(members))
    for service in range(members.shape[1]):
        without = codes[~members[:, service]]
        larger = without + (1 << service)
        kept[:, without] &= ~(fits[:, larger] & alone[:, [service]])
    return kept


def _row(
    building: Building, members: Flags, services: Sequence[Service], rule: CentreRule
) -> tuple[Any, ...]:
    chosen = [service for service, taken in zip(services, members, strict=True) if taken]
    names = [service.name for service in chosen]
    used_m2 = float(sum(service.min_floor_area_m2 for service in chosen))
    centre = centre_status(building.floor_area_m2, names, rule)
    return ";".join(names), len(names), used_m2, *centre.values()


def centre_status(area_m2: float, names: Sequence[str], rule: CentreRule) -> dict[str, str]:
    """Whether services make a building a neighbourhood centre, and why or why not.

    Parameters
    ----------
    area_m2 : float
        Floor area of the building [m2].
    names : sequence of str
        Its services.
    rule : CentreRule

    Returns
    -------
    dict of str
        ``is_centre`` (preferred, met or no), ``codes`` (area, functions, core; with ``;``
        between), ``centre_zh``, ``centre_en``.
    """
    core = len(set(names) & set(rule.core_functions))
    short = {
        "area": (area_m2, rule.floor_area_min_m2),
        "functions": (len(names), rule.functions_min),
        "core": (core, rule.core_functions_min),
    }
    codes = [code for code, (there, least) in short.items() if there < least]
    status = "preferred" if area_m2 >= rule.floor_area_preferred_m2 else "met"
    values = {"area": f"{area_m2:.0f}", "count": len(names), "core": core}
    said = {}
    for lang in ("zh", "en"):
        texts = [say("centre", code, lang, least=f"{short[code][1]:g}", **values) for code in codes]
        told = say("mark", "joint", lang).join(texts) or say("centre", status, lang, **values)
        said[lang] = told + ("" if rule.verified else say("mark", "unverified", lang))
    return {
        "is_centre": "no" if codes else status,
        "codes": ";".join(codes),
        "centre_zh": said["zh"],
        "centre_en": said["en"],
    }
