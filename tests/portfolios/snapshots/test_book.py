from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from accounts.models import Account, CashReserve, ScheduledFlow
from portfolios.models import (
    DataProblem,
    FirmPrice,
    ModelAssignment,
    ModelVersion,
    Position,
    Restriction,
    Security,
    Transaction,
)
from portfolios.services.policies import publish_policy
from portfolios.snapshots.book import LoadedBook, load_book
from portfolios.snapshots.positions import Depth
from rebalancer.engine.book import NONE, Block
from tests.worlds import NOW, TODAY, Birch, Cedar, make_account, make_household, make_lot, make_model


def loaded(world: Birch) -> LoadedBook:
    return load_book(world.firm_id, [world.household.pk], as_of=TODAY, depth=Depth.ALL_LOTS)


def symbols(found: LoadedBook) -> list[str]:
    return [found.book.securities.symbol[place] for place in found.book.positions.security.tolist()]


def test_a_household_loads_with_its_positions_lots_and_cash(birch: Birch, cedar: Cedar) -> None:
    book = loaded(birch).book
    assert book.accounts.account_id == (str(birch.account.pk),)
    assert symbols(loaded(birch)) == ["VTI", "BND"]
    assert book.positions.quantity.tolist() == [250_000_000, 150_000_000]
    assert book.lots.quantity.tolist() == [200_000_000, 50_000_000, 150_000_000]
    assert book.lots.cost_basis.tolist() == [40_000_000_000, 16_000_000_000, 12_000_000_000]
    assert book.accounts.cash_settled.tolist() == [2_000_000_000]
    assert book.value_micros().tolist() == [(250 * 300 + 150 * 74 + 2000) * 1_000_000]


def test_another_firms_household_loads_as_nothing(birch: Birch, cedar: Cedar) -> None:
    assert len(load_book(birch.firm_id, [cedar.household.pk], as_of=TODAY, depth=Depth.ALL_LOTS).book) == 0


def test_the_model_followed_comes_flattened_with_its_cash(birch: Birch) -> None:
    book = loaded(birch).book
    held = dict(zip((book.securities.symbol[one] for one in book.models.security), book.models.weight, strict=True))
    assert held == {"VTI": 0.5, "VEA": 0.18, "BND": 0.3}
    assert book.models.cash_weight.tolist() == [0.02]
    assert loaded(birch).version_ids.tolist() == [birch.version.pk]


def test_an_account_whose_household_follows_nothing_has_no_target(birch: Birch) -> None:
    other = make_household(birch.firm_id, name="Elm")
    make_account(birch.firm_id, other, number="2002")
    found = load_book(birch.firm_id, [other.pk], as_of=TODAY, depth=Depth.ALL_LOTS)
    assert found.book.accounts.model.tolist() == [NONE]
    assert found.version_ids.tolist() == [0]


def test_an_open_data_problem_blocks_its_account_alone(birch: Birch) -> None:
    second = make_account(birch.firm_id, birch.household, number="1002")
    DataProblem.objects.for_firm(birch.firm_id).create(
        account=second, code="MISSING_BASIS", source="TEST", sentence="A lot has no basis.", opened_at=NOW
    )
    assert loaded(birch).book.accounts.block.tolist() == [Block.NONE, Block.DATA_PROBLEM]


def test_a_short_position_blocks_its_account(birch: Birch) -> None:
    second = make_account(birch.firm_id, birch.household, number="1002")
    make_lot(birch.firm_id, second, "BND", "0", basis="0")
    Position.objects.for_firm(birch.firm_id).filter(account=second).update(quantity=Decimal(-5))
    assert loaded(birch).book.accounts.block.tolist() == [Block.NONE, Block.SHORT_POSITION]


def test_a_position_of_nothing_is_no_position(birch: Birch) -> None:
    Position.objects.for_firm(birch.firm_id).filter(security__symbol="VTI").update(quantity=0)
    assert symbols(loaded(birch)) == ["BND"]


