"""Many searches, one after the other and on all processors: who searches for whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from communityplan._search.ask import Ask
from communityplan._search.core import Core, core_of, core_spots, queue_for, slots_for
from communityplan._search.ends import END, LINE, OWNER, START, Spots, usable_by
from communityplan._search.graph import Flags, Floats, Ints
from communityplan._search.kernels import GROUP, Hung, Queue, Roads
from communityplan._search.shaping import hook
from communityplan._search.single import Inside
from communityplan._search.threads import together

__all__ = [
    "Rows",
    "Sweep",
    "give_back",
    "hang_on_lines",
    "hung_nodes",
    "in_space",
    "inside_chains",
    "owners_of",
    "shared",
    "sweeps",
]

Rows = NDArray[np.uint32]

AtNodes = tuple[Rows, Rows, Floats, Rows, Rows]

CHUNKS_PER_THREAD = 8

LEAST_CHUNK = 32
"""Sources in a chunk; fewer are not worth a thread more."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """Searches from some sources for some targets.

    Attributes
    ----------
    core : Core
    roads : Roads
        Its roads, turned round where the sources are the destinations.
    backward : bool
        Whether they are.
    sources, targets : Spots
        All origins and all destinations; the other way round, and flipped, where backward.
    owner : array of int32
        Whose edges the search from each source may use.
    rows : array of uint32
        Sources to search from, in the order of the core.
    wanted : array of bool
        Targets to look for.
    limit_s : float
    threads : int
    everywhere : bool
        Whether the targets are all nodes.
    """

    core: Core
    roads: Roads
    backward: bool
    sources: Spots
    targets: Spots
    owner: NDArray[np.int32]
    rows: Rows
    wanted: Flags
    limit_s: float
    threads: int
    everywhere: bool = False


def sweeps(ask: Ask) -> Iterator[Sweep]:
    """One sweep from the origins, and one from the destinations for each owner with fewer of them.

    A search from a destination finds the walks of one allowed owner only; a search from an origin
    has an owner of its own.
    """
    core = core_of(ask.graph)
    origins = core_spots(ask.graph, core, ask.origins, role="origins")
    destinations = core_spots(ask.graph, core, ask.destinations, role="destinations")
    forward = np.zeros(len(ask.origins), dtype=np.bool_)
    for owner in owners_of(ask.allowed):
        mine = usable_by(origins, owner) & (ask.allowed == owner)
        ends = usable_by(destinations, owner)
        if np.count_nonzero(mine) <= np.count_nonzero(ends):
            forward |= mine
            continue
        yield Sweep(
            core,
            core.roads_back,
            backward=True,
            sources=destinations.flipped(),
            targets=origins.flipped(),
            owner=np.full(len(ends), owner, dtype=np.int32),
            rows=in_space(destinations, ends),
            wanted=mine,
            limit_s=ask.limit_s,
            threads=ask.threads,
        )
    if forward.any():
        yield Sweep(
            core,
            core.roads,
            backward=False,
            sources=origins,
            targets=destinations,
            owner=ask.allowed.astype(np.int32),
            rows=in_space(origins, forward),
            wanted=destinations.ends[:, START] >= 0,
            limit_s=ask.limit_s,
            threads=ask.threads,
        )


def owners_of(allowed: Ints) -> list[int]:
    """Every owner that is allowed to somebody, 0 for none."""
    if not allowed.any():
        return [0]
    return [int(owner) for owner in np.unique(allowed)]


def in_space(spots: Spots, some: Flags) -> Rows:
    """Rows in the order of the core, so that neighbours are searched one after the other."""
    rows = np.flatnonzero(some)
    return rows[np.argsort(spots.ends[:, START].take(rows))].astype(np.uint32)


def _hung(sweep: Sweep) -> Hung:
    """Hang the wanted targets on nodes, and on the lines of sources."""
    targets, core = sweep.targets, sweep.core
    if sweep.everywhere:
        return hung_nodes(core, backward=sweep.backward)
    # the last place stands for no line
    looked_up = np.zeros(core.n_lines + 1, dtype=np.bool_)
    looked_up[sweep.sources.ends[:, LINE].take(sweep.rows)] = True
    looked_up[-1] = False
    on_line = looked_up.take(targets.ends[:, LINE], mode="wrap") & sweep.wanted
    at_nodes = _at_nodes(core, targets, sweep.wanted)
    return hang_on_lines(core, targets, np.flatnonzero(on_line), at_nodes)


def hung_nodes(core: Core, *, backward: bool) -> Hung:
    """All nodes as targets, made once."""
    if backward not in core.hung:
        targets = core.nodes.flipped() if backward else core.nodes
        inner = np.flatnonzero(targets.ends[:, LINE] >= 0)
        at_nodes = _at_nodes(core, targets, np.ones(len(targets.ends), dtype=np.bool_))
        core.hung[backward] = hang_on_lines(core, targets, inner, at_nodes)
    return core.hung[backward]


def inside_chains(core: Core) -> Inside:
    """All nodes, and where those inside chains hang, made once."""
    if not core.inside:
        ends, leave = core.nodes.ends, core.nodes.leave
        line = ends[:, LINE] >= 0
        stay = np.flatnonzero(~line).astype(np.uint32)
        node = np.empty(core.n_nodes, dtype=np.uint32)
        node[ends[stay, START]] = stay
        first, item, add, row, _ = _at_nodes(core, core.nodes.flipped(), line, group=1)
        point, add = row[item[: first[-1]]], add[: first[-1]].copy()
        here = np.repeat(np.arange(core.n_nodes, dtype=np.int32), np.diff(first))
        # sums of ticks are exact
        other = ends[point, START] + ends[point, END] - here
        core.inside.append(Inside(node, first, point, add, other, leave[point].sum(axis=1) - add))
    return core.inside[0]


def _at_nodes(core: Core, targets: Spots, wanted: Flags, *, group: int = GROUP) -> AtNodes:
    """Where the targets of each node begin, their numbers, their seconds, and what numbers mean."""
    count = len(targets.ends)
    places = 2 * count * group
    first = np.zeros(core.n_nodes + 1, dtype=np.uint32)
    item, add = np.empty(places, dtype=np.uint32), np.empty(places)
    row, number = np.empty(count + 1, dtype=np.uint32), np.empty(count, dtype=np.uint32)
    table = first, item, add, row, number
    hook(targets.ends, targets.arrive, targets.extra, wanted, group, *table)
    return table


def hang_on_lines(core: Core, targets: Spots, rows: Ints, at_nodes: AtNodes) -> Hung:
    """Hang some targets on their lines; `give_back` has to follow.

    Parameters
    ----------
    core : Core
    targets : Spots
    rows : array of int
        Targets on lines.
    at_nodes : tuple of array
        ``first``, ``item``, ``add``, ``row`` and ``number`` of `Hung`.
    """
    rows = rows[np.argsort(targets.ends[:, LINE].take(rows))]
    line = targets.ends[:, LINE].take(rows)
    begins = np.flatnonzero(np.diff(line, prepend=-1))
    slot = slots_for(core)
    slot[line[begins]] = begins + 1
    return Hung(
        *at_nodes,
        slot,
        rows.astype(np.uint32),
        best=np.zeros(0),
        seen=np.zeros(0, dtype=np.uint32),
        private=bool((targets.ends[:, OWNER] > 0).any()),
    )


def give_back(core: Core, targets: Spots, hung: Hung) -> None:
    """Clear the table of lines for the next job."""
    hung.slot[targets.ends[hung.on_line, LINE]] = 0
    core.slots.append(hung.slot)


def shared(sweep: Sweep, work: Callable[[Queue, Hung, Iterator[Rows]], None]) -> None:
    """Do the searches of a sweep, one chunk of sources after the other."""
    hung = _hung(sweep)
    chunks = _chunks(sweep.rows, sweep.threads)

    def share(mine: Iterator[Rows]) -> None:
        queue = queue_for(sweep.core)
        work(queue, _own_room(hung, len(sweep.targets.ends)), mine)
        sweep.core.queues.append(queue)

    together(share, chunks, sweep.threads)
    if not sweep.everywhere:
        give_back(sweep.core, sweep.targets, hung)


def _own_room(hung: Hung, n_targets: int) -> Hung:
    """The same targets, with room for one thread to find them."""
    seen = np.empty(n_targets + 1, dtype=np.uint32)
    best = np.full(n_targets + 1, np.inf)
    best[-1] = -np.inf
    return hung._replace(best=best, seen=seen)


def _chunks(rows: Rows, threads: int) -> list[Rows]:
    if threads == 1:
        return [rows]
    size = max(LEAST_CHUNK, -(-len(rows) // (threads * CHUNKS_PER_THREAD)))
    return [rows[first : first + size] for first in range(0, len(rows), size)]
