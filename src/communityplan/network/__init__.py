"""Streets, walls, gates and slope -> the walking network.

`WalkNetwork` is the one class of the package: nodes, edges and what stands in the way, from which
the seconds of every edge follow for any walker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.errors import OptionError, Problem, TableError
from communityplan.network.edges import (
    UNTAGGED_GATES,
    connected,
    edge_table,
    passage_table,
    street_owners,
    words,
)
from communityplan.network.findings import findings, gate_table, street_levels, street_parts
from communityplan.network.noding import Barriers, node_streets
from communityplan.network.shown import network_page
from communityplan.network.timing import edge_seconds, minute_of_day
from communityplan.tables import (
    COMMUNITIES,
    GATES,
    STREETS,
    WALLS,
    as_flags,
    find_problems,
    same_crs,
)
from communityplan.walker import Walker

if TYPE_CHECKING:
    import networkx as nx

    from communityplan.coordinates.raster import RasterSource
    from communityplan.network.slope import Elevation

__all__ = ["WalkNetwork"]

Floats = NDArray[np.float64]

WHO = ("everyone", "residents", "closed")

GATE_WITHIN_M = 5.0
"""How far a gate may lie from what it opens unless told [m]."""


@dataclass(frozen=True, eq=False)
class WalkNetwork:
    """Where people can walk: made by `WalkNetwork.from_streets`, never by hand.

    Attributes
    ----------
    nodes : GeoDataFrame
        One point per node; index 0 to N - 1.
    edges : GeoDataFrame
        One line per edge; index 0 to E - 1. ``u``, ``v`` (nodes at the first and last point),
        ``length_m``, ``kind`` (``"gate"`` for the way through a gate), ``access`` (everyone,
        residents, closed), ``owner`` (the community or group of private ways whose residents may
        pass, empty for everyone), ``steps``, ``crossing``, ``climb_m`` (nan: not known),
        ``oneway_foot``, ``wait_s``, ``open_from``, ``open_until`` (minutes after midnight),
        ``gate_id``, ``street`` (row of the street), ``level`` (bridge, tunnel, layer; empty on the
        ground), ``part`` (way, outline of a square or link across one; empty: not told).
    communities : GeoDataFrame or None
        The communities that were given.
    barriers : Barriers
        Walls and the boundaries of enclosed communities; never crossed, not by doors either.
    attach_within_m : float
        A point farther than this from every street it may use is unreachable [m].
    at_minute : int or None
        Time of day, minutes after midnight; None takes every gate with hours as open.
    findings : DataFrame
        What was decided while building: ``what``, ``detail``, ``count``, ``length_m``.
    options : dict
        The options that were used.
    gates : GeoDataFrame or None
        What became of every gate (`findings.gate_table`).
    without_effect : tuple of str
        Options that were chosen but change nothing with these tables.
    """

    nodes: gpd.GeoDataFrame
    edges: gpd.GeoDataFrame
    communities: gpd.GeoDataFrame | None
    barriers: Barriers
    attach_within_m: float
    at_minute: int | None
    findings: pd.DataFrame
    options: Mapping[str, Any]
    gates: gpd.GeoDataFrame | None = None
    without_effect: tuple[str, ...] = ()
    cache: dict[Any, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_streets(
        cls,
        streets: gpd.GeoDataFrame,
        *,
        walls: gpd.GeoDataFrame | None = None,
        gates: gpd.GeoDataFrame | None = None,
        communities: gpd.GeoDataFrame | None = None,
        elevation: Elevation | RasterSource | None = None,
        enclosed: str = "as_given",
        untagged_gates: str = "open",
        gate_within_m: float = GATE_WITHIN_M,
        attach_within_m: float = 100.0,
        at: str | None = None,
    ) -> WalkNetwork:
        """Build the walking network.

        Parameters
        ----------
        streets : GeoDataFrame
            Lines that join where they share a vertex, as `tables.STREETS`, in metres.
        walls : GeoDataFrame, optional
            Lines that cut every street that passes them except at gates, as `tables.WALLS`.
        gates : GeoDataFrame, optional
            Points on streets, as `tables.GATES`. ``who`` is everyone, residents or closed.
        communities : GeoDataFrame, optional
            Areas, as `tables.COMMUNITIES`. The boundary of an enclosed one is a wall; the private
            ways and residents' gates of a community are open to its own people only.
        elevation : str, Path, Raster or slope.Elevation, optional
            A raster of heights; where streets carry ``climb_m`` that counts (`network.slope`).
        enclosed : {"as_given", "all", "none"}
            Which communities are enclosed: those whose column ``enclosed`` says so, all or none.
        untagged_gates : {"open", "residents", "closed"}
            What a gate without ``who`` is taken for.
        gate_within_m : float
            How far a gate may lie from the street or the cut in a street that it opens [m].
        attach_within_m : float
            How far homes and facilities may lie from a street [m].
        at : str, optional
            Time of day as ``HH:MM``; gates that are shut then are closed. Without it every gate
            with opening hours counts as open.

        Returns
        -------
        WalkNetwork

        Raises
        ------
        TableError
            Lists everything wrong with the tables.
        OptionError
            For an option with no meaning, or tables in different coordinate systems.

        Examples
        --------
        >>> import geopandas as gpd, shapely
        >>> from communityplan import WalkNetwork
        >>> streets = gpd.GeoDataFrame(
        ...     geometry=[shapely.LineString([(0, 0), (100, 0)]),
        ...               shapely.LineString([(100, 0), (100, 50)])], crs="EPSG:32650")
        >>> WalkNetwork.from_streets(streets)
        <WalkNetwork: 3 nodes, 2 edges, 0.15 km, 0 gates, EPSG:32650>
        """
        options: dict[str, Any] = {
            "elevation": None,
            "enclosed": enclosed,
            "untagged_gates": untagged_gates,
            "gate_within_m": float(gate_within_m),
            "attach_within_m": float(attach_within_m),
            "at": at,
        }
        _check_options(options)
        _check_inputs(streets, walls, gates, communities)
        parts, row = _single_lines(streets)
        barriers = _barriers(walls, communities, enclosed)
        points = np.zeros(0, dtype=object) if gates is None else gates.geometry.to_numpy()
        level = street_levels(streets)
        noded = node_streets(
            parts,
            barriers,
            points,
            gate_within_m=float(gate_within_m),
            off_ground=(level != "")[row],
        )
        edges = edge_table(streets, row, noded)
        edges["owner"] = street_owners(edges, communities)
        edges["level"] = level[edges["street"].to_numpy()]
        edges["part"] = street_parts(streets)[edges["street"].to_numpy()]
        kept = None
        if gates is not None:
            passages = passage_table(gates, noded, communities, options, streets.crs)
            edges = pd.concat([edges, passages.assign(level="", part="")], ignore_index=True)
            kept = gate_table(gates, noded, barriers, edges, untagged_gates=untagged_gates)
        nodes = gpd.GeoDataFrame(geometry=shapely.points(noded.node_xy), crs=streets.crs)
        n_parts = len(shapely.get_parts(streets.geometry.to_numpy()))
        decided = findings(noded, barriers, kept, walls, edges, lost_parts=n_parts - len(parts))
        if elevation is not None:
            # rasters are slow to import, and few networks need one
            from communityplan.network.slope import climb_edges

            nodes, edges, climbs, options["elevation"] = climb_edges(nodes, edges, elevation)
            decided = pd.concat([decided, climbs], ignore_index=True)
        return cls(
            nodes=nodes,
            edges=edges,
            communities=communities,
            barriers=barriers,
            attach_within_m=float(attach_within_m),
            at_minute=None if at is None else minute_of_day(at),
            findings=decided,
            options=options,
            gates=kept,
            without_effect=_without_effect(options, gates, communities),
        )

    def __repr__(self) -> str:
        walked = self.edges["kind"] != "gate"
        km = self.edges.loc[walked, "length_m"].sum() / 1000
        gates = self.edges.loc[~walked, "gate_id"].nunique()
        return (
            f"<WalkNetwork: {len(self.nodes)} nodes, {walked.sum()} edges, {km:.2f} km, "
            f"{gates} gates, {self.crs.to_string()}>"
        )

    def _repr_html_(self) -> str:
        """Figures and streets as a notebook shows them."""
        return network_page(self)

    @property
    def crs(self) -> Any:
        """Coordinate system of nodes and edges, in metres."""
        return self.edges.crs

    @property
    def owners(self) -> tuple[str, ...]:
        """Communities and groups of private ways that have ways of their own."""
        if "owners" not in self.cache:
            self.cache["owners"] = tuple(sorted(set(self.edges["owner"].unique()) - {""}))
        found: tuple[str, ...] = self.cache["owners"]
        return found

    def at(self, time: str | None) -> WalkNetwork:
        """The same network at another time of day.

        Parameters
        ----------
        time : str or None
            ``HH:MM``; None takes every gate with opening hours as open.

        Returns
        -------
        WalkNetwork
        """
        minute = None if time is None else minute_of_day(time)
        options = {**self.options, "at": time}
        return replace(self, at_minute=minute, options=options, cache={})

    def seconds(self, walker: Walker) -> tuple[Floats, Floats]:
        """Time every edge takes this walker, infinite where it cannot be walked.

        Parameters
        ----------
        walker : Walker

        Returns
        -------
        tuple of array of float, each of shape (E,)
            Seconds from ``u`` to ``v``, and from ``v`` to ``u``.
        """
        key = ("seconds", walker)
        if key not in self.cache:
            self.cache[key] = edge_seconds(self.edges, walker, self.at_minute)
        found: tuple[Floats, Floats] = self.cache[key]
        return found

    def to_networkx(self, *, walker: Walker | None = None) -> nx.MultiDiGraph:
        """The network as a networkx graph, both directions of every edge.

        Parameters
        ----------
        walker : Walker, optional
            Adds ``seconds`` and leaves out what this walker cannot walk.

        Returns
        -------
        networkx.MultiDiGraph
            Nodes with ``x`` and ``y``; edges with the columns of `edges`; key: the edge's row.
        """
        import networkx as nx

        graph = nx.MultiDiGraph(crs=self.crs)
        for node, (x, y) in enumerate(shapely.get_coordinates(self.nodes.geometry)):
            graph.add_node(node, x=float(x), y=float(y))
        facts = self.edges.to_dict("records")
        no_times = np.zeros(len(facts))
        forward, backward = (no_times, no_times) if walker is None else self.seconds(walker)
        for seconds, start, end in ((forward, "u", "v"), (backward, "v", "u")):
            for row, edge in enumerate(facts):
                if not np.isfinite(seconds[row]):
                    continue
                timed = {} if walker is None else {"seconds": float(seconds[row])}
                graph.add_edge(edge[start], edge[end], key=row, **{**edge, **timed})
        return graph

    def report(
        self, *, homes: gpd.GeoDataFrame | None = None, walker: Walker | str | None = None
    ) -> pd.DataFrame:
        """How healthy the network is: its parts, its faults, what was cut and what was decided.

        Parameters
        ----------
        homes : GeoDataFrame, optional
            As `tables.HOMES`; adds the people concerned and the ways to the street.
        walker : Walker or str, optional
            Whose network to look at; everyone's unless given.

        Returns
        -------
        DataFrame
            ``what``, ``detail``, ``count``, ``length_m``, ``people`` (nan where not counted), and
            ``zh``, ``detail_zh``; see `network.health.report`.
        """
        from communityplan.network.health import report

        return report(self, homes=homes, walker=walker)

    def problems(
        self, *, homes: gpd.GeoDataFrame | None = None, walker: Walker | str | None = None
    ) -> gpd.GeoDataFrame:
        """Every single fault that the report counts, with its place, to be drawn on a map.

        Parameters
        ----------
        homes, walker
            As for `report`.

        Returns
        -------
        GeoDataFrame
            ``what``, ``detail``, ``length_m``, ``people``, ``zh``, ``detail_zh``, geometry.
        """
        from communityplan.network.health import problems

        return problems(self, homes=homes, walker=walker)

    def parts(self) -> NDArray[np.int64]:
        """Number of the connected part each node belongs to, whoever may walk there."""
        if "parts" not in self.cache:
            open_edges = self.edges[self.edges["access"] != "closed"]
            self.cache["parts"] = connected(len(self.nodes), open_edges)
        found: NDArray[np.int64] = self.cache["parts"]
        return found


def _check_options(options: Mapping[str, Any]) -> None:
    wrong = []
    if options["enclosed"] not in ("as_given", "all", "none"):
        wrong.append(f"enclosed is {options['enclosed']!r}: give as_given, all or none")
    if options["untagged_gates"] not in UNTAGGED_GATES:
        wrong.append(
            f"untagged_gates is {options['untagged_gates']!r}: give open, residents or closed"
        )
    for name in ("gate_within_m", "attach_within_m"):
        if not (np.isfinite(options[name]) and options[name] >= 0):
            wrong.append(f"{name} is {options[name]}: give metres, 0 or more")
    if wrong:
        raise OptionError("; ".join(wrong))


def _check_inputs(
    streets: gpd.GeoDataFrame,
    walls: gpd.GeoDataFrame | None,
    gates: gpd.GeoDataFrame | None,
    communities: gpd.GeoDataFrame | None,
) -> None:
    given = [(streets, STREETS), (walls, WALLS), (gates, GATES), (communities, COMMUNITIES)]
    problems: list[Problem] = []
    for table, contract in given:
        if table is not None:
            problems += find_problems(table, contract)
    problems += _who_problems(streets, "access", "streets")
    problems += [] if gates is None else _who_problems(gates, "who", "gates")
    if not len(streets):
        problems.append(Problem("streets", "the table is empty", "Give at least one street"))
    if problems:
        raise TableError(problems)
    same_crs(*(table for table, _ in given if table is not None))


def _who_problems(table: pd.DataFrame, column: str, where: str) -> list[Problem]:
    if column not in table.columns:
        return []
    given = words(table[column])
    return [
        Problem(
            f"{where}, row {row + 1}",
            f"{column} is {given[row]!r}",
            "Give everyone, residents or closed",
        )
        for row in np.flatnonzero(~np.isin(given, ["", *WHO]))
    ]


def _single_lines(streets: gpd.GeoDataFrame) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """The parts of every street that have a length, and the street's row."""
    parts, row = shapely.get_parts(streets.geometry.to_numpy(), return_index=True)
    parts = shapely.remove_repeated_points(shapely.force_2d(parts))
    long = shapely.length(parts) > 0
    return parts[long], row[long].astype(np.int64)


