"""Small OpenStreetMap files for tests, drawn in metres on a local grid."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import quoteattr

import pyproj

from communityplan.load.osm import OsmLayers, read_osm

GRID = "+proj=tmerc +lat_0=30.76 +lon_0=104 +k=1 +x_0=0 +y_0=0 +ellps=WGS84 +units=m +type=crs"
"""A projection whose origin is in the middle of the drawn town."""

_TO_DEGREES = pyproj.Transformer.from_crs(GRID, "EPSG:4326", always_xy=True).transform


def osm_xml(nodes=(), ways=(), relations=()) -> str:
    """XML of nodes {id: (x_m, y_m) or (x_m, y_m, tags)}, ways {id: (nodes, tags)} and relations
    {id: (members, tags)} with members (way, role)."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n<osm version="0.6">']
    for number, (x, y, *tags) in dict(nodes).items():
        lon, lat = _TO_DEGREES(x, y)
        parts.append(f'<node id="{number}" lon="{lon:.7f}" lat="{lat:.7f}">{_tags(*tags)}</node>')
    for number, (refs, tags) in dict(ways).items():
        inside = "".join(f'<nd ref="{ref}"/>' for ref in refs)
        parts.append(f'<way id="{number}">{inside}{_tags(tags)}</way>')
    for number, (members, tags) in dict(relations).items():
        inside = "".join(f'<member type="way" ref="{w}" role="{role}"/>' for w, role in members)
        parts.append(f'<relation id="{number}">{inside}{_tags(tags)}</relation>')
    return "\n".join([*parts, "</osm>"])


def _tags(tags=None) -> str:
    pairs = (tags or {}).items()
    return "".join(f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in pairs)


def read_town(folder: Path, nodes=(), ways=(), relations=(), **options) -> OsmLayers:
    """The layers of a drawn town, in metres on the grid it was drawn on."""
    file = Path(folder, "town.osm")
    file.write_text(osm_xml(nodes, ways, relations), encoding="utf-8")
    return read_osm(file, **{"crs": GRID, **options})
