"""Compiled loops that give arrays their shape: chains of edges, groups, rows into columns."""

# ruff: noqa: PLR0917  (compiled functions take their arguments by position)

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from communityplan._search.kernels import kernel, step

__all__ = [
    "Chains",
    "Edges",
    "Joints",
    "contract",
    "group",
    "hook",
    "tally_columns",
    "to_columns",
    "unzip",
]

Array = NDArray[Any]


class Edges(NamedTuple):
    """``tail``, ``head`` int32; ``forward``, ``backward`` float64 [s]; ``owner`` int32.

    ``chain`` int32: filled with the chain each edge is part of, -1 for none; ``place`` int32 and
    ``forth`` bool: with its position in the chain, and whether the chain leads from tail to head.
    """

    tail: Array
    head: Array
    forward: Array
    backward: Array
    owner: Array
    chain: Array
    place: Array
    forth: Array


class Joints(NamedTuple):
    """Nodes: ``degree`` int32, ``edges`` int64 (sum of the rows of its edges), ``inner`` bool.

    ``chain`` int32, ``place`` int32, ``ahead`` and ``behind`` float64: of inner nodes the chain,
    the position in it and the seconds from its start and back. ``other`` int32: a neighbour.
    """

    degree: Array
    edges: Array
    inner: Array
    other: Array
    chain: Array
    place: Array
    ahead: Array
    behind: Array


class Chains(NamedTuple):
    """``start``, ``end`` int32: nodes that stay; ``ahead``, ``behind`` float64: its seconds."""

    start: Array
    end: Array
    ahead: Array
    behind: Array


@kernel
def contract(edges: Edges, joints: Joints, chains: Chains) -> int:
    """Find the chains of edges between nodes that stay.

    A node is inside a chain where exactly two edges meet, everyone may walk both of them both
    ways, and they lead to two other nodes. A closed ring keeps one node.

    Parameters
    ----------
    edges : Edges
    joints : Joints
        Zeros and, for ``inner``, ones; ``chain`` -1; all filled.
    chains : Chains
        Room for as many chains as there are nodes and edges; filled.

    Returns
    -------
    int
        How many chains there are.
    """
    for edge in range(len(edges.tail)):
        tail, head = edges.tail[edge], edges.head[edge]
        plain = tail != head and edges.owner[edge] == 0
        plain = plain and edges.forward[edge] < np.inf and edges.backward[edge] < np.inf
        meet(joints, tail, head, edge, plain)
        meet(joints, head, tail, edge, plain)
    for node in range(len(joints.inner)):
        joints.inner[node] = joints.inner[node] and joints.degree[node] == 2
    found = 0
    for edge in range(len(edges.tail)):
        found += from_node(edges, joints, chains, edges.tail[edge], edge, found)
        found += from_node(edges, joints, chains, edges.head[edge], edge, found)
    for edge in range(len(edges.tail)):
        # a ring that nothing has begun: its first node stays
        tail = edges.tail[edge]
        if joints.inner[tail] and joints.chain[tail] < 0:
            joints.inner[tail] = False
            found += from_node(edges, joints, chains, tail, edge, found)
    return found


@step
def meet(joints: Joints, node: int, other: int, edge: int, plain: bool) -> None:
    """Note one end of an edge at a node."""
    if not plain or (joints.degree[node] == 1 and joints.other[node] == other):
        joints.inner[node] = False
    joints.degree[node] += 1
    joints.edges[node] += edge
    joints.other[node] = other


@step
def from_node(
    edges: Edges, joints: Joints, chains: Chains, start: int, edge: int, chain: int
) -> int:
    """Follow a chain from a node that stays along one of its edges; 1 where there is a new one."""
    other = edges.head[edge] if edges.tail[edge] == start else edges.tail[edge]
    if joints.inner[start] or not joints.inner[other] or joints.chain[other] >= 0:
        return 0
    node, place, ahead, behind = start, 0, 0.0, 0.0
    while True:
        edges.chain[edge] = chain
        forth = edges.tail[edge] == node
        edges.place[edge] = place
        edges.forth[edge] = forth
        ahead += edges.forward[edge] if forth else edges.backward[edge]
        behind += edges.backward[edge] if forth else edges.forward[edge]
        node = edges.head[edge] if forth else edges.tail[edge]
        if not joints.inner[node]:
            break
        place += 1
        joints.chain[node] = chain
        joints.place[node] = place
        joints.ahead[node] = ahead
        joints.behind[node] = behind
        edge = joints.edges[node] - edge
    chains.start[chain] = start
    chains.end[chain] = node
    chains.ahead[chain] = ahead
    chains.behind[chain] = behind
    return 1


@kernel
def group(keys: Array, first: Array, order: Array) -> None:
    """Positions in the order of their keys, equal keys as they come.

    Parameters
    ----------
    keys : array of int32
        Negative ones are left out.
    first : array of uint32, shape (N + 1,)
        Zeros; filled with where each key begins in `order`.
    order : array of uint32
        Filled with positions.
    """
    for item in range(len(keys)):
        if keys[item] >= 0:
            first[keys[item] + 1] += np.uint32(1)
    # while positions are filled in, the start of a key is kept at the key before it
    total = np.uint32(0)
    for key in range(1, len(first)):
        here = first[key]
        first[key] = total
        total += here
    for item in range(len(keys)):
        if keys[item] >= 0:
            key = keys[item] + 1
            order[first[key]] = np.uint32(item)
            first[key] += np.uint32(1)


