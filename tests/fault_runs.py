"""Batches that are killed, starved, interrupted and damaged: is anything lost? (`make faults`)

After every fault a second run has to give the same bytes as a run that nothing happened to, and no
unfinished file may stay.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import communityplan.batch as batches
from batch_projects import write_tiny
from communityplan.batch import run_batch
from communityplan.errors import DataError

PROJECTS = 4
RANDOM_KILLS = 30
COMMAND = [sys.executable, "-c", "from communityplan.cli import main; main()", "batch"]


class Bench:
    """The projects, what a run that nothing happened to gives, and what was counted."""

    def __init__(self, base: Path) -> None:
        self.base, self.inputs = base, base / "in"
        for number in range(PROJECTS):
            write_tiny(self.inputs / f"t{number}", number)
        self.outcomes: dict[str, Any] = {}
        real = batches.in_this_process

        def remembered(jobs: Any, memory_mb: Any) -> Iterator[Any]:
            for outcome in real(jobs, memory_mb):
                self.outcomes[outcome.name] = outcome
                yield outcome

        batches.in_this_process = remembered
        run_batch(self.inputs, base / "whole", workers=0)
        batches.in_this_process = real
        self.whole = tables(base / "whole")
        self.rows: list[tuple[str, int, int]] = []
        self.number = 0

    def folder(self) -> Path:
        self.number += 1
        return self.base / f"out{self.number}"

    def is_mended(self, folder: Path) -> bool:
        """Whether a second run gives what it has to."""
        status = run_batch(self.inputs, folder, workers=0)
        left = [file for file in folder.rglob(".*") if file.name != ".lock"]
        failed = status.loc[status["state"] == "failed", "error"].tolist()
        found = tables(folder)
        names = found.keys() | self.whole.keys()
        other = sorted(name for name in names if found.get(name) != self.whole.get(name))
        if failed or other or left:
            print(
                f"not whole: failed {failed}, other tables {other}, unfinished {left}", flush=True
            )
        shutil.rmtree(folder)
        return not (failed or other or left)

    def count(self, what: str, results: list[bool]) -> None:
        self.rows.append((what, len(results), sum(results)))
        print(f"{what}: {sum(results)} of {len(results)} whole after the second run", flush=True)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Plans are those of the first run, so that only writing takes time."""
        real = batches.in_this_process
        batches.in_this_process = lambda jobs, _: (self.outcomes[job.name] for job in jobs)
        try:
            yield
        finally:
            batches.in_this_process = real


def tables(folder: Path) -> dict[str, bytes]:
    found = [file for file in folder.rglob("*.parquet") if file.name != "status.parquet"]
    return {str(file.relative_to(folder)): file.read_bytes() for file in found}


def forked(work: Callable[[], None]) -> int:
    """A copy of this process that does some work and ends."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return child


def killed_at_random(bench: Bench) -> list[bool]:
    """Kill -9 at random moments of runs that really plan."""
    rng = random.Random(8)
    begun = time.perf_counter()
    os.waitpid(forked(lambda: run_batch(bench.inputs, bench.base / "timed", workers=0)), 0)
    longest_s = time.perf_counter() - begun
    results = []
    for _ in range(RANDOM_KILLS):
        folder = bench.folder()
        child = forked(lambda to=folder: run_batch(bench.inputs, to, workers=0))
        time.sleep(rng.uniform(0.0, longest_s))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        results.append(bench.is_mended(folder))
    return results


def killed_at_every_step(bench: Bench) -> list[bool]:
    """Kill -9 before the first, second, third ... change on disk of a run, until none is left."""
    results: list[bool] = []
    with bench.at_once():
        while True:
            folder, step = bench.folder(), len(results)
            child = forked(lambda at=step, to=folder: _killed_before(at, bench, to))
            _, ended = os.waitpid(child, 0)
            if not os.WIFSIGNALED(ended):
                shutil.rmtree(folder)
                return results
            results.append(bench.is_mended(folder))


def _killed_before(step: int, bench: Bench, folder: Path) -> None:
    left = [step]

    def deadly(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **options: Any) -> Any:
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return real(*given, **options)

        return call

    for name in ("fsync", "replace", "unlink", "mkdir"):
        setattr(os, name, deadly(getattr(os, name)))
    run_batch(bench.inputs, folder, workers=0)


def commands_hit(
    bench: Bench, hit: Callable[[subprocess.Popen[bytes]], None], times: int
) -> list[bool]:
    """The command with two processes, hit by something after a while."""
    results = []
    for turn in range(times):
        folder = bench.folder()
        given = [*COMMAND, str(bench.inputs), "--workers", "2", "--out", str(folder)]
        process = subprocess.Popen(
            given, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        seen = folder / ("batch.json" if turn % 2 else "status")
        while process.poll() is None and not seen.exists():
            time.sleep(0.02)
        time.sleep(0.2 * turn)
        hit(process)
        process.wait()
        results.append(bench.is_mended(folder))
    return results


def killed(process: subprocess.Popen[bytes]) -> None:
    process.kill()


def interrupted(process: subprocess.Popen[bytes]) -> None:
    """As a terminal does: to every process of the group."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)


