"""The map of a whole city against a plain folium map of the same buildings, in Chromium.

Las Palmas: every building as a home, three services, three limits. Both maps are saved as one
offline file by the same function and opened in turn in one run of the browser, with the network
off. "Painted" is the time from the start of the navigation to the second frame after the page has
loaded; a picture taken then is held against one two seconds later. "Blocked" is the longest task
of the page's main thread while it is dragged about or zoomed, by the browser's own trace, and its
processor time, which does not grow when other programs want the processor; ours then shows every
layer it has.

    python benchmarks/bench_maps.py [--turns 5] [--out benchmarks/maps.json]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import communityplan as cp
from communityplan import maps

CITY = Path(__file__).parents[2] / "shared" / "data" / "las_palmas" / "las_palmas_20230221.osm.pbf"
SERVICES = ("childcare", "health", "market")
SIZE = {"width": 1280, "height": 800}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]

PAINTED = """new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(
    () => done(performance.now()))))"""
EVERYTHING = """() => {
    const off = [...document.querySelectorAll(".cp-layers input[type=checkbox]:not(:checked)")];
    const homes = document.querySelectorAll(".cp-layers input[value=homes]");
    [...off, ...homes].forEach((one) => one.click());
}"""
HEAP_MB = "performance.memory ? performance.memory.usedJSHeapSize / 1e6 : null"


def city_plan() -> Any:
    """Who is served in the city; every building counts as a home."""
    osm = cp.read_osm(CITY)
    everything = osm.buildings.assign(residential=True)
    project = cp.project_from_osm(
        replace(osm, buildings=everything), services=SERVICES, name="Las Palmas"
    )
    return cp.make_plan(project)


def plain_map(buildings: Any) -> Any:
    """What a user of folium would write."""
    import folium

    west, south, east, north = buildings.total_bounds
    m = folium.Map(tiles=None, prefer_canvas=True)
    folium.GeoJson(buildings).add_to(m)
    m.fit_bounds([[south, west], [north, east]])
    return m


def files(folder: Path) -> dict[str, Path]:
    """The map of the city, and plain ones of its buildings: as they are, and as small as ours."""
    plan = city_plan()
    homes = plan.project.homes
    print(f"{len(homes)} buildings, {len(plan.areas)} areas, {len(plan.access)} walks")
    raw = homes[["home_id", "geometry"]].to_crs(4326)
    small = homes[["home_id", "geometry"]].copy()
    small["geometry"] = small.simplify(0.5)
    small = small.to_crs(4326)
    small["geometry"] = small.set_precision(1e-6)
    made = {
        "city": cp.report.plan_map(plan, lang="en"),
        "plain": plain_map(raw),
        "plain_simplified": plain_map(small),
    }
    return {
        name: maps.save_offline(m, folder / f"{name}.html", max_mb=1000) for name, m in made.items()
    }


def drag(page: Any) -> None:
    """The map pulled to its corners and about."""
    for x, y in ((500, 100), (1100, 700), (500, 600), (1000, 150)):
        page.mouse.move(800, 400)
        page.mouse.down()
        page.mouse.move(x, y, steps=15)
        page.mouse.up()
        page.wait_for_timeout(300)


def zoom(page: Any) -> None:
    """Three steps in, three steps out."""
    for way in (-1, -1, -1, 1, 1, 1):
        page.mouse.wheel(0, 300 * way)
        page.wait_for_timeout(500)


def longest(chrome: Any, page: Any, act: Any) -> tuple[float, float]:
    """Longest task of the page's main thread: its length and its processor time [ms]."""
    chrome.start_tracing(page=page, categories=["toplevel", "__metadata"])
    act(page)
    events = json.loads(chrome.stop_tracing())["traceEvents"]
    mains = {
        (one["pid"], one["tid"])
        for one in events
        if one["name"] == "thread_name" and one["args"]["name"] == "CrRendererMain"
    }
    tasks = [one for one in events if one["ph"] == "X" and (one["pid"], one["tid"]) in mains]
    lengths = max((one["dur"] for one in tasks), default=0)
    return lengths / 1000, max((one.get("tdur", 0) for one in tasks), default=0) / 1000


def turn(chrome: Any, file: Path) -> dict[str, float | bool]:
    """One map opened, painted, dragged and zoomed."""
    context = chrome.new_context(offline=True, viewport=SIZE)
    page = context.new_page()
    page.goto(file.as_uri(), wait_until="load")
    painted = page.evaluate(PAINTED)
    first = page.screenshot()
    page.wait_for_timeout(2000)
    whole = first == page.screenshot()
    page.evaluate(EVERYTHING)
    page.wait_for_timeout(500)
    moved, moved_cpu = longest(chrome, page, drag)
    zoomed, zoomed_cpu = longest(chrome, page, zoom)
    found = {
        "painted_ms": round(painted),
        "whole_at_once": whole,
        "pan_blocked_ms": round(moved),
        "pan_processor_ms": round(moved_cpu),
        "zoom_blocked_ms": round(zoomed),
        "zoom_processor_ms": round(zoomed_cpu),
        "heap_mb": round(page.evaluate(HEAP_MB) or 0),
    }
    context.close()
    return found


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "maps.json")
    parser.add_argument("--folder", type=Path, help="keep the maps here")
    given = parser.parse_args()
    if not CITY.is_file():
        raise SystemExit(f"the city is not here: {CITY}")
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        written = files(given.folder or Path(made))
        chrome = playwright.chromium.launch(executable_path=browser, args=FLAGS)
        turns: dict[str, list[dict[str, float | bool]]] = {name: [] for name in written}
        for place in range(given.turns):
            for name, file in written.items():
                turns[name].append(turn(chrome, file))
                print(place, name, turns[name][-1])
        version = chrome.version
        chrome.close()
        result = {
            "what": "Las Palmas, every building, 3 services, 3 limits; plain: folium.GeoJson of "
            "the same buildings with prefer_canvas; one run, in turn",
            "chromium": version,
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "mb": {name: round(file.stat().st_size / 1e6, 2) for name, file in written.items()},
            "median": {name: middle(found) for name, found in turns.items()},
            "best": {name: least(found) for name, found in turns.items()},
        }
    given.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


def middle(found: list[dict[str, float | bool]]) -> dict[str, float]:
    """The median of every figure."""
    return {name: statistics.median(one[name] for one in found) for name in found[0]}


def least(found: list[dict[str, float | bool]]) -> dict[str, float]:
    """The least of every figure."""
    return {name: min(one[name] for one in found) for name in found[0]}


if __name__ == "__main__":
    main()
