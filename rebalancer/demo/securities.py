"""The securities of the demonstration: real funds and a few stocks, and which of them count as substantially identical.

The law draws no bright line for funds. The groups follow the cautious reading that two funds on the same index, or on
the same bullion, are substantially identical (IRC 1091), and that funds on different indices are not.
"""

from __future__ import annotations

from rebalancer.demo.book import DemoAssetClass, DemoSecurity, DemoWashGroup

ASSET_CLASSES: tuple[DemoAssetClass, ...] = tuple(
    DemoAssetClass(code, name, position)
    for position, (code, name) in enumerate(
        (
            ("US_STOCK", "US stocks"),
            ("US_SMALL", "US small and mid-cap stocks"),
            ("DEVELOPED", "Developed-market stocks"),
            ("EMERGING", "Emerging-market stocks"),
            ("REAL_ESTATE", "Real estate"),
            ("US_BOND", "US investment-grade bonds"),
            ("SHORT_BOND", "Short-term bonds"),
            ("TIPS", "Inflation-protected bonds"),
            ("MUNI_BOND", "Municipal bonds"),
            ("INTL_BOND", "International bonds"),
            ("HIGH_YIELD", "High-yield bonds"),
            ("GOLD", "Gold"),
            ("COMMODITY", "Commodities"),
            ("CASH", "Cash"),
        ),
        start=1,
    )
)

_SAME_INDEX = "These funds track the same index, so selling one at a loss and buying another is treated as a wash sale."
_OWN_INDEX = "No other fund of this list tracks this index; funds on other indices are not treated as identical."
_OWN_STOCK = "Shares of one company; no other security of this list is substantially identical."

_SHARED_GROUPS: dict[str, tuple[str, str]] = {
    "SP_500": ("S&P 500 index", _SAME_INDEX),
    "US_AGGREGATE": (
        "Bloomberg US Aggregate index",
        "These funds track the same index or its float-adjusted form, which hold nearly the same bonds; out of caution "
        "they are treated as identical.",
    ),
    "GOLD_BULLION": (
        "Gold bullion",
        "These trusts hold nothing but gold bullion, so they are treated as identical.",
    ),
    "TREASURY_1_3": (
        "US Treasury bonds of 1 to 3 years",
        "The indices of these funds hold the same Treasury bonds; out of caution they are treated as identical.",
    ),
}

