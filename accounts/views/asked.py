"""What an address or a form asks for, made safe to pass on: text without NULs and of bounded length, ids that fit."""

from __future__ import annotations

from datetime import date

from django.http import QueryDict

SEARCH_LENGTH = 80
NOTE_LENGTH = 400
LARGEST_ID = 2**63 - 1


def text_of(query: QueryDict, name: str, *, length: int = SEARCH_LENGTH) -> str:
    """The trimmed text under a name; empty if there is none."""
    return query.get(name, "").replace("\x00", "").strip()[:length]


def id_of(query: QueryDict, name: str) -> int | None:
    """The row's id under a name; nothing if it is none."""
    return parsed_id(query.get(name, ""))


def day_of(query: QueryDict, name: str) -> date | None:
    """The day under a name, as a form sends it; nothing if it is none."""
    try:
        return date.fromisoformat(text_of(query, name, length=10))
    except ValueError:
        return None


def parsed_id(text: str) -> int | None:
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        return None
    number = int(text)
    return number if 0 < number <= LARGEST_ID else None
