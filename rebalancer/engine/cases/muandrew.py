"""Wash sale cases as lists of releases and sales, in the form of the public tool muandrew/wash-sale.

The list is CSV: date, event_type (release or sale), shares, value, sale_lot, which names the day its lot was released
(and, after a point, which of that day). The published run is JSON: `lots` with what each holds in the end, and `events`
with the proceeds, basis and disallowed loss of every sale; amounts in cents. The dates of lots that took a loss are not
compared: the published ones do not run back by the time the shares sold were held.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from rebalancer.engine.cases.reading import BadFile, Inputs, Json, as_mapping
from rebalancer.engine.money import BadNumber, cents, parse_decimal, times, total
from rebalancer.engine.wash_sales.figures import report
from rebalancer.engine.wash_sales.records import Account, AccountKind, Purchase, Sale, Washed

OWN = Account("own", AccountKind.TAXABLE)
COLUMNS = ("date", "event_type", "shares", "value", "sale_lot")
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the list; a release has no lot to take from."""

    on: date
    kind: str
    shares: Decimal
    value: Decimal
    lot: str


def read_events(text: str) -> list[Event]:
    """:raises BadFile: when a line is not a release or a sale, or cannot be read"""
    rows = [[cell.strip() for cell in cells] for cells in csv.reader(text.splitlines(), skipinitialspace=True) if cells]
    if not rows or tuple(rows[0]) != COLUMNS:
        raise BadFile(f"The list should begin with the headings {', '.join(COLUMNS)}.")
    return [_event(cells, at) for at, cells in enumerate(rows[1:], start=2)]


def _event(cells: Sequence[str], at: int) -> Event:
    if len(cells) != len(COLUMNS) or cells[1] not in ("release", "sale"):
        raise BadFile(f"Line {at} is neither a release nor a sale.")
    try:
        return Event(date.fromisoformat(cells[0]), cells[1], parse_decimal(cells[2]), parse_decimal(cells[3]), cells[4])
    except (BadNumber, ValueError) as flaw:
        raise BadFile(f"Line {at} cannot be read: {flaw}") from flaw


def answer(events: Sequence[Event]) -> Washed:
    """What the rule makes of the list.

    :raises ValueError: when a sale names a lot that was never released or holds too little
    """
    purchases: list[Purchase] = []
    sales: list[Sale] = []
    released: Counter[date] = Counter()
    for event in events:
        if event.kind == "release":
            released[event.on] += 1
            lot_id = f"{event.on}.{released[event.on]}"
            purchases.append(Purchase(lot_id, OWN.account_id, "X", event.on, event.shares, event.value))
        else:
            lot_id = event.lot if "." in event.lot else f"{event.lot}.1"
            sales.append(Sale(f"sale {len(sales) + 1}", event.on, ((lot_id, event.shares),), event.value))
    return report([OWN], purchases, sales).household


def differences(published: Json, washed: Washed) -> list[str]:
    """A sentence for every figure that only one of two runs has."""
    theirs = Counter(_published(as_mapping(published, "the published run")))
    ours = Counter(_found(washed))
    missing = [f"Missing: {', '.join(line)}." for line in sorted((theirs - ours).elements())]
    return missing + [f"Instead: {', '.join(line)}." for line in sorted((ours - theirs).elements())]


def _published(run: Mapping[str, Json]) -> Iterator[tuple[str, ...]]:
    inputs = Inputs(run)
    for event in inputs.rows("events"):
        proceeds, basis, change = (
            event.inner(name).decimal("value") for name in ("saleValue", "basisBeforeAdjustment", "disallowedValue")
        )
        yield _sale_line(event.inner("ref").text("date"), event.decimal("shares"), (proceeds, basis, -change))
    for lot in inputs.rows("lots"):
        current = lot.inner("current")
        if current.decimal("shares"):
            yield _lot_line(current.decimal("shares"), current.inner("value").decimal("value"))


def _found(washed: Washed) -> Iterator[tuple[str, ...]]:
    for sale_id in dict.fromkeys(disposal.sale_id for disposal in washed.disposals):
        parts = [disposal for disposal in washed.disposals if disposal.sale_id == sale_id]
        amounts = (total([d.proceeds for d in parts]), total([d.cost_basis for d in parts]), washed.disallowed(sale_id))
        shares, in_cents = total([d.quantity for d in parts]), [times(amount, HUNDRED) for amount in amounts]
        yield _sale_line(parts[0].sold_on.isoformat(), shares, in_cents)
    for lot in washed.open_lots:
        yield _lot_line(lot.quantity, times(lot.cost_basis, HUNDRED))


def _sale_line(on: str, shares: Decimal, amounts: Iterable[Decimal]) -> tuple[str, ...]:
    """:param amounts: proceeds, basis and what is disallowed, in cents"""
    named = zip(("for", "basis", "disallowed"), amounts, strict=True)
    return f"sale of {on}", f"{cents(shares)} shares", *(f"{name} {cents(amount)}" for name, amount in named)


def _lot_line(shares: Decimal, basis: Decimal) -> tuple[str, ...]:
    return "left", f"{cents(shares)} shares", f"basis {cents(basis)}"
