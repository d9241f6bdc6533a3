"""Do the decisions on a household keep its budget of net gains? Worked out from decisions and book alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal

from rebalancer.engine import money
from rebalancer.engine.book import Book, TaxStatus
from rebalancer.engine.book_tables import NO_BUDGET
from rebalancer.engine.money import ZERO
from rebalancer.engine.optimiser.decision import Decision
from rebalancer.engine.triggers import Mode

CASH_FIRST = frozenset({Mode.RAISE_CASH.value, Mode.LIQUIDATE.value})


def over_budget(
    book: Book, by_account: Sequence[tuple[int, Decision]], raising: Collection[int]
) -> Iterator[tuple[str, Decimal, Decimal]]:
    """Account ids of households whose net gain exceeds what they may still realise, with both in dollars.

    Budgets below zero count as zero. Where an account must raise cash the budget may be exceeded, but not by the net
    gain of the household's other accounts.

    :param raising: accounts in which cash is missing
    """
    if book.taxes is None:
        return
    grouped: dict[int, list[tuple[int, Decision]]] = {}
    for account, decision in by_account:
        grouped.setdefault(int(book.accounts.household[account]), []).append((account, decision))
    for household, decided in grouped.items():
        budget = int(book.taxes.gain_budget[household])
        limit, gain = money.from_micros(max(budget, 0)), _gain(book, decided)
        if budget == NO_BUDGET or money.cents(gain) <= limit:
            continue
        others = [(account, one) for account, one in decided if account not in raising and one.mode not in CASH_FIRST]
        if len(others) == len(decided) or money.cents(_gain(book, others)) > ZERO:
            yield from ((one.account_id, gain, limit) for _, one in others)


def _gain(book: Book, decided: Sequence[tuple[int, Decision]]) -> Decimal:
    """Net over the taxable accounts, exactly: decisions state theirs to the cent."""
    taxed = [one for account, one in decided if book.accounts.tax_status[account] == TaxStatus.TAXABLE]
    return money.total([pick.gain for one in taxed for trade in one.trades for pick in trade.lots])
