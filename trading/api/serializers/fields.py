"""The kinds of values that the API speaks in. Numbers with decimals are strings: no float ever stands between us."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainSerializer, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2100, 12, 31)
_MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"


class Incoming(BaseModel):
    """What comes in: nothing that is not named, nothing turned into something else."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Outgoing(BaseModel):
    """What goes out. Later releases add fields."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError("date", "This day is in no calendar") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise PydanticCustomError("date", "A day from 1900 to 2100 is wanted")
    return day


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError("moment", "This moment is in no calendar") from None
    _day(text[:10])
    return at.astimezone(UTC)


def _positive(number: Decimal) -> Decimal:
    if number <= 0:
        raise PydanticCustomError("not_positive", "It must be more than zero")
    return number


def _number(digits: int, places: int, *, sign: bool) -> str:
    return rf"^{'-?' if sign else ''}(0|[1-9][0-9]{{0,{digits - 1}}})(\.[0-9]{{1,{places}}})?$"


def _decimal(digits: int, places: int, *, sign: bool, description: str) -> Any:
    """A decimal in plain notation, as a string."""
    return (
        StringConstraints(pattern=_number(digits, places, sign=sign)),
        AfterValidator(Decimal),
        WithJsonSchema(
            {"type": "string", "pattern": _number(digits, places, sign=sign), "description": description},
            mode="validation",
        ),
    )


Shares = Annotated[Decimal, *_decimal(9, 6, sign=True, description="Shares, a decimal in a string.")]
SharesHeld = Annotated[Decimal, *_decimal(9, 6, sign=False, description="Shares, not negative.")]
Price = Annotated[Decimal, *_decimal(7, 6, sign=False, description="Dollars a share."), AfterValidator(_positive)]
Money = Annotated[Decimal, *_decimal(11, 2, sign=True, description="Dollars, to the cent.")]
Fee = Annotated[Decimal, *_decimal(11, 2, sign=False, description="Dollars, to the cent, not negative.")]
Basis = Annotated[Decimal, *_decimal(11, 6, sign=False, description="Dollars, not negative.")]
Total = Annotated[Decimal, *_decimal(16, 6, sign=True, description="A sum over the records.")]

Day = Annotated[
    date,
    StringConstraints(pattern=f"^{_DAY}$"),
    AfterValidator(_day),
    WithJsonSchema({"type": "string", "format": "date", "pattern": f"^{_DAY}$"}, mode="validation"),
]
Moment = Annotated[
    datetime,
    StringConstraints(pattern=f"^{_MOMENT}$"),
    AfterValidator(_moment),
    WithJsonSchema(
        {"type": "string", "pattern": f"^{_MOMENT}$", "description": "RFC 3339, in UTC."}, mode="validation"
    ),
]

AccountNumber = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,32}$")]
Symbol = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z][0-9A-Z./-]{0,15}$")]
Cusip = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z*@#]{9}$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
OrderId = Annotated[str, StringConstraints(pattern=r"^ord_[0-9A-Za-z-]{1,29}$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=120)]
Sentence = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", min_length=1, max_length=200)]


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}" if number else "0"


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


Number = Annotated[
    Decimal,
    PlainSerializer(_plain, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}, mode="serialization"),
]
Timestamp = Annotated[
    datetime,
    PlainSerializer(_utc, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
