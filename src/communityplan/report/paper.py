"""A document as DOCX, set as Chinese offices set theirs (after GB/T 9704-2012)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from communityplan.report.columns import letters, plain
from communityplan.report.document import Block, Document, Grid, Picture, Section, Words
from communityplan.report.page import heading_number
from communityplan.wording import word as said_word

if TYPE_CHECKING:
    from docx.document import Document as Docx
    from docx.styles.style import ParagraphStyle
    from docx.text.paragraph import Paragraph

__all__ = ["write_paper"]

WRITTEN_AT = datetime(1980, 1, 1)
"""Stands for no time, so that the same plan gives the same file."""
ZIPPED_AT = (1980, 1, 1, 0, 0, 0)

MARGINS_MM = {"top_margin": 37, "bottom_margin": 35, "left_margin": 28, "right_margin": 26}
"""Margins of an A4 page of 156 mm by 225 mm of text (GB/T 9704-2012, from memory, not verified)."""

TEXT_MM = 156.0
PICTURE_MM = {"width": 156.0, "height": 205.0}
MM_PER_PT = 25.4 / 72
LETTER_EM = 0.54
"""Width of a Latin letter or a digit, by the size of its font."""

SHORT, MOST_LETTERS = 10, 120
"""Letters of a cell that stay on one line, and those beyond which it asks for no more room."""

PADDING_MM = 4.6
"""What a cell of a table keeps free to its left and right, with some room to spare [mm]."""

FONT_TABLE = "word/fontTable.xml"
# what stands in where a computer lacks the font; the first of each is found on most of them
FONTS = {
    "方正小标宋简体": "华文中宋,STZhongsong,宋体,SimSun,Noto Serif CJK SC",
    "仿宋": "FangSong,仿宋_GB2312,STFangsong,宋体,Noto Serif CJK SC",
    "楷体": "KaiTi,楷体_GB2312,STKaiti,Noto Serif CJK SC",
    "黑体": "SimHei,STHeiti,Microsoft YaHei,Noto Sans CJK SC",
    "宋体": "SimSun,STSong,Noto Serif CJK SC",
}


@dataclass(frozen=True)
class _Type:
    """Font and size of one kind of text."""

    chinese: str
    size_pt: float
    line_pt: float | None = None
    bold: bool = False
    latin: str = "Times New Roman"


TYPES = {
    "Title": _Type("方正小标宋简体", 22, 36),
    "Heading 1": _Type("黑体", 16, 28),
    "Heading 2": _Type("楷体", 16, 28, bold=True),
    "Normal": _Type("仿宋", 16, 28),
    "Caption": _Type("黑体", 10.5),
    "Header": _Type("黑体", 10.5),
    "Footer": _Type("宋体", 14),
}
TABLE = _Type("宋体", 9)
NARROW_TABLE = _Type("宋体", 7.5)
"""For a table of ten columns or more."""


def write_paper(document: Document, file: Path) -> None:
    """Write a document as DOCX.

    Parameters
    ----------
    document : Document
    file : Path

    Notes
    -----
    Title in 小标宋, headings 一、 in 黑体 and （一） in 楷体, text in 仿宋 of size 三号 on lines of
    28 pt, tables with captions and headings that come again on every page, page numbers; each
    font names what may stand in for it.
    """
    import docx

    paper = docx.Document()
    _set_page(paper, document)
    _set_styles(paper, document.lang)
    _title(paper, document)
    for place, section in enumerate(document.sections, start=1):
        _section(paper, section, place, document.lang)
    held = io.BytesIO()
    paper.save(held)
    file.write_bytes(_settled(held.getvalue()))


def _set_page(paper: Docx, document: Document) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm

    page = paper.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    for name, millimetres in MARGINS_MM.items():
        setattr(page, name, Mm(millimetres))
    head = page.header.paragraphs[0]
    head.text = plain("　".join(document.marks))
    head.alignment = WD_ALIGN_PARAGRAPH.CENTER
    foot = page.footer.paragraphs[0]
    foot.alignment = WD_ALIGN_PARAGRAPH.CENTER
    foot.add_run("— ")
    _field(foot, "PAGE", "1")
    foot.add_run(" —")
    facts = paper.core_properties
    facts.title, facts.author, facts.comments = plain(document.title), "communityplan", ""
    facts.created = facts.modified = WRITTEN_AT
    facts.last_modified_by = ""
    facts.language = "zh-CN" if document.lang == "zh" else "en"


def _set_styles(paper: Docx, lang: str) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    for name, kind in TYPES.items():
        style: ParagraphStyle = paper.styles[name]
        _set_font(style.element.get_or_add_rPr(), kind)
        # Chinese headings stand out by their font
        heavy = kind.bold or (lang == "en" and name in ("Title", "Heading 1"))
        style.font.size, style.font.bold = Pt(kind.size_pt), heavy
        style.font.italic = False
        style.font.color.rgb = RGBColor(0, 0, 0)
        setting = style.paragraph_format
        setting.space_before = setting.space_after = Pt(0)
        if kind.line_pt is not None:
            setting.line_spacing = Pt(kind.line_pt)
        for border in style.element.xpath("./w:pPr/w:pBdr"):
            border.getparent().remove(border)
    paper.styles["Caption"].paragraph_format.keep_with_next = True
    for language in paper.styles.element.xpath(".//w:docDefaults//w:lang"):
        # Chinese letters and their punctuation are drawn as in China
        language.set(qn("w:eastAsia"), "zh-CN")


def _set_font(properties: Any, kind: _Type) -> None:
    """Both fonts of a style, in place of those of its theme."""
    from docx.oxml.ns import qn

    fonts = properties.get_or_add_rFonts()
    for name in list(fonts.attrib):
        del fonts.attrib[name]
    for name in ("ascii", "hAnsi", "cs"):
        fonts.set(qn(f"w:{name}"), kind.latin)
    fonts.set(qn("w:eastAsia"), kind.chinese)


def _title(paper: Docx, document: Document) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    title = paper.add_paragraph(plain(document.title), style="Title")
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    title.paragraph_format.space_after = Pt(14)
    for key in ("prepared_by", "prepared_on"):
        paper.add_paragraph(
            said_word(f"report.{key}", document.lang)
        ).alignment = WD_ALIGN_PARAGRAPH.CENTER
    if document.note:
        _text(paper, document.note)


def _text(paper: Docx, text: str) -> Paragraph:
    from docx.shared import Pt

    paragraph = paper.add_paragraph(plain(text))
    # two characters
    paragraph.paragraph_format.first_line_indent = Pt(2 * TYPES["Normal"].size_pt)
    return paragraph


def _section(paper: Docx, section: Section, place: int, lang: str) -> None:
    paper.add_heading(plain(heading_number(place, 1, 0, lang) + section.title), level=1)
    _blocks(paper, section.blocks, lang)
    for inner, part in enumerate(section.parts, start=1):
        paper.add_heading(plain(heading_number(inner, 2, place, lang) + part.title), level=2)
        _blocks(paper, part.blocks, lang)


def _blocks(paper: Docx, blocks: Iterable[Block], lang: str) -> None:
    for block in blocks:
        if isinstance(block, Grid):
            _caption(paper, "table", block.number, block.caption, lang)
            _grid(paper, block)
        elif isinstance(block, Picture):
            _picture(paper, block, lang)
        else:
            _words(paper, block)


def _words(paper: Docx, block: Words) -> None:
    for place, line in enumerate(block.lines, start=1):
        _text(paper, f"{place}. {line}" if block.kind == "list" else line)


def _caption(paper: Docx, kind: str, number: int, said: str, lang: str) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    name = said_word(f"report.{kind}", lang)
    caption = paper.add_paragraph(style="Caption")
    caption.alignment = WD_ALIGN_PARAGRAPH.CENTER
    caption.paragraph_format.space_before = Pt(6)
    caption.paragraph_format.keep_with_next = kind == "table"
    caption.add_run(f"{name} ")
    _field(caption, f"SEQ {name} \\* ARABIC", str(number))
    caption.add_run(f"　{plain(said)}")


def _picture(paper: Docx, picture: Picture, lang: str) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Length, Mm

    paragraph = paper.add_paragraph()
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.keep_with_next = True
    # a line of fixed height would cut the picture off
    paragraph.paragraph_format.line_spacing = 1.0
    shape = paragraph.add_run().add_picture(io.BytesIO(picture.png), width=Mm(PICTURE_MM["width"]))
    most = Mm(PICTURE_MM["height"])
    if shape.height > most:
        shape.width, shape.height = Length(shape.width * most / shape.height), most
    shape._inline.docPr.set("descr", picture.alt)
    _caption(paper, "figure", picture.number, picture.caption, lang)


def _grid(paper: Docx, grid: Grid) -> None:
    from docx.enum.table import WD_TABLE_ALIGNMENT
    from docx.shared import Mm, Pt

    table = paper.add_table(rows=len(grid.rows) + 1, cols=len(grid.headings), style="Table Grid")
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    kind = NARROW_TABLE if len(grid.headings) >= 10 else TABLE
    widths = [Mm(width) for width in _widths(grid, kind.size_pt)]
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    bold = [True, *(grid.total and row is grid.rows[-1] for row in grid.rows)]
    for row, cells, heavy in zip(table.rows, [grid.headings, *grid.rows], bold, strict=True):
        _keep_whole(row)
        for place, (cell, text) in enumerate(zip(row.cells, cells, strict=True)):
            cell.width = widths[place]
            _cell(cell.paragraphs[0], text, kind, right=grid.numbers[place], bold=heavy)
    _repeat(table.rows[0])
    after = paper.add_paragraph()
    run = after.add_run(plain(grid.note))
    run.font.size = Pt(TABLE.size_pt)
    after.paragraph_format.line_spacing = Pt(16)


def _cell(paragraph: Paragraph, text: str, kind: _Type, *, right: bool, bold: bool) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    run = paragraph.add_run(plain(text))
    run.font.size, run.font.bold = Pt(kind.size_pt), bold
    _set_font(run._r.get_or_add_rPr(), kind)
    paragraph.paragraph_format.line_spacing = Pt(13)
    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT if right else WD_ALIGN_PARAGRAPH.LEFT


def _widths(grid: Grid, size_pt: float) -> list[float]:
    """Width of each column, the whole as wide as the text [mm].

    Numbers and words stay whole; what is left goes to the columns with much to say.
    """
    letter_mm = LETTER_EM * size_pt * MM_PER_PT
    least, wanted = [], []
    for place, heading in enumerate(grid.headings):
        cells = [row[place] for row in grid.rows]
        longest = max(map(letters, cells), default=0)
        words = [word for text in (*cells, heading) for word in text.split()]
        whole = max((_unbreakable(word) for word in words), default=0)
        needed = max(whole, longest if longest <= SHORT else 0, letters(heading) / 4, 4)
        least.append(PADDING_MM + letter_mm * min(needed, SHORT * 2))
        wanted.append(max(min(longest, MOST_LETTERS) - needed, 0.5))
    spare = TEXT_MM - sum(least)
    if spare < 0:
        return [width * TEXT_MM / sum(least) for width in least]
    return [width + spare * want / sum(wanted) for width, want in zip(least, wanted, strict=True)]


def _unbreakable(word: str) -> int:
    """Letters that have to stay on one line: all of a Latin word, one or two Chinese ones."""
    return letters(word) if word.isascii() else min(letters(word), 4)


def _keep_whole(row: Any) -> None:
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))


def _repeat(row: Any) -> None:
    """The row comes again on every page."""
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def _field(paragraph: Paragraph, code: str, shown: str) -> None:
    """A field that the word processor fills in, and what it shows until then."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), f" {code} ")
    run, text = OxmlElement("w:r"), OxmlElement("w:t")
    text.text = shown
    run.append(text)
    field.append(run)
    paragraph._p.append(field)


def _settled(content: bytes) -> bytes:
    """The file with its fonts named, and the same bytes for the same document."""
    held = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as given,
        zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as settled,
    ):
        for name in given.namelist():
            part = _font_table(FONTS) if name == FONT_TABLE else given.read(name)
            settled.writestr(zipfile.ZipInfo(name, ZIPPED_AT), part, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def _font_table(fonts: dict[str, str]) -> bytes:
    """Which fonts are used, and which may stand in for each."""
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    entries: Sequence[str] = [
        f'<w:font w:name="{name}"><w:altName w:val="{others}"/><w:charset w:val="86"/>'
        '<w:family w:val="auto"/><w:pitch w:val="variable"/></w:font>'
        for name, others in fonts.items()
    ]
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    return f'{head}<w:fonts xmlns:w="{space}">{"".join(entries)}</w:fonts>'.encode()
