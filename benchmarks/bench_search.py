"""Searches, arrays to arrays: this package beside scipy, pandana, igraph and networkx.

All take turns in one process, so that whatever else the machine does meets all of them; answers
are compared in the same run. Writes search.json beside itself and the tables in
docs/performance.md.

    python benchmarks/bench_search.py [--towns liege synthetic] [--reps 7]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from search_peers import PEERS
from search_towns import LIEGE, liege, questions, synthetic

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
OURS = "communityplan"
TOWNS = {"liege": liege, "synthetic": synthetic}
LEFT_OUT = {
    # its contraction hierarchy of a million nodes takes longer than all the rest
    ("synthetic", "pandana"),
    ("synthetic", "igraph"),
    ("synthetic", "networkx"),
}
JOBS = ("J1k1", "J1k5", "J2", "J3")
ALONE = "communityplan, 1 thread"
WANTED = {"J1k1": 5, "J1k5": 8, "J2": 40, "J3": 80}
WANTED_OF_A_MILLION = {**WANTED, "J1k1": 8}
LIBRARIES = ("numpy", "scipy", "numba", "pandas", "pandana", "igraph", "networkx")
SLOW_S = 5.0
"""Jobs that take longer are timed once [s]."""

KINDS = {
    "same_question": "20,000 origins in either town",
    "as_dense": "as many origins for each node",
}

TURN_S = 0.06
"""A turn is as many calls as this takes, so that short jobs do not only time cold memory [s]."""


def timed(call: Any) -> tuple[float, float, Any]:
    """Wall and processor seconds of a call, and what it returns."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = call()
    return time.perf_counter() - wall, time.process_time() - cpu, answer


def turn(call: Any) -> tuple[float, float]:
    """Median wall and processor seconds of the calls of one turn."""
    calls = [timed(call)[:2]]
    while sum(wall for wall, _ in calls) < TURN_S:
        calls.append(timed(call)[:2])
    wall, cpu = np.median(calls, axis=0)
    return float(wall), float(cpu)


def run_town(name: str, reps: int) -> dict[str, Any]:
    town = TOWNS[name]()
    asked = questions(town)
    built, building = {}, {}
    for peer, make in PEERS.items():
        if (name, peer) not in LEFT_OUT:
            make(town, asked) if peer == OURS else None
            wall, cpu, built[peer] = timed(lambda make=make: make(town, asked))
            building[peer] = {"wall_ms": 1e3 * wall, "cpu_ms": 1e3 * cpu}
    return {
        "nodes": town.n_nodes, "edges": len(town.tail), "building": building,
        "jobs": {job: run_job(job, built, reps) for job in JOBS},
    }  # fmt: skip


def run_job(job: str, built: dict[str, Any], reps: int) -> dict[str, Any]:
    """Median times of everybody who can do a job, in turns, and how far answers are apart."""
    peers = {name: peer for name, peer in built.items() if job in peer.jobs}
    first = {name: timed(getattr(peer, job.lower())) for name, peer in peers.items()}
    # the first call of ours may compile
    slow = {name for name in peers if first[name][0] > SLOW_S and name not in {OURS, ALONE}}
    times = {name: [first[name][:2]] if name in slow else [] for name in peers}
    for _ in range(reps):
        for name, peer in peers.items():
            if name not in slow:
                times[name].append(turn(getattr(peer, job.lower())))
    found = {}
    for name, peer in peers.items():
        share = getattr(peer, "share", 1.0) if job == "J3" else 1.0
        wall, cpu = np.median(times[name], axis=0) / share
        least = min(times[name])[0] / share
        found[name] = {
            "wall_ms": 1e3 * wall, "cpu_ms": 1e3 * cpu, "least_ms": 1e3 * least,
            "reps": len(times[name]), "scaled": share < 1,
            "difference": difference(first[OURS][2], first[name][2], share),
        }  # fmt: skip
        print(f"  {job} {name:26}{1e3 * wall:12.2f} ms {found[name]['difference']}", flush=True)
    return found


def difference(ours: Any, theirs: Any, share: float) -> dict[str, float]:
    """Entries that only one of the answers has, and the largest difference of the others."""
    if not isinstance(ours, tuple):
        only = int((np.isnan(ours) != np.isnan(theirs)).sum())
        apart = np.abs(ours - theirs)
        wrong = int((apart > 0).sum())
        return {"only_one": only, "differ": wrong, "most_s": float(np.nanmax(apart, initial=0))}
    some = ours[1] < round(2000 * share)
    mine = dict(zip(zip(*(part[some].tolist() for part in ours[:2]), strict=True),
                    ours[2][some].tolist(), strict=True))  # fmt: skip
    yours = dict(zip(zip(*(part.tolist() for part in theirs[:2]), strict=True),
                     theirs[2].tolist(), strict=True))  # fmt: skip
    both = mine.keys() & yours.keys()
    apart = np.array([abs(mine[pair] - yours[pair]) for pair in both])
    only = len(mine.keys() ^ yours.keys())
    return {
        "only_one": only,
        "differ": int((apart > 0).sum()),
        "most_s": float(apart.max(initial=0)),
    }


