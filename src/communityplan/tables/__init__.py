"""The contract of every table: its columns, their units, its geometry and its key.

`check` returns the table or raises one `TableError` that lists everything that is wrong with it.
All geometry is in one projected coordinate system in metres; keys are unique strings.
"""

from communityplan.tables.checking import (
    as_flags,
    check,
    find_problems,
    record,
    same_crs,
    used,
)
from communityplan.tables.contracts import (
    AREA,
    COMMUNITIES,
    FACILITIES,
    GATES,
    HOMES,
    IDLE_BUILDINGS,
    LINE,
    POINT,
    STREETS,
    TABLES,
    WALKS,
    WALLS,
    Column,
    Table,
)

__all__ = [
    "AREA",
    "COMMUNITIES",
    "FACILITIES",
    "GATES",
    "HOMES",
    "IDLE_BUILDINGS",
    "LINE",
    "POINT",
    "STREETS",
    "TABLES",
    "WALKS",
    "WALLS",
    "Column",
    "Table",
    "as_flags",
    "check",
    "find_problems",
    "record",
    "same_crs",
    "used",
]
