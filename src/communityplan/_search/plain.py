"""The engine that needs no compilation: exact, and quick for small networks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from communityplan._search.ask import Ask, check_room, room_for_pairs
from communityplan._search.dense import Block, blocks
from communityplan._search.dense import balls as ball_blocks
from communityplan._search.ends import spots_on_edges
from communityplan._search.graph import Floats, Ints, rounded

__all__ = ["balls", "counts", "nearest", "pairs"]

Pairs = tuple[Ints, Ints, Floats]


def pairs(ask: Ask) -> Pairs:
    """See `jobs.pairs`."""
    room, found, done = room_for_pairs(), [], 0
    cells = max(1, len(ask.origins) * len(ask.destinations))
    for block in _blocks(ask, ask.limit_s):
        found.append(_within(block, ask.limit_s))
        done += block.seconds.size
        check_room(sum(len(part[0]) for part in found), done / cells, room)
    return _sorted(found)


def balls(ask: Ask, *, reverse: bool) -> Pairs:
    """See `jobs.balls`."""
    points = spots_on_edges(ask.graph, ask.origins, role="points")
    nodes = spots_on_edges(ask.graph, ask.destinations, role="nodes")
    parts = ball_blocks(ask.graph, points, nodes, ask.allowed, ask.limit_s, reverse=reverse)
    return _sorted([_within(block, ask.limit_s) for block in parts])


def _blocks(ask: Ask, limit_s: float) -> Iterator[Block]:
    leaving = spots_on_edges(ask.graph, ask.origins, role="origins")
    arriving = spots_on_edges(ask.graph, ask.destinations, role="destinations")
    return blocks(ask.graph, leaving, arriving, ask.allowed, limit_s)


def _within(block: Block, limit_s: float) -> Pairs:
    seconds = rounded(block.seconds)
    row, column = np.nonzero(np.isfinite(seconds) & (seconds <= limit_s))
    return block.origin[row], block.destination[column], seconds[row, column]


def _sorted(found: list[Pairs]) -> Pairs:
    none = np.zeros(0, dtype=np.int64)
    origin = np.concatenate([none, *(part[0] for part in found)])
    destination = np.concatenate([none, *(part[1] for part in found)])
    seconds = np.concatenate([np.zeros(0), *(part[2] for part in found)])
    order = np.lexsort((destination, origin))
    return origin[order], destination[order], seconds[order]


def nearest(ask: Ask, k: int) -> tuple[Ints, Floats]:
    """See `jobs.nearest`."""
    row = np.full((len(ask.origins), k), len(ask.destinations), dtype=np.int64)
    seconds = np.full((len(ask.origins), k), np.inf)
    for block in _blocks(ask, ask.limit_s):
        _keep_soonest(row, seconds, block)
    return _presented(row, seconds, ask.limit_s)


def _keep_soonest(row: Ints, seconds: Floats, block: Block) -> None:
    """Fold a block into the best k so far, in the order of exact seconds, then row."""
    k = row.shape[1]
    mine = block.origin
    candidates = np.broadcast_to(block.destination, block.seconds.shape)
    candidates = np.hstack([row[mine], candidates])
    times = np.hstack([seconds[mine], block.seconds])
    order = np.lexsort((candidates, times), axis=-1)[:, :k]
    row[mine] = np.take_along_axis(candidates, order, axis=1)
    seconds[mine] = np.take_along_axis(times, order, axis=1)


def _presented(row: Ints, seconds: Floats, limit_s: float) -> tuple[Ints, Floats]:
    """Best k as results: rounded, within the limit, equal times by row."""
    shown = rounded(seconds)
    beyond = ~(shown <= limit_s) | np.isinf(shown)
    shown[beyond] = np.nan
    row = np.where(beyond, -1, row)
    order = np.lexsort((row, shown), axis=-1)
    return np.take_along_axis(row, order, axis=1), np.take_along_axis(shown, order, axis=1)


def counts(
    ask: Ask, limits_s: list[float], weight: Floats, *, by_origin: bool
) -> tuple[Ints, Floats]:
    """See `jobs.counts`."""
    shape = (len(ask.origins if by_origin else ask.destinations), len(limits_s))
    count, total = np.zeros(shape, dtype=np.int64), np.zeros(shape)
    for block in _blocks(ask, ask.limit_s):
        seconds, mine, others = rounded(block.seconds), block.origin, block.destination
        if not by_origin:
            seconds, mine, others = seconds.T, others, mine
        for column, limit in enumerate(limits_s):
            near = (seconds <= limit) & np.isfinite(seconds)
            count[mine, column] += near.sum(axis=1)
            total[mine, column] += near @ weight[others]
    return count, total
