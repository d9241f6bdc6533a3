"""What the records of orders show, and how long they are kept."""

from __future__ import annotations

from datetime import date

import pytest

from rebalancer.engine.order_records import REQUIRED, OrderEvent, RecordField, in_office_until, keep_until


def test_every_event_has_its_fields():
    assert set(REQUIRED) == set(OrderEvent)


@pytest.mark.parametrize("event", [OrderEvent.CANCEL, OrderEvent.REPLACE, OrderEvent.CANCEL_REPLACE])
def test_a_change_shows_itself_and_all_that_the_order_shows(event):
    assert set(REQUIRED[event]) - set(REQUIRED[OrderEvent.NEW]) == {RecordField.MODIFICATION_OR_CANCELLATION}


@pytest.mark.parametrize("event", [OrderEvent.ALLOCATION, OrderEvent.AFFIRMATION])
def test_allocations_and_affirmations_are_stamped_with_their_time(event):
    assert RecordField.SENT_OR_RECEIVED_AT in REQUIRED[event]


@pytest.mark.parametrize(
    ("year_ends_on", "kept", "in_office"),
    [
        (date(2026, 12, 31), date(2031, 12, 31), date(2028, 12, 31)),
        (date(2028, 2, 29), date(2033, 2, 28), date(2030, 2, 28)),
    ],
)
def test_records_are_kept_five_years_from_the_end_of_the_fiscal_year(year_ends_on, kept, in_office):
    assert (keep_until(year_ends_on), in_office_until(year_ends_on)) == (kept, in_office)
