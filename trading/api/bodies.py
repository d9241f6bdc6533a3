"""Reading what came in: bytes to frozen models, with a pointer to everything that is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from django.http import UnreadablePostError
from pydantic import BaseModel, RootModel, ValidationError
from rest_framework.request import Request

from trading.api.problems import Problem
from trading.services.custodian_api.refusals import Fault

MAX_BODY_BYTES = 50 * 1024 * 1024
NAMED_FAULTS = 1000
_Model = TypeVar("_Model", bound=BaseModel)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def read_body(request: Request) -> bytes:
    """The body as it came.

    :raises Problem: 411 without a length, 413 above 50 MB, 415 for anything but plain JSON, 400 if it breaks off
    """
    content_type = request.headers.get("Content-Type", "")
    media, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        detail = "Send JSON in UTF-8: Content-Type: application/json"
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding", "Send the body without encoding.")
    if "Transfer-Encoding" in request.headers and not request.headers.get("Content-Length"):
        raise Problem(HTTPStatus.LENGTH_REQUIRED, "length_required", "Send the body with its Content-Length.")
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", "A body may have 50 MB; send several batches.")
    try:
        return bytes(request._request.read())
    except UnreadablePostError as broken:
        raise Problem(HTTPStatus.BAD_REQUEST, "incomplete_body", "The body broke off.") from broken


def parse(model: type[_Model], body: bytes) -> _Model:
    """A body as a model.

    :raises Problem: 400 for what is not JSON, 422 for JSON that does not say what it should, with pointers
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as wrong:
        found = wrong.errors(include_url=False, include_input=False, include_context=False)
        if any(error["type"] == "json_invalid" for error in found):
            detail = f"{_plain(str(found[0]['msg']))}."
            raise Problem(HTTPStatus.BAD_REQUEST, "malformed_json", detail) from wrong
        skip = 1 if issubclass(model, RootModel) else 0
        detail = f"{len(found)} things in the body are not as they should be; nothing was done."
        faults = _faults(found, skip)
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_body", detail, faults=faults) from wrong


def parse_query(model: type[_Model], request: Request) -> _Model:
    """The query parameters as a model.

    :raises Problem: 400 for a parameter that is unknown, stands twice, or has a wrong value
    """
    given = request.query_params.lists()
    values: dict[str, Any] = {name: words[0] if len(words) == 1 else list(words) for name, words in given}
    try:
        return model.model_validate(values)
    except ValidationError as wrong:
        found = wrong.errors(include_url=False, include_input=False, include_context=False)
        detail = "; ".join(f"{_plain(str(error['loc'][0]))}: {error['msg']}" for error in found[:5] if error["loc"])
        raise Problem(HTTPStatus.BAD_REQUEST, "invalid_parameter", detail or "Wrong parameters.") from wrong


def _faults(found: Iterable[Any], skip: int) -> Sequence[Fault]:
    """Errors with their place in the body. A choice between several models puts its tag first: that is no place."""
    return [
        Fault(_pointer(error["loc"][skip:]), str(error["type"]), f"{_plain(str(error['msg']))}.")
        for error in list(found)[:NAMED_FAULTS]
    ]


def _pointer(path: Sequence[int | str]) -> str:
    parts = [_plain(str(part)).replace("~", "~0").replace("/", "~1") for part in path]
    return "".join(f"/{part}" for part in parts)


def _plain(text: str) -> str:
    """What may be echoed and stored: no control characters, and not for ever."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)[:300]
