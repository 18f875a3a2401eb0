"""One project -> its tables as bytes, or why there are none; this runs in a process of its own."""

from __future__ import annotations

import sys
import threading
import time
import warnings
from dataclasses import dataclass, field, replace

import pandas as pd

from communityplan.batch.encode import encoded, plan_tables
from communityplan.batch.jobs import Job
from communityplan.batch.memory import check_fits
from communityplan.batch.tiles import Tile
from communityplan.errors import CommunityPlanError, DataError
from communityplan.plan import make_plan
from communityplan.project import Project, load_project

__all__ = ["Outcome", "evaluate", "failed"]

_one_at_a_time = threading.Lock()
"""Warnings belong to a process, not to a thread, and so does the memory that is counted."""


@dataclass(frozen=True)
class Outcome:
    """What came of one project.

    Attributes
    ----------
    name : str
        The job.
    state : {"done", "failed"}
    error : str
        Why there are no tables: every problem with file and row.
    notes : str
        Warnings, and what could not be chosen.
    communities : tuple of (str, str)
        Key and name of every community; empty where they could not be read.
    parts : dict of str to bytes
        The tables as files.
    seconds, processor_s : float
        What it took [s].
    peak_mb : float or None
        Largest memory of the process so far [MB]; None where the system does not tell.
    """

    name: str
    state: str
    error: str = ""
    notes: str = ""
    communities: tuple[tuple[str, str], ...] = ()
    parts: dict[str, bytes] = field(default_factory=dict)
    seconds: float = 0.0
    processor_s: float = 0.0
    peak_mb: float | None = None


def evaluate(job: Job, memory_mb: float | None = None) -> Outcome:
    """Read and plan one project; whatever goes wrong becomes part of the outcome.

    Parameters
    ----------
    job : Job
    memory_mb : float, optional
        A project that is estimated to need more is refused [MB].
    """
    began, processor = time.perf_counter(), time.process_time()
    with _one_at_a_time, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", category=UserWarning)
        outcome = _outcome(job, memory_mb)
    notes = [outcome.notes, *dict.fromkeys(str(warning.message) for warning in told)]
    return replace(
        outcome,
        notes="\n".join(note for note in notes if note),
        seconds=time.perf_counter() - began,
        processor_s=time.process_time() - processor,
        peak_mb=_peak_mb(),
    )


def failed(name: str, error: str) -> Outcome:
    """The outcome of a project that could not even be tried to its end."""
    return Outcome(name, "failed", error=error)


def _outcome(job: Job, memory_mb: float | None) -> Outcome:
    communities: tuple[tuple[str, str], ...] = ()
    try:
        project, owned = _project(job)
        communities = _communities(project, owned)
        check_fits(project, memory_mb=memory_mb)
        plan = make_plan(project)
        tables = {name: _own(table, owned) for name, table in plan_tables(plan).items()}
        if owned is not None:
            # the areas of facilities in the overlap are those of several tiles
            tables.pop("areas", None)
        parts = {name: encoded(table, project=job.name) for name, table in tables.items()}
    except DataError as error:
        return Outcome(job.name, "failed", str(error), communities=communities)
    except CommunityPlanError as error:
        # unlike a list of problems, these do not name a file
        said = f"{job.source}: {error}"
        return Outcome(job.name, "failed", said, communities=communities)
    except MemoryError:
        said = "there is not enough memory; give fewer workers, or cut the project into tiles"
        return Outcome(job.name, "failed", said, communities=communities)
    # one project must not end the others, whatever is wrong with it
    except Exception as error:
        said = f"this should not happen: {error!r}"
        return Outcome(job.name, "failed", said, communities=communities)
    return Outcome(job.name, "done", "", plan.not_chosen, communities, parts)


def _project(job: Job) -> tuple[Project, tuple[str, ...] | None]:
    """The project, and of a tile the communities that are its own."""
    if isinstance(job.given, Tile):
        return job.given.project(), job.given.owned
    return (job.given if isinstance(job.given, Project) else load_project(job.given)), None


def _communities(project: Project, owned: tuple[str, ...] | None) -> tuple[tuple[str, str], ...]:
    keys, names = project.communities["community_id"], project.communities["name"]
    pairs = [(str(key), str(name)) for key, name in zip(keys, names, strict=True)]
    return tuple(pair for pair in pairs if owned is None or pair[0] in owned)


def _own(table: pd.DataFrame, owned: tuple[str, ...] | None) -> pd.DataFrame:
    """The rows of a tile's own communities; homes are its own anyway."""
    if owned is None or "community_id" not in table.columns:
        return table
    kept: pd.DataFrame = table[table["community_id"].isin(owned)]
    return kept


def _peak_mb() -> float | None:
    """Largest memory of this process so far [MB]."""
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
