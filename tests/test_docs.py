"""Pages that are made from the code say what the code says."""

from __future__ import annotations

from pathlib import Path

from communityplan.tables import TABLES

PAGE = Path(__file__).parents[1] / "docs" / "tables.md"


def contract_page() -> str:
    """The data contract as a page."""
    said = [
        "# Data contract",
        "",
        "Keys are unique text; all geometry is in one projected system in metres; units are in",
        "the names. Other columns are carried along. Made from `communityplan.tables`.",
    ]
    for table in TABLES.values():
        shape = " or ".join(table.geometry) or "none"
        said += ["", f"## {table.name} {table.zh}", "", f"Geometry: {shape}."]
        said += ["", "| column | 中文 | holds | unit | |", "|---|---|---|---|---|"]
        for name, column in table.columns.items():
            need = "key" if name == table.key else "required" if name in table.required else ""
            said.append(f"| `{name}` | {column.zh} | {column.meaning} | {column.unit} | {need} |")
    return "\n".join(said) + "\n"


def test_the_data_contract_is_the_one_of_the_code():
    assert PAGE.read_text(encoding="utf-8") == contract_page()
