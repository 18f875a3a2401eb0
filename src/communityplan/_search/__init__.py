"""Shortest walks in a network, arrays to arrays (private; `network` and `reach` are its users).

`build_graph` makes a `SearchGraph`, `Ends` are points on it, and the jobs answer: `pairs`,
`nearest`, `nearest_nodes`, `counts`, `balls` and `path`.
"""

from communityplan._search.ends import Ends
from communityplan._search.graph import SearchGraph, build_graph
from communityplan._search.jobs import balls, counts, nearest, nearest_nodes, pairs
from communityplan._search.path import Path, path

__all__ = [
    "Ends",
    "Path",
    "SearchGraph",
    "balls",
    "build_graph",
    "counts",
    "nearest",
    "nearest_nodes",
    "pairs",
    "path",
]
