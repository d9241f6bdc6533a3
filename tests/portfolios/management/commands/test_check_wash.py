"""The command `check_wash`: a line for each case, and exit 1 on any difference."""

from __future__ import annotations

import os
import shutil
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

SHEETS = Path(__file__).parents[3] / "engine" / "cases" / "wash_sheets"
PUBLISHED = Path(os.environ.get("REBALANCER_REFERENCE_DIR", ".")) / "data" / "wash_sales"


def checked(directory) -> list[str]:
    out = StringIO()
    call_command("check_wash", directory, stdout=out)
    return out.getvalue().splitlines()


def test_a_directory_of_right_cases_is_reported():
    names = ("one_order", "three_buys", "rebuy")
    assert checked(SHEETS) == [*(f"{name}: as published" for name in names), "3 cases as published"]


@pytest.mark.parametrize(
    ("file", "text", "other", "sentence"),
    [
        ("three_buys_out.csv", "310.0", "311.0", "three_buys: Missing: 10 ABC of 2026-02-18 at 311.00, a replacement."),
        ("three_buys.csv", "1,200.00", "1,100.00", "three_buys: Missing: 10 ABC of 2026-02-18 at 310.00, a"),
        ("three_buys.csv", "3/20/2026", "20/3/2026", "three_buys: It cannot be run: Row 3 of the sheet cannot be read"),
        ("rebuy_out.json", "-1200", "-1300", "rebuy: Missing: sale of 2026-02-02"),
        ("rebuy.csv", "sale, 5", "gift, 5", "rebuy: It cannot be run: Line 3 is neither"),
        ("rebuy.csv", "sale, 5", "sale, 50", "rebuy: It cannot be run: Lot 2025-01-06.1 holds 20"),
    ],
)
def test_a_difference_is_a_sentence_and_an_error(tmp_path, file, text, other, sentence):
    directory = Path(shutil.copytree(SHEETS, tmp_path / "sheets"))
    changed = (directory / file).read_text().replace(text, other)
    (directory / file).write_text(changed)
    out = StringIO()
    with pytest.raises(CommandError, match="1 of 3 cases differ") as failed:
        call_command("check_wash", directory, stdout=out)
    assert failed.value.returncode == 1
    assert any(line.startswith(sentence) for line in out.getvalue().splitlines())


def test_a_directory_without_cases_is_an_error(tmp_path):
    with pytest.raises(CommandError, match="no wash sale cases"):
        call_command("check_wash", tmp_path)


@pytest.mark.skipif(
    not PUBLISHED.is_dir(), reason="REBALANCER_REFERENCE_DIR does not name a directory with data/wash_sales"
)
def test_the_published_cases_are_reproduced():
    assert checked(PUBLISHED)[-1] == "11 cases as published"
