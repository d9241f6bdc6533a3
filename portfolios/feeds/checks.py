"""What must foot in a custodian's file, and within which rounding."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from portfolios.feeds.layout import MULTIPLIER, PER
from portfolios.feeds.records import Code, Kind, LotRecord, PositionRecord
from portfolios.feeds.values import RowFault, decimals
from rebalancer.engine.money import EXACT, ZERO, cents, times

_ONE = Decimal(1)
_HALF_CENT = Decimal("0.005")


def money(amount: Decimal) -> str:
    return f"{cents(amount):,}"


def worth(quantity: Decimal, price: Decimal, kind: Kind, multiplier: Decimal | None = None) -> Decimal:
    """Quantity times price, with bonds per 100 and options per contract, rounded to nothing finer than a millionth."""
    factor = multiplier if multiplier is not None else MULTIPLIER.get(kind, _ONE)
    return times(times(quantity, price), factor) / PER.get(kind, _ONE)


def _half_unit(places: int) -> Decimal:
    return Decimal(5).scaleb(-places - 1)


def value_tolerance(quantity: Decimal, price: Decimal, kind: Kind, quantity_decimals: int) -> Decimal:
    """How far a printed value may be from printed quantity times printed price when all three are rounded correctly.

    A price is printed to at least the cent, a quantity to `quantity_decimals`; trailing zeros may be dropped.
    """
    by_price = worth(abs(quantity), _half_unit(max(2, decimals(price))), kind)
    by_quantity = worth(_half_unit(max(quantity_decimals, decimals(quantity))), price, kind)
    return by_price + by_quantity + _HALF_CENT


def check_worth(
    name: str,
    *,
    quantity: Decimal,
    price: Decimal | None,
    value: Decimal,
    kind: Kind,
    quantity_decimals: int,
    multiplier: Decimal | None = None,
) -> None:
    """A holding's value must be its quantity times its price.

    :raises RowFault: when it is not, when the price is missing, or zero beside a value
    """
    if price is None:
        raise RowFault(Code.MISSING_VALUE, f"{name} has no price")
    if price == 0 and value != 0:
        raise RowFault(Code.ZERO_PRICE, f"{name} has the price zero and the value {money(value)}")
    expected = worth(quantity, price, kind, multiplier)
    tolerance = value_tolerance(quantity, price, kind, quantity_decimals)
    if multiplier is not None:
        tolerance *= max(_ONE, multiplier)
    if abs(expected - value) > tolerance:
        raise RowFault(
            Code.DOES_NOT_FOOT,
            f"{name}: {quantity} at {price} is worth {money(expected)}, but the file says {money(value)}",
        )


def total_tolerance(count: int) -> Decimal:
    """Each printed amount, and their total, is rounded to the cent."""
    return _HALF_CENT * (count + 1)


def sum_of(amounts: Iterable[Decimal]) -> Decimal:
    result = ZERO
    for amount in amounts:
        result = EXACT.add(result, amount)
    return result


def check_lots(position: PositionRecord, lots: list[LotRecord]) -> None:
    """The lots of a position must hold its shares.

    :raises RowFault: when they do not
    """
    held = sum_of(lot.quantity for lot in lots)
    if held != position.quantity:
        raise RowFault(
            Code.LOTS_DO_NOT_SUM,
            f"the lots of {position.symbol} hold {held} shares, but the position is {position.quantity}",
        )
