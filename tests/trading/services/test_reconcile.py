from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from portfolios.models import CashBalance, Position
from tests.trading.conftest import Market
from tests.trading.worlds import make_connection
from tests.worlds import NOW, Birch, Cedar, make_account
from trading.models import ReconBreak
from trading.selectors.breaks import LOOK_AGAIN_AFTER, is_seen_once
from trading.services.reconcile import Reconciliation, reconcile


def breaks(world: Birch) -> list[tuple[str, str, bool]]:
    rows = ReconBreak.objects.for_firm(world.firm_id).order_by("id")
    return [(row.kind, row.subject, row.closed_at is not None) for row in rows]


def hold(market: Market, quantity: str) -> None:
    rows = Position.objects.for_firm(market.firm_id).filter(security__symbol="VTI")
    rows.update(quantity=Decimal(quantity))


def compared(market: Market) -> Reconciliation:
    return reconcile(firm_id=market.firm_id, now=NOW)


@pytest.mark.parametrize(
    ("ours", "kind", "told"),
    [
        ("249", "POSITION", "our books have 249.000000 VTI shares, the custodian 250."),
        ("125", "SPLIT", "That is as after a split of 2 for 1."),
        ("5000", "SPLIT", "That is as after a split of 1 for 20."),
        ("2500000", "POSITION", "the custodian 250."),
        ("0", "POSITION", "the custodian 250."),
    ],
)
def test_a_difference_is_a_break_and_a_split_is_named(
    market: Market, cedar: Cedar, ours: str, kind: str, told: str
) -> None:
    hold(market, ours)
    assert compared(market) == Reconciliation(0, 1, 0)
    row = ReconBreak.objects.for_firm(market.firm_id).get()
    assert (row.kind, row.seen_at, told in row.sentence) == (kind, NOW, True)
    with cedar.scope():
        assert breaks(cedar) == []


def test_a_break_closes_by_itself_once_both_sides_agree(market: Market) -> None:
    hold(market, "249")
    compared(market)
    compared(market)
    hold(market, "250")
    assert (compared(market), breaks(market.world)) == (Reconciliation(0, 0, 0), [("POSITION", "VTI", True)])
    row = ReconBreak.objects.for_firm(market.firm_id).get()
    assert (row.closed_by, row.resolution) == ("system", "Both sides agree again.")


def test_an_account_that_cannot_be_asked_keeps_what_is_known_and_the_others_go_on(market: Market) -> None:
    stranger = make_account(market.firm_id, market.world.household, number="not there", cash="0")
    hold(market, "249")
    assert compared(market) == Reconciliation(0, 1, 0, not_asked=1)
    assert breaks(market.world) == [("POSITION", "VTI", False), ("QUERY_FAILED", "account", False)]
    type(stranger).objects.for_firm(market.firm_id).filter(pk=stranger.pk).update(status="CLOSED")
    hold(market, "250")
    compared(market)
    assert breaks(market.world)[0] == ("POSITION", "VTI", True)


def test_a_custodian_that_is_away_is_not_zero(birch: Birch, settings: Any) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    make_connection(birch)
    for _ in range(2):
        assert reconcile(firm_id=birch.firm_id, now=NOW) == Reconciliation(0, 0, 0, not_asked=1)
    assert breaks(birch) == [("QUERY_FAILED", "account", False)]


def test_it_is_said_no_more_that_it_could_not_be_asked_once_it_could(market: Market, settings: Any) -> None:
    there = settings.SIMULATOR_URL
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    compared(market)
    settings.SIMULATOR_URL = there
    compared(market)
    assert breaks(market.world) == [("QUERY_FAILED", "account", True)]


def test_cash_is_compared_to_the_cent(market: Market) -> None:
    CashBalance.objects.for_firm(market.firm_id).update(settled=Decimal("1999.99"))
    assert compared(market) == Reconciliation(1, 0, 0)
    assert breaks(market.world) == [("CASH", "USD", False)]


def test_a_split_overnight_at_the_custodian_is_found_and_named(market: Market) -> None:
    told = market.exchange.put("/simulator/split", {"symbol": "VTI", "new": "3", "old": "2"}, "POST")
    assert told["symbol"] == "VTI"
    assert compared(market) == Reconciliation(0, 1, 0)
    assert breaks(market.world) == [("SPLIT", "VTI", False)]
    row = ReconBreak.objects.for_firm(market.firm_id).get()
    assert "as after a split of 3 for 2" in row.sentence
    assert Decimal(row.theirs) == 375


def test_a_standing_difference_shows_how_large_it_is_now(market: Market) -> None:
    hold(market, "249")
    compared(market)
    hold(market, "247")
    compared(market)
    row = ReconBreak.objects.for_firm(market.firm_id).get()
    assert Decimal(row.ours) == 247
    assert "247" in row.sentence
    assert row.seen_at is not None
    assert row.seen_at >= row.opened_at


def test_what_was_found_once_is_looked_for_again_after_some_minutes(market: Market) -> None:
    hold(market, "249")
    compared(market)
    row = ReconBreak.objects.for_firm(market.firm_id).get()
    assert not is_seen_once(market.firm_id, row.opened_at)
    assert is_seen_once(market.firm_id, row.opened_at + LOOK_AGAIN_AFTER)
    ReconBreak.objects.for_firm(market.firm_id).update(opened_at=row.opened_at - LOOK_AGAIN_AFTER)
    compared(market)
    assert not is_seen_once(market.firm_id, row.opened_at + LOOK_AGAIN_AFTER)
