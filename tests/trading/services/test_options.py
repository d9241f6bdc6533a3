"""Hold ranges and alternates from a scan to a proposal, its replay, and what makes it out of date."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from portfolios.models import HoldRange, ModelAlternate, Restriction, Security
from portfolios.services.policies import publish_policy
from portfolios.snapshots.standings import standings
from rebalancer.engine.book_pack import unpack_book
from tests.portfolios.snapshots.test_options import make_parent
from tests.trading.services.test_joint import JOINT
from tests.trading.services.test_scans import part_of, proposal_of, scan
from tests.worlds import (
    NOW,
    TODAY,
    Birch,
    Cedar,
    World,
    make_account,
    make_alternate,
    make_assignment,
    make_lot,
    make_model,
    make_range,
)
from trading.models import ProposalAccount
from trading.selectors.staleness import why_stale
from trading.services.replay import Replay, replay


def traded(world: World) -> dict[str, Decimal]:
    """Signed shares by symbol, of the first account."""
    signs = {"SELL": -1, "BUY": 1}
    part = ProposalAccount.objects.for_firm(world.firm_id).get(account=world.account)
    return {one["symbol"]: signs[one["side"]] * Decimal(one["quantity"]) for one in part.trades}


def forbid(world: World, symbol: str) -> None:
    Restriction.objects.for_firm(world.firm_id).create(
        account=world.account, security=Security.objects.get(symbol=symbol), kind="NO_BUY", reason="Client's wish"
    )


def test_a_proposal_keeps_a_holding_in_its_range_and_says_so(birch: Birch, cedar: Cedar) -> None:
    make_range(birch.account, "VTI", lowest="200")
    scan(birch)
    with cedar.scope():
        scan(cedar)
        assert traded(cedar)["VTI"] < -90
    assert traded(birch)["VTI"] == -50
    assert {one["symbol"]: one["code"] for one in part_of(birch).skipped}["VTI"] == "HELD_RANGE"


def test_a_range_of_weight_limits_what_is_bought(birch: Birch) -> None:
    make_range(birch.account, "VEA", "WEIGHT", highest="0.10")
    scan(birch)
    value = 250 * 300 + 150 * 74 + 2000
    assert 0 < traded(birch)["VEA"] * 60 <= Decimal(value) / 10


def test_what_may_not_be_bought_is_replaced_by_its_first_alternate(birch: Birch, cedar: Cedar) -> None:
    for symbol, rank in (("AGG", 1), ("ITOT", 2)):
        make_alternate(birch.model, "BND", symbol, rank=rank)
    forbid(birch, "BND")
    scan(birch)
    with cedar.scope():
        forbid(cedar, "BND")
        scan(cedar)
        assert traded(cedar).keys() == {"VTI", "VEA"}
    bought = {symbol for symbol, shares in traded(birch).items() if shares > 0}
    assert bought == {"VEA", "AGG"}


def test_what_is_held_of_an_alternate_is_no_drift_on_the_pages_either(birch: Birch) -> None:
    make_lot(birch.firm_id, birch.account, "ITOT", "500", basis="60000")
    before = standings(birch.firm_id, [birch.household.pk], TODAY)[birch.account.pk].drift
    make_alternate(birch.model, "VEA", "ITOT")
    after = standings(birch.firm_id, [birch.household.pk], TODAY)[birch.account.pk].drift
    assert before is not None
    assert after is not None
    assert after < before


def test_an_alternate_that_may_not_be_bought_either_is_passed_over(birch: Birch) -> None:
    make_alternate(birch.model, "BND", "ITOT", rank=2)
    make_alternate(birch.model, "BND", "AGG", rank=1)
    forbid(birch, "BND")
    forbid(birch, "AGG")
    scan(birch)
    assert "ITOT" in traded(birch)


@pytest.mark.parametrize("toml", [pytest.param("", id="alone"), pytest.param(JOINT, id="joint")])
def test_ranges_and_alternates_are_kept_with_the_proposal_and_found_again(
    birch: Birch, cedar: Cedar, toml: str
) -> None:
    second = make_account(birch.firm_id, birch.household, number="1002", registration="ROTH_IRA")
    make_lot(birch.firm_id, second, "BND", "400", basis="30000")
    publish_policy(firm_id=birch.firm_id, toml=toml, at=NOW, by="t")
    make_range(birch.account, "VTI", lowest="200")
    make_alternate(birch.model, "BND", "AGG")
    forbid(birch, "BND")
    scan(birch)
    with cedar.scope():
        scan(cedar)
        theirs = unpack_book(bytes(proposal_of(cedar).book or b""))
        assert (theirs.ranges, theirs.alternates) == (None, None)
    assert -50 <= traded(birch).get("VTI", Decimal(0)) < 0
    proposal = proposal_of(birch)
    kept = unpack_book(bytes(proposal.book or b""))
    assert kept.ranges is not None
    assert kept.alternates is not None
    assert kept.ranges.lowest.tolist() == [200_000_000]
    assert [kept.securities.symbol[one] for one in kept.alternates.alternate.tolist()] == ["AGG"]
    HoldRange.objects.for_firm(birch.firm_id).delete()
    ModelAlternate.objects.for_firm(birch.firm_id).delete()
    assert replay(firm_id=birch.firm_id, proposal_id=proposal.pk) == Replay(True, [])


def change_range(world: World) -> None:
    HoldRange.objects.for_firm(world.firm_id).update(lowest=Decimal(199))


def drop_range(world: World) -> None:
    HoldRange.objects.for_firm(world.firm_id).delete()


def new_range(world: World) -> None:
    make_range(world.account, "BND", highest="1")


def new_alternate(world: World) -> None:
    make_alternate(world.model, "BND", "AGG")


def other_rank(world: World) -> None:
    ModelAlternate.objects.for_firm(world.firm_id).update(rank=3)


def range_of_another_account(world: World) -> None:
    make_range(make_account(world.firm_id, world.household, number="9"), "VTI", lowest="1")


def alternate_of_another_model(world: World) -> None:
    model, _ = make_model(world.firm_id, {"BND": "0.98"}, code="INCOME")
    make_alternate(model, "BND", "AGG")


@pytest.mark.parametrize(
    ("change", "is_stale"),
    [
        pytest.param(change_range, True, id="another end"),
        pytest.param(drop_range, True, id="a range that is gone"),
        pytest.param(new_range, True, id="a new range"),
        pytest.param(new_alternate, True, id="a new alternate"),
        pytest.param(other_rank, True, id="another rank"),
        pytest.param(range_of_another_account, False, id="a range of another account"),
        pytest.param(alternate_of_another_model, False, id="an alternate of another model"),
    ],
)
def test_a_proposal_is_out_of_date_once_what_it_was_made_by_changes(
    birch: Birch, cedar: Cedar, change: Callable[[World], None], is_stale: bool
) -> None:
    make_range(birch.account, "VTI", lowest="200")
    make_alternate(birch.model, "VTI", "ITOT")
    scan(birch)
    proposal = proposal_of(birch)
    with cedar.scope():
        new_range(cedar)
        new_alternate(cedar)
    assert why_stale(birch.firm_id, proposal) == ""
    change(birch)
    assert why_stale(birch.firm_id, proposal).startswith("Restrictions, hold ranges, alternates") is is_stale


def test_an_alternate_of_a_part_of_the_model_makes_a_proposal_out_of_date(birch: Birch) -> None:
    whole, _ = make_parent(birch, (birch.model, "1"))
    make_assignment(birch.firm_id, birch.household, whole, on=date(2026, 2, 2))
    scan(birch)
    proposal = proposal_of(birch)
    assert why_stale(birch.firm_id, proposal) == ""
    make_alternate(birch.model, "VTI", "ITOT")
    assert "alternates" in why_stale(birch.firm_id, proposal)
