"""Writes the book as an Interactive Brokers Activity Flex query: a statement an account, positions with their lots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from xml.sax.saxutils import quoteattr

from rebalancer.demo.book import DemoAccount, DemoLot, DemoSecurity, DemoTransaction
from rebalancer.demo.market import Market
from rebalancer.engine.money import times

_TYPES = {"DIVIDEND": "Dividends", "CONTRIBUTION": "Deposits/Withdrawals", "WITHDRAWAL": "Deposits/Withdrawals"}

Securities = Mapping[str, DemoSecurity]


def flex_xml(accounts: Iterable[DemoAccount], market: Market, securities: Securities, as_of: date) -> str:
    statements = [_statement(account, market, securities, as_of) for account in accounts]
    lines = [
        '<FlexQueryResponse queryName="Rebalancer" type="AF">',
        f'<FlexStatements count="{len(statements)}">',
        *(line for statement in statements for line in statement),
        "</FlexStatements>",
        "</FlexQueryResponse>",
    ]
    return "\n".join(lines) + "\n"


def _attributes(values: Mapping[str, str]) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in values.items())


def _element(tag: str, **attributes: str) -> str:
    return f"<{tag}{_attributes(attributes)} />"


def _plain(amount: Decimal) -> str:
    """Without trailing zeros or exponent."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _statement(account: DemoAccount, market: Market, securities: Securities, as_of: date) -> list[str]:
    day, own = f"{as_of:%Y%m%d}", account.number
    period = {"accountId": own, "fromDate": day, "toDate": day, "whenGenerated": f"{day};210500"}
    return [
        f"<FlexStatement{_attributes(period)}>",
        _element("AccountInformation", accountId=own, acctAlias=account.name, currency="USD"),
        *_net_asset_value(account, market, day),
        "<CashReport>",
        *(_cash(account, currency, day) for currency in ("BASE_SUMMARY", "USD")),
        "</CashReport>",
        "<OpenPositions>",
        *_positions(account, market, securities, day),
        "</OpenPositions>",
        "<Trades>",
        *(_trade(account, move) for move in account.transactions if move.kind in ("BUY", "SELL")),
        "</Trades>",
        "<CashTransactions>",
        *(_movement(account, move) for move in account.transactions if move.kind in _TYPES),
        "</CashTransactions>",
        "</FlexStatement>",
    ]


def _net_asset_value(account: DemoAccount, market: Market, day: str) -> list[str]:
    stock = sum((times(shares, market.price(symbol)) for symbol, shares in account.quantities().items()), Decimal(0))
    line = _element(
        "EquitySummaryByReportDateInBase",
        accountId=account.number,
        reportDate=day,
        cash=_plain(account.cash),
        stock=_plain(stock),
        interestAccruals="0",
        dividendAccruals="0",
        total=_plain(stock + account.cash),
    )
    return ["<EquitySummaryInBase>", line, "</EquitySummaryInBase>"]


def _cash(account: DemoAccount, currency: str, day: str) -> str:
    return _element(
        "CashReportCurrency",
        accountId=account.number,
        currency=currency,
        fromDate=day,
        toDate=day,
        endingCash=_plain(account.cash),
        endingSettledCash=_plain(account.cash_settled),
    )


def _positions(account: DemoAccount, market: Market, securities: Securities, day: str) -> Iterable[str]:
    for symbol, quantity in account.quantities().items():
        security, price, basis = securities[symbol], market.price(symbol), account.basis(symbol)
        same = {
            "accountId": account.number,
            "currency": "USD",
            "fxRateToBase": "1",
            "assetCategory": "STK",
            "subCategory": "ETF" if security.kind == "ETF" else "COMMON",
            "symbol": symbol,
            "description": security.name.upper(),
            "cusip": security.cusip,
            "multiplier": "1",
            "reportDate": day,
            "markPrice": _plain(price),
        }
        yield _position(same, quantity, price, basis, levelOfDetail="SUMMARY", side="Long")
        for lot in account.lots:
            if lot.symbol == symbol:
                yield _lot(same, lot, price)


def _position(same: Mapping[str, str], quantity: Decimal, price: Decimal, basis: Decimal | None, **more: str) -> str:
    return _element(
        "OpenPosition",
        **same,
        position=_plain(quantity),
        positionValue=_plain(times(quantity, price)),
        costBasisMoney="" if basis is None else _plain(basis),
        **more,
    )


def _lot(same: Mapping[str, str], lot: DemoLot, price: Decimal) -> str:
    opened = f"{lot.acquired_on:%Y%m%d};103000"
    times_of = {"openDateTime": opened, "holdingPeriodDateTime": opened, "originatingTransactionID": lot.lot_id}
    return _position(same, lot.quantity, price, lot.cost_basis, levelOfDetail="LOT", side="Long", **times_of)


def _trade(account: DemoAccount, move: DemoTransaction) -> str:
    gain = (move.realised_short or Decimal(0)) + (move.realised_long or Decimal(0))
    return _element(
        "Trade",
        accountId=account.number,
        currency="USD",
        assetCategory="STK",
        symbol=move.symbol,
        transactionID=move.transaction_id,
        tradeDate=f"{move.trade_on:%Y%m%d}",
        settleDateTarget=f"{move.settle_on:%Y%m%d}",
        buySell=move.kind,
        quantity=_plain(move.quantity),
        tradePrice=_plain(move.price or Decimal(0)),
        proceeds=_plain(move.amount),
        ibCommission="0",
        taxes="0",
        netCash=_plain(move.amount),
        fifoPnlRealized=_plain(gain),
        levelOfDetail="EXECUTION",
    )


def _movement(account: DemoAccount, move: DemoTransaction) -> str:
    return _element(
        "CashTransaction",
        accountId=account.number,
        currency="USD",
        symbol=move.symbol,
        description=move.description,
        dateTime=f"{move.trade_on:%Y%m%d}",
        settleDate=f"{move.settle_on:%Y%m%d}",
        amount=_plain(move.amount),
        type=_TYPES[move.kind],
        transactionID=move.transaction_id,
        levelOfDetail="DETAIL",
    )
