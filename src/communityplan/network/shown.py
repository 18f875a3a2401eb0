"""A network as a notebook shows it: a few figures, and its streets drawn small."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from communityplan.network.edges import connected

if TYPE_CHECKING:
    from communityplan.network import WalkNetwork

__all__ = ["network_page"]

MOST_DRAWN = 20_000
"""Edges that a notebook draws; more would be a grey field and megabytes."""

WIDE, HIGH = 640.0, 360.0
"""Size of the drawing [pixels]."""

_INK = {"street": "#59616b", "gate": "#00664b"}


def network_page(network: WalkNetwork) -> str:
    """Figures of a network and a drawing of its streets, in Chinese and English.

    Parameters
    ----------
    network : WalkNetwork

    Returns
    -------
    str
        HTML that fetches nothing.
    """
    walked = network.edges[network.edges["kind"] != "gate"]
    rows = [
        ("路段", "edges", f"{len(walked):,}"),
        ("节点", "nodes", f"{len(network.nodes):,}"),
        ("长度", "length", f"{walked['length_m'].sum() / 1000:,.1f} km"),
        ("出入口", "gates", f"{_gates(network):,}"),
        ("互不相连的部分", "parts that hang together", f"{_parts(network):,}"),
        ("坐标系", "coordinate system", escape(network.crs.to_string())),
    ]
    told = "".join(
        f"<tr><td>{zh} · {en}</td><td><b>{value}</b></td></tr>" for zh, en, value in rows
    )
    return f"<div><table>{told}</table>{_drawing(network)}</div>"


def _gates(network: WalkNetwork) -> int:
    edges = network.edges
    return int(edges.loc[edges["kind"] == "gate", "gate_id"].nunique())


def _parts(network: WalkNetwork) -> int:
    """Parts between which nobody can walk; single nodes without an edge are none."""
    edges = network.edges
    labels = connected(len(network.nodes), edges)
    return len(np.unique(labels[edges["u"].to_numpy()]))


def _drawing(network: WalkNetwork) -> str:
    edges = network.edges
    if not len(edges) or len(edges) > MOST_DRAWN:
        return ""
    west, south, east, north = edges.total_bounds
    scale = min(WIDE / max(east - west, 1.0), HIGH / max(north - south, 1.0))
    is_gate = edges["kind"] == "gate"
    wide, high = (east - west) * scale + 8, (north - south) * scale + 8
    paths = [
        f'<path d="{_path(edges[rows], west, north, scale)}" fill="none" '
        f'stroke="{_INK[name]}" stroke-width="{width}" stroke-linecap="round"/>'
        for name, rows, width in (("street", ~is_gate, 1), ("gate", is_gate, 4))
    ]
    said = f"{(~is_gate).sum()} edges"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-4 -4 {wide:.0f} {high:.0f}" '
        f'width="{wide:.0f}" height="{high:.0f}" role="img" aria-label="{said}">'
        f"<title>{said}</title>{''.join(paths)}</svg>"
    )


def _path(edges: gpd.GeoDataFrame, west: float, north: float, scale: float) -> str:
    """Lines in pixels; a point that no screen shows is left out."""
    shapes = shapely.simplify(edges.geometry.to_numpy(), 1.0 / scale)
    places, line = shapely.get_coordinates(shapes, return_index=True)
    x, y = (places[:, 0] - west) * scale, (north - places[:, 1]) * scale
    starts = np.diff(line, prepend=-1) != 0
    return "".join(
        f"{'M' if first else 'L'}{across:.0f} {down:.0f}"
        for first, across, down in zip(starts, x, y, strict=True)
    )
