"""Put a mixed-integer model together block by block."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from communityplan.allocation._highs import Model

__all__ = ["Builder", "Entries"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Entries = tuple[ArrayLike, ArrayLike, ArrayLike]


class Builder:
    """Columns and rows of a model, added in blocks; the indices of a block come back."""

    def __init__(self) -> None:
        self._columns: list[tuple[Floats, Floats, Floats, NDArray[np.bool_]]] = []
        self._rows: list[tuple[Floats, Floats]] = []
        self._entries: list[tuple[Ints, Ints, Floats]] = []
        self.n_columns = self.n_rows = 0

    def add_columns(
        self,
        count: int,
        *,
        cost: ArrayLike = 0.0,
        lower: ArrayLike = 0.0,
        upper: ArrayLike = np.inf,
        is_integer: bool = False,
    ) -> Ints:
        """Add columns; single numbers hold for all of them."""
        block = (_full(cost, count), _full(lower, count), _full(upper, count))
        self._columns.append((*block, np.full(count, is_integer)))
        self.n_columns += count
        return np.arange(self.n_columns - count, self.n_columns)

    def add_rows(
        self,
        count: int,
        entries: Sequence[Entries],
        *,
        lower: ArrayLike = -np.inf,
        upper: ArrayLike = np.inf,
    ) -> Ints:
        """Add rows; entries are (row in this block, column, value)."""
        for row, column, value in entries:
            columns = np.asarray(column, dtype=np.int64)
            rows = np.asarray(np.broadcast_to(row, columns.shape), dtype=np.int64)
            self._entries.append((rows + self.n_rows, columns, _full(value, len(columns))))
        self._rows.append((_full(lower, count), _full(upper, count)))
        self.n_rows += count
        return np.arange(self.n_rows - count, self.n_rows)

    def model(self) -> Model:
        """The model of all blocks."""
        columns = [np.concatenate(parts) for parts in zip(*self._columns, strict=True)]
        low, high = (np.concatenate(parts) for parts in zip(*self._rows, strict=True))
        rows, cols, values = (np.concatenate(parts) for parts in zip(*self._entries, strict=True))
        matrix = sp.csr_matrix((values, (rows, cols)), shape=(self.n_rows, self.n_columns))
        return Model(
            cost=columns[0],
            matrix=matrix,
            row_lower=low,
            row_upper=high,
            lower=columns[1],
            upper=columns[2],
            is_integer=columns[3],
        )


def _full(value: ArrayLike, count: int) -> Floats:
    return np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), (count,)))
