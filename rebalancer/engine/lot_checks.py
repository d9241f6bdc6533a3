"""Are the lots that a sale names there, enough of them, and is what each gives worked out rightly?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction

from rebalancer.engine import money
from rebalancer.engine.book_tables import MICRO
from rebalancer.engine.breaches import Breach, BreachCode, breach
from rebalancer.engine.lots import Lot, Pick
from rebalancer.engine.optimiser.decision import Trade


def wrong_lots(trade: Trade, held: int, held_lots: Mapping[str, Lot], sold_on: date) -> Iterator[Breach]:
    """What is wrong with the lots of a sale.

    :param held: micro-shares before it
    :param held_lots: the position's lots before it, by id
    """
    if trade.quantity > money.from_micros(held):
        yield breach(BreachCode.OVERSOLD, trade.symbol, f"is sold beyond the {held / MICRO} there are")
    if money.total([pick.quantity for pick in trade.lots]) != trade.quantity:
        yield breach(BreachCode.LOTS_DO_NOT_SUM, trade.symbol, f"names lots that are not {trade.quantity} shares")
    if len({pick.lot_id for pick in trade.lots}) != len(trade.lots):
        yield breach(BreachCode.LOT_OVERSOLD, trade.symbol, "names a lot twice")
    for pick in trade.lots:
        lot = held_lots.get(pick.lot_id)
        if lot is None:
            yield breach(BreachCode.LOT_UNKNOWN, trade.symbol, f"names lot {pick.lot_id}, which is not there")
        elif not 0 < pick.quantity <= lot.quantity:
            yield breach(BreachCode.LOT_OVERSOLD, trade.symbol, f"takes {pick.quantity} of lot {pick.lot_id}")
        elif pick != _relieved(lot, pick, trade, sold_on):
            yield breach(BreachCode.LOT_FIGURES, trade.symbol, f"has wrong figures for lot {pick.lot_id}")


def _relieved(lot: Lot, pick: Pick, trade: Trade, sold_on: date) -> Pick:
    """What the lot gives, worked out anew: its share of the basis to the micro-dollar, all with the last share."""
    whole = pick.quantity == lot.quantity
    cost_basis = lot.cost_basis if whole else money.ratio(lot.cost_per_share() * Fraction(pick.quantity))
    proceeds = money.times(pick.quantity, trade.price)
    gain = money.minus(proceeds, cost_basis)
    return Pick(lot.lot_id, pick.quantity, proceeds, cost_basis, gain, lot.term(sold_on))
