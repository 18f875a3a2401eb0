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
    WALKS,
    WALLS,
    Column,
    Table,
)
from communityplan.tables.contracts import TABLES as _PLACED
from communityplan.tables.papers import OPERATION, OWNERS, PRICES, SOURCES, USES, VOTES

TABLES = {
    **_PLACED,
    **{table.name: table for table in (OWNERS, VOTES, USES, SOURCES, OPERATION, PRICES)},
}
"""Every contract by the name of its table."""

__all__ = [
    "AREA",
    "COMMUNITIES",
    "FACILITIES",
    "GATES",
    "HOMES",
    "IDLE_BUILDINGS",
    "LINE",
    "OPERATION",
    "OWNERS",
    "POINT",
    "PRICES",
    "SOURCES",
    "STREETS",
    "TABLES",
    "USES",
    "VOTES",
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
