"""Owners and votes from files: CSV and XLSX, with the headings that committees use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Unpack

import pandas as pd

from communityplan.consent.ballots import owners_contract
from communityplan.load.lists import Reading, read_list
from communityplan.tables import VOTES, Column

__all__ = ["read_owners", "read_votes"]

_OWNERS = {
    "flat_id": ("房间号", "房屋编号", "户号", "门牌号", "房屋", "flat", "household_id"),
    "area_m2": ("面积", "建筑面积", "专有部分面积", "专有部分建筑面积", "产权面积", "area"),
    "building_id": ("楼栋号", "楼号", "楼栋", "幢号", "栋号", "building", "home_id"),
    "owner_id": ("业主", "业主姓名", "产权人", "所有权人", "owner"),
}
_VOTES = {
    "flat_id": _OWNERS["flat_id"],
    "choice": ("意见", "表决", "选择", "是否同意", "答复", "满意度", "vote", "answer"),
    "cast_at": ("时间", "表决时间", "填写时间", "提交时间", "日期", "time", "date"),
    "area_m2": _OWNERS["area_m2"],
    "gate": ("关口", "事项", "表决事项", "阶段", "环节", "stage", "matter"),
}
_VOTES_CONTRACT = replace(
    VOTES,
    optional={
        **VOTES.optional,
        "gate": Column("what is voted on", "表决事项"),
        "area_m2": Column("area stated on the vote", "面积", "m2"),
    },
)


def read_owners(path: str | Path, **how: Unpack[Reading]) -> pd.DataFrame:
    r"""Owners of a community from CSV or XLSX.

    Parameters
    ----------
    path : str or Path
    **how : Reading
        ``columns``, ``encoding``, ``sheet`` as in `load.lists.read_list`.

    Returns
    -------
    DataFrame
        ``flat_id`` [``area_m2`` as the text that is written, ``building_id``, ``owner_id``], on
        the rows of the file.

    Raises
    ------
    TableError, DataError
        Everything that is wrong, with its row.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "owners.csv"
    >>> _ = path.write_text("房号,建筑面积,楼号\n101,85.30,1\n", encoding="utf-8")
    >>> read_owners(path).to_dict("records")
    [{'flat_id': '101', 'area_m2': '85.30', 'building_id': '1'}]
    """
    contract = owners_contract(needs_area=False)
    return read_list(path, contract, headings=_OWNERS, **how)


def read_votes(path: str | Path, **how: Unpack[Reading]) -> pd.DataFrame:
    r"""Votes or answers of a survey from CSV or XLSX.

    Parameters
    ----------
    path : str or Path
    **how : Reading
        ``columns``, ``encoding``, ``sheet`` as in `load.lists.read_list`.

    Returns
    -------
    DataFrame
        ``flat_id``, ``choice`` [``cast_at``, ``gate``], on the rows of the file. ``gate`` names
        what is voted on, where several votes are in one list (see `consent_stages`); an area on
        the vote (``area_m2``) has to be the owner's.

    Raises
    ------
    TableError, DataError
        Everything that is wrong, with its row.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "votes.csv"
    >>> _ = path.write_text("房号,意见,事项\n101,同意,改造前80%同意\n", encoding="gbk")
    >>> read_votes(path).to_dict("records")
    [{'flat_id': '101', 'choice': '同意', 'gate': '改造前80%同意'}]
    """
    return read_list(path, _VOTES_CONTRACT, headings=_VOTES, **how)
