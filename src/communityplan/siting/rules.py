"""What may go into an idle building, as data: storeys, former uses, tenure, hazards, centres."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from communityplan.errors import DataError, OptionError, Problem
from communityplan.standards.clauses import read_standard

__all__ = ["CentreRule", "Rules", "StoreyRule", "UseRule", "find_rules", "read_rules"]

CENTRE_FIGURES = (
    "floor_area_min_m2",
    "floor_area_preferred_m2",
    "functions_min",
    "core_functions_min",
)
SECTIONS: dict[str, tuple[str, ...]] = {
    "floor": ("usable_share",),
    "centre": ("standard", "clause", "core_functions", *CENTRE_FIGURES),
    "storeys": (),
    "not_allowed": ("former_use", "services"),
    "tenure": ("refused",),
    "hazards": ("mendable",),
}
MARKS = ("source", "verified")


@dataclass(frozen=True)
class StoreyRule:
    """Where in a building a service may be.

    Attributes
    ----------
    highest : float
        Highest storey, 1 at the ground.
    basement : bool
        Whether it may lie below ground.
    source : str
    verified : bool
    """

    highest: float = float("inf")
    basement: bool = True
    source: str = "given by the user"
    verified: bool = False


@dataclass(frozen=True)
class UseRule:
    """Services that are not allowed after certain uses.

    Attributes
    ----------
    former_uses, services : tuple of str
        ``"*"`` stands for every service.
    source : str
    verified : bool
    """

    former_uses: tuple[str, ...]
    services: tuple[str, ...]
    source: str = "given by the user"
    verified: bool = False

    def forbids(self, former_use: str, service: str) -> bool:
        """Whether a service may not follow a use."""
        known = {use.strip().lower() for use in self.former_uses}
        return former_use.strip().lower() in known and bool({"*", service} & set(self.services))


@dataclass(frozen=True)
class CentreRule:
    """What makes a set of services in one building a neighbourhood centre.

    Attributes
    ----------
    floor_area_min_m2, floor_area_preferred_m2 : float
        Floor area of the building [m2].
    functions_min, core_functions_min : float
        Services in all, and out of `core_functions`.
    core_functions : tuple of str
    source : str
    verified : bool
    """

    floor_area_min_m2: float
    floor_area_preferred_m2: float
    functions_min: float
    core_functions_min: float
    core_functions: tuple[str, ...]
    source: str
    verified: bool


@dataclass(frozen=True)
class Rules:
    """Everything that decides what fits an idle building besides the service itself.

    Attributes
    ----------
    usable_share : float
        Share of the floor area that services can use, above 0 and up to 1.
    centre : CentreRule
    storeys : mapping of str to StoreyRule
        By service.
    not_allowed : tuple of UseRule
    refused_tenure : tuple of str
        Values of ``tenure_route`` that give no use.
    tenure_verified : bool
    mendable_hazards : tuple of str
        Hazards that do not exclude a building.
    """

    usable_share: float
    centre: CentreRule
    storeys: Mapping[str, StoreyRule]
    not_allowed: tuple[UseRule, ...]
    refused_tenure: tuple[str, ...]
    tenure_verified: bool
    mendable_hazards: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """The rules as plain values, for the record of a result."""
        return {
            "usable_share": self.usable_share,
            "centre": vars(self.centre).copy(),
            "storeys": {name: vars(rule).copy() for name, rule in self.storeys.items()},
            "not_allowed": [vars(rule).copy() for rule in self.not_allowed],
            "refused_tenure": list(self.refused_tenure),
            "mendable_hazards": list(self.mendable_hazards),
        }


def find_rules(chosen: Rules | str | Path | None) -> Rules:
    """Rules by themselves, by the path of their file, or the shipped ones."""
    return chosen if isinstance(chosen, Rules) else read_rules(chosen)


def read_rules(path: str | Path | None = None) -> Rules:
    """The shipped rules, with the sections of a file of your own in their place.

    Parameters
    ----------
    path : str or Path, optional
        A TOML file of the form of ``communityplan/siting/rules.toml``.

    Returns
    -------
    Rules

    Raises
    ------
    OptionError
        For a file that is not there.
    DataError
        Lists everything that is wrong with the file.

    Examples
    --------
    >>> from communityplan.siting import read_rules
    >>> rules = read_rules()
    >>> rules.centre.floor_area_min_m2, rules.centre.verified, rules.storeys["elder_care"].highest
    (600.0, True, 3.0)
    """
    shipped = _shipped()
    if path is None:
        return _made(shipped)
    file = Path(path)
    if not file.is_file():
        raise OptionError(f"rules: there is no file {str(path)!r}; give the path of a TOML file")
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError([Problem(file.name, f"it is no TOML ({error})", "Mend it")]) from error
    problems = [*_problems(given, file.name)]
    if problems:
        raise DataError(problems)
    return _made({**shipped, **given})


@cache
def _shipped() -> dict[str, Any]:
    text = files("communityplan.siting").joinpath("rules.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _made(facts: Mapping[str, Any]) -> Rules:
    return Rules(
        usable_share=float(facts["floor"].get("usable_share", 1.0)),
        centre=_centre(facts["centre"]),
        storeys={
            name: StoreyRule(**{**rule, "highest": float(rule.get("highest", "inf"))})
            for name, rule in facts["storeys"].items()
        },
        not_allowed=tuple(
            UseRule(
                tuple(rule["former_use"]),
                tuple(rule["services"]),
                **{mark: rule[mark] for mark in MARKS if mark in rule},
            )
            for rule in facts["not_allowed"]
        ),
        refused_tenure=tuple(facts["tenure"].get("refused", ())),
        tenure_verified=bool(facts["tenure"].get("verified", False)),
        mendable_hazards=tuple(facts["hazards"].get("mendable", ())),
    )


def _centre(given: Mapping[str, Any]) -> CentreRule:
    """Figures of the clause, and those that are given in their place."""
    base = _shipped()["centre"]
    name, clause_id = (given.get(key, base[key]) for key in ("standard", "clause"))
    clause = read_standard(name).clause(clause_id)
    figures = {key: given.get(key, getattr(clause, key)) for key in CENTRE_FIGURES}
    own = bool({*CENTRE_FIGURES, "core_functions"} & set(given))
    return CentreRule(
        **{key: float(value or 0.0) for key, value in figures.items()},
        core_functions=tuple(given.get("core_functions", clause.core_functions)),
        source=given.get("source", "given by the user" if own else clause.source),
        verified=bool(given.get("verified", clause.verified and not own)),
    )


def _problems(given: Mapping[str, Any], where: str) -> list[Problem]:
    found = []
    for name, section in given.items():
        place = f"{where}, [{name}]"
        if name not in SECTIONS:
            found.append(Problem(place, "no such section", f"Known are {', '.join(SECTIONS)}"))
        elif name == "not_allowed" and isinstance(section, list):
            for at, rule in enumerate(section):
                found += _keys(rule, SECTIONS[name], f"{place}, entry {at + 1}", all_needed=True)
        elif name == "not_allowed" or not isinstance(section, dict):
            found.append(Problem(place, "it is of another form", "Look at the shipped rules.toml"))
        elif name == "storeys":
            for service, rule in section.items():
                found += _keys(rule, ("highest", "basement"), f"{place}, {service}")
        else:
            found += _keys(section, SECTIONS[name], place)
    return found


def _keys(
    rule: Any, known: tuple[str, ...], where: str, *, all_needed: bool = False
) -> list[Problem]:
    if not isinstance(rule, dict):
        return [Problem(where, f"it is {rule!r}", "Give keys and values")]
    found = [
        Problem(where, f"no such key {key!r}", f"Known are {', '.join((*known, *MARKS))}")
        for key in rule
        if key not in (*known, *MARKS)
    ]
    found += [
        Problem(where, f"{key} is missing", "Add it")
        for key in known
        if all_needed and key not in rule
    ]
    for key, value in rule.items():
        wanted = _WANTED.get(key)
        if wanted is not None and not wanted[0](value):
            found.append(Problem(where, f"{key} is {value!r}", f"Give {wanted[1]}"))
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


_WANTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "usable_share": (
        lambda value: _is_number(value) and 0 < value <= 1,
        "a share above 0, up to 1",
    ),
    "highest": (_is_number, "a storey, 0 or more"),
    "basement": (_is_flag, "true or false"),
    "verified": (_is_flag, "true or false"),
    "source": (lambda value: isinstance(value, str), "a text"),
    **dict.fromkeys(CENTRE_FIGURES, (_is_number, "a number, 0 or more")),
    **dict.fromkeys(
        ("core_functions", "former_use", "services", "refused", "mendable"),
        (_is_texts, "a list of texts"),
    ),
}
