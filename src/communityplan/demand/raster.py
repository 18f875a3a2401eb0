"""Population rasters -> people at homes, cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from communityplan.coordinates.raster import (
    Raster,
    RasterSource,
    cell_size_m,
    read_raster,
    to_pixels,
    to_places,
)
from communityplan.demand.buildings import dwellings
from communityplan.demand.cells import AT_A_TIME, cell_corners, cell_shares, square_km
from communityplan.demand.spread import Placed, Shares, nearest_homes, spread
from communityplan.errors import DataError, OptionError, Problem, TableError
from communityplan.tables import HOMES, check, record

__all__ = ["homes_from_raster", "population_cells"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Shapes = NDArray[np.object_]
Kind = Literal["count", "density"]
Population = RasterSource | Sequence[RasterSource]

READ_WHOLE_CELLS = 2_000_000
"""A raster up to this size is read whole, so that the people beyond all homes are counted too."""

MOST_PEOPLE = 1e7
"""More people in one cell than this are a code for something else."""


def homes_from_raster(
    buildings: gpd.GeoDataFrame,
    population: Population,
    *,
    kind: Kind,
    elderly: Population | None = None,
    children: Population | None = None,
    communities: gpd.GeoDataFrame | None = None,
    move_within_m: float | None = None,
    band: int = 1,
) -> gpd.GeoDataFrame:
    """Homes with the people of a population raster, spread by residential floor area.

    Parameters
    ----------
    buildings : GeoDataFrame
        Buildings as from `read_osm` (``residential``, ``floor_area_m2``), or homes with
        ``floor_area_m2`` or with outlines and ``storeys``; what they said of residents is replaced.
        Give those of a wider area than is evaluated: the people of a cell that lies across its
        edge would all be put into the homes on this side.
    population : str, Path, Raster, rasterio dataset, or a sequence of them
        People; several are added up, such as the age bands of WorldPop.
    kind : {"count", "density"}
        People per cell (GHS-POP, WorldPop "ppp"), or people per square kilometre.
    elderly, children : as `population`, optional
        Of these, older people and small children.
    communities : GeoDataFrame, optional
        As `tables.COMMUNITIES`; buildings belong to the one their middle lies in.
    move_within_m : float, optional
        People of a cell without homes join those of the cell of the nearest home, where the middle
        of their cell lies within this distance of it [m]; the diagonal of a cell unless given.
        Others are unplaced. 0 moves nobody.
    band : int
        Band of the files, from 1.

    Returns
    -------
    GeoDataFrame
        As `tables.HOMES`, with ``residents`` and the groups that were given. What became of
        everybody is in `placement`, cell by cell in `population_cells`.

    Raises
    ------
    DataError
        A raster that cannot be used; one that does not overlap names the file and both boxes.
    TableError, OptionError, TooLargeError

    Notes
    -----
    A home that spans cells belongs to each by the share of its outline there. The people at the
    homes of a cell add up to the cell, and all of them, moved and unplaced to the raster. Values
    below 0 are no data, whether the file says so or not: GHS-POP writes -200, WorldPop -99999.
    Of a raster with more than `READ_WHOLE_CELLS` cells only the part around the homes is read: its
    people alone are then counted (``whole_raster_read`` in the record).

    Examples
    --------
    >>> import geopandas as gpd, numpy as np, shapely
    >>> from communityplan.demand import homes_from_raster
    >>> from communityplan.coordinates.raster import Raster
    >>> blocks = gpd.GeoDataFrame(
    ...     {"residential": True, "floor_area_m2": [3000.0, 1000.0]}, crs=32650,
    ...     geometry=[shapely.box(10, 10, 20, 20), shapely.box(90, 10, 110, 20)])
    >>> people = Raster([[70.0, 6.0, -200.0]], (100, 0, 0, 0, -100, 100), 32650)
    >>> homes_from_raster(blocks, people, kind="count")["residents"].round(9).tolist()
    [60.0, 16.0]
    """
    _check_options(kind, move_within_m)
    homes = _somewhere(dwellings(buildings, communities=communities))
    given = {"residents": population, "elderly": elderly, "children": children}
    ledgers: dict[str, dict[str, Any]] = {}
    for group, sources in given.items():
        if sources is None:
            continue
        people = np.zeros(len(homes))
        parts = []
        for source in _each(sources):
            cells = _Cells.of(homes, source, kind=kind, band=band, move_within_m=move_within_m)
            people += cells.placed.residents
            parts.append(cells.ledger())
        homes[group] = people
        ledgers[group] = _added(parts)
    empty = (homes["residents"] == 0).to_numpy() & (homes["floor_area_m2"] > 0).to_numpy()
    return record(
        check(homes, HOMES),
        people="population raster spread by floor area",
        kind=kind,
        placement=ledgers,
        homes_without_people=int(empty.sum()),
    )


def population_cells(
    buildings: gpd.GeoDataFrame,
    population: RasterSource,
    *,
    kind: Kind,
    move_within_m: float | None = None,
    band: int = 1,
) -> gpd.GeoDataFrame:
    """Every cell with people, and where they were placed.

    Parameters
    ----------
    buildings, population, kind, move_within_m, band
        As for `homes_from_raster`; one raster.

    Returns
    -------
    GeoDataFrame
        ``row``, ``column`` (in the part that was read), ``people``, ``homes`` (number of homes in
        the cell), ``floor_area_m2``, ``placed`` (in_place, moved or unplaced), ``moved_m`` (to the
        nearest home; nan where not moved) and the outline of the cell.

    Raises
    ------
    DataError, TableError, OptionError, TooLargeError
    """
    _check_options(kind, move_within_m)
    homes = _somewhere(dwellings(buildings))
    cells = _Cells.of(homes, population, kind=kind, band=band, move_within_m=move_within_m)
    n = len(cells.people)
    target = cells.placed.target
    placed = np.select([target == np.arange(n), target >= 0], ["in_place", "moved"], "unplaced")
    columns = cells.raster.cells.shape[1]
    table = pd.DataFrame(
        {
            "row": cells.cell // columns,
            "column": cells.cell % columns,
            "people": cells.people,
            "homes": np.bincount(cells.shares.zone, minlength=n),
            "floor_area_m2": np.bincount(cells.shares.zone, cells.shares.floor_m2, minlength=n),
            "placed": placed,
            "moved_m": cells.moved_m,
        }
    )[cells.people > 0]
    outlines = shapely.polygons(cell_corners(cells.raster, cells.cell[cells.people > 0], homes.crs))
    drawn = gpd.GeoDataFrame(table, geometry=outlines, crs=homes.crs).reset_index(drop=True)
    return record(drawn, kind=kind, **cells.ledger())


@dataclass(frozen=True)
class _Cells:
    """The cells of a raster that hold people or homes.

    Attributes
    ----------
    raster : Raster
    cell : array of int, shape (C,)
        Their numbers, counted row by row.
    people : array of float, shape (C,)
    shares : Shares
        Their zones are positions in `cell`.
    placed : Placed
    moved_m : array of float, shape (C,)
        From the middle of a cell without homes to the home its people were moved to [m].
    facts : dict
        What was used and found.
    """

    raster: Raster
    cell: Ints
    people: Floats
    shares: Shares
    placed: Placed
    moved_m: Floats
    facts: dict[str, Any]

    @classmethod
    def of(
        cls,
        homes: gpd.GeoDataFrame,
        source: RasterSource,
        *,
        kind: Kind,
        band: int,
        move_within_m: float | None,
    ) -> _Cells:
        raster = _read(homes, source, band, move_within_m)
        cell_m = cell_size_m(raster, crs=homes.crs)
        within_m = cell_m * 2**0.5 if move_within_m is None else float(move_within_m)
        values = raster.cells.ravel()
        parts = cell_shares(homes, raster)
        looked_at = values > 0
        looked_at[parts.zone] = True
        cell = np.flatnonzero(looked_at)
        shares = replace(parts, zone=np.searchsorted(cell, parts.zone))
        people = np.where(values[cell] > 0, values[cell], 0.0)
        if kind == "density":
            people *= square_km(raster, cell)
        _check_people(people, raster)
        moves, moved_m = _moves(homes, raster, cell, shares, within_m)
        placed = spread(people, shares, n_homes=len(homes), moves=moves)
        facts = {
            "raster": raster.name,
            "cell_m": round(cell_m, 3),
            "move_within_m": within_m,
            "cells": int((people > 0).sum()),
            "cells_moved": int((moves >= 0).sum()),
            "cells_unplaced": int((placed.target < 0).sum()),
            "cells_without_data": int((~(values >= 0)).sum()),
            "whole_raster_read": raster.cells.shape == raster.whole,
        }
        return cls(raster, cell, people, shares, placed, moved_m, facts)

    def ledger(self) -> dict[str, Any]:
        """People by what became of them, and what was used."""
        return {**self.placed.ledger(self.people), **self.facts}


def _moves(
    homes: gpd.GeoDataFrame, raster: Raster, cell: Ints, shares: Shares, within_m: float
) -> tuple[Ints, Floats]:
    """Where the people of cells without homes go, -1 for nowhere, and how far."""
    moves, moved_m = np.full(len(cell), -1, dtype=np.int64), np.full(len(cell), np.nan)
    is_bare = _near(homes, raster, cell, within_m)
    is_bare[shares.zone] = False
    bare = np.flatnonzero(is_bare)
    columns = raster.cells.shape[1]
    main = shares.main_zone(len(homes))
    # so many at a time: a whole country may be placed
    for first in range(0, len(bare), AT_A_TIME):
        some = bare[first : first + AT_A_TIME]
        pixels = np.stack([cell[some] % columns, cell[some] // columns], axis=1) + 0.5
        middles = np.asarray(shapely.points(to_places(raster, pixels, crs=homes.crs)), dtype=object)
        moves[some], moved_m[some] = nearest_homes(middles, homes, main, within_m=within_m)
    return moves, moved_m


def _near(homes: gpd.GeoDataFrame, raster: Raster, cell: Ints, within_m: float) -> Flags:
    """Cells that can lie within reach of a home, by the box of all homes."""
    if not np.isfinite(within_m):
        return np.ones(len(cell), dtype=np.bool_)
    west, south, east, north = homes.total_bounds
    grown = shapely.box(west - within_m, south - within_m, east + within_m, north + within_m)
    rim = shapely.get_coordinates(shapely.segmentize(grown, grown.length / 80))
    pixels = to_pixels(raster, rim, crs=homes.crs)
    (left, top), (right, bottom) = pixels.min(axis=0) - 1, pixels.max(axis=0) + 1
    row, column = np.divmod(cell, raster.cells.shape[1])
    near = (column >= left) & (column <= right) & (row >= top) & (row <= bottom)
    return np.asarray(near, dtype=np.bool_)


def _check_options(kind: str, move_within_m: float | None) -> None:
    wrong = []
    if kind not in ("count", "density"):
        wrong.append(f"kind is {kind!r}: give count (people per cell) or density (per km2)")
    if move_within_m is not None and not move_within_m >= 0:
        wrong.append(f"move_within_m is {move_within_m}: give metres, 0 or more")
    if wrong:
        raise OptionError("; ".join(wrong))


def _check_people(people: Floats, raster: Raster) -> None:
    wrong = people > MOST_PEOPLE
    if wrong.any():
        found = f"{int(wrong.sum())} cells hold up to {people.max():g} people"
        todo = "Set the no-data value of the file, or check its kind and its unit"
        raise DataError([Problem(raster.name, found, todo)])


def _each(sources: Population) -> list[RasterSource]:
    if not isinstance(sources, Sequence) or isinstance(sources, str):
        return [sources]
    if not sources:
        raise OptionError("no raster given: leave the group out, or name at least one")
    return list(sources)


def _somewhere(homes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    if not (homes["floor_area_m2"] > 0).any():
        todo = "Give buildings that people live in, or homes"
        raise TableError([Problem("buildings", "no home with a floor area", todo)])
    return homes


def _read(
    homes: gpd.GeoDataFrame, source: RasterSource, band: int, move_within_m: float | None
) -> Raster:
    """The part around the homes, or all of a raster of moderate size."""
    reach_m = move_within_m if move_within_m is not None and np.isfinite(move_within_m) else 0.0
    west, south, east, north = (float(side) for side in homes.total_bounds)
    near = (west - reach_m, south - reach_m, east + reach_m, north + reach_m)
    part = read_raster(source, near=near, crs=homes.crs, what="the homes", band=band)
    far = move_within_m is not None and np.isinf(move_within_m)
    if part.cells.shape == part.whole or not (far or np.prod(part.whole) <= READ_WHOLE_CELLS):
        return part
    every = max(part.whole)
    return read_raster(
        source, near=near, crs=homes.crs, what="the homes", band=band, margin_cells=every
    )


def _added(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """One ledger for several rasters."""
    if len(parts) == 1:
        return parts[0]
    total = pd.DataFrame(parts)
    counts = total.select_dtypes("number").drop(columns=["cell_m", "move_within_m"]).sum()
    together: dict[str, Any] = {name: counts[name].item() for name in counts.index}
    same = {name: parts[0][name] for name in ("cell_m", "move_within_m")}
    whole = all(part["whole_raster_read"] for part in parts)
    names = ", ".join(part["raster"] for part in parts)
    return {**together, **same, "raster": names, "whole_raster_read": whole}
