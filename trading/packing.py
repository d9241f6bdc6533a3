"""How a decision is packed into JSON and unpacked: decimals and days travel as text, so nothing is rounded on the way.

A leaf. The text is canonical (sorted keys, no spaces), so equal decisions have equal bytes and equal hashes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_PLAIN = frozenset({str, bool, int, float, type(None)})
TEXT_KEYS = frozenset({"lot_id", "symbol", "name", "code", "reason", "sentence", "id", "account_id"})


def pack(value: Any) -> Any:
    """Plain JSON values of a decision's parts: decimals and days as text, tuples as lists."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is dict:
        return {key if type(key) is str else str(key): pack(part) for key, part in value.items()}
    if kind is list or kind is tuple:
        return [pack(part) for part in value]
    return _packed(value)


def _packed(value: Any) -> Any:
    """What is rarer, or of a type derived from one of these."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): pack(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [pack(part) for part in value]
    return value


def unpack(value: Any, key: str = "") -> Any:
    """The other way round; what stands under a name or an id stays text."""
    if isinstance(value, Mapping):
        return {name: unpack(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [unpack(part, key) for part in value]
    if isinstance(value, str) and key not in TEXT_KEYS:
        if _NUMBER.fullmatch(value):
            return Decimal(value)
        if _DAY.fullmatch(value):
            return date.fromisoformat(value)
    return value


def canonical(value: Any) -> str:
    """A packed value's one text."""
    return json.dumps(pack(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Any) -> str:
    """SHA-256 (hexadecimal) of a packed value's canonical text."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def content_digest(parts: Iterable[tuple[int, Any]]) -> str:
    """What a proposal would do, as one hash: each account's id with its trades and their lots, in the order given."""
    return digest([{"account": account, "trades": trades} for account, trades in parts])


def inputs_digest(parts: Iterable[tuple[int, Any]], *, asked: Any, book: bytes) -> str:
    """What a proposal was made from, as one hash: each account's inputs, what was asked, and the packed book."""
    accounts = [{"account": account, "inputs": inputs} for account, inputs in parts]
    return digest({"accounts": accounts, "asked": asked, "book_sha256": hashlib.sha256(book).hexdigest()})
