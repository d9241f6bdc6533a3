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
COMPILING = "Compiling the engine once for this machine: this is not part of the figures.\n"
COVARIANCE = {"covariance": [[0.04, 0.01], [0.01, 0.09]]}
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
    assert (done.returncode, done.stderr) in {(0, ""), (0, COMPILING)}
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


def solved(tmp_path, book, *options):
    """What the command writes."""
    source, out = tmp_path / "book.json", tmp_path / "trades.json"
    source.write_text(json.dumps(book))
    call_command("solve", str(source), "--out", str(out), *options)
    return json.loads(out.read_text())


def test_every_account_has_its_proof_and_figures(tmp_path):
    written = solved(tmp_path, BOOK)
    account = written["accounts"]["A1"]
    assert 0 < account["bound"] <= account["objective"]
    assert account["gap_bps"] == pytest.approx((account["objective"] - account["bound"]) / 91_950.5 * 1e4, abs=1e-4)
    assert (written["slider"], written["distance"], written["exact"]) == (1.0, "WEIGHTS", False)
    assert 0 < written["acc_per_s_with_map"] < written["acc_per_s"]
    assert account["proven"] is bool(written["proven"])


@pytest.mark.parametrize(
    ("options", "slider", "distance"),
    [
        pytest.param(["--scenario", "min_tax"], 0.0, "WEIGHTS", id="least tax"),
        pytest.param(["--scenario", "balanced"], 0.5, "WEIGHTS", id="balanced"),
        pytest.param(["--slider", "0.25"], 0.25, "WEIGHTS", id="a place of the slider"),
        pytest.param(["--exact"], 1.0, "WEIGHTS", id="exact"),
        pytest.param(["--distance", "risk"], 1.0, "RISK", id="risk"),
    ],
)
def test_options_say_what_is_decided(tmp_path, options, slider, distance):
    written = solved(tmp_path, BOOK | COVARIANCE, *options)
    assert (written["slider"], written["distance"], written["errors"]) == (slider, distance, 0)
    assert written["exact"] is ("--exact" in options)


def test_least_tax_pays_less_and_leaves_more_drift_than_closest(tmp_path):
    least, closest = (solved(tmp_path, BOOK, "--scenario", name)["accounts"]["A1"] for name in ("min_tax", "closest"))
    assert least["tax"] < closest["tax"]
    assert least["drift_after"] > closest["drift_after"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        pytest.param(["--slider", "1.5"], "must be a number from 0 (least tax) to 1", id="beyond the slider"),
        pytest.param(["--slider", "nan"], "must be a number from 0 (least tax) to 1", id="not a number"),
        pytest.param(["--scenario", "cheap"], "invalid choice: 'cheap'", id="scenario"),
        pytest.param(["--distance", "far"], "invalid choice: 'far'", id="distance"),
        pytest.param(["--scenario", "closest", "--slider", "1"], "not allowed with argument", id="both"),
        pytest.param(["--distance", "risk"], "Distance cannot be measured as risk", id="risk without a covariance"),
    ],
)
def test_options_that_cannot_be_are_refused_in_a_sentence(tmp_path, options, sentence):
    book, out = tmp_path / "book.json", tmp_path / "trades.json"
    book.write_text(json.dumps(BOOK))
    with pytest.raises(CommandError) as refused:
        call_command("solve", str(book), "--out", str(out), *options)
    assert sentence in str(refused.value)
    assert not out.exists()
