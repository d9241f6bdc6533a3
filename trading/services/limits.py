"""What an order asks of the market: a marketable limit at the far side of the quote, on an allowed tick."""

from __future__ import annotations

from decimal import Decimal

from portfolios.models.securities import SecurityKind
from portfolios.selectors.quotes import Quote
from rebalancer.engine.fees import Side
from rebalancer.engine.money import times
from rebalancer.engine.orders import SUB_DOLLAR, to_increment
from trading.models import Order

COLLAR_WEIGHT = Decimal("0.001")
"""How far through the far side of the quote a limit may reach: ten basis points."""


def marketable_limit(side: Side, quote: Quote, increment: Decimal | None = None) -> Decimal:
    """The ask plus the collar for a buy, the bid minus it for a sale, on the tick that is better for the client.

    The `increment` is the step of prices that is assigned to the security on the day; none is the penny. Nothing is
    quoted below the smallest step, so a quote there is taken to be the step.
    """
    far = quote.ask if side is Side.BUY else quote.bid
    reach = 1 + COLLAR_WEIGHT if side is Side.BUY else 1 - COLLAR_WEIGHT
    return to_increment(max(times(far, reach), SUB_DOLLAR), side, increment)


def kind_of(security_kind: str) -> str:
    """Funds that are priced once a day take no limit."""
    return Order.Kind.MARKET if security_kind == SecurityKind.MUTUAL_FUND else Order.Kind.LIMIT
