"""KML, refused where it defines entities or is not sound."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from xml.parsers import expat

import pandas as pd
from pyproj import CRS

from communityplan.errors import DataError, Problem
from communityplan.load.formats import SourceFile
from communityplan.load.layers import choose_layer, read_layer
from communityplan.load.raw import MOST_VERTICES, RawTable, refuse_too_many
from communityplan.load.texts import decode

__all__ = ["read_kml"]

_KML_TRIMMINGS = {
    "id", "timestamp", "begin", "end", "altitudemode", "tessellate", "extrude", "visibility",
    "draworder", "icon", "snippet",
}  # fmt: skip
"""Columns that the KML driver adds to every table."""


def read_kml(
    source: SourceFile, *, encoding: str | None, layer: str | None, table: str
) -> RawTable:
    """One folder of a KML file; a file that defines entities is refused.

    Raises
    ------
    OptionError
        When there is no such folder, or several would do.
    DataError
        For XML that is broken or defines entities.
    """
    text = decode(source.data, source.where, encoding=encoding or _declared(source.data))
    # the text is handed on as utf-8, whatever its first line said
    xml = re.sub(r"^\s*<\?xml[^>]*\?>", "", text.text, count=1).lstrip().encode()
    places = _check_xml(xml, source.where)
    refuse_too_many(
        source.where, len(re.findall(rb"[\d.],\s*[-\d.]", xml)), 2 * MOST_VERTICES, "coordinates"
    )
    memory = SourceFile(source.path, source.where, "kml", xml)
    chosen = choose_layer(memory, layer, table)
    raw = read_layer(memory, layer=chosen)
    if layer is None and len(raw.rows) != places:
        found = f"{len(raw.rows)} of {places} placemarks could be read from folder {chosen!r}"
        raise DataError([Problem(source.where, found, "Put all placemarks in one folder")])
    trimmings = [
        name
        for name in raw.frame
        if str(name).casefold() in _KML_TRIMMINGS and raw.frame[name].map(_is_trimming).all()
    ]
    facts = {"format": "kml", "layer": chosen, "encoding": text.encoding, "encoding_how": text.how}
    frame = raw.frame.drop(columns=trimmings)
    return replace(raw, frame=frame, crs=CRS.from_epsg(4326), facts=facts)


def _declared(data: bytes) -> str | None:
    """The encoding that the first line of an XML file names, if it is one of Chinese files."""
    match = re.match(rb"\s*<\?xml[^>]*encoding=[\"']([\w\-]+)", data)
    name = match.group(1).decode("ascii").lower() if match else ""
    return name if name in ("gbk", "gb2312", "gb18030", "big5") else None


def _check_xml(xml: bytes, where: str) -> int:
    """The number of placemarks of a KML text that is sound and defines no entities."""
    parser = expat.ParserCreate()
    counts = {"Placemark": 0, "kml": 0}
    cells: set[str] = set()

    def refuse(*_: Any) -> None:
        raise DataError(
            [Problem(where, "it defines XML entities (DOCTYPE)", "Delete the DOCTYPE line")]
        )

    def start(name: str, attributes: dict[str, str]) -> None:
        local = name.rsplit(":", 1)[-1]
        if (local != "kml" and not counts["kml"]) or local.startswith("OGR"):
            # another reader would take it for its own, and fetch what it names
            raise DataError([Problem(where, "XML, but not KML", "Export it as KML, or as GeoJSON")])
        if local in counts:
            counts[local] += 1
            cells.clear()
        if local in ("SimpleData", "Data"):
            cell = attributes.get("name", "")
            if cell in cells:
                place = f"{where}, row {counts['Placemark']}"
                found = f"{cell!r} stands twice in one placemark"
                raise DataError([Problem(place, found, "Delete one of them")])
            cells.add(cell)

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = start
    try:
        parser.Parse(xml, True)
    except expat.ExpatError as error:
        raise DataError([Problem(where, f"broken XML ({error})", "Export it again")]) from error
    if not counts["kml"]:
        raise DataError([Problem(where, "XML, but not KML", "Export it as KML, or as GeoJSON")])
    return counts["Placemark"]


def _is_trimming(cell: Any) -> bool:
    return cell is None or cell in (0, -1, 1, "", "clampToGround") or pd.isna(cell)
