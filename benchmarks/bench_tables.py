"""What a notebook user types: tables in, tables out, points joined to the network in every call.

Every peer answers the same question from the same tables the way its users do it: points go to the
nearest node. All take turns in one process; answers and areas are compared in the same run. Writes
tables.json beside itself and the section "From tables to tables" of docs/performance.md.

    python benchmarks/bench_tables.py [--towns liege las_palmas] [--reps 7]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

import communityplan as cp
from tables_peers import LIMITS_S, MARGIN_M, PEERS
from tables_town import TOWNS, Town

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
OPENS, CLOSES = "<!-- from tables to tables -->", "<!-- end of tables to tables -->"
OURS = "communityplan"
AGAIN = "communityplan, tables known"
JOBS = ("J1k1", "J1k5", "J2", "J3", "J4")
WANTED = {
    "J1k1": {"": 3}, "J1k5": {"": 5}, "J2": {"": 15}, "J3": {"": 20},
    "J4": {"buffer and union": 50, "OSMnx recipe": 300},
}  # fmt: skip
LEFT_OUT = {
    # its network takes a quarter of a minute to make there, and every count several seconds
    ("liege", "cityseer")
}
SLOW_S = 2.0
SLOW_REPS = 2


def forget(town: Town) -> None:
    """No table is remembered from the last turn: every call joins its points anew."""
    for key in [key for key in town.network.cache if key[0] == "joined"]:
        del town.network.cache[key]


def timed(town: Town, call: Any, *, again: bool = False) -> tuple[float, float, Any]:
    """Wall and processor seconds of a call, and what it returns."""
    if not again:
        forget(town)
    wall, cpu = time.perf_counter(), time.process_time()
    answer = call()
    return time.perf_counter() - wall, time.process_time() - cpu, answer


def run_town(name: str, asked: argparse.Namespace) -> dict[str, Any]:
    town = TOWNS[name](asked.homes, asked.facilities)
    left_out = {key for key in PEERS if (name, key) in LEFT_OUT or key in asked.without}
    peers = {key: peer(town) for key, peer in PEERS.items() if key not in left_out}
    found = {job: run_job(town, job, peers, asked.reps) for job in JOBS}
    return {
        "nodes": len(town.xy), "edges": len(town.tail), "directed": town.directed,
        "jobs": found, "areas": area_quality(town), "beside": beside_streets(town),
    }  # fmt: skip


def run_job(town: Town, job: str, peers: dict[str, Any], reps: int) -> dict[str, Any]:
    """Median times of everybody who does a job, in turns."""
    able = {key: peer for key, peer in peers.items() if job in peer.jobs}
    calls = {key: getattr(peer, job.lower()) for key, peer in able.items()}
    first = {key: timed(town, call) for key, call in calls.items()}
    # our compiled loops are loaded when they have paid for themselves: not in the first call
    first[OURS] = (*timed(town, calls[OURS])[:2], first[OURS][2])
    if job != "J4":
        able[AGAIN], calls[AGAIN], first[AGAIN] = able[OURS], calls[OURS], first[OURS]
    times: dict[str, list[tuple[float, float]]] = {key: [] for key in calls}
    for rep in range(reps):
        for key, call in calls.items():
            if first[key][0] < SLOW_S or rep < SLOW_REPS or key in {OURS, AGAIN}:
                times[key].append(timed(town, call, again=key != OURS)[:2])
    found = {}
    for key, peer in able.items():
        share = getattr(peer, "share", {}).get(job, 1.0)
        wall, cpu = np.median(times[key], axis=0) / share
        least = min(times[key])[0] / share
        found[key] = {
            "wall_ms": 1e3 * wall, "cpu_ms": 1e3 * cpu, "least_ms": 1e3 * least,
            "reps": len(times[key]), "scaled": share < 1,
            "difference": difference(job, first[OURS][2], first[key][2]),
        }  # fmt: skip
        print(
            f"  {town.name} {job} {key:18}{1e3 * wall:10.1f} ms {found[key]['difference']}",
            flush=True,
        )
    return found


def difference(job: str, ours: Any, theirs: Any) -> str:
    """How far another answer is from ours, in words."""
    if job == "J4" or theirs is ours:
        return ""
    if job == "J2":
        if not isinstance(theirs, tuple):
            return "not compared"
        mine, yours = ours[1]["total"].to_numpy(), theirs[1]["total"].to_numpy()
        wrong = np.abs(mine - yours) > 1e-6 * np.maximum(mine, 1)
        return f"{wrong.sum():,} of {len(mine):,} candidates"
    if job == "J1k1":
        mine = ours.set_index("from_id")["walk_min"]
        column = "walk_min" if "walk_min" in theirs else 1
        yours = theirs.set_index("from_id")[column] / (1 if column == "walk_min" else 60)
        yours = yours[np.isfinite(yours)]
        return apart(mine if column == "walk_min" else mine[mine <= 15], yours)
    if "walk_min" not in theirs and "seconds" not in theirs:
        return "not compared"
    keys = ["from_id", "to_id"]
    mine = ours.set_index(keys)["walk_min"]
    yours = theirs.assign(walk_min=theirs.get("walk_min", theirs.get("seconds", 0) / 60))
    return apart(mine, yours.set_index(keys)["walk_min"])


def apart(mine: pd.Series, yours: pd.Series) -> str:
    both = mine.index.intersection(yours.index)
    most_s = float((mine[both] - yours[both]).abs().max() * 60)
    only = len(mine) + len(yours) - 2 * len(both)
    return f"{most_s:.2g} s at most; {only:,} in one only"


def area_quality(town: Town) -> dict[str, float]:
    """Our areas against the union of buffers of the same parts of streets."""
    few = town.some.iloc[::10]
    options = {"walker": town.walker}
    ours = cp.service_areas(town.network, town.some, margin_m=MARGIN_M, **options)
    ours = ours.set_index(["facility_id", "within_min"])
    overlap, inside = [], []
    for limit in LIMITS_S:
        reached = cp.reached_streets(town.network, few, within_min=limit / 60, **options)
        for name, lines in reached.groupby("point_id"):
            parts = lines.geometry.to_numpy()
            union = shapely.union_all(shapely.buffer(parts, MARGIN_M))
            area = ours.loc[(name, limit / 60), "geometry"]
            overlap.append(shapely.area(union & area) / shapely.area(union | area))
            length = shapely.length(parts).sum()
            if length > 0:
                inside.append(shapely.length(shapely.intersection(parts, area)).sum() / length)
    return {
        "mean_iou": float(np.mean(overlap)), "least_iou": float(min(overlap)),
        "least_inside": float(min(inside)), "valid": bool(ours.is_valid.all()),
        "least_inside_share": float(ours["inside_share"].min()),
        "mean_false_share": float(ours["false_share"].mean()),
    }  # fmt: skip


def beside_streets(town: Town) -> dict[str, float]:
    """The same with homes up to 30 m beside a street: what a walk from the nearest node misses."""
    rng = np.random.default_rng(3)
    lines = town.network.edges.geometry.to_numpy()
    length = shapely.length(lines)
    row = rng.choice(len(lines), len(town.homes), p=length / length.sum())
    at = shapely.get_coordinates(
        shapely.line_interpolate_point(lines[row], rng.random(len(row)), normalized=True)
    )
    turn, off = rng.uniform(0, 2 * np.pi, len(row)), rng.uniform(0, 30, len(row))
    spots = at + off[:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
    homes = town.homes.set_geometry(shapely.points(spots), crs=town.network.crs)
    call = {"origins": homes, "destinations": town.some, "walker": town.walker}
    times = [timed(town, lambda: cp.nearest(town.network, **call)) for _ in range(7)]
    ours = times[0][2].set_index("from_id")["walk_min"]
    peer = PEERS["scipy"](town)
    peer.town = type("Moved", (), {**vars(town), "homes": homes})
    theirs = peer.j1k1().set_index("from_id")["walk_min"].reindex(ours.index)
    wrong = (ours - theirs)[np.isfinite(theirs)].abs() * 60
    return {
        "wall_ms": 1e3 * float(np.median([wall for wall, _, _ in times])),
        "median_s": float(wrong.median()), "ninth_decile_s": float(wrong.quantile(0.9)),
        "most_s": float(wrong.max()),
    }  # fmt: skip


def machine() -> dict[str, Any]:
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(encoding="utf-8").splitlines()
        cpu = next((line.split(":")[1].strip() for line in lines if "model name" in line), cpu)
    libraries = ("numpy", "pandas", "geopandas", "shapely", "scipy", "numba", "networkx")
    installed = [name for name in ("pandana", "osmnx", "cityseer") if find_spec(name)]
    return {
        "date": time.strftime("%Y-%m-%d"), "cpu": cpu, "cores": os.cpu_count(),
        "load": os.getloadavg(), "python": platform.python_version(),
        **{name: version(name) for name in (*libraries, *installed)},
    }  # fmt: skip


def page(report: dict[str, Any]) -> str:
    """The tables of docs/performance.md."""
    told = report["machine"]
    names = [name for name in told if name not in {"date", "cpu", "cores", "load", "python"}]
    lines = [
        f"{told['date']}: {told['cpu']}, {told['cores']} processors, load {told['load'][0]:.1f} "
        f"before the run; Python {told['python']}, "
        + ", ".join(f"{name} {told[name]}" for name in names) + ".", "",
    ]  # fmt: skip
    lines += ["Wall time of others over ours (processor time in brackets):", ""]
    lines += page_wanted(report)
    for town, found in report["towns"].items():
        kind = "directed by slope" if found["directed"] else "the same both ways"
        lines += [
            f"### {town}: {found['nodes']:,} nodes, {found['edges']:,} edges, {kind}", "",
            "| job | library | wall ms | ratio | processor ms | ratio | turns | apart from ours |",
            "|---|---|---:|---:|---:|---:|---:|---|",
        ]  # fmt: skip
        lines += [row for job, rows in found["jobs"].items() for row in page_rows(job, rows)]
        quality, beside = found["areas"], found["beside"]
        lines += [
            "",
            f"Areas against the union of buffers: overlap {quality['mean_iou']:.3f} in the mean, "
            f"{quality['least_iou']:.3f} at least; {quality['least_inside']:.6f} of the reached "
            f"length lies inside at least; {quality['mean_false_share']:.2f} of the street length "
            "inside is beyond the limit, in the mean.", "",
            f"With homes up to 30 m beside their street J1k1 takes {beside['wall_ms']:.0f} ms, and "
            f"a walk from node to node is off by {beside['median_s']:.0f} s in the median, "
            f"{beside['ninth_decile_s']:.0f} s for one home in ten, {beside['most_s']:.0f} s at "
            "most.", "",
        ]  # fmt: skip
    return "\n".join(lines)


def page_wanted(report: dict[str, Any]) -> list[str]:
    """What was asked for beside what was found, by wall and by processor time."""
    towns = report["towns"]
    lines = [
        "| job | beside | asked | " + " | ".join(towns) + " |",
        "|---|---|---:|" + "---:|" * len(towns),
    ]
    for job, wanted in report["wanted"].items():
        for name, ratio in wanted.items():
            cells = [wanted_cell(found["jobs"][job], name) for found in towns.values()]
            lines.append(
                f"| {job} | {name or 'the best peer'} | {ratio} | " + " | ".join(cells) + " |"
            )
    return [*lines, ""]


def wanted_cell(rows: dict[str, Any], name: str) -> str:
    peers = [key for key in rows if not key.startswith(OURS)]
    ratios = []
    for unit in ("wall_ms", "cpu_ms"):
        best = rows[name][unit] if name else min(rows[key][unit] for key in peers)
        ratios.append(best / rows[OURS][unit])
    return f"{ratios[0]:,.1f} ({ratios[1]:,.1f})"


def page_rows(job: str, rows: dict[str, Any]) -> list[str]:
    """One line of the table for everybody who does a job."""
    own, lines = rows[OURS], []
    for name, row in sorted(rows.items(), key=lambda item: item[1]["wall_ms"]):
        mark = " (scaled)" if row["scaled"] else ""
        wall, cpu = row["wall_ms"], row["cpu_ms"]
        lines.append(
            f"| {job} | {name}{mark} | {wall:,.1f} | {wall / own['wall_ms']:,.1f} | {cpu:,.1f} "
            f"| {cpu / own['cpu_ms']:,.1f} | {row['reps']} | {row['difference']} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--towns", nargs="+", default=list(TOWNS), choices=list(TOWNS))
    parser.add_argument("--without", nargs="*", default=[])
    parser.add_argument("--reps", type=int, default=7)
    parser.add_argument("--homes", type=int, default=20_000)
    parser.add_argument("--facilities", type=int, default=2_000)
    parser.add_argument("--page-only", action="store_true", help="write the page from tables.json")
    asked = parser.parse_args()
    kept = HERE / "tables.json"
    if not asked.page_only:
        report = {"machine": machine(), "wanted": WANTED}
        report["towns"] = {town: run_town(town, asked) for town in asked.towns}
        kept.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(OPENS)[0], text.split(CLOSES)[1]
    tables = page(json.loads(kept.read_text(encoding="utf-8")))
    PAGE.write_text(f"{before}{OPENS}\n{tables}{CLOSES}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
