"""Purchases and sales of a family, for tests."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from rebalancer.engine.wash_sales.figures import WashReport, report
from rebalancer.engine.wash_sales.records import Account, AccountKind, Purchase, Sale, WashPolicy

NEW_YEAR = date(2026, 1, 1)
FAMILY = (
    Account("own", AccountKind.TAXABLE),
    Account("other", AccountKind.TAXABLE),
    Account("spouse", AccountKind.SPOUSE),
    Account("ira", AccountKind.IRA),
    Account("hsa", AccountKind.HSA),
)


def on(day: int) -> date:
    """The day of this number from New Year 2026."""
    return NEW_YEAR + timedelta(days=day)


def bought(lot_id: str, day: int, quantity: int = 100, per_share: int = 10, account: str = "own", **more) -> Purchase:
    more.setdefault("security", "X")
    return Purchase(
        lot_id, account, bought_on=on(day), quantity=Decimal(quantity), cost=Decimal(quantity * per_share), **more
    )


def sold(sale_id: str, day: int, per_share: int, **lots: int) -> Sale:
    shares = sum(lots.values())
    named = tuple((lot_id, Decimal(quantity)) for lot_id, quantity in lots.items())
    return Sale(sale_id, on(day), named, Decimal(shares * per_share))


def washed(purchases, sales, *, policy: WashPolicy | None = None, groups=None, accounts=FAMILY) -> WashReport:
    return report(accounts, purchases, sales, policy=policy, groups=groups)
