"""What a harvested loss is worth, and the days on which it can be taken and bought back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context, Decimal
from fractions import Fraction

from rebalancer.engine import money
from rebalancer.engine.calendars import is_session, next_session
from rebalancer.engine.lots import Lot, Rates, Term, first_long_term_on
from rebalancer.engine.taxes.netting import gains_of
from rebalancer.engine.taxes.year import TaxProfile, tax_change

WINDOW_DAYS = 30
"""Purchases this many days before and after a loss sale wash it (IRC 1091(a))."""

_CLEAR = timedelta(days=WINDOW_DAYS + 1)
_GROWTH = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Drawbacks:
    """Dollars that a harvest costs besides: trading both ways, expected tracking error, losses that will be washed."""

    round_trip: Decimal = money.ZERO
    tracking: Decimal = money.ZERO
    washed: Decimal = money.ZERO

    @property
    def total(self) -> Decimal:
        return money.total([self.round_trip, self.tracking, self.washed])


@dataclass(frozen=True, slots=True)
class Rebuy:
    """After a loss sale: the last day on which a purchase washes it, the first after it, and the first session."""

    last_blocked_on: date
    free_on: date
    free_session_on: date


@dataclass(frozen=True, slots=True)
class Waiting:
    """A short-term lot: the day its sale turns long-term, the days until then, and the tax saved at today's price.

    `saving` is below zero where waiting costs: a short-term loss loses its higher rate.
    """

    long_term_on: date
    days: int
    saving: Decimal


def value_of_loss(
    loss: Decimal,
    *,
    rate_now: Decimal,
    rate_future: Decimal,
    discount_rate: Decimal,
    years: Decimal,
    step_up_probability: Decimal = money.ZERO,
) -> Decimal:
    """What harvesting a loss is worth today: tax saved now, less the discounted tax on the lower basis later.

    loss * (rate_now - rate_future * (1 - step_up_probability) * (1 + discount_rate) ** -years), to the micro-dollar:
    the gain is taxed after `years` unless the basis is stepped up at death (IRC 1014).

    :raises ValueError: when loss or years are negative, the discount is -100 % or less, or the probability is none
    """
    if not (loss >= 0 and years >= 0 and discount_rate > -1 and 0 <= step_up_probability <= 1):
        raise ValueError("A harvest needs a loss and years of zero or more, a discount over -100 % and a probability.")
    growth = Fraction(_GROWTH.power(money.EXACT.add(Decimal(1), discount_rate), years))
    later = Fraction(rate_future) * (1 - Fraction(step_up_probability)) / growth
    return money.ratio(Fraction(loss) * (Fraction(rate_now) - later))


def rate_saved(profile: TaxProfile, *, loss: Decimal, held: Term, worth_of_carried: Decimal = money.ZERO) -> Decimal:
    """The share of a loss that a household saves in tax this year, with true netting; six decimals.

    :raises ValueError: when the loss is not positive
    :raises UnknownTaxYear: when the year's brackets are not written down
    """
    if not loss > 0:
        raise ValueError(f"A loss to harvest is positive, not {loss}.")
    extra = gains_of(money.minus(money.ZERO, loss), held)
    saved = tax_change(profile, extra, worth_of_carried=worth_of_carried)
    return money.ratio(-Fraction(saved) / Fraction(loss))


def is_worth_harvesting(value: Decimal, *, drawbacks: Drawbacks, hurdle: Decimal = money.ZERO) -> bool:
    """Is more than the hurdle left of a harvest's value? A household without tax to save now has none."""
    return money.minus(value, drawbacks.total) > hurdle


def earliest_clean_sale(purchases: Iterable[date], *, planned_on: date) -> date:
    """The first day from `planned_on` on which no purchase is within 30 days on either side (IRC 1091(a))."""
    clean_on = planned_on
    for bought_on in sorted(purchases):
        if abs(clean_on - bought_on) < _CLEAR:
            clean_on = bought_on + _CLEAR
    return clean_on


def rebuy_after(loss_sale_on: date) -> Rebuy:
    """When a security sold at a loss can be bought back; calendar days, trade dates."""
    free_on = loss_sale_on + _CLEAR
    session = free_on if is_session(free_on) else next_session(free_on)
    return Rebuy(loss_sale_on + timedelta(days=WINDOW_DAYS), free_on, session)


def waiting_for_long_term(lot: Lot, *, price: Decimal, on: date, rates: Rates) -> Waiting | None:
    """What it is worth to wait until a lot is long-term; None when it is already.

    :raises ValueError: when the day is before the acquisition
    """
    if lot.term(on) is Term.LONG:
        return None
    long_term_on = first_long_term_on(lot.acquired_on)
    gain = money.minus(money.times(lot.quantity, price), lot.cost_basis)
    saving = money.times(gain, money.minus(rates.short, rates.long))
    return Waiting(long_term_on, (long_term_on - on).days, saving)
