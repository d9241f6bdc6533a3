"""The headers by which a POST says which call it is, and which version of a thing it speaks of."""

from __future__ import annotations

import hashlib
import re
from http import HTTPStatus

from rest_framework.request import Request

from trading.api.problems import Problem
from trading.services.custodian_api.calls import Call

KEY_PATTERN = r"^[!-~]{1,255}$"
ETAG_PATTERN = r'^"[0-9]{1,9}"$'
_KEY = re.compile(r"[!-~]{1,255}")
_ANY_ETAG = re.compile(r'\*|(W/)?"[!#-~]*"(\s*,\s*(W/)?"[!#-~]*")*')
_ETAG = re.compile(r'"([0-9]{1,9})"')


def idempotency_key(request: Request) -> str:
    """:raises Problem: 428 without the header, 400 for one that is no key"""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        detail = "Send an Idempotency-Key, a new one for each new call, the same one for a repeat."
        raise Problem(HTTPStatus.PRECONDITION_REQUIRED, "idempotency_key_missing", detail)
    if not _KEY.fullmatch(key):
        detail = "An Idempotency-Key has 1 to 255 printable ASCII characters without spaces."
        raise Problem(HTTPStatus.BAD_REQUEST, "bad_idempotency_key", detail)
    return key


def version_of(request: Request) -> int:
    """The version that If-Match names.

    :raises Problem: 428 without the header, 400 for one that names no ETag, 412 for an ETag that cannot be one of ours
    """
    given = request.headers.get("If-Match")
    if given is None:
        raise Problem(HTTPStatus.PRECONDITION_REQUIRED, "if_match_missing", "Send If-Match with the order's ETag.")
    if not _ANY_ETAG.fullmatch(given.strip()):
        raise Problem(HTTPStatus.BAD_REQUEST, "bad_if_match", 'If-Match names one ETag, as "3".')
    found = _ETAG.fullmatch(given.strip())
    if found is None:
        raise Problem(HTTPStatus.PRECONDITION_FAILED, "version_mismatch", "If-Match names no version of this order.")
    return int(found[1])


def etag(version: int) -> str:
    """A strong ETag."""
    return f'"{version}"'


def call_of(request: Request, path: str, key: str, body: bytes) -> Call:
    """The call as it is remembered. What it says is its body, and the version it speaks of."""
    said = hashlib.sha256(body)
    said.update(b"\0" + request.headers.get("If-Match", "").encode())
    return Call(request.method or "", path[:200], key, said.hexdigest())
