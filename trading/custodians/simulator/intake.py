"""What is asked of an order before it is accepted: its form, and what the account can pay or deliver."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from trading.custodians.simulator.errors import ApiError, bad_request, forbidden, unprocessable
from trading.custodians.simulator.fills import tick
from trading.custodians.simulator.records import ZERO, Account, Asset, Order, Position
from trading.custodians.simulator.render import plain

QUANTITY_PLACES = 9
EXECUTED_PLACES = 6
NOTIONAL_PLACES = 2
MAX_CLIENT_ORDER_ID = 128
SMALLEST_ORDER = Decimal(1)
BASIS_POINT = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Ticket:
    """A request for an order whose form is right."""

    client_order_id: str
    symbol: str
    side: str
    type: str
    quantity: Decimal | None
    notional: Decimal | None
    limit_price: Decimal | None


def _amount(body: Mapping[str, Any], name: str, places: int) -> Decimal | None:
    value = body.get(name)
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation as bad:
        raise unprocessable(f"invalid {name}") from bad
    if not number.is_finite() or number <= 0:
        raise unprocessable(f"{name} must be > 0")
    if -int(number.normalize().as_tuple().exponent) > places:
        raise unprocessable(f"{name} is limited to {places} decimal places")
    return number


def _word(body: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    value = body.get(name)
    if not value:
        raise unprocessable(f"{name} is required")
    if value not in allowed:
        raise unprocessable(f"invalid {name}: this market takes {', '.join(allowed)}")
    return str(value)


def _client_order_id(body: Mapping[str, Any]) -> str:
    given = body.get("client_order_id") or str(uuid.uuid4())
    if not isinstance(given, str) or len(given) > MAX_CLIENT_ORDER_ID:
        raise unprocessable(f"client_order_id must be no more than {MAX_CLIENT_ORDER_ID} characters")
    return given


def read_ticket(body: object) -> Ticket:
    """:raises ApiError: if the form is wrong"""
    if not isinstance(body, dict):
        raise bad_request("request body format error")
    kind = _word(body, "type", ("market", "limit"))
    _word(body, "time_in_force", ("day",))
    side = _word(body, "side", ("buy", "sell"))
    if not isinstance(body.get("symbol"), str) or not body["symbol"]:
        raise unprocessable("symbol is required")
    if body.get("order_class") not in {None, "", "simple"} or body.get("extended_hours"):
        raise unprocessable("this market takes simple orders for the regular session")
    quantity = _amount(body, "qty", QUANTITY_PLACES)
    notional = _amount(body, "notional", NOTIONAL_PLACES)
    if quantity and notional:
        raise bad_request("only one of qty or notional is accepted")
    if quantity is None and notional is None:
        raise unprocessable("qty or notional is required")
    limit_price = _amount(body, "limit_price", QUANTITY_PLACES)
    if (kind == "limit") != (limit_price is not None):
        raise unprocessable("limit orders require a limit price, and market orders take none")
    return Ticket(_client_order_id(body), body["symbol"], side, kind, quantity, notional, limit_price)


def check_asset(ticket: Ticket, asset: Asset) -> None:
    """:raises ApiError: if the security does not trade in this quantity or on this price"""
    fraction = ticket.notional is not None or (ticket.quantity or ZERO) % 1
    if fraction and not asset.fractionable:
        raise forbidden(f"requested asset is not fractionable: {asset.symbol}")
    if ticket.quantity and -int(ticket.quantity.normalize().as_tuple().exponent) > EXECUTED_PLACES:
        raise unprocessable(f"qty of {asset.symbol} executes in steps of one millionth of a share")
    if ticket.limit_price and ticket.limit_price % tick(ticket.limit_price, asset.increment):
        raise unprocessable(
            f"invalid limit_price {plain(ticket.limit_price)}. "
            "sub-penny increment does not fulfill minimum pricing criteria"
        )
    if asset.at_nav and ticket.limit_price:
        raise unprocessable(f"{asset.symbol} is priced once a day: it takes no limit")
    if ticket.side == "buy" and cost_of(ticket, asset, 0) < SMALLEST_ORDER:
        raise forbidden("cost basis must be >= minimal amount of order 1")


def hold_unit(ticket: Ticket, asset: Asset, buffer_bps: int) -> Decimal:
    """The price per share that is held for the order: its limit, or the far touch with a margin for a buy."""
    if ticket.limit_price is not None:
        return ticket.limit_price
    if ticket.side == "sell":
        return asset.bid
    return asset.ask * (1 + buffer_bps * BASIS_POINT)


def cost_of(ticket: Ticket, asset: Asset, buffer_bps: int) -> Decimal:
    if ticket.notional is not None:
        return ticket.notional
    return (ticket.quantity or ZERO) * hold_unit(ticket, asset, buffer_bps)


def check_opposite(ticket: Ticket, open_orders: list[Order]) -> None:
    """:raises ApiError: if the order could trade with another of the account"""
    for other in open_orders:
        if other.symbol != ticket.symbol or other.side == ticket.side:
            continue
        if not _could_meet(ticket, other):
            continue
        raise forbidden(
            "potential wash trade detected. use complex orders",
            {"reject_reason": "opposite side order exists", "existing_order_id": other.id},
        )


def _could_meet(ticket: Ticket, other: Order) -> bool:
    if ticket.limit_price is None or other.limit_price is None:
        return True
    buy, sell = ticket.limit_price, other.limit_price
    return buy >= sell if ticket.side == "buy" else sell >= buy


def check_buying_power(account: Account, cost: Decimal, open_orders: list[Order]) -> None:
    """:raises ApiError: if the cash that is not held for other buys does not pay for it"""
    power = account.cash - sum((order.held for order in open_orders if order.side == "buy"), ZERO)
    if cost > power:
        raise forbidden(
            "insufficient buying power", {"buying_power": plain(max(power, ZERO)), "cost_basis": plain(cost)}
        )


def check_quantity(order: Order, position: Position, open_orders: list[Order]) -> None:
    """:raises ApiError: if the shares that are not held for other sells do not cover it"""
    held = sum((other.held for other in open_orders if (other.side, other.symbol) == ("sell", order.symbol)), ZERO)
    available = max(position.quantity - held, ZERO)
    if order.leaves > available:
        raise forbidden(
            f"insufficient qty available for order (requested: {plain(order.leaves)}, available: {plain(available)})",
            {
                "symbol": order.symbol,
                "available": plain(available),
                "existing_qty": plain(position.quantity),
                "held_for_orders": plain(held),
            },
        )


def check_account(account: Account) -> None:
    """:raises ApiError: if the account may not trade"""
    if account.status != "ACTIVE":
        raise ApiError(403, 40310000, "account is not authorized to trade")
