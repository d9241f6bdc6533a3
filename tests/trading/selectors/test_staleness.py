"""What makes a proposal out of date beside its own accounts."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from accounts.models import Account, CashReserve
from portfolios.models import CashBalance
from portfolios.services.policies import publish_policy
from tests.trading.services.test_scans import part_of, proposal_of, scan
from tests.worlds import NOW, Birch, Cedar, make_account, make_assignment, make_household, make_lot
from trading.selectors.staleness import why_stale
from trading.services.replay import Replay, replay


def make_other(birch: Birch) -> Account:
    """An account of the household that nothing calls for: empty, and its policy trades on dates alone."""
    other = make_account(birch.firm_id, birch.household, number="1002", registration="ROTH_IRA", cash="0.00")
    publish_policy(
        firm_id=birch.firm_id, toml='[triggers]\ntrigger = "CALENDAR"\n', at=NOW, by="t", account_id=other.pk
    )
    return other


def buy(account: Account) -> None:
    make_lot(account.firm_id, account, "VTI", "10", basis="3000", key="lately")


def move_cash(account: Account) -> None:
    CashBalance.objects.for_firm(account.firm_id).filter(account=account).update(settled=Decimal(7))


def reserve(account: Account) -> None:
    CashReserve.objects.for_firm(account.firm_id).create(account=account, name="Roof", amount=Decimal(9))


@pytest.mark.parametrize("change", [buy, move_cash, reserve])
def test_a_change_in_an_account_of_the_household_that_does_not_trade_counts(
    birch: Birch, change: Callable[[Account], None]
) -> None:
    other = make_other(birch)
    scan(birch)
    proposal = proposal_of(birch)
    assert part_of(birch).account_id == birch.account.pk
    assert why_stale(birch.firm_id, proposal) == ""
    change(other)
    assert str(other) in why_stale(birch.firm_id, proposal)
    assert replay(firm_id=birch.firm_id, proposal_id=proposal.pk) == Replay(True, [])


def test_a_change_in_another_household_or_firm_does_not(birch: Birch, cedar: Cedar) -> None:
    elm = make_household(birch.firm_id, name="Elm")
    make_assignment(birch.firm_id, elm, birch.model)
    other = make_account(birch.firm_id, elm, number="2002", cash="0.00")
    scan(birch)
    buy(other)
    with cedar.scope():
        buy(cedar.account)
    assert why_stale(birch.firm_id, proposal_of(birch)) == ""
