"""The compiled loops. Imported only when a job is worth it (see `engine`).


One search serves every job: labels are corrected in the order of buckets of a few seconds; every
node sits in at most one bucket, as a link in a list, so that nothing can overflow. All arrays come
from the caller; indices are unsigned, which saves the check for negative ones in every access.
"""

# ruff: noqa: PLR0917  (compiled functions take their arguments by position)

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from communityplan._search.ends import Spots

__all__ = [
    "BUCKETS",
    "Hung",
    "Queue",
    "Roads",
    "Tally",
    "along_line",
    "kernel",
    "pop",
    "push",
    "rounded",
    "sweep_counts",
    "sweep_pairs",
]

Array = NDArray[Any]
Function = TypeVar("Function", bound=Callable[..., Any])

BUCKETS = 256
"""A power of two. A walk that spans more of them is only searched in a worse order."""

_njit: Any = njit


def kernel(function: Function) -> Function:
    """Have a function compiled at its first call, and the code kept where there is a place."""
    # without reference counts: kernels allocate nothing, and counting takes three times the search
    options = {"nogil": True, "error_model": "numpy", "_nrt": False}
    try:
        compiled: Function = _njit(cache=True, **options)(function)
    except RuntimeError:
        # neither the package nor the home of the user can be written to
        compiled = _njit(**options)(function)
    return compiled


class Roads(NamedTuple):
    """Edges by the node they leave: everyone's, then those of owners.

    ``first`` uint32 (N + 1), ``head`` uint32, ``cost`` float64 [s]; the same with ``own_`` and
    ``own_owner`` int32.
    """

    first: Array
    head: Array
    cost: Array
    own_first: Array
    own_head: Array
    own_cost: Array
    own_owner: Array


class Queue(NamedTuple):
    """Labels of N nodes, and the buckets that hold the nodes whose label has to be passed on.

    ``seconds`` float64 (N): labels, infinite between searches. ``after``, ``before`` uint32
    (N + BUCKETS + 1): links; the heads of the lists follow the nodes, the last number means none.
    ``touched`` uint32 (N + 1): nodes with a label. ``size`` uint32 (2): nodes in buckets, and
    touched. ``per_bucket``: buckets per second.
    """

    seconds: Array
    after: Array
    before: Array
    touched: Array
    size: Array
    per_bucket: float


class Hung(NamedTuple):
    """Where targets hang, and what a search finds of them.

    ``first`` uint32 (N + 1), ``row`` uint32 and ``add`` float64, finite: targets at each node and
    their seconds from there, extra seconds included; ``slot`` uint32 (lines): 1 + first place in
    ``on_line`` (uint32, rows sorted by line), 0 for none; ``best`` float64 (T): infinite between
    searches; ``seen`` uint32 (T + 1); ``private``: whether any target has an owner.
    """

    first: Array
    row: Array
    add: Array
    slot: Array
    on_line: Array
    best: Array
    seen: Array
    private: bool


class Tally(NamedTuple):
    """Where counts go.

    ``limits`` float64 (L), ascending; ``weight`` float64 of what is counted; ``sums`` float64
    (L + 1, rows, 2): number and weight by the first limit that holds a walk, the last place for
    none; ``of_source``: whether rows are sources, else targets.
    """

    limits: Array
    weight: Array
    sums: Array
    of_source: bool


@kernel
def rounded(seconds: float) -> float:
    return (seconds + 402653184.0) - 402653184.0


@kernel
def push(queue: Queue, node: np.uint32, seconds: float) -> None:
    """Put a node into the bucket of its label, out of the one it was in."""
    none = np.uint32(len(queue.after) - 1)
    # no branch: a node in no bucket is linked to the last place on both sides
    left, right = queue.before[node], queue.after[node]
    queue.after[left] = right
    queue.before[right] = left
    queue.size[0] += np.uint32(left == none)
    queue.seconds[node] = seconds
    bucket = np.uint32(np.int64(seconds * queue.per_bucket)) & np.uint32(BUCKETS - 1)
    head = none - np.uint32(BUCKETS) + bucket
    right = queue.after[head]
    queue.after[head] = node
    queue.before[node] = head
    queue.after[node] = right
    queue.before[right] = node


@kernel
def pop(queue: Queue, head: np.uint32) -> np.uint32:
    """Take the first node out of a bucket that is not empty."""
    none = np.uint32(len(queue.after) - 1)
    node: np.uint32 = queue.after[head]
    right = queue.after[node]
    queue.after[head] = right
    queue.before[right] = head
    queue.before[node] = none
    queue.after[node] = none
    queue.size[0] -= np.uint32(1)
    return node


@kernel
def lower(queue: Queue, node: np.uint32, seconds: float) -> None:
    """Give a node a lower label."""
    queue.touched[queue.size[1]] = node
    queue.size[1] += np.uint32(queue.seconds[node] == np.inf)
    push(queue, node, seconds)


@kernel
def pass_on(roads: Roads, queue: Queue, node: np.uint32, limit: float, owner: int) -> None:
    """Lower the labels of all neighbours that are reached sooner through a node."""
    here = queue.seconds[node]
    for edge in range(roads.first[node], roads.first[node + np.uint32(1)]):
        there = here + roads.cost[np.uint32(edge)]
        head = roads.head[np.uint32(edge)]
        if there < queue.seconds[head] and there <= limit:
            lower(queue, head, there)
    if owner == 0:
        return
    for edge in range(roads.own_first[node], roads.own_first[node + np.uint32(1)]):
        there = here + roads.own_cost[np.uint32(edge)]
        head = roads.own_head[np.uint32(edge)]
        mine = roads.own_owner[np.uint32(edge)] == owner
        if mine and there < queue.seconds[head] and there <= limit:
            lower(queue, head, there)


