from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from portfolios.snapshots.book import LoadedBook, load_book
from portfolios.snapshots.positions import Depth
from rebalancer.engine.book import Book
from rebalancer.engine.checks import Checker
from rebalancer.engine.optimiser import solve
from rebalancer.engine.triggers import MODES, Mode
from tests.worlds import TODAY, Birch, Cedar, make_account, make_assignment, make_household, make_lot
from trading.services.alternatives import ByScenario, alternatives

NAMES = {"MIN_TAX", "BALANCED", "CLOSEST"}


@pytest.fixture
def whole(birch: Birch, cedar: Cedar) -> LoadedBook:
    """Two households of one account each: Alder and Elm."""
    elm = make_household(birch.firm_id, name="Elm")
    make_assignment(birch.firm_id, elm, birch.model)
    make_lot(birch.firm_id, make_account(birch.firm_id, elm, number="2002"), "VTI", "100", basis="20000")
    return load_book(birch.firm_id, [birch.household.pk, elm.pk], as_of=TODAY, depth=Depth.ALL_LOTS)


def found(whole: LoadedBook, checked: Book) -> Mapping[str, ByScenario]:
    modes = dict.fromkeys(whole.book.accounts.account_id, MODES.index(Mode.FULL))
    return alternatives(whole, list(solve(whole.book)), modes, Checker(checked)).by_account


def test_every_account_has_a_decision_in_every_scenario(whole: LoadedBook) -> None:
    assert {account: set(by) for account, by in found(whole, whole.book).items()} == dict.fromkeys(
        whole.book.accounts.account_id, NAMES
    )


def test_decisions_are_those_of_the_scenarios_own_place(whole: LoadedBook) -> None:
    places = {name: one.slider for name, one in found(whole, whole.book)[whole.book.accounts.account_id[0]].items()}
    assert places == {"MIN_TAX": 0.0, "BALANCED": 0.5, "CLOSEST": 1.0}


def test_a_scenario_that_does_not_foot_is_left_out_for_its_household_alone(
    whole: LoadedBook, caplog: pytest.LogCaptureFixture
) -> None:
    accounts = whole.book.accounts
    poorer = replace(accounts, cash_settled=np.where(np.arange(len(whole.book)) == 1, -(10**12), accounts.cash_settled))
    with caplog.at_level(logging.ERROR):
        by_account = found(whole, replace(whole.book, accounts=poorer))
    first, second = (set(by_account[account]) for account in accounts.account_id)
    assert (first, second) == (NAMES, {"CLOSEST"})
    assert "does not foot" in caplog.text
