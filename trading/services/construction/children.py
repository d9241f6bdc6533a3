"""One trade as the orders that a custodian takes: a whole-share limit and a market order for the part of a share.

Alpaca takes parts of a share in market orders of the day, and in limit orders where a connection says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Any

from portfolios.policy_files import PartsOfShares
from rebalancer.engine.money import ZERO
from trading.connections import takes_parts, takes_parts_under_limit
from trading.models import Order
from trading.services.construction.slices import share_lots, slices

DROPPED = "The part of a share is left out: {custodian} takes no part of a share under a limit, and the firm has it so."


@dataclass(frozen=True, slots=True)
class Child:
    """A trade that one order carries out, in shares; `session` counts from 1, the one in which it is staged."""

    trade: Mapping[str, Any]
    kind: str
    session: int = 1


@dataclass(frozen=True, slots=True)
class Construction:
    """What decides how trades are cut. The `volume` is a usual day's of the security, None where it is not known."""

    kind: str
    adapter: str
    capabilities: Mapping[str, Any]
    parts_of_shares: PartsOfShares
    slice_volume_weight: Decimal | None = None
    volume: int | None = None

    @property
    def leaves_parts_out(self) -> bool:
        """Are parts of a share dropped that could not go under the limit of the rest?"""
        return (
            self.parts_of_shares is PartsOfShares.DROP
            and self.kind == Order.Kind.LIMIT
            and not takes_parts_under_limit(self.adapter, self.capabilities)
        )

    @property
    def sends_parts_apart(self) -> bool:
        """Do parts of a share go in a market order of their own?"""
        return (
            self.parts_of_shares is PartsOfShares.MARKET
            and self.kind == Order.Kind.LIMIT
            and takes_parts(self.adapter, self.capabilities)
            and not takes_parts_under_limit(self.adapter, self.capabilities)
        )


@dataclass(frozen=True, slots=True)
class Children:
    """Together, to the share and lot, the trade: the children sum to it less what was `dropped`."""

    children: Sequence[Child] = field(default_factory=list)
    dropped: Decimal = ZERO


def children_of(trade: Mapping[str, Any], construction: Construction) -> Children:
    """The trade in parts of a session each, of which parts of a share stand apart where the custodian asks for it.

    Named lots go to the children in their order.
    """
    whole, part = _cut(trade, split=construction.leaves_parts_out)
    dropped = Decimal(part["quantity"]) if part else ZERO
    found: list[Child] = []
    for session, piece in enumerate(_pieces(whole, construction), start=1):
        limit, apart = _cut(piece, split=construction.sends_parts_apart)
        found += [Child(limit, construction.kind, session)] if limit else []
        found += [Child(apart, Order.Kind.MARKET, session)] if apart else []
    return Children(found, dropped)


def _pieces(trade: Mapping[str, Any] | None, construction: Construction) -> Sequence[Mapping[str, Any]]:
    if trade is None:
        return []
    if construction.slice_volume_weight is None:
        return [trade]
    return slices(trade, volume=construction.volume, most_weight=construction.slice_volume_weight)


def _cut(trade: Mapping[str, Any] | None, *, split: bool) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    """The trade's whole shares and its part of a share; None for what there is none of, the trade as it is uncut."""
    if trade is None:
        return None, None
    quantity = Decimal(trade["quantity"])
    whole = quantity.quantize(Decimal(1), ROUND_DOWN)
    if not split or quantity == whole:
        return trade, None
    if not whole:
        return None, trade
    named = [(lot["lot_id"], Decimal(lot["quantity"])) for lot in trade["lots"]]
    sizes = [whole, quantity - whole]
    of_whole, of_part = (
        {**trade, "quantity": f"{size:f}", "lots": [{"lot_id": lot, "quantity": f"{taken:f}"} for lot, taken in lots]}
        for size, lots in zip(sizes, share_lots(named, sizes), strict=True)
    )
    return of_whole, of_part
