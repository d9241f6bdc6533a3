"""The portable book and trade list: plain JSON objects in, a `Book` out; decisions in, plain JSON objects out.

`docs/portable-book.md` describes both for those who write such files. Reading and writing files is not done here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from rebalancer.engine import money
from rebalancer.engine.book import BadBook, Book, TaxStatus
from rebalancer.engine.book_rows import (
    AccountRow,
    LotRow,
    ModelRow,
    PositionRow,
    SecurityRow,
    WashRow,
    from_rows,
)
from rebalancer.engine.fees import NoFeeSchedule, Side, regulatory_fees
from rebalancer.engine.optimiser import Decision, Trade
from rebalancer.engine.policy import BadPolicy, Policy, Preset

MODEL = "model"
TEN_THOUSAND = Decimal(10_000)
LARGEST = 10**12


class BadPortableBook(ValueError):
    """A portable book that cannot be read; the message is a sentence: where (account and field), and what is wrong."""


def book_of(data: Any) -> Book:
    """The book of a portable file's object. Numbers must be int or Decimal (`json.loads(…, parse_float=Decimal)`).

    :raises BadPortableBook: for anything missing, of a wrong kind or out of range
    """
    whole = _Object(data, "The book")
    as_of = whole.day("as_of")
    try:
        regulatory_fees(side=Side.SELL, quantity=Decimal(1), price=Decimal(1), trade_on=as_of)
        policy = _policy(whole)
        prices = whole.object("prices")
        symbols = list(prices.names())
        accounts = [
            _account(_Object(item, f"accounts[{place}]"), as_of, policy, symbols)
            for place, item in enumerate(whole.items("accounts"))
        ]
        ids = {row.account_id for row, _ in accounts}
        if len(ids) != len(accounts):
            raise BadPortableBook("The book: accounts must have ids that differ.")
        return from_rows(
            as_of=as_of,
            securities=_securities(whole, prices),
            models=[_model(whole, symbols)],
            accounts=[row for row, _ in accounts],
            wash=_wash(accounts, whole.words("wash_groups"), as_of),
        )
    except (BadBook, BadPolicy, NoFeeSchedule, money.InexactAmount) as error:
        raise BadPortableBook(f"The book: {error}") from None


def trades_of(decisions: Sequence[Decision]) -> dict[str, Any]:
    """Trades by account id: `{"A1": {"trades": [{"symbol", "qty", "lots": [{"id", "qty"}], "reason", "sentence"}]}}`.

    `qty` is signed, sales negative; whole numbers are written as such.
    """
    return {
        decision.account_id: {
            "trades": [_trade(trade) for trade in decision.trades],
            "drift_before": round(decision.drift_before, 8),
            "drift_after": round(decision.drift_after, 8),
            "gain_short": float(decision.gain_short),
            "gain_long": float(decision.gain_long),
            "tax": float(decision.tax),
            "cost": float(decision.cost),
            "cash_after": float(decision.cash_after),
            "skipped": [
                {"symbol": skipped.symbol, "reason": skipped.reason, "sentence": skipped.sentence}
                for skipped in decision.skipped
            ],
        }
        for decision in decisions
    }


def _trade(trade: Trade) -> dict[str, Any]:
    sign = 1 if trade.side is Side.BUY else -1
    written: dict[str, Any] = {"symbol": trade.symbol, "qty": sign * _number(trade.quantity)}
    if trade.lots:
        written["lots"] = [{"id": pick.lot_id, "qty": _number(pick.quantity)} for pick in trade.lots]
    return written | {"reason": trade.reason, "sentence": trade.sentence}


def _number(quantity: Decimal) -> int | float:
    return int(quantity) if quantity == quantity.to_integral_value() else float(quantity)


class _Object:
    """A JSON object that is read field by field; every complaint names the place."""

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, Mapping):
            raise BadPortableBook(f"{where} must be an object, not {_shown(value)}.")
        self.value = value
        self.where = where

    def names(self) -> Iterator[str]:
        return iter(self.value)

    def field(self, name: str) -> Any:
        if name not in self.value:
            raise BadPortableBook(f"{self.where}: {name} is missing.")
        return self.value[name]

    def complain(self, name: str, wanted: str) -> BadPortableBook:
        return BadPortableBook(f"{self.where}: {name} must be {wanted}, not {_shown(self.value.get(name))}.")

    def text(self, name: str, default: str | None = None) -> str:
        value = self.field(name) if default is None else self.value.get(name, default)
        if not isinstance(value, str) or (default is None and not value):
            raise self.complain(name, "a text")
        return value

    def number(self, name: str, *, default: Decimal | None = None, least: Decimal | None = Decimal(0)) -> Decimal:
        value = self.field(name) if default is None else self.value.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
            raise self.complain(name, "a number")
        amount = Decimal(value)
        if least is not None and amount < least:
            raise self.complain(name, f"{least} or more")
        if abs(amount) > LARGEST:
            raise self.complain(name, f"at most {LARGEST:,}")
        if amount != money.micro(amount):
            raise self.complain(name, "a number of at most six decimals")
        return amount

    def positive(self, name: str) -> Decimal:
        value = self.number(name)
        if not value:
            raise self.complain(name, "more than 0")
        return value

    def day(self, name: str) -> date:
        text = self.text(name)
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise self.complain(name, "a date like 2026-01-05") from None

    def object(self, name: str) -> _Object:
        return _Object(self.field(name), f"{self.where}: {name}")

    def items(self, name: str, *, default: bool = False) -> list[Any]:
        value = self.value.get(name, []) if default else self.field(name)
        if not isinstance(value, list):
            raise self.complain(name, "a list")
        return value

    def symbols(self, name: str, known: Sequence[str]) -> list[str]:
        """An optional list of symbols that have a price."""
        found = self.items(name, default=True)
        for symbol in found:
            if symbol not in known:
                raise BadPortableBook(f"{self.where}: {name} names {_shown(symbol)}, which has no price.")
        return found

    def words(self, name: str) -> dict[str, str]:
        """An optional object of texts."""
        inner = _Object(self.value.get(name, {}), f"{self.where}: {name}")
        return {key: inner.text(key) for key in inner.names()}


def _shown(value: Any) -> str:
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _policy(whole: _Object) -> Policy:
    rates = whole.object("rates")
    return Policy(
        trigger=Preset.THRESHOLD,
        minimum_trade_amount=whole.number("min_trade"),
        short_rate=rates.number("short"),
        long_rate=rates.number("long"),
    )


def _securities(whole: _Object, prices: _Object) -> list[SecurityRow]:
    """Half the spread is the book's cost in basis points."""
    share = whole.number("cost_bps") / TEN_THOUSAND
    if share >= 1:
        raise whole.complain("cost_bps", "below 10000")
    classes, groups = whole.words("asset_classes"), whole.words("wash_groups")
    rows = []
    for symbol in prices.names():
        price = prices.positive(symbol)
        half = money.micro(price * share)
        rows.append(
            SecurityRow(
                symbol=symbol,
                price=price,
                bid=price - half,
                ask=price + half,
                asset_class=classes.get(symbol, ""),
                wash_group=groups.get(symbol, ""),
            )
        )
    return rows


