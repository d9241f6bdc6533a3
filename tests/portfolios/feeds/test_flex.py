from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from portfolios.feeds.parse import parse
from portfolios.feeds.records import Code, Kind, ParsedFile, Refused, Severity
from tests.portfolios.feeds.samples import (
    make_cash,
    make_element,
    make_flex,
    make_lot,
    make_position,
    make_schwab,
    make_statement,
)


def flex(content: bytes) -> ParsedFile:
    return parse("ibkr_flex", content, file_name="i.xml")


def test_a_statement_gives_account_position_lots_and_cash():
    parsed = flex(make_flex())
    assert (parsed.as_of, parsed.problems) == (date(2026, 11, 20), ())
    assert [(a.account_number, a.custodian) for a in parsed.accounts] == [("U1234567", "ibkr")]
    assert [(p.symbol, p.cusip, p.kind, p.quantity, p.market_value, p.cost_basis) for p in parsed.positions] == [
        ("VTI", "922908769", Kind.ETF, Decimal(10), Decimal(3000), Decimal(1500))
    ]
    assert [
        (lot.lot_id, lot.acquired_on, lot.holding_start_on, lot.quantity, lot.cost_basis) for lot in parsed.lots
    ] == [("77", date(2020, 3, 2), None, Decimal(10), Decimal(1500))]
    assert [(c.settled, c.unsettled, c.is_split) for c in parsed.cash_balances] == [
        (Decimal("100.50"), Decimal("50.00"), True)
    ]


def test_several_statements_are_several_accounts():
    other = make_statement(make_position(accountId="U7654321"), make_lot(accountId="U7654321"), account="U7654321")
    parsed = flex(make_flex(make_statement(), other))
    assert [account.account_number for account in parsed.accounts] == ["U1234567", "U7654321"]
    assert [lot.account_number for lot in parsed.lots] == ["U1234567", "U7654321"]


def test_a_holding_period_that_began_on_another_day_is_kept():
    parsed = flex(make_flex(make_statement(make_position(), make_lot(holdingPeriodDateTime="2019-01-02;093000"))))
    assert [(lot.acquired_on, lot.holding_start_on) for lot in parsed.lots] == [(date(2020, 3, 2), date(2019, 1, 2))]


def test_lots_of_one_purchase_get_ids_of_their_own():
    half = {"position": "5", "positionValue": "1500", "costBasisMoney": "750"}
    parsed = flex(make_flex(make_statement(make_position(), make_lot(**half), make_lot(**half))))
    assert [lot.lot_id for lot in parsed.lots] == ["77", "77-2"]


