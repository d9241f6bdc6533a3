from __future__ import annotations

from io import StringIO

from django.core.management import call_command

from rebalancer.engine.optimiser.native import is_kept
from rebalancer.engine.policy import Distance


def test_afterwards_the_engine_is_compiled_and_a_second_time_there_is_nothing_to_say():
    call_command("compile_engine", stderr=StringIO())
    assert all(is_kept(distance) for distance in Distance)
    said = StringIO()
    call_command("compile_engine", stderr=said)
    assert said.getvalue() == ""


def test_one_distance_may_be_named():
    call_command("compile_engine", "--distance", "weights", stderr=StringIO())
    assert is_kept(Distance.WEIGHTS)
