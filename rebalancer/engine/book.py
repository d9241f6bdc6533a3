"""The book: one frozen columnar snapshot of many accounts, all that a decision may look at.

Units: money, prices and quantities are int64 millionths (micro-dollars, micro-shares); weights are float64 fractions;
dates are datetime64[D] with NaT for "none". Offsets are CSR: account a owns positions
`positions.offsets[a]:positions.offsets[a + 1]`, position p owns lots `lots.offsets[p]:lots.offsets[p + 1]`, model m
owns entries `models.offsets[m]:models.offsets[m + 1]`; an offsets array starts at 0, never falls, and ends at the
number of rows it cuts up. Every table checks its own columns and `Book` checks what they point at, so a wrong one
cannot be built. Small books are made from rows by `rebalancer.engine.book_rows`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rebalancer.engine.policy import Policy

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Dates = NDArray[np.datetime64]

MICRO = 1_000_000
NONE = -1
"""In an index column: no model, no node, no limit of volume."""
WEIGHT_TOLERANCE = 1e-6


class BadBook(ValueError):
    """Columns that do not make a book; the message says which column of what."""


class TaxStatus(IntEnum):
    """Codes of `Accounts.tax_status`."""

    TAXABLE = 0
    DEFERRED = 1
    EXEMPT = 2


class Block(IntEnum):
    """Codes of `Accounts.block`: why an account may not be traded at all."""

    NONE = 0
    DATA_PROBLEM = 1
    FROZEN = 2
    SHORT_POSITION = 3
    UNRECONCILED = 4
    CORPORATE_ACTION = 5


class Kind(IntEnum):
    """Codes of `Securities.kind`. A sweep fund is cash: its shares count as cash at their price and are never traded."""

    ETF = 0
    STOCK = 1
    MUTUAL_FUND = 2
    SWEEP = 3


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Securities:
    """One row a security."""

    symbol: tuple[str, ...]
    price: Ints
    """Micro-dollars a share; 0 means that there is none, never that it is worth nothing."""
    bid: Ints
    ask: Ints
    """Micro-dollars; both 0 where there is no quote: the spread then counts as nothing."""
    adv_shares: Ints
    """Average daily volume in whole shares; NONE where no volume limits the order (mutual funds)."""
    price_age_sessions: Ints
    asset_class: Ints
    wash_group: Ints
    """Index of the substantially identical group; every security is in exactly one, alone or not."""
    kind: Ints
    fractional: Bools
    """May be traded in millionths of a share, if the account's policy wants that."""
    lot_size: Ints
    """Whole-share orders are multiples of this; usually 1."""
    tradable: Bools
    """False while halted or waiting for a corporate action."""

    def __post_init__(self) -> None:
        _check_columns(self, len(self.symbol), "securities", also_negative=("adv_shares",))
        _check(bool((self.adv_shares >= NONE).all()), "securities.adv_shares must be -1 or more")
        _check(bool((self.bid <= self.ask).all()), "securities.bid must not be above securities.ask")
        _check(bool((self.lot_size >= 1).all()), "securities.lot_size must be at least 1")
        _check(bool((self.kind <= max(Kind)).all()), "securities.kind has an unknown code")
        _check(len(set(self.symbol)) == len(self.symbol), "securities.symbol must not repeat")

    @property
    def priced(self) -> Bools:
        return self.price > 0

    @property
    def is_cash(self) -> Bools:
        return self.kind == Kind.SWEEP


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Models:
    """Target weights. Models of models come flattened: a security stands once in a model, with its summed weight.

    `node` is the number of the model's part the entry came from, an index into that model's `node_names`, or NONE.
    Weights of a model's entries and its cash weight sum to one.
    """

    model_id: tuple[str, ...]
    cash_weight: Floats
    offsets: Ints
    security: Ints
    weight: Floats
    node: Ints
    node_names: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        count, entries = len(self.model_id), len(self.security)
        _check_offsets(self.offsets, count, entries, "models.offsets")
        _check(len(self.node_names) == count, "models.node_names must have one row a model")
        for name, length in (("cash_weight", count), ("security", entries), ("weight", entries), ("node", entries)):
            _check(len(getattr(self, name)) == length, f"models.{name} must have {length} rows")
        owner = np.repeat(np.arange(count), np.diff(self.offsets))
        totals = self.cash_weight + np.bincount(owner, self.weight, minlength=count)
        for model in np.flatnonzero(np.abs(totals - 1) > WEIGHT_TOLERANCE)[:1]:
            raise BadBook(f"The weights of model {self.model_id[model]} sum to {totals[model]:.6f}, not to 1.")
        _check(bool((self.weight >= 0).all() and (self.cash_weight >= 0).all()), "models.weight must not be negative")
        nodes = np.array([len(names) for names in self.node_names], dtype=np.int64)
        _check(bool(((self.node >= NONE) & (self.node < nodes[owner])).all()), "models.node is out of range")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Accounts:
    """One row an account. `cash` means settled and unsettled together with sweep funds, before withdrawals."""

    account_id: tuple[str, ...]
    household: Ints
    tax_status: Ints
    cash_settled: Ints
    cash_unsettled: Ints
    """What trades on their way to settlement bring (positive) or take (negative)."""
    cash_reserve: Ints
    """Cash to keep, however small the cash target is."""
    reserve_threshold: Ints
    """No sale refills the reserve while cash is at least reserve - threshold."""
    withdrawals_due: Ints
    """Still within cash, about to leave: not invested, and raised by sales if cash does not suffice."""
    contributions: Ints
    """Came in since the last rebalance; already within cash."""
    model: Ints
    """NONE: no target, so nothing is ever proposed."""
    policy: Ints
    block: Ints
    last_rebalanced_on: Dates
    model_changed_on: Dates
    """The day on which the target that is followed took effect, by a new version or assignment; NaT: not known."""

    def __post_init__(self) -> None:
        signed = ("cash_settled", "cash_unsettled", "model")
        _check_columns(self, len(self.account_id), "accounts", also_negative=signed)
        _check(bool((self.tax_status <= max(TaxStatus)).all()), "accounts.tax_status has an unknown code")
        _check(bool((self.block <= max(Block)).all()), "accounts.block has an unknown code")
        _check(bool((self.model >= NONE).all()), "accounts.model is out of range")
        _check(len(set(self.account_id)) == len(self.account_id), "accounts.account_id must not repeat")
        _check(
            bool((self.reserve_threshold <= self.cash_reserve).all()), "accounts.reserve_threshold is above the reserve"
        )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Positions:
    """One row an account and security, sorted by account. `quantity` counts working orders as done.

    A row of quantity zero carries the flags of a security that is not held. Restrictions come resolved: the firm's,
    the household's, the account's and those on classes together. `hold` stops both sides, for restrictions to
    neither buy nor sell and for securities with orders at work.
    """

    offsets: Ints
    security: Ints
    quantity: Ints
    no_buy: Bools
    no_sell: Bools
    hold: Bools
    basis_known: Bools
    """Every lot has a cost basis."""
    lots_missing: Bools
    """The custodian has not sent all lots; True also stops sales where the lots happen to add up."""

    def __post_init__(self) -> None:
        _check_columns(self, len(self.security), "positions", also_negative=("quantity",))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LotTable:
    """One row a tax lot, sorted by position. `cost_basis` is of the whole lot, micro-dollars; 0 where it is not known."""

    offsets: Ints
    lot_id: tuple[str, ...]
    acquired_on: Dates
    quantity: Ints
    cost_basis: Ints
    inherited: Bools

    def __post_init__(self) -> None:
        _check_columns(self, len(self.lot_id), "lots")
        _check(bool((self.quantity > 0).all()), "lots.quantity must be positive")
        _check(not np.isnat(self.acquired_on).any(), "lots.acquired_on must be a date")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class WashFacts:
    """What a household did in a wash group outside the lots of this book; at most one row a household and group.

    Purchases that are lots of this book need no row: the engine sees them. Rows carry what it cannot see: shares
    bought and sold again, reinvested dividends and purchases of a spouse or at another custodian, and sales at a loss.
    """

    household: Ints
    wash_group: Ints
    sold_at_loss_on: Dates
    """The latest sale at a loss, or NaT."""
    bought_on: Dates
    """The latest purchase not among the lots, or NaT."""
    held_outside: Ints
    """Micro-shares held at accounts that are not managed here."""

    def __post_init__(self) -> None:
        _check_columns(self, len(self.household), "wash")
        pairs = set(zip(self.household.tolist(), self.wash_group.tolist(), strict=True))
        _check(len(pairs) == len(self.household), "wash has two rows for one household and group")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Book:
    """All of it, as of one day.

    :raises BadBook: when a column has a wrong length, points outside its table, or a value that cannot be
    """

    as_of: date
    asset_classes: tuple[str, ...]
    """Names as advisers read them; `Securities.asset_class` points here."""
    wash_groups: int
    """How many groups there are."""
    households: int
    securities: Securities
    models: Models
    policies: tuple[Policy, ...]
    accounts: Accounts
    positions: Positions
    lots: LotTable
    wash: WashFacts

    def __post_init__(self) -> None:
        securities, positions, accounts = len(self.securities.symbol), self.positions, self.accounts
        _check_offsets(positions.offsets, len(accounts.account_id), len(positions.security), "positions.offsets")
        _check_offsets(self.lots.offsets, len(positions.security), len(self.lots.lot_id), "lots.offsets")
        for column, limit, name in (
            (self.securities.asset_class, len(self.asset_classes), "securities.asset_class"),
            (self.securities.wash_group, self.wash_groups, "securities.wash_group"),
            (self.models.security, securities, "models.security"),
            (accounts.household, self.households, "accounts.household"),
            (accounts.model, len(self.models.model_id), "accounts.model"),
            (accounts.policy, len(self.policies), "accounts.policy"),
            (positions.security, securities, "positions.security"),
            (self.wash.household, self.households, "wash.household"),
            (self.wash.wash_group, self.wash_groups, "wash.wash_group"),
        ):
            _check(not len(column) or int(column.max()) < limit, f"{name} is out of range")
        self._check_models()
        self._check_positions()
        late = self.lots.acquired_on > np.datetime64(self.as_of)
        if late.any():
            lot = int(np.argmax(late))
            raise BadBook(f"Lot {self.lots.lot_id[lot]} was acquired after {self.as_of}, the day of the book.")

    def _check_models(self) -> None:
        models = self.models
        owner = np.repeat(np.arange(len(models.model_id)), np.diff(models.offsets))
        keys = owner * len(self.securities.symbol) + models.security
        _check(len(np.unique(keys)) == len(keys), "models.security must not repeat within a model")
        _check(
            not self.securities.is_cash[models.security].any(), "a sweep fund is cash: add its weight to cash_weight"
        )

    def _check_positions(self) -> None:
        account = self.account_of_position()
        keys = np.sort(account * len(self.securities.symbol) + self.positions.security)
        repeated = np.flatnonzero(keys[1:] == keys[:-1])
        for key in keys[repeated[:1]]:
            where = self.accounts.account_id[key // len(self.securities.symbol)]
            raise BadBook(
                f"Account {where} has two positions of {self.securities.symbol[key % len(self.securities.symbol)]}."
            )
        short = (self.positions.quantity < 0) & (self.accounts.block[account] == Block.NONE)
        for row in np.flatnonzero(short)[:1]:
            symbol = self.securities.symbol[self.positions.security[row]]
            raise BadBook(f"Account {self.accounts.account_id[account[row]]} is short {symbol} and is not blocked.")

    def __len__(self) -> int:
        return len(self.accounts.account_id)

    def account_of_position(self) -> Ints:
        """The account's index of every position row."""
        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.positions.offsets))

    def position_value(self) -> Ints:
        """Micro-dollars of every position row, rounded down to the micro; 0 where there is no price."""
        return product(self.positions.quantity, self.securities.price[self.positions.security])

    def cash_micros(self) -> Ints:
        """Cash of every account: settled, unsettled and sweep funds, before withdrawals; micro-dollars."""
        row = np.flatnonzero(self.securities.is_cash[self.positions.security])
        swept = np.zeros(len(self), dtype=np.int64)
        np.add.at(swept, self.account_of_position()[row], self.position_value()[row])
        return self.accounts.cash_settled + self.accounts.cash_unsettled + swept

    def value_micros(self) -> Ints:
        """Value of every account, micro-dollars: cash after withdrawals and all priced positions."""
        invested = np.where(self.securities.is_cash[self.positions.security], 0, self.position_value())
        running = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(invested)])
        held = running[self.positions.offsets[1:]] - running[self.positions.offsets[:-1]]
        return self.cash_micros() - self.accounts.withdrawals_due + held

    def index_of(self, account_ids: Sequence[str]) -> Ints:
        """Indices of accounts by their id, for `solve`.

        :raises KeyError: for an id that is not in the book
        """
        place = {account_id: index for index, account_id in enumerate(self.accounts.account_id)}
        return np.array([place[account_id] for account_id in account_ids], dtype=np.int64)