def _without_effect(
    options: Mapping[str, Any],
    gates: gpd.GeoDataFrame | None,
    communities: gpd.GeoDataFrame | None,
) -> tuple[str, ...]:
    """Options that were chosen but change nothing with these tables."""
    columns = set() if gates is None else set(gates.columns)
    there = gates is not None and len(gates) > 0
    blank = gates is not None and there
    if gates is not None and "who" in columns:
        blank = bool(gates["who"].fillna("").map(str).eq("").any())
    timed = there and {"open_from", "open_until"} & columns
    idle = {
        "enclosed": options["enclosed"] == "all" and (communities is None or communities.empty),
        "untagged_gates": options["untagged_gates"] != "open" and not blank,
        "gate_within_m": options["gate_within_m"] != GATE_WITHIN_M and not there,
        "at": options["at"] is not None and not timed,
    }
    return tuple(name for name, is_idle in idle.items() if is_idle)


def _barriers(
    walls: gpd.GeoDataFrame | None, communities: gpd.GeoDataFrame | None, enclosed: str
) -> Barriers:
    none = np.zeros(0, dtype=object)
    lines = none if walls is None else shapely.get_parts(walls.geometry.to_numpy())
    if communities is None or enclosed == "none":
        return Barriers(lines, none)
    if enclosed == "all":
        return Barriers(lines, communities.geometry.to_numpy())
    if "enclosed" not in communities.columns:
        return Barriers(lines, none)
    return Barriers(lines, communities.geometry.to_numpy()[as_flags(communities["enclosed"])])
