"""Compiled loops for the k nearest: lists of the best labels at every node."""

# ruff: noqa: PLR0917  (compiled functions take their arguments by position)

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from communityplan._search.ends import Spots
from communityplan._search.kernels import (
    BUCKETS,
    Hung,
    Queue,
    Roads,
    along_line,
    kernel,
    pop,
    push,
    rounded,
)

__all__ = ["Lists", "Seeds", "gather", "gather_one", "spread", "spread_one"]

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


@kernel
def comes_before(seconds: float, row: int, other_seconds: float, other_row: int) -> bool:
    return seconds < other_seconds or (seconds == other_seconds and row < other_row)


@kernel
def put(lists: Lists, place: np.uint32, seconds: float, row: int) -> None:
    lists.seconds[place] = seconds
    lists.row[place] = row
    if len(lists.fresh):
        lists.fresh[place] = True


@kernel
def clear(lists: Lists, node: np.uint32) -> None:
    """Begin the list of a node."""
    for place in range(node * lists.k, (node + np.uint32(1)) * lists.k):
        lists.seconds[np.uint32(place)] = np.inf
        lists.row[np.uint32(place)] = -1


@kernel
def offer(lists: Lists, node: np.uint32, seconds: float, row: int) -> bool:
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


@kernel
def hand_over(
    queue: Queue, lists: Lists, node: np.uint32, seconds: float, row: int, limit: float
) -> None:
    """Offer a label to a node, and queue the node where it is taken."""
    if seconds > limit:
        return
    if not lists.any[node]:
        lists.any[node] = True
        clear(lists, node)
    if offer(lists, node, seconds, row) and seconds < queue.seconds[node]:
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
        for seed in range(first, min(first + batch, len(seeds.node))):
            if seeds.node[seed] >= 0:
                node = np.uint32(seeds.node[seed])
                if not lists.any[node]:
                    # points on the line of a seed are near it, however far its nodes are
                    lists.any[node] = True
                    clear(lists, node)
                hand_over(queue, lists, node, seeds.seconds[seed], seeds.row[seed], limit)
        hand_on_all(roads, queue, lists, limit, owner)


@kernel
def hand_on_all(roads: Roads, queue: Queue, lists: Lists, limit: float, owner: int) -> None:
    """Hand on until nothing is new anywhere."""
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
def spread_one(
    roads: Roads, queue: Queue, lists: Lists, seeds: Seeds, limit: float, owner: int
) -> None:
    """`spread` for lists of one, which are plain labels.

    Parameters
    ----------
    roads, queue
        What to search; the labels of the queue are the seconds of the lists, infinite at first.
    lists : Lists
        None of them begun.
    seeds, limit, owner
        As for `spread`.
    """
    for seed in range(len(seeds.node)):
        if seeds.node[seed] >= 0:
            node = np.uint32(seeds.node[seed])
            lists.any[node] = True
            if seeds.seconds[seed] <= limit:
                take_over(queue, lists, node, seeds.seconds[seed], seeds.row[seed])
    none = np.uint32(len(queue.after) - 1)
    heads = none - np.uint32(BUCKETS)
    bucket = np.uint32(0)
    while queue.size[0] > 0:
        head = heads + (bucket & np.uint32(BUCKETS - 1))
        if queue.after[head] == none:
            bucket += np.uint32(1)
        else:
            hand_on_one(roads, queue, lists, pop(queue, head), limit, owner)


@kernel
def take_over(queue: Queue, lists: Lists, node: np.uint32, seconds: float, row: int) -> None:
    """Offer a label to a node that keeps one."""
    if comes_before(seconds, row, queue.seconds[node], lists.row[node]):
        lists.any[node] = True
        lists.row[node] = row
        push(queue, node, seconds)


@kernel
def hand_on_one(
    roads: Roads, queue: Queue, lists: Lists, node: np.uint32, limit: float, owner: int
) -> None:
    """Offer the label of a node to all its neighbours."""
    here, row = queue.seconds[node], lists.row[node]
    for edge in range(roads.first[node], roads.first[node + np.uint32(1)]):
        there = here + roads.cost[np.uint32(edge)]
        if there <= limit:
            take_over(queue, lists, roads.head[np.uint32(edge)], there, row)
    if owner == 0:
        return
    for edge in range(roads.own_first[node], roads.own_first[node + np.uint32(1)]):
        there = here + roads.own_cost[np.uint32(edge)]
        if there <= limit and roads.own_owner[np.uint32(edge)] == owner:
            take_over(queue, lists, roads.own_head[np.uint32(edge)], there, row)


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
        if not (near(points, lists, point, 0) or near(points, lists, point, 1)):
            for item in range(point * best.k, (point + np.uint32(1)) * best.k):
                best.seconds[np.uint32(item)] = np.nan
                best.row[np.uint32(item)] = -1
            continue
        clear(best, point)
        from_node(points, lists, 0, best, point)
        from_node(points, lists, 1, best, point)
        line = points.ends[point, 2]
        if line >= 0 and hung.slot[line] > 0:
            from_line(points, targets, hung, line, best, point)
        present(best, point, limit)


@kernel
def gather_one(
    points: Spots,
    targets: Spots,
    hung: Hung,
    lists: Lists,
    limit: float,
    span: tuple[int, int],
    best: Lists,
) -> None:
    """`gather` for lists of one, as `spread_one` leaves them."""
    for place in range(span[0], span[1]):
        point = np.uint32(place)
        best.seconds[point] = np.nan
        best.row[point] = -1
        if not (near(points, lists, point, 0) or near(points, lists, point, 1)):
            continue
        # a point at a node has no end, which takes for ever to reach
        start, end = points.ends[point, 0], points.ends[point, 1]
        here, there = np.uint32(start), np.uint32(end if end >= 0 else start)
        seconds = lists.seconds[here] + points.leave[point, 0]
        others = lists.seconds[there] + points.leave[point, 1]
        nearer = comes_before(others, lists.row[there], seconds, lists.row[here])
        best.seconds[point] = (others if nearer else seconds) + points.extra[point]
        best.row[point] = lists.row[there] if nearer else lists.row[here]
        line = points.ends[point, 2]
        if line >= 0 and hung.slot[line] > 0:
            from_line(points, targets, hung, line, best, point)
        time = rounded(best.seconds[point])
        within = time <= limit and time < np.inf
        best.seconds[point] = time if within else np.nan
        best.row[point] = best.row[point] if within else -1


@kernel
def near(points: Spots, lists: Lists, point: np.uint32, side: int) -> bool:
    """Whether a node of a point has a list; in a large network most have none."""
    node = points.ends[point, side]
    return node >= 0 and bool(lists.any[node])


@kernel
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


@kernel
def from_line(
    points: Spots, targets: Spots, hung: Hung, line: int, best: Lists, point: np.uint32
) -> None:
    for item in range(hung.slot[line] - np.uint32(1), len(hung.on_line)):
        row = hung.on_line[np.uint32(item)]
        if targets.ends[row, 2] != line:
            return
        time = along_line(points, point, targets, row)
        if time < np.inf:
            offer(best, point, time, int(row))
