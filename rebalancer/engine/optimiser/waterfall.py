"""The rule waterfall of one account: cash that is missing first, then buys with cash that is there, then sales of what
is overweight by least tax to pay for the other buys."""

from __future__ import annotations

from dataclasses import dataclass

from rebalancer.engine.book_tables import MICRO
from rebalancer.engine.optimiser.buys import MARGIN, buy_with, most_wanted, outlay, steps_to
from rebalancer.engine.optimiser.facts import Facts, Holding, Reader
from rebalancer.engine.optimiser.goals import set_goals
from rebalancer.engine.optimiser.sales import Seller, sell_for
from rebalancer.engine.optimiser.wash import Guard
from rebalancer.engine.policy import Preset
from rebalancer.engine.triggers import Mode

FEE_BOUND_PER_MILLION = 60
"""More than the regulators ever took of a sale; the exact fee is charged when the trade is written down."""


SALE_PASSES = 4
"""A sale that finds fewer lots than its limit promised lowers the limit, and the sales are shared out again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the waterfall came to, beside the quantities it left in the holdings."""

    raising: int
    """Micro-dollars of cash that were missing at the start."""
    raises_only: bool
    """Nothing else was to be done."""
    too_small: bool
    """Trades were dropped because together they did not exceed the policy's minimum."""
    seller: Seller


def run(facts: Facts, reader: Reader, guard: Guard, mode: Mode) -> Outcome:
    """Decide `buy`, `sell` and `lots_sold` of every holding; the guard is not changed.

    RAISE_CASH sells just what is missing, least tax first; INVEST_CASH sells nothing unless cash is missing.
    """
    set_goals(facts, reader.drift)
    buyable = [] if mode is Mode.RAISE_CASH else _buyable(facts, guard)
    seller = Seller(facts, reader, guard, wanted={holding.group for holding in buyable})
    for _ in range(SALE_PASSES):
        for holding in facts.holdings:
            holding.sell = 0
        _sell(facts, seller, buyable, mode)
        _raise_the_rest(facts, seller)
        if _lots_are_found(facts, seller):
            break
    available = facts.free + sum(proceeds(facts, holding) for holding in facts.holdings)
    buy_with(facts, buyable, available - facts.reserve, available - facts.cash_target)
    return Outcome(facts.must_raise, mode is not Mode.FULL, _drop_if_too_small(facts, mode), seller)


def proceeds(facts: Facts, holding: Holding) -> int:
    """Micro-dollars that a sale brings at least, after its costs."""
    if not holding.sell:
        return 0
    gross = holding.worth(holding.sell)
    costs = holding.spread(holding.sell) + int(facts.policy.commission * MICRO) + MARGIN
    return gross - costs - gross * FEE_BOUND_PER_MILLION // MICRO - 10_000


def overweight(holding: Holding, limit: int) -> int:
    """Micro-shares to sell so that the holding comes nearest to its goal; all whole steps where the goal is nothing."""
    wanted = steps_to(holding.value - holding.goal, holding)
    return min(limit, limit if holding.goal == 0 else wanted)


def _buyable(facts: Facts, guard: Guard) -> list[Holding]:
    """What is below its goal and may be bought, as far as a smallest trade goes."""
    return [
        holding
        for holding in facts.holdings
        if not holding.buy_bar and guard.may_buy(holding.group) and holding.goal > holding.value
        if most_wanted(facts, holding)
    ]


def _sell(facts: Facts, seller: Seller, buyable: list[Holding], mode: Mode) -> None:
    """Sell overweights for what buys and the cash target need beyond the cash there is."""
    needed = sum(outlay(facts, holding, most_wanted(facts, holding)) for holding in buyable)
    needed += facts.cash_target - facts.free
    if mode is not Mode.FULL:
        needed = 0
    needed = max(needed, facts.must_raise)
    if needed <= 0:
        return
    over = [holding for holding in facts.holdings if holding.value > holding.goal]
    offers = [(holding, overweight(holding, seller.limit(holding))) for holding in over]
    sell_for(seller, [offer for offer in offers if offer[1] and offer[0].worth(offer[1]) >= facts.minimum], needed)


def _raise_the_rest(facts: Facts, seller: Seller) -> None:
    """Where overweights do not bring the cash that is missing, anything that may be sold does."""
    missing = facts.must_raise - sum(proceeds(facts, holding) for holding in facts.holdings)
    if facts.must_raise <= 0 or missing <= 0:
        return
    offers = [(holding, seller.limit(holding)) for holding in facts.holdings]
    sell_for(seller, [(holding, most) for holding, most in offers if most > holding.sell], missing + MARGIN)


def _lots_are_found(facts: Facts, seller: Seller) -> bool:
    """Set `lots_sold`; False where the wash guard left a sale with fewer lots, which then is what is sold."""
    complete = True
    for holding in facts.holdings:
        holding.lots_sold = seller.choose(holding, holding.sell) if holding.sell else []
        found = sum(quantity for _, quantity in holding.lots_sold) // holding.step * holding.step
        if found < holding.sell:
            complete = False
            seller.lower(holding, found)
            holding.sell = found if holding.worth(found) >= facts.minimum else 0
            holding.lots_sold = seller.choose(holding, holding.sell) if holding.sell else []
            if sum(quantity for _, quantity in holding.lots_sold) != holding.sell:
                holding.sell, holding.lots_sold = 0, []
    return complete


def _drop_if_too_small(facts: Facts, mode: Mode) -> bool:
    """The last condition of the HYBRID preset: trades together exceed the minimum. Missing cash is raised anyway."""
    if facts.policy.trigger is not Preset.HYBRID or mode is not Mode.FULL or facts.must_raise > 0:
        return False
    turnover = sum(holding.worth(holding.buy + holding.sell) for holding in facts.holdings)
    if turnover == 0 or turnover > int(facts.policy.minimum_trades_weight * facts.value):
        return False
    for holding in facts.holdings:
        holding.buy, holding.sell, holding.lots_sold = 0, 0, []
    return True
