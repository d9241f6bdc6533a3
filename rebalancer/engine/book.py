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
from dataclasses import dataclass
from datetime import date

import numpy as np

from rebalancer.engine.alternates import Alternates
from rebalancer.engine.book_tables import (
    MICRO,
    NONE,
    Accounts,
    BadBook,
    Block,
    HouseholdTaxes,
    Ints,
    Kind,
    LotTable,
    Models,
    Positions,
    RiskModel,
    Securities,
    TaxStatus,
    WashFacts,
    check,
    check_offsets,
    check_range,
    product,
)
from rebalancer.engine.hold_ranges import HoldRanges
from rebalancer.engine.policy import Policy

__all__ = [
    "NONE",
    "Accounts",
    "BadBook",
    "Block",
    "Book",
    "HouseholdTaxes",
    "Kind",
    "LotTable",
    "Models",
    "Positions",
    "RiskModel",
    "Securities",
    "TaxStatus",
    "WashFacts",
]


MOST_WORTH = 2.0**62
"""Micro-dollars of a position, not reached."""


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
    risk: RiskModel | None = None
    """None: distance from the target cannot be measured as risk."""
    taxes: HouseholdTaxes | None = None
    """None: no household has a budget, and tax is that of each lot."""
    ranges: HoldRanges | None = None
    """None: no holding is kept within a range."""
    alternates: Alternates | None = None
    """None: nothing may be bought in another's place."""

    def __post_init__(self) -> None:
        securities, positions, accounts = len(self.securities.symbol), self.positions, self.accounts
        check_offsets(positions.offsets, len(accounts.account_id), len(positions.security), "positions.offsets")
        check_offsets(self.lots.offsets, len(positions.security), len(self.lots.lot_id), "lots.offsets")
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
            check_range(column, limit, name)
        check(self.risk is None or len(self.risk.specific) == securities, "risk must have one row a security")
        check(self.taxes is None or len(self.taxes.netting) == self.households, "taxes must have one row a household")
        self._check_optional()
        self._check_models()
        self._check_positions()
        late = self.lots.acquired_on > np.datetime64(self.as_of)
        if late.any():
            lot = int(np.argmax(late))
            raise BadBook(f"Lot {self.lots.lot_id[lot]} was acquired after {self.as_of}, the day of the book.")

    def _check_optional(self) -> None:
        securities, ranges, alternates = len(self.securities.symbol), self.ranges, self.alternates
        if ranges is not None:
            check_range(ranges.account, len(self.accounts.account_id), "ranges.account")
            check_range(ranges.security, securities, "ranges.security")
        if alternates is not None:
            check_range(alternates.model, len(self.models.model_id), "alternates.model")
            check_range(alternates.security, securities, "alternates.security")
            check_range(alternates.alternate, securities, "alternates.alternate")

    def _check_models(self) -> None:
        models = self.models
        owner = np.repeat(np.arange(len(models.model_id)), np.diff(models.offsets))
        keys = owner * len(self.securities.symbol) + models.security
        check(len(np.unique(keys)) == len(keys), "models.security must not repeat within a model")
        check(not self.securities.is_cash[models.security].any(), "a sweep fund is cash: add its weight to cash_weight")

    def _check_positions(self) -> None:
        account, quantity = self.account_of_position(), self.positions.quantity
        check(self._fits(), "positions.quantity times securities.price does not fit")
        keys = account * len(self.securities.symbol) + self.positions.security
        if not (keys[1:] > keys[:-1]).all():
            keys = np.sort(keys)
        repeated = np.flatnonzero(keys[1:] == keys[:-1])
        for key in keys[repeated[:1]]:
            where = self.accounts.account_id[key // len(self.securities.symbol)]
            raise BadBook(
                f"Account {where} has two positions of {self.securities.symbol[key % len(self.securities.symbol)]}."
            )
        short = np.flatnonzero(quantity < 0)
        for row in short[self.accounts.block[account[short]] == Block.NONE][:1]:
            symbol = self.securities.symbol[self.positions.security[row]]
            raise BadBook(f"Account {self.accounts.account_id[account[row]]} is short {symbol} and is not blocked.")

    def _fits(self) -> bool:
        """Every position is worth less than 64 bits hold; seen by the largest of all, or else by each."""
        quantity, price = self.positions.quantity / MICRO, self.securities.price
        largest = max(quantity.max(initial=0), -quantity.min(initial=0)) * float(price.max(initial=0))
        return largest < MOST_WORTH or bool((np.abs(quantity * price[self.positions.security]) < MOST_WORTH).all())

    def __len__(self) -> int:
        return len(self.accounts.account_id)

    def account_of_position(self) -> Ints:
        """The account's index of every position row."""
        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.positions.offsets))

    def position_value(self) -> Ints:
        """Micro-dollars of every position row, rounded down to the micro; 0 where there is no price."""
        return product(self.positions.quantity, self.securities.price[self.positions.security])

    def cash_micros(self, position_value: Ints | None = None) -> Ints:
        """Cash of every account: settled, unsettled and sweep funds, before withdrawals; micro-dollars."""
        value = self.position_value() if position_value is None else position_value
        cash: Ints = self.accounts.cash_settled + self.accounts.cash_unsettled
        if not self.securities.is_cash.any():
            return cash
        row = np.flatnonzero(self.securities.is_cash[self.positions.security])
        np.add.at(cash, self.account_of_position()[row], value[row])
        return cash

    def value_micros(self, position_value: Ints | None = None) -> Ints:
        """Value of every account, micro-dollars: cash after withdrawals and all priced positions."""
        value = self.position_value() if position_value is None else position_value
        running = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(value)])
        held = running[self.positions.offsets[1:]] - running[self.positions.offsets[:-1]]
        cash = self.accounts.cash_settled + self.accounts.cash_unsettled - self.accounts.withdrawals_due
        total: Ints = cash + held
        return total

    def index_of(self, account_ids: Sequence[str]) -> Ints:
        """Indices of accounts by their id, for `solve`.

        :raises KeyError: for an id that is not in the book
        """
        place = {account_id: index for index, account_id in enumerate(self.accounts.account_id)}
        return np.array([place[account_id] for account_id in account_ids], dtype=np.int64)
