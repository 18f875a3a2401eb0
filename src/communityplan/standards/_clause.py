"""What a standard is made of: figures with units, clauses, tiers, rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

import pandas as pd

from communityplan.errors import OptionError

__all__ = ["FIGURES", "Clause", "Figure", "Rule", "Standard", "Tier", "all_verified"]


@dataclass(frozen=True)
class Figure:
    """A number that a clause can ask for.

    Attributes
    ----------
    zh, en : str
        What it is.
    unit : str
        Its unit in the names and tables of this package.
    """

    zh: str
    en: str
    unit: str


FIGURES: Mapping[str, Figure] = {
    "walk_min": Figure("步行时间", "walk", "min"),
    "distance_m": Figure("服务半径", "service radius", "m"),
    "floor_area_min_m2": Figure("建筑面积下限", "least floor area", "m2"),
    "floor_area_max_m2": Figure("建筑面积上限", "largest floor area", "m2"),
    "floor_area_preferred_m2": Figure("建筑面积宜值", "preferred floor area", "m2"),
    "land_area_min_m2": Figure("用地面积下限", "least land area", "m2"),
    "land_area_max_m2": Figure("用地面积上限", "largest land area", "m2"),
    "per_1000_people": Figure("每千人服务能力", "places per 1,000 people", "places/1000 people"),
    "per_100_households_m2": Figure(
        "每百户建筑面积（既有）", "floor area per 100 households, existing", "m2/100 households"
    ),
    "per_100_new_households_m2": Figure(
        "每百户建筑面积（新建）", "floor area per 100 households, new", "m2/100 households"
    ),
    "population_from": Figure("服务人口下限", "serves at least", "people"),
    "population_to": Figure("服务人口上限", "serves at most", "people"),
    "beds_per_1000_elderly": Figure(
        "每千名老年人床位", "beds per 1,000 older people", "beds/1000 elderly"
    ),
    "beds_min": Figure("床位下限", "least beds", "beds"),
    "floor_area_per_bed_m2": Figure("床均建筑面积", "floor area per bed", "m2/bed"),
    "land_per_bed_min_m2": Figure("床均用地下限", "least land per bed", "m2/bed"),
    "land_per_bed_max_m2": Figure("床均用地上限", "most land per bed", "m2/bed"),
    "land_per_person_m2": Figure("人均用地", "land per resident", "m2/person"),
    "share_of_floor_area": Figure("占总建筑面积比例", "share of total floor area", "1"),
    "spaces_per_new_household": Figure(
        "新建户均停车位", "parking spaces per new household", "spaces/household"
    ),
    "functions_min": Figure("功能数下限", "least functions", "functions"),
    "core_functions_min": Figure("核心功能数下限", "least core functions", "functions"),
}
"""Every number a clause can hold, with its unit."""


@dataclass(frozen=True)
class Clause:
    """What one clause of a standard asks of one kind of facility; what it leaves open is None.

    Attributes
    ----------
    id : str
        Key of the clause, unique among all standards.
    zh, en : str
        What the facility is called.
    standard, clause : str
        The document, and the place in it.
    tier : str
        Life circle or level it belongs to, such as ``"5min"``.
    compulsory : bool or None
        Whether it has to be there (▲), or as needed (△); None where the document does not say.
    service : str
        Our service, as in ``facilities["service"]``; empty where it is no facility.
    walk_min, distance_m : float or None
        Farthest walk [min], service radius [m].
    floor_area_min_m2, floor_area_max_m2, floor_area_preferred_m2 : float or None
        Floor area of one facility [m2].
    land_area_min_m2, land_area_max_m2 : float or None
        Land of one facility [m2].
    per_1000_people : float or None
        Places per 1,000 people.
    per_100_households_m2, per_100_new_households_m2 : float or None
        Floor area per 100 households of existing and of new communities [m2].
    population_from, population_to : float or None
        People such a facility serves.
    beds_per_1000_elderly, beds_min, floor_area_per_bed_m2 : float or None
    land_per_bed_min_m2, land_per_bed_max_m2, land_per_person_m2 : float or None
    share_of_floor_area, spaces_per_new_household : float or None
    functions_min, core_functions_min : float or None
        Functions it has to hold, and how many of them out of `core_functions`.
    core_functions : tuple of str
    note : str
    source, source_zh : str
        Where the figures come from, in English and in Chinese.
    verified : bool
        Whether every figure was seen in that source.
    verified_fields : tuple of str
        The figures that were.
    corroborated_fields : tuple of str
        Figures from memory that another document repeats.
    evidence : str
        S seen in the document, S2 seen in a secondary source, K repeated elsewhere, M from memory.
    applies : bool
        False where a local rule sets the clause aside.
    replaced : tuple of str
        Figures that a local rule has replaced.
    local : str
        The local rule that did so.
    """

    id: str
    zh: str
    en: str
    standard: str
    clause: str = ""
    tier: str = ""
    compulsory: bool | None = None
    service: str = ""
    walk_min: float | None = None
    distance_m: float | None = None
    floor_area_min_m2: float | None = None
    floor_area_max_m2: float | None = None
    floor_area_preferred_m2: float | None = None
    land_area_min_m2: float | None = None
    land_area_max_m2: float | None = None
    per_1000_people: float | None = None
    per_100_households_m2: float | None = None
    per_100_new_households_m2: float | None = None
    population_from: float | None = None
    population_to: float | None = None
    beds_per_1000_elderly: float | None = None
    beds_min: float | None = None
    floor_area_per_bed_m2: float | None = None
    land_per_bed_min_m2: float | None = None
    land_per_bed_max_m2: float | None = None
    land_per_person_m2: float | None = None
    share_of_floor_area: float | None = None
    spaces_per_new_household: float | None = None
    functions_min: float | None = None
    core_functions_min: float | None = None
    core_functions: tuple[str, ...] = ()
    note: str = ""
    source: str = ""
    source_zh: str = ""
    verified: bool = False
    verified_fields: tuple[str, ...] = ()
    corroborated_fields: tuple[str, ...] = ()
    evidence: str = ""
    applies: bool = True
    replaced: tuple[str, ...] = ()
    local: str = ""

    def figures(self) -> dict[str, float]:
        """The numbers this clause gives, by their names in `FIGURES`."""
        given = {name: getattr(self, name) for name in FIGURES}
        return {name: float(value) for name, value in given.items() if value is not None}

    def is_verified(self, name: str) -> bool:
        """Whether one figure was seen in the source.

        Examples
        --------
        >>> from communityplan.standards.clauses import STANDARDS
        >>> primary_school = STANDARDS["gb50180"].clause("gb50180.education.primary_school")
        >>> primary_school.is_verified("distance_m"), primary_school.is_verified("compulsory")
        (True, False)
        """
        return name in self.verified_fields


@dataclass(frozen=True)
class Tier:
    """One level of life circle: how far, how many people, how much facility area.

    Attributes
    ----------
    id, zh, en : str
    walk_min : float or None
        Walk [min].
    distance_from_m, distance_to_m : float or None
        Walking distance [m].
    population_from, population_to, dwellings_from, dwellings_to : float or None
    land_per_1000_from_m2, land_per_1000_to_m2 : float or None
        Facility land per 1,000 people [m2]; the figures of the tiers add up.
    floor_per_1000_from_m2, floor_per_1000_to_m2 : float or None
        Facility floor area per 1,000 people [m2]; the figures of the tiers add up.
    source, source_zh : str
    verified_fields : tuple of str
    evidence : str
    """

    id: str
    zh: str
    en: str
    walk_min: float | None = None
    distance_from_m: float | None = None
    distance_to_m: float | None = None
    population_from: float | None = None
    population_to: float | None = None
    dwellings_from: float | None = None
    dwellings_to: float | None = None
    land_per_1000_from_m2: float | None = None
    land_per_1000_to_m2: float | None = None
    floor_per_1000_from_m2: float | None = None
    floor_per_1000_to_m2: float | None = None
    source: str = ""
    source_zh: str = ""
    verified_fields: tuple[str, ...] = ()
    evidence: str = ""


@dataclass(frozen=True)
class Rule:
    """A rule of the document that is no figure of a facility.

    Attributes
    ----------
    id, zh, en : str
    source, source_zh : str
    verified : bool
    """

    id: str
    zh: str
    en: str
    source: str = ""
    source_zh: str = ""
    verified: bool = False


@dataclass(frozen=True)
class Standard:
    """A document and its clauses.

    Attributes
    ----------
    id, zh, en, number : str
    clauses : tuple of Clause
    tiers : mapping of str to Tier
    rules : tuple of Rule
    based_on : str
        The standard that local rules change; empty for a standard of its own.
    """

    id: str
    zh: str
    en: str
    number: str
    clauses: tuple[Clause, ...] = ()
    tiers: Mapping[str, Tier] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    based_on: str = ""

    def clause(self, clause_id: str) -> Clause:
        """One clause by its id.

        Raises
        ------
        OptionError
            When there is none.
        """
        return self.only(clause_id).clauses[0]

    def only(self, *clause_ids: str) -> Standard:
        """The same standard with some of its clauses, in the order asked for.

        Raises
        ------
        OptionError
            Names clauses that are not there.
        """
        known = {clause.id: clause for clause in self.clauses}
        missing = [name for name in clause_ids if name not in known]
        if missing:
            raise OptionError(
                f"{self.id} has no clause {', '.join(missing)}; it has {', '.join(known)}"
            )
        return replace(self, clauses=tuple(known[name] for name in clause_ids))

    def table(self) -> pd.DataFrame:
        """The clauses as a table, one row each; figures that a clause leaves open are missing."""
        rows = [{item.name: getattr(c, item.name) for item in fields(c)} for c in self.clauses]
        table = pd.DataFrame(rows, columns=[item.name for item in fields(Clause)])
        return table.astype(dict.fromkeys(FIGURES, "float64"))


def all_verified(clause: Clause) -> bool:
    """Whether every figure of a clause was seen, and whether it is compulsory too."""
    marked = set(clause.figures()) | ({"compulsory"} if clause.compulsory is not None else set())
    if clause.core_functions:
        marked.add("core_functions")
    return bool(marked) and marked <= set(clause.verified_fields)