def dask_worker_killed(bench: Bench) -> list[bool]:
    """Kill -9 of one of two workers in the middle of a batch; the batch itself has to finish."""
    from distributed import Client, LocalCluster

    results = []
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None,
                     local_directory=str(bench.base)) as cluster,
        Client(cluster) as client,
    ):  # fmt: skip
        for _ in range(3):
            folder = bench.folder()
            told: list[Any] = []

            def kill_one(progress: Any, told: list[Any] = told) -> None:
                told.append(progress)
                if len(told) == 1:
                    workers = client.run(os.getpid)
                    os.kill(next(iter(workers.values())), signal.SIGKILL)

            status = run_batch(bench.inputs, folder, client=client, tell=kill_one)
            whole = set(status["state"]) == {"done"} and tables(folder) == bench.whole
            results.append(whole and bench.is_mended(folder))
    return results


def disk_full(bench: Bench) -> list[bool]:
    """A disk that is full after ever more bytes; a real small one where it may be mounted."""
    results = []
    whole = sum(len(data) for data in bench.whole.values())
    with bench.at_once():
        for share in (0.0, 0.2, 0.5, 0.8):
            mount = bench.base / "disk"
            mount.mkdir(exist_ok=True)
            size = max(int(whole * share), 1) // 1024 + 8
            if not _is_mounted(mount, size):
                results += _full_by_force(bench)
                continue
            try:
                _ends_in_an_error(bench, mount / "out")
                subprocess.run(["mount", "-o", "remount,size=64m", mount], check=True)
                results.append(bench.is_mended(mount / "out"))
            finally:
                subprocess.run(["umount", mount], check=True)
    return results


def _is_mounted(mount: Path, size_kb: int) -> bool:
    asked = ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(mount)]
    return subprocess.run(asked, check=False, capture_output=True).returncode == 0


def _full_by_force(bench: Bench) -> list[bool]:
    """Where nothing may be mounted: the sixth file finds no room."""
    folder, real, left = bench.folder(), os.fsync, [6]

    def full(number: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(number)

    os.fsync = full
    try:
        _ends_in_an_error(bench, folder)
    finally:
        os.fsync = real
    return [bench.is_mended(folder)]


def _ends_in_an_error(bench: Bench, folder: Path) -> None:
    try:
        run_batch(bench.inputs, folder, workers=0)
    except DataError as error:
        if "cannot be written" in str(error):
            return
    raise RuntimeError(f"{folder} was written although that cannot be")


def read_only(bench: Bench) -> list[bool]:
    """A folder on a disk that turned read-only, and a file where the folder should be."""
    results = []
    with bench.at_once():
        place = bench.folder()
        place.write_text("", encoding="utf-8")
        _ends_in_an_error(bench, place)
        place.unlink()
        results.append(bench.is_mended(place))
        mount = bench.base / "disk"
        mount.mkdir(exist_ok=True)
        if _is_mounted(mount, 65536):
            try:
                run_batch(bench.inputs / "t0", mount / "out", workers=0)
                subprocess.run(["mount", "-o", "remount,ro", mount], check=True)
                _ends_in_an_error(bench, mount / "out")
                subprocess.run(["mount", "-o", "remount,rw", mount], check=True)
                results.append(bench.is_mended(mount / "out"))
            finally:
                subprocess.run(["umount", mount], check=True)
    return results


def damaged_files(bench: Bench) -> list[bool]:
    """Every file of a finished batch in turn: empty, half, without its last byte, garbage, gone."""
    damages: list[Callable[[bytes], bytes | None]] = [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: bytes(len(data)),
        lambda data: None,
    ]
    results = []
    with bench.at_once():
        names = sorted(str(file.relative_to(bench.base / "whole"))
                       for file in (bench.base / "whole").rglob("*") if file.is_file())  # fmt: skip
        for name in names:
            for damage in damages:
                folder = bench.folder()
                shutil.copytree(bench.base / "whole", folder)
                left = damage((folder / name).read_bytes())
                (folder / name).unlink()
                if left is not None:
                    (folder / name).write_bytes(left)
                try:
                    results.append(bench.is_mended(folder))
                except DataError as error:
                    # without its mark a folder might be anybody's: refused, nothing touched
                    results.append(name == "batch.json" and "holds other files" in str(error))
                    shutil.rmtree(folder)
    return results


def two_at_once(bench: Bench) -> list[bool]:
    """A second run in the folder of a first one: it is refused, and the first one finishes."""
    folder = bench.folder()
    given = [*COMMAND, str(bench.inputs), "--workers", "1", "--out", str(folder)]
    first = subprocess.Popen(given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (folder / "batch.json").exists():
        time.sleep(0.02)
    try:
        run_batch(bench.inputs, folder, workers=0)
        refused = False
    except DataError as error:
        refused = f"process {first.pid} on" in str(error)
    return [refused and first.wait() == 0 and bench.is_mended(folder)]


def main() -> int:
    with tempfile.TemporaryDirectory() as base:
        bench = Bench(Path(base))
        # forks come first, while this process has no further thread
        bench.count("kill -9 at random moments", killed_at_random(bench))
        bench.count("kill -9 before every single change on disk", killed_at_every_step(bench))
        bench.count("kill -9 of the command with two processes", commands_hit(bench, killed, 4))
        bench.count("Ctrl-C of the command with two processes", commands_hit(bench, interrupted, 4))
        bench.count("disk full", disk_full(bench))
        bench.count("folder that cannot be written", read_only(bench))
        bench.count("damaged or half-written file", damaged_files(bench))
        bench.count("two runs in one folder", two_at_once(bench))
        bench.count("one of two Dask workers killed", dask_worker_killed(bench))
    lost = sum(times - whole for _, times, whole in bench.rows)
    total = sum(times for _, times, _ in bench.rows)
    print(f"{total} faults, {lost} with something lost")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
