"""Which of the engine's decisions may be proposed: they foot, and they are worth what they cost."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from portfolios.services.signals import Outcome
from rebalancer.engine.breaches import BreachCode
from rebalancer.engine.checks import Checker
from rebalancer.engine.cost_benefit import not_worth_it
from rebalancer.engine.joint_decisions import fallen_with
from rebalancer.engine.optimiser.decision import Decision

log = logging.getLogger(__name__)

CHECK_FAILED = Outcome(
    "CHECK_FAILED", "The trades found for it failed our own checks and were not proposed; this is reported."
)


def too_dear(checker: Checker, decisions: Sequence[Decision], asked: AbstractSet[str]) -> dict[str, str]:
    """Why trades are left undone that cost more than they are worth, by account id.

    Trades without whose losses their household would not keep its budgets stay.

    :param asked: ids of the accounts whose policy weighs its trades
    """
    dear = not_worth_it(checker.book, decisions, asked)
    if not dear or checker.book.taxes is None:
        return dear
    accounts = checker.book.accounts
    household_of = dict(zip(accounts.account_id, accounts.household.tolist(), strict=True))
    breaches = checker.check_all([one for one in decisions if one.account_id not in dear])
    needing = {
        household_of[account]
        for account, found in breaches.items()
        if any(one.code is BreachCode.BUDGET for one in found)
    }
    return {account: sentence for account, sentence in dear.items() if household_of[account] not in needing}


def unsound(checker: Checker, decisions: Sequence[Decision]) -> frozenset[str]:
    """Ids of the accounts whose trades do not foot, or stand with such ones; each is logged, for it is our defect."""
    breaches = checker.check_all(decisions)
    for account, what in breaches.items():
        log.error("account %s: the engine's decision does not foot: %s", account, what)
    return fallen_with(checker.book, decisions, breaches.keys())


def outcome_of(decision: Decision, failing: AbstractSet[str], dear: Mapping[str, str]) -> Outcome:
    """What is said of a due account's decision."""
    if decision.account_id in failing:
        return CHECK_FAILED
    if decision.account_id in dear:
        return Outcome("NOT_WORTH_COST", dear[decision.account_id])
    return Outcome("PROPOSED") if decision.trades else _left_alone(decision)


def _left_alone(decision: Decision) -> Outcome:
    """Why a due account has no trades: what was said of the account as a whole, or of its securities."""
    said = sorted(decision.skipped, key=lambda one: one.symbol is not None)
    if not said:
        return Outcome("NO_TRADES", "No trade brings it nearer to its target.")
    return Outcome(said[0].reason.value, " ".join(one.sentence for one in said[:3]))
