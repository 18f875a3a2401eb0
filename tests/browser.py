"""A page in headless Chromium with the network off, and everything that went wrong on it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESK = (1280, 800)
PHONE = (390, 844)


@dataclass
class Opened:
    """A page that is open, and what it complained of."""

    page: Any
    failed: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def troubles(self) -> list[str]:
        """Failed requests, requests beyond the file itself, and errors on the console."""
        beyond = [url for url in self.asked if not url.startswith(("file:", "data:", "blob:"))]
        return [*self.failed, *beyond, *self.said]


def chromium() -> str:
    """Path of Chromium; the test is skipped where there is none."""
    named = os.environ.get("CHROMIUM", "")
    found = [named, *map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))]
    for path in found:
        if path and Path(path).exists():
            return str(path)
    pytest.skip("no Chromium here; set CHROMIUM to its path")


@contextmanager
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        try:
            yield running
        finally:
            running.close()


@contextmanager
def opened(running: Any, path: Path, *, size: tuple[int, int] = DESK) -> Iterator[Opened]:
    """A file opened with no network."""
    view = {"width": size[0], "height": size[1]}
    context = running.new_context(offline=True, viewport=view)
    shown = Opened(context.new_page())
    shown.page.on("request", lambda request: shown.asked.append(request.url))
    shown.page.on("requestfailed", lambda request: shown.failed.append(request.url))
    shown.page.on("pageerror", lambda error: shown.said.append(str(error)))
    shown.page.on(
        "console",
        lambda line: shown.said.append(line.text) if line.type in ("error", "warning") else None,
    )
    shown.page.goto(path.as_uri())
    try:
        yield shown
    finally:
        context.close()
