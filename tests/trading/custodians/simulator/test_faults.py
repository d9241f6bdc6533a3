from __future__ import annotations

import pytest

from trading.custodians.simulator.faults import BadFault, Fault, FaultBoard, FaultKind, load, parse


def test_a_command_line_names_faults_with_their_settings():
    assert parse("reject,symbol=XYZ; accept-then-504,rate=0.05,times=3") == [
        Fault(FaultKind.REJECT, symbol="XYZ"),
        Fault(FaultKind.ACCEPT_THEN_504, rate=0.05, times=3),
    ]


@pytest.mark.parametrize("spec", ["explode", "hang,seconds=soon", "hang,rate=2", "hang,colour=red", "hang,times=-1"])
def test_a_fault_that_is_none_is_refused(spec: str):
    with pytest.raises(BadFault):
        parse(spec)


def test_a_fault_is_spent_after_its_times():
    board = FaultBoard(7, [Fault(FaultKind.HANG, times=2)])
    struck = [board.strikes(FaultKind.HANG, symbol="VTI", subject=str(n)) is not None for n in range(4)]
    assert struck == [True, True, False, False]
    assert load(board.dump()) == [Fault(FaultKind.HANG, times=0)]


def test_a_fault_strikes_only_its_symbol_and_kind():
    board = FaultBoard(7, [Fault(FaultKind.REJECT, symbol="XYZ")])
    assert board.strikes(FaultKind.REJECT, symbol="VTI", subject="1") is None
    assert board.strikes(FaultKind.HANG, symbol="XYZ", subject="1") is None
    assert board.strikes(FaultKind.REJECT, symbol="XYZ", subject="1") == Fault(FaultKind.REJECT, symbol="XYZ")


def test_a_rate_is_drawn_from_the_seed_and_anew_for_each_attempt():
    def draws(seed: int) -> list[bool]:
        board = FaultBoard(seed, [Fault(FaultKind.HANG, rate=0.5)])
        return [board.strikes(FaultKind.HANG, symbol="VTI", subject="SAME") is not None for _ in range(200)]

    assert draws(7) == draws(7) != draws(8)
    assert 60 < sum(draws(7)) < 140
