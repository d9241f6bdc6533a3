from __future__ import annotations

import pytest

from portfolios.models import AccountSignal
from portfolios.services.policies import publish_policy
from portfolios.services.scans import start_scan
from portfolios.services.signals import Outcome, evaluate, households_of, store_signals
from portfolios.snapshots.book import load_book
from portfolios.snapshots.positions import Depth
from tests.worlds import NOW, TODAY, Birch, make_account, make_household

CALENDAR = '[triggers]\ntrigger = "CALENDAR"\n'
OUTSIDE = "It is outside its bands, but its policy trades on the dates of its calendar"


def signals(world: Birch, *, outcomes: dict[int, Outcome] | None = None) -> list[AccountSignal]:
    """What a look at all households writes down, by account."""
    scan = start_scan(firm_id=world.firm_id, as_of=TODAY, requested_by="t", at=NOW)
    households = households_of(world.firm_id)
    loaded = load_book(world.firm_id, households, as_of=TODAY, depth=Depth.LOSS_LOTS)
    store_signals(
        firm_id=world.firm_id, scan_id=scan.pk, loaded=loaded, found=evaluate(loaded), outcomes=outcomes or {}
    )
    return list(AccountSignal.objects.for_firm(world.firm_id).filter(scan=scan).order_by("account_id"))


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        pytest.param('calendar_frequency = "QUARTERLY"', f"{OUTSIDE}: the next is Dec 31, 2026.", id="quarterly"),
        pytest.param('calendar_frequency = "MONTHLY"', f"{OUTSIDE}: the next is Nov 30, 2026.", id="monthly"),
        pytest.param(
            'calendar_frequency = "DATES"\ncalendar_on = [2027-03-01, 2026-12-15]',
            f"{OUTSIDE}: the next is Dec 15, 2026.",
            id="its dates",
        ),
        pytest.param(
            'calendar_frequency = "DATES"\ncalendar_on = [2026-01-05]',
            f"{OUTSIDE}: there is none within a year.",
            id="dates that are over",
        ),
    ],
)
def test_a_breached_account_that_waits_for_its_calendar_says_until_when(birch: Birch, toml: str, sentence: str) -> None:
    publish_policy(firm_id=birch.firm_id, at=NOW, by="t", toml=CALENDAR + toml)
    (signal,) = signals(birch)
    assert (signal.is_breached, signal.outcome, signal.sentence) == (True, "NOT_DUE", sentence)


def test_what_was_done_about_an_account_is_said_before_why_nothing_was(birch: Birch) -> None:
    publish_policy(firm_id=birch.firm_id, at=NOW, by="t", toml=CALENDAR)
    (signal,) = signals(birch, outcomes={0: Outcome("PROPOSED")})
    assert (signal.outcome, signal.sentence) == ("PROPOSED", "")


def test_an_account_inside_its_bands_is_said_to_wait_for_nothing(birch: Birch) -> None:
    publish_policy(firm_id=birch.firm_id, at=NOW, by="t", toml=CALENDAR + "cash_high_weight = 1")
    other = make_household(birch.firm_id, name="Elm")
    account = make_account(birch.firm_id, other, number="2002")
    found = {signal.account_id: signal for signal in signals(birch)}
    assert account.pk not in found
    assert found[birch.account.pk].sentence.startswith(OUTSIDE)
