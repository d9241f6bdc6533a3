"""What corporate actions do to tax lots. Ratios are rational; no basis is made or lost."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from rebalancer.engine.lots import Lot
from rebalancer.engine.money import MICRO, ZERO, cents, from_micros, micro, minus, ratio, times, total

_RATIO = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?::|-?\s*for\s*-?|/)\s*(\d+(?:\.\d+)?)\s*", re.IGNORECASE)


class BadRatio(ValueError):
    """Text that is not a ratio of new to old shares."""


@dataclass(frozen=True, slots=True)
class CashInLieu:
    """A fractional share paid in cash: a sale of the fraction, with the term of its lot."""

    whole_shares: int
    fraction: Fraction
    basis_per_share: Fraction
    fraction_basis: Decimal
    remaining_basis: Decimal

    def gain(self, cash: Decimal) -> Decimal:
        return minus(cash, self.fraction_basis)


@dataclass(frozen=True, slots=True)
class MergerOutcome:
    """Stock and cash for stock, one block of shares (IRC 356 and 358, Reg. 1.356-1)."""

    realised: Decimal
    recognised: Decimal
    new_basis: Decimal


def parse_ratio(text: str) -> Fraction:
    """New shares per old share: "2:1" doubles, "1:10" is a reverse split; "3-for-2" reads the same.

    :raises BadRatio: with a sentence
    """
    found = _RATIO.fullmatch(text)
    if not found or not Fraction(found[1]) or not Fraction(found[2]):
        raise BadRatio(f"{text!r} is not a ratio of new to old shares such as 2:1.")
    return Fraction(found[1]) / Fraction(found[2])


def split_quantity(quantity: Decimal, new_per_old: Fraction) -> Fraction:
    """Shares after a split, not rounded."""
    return Fraction(quantity) * new_per_old


def split_lots(lots: Sequence[Lot], new_per_old: Fraction) -> list[Lot]:
    """Lots after a split, reverse split or stock dividend: basis and dates stand, quantities follow the ratio.

    The quantity of the position is rounded once, to the millionth; the lots share it by largest remainder, ties to
    the earlier, so they sum to it exactly. A lot too small for a millionth of a share raises.

    :raises ValueError: when a lot would hold nothing
    """
    exact = [split_quantity(lot.quantity, new_per_old) * MICRO for lot in lots]
    shares = [int(share) for share in exact]
    short = round(sum(exact, Fraction(0))) - sum(shares)
    for at in sorted(range(len(lots)), key=lambda at: (shares[at] - exact[at], at))[:short]:
        shares[at] += 1
    return [replace(lot, quantity=from_micros(share)) for lot, share in zip(lots, shares, strict=True)]


def cash_in_lieu(quantity: Decimal, cost_basis: Decimal, new_per_old: Fraction) -> CashInLieu:
    """What is left and what is sold when a position is split and the fraction is paid out; basis to the cent."""
    after = split_quantity(quantity, new_per_old)
    whole = int(after)
    fraction_basis = cents(ratio(Fraction(cost_basis) * (after - whole) / after))
    return CashInLieu(
        whole, after - whole, Fraction(cost_basis) / after, fraction_basis, minus(cost_basis, fraction_basis)
    )


def spin_off(lot: Lot, *, spun_per_parent: Fraction, parent_weight: Decimal, spun_lot_id: str) -> tuple[Lot, Lot]:
    """A tax-free spin-off (IRC 355): basis is shared by market value, the date tacks; parent first.

    :param parent_weight: the part of the basis that stays with the parent, as a fraction (Form 8937)
    :raises ValueError: unless the weight lies between 0 and 1
    """
    if not 0 <= parent_weight <= 1:
        raise ValueError(f"The parent keeps between none and all of the basis, not {parent_weight}.")
    kept = micro(times(lot.cost_basis, parent_weight))
    spun_quantity = ratio(split_quantity(lot.quantity, spun_per_parent))
    spun = replace(lot, lot_id=spun_lot_id, quantity=spun_quantity, cost_basis=minus(lot.cost_basis, kept))
    return replace(lot, cost_basis=kept), spun


def return_of_capital(lot: Lot, per_share: Decimal) -> tuple[Lot, Decimal]:
    """The lot with its basis reduced, and the gain where the payment exceeds the basis (IRC 301(c))."""
    paid = times(lot.quantity, per_share)
    gain = max(ZERO, minus(paid, lot.cost_basis))
    return replace(lot, cost_basis=max(ZERO, minus(lot.cost_basis, paid))), gain


def merge(*, old_basis: Decimal, stock_value: Decimal, cash: Decimal) -> MergerOutcome:
    """Gain is recognised up to the cash, a loss never; the basis of the new stock is old - cash + gain."""
    realised = minus(total([stock_value, cash]), old_basis)
    recognised = max(ZERO, min(realised, cash))
    return MergerOutcome(realised, recognised, total([old_basis, -cash, recognised]))


def reinvest(*, lot_id: str, dividend: Decimal, price: Decimal, on: date) -> Lot:
    """Every reinvested dividend is a lot of its own: its basis is the dividend, its date the reinvestment."""
    return Lot(lot_id, on, ratio(Fraction(dividend) / Fraction(price)), dividend)