def memory(town: str) -> dict[str, Any]:
    """Peak memory of processes that build and do J3, and what it is before that [MB]: with the
    data alone, and with the libraries too, used once for a small town.
    """
    found = {}
    for peer in ("nothing", *PEERS):
        if (town, peer) in LEFT_OUT or peer in {"igraph", "networkx", ALONE}:
            continue
        command = [sys.executable, __file__, "--child", peer, "--towns", town]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        keys = "with_data", "with_libraries", "peak"
        found[peer] = dict(zip(keys, map(float, output.split()[-3:]), strict=True))
        print(f"  memory {peer:20}{found[peer]}", flush=True)
    return found


def child(peer: str, town_name: str) -> None:
    town = TOWNS[town_name]()
    asked = questions(town)
    marks = [resident("VmRSS")]
    if peer != "nothing":
        small = synthetic(150)
        PEERS[peer](small, questions(small)).j3()
        marks.append(resident("VmRSS"))
        PEERS[peer](town, asked).j3()
    # the peak that the system reports for children is that of their parent, where it was higher
    print(*marks, *[resident("VmHWM")] * (3 - len(marks)))


def resident(mark: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in status if line.startswith(mark))


def scaling(reps: int) -> dict[str, dict[str, float]]:
    """Microseconds of processor time for each of the 2,000 searches of J3, on one thread, in a
    synthetic town of 75,076 nodes and in one of a million: with the same question, and with as many
    origins for each node.
    """
    towns = {side: synthetic(side) for side in (274, 1028)}
    found: dict[str, dict[str, float]] = {}
    for dense in (False, True):
        peers = {}
        for town in towns.values():
            asked = questions(town)
            share = town.n_nodes / towns[1028].n_nodes if dense else 1.0
            some = replace(asked, origins=asked.origins[: int(share * len(asked.origins))])
            peers[town.n_nodes] = PEERS[ALONE](town, some)
        times: dict[int, list[float]] = {nodes: [] for nodes in peers}
        for _ in range(reps):
            for nodes, peer in peers.items():
                times[nodes].append(1e6 * turn(peer.j3)[1] / 2000)
        kind = "as_dense" if dense else "same_question"
        found[kind] = {str(nodes): float(np.median(some)) for nodes, some in times.items()}
    return found


def compiling() -> dict[str, float]:
    """Processor seconds that the first run of all jobs takes longer than the next: code to be
    compiled, then kept code.
    """
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from search_peers import Ours; from search_towns import synthetic, questions\n"
        "town = synthetic(150); asked = questions(town)\n"
        "start = time.process_time()\n"
        "ours = Ours(town, asked)\n"
        "[getattr(ours, job.lower())() for job in ours.jobs]\n"
        "first = time.process_time() - start; start = time.process_time()\n"
        "ours = Ours(town, asked); [getattr(ours, job.lower())() for job in ours.jobs]\n"
        "print(first - (time.process_time() - start))"
    )
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        seconds = [
            float(
                subprocess.run(
                    [sys.executable, "-c", code, str(HERE)],
                    check=True, capture_output=True, text=True, env=environment,
                ).stdout
            )
            for _ in range(2)
        ]  # fmt: skip
    return {"cold_s": seconds[0], "kept_s": seconds[1]}


