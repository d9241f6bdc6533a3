"""The operator's own endpoints: what accounts hold, what the market quotes, what goes wrong, what has happened."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trading.custodians.protocol import account_id_for
from trading.custodians.simulator import faults
from trading.custodians.simulator.clock import Hours, now_ns
from trading.custodians.simulator.door import body_of, exchange_of, reply
from trading.custodians.simulator.errors import ApiError, bad_request, unprocessable
from trading.custodians.simulator.exchange import Exchange
from trading.custodians.simulator.records import AVERAGE_PRICE, PENNY, SHARE_STEP, TRADING, ZERO, Position
from trading.custodians.simulator.render import plain
from trading.custodians.simulator.store import Store

ASSET_IDS = uuid.UUID("0f3d3f0a-94a7-46b6-9d29-5d3f0b7a6b11")


def _word(row: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = row.get(name, default)
    if not isinstance(value, str) or not value:
        raise unprocessable(f"{name} is required, as a string")
    return value


def _amount(row: Mapping[str, Any], name: str, default: str | None = None) -> Decimal:
    text = _word(row, name, default)
    try:
        number = Decimal(text)
    except InvalidOperation as bad:
        raise unprocessable(f"{name} is not a number: {text}") from bad
    if not number.is_finite():
        raise unprocessable(f"{name} is not a number: {text}")
    return number


def _positive(row: Mapping[str, Any], name: str, default: str | None = None) -> Decimal:
    number = _amount(row, name, default)
    if number <= 0:
        raise unprocessable(f"{name} must be positive, not {number}")
    return number


def _rows(body: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = body.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise unprocessable(f"{name} must be a list of objects")
    return rows


async def _object(request: Request) -> Mapping[str, Any]:
    body = await body_of(request)
    if not isinstance(body, dict):
        raise bad_request("request body format error")
    return body


def set_price(store: Store, row: Mapping[str, Any]) -> str:
    """Set a security's quote; gives its symbol.

    :raises ApiError: if bid or ask is missing, not positive, or crossed
    """
    symbol, bid, ask = _word(row, "symbol"), _positive(row, "bid"), _positive(row, "ask")
    if bid > ask:
        raise unprocessable(f"the bid of {symbol} is above its ask")
    last = _positive(row, "last", plain((bid + ask) / 2))
    known = store.asset(symbol)
    store.write(
        "INSERT OR REPLACE INTO assets (symbol, id, name, bid, ask, last, previous_close, fractionable, increment,"
        " at_nav) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *(symbol, str(uuid.uuid5(ASSET_IDS, symbol)), row.get("name") or (known.name if known else symbol)),
        *(bid, ask, last, _positive(row, "previous_close", plain(known.previous_close if known else last))),
        bool(row.get("fractionable", known.fractionable if known else True)),
        _positive(row, "increment", plain(known.increment if known else PENNY)),
        bool(row.get("at_nav", known.at_nav if known else False)),
    )
    return symbol


def _set_key(exchange: Exchange, row: Mapping[str, Any]) -> tuple[str, str]:
    key_id, secret = _word(row, "key_id"), _word(row, "secret")
    if key_id == exchange.options.key_id and secret != exchange.options.secret:
        raise unprocessable("the operator's key is set on the command line")
    exchange.store.write("INSERT OR REPLACE INTO keys VALUES (?, ?)", key_id, secret)
    return key_id, secret


def _known_key(store: Store, key_id: str) -> str:
    if store.one("SELECT 1 FROM keys WHERE key_id = ?", key_id) is None:
        raise unprocessable(f"there is no key {key_id}")
    return key_id


def _load_account(exchange: Exchange, row: Mapping[str, Any], *, if_absent: bool) -> tuple[str, str, str]:
    """Load one account; gives its number, its id, and whether it was created, replaced or kept."""
    store, number = exchange.store, _word(row, "account_number")
    known = store.one("SELECT id FROM accounts WHERE number = ?", number)
    if known and if_absent:
        return number, known["id"], "kept"
    account_id = known["id"] if known else _word(row, "id", account_id_for(number))
    key_id = _known_key(store, _word(row, "key_id", exchange.options.key_id))
    cash, status, kind = _amount(row, "cash"), _word(row, "status", "ACTIVE"), _word(row, "kind", TRADING)
    if kind not in {TRADING, AVERAGE_PRICE}:
        raise unprocessable(f"an account is of kind {TRADING} or {AVERAGE_PRICE}")
    if known:
        if store.open_orders(account_id):
            raise unprocessable(f"account {number} has open orders: cancel them before it is replaced")
        store.write(
            "UPDATE accounts SET key_id = ?, status = ?, cash = ?, kind = ? WHERE id = ?",
            *(key_id, status, cash, kind, account_id),
        )
        store.write("DELETE FROM positions WHERE account_id = ?", account_id)
    else:
        store.write(
            "INSERT INTO accounts (id, number, key_id, status, cash, created_ns, kind) VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(account_id, number, key_id, status, cash, now_ns(), kind),
        )
    for held in _rows(row, "positions"):
        _load_position(store, account_id, held)
    return number, account_id, "replaced" if known else "created"


def _load_position(store: Store, account_id: str, row: Mapping[str, Any]) -> None:
    symbol, quantity = _word(row, "symbol"), _positive(row, "qty")
    asset = store.asset(symbol)
    if asset is None:
        raise unprocessable(f"{symbol} has no price: load it first")
    before = store.position(account_id, symbol)
    cost = _amount(row, "cost_basis", plain(quantity * asset.last))
    store.set_position(account_id, Position(symbol, before.quantity + quantity, before.cost_basis + cost))


async def load(request: Request) -> Response:
    """Keys, prices and accounts in bulk, all or nothing."""
    exchange, body = exchange_of(request), await _object(request)
    with exchange.store.transaction():
        keys = dict(_set_key(exchange, row) for row in _rows(body, "keys"))
        symbols = frozenset(set_price(exchange.store, row) for row in _rows(body, "prices"))
        loaded = [
            _load_account(exchange, row, if_absent=bool(body.get("if_absent"))) for row in _rows(body, "accounts")
        ]
    exchange.secrets.update(keys)
    exchange.schedule_resting(symbols)
    counts = {word: sum(what == word for _, _, what in loaded) for word in ("created", "replaced", "kept")}
    return reply({"accounts": {number: account_id for number, account_id, _ in loaded}, **counts})


async def set_prices(request: Request) -> Response:
    exchange, body = exchange_of(request), await _object(request)
    with exchange.store.transaction():
        symbols = frozenset(set_price(exchange.store, row) for row in _rows(body, "prices"))
    exchange.schedule_resting(symbols)
    return reply({"prices": len(symbols)})


async def split(request: Request) -> Response:
    """A stock is split overnight, `new` shares for `old`: positions, prices and, by their end, open orders follow.

    Shares keep six decimals. What is less stays in nobody's account, as no cash in lieu is paid here.
    """
    exchange, body = exchange_of(request), await _object(request)
    symbol, new, old = _word(body, "symbol"), _positive(body, "new"), _positive(body, "old")
    store = exchange.store
    if store.asset(symbol) is None:
        raise unprocessable(f"{symbol} has no price: load it first")
    rows = store.rows("SELECT id FROM orders WHERE is_open AND symbol = ? ORDER BY seq", symbol)
    held = store.rows("SELECT account_id FROM positions WHERE symbol = ? ORDER BY account_id", symbol)
    with store.transaction():
        for row in rows:
            exchange.desk.expire(row["id"])
        for row in held:
            before = store.position(row["account_id"], symbol)
            quantity = (before.quantity * new / old).quantize(SHARE_STEP, ROUND_DOWN)
            store.set_position(row["account_id"], replace(before, quantity=quantity))
        _split_price(store, symbol, old / new)
    exchange.listeners.wake()
    return reply({"symbol": symbol, "positions": len(held), "orders_ended": len(rows)})


def _split_price(store: Store, symbol: str, factor: Decimal) -> None:
    (row,) = store.rows("SELECT bid, ask, last, previous_close FROM assets WHERE symbol = ?", symbol)
    prices = [(Decimal(price) * factor).quantize(SHARE_STEP) for price in row]
    store.write("UPDATE assets SET bid = ?, ask = ?, last = ?, previous_close = ? WHERE symbol = ?", *prices, symbol)


async def list_accounts(request: Request) -> Response:
    store = exchange_of(request).store
    held: dict[str, dict[str, str]] = {}
    for row in store.rows("SELECT * FROM positions ORDER BY account_id, symbol"):
        held.setdefault(row["account_id"], {})[row["symbol"]] = row["quantity"]
    return reply(
        [
            {
                "id": row["id"],
                "account_number": row["number"],
                "key_id": row["key_id"],
                "cash": row["cash"],
                "positions": held.get(row["id"], {}),
            }
            for row in store.rows("SELECT * FROM accounts ORDER BY seq")
        ]
    )


async def state(request: Request) -> Response:
    """What has happened so far, in counts."""
    exchange = exchange_of(request)
    store = exchange.store
    count: Callable[[str], int] = lambda table: store.rows(f"SELECT count(*) FROM {table}")[0][0]  # noqa: E731
    repeated = "(SELECT 1 FROM orders GROUP BY account_id, client_order_id HAVING count(*) > 1)"
    bought = {"buy": ZERO, "sell": ZERO}
    for row in store.rows("SELECT side, quantity, price FROM executions WHERE is_live"):
        bought[row["side"]] += Decimal(row["quantity"]) * Decimal(row["price"])
    return reply(
        {
            "orders": count("orders"),
            "orders_by_status": dict(
                tuple(row) for row in store.rows("SELECT status, count(*) FROM orders GROUP BY status ORDER BY status")
            ),
            "duplicate_client_order_ids": count(repeated),
            "executions": count("executions"),
            "events": count("events"),
            "bought_value": plain(bought["buy"]),
            "sold_value": plain(bought["sell"]),
            "hours": exchange.desk.hours,
            "faults": exchange.faults.as_json(),
        }
    )


async def record(request: Request) -> Response:
    """The custodian's own record: every order and execution, busts and corrections among them, and what is due."""
    store = exchange_of(request).store
    tables = {
        "orders": "SELECT orders.id, client_order_id, number, symbol, side, orders.quantity, notional, filled_quantity,"
        " orders.status, submitted_ns, is_open FROM orders JOIN accounts ON accounts.id = account_id"
        " ORDER BY orders.seq",
        "executions": "SELECT id, order_id, kind, previous_id, is_live, quantity, price FROM executions ORDER BY seq",
        "due": "SELECT act, subject, due_ns FROM aftermath ORDER BY due_ns",
    }
    return reply({name: [dict(row) for row in store.rows(sql)] for name, sql in tables.items()})


async def health(request: Request) -> Response:
    return reply({"status": "ok", "is_open": exchange_of(request).desk.is_open()})


async def show_faults(request: Request) -> Response:
    return reply(exchange_of(request).faults.as_json())


async def set_faults(request: Request) -> Response:
    exchange, body = exchange_of(request), await body_of(request)
    if not isinstance(body, list) or not all(isinstance(row, dict) for row in body):
        raise bad_request("faults must be a list of objects")
    try:
        exchange.faults.replace_all([faults.fault_of(row) for row in body])
    except faults.BadFault as bad:
        raise unprocessable(str(bad)) from bad
    exchange.save_faults()
    return reply(exchange.faults.as_json())


async def set_clock(request: Request) -> Response:
    exchange, body = exchange_of(request), await _object(request)
    try:
        hours = Hours(_word(body, "mode"))
    except ValueError as bad:
        raise ApiError(422, 42210000, f"mode is one of {', '.join(Hours)}") from bad
    exchange.set_hours(hours)
    return reply({"mode": hours, "is_open": exchange.desk.is_open()})
