"""Answers that case files write as sentences: a sentence is read into the clauses it states, and those are compared.

Reading never looks at an answer. A sentence with a part no pattern knows is not compared at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Clause(StrEnum):
    """One thing the engine's contract can promise about a situation."""

    REVALIDATE_CASH = "REVALIDATE_CASH"
    NEVER_UPSIZE = "NEVER_UPSIZE"
    SHIFT_FORWARD = "SHIFT_FORWARD"
    RUN_ONCE = "RUN_ONCE"
    SWEEP_ON_LIQUIDATION = "SWEEP_ON_LIQUIDATION"
    OUT_OF_DRIFT = "OUT_OF_DRIFT"
    BUY_EQUIVALENT = "BUY_EQUIVALENT"
    WAIT_31_DAYS = "WAIT_31_DAYS"
    LOCK_GROUP = "LOCK_GROUP"
    FINISH_OR_CANCEL = "FINISH_OR_CANCEL"
    REPROPOSE = "REPROPOSE"
    ONE_VERSION = "ONE_VERSION"
    BEFORE_BUYS = "BEFORE_BUYS"
    SETTLE_BEFORE_PAYMENT = "SETTLE_BEFORE_PAYMENT"
    APPEND_REVERSAL = "APPEND_REVERSAL"
    KEEP_ORIGINAL = "KEEP_ORIGINAL"
    REOPEN_LOTS = "REOPEN_LOTS"
    RECOMPUTE_WASH = "RECOMPUTE_WASH"
    STATE_FROM_EXECUTIONS = "STATE_FROM_EXECUTIONS"
    LATE_FILLS = "LATE_FILLS"
    TRADE_DATE = "TRADE_DATE"
    FREEZE_90_DAYS = "FREEZE_90_DAYS"
    SETTLED_CASH_FIRST = "SETTLED_CASH_FIRST"
    STAMPED_TO_THE_MINUTE = "STAMPED_TO_THE_MINUTE"
    TO_NEAREST_TOLERANCE = "TO_NEAREST_TOLERANCE"
    ONLY_WHAT_IS_OUT = "ONLY_WHAT_IS_OUT"
    WASH = "WASH"
    NO_WASH = "NO_WASH"
    FLAG_FOR_REVIEW = "FLAG_FOR_REVIEW"


@dataclass(frozen=True, slots=True)
class Stated:
    """An answer in words: the engine's code for it, and what that code promises."""

    code: str
    clauses: frozenset[Clause] = frozenset()


def stated(code: str, *clauses: Clause) -> Stated:
    return Stated(code, frozenset(clauses))


_PATTERNS: tuple[tuple[Clause, re.Pattern[str]], ...] = tuple(
    (clause, re.compile(pattern, re.IGNORECASE))
    for clause, pattern in (
        (Clause.REVALIDATE_CASH, r"\bre-?(validate|check)\w*\b"),
        (Clause.NEVER_UPSIZE, r"\b(not|never|no)\b.*\bup-?siz"),
        (Clause.SHIFT_FORWARD, r"\bshift\w* forward"),
        (Clause.RUN_ONCE, r"\bruns? once\b|\bfirst occurrence\b"),
        (Clause.SWEEP_ON_LIQUIDATION, r"\bsweep\w*\b.*\bliquidation"),
        (Clause.OUT_OF_DRIFT, r"\bexclude\w* from drift\b"),
        (Clause.BUY_EQUIVALENT, r"\bequivalent\b"),
        (Clause.WAIT_31_DAYS, r"\bwaits? 31 days\b"),
        (Clause.LOCK_GROUP, r"\block\w*\b.*\bgroup\b"),
        (Clause.FINISH_OR_CANCEL, r"\bfinish or cancel\b"),
        (Clause.REPROPOSE, r"\bre-?propose\b"),
        (Clause.ONE_VERSION, r"\bnever mix\b|\bone version\b"),
        (Clause.BEFORE_BUYS, r"\bbefore any buys?\b"),
        (Clause.SETTLE_BEFORE_PAYMENT, r"\bT\+1 before (the )?payment\b|\bpayment date (-|minus) T\+1\b"),
        (Clause.APPEND_REVERSAL, r"\bappend\w* (a )?reversal\b"),
        (Clause.KEEP_ORIGINAL, r"\bkeep\w* (the )?original\b"),
        (Clause.REOPEN_LOTS, r"\bre-?open\w*\b.*\blots?\b"),
        (Clause.RECOMPUTE_WASH, r"\bwash\b.*\brecompute|\brecompute.*\bwash\b"),
        (Clause.STATE_FROM_EXECUTIONS, r"\bstate (from|is a fold over) executions\b"),
        (Clause.LATE_FILLS, r"\bmay still (receive|take) fills\b"),
        (Clause.TRADE_DATE, r"\btrade date (governs|decides)\b"),
        (Clause.FREEZE_90_DAYS, r"\b90[- ]days? freeze\b|\bfr(o|ee)ze\w* (for )?90 days\b"),
        (Clause.SETTLED_CASH_FIRST, r"\bneed settled cash on (the )?trade date\b"),
        (Clause.STAMPED_TO_THE_MINUTE, r"\bminute or better\b"),
        (Clause.TO_NEAREST_TOLERANCE, r"\bto (the )?nearest tolerance edge\b"),
        (Clause.ONLY_WHAT_IS_OUT, r"\bonly the (class|asset)\w* out of band\b"),
        (Clause.WASH, r"^\s*(a )?wash\s*(:|$)|\btreat\w* as (a )?wash\b"),
        (Clause.NO_WASH, r"\b(no|not a) wash\b"),
        (Clause.FLAG_FOR_REVIEW, r"\bflag\w* for (a )?review\b"),
    )
)
_NEGATED = re.compile(r"\b(not|never|no|don't|without)\b", re.IGNORECASE)
_STATED_WITH_NEGATION = frozenset({Clause.NEVER_UPSIZE, Clause.ONE_VERSION, Clause.BUY_EQUIVALENT, Clause.NO_WASH})
_SUPPORTING = re.compile(r"not arrival order", re.IGNORECASE)


def is_prose(value: object) -> bool:
    """Is this expected value a sentence rather than a code, a date or a name?"""
    return isinstance(value, str) and " " in value.strip()


def read_clauses(sentence: str) -> frozenset[Clause] | None:
    """What a sentence states, or None when a part of it says something unknown here."""
    found: set[Clause] = set()
    for part in re.split(r";|,\s", sentence):
        clauses = {clause for clause, pattern in _PATTERNS if pattern.search(part)}
        if _NEGATED.search(part):
            clauses &= _STATED_WITH_NEGATION
        if not clauses and not _SUPPORTING.search(part):
            return None
        found |= clauses
    return frozenset(found) or None
