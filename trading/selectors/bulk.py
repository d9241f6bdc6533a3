"""Several proposals at once, as they are shown before somebody decides on them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from rebalancer.engine.money import ZERO
from trading.models import Proposal

OPEN = (Proposal.Status.PENDING, Proposal.Status.AWAITING_SECOND)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proposal that waits for a decision. Dollars; `seen` is the hash of the trades that are shown."""

    id: int
    household: str
    seen: str
    value: Decimal
    turnover: Decimal
    gain_short: Decimal
    gain_long: Decimal
    tax: Decimal
    trades: int
    needs_two: bool


@dataclass(frozen=True, slots=True)
class Sums:
    """Over all candidates."""

    count: int
    trades: int
    value: Decimal
    turnover: Decimal
    tax: Decimal
    need_two: int


def candidates(firm_id: int, proposal_ids: Sequence[int]) -> list[Candidate]:
    """Those of these proposals that wait for a decision, in the order given."""
    rows = Proposal.objects.for_firm(firm_id).filter(pk__in=proposal_ids, status__in=OPEN)
    found = {
        row.pk: Candidate(
            id=row.pk,
            household=row.household.name,
            seen=row.content_sha256,
            value=row.value,
            turnover=row.turnover,
            gain_short=row.gain_short,
            gain_long=row.gain_long,
            tax=row.tax,
            trades=row.trade_count,
            needs_two=row.needs_two,
        )
        for row in rows.select_related("household").defer("book")
    }
    return [found[pk] for pk in dict.fromkeys(proposal_ids) if pk in found]


def sums_of(found: Sequence[Candidate]) -> Sums:
    return Sums(
        count=len(found),
        trades=sum(one.trades for one in found),
        value=sum((one.value for one in found), ZERO),
        turnover=sum((one.turnover for one in found), ZERO),
        tax=sum((one.tax for one in found), ZERO),
        need_two=sum(one.needs_two for one in found),
    )
