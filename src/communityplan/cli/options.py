"""What every command shares: the parser, its options, and how the work is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from communityplan.errors import OptionError
from communityplan.wording import LANGUAGES, usual_language, word

__all__ = ["Debug", "Given", "Lang", "Out", "app", "language", "progress"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Walking service circles of old residential communities, and which idle building to open.",
)
Out = Annotated[Path, typer.Option("--out", help="Folder for the results.")]
Lang = Annotated[str, typer.Option("--lang", help="zh or en; the system's language unless given.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show where an error arose.")]
Given = Annotated[
    str,
    typer.Argument(help="A project file, the folder of project.toml, or demo.", metavar="PROJECT"),
]


def language(lang: str) -> str:
    """The language asked for, else that of the system.

    Raises
    ------
    OptionError
        For a language that is not known.
    """
    if not lang:
        return usual_language()
    if lang not in LANGUAGES:
        raise OptionError(f"--lang is {lang!r}: give {' or '.join(LANGUAGES)}")
    return lang


@contextmanager
def progress(lang: str) -> Iterator[Callable[[str], None]]:
    """Stages of the work, shown while they last."""
    console = Console(stderr=True)
    with console.status(word("cli.stage_network", lang)) as status:

        def tell(stage: str) -> None:
            said = word(f"cli.stage_{stage}", lang)
            status.update(said)
            if not console.is_terminal:
                console.print(said, highlight=False)

        yield tell
