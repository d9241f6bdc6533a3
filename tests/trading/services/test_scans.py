from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import Account, AuditEvent
from portfolios.models import AccountSignal, DataProblem, Scan
from portfolios.selectors.scans import newest_progress
from portfolios.services.policies import publish_policy
from portfolios.services.scans import ShardTaken, due_shards, start_scan
from tests.worlds import NOW, TODAY, Birch, Cedar, make_account, make_assignment, make_household, make_lot
from trading.models import Proposal, ProposalAccount
from trading.selectors.day import day_figures
from trading.services.scans import run_shard


def clock_at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def scan(world: Birch, *, at: datetime = NOW) -> Scan:
    started = start_scan(firm_id=world.firm_id, as_of=TODAY, requested_by="t", at=at)
    for shard in due_shards(firm_id=world.firm_id, at=at):
        run_shard(firm_id=world.firm_id, shard_id=shard, clock=clock_at(at))
    return started


def proposal_of(world: Birch) -> Proposal:
    return Proposal.objects.for_firm(world.firm_id).get(status=Proposal.Status.PENDING)


def part_of(world: Birch) -> ProposalAccount:
    return ProposalAccount.objects.for_firm(world.firm_id).get(proposal=proposal_of(world))


def test_a_drifted_account_gets_a_proposal_that_brings_it_nearer_to_its_target(birch: Birch, cedar: Cedar) -> None:
    scan(birch)
    proposal = proposal_of(birch)
    assert proposal.household_id == birch.household.pk
    assert proposal.drift_after < proposal.drift_before
    sides = {trade["symbol"]: trade["side"] for trade in part_of(birch).trades}
    assert sides == {"VTI": "SELL", "BND": "BUY", "VEA": "BUY"}
    assert newest_progress(birch.firm_id).status == Scan.Status.DONE


def test_a_sale_names_lots_that_sum_to_it_and_its_gain_foots(birch: Birch) -> None:
    scan(birch)
    (sale,) = (trade for trade in part_of(birch).trades if trade["side"] == "SELL")
    assert sum(Decimal(lot["quantity"]) for lot in sale["lots"]) == Decimal(sale["quantity"])
    assert all(Decimal(lot["gain"]) == Decimal(lot["proceeds"]) - Decimal(lot["cost_basis"]) for lot in sale["lots"])


def test_another_firms_book_is_untouched(birch: Birch, cedar: Cedar) -> None:
    scan(birch)
    with cedar.scope():
        assert not Proposal.objects.for_firm(cedar.firm_id).exists()
        assert newest_progress(cedar.firm_id).status == "NONE"


def test_what_calls_for_attention_is_written_down_with_what_was_done(birch: Birch) -> None:
    found = scan(birch)
    signal = AccountSignal.objects.for_firm(birch.firm_id).get(scan=found)
    assert (signal.account_id, signal.is_breached, signal.outcome) == (birch.account.pk, True, "PROPOSED")
    assert "BAND_BREACHED" in signal.reasons
    assert signal.value == Decimal("88100.00")
    assert signal.cash == Decimal("2000.00")


def test_an_account_with_a_data_problem_gets_no_proposal_and_says_why(birch: Birch) -> None:
    DataProblem.objects.for_firm(birch.firm_id).create(
        account=birch.account, code="MISSING_BASIS", source="TEST", sentence="A lot of VTI has no basis.", opened_at=NOW
    )
    scan(birch)
    signal = AccountSignal.objects.for_firm(birch.firm_id).get()
    assert (signal.outcome, signal.sentence) == ("DATA_PROBLEM", "A lot of VTI has no basis.")
    assert not Proposal.objects.for_firm(birch.firm_id).exists()


def test_no_account_outside_its_bands_is_left_without_a_word(birch: Birch) -> None:
    publish_policy(firm_id=birch.firm_id, toml='[triggers]\ntrigger = "CALENDAR"', at=NOW, by="t")
    found = day_figures(birch.firm_id, scan_id=scan(birch).pk, drift_after={})
    assert (found.breached, found.proposals, found.breached_unexplained) == (1, 0, 0)


@pytest.mark.parametrize(
    ("years", "outcome"), [pytest.param("0", "NOT_WORTH_COST", id="no time"), pytest.param("30", "PROPOSED", id="long")]
)
def test_what_a_band_asks_for_is_proposed_only_if_it_is_worth_its_cost(birch: Birch, years: str, outcome: str) -> None:
    toml = f"[triggers]\ncost_benefit = true\n[trading]\nhorizon_years = {years}"
    publish_policy(firm_id=birch.firm_id, toml=toml, at=NOW, by="t")
    scan(birch)
    signal = AccountSignal.objects.for_firm(birch.firm_id).get()
    assert signal.outcome == outcome
    assert Proposal.objects.for_firm(birch.firm_id).exists() is (outcome == "PROPOSED")
    assert bool(signal.sentence) is (outcome == "NOT_WORTH_COST")


