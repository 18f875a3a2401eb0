"""Towns, tables and the peers' networks for the benchmark from tables to tables."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

import communityplan as cp

DATA = Path(__file__).parents[2] / "shared" / "data"
SPEED_M_S = 4.8 / 3.6


class Town:
    """A network, and homes and facilities at random street corners of it.

    Attributes
    ----------
    xy, tail, head, forward_s, backward_s
        The network as every peer gets it; times in multiples of 2**-24 s.
    """

    def __init__(
        self, name: str, network: cp.WalkNetwork, walker: cp.Walker, homes: int, facilities: int
    ) -> None:
        self.name, self.network, self.walker = name, network, walker
        rng = np.random.default_rng(7)
        nodes = network.nodes.geometry.to_numpy()
        self.home_node = rng.choice(len(nodes), min(homes, len(nodes)), replace=False)
        self.facility_node = rng.choice(len(nodes), facilities, replace=False)
        self.homes = gpd.GeoDataFrame(
            {
                "home_id": [f"h{row}" for row in range(len(self.home_node))],
                "residents": rng.integers(1, 100, len(self.home_node)).astype(float),
            },
            geometry=nodes[self.home_node],
            crs=network.crs,
        )
        self.facilities = gpd.GeoDataFrame(
            {
                "facility_id": [f"f{row}" for row in range(facilities)],
                "capacity": rng.integers(1, 100, facilities).astype(float),
            },
            geometry=nodes[self.facility_node],
            crs=network.crs,
        )
        self.some = self.facilities.iloc[:200]
        self.xy = shapely.get_coordinates(nodes)
        self.tail, self.head = (network.edges[end].to_numpy() for end in ("u", "v"))
        self.forward_s, self.backward_s = (
            np.rint(seconds * 2.0**24) / 2.0**24 for seconds in network.seconds(walker)
        )

    @property
    def directed(self) -> bool:
        return not np.array_equal(self.forward_s, self.backward_s)

    def arcs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Tail, head and seconds of every way along an edge that can be walked."""
        tail = np.concatenate([self.tail, self.head])
        head = np.concatenate([self.head, self.tail])
        seconds = np.concatenate([self.forward_s, self.backward_s])
        open_ = np.isfinite(seconds) & (tail != head)
        return tail[open_], head[open_], seconds[open_]


def liege(homes: int, facilities: int) -> Town:
    """The urban area of Liège (uscuni/neatnet, BSD-3), straight pieces of streets."""
    streets = gpd.read_parquet(DATA / "liege" / "liege_fua_streets.parquet")[["geometry"]]
    walker = cp.Walker("even", SPEED_M_S)
    return Town("liege", cp.WalkNetwork.from_streets(streets), walker, homes, facilities)


def las_palmas(homes: int, facilities: int) -> Town:
    """Las Palmas de Gran Canaria (OpenStreetMap): footways, steps and streets that all may walk.

    The data carry no heights; made-up hills make every walk take longer one way than back.
    """
    osm = cp.read_osm(DATA / "las_palmas" / "las_palmas_20230221.osm.pbf")
    streets = osm.streets[osm.streets["access"] == "everyone"].copy()
    lines = streets.geometry.to_numpy()
    ends = [
        shapely.get_coordinates(shapely.get_point(shapely.get_geometry(lines, 0), at))
        for at in (0, -1)
    ]
    height = [60 * np.sin(xy[:, 0] / 400) + 60 * np.cos(xy[:, 1] / 300) for xy in ends]
    streets["climb_m"] = np.clip(
        height[1] - height[0], -0.15 * streets.length, 0.15 * streets.length
    )
    walker = cp.Walker("hiker", SPEED_M_S, slope="tobler", storey_up_s=13, storey_down_s=11)
    return Town("las_palmas", cp.WalkNetwork.from_streets(streets), walker, homes, facilities)


TOWNS = {"liege": liege, "las_palmas": las_palmas}
