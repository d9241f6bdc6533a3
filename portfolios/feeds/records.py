"""What a custodian's file says, row by row, before anything is believed. Pure values: no database, no clock.

Money is in the currency of the record, quantities are in shares, both exact as printed. `None`: the file did not say.
Row numbers count the lines of the file from 1 (in XML: the elements of a section).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    """What sort of thing is held, as far as the file tells."""

    ETF = "ETF"
    STOCK = "STOCK"
    MUTUAL_FUND = "MUTUAL_FUND"
    SWEEP = "SWEEP"
    BOND = "BOND"
    OPTION = "OPTION"
    FUTURE = "FUTURE"
    OTHER = "OTHER"
    UNKNOWN = "UNKNOWN"


UNSUPPORTED_KINDS = frozenset({Kind.BOND, Kind.OPTION, Kind.FUTURE, Kind.OTHER})


class Severity(StrEnum):
    """Nothing of the file is taken; or the row is left out; or the row is taken and its account is marked."""

    REFUSE_FILE = "REFUSE_FILE"
    QUARANTINE_ROW = "QUARANTINE_ROW"
    FLAG_ACCOUNT = "FLAG_ACCOUNT"


class Code(StrEnum):
    """Why a file is refused, a row left out or an account marked."""

    # the whole file
    EMPTY_FILE = "EMPTY_FILE"
    NO_RECORDS = "NO_RECORDS"
    TOO_LARGE = "TOO_LARGE"
    WRONG_ENCODING = "WRONG_ENCODING"
    WRONG_LAYOUT = "WRONG_LAYOUT"
    TRUNCATED = "TRUNCATED"
    TWO_HEADERS = "TWO_HEADERS"
    MERGED_FILES = "MERGED_FILES"
    MIXED_DATES = "MIXED_DATES"
    NOT_XML = "NOT_XML"
    FORBIDDEN_XML = "FORBIDDEN_XML"
    MISSING_SECTION = "MISSING_SECTION"
    NO_ACCOUNT = "NO_ACCOUNT"
    FUTURE_DATE = "FUTURE_DATE"
    UNKNOWN_LAYOUT = "UNKNOWN_LAYOUT"
    # one row
    BAD_ROW = "BAD_ROW"
    BAD_NUMBER = "BAD_NUMBER"
    BAD_DATE = "BAD_DATE"
    MISSING_VALUE = "MISSING_VALUE"
    UNKNOWN_WORD = "UNKNOWN_WORD"
    DOES_NOT_FOOT = "DOES_NOT_FOOT"
    NEGATIVE_LOT = "NEGATIVE_LOT"
    SHORT_POSITION = "SHORT_POSITION"
    DUPLICATE_ROW = "DUPLICATE_ROW"
    ACQUIRED_AFTER_AS_OF = "ACQUIRED_AFTER_AS_OF"
    ZERO_PRICE = "ZERO_PRICE"
    LOTS_DO_NOT_SUM = "LOTS_DO_NOT_SUM"
    CROSSED_QUOTE = "CROSSED_QUOTE"
    # an account
    NO_TRAILER = "NO_TRAILER"
    TOTAL_DOES_NOT_FOOT = "TOTAL_DOES_NOT_FOOT"
    MISSING_BASIS = "MISSING_BASIS"
    FOREIGN_CURRENCY = "FOREIGN_CURRENCY"
    UNSUPPORTED_KIND = "UNSUPPORTED_KIND"
    NO_LOTS = "NO_LOTS"


REGISTRATIONS = ("INDIVIDUAL", "JOINT", "TRUST", "TRADITIONAL_IRA", "ROTH_IRA")

TRANSACTION_KINDS = frozenset(
    {"BUY", "SELL", "DIVIDEND", "REINVESTMENT", "INTEREST", "FEE", "CONTRIBUTION", "WITHDRAWAL", "TRANSFER"}
)


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A thing wrong in a file, where it stands, and a sentence for the person who must put it right."""

    row_number: int | None
    account_number: str | None
    code: Code
    sentence: str
    severity: Severity


