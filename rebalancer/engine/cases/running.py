"""Run a file of cases against the engine and say, topic by topic, what passed, failed and is not covered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rebalancer.engine.cases import (
    cash_rules,
    harvesting,
    households,
    optimum,
    policies,
    quality,
    science,
    tax,
    taxes,
    trading,
    wash,
)
from rebalancer.engine.cases.comparing import Answer, compare
from rebalancer.engine.cases.edges import edge_case
from rebalancer.engine.cases.reading import SAME_AS, BadCase, Case, Inputs, NotCovered

TOPICS: Mapping[str, Callable[[Inputs], Answer]] = {
    "holding_period": tax.holding_period,
    "lot_selection": tax.lot_selection,
    "lot_identification_deadline": tax.lot_identification_deadline,
    "split": tax.split,
    "reverse_split": tax.split,
    "cash_in_lieu": tax.cash_in_lieu,
    "spinoff": tax.spinoff,
    "merger_boot": tax.merger_boot,
    "return_of_capital": tax.return_of_capital,
    "drip": tax.drip,
    "inheritance": tax.inheritance,
    "settlement": trading.settlement,
    "calendar": trading.calendar,
    "market_hours": trading.market_hours,
    "drift_trigger": trading.drift_trigger,
    "fair_allocation": trading.fair_allocation,
    "limit_price_tick": trading.limit_price_tick,
    "round_lot": trading.round_lot,
    "regulatory_fees": trading.regulatory_fee,
    "cash_flow": trading.cash_flow,
    **taxes.TOPICS,
    **harvesting.TOPICS,
    **cash_rules.TOPICS,
    **policies.TOPICS,
    **science.TOPICS,
    **households.TOPICS,
    **optimum.TOPICS,
    **quality.TOPICS,
    **wash.TOPICS,
}


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_COVERED = "not covered"


@dataclass(frozen=True, slots=True)
class Result:
    """How a case went; `sentences` say why it failed or is not covered, `uncompared` names fields left aside."""

    case: Case
    outcome: Outcome
    sentences: tuple[str, ...] = ()
    uncompared: tuple[str, ...] = ()


def run(case: Case) -> Result:
    """Answer a case from its inputs alone, then compare with what it expects."""
    if case.topic not in TOPICS and case.topic != "edge_case":
        return Result(case, Outcome.NOT_COVERED, (f"The engine has no rule for the topic {case.topic}.",))
    if not isinstance(case.inputs, dict) or not isinstance(case.expected, dict) or not case.expected:
        return Result(case, Outcome.FAILED, ("The case needs inputs and expected values, both with named fields.",))
    try:
        answer = _answer(case, Inputs(case.inputs))
    except NotCovered as gap:
        return Result(case, Outcome.NOT_COVERED, (str(gap),))
    except BadCase as flaw:
        return Result(case, Outcome.FAILED, (str(flaw),))
    except (ValueError, ArithmeticError) as refusal:
        return Result(case, Outcome.FAILED, (f"The engine refuses these inputs: {refusal}",))
    return _judge(case, answer, case.expected)


def _answer(case: Case, inputs: Inputs) -> Answer:
    if SAME_AS in inputs:
        raise BadCase(f"Its inputs should be those of {inputs.get(SAME_AS)}, which are not in this file or refer back.")
    return TOPICS[case.topic](inputs) if case.topic in TOPICS else edge_case(case.case_id, inputs)


def _judge(case: Case, answer: Answer, expected: Mapping[str, object]) -> Result:
    comparison = compare(expected, answer)
    uncompared = tuple(comparison.uncompared)
    if comparison.differences:
        return Result(case, Outcome.FAILED, tuple(comparison.differences), uncompared)
    if not comparison.compared:
        return Result(case, Outcome.NOT_COVERED, ("Nothing it expects can be compared.",), uncompared)
    return Result(case, Outcome.PASSED, (), uncompared)


def report(results: Sequence[Result], *, verbose: bool = False) -> Iterator[str]:
    """Lines for a person: each topic with its ids, then the totals."""
    for topic in sorted({result.case.topic for result in results}):
        yield topic
        yield from _topic_lines([result for result in results if result.case.topic == topic], verbose=verbose)
    counts = ", ".join(f"{_count(results, outcome)} {outcome}" for outcome in Outcome)
    yield f"{len(results)} case{'s' if len(results) != 1 else ''}: {counts}"


def _topic_lines(results: Sequence[Result], *, verbose: bool) -> Iterator[str]:
    for outcome in Outcome:
        ids = [result.case.case_id for result in results if result.outcome is outcome]
        if ids:
            yield f"  {outcome} {len(ids)}: {', '.join(ids)}"
        for result in results:
            if result.outcome is outcome and (verbose or outcome is Outcome.FAILED):
                yield from _details(result)


def _details(result: Result) -> Iterator[str]:
    for sentence in result.sentences:
        yield f"    {result.case.case_id}: {sentence}"
    if result.uncompared:
        yield f"    {result.case.case_id}: not compared: {', '.join(result.uncompared)}"


def _count(results: Sequence[Result], outcome: Outcome) -> int:
    return sum(result.outcome is outcome for result in results)
