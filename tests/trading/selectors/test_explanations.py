from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from rebalancer.engine.optimiser.decision import SkipReason
from trading.selectors.explanations import (
    CODES,
    by_code,
    certificate_sentence,
    leftover_sentence,
    wash_sentences,
)

D = Decimal
OF_THE_ACCOUNT = {"NO_MODEL", "BLOCKED", "DATA_PROBLEM", "VALUE_INCOMPLETE", "NO_VALUE"}
"""Accounts with these have no proposal."""


def left(**parts: str) -> list[dict[str, Any]]:
    return [{"code": code, "drift": D(drift)} for code, drift in parts.items()]


def proof(objective: str, bound: str) -> dict[str, Any]:
    return {"objective": D(objective), "bound": D(bound)}


def test_every_reason_for_not_trading_has_words() -> None:
    assert {reason.value for reason in SkipReason} - OF_THE_ACCOUNT - set(CODES) == set()


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        pytest.param(left(), "", id="nothing is left"),
        pytest.param(left(ROUNDING="0.00004"), "", id="less than can be shown is nothing"),
        pytest.param(
            left(NO_BUY="0.0051", ROUNDING="0.0032"),
            "0.83 points of drift are left: 0.51 by restrictions, 0.32 by parts of a share.",
            id="the largest cause is first",
        ),
        pytest.param(
            left(NO_SELL="0.002", ROUNDING="0.003", NO_BUY="0.002"),
            "0.70 points of drift are left: 0.40 by restrictions, 0.30 by parts of a share.",
            id="codes of one cause are one part",
        ),
        pytest.param(
            left(CASH="0.01", ROUNDING="0.00001"),
            "1.00 points of drift are left: 1.00 by cash.",
            id="what is too small to be shown is not a part",
        ),
    ],
)
def test_leftover_drift_is_attributed(parts: list[dict[str, Any]], sentence: str) -> None:
    assert leftover_sentence(parts) == sentence


@pytest.mark.parametrize(
    ("certificates", "value", "sentence"),
    [
        pytest.param([], "100", "", id="without accounts nothing is claimed"),
        pytest.param([proof("5", "4"), {}], "100", "", id="one account without a certificate is enough to say nothing"),
        pytest.param(
            [proof("5", "4.9951"), proof("5", "4.9950")],
            "100",
            "No other trades under these rules are better by so much as a cent.",
            id="less than a cent together is nothing",
        ),
        pytest.param(
            [proof("40", "30.5"), proof("7", "5")],
            "4000000",
            "No other trades under these rules are better by more than 0.03 basis points ($12).",
            id="gaps are added and rounded up",
        ),
        pytest.param(
            [proof("1.021", "1"), proof("1", "1.5")],
            "10000000",
            "No other trades under these rules are better by more than 0.01 basis points ($0.03).",
            id="a bound above the objective takes nothing off the others",
        ),
    ],
)
def test_the_certificate_is_a_sentence(certificates: list[dict[str, Any]], value: str, sentence: str) -> None:
    assert certificate_sentence(certificates, D(value)) == sentence


def test_what_was_not_traded_is_grouped_by_reason_with_the_most_drift_first() -> None:
    skipped = [
        {"symbol": symbol, "code": code, "sentence": f"{symbol}."}
        for symbol, code in (("A", "ON_TARGET"), ("B", "NO_BUY"), ("C", "WASH_SALE_BUY"), ("D", "WASH_SALE_LOSS"))
    ]
    groups = by_code(skipped, left(WASH_SALE_BUY="0.01", WASH_SALE_LOSS="0.02", NO_BUY="0.005"))
    assert [(group["label"], group["drift"], [item["symbol"] for item in group["items"]]) for group in groups] == [
        ("Wash sale", D("0.03"), ["C", "D"]),
        ("Not to be bought", D("0.005"), ["B"]),
        ("On target", D(0), ["A"]),
    ]


def test_a_loss_warns_of_purchases_and_of_those_that_nobody_sees() -> None:
    note = {"code": "LOSS_TAKEN", "symbol": "VTI", "until": date(2026, 12, 20), "amount": D("-1000.50")}
    assert wash_sentences([note]) == [
        "VTI is sold at a loss of $1,000.50. Up to Dec 20, 2026 a purchase of it, or of its equivalent, in any account "
        "of the household would wash the loss.",
        "Coverage incomplete: purchases in accounts that are not in this book are not seen, and would wash these "
        "losses too.",
    ]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (
            "SOLD_AT_LOSS",
            "VEA, or its equivalent, was sold at a loss within the last 30 days: it may be bought again from "
            "Dec 1, 2026.",
        ),
        (
            "BOUGHT_LATELY",
            "VEA, or its equivalent, was bought within the last 30 days: its losses may be taken from Dec 1, 2026.",
        ),
        ("HELD_OUTSIDE", "12 shares of VEA, or of its equivalent, are held at accounts that are not managed here."),
    ],
)
def test_what_stands_in_the_way_says_until_when(code: str, sentence: str) -> None:
    note = {"code": code, "symbol": "VEA", "until": date(2026, 11, 30), "amount": D(12)}
    assert wash_sentences([note]) == [sentence]
