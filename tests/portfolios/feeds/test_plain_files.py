from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from portfolios.feeds.parse import LAYOUTS, parse
from portfolios.feeds.records import (
    AccountRecord,
    CashRecord,
    Code,
    LotRecord,
    ParsedFile,
    PriceRecord,
    Refused,
    Severity,
    TransactionRecord,
)
from tests.portfolios.feeds.samples import make_plain, make_schwab

LOTS = "as_of,account_number,symbol,lot_id,acquired_on,quantity,cost_basis"
LOT = "2026-11-20,1234-5678,VTI,L1,2020-03-02,10,1500.00"
PRICES = "as_of,symbol,priced_on,close,bid,ask,adv_shares"
MOVES = "as_of,account_number,transaction_id,kind,trade_on,settle_on,symbol,quantity,amount"


def lots(*rows: str, header: str = LOTS) -> ParsedFile:
    return parse("plain_lots", make_plain(header, *rows), file_name="lots.csv")


def test_a_lots_file_is_read():
    parsed = lots(LOT)
    assert (parsed.as_of, parsed.problems, parsed.row_count) == (date(2026, 11, 20), (), 1)
    assert parsed.lots == (
        LotRecord(
            row_number=2,
            account_number="1234-5678",
            symbol="VTI",
            lot_id="L1",
            acquired_on=date(2020, 3, 2),
            quantity=Decimal(10),
            cost_basis=Decimal(1500),
        ),
    )


def test_optional_columns_may_stand_anywhere():
    parsed = lots(
        "ibkr,2026-11-20,U1,VTI,L1,2020-03-02,2020-01-01,10,,yes,LONG,922908769",
        header="custodian,as_of,account_number,symbol,lot_id,acquired_on,holding_start_on,quantity,cost_basis,is_covered,"
        "term,cusip",
    )
    lot = parsed.lots[0]
    assert (lot.custodian, lot.holding_start_on, lot.cost_basis, lot.is_covered, lot.term, lot.cusip) == (
        "ibkr",
        date(2020, 1, 1),
        None,
        True,
        "LONG",
        "922908769",
    )


@pytest.mark.parametrize(
    ("row", "code", "severity", "words"),
    [
        pytest.param(
            LOT.replace(",10,", ",-10,"),
            Code.NEGATIVE_LOT,
            Severity.QUARANTINE_ROW,
            "lot L1 of VTI has -10 shares; a lot holds more than none",
            id="a negative lot",
        ),
        pytest.param(
            LOT.replace(",10,", ",0,"),
            Code.NEGATIVE_LOT,
            Severity.QUARANTINE_ROW,
            "lot L1 of VTI has 0 shares; a lot holds more than none",
            id="a lot of nothing",
        ),
        pytest.param(
            LOT.replace("2020-03-02", "2026-11-21"),
            Code.ACQUIRED_AFTER_AS_OF,
            Severity.QUARANTINE_ROW,
            "lot L1 of VTI was acquired on 2026-11-21, after 2026-11-20",
            id="a lot of tomorrow",
        ),
        pytest.param(
            LOT.replace("1500.00", ""),
            Code.MISSING_BASIS,
            Severity.FLAG_ACCOUNT,
            "the cost basis of lot L1 of VTI is missing; gains cannot be computed until it is known",
            id="a basis that is missing",
        ),
        pytest.param(
            LOT.replace("1500.00", "-1"),
            Code.BAD_NUMBER,
            Severity.QUARANTINE_ROW,
            "the cost basis of lot L1 of VTI is negative",
            id="a negative basis",
        ),
        pytest.param(
            LOT.replace("2020-03-02", "03/02/2020"),
            Code.BAD_DATE,
            Severity.QUARANTINE_ROW,
            "the acquired_on '03/02/2020' is not a date",
            id="a date that could be two",
        ),
        pytest.param(
            LOT.replace(",10,", ",10.1234567,"),
            Code.BAD_NUMBER,
            Severity.QUARANTINE_ROW,
            "the quantity '10.1234567' has more than 6 decimals",
            id="more decimals than a share has",
        ),
        pytest.param(
            LOT.replace("L1", ""),
            Code.MISSING_VALUE,
            Severity.QUARANTINE_ROW,
            "the lot_id is missing",
            id="no lot id",
        ),
        pytest.param(
            LOT + ",surplus",
            Code.BAD_ROW,
            Severity.QUARANTINE_ROW,
            "the row has more cells than the header",
            id="a cell too many",
        ),
    ],
)
def test_a_lot_that_is_wrong_is_named_with_its_line_and_a_sentence(row, code, severity, words):
    problem = lots(row).problems[0]
    assert (problem.row_number, problem.account_number, problem.code, problem.severity, problem.sentence) == (
        2,
        "1234-5678",
        code,
        severity,
        f"Line 2: {words}.",
    )


