"""The gates: how much of whom has to agree, with the source of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from communityplan.errors import OptionError

__all__ = ["GATES", "Gate", "GateLike", "chosen_gates"]


@dataclass(frozen=True)
class Gate:
    """How much of whom has to agree.

    Attributes
    ----------
    name : str
        Key of the gate.
    least : Fraction
        Share that has to agree, above 0 and at most 1; give a Fraction, an int or a text such as
        ``"2/3"`` or ``"0.8"``, never a float.
    more_than : bool
        Whether the share has to be exceeded; reaching it is enough where this is false.
    base : {"all", "taking_part"}
        Share of all owners, or of those who take part, abstentions included.
    quorum : Fraction or None
        Share of all owners that has to take part, reached or exceeded.
    by : tuple of str
        What is counted: ``number``, ``area`` or both; each has to pass.
    zh, en : str
        What it is called in Chinese and in English.
    source : str
        Where the rule stands.
    verified : bool
        Whether it was seen in the text of the rule itself.

    Raises
    ------
    OptionError
        For shares that are floats or outside 0 to 1, an unknown base or measure.

    Examples
    --------
    >>> Gate("lift", least="2/3", more_than=True).least
    Fraction(2, 3)
    """

    name: str
    least: Fraction
    more_than: bool = False
    base: Literal["all", "taking_part"] = "all"
    quorum: Fraction | None = None
    by: tuple[Literal["number", "area"], ...] = ("number", "area")
    zh: str = ""
    en: str = ""
    source: str = "given by the user"
    verified: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "least", _share(self.name, "least", self.least))
        if self.quorum is not None:
            object.__setattr__(self, "quorum", _share(self.name, "quorum", self.quorum))
        if self.more_than and self.least == 1:
            raise OptionError(f"gate {self.name!r}: more than all cannot agree")
        if self.base not in ("all", "taking_part"):
            raise OptionError(f"gate {self.name!r}: base is {self.base!r}; all or taking_part")
        if not self.by or set(self.by) - {"number", "area"}:
            raise OptionError(f"gate {self.name!r}: by is {self.by!r}; number, area or both")


def _share(name: str, field: str, given: Fraction | str | int) -> Fraction:
    wrong = OptionError(
        f"gate {name!r}: {field} is {given!r}; give a Fraction or a text above 0 and at most 1, "
        'such as "2/3" or "0.8"'
    )
    if not isinstance(given, Fraction | str | int):
        raise wrong
    try:
        share = Fraction(given)
    except (ValueError, ZeroDivisionError) as error:
        raise wrong from error
    if not 0 < share <= 1:
        raise wrong
    return share


_HEBEI = (
    "Hebei, renovation of old communities, three 80 % rules, as reported by the press; of whom the "
    "share is taken is not said: all households are the stricter reading"
)
_CIVIL_CODE = "Civil Code of China, art. 278 (from 2021), seen in secondary sources"
_PROPERTY_LAW = "Property Law of China, art. 76 (until 2020), seen in secondary sources"
_HALF, _TWO_THIRDS = Fraction(1, 2), Fraction(2, 3)

GATES: dict[str, Gate] = {
    gate.name: gate
    for gate in (
        *(
            Gate(name, least=Fraction(4, 5), by=("number",), zh=zh, en=en, source=_HEBEI)
            for name, zh, en in (
                ("agree_80", "改造前80%同意", "80 % agree before works"),
                ("plan_80", "方案80%认可", "80 % behind the plan"),
                ("satisfied_80", "验收80%满意", "80 % satisfied before acceptance"),
            )
        ),
        Gate(
            "civil_code_278_half",
            least=_HALF,
            more_than=True,
            base="taking_part",
            quorum=_TWO_THIRDS,
            zh="民法典第278条：一般事项（参与表决过半）",
            en="Civil Code art. 278: ordinary matters, more than half of those taking part",
            source=_CIVIL_CODE,
        ),
        Gate(
            "civil_code_278_three_quarters",
            least=Fraction(3, 4),
            base="taking_part",
            quorum=_TWO_THIRDS,
            zh="民法典第278条：重大事项（参与表决四分之三以上）",
            en="Civil Code art. 278 items 6-8: at least three quarters of those taking part",
            source=_CIVIL_CODE,
        ),
        Gate(
            "property_law_76_half",
            least=_HALF,
            more_than=True,
            zh="物权法第76条：双过半（全体业主）",
            en="Property Law art. 76: double half, more than half of all owners",
            source=_PROPERTY_LAW,
        ),
        Gate(
            "property_law_76_two_thirds",
            least=_TWO_THIRDS,
            zh="物权法第76条：双三分之二（全体业主）",
            en="Property Law art. 76: at least two thirds of all owners",
            source=_PROPERTY_LAW,
        ),
    )
}
"""The published gates by name."""


GateLike = Gate | str | Mapping[str, Any]
"""A gate by itself, by its name in `GATES`, or by its fields, as a project file has them."""


def chosen_gates(gate: GateLike | Sequence[GateLike]) -> list[Gate]:
    """Gates by themselves, by their names in `GATES`, or by their fields.

    Examples
    --------
    >>> [one.name for one in chosen_gates(["agree_80", {"name": "lift", "least": "2/3"}])]
    ['agree_80', 'lift']
    """
    wanted = [gate] if isinstance(gate, Gate | str | Mapping) else list(gate)
    found = [_made(one) if isinstance(one, Mapping) else one for one in wanted]
    unknown = [one for one in found if not isinstance(one, Gate) and one not in GATES]
    if unknown or not found:
        said = ", ".join(repr(one) for one in unknown) or "given"
        raise OptionError(f"no gate {said}; known are {', '.join(GATES)}, or give a Gate")
    return [one if isinstance(one, Gate) else GATES[one] for one in found]


def _made(fields: Mapping[str, Any]) -> Gate:
    known = list(Gate.__dataclass_fields__)
    strangers = [name for name in fields if name not in known]
    lost = [name for name in ("name", "least") if name not in fields]
    if strangers or lost:
        raise OptionError(
            f"a gate has {', '.join(known)}; found {', '.join(map(str, fields)) or 'nothing'}"
        )
    by = fields.get("by", ("number", "area"))
    return Gate(**{**fields, "by": (by,) if isinstance(by, str) else tuple(by)})
