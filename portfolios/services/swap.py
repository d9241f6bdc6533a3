"""One security swapped for another over a firm's book. Reads and decides; writes nothing."""

from __future__ import annotations

from datetime import date

from portfolios.services.signals import households_of
from portfolios.snapshots.book import load_book
from portfolios.snapshots.positions import Depth
from rebalancer.engine.swap import Swap, SwapRule, swap


def swap_in_firm(*, firm_id: int, sold: str, bought: str, rule: SwapRule, as_of: date) -> Swap:
    """The swap in every account of the firm.

    :raises rebalancer.engine.swap.BadSwap: for a symbol that is not in the security master, or no two
    """
    loaded = load_book(firm_id, households_of(firm_id), as_of=as_of, depth=Depth.ALL_LOTS)
    return swap(loaded.book, sold, bought, rule)
