"""Mixed-integer models solved by HiGHS: one model, one clock, one honest answer."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from communityplan.errors import MissingLibraryError

__all__ = ["Clock", "Model", "Solved", "relax", "solve"]

Floats = NDArray[np.float64]

NO_LIMIT = np.inf
PROVEN_GAP = 1e-9
"""Relative gap below which a solution counts as proven: the rounding of doubles, not a choice."""


class Clock:
    """How much of a time limit is left; reading and preparing count as well.

    Parameters
    ----------
    limit_s : float
        Seconds from now.
    """

    def __init__(self, limit_s: float) -> None:
        self._end = time.monotonic() + limit_s

    def left_s(self) -> float:
        """Seconds left, never negative."""
        return max(self._end - time.monotonic(), 0.0)

    def share(self, parts: int) -> Clock:
        """A clock for one of several jobs that are left, each with as much time."""
        return Clock(self.left_s() / max(parts, 1))

    def is_over(self) -> bool:
        """Whether the limit has passed."""
        return self.left_s() <= 0.0


@dataclass(frozen=True)
class Model:
    """Minimise ``cost @ x`` with ``row_lower <= matrix @ x <= row_upper`` and bounds on x.

    Attributes
    ----------
    cost, lower, upper : array of float
        Objective and bounds, one per column.
    matrix : sparse matrix
        Rows by columns.
    row_lower, row_upper : array of float
        Bounds of the rows.
    is_integer : array of bool
        Columns that have to be whole numbers.
    """

    cost: Floats
    matrix: sp.csr_matrix
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats
    is_integer: NDArray[np.bool_]


@dataclass(frozen=True)
class Solved:
    """What HiGHS found out about a model.

    Attributes
    ----------
    state : {"optimal", "infeasible", "stopped"}
        Stopped: by the clock or the user, with the best found where there is one.
    values : array of float or None
        The columns of the best solution.
    objective, bound : float
        Its value, and what no solution can go below.
    row_duals : array of float or None
        Change of the objective per unit of a row bound; of a linear model only.
    is_interrupted : bool
        Whether the user stopped it.
    """

    state: Literal["optimal", "infeasible", "stopped"]
    values: Floats | None
    objective: float
    bound: float
    row_duals: Floats | None = None
    is_interrupted: bool = False


def solve(
    model: Model, clock: Clock, *, start: Floats | None = None, enough: float | None = None
) -> Solved:
    """The best solution of a model, proven where the clock allows.

    Parameters
    ----------
    model : Model
        What to minimise.
    clock : Clock
        When to stop.
    start : array of float, optional
        The first columns of a solution to begin with; ignored where it breaks a row.
    enough : float, optional
        A solution as good as this ends the search.
    """
    if not len(model.cost):
        return Solved("optimal", np.empty(0), 0.0, 0.0)
    highs = _load(model, clock)
    if enough is not None:
        highs.setOptionValue("objective_target", enough)
    if start is not None:
        columns = np.arange(len(start), dtype=np.int32)
        highs.setSolution(len(start), columns, np.asarray(start, dtype=np.float64))
    was_interrupted = _run(highs)
    return replace(_read(highs, model), is_interrupted=was_interrupted)


def relax(model: Model, clock: Clock) -> Solved:
    """The linear relaxation of a model, with the duals of its rows."""
    if not len(model.cost):
        return Solved("optimal", np.empty(0), 0.0, 0.0, np.zeros(len(model.row_lower)))
    linear = replace(model, is_integer=np.zeros(len(model.cost), dtype=bool))
    highs = _load(linear, clock)
    was_interrupted = _run(highs)
    solved = replace(_read(highs, linear), is_interrupted=was_interrupted)
    duals = np.array(highs.getSolution().row_dual, dtype=np.float64)
    return replace(solved, row_duals=duals if len(duals) else None)


def _load(model: Model, clock: Clock) -> Any:
    highspy = _highspy()
    highs = highspy.Highs()
    # one thread and one seed: the answer must not depend on the machine
    options: dict[str, Any] = {
        "output_flag": False,
        "threads": 1,
        "random_seed": 0,
        "mip_rel_gap": PROVEN_GAP,
        "mip_feasibility_tolerance": 1e-9,
        # these models come with good starts and few columns: restarts cost more than they save
        "mip_allow_restart": False,
        "mip_heuristic_effort": 0.01,
        "time_limit": max(clock.left_s(), 0.01),
    }
    for name, value in options.items():
        highs.setOptionValue(name, value)
    highs.passModel(_as_lp(highspy, model))
    return highs


def _as_lp(highspy: Any, model: Model) -> Any:
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(model.cost), len(model.row_lower)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = model.cost, model.lower, model.upper
    lp.row_lower_, lp.row_upper_ = model.row_lower, model.row_upper
    matrix = model.matrix.tocsr()
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = matrix.indptr
    lp.a_matrix_.index_ = matrix.indices
    lp.a_matrix_.value_ = matrix.data
    if model.is_integer.any():
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(flag)] for flag in model.is_integer]
    return lp


def _run(highs: Any) -> bool:
    """Solve in a thread that Ctrl-C can reach; true where the user stopped it."""
    highs.HandleKeyboardInterrupt = True
    highs.startSolve()
    was_interrupted = False
    while True:
        try:
            if highs.wait(0.1)[0]:
                return was_interrupted
        except KeyboardInterrupt:
            was_interrupted = True
            highs.cancelSolve()


def _read(highs: Any, model: Model) -> Solved:
    highspy = _highspy()
    status, info = highs.getModelStatus(), highs.getInfo()
    known = highspy.HighsModelStatus
    if status in (known.kInfeasible, known.kUnboundedOrInfeasible):
        return Solved("infeasible", None, np.inf, np.inf)
    has_solution = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    values = np.array(highs.getSolution().col_value) if has_solution else None
    objective = float(info.objective_function_value) if has_solution else np.inf
    is_optimal = status == known.kOptimal
    if model.is_integer.any():
        bound = float(info.mip_dual_bound)
    else:
        bound = objective if is_optimal else -np.inf
    return Solved("optimal" if is_optimal else "stopped", values, objective, bound)


def _highspy() -> Any:
    try:
        import highspy
    except ImportError as error:
        raise MissingLibraryError(
            "exact siting needs highspy; install it with: pip install highspy"
        ) from error
    return highspy
