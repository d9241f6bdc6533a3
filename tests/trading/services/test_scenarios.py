from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from accounts.models import AuditEvent
from accounts.selectors.members import Member
from portfolios.models import CashBalance
from portfolios.services.policies import publish_policy
from tests.trading.services.test_scans import proposal_of, scan
from tests.trading.worlds import make_connection
from tests.worlds import NOW, Birch, Cedar, World, make_account, make_assignment, make_household, make_lot
from trading.models import Approval, Order, Proposal, ProposalAccount
from trading.packing import content_digest
from trading.services import approvals, approving, scenarios

NAMES = ["BALANCED", "CLOSEST", "MIN_TAX"]
HEAD = (
    "scenario", "content_sha256", "trade_count", "account_count", "reasons", "value", "turnover", "drift_before",
    "drift_after", "gain_short", "gain_long", "tax", "cost", "gap_bps", "needs_two", "two_reason",
)  # fmt: skip


def choose(
    world: World, proposal: Proposal, scenario: str, *, by: Member | None = None, version: int | None = None
) -> approvals.Outcome:
    return scenarios.choose_scenario(
        firm_id=world.firm_id,
        proposal_id=proposal.pk,
        scenario=scenario,
        by=by or world.adviser,
        version=proposal.version if version is None else version,
        at=NOW,
    )


def again(proposal: Proposal) -> Proposal:
    return Proposal.objects.for_firm(proposal.firm_id).get(pk=proposal.pk)


def parts_of(proposal: Proposal) -> list[ProposalAccount]:
    return list(ProposalAccount.objects.for_firm(proposal.firm_id).filter(proposal=proposal).order_by("id"))


def head(proposal: Proposal) -> dict[str, Any]:
    return {name: getattr(proposal, name) for name in HEAD}


def held(part: ProposalAccount) -> dict[str, Any]:
    return {name: getattr(part, name) for name in scenarios.CONTENT}


def set_slider(world: World, slider: str) -> None:
    publish_policy(firm_id=world.firm_id, toml=f"[trading]\nscenario_slider = {slider}\n", at=NOW, by="t")


@pytest.fixture
def proposal(birch: Birch) -> Proposal:
    make_connection(birch)
    scan(birch)
    return proposal_of(birch)


def test_a_proposal_keeps_every_scenario_and_holds_the_one_of_its_policy(birch: Birch, proposal: Proposal) -> None:
    (part,) = parts_of(proposal)
    assert (proposal.scenario, sorted(part.scenarios)) == ("CLOSEST", NAMES)
    assert held(part) == part.scenarios["CLOSEST"]
    assert proposal.settings["contents"] == {
        name: content_digest([(part.account_id, part.scenarios[name]["trades"])]) for name in NAMES
    }


def test_less_tax_is_more_drift_from_one_scenario_to_the_next(birch: Birch, proposal: Proposal) -> None:
    figures = {}
    for name in ("MIN_TAX", "BALANCED", "CLOSEST"):
        choose(birch, again(proposal), name)
        figures[name] = again(proposal)
    taxes, drifts = ([getattr(one, name) for one in figures.values()] for name in ("tax", "drift_after"))
    assert taxes == sorted(taxes)
    assert drifts == sorted(drifts, reverse=True)
    assert figures["MIN_TAX"].tax < figures["CLOSEST"].tax


@pytest.mark.parametrize(
    ("slider", "name"), [("0", "MIN_TAX"), ("0.5", "BALANCED"), ("1", "CLOSEST"), ("0.8", "POLICY")]
)
def test_the_policy_says_which_scenario_a_new_proposal_holds(birch: Birch, slider: str, name: str) -> None:
    set_slider(birch, slider)
    scan(birch)
    assert proposal_of(birch).scenario == name
    assert sorted(parts_of(proposal_of(birch))[0].scenarios) == sorted({*NAMES, name})


