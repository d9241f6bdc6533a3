"""The simulator's values in Alpaca's shapes: decimals as strings, moments with nanoseconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from rebalancer.engine import calendars
from rebalancer.engine.money import cents
from trading.custodians.simulator.clock import BILLION, market_date, moment, next_open_and_close, trade_date
from trading.custodians.simulator.records import ZERO, Account, Asset, Execution, Order, Position

AVERAGE_PRICE_STEP = Decimal("0.000001")
RATIO_STEP = Decimal("0.0000000001")


def plain(number: Decimal) -> str:
    """Without an exponent and without trailing zeros."""
    return f"{number.normalize():f}" if number else "0"


def _optional(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)


def stamp(at_ns: int) -> str:
    return f"{moment(at_ns):%Y-%m-%dT%H:%M:%S}.{at_ns % BILLION:09d}Z"


def _optional_stamp(at_ns: int | None) -> str | None:
    return None if at_ns is None else stamp(at_ns)


def order_json(order: Order) -> dict[str, Any]:
    average = order.average_price
    return {
        "id": order.id,
        "client_order_id": order.client_order_id,
        "created_at": stamp(order.submitted_ns),
        "updated_at": stamp(order.updated_ns),
        "submitted_at": stamp(order.submitted_ns),
        "filled_at": _optional_stamp(order.filled_ns),
        "expired_at": _optional_stamp(order.expired_ns),
        "expires_at": stamp(order.expires_ns),
        "cancel_requested_at": _optional_stamp(order.canceled_ns),
        "canceled_at": _optional_stamp(order.canceled_ns),
        "failed_at": _optional_stamp(order.failed_ns),
        "replaced_at": None,
        "replaced_by": None,
        "replaces": None,
        "asset_id": order.asset_id,
        "symbol": order.symbol,
        "asset_class": "us_equity",
        "notional": _optional(order.notional),
        "qty": _optional(order.quantity),
        "filled_qty": plain(order.filled_quantity),
        "filled_avg_price": _optional(average and average.quantize(AVERAGE_PRICE_STEP, ROUND_HALF_EVEN)),
        "order_class": "",
        "order_type": order.type,
        "type": order.type,
        "side": order.side,
        "position_intent": "buy_to_open" if order.side == "buy" else "sell_to_close",
        "time_in_force": order.time_in_force,
        "limit_price": _optional(order.limit_price),
        "stop_price": None,
        "status": order.status,
        "extended_hours": False,
        "legs": None,
        "trail_percent": None,
        "trail_price": None,
        "hwm": None,
        "commission": "0",
        "subtag": None,
        "source": None,
    }


def event_json(event_id: str, name: str, order: Order, execution_id: str, at_ns: int) -> dict[str, Any]:
    """The part that every event of the stream has."""
    return {
        "event_id": event_id,
        "account_id": order.account_id,
        "at": stamp(at_ns),
        "event": name,
        "execution_id": execution_id,
        "order": order_json(order),
        "timestamp": stamp(at_ns),
    }


def execution_json(execution: Execution, position: Decimal) -> dict[str, str]:
    """The part that only events about an execution have."""
    return {
        "price": plain(execution.price),
        "qty": plain(execution.quantity),
        "position_qty": plain(position),
        "settle_date": calendars.settles_on(trade_date(execution.at_ns)).isoformat(),
        **_gross_json(execution),
    }


def _gross_json(execution: Execution) -> dict[str, str]:
    """The dollars of a share of a block; Alpaca's own messages have no such member."""
    return {} if execution.gross is None else {"gross_amount": plain(execution.gross)}


def activity_json(execution: Execution) -> dict[str, str]:
    at = moment(execution.at_ns)
    return {
        "id": f"{at:%Y%m%d%H%M%S}{at.microsecond // 1000:03d}::{execution.id}",
        "account_id": execution.account_id,
        "activity_type": "FILL",
        "transaction_time": stamp(execution.at_ns),
        "type": "partial_fill" if execution.leaves else "fill",
        "price": plain(execution.price),
        "qty": plain(execution.quantity),
        "side": execution.side,
        "symbol": execution.symbol,
        "leaves_qty": plain(execution.leaves),
        "order_id": execution.order_id,
        "cum_qty": plain(execution.cum_quantity),
        "order_status": execution.order_status,
        **_gross_json(execution),
    }


