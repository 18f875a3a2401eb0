"""Rows of the edge table: parts of streets, ways through gates, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.network.graph import clusters
from communityplan.network.noding import Noded
from communityplan.network.timing import minute_of_day
from communityplan.tables import as_flags

__all__ = [
    "PRIVATE",
    "UNTAGGED_GATES",
    "connected",
    "edge_table",
    "passage_table",
    "street_owners",
    "words",
]

Floats = NDArray[np.float64]

PRIVATE = "private ways"
"""How the names of owners begin that are not a community but connected private ways."""

UNTAGGED_GATES = {"open": "everyone", "residents": "residents", "closed": "closed"}
"""What a gate nothing is known of is taken for, by the name of the option."""


def words(column: pd.Series[Any]) -> NDArray[np.object_]:
    """Text cells, empty where nothing is given."""
    words = column.astype("object").where(column.notna(), "").map(str).str.strip()
    return words.to_numpy(dtype=object)


def connected(n_nodes: int, edges: pd.DataFrame) -> NDArray[np.int64]:
    """Number of the connected part of every node, whichever way the edges lead."""
    return clusters(n_nodes, edges["u"].to_numpy(), edges["v"].to_numpy())


def _column(table: pd.DataFrame, name: str, default: Any) -> pd.Series[Any]:
    if name in table.columns:
        return table[name]
    return pd.Series(default, index=table.index)


def edge_table(streets: gpd.GeoDataFrame, row: NDArray[np.int64], noded: Noded) -> gpd.GeoDataFrame:
    """One row per street part between two nodes."""
    street = row[noded.street]
    length_m = shapely.length(noded.geometry)
    climb = pd.to_numeric(_column(streets, "climb_m", np.nan)).to_numpy(dtype=np.float64)
    access = words(_column(streets, "access", ""))
    # a street's climb is shared out over its parts by their length
    whole_m = np.bincount(street, weights=length_m, minlength=len(streets))
    return gpd.GeoDataFrame(
        {
            "u": noded.tail,
            "v": noded.head,
            "length_m": length_m,
            "kind": words(_column(streets, "kind", ""))[street],
            "access": np.where(access == "", "everyone", access)[street],
            "owner": "",
            "steps": as_flags(_column(streets, "steps", False))[street],
            "crossing": as_flags(_column(streets, "crossing", False))[street],
            "climb_m": climb[street] * length_m / whole_m[street],
            "oneway_foot": as_flags(_column(streets, "oneway_foot", False))[street],
            "wait_s": 0.0,
            "open_from": np.nan,
            "open_until": np.nan,
            "gate_id": "",
            "street": street,
        },
        geometry=noded.geometry,
        crs=streets.crs,
    )


def street_owners(
    edges: gpd.GeoDataFrame, communities: gpd.GeoDataFrame | None
) -> NDArray[np.object_]:
    """Whose residents may use a private way: the community it lies in, else its own cluster."""
    owner = np.full(len(edges), "", dtype=object)
    private = np.flatnonzero((edges["access"] == "residents").to_numpy())
    if not len(private):
        return owner
    ways = edges.iloc[private]
    cluster = connected(int(edges[["u", "v"]].max().max()) + 1, ways)[ways["u"].to_numpy()]
    owner[private] = [f"{PRIVATE} {number + 1}" for number in pd.factorize(cluster)[0]]
    if communities is not None:
        middle = shapely.line_interpolate_point(ways.geometry.to_numpy(), 0.5, normalized=True)
        way, area = shapely.STRtree(communities.geometry.to_numpy()).query(middle, "intersects")
        way, first = np.unique(way, return_index=True)
        owner[private[way]] = communities["community_id"].map(str).to_numpy()[area[first]]
    return owner


def passage_table(
    gates: gpd.GeoDataFrame,
    noded: Noded,
    communities: gpd.GeoDataFrame | None,
    options: Mapping[str, Any],
    crs: Any,
) -> gpd.GeoDataFrame:
    """One edge of no length per way through a gate and community that may pass it."""
    untagged = UNTAGGED_GATES[options["untagged_gates"]]
    given = words(_column(gates, "who", ""))
    who = np.where(given == "", untagged, given)
    keepers = _gate_owners(gates, who, communities, within_m=options["gate_within_m"])
    passages = noded.passages.merge(keepers, on="gate")
    gate = passages["gate"].to_numpy()
    wait = pd.to_numeric(_column(gates, "wait_s", 0.0)).fillna(0.0).to_numpy(dtype=np.float64)
    xy = noded.node_xy[passages["tail"].to_numpy()]
    nothing_known = (passages["owner"] == "").to_numpy() & (who[gate] == "residents")
    return gpd.GeoDataFrame(
        {
            "u": passages["tail"].to_numpy(),
            "v": passages["head"].to_numpy(),
            "length_m": 0.0,
            "kind": "gate",
            # a residents' gate of nobody in particular is shut: no walker is known to have a key
            "access": np.where(nothing_known, "closed", who[gate]),
            "owner": passages["owner"].to_numpy(),
            "steps": False,
            "crossing": False,
            "climb_m": 0.0,
            "oneway_foot": False,
            "wait_s": wait[gate] * passages["share"].to_numpy(),
            "open_from": _minutes(gates, "open_from")[gate],
            "open_until": _minutes(gates, "open_until")[gate],
            "gate_id": gates["gate_id"].map(str).to_numpy()[gate],
            "street": -1,
        },
        geometry=shapely.linestrings(np.stack([xy, xy], axis=1)),
        crs=crs,
    )


def _minutes(gates: pd.DataFrame, name: str) -> Floats:
    times = words(_column(gates, name, ""))
    return np.array([minute_of_day(time) if time else np.nan for time in times], dtype=np.float64)


def _gate_owners(
    gates: gpd.GeoDataFrame,
    who: NDArray[np.object_],
    communities: gpd.GeoDataFrame | None,
    *,
    within_m: float,
) -> pd.DataFrame:
    """Each gate with each community whose residents it is for; empty where all or none may pass."""
    everyone = pd.DataFrame({"gate": np.flatnonzero(who != "residents"), "owner": ""})
    kept = np.flatnonzero(who == "residents")
    if communities is None or not len(communities):
        return pd.concat([everyone, pd.DataFrame({"gate": kept, "owner": ""})], ignore_index=True)
    points = gates.geometry.to_numpy()[kept]
    boundaries = shapely.boundary(communities.geometry.to_numpy())
    near, area = shapely.STRtree(boundaries).query(points, "dwithin", distance=within_m)
    names = communities["community_id"].map(str).to_numpy()
    owned = pd.DataFrame({"gate": kept[near], "owner": names[area]})
    rest = np.setdiff1d(np.arange(len(kept)), near)
    inner, area = shapely.STRtree(communities.geometry.to_numpy()).query(points[rest], "within")
    inside = pd.DataFrame({"gate": kept[rest[inner]], "owner": names[area]})
    nobody = pd.DataFrame({"gate": kept[np.setdiff1d(rest, rest[inner])], "owner": ""})
    table = pd.concat([everyone, owned, inside, nobody], ignore_index=True)
    return table.sort_values(["gate", "owner"], ignore_index=True)
