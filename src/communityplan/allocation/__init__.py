"""Which sites to open: exact covering, median and center models, and the real programme.

Every model says what it optimises and in which unit, what no choice can beat, and how far from
that it is; everything is counted in people, not in points.
"""

from communityplan.allocation.choice import Choice
from communityplan.allocation.covering import maximal_covering, set_covering
from communityplan.allocation.median import p_center, p_median
from communityplan.allocation.programme import choose_programme
from communityplan.allocation.sites import choose_sites

__all__ = [
    "Choice",
    "choose_programme",
    "choose_sites",
    "maximal_covering",
    "p_center",
    "p_median",
    "set_covering",
]
