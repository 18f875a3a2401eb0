"""How healthy a walking network is: its parts, the faults of its drawing, and who is concerned.

Nothing is repaired here; `network.repair.repair_streets` does that where it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.network import WalkNetwork
from communityplan.network.attachment import attach, doors, private_ways, why_not_attached
from communityplan.network.edges import connected
from communityplan.network.faults import find_crossings, find_gaps, find_overlaps
from communityplan.network.findings import gate_faults
from communityplan.network.health_words import in_chinese
from communityplan.standards import walker as find_walker
from communityplan.tables import HOMES, check, record, same_crs
from communityplan.walker import Walker

__all__ = ["GAP_M", "problems", "report"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Shapes = NDArray[np.object_]

GAP_M = 2.0
"""A dead end nearer than this to another street is told as a gap [m]."""

MOST_PARTS = 10
"""Connected parts that get a row of their own; the smaller ones share one."""

ANYONE = Walker("anyone", 1.0)
"""Looks at every way that is not shut."""

QUANTILES = {"median": 0.5, "90 %": 0.9, "99 %": 0.99, "longest": 1.0}

Row = tuple[str, str, int, float, float]
"""What, detail, count, length [m] and people."""

Place = tuple[str, str, float, float, shapely.Geometry]
"""What, detail, length [m], people and where."""


@dataclass(frozen=True)
class _View:
    """The network as one walker finds it, and where people join it.

    Attributes
    ----------
    network : WalkNetwork
    part : array of int, shape (E,)
        Connected part of every edge, the longest 0; -1 for an edge that is not walked.
    home : DataFrame or None
        One row per home: ``edge`` (-1: none), ``door_m``, ``reason``, ``people``.
    doors : array of geometry
    """

    network: WalkNetwork
    part: Ints
    home: pd.DataFrame | None
    doors: Shapes

    @classmethod
    def of(
        cls, network: WalkNetwork, homes: gpd.GeoDataFrame | None, walker: Walker | str | None
    ) -> _View:
        person = ANYONE if walker is None else find_walker(walker)
        part = _parts(network, person)
        if homes is None:
            return cls(network, part, None, np.zeros(0, dtype=object))
        same_crs(network.edges, check(homes, HOMES))
        shapes = doors(homes, where="homes")
        joined = attach(network, shapes, walker=person)
        owner = homes["community_id"].map(str).to_numpy(dtype=object)
        free = np.flatnonzero(~np.isin(owner, network.owners))
        owner[free] = private_ways(network, shapes[free], walker=person, base=joined.take(free))
        joined = attach(network, shapes, walker=person, owner=owner, base=joined)
        _, reason = why_not_attached(network, shapes, joined, walker=person)
        people = pd.to_numeric(homes["residents"]).to_numpy(dtype=np.float64)
        facts = {"edge": joined.edge, "door_m": joined.door_m, "reason": reason, "people": people}
        return cls(network, part, pd.DataFrame(facts), shapes)

    def people(self, edges: Flags) -> float:
        """People whose door leads to one of these edges; nan where homes are not given."""
        if self.home is None:
            return np.nan
        on = self.home[self.home["edge"] >= 0]
        return float(on.loc[edges[on["edge"].to_numpy()], "people"].sum())


def report(
    network: WalkNetwork,
    *,
    homes: gpd.GeoDataFrame | None = None,
    walker: Walker | str | None = None,
) -> pd.DataFrame:
    """How healthy the network is, in one table.

    Parameters
    ----------
    network : WalkNetwork
    homes : GeoDataFrame, optional
        As `tables.HOMES`; adds people, and the ways from doors to streets.
    walker : Walker or str, optional
        Whose network to look at: one who may not use steps finds more parts. Everyone's unless
        given.

    Returns
    -------
    DataFrame
        ``what`` and ``detail``, ``count``, ``length_m`` [m], ``people`` (nan where not counted),
        and the same words in Chinese as ``zh`` and ``detail_zh``. The connected parts come first,
        the longest first; then faults of the drawing, kinds of ways, what building decided, and
        the homes.

    Raises
    ------
    TableError, OptionError

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from communityplan import WalkNetwork
    >>> streets = gpd.GeoDataFrame(
    ...     geometry=[shapely.LineString([(0, 0), (100, 0)]),
    ...               shapely.LineString([(101, 0), (150, 0)])], crs="EPSG:32650")
    >>> report = WalkNetwork.from_streets(streets).report()
    >>> report.loc[1:3, ["what", "detail", "count", "length_m"]].values.tolist()
    [['connected part', 'part 1', 1, 100.0], ['connected part', 'part 2', 1, 49.0],
     ['gap under 2 m', 'same level', 1, 1.0]]
    """
    view = _View.of(network, homes, walker)
    rows = [*_part_rows(view), *_fault_rows(view), *_way_rows(view)]
    table = pd.DataFrame(rows, columns=["what", "detail", "count", "length_m", "people"])
    found = network.findings.assign(people=np.nan)
    after = pd.DataFrame(list(_home_rows(view)), columns=table.columns)
    table = pd.concat([part for part in (table, found, after) if len(part)], ignore_index=True)
    name = None if walker is None else find_walker(walker).name
    return record(
        in_chinese(table[table["count"] > 0].reset_index(drop=True)),
        walker=name,
        homes=None if homes is None else len(homes),
        gap_m=GAP_M,
        network=dict(network.options),
    )


def problems(
    network: WalkNetwork,
    *,
    homes: gpd.GeoDataFrame | None = None,
    walker: Walker | str | None = None,
) -> gpd.GeoDataFrame:
    """Every fault with its place, to be drawn on a map.

    Parameters
    ----------
    network, homes, walker
        As for `report`.

    Returns
    -------
    GeoDataFrame
        One row per fault: ``what``, ``detail``, ``length_m`` [m], ``people``, ``zh``,
        ``detail_zh`` and a point, a line or several lines.
    """
    view = _View.of(network, homes, walker)
    rows = [*_island_places(view), *_fault_places(view), *_gate_places(view), *_home_places(view)]
    table = pd.DataFrame(rows, columns=["what", "detail", "length_m", "people", "geometry"])
    shown = gpd.GeoDataFrame(in_chinese(table), geometry="geometry", crs=network.crs)
    return record(shown, gap_m=GAP_M, network=dict(network.options))


def _parts(network: WalkNetwork, walker: Walker) -> Ints:
    """Connected part of every edge that this walker can walk one way at least."""
    edges = network.edges
    forward, backward = network.seconds(walker)
    walked = np.isfinite(forward) | np.isfinite(backward)
    of_node = connected(len(network.nodes), edges[walked])
    part = of_node[edges["u"].to_numpy()]
    length_m = np.bincount(part[walked], edges["length_m"].to_numpy()[walked], of_node.max() + 1)
    rank = np.empty(len(length_m), dtype=np.int64)
    rank[np.argsort(-length_m, kind="stable")] = np.arange(len(length_m))
    # what has no length is a gate that nothing leads to
    real = walked & (length_m[part] > 0)
    return np.where(real, rank[part], -1)


def _part_rows(view: _View) -> Iterator[Row]:
    edges, part = view.network.edges, view.part
    way = (edges["kind"] != "gate").to_numpy() & (part >= 0)
    length_m = edges["length_m"].to_numpy()
    yield "walkable street", "", int(way.sum()), float(length_m[way].sum()), view.people(way)
    last = int(part.max(initial=-1))
    for number in range(min(last + 1, MOST_PARTS)):
        here = part == number
        m, people = float(length_m[here].sum()), view.people(here)
        yield "connected part", f"part {number + 1}", int((here & way).sum()), m, people
    small = part >= MOST_PARTS
    detail = f"smaller parts: {last + 1 - MOST_PARTS}"
    m = float(length_m[small].sum())
    yield "connected part", detail, int((small & way).sum()), m, view.people(small)


@dataclass(frozen=True)
class _Faults:
    """Faults of the drawing, whoever walks."""

    gaps: gpd.GeoDataFrame
    overlaps: gpd.GeoDataFrame
    crossings: gpd.GeoDataFrame

    @classmethod
    def of(cls, network: WalkNetwork) -> _Faults:
        if "faults" not in network.cache:
            lines = network.barriers.lines
            network.cache["faults"] = cls(
                find_gaps(network.nodes, network.edges, within_m=GAP_M, barriers=lines),
                find_overlaps(network.edges),
                find_crossings(network.edges),
            )
        found: _Faults = network.cache["faults"]
        return found

    def tables(self) -> Iterator[tuple[str, str, gpd.GeoDataFrame]]:
        """What, detail, and the places of this kind."""
        twice = self.overlaps["duplicate"]
        level, crosses = self.gaps["same_level"], self.crossings["same_level"]
        yield f"gap under {GAP_M:g} m", "same level", self.gaps[level]
        yield f"gap under {GAP_M:g} m", "another level", self.gaps[~level]
        yield "duplicate edge", "", self.overlaps[twice]
        yield "overlapping edges", "", self.overlaps[~twice]
        yield "crossing without a junction", "same level", self.crossings[crosses]
        yield "crossing without a junction", "another level", self.crossings[~crosses]


def _fault_rows(view: _View) -> Iterator[Row]:
    for what, detail, table in _Faults.of(view.network).tables():
        m = float(table["length_m"].sum()) if "length_m" in table.columns else np.nan
        yield what, detail, len(table), m, np.nan


def _way_rows(view: _View) -> Iterator[Row]:
    edges = view.network.edges
    gate, closed = (edges["kind"] == "gate").to_numpy(), (edges["access"] == "closed").to_numpy()
    way = ~gate & ~closed
    steps = edges["steps"].to_numpy(dtype=bool)
    unknown = steps & edges["climb_m"].isna().to_numpy()
    walked = edges.loc[~closed, ["u", "v"]].to_numpy().ravel()
    ends = np.bincount(walked, minlength=len(view.network.nodes))
    dead = (ends[edges["u"]] == 1) | (ends[edges["v"]] == 1)
    masks = {
        "dead end": way & dead,
        "steps": way & steps,
        "steps of unknown height": way & unknown,
        "crossing where people wait": way & edges["crossing"].to_numpy(dtype=bool),
        "way in one direction only": way & edges["oneway_foot"].to_numpy(dtype=bool),
        "private way kept for residents": way & (edges["access"] == "residents").to_numpy(),
        "closed way": ~gate & closed,
    }
    for what, mask in masks.items():
        m = float(edges["length_m"].to_numpy()[mask].sum())
        yield what, "", int(mask.sum()), m, view.people(mask)


def _home_rows(view: _View) -> Iterator[Row]:
    if view.home is None:
        return
    home = view.home
    joined = home[home["edge"] >= 0]
    for detail, share in QUANTILES.items() if len(joined) else ():
        m = float(joined["door_m"].quantile(share))
        yield "way from door to street", detail, len(joined), m, float(joined["people"].sum())
    small = joined[view.part[joined["edge"].to_numpy()] > 0]
    yield "home on a smaller part", "", len(small), np.nan, float(small["people"].sum())
    for reason, lost in home[home["edge"] < 0].groupby("reason", sort=True):
        yield "home on no street", str(reason), len(lost), np.nan, float(lost["people"].sum())


def _island_places(view: _View) -> Iterator[Place]:
    edges = view.network.edges
    lines, length_m = edges.geometry.to_numpy(), edges["length_m"].to_numpy()
    small = np.flatnonzero((view.part > 0) & (length_m > 0))
    for number in np.unique(view.part[small]):
        here = view.part == number
        rows = small[view.part[small] == number]
        shape = shapely.MultiLineString(list(lines[rows]))
        m, people = float(length_m[rows].sum()), view.people(here)
        yield "part cut off", f"part {number + 1}", m, people, shape


def _fault_places(view: _View) -> Iterator[Place]:
    network = view.network
    for what, detail, table in _Faults.of(network).tables():
        if what.startswith("crossing") and detail == "another level":
            continue
        metres = table["length_m"] if "length_m" in table.columns else np.full(len(table), np.nan)
        for m, shape in zip(metres, table.geometry, strict=True):
            yield what, detail, float(m), np.nan, shape
    edges = network.edges
    if network.options.get("elevation"):
        from communityplan.network.slope import STEEP_GRADE

        steep = edges["climb_m"].abs() > STEEP_GRADE * edges["length_m"]
        unknown = edges["climb_m"].isna() & ~edges["steps"]
        for what, mask in (
            ("steep edge", steep & ~edges["steps"]),
            ("edge outside the elevation raster", unknown),
        ):
            for row in edges[mask].itertuples():
                yield what, "", float(row.length_m), np.nan, row.geometry
    for point in _cuts(network):
        yield "street cut by a barrier", "no gate there", np.nan, np.nan, point


def _cuts(network: WalkNetwork) -> Shapes:
    """Places where a barrier parts streets and no gate joins them."""
    points = network.nodes.geometry.to_numpy()
    places, place, count = np.unique(
        shapely.get_coordinates(points), axis=0, return_inverse=True, return_counts=True
    )
    gates = network.edges[network.edges["kind"] == "gate"]
    split = count > 1
    split[place.ravel()[gates[["u", "v"]].to_numpy().ravel()]] = False
    return np.asarray(shapely.points(places[split]), dtype=object)


def _gate_places(view: _View) -> Iterator[Place]:
    gates = view.network.gates
    if gates is None:
        return
    for what, table in gate_faults(gates).items():
        far = what == "gate far from every wall"
        metres = table["wall_m"] if far else np.full(len(table), np.nan)
        for key, m, shape in zip(table["gate_id"], metres, table.geometry, strict=True):
            yield what, str(key), float(m), np.nan, shape
    untagged = gates[gates["on_street"] & (gates["who"] == "")]
    for taken, shape in zip(untagged["taken_for"], untagged.geometry, strict=True):
        yield "untagged gate taken for", str(taken), np.nan, np.nan, shape


def _home_places(view: _View) -> Iterator[Place]:
    if view.home is None:
        return
    for row in np.flatnonzero(view.home["edge"] < 0):
        home = view.home.iloc[row]
        yield "home on no street", home["reason"], np.nan, home["people"], view.doors[row]
