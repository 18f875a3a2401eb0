"""The compiled engine: what `jobs` asks, as searches from the smaller side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from communityplan._search.ask import Ask, check_room, room_for_pairs
from communityplan._search.core import Core, core_of, core_spots, queue_for
from communityplan._search.ends import END, LINE, OWNER, START, Spots, take, usable_by
from communityplan._search.graph import Floats, Ints, search_limit
from communityplan._search.kernels import Hung, Queue, Tally, sweep_counts, sweep_pairs
from communityplan._search.lists import Lists, Seeds, gather, gather_one, spread, spread_one
from communityplan._search.shaping import tally_columns, to_columns, unzip
from communityplan._search.sweeps import (
    Rows,
    Sweep,
    give_back,
    hang_on_lines,
    in_space,
    owners_of,
    shared,
    sweeps,
)
from communityplan._search.threads import together

__all__ = ["balls", "counts", "nearest", "pairs"]

Pairs = tuple[Ints, Ints, Floats]

FIRST_ROOM = 1 << 16
"""Pairs that a thread makes room for at first."""


MANY_PAIRS = 50_000
"""Pairs to sort for which a thread more is worth it."""

FEW_PAIRS = 1_000_000
"""Pairs that there is always room for."""


def _drop_stale_code() -> None:
    """Delete compiled code that is older than its source: it cannot even be looked at if a class
    it was compiled for is gone.
    """
    kept: Any = sweep_pairs
    folder = kept.stats.cache_path
    for index in Path(folder).glob("*.nbi") if folder else ():
        source = Path(__file__).with_name(index.name.partition(".")[0] + ".py")
        with suppress(OSError):
            if index.stat().st_mtime < source.stat().st_mtime:
                index.unlink()


_drop_stale_code()

MANY_LABELS = 200_000
"""Labels of nodes that do not fit into the processor's memory."""

FEW_SEEDS = 16
"""Seeds of searches that keep to one part of the network."""

LEAST_PART = 16_000
"""Points that a thread gathers at a time, unless one thread does it all."""

# the C library gives blocks of this size back to the system, and every page of the next job's
# arrays is a fault again, until one block of it has been freed: that raises its limit
np.empty(2**25 - 2**17, dtype=np.uint8)


@dataclass(eq=False)
class _Found:
    """Pairs as one thread finds them: buffers, and how many places of each are filled."""

    row: list[Rows] = field(default_factory=list)
    seconds: list[Floats] = field(default_factory=list)
    filled: int = 0
    source: list[Rows] = field(default_factory=list)
    count: list[Rows] = field(default_factory=list)

    def add_room(self, places: int) -> None:
        """Close the last buffer where it is filled to, and begin another."""
        if self.row:
            self.row[-1] = self.row[-1][: self.filled]
            self.seconds[-1] = self.seconds[-1][: self.filled]
        self.row.append(np.empty(places, dtype=np.uint32))
        self.seconds.append(np.empty(places))
        self.filled = 0


def _found_pairs(sweep: Sweep) -> list[_Found]:
    limits = search_limit(sweep.limit_s), sweep.limit_s
    found: list[_Found] = []

    def work(queue: Queue, hung: Hung, chunks: Iterator[Rows]) -> None:
        mine = _Found()
        found.append(mine)
        mine.add_room(FIRST_ROOM)
        for order in chunks:
            counts_here = np.empty(len(order), dtype=np.uint32)
            begin = 0
            while begin < len(order):
                row, seconds = mine.row[-1][mine.filled :], mine.seconds[-1][mine.filled :]
                at, filled = sweep_pairs(
                    sweep.roads, queue, sweep.sources, sweep.owner, sweep.targets, hung,
                    order, begin, limits, row, seconds, counts_here,
                )  # fmt: skip
                begin = int(at)
                mine.filled += int(filled)
                if begin < len(order):
                    mine.add_room(2 * len(mine.row[-1]) + len(hung.best))
            mine.source.append(order)
            mine.count.append(counts_here)
            pairs_found = sum(int(part.sum()) for one in found for part in one.count)
            searched = sum(len(part) for one in found for part in one.source)
            if pairs_found > FEW_PAIRS:
                check_room(pairs_found, searched / len(sweep.rows), room_for_pairs())

    shared(sweep, work)
    return found


class _Table(NamedTuple):
    """Entries in rows: where those of each row lie, how many, and their columns and values."""

    begin: Ints
    number: Ints
    column: Rows
    seconds: Floats
    n_columns: int


def _by_source(sweep: Sweep) -> _Table:
    """The pairs of a sweep: a row for each source, in which targets come as they were found."""
    found = _found_pairs(sweep)
    for one in found:
        one.row[-1] = one.row[-1][: one.filled]
        one.seconds[-1] = one.seconds[-1][: one.filled]
    none = np.zeros(0, dtype=np.uint32)
    column = np.concatenate([none, *(part for one in found for part in one.row)])
    seconds = np.concatenate([np.zeros(0), *(part for one in found for part in one.seconds)])
    source = np.concatenate([none, *(part for one in found for part in one.source)])
    counted = np.concatenate([none, *(part for one in found for part in one.count)])
    begin = np.zeros(len(sweep.sources.ends), dtype=np.int64)
    count = np.zeros(len(sweep.sources.ends), dtype=np.int64)
    count[source] = counted
    begin[source] = np.cumsum(counted, dtype=np.int64) - counted
    return _Table(begin, count, column, seconds, len(sweep.targets.ends))


