"""The book of a portable file's object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from rebalancer.engine import money
from rebalancer.engine.book import BadBook, Book, TaxStatus
from rebalancer.engine.book_rows import AccountRow, ModelRow, SecurityRow, WashRow, from_rows
from rebalancer.engine.fees import NoFeeSchedule, Side, regulatory_fees
from rebalancer.engine.policy import BadPolicy, Policy, Preset, ShortGainRule
from rebalancer.engine.portable.covariance import risk_of
from rebalancer.engine.portable.fields import BadPortableBook, Source, shown
from rebalancer.engine.portable.holdings import Holdings
from rebalancer.engine.portable.options import alternates_of, ranges_of
from rebalancer.engine.tax_rows import TaxRow

MODEL = "model"
TEN_THOUSAND = Decimal(10_000)
OWN = ("risk_aversion", "horizon_years", "cash_drag_rate", "short_gain_penalty_rate")
"""Numbers of a policy that a book may name."""


def book_of(data: Any) -> Book:
    """The book of a portable file's object. Numbers must be int or Decimal (`json.loads(…, parse_float=Decimal)`).

    :raises BadPortableBook: for anything missing, of a wrong kind or out of range
    """
    whole = Source(data, "The book")
    as_of = whole.day("as_of")
    try:
        regulatory_fees(side=Side.SELL, quantity=Decimal(1), price=Decimal(1), trade_on=as_of)
        return _book(whole, as_of)
    except (BadBook, BadPolicy, NoFeeSchedule, money.InexactAmount) as error:
        raise BadPortableBook(f"The book: {error}") from None


def _book(whole: Source, as_of: date) -> Book:
    policy, prices = _policy(whole), whole.object("prices")
    symbols = {symbol: place for place, symbol in enumerate(prices.names())}
    holdings = Holdings(as_of, symbols)
    sources = [Source(item, f"accounts[{place}]") for place, item in enumerate(whole.items("accounts"))]
    accounts = [_account(source, policy, symbols, holdings) for source in sources]
    rows = [row for row, _ in accounts]
    if len({row.account_id for row in rows}) != len(rows):
        raise BadPortableBook("The book: accounts must have ids that differ.")
    book = from_rows(
        as_of=as_of,
        securities=_securities(whole, prices),
        models=[_model(whole, symbols)],
        accounts=rows,
        wash=_wash(accounts, whole.words("wash_groups"), as_of),
        risk=risk_of(whole, list(symbols)),
        taxes=_taxes(whole, sources, rows),
    )
    positions, lots = holdings.tables()
    return replace(book, positions=positions, lots=lots)


def _policy(whole: Source) -> Policy:
    """Losses are harvested unless the book says otherwise."""
    rates = whole.object("rates")
    named: dict[str, Any] = {name: whole.number(name) for name in OWN if name in whole}
    if "short_gain_rule" in whole:
        named["short_gain_rule"] = whole.member("short_gain_rule", ShortGainRule)
    if "short_gain_days" in whole:
        named["short_gain_days"] = whole.whole("short_gain_days")
    return Policy(
        trigger=Preset.THRESHOLD,
        minimum_trade_amount=whole.number("min_trade"),
        short_rate=rates.number("short"),
        long_rate=rates.number("long"),
        harvest=whole.flag("harvest", True),
        **named,
    )


def _securities(whole: Source, prices: Source) -> list[SecurityRow]:
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


def _model(whole: Source, symbols: Mapping[str, int]) -> ModelRow:
    weights, cash_weight = whole.object("model"), whole.number("cash_target")
    for symbol in weights.names():
        if symbol not in symbols:
            raise BadPortableBook(f"The book: model names {shown(symbol)}, which has no price.")
    row = ModelRow(
        model_id=MODEL,
        weights={symbol: weights.number(symbol) for symbol in weights.names()},
        cash_weight=cash_weight,
        alternates=alternates_of(whole, symbols),
    )
    whole_weight = sum(row.weights.values(), cash_weight)
    if abs(whole_weight - 1) > Decimal("0.000001"):
        raise BadPortableBook(f"The book: model and cash_target must sum to 1, not {whole_weight}.")
    return row


def _account(
    source: Source, policy: Policy, symbols: Mapping[str, int], holdings: Holdings
) -> tuple[AccountRow, list[str]]:
    """The account without its positions, which go to the holdings; and the symbols sold at a loss within 30 days."""
    account_id = source.text("id")
    source.where = f"Account {account_id}"
    status = source.text("tax_status", "TAXABLE")
    if status not in TaxStatus.__members__:
        raise source.complain("tax_status", " or ".join(TaxStatus.__members__))
    holdings.add(source)
    row = AccountRow(
        account_id=account_id,
        household=source.text("household", account_id),
        tax_status=TaxStatus[status],
        cash=source.number("cash", least=None),
        cash_reserve=source.number("cash_reserve", default=Decimal(0)),
        withdrawals_due=source.number("withdrawals_due", default=Decimal(0)),
        model_id=MODEL,
        policy=policy,
        ranges=ranges_of(source, symbols),
    )
    return row, source.symbols("sold_at_loss_30d", symbols)


def _wash(accounts: Sequence[tuple[AccountRow, list[str]]], groups: Mapping[str, str], as_of: date) -> list[WashRow]:
    """The file does not say when within the 30 days a loss was taken: it counts as taken on the day of the book."""
    seen = dict.fromkeys((row.household, groups.get(symbol, symbol)) for row, losses in accounts for symbol in losses)
    return [WashRow(household=household, wash_group=group, sold_at_loss_on=as_of) for household, group in seen]


def _taxes(whole: Source, sources: Sequence[Source], rows: Sequence[AccountRow]) -> list[TaxRow]:
    """By household, from `households` and from the `gain_budget` of an account; a budget is named once."""
    named = {}
    if "households" in whole:
        inner = whole.object("households")
        named = {household: _tax_row(household, inner.object(household)) for household in inner.names()}
    for source, row in zip(sources, rows, strict=True):
        if "gain_budget" not in source:
            continue
        known = named.get(row.household, TaxRow(household=row.household))
        if known.gain_budget is not None:
            raise BadPortableBook(f"{source.where}: gain_budget of household {row.household} is named twice.")
        named[row.household] = replace(known, gain_budget=source.number("gain_budget", least=None))
    return list(named.values())


def _tax_row(household: str, source: Source) -> TaxRow:
    source.where = f"Household {household}"
    plain = TaxRow(household=household)
    signed = {name: source.number(name, default=Decimal(0), least=None) for name in ("short_so_far", "long_so_far")}
    rates = ("ordinary_rate", "carried_worth", "loss_limit")
    return TaxRow(
        household=household,
        gain_budget=source.number("gain_budget", least=None) if "gain_budget" in source else None,
        tax_budget=source.number("tax_budget", least=None) if "tax_budget" in source else None,
        netting=source.flag("netting", plain.netting),
        **signed,
        **{name: source.number(name, default=getattr(plain, name)) for name in rates},
    )
