"""What is substantially identical: a table that begins with defaults and follows the firm's rulings."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.engine.wash_sales.default_table import DEFAULT_TABLE, REVIEWED_ON
from rebalancer.engine.wash_sales.equivalents import Likeness, Listing, Ruling, Verdict

TODAY = REVIEWED_ON


@pytest.mark.parametrize(
    ("one", "other", "verdict", "likeness"),
    [
        ("VTI", "VTI", Verdict.BLOCK, Likeness.SAME_SECURITY),
        ("VTSAX", "VTI", Verdict.BLOCK, Likeness.SHARE_CLASS),
        ("SPY", "VOO", Verdict.BLOCK, Likeness.SAME_INDEX),
        ("QQQ", "QQQM", Verdict.BLOCK, Likeness.SAME_INDEX),
        ("VTI", "ITOT", Verdict.ALLOW, Likeness.OTHER_INDEX),
        ("BND", "AGG", Verdict.ALLOW, Likeness.OTHER_INDEX),
        ("BRK.A", "BRK.B", Verdict.REVIEW, Likeness.SAME_COMPANY),
        ("GOOG", "BRK.B", Verdict.ALLOW, Likeness.OTHER_COMPANY),
        ("GOOG", "SPY", Verdict.ALLOW, Likeness.OTHER_COMPANY),
        ("SPY", "NEVER", Verdict.REVIEW, Likeness.UNKNOWN),
    ],
)
def test_the_default_table_judges_pairs(one, other, verdict, likeness):
    for finding in (DEFAULT_TABLE.compare(one, other, TODAY), DEFAULT_TABLE.compare(other, one, TODAY)):
        assert (finding.verdict, finding.likeness) == (verdict, likeness)
        assert finding.rationale.endswith(".")


def test_every_symbol_stands_in_the_default_table_once_on_any_day():
    assert max(Counter((row.symbol, row.since) for row in DEFAULT_TABLE.listings).values()) == 1


def test_a_fund_is_what_it_was_on_the_day():
    before, after = (DEFAULT_TABLE.listing("VTI", date(2013, 6, day)) for day in (2, 3))
    assert before is not None
    assert after is not None
    assert (before.index, after.index) == ("MSCI US Broad Market", "CRSP US Total Market")


def test_a_firm_adds_what_the_table_does_not_know():
    edited = DEFAULT_TABLE.with_listing(Listing("NEW", portfolio="NEW", index="S&P 500", since=date(2026, 11, 1)))
    assert edited.compare("NEW", "SPY", TODAY).verdict is Verdict.BLOCK
    assert edited.compare("NEW", "SPY", date(2026, 10, 31)).verdict is Verdict.REVIEW


def test_a_ruling_counts_from_its_day_on():
    ruling = Ruling(frozenset({"VTI", "ITOT"}), Verdict.BLOCK, date(2026, 11, 2), "A. Reviewer", "They move as one.")
    edited = DEFAULT_TABLE.with_ruling(ruling)
    assert edited.compare("ITOT", "VTI", date(2026, 11, 1)).verdict is Verdict.ALLOW
    after = edited.compare("ITOT", "VTI", TODAY)
    assert (after.verdict, after.likeness, after.rationale) == (
        Verdict.BLOCK,
        Likeness.FIRM_RULING,
        "They move as one.",
    )


@pytest.mark.parametrize(
    ("symbols", "reviewer", "why"), [({"A"}, "R", "x"), ({"A", "B"}, "", "x"), ({"A", "B"}, "R", "")]
)
def test_a_ruling_is_signed_and_has_a_reason(symbols, reviewer, why):
    with pytest.raises(ValueError, match="reviewer and a rationale"):
        Ruling(frozenset(symbols), Verdict.ALLOW, TODAY, reviewer, why)


def test_groups_join_what_is_blocked():
    groups = DEFAULT_TABLE.groups(["VOO", "SPY", "VTI", "VTSAX", "ITOT", "NEVER"], TODAY)
    assert groups == {"SPY": "SPY", "VOO": "SPY", "VTI": "VTI", "VTSAX": "VTI", "ITOT": "ITOT", "NEVER": "NEVER"}


def test_a_ruling_may_part_what_the_default_joins():
    ruling = Ruling(frozenset({"SPY", "VOO"}), Verdict.ALLOW, TODAY, "A. Reviewer", "Counsel's opinion.")
    assert DEFAULT_TABLE.with_ruling(ruling).groups(["VOO", "SPY"], TODAY) == {"SPY": "SPY", "VOO": "VOO"}


SYMBOLS = sorted({row.symbol for row in DEFAULT_TABLE.listings})


@given(st.sets(st.sampled_from(SYMBOLS), max_size=12))
def test_blocked_pairs_are_in_one_group_and_allowed_pairs_without_rulings_are_not(symbols):
    groups = DEFAULT_TABLE.groups(symbols, TODAY)
    for one, other in combinations(sorted(symbols), 2):
        blocked = DEFAULT_TABLE.compare(one, other, TODAY).verdict is Verdict.BLOCK
        assert (groups[one] == groups[other]) == blocked
