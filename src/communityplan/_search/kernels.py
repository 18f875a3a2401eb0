"""The compiled loops. Imported only when a job is worth it (see `engine`).


One search serves every job: labels are corrected band by band of some seconds, and every node
waits at one place at most, so that nothing can overflow. What decides whether a way is shorter is
arithmetic instead of branches, which a processor could only guess: that is twice as fast as a
queue in a better order. All arrays come from the caller; indices are unsigned, which saves the
check for negative ones in every access.
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
    "DEAD_END",
    "GROUP",
    "ONE",
    "Front",
    "Hung",
    "Listed",
    "Queue",
    "Roads",
    "Tally",
    "along_line",
    "begin_at",
    "come_near",
    "kernel",
    "rounded",
    "step",
    "sweep_all",
    "wait",
]

Array = NDArray[Any]
Function = TypeVar("Function", bound=Callable[..., Any])

DEAD_END = np.uint32(2**31)
"""Marks the head of an edge from where all ways lead back to its tail."""

ONE = np.uint32(1)

GROUP = 4
"""Targets of a node are looked at in groups: a processor cannot guess how many there are."""

_njit: Any = njit


def kernel(function: Function) -> Function:
    """Have a function compiled at its first call, and the code kept where there is a place."""
    # without reference counts: kernels allocate nothing, and counting takes three times the search
    options = {"nogil": True, "error_model": "numpy", "_nrt": False, "no_cfunc_wrapper": True}
    try:
        compiled: Function = _njit(cache=True, **options)(function)
    except RuntimeError:
        # neither the package nor the home of the user can be written to
        compiled = _njit(**options)(function)
    return compiled


def step(function: Function) -> Function:
    """A function that only kernels call: it becomes part of them."""
    # nothing that Python could call is compiled: that would take longer than the function itself
    bare = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    compiled: Function = _njit(nogil=True, error_model="numpy", _nrt=False, **bare)(function)
    return compiled


class Roads(NamedTuple):
    """Edges by the node they leave: everyone's, then those of owners.

    ``first`` uint32 (N + 1), ``head`` uint32, with `DEAD_END` added where it is one, ``cost``
    float64 [s]; the same with ``own_``, never with `DEAD_END`, and ``own_owner`` int32.
    """

    first: Array
    head: Array
    cost: Array
    own_first: Array
    own_head: Array
    own_cost: Array
    own_owner: Array


class Queue(NamedTuple):
    """Labels of N nodes, and the nodes whose label has to be passed on: each once, near or far.

    ``seconds`` float64 (N): labels, infinite between searches. ``touched`` uint32 (N + 1): nodes
    with a label. ``near`` uint32 (a power of two above N): those to be passed on now, first come
    first served; ``far`` uint32 (N + 1): those of a later band. ``waits`` uint8 (N): whether a
    node is in one of them. ``size`` uint32 (2): how many are near when a search begins, and how
    many are touched; 0 between searches. ``band_s``: width of a band [s].
    """

    seconds: Array
    touched: Array
    near: Array
    far: Array
    waits: Array
    size: Array
    band_s: float


class Front(NamedTuple):
    """How far a search has come: places in `Queue` as local numbers.

    ``touched``: nodes touched; ``last``: one after the last that is near; ``far``: how many are
    far; ``below``: end of the band [s].
    """

    touched: np.uint32
    last: np.uint32
    far: np.uint32
    below: float


class Hung(NamedTuple):
    """Where targets hang, and what a search finds of them.

    ``first`` uint32 (N + 1), ``item`` uint32 and ``add`` float64, finite: targets at each node and
    their seconds from there, extra seconds included; groups are filled up with target T. Targets
    have numbers in the order of nodes, so that a search stays in one place: ``row`` uint32 (T + 1)
    is the target of a number, ``number`` uint32 (T) the other way round. ``slot`` uint32 (lines):
    1 + first place in ``on_line`` (uint32, rows sorted by line), 0 for none; ``best`` float64
    (T + 1): infinite between searches, but for T less than any; ``seen`` uint32 (T + 1): numbers;
    ``private``: whether any target has an owner.
    """

    first: Array
    item: Array
    add: Array
    row: Array
    number: Array
    slot: Array
    on_line: Array
    best: Array
    seen: Array
    private: bool


class Listed(NamedTuple):
    """Where pairs go: ``row`` uint32 and ``seconds`` float64 of targets, source after source.

    ``number`` uint32: how many there are of each source, in the order of searches.
    """

    row: Array
    seconds: Array
    number: Array


class Tally(NamedTuple):
    """Where counts go.

    ``limits`` float64 (L), ascending; ``weight`` float64 of what is counted; ``sums`` float64
    (L + 1, rows, 2): number and weight by the first limit that holds a walk, the last place for
    none; ``of_source``: whether rows are sources, else targets. Targets go by their numbers.
    """

    limits: Array
    weight: Array
    sums: Array
    of_source: bool


@step
def rounded(seconds: float) -> float:
    return (seconds + 402653184.0) - 402653184.0


@step
def begin_at(queue: Queue, node: np.uint32, seconds: float) -> None:
    """Give a node a label to begin with."""
    queue.touched[queue.size[1]] = node
    queue.size[1] += np.uint32(queue.seconds[node] == np.inf)
    queue.seconds[node] = seconds
    queue.near[queue.size[0]] = node
    queue.size[0] += ONE - np.uint32(queue.waits[node])
    queue.waits[node] = 1


@step
def wait(queue: Queue, front: Front, node: np.uint32, seconds: float, takes: np.uint32) -> Front:
    """Have a node wait near or far, if it takes part and does not wait yet."""
    waits = np.uint32(queue.waits[node])
    comes = takes & (waits ^ ONE)
    queue.waits[node] = waits | comes
    # written in any case, and kept by counting: no branches
    near = np.uint32(seconds < front.below)
    queue.near[front.last & np.uint32(len(queue.near) - 1)] = node
    queue.far[front.far] = node
    last = np.uint32(front.last + (comes & near))
    return Front(front.touched, last, np.uint32(front.far + (comes & (near ^ ONE))), front.below)


@step
def come_near(queue: Queue, front: Front) -> Front:
    """Begin the next band that has nodes, when none are near."""
    least = np.inf
    for place in range(front.far):
        least = min(least, queue.seconds[queue.far[np.uint32(place)]])
    below = front.below if least < front.below else least + queue.band_s
    last, far = front.last, np.uint32(0)
    for place in range(front.far):
        node = queue.far[np.uint32(place)]
        near = np.uint32(queue.seconds[node] < below)
        queue.near[last & np.uint32(len(queue.near) - 1)] = node
        queue.far[far] = node
        last = np.uint32(last + near)
        far = np.uint32(far + (near ^ ONE))
    return Front(front.touched, last, far, below)


@step
def lower(queue: Queue, front: Front, head: np.uint32, seconds: float, limit: float) -> Front:
    """Give the head of an edge a lower label, and have it wait unless it is a dead end."""
    node = np.uint32(head & ~DEAD_END)
    # no branches: whether a way is shorter cannot be predicted
    label = queue.seconds[node]
    seconds = seconds if seconds <= limit else np.inf
    better = np.uint32(seconds < label)
    queue.touched[front.touched] = node
    touched = np.uint32(front.touched + (better & np.uint32(label == np.inf)))
    queue.seconds[node] = min(seconds, label)
    front = Front(touched, front.last, front.far, front.below)
    return wait(queue, front, node, seconds, np.uint32(better & np.uint32(head == node)))


@step
def search(roads: Roads, queue: Queue, limit: float, owner: int) -> None:
    """Make all labels final, beginning with those that are near."""
    front = Front(queue.size[1], queue.size[0], np.uint32(0), queue.band_s)
    place = np.uint32(0)
    while True:
        while place != front.last:
            node = queue.near[place & np.uint32(len(queue.near) - 1)]
            place = np.uint32(place + ONE)
            queue.waits[node] = 0
            here = queue.seconds[node]
            for edge in range(roads.first[node], roads.first[node + ONE]):
                there = here + roads.cost[np.uint32(edge)]
                front = lower(queue, front, roads.head[np.uint32(edge)], there, limit)
            if owner == 0:
                continue
            for edge in range(roads.own_first[node], roads.own_first[node + ONE]):
                if roads.own_owner[np.uint32(edge)] == owner:
                    there = here + roads.own_cost[np.uint32(edge)]
                    front = lower(queue, front, roads.own_head[np.uint32(edge)], there, limit)
        if front.far == 0:
            break
        front = come_near(queue, front)
    queue.size[0] = 0
    queue.size[1] = front.touched


@step
def see(
    targets: Spots, hung: Hung, number: np.uint32, seconds: float, n_seen: np.uint32, owner: int
) -> np.uint32:
    """Note a walk to a target; how many targets have been seen."""
    if hung.private:
        of = targets.ends[hung.row[number], 3]
        if of != 0 and of != owner:  # noqa: PLR1714
            return n_seen
    # no branches: whether this walk is the first or the best so far cannot be predicted
    best = hung.best[number]
    hung.seen[n_seen] = number
    hung.best[number] = min(best, seconds)
    return np.uint32(n_seen + np.uint32(best == np.inf))


@step
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


@step
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
    for side in range(2):
        node = sources.ends[source, side]
        seconds = sources.leave[source, side] + sources.extra[source]
        if node >= 0 and seconds <= limit and seconds < queue.seconds[node]:
            begin_at(queue, np.uint32(node), seconds)
    search(roads, queue, limit, owner)
    seen = np.uint32(0)
    for place in range(queue.size[1]):
        node = queue.touched[place]
        here = queue.seconds[node]
        queue.seconds[node] = np.inf
        for group in range(hung.first[node], hung.first[node + ONE], GROUP):
            for place_in_group in range(GROUP):
                item = np.uint32(group + place_in_group)
                there = here + hung.add[item]
                seen = see(targets, hung, hung.item[item], there, seen, owner)
    queue.size[1] = 0
    line = sources.ends[source, 2]
    if line < 0 or hung.slot[line] == 0:
        return seen
    for entry in range(hung.slot[line] - np.uint32(1), len(hung.on_line)):
        row = hung.on_line[np.uint32(entry)]
        if targets.ends[row, 2] != line:
            break
        there = along_line(sources, source, targets, row)
        if there < np.inf:
            seen = see(targets, hung, hung.number[row], there, seen, owner)
    return seen


@kernel
def sweep_all(
    roads: Roads,
    queue: Queue,
    sources: Spots,
    owner: Array,
    targets: Spots,
    hung: Hung,
    order: Array,
    begin: int,
    limits: tuple[float, float],
    listed: Listed,
    tally: Tally,
) -> tuple[int, np.uint32]:
    """List or count the targets of one source after the other.

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
    listed : Listed
        Where pairs go, if there is room for any.
    tally : Tally
        Where counts go, if there are any limits.

    Returns
    -------
    tuple of int, int
        Where in `order` to go on when there was no room left, and how many places are filled.
    """
    filled = np.uint32(0)
    for place in range(begin, len(order)):
        source = order[np.uint32(place)]
        seen = reach(roads, queue, sources, targets, hung, source, owner[source], limits[0])
        if len(tally.limits):
            add_up(hung, source, seen, tally)
            continue
        if filled + seen > len(listed.row):
            for item in range(seen):
                hung.best[hung.seen[np.uint32(item)]] = np.inf
            return place, filled
        start = filled
        for item in range(seen):
            number = hung.seen[np.uint32(item)]
            time = rounded(hung.best[number])
            hung.best[number] = np.inf
            listed.row[filled] = hung.row[number]
            listed.seconds[filled] = time
            filled = np.uint32(filled + np.uint32(time <= limits[1]))
        listed.number[np.uint32(place)] = filled - start
    return len(order), filled


@step
def add_up(hung: Hung, source: np.uint32, seen: np.uint32, tally: Tally) -> None:
    """Count the targets of a source, or the source for each of them."""
    for item in range(seen):
        number = hung.seen[np.uint32(item)]
        time = rounded(hung.best[number])
        hung.best[number] = np.inf
        mine, other = (source, number) if tally.of_source else (number, source)
        # no branches: which limit holds a walk cannot be predicted
        band = 0
        for place in range(len(tally.limits)):
            band += time > tally.limits[place]
        tally.sums[band, mine, 0] += 1.0
        tally.sums[band, mine, 1] += tally.weight[other]
