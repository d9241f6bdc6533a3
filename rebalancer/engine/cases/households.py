"""The topic of a household that follows one target over a taxed account and an untaxed one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from rebalancer.engine.book import Book, TaxStatus
from rebalancer.engine.book_rows import AccountRow, LotRow, ModelRow, PositionRow, SecurityRow, from_rows
from rebalancer.engine.cases.comparing import Answer
from rebalancer.engine.cases.optimum import BPS, LATELY, LONG_AGO, TODAY, covariance_of, matrix_of, with_risk
from rebalancer.engine.cases.reading import Inputs, as_decimal, as_mapping
from rebalancer.engine.money import micro
from rebalancer.engine.optimiser.households.plain import plain_household
from rebalancer.engine.policy import Policy, Preset

ACCOUNTS = {"taxable": TaxStatus.TAXABLE, "ira": TaxStatus.DEFERRED, "roth": TaxStatus.EXEMPT}
IDLE_CASH = Decimal("0.01")
"""What a dollar left in cash is taken to forgo: such cases mean that proceeds are invested again."""


@dataclass(frozen=True, slots=True)
class Held:
    """What an account holds of a security; dollars."""

    shares: Decimal
    price: Decimal
    cost: Decimal
    term: str


def household(inputs: Inputs) -> Answer:
    """Shares traded by account and security, the tax on them, and what they cost with the variance they leave."""
    accounts = {name: _holdings(inputs, name) for name in ACCOUNTS if name in inputs}
    target = inputs.amounts("target")
    prices = {symbol: one.price for held in accounts.values() for symbol, one in held.items()}
    half = {symbol: micro(price * inputs.decimal("half_spread_bps") / BPS) for symbol, price in prices.items()}
    book = _book(inputs, accounts, target, prices, half)
    problem, outcome = plain_household(book)
    steps: dict[tuple[str, str], int] = {}
    for row, count in enumerate(outcome.steps.tolist()):
        name = book.accounts.account_id[int(problem.rows["account"][row])]
        steps[name, book.securities.symbol[int(problem.rows["security"][row])]] = count
    cost = sum((abs(count) * Fraction(half[symbol]) for (_, symbol), count in steps.items()), Fraction(0))
    rates = inputs.amounts("rates")
    taxed = book.accounts.tax_status == TaxStatus.TAXABLE
    tax = Fraction(int(outcome.short[taxed].sum()), 10**6) * Fraction(rates["ST"])
    tax += Fraction(int(outcome.long[taxed].sum()), 10**6) * Fraction(rates["LT"])
    return {
        **{f"{name}_{symbol}_trade": count for (name, symbol), count in steps.items()},
        "tax": tax,
        "objective": _variance_cost(inputs, accounts, steps, target, prices) + cost + tax,
    }


def _holdings(inputs: Inputs, name: str) -> dict[str, Held]:
    """By symbol; an account of plain numbers has one price for all of them."""
    given = Inputs(as_mapping(inputs.get(name), name))
    held = {}
    for symbol, what in as_mapping(inputs.get(name), name).items():
        if symbol == "price":
            continue
        if isinstance(what, dict):
            one = Inputs(what)
            price = one.decimal("price")
            cost = one.decimal("cost", default=price)
            held[symbol] = Held(one.decimal("qty"), price, cost, one.text("term", default="LT"))
        else:
            held[symbol] = Held(as_decimal(what, symbol), given.decimal("price"), given.decimal("price"), "LT")
    return held


def _book(
    inputs: Inputs,
    accounts: Mapping[str, Mapping[str, Held]],
    target: Mapping[str, Decimal],
    prices: Mapping[str, Decimal],
    half: Mapping[str, Decimal],
) -> Book:
    rates = inputs.amounts("rates")
    policy = Policy(
        trigger=Preset.THRESHOLD,
        joint=True,
        minimum_trade_amount=Decimal(0),
        cash_drag_rate=IDLE_CASH,
        risk_aversion=inputs.decimal("lambda"),
        horizon_years=inputs.decimal("H", default=Decimal(1)),
        short_rate=rates["ST"],
        long_rate=rates["LT"],
    )
    rows = [
        AccountRow(
            account_id=name,
            household="H",
            tax_status=ACCOUNTS[name],
            model_id="M",
            policy=policy,
            positions=tuple(_position(symbol, one) for symbol, one in held.items()),
        )
        for name, held in accounts.items()
    ]
    order = list(target)
    book = from_rows(
        as_of=TODAY,
        securities=[
            SecurityRow(symbol=one, price=prices[one], bid=prices[one] - half[one], ask=prices[one] + half[one])
            for one in order
        ],
        models=[ModelRow(model_id="M", weights=dict(target), cash_weight=1 - sum(target.values(), Decimal(0)))],
        accounts=rows,
    )
    return with_risk(book, covariance_of(inputs))


def _position(symbol: str, held: Held) -> PositionRow:
    bought = LATELY if held.term == "ST" else LONG_AGO
    lot = LotRow(f"{symbol}-1", bought, held.shares, held.shares * held.cost)
    return PositionRow(symbol=symbol, quantity=held.shares, lots=(lot,))


def _variance_cost(
    inputs: Inputs,
    accounts: Mapping[str, Mapping[str, Held]],
    steps: Mapping[tuple[str, str], int],
    target: Mapping[str, Decimal],
    prices: Mapping[str, Decimal],
) -> Fraction:
    """Half of aversion times horizon times value times the variance of the deviations, of all accounts together."""
    value = sum((Fraction(one.shares * one.price) for held in accounts.values() for one in held.values()), Fraction(0))
    off = []
    for symbol, wanted in target.items():
        shares = sum((held[symbol].shares for held in accounts.values() if symbol in held), Decimal(0))
        traded = sum(count for (_, traded), count in steps.items() if traded == symbol)
        off.append(Fraction((shares + traded) * prices[symbol]) / value - Fraction(wanted))
    matrix = matrix_of(inputs)
    places = np.ndindex(len(off), len(off))
    variance = sum((off[one] * matrix[one][two] * off[two] for one, two in places), Fraction(0))
    scale = Fraction(inputs.decimal("lambda")) * Fraction(inputs.decimal("H", default=Decimal(1)))
    return scale * value * variance / 2


TOPICS: Mapping[str, Callable[[Inputs], Answer]] = {"household": household}