def machine() -> dict[str, Any]:
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8").splitlines()
        cpu = next((line.split(":")[1].strip() for line in lines if "model name" in line), cpu)
    return {
        "date": time.strftime("%Y-%m-%d"), "cpu": cpu, "cores": os.cpu_count(),
        "load": os.getloadavg(), "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }  # fmt: skip


def page(results: dict[str, Any]) -> str:
    """The tables of docs/performance.md."""
    machine, compiling = results["machine"], results["compiling"]
    libraries = ", ".join(f"{name} {machine[name]}" for name in LIBRARIES)
    lines = [
        f"{machine['date']}: {machine['cpu']}, {machine['cores']} processors, load "
        f"{machine['load'][0]:.1f} before the run; Python {machine['python']}, {libraries}. First "
        f"use of the compiled engine: {compiling['cold_s']:.1f} s of processor time where nothing "
        f"was compiled before, {compiling['kept_s']:.1f} s after that.", "",
    ]  # fmt: skip
    lines += asked_and_found(results["towns"])
    for kind, times in results["us_per_search"].items():
        text = ", ".join(f"{us:.1f} among {int(nodes):,} nodes" for nodes, us in times.items())
        lines += [f"Microseconds for each search of J3, {KINDS[kind]}: {text}.", ""]
    for town, found in results["towns"].items():
        lines += [
            f"### {town}: {found['nodes']:,} nodes, {found['edges']:,} edges", "",
            "| job | library | wall ms | ratio | least ms | ratio | processor ms "
            "| answers that differ |",
            "|---|---|---:|---:|---:|---:|---:|---|",
        ]  # fmt: skip
        for job, rows in found["jobs"].items():
            ours = rows[OURS]
            for name, row in sorted(rows.items(), key=lambda item: item[1]["wall_ms"]):
                mark = " (scaled)" if row["scaled"] else ""
                lines.append(
                    f"| {job} | {name}{mark} "
                    f"| {row['wall_ms']:,.1f} | {row['wall_ms'] / ours['wall_ms']:,.1f} "
                    f"| {row['least_ms']:,.1f} | {row['least_ms'] / ours['least_ms']:,.1f} "
                    f"| {row['cpu_ms']:,.1f} | {apart(row['difference'])} |"
                )
        lines += ["", *more(found), ""]
    return "\n".join(lines)


def apart(difference: dict[str, float]) -> str:
    if not difference["differ"] and not difference["only_one"]:
        return "none"
    return (
        f"{difference['differ']:,}, up to {difference['most_s']:.2g} s; "
        f"{difference['only_one']:,} in one only"
    )


def asked_and_found(towns: dict[str, Any]) -> list[str]:
    """How many times as long the best of the others takes, and what was asked for."""
    lines = [
        "| town | job | asked | median wall | least wall | processor time, 1 thread |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for town, found in towns.items():
        wanted = WANTED_OF_A_MILLION if found["nodes"] > 1e6 else WANTED
        for job, rows in found["jobs"].items():
            others = [row for name, row in rows.items() if name not in {OURS, ALONE}]
            best = min(others, key=lambda row: row["wall_ms"])
            ratios = [best[key] / rows[OURS][key] for key in ("wall_ms", "least_ms")]
            ratios.append(best["cpu_ms"] / rows[ALONE]["cpu_ms"])
            text = " | ".join(f"{ratio:,.1f}" for ratio in ratios)
            lines.append(f"| {town} | {job} | {wanted[job]} | {text} |")
    return [*lines, ""]


def more(found: dict[str, Any]) -> list[str]:
    """Tables of building and memory."""
    building = found["building"]
    walls = (f"{row['wall_ms']:,.0f}" for row in building.values())
    lines = [
        "| | " + " | ".join(building) + " |",
        "|---|" + "---:|" * len(building),
        "| building, ms | " + " | ".join(walls) + " |", "",
        "| memory of a process that does J3, MB | with the data | and the libraries "
        "| peak | added by network and answer |",
        "|---|---:|---:|---:|---:|",
    ]  # fmt: skip
    for name, row in found["memory_mb"].items():
        if name != "nothing":
            added = row["peak"] - row["with_libraries"]
            text = " | ".join(f"{row[key]:,.0f}" for key in row)
            lines.append(f"| {name} | {text} | {added:,.0f} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--towns", nargs="+", default=list(TOWNS))
    parser.add_argument("--reps", type=int, default=7)
    parser.add_argument("--child")
    options = parser.parse_args()
    if options.child:
        child(options.child, options.towns[0])
        return
    results: dict[str, Any] = {"machine": machine(), "compiling": compiling(), "towns": {}}
    results["us_per_search"] = scaling(options.reps)
    print(*(results[key] for key in ("machine", "compiling", "us_per_search")), flush=True)
    for name in options.towns:
        if name == "liege" and not LIEGE.exists():
            print(f"no {LIEGE}: liege is left out")
            continue
        print(name, flush=True)
        results["towns"][name] = {**run_town(name, options.reps), "memory_mb": memory(name)}
    (HERE / "search.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    before, start, rest = PAGE.read_text(encoding="utf-8").partition("<!-- tables -->\n")
    _, end, after = rest.partition("<!-- end of tables -->")
    PAGE.write_text(before + start + page(results) + end + after, encoding="utf-8")


if __name__ == "__main__":
    main()
