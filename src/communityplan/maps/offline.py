"""One file that opens with no network: every script and style in it, and nothing may be fetched."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from communityplan.errors import MissingLibraryError, OptionError, TooLargeError
from communityplan.maps.page import page_of, page_weights

if TYPE_CHECKING:
    import folium

__all__ = ["offline_page", "save_offline"]

MEGABYTE = 1_000_000

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; connect-src 'none'; form-action 'none'; "
    "base-uri 'none'; object-src 'none'"
)
"""What the browser itself enforces on the page: only what is in the file, and no network."""

_SCRIPT = re.compile(r"<script\b[^>]*?\bsrc\s*=\s*[\"']([^\"']+)[\"'][^>]*>\s*</script>", re.I)
_STYLE = re.compile(r"<link\b[^>]*?\bhref\s*=\s*[\"']([^\"']+)[\"'][^>]*>", re.I)
_URL = re.compile(r"url\(\s*(\"[^\"]*\"|'[^']*'|[^)]*?)\s*\)", re.I)
_IMPORT = re.compile(r"@import\s+(?:url\()?[\"']?[^;]*;", re.I)
_MAP_OF_SOURCE = re.compile(r"(//[#@]\s*sourceMappingURL=\S*|/\*#\s*sourceMappingURL=.*?\*/)")
_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_FETCHED = re.compile(
    r"<(?:script|img|iframe|source|audio|video|embed|link)\b[^>]*?"
    r"\b(?:src|href)\s*=\s*[\"']((?:https?:)?//[^\"']+)",
    re.I,
)

# folium loads these for every map; each is needed only where the page speaks of it
_NEEDED_WHERE = (
    (re.compile("jquery"), re.compile(r"\$\(|jQuery")),
    (re.compile("bootstrap@"), re.compile(r"bindPopup|bindTooltip|AwesomeMarkers|data-bs-")),
    (re.compile("awesome|glyphicons"), re.compile(r"AwesomeMarkers|glyphicon|\bfa-")),
)


def save_offline(
    map: folium.Map,  # noqa: A002  # the name that users expect
    path: str | os.PathLike[str],
    *,
    max_mb: float = 8.0,
) -> Path:
    """Write a map as one HTML file that opens anywhere with no network.

    Scripts and styles are put into the file, and a content security policy keeps the browser
    from fetching anything. The same map gives the same bytes. The file is written beside its
    place and moved there when whole.

    Parameters
    ----------
    map : folium.Map
        From `coverage_map`, `compare_map`, or any folium map without online tiles.
    path : path
        Where to write.
    max_mb : float
        Largest size of the file [MB, a million bytes].

    Returns
    -------
    Path
        The path.

    Raises
    ------
    OptionError
        For a map that needs the network: online tiles, or a script that is not carried.
    TooLargeError
        For a file over the budget; names what is heavy and what to do.
    MissingLibraryError
        Without folium-offline.

    Examples
    --------
    >>> import tempfile, geopandas as gpd, shapely
    >>> from communityplan import maps
    >>> gates = gpd.GeoDataFrame({"who": ["everyone"]}, geometry=[shapely.Point(104, 30)], crs=4326)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     maps.save_offline(maps.coverage_map(gates=gates), folder + "/map.html").name
    'map.html'
    """
    path = Path(path)
    content = offline_page(map).encode("utf-8")
    if len(content) > max_mb * MEGABYTE:
        raise TooLargeError(_too_heavy(map, len(content), max_mb))
    _write(content, path)
    return path


def offline_page(m: folium.Map) -> str:
    """The page of a map with everything it needs inside.

    Parameters
    ----------
    m : folium.Map
        A map without online tiles.

    Returns
    -------
    str
        HTML.

    Raises
    ------
    OptionError
        Lists every address that would have to be fetched.
    """
    _refuse_tiles(m)
    texts = _carried()
    page = _without_unused(_rendered(m), _usual_addresses())
    lacking = [address for address in _addresses(page) if address not in texts]
    if lacking:
        raise OptionError(
            "the map needs files that folium-offline does not carry, so it would not open "
            f"without a network: {', '.join(lacking)}. Leave out the plugin that asks for them"
        )
    page = _SCRIPT.sub(lambda found: _script(texts[found[1]]), page)
    page = _STYLE.sub(lambda found: _style(texts[found[1]]), page)
    fetched: list[str] = _FETCHED.findall(page)
    if fetched:
        raise OptionError(
            f"the map would fetch {', '.join(fetched)}; put these into the page as data"
        )
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    return page.replace("<head>", f"<head>\n    {policy}", 1)


def _refuse_tiles(m: folium.Map) -> None:
    import folium

    kinds = (folium.TileLayer, folium.raster_layers.WmsTileLayer)
    tiles = [child for child in m._children.values() if isinstance(child, kinds)]
    if tiles:
        raise OptionError(
            "the map has online tiles, which a file without a network cannot show; make it "
            "without tiles (the plain ground and the streets are drawn instead)"
        )


def _rendered(m: folium.Map) -> str:
    """The page as folium writes it, with names that are the same whenever it is made.

    folium names its elements at random; here they are numbered in the order of the map's tree.
    Only names of elements are replaced, so that a key of a table that looks like one stays.
    """
    text: str = m.get_root().render()
    numbers: dict[str, str] = {}
    for name in _element_ids(m.get_root(), set()):
        numbers.setdefault(name, f"{len(numbers) + 1:032x}")
    return _ID.sub(lambda found: numbers.get(found[0], found[0]), text)


def _element_ids(thing: object, seen: set[int]) -> Iterator[str]:
    """Names of an element and of all below it, whether children, attributes or in lists."""
    from branca.element import Element

    if id(thing) in seen:
        return
    seen.add(id(thing))
    below: Iterable[object] = ()
    if isinstance(thing, Element):
        yield thing._id
        below = [one for name, one in vars(thing).items() if name != "_parent"]
    elif isinstance(thing, Mapping):
        below = thing.values()
    elif isinstance(thing, list | tuple):
        below = thing
    for one in below:
        if isinstance(one, Element | Mapping | list | tuple):
            yield from _element_ids(one, seen)


def _carried() -> Mapping[str, str]:
    """Text by address, as folium-offline carries it."""
    try:
        from offlinefolium import elements
    except ImportError as missing:
        raise MissingLibraryError(
            "the scripts of offline maps are missing; pip install folium-offline"
        ) from missing
    carried: Mapping[str, str] = elements._res
    return carried


def _usual_addresses() -> set[str]:
    import folium

    return {address for _, address in (*folium.Map.default_js, *folium.Map.default_css)}


def _addresses(page: str) -> list[str]:
    return list(dict.fromkeys([*_SCRIPT.findall(page), *_STYLE.findall(page)]))


def _without_unused(page: str, usual: set[str]) -> str:
    """The page without those of folium's usual files that nothing on it speaks of."""
    if set(_addresses(page)) - usual:
        # a plugin may lean on any of them
        return page
    own = _STYLE.sub("", _SCRIPT.sub("", page))
    unused = [name for name, sign in _NEEDED_WHERE if not sign.search(own)]

    def keep(found: re.Match[str]) -> str:
        return "" if any(name.search(found[1]) for name in unused) else found[0]

    return _STYLE.sub(keep, _SCRIPT.sub(keep, page))


