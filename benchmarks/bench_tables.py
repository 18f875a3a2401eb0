"""What a notebook user types: tables in, tables out, points joined to the network each time.

The peers are recipes with nearest nodes: pandana where it is installed, scipy, and for areas the
example of OSMnx (ego graph, buffer, union) and plain buffer and union of our exact street parts.
All take turns in one process. Writes tables.json beside itself.

    python benchmarks/bench_tables.py [--reps 7] [--homes 20000] [--facilities 2000]
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

import communityplan as cp

HERE = Path(__file__).parent
LIEGE = HERE.parents[1] / "shared" / "data" / "liege" / "liege_fua_streets.parquet"
SPEED_M_S = 4.8 / 3.6
WALKER = cp.Walker("even", SPEED_M_S)
WITHIN_MIN = 15.0
MARGIN_M = 40.0
Job = Callable[[], Any]


class Town:
    """Liège with random homes and facilities at street corners, and the peers' networks."""

    def __init__(self, homes: int, facilities: int) -> None:
        rng = np.random.default_rng(7)
        self.network = cp.WalkNetwork.from_streets(gpd.read_parquet(LIEGE)[["geometry"]])
        nodes = self.network.nodes.geometry.to_numpy()
        crs = self.network.crs
        self.homes = gpd.GeoDataFrame(
            {"home_id": [f"h{i}" for i in range(homes)]},
            geometry=nodes[rng.choice(len(nodes), homes, replace=False)],
            crs=crs,
        )
        self.facilities = gpd.GeoDataFrame(
            {"facility_id": [f"f{i}" for i in range(facilities)]},
            geometry=nodes[rng.choice(len(nodes), facilities, replace=False)],
            crs=crs,
        )
        self.xy = shapely.get_coordinates(nodes)
        edges = self.network.edges
        u, v = edges["u"].to_numpy(), edges["v"].to_numpy()
        seconds = edges["length_m"].to_numpy() / SPEED_M_S
        ends = (np.concatenate([u, v]), np.concatenate([v, u]))
        table = pd.DataFrame({"u": ends[0], "v": ends[1], "s": np.concatenate([seconds] * 2)})
        table = table.groupby(["u", "v"], as_index=False)["s"].min()
        shape = (len(nodes), len(nodes))
        self.matrix = csr_array((table["s"], (table["u"], table["v"])), shape=shape)
        self.graph = nx.Graph()
        for a, b, s, line in zip(u, v, seconds, edges.geometry, strict=True):
            self.graph.add_edge(a, b, seconds=s, geometry=line)
        self.pandana = None
        if find_spec("pandana"):
            import pandana

            self.pandana = pandana.Network(
                pd.Series(self.xy[:, 0]),
                pd.Series(self.xy[:, 1]),
                pd.Series(u),
                pd.Series(v),
                pd.DataFrame({"seconds": seconds}),
            )
            self.pandana.precompute(WITHIN_MIN * 60)


def snapped(town: Town, table: gpd.GeoDataFrame) -> np.ndarray:
    return cKDTree(town.xy).query(shapely.get_coordinates(table.geometry))[1]


def scipy_pairs(town: Town) -> pd.DataFrame:
    home, place = snapped(town, town.homes), snapped(town, town.facilities)
    parts = []
    for first in range(0, len(place), 100):
        rows = place[first : first + 100]
        found = dijkstra(town.matrix, indices=rows, limit=WITHIN_MIN * 60)[:, home]
        facility, row = np.nonzero(np.isfinite(found))
        parts.append((facility + first, row, found[facility, row]))
    facility, row, seconds = (np.concatenate(part) for part in zip(*parts, strict=True))
    return pd.DataFrame(
        {
            "from_id": town.homes["home_id"].to_numpy()[row],
            "to_id": town.facilities["facility_id"].to_numpy()[facility],
            "walk_min": seconds / 60,
        }
    )


def scipy_nearest(town: Town, facilities: gpd.GeoDataFrame) -> pd.DataFrame:
    home, place = snapped(town, town.homes), snapped(town, facilities)
    found = dijkstra(town.matrix, indices=place, min_only=True)[home]
    return pd.DataFrame({"home_id": town.homes["home_id"], "walk_min": found / 60})


