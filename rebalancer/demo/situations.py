"""What a real book has on any day: too much cash, too little, a basis that nobody knows, a loss to harvest, and so on.

A situation first bends what an account is to hold, before the lots are bought (BEFORE), and then adds what follows
from it (AFTER).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from rebalancer.demo.book import DemoFlow, DemoRange, DemoReserve, DemoRestriction
from rebalancer.demo.drafts import Desk, Draft, new_lot, payment, trade
from rebalancer.demo.securities import LEGACY_STOCKS, STALE_SYMBOL
from rebalancer.engine import calendars
from rebalancer.engine.money import cents, times

_YEAR = 252
_SUBSTITUTES: Mapping[str, str] = {
    "VTI": "SCHB",
    "ITOT": "SCHB",
    "VEA": "IEFA",
    "IEFA": "VEA",
    "BND": "LQD",
    "AGG": "LQD",
}
_REASONS = (
    "Inherited from her father; the client will not part with it",
    "Low basis, kept for the step-up at death",
    "The client works for the company",
)


@dataclass(frozen=True, slots=True)
class Situation:
    """`count` accounts of 600 are in it. Taxable accounts alone where it is about taxes."""

    code: str
    count: int
    is_for_taxable: bool = False
    needs_terms: bool = False


SITUATIONS: tuple[Situation, ...] = (
    Situation("HIGH_CASH", 24),
    Situation("NEGATIVE_CASH", 6, is_for_taxable=True),
    Situation("MISSING_BASIS", 9, is_for_taxable=True),
    Situation("STALE_PRICE", 5),
    Situation("NO_SELL", 14, is_for_taxable=True),
    Situation("WITHDRAWAL_DUE", 15),
    Situation("HARVESTABLE", 30, is_for_taxable=True),
    Situation("WASH_WINDOW", 12, is_for_taxable=True, needs_terms=True),
    Situation("CONCENTRATED", 9, is_for_taxable=True),
    Situation("UNSETTLED_SALE", 12),
    Situation("RESERVE", 30),
    Situation("DRIFTED", 150),
)


def _round_down(amount: Decimal, step: int) -> Decimal:
    return Decimal(int(amount / step) * step)


def _scale(draft: Draft, rest: float) -> None:
    """Shrink or stretch all weights so that they fill `rest` of the account."""
    total = sum(draft.weights.values())
    draft.weights = {symbol: weight * rest / total for symbol, weight in draft.weights.items()}


def _invested(draft: Draft) -> float:
    return sum(draft.weights.values())


def _add(draft: Draft, symbol: str, weight: float) -> None:
    rest = _invested(draft)
    _scale(draft, rest - weight)
    draft.weights[symbol] = draft.weights.get(symbol, 0.0) + weight


def _before_high_cash(draft: Draft, desk: Desk) -> None:
    _scale(draft, 1 - desk.uniform(0.07, 0.20))


def _after_high_cash(draft: Draft, desk: Desk) -> None:
    at = desk.market.last - int(desk.rng.integers(2, 12))
    amount = _round_down(draft.cash * Decimal("0.8"), 100)
    draft.transactions.append(payment(desk, "CONTRIBUTION", at, amount, text="Deposit by the client"))


def _after_negative_cash(draft: Draft, desk: Desk) -> None:
    draft.cash = -cents(Decimal(int(desk.uniform(20_000, 450_000))).scaleb(-2))


def _after_missing_basis(draft: Draft, _: Desk) -> None:
    oldest = min(range(len(draft.lots)), key=lambda index: draft.lots[index].acquired_on)
    draft.lots[oldest] = replace(draft.lots[oldest], cost_basis=None)


def _before_stale_price(draft: Draft, desk: Desk) -> None:
    _add(draft, STALE_SYMBOL, desk.uniform(0.03, 0.05))


def _before_no_sell(draft: Draft, desk: Desk) -> None:
    symbol = str(desk.rng.choice(LEGACY_STOCKS))
    _add(draft, symbol, desk.uniform(0.04, 0.08))
    draft.bought[symbol] = [int(desk.rng.integers(0, 5 * _YEAR))]


def _after_no_sell(draft: Draft, desk: Desk) -> None:
    symbol = next(symbol for symbol in LEGACY_STOCKS if symbol in draft.weights)
    draft.restrictions.append(DemoRestriction("NO_SELL", symbol, str(desk.rng.choice(_REASONS))))


def _after_withdrawal_due(draft: Draft, desk: Desk) -> None:
    is_ira = draft.registration == "TRADITIONAL_IRA"
    due_on = calendars.previous_session(desk.as_of + timedelta(days=int(desk.rng.integers(6, 26))))
    amount = -max(Decimal(500), desk.dollars(0.03 * draft.value, 0.07 * draft.value))
    draft.flows.append(DemoFlow("Required distribution" if is_ira else "Withdrawal by the client", due_on, amount))


def _before_harvestable(draft: Draft, desk: Desk) -> None:
    """The two funds that fell most since some day of the last three years were bought on that day."""
    market, falls = desk.market, list[tuple[float, str, int]]()
    for symbol in draft.weights:
        window = market.closes[-3 * _YEAR : -20, market.columns[symbol]]
        top = int(window.argmax())
        now = float(market.price(symbol))
        falls.append((window[top] / 100 / now, symbol, top + market.last + 1 - 3 * _YEAR))
    for _, symbol, session in sorted(falls, reverse=True)[:2]:
        draft.bought[symbol] = [max(0, session - int(desk.rng.integers(1, 8))), session]


def _before_wash_window(draft: Draft, _: Desk) -> None:
    symbol = _sold_at_loss(draft)
    draft.weights[_SUBSTITUTES[symbol]] = draft.weights.pop(symbol)


def _after_wash_window(draft: Draft, desk: Desk) -> None:
    """A fund was sold at a loss a few days ago and another bought for it: the first may not be bought back yet."""
    substitute = next(symbol for symbol in draft.weights if symbol in _SUBSTITUTES.values())
    symbol = next(sold for sold, bought in _SUBSTITUTES.items() if bought == substitute and sold not in draft.weights)
    session = desk.market.last - int(desk.rng.integers(4, 16))
    held = sum((lot.quantity for lot in draft.lots if lot.symbol == substitute), Decimal(0)).to_integral_value()
    draft.lots = [lot for lot in draft.lots if lot.symbol != substitute]
    draft.lots.append(new_lot(desk, substitute, held, session))
    worth = times(held, desk.market.close(substitute, session))
    sold = max(Decimal(1), (worth / desk.market.close(symbol, session)).to_integral_value())
    proceeds = cents(times(sold, desk.market.close(symbol, session)))
    loss = cents(-proceeds * Decimal(int(desk.rng.integers(30, 110))).scaleb(-3))
    draft.transactions.append(trade(desk, symbol, -sold, session, short=loss))
    draft.transactions.append(trade(desk, substitute, held, session))


def _sold_at_loss(draft: Draft) -> str:
    known = [symbol for symbol in draft.weights if symbol in _SUBSTITUTES]
    return max(known, key=lambda symbol: draft.weights[symbol])


def _before_concentrated(draft: Draft, desk: Desk) -> None:
    symbol = str(desk.rng.choice(LEGACY_STOCKS))
    _add(draft, symbol, desk.uniform(0.25, 0.45))
    draft.bought[symbol] = sorted(int(at) for at in desk.rng.integers(0, 2 * _YEAR, 2))


def _after_concentrated(draft: Draft, _: Desk) -> None:
    """The stock may go, but not all of it."""
    symbol = next(symbol for symbol in LEGACY_STOCKS if symbol in draft.weights)
    held = sum((lot.quantity for lot in draft.lots if lot.symbol == symbol), Decimal(0))
    draft.ranges.append(DemoRange(symbol, max(_round_down(held / 10, 10), Decimal(1)), "Shares of the first employer"))


def _before_unsettled_sale(draft: Draft, _: Desk) -> None:
    _scale(draft, _invested(draft) - 0.02)


def _after_unsettled_sale(draft: Draft, desk: Desk) -> None:
    symbol = max(draft.weights, key=lambda held: draft.weights[held])
    sold = max(Decimal(1), Decimal(int(0.02 * draft.value / float(desk.market.price(symbol)))))
    move = trade(desk, symbol, -sold, desk.market.last, long=cents(sold * desk.market.price(symbol) * Decimal("0.2")))
    draft.transactions.append(move)
    draft.unsettled = move.amount


def _before_reserve(draft: Draft, desk: Desk) -> None:
    _scale(draft, 1 - desk.uniform(0.04, 0.08))


def _after_reserve(draft: Draft, _: Desk) -> None:
    amount = max(Decimal(500), _round_down(draft.cash * Decimal("0.8"), 500))
    draft.reserves.append(DemoReserve("Living expenses", amount, _round_down(amount / 5, 100)))


def _before_drifted(draft: Draft, desk: Desk) -> None:
    total = _invested(draft)
    for symbol in draft.weights:
        draft.weights[symbol] *= float(desk.rng.lognormal(0.0, 0.30))
    _scale(draft, total)


Step = Callable[[Draft, Desk], None]

BEFORE: Mapping[str, Step] = {
    "HIGH_CASH": _before_high_cash,
    "STALE_PRICE": _before_stale_price,
    "NO_SELL": _before_no_sell,
    "HARVESTABLE": _before_harvestable,
    "WASH_WINDOW": _before_wash_window,
    "CONCENTRATED": _before_concentrated,
    "UNSETTLED_SALE": _before_unsettled_sale,
    "RESERVE": _before_reserve,
    "DRIFTED": _before_drifted,
}

AFTER: Mapping[str, Step] = {
    "HIGH_CASH": _after_high_cash,
    "NEGATIVE_CASH": _after_negative_cash,
    "MISSING_BASIS": _after_missing_basis,
    "CONCENTRATED": _after_concentrated,
    "NO_SELL": _after_no_sell,
    "WITHDRAWAL_DUE": _after_withdrawal_due,
    "WASH_WINDOW": _after_wash_window,
    "UNSETTLED_SALE": _after_unsettled_sale,
    "RESERVE": _after_reserve,
}
