from __future__ import annotations

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.worlds import Birch

ROOT = Path(__file__).parents[4]
LOTS = [
    {"id": "1", "symbol": "M01", "qty": 640, "basis": 60.5, "age": 900},
    {"id": "2", "symbol": "M02", "qty": 680, "basis": 40, "age": 900},
]
BOOK: dict[str, Any] = {
    "as_of": "2026-01-05",
    "prices": {"M01": 100, "M02": 50},
    "asset_classes": {"M01": "Equity", "M02": "Bonds"},
    "model": {"M01": 0.6, "M02": 0.38},
    "cash_target": 0.02,
    "rates": {"short": 0.35, "long": 0.2},
    "cost_bps": 5.0,
    "min_trade": 100.0,
    "accounts": [{"id": "A1", "cash": 2000, "lots": LOTS}],
}


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.json"
    path.write_text(json.dumps(BOOK))
    return path


def ask(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("what_if", *arguments, stdout=out)
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


def test_it_answers_for_a_portable_book_in_a_process_without_a_database(book: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE")}
    command = [sys.executable, "manage.py", "what_if", "--book", str(book), "--set", "taxable_band_absolute=0.03"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["changes"] == {"taxable_band_absolute": {"before": "0.07", "after": "0.03"}}
    assert (told["before"]["due"], told["after"]["due"], told["difference"]["traded"]) == (0, 1, 1)
    assert told["sentence"].startswith("taxable_band_absolute 0.07 → 0.03: 1 account more would trade: 2 trades more, ")


def test_several_settings_are_changed_together(book: Path) -> None:
    told = ask("--book", str(book), "--set", "trigger=CALENDAR", "--set", "whole_shares=false")
    assert told["changes"] == {
        "trigger": {"before": "THRESHOLD", "after": "CALENDAR"},
        "whole_shares": {"before": True, "after": False},
    }
    assert told["sentence"].endswith("whole_shares True → False: nothing would change today.")


def test_it_answers_for_a_firm_and_says_where_each_setting_stands_now(birch: Birch) -> None:
    told = ask("--firm", "birch", "--set", "class_band_absolute=0.04")
    assert told["set_by"] == {"class_band_absolute": "product default"}
    assert told["before"]["accounts"] == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["--set", "bandwidth=4"], "'bandwidth' is no setting", id="an unknown setting"),
        pytest.param(["--set", "class_band_absolute"], "class_band_absolute' is no setting", id="no value"),
        pytest.param(["--set", "class_band_absolute=4"], "triggers.class_band_absolute is 4", id="points"),
        pytest.param(["--set", "calendar_frequency=DATES"], "calendar_on must list", id="dates without any"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_sentence(book: Path, arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        ask("--book", str(book), *arguments)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["--firm", "nobody"], "There is no firm nobody", id="an unknown firm"),
        pytest.param(["--book", "nowhere.json"], "nowhere.json cannot be read", id="a file that is not there"),
        pytest.param(["--book", "manage.py"], "manage.py is not JSON", id="a file that is not JSON"),
    ],
)
def test_a_book_that_cannot_be_had_is_refused_with_a_sentence(db: None, arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        ask(*arguments, "--set", "class_band_absolute=0.04")
