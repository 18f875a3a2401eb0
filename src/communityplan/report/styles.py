"""Styles of layers as QGIS keeps them (QML): rules, each with a symbol, and labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.etree.ElementTree import Element, SubElement, tostring

import geopandas as gpd

from communityplan.maps.people import SHARE_BREAKS
from communityplan.maps.theme import COLOURS, ramp
from communityplan.report.columns import plain
from communityplan.report.facts import Facts

__all__ = ["Rule", "Style", "Symbol", "qml", "styles_of"]

SHOWN_SITES = 5
KINDS = {"fill": "SimpleFill", "line": "SimpleLine", "marker": "SimpleMarker"}
GEOMETRY_NUMBERS = {"marker": "0", "line": "1", "fill": "2"}


@dataclass(frozen=True)
class Symbol:
    """How a thing is drawn.

    Attributes
    ----------
    kind : {"fill", "line", "marker"}
    colour, edge : str
        As ``#rrggbb``; an empty colour is not filled.
    size : float
        Of a marker, else the width of the line [mm].
    opacity : float
        From 0 to 1.
    shape : str
        Of a marker: circle, triangle, square.
    """

    kind: str
    colour: str
    edge: str = "#ffffff"
    size: float = 0.3
    opacity: float = 1.0
    shape: str = "circle"


@dataclass(frozen=True)
class Rule:
    """What is drawn with which symbol.

    Attributes
    ----------
    label : str
        What the legend calls it.
    where : str
        Expression of QGIS; empty for everything.
    symbol : Symbol
    """

    label: str
    where: str
    symbol: Symbol


@dataclass(frozen=True)
class Style:
    """One style of one layer.

    Attributes
    ----------
    layer, name, qml : str
    default : bool
        Whether QGIS opens the layer with it.
    """

    layer: str
    name: str
    qml: str
    default: bool


def qml(rules: Sequence[Rule], *, label: str = "") -> str:
    """A style of rules as QGIS writes it.

    Parameters
    ----------
    rules : sequence of Rule
    label : str
        Column that labels each thing; none unless given.

    Returns
    -------
    str

    Examples
    --------
    >>> from communityplan.report.styles import Rule, Symbol, qml
    >>> "SimpleLine" in qml([Rule("walls", "", Symbol("line", "#5b4636"))])
    True
    """
    root = Element(
        "qgis",
        version="3.22.0",
        styleCategories="Symbology|Labeling",
        labelsEnabled="1" if label else "0",
    )
    renderer = SubElement(root, "renderer-v2", type="RuleRenderer", symbollevels="0")
    listed = SubElement(renderer, "rules", key="rules")
    symbols = SubElement(renderer, "symbols")
    for place, rule in enumerate(rules):
        facts = {"key": f"rule{place}", "symbol": str(place), "label": plain(rule.label)}
        SubElement(listed, "rule", {**facts, **({"filter": rule.where} if rule.where else {})})
        symbols.append(_symbol(rule.symbol, place))
    if label:
        root.append(_labelling(label))
    SubElement(root, "layerGeometryType").text = GEOMETRY_NUMBERS[rules[0].symbol.kind]
    return "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n" + tostring(
        root, encoding="unicode"
    )


def _symbol(symbol: Symbol, place: int) -> Element:
    element = Element(
        "symbol", type=symbol.kind, name=str(place), alpha=f"{symbol.opacity:g}", clip_to_extent="1"
    )
    attributes = {"class": KINDS[symbol.kind], "enabled": "1", "locked": "0", "pass": "0"}
    layer = SubElement(element, "layer", attributes)
    options = SubElement(layer, "Option", type="Map")
    for name, value in _options(symbol).items():
        SubElement(options, "Option", type="QString", name=name, value=value)
    return element


def _options(symbol: Symbol) -> Mapping[str, str]:
    colour, edge = _rgba(symbol.colour), _rgba(symbol.edge)
    if symbol.kind == "line":
        width = f"{symbol.size:g}"
        return {
            "line_color": colour,
            "line_style": "solid",
            "line_width": width,
            "line_width_unit": "MM",
        }
    if symbol.kind == "fill":
        return {
            "color": colour,
            "style": "solid" if symbol.colour else "no",
            "outline_color": edge,
            "outline_style": "solid",
            "outline_width": f"{symbol.size:g}",
            "outline_width_unit": "MM",
        }
    return {
        "name": symbol.shape,
        "color": colour,
        "outline_color": edge,
        "outline_style": "solid",
        "outline_width": "0.2",
        "size": f"{symbol.size:g}",
        "size_unit": "MM",
    }


def _rgba(colour: str) -> str:
    if not colour:
        return "255,255,255,0"
    parts = (str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))
    return ",".join([*parts, "255"])


def _labelling(column: str) -> Element:
    labelling = Element("labeling", type="simple")
    settings = SubElement(labelling, "settings")
    text = SubElement(
        settings,
        "text-style",
        fieldName=column,
        isExpression="0",
        fontSize="9",
        fontSizeUnit="Point",
        textColor=_rgba(COLOURS["ink"]),
    )
    SubElement(
        text,
        "text-buffer",
        bufferDraw="1",
        bufferSize="0.8",
        bufferSizeUnits="MM",
        bufferColor="255,255,255,255",
    )
    SubElement(settings, "placement", placement="1")
    return labelling


def styles_of(facts: Facts, layers: Mapping[str, gpd.GeoDataFrame]) -> Iterator[Style]:
    """The styles of every layer; the first of each is the one it opens with.

    Parameters
    ----------
    facts : Facts
    layers : mapping of str to GeoDataFrame
        The layers that are written.

    Yields
    ------
    Style
    """
    say = facts.say
    name = "name" if say.lang == "zh" else "name_en"
    for layer, symbol in (("communities", "community_edge"), ("homes", "home_edge")):
        if layer in layers:
            label = name if layer == "communities" and name in layers[layer] else ""
            kind = _kind(layers[layer])
            for place, service in enumerate(facts.plan.project.services):
                rules = list(_shares(facts, service.name, kind, COLOURS[symbol]))
                called = say.word("report.style_share", service=say.service(service.name))
                yield Style(layer, called, qml(rules, label=label), place == 0)
    if "service_areas" in layers:
        yield from _areas(facts, layers["service_areas"])
    if "ranking" in layers:
        rules = _ranks(facts, _kind(layers["ranking"]))
        style = qml(rules, label="rank")
        yield Style("ranking", say.word("layer.idle_buildings_plain"), style, True)
    for layer, drawn in (
        ("facilities", Symbol("marker", COLOURS["facility"], size=3.2, shape="triangle")),
        ("walls", Symbol("line", COLOURS["wall"], size=0.5)),
        ("streets", Symbol("line", COLOURS["level"], size=0.3)),
        ("gates", Symbol("marker", COLOURS["gate_everyone"], size=2.4)),
    ):
        if layer in layers:
            called = say.word(f"layer.{layer}")
            symbol_here = _fitting(drawn, _kind(layers[layer]))
            yield Style(layer, called, qml([Rule(called, "", symbol_here)]), True)


def _kind(table: gpd.GeoDataFrame) -> str:
    """The kind of symbol of a layer, by its first shape."""
    shape = str(table.geometry.geom_type.iloc[0])
    return {"Point": "marker", "MultiPoint": "marker"}.get(
        shape, "line" if "Line" in shape else "fill"
    )


def _fitting(symbol: Symbol, kind: str) -> Symbol:
    """A marker as a filled area where the things are areas."""
    return Symbol("fill", symbol.colour) if (symbol.kind, kind) == ("marker", "fill") else symbol


def _shares(facts: Facts, service: str, kind: str, edge: str) -> Iterator[Rule]:
    column = f'"covered_share_{service}"'
    bounds = [0.0, *(limit / 100.0 for limit in SHARE_BREAKS), 1.0]
    size = 2.2 if kind == "marker" else 0.2
    for (low, high), colour in zip(
        pairwise(bounds), ramp(len(SHARE_BREAKS) + 1)[::-1], strict=True
    ):
        last = high == 1.0
        where = f"{column} >= {low:g} AND {column} {'<=' if last else '<'} {high:g}"
        label = facts.say.word("report.picture_share", span=f"{low:.0%}–{high:.0%}")
        yield Rule(label, where, Symbol(kind, colour, edge, size))
    nobody = Symbol(kind, COLOURS["missing"], edge, size)
    yield Rule(facts.say.word("map.nobody"), f"{column} IS NULL", nobody)


def _areas(facts: Facts, areas: gpd.GeoDataFrame) -> Iterator[Style]:
    """One style for each service: its circles, the smaller the darker."""
    for place, (service, rows) in enumerate(areas.groupby("service", sort=False)):
        limits = sorted(rows["within_min"].unique(), reverse=True)
        colours = ramp(len(limits))[::-1]
        text = str(service).replace("'", "''")
        rules = [
            Rule(
                facts.say.word("ledger.within", minutes=f"{limit:g}"),
                f'"service" = \'{text}\' AND "within_min" = {limit:g}',
                Symbol("fill", colour, COLOURS["quiet_ink"], 0.2, 0.6),
            )
            for limit, colour in zip(limits, colours, strict=True)
        ]
        yield Style("service_areas", facts.say.service(str(service)), qml(rules), place == 0)


def _ranks(facts: Facts, kind: str) -> list[Rule]:
    sizes = (3.6, 3.0, 2.0) if kind == "marker" else (0.3, 0.3, 0.3)
    classes = (
        (facts.say.word("legend.idle_first", count=SHOWN_SITES), f"<= {SHOWN_SITES}", "idle"),
        (facts.say.word("legend.idle_ranked"), f"> {SHOWN_SITES}", "idle_rest"),
        (facts.say.word("legend.idle_unfit"), "IS NULL", "idle_unfit"),
    )
    return [
        Rule(label, f'"rank" {where}', Symbol(kind, COLOURS[colour], size=size, shape="square"))
        for (label, where, colour), size in zip(classes, sizes, strict=True)
    ]
