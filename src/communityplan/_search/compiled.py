"""The compiled engine: searches from the smaller side, on all processors, in small chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count as counter

import numpy as np
from numpy.typing import NDArray

from communityplan._search.ask import Ask, check_room, room_for_pairs
from communityplan._search.core import Core, core_of, core_spots, grouped, queue_for, slots_for
from communityplan._search.ends import (
    AHEAD,
    ARRIVE,
    BEHIND,
    END,
    LEAVE,
    LINE,
    OWNER,
    START,
    Spots,
    usable_by,
)
from communityplan._search.graph import Flags, Floats, Ints, search_limit
from communityplan._search.kernels import (
    Queue,
    Roads,
    Sides,
    Sources,
    Tally,
    Targets,
    sweep_counts,
    sweep_pairs,
)
from communityplan._search.lists import Lists, Seeds, gather, spread
from communityplan._search.shaping import transpose

__all__ = ["balls", "counts", "nearest", "pairs"]

Pairs = tuple[Ints, Ints, Floats]
Rows = NDArray[np.uint32]

CHUNKS_PER_THREAD = 8
LEAST_CHUNK = 32
"""Sources in a chunk; a job of two chunks is not worth a thread more."""

FIRST_ROOM = 1 << 16
"""Pairs that a thread makes room for at first."""

FORWARD = Sides(source=LEAVE, target=ARRIVE, rise=AHEAD, fall=BEHIND)
BACKWARD = Sides(source=ARRIVE, target=LEAVE, rise=BEHIND, fall=AHEAD)
"""Searched from destinations: points leave where walks arrive, and lines are walked from their
end."""


# the C library gives blocks of this size back to the system, and every page of the next job's
# arrays is a fault again, until one block of it has been freed: that raises its limit
np.empty(2**25 - 2**17, dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class _Sweep:
    """Searches from some sources for some targets.

    Attributes
    ----------
    core : Core
    backward : bool
        Whether the sources are the destinations.
    sources, targets : Spots
        All origins and all destinations, or the other way round.
    owner : array of int32
        Whose edges the search from each source may use.
    rows : array of uint32
        Sources to search from, in the order of the core.
    wanted : array of bool, or None
        Targets to look for, all that are attached unless given.
    limit_s : float
    threads : int
    """

    core: Core
    backward: bool
    sources: Spots
    targets: Spots
    owner: NDArray[np.int32]
    rows: Rows
    wanted: Flags | None
    limit_s: float
    threads: int

    @property
    def roads(self) -> Roads:
        return self.core.roads_back if self.backward else self.core.roads

    @property
    def sides(self) -> Sides:
        return BACKWARD if self.backward else FORWARD


def _sweeps(ask: Ask) -> Iterator[_Sweep]:
    """One sweep from all origins, but from the destinations for owners where they are fewer."""
    core = core_of(ask.graph)
    origins = core_spots(ask.graph, core, ask.origins, role="origins")
    destinations = core_spots(ask.graph, core, ask.destinations, role="destinations")
    forward = np.zeros(len(origins), dtype=np.bool_)
    for owner in _owners(ask.allowed):
        mine = usable_by(origins, owner) & (ask.allowed == owner)
        ends = usable_by(destinations, owner)
        if np.count_nonzero(mine) <= np.count_nonzero(ends):
            forward |= mine
        else:
            owners = np.full(len(destinations), owner, dtype=np.int32)
            rows = _in_space(destinations, ends)
            yield _Sweep(
                core, True, destinations, origins, owners, rows, mine, ask.limit_s, ask.threads
            )
    if forward.any():
        owners = ask.allowed.astype(np.int32)
        rows = _in_space(origins, forward)
        yield _Sweep(
            core, False, origins, destinations, owners, rows, None, ask.limit_s, ask.threads
        )


def _owners(allowed: Ints) -> list[int]:
    if not allowed.any():
        return [0]
    return [int(owner) for owner in np.unique(allowed)]


def _in_space(spots: Spots, some: Flags) -> Rows:
    """Rows in the order of the core, so that neighbours are searched one after the other."""
    rows = np.flatnonzero(some)
    return rows[np.argsort(spots.index[rows, START], kind="stable")].astype(np.uint32)


def _targets(sweep: _Sweep) -> Targets:
    spots, column = sweep.targets, sweep.sides.target
    add = np.ascontiguousarray(spots.time[:, column : column + 2])
    # an infinite time must not be hung up: it would be seen for the first time again and again
    hangs = np.isfinite(add)
    if sweep.wanted is not None:
        hangs &= sweep.wanted[:, None]
    keys = np.where(hangs, spots.index[:, : END + 1], -1)
    first, order = grouped(keys.ravel(), sweep.core.n_nodes)
    # only the lines of sources are ever looked up; the last place stands for none
    looked_up = np.zeros(sweep.core.n_lines + 1, dtype=np.bool_)
    looked_up[sweep.sources.index[:, LINE].take(sweep.rows)] = True
    looked_up[-1] = False
    on_line = np.flatnonzero(looked_up.take(spots.index[:, LINE], mode="wrap"))
    if sweep.wanted is not None:
        on_line = on_line[sweep.wanted.take(on_line)]
    return _hung(
        sweep.core, spots, (first, order >> np.uint32(1), add.ravel().take(order)), on_line
    )


def _hung(core: Core, spots: Spots, at_nodes: tuple[Rows, Rows, Floats], on_line: Ints) -> Targets:
    """Targets with a table of those on lines; the caller gives it back with `_give_back`."""
    lines = spots.index[on_line, LINE]
    order = np.argsort(lines)
    slot = slots_for(core)
    by_line, place = np.unique(lines[order], return_index=True)
    slot[by_line] = place + 1
    return Targets(
        spots.index,
        spots.time,
        *at_nodes,
        slot,
        on_line[order].astype(np.uint32),
        best=np.full(len(spots), np.inf),
        seen=np.empty(len(spots) + 1, dtype=np.uint32),
        private=bool((spots.index[:, OWNER] > 0).any()),
    )


def _give_back(core: Core, targets: Targets) -> None:
    targets.slot[targets.at[targets.on_line, LINE]] = 0
    core.slots.append(targets.slot)


def _own_room(targets: Targets) -> Targets:
    """The same targets for another thread."""
    return targets._replace(
        best=np.full_like(targets.best, np.inf), seen=np.empty_like(targets.seen)
    )


def _shared(sweep: _Sweep, work: Callable[[Queue, Targets, Iterator[Rows]], None]) -> None:
    """Do the searches of a sweep in chunks that threads take as they come."""
    targets = _targets(sweep)
    chunks = _chunks(sweep.rows, sweep.threads)
    threads = min(sweep.threads, len(chunks))
    numbers = counter()

    def task(own: Targets) -> None:
        queue = queue_for(sweep.core)
        work(queue, own, _taken(chunks, numbers))
        sweep.core.queues.append(queue)

    if threads > 1:
        with ThreadPoolExecutor(threads - 1) as pool:
            others = [pool.submit(task, _own_room(targets)) for _ in range(threads - 1)]
            task(targets)
            for other in others:
                other.result()
    else:
        task(targets)
    _give_back(sweep.core, targets)


def _chunks(rows: Rows, threads: int) -> list[Rows]:
    if threads == 1:
        return [rows]
    size = max(LEAST_CHUNK, -(-len(rows) // (threads * CHUNKS_PER_THREAD)))
    return [rows[first : first + size] for first in range(0, len(rows), size)]


def _taken(chunks: list[Rows], numbers: counter[int]) -> Iterator[Rows]:
    # the next number is drawn in one step of the interpreter: no chunk goes to two threads
    for number in numbers:
        if number >= len(chunks):
            return
        yield chunks[number]


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


def _found_pairs(sweep: _Sweep) -> list[_Found]:
    sources = Sources(sweep.sources.index, sweep.sources.time, sweep.owner)
    limits = search_limit(sweep.limit_s), sweep.limit_s
    found: list[_Found] = []
    room = room_for_pairs()

    def work(queue: Queue, targets: Targets, chunks: Iterator[Rows]) -> None:
        mine = _Found()
        found.append(mine)
        mine.add_room(FIRST_ROOM)
        for order in chunks:
            counts_here = np.empty(len(order), dtype=np.uint32)
            begin = 0
            while begin < len(order):
                row, seconds = mine.row[-1][mine.filled :], mine.seconds[-1][mine.filled :]
                at, filled = sweep_pairs(
                    sweep.roads, queue, sources, targets, sweep.sides,
                    order, begin, limits, row, seconds, counts_here,
                )  # fmt: skip
                begin = int(at)
                mine.filled += int(filled)
                if begin < len(order):
                    mine.add_room(2 * len(mine.row[-1]) + len(targets.best))
            mine.source.append(order)
            mine.count.append(counts_here)
            pairs_found = sum(int(part.sum()) for one in found for part in one.count)
            searched = sum(len(part) for one in found for part in one.source)
            check_room(pairs_found, searched / len(sweep.rows), room)

    _shared(sweep, work)
    return found


def _by_target(sweep: _Sweep) -> tuple[Ints, Ints, Floats]:
    """Where each target begins; sources and seconds, sorted by target, then by source."""
    found = _found_pairs(sweep)
    for one in found:
        one.row[-1] = one.row[-1][: one.filled]
        one.seconds[-1] = one.seconds[-1][: one.filled]
    none = np.zeros(0, dtype=np.uint32)
    row = np.concatenate([none, *(part for one in found for part in one.row)])
    seconds = np.concatenate([np.zeros(0), *(part for one in found for part in one.seconds)])
    source = np.concatenate([none, *(part for one in found for part in one.source)])
    counted = np.concatenate([none, *(part for one in found for part in one.count)])
    begin = np.zeros(len(sweep.sources), dtype=np.int64)
    count = np.zeros(len(sweep.sources), dtype=np.int64)
    count[source] = counted
    begin[source] = np.cumsum(counted, dtype=np.int64) - counted
    return _transposed(begin, count, row, seconds, len(sweep.targets))


def _transposed(
    begin: Ints, count: Ints, minor: Rows, value: Floats, n_minor: int
) -> tuple[Ints, Ints, Floats]:
    first = np.zeros(n_minor + 1, dtype=np.int64)
    pairs_out = np.empty((len(minor), 2))
    transpose(begin, count, minor, value, first, pairs_out)
    return first, pairs_out[:, 0].astype(np.int64), pairs_out[:, 1].copy()


def pairs(ask: Ask) -> Pairs:
    """See `jobs.pairs`."""
    parts = [_sorted_pairs(sweep) for sweep in _sweeps(ask)]
    if len(parts) == 1:
        return parts[0]
    none = np.zeros(0, dtype=np.int64)
    origin = np.concatenate([none, *(part[0] for part in parts)])
    destination = np.concatenate([none, *(part[1] for part in parts)])
    seconds = np.concatenate([np.zeros(0), *(part[2] for part in parts)])
    # each origin comes from one sweep
    order = np.argsort(origin, kind="stable")
    return origin[order], destination[order], seconds[order]


def _sorted_pairs(sweep: _Sweep) -> Pairs:
    first, other, seconds = _by_target(sweep)
    if not sweep.backward:
        minor = other.astype(np.uint32)
        first, other, seconds = _transposed(
            first[:-1], np.diff(first), minor, seconds, len(sweep.sources)
        )
    return np.repeat(np.arange(len(first) - 1), np.diff(first)), other, seconds


def balls(ask: Ask, *, reverse: bool) -> Pairs:
    """See `jobs.balls`."""
    core = core_of(ask.graph)
    points = core_spots(ask.graph, core, ask.origins, role="points")
    owners = ask.allowed.astype(np.int32)
    use = (points.index[:, OWNER] == 0) | (points.index[:, OWNER] == owners)
    rows = _in_space(points, use & (points.index[:, START] >= 0))
    sweep = _Sweep(core, reverse, points, core.nodes, owners, rows, None, ask.limit_s, ask.threads)
    first, point, seconds = _by_target(sweep)
    _, node_out, seconds = _transposed(
        first[:-1], np.diff(first), point.astype(np.uint32), seconds, len(points)
    )
    return np.sort(point), node_out, seconds


def counts(
    ask: Ask, limits_s: list[float], weight: Floats, *, by_origin: bool
) -> tuple[Ints, Floats]:
    """See `jobs.counts`."""
    limits, band = np.unique(np.array(limits_s, dtype=np.float64), return_inverse=True)
    shape = (len(ask.origins if by_origin else ask.destinations), len(limits))
    count, total = np.zeros(shape, dtype=np.int64), np.zeros(shape)
    for sweep in _sweeps(ask):
        for tally in _tallies(sweep, limits, weight, shape, sweep.backward != by_origin):
            count += tally.number
            total += tally.total
    return count.cumsum(axis=1)[:, band], total.cumsum(axis=1)[:, band]


def _tallies(
    sweep: _Sweep, limits: Floats, weight: Floats, shape: tuple[int, int], of_source: bool
) -> list[Tally]:
    """Counts of each thread, by the first limit that holds a walk."""
    sources = Sources(sweep.sources.index, sweep.sources.time, sweep.owner)
    tallies: list[Tally] = []

    def work(queue: Queue, targets: Targets, chunks: Iterator[Rows]) -> None:
        count, total = np.zeros(shape, dtype=np.int64), np.zeros(shape)
        tally = Tally(limits, weight, count, total, of_source)
        tallies.append(tally)
        for order in chunks:
            sweep_counts(
                sweep.roads, queue, sources, targets, sweep.sides,
                order, search_limit(sweep.limit_s), tally,
            )  # fmt: skip

    if len(limits):
        _shared(sweep, work)
    return tallies


def nearest(ask: Ask, k: int) -> tuple[Ints, Floats]:
    """See `jobs.nearest`."""
    core = core_of(ask.graph)
    origins = core_spots(ask.graph, core, ask.origins, role="origins")
    destinations = core_spots(ask.graph, core, ask.destinations, role="destinations")
    row = np.full((len(origins), k), -1, dtype=np.int64)
    seconds = np.full((len(origins), k), np.nan)
    for owner in _owners(ask.allowed):
        mine = usable_by(origins, owner) & (ask.allowed == owner)
        some = origins if mine.all() else origins.take(np.flatnonzero(mine))
        lists = _lists(ask, core, destinations, owner, k)
        found = _gathered(ask, core, (some, destinations), owner, lists)
        if some is origins:
            return found
        row[mine], seconds[mine] = found
    return row, seconds


def _empty_lists(n_nodes: int, k: int) -> Lists:
    return Lists(
        np.full(n_nodes * k, np.inf),
        np.full(n_nodes * k, -1, dtype=np.int64),
        np.zeros(n_nodes * k, dtype=np.bool_),
        np.uint32(k),
    )


def _lists(ask: Ask, core: Core, destinations: Spots, owner: int, k: int) -> Lists:
    """The k nearest destinations of every node of the core."""
    rows = np.flatnonzero(usable_by(destinations, owner))
    node = destinations.index[rows, : END + 1].ravel()
    seconds = destinations.time[rows, ARRIVE : ARRIVE + 2].ravel()
    on = node >= 0
    seeds = Seeds(node[on].astype(np.uint32), seconds[on], np.repeat(rows, 2)[on])
    lists = _empty_lists(core.n_nodes, k)
    queue = queue_for(core)
    limit = search_limit(ask.limit_s)
    spread(core.roads_back, queue, lists, seeds, limit, owner)
    core.queues.append(queue)
    return lists


def _gathered(
    ask: Ask, core: Core, points: tuple[Spots, Spots], owner: int, lists: Lists
) -> tuple[Ints, Floats]:
    origins, destinations = points
    lines = (destinations.index[:, LINE] >= 0) & usable_by(destinations, owner)
    at_nodes = np.zeros(0, np.uint32), np.zeros(0, np.uint32), np.zeros(0)
    targets = _hung(core, destinations, at_nodes, np.flatnonzero(lines))
    sources = Sources(origins.index, origins.time, np.zeros(0, dtype=np.int32))
    k = int(lists.k)
    best = _unset_lists(len(origins), k)
    limits = search_limit(ask.limit_s), ask.limit_s
    gather(sources, targets, FORWARD, lists, limits, (0, len(origins)), best)
    _give_back(core, targets)
    return best.row.reshape(-1, k), best.seconds.reshape(-1, k)


def _unset_lists(n_points: int, k: int) -> Lists:
    return Lists(
        np.empty(n_points * k),
        np.empty(n_points * k, dtype=np.int64),
        np.zeros(0, dtype=np.bool_),
        np.uint32(k),
    )
