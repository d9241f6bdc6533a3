"""A proposal on record is decided again from its own packed book."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from accounts.models import TaxProfile
from portfolios.models import FirmPrice, Lot, Price
from portfolios.services.policies import publish_policy
from rebalancer.engine.book_pack import unpack_book
from tests.trading.services.test_scans import part_of, proposal_of, scan
from tests.worlds import NOW, Birch, Cedar, World, make_account, make_assignment, make_household, make_lot
from trading.models import Proposal, ProposalAccount
from trading.services.approvals import ProposalNotFound
from trading.services.replay import NothingToReplay, Replay, replay
from trading.services.scenarios import choose_scenario


def replayed(world: World, proposal: Proposal) -> Replay:
    return replay(firm_id=world.firm_id, proposal_id=proposal.pk)


def tamper(statement: str, *values: bytes | int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        assert cursor.rowcount == 1


def test_every_proposal_of_two_firms_is_found_again_to_the_byte(birch: Birch, cedar: Cedar) -> None:
    elm = make_household(birch.firm_id, name="Elm")
    make_assignment(birch.firm_id, elm, birch.model)
    for number, registration in (("2002", "INDIVIDUAL"), ("2003", "ROTH_IRA")):
        account = make_account(birch.firm_id, elm, number=number, registration=registration)
        make_lot(birch.firm_id, account, "VTI", "100", basis="33000")
    scan(birch)
    with cedar.scope():
        scan(cedar)
        assert replayed(cedar, proposal_of(cedar)) == Replay(True, [])
    proposals = list(Proposal.objects.for_firm(birch.firm_id))
    assert len(proposals) == 2
    assert [replayed(birch, proposal) for proposal in proposals] == [Replay(True, [])] * 2


def test_budgets_are_kept_with_the_proposal_and_found_again(birch: Birch, cedar: Cedar) -> None:
    TaxProfile.objects.for_firm(birch.firm_id).update(gain_budget=Decimal(50), tax_budget=Decimal(700), netting=True)
    scan(birch)
    with cedar.scope():
        scan(cedar)
        assert unpack_book(bytes(proposal_of(cedar).book or b"")).taxes is None
    proposal = proposal_of(birch)
    kept = unpack_book(bytes(proposal.book or b"")).taxes
    assert kept is not None
    assert (kept.gain_budget.tolist(), kept.tax_budget.tolist()) == ([50_000_000], [700_000_000])
    TaxProfile.objects.for_firm(birch.firm_id).update(gain_budget=None, tax_budget=Decimal(1), netting=False)
    assert replayed(birch, proposal) == Replay(True, [])


def test_shares_of_a_volume_are_kept_with_the_proposal_and_found_again(birch: Birch) -> None:
    elm = make_household(birch.firm_id, name="Elm")
    make_assignment(birch.firm_id, elm, birch.model)
    account = make_account(birch.firm_id, elm, number="2002")
    make_lot(birch.firm_id, account, "VTI", "100", basis="33000")
    price = Price.objects.filter(security__symbol="VTI").latest("priced_on")
    FirmPrice.objects.for_firm(birch.firm_id).create(
        security=price.security,
        priced_on=price.priced_on,
        close=price.close,
        bid=price.bid,
        ask=price.ask,
        adv_shares=200,
    )
    scan(birch)
    proposals = list(Proposal.objects.for_firm(birch.firm_id))
    assert len(proposals) == 2
    assert all(proposal.settings["volume_limits"] for proposal in proposals)
    assert [replayed(birch, proposal) for proposal in proposals] == [Replay(True, [])] * 2


def test_the_packed_book_is_of_the_household_alone(birch: Birch) -> None:
    elm = make_household(birch.firm_id, name="Elm")
    make_account(birch.firm_id, elm, number="2002")
    scan(birch)
    book = unpack_book(bytes(proposal_of(birch).book or b""))
    assert book.accounts.account_id == (str(birch.account.pk),)
    assert book.securities.symbol == ("VTI", "VEA", "BND")


def test_what_changes_afterwards_changes_nothing(birch: Birch) -> None:
    scan(birch)
    proposal = proposal_of(birch)
    Lot.objects.for_firm(birch.firm_id).update(cost_basis=Decimal(1))
    publish_policy(firm_id=birch.firm_id, toml="[trading]\nminimum_trade_amount = 50000", at=NOW, by="t")
    assert replayed(birch, proposal) == Replay(True, [])


def test_a_proposal_switched_to_another_scenario_is_found_again(birch: Birch) -> None:
    scan(birch)
    proposal = proposal_of(birch)
    choose_scenario(
        firm_id=birch.firm_id, proposal_id=proposal.pk, scenario="MIN_TAX", by=birch.adviser,
        version=proposal.version, at=NOW + timedelta(minutes=1),
    )  # fmt: skip
    assert proposal_of(birch).content_sha256 != proposal.content_sha256
    assert replayed(birch, proposal) == Replay(True, [])


PARTS, HEADS = "UPDATE trading_proposalaccount SET", "UPDATE trading_proposal SET"


@pytest.mark.parametrize(
    ("statement", "differs"),
    [
        pytest.param(
            f"""{PARTS} trades = jsonb_set(trades, '{{0,quantity}}', '"1"')""",
            "{account}.trades.0.quantity",
            id="trade",
        ),
        pytest.param(
            f"""{PARTS} trades = jsonb_set(trades, '{{0,lots,0,lot_id}}', '"1"')""",
            "{account}.trades.0.lots.0.lot_id",
            id="lot",
        ),
        pytest.param(
            f"{PARTS} trades = trades - 0", "{account}.trades has 2 entries on record, and 3 again", id="fewer"
        ),
        pytest.param(
            f"""{PARTS} figures = jsonb_set(figures, '{{tax}}', '"0"')""", "{account}.figures.tax", id="figure"
        ),
        pytest.param(
            f"""{PARTS} certificate = jsonb_set(certificate, '{{bound}}', '"0"')""",
            "{account}.certificate.bound",
            id="certificate",
        ),
        pytest.param(
            f"{PARTS} scenarios = scenarios - 'MIN_TAX'",
            "{account}.scenarios.MIN_TAX is found, and not on record",
            id="scenario",
        ),
        pytest.param(
            f"{PARTS} scenarios = jsonb_set(scenarios, '{{BALANCED,trades}}', '[]')",
            "{account}.scenarios.BALANCED.trades has 0 entries",
            id="trades of another scenario",
        ),
        pytest.param(
            f"""{PARTS} inputs = jsonb_set(inputs, '{{policy,relief}}', '"FIFO"')""",
            "{account}.inputs.policy.relief",
            id="policy",
        ),
        pytest.param(f"{PARTS} model_version_id = 0", "{account}.model_version", id="model"),
        pytest.param(
            f"""{PARTS} inputs = jsonb_set(inputs, '{{holdings_sha256}}', '"0"')""", "inputs_sha256 is", id="holdings"
        ),
        pytest.param(f"{HEADS} turnover = turnover + 0.01", "sums.turnover is", id="sum"),
        pytest.param(f"{HEADS} trade_count = 7", "sums.trade_count is 7 on record, and 3 again", id="count"),
        pytest.param(f"{HEADS} as_of = as_of + 1", "as_of is", id="day"),
        pytest.param(f"{HEADS} engine_version = 'older-1'", 'engine_version is "older-1" on record', id="engine"),
        pytest.param(f"{HEADS} content_sha256 = repeat('0', 64)", "content_sha256 is", id="content hash"),
        pytest.param(f"{HEADS} inputs_sha256 = repeat('0', 64)", "inputs_sha256 is", id="inputs hash"),
        pytest.param(
            f"""{HEADS} settings = jsonb_set(settings, '{{exact}}', 'true')""", "inputs_sha256 is", id="setting"
        ),
        pytest.param(
            f"{HEADS} settings = settings - 'modes'",
            "The settings kept with the proposal cannot be read",
            id="no modes",
        ),
        pytest.param(f"{HEADS} book = 'no book'", "The packed book cannot be read", id="book"),
    ],
)
def test_a_tampered_row_shows(birch: Birch, statement: str, differs: str) -> None:
    scan(birch)
    proposal, account = proposal_of(birch), f"accounts.{birch.account.pk}"
    assert replayed(birch, proposal).identical
    tamper(statement)
    found = replayed(birch, proposal)
    assert not found.identical
    assert [one for one in found.differences if one.startswith(differs.format(account=account))] != []


def test_a_book_put_in_the_place_of_another_shows(birch: Birch) -> None:
    scan(birch)
    first = proposal_of(birch)
    make_lot(birch.firm_id, birch.account, "VTI", "10", basis="3000")
    scan(birch, at=NOW + timedelta(hours=1))
    second = proposal_of(birch)
    tamper("UPDATE trading_proposal SET book = %s WHERE id = %s", bytes(first.book or b""), second.pk)
    found = replayed(birch, second)
    assert not found.identical
    assert [one for one in found.differences if one.startswith("inputs_sha256")] != []


def test_an_account_that_is_gone_from_the_record_shows(birch: Birch) -> None:
    second = make_account(birch.firm_id, birch.household, number="1002", registration="ROTH_IRA")
    make_lot(birch.firm_id, second, "VTI", "100", basis="20000")
    scan(birch)
    proposal = proposal_of(birch)
    other = make_household(birch.firm_id, name="Elm")
    stray = make_account(birch.firm_id, other, number="2002")
    ProposalAccount.objects.for_firm(birch.firm_id).filter(account=second).update(account=stray)
    found = replayed(birch, proposal).differences
    assert f"accounts.{second.pk} is found, and not on record" in found
    assert f"accounts.{stray.pk} is on record, and not found again" in found


def test_a_proposal_without_a_book_cannot_be_decided_again(birch: Birch) -> None:
    scan(birch)
    tamper("UPDATE trading_proposal SET book = NULL")
    with pytest.raises(NothingToReplay, match="before books were kept"):
        replayed(birch, proposal_of(birch))


def test_another_firms_proposal_is_not_there(birch: Birch, cedar: Cedar) -> None:
    scan(birch)
    proposal = proposal_of(birch)
    assert replayed(birch, proposal).identical
    with cedar.scope(), pytest.raises(ProposalNotFound):
        replay(firm_id=cedar.firm_id, proposal_id=proposal.pk)


def test_a_replay_writes_nothing(birch: Birch) -> None:
    scan(birch)
    before = (proposal_of(birch).version, part_of(birch).trades)
    replayed(birch, proposal_of(birch))
    assert (proposal_of(birch).version, part_of(birch).trades) == before