def asset_json(asset: Asset) -> dict[str, Any]:
    return {
        "id": asset.id,
        "class": "us_equity",
        "exchange": "ARCA",
        "symbol": asset.symbol,
        "name": asset.name,
        "status": "active",
        "tradable": True,
        "marginable": False,
        "shortable": False,
        "easy_to_borrow": False,
        "fractionable": asset.fractionable,
        "maintenance_margin_requirement": 100,
        "margin_requirement_long": "100",
        "margin_requirement_short": "100",
        "attributes": [],
    }


def _share(part: Decimal, whole: Decimal) -> str:
    return plain((part / whole).quantize(RATIO_STEP, ROUND_HALF_EVEN)) if whole else "0"


def position_json(position: Position, asset: Asset, available: Decimal) -> dict[str, Any]:
    value = cents(position.quantity * asset.last)
    before = cents(position.quantity * asset.previous_close)
    return {
        "asset_id": asset.id,
        "symbol": asset.symbol,
        "exchange": "ARCA",
        "asset_class": "us_equity",
        "asset_marginable": False,
        "avg_entry_price": plain((position.cost_basis / position.quantity).quantize(AVERAGE_PRICE_STEP)),
        "qty": plain(position.quantity),
        "qty_available": plain(available),
        "side": "long",
        "market_value": plain(value),
        "cost_basis": plain(position.cost_basis),
        "unrealized_pl": plain(value - position.cost_basis),
        "unrealized_plpc": _share(value - position.cost_basis, position.cost_basis),
        "unrealized_intraday_pl": plain(value - before),
        "unrealized_intraday_plpc": _share(value - before, before),
        "current_price": plain(asset.last),
        "lastday_price": plain(asset.previous_close),
        "change_today": _share(asset.last - asset.previous_close, asset.previous_close),
    }


def account_json(account: Account, held: Decimal, long_value: Decimal) -> dict[str, Any]:
    """An account with cash only: what it may spend is its cash less what open buys hold."""
    cash, equity = plain(account.cash), plain(account.cash + long_value)
    power = plain(max(account.cash - held, ZERO))
    zeros = (
        *(
            "accrued_fees",
            "initial_margin",
            "maintenance_margin",
            "last_maintenance_margin",
            "short_market_value",
            "sma",
        ),
        *("intraday_adjustments", "pending_transfer_in", "pending_transfer_out", "pending_reg_taf_fees"),
        *("options_buying_power", "memoposts"),
    )
    return {
        **dict.fromkeys(zeros, "0"),
        "id": account.id,
        "admin_configurations": {},
        "user_configurations": None,
        "account_number": account.number,
        "status": account.status,
        "crypto_status": "INACTIVE",
        "currency": "USD",
        "cash": cash,
        "cash_withdrawable": power,
        "cash_transferable": power,
        "buying_power": power,
        "effective_buying_power": power,
        "non_marginable_buying_power": power,
        "regt_buying_power": power,
        "equity": equity,
        "last_equity": equity,
        "portfolio_value": equity,
        "long_market_value": plain(long_value),
        "position_market_value": plain(long_value),
        "multiplier": "1",
        "shorting_enabled": False,
        "trade_suspended_by_user": False,
        "trading_blocked": account.status != "ACTIVE",
        "transfers_blocked": False,
        "account_blocked": False,
        "created_at": stamp(account.created_ns),
        "balance_asof": calendars.previous_session(market_date(account.created_ns)).isoformat(),
    }


def broker_account_json(account: Mapping[str, Any], long_value_before: Decimal) -> dict[str, str]:
    """What the broker's view of an account has besides: as of the last close, where this market kept cash as it is."""
    close = calendars.session_hours(date.fromisoformat(account["balance_asof"]))[1]
    return {
        "previous_close": _new_york(close),
        "last_long_market_value": plain(long_value_before),
        "last_short_market_value": "0",
        "last_cash": account["cash"],
        "last_initial_margin": "0",
        "last_regt_buying_power": account["regt_buying_power"],
        "last_buying_power": account["buying_power"],
        "clearing_broker": "SELF",
    }


def _new_york(at: datetime) -> str:
    return at.astimezone(calendars.NEW_YORK).isoformat()


def clock_json(at_ns: int, *, is_open: bool) -> dict[str, Any]:
    next_open, next_close = next_open_and_close(at_ns)
    return {
        "timestamp": _new_york(moment(at_ns)),
        "is_open": is_open,
        "next_open": _new_york(next_open),
        "next_close": _new_york(next_close),
    }