def pandana_nearest(town: Town, facilities: gpd.GeoDataFrame, k: int) -> pd.DataFrame:
    net = town.pandana
    x, y = shapely.get_coordinates(facilities.geometry).T
    net.set_pois("f", WITHIN_MIN * 60, k, pd.Series(x), pd.Series(y))
    found = net.nearest_pois(WITHIN_MIN * 60, "f", num_pois=k)
    hx, hy = shapely.get_coordinates(town.homes.geometry).T
    return found.loc[net.get_node_ids(pd.Series(hx), pd.Series(hy))] / 60


def buffer_union(town: Town, facilities: gpd.GeoDataFrame) -> list[shapely.Geometry]:
    areas = []
    for minutes in (5, 10, 15):
        reached = cp.reached_streets(town.network, facilities, walker=WALKER, within_min=minutes)
        for _, lines in reached.groupby("point_id"):
            areas.append(shapely.union_all(shapely.buffer(lines.geometry.to_numpy(), MARGIN_M)))
    return areas


def osmnx_recipe(town: Town, facilities: gpd.GeoDataFrame) -> list[shapely.Geometry]:
    areas = []
    for node in snapped(town, facilities):
        for minutes in (5, 10, 15):
            part = nx.ego_graph(town.graph, node, radius=minutes * 60, distance="seconds")
            lines = [line for *_, line in part.edges(data="geometry")]
            areas.append(shapely.union_all(shapely.buffer(np.array(lines), MARGIN_M)))
    return areas


def jobs(town: Town) -> dict[str, dict[str, tuple[Job, float]]]:
    """Every job with its libraries; the factor scales what is timed on a part."""
    few, some = town.facilities.iloc[:200], town.facilities.iloc[:200:20]
    ours = {"network": town.network, "walker": WALKER}
    found: dict[str, dict[str, tuple[Job, float]]] = {
        "J1 k=1": {
            "communityplan": (lambda: cp.nearest(origins=town.homes, destinations=few, **ours), 1),
            "scipy": (lambda: scipy_nearest(town, few), 1),
        },
        "J1 k=5": {
            "communityplan": (
                lambda: cp.nearest(
                    origins=town.homes, destinations=town.facilities, k=5, within_min=15, **ours
                ),
                1,
            ),
        },
        "J2": {
            "communityplan": (
                lambda: cp.within_reach(
                    origins=town.homes, destinations=town.facilities, minutes=[5, 10, 15], **ours
                ),
                1,
            ),
        },
        "J3": {
            "communityplan": (
                lambda: cp.walks(
                    origins=town.homes, destinations=town.facilities, within_min=15, **ours
                ),
                1,
            ),
            "scipy": (lambda: scipy_pairs(town), 1),
        },
        "J4": {
            "communityplan": (
                lambda: cp.service_areas(facilities=few, margin_m=MARGIN_M, **ours),
                1,
            ),
            "buffer and union": (lambda: buffer_union(town, some), 20),
            "OSMnx recipe": (lambda: osmnx_recipe(town, some), 20),
        },
    }
    if town.pandana is not None:
        found["J1 k=1"]["pandana"] = (lambda: pandana_nearest(town, few, 1), 1)
        found["J1 k=5"]["pandana"] = (lambda: pandana_nearest(town, town.facilities, 5), 1)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reps", type=int, default=7)
    parser.add_argument("--homes", type=int, default=20_000)
    parser.add_argument("--facilities", type=int, default=2_000)
    asked = parser.parse_args()
    if not LIEGE.is_file():
        raise SystemExit(f"the streets are not here: {LIEGE}")
    town = Town(asked.homes, asked.facilities)
    every = jobs(town)
    seconds: dict[str, dict[str, list[float]]] = {
        job: {library: [] for library in libraries} for job, libraries in every.items()
    }
    for turn in range(asked.reps + 1):
        for job, libraries in every.items():
            for library, (call, factor) in libraries.items():
                start = time.perf_counter()
                call()
                if turn:  # the first turn warms up
                    seconds[job][library].append((time.perf_counter() - start) * factor)
    report: dict[str, Any] = {
        "machine": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("communityplan", "scipy", "shapely")},
        "jobs": {},
    }
    for job, libraries in seconds.items():
        own = float(np.median(libraries["communityplan"]))
        rows = {library: float(np.median(found)) for library, found in libraries.items()}
        report["jobs"][job] = {"median_s": rows, "ratio": {k: v / own for k, v in rows.items()}}
        print(
            job,
            *(f"{library} {s:.3f} s ({s / own:.1f} x)" for library, s in rows.items()),
            sep="  ",
        )
    (HERE / "tables.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
