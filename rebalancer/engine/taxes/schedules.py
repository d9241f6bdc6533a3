"""Federal rates, brackets and thresholds by tax year and filing status, as dated data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from rebalancer.engine.money import ZERO, minus, times, total


class Filing(StrEnum):
    """Federal filing status; a surviving spouse has the figures of MARRIED_JOINT (IRC 1(a)(2))."""

    SINGLE = "SINGLE"
    MARRIED_JOINT = "MARRIED_JOINT"
    MARRIED_SEPARATE = "MARRIED_SEPARATE"
    HEAD_OF_HOUSEHOLD = "HEAD_OF_HOUSEHOLD"


class UnknownTaxYear(ValueError):
    """A year whose brackets are not written down here."""


@dataclass(frozen=True, slots=True)
class Bracket:
    """Income over `over` dollars is taxed at `rate`, up to the next bracket."""

    over: Decimal
    rate: Decimal


Brackets = Sequence[Bracket]
"""From zero up, without gaps; the last has no end."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a year and a filing status make of income; `ordinary` and `preferential` over taxable income.

    Net investment income tax is charged over `niit_over` dollars of modified adjusted gross income, and a net capital
    loss is deducted up to `loss_limit` dollars.
    """

    year: int
    filing: Filing
    ordinary: Brackets
    preferential: Brackets
    niit_over: Decimal
    loss_limit: Decimal


ORDINARY_RATES = tuple(Decimal(rate) for rate in ("0.10", "0.12", "0.22", "0.24", "0.32", "0.35", "0.37"))
"""IRC 1(j)(2), permanent since Public Law 119-21."""

PREFERENTIAL_RATES = tuple(Decimal(rate) for rate in ("0.00", "0.15", "0.20"))
"""IRC 1(h)(1), for net long-term gain and qualified dividends."""

NIIT_RATE = Decimal("0.038")
"""IRC 1411(a)(1)."""

NIIT_OVER: Mapping[Filing, Decimal] = {
    Filing.SINGLE: Decimal(200_000),
    Filing.MARRIED_JOINT: Decimal(250_000),
    Filing.MARRIED_SEPARATE: Decimal(125_000),
    Filing.HEAD_OF_HOUSEHOLD: Decimal(200_000),
}
"""IRC 1411(b), not indexed."""

LOSS_LIMIT = Decimal(3_000)
LOSS_LIMITS: Mapping[Filing, Decimal] = dict.fromkeys(Filing, LOSS_LIMIT) | {Filing.MARRIED_SEPARATE: Decimal(1_500)}
"""IRC 1211(b), not indexed."""

ORDINARY_OVER: Mapping[int, Mapping[Filing, tuple[int, ...]]] = {
    2025: {
        Filing.SINGLE: (11_925, 48_475, 103_350, 197_300, 250_525, 626_350),
        Filing.MARRIED_JOINT: (23_850, 96_950, 206_700, 394_600, 501_050, 751_600),
        Filing.MARRIED_SEPARATE: (11_925, 48_475, 103_350, 197_300, 250_525, 375_800),
        Filing.HEAD_OF_HOUSEHOLD: (17_000, 64_850, 103_350, 197_300, 250_500, 626_350),
    },
    2026: {
        Filing.SINGLE: (12_400, 50_400, 105_700, 201_775, 256_225, 640_600),
        Filing.MARRIED_JOINT: (24_800, 100_800, 211_400, 403_550, 512_450, 768_700),
        Filing.MARRIED_SEPARATE: (12_400, 50_400, 105_700, 201_775, 256_225, 384_350),
        Filing.HEAD_OF_HOUSEHOLD: (17_700, 67_450, 105_700, 201_750, 256_200, 640_600),
    },
}
"""Where the second and later ordinary rates begin (Rev. Proc. 2024-40, Rev. Proc. 2025-32)."""

PREFERENTIAL_OVER: Mapping[int, Mapping[Filing, tuple[int, ...]]] = {
    2025: {
        Filing.SINGLE: (48_350, 533_400),
        Filing.MARRIED_JOINT: (96_700, 600_050),
        Filing.MARRIED_SEPARATE: (48_350, 300_000),
        Filing.HEAD_OF_HOUSEHOLD: (64_750, 566_700),
    },
    2026: {
        Filing.SINGLE: (49_450, 545_500),
        Filing.MARRIED_JOINT: (98_900, 613_700),
        Filing.MARRIED_SEPARATE: (49_450, 306_850),
        Filing.HEAD_OF_HOUSEHOLD: (66_200, 579_600),
    },
}
"""Where 15 % and 20 % begin (the same procedures)."""


def rules_for(year: int, filing: Filing) -> Rules:
    """The rules of a tax year.

    :raises UnknownTaxYear: naming the years there are
    """
    if year not in ORDINARY_OVER:
        years = ", ".join(map(str, sorted(ORDINARY_OVER)))
        raise UnknownTaxYear(f"No tax brackets are written down for {year}; there are those of {years}.")
    return Rules(
        year=year,
        filing=filing,
        ordinary=_brackets(ORDINARY_OVER[year][filing], ORDINARY_RATES),
        preferential=_brackets(PREFERENTIAL_OVER[year][filing], PREFERENTIAL_RATES),
        niit_over=NIIT_OVER[filing],
        loss_limit=LOSS_LIMITS[filing],
    )


def _brackets(over: tuple[int, ...], rates: tuple[Decimal, ...]) -> Brackets:
    return tuple(Bracket(Decimal(start), rate) for start, rate in zip((0, *over), rates, strict=True))


def slices(brackets: Brackets, *, below: Decimal, amount: Decimal) -> tuple[Decimal, ...]:
    """How much of an amount falls into each bracket when it is stacked on top of the income `below` it.

    Income below zero counts as zero, and so does an amount below zero; the slices add up to the amount.
    """
    since = max(below, ZERO)
    until = since + max(amount, ZERO)
    ends = [*(bracket.over for bracket in brackets[1:]), max(until, brackets[-1].over)]
    return tuple(
        max(ZERO, minus(min(until, end), max(since, bracket.over))) for bracket, end in zip(brackets, ends, strict=True)
    )


def stacked_tax(brackets: Brackets, *, below: Decimal, amount: Decimal) -> Decimal:
    """The tax on an amount that is stacked on top of the income `below` it; not rounded."""
    parts = zip(slices(brackets, below=below, amount=amount), brackets, strict=True)
    return total([times(part, bracket.rate) for part, bracket in parts])


def rate_at(brackets: Brackets, income: Decimal) -> Decimal:
    """The rate of the next dollar over an income."""
    return [bracket.rate for bracket in brackets if bracket.over <= max(income, ZERO)][-1]


def start_of(brackets: Brackets, rate: Decimal) -> Decimal:
    """The income over which a rate begins.

    :raises ValueError: when no bracket has that rate
    """
    for bracket in brackets:
        if bracket.rate == rate:
            return bracket.over
    rates = ", ".join(f"{bracket.rate:.0%}" for bracket in brackets)
    raise ValueError(f"There is no bracket of {rate:.1%}; there are {rates}.")


def net_investment_income_tax(*, over: Decimal, income: Decimal, investment_income: Decimal) -> Decimal:
    """3.8 % of investment income, or of what modified adjusted gross income is `over` a threshold if that is less.

    IRC 1411(a)(1); not rounded, never below zero.
    """
    return times(NIIT_RATE, max(ZERO, min(investment_income, minus(income, over))))
