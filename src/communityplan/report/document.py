"""What a written report is made of, whatever it is written in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from communityplan.report.columns import Field, Sayer, field_of, plain

__all__ = ["Block", "Document", "Grid", "Picture", "Section", "Words", "grid", "numeral"]

MOST_ROWS = 100
"""Rows of a table in a document; the whole table is in the workbook."""

SHORT = 12
"""Letters that stay on one line."""

DIGITS = "零一二三四五六七八九十"


@dataclass(frozen=True)
class Words:
    """Sentences, one below the other.

    Attributes
    ----------
    lines : tuple of str
    kind : {"text", "list", "notice"}
    link : str
        File that the sentence speaks of, empty where there is none.
    """

    lines: tuple[str, ...]
    kind: str = "text"
    link: str = ""


@dataclass(frozen=True)
class Grid:
    """One table with its caption.

    Attributes
    ----------
    caption : str
    headings : tuple of str
    numbers : tuple of bool
        Which columns are numbers.
    rows : tuple of tuple of str
    note : str
    total : bool
        Whether the last row is the sum of the others.
    number : int
        Its number in the document.
    """

    caption: str
    headings: tuple[str, ...]
    numbers: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    total: bool = False
    number: int = 0

    @property
    def short(self) -> tuple[bool, ...]:
        """Which columns are short enough to stay on one line."""
        lengths = (
            max((len(row[place]) for row in self.rows), default=0)
            for place in range(len(self.headings))
        )
        return tuple(length <= SHORT for length in lengths)


@dataclass(frozen=True)
class Picture:
    """One picture with its caption.

    Attributes
    ----------
    png : bytes
    caption : str
    alt : str
        What it shows, for those who do not see it.
    number : int
        Its number in the document.
    """

    png: bytes
    caption: str
    alt: str
    number: int = 0


Block = Words | Grid | Picture


@dataclass(frozen=True)
class Section:
    """A part of a document: its blocks, then its own parts.

    Attributes
    ----------
    title : str
    blocks : tuple of Block
    parts : tuple of Section
    """

    title: str
    blocks: tuple[Block, ...] = ()
    parts: tuple[Section, ...] = ()


@dataclass(frozen=True)
class Document:
    """A whole report.

    Attributes
    ----------
    title : str
    lang : {"zh", "en"}
    marks : tuple of str
        What has to stand on every page, such as that the data are synthetic.
    note : str
        What a reader has to know of the data.
    sections : tuple of Section
    """

    title: str
    lang: str
    marks: tuple[str, ...]
    note: str
    sections: tuple[Section, ...] = field(default_factory=tuple)

    def numbered(self) -> Document:
        """The same document with its tables and pictures numbered."""
        counts = {Grid: 0, Picture: 0}

        def count(block: Block) -> Block:
            if isinstance(block, Words):
                return block
            counts[type(block)] += 1
            return replace(block, number=counts[type(block)])

        def walk(section: Section) -> Section:
            blocks = tuple(count(block) for block in section.blocks)
            return replace(section, blocks=blocks, parts=tuple(map(walk, section.parts)))

        return replace(self, sections=tuple(map(walk, self.sections)))

    def grids(self) -> Iterator[Grid]:
        """Every table of the document."""
        for section in self.sections:
            for part in (section, *section.parts):
                yield from (block for block in part.blocks if isinstance(block, Grid))


def grid(
    table: pd.DataFrame,
    name: str,
    columns: Sequence[str | Field],
    say: Sayer,
    *,
    caption: str,
    note: str = "",
    more: str = "",
    total: Sequence[str] | None = None,
    most: int | None = None,
) -> Grid:
    """A table of a document from a table of the plan.

    Parameters
    ----------
    table : DataFrame
    name : str
        Its name, by which its columns are known.
    columns : sequence of str or Field
        Which columns, in their order; those that the table lacks are left out.
    say : Sayer
    caption : str
    note : str
    more : str
        What is said of rows beyond `most`, with a place for their ``{count}``.
    total : sequence of str, optional
        Cells of a last row.
    most : int, optional
        Rows that are shown; `MOST_ROWS` unless given.

    Returns
    -------
    Grid
    """
    fields = [
        column if isinstance(column, Field) else field_of(column, name, table[column])
        for column in columns
        if (column.key if isinstance(column, Field) else column) in table.columns
    ]
    shown = table.head(MOST_ROWS if most is None else most)
    cells = [[say.cell(value, one.kind) for value in shown[one.key]] for one in fields]
    rows = [tuple(row) for row in zip(*cells, strict=True)]
    hidden = len(table) - len(shown)
    said = [note, more.format(count=hidden) if hidden else ""]
    return Grid(
        caption=plain(caption),
        headings=tuple(plain(one.heading(say.lang)) for one in fields),
        numbers=tuple(one.is_number for one in fields),
        rows=tuple([*rows, tuple(total)] if total is not None else rows),
        note=" ".join(part for part in said if part),
        total=total is not None,
    )


def numeral(count: int) -> str:
    """A Chinese numeral below one hundred.

    Examples
    --------
    >>> from communityplan.report.document import numeral
    >>> [numeral(count) for count in (1, 10, 12, 20, 35)]
    ['一', '十', '十二', '二十', '三十五']
    """
    tens, ones = divmod(count, 10)
    if tens == 0:
        return DIGITS[ones]
    return (DIGITS[tens] if tens > 1 else "") + "十" + (DIGITS[ones] if ones else "")
