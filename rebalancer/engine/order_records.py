"""What an adviser writes down about orders, and for how long: Advisers Act Rule 204-2."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum

RETENTION_YEARS = 5
OFFICE_YEARS = 2
TIMESTAMP_RESOLUTION = timedelta(minutes=1)


class OrderEvent(StrEnum):
    """What happens to an order and leaves a record."""

    NEW = "NEW"
    CANCEL = "CANCEL"
    REPLACE = "REPLACE"
    CANCEL_REPLACE = "CANCEL_REPLACE"
    CONFIRMATION = "CONFIRMATION"
    ALLOCATION = "ALLOCATION"
    AFFIRMATION = "AFFIRMATION"


class RecordField(StrEnum):
    """What a record shows."""

    TERMS_AND_CONDITIONS = "TERMS_AND_CONDITIONS"
    MODIFICATION_OR_CANCELLATION = "MODIFICATION_OR_CANCELLATION"
    PERSON_RECOMMENDING = "PERSON_RECOMMENDING"
    PERSON_PLACING = "PERSON_PLACING"
    ACCOUNT = "ACCOUNT"
    DATE_OF_ENTRY = "DATE_OF_ENTRY"
    BROKER_DEALER = "BROKER_DEALER"
    DISCRETIONARY_FLAG = "DISCRETIONARY_FLAG"
    SENT_OR_RECEIVED_AT = "SENT_OR_RECEIVED_AT"


_MEMORANDUM = (
    RecordField.TERMS_AND_CONDITIONS,
    RecordField.PERSON_RECOMMENDING,
    RecordField.PERSON_PLACING,
    RecordField.ACCOUNT,
    RecordField.DATE_OF_ENTRY,
    RecordField.BROKER_DEALER,
    RecordField.DISCRETIONARY_FLAG,
)
_CHANGED = (_MEMORANDUM[0], RecordField.MODIFICATION_OR_CANCELLATION, *_MEMORANDUM[1:])
_STAMPED = (RecordField.TERMS_AND_CONDITIONS, RecordField.ACCOUNT, RecordField.SENT_OR_RECEIVED_AT)

REQUIRED: Mapping[OrderEvent, tuple[RecordField, ...]] = {
    OrderEvent.NEW: _MEMORANDUM,
    OrderEvent.CANCEL: _CHANGED,
    OrderEvent.REPLACE: _CHANGED,
    OrderEvent.CANCEL_REPLACE: _CHANGED,
    OrderEvent.CONFIRMATION: (RecordField.TERMS_AND_CONDITIONS, RecordField.ACCOUNT),
    OrderEvent.ALLOCATION: _STAMPED,
    OrderEvent.AFFIRMATION: _STAMPED,
}
"""The memorandum of an order or of its change is 204-2(a)(3); confirmations, and the time-stamped allocations and
affirmations of same-day matching, are 204-2(a)(7)(iii)."""


def keep_until(fiscal_year_ends_on: date) -> date:
    """The last day a record must be kept: five years from the end of its fiscal year (204-2(e)(1))."""
    return _years_after(fiscal_year_ends_on, RETENTION_YEARS)


def in_office_until(fiscal_year_ends_on: date) -> date:
    """The last day it must be in an office of the adviser: the first two of those years."""
    return _years_after(fiscal_year_ends_on, OFFICE_YEARS)


def _years_after(day: date, years: int) -> date:
    """The same day of a later year; 29 February becomes 28 February where there is none."""
    leap_day = (day.month, day.day) == (2, 29) and (day.year + years) % 4
    return day.replace(year=day.year + years, day=28 if leap_day else day.day)
