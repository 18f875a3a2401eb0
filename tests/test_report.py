"""Reports: the same figures in every format, marked, whole or not there, and harmless."""

from __future__ import annotations

import sqlite3
import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest

import communityplan as cp
from communityplan import report
from communityplan.errors import DataError, MissingLibraryError, OptionError
from communityplan.maps.page import page_of
from communityplan.report import columns, document, facts, page, pictures, sections, workbook
from communityplan.report.folder import handed_over
from test_project import PROJECT, write_project
from towns import lines, points

openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")
docx = pytest.importorskip("docx", reason="python-docx is not installed")
pytest.importorskip("xlsxwriter", reason="XlsxWriter is not installed")
lxml_html = pytest.importorskip("lxml.html", reason="lxml is not installed")

COUNTS = ["people", "covered", "beyond", "unreachable", "covered_but_for_stairs"]
NASTY = (
    "=cmd|' /C calc'!A0",
    "<script>alert('x')</script> & \"quotes\"",
    "🏠 " + "很长的名字" * 60,
    "bell\x07 and ]]>",
)


@pytest.fixture(scope="module")
def plan() -> cp.Plan:
    """The embedded district."""
    return cp.make_plan(cp.load_project("demo"))


@pytest.fixture(scope="module")
def written(plan, tmp_path_factory) -> Path:
    """Every format of its report, in Chinese."""
    folder = tmp_path_factory.mktemp("report") / "out"
    report.write(plan, folder, formats=report.FORMATS)
    return folder


@pytest.fixture
def toy(tmp_path) -> cp.Plan:
    """One street with two homes of 30 and 50 people, 100 m and 600 m from the market."""
    return cp.make_plan(cp.load_project(write_project(tmp_path)))


def html_tables(file: Path) -> list[pd.DataFrame]:
    """The tables of a page, as text."""
    root = lxml_html.fromstring(file.read_text(encoding="utf-8"))
    tables = []
    for table in root.iter("table"):
        rows = [[cell.text_content() for cell in row] for row in table.iter("tr")]
        tables.append(pd.DataFrame(rows[1:], columns=rows[0]))
    return tables


def docx_rows(file: Path, number: int) -> list[list[str]]:
    """The rows of one table of a document."""
    table = docx.Document(str(file)).tables[number]
    return [[cell.text for cell in row.cells] for row in table.rows]


def sheet_rows(file: Path, name: str) -> pd.DataFrame:
    """A sheet from its headings on."""
    rows = list(openpyxl.load_workbook(file)[name].iter_rows(values_only=True))
    return pd.DataFrame(rows[3:], columns=rows[2])


def whole(numbers: pd.DataFrame) -> list[list[str]]:
    """Numbers as people read them."""
    return [[f"{round(value) + 0.0:,.0f}" for value in row] for row in numbers.to_numpy()]


def test_totals_are_the_same_in_every_format(plan, written):
    totals = plan.totals
    said = whole(totals[COUNTS])
    first = html_tables(written / "report.html")[0]
    assert first.iloc[:, 5:10].to_numpy().tolist() == said
    rows = docx_rows(written / "report.docx", 0)[1:]
    assert [row[5:10] for row in rows] == said
    sheet = sheet_rows(written / "report.xlsx", "各项服务")
    names = ["应服务人数", "已覆盖", "超出时限", "无法到达", "仅因上下楼"]
    np.testing.assert_allclose(sheet[names].astype(float), totals[COUNTS], rtol=1e-12)
    for table in (
        pyogrio.read_dataframe(written / "tables.gpkg", layer="totals"),
        pd.read_csv(written / "totals.csv"),
    ):
        np.testing.assert_allclose(table[COUNTS], totals[COUNTS], rtol=1e-12)
        assert (table["service"] == totals["service"]).all()
    share = 100 * totals["covered"] / totals["people"]
    assert first.iloc[:, 10].tolist() == [f"{value:.1f}%" for value in share]


