"""Interactive Brokers' Flex query of type Activity, as XML.

It needs the sections Open Positions (Summary and Lots) and Cash Report; Account Information, Trades, Cash Transactions
and Net Asset Value are used where they are.
"""

from __future__ import annotations

from portfolios.feeds.layout import FlexLayout
from portfolios.feeds.records import Kind

IBKR_FLEX = FlexLayout(
    name="ibkr_flex",
    title="Interactive Brokers Flex (XML)",
    version=1,
    custodian="ibkr",
    advice=(
        "send the XML of an Activity Flex query with Open Positions (Summary and Lots) and Cash Report, "
        "exactly as it was downloaded"
    ),
    kinds={
        "STK": Kind.STOCK,
        "ETF": Kind.ETF,
        "FUND": Kind.MUTUAL_FUND,
        "BOND": Kind.BOND,
        "BILL": Kind.BOND,
        "OPT": Kind.OPTION,
        "FOP": Kind.OPTION,
        "WAR": Kind.OTHER,
        "IOPT": Kind.OTHER,
        "FUT": Kind.FUTURE,
        "CFD": Kind.OTHER,
        "CASH": Kind.OTHER,
        "CMDTY": Kind.OTHER,
        "CRYPTO": Kind.OTHER,
    },
    movement_kinds={
        "Dividends": "DIVIDEND",
        "Payment In Lieu Of Dividends": "DIVIDEND",
        "Withholding Tax": "FEE",
        "Broker Interest Paid": "INTEREST",
        "Broker Interest Received": "INTEREST",
        "Bond Interest Paid": "INTEREST",
        "Bond Interest Received": "INTEREST",
        "Broker Fees": "FEE",
        "Other Fees": "FEE",
        "Advisor Fees": "FEE",
        "Commission Adjustments": "FEE",
    },
    date_formats=("%Y%m%d", "%Y-%m-%d", "%m/%d/%Y", "%d-%b-%y"),
)
