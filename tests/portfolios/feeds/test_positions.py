from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from portfolios.feeds.parse import parse
from portfolios.feeds.records import Code, Kind, ParsedFile, Refused, Severity
from tests.portfolios.feeds.samples import (
    BND,
    FIDELITY_CORE,
    FIDELITY_HEADER,
    FIDELITY_PENDING,
    FIDELITY_VTI,
    SCHWAB_CASH,
    SCHWAB_HEADER,
    SCHWAB_HEADER_2024,
    SCHWAB_TITLE,
    SCHWAB_TOTAL,
    STATEMENT,
    VTI,
    make_fidelity,
    make_schwab,
)

ALL_ACCOUNTS = '"Positions for All-Accounts as of 05:30 PM ET, 2026/11/20"'


def schwab(content: bytes) -> ParsedFile:
    return parse("schwab_positions", content, file_name="s.csv")


def fidelity(content: bytes) -> ParsedFile:
    return parse("fidelity_positions", content, file_name="f.csv")


def codes(parsed: ParsedFile) -> list[tuple[int | None, Code, Severity]]:
    return [(problem.row_number, problem.code, problem.severity) for problem in parsed.problems]


def holdings(parsed: ParsedFile) -> list[tuple[str, str, Decimal, Decimal | None, Decimal, Decimal | None]]:
    return [
        (held.account_number, held.symbol, held.quantity, held.price, held.market_value, held.cost_basis)
        for held in parsed.positions
    ]


@pytest.mark.parametrize("header", [SCHWAB_HEADER, SCHWAB_HEADER_2024], ids=["until 2024", "since 2024"])
def test_a_schwab_file_is_read_with_its_date_account_holdings_cash_and_total(header):
    parsed = schwab(make_schwab(header=header))
    assert (parsed.as_of, parsed.problems, parsed.row_count) == (date(2026, 11, 20), (), 3)
    assert [(a.account_number, a.name, a.custodian, a.is_masked) for a in parsed.accounts] == [
        ("1234-5678", "Individual", "schwab", False)
    ]
    assert holdings(parsed) == [
        ("1234-5678", "VTI", Decimal(10), Decimal(300), Decimal(3000), Decimal(1500)),
        ("1234-5678", "BND", Decimal("36.8179"), Decimal("70.80"), Decimal("2606.71"), Decimal(2700)),
    ]
    assert [(c.settled, c.unsettled, c.is_split) for c in parsed.cash_balances] == [
        (Decimal("393.29"), Decimal(0), False)
    ]
    assert [(t.found, t.computed, t.foots) for t in parsed.control_totals] == [(Decimal(6000), Decimal(6000), True)]


def test_columns_are_found_by_name_in_any_order():
    header = '"Security Type","Cost Basis","Market Value","Price","Quantity","Description","Symbol"'
    row = '"Equity","$1.00","$20.00","$10.00","2","A COMPANY","BRK/B"'
    cash = '"Cash & Cash Investments","--","$0.00","--","--","--","--"'
    total = '"Account Total","--","$20.00","--","--","--","--"'
    parsed = schwab(make_schwab(row, cash, header=header, end=(total,)))
    assert [(held.symbol, held.kind, held.quantity) for held in parsed.positions] == [("BRK.B", Kind.STOCK, Decimal(2))]


def test_a_masked_account_number_is_told_as_such():
    parsed = schwab(make_schwab(title='"Positions for account Individual   ...678 as of 05:30 PM ET, 2026/11/20"'))
    assert [(a.account_number, a.is_masked) for a in parsed.accounts] == [("...678", True)]


def test_a_schwab_file_of_all_accounts_holds_one_block_an_account():
    blocks = [
        f'"Roth IRA {number}"\r\n{SCHWAB_HEADER}\r\n{VTI}\r\n{BND}\r\n{SCHWAB_CASH}\r\n{SCHWAB_TOTAL}\r\n'
        for number in ("1234-5678", "...999")
    ]
    parsed = schwab("\r\n".join((ALL_ACCOUNTS, "", *blocks)).encode())
    assert [(a.account_number, a.name) for a in parsed.accounts] == [("1234-5678", "Roth IRA"), ("...999", "Roth IRA")]
    assert [held.account_number for held in parsed.positions] == ["1234-5678", "1234-5678", "...999", "...999"]
    assert parsed.problems == ()