def test_communities_add_up_to_the_totals_in_every_format(plan, written):
    totals = plan.totals
    limits = {service.name: service.within_min for service in plan.project.services}
    own = totals[totals["within_min"] == totals["service"].map(limits)]
    tables = html_tables(written / "report.html")[1 : 1 + len(own)]
    for number, (table, row) in enumerate(zip(tables, own.to_dict("records"), strict=True), 1):
        last = table.iloc[-1, 1:6].tolist()
        assert last == whole(pd.DataFrame([row])[COUNTS])[0]
        parts = table.iloc[:-1, 2].str.replace(",", "").astype(float)
        # each community is rounded by itself
        assert parts.sum() == pytest.approx(row["covered"], abs=0.5 * len(parts))
        assert docx_rows(written / "report.docx", number)[-1][1:6] == last
    communities = pyogrio.read_dataframe(written / "tables.gpkg", layer="communities")
    ledger = pd.read_csv(written / "ledger.csv")
    for row in own.to_dict("records"):
        name = row["service"]
        left = communities[f"not_covered_{name}"].sum()
        assert left == pytest.approx(row["people"] - row["covered"])
        here = ledger[(ledger["service"] == name) & ledger["own_limit"]]
        assert here["covered"].sum() == pytest.approx(row["covered"])


def test_the_ranking_is_the_same_in_every_format(plan, written):
    gained = plan.ranking["people_gained"]
    sheet = sheet_rows(written / "report.xlsx", "闲置房屋比选")
    np.testing.assert_allclose(sheet["合计（人次）"].astype(float), gained)
    csv = pd.read_csv(written / "ranking.csv")
    layer = gpd.read_file(written / "tables.gpkg", layer="ranking")
    for table in (csv, layer):
        np.testing.assert_allclose(table["people_gained"], gained)
    ranked = next(t for t in html_tables(written / "report.html") if "合计（人次）" in t)
    assert ranked["合计（人次）"].tolist() == [f"{value:,.0f}" for value in gained]
    assert ranked["房屋"].tolist() == plan.ranking["name"].tolist()


def test_figures_worked_out_by_hand(toy, tmp_path):
    # 100 m at 1.2 m/s: the first home is within 5 min, the second (500 s) within 10 min
    report.write(toy, tmp_path / "out", lang="en", formats=["html", "csv"])
    totals = pd.read_csv(tmp_path / "out" / "totals.csv").set_index(["service", "within_min"])
    assert totals.loc[("market", 5.0), "covered"] == pytest.approx(30)
    assert totals.loc[("market", 10.0), "covered"] == pytest.approx(80)
    assert totals.loc[("market", 10.0), "own_limit"]
    # nobody offers a canteen: all 30 older people are without a way to one
    assert totals.loc[("canteen", 4.0), "unreachable"] == pytest.approx(30)
    said = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "of 80 residents, 80 (100.0%) reach it within 10 min on foot" in said
    assert "no facility of this service" in said
    assert "names no standard" in said


def test_unverified_figures_and_synthetic_data_are_marked_everywhere(plan, written):
    synthetic = "合成数据"
    said = (written / "report.html").read_text(encoding="utf-8")
    assert said.count(synthetic) >= 3
    assert said.count("未核实") > 10
    paper = docx.Document(str(written / "report.docx"))
    assert synthetic in paper.sections[0].header.paragraphs[0].text
    assert any("时限未核实" in paragraph.text for paragraph in paper.paragraphs)
    book = openpyxl.load_workbook(written / "report.xlsx")
    for sheet in book.worksheets:
        assert synthetic in sheet["A2"].value, sheet.title
        assert synthetic in sheet.oddFooter.left.text, sheet.title
    verified = sheet_rows(written / "report.xlsx", "服务与标准")["数值来源"]
    assert verified.tolist() == [
        "已核实" if service.verified else "未核实" for service in plan.project.services
    ]
    for name in ("ledger", "totals", "ranking", "homes", "checkup"):
        assert pd.read_csv(written / f"{name}.csv")["synthetic"].all(), name
    for name, _ in pyogrio.list_layers(written / "tables.gpkg"):
        if name in ("communities", "homes", "ranking", "service_areas"):
            layer = pyogrio.read_dataframe(written / "tables.gpkg", layer=name)
            assert layer["synthetic"].all()
    with sqlite3.connect(written / "tables.gpkg") as base:
        found = base.execute("SELECT description FROM gpkg_contents WHERE data_type = 'features'")
        assert all(synthetic in text for (text,) in found)
    base.close()


