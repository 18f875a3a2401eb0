"""Headings of Chinese and English tables: which column each one means, and in which unit."""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from communityplan.errors import DataError, OptionError, Problem
from communityplan.tables import Table

__all__ = [
    "POSITION",
    "Headings",
    "Mapped",
    "known_headings",
    "near_positions",
    "plain",
    "units_of",
]

POSITION = ("lon", "lat", "x", "y", "lonlat", "geometry")
"""Columns that say where a row lies; they become its geometry."""

_REMARKS = re.compile(
    r"必填|选填|可选|非必填|单位.*|.*坐标系?|wgs-?84|gcj-?02|bd-?09|百度|高德|腾讯|gps|.*年|.*月|度|°|十进制|"
    r"是/否|有/无|y/n|yes/no|hh:mm"
)
"""What may stand in brackets without being a unit."""


@dataclass(frozen=True)
class Mapped:
    """Which heading became which column.

    Attributes
    ----------
    columns : dict of str to str
        Column by heading.
    factors : dict of str to float
        By column: what its numbers are multiplied by, because the heading names a larger unit.
    unmapped : dict of str to str
        The headings left over, with the column that each one resembles, or an empty text.
    problems : list of Problem
    """

    columns: dict[str, str] = field(default_factory=dict)
    factors: dict[str, float] = field(default_factory=dict)
    unmapped: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class Headings:
    """What is known about the headings of one table.

    Attributes
    ----------
    contract : Table
        The table that is read.
    synonyms : dict of str to str
        Column by heading in its plain form.
    chosen : dict of str to (str or None)
        The user's own choice, by heading; None leaves a heading as it is.
    """

    contract: Table
    synonyms: Mapping[str, str]
    chosen: Mapping[str, str | None] = field(default_factory=dict)

    def column_of(self, heading: str) -> str | None:
        """The column a heading means, or None."""
        if heading in self.chosen:
            return self.chosen[heading]
        bare, _ = _parted(heading)
        if bare in self.synonyms:
            return self.synonyms[bare]
        return self.synonyms.get(plain(heading)) or self._without_unit(bare)

    def count_known(self, row: Iterable[Any]) -> int:
        """How many cells of a row are headings that are known."""
        return sum(
            isinstance(cell, str) and self.column_of(cell.strip()) is not None for cell in row
        )

    def map(self, found: Iterable[str], where: str, *, cut_at: int | None = None) -> Mapped:
        """The column of every heading that has one; two headings for one column are a problem.

        Parameters
        ----------
        found : iterable of str
            Headings of the file.
        where : str
            File and sheet, for messages.
        cut_at : int, optional
            Bytes after which the format cuts headings (10 in shapefiles).

        Returns
        -------
        Mapped

        Raises
        ------
        OptionError
            When a heading that the user chose is not there.
        """
        names = list(found)
        self._refuse_absent(names, where)
        mapped = Mapped()
        by_column: dict[str, str] = {}
        for heading in names:
            column = self.column_of(heading)
            if column is None and cut_at is not None and heading not in self.chosen:
                column = self._of_cut(heading, cut_at)
            if column is None:
                mapped.unmapped[heading] = ""
            elif column in by_column:
                self._settle(mapped, by_column, column, heading, where)
            else:
                by_column[column] = heading
                mapped.columns[heading] = column
        for heading, column in mapped.columns.items():
            self._note_unit(mapped, heading, column, where)
        self._suggest(mapped)
        return mapped

    def _refuse_absent(self, names: list[str], where: str) -> None:
        absent = [heading for heading in self.chosen if heading not in names]
        if absent:
            near = {heading: difflib.get_close_matches(heading, names, 1) for heading in absent}
            hints = [f"{h!r}" + (f" (near: {n[0]!r})" if n else "") for h, n in near.items()]
            raise OptionError(
                f"{where} has no heading {', '.join(hints)}; its headings are: {', '.join(names)}"
            )

    def _settle(
        self, mapped: Mapped, by_column: dict[str, str], column: str, heading: str, where: str
    ) -> None:
        """Two headings for one column: the user's choice wins, then the contract's own name.

        A number of the row (序号) gives way to a number of the house.
        """
        first = by_column[column]
        ranks = [
            (self.chosen.get(h) == column, h == column, h == self._zh(column), not _is_any_key(h))
            for h in (first, heading)
        ]
        # the same heading once more, numbered by the reader
        again = re.fullmatch(re.escape(first) + r" \(\d+\)", heading) is not None
        if ranks[0] == ranks[1] or (again and heading not in self.chosen):
            mapped.problems.append(
                Problem(
                    where,
                    f"the headings {first!r} and {heading!r} both mean {column}",
                    f"Choose one: columns={{{heading!r}: None}} leaves the other aside",
                )
            )
            mapped.unmapped[heading] = ""
            return
        kept, left = (first, heading) if ranks[0] > ranks[1] else (heading, first)
        mapped.columns.pop(first)
        mapped.columns[kept] = by_column[column] = column
        by_column[column] = kept
        mapped.unmapped[left] = ""

    def _zh(self, column: str) -> str | None:
        return self.contract.columns[column].zh if column in self.contract.columns else None

    def _without_unit(self, bare: str) -> str | None:
        """A heading with its unit behind it and no brackets, such as 改造费用万元."""
        for name, column in self.contract.columns.items():
            for unit in units_of(column.unit):
                stem = bare.removesuffix(plain(unit))
                if stem != bare and self.synonyms.get(stem) == name:
                    return name
        return None

    def _of_cut(self, heading: str, cut_at: int) -> str | None:
        """The only column that begins like a heading cut short."""
        if max(len(heading.encode(code, "ignore")) for code in ("utf-8", "gbk")) < cut_at - 1:
            return None
        begins = plain(heading)
        fits = {column for name, column in self.synonyms.items() if name.startswith(begins)}
        return fits.pop() if len(fits) == 1 else None

    def _note_unit(self, mapped: Mapped, heading: str, column: str, where: str) -> None:
        contract = self.contract.columns.get(column)
        if contract is None or contract.kind not in ("number", "amount"):
            return
        units = {plain(unit): size for unit, size in units_of(contract.unit).items()}
        bare, unit = _parted(heading)
        if not unit:
            behind = [u for u in units if bare.endswith(u) and bare not in self.synonyms]
            unit = max(behind, key=len, default="")
        if unit in units:
            if units[unit] != 1:
                mapped.factors[column] = units[unit]
        elif unit and not _REMARKS.fullmatch(unit) and self.chosen.get(heading) != column:
            mapped.problems.append(
                Problem(
                    f"{where}, heading {heading!r}",
                    f"{unit!r} is no known unit of {column} [{contract.unit}]",
                    f"Convert the column, or take it as it is: columns={{{heading!r}: {column!r}}}",
                )
            )

    def _suggest(self, mapped: Mapped) -> None:
        taken = set(mapped.columns.values())
        free = [name for name, column in self.synonyms.items() if column not in taken]
        for heading in mapped.unmapped:
            near = difflib.get_close_matches(_parted(heading)[0], free, 1, cutoff=0.7)
            mapped.unmapped[heading] = self.synonyms[near[0]] if near else ""


