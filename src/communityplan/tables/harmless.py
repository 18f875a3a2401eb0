"""Text that a spreadsheet would run as a formula, made harmless before it is written."""

from __future__ import annotations

import pandas as pd

__all__ = ["neutral", "runs_as_formula"]

# a full-width sign counts as well in East Asian settings of a spreadsheet
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def runs_as_formula(text: str) -> bool:
    """Whether a spreadsheet would take a text for a formula.

    Examples
    --------
    >>> from communityplan.tables.harmless import runs_as_formula
    >>> runs_as_formula("=1+1"), runs_as_formula("hall")
    (True, False)
    """
    return text.startswith(FORMULA_STARTS)


def neutral(table: pd.DataFrame) -> pd.DataFrame:
    """The table with text that a spreadsheet would run as a formula made harmless.

    Parameters
    ----------
    table : DataFrame

    Returns
    -------
    DataFrame
        An apostrophe stands before such text, in headings as well.

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.tables.harmless import neutral
    >>> neutral(pd.DataFrame({"name": ["=1+1", "hall"]}))["name"].tolist()
    ["'=1+1", 'hall']
    """
    result = table.copy()
    for place in range(result.shape[1]):
        cells = result.iloc[:, place]
        if not (pd.api.types.is_numeric_dtype(cells) or pd.api.types.is_bool_dtype(cells)):
            result.isetitem(place, cells.astype("object").map(_harmless).to_numpy())
    result.columns = pd.Index([_harmless(name) for name in result.columns])
    return result


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and runs_as_formula(cell) else cell