def test_a_lot_that_stands_twice_is_quarantined_the_second_time():
    parsed = lots(LOT, LOT, LOT.replace("VTI", "BND"))
    assert [(problem.row_number, problem.code) for problem in parsed.problems] == [(3, Code.DUPLICATE_ROW)]
    assert [lot.symbol for lot in parsed.lots] == ["VTI", "BND"]


def test_a_ticker_named_na_and_a_cusip_of_digits_survive():
    parsed = lots("2026-11-20,0012,NA,0007,2020-03-02,10,N/A,037833100", header=f"{LOTS},cusip")
    assert [(lot.account_number, lot.symbol, lot.lot_id, lot.cost_basis, lot.cusip) for lot in parsed.lots] == [
        ("0012", "NA", "0007", None, "037833100")
    ]


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        pytest.param(make_plain(LOTS, LOT, end=LOT), Code.TRUNCATED, "no last line END", id="no END"),
        pytest.param(
            make_plain(LOTS, LOT, end="END,2"), Code.TRUNCATED, "has 1 rows, but its last line says 2", id="count"
        ),
        pytest.param(make_plain(LOTS), Code.NO_RECORDS, "not taken for empty accounts", id="no rows"),
        pytest.param(make_plain(LOTS, LOT, LOTS), Code.TWO_HEADERS, "line 3 begins a second file", id="two headers"),
        pytest.param(
            make_plain(LOTS, LOT) + make_plain(LOTS, LOT),
            Code.TWO_HEADERS,
            "line 3 begins a second file",
            id="two files",
        ),
        pytest.param(
            make_plain(LOTS, LOT, LOT.replace("11-20", "11-19", 1)),
            Code.MIXED_DATES,
            "line 3 is not of 2026-11-20",
            id="days",
        ),
        pytest.param(make_plain(LOTS, LOT.replace("2026", "26", 1)), Code.BAD_DATE, "line 2: the as_of", id="date"),
        pytest.param(
            make_plain(LOTS.replace(",lot_id", ""), LOT),
            Code.WRONG_LAYOUT,
            "without the columns lot_id",
            id="column missing",
        ),
        pytest.param(make_plain(f"{LOTS},colour", LOT), Code.WRONG_LAYOUT, "the column 'colour'", id="column unknown"),
        pytest.param(make_plain(f"{LOTS},lot_id", LOT), Code.WRONG_LAYOUT, "names a column twice", id="column twice"),
        pytest.param(make_plain(LOTS, LOT.replace("1234-5678", "")), Code.NO_ACCOUNT, "line 2", id="no account"),
        pytest.param(make_schwab(), Code.WRONG_LAYOUT, "is a Schwab positions file", id="a custodian's file"),
        pytest.param(
            make_plain(PRICES, "x"), Code.WRONG_LAYOUT, "is our prices file (plain_prices)", id="another of ours"
        ),
    ],
)
def test_a_lots_file_that_cannot_be_trusted_is_refused_whole(content, code, words):
    with pytest.raises(Refused) as refused:
        parse("plain_lots", content, file_name="lots.csv")
    assert (refused.value.code, words in str(refused.value)) == (code, True), str(refused.value)


def test_an_accounts_file_is_read():
    content = make_plain(
        "as_of,custodian,account_number,name,registration,household_id,household_name,client_id,client_name,model_code",
        "2026-11-20,schwab,1234-5678,Ann's IRA,traditional_ira,H1,Smith,C1,Ann Smith,growth",
        "2026-11-20,schwab,1234-5679,Ann's own,SOLE,H1,Smith,C1,Ann Smith,growth",
    )
    parsed = parse("plain_accounts", content, file_name="a.csv")
    assert parsed.accounts == (
        AccountRecord(
            row_number=2,
            account_number="1234-5678",
            custodian="schwab",
            name="Ann's IRA",
            registration="TRADITIONAL_IRA",
            household_id="H1",
            household_name="Smith",
            client_id="C1",
            client_name="Ann Smith",
            model_code="growth",
        ),
    )
    assert [(problem.row_number, problem.code) for problem in parsed.problems] == [(3, Code.UNKNOWN_WORD)]


