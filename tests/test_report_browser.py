"""Reports as a browser shows them: no network, no script, readable to everyone, one page wide."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import communityplan as cp
from browser import DESK, PHONE, browser, opened
from communityplan import report


@pytest.fixture(scope="module")
def running() -> Iterator[Any]:
    """One Chromium for all."""
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    """The report of the embedded district in both languages."""
    plan = cp.make_plan(cp.load_project("demo"))
    found = {}
    for lang in ("zh", "en"):
        folder = tmp_path_factory.mktemp("report") / lang
        found[lang] = report.write(plan, folder, lang=lang, formats=["html", "map"])["report.html"]
    return found


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_opens_without_a_network_and_everybody_can_read_it(running, pages, lang):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    with opened(running, pages[lang], size=DESK) as shown:
        assert shown.troubles() == []
        drawn = shown.page.evaluate("[...document.images].map(i => i.naturalWidth > 0)")
        assert drawn
        assert all(drawn)
        found = axe.Axe().run(shown.page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def test_the_map_of_the_district_is_small_and_everybody_can_use_it(running, pages):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    file = pages["zh"].with_name("map.html")
    assert file.stat().st_size < 3_000_000
    with opened(running, file, size=DESK) as shown:
        for key in ("communities", "homes", "unserved", "slope"):
            shown.page.locator(f".cp-layers input[value={key}]").check()
        assert shown.page.evaluate("communityplan.pages[0].views[0].painted") >= 4
        assert shown.troubles() == []
        found = axe.Axe().run(shown.page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_nothing_is_wider_than_the_page(running, pages, size):
    with opened(running, pages["zh"], size=size) as shown:
        wide, window = shown.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= window


def test_keys_reach_contents_and_wide_tables(running, pages):
    with opened(running, pages["en"], size=PHONE) as shown:
        shown.page.keyboard.press("Tab")
        assert shown.page.evaluate("document.activeElement.className") == "skip"
        links = shown.page.evaluate("document.querySelectorAll('nav a').length")
        reached = set()
        for _ in range(links + 2):
            shown.page.keyboard.press("Tab")
            reached.add(shown.page.evaluate("document.activeElement.className"))
        # the first table that is wider than the page follows the contents
        assert "scroll" in reached


def test_it_prints_on_a4_with_its_marks(running, pages):
    with opened(running, pages["zh"], size=DESK) as shown:
        printed = shown.page.pdf(prefer_css_page_size=True)
        boxes = re.findall(rb"/MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]", printed)
        assert len(boxes) > 5
        # 210 mm by 297 mm in points
        for width, height in boxes:
            assert float(width) == pytest.approx(595.3, abs=1)
            assert float(height) == pytest.approx(841.9, abs=1)
        shown.page.emulate_media(media="print")
        visible = shown.page.evaluate(
            "[...document.querySelectorAll('.mark')].every(e => e.getClientRects().length > 0)"
        )
        assert visible
        assert shown.page.evaluate("getComputedStyle(document.querySelector('nav')).display") == (
            "none"
        )