def test_an_own_limit_is_marked_and_other_limits_have_no_source(plan):
    totals = facts.gather(plan, lang="en", with_network=False).tables["totals"]
    own = totals[totals["own_limit"]]
    assert len(own) == len(plan.project.services)
    assert own["verified"].notna().all()
    assert totals.loc[~totals["own_limit"], "verified"].isna().all()


def test_the_page_fetches_nothing_and_runs_nothing(written):
    said = (written / "report.html").read_text(encoding="utf-8")
    assert f'content="{page.POLICY}"'.replace("'", "&#39;") in said
    assert "<script" not in said
    root = lxml_html.fromstring(said)
    for element in root.iter():
        for name in ("src", "href"):
            address = element.get(name) or ""
            assert address.startswith(("data:image/png", "#", "map.html")) or not address
    assert all(image.get("alt") for image in root.iter("img"))
    assert root.get("lang") == "zh-CN"


def test_the_same_plan_gives_the_same_bytes(plan, written, tmp_path):
    report.write(plan, tmp_path / "again", formats=report.FORMATS)
    names = {file.name for file in written.iterdir()}
    assert names == {file.name for file in (tmp_path / "again").iterdir()}
    # folium names the parts of a map anew each time
    for name in sorted(names - {"map.html"}):
        assert (written / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def nasty_plan(folder: Path) -> cp.Plan:
    """Names that spreadsheets, pages and documents choke on."""
    homes = points(
        [(100, 0), (600, 0)],
        home_id=["a", "b"], community_id=["c", "c"], residents=[30, 50], elderly=[10, 20],
        name=[NASTY[0], NASTY[2]],
    )  # fmt: skip
    idle = points(
        [(500, 0), (300, 0)],
        building_id=["=1+1", "@x"], floor_area_m2=[400.0, 20.0], name=[NASTY[1], NASTY[2]],
    )  # fmt: skip
    project = cp.load_project(write_project(folder, homes=homes, idle=idle))
    named = project.communities.assign(name=[NASTY[3]])
    return cp.make_plan(replace(project, name=NASTY[1], note=NASTY[0], communities=named))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_names_of_every_kind_are_shown_and_do_no_harm(tmp_path, lang):
    out = tmp_path / "out"
    report.write(nasty_plan(tmp_path), out, lang=lang, formats=report.FORMATS)
    said = (out / "report.html").read_text(encoding="utf-8")
    assert "<script" not in said
    assert "&lt;script&gt;" in said
    assert "\x07" not in said
    book = openpyxl.load_workbook(out / "report.xlsx")
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    risky = [c for c in cells if isinstance(c.value, str) and c.value.startswith(("=", "@"))]
    assert risky
    assert all(cell.quotePrefix for cell in risky)
    paper = docx.Document(str(out / "report.docx"))
    told = "".join(cell.text for table in paper.tables for cell in table._cells)
    assert "🏠" in told
    for file in out.glob("*.csv"):
        text = file.read_text(encoding="utf-8-sig")
        assert ",=" not in text
        assert "\n=" not in text
    assert "'=1+1" in (out / "ranking.csv").read_text(encoding="utf-8-sig")
    layer = gpd.read_file(out / "tables.gpkg", layer="ranking")
    assert set(layer["building_id"]) == {"=1+1", "@x"}


def test_neutral_knows_every_way_into_a_formula():
    table = pd.DataFrame({"=x": ["＝1", "\t1", "plain", None], "n": [-1.0, 2.0, 3.0, 4.0]})
    result = report.neutral(table)
    assert list(result.columns) == ["'=x", "n"]
    assert result["'=x"].tolist()[:3] == ["'＝1", "'\t1", "plain"]
    assert result["n"].tolist() == [-1.0, 2.0, 3.0, 4.0]
    assert list(table.columns) == ["=x", "n"]


def test_the_dictionary_tells_every_heading(written):
    book = openpyxl.load_workbook(written / "report.xlsx")
    told = sheet_rows(written / "report.xlsx", "数据字典")
    known = set(zip(told["表"], told["表头"], strict=True))
    assert told["中文含义"].notna().all()
    assert told["英文含义"].notna().all()
    for sheet in book.worksheets[1:]:
        title = sheet["A1"].value
        for heading in next(sheet.iter_rows(min_row=3, max_row=3, values_only=True)):
            assert (title, heading) in known or sheet.title == "数据字典", (title, heading)
        assert sheet.freeze_panes == "B4", title
        assert sheet.auto_filter.ref, title
    share = book["各项服务"]
    column = [cell.value for cell in share[3]].index("覆盖率")
    assert share[4][column].number_format == "0.0%"


def test_every_column_of_results_has_a_name_in_both_languages(plan):
    gathered = facts.gather(plan, lang="zh")
    carried = {"owner_en", "note", "door", "name_en"}
    for name, table in gathered.tables.items():
        for key in map(str, table.columns):
            if key.startswith(("gain_", "walk_min_", "reason_", "covered_share_", "why_")):
                continue
            field = columns.field_of(key, name, table[key])
            assert field.zh != key or key in carried, (name, key)


def test_columns_that_a_geopackage_cannot_hold_are_renamed(toy, tmp_path):
    homes = toy.project.homes.assign(fid=["x", "y"], geom=1, Residents=2, name=["甲", "乙"], NAME=3)
    plan = replace(toy, project=replace(toy.project, homes=homes))
    file = report.write(plan, tmp_path / "out", formats=["gpkg"])["tables.gpkg"]
    layer = gpd.read_file(file, layer="homes")
    assert layer["fid_2"].tolist() == ["x", "y"]
    assert layer["Residents_2"].tolist() == [2, 2]
    assert layer["residents"].tolist() == [30, 50]
    assert {"geom_2", "name", "NAME_2"} <= set(layer.columns)


def test_styles_are_whole_and_every_thing_has_one_rule(plan, written):
    file = written / "tables.gpkg"
    with sqlite3.connect(file) as base:
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        styles = pd.read_sql("SELECT * FROM layer_styles", base)
        listed = base.execute("SELECT table_name, data_type FROM gpkg_contents").fetchall()
        named = dict(base.execute("SELECT table_name, column_name FROM gpkg_geometry_columns"))
    base.close()
    assert ("layer_styles", "attributes") in listed
    assert {"communities", "homes", "service_areas", "ranking"} <= set(styles["f_table_name"])
    defaults = styles.groupby("f_table_name")["useAsDefault"].sum()
    assert (defaults == 1).all()
    assert len(styles[styles["f_table_name"] == "communities"]) == len(plan.project.services)
    for row in styles.to_dict("records"):
        assert named[row["f_table_name"]] == row["f_geometry_column"]
        root = ElementTree.fromstring(row["styleQML"].split("\n", 1)[1])
        rules = root.findall("renderer-v2/rules/rule")
        symbols = {symbol.get("name") for symbol in root.findall("renderer-v2/symbols/symbol")}
        assert {rule.get("symbol") for rule in rules} == symbols
        count = pyogrio.read_info(file, layer=row["f_table_name"])["features"]
        drawn = [rows_of(file, row["f_table_name"], rule.get("filter")) for rule in rules]
        together = [one for part in drawn for one in part]
        assert len(together) == len(set(together))
        if row["f_table_name"] != "service_areas":
            assert len(together) == count


def rows_of(file: Path, layer: str, where: str | None) -> list[int]:
    """Keys of the rows that a rule draws."""
    found = pyogrio.read_dataframe(file, layer=layer, where=where, columns=[], fid_as_index=True)
    return found.index.tolist()


def test_the_map_counts_people_as_the_ledger_does(plan):
    drawn = page_of(report.plan_map(plan, lang="zh"))
    unserved = next(layer for layer in drawn.views[0].layers if layer.key == "unserved")
    totals = plan.totals.set_index(["service", "within_min"])
    assert len(unserved.variants) == len(totals)
    for one in unserved.variants:
        row = totals.loc[(one.service, one.within_min)]
        left = sum(value or 0.0 for value in one.values)
        # the page holds tenths of a person for each home
        assert left == pytest.approx(row["beyond"] + row["unreachable"], abs=0.05 * 150)


def test_the_map_calls_services_as_the_project_does(tmp_path):
    text = PROJECT.replace("[services.canteen]", '[services.canteen]\nzh = "长者饭堂"')
    plan = cp.make_plan(cp.load_project(write_project(tmp_path, text)))
    drawn = page_of(report.plan_map(plan, lang="zh"))
    assert "长者饭堂" in [service.zh for service in drawn.services]
    said = facts.gather(plan, lang="zh").tables["services"]
    assert columns.Sayer("zh", {s.name: s for s in plan.project.services}).cell(
        said["name"].iloc[1], "service"
    ) == "长者饭堂"  # fmt: skip


def test_nothing_is_written_where_one_format_fails(plan, tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.html").write_text("before")
    (out / "mine.txt").write_text("stays")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(report, "write_paper", fail)
    with pytest.raises(DataError, match="disk full"):
        report.write(plan, out, formats=["html", "docx"])
    assert (out / "report.html").read_text() == "before"
    assert sorted(file.name for file in out.iterdir()) == ["mine.txt", "report.html"]
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


def test_what_was_replaced_comes_back_where_a_file_cannot_be_moved(tmp_path):
    out = tmp_path / "out"
    (out / "b.csv").mkdir(parents=True)
    (out / "b.csv" / "mine").write_text("stays")
    (out / "a.csv").write_text("before")

    def hand_over() -> None:
        with handed_over(out) as made:
            (made / "a.csv").write_text("after")
            (made / "b.csv").write_text("after")

    with pytest.raises(DataError, match=r"b\.csv is a folder"):
        hand_over()
    assert (out / "a.csv").read_text() == "before"
    assert (out / "b.csv" / "mine").read_text() == "stays"
    assert sorted(file.name for file in out.iterdir()) == ["a.csv", "b.csv"]


def test_wrong_formats_and_missing_libraries_are_told(plan, tmp_path, monkeypatch):
    with pytest.raises(OptionError, match="pdf; known are html"):
        report.write(plan, tmp_path / "out", formats=["pdf"])
    with pytest.raises(OptionError, match="none; known are"):
        report.write(plan, tmp_path / "out", formats=[])
    with pytest.raises(OptionError, match="lang is 'fr'"):
        report.write(plan, tmp_path / "out", lang="fr")
    monkeypatch.setattr(report, "find_spec", lambda name: None if name == "docx" else object())
    with pytest.raises(MissingLibraryError, match=r"docx needs .*communityplan\[office\]"):
        report.write(plan, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("lacking", "said"),
    [("matplotlib", "matplotlib is not installed"), ("font", "no font with Chinese letters")],
)
def test_without_charts_the_report_says_so(toy, tmp_path, monkeypatch, lacking, said):
    lang = "en" if lacking == "matplotlib" else "zh"
    if lacking == "matplotlib":
        monkeypatch.setattr(pictures, "find_spec", lambda name: None)
    else:
        monkeypatch.setattr(pictures, "find_chinese_font", lambda: None)
        said = "未找到中文字体"
    report.write(toy, tmp_path / "out", lang=lang, formats=["html", "docx"])
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert said in text
    assert "<img" not in text
    paper = docx.Document(str(tmp_path / "out" / "report.docx"))
    assert any(said in paragraph.text for paragraph in paper.paragraphs)


def test_long_tables_say_what_they_leave_out(plan, tmp_path, monkeypatch):
    monkeypatch.setattr(document, "MOST_ROWS", 3)
    monkeypatch.setattr(workbook, "MOST_SHEET_ROWS", 10)
    report.write(plan, tmp_path / "out", lang="en", formats=["html", "xlsx"])
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert (
        f"{len(plan.totals) - 3} more rows are not shown; the whole table is in report.xlsx" in text
    )
    book = openpyxl.load_workbook(tmp_path / "out" / "report.xlsx")
    assert "more rows are not shown" in book["Homes"]["B2"].value
    assert book["Homes"].max_row == 13
    # the sum below a table is that of all its rows
    assert html_tables(tmp_path / "out" / "report.html")[1].iloc[-1, 1] == "7,598"


def test_the_document_is_set_as_offices_do(written):
    paper = docx.Document(str(written / "report.docx"))
    headings = [p.text for p in paper.paragraphs if p.style.name == "Heading 1"]
    assert headings[:2] == ["一、摘要", "二、谁能步行到达"]
    inner = [p.text for p in paper.paragraphs if p.style.name == "Heading 2"]
    assert inner[0] == "（一）各项服务"
    # the number is a field, which python-docx leaves out of the text
    captions = [
        "".join(part.text for part in paragraph._p.xpath(".//w:t"))
        for paragraph in paper.paragraphs
        if paragraph.style.name == "Caption"
    ]
    numbers = [text.split("　")[0] for text in captions if text.startswith("表")]
    assert numbers == [f"表 {count}" for count in range(1, len(paper.tables) + 1)]
    size = paper.sections[0]
    assert (round(size.page_width.mm), round(size.page_height.mm)) == (210, 297)
    with zipfile.ZipFile(written / "report.docx") as parts:
        foot = next(name for name in parts.namelist() if name.startswith("word/footer"))
        assert b" PAGE " in parts.read(foot)
        fonts = parts.read("word/fontTable.xml").decode()
        assert "方正小标宋简体" in fonts
        assert "宋体" in fonts
        assert parts.read("word/document.xml").count(b"<w:tblHeader/>") == len(paper.tables)
        assert b"descr=" in parts.read("word/document.xml")
    for table in paper.tables:
        wide = sum(column.width for column in table.columns) / 36000
        assert wide == pytest.approx(156, abs=0.5)


@pytest.mark.parametrize(
    ("count", "said"), [(1, "一"), (10, "十"), (11, "十一"), (20, "二十"), (99, "九十九")]
)
def test_chinese_numerals(count, said):
    assert document.numeral(count) == said


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        (-1e-9, "people", "0"),
        (1234.5678, "number", "1,234.57"),
        (1200.0, "number", "1,200"),
        (np.inf, "number", "∞"),
        (np.nan, "people", "–"),
        (None, "verified", "–"),
        (np.True_, "verified", "verified"),
        (False, "flag", "no"),
        (1994.0, "year", "1994"),
        ("far from every street", "reason", "far from every street"),
        ("unheard of", "reason", "unheard of"),
        (pd.NA, "whole", "–"),
    ],
)
def test_cells_are_written_as_people_read_them(value, kind, said):
    assert columns.Sayer("en", {}).cell(value, kind) == said


