"""The kinds of values that the API speaks in. Numbers with decimals are strings: no float ever stands between us."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

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


def _positive(text: str) -> Decimal:
    number = Decimal(text)
    if number <= 0:
        raise PydanticCustomError("not_positive", "It must be more than zero")
    return number


@dataclass(frozen=True, slots=True)
class Text:
    """A value that travels as a string of a form, and what reads it."""

    pattern: str
    read: Callable[[str], Any]
    description: str
    format: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            self.read, core_schema.str_schema(pattern=self.pattern), serialization=core_schema.to_string_ser_schema()
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = {"type": "string", "pattern": self.pattern, "description": self.description}
        return {**schema, "format": self.format} if self.format else schema


def _number(digits: int, places: int, *, sign: bool = False) -> str:
    """Plain notation, without superfluous zeros in front, so that every number has a bounded size."""
    return rf"^{'-?' if sign else ''}(0|[1-9][0-9]{{0,{digits - 1}}})(\.[0-9]{{1,{places}}})?$"


Shares = Annotated[Decimal, Text(_number(9, 6, sign=True), Decimal, "Shares, a decimal in a string.")]
SharesHeld = Annotated[Decimal, Text(_number(9, 6), Decimal, "Shares, not negative, a decimal in a string.")]
Price = Annotated[Decimal, Text(_number(7, 6), _positive, "Dollars a share, more than zero, a decimal in a string.")]
Money = Annotated[Decimal, Text(_number(11, 2, sign=True), Decimal, "Dollars, to the cent, a decimal in a string.")]
Fee = Annotated[Decimal, Text(_number(11, 2), Decimal, "Dollars, to the cent, not negative, in a string.")]
Basis = Annotated[Decimal, Text(_number(11, 6), Decimal, "Dollars, not negative, a decimal in a string.")]
Total = Annotated[Decimal, Text(_number(16, 6, sign=True), Decimal, "The sum over the records, in a string.")]
Day = Annotated[date, Text(f"^{_DAY}$", _day, "A day from 1900 to 2100, as 2026-11-20.", "date")]
Moment = Annotated[datetime, Text(f"^{_MOMENT}$", _moment, "RFC 3339 in UTC, as 2026-11-20T15:30:00Z.", "date-time")]

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
