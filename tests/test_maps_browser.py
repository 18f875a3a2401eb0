"""Maps in a real browser with the network off: they paint, choose, find, tell, compare, print."""

from __future__ import annotations

import io
import os
from pathlib import Path

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import maps_quarter as quarter
from browser import DESK, PHONE, browser, opened
from communityplan import maps

PIL = pytest.importorskip("PIL.Image", reason="pillow is not installed")

PICTURES = Path(__file__).parent / "pictures"

CHOICE = "communityplan.pages[0].choice"
# where a place of the quarter is on the screen
ON_SCREEN = """([key, row]) => {
    const page = communityplan.pages[0];
    const view = page.views[page.views.length - 1];
    const layer = view.layers.find((one) => one.key === key);
    const at = communityplan.latLng(...communityplan.middle(layer.s, row));
    const box = view.map.getContainer().getBoundingClientRect();
    const point = view.map.latLngToContainerPoint(at);
    return [box.left + point.x, box.top + point.y];
}"""

# places in the document of everything in the panel and on the map that acts
CONTROLS = """(() => {
    const all = [...document.querySelectorAll("*")];
    const acts = "button, select, summary, input[type=checkbox]:enabled, input[type=search]";
    const found = [...document.querySelectorAll(".cp-panel :is(" + acts + ")")];
    found.push(...document.querySelectorAll(".leaflet-control-zoom a"));
    return found.map((one) => all.indexOf(one));
})()"""
FOCUSED = "[...document.querySelectorAll('*')].indexOf(document.activeElement)"


# a place on the first thing of a layer; of a line the middle of its first piece
FIRST_PLACE = """(key) => {
    const { communityplan: cp } = window;
    const view = cp.pages[0].views[0];
    const layer = view.layers.find((one) => one.key === key);
    const rows = cp.rows(layer, cp.variant(layer, view.choice));
    const row = key === "areas" ? rows[rows.length - 1] : rows[0];
    const { x, y, pieceStart, rowStart } = layer.s;
    const first = pieceStart[rowStart[row]];
    const half = [(x[first] + x[first + 1]) / 2, (y[first] + y[first + 1]) / 2];
    const at = cp.latLng(...(layer.paint === "line" ? half : cp.middle(layer.s, row)));
    const box = view.map.getContainer().getBoundingClientRect();
    const point = view.map.latLngToContainerPoint(at);
    return [box.left + point.x, box.top + point.y];
}"""
ONLY = """(key) => {
    const [page] = communityplan.pages;
    for (const other of Object.keys(page.choice.on)) page.choice.on[other] = other === key;
    const { section } = page.views[0].layers.find((one) => one.key === key);
    page.choice.colour = section === "colour" ? key : "";
    communityplan.redraw(page);
}"""


@pytest.fixture(scope="module")
def chrome():
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("maps")


@pytest.fixture(scope="module", params=["zh", "en"])
def coverage_file(request, folder):
    m = maps.coverage_map(**quarter.everything(), lang=request.param, synthetic=True, osm=True)
    return maps.save_offline(m, folder / f"map_{request.param}.html")


@pytest.fixture(scope="module")
def english_file(folder):
    m = maps.coverage_map(**quarter.everything(), lang="en", synthetic=True)
    return maps.save_offline(m, folder / "english.html")


@pytest.fixture(scope="module")
def compare_file(folder):
    after = quarter.everything()
    after["coverage"] = after["coverage"].assign(
        covered=lambda t: t["covered"] + t["beyond"], beyond=0
    )
    after["areas"] = after["areas"].assign(geometry=after["areas"].buffer(30))
    tables = quarter.everything(), after
    before, later = (maps.coverage_map(**one, lang="en", synthetic=True) for one in tables)
    return maps.save_offline(maps.compare_map(before, later), folder / "compare.html")


def picture(page, **options):
    return np.asarray(PIL.open(io.BytesIO(page.screenshot(**options))).convert("RGB")).astype(int)


