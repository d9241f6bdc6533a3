"""Does a trade keep the range in which its holding is to stay? Worked out from the book's own numbers, exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from rebalancer.engine import money
from rebalancer.engine.book import Book
from rebalancer.engine.breaches import Breach, BreachCode
from rebalancer.engine.fees import Side
from rebalancer.engine.hold_ranges import NO_END, HoldRanges, RangeUnit
from rebalancer.engine.money import MICRO
from rebalancer.engine.optimiser.decision import Trade


def out_of_range(
    book: Book,
    ranges: Mapping[tuple[int, int], Sequence[int]],
    trade: Trade,
    holding: tuple[int, int],
    quantity: int,
    value: int,
) -> Iterator[Breach]:
    """Ranges that a sale goes below, or a buy above.

    :param ranges: rows of `book.ranges` by account and security
    :param quantity: micro-shares before the trade
    :param value: micro-dollars, of the account
    """
    sign = 1 if trade.side is Side.BUY else -1
    after = quantity + sign * money.to_micros(trade.quantity)
    price = int(book.securities.price[holding[1]])
    for row in ranges.get(holding, ()):
        if book.ranges and _leaves(book.ranges, row, trade.side, after, price, value):
            yield Breach(BreachCode.HELD_RANGE, f"{trade.symbol} is traded out of the range in which it is held.")


def _leaves(ranges: HoldRanges, row: int, side: Side, after: int, price: int, value: int) -> bool:
    in_unit = {
        RangeUnit.SHARES: Fraction(after),
        RangeUnit.DOLLARS: Fraction(after * price, MICRO),
        RangeUnit.WEIGHT: Fraction(after * price, max(value, 1)),
    }[RangeUnit(int(ranges.unit[row]))]
    lowest, highest = int(ranges.lowest[row]), int(ranges.highest[row])
    if side is Side.SELL:
        return lowest != NO_END and in_unit < lowest
    return highest != NO_END and in_unit > highest
