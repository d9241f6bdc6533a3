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
    lots = [{"id": "1", "symbol": "M03", "qty": 2000, "basis": 10, "age": 900}]
    account = {"id": "A1", "cash": 2000, "lots": lots}
    path = tmp_path / "book.json"
    path.write_text(json.dumps(BOOK | {"prices": BOOK["prices"] | {"M03": 25}, "accounts": [account]}))
    return path


def ask(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("transition", *arguments, stdout=out)
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


def test_it_answers_for_a_portable_book(book: Path) -> None:
    told = ask("A1", "--years", "3", "--gain-budget", "10000", "--book", str(book))
    assert [year["on"] for year in told["years"]] == ["2026-01-05", "2027-01-05", "2028-01-05"]
    assert [Decimal(9900) < Decimal(year["gain"]) <= 10000 for year in told["years"]] == [True, True, True]
    assert {trade["symbol"]: trade["side"] for trade in told["years"][0]["trades"]}["M03"] == "SELL"
    assert Decimal(told["totals"]["gain"]) == sum(Decimal(year["gain"]) for year in told["years"])
    assert told["left"] == [{"symbol": "M03", "amount": "75.00", "reason": "ROUNDING"}]


def test_it_answers_for_an_account_of_one_firm_alone_and_stores_nothing(birch: Birch, cedar: Cedar) -> None:
    told = ask(str(birch.account.pk), "--years", "2", "--firm", "birch")
    assert [len(told["years"]), told["account"]] == [2, str(birch.account.pk)]
    with pytest.raises(CommandError, match="no open account"):
        ask(str(cedar.account.pk), "--years", "2", "--firm", "birch")
    assert len(ask(str(cedar.account.pk), "--years", "2", "--firm", "cedar")["years"]) == 2
    with birch.scope():
        assert Proposal.objects.for_firm(birch.firm_id).count() == 0
        assert Lot.objects.for_firm(birch.firm_id).filter(security__symbol="ITOT").count() == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["A9", "--years", "2"], "no account A9", id="an unknown account"),
        pytest.param(["A1", "--years", "0"], "1 to 30 years", id="no year"),
        pytest.param(["A1", "--years", "2", "--gain-budget", "much"], "no number of dollars", id="no amount"),
        pytest.param(["A1", "--years", "2", "--tax-budget", "-1"], "below zero", id="an amount below zero"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_sentence(book: Path, arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        ask(*arguments, "--book", str(book))
