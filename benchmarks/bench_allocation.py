"""Siting models beside spopt with HiGHS, and how long larger ones take.

    python benchmarks/bench_allocation.py [--turns 3] [--parts peer large choice]
        [--jobs covering median] [--processor-time] [--out benchmarks/allocation.json]

200 candidates and 20,000 homes are random nodes of the streets of Liège (or of a made-up grid where
those are not there), always the same. Both libraries take turns in one process and get what they
ask for, made before: spopt a matrix of costs, this package a table of walks with names. Timed is
everything from there to the answer; answers are compared. Peak memory is that of a process of its
own for each, above what it held before. `choice` is `choose_sites` for 25 buildings, 5 services
and 6 communities. With --processor-time limits of time are seconds of the processor, for a machine
that is busy with other things. The parts that were run replace those in the file.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
import types
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy.sparse.csgraph import dijkstra

import communityplan as cp
from communityplan.allocation import (
    Choice,
    _highs,
    maximal_covering,
    p_center,
    p_median,
    set_covering,
)
from search_towns import LIEGE, liege

SITES, HOMES, OPEN = 200, 20_000, 10
LIMIT_MIN = 15.0


@dataclass(frozen=True, eq=False)
class Case:
    """Walks between all homes and candidates [min], and the people at the homes."""

    minutes: np.ndarray
    people: np.ndarray

    def walks(self, within_min: float = np.inf) -> pd.DataFrame:
        home, site = np.nonzero(self.minutes <= within_min)
        homes, sites = self.names()
        return pd.DataFrame(
            {"from_id": homes[home], "to_id": sites[site], "walk_min": self.minutes[home, site]}
        )

    def demand(self) -> pd.Series:
        return pd.Series(self.people, index=self.names()[0])

    def names(self) -> tuple[np.ndarray, np.ndarray]:
        homes, sites = self.minutes.shape
        return (
            np.array([f"h{at:05d}" for at in range(homes)]),
            np.array([f"s{at:03d}" for at in range(sites)]),
        )

    def first(self, homes: int) -> Case:
        return Case(self.minutes[:homes], self.people[:homes])


def streets() -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
    """Nodes, ends and seconds of the edges."""
    if LIEGE.is_file():
        town = liege()
        return town.n_nodes, town.tail, town.head, town.seconds
    side = 250
    rng = np.random.default_rng(1)
    node = np.arange(side * side).reshape(side, side)
    tail = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    head = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    return side * side, tail, head, rng.uniform(40.0, 120.0, len(tail))


def make_case() -> Case:
    count, tail, head, seconds = streets()
    is_edge = (tail != head) & (seconds > 0)
    edges = pd.DataFrame({"a": np.minimum(tail, head), "b": np.maximum(tail, head), "s": seconds})[
        is_edge
    ]
    edges = edges.groupby(["a", "b"], as_index=False)["s"].min()
    graph = sp.coo_matrix((edges["s"], (edges["a"], edges["b"])), shape=(count, count)).tocsr()
    rng = np.random.default_rng(0)
    homes = rng.choice(count, HOMES, replace=False)
    sites = rng.choice(count, SITES, replace=False)
    people = rng.integers(1, 40, HOMES)
    found = dijkstra(graph, directed=False, indices=sites)[:, homes].T / 60.0
    found[~np.isfinite(found)] = 1e4
    return Case(np.ascontiguousarray(found), people)


def our_covering(walks: pd.DataFrame, demand: pd.Series) -> float:
    return maximal_covering(walks, demand, n_sites=OPEN, within_min=LIMIT_MIN).objective


def our_median(walks: pd.DataFrame, demand: pd.Series) -> float:
    return p_median(walks, demand, n_sites=OPEN).objective


def their_covering(case: Case) -> float:
    import pulp
    from spopt.locate import MCLP

    model = MCLP.from_cost_matrix(case.minutes, case.people, LIMIT_MIN, p_facilities=OPEN)
    return float(pulp.value(model.solve(pulp.HiGHS(msg=False)).problem.objective))


def their_median(case: Case) -> float:
    import pulp
    from spopt.locate import PMedian

    model = PMedian.from_cost_matrix(case.minutes, case.people, p_facilities=OPEN)
    return float(pulp.value(model.solve(pulp.HiGHS(msg=False)).problem.objective))


def prepared(job: str, case: Case, who: str):
    """A call without arguments that answers the job, everything it needs made before."""
    small = case if job == "covering" else case.first(1000)
    if who == "spopt":
        theirs = their_covering if job == "covering" else their_median
        return lambda: theirs(small)
    walks = small.walks(LIMIT_MIN if job == "covering" else np.inf)
    demand = small.demand()
    ours = our_covering if job == "covering" else our_median
    return lambda: ours(walks, demand)


def timed(call) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    answer = call()
    return {
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - cpu,
        "answer": answer,
    }


def compare(job: str, case: Case, turns: int) -> dict[str, object]:
    calls = {who: prepared(job, case, who) for who in ("communityplan", "spopt")}
    runs: dict[str, list[dict[str, float]]] = {who: [] for who in calls}
    for turn in range(turns):
        for who, call in calls.items():
            for _ in range(5 if who == "communityplan" else 1):
                runs[who].append(timed(call))
            print(f"{job} turn {turn + 1} {who}: {runs[who][-1]}", flush=True)
    answers = {who: runs[who][0]["answer"] for who in runs}
    result: dict[str, object] = {
        who: {
            name: statistics.median(run[name] for run in runs[who]) for name in ("wall_s", "cpu_s")
        }
        for who in runs
    }
    ours, theirs = result["communityplan"], result["spopt"]
    return {
        **result,
        "times_faster_wall": theirs["wall_s"] / ours["wall_s"],
        "times_faster_cpu": theirs["cpu_s"] / ours["cpu_s"],
        "answers": answers,
        "answers_agree": bool(np.isclose(*answers.values(), rtol=1e-9)),
        "memory_mb": {who: own_memory(job, who) for who in runs},
    }


def own_memory(job: str, who: str) -> dict[str, float]:
    """Peak of a process that does one job once."""
    command = [sys.executable, __file__, "--memory", job, who]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(out.splitlines()[-1])


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def print_memory(job: str, who: str, case_file: str) -> None:
    kept = np.load(case_file)
    case = Case(kept["minutes"], kept["people"])
    call = prepared(job, case, who)
    before = peak_mb()
    call()
    print(json.dumps({"before": before, "peak": peak_mb(), "above": peak_mb() - before}))


def large(case: Case) -> dict[str, object]:
    """Models on all 20,000 homes, and graphs like those of the p-median literature."""
    near, wide, far = case.walks(LIMIT_MIN), case.walks(30.0), case.walks()
    demand = case.demand()
    calls = {
        "set_covering 15 min": lambda: set_covering(near, demand, within_min=15),
        "maximal_covering 15 min": lambda: maximal_covering(
            near, demand, n_sites=OPEN, within_min=15
        ),
        "set_covering 30 min": lambda: set_covering(wide, demand, within_min=30),
        "maximal_covering 30 min": lambda: maximal_covering(
            wide, demand, n_sites=OPEN, within_min=30
        ),
        "p_center": lambda: p_center(far, demand, n_sites=OPEN),
        "p_median, 2 s": lambda: p_median(far, demand, n_sites=OPEN, time_limit_s=2),
        "p_median": lambda: p_median(far, demand, n_sites=OPEN),
    }
    for vertices in (200, 400, 900):
        for count in sorted({5, 10, vertices // 10, vertices // 5, vertices // 3}):
            walks, one_each = graph(vertices, count)
            calls[f"p_median, {vertices} vertices, {count} sites, 2 s"] = (
                lambda walks=walks, one_each=one_each, count=count: p_median(
                    walks, one_each, n_sites=count, time_limit_s=2
                )
            )
    return {name: summary(name, call) for name, call in calls.items()}


def summary(name: str, call) -> dict[str, object]:
    wall, cpu = time.perf_counter(), time.process_time()
    choice: Choice = call()
    row = {
        "objective": choice.objective,
        "gap": choice.gap,
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - cpu,
    }
    print(f"{name}: {row}", flush=True)
    return row


def graph(vertices: int, seed: int) -> tuple[pd.DataFrame, pd.Series]:
    """Shortest paths in a random graph of n^2 / 50 edges of 1 to 100, one person a vertex."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(vertices)
    extra = rng.integers(0, vertices, (vertices * vertices // 50 - vertices + 1, 2))
    ends = np.vstack([np.column_stack([order[:-1], order[1:]]), extra])
    ends = np.unique(np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1), axis=0)
    length = rng.integers(1, 101, len(ends)).astype(float)
    edges = sp.coo_matrix((length, (ends[:, 0], ends[:, 1])), shape=(vertices,) * 2)
    case = Case(dijkstra(edges.tocsr(), directed=False), np.ones(vertices))
    return case.walks(), case.demand()


def choice() -> dict[str, object]:
    """25 buildings x 5 services x 6 communities: the choice alone, and with its curve and worth."""
    import bench_openings as town

    town.COLUMNS, town.ROWS = 3, 2
    made = town.district(900)
    network = cp.WalkNetwork.from_streets(
        made["streets"], communities=made["communities"], gates=made["gates"]
    )
    west, south, east, north = made["communities"].total_bounds
    rng = np.random.default_rng(2)
    xy = rng.uniform((west, south), (east, north), (25, 2))
    idle = town.table(
        town.shapely.points(xy),
        building_id=[f"b{at:02d}" for at in range(25)],
        floor_area_m2=rng.integers(2, 16, 25) * 100.0,
        storeys=rng.integers(1, 6, 25).astype(float),
        conversion_cost_yuan=rng.integers(3, 20, 25) * 1e5,
    )
    keys = [(name, service) for name in idle["building_id"] for service in town.SERVICES]
    fit_out = pd.DataFrame(keys, columns=["building_id", "service"]).assign(
        cost_yuan=rng.integers(1, 8, len(keys)) * 1e5
    )
    places = fit_out.assign(capacity=rng.integers(50, 300, len(keys)).astype(float))
    needs = pd.DataFrame({"service": ["elder_care", "canteen"], "min_share": [0.3, 0.3]})
    asked = {
        "one budget": {"budget_yuan": 6e6},
        "three years": {"budget_yuan": {2026: 2e6, 2027: 2e6, 2028: 2e6}},
        "basic needs": {"budget_yuan": 8e6, "needs": needs},
        "one centre": {"budget_yuan": 6e6, "min_centres": 1},
        "limited places": {"budget_yuan": 6e6, "fit_out": places},
    }
    alone = {"curve_budgets_yuan": (), "with_worth": False}
    found = {}
    for name, options in asked.items():
        for what, more in (("", alone), (", curve and worth", {})):

            def call(options=options, more=more):
                return cp.choose_sites(
                    network,
                    made["homes"],
                    made["facilities"].iloc[:5],
                    idle,
                    **{"services": town.SERVICES, "fit_out": fit_out, **options, **more},
                )

            found[name + what] = summary(name + what, call)
    return found


def count_processor_time() -> None:
    """Limits of time by the processor's seconds, not by the clock on the wall."""
    _highs.time = types.SimpleNamespace(monotonic=time.process_time)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    parts = ("peer", "large", "choice")
    parser.add_argument("--parts", nargs="+", choices=parts, default=list(parts))
    jobs = ("covering", "median")
    parser.add_argument("--jobs", nargs="+", choices=jobs, default=list(jobs))
    parser.add_argument("--processor-time", action="store_true")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--memory", nargs=2, metavar=("JOB", "WHO"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    case_file = f"/tmp/communityplan_allocation_{os.getuid()}.npz"
    if options.memory:
        print_memory(*options.memory, case_file)
        return
    case = make_case()
    np.savez(case_file, minutes=case.minutes, people=case.people)
    if options.processor_time:
        count_processor_time()
    found: dict[str, object] = {}
    if options.out and options.out.is_file():
        found = json.loads(options.out.read_text())
    found["streets"] = "liege" if LIEGE.is_file() else "made up"
    if "peer" in options.parts:
        found |= {job: compare(job, case, options.turns) for job in options.jobs}
    clock = "processor" if options.processor_time else "wall"
    if "large" in options.parts:
        found["large"] = {"limits": clock, **large(case)}
    if "choice" in options.parts:
        found["choice"] = {"limits": clock, **choice()}
    found["load"] = os.getloadavg()
    print(json.dumps(found, indent=1))
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n")
    Path(case_file).unlink()


if __name__ == "__main__":
    main()
