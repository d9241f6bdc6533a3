"""Reads single elements of an Interactive Brokers Flex statement. Each raises RowFault for one that cannot be used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from portfolios.feeds import values
from portfolios.feeds.checks import check_worth
from portfolios.feeds.holdings import check_basis
from portfolios.feeds.layout import FlexLayout
from portfolios.feeds.records import Code, Kind, LotRecord, PositionRecord, TransactionRecord
from portfolios.feeds.text import shown
from portfolios.feeds.values import RowFault
from rebalancer.engine.money import ZERO, cents, micro, total

_QUANTITY_DECIMALS = 4
_TIME_FOLLOWS = re.compile(r"[;,T ]")

Attributes = Mapping[str, str]


def read_position(
    element: Attributes, *, layout: FlexLayout, row_number: int, account_number: str, as_of: date
) -> PositionRecord:
    symbol = read_symbol(element)
    kind = _kind(element, layout)
    quantity = values.quantity(element.get("position", ""), f"position of {symbol}")
    price = values.number(element.get("markPrice", ""), f"price of {symbol}")
    value = values.number(element.get("positionValue", ""), f"value of {symbol}")
    basis = values.number_or_none(element.get("costBasisMoney", ""), f"cost basis of {symbol}")
    if element.get("reportDate") and read_day(element, "reportDate", layout) > as_of:
        raise RowFault(Code.FUTURE_DATE, f"{symbol} is of {element['reportDate']}, after the statement's end {as_of}")
    if quantity < 0:
        raise RowFault(
            Code.SHORT_POSITION, f"{symbol} is sold short ({quantity}); short positions are not handled here"
        )
    check_worth(
        symbol,
        quantity=quantity,
        price=price,
        value=value,
        kind=kind,
        quantity_decimals=_QUANTITY_DECIMALS,
        multiplier=values.number_or_none(element.get("multiplier", ""), "multiplier"),
    )
    check_basis(basis, symbol)
    return PositionRecord(
        row_number=row_number,
        account_number=account_number,
        custodian=layout.custodian,
        currency=values.currency(element.get("currency", "")),
        symbol=symbol,
        cusip=values.cusip(element.get("cusip", "")),
        description=element.get("description", ""),
        kind=kind,
        quantity=quantity,
        price=micro(price),
        market_value=cents(value),
        cost_basis=None if basis is None else micro(basis),
    )


def read_lot(
    element: Attributes, *, layout: FlexLayout, row_number: int, account_number: str, as_of: date
) -> LotRecord:
    symbol = read_symbol(element)
    quantity = values.quantity(element.get("position", ""), f"shares of a lot of {symbol}")
    basis = values.number_or_none(element.get("costBasisMoney", ""), f"cost basis of a lot of {symbol}")
    acquired_on = read_day(element, "openDateTime", layout)
    if quantity <= 0:
        raise RowFault(Code.NEGATIVE_LOT, f"a lot of {symbol} has {quantity} shares; a lot holds more than none")
    if acquired_on > as_of:
        raise RowFault(Code.ACQUIRED_AFTER_AS_OF, f"a lot of {symbol} was acquired on {acquired_on}, after {as_of}")
    check_basis(basis, f"a lot of {symbol}")
    held_since = read_day(element, "holdingPeriodDateTime", layout) if element.get("holdingPeriodDateTime") else None
    return LotRecord(
        row_number=row_number,
        account_number=account_number,
        custodian=layout.custodian,
        currency=values.currency(element.get("currency", "")),
        symbol=symbol,
        cusip=values.cusip(element.get("cusip", "")),
        lot_id=element.get("originatingTransactionID") or f"{acquired_on}-{row_number}",
        acquired_on=acquired_on,
        holding_start_on=None if held_since == acquired_on else held_since,
        quantity=quantity,
        cost_basis=None if basis is None else micro(basis),
    )


def read_trade(element: Attributes, *, layout: FlexLayout, row_number: int, account_number: str) -> TransactionRecord:
    symbol = read_symbol(element)
    side = element.get("buySell", "")
    if side not in ("BUY", "SELL"):
        raise RowFault(Code.UNKNOWN_WORD, f"a trade in {symbol} is {shown(side)}, neither BUY nor SELL")
    quantity = abs(values.quantity(element.get("quantity", ""), f"quantity of {symbol}"))
    price = values.number(element.get("tradePrice", ""), f"price of {symbol}")
    costs = [values.number_or_none(element.get(name, ""), name) or ZERO for name in ("ibCommission", "taxes")]
    proceeds = values.number(element.get("proceeds", ""), f"proceeds of {symbol}")
    net = values.number_or_none(element.get("netCash", ""), f"cash of {symbol}")
    gain = values.number_or_none(element.get("fifoPnlRealized", ""), f"gain of {symbol}")
    trade_on = read_day(element, "tradeDate", layout)
    return TransactionRecord(
        row_number=row_number,
        account_number=account_number,
        custodian=layout.custodian,
        currency=values.currency(element.get("currency", "")),
        transaction_id=_identity(element),
        kind=side,
        trade_on=trade_on,
        settle_on=read_day(element, "settleDateTarget", layout) if element.get("settleDateTarget") else trade_on,
        symbol=symbol,
        cusip=values.cusip(element.get("cusip", "")),
        description=element.get("description", ""),
        quantity=quantity if side == "BUY" else -quantity,
        price=micro(price),
        amount=cents(net if net is not None else total([proceeds, *costs])),
        fees=cents(-total(costs)),
        realised_gain=None if gain is None or side == "BUY" else cents(gain),
    )


def read_movement(
    element: Attributes, *, layout: FlexLayout, row_number: int, account_number: str
) -> TransactionRecord:
    """A dividend, interest, a fee, money paid in or taken out."""
    amount = values.number(element.get("amount", ""), "amount of a cash transaction")
    moved_on = read_day(element, "dateTime", layout)
    symbol = element.get("symbol", "")
    return TransactionRecord(
        row_number=row_number,
        account_number=account_number,
        custodian=layout.custodian,
        currency=values.currency(element.get("currency", "")),
        transaction_id=_identity(element),
        kind=_movement_kind(element.get("type", ""), amount, layout),
        trade_on=moved_on,
        settle_on=read_day(element, "settleDate", layout) if element.get("settleDate") else moved_on,
        symbol=values.symbol(symbol) if symbol else "",
        cusip=values.cusip(element.get("cusip", "")),
        description=element.get("description", ""),
        amount=cents(amount),
    )


def read_symbol(element: Attributes) -> str:
    """In capitals; classes of shares after a full stop (BRK.B), as options' codes stay."""
    symbol = values.symbol(" ".join(element.get("symbol", "").split()))
    return symbol.replace(" ", ".") if element.get("assetCategory") == "STK" else symbol


def read_day(element: Attributes, name: str, layout: FlexLayout) -> date:
    return values.day(_TIME_FOLLOWS.split(element.get(name, ""))[0], name, layout.date_formats)


def _kind(element: Attributes, layout: FlexLayout) -> Kind:
    category = element.get("assetCategory", "")
    if category not in layout.kinds:
        raise RowFault(Code.UNKNOWN_WORD, f"the asset category {shown(category)} is not known")
    if category == "STK" and element.get("subCategory") in layout.kinds:
        return layout.kinds[element["subCategory"]]
    return layout.kinds[category]


def _identity(element: Attributes) -> str:
    identity = element.get("transactionID") or element.get("tradeID")
    if not identity:
        raise RowFault(Code.MISSING_VALUE, "a transaction has neither transactionID nor tradeID")
    return identity


def _movement_kind(word: str, amount: Decimal, layout: FlexLayout) -> str:
    if word in ("Deposits/Withdrawals", "Deposits & Withdrawals"):
        return "CONTRIBUTION" if amount > 0 else "WITHDRAWAL"
    if word not in layout.movement_kinds:
        raise RowFault(Code.UNKNOWN_WORD, f"the cash transaction type {shown(word)} is not known")
    return layout.movement_kinds[word]
