"""An account's way to its model over years. Reads and decides; writes nothing."""

from __future__ import annotations

from datetime import date

from accounts.models import Account
from portfolios.snapshots.book import load_book
from portfolios.snapshots.positions import Depth
from rebalancer.engine.transition import Year, Yearly, transition


class UnknownAccount(ValueError):
    """The firm has no such open account."""


def transition_of_account(
    *, firm_id: int, account_id: str, years: int, yearly: Yearly, as_of: date
) -> tuple[Year, ...]:
    """The plan of one account of the firm.

    :raises UnknownAccount: for an id that the firm does not have, or of a closed account
    :raises rebalancer.engine.transition.BadPlan: for years or budgets that cannot be
    """
    rows = Account.objects.for_firm(firm_id).filter(pk=int(account_id) if account_id.isdecimal() else 0)
    household = rows.values_list("household_id", flat=True).first()
    loaded = load_book(firm_id, [household], as_of=as_of, depth=Depth.ALL_LOTS) if household else None
    if loaded is None or account_id not in loaded.book.accounts.account_id:
        raise UnknownAccount(f"There is no open account {account_id}.")
    return transition(loaded.book, account_id, years=years, yearly=yearly)
