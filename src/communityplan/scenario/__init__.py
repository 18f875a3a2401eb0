"""What-if: open a gate, take down a wall, add a path, a facility or a lift; before and after.

A scenario changes copies of the tables and builds their network anew. Homes and facilities keep
the joining points they had and may only add better ones, so what only opens never makes a walk
longer or a coverage smaller.
"""

from communityplan.scenario.access import nearest_by_home
from communityplan.scenario.changes import apply
from communityplan.scenario.comparison import compare, comparison_totals
from communityplan.scenario.contiguity import adjoining
from communityplan.scenario.joint import (
    JointUnits,
    UnitSize,
    centres_among,
    joint_units,
    unit_size,
)
from communityplan.scenario.making import (
    add_crossing,
    add_facility,
    add_gate,
    add_lift,
    add_path,
    close_gate,
    open_gate,
    remove_wall,
    retime_gate,
)
from communityplan.scenario.measures import (
    AddFacility,
    AddGate,
    AddLift,
    AddPath,
    CloseGate,
    Measure,
    OpenGate,
    RemoveWall,
    RetimeGate,
    Scenario,
)
from communityplan.scenario.ranking import opening_scenario, rank_openings
from communityplan.scenario.situation import Situation, situation

__all__ = [
    "AddFacility",
    "AddGate",
    "AddLift",
    "AddPath",
    "CloseGate",
    "JointUnits",
    "Measure",
    "OpenGate",
    "RemoveWall",
    "RetimeGate",
    "Scenario",
    "Situation",
    "UnitSize",
    "add_crossing",
    "add_facility",
    "add_gate",
    "add_lift",
    "add_path",
    "adjoining",
    "apply",
    "centres_among",
    "close_gate",
    "compare",
    "comparison_totals",
    "joint_units",
    "nearest_by_home",
    "open_gate",
    "opening_scenario",
    "rank_openings",
    "remove_wall",
    "retime_gate",
    "situation",
    "unit_size",
]