ROW = '"{symbol}","NAME","{quantity}","{price}","{value}","{basis}","{kind}"'
ETF = "ETFs & Closed End Funds"


@pytest.mark.parametrize(
    ("row", "code", "severity", "words"),
    [
        pytest.param(
            ("VTI", "48.2304", "$121.41", "$3,383.24", "$1", ETF),
            Code.DOES_NOT_FOOT,
            Severity.QUARANTINE_ROW,
            "VTI: 48.2304 at 121.41 is worth 5,855.65, but the file says 3,383.24",
            id="a value that is not quantity times price",
        ),
        pytest.param(
            ("VTI", "twelve", "$10.00", "$120.00", "$1", ETF),
            Code.BAD_NUMBER,
            Severity.QUARANTINE_ROW,
            "the quantity of VTI 'twelve' is not a number",
            id="a quantity that is a word",
        ),
        pytest.param(
            ("VTI", "1E3", "$10.00", "$10,000.00", "$1", ETF),
            Code.BAD_NUMBER,
            Severity.QUARANTINE_ROW,
            "the quantity of VTI '1E3' is not a number",
            id="a quantity that a spreadsheet has rewritten",
        ),
        pytest.param(
            ("VTI", "N/A", "$10.00", "$120.00", "$1", ETF),
            Code.MISSING_VALUE,
            Severity.QUARANTINE_ROW,
            "the quantity of VTI is missing",
            id="no quantity",
        ),
        pytest.param(
            ("VTI", "10", "N/A", "$120.00", "$1", ETF),
            Code.MISSING_VALUE,
            Severity.QUARANTINE_ROW,
            "VTI has no price",
            id="no price is not the price zero",
        ),
        pytest.param(
            ("VTI", "10", "$0.00", "$120.00", "$1", ETF),
            Code.ZERO_PRICE,
            Severity.QUARANTINE_ROW,
            "VTI has the price zero and the value 120.00",
            id="the price zero beside a value",
        ),
        pytest.param(
            ("VTI", "10", "$0.00", "$0.00", "$1", ETF),
            Code.ZERO_PRICE,
            Severity.FLAG_ACCOUNT,
            "VTI has the price zero",
            id="a worthless holding",
        ),
        pytest.param(
            ("VTI", "-10", "$12.00", "-$120.00", "$1", ETF),
            Code.SHORT_POSITION,
            Severity.QUARANTINE_ROW,
            "VTI is sold short (-10); short positions are not handled here",
            id="a short position",
        ),
        pytest.param(
            ("VTI", "10", "$12.00", "$120.00", "--", ETF),
            Code.MISSING_BASIS,
            Severity.FLAG_ACCOUNT,
            "the cost basis of VTI is missing; gains cannot be computed until it is known",
            id="a basis that is missing",
        ),
        pytest.param(
            ("VTI", "10", "$12.00", "$120.00", "-$5.00", ETF),
            Code.BAD_NUMBER,
            Severity.QUARANTINE_ROW,
            "the cost basis of VTI is negative",
            id="a negative basis",
        ),
        pytest.param(
            ("=SUM(A1)", "10", "$12.00", "$120.00", "$1", ETF),
            Code.BAD_ROW,
            Severity.QUARANTINE_ROW,
            "'=SUM(A1)' is not a symbol",
            id="a spreadsheet formula",
        ),
        pytest.param(
            ("SPY 01/15/2027 700.00 C", "2", "$5.00", "$1,000.00", "$1", "Option"),
            Code.UNSUPPORTED_KIND,
            Severity.FLAG_ACCOUNT,
            "SPY 01/15/2027 700.00 C is an option, which is not traded here; look after it at the custodian",
            id="an option is worth its price a hundred times",
        ),
        pytest.param(
            ("193845XM2", "10,000", "$99.79721", "$9,979.72", "$9,956.80", "Fixed Income"),
            Code.UNSUPPORTED_KIND,
            Severity.FLAG_ACCOUNT,
            "193845XM2 is a bond, which is not traded here; look after it at the custodian",
            id="a bond is priced per hundred",
        ),
        pytest.param(
            ("VTI", "9999999999999", "$12.00", "$120.00", "$1", ETF),
            Code.BAD_NUMBER,
            Severity.QUARANTINE_ROW,
            "the quantity of VTI '9999999999999' is too large to be true",
            id="a quantity beyond belief",
        ),
    ],
)
def test_a_row_that_is_wrong_is_named_with_its_line_and_a_sentence(row, code, severity, words):
    names = ("symbol", "quantity", "price", "value", "basis", "kind")
    content = make_schwab(ROW.format(**dict(zip(names, row, strict=True))), SCHWAB_CASH)
    problem = next(problem for problem in schwab(content).problems if problem.code is not Code.TOTAL_DOES_NOT_FOOT)
    assert (problem.row_number, problem.account_number, problem.code, problem.severity, problem.sentence) == (
        4,
        "1234-5678",
        code,
        severity,
        f"Line 4: {words}.",
    )


