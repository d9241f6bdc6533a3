"""The operator's files of tick sizes and of mutual funds' terms."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal

import pytest

from portfolios.feeds.market_rules import BadMarketRules, FundRow, TickRow, read_fund_terms, read_tick_sizes

TICKS = "symbol,starts_on,ends_on,increment\n"
FUNDS = "symbol,custodian,cut_off_at,settle_days\n"


def test_a_file_of_tick_sizes_is_read_with_its_lines() -> None:
    text = TICKS + "vti,2026-11-02,2027-05-03,0.005\n\nVTI,2027-05-03,,0.01\n"
    assert read_tick_sizes(text) == [
        TickRow(2, "VTI", date(2026, 11, 2), date(2027, 5, 3), Decimal("0.005")),
        TickRow(4, "VTI", date(2027, 5, 3), None, Decimal("0.01")),
    ]


def test_a_file_of_funds_is_read_with_its_lines() -> None:
    assert read_fund_terms(FUNDS + "VTSAX,schwab,15:45,1\nVTSAX,,16:00,2\n") == [
        FundRow(2, "VTSAX", "SCHWAB", time(15, 45), 1),
        FundRow(3, "VTSAX", "", time(16, 0), 2),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("", "Line 1: the header is missing; write symbol,starts_on,ends_on,increment.", id="nothing"),
        pytest.param("symbol,tick\n", "Line 1: the header is symbol,tick; write symbol,starts_on,ends_on,increment.",
                     id="another file"),
        pytest.param(TICKS + "VTI,2026-11-02\n",
                     "Line 2: it has 2 cells; write 4: symbol,starts_on,ends_on,increment.", id="cells missing"),
        pytest.param(TICKS + ",2026-11-02,,0.005\n", "Line 2: it names no symbol; write one.", id="no symbol"),
        pytest.param(TICKS + "VTI,2 Nov,,0.005\n", "Line 2: starts_on is 2 Nov; write a day such as 2026-11-02.",
                     id="no day"),
        pytest.param(TICKS + "VTI,2026-11-02,2026-11-02,0.005\n",
                     "Line 2: ends_on 2026-11-02 is not after starts_on 2026-11-02; "
                     "write the first day after the period.", id="an empty period"),
        pytest.param(TICKS + "VTI,2026-11-02,,0.001\n", "Line 2: increment is 0.001; write 0.01 or 0.005.",
                     id="a step that the rule does not know"),
        pytest.param(TICKS + "VTI,2026-11-02,,NaN\n", "Line 2: increment is NaN; write 0.01 or 0.005.", id="no step"),
        pytest.param(TICKS + "VTI,2026-11-02,,0.005\nVTI,2027-05-03,,0.01\n",
                     "Line 3: its period for VTI begins on 2027-05-03, within that of line 2. "
                     "End the earlier one on that day.", id="periods that overlap"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_of_tick_sizes_is_said_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(BadMarketRules) as refused:
        read_tick_sizes(text)
    assert refused.value.sentences == (sentence,)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        pytest.param("VTSAX,,17:00,1", "Line 2: cut_off_at is 17:00; write New York time up to 16:00.", id="too late"),
        pytest.param("VTSAX,,noon,1", "Line 2: cut_off_at is noon; write New York time such as 15:45.", id="no time"),
        pytest.param("VTSAX,,15:00,9", "Line 2: settle_days is 9; write days from 0 to 5.", id="too many days"),
        pytest.param("VTSAX,,15:00,1\nVTSAX,,16:00,1",
                     "Line 3: VTSAX has its terms in line 2 already. Keep one of them.", id="twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_of_funds_is_said_with_its_line(line: str, sentence: str) -> None:
    with pytest.raises(BadMarketRules) as refused:
        read_fund_terms(FUNDS + line)
    assert refused.value.sentences == (sentence,)