def test_a_project_without_idle_buildings_gates_or_facilities(tmp_path):
    text = PROJECT.replace('idle_buildings = "idle.geojson"\n', "")
    nobody = points([(0, 0)], facility_id=["m"], service=["library"])
    plan = cp.make_plan(cp.load_project(write_project(tmp_path, text, facilities=nobody)))
    found = report.write(plan, tmp_path / "out", lang="en", formats=report.FORMATS)
    assert "ranking.csv" not in found
    said = found["report.html"].read_text(encoding="utf-8")
    assert "has no idle buildings" in said
    assert "There are no gates" in said
    totals = pd.read_csv(found["totals.csv"])
    assert totals["covered"].eq(0).all()
    with pytest.raises(OptionError, match="no idle buildings"):
        report.write_ranking(plan, tmp_path / "other")


def test_options_that_were_given_and_not_used_are_told(toy):
    given = replace(toy.project, elevation=Path("secret/dem.tif"), budget_yuan=5e6)
    gathered = facts.gather(replace(toy, project=given), lang="en")
    said = " ".join(gathered.tables["limits"]["said"])
    assert "elevation (dem.tif), which the network did not use" in said
    assert "budget (5,000,000 yuan), which the ranking does not use" in said
    assert "secret" not in said


def test_a_budget_without_costs_says_why_there_is_no_choice(tmp_path):
    file = write_project(tmp_path, PROJECT + "budget_yuan = 1000000\n")
    plan = cp.make_plan(cp.load_project(file))
    assert plan.chosen is None
    found = report.write(plan, tmp_path / "out", lang="en", formats=["html"])
    said = found["report.html"].read_text(encoding="utf-8")
    assert "There is a budget of 1,000,000 yuan, but no best set could be found" in said
    assert "conversion_cost_yuan" in said


