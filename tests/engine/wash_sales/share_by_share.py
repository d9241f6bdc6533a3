"""The rule told share by share: slow, literal, and independent of how the engine keeps its lots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from rebalancer.engine.wash_sales.records import AccountKind, Purchase, Sale, WashPolicy

PLANS = (AccountKind.IRA, AccountKind.ROTH_IRA, AccountKind.HSA, AccountKind.WORKPLACE_PLAN)


@dataclass(slots=True)
class Share:
    purchase: Purchase
    basis: int
    held_since: date
    used: bool = False
    sold: bool = False
    losses: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Told:
    """(sale, lot) to whole dollars disallowed and lost; (lot, basis, date) of every share left, sorted."""

    disallowed: dict[tuple[str, str], int]
    lost: dict[tuple[str, str], int]
    left: list[tuple[str, int, date]]


def tell(
    purchases: Sequence[Purchase], sales: Sequence[Sale], kinds: dict[str, AccountKind], policy: WashPolicy
) -> Told:
    """Whole shares at whole dollars a share, proceeds too; one security."""
    order = sorted(purchases, key=lambda p: (p.bought_on, p.sequence))
    shares = [Share(p, int(p.cost) // int(p.quantity), p.bought_on) for p in order for _ in range(int(p.quantity))]
    disallowed: dict[tuple[str, str], int] = {}
    lost: dict[tuple[str, str], int] = {}
    for sold_on in sorted({sale.sold_on for sale in sales}):
        today = [sale for sale in sales if sale.sold_on == sold_on]
        lots = [share.purchase.lot_id for share in shares]
        legs = [(sale, lot_id, int(quantity)) for sale in today for lot_id, quantity in sale.lots]
        legs.sort(key=lambda leg: lots.index(leg[1]))
        going = [] if policy.same_day_sales_wash else [entry for leg in legs for entry in _leaving(shares, *leg)]
        for sale, share in going or (entry for leg in legs for entry in _leaving(shares, *leg)):
            price = int(sale.proceeds) // sum(int(quantity) for _, quantity in sale.lots)
            loss = share.basis - price
            if loss <= 0 or kinds[share.purchase.account_id] in PLANS:
                continue
            other = _replacement(shares, share, sale, policy)
            if other is None:
                continue
            other.used = True
            key = (sale.sale_id, share.purchase.lot_id)
            disallowed[key] = disallowed.get(key, 0) + loss
            if kinds[other.purchase.account_id] in PLANS:
                lost[key] = lost.get(key, 0) + loss
            else:
                other.basis += loss
                other.held_since -= timedelta(days=(sold_on - share.held_since).days)
    left = sorted((s.purchase.lot_id, s.basis, s.held_since) for s in shares if not s.sold)
    return Told(disallowed, lost, left)


def _leaving(shares: Sequence[Share], sale: Sale, lot_id: str, quantity: int) -> list[tuple[Sale, Share]]:
    """The shares that a sale takes from a lot: those that replaced others go first."""
    held = [share for share in shares if share.purchase.lot_id == lot_id and not share.sold]
    held.sort(key=lambda share: (not share.used, share.held_since))
    for share in held[:quantity]:
        share.sold = True
    return [(sale, share) for share in held[:quantity]]


def _replacement(shares: Sequence[Share], sold: Share, sale: Sale, policy: WashPolicy) -> Share | None:
    for share in shares:
        apart = abs((share.purchase.bought_on - sale.sold_on).days)
        if apart > 30 or share.used or share.sold or share.purchase.block == sold.purchase.block:
            continue
        if share.purchase.bought_on < sold.purchase.bought_on and not policy.earlier_shares_wash:
            continue
        return share
    return None
