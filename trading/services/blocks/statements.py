"""The allocation statement of a block: written and hashed before anything is sent, and looked at again when it is.

What has to stand in it follows SMC Capital (SEC no-action letter, 5 September 1995): who takes part and with how much,
that all pay the average price and share the costs, and how a partial fill is shared out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rebalancer.engine.allocation import allocate
from rebalancer.engine.money import ZERO
from trading.lifecycle import OrderStatus
from trading.models import Block, Order
from trading.packing import canonical

WHOLE, PART = Decimal(1), Decimal("0.000001")
RULE = (
    "A partial fill is shared pro rata by the shares asked for, in units, by largest remainder; ties go to the larger "
    "order, then to the earlier in this list, whose order was drawn by lot. Nobody is given fewer shares than the "
    "least, unless the order was for fewer or nobody else can take them. All get the average price of the block's "
    "executions, and bear its costs by their shares. Other shares only for a written reason that compliance approved."
)


@dataclass(frozen=True, slots=True)
class Statement:
    """What a statement binds to: the shares asked for by order, in the order drawn, and how a part is shared out."""

    client_order_id: str
    unit: Decimal
    least: Decimal
    shares: Mapping[str, Decimal]

    def shared_out(self, filled: Decimal) -> dict[str, Decimal]:
        """Shares by order of a fill; what was filled beyond the block is nobody's."""
        wanted = list(self.shares.values())
        unit = self.unit if filled % self.unit == 0 else PART
        shares = allocate(wanted, min(filled, sum(wanted, ZERO)), unit=unit, least=self.least)
        return dict(zip(self.shares, shares, strict=True))


def unit_of(quantities: Sequence[Decimal]) -> Decimal:
    """Whole shares, or millionths where an order names parts of a share."""
    return WHOLE if all(quantity % 1 == 0 for quantity in quantities) else PART


def drawn(orders: Sequence[Order], lot: str) -> list[Order]:
    """The orders in an order drawn by lot: whoever knows the lot can draw it again."""
    return sorted(orders, key=lambda order: hashlib.sha256(f"{lot}:{order.client_order_id}".encode()).hexdigest())


def statement_of(street: Order, participants: Sequence[Order], least: int) -> str:
    """The text for these participants, in the order given; each comes with account and run."""
    return canonical(
        {
            "client_order_id": street.client_order_id,
            "symbol": street.security.symbol,
            "side": str(street.side),
            "kind": str(street.kind),
            "limit_price": street.limit_price,
            "quantity": street.quantity,
            "unit": unit_of([order.quantity for order in participants]),
            "least": Decimal(least),
            "lot": street.client_order_id,
            "rule": RULE,
            "participants": [
                {
                    "account": order.holder.number,
                    "order": order.client_order_id,
                    "quantity": order.quantity,
                    "approved": order.run.content_sha256 if order.run else "",
                    "approved_by": order.run.approved_by if order.run else "",
                }
                for order in participants
            ],
        }
    )


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def is_intact(block: Block) -> bool:
    return bool(block.statement) and sha256(block.statement) == block.statement_sha256


def read(block: Block) -> Statement:
    said = json.loads(block.statement)
    return Statement(
        client_order_id=said["client_order_id"],
        unit=Decimal(said["unit"]),
        least=Decimal(said["least"]),
        shares={row["order"]: Decimal(row["quantity"]) for row in said["participants"]},
    )


def fault_of(block: Block, street: Order, orders: Sequence[Order]) -> str:
    """Why the block may not be sent for these orders of its accounts; empty if it may."""
    if not is_intact(block):
        return "The allocation statement is missing or is not the one whose hash was stored."
    said = read(block)
    if said.client_order_id != street.client_order_id or sum(said.shares.values(), ZERO) != street.quantity:
        return "The allocation statement is about another order."
    ready = {order.client_order_id: order.quantity for order in orders if order.status == OrderStatus.READY}
    return "" if ready == said.shares else "An order of the block was taken back before it was sent."
