"""Money in and out: trades on one side only, towards the targets."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from rebalancer.engine.money import cents, split, times, total


class NotEnoughValue(ValueError):
    """A withdrawal of more than the portfolio is worth."""


def invest(values: Mapping[str, Decimal], targets: Mapping[str, Decimal], amount: Decimal) -> dict[str, Decimal]:
    """Buys for a contribution, to the cent, without any sale; names without a buy are left out.

    Chosen so that the sum of squared distances from target weights is least: every buy fills its shortfall up to one
    common level (water-filling). Targets that sum to less than one keep the rest in cash.

    :raises ValueError: when the amount, a value or a target is negative, or targets exceed one
    """
    return _one_sided(values, targets, amount, whole=total(dict(values)) + amount, sign=1)


def raise_cash(values: Mapping[str, Decimal], targets: Mapping[str, Decimal], amount: Decimal) -> dict[str, Decimal]:
    """Sales for a withdrawal, to the cent, without any buy: the most overweight first, by the same measure.

    :raises NotEnoughValue: when the portfolio is worth less
    :raises ValueError: as in `invest`
    """
    whole = total(dict(values)) - amount
    if whole < 0:
        raise NotEnoughValue(f"{amount} cannot be raised from {total(dict(values))}.")
    return _one_sided(values, targets, amount, whole=whole, sign=-1)


def weights_after(values: Mapping[str, Decimal], changes: Mapping[str, Decimal]) -> dict[str, Fraction]:
    """Weights once signed amounts are added, of the total invested; all zero when nothing is left."""
    after = {name: Fraction(value) + Fraction(changes.get(name, Decimal(0))) for name, value in values.items()}
    after |= {name: Fraction(change) for name, change in changes.items() if name not in values}
    whole = sum(after.values(), Fraction(0))
    return {name: value / whole if whole else Fraction(0) for name, value in after.items()}


def _one_sided(
    values: Mapping[str, Decimal], targets: Mapping[str, Decimal], amount: Decimal, *, whole: Decimal, sign: int
) -> dict[str, Decimal]:
    if amount < 0 or any(not part >= 0 for part in (*values.values(), *targets.values())):
        raise ValueError("Amounts, values and targets cannot be negative.")
    if total(dict(targets)) > 1:
        raise ValueError(f"Targets sum to {total(dict(targets))}, more than one.")
    names = sorted({*values, *targets})
    gaps = {
        name: sign * (Fraction(times(targets.get(name, Decimal(0)), whole)) - Fraction(values.get(name, Decimal(0))))
        for name in names
    }
    wanted = _water_fill(gaps, Fraction(amount))
    filled = sum(wanted.values(), Fraction(0))
    if not filled:
        return {}
    spent = min(amount, cents(Decimal(filled.numerator) / Decimal(filled.denominator)))
    shares = split(spent, {name: Decimal(gap.numerator) / Decimal(gap.denominator) for name, gap in wanted.items()})
    return {name: share for name, share in shares.items() if share}


def _water_fill(gaps: Mapping[str, Fraction], amount: Fraction) -> dict[str, Fraction]:
    """max(0, gap - level) with the level at which they sum to the amount, but never below zero."""
    deepest = sorted((gap for gap in gaps.values() if gap > 0), reverse=True)
    level, running = Fraction(0), Fraction(0)
    for count, gap in enumerate(deepest, start=1):
        running += gap
        level = (running - amount) / count
        if count == len(deepest) or level >= deepest[count]:
            break
    return {name: max(Fraction(0), gap - max(Fraction(0), level)) for name, gap in gaps.items()}
