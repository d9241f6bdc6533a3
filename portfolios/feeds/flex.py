"""Reads Interactive Brokers' Flex XML: one FlexStatement an account, with positions, lots, cash and trades."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from portfolios.feeds.flex_rows import read_day
from portfolios.feeds.flex_statement import Statement
from portfolios.feeds.layout import FlexLayout
from portfolios.feeds.problems import Problems
from portfolios.feeds.records import Code, ParsedFile, Refused
from portfolios.feeds.text import MAX_ROWS, check_size
from portfolios.feeds.values import RowFault

_ROOT = "FlexQueryResponse"


def parse_flex(layout: FlexLayout, content: bytes, file_name: str) -> ParsedFile:
    """:raises Refused: not this kind of XML, cut short, without the needed sections, or of several days"""
    check_size(content, file_name)
    root = _root(layout, content, file_name)
    elements = _statement_elements(layout, root, file_name)
    as_of = _as_of(layout, elements, file_name)
    problems = Problems()
    statements = [Statement(layout, element, as_of, problems) for element in elements]
    for statement in statements:
        statement.read()
    return ParsedFile(
        layout=layout.name,
        version=layout.version,
        file_name=file_name,
        as_of=as_of,
        row_count=sum(statement.row_count for statement in statements),
        accounts=tuple(statement.account for statement in statements if statement.account is not None),
        positions=tuple(position for statement in statements for position in statement.positions),
        lots=tuple(lot for statement in statements for lot in statement.lots),
        cash_balances=tuple(statement.cash for statement in statements if statement.cash is not None),
        transactions=tuple(transaction for statement in statements for transaction in statement.transactions),
        control_totals=tuple(total for statement in statements for total in statement.control_totals),
        problems=tuple(problems.found),
    )


def _root(layout: FlexLayout, content: bytes, file_name: str) -> Element:
    try:
        root: Element = fromstring(content, forbid_dtd=True)
    except DefusedXmlException:
        sentence = f"{file_name} declares XML entities or a document type, which no Flex query does; {layout.advice}."
        raise Refused(Code.FORBIDDEN_XML, sentence) from None
    except (ParseError, ValueError, LookupError) as error:
        raise _unreadable(layout, content, file_name, error) from None
    if root.tag != _ROOT:
        sentence = f"{file_name} is XML, but its outermost element is {root.tag}, not {_ROOT}; {layout.advice}."
        raise Refused(Code.WRONG_LAYOUT, sentence)
    if sum(1 for _ in root.iter()) > MAX_ROWS:
        raise Refused(Code.TOO_LARGE, f"{file_name} has more than {MAX_ROWS:,} elements; send it in parts by account.")
    return root


def _unreadable(layout: FlexLayout, content: bytes, file_name: str, error: Exception) -> Refused:
    line = error.position[0] if isinstance(error, ParseError) else None
    if f"<{_ROOT}".encode() in content[:4096]:
        sentence = f"{file_name} is cut short or damaged at line {line}; download it again and send it unchanged."
        return Refused(Code.TRUNCATED, sentence, line)
    return Refused(Code.NOT_XML, f"{file_name} is not XML; {layout.advice}.", line)


def _statement_elements(layout: FlexLayout, root: Element, file_name: str) -> list[Element]:
    elements = root.findall("./FlexStatements/FlexStatement")
    if root.get("type") == "TCF":
        sentence = f"{file_name} is a Trade Confirmation Flex query, which has no positions; {layout.advice}."
        raise Refused(Code.WRONG_LAYOUT, sentence)
    if not elements:
        raise Refused(Code.NO_RECORDS, f"{file_name} holds no FlexStatement; {layout.advice}.")
    counted = root.find("FlexStatements")
    count = counted.get("count") if counted is not None else None
    if count is not None and count != str(len(elements)):
        sentence = f"{file_name} says it holds {count} statements but holds {len(elements)}; download it again."
        raise Refused(Code.TRUNCATED, sentence)
    seen: set[str] = set()
    for element in elements:
        _check_statement(layout, element, seen, file_name)
    return elements


def _check_statement(layout: FlexLayout, element: Element, seen: set[str], file_name: str) -> None:
    number = element.get("accountId", "")
    if not number:
        raise Refused(Code.NO_ACCOUNT, f"{file_name} has a FlexStatement without accountId; {layout.advice}.")
    if number in seen:
        raise Refused(Code.MERGED_FILES, f"{file_name} holds two statements of account {number}; {layout.advice}.")
    seen.add(number)
    for section, title in (("OpenPositions", "Open Positions"), ("CashReport", "Cash Report")):
        if element.find(section) is None:
            sentence = f"{file_name} has no section {title} for account {number}; switch it on in the Flex query."
            raise Refused(Code.MISSING_SECTION, sentence)
    for row in element.iter():
        if row.get("accountId", number) != number:
            what = f"a {row.tag} of account {row.get('accountId')} in the statement of {number}"
            raise Refused(Code.MERGED_FILES, f"{file_name} has {what}; ask for one statement an account.")


def _as_of(layout: FlexLayout, elements: Iterable[Element], file_name: str) -> date:
    days: dict[date, str] = {}
    for element in elements:
        number = element.get("accountId", "")
        try:
            days.setdefault(read_day(element.attrib, "toDate", layout), number)
        except RowFault as fault:
            sentence = f"{file_name}: in the statement of {number} {fault.sentence}; {layout.advice}."
            raise Refused(fault.code, sentence) from None
    if len(days) > 1:
        said = ", ".join(f"{number} on {day}" for day, number in sorted(days.items()))
        raise Refused(Code.MIXED_DATES, f"{file_name} holds statements of several days ({said}); send one day a file.")
    return next(iter(days))
