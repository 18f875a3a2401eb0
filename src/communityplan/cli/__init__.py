"""The commands, and how what goes wrong is told: one message, and what to do next."""

from __future__ import annotations

import sys
import traceback

import typer
from rich.console import Console

from communityplan.cli import batches, projects, results
from communityplan.cli.options import app, language
from communityplan.errors import CommunityPlanError, DataError, OptionError
from communityplan.wording import word

__all__ = ["app", "batches", "main", "projects", "results"]

BAD_INPUT = 2
"""Exit code where the input, an option or the installation is wrong."""

OF_A_PROJECT = ("evaluate", "check", "rank", "plan", "map", "report", "versions")
"""Commands that begin with a project."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code is 0, or 2 where the input or an option is wrong.

    Parameters
    ----------
    arguments : list of str, optional
        Those of the process unless given.

    Returns
    -------
    int
        Only where `arguments` are given; else the process ends.
    """
    given = sys.argv[1:] if arguments is None else arguments
    if arguments is None:
        _print_whatever()
    code = _run(given, debug="--debug" in given)
    if arguments is None:
        sys.exit(code)
    return code


def _print_whatever() -> None:
    """Letters that the terminal lacks are replaced; they end no command."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _run(arguments: list[str], *, debug: bool) -> int:
    errors = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    try:
        result = app(arguments, standalone_mode=False)
    except CommunityPlanError as error:
        errors.print(traceback.format_exc() if debug else f"communityplan: {error}")
        step = _next_step(error, arguments)
        if step:
            errors.print(step)
        return BAD_INPUT
    except (KeyboardInterrupt, typer.Abort):
        errors.print("communityplan: interrupted; nothing was written")
        return 130
    except Exception as error:
        if _is_usage(error):
            errors.print(f"communityplan: {error.format_message()}")  # type: ignore[attr-defined]
            errors.print(_said("cli.next_help", arguments, command=_command(arguments)))
            return BAD_INPUT
        told = f"communityplan: this should not happen: {error!r}; --debug shows where"
        errors.print(traceback.format_exc() if debug else told)
        errors.print(_said("cli.next_doctor", arguments))
        return 1
    return result if isinstance(result, int) else 0


def _is_usage(error: Exception) -> bool:
    """Whether the command line itself was wrong, which the parser tells with a message."""
    return hasattr(error, "format_message")


def _next_step(error: CommunityPlanError, arguments: list[str]) -> str:
    """What to do next, where the message itself does not say it."""
    command = _command(arguments)
    if isinstance(error, OptionError):
        return _said("cli.next_help", arguments, command=command)
    if not isinstance(error, DataError) or command not in OF_A_PROJECT:
        return ""
    if any("there is no such file" in problem.found for problem in error.problems):
        return _said("cli.next_new", arguments)
    project = next((one for one in arguments[1:] if not one.startswith("-")), "PROJECT")
    writing = any("cannot be written" in problem.found for problem in error.problems)
    return "" if writing else _said("cli.next_check", arguments, project=project)


def _command(arguments: list[str]) -> str:
    return next((one for one in arguments if not one.startswith("-")), "")


def _said(key: str, arguments: list[str], **values: str) -> str:
    """A word in the language asked for; in that of the system where that cannot be told."""
    place = arguments.index("--lang") + 1 if "--lang" in arguments else len(arguments)
    try:
        lang = language(arguments[place] if place < len(arguments) else "")
    except OptionError:
        lang = language("")
    return word(key, lang, **values)
