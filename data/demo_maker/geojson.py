"""Tables to GeoJSON in WGS-84, one feature a line, so that a change can be read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import shapely
from pyproj import Transformer
from shapely.geometry.polygon import orient

DECIMALS = 7
"""Decimals of a degree: about a centimetre."""

TO_DEGREES = Transformer.from_crs("EPSG:4548", "EPSG:4326", always_xy=True)


def write(rows: Sequence[dict[str, object]], path: Path) -> None:
    """Rows with a ``geometry`` in EPSG:4548 as a feature collection in longitude and latitude."""
    features = ",\n".join(_feature(row) for row in rows)
    text = f'{{"type": "FeatureCollection", "features": [\n{features}\n]}}\n'
    path.write_text(text, encoding="utf-8", newline="\n")


def _feature(row: dict[str, object]) -> str:
    shape = shapely.transform(row["geometry"], _degrees)
    if shape.geom_type == "Polygon":
        shape = orient(shape)
    facts = {name: value for name, value in row.items() if name != "geometry"}
    feature = {
        "type": "Feature",
        "properties": facts,
        "geometry": shapely.geometry.mapping(shape),
    }
    return json.dumps(feature, ensure_ascii=False, separators=(",", ":"))


def _degrees(xy: np.ndarray) -> np.ndarray:
    return np.round(np.column_stack(TO_DEGREES.transform(xy[:, 0], xy[:, 1])), DECIMALS)
