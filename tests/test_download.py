"""Downloads against a server on this machine that answers well, late, badly and not at all."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import geopandas as gpd
import pytest
import shapely

import communityplan as cp
from communityplan.errors import DataError, OptionError
from communityplan.load.download import _keep

GOOD = b"""<?xml version="1.0"?><osm version="0.6">
<node id="1" lon="104.0000" lat="30.7600"/><node id="2" lon="104.0010" lat="30.7600"/>
<way id="7"><nd ref="1"/><nd ref="2"/><tag k="highway" v="footway"/></way></osm>"""
REMARK = b"<remark>runtime error: out of memory</remark></osm>"
AREA = shapely.box(104.0, 30.76, 104.001, 30.761)


class Server(BaseHTTPRequestHandler):
    """Gives the answers that a test has laid ready, one a request."""

    answers: ClassVar[list[tuple[int, bytes, float]]] = []
    asked: ClassVar[list[str]] = []

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        Server.asked.append(self.rfile.read(length).decode())
        status, content, wait_s = Server.answers.pop(0) if Server.answers else (200, GOOD, 0.0)
        time.sleep(wait_s)
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            self.close_connection = True

    def log_message(self, *_args):
        pass


@pytest.fixture
def endpoint() -> Iterator[str]:
    Server.answers, Server.asked = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/api/interpreter"
    server.shutdown()
    server.server_close()
    thread.join()


def fetch(endpoint, folder, **options):
    options = {"pause_s": 0.0, "timeout_s": 5, "buffer_m": 100, **options}
    return cp.download_osm(AREA, endpoint=endpoint, cache=folder, **options)


def kept(folder):
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def test_a_good_answer_is_read_and_asked_for_once(endpoint, tmp_path):
    layers = fetch(endpoint, tmp_path)
    assert len(layers.streets) == 1
    assert len(fetch(endpoint, tmp_path).streets) == 1
    assert len(Server.asked) == 1
    assert len(kept(tmp_path)) == 1
    fetch(endpoint, tmp_path, buffer_m=200)
    assert len(Server.asked) == 2


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again(endpoint, tmp_path, status):
    Server.answers = [(status, b"busy", 0.0), (status, b"busy", 0.0), (200, GOOD, 0.0)]
    assert len(fetch(endpoint, tmp_path).streets) == 1
    assert len(Server.asked) == 3


def test_a_slow_answer_is_waited_for_and_too_slow_a_one_asked_again(endpoint, tmp_path):
    Server.answers = [(200, GOOD, 0.4)]
    assert len(fetch(endpoint, tmp_path).streets) == 1
    Server.answers = [(200, GOOD, 1.5), (200, GOOD, 0.0)]
    assert len(fetch(endpoint, tmp_path, timeout_s=0.5, buffer_m=50).streets) == 1
    assert len(Server.asked) == 3


@pytest.mark.parametrize(
    ("answer", "said", "asked"),
    [
        ((429, b"", 0.0), "answered 429", 2),
        ((504, b"", 0.0), "answered 504", 2),
        ((400, b"bad", 0.0), "answered 400", 1),
        ((200, GOOD[:150], 0.0), "truncated", 2),
        ((200, b"", 0.0), "truncated", 2),
        ((200, GOOD.replace(b"<way", b"<way<", 1), 0.0), "damaged", 2),
        (
            (
                200,
                GOOD.replace(b"</osm>", b"<remark>runtime error: out of memory</remark></osm>"),
                0.0,
            ),
            "out of memory",
            1,
        ),
        ((200, b"<!DOCTYPE html><html>busy</html>", 0.0), "web page", 1),
    ],
)
def test_a_bad_answer_is_told_and_nothing_kept(endpoint, tmp_path, answer, said, asked):
    Server.answers = [answer] * 4
    with pytest.raises(DataError, match=said):
        fetch(endpoint, tmp_path / "cache", tries=2)
    assert len(Server.asked) == asked
    assert kept(tmp_path / "cache") == []


def test_no_answer_at_all(tmp_path):
    with pytest.raises(DataError, match="no answer"):
        fetch("http://127.0.0.1:9/api/interpreter", tmp_path / "cache", tries=2)
    assert kept(tmp_path / "cache") == []


def test_nothing_partial_is_kept_when_writing_fails(tmp_path):
    def full(*_args):
        raise OSError("No space left on device")

    with pytest.raises(DataError, match="No space left"):
        _keep(GOOD, tmp_path / "a.osm", move=full)
    assert kept(tmp_path) == []
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        _keep(GOOD, blocked / "a.osm")


def test_areas_in_other_systems_and_areas_that_cannot_be_asked_for(endpoint, tmp_path):
    table = gpd.GeoDataFrame(geometry=[AREA], crs=4326).to_crs(32648)
    layers = cp.download_osm(table, buffer_m=0, endpoint=endpoint, cache=tmp_path)
    assert len(layers.streets) == 1
    with pytest.raises(OptionError, match="km2, more than"):
        cp.download_osm(shapely.box(100, 30, 104, 34), buffer_m=0, endpoint=endpoint)
    with pytest.raises(OptionError, match="area is empty"):
        cp.download_osm(shapely.Polygon(), buffer_m=0, endpoint=endpoint)
    with pytest.raises(OptionError, match="at least one try"):
        fetch(endpoint, tmp_path, tries=0)
