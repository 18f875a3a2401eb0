"""The k nearest by the compiled engine: searches from destinations, which keep the k best."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from communityplan._search.ask import Ask
from communityplan._search.core import Core, core_of, core_spots, queue_for, rows_for
from communityplan._search.ends import END, LINE, START, Spots, take, usable_by
from communityplan._search.graph import Floats, Ints, search_limit
from communityplan._search.kernels import Hung, Queue
from communityplan._search.lists import Lists, Seeds, gather, spread
from communityplan._search.single import Inside, around, forget, gather_one, hand_in, spread_one
from communityplan._search.sweeps import give_back, hang_on_lines, inside_chains, owners_of
from communityplan._search.threads import together

__all__ = ["nearest"]

MANY_LABELS = 200_000
"""Labels of nodes that do not fit into the processor's memory."""

FEW_SEEDS = 2
"""Seeds of searches that keep to one part of the network."""

LEAST_PART = 16_000
"""Points that a thread gathers at a time, unless one thread does it all."""

FEW_TOUCHED = 3
"""Nodes for each touched one from which on most points need not be looked at."""

Labels = tuple[Queue, NDArray[np.int32]]


def nearest(ask: Ask, k: int) -> tuple[Ints, Floats]:
    """See `jobs.nearest`."""
    core = core_of(ask.graph)
    origins = core_spots(ask.graph, core, ask.origins, role="origins")
    destinations = core_spots(ask.graph, core, ask.destinations, role="destinations")
    answer = _one if k == 1 else _several
    if not core.private:
        every = np.arange(len(ask.destinations))
        seeds = _seeds(destinations, every)
        return answer(core, origins, destinations, seeds, (k, ask.limit_s, ask.threads, 0))
    row = np.full((len(ask.origins), k), -1, dtype=np.int64)
    seconds = np.full((len(ask.origins), k), np.nan)
    for owner in owners_of(ask.allowed):
        mine = np.flatnonzero(usable_by(origins, owner) & (ask.allowed == owner))
        # places of other owners lie on no line and hang on no node
        theirs = usable_by(destinations, owner)
        open_to = destinations._replace(ends=destinations.ends.copy())
        open_to.ends[~theirs, LINE] = -1
        seeds = _seeds(destinations, np.flatnonzero(theirs))
        wish = k, ask.limit_s, ask.threads, owner
        row[mine], seconds[mine] = answer(core, take(origins, mine), open_to, seeds, wish)
    return row, seconds


def _seeds(destinations: Spots, rows: Ints) -> Seeds:
    """Destinations as labels of the nodes they hang on, in the order of nodes."""
    rows = rows[np.argsort(destinations.ends[:, START].take(rows))]
    node = destinations.ends[:, : END + 1].take(rows, axis=0).ravel()
    seconds = destinations.arrive + destinations.extra[:, None]
    return Seeds(node, seconds.take(rows, axis=0).ravel(), np.repeat(rows, 2))


Wish = tuple[int, float, int, int]
"""k, limit [s], threads and owner."""


def _several(
    core: Core, origins: Spots, destinations: Spots, seeds: Seeds, wish: Wish
) -> tuple[Ints, Floats]:
    """The k nearest, from lists of the k nearest of every node."""
    k, limit_s, threads, owner = wish
    lists = Lists(
        np.empty(core.n_nodes * k),
        np.empty(core.n_nodes * k, dtype=np.int64),
        fresh=np.empty(core.n_nodes * k, dtype=np.bool_),
        any=np.zeros(core.n_nodes, dtype=np.bool_),
        k=np.uint32(k),
    )
    queue = queue_for(core)
    batch = _batch(core, len(seeds.node), k, limit_s)
    spread(core.roads_back, queue, lists, seeds, batch, search_limit(limit_s), owner)
    core.queues.append(queue)
    best = _room(len(origins.ends), k)
    hung = _on_lines(core, destinations)

    def share(spans: Iterator[tuple[int, int]]) -> None:
        for span in spans:
            gather(origins, destinations, hung, lists, limit_s, span, best)

    together(share, _spans(len(origins.ends), threads), threads)
    give_back(core, destinations, hung)
    return best.row.reshape(-1, k), best.seconds.reshape(-1, k)


