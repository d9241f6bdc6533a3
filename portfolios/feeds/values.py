"""From text to exact values. A word for "nothing" is absent, never zero; "NA" is a ticker."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

from portfolios.feeds.records import Code
from portfolios.feeds.text import shown
from rebalancer.engine.money import BadNumber, parse_decimal

_ABSENT = frozenset({"", "-", "--", "n/a", "not available", "unavailable"})
_SYMBOL = re.compile(r"-?[A-Z0-9][A-Z0-9 ./&+*-]{0,31}")
_CUSIP = re.compile(r"(?=.*[0-9])[0-9A-Z*@#]{9}")
_ACCOUNT = re.compile(r"[A-Za-z0-9.*-][A-Za-z0-9.* -]{0,31}")
_CURRENCIES = frozenset(
    (
        *("USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "HKD", "SGD", "CNH", "CNY"),
        *("MXN", "ILS", "ZAR", "PLN", "CZK", "HUF", "INR", "KRW"),
    )
)
_LIMIT = Decimal(10) ** 12


class RowFault(Exception):
    """A row that cannot be used, with the code and the sentence of why."""

    def __init__(self, code: Code, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def is_absent(text: str) -> bool:
    return text.lower() in _ABSENT


def number_or_none(text: str, what: str) -> Decimal | None:
    """The number, or None where the file says there is none.

    :raises RowFault: when it is something else than a number, or too large to be true
    """
    if is_absent(text):
        return None
    try:
        value = parse_decimal(text)
    except BadNumber:
        raise RowFault(Code.BAD_NUMBER, f"the {what} {shown(text)} is not a number") from None
    if abs(value) >= _LIMIT:
        raise RowFault(Code.BAD_NUMBER, f"the {what} {shown(text)} is too large to be true")
    return value


def number(text: str, what: str) -> Decimal:
    """:raises RowFault: as `number_or_none`, and when there is none"""
    value = number_or_none(text, what)
    if value is None:
        raise RowFault(Code.MISSING_VALUE, f"the {what} is missing")
    return value


def amount_or_none(text: str, what: str) -> Decimal | None:
    """A price, a basis or a gain, to the millionth at most; None where the file says there is none.

    :raises RowFault: as `number_or_none`, and for more decimals
    """
    value = number_or_none(text, what)
    return None if value is None else _within(value, 6, text, what)


def amount(text: str, what: str) -> Decimal:
    """:raises RowFault: as `amount_or_none`, and when there is none"""
    return _within(number(text, what), 6, text, what)


def quantity(text: str, what: str) -> Decimal:
    """Shares, to the millionth at most.

    :raises RowFault: as `amount`
    """
    return amount(text, what)


def dollars(text: str, what: str) -> Decimal:
    """Money that moves, to the cent.

    :raises RowFault: as `amount`, and for parts of a cent
    """
    return _within(number(text, what), 2, text, what)


def _within(value: Decimal, places: int, text: str, what: str) -> Decimal:
    if decimals(value.normalize()) > places:
        raise RowFault(Code.BAD_NUMBER, f"the {what} {shown(text)} has more than {places} decimals")
    return value


def decimals(value: Decimal) -> int:
    """How many decimals a number was printed with."""
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def day(text: str, what: str, formats: tuple[str, ...] = ("%Y-%m-%d",)) -> date:
    """:raises RowFault: when the text has none of the formats"""
    for form in formats:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    raise RowFault(Code.BAD_DATE, f"the {what} {shown(text)} is not a date")


def symbol(text: str, what: str = "symbol") -> str:
    """A ticker, an option's code or a CUSIP, in capitals.

    :raises RowFault: for anything else, such as a spreadsheet formula
    """
    if not text:
        raise RowFault(Code.MISSING_VALUE, f"the {what} is missing")
    if not _SYMBOL.fullmatch(text.upper()):
        raise RowFault(Code.BAD_ROW, f"{shown(text)} is not a {what}")
    return text.upper()


def is_cusip(text: str) -> bool:
    return bool(_CUSIP.fullmatch(text))


def cusip(text: str, what: str = "CUSIP") -> str:
    """Nine characters as printed, leading zeros kept; blank where there is none.

    :raises RowFault: for anything else
    """
    if is_absent(text):
        return ""
    if not is_cusip(text.upper()):
        raise RowFault(Code.BAD_ROW, f"{shown(text)} is not a {what} of nine characters")
    return text.upper()


def account_number(text: str, what: str = "account number") -> str:
    """:raises RowFault: when it is missing or is not what account numbers look like"""
    if not _ACCOUNT.fullmatch(text):
        raise RowFault(Code.NO_ACCOUNT, f"{shown(text)} is not an {what}" if text else f"the {what} is missing")
    return text


def currency(text: str, what: str = "currency") -> str:
    """An ISO 4217 code of a currency that custodians report; dollars where the file leaves it blank.

    :raises RowFault: for an unknown one
    """
    code = text.upper() or "USD"
    if code not in _CURRENCIES:
        raise RowFault(Code.UNKNOWN_WORD, f"{shown(text)} is not a {what} we know")
    return code


def whole(text: str, what: str) -> int | None:
    """:raises RowFault: when it is not a whole number, or negative"""
    value = number_or_none(text, what)
    if value is None:
        return None
    if value < 0 or value != value.to_integral_value():
        raise RowFault(Code.BAD_NUMBER, f"the {what} {shown(text)} is not a whole number")
    return int(value)


def flag(text: str, what: str) -> bool | None:
    """:raises RowFault: for a word other than yes or no, true or false"""
    if is_absent(text):
        return None
    word = text.lower()
    if word not in ("yes", "no", "true", "false"):
        raise RowFault(Code.UNKNOWN_WORD, f"the {what} {shown(text)} is neither yes nor no")
    return word in ("yes", "true")


def text(value: str, what: str) -> str:
    """:raises RowFault: when it is blank"""
    if not value:
        raise RowFault(Code.MISSING_VALUE, f"the {what} is missing")
    return value


def one_of(*words: str) -> Callable[[str, str], str]:
    """A reader of one of these words, in any case; it raises RowFault for another."""

    def read(value: str, what: str) -> str:
        if value.upper() not in words:
            raise RowFault(Code.UNKNOWN_WORD, f"the {what} {shown(value)} is none of {', '.join(words)}")
        return value.upper()

    return read


def iso_day(value: str, what: str) -> date:
    """:raises RowFault: when it is not written as 2026-01-31"""
    return day(value, what)
