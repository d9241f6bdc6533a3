from __future__ import annotations

import os
import threading

import pytest

from rebalancer.engine.optimiser import native
from rebalancer.engine.optimiser.kernel import run
from rebalancer.engine.policy import Distance


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Another place for machine code."""
    place = tmp_path / "native-this"
    monkeypatch.setattr(native, "KEPT", place)
    return place


def test_once_it_is_ready_machine_code_of_that_distance_is_kept():
    native.ready(Distance.WEIGHTS)
    assert Distance.WEIGHTS in native._loaded
    assert native.is_kept(Distance.WEIGHTS)


def test_a_tiny_problem_has_the_types_of_every_other():
    native.ready(Distance.WEIGHTS)
    native.ready(Distance.RISK)
    assert len(run.signatures) == len(Distance)  # type: ignore[attr-defined]


def test_nothing_is_kept_before_somebody_has_finished(kept):
    with native._alone(Distance.WEIGHTS):
        assert not native.is_kept(Distance.WEIGHTS)
    assert native.is_kept(Distance.WEIGHTS)
    assert not native.is_kept(Distance.RISK)


def test_who_does_not_finish_leaves_no_mark(kept):
    with pytest.raises(RuntimeError), native._alone(Distance.WEIGHTS):
        raise RuntimeError("killed")
    assert not native.is_kept(Distance.WEIGHTS)


def test_others_wait_while_one_compiles(kept):
    waiting, entered = threading.Event(), threading.Event()

    def other():
        waiting.set()
        with native._alone(Distance.WEIGHTS):
            entered.set()

    with native._alone(Distance.WEIGHTS):
        thread = threading.Thread(target=other)
        thread.start()
        waiting.wait()
        assert not entered.wait(0.2)
    assert entered.wait(10)
    thread.join()


def test_where_nothing_can_be_kept_everybody_compiles(monkeypatch):
    monkeypatch.setattr(native, "KEPT", None)
    with native._alone(Distance.WEIGHTS):
        assert not native.is_kept(Distance.WEIGHTS)
    assert native.forget_others() == 0


def test_machine_code_of_older_versions_is_removed(kept):
    for age, name in enumerate(["native-this", "native-before", "native-long-before", "native-first", "other"]):
        (kept.parent / name / "deeper").mkdir(parents=True)
        os.utime(kept.parent / name, (10**9 - age, 10**9 - age))
    assert native.forget_others() == 2
    assert sorted(path.name for path in kept.parent.iterdir()) == ["native-before", "native-this", "other"]
