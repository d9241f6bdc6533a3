"""Finding the firm's account and the installation's security that a record speaks of."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from accounts.models import Account, Custodian
from portfolios.feeds.records import Kind, LotRecord, PositionRecord, PriceRecord, Record, TransactionRecord
from portfolios.feeds.values import is_cusip
from portfolios.models import Security
from portfolios.services.ingest.batch import Batch

AccountKey = tuple[str, str]
Named = PositionRecord | LotRecord | PriceRecord | TransactionRecord

_MASK = re.compile(r"^[.*Xx-]+")
_KIND_WORDS: Mapping[Kind, str] = {
    Kind.ETF: "an exchange-traded fund",
    Kind.STOCK: "a stock",
    Kind.MUTUAL_FUND: "a mutual fund",
    Kind.SWEEP: "a cash sweep fund",
    Kind.BOND: "a bond",
    Kind.OPTION: "an option",
    Kind.FUTURE: "a future",
}
_FORMS: tuple[tuple[str, str], ...] = (
    (r"[A-Z]{3}XX", "a money market fund"),
    (r"[A-Z]{4}X", "a mutual fund"),
    (r"-?[A-Z.]{1,6} ?\d{6}[CP][\d.]+", "an option"),
    (r"[A-Z]{1,5}(\.[A-Z])?", "a stock or an exchange-traded fund"),
)


class UnknownCustodian(ValueError):
    """A batch names a custodian that this installation does not have."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that a record names and we do not have, in a sentence."""

    sentence: str


def account_key(batch: Batch, record: Record) -> AccountKey:
    """The custodian's code in capitals (blank: not said) and the number."""
    return (record.custodian or batch.custodian).upper(), record.account_number


def custodian_ids() -> Mapping[str, int]:
    return dict(Custodian.objects.order_by("id").values_list("code", "id"))


def find_accounts(batch: Batch, records: Iterable[Record]) -> Mapping[AccountKey, int | Unknown]:
    """The account's id, or why there is none, for each custodian and number that the records name."""
    keys = {account_key(batch, record) for record in records}
    exact = {number for _, number in keys if number not in batch.masked}
    accounts = Account.objects.for_firm(batch.firm_id).order_by("id")
    rows = list(accounts.filter(number__in=exact).values_list("custodian__code", "number", "id"))
    if len(exact) < len({number for _, number in keys}):
        rows = list(accounts.values_list("custodian__code", "number", "id"))
    return {key: _find(key, rows, masked=key[1] in batch.masked) for key in keys}


def _find(key: AccountKey, rows: Collection[tuple[str, str, int]], *, masked: bool) -> int | Unknown:
    code, number = key
    ending = _MASK.sub("", number)
    found = [
        pk
        for custodian, known, pk in rows
        if code in ("", custodian) and (ending and known.endswith(ending) if masked else known == number)
    ]
    if len(found) == 1:
        return found[0]
    where = f" at {code}" if code else ""
    if not found:
        return Unknown(f"{number} is no account of this firm{where}; open it first, or correct the number.")
    if masked:
        return Unknown(f"{len(found)} accounts{where} end in {ending}; the file does not tell which of them it means.")
    return Unknown(f"{len(found)} custodians have an account {number}; say which custodian's it is.")


class Securities:
    """The security master by symbol and by CUSIP, as far as some records need it."""

    __slots__ = ("_by_cusip", "_by_symbol")

    def __init__(self, records: Collection[Named]) -> None:
        symbols = {record.symbol for record in records if record.symbol}
        cusips = {record.cusip for record in records if record.cusip}
        rows = Security.objects.order_by("id").values_list("id", "symbol", "cusip")
        self._by_symbol = {symbol: pk for pk, symbol, _ in rows.filter(symbol__in=symbols)}
        self._by_cusip = {cusip: (pk, symbol) for pk, symbol, cusip in rows.filter(cusip__in=cusips)}

    def find(self, record: Named) -> int | Unknown:
        """The security's id; symbol and CUSIP must not speak of two."""
        by_symbol = self._by_symbol.get(record.symbol)
        by_cusip = self._by_cusip.get(record.cusip) if record.cusip else None
        if by_symbol and by_cusip and by_cusip[0] != by_symbol:
            return Unknown(f"{record.symbol} has the CUSIP {record.cusip} in the file, which here is {by_cusip[1]}'s.")
        if by_symbol:
            return by_symbol
        if by_cusip:
            return by_cusip[0]
        return Unknown(f"{_name(record)} is not in the security master; it seems to be {_guess(record)}.")


def _name(record: Named) -> str:
    description = getattr(record, "description", "")
    if not record.symbol:
        return str(description) or record.cusip or "A security without a symbol"
    return f"{record.symbol} ({description})" if description else record.symbol


def _guess(record: Named) -> str:
    kind = getattr(record, "kind", None)
    if isinstance(kind, Kind) and kind in _KIND_WORDS:
        return _KIND_WORDS[kind]
    if is_cusip(record.symbol):
        return "a bond or another security named by its CUSIP"
    return next((words for form, words in _FORMS if re.fullmatch(form, record.symbol)), "of a kind we cannot tell")