# symbol, CUSIP, name, asset class, group or index, anchor price, tracking volatility, spread in bps, daily volume
_FUNDS: tuple[tuple[str, str, str, str, str, float, float, float, int], ...] = (
    (
        "VTI",
        "922908769",
        "Vanguard Total Stock Market ETF",
        "US_STOCK",
        "CRSP US Total Market",
        335,
        0.006,
        0.4,
        3_600_000,
    ),
    ("SPY", "78462F103", "SPDR S&P 500 ETF Trust", "US_STOCK", "SP_500", 685, 0.004, 0.2, 70_000_000),
    ("VOO", "922908363", "Vanguard S&P 500 ETF", "US_STOCK", "SP_500", 629, 0.004, 0.2, 6_500_000),
    ("IVV", "464287200", "iShares Core S&P 500 ETF", "US_STOCK", "SP_500", 688, 0.004, 0.2, 5_600_000),
    (
        "ITOT",
        "464287150",
        "iShares Core S&P Total U.S. Stock Market ETF",
        "US_STOCK",
        "S&P Total Market",
        149,
        0.006,
        0.7,
        2_600_000,
    ),
    (
        "SCHB",
        "808524102",
        "Schwab U.S. Broad Market ETF",
        "US_STOCK",
        "DJ US Broad Market",
        26.5,
        0.006,
        3.8,
        5_500_000,
    ),
    ("VTV", "922908744", "Vanguard Value ETF", "US_STOCK", "CRSP US Large Cap Value", 193, 0.07, 0.6, 2_300_000),
    ("VUG", "922908736", "Vanguard Growth ETF", "US_STOCK", "CRSP US Large Cap Growth", 488, 0.07, 0.6, 1_100_000),
    ("VB", "922908751", "Vanguard Small-Cap ETF", "US_SMALL", "CRSP US Small Cap", 262, 0.02, 1.2, 800_000),
    ("VO", "922908629", "Vanguard Mid-Cap ETF", "US_SMALL", "CRSP US Mid Cap", 292, 0.06, 0.9, 600_000),
    ("IJR", "464287804", "iShares Core S&P Small-Cap ETF", "US_SMALL", "S&P SmallCap 600", 121, 0.03, 0.9, 4_500_000),
    ("IJH", "464287507", "iShares Core S&P Mid-Cap ETF", "US_SMALL", "S&P MidCap 400", 66, 0.05, 1.5, 7_500_000),
    ("IWM", "464287655", "iShares Russell 2000 ETF", "US_SMALL", "Russell 2000", 248, 0.03, 0.4, 32_000_000),
    (
        "VEA",
        "921943858",
        "Vanguard FTSE Developed Markets ETF",
        "DEVELOPED",
        "FTSE Developed ex US",
        63,
        0.012,
        1.6,
        12_000_000,
    ),
    ("IEFA", "46432F842", "iShares Core MSCI EAFE ETF", "DEVELOPED", "MSCI EAFE IMI", 90, 0.012, 1.1, 10_000_000),
    ("EFA", "464287465", "iShares MSCI EAFE ETF", "DEVELOPED", "MSCI EAFE", 97, 0.012, 1.0, 17_000_000),
    (
        "VXUS",
        "921909768",
        "Vanguard Total International Stock ETF",
        "DEVELOPED",
        "FTSE Global ex US",
        76,
        0.03,
        1.3,
        4_500_000,
    ),
    (
        "VWO",
        "922042858",
        "Vanguard FTSE Emerging Markets ETF",
        "EMERGING",
        "FTSE Emerging Markets",
        54.5,
        0.03,
        1.8,
        9_000_000,
    ),
    (
        "IEMG",
        "46434G103",
        "iShares Core MSCI Emerging Markets ETF",
        "EMERGING",
        "MSCI Emerging Markets IMI",
        68,
        0.02,
        1.5,
        11_000_000,
    ),
    (
        "EEM",
        "464287234",
        "iShares MSCI Emerging Markets ETF",
        "EMERGING",
        "MSCI Emerging Markets",
        55,
        0.02,
        1.8,
        30_000_000,
    ),
    (
        "VNQ",
        "922908553",
        "Vanguard Real Estate ETF",
        "REAL_ESTATE",
        "MSCI US IM Real Estate",
        90,
        0.015,
        1.1,
        3_600_000,
    ),
    (
        "SCHH",
        "808524847",
        "Schwab U.S. REIT ETF",
        "REAL_ESTATE",
        "DJ Equity All REIT Capped",
        21.4,
        0.02,
        4.7,
        3_300_000,
    ),
    (
        "RWX",
        "78463X863",
        "SPDR Dow Jones International Real Estate ETF",
        "REAL_ESTATE",
        "DJ Global ex-US RESI",
        27.5,
        0.12,
        18,
        60_000,
    ),
    ("BND", "921937835", "Vanguard Total Bond Market ETF", "US_BOND", "US_AGGREGATE", 74, 0.004, 1.4, 6_500_000),
    ("AGG", "464287226", "iShares Core U.S. Aggregate Bond ETF", "US_BOND", "US_AGGREGATE", 100, 0.004, 1.0, 8_500_000),
    (
        "LQD",
        "464287242",
        "iShares iBoxx $ Inv Grade Corporate Bond ETF",
        "US_BOND",
        "iBoxx USD Liquid IG",
        111,
        0.04,
        0.9,
        25_000_000,
    ),
    (
        "IEF",
        "464287440",
        "iShares 7-10 Year Treasury Bond ETF",
        "US_BOND",
        "ICE US Treasury 7-10",
        96,
        0.03,
        1.0,
        7_000_000,
    ),
    (
        "BSV",
        "921937827",
        "Vanguard Short-Term Bond ETF",
        "SHORT_BOND",
        "Bloomberg US 1-5 Gov/Credit",
        79,
        0.008,
        1.3,
        2_400_000,
    ),
    ("SHY", "464287457", "iShares 1-3 Year Treasury Bond ETF", "SHORT_BOND", "TREASURY_1_3", 83, 0.006, 1.2, 4_000_000),
    ("VGSH", "", "Vanguard Short-Term Treasury ETF", "SHORT_BOND", "TREASURY_1_3", 58.8, 0.006, 1.7, 2_500_000),
    (
        "TIP",
        "464287176",
        "iShares TIPS Bond ETF",
        "TIPS",
        "ICE US Treasury Inflation Linked",
        110,
        0.008,
        0.9,
        2_500_000,
    ),
    (
        "VTIP",
        "922020805",
        "Vanguard Short-Term Inflation-Protected Securities ETF",
        "TIPS",
        "Bloomberg US 0-5 TIPS",
        49.5,
        0.025,
        2.0,
        1_500_000,
    ),
    (
        "MUB",
        "464288414",
        "iShares National Muni Bond ETF",
        "MUNI_BOND",
        "ICE AMT-Free US National Muni",
        107,
        0.006,
        0.9,
        4_500_000,
    ),
    (
        "VTEB",
        "922907746",
        "Vanguard Tax-Exempt Bond ETF",
        "MUNI_BOND",
        "S&P National AMT-Free Muni",
        50.3,
        0.006,
        2.0,
        5_500_000,
    ),
    (
        "BNDX",
        "92203J407",
        "Vanguard Total International Bond ETF",
        "INTL_BOND",
        "Bloomberg Global Agg ex-USD hedged",
        48.5,
        0.01,
        2.1,
        3_400_000,
    ),
    (
        "HYG",
        "464288513",
        "iShares iBoxx $ High Yield Corporate Bond ETF",
        "HIGH_YIELD",
        "iBoxx USD Liquid High Yield",
        81,
        0.015,
        1.2,
        38_000_000,
    ),
    ("GLD", "78463V107", "SPDR Gold Shares", "GOLD", "GOLD_BULLION", 397, 0.004, 0.5, 9_500_000),
    ("IAU", "464285204", "iShares Gold Trust", "GOLD", "GOLD_BULLION", 81, 0.004, 1.2, 7_000_000),
    (
        "DBC",
        "46138B103",
        "Invesco DB Commodity Index Tracking Fund",
        "COMMODITY",
        "DBIQ Optimum Yield Diversified",
        22.8,
        0.02,
        4.4,
        900_000,
    ),
)