def test_a_switch_gives_what_a_scan_under_such_a_policy_gives(birch: Birch, proposal: Proposal) -> None:
    choose(birch, proposal, "MIN_TAX")
    switched, content = head(again(proposal)), [held(part) for part in parts_of(proposal)]
    set_slider(birch, "0")
    scan(birch, at=NOW + timedelta(hours=1))
    fresh = proposal_of(birch)
    assert (switched, content) == (head(fresh), [held(part) for part in parts_of(fresh)])


def test_a_switch_there_and_back_changes_only_the_version(birch: Birch, proposal: Proposal) -> None:
    before, content = head(proposal), [held(part) for part in parts_of(proposal)]
    choose(birch, proposal, "MIN_TAX")
    choose(birch, again(proposal), "CLOSEST")
    assert (head(again(proposal)), [held(part) for part in parts_of(proposal)]) == (before, content)
    assert again(proposal).version == proposal.version + 2


def test_all_accounts_of_the_household_are_switched_together(birch: Birch) -> None:
    roth = make_account(birch.firm_id, birch.household, number="1002", registration="ROTH_IRA", cash="900.00")
    make_lot(birch.firm_id, roth, "VTI", "40", basis="8000.00")
    scan(birch)
    choose(birch, proposal_of(birch), "MIN_TAX")
    parts = parts_of(proposal_of(birch))
    assert [held(part) == part.scenarios["MIN_TAX"] for part in parts] == [True, True]


def test_a_switch_is_in_the_audit_trail(birch: Birch, proposal: Proposal) -> None:
    choose(birch, proposal, "MIN_TAX")
    event = AuditEvent.objects.for_firm(birch.firm_id).get(action="PROPOSAL_SCENARIO_CHOSEN")
    assert (event.actor, event.subject_id, event.payload) == (
        birch.adviser.email,
        str(proposal.pk),
        {
            "was": "CLOSEST",
            "scenario": "MIN_TAX",
            "content_sha256": again(proposal).content_sha256,
            "content_sha256_before": proposal.content_sha256,
        },
    )


def test_choosing_what_it_holds_changes_nothing(birch: Birch, proposal: Proposal) -> None:
    assert "already" in choose(birch, proposal, "CLOSEST").sentence
    assert again(proposal).version == proposal.version
    assert not AuditEvent.objects.for_firm(birch.firm_id).filter(action="PROPOSAL_SCENARIO_CHOSEN").exists()


def test_what_was_chosen_is_what_is_approved_and_ordered(birch: Birch, proposal: Proposal) -> None:
    choose(birch, proposal, "MIN_TAX")
    approving.approve(firm_id=birch.firm_id, proposal_id=proposal.pk, by=birch.adviser, at=NOW)
    (part,) = parts_of(proposal)
    ordered = Order.objects.for_firm(birch.firm_id).values_list("security__symbol", "side", "quantity")
    wanted = [(one["symbol"], one["side"], Decimal(one["quantity"])) for one in part.scenarios["MIN_TAX"]["trades"]]
    assert sorted(ordered) == sorted(wanted)
    assert Approval.objects.for_firm(birch.firm_id).get().content_sha256 == proposal.settings["contents"]["MIN_TAX"]


def test_whoever_looked_at_other_trades_does_not_approve_these(birch: Birch, proposal: Proposal) -> None:
    choose(birch, proposal, "MIN_TAX")
    with pytest.raises(approvals.OtherContent, match="other trades than you looked at"):
        approving.approve(
            firm_id=birch.firm_id,
            proposal_id=proposal.pk,
            by=birch.adviser,
            at=NOW,
            seen_sha256=proposal.content_sha256,
        )
    assert not Approval.objects.for_firm(birch.firm_id).exists()


def test_who_must_approve_follows_the_scenario(birch: Birch) -> None:
    publish_policy(firm_id=birch.firm_id, toml="[approval]\nfour_eyes_gain = 1\n", at=NOW, by="t")
    scan(birch)
    assert proposal_of(birch).needs_two
    choose(birch, proposal_of(birch), "MIN_TAX")
    found = proposal_of(birch)
    assert (found.gain_short + found.gain_long > 1, found.needs_two, found.two_reason) == (False, False, "")


