"""Changing the hold ranges of an account, as long as they are still what was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from accounts.models import Account
from accounts.services import audit
from portfolios.models import HoldRange, Security, SecurityKind
from portfolios.selectors.hold_ranges import ranges_digest, ranges_of, said

Unit = HoldRange.Unit
TOO_MUCH = Decimal(10) ** 9
_PLACES = {Unit.SHARES: 6, Unit.DOLLARS: 2, Unit.WEIGHT: 6}
_EXACT = {
    Unit.SHARES: "Write shares with six decimals at most.",
    Unit.DOLLARS: "Write cents with two places at most.",
    Unit.WEIGHT: "Write percent with four decimals at most.",
}


class AccountNotFound(LookupError):
    """The firm has no such account."""


class RangesMoved(RuntimeError):
    """Somebody else changed the account's ranges since they were looked at."""


class InvalidRange(ValueError):
    """A range that cannot be; the sentence says what to change. Nothing was stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How much of a security is kept: shares, dollars, or fractions of the account's value; None: no such end.

    :raises InvalidRange: if there is no end, they are the wrong way round, or an end is out of reach or not exact
    """

    security_id: int
    unit: str
    lowest: Decimal | None
    highest: Decimal | None
    reason: str

    def __post_init__(self) -> None:
        ends = [end for end in (self.lowest, self.highest) if end is not None]
        if not ends:
            raise InvalidRange("Say at least one end: how much is kept at least, or at most.")
        if any(end < 0 or end >= TOO_MUCH for end in ends):
            raise InvalidRange("An end must be 0 or more, and less than a billion.")
        if self.unit == Unit.WEIGHT and any(end > 1 for end in ends):
            raise InvalidRange("An account has 100 percent: write 5 for 5 percent.")
        if any(end != round(end, _PLACES[Unit(self.unit)]) for end in ends):
            raise InvalidRange(_EXACT[Unit(self.unit)])
        if self.lowest is not None and self.highest is not None and self.lowest > self.highest:
            raise InvalidRange("At least is more than at most: exchange them.")
        if not self.reason:
            raise InvalidRange("Say why, in a few words: whoever reads it later was not there.")


@transaction.atomic
def set_hold_range(*, firm_id: int, account_id: int, kept: Kept, seen: str, by: str, at: datetime) -> bool:
    """Keep a security of an account in a range, in place of the one it has; whether anything is different now.

    :param seen: `ranges_digest` of the account's ranges that were looked at
    :raises AccountNotFound: if the firm has no such account
    :raises InvalidRange: if there is no such security, or it is a sweep fund, which is cash
    :raises RangesMoved: if the account's ranges are others by now; nothing is stored then
    """
    rows = _locked(firm_id, account_id, seen)
    security = Security.objects.filter(pk=kept.security_id).first()
    if security is None or security.kind == SecurityKind.SWEEP:
        raise InvalidRange("Choose a security of the list: cash cannot be kept in a range.")
    row = rows.get(security.pk) or HoldRange(account_id=account_id, security=security)
    before = said(row) if row.pk else None
    row.unit, row.lowest, row.highest, row.reason = kept.unit, kept.lowest, kept.highest, kept.reason
    if before == said(row):
        return False
    row.firm_id = firm_id
    row.save()
    _record(firm_id, account_id, by, at, "HOLD_RANGE_SET", symbol=security.symbol, before=before, after=said(row))
    return True


@transaction.atomic
def drop_hold_range(*, firm_id: int, account_id: int, security_id: int, seen: str, by: str, at: datetime) -> bool:
    """Keep a security of an account in no range any more; whether it was in one.

    :param seen: `ranges_digest` of the account's ranges that were looked at
    :raises AccountNotFound: if the firm has no such account
    :raises RangesMoved: if the account's ranges are others by now; nothing is changed then
    """
    row = _locked(firm_id, account_id, seen).get(security_id)
    if row is None:
        return False
    before, symbol = said(row), row.security.symbol
    row.delete()
    _record(firm_id, account_id, by, at, "HOLD_RANGE_DROPPED", symbol=symbol, before=before, after=None)
    return True


def _locked(firm_id: int, account_id: int, seen: str) -> dict[int, HoldRange]:
    """The account's ranges by security, which nobody else can change until the end of the transaction."""
    if not Account.objects.for_firm(firm_id).select_for_update().filter(pk=account_id).exists():
        raise AccountNotFound(account_id)
    rows = ranges_of(firm_id, account_id)
    if ranges_digest(rows) != seen:
        raise RangesMoved(
            "Somebody changed this account's ranges while you worked on them, so nothing was stored. "
            "Below is what is stored now. Save again if it is still right."
        )
    return {row.security_id: row for row in rows}


def _record(firm_id: int, account_id: int, by: str, at: datetime, action: str, **payload: object) -> None:
    audit.record(firm_id=firm_id, at=at, actor=by, action=action, subject="account", subject_id=account_id, **payload)
