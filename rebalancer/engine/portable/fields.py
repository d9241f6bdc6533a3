"""JSON objects read field by field; every complaint names the place."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from rebalancer.engine import money

LARGEST = 10**12
Member = TypeVar("Member", bound=StrEnum)


class BadPortableBook(ValueError):
    """A portable book that cannot be read; the message is a sentence: where (account and field), and what is wrong."""


class Source:
    """A JSON object and the place it stands at. Its methods raise `BadPortableBook` for what is missing or wrong."""

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, Mapping):
            raise BadPortableBook(f"{where} must be an object, not {shown(value)}.")
        self.value = value
        self.where = where

    def names(self) -> Iterator[str]:
        return iter(self.value)

    def __contains__(self, name: str) -> bool:
        return name in self.value

    def field(self, name: str) -> Any:
        if name not in self.value:
            raise BadPortableBook(f"{self.where}: {name} is missing.")
        return self.value[name]

    def complain(self, name: str, wanted: str) -> BadPortableBook:
        return BadPortableBook(f"{self.where}: {name} must be {wanted}, not {shown(self.value.get(name))}.")

    def text(self, name: str, default: str | None = None) -> str:
        value = self.field(name) if default is None else self.value.get(name, default)
        if not isinstance(value, str) or (default is None and not value):
            raise self.complain(name, "a text")
        return value

    def number(self, name: str, *, default: Decimal | None = None, least: Decimal | None = Decimal(0)) -> Decimal:
        """Of at most six decimals; `least` None allows what is negative."""
        value = self.field(name) if default is None else self.value.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
            raise self.complain(name, "a number")
        amount = Decimal(value)
        if least is not None and amount < least:
            raise self.complain(name, f"{least} or more")
        if abs(amount) > LARGEST:
            raise self.complain(name, f"at most {LARGEST:,}")
        if amount != money.micro(amount):
            raise self.complain(name, "a number of at most six decimals")
        return amount

    def positive(self, name: str) -> Decimal:
        value = self.number(name)
        if not value:
            raise self.complain(name, "more than 0")
        return value

    def whole(self, name: str) -> int:
        value = self.number(name)
        if value != value.to_integral_value():
            raise self.complain(name, "a whole number")
        return int(value)

    def flag(self, name: str, default: bool) -> bool:
        value = self.value.get(name, default)
        if not isinstance(value, bool):
            raise self.complain(name, "true or false")
        return value

    def member(self, name: str, kind: type[Member]) -> Member:
        value = self.field(name)
        if value not in list(kind):
            raise self.complain(name, " or ".join(kind))
        return kind(value)

    def day(self, name: str) -> date:
        text = self.text(name)
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise self.complain(name, "a date like 2026-01-05") from None

    def object(self, name: str) -> Source:
        return Source(self.field(name), f"{self.where}: {name}")

    def items(self, name: str, *, default: bool = False) -> list[Any]:
        value = self.value.get(name, []) if default else self.field(name)
        if not isinstance(value, list):
            raise self.complain(name, "a list")
        return value

    def symbols(self, name: str, known: Collection[str]) -> list[str]:
        """An optional list of symbols that have a price."""
        found = self.items(name, default=True)
        for symbol in found:
            if not isinstance(symbol, str) or symbol not in known:
                raise BadPortableBook(f"{self.where}: {name} names {shown(symbol)}, which has no price.")
        return found

    def words(self, name: str) -> dict[str, str]:
        """An optional object of texts."""
        inner = Source(self.value.get(name, {}), f"{self.where}: {name}")
        return {key: inner.text(key) for key in inner.names()}


def shown(value: Any) -> str:
    """A value as a complaint quotes it, cut short."""
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
