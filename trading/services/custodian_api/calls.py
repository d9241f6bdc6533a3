"""A call is carried out once: its answer is stored with its effect, and a repeat gets the same answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from accounts.services import audit
from accounts.tenancy import firm_scope
from trading.models import ApiRequest
from trading.selectors.custodian_api import Caller
from trading.services.custodian_api.refusals import KeyReused, StillRunning

SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Call:
    """A POST: where to, under which idempotency key, and the hash of what it says."""

    method: str
    path: str
    key: str
    body_sha256: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call is answered with."""

    status: int
    body: Mapping[str, Any]
    is_replay: bool = False


def once(*, caller: Caller, call: Call, at: datetime, work: Callable[[], Answer]) -> Answer:
    """Carry a call out in one transaction with the record of its answer; a repeat gets that answer again.

    `work` undoes by itself what it began when it answers with a problem.

    :raises StillRunning: if the same call is being carried out now
    :raises KeyReused: if the key stands for a call that said something else
    """
    with firm_scope(caller.firm_id):
        _lock(caller, call)
        done = _stored(caller, call)
        if done is not None:
            audit_call(caller=caller, method=call.method, path=call.path, status=done.status, at=at, replayed=True)
            return done
        answer = work()
        if answer.status < SERVER_ERROR:
            _store(caller, call, answer, at)
        audit_call(caller=caller, method=call.method, path=call.path, status=answer.status, at=at)
        return answer


def audit_call(*, caller: Caller, method: str, path: str, status: int, at: datetime, replayed: bool = False) -> None:
    """Write a call into the firm's audit trail, in the caller's transaction."""
    audit.record(
        firm_id=caller.firm_id,
        at=at,
        actor=caller.actor,
        action="API_CALL",
        subject="api_request",
        subject_id=caller.request_id,
        method=method,
        path=path[:200],
        status=status,
        custodian=caller.credential.custodian_code,
        replayed=replayed,
    )


def _lock(caller: Caller, call: Call) -> None:
    """Held until the transaction ends, and let go when its process dies: nothing stays "running" for ever."""
    name = f"{caller.firm_id} {caller.credential.id} {call.method} {call.path} {call.key}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        if not cursor.fetchone()[0]:
            raise StillRunning("request_in_progress", "The same request is being carried out; ask again in a moment.")


def _stored(caller: Caller, call: Call) -> Answer | None:
    row = (
        ApiRequest.objects.for_firm(caller.firm_id)
        .filter(
            credential_id=caller.credential.id,
            method=call.method,
            path=call.path,
            idempotency_key=call.key,
        )
        .first()
    )
    if row is None:
        return None
    if row.body_sha256 != call.body_sha256:
        raise KeyReused("idempotency_key_reuse", "This Idempotency-Key was used before for another request.")
    return Answer(row.response_status or 0, row.response_body or {}, is_replay=True)


def _store(caller: Caller, call: Call, answer: Answer, at: datetime) -> None:
    ApiRequest.objects.for_firm(caller.firm_id).create(
        credential_id=caller.credential.id,
        method=call.method,
        path=call.path,
        idempotency_key=call.key,
        body_sha256=call.body_sha256,
        status=ApiRequest.Status.DONE,
        response_status=answer.status,
        response_body=dict(answer.body),
        requested_at=at,
    )
