"""How long the ranking of 1,000 idle buildings for five services takes, with 100,000 homes.

    python benchmarks/bench_ranking.py PATH_OF_AN_OSM_EXTRACT [--out FILE]

Homes and idle buildings are put beside buildings of the extract at random, always the same. The
network is joined anew in every run. Prints wall and CPU seconds of each run and writes them as
JSON.
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

SERVICES = ["elder_care", "childcare", "canteen", "health", "market"]
CRITERIA = ["people_newly_covered", "worst_fifth_share", "floor_area_use_share", "available_year"]
HOMES, FACILITIES, CANDIDATES = 100_000, 400, 1_000


def tables(osm, crs):
    rng = np.random.default_rng(0)
    centres = shapely.get_coordinates(shapely.centroid(osm.buildings.geometry.to_numpy()))

    def near_buildings(count, off_m=0.0):
        row = rng.integers(0, len(centres), count)
        return row, shapely.points(centres[row] + rng.normal(0, off_m, (count, 2)))

    row, where = near_buildings(HOMES, 5.0)
    residents = rng.integers(1, 9, HOMES)
    columns = {
        "home_id": [f"h{at}" for at in range(HOMES)],
        "community_id": [f"c{at % 300}" for at in row],
        "residents": residents,
        "elderly": residents // 3,
        "children": residents // 5,
        "storeys": rng.integers(1, 8, HOMES),
        "has_lift": False,
    }
    homes = gpd.GeoDataFrame(columns, geometry=where, crs=crs)
    columns = {
        "facility_id": [f"f{at}" for at in range(FACILITIES)],
        "service": [SERVICES[at % len(SERVICES)] for at in range(FACILITIES)],
    }
    facilities = gpd.GeoDataFrame(columns, geometry=near_buildings(FACILITIES)[1], crs=crs)
    columns = {
        "building_id": [f"b{at}" for at in range(CANDIDATES)],
        "floor_area_m2": rng.integers(100, 2000, CANDIDATES).astype(float),
        "available_year": rng.integers(2025, 2030, CANDIDATES),
    }
    idle = gpd.GeoDataFrame(columns, geometry=near_buildings(CANDIDATES)[1], crs=crs)
    return homes, facilities, idle


def timed(network, homes, facilities, idle, criteria):
    network.cache.clear()
    wall, cpu = time.perf_counter(), time.process_time()
    ranking = cp.rank_sites(network, homes, facilities, idle, services=SERVICES, criteria=criteria)
    return {
        "criteria": criteria or [],
        "wall_s": round(time.perf_counter() - wall, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
        "ranked": int(ranking["rank"].notna().sum()),
        "people_gained_by_first": round(float(ranking["people_gained"].iloc[0]), 1),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("extract", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--runs", type=int, default=2)
    given = parser.parse_args()
    osm = cp.read_osm(given.extract)
    network = cp.WalkNetwork.from_streets(osm.streets, walls=osm.walls, gates=osm.gates)
    made = tables(osm, network.crs)
    runs = [
        timed(network, *made, criteria) for criteria in (None, CRITERIA) for _ in range(given.runs)
    ]
    for run in runs:
        print(run)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    facts = {"edges": len(network.edges), "cpus": os.cpu_count(), "peak_mb": round(peak_mb)}
    print(facts)
    if given.out:
        text = json.dumps({"runs": runs, **facts}, ensure_ascii=False, indent=1)
        given.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
