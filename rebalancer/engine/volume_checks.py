"""Do the orders of a block together keep within the part of a day's volume that policies allow?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from rebalancer.engine import money
from rebalancer.engine.book import NONE, Book
from rebalancer.engine.fees import Side
from rebalancer.engine.optimiser.decision import Decision, Trade

Order = tuple[int, str, Trade]
"""(index of the account, its id, what it trades)."""


def over_volume(book: Book, by_account: Sequence[tuple[int, Decision]]) -> Iterator[tuple[str, str]]:
    """(account id, symbol) of orders that exceed, with all others of that symbol and side, the smallest part allowed.

    An order that is the only one of its kind is left to `checks.Checker.check`.

    :param by_account: (index of the account, its decision)
    """
    volumes = dict(zip(book.securities.symbol, book.securities.adv_shares.tolist(), strict=True))
    orders: dict[tuple[str, Side], list[Order]] = {}
    for account, decision in by_account:
        for trade in decision.trades:
            orders.setdefault((trade.symbol, trade.side), []).append((account, decision.account_id, trade))
    for (symbol, _), together in orders.items():
        if len(together) > 1 and volumes[symbol] != NONE:
            quantity = money.total([trade.quantity for _, _, trade in together])
            if quantity > _part(book, together) * volumes[symbol]:
                yield from ((account_id, symbol) for _, account_id, _ in together)


def _part(book: Book, orders: Sequence[Order]) -> Decimal:
    """The smallest part of a day's volume that the policy of one of them allows."""
    policies = book.accounts.policy
    return min(book.policies[int(policies[account])].adv_cap for account, _, _ in orders)
