"""The tables of a plan as a workbook: formatted, with a data dictionary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from communityplan.report.columns import (
    EXCEL_FORMATS,
    NOTHING,
    Field,
    field_of,
    letters,
    plain,
    unit_word,
)
from communityplan.report.facts import Facts
from communityplan.report.plain import runs_as_formula
from communityplan.report.sections import gain_field, summary_lines
from communityplan.standards import service as find_service

__all__ = ["write_workbook"]

MOST_SHEET_ROWS = 50_000
"""Rows of a sheet; more are in the CSV and the GeoPackage."""

WRITTEN_AT = datetime(1980, 1, 1)
"""Stands for no time, so that the same plan gives the same file."""
FONT = "Microsoft YaHei"
HEAD_ROWS = 3
"""Title, marks and headings."""

HEADING = {
    "bold": True,
    "text_wrap": True,
    "bg_color": "#E8EDF2",
    "border": 1,
    "border_color": "#9AA5B1",
}
WIDTHS = {
    "text": 16,
    "source": 60,
    "said": 80,
    "said_reason": 60,
    "said_why": 60,
    "asks": 44,
    "why": 44,
}
NARROW = 11
LINE_PT, HIGHEST_PT = 14.5, 400.0
"""Height of a line, and of the highest row that a workbook allows [pt]."""

SHEETS = (
    ("report.served_totals", "totals"),
    ("report.sheet_ledger", "ledger"),
    ("report.served_without", "homes_without"),
    ("report.check_counts", "status_counts"),
    ("report.check_missing", "missing"),
    ("report.sheet_checkup", "checkup"),
    ("report.sites", "ranking"),
    ("report.openings", "openings"),
    ("report.units", "joint_units"),
    ("report.units_against", "unit_plans"),
    ("report.effects", "effect_totals"),
    ("report.effects_communities", "effects"),
    ("report.choice", "chosen"),
    ("report.choice_budgets", "budget"),
    ("report.prongs", "prongs"),
    ("report.menu", "menu"),
    ("report.phases", "phases"),
    ("report.funding", "funding"),
    ("report.rules_kept", "rules_kept"),
    ("report.returns", "returns"),
    ("report.cash", "cash"),
    ("report.amounts_missing", "amounts_missing"),
    ("report.consent", "consent"),
    ("report.consent_buildings", "consent_buildings"),
    ("report.indicators", "indicators"),
    ("report.sheet_homes", "homes"),
    ("report.basis_areas", "areas"),
    ("report.basis_walkers", "walkers"),
    ("report.basis_services", "services"),
    ("report.basis_inputs", "inputs"),
    ("report.basis_options", "options"),
    ("report.basis_network", "network"),
    ("report.basis_versions", "versions"),
    ("report.limits", "limits"),
)
# said otherwise in the same row, or of no use to a reader
LEFT_OUT = {
    "ranking": (
        *("services", "reason", "reason_codes", "reason_zh", "reason_en", "why_zh", "why_en"),
        *("note", "name", "name_en", "owner_en", "former_use", "owner"),
    ),
    "homes": ("door",),
}
FIRST = {
    "ranking": ("rank", "called", "building_id", "floor_area_m2"),
    "chosen": ("called", "building_id"),
}


@dataclass(frozen=True)
class _Sheet:
    """One table as it goes on a sheet."""

    title: str
    name: str
    table: pd.DataFrame
    fields: tuple[Field, ...]
    hidden: int


def write_workbook(facts: Facts, file: Path) -> None:
    """Write every table of a plan as a workbook.

    Parameters
    ----------
    facts : Facts
    file : Path

    Notes
    -----
    One sheet for each table: title, marks (synthetic data, OpenStreetMap), headings that stay in
    sight, filters, number formats. The last sheet says what every column means. Text is never a
    formula, whatever it begins with.
    """
    import xlsxwriter  # type: ignore[import-untyped]  # the library has no types

    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": False,
        "in_memory": True,
    }
    book = xlsxwriter.Workbook(str(file), options)
    book.set_properties({"title": plain(facts.name), "created": WRITTEN_AT})
    pen = _Pen(book, facts)
    sheets = list(_sheets(facts))
    _write_summary(pen)
    for sheet in [*sheets, _dictionary(sheets, facts)]:
        _write_sheet(pen, sheet)
    book.close()


@dataclass(frozen=True)
class _Pen:
    """What every sheet is written with; each format is made once."""

    book: Any
    facts: Facts
    made: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def format(self, **facts: Any) -> Any:
        """A format with these properties."""
        key = tuple(sorted(facts.items()))
        if key not in self.made:
            base = {"font_name": FONT, "font_size": 10, "valign": "top"}
            self.made[key] = self.book.add_format({**base, **facts})
        return self.made[key]

    def write_text(self, page: Any, place: tuple[int, int], text: str) -> None:
        """Text that stays text, also when someone edits the cell."""
        kept = {"quote_prefix": True} if runs_as_formula(text) else {}
        page.write_string(*place, text, self.format(text_wrap=True, align="left", indent=1, **kept))


def _sheets(facts: Facts) -> Iterator[_Sheet]:
    for title, name in SHEETS:
        table = facts.tables.get(name)
        if table is None or not len(table):
            continue
        left = LEFT_OUT.get(name, ())
        first = [key for key in FIRST.get(name, ()) if key in table.columns]
        keys = [*first, *(key for key in table if key not in first and key not in left)]
        fields = tuple(_field(facts, str(key), name, table[key]) for key in keys)
        shown = table.head(MOST_SHEET_ROWS)
        yield _Sheet(facts.say.word(title), name, shown, fields, len(table) - len(shown))


def _field(facts: Facts, key: str, name: str, column: pd.Series[Any]) -> Field:
    """The field of a column, also of those that are named after a service."""
    if key.startswith("gain_"):
        return gain_field(facts, key)
    for start in ("walk_min_", "reason_", "covered_share_"):
        service = key.removeprefix(start)
        if key.startswith(start) and service in facts.say.services:
            base = field_of(start.removesuffix("_"), name, column)
            known = facts.say.services.get(service, find_service(service))
            zh, en = known.zh or service, known.en or service
            return replace(base, key=key, zh=f"{zh}：{base.zh}", en=f"{en}: {base.en}")
    return field_of(key, name, column)


def _write_sheet(pen: _Pen, sheet: _Sheet) -> None:
    page = _new_sheet(pen, sheet.title)
    say = pen.facts.say
    if sheet.hidden:
        files = say.joined(["CSV", "GeoPackage"])
        said = say.word("report.more_rows", count=f"{sheet.hidden:,}", files=files)
        page.write_string(1, 1, said, pen.format(italic=True))
    head = HEAD_ROWS - 1
    lines = dict.fromkeys(range(head, HEAD_ROWS + len(sheet.table)), 1)
    for place, one in enumerate(sheet.fields):
        heading = plain(one.heading(say.lang))
        page.write_string(head, place, heading, pen.format(**HEADING))
        lines[head] = max(lines[head], _lines(heading, _width(one)))
        page.set_column(place, place, _width(one))
        if one.is_number:
            _write_numbers(pen, page, place, one, sheet.table[one.key])
        else:
            for row, said in _write_words(pen, page, place, one, sheet.table[one.key]):
                lines[row] = max(lines[row], _lines(said, _width(one)))
    for row, count in lines.items():
        if count > 1:
            # not every program finds the height of wrapped text by itself
            page.set_row(row, min(count * LINE_PT, HIGHEST_PT))
    last = HEAD_ROWS + max(len(sheet.table), 1) - 1
    page.autofilter(head, 0, last, len(sheet.fields) - 1)
    page.freeze_panes(HEAD_ROWS, 1)
    page.repeat_rows(head)


def _write_numbers(pen: _Pen, page: Any, place: int, one: Field, cells: pd.Series[Any]) -> None:
    """Numbers; a cell is empty where there is none."""
    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    written = pen.format(num_format=EXCEL_FORMATS[one.kind])
    for row, number in enumerate(numbers, start=HEAD_ROWS):
        if np.isfinite(number):
            page.write_number(row, place, float(number), written)
        elif np.isinf(number):
            # infinity has no place among the numbers of a workbook
            page.write_string(row, place, "∞", pen.format(align="right"))


def _write_words(
    pen: _Pen, page: Any, place: int, one: Field, cells: pd.Series[Any]
) -> Iterator[tuple[int, str]]:
    """Text; gives the row and what was written there."""
    for row, value in enumerate(cells, start=HEAD_ROWS):
        said = pen.facts.say.cell(value, one.kind)
        if said != NOTHING:
            pen.write_text(page, (row, place), said)
            yield row, said


def _lines(text: str, width: int) -> int:
    """Lines that a text takes in a column of so many letters, its margins left free."""
    return sum(-(-max(letters(part), 1) // (width - 2)) for part in text.split("\n"))


def _width(one: Field) -> int:
    if one.is_number or one.kind in ("flag", "star", "verified"):
        return NARROW
    return WIDTHS.get(one.key, WIDTHS["text"])


def _new_sheet(pen: _Pen, title: str) -> Any:
    """A sheet with its title and the marks that every sheet carries, ready to print."""
    page = pen.book.add_worksheet(_sheet_name(title, pen.book))
    page.write_string(0, 0, plain(title), pen.format(bold=True, font_size=14))
    marks = " ".join(_marks(pen.facts))
    if marks:
        page.write_string(1, 0, marks, pen.format(bold=True, font_color="#8A4B00"))
    page.set_paper(9)
    page.set_landscape()
    page.fit_to_pages(1, 0)
    # an ampersand begins a code in a footer
    page.set_footer(f"&L{marks.replace('&', '&&')}&R&P / &N")
    return page


def _marks(facts: Facts) -> Iterator[str]:
    if facts.plan.project.synthetic:
        yield facts.say.word("report.synthetic")
    if facts.plan.project.from_osm:
        yield facts.say.word("report.osm")


def _sheet_name(title: str, book: Any) -> str:
    """A name that a workbook allows: at most 31 letters, none of them a sign of a formula."""
    kept = "".join(" " if letter in "[]:*?/\\：" else letter for letter in title).strip("' ")[:31]
    taken = {page.get_name().lower() for page in book.worksheets()}
    return kept if kept.lower() not in taken else f"{kept[:28]} {len(taken)}"


def _write_summary(pen: _Pen) -> None:
    facts = pen.facts
    page = _new_sheet(pen, facts.say.word("report.summary"))
    page.set_column(0, 0, 110)
    lines = [facts.name, facts.note, *summary_lines(facts)]
    for row, line in enumerate((line for line in lines if line), start=HEAD_ROWS):
        pen.write_text(page, (row, 0), plain(line))


def _dictionary(sheets: Sequence[_Sheet], facts: Facts) -> _Sheet:
    """What every column of every sheet means."""
    rows = [
        {
            "table": sheet.title,
            "column": one.heading(facts.say.lang),
            "key": one.key,
            "meaning_zh": one.means_zh or one.zh,
            "meaning_en": one.means_en or one.en,
            "unit": unit_word(one.unit, facts.say.lang),
        }
        for sheet in sheets
        for one in sheet.fields
    ]
    table = pd.DataFrame(rows)
    fields = tuple(field_of(str(name), "dictionary", table[name]) for name in table)
    return _Sheet(facts.say.word("report.sheet_dictionary"), "dictionary", table, fields, 0)
