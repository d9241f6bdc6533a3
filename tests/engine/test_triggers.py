from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from rebalancer.engine.book import Block, TaxStatus
from rebalancer.engine.drift import measure
from rebalancer.engine.policy import Frequency, Policy, Preset
from rebalancer.engine.triggers import MODES, Mode, evaluate, is_scheduled
from tests.engine.books import (
    FULL,
    OLD,
    RECENT,
    TODAY,
    make_account,
    make_book,
    make_position,
    make_securities,
    make_security,
    on_target,
    overweight_equity,
)

LAST = date(2026, 6, 1)
CALM = replace(FULL, calendar_frequency=Frequency.NONE, harvest_minimum_amount=Decimal(1300))


def look(account, **book):
    made = make_book(account, **book)
    found = evaluate(made, measure(made))
    due = MODES[found.mode[0]].name if len(found.due) else None
    return found.codes(0), due


@pytest.mark.parametrize(
    ("frequency", "on", "scheduled"),
    [
        pytest.param("WEEKLY", date(2026, 11, 20), True, id="weekly calls on Friday"),
        pytest.param("WEEKLY", date(2026, 11, 19), False, id="and not on Thursday"),
        pytest.param("WEEKLY", date(2026, 4, 2), True, id="Good Friday is kept on Thursday"),
        pytest.param("MONTHLY", date(2026, 10, 30), True, id="a Saturday month end moves to Friday"),
        pytest.param("MONTHLY", date(2026, 10, 31), False, id="no session is never scheduled"),
        pytest.param("QUARTERLY", date(2026, 9, 30), True, id="quarter end"),
        pytest.param("QUARTERLY", date(2026, 10, 30), False, id="not every month"),
        pytest.param("SEMIANNUAL", date(2026, 6, 30), True, id="half-year end"),
        pytest.param("SEMIANNUAL", date(2026, 9, 30), False, id="not every quarter"),
        pytest.param("ANNUAL", date(2026, 12, 31), True, id="year end"),
        pytest.param("NONE", date(2026, 12, 31), False, id="none"),
    ],
)
def test_periods_call_on_their_last_session(frequency, on, scheduled):
    assert is_scheduled(Policy(calendar_frequency=frequency), on) is scheduled


@pytest.mark.parametrize(
    ("listed", "on", "scheduled"),
    [
        pytest.param(date(2026, 11, 20), date(2026, 11, 20), True, id="the day itself"),
        pytest.param(date(2026, 11, 26), date(2026, 11, 25), True, id="Thanksgiving moves to the day before"),
        pytest.param(date(2026, 11, 22), date(2026, 11, 20), True, id="Sunday moves to Friday"),
        pytest.param(date(2026, 11, 23), date(2026, 11, 20), False, id="Monday does not"),
    ],
)
def test_a_listed_date_that_is_no_session_moves_to_the_session_before(listed, on, scheduled):
    assert is_scheduled(Policy(calendar_frequency=Frequency.DATES, calendar_on=(listed,)), on) is scheduled


@pytest.mark.parametrize(
    ("trigger", "scheduled", "breached", "due"),
    [
        pytest.param(Preset.CALENDAR, True, False, "FULL", id="calendar on its date"),
        pytest.param(Preset.CALENDAR, False, True, None, id="calendar does not look at bands"),
        pytest.param(Preset.THRESHOLD, True, False, None, id="threshold does not look at dates"),
        pytest.param(Preset.THRESHOLD, False, True, "FULL", id="threshold outside a band"),
        pytest.param(Preset.HYBRID, True, False, "FULL", id="hybrid on its date"),
        pytest.param(Preset.HYBRID, False, True, "FULL", id="hybrid outside a band"),
        pytest.param(Preset.HYBRID, False, False, None, id="hybrid otherwise"),
    ],
)
def test_each_preset_is_due_for_its_own_reasons(trigger, scheduled, breached, due):
    policy = Policy(
        trigger=trigger,
        calendar_frequency=Frequency.DATES if scheduled else Frequency.NONE,
        calendar_on=(TODAY,),
        cash_high_weight=Decimal("0.05"),
    )
    account = overweight_equity if breached else on_target
    assert look(account(policy=policy, last_rebalanced_on=LAST))[1] == due