@pytest.mark.parametrize(
    ("positions", "code", "severity", "words"),
    [
        pytest.param(
            [make_position(), make_lot(position="9")],
            Code.LOTS_DO_NOT_SUM,
            Severity.QUARANTINE_ROW,
            "the lots of VTI hold 9 shares, but the position is 10",
            id="lots that do not make the position",
        ),
        pytest.param(
            [make_position(), make_lot(costBasisMoney="1400")],
            Code.TOTAL_DOES_NOT_FOOT,
            Severity.FLAG_ACCOUNT,
            "the lots of VTI cost 1,400.00, but the position says 1,500.00",
            id="lots that do not make the basis",
        ),
        pytest.param(
            [make_position(), make_lot(costBasisMoney="")],
            Code.MISSING_BASIS,
            Severity.FLAG_ACCOUNT,
            "the cost basis of VTI is missing; gains cannot be computed until it is known",
            id="a lot without basis",
        ),
        pytest.param(
            [make_position()],
            Code.NO_LOTS,
            Severity.FLAG_ACCOUNT,
            "no position has its lots; switch on Lots beside Summary in the Flex query's Open Positions",
            id="no lots at all",
        ),
        pytest.param(
            [make_lot()],
            Code.LOTS_DO_NOT_SUM,
            Severity.QUARANTINE_ROW,
            "VTI has lots but no SUMMARY element",
            id="lots without a position",
        ),
        pytest.param(
            [make_position(), make_lot(position="-10")],
            Code.NEGATIVE_LOT,
            Severity.QUARANTINE_ROW,
            "a lot of VTI has -10 shares; a lot holds more than none",
            id="a negative lot",
        ),
        pytest.param(
            [make_position(), make_lot(openDateTime="20261121;093000")],
            Code.ACQUIRED_AFTER_AS_OF,
            Severity.QUARANTINE_ROW,
            "a lot of VTI was acquired on 2026-11-21, after 2026-11-20",
            id="a lot of tomorrow",
        ),
        pytest.param(
            [make_position(position="-10", positionValue="-3000")],
            Code.SHORT_POSITION,
            Severity.QUARANTINE_ROW,
            "VTI is sold short (-10); short positions are not handled here",
            id="a short position",
        ),
        pytest.param(
            [make_position(), make_lot(), make_position()],
            Code.DUPLICATE_ROW,
            Severity.QUARANTINE_ROW,
            "VTI stands twice in the account",
            id="a position twice",
        ),
        pytest.param(
            [make_position(currency="GBP"), make_lot(currency="GBP")],
            Code.FOREIGN_CURRENCY,
            Severity.FLAG_ACCOUNT,
            "VTI is in GBP; only US dollars are traded here",
            id="another currency",
        ),
        pytest.param(
            [make_position(currency="XXX"), make_lot()],
            Code.UNKNOWN_WORD,
            Severity.QUARANTINE_ROW,
            "'XXX' is not a currency we know",
            id="an unknown currency",
        ),
        pytest.param(
            [
                make_position(assetCategory="OPT", multiplier="100", positionValue="300000"),
                make_lot(assetCategory="OPT", multiplier="100", positionValue="300000"),
            ],
            Code.UNSUPPORTED_KIND,
            Severity.FLAG_ACCOUNT,
            "VTI is an option, which is not traded here; look after it at the custodian",
            id="an option",
        ),
        pytest.param(
            [make_position(positionValue="3001"), make_lot()],
            Code.DOES_NOT_FOOT,
            Severity.QUARANTINE_ROW,
            "VTI: 10 at 300 is worth 3,000.00, but the file says 3,001.00",
            id="a value that is not quantity times price",
        ),
        pytest.param(
            [make_position(assetCategory="ZZZ"), make_lot()],
            Code.UNKNOWN_WORD,
            Severity.QUARANTINE_ROW,
            "the asset category 'ZZZ' is not known",
            id="an unknown asset category",
        ),
    ],
)
def test_a_position_that_is_wrong_is_named_with_a_sentence(positions, code, severity, words):
    parsed = flex(make_flex(make_statement(*positions)))
    assert [(problem.code, problem.severity, problem.sentence.split(": ", 1)[1]) for problem in parsed.problems] == [
        (code, severity, f"{words}.")
    ]
    assert all(problem.account_number == "U1234567" for problem in parsed.problems)


def test_lots_of_a_quarantined_position_are_left_out_with_it():
    parsed = flex(make_flex(make_statement(make_position(positionValue="3001"), make_lot())))
    assert (parsed.positions, parsed.lots) == ((), ())
    assert parsed.held_accounts == {"U1234567"}


def test_cash_in_another_currency_marks_the_account():
    cash = make_cash() + make_cash(currency="EUR", endingCash="5") + make_cash(currency="BASE_SUMMARY")
    parsed = flex(make_flex(make_statement(cash=cash)))
    assert [(p.code, p.sentence) for p in parsed.problems] == [
        (Code.FOREIGN_CURRENCY, "CashReportCurrency 2: a cash balance is in EUR; only US dollars are traded here.")
    ]


@pytest.mark.parametrize(("total", "codes"), [("3150.5", []), ("3160.5", [Code.TOTAL_DOES_NOT_FOOT])])
def test_positions_and_cash_must_make_the_net_asset_value_without_accruals(total, codes):
    value = make_element(
        "EquitySummaryByReportDateInBase", reportDate="20261120", total=str(float(total) + 7), dividendAccruals="7"
    )
    more = f"<EquitySummaryInBase>{value}</EquitySummaryInBase>"
    assert [problem.code for problem in flex(make_flex(make_statement(more=more))).problems] == codes


