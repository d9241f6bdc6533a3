from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Account
from portfolios.models import CashBalance, Lot, Position, Restriction, Security
from tests.trading.worlds import (
    buy,
    cash,
    filled,
    make_connection,
    make_proposal,
    orders,
    sell,
    stage,
    statuses,
    story,
    take_in,
    told,
)
from tests.worlds import NOW, Birch, Cedar
from trading.models import BrokerConnection, Order, OrderCommand, PreTradeCheck, Proposal, TradingHalt
from trading.services.checks import RULES
from trading.services.deliveries import Said
from trading.services.orders import stage_orders
from trading.services.outbox import claim
from trading.services.waves import release_waves

OLD_VTI = "VTI-2021-03-03-200"


def release(world: Birch, now: datetime = NOW) -> int:
    return release_waves(firm_id=world.firm_id, now=now)


def failed(world: Birch) -> list[tuple[str, str]]:
    rows = PreTradeCheck.objects.for_firm(world.firm_id).filter(passed=False).order_by("id")
    return list(rows.values_list("rule", "sentence"))


def sell_and_buy(birch: Birch, *, shares: str = "250") -> list[Order]:
    make_connection(birch)
    return stage(birch, sell(birch, "VTI", (OLD_VTI, "60"), price="300"), buy("VEA", shares, price="60"))


def test_a_sell_leaves_at_once_and_its_buy_waits_for_it(birch: Birch, cedar: Cedar) -> None:
    sell_and_buy(birch)
    with cedar.scope():
        sell_and_buy(cedar)
    assert release(birch) == 2
    assert statuses(birch) == ["READY", "HELD"]
    assert orders(birch)[1].status_reason == "Waits for the sales of this account, which pay for it."
    assert PreTradeCheck.objects.for_firm(birch.firm_id).count() == len(RULES)
    assert OrderCommand.objects.for_firm(birch.firm_id).count() == 1
    with cedar.scope():
        assert statuses(cedar) == ["STAGED", "STAGED"]


def test_a_second_release_finds_nothing_to_do(birch: Birch) -> None:
    sell_and_buy(birch)
    release(birch)
    assert release(birch) == 0


def test_a_buy_leaves_when_its_sells_have_ended_and_cash_covers_it(birch: Birch) -> None:
    sale, _ = sell_and_buy(birch)
    release(birch)
    claim(firm_id=birch.firm_id, worker="test", now=NOW)
    take_in(sale, filled(sale, "x1", "40", "300"))
    assert (release(birch), statuses(birch)) == (0, ["PARTIALLY_FILLED", "HELD"])
    take_in(sale, filled(sale, "x2", "20", "300"))
    assert (release(birch), statuses(birch)) == (1, ["FILLED", "READY"])


def test_a_buy_that_the_filled_sells_do_not_pay_for_is_cut_to_what_they_do(birch: Birch) -> None:
    sale, _ = sell_and_buy(birch)
    release(birch)
    claim(firm_id=birch.firm_id, worker="test", now=NOW)
    take_in(sale, filled(sale, "x1", "20", "300"), told(sale, Said.CANCELED, "c"))
    release(birch)
    assert statuses(birch) == ["CANCELED", "READY"]
    assert (orders(birch)[1].quantity, failed(birch)) == (Decimal(133), [])


def test_buys_of_an_account_without_sells_go_at_once(birch: Birch) -> None:
    make_connection(birch)
    stage(birch, buy("VEA", "20", price="60"))
    release(birch)
    assert statuses(birch) == ["READY"]


def test_an_order_is_held_over_night_and_goes_in_the_morning(birch: Birch) -> None:
    make_connection(birch, capabilities={})
    stage(birch, buy("VEA", "20", price="60"))
    release(birch)
    assert statuses(birch) == ["HELD"]
    release(birch, datetime(2026, 11, 23, 15, 0, tzinfo=UTC))
    assert story(orders(birch)[0]) == ["STAGED", "HELD", "READY"]


def freeze(birch: Birch) -> None:
    Account.objects.for_firm(birch.firm_id).update(status="FROZEN")


def change_proposal(birch: Birch) -> None:
    Proposal.objects.for_firm(birch.firm_id).update(content_sha256="b" * 64)


def forget_approvals(birch: Birch) -> None:
    Proposal.objects.for_firm(birch.firm_id).update(needs_two=True)


def take_lot_away(birch: Birch) -> None:
    Lot.objects.for_firm(birch.firm_id).filter(lot_key=OLD_VTI).update(quantity=Decimal(59))


def take_shares_away(birch: Birch) -> None:
    Position.objects.for_firm(birch.firm_id).filter(security__symbol="VTI").update(quantity=Decimal(59))


def restrict(birch: Birch) -> None:
    Restriction.objects.for_firm(birch.firm_id).create(
        household=birch.household,
        security=Security.objects.get(symbol="VTI"),
        kind="NO_SELL",
        reason="Founders",
    )