def _one(
    core: Core, origins: Spots, destinations: Spots, seeds: Seeds, wish: Wish
) -> tuple[Ints, Floats]:
    """The nearest, from labels of nodes; only what has been touched is looked at."""
    _, limit_s, threads, owner = wish
    queue, row = _labels(core, seeds, limit_s, threads, owner)
    best = _room(len(origins.ends), 1)
    hung = _on_lines(core, destinations)
    touched = int(queue.size[1])
    few = origins is core.nodes and touched * FEW_TOUCHED < core.n_nodes

    def answer(order: NDArray[np.uint32]) -> None:
        gather_one(origins, destinations, hung, queue.seconds, row, limit_s, order, best)

    def share(spans: Iterator[tuple[int, int]]) -> None:
        for first, last in spans:
            answer(np.arange(first, last, dtype=np.uint32))

    def share_few(spans: Iterator[tuple[int, int]]) -> None:
        for span in spans:
            around(inside, queue, row, limit_s, span, best)

    if few:
        inside = inside_chains(core)
        _fill(best, threads)
        together(share_few, _spans(touched, threads), threads)
        answer(_on_same_lines(inside, destinations))
    else:
        together(share, _spans(len(origins.ends), threads), threads)
    give_back(core, destinations, hung)
    forget(queue, row)
    core.queues.append(queue)
    core.rows.append(row)
    return best.row.reshape(-1, 1), best.seconds.reshape(-1, 1)


def _on_same_lines(inside: Inside, destinations: Spots) -> NDArray[np.uint32]:
    """Nodes inside chains that may have a destination on theirs."""
    node = np.unique(destinations.ends[destinations.ends[:, LINE] >= 0, START])
    begin, end = inside.first[node].astype(np.int64), inside.first[node + 1].astype(np.int64)
    ahead = np.cumsum(end - begin) - (end - begin)
    item = np.repeat(begin - ahead, end - begin)
    points: NDArray[np.uint32] = inside.point[item + np.arange(len(item))]
    return points


def _labels(core: Core, seeds: Seeds, limit_s: float, threads: int, owner: int) -> Labels:
    """The nearest destination of every node, by threads that search from some of them each."""
    count = len(seeds.node)
    batch = _batch(core, count, 1, limit_s)
    found: list[Labels] = []

    def work(spans: Iterator[tuple[int, int]]) -> None:
        queue, row = queue_for(core), rows_for(core)
        found.append((queue, row))
        for span in spans:
            spread_one(
                core.roads_back, queue, row, seeds, span, batch, search_limit(limit_s), owner
            )

    # each thread would search everywhere from many at a time
    threads = threads if batch == FEW_SEEDS else 1
    part = max(2 * batch, -(-count // (8 * threads))) if threads > 1 else max(count, 1)
    bounds = [*range(0, count, part), count]
    together(work, list(pairwise(bounds)), threads)
    if not found:
        return queue_for(core), rows_for(core)
    queue, row = found[0]
    for other, other_row in found[1:]:
        hand_in(queue, row, other, other_row)
        core.queues.append(other)
        core.rows.append(other_row)
    return queue, row


def _batch(core: Core, n_ends: int, k: int, limit_s: float) -> int:
    """How many ends of destinations to search from at a time.

    Few at a time keep to one part of a network that is too large for the processor's memory, but
    search it again where their surroundings overlap: here, where more than twice as many of them
    meet at a node as it keeps. A search within L finds about 2 (L / c)**2 nodes of a street grid
    with edges of c seconds.
    """
    if core.n_nodes * k < MANY_LABELS:
        return max(n_ends, 1)
    meet = n_ends * (limit_s / core.mean_s) ** 2 / core.n_nodes
    return FEW_SEEDS if meet <= 2 * k else max(n_ends, 1)


def _spans(count: int, threads: int) -> list[tuple[int, int]]:
    part = count if threads == 1 else max(LEAST_PART, count // (4 * threads))
    return list(pairwise([*range(0, count, max(part, 1)), count]))


def _room(points: int, k: int) -> Lists:
    none = np.zeros(0, dtype=np.bool_)
    row = np.empty(points * k, dtype=np.int64)
    return Lists(np.empty(points * k), row, fresh=none, any=none, k=np.uint32(k))


def _fill(best: Lists, threads: int) -> None:
    """Answer for everybody that there is none."""

    def share(spans: Iterator[tuple[int, int]]) -> None:
        for first, last in spans:
            best.seconds[first:last] = np.nan
            best.row[first:last] = -1

    together(share, _spans(len(best.row), threads), threads)


def _on_lines(core: Core, destinations: Spots) -> Hung:
    on_line = np.flatnonzero(destinations.ends[:, LINE] >= 0)
    nothing = np.zeros(0, dtype=np.uint32)
    at_nodes = nothing, nothing, np.zeros(0), nothing, nothing
    return hang_on_lines(core, destinations, on_line, at_nodes)
