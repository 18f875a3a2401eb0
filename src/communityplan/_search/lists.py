"""Compiled loops for the k nearest: lists of the best labels at every node."""

# ruff: noqa: PLR0917  (compiled functions take their arguments by position)

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from communityplan._search.kernels import (
    BUCKETS,
    Queue,
    Roads,
    Sides,
    Sources,
    Targets,
    along_line,
    kernel,
    pop,
    push,
    rounded,
)

__all__ = ["Lists", "Seeds", "gather", "spread"]

Array = NDArray[Any]


class Lists(NamedTuple):
    """The best k labels of each node, sorted: ``seconds`` float64, ``row`` int64 (-1 for none).

    ``fresh`` bool: not passed on yet; empty where nothing is passed on. ``k``: length of each list.
    """

    seconds: Array
    row: Array
    fresh: Array
    k: np.uint32


class Seeds(NamedTuple):
    """Labels to begin with: ``node`` uint32, ``seconds`` float64, ``row`` int64."""

    node: Array
    seconds: Array
    row: Array


@kernel
def comes_before(seconds: float, row: int, other_seconds: float, other_row: int) -> bool:
    return seconds < other_seconds or (seconds == other_seconds and row < other_row)


@kernel
def offer(lists: Lists, node: np.uint32, seconds: float, row: int) -> bool:
    """Put a label into a node's list of the best k; whether it belongs there."""
    begin = node * lists.k
    last = begin + lists.k - np.uint32(1)
    if not comes_before(seconds, row, lists.seconds[last], lists.row[last]):
        return False
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
    lists.seconds[place] = seconds
    lists.row[place] = row
    if len(lists.fresh):
        lists.fresh[place] = True
    return True


@kernel
def hand_over(
    queue: Queue,
    lists: Lists,
    node: np.uint32,
    seconds: float,
    row: int,
    limit: float,
) -> None:
    """Offer a label to a node, and queue the node where it is taken."""
    if seconds <= limit and offer(lists, node, seconds, row) and seconds < queue.seconds[node]:
        push(queue, node, seconds)


@kernel
def hand_on(
    roads: Roads,
    queue: Queue,
    lists: Lists,
    place: np.uint32,
    node: np.uint32,
    limit: float,
    owner: int,
) -> None:
    """Offer one label of a node to all its neighbours."""
    here, row = lists.seconds[place], lists.row[place]
    for edge in range(roads.first[node], roads.first[node + np.uint32(1)]):
        there = here + roads.cost[np.uint32(edge)]
        hand_over(queue, lists, roads.head[np.uint32(edge)], there, row, limit)
    if owner == 0:
        return
    for edge in range(roads.own_first[node], roads.own_first[node + np.uint32(1)]):
        there = here + roads.own_cost[np.uint32(edge)]
        if roads.own_owner[np.uint32(edge)] == owner:
            hand_over(queue, lists, roads.own_head[np.uint32(edge)], there, row, limit)


@kernel
def hand_on_fresh(
    roads: Roads,
    queue: Queue,
    lists: Lists,
    node: np.uint32,
    bucket: np.uint32,
    limit: float,
    owner: int,
) -> None:
    """Hand on what is new at a node up to this bucket; the rest waits in a later one."""
    waits = False
    for place in range(node * lists.k, (node + np.uint32(1)) * lists.k):
        seconds = lists.seconds[np.uint32(place)]
        if seconds == np.inf:
            return
        if not lists.fresh[np.uint32(place)]:
            continue
        if waits and np.uint32(np.int64(seconds * queue.per_bucket)) > bucket:
            push(queue, node, seconds)
            return
        # the first one goes even if its bucket has come too early, so that every turn gets on
        waits = True
        lists.fresh[np.uint32(place)] = False
        hand_on(roads, queue, lists, np.uint32(place), node, limit, owner)


@kernel
def spread(
    roads: Roads, queue: Queue, lists: Lists, seeds: Seeds, limit: float, owner: int
) -> None:
    """Fill the lists of all nodes from seeds: the k best rows of each node.

    Parameters
    ----------
    roads, queue
        What to search.
    lists : Lists
        Empty: infinite seconds, rows -1, nothing fresh.
    seeds : Seeds
    limit : float
        Limit of the search [s].
    owner : int
        Whose edges may be used.
    """
    for seed in range(len(seeds.node)):
        node, seconds, row = seeds.node[seed], seeds.seconds[seed], seeds.row[seed]
        hand_over(queue, lists, node, seconds, row, limit)
    none = np.uint32(len(queue.after) - 1)
    heads = none - np.uint32(BUCKETS)
    bucket = np.uint32(0)
    while queue.size[0] > 0:
        head = heads + (bucket & np.uint32(BUCKETS - 1))
        if queue.after[head] == none:
            bucket += np.uint32(1)
        else:
            node = pop(queue, head)
            queue.seconds[node] = np.inf
            hand_on_fresh(roads, queue, lists, node, bucket, limit, owner)


@kernel
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
    sources: Sources,
    targets: Targets,
    sides: Sides,
    lists: Lists,
    limits: tuple[float, float],
    span: tuple[int, int],
    best: Lists,
) -> None:
    """The best k targets of points, from the lists of the nodes they hang on.

    Parameters
    ----------
    sources : Sources
        The points.
    targets : Targets
        Looked at for those on the line of a point.
    sides : Sides
    lists : Lists
        As `spread` leaves them.
    limits : tuple of float
        Limit of the search and limit of results [s].
    span : tuple of int
        First point, and one after the last.
    best : Lists
        Filled with rounded seconds and rows; nan and -1 where there is none. Nothing is fresh.
    """
    for place in range(span[0], span[1]):
        point = np.uint32(place)
        for item in range(point * best.k, (point + np.uint32(1)) * best.k):
            best.seconds[np.uint32(item)] = np.inf
            best.row[np.uint32(item)] = -1
        for side in range(2):
            if sources.at[point, side] >= 0:
                node = np.uint32(sources.at[point, side])
                from_node(lists, node, sources.time[point, sides.source + side], best, point)
        line = sources.at[point, 2]
        if line >= 0 and targets.slot[line] > 0:
            from_line(sources, targets, sides, line, best, point)
        present(best, point, limits[1])


@kernel
def from_node(lists: Lists, node: np.uint32, seconds: float, best: Lists, point: np.uint32) -> None:
    for item in range(node * lists.k, (node + np.uint32(1)) * lists.k):
        time = seconds + lists.seconds[np.uint32(item)]
        if time == np.inf or time > best.seconds[(point + np.uint32(1)) * best.k - np.uint32(1)]:
            return
        offer(best, point, time, lists.row[np.uint32(item)])


@kernel
def from_line(
    sources: Sources,
    targets: Targets,
    sides: Sides,
    line: int,
    best: Lists,
    point: np.uint32,
) -> None:
    for item in range(targets.slot[line] - np.uint32(1), len(targets.on_line)):
        row = targets.on_line[np.uint32(item)]
        if targets.at[row, 2] != line:
            return
        time = along_line(sides, sources.time[point], targets.time[row])
        if time < np.inf:
            offer(best, point, time, int(row))
