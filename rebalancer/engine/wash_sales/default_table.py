"""The equivalences a firm begins with: widely held US funds and the companies with more than one listed share class.

The index is the one that the fund's sponsor names in its prospectus. A firm reviews and edits the table; the date says
when it was last looked through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from rebalancer.engine.wash_sales.equivalents import EquivalenceTable, Listing, share_classes

REVIEWED_ON = date(2026, 11, 20)

FUNDS: Mapping[str, tuple[str, ...]] = {
    "S&P 500": ("SPY", "IVV", "SPLG SPYM", "VOO VFIAX VFINX VINIX", "FXAIX", "SWPPX"),
    "S&P 500 Equal Weight": ("RSP",),
    "S&P 500 Growth": ("IVW", "SPYG", "VOOG"),
    "S&P 500 Value": ("IVE", "SPYV", "VOOV"),
    "CRSP US Total Market": ("VTI VTSAX VTSMX VITSX",),
    "S&P Total Market": ("ITOT",),
    "S&P Composite 1500": ("SPTM",),
    "Dow Jones US Broad Stock Market": ("SCHB",),
    "Dow Jones US Total Stock Market": ("FSKAX", "SWTSX"),
    "Russell 3000": ("IWV", "VTHR VRTTX"),
    "CRSP US Large Cap": ("VV VLCAX",),
    "Russell 1000": ("IWB", "VONE VRNIX"),
    "Dow Jones US Large-Cap Total Stock Market": ("SCHX",),
    "Russell 1000 Growth": ("IWF", "VONG VRGWX"),
    "Russell 1000 Value": ("IWD", "VONV VRVIX"),
    "CRSP US Large Cap Growth": ("VUG VIGAX",),
    "CRSP US Large Cap Value": ("VTV VVIAX",),
    "Dow Jones US Large-Cap Growth": ("SCHG",),
    "Dow Jones US Large-Cap Value": ("SCHV",),
    "Nasdaq-100": ("QQQ", "QQQM"),
    "S&P MidCap 400": ("IJH", "MDY", "SPMD", "IVOO"),
    "CRSP US Mid Cap": ("VO VIMAX",),
    "Russell Midcap": ("IWR",),
    "S&P SmallCap 600": ("IJR", "SPSM", "VIOO VSMSX"),
    "Russell 2000": ("IWM", "VTWO VRTIX", "FSSNX"),
    "CRSP US Small Cap": ("VB VSMAX",),
    "CRSP US Small Cap Value": ("VBR VSIAX",),
    "Russell 2000 Value": ("IWN", "VTWV"),
    "FTSE Developed All Cap ex US": ("VEA VTMGX",),
    "MSCI EAFE": ("EFA",),
    "MSCI EAFE IMI": ("IEFA",),
    "FTSE Developed ex US": ("SCHF",),
    "S&P Developed Ex-U.S. BMI": ("SPDW",),
    "FTSE Emerging Markets All Cap China A Inclusion": ("VWO VEMAX",),
    "MSCI Emerging Markets": ("EEM",),
    "MSCI Emerging Markets IMI": ("IEMG",),
    "FTSE Emerging": ("SCHE",),
    "FTSE Global All Cap ex US": ("VXUS VTIAX",),
    "MSCI ACWI ex USA IMI": ("IXUS",),
    "FTSE Global All Cap": ("VT VTWAX",),
    "MSCI ACWI": ("ACWI",),
    "Bloomberg US Aggregate Float Adjusted": ("BND VBTLX VBMFX",),
    "Bloomberg US Aggregate Bond": ("AGG", "SPAB", "SCHZ", "FXNAX"),
    "Bloomberg US Universal": ("IUSB",),
    "Bloomberg Global Aggregate ex-USD Float Adjusted RIC Capped (hedged)": ("BNDX VTABX",),
    "S&P National AMT-Free Municipal Bond": ("VTEB VTEAX",),
    "ICE AMT-Free US National Municipal": ("MUB",),
    "MSCI US Investable Market Real Estate 25/50": ("VNQ VGSLX",),
    "Dow Jones Equity All REIT Capped": ("SCHH",),
    "FTSE High Dividend Yield": ("VYM VHYAX",),
    "Dow Jones U.S. Dividend 100": ("SCHD",),
    "LBMA Gold Price": ("GLD", "IAU", "GLDM", "IAUM", "SGOL"),
}
"""Funds by their index; the symbols of one entry are share classes of one portfolio."""

EARLIER_INDICES: Mapping[str, tuple[date, str]] = {
    "VTI VTSAX VTSMX VITSX": (date(2013, 6, 3), "MSCI US Broad Market"),
    "VV VLCAX": (date(2013, 1, 31), "MSCI US Prime Market 750"),
    "VO VIMAX": (date(2013, 1, 31), "MSCI US Mid Cap 450"),
    "VB VSMAX": (date(2013, 1, 31), "MSCI US Small Cap 1750"),
}
"""The index that a portfolio tracked before the day on which it changed."""

COMPANIES: Mapping[str, str] = {
    "Alphabet": "GOOG GOOGL",
    "Berkshire Hathaway": "BRK.A BRK.B",
    "Fox": "FOX FOXA",
    "News Corp": "NWS NWSA",
    "Under Armour": "UA UAA",
    "Lennar": "LEN LEN.B",
    "HEICO": "HEI HEI.A",
    "Zillow": "Z ZG",
    "Brown-Forman": "BF.A BF.B",
    "Liberty Broadband": "LBRDA LBRDK",
}


def _funds() -> list[Listing]:
    rows: list[Listing] = []
    for index, portfolios in FUNDS.items():
        for portfolio in portfolios:
            symbols, since = portfolio.split(), date.min
            if portfolio in EARLIER_INDICES:
                since, earlier = EARLIER_INDICES[portfolio]
                rows += share_classes(symbols[0], earlier, symbols)
            rows += share_classes(symbols[0], index, symbols, since=since)
    return rows


def _companies() -> list[Listing]:
    return [Listing(symbol, company=company) for company, symbols in COMPANIES.items() for symbol in symbols.split()]


DEFAULT_TABLE = EquivalenceTable(REVIEWED_ON, (*_funds(), *_companies()))