def _model(whole: _Object, symbols: Sequence[str]) -> ModelRow:
    weights, cash_weight = whole.object("model"), whole.number("cash_target")
    for symbol in weights.names():
        if symbol not in symbols:
            raise BadPortableBook(f"The book: model names {_shown(symbol)}, which has no price.")
    row = ModelRow(
        model_id=MODEL, weights={symbol: weights.number(symbol) for symbol in weights.names()}, cash_weight=cash_weight
    )
    whole_weight = sum(row.weights.values(), cash_weight)
    if abs(whole_weight - 1) > Decimal("0.000001"):
        raise BadPortableBook(f"The book: model and cash_target must sum to 1, not {whole_weight}.")
    return row


def _account(source: _Object, as_of: date, policy: Policy, symbols: Sequence[str]) -> tuple[AccountRow, list[str]]:
    """The account, and the symbols that it sold at a loss within 30 days."""
    account_id = source.text("id")
    source.where = f"Account {account_id}"
    status = source.text("tax_status", "TAXABLE")
    if status not in TaxStatus.__members__:
        raise source.complain("tax_status", " or ".join(TaxStatus.__members__))
    row = AccountRow(
        account_id=account_id,
        household=source.text("household", account_id),
        tax_status=TaxStatus[status],
        positions=_positions(source, as_of, symbols),
        cash=source.number("cash", least=None),
        cash_reserve=source.number("cash_reserve", default=Decimal(0)),
        withdrawals_due=source.number("withdrawals_due", default=Decimal(0)),
        model_id=MODEL,
        policy=policy,
    )
    return row, source.symbols("sold_at_loss_30d", symbols)


def _positions(source: _Object, as_of: date, symbols: Sequence[str]) -> tuple[PositionRow, ...]:
    lots: dict[str, list[LotRow]] = {}
    seen: set[str] = set()
    for place, item in enumerate(source.items("lots")):
        symbol, lot = _lot(_Object(item, f"{source.where}: lots[{place}]"), as_of)
        if symbol not in symbols:
            raise BadPortableBook(f"{source.where}: lots[{place}].symbol is {_shown(symbol)}, which has no price.")
        if lot.lot_id in seen:
            raise BadPortableBook(f"{source.where}: lots[{place}].id {_shown(lot.lot_id)} stands there twice.")
        seen.add(lot.lot_id)
        lots.setdefault(symbol, []).append(lot)
    no_buy, no_sell = source.symbols("no_buy", symbols), source.symbols("no_sell", symbols)
    return tuple(
        PositionRow(
            symbol=symbol,
            quantity=money.total([lot.quantity for lot in lots.get(symbol, [])]),
            lots=tuple(lots.get(symbol, [])),
            no_buy=symbol in no_buy,
            no_sell=symbol in no_sell,
        )
        for symbol in dict.fromkeys([*lots, *no_buy, *no_sell])
    )


def _lot(source: _Object, as_of: date) -> tuple[str, LotRow]:
    age, quantity = source.number("age"), source.positive("qty")
    if age != age.to_integral_value() or age > (as_of - date.min).days:
        raise source.complain("age", "a whole number of days")
    basis = money.micro(quantity * source.number("basis"))
    return source.text("symbol"), LotRow(source.text("id"), as_of - timedelta(days=int(age)), quantity, basis)


def _wash(accounts: Sequence[tuple[AccountRow, list[str]]], groups: Mapping[str, str], as_of: date) -> list[WashRow]:
    """The file does not say when within the 30 days a loss was taken: it counts as taken on the day of the book."""
    seen = dict.fromkeys((row.household, groups.get(symbol, symbol)) for row, losses in accounts for symbol in losses)
    return [WashRow(household=household, wash_group=group, sold_at_loss_on=as_of) for household, group in seen]
