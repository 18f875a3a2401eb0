"""A document as one HTML file that opens and prints with no network."""

from __future__ import annotations

import base64
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from communityplan.report.document import Document, numeral
from communityplan.wording import word

__all__ = ["heading_number", "page_of", "write_page"]

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "base-uri 'none'"
)
"""The browser itself runs no script on the page and fetches nothing."""

LANGUAGE_TAGS = {"zh": "zh-CN", "en": "en"}


def page_of(document: Document) -> str:
    """The page of a document, every text of it escaped.

    Parameters
    ----------
    document : Document

    Returns
    -------
    str
        HTML.
    """
    # the templates are needed for reports only
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    room = files("communityplan.report")
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode("ascii")
    template = environment.from_string(room.joinpath("page.html").read_text(encoding="utf-8"))
    style = room.joinpath("page.css").read_text(encoding="utf-8")
    lang = document.lang
    said = {key: word(f"report.{key}", lang) for key in ("table", "figure", "contents", "skip")}
    return template.render(
        document=document,
        language=LANGUAGE_TAGS[lang],
        policy=POLICY,
        # the style is the package's own
        style=Markup(style),  # noqa: S704
        words=said,
        number=lambda count, level, outer=0: heading_number(count, level, outer, lang),
        version=version("communityplan"),
    )


def write_page(document: Document, file: Path) -> None:
    """Write a document as HTML.

    Parameters
    ----------
    document : Document
    file : Path
    """
    file.write_text(page_of(document), encoding="utf-8")


def heading_number(count: int, level: int, outer: int, lang: str) -> str:
    """The number before a heading, as offices of the language write it.

    Parameters
    ----------
    count : int
        Place of the heading, from 1.
    level : int
        1 or 2.
    outer : int
        Place of the heading above, for level 2.
    lang : {"zh", "en"}

    Returns
    -------
    str

    Examples
    --------
    >>> from communityplan.report.page import heading_number
    >>> heading_number(2, 1, 0, "zh"), heading_number(3, 2, 2, "zh"), heading_number(3, 2, 2, "en")
    ('二、', '（三）', '2.3 ')
    """
    if lang == "zh":
        return f"{numeral(count)}、" if level == 1 else f"（{numeral(count)}）"
    return f"{count} " if level == 1 else f"{outer}.{count} "
