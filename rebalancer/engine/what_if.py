"""What would another policy do today? The same book decided twice, and what comes to differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any

from rebalancer.engine.book import Book
from rebalancer.engine.cost_benefit import not_worth_it, weighed
from rebalancer.engine.drift import measure
from rebalancer.engine.optimiser import Decision, solve
from rebalancer.engine.policy import BadPolicy, Policy
from rebalancer.engine.triggers import Triggers, evaluate

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a look at a whole book comes to: counts of accounts and trades, and dollars."""

    accounts: int
    breached: int
    """Accounts outside a band."""
    due: int
    traded: int
    """Accounts with trades."""
    not_worth: int
    """Due accounts whose trades would cost more than they are worth, where the policy asks."""
    trades: int
    turnover: Decimal
    tax: Decimal
    cost: Decimal
    """Half spreads, commissions and fees."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    before: Standing
    after: Standing

    @property
    def difference(self) -> Mapping[str, int | Decimal]:
        """After less before, by the fields of `Standing`."""
        names = [field.name for field in fields(Standing)]
        return {name: getattr(self.after, name) - getattr(self.before, name) for name in names}

    @property
    def sentence(self) -> str:
        """`37 accounts more would trade: 412 trades more, $81,200.00 more tax and $310.00 more cost.`"""
        more = self.difference
        if not any(more.values()):
            return "Nothing would change today."
        traded, trades = (
            _counted(int(more[name]), noun) for name, noun in (("traded", "account"), ("trades", "trade"))
        )
        tax, cost = (_amount(Decimal(more[name]), name) for name in ("tax", "cost"))
        return f"{traded} would trade: {trades}, {tax} and {cost}."


def what_if(book: Book, changes: Mapping[str, Any]) -> WhatIf:
    """The book as it is, and with some parameters of every policy set to other values.

    :raises BadPolicy: for a parameter that does not exist or a value outside its range
    """
    return compare(book, with_policies(book, changes))


def with_policies(book: Book, changes: Mapping[str, Any]) -> Book:
    """The book with some parameters of every policy set.

    :raises BadPolicy: for a parameter that does not exist or a value outside its range
    """
    known = {field.name for field in fields(Policy)}
    for name in changes:
        if name not in known:
            raise BadPolicy(f"{name} is no parameter of a policy.")
    return replace(book, policies=tuple(replace(policy, **changes) for policy in book.policies))


def compare(before: Book, after: Book) -> WhatIf:
    """Two books decided, each as a whole."""
    return WhatIf(standing(before), standing(after))


def standing(book: Book) -> Standing:
    """What would be done with a book today: what is due is decided, and weighed where its policy asks."""
    drift = measure(book)
    found = evaluate(book, drift)
    decided = solve(book, found.due, modes=found.mode[found.due], drift=drift)
    made, not_worth = _made(book, found, list(decided))
    return Standing(
        accounts=len(book),
        breached=int(drift.breached.sum()),
        due=len(found.due),
        traded=len(made),
        not_worth=not_worth,
        trades=sum(len(one.trades) for one in made),
        turnover=sum((one.turnover for one in made), ZERO),
        tax=sum((one.tax for one in made), ZERO),
        cost=sum((one.cost for one in made), ZERO),
    )


def _made(book: Book, found: Triggers, decided: Sequence[Decision]) -> tuple[list[Decision], int]:
    """Decisions that trade, without those that are not worth it, and how many those are."""
    asked = {name for name, one in zip(book.accounts.account_id, weighed(book, found), strict=True) if one}
    dear = not_worth_it(book, decided, asked)
    trading = [one for one in decided if one.trades]
    made = [one for one in trading if one.account_id not in dear]
    return made, len(trading) - len(made)


def _counted(count: int, noun: str) -> str:
    return f"{abs(count):,} {noun}{'' if abs(count) == 1 else 's'} {'fewer' if count < 0 else 'more'}"


def _amount(amount: Decimal, noun: str) -> str:
    return f"${abs(amount):,.2f} {'less' if amount < 0 else 'more'} {noun}"
