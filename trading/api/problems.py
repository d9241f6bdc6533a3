"""Problems as RFC 9457 says: what is wrong, for programs a code and pointers, for people a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from trading.services.custodian_api import refusals
from trading.services.custodian_api.refusals import Fault, Refusal

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:rebalancer:problem:"

STATUS_OF: Mapping[type[Refusal], HTTPStatus] = {
    refusals.NotThere: HTTPStatus.NOT_FOUND,
    refusals.Contradiction: HTTPStatus.CONFLICT,
    refusals.StillRunning: HTTPStatus.CONFLICT,
    refusals.Outdated: HTTPStatus.PRECONDITION_FAILED,
    refusals.Unacceptable: HTTPStatus.UNPROCESSABLE_ENTITY,
    refusals.KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
}
RETRY_SECONDS = 1


class Problem(Exception):
    """An answer that says why the call was not carried out."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.faults = faults
        self.headers = dict(headers or {})

    def body(self, *, instance: str, request_id: str) -> dict[str, Any]:
        return {
            "type": TYPE + self.code,
            "title": self.status.phrase,
            "status": self.status.value,
            "detail": self.detail,
            "instance": instance,
            "code": self.code,
            "request_id": request_id,
            "errors": [{"pointer": fault.pointer, "code": fault.code, "detail": fault.detail} for fault in self.faults],
        }


def problem_of(refusal: Refusal) -> Problem:
    """A service's refusal as an answer."""
    headers = {"Retry-After": str(RETRY_SECONDS)} if isinstance(refusal, refusals.StillRunning) else {}
    return Problem(STATUS_OF[type(refusal)], refusal.code, refusal.detail, faults=refusal.faults, headers=headers)


def not_found(what: str = "There is nothing here.") -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "not_found", what)