def product(quantity: Ints, price: Ints) -> Ints:
    """Micro-shares times micro-dollars in micro-dollars, rounded down, without leaving 64 bits on the way."""
    whole, rest = np.divmod(quantity, MICRO)
    dollars, micros = np.divmod(price, MICRO)
    return whole * price + rest * dollars + rest * micros // MICRO


def _check(holds: bool, sentence: str) -> None:
    if not holds:
        raise BadBook(f"{sentence}.")


def _check_offsets(offsets: Ints, owners: int, rows: int, name: str) -> None:
    _check(offsets.dtype == np.int64 and len(offsets) == owners + 1, f"{name} must be {owners + 1} int64 numbers")
    _check(int(offsets[0]) == 0 and int(offsets[-1]) == rows, f"{name} must run from 0 to {rows}")
    _check(bool((np.diff(offsets) >= 0).all()), f"{name} must not fall")


_DTYPES: dict[str, tuple[str, Any]] = {
    "Ints": ("int64", np.int64),
    "Floats": ("float64", np.float64),
    "Bools": ("bool", np.bool_),
    "Dates": ("datetime64[D]", np.dtype("datetime64[D]")),
}


def _check_columns(table: Any, rows: int, name: str, also_negative: Sequence[str] = ()) -> None:
    """Every column has the table's length and its own type, and no number below zero unless it may."""
    for field in fields(table):
        column = getattr(table, field.name)
        if field.name == "offsets" or field.type not in _DTYPES:
            continue
        kind, dtype = _DTYPES[str(field.type)]
        _check(column.dtype == dtype, f"{name}.{field.name} must be {kind}, not {column.dtype}")
        _check(len(column) == rows, f"{name}.{field.name} must have {rows} rows, not {len(column)}")
        if field.type == "Ints" and field.name not in also_negative:
            _check(bool((column >= 0).all()), f"{name}.{field.name} must not be negative")
