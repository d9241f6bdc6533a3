"""How many requests a credential may still make: counted in Valkey for all workers and firms that share it.

A token bucket that holds a fifth of a minute's requests and refills at four fifths of them a minute, so that no sixty
seconds ever see more than the minute's number. A fifth of the bucket is kept for cancels and queries. While firms wait
for tokens of one credential, each gets an equal part of what comes in. What the custodian says of its own count lowers
ours.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import redis
from django.conf import settings
from redis.commands.core import Script
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.5
AWAY_SECONDS = 5.0
"""After a failure Valkey is not asked again for so long: waiting for it would hold up every cancel."""
ALONE_A_MINUTE = 20
"""Submits a minute that a process may make while nobody counts for all."""

_LUA = """
local moment = redis.call('TIME')
local now = tonumber(ARGV[1])
if now < 0 then now = moment[1] * 1000 + math.floor(moment[2] / 1000) end

local function bucket(key, minute)
    local burst = math.max(1, minute / 5)
    local held, at = unpack(redis.call('HMGET', key, 'tokens', 'at'))
    local passed = math.max(0, now - (tonumber(at) or now))
    local tokens = math.min(burst, (tonumber(held) or burst) + passed * minute * 0.8 / 60000)
    return tokens, burst
end
local function keep(key, tokens)
    redis.call('HSET', key, 'tokens', tostring(tokens), 'at', now)
    redis.call('PEXPIRE', key, 600000)
end
"""

_TAKE = (
    _LUA
    + """
local line, hungry, pace = KEYS[1], KEYS[2], KEYS[3]
local minute, a_minute, firm = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local submits, others = tonumber(ARGV[5]), tonumber(ARGV[6])
local told, blocked = unpack(redis.call('HMGET', line, 'limit', 'blocked'))
if told and (minute == 0 or tonumber(told) < minute) then minute = tonumber(told) end
if blocked and tonumber(blocked) > now then return {0, 0, tonumber(blocked) - now} end

local paced = bucket(pace, a_minute)
local can, asked, wait = math.min(submits, math.floor(paced)), others, 0
if can < submits then wait = math.max(1000, 75000 / a_minute) end
if minute > 0 then
    local tokens, burst = bucket(line, minute)
    asked = math.min(others, math.floor(tokens))
    tokens = tokens - asked
    local reserve = math.floor(burst / 5)
    local wanted = can
    can = math.max(0, math.min(can, math.floor(tokens - reserve)))
    redis.call('ZREMRANGEBYSCORE', hungry, '-inf', now - 5000)
    redis.call('ZREM', hungry, firm)
    local firms = redis.call('ZCARD', hungry) + 1
    local part = 'part:' .. firm
    if firms > 1 then
        local held, at = unpack(redis.call('HMGET', line, part, part .. ':at'))
        local passed = math.max(0, now - (tonumber(at) or now))
        local share = (tonumber(held) or 0) + passed * minute * 0.8 / 60000 / firms
        share = math.min(share, math.max(1, (burst - reserve) / firms))
        can = math.min(can, math.floor(share))
        redis.call('HSET', line, part, tostring(share - can), part .. ':at', now)
    else
        redis.call('HDEL', line, part, part .. ':at')
    end
    if can < wanted then
        redis.call('ZADD', hungry, now, firm)
        redis.call('PEXPIRE', hungry, 60000)
    end
    if can < wanted or asked < others then wait = math.max(wait, 1000, firms * 75000 / minute) end
    keep(line, tokens - can)
end
keep(pace, paced - can)
return {can, asked, math.ceil(wait)}
"""
)

_LEARN = (
    _LUA
    + """
local limit, remaining, reset = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('HSET', KEYS[1], 'limit', limit)
local tokens = bucket(KEYS[1], limit)
keep(KEYS[1], math.min(tokens, remaining))
if remaining <= 0 and reset > now then redis.call('HSET', KEYS[1], 'blocked', reset) end
return 0
"""
)

_LEFT = (
    _LUA
    + """
local minute = tonumber(ARGV[2])
local told, blocked = unpack(redis.call('HMGET', KEYS[1], 'limit', 'blocked'))
if told and (minute == 0 or tonumber(told) < minute) then minute = tonumber(told) end
if minute == 0 then return {-1, 0} end
if blocked and tonumber(blocked) > now then return {0, minute} end
local tokens = bucket(KEYS[1], minute)
return {math.floor(tokens), minute}
"""
)


@dataclass(frozen=True, slots=True)
class Purse:
    """Whose requests are counted: a credential, and the requests a minute that it is configured for, 0 if unknown."""

    credential: str
    a_minute: int = 0

    @property
    def key(self) -> str:
        return f"budget:{self.credential}"


@dataclass(frozen=True, slots=True)
class Granted:
    """How many requests may be made now, and after what time there are more."""

    submits: int
    others: int
    wait: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Left:
    """Requests that may be made at once, and in a minute."""

    left: int
    a_minute: int


def take(
    purse: Purse, *, firm_id: int, submits: int, others: int, orders_a_minute: int, now: datetime | None = None
) -> Granted:
    """Take tokens for a batch in one call. Cancels and queries go before submits.

    Without Valkey cancels and queries pass, and submits beyond a small allowance of this process do not.

    :param now: for tests; Valkey's own clock otherwise, which is the same for all workers
    """
    keys = [purse.key, f"{purse.key}:hungry", f"pace:{firm_id}"]
    words = [_ms(now), purse.a_minute, orders_a_minute, firm_id, submits, others]
    found = _run(_TAKE, keys, words)
    if found is None:
        return Granted(_alone(purse.credential, submits), others, timedelta(seconds=AWAY_SECONDS))
    return Granted(found[0], found[1], timedelta(milliseconds=found[2]))


def learn(purse: Purse, *, limit: int, remaining: int, reset_at: datetime, now: datetime | None = None) -> None:
    """Take over what the custodian's last answer said of its own count; it never raises ours."""
    _run(_LEARN, [purse.key], [_ms(now), limit, max(0, remaining), _ms(reset_at)])


def left(purse: Purse, *, now: datetime | None = None) -> Left | None:
    """What is left of a credential's budget; nothing where no limit is known or Valkey is away."""
    found = _run(_LEFT, [purse.key], [_ms(now), purse.a_minute])
    return None if found is None or found[0] < 0 else Left(found[0], found[1])


def _ms(at: datetime | None) -> int:
    return -1 if at is None else int((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


class _Away:
    """Until when Valkey is not asked, and what this process has allowed itself meanwhile."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.until = 0.0
        self.used: dict[tuple[str, int], int] = defaultdict(int)


_away = _Away()


@cache
def _script(url: str, text: str) -> Script:
    client = redis.Redis.from_url(url, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS)
    return client.register_script(text)


def _run(text: str, keys: list[str], words: list[int]) -> list[int] | None:
    if time.monotonic() < _away.until:
        return None
    try:
        answer = _script(settings.REDIS_URL, text)(keys=keys, args=words)
    except RedisError as why:
        _away.until = time.monotonic() + AWAY_SECONDS
        logger.warning("requests to custodians are not counted, so few orders are sent: %s", why)
        return None
    return [int(part) for part in answer] if isinstance(answer, list) else []


def _alone(credential: str, submits: int) -> int:
    minute = int(time.monotonic() // 60)
    with _away.lock:
        for old in [key for key in _away.used if key[1] < minute]:
            del _away.used[old]
        granted = min(submits, ALONE_A_MINUTE - _away.used[credential, minute])
        _away.used[credential, minute] += granted
    return granted
