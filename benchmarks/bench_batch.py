"""Cost of a batch as it grows, its memory, and two workers against one; writes batch.json.

python benchmarks/bench_batch.py --copies 4 15 75 --workers 2
python benchmarks/bench_batch.py --copies 375          # 3,000 communities
python benchmarks/bench_batch.py --dask 8
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from batch_towns import write_copies
from communityplan.batch import run_batch

RESULTS = Path(__file__).with_name("batch.json")


def memory_mb(root: int) -> float:
    """Resident memory of a process and all below it, from /proc [MB]."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    family, total = [root], 0.0
    while family:
        one = family.pop()
        family += parents.get(one, [])
        try:
            pages = int((Path("/proc") / str(one) / "statm").read_text().split()[1])
        except OSError:
            continue
        total += pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    return total


class Watch:
    """The most memory that this process and its children had together."""

    def __enter__(self) -> Watch:
        self.most_mb, self.ended = 0.0, threading.Event()
        self.thread = threading.Thread(target=self._look)
        self.thread.start()
        return self

    def _look(self) -> None:
        while not self.ended.wait(0.5):
            self.most_mb = max(self.most_mb, memory_mb(os.getpid()))

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()


def grown(base: Path, copies: int, workers: int) -> dict[str, Any]:
    """One batch of so many copies of the district."""
    projects = write_copies(base / f"in{copies}", copies)
    load = os.getloadavg()[0]
    begun, own = time.perf_counter(), time.process_time()
    with Watch() as watch:
        status = run_batch(projects, base / f"out{copies}", workers=workers)
    seconds = time.perf_counter() - begun
    done = status.drop_duplicates("project")
    # the first projects of a process also load libraries
    warm = done["processor_s"].iloc[2 * workers :] if copies > 4 * workers else done["processor_s"]
    communities = len(status)
    row = {
        "copies": copies,
        "communities": communities,
        "failed": int((status["state"] != "done").sum()),
        "workers": workers,
        "load_before": round(load, 1),
        "wall_s": round(seconds, 1),
        "processor_s": round(float(done["processor_s"].sum()), 1),
        "own_processor_s": round(time.process_time() - own, 1),
        "processor_s_per_community": round(float(done["processor_s"].sum()) / communities, 4),
        "median_processor_s_per_project": round(float(warm.median()), 3),
        "peak_mb": round(watch.most_mb),
        "peak_mb_of_one_process": int(done["peak_mb"].max()),
    }
    print(row, flush=True)
    return row


def on_dask(base: Path, copies: int) -> list[dict[str, Any]]:
    """One worker and two, in turns; each cluster is warm before its turn is timed."""
    from distributed import Client, LocalCluster

    projects = write_copies(base / "dask", copies)
    rows = []
    for turn in range(2):
        for workers in (1, 2):
            options = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
            with LocalCluster(**options) as cluster, Client(cluster) as client:
                run_batch(projects[: 2 * workers], base / f"warm{turn}{workers}", client=client)
                begun = time.perf_counter()
                load = os.getloadavg()[0]
                status = run_batch(projects, base / f"dask{turn}{workers}", client=client)
                seconds = time.perf_counter() - begun
            done = status.drop_duplicates("project")
            rows.append(
                {
                    "workers": workers,
                    "projects": copies,
                    "load_before": round(load, 1),
                    "wall_s": round(seconds, 1),
                    "processor_s": round(float(done["processor_s"].sum()), 1),
                    # 1 where no worker ever waits for a project: what a busy machine cannot hide
                    "busy_share": round(float(done["seconds"].sum()) / seconds / workers, 3),
                }
            )
            print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, nargs="*", default=[])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--dask", type=int, default=0, help="copies for one worker against two")
    asked = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"growth": [], "dask": []}
    results["machine"] = {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        for copies in asked.copies:
            row = grown(base, copies, asked.workers)
            results["growth"] = [old for old in results["growth"] if old["copies"] != copies]
            results["growth"] = sorted([*results["growth"], row], key=lambda one: one["copies"])
            RESULTS.write_text(json.dumps(results, indent=1) + "\n")
        if asked.dask:
            results["dask"] = on_dask(base, asked.dask)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
