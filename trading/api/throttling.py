"""How many calls a credential may make: counted for each minute in the cache that all web processes share."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from trading.api.problems import Problem

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 60


class Budget(StrEnum):
    """What a call counts against."""

    READS = "reads"
    WRITES = "writes"
    BATCHES = "batches"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a budget until the window ends."""

    limit: int
    remaining: int
    reset_seconds: int

    def headers(self) -> Mapping[str, str]:
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_seconds),
        }


def take(credential_id: int, budget: Budget, *, at: datetime) -> Allowance:
    """Count a call and tell what is left.

    A cache that cannot be reached stops nobody: the limit is a courtesy among callers who are known, not a wall.

    :raises Problem: 429 when nothing is left
    """
    limit = settings.CUSTODIAN_API_LIMITS[budget]
    window, elapsed = divmod(int(at.timestamp()), WINDOW_SECONDS)
    try:
        used = _count(f"api-calls:{credential_id}:{budget}:{window}")
    except RedisError as why:
        logger.warning("calls are not counted: %s", why)
        used = 0
    left = Allowance(limit, max(0, limit - used), WINDOW_SECONDS - elapsed)
    if used > limit:
        headers = {**left.headers(), "Retry-After": str(left.reset_seconds)}
        detail = f"No more than {limit} {budget} a minute; wait {left.reset_seconds} seconds."
        raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "rate_limited", detail, headers=headers)
    return left


def _count(key: str) -> int:
    cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
    return int(cache.incr(key))
