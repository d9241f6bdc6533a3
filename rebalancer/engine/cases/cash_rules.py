"""Topics about paying for purchases in cash accounts, and about the records of orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from rebalancer.engine.cases.comparing import Answer
from rebalancer.engine.cases.prose import Clause, Stated, stated
from rebalancer.engine.cases.reading import BadCase, Inputs, Json, NotCovered, as_date, as_decimal
from rebalancer.engine.fees import Side
from rebalancer.engine.money import ZERO
from rebalancer.engine.order_records import (
    REQUIRED,
    RETENTION_YEARS,
    OrderEvent,
    in_office_until,
    keep_until,
)
from rebalancer.engine.settlement_rules import (
    CashTrade,
    Deposit,
    Violation,
    frozen_until,
    net_settlement,
    sellable_from,
    violations,
)

PLAIN_MONDAY = date(2026, 3, 2)
"""Weekdays without a date are read from this one on: weeks without a holiday, settling the next day."""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SIDES = {"buy": Side.BUY, "sell": Side.SELL}
DEPOSIT = "deposit"
CONSEQUENCES: Mapping[Violation, tuple[Clause, ...]] = {
    Violation.FREE_RIDING: (Clause.FREEZE_90_DAYS, Clause.SETTLED_CASH_FIRST),
}


def cash_account(inputs: Inputs) -> Answer:
    """The first violation of a list of events, whichever it is; None where there is none."""
    trades, deposits = _events(inputs.items("events"))
    if "deposit" in inputs:
        deposits.append(_deposit(inputs.get("deposit"), since=trades[0].trade_on if trades else PLAIN_MONDAY))
    cash = inputs.decimal("settled_cash", default=ZERO)
    found = violations(trades, settled_cash=cash, deposits=deposits)
    return {
        "violation": found[0].violation.value if found else None,
        "violations": [breach.violation.value for breach in found],
        "date": found[0].happened_on if found else None,
        "consequence": _consequence(found[0].violation) if found else None,
        "frozen_until": frozen_until(found),
        "sellable_from": sellable_from(trades, settled_cash=cash, deposits=deposits),
    }


def _consequence(violation: Violation) -> Stated:
    return stated(violation.value, *CONSEQUENCES.get(violation, ()))


def _events(rows: Sequence[Json]) -> tuple[list[CashTrade], list[Deposit]]:
    """Rows of [day, side, symbol, amount]; a deposit needs no symbol. Weekdays run forward."""
    trades: list[CashTrade] = []
    deposits: list[Deposit] = []
    at = PLAIN_MONDAY
    for row in rows:
        if not isinstance(row, list) or len(row) < 3 or not isinstance(row[1], str):
            raise BadCase("An event is a list of a day, a side, a symbol and an amount.")
        at = _day(row[0], since=at)
        if row[1].lower() == DEPOSIT:
            deposits.append(Deposit(at, as_decimal(row[-1], "events")))
        else:
            trades.append(_trade(at, row))
    return trades, deposits


def _trade(on: date, row: Sequence[Json]) -> CashTrade:
    side = SIDES.get(str(row[1]).lower())
    if side is None or not isinstance(row[2], str) or len(row) < 4:
        raise BadCase("A trade is a list of a day, 'buy' or 'sell', a symbol and an amount.")
    return CashTrade(on, side, row[2].partition("(")[0].strip(), as_decimal(row[3], "events"))


def _day(value: Json, *, since: date) -> date:
    """A date, or the next such weekday from `since` on."""
    if not isinstance(value, str) or value[:3].lower() not in WEEKDAYS:
        return as_date(value, "events")
    return since + timedelta(days=(WEEKDAYS.index(value[:3].lower()) - since.weekday()) % 7)


def _deposit(value: Json, *, since: date) -> Deposit:
    """An amount that came at once, or a day and an amount."""
    if isinstance(value, dict):
        inner = Inputs(value)
        return Deposit(_day(inner.get("date", "day", "on"), since=since), inner.decimal("amount"))
    if isinstance(value, list) and len(value) == 2:
        return Deposit(_day(value[0], since=since), as_decimal(value[1], "deposit"))
    return Deposit(since, as_decimal(value, "deposit"))


def settlement_netting(inputs: Inputs) -> Answer:
    traded = inputs.day("trade_date")
    netted = net_settlement(
        traded,
        sells=_amounts(inputs, "sells"),
        buys=_amounts(inputs, "buys"),
        settled_cash=inputs.decimal("settled_cash", default=ZERO),
        reserve=inputs.decimal("reserve", default=ZERO),
    )
    return {
        "allowed": netted.allowed,
        "settle_date": netted.settle_on,
        "net_settlement": netted.net,
        "projected_settled_cash": netted.settled_cash_after,
    }


def _amounts(inputs: Inputs, name: str) -> list[Decimal]:
    rows = inputs.items(name) if name in inputs else []
    return [as_decimal(row[-1] if isinstance(row, list) and row else row, name) for row in rows]


def books_and_records(inputs: Inputs) -> Answer:
    name = inputs.text("order_event", "event").upper().replace("-", "_").replace(" ", "_")
    if name not in OrderEvent.__members__:
        raise NotCovered(f"There is no rule about records of the event {name}.")
    answer: dict[str, object] = {
        "required_fields": [field.value.lower() for field in REQUIRED[OrderEvent[name]]],
        "retention_years": RETENTION_YEARS,
        "immutable": True,
        "allocation_timestamp_resolution": stated("MINUTE", Clause.STAMPED_TO_THE_MINUTE),
    }
    if "fiscal_year_end" in inputs:
        ends_on = inputs.day("fiscal_year_end")
        answer |= {"keep_until": keep_until(ends_on), "in_office_until": in_office_until(ends_on)}
    return answer


TOPICS: Mapping[str, Callable[[Inputs], Answer]] = {
    "good_faith_violation": cash_account,
    "free_riding": cash_account,
    "cash_liquidation": cash_account,
    "settlement_netting": settlement_netting,
    "books_and_records": books_and_records,
}
