"""Harvesting: worth it or not, and on which days."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.lots import Lot, Rates, Term
from rebalancer.engine.taxes.harvesting import (
    Drawbacks,
    Rebuy,
    Waiting,
    earliest_clean_sale,
    is_worth_harvesting,
    rate_saved,
    rebuy_after,
    value_of_loss,
    waiting_for_long_term,
)
from rebalancer.engine.taxes.netting import Gains
from rebalancer.engine.taxes.schedules import Filing
from rebalancer.engine.taxes.year import TaxProfile

TOP = Rates(Decimal("0.408"), Decimal("0.238"))
DAYS = st.dates(date(2024, 1, 1), date(2027, 1, 1))


def day(text) -> date:
    return date.fromisoformat(text)


def value(now, future, *, years="10", discount="0.06", step_up="0", loss="10000") -> Decimal:
    return value_of_loss(
        Decimal(loss),
        rate_now=Decimal(now),
        rate_future=Decimal(future),
        discount_rate=Decimal(discount),
        years=Decimal(years),
        step_up_probability=Decimal(step_up),
    )


@pytest.mark.parametrize(
    ("harvested", "worth"),
    [
        pytest.param(value("0.408", "0.238"), "2751.02", id="a short rate now, a long rate later"),
        pytest.param(value("0.238", "0.238"), "1051.02", id="only deferred"),
        pytest.param(value("0", "0.15"), "-837.59", id="nothing to save now, tax later"),
        pytest.param(value("0.238", "0.238", years="0"), "0", id="no time, no deferral"),
        pytest.param(value("0.238", "0.238", step_up="1"), "2380", id="the basis is stepped up"),
        pytest.param(value("0.238", "0.238", years="2.5", discount="0.21"), "902.21", id="half a year"),
        pytest.param(value("0.4", "0.2", loss="0"), "0", id="no loss"),
    ],
)
def test_a_harvest_is_worth_the_tax_now_less_the_tax_later(harvested, worth):
    assert abs(harvested - Decimal(worth)) < Decimal("0.005")


@given(st.decimals(0, 1, places=3), st.decimals(0, 1, places=3), st.decimals(0, 30, places=1))
def test_a_probable_step_up_never_lowers_the_worth(now, future, years):
    worth = [value(now, future, years=years, step_up=step_up) for step_up in ("0", "0.5", "1")]
    assert worth == sorted(worth)


@pytest.mark.parametrize("wrong", [{"loss": "-1"}, {"years": "-1"}, {"discount": "-1"}, {"step_up": "1.1"}])
def test_a_harvest_without_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="A harvest needs"):
        value("0.4", "0.2", **wrong)


@pytest.mark.parametrize(
    ("worth", "drawbacks", "hurdle", "expected"),
    [
        pytest.param("2751.02", Drawbacks(), "0", True, id="free"),
        pytest.param("100", Drawbacks(Decimal(40), Decimal(30), Decimal(29)), "0", True, id="a dollar is left"),
        pytest.param("100", Drawbacks(Decimal(40), Decimal(30), Decimal(29)), "1", False, id="and is the hurdle"),
        pytest.param("-837.59", Drawbacks(), "0", False, id="a household without tax"),
        pytest.param("0", Drawbacks(), "0", False, id="for nothing"),
    ],
)
def test_a_harvest_pays_when_more_than_the_hurdle_is_left(worth, drawbacks, hurdle, expected):
    assert is_worth_harvesting(Decimal(worth), drawbacks=drawbacks, hurdle=Decimal(hurdle)) is expected


@pytest.mark.parametrize(
    ("income", "realised", "loss", "held", "rate"),
    [
        pytest.param(900_000, (5000, 0), 5000, Term.LONG, "0.408", id="nets a short gain"),
        pytest.param(900_000, (0, 5000), 5000, Term.SHORT, "0.238", id="nets a long gain"),
        pytest.param(900_000, (0, 0), 6000, Term.SHORT, "0.185", id="half is deducted, half carried for nothing"),
        pytest.param(60_000, (0, 5000), 5000, Term.LONG, "0", id="the zero bracket saves nothing"),
    ],
)
def test_the_rate_saved_is_that_of_true_netting(income, realised, loss, held, rate):
    profile = TaxProfile(
        2026, Filing.MARRIED_JOINT, Decimal(income), realised=Gains(*(Decimal(amount) for amount in realised))
    )
    assert rate_saved(profile, loss=Decimal(loss), held=held) == Decimal(rate)


def test_a_rate_is_saved_of_a_loss():
    with pytest.raises(ValueError, match="positive"):
        rate_saved(TaxProfile(2026, Filing.SINGLE, Decimal(1)), loss=Decimal(0), held=Term.SHORT)


@pytest.mark.parametrize(
    ("purchases", "planned", "clean"),
    [
        pytest.param(["2026-11-10"], "2026-11-22", "2026-12-11", id="a purchase twelve days before"),
        pytest.param(["2026-10-23"], "2026-11-22", "2026-11-23", id="thirty days are too few"),
        pytest.param(["2026-10-22"], "2026-11-22", "2026-11-22", id="thirty-one are enough"),
        pytest.param(["2026-12-22"], "2026-11-22", "2027-01-22", id="a purchase planned for later"),
        pytest.param(["2026-12-23"], "2026-11-22", "2026-11-22", id="a purchase planned for much later"),
        pytest.param(["2026-12-20", "2026-11-10"], "2026-11-22", "2027-01-20", id="one after the other"),
        pytest.param([], "2026-11-22", "2026-11-22", id="no purchase"),
    ],
)
def test_a_sale_waits_until_no_purchase_is_near(purchases, planned, clean):
    assert earliest_clean_sale(map(day, purchases), planned_on=day(planned)) == day(clean)


@given(st.lists(DAYS, max_size=6), DAYS)
def test_a_clean_sale_is_the_first_without_a_purchase_within_thirty_days(purchases, planned_on):
    clean_on = earliest_clean_sale(purchases, planned_on=planned_on)
    waited = [planned_on + timedelta(days=days) for days in range((clean_on - planned_on).days)]
    assert all(abs((clean_on - bought_on).days) > 30 for bought_on in purchases)
    assert all(any(abs((on - bought_on).days) <= 30 for bought_on in purchases) for on in waited)


@pytest.mark.parametrize(
    ("sold", "blocked", "free", "session"),
    [
        ("2026-11-20", "2026-12-20", "2026-12-21", "2026-12-21"),
        ("2026-11-25", "2026-12-25", "2026-12-26", "2026-12-28"),
        ("2026-12-01", "2026-12-31", "2027-01-01", "2027-01-04"),
    ],
)
def test_what_was_sold_at_a_loss_is_bought_back_after_thirty_days(sold, blocked, free, session):
    assert rebuy_after(day(sold)) == Rebuy(day(blocked), day(free), day(session))


@pytest.mark.parametrize(
    ("on", "price", "waiting"),
    [
        pytest.param("2026-03-01", "30", Waiting(day("2026-03-11"), 10, Decimal(170)), id="a gain saves by waiting"),
        pytest.param("2026-03-01", "10", Waiting(day("2026-03-11"), 10, Decimal(-170)), id="a loss loses by it"),
        pytest.param("2026-03-11", "30", None, id="it is long-term already"),
    ],
)
def test_waiting_for_long_term_is_worth_the_difference_of_the_rates(on, price, waiting):
    lot = Lot("A", day("2025-03-10"), Decimal(100), Decimal(2000))
    assert waiting_for_long_term(lot, price=Decimal(price), on=day(on), rates=TOP) == waiting
