"""The same jobs by different libraries, each as its users would write them, arrays to arrays.

J1: seconds from every node to its k nearest facilities, shape (N, k), nan for none.
J2: number and capacity within 300, 600 and 900 s of every origin, people within 900 s of every
facility: an array of 7 columns laid end to end.
J3: origin, facility and seconds of all pairs within 900 s, sorted.
A peer may do a share of a job; its time is then scaled and marked.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from search_towns import Questions, Town

Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]


class Ours:
    name = "communityplan"
    jobs = ("J1k1", "J1k5", "J2", "J3")

    def __init__(self, town: Town, asked: Questions, *, threads: int | None = None) -> None:
        from communityplan._search import Ends, build_graph, compiled, core, jobs

        # the benchmark is of the compiled engine; a user's first jobs run on scipy
        jobs.answer = lambda _, question: question(compiled)
        self.search, self.asked, self.threads = jobs, asked, threads
        self.graph = build_graph(
            town.n_nodes, town.tail, town.head, town.seconds,
            back_seconds=town.seconds, xy=town.xy,
        )  # fmt: skip
        core.core_of(self.graph)
        self.facilities = Ends.at_nodes(asked.facilities)
        self.some = Ends.at_nodes(asked.facilities[:200])
        self.origins = Ends.at_nodes(asked.origins)

    def j1k1(self) -> np.ndarray:
        options = {"limit_s": self.asked.limit_s, "threads": self.threads}
        return self.search.nearest_nodes(self.graph, self.some, k=1, **options)[1]

    def j1k5(self) -> np.ndarray:
        options = {"limit_s": self.asked.limit_s, "threads": self.threads}
        return self.search.nearest_nodes(self.graph, self.facilities, k=5, **options)[1]

    def j2(self) -> np.ndarray:
        ends = self.graph, self.origins, self.facilities
        number, capacity = self.search.counts(
            *ends, limits_s=self.asked.limits_s, weights=self.asked.capacity, threads=self.threads
        )
        _, people = self.search.counts(
            *ends, limits_s=[self.asked.limit_s], weights=self.asked.people,
            per="destination", threads=self.threads,
        )  # fmt: skip
        return np.concatenate([number.T.ravel(), capacity.T.ravel(), people.ravel()])

    def j3(self) -> Pairs:
        return self.search.pairs(
            self.graph, self.origins, self.facilities,
            limit_s=self.asked.limit_s, threads=self.threads,
        )  # fmt: skip


class OursAlone(Ours):
    name = "communityplan, 1 thread"

    def __init__(self, town: Town, asked: Questions) -> None:
        super().__init__(town, asked, threads=1)


class Scipy:
    """scipy.sparse.csgraph.dijkstra with a limit, searched from the facilities."""

    name = "scipy"
    jobs = ("J1k1", "J1k5", "J2", "J3")
    rows = 50

    def __init__(self, town: Town, asked: Questions) -> None:
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import dijkstra

        self.dijkstra, self.asked, self.n_nodes = dijkstra, asked, town.n_nodes
        tail, head = np.minimum(town.tail, town.head), np.maximum(town.tail, town.head)
        # of parallel edges the shortest one
        order = np.lexsort((town.seconds, head, tail))
        order = order[tail[order] != head[order]]
        pair = np.column_stack([tail[order], head[order]])
        first = np.append(True, (pair[1:] != pair[:-1]).any(axis=1)) if len(pair) else []
        one, other, cost = *pair[first].T, town.seconds[order][first]
        both = np.concatenate([one, other]), np.concatenate([other, one])
        shape = (town.n_nodes, town.n_nodes)
        self.matrix = coo_array((np.tile(cost, 2), both), shape=shape).tocsr()

    def j1k1(self) -> np.ndarray:
        seconds = self.dijkstra(
            self.matrix, indices=self.asked.facilities[:200], limit=self.asked.limit_s,
            min_only=True,
        )  # fmt: skip
        seconds[np.isinf(seconds)] = np.nan
        return seconds[:, None]

    def parts(self) -> Any:
        for first in range(0, len(self.asked.facilities), self.rows):
            rows = slice(first, first + self.rows)
            yield (
                rows,
                self.dijkstra(
                    self.matrix, indices=self.asked.facilities[rows], limit=self.asked.limit_s
                ),
            )

    def j1k5(self) -> np.ndarray:
        best = np.full((5, self.n_nodes), np.inf)
        for _, seconds in self.parts():
            best = np.partition(np.vstack([best, seconds]), 4, axis=0)[:5]
        best.sort(axis=0)
        best[np.isinf(best)] = np.nan
        return best.T

    def j2(self) -> np.ndarray:
        origins = len(self.asked.origins)
        number, capacity = np.zeros((3, origins)), np.zeros((3, origins))
        people = np.zeros(len(self.asked.facilities))
        for rows, every in self.parts():
            seconds = every[:, self.asked.origins]
            for band, limit in enumerate(self.asked.limits_s):
                near = seconds <= limit
                number[band] += near.sum(axis=0)
                capacity[band] += self.asked.capacity[rows] @ near
            people[rows] = near @ self.asked.people
        return np.concatenate([number.ravel(), capacity.ravel(), people])

    def j3(self) -> Pairs:
        found = []
        for rows, every in self.parts():
            seconds = every[:, self.asked.origins]
            facility, origin = np.nonzero(seconds <= self.asked.limit_s)
            found.append((origin, facility + rows.start, seconds[facility, origin]))
        origin, facility, seconds = (np.concatenate(part) for part in zip(*found, strict=True))
        order = np.argsort(origin, kind="stable")
        return origin[order], facility[order], seconds[order]


class Pandana:
    """Contraction hierarchies; its `precompute` is not counted."""

    name = "pandana"
    jobs = ("J1k1", "J1k5", "J2", "J3")

    def __init__(self, town: Town, asked: Questions) -> None:
        import pandana
        import pandas as pd

        self.asked = asked
        x, y = pd.Series(town.xy[:, 0]), pd.Series(town.xy[:, 1])
        weights = pd.DataFrame({"seconds": town.seconds})
        self.network = pandana.Network(
            x, y, pd.Series(town.tail), pd.Series(town.head), weights, twoway=True
        )
        self.network.precompute(asked.limit_s)
        for name, rows in (("some", asked.facilities[:200]), ("all", asked.facilities)):
            self.network.set_pois(name, asked.limit_s, 5, x.iloc[rows], y.iloc[rows])
        for name, nodes, values in (
            ("capacity", asked.facilities, asked.capacity),
            ("people", asked.origins, asked.people),
        ):
            self.network.set(pd.Series(nodes), pd.Series(values), name=name)

    def nearest(self, name: str, k: int) -> np.ndarray:
        # the farthest distance also stands for none
        far = self.asked.limit_s + 1000
        found = self.network.nearest_pois(self.asked.limit_s, name, k, max_distance=far)
        seconds = found.to_numpy(dtype=float)
        return np.where(seconds > self.asked.limit_s, np.nan, seconds)

    def j1k1(self) -> np.ndarray:
        return self.nearest("some", 1)

    def j1k5(self) -> np.ndarray:
        return self.nearest("all", 5)

    def within(self, limit: float, kind: str, name: str, nodes: np.ndarray) -> np.ndarray:
        options = {"type": kind, "decay": "flat", "name": name}
        return self.network.aggregate(limit, **options).to_numpy()[nodes]

    def j2(self) -> np.ndarray:
        asked = self.asked
        parts = [
            self.within(limit, kind, "capacity", asked.origins)
            for kind in ("count", "sum")
            for limit in asked.limits_s
        ]
        return np.concatenate(
            [*parts, self.within(asked.limit_s, "sum", "people", asked.facilities)]
        )

    def j3(self) -> Pairs:
        found = self.network.nodes_in_range(self.asked.facilities, self.asked.limit_s)
        row = np.full(len(self.network.nodes_df), -1)
        row[self.asked.origins] = np.arange(len(self.asked.origins))
        column = np.empty(len(row), dtype=int)
        column[self.asked.facilities] = np.arange(len(self.asked.facilities))
        origin = row[found["destination"].to_numpy()]
        facility = column[found["source"].to_numpy()]
        order = np.lexsort((facility, origin))
        order = order[origin[order] >= 0]
        return origin[order], facility[order], found["seconds"].to_numpy()[order]


class Igraph:
    """`distances` knows no limit: 10 of the facilities, scaled."""

    name = "igraph"
    jobs = ("J3",)
    share = 10 / 2000

    def __init__(self, town: Town, asked: Questions) -> None:
        import igraph

        edges = np.column_stack([town.tail, town.head])
        self.graph, self.asked = igraph.Graph(n=town.n_nodes, edges=edges), asked
        self.seconds = town.seconds.tolist()

    def j3(self) -> Pairs:
        some = self.asked.facilities[:10]
        found = self.graph.distances(some.tolist(), weights=self.seconds)
        seconds = np.array(found)[:, self.asked.origins].T
        origin, facility = np.nonzero(seconds <= self.asked.limit_s)
        return origin, facility, seconds[origin, facility]


class Networkx:
    """Dijkstra with a cutoff: 50 of the facilities for pairs, scaled."""

    name = "networkx"
    jobs = ("J1k1", "J3")
    share = 50 / 2000

    def __init__(self, town: Town, asked: Questions) -> None:
        import networkx as nx

        self.nx, self.asked, self.n_nodes = nx, asked, town.n_nodes
        self.graph = nx.Graph()
        order = np.argsort(-town.seconds)
        edges = (town.tail[order], town.head[order], town.seconds[order])
        self.graph.add_weighted_edges_from(zip(*(part.tolist() for part in edges), strict=True))

    def j1k1(self) -> np.ndarray:
        found = self.nx.multi_source_dijkstra_path_length(
            self.graph, self.asked.facilities[:200].tolist(), cutoff=self.asked.limit_s
        )
        seconds = np.full((self.n_nodes, 1), np.nan)
        seconds[list(found), 0] = list(found.values())
        return seconds

    def j3(self) -> Pairs:
        row = {node: place for place, node in enumerate(self.asked.origins.tolist())}
        found = [
            (row[node], facility, seconds)
            for facility, start in enumerate(self.asked.facilities[:50].tolist())
            for node, seconds in self.nx.single_source_dijkstra_path_length(
                self.graph, start, cutoff=self.asked.limit_s
            ).items()
            if node in row
        ]
        origin, facility, seconds = (np.array(part) for part in zip(*sorted(found), strict=True))
        return origin, facility, seconds


PEERS = {peer.name: peer for peer in (Ours, OursAlone, Scipy, Pandana, Igraph, Networkx)}