def test_no_folder_of_the_planner_is_told(written):
    parts = [
        (written / "report.html").read_text(encoding="utf-8"),
        *(sheet_rows(written / "report.xlsx", "输入数据").astype(str).to_numpy().ravel()),
        *(sheet_rows(written / "report.xlsx", "实际采用的选项").astype(str).to_numpy().ravel()),
    ]
    folder = str(Path(cp.__file__).parents[2])
    assert not [part for part in parts if folder in part]


def test_a_street_network_alone_from_openstreetmap(shared_data, tmp_path):
    from communityplan.project.osm import project_from_osm

    layers = cp.read_osm(shared_data / "chengdu" / "chengdu_xipu_20251112.osm.pbf")
    project = project_from_osm(layers, services=("childcare",), residents=20_000, name="犀浦")
    plan = cp.make_plan(project)
    found = report.write(plan, tmp_path / "out", formats=report.FORMATS)
    said = found["report.html"].read_text(encoding="utf-8")
    assert "OpenStreetMap 贡献者" in said
    assert "人口按居住建筑面积分摊" in said
    ledger = pd.read_csv(found["ledger.csv"])
    assert ledger.loc[ledger["own_limit"], "people"].sum() == pytest.approx(20_000)


def test_sections_without_files_beside_them(plan):
    gathered = facts.gather(plan, lang="en")
    alone = sections.compose(gathered, pictures={}, lacking="none", files=())
    told = [block for section in alone.sections for block in section.blocks]
    assert not [block for block in told if getattr(block, "link", "")]
    assert [grid.number for grid in alone.grids()] == list(range(1, len(list(alone.grids())) + 1))


def test_lines_of_every_shape_are_drawn(tmp_path):
    # areas with holes, homes as areas, several parts, dollars in names
    import shapely

    block = shapely.box(80, 5, 120, 40).difference(shapely.box(95, 15, 105, 25))
    homes = gpd.GeoDataFrame(
        {"home_id": ["a", "b"], "community_id": "c", "residents": [30, 50], "elderly": [1, 2]},
        geometry=[block, shapely.Point(600, 0)],
        crs="EPSG:32650",
    )
    streets = lines([(0, 0), (600, 0)], kind=["footway"])
    text = PROJECT.replace("[services.canteen]", '[services.canteen]\nzh = "食堂 $5$ ^_"')
    file = write_project(tmp_path, text, homes=homes, streets=streets)
    gathered = facts.gather(cp.make_plan(cp.load_project(file)), lang="zh")
    drawn, lacking = pictures.draw_pictures(gathered)
    assert lacking == ""
    assert set(drawn) == {"cumulative", "ranking", "map"}
    assert all(one.png.startswith(b"\x89PNG") for one in drawn.values())
