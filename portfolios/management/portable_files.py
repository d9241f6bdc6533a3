"""Portable books for commands that need no database."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from django.core.management.base import CommandError

from rebalancer.engine.book import Book
from rebalancer.engine.portable import BadPortableBook, book_of


def read_book(path: Path) -> Book:
    """The book in a file.

    :raises CommandError: in one sentence, if there is none
    """
    try:
        return book_of(json.loads(path.read_bytes(), parse_float=Decimal, parse_constant=Decimal))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
    except BadPortableBook as error:
        raise CommandError(f"{path}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{path} is not JSON: {error}.") from None