def test_a_quarantined_row_is_left_out_and_its_account_is_held():
    parsed = schwab(make_schwab(VTI.replace("$3,000.00", "$3,100.00"), BND, SCHWAB_CASH))
    assert [held.symbol for held in parsed.positions] == ["BND"]
    assert parsed.held_accounts == {"1234-5678"}


def test_a_row_that_stands_twice_is_quarantined_the_second_time():
    parsed = schwab(make_schwab(VTI, VTI, SCHWAB_CASH))
    assert (5, Code.DUPLICATE_ROW, Severity.QUARANTINE_ROW) in codes(parsed)


def test_a_holding_that_was_sold_out_is_no_holding():
    gone = '"UVXY","PROSHARES","0","$33.265","$0.00","N/A","ETFs & Closed End Funds"'
    parsed = schwab(make_schwab(VTI, BND, gone, SCHWAB_CASH))
    assert ([held.symbol for held in parsed.positions], parsed.problems) == (["VTI", "BND"], ())


def test_a_total_that_the_rows_do_not_make_marks_the_account():
    parsed = schwab(make_schwab(VTI, SCHWAB_CASH))
    assert [problem.sentence for problem in parsed.problems] == [
        "Line 1: the value of the account is printed as 6,000.00, but its rows make 3,393.29."
    ]
    assert codes(parsed) == [(1, Code.TOTAL_DOES_NOT_FOOT, Severity.FLAG_ACCOUNT)]


@pytest.mark.parametrize(
    ("quantity", "price", "value", "foots"),
    [
        ("36.8179", "$70.80", "$2,606.71", True),
        ("36.8", "$70.80", "$2,605.44", True),
        ("10", "$300.00", "$3,000.05", True),  # the price may be 300.005
        ("10", "$300.00", "$3,000.08", False),
        ("100,000", "$300.00", "$30,000,500.00", True),
        ("100,000", "$300.00", "$30,000,600.00", False),
        ("0.0001", "$300.00", "$0.03", True),
    ],
)
def test_a_value_foots_within_what_rounding_of_the_printed_figures_explains(quantity, price, value, foots):
    row = ROW.format(symbol="VTI", quantity=quantity, price=price, value=value, basis="$1", kind=ETF)
    parsed = schwab(make_schwab(row, SCHWAB_CASH))
    assert [held.symbol for held in parsed.positions] == (["VTI"] if foots else [])


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        pytest.param(b"", Code.EMPTY_FILE, "is empty", id="an empty file"),
        pytest.param(make_schwab(end=()), Code.TRUNCATED, "cut short", id="no total at the end"),
        pytest.param(make_schwab()[:-40], Code.TRUNCATED, "cut short", id="cut inside a quoted cell"),
        pytest.param(
            f"{SCHWAB_TITLE}\r\n\r\n{SCHWAB_HEADER}\r\n".encode(),
            Code.NO_RECORDS,
            "not taken for an empty account",
            id="a header and nothing else",
        ),
        pytest.param(make_schwab() + make_schwab(), Code.MERGED_FILES, "second file", id="two files in one"),
        pytest.param(
            make_schwab() + f'"Roth IRA ...999"\r\n{SCHWAB_HEADER}\r\n{VTI}\r\n'.encode(),
            Code.MERGED_FILES,
            "begins account ...999 in a file that was for one account",
            id="another account added to the file of one",
        ),
        pytest.param(make_schwab(VTI, SCHWAB_HEADER, BND), Code.TWO_HEADERS, "second header", id="two headers"),
        pytest.param(
            f"{SCHWAB_HEADER}\r\n{VTI}\r\n".encode(),
            Code.NO_ACCOUNT,
            "names an account",
            id="no line names the account",
        ),
        pytest.param(
            make_schwab(header=SCHWAB_HEADER.replace('"Price",', "")),
            Code.WRONG_LAYOUT,
            "without the columns Price",
            id="a column is missing",
        ),
        pytest.param(make_fidelity(), Code.WRONG_LAYOUT, "is a Fidelity positions file", id="the other custodian's"),
        pytest.param(b"PK\x03\x04\x00\x00", Code.WRONG_ENCODING, "NUL", id="a spreadsheet"),
        pytest.param("Positions".encode("utf-16"), Code.WRONG_ENCODING, "NUL", id="UTF-16"),
        pytest.param(b"hello world", Code.WRONG_LAYOUT, "no header row", id="something else"),
        pytest.param(
            make_schwab(title=SCHWAB_TITLE.replace("11/20/2026", "13/45/2026")),
            Code.BAD_DATE,
            "'13/45/2026' is not a date",
            id="a date that does not exist",
        ),
    ],
)
def test_a_schwab_file_that_cannot_be_trusted_is_refused_whole(content, code, words):
    with pytest.raises(Refused) as refused:
        schwab(content)
    assert (refused.value.code, words in str(refused.value)) == (code, True), str(refused.value)


