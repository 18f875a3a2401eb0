"""One community, one plan: from a project to everything that is told of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import pandas as pd

from communityplan.allocation import Choice
from communityplan.checkup import what_is_missing
from communityplan.coverage import totals
from communityplan.errors import OptionError
from communityplan.finance import Money
from communityplan.menu import menu_scenario
from communityplan.network import WalkNetwork
from communityplan.plan.circles import areas_of, check_of, choice_of, ranking_of, served
from communityplan.plan.papers import Papers, read_papers
from communityplan.plan.shown import notebook_page
from communityplan.plan.spatial import after_of, best_openings, effects_of, shared_centres
from communityplan.plan.works import (
    funding_of,
    indicators_of,
    menu_of,
    money_of,
    phases_of,
    prongs_of,
)
from communityplan.project import Project
from communityplan.scenario import JointUnits, Situation

__all__ = ["STEPS", "Plan", "make_plan"]

Tell = Callable[[str], None]

STEPS = (
    "openings",
    "units",
    "prongs",
    "menu",
    "consent",
    "funding",
    "operation",
    "indicators",
)
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
    after : Situation or None
        The district with what is chosen, the best openings and the items of the menu together;
        None where these change no walk.
    effects : DataFrame or None
        Who is served today and who then, for every limit of the project (see
        `scenario.compare`).
    prongs : DataFrame or None
        Comprehensive renovation or management upgrading, by community (see `two_pronged`).
    menu : DataFrame or None
        The items of the menu, those chosen and why the others are not (see `choose_menu`).
    consent : DataFrame or None
        The state of every gate that the plan must pass (see `consent_stages`).
    funding : DataFrame or None
        Who pays how much, and what nobody pays yet (see `finance.who_pays`).
    rules_kept : DataFrame or None
        Whether the shares keep the rules of the project (see `finance.share_rules`).
    money : Money or None
        Cash flow and payback of what is chosen (see `finance.choice_money`).
    phases : DataFrame or None
        What is done in which year: ``year`` (missing without a budget by year), ``kind``, ``key``,
        ``what``, ``cost_yuan``.
    indicators : DataFrame or None
        Before, target and after, with the state of each (see `indicator_states`).
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
    after: Situation | None = None
    effects: pd.DataFrame | None = None
    prongs: pd.DataFrame | None = None
    menu: pd.DataFrame | None = None
    consent: pd.DataFrame | None = None
    funding: pd.DataFrame | None = None
    rules_kept: pd.DataFrame | None = None
    money: Money | None = None
    phases: pd.DataFrame | None = None
    indicators: pd.DataFrame | None = None

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

    @property
    def frames(self) -> dict[str, pd.DataFrame]:
        """Every table by its name, with the facilities and idle buildings it was made from.

        Two plans are held against each other by `compare_versions`.
        """
        inputs = {
            name: table
            for name in ("facilities", "idle_buildings", "gates", "walls")
            if (table := getattr(self.project, name)) is not None
        }
        opened = {} if self.chosen is None else {"chosen": self.chosen.opened}
        units = {} if self.units is None else {"units": self.units.units}
        returns = {} if self.finance is None else {"finance": self.finance}
        plain = {
            name: table
            for name in _TABLES
            if isinstance(table := getattr(self, name), pd.DataFrame)
        }
        return {**inputs, **plain, **opened, **units, **returns}

    @property
    def finance(self) -> pd.DataFrame | None:
        """Payback and return of every service that opens; None without money."""
        return None if self.money is None else self.money.returns

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
    "prongs",
    "menu",
    "consent",
    "funding",
    "rules_kept",
    "money",
    "phases",
    "indicators",
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
        checkup, and those of `STEPS`.

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
    # lists with mistakes are told before anything is computed
    papers = read_papers(project, asked)
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
    plan = Plan(
        project=project,
        network=network,
        ledger=ledger,
        access=access,
        areas=areas,
        ranking=ranking,
        checkup=check_of(project, network),
        chosen=chosen,
        not_chosen=not_chosen,
        consent=papers.status,
    )
    return _decided(plan, asked, papers, say) if asked else plan


def _decided(plan: Plan, asked: set[str], papers: Papers, say: Tell) -> Plan:
    """The plan with the steps beyond the circles, in the order in which they are decided."""
    project, network, options = plan.project, plan.network, plan.project.steps

    def begins(step: str) -> bool:
        if step in asked:
            say(step)
        return step in asked

    prongs = openings = units = menu = effects = funding = kept = money = indicators = None
    if "prongs" in asked:
        prongs = prongs_of(project, plan.checkup, papers)
    if begins("openings"):
        openings = best_openings(project, network, options.get("openings", {}))
    if begins("units"):
        units = shared_centres(project, network, options.get("units", {}))
    if begins("menu"):
        menu = menu_of(papers, options.get("menu", {}))
    say("effects")
    after = after_of(
        project,
        network,
        chosen=plan.chosen,
        openings=openings,
        menu=None if menu is None else menu_scenario(menu),
    )
    if after is not None:
        effects = effects_of(project, after)
    if "funding" in asked:
        funding, kept = funding_of(plan.chosen, menu, papers)
    if begins("operation"):
        money = money_of(project, plan.chosen, papers, options.get("operation", {}))
    if begins("indicators"):
        before = {"ledger": plan.ledger, "checkup": plan.checkup}
        then = {"consent": plan.consent, "funding": funding, "menu": menu, "effects": effects}
        indicators = indicators_of(project, papers, before, then)
    return replace(
        plan,
        prongs=prongs,
        openings=openings,
        units=units,
        menu=menu,
        after=after,
        effects=effects,
        funding=funding,
        rules_kept=kept,
        money=money,
        phases=phases_of(plan.chosen, menu),
        indicators=indicators,
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
