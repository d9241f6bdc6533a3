from __future__ import annotations

import json
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from portfolios.models import Lot
from tests.portfolios.management.commands.test_what_if import BOOK
from tests.worlds import Birch, Cedar
from trading.models import Proposal


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.json"
    path.write_text(json.dumps(BOOK | {"prices": BOOK["prices"] | {"M03": 25}}))
    return path


def ask(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("swap", *arguments, "--dry-run", stdout=out)
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


def test_it_answers_for_a_portable_book(book: Path) -> None:
    told = ask("M01", "M03", "--book", str(book))
    account = told["accounts"]["A1"]
    assert [(trade["symbol"], trade["side"], trade["quantity"]) for trade in account["trades"]] == [
        ("M01", "SELL", "640.000000"),
        ("M03", "BUY", "2558.000000"),
    ]
    assert account["trades"][0]["lots"] == [{"id": "1", "quantity": "640.000000", "gain": "25280.00"}]
    assert (told["totals"]["sold"], told["totals"]["bought"]) == ("64000.00", "63950.00")
    assert told["totals"]["gain_long"] == account["gain_long"] == "25280.00"
    assert (told["left"], told["errors"]) == ([], {})


def test_a_rule_holds_and_accounts_that_may_not_trade_are_named(book: Path) -> None:
    assert ask("M01", "M03", "--book", str(book), "--only-losses")["left"] == ["A1"]
    capped = ask("M01", "M03", "--book", str(book), "--gain-cap", "1000")
    assert Decimal(950) < Decimal(capped["totals"]["gain_long"]) <= 1000


def test_it_answers_for_one_firm_alone_and_stores_nothing(birch: Birch, cedar: Cedar) -> None:
    told = ask("VTI", "ITOT", "--firm", "birch")
    assert set(told["accounts"]) == {str(birch.account.pk)}
    assert {trade["symbol"] for trade in told["accounts"][str(birch.account.pk)]["trades"]} == {"VTI", "ITOT"}
    others = ask("VTI", "ITOT", "--firm", "cedar")["accounts"]
    assert set(others) == {str(cedar.account.pk)}
    with birch.scope():
        assert Proposal.objects.for_firm(birch.firm_id).count() == 0
        assert Lot.objects.for_firm(birch.firm_id).filter(security__symbol="ITOT").count() == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["M01", "M09"], "There is no M09", id="an unknown symbol"),
        pytest.param(["M01", "M01"], "for itself", id="one symbol"),
        pytest.param(["M01", "M03", "--gain-cap", "much"], "no number of dollars", id="no amount"),
        pytest.param(["M01", "M03", "--gain-cap", "-1"], "not be negative", id="an amount below zero"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_sentence(book: Path, arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        ask(*arguments[:2], "--book", str(book), *arguments[2:])


def test_without_a_dry_run_nothing_is_done(book: Path) -> None:
    with pytest.raises(CommandError, match="--dry-run"):
        call_command("swap", "M01", "M03", "--book", str(book))
