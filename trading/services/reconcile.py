"""Comparing our positions and cash with the custodian's. A custodian that does not answer is not zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from accounts.models import Account
from accounts.tenancy import firm_scope
from portfolios.models import CashBalance, Position
from portfolios.models.securities import SecurityKind
from rebalancer.engine.money import ZERO, cents
from trading.connections import CUSTODIAN_API, Line, open_line
from trading.custodians.protocol import Custodian, QueryFailed
from trading.models import BrokerConnection, Execution, InboundEvent, Order, ReconBreak
from trading.selectors.breaks import STANDING
from trading.services.breaks import close_gone, open_break
from trading.services.lines import line_of

ASKERS = 8
MOST_SPLIT, FEW = 50, 4
"""Splits are of few shares into some, or of some into few: 2 for 1, 3 for 2, 1 for 20."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Over a firm: absolute cash differences in cents, positions that differ, what the books have not taken.

    `not_asked` accounts could not be compared: nothing is known of them, least of all that they agree.
    """

    cash_difference_cents: int
    share_differences: int
    unapplied_rows: int
    not_asked: int = 0


@dataclass(frozen=True, slots=True)
class _Place:
    """An account and who holds it."""

    account_id: int
    name: str
    number: str
    line: Line


@dataclass(frozen=True, slots=True)
class _Holding:
    """Cash in dollars, and shares by symbol."""

    cash: Decimal
    shares: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class _Difference:
    place: _Place
    kind: str
    subject: str
    ours: Decimal
    theirs: Decimal

    def sentence(self) -> str:
        what = "cash" if self.kind == "CASH" else f"{self.subject} shares"
        told = f"{self.place.name}: our books have {self.ours:,f} {what}, the custodian {self.theirs:,f}."
        return f"{told} That is as after a split of {_split(self.ours, self.theirs)}." if self.kind == "SPLIT" else told


def reconcile(*, firm_id: int, now: datetime) -> Reconciliation:
    """Ask for every account on a connection, open a break for each difference, and close those that are gone.

    Of an account that could not be asked, what is known stands as it is, beside a break that says so.
    """
    with firm_scope(firm_id):
        places = _places(firm_id)
    told = _ask(places)
    asked = [place for place in places if isinstance(told[place.account_id], _Holding)]
    with firm_scope(firm_id):
        ours = _ours(firm_id, [place.account_id for place in asked])
        found = [
            part
            for place in asked
            if isinstance(theirs := told[place.account_id], _Holding)
            for part in _compare(place, ours[place.account_id], theirs)
        ]
        _write_breaks(firm_id, asked, found, now)
        for place in places:
            why = told[place.account_id]
            if isinstance(why, QueryFailed):
                _not_asked(firm_id, place, why, now)
        return Reconciliation(
            cash_difference_cents=sum(int(abs(d.ours - d.theirs) * 100) for d in found if d.kind == "CASH"),
            share_differences=sum(d.kind != "CASH" for d in found),
            unapplied_rows=_unapplied(firm_id),
            not_asked=len(places) - len(asked),
        )


def _not_asked(firm_id: int, place: _Place, why: QueryFailed, now: datetime) -> None:
    open_break(
        firm_id=firm_id,
        kind="QUERY_FAILED",
        subject="account",
        sentence=f"{place.name} could not be compared: {why}",
        account_id=place.account_id,
        connection_id=place.line.connection_id,
        at=now,
    )


def _split(ours: Decimal, theirs: Decimal) -> str:
    """`2 for 1` where the custodian's shares are ours by a ratio that splits have; empty otherwise."""
    if ours <= 0 or theirs <= 0:
        return ""
    ratio = Fraction(theirs) / Fraction(ours)
    new, old = ratio.numerator, ratio.denominator
    return f"{new} for {old}" if new != old and max(new, old) <= MOST_SPLIT and min(new, old) <= FEW else ""


def _places(firm_id: int) -> list[_Place]:
    rows = BrokerConnection.objects.for_firm(firm_id).exclude(adapter=CUSTODIAN_API).order_by("-id")
    lines = {row.custodian_id: line_of(row) for row in rows}
    accounts = Account.objects.for_firm(firm_id).filter(custodian__in=lines).exclude(status=Account.Status.CLOSED)
    return [_Place(row.pk, str(row), row.number, lines[row.custodian_id]) for row in accounts.order_by("id")]


