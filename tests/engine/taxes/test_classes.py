"""Assets with rules of their own."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rebalancer.engine.lots import Rates, Term
from rebalancer.engine.taxes.classes import TREATMENTS, MarginalRates, TaxClass, class_gains, class_rates
from rebalancer.engine.taxes.netting import Gains

TOP = MarginalRates(Decimal("0.37"), Decimal("0.20"), Decimal("0.038"))
MIDDLE = MarginalRates(Decimal("0.22"), Decimal("0.15"))


@pytest.mark.parametrize(
    ("tax_class", "marginal", "short", "long"),
    [
        (TaxClass.SECURITY, TOP, "0.408", "0.238"),
        (TaxClass.COLLECTIBLE, TOP, "0.408", "0.318"),
        (TaxClass.COLLECTIBLE, MIDDLE, "0.22", "0.22"),
        (TaxClass.SECTION_1256, TOP, "0.306", "0.306"),
        (TaxClass.PFIC, TOP, "0.408", "0.408"),
        (TaxClass.PARTNERSHIP, MIDDLE, "0.22", "0.22"),
        (TaxClass.MARKET_DISCOUNT, MIDDLE, "0.22", "0.22"),
    ],
)
def test_a_class_has_its_rates(tax_class, marginal, short, long):
    assert class_rates(tax_class, marginal) == Rates(Decimal(short), Decimal(long))


@pytest.mark.parametrize(
    ("tax_class", "amount", "short", "long"),
    [
        pytest.param(TaxClass.SECURITY, 100, 0, 100, id="a security follows its holding period"),
        pytest.param(TaxClass.SECTION_1256, 100, 40, 60, id="a contract does not"),
        pytest.param(TaxClass.SECTION_1256, -100, -40, -60, id="nor does its loss"),
        pytest.param(TaxClass.MARKET_DISCOUNT, 100, 0, 0, id="an ordinary gain does not net"),
        pytest.param(TaxClass.MARKET_DISCOUNT, -100, 0, -100, id="a loss does"),
    ],
)
def test_a_gain_counts_as_its_class_says(tax_class, amount, short, long):
    assert class_gains(tax_class, Decimal(amount), Term.LONG) == Gains(Decimal(short), Decimal(long))


def test_only_plain_securities_are_harvested_by_machine():
    assert {tax_class for tax_class in TaxClass if TREATMENTS[tax_class].harvests} == {TaxClass.SECURITY}
    assert all(treatment.because for treatment in TREATMENTS.values() if not treatment.harvests)
