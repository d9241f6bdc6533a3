"""What an answer of Alpaca's, or its absence, lets us conclude: one table for submits and cancels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from trading.custodians import alpaca_wire as wire
from trading.custodians.protocol import (
    Ambiguous,
    AmbiguousReason,
    NotSent,
    NotSentReason,
    RateLimit,
    RefusalReason,
    Refused,
)

# The code also stands for other malformed requests: the message decides (see `Alpaca.submit`).
DUPLICATE_CLIENT_ORDER_ID = "40010001"
NOT_CANCELABLE = 422


@dataclass(frozen=True, slots=True)
class Problem:
    code: str
    message: str


def error_of(answer: httpx.Response) -> Problem:
    """What the answer says went wrong; some of Alpaca's have no code, some no JSON."""
    try:
        body = wire.decode_object(answer.content)
    except wire.Unreadable:
        return Problem("", answer.text[:200].strip() or answer.reason_phrase)
    return Problem(str(body.get("code", "")), str(body.get("message") or answer.reason_phrase))


def rate_of(answer: httpx.Response) -> RateLimit | None:
    """The budget that the answer's headers state, if they state it whole."""
    try:
        return RateLimit(
            limit=int(answer.headers["X-RateLimit-Limit"]),
            remaining=int(answer.headers["X-RateLimit-Remaining"]),
            reset_at=datetime.fromtimestamp(int(answer.headers["X-RateLimit-Reset"]), UTC),
        )
    except (KeyError, ValueError, OverflowError):
        return None


# One status and one code stand for three different refusals: only the words tell them apart.
FORBIDDEN_WORDS: Mapping[str, RefusalReason] = {
    "buying power": RefusalReason.BUYING_POWER,
    "insufficient qty": RefusalReason.QUANTITY,
    "wash trade": RefusalReason.WASH_TRADE,
}


def _forbidden(problem: Problem) -> RefusalReason:
    words = problem.message.lower()
    if problem.code == "40310000":
        return next((reason for word, reason in FORBIDDEN_WORDS.items() if word in words), RefusalReason.FORBIDDEN)
    return RefusalReason.FORBIDDEN if problem.code else RefusalReason.AUTHENTICATION


def outcome_of_answer(answer: httpx.Response, *, cancelling: bool = False) -> Refused | NotSent | Ambiguous:
    """What an answer other than a success means for a submit or a cancel."""
    problem, status = error_of(answer), answer.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        rate = rate_of(answer)
        return NotSent(NotSentReason.RATE_LIMITED, problem.message, rate.reset_at if rate else None)
    if not httpx.codes.is_client_error(status) or status == httpx.codes.REQUEST_TIMEOUT:
        return Ambiguous(AmbiguousReason.SERVER_ERROR, f"{status} {problem.message}")
    if status == httpx.codes.UNAUTHORIZED:
        reason = RefusalReason.AUTHENTICATION
    elif status == httpx.codes.FORBIDDEN:
        reason = _forbidden(problem)
    elif status == httpx.codes.NOT_FOUND:
        reason = RefusalReason.NOT_FOUND
    else:
        reason = RefusalReason.NOT_CANCELABLE if cancelling and status == NOT_CANCELABLE else RefusalReason.INVALID
    return Refused(reason, problem.code, problem.message, status)


def outcome_of_failure(failed: httpx.RequestError) -> NotSent | Ambiguous:
    """What a request without an answer means: only when no byte can have left is it definitive."""
    text = str(failed) or type(failed).__name__
    if isinstance(failed, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return NotSent(NotSentReason.UNREACHABLE, text)
    reason = AmbiguousReason.TIMEOUT if isinstance(failed, httpx.TimeoutException) else AmbiguousReason.DISCONNECTED
    return Ambiguous(reason, text)
