"""Problems and signs of life, as they go out."""

from __future__ import annotations

from typing import Literal

from trading.api.serializers.fields import Outgoing


class ErrorOut(Outgoing):
    """One thing wrong; `pointer` is a JSON Pointer into the body."""

    pointer: str
    code: str
    detail: str


class ProblemOut(Outgoing):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: list[ErrorOut]


class HealthOut(Outgoing):
    status: Literal["ok"]
    api: Literal["v1"]
