"""Compiled loops for the nearest one: a label for every node, and the nodes that have one."""

# ruff: noqa: PLR0917  (compiled functions take their arguments by position)

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from communityplan._search.ends import Spots
from communityplan._search.kernels import (
    DEAD_END,
    ONE,
    Front,
    Hung,
    Queue,
    Roads,
    come_near,
    kernel,
    rounded,
    step,
    wait,
)
from communityplan._search.lists import Lists, Seeds, comes_before, from_line

__all__ = ["NOBODY", "Inside", "around", "forget", "gather_one", "hand_in", "spread_one"]

Array = NDArray[Any]


class Inside(NamedTuple):
    """All nodes of the network as given: ``node`` uint32 (N): those that stay.

    Those inside chains, by each of the two nodes they hang on: ``first`` uint32 (N + 1): where the
    points of a node begin; ``point`` uint32; ``add`` float64: seconds from the point to the node;
    ``other`` int32 and ``other_add`` float64: the same at the other end.
    """

    node: Array
    first: Array
    point: Array
    add: Array
    other: Array
    other_add: Array


NOBODY = -1
"""Of a node that has not been touched."""

NOBODY_NEAR = -2
"""Of a node with seeds on its lines, none of them within the limit."""


@kernel
def spread_one(
    roads: Roads,
    queue: Queue,
    row: Array,
    seeds: Seeds,
    span: tuple[int, int],
    batch: int,
    limit: float,
    owner: int,
) -> None:
    """Label nodes with the nearest row, of equally near ones with the first.

    Parameters
    ----------
    roads, queue
        What to search; the labels of the queue are kept and lowered.
    row : array of int32
        The rows that belong to them, `NOBODY` at first.
    seeds : Seeds
    span : tuple of int
        First seed, and one after the last.
    batch, limit, owner
        As for `lists.spread`.
    """
    for first in range(span[0], span[1], batch):
        front = Front(queue.size[1], np.uint32(0), np.uint32(0), queue.band_s)
        for seed in range(first, min(first + batch, span[1])):
            if seeds.node[seed] >= 0:
                node = np.uint32(seeds.node[seed])
                # points on the line of a seed are near it, however far its nodes are
                front = touch(queue, front, row, node)
                mine = seeds.row[seed]
                front = take_over(queue, front, row, node, seeds.seconds[seed], mine, limit)
        queue.size[1] = hand_on_ones(roads, queue, front, row, limit, owner)


@step
def touch(queue: Queue, front: Front, row: Array, node: np.uint32) -> Front:
    if row[node] != NOBODY:
        return front
    queue.touched[front.touched] = node
    row[node] = NOBODY_NEAR
    return Front(np.uint32(front.touched + ONE), front.last, front.far, front.below)


@step
def take_over(
    queue: Queue,
    front: Front,
    row: Array,
    head: np.uint32,
    seconds: float,
    mine: int | np.int64,
    limit: float,
) -> Front:
    """Offer a label to the head of an edge, and have the node wait where it is taken."""
    node = np.uint32(head & ~DEAD_END)
    # no branches, as in `kernels.lower`
    label, of = queue.seconds[node], row[node]
    sooner = np.uint32(seconds < label) | (np.uint32(seconds == label) & np.uint32(mine < of))
    better = sooner & np.uint32(seconds <= limit)
    queue.touched[front.touched] = node
    touched = np.uint32(front.touched + (better & np.uint32(of == NOBODY)))
    queue.seconds[node] = seconds if better else label
    row[node] = mine if better else of
    front = Front(touched, front.last, front.far, front.below)
    return wait(queue, front, node, seconds, np.uint32(better & np.uint32(head == node)))


@step
def hand_on_ones(
    roads: Roads, queue: Queue, front: Front, row: Array, limit: float, owner: int
) -> np.uint32:
    """Hand labels on until nothing changes any more; how many nodes are touched."""
    place = np.uint32(0)
    while True:
        while place != front.last:
            node = queue.near[place & np.uint32(len(queue.near) - 1)]
            place = np.uint32(place + ONE)
            queue.waits[node] = 0
            here, mine = queue.seconds[node], np.int64(row[node])
            for edge in range(roads.first[node], roads.first[node + ONE]):
                there = here + roads.cost[np.uint32(edge)]
                head = roads.head[np.uint32(edge)]
                front = take_over(queue, front, row, head, there, mine, limit)
            if owner == 0:
                continue
            for edge in range(roads.own_first[node], roads.own_first[node + ONE]):
                there = here + roads.own_cost[np.uint32(edge)]
                head = roads.own_head[np.uint32(edge)]
                if roads.own_owner[np.uint32(edge)] == owner:
                    front = take_over(queue, front, row, head, there, mine, limit)
        if front.far == 0:
            return front.touched
        front = come_near(queue, front)