@pytest.mark.parametrize(
    ("disturb", "rule", "sentence"),
    [
        (freeze, "ACCOUNT_OPEN", "Alder Individual 1001 is frozen."),
        (change_proposal, "PROPOSAL_APPROVED", "The proposal changed after it was approved."),
        (forget_approvals, "PROPOSAL_APPROVED", "The proposal has 1 of 2 approvals of this content."),
        (restrict, "RESTRICTED", "No selling of VTI: Founders"),
        (take_shares_away, "SHARES_THERE", "The order sells 60 of 59 free shares of VTI."),
        (take_lot_away, "SHARES_THERE",
         "The order sells 60 of 250 free shares of VTI. 1 of its named lots no longer hold their shares."),
    ],
)  # fmt: skip
def test_an_order_is_denied_for_what_changed_since_its_approval(
    birch: Birch, disturb: Any, rule: str, sentence: str
) -> None:
    make_connection(birch)
    stage(birch, sell(birch, "VTI", (OLD_VTI, "60"), price="300"))
    disturb(birch)
    release(birch)
    assert (statuses(birch), failed(birch)) == (["DENIED"], [(rule, sentence)])


def test_an_order_whose_limit_has_left_the_approved_price_is_denied(birch: Birch) -> None:
    make_connection(birch)
    stage(birch, sell(birch, "VTI", (OLD_VTI, "60"), price="285"))
    release(birch)
    assert failed(birch) == [("PRICE_COLLAR", "The limit $299.70 is 5.16% away from the approved price $285.000000.")]


def test_an_old_price_denies_the_order(birch: Birch) -> None:
    make_connection(birch)
    stage(birch, buy("VEA", "20", price="60"))
    release(birch, datetime(2026, 11, 24, 21, 0, tzinfo=UTC))
    assert failed(birch) == [("PRICE_FRESH", "The price of VEA is of 2026-11-20, 2 sessions old.")]


def test_an_order_below_a_dollar_is_denied(birch: Birch) -> None:
    make_connection(birch)
    stage(birch, buy("VEA", "0.016", price="60"))
    release(birch)
    assert [rule for rule, _ in failed(birch)] == ["MINIMUM_NOTIONAL", "TRADABLE"]


def another_run(birch: Birch, trade: dict[str, Any]) -> None:
    stage_orders(firm_id=birch.firm_id, proposal=make_proposal(birch, [trade]), approved_by="ann", at=NOW)


def test_a_second_order_for_the_same_is_a_duplicate(birch: Birch) -> None:
    make_connection(birch)
    stage(birch, buy("VEA", "2", price="60"))
    release(birch)
    another_run(birch, buy("VEA", "3", price="60"))
    release(birch)
    assert (statuses(birch), [rule for rule, _ in failed(birch)]) == (["READY", "DENIED"], ["DUPLICATE_ORDER"])


def test_an_account_never_stands_on_both_sides(birch: Birch) -> None:
    make_connection(birch)
    stage(birch, buy("VTI", "2", price="300"))
    release(birch)
    another_run(birch, sell(birch, "VTI", (OLD_VTI, "2"), price="300"))
    release(birch)
    assert (statuses(birch), [rule for rule, _ in failed(birch)]) == (["READY", "DENIED"], ["OPPOSITE_ORDER"])


@pytest.mark.parametrize(("level", "left"), [("HALTED", ["HELD", "HELD"]), ("REDUCING", ["READY", "HELD"])])
@pytest.mark.parametrize("scope", ["firm", "connection", "account", "security", "state"])
def test_a_halt_holds_what_is_in_its_scope(birch: Birch, level: str, left: list[str], scope: str) -> None:
    sale, _ = sell_and_buy(birch)
    if scope == "state":
        BrokerConnection.objects.for_firm(birch.firm_id).update(trading_state=level)
    else:
        halt = TradingHalt(firm_id=birch.firm_id, level=level, reason="test", raised_by="ann", raised_at=NOW)
        if scope != "firm":
            setattr(halt, f"{scope}_id", getattr(sale, f"{scope}_id"))
        halt.save()
    release(birch)
    assert statuses(birch) == left


def test_an_order_leaves_when_the_halt_is_lifted(birch: Birch) -> None:
    make_connection(birch)
    stage(birch, buy("VEA", "2", price="60"))
    halt = TradingHalt.objects.for_firm(birch.firm_id).create(
        level="HALTED", reason="test", raised_by="ann", raised_at=NOW
    )
    release(birch)
    halt.lifted_at = NOW
    halt.save()
    release(birch)
    assert story(orders(birch)[0]) == ["STAGED", "HELD", "READY"]


def test_an_account_without_a_cash_balance_buys_nothing(birch: Birch) -> None:
    make_connection(birch)
    CashBalance.objects.for_firm(birch.firm_id).filter(account=birch.account).delete()
    stage(birch, buy("VEA", "2", price="60"))
    release(birch)
    assert statuses(birch) == ["CANCELED"]
    assert orders(birch)[0].status_reason.startswith("Not bought. The account has $0.00 for it, after its reserve;")


def test_cash_is_untouched_by_releasing(birch: Birch) -> None:
    before = cash(birch)
    sell_and_buy(birch)
    release(birch)
    assert cash(birch) == before