class Refused(Exception):
    """The whole file is refused and nothing of it may be used. `str()` of it says what, where, and what to do."""

    def __init__(self, code: Code, sentence: str, row_number: int | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.row_number = row_number

    @property
    def problem(self) -> RowProblem:
        return RowProblem(self.row_number, None, self.code, self.sentence, Severity.REFUSE_FILE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """`custodian` is the code of whose account number it is, blank where neither file nor layout says."""

    row_number: int
    account_number: str
    custodian: str = ""
    currency: str = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord(Record):
    """An account. Only `plain_accounts` fills more than the number and the name.

    `is_masked` tells that the custodian printed only the end of the number ("...234").
    """

    name: str = ""
    is_masked: bool = False
    registration: str = ""
    status: str = ""
    household_id: str = ""
    household_name: str = ""
    client_id: str = ""
    client_name: str = ""
    adviser_email: str = ""
    model_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRecord(Record):
    """Shares held; `cost_basis` is the total for the position."""

    symbol: str
    cusip: str = ""
    description: str = ""
    kind: Kind = Kind.UNKNOWN
    quantity: Decimal
    price: Decimal | None
    market_value: Decimal
    cost_basis: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LotRecord(Record):
    """A tax lot; `cost_basis` is the total for what remains of it.

    `acquired_on` is the day it was opened; `holding_start_on` an earlier or later start of the holding period
    (gift, inheritance, wash sale) where the custodian gives one. `term` is the custodian's own "SHORT" or "LONG".
    """

    symbol: str
    cusip: str = ""
    lot_id: str
    acquired_on: date
    holding_start_on: date | None = None
    quantity: Decimal
    cost_basis: Decimal | None
    is_covered: bool | None = None
    term: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CashRecord(Record):
    """One for an account and currency. A total that is not split stands in `settled`, with `is_split` false."""

    settled: Decimal
    unsettled: Decimal = Decimal(0)
    is_split: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRecord:
    """A day's quote, dollars a share; `adv_shares` is the average daily volume in shares."""

    row_number: int
    symbol: str
    cusip: str = ""
    priced_on: date
    close: Decimal
    bid: Decimal | None = None
    ask: Decimal | None = None
    adv_shares: int | None = None
    currency: str = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRecord(Record):
    """A movement. `quantity` is signed (buys add), `amount` is the signed effect on cash after fees, `fees` positive.

    `kind` is one of TRANSACTION_KINDS. `realised_gain` is the whole gain where the file does not tell short from long.
    """

    transaction_id: str
    kind: str
    trade_on: date
    settle_on: date
    symbol: str = ""
    cusip: str = ""
    description: str = ""
    quantity: Decimal = Decimal(0)
    price: Decimal | None = None
    amount: Decimal
    fees: Decimal = Decimal(0)
    realised_short: Decimal | None = None
    realised_long: Decimal | None = None
    realised_gain: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ControlTotal:
    """A total that the file prints against the sum of what was read, both in dollars."""

    account_number: str
    what: str
    found: Decimal
    computed: Decimal
    tolerance: Decimal

    @property
    def foots(self) -> bool:
        return abs(self.found - self.computed) <= self.tolerance


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFile:
    """All that one file says. Records are in file order; a quarantined row has a problem and no record."""

    layout: str
    version: int
    file_name: str
    as_of: date | None
    row_count: int
    accounts: tuple[AccountRecord, ...] = ()
    positions: tuple[PositionRecord, ...] = ()
    lots: tuple[LotRecord, ...] = ()
    cash_balances: tuple[CashRecord, ...] = ()
    prices: tuple[PriceRecord, ...] = ()
    transactions: tuple[TransactionRecord, ...] = ()
    control_totals: tuple[ControlTotal, ...] = ()
    problems: tuple[RowProblem, ...] = ()

    @property
    def held_accounts(self) -> frozenset[str]:
        """Accounts with a row left out: applying the rest would make a snapshot of them that is wrong."""
        return frozenset(
            problem.account_number
            for problem in self.problems
            if problem.severity is Severity.QUARANTINE_ROW and problem.account_number is not None
        )
