"""The network as the compiled engine searches it: without the nodes inside chains of edges.

A node where just two edges meet is no choice for a walker. Chains of such nodes become one edge,
and the nodes inside them become points along it. Sums of ticks are exact, so this changes no
result. The nodes that stay are numbered along a Hilbert curve: neighbours lie close in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from communityplan._search.ends import (
    LINE,
    OWNER,
    START,
    Ends,
    Spots,
    check_ends,
    everywhere,
    spots_on_edges,
    unattached,
)
from communityplan._search.graph import Floats, Ints, SearchGraph, ticks
from communityplan._search.kernels import DEAD_END, Hung, Queue, Roads
from communityplan._search.shaping import Chains, Edges, Joints, contract, group
from communityplan._search.single import Inside

__all__ = ["Core", "core_of", "core_spots", "queue_for", "rows_for", "slots_for"]


_building = Lock()


@dataclass(frozen=True, eq=False)
class Core:
    """What is searched.

    Attributes
    ----------
    n_nodes : int
        Nodes that stay.
    n_lines : int
        Edges as given, then chains.
    roads, roads_back : Roads
        Edges and chains between nodes that stay, and the same turned round.
    rank : array of int32, shape (nodes as given,)
        Number of each node that stays, -1 for those inside chains.
    edges, chains
        What `contract` found.
    nodes : Spots
        Every node as given, as a point of the core.
    mean_s, long_s : float
        Mean time of its edges and chains, and what nine of ten do not exceed [s].
    private : bool
        Whether any edge has an owner.
    queues : list of Queue
        Room for searches, used again.
    rows : list of array
        Room for the nearest row of every node, all -1.
    slots : list of array
        Room to look up lines, all zero.
    hung : dict
        All nodes as targets, for searches forward (False) and backward (True).
    inside : list of Inside
        Where nodes inside chains hang, once it has been asked.
    """

    n_nodes: int
    n_lines: int
    roads: Roads
    roads_back: Roads
    rank: NDArray[np.int32]
    edges: Edges
    chains: Chains
    nodes: Spots
    mean_s: float
    long_s: float
    private: bool
    queues: list[Queue] = field(default_factory=list)
    rows: list[NDArray[np.int32]] = field(default_factory=list)
    slots: list[NDArray[np.uint32]] = field(default_factory=list)
    hung: dict[bool, Hung] = field(default_factory=dict)
    inside: list[Inside] = field(default_factory=list)


def core_of(graph: SearchGraph) -> Core:
    """The core of a graph, made once."""
    with _building:
        if "core" not in graph.cache:
            graph.cache["core"] = _core(graph)
    core: Core = graph.cache["core"]
    return core


def _core(graph: SearchGraph) -> Core:
    edges, joints, chains = _contracted(graph)
    stay = np.flatnonzero(~joints.inner)
    if graph.xy is not None:
        stay = stay[np.argsort(_hilbert(graph.xy.take(stay, axis=0)))]
    rank = np.full(graph.n_nodes, -1, dtype=np.int32)
    rank[stay] = np.arange(len(stay), dtype=np.int32)
    nodes = _node_spots(graph, rank, joints, chains)
    del joints
    kept = np.flatnonzero((edges.chain < 0) & (graph.tail != graph.head))
    tail = rank[np.concatenate([graph.tail[kept], chains.start])]
    head = rank[np.concatenate([graph.head[kept], chains.end])]
    there = np.concatenate([graph.forward_s[kept], chains.ahead])
    back = np.concatenate([graph.backward_s[kept], chains.behind])
    owner = np.concatenate([graph.owner[kept], np.zeros(len(chains.start), dtype=np.int32)])
    roads = _roads(len(stay), tail=tail, head=head, there=there, back=back, owner=owner)
    same = np.array_equal(there, back)
    mean_s, long_s = _sizes(there)
    return Core(
        n_nodes=len(stay),
        n_lines=graph.n_edges + len(chains.start),
        roads=roads,
        roads_back=roads
        if same
        else _roads(len(stay), tail=head, head=tail, there=there, back=back, owner=owner),
        rank=rank,
        edges=edges,
        chains=chains,
        nodes=nodes,
        mean_s=mean_s,
        long_s=long_s,
        private=bool(graph.owner.any()),
    )


def _contracted(graph: SearchGraph) -> tuple[Edges, Joints, Chains]:
    n, m = graph.n_nodes, graph.n_edges
    edges = Edges(
        graph.tail,
        graph.head,
        graph.forward_s,
        graph.backward_s,
        graph.owner,
        chain=np.full(m, -1, dtype=np.int32),
        place=np.zeros(m, dtype=np.int32),
        forth=np.zeros(m, dtype=np.bool_),
    )
    joints = Joints(
        degree=np.zeros(n, dtype=np.int32),
        edges=np.zeros(n, dtype=np.int64),
        inner=np.ones(n, dtype=np.bool_),
        other=np.zeros(n, dtype=np.int32),
        chain=np.full(n, -1, dtype=np.int32),
        place=np.zeros(n, dtype=np.int32),
        ahead=np.zeros(n),
        behind=np.zeros(n),
    )
    room = min(n, m)
    chains = Chains(
        np.zeros(room, dtype=np.int32),
        np.zeros(room, dtype=np.int32),
        np.zeros(room),
        np.zeros(room),
    )
    found = contract(edges, joints, chains)
    return edges, joints, Chains(*(array[:found].copy() for array in chains))


def _roads(
    n_nodes: int,
    *,
    tail: NDArray[np.int32],
    head: NDArray[np.int32],
    there: Floats,
    back: Floats,
    owner: NDArray[np.int32],
) -> Roads:
    tails, heads = np.concatenate([tail, head]), np.concatenate([head, tail])
    cost = np.concatenate([there, back])
    passable = np.isfinite(cost) & (tails != heads)
    tails[~passable] = -1
    owned = np.flatnonzero(owner)
    owned = np.concatenate([owned, owned + len(owner)])
    private = np.full(len(tails), -1, dtype=np.int32) if len(owned) else tails[:0]
    private[owned], tails[owned] = tails[owned], -1
    own_first, own = _grouped(private, n_nodes)
    own_roads = own_first, heads[own].astype(np.uint32), cost[own], np.tile(owner, 2)[own]
    first, public = _grouped(tails, n_nodes)
    del tails, passable, private
    roads = Roads(first, heads[public].astype(np.uint32), cost[public], *own_roads)
    _mark_dead_ends(roads)
    return roads


def _mark_dead_ends(roads: Roads) -> None:
    """Mark the heads of edges from where the only edge that leaves leads back."""
    alone = (np.diff(roads.first) == 1) & (np.diff(roads.own_first) == 0)
    end = np.flatnonzero(alone).astype(np.uint32)
    back_to = roads.head[roads.first[end]]
    edge = roads.first[back_to]
    while len(edge):
        left = edge < roads.first[back_to + 1]
        end, back_to, edge = end[left], back_to[left], edge[left]
        found = (roads.head[edge] & ~DEAD_END) == end
        roads.head[edge[found]] |= DEAD_END
        edge = edge + np.uint32(1)


def _grouped(keys: NDArray[np.int32], n_keys: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Where each key begins, and positions in the order of their keys; negative ones left out."""
    first = np.zeros(n_keys + 1, dtype=np.uint32)
    order = np.empty(len(keys), dtype=np.uint32)
    group(keys, first, order)
    return first, order[: first[-1]]


