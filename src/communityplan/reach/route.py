"""One walk, leg by leg: why does it take seventeen minutes?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from communityplan import _search
from communityplan._search import Ends, Path
from communityplan.errors import OptionError
from communityplan.network import WalkNetwork
from communityplan.reach.ends import ends_of, places, residents_of, search_graph
from communityplan.reach.parts import cut_lines
from communityplan.reach.shared import one_walker
from communityplan.tables import record
from communityplan.walker import Walker

__all__ = ["route"]

Leg = dict[str, Any]

COLUMNS = ["leg", "kind", "length_m", "walk_s", "wait_s", "seconds", "geometry"]


def route(
    network: WalkNetwork,
    origin: gpd.GeoDataFrame,
    destination: gpd.GeoDataFrame,
    *,
    walker: Walker | str,
) -> gpd.GeoDataFrame:
    """The quickest walk between two points, split into its legs.

    Parameters
    ----------
    network : WalkNetwork
    origin, destination : GeoDataFrame
        One row each, as in `walks`.
    walker : Walker or str

    Returns
    -------
    GeoDataFrame
        One row per leg in the order walked: ``leg`` (stairs, door or street), ``kind`` of street
        (``gate`` for the way through one), ``length_m``, ``walk_s``, ``wait_s`` and their sum
        ``seconds``, whose total is the walk of `walks`; the line. Empty where there is no way.

    Raises
    ------
    OptionError
        For more or fewer than one origin and destination.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> import communityplan as cp
    >>> streets = gpd.GeoDataFrame({"kind": ["footway", "crossing"], "crossing": [False, True]},
    ...     geometry=[shapely.LineString([(0, 0), (60, 0)]),
    ...               shapely.LineString([(60, 0), (72, 0)])], crs=32650)
    >>> network = cp.WalkNetwork.from_streets(streets)
    >>> home = gpd.GeoDataFrame({"home_id": ["h"]}, geometry=[shapely.Point(0, 6)], crs=32650)
    >>> shop = gpd.GeoDataFrame({"facility_id": ["f"]}, geometry=[shapely.Point(72, 0)], crs=32650)
    >>> older = cp.Walker("older", 0.6, crossing_wait_s=35)
    >>> cp.route(network, home, shop, walker=older)[["leg", "kind", "walk_s", "wait_s"]]
          leg      kind  walk_s  wait_s
    0    door              10.0     0.0
    1  street   footway   100.0     0.0
    2  street  crossing    20.0    35.0
    """
    person = one_walker(walker)
    start = places(network, origin, walker=person, where="origin")
    end = places(network, destination, walker=person, where="destination")
    if len(origin) != 1 or len(destination) != 1:
        raise OptionError(
            f"a route has one origin and one destination, not {len(origin)} and {len(destination)}"
        )
    (own,) = residents_of(network, start, person)
    code = network.owners.index(own) + 1 if own else 0
    only = np.array([0])
    leaving, out_s, down_s = ends_of(network, start, only, walker=person, owner=own, outward=True)
    arriving, in_s, up_s = ends_of(network, end, only, walker=person, owner=own, outward=False)
    found = _search.path(search_graph(network, person), leaving, arriving, allowed=code)
    legs: list[Leg] = []
    if np.isfinite(found.seconds):
        spans = _spans(network, found, leaving, arriving, person)
        legs = [
            _side("stairs", down_s[0], None),
            _door(network, out_s[0], leaving, start.shapes[0], outward=True),
            *_street_legs(network, spans, person),
            _door(network, in_s[0], arriving, end.shapes[0], outward=False),
            _side("stairs", up_s[0], None),
        ]
    walked = [leg for leg in legs if leg["seconds"] > 0]
    table = gpd.GeoDataFrame(walked, columns=COLUMNS, geometry="geometry", crs=network.crs)
    return record(table, walker=person.facts(), walk_min=float(found.seconds) / 60.0)


def _door(
    network: WalkNetwork, seconds: float, ends: Ends, door: shapely.Geometry, *, outward: bool
) -> Leg:
    """The straight way between a door and where it joins its edge."""
    line = network.edges.geometry.iloc[int(ends.edge[0])]
    joint = shapely.line_interpolate_point(line, float(ends.along[0]), normalized=True)
    way = shapely.shortest_line(*((door, joint) if outward else (joint, door)))
    return _side("door", seconds, way)


def _side(leg: str, seconds: float, line: shapely.Geometry | None) -> Leg:
    """What is walked beside the streets."""
    length_m = 0.0 if line is None else float(shapely.length(line))
    walk_s = float(seconds)
    return dict(zip(COLUMNS, (leg, "", length_m, walk_s, 0.0, walk_s, line), strict=True))


@dataclass(frozen=True)
class _Span:
    """An edge walked from one share of its length to another."""

    edge: int
    start: float
    stop: float


def _spans(
    network: WalkNetwork, found: Path, leaving: Ends, arriving: Ends, walker: Walker
) -> list[_Span]:
    first, last = int(leaving.edge[0]), int(arriving.edge[0])
    begin, finish = float(leaving.along[0]), float(arriving.along[0])
    if not len(found.node):
        return [_Span(first, begin, finish)]
    forward, backward = network.seconds(walker)
    # the node the first edge is left by, and the one the last edge is entered by
    to_u, to_v = _part(begin, backward[first]), _part(1.0 - begin, forward[first])
    out = _node_share(
        network, first, int(found.node[0]), by_u_s=to_u, by_v_s=to_v, taken_s=found.leave_s
    )
    from_u, from_v = _part(finish, forward[last]), _part(1.0 - finish, backward[last])
    into = _node_share(
        network, last, int(found.node[-1]), by_u_s=from_u, by_v_s=from_v, taken_s=found.arrive_s
    )
    between = [
        _Span(int(edge), float(back), 1.0 - float(back))
        for edge, back in zip(found.edge, found.backward, strict=True)
    ]
    return [_Span(first, begin, out), *between, _Span(last, into, finish)]


def _part(share: float, seconds: float) -> float:
    """Seconds of a share of an edge; none of it costs nothing, even where it is barred."""
    return share * seconds if share > 0 else 0.0


def _node_share(
    network: WalkNetwork, edge: int, node: int, *, by_u_s: float, by_v_s: float, taken_s: float
) -> float:
    """Whether a node is the first point of an edge (0) or the last (1); of a loop, the one used."""
    u, v = (int(network.edges[end].iloc[edge]) for end in ("u", "v"))
    if u != v:
        return 0.0 if node == u else 1.0
    return 0.0 if abs(by_u_s - taken_s) <= abs(by_v_s - taken_s) else 1.0


def _street_legs(network: WalkNetwork, spans: list[_Span], walker: Walker) -> list[Leg]:
    """Parts of edges with their time, waiting apart."""
    edge = np.array([span.edge for span in spans])
    start = np.array([span.start for span in spans])
    stop = np.array([span.stop for span in spans])
    rows = network.edges.iloc[edge]
    ahead = stop >= start
    share = np.abs(stop - start)
    forward, backward = network.seconds(walker)
    whole_s = np.where(ahead, forward[edge], backward[edge])
    seconds = np.array([_part(*both) for both in zip(share, whole_s, strict=True)])
    crossing_s = rows["crossing"].to_numpy(dtype=bool) * walker.crossing_wait_s
    wait_s = share * (rows["wait_s"].to_numpy(dtype=np.float64) + crossing_s)
    lines = cut_lines(rows.geometry.to_numpy(), np.minimum(start, stop), np.maximum(start, stop))
    lines = np.where(ahead, lines, shapely.reverse(lines))
    length_m = share * rows["length_m"].to_numpy(dtype=np.float64)
    kinds = rows["kind"].to_numpy(dtype=object)
    values = zip(kinds, length_m, seconds - wait_s, wait_s, seconds, lines, strict=True)
    return [dict(zip(COLUMNS, ("street", *row), strict=True)) for row in values]