def _script(text: str) -> str:
    inside = _MAP_OF_SOURCE.sub("", text).replace("</script", "<\\/script")
    return f"<script>{inside}</script>"


def _style(text: str) -> str:
    inside = _IMPORT.sub("", _MAP_OF_SOURCE.sub("", text)).replace("</style", "<\\/style")
    return f"<style>{_URL.sub(_only_inside, inside)}</style>"


def _only_inside(found: re.Match[str]) -> str:
    """An address in a style, emptied unless it is data or a place in the page itself."""
    address = found[1].strip("\"'")
    return found[0] if address.startswith(("data:", "#")) else "url(data:,)"


def _too_heavy(m: folium.Map, size: int, max_mb: float) -> str:
    told = ", ".join(_weights(m, size))
    return (
        f"the map is {size / MEGABYTE:.1f} MB, over its budget of {max_mb:g} MB ({told}). "
        "Raise simplify_m, leave out a layer, draw communities instead of homes, or raise max_mb"
    )


def _weights(m: folium.Map, size: int) -> Iterator[str]:
    page = page_of(m)
    layers = {} if page is None else page_weights(page)
    for name, weight in list(layers.items())[:4]:
        yield f"{name} {weight / MEGABYTE:.1f} MB"
    yield f"everything else {(size - sum(list(layers.values())[:4])) / MEGABYTE:.1f} MB"


def _write(content: bytes, path: Path) -> None:
    """Whole or not at all: written beside its place, then moved there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
