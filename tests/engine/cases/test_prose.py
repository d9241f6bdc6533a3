"""Sentences are read into clauses, or not at all."""

from __future__ import annotations

import pytest

from rebalancer.engine.cases.prose import Clause, is_prose, read_clauses


@pytest.mark.parametrize(
    ("sentence", "clauses"),
    [
        pytest.param("never upsize", {Clause.NEVER_UPSIZE}, id="a promise that is a negation"),
        pytest.param("shift forward; run once", {Clause.SHIFT_FORWARD, Clause.RUN_ONCE}, id="two promises"),
        pytest.param(
            "buy an equivalent or wait 31 days", {Clause.BUY_EQUIVALENT, Clause.WAIT_31_DAYS}, id="two in one"
        ),
        pytest.param("shift forward; sing loudly", None, id="a part that is unknown"),
        pytest.param("do not shift forward", None, id="the opposite of a promise"),
        pytest.param("all is well", None, id="nothing known"),
    ],
)
def test_a_sentence_states_its_clauses(sentence, clauses):
    assert read_clauses(sentence) == clauses


@pytest.mark.parametrize(
    ("value", "prose"), [("before any buy", True), ("HOLD", False), ("2026-01-02", False), (5, False)]
)
def test_a_sentence_has_words(value, prose):
    assert is_prose(value) is prose
