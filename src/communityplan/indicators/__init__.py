"""Indicators: user-defined figures in aspects, before, target and after, with their source.

The five published aspects are the template; the published indicators themselves are not public, so
the ones proposed here are this package's own and marked so.
"""

from communityplan.indicators.filling import (
    fill_indicators,
    indicator_states,
    indicator_table,
    write_indicators,
)
from communityplan.indicators.formulas import MEASURES
from communityplan.indicators.listing import (
    ASPECTS,
    INDICATORS,
    check_indicators,
    indicator_template,
    read_indicators,
)

__all__ = [
    "ASPECTS",
    "INDICATORS",
    "MEASURES",
    "check_indicators",
    "fill_indicators",
    "indicator_states",
    "indicator_table",
    "indicator_template",
    "read_indicators",
    "write_indicators",
]