def test_trades_and_cash_transactions_become_transactions():
    trade = make_element(
        "Trade", currency="USD", assetCategory="STK", symbol="BRK B", transactionID="9", tradeDate="20261118",
        settleDateTarget="20261119", buySell="SELL", quantity="-3", tradePrice="10.5", proceeds="31.5", taxes="-0.01",
        ibCommission="-1.004", netCash="30.486", fifoPnlRealized="-2.25", levelOfDetail="EXECUTION",
    )  # fmt: skip
    paid = make_element(
        "CashTransaction", currency="USD", dateTime="2026-11-17;202000", amount="-500", type="Deposits/Withdrawals",
        transactionID="10",
    )  # fmt: skip
    more = f"<Trades>{trade}</Trades><CashTransactions>{paid}</CashTransactions>"
    parsed = flex(make_flex(make_statement(more=more)))
    assert [
        (t.transaction_id, t.kind, t.symbol, t.quantity, t.amount, t.fees, t.realised_gain, t.trade_on, t.settle_on)
        for t in parsed.transactions
    ] == [
        (
            "9",
            "SELL",
            "BRK.B",
            Decimal(-3),
            Decimal("30.49"),
            Decimal("1.01"),
            Decimal("-2.25"),
            date(2026, 11, 18),
            date(2026, 11, 19),
        ),
        ("10", "WITHDRAWAL", "", Decimal(0), Decimal(-500), Decimal(0), None, date(2026, 11, 17), date(2026, 11, 17)),
    ]


ENTITIES = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><FlexQueryResponse>&b;</FlexQueryResponse>'


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        pytest.param(make_schwab(), Code.NOT_XML, "is not XML", id="a CSV file"),
        pytest.param(make_flex()[:-30], Code.TRUNCATED, "cut short or damaged at line 1", id="cut short"),
        pytest.param(ENTITIES, Code.FORBIDDEN_XML, "declares XML entities", id="entities"),
        pytest.param(b"<Other/>", Code.WRONG_LAYOUT, "outermost element is Other", id="other XML"),
        pytest.param(make_flex(kind="TCF"), Code.WRONG_LAYOUT, "Trade Confirmation", id="trade confirmations"),
        pytest.param(
            make_flex().replace(b'count="1"', b'count="2"'),
            Code.TRUNCATED,
            "says it holds 2 statements but holds 1",
            id="count",
        ),
        pytest.param(
            make_flex(make_statement(), make_statement()),
            Code.MERGED_FILES,
            "two statements of account U1234567",
            id="twice",
        ),
        pytest.param(
            make_flex(make_statement(make_position(accountId="U9"))),
            Code.MERGED_FILES,
            "a OpenPosition of account U9 in the statement of U1234567",
            id="accounts merged in one statement",
        ),
        pytest.param(
            make_flex(make_statement(), make_statement(make_position(accountId="U2"), account="U2", to="20261119")),
            Code.MIXED_DATES,
            "statements of several days",
            id="several days",
        ),
        pytest.param(
            make_flex(make_statement().replace("OpenPositions", "Other")),
            Code.MISSING_SECTION,
            "no section Open Positions",
            id="no positions section",
        ),
        pytest.param(
            make_flex(make_statement().replace("CashReport>", "Other>")),
            Code.MISSING_SECTION,
            "no section Cash Report",
            id="no cash section",
        ),
        pytest.param(make_flex(make_statement(to="soon")), Code.BAD_DATE, "'soon' is not a date", id="no date"),
        pytest.param(
            b'<FlexQueryResponse type="AF"><FlexStatements count="0"/></FlexQueryResponse>',
            Code.NO_RECORDS,
            "holds no FlexStatement",
            id="no statement",
        ),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused_whole(content, code, words):
    with pytest.raises(Refused) as refused:
        flex(content)
    assert (refused.value.code, words in str(refused.value)) == (code, True), str(refused.value)
