"""Running cases: the rule answers from the inputs alone, and a bad case is a sentence, never a traceback."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from rebalancer.engine.cases.prose import is_prose
from rebalancer.engine.cases.reading import BadFile, Case, read_cases
from rebalancer.engine.cases.running import Outcome, Result, report, run


def read(topic, inputs, expected, case_id="C-1") -> Case:
    (case,) = read_cases(json.dumps([{"id": case_id, "topic": topic, "inputs": inputs, "expected": expected}]))
    return case


def lot(lot_id, acquired, cost, qty=100) -> dict[str, object]:
    return {"id": lot_id, "acquired": acquired, "qty": qty, "cost_per_share": cost}


LOTS = [lot("A", "2019-03-15", 20.0), lot("B", "2026-06-10", 48.0), lot("C", "2024-06-10", 49.5)]
SALE = {"lots": LOTS, "sell_qty": 150, "price": 50.0, "sale_date": "2026-11-20", "rates": {"ST": 0.408, "LT": 0.238}}

RIGHT = [
    ("holding_period", {"acquired": "2024-02-29", "sold": "2025-02-28"}, {"term": "ST"}),
    ("lot_selection", SALE | {"method": "LIFO"}, {"picks": [{"lot": "B", "qty": 100}, {"lot": "C", "qty": 50}]}),
    ("lot_selection", SALE | {"method": "MINTAX_VANGUARD"}, {"picks": [{"lot": "C"}, {"lot": "A", "gain": 1500.0}]}),
    ("lot_selection", SALE | {"method": "TAX_OPT"}, {"first_pick": "C", "tax_at_rates": 52.7, "st_gain": 100}),
    ("lot_selection", SALE | {"method": "SPECIFIC", "specific": {"B": 150 - 50, "C": 50}}, {"lt_gain": 25.0}),
    (
        "lot_selection",
        SALE | {"lot_instruction": [{"lot": "B", "qty": 100}, {"lot": "A", "qty": 50}]},
        {"st_gain": 200},
    ),
    ("lot_selection", {"lots": LOTS, "sell_qty": 10, "lot_instruction": None}, {"picks": [{"lot": "A", "qty": 10}]}),
    (
        "lot_selection",
        {
            "lots": [{"id": "G", "gain": 5, "term": "ST"}, {"id": "L", "gain": -1, "term": "LT"}],
            "method": "MINTAX_VANGUARD",
        },
        {"first_pick": "L"},
    ),
    ("lot_identification_deadline", {"trade_date": "2026-10-09"}, {"last_day_to_identify_lot": "2026-10-13"}),
    ("settlement", {"trade_date": "2024-05-24", "asset": "US equity/ETF"}, {"settle_date": "2024-05-29"}),
    ("calendar", {"years": [2028]}, {"early_close_1300ET": ["2028-07-03", "2028-11-24"]}),
    ("market_hours", {"date": "2026-07-01"}, {"open_utc": "2026-07-01T13:30:00Z"}),
    ("market_hours", {"date": "2026-07-04"}, {"open_utc": None, "is_session": False}),
    (
        "drift_trigger",
        {"target": 0.6, "band": 0.05, "kind": "abs", "weight": 0.65},
        {"lower": 0.55, "upper": 0.65, "triggered": False},
    ),
    ("split", {"qty": 100, "basis": 2000, "ratio": "3:2"}, {"qty": 150, "per_share": 13.3333, "basis": 2000}),
    ("reverse_split", {"qty": 30, "basis": 90, "ratio": "1:3"}, {"qty": 10, "acquired": "unchanged"}),
    ("cash_in_lieu", {"qty": 100, "basis": 1510, "ratio": "1:3", "cash": 25}, {"gain": 9.9, "fraction": 0.333333}),
    ("fair_allocation", {"orders": [100, 100, 100], "filled": 100}, {"allocation": [34, 33, 33]}),
    ("fair_allocation", {"orders": {"x": 1, "y": 3}, "filled": 2}, {"allocation": {"x": 0, "y": 2}}),
    ("limit_price_tick", {"limit": 0.50005, "half_penny_assigned": False}, {"valid": False}),
    (
        "regulatory_fees",
        {"trade_date": "2025-06-02", "side": "sell", "qty": 1000, "price": 50.0},
        {"sec_fee_rounded_up": 0.0, "taf_raw": 0.166, "taf_rounded_up": 0.17},
    ),
    (
        "cash_flow",
        {"values": {"A": 60, "B": 40}, "targets": {"A": 0.5, "B": 0.5}, "contribution": 10},
        {"buys": {"B": 10, "A": 0}, "weights_after": {"A": 0.545455, "B": 0.454545}},
    ),
]

SITUATIONS = [
    (
        "EDGE-STALE_PRICE-2",
        {"price_time": "2026-11-25T21:00:00Z", "now": "2026-11-27T15:00:00Z"},
        {"action": "PROCEED"},
    ),
    ("EDGE-SPLIT_PRICE_JUMP", {"prev_close": 90.0, "price": 60.0, "qty": 3}, {"reason": "PRICE_JUMP_REVIEW"}),
    ("EDGE-SHORT_POSITION", {"qty": -0.5}, {"action": "BLOCK_ACCOUNT", "reason": "SHORT_POSITION"}),
    ("EDGE-ACATS_X", {"qty": 5, "lots": None}, {"action": "NO_SELL", "counts_in_drift": True}),
    ("EDGE-BUST", {"exec": "E1", "qty": 7, "bust": True, "side": "sell"}, {"position_change": 7}),
    ("EDGE-BUST", {"exec": "E1", "qty": 7, "bust": True}, {"rows": "append reversal, keep original"}),
    ("EDGE-CORRECT", {"qty": 10, "old": 5.0, "new": 4.9, "side": "sell"}, {"cash_delta": -1.0}),
    ("EDGE-DUPLICATE_EXEC", {"exec_ids": ["1", "2", "1"], "qty": 5}, {"position_change": 10}),
    (
        "EDGE-OUT_OF_ORDER",
        {"order_qty": 90, "arrival_sequence": ["EXPIRED(cum=50)", "X FILL 60 @ 2", "Y CORRECT X 50 @ 2", "NEW"]},
        {"final_cum": 50, "final_state": "EXPIRED", "cancelled_qty": 40},
    ),
    ("EDGE-DST_X", {"local": "2026-11-01T01:30"}, {"exists": True, "run_at_utc": "2026-11-01T05:30:00Z"}),
    ("EDGE-DIVIDEND_CASH", {"cash_at_proposal": 9, "dividend": 1, "buys": 8}, {"action": "re-validate; never upsize"}),
    ("EDGE-HH_CONFLICT", {"A": "BUY X", "B": "SELL_LOSS X"}, {"resolution": "household lock on symbol group"}),
    ("EDGE-MIN_BALANCE", {"cash": 100, "reserve": 30, "fee_due": 5}, {"investable": 65}),
    ("EDGE-NEGATIVE_CASH", {"cash": -1.0, "reserve": 2.0}, {"min_raise": 3.0, "priority": "before any buy"}),
    ("EDGE-WITHDRAWAL_GT_CASH", {"cash": 10, "withdrawal": 25}, {"raise_usd": 15}),
    ("EDGE-YEAR_BOUNDARY", {"trade": "2025-12-31"}, {"tax_year": 2025, "reason": "trade date governs"}),
    ("EDGE-FRACTION_DUST", {"qty": 0.0002}, {"action": "sweep in full liquidation only"}),
    ("EDGE-MODEL_CHANGE", {"open_orders": []}, {"action": "REPROPOSE"}),
    ("EDGE-OVERFILL", {"order_qty": 10, "filled": 12}, {"excess": 2}),
    ("EDGE-UNPRICED", {"price": None, "qty": 3}, {"account_flag": "VALUE_INCOMPLETE"}),
    ("X-1", {"cash": -5, "reserve": 5, "situation": "known by its inputs"}, {"action": "RAISE_CASH", "min_raise": 10}),
    ("X-2", {"qty": -1}, {"reason": "SHORT_POSITION"}),
]
ALL = [read(*row) for row in RIGHT] + [read("edge_case", given, wanted, name) for name, given, wanted in SITUATIONS]


@pytest.mark.parametrize("case", ALL, ids=lambda case: f"{case.topic} {case.case_id}")
def test_a_right_case_passes(case):
    assert run(case) == Result(case, Outcome.PASSED)


def wrong(value):
    if isinstance(value, dict):
        return {key: wrong(part) for key, part in value.items()}
    if isinstance(value, list):
        return [wrong(part) for part in value]
    if isinstance(value, bool) or value is None:
        return 17 if value is None else not value
    return value + Decimal("0.01") if isinstance(value, int | Decimal) else f"{value}X"


def has_prose(expected) -> bool:
    return any(is_prose(value) for value in expected.values())


MACHINE_READABLE = [case for case in ALL if not has_prose(case.expected)]


@pytest.mark.parametrize("case", MACHINE_READABLE, ids=lambda case: f"{case.topic} {case.case_id}")
def test_a_wrong_expectation_fails_whatever_it_expects(case):
    assert run(Case(case.case_id, case.topic, case.inputs, wrong(case.expected))).outcome is Outcome.FAILED


ODD: list[object] = [
    None,
    "",
    "odd",
    -1,
    0,
    Decimal("1E+9"),
    Decimal("1E-30"),
    10**40,
    True,
    [],
    [None],
    {},
    {"a": None},
    [[]],
]


@pytest.mark.parametrize("case", ALL, ids=lambda case: f"{case.topic} {case.case_id}")
def test_malformed_inputs_give_sentences_and_no_traceback(case):
    assert isinstance(case.inputs, dict)
    for name in case.inputs:
        without = {key: value for key, value in case.inputs.items() if key != name}
        for inputs in (without, *(without | {name: odd} for odd in ODD)):
            result = run(Case(case.case_id, case.topic, inputs, case.expected))
            assert result.outcome is Outcome.PASSED or all(result.sentences)


@pytest.mark.parametrize(
    ("topic", "inputs", "expected", "sentence"),
    [
        pytest.param("split", {"qty": 1}, {"qty": 2}, "The input 'basis' is missing.", id="an input is missing"),
        pytest.param(
            "settlement",
            {"trade_date": "soon"},
            {"settle_date": "2026-01-01"},
            "The input 'trade_date' should be a date, not 'soon'.",
            id="an input is of another kind",
        ),
        pytest.param(
            "settlement",
            {"trade_date": "2026-11-26"},
            {"settle_date": "2026-11-27"},
            "The engine refuses these inputs: The exchange is closed on 2026-11-26, so nothing traded then.",
            id="inputs that cannot be",
        ),
        pytest.param(
            "split",
            None,
            {"qty": 2},
            "The case needs inputs and expected values, both with named fields.",
            id="no inputs",
        ),
        pytest.param(
            "split",
            {"qty": 1, "basis": 1, "ratio": "2:1"},
            {"qty": 3, "colour": "red"},
            "qty is 2, expected 3",
            id="a wrong number",
        ),
    ],
)
def test_a_failure_says_why(topic, inputs, expected, sentence):
    result = run(read(topic, inputs, expected))
    assert (result.outcome, result.sentences[0]) == (Outcome.FAILED, sentence)


@pytest.mark.parametrize(
    ("topic", "inputs", "expected"),
    [
        pytest.param("horoscope", {"sign": 1}, {"luck": 2}, id="an unknown topic"),
        pytest.param("lot_selection", SALE | {"method": "AVERAGE"}, {"gain": 1}, id="an unknown method"),
        pytest.param("edge_case", {"moon": "full"}, {"action": "HOLD"}, id="an unknown situation"),
        pytest.param("drift_trigger", {"kind": "round"}, {"lower": 0}, id="an unknown band"),
        pytest.param("settlement", {"asset": "coffee", "trade_date": "2026-11-20"}, {"settle_date": 1}, id="coffee"),
        pytest.param("edge_case", {"cash": 1}, {"case": "elsewhere"}, id="nothing to compare"),
    ],
)
def test_what_has_no_rule_is_not_covered(topic, inputs, expected):
    assert run(read(topic, inputs, expected)).outcome is Outcome.NOT_COVERED


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '[{"id": 1, "topic": "x"}]', '[{"id": "x"}]', "[NaN]", "[" * 100_000]
)
def test_a_file_that_is_no_list_of_cases_is_one_sentence(text):
    with pytest.raises(BadFile, match=r"^This is not a file of cases: "):
        read_cases(text)


def test_numbers_are_never_floats():
    (case,) = read_cases('[{"id": "a", "topic": "t", "inputs": {"x": 0.1}}]')
    assert case.inputs == {"x": Decimal("0.1")}


def test_the_report_groups_by_topic_and_ends_with_totals():
    cases = [
        read("split", {"qty": 1, "basis": 1, "ratio": "2:1"}, {"qty": 2}, "S-1"),
        read("split", {"qty": 1, "basis": 1, "ratio": "2:1"}, {"qty": 3}, "S-2"),
        read("horoscope", {}, {"luck": 2}, "H-1"),
        read("edge_case", {"cash": 1}, {"case": "elsewhere", "buys_only": True}, "EDGE-NEW_ACCOUNT"),
    ]
    results = [run(case) for case in cases]
    assert list(report(results)) == [
        "edge_case",
        "  passed 1: EDGE-NEW_ACCOUNT",
        "horoscope",
        "  not covered 1: H-1",
        "split",
        "  passed 1: S-1",
        "  failed 1: S-2",
        "    S-2: qty is 2, expected 3",
        "4 cases: 2 passed, 1 failed, 1 not covered",
    ]
    assert "    EDGE-NEW_ACCOUNT: not compared: case" in report(results, verbose=True)
