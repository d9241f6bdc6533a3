from __future__ import annotations

from decimal import Decimal

from portfolios.models import AccountSignal, Policy
from portfolios.policy_files import parse_changes
from portfolios.services.policies import publish_policy
from portfolios.services.what_if import what_if
from tests.worlds import NOW, TODAY, Birch, Cedar
from trading.models import Proposal

QUIET = """[triggers]
trigger = "THRESHOLD"
class_band_absolute = 0.9
taxable_band_absolute = 0.9
class_band_relative = 1
cash_high_weight = 1
"""
NARROW = parse_changes(["taxable_band_absolute=0.01"])


def publish(world: Birch, toml: str, **subject: int) -> None:
    publish_policy(firm_id=world.firm_id, toml=toml, at=NOW, by="t", **subject)


def test_a_narrower_band_of_the_firm_makes_its_account_due(birch: Birch) -> None:
    publish(birch, QUIET)
    asked = what_if(firm_id=birch.firm_id, changes=NARROW, as_of=TODAY)
    assert (asked.before["taxable_band_absolute"].value, asked.after) == (
        Decimal("0.9"),
        {"taxable_band_absolute": Decimal("0.01")},
    )
    assert asked.before["taxable_band_absolute"].source == "firm, policy v1"
    before, after = asked.result.before, asked.result.after
    assert (before.accounts, before.due, after.due, after.traded) == (1, 0, 1, 1)
    assert after.trades > 0


def test_a_nearer_file_keeps_its_say(birch: Birch) -> None:
    publish(birch, QUIET)
    publish(birch, "[triggers]\ntaxable_band_absolute = 0.9", account_id=birch.account.pk)
    asked = what_if(firm_id=birch.firm_id, changes=NARROW, as_of=TODAY)
    assert asked.result.before == asked.result.after


def test_a_models_file_can_be_the_one_that_changes(birch: Birch) -> None:
    publish(birch, QUIET)
    asked = what_if(firm_id=birch.firm_id, changes=NARROW, as_of=TODAY, target_model_id=birch.model.pk)
    assert asked.before["taxable_band_absolute"].source == "firm, policy v1"
    assert (asked.result.before.due, asked.result.after.due) == (0, 1)


def test_what_stays_as_it_is_in_the_changed_file_still_holds(birch: Birch) -> None:
    publish(birch, QUIET)
    publish(birch, "[trading]\nminimum_trade_amount = 1000000", target_model_id=birch.model.pk)
    asked = what_if(firm_id=birch.firm_id, changes=NARROW, as_of=TODAY, target_model_id=birch.model.pk)
    assert (asked.result.after.due, asked.result.after.trades) == (1, 0)


def test_another_firms_book_and_files_are_out_of_it(birch: Birch, cedar: Cedar) -> None:
    publish(birch, QUIET)
    with cedar.scope():
        asked = what_if(firm_id=cedar.firm_id, changes=parse_changes(["class_band_absolute=0.04"]), as_of=TODAY)
        assert asked.before["class_band_absolute"].source == "product default"
        assert asked.result.before.accounts == 1


def test_nothing_is_written(birch: Birch) -> None:
    publish(birch, QUIET)
    what_if(firm_id=birch.firm_id, changes=NARROW, as_of=TODAY)
    counts = [model.objects.for_firm(birch.firm_id).count() for model in (Policy, AccountSignal, Proposal)]
    assert counts == [1, 0, 0]