def test_accounts_of_one_household_share_a_proposal(birch: Birch) -> None:
    second = make_account(birch.firm_id, birch.household, number="1002", registration="ROTH_IRA")
    make_lot(birch.firm_id, second, "VTI", "100", basis="20000")
    scan(birch)
    rows = ProposalAccount.objects.for_firm(birch.firm_id).filter(proposal=proposal_of(birch))
    assert set(rows.values_list("account_id", flat=True)) == {birch.account.pk, second.pk}
    assert proposal_of(birch).account_count == 2


def test_a_second_look_replaces_the_first_proposal(birch: Birch) -> None:
    scan(birch)
    first = proposal_of(birch)
    scan(birch, at=NOW + timedelta(hours=1))
    assert proposal_of(birch).pk != first.pk
    assert Proposal.objects.for_firm(birch.firm_id).get(pk=first.pk).status == Proposal.Status.SUPERSEDED


@pytest.mark.parametrize("was", [Proposal.Status.PENDING, Proposal.Status.AWAITING_SECOND, Proposal.Status.STALE])
def test_every_proposal_that_gives_way_is_in_the_audit_trail(birch: Birch, was: str) -> None:
    elm = make_household(birch.firm_id, name="Elm")
    make_assignment(birch.firm_id, elm, birch.model)
    make_lot(birch.firm_id, make_account(birch.firm_id, elm, number="2002"), "VTI", "100", basis="20000")
    scan(birch)
    rows = Proposal.objects.for_firm(birch.firm_id).order_by("id")
    rows.update(status=was)
    first = list(rows)
    second = scan(birch, at=NOW + timedelta(hours=1))
    events = AuditEvent.objects.for_firm(birch.firm_id).filter(action="PROPOSAL_SUPERSEDED").order_by("sequence")
    assert len(first) == 2
    assert [(event.subject_id, event.payload) for event in events] == [
        (str(row.pk), {"content_sha256": row.content_sha256, "was": was, "scan": second.pk}) for row in first
    ]
    chain = list(AuditEvent.objects.for_firm(birch.firm_id).order_by("sequence"))
    assert [event.sequence for event in chain] == list(range(1, len(chain) + 1))
    assert [bytes(event.previous_hash) for event in chain[1:]] == [bytes(event.hash) for event in chain[:-1]]


def test_a_first_look_supersedes_nothing(birch: Birch) -> None:
    scan(birch)
    assert not AuditEvent.objects.for_firm(birch.firm_id).filter(action="PROPOSAL_SUPERSEDED").exists()


def test_equal_books_make_equal_content(birch: Birch) -> None:
    scan(birch)
    first = proposal_of(birch).content_sha256
    scan(birch, at=NOW + timedelta(hours=1))
    assert proposal_of(birch).content_sha256 == first


def test_a_household_on_target_calls_for_nothing(birch: Birch) -> None:
    other = make_household(birch.firm_id, name="Elm")
    make_account(birch.firm_id, other, number="2002")
    Account.objects.for_firm(birch.firm_id).filter(household=other).update(last_rebalanced_on=TODAY)
    scan(birch)
    assert not AccountSignal.objects.for_firm(birch.firm_id).filter(household=other).exists()


@pytest.mark.parametrize(
    ("toml", "needs_two"),
    [
        pytest.param("", False, id="no limit is set"),
        pytest.param("[approval]\nfour_eyes_turnover = 10000000", False, id="below the limit"),
        pytest.param("[approval]\nfour_eyes_turnover = 1000", True, id="above the limit of turnover"),
        pytest.param("[approval]\nfour_eyes_gain = 1", True, id="above the limit of gain"),
    ],
)
def test_large_proposals_need_a_second_approver(birch: Birch, toml: str, needs_two: bool) -> None:
    publish_policy(firm_id=birch.firm_id, toml=toml, at=NOW, by="t")
    scan(birch)
    assert proposal_of(birch).needs_two is needs_two


def test_a_shard_is_not_done_twice(birch: Birch) -> None:
    start_scan(firm_id=birch.firm_id, as_of=TODAY, requested_by="t", at=NOW)
    (shard,) = due_shards(firm_id=birch.firm_id, at=NOW)
    run_shard(firm_id=birch.firm_id, shard_id=shard, clock=clock_at(NOW))
    with pytest.raises(ShardTaken):
        run_shard(firm_id=birch.firm_id, shard_id=shard, clock=clock_at(NOW))
    assert Proposal.objects.for_firm(birch.firm_id).count() == 1
