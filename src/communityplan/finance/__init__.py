"""Money: who pays, what a service costs and earns each year, when it pays back, what balances.

No price is built in. Where an amount is not given the result is missing (NaN) for whatever needs
it, and `missing_amounts` lists what to ask for; an amount of nothing is written as 0. Amounts are
in yuan; a rate is a fraction (0.05 for 5 %) on the same footing as the amounts: without inflation
where these are at today's prices.
"""

from communityplan.finance.cash import CASES, cash_flow, missing_amounts
from communityplan.finance.chosen import Money, choice_money
from communityplan.finance.funding import PAYERS, ShareRule, share_rules, sources_and_uses
from communityplan.finance.portfolio import balance, balancing_groups
from communityplan.finance.returns import payback

__all__ = [
    "CASES",
    "PAYERS",
    "Money",
    "ShareRule",
    "balance",
    "balancing_groups",
    "cash_flow",
    "choice_money",
    "missing_amounts",
    "payback",
    "share_rules",
    "sources_and_uses",
]
