"""What markets and funds ask of orders on a day. Shared by all firms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal

from django.db.models import Q

from portfolios.models import FundTerms, TickSize


@dataclass(frozen=True, slots=True)
class Terms:
    """A mutual fund's cut-off, New York time of a full day, and the settlement days after its trade day."""

    cut_off_at: time = time(16, 0)
    settle_days: int = 1


DEFAULT_TERMS = Terms()
"""A fund's price is struck at the close (Rule 22c-1), and it settles like a stock (Rule 15c6-1)."""


def tick_sizes(security_ids: Sequence[int], *, on: date) -> Mapping[int, Decimal]:
    """By security id, the step of its prices from a dollar on; one to which none was assigned is absent."""
    in_force = Q(starts_on__lte=on) & (Q(ends_on=None) | Q(ends_on__gt=on))
    rows = TickSize.objects.filter(in_force, security_id__in=security_ids).order_by("security_id", "starts_on")
    return dict(rows.values_list("security_id", "increment"))


def fund_terms(security_ids: Sequence[int]) -> Mapping[tuple[int, int | None], Terms]:
    """By security id and custodian id, None for every custodian."""
    rows = FundTerms.objects.filter(security_id__in=security_ids).order_by("id")
    names = ("security_id", "custodian_id", "cut_off_at", "settle_days")
    return {(security, custodian): Terms(at, days) for security, custodian, at, days in rows.values_list(*names)}


def terms_at(terms: Mapping[tuple[int, int | None], Terms], security_id: int, custodian_id: int) -> Terms:
    """The custodian's own terms for the fund, else those of every custodian, else the usual ones."""
    return terms.get((security_id, custodian_id)) or terms.get((security_id, None)) or DEFAULT_TERMS