def known_headings(
    contract: Table, columns: Mapping[str, str | None] | str | Path | None
) -> Headings:
    """The headings of a table, with the user's own.

    Parameters
    ----------
    contract : Table
        The table that is read.
    columns : mapping, str or Path, optional
        Column by heading (None leaves a heading as it is), or the path of a TOML file of the
        form of ``headings.toml`` with further headings.

    Returns
    -------
    Headings

    Raises
    ------
    OptionError
        For a column that does not exist, with the one that was perhaps meant.
    """
    synonyms = dict(_synonyms(contract.name))
    if columns is None:
        return Headings(contract, synonyms)
    if isinstance(columns, str | Path):
        return Headings(contract, {**synonyms, **_from_file(Path(columns), contract)})
    possible = [*contract.columns, *(POSITION if contract.geometry else ())]
    for heading, column in columns.items():
        if column is not None and column not in possible:
            near = difflib.get_close_matches(str(column), possible, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise OptionError(
                f"columns maps {heading!r} to {column!r}, which is no column of {contract.name}"
                f"{hint} Its columns are {', '.join(possible)}"
            )
    return Headings(contract, synonyms, {str(h).strip(): c for h, c in columns.items()})


def near_positions(headings: Iterable[str], contract: Table) -> dict[str, str]:
    """Headings that say where rows lie, or that are one sign away from one that does.

    Examples
    --------
    >>> from communityplan.load.headings import near_positions
    >>> from communityplan.tables import HOMES
    >>> near_positions(["经渡", "纬度", "层数"], HOMES)
    {'经渡': 'lon', '纬度': 'lat'}
    """
    synonyms = _synonyms(contract.name)
    known = [name for name, column in synonyms.items() if column in POSITION]
    found: dict[str, str] = {}
    for heading in map(str, headings):
        bare, _ = _parted(heading)
        # of two signs one may be wrong, of more a third
        near = difflib.get_close_matches(bare, known, 1, cutoff=0.5 if len(bare) == 2 else 0.66)
        if near and synonyms[near[0]] not in found.values():
            found[heading] = synonyms[near[0]]
    return found


def units_of(unit: str) -> Mapping[str, float]:
    """Names of units and their size in the unit of a column; empty for one without units."""
    units: Mapping[str, float] = _book()["units"].get(unit, {})
    return units


def plain(text: str) -> str:
    """A heading without what does not matter: case, spaces, underscores, width of letters."""
    return re.sub(r"[\s_*:'\"“”.\-]+", "", unicodedata.normalize("NFKC", text).casefold())


def _is_any_key(heading: str) -> bool:
    return _parted(heading)[0] in ("id", "编号", "序号")


def _parted(heading: str) -> tuple[str, str]:
    """A heading and the unit or remark in its brackets, both plain."""
    text = unicodedata.normalize("NFKC", heading)
    inside = re.findall(r"[(\[【〔]([^)\]】〕]*)[)\]】〕]", text)
    bare = re.sub(r"[(\[【〔][^)\]】〕]*[)\]】〕]", "", text)
    return plain(bare), plain(inside[-1]) if inside else ""


@cache
def _book() -> dict[str, Any]:
    text = files("communityplan.load").joinpath("headings.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def _synonyms(table: str) -> dict[str, str]:
    from communityplan.tables import TABLES

    contract = TABLES[table]
    sections = [_book().get(table, {}), _book()["position"] if contract.geometry else {}]
    known = _by_heading(sections)
    for name, column in contract.columns.items():
        known[plain(column.zh)] = name
        known[plain(name)] = name
    return known


def _by_heading(sections: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {
        plain(heading): column
        for section in sections
        for column, names in section.items()
        for heading in names
    }


def _from_file(path: Path, contract: Table) -> dict[str, str]:
    try:
        book = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        found = _by_heading([book.get(contract.name, {}), book.get("position", {})])
    except (OSError, ValueError, TypeError, AttributeError) as error:
        problem = Problem(str(path), f"not a table of headings ({error})", "See headings.toml")
        raise DataError([problem]) from error
    wrong = sorted(set(found.values()) - set(contract.columns) - set(POSITION))
    if wrong:
        raise OptionError(f"{path} names columns that {contract.name} has not: {', '.join(wrong)}")
    return found
