from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from tests.trading.services.test_halts import halted
from tests.worlds import Birch, Cedar, World
from trading.models import TradingHalt


def in_force(world: World) -> list[str]:
    with world.scope():
        rows = TradingHalt.objects.for_firm(world.firm_id).filter(lifted_at=None).order_by("id")
        return [row.raised_by for row in rows]


def test_the_operator_stops_every_firm_and_two_people_let_them_go_on(birch: Birch, cedar: Cedar) -> None:
    halted(birch)
    call_command("halt", "--all-firms", "--reason", "The market data are wrong", "--by", "pat")
    assert (in_force(birch), in_force(cedar)) == (["ann@birch.example", "operator pat"], ["operator pat"])
    call_command("lift_halts", "--all-firms", "--reason", "Mended", "--asked-by", "pat", "--agreed-by", "kim")
    assert (in_force(birch), in_force(cedar)) == (["ann@birch.example"], [])


def test_one_firm_is_stopped_alone(birch: Birch, cedar: Cedar) -> None:
    call_command("halt", "--firm", str(cedar.firm_id), "--reason", "Their wish", "--by", "pat")
    assert (in_force(birch), in_force(cedar)) == ([], ["operator pat"])


def test_one_person_does_not_lift_it_alone(birch: Birch) -> None:
    call_command("halt", "--all-firms", "--reason", "Wrong data", "--by", "pat")
    with pytest.raises(CommandError, match="another person has to agree"):
        call_command("lift_halts", "--all-firms", "--reason", "Mended", "--asked-by", "pat", "--agreed-by", "pat")
    assert in_force(birch) == ["operator pat"]


def test_a_firm_that_does_not_exist_is_not_stopped(birch: Birch) -> None:
    with pytest.raises(CommandError, match="nothing was done"):
        call_command("halt", "--firm", "999999", "--reason", "Their wish")