def _node_spots(
    graph: SearchGraph, rank: NDArray[np.int32], joints: Joints, chains: Chains
) -> Spots:
    spots = unattached(graph.n_nodes)
    spots.ends[:, START] = rank
    inner = np.flatnonzero(joints.chain >= 0)
    chain = joints.chain[inner]
    nodes = rank[chains.start[chain]], rank[chains.end[chain]]
    owner = np.zeros(len(inner), dtype=np.int32)
    spots.ends[inner] = np.column_stack([*nodes, graph.n_edges + chain, owner])
    spots.where[inner] = joints.place[inner]
    _put_along(spots, inner, chains, chain, (joints.ahead[inner], joints.behind[inner]))
    # one table for both where nothing is uphill
    same = np.array_equal(spots.leave, spots.arrive)
    return spots._replace(leave=spots.arrive) if same else spots


def _put_along(
    spots: Spots,
    rows: Ints,
    chains: Chains,
    chain: NDArray[np.int32],
    from_start: tuple[Floats, Floats],
) -> None:
    """Times of points inside chains from the seconds between their start and the point."""
    ahead, behind = from_start
    spots.leave[rows] = np.column_stack([behind, chains.ahead[chain] - ahead])
    spots.arrive[rows] = np.column_stack([ahead, chains.behind[chain] - behind])


def core_spots(graph: SearchGraph, core: Core, ends: Ends, *, role: str) -> Spots:
    """Ends as points of the core.

    Parameters
    ----------
    graph : SearchGraph
    core : Core
    ends : Ends
    role : str
        What the points are called in messages.

    Raises
    ------
    OptionError
        As `spots_on_edges`.
    """
    if ends is everywhere(graph):
        return core.nodes
    on_edge = ends.edge >= 0
    if on_edge.any():
        spots = spots_on_edges(graph, ends, role=role)
        _move_to_core(graph, core, ends, spots)
        return spots
    check_ends(graph, ends, role=role)
    if not graph.n_nodes:
        return unattached(len(ends))
    node, nodes = np.maximum(ends.node, 0), core.nodes
    arrive = nodes.arrive.take(node, axis=0)
    leave = arrive if nodes.leave is nodes.arrive else nodes.leave.take(node, axis=0)
    where, extra = nodes.where.take(node), ticks(ends.extra_s)
    spots = Spots(nodes.ends.take(node, axis=0), leave, arrive, where, extra)
    spots.ends[np.flatnonzero(ends.node < 0), :OWNER] = -1
    return spots