def _transposed(table: _Table, threads: int) -> Pairs:
    """Columns, rows and values, sorted by column, then by row."""
    entries = len(table.column)
    threads = min(threads, 1 + entries // MANY_PAIRS)
    # spans of rows with about as many entries each
    ahead = np.cumsum(table.number) * threads
    bounds = [0, *np.searchsorted(ahead, np.arange(1, threads) * entries), len(table.number)]
    spans = [(int(low), int(high)) for low, high in pairwise(bounds)]
    number = np.zeros((threads, table.n_columns), dtype=np.int64)
    room = np.empty((entries, 2))

    def tally(parts: Iterator[int]) -> None:
        for part in parts:
            tally_columns(table.begin, table.number, table.column, spans[part], number[part])

    def sort(parts: Iterator[int]) -> None:
        for part in parts:
            to_columns(*table[:-1], spans[part], place[part], room)

    together(tally, range(threads), threads)
    first = np.concatenate([[0], np.cumsum(number.sum(axis=0))])
    # in every column the entries of the first span come first
    place = first[:-1] + np.cumsum(number, axis=0) - number
    together(sort, range(threads), threads)
    return _unzipped(first, room, threads)


def _unzipped(first: Ints, room: Floats, threads: int) -> Pairs:
    entries = len(room)
    column, row = np.empty(entries, dtype=np.int64), np.empty(entries, dtype=np.int64)
    value = np.empty(entries)
    bounds = np.linspace(0, len(first) - 1, threads + 1).astype(np.int64).tolist()

    def work(spans: Iterator[tuple[int, int]]) -> None:
        for span in spans:
            unzip(first, room, span, column, row, value)

    together(work, list(pairwise(bounds)), threads)
    return column, row, value


def pairs(ask: Ask) -> Pairs:
    """See `jobs.pairs`."""
    parts = [_sorted_pairs(sweep) for sweep in sweeps(ask)]
    if len(parts) == 1:
        return parts[0]
    none = np.zeros(0, dtype=np.int64)
    origin = np.concatenate([none, *(part[0] for part in parts)])
    destination = np.concatenate([none, *(part[1] for part in parts)])
    seconds = np.concatenate([np.zeros(0), *(part[2] for part in parts)])
    # each origin comes from one sweep
    order = np.argsort(origin, kind="stable")
    return origin[order], destination[order], seconds[order]


def _sorted_pairs(sweep: Sweep) -> Pairs:
    table = _by_source(sweep)
    return _transposed(table, sweep.threads) if sweep.backward else _sorted_rows(table)


def _sorted_rows(table: _Table) -> Pairs:
    """Rows, columns and values, sorted by row, then by column."""
    order = np.argsort(table.begin, kind="stable")
    row = np.repeat(order, table.number[order])
    key = row * table.n_columns + table.column
    # no two keys are equal
    order = np.argsort(key)
    return row[order], key[order] - row[order] * table.n_columns, table.seconds[order]


def balls(ask: Ask, *, reverse: bool) -> Pairs:
    """See `jobs.balls`."""
    core = core_of(ask.graph)
    points = core_spots(ask.graph, core, ask.origins, role="points")
    owners = ask.allowed.astype(np.int32)
    use = (points.ends[:, OWNER] == 0) | (points.ends[:, OWNER] == owners)
    sweep = Sweep(
        core,
        core.roads_back if reverse else core.roads,
        backward=reverse,
        sources=points.flipped() if reverse else points,
        targets=core.nodes.flipped() if reverse else core.nodes,
        owner=owners,
        rows=in_space(points, use & (points.ends[:, START] >= 0)),
        wanted=np.ones(ask.graph.n_nodes, dtype=np.bool_),
        limit_s=ask.limit_s,
        threads=ask.threads,
        everywhere=True,
    )
    return _sorted_rows(_by_source(sweep))


def counts(
    ask: Ask, limits_s: list[float], weight: Floats, *, by_origin: bool
) -> tuple[Ints, Floats]:
    """See `jobs.counts`."""
    limits, band = np.unique(np.array(limits_s, dtype=np.float64), return_inverse=True)
    rows = len(ask.origins if by_origin else ask.destinations)
    sums = np.zeros((len(limits) + 1, rows, 2))
    for sweep in sweeps(ask):
        for part in _sums(sweep, limits, weight, rows, of_source=sweep.backward != by_origin):
            sums += part
    for wider in range(1, len(limits)):
        sums[wider] += sums[wider - 1]
    return sums[band, :, 0].astype(np.int64).T, sums[band, :, 1].T


def _sums(
    sweep: Sweep, limits: Floats, weight: Floats, rows: int, *, of_source: bool
) -> list[Floats]:
    """What each thread counts: number and weight by the first limit that holds a walk."""
    found: list[Floats] = []

    def work(queue: Queue, hung: Hung, chunks: Iterator[Rows]) -> None:
        tally = Tally(limits, weight, np.zeros((len(limits) + 1, rows, 2)), of_source)
        found.append(tally.sums)
        for order in chunks:
            sweep_counts(
                sweep.roads, queue, sweep.sources, sweep.owner, sweep.targets, hung,
                order, search_limit(sweep.limit_s), tally,
            )  # fmt: skip

    shared(sweep, work)
    return found


def nearest(ask: Ask, k: int) -> tuple[Ints, Floats]:
    """See `jobs.nearest`."""
    core = core_of(ask.graph)
    origins = core_spots(ask.graph, core, ask.origins, role="origins")
    destinations = core_spots(ask.graph, core, ask.destinations, role="destinations")
    if not core.private:
        lists = _lists(core, destinations, np.arange(len(ask.destinations)), 0, (k, ask.limit_s))
        return _gathered(core, origins, destinations, lists, (ask.limit_s, ask.threads))
    row = np.full((len(ask.origins), k), -1, dtype=np.int64)
    seconds = np.full((len(ask.origins), k), np.nan)
    for owner in owners_of(ask.allowed):
        mine = np.flatnonzero(usable_by(origins, owner) & (ask.allowed == owner))
        # places of other owners lie on no line and hang on no node
        theirs = np.flatnonzero(usable_by(destinations, owner))
        lists = _lists(core, destinations, theirs, owner, (k, ask.limit_s))
        open_to = destinations._replace(ends=destinations.ends.copy())
        open_to.ends[~usable_by(destinations, owner), LINE] = -1
        row[mine], seconds[mine] = _gathered(
            core, take(origins, mine), open_to, lists, (ask.limit_s, ask.threads)
        )
    return row, seconds


def _lists(
    core: Core, destinations: Spots, rows: Ints, owner: int, wish: tuple[int, float]
) -> Lists:
    """The k nearest destinations of every node of the core, within the limit."""
    k, limit_s = wish
    rows = rows[np.argsort(destinations.ends[:, START].take(rows))]
    node = destinations.ends[:, : END + 1].take(rows, axis=0).ravel()
    seconds = destinations.arrive + destinations.extra[:, None]
    seeds = Seeds(node, seconds.take(rows, axis=0).ravel(), np.repeat(rows, 2))
    lists = Lists(
        np.empty(core.n_nodes * k),
        np.empty(core.n_nodes * k, dtype=np.int64),
        fresh=np.empty(core.n_nodes * k, dtype=np.bool_),
        any=np.zeros(core.n_nodes, dtype=np.bool_),
        k=np.uint32(k),
    )
    queue = queue_for(core)
    if k == 1:
        lists.seconds.fill(np.inf)
        labelled = queue._replace(seconds=lists.seconds)
        spread_one(core.roads_back, labelled, lists, seeds, search_limit(limit_s), owner)
    else:
        batch = _batch(core, len(rows), k, limit_s)
        spread(core.roads_back, queue, lists, seeds, batch, search_limit(limit_s), owner)
    core.queues.append(queue)
    return lists


def _batch(core: Core, n_seeds: int, k: int, limit_s: float) -> int:
    """How many destinations to search from at a time.

    Few at a time keep to one part of a network that is too large for the processor's memory, but
    search it again where their surroundings overlap: here, where more than twice as many of them
    meet at a node as it keeps. A search within L finds about 2 (L / c)**2 nodes of a street grid
    with edges of c seconds.
    """
    if core.n_nodes * k < MANY_LABELS:
        return max(2 * n_seeds, 1)
    meet = n_seeds * 2.0 * (limit_s / core.mean_s) ** 2 / core.n_nodes
    return FEW_SEEDS if meet <= 2 * k else max(2 * n_seeds, 1)


def _gathered(
    core: Core, origins: Spots, destinations: Spots, lists: Lists, wish: tuple[float, int]
) -> tuple[Ints, Floats]:
    """The k nearest destinations of points, from those of the nodes they hang on."""
    limit_s, threads = wish
    on_line = np.flatnonzero(destinations.ends[:, LINE] >= 0)
    nothing = np.zeros(0, dtype=np.uint32)
    hung = hang_on_lines(core, destinations, on_line, (nothing, nothing, np.zeros(0)))
    points, k = len(origins.ends), int(lists.k)
    best = Lists(
        np.empty(points * k),
        np.empty(points * k, dtype=np.int64),
        fresh=np.zeros(0, dtype=np.bool_),
        any=np.zeros(0, dtype=np.bool_),
        k=lists.k,
    )

    gather_k = gather_one if k == 1 else gather

    def share(spans: Iterator[tuple[int, int]]) -> None:
        for span in spans:
            gather_k(origins, destinations, hung, lists, limit_s, span, best)

    part = points if threads == 1 else max(LEAST_PART, points // (4 * threads))
    bounds = [*range(0, points, max(part, 1)), points]
    together(share, list(pairwise(bounds)), threads)
    give_back(core, destinations, hung)
    return best.row.reshape(-1, k), best.seconds.reshape(-1, k)
