"""Which nodes hang together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["clusters"]

Ints = NDArray[np.int64]


def clusters(n: int, first: Ints, second: Ints) -> Ints:
    """Number of the connected part of each of n things, given pairs that are joined.

    Parameters
    ----------
    n : int
    first, second : array of int
        Joined pairs.

    Returns
    -------
    array of int, shape (n,)
        Parts are numbered in the order of their first things.

    Notes
    -----
    Written out because scipy, which has it, takes longer to import than a city to look through.

    Examples
    --------
    >>> import numpy as np
    >>> from communityplan.network.graph import clusters
    >>> clusters(4, np.array([0, 1]), np.array([2, 2]))
    array([0, 0, 0, 1])
    """
    # every part takes the least number in it: each passes it on to a neighbour, then all their kin
    least = np.arange(n, dtype=np.int64)
    a, b = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    while True:
        low, high = np.minimum(least[a], least[b]), np.maximum(least[a], least[b])
        apart = low != high
        if not apart.any():
            break
        a, b = a[apart], b[apart]
        np.minimum.at(least, high[apart], low[apart])
        while (least != (further := least[least])).any():
            least = further
    return np.asarray(np.unique(least, return_inverse=True)[1], dtype=np.int64)
