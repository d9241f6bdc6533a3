from __future__ import annotations

import pytest

from portfolios.feeds import text
from portfolios.feeds.records import Code, Refused
from portfolios.feeds.text import Row, read_rows


def test_rows_carry_the_line_they_begin_on_and_blank_lines_are_left_out():
    assert read_rows(b'a, b\n\n"two\nlines",c\n,,\nd\n', "x.csv") == [
        Row(1, ("a", "b")),
        Row(3, ("two\nlines", "c")),
        Row(6, ("d",)),
    ]


def test_a_stray_quote_in_a_footer_is_forgiven():
    assert read_rows(b'a,b\n"He said "no" twice"\n', "x.csv")[1].number == 2


@pytest.mark.parametrize(
    ("name", "limit", "content", "words"),
    [
        ("MAX_BYTES", 10, b"a,b,c,d,e,f,g", "x.csv has 13 bytes and 10 is the limit; send it in parts by account."),
        ("MAX_ROWS", 2, b"a\nb\nc\n", "x.csv has more than 2 rows; send it in parts by account."),
    ],
)
def test_a_file_beyond_the_limits_is_refused(monkeypatch, name, limit, content, words):
    monkeypatch.setattr(text, name, limit)
    with pytest.raises(Refused) as refused:
        read_rows(content, "x.csv")
    assert (refused.value.code, str(refused.value)) == (Code.TOO_LARGE, words)


def test_a_cell_of_a_megabyte_is_refused_with_a_sentence():
    with pytest.raises(Refused, match="not readable as CSV"):
        read_rows(b"a," + b"x" * 1_000_000, "x.csv")


def test_text_in_no_known_encoding_is_refused():
    with pytest.raises(Refused, match="neither UTF-8 nor Windows-1252"):
        read_rows(b"a,\x81\x8d", "x.csv")
