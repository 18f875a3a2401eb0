"""Which engine answers: scipy, or the compiled loops once they have paid for themselves.

Compiling takes seconds, once for a machine; after that loading takes part of a second in every
process. scipy answers until the time it has cost in this process, this job included, would exceed
that price: a small plan never pays it, a large one waits at most twice as long as it had to.
Answers do not depend on the engine.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from communityplan._search import plain
from communityplan._search.ask import Ask
from communityplan._search.graph import Floats, Ints

__all__ = ["Engine", "engine_for"]

COMPILING_S = 8.0
LOADING_S = 0.6

PLAIN_S_PER_NODE = 4e-7
"""What scipy takes for every node of the network in one search [s]."""


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


def engine_for(ask: Ask) -> Engine:
    """The engine to use for a question."""
    if _state.compiled is not None:
        return _state.compiled
    searches = 2 * min(len(ask.origins), len(ask.destinations))
    estimate_s = searches * ask.graph.n_nodes * PLAIN_S_PER_NODE
    if _state.plain_s + estimate_s > _price_s():
        _state.compiled = _compiled()
    else:
        _state.plain_s += estimate_s
    return plain if _state.compiled is None else _state.compiled


def _price_s() -> float:
    if find_spec("numba") is None:
        return float("inf")
    folders = [Path(__file__).parent / "__pycache__"]
    if "NUMBA_CACHE_DIR" in os.environ:
        folders = list(Path(os.environ["NUMBA_CACHE_DIR"]).glob("_search_*"))
    kept = any(next(folder.glob("kernels.sweep*.nbi"), None) for folder in folders)
    return LOADING_S if kept else COMPILING_S


def _compiled() -> Engine | None:
    """The compiled engine, None where numba does not run here."""
    try:
        from communityplan._search import compiled
    except ImportError:
        return None
    return compiled