def _ask(places: Sequence[_Place]) -> dict[int, _Holding | QueryFailed]:
    with ExitStack() as stack:
        lines = {place.line.connection_id: place.line for place in places}
        open_lines = {number: stack.enter_context(closing(open_line(line))) for number, line in lines.items()}
        pool = stack.enter_context(ThreadPoolExecutor(ASKERS))
        answers = pool.map(lambda place: _theirs(open_lines[place.line.connection_id], place), places)
        return {place.account_id: holding for place, holding in zip(places, answers, strict=True)}


def _theirs(custodian: Custodian, place: _Place) -> _Holding | QueryFailed:
    account = place.line.account(place.number)
    try:
        shares = {row.symbol: row.quantity for row in custodian.positions(account)}
        return _Holding(custodian.balances(account).cash, shares)
    except QueryFailed as why:
        return why


def _ours(firm_id: int, account_ids: Sequence[int]) -> dict[int, _Holding]:
    """Sweep funds are the custodian's cash."""
    cash = {
        row.account_id: row.settled + row.unsettled
        for row in CashBalance.objects.for_firm(firm_id).filter(account_id__in=account_ids)
    }
    shares: dict[int, dict[str, Decimal]] = {account_id: {} for account_id in account_ids}
    rows = Position.objects.for_firm(firm_id).filter(account_id__in=account_ids).exclude(quantity=0)
    stocks = rows.exclude(security__kind=SecurityKind.SWEEP)
    for account_id, symbol, quantity in stocks.values_list("account_id", "security__symbol", "quantity"):
        shares[account_id][symbol] = quantity
    return {account_id: _Holding(cash.get(account_id, ZERO), shares[account_id]) for account_id in account_ids}


def _compare(place: _Place, ours: _Holding, theirs: _Holding) -> list[_Difference]:
    found = []
    if cents(ours.cash) != cents(theirs.cash):
        found.append(_Difference(place, "CASH", "USD", cents(ours.cash), cents(theirs.cash)))
    for symbol in sorted(set(ours.shares) | set(theirs.shares)):
        mine, other = ours.shares.get(symbol, ZERO), theirs.shares.get(symbol, ZERO)
        if mine != other:
            kind = "SPLIT" if _split(mine, other) else "POSITION"
            found.append(_Difference(place, kind, symbol, mine, other))
    return found


def _write_breaks(firm_id: int, places: Sequence[_Place], found: Sequence[_Difference], now: datetime) -> None:
    breaks = ReconBreak.objects.for_firm(firm_id)
    standing = {(d.place.account_id, d.kind, d.subject) for d in found}
    mine = breaks.filter(closed_at=None, kind__in=STANDING, account_id__in=[place.account_id for place in places])
    known, gone = set(), []
    for row in mine.select_for_update().order_by("id"):
        name = (row.account_id or 0, row.kind, row.subject)
        known.add(name)
        if name not in standing:
            gone.append(row.pk)
    close_gone(firm_id=firm_id, break_ids=gone, at=now)
    _refresh([row for row in mine if row.pk not in gone], found, now)
    breaks.bulk_create(
        [
            ReconBreak(
                account_id=d.place.account_id,
                connection_id=d.place.line.connection_id,
                kind=d.kind,
                subject=d.subject,
                ours=f"{d.ours:f}",
                theirs=f"{d.theirs:f}",
                sentence=d.sentence()[:500],
                opened_at=now,
                seen_at=now,
            )
            for d in found
            if (d.place.account_id, d.kind, d.subject) not in known
        ],
        ignore_conflicts=True,
    )


def _refresh(rows: Sequence[ReconBreak], found: Sequence[_Difference], now: datetime) -> None:
    """What still differs shows by how much it differs now; since when stays."""
    differences = {(d.place.account_id, d.kind, d.subject): d for d in found}
    for row in rows:
        one = differences[row.account_id or 0, row.kind, row.subject]
        row.ours, row.theirs, row.sentence = f"{one.ours:f}", f"{one.theirs:f}", one.sentence()[:500]
        row.seen_at = now
        row.save(update_fields=["ours", "theirs", "sentence", "seen_at"])


def _unapplied(firm_id: int) -> int:
    """Deliveries that found no order or contradict the books, and executions that the ledger has not taken."""
    bad = (InboundEvent.Result.UNMATCHED, InboundEvent.Result.PARKED, InboundEvent.Result.CONFLICT)
    events = InboundEvent.objects.for_firm(firm_id).filter(result__in=bad).count()
    unposted = Execution.objects.for_firm(firm_id).filter(posted_at=None).exclude(order__role=Order.Role.BLOCK)
    return events + unposted.count()
