"""Tables of points -> ends of walks: where each joins the network, and what that costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan._search import Ends, SearchGraph, build_graph
from communityplan.errors import OptionError, Problem, TableError
from communityplan.network import WalkNetwork
from communityplan.network.attachment import (
    Attachment,
    attach,
    doors,
    owners_near,
    private_ways,
)
from communityplan.tables import (
    AREA,
    HOMES,
    POINT,
    Column,
    Table,
    as_flags,
    find_problems,
    same_crs,
)
from communityplan.walker import Walker, storey_seconds

__all__ = ["Group", "Places", "ends_of", "groups_of", "places", "residents_of", "search_graph"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TABLES_KEPT = 6
"""Tables whose joining points a network remembers: homes and a few kinds of facilities."""

KEYS = ("home_id", "facility_id", "building_id", "gate_id", "community_id")


@dataclass(frozen=True)
class Places:
    """Points that walks start or end at.

    Attributes
    ----------
    table : GeoDataFrame
        The table they come from.
    ids : array of str, shape (P,)
        Their keys.
    shapes : array of geometry, shape (P,)
        Doors where given, else the geometry.
    base : Attachment
        Where they join the ways of everyone.
    memo : dict
        What was found for them already: whose residents they are, and where they join then.
    """

    table: gpd.GeoDataFrame
    ids: NDArray[np.object_]
    shapes: NDArray[np.object_]
    base: Attachment
    memo: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def labels(self) -> pd.api.extensions.ExtensionArray:
        """The keys as a column of text."""
        key = _key_of(self.table)
        named = key is not None and _is_text(self.table[key])
        column: pd.api.extensions.ExtensionArray = (
            self.table[key].array if named else pd.array(self.ids, dtype="str")
        )
        return column

    def take(self, rows: Ints) -> Places:
        """Some of the places, by position."""
        return Places(
            self.table.iloc[rows], self.ids[rows], self.shapes[rows], self.base.take(rows)
        )


@dataclass(frozen=True)
class Group:
    """Origins that are searched from together.

    Attributes
    ----------
    owner : str
        Whose own ways the destinations may join, empty for those of everyone.
    code : array of int
        Number in the search graph of each origin's owner, 0 for none.
    rows : array of int
        The origins, as positions.
    """

    owner: str
    code: Ints
    rows: Ints


def places(network: WalkNetwork, table: gpd.GeoDataFrame, *, walker: Walker, where: str) -> Places:
    """Check a table of points or areas and join it to the network.

    Raises
    ------
    TableError, OptionError
        For geometry that cannot be used, doubled keys, another coordinate system.
    """
    if not isinstance(network, WalkNetwork):
        raise OptionError(
            f"the network is a {type(network).__name__}: make one with WalkNetwork.from_streets"
        )
    if not isinstance(table, pd.DataFrame):
        found = f"this is a {type(table).__name__}"
        todo = "Give a GeoDataFrame, for example gpd.GeoDataFrame(geometry=points)"
        raise TableError([Problem(where, found, todo)])
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        todo = "Give every column a name of its own"
        raise TableError([Problem(where, f"column {twice[0]!r} is there twice", todo)])
    key = _key_of(table)
    xy = _plain_points(network, table, key)
    if xy is None:
        _check(network, table, key, where)
    keys = table.index if key is None else table[key]
    ids = keys.to_numpy(dtype=object) if _is_text(keys) else keys.map(str).to_numpy(dtype=object)
    shapes = doors(table, where=where)
    if "door" in table.columns:
        xy = None
    return Places(table, ids, shapes, _attached(network, shapes, xy, walker))


def _attached(
    network: WalkNetwork, shapes: NDArray[np.object_], xy: Floats | None, walker: Walker
) -> Attachment:
    """Where places join the ways of everyone; the network remembers the last few tables."""
    kept: dict[bytes, Attachment] = network.cache.setdefault(("joined", walker.may_use_steps), {})
    seen = np.ascontiguousarray(xy).data if xy is not None else b"".join(shapely.to_wkb(shapes))
    name = blake2b(seen, digest_size=16, key=b"points" if xy is not None else b"shapes").digest()
    found = kept.pop(name, None)
    if found is None:
        found = attach(network, shapes, walker=walker, xy=xy)
    while len(kept) >= TABLES_KEPT:
        kept.pop(next(iter(kept)))
    kept[name] = found
    return found


def _key_of(table: pd.DataFrame) -> str | None:
    return next((name for name in KEYS if name in table.columns), None)


def _is_text(keys: pd.Series[Any] | pd.Index[Any]) -> bool:
    return isinstance(keys.dtype, pd.StringDtype) and not keys.hasnans


def _plain_points(network: WalkNetwork, table: pd.DataFrame, key: str | None) -> Floats | None:
    """The coordinates of a table as most are: points with keys of one kind, nothing amiss."""
    keys = table.index if key is None else table[key]
    if "storey" in table.columns or not (
        _is_text(keys) or pd.api.types.is_integer_dtype(keys.dtype)
    ):
        return None
    if not isinstance(table, gpd.GeoDataFrame) or table.active_geometry_name is None:
        return None
    if table.crs != network.crs or keys.hasnans or not keys.is_unique:
        return None
    shapes = table.geometry.to_numpy()
    if (shapely.get_type_id(shapes) != 0).any():
        return None
    xy = shapely.get_coordinates(shapes)
    return xy if len(xy) == len(shapes) and np.isfinite(xy).all() else None


def _check(network: WalkNetwork, table: pd.DataFrame, key: str | None, where: str) -> None:
    """Refuse a table, with everything that is wrong with it."""
    named = {} if key is None else {key: Column("key", key)}
    told = {name: HOMES.optional[name] for name in ("storey", "has_lift") if name in table.columns}
    problems = find_problems(table, Table(where, where, POINT + AREA, named, told, key))
    if problems:
        raise TableError(problems)
    same_crs(network.edges, table)
    if key is None and not table.index.map(str).is_unique:
        raise OptionError(f"{where}: the index repeats itself; give every row a label of its own")


def search_graph(network: WalkNetwork, walker: Walker, *, backwards: bool = False) -> SearchGraph:
    """The network as a search graph for one walker, made once.

    Parameters
    ----------
    network : WalkNetwork
    walker : Walker
    backwards : bool
        Every edge turned round.
    """
    key = ("graph", walker, backwards)
    if key not in network.cache:
        forward, backward = network.seconds(walker)
        codes = {owner: code + 1 for code, owner in enumerate(network.owners)}
        xy = shapely.get_coordinates(network.nodes.geometry.to_numpy())
        owner = network.edges["owner"].map(lambda name: codes.get(name, 0)).to_numpy(np.int64)
        network.cache[key] = build_graph(
            len(network.nodes),
            network.edges["u"].to_numpy(),
            network.edges["v"].to_numpy(),
            backward if backwards else forward,
            back_seconds=forward if backwards else backward,
            owner=owner,
            xy=xy,
        )
    graph: SearchGraph = network.cache[key]
    return graph


def residents_of(network: WalkNetwork, origins: Places, walker: Walker) -> NDArray[np.object_]:
    """The owner whose private ways and gates the people of each place may use, empty for none.

    A home belongs to its ``community_id`` where that has ways of its own, else to the private ways
    that it lies nearest to, else to none.
    """
    key = (id(network), walker.may_use_steps)
    if key not in origins.memo:
        owner = _residents(network, origins, walker)
        joined = origins.base
        if (owner != "").any():
            joined = attach(network, origins.shapes, walker=walker, owner=owner, base=origins.base)
        # the network is kept with what was found on it, so that its id stays its own
        origins.memo[key] = (network, owner, joined)
    found: NDArray[np.object_] = origins.memo[key][1]
    return found


def _residents(network: WalkNetwork, origins: Places, walker: Walker) -> NDArray[np.object_]:
    owner = np.full(len(origins.ids), "", dtype=object)
    if not network.owners:
        return owner
    if "community_id" in origins.table.columns:
        given = origins.table["community_id"].map(str).to_numpy(dtype=object)
        owner = np.where(pd.Series(given).isin(network.owners), given, "").astype(object)
    free = np.flatnonzero(owner == "")
    owner[free] = private_ways(
        network, origins.shapes[free], walker=walker, base=origins.base.take(free)
    )
    return owner


def groups_of(
    network: WalkNetwork, owner: NDArray[np.object_], destinations: Places, walker: Walker
) -> Iterator[Group]:
    """Rows that can be searched from together: to them the destinations join the same edges."""
    if not network.owners:
        yield Group("", np.zeros(len(owner), dtype=np.int64), np.arange(len(owner)))
        return
    near = owners_near(network, destinations.shapes, walker=walker, base=destinations.base)
    codes = {name: code + 1 for code, name in enumerate(network.owners)} | {"": 0}
    code = np.array([codes[name] for name in owner], dtype=np.int64)
    apart = np.isin(owner, sorted(near))
    if not apart.all() or not len(owner):
        rows = np.flatnonzero(~apart)
        yield Group("", code[rows], rows)
    for name in sorted(set(owner[apart])):
        rows = np.flatnonzero(owner == name)
        yield Group(str(name), code[rows], rows)


def ends_of(
    network: WalkNetwork,
    found: Places,
    rows: Ints,
    *,
    walker: Walker,
    owner: NDArray[np.object_] | str,
    outward: bool,
) -> tuple[Ends, Floats, Floats]:
    """Ends of walks for some of the places, with their door and vertical seconds.

    Parameters
    ----------
    network : WalkNetwork
    found : Places
    rows : array of int
        Which of them.
    walker : Walker
    owner : str or array of str
        Whose private ways may be used besides those of everyone, for all or for each.
    outward : bool
        Whether people leave here, down the stairs; else they come in and go up.

    Returns
    -------
    tuple of Ends, array of float, array of float
        Door and vertical seconds are part of the ends' extra seconds.
    """
    joined = _joined(network, found, rows, walker=walker, owner=owner)
    door_s = np.nan_to_num(joined.door_m) / walker.speed_m_s
    vertical_s = _vertical(found.table, rows, walker, outward)
    leaves = np.isfinite(vertical_s)
    edge = np.where(leaves, joined.edge, -1)
    extra_s = door_s + np.where(leaves, vertical_s, 0.0)
    return Ends.on_edges(edge, joined.along, extra_s=extra_s), door_s, vertical_s


def _joined(
    network: WalkNetwork,
    found: Places,
    rows: Ints,
    *,
    walker: Walker,
    owner: NDArray[np.object_] | str,
) -> Attachment:
    """Where some of the places join the network, with the ways of their owner."""
    base = found.base.take(rows)
    if not network.owners:
        return base
    whose = np.full(len(rows), owner, dtype=object) if isinstance(owner, str) else owner
    known = found.memo.get((id(network), walker.may_use_steps))
    if known is not None and np.array_equal(known[1][rows], whose):
        joined: Attachment = known[2]
        return joined.take(rows)
    if not (whose != "").any():
        return base
    return attach(network, found.shapes[rows], walker=walker, owner=whose, base=base)


def _vertical(every: gpd.GeoDataFrame, rows: Ints, walker: Walker, outward: bool) -> Floats:
    """Stairs and lift where the table tells the storey of each row."""
    if "storey" not in every.columns:
        return np.zeros(len(rows))
    table = every.iloc[rows]
    storey = pd.to_numeric(table["storey"]).fillna(1.0).to_numpy(dtype=np.float64)
    lift = np.zeros(len(table), dtype=bool)
    if "has_lift" in table.columns:
        lift = as_flags(table["has_lift"])
    return storey_seconds(walker, storey, lift, direction="there" if outward else "back")
