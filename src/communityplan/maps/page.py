"""A page of layers as an element of a folium map, and the map that shows itself offline."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from communityplan.maps.layers import Fact, Layer, Variant
from communityplan.maps.theme import COLOURS, FONTS
from communityplan.standards import Service
from communityplan.wording import group_word, section, service_word, walker_word, word

if TYPE_CHECKING:
    import folium

__all__ = ["Page", "View", "add_page", "new_map", "page_of", "page_weights"]

FEW = 50
"""Values below which a column is written as it is."""

_Thing = TypeVar("_Thing", str, Service)


@dataclass(frozen=True)
class View:
    """What one map of a page shows.

    Attributes
    ----------
    layers : tuple of Layer
        The layers, in any order.
    ledger : tuple of mapping
        Everybody by service, group and limit, all communities together [people].
    label : str
        What the map is called where there are two.
    """

    layers: tuple[Layer, ...]
    ledger: tuple[Mapping[str, Any], ...] = ()
    label: str = ""


@dataclass(frozen=True)
class Page:
    """Everything a page shows beside the shapes.

    Attributes
    ----------
    views : tuple of View
        One map, or two that are compared.
    lang : {"zh", "en"}
        Language.
    title : str
        Heading.
    notes, sources, marks : tuple of str
        Notes on the data; where the data come from; what has to be seen first.
    services : tuple of Service
        Services that can be chosen, the first at first.
    """

    views: tuple[View, ...]
    lang: str
    title: str
    notes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    services: tuple[Service, ...] = ()

    def joined(self, other: Page) -> Page:
        """Add the layers and notes of another page to those of this one."""
        mine, added = self.views[0], other.views[0]
        layers = list(mine.layers)
        for layer in added.layers:
            layers.append(replace(layer, key=_free_key(layer.key, layers)))
        view = replace(mine, layers=tuple(layers), ledger=(*mine.ledger, *added.ledger))
        return replace(
            self,
            views=(view,),
            notes=_once(self.notes, other.notes),
            sources=_once(self.sources, other.sources),
            marks=_once(self.marks, other.marks),
            services=_once(self.services, other.services),
        )


def new_map() -> folium.Map:
    """An empty folium map without tiles, which a notebook shows without a network."""
    made: folium.Map = _map_class()(location=[0.0, 0.0], zoom_start=2, tiles=None, zoom_snap=0.25)
    return made


def add_page(page: Page, m: folium.Map) -> folium.Map:
    """The map with a page drawn on it; a page that it already has is extended.

    Parameters
    ----------
    page : Page
        What to draw.
    m : folium.Map
        A map, of this package or not; it is changed.

    Returns
    -------
    folium.Map
        The map that was given.
    """
    drawing = _drawing_on(m)
    if drawing is None:
        m.add_child(_drawing_class()(page), name="communityplan")
    else:
        drawing.page = drawing.page.joined(page)
    root: Any = m.get_root()
    # the template of the page takes it as HTML
    root.title = html.escape(page.title)
    return m


def page_of(m: folium.Map) -> Page | None:
    """The page drawn on a map, None where there is none."""
    drawing = _drawing_on(m)
    return None if drawing is None else drawing.page


def page_weights(page: Page) -> dict[str, int]:
    """Characters that each layer adds to a page; shapes are counted with their first layer.

    Parameters
    ----------
    page : Page
        A page.

    Returns
    -------
    dict
        By the name of the layer, the heaviest first.
    """
    seen: set[str] = set()
    weights: dict[str, int] = {}
    for view in page.views:
        for layer in view.layers:
            text = _json(layer.shapes)
            own = len(_json(_layer_data(layer)))
            weights[layer.name] = weights.get(layer.name, 0) + own
            if text not in seen:
                weights[layer.name] += len(text)
            seen.add(text)
    return dict(sorted(weights.items(), key=lambda pair: -pair[1]))


def _drawing_on(m: folium.Map) -> Any:
    found = [child for child in m._children.values() if isinstance(child, _drawing_class())]
    return found[0] if found else None


@cache
def _map_class() -> Any:
    import folium

    class OfflineMap(folium.Map):
        """A folium map that a notebook shows with no network."""

        def _repr_html_(self, **_: Any) -> str:
            from communityplan.maps.offline import offline_page

            inside = html.escape(offline_page(self))
            return (
                f'<iframe srcdoc="{inside}" title="map" allowfullscreen '
                'style="width:100%;height:640px;border:0"></iframe>'
            )

    return OfflineMap


@cache
def _drawing_class() -> Any:
    import folium
    from branca.element import Element, MacroElement

    class Inline(Element):
        """Text that goes into the page as it is."""

        _template = folium.template.Template("{{ this.text }}")

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Drawing(MacroElement):
        """A page on a map: its data, and the script that draws it."""

        _template = folium.template.Template(
            """
            {% macro html(this, kwargs) %}
            <script type="application/json" id="{{ this.get_name() }}">{{ this.data }}</script>
            {% endmacro %}
            {% macro script(this, kwargs) %}
            communityplan.show({{ this._parent.get_name() }},
                document.getElementById("{{ this.get_name() }}"));
            {% endmacro %}
            """
        )

        def __init__(self, page: Page) -> None:
            super().__init__()  # type: ignore[no-untyped-call]  # branca is half typed
            self._name = "Drawing"
            self.page = page
            self.data = ""

        def render(self, **kwargs: Any) -> str:
            self.data = _page_data(self.page, self.get_name())
            root: Any = self.get_root()
            head = root.header
            for name in ("draw.js", "start.js", "panel.js", "told.js", "compare.js"):
                head.add_child(Inline(f"<script>{_own(name)}</script>"), name=f"cp_{name}")
            head.add_child(Inline(f"<style>{_own('page.css')}</style>"), name="cp_style")
            return str(super().render(**kwargs))  # type: ignore[no-untyped-call]  # as above

    return Drawing


def _own(name: str) -> str:
    return files("communityplan.maps").joinpath(name).read_text(encoding="utf-8")


def _page_data(page: Page, name: str) -> str:
    """The page as JSON; shapes that several layers share are there once."""
    shapes: dict[str, Any] = {}
    names: dict[str, Any] = {}
    views = [
        {
            "label": view.label,
            "ledger": list(view.ledger),
            "layers": [
                {
                    **_layer_data(layer, lang=page.lang, place=place),
                    "shapes": _shared(layer.shapes, shapes),
                    "names": _shared(list(layer.names), names),
                }
                for place, layer in enumerate(view.layers)
            ],
        }
        for view in page.views
    ]
    lang = page.lang
    sources = [*page.sources, word("map.drawn_by", lang)]
    return _json(
        {
            "id": name,
            "lang": lang,
            "title": page.title,
            "notes": page.notes,
            "marks": page.marks,
            # leaflet takes this one as HTML
            "attribution": html.escape(" · ".join(sources)),
            "attribution_text": " · ".join(sources),
            "services": [_service_data(service, lang) for service in page.services],
            "names": _names(page),
            "words": {key: said for name in _SPOKEN for key, said in section(name, lang).items()},
            "theme": {"colours": COLOURS, "fonts": FONTS},
            "shapes": shapes,
            "lists": names,
            "views": views,
        }
    )


_SPOKEN = ("map", "ledger", "unit")


def _shared(thing: object, pool: dict[str, Any]) -> str:
    """Key of a thing in a pool, where equal things are once."""
    key = sha256(_json(thing).encode()).hexdigest()[:12]
    pool.setdefault(key, thing)
    return key


def _layer_data(layer: Layer, *, lang: str = "en", place: int = 0) -> dict[str, Any]:
    single = section("single", lang).get(f"single.{layer.key.rstrip('_0123456789')}", layer.name)
    return {
        **_fields(layer),
        "shapes": "",
        "place": place,
        "single": single,
        "facts": [_fact_data(fact) for fact in layer.facts],
        "variants": [_variant_data(variant) for variant in layer.variants],
    }


def _variant_data(variant: Variant) -> dict[str, Any]:
    data = {**_fields(variant), "facts": [_fact_data(fact) for fact in variant.facts]}
    return {name: value for name, value in data.items() if value not in (None, "", [], ())}


def _fact_data(fact: Fact) -> dict[str, Any]:
    return {**_fields(fact), "values": _column(fact.values)}


def _fields(thing: Layer | Variant | Fact) -> dict[str, Any]:
    """What `dataclasses.asdict` gives, without its copies of long lists."""
    return {item.name: getattr(thing, item.name) for item in fields(thing)}


def _column(values: list[Any] | None) -> Any:
    """Values as they are; many texts that repeat as a list of words and their numbers."""
    if values is None or len(values) < FEW or not all(isinstance(one, str) for one in values):
        return values
    numbers = {text: place for place, text in enumerate(dict.fromkeys(values))}
    if len(numbers) > len(values) / 2:
        return values
    return {"words": list(numbers), "numbers": [numbers[text] for text in values]}


def _service_data(service: Service, lang: str) -> dict[str, Any]:
    key = "map.verified_long" if service.verified else "map.unverified_long"
    return {
        "key": service.name,
        "group": service.group,
        "walker": service.walker,
        "within_min": service.within_min,
        "verified": service.verified,
        "note": word(key, lang, source=service.source),
    }


def _names(page: Page) -> dict[str, dict[str, str]]:
    variants = [one for view in page.views for layer in view.layers for one in layer.variants]
    groups = {one.group for one in variants} | {service.group for service in page.services}
    return {
        "service": {service.name: service_word(service, page.lang) for service in page.services},
        "group": {name: group_word(name, page.lang) for name in sorted(groups) if name},
        "walker": {
            name: walker_word(name, page.lang)
            for name in sorted({one.walker for one in variants})
            if name
        },
    }


def _free_key(key: str, layers: Sequence[Layer]) -> str:
    taken = {layer.key for layer in layers}
    found = key
    count = 2
    while found in taken:
        found = f"{key}_{count}"
        count += 1
    return found


def _once(first: Sequence[_Thing], second: Sequence[_Thing]) -> tuple[_Thing, ...]:
    return tuple(dict.fromkeys(chain(first, second)))


def _json(data: object) -> str:
    """JSON that no HTML parser can be led out of, in letters that a file can hold."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return safe.encode("utf-8", "replace").decode("utf-8")