def map_picture(page):
    """The maps of a page, small enough that fonts and smoothing of edges hardly count."""
    box = page.locator(".cp-maps").bounding_box()
    whole = PIL.open(io.BytesIO(page.screenshot(clip=box))).convert("RGB")
    return whole.resize((whole.width // 4, whole.height // 4), PIL.Resampling.BOX)


def painted(page):
    """Share of the map that is not the plain ground."""
    shown = picture(page, clip=page.locator(".cp-map").first.bounding_box())
    return float((np.abs(shown - [241, 239, 234]).max(axis=2) > 6).mean())


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_it_paints_and_asks_for_nothing(chrome, coverage_file, size):
    with opened(chrome, coverage_file, size=size) as shown:
        assert painted(shown.page) > 0.02
        assert shown.page.evaluate("communityplan.pages[0].views[0].painted") >= 1
        assert shown.troubles() == []


def test_nothing_lies_on_top_of_another(chrome, coverage_file):
    with opened(chrome, coverage_file) as shown:
        boxes = shown.page.evaluate(
            """[".cp-panel", ".leaflet-control-zoom", ".leaflet-control-scale", ".cp-mark",
                ".leaflet-control-attribution"].map((name) => {
                const b = document.querySelector(name).getBoundingClientRect();
                return [b.left, b.top, b.right, b.bottom];
            })"""
        )
        for place, one in enumerate(boxes):
            for other in boxes[place + 1 :]:
                apart = (
                    one[2] <= other[0]
                    or other[2] <= one[0]
                    or one[3] <= other[1]
                    or other[3] <= one[1]
                )
                assert apart, (one, other)


def show_areas(page):
    page.locator(".cp-layers input[value=unserved]").check()


def show_communities(page):
    page.locator(".cp-layers input[value=communities]").check()


def show_homes(page):
    page.locator(".cp-layers input[value=homes]").check()
    page.locator(".cp-layers input[value=unserved]").check()


def show_streets(page):
    """Slope and reached streets on plain ground, from near: openings, gates and what is chosen."""
    page.locator(".cp-layers input[type=radio][value='']").check()
    page.locator(".cp-layers input[value=slope]").check()
    page.locator(".cp-layers input[value=reached]").check()
    page.evaluate("communityplan.pages[0].views[0].map.zoomIn(0.5, { animate: false })")


def show_beside(page):
    page.evaluate("document.querySelector('input[value=side_by_side]').click()")


def show_print(page):
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")


def show_compare(page):
    page.locator(".cp-swipe").press("ArrowLeft")


LOOKS = {
    "areas": show_areas,
    "communities": show_communities,
    "homes": show_homes,
    "streets": show_streets,
    "print": show_print,
    "compare": show_compare,
    "beside": show_beside,
}


@pytest.mark.parametrize("kind", LOOKS)
def test_it_looks_as_it_did(chrome, request, kind):
    """Set COMMUNITYPLAN_REDRAW=1 to draw the reference pictures again, and look at them."""
    file = "compare_file" if kind in ("compare", "beside") else "english_file"
    with opened(chrome, request.getfixturevalue(file)) as shown:
        LOOKS[kind](shown.page)
        seen = map_picture(shown.page)
        assert shown.troubles() == []
    reference = PICTURES / f"{kind}.png"
    if os.environ.get("COMMUNITYPLAN_REDRAW"):
        PICTURES.mkdir(exist_ok=True)
        seen.save(reference, optimize=True)
    wanted = PIL.open(reference).convert("RGB")
    assert seen.size == wanted.size
    apart = np.abs(np.asarray(seen).astype(int) - np.asarray(wanted).astype(int)).max(axis=2)
    assert apart.mean() < 2.0
    assert (apart > 40).mean() < 0.01


def test_layers_toggle(chrome, english_file):
    with opened(chrome, english_file) as shown:
        page = shown.page
        for key in ("facilities", "unserved", "walls", "gates", "idle_buildings", "slope"):
            before = picture(page)
            page.locator(f".cp-layers input[value={key}]").click()
            # the panel shows a tick and a legend, so only the map counts
            assert (before != picture(page))[:, 310:].any(), key
        assert shown.troubles() == []


def test_colours_are_one_of_several(chrome, english_file):
    with opened(chrome, english_file) as shown:
        seen = []
        for key in ("areas", "communities", "homes", ""):
            shown.page.locator(f".cp-layers input[type=radio][value='{key}']").click()
            seen.append(picture(shown.page)[:, 310:])
            assert shown.page.locator(".cp-layers input[type=radio]:checked").count() == 1
        for place, one in enumerate(seen):
            for other in seen[place + 1 :]:
                assert (one != other).any()


def test_service_and_limit(chrome, english_file):
    with opened(chrome, english_file) as shown:
        page = shown.page
        figures = page.locator(".cp-figures")
        assert "60 of 130 older people" in figures.inner_text()
        page.get_by_label("10 min", exact=True).check()
        assert "90 of 130 older people" in figures.inner_text()
        page.locator("select[name=service]").select_option("market")
        assert "100 of 400 residents" in figures.inner_text()
        assert "standard not verified" in page.locator(".cp-choices").inner_text()
        assert shown.troubles() == []


def test_a_popup_tells_figures_as_text(chrome, english_file):
    with opened(chrome, english_file) as shown:
        page = shown.page
        x, y = page.evaluate(ON_SCREEN, ["homes", 1])
        page.mouse.click(x, y)
        told = page.locator(".cp-told").inner_text()
        assert "7.1 min" in told
        assert "West station" in told
        page.keyboard.press("Escape")
        assert shown.troubles() == []


# what is on top under a click on the first row of each layer, and a figure that its popup tells
TOLD = {
    "homes": "4 min",
    "facilities": "West station",
    "idle_buildings": "floor area 40 m² is below",
    "openings": "newly covered",
    "gates": "open to everyone",
    "walls": "wall",
    "slope": "10 %",
    "reached": "5 min",
    "unserved": "40 people",
    "chosen": "900,000 yuan",
    "communities": "60 people",
    "areas": "5 min",
}


def test_every_layer_tells_its_figures(chrome, english_file):
    with opened(chrome, english_file) as shown:
        page = shown.page
        for key, said in TOLD.items():
            page.evaluate(ONLY, key)
            x, y = page.evaluate(FIRST_PLACE, key)
            page.mouse.click(x, y)
            told = page.locator(".cp-told").last
            told.wait_for(timeout=2000)
            assert said in told.inner_text(), key
            page.keyboard.press("Escape")
            page.evaluate(
                "document.querySelectorAll('.leaflet-popup').forEach((one) => one.remove())"
            )
        assert shown.troubles() == []


FETCHING = """() => {
    window.forbidden = [];
    const noted = (one) => forbidden.push(one.effectiveDirective);
    addEventListener("securitypolicyviolation", noted);
    for (const tag of ["img", "script"]) {
        const src = "https://example.org/" + tag;
        document.body.append(Object.assign(document.createElement(tag), { src }));
    }
    return fetch("https://example.org/").catch(() => 0);
}"""


def test_the_page_may_fetch_nothing(chrome, english_file):
    with opened(chrome, english_file) as shown:
        page = shown.page
        page.evaluate(FETCHING)
        page.wait_for_timeout(200)
        assert sorted(page.evaluate("forbidden")) == ["connect-src", "img-src", "script-src-elem"]


def test_many_layers_can_be_searched(chrome, folder):
    m = None
    for name in ("today", "plan A", "plan B"):
        m = maps.coverage_map(**quarter.everything(), m=m, label=name, lang="en")
    with opened(chrome, maps.save_offline(m, folder / "many.html")) as shown:
        page = shown.page
        items = page.locator(".cp-layers .cp-item")
        assert items.count() > 30
        page.get_by_label("Find a layer").fill("gates · plan")
        visible = [one.inner_text().split("\n")[0] for one in items.all() if one.is_visible()]
        assert visible == ["Gates · plan A", "Gates · plan B"]
        page.get_by_role("button", name="Hide all").click()
        assert page.locator(".cp-layers input[type=checkbox]:checked").count() == 0
        page.get_by_label("Gates · plan B").check()
        assert page.evaluate(f"{CHOICE}.on.gates_3")
        page.get_by_label("Find a layer").fill("")
        assert all(one.is_visible() for one in items.all())
        assert shown.troubles() == []


def test_crowded_layers_show_when_zoomed_in(chrome, folder):
    many = gpd.GeoDataFrame(pd.concat([quarter.gates()] * 130, ignore_index=True))
    m = maps.coverage_map(gates=many, streets=quarter.streets(), lang="en")
    with opened(chrome, maps.save_offline(m, folder / "crowded.html")) as shown:
        page, panel = shown.page, shown.page.locator(".cp-layers")
        assert "shows when zoomed in" not in panel.inner_text()
        page.evaluate("communityplan.pages[0].views[0].map.setZoom(13, { animate: false })")
        assert "shows when zoomed in" in panel.inner_text()
        page.evaluate("communityplan.pages[0].views[0].map.setZoom(15, { animate: false })")
        assert "residents only" in panel.inner_text()


def test_difficult_names_are_shown_as_they_are(chrome, folder):
    m = maps.coverage_map(**quarter.everything(), lang="zh")
    with opened(chrome, maps.save_offline(m, folder / "names.html")) as shown:
        page = shown.page
        page.locator("input[type=search]").fill("alert")
        page.keyboard.press("Enter")
        assert page.locator(".cp-told h2").inner_text() == quarter.NASTY
        page.locator("input[type=search]").fill("名名")
        page.keyboard.press("Enter")
        # the popup before fades away
        told = page.locator(".cp-told").last
        assert told.locator("h2").inner_text() == quarter.LONG
        assert told.bounding_box()["height"] < 400
        assert page.locator(".cp-told script").count() == 0
        assert shown.troubles() == []


def test_search_goes_there_and_shows_what_was_hidden(chrome, english_file):
    with opened(chrome, english_file) as shown:
        page = shown.page
        page.locator(".cp-layers input[value=facilities]").click()
        page.locator("input[type=search]").fill("east mar")
        assert page.locator(".cp-results li").count() == 1
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        assert page.locator(".cp-told h2").inner_text() == "East market"
        # the market was not the chosen service, and its layer was off
        assert page.evaluate(f"{CHOICE}.service") == "market"
        assert page.evaluate(f"{CHOICE}.on.facilities")
        page.locator("input[type=search]").fill("no such thing")
        assert page.locator(".cp-results").inner_text() == "Nothing found"


def test_the_other_language_is_found_too(chrome, english_file):
    with opened(chrome, english_file) as shown:
        shown.page.locator("input[type=search]").fill("旧浴室")
        shown.page.keyboard.press("Enter")
        assert shown.page.locator(".cp-told h2").inner_text() == "Old bathhouse"


def test_everything_is_reached_by_keyboard(chrome, english_file):
    with opened(chrome, english_file) as shown:
        page = shown.page
        wanted = page.evaluate(CONTROLS)
        assert len(wanted) > 10
        reached = set()
        for _ in range(2 * len(wanted) + 20):
            page.keyboard.press("Tab")
            reached.add(page.evaluate(FOCUSED))
        assert [place for place in wanted if place not in reached] == []


def test_the_panel_folds(chrome, english_file):
    with opened(chrome, english_file, size=PHONE) as shown:
        page = shown.page
        fold = page.locator(".cp-fold")
        assert fold.get_attribute("aria-expanded") == "false"
        assert "elder care · within 5 min · 46 %" in page.locator(".cp-brief").inner_text()
        fold.click()
        assert fold.get_attribute("aria-expanded") == "true"
        assert page.locator(".cp-figures").is_visible()
        # nothing is wider than the phone
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_the_swipe_moves(chrome, compare_file):
    with opened(chrome, compare_file) as shown:
        page = shown.page
        slider = page.locator(".cp-swipe")
        assert slider.get_attribute("aria-valuenow") == "50"
        before = picture(page)
        box = slider.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + 250, box["y"] + box["height"] / 2, steps=5)
        page.mouse.up()
        assert int(slider.get_attribute("aria-valuenow")) > 65
        assert (before != picture(page)).any()
        moved = int(slider.get_attribute("aria-valuenow"))
        page.keyboard.press("ArrowLeft")
        assert int(slider.get_attribute("aria-valuenow")) == moved - 4
        assert shown.troubles() == []


IN_STEP = """(() => {
    const [a, b] = communityplan.pages[0].views.map((view) => view.map);
    return [a.getZoom() - b.getZoom(), a.getCenter().distanceTo(b.getCenter())];
})()"""


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_both_maps_stay_in_step(chrome, compare_file, size):
    with opened(chrome, compare_file, size=size) as shown:
        page = shown.page
        for mode in ("swipe", "side_by_side", "swipe"):
            page.evaluate(f"document.querySelector('input[value={mode}]').click()")
            middle = page.locator(".cp-maps").bounding_box()
            x, y = middle["x"] + middle["width"] * 0.8, middle["y"] + middle["height"] * 0.8
            page.mouse.move(x, y)
            page.mouse.down()
            page.mouse.move(x - 60, y - 40, steps=4)
            page.mouse.up()
            page.mouse.wheel(0, -300)
            page.wait_for_timeout(400)
            zoom, metres = page.evaluate(IN_STEP)
            assert zoom == 0
            assert metres < 0.5
        assert shown.troubles() == []


def test_both_ledgers_show(chrome, compare_file):
    with opened(chrome, compare_file) as shown:
        told = shown.page.locator(".cp-figures").inner_text()
        assert "60 of 130" in told
        assert "90 of 130" in told


def test_the_print_holds_legend_and_marks_on_one_sheet(chrome, english_file):
    with opened(chrome, english_file) as shown:
        page = shown.page
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        body = page.locator(".cp-body")
        assert body.evaluate("(one) => one.scrollHeight - one.clientHeight") <= 1
        assert not page.locator("input[type=search]").is_visible()
        assert page.locator(".cp-mark").is_visible()
        assert page.get_by_text("simplified to within").is_visible()
        page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        assert page.locator("input[type=search]").is_visible()
        assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") <= 1


def test_every_kind_of_table_alone(chrome, folder):
    plain = (
        "communities",
        "homes",
        "facilities",
        "areas",
        "idle_buildings",
        "walls",
        "gates",
        "streets",
    )
    for name in (*plain, "openings"):
        m = maps.coverage_map(**{name: quarter.everything()[name]})
        with opened(chrome, maps.save_offline(m, folder / f"{name}.html")) as shown:
            assert shown.troubles() == [], name


def test_empty_tables_say_so(chrome, folder):
    tables = {name: table.iloc[:0] for name, table in quarter.everything().items()}
    m = maps.coverage_map(**{**tables, "gates": quarter.gates()}, lang="en")
    with opened(chrome, maps.save_offline(m, folder / "empty.html")) as shown:
        assert "Walls (none)" in shown.page.locator(".cp-layers").inner_text()
        assert shown.troubles() == []


def test_layers_of_folium_work_beside_ours(chrome, folder):
    m = maps.coverage_map(gates=quarter.gates())
    folium.Marker([30.72, 117.0], popup="<b>here</b>", icon=folium.Icon()).add_to(m)
    folium.GeoJson(quarter.streets().to_crs(4326)).add_to(m)
    with opened(chrome, maps.save_offline(m, folder / "folium.html")) as shown:
        assert shown.page.locator(".awesome-marker-icon-blue").count() == 1
        assert shown.troubles() == []


def test_a_map_of_folium_alone(chrome, folder):
    m = folium.Map([30.72, 117.0], tiles=None, zoom_start=14)
    folium.Marker([30.72, 117.0], popup="here").add_to(m)
    with opened(chrome, maps.save_offline(m, folder / "plain.html")) as shown:
        assert shown.page.locator(".leaflet-marker-icon").count() == 1
        assert shown.troubles() == []


def test_a_notebook_shows_it(chrome, folder):
    path = folder / "notebook.html"
    m = maps.coverage_map(**quarter.everything())
    path.write_text(f"<meta charset=utf-8><title>n</title>{m._repr_html_()}", encoding="utf-8")
    with opened(chrome, path) as shown:
        frame = shown.page.frame_locator("iframe")
        frame.locator(".cp-figures").wait_for(timeout=5000)
        assert shown.troubles() == []


@pytest.mark.parametrize("name", ["english_file", "compare_file"])
def test_accessibility(chrome, request, name):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    with opened(chrome, request.getfixturevalue(name)) as shown:
        found = axe.Axe().run(shown.page).response["violations"]
        told = [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found]
        assert told == []
