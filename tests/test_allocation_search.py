"""How the models are solved: bounds that hold, optima that are proven, stops that keep the best."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.sparse.csgraph import dijkstra

from communityplan.allocation import (
    _exact,
    maximal_covering,
    p_center,
    p_median,
    set_covering,
)
from communityplan.allocation._bound import Effort, Part, raise_bound, settle
from communityplan.allocation._build import Builder
from communityplan.allocation._cover import cover_all, cover_greedily
from communityplan.allocation._exact import bound_only, place
from communityplan.allocation._highs import Clock, relax, solve
from communityplan.allocation._levels import as_levels, as_model
from communityplan.allocation._placing import (
    Placing,
    add_greedily,
    improve,
    nearest_two,
    total_cost,
)

LIEGE = Path(__file__).parents[2] / "shared" / "data" / "liege" / "liege_fua_streets.parquet"
NO_LIMIT = Clock(np.inf)


def random_placing(seed, *, is_whole=False, n_required=0):
    generator = np.random.default_rng(seed)
    sites, rows = int(generator.integers(4, 10)), int(generator.integers(3, 30))
    cost = generator.random((sites, rows)) * 50
    outside = generator.random(rows) * 60
    if is_whole:
        cost, outside = np.rint(cost), np.rint(outside)
    site, row = np.nonzero(cost < outside)
    n_open = int(generator.integers(max(n_required, 1), sites))
    required = np.sort(generator.choice(sites, n_required, replace=False))
    return Placing(sites, n_open, required, site, row, cost[site, row], outside)


def every_cost(placing):
    """Cost of every set of sites, by a second implementation."""
    table = np.tile(placing.outside, (placing.n_sites, 1))
    table[placing.site, placing.row] = placing.cost
    for chosen in itertools.combinations(range(placing.n_sites), placing.n_open):
        if set(placing.required.tolist()) <= set(chosen):
            yield chosen, table[list(chosen)].min(axis=0).sum()


def random_graph(n_nodes, seed):
    """Shortest paths in a random graph with n^2 / 50 edges of length 1 to 100."""
    generator = np.random.default_rng(seed)
    order = generator.permutation(n_nodes)
    extra = generator.integers(0, n_nodes, (n_nodes * n_nodes // 50 - n_nodes + 1, 2))
    ends = np.vstack([np.column_stack([order[:-1], order[1:]]), extra])
    ends = np.unique(np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1), axis=0)
    length = generator.integers(1, 101, len(ends)).astype(float)
    graph = sp.coo_matrix((length, (ends[:, 0], ends[:, 1])), shape=(n_nodes, n_nodes))
    return dijkstra(graph.tocsr(), directed=False)


def graph_walks(distance):
    count = len(distance)
    names = [f"v{at:03d}" for at in range(count)]
    walks = pd.DataFrame(
        {
            "from_id": np.tile(names, count),
            "to_id": np.repeat(names, count),
            "walk_min": distance.ravel(),
        }
    )
    return walks, pd.Series(1, index=names)


@pytest.mark.parametrize("seed", range(40))
def test_place_equals_trying_every_set(seed):
    placing = random_placing(seed, is_whole=seed % 2 == 0, n_required=seed % 3 % 2)
    best = min(cost for _, cost in every_cost(placing))
    found = place(placing, NO_LIMIT, add_greedily(placing))
    assert found.cost == pytest.approx(best)
    assert found.bound == pytest.approx(found.cost)
    assert set(placing.required) <= set(found.sites)
    greedy = bound_only(placing, NO_LIMIT, add_greedily(placing))
    assert greedy.bound <= best + 1e-9
    assert best <= greedy.cost + 1e-9


@pytest.mark.parametrize("seed", range(10))
def test_any_prices_give_a_bound_and_settle_no_better_solution_away(seed):
    placing = random_placing(seed)
    costs = dict(every_cost(placing))
    best = min(costs.values())
    part = Part(
        np.arange(placing.n_sites),
        placing.n_open,
        placing.site,
        placing.row,
        placing.cost,
        placing.outside,
    )
    target = float(np.median(list(costs.values())))
    for stride in (0.0, 0.05, 1.0):
        effort = Effort(steps=40, stride=stride, patience=5)
        found = raise_bound(part, placing.outside * 0.6, target, effort, NO_LIMIT)
        assert found.bound <= best + 1e-9
        shut, opened = settle(found.gain, placing.n_open, found.bound, target)
        for chosen, cost in costs.items():
            if cost < target - 1e-9:
                for flags in (shut, found.shut):
                    assert not flags[list(chosen)].any()
                for flags in (opened, found.opened):
                    assert flags[list(chosen)].sum() == flags.sum()


@pytest.mark.parametrize("seed", range(10))
def test_levels_cost_what_the_sites_cost(seed):
    placing = random_placing(seed)
    part = Part(
        np.arange(placing.n_sites),
        placing.n_open,
        placing.site,
        placing.row,
        placing.cost,
        placing.outside,
    )
    levels = as_levels(part, np.full(len(placing.outside), np.inf))
    for chosen, cost in every_cost(placing):
        is_open = np.zeros(placing.n_sites)
        is_open[list(chosen)] = 1.0
        tolls = levels.toll[levels.member @ is_open < 0.5].sum()
        assert levels.fixed + tolls == pytest.approx(cost)
    solved = solve(as_model(levels, placing.n_open), NO_LIMIT)
    best = min(cost for _, cost in every_cost(placing))
    assert solved.objective + levels.fixed == pytest.approx(best)


@pytest.mark.parametrize("seed", range(10))
def test_no_swap_is_left(seed):
    placing = random_placing(seed, n_required=1)
    costs = dict(every_cost(placing))
    sites, cost = improve(placing, add_greedily(placing))
    assert costs[tuple(sites)] == pytest.approx(cost)
    for chosen, other in costs.items():
        if len(set(chosen) - set(sites.tolist())) == 1:
            assert other >= cost - 1e-9


def test_nearest_two_by_hand():
    site, row = np.array([0, 0, 1, 2]), np.array([0, 1, 0, 1])
    placing = Placing(3, 2, np.empty(0, int), site, row, np.array([3.0, 5, 4, 2]), np.full(3, 9.0))
    owner, first, second = nearest_two(placing, np.array([0, 2]), placing.indptr())
    assert owner.tolist() == [0, 1, 2]
    assert first.tolist() == [3.0, 2.0, 9.0]
    assert second.tolist() == [9.0, 5.0, 9.0]
    assert total_cost(placing, np.array([0, 2]), placing.indptr()) == 14.0


def test_lazy_greedy_opens_what_a_plain_one_opens():
    for seed in range(20):
        placing = random_placing(seed, is_whole=True)
        table = np.tile(placing.outside, (placing.n_sites, 1))
        table[placing.site, placing.row] = placing.cost
        cheapest, chosen = placing.outside, []
        while len(chosen) < placing.n_open:
            totals = np.minimum(table, cheapest).sum(axis=1)
            totals[chosen] = np.inf
            chosen.append(int(np.argmin(totals)))
            cheapest = np.minimum(cheapest, table[chosen[-1]])
        assert add_greedily(placing).tolist() == sorted(chosen)


def test_covers_are_the_smallest_and_row_by_row_the_same(monkeypatch):
    generator = np.random.default_rng(4)
    member = sp.csr_matrix((generator.random((120, 12)) < 0.25).astype(float))
    member = member[np.diff(member.indptr) > 0]
    rows = member.toarray() > 0
    fewest = next(
        count
        for count in range(1, 13)
        if any(rows[:, list(c)].any(axis=1).all() for c in itertools.combinations(range(12), count))
    )
    nothing = np.empty(0, dtype=np.int64)
    whole = cover_all(member, nothing, NO_LIMIT)
    monkeypatch.setattr("communityplan.allocation._cover.FIRST_ROWS", 3)
    by_rows = cover_all(member, nothing, NO_LIMIT)
    assert len(whole.sites) == whole.bound == len(by_rows.sites) == by_rows.bound == fewest
    assert len(cover_greedily(member, nothing)) >= fewest
    stopped = cover_all(member, nothing, Clock(0.0))
    assert stopped.bound <= fewest <= len(stopped.sites)


@pytest.mark.parametrize(("n_nodes", "n_sites"), [(60, 5), (60, 20), (100, 10), (100, 33)])
def test_p_median_of_graphs_equals_the_plain_model(n_nodes, n_sites):
    distance = random_graph(n_nodes, n_nodes + n_sites)
    walks, people = graph_walks(distance)
    choice = p_median(walks, people, n_sites=n_sites)
    assert choice.is_proven
    assert choice.objective == pytest.approx(plain_p_median(distance, n_sites))


def plain_p_median(distance, n_sites):
    """The textbook model, solved by HiGHS alone."""
    builder, count = Builder(), len(distance)
    opens = builder.add_columns(count, upper=1.0, is_integer=True)
    goes = builder.add_columns(count * count, cost=distance.ravel(), upper=1.0)
    order = np.arange(count * count)
    builder.add_rows(count, [(order // count, goes, 1.0)], lower=1.0, upper=1.0)
    builder.add_rows(
        count * count, [(order, goes, 1.0), (order, opens[order % count], -1.0)], upper=0.0
    )
    builder.add_rows(1, [(0, opens, 1.0)], lower=n_sites, upper=n_sites)
    return solve(builder.model(), NO_LIMIT).objective


@pytest.mark.parametrize("n_sites", [5, 10, 20, 40, 67])
def test_p_median_of_200_vertices_is_proven(n_sites):
    walks, people = graph_walks(random_graph(200, n_sites))
    choice = p_median(walks, people, n_sites=n_sites, time_limit_s=60)
    assert choice.is_proven
    assert choice.objective == choice.served["walk_min"].sum()


def test_many_rows_are_sampled_first_and_solved_whole(monkeypatch):
    generator = np.random.default_rng(8)
    home, site = generator.random((400, 2)), generator.random((25, 2))
    distance = np.hypot(*(home[:, None] - site[None]).transpose(2, 0, 1)) * 30
    walks = pd.DataFrame(
        {
            "from_id": np.repeat([f"h{at:03d}" for at in range(400)], 25),
            "to_id": np.tile([f"s{at:02d}" for at in range(25)], 400),
            "walk_min": distance.ravel(),
        }
    )
    people = pd.Series(generator.integers(1, 40, 400), index=walks["from_id"].unique())
    whole = p_median(walks, people, n_sites=6)
    monkeypatch.setattr(_exact, "SAMPLE_ROWS", 50)
    sampled = p_median(walks, people, n_sites=6)
    assert whole.is_proven
    assert sampled.is_proven
    assert sampled.objective == whole.objective
    # a second run gives the same to the last bit
    again = p_median(walks, people, n_sites=6)
    assert again.objective == whole.objective
    pd.testing.assert_frame_equal(again.served, whole.served)


@pytest.mark.parametrize("model", [p_median, p_center])
def test_no_time_still_gives_a_choice_and_an_honest_gap(model):
    distance = random_graph(120, 1)
    walks, people = graph_walks(distance)
    best = model(walks, people, n_sites=8)
    hasty = model(walks, people, n_sites=8, time_limit_s=1e-9)
    assert len(hasty.sites) == 8
    assert hasty.bound <= best.objective <= hasty.objective
    assert hasty.people_covered == 120
    if not hasty.is_proven:
        assert hasty.status.startswith("stopped at the time limit: gap ")
        assert "到达时限" in hasty._repr_html_()


def test_no_time_to_cover():
    walks, people = graph_walks(random_graph(120, 1))
    for choice in (
        set_covering(walks, people, within_min=30, time_limit_s=1e-9),
        maximal_covering(walks, people, n_sites=6, within_min=30, time_limit_s=1e-9),
    ):
        assert 0.0 <= choice.gap <= 1.0
        assert len(choice.sites) >= 6


def test_an_interrupted_search_keeps_the_best(monkeypatch):
    walks, people = graph_walks(random_graph(150, 5))
    best = p_median(walks, people, n_sites=5)
    monkeypatch.setattr(_exact, "MODELS_OF_FEW", {})
    real, calls = _exact.raise_bound, []

    def interrupted(*given):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*given)

    # the root, then a branch, then Ctrl-C
    monkeypatch.setattr(_exact, "raise_bound", interrupted)
    choice = p_median(walks, people, n_sites=5)
    assert choice.is_interrupted
    assert choice.bound <= best.objective <= choice.objective
    assert choice.is_proven or choice.status.startswith("interrupted: gap ")


def test_a_search_that_is_stopped_before_it_has_anything_stops(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(_exact._Search, "prove", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _exact.place(random_placing(3), Clock(60))


def test_an_interrupted_solver_keeps_the_best(monkeypatch):
    import highspy

    real, calls = highspy.Highs.wait, []

    def wait(self, timeout=-1.0):
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return real(self, timeout)

    monkeypatch.setattr(highspy.Highs, "wait", wait)
    walks, people = graph_walks(random_graph(60, 2))
    choice = maximal_covering(walks, people, n_sites=5, within_min=25, capacity=9)
    assert choice.is_interrupted
    assert choice.objective <= choice.bound
    assert len(choice.sites) == 5


def test_relaxation_has_the_duals_of_a_minimum():
    # minimise -3x - 2y with x + y <= 4, x <= 3: the first row is worth 2 a unit
    builder = Builder()
    columns = builder.add_columns(2, cost=[-3.0, -2.0], upper=[3.0, np.inf], is_integer=True)
    builder.add_rows(1, [(0, columns, 1.0)], upper=4.0)
    solved = relax(builder.model(), NO_LIMIT)
    assert solved.objective == pytest.approx(-11.0)
    assert solved.row_duals == pytest.approx([-2.0])


def test_without_highspy_the_error_names_what_to_install(monkeypatch):
    import sys

    from communityplan.errors import MissingLibraryError

    monkeypatch.setitem(sys.modules, "highspy", None)
    walks, people = graph_walks(random_graph(60, 2))
    with pytest.raises(MissingLibraryError, match="pip install highspy"):
        maximal_covering(walks, people, n_sites=5, within_min=25, capacity=9)


@pytest.mark.skipif(not LIEGE.exists(), reason="the street network of Liège is not there")
def test_real_streets_equal_the_plain_model():
    walks, people = liege_walks(n_sites=80, n_homes=3000, within_s=900.0)
    choice = maximal_covering(walks, people, n_sites=10, within_min=15)
    assert choice.is_proven
    assert choice.objective == pytest.approx(plain_maximal_covering(walks, people, 10))
    cover = set_covering(walks, people, within_min=15)
    assert cover.is_proven
    assert cover.people_covered == people[walks["from_id"].unique()].sum()


def liege_walks(*, n_sites, n_homes, within_s):
    import geopandas as gpd
    import shapely

    lines = gpd.read_parquet(LIEGE).geometry.to_numpy()
    points, line = shapely.get_coordinates(lines, return_index=True)
    nodes, node = np.unique(points.round(3), axis=0, return_inverse=True)
    node = node.ravel()
    follows = line[1:] == line[:-1]
    start, end = node[:-1][follows], node[1:][follows]
    seconds = np.hypot(*(nodes[start] - nodes[end]).T) / (4.8 / 3.6)
    is_edge = seconds > 0
    graph = sp.coo_matrix(
        (seconds[is_edge], (start[is_edge], end[is_edge])), shape=(len(nodes),) * 2
    )
    generator = np.random.default_rng(0)
    homes = generator.choice(len(nodes), n_homes, replace=False)
    sites = generator.choice(len(nodes), n_sites, replace=False)
    found = dijkstra(graph.tocsr(), directed=False, indices=sites, limit=within_s)[:, homes]
    site, home = np.nonzero(np.isfinite(found))
    names = np.array([f"h{at:04d}" for at in range(n_homes)])
    walks = pd.DataFrame(
        {
            "from_id": names[home],
            "to_id": [f"s{at:02d}" for at in site],
            "walk_min": found[site, home] / 60,
        }
    )
    return walks, pd.Series(generator.integers(1, 40, n_homes), index=names)


def plain_maximal_covering(walks, people, n_sites):
    """The textbook model without merging, solved by HiGHS alone."""
    homes, home = np.unique(walks["from_id"], return_inverse=True)
    sites, site = np.unique(walks["to_id"], return_inverse=True)
    builder = Builder()
    opens = builder.add_columns(len(sites), upper=1.0, is_integer=True)
    served = builder.add_columns(len(homes), cost=-people[homes].to_numpy(), upper=1.0)
    builder.add_rows(
        len(homes),
        [(np.arange(len(homes)), served, 1.0), (home, opens[site], -1.0)],
        upper=0.0,
    )
    builder.add_rows(1, [(0, opens, 1.0)], upper=n_sites)
    return -solve(builder.model(), NO_LIMIT).objective
