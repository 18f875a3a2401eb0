"""The fewest sites that leave nobody out: rows are added to the model only when they are missed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from communityplan.allocation._highs import Clock, Model, solve

__all__ = ["Cover", "cover_all", "cover_greedily"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FIRST_ROWS = 2000
"""Rows in the first model: those with the fewest sites, which decide most."""


@dataclass(frozen=True)
class Cover:
    """Sites that cover all rows.

    Attributes
    ----------
    sites : array of int
        Columns that open, sorted.
    bound : int
        No cover has fewer sites.
    is_interrupted : bool
        Whether the user stopped the search.
    """

    sites: Ints
    bound: int
    is_interrupted: bool = False


def cover_all(
    member: sp.csr_matrix, required: Ints, clock: Clock, *, enough: int | None = None
) -> Cover:
    """The fewest sites, the required ones among them, so that each row has one.

    Parameters
    ----------
    member : sparse matrix
        Rows by sites, 1 where a site covers a row; no row is empty.
    required : array of int
        Sites that open in any case.
    clock : Clock
        When to stop.
    enough : int, optional
        A cover with so few sites ends the search, and so does a bound above it.
    """
    best = cover_greedily(member, required)
    bound = max(len(required), 1 if member.shape[0] else 0)
    by_length = np.argsort(np.diff(member.indptr), kind="stable")
    active = np.sort(by_length[:FIRST_ROWS])
    was_interrupted = False
    while bound < len(best) and not clock.is_over() and not was_interrupted:
        if enough is not None and (len(best) <= enough or bound > enough):
            break
        solved = solve(_model(member[active], required), clock, enough=enough)
        was_interrupted = solved.is_interrupted
        if np.isfinite(solved.bound):
            bound = max(bound, int(np.ceil(solved.bound - 1e-6)))
        if solved.values is None:
            break
        chosen = np.flatnonzero(solved.values > 0.5)
        missed = _missed(member, chosen)
        full = cover_greedily(member, np.union1d(chosen, required)) if len(missed) else chosen
        best = full if len(full) < len(best) else best
        if not len(missed):
            break
        hardest = missed[np.argsort(np.diff(member.indptr)[missed], kind="stable")]
        active = np.union1d(active, hardest[:FIRST_ROWS])
    return Cover(np.sort(best), min(bound, len(best)), was_interrupted)


def cover_greedily(member: sp.csr_matrix, first: Ints) -> Ints:
    """Open the site that covers most of what is left until nothing is; ties to the lower id."""
    by_site = member.tocsc()
    left = np.ones(member.shape[0])
    chosen = [int(site) for site in first]
    for site in chosen:
        left[by_site.indices[by_site.indptr[site] : by_site.indptr[site + 1]]] = 0.0
    while left.any():
        site = int(np.argmax(by_site.T @ left))
        chosen.append(site)
        left[by_site.indices[by_site.indptr[site] : by_site.indptr[site + 1]]] = 0.0
    return np.sort(np.asarray(chosen, dtype=np.int64))


def _missed(member: sp.csr_matrix, chosen: Ints) -> Ints:
    is_open = np.zeros(member.shape[1])
    is_open[chosen] = 1.0
    return np.flatnonzero(member @ is_open < 0.5)


def _model(member: sp.csr_matrix, required: Ints) -> Model:
    rows, sites = member.shape
    lower = np.zeros(sites)
    lower[required] = 1.0
    return Model(
        cost=np.ones(sites),
        matrix=member,
        row_lower=np.ones(rows),
        row_upper=np.full(rows, np.inf),
        lower=lower,
        upper=np.ones(sites),
        is_integer=np.ones(sites, dtype=bool),
    )
