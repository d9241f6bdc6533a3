"""What a drill is to do follows from its seed, and covers everything it promises."""

from __future__ import annotations

from collections import Counter

import pytest

from trading.custodians.simulator.faults import FaultKind, fault_of
from trading.drills.plan import RATES, RESTARTS, BadPlan, Plan, Step, batches, faults_of, kills_for


def make_plan(**changes: object) -> Plan:
    values = {"seed": 1, "orders": 300, "faults": tuple(FaultKind), "kills": 7, "restarts": True, "seconds": 60.0}
    return Plan(**{**values, **changes})  # type: ignore[arg-type]


def test_all_faults_are_all_that_the_custodian_knows() -> None:
    assert set(faults_of("all")) == set(FaultKind) == set(RATES)
    assert faults_of("none") == ()
    assert faults_of("bust, accept-then-504") == (FaultKind.BUST, FaultKind.ACCEPT_THEN_504)


def test_the_custodian_takes_every_fault_as_it_is_set() -> None:
    rows = make_plan().fault_rows()
    assert [fault_of(row).kind for row in rows] == list(FaultKind)


def test_the_same_seed_does_the_same_and_another_something_else() -> None:
    steps = [list(make_plan(seed=seed).steps()) for seed in (1, 1, 2)]
    assert steps[0] == steps[1] != steps[2]


def test_everything_that_was_promised_happens_between_the_first_and_the_last_approvals() -> None:
    steps = list(make_plan(orders=1000, kills=25).steps())
    counts = Counter(steps)
    assert steps[0] == steps[-1] == Step.STAGE
    assert counts[Step.STAGE] == 10
    assert counts[Step.KILL_CHILD] + counts[Step.KILL_WORKER] == 25
    assert all(counts[step] == 1 for step in RESTARTS)
    assert counts[Step.HALT] > 0
    assert counts[Step.CANCEL] > 0


def test_fifty_workers_are_killed_over_two_thousand_orders() -> None:
    assert kills_for(2000) >= 50
    assert kills_for(1) == 1


@pytest.mark.parametrize(("total", "parts"), [(1, 2), (7, 3), (2000, 20)])
def test_a_number_is_shared_out_without_loss(total: int, parts: int) -> None:
    shares = batches(total, parts)
    assert (sum(shares), len(shares)) == (total, parts)
    assert max(shares) - min(shares) <= 1


@pytest.mark.parametrize("changes", [{"orders": 0}, {"kills": -1}, {"seconds": 0}])
def test_a_drill_of_nothing_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadPlan):
        make_plan(**changes)


def test_an_unknown_fault_is_named_with_those_there_are() -> None:
    with pytest.raises(BadPlan, match=r"no fault EXPLODE.*BUST"):
        faults_of("explode")