def _move_to_core(graph: SearchGraph, core: Core, ends: Ends, spots: Spots) -> None:
    """Turn points of the network as given into points of the core."""
    at_node = np.flatnonzero((ends.edge < 0) & (ends.node >= 0))
    node = ends.node[at_node]
    spots.ends[at_node], spots.where[at_node] = core.nodes.ends[node], core.nodes.where[node]
    spots.leave[at_node], spots.arrive[at_node] = core.nodes.leave[node], core.nodes.arrive[node]
    on_edge = np.flatnonzero(ends.edge >= 0)
    chain = core.edges.chain[ends.edge[on_edge]]
    straight, on_chain, chain = on_edge[chain < 0], on_edge[chain >= 0], chain[chain >= 0]
    spots.ends[straight, :LINE] = core.rank[spots.ends[straight, :LINE]]
    edge = ends.edge[on_chain]
    nodes = core.rank[core.chains.start[chain]], core.rank[core.chains.end[chain]]
    spots.ends[on_chain, :OWNER] = np.column_stack([*nodes, graph.n_edges + chain])
    # a chain that leads from head to tail meets the point from its other end
    forth = core.edges.forth[edge]
    entry = np.where(forth, graph.tail[edge], graph.head[edge])
    side = np.where(forth, 0, 1)
    ahead = core.nodes.arrive[entry, 0] + spots.arrive[on_chain, side]
    behind = core.nodes.leave[entry, 0] + spots.leave[on_chain, side]
    along = ends.along[on_chain]
    spots.where[on_chain] = core.edges.place[edge] + np.where(forth, along, 1.0 - along)
    _put_along(spots, on_chain, core.chains, chain, (ahead, behind))


def _sizes(cost: Floats) -> tuple[float, float]:
    """The mean and a long time of edges [s], from a sample; 1 where there are none."""
    finite = cost[np.isfinite(cost)]
    some = finite[:: 1 + len(finite) // 10_000]
    if not some.any():
        return 1.0, 1.0
    return float(some.mean()), float(np.quantile(some, 0.9) or some.max())


def _hilbert(xy: Floats) -> NDArray[np.uint32]:
    """Position of points along a Hilbert curve through the square that holds them."""
    low = xy.min(axis=0, initial=np.inf)
    span = float((xy.max(axis=0, initial=-np.inf) - low).max())
    x, y = ((xy - low) / (span or 1.0) * (2**16 - 1)).astype(np.uint32).T.copy()
    quarter, turned = _four_levels()
    position = np.zeros(len(xy), dtype=np.uint32)
    turn = np.zeros(len(xy), dtype=np.uint32)
    for shift in (12, 8, 4, 0):
        key = (turn << 8) | (((x >> shift) & 15) << 4) | ((y >> shift) & 15)
        position = (position << 8) | quarter.take(key)
        turn = turned.take(key)
    return position


def _four_levels() -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Positions in a square of 16 x 16 on the curve, and how the curve lies in each of its cells.

    It may be turned over both diagonals: bit 0 where right is left and up is down, bit 1 where x
    is y.
    """
    turn, x, y = np.indices((4, 16, 16)).reshape(3, -1)
    position = np.zeros(len(turn), dtype=np.int64)
    for level in (3, 2, 1, 0):
        swapped = turn >> 1
        right = ((np.where(swapped, y, x) >> level) ^ turn) & 1
        up = ((np.where(swapped, x, y) >> level) ^ turn) & 1
        position = (position << 2) | ((3 * right) ^ up)
        turn = turn ^ np.where(up, 0, 2 + right)
    return position.astype(np.uint32), turn.astype(np.uint32)


def queue_for(core: Core) -> Queue:
    """Room for one search at a time: taken from those that lie ready, or made."""
    try:
        return core.queues.pop()
    except IndexError:
        return Queue(
            seconds=np.full(core.n_nodes, np.inf),
            touched=np.empty(core.n_nodes + 1, dtype=np.uint32),
            near=np.empty(2 ** core.n_nodes.bit_length(), dtype=np.uint32),
            far=np.empty(core.n_nodes + 1, dtype=np.uint32),
            waits=np.zeros(core.n_nodes, dtype=np.uint8),
            size=np.zeros(2, dtype=np.uint32),
            band_s=core.long_s,
        )


def slots_for(core: Core) -> NDArray[np.uint32]:
    """Room to look up the points of a line, all zero."""
    try:
        return core.slots.pop()
    except IndexError:
        return np.zeros(core.n_lines, dtype=np.uint32)


def rows_for(core: Core) -> NDArray[np.int32]:
    """Room for the nearest row of every node, nobody yet."""
    try:
        return core.rows.pop()
    except IndexError:
        return np.full(core.n_nodes, -1, dtype=np.int32)
