"""Which engine answers: scipy, or the compiled loops once they have paid for themselves.

Compiling takes seconds, once for a machine; after that loading takes part of a second in every
process. scipy answers until the time it has taken in this process, with what it would take for the
next job, exceeds that price: a small plan never pays it, a large one waits at most about twice as
long as it had to. Answers do not depend on the engine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from communityplan._search import plain
from communityplan._search.ask import Ask
from communityplan._search.dense import nodes_reached
from communityplan._search.graph import Floats, Ints

__all__ = ["Engine", "answer"]

Answer = TypeVar("Answer")

COMPILING_S = 6.5
LOADING_S = 0.8

EDGE_S = 1e-6
"""What scipy's matrix takes for every edge, once [s]."""

NODE_S = 2e-8
"""What scipy takes for every node of the network in one search [s]."""

REACHED_S = 4e-7
"""What it takes besides for every node that is reached [s]."""


class Engine(Protocol):
    """What an engine can do; `jobs` says what the answers are."""

    def pairs(self, ask: Ask) -> tuple[Ints, Ints, Floats]:
        """Origin, destination and seconds of every pair within the limit."""

    def nearest(self, ask: Ask, k: int) -> tuple[Ints, Floats]:
        """Destinations and seconds, k for every origin."""

    def counts(
        self, ask: Ask, limits_s: list[float], weight: Floats, *, by_origin: bool
    ) -> tuple[Ints, Floats]:
        """Number and weight within each limit."""

    def balls(self, ask: Ask, *, reverse: bool) -> tuple[Ints, Ints, Floats]:
        """Point, node and seconds; origins are points, destinations all nodes."""


@dataclass
class _State:
    """What this process has done so far."""

    plain_s: float = 0.0
    compiled: Engine | None = None


_state = _State()


def answer(ask: Ask, question: Callable[[Engine], Answer]) -> Answer:
    """Put a question to the engine that should answer it.

    Parameters
    ----------
    ask : Ask
    question : callable
        Given the engine, gives the answer.
    """
    if _state.compiled is None and _plain_s(ask) > _price_s() - _state.plain_s:
        _state.compiled = _compiled()
    if _state.compiled is not None:
        return question(_state.compiled)
    start = time.perf_counter()
    found = question(plain)
    _state.plain_s += time.perf_counter() - start
    return found


def _plain_s(ask: Ask) -> float:
    """About what scipy would take [s]; how many nodes a search reaches is only tried out where it
    decides.
    """
    graph = ask.graph
    searches = 2 * min(len(ask.origins), len(ask.destinations))
    making_s = 0.0 if ("matrix", 0) in graph.cache else EDGE_S * graph.n_edges
    least_s = making_s + searches * graph.n_nodes * NODE_S
    left_s = _price_s() - _state.plain_s
    if least_s > left_s or least_s + searches * graph.n_nodes * REACHED_S <= left_s:
        return least_s
    return least_s + searches * nodes_reached(graph, ask.origins, ask.limit_s) * REACHED_S


def _price_s() -> float:
    """What compiled code costs at its first use in this process [s]."""
    if find_spec("numba") is None:
        return np.inf
    folders = [Path(__file__).parent / "__pycache__"]
    if "NUMBA_CACHE_DIR" in os.environ:
        folders = list(Path(os.environ["NUMBA_CACHE_DIR"]).glob("_search_*"))
    kept = any(next(folder.glob("kernels.sweep*.nbi"), None) for folder in folders)
    return LOADING_S if kept else COMPILING_S


def _compiled() -> Engine | None:
    """The compiled engine, None where numba does not run here."""
    try:
        from communityplan._search import compiled
    # a numba that does not fit this numpy, or does not know the options
    except (ImportError, KeyError):
        return None
    return compiled
