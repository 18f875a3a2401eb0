"""Tables and maps of a plan -> files that can be handed over."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from communityplan import maps
from communityplan.errors import DataError, Problem
from communityplan.plan import Plan

__all__ = ["plan_map", "write_tables"]

if TYPE_CHECKING:
    import folium

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_tables(plan: Plan, folder: str | Path, *, lang: str = "zh") -> dict[str, Path]:
    """Write the map and the tables of a plan, all of them or none.

    Parameters
    ----------
    plan : Plan
    folder : str or Path
        Made where it is not there; files of the same names in it are replaced.
    lang : {"zh", "en"}
        Language of the map.

    Returns
    -------
    dict of str to Path
        ``map.html``, ``tables.gpkg``, ``ledger.csv`` and, with idle buildings, ``ranking.csv``.

    Raises
    ------
    DataError
        Where the folder cannot be written.
    """
    target = Path(folder)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        todo = "Choose another folder with --out"
        raise DataError([Problem(str(target), f"cannot be written ({error})", todo)]) from error
    try:
        _write(plan, made, lang)
        target.mkdir(exist_ok=True)
        written = {}
        for file in sorted(made.iterdir()):
            os.replace(file, target / file.name)
            written[file.name] = target / file.name
    except OSError as error:
        todo = "Choose another folder with --out"
        raise DataError([Problem(str(target), f"cannot be written ({error})", todo)]) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return written


def plan_map(plan: Plan, *, lang: str = "zh") -> folium.Map:
    """The map of a plan: circles, coverage, homes, facilities, ranked buildings, walls and gates.

    Parameters
    ----------
    plan : Plan
    lang : {"zh", "en"}

    Returns
    -------
    folium.Map
        Write it with `maps.save_offline`.
    """
    project = plan.project
    walked = plan.network.edges
    name = project.name if lang == "zh" else project.name_en or project.name
    note = project.note if lang == "zh" else project.note_en or project.note
    return maps.coverage_map(
        communities=project.communities,
        homes=project.homes,
        facilities=project.facilities,
        areas=plan.areas,
        coverage=plan.ledger,
        home_access=plan.access,
        idle_buildings=project.idle_buildings,
        ranking=plan.ranking,
        walls=project.walls,
        gates=project.gates,
        streets=walked[walked["kind"] != "gate"],
        lang=lang,
        title=name,
        notes=[note] if note else [],
        osm=project.from_osm,
        synthetic=project.synthetic,
    )


def _write(plan: Plan, folder: Path, lang: str) -> None:
    maps.save_offline(plan_map(plan, lang=lang), folder / "map.html")
    _write_layers(plan, folder / "tables.gpkg")
    # a mark at the start of the file makes spreadsheets read Chinese right
    neutral(plan.ledger).to_csv(folder / "ledger.csv", index=False, encoding="utf-8-sig")
    if plan.ranking is not None:
        ranking = pd.DataFrame(plan.ranking.drop(columns="geometry"))
        neutral(ranking).to_csv(folder / "ranking.csv", index=False, encoding="utf-8-sig")


def _write_layers(plan: Plan, file: Path) -> None:
    project = plan.project
    layers: dict[str, gpd.GeoDataFrame | None] = {
        "communities": project.communities,
        "homes": _homes_with_access(plan),
        "facilities": project.facilities,
        "service_areas": plan.areas,
        "ranking": plan.ranking,
        "streets": plan.network.edges,
        "walls": project.walls,
        "gates": project.gates,
    }
    for name, table in layers.items():
        if table is not None and len(table):
            table.to_file(file, layer=name, driver="GPKG", engine="pyogrio", mode=_mode(file))
    # pyogrio writes a table without geometry as a layer of its own
    import pyogrio

    pyogrio.write_dataframe(plan.ledger, file, layer="ledger", driver="GPKG", append=True)


def _mode(file: Path) -> str:
    return "a" if file.exists() else "w"


def _homes_with_access(plan: Plan) -> gpd.GeoDataFrame:
    """Homes with the minutes to the nearest facility of every service."""
    homes = plan.project.homes.copy()
    ids = homes["home_id"].map(str)
    for service, access in plan.access.groupby("service", sort=False):
        found = access.set_index("home_id")
        homes[f"walk_min_{service}"] = ids.map(found["walk_min"])
        homes[f"reason_{service}"] = ids.map(found["reason"])
    return homes


def neutral(table: pd.DataFrame) -> pd.DataFrame:
    """The table with text that a spreadsheet would run as a formula made harmless.

    Examples
    --------
    >>> import pandas as pd
    >>> from communityplan.report import neutral
    >>> neutral(pd.DataFrame({"name": ["=1+1", "hall"]}))["name"].tolist()
    ["'=1+1", 'hall']
    """
    result = table.copy()
    for name in result.columns:
        cells = result[name]
        if pd.api.types.is_numeric_dtype(cells) or pd.api.types.is_bool_dtype(cells):
            continue
        starts = cells.map(lambda cell: isinstance(cell, str) and cell.startswith(FORMULA_STARTS))
        result[name] = cells.astype("object").where(~starts, "'" + cells.astype("object").map(str))
    return result