def test_an_account_with_a_model_of_its_own_follows_that(birch: Birch) -> None:
    model, version = make_model(birch.firm_id, {"BND": "0.98"}, code="INCOME")
    second = make_account(birch.firm_id, birch.household, number="1002")
    ModelAssignment.objects.for_firm(birch.firm_id).create(
        account=second, target_model=model, assigned_on=date(2026, 10, 5)
    )
    found = loaded(birch)
    assert found.version_ids.tolist() == [birch.version.pk, version.pk]
    assert found.book.accounts.model_changed_on.tolist() == [date(2026, 1, 2), date(2026, 10, 5)]


def test_a_model_without_a_version_in_force_is_no_target(birch: Birch) -> None:
    ModelVersion.objects.for_firm(birch.firm_id).update(effective_on=date(2026, 12, 1))
    found = loaded(birch)
    assert (found.book.accounts.model.tolist(), found.version_ids.tolist()) == ([NONE], [0])


@pytest.mark.parametrize(
    ("last_rebalanced", "counted"),
    [
        pytest.param(None, 900, id="never rebalanced: a month back"),
        pytest.param(date(2026, 11, 10), 500, id="what came since the last rebalance"),
        pytest.param(date(2026, 11, 20), 0, id="rebalanced since"),
    ],
)
def test_new_money_is_what_came_since_the_last_rebalance(birch: Birch, last_rebalanced, counted) -> None:
    for key, came_on, amount in (("a", 15, 500), ("b", 5, 400)):
        Transaction.objects.for_firm(birch.firm_id).create(
            account=birch.account,
            key=key,
            kind="CONTRIBUTION",
            trade_on=date(2026, 11, came_on),
            settle_on=date(2026, 11, came_on),
            amount=amount,
        )
    Account.objects.for_firm(birch.firm_id).update(last_rebalanced_on=last_rebalanced)
    assert loaded(birch).book.accounts.contributions.tolist() == [counted * 1_000_000]


def test_households_far_from_each_other_load_as_if_alone(birch: Birch) -> None:
    homes = [make_household(birch.firm_id, name=f"Home {number}") for number in range(12)]
    for number, home in enumerate(homes):
        make_lot(birch.firm_id, make_account(birch.firm_id, home, number=f"3{number:03}"), "VEA", "7", basis="300")
    found = load_book(birch.firm_id, [birch.household.pk, homes[-1].pk], as_of=TODAY, depth=Depth.ALL_LOTS)
    assert found.household_ids.tolist() == [birch.household.pk, homes[-1].pk]
    assert symbols(found) == ["VTI", "BND", "VEA"]


def test_a_restriction_on_something_not_held_is_carried_by_an_empty_row(birch: Birch) -> None:
    Restriction.objects.for_firm(birch.firm_id).create(
        account=birch.account, security=Security.objects.get(symbol="VEA"), kind="NO_BUY", reason="Client's wish"
    )
    book = loaded(birch).book
    assert list(zip(symbols(loaded(birch)), book.positions.quantity, book.positions.no_buy, strict=True)) == [
        ("VTI", 250_000_000, False),
        ("VEA", 0, True),
        ("BND", 150_000_000, False),
    ]


def test_an_expired_restriction_restricts_nothing(birch: Birch) -> None:
    Restriction.objects.for_firm(birch.firm_id).create(
        security=Security.objects.get(symbol="VTI"), kind="NO_TRADE", reason="Over", expires_on=date(2026, 11, 19)
    )
    assert not loaded(birch).book.positions.hold.any()


def test_lots_that_do_not_sum_to_the_position_are_said_to_be_missing(birch: Birch) -> None:
    lot = make_lot(birch.firm_id, birch.account, "VEA", "10", basis="500")
    lot.quantity = Decimal(4)
    lot.save()
    book = loaded(birch).book
    assert dict(zip(symbols(loaded(birch)), book.positions.lots_missing.tolist(), strict=True)) == {
        "VTI": False,
        "VEA": True,
        "BND": False,
    }


def test_a_lot_without_basis_is_known_as_such(birch: Birch) -> None:
    make_lot(birch.firm_id, birch.account, "VEA", "10", basis=None)
    book = loaded(birch).book
    assert dict(zip(symbols(loaded(birch)), book.positions.basis_known.tolist(), strict=True)) == {
        "VTI": True,
        "VEA": False,
        "BND": True,
    }


