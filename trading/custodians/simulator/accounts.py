"""Accounts, positions, activities, assets, calendar and clock, in both flavours of the API."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from starlette.requests import Request
from starlette.responses import Response

from rebalancer.engine import calendars
from trading.custodians.simulator import render
from trading.custodians.simulator.clock import market_date, now_ns
from trading.custodians.simulator.door import account_of, exchange_of, key_of, reply
from trading.custodians.simulator.errors import not_found, unprocessable
from trading.custodians.simulator.faults import FaultKind
from trading.custodians.simulator.orders import direction_of, moment_of, whole_number
from trading.custodians.simulator.records import ZERO, Account, Asset, Execution
from trading.custodians.simulator.store import Store

ACTIVITIES_A_PAGE = 100
MOST_CALENDAR_DAYS = 3_660
CALENDAR_DAYS_BY_DEFAULT = 366


def _asset(store: Store, symbol: str) -> Asset:
    asset = store.asset(symbol)
    if asset is None:
        raise not_found(f"asset not found for {symbol}")
    return asset


async def list_accounts(request: Request) -> Response:
    rows = exchange_of(request).store.rows("SELECT * FROM accounts WHERE key_id = ? ORDER BY seq", key_of(request))
    return reply([_summary(Account.of(row)) for row in rows])


def _summary(account: Account) -> dict[str, object]:
    return {
        "id": account.id,
        "account_number": account.number,
        "account_type": "trading",
        "status": account.status,
        "crypto_status": "INACTIVE",
        "currency": "USD",
        "last_equity": render.plain(account.cash),
        "created_at": render.stamp(account.created_ns),
    }


async def show_account(request: Request) -> Response:
    return reply(_summary(account_of(request)))


async def trading_account(request: Request) -> Response:
    store, account = exchange_of(request).store, account_of(request)
    held = sum((order.held for order in store.open_orders(account.id) if order.side == "buy"), ZERO)
    positions = store.positions(account.id)
    value = sum((position.quantity * _asset(store, position.symbol).last for position in positions), ZERO)
    found = render.account_json(account, held, value)
    if request.url.path.startswith("/v1/"):
        before = sum(
            (position.quantity * _asset(store, position.symbol).previous_close for position in positions), ZERO
        )
        found |= render.broker_account_json(found, before)
    return reply(found)


def _positions(request: Request, symbol: str | None = None) -> list[dict[str, object]]:
    store, account = exchange_of(request).store, account_of(request)
    held: dict[str, Decimal] = {}
    for order in store.open_orders(account.id):
        if order.side == "sell":
            held[order.symbol] = held.get(order.symbol, ZERO) + order.held
    return [
        render.position_json(one, _asset(store, one.symbol), one.quantity - held.get(one.symbol, ZERO))
        for one in store.positions(account.id)
        if symbol in {None, one.symbol}
    ]


async def list_positions(request: Request) -> Response:
    """All positions; where a fault has it, as they were told the last time."""
    exchange, account = exchange_of(request), account_of(request)
    told = exchange.told_positions.get(account.id)
    if told is not None and exchange.faults.strikes(FaultKind.STALE_POSITIONS, symbol="", subject=account.id):
        exchange.save_faults()
        return reply(told)
    exchange.told_positions[account.id] = positions = _positions(request)
    return reply(positions)


async def show_position(request: Request) -> Response:
    found = _positions(request, request.path_params["symbol"])
    if not found:
        raise not_found("position does not exist")
    return reply(found[0])


async def list_activities(request: Request) -> Response:
    """FILL activities; any other type has happened to nobody."""
    wanted = request.path_params.get("activity_type") or request.query_params.get("activity_types") or "FILL"
    if "FILL" not in wanted.split(","):
        return reply([])
    where, values = ["key_id = ?", "kind = 'fill'"], [key_of(request)]
    _narrow(request, where, values)
    direction = direction_of(request)
    size = whole_number(request, "page_size", ACTIVITIES_A_PAGE, ACTIVITIES_A_PAGE)
    store = exchange_of(request).store
    token = request.query_params.get("page_token")
    if token:
        last = store.one("SELECT seq FROM executions WHERE id = ?", token.rpartition("::")[2])
        if last is None:
            raise unprocessable("invalid page_token")
        where.append(f"seq {'>' if direction == 'asc' else '<'} {last['seq']}")
    sql = f"SELECT * FROM executions WHERE {' AND '.join(where)} ORDER BY seq {direction} LIMIT {size}"
    return reply([render.activity_json(Execution.of(row)) for row in store.rows(sql, *values)])


def _narrow(request: Request, where: list[str], values: list[str]) -> None:
    query = request.query_params
    for name, operator in (("after", ">"), ("until", "<")):
        if query.get(name):
            where.append(f"at_ns {operator} {moment_of(query[name], name)}")
    if query.get("date"):
        start = moment_of(query["date"], "date")
        where.append(f"at_ns >= {start} AND at_ns < {start + 86_400_000_000_000}")
    if request.url.path.startswith("/v2/"):
        where.append("account_id = ?")
        values.append(account_of(request).id)
    for name in ("account_id", "order_id"):
        if query.get(name):
            where.append(f"{name} = ?")
            values.append(query[name])


async def show_asset(request: Request) -> Response:
    return reply(render.asset_json(_asset(exchange_of(request).store, request.path_params["symbol"])))


async def list_assets(request: Request) -> Response:
    """Every security that has a price; none of them is inactive or anything but a US equity."""
    query = request.query_params
    is_asked = query.get("status", "active") == "active" and query.get("asset_class", "us_equity") == "us_equity"
    rows = exchange_of(request).store.rows("SELECT * FROM assets ORDER BY symbol") if is_asked else []
    return reply([render.asset_json(Asset.of(row)) for row in rows])


async def clock(request: Request) -> Response:
    desk = exchange_of(request).desk
    at_ns = now_ns() + desk.skew_ns("", key_of(request))
    return reply(render.clock_json(at_ns, is_open=desk.is_open()))


def _day(request: Request, name: str, default: date) -> date:
    try:
        return date.fromisoformat(request.query_params.get(name, default.isoformat())[:10])
    except ValueError as bad:
        raise unprocessable(f"invalid {name}") from bad


async def calendar(request: Request) -> Response:
    """The sessions from `start` to `end`, both included; a year from today when nothing is said."""
    start = _day(request, "start", market_date(now_ns()))
    end = _day(request, "end", start + timedelta(days=CALENDAR_DAYS_BY_DEFAULT))
    if (end - start).days > MOST_CALENDAR_DAYS:
        raise unprocessable(f"the calendar is given for {MOST_CALENDAR_DAYS} days at a time")
    try:
        days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
        return reply([_session(day) for day in days if calendars.is_session(day)])
    except calendars.OutsideCalendar as outside:
        raise unprocessable(str(outside)) from outside


def _session(day: date) -> dict[str, str]:
    opens_at, closes_at = (at.astimezone(calendars.NEW_YORK) for at in calendars.session_hours(day))
    return {
        "date": day.isoformat(),
        "open": f"{opens_at:%H:%M}",
        "close": f"{closes_at:%H:%M}",
        "session_open": "0400",
        "session_close": "2000" if not calendars.early_close(day) else "1700",
        "settlement_date": calendars.settles_on(day).isoformat(),
    }
