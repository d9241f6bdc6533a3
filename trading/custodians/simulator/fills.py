"""How an order fills: a function of the seed, the order's client id and the market, and of nothing else.

Large orders fill in two to five executions, a few small ones in two. A market order trades at the far touch or a
little worse, a limit order never worse than its limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from random import Random

from trading.custodians.simulator.records import PENNY, SHARE_STEP, Asset, Order

LARGE_QUANTITY = 200
SPLITTABLE_QUANTITY = 10
SMALL_SPLIT_RATE = 0.15
MOST_EXECUTIONS = 5
SLIPPAGE_BPS = (0, 0, 0, 1, 1, 2)
ONE_DOLLAR = Decimal(1)


@dataclass(frozen=True, slots=True)
class Slice:
    quantity: Decimal
    price: Decimal
    is_last: bool


def dice(seed: int, *words: object) -> Random:
    """Chance that is the same whenever the same thing is asked."""
    return Random(":".join(map(str, (seed, *words))))  # noqa: S311 - a market, not a secret


def tick(price: Decimal, increment: Decimal = PENNY) -> Decimal:
    """The minimum price variation (SEC Rule 612): the security's from a dollar up, a hundredth of a cent below."""
    return increment if price >= ONE_DOLLAR else Decimal("0.0001")


def is_marketable(order: Order, asset: Asset) -> bool:
    if order.limit_price is None:
        return True
    return order.limit_price >= asset.ask if order.side == "buy" else order.limit_price <= asset.bid


def delay_ns(seed: int, order: Order, base_ms: int) -> int:
    """The pause before the order's next step, within half of the base."""
    return int(base_ms * 1_000_000 * dice(seed, order.client_order_id, "delay", order.executions).uniform(0.5, 1.5))


def quantities(seed: int, client_order_id: str, quantity: Decimal, *, least: int = 1) -> list[Decimal]:
    """The sizes of the executions, in order, summing to the quantity; whole when the quantity is whole.

    As many as `least`, where there are shares enough.
    """
    chance = dice(seed, client_order_id, "sizes")
    parts = 1
    if quantity >= LARGE_QUANTITY:
        parts = chance.randint(2, MOST_EXECUTIONS)
    elif quantity >= SPLITTABLE_QUANTITY and chance.random() < SMALL_SPLIT_RATE:
        parts = 2
    parts = max(parts, least)
    step = Decimal(1) if quantity == quantity.to_integral_value() else SHARE_STEP
    marks = sorted(chance.uniform(0.1, 0.9) for _ in range(parts - 1))
    cuts = [(quantity * Decimal(str(mark))).quantize(step, ROUND_DOWN) for mark in marks]
    edges = [Decimal(0), *cuts, quantity]
    sizes = [after - before for before, after in pairwise(edges)]
    return [size for size in sizes if size]


def price_of(seed: int, order: Order, asset: Asset) -> Decimal:
    """The price of the order's next execution, on the tick; that of a fund is the one of the day."""
    if asset.at_nav:
        return asset.last
    touch = asset.ask if order.side == "buy" else asset.bid
    bps = dice(seed, order.client_order_id, "slippage", order.executions).choice(SLIPPAGE_BPS)
    slip = touch * bps / 10_000
    price = touch + slip if order.side == "buy" else touch - slip
    price = max(price.quantize(tick(price), ROUND_HALF_EVEN), tick(price))
    if order.limit_price is None:
        return price
    return min(price, order.limit_price) if order.side == "buy" else max(price, order.limit_price)


def next_slice(seed: int, order: Order, asset: Asset, *, least: int = 1) -> Slice:
    """The execution that comes next for a marketable order that is not yet filled, of at least so many."""
    price = price_of(seed, order, asset)
    if order.quantity is None:
        amount = order.notional or Decimal(0)
        return Slice(max((amount / price).quantize(SHARE_STEP, ROUND_DOWN), SHARE_STEP), price, is_last=True)
    if asset.at_nav:
        return Slice(order.leaves, price, is_last=True)
    sizes = quantities(seed, order.client_order_id, order.quantity, least=least)
    is_last = order.executions >= len(sizes) - 1 or sizes[order.executions] >= order.leaves
    return Slice(order.leaves if is_last else sizes[order.executions], price, is_last)
