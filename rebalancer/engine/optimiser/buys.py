"""What is bought with the cash there is: whole steps, the deepest shortfalls first, no trade below the minimum."""

from __future__ import annotations

from collections.abc import Sequence

from rebalancer.engine.book_tables import MICRO
from rebalancer.engine.optimiser.facts import Facts, Holding

MARGIN = 20_000
"""Micro-dollars kept back for each trade, since amounts and costs are charged in whole cents."""


def steps_to(amount: int, holding: Holding) -> int:
    """Micro-shares, in whole steps, whose worth is nearest to the amount."""
    return (2 * amount * MICRO + holding.price * holding.step) // (2 * holding.price * holding.step) * holding.step


def most_wanted(facts: Facts, holding: Holding) -> int:
    """Micro-shares of the buy that comes nearest to the goal; zero where that is below the smallest trade."""
    wanted = steps_to(holding.goal - holding.value, holding)
    if holding.cap is not None:
        wanted = min(wanted, holding.cap)
    return wanted if holding.worth(wanted) >= facts.minimum else 0


def outlay(facts: Facts, holding: Holding, quantity: int) -> int:
    """Micro-dollars that a buy takes out of cash, costs and the cents' margin included."""
    if not quantity:
        return 0
    commission = int(facts.policy.commission * MICRO)
    return holding.worth(quantity) + holding.spread(quantity) + commission + MARGIN


def buy_with(facts: Facts, candidates: Sequence[Holding], funds: int, spare: int) -> None:
    """Set `buy` of the candidates.

    :param funds: micro-dollars that may be spent
    :param spare: what of that lies above the cash target; steps beyond it are taken only where they lessen the drift
    """
    if funds <= 0:
        return
    wanted = {holding.security: most_wanted(facts, holding) for holding in candidates}
    chosen = [holding for holding in candidates if wanted[holding.security]]
    level = _level([holding.worth(wanted[holding.security]) for holding in chosen], max(min(funds, spare), 0))
    for holding in chosen:
        amount = max(holding.worth(wanted[holding.security]) - level, 0)
        quantity = min(amount * MICRO // (holding.price * holding.step) * holding.step, wanted[holding.security])
        if holding.worth(quantity) >= facts.minimum and outlay(facts, holding, quantity) <= funds:
            holding.buy = quantity
            funds -= outlay(facts, holding, quantity)
            spare -= outlay(facts, holding, quantity)
    _top_up(facts, chosen, wanted, funds, spare)


def _level(gaps: Sequence[int], funds: int) -> int:
    """The shortfall that stays everywhere when funds fill the deepest first; zero when they suffice for all."""
    if sum(gaps) <= funds:
        return 0
    running = 0
    deepest = sorted(gaps, reverse=True)
    for count, gap in enumerate(deepest, start=1):
        running += gap
        level = (running - funds) // count
        if count == len(deepest) or level >= deepest[count]:
            return max(level, 0)
    return 0


def _top_up(facts: Facts, chosen: Sequence[Holding], wanted: dict[int, int], funds: int, spare: int) -> None:
    """Spend what is left over, a step at a time on the deepest shortfall, as long as drift gets less."""
    open_holdings = list(chosen)
    while open_holdings:
        holding = max(open_holdings, key=lambda one: (one.worth(wanted[one.security] - one.buy), -one.security))
        more = _next_size(facts, holding, wanted[holding.security], funds)
        price = outlay(facts, holding, holding.buy + more) - outlay(facts, holding, holding.buy)
        gap = holding.goal - holding.value - holding.worth(holding.buy)
        gained = abs(gap) - abs(gap - holding.worth(more)) + abs(spare) - abs(spare - price)
        if not more or price > funds or gained <= 0 or holding.worth(holding.buy + more) < facts.minimum:
            open_holdings.remove(holding)
            continue
        holding.buy += more
        funds -= price
        spare -= price


def _next_size(facts: Facts, holding: Holding, wanted: int, funds: int) -> int:
    """One step more, or a whole smallest trade where nothing is bought yet; of fractions as much as funds allow."""
    if holding.step == 1:
        affordable = (funds - outlay(facts, holding, 1)) * MICRO // (holding.price + holding.half_spread)
        return min(wanted - holding.buy, max(affordable, 0))
    if holding.buy:
        return min(holding.step, wanted - holding.buy)
    smallest = -(-facts.minimum * MICRO // (holding.price * holding.step)) * holding.step
    return smallest if smallest <= wanted else 0
