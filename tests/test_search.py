"""Shortest walks against a naive oracle: a graph whose edges are cut at every point."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from communityplan._search import (
    Ends,
    SearchGraph,
    balls,
    build_graph,
    counts,
    jobs,
    nearest,
    nearest_nodes,
    pairs,
    path,
)
from communityplan.errors import OptionError

SEEDS = range(12)


@pytest.fixture(params=["plain", "compiled"], autouse=True)
def _engine(request, monkeypatch):
    """Every test runs on both engines."""
    module = import_module(f"communityplan._search.{request.param}")
    monkeypatch.setattr(jobs, "answer", lambda _, question: question(module))


@dataclass
class Town:
    """A random network with everything that can go wrong, and points on it."""

    graph: SearchGraph
    forward: np.ndarray
    backward: np.ndarray
    origins: Ends
    destinations: Ends
    allowed: np.ndarray


def random_town(seed: int, *, n_nodes: int = 40, n_points: int = 25) -> Town:
    """Directed costs, one-way and closed edges, parallel edges, loops, islands, owners."""
    rng = np.random.default_rng(seed)
    n_edges = int(1.4 * n_nodes)
    # the last nodes are an island of their own
    main = n_nodes - 5
    tail, head = rng.integers(0, main, n_edges), rng.integers(0, main, n_edges)
    # chains of nodes of degree two hang between nodes
    tail = np.concatenate([tail, np.arange(main, n_nodes - 1), np.arange(0, 15)])
    head = np.concatenate([head, np.arange(main + 1, n_nodes), np.arange(1, 16)])
    # parallel edges and self-loops
    tail, head = np.append(tail, [tail[0], tail[1], 3]), np.append(head, [head[0], head[1], 3])
    count = len(tail)
    forward, backward = rng.uniform(1, 60, count), rng.uniform(1, 60, count)
    same = rng.random(count) < 0.5
    backward[same] = forward[same]
    zero = rng.random(count) < 0.05
    forward[zero] = backward[zero] = 0
    backward[rng.random(count) < 0.1] = np.inf
    forward[rng.random(count) < 0.05] = np.inf
    owner = np.where(rng.random(count) < 0.15, rng.integers(1, 4, count), 0)
    graph = build_graph(
        n_nodes, tail, head, forward, back_seconds=backward, owner=owner,
        xy=rng.uniform(0, 100, (n_nodes, 2)),
    )  # fmt: skip
    return Town(
        graph, forward, backward, _points(rng, graph, n_points), _points(rng, graph, n_points),
        rng.integers(0, 4, n_points),
    )  # fmt: skip


def _points(rng: np.random.Generator, graph: SearchGraph, count: int) -> Ends:
    edge = rng.integers(0, graph.n_edges, count)
    # several points on one edge, and points at both of its ends
    edge[: count // 3] = rng.integers(0, 4, count // 3)
    along = rng.choice([0.0, 1.0, 0.5, -1.0], count)
    along = np.where(along < 0, rng.random(count), along)
    node = np.full(count, -1)
    at_node = rng.random(count) < 0.2
    node[at_node] = rng.integers(0, graph.n_nodes, at_node.sum())
    edge[at_node] = -1
    edge[-1] = node[-1] = -1
    return Ends(edge, np.where(edge >= 0, along, 0.0), node, rng.uniform(0, 20, count))


def oracle(town: Town) -> np.ndarray:
    """Seconds of every pair in a networkx graph cut at every point, one graph per owner."""
    return np.array(
        [
            _row(town, origin, int(owner))
            for origin, owner in enumerate(town.allowed)
        ]
    )  # fmt: skip


def _row(town: Town, origin: int, owner: int) -> np.ndarray:
    cut = _cut_graph(town, owner)
    seconds = np.full(len(town.destinations), np.inf)
    if ("o", origin) not in cut:
        return seconds
    found = nx.single_source_dijkstra_path_length(cut, ("o", origin), weight="s")
    for row in range(len(town.destinations)):
        if ("d", row) in found:
            extra = town.origins.extra_s[origin] + town.destinations.extra_s[row]
            seconds[row] = found[("d", row)] + extra
    return seconds


def _cut_graph(town: Town, owner: int) -> nx.MultiDiGraph:
    graph = town.graph
    cut = nx.MultiDiGraph()
    cut.add_nodes_from(range(graph.n_nodes))
    for kind, ends in (("o", town.origins), ("d", town.destinations)):
        for row in np.flatnonzero(ends.node >= 0):
            _join(cut, int(ends.node[row]), (kind, int(row)), 0.0, 0.0)
    for edge in np.flatnonzero((graph.owner == 0) | (graph.owner == owner)):
        stops = [(0.0, int(graph.tail[edge])), (1.0, int(graph.head[edge]))]
        for kind, ends in (("o", town.origins), ("d", town.destinations)):
            on = np.flatnonzero(ends.edge == edge)
            stops += [(float(ends.along[row]), (kind, int(row))) for row in on]
        stops.sort(key=lambda stop: (stop[0], isinstance(stop[1], tuple) and stop[0] < 1))
        for (here, one), (there, other) in pairwise(stops):
            share = there - here
            go = share * town.forward[edge] if share else 0.0
            back = share * town.backward[edge] if share else 0.0
            _join(cut, one, other, go, back)
    return cut


def _join(cut, one, other, go, back):
    if np.isfinite(go):
        cut.add_edge(one, other, s=go)
    if np.isfinite(back):
        cut.add_edge(other, one, s=back)


@pytest.mark.parametrize("seed", SEEDS)
def test_pairs_equal_the_cut_graph(seed):
    town = random_town(seed)
    expected = oracle(town)
    for limit in (0.0, 45.0, 120.0, np.inf):
        origin, destination, seconds = pairs(
            town.graph, town.origins, town.destinations, limit_s=limit, allowed=town.allowed
        )
        within = np.isfinite(expected) & (expected <= limit)
        assert np.array_equal(np.argwhere(within), np.column_stack([origin, destination]))
        assert np.abs(expected[within] - seconds).max(initial=0) < 1e-6


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("k", [1, 4, 40])
def test_nearest_equal_sorted_pairs(seed, k):
    town = random_town(seed)
    expected = oracle(town)
    row, seconds = nearest(
        town.graph, town.origins, town.destinations, k=k, limit_s=150, allowed=town.allowed
    )
    assert row.shape == seconds.shape == (len(town.origins), k)
    expected[expected > 150] = np.inf
    expected = np.hstack([expected, np.full((len(expected), k), np.inf)])
    best = np.sort(expected, axis=1)[:, :k]
    assert np.array_equal(np.isfinite(best), row >= 0)
    assert np.array_equal(np.isnan(seconds), row < 0)
    reached = row >= 0
    assert np.abs(best[reached] - seconds[reached]).max(initial=0) < 1e-6
    picked = np.take_along_axis(expected, np.maximum(row, 0), axis=1)
    assert np.abs(picked[reached] - seconds[reached]).max(initial=0) < 1e-6
    for one in row:
        assert len(set(one[one >= 0])) == (one >= 0).sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_counts_equal_sums_of_pairs(seed):
    town = random_town(seed)
    rng = np.random.default_rng(seed)
    limits = [30.0, 90.0, 60.0]
    origin, destination, seconds = pairs(
        town.graph, town.origins, town.destinations, limit_s=90, allowed=town.allowed
    )
    weights = rng.integers(0, 50, len(town.origins)).astype(float)
    for per, mine, other in (
        ("origin", origin, destination),
        ("destination", destination, origin),
    ):
        count, weight = counts(
            town.graph, town.origins, town.destinations,
            limits_s=limits, weights=weights, allowed=town.allowed, per=per,
        )  # fmt: skip
        for column, limit in enumerate(limits):
            near = seconds <= limit
            n = len(town.origins)
            assert np.array_equal(count[:, column], np.bincount(mine[near], minlength=n))
            expected = np.bincount(mine[near], weights[other[near]], minlength=n)
            assert np.array_equal(weight[:, column], expected)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("reverse", [False, True])
def test_balls_equal_pairs_with_nodes(seed, reverse):
    town = random_town(seed)
    nodes = Ends.at_nodes(np.arange(town.graph.n_nodes))
    offsets, node, seconds = balls(
        town.graph, town.origins, limit_s=70, reverse=reverse, allowed=town.allowed
    )
    point = np.repeat(np.arange(len(town.origins)), np.diff(offsets))
    for row, owner in enumerate(town.allowed):
        one = town.origins.take([row])
        if reverse:
            every = np.full(town.graph.n_nodes, owner)
            expected_node, _, expected = pairs(town.graph, nodes, one, limit_s=70, allowed=every)
        else:
            _, expected_node, expected = pairs(town.graph, one, nodes, limit_s=70, allowed=[owner])
        assert np.array_equal(node[point == row], expected_node)
        assert np.array_equal(seconds[point == row], expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_paths_have_the_seconds_of_pairs(seed):
    town = random_town(seed)
    graph = town.graph
    expected = np.full((len(town.origins), len(town.destinations)), np.nan)
    origin, destination, seconds = pairs(
        graph, town.origins, town.destinations, limit_s=np.inf, allowed=town.allowed
    )
    expected[origin, destination] = seconds
    rng = np.random.default_rng(seed)
    for row, column in rng.integers(0, len(town.origins), (60, 2)):
        owner = int(town.allowed[row])
        way = path(graph, town.origins.take([row]), town.destinations.take([column]), allowed=owner)
        assert np.isnan(way.seconds) == np.isnan(expected[row, column])
        if np.isnan(way.seconds):
            continue
        assert way.seconds == expected[row, column]
        parts = way.leave_s + way.edge_s.sum() + way.arrive_s + way.extra_s
        assert abs(parts - way.seconds) < 1e-6
        first = np.where(way.backward, graph.head[way.edge], graph.tail[way.edge])
        last = np.where(way.backward, graph.tail[way.edge], graph.head[way.edge])
        assert np.array_equal(first, way.node[:-1])
        assert np.array_equal(last, way.node[1:])
        assert np.isin(graph.owner[way.edge], [0, owner]).all()


def test_nodes_equal_scipy_to_the_last_bit():
    rng = np.random.default_rng(5)
    n = 300
    # whole ticks, so that scipy sees the same numbers
    cost = np.round(rng.uniform(0, 50, (n, n)) * 2**16) / 2**16
    tail, head = np.nonzero(rng.random((n, n)) < 0.012)
    sparse = csr_array((cost[tail, head], (tail, head)), shape=(n, n))
    expected = dijkstra(sparse, limit=200)
    graph = build_graph(n, tail, head, cost[tail, head])
    every = Ends.at_nodes(np.arange(n))
    origin, destination, seconds = pairs(graph, every, every, limit_s=200)
    found = np.full((n, n), np.inf)
    found[origin, destination] = seconds
    assert np.array_equal(found, expected)


def grid(side: int, spacing_s: float) -> SearchGraph:
    node = np.arange(side * side).reshape(side, side)
    tail = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    head = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    seconds = np.full(len(tail), spacing_s)
    return build_graph(side * side, tail, head, seconds, back_seconds=seconds)


@pytest.mark.parametrize(
    ("spacing", "limit", "nodes", "street"),
    [(100, 400, 41, 6400), (100, 450, 41, 8200), (100, 800, 145, 25600), (120, 1000, 145, 33440)],
)
def test_ball_of_a_square_grid(spacing, limit, nodes, street):
    # nodes reached 2k(k+1) + 1, street reached s (4k^2 + f (8k + 4)), budget (k + f) s
    graph = grid(23, spacing)
    offsets, node, seconds = balls(graph, Ends.at_nodes([11 * 23 + 11]), limit_s=limit)
    assert np.diff(offsets).tolist() == [nodes]
    left = np.full(graph.n_nodes, -1.0)
    left[node] = limit - seconds
    reach = np.maximum(np.minimum(np.stack([left[graph.tail], left[graph.head]]), spacing), 0)
    assert np.minimum(reach.sum(axis=0), spacing).sum() == street


def test_limits_are_inclusive_where_sums_are_not_exact():
    # 27 edges of 100 / 3 s are 900 s, although their floating-point sum is not
    count = 27
    graph = build_graph(count + 1, np.arange(count), np.arange(1, count + 1), [100 / 3] * count)
    ends = Ends.at_nodes([0]), Ends.at_nodes([count])
    assert pairs(graph, *ends, limit_s=900)[2].tolist() == [900.0]
    assert pairs(graph, *ends, limit_s=899.9999)[2].tolist() == []


def test_one_edge_is_a_network():
    # 100 s there and 60 s back; points at 20 % and 90 %
    graph = build_graph(2, [0], [1], [100.0], back_seconds=[60.0])
    near, far = Ends.on_edges([0], [0.2]), Ends.on_edges([0], [0.9])
    assert pairs(graph, near, far, limit_s=np.inf)[2].tolist() == [70.0]
    assert pairs(graph, far, near, limit_s=np.inf)[2].tolist() == [42.0]
    assert pairs(graph, near, near, limit_s=0)[2].tolist() == [0.0]
    assert pairs(graph, near, far, limit_s=0)[2].tolist() == []
    assert nearest(graph, far, near, k=2)[1].ravel().tolist()[0] == 42.0
    assert counts(graph, near, far, limits_s=[], weights=[1.0])[0].shape == (1, 0)
    assert balls(graph, near, limit_s=20)[1].tolist() == [0]


def test_a_dead_end_may_be_a_way_through_for_others():
    # from 1 all ways lead back to 0, but a one-way street leads there from 2: 2 -> 1 -> 0 is 15 s
    graph = build_graph(
        3, [0, 2, 0], [1, 1, 2], [10.0, 5.0, 50.0], back_seconds=[10.0, np.inf, 50.0]
    )
    node = Ends.at_nodes([0, 1, 2])
    found = np.full((3, 3), np.nan)
    origin, destination, seconds = pairs(graph, node, node, limit_s=100)
    found[origin, destination] = seconds
    assert found.tolist() == [[0.0, 10.0, 50.0], [10.0, 0.0, 60.0], [15.0, 5.0, 0.0]]
    assert nearest(graph, node, Ends.at_nodes([0]), k=2)[1][:, 0].tolist() == [0.0, 10.0, 15.0]
    assert nearest(graph, node, Ends.at_nodes([0]))[1].ravel().tolist() == [0.0, 10.0, 15.0]


def test_equal_times_come_in_the_order_of_destinations():
    graph = grid(5, 60.0)
    row, seconds = nearest(graph, Ends.at_nodes([12]), Ends.at_nodes([17, 13, 7, 11]), k=3)
    assert row.tolist() == [[0, 1, 2]]
    assert seconds.tolist() == [[60.0, 60.0, 60.0]]


def test_nearest_nodes_is_nearest_from_every_node():
    town = random_town(3)
    every = Ends.at_nodes(np.arange(town.graph.n_nodes))
    for k in (1, 3):
        found = nearest_nodes(town.graph, town.destinations, k=k, limit_s=100)
        expected = nearest(town.graph, every, town.destinations, k=k, limit_s=100)
        assert np.array_equal(found[0], expected[0])
        assert np.array_equal(found[1], expected[1], equal_nan=True)


def test_results_do_not_depend_on_what_else_is_asked():
    town = random_town(8)
    alone = [
        pairs(
            town.graph, town.origins.take([row]), town.destinations,
            limit_s=90, allowed=town.allowed[[row]],
        )
        for row in range(len(town.origins))
    ]  # fmt: skip
    together = pairs(town.graph, town.origins, town.destinations, limit_s=90, allowed=town.allowed)
    assert np.array_equal(np.concatenate([part[2] for part in alone]), together[2])
    assert np.array_equal(np.concatenate([part[1] for part in alone]), together[1])


def test_empty_inputs_have_empty_answers():
    graph = build_graph(3, [], [], [])
    none, some = Ends.at_nodes([]), Ends.at_nodes([0, 2, -1])
    assert [len(part) for part in pairs(graph, none, some, limit_s=10)] == [0, 0, 0]
    assert [len(part) for part in pairs(graph, some, none, limit_s=10)] == [0, 0, 0]
    assert pairs(graph, some, some, limit_s=0)[2].tolist() == [0.0, 0.0]
    assert nearest(graph, some, none, k=2)[0].tolist() == [[-1, -1]] * 3
    assert nearest_nodes(graph, some)[0].ravel().tolist() == [0, -1, 1]
    assert balls(graph, some, limit_s=5)[0].tolist() == [0, 1, 2, 2]
    count, weight = counts(graph, some, none, limits_s=[5.0], weights=[])
    assert count.tolist() == weight.tolist() == [[0]] * 3
    assert np.isnan(path(graph, Ends.at_nodes([0]), Ends.at_nodes([2])).seconds)
    nowhere = build_graph(0, [], [], [])
    assert nearest_nodes(nowhere, none)[0].shape == (0, 1)


def test_private_edges_are_for_their_owner():
    # home 0 -- gate of owner 7 (10 s) -- 1 shop; the public way round takes 50 s
    graph = build_graph(
        3, [0, 0, 2], [1, 2, 1], [10.0, 25.0, 25.0], back_seconds=[10.0, 25.0, 25.0],
        owner=[7, 0, 0],
    )  # fmt: skip
    home, shop = Ends.at_nodes([0, 0, 0]), Ends.at_nodes([1])
    found = pairs(graph, home, shop, limit_s=100, allowed=[0, 7, 3])
    assert found[2].tolist() == [50.0, 10.0, 50.0]
    # a shop on the private edge is there for its people alone
    inside = Ends.on_edges([0], [0.5])
    found = pairs(graph, home, inside, limit_s=100, allowed=[0, 7, 3])
    assert (found[0].tolist(), found[2].tolist()) == ([1], [5.0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seconds": [1.0, np.nan]}, r"1 of seconds cannot be used, the first is nan \(row 1\)"),
        ({"seconds": [-2.0, -1.0]}, r"2 of seconds cannot be used, the first is -2.0 \(row 0\)"),
        ({"head": [1, 9]}, r"1 of head cannot be used, the first is 9 \(row 1\)"),
        ({"tail": [-1, 1]}, "1 of tail"),
        ({"seconds": [1.0]}, r"seconds has shape \(1,\), not \(2,\)"),
        ({"owner": [0, -1]}, "1 of owner"),
        ({"back_seconds": [0.0, np.nan]}, "1 of back_seconds"),
        ({"xy": [[0, 0], [1, np.nan], [2, 2]]}, "xy is not 3 pairs of finite numbers"),
    ],
)
def test_bad_networks_are_refused(change, message):
    given = {"tail": [0, 1], "head": [1, 2], "seconds": [1.0, 2.0], **change}
    with pytest.raises(OptionError, match=message):
        build_graph(3, given.pop("tail"), given.pop("head"), given.pop("seconds"), **given)


@pytest.mark.parametrize(
    ("ends", "message"),
    [
        (Ends.at_nodes([0, 5]), r"destinations do not fit .* 1 of node .* 5 \(row 1\)"),
        (Ends.on_edges([2], [0.5]), "1 of edge"),
        (Ends.on_edges([1, 1], [0.5, 1.5]), "1 of along"),
        (Ends.on_edges([1], [np.nan]), "1 of along"),
        (Ends.at_nodes([0], extra_s=[-1.0]), "1 of extra_s"),
        (Ends.at_nodes([0], extra_s=[np.inf]), "1 of extra_s"),
    ],
)
def test_bad_points_are_refused(ends, message):
    graph = build_graph(3, [0, 1], [1, 2], [1.0, 1.0])
    with pytest.raises(OptionError, match=message):
        pairs(graph, Ends.at_nodes([0]), ends, limit_s=10)


def test_bad_options_are_refused():
    graph = build_graph(3, [0, 1], [1, 2], [1.0, 1.0])
    ends = Ends.at_nodes([0, 1])
    for limit in (-1.0, np.nan):
        with pytest.raises(OptionError, match="limit_s is"):
            pairs(graph, ends, ends, limit_s=limit)
        with pytest.raises(OptionError, match="limit_s is"):
            path(graph, ends.take([0]), ends.take([1]), limit_s=limit)
    with pytest.raises(OptionError, match="k is 0"):
        nearest(graph, ends, ends, k=0)
    with pytest.raises(OptionError, match="allowed has shape"):
        pairs(graph, ends, ends, limit_s=1, allowed=[1])
    with pytest.raises(OptionError, match=r"weights have shape \(1,\), 2 points"):
        counts(graph, ends, ends, limits_s=[1.0], weights=[1.0])
    with pytest.raises(OptionError, match=r"1 of weights cannot be used, the first is nan \(row 1"):
        counts(graph, ends, ends, limits_s=[1.0], weights=[1.0, np.nan])
    with pytest.raises(OptionError, match="per is 'home'"):
        counts(graph, ends, ends, limits_s=[1.0], weights=[1.0, 1.0], per="home")
    with pytest.raises(OptionError, match="one origin and one destination"):
        path(graph, ends, ends)
