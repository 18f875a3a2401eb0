"""The command for many projects: progress while it runs, and what failed, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from communityplan.batch import Progress, cut_tiles, project_files, run_batch
from communityplan.batch.jobs import Given
from communityplan.cli.options import Debug, Lang, Out, app, language
from communityplan.cli.shown import new_console
from communityplan.errors import MissingLibraryError, OptionError
from communityplan.project import load_project

__all__ = ["batch"]

SHOWN_FAILURES = 20
INTERRUPTED = 130
WORDS = {
    "done": ("已完成", "done"),
    "failed": ("失败", "failed"),
    "skipped": ("已有结果", "already there"),
    "projects": ("个项目", "projects"),
    "left": ("约剩", "about"),
    "after": ("", "left"),
    "more": ("另有 {} 个项目失败，见 status.parquet", "and {} more; see status.parquet"),
    "interrupted": (
        "已中断；已完成的项目保存在 {}，用同一命令继续",
        "interrupted; what was finished is whole in {}, and the same command goes on",
    ),
}


@app.command()
def batch(  # noqa: PLR0917  # the parser calls it by name
    projects: Annotated[
        list[str],
        typer.Argument(help="Project files, or folders that hold project.toml files."),
    ],
    workers: Annotated[
        int | None, typer.Option("--workers", help="Processes; one per processor unless given.")
    ] = None,
    dask: Annotated[
        str, typer.Option("--dask", help="Address of a Dask scheduler, such as tcp://host:8786.")
    ] = "",
    homes_per_tile: Annotated[
        int | None,
        typer.Option("--homes-per-tile", help="Cut every project into tiles of so many homes."),
    ] = None,
    memory_mb: Annotated[
        float | None, typer.Option("--memory-mb", help="Memory for one project, in megabytes.")
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Do again what was done with the same inputs.")
    ] = False,
    out: Out = Path("out"),
    lang: Lang = "",
    debug: Debug = False,
) -> int:
    """Plan many projects into one folder of tables; run again, it goes on where it was."""
    del debug
    said = language(lang)
    given = _given(projects, homes_per_tile)
    client = _client(dask)
    try:
        with _shown(said) as tell:
            status = run_batch(
                given,
                out,
                client=client,
                workers=workers,
                tell=tell,
                resume=not anew,
                memory_mb=memory_mb,
            )
    except KeyboardInterrupt:
        Console(stderr=True, soft_wrap=True).print(_word("interrupted", said).format(out))
        return INTERRUPTED
    finally:
        if client is not None:
            client.close()
    _show_status(status, out, said)
    return 1 if (status["state"] == "failed").any() else 0


def _given(projects: list[str], homes_per_tile: int | None) -> list[Given]:
    if homes_per_tile is None:
        return list(projects)
    files = [
        file for one in projects for file in (project_files(one) if one != "demo" else ["demo"])
    ]
    return [
        tile
        for file in files
        for tile in cut_tiles(load_project(file), homes_per_tile=homes_per_tile)
    ]


def _client(address: str) -> Any:
    """A client of a running cluster; None where none is asked for."""
    if not address:
        return None
    try:
        return import_module("distributed").Client(address, timeout=10)
    except ImportError as error:
        raise MissingLibraryError('Dask is missing: pip install "communityplan[dask]"') from error
    except OSError as error:
        raise OptionError(f"--dask {address}: no scheduler answers there ({error})") from error


@contextmanager
def _shown(lang: str) -> Iterator[Callable[[Progress], None]]:
    """A bar with what is done, failed and left; plain lines where there is no terminal."""
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(
        *columns, TextColumn("{task.description}"), console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=None)

        def tell(progress: Progress) -> None:
            finished = progress.done + progress.failed + progress.skipped
            line = _line(progress, lang)
            bar.update(task, total=progress.total, completed=finished, description=line)
            if not console.is_terminal:
                console.print(f"{finished}/{progress.total} {line}", highlight=False, markup=False)

        yield tell


def _line(progress: Progress, lang: str) -> str:
    failed = f", {progress.failed} {_word('failed', lang)}" if progress.failed else ""
    left_s = round(progress.left_s or 0.0)
    left = f"{left_s // 3600}:{left_s // 60 % 60:02d}:{left_s % 60:02d}"
    return f"{progress.latest}{failed}, {_word('left', lang)} {left} {_word('after', lang)}".strip()


def _show_status(status: pd.DataFrame, out: Path, lang: str) -> None:
    console = new_console()
    projects = status.drop_duplicates("project")
    counts = projects["state"].value_counts()
    told = ", ".join(f"{_word(str(state), lang)} {count}" for state, count in counts.items())
    console.print(f"{len(projects)} {_word('projects', lang)}: {told}", highlight=False)
    failed = projects[projects["state"] == "failed"]
    for row in failed.head(SHOWN_FAILURES).to_dict("records"):
        console.print(
            f"{row['project']}: {row['error']}", highlight=False, markup=False, soft_wrap=True
        )
    if len(failed) > SHOWN_FAILURES:
        console.print(_word("more", lang).format(len(failed) - SHOWN_FAILURES), highlight=False)
    console.print(str(out), highlight=False, markup=False, soft_wrap=True)


def _word(key: str, lang: str) -> str:
    return WORDS[key][0 if lang == "zh" else 1]
