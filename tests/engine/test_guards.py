"""The edges: what is done where nothing should simply go on."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from rebalancer.engine import guards
from rebalancer.engine.calendars import LocalTime
from rebalancer.engine.fees import Side
from rebalancer.engine.guards import PROCEED, Action, Intent, Reason, Verdict
from rebalancer.engine.lots import Lot


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


STALE = Verdict(Action.BLOCK_TRADE, Reason.STALE_PRICE)


@pytest.mark.parametrize(
    ("priced", "now", "expected"),
    [
        pytest.param("2026-11-18T21:00", "2026-11-20T15:00", STALE, id="two sessions old"),
        pytest.param("2026-11-19T21:00", "2026-11-20T15:00", PROCEED, id="last close"),
        pytest.param("2026-11-18T21:00", "2026-11-20T14:29", PROCEED, id="a session counts once it has opened"),
        pytest.param("2026-11-18T21:00", "2026-11-20T14:30", STALE, id="from its opening on"),
        pytest.param("2026-11-25T21:00", "2026-11-27T15:00", PROCEED, id="a holiday does not age a price"),
        pytest.param("2026-11-20T21:00", "2026-11-22T15:00", PROCEED, id="nor does a weekend"),
        pytest.param("2026-11-20T21:00", "2026-11-23T15:00", PROCEED, id="friday's price on monday"),
        pytest.param("2026-11-20T02:00", "2026-11-20T15:00", PROCEED, id="an evening in New York is the day before"),
        pytest.param(
            "2026-11-20T16:00", "2026-11-20T15:00", Verdict(Action.BLOCK_TRADE, Reason.PRICE_IN_FUTURE), id="tomorrow's"
        ),
    ],
)
def test_a_price_ages_by_sessions(priced, now, expected):
    assert guards.stale_price(moment(priced), moment(now)) == expected


def test_the_policy_may_allow_older_prices():
    assert guards.stale_price(moment("2026-11-18T21:00"), moment("2026-11-20T15:00"), max_age_sessions=2) == PROCEED


PENDING = Verdict(Action.HOLD, Reason.CORP_ACTION_PENDING)
REVIEW = Verdict(Action.HOLD, Reason.PRICE_JUMP_REVIEW)


@pytest.mark.parametrize(
    ("previous", "price", "split", "applied", "expected"),
    [
        pytest.param("200", "100.5", 2, False, PENDING, id="a split the custodian has not booked"),
        pytest.param("200", "100.5", 2, True, PROCEED, id="a split it has booked"),
        pytest.param("200", "60", 2, True, REVIEW, id="a fall beyond the split"),
        pytest.param("100", "81", Fraction(5, 4), False, PENDING, id="a split smaller than a jump"),
        pytest.param("100", "75", None, False, PROCEED, id="exactly a quarter is no jump"),
        pytest.param("100", "74.99", None, False, REVIEW, id="more than a quarter down"),
        pytest.param("100", "125.01", None, False, REVIEW, id="more than a quarter up"),
    ],
)
def test_a_jump_in_price_is_held(previous, price, split, applied, expected):
    announced = None if split is None else Fraction(split)
    verdict = guards.price_jump(previous=Decimal(previous), price=Decimal(price), announced=announced, applied=applied)
    assert verdict == expected


def test_a_move_from_nothing_is_refused():
    with pytest.raises(ValueError, match="two positive prices"):
        guards.price_jump(previous=Decimal(0), price=Decimal(1))


def test_a_position_keeps_its_value_through_a_split():
    assert guards.value_through_split(Decimal(50), Decimal("100.5"), Fraction(2)) == 10050


def make_lot(quantity) -> Lot:
    return Lot("X", date(2024, 1, 2), Decimal(quantity), Decimal(10))


@pytest.mark.parametrize(
    ("verdict", "action", "reason"),
    [
        pytest.param(guards.unpriced(None), Action.BLOCK_TRADE, Reason.UNPRICED, id="no price"),
        pytest.param(guards.unpriced(Decimal(0)), Action.PROCEED, None, id="a price of zero is a price"),
        pytest.param(guards.short_position(Decimal(-10)), Action.BLOCK_ACCOUNT, Reason.SHORT_POSITION, id="short"),
        pytest.param(guards.short_position(Decimal(0)), Action.PROCEED, None, id="flat"),
        pytest.param(guards.missing_basis(Decimal(100), None), Action.NO_SELL, Reason.BASIS_PENDING, id="no lots yet"),
        pytest.param(
            guards.missing_basis(Decimal(100), [make_lot(60)]), Action.NO_SELL, Reason.BASIS_PENDING, id="some lots"
        ),
        pytest.param(guards.missing_basis(Decimal(100), [make_lot(100)]), Action.PROCEED, None, id="all lots"),
        pytest.param(guards.restricted("AAA", ["AAA"]), Action.BLOCK_TRADE, Reason.RESTRICTED, id="restricted"),
        pytest.param(guards.restricted("BBB", ["AAA"]), Action.PROCEED, None, id="not restricted"),
        pytest.param(guards.dust(Decimal("0.0003")), Action.LEAVE_DUST, Reason.DUST, id="dust stays"),
        pytest.param(
            guards.dust(Decimal("0.0003"), liquidating=True),
            Action.SWEEP_DUST,
            Reason.DUST,
            id="dust goes at the end",
        ),
        pytest.param(guards.dust(Decimal("0.0003"), Decimal(5000)), Action.PROCEED, None, id="a dollar is not dust"),
        pytest.param(guards.dust(Decimal(3), Decimal("0.3")), Action.LEAVE_DUST, Reason.DUST, id="shares worth cents"),
        pytest.param(guards.model_change(["o1"]), Action.FINISH_OR_CANCEL, Reason.MODEL_CHANGED, id="orders working"),
        pytest.param(guards.model_change([]), Action.REPROPOSE, Reason.MODEL_CHANGED, id="no orders working"),
    ],
)
def test_guards_say_what_may_happen(verdict, action, reason):
    assert (verdict.action, verdict.reason) == (action, reason)


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        pytest.param(
            guards.cash_check(Decimal(-350), reserve=Decimal(200)),
            Verdict(Action.RAISE_CASH, Reason.NEGATIVE_CASH, Decimal(550)),
            id="the deficit and the reserve",
        ),
        pytest.param(
            guards.cash_check(Decimal(150), reserve=Decimal(200), fees_due=Decimal(5)),
            Verdict(Action.RAISE_CASH, Reason.BELOW_RESERVE, Decimal(55)),
            id="what the reserve lacks",
        ),
        pytest.param(guards.cash_check(Decimal(200), reserve=Decimal(200)), PROCEED, id="just the reserve"),
        pytest.param(
            guards.withdrawal(Decimal(5000), Decimal(1200), reserve=Decimal(100)),
            Verdict(Action.RAISE_CASH, Reason.WITHDRAWAL, Decimal(3900)),
            id="what the payment lacks",
        ),
        pytest.param(guards.withdrawal(Decimal(500), Decimal(1200)), PROCEED, id="a payment there is cash for"),
        pytest.param(
            guards.revalidate_cash(proposed_on=Decimal(500), cash=Decimal(620), buys=Decimal(450)),
            Verdict(Action.REVALIDATE, Reason.CASH_CHANGED, Decimal(450)),
            id="more cash buys no more",
        ),
        pytest.param(
            guards.revalidate_cash(proposed_on=Decimal(500), cash=Decimal(400), buys=Decimal(450)),
            Verdict(Action.REVALIDATE, Reason.CASH_CHANGED, Decimal(400)),
            id="less cash buys less",
        ),
        pytest.param(
            guards.revalidate_cash(proposed_on=Decimal(500), cash=Decimal(500), buys=Decimal(450)),
            Verdict(Action.PROCEED, None, Decimal(450)),
            id="cash unchanged",
        ),
        pytest.param(
            guards.buys_within(Decimal(600), Decimal(1000), Decimal(900)),
            Verdict(Action.RESCALE_BUYS, Reason.CASH_CHANGED, Decimal(540)),
            id="sales filled in part fund a part",
        ),
        pytest.param(
            guards.buys_within(Decimal(1100), Decimal(1000), Decimal(900)),
            Verdict(Action.PROCEED, None, Decimal(900)),
            id="sales filled better fund no more",
        ),
        pytest.param(
            guards.overfill(Decimal(100), Decimal(110)),
            Verdict(Action.OPEN_BREAK, Reason.OVERFILL, Decimal(10)),
            id="more than ordered",
        ),
        pytest.param(guards.overfill(Decimal(100), Decimal(100)), PROCEED, id="as ordered"),
    ],
)
def test_guards_say_how_much_money(verdict, expected):
    assert verdict == expected


def test_investable_cash_leaves_what_is_due():
    due = {"reserve": Decimal(250), "fees_due": Decimal(180)}
    assert guards.investable(Decimal(1000), **due) == 570
    assert guards.investable(Decimal(400), **due) == 0
    assert guards.shortfall(Decimal(400), **due) == 30


def test_sales_for_a_payment_settle_by_its_day():
    assert guards.sell_by(date(2026, 11, 11)) == date(2026, 11, 9)
    assert guards.sell_by(date(2026, 11, 30)) == date(2026, 11, 27)


def test_working_orders_count_as_held():
    assert guards.effective_quantity(Decimal(100), working_buys=Decimal(20), working_sells=Decimal(5)) == 115


LOSS, GAIN, BUY = Intent(Side.SELL, "US", at_loss=True), Intent(Side.SELL, "US"), Intent(Side.BUY, "US")
LOCKED = Verdict(Action.LOCK_GROUP, Reason.HOUSEHOLD_WASH)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param(LOSS, BUY, LOCKED, id="a loss here and a purchase there"),
        pytest.param(BUY, LOSS, LOCKED, id="the other way round"),
        pytest.param(GAIN, BUY, PROCEED, id="a gain cannot be washed"),
        pytest.param(LOSS, LOSS, PROCEED, id="two losses"),
        pytest.param(LOSS, Intent(Side.BUY, "EM"), PROCEED, id="another group"),
    ],
)
def test_a_household_does_not_wash_its_own_loss(one, other, expected):
    assert guards.household_wash(one, other) == expected


def test_days_that_follow_from_a_day():
    assert guards.wash_free_on(date(2026, 11, 20)) == date(2026, 12, 21)
    assert guards.basis_due_on(date(2026, 11, 20)) == date(2026, 12, 5)
    assert guards.tax_year(date(2026, 12, 31)) == 2026


@pytest.mark.parametrize(
    ("wall", "run_at", "kind"),
    [
        pytest.param("2026-03-08T02:30", "2026-03-08T07:30", LocalTime.SKIPPED, id="a skipped hour shifts forward"),
        pytest.param("2026-11-01T01:30", "2026-11-01T05:30", LocalTime.TWICE, id="a repeated hour runs first"),
    ],
)
def test_a_schedule_survives_daylight_saving(wall, run_at, kind):
    assert guards.scheduled_run(datetime.fromisoformat(wall)) == guards.Run(moment(run_at), kind)
