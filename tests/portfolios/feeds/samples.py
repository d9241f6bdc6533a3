"""Small files in the custodians' layouts, to be bent by the tests. All accounts and holdings are invented."""

from __future__ import annotations

from collections.abc import Sequence

SCHWAB_TITLE = '"Positions for account Individual 1234-5678 as of 05:30 PM ET, 11/20/2026"'
SCHWAB_HEADER = '"Symbol","Description","Quantity","Price","Market Value","Cost Basis","Security Type"'
SCHWAB_HEADER_2024 = (
    '"Symbol","Description","Qty (Quantity)","Price","Mkt Val (Market Value)","Cost Basis","Security Type"'
)
VTI = '"VTI","VANGUARD TOTAL STOCK MARKET ETF","10","$300.00","$3,000.00","$1,500.00","ETFs & Closed End Funds"'
BND = '"BND","VANGUARD TOTAL BOND MARKET ETF","36.8179","$70.80","$2,606.71","$2,700.00","ETFs & Closed End Funds"'
SCHWAB_CASH = '"Cash & Cash Investments","--","--","--","$393.29","--","Cash and Money Market"'
SCHWAB_TOTAL = '"Account Total","--","--","--","$6,000.00","$4,200.00","--"'

FIDELITY_HEADER = (
    "Account Number,Account Name,Symbol,Description,Quantity,Last Price,Current Value,Cost Basis Total,Type"
)
FIDELITY_CORE = "Z12345678,Joint,SPAXX**,HELD IN MONEY MARKET,,,$1000.25,,Cash,"
FIDELITY_VTI = 'Z12345678,Joint,VTI,VANGUARD TOTAL STOCK,10,$300.00,"$3,000.00","$1,500.00",Cash,'
FIDELITY_PENDING = "Z12345678,Joint,Pending Activity,,,,-$250.25,,,"
FIDELITY_DATED = '"Date downloaded Nov-20-2026 5:01 p.m ET"'

STATEMENT = """
Account Type,Account #,Beginning mkt Value,Ending mkt Value,Short Balance,Ending Net Value
My Account,X12345678,100.00,1315.00,0.00,1315.00

Symbol/CUSIP,Description,Quantity,Price,Beginning Value,Ending Value,Cost Basis
X12345678,,,,,,
Stocks,,,,,,
ROBO,ROBO GLOBAL,10,32.55,305.50,325.50,300.00

SubTotal of Stocks,,,,,325.50,300.00
Bonds,,,,,,
942792RU5,US TREASURY BILL,1000,98.95,N/A,989.50,980.00

SubTotal of Bonds,,,,,989.50,980.00
"""


def make_schwab(
    *rows: str, title: str = SCHWAB_TITLE, header: str = SCHWAB_HEADER, end: Sequence[str] = (SCHWAB_TOTAL,)
) -> bytes:
    return "\r\n".join((title, "", header, *(rows or (VTI, BND, SCHWAB_CASH)), *end, "")).encode()


def make_fidelity(*rows: str, header: str = FIDELITY_HEADER, end: Sequence[str] = ("", FIDELITY_DATED)) -> bytes:
    return "\r\n".join((header, *(rows or (FIDELITY_CORE, FIDELITY_VTI, FIDELITY_PENDING)), *end, "")).encode()


def make_plain(header: str, *rows: str, end: str | None = None) -> bytes:
    return "\n".join((header, *rows, end if end is not None else f"END,{len(rows)}", "")).encode()


def make_element(tag: str, **attributes: str) -> str:
    inside = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f"<{tag}{inside} />"


def make_position(**changes: str) -> str:
    values = {
        "accountId": "U1234567",
        "currency": "USD",
        "assetCategory": "STK",
        "subCategory": "ETF",
        "symbol": "VTI",
        "cusip": "922908769",
        "multiplier": "1",
        "reportDate": "20261120",
        "position": "10",
        "markPrice": "300",
        "positionValue": "3000",
        "costBasisMoney": "1500",
        "levelOfDetail": "SUMMARY",
    }
    return make_element("OpenPosition", **(values | changes))


def make_lot(**changes: str) -> str:
    values = {
        "levelOfDetail": "LOT",
        "openDateTime": "20200302;103000",
        "holdingPeriodDateTime": "20200302;103000",
        "originatingTransactionID": "77",
    }
    return make_position(**(values | changes))


def make_cash(**changes: str) -> str:
    values = {"accountId": "U1234567", "currency": "USD", "endingCash": "150.5", "endingSettledCash": "100.5"}
    return make_element("CashReportCurrency", **(values | changes))


def make_statement(
    *positions: str, account: str = "U1234567", to: str = "20261120", cash: str = "", more: str = ""
) -> str:
    held = "".join(positions or (make_position(), make_lot()))
    return (
        f'<FlexStatement accountId="{account}" fromDate="{to}" toDate="{to}">'
        f"<CashReport>{cash or make_cash(accountId=account)}</CashReport><OpenPositions>{held}</OpenPositions>{more}"
        "</FlexStatement>"
    )


def make_flex(*statements: str, kind: str = "AF") -> bytes:
    inside = statements or (make_statement(),)
    return (
        f'<FlexQueryResponse queryName="q" type="{kind}"><FlexStatements count="{len(inside)}">'
        f"{''.join(inside)}</FlexStatements></FlexQueryResponse>"
    ).encode()
