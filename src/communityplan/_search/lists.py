"""Compiled loops for the k nearest: lists of the best labels at every node."""

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
    along_line,
    come_near,
    kernel,
    rounded,
    step,
    wait,
)

__all__ = ["Lists", "Seeds", "comes_before", "from_line", "gather", "spread"]

Array = NDArray[Any]


class Lists(NamedTuple):
    """The best k labels of each node, sorted: ``seconds`` float64, ``row`` int64 (-1 for none).

    ``fresh`` bool: not passed on yet; empty where nothing is passed on. ``any`` bool (N): whether
    the list of a node has been begun; before that it holds anything. ``k``: length of each list.
    """

    seconds: Array
    row: Array
    fresh: Array
    any: Array
    k: np.uint32


class Seeds(NamedTuple):
    """Labels to begin with: ``node`` int32 (-1 for none), ``seconds`` float64, ``row`` int64."""

    node: Array
    seconds: Array
    row: Array


@step
def comes_before(
    seconds: float, row: int | np.int64, other_seconds: float, other_row: int | np.int64
) -> bool | np.bool_:
    return seconds < other_seconds or (seconds == other_seconds and row < other_row)


@step
def put(lists: Lists, place: np.uint32, seconds: float, row: int | np.int64) -> None:
    lists.seconds[place] = seconds
    lists.row[place] = row
    if len(lists.fresh):
        lists.fresh[place] = True


@step
def clear(lists: Lists, node: np.uint32) -> None:
    """Begin the list of a node."""
    for place in range(node * lists.k, (node + np.uint32(1)) * lists.k):
        lists.seconds[np.uint32(place)] = np.inf
        lists.row[np.uint32(place)] = -1


@step
def offer(lists: Lists, node: np.uint32, seconds: float, row: int | np.int64) -> bool:
    """Put a label into a node's list of the best k; whether it belongs there."""
    begin = node * lists.k
    last = begin + lists.k - np.uint32(1)
    if not comes_before(seconds, row, lists.seconds[last], lists.row[last]):
        return False
    if begin == last:
        put(lists, last, seconds, row)
        return True
    place = begin
    while place < last and lists.row[place] != row:
        place += np.uint32(1)
    if lists.row[place] == row and lists.seconds[place] <= seconds:
        return False
    while place > begin:
        above = place - np.uint32(1)
        if comes_before(lists.seconds[above], lists.row[above], seconds, row):
            break
        lists.seconds[place] = lists.seconds[above]
        lists.row[place] = lists.row[above]
        if len(lists.fresh):
            lists.fresh[place] = lists.fresh[above]
        place = above
    put(lists, place, seconds, row)
    return True


@step
def hand_over(
    queue: Queue,
    front: Front,
    lists: Lists,
    head: np.uint32,
    seconds: float,
    row: int,
    limit: float,
) -> Front:
    """Offer a label to the head of an edge, and have the node wait where it is taken."""
    if seconds > limit:
        return front
    node = np.uint32(head & ~DEAD_END)
    if not lists.any[node]:
        lists.any[node] = True
        clear(lists, node)
    # nothing is handed on from a dead end
    if offer(lists, node, seconds, row) and head == node:
        queue.seconds[node] = min(queue.seconds[node], seconds)
        front = wait(queue, front, node, seconds, ONE)
    return front


@step
def hand_on(
    roads: Roads,
    queue: Queue,
    front: Front,
    lists: Lists,
    place: np.uint32,
    node: np.uint32,
    limit: float,
    owner: int,
) -> Front:
    """Offer one label of a node to all its neighbours."""
    here, row = lists.seconds[place], lists.row[place]
    for edge in range(roads.first[node], roads.first[node + ONE]):
        there = here + roads.cost[np.uint32(edge)]
        front = hand_over(queue, front, lists, roads.head[np.uint32(edge)], there, row, limit)
    if owner == 0:
        return front
    for edge in range(roads.own_first[node], roads.own_first[node + ONE]):
        there = here + roads.own_cost[np.uint32(edge)]
        head = roads.own_head[np.uint32(edge)]
        if roads.own_owner[np.uint32(edge)] == owner:
            front = hand_over(queue, front, lists, head, there, row, limit)
    return front


@step
def hand_on_fresh(
    roads: Roads,
    queue: Queue,
    front: Front,
    lists: Lists,
    node: np.uint32,
    limit: float,
    owner: int,
) -> Front:
    """Hand on what is new at a node in this band; the rest waits for a later one."""
    for place in range(node * lists.k, (node + ONE) * lists.k):
        seconds = lists.seconds[np.uint32(place)]
        if seconds == np.inf:
            return front
        if not lists.fresh[np.uint32(place)]:
            continue
        if seconds >= front.below:
            queue.seconds[node] = min(queue.seconds[node], seconds)
            return wait(queue, front, node, seconds, ONE)
        lists.fresh[np.uint32(place)] = False
        front = hand_on(roads, queue, front, lists, np.uint32(place), node, limit, owner)
    return front


