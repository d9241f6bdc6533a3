from __future__ import annotations

import hashlib
from decimal import Decimal

import pytest

from portfolios.feeds.parse import parse
from portfolios.models import DataProblem, FeedFile, Position
from portfolios.services.feeds import FeedOutcome, import_file
from tests.portfolios.feeds.samples import (
    BND,
    SCHWAB_CASH,
    VTI,
    make_flex,
    make_lot,
    make_position,
    make_schwab,
    make_statement,
)
from tests.worlds import NOW, Birch, World, make_account

BAD = '"VTI","VANGUARD TOTAL STOCK MARKET ETF","10","$300.00","$9,999.00","$1,500.00","ETFs & Closed End Funds"'
BOND = {"assetCategory": "BOND", "subCategory": "Govt", "symbol": "T 4 11/30", "cusip": "91282CJK8"}
BOND_WORTH = {"position": "1000", "markPrice": "99", "positionValue": "990", "costBasisMoney": "980"}
STRANGER = {"symbol": "ZZZZ", "cusip": "", "subCategory": "COMMON"}


@pytest.fixture
def at_ibkr(birch: Birch) -> Birch:
    for number in ("U1234567", "U7654321"):
        make_account(birch.firm_id, birch.household, number=number, custodian="IBKR")
    return birch


def take(world: World, content: bytes, layout: str = "ibkr_flex", name: str = "a.xml") -> FeedOutcome:
    return import_file(firm_id=world.firm_id, layout=layout, name=name, content=content, at=NOW)


def held(world: World, number: str) -> dict[str, Decimal]:
    rows = Position.objects.for_firm(world.firm_id).filter(account__number=number)
    return dict(rows.values_list("security__symbol", "quantity"))


def open_codes(world: World, number: str) -> list[str]:
    rows = DataProblem.objects.for_firm(world.firm_id).filter(account__number=number, resolved_at=None)
    return sorted(rows.values_list("code", flat=True))


def test_a_bond_and_its_lots_mark_their_account_and_the_rest_of_it_is_taken(at_ibkr: Birch) -> None:
    bond = (make_position(**BOND, **BOND_WORTH), make_lot(**BOND, **BOND_WORTH))
    outcome = take(at_ibkr, make_flex(make_statement(make_position(), make_lot(), *bond)))
    assert held(at_ibkr, "U1234567") == {"VTI": Decimal(10)}
    assert open_codes(at_ibkr, "U1234567") == ["UNSUPPORTED_KIND"]
    assert {rows.code for rows in outcome.set_aside} == {"UNSUPPORTED_KIND"}


def test_a_bond_of_one_account_does_not_hide_a_stranger_on_the_same_row_of_another(at_ibkr: Birch) -> None:
    one = make_statement(make_position(**BOND, **BOND_WORTH), make_lot(**BOND, **BOND_WORTH))
    of_other = {"accountId": "U7654321"}
    rows = (
        make_position(**of_other, **STRANGER),
        make_lot(**of_other, **STRANGER),
        make_position(**of_other),
        make_lot(**of_other),
    )
    outcome = take(at_ibkr, make_flex(one, make_statement(*rows, account="U7654321")))
    assert held(at_ibkr, "U7654321") == {}
    assert open_codes(at_ibkr, "U7654321") == ["UNKNOWN_SECURITY"]
    aside = [(rows.account_number, rows.code, rows.row_count) for rows in outcome.set_aside]
    assert sorted(aside) == [
        ("U1234567", "UNSUPPORTED_KIND", 1),
        ("U1234567", "UNSUPPORTED_KIND", 1),
        ("U7654321", "HELD_BACK", 3),
        ("U7654321", "UNKNOWN_SECURITY", 1),
        ("U7654321", "UNKNOWN_SECURITY", 1),
    ]


def test_a_file_of_which_nothing_could_be_stored_counts_no_row_as_applied(birch: Birch) -> None:
    outcome = take(birch, make_schwab(BAD, BND, SCHWAB_CASH), "schwab_positions")
    assert (outcome.applied_count, outcome.stored_count) == (0, 0)


def test_the_same_bad_row_of_two_days_is_one_open_problem(birch: Birch) -> None:
    make_account(birch.firm_id, birch.household, number="1234-5678")
    for day in ("11/19/2026", "11/20/2026"):
        title = f'"Positions for account Individual 1234-5678 as of 05:30 PM ET, {day}"'
        take(birch, make_schwab(*([VTI] if "19" in day else []), BAD, title=title), "schwab_positions")
    assert open_codes(birch, "1234-5678").count("DOES_NOT_FOOT") == 1


def test_a_good_file_ends_what_a_bad_one_left(birch: Birch) -> None:
    make_account(birch.firm_id, birch.household, number="1234-5678")
    take(birch, make_schwab(BAD, SCHWAB_CASH), "schwab_positions")
    assert open_codes(birch, "1234-5678")
    take(birch, make_schwab(VTI, BND, SCHWAB_CASH), "schwab_positions")
    assert "DOES_NOT_FOOT" not in open_codes(birch, "1234-5678")


def test_a_file_that_a_crash_left_staged_is_taken_up_again(at_ibkr: Birch) -> None:
    content = make_flex()
    staged = FeedFile.objects.for_firm(at_ibkr.firm_id).create(
        layout="ibkr_flex",
        name="a.xml",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        status="STAGED",
        received_at=NOW,
    )
    outcome = take(at_ibkr, content)
    assert (outcome.file_id, outcome.status) == (staged.pk, "APPLIED")
    assert FeedFile.objects.for_firm(at_ibkr.firm_id).count() == 1
    assert held(at_ibkr, "U1234567") == {"VTI": Decimal(10)}


def test_a_file_with_rows_set_aside_is_tried_again_when_their_account_has_been_opened(birch: Birch) -> None:
    first = take(birch, make_schwab(), "schwab_positions")
    make_account(birch.firm_id, birch.household, number="1234-5678")
    again = take(birch, make_schwab(), "schwab_positions")
    assert (first.is_clean, again.is_clean, again.file_id) == (False, True, first.file_id)
    assert held(birch, "1234-5678") == {"VTI": Decimal(10), "BND": Decimal("36.8179")}


def test_accounts_that_nobody_knows_are_opened_on_request_and_wait_for_their_registration(birch: Birch) -> None:
    outcome = import_file(
        firm_id=birch.firm_id,
        layout="schwab_positions",
        name="a.csv",
        content=make_schwab(),
        at=NOW,
        open_accounts_in="",
    )
    assert outcome.is_clean
    assert held(birch, "1234-5678") == {"VTI": Decimal(10), "BND": Decimal("36.8179")}
    assert "REGISTRATION_UNKNOWN" in open_codes(birch, "1234-5678")


def test_the_sample_reads_without_a_problem_of_its_own() -> None:
    assert parse("ibkr_flex", make_flex(), file_name="a.xml").problems == ()