@kernel
def search(roads: Roads, queue: Queue, limit: float, owner: int) -> None:
    """Make all labels final, beginning with those in the buckets."""
    none = np.uint32(len(queue.after) - 1)
    heads = none - np.uint32(BUCKETS)
    bucket = np.uint32(0)
    while queue.size[0] > 0:
        head = heads + (bucket & np.uint32(BUCKETS - 1))
        if queue.after[head] == none:
            bucket += np.uint32(1)
        else:
            pass_on(roads, queue, pop(queue, head), limit, owner)


@kernel
def see(
    targets: Spots, hung: Hung, row: np.uint32, seconds: float, n_seen: np.uint32, owner: int
) -> np.uint32:
    """Note a walk to a target; how many targets have been seen."""
    if hung.private:
        of = targets.ends[row, 3]
        if of != 0 and of != owner:  # noqa: PLR1714
            return n_seen
    # no branches: whether this walk is the first or the best so far cannot be predicted
    best = hung.best[row]
    hung.seen[n_seen] = row
    hung.best[row] = min(best, seconds)
    return np.uint32(n_seen + np.uint32(best == np.inf))


@kernel
def along_line(sources: Spots, source: np.uint32, targets: Spots, target: np.uint32) -> float:
    """Seconds between two points of one line; not below infinity where nobody can walk so."""
    if targets.where[target] > sources.where[source]:
        direct = targets.arrive[target, 0] - sources.arrive[source, 0]
    elif targets.where[target] < sources.where[source]:
        direct = sources.leave[source, 0] - targets.leave[target, 0]
    else:
        direct = 0.0
    total: float = direct + sources.extra[source] + targets.extra[target]
    return total


@kernel
def reach(
    roads: Roads,
    queue: Queue,
    sources: Spots,
    targets: Spots,
    hung: Hung,
    source: np.uint32,
    owner: int,
    limit: float,
) -> np.uint32:
    """Search from one source; how many targets are seen, their seconds in ``best``."""
    queue.size[1] = 0
    for side in range(2):
        node = sources.ends[source, side]
        seconds = sources.leave[source, side] + sources.extra[source]
        if node >= 0 and seconds <= limit and seconds < queue.seconds[node]:
            lower(queue, np.uint32(node), seconds)
    search(roads, queue, limit, owner)
    seen = np.uint32(0)
    for place in range(queue.size[1]):
        node = queue.touched[place]
        here = queue.seconds[node]
        queue.seconds[node] = np.inf
        for item in range(hung.first[node], hung.first[node + np.uint32(1)]):
            there = here + hung.add[np.uint32(item)]
            seen = see(targets, hung, hung.row[np.uint32(item)], there, seen, owner)
    line = sources.ends[source, 2]
    if line < 0 or hung.slot[line] == 0:
        return seen
    for item in range(hung.slot[line] - np.uint32(1), len(hung.on_line)):
        row = hung.on_line[np.uint32(item)]
        if targets.ends[row, 2] != line:
            break
        there = along_line(sources, source, targets, row)
        if there < np.inf:
            seen = see(targets, hung, row, there, seen, owner)
    return seen


@kernel
def sweep_pairs(
    roads: Roads,
    queue: Queue,
    sources: Spots,
    owner: Array,
    targets: Spots,
    hung: Hung,
    order: Array,
    begin: int,
    limits: tuple[float, float],
    row: Array,
    seconds: Array,
    count: Array,
) -> tuple[int, np.uint32]:
    """List the targets of one source after the other.

    Parameters
    ----------
    roads, queue, sources, targets, hung
        What to search; flipped for searches against the direction of walks.
    owner : array of int32
        Whose edges the search from each source may use.
    order : array of uint32
        Sources to search from.
    begin : int
        Where in `order` to begin.
    limits : tuple of float
        Limit of the search and limit of results [s].
    row, seconds : array of uint32, array of float
        Filled with targets and seconds.
    count : array of uint32, shape as `order`
        Filled with the number of targets of each source.

    Returns
    -------
    tuple of int, int
        Where in `order` to go on when there was no room left, and how many places are filled.
    """
    filled = np.uint32(0)
    for place in range(begin, len(order)):
        source = order[np.uint32(place)]
        seen = reach(roads, queue, sources, targets, hung, source, owner[source], limits[0])
        room = filled + seen <= len(row)
        start = filled
        for item in range(seen):
            target = hung.seen[np.uint32(item)]
            time = rounded(hung.best[target])
            hung.best[target] = np.inf
            if room:
                row[filled] = target
                seconds[filled] = time
                filled = np.uint32(filled + np.uint32(time <= limits[1]))
        if not room:
            return place, filled
        count[np.uint32(place)] = filled - start
    return len(order), filled


@kernel
def sweep_counts(
    roads: Roads,
    queue: Queue,
    sources: Spots,
    owner: Array,
    targets: Spots,
    hung: Hung,
    order: Array,
    limit: float,
    tally: Tally,
) -> None:
    """Count the targets of one source after the other, or the sources of every target."""
    for place in range(len(order)):
        source = order[np.uint32(place)]
        seen = reach(roads, queue, sources, targets, hung, source, owner[source], limit)
        for item in range(seen):
            target = hung.seen[np.uint32(item)]
            time = rounded(hung.best[target])
            hung.best[target] = np.inf
            mine, other = (source, target) if tally.of_source else (target, source)
            # no branches: which limit holds a walk cannot be predicted
            band = 0
            for place_of_limit in range(len(tally.limits)):
                band += time > tally.limits[place_of_limit]
            tally.sums[band, mine, 0] += 1.0
            tally.sums[band, mine, 1] += tally.weight[other]
