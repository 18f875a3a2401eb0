"""Many plans: processes on one machine by default, Dask where users outgrow it.

Each project becomes tables in a partitioned GeoParquet data set and a row per community in a table
of states. Files are whole or not there; what was done with the same inputs is not done again; one
project that fails never stops the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from communityplan.batch.encode import arrow, encoded, read_batch
from communityplan.batch.evaluate import Outcome
from communityplan.batch.folder import Folder, opened
from communityplan.batch.jobs import Given, Job, as_jobs, fingerprint, project_files
from communityplan.batch.memory import estimated_mb, free_mb
from communityplan.batch.tiles import Tile, cut_tiles, least_overlap_m
from communityplan.batch.workers import in_processes, in_this_process, on_dask, worker_count
from communityplan.errors import OptionError

__all__ = [
    "Progress",
    "Tile",
    "cut_tiles",
    "estimated_mb",
    "least_overlap_m",
    "project_files",
    "read_batch",
    "run_batch",
]


FIRST_COLUMNS = ("project", "community_id", "community", "state")
ENTRY_COLUMNS = ("error", "notes", "seconds", "processor_s", "peak_mb", "inputs", "source")


@dataclass(frozen=True)
class Progress:
    """How far a batch is.

    Attributes
    ----------
    total, done, failed, skipped : int
        Projects; skipped ones were done before with the same inputs.
    seconds : float
        Since the first project began [s].
    left_s : float or None
        About how long the rest takes [s]; None before the first one is finished.
    latest : str
        The project that was finished last.
    """

    total: int
    done: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    left_s: float | None = None
    latest: str = ""


def run_batch(
    projects: Given | Iterable[Given] | Mapping[str, Given],
    folder: str | Path,
    *,
    client: Any = None,
    workers: int | None = None,
    tell: Callable[[Progress], None] | None = None,
    resume: bool = True,
    memory_mb: float | None = None,
) -> pd.DataFrame:
    """Plan many projects into one folder; run again, it goes on where it was.

    Parameters
    ----------
    projects : path, Project, Tile, iterable of these, or mapping of these by name
        A path is a project file, the folder of a ``project.toml``, or a folder with many such. A
        large project comes as tiles (`cut_tiles`). Names come from folders unless given.
    folder : str or Path
        New, or of an earlier run: ``TABLE/NAME.parquet`` for every table of a plan,
        ``status/NAME.json``, and ``status.parquet``, which is what is returned. Read it with
        `read_batch`.
    client : dask.distributed.Client, optional
        Evaluate on its workers, who have to see the same paths. This process writes.
    workers : int, optional
        Processes on this machine, one per processor unless given; 0 for none but this one.
    tell : callable, optional
        Told the `Progress` after every project.
    resume : bool
        Leave out what was done with the same inputs, options and version and is still whole.
        What failed is tried again.
    memory_mb : float, optional
        Memory for one project [MB]; one that is estimated to need more is refused with what would
        fit. Four fifths of what is free, shared by the workers, unless given.

    Returns
    -------
    DataFrame
        One row per community, in the order of the projects: ``project``, ``community_id``,
        ``community`` (missing where the project could not be read), ``state`` (``"done"``,
        ``"failed"``, ``"skipped"``), ``error`` (every problem with file and row), ``notes``
        (warnings), ``seconds``, ``processor_s`` and ``peak_mb`` of the project, ``inputs`` (the
        fingerprint) and ``source``.

    Raises
    ------
    OptionError
        For options without meaning and projects given twice.
    DataError
        Where the folder cannot be written, holds other files or is another run's. What is in it
        is whole, and the same call goes on.
    MissingLibraryError
        Without pyarrow and filelock (extra ``batch``), or Dask (extra ``dask``).

    Notes
    -----
    Tables are the same bytes for any number of threads, processes or workers. Processes are
    started afresh, so a script calls this under ``if __name__ == "__main__":``.

    Examples
    --------
    >>> import tempfile
    >>> import communityplan as cp
    >>> from communityplan.batch import read_batch, run_batch
    >>> folder = tempfile.mkdtemp()
    >>> status = run_batch("demo", folder, workers=0)
    >>> status["state"].value_counts().to_dict()
    {'done': 8}
    >>> len(read_batch(folder, "ledger"))
    120
    >>> run_batch("demo", folder, workers=0)["state"].unique().tolist()
    ['skipped']
    """
    arrow()
    count = worker_count(workers)
    if client is not None and workers is not None:
        raise OptionError("workers and client: give one of the two")
    jobs = as_jobs(projects)
    with opened(folder) as place:
        marks = {job.name: fingerprint(job, {}) for job in jobs}
        kept = {name for name, mark in marks.items() if resume and place.holds(name, mark)}
        todo = [job for job in jobs if job.name not in kept]
        teller = _Teller(len(jobs), len(kept), tell)
        for outcome in _outcomes(todo, memory_mb, count, client):
            place.keep(outcome, source=_source(jobs, outcome), fingerprint=marks[outcome.name])
            teller.heard(outcome)
        status = _status(place, jobs, kept)
        place.write_status(encoded(status))
    return status


def _outcomes(
    jobs: Sequence[Job], memory_mb: float | None, workers: int, client: Any
) -> Iterator[Outcome]:
    if client is not None:
        return on_dask(jobs, memory_mb, client)
    there = 0.8 * free_mb() / max(workers, 1) if memory_mb is None else memory_mb
    if workers == 0:
        return in_this_process(jobs, there)
    return in_processes(jobs, there, workers)


def _source(jobs: Sequence[Job], outcome: Outcome) -> str:
    return next(job.source for job in jobs if job.name == outcome.name)


@dataclass
class _Teller:
    """Counts what is finished, and tells."""

    total: int
    skipped: int
    tell: Callable[[Progress], None] | None
    done: int = 0
    failed: int = 0
    begun: float = field(default_factory=time.perf_counter)

    def heard(self, outcome: Outcome) -> None:
        self.done += outcome.state == "done"
        self.failed += outcome.state == "failed"
        if self.tell is None:
            return
        seconds = time.perf_counter() - self.begun
        finished = self.done + self.failed
        left_s = seconds / finished * (self.total - self.skipped - finished)
        self.tell(
            Progress(
                self.total, self.done, self.failed, self.skipped, seconds, left_s, outcome.name
            )
        )


def _status(place: Folder, jobs: Sequence[Job], kept: set[str]) -> pd.DataFrame:
    """One row per community; one for a project whose communities could not be read."""
    rows = [
        {
            "project": job.name,
            "community_id": key,
            "community": name,
            "state": "skipped" if job.name in kept else entry["state"],
            **{column: entry[column] for column in ENTRY_COLUMNS},
        }
        for job in jobs
        if (entry := place.entry(job.name)) is not None
        for key, name in entry["communities"] or [[None, None]]
    ]
    return pd.DataFrame(rows, columns=[*FIRST_COLUMNS, *ENTRY_COLUMNS])
