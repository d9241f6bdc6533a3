"""Exact amounts: the one home of rounding, of reading numbers and of sharing out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import (
    ROUND_CEILING,
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from fractions import Fraction

MICRO = 1_000_000
CENT = Decimal("0.01")
ONE_MICRO = Decimal("0.000001")
ZERO = Decimal(0)

EXACT = Context(prec=100, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
"""Arithmetic that keeps every digit or raises; for products, sums and differences of amounts."""

_WIDE = Context(prec=100, traps=[InvalidOperation, DivisionByZero, Overflow])
_NUMBER = re.compile(
    r"(?:(?P<sign>[+-])?\s*\$?\s*|\$\s*(?P<inner_sign>[+-]))(?P<digits>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)",
    re.ASCII,
)


class InexactAmount(ValueError):
    """An amount that does not fit the unit it is put into, or is not a number."""


class BadNumber(ValueError):
    """Text that is not a number in plain notation; the message is a sentence for the person who sent it."""


def to_micros(x: Decimal) -> int:
    """Millionths, exactly.

    :raises InexactAmount: when x has more than six decimals, or is NaN or infinite
    """
    if not x.is_finite():
        raise InexactAmount(f"{x} is not a finite amount.")
    numerator, denominator = x.as_integer_ratio()
    micros, rest = divmod(numerator * MICRO, denominator)
    if rest:
        raise InexactAmount(f"{x} has more than six decimals.")
    return micros


def from_micros(n: int) -> Decimal:
    """The amount of n millionths, with six decimals."""
    return Decimal(n).scaleb(-6, context=EXACT)


def cents(x: Decimal) -> Decimal:
    """To the cent, halves to even."""
    return x.quantize(CENT, ROUND_HALF_EVEN, context=_WIDE)


def cents_up(x: Decimal) -> Decimal:
    """Up to the next cent, as regulatory fees are charged; a whole cent stays."""
    return x.quantize(CENT, ROUND_CEILING, context=_WIDE)


def micro(x: Decimal) -> Decimal:
    """To six decimals, halves to even."""
    return x.quantize(ONE_MICRO, ROUND_HALF_EVEN, context=_WIDE)


def ratio(x: Fraction) -> Decimal:
    """A rational number to six decimals, halves to even, rounded once."""
    return from_micros(round(x * MICRO))


def portion(amount: int, part: int, whole: int) -> int:
    """The units of an amount that belong to a part of a whole, halves to even; all of them for the whole.

    :param amount: not negative, nor is part; whole is positive
    """
    share, rest = divmod(amount * part, whole)
    return share + (2 * rest > whole or (2 * rest == whole and share % 2 == 1))


def times(a: Decimal, b: Decimal) -> Decimal:
    """The exact product."""
    return EXACT.multiply(a, b)


def minus(a: Decimal, b: Decimal) -> Decimal:
    """The exact difference."""
    return EXACT.subtract(a, b)


def total(amounts: Mapping[str, Decimal] | list[Decimal]) -> Decimal:
    """The exact sum; zero of nothing."""
    result = ZERO
    for amount in amounts.values() if isinstance(amounts, Mapping) else amounts:
        result = EXACT.add(result, amount)
    return result


def split(total: Decimal, weights: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Share out a total by weight, to the cent, by largest remainder; ties by name.

    The shares sum to the total exactly and keep the order of `weights`. A negative total is shared as its opposite.

    :raises InexactAmount: when the total is not in whole cents
    :raises ValueError: when a weight is negative, or none is positive
    """
    units = EXACT.multiply(total, Decimal(100))
    if not units.is_finite() or units != units.to_integral_value():
        raise InexactAmount(f"{total} is not in whole cents.")
    shares = split_units(abs(int(units)), weights)
    sign = -1 if total < 0 else 1
    return {name: Decimal(sign * share).scaleb(-2) for name, share in shares.items()}


def split_units(units: int, weights: Mapping[str, Decimal]) -> dict[str, int]:
    """Share out whole units by weight, by largest remainder; ties by name. The shares sum to `units`.

    :raises ValueError: when a weight is negative, or none is positive
    """
    if any(not weight >= 0 for weight in weights.values()):
        raise ValueError("A share cannot have a negative weight.")
    whole = sum((Fraction(weight) for weight in weights.values()), Fraction(0))
    if whole <= 0:
        raise ValueError("There is nobody to share with: no weight is positive.")
    exact = {name: units * Fraction(weight) / whole for name, weight in weights.items()}
    shares = {name: int(share) for name, share in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (shares[name] - exact[name], name))
    for name in by_remainder[: units - sum(shares.values())]:
        shares[name] += 1
    return shares


def parse_decimal(text: str) -> Decimal:
    """Read a number as statements write it: "1,234.50", "$1,234.50", "-$5", "(5.00)", "+3".

    Thousands separators must stand where they belong; exponents, NaN, infinities and the empty text are refused.

    :raises BadNumber: with a sentence
    """
    body = text.strip()
    bracketed = body.startswith("(") and body.endswith(")")
    found = _NUMBER.fullmatch(body[1:-1].strip() if bracketed else body)
    sign = found and (found["sign"] or found["inner_sign"])
    if not found or (bracketed and sign):
        raise BadNumber(f"{text!r} is not a number.")
    value = Decimal(found["digits"].replace(",", ""))
    return value.copy_negate() if value and (bracketed or sign == "-") else value
