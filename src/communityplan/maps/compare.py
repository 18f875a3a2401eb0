"""Two maps in step: before and after, with a line that swipes between them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from communityplan.errors import OptionError
from communityplan.maps.layers import Layer
from communityplan.maps.page import Page, View, add_page, new_map, page_of
from communityplan.wording import word

if TYPE_CHECKING:
    import folium

__all__ = ["compare_map"]


def compare_map(
    before: folium.Map,
    after: folium.Map,
    *,
    labels: tuple[str, str] | None = None,
    title: str | None = None,
) -> folium.Map:
    """One page with two coverage maps in step: a line swipes between them, or side by side.

    The panel chooses service, limit and layers for both at once and shows both ledgers.

    Parameters
    ----------
    before, after : folium.Map
        From `coverage_map`, in the same language.
    labels : tuple of str, optional
        What the two are called; before and after unless given.
    title : str, optional
        Heading.

    Returns
    -------
    folium.Map
        `save_offline` writes it as one file; what both maps draw alike is in it once.

    Raises
    ------
    OptionError
        For maps that `coverage_map` did not make, or in two languages.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from communityplan import maps
    >>> gate = gpd.GeoDataFrame({"who": ["closed"]}, geometry=[shapely.Point(104, 30)], crs=4326)
    >>> shut = maps.coverage_map(gates=gate, lang="en")
    >>> opened = maps.coverage_map(gates=gate.assign(who="everyone"), lang="en")
    >>> m = maps.compare_map(shut, opened, labels=("Gate shut", "Gate open"))
    """
    first, second = _page(before, "before"), _page(after, "after")
    if first.lang != second.lang:
        raise OptionError(f"the maps are in two languages ({first.lang}, {second.lang})")
    lang = first.lang
    names = labels or (word("map.before", lang), word("map.after", lang))
    views = _same_scale(first.views[0], second.views[0])
    joined = first.joined(second)
    page = replace(
        joined,
        views=tuple(replace(view, label=name) for view, name in zip(views, names, strict=True)),
        title=word("map.compare_title", lang) if title is None else title,
    )
    return add_page(page, new_map())


def _page(m: folium.Map, name: str) -> Page:
    page = page_of(m)
    if page is None or len(page.views) != 1:
        raise OptionError(f"{name!r} is no map of coverage_map; make both maps with it")
    return page


def _same_scale(first: View, second: View) -> tuple[View, View]:
    """Both views with circles of one scale, so that equal circles are equal numbers of people."""
    most: dict[str, float] = {}
    for layer in (*first.layers, *second.layers):
        if "most" in layer.style:
            most[layer.key] = max(most.get(layer.key, 0.0), layer.style["most"])

    def scaled(layer: Layer) -> Layer:
        if layer.key not in most:
            return layer
        return replace(layer, style={**layer.style, "most": most[layer.key]})

    return (
        replace(first, layers=tuple(scaled(layer) for layer in first.layers)),
        replace(second, layers=tuple(scaled(layer) for layer in second.layers)),
    )