@pytest.mark.parametrize(
    ("account", "reasons", "due"),
    [
        pytest.param(on_target(), (), None, id="nothing"),
        pytest.param(on_target(last_rebalanced_on=None), ("NEVER_REBALANCED",), None, id="never rebalanced"),
        pytest.param(overweight_equity(), ("BAND_BREACHED",), "FULL", id="breached"),
        pytest.param(
            make_account(
                make_position("VTI", ("500", "60", OLD)), make_position("BND", ("375", "60", OLD)), cash="9000"
            ),
            ("BAND_BREACHED", "HIGH_CASH"),
            "FULL",
            id="combined",
        ),
        pytest.param(on_target(cash=Decimal(5000)), ("HIGH_CASH",), "INVEST_CASH", id="high cash"),
        pytest.param(
            on_target(cash=Decimal(2500), contributions=Decimal(500)), ("NEW_MONEY",), "INVEST_CASH", id="new money"
        ),
        pytest.param(on_target(cash=Decimal(-10)), ("LOW_CASH", "NEGATIVE_CASH"), "RAISE_CASH", id="negative cash"),
        pytest.param(on_target(cash_reserve=Decimal(2500)), ("LOW_CASH",), "RAISE_CASH", id="below the reserve"),
        pytest.param(
            on_target(cash_reserve=Decimal(2500), reserve_threshold=Decimal(500)), (), None, id="within the threshold"
        ),
        pytest.param(
            on_target(withdrawals_due=Decimal(5000)), ("LOW_CASH", "WITHDRAWAL_DUE"), "RAISE_CASH", id="withdrawal"
        ),
        pytest.param(on_target(withdrawals_due=Decimal(1500)), ("WITHDRAWAL_DUE",), None, id="cash pays for it"),
        pytest.param(on_target(model_changed_on=RECENT), ("MODEL_CHANGED",), "FULL", id="model changed"),
        pytest.param(on_target(model_changed_on=OLD), (), None, id="model changed before the last rebalance"),
        pytest.param(overweight_equity(model_id=None), ("NO_MODEL",), None, id="no target means do nothing"),
        pytest.param(
            overweight_equity(block=Block.DATA_PROBLEM), ("BAND_BREACHED", "DATA_PROBLEM"), None, id="data problem"
        ),
        pytest.param(overweight_equity(block=Block.FROZEN), ("BAND_BREACHED", "BLOCKED"), None, id="blocked"),
        pytest.param(
            overweight_equity(policy=replace(CALM, cooldown_days=200)),
            ("BAND_BREACHED", "COOL_DOWN"),
            None,
            id="cool-down",
        ),
        pytest.param(
            overweight_equity(policy=replace(CALM, cooldown_days=172)),
            ("BAND_BREACHED",),
            "FULL",
            id="cool-down is over",
        ),
        pytest.param(
            on_target(cash=Decimal(-10), policy=replace(CALM, cooldown_days=200)),
            ("LOW_CASH", "NEGATIVE_CASH", "COOL_DOWN"),
            "RAISE_CASH",
            id="missing cash is raised in a cool-down",
        ),
    ],
)
def test_every_reason_stands_on_its_own(account, reasons, due):
    policy = account.policy if account.policy.cooldown_days else replace(CALM, cash_high_weight=Decimal("0.02"))
    never = "NEVER_REBALANCED" in reasons
    dated = replace(account, policy=policy, last_rebalanced_on=None if never else LAST)
    assert look(dated) == (reasons, due)


