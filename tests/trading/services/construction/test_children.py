"""A trade as whole-share limits and parts of a share, where a custodian takes no parts under a limit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from portfolios.models import Policy
from portfolios.policy_files import PartsOfShares
from tests.trading.services.test_fitting import release, skipped
from tests.trading.worlds import (
    buy,
    make_connection,
    make_proposal,
    orders,
    sell,
    set_execution,
    set_guards,
    stage,
    statuses,
    trade,
)
from tests.worlds import Birch, Cedar
from trading.models import OrderLot, PreTradeCheck
from trading.services.construction.children import Construction, children_of
from trading.services.construction.names import client_order_id

OLD_VTI, NEW_VTI = "VTI-2021-03-03-200", "VTI-2026-03-02-50"
ALPACA = {"fractional": True, "fractional_limit": False}
MARKET_ONLY = {"always_open": True, **ALPACA}


@given(
    lots=st.lists(st.decimals("0.000001", "300", places=6), min_size=1, max_size=6),
    capabilities=st.sampled_from([{}, ALPACA, {"fractional": False}]),
    parts=st.sampled_from(PartsOfShares),
    volume=st.one_of(st.none(), st.integers(0, 5000)),
)
def test_children_and_what_is_dropped_are_the_trade_to_the_share_and_lot(
    lots: list[Decimal], capabilities: dict[str, Any], parts: PartsOfShares, volume: int | None
) -> None:
    named = [{"lot_id": str(number), "quantity": str(held)} for number, held in enumerate(lots)]
    wanted = sum(lots, Decimal(0))
    made = children_of(
        trade("SELL", "VTI", wanted, "300", named),
        Construction("LIMIT", "SIMULATOR", capabilities, parts, Decimal("0.05"), volume),
    )
    sizes = [Decimal(one.trade["quantity"]) for one in made.children]
    assert sum(sizes, made.dropped) == wanted
    assert all(size > 0 for size in sizes)
    assert [sum(Decimal(lot["quantity"]) for lot in one.trade["lots"]) for one in made.children] == sizes
    order = [int(lot["lot_id"]) for one in made.children for lot in one.trade["lots"]]
    assert order == sorted(order)
    assert made.dropped == (wanted % 1 if parts is PartsOfShares.DROP and capabilities else 0)
    if capabilities == ALPACA:
        assert all(size % 1 == 0 for one, size in zip(made.children, sizes, strict=True) if one.kind == "LIMIT")
        assert all(size < 1 for one, size in zip(made.children, sizes, strict=True) if one.kind == "MARKET")


def told(world: Birch) -> list[tuple[str, str, str]]:
    return [(order.side, order.kind, f"{order.quantity.normalize():f}") for order in orders(world)]


def test_a_part_of_a_share_goes_to_the_market_beside_its_whole_shares(birch: Birch) -> None:
    make_connection(birch, capabilities=MARKET_ONLY)
    stage(birch, sell(birch, "VTI", (NEW_VTI, "50"), (OLD_VTI, "10.25"), price="300"), buy("VEA", "0.5", price="60"))
    assert told(birch) == [("SELL", "LIMIT", "60"), ("SELL", "MARKET", "0.25"), ("BUY", "MARKET", "0.5")]
    whole, part, bought = orders(birch)
    assert [(one.part, one.parts, one.not_before) for one in (whole, part, bought)] == [
        (1, 2, None), (2, 2, None), (1, 1, None),
    ]  # fmt: skip
    lots = OrderLot.objects.for_firm(birch.firm_id).order_by("order_id", "position")
    assert list(lots.values_list("order_id", "lot__lot_key", "quantity")) == [
        (whole.pk, NEW_VTI, Decimal(50)),
        (whole.pk, OLD_VTI, Decimal(10)),
        (part.pk, OLD_VTI, Decimal("0.25")),
    ]


def test_the_children_leave_together_and_pass_every_check_but_what_the_security_refuses(birch: Birch) -> None:
    set_guards(birch, order_minimum_amount="1")
    make_connection(birch, capabilities=MARKET_ONLY)
    stage(birch, sell(birch, "VTI", (OLD_VTI, "60.25"), price="300"))
    release(birch)
    failed = PreTradeCheck.objects.for_firm(birch.firm_id).filter(passed=False)
    assert list(failed.values_list("rule", "sentence")) == [("TRADABLE", "VTI is traded in whole shares only.")]
    assert statuses(birch) == ["READY", "DENIED"]


def test_a_part_of_a_share_is_dropped_where_the_firm_has_it_so_and_stands_with_the_run(
    birch: Birch, cedar: Cedar
) -> None:
    for world in (birch, cedar):
        with world.scope():
            make_connection(world, capabilities=MARKET_ONLY)
    set_execution(birch, parts_of_shares='"DROP"')
    stage(birch, sell(birch, "VTI", (OLD_VTI, "60.25"), price="300"), buy("VEA", "0.5", price="60"))
    assert told(birch) == [("SELL", "LIMIT", "60")]
    assert [(entry["symbol"], entry["side"], entry["quantity"]) for entry in skipped(birch)] == [
        ("VTI", "SELL", "0.25"), ("VEA", "BUY", "0.5"),
    ]  # fmt: skip
    assert skipped(birch)[0]["reason"].startswith("The part of a share is left out: Schwab takes no part")
    release(birch)
    assert statuses(birch) == ["READY"]
    with cedar.scope():
        assert not Policy.objects.for_firm(cedar.firm_id).exists()
        stage(cedar, buy("VEA", "2.5", price="60"))
        assert told(cedar) == [("BUY", "LIMIT", "2"), ("BUY", "MARKET", "0.5")]


def test_an_order_has_the_id_of_what_was_approved_and_no_other_order_has_it(birch: Birch, cedar: Cedar) -> None:
    proposal = make_proposal(birch, [buy("VEA", "2.5", price="60")])
    first = client_order_id(proposal, birch.account.pk, "VEA", "BUY", "2", "LIMIT", 0)
    assert first == client_order_id(proposal, birch.account.pk, "VEA", "BUY", "2", "LIMIT", 0)
    assert len(first) == len("RB-") + 26
    others = {client_order_id(proposal, birch.account.pk, "VEA", "BUY", size, "LIMIT", 0) for size in ("2.5", "3")}
    proposal.content_sha256 = "b" * 64
    others.add(client_order_id(proposal, birch.account.pk, "VEA", "BUY", "2", "LIMIT", 0))
    with cedar.scope():
        theirs = make_proposal(cedar, [buy("VEA", "2.5", price="60")])
        theirs.pk = proposal.pk
        others.add(client_order_id(theirs, birch.account.pk, "VEA", "BUY", "2", "LIMIT", 0))
    assert len(others | {first}) == 5
