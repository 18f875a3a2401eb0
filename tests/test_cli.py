"""The commands as a person runs them: what is printed, written and refused."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

import communityplan as cp
from communityplan.cli import installation, main
from communityplan.cli.project_file import Asked, begin, project_text
from communityplan.project.file import KEYS
from test_plan import TEXT, whole_project
from test_project import PROJECT, write_project
from towns import points


def run(*arguments: str) -> int:
    """A command within this process."""
    return main([*arguments])


def test_the_demo_prints_the_ledger_and_writes_its_files(tmp_path, capsys):
    assert run("demo", "--out", str(tmp_path / "out"), "--lang", "en") == 0
    said = capsys.readouterr().out
    assert "elder care" in said
    assert "synthetic" in said.lower()
    assert "map.html" in said
    out = tmp_path / "out"
    written = {file.name for file in out.iterdir()}
    assert written == {"map.html", "tables.gpkg", "ledger.csv", "ranking.csv"}
    ledger = pd.read_csv(out / "ledger.csv")
    parts = ledger[["covered", "beyond", "unreachable"]].sum(axis=1)
    assert (parts - ledger["people"]).abs().max() < 1e-6
    ranking = pd.read_csv(out / "ranking.csv")
    assert ranking["rank"].dropna().tolist() == list(range(1, ranking["rank"].count() + 1))
    assert len(gpd.read_file(out / "tables.gpkg", layer="service_areas"))
    assert list(tmp_path.iterdir()) == [out]


def test_the_demo_in_chinese(tmp_path, capsys):
    assert run("demo", "--out", str(tmp_path / "out"), "--lang", "zh") == 0
    assert "养老服务" in capsys.readouterr().out


def test_a_project_folder_is_evaluated_and_checked(tmp_path, capsys):
    file = write_project(tmp_path)
    assert run("evaluate", str(tmp_path), "--out", str(tmp_path / "out"), "--lang", "en") == 0
    assert "food market" in capsys.readouterr().out
    assert run("check", str(file), "--lang", "en") == 0
    assert "homes 2" in capsys.readouterr().out


def test_bad_input_ends_with_2_and_writes_nothing(tmp_path, capsys):
    homes = points(
        [(100, 0), (600, 0)],
        home_id=["a", "a"], community_id=["c", "c"], residents=[30, None], elderly=[1, 1],
    )  # fmt: skip
    write_project(tmp_path, homes=homes)
    out = tmp_path / "out"
    assert run("evaluate", str(tmp_path), "--out", str(out)) == 2
    told = capsys.readouterr()
    assert "2 problems" in told.err
    assert "homes.geojson" in told.err
    assert "Traceback" not in told.err
    assert not out.exists()
    assert run("evaluate", str(tmp_path), "--out", str(out), "--debug") == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["evaluate"], "give either a project file or --osm FILE"),
        (["evaluate", "--osm", "none.osm.pbf"], "at least one --service"),
        (["evaluate", "--osm", "none.osm.pbf", "--service", "childcare"], "none.osm.pbf"),
        (["evaluate", "--nonsense"], "No such option"),
        (["demo", "--lang", "fr"], "--lang is 'fr'"),
    ],
)
def test_wrong_calls_are_told_in_a_line(arguments, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told
    assert not list(tmp_path.iterdir())


def test_an_unwritable_folder_is_told(tmp_path, capsys):
    write_project(tmp_path)
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert run("evaluate", str(tmp_path), "--out", str(blocked / "out")) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_osm_alone_from_the_command(shared_data, tmp_path, capsys):
    file = shared_data / "chengdu" / "chengdu_xipu_20251112.osm.pbf"
    out = tmp_path / "out"
    call = ["evaluate", "--osm", str(file), "--service", "childcare", "--residents", "20000"]
    assert run(*call, "--lang", "en", "--out", str(out)) == 0
    assert "20,000" in capsys.readouterr().out
    assert (out / "map.html").stat().st_size > 10_000


def test_formulas_in_names_do_not_reach_a_spreadsheet(tmp_path):
    idle = points([(500, 0)], building_id=["=cmd()"], floor_area_m2=[400.0])
    write_project(tmp_path, PROJECT, idle=idle)
    assert run("evaluate", str(tmp_path), "--out", str(tmp_path / "out")) == 0
    ranking = (tmp_path / "out" / "ranking.csv").read_text(encoding="utf-8-sig")
    assert "'=cmd()" in ranking


def test_the_command_is_installed():
    script = Path(sys.executable).parent / "communityplan"
    if not script.exists():
        pytest.skip("the package is not installed with its command")
    found = subprocess.run(
        [str(script), "version"], check=True, capture_output=True, text=True, env=dict(os.environ)
    )
    assert found.stdout.strip()


@pytest.fixture
def project(tmp_path) -> Path:
    """A small project in a folder of its own."""
    folder = tmp_path / "place"
    folder.mkdir()
    write_project(folder)
    return folder


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("rank", {"ranking.csv"}),
        ("map", {"map.html"}),
        (
            "report",
            {
                *("report.html", "report.xlsx", "report.docx", "tables.gpkg", "map.html"),
                *("totals.csv", "ledger.csv", "ranking.csv", "homes.csv"),
            },
        ),
    ],
)
def test_a_command_writes_its_files_and_no_others(project, tmp_path, capsys, command, files):
    if command == "report":
        pytest.importorskip("xlsxwriter", reason="XlsxWriter is not installed")
        pytest.importorskip("docx", reason="python-docx is not installed")
    out = tmp_path / "out"
    assert run(command, str(project), "--out", str(out), "--lang", "en") == 0
    assert {file.name for file in out.iterdir()} == files
    said = capsys.readouterr().out
    assert all(str(out / name) in said for name in files)
    assert {file.name for file in tmp_path.iterdir()} == {"place", "out"}


def test_formats_of_a_report_can_be_chosen(project, tmp_path, capsys):
    out = tmp_path / "out"
    call = ["report", str(project), "--format", "html", "--format", "csv", "--out", str(out)]
    assert run(*call, "--lang", "zh") == 0
    assert not {"report.xlsx", "map.html"} & {file.name for file in out.iterdir()}
    assert "谁能步行到达" in (out / "report.html").read_text(encoding="utf-8")
    assert run("report", str(project), "--format", "pdf", "--out", str(tmp_path / "other")) == 2
    assert "pdf; known are html" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_the_ranking_is_shown(project, tmp_path, capsys):
    assert run("rank", str(project), "--out", str(tmp_path / "out"), "--lang", "en") == 0
    said = capsys.readouterr().out
    assert "community canteen" in said
    assert "Limits not verified" in said


def test_nothing_to_rank_is_told_before_the_work(tmp_path, capsys):
    write_project(tmp_path, PROJECT.replace('idle_buildings = "idle.geojson"\n', ""))
    assert run("rank", str(tmp_path), "--out", str(tmp_path / "out"), "--lang", "en") == 2
    told = capsys.readouterr().err
    assert "no idle buildings to rank" in told
    assert "walking network" not in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["evaluate", "check", "rank", "map", "report"])
def test_a_project_that_is_not_there_leads_to_new(command, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(command, "nowhere", "--lang", "en") == 2
    told = capsys.readouterr().err
    assert "nowhere" in told
    assert "communityplan new FOLDER" in told
    assert not list(tmp_path.iterdir())


def test_bad_tables_lead_to_check_and_bad_options_to_help(tmp_path, capsys):
    idle = points([(500, 0)], building_id=["i"], floor_area_m2=[-1.0])
    write_project(tmp_path, idle=idle)
    assert run("report", str(tmp_path), "--lang", "zh") == 2
    assert f"communityplan check {tmp_path}" in capsys.readouterr().err
    assert run("report", str(tmp_path), "--nonsense", "--lang", "en") == 2
    assert "communityplan report --help" in capsys.readouterr().err
    assert run("nonsense") == 2
    assert "No such command" in capsys.readouterr().err


def test_what_should_not_happen_leads_to_the_doctor(tmp_path, capsys, monkeypatch):
    def broken(_):
        raise RuntimeError("boom")

    monkeypatch.setattr("communityplan.cli.results.load_project", broken)
    assert run("map", "demo", "--lang", "en", "--out", str(tmp_path / "out")) == 1
    told = capsys.readouterr().err
    assert "boom" in told
    assert "communityplan doctor" in told
    assert "Traceback" not in told


def test_new_finds_the_tables_of_a_folder_and_the_project_runs(tmp_path, capsys):
    folder = tmp_path / "place"
    folder.mkdir()
    write_project(folder)
    (folder / "project.toml").unlink()
    (folder / "idle.geojson").rename(folder / "idle_buildings.geojson")
    assert run("new", str(folder), "--lang", "en", "--service", "market") == 0
    said = capsys.readouterr().out
    assert "lacking" not in said
    assert f"communityplan check {folder}" in said
    made = tomllib.loads((folder / "project.toml").read_text(encoding="utf-8"))
    assert made["inputs"]["homes"] == "homes.geojson"
    assert made["inputs"]["idle_buildings"] == "idle_buildings.geojson"
    assert made["project"]["name"] == "place"
    # the zone of the streets
    assert made["project"]["crs"].startswith("EPSG:326")
    assert run("check", str(folder), "--lang", "en") == 0
    assert run("evaluate", str(folder), "--out", str(tmp_path / "out"), "--lang", "en") == 0
    ledger = pd.read_csv(tmp_path / "out" / "ledger.csv")
    own = ledger[ledger["own_limit"]]
    # 80 residents, 30 of them 100 m and 50 of them 600 m (500 s) away, within 10 min
    assert own["covered"].tolist() == [80.0]


def test_new_takes_files_from_elsewhere_and_a_datum(tmp_path, capsys):
    source = tmp_path / "files"
    source.mkdir()
    write_project(source)
    homes = source / "楼栋 清单.csv"
    homes.write_text("home_id,community_id,residents,经度,纬度\na,c,30,117.0,39.0\n", "utf-8")
    folder = tmp_path / "place"
    call = ["new", str(folder), "--homes", str(homes), "--streets", str(source / "streets.geojson")]
    assert run(*call, "--datum", "gcj02", "--crs", "EPSG:4548", "--lang", "zh") == 0
    said = capsys.readouterr().out
    assert "communities.*" in said
    text = (folder / "project.toml").read_text(encoding="utf-8")
    made = tomllib.loads(text)
    assert made["inputs"]["homes"] == {"path": "../files/楼栋 清单.csv", "datum": "gcj02"}
    assert made["project"]["crs"] == "EPSG:4548"
    # these homes do not count older people
    assert made["services"]["elder_care"]["group"] == "residents"
    assert "住宅楼表没有 elderly 列" in text
    assert "【待补】小区" in text


def test_new_without_any_file_says_what_is_lacking(tmp_path, capsys):
    assert run("new", str(tmp_path / "empty"), "--lang", "en") == 0
    said = capsys.readouterr().out
    for name in ("communities.*", "homes.*", "facilities.*", "streets.*", "crs"):
        assert name in said
    assert run("check", str(tmp_path / "empty"), "--lang", "en") == 2
    assert "Mend the path" in capsys.readouterr().err


def test_new_replaces_nothing_unless_forced(tmp_path, capsys):
    file = write_project(tmp_path)
    before = file.read_text(encoding="utf-8")
    assert run("new", str(tmp_path)) == 2
    assert "--force" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == before
    assert run("new", str(tmp_path), "--force") == 0
    assert file.read_text(encoding="utf-8") != before
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--homes", "none.csv"], "there is no file none.csv"),
        (["--datum", "mars"], "--datum is 'mars'"),
        (["--service", "circus"], "no service circus; known are elder_care"),
    ],
)
def test_new_refuses_what_is_not_there(tmp_path, capsys, arguments, said):
    assert run("new", str(tmp_path / "place"), *arguments) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "place").exists()


def test_new_tells_what_it_could_not_read(tmp_path, capsys):
    (tmp_path / "homes.csv").write_text("home_id,community_id\n1,2\n")
    assert run("new", str(tmp_path), "--lang", "en") == 0
    said = capsys.readouterr().out
    assert "not read yet" in said
    assert "homes.csv" in said


def test_new_asks_at_a_terminal(tmp_path):
    source = tmp_path / "files"
    source.mkdir()
    write_project(source)
    asked = []

    def ask(question: str, default: str) -> str:
        asked.append(question)
        for word, name in (("communities", "communities"), ("streets", "streets")):
            if f"the {word}" in question and "no file" not in question and not seen(name):
                return str(source / "nowhere.csv") if name == "streets" else path_of(name)
            if f"the {word}" in question:
                return path_of(name)
        if question.startswith("Which services"):
            return "market, nonsense"
        return "Old Town" if question.startswith("What is") else default

    def path_of(name: str) -> str:
        return f'"{source / name}.geojson"'

    def seen(name: str) -> bool:
        return sum(f"the {name}" in question for question in asked) > 1

    begun = begin(tmp_path / "place", Asked(files={}, lang="en"), ask=ask)
    made = tomllib.loads(begun.file.read_text(encoding="utf-8"))
    assert made["project"]["name"] == "Old Town"
    assert made["inputs"]["streets"] == "../files/streets.geojson"
    assert made["evaluate"]["services"] == ["market"]
    assert any("There is no file" in question for question in asked)
    assert begun.lacking == ("homes.*", "facilities.*")


def test_the_comments_are_the_same_project_in_both_languages(tmp_path):
    files = {"homes": tmp_path / "a b.xlsx", "streets": tmp_path / 'st"reets\x7f.shp'}
    texts = {
        lang: project_text(
            Asked(files=files, name='老城 "东"\n', crs="EPSG:4548", datum="bd09", lang=lang),
            folder=tmp_path,
        )
        for lang in ("zh", "en")
    }
    read = {lang: tomllib.loads(text) for lang, text in texts.items()}
    assert read["zh"] == read["en"]
    assert read["zh"]["project"]["name"] == '老城 "东"\n'
    assert read["zh"]["inputs"]["streets"] == 'st"reets\x7f.shp'
    assert set(read["zh"]) <= set(KEYS)
    assert all("#" in texts[lang] for lang in texts)


def test_services_of_a_new_project_keep_their_source(tmp_path):
    file = write_project(tmp_path)
    assert run("new", str(tmp_path), "--force", "--service", "market") == 0
    text = file.read_text(encoding="utf-8").replace("elder_care", "market")
    file.write_text(text, encoding="utf-8")
    market = cp.load_project(tmp_path).services[0]
    assert market == cp.SERVICES["market"]


def test_the_doctor_finds_this_installation_well(tmp_path, capsys):
    out = tmp_path / "out"
    assert run("doctor", "--lang", "en", "--out", str(out)) == 0
    said = capsys.readouterr().out
    assert "Ready" in said
    assert "wrong" not in said
    assert "no browser is needed" in said
    assert not list(tmp_path.iterdir())


def test_the_doctor_tells_what_is_wrong_and_what_to_do(tmp_path, capsys, monkeypatch):
    (tmp_path / "out").write_text("in the way")
    monkeypatch.setattr(
        installation, "requires", lambda _: ["numpy>=999", "no-such-library>=1", "x; extra=='y'"]
    )
    monkeypatch.setattr(
        installation, "find_spec", lambda name: None if name in ("docx", "pyarrow") else object()
    )
    monkeypatch.setattr(installation, "COMPILED", ("no_such_module",))
    assert run("doctor", "--lang", "en", "--out", str(tmp_path / "out")) == 2
    said = " ".join(capsys.readouterr().out.split())
    assert "pip install -U 'numpy>=999' 'no-such-library>=1'" in said
    assert "no_such_module" in said
    assert "communityplan[office]" in said
    assert "communityplan[parquet]" in said
    assert "is a file" in said
    assert "Mend first" in said


def test_letters_that_a_terminal_lacks_end_no_command(tmp_path):
    write_project(tmp_path)
    code = "from communityplan.cli import main; main()"
    call = [sys.executable, "-c", code, "check", str(tmp_path), "--lang", "zh"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    found = subprocess.run(call, capture_output=True, env=environment, check=False)
    assert found.returncode == 0, found.stderr
    assert b"???" in found.stdout


def test_the_plan_command_writes_every_decision(tmp_path, capsys):
    project = whole_project(tmp_path / "p")
    assert run("plan", str(project), "--out", str(tmp_path / "out"), "--lang", "en") == 0
    said = capsys.readouterr().out
    assert "With the plan, community canteen within 10 min rises from 25.0% to 100.0%" in said
    assert "Of 3 items of the menu 2 are chosen, for 100 yuan" in said
    assert "Government: 120,060 yuan, 60.0 %" in said
    written = {file.name for file in (tmp_path / "out").iterdir()}
    assert {"report.html", "report.docx", "report.xlsx", "tables.gpkg", "map.html"} <= written
    assert {"before_after.html", "menu.csv", "consent.csv", "funding.csv"} <= written
    assert {"returns.csv", "phases.csv", "indicators.csv", "openings.csv"} <= written
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    # the order of a consultation: standards, investment, funding, long-term management
    parts = ["Check-up", "Costs, and the best use", "Who pays", "Long-term management", "Consent"]
    body = page[page.index("<main") :]
    places = [body.index(f"{part}") for part in parts]
    assert places == sorted(places)


def test_lists_of_a_plan_are_checked_too(tmp_path, capsys):
    project = whole_project(tmp_path / "p", **{"owners.csv": "房号,面积\n1,much\n"})
    assert run("check", str(project), "--lang", "en") == 2
    assert "owners.csv" in capsys.readouterr().err


def test_two_versions_are_compared(tmp_path, capsys):
    old = whole_project(tmp_path / "old")
    text = TEXT.replace("budget_yuan = 100\n", "budget_yuan = 60\n")
    new = whole_project(tmp_path / "new", text)
    options = ("--who", "residents", "--out", str(tmp_path / "out"), "--lang", "en")
    assert run("versions", str(old), str(new), *options) == 0
    assert "Menu: 0 added" in capsys.readouterr().out
    changes = pd.read_csv(tmp_path / "out" / "changes.csv")
    assert "lamp" in set(changes.loc[changes["table"] == "menu", "key"])
    assert run("versions", str(old), str(old), *options) == 0
    assert "do not differ" in capsys.readouterr().out


def test_a_plan_is_written_without_the_office_libraries(tmp_path, capsys, monkeypatch):
    from communityplan import report

    real = report.find_spec
    monkeypatch.setattr(
        report, "find_spec", lambda name: None if name in ("docx", "xlsxwriter") else real(name)
    )
    project = whole_project(tmp_path / "p")
    assert run("plan", str(project), "--out", str(tmp_path / "out"), "--lang", "en") == 0
    assert "xlsx, docx were left out" in capsys.readouterr().out
    written = {file.name for file in (tmp_path / "out").iterdir()}
    assert "report.html" in written
    assert not {"report.docx", "report.xlsx"} & written
