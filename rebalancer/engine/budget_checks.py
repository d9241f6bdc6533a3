"""Do the decisions on a household keep its budgets of gains and of tax? Worked out from decisions and book alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from rebalancer.engine import lots, money
from rebalancer.engine.book import Book, TaxStatus
from rebalancer.engine.book_tables import NO_BUDGET, HouseholdTaxes
from rebalancer.engine.lots import Pick, Rates, Term
from rebalancer.engine.money import ZERO
from rebalancer.engine.optimiser.decision import Decision
from rebalancer.engine.taxes.regimes import LinearTax
from rebalancer.engine.triggers import Mode

CASH_FIRST = frozenset({Mode.RAISE_CASH.value, Mode.LIQUIDATE.value})
Decided = Sequence[tuple[int, Decision]]


@dataclass(frozen=True, slots=True)
class OverBudget:
    """An account of a household that exceeds a budget, and what is to be said of it."""

    account_id: str
    sentence: str


def over_budget(book: Book, by_account: Decided, raising: Collection[int]) -> Iterator[OverBudget]:
    """Accounts of households whose gains, or the tax on them, exceed what they may still be.

    Budgets below zero count as zero. Where an account must raise cash a budget may be exceeded, but not by a net gain
    of the household's other accounts.

    :param raising: accounts in which cash is missing
    """
    if book.taxes is None:
        return
    grouped: dict[int, list[tuple[int, Decision]]] = {}
    for account, decision in by_account:
        grouped.setdefault(int(book.accounts.household[account]), []).append((account, decision))
    for household, decided in grouped.items():
        for sentence in _exceeded(book, book.taxes, household, decided):
            others = [(account, one) for account, one in decided if not (account in raising or one.mode in CASH_FIRST)]
            if len(others) == len(decided) or money.cents(_gain(book, others)) > ZERO:
                yield from (OverBudget(one.account_id, sentence) for _, one in others)


def _exceeded(book: Book, taxes: HouseholdTaxes, household: int, decided: Decided) -> Iterator[str]:
    gain_limit, tax_limit = int(taxes.gain_budget[household]), int(taxes.tax_budget[household])
    gain = _gain(book, decided)
    if gain_limit != NO_BUDGET and money.cents(gain) > (limit := money.from_micros(max(gain_limit, 0))):
        yield f"belongs to a household that would realise {gain}, but may realise {limit}"
    if tax_limit == NO_BUDGET:
        return
    tax = _year_tax(book, taxes, household, decided) if taxes.netting[household] else _tax(book, decided)
    if money.cents(tax) > (limit := money.from_micros(max(tax_limit, 0))):
        yield f"belongs to a household that would owe {money.cents(tax)} of tax, but may owe {limit}"


def _picks(book: Book, account: int, decision: Decision) -> list[Pick]:
    """Sales that are taxed, by lot."""
    taxed = book.accounts.tax_status[account] == TaxStatus.TAXABLE
    return [pick for trade in decision.trades for pick in trade.lots] if taxed else []


def _gain(book: Book, decided: Decided) -> Decimal:
    """Net over the taxable accounts, exactly: decisions state theirs to the cent."""
    return money.total([pick.gain for account, one in decided for pick in _picks(book, account, one)])


def _tax(book: Book, decided: Decided) -> Decimal:
    """Lot by lot, at the rates of each account's policy."""
    return money.total(
        [lots.tax(_picks(book, account, one), _rates(book, account)) for account, one in decided],
    )


def _rates(book: Book, account: int) -> Rates:
    return book.policies[int(book.accounts.policy[account])].rates


def _year_tax(book: Book, taxes: HouseholdTaxes, household: int, decided: Decided) -> Decimal:
    """The change of the year's tax; where the policies of the taxable accounts differ, the highest rates count."""
    accounts = book.accounts
    taxed = [
        _rates(book, place)
        for place in range(len(book))
        if accounts.household[place] == household and accounts.tax_status[place] == TaxStatus.TAXABLE
    ]
    if not taxed:
        return ZERO
    tax = LinearTax(
        Rates(short=max(rates.short for rates in taxed), long=max(rates.long for rates in taxed)),
        deduction=Decimal(repr(float(taxes.ordinary_rate[household]))),
        carried=Decimal(repr(float(taxes.carried_worth[household]))),
        loss_limit=money.from_micros(int(taxes.loss_limit[household])),
    )
    picks = [pick for account, one in decided for pick in _picks(book, account, one)]
    short = Fraction(money.from_micros(int(taxes.short_so_far[household])))
    long = Fraction(money.from_micros(int(taxes.long_so_far[household])))
    after = tax.of(short + Fraction(lots.gain(picks, Term.SHORT)), long + Fraction(lots.gain(picks, Term.LONG)))
    return money.ratio(after - tax.of(short, long))
