"""What is read of one OpenStreetMap file: flat arrays, and each distinct set of tags once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Flags", "Floats", "Interest", "Ints", "Nodes", "OsmData", "Relations", "Tagged",
           "Tags", "Ways", "last_of_each"]  # fmt: skip

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Tags = dict[str, str]
Value = TypeVar("Value")


@dataclass(frozen=True)
class Interest:
    """Which objects are read, and which of their tags are kept.

    Attributes
    ----------
    nodes, ways, relations : frozenset of str
        An object with any of these keys is read.
    keep : frozenset of str
        Keys whose values are kept.
    """

    nodes: frozenset[str]
    ways: frozenset[str]
    relations: frozenset[str]
    keep: frozenset[str]


@dataclass(frozen=True)
class Tagged:
    """The tags of many objects, most of which are tagged like others.

    Attributes
    ----------
    kinds : list of dict
        Sets of tags, which nobody may change.
    kind : array of int, shape (n,)
        Which of them each object has.
    """

    kinds: list[Tags]
    kind: Ints

    def __len__(self) -> int:
        return len(self.kind)

    def __getitem__(self, row: int) -> Tags:
        number: int = self.kind[row]
        return self.kinds[number]

    def __iter__(self) -> Iterator[Tags]:
        return map(self.kinds.__getitem__, self.kind.tolist())

    @cached_property
    def _with_key(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for number, tags in enumerate(self.kinds):
            for key in tags:
                found.setdefault(key, []).append(number)
        return found

    def having(self, keys: Collection[str]) -> list[int]:
        """The kinds that have any of these keys, in order."""
        return sorted({number for key in keys for number in self._with_key.get(key, ())})

    def take(self, rows: Ints) -> Tagged:
        """The tags of some objects, without kinds that none of them has."""
        kind = self.kind[rows]
        used = np.zeros(len(self.kinds), dtype=np.bool_)
        used[kind] = True
        kinds = [self.kinds[number] for number in np.flatnonzero(used).tolist()]
        return Tagged(kinds, (np.cumsum(used) - 1)[kind])

    def each(self, work: Callable[[Tags], Value]) -> list[Value]:
        """The result of `work` for each object; it is done once for each kind."""
        known = [work(tags) for tags in self.kinds]
        return [known[number] for number in self.kind.tolist()]

    @classmethod
    def joined(cls, parts: Sequence[Tagged]) -> Tagged:
        """The tags of several lists of objects, one after another."""
        first = np.cumsum([0, *(len(part.kinds) for part in parts)])
        kind = [part.kind + start for part, start in zip(parts, first[:-1], strict=True)]
        none = np.zeros(0, dtype=np.int64)
        kinds = [tags for part in parts for tags in part.kinds]
        return cls(kinds, np.concatenate([none, *kind]))


@dataclass(frozen=True)
class Nodes:
    """Points with tags, in the order of the file; `xy` in degrees, or projected [m]."""

    ids: Ints
    tags: Tagged
    xy: Floats


@dataclass(frozen=True)
class Ways:
    """Lines, each in one piece unless nodes are missing in the file.

    Attributes
    ----------
    ids : array of int, shape (n_ways,)
        Numbers of the ways.
    tags : Tagged
        Their tags; empty for a way that is only the edge of an area.
    closed, whole : array of bool, shape (n_ways,)
        Whether first and last node are the same, and whether every node is in the file.
    way : array of int, shape (n_pieces,)
        Row of the way that a piece belongs to.
    start : array of int, shape (n_pieces + 1,)
        Where the points of each piece start in `xy`.
    xy : array of float, shape (n_points, 2)
        Degrees east and north, or projected [m].
    """

    ids: Ints
    tags: Tagged
    closed: Flags
    whole: Flags
    way: Ints
    start: Ints
    xy: Floats


@dataclass(frozen=True)
class Relations:
    """Areas made of ways: `members` are pairs of way number and role."""

    ids: Ints
    tags: Tagged
    members: list[tuple[tuple[int, str], ...]]


@dataclass(frozen=True)
class OsmData:
    """What one file holds, and how many objects could not be read whole."""

    nodes: Nodes
    ways: Ways
    relations: Relations
    counts: dict[str, int]

    @classmethod
    def of(
        cls, nodes: Nodes, ways: Ways, relations: Relations, *, lost_nodes: int, lost_ways: int
    ) -> OsmData:
        """What was read, with nodes that have no place and ways without two nodes left out."""
        counts = {
            "nodes_without_place": lost_nodes,
            "ways_without_two_nodes": lost_ways,
            "ways_with_nodes_missing": int(np.count_nonzero(~ways.whole)),
        }
        return cls(nodes, ways, relations, counts)


class KindList:
    """Collects distinct sets of tags, and numbers them."""

    def __init__(self) -> None:
        self.kinds: list[Tags] = []
        self._known: dict[tuple[str, ...], int] = {}

    def number(self, words: tuple[str, ...]) -> int:
        """The number of a set of tags, given as keys and values in turn."""
        if words not in self._known:
            self._known[words] = len(self.kinds)
            self.kinds.append(dict(zip(words[::2], words[1::2], strict=True)))
        return self._known[words]

    def tagged(self, kind: Iterable[int]) -> Tagged:
        """Objects with these numbers."""
        every = kind if isinstance(kind, np.ndarray) else np.fromiter(kind, dtype=np.int64)
        return Tagged(self.kinds, every).take(np.arange(len(every)))


def last_of_each(ways: Ways) -> Ways:
    """Of a way that is in the file more than once, its last version."""
    if len(np.unique(ways.ids)) == len(ways.ids):
        return ways
    rows = {number: row for row, number in enumerate(ways.ids.tolist())}
    keep = np.array(sorted(rows.values()), dtype=np.int64)
    new_row = np.full(len(ways.ids), -1, dtype=np.int64)
    new_row[keep] = np.arange(len(keep))
    pieces = np.flatnonzero(new_row[ways.way] >= 0)
    sizes = np.diff(ways.start)
    points = np.repeat(new_row[ways.way] >= 0, sizes)
    return Ways(
        ways.ids[keep],
        ways.tags.take(keep),
        ways.closed[keep],
        ways.whole[keep],
        new_row[ways.way[pieces]],
        np.concatenate([[0], np.cumsum(sizes[pieces])]).astype(np.int64),
        ways.xy[points],
    )