def test_a_firms_own_price_is_seen_by_that_firm_alone(birch: Birch, cedar: Cedar) -> None:
    FirmPrice.objects.for_firm(birch.firm_id).create(
        security=Security.objects.get(symbol="VTI"),
        priced_on=TODAY,
        close=Decimal(310),
        bid=Decimal("309.99"),
        ask=Decimal("310.01"),
        adv_shares=1,
        source="TEST",
    )
    place = loaded(birch).book.securities.symbol.index("VTI")
    assert loaded(birch).book.securities.price[place] == 310_000_000
    with cedar.scope():
        assert loaded(cedar).book.securities.price[place] == 300_000_000


def test_prices_age_in_sessions(birch: Birch) -> None:
    book = load_book(birch.firm_id, [birch.household.pk], as_of=date(2026, 11, 25), depth=Depth.LOSS_LOTS).book
    assert set(book.securities.price_age_sessions.tolist()) == {3}


def test_reserves_and_payments_due_within_a_week_are_counted(birch: Birch) -> None:
    CashReserve.objects.for_firm(birch.firm_id).create(
        account=birch.account, name="Taxes", amount=Decimal(500), threshold=Decimal(100)
    )
    for due_on, amount in ((date(2026, 11, 25), "-700"), (date(2026, 12, 25), "-900"), (date(2026, 11, 25), "400")):
        ScheduledFlow.objects.for_firm(birch.firm_id).create(
            account=birch.account, name=f"Flow {amount}", due_on=due_on, amount=Decimal(amount)
        )
    accounts = loaded(birch).book.accounts
    assert accounts.cash_reserve.tolist() == [500_000_000]
    assert accounts.reserve_threshold.tolist() == [100_000_000]
    assert accounts.withdrawals_due.tolist() == [700_000_000]


def test_a_loss_sold_within_thirty_days_reaches_the_whole_household(birch: Birch) -> None:
    for key, traded_on, loss in (("a", date(2026, 11, 2), "-50"), ("b", date(2026, 10, 19), "-50")):
        Transaction.objects.for_firm(birch.firm_id).create(
            account=birch.account,
            security=Security.objects.get(symbol="VTI" if key == "a" else "VEA"),
            key=key,
            kind="SELL",
            trade_on=traded_on,
            settle_on=traded_on,
            amount=Decimal(100),
            realised_short=Decimal(loss),
        )
    wash = loaded(birch).book.wash
    assert wash.sold_at_loss_on.tolist() == [date(2026, 11, 2)]
    assert np.isnat(wash.bought_on).all()


def test_the_nearest_policy_wins_and_the_households_own_rates_go_before_all(birch: Birch) -> None:
    publish_policy(
        firm_id=birch.firm_id, at=NOW, by="t", toml="[tax]\nshort_rate = 0.30\n[triggers]\nclass_band_absolute = 0.03"
    )
    publish_policy(
        firm_id=birch.firm_id, at=NOW, by="t", account_id=birch.account.pk, toml="[triggers]\nclass_band_absolute = 0.1"
    )
    make_account(birch.firm_id, birch.household, number="1002")
    book = loaded(birch).book
    own, other = (book.policies[place] for place in book.accounts.policy.tolist())
    assert (own.class_band_absolute, other.class_band_absolute) == (Decimal("0.1"), Decimal("0.03"))
    assert own.short_rate == Decimal("0.408")


@pytest.mark.parametrize(
    ("gain_band", "lots"),
    [
        pytest.param("false", 2, id="those at a loss"),
        pytest.param("true", 3, id="all of them where bands follow embedded gain"),
    ],
)
def test_a_look_for_drift_reads_the_lots_that_its_bands_need(birch: Birch, gain_band: str, lots: int) -> None:
    toml = f"[triggers]\ngain_band = {gain_band}"
    publish_policy(firm_id=birch.firm_id, toml=toml, at=NOW, by="t", account_id=birch.account.pk)
    book = load_book(birch.firm_id, [birch.household.pk], as_of=TODAY, depth=Depth.LOSS_LOTS).book
    assert len(book.lots.lot_id) == lots
