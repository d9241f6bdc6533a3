"""One account's Flex statement: its sections; lots must make positions, and positions the total."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from xml.etree.ElementTree import Element

from portfolios.feeds import values
from portfolios.feeds.checks import check_lots, money, sum_of, total_tolerance
from portfolios.feeds.flex_rows import Attributes, read_lot, read_movement, read_position, read_trade
from portfolios.feeds.layout import FlexLayout
from portfolios.feeds.problems import Problems
from portfolios.feeds.records import (
    AccountRecord,
    CashRecord,
    Code,
    ControlTotal,
    LotRecord,
    PositionRecord,
    TransactionRecord,
)
from portfolios.feeds.values import RowFault
from rebalancer.engine.money import ZERO, cents, minus

_BASE = "BASE_SUMMARY"


@dataclass(slots=True)
class Statement:
    layout: FlexLayout
    element: Element
    as_of: date
    problems: Problems
    account: AccountRecord | None = None
    positions: list[PositionRecord] = field(default_factory=list)
    lots: list[LotRecord] = field(default_factory=list)
    cash: CashRecord | None = None
    transactions: list[TransactionRecord] = field(default_factory=list)
    control_totals: list[ControlTotal] = field(default_factory=list)
    row_count: int = 0
    is_whole: bool = True

    @property
    def number(self) -> str:
        return self.element.get("accountId", "")

    def read(self) -> None:
        self._read_account()
        self._read_positions()
        self._read_cash()
        self._check_total()
        self._read_transactions("Trades", "Trade", self._trade)
        self._read_transactions("CashTransactions", "CashTransaction", self._movement)

    def _read_account(self) -> None:
        info = self._first("AccountInformation")
        currency = info.get("currency", "USD") or "USD"
        self.account = AccountRecord(
            row_number=1,
            account_number=self.number,
            custodian=self.layout.custodian,
            currency=currency,
            name=info.get("acctAlias") or info.get("name") or "",
        )
        if currency != "USD":
            self.problems.place = "AccountInformation"
            self.problems.flag_currency(currency, "the account", 1, self.number)

    # positions and lots

    def _read_positions(self) -> None:
        self.problems.place = "OpenPosition"
        rows = list(enumerate(self.element.findall("OpenPositions/OpenPosition"), start=1))
        self.row_count += len(rows)
        lots: dict[str, list[LotRecord]] = {}
        broken: set[str] = set()
        for number, row in rows:
            if row.get("levelOfDetail") == "LOT":
                self._read_lot(number, row.attrib, lots, broken)
        for number, row in rows:
            if _is_summary(row.attrib):
                self._read_summary(number, row.attrib, lots, broken)
        for name in lots.keys() - {_name(row.attrib) for _, row in rows if _is_summary(row.attrib)} - broken:
            first = lots[name][0]
            self._set_aside(
                RowFault(Code.LOTS_DO_NOT_SUM, f"{first.symbol} has lots but no SUMMARY element"), first.row_number
            )
        if self.positions and not lots:
            said = "no position has its lots; switch on Lots beside Summary in the Flex query's Open Positions"
            self.problems.flag(Code.NO_LOTS, said, self.positions[0].row_number, self.number)

    def _read_lot(self, number: int, row: Attributes, lots: dict[str, list[LotRecord]], broken: set[str]) -> None:
        try:
            lot = read_lot(row, layout=self.layout, row_number=number, account_number=self.number, as_of=self.as_of)
        except RowFault as fault:
            broken.add(_name(row))
            self._set_aside(fault, number)
            return
        mine = lots.setdefault(_name(row), [])
        mine.append(_with_own_id(lot, mine))

    def _read_summary(self, number: int, row: Attributes, lots: dict[str, list[LotRecord]], broken: set[str]) -> None:
        """A position whose lots cannot all be read is left out with them: their rows have told why."""
        if _name(row) in broken:
            return
        try:
            position = read_position(
                row, layout=self.layout, row_number=number, account_number=self.number, as_of=self.as_of
            )
            if any(other.symbol == position.symbol for other in self.positions):
                raise RowFault(Code.DUPLICATE_ROW, f"{position.symbol} stands twice in the account")
            mine = lots.get(_name(row), [])
            if lots:
                check_lots(position, mine)
        except RowFault as fault:
            self._set_aside(fault, number)
            return
        self.positions.append(position)
        self.lots.extend(mine)
        self._flag_position(position, mine)

    def _flag_position(self, position: PositionRecord, lots: list[LotRecord]) -> None:
        row, name = position.row_number, position.symbol
        self.problems.flag_kind(position.kind, name, row, self.number)
        if position.currency != "USD":
            self.problems.flag_currency(position.currency, name, row, self.number)
        bases = [lot.cost_basis for lot in lots]
        if position.cost_basis is None or None in bases:
            self.problems.flag_basis(name, row, self.number)
        elif lots:
            made = sum_of(basis for basis in bases if basis is not None)
            if abs(made - position.cost_basis) > total_tolerance(len(lots)):
                said = f"the lots of {name} cost {money(made)}, but the position says {money(position.cost_basis)}"
                self.problems.flag(Code.TOTAL_DOES_NOT_FOOT, said, row, self.number)

    # cash and totals

    def _read_cash(self) -> None:
        self.problems.place = "CashReportCurrency"
        rows = list(enumerate(self.element.findall("CashReport/CashReportCurrency"), start=1))
        by_currency = {row.get("currency", ""): (number, row) for number, row in rows}
        self.row_count += len(rows)
        for currency, (number, row) in by_currency.items():
            if currency not in ("USD", _BASE) and self._amount(row, number, "endingCash"):
                self.problems.flag_currency(currency, "a cash balance", number, self.number)
        number, chosen = by_currency.get("USD") or by_currency.get(_BASE) or (1, None)
        if chosen is None:
            said = "the cash report has no balance in US dollars"
            self._set_aside(RowFault(Code.MISSING_VALUE, said), number)
            return
        ending = self._amount(chosen, number, "endingCash")
        settled = self._amount(chosen, number, "endingSettledCash") if chosen.get("endingSettledCash") else ending
        if ending is not None and settled is not None:
            self.cash = CashRecord(
                row_number=number,
                account_number=self.number,
                custodian=self.layout.custodian,
                settled=cents(settled),
                unsettled=minus(cents(ending), cents(settled)),
                is_split=bool(chosen.get("endingSettledCash")),
            )

    def _amount(self, row: Element, number: int, name: str) -> Decimal | None:
        try:
            return values.number(row.get(name, ""), name)
        except RowFault as fault:
            self._set_aside(fault, number)
            return None

    def _check_total(self) -> None:
        """Net asset value without accruals, where the query has it, against positions and cash."""
        self.problems.place = "EquitySummaryByReportDateInBase"
        rows = self.element.findall("EquitySummaryInBase/EquitySummaryByReportDateInBase")
        if not rows or not self.is_whole or self.cash is None or self._has_foreign():
            return
        number, last = len(rows), rows[-1]
        accruals = [values.number_or_none(last.get(name, ""), name) or ZERO for name in _ACCRUALS]
        found = self._amount(last, number, "total")
        if found is None:
            return
        amounts = [position.market_value for position in self.positions]
        computed = sum_of([*amounts, self.cash.settled, self.cash.unsettled])
        total = ControlTotal(
            self.number,
            "value of the account",
            minus(found, sum_of(accruals)),
            computed,
            total_tolerance(len(amounts) + 2),
        )
        self.control_totals.append(total)
        if not total.foots:
            said = f"the {total.what} is printed as {money(total.found)}, but its rows make {money(total.computed)}"
            self.problems.flag(Code.TOTAL_DOES_NOT_FOOT, said, number, self.number)

    def _has_foreign(self) -> bool:
        return any(record.currency != "USD" for record in (*self.positions, self.account) if record is not None)

    # transactions

    def _read_transactions(self, section: str, tag: str, read: Callable[[int, Attributes], TransactionRecord]) -> None:
        self.problems.place = tag
        for number, row in enumerate(self.element.findall(f"{section}/{tag}"), start=1):
            if (
                row.get("levelOfDetail", "EXECUTION") not in ("EXECUTION", "DETAIL")
                or row.get("assetCategory") == "CASH"
            ):
                continue
            self.row_count += 1
            try:
                self.transactions.append(read(number, row.attrib))
            except RowFault as fault:
                self.problems.quarantine(fault, number, self.number)

    def _trade(self, number: int, row: Attributes) -> TransactionRecord:
        return read_trade(row, layout=self.layout, row_number=number, account_number=self.number)

    def _movement(self, number: int, row: Attributes) -> TransactionRecord:
        return read_movement(row, layout=self.layout, row_number=number, account_number=self.number)

    def _first(self, tag: str) -> Attributes:
        found = self.element.find(tag)
        return {} if found is None else found.attrib

    def _set_aside(self, fault: RowFault, number: int) -> None:
        self.is_whole = False
        self.problems.quarantine(fault, number, self.number)


_ACCRUALS = ("interestAccruals", "dividendAccruals")


def _name(row: Attributes) -> str:
    """By which a position's elements belong together."""
    return row.get("conid") or row.get("symbol", "").upper()


def _is_summary(row: Attributes) -> bool:
    return row.get("levelOfDetail", "SUMMARY") == "SUMMARY"


def _with_own_id(lot: LotRecord, others: list[LotRecord]) -> LotRecord:
    """One purchase may stand as several lots; each needs an id of its own that is the same tomorrow."""
    taken = {other.lot_id for other in others}
    if lot.lot_id not in taken:
        return lot
    part = 2
    while f"{lot.lot_id}-{part}" in taken:
        part += 1
    return replace(lot, lot_id=f"{lot.lot_id}-{part}")
