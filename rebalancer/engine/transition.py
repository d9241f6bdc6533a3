"""A way from what an account holds to its model over several years, within what it may realise in each.

Every year is one decision, as close to the model as its budget allows, at the least tax: what is cheapest to sell goes
first, and short-term gains wait until they are long-term for as long as years are left. Then its trades are done, the
lots are a year older at unchanged prices, and the next year is decided. Losses beyond the gains of a year are carried
on; they make room for gains in later years, and lower what is taxed (long-term first within their own term, as net
gains are; nothing is deducted from other income).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np

from rebalancer.engine import money
from rebalancer.engine.book import Book
from rebalancer.engine.book_after import a_year_later, book_after
from rebalancer.engine.book_part import part_of
from rebalancer.engine.book_tables import MICRO, Ints
from rebalancer.engine.money import ZERO
from rebalancer.engine.optimiser import Decision, solve
from rebalancer.engine.policy import ONE, Policy, ShortGainRule
from rebalancer.engine.tax_rows import TaxRow, household_taxes
from rebalancer.engine.taxes.regimes import LinearTax

A_YEAR_OF_DAYS = 366
MOST_YEARS = 30
A_CENT = 0.01


class BadPlan(ValueError):
    """A plan that cannot be asked for; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Yearly:
    """What a household may realise in each year, dollars; None: no limit."""

    gain: Decimal | None = None
    tax: Decimal | None = None
    """Of the gains that are left after losses carried in, lot by lot at the two rates."""


@dataclass(frozen=True, slots=True)
class Left:
    """A security held beyond its target, dollars, and the code of what stands in the way."""

    symbol: str
    amount: Decimal
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """One year of a plan; dollars."""

    on: date
    decision: Decision
    carried_in: Decimal
    """Losses of earlier years."""
    gain: Decimal
    """Net, before losses carried in."""
    tax: Decimal
    """Of the year's net gains after losses carried in; a loss saves nothing in the year in which it is realised."""
    drift: float
    """After the trades."""
    left: tuple[Left, ...]
    """What is held beyond its target after the trades, the largest first."""

    @property
    def left_amount(self) -> Decimal:
        return money.total([one.amount for one in self.left])


def transition(book: Book, account_id: str, *, years: int, yearly: Yearly) -> tuple[Year, ...]:
    """The years of a plan for one account, the first on the day of the book.

    :raises KeyError: for an account that is not in the book
    :raises BadPlan: for less than a year or more than thirty, or a budget below zero
    """
    if not 1 <= years <= MOST_YEARS:
        raise BadPlan(f"A plan has 1 to {MOST_YEARS} years, not {years}.")
    if min(yearly.gain or ZERO, yearly.tax or ZERO) < ZERO:
        raise BadPlan("A yearly budget must not be below zero.")
    account = int(book.index_of([account_id])[0])
    part = part_of(book, np.array([book.accounts.household[account]]))
    plan: list[Year] = []
    carried = ZERO
    for number in range(years):
        year, part = _year(part, account_id, yearly, carried, last=number == years - 1)
        carried = max(year.carried_in - year.gain, ZERO)
        plan.append(year)
        part = a_year_later(part)
    return tuple(plan)


def _year(book: Book, account_id: str, yearly: Yearly, carried: Decimal, *, last: bool) -> tuple[Year, Book]:
    """One year, and the book after its trades."""
    asked = _asked(book, yearly, carried, last=last)
    here: Ints = asked.index_of([account_id])
    decision = solve(asked, here)[0]
    policy = book.policies[int(book.accounts.policy[here[0]])]
    year = Year(
        on=book.as_of,
        decision=decision,
        carried_in=carried,
        gain=decision.gain_short + decision.gain_long,
        tax=_tax(decision, policy, carried),
        drift=decision.drift_after,
        left=_left(book, decision),
    )
    return year, book_after(book, decision)


def _asked(book: Book, yearly: Yearly, carried: Decimal, *, last: bool) -> Book:
    """The book with the year's budgets, decided as close to its model as they allow."""
    row = TaxRow(
        household="0",
        gain_budget=None if yearly.gain is None else yearly.gain + carried,
        tax_budget=None if yearly.tax is None else yearly.tax + _saved(book, carried),
    )
    policies = tuple(_policy(policy, last=last) for policy in book.policies)
    return replace(book, policies=policies, taxes=household_taxes([row], {"0": 0}))


def _policy(policy: Policy, *, last: bool) -> Policy:
    plain = replace(policy, scenario_slider=ONE, minimum_trades_weight=ZERO)
    if last:
        return plain
    return replace(plain, short_gain_rule=ShortGainRule.HARD, short_gain_days=A_YEAR_OF_DAYS)


def _saved(book: Book, carried: Decimal) -> Decimal:
    """The least that losses carried in save: they net long-term gains before anything else."""
    return money.cents(money.times(carried, min(policy.long_rate for policy in book.policies)))


def _tax(decision: Decision, policy: Policy, carried: Decimal) -> Decimal:
    tax = LinearTax(policy.rates, deduction=ZERO)
    gains = Fraction(decision.gain_short), Fraction(decision.gain_long - carried)
    return money.cents(money.ratio(tax.of(*gains)))


def _left(book: Book, decision: Decision) -> tuple[Left, ...]:
    """What is beyond its target by a share or more, and all of what has no target, with the decision's reasons."""
    reasons = {skipped.symbol: str(skipped.reason) for skipped in decision.skipped}
    prices = dict(zip(book.securities.symbol, book.securities.price.tolist(), strict=True))
    found = []
    for line in decision.securities:
        over = (line.after_weight - line.target_weight) * float(decision.value)
        least = prices[line.symbol] / MICRO if line.target_weight > 0 else A_CENT
        if over >= least:
            amount = money.cents(Decimal(repr(over)))
            found.append(Left(line.symbol, amount, reasons.get(line.symbol, "ROUNDING")))
    return tuple(sorted(found, key=lambda one: (-one.amount, one.symbol)))
