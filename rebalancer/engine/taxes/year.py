"""A household's tax of a year, the change that more gains make to it, and its marginal rates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from rebalancer.engine.lots import Rates
from rebalancer.engine.money import CENT, ZERO, minus, times, total
from rebalancer.engine.taxes.netting import NO_GAINS, NO_LOSSES, Gains, Losses, Netted, net_gains
from rebalancer.engine.taxes.schedules import Filing, Rules, net_investment_income_tax, rules_for, stacked_tax

CENTS_A_DOLLAR = Decimal(100)


@dataclass(frozen=True, slots=True)
class TaxProfile:
    """What is known of a household's tax year, in dollars; rates as fractions.

    :param ordinary_income: taxable, after deductions and before capital gains and qualified dividends; below zero
        where the deductions exceed the income
    :param deductions: what adjusted gross income exceeds taxable income by
    :param other_investment_income: interest, other dividends, rents, as far as within `ordinary_income`
    :param realised: gains and losses of the year so far, without what was carried in
    :param state_rate: flat, on all taxable income
    """

    year: int
    filing: Filing
    ordinary_income: Decimal
    qualified_dividends: Decimal = ZERO
    other_investment_income: Decimal = ZERO
    deductions: Decimal = ZERO
    state_rate: Decimal = ZERO
    realised: Gains = NO_GAINS
    carried_in: Losses = NO_LOSSES

    def __post_init__(self) -> None:
        if not (self.qualified_dividends >= 0 and self.deductions >= 0 and 0 <= self.state_rate < 1):
            raise ValueError("Dividends and deductions are zero or more, and a state rate is a fraction.")

    def rules(self) -> Rules:
        return rules_for(self.year, self.filing)

    def having_realised(self, extra: Gains) -> TaxProfile:
        return replace(self, realised=self.realised.plus(extra))


@dataclass(frozen=True, slots=True)
class YearTax:
    """Dollars, not rounded: federal tax on ordinary income and at preferential rates, surtax and state tax."""

    netted: Netted
    ordinary: Decimal
    preferential: Decimal
    niit: Decimal
    state: Decimal

    @property
    def total(self) -> Decimal:
        return total([self.ordinary, self.preferential, self.niit, self.state])


def year_tax(profile: TaxProfile, extra: Gains = NO_GAINS) -> YearTax:
    """The whole tax of the year, with extra gains and losses on top of what was realised.

    :raises UnknownTaxYear: when the year's brackets are not written down
    """
    rules = profile.rules()
    return _tax_on(profile, rules, _netted(profile, rules, extra))


def tax_change(profile: TaxProfile, extra: Gains, *, worth_of_carried: Decimal = ZERO) -> Decimal:
    """What extra gains and losses add to the tax, below zero for a saving; not rounded.

    :param worth_of_carried: dollars that a dollar of loss carried into next year is worth today
    :raises UnknownTaxYear: when the year's brackets are not written down
    """
    before, after = year_tax(profile), year_tax(profile, extra)
    more_carried = minus(after.netted.carried.total, before.netted.carried.total)
    return minus(minus(after.total, before.total), times(worth_of_carried, more_carried))


def marginal_rates(profile: TaxProfile) -> Rates:
    """Tax on the next cent of taxed short-term and long-term gain, as fractions; federal, surtax and state.

    They hold on top of what is taxed so far, so losses that are left to net are not looked at: `regimes` does that.
    The short rate includes what a dollar more of ordinary income pushes into a higher preferential bracket.

    :raises UnknownTaxYear: when the year's brackets are not written down
    """
    taxed = _netted(profile, profile.rules(), NO_GAINS).taxed
    return Rates(
        short=_slope(profile, Netted(taxed, taxed, ZERO, NO_LOSSES), Gains(short=CENT)),
        long=_slope(profile, Netted(taxed, taxed, ZERO, NO_LOSSES), Gains(long=CENT)),
    )


def deduction_rate(profile: TaxProfile) -> Decimal:
    """Tax saved by the first cent of net capital loss that is deducted, as a fraction."""
    rules = profile.rules()
    without = _tax_on(profile, rules, Netted(NO_GAINS, NO_GAINS, ZERO, NO_LOSSES))
    deducted = _tax_on(profile, rules, Netted(NO_GAINS, NO_GAINS, CENT, NO_LOSSES))
    return times(minus(without.total, deducted.total), CENTS_A_DOLLAR)


def _netted(profile: TaxProfile, rules: Rules, extra: Gains) -> Netted:
    return net_gains(
        profile.realised.plus(extra),
        carried_in=profile.carried_in,
        loss_limit=rules.loss_limit,
        taxable_income=total([profile.ordinary_income, profile.qualified_dividends]),
    )


def _slope(profile: TaxProfile, netted: Netted, cent: Gains) -> Decimal:
    rules = profile.rules()
    more = replace(netted, taxed=netted.taxed.plus(cent))
    return times(minus(_tax_on(profile, rules, more).total, _tax_on(profile, rules, netted).total), CENTS_A_DOLLAR)


def _tax_on(profile: TaxProfile, rules: Rules, netted: Netted) -> YearTax:
    """Deductions that ordinary income cannot take lower what is taxed at preferential rates."""
    preferential = total([profile.qualified_dividends, netted.taxed.long])
    ordinary = minus(total([profile.ordinary_income, netted.taxed.short]), netted.deducted)
    taxable = max(ZERO, total([ordinary, preferential]))
    preferential = min(preferential, taxable)
    ordinary = minus(taxable, preferential)
    return YearTax(
        netted=netted,
        ordinary=stacked_tax(rules.ordinary, below=ZERO, amount=ordinary),
        preferential=stacked_tax(rules.preferential, below=ordinary, amount=preferential),
        niit=_surtax(profile, rules, netted),
        state=times(profile.state_rate, taxable),
    )


def _surtax(profile: TaxProfile, rules: Rules, netted: Netted) -> Decimal:
    """A deducted net capital loss lowers investment income too (Treas. Reg. 1.1411-4(f)(4))."""
    gained = minus(netted.taxed.net, netted.deducted)
    invested = total([profile.other_investment_income, profile.qualified_dividends, gained])
    income = total([profile.ordinary_income, profile.deductions, profile.qualified_dividends, gained])
    return net_investment_income_tax(over=rules.niit_over, income=income, investment_income=invested)
