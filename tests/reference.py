"""What every test database holds from the start: firms, custodians and a small security master."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from accounts.models import Custodian, Firm
from portfolios.models import AssetClass, Price, Security, WashGroup

PRICED_ON = date(2026, 11, 20)

CLASSES = (
    ("US_EQUITY", "US equity"),
    ("INTL_EQUITY", "International equity"),
    ("US_BOND", "US bonds"),
    ("CASH", "Cash"),
)
# symbol, cusip, name, kind, class, wash group, close, ADV in shares
SECURITIES = (
    ("VTI", "922908769", "Vanguard Total Stock Market ETF", "ETF", "US_EQUITY", "CRSP_US_TOTAL", "300.00", 3_000_000),
    (
        "ITOT",
        "464287150",
        "iShares Core S&P Total U.S. Stock Market ETF",
        "ETF",
        "US_EQUITY",
        "SP_TMI",
        "130.00",
        2_000_000,
    ),
    (
        "VEA",
        "921943858",
        "Vanguard FTSE Developed Markets ETF",
        "ETF",
        "INTL_EQUITY",
        "FTSE_DEV_XUS",
        "60.00",
        9_000_000,
    ),
    ("BND", "921937835", "Vanguard Total Bond Market ETF", "ETF", "US_BOND", "BBG_US_AGG_FLOAT", "74.00", 6_000_000),
    ("AGG", "464287226", "iShares Core U.S. Aggregate Bond ETF", "ETF", "US_BOND", "BBG_US_AGG", "100.00", 8_000_000),
    (
        "VTSAX",
        "922908728",
        "Vanguard Total Stock Market Index Fund Admiral Shares",
        "MUTUAL_FUND",
        "US_EQUITY",
        "CRSP_US_TOTAL",
        "145.00",
        0,
    ),
    ("SPAXX", "31617H102", "Fidelity Government Money Market Fund", "SWEEP", "CASH", "SPAXX", "1.00", 0),
)


def load_reference() -> None:
    """Write the reference rows through the owner's connection."""
    for slug, name in (("birch", "Birch Advisory"), ("cedar", "Cedar Wealth")):
        Firm.objects.using("owner").create(slug=slug, name=name)
    for code, name in (("SCHWAB", "Schwab"), ("FIDELITY", "Fidelity"), ("IBKR", "Interactive Brokers")):
        Custodian.objects.using("owner").create(code=code, name=name)
    classes = {
        code: AssetClass.objects.using("owner").create(code=code, name=name, position=place)
        for place, (code, name) in enumerate(CLASSES)
    }
    for symbol, cusip, name, kind, asset_class, group, close, adv in SECURITIES:
        wash_group, _ = WashGroup.objects.using("owner").get_or_create(
            code=group, defaults={"name": group, "rationale": "Tracks the same index."}
        )
        security = Security.objects.using("owner").create(
            symbol=symbol, cusip=cusip, name=name, kind=kind, asset_class=classes[asset_class], wash_group=wash_group
        )
        price = Decimal(close)
        Price.objects.using("owner").create(
            security=security,
            priced_on=PRICED_ON,
            close=price,
            bid=price - Decimal("0.01") if kind == "ETF" else price,
            ask=price + Decimal("0.01") if kind == "ETF" else price,
            adv_shares=adv,
            source="TEST",
        )
