"""How long the ranking of all openings takes in a district of ten enclosed communities.

    python benchmarks/bench_openings.py [--homes 1500] [--out FILE]

Two districts: the one of the demo, and a made-up one of two rows of five walled blocks with lanes
inside, streets around them, an open, a residents' and a shut gate each, and shops at the corners;
always the same. Timed is `rank_openings` for the five services of the demo with everything it
needs, once without and once with the network made before; and the best three together.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

import communityplan as cp
from communityplan.scenario import rank_openings

SERVICES = ["elder_care", "childcare", "canteen", "health", "market"]
CRS = "EPSG:32650"
WIDE_M, DEEP_M, ROAD_M = 260.0, 220.0, 30.0
COLUMNS, ROWS = 5, 2
LANES = 4


def table(shapes, **columns):
    shapes = list(shapes)
    return gpd.GeoDataFrame(columns, index=range(len(shapes)), geometry=shapes, crs=CRS)


def blocks():
    """Corners of the compounds, road space between them."""
    return [
        (column * (WIDE_M + ROAD_M), row * (DEEP_M + ROAD_M))
        for row in range(ROWS)
        for column in range(COLUMNS)
    ]


def streets_of(corners):
    """Roads between the compounds, and inside each a grid of lanes that ends before the wall."""
    half = ROAD_M / 2
    across = [row * (DEEP_M + ROAD_M) - half for row in range(ROWS + 1)]
    along = [column * (WIDE_M + ROAD_M) - half for column in range(COLUMNS + 1)]
    roads = [shapely.LineString([(x, y) for x in along]) for y in across] + [
        shapely.LineString([(x, y) for y in across]) for x in along
    ]
    lanes = []
    for x, y in corners:
        inner_x = np.linspace(x + 15, x + WIDE_M - 15, LANES)
        inner_y = np.linspace(y + 15, y + DEEP_M - 15, LANES)
        lanes += [shapely.LineString([(a, b) for a in inner_x]) for b in inner_y]
        lanes += [shapely.LineString([(a, b) for b in inner_y]) for a in inner_x]
        # the way in through the open gate, to the road below
        lanes.append(shapely.LineString([(inner_x[1], inner_y[0]), (inner_x[1], y - half)]))
        lanes.append(
            shapely.LineString([(inner_x[2], inner_y[-1]), (inner_x[2], y + DEEP_M + half)])
        )
        lanes.append(shapely.LineString([(inner_x[0], inner_y[1]), (x - half, inner_y[1])]))
    # roads have to meet lanes in a common point
    whole = shapely.node(shapely.multilinestrings([*roads, *lanes]))
    return table(shapely.get_parts(whole), kind="lane")


def gates_of(corners):
    shapes, who = [], []
    for x, y in corners:
        inner_x = np.linspace(x + 15, x + WIDE_M - 15, LANES)
        inner_y = np.linspace(y + 15, y + DEEP_M - 15, LANES)
        shapes += [(inner_x[1], y), (inner_x[2], y + DEEP_M), (x, inner_y[1])]
        who += ["everyone", "residents", "closed"]
    named = [f"G{at:02d}" for at in range(len(shapes))]
    return table(map(shapely.Point, shapes), gate_id=named, who=who)


def district(n_homes):
    rng = np.random.default_rng(0)
    corners = blocks()
    own = rng.integers(0, len(corners), n_homes)
    at = np.array(corners)[own] + 20 + rng.random((n_homes, 2)) * (WIDE_M - 40, DEEP_M - 40)
    residents = rng.integers(2, 16, n_homes)
    homes = table(
        shapely.points(at),
        home_id=[f"h{row}" for row in range(n_homes)],
        community_id=[f"C{row:02d}" for row in own],
        residents=residents,
        elderly=residents // 3,
        children=residents // 6,
        storeys=rng.integers(3, 8, n_homes),
        has_lift=False,
    )
    areas = [shapely.box(x, y, x + WIDE_M, y + DEEP_M) for x, y in corners]
    named = [f"C{row:02d}" for row in range(len(corners))]
    spots = rng.choice(len(corners), 3 * len(SERVICES))
    shops = np.array(corners)[spots] - ROAD_M / 2 + rng.uniform(0, 60, (len(spots), 1)) * (1, 0)
    facilities = table(
        shapely.points(shops),
        facility_id=[f"f{row}" for row in range(len(spots))],
        service=[SERVICES[row % len(SERVICES)] for row in range(len(spots))],
    )
    return {
        "homes": homes,
        "facilities": facilities,
        "streets": streets_of(corners),
        "communities": table(areas, community_id=named, name=named, enclosed=True),
        "gates": gates_of(corners),
    }


def timed(name, start, network, k):
    wall, cpu = time.perf_counter(), time.process_time()
    ranked = rank_openings(start, services=SERVICES, network=network, k=k)
    run = {
        "district": name,
        "network_given": network is not None,
        "k": k,
        "wall_s": round(time.perf_counter() - wall, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
        "looked_at": sum(ranked.attrs["communityplan"]["looked_at"].values()),
        "ranked": len(ranked),
        "together": ranked.attrs["communityplan"]["together"],
    }
    print(run, flush=True)
    return run


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--homes", type=int, default=1500)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    made = district(given.homes)
    demo = cp.load_project("demo")
    runs = []
    for k in (0, 3):
        runs.append(timed("ten blocks", made, None, k))
        runs += [timed("demo", demo, network, k) for network in (None, demo.network())]
    facts = {
        "communities": len(made["communities"]),
        "homes": len(made["homes"]),
        "people": int(made["homes"]["residents"].sum()),
        "cpus": os.cpu_count(),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
        "load": os.getloadavg(),
    }
    print(facts)
    if given.out:
        text = json.dumps({"runs": runs, **facts}, ensure_ascii=False, indent=1)
        given.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
