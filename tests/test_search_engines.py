"""Both engines give the same answers to the last bit, however they are run."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from communityplan._search import Ends, ask, build_graph, engine, jobs
from communityplan._search.ask import check_room
from communityplan.errors import OptionError, TooLargeError

compiled = pytest.importorskip("communityplan._search.compiled", reason="numba is not installed")
plain = import_module("communityplan._search.plain")
core = import_module("communityplan._search.core")
closest = import_module("communityplan._search.closest")


def chain_town(seed, *, side=6, longest=7):
    """A grid whose edges are chains of short pieces, with dead ends, rings and private parts."""
    rng = np.random.default_rng(seed)
    node = np.arange(side * side).reshape(side, side)
    pairs = [*zip(node[:, :-1].ravel(), node[:, 1:].ravel(), strict=True)]
    pairs += [*zip(node[:-1].ravel(), node[1:].ravel(), strict=True)]
    pairs = [pair for pair in pairs if rng.random() < 0.85]
    # lollipops: a chain from a node back to itself, and chains that end nowhere
    pairs += [(3, 3), (7, 7), (5, -1), (11, -1)]
    tail, head, count = [], [], side * side
    for one, other in pairs:
        pieces = int(rng.integers(1, longest)) + (2 if one == other else 0)
        stops = [one, *range(count, count + pieces - 1), other]
        count += pieces - 1
        if other == -1:
            stops[-1] = count
            count += 1
        tail += stops[:-1]
        head += stops[1:]
    # rings that touch nothing
    for size in (3, 8):
        ring = np.arange(count, count + size)
        count += size
        tail += ring.tolist()
        head += np.roll(ring, 1).tolist()
    tail, head = np.array(tail), np.array(head)
    turn = rng.random(len(tail)) < 0.5
    tail, head = np.where(turn, head, tail), np.where(turn, tail, head)
    forward, backward = rng.uniform(0, 30, len(tail)), rng.uniform(0, 30, len(tail))
    backward[rng.random(len(tail)) < 0.02] = np.inf
    forward[rng.random(len(tail)) < 0.02] = 0
    owner = np.where(rng.random(len(tail)) < 0.03, rng.integers(1, 3, len(tail)), 0)
    shuffle = rng.permutation(count)
    return build_graph(
        count, shuffle[tail], shuffle[head], forward, back_seconds=backward, owner=owner,
        xy=rng.uniform(0, 1000, (count, 2)),
    )  # fmt: skip


def points(rng, graph, count):
    edge = rng.integers(0, graph.n_edges, count)
    edge[: count // 2] = rng.integers(0, 12, count // 2)
    along = np.where(rng.random(count) < 0.2, rng.integers(0, 2, count), rng.random(count))
    node = np.where(rng.random(count) < 0.3, rng.integers(0, graph.n_nodes, count), -1)
    edge[node >= 0] = -1
    edge[-1] = node[-1] = -1
    return Ends(edge, np.where(edge >= 0, along, 0), node, rng.uniform(0, 9, count))


def every_answer(graph, origins, destinations, allowed, *, threads=1, limit=70.0):
    """All jobs, as one flat list of arrays."""
    options = {"allowed": allowed, "threads": threads}
    answers = [*jobs.pairs(graph, origins, destinations, limit_s=limit, **options)]
    for k in (1, 2, 5):
        answers += jobs.nearest(graph, origins, destinations, k=k, limit_s=limit, **options)
        answers += jobs.nearest(graph, origins, destinations, k=k, **options)
        answers += jobs.nearest_nodes(graph, destinations, k=k, limit_s=limit, threads=threads)
    for per, other in (("origin", destinations), ("destination", origins)):
        answers += jobs.counts(
            graph, origins, destinations, limits_s=[limit / 2, limit, 0.0, limit / 3],
            weights=np.linspace(0.1, 9.7, len(other)), per=per, **options,
        )  # fmt: skip
    for reverse in (False, True):
        answers += jobs.balls(graph, origins, limit_s=limit, reverse=reverse, **options)
    return answers


def use(monkeypatch, module):
    monkeypatch.setattr(jobs, "answer", lambda _, question: question(module))


def same(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("fewer", ["origins", "destinations"])
def test_engines_agree_to_the_last_bit(seed, fewer, monkeypatch):
    rng = np.random.default_rng(seed)
    graph = chain_town(seed)
    n_origins, n_destinations = (12, 60) if fewer == "origins" else (60, 12)
    origins, destinations = points(rng, graph, n_origins), points(rng, graph, n_destinations)
    allowed = rng.integers(0, 3, n_origins)
    use(monkeypatch, plain)
    expected = every_answer(graph, origins, destinations, allowed)
    use(monkeypatch, compiled)
    same(every_answer(graph, origins, destinations, allowed), expected)


@pytest.mark.parametrize("seed", range(4))
def test_answers_do_not_depend_on_threads_or_room(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    graph = chain_town(seed, side=12)
    origins, destinations = points(rng, graph, 150), points(rng, graph, 120)
    allowed = rng.integers(0, 2, 150)
    use(monkeypatch, compiled)
    expected = every_answer(graph, origins, destinations, allowed)
    sweeps = import_module("communityplan._search.sweeps")
    monkeypatch.setattr(sweeps, "LEAST_CHUNK", 3)
    monkeypatch.setattr(closest, "LEAST_PART", 10)
    monkeypatch.setattr(compiled, "MANY_PAIRS", 10)
    for threads in (2, 3, 7):
        same(every_answer(graph, origins, destinations, allowed, threads=threads), expected)
    # few destinations at a time, by several threads whose labels meet
    monkeypatch.setattr(closest, "MANY_LABELS", 0)
    monkeypatch.setattr(closest, "FEW_SEEDS", 1)
    same(every_answer(graph, origins, destinations, allowed), expected)
    monkeypatch.setattr(closest, "_batch", lambda *_: closest.FEW_SEEDS)
    for threads in (1, 4):
        same(every_answer(graph, origins, destinations, allowed, threads=threads), expected)
    # only the surroundings of touched nodes are looked at
    monkeypatch.setattr(closest, "FEW_TOUCHED", 0)
    for threads in (1, 4):
        same(every_answer(graph, origins, destinations, allowed, threads=threads), expected)
    # room for less than the pairs of one search: every search is done twice
    monkeypatch.setattr(compiled, "FIRST_ROOM", 1)
    monkeypatch.setattr(compiled, "BLOCK", 1)
    for threads in (1, 4):
        same(every_answer(graph, origins, destinations, allowed, threads=threads), expected)
    # times and rows that do not fit into one number
    monkeypatch.setattr(compiled, "MOST_BITS", 0)
    same(every_answer(graph, origins, destinations, allowed), expected)


@pytest.mark.parametrize("unit", [1e-4, 1.0, 10.0])
def test_costs_of_very_different_sizes(unit, monkeypatch):
    # edges longer than all buckets together, and thousands of edges in one bucket
    rng = np.random.default_rng(7)
    n, m = 150, 500
    seconds = unit * 10 ** rng.uniform(-2, 4, m)
    tail, head = rng.integers(0, n, m), rng.integers(0, n, m)
    graph = build_graph(n, tail, head, seconds, back_seconds=seconds)
    ends = Ends.at_nodes(np.arange(n)), Ends.at_nodes(rng.integers(0, n, 40))
    nobody = np.zeros(n, dtype=int)
    use(monkeypatch, plain)
    expected = every_answer(graph, *ends, nobody, limit=3000 * unit)
    use(monkeypatch, compiled)
    same(every_answer(graph, *ends, nobody, limit=3000 * unit), expected)


@pytest.mark.parametrize(
    ("tail", "head", "stay"),
    [
        ([0, 1, 2, 3], [1, 2, 3, 4], 2),  # a line keeps its two ends
        ([0, 1, 2], [1, 2, 0], 1),  # a ring keeps one node
        ([0, 0], [1, 1], 2),  # two edges side by side are not a chain
        ([0, 1, 2, 0], [1, 2, 0, 3], 2),  # a ring on a stalk: its knot and the far end
        ([0, 1, 1], [1, 2, 1], 3),  # a self-loop keeps its node
    ],
)
def test_chains_are_contracted(tail, head, stay):
    cost = np.ones(len(tail))
    n = max(tail + head) + 1
    assert core.core_of(build_graph(n, tail, head, cost, back_seconds=cost)).n_nodes == stay


@pytest.mark.parametrize("change", ["one-way", "private", "closed"])
def test_only_plain_edges_are_contracted(change):
    forward, backward, owner = np.ones(4), np.ones(4), np.zeros(4, dtype=int)
    if change == "private":
        owner[1] = 1
    else:
        backward[1] = np.inf
        forward[1] = np.inf if change == "closed" else 1.0
    graph = build_graph(5, range(4), range(1, 5), forward, back_seconds=backward, owner=owner)
    # both nodes of the second edge stay
    assert core.core_of(graph).n_nodes == 4


@pytest.mark.parametrize("seed", range(6))
def test_dead_ends_are_heads_with_one_way_out(seed):
    rng = np.random.default_rng(seed)
    n, m = 30, 45
    forward, backward = rng.uniform(1, 9, (2, m))
    backward[rng.random(m) < 0.4] = np.inf
    owner = np.where(rng.random(m) < 0.1, 1, 0)
    graph = build_graph(
        n, rng.integers(0, n, m), rng.integers(0, n, m), forward,
        back_seconds=backward, owner=owner,
    )  # fmt: skip
    roads = core.core_of(graph).roads
    heads = [
        roads.head[first:last] & ~core.DEAD_END
        for first, last in zip(roads.first[:-1], roads.first[1:], strict=True)
    ]
    for node, there in enumerate(heads):
        marked = roads.head[roads.first[node] : roads.first[node + 1]] >= core.DEAD_END
        private = np.diff(roads.own_first)[there] > 0
        expected = [heads[head].tolist() == [node] for head in there]
        assert marked.tolist() == (np.array(expected, dtype=bool) & ~private).tolist()


def test_neighbours_on_a_hilbert_curve_are_neighbours():
    x, y = np.meshgrid(np.arange(16), np.arange(16))
    xy = np.column_stack([x.ravel(), y.ravel()]).astype(float)
    order = xy[np.argsort(core._hilbert(xy))]
    assert np.abs(np.diff(order, axis=0)).sum(axis=1).max() == 1


def asked(count, *, limit=10.0, side=60):
    cost = np.full(2 * side * side, 5.0)
    node = np.arange(side * side)
    tail, head = np.concatenate([node, node]), np.concatenate([node + 1, node + side])
    graph = build_graph(side * side, tail % side**2, head % side**2, cost, back_seconds=cost)
    ends = Ends.at_nodes(np.zeros(count, dtype=int))
    return ask.Ask(graph, ends, ends, np.zeros(count, dtype=int), limit, 1)


def used(question):
    return engine.answer(question, lambda module: module)


@pytest.fixture
def _fresh(monkeypatch):
    monkeypatch.setattr(engine, "_state", engine._State())
    monkeypatch.setattr(engine, "_price_s", lambda: 8.0)


@pytest.mark.usefixtures("_fresh")
def test_compiling_is_put_off_until_it_pays():
    # 3,600 nodes: 2,000 searches take 0.1 s where they reach nothing, 3 s where they reach all
    assert used(asked(1)) is plain
    assert used(asked(1000)) is plain
    assert used(asked(10_000)) is plain
    assert used(asked(10_000, limit=1e4)) is compiled
    # what is there is used
    assert used(asked(1)) is compiled


@pytest.mark.usefixtures("_fresh")
def test_a_very_large_job_is_not_tried_out():
    question = asked(100_000)
    assert used(question) is compiled
    assert not question.graph.cache


@pytest.mark.usefixtures("_fresh")
def test_time_that_scipy_has_taken_counts(monkeypatch):
    now = iter(np.arange(0.0, 1000.0, 1.5))
    monkeypatch.setattr(engine.time, "perf_counter", lambda: next(now))
    modules = [used(asked(1)) for _ in range(10)]
    # 6 times 1.5 s exceed 8 s
    assert modules == [plain] * 6 + [compiled] * 4


@pytest.mark.usefixtures("_fresh")
def test_scipy_answers_where_numba_does_not_run(monkeypatch):
    monkeypatch.setitem(sys.modules, "communityplan._search.compiled", None)
    monkeypatch.delattr("communityplan._search.compiled")
    assert used(asked(100_000)) is plain


def test_the_price_of_compiling(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert engine._price_s() == engine.COMPILING_S
    folder = tmp_path / "_search_0123"
    folder.mkdir()
    (folder / "kernels.sweep_all-1.py311.nbi").touch()
    assert engine._price_s() == engine.LOADING_S
    monkeypatch.setattr(engine, "find_spec", lambda _: None)
    assert engine._price_s() == np.inf


def test_numba_is_not_loaded_before_it_is_needed():
    code = (
        "import sys, communityplan._search as s\n"
        "graph = s.build_graph(2, [0], [1], [5.0])\n"
        "s.pairs(graph, s.Ends.at_nodes([0]), s.Ends.at_nodes([1]), limit_s=9)\n"
        "sys.exit('numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_stale_code_is_dropped(monkeypatch, tmp_path):
    stale, fresh = tmp_path / "kernels.old.nbi", tmp_path / "lists.new.nbi"
    for file in (stale, fresh):
        file.write_bytes(b".")
    os.utime(stale, (0, 0))

    class Kept:
        class stats:
            cache_path = tmp_path

    monkeypatch.setattr(compiled, "sweep_all", Kept)
    compiled._drop_stale_code()
    assert [path.name for path in tmp_path.iterdir()] == [fresh.name]


def test_code_is_compiled_where_it_cannot_be_kept(monkeypatch):
    kernels = import_module("communityplan._search.kernels")
    real = kernels._njit

    def nowhere(**options):
        if "cache" in options:
            raise RuntimeError("cannot cache function: no locator available")
        return real(**options)

    monkeypatch.setattr(kernels, "_njit", nowhere)
    twice = kernels.kernel(lambda number: number + number)
    assert twice(21) == 42
    monkeypatch.setattr(compiled, "sweep_all", twice)
    compiled._drop_stale_code()


def test_too_many_pairs_are_refused(monkeypatch):
    graph = chain_town(1, side=10)
    ends = Ends.at_nodes(np.arange(graph.n_nodes))
    for module in (plain, compiled):
        use(monkeypatch, module)
        monkeypatch.setattr(module, "room_for_pairs", lambda: 1000)
        monkeypatch.setattr(compiled, "FEW_PAIRS", 10)
        monkeypatch.setattr(import_module("communityplan._search.dense"), "MOST_CELLS", 20_000)
        with pytest.raises(TooLargeError, match=r"pairs lie within the limit.*Ask for counts"):
            jobs.pairs(graph, ends, ends, limit_s=200.0, threads=2)


def test_room_is_what_is_left_of_memory(tmp_path, monkeypatch):
    info = tmp_path / "meminfo"
    info.write_text("MemTotal: 9 kB\nMemAvailable:   64 kB\n")
    monkeypatch.setattr(ask, "MEMORY_INFO", info)
    assert ask.room_for_pairs() == 1024
    monkeypatch.setattr(ask, "MEMORY_INFO", Path("/no/such/file"))
    assert ask.room_for_pairs() > 10_000_000
    check_room(5, 0.5, 5)
    with pytest.raises(TooLargeError, match="about 12 pairs"):
        check_room(6, 0.5, 5)


def test_threads_have_to_be_one_or_more():
    graph = build_graph(2, [0], [1], [1.0])
    ends = Ends.at_nodes([0])
    with pytest.raises(OptionError, match="threads is 0"):
        jobs.pairs(graph, ends, ends, limit_s=1, threads=0)


def test_kept_code_that_breaks_off_is_dropped(tmp_path):
    from communityplan._search.kept import drop_damaged_code

    whole, broken, other = (tmp_path / name for name in ("a.nbi", "b.1.nbd", "c.txt"))
    whole.write_bytes(b"(lp0\n.")
    broken.write_bytes(b"(lp0\n")
    other.write_bytes(b"x")
    drop_damaged_code(str(tmp_path))
    drop_damaged_code(None)
    assert sorted(tmp_path.iterdir()) == [whole, other]


def test_a_half_written_cache_ends_nothing(tmp_path):
    # in processes of their own: numba reads its cache once
    script = (
        "import numpy as np, geopandas as gpd, shapely, communityplan as cp\n"
        "from communityplan._search import engine\n"
        "engine.LOADING_S = engine.COMPILING_S = -1.0\n"
        "s = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (300, 0)])], crs=32650)\n"
        "p = gpd.GeoDataFrame({'home_id': ['a'], 'community_id': ['c'], 'residents': [1]},\n"
        "    geometry=[shapely.Point(10, 0)], crs=32650)\n"
        "f = gpd.GeoDataFrame({'facility_id': ['f'], 'service': ['market']},\n"
        "    geometry=[shapely.Point(90, 0)], crs=32650)\n"
        "n = cp.WalkNetwork.from_streets(s)\n"
        "print(cp.nearest(n, p, f, walker='adult', within_min=9)['walk_min'].round(9).tolist())\n"
        "print(engine._state.compiled is not None)\n"
    )
    places = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    said = []
    for _ in range(2):
        ran = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, env=places, check=True
        )
        said.append(ran.stdout)
        for file in tmp_path.rglob("*.nb[id]"):
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert said[0] == said[1]
    assert said[0].splitlines()[1] == "True"
