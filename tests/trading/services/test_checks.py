"""Each limit of a firm, tried on both sides; what needs a note waits for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from accounts.models import AuditEvent
from portfolios.models import CashBalance, FirmPrice, Restriction, Security
from portfolios.selectors.quotes import newest_volumes
from tests.trading.worlds import (
    buy,
    filled,
    make_connection,
    make_proposal,
    orders,
    sell,
    sent,
    set_guards,
    stage,
    statuses,
    story,
    take_in,
)
from tests.worlds import NOW, TODAY, Birch, Cedar, make_account
from trading.models import Order, PreTradeCheck, RebalanceRun
from trading.services.checks import RULES, check
from trading.services.notes import NoteNeeded, NothingToNote, OrderNotFound, write_note
from trading.services.orders import stage_orders
from trading.services.pretrade import cost, facts_for
from trading.services.waves import release_waves

OLD_VTI = "VTI-2021-03-03-200"


def release(world: Birch, **later: float) -> None:
    release_waves(firm_id=world.firm_id, now=NOW + timedelta(**later))


def failed(world: Birch) -> list[tuple[str, str]]:
    rows = PreTradeCheck.objects.for_firm(world.firm_id).filter(passed=False).order_by("id")
    return [(row.rule, row.sentence) for row in rows]


def found(world: Birch, rule: str) -> PreTradeCheck:
    return PreTradeCheck.objects.for_firm(world.firm_id).get(rule=rule)


def staged_buy(world: Birch) -> Order:
    """Two shares of VEA for $120, approved and not sent; the account is worth $88,097."""
    make_connection(world)
    return stage(world, buy("VEA", "2", price="60"))[0]


@pytest.mark.parametrize(
    ("limit", "within", "beyond", "rule", "end", "sentence"),
    [
        ("order_minimum_amount", "120", "120.01", "MINIMUM_NOTIONAL", "DENIED",
         "The order is for $120.00; the least that is sent is $120.01."),
        ("order_maximum_amount", "120", "119.99", "MAXIMUM_NOTIONAL", "DENIED",
         "The order is for $120.00; the most that is sent is $119.99."),
        ("order_note_amount", "120", "119.99", "LARGE_ORDER", "HELD",
         "The order is for $120.00; above $119.99 somebody says why."),
        ("order_note_account_weight", "0.0014", "0.0013", "PART_OF_ACCOUNT", "HELD",
         "The order is 0.1% of the account's $88,100.00; above 0% somebody says why."),
        ("orders_daily_note_amount", "120", "119", "DAILY_NOTIONAL", "HELD",
         "With this order the firm sends $120.00 today; above $119 somebody says why."),
        ("order_collar_weight", "0.002", "0.0001", "PRICE_COLLAR", "DENIED",
         "The limit $60.07 is 0.12% away from the approved price $60.000000."),
        ("order_approval_hours", "3", "2", "APPROVAL_AGE", "DENIED",
         "It was approved 3 hours ago; after 2 it must be scanned again."),
    ],
)  # fmt: skip
def test_a_limit_lets_pass_what_reaches_it_and_stops_what_exceeds_it(
    birch: Birch, cedar: Cedar, limit: str, within: str, beyond: str, rule: str, end: str, sentence: str
) -> None:
    with cedar.scope():
        set_guards(cedar, **{limit: within})
        staged_buy(cedar)
        release(cedar, hours=3)
        assert statuses(cedar) == ["READY"]
    set_guards(birch, **{limit: beyond})
    staged_buy(birch)
    release(birch, hours=3)
    assert (statuses(birch), failed(birch)) == ([end], [(rule, sentence)])


def test_the_share_of_a_days_volume_counts_the_firms_other_orders(birch: Birch) -> None:
    volume = set_volume(birch, limit="0.05")
    half = volume * Decimal("0.025")
    make_connection(birch)
    fill_purse(birch)
    stage(birch, buy("VEA", f"{half:f}", price="60"))
    release(birch)
    assert statuses(birch) == ["READY"]
    stage_orders(
        firm_id=birch.firm_id,
        proposal=make_proposal(birch, [buy("VEA", f"{half + 1:f}", price="60")]),
        approved_by="ann",
        at=NOW,
    )
    Order.objects.for_firm(birch.firm_id).filter(status="READY").update(account_id=other_account(birch))
    release(birch)
    assert (statuses(birch), [rule for rule, _ in failed(birch)]) == (["READY", "HELD"], ["PART_OF_VOLUME"])


def set_volume(birch: Birch, *, limit: str) -> Decimal:
    """A note is needed above that part of the volume, and for nothing else; the volume of VEA in shares."""
    set_guards(
        birch,
        order_note_volume_weight=limit,
        order_note_account_weight="10",
        order_note_amount="1e12",
        order_maximum_amount="1e12",
        orders_daily_note_amount="1e12",
    )
    security = Security.objects.get(symbol="VEA")
    return Decimal(newest_volumes([security.pk])[security.pk])


def fill_purse(birch: Birch) -> None:
    CashBalance.objects.for_firm(birch.firm_id).update(settled=Decimal(10) ** 12)


def other_account(birch: Birch) -> int:
    return make_account(birch.firm_id, birch.household, number="2002", cash="1000000000000.00").pk


def test_a_price_that_is_no_number_stops_the_order(birch: Birch) -> None:
    make_connection(birch)
    stage(birch, buy("VEA", "2", price="60"))
    vea, price = Security.objects.get(symbol="VEA"), Decimal(60)
    FirmPrice.objects.for_firm(birch.firm_id).create(
        security=vea, priced_on=TODAY, close=price, bid=price, ask=price, adv_shares=1, source="test"
    )
    with connection.cursor() as cursor:
        cursor.execute("UPDATE portfolios_firmprice SET close = 'NaN'")
    release(birch)
    assert (statuses(birch), failed(birch)[0]) == (["DENIED"], ("PRICE_FRESH", "There is no usable price for VEA."))


def test_what_another_run_did_a_moment_ago_needs_a_note(birch: Birch) -> None:
    make_connection(birch)
    (first,) = sent(birch, buy("VEA", "2", price="60"))
    take_in(first, filled(first, "x1", "2", "60"))
    stage_orders(
        firm_id=birch.firm_id,
        proposal=make_proposal(birch, [buy("VEA", "3", price="60")]),
        approved_by="ann",
        at=NOW,
    )
    release(birch, minutes=4)
    assert (statuses(birch), [rule for rule, _ in failed(birch)]) == (["FILLED", "HELD"], ["REPEATED_ORDER"])


def test_what_another_run_did_longer_ago_is_no_repeat(birch: Birch) -> None:
    make_connection(birch)
    (first,) = sent(birch, buy("VEA", "2", price="60"))
    take_in(first, filled(first, "x1", "2", "60"))
    stage_orders(
        firm_id=birch.firm_id,
        proposal=make_proposal(birch, [buy("VEA", "3", price="60")]),
        approved_by="ann",
        at=NOW,
    )
    release(birch, minutes=6)
    assert statuses(birch) == ["FILLED", "READY"]


def test_parts_of_one_trade_are_no_duplicates(birch: Birch) -> None:
    make_connection(birch)
    (order,) = stage(birch, buy("VEA", "4", price="60"))
    split(order)
    release(birch)
    assert statuses(birch) == ["READY", "READY"]


def split(order: Order) -> None:
    """The same trade in two parts, as a run may stage it."""
    rows = Order.objects.for_firm(order.firm_id)
    rows.filter(pk=order.pk).update(quantity=2, parts=2)
    order.pk, order.client_order_id, order.quantity, order.part, order.parts = None, "RB-2", Decimal(2), 2, 2
    rows.bulk_create([order])


def order_more(order: Order) -> None:
    Order.objects.for_firm(order.firm_id).filter(pk=order.pk).update(quantity=3)


def order_less(order: Order) -> None:
    Order.objects.for_firm(order.firm_id).filter(pk=order.pk).update(quantity=1)


def order_other_amount(order: Order) -> None:
    Order.objects.for_firm(order.firm_id).filter(pk=order.pk).update(reference_price=Decimal("60.01"))


@pytest.mark.parametrize(
    ("disturb", "sentence"),
    [
        (order_more, "Approved were 2 shares to buy of VEA; ordered are 3, left out with a reason 0."),
        (order_less, "Approved were 2 shares to buy of VEA; ordered are 1, left out with a reason 0."),
        (order_other_amount, "Approved were $120.00 of VEA; ordered are $120.02."),
    ],
)
def test_a_run_that_is_not_what_was_approved_is_denied(
    birch: Birch, disturb: Callable[[Order], None], sentence: str
) -> None:
    disturb(staged_buy(birch))
    release(birch)
    assert (statuses(birch), failed(birch)) == (["DENIED"], [("RUN_TOTALS", sentence)])


def test_what_a_run_left_out_with_a_reason_counts(birch: Birch) -> None:
    order = staged_buy(birch)
    order_less(order)
    left = {"symbol": "VEA", "side": "BUY", "quantity": "1", "account_id": birch.account.pk, "reason": "No cash"}
    RebalanceRun.objects.for_firm(birch.firm_id).update(skipped=[left])
    release(birch)
    assert statuses(birch) == ["READY"]


def test_parts_of_a_share_go_only_where_security_and_custodian_take_them(birch: Birch) -> None:
    make_connection(birch, capabilities={"always_open": True, "fractional": False})
    stage(birch, sell(birch, "VTI", (OLD_VTI, "2.5"), price="300"))
    release(birch)
    assert [rule for rule, _ in failed(birch)] == ["TRADABLE"]


def test_an_order_held_for_a_note_is_checked_once_and_goes_when_the_note_is_written(birch: Birch) -> None:
    set_guards(birch, order_note_amount="100")
    order = staged_buy(birch)
    release(birch)
    release(birch)
    assert PreTradeCheck.objects.for_firm(birch.firm_id).count() == len(RULES)
    note(birch, order, "The client asked for it by telephone")
    release(birch)
    assert (statuses(birch), story(orders(birch)[0])) == (["READY"], ["STAGED", "HELD", "READY"])
    rows = PreTradeCheck.objects.for_firm(birch.firm_id).filter(rule="LARGE_ORDER").order_by("id")
    assert [(row.passed, row.note, row.noted_by) for row in rows] == [
        (False, "The client asked for it by telephone", "bob@birch.example")
    ] * 2
    trail = AuditEvent.objects.for_firm(birch.firm_id).get(action="CHECK_NOTED")
    assert (trail.actor, trail.subject_id, trail.payload["rule"]) == ("bob@birch.example", str(order.pk), "LARGE_ORDER")


def note(world: Birch, order: Order, text: str, **changes: Any) -> None:
    check_id = found(world, "LARGE_ORDER").pk
    write_note(
        **{
            "firm_id": world.firm_id,
            "order_id": order.pk,
            "check_id": check_id,
            "note": text,
            "by": "bob@birch.example",
            "at": NOW,
            **changes,
        }
    )


def test_each_finding_needs_a_note_of_its_own(birch: Birch) -> None:
    set_guards(birch, order_note_amount="100", order_note_account_weight="0.001")
    order = staged_buy(birch)
    release(birch)
    note(birch, order, "Large on purpose")
    release(birch)
    assert (statuses(birch), "0.1% of the account" in orders(birch)[0].status_reason) == (["HELD"], True)


def test_a_note_does_not_help_against_a_rule_that_blocks(birch: Birch) -> None:
    set_guards(birch, order_note_amount="100")
    order = staged_buy(birch)
    release(birch)
    note(birch, order, "Large on purpose")
    Restriction.objects.for_firm(birch.firm_id).create(
        account=birch.account, security=order.security, kind="NO_BUY", reason="Client wish"
    )
    release(birch)
    assert (statuses(birch), orders(birch)[0].status_reason) == (["DENIED"], "No buying of VEA: Client wish")


def test_a_note_says_something_about_a_finding_of_its_order(birch: Birch, cedar: Cedar) -> None:
    set_guards(birch, order_note_amount="100")
    order = staged_buy(birch)
    release(birch)
    with pytest.raises(NoteNeeded):
        note(birch, order, " ")
    with pytest.raises(NothingToNote):
        note(birch, order, "Other", check_id=found(birch, "ACCOUNT_OPEN").pk)
    with cedar.scope(), pytest.raises(OrderNotFound):
        write_note(firm_id=cedar.firm_id, order_id=order.pk, check_id=1, note="Mine", by="eve@cedar.example", at=NOW)


def test_a_market_order_for_shares_needs_a_buffer_and_one_for_dollars_none(birch: Birch) -> None:
    order = Order(quantity=Decimal(10), reference_price=Decimal(60), cum_quantity=Decimal(0), kind="MARKET")
    assert cost(order, Decimal("0.03")) == 618
    order.notional = Decimal(600)
    assert cost(order, Decimal("0.03")) == 600


def test_a_blocks_order_has_no_checks_of_its_own(birch: Birch) -> None:
    staged_buy(birch)
    facts = facts_for(birch.firm_id, orders(birch), now=NOW)
    assert check(Order(role=Order.Role.BLOCK), facts) == []
