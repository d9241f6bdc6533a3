"""Topics about wash sales, in other words and with other numbers."""

from __future__ import annotations

import pytest

from rebalancer.engine.cases.running import Outcome, run
from tests.engine.cases.test_running import read


def lot(name, on, qty, cost, acct="taxable", **more) -> dict[str, object]:
    return {"id": name, "date": on, "qty": qty, "cost": cost, "acct": acct, **more}


def sale(name, on, proceeds, **lots) -> dict[str, object]:
    return {"id": name, "date": on, "lots": [[lot_id, qty] for lot_id, qty in lots.items()], "proceeds": proceeds}


def row(name, lot_id, qty, before, disallowed, **more) -> dict[str, object]:
    return {"sale": name, "lot": lot_id, "qty": qty, "gain_before": before, "disallowed": disallowed, **more}


OLD = lot("o", "2025-03-03", 10, 100)
SOLD = [sale("s", "2026-06-01", 70, o=10)]

RIGHT = [
    pytest.param(
        {"acquisitions": [OLD, lot("n", "2026-06-10", 4, 36)], "sales": SOLD},
        {
            "rows": [row("s", "o", 10, -30, 12, recognized=-18, term="LT", replacement=[{"lot": "n", "qty": 4}])],
            "open_lots": [{"lot": "n", "qty": 4, "adjusted_basis": 48, "adjusted_acquired": "2025-03-12"}],
        },
        id="a partial wash",
    ),
    pytest.param(
        {"acquisitions": [OLD, lot("n", "2026-06-10", 4, 36, "Roth IRA")], "sales": SOLD},
        {"permanently_lost": 12, "open_lots": [{"lot": "n", "adjusted_basis": 36, "adjusted_acquired": "2026-06-10"}]},
        id="a Roth IRA",
    ),
    pytest.param(
        {"acquisitions": [OLD, lot("n", "2026-06-10", 4, 36, symbol="voo")], "sales": SOLD},
        {"disallowed": 0},
        id="something else",
    ),
    pytest.param(
        {
            "acquisitions": [OLD | {"symbol": "SPY"}, lot("n", "2026-06-10", 4, 36, symbol="VOO")],
            "sales": SOLD,
        },
        {"disallowed": 12, "broker_1099B_box_1g": 0},
        id="another fund on the same index",
    ),
    pytest.param(
        {
            "acquisitions": [lot("k", "2026-05-20", 10, 100), lot("o", "2026-05-25", 10, 100)],
            "sales": SOLD,
            "policy": {"earlier_shares_wash": False},
        },
        {"disallowed": 0},
        id="a policy",
    ),
    pytest.param(
        {
            "acquisitions": [lot("k", "2026-05-20", 10, 100, order="A"), lot("o", "2026-05-20", 10, 100, order="A")],
            "sales": SOLD,
        },
        {"disallowed": 0},
        id="pieces of one order",
    ),
]


@pytest.mark.parametrize(("inputs", "expected"), RIGHT)
def test_wash_sales_of_the_same_form_are_answered(inputs, expected):
    result = run(read("wash_sale", inputs, expected))
    assert (result.outcome, result.sentences) == (Outcome.PASSED, ())


def bought(account, days, cusip="1") -> dict[str, object]:
    return {"account": account, "cusip": cusip, "days": days}


@pytest.mark.parametrize(
    ("purchase", "box", "wash"),
    [
        (bought("A taxable", 5), 250, True),
        (bought("A taxable", -30), 250, True),
        (bought("A taxable", 31), 0, False),
        (bought("B taxable", 5), 0, True),
        (bought("B IRA", 5), 0, True),
        (bought("A taxable", 5, "2"), 0, False),
    ],
)
def test_a_broker_and_a_taxpayer_see_different_things(purchase, box, wash):
    inputs = {"loss_sale": {"account": "A taxable", "cusip": "1", "loss": 250}, "purchases": [purchase]}
    result = run(read("wash_sale_reporting", inputs, {"broker_1099B_box_1g": box, "taxpayer_wash": wash}))
    assert result.outcome is Outcome.PASSED


def policy_case(kept_on, **expected):
    acquisitions = [{"id": "k", "date": kept_on, "qty": 5}, {"id": "n", "date": "2026-01-20", "qty": 5}]
    inputs = {"acquisitions": acquisitions, "sale": {"date": "2026-02-02", "lot": "n", "qty": 5, "loss": True}}
    return run(read("wash_sale_policy", inputs, expected))


def test_open_questions_are_answered_both_ways():
    right = {
        "literal_reg_reading": "wash: the old lot is near",
        "industry_counter_view": "no wash: it was there before",
    }
    assert policy_case("2026-01-05", **right).outcome is Outcome.PASSED
    assert policy_case("2026-01-05", literal_reg_reading="no wash: it is not").outcome is Outcome.FAILED
    assert policy_case("2026-01-02", literal_reg_reading="no wash: too long ago").outcome is Outcome.PASSED
    assert policy_case("2026-01-02", recommended_default="treat as wash, flag for review").outcome is Outcome.FAILED


def test_pairs_of_symbols_are_classed():
    expected = {
        "policy_class": ["BLOCK_SHARE_CLASS", "DIFF_INDEX_ALLOW", "REVIEW"],
        "verdict": ["BLOCK", "ALLOW", "REVIEW"],
    }
    pairs = {"pairs": [["VFIAX", "VOO"], ["IJR", "IWM"], ["FOX", "FOXA"]]}
    assert run(read("substantially_identical", pairs, expected)).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("topic", "inputs"),
    [
        ("wash_sale", {"acquisitions": [OLD], "sales": [sale("s", "2026-06-01", 70, other=1)]}),
        ("wash_sale", {"acquisitions": [OLD], "sales": [sale("s", "2026-06-01", 70, o=11)]}),
        ("wash_sale", {"acquisitions": [OLD], "sales": SOLD, "policy": {"never": True}}),
        ("wash_sale", {"acquisitions": [OLD | {"origin": "FOUND"}], "sales": SOLD}),
        (
            "wash_sale",
            {"acquisitions": [OLD], "sales": [{"id": "s", "date": "2026-06-01", "lots": ["o"], "proceeds": 1}]},
        ),
        ("wash_sale_policy", {"acquisitions": [OLD], "sale": {"date": "2026-06-01", "lot": "o", "loss": False}}),
        ("substantially_identical", {"pairs": [["SPY"]]}),
    ],
)
def test_what_cannot_be_a_case_is_a_sentence(topic, inputs):
    result = run(read(topic, inputs, {"disallowed": 0}))
    assert result.outcome is Outcome.FAILED
    assert result.sentences[0].endswith(".")
