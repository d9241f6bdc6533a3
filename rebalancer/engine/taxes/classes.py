"""Assets that plain short and long rates do not fit, and whether their losses may be harvested without a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from rebalancer.engine.lots import Rates, Term
from rebalancer.engine.money import ZERO, minus, times, total
from rebalancer.engine.taxes.netting import NO_GAINS, Gains, gains_of


class TaxClass(StrEnum):
    SECURITY = "SECURITY"
    COLLECTIBLE = "COLLECTIBLE"
    SECTION_1256 = "SECTION_1256"
    PARTNERSHIP = "PARTNERSHIP"
    PFIC = "PFIC"
    MARKET_DISCOUNT = "MARKET_DISCOUNT"


@dataclass(frozen=True, slots=True)
class MarginalRates:
    """Fractions: of ordinary income, of preferential gain, and what both bear besides (surtax and state)."""

    ordinary: Decimal
    preferential: Decimal
    besides: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Treatment:
    """How gains of a class are taxed.

    :param highest_long_rate: caps the ordinary rate on long-term gain instead of the preferential rate
    :param long_share: of any gain, whatever the holding period
    :param ordinary: gain is ordinary income, whatever the holding period (a cautious estimate)
    :param harvests: may its losses be harvested without a person looking at them?
    :param because: why not, as a sentence
    """

    highest_long_rate: Decimal | None = None
    long_share: Decimal | None = None
    ordinary: bool = False
    harvests: bool = False
    because: str = ""


TREATMENTS: Mapping[TaxClass, Treatment] = {
    TaxClass.SECURITY: Treatment(harvests=True),
    TaxClass.COLLECTIBLE: Treatment(
        highest_long_rate=Decimal("0.28"),
        because="Long-term gain on bullion and its trusts is taxed at up to 28 % (IRC 1(h)(4)).",
    ),
    TaxClass.SECTION_1256: Treatment(
        long_share=Decimal("0.6"),
        because="Gain is 60 % long-term and 40 % short-term, and is marked to market at year-end (IRC 1256).",
    ),
    TaxClass.PARTNERSHIP: Treatment(
        ordinary=True,
        because="Part of the gain is ordinary, and the basis follows the partnership's statements (IRC 705, 751).",
    ),
    TaxClass.PFIC: Treatment(
        ordinary=True,
        because="Gain of a passive foreign company is spread over the holding period with interest (IRC 1291).",
    ),
    TaxClass.MARKET_DISCOUNT: Treatment(
        ordinary=True,
        because="Gain on a market discount bond is ordinary up to the accrued discount (IRC 1276).",
    ),
}


def class_rates(tax_class: TaxClass, marginal: MarginalRates) -> Rates:
    """The short and long rates of a class at a household's marginal rates."""
    treatment = TREATMENTS[tax_class]
    short, long = marginal.ordinary, marginal.preferential
    if treatment.ordinary:
        long = short
    elif treatment.highest_long_rate is not None:
        long = max(long, min(short, treatment.highest_long_rate))
    elif treatment.long_share is not None:
        long = total([times(treatment.long_share, long), times(minus(Decimal(1), treatment.long_share), short)])
        short = long
    return Rates(total([short, marginal.besides]), total([long, marginal.besides]))


def class_gains(tax_class: TaxClass, amount: Decimal, held: Term) -> Gains:
    """A gain or loss by the terms it counts as in netting; a gain that is ordinary income does not net."""
    treatment = TREATMENTS[tax_class]
    if treatment.long_share is not None:
        long = times(treatment.long_share, amount)
        return Gains(minus(amount, long), long)
    return NO_GAINS if treatment.ordinary and amount > 0 else gains_of(amount, held)
