"""Tables as CSV: text that a spreadsheet would run as a formula is made harmless."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

__all__ = ["neutral", "runs_as_formula", "write_csv"]

# a full-width sign counts as well in East Asian settings of a spreadsheet
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def runs_as_formula(text: str) -> bool:
    """Whether a spreadsheet would take a text for a formula.

    Examples
    --------
    >>> from communityplan.report.plain import runs_as_formula
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
    >>> from communityplan.report import neutral
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


def write_csv(table: pd.DataFrame, file: Path) -> None:
    """Write a table as CSV that spreadsheets read with its Chinese words.

    Parameters
    ----------
    table : DataFrame
    file : Path
    """
    # a mark at the start of the file makes spreadsheets read Chinese right
    neutral(table).to_csv(file, index=False, encoding="utf-8-sig")


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and runs_as_formula(cell) else cell
