"""The tables of a plan as a GeoPackage that QGIS opens with its styles."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd

from communityplan.report.facts import Facts
from communityplan.report.styles import Style, styles_of

__all__ = ["write_layers"]

WRITTEN_AT = "1980-01-01T00:00:00.000Z"
"""Stands for the time of writing, so that the same plan gives the same file."""

TABLES = (
    *("ledger", "totals", "status_counts", "missing", "checkup", "chosen", "budget"),
    *("unit_plans", "effects", "effect_totals", "prongs", "menu", "phases", "funding"),
    *("returns", "cash", "consent", "consent_buildings", "indicators", "limits"),
)
Frame = TypeVar("Frame", bound=pd.DataFrame)

STYLES_SQL = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT, f_table_schema TEXT, f_table_name TEXT, f_geometry_column TEXT,
    styleName TEXT, styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT,
    owner TEXT, ui TEXT, update_time DATETIME
)"""


def write_layers(facts: Facts, file: Path) -> None:
    """Write the layers and plain tables of a plan with their styles.

    Parameters
    ----------
    facts : Facts
    file : Path
        A GeoPackage that is not there yet.

    Notes
    -----
    Layers: ``communities`` and ``homes`` (with ``covered_share_<service>`` within the limit of
    the service), ``facilities``, ``service_areas``, ``ranking``, ``openings``, ``joint_units``,
    ``streets``, ``walls``, ``gates``. Tables: ``ledger``, ``totals`` and, where the plan has them,
    ``checkup``, ``missing``, ``status_counts``, ``chosen``, ``budget``, ``unit_plans``,
    ``effects``, ``effect_totals``; ``limits`` says what the numbers cannot say.
    """
    import pyogrio

    said = facts.say.word("report.synthetic") if facts.plan.project.synthetic else facts.note
    layers = {name: table for name, table in _layers(facts) if len(table)}
    with _fixed_time():
        for name, table in layers.items():
            marked = table.assign(synthetic=True) if facts.plan.project.synthetic else table
            _storable(marked).to_file(
                file,
                layer=name,
                driver="GPKG",
                engine="pyogrio",
                mode="a" if file.exists() else "w",
                DESCRIPTION=said,
            )
        for name in TABLES:
            if name in facts.tables and len(facts.tables[name]):
                # pyogrio writes a table without geometry as a layer of its own
                pyogrio.write_dataframe(
                    _storable(_plain(facts.tables[name])),
                    file,
                    layer=name,
                    driver="GPKG",
                    append=True,
                )
    _write_styles(list(styles_of(facts, layers)), file)


@contextmanager
def _fixed_time() -> Iterator[None]:
    import pyogrio

    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": WRITTEN_AT})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _layers(facts: Facts) -> Iterator[tuple[str, gpd.GeoDataFrame]]:
    plan, project = facts.plan, facts.plan.project
    yield "communities", _communities(facts)
    homes = project.homes
    columns = facts.tables["homes"].set_axis(homes.index)
    yield "homes", gpd.GeoDataFrame(_plain(columns), geometry=homes.geometry)
    yield "facilities", project.facilities
    # the larger ones below
    yield "service_areas", plan.areas.sort_values("within_min", ascending=False, kind="stable")
    if plan.ranking is not None:
        yield "ranking", _with_shape(facts.tables["ranking"], plan.ranking)
    if plan.openings is not None:
        yield "openings", _with_shape(facts.tables["openings"], plan.openings)
    if plan.units is not None:
        yield "joint_units", _with_shape(facts.tables["joint_units"], plan.units.units)
    yield "streets", plan.network.edges
    for name in ("walls", "gates"):
        table = getattr(project, name)
        if table is not None:
            yield name, table


def _communities(facts: Facts) -> gpd.GeoDataFrame:
    """Communities with the ledger at the limit of every service."""
    communities = facts.plan.project.communities.copy()
    if not len(communities):
        return communities
    ids = communities["community_id"].map(str)
    ledger = facts.tables["ledger"]
    own = ledger[ledger["own_limit"]]
    for service, rows in own.groupby("service", sort=False):
        here = rows.set_index("community_id").reindex(ids)
        left = here["people"] - here["covered"]
        communities[f"people_{service}"] = here["people"].to_numpy()
        communities[f"not_covered_{service}"] = left.to_numpy()
        communities[f"covered_share_{service}"] = here["covered_share"].to_numpy()
    return communities


def _with_shape(told: pd.DataFrame, placed: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A table as it is told, where it is."""
    return gpd.GeoDataFrame(_plain(told.set_axis(placed.index)), geometry=placed.geometry)


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Columns of one kind each: marks that may be missing become numbers."""
    result = table.copy()
    for name in result.columns:
        cells = result[name]
        if cells.dtype == object and cells.dropna().map(lambda one: isinstance(one, bool)).all():
            number = cells.map(lambda one: np.nan if one is None else float(one))
            result[name] = number.astype("Int64")
    return result


def _storable(table: Frame) -> Frame:
    """The table with names of columns that a GeoPackage can hold.

    Names are told apart whatever their case, and two of them are taken by the format itself.
    """
    shape = table.geometry.name if isinstance(table, gpd.GeoDataFrame) else None
    taken = {"fid", "geom"}
    names = {}
    for column in table.columns:
        if column == shape:
            continue
        name = str(column)
        while name.lower() in taken:
            name += "_2"
        taken.add(name.lower())
        names[column] = name
    renamed: Frame = table.rename(columns=names)
    return renamed


def _write_styles(styles: list[Style], file: Path) -> None:
    rows = [
        (
            "",
            "",
            one.layer,
            "geom",
            one.name,
            one.qml,
            "",
            one.default,
            one.name,
            "",
            "",
            WRITTEN_AT,
        )
        for one in styles
    ]
    # the connection closes itself only when told to
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(STYLES_SQL)
        connection.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, "
            "last_change) VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?)",
            (WRITTEN_AT,),
        )
        connection.executemany(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, "
            "f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, description, owner, "
            "ui, update_time) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
