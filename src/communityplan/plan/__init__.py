"""One community, one plan: from a project to everything that is told of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from communityplan.allocation import Choice
from communityplan.checkup import what_is_missing
from communityplan.coverage import totals
from communityplan.errors import OptionError
from communityplan.network import WalkNetwork
from communityplan.plan.circles import areas_of, check_of, choice_of, ranking_of, served
from communityplan.plan.shown import notebook_page
from communityplan.plan.spatial import best_openings, effects_of, shared_centres
from communityplan.project import Project
from communityplan.scenario import JointUnits

__all__ = ["STEPS", "Plan", "make_plan"]

Tell = Callable[[str], None]

STEPS = ("openings", "units")
"""What a plan may hold beyond circles, ranking, choice and check-up."""


@dataclass(frozen=True)
class Plan:
    """What a project comes to.

    Attributes
    ----------
    project : Project
    network : WalkNetwork
    ledger : DataFrame
        People by community, service, group and limit (see `coverage`).
    access : DataFrame
        Nearest facility of every home, by service, or why there is none (see `home_access`).
    areas : GeoDataFrame
        Service areas by service and limit.
    ranking : GeoDataFrame or None
        Idle buildings, best first (see `rank_sites`); None where the project has none.
    checkup : DataFrame or None
        Every community against every clause (see `checkup`); None where no standard is named.
    chosen : Choice or None
        The best services in idle buildings for the budget (see `choose_sites`); None without one.
    not_chosen : str
        Why there is no choice although there is a budget, such as costs that are not given.
    openings : GeoDataFrame or None
        Which wall to open first (see `rank_openings`).
    units : JointUnits or None
        Adjoining communities that share a centre (see `joint_units`).
    effects : DataFrame or None
        Who is served today and who with the plan: what is chosen, the best openings and the items
        of the menu taken together (see `scenario.compare`); None where nothing changes.
    """

    project: Project
    network: WalkNetwork
    ledger: pd.DataFrame
    access: pd.DataFrame
    areas: gpd.GeoDataFrame
    ranking: gpd.GeoDataFrame | None
    checkup: pd.DataFrame | None = None
    chosen: Choice | None = None
    not_chosen: str = ""
    openings: gpd.GeoDataFrame | None = None
    units: JointUnits | None = None
    effects: pd.DataFrame | None = None

    def __repr__(self) -> str:
        return f"<Plan of {self.project!r}: {', '.join(self.tables())}>"

    def tables(self) -> list[str]:
        """Names of what there is."""
        return [name for name in _TABLES if getattr(self, name) is not None]

    @property
    def totals(self) -> pd.DataFrame:
        """The ledger summed over communities."""
        return totals(self.ledger)

    @property
    def missing(self) -> pd.DataFrame | None:
        """What is missing and what to make up, in sentences; None without a check-up."""
        return None if self.checkup is None else what_is_missing(self.checkup)

    def _repr_html_(self) -> str:
        """Figures and map as a notebook shows them."""
        return notebook_page(self)


_TABLES = (
    "ledger",
    "access",
    "areas",
    "ranking",
    "checkup",
    "chosen",
    "openings",
    "units",
    "effects",
)


def make_plan(
    project: Project, *, steps: Sequence[str] | None = None, tell: Tell | None = None
) -> Plan:
    """Evaluate a project: network, coverage, service areas, ranking, choice, check-up, and beyond.

    Parameters
    ----------
    project : Project
        As from `load_project` or `project_from_osm`.
    steps : sequence of str, optional
        Steps beyond the circles, of `STEPS`: those the project asks for unless given; none with
        an empty sequence, which is quicker.
    tell : callable, optional
        Told the key of each stage as it begins: network, coverage, areas, ranking, choice,
        checkup, openings, units, effects.

    Returns
    -------
    Plan

    Raises
    ------
    CommunityPlanError
        For inputs or options that cannot be used.

    Examples
    --------
    >>> import communityplan as cp
    >>> plan = cp.make_plan(cp.load_project("demo"), steps=["openings"])
    >>> plan.openings.loc[0, "gate_id"]
    'G12'
    """
    say = tell or _silent
    asked = _asked(project, steps)
    say("network")
    network = project.network()
    say("coverage")
    ledger, access = served(project, network)
    say("areas")
    areas = areas_of(project, network)
    say("ranking")
    ranking = ranking_of(project, network)
    say("choice")
    chosen, not_chosen = choice_of(project, network)
    say("checkup")
    checked = check_of(project, network)
    openings, units = None, None
    if "openings" in asked:
        say("openings")
        openings = best_openings(project, network, project.steps.get("openings", {}))
    if "units" in asked:
        say("units")
        units = shared_centres(project, network, project.steps.get("units", {}))
    effects = None
    if asked:
        say("effects")
        effects = effects_of(project, network, chosen=chosen, openings=openings)
    return Plan(
        project=project,
        network=network,
        ledger=ledger,
        access=access,
        areas=areas,
        ranking=ranking,
        checkup=checked,
        chosen=chosen,
        not_chosen=not_chosen,
        openings=openings,
        units=units,
        effects=effects,
    )


def _asked(project: Project, steps: Sequence[str] | None) -> set[str]:
    """The steps to make."""
    if steps is None:
        return {name for name in STEPS if name in project.steps}
    unknown = [name for name in steps if name not in STEPS]
    if unknown:
        raise OptionError(f"no step {', '.join(unknown)}; known are {', '.join(STEPS)}")
    return set(steps)


def _silent(stage: str) -> None:
    del stage
