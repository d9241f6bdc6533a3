"""One account while its file is read: what was found, and the totals that the file prints for it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from decimal import Decimal

from portfolios.feeds.checks import sum_of, total_tolerance
from portfolios.feeds.layout import Act
from portfolios.feeds.records import AccountRecord, CashRecord, ControlTotal, PositionRecord
from rebalancer.engine.money import EXACT, ZERO, cents

_MASKED = re.compile(r"(\.\.\.|X{3,}).*", re.IGNORECASE)


@dataclass(slots=True)
class Block:
    number: str
    name: str
    custodian: str
    opened_at: int
    row_count: int = 0
    section: str = ""
    is_closed: bool = False
    is_readable: bool = True
    positions: dict[tuple[str, str], PositionRecord] = field(default_factory=dict)
    values: list[Decimal] = field(default_factory=list)
    section_values: list[Decimal] = field(default_factory=list)
    section_bases: list[Decimal] = field(default_factory=list)
    cash: Decimal | None = None
    pending: Decimal | None = None
    control_totals: list[ControlTotal] = field(default_factory=list)

    @property
    def has_records(self) -> bool:
        return bool(self.row_count)

    def count(self, value: Decimal, basis: Decimal | None = None) -> None:
        """An amount that the totals of the section and of the account must hold, whether its row can be used or not."""
        self.values.append(value)
        self.section_values.append(value)
        if basis is not None:
            self.section_bases.append(basis)

    def take_cash(self, act: Act, amount: Decimal) -> None:
        self.row_count += 1
        self.count(amount)
        if act is Act.CASH:
            self.cash = EXACT.add(self.cash or ZERO, amount)
        elif act is Act.PENDING:
            self.pending = EXACT.add(self.pending or ZERO, amount)

    def add(self, position: PositionRecord, holding_type: str) -> bool:
        """False when the account has this holding already. Cash and margin holdings of one security are two."""
        key = (position.symbol or position.description, holding_type)
        if key in self.positions:
            return False
        self.positions[key] = position
        return True

    def open_section(self, section: str) -> None:
        self.section, self.is_closed = section, False
        self.section_values, self.section_bases = [], []

    def close_section(self, value: Decimal, basis: Decimal | None) -> None:
        self._control(f"value of {self.section}", value, self.section_values)
        if basis is not None:
            self._control(f"cost basis of {self.section}", basis, self.section_bases)
        self.section, self.is_closed = "", True

    def close(self, total: Decimal) -> None:
        self._control("value of the account", total, self.values)
        self.is_closed = True

    def _control(self, what: str, found: Decimal, amounts: list[Decimal]) -> None:
        if self.is_readable:
            tolerance = total_tolerance(len(amounts))
            self.control_totals.append(ControlTotal(self.number, what, found, sum_of(amounts), tolerance))

    def account_record(self) -> AccountRecord:
        return AccountRecord(
            row_number=self.opened_at,
            account_number=self.number,
            custodian=self.custodian,
            name=self.name,
            is_masked=bool(_MASKED.fullmatch(self.number)),
        )

    def cash_records(self) -> tuple[CashRecord, ...]:
        if self.cash is None and self.pending is None:
            return ()
        record = CashRecord(
            row_number=self.opened_at,
            account_number=self.number,
            custodian=self.custodian,
            settled=cents(self.cash or ZERO),
            unsettled=cents(self.pending or ZERO),
            is_split=self.pending is not None,
        )
        return (record,)

    def merged_positions(self) -> tuple[PositionRecord, ...]:
        """One record for each security, cash and margin holdings together."""
        merged: dict[str, PositionRecord] = {}
        for position in self.positions.values():
            key = position.symbol or position.description
            merged[key] = _together(merged[key], position) if key in merged else position
        return tuple(merged.values())


def _together(one: PositionRecord, other: PositionRecord) -> PositionRecord:
    known = one.cost_basis is not None and other.cost_basis is not None
    return replace(
        one,
        quantity=EXACT.add(one.quantity, other.quantity),
        market_value=EXACT.add(one.market_value, other.market_value),
        cost_basis=sum_of((one.cost_basis or ZERO, other.cost_basis or ZERO)) if known else None,
    )
