"""Both figures of a disallowed loss: what the broker reports, and what the taxpayer owes the whole household's books.

A broker reports a wash sale only where both sides happened in one account with one CUSIP and covered lots (Reg.
1.6045-1(d)(6)(iii), Form 1099-B box 1g). The taxpayer looks at every account of the family and at whatever is
substantially identical.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from rebalancer.engine.wash_sales.matching import Scope, wash
from rebalancer.engine.wash_sales.records import Account, AccountKind, Purchase, Sale, Washed, WashPolicy

BROKER_REPORTS = frozenset({AccountKind.TAXABLE, AccountKind.SPOUSE, AccountKind.CORPORATION})


class UnknownAccount(ValueError):
    """A purchase in an account that is none of the family's."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Whether every account of the family is known here; the sentence is for the person who relies on the figures."""

    complete: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class WashReport:
    """The broker's figure is a record of what will be reported, never evidence that there is no wash sale."""

    household: Washed
    broker: Washed
    coverage: Coverage

    @property
    def coverage_complete(self) -> bool:
        return self.coverage.complete


def report(
    accounts: Sequence[Account],
    purchases: Sequence[Purchase],
    sales: Sequence[Sale],
    *,
    groups: Mapping[str, str] | None = None,
    policy: WashPolicy | None = None,
) -> WashReport:
    """Wash sales of one family, once as brokers report them and once as the law sees them.

    :param groups: the group of substantially identical securities of each security; alone where it has none
    :raises UnknownAccount: when a purchase names another account
    :raises ValueError: as `matching.wash`
    """
    kinds = {account.account_id: account.kind for account in accounts}
    strangers = sorted({purchase.account_id for purchase in purchases} - set(kinds))
    if strangers:
        raise UnknownAccount(f"The account {strangers[0]} is not among the accounts of the family.")
    rules = policy or WashPolicy()
    household = wash(purchases, sales, kinds=kinds, scope=_household(groups or {}), policy=rules)
    broker = wash(purchases, sales, kinds=kinds, scope=_broker(kinds), policy=rules)
    return WashReport(household, broker, coverage(accounts))


def coverage(accounts: Sequence[Account]) -> Coverage:
    outside = sorted(account.account_id for account in accounts if not account.linked)
    if not outside:
        return Coverage(True, "Every account of the family is linked.")
    verb = "is" if len(outside) == 1 else "are"
    return Coverage(
        False, f"{', '.join(outside)} {verb} not linked: a purchase there may disallow a loss that is allowed here."
    )


def _household(groups: Mapping[str, str]) -> Scope:
    return lambda purchase: groups.get(purchase.security, purchase.security)


def _broker(kinds: Mapping[str, AccountKind]) -> Scope:
    def scope(purchase: Purchase) -> Hashable | None:
        reported = purchase.covered and kinds[purchase.account_id] in BROKER_REPORTS
        return (purchase.account_id, purchase.security) if reported else None

    return scope
