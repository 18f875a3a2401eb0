"""Charts and small maps of a report, drawn where matplotlib is installed."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from communityplan.maps.fonts import find_chinese_font, font_families
from communityplan.maps.people import SHARE_BREAKS
from communityplan.maps.plots import plot_budget, plot_cumulative, plot_ranking
from communityplan.maps.theme import COLOURS, ramp
from communityplan.plan.shares import own_shares
from communityplan.report.columns import Sayer
from communityplan.report.document import Picture
from communityplan.report.facts import Facts
from communityplan.standards import Service

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_pictures"]

DPI = 180
WIDTH_IN = 6.3
"""Width of the text of an A4 page [inch]."""

SHOWN_SITES = 5
THICK_UNTIL_M = 2500.0
"""Extent up to which lines are drawn in full width [m]."""

GROUND_LAYER, HOME_LAYER, MARK_LAYER = 1, 2, 3
ACROSS = 2
"""Small maps side by side."""


def draw_pictures(facts: Facts) -> tuple[dict[str, Picture], str]:
    """The pictures of a report, or why there are none.

    Parameters
    ----------
    facts : Facts

    Returns
    -------
    tuple of dict and str
        Pictures by name (``cumulative``, ``ranking``, ``budget``, ``map``); a
        sentence where none is drawn.
    """
    say = facts.say
    if find_spec("matplotlib") is None:
        return {}, say.word("report.no_charts_library")
    if say.lang == "zh" and find_chinese_font() is None:
        return {}, say.word("report.no_charts_font")
    with warnings.catch_warnings():
        # a letter that no font has comes out as a box; the same name stands in the tables
        warnings.filterwarnings("ignore", message=".*[Gg]lyph .* missing")
        return {
            name: Picture(png, say.word(f"report.{key}"), say.word(f"report.{key}_alt"))
            for name, key, png in _drawn(facts)
        }, ""


def _drawn(facts: Facts) -> Iterator[tuple[str, str, bytes]]:
    lang, plan = facts.say.lang, facts.plan
    figure, ax = _figure(3.6)
    plot_cumulative(plan.ledger, lang=lang, ax=ax)
    ax.set_title("", loc="left")
    yield "cumulative", "chart_cumulative", _png(figure)
    if plan.ranking is not None and plan.ranking["rank"].notna().any():
        count = min(int(plan.ranking["rank"].notna().sum()), 15)
        figure, ax = _figure(1.2 + 0.28 * count)
        plot_ranking(plan.ranking, lang=lang, ax=ax)
        ax.set_title("", loc="left")
        yield "ranking", "chart_ranking", _png(figure)
    if plan.chosen is not None and plan.chosen.curve is not None and len(plan.chosen.curve):
        figure, ax = _figure(3.2)
        plot_budget(plan.chosen.curve, value="weighted_people", lang=lang, ax=ax)
        ax.set_title("", loc="left")
        yield "budget", "chart_budget", _png(figure)
    yield "map", "picture_map", _png(_maps(facts))


def _figure(height_in: float) -> tuple[Figure, Axes]:
    # a figure of its own: nothing of it stays in pyplot
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    return figure, figure.subplots()


def _png(figure: Figure) -> bytes:
    held = io.BytesIO()
    # without the name of the program the same input gives the same bytes
    figure.savefig(held, format="png", dpi=DPI, metadata={"Software": None})
    return held.getvalue()


def _maps(facts: Facts) -> Figure:
    """One small map for each service, with one legend for all."""
    from matplotlib.figure import Figure

    services = facts.plan.project.services
    down = -(-len(services) // ACROSS)
    west, south, east, north = facts.plan.project.homes.total_bounds
    tall = float(np.clip((north - south) / max(east - west, 1.0), 0.4, 1.6))
    height = down * (WIDTH_IN / ACROSS * tall + 0.35) + 0.7
    figure = Figure(figsize=(WIDTH_IN, min(height, 9.2)), layout="constrained")
    axes = np.atleast_1d(figure.subplots(down, ACROSS, squeeze=False)).ravel()
    shares = own_shares(facts.plan)
    for ax, service in zip(axes, services, strict=False):
        _map(ax, facts, service, shares[service.name]["covered_share"].to_numpy())
    for ax in axes:
        ax.set_axis_off()
    family = font_families(facts.say.lang)
    figure.legend(
        handles=_legend(facts.say),
        loc="outside lower center",
        ncols=4,
        frameon=False,
        fontsize=8,
        prop={"family": family, "size": 8},
    )
    return figure


def _map(ax: Axes, facts: Facts, service: Service, share: NDArray[np.float64]) -> None:
    project, say = facts.plan.project, facts.say
    west, south, east, north = project.homes.total_bounds
    across_m = max(east - west, north - south, 100.0)
    # lines thin out as more of a town is on the map
    thin = float(np.clip(THICK_UNTIL_M / across_m, 0.25, 1.0))
    edges = facts.plan.network.edges
    streets = edges.geometry[(edges["kind"] != "gate").to_numpy()]
    _lines(ax, streets, COLOURS["level"], 0.5 * thin)
    _areas(ax, project.communities.geometry, "none", COLOURS["community_edge"], 0.6 * thin)
    if project.walls is not None:
        _lines(ax, project.walls.geometry, COLOURS["wall"], 0.7 * thin)
    _places(ax, project.homes, _fills(facts, service, share), points_only=thin < 0.5)
    offered = project.facilities[project.facilities["service"].map(str) == service.name]
    _marks(ax, offered, "^", COLOURS["facility"], 34 * thin)
    if facts.plan.ranking is not None and f"gain_{service.name}" in facts.plan.ranking:
        _ranked(ax, facts.plan.ranking)
    minutes = say.word("ledger.within", minutes=f"{service.within_min:g}")
    mark = "" if service.verified else f" · {say.word('map.unverified')}"
    title = f"{say.service(service.name)} · {minutes}{mark}".replace("$", r"\$")
    ax.set_title(title, fontsize=8, fontfamily=font_families(say.lang), loc="left", pad=2)
    margin = 0.05 * across_m
    ax.set(xlim=(west - margin, east + margin), ylim=(south - margin, north + margin))
    ax.set_aspect("equal")
    _scale(ax, east - west)


def _fills(facts: Facts, service: Service, share: NDArray[np.float64]) -> NDArray[np.object_]:
    """Colour of every home: by covered share, or as one that no way leads from."""
    access = facts.plan.access
    rows = access[access["service"] == service.name]
    colours = np.array(ramp(len(SHARE_BREAKS) + 1)[::-1], dtype=object)
    filled = colours[np.searchsorted(SHARE_BREAKS, 100.0 * share, side="right")]
    filled[(rows["reason"] != "").to_numpy()] = COLOURS["unreachable"]
    return filled


def _lines(ax: Axes, shapes: gpd.GeoSeries, colour: str, width: float) -> None:
    from matplotlib.collections import LineCollection

    parts = shapely.get_parts(shapes.to_numpy())
    ends = [shapely.get_coordinates(part) for part in parts]
    drawn = LineCollection(ends, colors=colour, linewidths=width, zorder=GROUND_LAYER)
    ax.add_collection(drawn, autolim=False)


def _areas(
    ax: Axes,
    shapes: gpd.GeoSeries,
    fill: Any,
    edge: str,
    width: float,
    *,
    layer: int = GROUND_LAYER,
) -> None:
    from matplotlib.collections import PathCollection

    paths = [_path(shape) for shape in shapes]
    drawn = PathCollection(paths, facecolors=fill, edgecolors=edge, linewidths=width, zorder=layer)
    ax.add_collection(drawn, autolim=False)


def _path(shape: shapely.Geometry) -> Any:
    """The rings of an area as one path, holes turning the other way."""
    from matplotlib.path import Path

    rings = [
        ring
        for part in shapely.get_parts(shapely.orient_polygons(shape))
        for ring in (part.exterior, *part.interiors)
    ]
    return Path.make_compound_path(*(Path(np.asarray(ring.coords)[:, :2]) for ring in rings))


def _places(
    ax: Axes, homes: gpd.GeoDataFrame, colours: NDArray[np.object_], *, points_only: bool
) -> None:
    """Homes in their shapes, or as points where a town is too large for these."""
    areas = homes.geometry.geom_type.isin(["Polygon", "MultiPolygon"]).to_numpy() & (
        not points_only
    )
    if areas.any():
        fills = list(colours[areas])
        _areas(ax, homes.geometry[areas], fills, COLOURS["home_edge"], 0.2, layer=HOME_LAYER)
    points = shapely.get_coordinates(shapely.centroid(homes.geometry.to_numpy()[~areas]))
    size, edge = (2.0, "none") if points_only else (9.0, "#00000055")
    ax.scatter(
        points[:, 0],
        points[:, 1],
        s=size,
        c=list(colours[~areas]),
        edgecolors=edge,
        lw=0.2,
        zorder=HOME_LAYER,
    )


def _marks(ax: Axes, table: gpd.GeoDataFrame, mark: str, colour: str, size: float) -> None:
    points = shapely.get_coordinates(shapely.point_on_surface(table.geometry.to_numpy()))
    edge = 0.7 if size > 20 else 0.3
    ax.scatter(
        points[:, 0],
        points[:, 1],
        s=size,
        marker=mark,
        c=colour,
        edgecolors="white",
        lw=edge,
        zorder=MARK_LAYER,
    )


def _ranked(ax: Axes, ranking: gpd.GeoDataFrame) -> None:
    best = ranking[ranking["rank"].notna()].head(SHOWN_SITES)
    _marks(ax, best, "s", COLOURS["idle"], 62)
    points = shapely.get_coordinates(shapely.point_on_surface(best.geometry.to_numpy()))
    for (x, y), rank in zip(points, best["rank"], strict=True):
        ax.annotate(
            f"{rank}",
            (x, y),
            ha="center",
            va="center_baseline",
            color="white",
            fontsize=6.5,
            zorder=MARK_LAYER,
        )


def _scale(ax: Axes, across_m: float) -> None:
    """A bar of a round length, near a quarter of the width."""
    size = 10.0 ** np.floor(np.log10(max(across_m / 4.0, 1.0)))
    length = size * max(np.floor(across_m / 4.0 / size), 1.0)
    left, right = ax.get_xlim()
    low, high = ax.get_ylim()
    x, y = left + 0.03 * (right - left), low + 0.04 * (high - low)
    ax.plot([x, x + length], [y, y], color=COLOURS["ink"], linewidth=1.2, solid_capstyle="butt")
    said = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    ax.annotate(said, (x + length, y), (3, 0), textcoords="offset points", fontsize=6, va="center")


def _legend(say: Sayer) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    edges = (0.0, *SHARE_BREAKS, 100.0)
    colours = ramp(len(SHARE_BREAKS) + 1)[::-1]
    handles: list[Any] = [
        Patch(
            facecolor=colour,
            label=say.word("report.picture_share", span=f"{low:.0f}–{high:.0f}%"),
        )
        for low, high, colour in zip(edges, edges[1:], colours, strict=False)
    ]
    unreachable = say.word("report.picture_unreachable")
    handles.append(Patch(facecolor=COLOURS["unreachable"], label=unreachable))
    for mark, colour, key in (("^", "facility", "facility"), ("s", "idle", "idle")):
        handles.append(
            Line2D(
                [],
                [],
                marker=mark,
                color=COLOURS[colour],
                linestyle="none",
                label=say.word(f"report.picture_{key}"),
            )
        )
    return handles
