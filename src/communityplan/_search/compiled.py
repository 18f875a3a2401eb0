"""The compiled engine: what `jobs` asks, as searches from the smaller side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from communityplan._search.ask import Ask, check_room, room_for_pairs
from communityplan._search.closest import nearest
from communityplan._search.core import core_of, core_spots
from communityplan._search.ends import OWNER, START
from communityplan._search.graph import Floats, Ints, search_limit
from communityplan._search.kept import drop_damaged_code
from communityplan._search.kernels import Hung, Listed, Queue, Tally, sweep_all
from communityplan._search.shaping import tally_columns, to_columns, unzip
from communityplan._search.sweeps import Rows, Sweep, in_space, shared, sweeps
from communityplan._search.threads import together

__all__ = ["balls", "counts", "nearest", "pairs"]

Pairs = tuple[Ints, Ints, Floats]

FIRST_ROOM = 1 << 21
"""Pairs that there is room for at first; what is not used takes no memory."""

BLOCK = 1 << 16
"""Pairs that a thread takes room for at a time."""

LONG_S = 1e6
"""Limits above this say little about times."""

FEW_COLUMNS = 4
"""Columns for each entry from which on it takes longer to look at them than to sort."""

MOST_BITS = 63
"""What a whole number has room for."""

MANY_PAIRS = 50_000
"""Pairs to sort for which a thread more is worth it."""

FEW_PAIRS = 1_000_000
"""Pairs that there is always room for."""


def _drop_stale_code() -> None:
    """Delete compiled code that is older than the sources: a loop holds the loops it calls, also
    those of other files, and cannot even be looked at if a class it was compiled for is gone.
    """
    kept: Any = sweep_all
    folder = kept.stats.cache_path
    drop_damaged_code(folder)
    newest = max(source.stat().st_mtime for source in Path(__file__).parent.glob("*.py"))
    for index in Path(folder).glob("*.nbi") if folder else ():
        with suppress(OSError):
            if index.stat().st_mtime < newest:
                index.unlink()


_drop_stale_code()

# the C library gives blocks of this size back to the system, and every page of the next job's
# arrays is a fault again, until one block of it has been freed: that raises its limit
np.empty(2**25 - 2**17, dtype=np.uint8)


NO_TALLY = Tally(np.zeros(0), np.zeros(0), np.zeros((0, 0, 2)), of_source=False)

NO_LIST = Listed(np.zeros(0, np.uint32), np.zeros(0), np.zeros(0, np.uint32))


class _Table(NamedTuple):
    """Entries in rows: where those of each row lie, how many, and their columns and values."""

    begin: Ints
    number: Ints
    column: Rows
    seconds: Floats
    n_columns: int


class _Room:
    """Where threads put the pairs they find: each takes a block after the other."""

    def __init__(self) -> None:
        self.rows: list[Rows] = []
        self.seconds: list[Floats] = []
        self.used = self.before = self.found = self.searched = 0
        self.lock = Lock()

    def block(self, places: int) -> tuple[int, Rows, Floats]:
        """Some places: where they begin in all rooms one after the other, and the two arrays."""
        with self.lock:
            if not self.rows or self.used + places > len(self.rows[-1]):
                if self.rows:
                    self.before += self.used
                    self.rows[-1] = self.rows[-1][: self.used]
                    self.seconds[-1] = self.seconds[-1][: self.used]
                size = max(2 * self.used, FIRST_ROOM, places)
                self.rows.append(np.empty(size, dtype=np.uint32))
                self.seconds.append(np.empty(size))
                self.used = 0
            first, self.used = self.used, self.used + places
            part = slice(first, self.used)
            return self.before + first, self.rows[-1][part], self.seconds[-1][part]

    def note(self, pairs: int, searches: int, of_searches: int) -> None:
        """Count what has been found, and refuse to go on when it becomes too much."""
        with self.lock:
            self.found += pairs
            self.searched += searches
        if self.found > FEW_PAIRS:
            check_room(self.found, self.searched / of_searches, room_for_pairs())


def _by_source(sweep: Sweep) -> _Table:
    """The pairs of a sweep: a row for each source, in which targets come as they were found."""
    limits = search_limit(sweep.limit_s), sweep.limit_s
    sources, targets = len(sweep.sources.ends), len(sweep.targets.ends)
    begin, number = np.zeros(sources, dtype=np.int64), np.zeros(sources, dtype=np.int64)
    room = _Room()
    places = max(BLOCK, targets)

    def work(queue: Queue, hung: Hung, chunks: Iterator[Rows]) -> None:
        place, row, seconds = room.block(places)
        for order in chunks:
            count = np.empty(len(order), dtype=np.uint32)
            at = 0
            while at < len(order):
                since = at
                at, filled = sweep_all(
                    sweep.roads, queue, sweep.sources, sweep.owner, sweep.targets, hung,
                    order, since, limits, Listed(row, seconds, count), NO_TALLY,
                )  # fmt: skip
                done = order[since:at]
                number[done] = count[since:at]
                begin[done] = place + np.cumsum(count[since:at], dtype=np.int64) - number[done]
                room.note(int(filled), len(done), len(sweep.rows))
                place, row, seconds = place + int(filled), row[filled:], seconds[filled:]
                if at < len(order):
                    place, row, seconds = room.block(places)

    shared(sweep, work)
    if len(room.rows) == 1:
        return _Table(begin, number, room.rows[0], room.seconds[0], targets)
    return _Table(begin, number, np.concatenate(room.rows), np.concatenate(room.seconds), targets)


def _bits(table: _Table, limit_s: float) -> int:
    """How long the longest time is, in bits, as a multiple of 2**-24 s."""
    if limit_s < LONG_S:
        return int(limit_s * 2**24).bit_length()
    some = np.flatnonzero(table.number)
    spans = zip(table.begin[some].tolist(), table.number[some].tolist(), strict=True)
    longest = max((table.seconds[first : first + n].max() for first, n in spans), default=0.0)
    return int(longest * 2**24).bit_length()


def _transposed(table: _Table, limit_s: float, threads: int) -> tuple[Ints, Pairs]:
    """Columns, rows and values, sorted by column, then by row; and where each column begins."""
    entries = int(table.number.sum())
    bits = _bits(table, limit_s)
    if bits + len(table.number).bit_length() > MOST_BITS:
        return _sorted_slowly(table)
    threads = min(threads, 1 + entries // MANY_PAIRS)
    # spans of rows with about as many entries each
    ahead = np.cumsum(table.number) * threads
    bounds = [0, *np.searchsorted(ahead, np.arange(1, threads) * entries), len(table.number)]
    spans = [(int(low), int(high)) for low, high in pairwise(bounds)]
    number = np.zeros((threads, table.n_columns), dtype=np.int64)
    room = np.empty(entries, dtype=np.int64)

    def tally(parts: Iterator[int]) -> None:
        for part in parts:
            tally_columns(table.begin, table.number, table.column, spans[part], number[part])

    def sort(parts: Iterator[int]) -> None:
        for part in parts:
            to_columns(*table[:-1], spans[part], bits, place[part], room)

    together(tally, range(threads), threads)
    first = np.concatenate([[0], np.cumsum(number.sum(axis=0))])
    # in every column the entries of the first span come first
    place = first[:-1] + np.cumsum(number, axis=0) - number
    together(sort, range(threads), threads)
    return first, _unzipped(first, room, bits, threads)


def _sorted_slowly(table: _Table) -> tuple[Ints, Pairs]:
    """`_transposed` for times and numbers of rows that do not fit into 64 bits together."""
    row, column, seconds = _entries(table)
    order = np.argsort(column, kind="stable")
    first = np.searchsorted(column[order], np.arange(table.n_columns + 1))
    return first, (column[order], row[order], seconds[order])


def _entries(table: _Table) -> Pairs:
    """Rows, columns and values, sorted by row."""
    row = np.repeat(np.arange(len(table.number)), table.number)
    ahead = table.begin - (np.cumsum(table.number) - table.number)
    item = np.arange(len(row)) + ahead[row]
    return row, table.column[item].astype(np.int64), table.seconds[item]


def _unzipped(first: Ints, room: Ints, bits: int, threads: int) -> Pairs:
    entries = len(room)
    column, row = np.empty(entries, dtype=np.int64), np.empty(entries, dtype=np.int64)
    value = np.empty(entries)
    bounds = np.linspace(0, len(first) - 1, threads + 1).astype(np.int64).tolist()

    def work(spans: Iterator[tuple[int, int]]) -> None:
        for span in spans:
            unzip(first, room, span, bits, column, row, value)

    together(work, list(pairwise(bounds)), threads)
    return column, row, value


def pairs(ask: Ask) -> Pairs:
    """See `jobs.pairs`."""
    parts = [_sorted_pairs(sweep, by_target=sweep.backward) for sweep in sweeps(ask)]
    if len(parts) == 1:
        return parts[0]
    none = np.zeros(0, dtype=np.int64)
    origin = np.concatenate([none, *(part[0] for part in parts)])
    destination = np.concatenate([none, *(part[1] for part in parts)])
    seconds = np.concatenate([np.zeros(0), *(part[2] for part in parts)])
    # each origin comes from one sweep
    order = np.argsort(origin, kind="stable")
    return origin[order], destination[order], seconds[order]


def _sorted_pairs(sweep: Sweep, *, by_target: bool) -> Pairs:
    """Targets, sources and seconds, sorted by both, or sources first."""
    table = _by_source(sweep)
    if by_target:
        return _transposed(table, sweep.limit_s, sweep.threads)[1]
    if table.number.sum() * FEW_COLUMNS < table.n_columns:
        source, target, seconds = _entries(table)
        order = np.lexsort((target, source))
        return source[order], target[order], seconds[order]
    # sorted by target, and then, keeping that order, by source
    first, (_, source, seconds) = _transposed(table, sweep.limit_s, sweep.threads)
    table = _Table(first[:-1], np.diff(first), source.astype(np.uint32), seconds, len(table.number))
    return _transposed(table, sweep.limit_s, sweep.threads)[1]


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
    return _sorted_pairs(sweep, by_target=False)


def counts(
    ask: Ask, limits_s: list[float], weight: Floats, *, by_origin: bool
) -> tuple[Ints, Floats]:
    """See `jobs.counts`."""
    limits, band = np.unique(np.array(limits_s, dtype=np.float64), return_inverse=True)
    rows = len(ask.origins if by_origin else ask.destinations)
    sums = np.zeros((len(limits) + 1, rows, 2))
    for sweep in sweeps(ask) if limits_s else ():
        for part in _sums(sweep, limits, weight, rows, of_source=sweep.backward != by_origin):
            sums += part
    for wider in range(1, len(limits)):
        sums[wider] += sums[wider - 1]
    return sums[band, :, 0].astype(np.int64).T, sums[band, :, 1].T


def _sums(
    sweep: Sweep, limits: Floats, weight: Floats, rows: int, *, of_source: bool
) -> list[Floats]:
    """What each thread counts: number and weight by the first limit that holds a walk."""
    bounds = search_limit(sweep.limit_s), sweep.limit_s
    found: list[Floats] = []

    def work(queue: Queue, hung: Hung, chunks: Iterator[Rows]) -> None:
        mine = weight.take(hung.row[:-1]) if of_source else weight
        tally = Tally(limits, mine, np.zeros((len(limits) + 1, rows, 2)), of_source)
        for order in chunks:
            sweep_all(
                sweep.roads, queue, sweep.sources, sweep.owner, sweep.targets, hung,
                order, 0, bounds, NO_LIST, tally,
            )  # fmt: skip
        found.append(tally.sums if of_source else tally.sums.take(hung.number, axis=1))

    shared(sweep, work)
    return found
