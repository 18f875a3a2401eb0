"""The commands as a person runs them: what is printed, written and refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from communityplan.cli import main
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