@kernel
def hook(
    ends: Array,
    seconds: Array,
    extra: Array,
    wanted: Array,
    group: int,
    first: Array,
    item: Array,
    add: Array,
    row: Array,
    number: Array,
) -> None:
    """Hang points on the nodes they are reached from, and number them in the order of nodes.

    Parameters
    ----------
    ends : array of int32, shape (P, 4)
        As in `Spots`.
    seconds : array of float, shape (P, 2)
        Seconds from the two nodes to each point. An infinite time does not hang: it would be seen
        for the first time again and again.
    extra : array of float, shape (P,)
        Added to them.
    wanted : array of bool, shape (P,)
        Others do not hang anywhere.
    group : int
        The places of each node are filled up to a multiple of this.
    first : array of uint32, shape (N + 1,)
        Zeros; filled with where each node begins.
    item, add : array of uint32, array of float, shape (2 P * group,)
        Filled with the numbers of points and their seconds, P and 0 where there is none.
    row : array of uint32, shape (P + 1,)
        Filled with the point of each number; any point for number P.
    number : array of uint32, shape (P,)
        Filled with the number of each point.
    """
    nobody = np.uint32(len(wanted))
    row[nobody] = 0
    for point in range(len(wanted)):
        number[point] = nobody
        for side in range(2):
            if wanted[point] and ends[point, side] >= 0 and seconds[point, side] < np.inf:
                first[ends[point, side] + 1] += np.uint32(1)
    # while places are filled in, the start of a node is kept at the node before it
    total = np.uint32(0)
    for node in range(1, len(first)):
        here = first[node]
        first[node] = total
        total += filled_up(here, group)
    for place in range(total):
        item[np.uint32(place)], add[np.uint32(place)] = nobody, 0.0
    for point in range(len(wanted)):
        for side in range(2):
            if wanted[point] and ends[point, side] >= 0 and seconds[point, side] < np.inf:
                place = first[ends[point, side] + 1]
                item[place] = np.uint32(point)
                add[place] = seconds[point, side] + extra[point]
                first[ends[point, side] + 1] = place + np.uint32(1)
    for node in range(1, len(first)):
        first[node] = filled_up(first[node], group)
    given = np.uint32(0)
    for place in range(total):
        point = item[np.uint32(place)]
        if point != nobody:
            given = name(point, row, number, given)
            item[np.uint32(place)] = number[point]
    for point in range(len(wanted)):
        given = name(np.uint32(point), row, number, given)


@step
def filled_up(count: np.uint32, group: int) -> np.uint32:
    return np.uint32((np.int64(count) + group - 1) // group * group)


@step
def name(point: np.uint32, row: Array, number: Array, given: np.uint32) -> np.uint32:
    """Give a point the next number unless it has one; how many have been given."""
    if number[point] == np.uint32(len(number)):
        number[point] = given
        row[given] = point
        given = np.uint32(given + np.uint32(1))
    return given


@kernel
def tally_columns(
    begin: Array, count: Array, minor: Array, span: tuple[int, int], number: Array
) -> None:
    """Count the entries of each minor index in some of the rows.

    Parameters
    ----------
    begin, count : array of int64
        Where the entries of each row lie, and how many.
    minor : array of uint32
        Minor index of every entry.
    span : tuple of int
        First row, and one after the last.
    number : array of int64
        Zeros; filled.
    """
    for row in range(span[0], span[1]):
        for item in range(begin[row], begin[row] + count[row]):
            number[minor[np.uint64(item)]] += 1


@kernel
def to_columns(
    begin: Array,
    count: Array,
    minor: Array,
    value: Array,
    span: tuple[int, int],
    bits: int,
    place: Array,
    room: Array,
) -> None:
    """Put the entries of some rows, row after row, where their columns are.

    Parameters
    ----------
    begin, count, minor, span
        As for `tally_columns`.
    value : array of float
        Multiples of 2**-24 s, as whole numbers not longer than `bits`.
    bits : int
        Where the row begins in an entry of `room`: one write for each entry, to any place.
    place : array of int64
        Where the next entry of each column goes; counted on.
    room : array of int64, shape (entries,)
        Filled with rows and values.
    """
    for row in range(span[0], span[1]):
        for item in range(begin[row], begin[row] + count[row]):
            column = minor[np.uint64(item)]
            here = np.uint64(place[column])
            room[here] = (row << bits) | np.int64(value[np.uint64(item)] * 16777216.0)
            place[column] += 1


@kernel
def unzip(
    first: Array,
    room: Array,
    span: tuple[int, int],
    bits: int,
    column_out: Array,
    row_out: Array,
    value_out: Array,
) -> None:
    """Write the entries of some columns as three arrays: column, row and value.

    Parameters
    ----------
    first : array of int64
        Where each column begins in `room`, and where the last one ends.
    room, bits, span
        As for `to_columns`, with a span of columns.
    column_out, row_out, value_out : array of int64, of int64, of float
        Filled.
    """
    of_value = (np.int64(1) << bits) - 1
    for column in range(span[0], span[1]):
        for item in range(first[column], first[column + 1]):
            place = np.uint64(item)
            column_out[place] = column
            row_out[place] = room[place] >> bits
            value_out[place] = np.float64(room[place] & of_value) / 16777216.0
