"""What a stranger may have put into the inputs: it is never run, fetched, followed or believed."""

from __future__ import annotations

import ast
import contextlib
import html
import json
import re
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import communityplan as cp
from communityplan import maps, report
from communityplan.batch.jobs import as_jobs
from communityplan.coordinates.raster import read_raster
from communityplan.errors import CommunityPlanError, DataError
from communityplan.indicators import write_indicators
from test_project import PROJECT, write_project
from towns import lines, points

PACKAGE = Path(cp.__file__).parent
SCRIPT = "</script></title>\"'><script>alert(1)</script><img src=x onerror=alert(2)>"
FORMULA = '=HYPERLINK("http://127.0.0.1/?"&A1,"open")'
FIELD = 'DDEAUTO c:\\\\cmd.exe "/c calc"'
LISTENER = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    caller, _ = server.accept()
    with open(sys.argv[1], "ab") as seen:
        seen.write(b"!")
    caller.settimeout(1)
    try:
        caller.recv(999)
        caller.sendall(b"HTTP/1.0 404 no\\r\\nContent-Length: 0\\r\\n\\r\\n")
    except OSError:
        pass
    caller.close()
"""


@pytest.fixture(scope="module")
def remote(tmp_path_factory) -> Iterator[tuple[str, Path]]:
    """A server in a process of its own, and the file where every call to it is noted."""
    seen = tmp_path_factory.mktemp("remote") / "calls"
    seen.touch()
    command = [sys.executable, "-c", LISTENER, str(seen)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}", seen
        server.kill()


def vrt(url: str) -> str:
    cells = f"<SourceFilename>/vsicurl/{url}/a.tif</SourceFilename><SourceBand>1</SourceBand>"
    return (
        '<VRTDataset rasterXSize="20" rasterYSize="20"><SRS>EPSG:32650</SRS>'
        "<GeoTransform>0,30,0,600,0,-30</GeoTransform>"
        '<VRTRasterBand dataType="Float32" band="1">'
        f"<SimpleSource>{cells}</SimpleSource></VRTRasterBand></VRTDataset>"
    )


def wcs(url: str) -> str:
    return f"<WCS_GDAL><ServiceURL>{url}?</ServiceURL><CoverageName>x</CoverageName></WCS_GDAL>"


def wms(url: str) -> str:
    window = "<UpperLeftX>0</UpperLeftX><UpperLeftY>600</UpperLeftY><LowerRightX>600</LowerRightX>"
    size = "<LowerRightY>0</LowerRightY><SizeX>256</SizeX><SizeY>256</SizeY>"
    return (
        f'<GDAL_WMS><Service name="TMS"><ServerUrl>{url}/${{z}}/${{x}}/${{y}}.png</ServerUrl>'
        f"</Service><DataWindow>{window}{size}<TileLevel>0</TileLevel></DataWindow>"
        "<Projection>EPSG:32650</Projection><BandsCount>1</BandsCount></GDAL_WMS>"
    )


@pytest.mark.parametrize("content", [vrt, wms, wcs])
@pytest.mark.parametrize("name", ["dem.tif", "dem.vrt", "dem.asc"])
def test_a_raster_that_only_names_others_is_refused(tmp_path, remote, content, name):
    url, seen = remote
    (tmp_path / name).write_text(content(url))
    with pytest.raises(DataError, match="not a raster"):
        read_raster(tmp_path / name, near=(10.0, 10.0, 500.0, 500.0), crs="EPSG:32650", what="x")
    assert seen.read_bytes() == b""


def kml(inside: str) -> str:
    return f"<kml xmlns='http://www.opengis.net/kml/2.2'><Document>{inside}</Document></kml>"


PLACE = (
    "<Folder><name>homes</name><Placemark><ExtendedData>"
    "<Data name='home_id'><value>h</value></Data><Data name='community_id'><value>c</value></Data>"
    "<Data name='residents'><value>5</value></Data></ExtendedData>"
    "<Point><coordinates>121.44,31.13</coordinates></Point></Placemark></Folder>"
)
SPOT = {"type": "Point", "coordinates": [121.44, 31.13]}


def geojson(url: str, crs: dict[str, object]) -> str:
    told = json.dumps(crs).replace("URL", url)
    cells = {"home_id": "h", "community_id": "c", "residents": 5}
    row = json.dumps({"type": "Feature", "properties": cells, "geometry": SPOT})
    return f'{{"type": "FeatureCollection", "crs": {told}, "features": [{row}]}}'


# name: (file, content), each of which names an address
def linked(url: str) -> str:
    return kml(f"<NetworkLink><Link><href>{url}</href></Link></NetworkLink>{PLACE}")


def pictured(url: str) -> str:
    icon = f"<IconStyle><Icon><href>{url}</href></Icon></IconStyle>"
    return kml(f"<Style>{icon}</Style>{PLACE}")


def with_schema(url: str) -> str:
    names = "xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'"
    told = f"<kml {names} xsi:schemaLocation='{url} {url}/a.xsd'"
    return kml(PLACE).replace("<kml", told)


# name: (file, content), each of which names an address
LINKING: dict[str, tuple[str, Callable[[str], str]]] = {
    "network link": ("a.kml", linked),
    "icon": ("a.kml", pictured),
    "schema": ("a.kml", with_schema),
    "outer entity": (
        "a.kml", lambda url: f'<!DOCTYPE kml [<!ENTITY a SYSTEM "{url}">]>' + kml(PLACE + "&a;")
    ),
    "outer rules": ("a.kml", lambda url: f'<!DOCTYPE kml SYSTEM "{url}">' + kml(PLACE)),
    "crs by link": (
        "a.geojson", lambda url: geojson(url, {"type": "link", "properties": {"href": "URL"}})
    ),
    "crs by name": (
        "a.geojson", lambda url: geojson(url, {"type": "name", "properties": {"name": "URL"}})
    ),
}  # fmt: skip
OTHER_READERS = {
    "virtual layers": lambda url: (
        '<OGRVRTDataSource><OGRVRTLayer name="homes">'
        f"<SrcDataSource>/vsicurl/{url}/a.kml</SrcDataSource></OGRVRTLayer><kml/></OGRVRTDataSource>"
    ),
    "features of a service": lambda url: (
        f"<OGRWFSDataSource><URL>{url}</URL><kml/></OGRWFSDataSource>"
    ),
}


def read_quietly(path: Path) -> None:
    """Read a table, or be told why not."""
    with contextlib.suppress(CommunityPlanError):
        cp.read_table(path, "homes", datum="wgs84")


@pytest.mark.parametrize("kind", LINKING)
def test_no_link_in_a_table_is_followed(tmp_path, remote, kind):
    url, seen = remote
    name, content = LINKING[kind]
    (tmp_path / name).write_text(content(url))
    read_quietly(tmp_path / name)
    assert seen.read_bytes() == b""


@pytest.mark.parametrize("kind", OTHER_READERS)
def test_xml_of_another_reader_is_not_read_as_kml(tmp_path, remote, kind):
    url, seen = remote
    (tmp_path / "a.kml").write_text(OTHER_READERS[kind](url))
    with pytest.raises(DataError):
        cp.read_table(tmp_path / "a.kml", "homes", datum="wgs84")
    called = seen.read_bytes()
    seen.write_bytes(b"")
    assert called == b""


def test_a_virtual_table_of_a_geopackage_opens_nothing(tmp_path, remote):
    url, seen = remote
    path = tmp_path / "a.gpkg"
    homes = points([(500_000, 3_400_000)], home_id=["h"], community_id=["c"], residents=[5])
    homes.to_file(path, layer="homes")
    base = sqlite3.connect(path)
    base.execute("pragma writable_schema = on")
    base.execute(
        "insert into sqlite_master values ('table', 'evil', 'evil', 0, ?)",
        (f"CREATE VIRTUAL TABLE evil USING VirtualOGR('/vsicurl/{url}/a.gpkg')",),
    )
    base.execute(
        "insert into gpkg_contents (table_name, data_type, identifier, srs_id) "
        "values ('evil', 'features', 'evil', 4326)"
    )
    base.execute("insert into gpkg_geometry_columns values ('evil', 'g', 'POINT', 4326, 0, 0)")
    base.commit()
    base.close()
    assert len(cp.read_table(path, "homes", layer="homes", crs="EPSG:32650")) == 1
    with pytest.raises(DataError, match="broken"):
        cp.read_table(path, "homes", layer="evil", crs="EPSG:32650")
    assert seen.read_bytes() == b""


def test_outer_parts_of_a_map_and_a_workbook_are_not_fetched(tmp_path, remote):
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    url, seen = remote
    head = f'<?xml version="1.0"?><!DOCTYPE osm [<!ENTITY % a SYSTEM "{url}"> %a;]>'
    osm = tmp_path / "a.osm"
    osm.write_text(f'{head}<osm version="0.6"><node id="1" lat="30" lon="104"/></osm>')
    with contextlib.suppress(CommunityPlanError):
        cp.read_osm(osm)
    book = openpyxl.Workbook()
    book.active.append(["home_id", "community_id", "residents", "lon", "lat"])
    book.active.append(["h", "c", 5, 121.44, 31.13])
    book.active["A2"].hyperlink = url
    book.save(tmp_path / "a.xlsx")
    assert len(cp.read_table(tmp_path / "a.xlsx", "homes", datum="wgs84")) == 1
    assert seen.read_bytes() == b""


ADDRESSES = [
    "URL/a.geojson",
    "/vsicurl/URL/a.geojson",
    r"\\server\share\a.geojson",
    "//server/share/a.geojson",
    r"\\?\UNC\server\a.geojson",
    "s3://bucket/a.tif",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_project_file_names_nothing_on_the_network(tmp_path, remote, monkeypatch, address):
    url, seen = remote
    given = address.replace("URL", url)
    text = PROJECT.replace('"homes.geojson"', f"'{given}'")
    text += f"[checkup]\nstandards = ['{given}.toml']\n[consent]\nvotes = '{given}'\n"
    text = text.replace("[evaluate]", f"elevation = {{path = '{given}'}}\n[evaluate]")
    file = write_project(tmp_path, text)
    # to ask for a file of a server already calls it, and hands over who is asking
    monkeypatch.setattr(Path, "is_file", lambda self: pytest.fail(f"looked at {self}"))
    with pytest.raises(DataError, match="is not on this machine") as told:
        cp.load_project(file)
    places = [problem.where.split("project.toml, ")[1] for problem in told.value.problems]
    assert places == ["[inputs], homes", "[inputs], elevation, path", "[checkup], standards, 1",
                      "[consent], votes"]  # fmt: skip
    assert seen.read_bytes() == b""


@pytest.mark.parametrize("address", ["URL/a.osm", "/vsicurl/URL/a.osm"])
def test_osm_and_tables_are_local_files(remote, address):
    url, seen = remote
    for read in (cp.read_osm, lambda path: cp.read_table(path, "homes", datum="wgs84")):
        with pytest.raises(CommunityPlanError):
            read(address.replace("URL", url))
    assert seen.read_bytes() == b""


@pytest.fixture(scope="module")
def nasty(tmp_path_factory) -> tuple[cp.Plan, Path]:
    """A plan whose every name tries something, and everything written of it."""
    pytest.importorskip("docx", reason="python-docx is not installed")
    pytest.importorskip("xlsxwriter", reason="XlsxWriter is not installed")
    pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    folder = tmp_path_factory.mktemp("nasty")
    box = shapely.box(-10, -10, 610, 10)
    named = {
        "communities": gpd.GeoDataFrame(
            {"community_id": [SCRIPT], "name": [FORMULA], "name_en": [SCRIPT]},
            geometry=[box], crs="EPSG:32650",
        ),
        "homes": points(
            [(100, 0), (600, 0)], home_id=[SCRIPT, FORMULA], community_id=[SCRIPT] * 2,
            residents=[30, 50], elderly=[10, 20], name=[FIELD, SCRIPT],
        ),
        "facilities": points([(0, 0)], facility_id=[SCRIPT], service=["market"], name=[FORMULA]),
        "streets": lines([(0, 0), (600, 0)], kind=["footway"], name=[SCRIPT]),
        "idle": points(
            [(500, 0), (550, 0)], building_id=[SCRIPT, FORMULA], floor_area_m2=[400.0, 300.0],
            name=[FORMULA, FIELD], owner=[SCRIPT, FORMULA], former_use=[FIELD, SCRIPT],
        ),
    }  # fmt: skip
    project = cp.load_project(write_project(folder, **named))
    project = replace(project, name=SCRIPT, name_en=FORMULA, note=SCRIPT, note_en=FIELD)
    plan = cp.make_plan(project)
    for lang in ("zh", "en"):
        report.write(plan, folder / lang, lang=lang, formats=report.FORMATS)
    return plan, folder


def tags(text: str) -> list[str]:
    """The elements of a page as a browser would find them."""
    lxml_html = pytest.importorskip("lxml.html", reason="lxml is not installed")
    page = lxml_html.fromstring(text)
    for element in page.iter():
        if isinstance(element.tag, str):
            assert not [name for name in element.attrib if name.startswith("on")], element.tag
            links = [element.get(name, "") for name in ("href", "src", "action")]
            assert not [
                link for link in links if re.match(r"\s*(javascript|https?|//)", link, re.I)
            ]
    return [element.tag for element in page.iter() if isinstance(element.tag, str)]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_pages_say_names_and_run_none(nasty, lang):
    _, folder = nasty
    page = (folder / lang / "report.html").read_text(encoding="utf-8")
    found = tags(page)
    assert "script" not in found
    assert html.escape("<script>alert(1)</script>") in page
    assert "default-src 'none'" in html.unescape(page.split("</head>")[0])
    assert set(found) <= {
        "html", "head", "meta", "title", "style", "body", "a", "header", "p", "h1", "h2", "h3",
        "nav", "ol", "ul", "li", "main", "section", "figure", "figcaption", "img", "table",
        "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "div", "span", "footer", "strong",
        "b",
    }  # fmt: skip


def test_maps_carry_names_as_data_only(nasty):
    _, folder = nasty
    for file in folder.glob("*/map*.html"):
        page = file.read_text(encoding="utf-8")
        head = page.split("</head>")[0]
        assert "connect-src 'none'" in head
        assert "object-src 'none'" in head
        assert page.index("Content-Security-Policy") < page.index("<script")
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert not re.search(r"<[a-z]+[^>]* on\w+=", page)
    assert list(folder.glob("*/map*.html"))


def test_what_a_notebook_shows_is_escaped(nasty):
    plan, _ = nasty
    walked = cp.walks(
        plan.network, plan.project.homes, plan.project.idle_buildings, walker="adult", within_min=15
    )
    people = plan.project.homes.set_index("home_id")["residents"]
    choice = cp.maximal_covering(walked, people, n_sites=1, within_min=15)
    for thing in (plan, plan.network, choice):
        shown = thing._repr_html_()
        shown = re.sub(r'srcdoc="[^"]*"', "", shown)
        assert "<script>alert" not in shown
        assert "<img src=x" not in shown
    m = maps.coverage_map(communities=plan.project.communities, title=SCRIPT, notes=[SCRIPT])
    assert "<script>alert" not in m.get_root().render()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_cell_is_a_formula_and_no_field_is_a_command(nasty, lang):
    import openpyxl

    _, folder = nasty
    book = openpyxl.load_workbook(folder / lang / "report.xlsx")
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f" or cell.hyperlink]
    held = [cell for cell in cells if isinstance(cell.value, str) and cell.value.startswith("=")]
    assert held
    assert all(cell.quotePrefix for cell in held)
    for file in (folder / lang).glob("*.csv"):
        text = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        risky = text.map(lambda cell: cell.startswith(("=", "@", "\t")))
        assert not risky.to_numpy().any(), file.name
    with zipfile.ZipFile(folder / lang / "report.docx") as paper:
        parts = {name: paper.read(name).decode("utf-8", "replace") for name in paper.namelist()}
    codes = re.findall(r"<w:instrText[^>]*>([^<]*)<", "".join(parts.values()))
    codes += re.findall(r'w:instr="([^"]*)"', "".join(parts.values()))
    assert {code.split()[0] for code in codes} <= {"PAGE", "NUMPAGES", "SEQ", "TOC", "REF"}
    assert not [name for name, part in parts.items() if 'TargetMode="External"' in part]


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_indicators_leave_no_formula_either(tmp_path, ending):
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    told = {"indicator_id": ["i"], "aspect": ["x"], "name": [FORMULA], "name_en": [FORMULA]}
    path = write_indicators(pd.DataFrame(told), tmp_path / f"a{ending}", lang="en")
    if ending == ".csv":
        assert "'=HYPERLINK" in path.read_text(encoding="utf-8-sig")
    else:
        cells = [cell for row in openpyxl.load_workbook(path).active.iter_rows() for cell in row]
        assert not [cell for cell in cells if cell.data_type == "f"]


def test_names_make_no_paths(tmp_path, nasty):
    plan, folder = nasty
    kept = {file.name for file in (folder / "en").iterdir()}
    project = replace(plan.project, name="../../out", name_en="/etc/out")
    report.write(replace(plan, project=project), tmp_path / "a" / "b", lang="en")
    assert {file.name for file in (tmp_path / "a" / "b").iterdir()} <= kept
    assert sorted(file.name for file in tmp_path.rglob("*") if file.is_dir()) == ["a", "b"]


def test_names_of_a_batch_make_no_paths(nasty):
    plan, _ = nasty
    names = ["../../one", "/etc/two", r"..\\..\\three", "C:/four", ".lock", SCRIPT]
    for job in as_jobs(dict.fromkeys(names, plan.project)):
        assert not re.search(r"[\\/:<>\"|?*]", job.name)
        assert not job.name.startswith(".")


BANNED_MODULES = {
    "pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml", "subprocess",
    "pty", "ctypes", "code", "runpy",
}  # fmt: skip
BANNED_CALLS = {"eval", "exec", "compile", "__import__"}
BANNED_METHODS = {
    "system", "popen", "read_pickle", "to_pickle", "literal_eval", "eval", "extractall",
    "unpack_archive", "urlopen", "urlretrieve",
}  # fmt: skip


def banned(file: Path) -> list[str]:
    """What runs text, starts programs, unpacks blindly or fetches, in a file of the package."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [(node.module or "").split(".")[0]]
        found += [name for name in names if name in BANNED_MODULES]
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id in BANNED_CALLS:
                found.append(called.id)
            # platform.system tells which system this is
            is_told = ast.unparse(called) == "platform.system"
            if isinstance(called, ast.Attribute) and called.attr in BANNED_METHODS and not is_told:
                found.append(called.attr)
        if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "shell"):
            found.append(node.arg)
    return found


def test_nothing_in_the_package_runs_text_or_starts_programs():
    found = {
        str(file.relative_to(PACKAGE)): names
        for file in PACKAGE.rglob("*.py")
        if (names := banned(file))
    }
    assert not found


def test_only_one_module_asks_the_network():
    asking = [
        str(file.relative_to(PACKAGE))
        for file in PACKAGE.rglob("*.py")
        if re.search(r"^\s*(import|from) (requests|urllib\.request|http\.client|osmnx)\b",
                     file.read_text(encoding="utf-8"), re.M)
    ]  # fmt: skip
    assert asking == ["load/download.py"]
