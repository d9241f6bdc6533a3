"""The command `check_cases`: a report, and exit 1 on any failure."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command


def make_file(tmp_path, *quantities):
    inputs = {"qty": 1, "basis": 10, "ratio": "2:1"}
    cases = [
        {"id": f"S-{at}", "topic": "split", "inputs": inputs, "expected": {"qty": quantity}}
        for at, quantity in enumerate(quantities)
    ]
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(cases))
    return path


def test_a_file_of_right_cases_is_reported(tmp_path):
    out = StringIO()
    call_command("check_cases", make_file(tmp_path, 2, 2), stdout=out)
    assert out.getvalue() == "split\n  passed 2: S-0, S-1\n2 cases: 2 passed, 0 failed, 0 not covered\n"


@pytest.mark.parametrize(
    ("quantities", "sentence"), [((2, 3), "1 case failed."), ((3, 4), "2 cases failed.")], ids=["one", "two"]
)
def test_failures_are_reported_before_the_error(tmp_path, quantities, sentence):
    out = StringIO()
    with pytest.raises(CommandError) as failed:
        call_command("check_cases", make_file(tmp_path, *quantities), stdout=out)
    assert (str(failed.value), failed.value.returncode) == (sentence, 1)
    assert "S-1: qty is 2, expected" in out.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(b"{}", "This is not a file of cases: it must be a JSON list of cases.", id="no list"),
        pytest.param(b"\xff\xfe", "cannot be read", id="no text"),
        pytest.param(None, "cannot be read", id="no file"),
    ],
)
def test_a_file_without_cases_is_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "cases.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=sentence):
        call_command("check_cases", path)


RETURNS = "month,one,two\n200101,0.1,0\n200102,0.1,0\n"


def make_table_file(tmp_path):
    inputs = {"period": "2001-01..2001-02", "target": 0.5, "data": "../data/returns.csv"}
    expected = {"columns": ["freq", "threshold", "repl_events"], "rows": [["M", 0, 2]]}
    (tmp_path / "cases").mkdir()
    path = tmp_path / "cases" / "cases.json"
    path.write_text(json.dumps([{"id": "T-1", "topic": "published_table", "inputs": inputs, "expected": expected}]))
    return path


def last_line(*args, **options):
    out = StringIO()
    call_command("check_cases", *args, stdout=out, **options)
    return out.getvalue().splitlines()[-1]


def test_data_is_found_by_its_path_from_the_file_of_cases(tmp_path):
    path = make_table_file(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "returns.csv").write_text(RETURNS)
    assert last_line(path) == "1 case: 1 passed, 0 failed, 0 not covered"


def test_data_that_is_not_beside_the_cases_can_be_named(tmp_path):
    path = make_table_file(tmp_path)
    (tmp_path / "elsewhere.csv").write_text(RETURNS)
    assert last_line(path) == "1 case: 0 passed, 0 failed, 1 not covered"
    assert last_line(path, returns=tmp_path / "elsewhere.csv") == "1 case: 1 passed, 0 failed, 0 not covered"


def test_named_data_that_cannot_be_read_is_one_sentence(tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("check_cases", make_table_file(tmp_path), returns=tmp_path / "nowhere.csv")
