"""The tables a book is made of: columns, their units and what each may hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Dates = NDArray[np.datetime64]

MICRO = 1_000_000
NONE = -1
"""In an index column: no model, no node, no limit of volume."""
WEIGHT_TOLERANCE = 1e-6
WASH_WINDOW_DAYS = 30
"""Before and after a sale at a loss (IRC 1091(a))."""
_BLOCK = 16_384  # intermediate columns of this length stay in the cache: six times faster than the whole column at once


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
    """Codes of `Securities.kind`. A sweep fund is cash: its shares count at their price and are never traded."""

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
        check_columns(self, len(self.symbol), "securities", also_negative=("adv_shares",))
        check(bool((self.adv_shares >= NONE).all()), "securities.adv_shares must be -1 or more")
        check(bool((self.bid <= self.ask).all()), "securities.bid must not be above securities.ask")
        check(bool((self.lot_size >= 1).all()), "securities.lot_size must be at least 1")
        check(bool((self.kind <= max(Kind)).all()), "securities.kind has an unknown code")
        check(len(set(self.symbol)) == len(self.symbol), "securities.symbol must not repeat")

    @property
    def priced(self) -> Bools:
        return np.greater(self.price, 0)

    @property
    def is_cash(self) -> Bools:
        return np.equal(self.kind, Kind.SWEEP)


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
        check_offsets(self.offsets, count, entries, "models.offsets")
        check(len(self.node_names) == count, "models.node_names must have one row a model")
        for name, length in (("cash_weight", count), ("security", entries), ("weight", entries), ("node", entries)):
            check(len(getattr(self, name)) == length, f"models.{name} must have {length} rows")
        owner = np.repeat(np.arange(count), np.diff(self.offsets))
        totals = self.cash_weight + np.bincount(owner, self.weight, minlength=count)
        for model in np.flatnonzero(np.abs(totals - 1) > WEIGHT_TOLERANCE)[:1]:
            raise BadBook(f"The weights of model {self.model_id[model]} sum to {totals[model]:.6f}, not to 1.")
        check(bool((self.weight >= 0).all() and (self.cash_weight >= 0).all()), "models.weight must not be negative")
        nodes = np.array([len(names) for names in self.node_names], dtype=np.int64)
        check(bool(((self.node >= NONE) & (self.node < nodes[owner])).all()), "models.node is out of range")


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
        check_columns(self, len(self.account_id), "accounts", also_negative=signed)
        check(bool((self.tax_status <= max(TaxStatus)).all()), "accounts.tax_status has an unknown code")
        check(bool((self.block <= max(Block)).all()), "accounts.block has an unknown code")
        check(bool((self.model >= NONE).all()), "accounts.model is out of range")
        check(len(set(self.account_id)) == len(self.account_id), "accounts.account_id must not repeat")
        check(
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
        check_columns(self, len(self.security), "positions", also_negative=("quantity",))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LotTable:
    """One row a tax lot, sorted by position. `cost_basis` is of the whole lot; 0 where it is not known."""

    offsets: Ints
    lot_id: tuple[str, ...]
    acquired_on: Dates
    quantity: Ints
    cost_basis: Ints
    inherited: Bools

    def __post_init__(self) -> None:
        check_columns(self, len(self.lot_id), "lots")
        check(bool((self.quantity > 0).all()), "lots.quantity must be positive")
        check(not np.isnat(self.acquired_on).any(), "lots.acquired_on must be a date")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RiskModel:
    """Yearly covariance of returns as loadings on common factors and a variance of each security's own.

    `covariance = loadings @ loadings.T + diag(specific)`; factors have unit variance.
    """

    loadings: Floats
    """Securities by factors."""
    specific: Floats

    def __post_init__(self) -> None:
        check(self.loadings.ndim == 2, "risk.loadings must have a row a security and a column a factor")
        check(len(self.specific) == len(self.loadings), "risk.specific must have one value a security")
        check(bool(np.isfinite(self.loadings).all()), "risk.loadings must be finite")
        check(bool((self.specific >= 0).all()), "risk.specific must not be negative")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class HouseholdTaxes:
    """What households may still realise this year, and what they have realised; micro-dollars, one row a household."""

    gain_budget: Ints
    """Net gain that may still be realised, pending sales counted; `NO_BUDGET` where there is no limit."""
    gain_budget_year: Ints
    """That of the whole year, `gain_budget` before anything was realised."""
    tax_budget: Ints
    """Tax on gains that may still be caused, pending sales counted; `NO_BUDGET` where there is no limit."""
    tax_budget_year: Ints
    short_so_far: Ints
    """Net gains of the year with losses carried in, pending sales counted."""
    long_so_far: Ints
    netting: Bools
    """Tax is worked out over the year (Schedule D), not lot by lot at two rates."""
    ordinary_rate: Floats
    """Rate that a deducted loss saves."""
    carried_worth: Floats
    """What a dollar of loss carried into later years is worth."""
    loss_limit: Ints
    """Net loss that may be deducted from other income."""

    def __post_init__(self) -> None:
        budgets = ("gain_budget", "gain_budget_year", "tax_budget", "tax_budget_year")
        signed = (*budgets, "short_so_far", "long_so_far")
        check_columns(self, len(self.gain_budget), "taxes", also_negative=signed)


NO_BUDGET = np.iinfo(np.int64).min


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
        check_columns(self, len(self.household), "wash")
        pairs = set(zip(self.household.tolist(), self.wash_group.tolist(), strict=True))
        check(len(pairs) == len(self.household), "wash has two rows for one household and group")


def product(quantity: Ints, price: Ints) -> Ints:
    """Micro-shares times micro-dollars in micro-dollars, rounded down, without leaving 64 bits on the way."""
    result = np.empty(len(quantity), dtype=np.int64)
    for start in range(0, len(quantity), _BLOCK):
        some, each = quantity[start : start + _BLOCK], price[start : start + _BLOCK]
        whole = some // MICRO
        rest = some - whole * MICRO
        result[start : start + _BLOCK] = whole * each
        if rest.any():
            dollars = each // MICRO
            result[start : start + _BLOCK] += rest * dollars + rest * (each - dollars * MICRO) // MICRO
    return result


def check(holds: bool, sentence: str) -> None:
    """:raises BadBook: with the sentence, unless it holds"""
    if not holds:
        raise BadBook(f"{sentence}.")


def check_range(places: Ints, limit: int, name: str) -> None:
    check(not len(places) or int(places.max()) < limit, f"{name} is out of range")


def check_offsets(offsets: Ints, owners: int, rows: int, name: str) -> None:
    check(offsets.dtype == np.int64 and len(offsets) == owners + 1, f"{name} must be {owners + 1} int64 numbers")
    check(int(offsets[0]) == 0 and int(offsets[-1]) == rows, f"{name} must run from 0 to {rows}")
    check(bool((np.diff(offsets) >= 0).all()), f"{name} must not fall")


_DTYPES: dict[str, tuple[str, Any]] = {
    "Ints": ("int64", np.int64),
    "Floats": ("float64", np.float64),
    "Bools": ("bool", np.bool_),
    "Dates": ("datetime64[D]", np.dtype("datetime64[D]")),
}


def check_columns(table: Any, rows: int, name: str, also_negative: Sequence[str] = ()) -> None:
    """Every column has the table's length and type, and no number below zero unless it may; it turns read-only."""
    for field in fields(table):
        column = getattr(table, field.name)
        if field.name == "offsets" or field.type not in _DTYPES:
            continue
        kind, dtype = _DTYPES[str(field.type)]
        check(column.dtype == dtype, f"{name}.{field.name} must be {kind}, not {column.dtype}")
        check(len(column) == rows, f"{name}.{field.name} must have {rows} rows, not {len(column)}")
        column.setflags(write=False)
        if field.type == "Ints" and field.name not in also_negative:
            check(bool((column >= 0).all()), f"{name}.{field.name} must not be negative")
