"""Topics about trading: calendars, bands, flows, blocks, prices and fees."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rebalancer.engine import bands, calendars, flows, orders
from rebalancer.engine.allocation import allocate
from rebalancer.engine.cases.comparing import Answer
from rebalancer.engine.cases.reading import BadCase, Inputs, NotCovered, as_decimal
from rebalancer.engine.fees import Side, regulatory_fees

BAND_KINDS = {
    "abs": bands.BandKind.ABSOLUTE,
    "absolute": bands.BandKind.ABSOLUTE,
    "rel": bands.BandKind.RELATIVE,
    "relative": bands.BandKind.RELATIVE,
}
SIDES = {"BUY": Side.BUY, "SELL": Side.SELL, "SELL_SHORT": Side.SELL, "SHORT": Side.SELL}
SETTLES_LIKE_EQUITY = ("equity", "stock", "etf")


def settlement(inputs: Inputs) -> Answer:
    asset = inputs.text("asset", default="equity").lower()
    if not any(word in asset for word in SETTLES_LIKE_EQUITY):
        raise NotCovered(f"There is no settlement rule for {asset}.")
    trade_on = inputs.day("trade_date")
    return {"settle_date": calendars.settles_on(trade_on), "cycle_days": calendars.settlement_cycle(trade_on)}


def calendar(inputs: Inputs) -> Answer:
    years = [_year(year) for year in (inputs.items("years") if "years" in inputs else [inputs.get("year", "years")])]
    return {
        "holidays": [day for year in years for day in calendars.holidays(year)],
        "early_close_1300ET": [day for year in years for day in calendars.early_closes(year)],
        "trade_but_no_settle": [day for year in years for day in calendars.trade_without_settlement(year)],
    }


def _year(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadCase(f"The input 'years' should be whole years, not {value!r}.")
    return value


def market_hours(inputs: Inputs) -> Answer:
    day = inputs.day("date")
    if not calendars.is_session(day):
        return {"open_utc": None, "close_utc": None, "is_session": False, "closed": True, "early_close": False}
    open_at, close_at = calendars.session_hours(day)
    return {
        "open_utc": open_at,
        "close_utc": close_at,
        "is_session": True,
        "closed": False,
        "early_close": calendars.early_close(day),
    }


def drift_trigger(inputs: Inputs) -> Answer:
    name = inputs.text("kind").lower()
    if name not in BAND_KINDS:
        raise NotCovered(f"There is no band of kind {name}.")
    tolerated = bands.band(inputs.decimal("target"), inputs.decimal("band"), BAND_KINDS[name])
    triggered = tolerated.breached_by(inputs.decimal("weight"))
    return {"lower": tolerated.lower, "upper": tolerated.upper, "triggered": triggered}


def fair_allocation(inputs: Inputs) -> Answer:
    filled, unit = inputs.decimal("filled"), inputs.decimal("unit", default=Decimal(1))
    named = inputs.get("orders")
    if isinstance(named, dict):
        shares = allocate(list(inputs.amounts("orders").values()), filled, unit=unit)
        return {"allocation": dict(zip(named, shares, strict=True))}
    return {"allocation": allocate(_sizes(inputs.items("orders")), filled, unit=unit)}


def _sizes(rows: Sequence[object]) -> list[Decimal]:
    return [
        Inputs(row).decimal("qty", "quantity") if isinstance(row, dict) else as_decimal(row, "orders") for row in rows
    ]


def limit_price_tick(inputs: Inputs) -> Answer:
    limit = inputs.decimal("limit")
    on = next((inputs.day(name) for name in ("date", "trade_date", "on") if name in inputs), None)
    assigned = inputs.flag("half_penny_assigned", default=False)
    return {
        "valid": orders.on_tick(limit, half_penny_assigned=assigned, on=on),
        "tick": orders.tick(limit, half_penny_assigned=assigned, on=on),
    }


def round_lot(inputs: Inputs) -> Answer:
    on = inputs.day("date") if "date" in inputs else None
    return {"round_lot": orders.round_lot(inputs.decimal("prior_month_avg_close"), on=on)}


def regulatory_fee(inputs: Inputs) -> Answer:
    side = SIDES.get(inputs.text("side").upper())
    if side is None:
        raise BadCase(f"The side is buy or sell, not {inputs.text('side')}.")
    fees = regulatory_fees(
        side=side,
        quantity=inputs.decimal("qty", "quantity"),
        price=inputs.decimal("price"),
        trade_on=inputs.day("trade_date"),
    )
    return {
        "sec_fee_raw": fees.section_31,
        "sec_fee_rounded_up": fees.section_31_charged,
        "taf_raw": fees.activity,
        "taf_rounded_up": fees.activity_charged,
        "total": fees.charged,
    }


def cash_flow(inputs: Inputs) -> Answer:
    values, targets = inputs.amounts("values"), inputs.amounts("targets")
    if "withdrawal" in inputs:
        sells = flows.raise_cash(values, targets, inputs.decimal("withdrawal"))
        changes = {name: -amount for name, amount in sells.items()}
        return {"sells": sells, "buys": {}, "weights_after": flows.weights_after(values, changes)}
    buys = flows.invest(values, targets, inputs.decimal("contribution"))
    return {"buys": buys, "sells": {}, "weights_after": flows.weights_after(values, buys)}
