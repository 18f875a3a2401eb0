"""Buildings -> homes: which are lived in, how much floor they have, whose they are."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.errors import OptionError, Problem, TableError
from communityplan.tables import HOMES, check, find_problems, record

__all__ = ["M2_PER_PERSON", "NO_COMMUNITY", "dwellings", "homes_from_buildings"]

Floats = NDArray[np.float64]

M2_PER_PERSON = 38.6
"""Floor area of housing per person [m2/person]: urban mean of the 2020 census of China (from
memory, not verified). An assumption wherever nothing better is given."""

NO_COMMUNITY = "-"
"""Community of homes that lie in none."""


def homes_from_buildings(
    buildings: gpd.GeoDataFrame,
    *,
    communities: gpd.GeoDataFrame | None = None,
    residents: float | None = None,
    m2_per_person: float = M2_PER_PERSON,
) -> gpd.GeoDataFrame:
    """Homes from residential buildings, with people spread by floor area.

    Parameters
    ----------
    buildings : GeoDataFrame
        Areas with ``residential`` (bool) and ``floor_area_m2``; ``osm_id`` or the index names
        them, ``levels`` gives the storeys.
    communities : GeoDataFrame, optional
        As `tables.COMMUNITIES`; a building belongs to the one its middle lies in.
    residents : float, optional
        People in all of them together; spread by floor area and kept exactly in sum.
    m2_per_person : float
        Floor area per person where `residents` is not given [m2/person].

    Returns
    -------
    GeoDataFrame
        As `tables.HOMES`, one row per residential building with floor area; homes in no community
        carry ``"-"``.

    Raises
    ------
    TableError, OptionError

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from communityplan.demand import homes_from_buildings
    >>> blocks = gpd.GeoDataFrame(
    ...     {"residential": [True, True, False], "floor_area_m2": [3000.0, 1000.0, 500.0]},
    ...     geometry=[shapely.box(0, 0, 50, 10)] * 3, crs=32650)
    >>> homes_from_buildings(blocks, residents=100)["residents"].tolist()
    [75.0, 25.0]
    """
    _buildings_given(buildings)
    if not m2_per_person > 0 or (residents is not None and not residents >= 0):
        raise OptionError(
            f"m2_per_person is {m2_per_person} and residents {residents}: give numbers above 0"
        )
    table = _lived_in(buildings, communities)
    area = table["floor_area_m2"].to_numpy(dtype=np.float64)
    people = area / m2_per_person
    if residents is not None:
        people = area * (residents / area.sum()) if len(area) else area
    table = table.assign(residents=people)
    return record(
        check(table, HOMES),
        people="given total spread by floor area" if residents is not None else "floor area",
        m2_per_person=None if residents is not None else float(m2_per_person),
        verified=False,
    )


def dwellings(
    table: gpd.GeoDataFrame, *, communities: gpd.GeoDataFrame | None = None
) -> gpd.GeoDataFrame:
    """Homes with their floor area, before anybody lives in them.

    Parameters
    ----------
    table : GeoDataFrame
        Buildings as for `homes_from_buildings`, or homes (with ``home_id``): those need
        ``floor_area_m2``, or areas with ``storeys``.
    communities : GeoDataFrame, optional
        As `tables.COMMUNITIES`; buildings belong to the one their middle lies in.

    Returns
    -------
    GeoDataFrame
        As `tables.HOMES`, with ``floor_area_m2`` [m2] and nobody in them.

    Raises
    ------
    TableError
        Lists everything that is wrong, homes without a floor area among it.
    """
    if "home_id" not in table.columns:
        _buildings_given(table)
        return check(_lived_in(table, communities).assign(residents=0.0), HOMES, where="buildings")
    homes = table.assign(residents=0.0)
    if "community_id" not in homes.columns:
        homes["community_id"] = _community(homes, communities)
    area = _floor_area(homes)
    unknown = np.flatnonzero(np.isnan(area))
    todo = "Give floor_area_m2, or the outline of the building and its storeys"
    problems = find_problems(homes, HOMES)
    problems += [Problem(f"homes, row {row + 1}", "no floor area", todo) for row in unknown]
    if problems:
        raise TableError(problems)
    return homes.assign(floor_area_m2=area)


def _floor_area(homes: gpd.GeoDataFrame) -> Floats:
    """Floor area as given, else footprint by storeys; nan where neither is known."""
    given = np.full(len(homes), np.nan)
    if "floor_area_m2" in homes.columns:
        given = pd.to_numeric(homes["floor_area_m2"], errors="coerce").to_numpy(dtype=np.float64)
    if "storeys" not in homes.columns:
        return given
    storeys = pd.to_numeric(homes["storeys"], errors="coerce").to_numpy(dtype=np.float64)
    footprint = homes.geometry.area.to_numpy()
    built = np.where(footprint > 0, footprint * storeys, np.nan)
    return np.where(np.isnan(given), built, given)


def _buildings_given(buildings: pd.DataFrame) -> None:
    missing = [name for name in ("residential", "floor_area_m2") if name not in buildings.columns]
    if missing:
        todo = "Give buildings as read_osm returns them"
        raise TableError([Problem("buildings", f"no column {name!r}", todo) for name in missing])


def _lived_in(
    buildings: gpd.GeoDataFrame, communities: gpd.GeoDataFrame | None
) -> gpd.GeoDataFrame:
    """The residential buildings with floor area, as homes without people."""
    area = pd.to_numeric(buildings["floor_area_m2"]).to_numpy(dtype=np.float64)
    lived_in = buildings["residential"].to_numpy(dtype=bool) & (area > 0)
    homes = buildings[lived_in]
    ids = homes["osm_id"] if "osm_id" in homes.columns else homes.index.to_series()
    table = gpd.GeoDataFrame(
        {
            "home_id": ids.map(str).to_numpy(),
            "community_id": _community(homes, communities),
            "residents": 0.0,
            "floor_area_m2": area[lived_in],
        },
        geometry=homes.geometry.to_numpy(),
        crs=homes.crs,
    )
    if "levels" in homes.columns:
        table["storeys"] = homes["levels"].to_numpy()
    return table


def _community(
    homes: gpd.GeoDataFrame, communities: gpd.GeoDataFrame | None
) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    found = np.full(len(homes), NO_COMMUNITY, dtype=object)
    if communities is None or not len(communities):
        return found
    middle = shapely.point_on_surface(homes.geometry.to_numpy())
    home, area = shapely.STRtree(communities.geometry.to_numpy()).query(middle, "intersects")
    home, first = np.unique(home, return_index=True)
    found[home] = communities["community_id"].map(str).to_numpy()[area[first]]
    return found
