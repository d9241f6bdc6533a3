"""Cursors: where a page begins, signed so that nobody can make one up, and bound to one question."""

from __future__ import annotations

from http import HTTPStatus

from django.core import signing

from trading.api.problems import Problem

SALT = "custodian-api-cursor"


def cursor(question: str, place: int) -> str:
    """The cursor of the page that begins after a place in the answers to a question."""
    return signing.dumps([question, place], salt=SALT)


def place(question: str, given: str | None) -> int:
    """The place of a cursor; zero, the beginning, without one.

    :raises Problem: 400 for a cursor that is none of ours, or was given for another question
    """
    if given is None:
        return 0
    try:
        asked, found = signing.loads(given, salt=SALT)
    except signing.BadSignature:
        asked, found = None, 0
    if asked != question:
        raise Problem(HTTPStatus.BAD_REQUEST, "bad_cursor", "The cursor was not given for this question; begin again.")
    return int(found)
