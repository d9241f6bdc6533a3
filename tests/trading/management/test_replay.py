from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.trading.services.test_scans import proposal_of, scan
from tests.worlds import Birch, Cedar


def said(*words: str) -> str:
    out = StringIO()
    call_command("replay", *words, stdout=out)
    return out.getvalue()


def test_a_proposal_that_is_found_again_is_called_identical(birch: Birch, cedar: Cedar) -> None:
    scan(birch)
    name = str(proposal_of(birch).pk)
    assert said(name) == "identical\n"
    assert said(name, "--firm", "birch") == "identical\n"


def test_differences_are_told_one_a_line_and_fail(birch: Birch, cedar: Cedar) -> None:
    scan(birch)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE trading_proposal SET engine_version = 'older-1', trade_count = 7")
    out = StringIO()
    with pytest.raises(CommandError, match="is not what the engine decides") as failed:
        call_command("replay", str(proposal_of(birch).pk), stdout=out)
    assert failed.value.returncode == 1
    assert [line.split(" is ")[0] for line in out.getvalue().splitlines()] == ["engine_version", "sums.trade_count"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(["0"], "There is no proposal 0", id="no such proposal"),
        pytest.param(["{proposal}", "--firm", "cedar"], "in this firm", id="another firm's proposal"),
        pytest.param(["{proposal}", "--firm", "oak"], "There is no firm oak", id="no such firm"),
    ],
)
def test_what_is_not_there_is_said(birch: Birch, cedar: Cedar, words: list[str], sentence: str) -> None:
    scan(birch)
    with pytest.raises(CommandError, match=sentence):
        said(*(word.format(proposal=proposal_of(birch).pk) for word in words))


def test_a_proposal_without_a_book_is_said_to_have_none(birch: Birch) -> None:
    scan(birch)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE trading_proposal SET book = NULL")
    with pytest.raises(CommandError, match="before books were kept"):
        said(str(proposal_of(birch).pk))