def test_prices_that_are_missing_or_old_are_named():
    unpriced = make_securities(VTI=make_security("VTI", None))
    stale = make_securities(VTI=make_security("VTI", price_age_sessions=2, asset_class="US equity"))
    account = on_target(policy=CALM, last_rebalanced_on=LAST)
    assert look(account, securities=unpriced)[0][-1] == "VALUE_INCOMPLETE"
    assert look(account, securities=unpriced)[1] is None
    assert look(account, securities=stale) == (("STALE_PRICE",), None)


@pytest.mark.parametrize(
    ("basis", "acquired_on", "status", "harvest"),
    [
        pytest.param("130", OLD, TaxStatus.TAXABLE, True, id="a loss of both minima"),
        pytest.param("100.5", OLD, TaxStatus.TAXABLE, False, id="too small a loss"),
        pytest.param("90", OLD, TaxStatus.TAXABLE, False, id="a gain"),
        pytest.param("130", RECENT, TaxStatus.TAXABLE, False, id="bought within the wash window"),
        pytest.param("130", OLD, TaxStatus.EXEMPT, False, id="no tax, no harvest"),
    ],
)
def test_losses_worth_harvesting_are_named_where_they_count(basis, acquired_on, status, harvest):
    account = make_account(
        make_position("VTI", ("500", basis, acquired_on)),
        make_position("VEA", ("360", "40", OLD)),
        make_position("BND", ("375", "70", OLD)),
        cash="2000",
        tax_status=status,
        policy=CALM,
        last_rebalanced_on=LAST,
    )
    assert look(account) == ((("LOSS_HARVEST",) if harvest else ()), None)


LOSING = make_account(
    make_position("VTI", ("500", "130", OLD)),
    make_position("VEA", ("360", "40", OLD)),
    make_position("BND", ("375", "70", OLD)),
    cash="2000",
    policy=replace(CALM, harvest=True),
    last_rebalanced_on=LAST,
)


@pytest.mark.parametrize(
    ("changes", "due"),
    [
        pytest.param({}, "HARVEST", id="where losses may be sold"),
        pytest.param({"policy": CALM}, None, id="not where they may not"),
        pytest.param({"policy": replace(CALM, harvest=True, cooldown_days=200)}, None, id="not in a cool-down"),
        pytest.param({"contributions": Decimal(500), "cash": Decimal(2500)}, "HARVEST", id="before new money"),
        pytest.param({"withdrawals_due": Decimal(5000)}, "RAISE_CASH", id="after missing cash"),
        pytest.param({"model_changed_on": RECENT}, "FULL", id="as part of the whole"),
    ],
)
def test_losses_worth_harvesting_are_due(changes, due):
    reasons, found = look(replace(LOSING, **changes))
    assert ("LOSS_HARVEST" in reasons, found) == (True, due)


@pytest.mark.parametrize(
    ("on", "scheduled"),
    [
        pytest.param(date(2026, 3, 6), True, id="the Friday before clocks go forward"),
        pytest.param(date(2026, 3, 9), False, id="the Monday after"),
        pytest.param(date(2026, 10, 30), True, id="the Friday before clocks go back"),
        pytest.param(date(2026, 11, 2), False, id="the Monday after that"),
    ],
)
def test_a_change_of_clocks_moves_no_date(on, scheduled):
    assert is_scheduled(Policy(calendar_frequency=Frequency.WEEKLY), on) is scheduled


def test_every_week_of_a_year_is_called_once():
    days = [date(2026, 1, 1) + timedelta(days=count) for count in range(365)]
    called = [day for day in days if is_scheduled(Policy(calendar_frequency=Frequency.WEEKLY), day)]
    assert [day.isocalendar().week for day in called] == list(range(1, 54))


def test_modes_are_named():
    assert MODES == (Mode.FULL, Mode.INVEST_CASH, Mode.RAISE_CASH, Mode.HARVEST, Mode.LIQUIDATE)