_STOCKS: tuple[tuple[str, str, str, float, float, float, int], ...] = (
    ("AAPL", "037833100", "Apple Inc.", 271, 0.22, 0.4, 47_000_000),
    ("MSFT", "594918104", "Microsoft Corporation", 484, 0.17, 0.4, 22_000_000),
    ("JNJ", "478160104", "Johnson & Johnson", 207, 0.16, 1.0, 7_500_000),
    ("XOM", "30231G102", "Exxon Mobil Corporation", 120, 0.24, 0.9, 15_000_000),
    ("KO", "191216100", "The Coca-Cola Company", 70, 0.15, 1.4, 15_000_000),
)

SWEEP = DemoSecurity(
    "SPAXX", "31617H102", "Fidelity Government Money Market Fund", "SWEEP", "CASH", "OWN_SPAXX", 1.0, 0.0, 0.0, 0
)


def _group(symbol: str, index: str) -> str:
    return index if index in _SHARED_GROUPS else f"OWN_{symbol}"


SECURITIES: tuple[DemoSecurity, ...] = (
    *(
        DemoSecurity(symbol, cusip, name, "ETF", asset_class, _group(symbol, index), price, vol, spread, adv)
        for symbol, cusip, name, asset_class, index, price, vol, spread, adv in _FUNDS
    ),
    *(
        DemoSecurity(symbol, cusip, name, "STOCK", "US_STOCK", f"OWN_{symbol}", price, vol, spread, adv)
        for symbol, cusip, name, price, vol, spread, adv in _STOCKS
    ),
    SWEEP,
)

WASH_GROUPS: tuple[DemoWashGroup, ...] = (
    *(DemoWashGroup(code, name, rationale) for code, (name, rationale) in _SHARED_GROUPS.items()),
    *(
        DemoWashGroup(f"OWN_{symbol}", f"{symbol}: {index} index", _OWN_INDEX)
        for symbol, _, _, _, index, *_ in _FUNDS
        if index not in _SHARED_GROUPS
    ),
    *(DemoWashGroup(f"OWN_{symbol}", f"{symbol}: shares of the company", _OWN_STOCK) for symbol, *_ in _STOCKS),
    DemoWashGroup(SWEEP.wash_group, "Money market fund", "Its price does not move, so it cannot be sold at a loss."),
)

LEGACY_STOCKS: tuple[str, ...] = tuple(symbol for symbol, *_ in _STOCKS)
STALE_SYMBOL = "RWX"