def test_windows_1252_and_a_byte_order_mark_are_understood():
    old = make_schwab(title='"Positions for account Andr\u00e9 1234-5678 as of 05:30 PM ET, 11/20/2026"')
    assert schwab(old).accounts[0].name == "Andr\u00e9"
    assert schwab(old.decode().encode("cp1252")).accounts[0].name == "Andr\u00e9"
    assert schwab(b"\xef\xbb\xbf" + old).accounts[0].name == "Andr\u00e9"


def test_a_fidelity_download_gives_core_cash_as_settled_and_pending_activity_as_unsettled():
    parsed = fidelity(make_fidelity())
    assert (parsed.as_of, parsed.problems) == (date(2026, 11, 20), ())
    assert holdings(parsed) == [("Z12345678", "VTI", Decimal(10), Decimal(300), Decimal(3000), Decimal(1500))]
    assert [(c.account_number, c.settled, c.unsettled, c.is_split) for c in parsed.cash_balances] == [
        ("Z12345678", Decimal("1000.25"), Decimal("-250.25"), True)
    ]


def test_the_older_date_line_of_fidelity_is_understood():
    parsed = fidelity(make_fidelity(end=("", '"legalese, with commas"', '"Date downloaded 07/30/2021 2:26 PM ET"')))
    assert parsed.as_of == date(2021, 7, 30)


def test_cash_and_margin_shares_of_one_security_are_added():
    margin = FIDELITY_VTI.replace(",10,", ",5,").replace("$3,000.00", "$1,500.00").replace("Cash", "Margin")
    assert holdings(fidelity(make_fidelity(FIDELITY_VTI, margin))) == [
        ("Z12345678", "VTI", Decimal(15), Decimal(300), Decimal(4500), Decimal(3000))
    ]


def test_the_same_cash_shares_twice_are_a_duplicate():
    assert (3, Code.DUPLICATE_ROW, Severity.QUARANTINE_ROW) in codes(
        fidelity(make_fidelity(FIDELITY_VTI, FIDELITY_VTI))
    )


@pytest.mark.parametrize(
    ("symbol", "quantity", "price", "value", "kind"),
    [
        ("-SPY270115C700", "2", "$5.00", "$1000.00", Kind.OPTION),
        ("037833100", "10000", "$99.50", "$9950.00", Kind.BOND),
        ("NA", "2", "$5.00", "$10.00", Kind.UNKNOWN),
    ],
)
def test_a_fidelity_symbol_tells_its_kind_and_keeps_its_zeros(symbol, quantity, price, value, kind):
    parsed = fidelity(make_fidelity(f"Z12345678,Joint,{symbol},SOMETHING,{quantity},{price},{value},$1.00,Cash,"))
    assert [(held.symbol, held.kind) for held in parsed.positions] == [(symbol, kind)]


