"""Reads custodians' positions files by their layout: accounts, holdings, cash, and the totals printed beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from portfolios.feeds import values
from portfolios.feeds.blocks import Block
from portfolios.feeds.checks import money, sum_of, total_tolerance
from portfolios.feeds.headers import Header, choose_variant, core_value, match_header, texts_of
from portfolios.feeds.holdings import read_holding
from portfolios.feeds.layout import Act, PositionsLayout, Rule, Variant, Where
from portfolios.feeds.problems import Problems
from portfolios.feeds.records import Code, ControlTotal, Kind, ParsedFile, PositionRecord, Refused
from portfolios.feeds.text import Row, shown
from portfolios.feeds.values import RowFault


def parse_positions(layout: PositionsLayout, rows: list[Row], file_name: str) -> ParsedFile:
    """:raises Refused: when the file as a whole cannot be trusted"""
    reader = _Reader(layout, choose_variant(layout, rows, file_name), file_name)
    for row in rows:
        reader.take(row, is_last=row is rows[-1])
    reader.finish(rows[-1])
    blocks = list(reader.blocks.values())
    return ParsedFile(
        layout=layout.name,
        version=layout.version,
        file_name=file_name,
        as_of=reader.as_of,
        row_count=sum(block.row_count for block in blocks),
        accounts=tuple(block.account_record() for block in blocks),
        positions=tuple(position for block in blocks for position in block.merged_positions()),
        cash_balances=tuple(cash for block in blocks for cash in block.cash_records()),
        control_totals=tuple(total for block in blocks for total in block.control_totals),
        problems=reader.problems.in_order(),
    )


@dataclass(slots=True)
class _Reader:
    layout: PositionsLayout
    variant: Variant
    file_name: str
    problems: Problems = field(default_factory=Problems)
    blocks: dict[str, Block] = field(default_factory=dict)
    as_of: date | None = None
    header: Header | None = None
    summary: Header | None = None
    expected: dict[str, Decimal] = field(default_factory=dict)
    block: Block | None = None
    title: Row | None = None
    is_for_one: bool = False

    def take(self, row: Row, *, is_last: bool) -> None:
        if self._is_header(row) or self._is_summary(row):
            return
        matched = self._rule(row)
        if matched is not None:
            self._obey(*matched, row)
        elif self.header is not None:
            self._take_holding(row, self.header, is_last=is_last)

    def finish(self, last: Row) -> None:
        if self.variant.closes is not Act.DATED:
            self._check_closed(last)
        if not any(block.has_records for block in self.blocks.values()):
            said = "it has a header row but neither positions nor cash, which is not taken for an empty account"
            raise self._refused(Code.NO_RECORDS, said, last)
        for block in self.blocks.values():
            self._check_account(block)

    # header rows

    def _is_header(self, row: Row) -> bool:
        header = match_header(row, self.variant.columns)
        if header is None:
            return False
        if self.header is not None:
            raise self._refused(Code.TWO_HEADERS, f"line {row.number} is a second header row", row)
        if self.variant.header_opens_account and (self.block is None or self.block.is_closed):
            raise self._refused(Code.NO_ACCOUNT, f"no line above the header row {row.number} names an account", row)
        self.header, self.summary = header, None
        return True

    def _is_summary(self, row: Row) -> bool:
        """The older Fidelity file begins with a table of the accounts and their totals."""
        if self.header is None and self.variant.summary:
            header = match_header(row, self.variant.summary)
            if header is not None:
                self.summary = header
                return True
        if self.summary is None:
            return False
        texts = texts_of(row, self.summary)
        self.expected[texts["account"]] = self._total(texts["market_value"], row)
        return True

    # lines with a meaning of their own

    def _rule(self, row: Row) -> tuple[Rule, re.Match[str]] | None:
        for rule in self.variant.rules:
            if rule.act is Act.ACCOUNT and self.header is not None and self.variant.header_opens_account:
                continue
            text = self._looked_at(rule.where, row)
            match = rule.pattern.fullmatch(text) if text else None
            if match is not None:
                return rule, match
        return None

    def _looked_at(self, where: Where, row: Row) -> str:
        if where is Where.SYMBOL:
            return texts_of(row, self.header)["symbol"] if self.header is not None else ""
        return row.first if where is Where.FIRST or row.stands_alone else ""

    def _obey(self, rule: Rule, match: re.Match[str], row: Row) -> None:
        said = match.groupdict(default="")
        if rule.act is Act.TITLE:
            self._open_file(said, row)
        elif rule.act is Act.DATED:
            self.as_of = self._date(said["date"], row)
        elif rule.act is Act.ACCOUNT:
            self._open_account(said, row)
        elif rule.act is not Act.IGNORE:
            self._take_amount(rule.act, said, row)

    def _open_file(self, said: dict[str, str], row: Row) -> None:
        if self.title is not None:
            what = f"line {row.number} begins a second file, the first began on line {self.title.number}"
            raise self._refused(Code.MERGED_FILES, what, row)
        self.title, self.as_of = row, self._date(said["date"], row)
        if "account" in said:
            self._open_account(said, row)
            self.is_for_one = True

    def _open_account(self, said: dict[str, str], row: Row) -> None:
        number = said["account"]
        if self.is_for_one or number in self.blocks:
            what = f"line {row.number} begins account {number} in a file that was for one account"
            raise self._refused(Code.MERGED_FILES, what, row)
        self._check_closed(row)
        self.block = self.blocks[number] = Block(number, said.get("name", ""), self.layout.custodian, row.number)

    def _check_closed(self, row: Row) -> None:
        if self.block is not None and not self.block.is_closed:
            word = "the account's total" if self.variant.closes is Act.TOTAL else "the section's subtotal"
            what = f"it was cut short: at line {row.number} {word} is still missing for account {self.block.number}"
            code = Code.NO_RECORDS if self.header is not None and not self.block.has_records else Code.TRUNCATED
            if code is Code.NO_RECORDS:
                what = "it has a header row but no positions, cash or total, which is not taken for an empty account"
            raise self._refused(code, what, row)

    def _take_amount(self, act: Act, said: dict[str, str], row: Row) -> None:
        if self.header is None:
            return
        texts = texts_of(row, self.header)
        block = self._block(texts, row)
        if act is Act.SECTION:
            block.open_section(said["section"])
        elif act is Act.SUBTOTAL:
            basis = texts["cost_basis"]
            block.close_section(
                self._total(texts["market_value"], row), None if values.is_absent(basis) else self._total(basis, row)
            )
        elif act is Act.TOTAL:
            block.close(self._total(texts["market_value"], row))
            self.header = None
        else:
            self._take_cash(act, texts["market_value"], block, row)

    def _take_cash(self, act: Act, text: str, block: Block, row: Row) -> None:
        try:
            amount = values.number(text, f"amount of {row.first}")
        except RowFault as fault:
            self._set_aside(fault, block, row)
            return
        block.take_cash(act, amount)
        if act is Act.VALUE and amount:
            self.problems.flag_kind(Kind.FUTURE, row.first, row.number, block.number)

    # holdings

    def _take_holding(self, row: Row, header: Header, *, is_last: bool) -> None:
        texts = texts_of(row, header)
        block = self._block(texts, row)
        if len(row.cells) <= max(header[column.field] for column in self.variant.columns if column.required):
            if is_last:
                raise self._refused(Code.TRUNCATED, f"it was cut short: the last line, {row.number}, is not whole", row)
            self._set_aside(RowFault(Code.BAD_ROW, "the row has fewer cells than the header"), block, row)
            return
        if self.variant.kinds.get(block.section.lower()) is Kind.SWEEP:
            self._take_cash(Act.CASH, core_value(row, header), block, row)
            return
        try:
            position = self._holding(texts, block, row)
        except RowFault as fault:
            self._set_aside(fault, block, row)
        else:
            self._keep(position, texts.get("holding_type", ""), block, row)

    def _holding(self, texts: dict[str, str], block: Block, row: Row) -> PositionRecord | None:
        value = values.number(texts["market_value"], "market value")
        basis = values.number_or_none(texts["cost_basis"], "cost basis")
        block.count(value, basis)
        return read_holding(
            texts,
            variant=self.variant,
            section=block.section,
            row_number=row.number,
            account_number=block.number,
            custodian=self.layout.custodian,
        )

    def _keep(self, position: PositionRecord | None, holding_type: str, block: Block, row: Row) -> None:
        block.row_count += 1
        if position is None:
            return
        name = position.symbol or shown(position.description)
        if not block.add(position, holding_type):
            self._set_aside(RowFault(Code.DUPLICATE_ROW, f"{name} stands twice in the account"), block, row)
            return
        self.problems.flag_kind(position.kind, name, row.number, block.number)
        if position.price == 0:
            self.problems.flag(Code.ZERO_PRICE, f"{name} has the price zero", row.number, block.number)
        if position.cost_basis is None:
            self.problems.flag_basis(name, row.number, block.number)

    def _block(self, texts: dict[str, str], row: Row) -> Block:
        """The open account, or the one that the row names.

        :raises Refused: when there is none: such a row might belong to any account
        """
        if "account" not in texts:
            if self.block is None:
                raise self._refused(Code.NO_ACCOUNT, f"no line above line {row.number} names an account", row)
            return self.block
        try:
            number = values.account_number(texts["account"])
        except RowFault as fault:
            raise self._refused(Code.NO_ACCOUNT, f"line {row.number}: {fault.sentence}", row) from None
        if number not in self.blocks:
            self.blocks[number] = Block(number, texts.get("account_name", ""), self.layout.custodian, row.number)
        return self.blocks[number]

    # what goes wrong

    def _check_account(self, block: Block) -> None:
        at, number = block.opened_at, block.number
        if not block.has_records:
            said = "the account has neither positions nor cash here; what was known of it stands"
            self.problems.flag(Code.NO_RECORDS, said, at, number)
        if number in self.expected and block.is_readable:
            tolerance = total_tolerance(len(block.values))
            total = ControlTotal(number, "value of the account", self.expected[number], sum_of(block.values), tolerance)
            block.control_totals.append(total)
        for total in block.control_totals:
            if not total.foots:
                said = f"the {total.what} is printed as {money(total.found)}, but its rows make {money(total.computed)}"
                self.problems.flag(Code.TOTAL_DOES_NOT_FOOT, said, at, number)
        if self.variant.closes is Act.DATED and self.as_of is None:
            said = "the file ends without its line 'Date downloaded', so it may be cut short"
            self.problems.flag(Code.NO_TRAILER, said, at, number)

    def _set_aside(self, fault: RowFault, block: Block, row: Row) -> None:
        block.row_count += 1
        if fault.code in (Code.BAD_ROW, Code.BAD_NUMBER, Code.MISSING_VALUE):
            block.is_readable = False
        self.problems.quarantine(fault, row.number, block.number)

    def _total(self, text: str, row: Row) -> Decimal:
        if not text:
            raise self._refused(Code.TRUNCATED, f"it was cut short: line {row.number} has no total", row)
        try:
            return values.number(text, "total")
        except RowFault as fault:
            raise self._refused(fault.code, f"line {row.number}: {fault.sentence}", row) from None

    def _date(self, text: str, row: Row) -> date:
        try:
            return values.day(text, "date", self.variant.date_formats)
        except RowFault as fault:
            raise self._refused(fault.code, f"line {row.number}: {fault.sentence}", row) from None

    def _refused(self, code: Code, what: str, row: Row) -> Refused:
        return Refused(code, f"{self.file_name} cannot be taken: {what}; {self.layout.advice}.", row.number)