def test_a_cash_file_is_read():
    content = make_plain(
        "as_of,account_number,settled,unsettled,currency",
        "2026-11-20,A1,-12.50,0,",
        "2026-11-20,A1,5,0,EUR",
        "2026-11-20,A2,1.005,0,USD",
        "2026-11-20,A3,1,0,XXX",
    )
    parsed = parse("plain_cash", content, file_name="c.csv")
    assert parsed.cash_balances == (
        CashRecord(row_number=2, account_number="A1", settled=Decimal("-12.50"), is_split=True),
        CashRecord(row_number=3, account_number="A1", settled=Decimal(5), currency="EUR", is_split=True),
    )
    assert [(problem.row_number, problem.code) for problem in parsed.problems] == [
        (3, Code.FOREIGN_CURRENCY),
        (4, Code.BAD_NUMBER),
        (5, Code.UNKNOWN_WORD),
    ]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("VTI,2026-11-20,300.00,299.99,300.01,3600000", None),
        ("VTI,2026-11-13,300.00,,,", None),
        ("VTI,2026-11-20,0,299.99,300.01,1", Code.ZERO_PRICE),
        ("VTI,2026-11-21,300,299.99,300.01,1", Code.FUTURE_DATE),
        ("VTI,2026-11-20,300,300.02,300.01,1", Code.CROSSED_QUOTE),
        ("VTI,2026-11-20,300,299.99,,1", Code.MISSING_VALUE),
        ("VTI,2026-11-20,300,299.99,300.01,1.5", Code.BAD_NUMBER),
    ],
)
def test_a_price_is_more_than_zero_of_a_known_day_and_not_crossed(row, code):
    parsed = parse("plain_prices", make_plain(PRICES, f"2026-11-20,{row}"), file_name="p.csv")
    assert [problem.code for problem in parsed.problems] == ([code] if code else [])
    assert [type(price) for price in parsed.prices] == ([] if code else [PriceRecord])


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("T1,SELL,2026-11-19,2026-11-20,VTI,-10,3000", None),
        ("T1,CONTRIBUTION,2026-11-19,2026-11-19,,,3000", None),
        ("T1,SELL,2026-11-19,2026-11-20,VTI,10,3000", Code.BAD_NUMBER),
        ("T1,BUY,2026-11-19,2026-11-20,,10,-3000", Code.MISSING_VALUE),
        ("T1,SWAP,2026-11-19,2026-11-20,VTI,10,3000", Code.UNKNOWN_WORD),
        ("T1,SELL,2026-11-21,2026-11-23,VTI,-10,3000", Code.FUTURE_DATE),
        ("T1,SELL,2026-11-19,2026-11-18,VTI,-10,3000", Code.BAD_DATE),
    ],
)
def test_a_transaction_has_a_kind_signs_and_days_that_agree(row, code):
    parsed = parse("plain_transactions", make_plain(MOVES, f"2026-11-20,A1,{row}"), file_name="t.csv")
    assert [problem.code for problem in parsed.problems] == ([code] if code else [])
    assert [type(move) for move in parsed.transactions] == ([] if code else [TransactionRecord])


def test_a_file_of_tomorrow_is_refused():
    with pytest.raises(Refused, match="is of 2026-11-20, which is after today, 2026-11-19"):
        parse("plain_lots", make_plain(LOTS, LOT), file_name="lots.csv", received_on=date(2026, 11, 19))


def test_an_unknown_layout_is_refused_with_the_known_ones():
    with pytest.raises(Refused) as refused:
        parse("pershing", b"x", file_name="x")
    assert (refused.value.code, str(refused.value)) == (
        Code.UNKNOWN_LAYOUT,
        f"There is no layout 'pershing'; choose one of {', '.join(LAYOUTS)}.",
    )
