"""A city of 100,000 homes: who is served, for 5 services, 3 limits and 2 walkers.

Streets and buildings are those of Las Palmas; homes, people and facilities are random, so the
figures say how long it takes and nothing about the place. The network is built before.

    python benchmarks/bench_city.py [--homes 100000]
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

import communityplan as cp

CITY = Path(__file__).parents[2] / "shared" / "data" / "las_palmas" / "las_palmas_20230221.osm.pbf"
SERVICES = ("elder_care", "childcare", "canteen", "health", "market")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--homes", type=int, default=100_000)
    count = parser.parse_args().homes
    if not CITY.is_file():
        raise SystemExit(f"the city is not here: {CITY}")
    start = time.perf_counter()
    osm = cp.read_osm(CITY)
    print(f"read {time.perf_counter() - start:.1f} s: {osm}")
    start = time.perf_counter()
    network = cp.WalkNetwork.from_streets(osm.streets, walls=osm.walls, gates=osm.gates)
    print(f"network {time.perf_counter() - start:.1f} s: {network}")
    rng = np.random.default_rng(0)
    middles = shapely.get_coordinates(shapely.centroid(osm.buildings.geometry.to_numpy()))
    near = rng.integers(0, len(middles), count)
    homes = gpd.GeoDataFrame(
        {
            "home_id": [f"h{i}" for i in range(count)],
            "community_id": [f"c{i % 300}" for i in near],
            "residents": rng.integers(3, 30, count),
            "elderly": rng.integers(0, 3, count),
            "children": rng.integers(0, 1, count, endpoint=True),
            "storeys": rng.integers(1, 8, count),
            "has_lift": False,
        },
        geometry=shapely.points(middles[near] + rng.normal(0, 5, (count, 2))),
        crs=network.crs,
    )
    places = middles[rng.integers(0, len(middles), 400)]
    facilities = gpd.GeoDataFrame(
        {
            "facility_id": [f"f{i}" for i in range(400)],
            "service": [SERVICES[i % len(SERVICES)] for i in range(400)],
        },
        geometry=shapely.points(places),
        crs=network.crs,
    )
    for turn in ("first", "second"):
        wall, cpu = time.perf_counter(), time.process_time()
        ledger = cp.coverage(
            network, homes, facilities, minutes=[5, 10, 15], group=["elderly", "children"]
        )
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{turn}: {wall:.1f} s, processor {cpu:.1f} s, peak {peak_mb:.0f} MB, "
              f"{len(ledger)} rows")  # fmt: skip


if __name__ == "__main__":
    main()