@kernel
def spread(
    roads: Roads, queue: Queue, lists: Lists, seeds: Seeds, batch: int, limit: float, owner: int
) -> None:
    """Fill the lists of all nodes from seeds: the k best rows of each node.

    Parameters
    ----------
    roads, queue
        What to search.
    lists : Lists
        None of them begun.
    seeds : Seeds
    batch : int
        How many seeds to search from at a time. Lists are the same for any number: few at a time
        stay in one place, many at a time find the best labels sooner.
    limit : float
        Limit of the search [s].
    owner : int
        Whose edges may be used.
    """
    for first in range(0, len(seeds.node), batch):
        front = Front(np.uint32(0), np.uint32(0), np.uint32(0), queue.band_s)
        for seed in range(first, min(first + batch, len(seeds.node))):
            if seeds.node[seed] >= 0:
                node = np.uint32(seeds.node[seed])
                if not lists.any[node]:
                    # points on the line of a seed are near it, however far its nodes are
                    lists.any[node] = True
                    clear(lists, node)
                row, seconds = seeds.row[seed], seeds.seconds[seed]
                front = hand_over(queue, front, lists, node, seconds, row, limit)
        hand_on_all(roads, queue, front, lists, limit, owner)


@step
def hand_on_all(
    roads: Roads, queue: Queue, front: Front, lists: Lists, limit: float, owner: int
) -> None:
    """Hand on until nothing is new anywhere."""
    place = np.uint32(0)
    while True:
        while place != front.last:
            node = queue.near[place & np.uint32(len(queue.near) - 1)]
            place = np.uint32(place + ONE)
            queue.waits[node] = 0
            queue.seconds[node] = np.inf
            front = hand_on_fresh(roads, queue, front, lists, node, limit, owner)
        if front.far == 0:
            return
        front = come_near(queue, front)


@step
def present(best: Lists, point: np.uint32, limit: float) -> None:
    """Round the list of a point, cut it at the limit, and put equal times in the order of rows."""
    begin = point * best.k
    for place in range(begin, begin + best.k):
        time = rounded(best.seconds[np.uint32(place)])
        if not time <= limit or time == np.inf:
            best.seconds[np.uint32(place)] = np.nan
            best.row[np.uint32(place)] = -1
            continue
        best.seconds[np.uint32(place)] = time
        back = np.uint32(place)
        while back > begin and best.seconds[back - np.uint32(1)] == time:
            if best.row[back - np.uint32(1)] < best.row[back]:
                break
            row = best.row[back]
            best.row[back] = best.row[back - np.uint32(1)]
            best.row[back - np.uint32(1)] = row
            back -= np.uint32(1)


@kernel
def gather(
    points: Spots,
    targets: Spots,
    hung: Hung,
    lists: Lists,
    limit: float,
    span: tuple[int, int],
    best: Lists,
) -> None:
    """The best k targets of points, from the lists of the nodes they hang on.

    Parameters
    ----------
    points, targets : Spots
    hung : Hung
        Looked at for targets on the line of a point.
    lists : Lists
        As `spread` leaves them.
    limit : float
        Limit of results [s].
    span : tuple of int
        First point, and one after the last.
    best : Lists
        Filled with rounded seconds and rows; nan and -1 where there is none. Nothing is fresh.
    """
    for place in range(span[0], span[1]):
        point = np.uint32(place)
        found = False
        for side in range(2):
            found = found or near(points, lists, point, side)
        if not found:
            for item in range(point * best.k, (point + np.uint32(1)) * best.k):
                best.seconds[np.uint32(item)] = np.nan
                best.row[np.uint32(item)] = -1
            continue
        clear(best, point)
        for side in range(2):
            from_node(points, lists, side, best, point)
        line = points.ends[point, 2]
        if line >= 0 and hung.slot[line] > 0:
            from_line(points, targets, hung, line, best, point)
        present(best, point, limit)


@step
def near(points: Spots, lists: Lists, point: np.uint32, side: int) -> bool:
    """Whether a node of a point has a list; in a large network most have none."""
    node = points.ends[point, side]
    return node >= 0 and bool(lists.any[node])


@step
def from_node(points: Spots, lists: Lists, side: int, best: Lists, point: np.uint32) -> None:
    """Offer the list of one of the two nodes of a point to the point."""
    if not near(points, lists, point, side):
        return
    node = np.uint32(points.ends[point, side])
    seconds = points.leave[point, side] + points.extra[point]
    last = (point + np.uint32(1)) * best.k - np.uint32(1)
    for item in range(node * lists.k, (node + np.uint32(1)) * lists.k):
        time = seconds + lists.seconds[np.uint32(item)]
        if time == np.inf or time > best.seconds[last]:
            return
        offer(best, point, time, lists.row[np.uint32(item)])


@step
def from_line(
    points: Spots, targets: Spots, hung: Hung, line: int, best: Lists, point: np.uint32
) -> None:
    for item in range(hung.slot[line] - np.uint32(1), len(hung.on_line)):
        row = hung.on_line[np.uint32(item)]
        if targets.ends[row, 2] != line:
            return
        time = along_line(points, point, targets, row)
        if time < np.inf:
            offer(best, point, time, np.int64(row))
