from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

ROOT = Path(__file__).parents[4]
ACCOUNT = {"id": "A1", "cash": 1500.5, "lots": [{"id": "1", "symbol": "M01", "qty": 900, "basis": 60.5, "age": 900}]}
BOOK: dict[str, Any] = {
    "as_of": "2026-01-05",
    "prices": {"M01": 100.5, "M02": 50},
    "model": {"M01": 0.6, "M02": 0.38},
    "cash_target": 0.02,
    "rates": {"short": 0.35, "long": 0.2},
    "cost_bps": 5.0,
    "min_trade": 100.0,
    "accounts": [ACCOUNT],
}


def test_it_writes_trades_and_figures_in_a_process_without_a_database(tmp_path):
    book, out = tmp_path / "book.json", tmp_path / "trades.json"
    book.write_text(json.dumps(BOOK))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE")}
    command = [sys.executable, "manage.py", "solve", str(book), "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    written = json.loads(out.read_text())
    assert (written["peer"], written["n"], written["errors"]) == ("rebalancer", 1, 0)
    trades = [(trade["symbol"], trade["qty"]) for trade in written["accounts"]["A1"]["trades"]]
    assert trades == [("M01", -351), ("M02", 698)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["book.json", "trades.json"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("{", "is not JSON: Expecting property name", id="not JSON"),
        pytest.param(
            json.dumps(BOOK | {"min_trade": -1}), "The book: min_trade must be 0 or more, not -1.", id="field"
        ),
        pytest.param(
            json.dumps(BOOK | {"accounts": [ACCOUNT | {"cash": None}]}),
            "Account A1: cash must be a number, not None.",
            id="account",
        ),
        pytest.param(None, "cannot be read: No such file or directory.", id="no file"),
    ],
)
def test_a_bad_book_gives_one_sentence_and_no_file(tmp_path, text, sentence):
    book, out = tmp_path / "book.json", tmp_path / "trades.json"
    if text is not None:
        book.write_text(text)
    with pytest.raises(CommandError) as refused:
        call_command("solve", str(book), "--out", str(out))
    assert str(refused.value).startswith(f"{book}")
    assert sentence in str(refused.value)
    assert not out.exists()


def test_trades_of_before_stay_where_new_ones_cannot_be_made(tmp_path):
    book, out = tmp_path / "book.json", tmp_path / "trades.json"
    book.write_text("[]")
    out.write_text("before")
    with pytest.raises(CommandError):
        call_command("solve", str(book), "--out", str(out))
    assert out.read_text() == "before"


def test_a_folder_that_is_not_there_is_said(tmp_path):
    book = tmp_path / "book.json"
    book.write_text(json.dumps(BOOK))
    with pytest.raises(CommandError, match="cannot be written: No such file or directory"):
        call_command("solve", str(book), "--out", str(tmp_path / "nowhere" / "trades.json"))