def test_a_fidelity_download_without_its_last_line_marks_every_account():
    parsed = fidelity(make_fidelity(end=()))
    assert (parsed.as_of, codes(parsed)) == (None, [(2, Code.NO_TRAILER, Severity.FLAG_ACCOUNT)])


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        pytest.param(make_fidelity(FIDELITY_VTI, FIDELITY_HEADER), Code.TWO_HEADERS, "second header", id="two headers"),
        pytest.param(
            make_fidelity(FIDELITY_VTI[:45], end=()), Code.TRUNCATED, "the last line, 2, is not whole", id="cut off"
        ),
        pytest.param(
            make_fidelity(FIDELITY_VTI.replace("Z12345678", "")),
            Code.NO_ACCOUNT,
            "line 2: the account number is missing",
            id="a row that might be anybody's",
        ),
        pytest.param(
            f"{FIDELITY_HEADER}\r\n\r\n{'x'}\r\n".encode(), Code.NO_RECORDS, "neither positions nor cash", id="no rows"
        ),
        pytest.param(make_schwab(), Code.WRONG_LAYOUT, "is a Schwab positions file", id="the other custodian's"),
        pytest.param(
            b"Run Date,Account,Action,Symbol,Settlement Date\r\n",
            Code.WRONG_LAYOUT,
            "is a Fidelity transaction history (line 1 tells)",
            id="transactions instead of positions",
        ),
    ],
)
def test_a_fidelity_file_that_cannot_be_trusted_is_refused_whole(content, code, words):
    with pytest.raises(Refused) as refused:
        fidelity(content)
    assert (refused.value.code, words in str(refused.value)) == (code, True), str(refused.value)


def test_the_older_fidelity_file_is_read_section_by_section():
    core = "Core Account,,,,,,\nCASH,15.00,1,20.00,15.00,N/A,\n\nSubTotal of Core Account,,,,,15.00,\n"
    parsed = fidelity((STATEMENT.replace("1315.00,0.00,1315.00", "1330.00,0.00,1330.00") + core).encode())
    assert [(held.symbol, held.kind, held.cusip) for held in parsed.positions] == [
        ("ROBO", Kind.STOCK, ""),
        ("942792RU5", Kind.BOND, "942792RU5"),
    ]
    assert [cash.settled for cash in parsed.cash_balances] == [Decimal(15)]
    assert [(total.what, total.foots) for total in parsed.control_totals] == [
        ("value of Stocks", True),
        ("cost basis of Stocks", True),
        ("value of Bonds", True),
        ("cost basis of Bonds", True),
        ("value of Core Account", True),
        ("value of the account", True),
    ]
    assert {problem.code for problem in parsed.problems} == {Code.UNSUPPORTED_KIND}


def test_a_subtotal_that_the_section_does_not_make_marks_the_account():
    parsed = fidelity(STATEMENT.replace("SubTotal of Stocks,,,,,325.50", "SubTotal of Stocks,,,,,425.50").encode())
    assert "Line 6: the value of Stocks is printed as 425.50, but its rows make 325.50." in {
        problem.sentence for problem in parsed.problems
    }


def test_an_older_fidelity_file_that_ends_inside_a_section_is_refused():
    with pytest.raises(Refused, match="the section's subtotal is still missing for account X12345678"):
        fidelity(STATEMENT[: STATEMENT.index("SubTotal of Bonds")].encode())


def test_fidelity_cash_alone_is_an_account():
    parsed = fidelity(make_fidelity(FIDELITY_CORE))
    assert (parsed.positions, [cash.settled for cash in parsed.cash_balances]) == ((), [Decimal("1000.25")])


def test_pending_activity_alone_is_unsettled_cash():
    parsed = fidelity(make_fidelity(FIDELITY_VTI, FIDELITY_PENDING))
    assert [(cash.settled, cash.unsettled) for cash in parsed.cash_balances] == [(Decimal(0), Decimal("-250.25"))]