@kernel
def hand_in(queue: Queue, row: Array, other: Queue, other_row: Array) -> None:
    """Take over the labels of another thread, which is left as if it had never searched."""
    for place in range(other.size[1]):
        node = other.touched[np.uint32(place)]
        queue.touched[queue.size[1]] = node
        queue.size[1] += np.uint32(row[node] == NOBODY)
        mine, theirs = queue.seconds[node], other.seconds[node]
        # no row comes before those that say why there is none
        if row[node] < 0 or comes_before(theirs, other_row[node], mine, row[node]):
            queue.seconds[node], row[node] = theirs, other_row[node]
        other.seconds[node], other_row[node] = np.inf, NOBODY
    other.size[1] = 0


@kernel
def forget(queue: Queue, row: Array) -> None:
    """Take the labels away again."""
    for place in range(queue.size[1]):
        node = queue.touched[np.uint32(place)]
        queue.seconds[node], row[node] = np.inf, NOBODY
    queue.size[1] = 0


@kernel
def around(
    inside: Inside,
    queue: Queue,
    row: Array,
    limit: float,
    span: tuple[int, int],
    best: Lists,
) -> None:
    """Answer for touched nodes, and for the points inside the chains that touch them.

    Parameters
    ----------
    inside : Inside
    queue, row
        As `spread_one` leaves them.
    limit : float
        Limit of results [s].
    span : tuple of int
        Places of touched nodes.
    best : Lists
        As for `gather_one`, but without targets on the line of a point.
    """
    for place in range(span[0], span[1]):
        node = queue.touched[np.uint32(place)]
        here, mine = queue.seconds[node], row[node]
        present_one(best, inside.node[node], here, mine, limit)
        for item in range(inside.first[node], inside.first[node + ONE]):
            entry = np.uint32(item)
            other = np.uint32(inside.other[entry])
            theirs = row[other]
            # the first of two touched nodes answers
            if theirs != NOBODY and other < node:
                continue
            from_here = here + inside.add[entry]
            from_other = queue.seconds[other] + inside.other_add[entry]
            if comes_before(from_other, theirs, from_here, mine):
                present_one(best, inside.point[entry], from_other, theirs, limit)
            else:
                present_one(best, inside.point[entry], from_here, mine, limit)


@step
def present_one(best: Lists, point: np.uint32, seconds: float, mine: int, limit: float) -> None:
    """Round an answer, and cut it at the limit."""
    time = rounded(seconds)
    within = time <= limit and time < np.inf
    best.seconds[point] = time if within else np.nan
    best.row[point] = mine if within else -1


@kernel
def gather_one(
    points: Spots,
    targets: Spots,
    hung: Hung,
    seconds: Array,
    row: Array,
    limit: float,
    order: Array,
    best: Lists,
) -> None:
    """The nearest target of points, from the labels of the nodes they hang on.

    Parameters
    ----------
    points, targets : Spots
    hung : Hung
        Looked at for targets on the line of a point.
    seconds, row : array of float, array of int32
        Labels of nodes as `spread_one` leaves them.
    limit : float
        Limit of results [s].
    order : array of uint32
        Points to answer for.
    best : Lists
        Filled with rounded seconds and rows; nan and -1 where there is none. Nothing is fresh.
    """
    for place in range(len(order)):
        point = order[np.uint64(place)]
        best.seconds[point] = np.nan
        best.row[point] = -1
        # a point at a node has no end, which takes for ever to reach
        start, end = points.ends[point, 0], points.ends[point, 1]
        here, there = np.uint32(max(start, 0)), np.uint32(end if end >= 0 else max(start, 0))
        if start < 0 or (row[here] == NOBODY and row[there] == NOBODY):
            continue
        from_start = seconds[here] + points.leave[point, 0]
        from_end = seconds[there] + points.leave[point, 1]
        nearer = comes_before(from_end, row[there], from_start, row[here])
        best.seconds[point] = (from_end if nearer else from_start) + points.extra[point]
        best.row[point] = row[there] if nearer else row[here]
        line = points.ends[point, 2]
        if line >= 0 and hung.slot[line] > 0:
            from_line(points, targets, hung, line, best, point)
        present_one(best, point, best.seconds[point], best.row[point], limit)
