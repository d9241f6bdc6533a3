"""Wash sale cases as sheets of lots, in the form of the public calculator adlr/wash-sale-calculator.

A sheet is CSV with one row a lot: Cnt, Sym, Desc, BuyDate, Basis, SellDate, Proceeds, AdjCode, Adj, FormPosition,
BuyLot, IsReplacement, read by position since headings are not always spelt alike. Dates are month/day/year, amounts
dollars; rows without a sale are still held. Rows with one BuyLot were bought together. The answer is a sheet, too: rows
split where shares were matched, W and the disallowed loss beside a washed sale, and the basis and date of shares that
took a loss. Such sheets let shares sold on one day replace those sold before them that day.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from rebalancer.engine.cases.reading import BadFile
from rebalancer.engine.money import ZERO, BadNumber, cents, minus, parse_decimal, split_units, to_micros, total
from rebalancer.engine.wash_sales.figures import report
from rebalancer.engine.wash_sales.records import Account, AccountKind, Disposal, OpenLot, Purchase, Sale, WashPolicy

COUNT, SYMBOL, BUY_DATE, BASIS, SELL_DATE, PROCEEDS, CODE, ADJUSTMENT = 0, 1, 3, 4, 5, 6, 7, 8
BUY_LOT, IS_REPLACEMENT = 10, 11
WASHED = "W"
POLICY = WashPolicy(same_day_sales_wash=True)
OWN = Account("own", AccountKind.TAXABLE)


@dataclass(frozen=True, slots=True, order=True)
class SheetRow:
    """One row; amounts in dollars, to the cent; `sold_on` is the last day of the calendar for shares still held."""

    symbol: str
    bought_on: date
    quantity: Decimal
    basis: Decimal
    sold_on: date
    proceeds: Decimal
    code: str
    adjustment: Decimal
    is_replacement: bool

    @property
    def text(self) -> str:
        sold = f", sold {self.sold_on} for {self.proceeds}" if self.sold_on != date.max else ""
        washed = f", {self.code} {self.adjustment}" if self.code else ""
        replaced = ", a replacement" if self.is_replacement else ""
        return (
            f"{self.quantity.normalize():f} {self.symbol} of {self.bought_on} at {self.basis}{sold}{washed}{replaced}"
        )


@dataclass(frozen=True, slots=True)
class SheetLot:
    """A row of a sheet that is asked: the row, and what joins it to rows bought together with it."""

    row: SheetRow
    buy_lot: str


def read_sheet(text: str) -> list[SheetLot]:
    """The rows of a sheet, without its headings.

    :raises BadFile: when a row has too few columns, or a number or date that cannot be read
    """
    rows = [cells for cells in csv.reader(text.splitlines()) if any(cell.strip() for cell in cells)]
    return [_lot([cell.strip() for cell in cells], at) for at, cells in enumerate(rows[1:], start=2)]


def answer(lots: Sequence[SheetLot]) -> list[SheetRow]:
    """The sheet after the rule, in the order of its rows' values.

    :raises ValueError: when lots cannot have been bought and sold so
    """
    purchases = [_purchase(lot, f"row {at}") for at, lot in enumerate(lots)]
    sales = [
        Sale(p.lot_id, lot.row.sold_on, ((p.lot_id, p.quantity),), lot.row.proceeds)
        for p, lot in zip(purchases, lots, strict=True)
        if lot.row.sold_on != date.max
    ]
    washed = report([OWN], purchases, sales, policy=POLICY).household
    symbols = {purchase.lot_id: purchase.security for purchase in purchases}
    sold = (row for disposal in washed.disposals for row in _sold_rows(disposal, symbols[disposal.lot_id]))
    return sorted([*sold, *(_open_row(lot, symbols[lot.lot_id]) for lot in washed.open_lots)])


def differences(published: Sequence[SheetRow], found: Sequence[SheetRow]) -> list[str]:
    """A sentence for every row that only one of two sheets has."""
    theirs, ours = Counter(published), Counter(found)
    missing = [f"Missing: {row.text}." for row in sorted((theirs - ours).elements())]
    return missing + [f"Instead: {row.text}." for row in sorted((ours - theirs).elements())]


def _lot(cells: Sequence[str], at: int) -> SheetLot:
    if len(cells) <= BASIS:
        raise BadFile(f"Row {at} of the sheet has {len(cells)} columns.")
    cells = [*cells, *[""] * (IS_REPLACEMENT + 1 - len(cells))]
    try:
        return SheetLot(_row(cells), cells[BUY_LOT])
    except (BadNumber, ValueError) as flaw:
        raise BadFile(f"Row {at} of the sheet cannot be read: {flaw}") from flaw


def _row(cells: Sequence[str]) -> SheetRow:
    return SheetRow(
        symbol=cells[SYMBOL],
        bought_on=_date(cells[BUY_DATE]),
        quantity=parse_decimal(cells[COUNT]),
        basis=cents(parse_decimal(cells[BASIS])),
        sold_on=_date(cells[SELL_DATE]) if cells[SELL_DATE] else date.max,
        proceeds=_dollars(cells[PROCEEDS]),
        code=cells[CODE],
        adjustment=_dollars(cells[ADJUSTMENT]),
        is_replacement=cells[IS_REPLACEMENT].lower() == "true",
    )


def _date(text: str) -> date:
    return datetime.strptime(text, "%m/%d/%Y").date()  # noqa: DTZ007 a day has no zone


def _dollars(text: str) -> Decimal:
    return cents(parse_decimal(text)) if text else cents(ZERO)


def _purchase(lot: SheetLot, lot_id: str) -> Purchase:
    row = lot.row
    return Purchase(
        lot_id, OWN.account_id, row.symbol, row.bought_on, row.quantity, row.basis, order_id=lot.buy_lot.split(",")[0]
    )


def _sold_rows(disposal: Disposal, symbol: str) -> Iterator[SheetRow]:
    """One row for the shares matched with each replacement, and one for the rest."""
    matched = [(other.quantity, other.disallowed) for other in disposal.replacements]
    rest = minus(disposal.quantity, total([quantity for quantity, _ in matched]))
    pieces = matched + ([(rest, ZERO)] if rest else [])
    weights = {str(at): quantity for at, (quantity, _) in enumerate(pieces)}
    bases = _shared(disposal.cost_basis, weights)
    proceeds = _shared(disposal.proceeds, weights)
    for (quantity, disallowed), basis, received in zip(pieces, bases, proceeds, strict=True):
        yield SheetRow(
            symbol=symbol,
            bought_on=disposal.acquired_on,
            quantity=quantity,
            basis=basis,
            sold_on=disposal.sold_on,
            proceeds=received,
            code=WASHED if disallowed else "",
            adjustment=cents(disallowed),
            is_replacement=bool(disposal.replaces),
        )


def _shared(amount: Decimal, weights: dict[str, Decimal]) -> list[Decimal]:
    shares = split_units(to_micros(amount), weights)
    return [cents(Decimal(share).scaleb(-6)) for share in shares.values()]


def _open_row(lot: OpenLot, symbol: str) -> SheetRow:
    return SheetRow(
        symbol=symbol,
        bought_on=lot.acquired_on,
        quantity=lot.quantity,
        basis=cents(lot.cost_basis),
        sold_on=date.max,
        proceeds=cents(ZERO),
        code="",
        adjustment=cents(ZERO),
        is_replacement=bool(lot.replaces),
    )
