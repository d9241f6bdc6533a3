"""Topics about rates, netting, harvesting and basis: other figures in the same forms, and other spellings."""

from __future__ import annotations

import json

import pytest

from rebalancer.engine.cases.reading import read_cases
from rebalancer.engine.cases.running import Outcome, Result, run

RATES = {"ST": 0.408, "LT": 0.238, "ordinary": 0.37}
LOTS = [
    {"id": "A", "qty": 100, "loss_per_share": 30, "term": "ST"},
    {"id": "B", "qty": 100, "gain_per_share": -35, "term": "LONG"},
]
BOUGHT = [{"date": "2025-01-03", "qty": 10, "price": 10}, {"date": "2026-01-05", "qty": 20, "cost": 330}]

RIGHT = [
    ("schedule_d", {"st_gains": 5000, "lt_gains": 2000}, {"taxed_st": 5000, "taxed_lt": 2000, "deduct": 0}),
    (
        "schedule_d",
        {"st_gains": 1000, "st_carry_in": 4000, "lt_carryover": 2500, "filing": "mfs"},
        {"net_st": -3000, "net_lt": -2500, "deduct": 1500, "st_carry": 1500, "lt_carry": 2500},
    ),
    (
        "ltcg_stacking",
        {"ordinary_taxable_income": 60000, "net_ltcg_plus_qd": 20000, "filing": "hoh", "year": 2025},
        {"at0": 4750, "at15": 15250, "at20": 0, "tax": 2287.5},
    ),
    ("niit", {"magi": 210000, "nii": 50000, "filing": "single"}, {"niit": 380}),
    ("niit", {"magi": 130000, "nii": 50000, "filing_status": "Married filing separately"}, {"niit": 190}),
    (
        "rates",
        {"year": 2025, "filing": "single", "ordinary_bracket": "24%"},
        {
            "st_marginal_with_niit": 0.278,
            "lt_marginal_with_niit": 0.188,
            "top_bracket_start_single": 626350,
            "ltcg20_start_mfj": 600050,
        },
    ),
    ("rates", {"year": 2026, "filing": "mfj", "ordinary_income": 90000}, {"st_marginal": 0.12, "lt_marginal": 0}),
    ("rates", {"year": 2026, "bracket": 35, "state_rate": 0.05}, {"st_marginal": 0.4, "bracket35_start_mfj": 512450}),
    (
        "netting_nonconvex",
        {"ytd_st": 3000, "ytd_lt": 3000, "must_sell": 100, "lots": LOTS, "rates": RATES},
        {"best": {"A": 100, "B": 0}, "tax_change": -1224, "naive_ST_first": {"A": 100, "B": 0, "tax_change": -1224}},
    ),
    (
        "netting_nonconvex",
        {"must_sell": 150, "lots": LOTS, "rates": RATES, "carry_value": 0.2},
        {"best": {"A": 50, "B": 100}, "tax_change": -1510, "naive_ST_first": {"A": 100, "B": 50, "tax_change": -1460}},
    ),
    (
        "fund_six_month_rule",
        {
            "bought": {"date": "2026-01-05", "cost": 1000},
            "cap_gain_distribution": 50,
            "sold": {"date": "2026-07-06", "proceeds": 850},
        },
        {"total_loss": 150, "lt_loss": 0, "st_loss": 150},
    ),
    (
        "tlh_value",
        {"loss": 10000, "rate_now": 0, "rate_future": 0.15, "discount": 0.06, "years": 10, "p_stepup": 0},
        {"value": -837.59, "harvest": False},
    ),
    (
        "tlh_wait",
        {"last_purchase_anywhere": "2026-10-01", "planned_loss_sale": "2026-11-22"},
        {"earliest_clean_sale_date": "2026-11-22", "days_to_wait": 0, "earliest_clean_sale_trading_day": "2026-11-23"},
    ),
    ("tlh_rebuy", {"loss_sale": "2026-11-25"}, {"earliest_rebuy_trading_day": "2026-12-28"}),
    (
        "qualified_dividend",
        {"bought": "2024-07-09", "sold": "2024-08-12", "ex_date": "2024-07-16"},
        {"days_held": 34, "days_in_window": 34, "qualified": False},
    ),
    ("gift_basis", {"donor_basis": 10000, "fmv_at_gift": 8000, "sale": 7000}, {"gain": -1000, "basis": 8000}),
    (
        "gift_basis",
        {
            "donor_basis": 50,
            "fmv_at_gift": 80,
            "sale": 70,
            "donor_acquired": "2020-01-02",
            "gift_date": "2026-01-02",
            "sold": "2026-02-02",
        },
        {"gain": 20, "term": "LT", "basis_used": "DONOR"},
    ),
    (
        "average_cost",
        {"purchases": BOUGHT, "sell": {"date": "2026-03-02", "qty": 15, "price": 20}},
        {
            "total_cost": 430,
            "avg_basis_per_share": 14.3333,
            "basis_sold": 215,
            "gain": 85,
            "lt_gain": 56.67,
            "st_gain": 28.33,
            "term": "MIXED",
            "lots_depleted": [{"date": "2025-01-03", "qty": 10}, {"date": "2026-01-05", "qty": 5}],
        },
    ),
]

WRONG = [
    ("schedule_d", {"gains": 5}, "name no gains"),
    ("ltcg_stacking", {"ordinary_income": 1, "net_ltcg": 1, "year": 1999}, "brackets are written down for 1999"),
    ("ltcg_stacking", {"ordinary_income": 1, "net_ltcg": 1, "year": 2025.5}, "should be a year"),
    ("niit", {"magi": 1, "nii": 1, "filing": "corporation"}, "no filing status CORPORATION"),
    ("rates", {"year": 2026, "bracket": "many"}, "such as 37%"),
    ("rates", {"year": 2026, "bracket": "38%"}, "no bracket of 38.0%"),
    ("netting_nonconvex", {"must_sell": 1, "lots": [LOTS[0] | {"term": "X"}], "rates": RATES}, "is ST or LT, not X"),
    ("netting_nonconvex", {"must_sell": 201, "lots": LOTS, "rates": RATES}, "hold 200 shares"),
]


def run_case(topic, inputs, expected) -> Result:
    (case,) = read_cases(json.dumps([{"id": "C-1", "topic": topic, "inputs": inputs, "expected": expected}]))
    return run(case)


@pytest.mark.parametrize(("topic", "inputs", "expected"), RIGHT)
def test_the_rules_answer_from_the_inputs(topic, inputs, expected):
    result = run_case(topic, inputs, expected)
    assert (result.outcome, result.sentences, result.uncompared) == (Outcome.PASSED, (), ())


@pytest.mark.parametrize(("topic", "inputs", "sentence"), WRONG)
def test_a_case_that_cannot_be_answered_says_why(topic, inputs, sentence):
    result = run_case(topic, inputs, {"tax": 0})
    assert result.outcome is Outcome.FAILED
    assert sentence in result.sentences[0]
