"""The tax of net short and long gains at marginal rates: linear in each of five regimes, and not convex over them.

A loss is worth the rate of what it nets against, so the least tax is found by solving once per regime and keeping the
best answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from rebalancer.engine.lots import Rates
from rebalancer.engine.money import ZERO, minus, times
from rebalancer.engine.taxes.schedules import LOSS_LIMIT
from rebalancer.engine.taxes.year import TaxProfile, deduction_rate, marginal_rates


class Netting(StrEnum):
    """Which way the year's gains net."""

    BOTH_GAINS = "BOTH_GAINS"
    SHORT_LOSS_NETS = "SHORT_LOSS_NETS"
    LONG_LOSS_NETS = "LONG_LOSS_NETS"
    DEDUCTED = "DEDUCTED"
    CARRIED = "CARRIED"


@dataclass(frozen=True, slots=True)
class LinearTax:
    """Rates as fractions: of gains by term, of the deducted loss, and the worth of a carried dollar.

    :raises ValueError: when one is negative
    """

    rates: Rates
    deduction: Decimal
    carried: Decimal = ZERO
    loss_limit: Decimal = LOSS_LIMIT

    def __post_init__(self) -> None:
        if not min(self.rates.short, self.rates.long, self.deduction, self.carried, self.loss_limit) >= 0:
            raise ValueError("Tax rates, the worth of a carried loss and the limit of a deduction are zero or more.")

    def of(self, short: Fraction, long: Fraction) -> Fraction:
        """Tax of a year's net short and long gains (carried losses included), below zero for what a loss is worth."""
        net = short + long
        if net < 0:
            deducted = min(-net, Fraction(self.loss_limit))
            return -deducted * Fraction(self.deduction) - (-net - deducted) * Fraction(self.carried)
        if short < 0:
            return net * Fraction(self.rates.long)
        if long < 0:
            return net * Fraction(self.rates.short)
        return short * Fraction(self.rates.short) + long * Fraction(self.rates.long)


@dataclass(frozen=True, slots=True)
class HalfPlane:
    """short * net short gain + long * net long gain >= at_least."""

    short: int
    long: int
    at_least: Decimal = ZERO

    def holds(self, short: Fraction, long: Fraction) -> bool:
        return self.short * short + self.long * long >= Fraction(self.at_least)


@dataclass(frozen=True, slots=True)
class Regime:
    """Where all `conditions` hold, the tax is constant + short * net short gain + long * net long gain."""

    netting: Netting
    short: Decimal
    long: Decimal
    constant: Decimal
    conditions: tuple[HalfPlane, ...]

    def holds(self, short: Fraction, long: Fraction) -> bool:
        return all(condition.holds(short, long) for condition in self.conditions)

    def of(self, short: Fraction, long: Fraction) -> Fraction:
        return Fraction(self.constant) + Fraction(self.short) * short + Fraction(self.long) * long


SHORT_GAIN, LONG_GAIN, NET_GAIN = HalfPlane(1, 0), HalfPlane(0, 1), HalfPlane(1, 1)
SHORT_LOSS, LONG_LOSS, NET_LOSS = HalfPlane(-1, 0), HalfPlane(0, -1), HalfPlane(-1, -1)


def linear_tax(profile: TaxProfile, *, worth_of_carried: Decimal = ZERO) -> LinearTax:
    """The marginal rates of a household as they are now; they hold for gains that cross no bracket.

    :raises UnknownTaxYear: when the year's brackets are not written down
    """
    return LinearTax(marginal_rates(profile), deduction_rate(profile), worth_of_carried, profile.rules().loss_limit)


def regimes(tax: LinearTax) -> tuple[Regime, ...]:
    """Closed regions that cover every pair of net gains, carried losses included; they agree where they meet."""
    short, long, limit = tax.rates.short, tax.rates.long, tax.loss_limit
    beyond = times(limit, minus(tax.carried, tax.deduction))
    return (
        Regime(Netting.BOTH_GAINS, short, long, ZERO, (SHORT_GAIN, LONG_GAIN)),
        Regime(Netting.SHORT_LOSS_NETS, long, long, ZERO, (SHORT_LOSS, NET_GAIN)),
        Regime(Netting.LONG_LOSS_NETS, short, short, ZERO, (LONG_LOSS, NET_GAIN)),
        Regime(Netting.DEDUCTED, tax.deduction, tax.deduction, ZERO, (NET_LOSS, HalfPlane(1, 1, minus(ZERO, limit)))),
        Regime(Netting.CARRIED, tax.carried, tax.carried, beyond, (HalfPlane(-1, -1, limit),)),
    )


def regimes_of(profile: TaxProfile, *, worth_of_carried: Decimal = ZERO) -> tuple[Regime, ...]:
    """The regimes at a household's marginal rates."""
    return regimes(linear_tax(profile, worth_of_carried=worth_of_carried))
