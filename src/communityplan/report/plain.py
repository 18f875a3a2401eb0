"""Tables as CSV: text that a spreadsheet would run as a formula is made harmless."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from communityplan.tables.harmless import neutral, runs_as_formula

__all__ = ["neutral", "runs_as_formula", "write_csv"]


def write_csv(table: pd.DataFrame, file: Path) -> None:
    """Write a table as CSV that spreadsheets read with its Chinese words.

    Parameters
    ----------
    table : DataFrame
    file : Path
    """
    # a mark at the start of the file makes spreadsheets read Chinese right
    neutral(table).to_csv(file, index=False, encoding="utf-8-sig")
