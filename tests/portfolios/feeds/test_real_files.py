"""Real downloads, some scrambled by hand: each is taken, flagged or refused for the right reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from portfolios.feeds.parse import parse
from portfolios.feeds.records import Code, Refused

REFERENCE = os.environ.get("REBALANCER_REFERENCE_DIR")
FILES = Path(REFERENCE or "/nowhere") / "data" / "custodian_files"

pytestmark = pytest.mark.skipif(
    not FILES.is_dir(), reason="REBALANCER_REFERENCE_DIR does not name a directory with data/custodian_files"
)

NOT_FOOTING = Code.DOES_NOT_FOOT


@pytest.mark.parametrize(
    ("layout", "name", "positions", "problems"),
    [
        (
            "schwab_positions",
            "bankroll/schwab_positions.CSV",
            ["193845XM2"],
            [(1, Code.TOTAL_DOES_NOT_FOOT), (4, NOT_FOOTING), (5, NOT_FOOTING), (6, Code.UNSUPPORTED_KIND)],
        ),
        (
            "fidelity_positions",
            "bankroll/fidelity_positions.csv",
            ["ROBO", "AAPL", "V", "942792RU5"],
            [(7, Code.TOTAL_DOES_NOT_FOOT), (15, Code.UNSUPPORTED_KIND), (19, NOT_FOOTING), (20, NOT_FOOTING)],
        ),
        (
            "schwab_positions",
            "finporter/ChuckPositionsIndivTests_2_goodBody.csv",
            ["SCHB"],
            [(1, Code.TOTAL_DOES_NOT_FOOT)],
        ),
        *(
            (
                "fidelity_positions",
                f"finporter/FidoPositionsTests_{name}.csv",
                [],
                [(2, NOT_FOOTING), (2, Code.NO_TRAILER), (3, NOT_FOOTING), (3, Code.NO_TRAILER)],
            )
            for name in ("1_testParseWithLFToFirstBlankLine", "2_testParseWithLFToFirstBlankLine", "inline_1")
        ),
    ],
)
def test_what_foots_is_taken_and_what_does_not_is_named(layout, name, positions, problems):
    parsed = parse(layout, (FILES / name).read_bytes(), file_name=name)
    assert [held.symbol for held in parsed.positions] == positions
    assert [(problem.row_number, problem.code) for problem in parsed.problems] == problems


@pytest.mark.parametrize(
    ("layout", "name", "code", "words"),
    [
        ("schwab_positions", "bankroll/schwab_transactions.CSV", Code.WRONG_LAYOUT, "a Schwab transaction history"),
        (
            "fidelity_positions",
            "bankroll/fidelity_transactions.csv",
            Code.WRONG_LAYOUT,
            "a Fidelity transaction history",
        ),
        (
            "fidelity_positions",
            "bankroll/vanguard_positions_and_transactions.csv",
            Code.WRONG_LAYOUT,
            "a Vanguard download",
        ),
        ("schwab_positions", "bankroll/fidelity_positions.csv", Code.WRONG_LAYOUT, "a Fidelity statement of positions"),
        ("fidelity_positions", "bankroll/schwab_positions.CSV", Code.WRONG_LAYOUT, "a Schwab positions file"),
        ("schwab_positions", "finporter/ChuckPositionsIndivTests_1_goodHeader1.csv", Code.NO_RECORDS, "no positions"),
        ("schwab_positions", "finporter/ChuckPositionsIndivTests_3_str.csv", Code.TRUNCATED, "cut short"),
        (
            "schwab_positions",
            "finporter/ChuckSalesTests_3_str.csv",
            Code.WRONG_LAYOUT,
            "a Schwab list of realised gains",
        ),
        ("fidelity_positions", "finporter/FidoPositionsTests_3_str.csv", Code.WRONG_LAYOUT, "no header row"),
        (
            "fidelity_positions",
            "finporter/FidoSalesTests_1_str.csv",
            Code.WRONG_LAYOUT,
            "a Fidelity list of realised gains",
        ),
        ("ibkr_flex", "bankroll/ibkr_activity.xml", Code.MISSING_SECTION, "Open Positions"),
        ("ibkr_flex", "bankroll/ibkr_trades.xml", Code.WRONG_LAYOUT, "Trade Confirmation"),
        ("ibkr_flex", "ibflex/flex_elements.xml", Code.WRONG_LAYOUT, "outermost element is FlexElements"),
        ("plain_lots", "wealthbot/transactions.csv", Code.WRONG_LAYOUT, "no header row"),
    ],
)
def test_a_file_of_another_kind_is_refused_by_its_name(layout, name, code, words):
    with pytest.raises(Refused) as refused:
        parse(layout, (FILES / name).read_bytes(), file_name=name)
    assert (refused.value.code, words in str(refused.value)) == (code, True), str(refused.value)
