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

    Examples
    --------
    >>> import numpy as np
    >>> from communityplan.network.graph import clusters
    >>> clusters(4, np.array([0, 1]), np.array([2, 2]))
    array([0, 0, 0, 1])
    """
    # scipy is slow to import and not needed to look at the package
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    matrix = coo_array((np.ones(len(first)), (first, second)), shape=(n, n))
    _, number = connected_components(matrix, directed=False)
    return np.asarray(number, dtype=np.int64)
