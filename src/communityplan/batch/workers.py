"""Who evaluates: this process, processes of its own, or the workers of a Dask cluster.

Each way gives outcomes as they come. Nothing is written here, so whatever happens to a worker, it
leaves no file behind.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from communityplan.batch.evaluate import Outcome, evaluate, failed
from communityplan.batch.jobs import Job
from communityplan.errors import MissingLibraryError, OptionError

__all__ = ["in_processes", "in_this_process", "on_dask", "worker_count"]

RECYCLE_AFTER = 200
"""Projects after which a process is replaced."""

RECYCLE_MB = 700.0
"""Memory above which a process is replaced, for it is not given back [MB]."""

GUARD = (
    "processes cannot be started from here: put the call under `if __name__ == '__main__':`, or "
    "give workers=0 for no further process"
)


def worker_count(workers: int | None) -> int:
    """The processes asked for, else as many as there are processors for this one.

    Raises
    ------
    OptionError
        Below 0.
    """
    if workers is None:
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
    if workers < 0:
        raise OptionError(f"workers is {workers}; give 1 or more, or 0 for this process alone")
    return workers


def in_this_process(jobs: Sequence[Job], memory_mb: float | None) -> Iterator[Outcome]:
    """One after the other."""
    for job in jobs:
        yield evaluate(job, memory_mb)


def in_processes(jobs: Sequence[Job], memory_mb: float | None, workers: int) -> Iterator[Outcome]:
    """Several at a time; a project whose process dies is tried once more, alone.

    Parameters
    ----------
    jobs : sequence of Job
    memory_mb : float, optional
    workers : int
        Processes.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise OptionError(GUARD)
    crew = _Crew(memory_mb)
    try:
        died: list[Job] = []
        yield from crew.work_off(jobs, workers, died)
        for job in died:
            crew.dismiss()
            again: list[Job] = []
            yield from crew.work_off([job], 1, again)
            for lost in again:
                yield failed(lost.name, crew.last_words)
    finally:
        crew.dismiss()


@dataclass(eq=False)
class _Worker:
    """One process and the line to it."""

    process: BaseProcess
    line: Connection
    job: Job | None = None
    is_ready: bool = False
    done: int = 0


@dataclass(eq=False)
class _Crew:
    """The processes of a batch."""

    memory_mb: float | None
    workers: list[_Worker] = field(default_factory=list)
    last_words: str = ""
    stillborn: int = 0

    def work_off(self, jobs: Sequence[Job], workers: int, died: list[Job]) -> Iterator[Outcome]:
        """Outcomes as they come; projects whose process died are put in `died`."""
        left = deque(jobs)
        while left or any(worker.job for worker in self.workers):
            self._man(min(workers, len(left) + sum(bool(each.job) for each in self.workers)))
            for worker in self.workers:
                if worker.is_ready and worker.job is None and left:
                    self._send(worker, left)
            if not self.workers:
                # all of them died while idle; waiting for nobody would never end
                continue
            ready = wait([worker.line for worker in self.workers])
            for worker in [each for each in self.workers if each.line in ready]:
                outcome = self._hear(worker, died)
                if outcome is not None:
                    yield outcome

    def _man(self, wanted: int) -> None:
        while len(self.workers) < wanted:
            self.workers.append(_started(self.memory_mb))

    def _send(self, worker: _Worker, left: deque[Job]) -> None:
        worker.job = left.popleft()
        try:
            worker.line.send(worker.job)
        except OSError:
            # it died while idle, which is not this project's doing
            left.appendleft(worker.job)
            worker.job = None
            self._bury(worker)

    def _hear(self, worker: _Worker, died: list[Job]) -> Outcome | None:
        """What a worker has to say; silence at the end of the line means that it died."""
        try:
            outcome: Outcome | None = worker.line.recv()
        except (EOFError, OSError):
            self._lose(worker, died)
            return None
        if outcome is None:
            worker.is_ready = True
            self.stillborn = 0
            return None
        worker.job = None
        worker.done += 1
        if worker.done >= RECYCLE_AFTER or (outcome.peak_mb or 0.0) > RECYCLE_MB:
            self._bury(worker)
        return outcome

    def _lose(self, worker: _Worker, died: list[Job]) -> None:
        self._bury(worker)
        self.last_words = (
            f"the process that evaluated it ended without an answer, twice "
            f"(exit code {worker.process.exitcode}), the second time with nothing beside it; "
            "mostly memory ran out: cut the project into tiles"
        )
        if worker.job is not None:
            died.append(worker.job)
            return
        if not worker.is_ready:
            self.stillborn += 1
            if self.stillborn > 2:
                raise OptionError(GUARD)

    def _bury(self, worker: _Worker) -> None:
        """End a process and forget it."""
        self.workers.remove(worker)
        worker.line.close()
        if worker.process.is_alive():
            worker.process.terminate()
        worker.process.join()

    def dismiss(self) -> None:
        """End every process."""
        for worker in list(self.workers):
            self._bury(worker)


def _started(memory_mb: float | None) -> _Worker:
    # a process forked from one with threads may never get its locks
    context = multiprocessing.get_context("spawn")
    mine, its = context.Pipe()
    process = context.Process(target=_serve, args=(its, memory_mb), daemon=True)
    process.start()
    its.close()
    return _Worker(process, mine)


def _serve(line: Connection, memory_mb: float | None) -> None:
    """What a process does: take a project, give back what came of it."""
    # a break on the terminal reaches every process; the first one decides
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    line.send(None)
    while True:
        try:
            job: Job = line.recv()
        except EOFError:
            return
        line.send(evaluate(job, memory_mb))


def _end_with_parent() -> None:
    """Nobody would hear the answer of an orphan."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def on_dask(jobs: Sequence[Job], memory_mb: float | None, client: Any) -> Iterator[Outcome]:
    """On the workers of a cluster, a few projects ahead of them.

    Parameters
    ----------
    jobs : sequence of Job
        Paths have to be there for every worker.
    memory_mb : float, optional
    client : dask.distributed.Client
        A project whose worker dies is moved to another one by Dask, a few times.
    """
    try:
        as_completed: Any = import_module("distributed").as_completed
    except ImportError as error:
        raise MissingLibraryError('Dask is missing: pip install "communityplan[dask]"') from error
    left = deque(jobs)

    def submit() -> Any:
        job = left.popleft()
        future = client.submit(evaluate, job, memory_mb, pure=False, key=f"{job.name}-{len(left)}")
        future.communityplan_job = job
        return future

    ahead = max(2 * sum(client.nthreads().values()), 4)
    running = as_completed([submit() for _ in range(min(ahead, len(left)))])
    for future in running:
        job: Job = future.communityplan_job
        lost = future.exception()
        yield future.result() if lost is None else failed(job.name, _said(lost))
        future.release()
        if left:
            running.add(submit())


def _said(error: BaseException) -> str:
    if type(error).__name__ == "KilledWorker":
        return (
            "every worker that evaluated it ended without an answer; mostly memory ran out: "
            "cut the project into tiles"
        )
    return f"the cluster gave no answer: {error!r}"
