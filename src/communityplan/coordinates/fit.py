"""Which datum coordinates are in, by how they lie on the streets.

Buildings, shops and estates keep off the carriageway, gates and stops keep on it; coordinates in a
wrong datum are 100 to 1,500 m away and hit it as often as chance has it. So the datum that departs
most from chance is the right one.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.coordinates.datum import DATUMS, convert_datum
from communityplan.errors import OptionError
from communityplan.tables import record

__all__ = ["fits_better", "guess_datum"]

Shapes = NDArray[Any]

ON_STREET_M = 5.0
"""A point this near to the middle of a street stands on the carriageway [m]."""
KNOWN_WITHIN_M = 500.0
"""Places with no street so near in any datum lie where the streets are not known [m]."""
MOST_PLACES = 4000
"""So many places, evenly drawn, are enough."""
BUILDING_M2 = 5000.0
"""Areas up to this median size are buildings, which no street crosses [m2]."""
CLEAR = 3.0
"""Standard deviations by which a datum has to depart from chance, and to lead."""

_SHIFTS_M = [
    np.array([radius * np.cos(angle), radius * np.sin(angle)])
    for radius in (300.0, 600.0, 900.0)
    for angle in np.arange(8) * np.pi / 4.0
]

_MAIN = ("motorway", "trunk", "primary", "secondary", "tertiary")
_CARRIAGEWAYS = (*_MAIN, "unclassified", "residential", "living_street", "road")


def guess_datum(points: Any, streets: gpd.GeoDataFrame) -> pd.DataFrame:
    """How well places fit the streets when read as WGS-84, as GCJ-02 and as BD-09.

    Parameters
    ----------
    points : GeoDataFrame or GeoSeries
        Points, areas or lines in degrees as they came, whatever the label of their system. Areas
        may be buildings or estates.
    streets : GeoDataFrame
        Streets in WGS-84 or any system that leads there, such as those of OpenStreetMap. Where a
        column ``kind`` holds OpenStreetMap's classes, points and buildings are held against
        carriageways and estates against main roads only; without it against all streets.

    Returns
    -------
    DataFrame
        One row per datum, the best first: ``datum``; ``places`` that could be compared;
        ``street_m``, median distance to the nearest street that counts [m]; ``on_street_share``,
        share of the points within `ON_STREET_M` of its middle, or of the areas and lines crossed
        by it; ``chance_share``, the same for places moved at random; ``road_m_per_ha``, length of
        it inside the areas [m/ha], missing for points; ``deviation`` from chance in standard
        deviations; ``verdict`` and ``verdict_zh``.

    Raises
    ------
    OptionError
        For points that are not in degrees, or no streets.

    Examples
    --------
    >>> import geopandas as gpd, numpy as np, shapely
    >>> from communityplan.coordinates import convert_datum, guess_datum
    >>> east = 121.4 + np.cumsum(np.random.default_rng(0).uniform(0.0005, 0.002, 60))
    >>> lines = [shapely.LineString([(x, 31.2), (x, 31.23)]) for x in east]
    >>> streets = gpd.GeoDataFrame(geometry=lines, crs=4326)
    >>> between = (east[1:] + east[:-1]) / 2
    >>> houses = [shapely.Point(x, y) for x in between for y in (31.21, 31.215, 31.22)]
    >>> amap = convert_datum(gpd.GeoSeries(houses, crs=4326), source="wgs84", target="gcj02")
    >>> guess_datum(amap, streets)[["datum", "verdict"]].head(1)
       datum    verdict
    0  gcj02  fits best
    """
    places = _places(points)
    counted, which = _counted(streets, places)
    roads = np.asarray(counted.to_numpy(), dtype=object)
    tree = shapely.STRtree(roads)
    read = {datum: _read_as(places, datum, counted.crs) for datum in DATUMS}
    used = _used(read, roads, tree)
    chance = _chance(tree, read["wgs84"][used]) if len(used) else np.nan
    rows = [
        {"datum": datum, "places": len(used), **_fit(tree, shapes[used], chance)}
        for datum, shapes in read.items()
    ]
    guess = pd.DataFrame(rows).sort_values("deviation", key=abs, ascending=False, kind="stable")
    guess = _with_verdict(guess.reset_index(drop=True))
    return record(guess, streets=which, places_given=len(places))


def fits_better(guess: pd.DataFrame, *, declared: str, lang: str = "en") -> str | None:
    """A warning with its figures when another datum than the declared one clearly fits better.

    Parameters
    ----------
    guess : DataFrame
        Result of `guess_datum`.
    declared : str
        The datum the places are said to be in.
    lang : {"en", "zh"}
        Language of the warning.

    Returns
    -------
    str or None
        None where the declared datum fits best, or where it cannot be told.

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.coordinates import fits_better
    >>> best = {"datum": "bd09", "places": 90, "street_m": 40.0, "on_street_share": 0.0}
    >>> said = {"datum": "wgs84", "places": 90, "street_m": 40.0, "on_street_share": 0.1}
    >>> guess = pd.DataFrame([best, said]).assign(verdict=["fits best", "does not fit"])
    >>> print(fits_better(guess, declared="wgs84"))
    read as bd09, 0.0% of 90 places stand on a street (40 m from one in the median); read as wgs84,
    as declared, 10.0% (40 m): the coordinates look like bd09
    """
    best = guess.iloc[0]
    if (
        best["verdict"] != "fits best"
        or best["datum"] == declared
        or declared not in set(guess["datum"])
    ):
        return None
    said = guess[guess["datum"] == declared].iloc[0]
    shares = [f"{row['on_street_share']:.1%}" for row in (best, said)]
    metres = [f"{row['street_m']:.0f}" for row in (best, said)]
    if lang == "zh":
        return (
            f"按 {best['datum']} 读取时，{best['places']} 个位置中有 {shares[0]} 压在道路上"
            f"（距道路中位数 {metres[0]} 米）；按声明的 {declared} 读取时为 {shares[1]}"
            f"（{metres[1]} 米）：坐标更像 {best['datum']}"
        )
    return (
        f"read as {best['datum']}, {shares[0]} of {best['places']} places stand on a street "
        f"({metres[0]} m from one in the median); read as {declared}, as declared, {shares[1]} "
        f"({metres[1]} m): the coordinates look like {best['datum']}"
    )


def _places(points: Any) -> gpd.GeoSeries:
    """Places in degrees, valid and none empty."""
    places = gpd.GeoSeries(points.geometry)
    if places.crs is not None and not places.crs.is_geographic:
        raise OptionError(
            f"the datum shows in degrees as they came; these places are in {places.crs.name}"
        )
    places = places[places.notna() & ~places.is_empty].reset_index(drop=True)
    return places.make_valid().set_crs(4326, allow_override=True)


def _counted(streets: gpd.GeoDataFrame, places: gpd.GeoSeries) -> tuple[gpd.GeoSeries, str]:
    """The streets that places of this kind keep off, in metres, and which these are."""
    if len(streets) == 0 or streets.crs is None:
        raise OptionError("a datum is measured against streets with a coordinate system; give some")
    metric = streets.crs.is_projected and streets.crs.axis_info[0].unit_name == "metre"
    lines = streets.geometry.to_crs(streets.crs if metric else streets.estimate_utm_crs())
    if "kind" not in streets:
        return lines, "all streets"
    # points have no area, so the median of mostly points is 0
    are_estates = len(places) > 0 and places.to_crs(lines.crs).area.median() > BUILDING_M2
    wanted, name = (_MAIN, "main roads") if are_estates else (_CARRIAGEWAYS, "carriageways")
    counted = lines[streets["kind"].astype(str).str.removesuffix("_link").isin(wanted)]
    return (counted, name) if len(counted) else (lines, "all streets")


def _read_as(places: gpd.GeoSeries, datum: str, crs: Any) -> Shapes:
    """Places in the metres of the streets, if their degrees are in this datum."""
    moved = convert_datum(places, source=datum, target="wgs84").to_crs(crs)
    return np.asarray(moved.to_numpy(), dtype=object)


def _used(read: dict[str, Shapes], roads: Shapes, tree: shapely.STRtree) -> NDArray[np.int64]:
    """Which places can be compared: in every datum they lie where the streets are known."""
    area = shapely.box(*shapely.total_bounds(roads))
    inside = np.all([shapely.covers(area, shapely.centroid(p)) for p in read.values()], axis=0)
    near = np.min([_distance_m(tree, places) for places in read.values()], axis=0)
    used = np.flatnonzero(inside & (near <= KNOWN_WITHIN_M))
    if len(used) <= MOST_PLACES:
        return used
    return used[np.linspace(0, len(used) - 1, MOST_PLACES).astype(np.int64)]


def _distance_m(tree: shapely.STRtree, places: Shapes) -> NDArray[np.float64]:
    if len(places) == 0:
        return np.zeros(0)
    _, metres = tree.query_nearest(places, return_distance=True, all_matches=False)
    return np.asarray(metres, dtype=np.float64)


def _inside_m(tree: shapely.STRtree, places: Shapes) -> NDArray[np.float64]:
    """Length of street inside each place [m]; what only touches it has none."""
    place, street = tree.query(places, predicate="intersects")
    parts = shapely.intersection(places[place], tree.geometries[street])
    inside = np.bincount(place, weights=shapely.length(parts), minlength=len(places))
    return np.asarray(inside, dtype=np.float64)


def _hits(tree: shapely.STRtree, places: Shapes) -> NDArray[np.bool_]:
    """Which points stand on a street, which areas and lines it crosses."""
    hits = np.zeros(len(places), dtype=np.bool_)
    dimension = shapely.get_dimensions(places)
    points, lines, areas = dimension == 0, dimension == 1, dimension == 2
    hits[points] = _distance_m(tree, places[points]) <= ON_STREET_M
    hits[np.flatnonzero(lines)[np.unique(tree.query(places[lines], predicate="crosses")[0])]] = True
    hits[areas] = _inside_m(tree, places[areas]) > 1.0
    return hits


def _chance(tree: shapely.STRtree, places: Shapes) -> float:
    """Share of hits among the places moved by 300 to 900 m, where streets are known there."""
    hits = count = 0
    for shift in _SHIFTS_M:
        moved = shapely.transform(places, shift.__add__)
        known = _distance_m(tree, moved) <= KNOWN_WITHIN_M
        hits += int(_hits(tree, moved[known]).sum())
        count += int(known.sum())
    # never quite 0 or 1, which a finite number of places cannot show
    return (hits + 0.5) / (count + 1.0)


def _fit(tree: shapely.STRtree, places: Shapes, chance: float) -> dict[str, float]:
    areas = places[shapely.get_dimensions(places) == 2]
    hectares = float(shapely.area(areas).sum()) / 1e4
    road_m = float(_inside_m(tree, areas).sum()) if len(areas) else np.nan
    share = float(_hits(tree, places).mean()) if len(places) else np.nan
    spread = np.sqrt(chance * (1.0 - chance) / len(places)) if len(places) else np.nan
    return {
        "street_m": float(np.median(_distance_m(tree, places))) if len(places) else np.nan,
        "on_street_share": share,
        "chance_share": chance,
        "road_m_per_ha": road_m / hectares if hectares else np.nan,
        "deviation": (share - chance) / spread,
    }


def _with_verdict(guess: pd.DataFrame) -> pd.DataFrame:
    away = guess["deviation"].fillna(0.0).to_numpy()
    is_clear = abs(away[0]) >= CLEAR and bool((np.abs(away[1:] - away[0]) >= CLEAR).all())
    words = ["fits best", "does not fit", "does not fit"] if is_clear else ["cannot tell"] * 3
    zh = {"fits best": "最吻合", "does not fit": "不吻合", "cannot tell": "无法判断"}
    return guess.assign(verdict=words, verdict_zh=[zh[word] for word in words])
