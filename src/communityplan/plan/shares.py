"""People covered home by home, so that maps and layers agree with the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from communityplan.coverage import covered_share
from communityplan.project import Project
from communityplan.standards import Service
from communityplan.standards import walker as find_walker

if TYPE_CHECKING:
    from communityplan.plan import Plan

__all__ = ["home_shares", "own_shares"]


def home_shares(project: Project, access: pd.DataFrame) -> pd.DataFrame:
    """The nearest facility of every home with the share of its people covered, by limit.

    Parameters
    ----------
    project : Project
    access : DataFrame
        As `Plan.access`, homes in the order of the project.

    Returns
    -------
    DataFrame
        The columns of `home_access`, with ``group``, ``within_min`` [min], ``people`` and
        ``covered_share`` [0-1], stairs included: one row per home, service and limit.
    """
    tables = []
    for service in project.services:
        own = _access(access, service)
        people = pd.to_numeric(project.homes[service.group]).fillna(0.0).to_numpy(dtype=np.float64)
        for limit in sorted({*project.minutes, service.within_min}):
            tables.append(
                own.assign(
                    group=service.group,
                    within_min=float(limit),
                    people=people,
                    covered_share=_share(project, service, own, limit),
                )
            )
    return pd.concat(tables, ignore_index=True)


def own_shares(plan: Plan) -> dict[str, pd.DataFrame]:
    """Walk, reason and covered share of every home within each service's own limit.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    dict of str to DataFrame
        By service, on the index of the homes: ``walk_min``, ``reason``, ``covered_share``.
    """
    found = {}
    for service in plan.project.services:
        access = _access(plan.access, service)
        share = _share(plan.project, service, access, service.within_min)
        table = access[["walk_min", "reason"]].assign(covered_share=share)
        found[service.name] = table.set_axis(plan.project.homes.index)
    return found


def _access(access: pd.DataFrame, service: Service) -> pd.DataFrame:
    """The rows of one service, in the order of the homes."""
    return access[access["service"] == service.name].reset_index(drop=True)


def _share(
    project: Project, service: Service, access: pd.DataFrame, limit: float
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    covered, _ = covered_share(
        project.homes,
        access["walk_min"].to_numpy(dtype=np.float64),
        walker=find_walker(service.walker),
        within_min=limit,
        direction="there",
    )
    return np.asarray(covered)
