"""What a user of another library types for the same tables. Points join their nearest node."""

from __future__ import annotations

import os
from importlib.util import find_spec

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

import communityplan as cp
from tables_town import Town

LIMITS_S = (300.0, 600.0, 900.0)
FAR_S = LIMITS_S[-1]
MARGIN_M = 40.0


def fewest(table: pd.DataFrame) -> pd.DataFrame:
    """Of parallel arcs the quickest."""
    return table.groupby(["u", "v"], as_index=False)["s"].min()


def times(town: Town, table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(from_id=town.homes["home_id"].to_numpy())


class Ours:
    name = "communityplan"
    jobs = ("J1k1", "J1k5", "J2", "J3", "J4")

    def __init__(self, town: Town) -> None:
        self.town, self.with_ = town, {"network": town.network, "walker": town.walker}

    def j1k1(self) -> pd.DataFrame:
        return cp.nearest(origins=self.town.homes, destinations=self.town.some, **self.with_)

    def j1k5(self) -> pd.DataFrame:
        town = self.town
        return cp.nearest(
            origins=town.homes, destinations=town.facilities, k=5, within_min=15, **self.with_
        )

    def j2(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        both = {"origins": self.town.homes, "destinations": self.town.facilities, **self.with_}
        return (
            cp.within_reach(minutes=[5, 10, 15], weight="capacity", **both),
            cp.within_reach(minutes=[15], weight="residents", per="destination", **both),
        )

    def j3(self) -> pd.DataFrame:
        town = self.town
        return cp.walks(
            origins=town.homes, destinations=town.facilities, within_min=15, **self.with_
        )

    def j4(self) -> gpd.GeoDataFrame:
        return cp.service_areas(facilities=self.town.some, margin_m=MARGIN_M, **self.with_)


class Scipy:
    """`dijkstra` on a matrix, points at the nodes that a tree of them finds; the tree is kept."""

    name = "scipy"
    jobs = ("J1k1", "J1k5", "J2", "J3")

    def __init__(self, town: Town) -> None:
        self.town = town
        self.tree = cKDTree(town.xy)
        tail, head, seconds = town.arcs()
        # searched from the facilities against the walks that lead to them
        arcs = fewest(pd.DataFrame({"u": head, "v": tail, "s": seconds}))
        size = (len(town.xy), len(town.xy))
        self.matrix = csr_array((arcs["s"], (arcs["u"], arcs["v"])), shape=size)

    def nodes(self, table: gpd.GeoDataFrame) -> np.ndarray:
        return self.tree.query(shapely.get_coordinates(table.geometry))[1]

    def j1k1(self) -> pd.DataFrame:
        """Only the minutes: not which facility."""
        home, place = self.nodes(self.town.homes), self.nodes(self.town.some)
        found = dijkstra(self.matrix, indices=place, min_only=True)[home]
        return pd.DataFrame({"from_id": self.town.homes["home_id"], "walk_min": found / 60})

    def blocks(self) -> tuple[slice, np.ndarray]:
        home, place = self.nodes(self.town.homes), self.nodes(self.town.facilities)
        for first in range(0, len(place), 100):
            rows = slice(first, min(first + 100, len(place)))
            yield rows, dijkstra(self.matrix, indices=place[rows], limit=FAR_S)[:, home]

    def j1k5(self) -> pd.DataFrame:
        homes = len(self.town.homes)
        best, which = np.full((5, homes), np.inf), np.full((5, homes), -1)
        for rows, found in self.blocks():
            number = np.broadcast_to(np.arange(rows.start, rows.stop)[:, None], found.shape)
            every, who = np.vstack([best, found]), np.vstack([which, number])
            some = np.argpartition(every, 4, axis=0)[:5]
            best, which = (np.take_along_axis(part, some, axis=0) for part in (every, who))
        order = np.argsort(best, axis=0)
        best, which = (np.take_along_axis(part, order, axis=0).T for part in (best, which))
        row, rank = np.nonzero(np.isfinite(best))
        return self.table(row, which[row, rank], best[row, rank]).assign(rank=rank + 1)

    def table(self, home: np.ndarray, facility: np.ndarray, seconds: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "from_id": self.town.homes["home_id"].array.take(home),
                "to_id": self.town.facilities["facility_id"].array.take(facility),
                "walk_min": seconds / 60,
            }
        )

    def j2(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        town = self.town
        capacity, people = (
            town.facilities["capacity"].to_numpy(),
            town.homes["residents"].to_numpy(),
        )
        count, total = np.zeros((2, len(LIMITS_S), len(people)))
        reached = np.zeros(len(capacity))
        for rows, found in self.blocks():
            for band, limit in enumerate(LIMITS_S):
                near = found <= limit
                count[band] += near.sum(axis=0)
                total[band] += capacity[rows] @ near
            reached[rows] = near @ people
        around = {f"count_{limit:.0f}": row for limit, row in zip(LIMITS_S, count, strict=True)}
        around |= {f"total_{limit:.0f}": row for limit, row in zip(LIMITS_S, total, strict=True)}
        sites = pd.DataFrame({"to_id": town.facilities["facility_id"], "total": reached})
        return times(town, pd.DataFrame(around)), sites

    def j3(self) -> pd.DataFrame:
        parts = []
        for rows, found in self.blocks():
            facility, home = np.nonzero(np.isfinite(found))
            parts.append((home, facility + rows.start, found[facility, home]))
        home, facility, seconds = (np.concatenate(part) for part in zip(*parts, strict=True))
        order = np.argsort(home, kind="stable")
        return self.table(home[order], facility[order], seconds[order])


class Pandana:
    """Contraction hierarchies, built before; it keeps a tree of nodes itself."""

    name = "pandana"
    jobs = ("J1k1", "J1k5", "J2", "J3")

    def __init__(self, town: Town) -> None:
        import pandana

        self.town = town
        tail, head, seconds = town.arcs()
        if not town.directed:
            tail, head, seconds = town.tail, town.head, town.forward_s
        self.network = pandana.Network(
            pd.Series(town.xy[:, 0]), pd.Series(town.xy[:, 1]), pd.Series(tail), pd.Series(head),
            pd.DataFrame({"seconds": seconds}), twoway=not town.directed,
        )  # fmt: skip
        self.network.precompute(FAR_S)

    def nodes(self, table: gpd.GeoDataFrame) -> np.ndarray:
        x, y = shapely.get_coordinates(table.geometry).T
        return self.network.get_node_ids(pd.Series(x), pd.Series(y)).to_numpy()

    def near(self, facilities: gpd.GeoDataFrame, k: int) -> pd.DataFrame:
        x, y = shapely.get_coordinates(facilities.geometry).T
        self.network.set_pois("places", FAR_S, k, pd.Series(x), pd.Series(y))
        found = self.network.nearest_pois(
            FAR_S, "places", num_pois=k, max_distance=np.nan, include_poi_ids=True
        )
        return times(self.town, found.loc[self.nodes(self.town.homes)])

    def j1k1(self) -> pd.DataFrame:
        return self.near(self.town.some, 1)

    def j1k5(self) -> pd.DataFrame:
        return self.near(self.town.facilities, 5)

    def j2(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        town, network = self.town, self.network
        home, place = self.nodes(town.homes), self.nodes(town.facilities)
        network.set(pd.Series(place), town.facilities["capacity"], name="capacity")
        network.set(pd.Series(home), town.homes["residents"], name="people")
        around = {
            f"{kind}_{limit:.0f}": network.aggregate(
                limit, type=kind, decay="flat", name="capacity"
            ).to_numpy()[home]
            for kind in ("count", "sum")
            for limit in LIMITS_S
        }
        reached = network.aggregate(FAR_S, type="sum", decay="flat", name="people")
        sites = pd.DataFrame(
            {"to_id": town.facilities["facility_id"], "total": reached.to_numpy()[place]}
        )
        return times(town, pd.DataFrame(around)), sites

    def j3(self) -> pd.DataFrame:
        town = self.town
        home, place = self.nodes(town.homes), self.nodes(town.facilities)
        found = self.network.nodes_in_range(place, FAR_S)
        homes = pd.DataFrame({"destination": home, "from_id": town.homes["home_id"]})
        places = pd.DataFrame({"source": place, "to_id": town.facilities["facility_id"]})
        return found.merge(homes, on="destination").merge(places, on="source")


class Cityseer:
    """`compute_accessibilities` counts within distances (metres on the level), at every node."""

    name = "cityseer"
    jobs = ("J2",)

    def __init__(self, town: Town) -> None:
        os.environ.setdefault("CITYSEER_QUIET_MODE", "true")
        from cityseer.tools import io

        self.town = town
        graph = nx.MultiGraph(crs=town.network.crs)
        for node, (x, y) in enumerate(town.xy.tolist()):
            graph.add_node(str(node), x=x, y=y)
        edges = town.network.edges
        for u, v, line in zip(town.tail, town.head, edges.geometry, strict=True):
            graph.add_edge(str(u), str(v), geom=line)
        self.nodes, _, self.structure = io.network_structure_from_nx(graph)

    def j2(self) -> pd.DataFrame:
        """Counts at every node; sums and people come from other functions, not run."""
        from cityseer.metrics import layers

        town = self.town
        places = town.facilities.assign(kind="place")
        found = layers.compute_accessibilities(
            places, landuse_column_label="kind", accessibility_keys=["place"],
            nodes_gdf=self.nodes, network_structure=self.structure,
            minutes=[limit / 60 for limit in LIMITS_S], speed_m_s=4.8 / 3.6,
        )  # fmt: skip
        tree = cKDTree(town.xy)
        at = tree.query(shapely.get_coordinates(town.homes.geometry))[1]
        nodes = found[0] if isinstance(found, tuple) else found
        return times(town, nodes.drop(columns="geometry", errors="ignore").iloc[at])


class Recipe:
    """The usual way with OSMnx: nearest nodes, networkx; areas by ego graph, buffer and union."""

    name = "OSMnx recipe"
    jobs = ("J1k1", "J4")

    def __init__(self, town: Town) -> None:
        self.town = town
        self.graph = nx.MultiDiGraph(crs=town.network.crs)
        for node, (x, y) in enumerate(town.xy.tolist()):
            self.graph.add_node(node, x=x, y=y)
        lines = town.network.edges.geometry
        for ends, times_s in (
            ((town.tail, town.head), town.forward_s),
            ((town.head, town.tail), town.backward_s),
        ):
            for u, v, s, line in zip(*ends, times_s, lines, strict=True):
                if np.isfinite(s):
                    self.graph.add_edge(int(u), int(v), time=float(s), geometry=line)
        self.share = {"J4": 1 / 20}
        # walks lead to the facilities
        self.turned = self.graph.reverse(copy=False)

    def nodes(self, table: gpd.GeoDataFrame) -> np.ndarray:
        import osmnx

        x, y = shapely.get_coordinates(table.geometry).T
        return osmnx.nearest_nodes(self.graph, x, y)

    def j1k1(self) -> pd.DataFrame:
        place, home = self.nodes(self.town.some), self.nodes(self.town.homes)
        found = nx.multi_source_dijkstra_path_length(self.turned, set(place), weight="time")
        minutes = [found.get(node, np.nan) / 60 for node in home]
        return pd.DataFrame({"from_id": self.town.homes["home_id"], "walk_min": minutes})

    def j4(self) -> gpd.GeoDataFrame:
        rows = []
        few = self.town.some.iloc[::20]
        for name, node in zip(few["facility_id"], self.nodes(few), strict=True):
            for limit in LIMITS_S:
                part = nx.ego_graph(self.turned, node, radius=limit, distance="time")
                corners = gpd.GeoSeries(
                    [shapely.Point(data["x"], data["y"]) for _, data in part.nodes(data=True)]
                )
                lines = gpd.GeoSeries([line for _, _, line in part.edges(data="geometry")])
                shapes = [*corners.buffer(MARGIN_M), *lines.buffer(MARGIN_M)]
                rows.append((name, limit / 60, gpd.GeoSeries(shapes).union_all()))
        columns = ["facility_id", "within_min", "geometry"]
        return gpd.GeoDataFrame(rows, columns=columns, crs=self.town.network.crs)


class Buffers:
    """Buffer and union of our own exact parts of streets, which lie ready."""

    name = "buffer and union"
    jobs = ("J4",)

    def __init__(self, town: Town) -> None:
        self.town, self.share = town, {"J4": 1 / 10}
        few = town.some.iloc[::10]
        self.parts = {
            limit / 60: cp.reached_streets(
                town.network, few, walker=town.walker, within_min=limit / 60
            )
            for limit in LIMITS_S
        }

    def j4(self) -> gpd.GeoDataFrame:
        rows = []
        for minutes, reached in self.parts.items():
            for name, lines in reached.groupby("point_id"):
                shapes = shapely.buffer(lines.geometry.to_numpy(), MARGIN_M)
                rows.append((name, minutes, shapely.union_all(shapes)))
        columns = ["facility_id", "within_min", "geometry"]
        return gpd.GeoDataFrame(rows, columns=columns, crs=self.town.network.crs)


LIBRARIES = {"pandana": "pandana", "cityseer": "cityseer", "OSMnx recipe": "osmnx"}
PEERS = {
    peer.name: peer
    for peer in (Ours, Scipy, Pandana, Cityseer, Recipe, Buffers)
    if find_spec(LIBRARIES.get(peer.name, "scipy"))
}