def test_once_somebody_approved_the_next_one_looks_at_the_same(birch: Birch) -> None:
    make_connection(birch)
    publish_policy(firm_id=birch.firm_id, toml="[approval]\nfour_eyes_turnover = 1000\n", at=NOW, by="t")
    scan(birch)
    large = proposal_of(birch)
    approving.approve(firm_id=birch.firm_id, proposal_id=large.pk, by=birch.adviser, at=NOW)
    with pytest.raises(scenarios.ApprovedAlready, match="second approver must look at the same"):
        choose(birch, again(large), "MIN_TAX", by=birch.members["COMPLIANCE"])
    assert head(again(large)) == head(large)


def test_two_people_who_choose_at_once_do_not_overwrite_each_other(birch: Birch, proposal: Proposal) -> None:
    choose(birch, proposal, "MIN_TAX")
    with pytest.raises(scenarios.ProposalMoved, match="Somebody changed this proposal"):
        choose(birch, proposal, "BALANCED", version=proposal.version)
    assert again(proposal).scenario == "MIN_TAX"


def test_a_scenario_that_was_not_found_is_refused(birch: Birch, proposal: Proposal) -> None:
    with pytest.raises(scenarios.ScenarioUnknown):
        choose(birch, proposal, "POLICY")
    assert head(again(proposal)) == head(proposal)


def test_a_scenario_without_trades_is_a_matter_of_rejecting(birch: Birch) -> None:
    elm = make_household(birch.firm_id, name="Elm")
    make_assignment(birch.firm_id, elm, birch.model)
    make_lot(birch.firm_id, make_account(birch.firm_id, elm, number="9", cash="600"), "VTI", "100", basis="1000")
    scan(birch)
    found = Proposal.objects.for_firm(birch.firm_id).get(household=elm)
    with pytest.raises(scenarios.NothingToTrade, match="reject the proposal"):
        choose(birch, found, "MIN_TAX")


def test_what_changed_since_makes_it_stale_instead(birch: Birch, proposal: Proposal) -> None:
    CashBalance.objects.for_firm(birch.firm_id).update(settled="1999.99")
    with pytest.raises(approvals.ProposalIsStale, match="Holdings or cash"):
        choose(birch, proposal, "MIN_TAX")
    assert (again(proposal).status, again(proposal).scenario) == (Proposal.Status.STALE, "CLOSEST")


def test_a_proposal_that_gave_way_is_left_as_it_was(birch: Birch, proposal: Proposal) -> None:
    scan(birch, at=NOW + timedelta(hours=1))
    with pytest.raises(approvals.AlreadyDecided, match="replaced by a newer scan"):
        choose(birch, proposal, "MIN_TAX")


def test_a_scenario_changed_behind_our_back_is_not_put_in_place(birch: Birch, proposal: Proposal) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE trading_proposalaccount"
            " SET scenarios = jsonb_set(scenarios, '{MIN_TAX,trades,0,quantity}', '\"1\"')"
        )
    with pytest.raises(approvals.ContentDiffers):
        choose(birch, proposal, "MIN_TAX")
    assert again(proposal).scenario == "CLOSEST"
    assert AuditEvent.objects.for_firm(birch.firm_id).filter(action="PROPOSAL_CONTENT_DIFFERS").count() == 1


def test_another_firms_proposal_does_not_exist_and_stays_as_it_is(
    birch: Birch, cedar: Cedar, proposal: Proposal
) -> None:
    with cedar.scope():
        scan(cedar)
        theirs = proposal_of(cedar)
        with pytest.raises(approvals.ProposalNotFound):
            choose(cedar, proposal, "MIN_TAX")
    choose(birch, proposal, "MIN_TAX")
    with cedar.scope():
        assert (again(theirs).version, again(theirs).scenario) == (theirs.version, "CLOSEST")
