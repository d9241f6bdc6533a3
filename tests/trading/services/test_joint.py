"""A household whose accounts follow one target together, from its policy to the proposal on the page."""

from __future__ import annotations

from decimal import Decimal

import pytest

from accounts.models import Account, CashReserve, TaxProfile
from portfolios.models import AccountSignal
from portfolios.services.policies import publish_policy
from portfolios.snapshots.account_pages import account_page
from portfolios.snapshots.standings import standings, summed_classes
from tests.trading.services.test_scans import proposal_of, scan
from tests.worlds import NOW, TODAY, Birch, Cedar, World, make_account, make_lot
from trading.models import Proposal, ProposalAccount
from trading.selectors.proposals import proposal_page
from trading.services.replay import Replay, replay
from trading.services.scenarios import choose_scenario

JOINT = "[trading]\njoint = true\n"


def make_pair(world: World, toml: str = JOINT) -> Account:
    """The household's second account, which holds what the first one lacks; both follow the model together."""
    second = make_account(world.firm_id, world.household, number="1002", registration="ROTH_IRA", cash="1000.00")
    make_lot(world.firm_id, second, "BND", "400", basis="30000")
    publish_policy(firm_id=world.firm_id, toml=toml, at=NOW, by="t")
    return second


def parts_of(world: World) -> list[ProposalAccount]:
    return list(ProposalAccount.objects.for_firm(world.firm_id).filter(proposal=proposal_of(world)).order_by("id"))


def flows_of(part: ProposalAccount) -> Decimal:
    signs = {"SELL": 1, "BUY": -1}
    flows = (signs[one["side"]] * Decimal(one["amount"]) - Decimal(one["cost"]) for one in part.trades)
    return sum(flows, Decimal(0))


def test_accounts_that_follow_one_target_have_the_households_drift(birch: Birch, cedar: Cedar) -> None:
    make_pair(birch)
    with cedar.scope():
        make_pair(cedar, "")
        scan(cedar)
        alone = {signal.drift_weight for signal in AccountSignal.objects.for_firm(cedar.firm_id)}
    scan(birch)
    together = {signal.drift_weight for signal in AccountSignal.objects.for_firm(birch.firm_id)}
    assert (len(together), len(alone)) == (1, 2)
    assert max(together) < min(alone)


def test_the_proposal_brings_the_household_nearer_to_its_target_and_moves_no_cash(birch: Birch) -> None:
    make_pair(birch)
    scan(birch)
    proposal = proposal_of(birch)
    assert proposal.drift_after < proposal.drift_before
    for part in parts_of(birch):
        assert Decimal(part.figures["cash_after"]) == Decimal(part.figures["cash_before"]) + flows_of(part) >= 0


def test_the_page_counts_the_household_once(birch: Birch) -> None:
    second = make_pair(birch)
    scan(birch)
    page = proposal_page(birch.firm_id, proposal_of(birch).pk, reader=birch.adviser)
    assert page is not None
    assert page.proposal["joint"]
    assert {account["joint"] for account in page.accounts} == {True}
    sentences = [trade["sentence"] for account in page.accounts for trade in account["trades"]]
    assert sentences
    assert all("because the household's weight of" in sentence for sentence in sentences)
    held = standings(birch.firm_id, [birch.household.pk], TODAY)
    assert sum(row["before_amount"] for row in page.household_classes) == sum(one.value for one in held.values())
    changes = {account["name"]: account["net"] for account in page.accounts}
    cash = next(row for row in page.household_classes if row["name"] == "Cash")
    costs = sum(account["cost"] for account in page.accounts)
    assert cash["change_amount"] == sum(changes.values()) - costs
    assert second.name in changes or birch.account.name in changes


def test_an_accounts_page_shows_the_household_and_the_households_sum_counts_it_once(birch: Birch) -> None:
    second = make_pair(birch)
    found = [account_page(birch.firm_id, one.pk, on=TODAY) for one in (birch.account, second)]
    pages = [page for page in found if page is not None]
    assert [page["account"]["joint"] for page in pages] == [True, True]
    assert pages[0]["classes"] == pages[1]["classes"]
    held = standings(birch.firm_id, [birch.household.pk], TODAY)
    summed = summed_classes(held.values())
    assert sum(row["before_amount"] for row in summed) == sum(one.value for one in held.values())
    assert {row["name"]: row["target_weight"] for row in summed} == {
        row["name"]: row["target_weight"] for row in pages[0]["classes"]
    }


def test_it_is_found_again_to_the_byte_in_every_scenario(birch: Birch, cedar: Cedar) -> None:
    for world in (birch, cedar):
        with world.scope():
            make_pair(world)
            scan(world)
            assert replay(firm_id=world.firm_id, proposal_id=proposal_of(world).pk) == Replay(True, [])


def test_choosing_a_scenario_switches_all_accounts_of_the_household(birch: Birch) -> None:
    make_pair(birch)
    scan(birch)
    proposal = proposal_of(birch)
    choose_scenario(
        firm_id=birch.firm_id,
        proposal_id=proposal.pk,
        scenario="BALANCED",
        by=birch.adviser,
        version=proposal.version,
        at=NOW,
    )
    assert {part.figures["drift_after"] for part in parts_of(birch)} == {
        part.scenarios["BALANCED"]["figures"]["drift_after"] for part in parts_of(birch)
    }
    assert replay(firm_id=birch.firm_id, proposal_id=proposal.pk) == Replay(True, [])


@pytest.mark.parametrize(
    ("years", "outcome"), [pytest.param("0", "NOT_WORTH_COST", id="no time"), pytest.param("30", "PROPOSED", id="long")]
)
def test_its_trades_are_weighed_as_one(birch: Birch, years: str, outcome: str) -> None:
    toml = f'[triggers]\ncost_benefit = true\ncalendar_frequency = "NONE"\n{JOINT}horizon_years = {years}\n'
    make_pair(birch, toml)
    make_lot(birch.firm_id, birch.account, "VTI", "300", basis="20000")
    scan(birch)
    signals = list(AccountSignal.objects.for_firm(birch.firm_id).order_by("account_id"))
    assert Proposal.objects.for_firm(birch.firm_id).exists() is (outcome == "PROPOSED")
    assert len({signal.sentence for signal in signals if signal.outcome == "NOT_WORTH_COST"}) <= 1
    assert {signal.outcome for signal in signals} & {outcome}


def test_an_account_that_only_raises_cash_is_decided_for_itself(birch: Birch) -> None:
    make_pair(birch)
    CashReserve.objects.for_firm(birch.firm_id).create(account=birch.account, name="Roof", amount=Decimal(9000))
    scan(birch)
    found = {part.account_id: part for part in parts_of(birch)}
    assert Decimal(found[birch.account.pk].figures["cash_after"]) >= 9000
    assert replay(firm_id=birch.firm_id, proposal_id=proposal_of(birch).pk) == Replay(True, [])


def test_a_budget_of_gains_binds_over_its_accounts(birch: Birch) -> None:
    make_pair(birch)
    make_lot(birch.firm_id, birch.account, "VTI", "300", basis="20000")
    TaxProfile.objects.for_firm(birch.firm_id).update(gain_budget=Decimal(2000))
    scan(birch)
    gains = [Decimal(part.figures["gain_short"]) + Decimal(part.figures["gain_long"]) for part in parts_of(birch)]
    assert 0 < sum(gains) <= 2000
    assert replay(firm_id=birch.firm_id, proposal_id=proposal_of(birch).pk) == Replay(True, [])
