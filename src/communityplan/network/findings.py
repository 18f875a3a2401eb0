"""What building the network decided: rows of its report, and what became of every gate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.network.edges import UNTAGGED_GATES, words
from communityplan.network.noding import Barriers, Noded

__all__ = [
    "FAR_FROM_WALL_M",
    "Row",
    "findings",
    "gate_faults",
    "gate_table",
    "named",
    "street_levels",
    "street_parts",
    "summed",
]

Row = tuple[str, str, int, float]
"""What, detail, count and length [m]."""

FAR_FROM_WALL_M = 20.0
"""A gate farther than this from every wall may stand in the wrong place [m]."""

MOST_NAMED = 10


def street_levels(streets: pd.DataFrame) -> NDArray[np.object_]:
    """On what a street runs: empty on the ground, else bridge, tunnel and layer.

    Parameters
    ----------
    streets : DataFrame
        With optional ``bridge``, ``tunnel`` (flags, or what the map says) and ``layer``.

    Returns
    -------
    array of str
        Streets can only meet where these are the same.

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.network.findings import street_levels
    >>> streets = pd.DataFrame({"bridge": ["no", "yes", "viaduct"], "layer": [0, 1, None]})
    >>> street_levels(streets).tolist()
    ['', 'bridge 1', 'bridge']
    """
    level = np.full(len(streets), "", dtype=object)
    for name in ("bridge", "tunnel"):
        if name in streets.columns:
            level[_is_so(streets[name])] += f" {name}"
    if "layer" in streets.columns:
        layer = pd.to_numeric(streets["layer"], errors="coerce").fillna(0).to_numpy()
        other = np.flatnonzero(layer != 0)
        level[other] += [f" {number:g}" for number in layer[other]]
    off_ground = np.flatnonzero(level != "")
    level[off_ground] = [said.strip() for said in level[off_ground]]
    return level


def _is_so(said: pd.Series[Any]) -> NDArray[np.bool_]:
    """Whether a tag says yes: any word but no."""
    if said.dtype == bool:
        return np.asarray(said.to_numpy(dtype=np.bool_))
    no = ["", "no", "false", "0", "0.0", "否", "无"]
    return ~pd.Series(words(said)).str.lower().isin(no).to_numpy(dtype=np.bool_)


def street_parts(streets: pd.DataFrame) -> NDArray[np.object_]:
    """What each street was drawn as (``part``), empty where that is not told."""
    if "part" not in streets.columns:
        return np.full(len(streets), "", dtype=object)
    given = streets["part"]
    return np.asarray(given.astype("object").where(given.notna(), "").to_numpy(dtype=object))


def gate_table(
    gates: gpd.GeoDataFrame,
    noded: Noded,
    barriers: Barriers,
    edges: pd.DataFrame,
    *,
    untagged_gates: str,
) -> gpd.GeoDataFrame:
    """What became of every gate.

    Parameters
    ----------
    gates : GeoDataFrame
        As `tables.GATES`.
    noded : Noded
        From building the network.
    barriers : Barriers
    edges : DataFrame
        Every edge, with those through gates.
    untagged_gates : {"open", "residents", "closed"}

    Returns
    -------
    GeoDataFrame
        ``gate_id``; ``who`` (empty: not known) and ``taken_for`` (everyone, residents, closed);
        ``on_street``; ``opens`` (whether it joins anything); ``wall_m`` (to the nearest wall; nan
        where there is none); ``kind`` and ``rule`` as given.
    """
    ids = gates["gate_id"].map(str).to_numpy()
    who = words(gates["who"]) if "who" in gates.columns else np.full(len(gates), "", dtype=object)
    passages = edges[edges["kind"] == "gate"].drop_duplicates("gate_id")
    access = passages.set_index("gate_id")["access"]
    opens = pd.Index(ids).isin(access.index)
    meant = pd.Series(np.where(who == "", UNTAGGED_GATES[untagged_gates], who))
    told = {name: words(gates[name]) for name in ("kind", "rule") if name in gates.columns}
    return gpd.GeoDataFrame(
        {
            "gate_id": ids,
            "who": who,
            "taken_for": np.where(opens, pd.Series(ids).map(access).astype(object), meant),
            "on_street": noded.gate_found,
            "opens": opens,
            "wall_m": _nearest_m(gates.geometry.to_numpy(), barriers.lines),
            **told,
        },
        geometry=gates.geometry.to_numpy(),
        crs=gates.crs,
    )


def findings(
    noded: Noded,
    barriers: Barriers,
    gates: gpd.GeoDataFrame | None,
    walls: gpd.GeoDataFrame | None,
    edges: pd.DataFrame,
    *,
    lost_parts: int,
) -> pd.DataFrame:
    """What building decided, as rows of the report.

    Parameters
    ----------
    noded : Noded
    barriers : Barriers
    gates : GeoDataFrame or None
        As from `gate_table`.
    walls : GeoDataFrame or None
    edges : DataFrame
    lost_parts : int
        Parts of streets that have no length.

    Returns
    -------
    DataFrame
        ``what``, ``detail``, ``count``, ``length_m``.
    """
    rows: list[Row] = [("street of no length left out", "", lost_parts, np.nan)]
    if walls is not None and len(walls):
        kinds = words(walls["kind"]) if "kind" in walls.columns else np.full(len(walls), "")
        rows += summed("wall", kinds, shapely.length(walls.geometry.to_numpy()))
    fences = shapely.length(shapely.boundary(barriers.compounds))
    rows += [
        ("boundary of an enclosed community", "", len(fences), float(fences.sum())),
        ("street cut by a barrier", "no gate there", len(noded.cuts), np.nan),
    ]
    if gates is not None:
        rows += _gate_rows(gates)
        hours = edges.loc[edges["open_from"].notna() | edges["open_until"].notna(), "gate_id"]
        rows.append(("gate with opening hours", "", hours.nunique(), np.nan))
    table = pd.DataFrame(rows, columns=["what", "detail", "count", "length_m"])
    return table[table["count"] > 0].reset_index(drop=True)


def summed(what: str, details: Iterable[Any], length_m: NDArray[np.float64]) -> list[Row]:
    """One row per detail, with its number and length."""
    groups = pd.Series(length_m).groupby(np.asarray(details, dtype=object)).agg(["size", "sum"])
    return [
        (what, str(detail), int(size), float(total))
        for detail, size, total in groups.itertuples(name=None)
    ]


def named(ids: Iterable[Any]) -> str:
    """The first few keys, and how many more there are."""
    keys = [str(key) for key in ids]
    more = len(keys) - MOST_NAMED
    return ", ".join(keys[:MOST_NAMED]) + (f" (+{more})" if more > 0 else "")


def _gate_rows(gates: gpd.GeoDataFrame) -> list[Row]:
    rows: list[Row] = []
    found = gates[gates["on_street"]]
    untagged = found[found["who"] == ""]
    for what, table, column in (
        ("gate", found, "taken_for"),
        ("untagged gate taken for", untagged, "taken_for"),
        ("gate decided by rule", gates, "rule"),
        ("gate of kind", gates, "kind"),
    ):
        if column in table.columns:
            counts = table[column].value_counts(sort=False).sort_index()
            rows += [(what, str(detail), int(count), np.nan) for detail, count in counts.items()]
    faults = gate_faults(gates).items()
    return rows + [(what, named(table["gate_id"]), len(table), np.nan) for what, table in faults]


def gate_faults(gates: gpd.GeoDataFrame) -> dict[str, gpd.GeoDataFrame]:
    """Gates that may not do what was meant, by what is odd about them.

    Parameters
    ----------
    gates : GeoDataFrame
        As from `gate_table`.
    """
    found = gates[gates["on_street"]]
    nobody = (found["who"] == "residents") & (found["taken_for"] == "closed")
    return {
        "residents' gate of no community, taken for closed": found[nobody],
        "gate on no street": gates[~gates["on_street"]],
        "gate that joins nothing": found[~found["opens"]],
        "gate far from every wall": gates[gates["wall_m"] > FAR_FROM_WALL_M],
    }


def _nearest_m(points: NDArray[np.object_], lines: NDArray[np.object_]) -> NDArray[np.float64]:
    distance_m = np.full(len(points), np.nan)
    if len(points) and len(lines):
        (point, _), near_m = shapely.STRtree(lines).query_nearest(
            points, all_matches=False, return_distance=True
        )
        distance_m[point] = near_m
    return distance_m
