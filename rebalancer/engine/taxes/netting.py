"""Schedule D: short and long net, then net against each other; a loss is deducted in part and carried with its term."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from rebalancer.engine.lots import Term
from rebalancer.engine.money import ZERO, minus, total
from rebalancer.engine.taxes.schedules import LOSS_LIMIT


@dataclass(frozen=True, slots=True)
class Gains:
    """Dollars by term, losses below zero."""

    short: Decimal = ZERO
    long: Decimal = ZERO

    def plus(self, other: Gains) -> Gains:
        return Gains(total([self.short, other.short]), total([self.long, other.long]))

    @property
    def net(self) -> Decimal:
        return total([self.short, self.long])


@dataclass(frozen=True, slots=True)
class Losses:
    """Dollars of loss by term, carried from one year into the next.

    :raises ValueError: when one is negative
    """

    short: Decimal = ZERO
    long: Decimal = ZERO

    def __post_init__(self) -> None:
        if not (self.short >= 0 and self.long >= 0):
            raise ValueError(f"A carried loss is an amount of zero or more, not {self.short} and {self.long}.")

    @property
    def total(self) -> Decimal:
        return total([self.short, self.long])


NO_GAINS = Gains()
NO_LOSSES = Losses()


@dataclass(frozen=True, slots=True)
class Netted:
    """A year's Schedule D.

    `net` is each term with what was carried in; `taxed` is what is left to tax of each, never below zero; `deducted`
    lowers ordinary income; `carried` goes to the next year.
    """

    net: Gains
    taxed: Gains
    deducted: Decimal
    carried: Losses


def gains_of(amount: Decimal, held: Term) -> Gains:
    """A gain or loss of one term."""
    return Gains(long=amount) if held is Term.LONG else Gains(short=amount)


def net_gains(
    gains: Gains,
    *,
    carried_in: Losses = NO_LOSSES,
    loss_limit: Decimal = LOSS_LIMIT,
    taxable_income: Decimal | None = None,
) -> Netted:
    """Net a year's gains (Schedule D Parts I to III; IRC 1211(b), 1212(b)).

    The deduction consumes short-term losses first. A deduction beyond `taxable_income` (before the deduction) does
    not consume losses (IRC 1212(b)(2), Capital Loss Carryover Worksheet); None: there is always enough income.
    """
    net = Gains(minus(gains.short, carried_in.short), minus(gains.long, carried_in.long))
    if net.net >= 0:
        return Netted(net, _taxed(net), ZERO, NO_LOSSES)
    loss = minus(ZERO, net.net)
    short_loss = max(ZERO, min(minus(ZERO, net.short), loss))
    deducted = min(loss, loss_limit)
    consumed = deducted if taxable_income is None else min(deducted, max(ZERO, taxable_income))
    short_consumed = min(short_loss, consumed)
    carried_short = minus(short_loss, short_consumed)
    carried_long = minus(minus(loss, short_loss), minus(consumed, short_consumed))
    return Netted(net, NO_GAINS, deducted, Losses(carried_short, carried_long))


def _taxed(net: Gains) -> Gains:
    """What is taxed of a net gain: a loss of one term lowers the gain of the other."""
    if net.short < 0:
        return Gains(long=net.net)
    if net.long < 0:
        return Gains(short=net.net)
    return net
