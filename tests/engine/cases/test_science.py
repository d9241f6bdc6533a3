"""Topics about rebalancing rules, two assets and paying for purchases: other figures in the same forms."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal

import pytest

from rebalancer.engine.cases.reading import Case, data_named, read_cases, with_data
from rebalancer.engine.cases.running import Outcome, Result, run

SLEEVE = {"gamma": 3, "sigma_rel": 0.12, "target": 0.4, "one_way_cost": 0.002}
PAIR = {
    "value": 50000,
    "w": 0.45,
    "target": 0.6,
    "sigma_e": 0.2,
    "sigma_b": 0.1,
    "rho": 0.0,
    "lambda": 2,
    "H": 2.0,
    "one_way_cost_both_legs": 0.002,
}
FREE_RIDE = "90-day freeze: purchases need settled cash on trade date"

RIGHT = [
    (
        "policy_cost",
        SLEEVE | {"threshold": 0.04, "destination": 0.02, "fixed": 0.0001},
        {"total_cost_bp_per_year": 1.0397, "turnover_per_year": 0.013824, "events_per_year": 0.6912},
    ),
    (
        "policy_cost",
        SLEEVE | {"calendar_years": 0.5},
        {"turnover_per_year": 0.032497, "total_cost_bp_per_year": 0.6947},
    ),
    ("policy_cost", SLEEVE | {"threshold": 0.04, "destination": 0.04}, {"events_per_year": None}),
    ("optimal_no_trade_band", SLEEVE, {"half_width": 0.038620, "independent_of_sigma": True}),
    (
        "optimal_no_trade_band",
        {
            "target": 0.4,
            "gamma": 3,
            "lt_rate": 0.15,
            "embedded_gain_fraction": 0.5,
            "discount": 0.05,
            "deferral_years": 5,
            "p_stepup": 0.2,
        },
        {"effective_cost": 0.027988, "half_width": 0.093066},
    ),
    ("horizon_calibration", {"c": 0.002, "gamma": 3, "sigma_rel": 0.12, "target": 0.4}, {"H_eff_years": 1.1988}),
    (
        "masters_trigger",
        {"K_risk_tolerance": 0.5, "cost": 0.01, "sigma_i": 0.3, "sigma_rest": 0.1, "rho": 0},
        {"V": 0.1, "trigger": 0.1, "destination": 0.05},
    ),
    (
        "dynamic_programming",
        {"review": "weekly", "gamma": 4, "sigma_rel": 0.15, "target": 0.6, "one_way_cost": 0.001},
        {"band": 0.025, "cost_bp_per_year": 0.352, "tolerance": 0.001},
    ),
    (
        "market_impact",
        {"X_over_V": 0.1, "T_days": 0.2, "V": 6561000.0, "theta_over_V": 263, "sigma": 0.0157},
        {"temporary_bp": 14.71, "published_rounded": {"permanent": 20, "temporary": 15, "realized": 25}},
    ),
    (
        "threshold_destination",
        {"target": 0.6, "threshold": 0.02, "destination": 0.0175, "weight": 0.575},
        {"triggered": True, "trade_to": 0.5825, "trade": 0.0075},
    ),
    (
        "threshold_destination",
        {"target": 0.6, "threshold": 0.02, "destination": 0.0175, "weight": 0.62},
        {"triggered": False, "trade_to": None},
    ),
    (
        "rebalance_to_tolerance",
        {"target": 0.5, "rebalance_band": 0.25, "tolerance_band_fraction": 0.4, "weight": 0.3},
        {"trade_to": 0.45, "rule": "trade to nearest tolerance edge (40% of band), only the class out of band"},
    ),
    (
        "two_asset_analytic",
        PAIR,
        {"sigma_rel2": 0.05, "weight_after": 0.59, "trade_usd": 7000.0, "objective": 14.5, "no_trade_objective": 112.5},
    ),
    ("two_asset_fixed_cost", PAIR | {"fixed": 98}, {"trade": False, "objective": 112.5, "trigger_drift": 0.15}),
    ("two_asset_fixed_cost", PAIR | {"fixed": 97.99}, {"trade": True, "objective": 112.49}),
    (
        "two_asset_lots",
        PAIR
        | {
            "w": 0.7,
            "lots": [
                {"id": "x", "value": 30000, "gain_pct": 0.05, "term": "LT"},
                {"id": "y", "value": 5000, "gain_pct": 0, "term": "LT"},
            ],
            "rates": {"LT": 0.2},
        },
        {"sold_usd": {"x": 0.0, "y": 4500.0}, "weight_after": 0.61},
    ),
    (
        "good_faith_violation",
        {"settled_cash": 0, "events": [["Fri", "sell", "A", 10], ["Fri", "buy", "B", 10], ["Fri", "sell", "B", 10]]},
        {"violation": "GOOD_FAITH_VIOLATION"},
    ),
    (
        "good_faith_violation",
        {"settled_cash": 0, "events": [["Fri", "sell", "A", 10], ["Fri", "buy", "B", 10], ["Mon", "sell", "B", 10]]},
        {"violation": None},
    ),
    (
        "free_riding",
        {"events": [["2026-07-02", "buy", "B", 10], ["2026-07-08", "sell", "B", 11]], "deposit": None},
        {"violation": "FREE_RIDING", "consequence": FREE_RIDE, "frozen_until": "2026-10-06"},
    ),
    (
        "free_riding",
        {"events": [["Mon", "buy", "B", 10], ["Wed", "sell", "B", 11]], "deposit": {"day": "Tue", "amount": 10}},
        {"violation": None, "consequence": None},
    ),
    (
        "free_riding",
        {"events": [["Mon", "buy", "B", 10], ["Thu", "deposit", 10], ["Thu", "sell", "B", 11]]},
        {"violation": None},
    ),
    (
        "cash_liquidation",
        {"settled_cash": 4, "events": [["Mon", "buy", "B", 10], ["Wed", "sell", "A (fully paid)", 6]]},
        {"violation": "CASH_LIQUIDATION"},
    ),
    (
        "settlement_netting",
        {"settled_cash": 0, "reserve": 50, "trade_date": "2026-10-09", "sells": [["A", 10]], "buys": [["B", 10]]},
        {"allowed": False, "settle_date": "2026-10-13", "net_settlement": 0, "projected_settled_cash": 0},
    ),
    (
        "books_and_records",
        {"order_event": "allocation"},
        {
            "required_fields": ["terms_and_conditions", "account", "sent_or_received_at"],
            "retention_years": 5,
            "allocation_timestamp_resolution": "minute or better",
        },
    ),
]


def read(topic, inputs, expected) -> Case:
    (case,) = read_cases(json.dumps([{"id": "C-1", "topic": topic, "inputs": inputs, "expected": expected}]))
    return case


ALL = [read(*row) for row in RIGHT]


def wrong(value):
    if isinstance(value, dict):
        return {key: wrong(part) for key, part in value.items() if key != "tolerance"}
    if isinstance(value, list):
        return [wrong(part) for part in value]
    if isinstance(value, bool) or value is None:
        return 17 if value is None else not value
    return value + Decimal("0.01") if isinstance(value, int | Decimal) else f"{value}X"


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.topic)
def test_a_right_case_passes(case):
    assert run(case) == Result(case, Outcome.PASSED)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.topic)
def test_a_wrong_expectation_fails(case):
    assert run(Case(case.case_id, case.topic, case.inputs, wrong(case.expected))).outcome is Outcome.FAILED


ODD: list[object] = [None, "", "odd", -1, 0, Decimal("1E+9"), Decimal("1E-15"), True, [], [None], [["Mon"]], {}]


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.topic)
def test_malformed_inputs_give_sentences_and_no_traceback(case):
    assert isinstance(case.inputs, dict)
    for name in case.inputs:
        without = {key: value for key, value in case.inputs.items() if key != name}
        for inputs in (without, *(without | {name: odd} for odd in ODD)):
            result = run(Case(case.case_id, case.topic, inputs, case.expected))
            assert result.outcome is Outcome.PASSED or all(result.sentences)


def twins(*entries: dict[str, object]) -> list[Case]:
    expected = {"half_width": 0.03862}
    rest = {"topic": "optimal_no_trade_band", "expected": expected}
    return read_cases(json.dumps([{"id": str(at), **rest, **entry} for at, entry in enumerate(entries)]))


def test_inputs_can_be_those_of_another_case_with_some_of_their_own():
    cases = twins(
        {"inputs": {"same_as": "1", "one_way_cost": 0.002}},
        {"inputs": {"same_as": "2", "gamma": 3}},
        {"inputs": SLEEVE | {"gamma": 9, "one_way_cost": 7}},
    )
    assert [run(case).outcome for case in cases] == [Outcome.PASSED, Outcome.FAILED, Outcome.FAILED]


@pytest.mark.parametrize("named", ["9", "0", "1"], ids=["nowhere", "itself", "a circle"])
def test_a_reference_that_leads_nowhere_is_a_sentence(named):
    case = twins({"inputs": {"same_as": named}}, {"inputs": {"same_as": "0"}})[0]
    sentence = f"Its inputs should be those of {named}, which are not in this file or refer back."
    assert run(case) == Result(case, Outcome.FAILED, (sentence,))


MONTHS = "month,one,two\n" + "".join(f"2001{month:02},0.10,0.00\n" for month in range(1, 13)) + "200201,9,9\n"
TABLE = {"period": "2001-01..2001-12", "target": 0.5, "data": "data/returns.csv"}
COLUMNS = ["threshold", "freq", "pub_events", "pub_turnover_pct", "repl_events", "repl_geo_return_pct", "repl_vol_pct"]
# Ten per cent a month against nothing: 5 % on both halves, or 1.1¹² : 1 when left alone, which is above 75 %.
ROWS = [[0, "M", 15, 3.3, 12, 79.5856, 0.0], [0.25, "M", 6, 1.1, 1, None, None]]


def table_case(rows, **more) -> Case:
    expected = {"columns": COLUMNS, "rows": [[cell for cell in row if cell is not None] for row in rows]}
    return with_data(read("published_table", TABLE | more, expected), {"data/returns.csv": MONTHS})


def test_a_published_table_is_compared_row_by_row_as_near_as_it_replicates():
    case = table_case(ROWS)
    result = run(case)
    assert (result.outcome, result.sentences) == (Outcome.PASSED, ())
    assert result.uncompared == ("rows[M 0].pub_turnover_pct", "rows[M 0.25].pub_turnover_pct")


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        pytest.param(
            [0, "M", 19], "rows[M 0].pub_events is 12.0000, expected 19", id="too far from what was published"
        ),
        pytest.param([0, "M", 12, 1, 13], "rows[M 0].repl_events is 12.0000, expected 13", id="another replication"),
        pytest.param([0.123, "M", 12], "rows[M 0.123] is missing, expected a row", id="a row of another kind"),
    ],
)
def test_a_table_that_differs_says_where(row, sentence):
    assert run(table_case([row])).sentences == (sentence,)


def test_returns_are_those_the_case_names():
    right = hashlib.sha256(MONTHS.encode()).hexdigest()
    assert run(table_case(ROWS, sha256=right)).outcome is Outcome.PASSED
    assert run(table_case(ROWS, sha256="0" * 64)).outcome is Outcome.NOT_COVERED


def test_without_its_returns_a_table_is_not_covered():
    case = read("published_table", TABLE, {"columns": COLUMNS, "rows": ROWS})
    sentence = "The returns data/returns.csv are not beside the file of cases; name them with --returns."
    assert run(case) == Result(case, Outcome.NOT_COVERED, (sentence,))
    assert data_named([case]) == {"data/returns.csv"}


def test_findings_that_rest_on_no_data_are_not_covered():
    case = read("published_table", {"horizon": "10y average"}, {"alpha": 0.01})
    assert run(case).outcome is Outcome.NOT_COVERED
