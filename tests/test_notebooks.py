"""Every notebook runs from its first cell to its last."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import pytest

import communityplan as cp

FOLDER = Path(__file__).parents[1] / "notebooks"


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.ipynb")), ids=lambda file: file.stem)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_notebook_runs(file, tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    notebook = nbformat.read(file, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert cells
    assert cells[-1].outputs, "a notebook ends in something to look at"


def test_a_network_shows_itself():
    network = cp.load_project("demo").network()
    shown = network._repr_html_()
    walked = network.edges[network.edges["kind"] != "gate"]
    assert f"<b>{len(walked)}</b>" in shown
    assert f"<b>{walked['length_m'].sum() / 1000:.1f} km</b>" in shown
    # the synthetic district: gates that the file of gates names
    assert f"<b>{len(cp.load_project('demo').gates)}</b>" in shown
    # one part for each place that nobody can walk to from another
    parts = nx.number_connected_components(
        nx.Graph(list(zip(network.edges["u"], network.edges["v"], strict=True)))
    )
    assert f"<b>{parts}</b>" in shown
    assert "<svg" in shown
    assert "http" not in shown.replace('xmlns="http://www.w3.org/2000/svg"', "")
